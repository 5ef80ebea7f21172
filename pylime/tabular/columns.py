"""
The columns of a table.

A column is fitted to the training data once. Everything that depends on its kind is a method: to
cast the values of cases to its type, to encode them as numbers (floating point, NaN where missing)
or as positions of levels (-1 where missing), to draw other values, to compare these with the
case's, to describe the case's value, and to decode the drawn values.
"""

from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
import pandas as pd

from pylime.tabular.distributions import Density, Normal

__all__ = [
    "UNKNOWN",
    "Column",
    "Distribution",
    "Dtype",
    "FeatureType",
    "Problems",
    "Value",
    "check_same_kind",
    "feature_type_of",
    "is_object",
    "plain",
]

Value: TypeAlias = Any
"""A single value of a column, as it is or encoded."""

Dtype: TypeAlias = Any
"""The type of a column: a `numpy.dtype`, or an `ExtensionDtype`, which pandas' stubs reject."""

Distribution: TypeAlias = pd.Series | Density | Normal
"""Shares of bins or levels, a density, or a mean and standard deviation."""

FeatureType = Literal[
    "integer", "numeric", "character", "factor", "logical", "date_time", "constant", "held", "text"
]
"""The type of a column, in R's terms; `held` if the user holds it, `text` if it has words."""

Problems: TypeAlias = dict[int, str]
"""What is wrong with single values, by their positions."""

UNKNOWN = -2
"""The position of a level that is not in the training data."""

# Where R has no law, the case's value is kept with this probability, R's own for pictures.
_KEPT = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Column:
    """
    A column as fitted to the training data.

    Attributes
    ----------
    name, dtype
        Name and type of the column in the training data.
    feature_type
        The type of its values, in R's terms.
    distribution
        What values are drawn from; None if permutations keep the case's value.
    bin_cuts
        Cut points of a column of numbers.
    missing
        Share of missing values.
    gap
        The object that stands for a missing value, such as None or NaN.
    """

    name: Hashable
    dtype: Dtype
    feature_type: FeatureType
    distribution: Distribution | None = None
    bin_cuts: np.ndarray | None = None
    missing: float = 0.0
    gap: Value = np.nan

    is_kept: ClassVar[bool] = False
    """Whether a permutation keeps the case's value."""

    holds_levels: ClassVar[bool] = False
    """Whether encoded values are positions of levels."""

    is_feature: ClassVar[bool] = True
    """Whether it takes part in the design, in distances and in seeds."""

    @abstractmethod
    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """
        Convert the values of cases to the type of the training column.

        Parameters
        ----------
        values
            One value per case.

        Returns
        -------
        tuple
            The values, in the training column's type, or, if that cannot represent a missing
            value and there is one, in the type that pandas gives such a column; and what is
            wrong with single values.

        Raises
        ------
        TypeError
            If the values are of another kind.
        """

    @abstractmethod
    def encode(self, values: pd.Series) -> np.ndarray | None:
        """Convert values to numbers or positions of levels; None if they can only be kept."""

    @abstractmethod
    def decode(self, values: np.ndarray, dtype: Dtype) -> Any:
        """Convert encoded values to an array of the column's type, or of the type of `cast`."""

    @property
    def draws_gaps(self) -> bool:
        """Whether a number of its own decides if a drawn value is missing."""
        return False

    @abstractmethod
    def draw(self, u: np.ndarray, gaps: np.ndarray | None = None) -> np.ndarray:
        """
        Turn uniform numbers into encoded values with the distribution of the training data.

        Parameters
        ----------
        u
            (n,) numbers between 0 and 1, without these: the values, by their quantiles.
        gaps
            (n,) such numbers: which values are missing, if `draws_gaps`; without them none is.
        """

    def occurs(self, value: Value) -> bool:
        """Return whether the bin or level of an encoded value has rows in the training data."""
        return True

    def draw_near(self, value: Value, u: np.ndarray, gaps: np.ndarray | None = None) -> np.ndarray:
        """
        Turn uniform numbers into encoded values for a case.

        A level or bin without training rows would vary in the case's own row alone, and its
        weight would be the residual of that row. There the case's value is kept with
        probability 1/2.

        Parameters
        ----------
        value
            The case's, encoded.
        u, gaps
            As of `draw`. The numbers that do not keep the value are uniform again once they are
            stretched.
        """
        if self.occurs(value):
            return self.draw(u, gaps)
        keeps = u <= _KEPT
        drawn = self.draw(np.where(keeps, u, (u - _KEPT) / (1.0 - _KEPT)), gaps)
        drawn[keeps] = value
        return drawn

    def own_range(self, value: Value) -> tuple[float, float]:
        """
        Return which uniform numbers `draw_near` turns into the bin or level of an encoded value.

        If the value is missing and gaps are drawn, the range is of the numbers for these.
        """
        return self._range_of(value) if self.occurs(value) else (0.0, _KEPT)

    def _range_of(self, value: Value) -> tuple[float, float]:
        """Return the range of a bin or level with rows in the training data."""
        raise ValueError(f"The column {self.name!r} has neither bins nor levels.")

    def widened(self, values: pd.Series) -> Self:
        """Return the column with the levels of some cases that the training data lack, if any."""
        return self

    def cut_points(self) -> Any:
        """Return the cut points as values of the column; None if there are none."""
        return self.bin_cuts

    @abstractmethod
    def compare(self, values: np.ndarray) -> np.ndarray:
        """
        Compare encoded values with the first of them, which is the case's.

        Returns
        -------
        numpy.ndarray
            The column of the design: whether each value is the case's level or lies in the
            case's bin; for numbers that are not binned the numbers, with the mean in place of
            missing ones. If the case's value is missing: whether each value is missing.
        """

    @abstractmethod
    def describe(self, value: Value) -> str:
        """
        Describe the value of a case, as R's `lime` does.

        Returns
        -------
        str
            Such as `"age <= 20"`, `"20 < age <= 30"`, `"city = Oslo"`, `"member is true"` or
            `"age is missing"`; only the name if there is nothing to compare.
        """

    @abstractmethod
    def content(self, value: Value) -> bytes:
        """Return the contribution of a case's encoded value to the seed of the case's draws."""

    def scale(self, design: np.ndarray) -> np.ndarray:
        """Standardise the column of a design by the training data, if it contains numbers."""
        return design


def plain(value: Value) -> Value:
    """Convert a numpy scalar to a Python number, which prints without its type."""
    return value.item() if isinstance(value, np.generic) else value


def is_object(dtype: object) -> bool:
    """Whether a type is numpy's type of Python objects."""
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def feature_type_of(name: Hashable, values: pd.Series) -> FeatureType:
    """
    Detect the feature type of a column from its type and, for objects, from its values.

    Raises
    ------
    TypeError
        If it has a value that is not a number, a level or a date.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "factor"
    types = pd.api.types
    if types.is_bool_dtype(dtype):
        return "logical"
    if types.is_integer_dtype(dtype):
        return "integer"
    if types.is_complex_dtype(dtype):
        raise TypeError(_unknown_type(name, "complex numbers"))
    if types.is_numeric_dtype(dtype):
        return "numeric"
    if dtype.kind in "mM" or isinstance(dtype, pd.PeriodDtype):
        return "date_time"
    if types.is_string_dtype(dtype) and not is_object(dtype):
        return "character"
    if isinstance(dtype, pd.IntervalDtype):
        return "character"
    return _object_type(name, values.dropna().astype(object))


_OBJECT_TYPES: dict[str, FeatureType] = {
    "string": "character",
    "empty": "character",
    "boolean": "logical",
    "integer": "integer",
    "floating": "numeric",
    "mixed-integer-float": "numeric",
    "decimal": "numeric",
    **dict.fromkeys(["date", "datetime", "datetime64", "timedelta", "time", "period"], "date_time"),
}


def _object_type(name: Hashable, values: pd.Series) -> FeatureType:
    """Detect the feature type of a column of Python objects; mixed types count as levels."""
    for value in values:
        if pd.api.types.is_list_like(value) or not isinstance(value, Hashable):
            raise TypeError(_unknown_type(name, f"a {type(value).__name__}: {value!r:.60}"))
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred == "complex":
        raise TypeError(_unknown_type(name, "complex numbers"))
    if inferred.startswith("mixed") and all(map(_is_number, values)):
        # Such as Decimals beside whole numbers, or whole numbers of more than 64 bits.
        return "integer" if all(isinstance(value, Integral) for value in values) else "numeric"
    return _OBJECT_TYPES.get(inferred, "character")


def _is_number(value: object) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def _unknown_type(name: Hashable, what: str) -> str:
    return (
        f"The column {name!r} must have numbers, strings, categories, logicals or dates; "
        f"it has {what}."
    )


_KIND_NAMES = {
    "integer": "whole numbers",
    "numeric": "numbers",
    "character": "strings",
    "factor": "categories",
    "logical": "logicals",
    "date_time": "dates",
}


# How strings, as JSON and CSV have them, become values of a kind.
_CURES = {
    "integer": " Convert them first, with `pd.to_numeric({})`.",
    "numeric": " Convert them first, with `pd.to_numeric({})`.",
    "date_time": " Convert them first, with `pd.to_datetime({})`.",
}


def check_same_kind(column: Column, values: pd.Series) -> None:
    """Raise a TypeError if values are of another kind than those of the training column."""
    if not values.notna().any():
        return
    expected = column.feature_type
    if expected in ("constant", "factor"):  # codes are factors
        expected = "integer" if pd.api.types.is_integer_dtype(column.dtype) else "numeric"
    found = feature_type_of(column.name, values)
    numbers = ("integer", "numeric")
    if found != expected and not (found in numbers and expected in numbers):
        cure = _CURES.get(expected, "") if found == "character" else ""
        raise TypeError(
            f"The column {column.name!r} must have {_KIND_NAMES[expected]} as in the training "
            f"data ({column.dtype}); not {_KIND_NAMES[found]} such as "
            f"{plain(values.dropna().iloc[0])!r}." + cure.format(f"x[{column.name!r}]")
        )
