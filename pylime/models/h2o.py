"""
H2O models, which predict on a server.

Each prediction uploads its rows, runs on the server and removes what it made there. That takes
a few tenths of a second, however few the rows: H2O's client looks for results five times a
second. Models cannot leave the process that is connected to the server, so `explain()` needs
`n_jobs=1`. H2O's client may report predictions to its makers; the environment variable
`DO_NOT_TRACK=1` turns that off.
"""

from collections.abc import Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylime._optional import placeholder
from pylime._types import Model, Prepared, Returned
from pylime.models.categorical import categorical_columns
from pylime.models.generics import (
    ModelType,
    PredictionType,
    call_model,
    model_type,
    predict_model,
)
from pylime.models.outputs import Predictions, as_predictions

if TYPE_CHECKING:
    import h2o

ModelBase = placeholder("h2o.model.model_base", "ModelBase")
AutoML = placeholder("h2o.automl", "H2OAutoML")

_TASKS: dict[str, ModelType] = {
    "Binomial": "classification",
    "Multinomial": "classification",
    "Ordinal": "classification",
    "Regression": "regression",
    "HGLMRegression": "regression",
}
# The types of a model's columns, and the names by which a frame is made of them.
_COLUMN_TYPES = {"Numeric": "numeric", "Enum": "enum", "Time": "time", "String": "string"}


@model_type.register(ModelBase)
def type_of_h2o_model(model: Model) -> ModelType:
    """Classification or regression, by the model's category."""
    category = _trained_output(model)["model_category"]
    if category not in _TASKS:
        raise TypeError(
            f"{type(model).__name__} (of H2O's category {category}) neither classifies nor "
            "regresses; wrap a function of it in as_classifier() or as_regressor()."
        )
    return _TASKS[category]


@predict_model.register(ModelBase)
def predict_h2o_model(
    model: Model, newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict numbers, or probabilities, on the server."""
    import h2o

    output = _trained_output(model)
    on_server = []
    with _quiet():
        try:
            on_server.append(_upload(output, newdata))
            on_server.append(model.predict(on_server[0], **kwargs))
            text = on_server[1].get_frame_data()
        finally:
            h2o.remove(on_server)
    # After the likeliest class come the probabilities, whose names H2O alters: p0, p1.
    domain = output["domains"][-1] if type == "prob" else None
    wanted = [0] if domain is None else list(range(1, 1 + len(domain)))
    predicted = pd.read_csv(StringIO(text), usecols=wanted, dtype=np.float64)
    return as_predictions(predicted.to_numpy(), type, domain)


@model_type.register(AutoML)
def type_of_h2o_automl(model: Model) -> ModelType:
    """What the best model does."""
    return model_type(_leader(model))


@predict_model.register(AutoML)
def predict_h2o_automl(
    model: Model, newdata: Prepared, type: PredictionType, **kwargs: object
) -> Returned:
    """Predict with the best model."""
    return call_model(_leader(model), newdata, type=type, **kwargs)


@categorical_columns.register(ModelBase)
def categorical_columns_of_h2o_model(
    model: Model, columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those that were categories on the server."""
    output = _trained_output(model)
    levels = zip(output["names"], output["domains"], strict=True)
    names = {name for name, domain in levels if domain is not None}
    return [column for column in columns if column in names]


@categorical_columns.register(AutoML)
def categorical_columns_of_h2o_automl(
    model: Model, columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those of the best model."""
    return categorical_columns(_leader(model), columns)


def _leader(model: Model) -> Model:
    """The best model of several; raises if there is none yet."""
    if model.leader is None:
        raise TypeError("`model` must be trained; this H2OAutoML is not. Call its train() first.")
    return model.leader


def _trained_output(model: Model) -> dict[str, Any]:
    """H2O's description of a trained model; raises if it is not trained."""
    if model._model_json is None:
        raise TypeError(
            f"`model` must be trained; this {type(model).__name__} is not. Call its train() first."
        )
    return model._model_json["output"]


@contextmanager
def _quiet() -> Iterator[None]:
    """Turn H2O's progress bars off inside, and then back as they were."""
    import h2o
    from h2o.job import H2OJob

    shown = H2OJob.__PROGRESS_BAR__
    h2o.no_progress()
    try:
        yield
    finally:
        H2OJob.__PROGRESS_BAR__ = shown


def _upload(output: dict[str, Any], newdata: Prepared) -> "h2o.H2OFrame":
    """The model's columns on the server, of the types that it was trained on."""
    import h2o

    names = output["original_names"] or output["names"]  # before categories were encoded
    if not isinstance(newdata, pd.DataFrame):
        newdata = np.asarray(newdata)
        newdata = pd.DataFrame(newdata, columns=names[: newdata.shape[1]])
    trained = dict(zip(output["names"], output["column_types"], strict=True))
    domains = dict(zip(output["names"], output["domains"], strict=True))
    columns, types, missing = {}, {}, {}
    for label, column in newdata.items():
        name = str(label)
        if name not in names:
            continue
        kind = types[name] = _COLUMN_TYPES.get(trained.get(name) or _column_type(column), "string")
        if kind == "numeric":
            columns[name] = column.to_numpy(np.float64, na_value=np.nan)
            continue
        if kind == "enum":
            domain = domains.get(name) or []
            columns[name] = _texts_of_levels(column, domain)
        else:
            domain = []
            columns[name] = column.astype(object).where(column.notna(), "")
        if "" not in domain:
            missing[name] = [""]
    frame = pd.DataFrame(columns)
    return h2o.H2OFrame(frame, column_types=types, na_strings=missing or None)


def _column_type(column: pd.Series) -> str:
    """The type of a column for which the model has none."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return "Time"
    number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return "Numeric" if number else "Enum"


def _texts_of_levels(column: pd.Series, domain: list[str]) -> np.ndarray:
    """
    Values as the texts that H2O has for them.

    A number is the level that reads as this number: 3 was written as `3` or as `3.0`.
    Missing values became a level of their own where H2O's client wrote them: `nan` or
    nothing.
    """
    numbers = {_as_float(level): level for level in domain}
    codes, values = pd.factorize(column)
    texts = [
        str(value) if isinstance(value, str) else numbers.get(_as_float(value), str(value))
        for value in values
    ]
    missing = "nan" if "nan" in domain else ""
    return np.array([*texts, missing], dtype=object)[codes]


def _as_float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
