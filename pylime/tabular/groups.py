"""Groups of columns, which are drawn, compared and explained as one feature."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pylime.draws import Draws
from pylime.errors import CaseError
from pylime.similarity import gower
from pylime.tabular.columns import Column, Dtype, is_object
from pylime.tabular.enumeration import choices_of
from pylime.tabular.levels import Levels
from pylime.tabular.neighbourhood import draw_in_neighbourhood, tilted, tilted_share
from pylime.tabular.units import CaseUnits, Units, alone

__all__ = ["CaseOfJoint", "CaseOfOneHot", "JointGroup", "OneHotGroup", "fit_group", "in_line"]

# Of so many training rows at most a group remembers its columns.
_MOST_ROWS = 10_000
# The case's values are kept with this probability, where R has no law.
_KEPT = 0.5
# What names of dummies can have in common, and what ends it.
_ENDS = "_-. =:/|"


def fit_group(
    name: str, places: tuple[int, ...], frame: pd.DataFrame, columns: Sequence[Column]
) -> "OneHotGroup | JointGroup":
    """
    Learn a group from the training data.

    Parameters
    ----------
    name
        Its name.
    places
        Positions of its columns in the table.
    frame
        The training data.
    columns
        The columns of the table, as fitted.

    Returns
    -------
    OneHotGroup or JointGroup
        Whether the columns are 0 or 1 and at most one of them is 1 in every row decides.
    """
    members = frame.iloc[:, list(places)]
    codes = _codes_of(members)
    if codes is not None:
        texts = _texts_of([str(member) for member in members.columns])
        shown = pd.Series(codes).map(dict(enumerate(texts))).astype(object)
        shown[codes < 0] = _NONE
        levels = Levels.fit(name, shown, "character", 0.0, None)
        pairs = [_zero_and_one(members.iloc[:, place]) for place in range(len(places))]
        return OneHotGroup(name, places, levels, tuple(texts), tuple(pairs))
    n = len(frame)
    rows = members
    if n > _MOST_ROWS:
        rows = members.iloc[np.linspace(0, n - 1, _MOST_ROWS).astype(np.intp)]
    ranks = []
    for column, (_, values) in zip(map(columns.__getitem__, places), rows.items(), strict=True):
        encoded = alone(column).encode(values)
        ranks.append(pd.factorize(_identities(values))[0] if encoded is None else encoded)
    rows = rows.iloc[in_line(np.array(ranks, dtype=np.float64))]
    places_of, first = _distinct(rows)
    return JointGroup(name, places, rows.iloc[first].reset_index(drop=True), places_of)


def in_line(ranks: np.ndarray) -> np.ndarray:
    """
    Order rows so that neighbours are alike in all columns, on a line back and forth.

    One uniform number draws a row. Where those near each other draw rows that are alike, balanced
    numbers balance the rows.

    Parameters
    ----------
    ranks
        (p, n) numbers, or codes of levels.

    Returns
    -------
    numpy.ndarray
        (n,) positions of the rows.

    Examples
    --------
    >>> places = np.array([[1, 1, 1, 8, 8, 8], [1, 5, 9, 1, 5, 9]])
    >>> places[:, in_line(places)]
    array([[1, 1, 1, 8, 8, 8],
           [1, 5, 9, 9, 5, 1]])
    """
    order = np.argsort(ranks[0], kind="stable")
    if len(ranks) == 1:
        return order
    n_parts = max(round(len(order) ** (1 / len(ranks))), 1)
    parts = [part[in_line(ranks[1:, part])] for part in np.array_split(order, n_parts)]
    return np.concatenate([part[:: -1 if number % 2 else 1] for number, part in enumerate(parts)])


def _distinct(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the distinct rows each row is, and the first place of each of these."""
    codes = np.zeros(len(rows), dtype=np.int64)
    for place in range(rows.shape[1]):
        own, levels = pd.factorize(_identities(rows.iloc[:, place]), use_na_sentinel=False)
        codes, _ = pd.factorize(codes * len(levels) + own)
    _, first = np.unique(codes, return_index=True)
    return codes, first


def _identities(values: pd.Series) -> pd.Series:
    """Return values that are equal only where those of a column are the same: 1 is not True."""
    if not is_object(values.dtype):
        return values
    pairs = np.empty(len(values), dtype=object)
    missing = values.isna().to_numpy(dtype=bool)
    pairs[:] = [
        (type(value), None if gap else value) for value, gap in zip(values, missing, strict=True)
    ]
    return pd.Series(pairs)


def _zero_and_one(values: pd.Series) -> tuple[Any, Any]:
    """Return how a column of 0 and 1 writes these, such as False and True."""
    found = {int(value): value for value in values.drop_duplicates().astype(object)}
    (known, *_) = found.values()
    return found.get(0, type(known)(0)), found.get(1, type(known)(1))


# The level of rows in which no column of a one-hot group is 1. No column has an empty name here.
_NONE = ""


def _codes_of(members: pd.DataFrame) -> np.ndarray | None:
    """Return which column of each row is 1, -1 for none; None unless they are a one-hot group."""
    columns = []
    for place in range(members.shape[1]):
        values = members.iloc[:, place]
        number = pd.api.types.is_numeric_dtype(values.dtype) or all(map(_is_number, values))
        if not number or values.isna().any():
            return None
        numbers = values.to_numpy(dtype=np.float64)
        if not np.all((numbers == 0) | (numbers == 1)):
            return None
        columns.append(numbers == 1)
    on = np.array(columns)
    if np.any(on.sum(axis=0) > 1):
        return None
    return np.where(on.any(axis=0), on.argmax(axis=0), -1)


def _is_number(value: object) -> bool:
    return isinstance(value, bool | int | float | np.number | np.bool_)


def _texts_of(names: Sequence[str]) -> list[str]:
    """Return the names without what all begin with, if that ends with a mark such as `_`."""
    first, last = min(names), max(names)  # names between these begin with what both do
    shared = first[: next((i for i, c in enumerate(first) if last[i : i + 1] != c), len(first))]
    while shared and shared[-1] not in _ENDS:
        shared = shared[:-1]
    short = [name[len(shared) :] for name in names]
    return short if all(short) else [*names]


@dataclass(frozen=True, eq=False)
class CaseOfGroup(CaseUnits):
    """
    A group of a case, which is one feature; the state is a row of positions.

    Attributes
    ----------
    name
        The name of the group.
    """

    name: Hashable

    @property
    def features(self) -> Sequence[str]:
        """The name of the group."""
        return [str(self.name)]

    @property
    def n_numbers(self) -> int:
        """One."""
        return 1

    def keys(self, state: np.ndarray) -> Sequence[np.ndarray]:
        """Return the positions."""
        return [state[0]]

    def redraw(self, state: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
        """Exchange positions among permutations that compare alike."""
        return exchanged(state, self.compare(state)[0], n, random)


@dataclass(frozen=True, eq=False)
class OneHotGroup(Units):
    """
    Columns of 0 and 1, of which at most one is 1: a column of levels in another form.

    Attributes
    ----------
    levels
        The level of a row is the name of the column that is 1, or empty.
    texts
        The names of the columns, without what they have in common.
    pairs
        How each column writes 0 and 1.
    """

    levels: Levels
    texts: tuple[str, ...]
    pairs: tuple[tuple[Any, Any], ...]

    def _level(self, case: pd.DataFrame) -> str:
        """Return the level of the first row; several names, if several columns are 1."""
        values: list[Any] = [case.iat[0, place] for place in self.places]
        if any(pd.isna(value) or value not in (0, 1) for value in values):
            shown = ", ".join(repr(getattr(value, "item", lambda v=value: v)()) for value in values)
            raise CaseError(
                f"The columns of the group {self.name!r} must be 0 or 1, as in the training data; "
                f"not {shown:.80}."
            )
        return " + ".join(
            text for text, value in zip(self.texts, values, strict=True) if value == 1
        )

    def of_case(
        self,
        columns: Sequence[Column],
        case: pd.DataFrame,
        p_remove: float | None,
        generator: Callable[..., np.random.Generator],
    ) -> "CaseOfOneHot":
        """Return the group of a case."""
        level = pd.Series([self._level(case)], dtype=object)
        levels = self.levels.widened(level)
        value = int(levels.encode(level)[0])
        return CaseOfOneHot(
            self.name, self, levels, value, tuple(case.iat[0, place] for place in self.places)
        )

    def content(self, columns: Sequence[Column], case: pd.DataFrame) -> bytes:
        """Return the level."""
        return self._level(case).encode("utf-8", "surrogatepass")

    def compare_rows(
        self, columns: Sequence[Column], rows: pd.DataFrame
    ) -> Mapping[str, np.ndarray]:
        """Return which rows have the level of the first."""
        levels = [self._level(rows.iloc[[row]]) for row in range(len(rows))]
        return {str(self.name): np.array([level == levels[0] for level in levels])}


@dataclass(frozen=True, eq=False)
class CaseOfOneHot(CaseOfGroup):
    """
    A one-hot group of a case; the state is a row of positions of levels.

    Attributes
    ----------
    group
        The group.
    levels
        Its levels, and that of the case.
    value
        The position of the case's.
    own
        The case's values in the columns.
    """

    group: OneHotGroup
    levels: Levels
    value: int
    own: tuple[Any, ...]

    def draw(self, u: np.ndarray, n: int, draws: Draws, width: float | None) -> np.ndarray:
        """Draw levels as those of a column."""
        state = np.full((1, n), self.value, dtype=np.int64)
        if width is None:
            state[0, 1:] = self.levels.draw_near(self.value, u[0])
        else:
            state[0, 1:] = draw_in_neighbourhood(self.levels, self.value, width, u[0], None)
        return state

    @property
    def n_states(self) -> int:
        """The levels that are drawn, with the case's."""
        return len(choices_of(self.levels, self.value).codes)

    def every(self, width: float | None) -> tuple[np.ndarray, np.ndarray]:
        """List the levels and their probabilities."""
        choices = choices_of(self.levels, self.value, width)
        return choices.codes[None], choices.shares

    def compare(self, state: np.ndarray) -> np.ndarray:
        """Return which levels are the case's."""
        return state == self.value

    def distance(self, state: np.ndarray) -> np.ndarray:
        """Return 0 where the level is the case's, else 1."""
        return np.where(state[0] == self.value, 0.0, 1.0)

    def values(self, place: int, state: np.ndarray, rows: np.ndarray | None, dtype: Dtype) -> Any:
        """Return 0 and 1."""
        member = self.group.places.index(place)
        text, pair = self.group.texts[member], self.group.pairs[member]
        values = np.empty(len(self.levels.levels), dtype=object)
        values[:] = [pair[level == text] for level in self.levels.levels]
        values[self.value] = self.own[member]
        found = state[0] if rows is None else state[0, rows]
        if isinstance(dtype, np.dtype):
            return values.astype(dtype)[found]
        return pd.array(values, dtype=dtype).take(found)

    def describe(self, feature: str) -> tuple[str | None, str]:
        """Return such as `size = m`, or `size is none of s, m, l`."""
        level = str(self.levels.levels[self.value])
        if level == _NONE:
            return None, f"{self.name} is none of {', '.join(self.group.texts)}"
        return level, self.levels.describe(level)


@dataclass(frozen=True, eq=False)
class JointGroup(Units):
    """
    Columns of which a permutation has the case's values, or all those of one training row.

    Attributes
    ----------
    rows
        The columns in the training data: the distinct ones of 10,000 rows at most.
    places_of
        Which of these each of the rows is.
    """

    rows: pd.DataFrame
    places_of: np.ndarray

    def of_case(
        self,
        columns: Sequence[Column],
        case: pd.DataFrame,
        p_remove: float | None,
        generator: Callable[..., np.random.Generator],
    ) -> "CaseOfJoint":
        """Return the group of a case: its rows and the case's own, compared with the case."""
        series, same, numbers, codes, logical = [], [], [], [], []
        equal = np.ones(len(self.rows) + 1, dtype=bool)
        for place, (_, rows) in zip(self.places, self.rows.items(), strict=True):
            column = alone(columns[place])
            own = case.iloc[:, place]
            both = pd.concat([own, _in_type_of(own, rows)], ignore_index=True)
            series.append(both)
            equal &= _equals_first(both)
            encoded = column.encode(both)
            if encoded is None or column.is_kept:  # all its numbers are equal
                same.append(_equals_first(both))
                continue
            same.append(column.compare(encoded).astype(bool))
            if column.holds_levels:
                codes.append(encoded)
                logical.append(column.feature_type == "logical")
            else:
                numbers.append(encoded)
        n = len(self.rows) + 1
        is_same = np.logical_and.reduce(same)
        distance = gower(
            np.array(numbers, dtype=np.float64).reshape(len(numbers), n),
            np.array(codes, dtype=np.int64).reshape(len(codes), n),
            logical,
        )
        value: dict[Hashable, Any] = {
            name: _plain(case.iat[0, place])
            for name, place in zip(self.rows.columns, self.places, strict=True)
        }
        described = ", ".join(columns[place].describe(case.iat[0, place]) for place in self.places)
        # A row that equals the case is the case: the model sees no permutation twice.
        drawn = np.where(equal, 0, np.arange(n))[self.places_of + 1]
        return CaseOfJoint(
            self.name, self, tuple(series), drawn, is_same, distance, value, described
        )

    def content(self, columns: Sequence[Column], case: pd.DataFrame) -> bytes:
        """Return the values of the columns."""
        parts = []
        for place in self.places:
            column = alone(columns[place])
            encoded = column.encode(case.iloc[:, place])
            parts.append(column.content(case.iat[0, place] if encoded is None else encoded[0]))
        return b"|".join(parts)

    def compare_rows(
        self, columns: Sequence[Column], rows: pd.DataFrame
    ) -> Mapping[str, np.ndarray]:
        """Return which rows are in the bin or level of the first, in all columns."""
        same = []
        for place in self.places:
            column = alone(columns[place]).widened(rows.iloc[:, place])
            encoded = column.encode(rows.iloc[:, place])
            if encoded is None or column.is_kept:
                same.append(_equals_first(rows.iloc[:, place]))
            else:
                same.append(column.compare(encoded).astype(bool))
        return {str(self.name): np.logical_and.reduce(same)}


@dataclass(frozen=True, eq=False)
class CaseOfJoint(CaseOfGroup):
    """
    A group of a case; the state is a row of positions, of which 0 is the case's.

    Attributes
    ----------
    group
        The group.
    members
        For each column the case's value, and behind it those of the rows.
    drawn
        Which of these each of the training rows is.
    same
        Which of these are in the case's bin or level, in all columns.
    distances
        Their distances from the case.
    value
        The case's values by column.
    description
        The descriptions of these.
    """

    group: JointGroup
    members: tuple[pd.Series, ...]
    drawn: np.ndarray
    same: np.ndarray
    distances: np.ndarray
    value: Mapping[Hashable, Any]
    description: str

    def draw(self, u: np.ndarray, n: int, draws: Draws, width: float | None) -> np.ndarray:
        """Keep the case's values with probability 1/2, or take those of one row."""
        state = np.zeros((1, n), dtype=np.int64)
        like = self.same[self.drawn]
        order = np.append(self.drawn[like], self.drawn[~like])  # those like the case come first
        share = u[0]
        if width is not None:
            share = tilted(share, 0.0, _KEPT + (1.0 - _KEPT) * like.mean(), width)
        rest = (share - _KEPT) / (1.0 - _KEPT)
        taken = np.clip((rest * len(order)).astype(np.intp), 0, len(order) - 1)
        state[0, 1:] = np.where(share <= _KEPT, 0, order[taken])
        return state

    @property
    def n_states(self) -> int:
        """The different rows of the training data, with that of the case."""
        return len(np.union1d(self.drawn, [0]))

    def every(self, width: float | None) -> tuple[np.ndarray, np.ndarray]:
        """List the different rows and their probabilities."""
        shares = (1.0 - _KEPT) * np.bincount(self.drawn, minlength=1) / len(self.drawn)
        shares[0] += _KEPT
        first = np.flatnonzero(shares)
        shares = shares[first]
        if width is not None:
            like = self.same[first]
            kept = shares[like].sum()
            chance = tilted_share(kept, width)
            shares = np.where(like, shares * (chance / kept), shares * (1.0 - chance))
            shares[~like] /= max(1.0 - kept, np.finfo(float).tiny)
        return first[None], shares

    def compare(self, state: np.ndarray) -> np.ndarray:
        """Return where all columns are in the case's bins or levels."""
        return self.same[state]

    def distance(self, state: np.ndarray) -> np.ndarray:
        """Return the mean distance of the columns."""
        return self.distances[state[0]]

    def values(self, place: int, state: np.ndarray, rows: np.ndarray | None, dtype: Dtype) -> Any:
        """Return the values of the rows."""
        member = self.members[self.group.places.index(place)]
        return member.array.take(state[0] if rows is None else state[0, rows])

    def describe(self, feature: str) -> tuple[dict[Hashable, Any], str]:
        """Return the case's values, and such as `lat <= 59.9, 10.4 < lon`."""
        return dict(self.value), self.description


def exchanged(
    state: np.ndarray, same: np.ndarray, n: int, random: np.random.Generator
) -> np.ndarray:
    """
    Exchange what is drawn among permutations that compare alike.

    Parameters
    ----------
    state
        (1, n_permutations) array; the first is the case.
    same
        (n_permutations,) how they compare with the case.
    n
        How many to return, from permutation 1 on.
    random
        Source of the draws.
    """
    drawn, compared = state[0, 1:], same[1:]
    found = drawn[:n].copy()
    for inside in (False, True):
        members = np.flatnonzero(compared == inside)
        wanted = members[members < n]
        found[wanted] = drawn[random.permutation(members)[: len(wanted)]]
    return found[None]


def _in_type_of(own: pd.Series, rows: pd.Series) -> pd.Series:
    """Give the rows the type of the case, which may be wider."""
    return rows if rows.dtype == own.dtype else rows.astype(own.dtype)


def _equals_first(values: pd.Series) -> np.ndarray:
    """Return which values are the same as the first, or missing as it is."""
    if isinstance(values.dtype, np.dtype) and not is_object(values.dtype):
        array = values.to_numpy()
        return array == array[0] if array[0] == array[0] else array != array
    codes, _ = pd.factorize(_identities(values), use_na_sentinel=False)
    return codes == codes[0]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
