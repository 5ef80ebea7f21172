"""
Keras 3 models, on any backend.

Whether a model classifies is read off the activation that makes its output, or, where
the graph does not show one, off the loss it was compiled with.
"""

from typing import Any

import numpy as np
import pandas as pd

from pylime._optional import placeholder
from pylime.models.generics import (
    ModelType,
    PredictionType,
    model_type,
    predict_model,
    predictions_frame,
)

Model = placeholder("keras", "Model")

# Layers that leave each value as it is.
_SHAPE_ONLY = frozenset(
    {"ActivityRegularization", "Cast", "Dropout", "ExpandDims", "Flatten", "GetItem", "Identity"}
    | {"Moveaxis", "Permute", "Ravel", "Reshape", "Squeeze", "Transpose"}
)
_PROBABILITIES = frozenset(["softmax", "sigmoid", "hard_sigmoid", "sparsemax"])
_CLASSIFICATION_LOSSES = ("crossentropy", "kl_divergence", "kldivergence", "hinge", "focal")

# Rows of a table that go through a network at once.
_ROWS = 8192


def output_activation(model: Any) -> str | None:
    """
    Name the activation that makes a model's first output.

    Parameters
    ----------
    model
        A Keras model.

    Returns
    -------
    str or None
        Such as `"softmax"` or `"linear"`; None where the model has no graph to read
        (a subclassed model), or where the output comes from something that is no
        activation.
    """
    from keras import Model as KerasModel

    outputs = _outputs(model)
    if not outputs:
        return None
    tensor = outputs[0]
    while True:
        history = getattr(tensor, "_keras_history", None)
        if history is None:
            return None
        operation: Any = history.operation
        if _outputs(operation):  # a model used as a layer
            tensor = _outputs(operation)[history.tensor_index]
            continue
        operation = getattr(operation, "layer", operation)  # TimeDistributed and the like
        name = type(operation).__name__
        if name in _SHAPE_ONLY:
            tensor = operation._inbound_nodes[history.node_index].input_tensors[0]
            continue
        activation = getattr(operation, "activation", None)
        if activation is not None:
            return getattr(activation, "__name__", type(activation).__name__).lower()
        own = type(operation).__module__.split(".")[0] != "keras" or name == "Lambda"
        if own or isinstance(operation, KerasModel):
            return None  # what a layer of the user's own does cannot be seen
        return "linear" if hasattr(operation, "kernel") else name.lower()


def _outputs(model: Any) -> Any:
    """Output tensors of a model with a graph; nothing for any other operation."""
    from keras import Model as KerasModel

    if not isinstance(model, KerasModel):
        return []
    try:
        return list(model.outputs or [])
    except (AttributeError, ValueError):
        return []


def _loss(model: Any) -> Any:
    """The compiled loss, or None."""
    loss = getattr(model, "loss", None)
    if isinstance(loss, dict):
        loss = next(iter(loss.values()), None)
    if isinstance(loss, list | tuple):
        loss = loss[0] if loss else None
    return loss


def _loss_name(model: Any) -> str:
    loss = _loss(model)
    if loss is None:
        return ""
    name = loss if isinstance(loss, str) else getattr(loss, "name", None)
    return str(name or getattr(loss, "__name__", type(loss).__name__)).lower()


def _from_logits(model: Any) -> bool:
    """Whether the compiled loss expects scores that are no probabilities yet."""
    loss = _loss(model)
    if getattr(loss, "from_logits", False):
        return True
    options = getattr(loss, "_fn_kwargs", None) or {}
    return bool(options.get("from_logits", False))


@model_type.register(Model)
def _(model: Any) -> ModelType:
    if output_activation(model) in _PROBABILITIES or _from_logits(model):
        return "classification"
    loss = _loss_name(model)
    if loss:
        known = any(name in loss for name in _CLASSIFICATION_LOSSES)
        return "classification" if known else "regression"
    if output_activation(model) is None:
        raise TypeError(
            "Neither the graph nor a compiled loss tells what this Keras model predicts; "
            "wrap it in as_classifier() or as_regressor()."
        )
    return "regression"


@predict_model.register(Model)
def _(model: Any, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    inputs, n = _inputs(newdata)
    rows = kwargs.pop("batch_size", None) or _ROWS
    # `predict_on_batch` saves the data pipeline that `predict` builds at each call.
    parts = [
        _first(model.predict_on_batch(_rows(inputs, slice(start, start + rows)), **kwargs))
        for start in range(0, n, rows)
    ]
    outputs = np.concatenate(parts)
    if outputs.ndim > 2 and max(outputs.shape[1:]) * len(outputs) == outputs.size:
        outputs = outputs.reshape(len(outputs), -1)  # 1x1 maps of a convolution and the like
    if type == "prob" and _from_logits(model) and output_activation(model) not in _PROBABILITIES:
        outputs = _probabilities(outputs.astype(np.float64))
    return predictions_frame(outputs, type)


def _inputs(newdata: Any) -> tuple[Any, int]:
    """What the network takes, and how many cases that is."""
    if isinstance(newdata, pd.DataFrame):
        newdata = newdata.to_numpy(np.float32)
    if isinstance(newdata, dict):
        newdata = {name: _array(values) for name, values in newdata.items()}
        return newdata, len(next(iter(newdata.values())))
    if isinstance(newdata, tuple):
        newdata = tuple(_array(values) for values in newdata)
        return newdata, len(newdata[0])
    newdata = _array(newdata)
    return newdata, len(newdata)


def _array(values: Any) -> Any:
    """Arrays and tensors as they are; lists and Series of one length stacked."""
    return values if hasattr(values, "shape") and hasattr(values, "ndim") else np.asarray(values)


def _rows(inputs: Any, rows: slice) -> Any:
    if isinstance(inputs, dict):
        return {name: values[rows] for name, values in inputs.items()}
    if isinstance(inputs, tuple):
        return tuple(values[rows] for values in inputs)
    return inputs[rows]


def _first(outputs: Any) -> np.ndarray:
    """The first output of a model with several."""
    if isinstance(outputs, dict):
        outputs = next(iter(outputs.values()))
    if isinstance(outputs, list | tuple):
        outputs = outputs[0]
    return np.asarray(outputs)


def _probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over the classes; the logistic function of a single column."""
    if logits.ndim == 1 or logits.shape[1] == 1:
        return 1.0 / (1.0 + np.exp(-logits))
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)
