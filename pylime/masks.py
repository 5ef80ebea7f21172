"""Perturbed cases on their way to the model: which differ, and whether all came through."""

from typing import Any

import numpy as np

__all__ = ["check_rows", "distinct_rows"]


def distinct_rows(kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Find the rows of a mask that differ, so that equal ones are predicted once.

    Parameters
    ----------
    kept
        (n, p) array of bool.

    Returns
    -------
    tuple of numpy.ndarray
        Positions of the m distinct rows, in the order of their first appearance; and for
        each of the n rows which of the m it equals.

    Examples
    --------
    >>> distinct_rows(np.array([[True, True], [False, True], [True, True]]))
    (array([0, 1]), array([0, 1, 0]))
    """
    packed = np.packbits(kept, axis=1)
    # Rows as opaque bytes sort much faster than rows as tuples of numbers.
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse]


def check_rows(prepared: Any, n: int, what: str) -> None:
    """
    Raise if `preprocess` visibly returned something else than n cases.

    Parameters
    ----------
    prepared
        What it returned: an array, sparse matrix, frame, tensor, list, or a dictionary of
        these. Anything else passes.
    n
        How many cases it was given.
    what
        How to call the cases in the error, such as `"pictures"`.

    Raises
    ------
    ValueError
        If the number of rows differs, or it returned None.
    """
    if isinstance(prepared, dict):
        prepared = next(iter(prepared.values()), prepared)
    if prepared is None:
        raise ValueError("`preprocess` must return what the model takes; it returned None.")
    shape = getattr(prepared, "shape", None)
    rows = shape[0] if shape is not None and len(shape) else None
    if rows is None and isinstance(prepared, list):
        several = {len(part) for part in prepared if getattr(part, "ndim", 0)}
        rows = n if several == {n} else len(prepared)  # a list of inputs, or of cases
    if rows is not None and rows != n:
        raise ValueError(
            f"`preprocess` must return one row for each of the {what} of a batch: {n} {what} "
            f"went in, {rows} row{'s' if rows != 1 else ''} came out."
        )
