"""Permutations as masks: draws, all there are, blocks of rows, and equal rows."""

import math
from collections.abc import Callable

import numpy as np

from pylime.draws import MOST_COLUMNS, Draws, KindOfRows, comparable_blocks, uniform_blocks

__all__ = ["all_masks", "distinct_rows", "draw_masks", "kept_words", "mask_shares", "row_blocks"]

# Number of cells of a mask that fit into a processor's cache.
_CACHED_CELLS = 2**16
# 2^64 divided by the golden ratio, made odd: Knuth's multiplier for hashes.
_ODD = np.uint64(0x9E3779B97F4A7C15)


def draw_masks(
    n: int,
    n_features: int,
    p_remove: float,
    random: np.random.Generator,
    draws: Draws = "balanced",
    kind: KindOfRows = "image",
) -> np.ndarray:
    """
    Draw which features each permutation keeps, each with the same probability.

    Parameters
    ----------
    n
        Number of permutations.
    n_features
        Number of superpixels or words.
    p_remove
        Probability that one of them is removed, between 0 and 1.
    random
        Source of the draws.
    draws
        `"balanced"` or `"independent"`.
    kind
        Whose nets balance the rows.

    Returns
    -------
    numpy.ndarray
        (n, n_features) array of bool. The first row keeps all features. Rows that keep none are
        drawn again, from the same distribution given that they keep one. The first rows are the
        same whatever `n` is.

    Examples
    --------
    >>> draw_masks(4, 3, p_remove=0.5, random=np.random.default_rng(1)).shape
    (4, 3)
    >>> draw_masks(4, 3, p_remove=0.5, random=np.random.default_rng(1))[0]
    array([ True,  True,  True])
    """
    kept = np.ones((n, n_features), dtype=bool)
    drawn = kept[1:]
    for rows, numbers in uniform_blocks(n - 1, n_features, draws, kind, random):
        np.greater_equal(numbers, p_remove, out=drawn[rows])
    _redraw_empty(drawn, random, lambda numbers: _some_features(numbers, p_remove))
    return kept


def kept_words(
    n: int, n_words: int, random: np.random.Generator, draws: Draws = "balanced"
) -> np.ndarray:
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
    draws
        `"balanced"` or `"independent"`.

    Returns
    -------
    numpy.ndarray
        (n, n_words) array of bool. The first row keeps all words. Each other row keeps a
        number of words, drawn uniformly from 1 to all, and draws these without replacement. The
        first rows are the same whatever `n` is.
    """
    # Balanced numbers come column by column, others row by row.
    balanced = draws == "balanced" and n_words < MOST_COLUMNS
    kept = np.ones((n, n_words), dtype=bool, order="F" if balanced else "C")
    drawn = kept[1:]
    for rows, numbers in comparable_blocks(n - 1, n_words + 1, draws, "text", random):
        # A word stays if its number is below the row's, so that 0 to all words do, each number
        # of them with the same probability.
        np.less(numbers[:, 1:], numbers[:, :1], out=drawn[rows])
    _redraw_empty(drawn, random, _some_words)
    return kept


def all_masks(n_columns: int) -> np.ndarray:
    """
    List all masks that keep something.

    Parameters
    ----------
    n_columns
        Number of words or superpixels.

    Returns
    -------
    numpy.ndarray
        (2^n_columns - 1, n_columns) array of bool: the row that keeps everything first, and those
        that keep more before those that keep less.

    Examples
    --------
    >>> all_masks(2).astype(int)
    array([[1, 1],
           [1, 0],
           [0, 1]])
    """
    numbers = np.arange(2**n_columns - 1, 0, -1)
    kept = (numbers[:, None] >> np.arange(n_columns)[::-1]) & 1 == 1
    return kept[np.argsort(-kept.sum(axis=1), kind="stable")]


def mask_shares(kept: np.ndarray, p_remove: float | None = None) -> np.ndarray:
    """
    Compute the probabilities with which masks are drawn.

    Parameters
    ----------
    kept
        (n, p) array of bool, whose rows keep something.
    p_remove
        Probability that a column is removed, as for `draw_masks`; None for the law of
        `kept_words`.

    Returns
    -------
    numpy.ndarray
        (n,) array. Of p columns a mask that keeps k has the probability 1 / (p C(p, k)), or with
        `p_remove` = r, given that it keeps something, r^(p - k) (1 - r)^k / (1 - r^p). Both
        sum to 1 over `all_masks`.

    Examples
    --------
    >>> mask_shares(all_masks(2))
    array([0.5 , 0.25, 0.25])
    >>> mask_shares(all_masks(2), p_remove=0.5).round(2)
    array([0.33, 0.33, 0.33])
    """
    n_columns = kept.shape[1]
    sizes = range(n_columns + 1)
    if p_remove is None:
        shares = [1 / (n_columns * math.comb(n_columns, size)) for size in sizes]
    else:
        some = -math.expm1(n_columns * math.log(p_remove))
        shares = [p_remove ** (n_columns - k) * (1 - p_remove) ** k / some for k in sizes]
    return np.array(shares)[kept.sum(axis=1)]


def _redraw_empty(
    kept: np.ndarray, random: np.random.Generator, redraw: Callable[[np.ndarray], np.ndarray]
) -> None:
    """
    Replace the rows of a mask that keep nothing.

    Their numbers come from a generator of their own, row by row, so that neither the other rows
    nor the first ones of these depend on how many rows there are.

    Parameters
    ----------
    kept
        (n, p) array of bool.
    random
        The generator that the mask was drawn with.
    redraw
        A function from (m, p + 1) uniform numbers to m rows that keep something.
    """
    empty = np.flatnonzero(~kept.any(axis=1))
    if not len(empty):
        return
    own = random.spawn(1)[0]
    n_columns = kept.shape[1] + 1
    for rows in row_blocks(len(empty), n_columns):
        some = empty[rows]
        kept[some] = redraw(own.random((len(some), n_columns)))


def _some_words(numbers: np.ndarray) -> np.ndarray:
    """Keep the words with the smallest numbers; the first number of a row says how many."""
    n_words = numbers.shape[1] - 1
    places = np.minimum((numbers[:, 0] * n_words).astype(np.intp), n_words - 1)
    # With 53 bits, two numbers of a row are practically never equal.
    ordered = np.sort(numbers[:, 1:], axis=1)
    return numbers[:, 1:] <= np.take_along_axis(ordered, places[:, None], axis=1)


def _some_features(numbers: np.ndarray, p_remove: float) -> np.ndarray:
    """Keep one feature that the first number of a row chooses, and perhaps later ones."""
    n_features = numbers.shape[1] - 1
    # The probabilities that one of the first features is kept, given that any is.
    logs = np.log(p_remove) * np.arange(1, n_features + 1)
    shares = np.expm1(logs) / np.expm1(logs[-1])
    first = np.searchsorted(shares[:-1], numbers[:, :1], side="right")
    places = np.arange(n_features)
    return (places == first) | ((places > first) & (numbers[:, 1:] >= p_remove))


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
    packed = np.packbits(np.ascontiguousarray(kept), axis=1)
    keys = _hashes(packed)
    order = np.argsort(keys)
    ordered = keys[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    # For each row the first one that has the same hash.
    first = np.empty_like(order)
    sizes = np.diff(starts, append=len(order))
    first[order] = np.repeat(np.minimum.reduceat(order, starts), sizes)
    is_new = first == np.arange(len(first))
    again = np.flatnonzero(~is_new)
    if not np.array_equal(packed[again], packed[first[again]]):
        return _distinct_bytes(packed)  # different rows with the same hash
    return np.flatnonzero(is_new), (np.cumsum(is_new) - 1)[first]


def _hashes(packed: np.ndarray) -> np.ndarray:
    """
    Hash rows of bytes to whole numbers of 64 bits; different rows hardly ever share one.

    Each word of 8 bytes is added to the hash of those before it, whose high bits are first
    mixed into the low ones, and the sum is multiplied by an odd constant.
    """
    n_words = -(-packed.shape[1] // 8)
    padded = np.zeros((len(packed), 8 * n_words), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    words = padded.view(np.uint64)
    hashes = words[:, 0].copy()
    for number in range(1, n_words):
        hashes ^= hashes >> np.uint64(32)
        hashes *= _ODD
        hashes += words[:, number]
    return hashes


def _distinct_bytes(packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct rows of an array of bytes; returns what `distinct_rows` does."""
    # Opaque bytes sort much faster than rows of numbers.
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse]
