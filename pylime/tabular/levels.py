"""Columns of levels: strings, categories and logicals."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from pylime.tabular.columns import (
    UNKNOWN,
    Column,
    Dtype,
    FeatureType,
    Problems,
    Value,
    check_same_kind,
    is_object,
    plain,
)
from pylime.tabular.distributions import levels_at

__all__ = ["Levels"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Levels(Column):
    """
    A column of levels, drawn by their shares.

    Attributes
    ----------
    levels
        The values that the column can have.
    cumulative
        Cumulative shares of the levels and, last, of missing values.
    n_new
        How many of the levels, the last ones, are a case's and not the training data's.
    unlike
        Texts that several levels have, such as the number 1 and the string "1".
    names
        What levels are called in descriptions, where the user gave them names.
    hides_logicals
        Whether logicals are levels beside others, which can equal them.
    """

    levels: pd.Index = field(default_factory=lambda: pd.Index([], dtype=object))
    cumulative: np.ndarray = field(default_factory=lambda: np.ones(1))
    n_new: int = 0
    unlike: frozenset[str] = frozenset()
    names: Mapping[Hashable, str] = field(default_factory=dict)
    hides_logicals: bool = False

    holds_levels: ClassVar[bool] = True

    @classmethod
    def fit(
        cls,
        name: Hashable,
        values: pd.Series,
        feature_type: FeatureType,
        missing: float,
        gap: Value,
        **more: Any,
    ) -> Self:
        """Learn the levels of a column and their shares."""
        levels = cls.levels_of(values, feature_type)
        texts = Counter(str(level) for level in levels)
        facts: dict[str, Any] = {
            "name": name,
            "dtype": values.dtype,
            "feature_type": feature_type,
            "missing": missing,
            "gap": gap,
            "levels": levels,
            "unlike": frozenset(text for text, number in texts.items() if number > 1),
            "hides_logicals": _hides_logicals(levels),
            **more,
        }
        codes = cls(**facts).encode(values)
        shares = np.bincount(codes[codes >= 0], minlength=len(levels)) / len(values)
        distribution = pd.Series(shares, index=levels, dtype=np.float64)
        if feature_type == "logical":
            distribution = distribution[distribution > 0]
        cumulative = np.cumsum(np.append(shares, missing))
        # The last level that occurs takes up the rounding error of the sum.
        cumulative[cumulative >= cumulative[-1]] = 1.0
        return cls(**facts, distribution=distribution, cumulative=cumulative)

    @staticmethod
    def levels_of(values: pd.Series, feature_type: FeatureType) -> pd.Index:
        """Return the values that a column can have: categories, or its distinct values, sorted."""
        if feature_type == "factor" and isinstance(values.dtype, pd.CategoricalDtype):
            return values.cat.categories
        if feature_type == "logical":
            return pd.Index([False, True], dtype=object)
        present = values.dropna().astype(object)
        mixed = pd.api.types.infer_dtype(present).startswith("mixed")
        different = _different(present.tolist()) if mixed else present.unique().tolist()
        try:
            different = sorted(different)
        except TypeError:
            different = sorted(different, key=lambda value: (type(value).__name__, str(value)))
        return pd.Index(different, dtype=object)

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Convert values to the training column's type, widened by new levels."""
        if self.feature_type == "logical":
            check_same_kind(self, values)
            return self._cast_logical(values), {}
        column, codes = self, self.encode(values)
        unknown = np.flatnonzero(codes == UNKNOWN)
        holds = np.array([self._can_hold(values.iloc[row]) for row in unknown], dtype=bool)
        if holds.any():
            column = self.widened(values.iloc[unknown[holds]])
            codes = column.encode(values)
            codes[unknown[~holds]] = UNKNOWN
        problems = {
            int(row): (
                f"The column {self.name!r} must have values as in the training data "
                f"({self.dtype}); not {plain(values.iloc[row])!r:.80}."
            )
            for row in np.flatnonzero(codes == UNKNOWN)
        }
        codes[codes == UNKNOWN] = -1
        array = column.decode(codes, column.dtype)
        return pd.Series(array, index=values.index, dtype=column.dtype), problems

    def _cast_logical(self, values: pd.Series) -> pd.Series:
        if values.dtype == self.dtype:
            return values
        if isinstance(self.dtype, np.dtype) and values.isna().any():
            return values.astype(object)
        return values.astype(self.dtype)

    def _can_hold(self, value: Value) -> bool:
        """Whether a value can be a level, and the type of the column can hold it."""
        try:
            hash(value)
            if isinstance(self.dtype, pd.CategoricalDtype):
                # pandas has no categories that are equal, such as 1 and True.
                return value not in set(self.levels)
            if is_object(self.dtype):
                return True
            return bool(pd.array([value], dtype=self.dtype)[0] == value)
        except (TypeError, ValueError):  # pyarrow's errors are of these classes
            return False

    def widened(self, values: pd.Series) -> Self:
        """Return the column with unknown values as its last levels, which are never drawn."""
        unknown = values[self.encode(values) == UNKNOWN].astype(object).tolist()
        if not unknown:
            return self
        categorical = isinstance(self.dtype, pd.CategoricalDtype)
        new = list(dict.fromkeys(unknown)) if categorical else _different(unknown)
        levels = self.levels
        if levels.dtype == object:
            levels = pd.Index([*levels, *new], dtype=object)
        else:
            for level in new:
                levels = levels.insert(len(levels), level)
        dtype = self.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            dtype = pd.CategoricalDtype(levels, ordered=dtype.ordered)
        before = self.cumulative[-2] if len(self.cumulative) > 1 else 0.0
        cumulative = np.insert(self.cumulative, -1, np.full(len(new), before))
        return replace(
            self,
            levels=levels,
            dtype=dtype,
            cumulative=cumulative,
            n_new=self.n_new + len(new),
            hides_logicals=_hides_logicals(levels),
        )

    def encode(self, values: pd.Series) -> np.ndarray:
        """Return the positions of the levels, -1 if missing and -2 if unknown."""
        if values.dtype == bool and self.feature_type == "logical":
            return values.to_numpy().astype(np.int64)
        if isinstance(values.dtype, pd.CategoricalDtype) and self.feature_type == "factor":
            # The categories may have another order than in the training data.
            places = np.append(self._places(values.cat.categories), -1)
            return places[values.cat.codes.to_numpy()].astype(np.int64)
        codes = self._places(values.astype(object).to_numpy())
        codes[values.isna().to_numpy(dtype=bool)] = -1
        return codes

    def _places(self, values: Iterable[Any]) -> np.ndarray:
        """Return the position of each value among the levels, -2 if it is none of them."""
        levels = self.levels
        # An interval is a level as a whole: an index of intervals would find what is inside.
        if isinstance(levels, pd.IntervalIndex):
            levels = levels.astype(object)
        wanted = values if isinstance(values, pd.Index) else pd.Index(values, dtype=object)
        try:
            if not (self.hides_logicals or _hides_logicals(wanted)):
                codes = levels.get_indexer(wanted).astype(np.int64)
                codes[codes < 0] = UNKNOWN
                return codes
        except TypeError:  # a value that cannot be a level, such as a list
            pass
        known = {_key(level): place for place, level in enumerate(levels)}
        return np.array(
            [known.get(_key(v), UNKNOWN) if _is_hashable(v) else UNKNOWN for v in wanted],
            dtype=np.int64,
        )

    def decode(self, values: np.ndarray, dtype: Dtype) -> Any:
        """Return the levels at these positions."""
        if isinstance(dtype, pd.CategoricalDtype):
            return pd.Categorical.from_codes(values, dtype=dtype)
        if isinstance(dtype, np.dtype) and dtype.kind == "b":
            return values.astype(bool)
        if is_object(dtype):
            # A missing value has the position -1, which numpy reads as the last.
            table = np.empty(len(self.levels) + 1, dtype=object)
            table[:-1] = self.levels
            table[-1] = self.gap
            return table[values]
        return pd.array(self.levels.tolist(), dtype=dtype).take(values, allow_fill=True)

    def draw(self, u: np.ndarray, gaps: np.ndarray | None = None) -> np.ndarray:
        """Return positions with the shares of the levels; missing values are the last of these."""
        codes = levels_at(self.cumulative, u)
        codes[codes == len(self.levels)] = -1
        return codes

    def occurs(self, value: Value) -> bool:
        """Whether the training data have the level, or a missing value."""
        if value < 0:
            return self.missing > 0
        before = self.cumulative[value - 1] if value else 0.0
        return bool(self.cumulative[value] > before)

    def _range_of(self, value: Value) -> tuple[float, float]:
        """Return the cumulative shares before and at a level; missing values are the last."""
        place = len(self.levels) if value < 0 else int(value)
        before = float(self.cumulative[place - 1]) if place else 0.0
        return before, float(self.cumulative[place])

    def compare(self, values: np.ndarray) -> np.ndarray:
        """Return whether each is the case's level."""
        return values == values[0]

    def describe(self, value: Value) -> str:
        """Return a string such as `city = Oslo`, `city = mars (new)` or `city is missing`."""
        if value is None or (_is_hashable(value) and pd.isna(value)):
            return f"{self.name} is missing"
        if self.feature_type == "logical":
            return f"{self.name} is {str(bool(value)).lower()}"
        return f"{self.name} = {self.text_of(value)}{' (new)' if self._is_new(value) else ''}"

    def text_of(self, value: Value) -> str:
        """Return the name of a level, or the level as a string."""
        if self.names and value in self.names:
            return self.names[value]
        text = str(value)
        return repr(plain(value)) if text in self.unlike else text

    def _is_new(self, value: Value) -> bool:
        [place] = self._places(np.array([value, None], dtype=object)[:1])
        return bool(place == UNKNOWN or place >= len(self.levels) - self.n_new)

    def content(self, value: Value) -> bytes:
        """Return the level, which does not depend on its position."""
        if value < 0:
            return b"missing"
        return str(self.levels[value]).encode("utf-8", "surrogatepass")


def _key(level: Hashable) -> Hashable:
    """Return what distinguishes a level: 1 equals True, but is another level."""
    return (isinstance(level, bool | np.bool_), level)


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _different(values: Iterable[Any]) -> list[Any]:
    return list({_key(value): value for value in reversed(list(values))}.values())[::-1]


def _hides_logicals(levels: pd.Index) -> bool:
    """Whether a level is a logical and others are not, which could equal it."""
    if levels.dtype != object or not pd.api.types.infer_dtype(levels).startswith("mixed"):
        return False
    return any(isinstance(level, bool | np.bool_) for level in levels)
