"""Permutations as masks: draws, blocks of rows, and equal rows."""

import numpy as np

__all__ = ["distinct_rows", "draw_masks", "kept_words", "row_blocks"]

# Number of cells of a mask that fit into a processor's cache.
_CACHED_CELLS = 2**16
# How many random numbers are drawn at once, and how often rows that keep nothing are redrawn.
_BLOCK_VALUES = 1_000_000
_REDRAWS = 100


def draw_masks(
    n: int, n_superpixels: int, p_remove: float, random: np.random.Generator
) -> np.ndarray:
    """
    Draw which superpixels each permutation keeps.

    Parameters
    ----------
    n
        Number of permutations.
    n_superpixels
        Number of superpixels.
    p_remove
        Probability that a superpixel is removed.
    random
        Source of the draws.

    Returns
    -------
    numpy.ndarray
        (n, n_superpixels) array of bool. The first row keeps all superpixels. Rows that keep
        none are drawn again.
    """
    kept = np.empty((n, n_superpixels), dtype=bool)
    rows = max(_BLOCK_VALUES // n_superpixels, 1)
    for start in range(0, n, rows):
        block = kept[start : start + rows]
        block[:] = random.random(block.shape) >= p_remove
    kept[0] = True
    for _ in range(_REDRAWS):
        empty = np.flatnonzero(~kept.any(axis=1))
        if not len(empty):
            return kept
        kept[empty] = random.random((len(empty), n_superpixels)) >= p_remove
    # If so many draws were in vain, a row that keeps any superpixel almost surely keeps one.
    empty = np.flatnonzero(~kept.any(axis=1))
    kept[empty, random.integers(n_superpixels, size=len(empty))] = True
    return kept


def kept_words(n: int, n_words: int, random: np.random.Generator) -> np.ndarray:
    """
    Draw which words each permutation keeps.

    Parameters
    ----------
    n
        Number of permutations.
    n_words
        Number of words.
    random
        Source of the draws.

    Returns
    -------
    numpy.ndarray
        (n, n_words) array of bool. The first row keeps all words. Each other row keeps a
        number of words, drawn uniformly from 1 to all, and draws these without replacement.
    """
    counts = random.integers(1, n_words, n, endpoint=True)
    counts[0] = n_words
    kept = np.empty((n, n_words), dtype=bool)
    for rows in row_blocks(n, n_words):
        # A row keeps the words with the smallest of its random numbers; with 53 bits, two of
        # these are practically never equal.
        numbers = random.random((len(counts[rows]), n_words))
        limits = np.take_along_axis(np.sort(numbers, axis=1), counts[rows, None] - 1, axis=1)
        np.less_equal(numbers, limits, out=kept[rows])
    return kept


def row_blocks(n: int, n_columns: int) -> list[slice]:
    """Divide n rows into blocks that fit into the processor's cache."""
    size = max(_CACHED_CELLS // max(n_columns, 1), 1)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def distinct_rows(kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Find the distinct rows of a mask, so that equal ones are predicted once.

    Parameters
    ----------
    kept
        (n, p) array of bool.

    Returns
    -------
    tuple of numpy.ndarray
        Positions of the m distinct rows, in the order of their first appearance; and for
        each of the n rows, which of the m it equals.

    Examples
    --------
    >>> distinct_rows(np.array([[True, True], [False, True], [True, True]]))
    (array([0, 1]), array([0, 1, 0]))
    """
    packed = np.packbits(kept, axis=1)
    # Opaque bytes sort much faster than rows of numbers.
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse]
