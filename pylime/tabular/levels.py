"""Columns of levels: strings, categories and logicals."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from pylime import checks
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
from pylime.tabular.distributions import draw_levels

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
    """

    levels: pd.Index = field(default_factory=lambda: pd.Index([], dtype=object))
    cumulative: np.ndarray = field(default_factory=lambda: np.ones(1))

    holds_levels: ClassVar[bool] = True

    @classmethod
    def fit(
        cls,
        name: Hashable,
        values: pd.Series,
        feature_type: FeatureType,
        missing: float,
        gap: Value,
    ) -> Self:
        """Learn the levels of a column and their shares."""
        levels = _levels_of(values, feature_type)
        facts: dict[str, Any] = {
            "name": name,
            "dtype": values.dtype,
            "feature_type": feature_type,
            "missing": missing,
            "gap": gap,
            "levels": levels,
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

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Convert values to the training column's type, by the positions of their levels."""
        if self.feature_type == "logical":
            check_same_kind(self, values)
            return self._cast_logical(values), {}
        codes = self.encode(values)
        problems = {
            int(row): (
                f"The column {self.name!r} has the level {plain(values.iloc[row])!r}, which is "
                "not in the training data. The training data has: "
                f"{checks.some(self.levels, form=str) or 'no levels'}."
            )
            for row in np.flatnonzero(codes == UNKNOWN)
        }
        codes[codes == UNKNOWN] = -1
        series = pd.Series(self.decode(codes, self.dtype), index=values.index, dtype=self.dtype)
        return series, problems

    def _cast_logical(self, values: pd.Series) -> pd.Series:
        if values.dtype == self.dtype:
            return values
        if isinstance(self.dtype, np.dtype) and values.isna().any():
            return values.astype(object)
        return values.astype(self.dtype)

    def encode(self, values: pd.Series) -> np.ndarray:
        """Return the positions of the levels, -1 if missing and -2 if unknown."""
        if values.dtype == bool:
            return values.to_numpy().astype(np.int64)
        if isinstance(values.dtype, pd.CategoricalDtype) and self.feature_type == "factor":
            # The categories may have another order than in the training data.
            positions = self.levels.get_indexer(values.cat.categories)
            places = np.append(np.where(positions < 0, UNKNOWN, positions), -1)
            return places[values.cat.codes.to_numpy()].astype(np.int64)
        objects = values.astype(object).to_numpy()
        try:
            codes = self.levels.get_indexer(pd.Index(objects, dtype=object)).astype(np.int64)
        except TypeError:  # a value that cannot be a level, such as a list
            known = {level: number for number, level in enumerate(self.levels)}
            codes = np.array(
                [known.get(v, UNKNOWN) if isinstance(v, Hashable) else UNKNOWN for v in objects]
            )
        absent = values.isna().to_numpy(dtype=bool)
        codes[codes < 0] = UNKNOWN
        codes[absent] = -1
        return codes

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

    def draw(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw positions with the probabilities of the levels."""
        codes = draw_levels(self.cumulative, n, random)
        codes[codes == len(self.levels)] = -1
        return codes

    def compare(self, values: np.ndarray) -> np.ndarray:
        """Return whether each is the case's level."""
        return values == values[0]

    def describe(self, value: Value) -> str:
        """Return a string such as `city = Oslo`, `member is true` or `city is missing`."""
        if value is None or pd.isna(value):
            return f"{self.name} is missing"
        if self.feature_type == "logical":
            return f"{self.name} is {str(bool(value)).lower()}"
        return f"{self.name} = {value}"

    def content(self, value: Value) -> bytes:
        """Return the level, which does not depend on its position."""
        return str(self.levels[value]).encode() if value >= 0 else b"missing"


def _levels_of(values: pd.Series, feature_type: FeatureType) -> pd.Index:
    """Return the values that a column can have: its categories, or its distinct values, sorted."""
    if feature_type == "factor":
        return values.cat.categories
    if feature_type == "logical":
        return pd.Index([False, True], dtype=object)
    distinct = values.dropna().astype(object).unique().tolist()
    try:
        distinct = sorted(distinct)
    except TypeError:
        distinct = sorted(distinct, key=lambda value: (type(value).__name__, str(value)))
    return pd.Index(distinct, dtype=object)
