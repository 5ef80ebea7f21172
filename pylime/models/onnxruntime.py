"""
Sessions of ONNX Runtime.

Inputs. A model with one input gets the cases as an array of that input's type, or of strings; a
model with several, each named like a column, gets the columns one by one, as frames are
exported; a dictionary, made by `preprocess`, is passed by name. Everything is cast to the types
of the session. Models exported for a fixed number of rows get that many at a time. Images are
laid out as (n, channels, H, W) by `predict_options={"channels_first": True}`.

Outputs. Probabilities by class name (a sequence of dictionaries) bring their labels. An output
counts as the probabilities of a classifier if it is that, if its name contains `prob`, or if it
follows an output of class labels, as converters write them. The outputs of other models may be
numbers, probabilities or scores: wrap the model in `as_classifier(session, labels,
activation="softmax")` (or "sigmoid", or None) or `as_regressor(session)`; its first output of
fractions is used.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime._optional import placeholder
from pylime._types import Model, Prepared
from pylime.models.generics import ModelType, model_type, outputs, predict_model
from pylime.models.networks import (
    channels_first,
    check_layout,
    in_batches,
    interpret,
    joined,
    matrix,
    take_options,
)
from pylime.models.outputs import Predictions, PredictionType

Session = placeholder("onnxruntime", "InferenceSession")

_FRACTIONS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
}
_INPUT_TYPES: dict[str, Any] = {
    **_FRACTIONS,
    **{f"tensor({name})": np.dtype(name) for name in ("bool", "int8", "int16", "int32", "int64")},
    **{f"tensor({name})": np.dtype(name) for name in ("uint8", "uint16", "uint32", "uint64")},
}
_STRINGS = "tensor(string)"
_LABEL_TYPES = ("tensor(int64)", _STRINGS)


@model_type.register(Session)
def type_of_onnx_session(model: Model) -> ModelType:
    """Classification, if an output is probabilities; else that is not known."""
    if _probability_output(model) is None:
        names = checks.some(output.name for output in model.get_outputs())
        raise TypeError(
            f"The outputs of this ONNX model, {names}, do not show what it predicts. Wrap it in "
            'as_classifier(session, labels, activation="softmax") (or "sigmoid", or None if it '
            "returns probabilities) or as_regressor(session)."
        )
    return "classification"


@predict_model.register(Session)
def predict_onnx_session(
    model: Model, newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict numbers, or probabilities."""
    output = _probability_output(model) if type == "prob" else None
    values = _run_session(model, newdata, output or _number_output(model), kwargs)
    return values if isinstance(values, Predictions) else interpret(values, type)


@outputs.register(Session)
def outputs_of_onnx_session(
    model: Model, newdata: Prepared, **kwargs: object
) -> np.ndarray | Predictions:
    """The output of probabilities, or else the first of fractions."""
    output = _probability_output(model) or _number_output(model)
    return _run_session(model, newdata, output, kwargs)


def _probability_output(model: Model) -> Any:
    """The output with the probabilities of classes, or None."""
    found = model.get_outputs()
    named = [output for output in found if output.type.startswith("seq(map(")]
    named += [output for output in found if "prob" in output.name.lower()]
    if (
        not named
        and len(found) == 2
        and found[0].type in _LABEL_TYPES
        and found[1].type in _FRACTIONS
    ):
        named = [found[1]]
    return named[0] if named else None


def _number_output(model: Model) -> Any:
    """The first output of fractions."""
    found = model.get_outputs()
    return next((output for output in found if output.type in _FRACTIONS), found[0])


def _run_session(
    model: Model, newdata: Prepared, output: Any, options: Mapping[str, object]
) -> np.ndarray | Predictions:
    """One output for all cases: an array, or a record if it has names of classes."""
    size, to_front = take_options(options, "ONNX", "batch_size", "channels_first")
    if to_front:
        newdata = channels_first(newdata)
    feed = _onnx_inputs(model, newdata)
    n = min(len(values) for values in feed.values())
    fixed = model.get_inputs()[0].shape[:1]
    if fixed and isinstance(fixed[0], int):
        size = fixed[0]
        feed = {name: _filled_up(values, size) for name, values in feed.items()}
    parts = [model.run([output.name], batch)[0] for batch in in_batches(feed, size)]
    if output.type.startswith("seq(map("):
        rows = [row for part in parts for row in part]
        labels = tuple(rows[0])
        return Predictions(np.array([[row[label] for label in labels] for row in rows[:n]]), labels)
    return joined(parts)[:n]


def _filled_up(values: np.ndarray, size: int) -> np.ndarray:
    """Repeat the last row up to whole batches."""
    return np.concatenate([values, np.repeat(values[-1:], -len(values) % size, axis=0)])


def _onnx_inputs(model: Model, newdata: Prepared) -> dict[str, np.ndarray]:
    """An array for each input of the model."""
    inputs = {field.name: field for field in model.get_inputs()}
    if isinstance(newdata, Mapping):
        given = {name: newdata[name] for name in inputs if name in newdata}
    elif isinstance(newdata, tuple):
        given = dict(zip(inputs, newdata, strict=False))
    elif len(inputs) == 1:
        given = dict.fromkeys(inputs, newdata)
    else:
        columns = newdata.items() if isinstance(newdata, pd.DataFrame) else []
        given = {str(name): column for name, column in columns if str(name) in inputs}
    missing = [name for name in inputs if name not in given]
    if missing:
        raise ValueError(
            f"The ONNX model takes the inputs {checks.some(inputs, len(inputs))}: the columns must "
            "be named like these, or `preprocess` must return a dictionary of arrays by these "
            f"names; missing {checks.some(missing)}."
        )
    return {name: _cast(values, inputs[name]) for name, values in given.items()}


def _cast(values: Prepared, field: Any) -> np.ndarray:
    """Values in the type and with the axes of an input."""
    dtype = _INPUT_TYPES.get(field.type)
    if field.type == _STRINGS:
        array = np.asarray(values).astype(str).astype(object)
    elif isinstance(values, pd.DataFrame):
        array = matrix(values, dtype)
    else:
        try:
            array = np.asarray(values, dtype)
        except ValueError as error:
            raise ValueError(
                f"The ONNX model takes {field.type} values as its input {field.name!r}; {error}."
            ) from error
    if array.ndim == 1 and len(field.shape) == 2:
        array = array[:, None]
    check_layout(array.shape, field.shape[1] if len(field.shape) == 4 else None)
    return np.ascontiguousarray(array)
