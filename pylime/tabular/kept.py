"""Columns that keep the case's value: dates, and numbers that are all equal."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from pylime.tabular.columns import Column, Dtype, Problems, Value, check_same_kind
from pylime.tabular.numbers import cast_numbers, decode_numbers, number_content, numbers_of

__all__ = ["Kept"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Kept(Column):
    """A column whose values are never drawn, and so never explained."""

    is_kept: ClassVar[bool] = True

    @property
    def _is_date(self) -> bool:
        return self.feature_type == "date_time"

    @property
    def _is_whole(self) -> bool:
        return not self._is_date and pd.api.types.is_integer_dtype(self.dtype)

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Convert values to the training column's type."""
        check_same_kind(self, values)
        if not self._is_date:
            return cast_numbers(values, self, self._is_whole)
        try:
            return values.astype(self.dtype), {}
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"The column {self.name!r} must have dates as in the training data "
                f"({self.dtype}); not {values.dtype}: {error}"
            ) from error

    def encode(self, values: pd.Series) -> np.ndarray | None:
        """Return numbers; None for dates."""
        return None if self._is_date else numbers_of(values)

    def decode(self, values: np.ndarray, dtype: Dtype) -> Any:
        """Return numbers of a type."""
        return decode_numbers(values, dtype, False, self.gap)

    def draw(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Raise a ValueError: the column has no distribution."""
        raise ValueError(f"The column {self.name!r} keeps the value of the case.")

    def compare(self, values: np.ndarray) -> np.ndarray:
        """Return zeros: the column does not vary."""
        return np.zeros(len(values))

    def describe(self, value: Value) -> str:
        """Return only the name."""
        return str(self.name)

    def content(self, value: Value) -> bytes:
        """Return the date as a string, or the bytes of the number."""
        return str(value).encode() if self._is_date else number_content(value)
