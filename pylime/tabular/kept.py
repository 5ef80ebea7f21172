"""Columns that keep the case's value: dates, numbers that are all equal, and held ones."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from pylime.tabular.columns import Column, Dtype, Problems, Value, check_same_kind
from pylime.tabular.dates import cast_dates
from pylime.tabular.numbers import cast_numbers, decode_numbers, number_content, numbers_of

__all__ = ["Held", "Kept"]


class _Undrawn(Column):
    """A column that has the case's value in every permutation."""

    is_kept: ClassVar[bool] = True

    def draw(self, u: np.ndarray, gaps: np.ndarray | None = None) -> np.ndarray:
        """Raise a ValueError: the column has no distribution."""
        raise ValueError(f"The column {self.name!r} keeps the value of the case.")

    def compare(self, values: np.ndarray) -> np.ndarray:
        """Return zeros: the column does not vary."""
        return np.zeros(len(values))

    def describe(self, value: Value) -> str:
        """Return only the name."""
        return str(self.name)


@dataclass(frozen=True, eq=False, kw_only=True)
class Kept(_Undrawn):
    """
    A column whose values are never drawn, and so never explained.

    Attributes
    ----------
    class_of_dates
        The class of dates that are Python objects.
    """

    class_of_dates: type | None = None

    @property
    def _is_date(self) -> bool:
        return self.feature_type == "date_time"

    @property
    def _is_whole(self) -> bool:
        return not self._is_date and pd.api.types.is_integer_dtype(self.dtype)

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Convert values to the training column's type."""
        check_same_kind(self, values)
        if self._is_date:
            return cast_dates(values, self, self.class_of_dates), {}
        return cast_numbers(values, self, self._is_whole)

    def encode(self, values: pd.Series) -> np.ndarray | None:
        """Return numbers; None for dates."""
        return None if self._is_date else numbers_of(values)

    def decode(self, values: np.ndarray, dtype: Dtype) -> Any:
        """Return numbers of a type."""
        return decode_numbers(values, dtype, False, self.gap)

    def content(self, value: Value) -> bytes:
        """Return the date as a string, or the bytes of the number."""
        return str(value).encode() if self._is_date else number_content(value)


@dataclass(frozen=True, eq=False, kw_only=True)
class Held(_Undrawn):
    """A column that the user holds: no feature, and nothing of its values is remembered."""

    is_feature: ClassVar[bool] = False

    @classmethod
    def of(cls, name: Any, dtype: Dtype) -> "Held":
        """Remember the name and the type, without the categories that a type can hold."""
        if isinstance(dtype, pd.CategoricalDtype):
            dtype = "category"
        return cls(name=name, dtype=dtype, feature_type="held")

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Return values as they are, those of a row that was a Series in the column's type."""
        if values.dtype == self.dtype or values.dtype != object:
            return values, {}
        try:
            return values.astype(self.dtype), {}
        except (TypeError, ValueError):  # such as a missing whole number
            return values.infer_objects(), {}

    def encode(self, values: pd.Series) -> np.ndarray | None:
        """Return nothing: values are repeated as they are."""
        return None

    def decode(self, values: np.ndarray, dtype: Dtype) -> Any:
        """Raise: nothing was encoded."""
        raise ValueError(f"The column {self.name!r} is held.")

    def content(self, value: Value) -> bytes:
        """Return nothing, so that draws are those of the table without the column."""
        return b""
