"""Columns of numbers that are codes: levels that a model takes for levels, too."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pylime.tabular.columns import (
    Dtype,
    FeatureType,
    Problems,
    Value,
    check_same_kind,
    is_object,
    plain,
)
from pylime.tabular.levels import Levels
from pylime.tabular.numbers import cast_numbers

__all__ = ["Codes"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Codes(Levels):
    """A column of numbers of which only those of the training data are drawn."""

    @staticmethod
    def levels_of(values: pd.Series, feature_type: FeatureType) -> pd.Index:
        """Return the distinct numbers, as Python's own."""
        return pd.Index(sorted(values.dropna().astype(object).map(plain).unique()), dtype=object)

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Convert numbers to the training column's type, if it can represent them."""
        check_same_kind(self, values)
        return cast_numbers(values, self, pd.api.types.is_integer_dtype(self.dtype))

    def decode(self, values: np.ndarray, dtype: Dtype) -> Any:
        """Return the numbers at these positions."""
        if is_object(dtype):
            return super().decode(values, dtype)
        if isinstance(dtype, np.dtype):
            if dtype.kind != "f":
                return np.array(self.levels.tolist(), dtype=dtype)[values]
            return np.array([*self.levels, np.nan], dtype=dtype)[values]
        if isinstance(dtype, pd.SparseDtype):
            return pd.array(np.array([*self.levels, np.nan])[values], dtype=dtype)
        return super().decode(values, dtype)

    def text_of(self, value: Value) -> str:
        """Return the name of a code, or the number, without decimals if it is whole."""
        if self.names and value in self.names:
            return self.names[value]
        number = plain(value)
        return str(int(number)) if float(number).is_integer() else str(number)
