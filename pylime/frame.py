"""
The tidy frame: its columns, and how explained cases become one.
"""

import json
import math
import numbers
import re
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from itertools import chain
from typing import Any, Literal

import numpy as np
import pandas as pd

from pylime import checks
from pylime.foreign import as_pandas
from pylime.pipeline import Explained
from pylime.request import Request
from pylime.surrogate.assessment import Assessment
from pylime.trust import Quality, qualities_of
from pylime.values import Bitmap, Superpixel

__all__ = [
    "COLUMNS",
    "INTERVALS",
    "QUALITY",
    "as_row",
    "as_utf8",
    "assemble",
    "check_columns",
    "check_explanation",
    "check_names",
    "columns_of",
    "design_values",
    "explanation_frame",
    "has_bare_name",
    "input_of",
    "is_none_of_group",
    "is_word_of_column",
    "object_column",
    "text_column_of",
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


# Databases return objects if all numbers of a column are missing.
_MAY_BE_MISSING = frozenset([*INTERVALS, *QUALITY]) - {"verdict"}

# How many cases a message names.
_NAMED = 5

# Words such as "1_000" are none.
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", flags=re.IGNORECASE | re.ASCII)
_FRACTION = re.compile(r"[.eE]")


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
            *(["exact"] if request.max_permutations else ()),
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

    Examples
    --------
    >>> from pylime.request import Request
    >>> request = Request(model_type="regression", intervals=True)
    >>> assemble([], request).columns[-7:-3].tolist()
    ['feature_se', 'feature_lo', 'feature_hi', 'feature_freq']
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
                "feature_value": [_with_one_nan(value) for value, _ in reported],
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
                "exact": case.exact is not None,
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
    """Make missing numbers of a mapping the same object: only so are equal mappings equal."""
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
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def object_column(values: list[Any]) -> pd.Series:
    """Keep each value as it is; pandas would take lists and mappings apart."""
    array = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        array[position] = value
    return pd.Series(array, dtype=object)


def explanation_frame(explanation: Any, name: str = "explanation") -> pd.DataFrame:
    """
    Convert what a user passed as an explanation to pandas.

    Parameters
    ----------
    explanation
        A pandas frame, or one of another library.
    name
        How to call the argument in an error.

    Raises
    ------
    TypeError, ValueError
        If it is not a data frame, or lacks the column that all explanations have.
    """
    frame = as_pandas(explanation)
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"`{name}` must be a data frame from explain(); "
            f"not an object of class {type(frame).__name__!r}."
        )
    if "model_type" not in frame:
        raise ValueError(
            f"`{name}` must be a data frame from explain(); it has no column 'model_type'."
        )
    return frame


def check_explanation(
    explanation: Any,
    *,
    classification: Iterable[str],
    regression: Iterable[str],
    name: str = "explanation",
    cells: Collection[str] = ("feature_value", "prediction"),
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
    cells
        The columns whose cells are read from a plain frame. This takes long for many cases, so
        that none should be named in vain.

    Returns
    -------
    frame : pandas.DataFrame
        The explanation, converted to pandas if it is a frame of polars or Arrow. In a plain
        frame the cells have the types again that can be read from it: `feature_value` those
        of numbers and logicals, `prediction` that of a mapping.
    model_type : str
        `"classification"` or `"regression"`.

    Raises
    ------
    TypeError, ValueError
        If it is not a data frame, lacks columns or rows, or mixes types of models.
    """
    frame = explanation_frame(explanation, name)
    model_type = check_columns(
        frame, classification=classification, regression=regression, name=name
    )
    typed = _typed_cells(frame, cells)
    return frame.assign(**typed) if typed else frame, model_type


def check_columns(
    frame: pd.DataFrame,
    *,
    classification: Iterable[str],
    regression: Iterable[str],
    name: str = "explanation",
) -> str:
    """
    Check that a frame has the rows and columns of an explanation.

    Parameters
    ----------
    frame
        From `explanation_frame`.
    classification, regression, name
        As in `check_explanation`.

    Returns
    -------
    str
        `"classification"` or `"regression"`.

    Raises
    ------
    ValueError
        If it lacks columns or rows, or mixes types of models.
    """
    if frame.empty:
        raise ValueError(f"`{name}` must have rows; it is empty.")
    needed = {"classification": classification, "regression": regression}
    model_types = list(frame["model_type"].unique())
    if len(model_types) > 1 or model_types[0] not in needed:
        raise ValueError(
            f"`{name}` must have one `model_type`, 'classification' or 'regression'; "
            f"not {checks.some(model_types, form=lambda value: f'{value!r:.80}')}."
        )
    missing = [column for column in needed[model_types[0]] if column not in frame]
    if missing:
        raise ValueError(
            f"`{name}` must have the columns that explain() gives it; "
            f"without {', '.join(map(repr, missing))} it is incomplete."
        )
    return model_types[0]


def check_names(
    frame: pd.DataFrame, units: np.ndarray, features: np.ndarray | None, name: str = "explanation"
) -> None:
    """
    Raise if several cases have the same name: they would count as one.

    Parameters
    ----------
    frame
        An explanation of n rows.
    units
        (n,) number of the case and label of each row.
    features
        (n,) number of the feature; None if unknown.
    name
        How to call the argument in an error.

    Raises
    ------
    ValueError
        If a case and label has a feature twice, or several fits.
    """
    again = np.zeros(len(frame), dtype=bool)
    if features is not None:
        again |= pd.Series(units * (features.max(initial=0) + 1) + features).duplicated().to_numpy()
    _, first, unit = np.unique(units, return_index=True, return_inverse=True)
    for column in ("model_r2", "model_intercept", "model_prediction"):
        if column in frame:
            fits = frame[column].to_numpy(dtype=float, na_value=np.nan)
            of_unit = fits[first][unit]
            again |= (fits != of_unit) & ~(np.isnan(fits) & np.isnan(of_unit))
    if again.any():
        shared = dict.fromkeys(frame["case"].iloc[np.flatnonzero(again)].tolist())
        raise ValueError(
            f"`{name}` must have another name for each case; {checks.some(shared, _NAMED)} "
            f"{'are names' if len(shared) > 1 else 'is the name'} of several. Explain cases with "
            "an index without repeats; of several explanations of the same cases, use "
            "compare_explanations()."
        )


def input_of(frame: pd.DataFrame) -> Literal["table", "text", "image", "other"]:
    """
    Find out what was explained, also from a plain frame.

    Parameters
    ----------
    frame
        An explanation with rows.

    Returns
    -------
    str
        `"other"` if the frame has too few columns.
    """
    data = frame["data"].iloc[0] if "data" in frame else None
    value = frame["feature_value"].iloc[0] if "feature_value" in frame else None
    if isinstance(data, Bitmap) or isinstance(value, Superpixel):
        return "image"
    if isinstance(data, Mapping):
        return "table"
    if re.fullmatch(r"\d+px superpixel", str(value)) and (
        data is None or re.fullmatch(r"\d+ channel \d+x\d+ bitmap", str(data))
    ):
        return "image"
    if not isinstance(data, str):
        return "other"
    row = as_row(data)
    if row is None:
        return "text"
    if str(frame["feature"].iloc[0]) in row:
        return "table"
    # A text can be JSON, too. Its features are their own values, those of a row are not: a word
    # has its column before it, a group has no column of its name.
    names = zip(frame["feature"], frame.get("feature_value", frame["feature"]), strict=True)
    return "table" if any(str(feature) != str(value) for feature, value in names) else "text"


def as_row(data: Any) -> Mapping[Any, Any] | None:
    """
    Return the row of a table, also where a plain frame has it as JSON.

    Parameters
    ----------
    data
        A cell of the column `data`.

    Returns
    -------
    Mapping or None
        Values by column; None if it is anything else, such as a text.

    Examples
    --------
    >>> as_row('{"age": 40, "town": null}')
    {'age': 40, 'town': None}
    """
    if isinstance(data, Mapping):
        return data
    if not isinstance(data, str) or not data.startswith("{"):
        return None
    try:
        row = json.loads(data)
    except ValueError:  # a text that begins like this
        return None
    return row if isinstance(row, dict) else None


def is_word_of_column(feature: Any, value: Any, description: Any = None) -> bool:
    """
    Whether a feature is a word of a text column: its name is that of the column and the word.

    Parameters
    ----------
    feature, value, description
        The name, the value and the description of a feature. A word describes itself; without a
        description only the name decides.

    Examples
    --------
    >>> is_word_of_column("review: superb", "superb", "review: superb")
    True
    >>> is_word_of_column("town", "Oslo", "town = Oslo"), is_word_of_column("superb", "superb")
    (False, False)
    """
    if not isinstance(value, str) or not str(feature).endswith(f": {value}"):
        return False
    return description is None or str(description) == str(feature)


def is_none_of_group(feature: Any, description: Any) -> bool:
    """
    Whether a feature is a one-hot group of which no column is set, so that it has no value.

    Parameters
    ----------
    feature, description
        The name and the description of a feature.

    Examples
    --------
    >>> is_none_of_group("size", "size is none of s, m"), is_none_of_group("size", "size = m")
    (True, False)
    """
    return str(description).startswith(f"{feature} is none of ")


def text_column_of(
    feature: Any, value: Any, description: Any, row: Mapping[Any, Any]
) -> Hashable | None:
    """
    Find the text column of a word. Names of columns, and words, can have colons themselves.

    Parameters
    ----------
    feature, value, description
        The name, the value and the description of a feature.
    row
        The row of the case.

    Returns
    -------
    Hashable or None
        The name of the column; None if the feature is not a word of a text of this row.

    Examples
    --------
    >>> row = {"note": "a: b c", "note: a": "b", "town": "Oslo"}
    >>> text_column_of("note: a: b", "a: b", "note: a: b", row)
    'note'
    >>> text_column_of("note: a: b", "b", "note: a: b", row)
    'note: a'
    """
    if not is_word_of_column(feature, value, description):
        return None
    name = str(feature).removesuffix(f": {value}")
    column = name if name in row else next((key for key in row if str(key) == name), None)
    return column if column is not None and isinstance(row[column], str) else None


def _typed_cells(explanation: pd.DataFrame, cells: Collection[str]) -> dict[Any, np.ndarray]:
    """Read the cells of a plain frame; there are none in any other."""
    columns = {
        name: np.full(len(column), np.nan)
        for name, column in explanation.items()
        if name in _MAY_BE_MISSING and column.dtype.kind == "O" and column.isna().all()
    }
    if "prediction" in cells and "prediction" in explanation:
        predictions = _mappings(explanation["prediction"])
        if predictions:
            read = {text: _probabilities(parts) for text, parts in predictions.items()}
            of_rows = explanation["prediction"].tolist()
            columns["prediction"] = _objects([read.get(cell, cell) for cell in of_rows])
    if "feature_value" in cells and {"feature_value", "feature"} <= {*explanation}:
        values = explanation["feature_value"].tolist()
        if str in set(map(type, values)):
            columns["feature_value"] = _objects(_typed_values(values, explanation))
    return columns


def _probabilities(stored: dict[str, Any]) -> dict[str, Any]:
    return {label: np.nan if value is None else value for label, value in stored.items()}


def _mappings(cells: pd.Series) -> dict[Any, dict[str, Any]]:
    """Read the strings that are JSON of mappings."""
    if not (cells.dtype == object or isinstance(cells.dtype, pd.StringDtype)):
        return {}
    found = {}
    for text in {cell for cell in cells.tolist() if type(cell) is str and cell.startswith("{")}:
        try:
            found[text] = json.loads(text)
        except ValueError:  # a text that was explained
            continue
    return found


def _typed_values(values: list[Any], explanation: pd.DataFrame) -> list[Any]:
    """
    Give numbers and logicals that are strings their type.

    A description such as `2 < age`, `member is true`, or the name alone, is that of a number or
    logical; a word is its own name, or has its column before it. That of a level, such as
    `zip = 3`, leaves open whether it is one; `data` has the type, if it was not left out. The
    values of a joint group are JSON.
    """
    features = explanation["feature"].tolist()
    if "feature_desc" in explanation:
        descriptions = explanation["feature_desc"].tolist()
    else:
        descriptions = [""] * len(values)
    typed, unclear = list(values), []
    for place, (value, feature, description) in enumerate(
        zip(values, features, descriptions, strict=True)
    ):
        if type(value) is not str or value == feature:
            continue
        is_word = is_word_of_column(feature, value, description)
        if value in ("True", "False"):
            if description == f"{feature} is {value.lower()}":
                typed[place] = value == "True"
            else:
                unclear.append(place)
        elif _NUMBER.fullmatch(value):
            # A word can look like the number of a column whose name has a colon.
            if not is_word and _is_of_number(str(description), str(feature)):
                typed[place] = float(value) if _FRACTION.search(value) else int(value)
            else:
                unclear.append(place)
        elif value.startswith("{") and not is_word:
            typed[place] = _group_values(value, str(feature), str(description))
    if unclear and "data" in explanation:
        data = explanation["data"].iloc[unclear]
        rows = _mappings(data)
        for place, cell in zip(unclear, data.tolist(), strict=True):
            row = rows.get(cell) if type(cell) is str else None
            stored = row.get(str(features[place])) if row else None
            if _reads_as(values[place], stored):
                typed[place] = stored
    return typed


def _group_values(value: str, feature: str, description: str) -> Any:
    """Read the values of a joint group, unless they are a level that looks like these."""
    values = None if description == f"{feature} = {value}" else as_row(value)
    return value if values is None else {k: np.nan if v is None else v for k, v in values.items()}


def _reads_as(value: str, stored: object) -> bool:
    """Whether a string is how a number or logical prints, perhaps one of fewer digits."""
    if isinstance(stored, bool):
        return value == str(stored)
    if not isinstance(stored, int | float) or not _NUMBER.fullmatch(value):
        return False
    return math.isclose(float(value), stored, rel_tol=1e-6)


def _is_of_number(description: str, feature: str) -> bool:
    """Whether a description is that of a number: its name alone, or a bin."""
    if description.startswith(f"{feature} = "):  # a level, even if its name has such a sign
        return False
    return (
        description == feature
        or description.startswith(f"{feature} <= ")
        or description.endswith(f" < {feature}")
        or f" < {feature} <= " in description
    )


def _objects(values: list[Any]) -> np.ndarray:
    return object_column(values).to_numpy()


def has_bare_name(explanation: pd.DataFrame) -> np.ndarray:
    """
    Find the features whose description is their name alone, as that of a plain number is.

    Parameters
    ----------
    explanation
        An explanation.

    Returns
    -------
    numpy.ndarray
        (n,) array of bool.
    """
    descriptions = [str(description) for description in explanation["feature_desc"]]
    if "feature" in explanation:
        names = [str(feature) for feature in explanation["feature"]]
        return np.array([a == b for a, b in zip(descriptions, names, strict=True)], dtype=bool)
    return np.array([not re.search("[<>=]", text) for text in descriptions], dtype=bool)


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
    values = zip(explanation["feature_value"], has_bare_name(explanation), strict=True)
    return np.array([_as_number(value) if alone else 1.0 for value, alone in values])


def _as_number(value: Any) -> float:
    """Return a finite number as it is, and 1 for all else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        return 1.0
    return float(value) if np.isfinite(float(value)) else 1.0
