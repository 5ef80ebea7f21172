"""The uniform numbers behind all permutations: balanced in nets, or independent."""

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain, repeat
from typing import Literal, TypeAlias, get_args

import numpy as np

from pylime.memory import work_array

__all__ = [
    "DRAWS",
    "MOST_COLUMNS",
    "Draws",
    "KindOfRows",
    "are_balanced",
    "comparable_blocks",
    "field_points",
    "net_sizes",
    "sobol",
    "uniform",
    "uniform_blocks",
]

Draws = Literal["balanced", "independent"]
"""How the rows of permutations are drawn: balancing each other's error, or independently."""

DRAWS = get_args(Draws)

KindOfRows: TypeAlias = Literal["table", "text", "image"]
"""What a row of numbers decides."""

MOST_COLUMNS = 256
"""With more numbers in a row, texts are drawn independently, and tables from a field."""

# The field of 2^8 elements: x^8 + x^4 + x^3 + x^2 + 1, of whose powers all are different.
_FIELD_ROWS, _POLYNOMIAL = 2**8, 0b1_0001_1101
# Bits of the balanced numbers, and how many of them the direction numbers have.
_BITS = 30
_DIRECTION_BITS = 10
# The least of independent numbers: half a step of the generator above 0, which it can return.
_LEAST = 2.0**-54
# About how many independent numbers are drawn at once: so few that they stay in the cache, and that
# their memory is used again, where larger arrays get new pages each time.
_BLOCK_VALUES = 2**13


def net_sizes(kind: KindOfRows, n_columns: int) -> tuple[int, ...]:
    """
    Return how many rows of each net balance each other.

    Parameters
    ----------
    kind
        What the rows decide.
    n_columns
        How many numbers a row has.

    Returns
    -------
    tuple of int
        Powers of 2: the sizes of the first nets, the last of which is that of all others. Empty if
        rows have so many columns that they are drawn independently. They do not depend on
        the number of rows, so that the first ones stay the same if more follow.

    Notes
    -----
    Tables and texts begin with two nets of half the size. How far the errors within a net cancel
    can only be seen if there are other nets, so that intervals from a single one would be too
    narrow; in this way 500 rows, with which `n_permutations="auto"` begins, have two. The nets of
    images are small enough without, and so are those of tables of more than 256 columns.

    Examples
    --------
    >>> net_sizes("table", 30)  # 256, 256, 512, 512 rows and so on
    (256, 256, 512)
    >>> net_sizes("table", 300)
    (256,)
    >>> net_sizes("image", 50)
    (128,)
    >>> net_sizes("text", 300)
    ()
    """
    if kind == "table" and n_columns > MOST_COLUMNS:
        return (_FIELD_ROWS,)
    sizes = {64: 128, 150: 256} if kind == "image" else {128: 512, MOST_COLUMNS: 1024}
    size = next((rows for most, rows in sizes.items() if n_columns <= most), 0)
    if kind == "image" or not size:
        return (size,) * bool(size)
    return (size // 2, size // 2, size)


def are_balanced(n: int, n_columns: int, draws: Draws, kind: KindOfRows) -> bool:
    """
    Return whether n rows are balanced draws from at least two nets.

    From a single net nobody can estimate how far its rows balance each other.
    """
    sizes = net_sizes(kind, n_columns) if draws == "balanced" else ()
    return bool(sizes) and n > sizes[0]


@cache
def _direction_numbers() -> np.ndarray:
    """The first ten direction numbers of 257 columns, as whole numbers below 2^10."""
    text = (files("pylime") / "direction_numbers.csv").read_text(encoding="ascii")
    return np.array([line.split(",") for line in text.split()], dtype=np.uint32)


@cache
def _table_order() -> np.ndarray:
    """
    In which order tables use the columns of the sequence.

    The first two binary digits of a column decide on its bin. In this order those of two or three
    columns are balanced best within 128 to 512 rows: in the sequence's own, some columns imitate
    others.
    """
    text = (files("pylime") / "table_order.csv").read_text(encoding="ascii")
    order = np.array(text.split(","), dtype=np.intp)
    order.flags.writeable = False
    return order


@lru_cache(maxsize=16)
def sobol(n_columns: int, n_rows: int) -> np.ndarray:
    """
    Return the first points of a Sobol sequence, in the order of the Gray code.

    Parameters
    ----------
    n_columns
        Number of dimensions, up to 257.
    n_rows
        Number of points, a power of 2 up to 1024.

    Returns
    -------
    numpy.ndarray
        (n_rows, n_columns) array of whole numbers below 2^30, which cannot be written to. The
        points are those of [JoeKuo2008]; a column lies in one piece of memory.

    References
    ----------
    - [JoeKuo2008] Joe and Kuo (2008), SIAM Journal on Scientific Computing 30, 2635-2654.

    Examples
    --------
    >>> sobol(2, 4) / 2**30
    array([[0.  , 0.  ],
           [0.5 , 0.5 ],
           [0.75, 0.25],
           [0.25, 0.75]])
    """
    columns = np.zeros((n_columns, 1), dtype=np.uint32)
    for directions in _direction_numbers()[:n_columns].T[: n_rows.bit_length() - 1]:
        columns = np.hstack([columns, columns[:, ::-1] ^ directions[:, None]])
    columns <<= _BITS - _DIRECTION_BITS
    columns.flags.writeable = False
    return columns.T


@cache
def field_points() -> np.ndarray:
    """
    Return points of which any two columns fill all pairs of quarters equally often.

    Returns
    -------
    numpy.ndarray
        (256, 85) array of whole numbers below 2^30, which cannot be written to; there cannot be
        more such columns. A column lies in one piece of memory.

    Notes
    -----
    Rows are elements of a field, as vectors of bits. A digit of a column is a linear function of
    the row, and thus an element, too. The elements but 0 are a group; the first two digits of a
    column, and their sum, are a coset of its subgroup of 3 elements. Cosets have nothing in
    common, so that these digits of two columns are independent: the points are an orthogonal
    array of strength 2 with 4 levels [Rao1947]. The other digits make each column a net of
    its own.

    References
    ----------
    - [Rao1947] Rao (1947), Supplement to the Journal of the Royal Statistical Society 9, 128-139.

    Examples
    --------
    >>> quarters = field_points() >> 28
    >>> np.bincount(4 * quarters[:, 7] + quarters[:, 84]).tolist()  # 16 pairs
    [16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16]
    """
    elements = _powers(_POLYNOMIAL, _FIELD_ROWS)
    n_columns = len(elements) // 3
    digits = _independent(elements, [0, n_columns])
    places = np.add.outer(np.arange(n_columns), digits) % len(elements)
    columns = np.zeros((n_columns, 1), dtype=np.uint32)
    for bit in range(len(digits)):
        found = (elements[places] >> bit) & 1
        directions = found @ (1 << (_BITS - 1 - np.arange(len(digits))))
        columns = np.hstack([columns, columns[:, ::-1] ^ directions[:, None].astype(np.uint32)])
    columns.flags.writeable = False
    return columns.T


def _powers(polynomial: int, size: int) -> np.ndarray:
    """The elements of a field but 0, as powers of a generator; bits are coefficients."""
    elements = [1]
    for _ in range(size - 2):
        element = elements[-1] << 1
        elements.append(element ^ polynomial if element >= size else element)
    return np.array(elements)


def _independent(elements: np.ndarray, first: list[int]) -> np.ndarray:
    """Places of as many linearly independent elements as there can be, of which some are given."""
    chosen: list[int] = []
    sums = {0}
    for place in [*first, *range(1, len(elements))]:
        element = int(elements[place])
        if element not in sums:
            chosen.append(place)
            sums |= {element ^ other for other in sums}
    return np.array(chosen)


def uniform_blocks(
    n: int, n_columns: int, draws: Draws, kind: KindOfRows, random: np.random.Generator
) -> Iterator[tuple[slice, np.ndarray]]:
    """
    Draw uniform numbers, some rows at a time.

    Parameters
    ----------
    n, n_columns
        Number of rows and columns.
    draws
        `"balanced"`: consecutive rows are consecutive points of nets, whose rows `net_sizes`
        counts. A net has its own order of columns and its own digital shift [Owen1995], so that
        each row is uniform and nets are independent. Tables use the columns of the sequence in an
        order in which few of them balance each other best. If a table has more columns than a net
        serves, they are divided among several nets of `field_points` side by side, each with its
        own order of rows: the columns of one net balance each other. With more words or
        superpixels than a net serves, and with `"independent"`: the rows are independent.
    kind
        What the rows decide.
    random
        Source of the draws.

    Yields
    ------
    tuple
        A slice of rows, and their numbers, an array of (rows, n_columns) between 0 and 1, without
        these. The first rows are the same whatever `n` is.

    References
    ----------
    - [Owen1995] Owen (1995), Randomly permuted (t,m,s)-nets and (t,s)-sequences.
    """
    for rows, drawn in comparable_blocks(n, n_columns, draws, kind, random):
        if drawn.dtype == np.uint32:
            numbers = drawn + 0.5
            numbers *= 2.0**-_BITS
        else:
            numbers = np.maximum(drawn, _LEAST, out=drawn)
        yield rows, numbers


def comparable_blocks(
    n: int, n_columns: int, draws: Draws, kind: KindOfRows, random: np.random.Generator
) -> Iterator[tuple[slice, np.ndarray]]:
    """
    Draw numbers that are ordered as those of `uniform_blocks`, with less work.

    Parameters
    ----------
    n, n_columns, draws, kind, random
        As of `uniform_blocks`.

    Yields
    ------
    tuple
        A slice of rows, and their numbers, an array of (rows, n_columns): whole numbers below
        2^30 if the rows are balanced, with columns in one piece of memory; else numbers from 0
        to 1.
    """
    sizes = net_sizes(kind, n_columns) if draws == "balanced" else ()
    if sizes:
        for rows, size in _nets(n, sizes):
            yield rows, _net(kind, n_columns, size, random, rows.stop - rows.start).T
        return
    size = max(_BLOCK_VALUES // max(n_columns, 1), 1)
    for start in range(0, n, size):
        stop = min(start + size, n)
        yield slice(start, stop), random.random((stop - start, n_columns))


def _nets(n: int, sizes: tuple[int, ...]) -> Iterator[tuple[slice, int]]:
    """Divide n rows into nets: the rows of each, and how many it would have as a whole."""
    start = 0
    for size in chain(sizes, repeat(sizes[-1])):
        if start >= n:
            return
        yield slice(start, min(start + size, n)), size
        start += size


@lru_cache(maxsize=16)
def _points(kind: KindOfRows, n_columns: int, size: int) -> np.ndarray:
    """The points of a net before it is scrambled: a row for each column that it may use."""
    if kind == "table":
        return np.ascontiguousarray(sobol(len(_table_order()), size).T[_table_order()])
    return sobol(n_columns, size).T


def _net(
    kind: KindOfRows,
    n_columns: int,
    size: int,
    random: np.random.Generator,
    n: int,
    order: np.ndarray | slice = slice(None),
) -> np.ndarray:
    """Draw the first n rows of a net; returns (n_columns, n) whole numbers below 2^30."""
    if kind == "table" and n_columns > MOST_COLUMNS:
        return _field_net(n_columns, random, n)[order]
    taken = random.permutation(n_columns)[order]
    shift = random.integers(2**_BITS, size=n_columns, dtype=np.uint32)[order]
    whole = _points(kind, n_columns, size)[taken, :n]
    whole ^= shift[:, None]
    return whole


def _field_net(n_columns: int, random: np.random.Generator, n: int) -> np.ndarray:
    """Draw the first n rows of a net of many columns, as `_net` does, from parts side by side."""
    points = field_points().T
    parts = np.array_split(random.permutation(n_columns), -(-n_columns // len(points)))
    shift = random.integers(2**_BITS, size=n_columns, dtype=np.uint32)
    whole = np.empty((n_columns, n), dtype=np.uint32)
    for number, own in enumerate(parts):
        columns = random.permutation(len(points))[: len(own)]
        part = points[columns, :n]
        if number:  # with the same order of rows, a column of one part determines one of another
            part = points[columns].take(random.permutation(_FIELD_ROWS)[:n], axis=1, mode="clip")
        whole[own] = part
    whole ^= shift[:, None]
    return whole


def uniform(
    n: int,
    n_columns: int,
    draws: Draws,
    kind: KindOfRows,
    random: np.random.Generator,
    order: np.ndarray | None = None,
) -> np.ndarray:
    """
    Draw uniform numbers.

    Parameters
    ----------
    n, n_columns, draws, kind, random
        As of `uniform_blocks`.
    order
        (n_columns,) positions of the columns in the order in which they are returned; by default
        in their own.

    Returns
    -------
    numpy.ndarray
        (n, n_columns) array of numbers between 0 and 1, without these, of which a column lies in
        one piece of memory. The first rows are the same whatever `n` is.

    Examples
    --------
    >>> numbers = uniform(256, 3, "balanced", "table", np.random.default_rng(1))
    >>> (numbers < 0.25).mean(axis=0)  # of balanced numbers exactly a quarter
    array([0.25, 0.25, 0.25])
    """
    columns = work_array((n_columns, n))
    taken = slice(None) if order is None else order
    sizes = net_sizes(kind, n_columns) if draws == "balanced" else ()
    if sizes:
        # Signed, as these become floating point numbers faster.
        whole = work_array((n_columns, n), np.int32)
        for rows, size in _nets(n, sizes):
            net = _net(kind, n_columns, size, random, rows.stop - rows.start, taken)
            whole[:, rows] = net.view(np.int32)
        np.multiply(whole, 2.0**-_BITS, out=columns)
        columns += 2.0 ** -(_BITS + 1)
        return columns.T
    for rows, numbers in uniform_blocks(n, n_columns, draws, kind, random):
        columns[:, rows] = numbers.T[taken]
    return columns.T
