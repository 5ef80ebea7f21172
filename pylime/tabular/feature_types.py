"""
What kind of values a column of a table holds, in R's words.
"""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["LEVEL_TYPES", "feature_type_of", "is_object"]

LEVEL_TYPES = frozenset(["character", "factor", "logical"])
"""Feature types of columns that hold levels."""


def is_object(dtype: Any) -> bool:
    """Whether a type is that of Python objects."""
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def feature_type_of(name: Hashable, values: pd.Series) -> str:
    """
    Tell the feature type of a column by its type and, for objects, by its values.

    Raises
    ------
    TypeError
        If it holds something that is neither number, level nor date.
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


_OBJECT_TYPES = {
    "string": "character",
    "empty": "character",
    "boolean": "logical",
    "integer": "integer",
    "floating": "numeric",
    "mixed-integer-float": "numeric",
    "decimal": "numeric",
    **dict.fromkeys(["date", "datetime", "datetime64", "timedelta", "time", "period"], "date_time"),
}


def _object_type(name: Hashable, values: pd.Series) -> str:
    """Look into a column of Python objects; a mixture counts as levels."""
    for value in values:
        if pd.api.types.is_list_like(value) or not isinstance(value, Hashable):
            raise TypeError(_unknown_type(name, f"a {type(value).__name__}: {value!r:.60}"))
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred == "complex":
        raise TypeError(_unknown_type(name, "complex numbers"))
    return _OBJECT_TYPES.get(inferred, "character")


def _unknown_type(name: Hashable, what: str) -> str:
    return (
        f"The column {name!r} must hold numbers, strings, categories, logicals or dates; "
        f"it holds {what}."
    )
