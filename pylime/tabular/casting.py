"""
Values of cases in the type of the training data, or what is wrong with them.
"""

from typing import Any

import numpy as np
import pandas as pd

from pylime.tabular.columns import (
    LARGEST,
    UNKNOWN,
    Column,
    decode,
    encode,
    levels_of,
    numbers_of,
    whole_range,
)
from pylime.tabular.feature_types import feature_type_of, is_object

__all__ = ["cast"]


def cast(values: pd.Series, column: Column) -> tuple[pd.Series, dict[int, str]]:
    """
    Give the values of cases the type of the training column.

    Parameters
    ----------
    values
        One value per case.
    column
        From `fit_column`.

    Returns
    -------
    pandas.Series
        Of the training column's type; if that cannot hold a missing value and one is
        there, of the type that pandas gives such a column.
    dict
        What is wrong with single values, by their position.

    Raises
    ------
    TypeError
        If the column is of another type altogether.
    """
    if column.feature_type in ("factor", "character"):
        return _cast_levels(values, column)
    expected = _object_type_of_dtype(column)
    found = feature_type_of(column.name, values) if values.notna().any() else expected
    number = ("integer", "numeric")
    if found != expected and not (found in number and expected in number):
        example = values.dropna().iloc[0]
        raise TypeError(
            f"The column {column.name!r} must hold {_KIND_NAMES[expected]} as in the training "
            f"data ({column.dtype}); not {_KIND_NAMES[found]} such as {_plain(example)!r}."
        )
    if expected == "logical":
        return _cast_logical(values, column), {}
    if expected == "date_time":
        try:
            return values.astype(column.dtype), {}
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"The column {column.name!r} must hold dates as in the training data "
                f"({column.dtype}); not {values.dtype}: {error}"
            ) from error
    return _cast_numbers(values, column, whole=expected == "integer")


_KIND_NAMES = {
    "integer": "whole numbers",
    "numeric": "numbers",
    "character": "strings",
    "factor": "categories",
    "logical": "logicals",
    "date_time": "dates",
}


def _plain(value: Any) -> Any:
    """A numpy number as Python's own, which is printed as people write it."""
    return value.item() if isinstance(value, np.generic) else value


def _object_type_of_dtype(column: Column) -> str:
    if column.feature_type != "constant":
        return column.feature_type
    return "integer" if pd.api.types.is_integer_dtype(column.dtype) else "numeric"


def _cast_logical(values: pd.Series, column: Column) -> pd.Series:
    if values.dtype == column.dtype:
        return values
    if isinstance(column.dtype, np.dtype) and values.isna().any():
        return values.astype(object)
    return values.astype(column.dtype)


def _cast_levels(values: pd.Series, column: Column) -> tuple[pd.Series, dict[int, str]]:
    levels = levels_of(column)
    codes = encode(values, column)
    problems = {}
    for row in np.flatnonzero(codes == UNKNOWN):
        some = [str(level) for level in levels[:10]]
        listed = ", ".join(some) + (", ..." if len(levels) > len(some) else "")
        problems[int(row)] = (
            f"The column {column.name!r} has the level {_plain(values.iloc[row])!r}, which the "
            f"training data have not; they have: {listed or 'none'}."
        )
    codes[codes == UNKNOWN] = -1
    plain = decode(codes, column, column.dtype)
    return pd.Series(plain, index=values.index, dtype=column.dtype), problems


def _cast_numbers(
    values: pd.Series, column: Column, whole: bool
) -> tuple[pd.Series, dict[int, str]]:
    numbers = numbers_of(values)
    problems = {}
    for row in np.flatnonzero(np.abs(numbers) > LARGEST):
        problems[int(row)] = (
            f"The column {column.name!r} must hold finite numbers up to {LARGEST:g}; "
            f"not {numbers[row]:g}."
        )
    lowest, highest = whole_range(column.dtype) if whole else (-np.inf, np.inf)
    if whole:
        fits = np.isnan(numbers) | (
            (numbers == np.rint(numbers)) & (numbers >= lowest) & (numbers <= highest)
        )
        for row in np.flatnonzero(~fits):
            problems.setdefault(
                int(row),
                f"The column {column.name!r} must hold whole numbers as in the training data "
                f"({column.dtype}); not {numbers[row]:g}.",
            )
    if problems:
        values = values.copy()
        usable = next((row for row in range(len(values)) if row not in problems), None)
        fill = 0 if usable is None else values.iloc[usable]
        for row in problems:  # these cases are left out; the others' type stays as it is
            values.iloc[row] = fill
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iu" and values.isna().any():
        dtype = np.dtype(np.float64)
    if values.dtype == dtype or is_object(dtype):
        return values.astype(dtype), problems
    if pd.api.types.is_integer_dtype(values.dtype):
        return values.astype(dtype), problems
    plain = decode(numbers_of(values), column, dtype)
    return pd.Series(plain, index=values.index, dtype=dtype), problems
