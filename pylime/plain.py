"""Plain frames: explanations of numbers, strings and booleans only, as other tools take them."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from pylime import checks
from pylime.frame import as_utf8, explanation_frame

__all__ = ["CELLS", "NAMES", "as_plain"]

NAMES = ("model_type", "case", "label", "feature", "feature_desc", "verdict")
"""Columns that are always strings in a plain frame, even if they look like numbers."""

CELLS = ("data", "prediction")
"""Columns of whole cases and predictions, which `cells="drop"` leaves out."""

# What pandas calls the cells of an object column that are numbers.
_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")

_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def as_plain(explanation: Any, cells: Literal["json", "drop"] = "json") -> pd.DataFrame:
    """
    Convert an explanation to numbers, strings and booleans, which any other tool takes.

    The cells of an explanation are objects: rows of tables, images, words with their places.
    Polars, Arrow, Parquet, SQL and Spark refuse some of them or a mixture of them, and
    `drop_duplicates()` does, too. A plain frame goes there and back.

    Parameters
    ----------
    explanation
        From `pylime.explain`, as a frame of pandas, polars or Arrow. It may have further
        columns, fewer columns, or fewer rows. A plain one comes back equal.
    cells
        What becomes of `data` and `prediction`, where they are not numbers. `"json"` makes
        them strings: rows and the probabilities of the labels are JSON, texts stay, and an
        image is described by its size. `"drop"` leaves them out, which takes much less space.

    Returns
    -------
    pandas.DataFrame
        The rows with their index. Numbers and booleans keep their type.
        `case`, `label` and `feature_value` are strings, as they print, even if they are
        numbers; a column `feature_value` that has a type of numbers stays one, and the values of a
        group of columns are JSON. Missing values stay missing, whatever kind of missing value
        they were; in JSON they are `null`.

        Further columns follow the same rules: decimals become floats, dates the strings that
        they print, and lists and mappings JSON, or are left out with `cells="drop"`.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, two of its columns have the same name, or
        `cells` is not one of its choices.

    See Also
    --------
    explain : With `plain=True` it returns such a frame.
    write_explanation : Keeps the cells.

    Notes
    -----
    Plots and summaries also take plain frames, unless they need the pixels of images.

    For JSON, as a web service returns it, write the plain frame with pandas: in
    `as_plain(explanation).to_json(orient="records")` missing values are `null`. The NaN of
    `to_dict("records")` is not JSON, and web frameworks refuse it.

    Examples
    --------
    >>> from pylime import as_regressor, explain, lime
    >>> flats = pd.DataFrame({"rooms": [1, 2, 3, 4], "town": ["Oslo", "Bergen"] * 2})
    >>> explainer = lime(flats, as_regressor(lambda rows: 300.0 * rows["rooms"]), n_bins=2)
    >>> explanation = explain(flats.head(1), explainer, n_features=2, random_state=1)
    >>> plain = as_plain(explanation)
    >>> plain["data"].iloc[0]
    '{"rooms": 1, "town": "Oslo"}'
    >>> plain["feature_value"].tolist()
    ['1', 'Oslo']
    >>> [name for name in plain if name not in as_plain(explanation, cells="drop")]
    ['data']
    """
    checks.one_of("cells", cells, ("json", "drop"))
    frame = explanation_frame(explanation)
    names = [str(name) for name in frame.columns]
    again = [name for place, name in enumerate(names) if name in names[:place]]
    if again:
        raise ValueError(
            f"The columns of `explanation` must have different names; {again[0]!r} is not the "
            "only one of its name."
        )
    kept = {
        name: column
        for name, (_, column) in zip(names, frame.items(), strict=True)
        if cells == "json" or not _is_of_cells(name, column)
    }
    # Arrays, because pandas would align series by an index whose labels may repeat.
    plain = {name: _plain_column(name, column).array for name, column in kept.items()}
    return pd.DataFrame(plain, index=frame.index)


def _is_of_cells(name: str, column: pd.Series) -> bool:
    """Whether a column has cells that are neither numbers nor what one string describes."""
    dtype = column.dtype
    if pd.api.types.is_numeric_dtype(dtype) or name in (*NAMES, "feature_value"):
        return False
    if name in CELLS:
        return pd.api.types.infer_dtype(column, skipna=True) not in _NUMBERS
    return any(_is_collection(cell) for cell in column)


def _is_collection(cell: object) -> bool:
    if isinstance(cell, str | bytes | np.generic):
        return False
    return isinstance(cell, Collection) or hasattr(cell, "__array__")


def _plain_column(name: str, column: pd.Series) -> pd.Series:
    """Convert a column to strings, unless it is one of numbers or booleans."""
    dtype = column.dtype
    if isinstance(dtype, pd.StringDtype) and dtype == "str" and dtype.storage == "pyarrow":
        return column  # it has no lone surrogates
    if name in NAMES:
        return _strings(column, _text_of)
    if isinstance(dtype, pd.SparseDtype):
        column, dtype = column.sparse.to_dense(), dtype.subtype
    if pd.api.types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
        return column
    if pd.api.types.is_numeric_dtype(dtype):
        return _numbers(column)
    if name == "feature_value":
        return _strings(column, _value_text)
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_object_dtype(dtype):
        typed = _of_one_kind(name, column.astype(object))
        if typed is not None:
            return typed
    return _json_texts(column)


def _numbers(column: pd.Series) -> pd.Series:
    """Keep a column of numbers, unless other tools lack its type."""
    dtype: Any = column.dtype
    if dtype.kind == "c":
        return _strings(column, _text_of)
    if dtype.kind not in "iuf":  # Arrow's decimals
        return column.astype("float64")
    if isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return column.astype("float32" if dtype.itemsize == 2 else "float64")
    return column


def _of_one_kind(name: str, column: pd.Series) -> pd.Series | None:
    """Give objects that are all numbers, or all booleans, their type; None for others."""
    kind = pd.api.types.infer_dtype(column, skipna=True)
    missing = column.isna()
    if kind == "boolean":
        return column.astype("boolean" if missing.any() else "bool")
    if kind == "empty" and len(column) and name not in CELLS:
        return pd.Series(np.full(len(column), np.nan))
    if kind not in _NUMBERS:
        return None
    try:
        if kind == "integer":
            return column.astype("Int64" if missing.any() else "int64")
        return pd.Series([np.nan if pd.isna(cell) else float(cell) for cell in column])
    except (OverflowError, TypeError, ValueError):  # whole numbers of more than 64 bits
        return None


def _strings(column: pd.Series, convert: Callable[[Any], str | None]) -> pd.Series:
    """Convert each cell to a string, or to None if it is missing."""
    return pd.Series([convert(cell) for cell in column.tolist()], dtype="str")


def _text_of(cell: Any) -> str | None:
    """Convert a cell to the string that it prints; a missing value to None."""
    kind = type(cell)
    if kind is float:
        return str(cell) if cell == cell else None
    if kind is int or kind is bool:
        return str(cell)
    if isinstance(cell, str):
        return str(cell) if cell.isascii() else as_utf8(cell)
    return None if _is_missing_cell(cell) else as_utf8(str(cell))


def _value_text(value: Any) -> str | None:
    """Convert a feature value to the string that it prints; the values of a joint group to JSON."""
    return _json_of(value) if isinstance(value, dict) else _text_of(value)


def _json_texts(column: pd.Series) -> pd.Series:
    """Convert each cell as `_json_of` does; an object that many rows share is converted once."""
    cells = column.tolist()  # this list keeps the cells alive, so that no id is used again
    known: dict[int, str | None] = {}
    for cell in cells:
        if id(cell) not in known:
            known[id(cell)] = _json_of(cell)
    return pd.Series([known[id(cell)] for cell in cells], dtype="str")


def _json_of(cell: Any) -> str | None:
    """Convert a mapping or list to JSON, and any other cell to a string."""
    if not isinstance(cell, Mapping | list | tuple | np.ndarray):
        return _text_of(cell)
    text = _json_as_it_is(cell)
    if text is None:
        text = _JSON.encode(_json_value(cell))
    return text if text.isascii() else as_utf8(text)


def _json_as_it_is(cell: Any) -> str | None:
    """Convert a mapping that has only what JSON has; None for any other, which takes longer."""
    if type(cell) is not dict or any(type(name) is not str for name in cell):
        return None
    try:
        return _JSON.encode(cell)
    except (TypeError, ValueError):  # another type, or a number that is not finite
        return None


def _json_value(value: Any) -> Any:
    """Convert a value to one that JSON has."""
    if isinstance(value, Mapping):
        return {str(name): _json_value(part) for name, part in value.items()}
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        return [_json_value(part) for part in value]
    if _is_missing_cell(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float | str) else str(value)


def _is_missing_cell(value: Any) -> bool:
    if isinstance(value, str | int):
        return False
    return value is None or (np.ndim(value) == 0 and pd.isna(value) is True)
