"""
Permutations of the rows of a table: drawn, weighted, and put into frames.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from pylime.draws import Draws, uniform, uniform_blocks
from pylime.memory import work_array
from pylime.similarity import RowMetric, exponential_kernel, gower, row_distance
from pylime.tabular.binned import Binned, Bins
from pylime.tabular.columns import Column, Dtype
from pylime.tabular.enumeration import Choices, choices_of, combinations
from pylime.tabular.levels import Levels
from pylime.tabular.neighbourhood import draw_in_neighbourhood
from pylime.tabular.numbers import number_contents
from pylime.tabular.options import ExplainTableOptions
from pylime.tabular.units import CaseUnits

__all__ = [
    "Chunk",
    "Drawing",
    "DrawnUnits",
    "as_array",
    "content",
    "draw_case",
    "in_order",
    "make_chunk",
    "n_values",
    "permuted_frame",
    "records",
    "redrawn",
]

# If more than this share of the rows are distinct, predicting the duplicates is cheaper than
# finding them.
_WORTHWHILE = 0.9

# Where words take more uniform numbers, these are drawn for some permutations at a time.
_MOST_NUMBERS = 2**24

# Similarity of all permutations but copies of the case, if only those have any.
_LEAST_SIMILARITY = 1e-3


@dataclass(eq=False)
class DrawnUnits:
    """
    Words or a group of a single case, and their permutations once they are drawn.

    Attributes
    ----------
    places
        Positions of their columns in the table.
    units
        What is drawn.
    content
        Their contribution to the seed of the case's draws.
    state
        The permutations.
    """

    places: tuple[int, ...]
    units: CaseUnits
    content: bytes
    state: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(frozen=True, eq=False)
class Chunk:
    """
    Some cases, and memory for their permutations.

    Attributes
    ----------
    columns
        The columns of the explainer.
    order
        Positions of the columns that are features, sorted by name, so that a case's draws do not
        depend on the order of the columns.
    features
        The same positions in the order of the columns.
    frame
        The cases.
    n
        Number of permutations of each case.
    encoded
        For each column the values of the cases; None for dates.
    numbers, codes
        A row per column of numbers or of levels, n columns per case.
    slots
        For each column its row of `numbers` or `codes`.
    logical
        Which rows of `codes` are logical.
    binned
        The columns that are drawn and compared all at once, in the first rows of `numbers`.
    alone
        Positions of the other columns that are encoded.
    uniforms
        Positions of the uniform numbers that the columns of `binned` and then those of `alone`
        take, among all in the order of the names.
    floats
        The cases as an array, if all columns are features of floating point numbers.
    drawn
        Words and groups, of a chunk of one case, sorted by name.
    """

    columns: tuple[Column, ...]
    order: list[int]
    features: list[int]
    frame: pd.DataFrame
    n: int
    encoded: list[np.ndarray | None]
    numbers: np.ndarray
    codes: np.ndarray
    slots: Sequence[np.ndarray | None]
    logical: list[bool]
    binned: Binned
    alone: list[int]
    uniforms: np.ndarray
    floats: np.ndarray | None
    drawn: Sequence[DrawnUnits] = ()

    @property
    def n_numbers(self) -> int:
        """How many uniform numbers a permutation takes."""
        return len(self.uniforms) + sum(each.units.n_numbers for each in self.drawn)


@dataclass(frozen=True, eq=False)
class Drawing:
    """
    The permutations of a case, without their values.

    Attributes
    ----------
    design
        (n, p) array: the permutations, compared with the case.
    weights
        (n,) similarity of each permutation to the case.
    distinct
        Positions of the distinct rows, the case first, and for each row which of these it
        equals; None if nearly all rows differ.
    n_numbers
        How many uniform numbers a permutation takes.
    reweighed
        A function from the width of the kernel to the weights; None if there is no kernel.
    """

    design: np.ndarray
    weights: np.ndarray
    distinct: tuple[np.ndarray, np.ndarray] | None
    n_numbers: int
    reweighed: Callable[[float], np.ndarray] | None = None


def make_chunk(
    columns: tuple[Column, ...],
    frame: pd.DataFrame,
    n: int,
    binned: Binned,
    floats: np.ndarray | None = None,
    drawn: Sequence[DrawnUnits] = (),
) -> Chunk:
    """
    Allocate memory for the permutations of some cases.

    Parameters
    ----------
    columns
        The columns of the explainer.
    frame
        The cases, with the types of the training data.
    n
        Number of permutations of each case.
    binned
        Those of the columns that are drawn and compared at once.
    floats
        The cases as an array, if all columns are features of floating point numbers.
    drawn
        Words and groups of a single case, sorted by name.
    """
    features = [position for position, column in enumerate(columns) if column.is_feature]
    encoded: list[np.ndarray | None]
    if floats is not None:
        encoded = list(floats.T)
    else:
        encoded = [
            column.encode(frame.iloc[:, position]) for position, column in enumerate(columns)
        ]
    of_levels = [column for column in columns if column.holds_levels]
    n_numbers = sum(values is not None for values in encoded) - len(of_levels)
    numbers = work_array((n_numbers, n * len(frame)))
    codes = np.empty((len(of_levels), n * len(frame)), dtype=np.int64)
    by_name = sorted(features, key=lambda position: str(columns[position].name))
    known, at_once = {*features}, {*binned.places}
    rest = [*by_name, *(place for place in range(len(columns)) if place not in known)]
    alone = [place for place in rest if encoded[place] is not None and place not in at_once]
    return Chunk(
        columns,
        by_name,
        features,
        frame,
        n,
        encoded,
        numbers,
        codes,
        _slots(columns, encoded, numbers, codes, binned),
        [column.feature_type == "logical" for column in of_levels],
        binned,
        alone,
        _order_of_uniforms(
            columns,
            [place for place in by_name if encoded[place] is not None],
            [*binned.places, *alone],
        ),
        floats,
        drawn,
    )


def _order_of_uniforms(
    columns: Sequence[Column], by_name: Sequence[int], order: Sequence[int]
) -> np.ndarray:
    """
    Return which of the uniform numbers the columns take, in some order of these.

    The numbers go by name, so that draws do not depend on the order of the columns.
    """
    takes = {
        place: 1 + columns[place].draws_gaps for place in by_name if not columns[place].is_kept
    }
    first = dict(zip(takes, np.cumsum([0, *takes.values()]).tolist(), strict=False))
    numbers = [
        first[place] + number for place in order if place in takes for number in range(takes[place])
    ]
    return np.array(numbers, dtype=np.intp)


def _slots(
    columns: Sequence[Column],
    encoded: Sequence[np.ndarray | None],
    numbers: np.ndarray,
    codes: np.ndarray,
    binned: Binned,
) -> list[np.ndarray | None]:
    """Give each column its row of the numbers or codes; None to one that is not encoded."""
    at_once = dict(zip(binned.places, numbers, strict=False))
    next_numbers, next_codes = iter(numbers[len(at_once) :]), iter(codes)
    slots: list[np.ndarray | None] = []
    for position, (values, column) in enumerate(zip(encoded, columns, strict=True)):
        if values is None:
            slots.append(None)
        elif position in at_once:
            slots.append(at_once[position])
        else:
            slots.append(next(next_codes if column.holds_levels else next_numbers))
    return slots


def content(chunk: Chunk, row: int) -> bytes:
    """Return the values of a case as bytes, independent of its name and the order of columns."""
    if chunk.floats is not None:
        return number_contents(chunk.floats[row, chunk.order])
    parts = []
    for position in chunk.order:
        values = chunk.encoded[position]
        value = chunk.frame.iat[row, position] if values is None else values[row]
        parts.append(chunk.columns[position].content(value))
    return b"|".join([*parts, *(each.content for each in chunk.drawn)])


def draw_case(
    chunk: Chunk,
    row: int,
    random: np.random.Generator,
    options: ExplainTableOptions,
    draws: Draws = "balanced",
    n_all: int | None = None,
) -> Drawing:
    """
    Draw the permutations of a case, or list all there are.

    Parameters
    ----------
    chunk
        The cases; its memory takes the permutations.
    row
        Position of the case.
    random
        Source of the draws.
    options
        How permutations are weighted.
    draws
        `"balanced"` or `"independent"`.
    n_all
        If the permutations are all there are: how many draws their weights stand for.

    Returns
    -------
    Drawing
        The design of the permutations, their weights, and which of them are equal.
    """
    rows = slice(row * chunk.n, (row + 1) * chunk.n)
    width = _width(chunk, options)
    drawn_within = width if options.sampling == "kernel" else None
    bins = chunk.binned.bins_of(_values_of(chunk, row))
    shares: np.ndarray | float = 1.0
    if n_all is None:
        _draw_values(chunk, row, random, draws, bins, drawn_within)
    else:
        shares = n_all * _list_values(chunk, drawn_within)
    design = _compare(chunk, rows, bins)
    of_columns = (
        slot[rows]
        for slot, column in zip(chunk.slots, chunk.columns, strict=True)
        if slot is not None and not column.is_kept
    )
    of_units = (key for each in chunk.drawn for key in each.units.keys(each.state))
    distinct = _distinct_rows(chain(of_columns, of_units), chunk.n)
    matrix = np.array(design).T
    n_numbers = chunk.n_numbers
    if options.sampling == "kernel":
        return Drawing(matrix, shares * np.ones(chunk.n), distinct, n_numbers)
    if options.dist_fun == "gower":
        weights = shares * _similarity(chunk, rows, design, options, n_all is not None)
        return Drawing(matrix, weights, distinct, n_numbers)
    kernel = partial(exponential_kernel, _distance(chunk, rows, design, options.dist_fun))
    reweighed = kernel if n_all is None else None
    return Drawing(matrix, shares * kernel(width), distinct, n_numbers, reweighed)


def _width(chunk: Chunk, options: ExplainTableOptions) -> float:
    """Return the width of the kernel."""
    n_features = len(chunk.features) + sum(len(each.units.features) for each in chunk.drawn)
    return options.kernel_width or 0.75 * float(np.sqrt(n_features))


def n_values(chunk: Chunk) -> tuple[list[Hashable], list[int]]:
    """
    Count the values that permutations of a single case can have.

    Returns
    -------
    tuple of list
        The columns that can have any number of values; and the number of values of the others,
        and of the words and groups.
    """
    endless = [
        chunk.columns[place].name
        for place in chunk.features
        if not (chunk.columns[place].is_kept or chunk.columns[place].holds_levels)
    ]
    sizes = [len(own.codes) for own in _choices(chunk, None).values()]
    return endless, sizes + [each.units.n_states for each in chunk.drawn]


def _choices(chunk: Chunk, width: float | None) -> dict[int, Choices]:
    """Return the values that permutations of a single case have in each column of levels."""
    found = {}
    for place in chunk.order:
        column, values = chunk.columns[place], chunk.encoded[place]
        if isinstance(column, Levels) and values is not None:
            found[place] = choices_of(column, int(values[0]), width)
    return found


def _list_values(chunk: Chunk, width: float | None) -> np.ndarray:
    """Write all permutations of a single case into the chunk; returns their probabilities."""
    choices = _choices(chunk, width)
    every = [each.units.every(width) for each in chunk.drawn]
    shares = [own.shares for own in choices.values()] + [shares for _, shares in every]
    places, probabilities = combinations(shares)
    for slot, values, column in zip(chunk.slots, chunk.encoded, chunk.columns, strict=True):
        if slot is not None and values is not None and column.is_kept:
            slot[:] = values[0]
    for (position, own), place in zip(choices.items(), places, strict=False):
        slot = chunk.slots[position]
        assert slot is not None
        slot[:] = own.codes[place]
    for each, (state, _), place in zip(chunk.drawn, every, places[len(choices) :], strict=True):
        each.state = state[:, place]
    return probabilities


def _values_of(chunk: Chunk, row: int) -> np.ndarray:
    """Return the numbers of a case in the columns that are drawn at once."""
    values = [chunk.encoded[position] for position in chunk.binned.places]
    return np.array([np.nan if column is None else column[row] for column in values])


def _compare(chunk: Chunk, rows: slice, bins: Bins) -> np.ndarray | list[np.ndarray]:
    """Compare the permutations of a case with the case: the columns of the design."""
    binned = chunk.binned
    inside = binned.compare(chunk.numbers[: len(binned.places), rows], bins)
    if binned.places == tuple(chunk.features) and bins.known.all() and not chunk.drawn:
        return inside
    at_once = {
        position: column
        for position, column, known in zip(binned.places, inside, bins.known, strict=True)
        if known
    }
    design = []
    for feature in in_order(chunk):
        if isinstance(feature, DrawnUnits):
            design += [*feature.units.compare(feature.state)]
            continue
        slot = chunk.slots[feature]
        if feature in at_once:
            design.append(at_once[feature])
        elif slot is None:
            design.append(np.zeros(chunk.n, dtype=bool))
        else:
            design.append(chunk.columns[feature].compare(slot[rows]))
    return design


def in_order(chunk: Chunk) -> "list[int | DrawnUnits]":
    """
    Return the features in the order of the design.

    These are the positions of columns, and words and groups, which stand where the first of their
    columns does.
    """
    if not chunk.drawn:
        return [*chunk.features]
    found = {each.places[0]: each for each in chunk.drawn}
    return [found.get(place, place) for place in sorted([*chunk.features, *found])]


def _distance(
    chunk: Chunk,
    rows: slice,
    design: np.ndarray | Sequence[np.ndarray],
    dist_fun: RowMetric | Callable[[pd.DataFrame, pd.DataFrame], Any],
) -> np.ndarray:
    """Compute the distance of each permutation of a case to the case."""
    if callable(dist_fun):
        return _own_distance(dist_fun, chunk, rows)
    parts = iter(design)
    scaled = []
    for feature in in_order(chunk):
        if isinstance(feature, DrawnUnits):
            scaled += [next(parts) for _ in feature.units.features]
        else:
            scaled.append(chunk.columns[feature].scale(next(parts)))
    matrix = np.column_stack(scaled)
    return row_distance(matrix[0], matrix, dist_fun)


def _draw_values(
    chunk: Chunk,
    row: int,
    random: np.random.Generator,
    draws: Draws,
    bins: Bins,
    width: float | None,
) -> None:
    """
    Write the permutations of a case, encoded, into the memory of the chunk.

    With a width they are drawn from the neighbourhood of a kernel.
    """
    first = row * chunk.n
    at_once = chunk.binned.places
    chunk.numbers[: len(at_once), first] = _values_of(chunk, row)
    for position in chunk.alone:
        column, slot, value = _drawn_column(chunk, row, position)
        slot[first] = value
        if column.is_kept:
            slot[first + 1 : first + chunk.n] = value
    for rows, u in _uniform_numbers(chunk, random, draws):
        others = slice(first + 1 + rows.start, first + 1 + rows.stop)
        _draw_columns(chunk, row, others, u, bins, width)
        n_before = len(chunk.uniforms)
        for each in chunk.drawn:
            own = u[n_before : n_before + each.units.n_numbers]
            n_before += len(own)
            _draw_units(each, own, rows, chunk.n, draws, width)


def _draw_units(
    drawn: DrawnUnits, u: np.ndarray, rows: slice, n: int, draws: Draws, width: float | None
) -> None:
    """Draw the n permutations of words or a group, or some rows of them but the case."""
    if not len(u):  # they have numbers of their own
        if not rows.start:
            drawn.state = drawn.units.draw(u, n, draws, width)
        return
    state = drawn.units.draw(u, u.shape[1] + 1, draws, width)
    if state.shape[1] == n:
        drawn.state = state
        return
    if not rows.start:
        drawn.state = np.empty((len(state), n), dtype=state.dtype)
        drawn.state[:, 0] = state[:, 0]
    drawn.state[:, rows.start + 1 : rows.stop + 1] = state[:, 1:]


def _uniform_numbers(
    chunk: Chunk, random: np.random.Generator, draws: Draws
) -> Iterator[tuple[slice, np.ndarray]]:
    """
    Draw the uniform numbers of a case's permutations without the case, in the order of the chunk.

    Returns all at once, except for texts of very many words: then some permutations at a time.
    """
    n, n_columns, n_numbers = chunk.n - 1, len(chunk.uniforms), chunk.n_numbers
    order = chunk.uniforms
    if n_numbers > n_columns:
        order = np.append(order, np.arange(n_columns, n_numbers))
    if not chunk.drawn or n * n_numbers <= _MOST_NUMBERS:
        yield slice(0, n), uniform(n, n_numbers, draws, "table", random, order).T
        return
    for rows, numbers in uniform_blocks(n, n_numbers, draws, "table", random):
        yield rows, numbers.T[order]


def _draw_columns(
    chunk: Chunk, row: int, others: slice, u: np.ndarray, bins: Bins, width: float | None
) -> None:
    """Write the columns of some permutations of a case, from their uniform numbers."""

    def draw(position: int, share: np.ndarray, gaps: np.ndarray | None) -> None:
        column, slot, value = _drawn_column(chunk, row, position)
        if width is None:
            slot[others] = column.draw_near(value, share, gaps)
        else:
            slot[others] = draw_in_neighbourhood(column, value, width, share, gaps)

    at_once = chunk.binned.places
    if at_once and width is None:
        chunk.binned.draw(u[: len(at_once)], chunk.numbers[: len(at_once), others])
    for place in range(len(at_once)) if width else np.flatnonzero(~bins.known):
        draw(at_once[place], u[place], None)
    numbers = iter(u[len(at_once) :])
    for position in chunk.alone:
        column = chunk.columns[position]
        if not column.is_kept:
            draw(position, next(numbers), next(numbers) if column.draws_gaps else None)


def _drawn_column(chunk: Chunk, row: int, position: int) -> tuple[Column, np.ndarray, Any]:
    """Return a column that is encoded, the memory for its permutations, and a case's value."""
    slot, values = chunk.slots[position], chunk.encoded[position]
    assert slot is not None
    assert values is not None
    return chunk.columns[position], slot, values[row]


def _similarity(
    chunk: Chunk,
    rows: slice,
    design: np.ndarray | Sequence[np.ndarray],
    options: ExplainTableOptions,
    all_there_are: bool,
) -> np.ndarray:
    """Compute the Gower similarity of each permutation of a case to the case."""
    found = [each.units.distance(each.state) for each in chunk.drawn]
    distance = gower(
        chunk.numbers[:, rows],
        chunk.codes[:, rows],
        chunk.logical,
        [each for each in found if each is not None],
    )
    weights = 1.0 - distance**options.gower_pow
    # If only copies of the case have a positive similarity, as with a single column of levels, a
    # fit needs the others: they get an equal, small weight. Where each permutation stands once, the
    # case is its only copy.
    similar = weights > 0
    has_copies = all_there_are or similar[1:].any()
    if has_copies and not any(np.any(part[similar] != part[0]) for part in design):
        weights = np.maximum(weights, _LEAST_SIMILARITY)
    return weights


def _own_distance(
    distance_of: Callable[[pd.DataFrame, pd.DataFrame], Any], chunk: Chunk, rows: slice
) -> np.ndarray:
    """Compute the distances of a case's permutations with a function of the user's."""
    positions = np.arange(rows.start, rows.stop)
    frame = permuted_frame(chunk, positions, np.array([0])).copy()
    distance = np.asarray(distance_of(frame.head(1).copy(), frame), dtype=np.float64).ravel()
    if distance.shape != (chunk.n,) or not np.all(distance >= 0):
        raise ValueError(
            "`dist_fun` must return a distance, 0 or more, for each row of its second argument, "
            f"shape ({chunk.n},); it returned shape {distance.shape}"
            + (f", minimum {distance.min()}." if distance.size else ".")
        )
    return distance


def records(frame: pd.DataFrame, floats: np.ndarray | None) -> list[dict[Hashable, Any]]:
    """Convert the rows to mappings, with Python objects in place of numpy scalars."""
    names = frame.columns.tolist()
    if floats is not None:
        rows = floats.tolist()
    else:
        rows = zip(*[column.tolist() for _, column in frame.items()], strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def redrawn(
    chunk: Chunk, row: int, design: np.ndarray, n: int, random: np.random.Generator
) -> Chunk:
    """
    Draw permutations again that have the same rows of the design.

    Parameters
    ----------
    chunk
        The cases with their permutations.
    row
        Position of the case.
    design
        The design of the case's permutations.
    n
        How many of them to draw again, from permutation 1 on.
    random
        Source of the draws.

    Returns
    -------
    Chunk
        The case alone with n permutations. Each value is another permutation's, drawn among those
        that are like it in the case's bin or level, or like it are not; numbers that are not
        binned stay.
    """
    start = row * chunk.n
    every = slice(start + 1, start + chunk.n)
    some = slice(start + 1, start + 1 + n)
    numbers, codes = chunk.numbers[:, some].copy(), chunk.codes[:, some].copy()
    slots = _slots(chunk.columns, chunk.encoded, numbers, codes, chunk.binned)
    position_of: dict[int, int] = {}
    n_before = 0
    drawn = []
    for feature in in_order(chunk):
        if isinstance(feature, DrawnUnits):
            state = feature.units.redraw(feature.state, n, random)
            drawn.append(replace(feature, state=state))
            n_before += len(feature.units.features)
        else:
            position_of[feature] = n_before
            n_before += 1
    for position in chunk.order:
        column, old, new = chunk.columns[position], chunk.slots[position], slots[position]
        compared = design[1:, position_of[position]]
        if column.is_kept or old is None or new is None or not _is_binary(compared):
            continue
        for inside in (False, True):
            members = np.flatnonzero(compared.astype(bool) == inside)
            wanted = members[members < n]
            new[wanted] = old[every][random.permutation(members)[: len(wanted)]]
    return replace(
        chunk,
        frame=chunk.frame.iloc[[row]],
        n=n,
        encoded=[None if values is None else values[[row]] for values in chunk.encoded],
        floats=None if chunk.floats is None else chunk.floats[[row]],
        numbers=numbers,
        codes=codes,
        slots=slots,
        drawn=drawn,
    )


def _is_binary(compared: np.ndarray) -> bool:
    """Whether a column of a design has only zeros and ones."""
    return bool(np.all((compared == 0) | (compared == 1)))


def _distinct_rows(drawn: Iterable[np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Find equal rows, if the columns have only whole numbers and few enough combinations."""
    key = np.zeros(n, dtype=np.int64)
    combinations = 1.0
    for values in drawn:
        if values.dtype.kind == "f":
            # Usually the first rows already show that a column has fractions.
            if np.any(values[:16] != np.rint(values[:16])):
                return None
            low, high = np.min(values), np.max(values)
            if not np.isfinite(high - low) or np.any(values != np.rint(values)):
                return None
        else:
            low, high = int(values.min()), int(values.max())
        combinations *= high - low + 1
        if combinations > 2.0**62:
            return None
        key = key * int(high - low + 1) + (values - low).astype(np.int64)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    if len(first) > _WORTHWHILE * n:
        return None
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.ravel()]


def _in_order_of_columns(chunk: Chunk, numbers: np.ndarray) -> np.ndarray:
    """Return the rows of a table of numbers alone in the order of its columns."""
    at_once = chunk.binned.places
    if at_once == tuple(range(len(numbers))):
        return numbers
    known = {*at_once}
    others = [position for position in range(len(numbers)) if position not in known]
    return numbers[np.argsort([*at_once, *others])]


def permuted_frame(chunk: Chunk, rows: np.ndarray | None, starts: np.ndarray) -> pd.DataFrame:
    """Return the permutations, or some rows of them, in the form of the training data."""
    header, dtypes = chunk.frame.columns, chunk.frame.dtypes.tolist()
    if chunk.floats is not None:
        numbers = chunk.numbers if rows is None else chunk.numbers[:, rows]
        numbers = _in_order_of_columns(chunk, numbers)
        return pd.DataFrame(numbers.T, columns=header, copy=False)
    case = np.arange(chunk.n * len(chunk.frame)) if rows is None else rows
    case = case // chunk.n
    arrays = {}
    in_units = {place: each for each in chunk.drawn for place in each.places}
    for position, (column, slot) in enumerate(zip(chunk.columns, chunk.slots, strict=True)):
        original, dtype = chunk.frame.iloc[:, position].array, dtypes[position]
        if (drawn := in_units.get(position)) is not None:
            array = drawn.units.values(position, drawn.state, rows, dtype)
            arrays[position] = pd.Series(array, dtype=dtype, copy=False)
            continue
        if slot is None or column.is_kept:
            # Without its type pandas would take objects for something else.
            arrays[position] = pd.Series(original.take(case), dtype=dtype, copy=False)
            continue
        array = column.decode(slot if rows is None else slot[rows], dtype)
        if not _is_exact(dtype):
            # The case itself is never decoded: floats cannot represent all whole numbers, and
            # an object may equal a level of another class.
            array[starts] = original.take(case[starts])
        # Without `dtype` pandas would convert objects to another type.
        arrays[position] = pd.Series(array, dtype=dtype, copy=False)
    frame = pd.DataFrame(arrays, copy=False)
    frame.columns = header
    return frame


def _is_exact(dtype: Dtype) -> bool:
    """Whether what was encoded is decoded unchanged."""
    if isinstance(dtype, pd.SparseDtype | pd.CategoricalDtype):
        return True
    return isinstance(dtype, np.dtype) and dtype.kind in "fb" and dtype.itemsize <= 8


def as_array(frame: pd.DataFrame, dtype: np.dtype) -> np.ndarray:
    """Convert a frame to a writable array of the type of the training data."""
    native = dtype.newbyteorder("=")
    if dtype.kind in "iub" and not all(kind == native for kind in frame.dtypes):
        array = frame.to_numpy()  # a value is missing, which this type cannot represent
    elif dtype.kind == "U":
        array = frame.to_numpy(dtype=object).astype(str)  # a new level may need more room
        array = array.astype(dtype) if array.dtype.itemsize <= dtype.itemsize else array
    else:
        array = frame.to_numpy(dtype)
    if not array.flags.writeable:
        # pandas protects memory that a frame may share; here nothing else uses it any more.
        array.flags.writeable = True
    return array
