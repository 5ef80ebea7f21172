"""
The tidy frame: its columns, and how explained cases become one.
"""

import json
import numbers
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from pylime.foreign import as_pandas
from pylime.pipeline import Explained
from pylime.request import Request
from pylime.surrogate.assessment import Assessment
from pylime.trust import Quality, qualities_of

__all__ = [
    "COLUMNS",
    "INTERVALS",
    "QUALITY",
    "as_plain",
    "as_utf8",
    "assemble",
    "check_explanation",
    "columns_of",
    "design_values",
    "object_column",
]

COLUMNS = (
    "model_type",
    "case",
    "label",
    "label_prob",
    "model_r2",
    "model_intercept",
    "model_prediction",
    "feature",
    "feature_value",
    "feature_weight",
    "feature_desc",
    "data",
    "prediction",
)
"""The columns of an explanation; a regressor's has no `label` and no `label_prob`."""

INTERVALS = ("feature_se", "feature_lo", "feature_hi", "feature_freq")
"""Further columns with `intervals=True`, behind `feature_weight`."""

QUALITY = tuple(field.name for field in fields(Quality))
"""Further columns with `quality=True`, at the end; `n_permutations` belongs to them."""


def columns_of(request: Request) -> list[str]:
    """
    List the columns of an explanation.

    Parameters
    ----------
    request
        The arguments of the call.
    """
    further = {
        "feature_weight": [
            *(INTERVALS if request.intervals else ()),
            *(["feature_contribution"] if request.contributions else ()),
        ],
        "model_prediction": [
            *(["surrogate_mean"] if request.contributions else ()),
            *(["n_permutations"] if request.quality or request.max_permutations else ()),
        ],
        "prediction": QUALITY if request.quality else (),
    }
    absent = ("label", "label_prob") if request.model_type == "regression" else ()
    known = [name for name in COLUMNS if name not in absent]
    return list(chain.from_iterable([name, *further.get(name, ())] for name in known))


def assemble(explained: Iterable[Explained], request: Request) -> pd.DataFrame:
    """
    Put explained cases into one tidy frame.

    Parameters
    ----------
    explained
        The cases.
    request
        The arguments of the call.

    Returns
    -------
    pandas.DataFrame
        A row per case, label and feature, with the columns of `columns_of`; for a regressor
        with a number as `prediction`.
    """
    regression = request.model_type == "regression"
    columns: dict[str, list[Any]] = {name: [] for name in columns_of(request)}
    for case in explained:
        prediction = dict(case.prediction)
        data = _with_one_nan(case.data)
        qualities = qualities_of(case, request) if request.quality else ()
        for number, fit in enumerate(case.surrogates):
            reported = [case.reported[name] for name in fit.features]
            own: dict[str, list[Any]] = {
                "feature": fit.features,
                "feature_value": [value for value, _ in reported],
                "feature_desc": [description for _, description in reported],
                "feature_weight": fit.coefficients.tolist(),
                "feature_contribution": fit.contributions.tolist(),
            }
            if request.intervals:
                own |= _interval_columns(case.assessments[number])
            shared = {
                "model_type": request.model_type,
                "case": case.case,
                "label": fit.label,
                "label_prob": prediction[fit.label],
                "model_r2": fit.r2,
                "model_intercept": fit.intercept,
                "model_prediction": fit.prediction,
                "surrogate_mean": fit.mean,
                "n_permutations": case.n_permutations,
                "data": data,
                "prediction": prediction[fit.label] if regression else prediction,
                **(vars(qualities[number]) if qualities else {}),
            }
            for name, column in columns.items():
                column += own[name] if name in own else [shared[name]] * len(fit.features)
    cells = {"feature_value", "data"} | (set() if regression else {"prediction"})
    lists = {
        name: object_column(values) if name in cells else values for name, values in columns.items()
    }
    try:
        return pd.DataFrame(lists)
    except UnicodeEncodeError:  # pandas refuses lone surrogates, as file names can have
        return pd.DataFrame({name: _column(values) for name, values in lists.items()})


def _interval_columns(assessment: Assessment) -> dict[str, list[Any]]:
    """Return the intervals of the weights of one surrogate model."""
    intervals = assessment.intervals
    values = intervals.se, intervals.lo, intervals.hi, assessment.frequencies
    return {name: value.tolist() for name, value in zip(INTERVALS, values, strict=True)}


def _with_one_nan(data: Any) -> Any:
    """Make missing numbers of a row the same object: only so are equal mappings equal."""
    if not isinstance(data, Mapping):
        return data
    return {
        name: np.nan if isinstance(value, float) and value != value else value
        for name, value in data.items()
    }


def _column(values: list[Any] | pd.Series) -> pd.Series:
    """Make a column of the type that pandas finds, or of objects if it refuses the values."""
    try:
        return pd.Series(values)
    except UnicodeEncodeError:
        return object_column(list(values))


def as_utf8(text: str) -> str:
    r"""
    Escape what cannot be written as UTF-8: lone surrogates, as file names can have.

    Parameters
    ----------
    text
        Any text.

    Examples
    --------
    >>> as_utf8("Tromsø \udcff")
    'Tromsø \\udcff'
    """
    return text.encode("utf-8", "backslashreplace").decode()


_NUMBERS = (np.float64, np.int64)


def as_plain(explanation: pd.DataFrame) -> pd.DataFrame:
    """
    Convert all columns that are not of numbers to strings, as Spark and Parquet need it.

    Parameters
    ----------
    explanation
        From `assemble`.
    """
    texts = {
        name: pd.Series([_as_string(cell) for cell in explanation[name]], dtype="str")
        for name in explanation.columns
        if name in ("case", "label") or explanation[name].dtype not in _NUMBERS
    }
    return explanation.assign(**texts)


def _as_string(cell: object) -> str | None:
    """Convert a cell to a string: a mapping to JSON, a missing value to None."""
    if isinstance(cell, Mapping):
        values = {str(name): _json_scalar(value) for name, value in cell.items()}
        return as_utf8(json.dumps(values, ensure_ascii=False, allow_nan=False))
    return None if _is_missing_cell(cell) else as_utf8(str(cell))


def _json_scalar(value: object) -> bool | int | float | str | None:
    """Convert a value of a mapping to one that JSON has."""
    if _is_missing_cell(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float | str) else str(value)


def _is_missing_cell(value: Any) -> bool:
    return value is None or (np.ndim(value) == 0 and pd.isna(value) is True)


def object_column(values: list[Any]) -> pd.Series:
    """Keep each value as it is; pandas would take lists and mappings apart."""
    array = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        array[position] = value
    return pd.Series(array, dtype=object)


def check_explanation(
    explanation: Any,
    *,
    classification: Iterable[str],
    regression: Iterable[str],
    name: str = "explanation",
) -> tuple[pd.DataFrame, str]:
    """
    Check that something is an explanation.

    Parameters
    ----------
    explanation
        What a user passed as an explanation: a pandas frame, or a plain one of another library.
    classification
        Names from `COLUMNS` that are needed of a classifier's explanation.
    regression
        Those that are needed of a regressor's.
    name
        How to call the argument in an error.

    Returns
    -------
    frame : pandas.DataFrame
        The explanation, converted to pandas if it is a frame of polars or Arrow.
    model_type : str
        `"classification"` or `"regression"`.

    Raises
    ------
    TypeError, ValueError
        If it is not a data frame, lacks columns or rows, or mixes types of models.
    """
    explanation = as_pandas(explanation)
    if not isinstance(explanation, pd.DataFrame):
        raise TypeError(
            f"`{name}` must be a data frame from explain(); "
            f"not an object of class {type(explanation).__name__!r}."
        )
    if "model_type" not in explanation:
        raise ValueError(
            f"`{name}` must be a data frame from explain(); it has no column 'model_type'."
        )
    if explanation.empty:
        raise ValueError(f"`{name}` must have rows; it is empty.")
    needed = {"classification": classification, "regression": regression}
    model_types = list(explanation["model_type"].unique())
    if len(model_types) > 1 or model_types[0] not in needed:
        raise ValueError(
            f"`{name}` must have one `model_type`, 'classification' or 'regression'; "
            f"not {', '.join(map(repr, model_types))}."
        )
    missing = [column for column in needed[model_types[0]] if column not in explanation]
    if missing:
        raise ValueError(
            f"`{name}` must have the columns that explain() gives it; "
            f"without {', '.join(map(repr, missing))} it is incomplete."
        )
    return explanation, model_types[0]


def design_values(explanation: pd.DataFrame) -> np.ndarray:
    """
    Return the design of the cases: what a weight is multiplied by in the local model's prediction.

    A feature whose description has a comparison is 1, and so are a word and a superpixel. A number
    that is not binned is itself; its description is its name alone.

    Parameters
    ----------
    explanation
        An explanation.

    Returns
    -------
    numpy.ndarray
        One number per row.

    Examples
    --------
    >>> design_values(pd.DataFrame({
    ...     "feature": ["age", "town"],
    ...     "feature_value": [40.0, "Oslo"],
    ...     "feature_desc": ["age", "town = Oslo"],
    ... }))
    array([40.,  1.])
    """
    if "feature" in explanation:
        names = explanation["feature"].map(str)
        bare = explanation["feature_desc"].map(str) == names
    else:
        names = pd.Series("", index=explanation.index)
        bare = ~explanation["feature_desc"].map(str).str.contains("[<>=]")
    values = zip(explanation["feature_value"], names, bare, strict=True)
    return np.array([_as_number(value, name) if alone else 1.0 for value, name, alone in values])


def _as_number(value: Any, name: str) -> float:
    """Return a finite number as it is, also from a plain frame, and 1 for all else."""
    if name and isinstance(value, str) and value != name:  # the value of a word is its name
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        return 1.0
    return float(value) if np.isfinite(float(value)) else 1.0
