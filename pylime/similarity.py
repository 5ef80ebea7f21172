"""Similarities of a case to its permutations."""

import numpy as np
from scipy import sparse

__all__ = ["cosine_similarity"]


def cosine_similarity(case: np.ndarray, others: np.ndarray | sparse.csr_array) -> np.ndarray:
    """
    Measure the cosine of the angle between one vector and each of n rows.

    For 0/1 vectors of which the case is all ones this is sqrt(kept / all).

    Parameters
    ----------
    case
        (p,) array.
    others
        (n, p) array or sparse matrix.

    Returns
    -------
    numpy.ndarray
        n similarities; 0 for a row without length.

    Examples
    --------
    >>> cosine_similarity(np.ones(4), np.array([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]]))
    array([1. , 0.5, 0. ])
    """
    case = np.asarray(case, dtype=np.float64)
    dots = np.asarray(others @ case, dtype=np.float64)
    if isinstance(others, sparse.csr_array):
        squares = np.asarray(others.multiply(others).sum(axis=1), dtype=np.float64).ravel()
    else:
        squares = np.einsum("ij,ij->i", others, others, dtype=np.float64)
    lengths = np.sqrt(squares * (case @ case))
    return np.divide(dots, lengths, out=np.zeros(len(dots)), where=lengths > 0)
