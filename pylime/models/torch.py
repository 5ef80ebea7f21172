"""
PyTorch modules: any `torch.nn.Module`, scripted and compiled ones too.

Inputs. A frame or array becomes a tensor in the floating type, and on the device, of the
module's parameters; a list, of tensors or arrays or PIL images, is stacked. A dictionary (as
tokenizers return it) is passed as `model(**inputs)`, a tuple as `model(*inputs)`. Whole
numbers stay whole in tensors and dictionaries, and where the module has an embedding; bytes
never do. Parts of different lengths, such as the words of all texts in a row and where each text
begins, go to the module in one batch. `predict_options={"channels_first": True}` lays images out
as (n, channels, H, W); their values are left as they are, from 0 to 255.

Accelerators. Bytes become fractions, and get their layout, on the device of the module, which
takes a quarter of the copying: leave arrays of images as they are, and scale them in the module.
`explain(..., batch_size=250)` gives a device images enough to be busy with; while it works on a
batch, the next is painted.

Outputs. A tensor; of tuples the first; of dictionaries and other objects `logits`, or else the
first. What they mean is read off the operation that makes them, never off their values: softmax
and sigmoid give probabilities, their logarithms are exponentiated, several linear units are
scores for the softmax, a single one for the sigmoid. Several sigmoids are labels of which each
has a probability of its own. Anything else is left as it is.

Whether a module classifies is decided without data, so only where its layers run in order: a
module that is one layer, or `torch.nn.Sequential`, nested too. There a single linear unit, or
one of the activations of regression, is a regressor. Any other module must be wrapped in
`as_classifier()` or `as_regressor()`; its last operation is then found by running one row.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from pylime._optional import placeholder
from pylime._types import Prepared, Returned
from pylime.models.generics import ModelType, model_type, outputs, own_methods, predict_model
from pylime.models.keras import KerasModel
from pylime.models.networks import (
    channels_first,
    check_layout,
    have_equal_rows,
    in_batches,
    interpret,
    joined,
    matrix,
    take_options,
)
from pylime.models.outputs import Predictions, PredictionType

if TYPE_CHECKING:
    import torch

__all__ = ["evaluating"]

Tensors: TypeAlias = "torch.Tensor | tuple[torch.Tensor, ...] | Mapping[str, torch.Tensor]"
"""What a module takes: a tensor, several in a tuple, or several by name."""

# On the backend PyTorch, Keras models are modules too.
Module = placeholder("torch.nn", "Module", but_not=KerasModel)

# Layers, and the last step of PyTorch's record of a computation, by what they do. Means, over
# the places of an image, leave probabilities and scores what they are.
_SHAPE_LAYERS = frozenset(
    {"AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"}
    | {"AdaptiveAvgPool2d", "AvgPool2d", "Flatten", "Identity", "Unflatten"}
)
_LAYERS = {
    **dict.fromkeys(["Softmax", "Softmax2d"], "softmax"),
    **dict.fromkeys(["Sigmoid", "Hardsigmoid"], "sigmoid"),
    **dict.fromkeys(["Linear", "LazyLinear", "Bilinear", "Conv2d"], "linear"),
    **dict.fromkeys(["ReLU", "LeakyReLU", "ELU", "Softplus", "Tanh"], "numbers"),
    "LogSoftmax": "log_softmax",
    "LogSigmoid": "log_sigmoid",
}
_SHAPE_STEPS = frozenset(
    {
        "Alias",
        "AsStrided",
        "Clone",
        "Expand",
        "Permute",
        "ReshapeAlias",
        "Select",
        "Slice",
        "Squeeze",
    }
    | {"T", "ToCopy", "Transpose", "UnsafeView", "Unsqueeze", "View", "Mean", "AvgPool2D"}
)
_STEPS = {
    **dict.fromkeys(["Addmm", "Mm", "Convolution", "Linear"], "linear"),
    **dict.fromkeys(["Sigmoid", "Hardsigmoid"], "sigmoid"),
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "LogSigmoid": "log_sigmoid",
}

# PyTorch keeps memory that was pinned until the process ends, so no more bytes than these are.
_MOST_PINNED = 2**26

# A module holds its mode itself, so only one prediction at a time may change it.
_ALONE = threading.RLock()


@contextmanager
def evaluating(model: "torch.nn.Module") -> Iterator[None]:
    """
    Put a module into evaluation mode, without gradients, and then back as it was.

    Parameters
    ----------
    model
        A `torch.nn.Module`. Each of its parts may be in a mode of its own.
    """
    import torch

    with _ALONE:
        modes = [(part, part.training) for part in model.modules()]
        try:
            if any(training for _, training in modes):
                model.eval()
            with torch.no_grad():
                yield
        finally:
            for part, training in modes:
                if part.training != training:
                    part.training = training


@model_type.register(Module)
def type_of_torch_module(model: "torch.nn.Module") -> ModelType:
    """Classification or regression, by the last layer."""
    ending, units = _last_layer(model)
    if ending is None:
        raise TypeError(
            f"The layers of this PyTorch module, {type(model).__name__}, do not show what it "
            "predicts: only those of torch.nn.Sequential are known to run in order. Wrap it in "
            'as_classifier(model, labels, activation="softmax") (or "sigmoid", or None if it '
            "returns probabilities) or as_regressor(model)."
        )
    numeric = ending == "numbers" or (ending == "linear" and units == 1)
    return "regression" if numeric else "classification"


@own_methods.register(Module)
def own_methods_of_torch_module(model: "torch.nn.Module") -> tuple[str, ...]:
    """Methods that return the outputs, of tensors on the module's own device only."""
    return ("forward", "__call__", "_wrapped_call_impl")  # the last is what PyTorch calls it


@predict_model.register(Module)
def predict_torch_module(
    model: "torch.nn.Module", newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict numbers, or the probabilities of classes or labels."""
    inputs, size = _tensors(model, newdata, kwargs)
    values = _run_batches(model, inputs, size)
    if type == "raw":
        return interpret(values, type)
    ending, _ = _last_layer(model)
    if ending is None:
        ending = _last_step(model, inputs)
    return interpret(values, type, ending)


@outputs.register(Module)
def outputs_of_torch_module(
    model: "torch.nn.Module", newdata: Prepared, **kwargs: object
) -> np.ndarray:
    """The first output, a batch at a time."""
    return _run_batches(model, *_tensors(model, newdata, kwargs))


def _last_layer(model: "torch.nn.Module") -> tuple[str | None, int | None]:
    """What makes the output of layers in order, and its units; Nones if that is not certain."""
    model = getattr(model, "_orig_mod", model)  # of a compiled one
    while _layer_name(model) == "Sequential":
        layers = [part for part in model.children() if _layer_name(part) not in _SHAPE_LAYERS]
        if not layers:
            return None, None
        model = layers[-1]
    ending = _LAYERS.get(_layer_name(model))
    weight = getattr(model, "weight", None)
    units = getattr(model, "out_features", None) or (None if weight is None else len(weight))
    return ending, units


def _layer_name(layer: "torch.nn.Module") -> str:
    """The name of PyTorch's own layer that computes what this one does, or nothing."""
    scripted = getattr(layer, "original_name", None)
    if isinstance(scripted, str):
        return scripted
    for known in type(layer).__mro__:
        if known.__module__.startswith("torch.nn."):
            return known.__name__ if type(layer).forward is known.forward else ""
    return ""


def _last_step(model: "torch.nn.Module", inputs: Tensors) -> str | None:
    """What makes the output, by PyTorch's record of the computation for one row."""
    import torch

    def recorded(values: torch.Tensor) -> torch.Tensor:
        # Only what depends on something with a gradient is recorded. The module gets a
        # clone, because it may change its input in place, and the original is fixed.
        if not values.is_floating_point():
            return values
        return values.requires_grad_().clone(memory_format=torch.contiguous_format)

    device, dtype = _home(model)
    row = _moved(next(in_batches(inputs, 1)), device, dtype)
    with evaluating(model), torch.enable_grad():
        try:
            step = _scores(_call(model, _each(recorded, row))).grad_fn
        except RuntimeError:  # not every module that predicts can be trained
            return None
    while step is not None:
        name = step.name().rstrip("0123456789").removesuffix("Backward")
        if name not in _SHAPE_STEPS or not step.next_functions:
            return _STEPS.get(name)
        step = step.next_functions[0][0]
    return None


def _tensors(
    model: "torch.nn.Module", newdata: Prepared, options: Mapping[str, object]
) -> tuple[Tensors, int | None]:
    """What the module takes, as tensors that are still where they came from; the batch size."""
    size, to_front = take_options(options, "PyTorch", "batch_size", "channels_first")
    if to_front:
        newdata = channels_first(newdata)
    if isinstance(newdata, Mapping):
        return {name: _tensor(values, True) for name, values in newdata.items()}, size
    embeds = any(_layer_name(part).startswith("Embedding") for part in model.modules())
    if isinstance(newdata, tuple):
        return tuple(_tensor(values, embeds) for values in newdata), size
    inputs = _tensor(newdata, embeds)
    convolutions = (part for part in model.modules() if _layer_name(part) == "Conv2d")
    check_layout(tuple(inputs.shape), getattr(next(convolutions, None), "in_channels", None))
    return inputs, size


def _tensor(values: Prepared, whole: bool) -> "torch.Tensor":
    """One input; arrays of whole numbers stay so if `whole`."""
    import torch

    if isinstance(values, list) and values and isinstance(values[0], torch.Tensor):
        values = torch.stack(values)
    if isinstance(values, torch.Tensor):
        return values if values.ndim > 2 or values.dtype != torch.uint8 else values.float()
    if isinstance(values, pd.DataFrame):
        kinds = {getattr(dtype, "kind", "O") for dtype in values.dtypes}
        array = matrix(values, np.int64 if whole and kinds <= {"i", "u"} else np.float64)
    elif isinstance(values, list):
        array = np.asarray([np.asarray(value) for value in values])
    else:
        array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise ValueError(
            "PyTorch modules take numbers: `preprocess` must return tensors or arrays of numbers, "
            f"or a dictionary or tuple of these; not {array.dtype} values."
        )
    if array.dtype == np.uint8 and array.ndim > 2:
        # Images become fractions, and get their layout, on the device: bytes get there sooner.
        return torch.from_numpy(np.require(_forwards(array), requirements="W"))
    if not whole or array.dtype == np.uint8:
        array = array if array.dtype.kind == "f" else array.astype(np.float32)
    elif array.dtype.kind in "iu":
        array = array.astype(np.int64)
    # PyTorch warns of read-only arrays, and refuses negative strides.
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


def _forwards(array: np.ndarray) -> np.ndarray:
    """The same array, copied if a stride is negative: PyTorch has none of these."""
    return array if min(array.strides) >= 0 else np.ascontiguousarray(array)


def _home(model: "torch.nn.Module") -> "tuple[torch.device, torch.dtype]":
    """The device of a module's parameters, and their floating type."""
    import torch

    parameters = list(model.parameters())
    devices = [parameter.device for parameter in parameters]
    dtypes = [parameter.dtype for parameter in parameters if parameter.is_floating_point()]
    return (*devices, torch.device("cpu"))[0], (*dtypes, torch.float32)[0]


def _each(function: "Callable[[torch.Tensor], torch.Tensor]", inputs: Tensors) -> Tensors:
    """Apply a function to every tensor of an input."""
    if isinstance(inputs, Mapping):
        return {name: function(values) for name, values in inputs.items()}
    if isinstance(inputs, tuple):
        return tuple(function(values) for values in inputs)
    return function(inputs)


def _moved(inputs: Tensors, device: "torch.device", dtype: "torch.dtype") -> Tensors:
    """A batch on the device, its fractions in the floating type; bytes become fractions."""
    import torch

    def moved(values: torch.Tensor) -> torch.Tensor:
        if device.type == "cuda" and values.device.type == "cpu" and values.nbytes <= _MOST_PINNED:
            # Out of pinned memory, a batch is copied while the device works on the one before.
            values = values.pin_memory()
        # In one step, a conversion would be done before the copy: by the slower side.
        values = values.to(device, non_blocking=device.type == "cuda")
        if values.dtype == torch.uint8:
            return values.to(dtype).contiguous()
        return values.to(dtype) if values.is_floating_point() else values

    return _each(moved, inputs)


def _call(model: "torch.nn.Module", inputs: Tensors) -> Returned:
    if isinstance(inputs, Mapping):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def _run_batches(model: "torch.nn.Module", inputs: Tensors, size: int | None) -> np.ndarray:
    """The outputs as an array, a batch at a time."""
    device, dtype = _home(model)
    parts = []
    with evaluating(model):
        for batch in [inputs] if _in_bags(model, inputs) else in_batches(inputs, size):
            values = _scores(_call(model, _moved(batch, device, dtype)))
            # A `squeeze()` in the module takes away the axis of a single row too.
            lost = _is_single(batch) and (values.ndim == 0 or len(values) != 1)
            parts.append(values[None] if lost else values)
    # The device may not have finished; only here the results are waited for.
    return joined([_array(values) for values in parts])


def _array(values: "torch.Tensor") -> np.ndarray:
    """An output as numpy has it, which has no bfloat16 and is slow with half precision."""
    values = values.cpu()
    narrow = values.is_floating_point() and values.itemsize < 4
    return (values.float() if narrow else values).numpy()


def _parts(inputs: Tensors) -> "list[torch.Tensor]":
    """The tensors of an input."""
    if isinstance(inputs, Mapping):
        return list(inputs.values())
    return list(inputs) if isinstance(inputs, tuple) else [inputs]


def _in_bags(model: "torch.nn.Module", inputs: Tensors) -> bool:
    """Whether inputs are words in a row and where each bag of them begins."""
    parts = _parts(inputs)
    in_rows = len(parts) > 1 and all(part.ndim == 1 for part in parts)
    return in_rows and any(_layer_name(part) == "EmbeddingBag" for part in model.modules())


def _is_single(batch: Tensors) -> bool:
    """Whether a batch has one row."""
    parts = _parts(batch)
    return have_equal_rows(parts) and parts[0].ndim > 0 and len(parts[0]) == 1


def _scores(values: Returned) -> "torch.Tensor":
    """The tensor of scores in whatever a module returned."""
    logits = getattr(values, "logits", None)
    if logits is not None:
        return logits
    if isinstance(values, Mapping):
        return values["logits"] if "logits" in values else next(iter(values.values()))
    return values[0] if isinstance(values, list | tuple) else values
