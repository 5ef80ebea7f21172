"""
Keras 3 models, on any backend.

Whether a model classifies is read off the activation that makes its output, or, where
the graph does not show one, off the loss it was compiled with. Of several outputs the first
counts; of outputs by name, the first in alphabetical order, as Keras lists them. Several
sigmoids are labels of which each has a probability of its own. A model that ends in linear
units counts as a regressor unless its loss is one of classifiers: wrap it in
`as_classifier(model, labels, activation="softmax")`.

A model with several inputs gets the columns of a frame by their names, one for each input, or in
their order where the inputs have other names.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime._optional import placeholder
from pylime._types import Prepared, Returned
from pylime.models.generics import ModelType, model_type, outputs, own_methods, predict_model
from pylime.models.networks import in_batches, interpret, joined, matrix, take_options
from pylime.models.outputs import Predictions, PredictionType, numbers

if TYPE_CHECKING:
    import keras

KerasModel = placeholder("keras", "Model")

# Layers that leave each value as it is.
_SHAPE_OPERATIONS = frozenset(
    {"ActivityRegularization", "Cast", "Dropout", "ExpandDims", "Flatten", "GetItem", "Identity"}
    | {"Moveaxis", "Permute", "Ravel", "Reshape", "Squeeze", "Transpose"}
)
_PROBABILITY_ACTIVATIONS = frozenset(["softmax", "sigmoid", "hard_sigmoid", "sparsemax"])
_LOG_ACTIVATIONS = frozenset(["log_softmax", "logsoftmax"])
_NUMBER_ACTIVATIONS = frozenset(
    {"linear", "relu", "relu6", "leaky_relu", "leakyrelu", "elu", "selu", "gelu", "celu", "silu"}
    | {"softplus", "softsign", "tanh", "hard_tanh", "exponential", "exp", "mish", "swish"}
)
_CLASSIFICATION_LOSSES = ("crossentropy", "kl_divergence", "kldivergence", "focal")


def output_activation(model: "keras.Model") -> str | None:
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
        (a subclassed model), or where the output comes from something that is not a
        known activation.
    """
    import keras

    tensors = _output_tensors(model)
    if not tensors:
        return None
    tensor = tensors[0]
    while True:
        history = getattr(tensor, "_keras_history", None)
        if history is None:
            return None
        operation: Any = history.operation
        if _output_tensors(operation):  # a model used as a layer
            tensor = _output_tensors(operation)[history.tensor_index]
            continue
        operation = getattr(operation, "layer", operation)  # TimeDistributed and the like
        name = type(operation).__name__
        if name in _SHAPE_OPERATIONS:
            tensor = operation._inbound_nodes[history.node_index].input_tensors[0]
            continue
        own = type(operation).__module__.split(".")[0] != "keras"
        if own or isinstance(operation, keras.Model):
            return None  # what a layer of the user's own does is not visible
        activation = getattr(operation, "activation", None)
        if activation is not None:
            name = getattr(activation, "__name__", type(activation).__name__)
        elif hasattr(operation, "kernel"):
            name = "linear"
        name = name.lower().removesuffix("_v2")
        known = _PROBABILITY_ACTIVATIONS | _LOG_ACTIVATIONS | _NUMBER_ACTIVATIONS
        return name if name in known else None


def _output_tensors(model: object) -> list[Any]:
    """Output tensors of a model with a graph; nothing for any other operation."""
    import keras

    if not isinstance(model, keras.Model):
        return []
    try:
        return list(model.outputs or [])
    except (AttributeError, ValueError):
        return []


def _compiled_loss(model: "keras.Model") -> Any:
    """The compiled loss of the first output, or None."""
    loss = getattr(model, "loss", None)
    if isinstance(loss, dict):
        names = [*(getattr(model, "output_names", None) or [])[:1], *sorted(loss)]
        return loss.get(names[0]) if names else None
    if isinstance(loss, list | tuple):
        return loss[0] if loss else None
    return loss


def _loss_name(model: "keras.Model") -> str:
    loss = _compiled_loss(model)
    if loss is None:
        return ""
    name = loss if isinstance(loss, str) else getattr(loss, "name", None)
    return str(name or getattr(loss, "__name__", type(loss).__name__)).lower()


def _from_logits(model: "keras.Model") -> bool:
    """Whether the compiled loss expects scores that are not yet probabilities."""
    loss = _compiled_loss(model)
    if getattr(loss, "from_logits", False):
        return True
    options = getattr(loss, "_fn_kwargs", None) or {}
    return bool(options.get("from_logits", False))


@model_type.register(KerasModel)
def type_of_keras_model(model: "keras.Model") -> ModelType:
    """Classification or regression, by the last activation or the loss."""
    activation = output_activation(model)
    if activation in _PROBABILITY_ACTIVATIONS | _LOG_ACTIVATIONS or _from_logits(model):
        return "classification"
    loss = _loss_name(model)
    if loss:
        known = any(name in loss for name in _CLASSIFICATION_LOSSES)
        return "classification" if known else "regression"
    if activation is None:
        raise TypeError(
            "Neither the graph nor a compiled loss shows what this Keras model predicts; "
            "wrap it in as_classifier() or as_regressor()."
        )
    return "regression"


@own_methods.register(KerasModel)
def own_methods_of_keras_model(model: "keras.Model") -> tuple[str, ...]:
    """Methods that return the outputs; `predict` with a progress bar at each call."""
    return ("predict", "predict_on_batch", "__call__", "call")


@predict_model.register(KerasModel)
def predict_keras_model(
    model: "keras.Model", newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict numbers, or the probabilities of classes or labels."""
    return interpret(outputs(model, newdata, **kwargs), type, _ending(model))


@outputs.register(KerasModel)
def outputs_of_keras_model(model: "keras.Model", newdata: Prepared, **kwargs: object) -> np.ndarray:
    """The first output, a batch at a time."""
    (size,) = take_options(kwargs, "Keras", "batch_size")
    # `predict_on_batch` saves the data pipeline that `predict` builds at each call.
    batches = in_batches(_keras_inputs(model, newdata), size)
    return joined([_first_output(model.predict_on_batch(batch)) for batch in batches])


def _keras_inputs(model: "keras.Model", newdata: Prepared) -> Prepared:
    """What the network takes: an array, or arrays in a list or by name."""
    n_inputs = len(_input_tensors(model))
    if isinstance(newdata, pd.DataFrame):
        return _by_column(model, newdata) if n_inputs > 1 else matrix(newdata)
    if isinstance(newdata, tuple) or (isinstance(newdata, list) and 1 < n_inputs == len(newdata)):
        return [_array(values) for values in newdata]
    if isinstance(newdata, dict):
        return {name: _array(values) for name, values in newdata.items()}
    return _array(newdata)


def _input_tensors(model: "keras.Model") -> list[Any]:
    """Input tensors of a model with a graph."""
    return list(getattr(model, "inputs", None) or [])


def _by_column(model: "keras.Model", frame: pd.DataFrame) -> Prepared:
    """The columns of a frame as a model with an input for each takes them."""
    tensors = _input_tensors(model)
    structure = getattr(model, "_inputs_struct", None)
    keyed = isinstance(structure, dict)
    # Keras lists the inputs of a dictionary in alphabetical order of its keys.
    names = sorted(structure) if isinstance(structure, dict) else [t.name for t in tensors]
    absent = [name for name in names if name not in frame.columns]
    if len(absent) == len(names) == frame.shape[1]:
        columns = list(frame.columns)
    elif absent:
        raise ValueError(
            f"The model has {len(names)} inputs, which must be columns; absent: "
            f"{checks.some(absent)}. They are {checks.some(frame.columns)}. Return a list or "
            "dictionary of arrays from `preprocess`."
        )
    else:
        columns = names
    arrays = [_of_input(frame[column], t) for column, t in zip(columns, tensors, strict=True)]
    return dict(zip(names, arrays, strict=True)) if keyed else arrays


def _of_input(column: pd.Series, tensor: Any) -> np.ndarray:
    """A column in the type and the shape of an input."""
    dtype = str(tensor.dtype)
    if dtype == "string":
        values = column.astype(str).to_numpy(dtype=object)
    else:
        values = matrix(column.to_frame(), np.dtype(dtype))[:, 0]
    return values.reshape(-1, *(1 for _ in tensor.shape[1:]))


def _array(values: Prepared) -> Prepared:
    """Arrays and tensors as they are; lists and Series of one length stacked."""
    return values if hasattr(values, "shape") and hasattr(values, "ndim") else np.asarray(values)


def _first_output(values: Returned) -> np.ndarray:
    """The first output, as `model.outputs` orders them."""
    if isinstance(values, dict):
        values = values[min(values)]
    return numbers(values[0] if isinstance(values, list | tuple) else values)


def _ending(model: "keras.Model") -> str | None:
    """What makes the outputs, by the names that `interpret` takes."""
    activation = output_activation(model)
    if activation in _LOG_ACTIVATIONS:
        return "log_softmax"
    if activation not in _PROBABILITY_ACTIVATIONS and _from_logits(model):
        return "linear of each label" if "binary" in _loss_name(model) else "linear"
    return "sigmoid" if activation in ("sigmoid", "hard_sigmoid") else None
