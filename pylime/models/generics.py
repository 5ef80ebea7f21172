"""
The two questions asked of any model, and the wrappers that answer them outright.

`predict_model` and `model_type` are open generics: register a function for a class
of your own and its objects work everywhere.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import singledispatch
from types import MethodType
from typing import Any, Literal

import numpy as np
import pandas as pd

from pylime import checks
from pylime.models.outputs import (
    ACTIVATIONS,
    Activation,
    PredictionType,
    activate,
    are_probabilities,
    class_frame,
    cure,
    numbers,
    predictions_frame,
)

__all__ = [
    "Classifier",
    "ModelType",
    "Regressor",
    "as_classifier",
    "as_regressor",
    "class_name",
    "is_known",
    "model_type",
    "outputs",
    "owner_of",
    "predict_model",
    "refuse_predictions",
    "unknown_model",
]

ModelType = Literal["classification", "regression"]


@singledispatch
def predict_model(model: Any, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    """
    Predict with any model, in one form.

    Parameters
    ----------
    model
        The model. Support for another class is a function registered for it, see the
        example.
    newdata
        What `preprocess` returned, n cases.
    type
        `"prob"` for probabilities, `"raw"` for numbers.
    **kwargs
        Passed on to the model's own prediction.

    Returns
    -------
    pandas.DataFrame
        n rows. `"prob"`: one column per class, named after it; `"raw"`: one column,
        `Response`.

    Raises
    ------
    TypeError
        If the model's class is not known.

    Examples
    --------
    >>> class Coin:
    ...     def chances(self, newdata):
    ...         return np.full((len(newdata), 2), 0.5)
    >>> @predict_model.register
    ... def _(model: Coin, newdata, type, **kwargs):
    ...     return pd.DataFrame(model.chances(newdata), columns=["heads", "tails"])
    >>> @model_type.register
    ... def _(model: Coin):
    ...     return "classification"
    >>> predict_model(Coin(), [1], type="prob")
       heads  tails
    0    0.5    0.5
    """
    if callable(model):
        return predictions_frame(model(newdata, **kwargs), type)
    raise TypeError(unknown_model(model))


@singledispatch
def outputs(model: Any, newdata: Any, **kwargs: Any) -> Any:
    """
    Predict with a model, and leave what it returns as it is.

    Parameters
    ----------
    model
        The model. Libraries whose models return scores of classes (logits) as well as
        probabilities register for this.
    newdata
        What `preprocess` returned, n cases.
    **kwargs
        Passed on to the model's own prediction.

    Returns
    -------
    array or other
        n rows.
    """
    if is_known(model):
        return predict_model(model, newdata, type="prob", **kwargs)
    if callable(model):
        return model(newdata, **kwargs)
    raise TypeError(unknown_model(model))


def is_known(model: Any) -> bool:
    """Whether a function of `predict_model` was registered for a model's class."""
    return predict_model.dispatch(type(model)) is not predict_model.dispatch(object)


@singledispatch
def model_type(model: Any) -> ModelType:
    """
    Tell whether a model classifies or regresses.

    Parameters
    ----------
    model
        The model. Support for another class is a function registered for it, as with
        `predict_model`.

    Returns
    -------
    str
        `"classification"` or `"regression"`.

    Raises
    ------
    TypeError
        If the model's class is not known.

    Examples
    --------
    >>> model_type(as_regressor(abs))
    'regression'
    """
    if callable(model):
        raise TypeError(which_type(model))
    raise TypeError(unknown_model(model))


@dataclass(frozen=True)
class Classifier:
    """A model that counts as a classifier, the names of its classes, and what makes them."""

    model: Any
    labels: tuple[Hashable, ...] | None = None
    activation: Activation = "auto"


@dataclass(frozen=True)
class Regressor:
    """A model that counts as a regressor, and which of several outputs is explained."""

    model: Any
    output: Hashable = None


def as_classifier(
    model: Any,
    labels: Iterable[Hashable] | None = None,
    activation: Activation = "auto",
) -> Classifier:
    """
    Say that a model is a classifier, and how its classes are called.

    Parameters
    ----------
    model
        Any model that `predict_model` knows, or a function that takes the
        preprocessed cases and returns their class probabilities: an (n, classes) array
        or data frame, or n probabilities of the second of two classes.
    labels
        Names of the classes in the order of the model's output. Without: the model's
        own, or positions from 0.
    activation
        What is still to be done to the model's output: `"softmax"` or `"sigmoid"` if it
        returns scores (logits), None if it returns probabilities, of which each class has
        its own where they do not sum to 1. By default that is found out: from the
        layers of a network; other models are taken to return probabilities.

    Returns
    -------
    Classifier
        A wrapper for `pylime.lime`; the model itself is not changed.

    Raises
    ------
    ValueError
        If a name appears twice, or the activation is none of these.
    TypeError
        If predictions are given where a model should be.

    Examples
    --------
    >>> model = as_classifier(lambda numbers: [n / 10 for n in numbers], ["low", "high"])
    >>> predict_model(model, [1, 9], type="prob")
       low  high
    0  0.9   0.1
    1  0.1   0.9
    """
    model = owner_of(model, "predict_proba")
    refuse_predictions(model)
    if activation != "auto" and activation not in ACTIVATIONS:
        choices = ", ".join(repr(name) for name in ("auto", *ACTIVATIONS))
        raise ValueError(f"`activation` must be one of {choices}; not {activation!r}.")
    if labels is None:
        return Classifier(model, None, activation)
    names = tuple(_in_order_of_outputs(labels))
    if any(not isinstance(name, Hashable) or name is None or name != name for name in names):
        raise TypeError("`labels` must be a list of class names; some are lists or missing.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"`labels` must be different from each other; twice: {twice[:5]}.")
    return Classifier(model, names, activation)


def _in_order_of_outputs(labels: Any) -> Iterable[Hashable]:
    """Class names in the order of the outputs; a mapping says which output is which."""
    if isinstance(labels, Mapping):
        positions = set(range(len(labels)))
        if set(labels) == positions:
            return [labels[position] for position in range(len(labels))]
        if set(labels.values()) == positions:  # as Keras' `class_indices`
            return sorted(labels, key=labels.__getitem__)
        raise TypeError(
            f"`labels` must lead from the positions 0 to {len(labels) - 1} to names, or from "
            f"names to these; not {dict(labels)!r:.80}."
        )
    if isinstance(labels, str | set | frozenset | pd.DataFrame) or not np.iterable(labels):
        raise TypeError(f"`labels` must be a list of class names; not {labels!r:.80}.")
    return labels


def as_regressor(model: Any, output: Hashable = None) -> Regressor:
    """
    Say that a model is a regressor.

    Parameters
    ----------
    model
        Any model that `predict_model` knows, or a function that takes the
        preprocessed cases and returns a number for each.
    output
        Of a model with several outputs, the one to explain: its name or its position.

    Returns
    -------
    Regressor
        A wrapper for `pylime.lime`; the model itself is not changed.

    Raises
    ------
    TypeError
        If predictions are given where a model should be.

    Examples
    --------
    >>> predict_model(as_regressor(lambda numbers: [n * 2 for n in numbers]), [1], type="raw")
       Response
    0         2
    """
    model = owner_of(model, "predict")
    refuse_predictions(model)
    return Regressor(model, output)


def owner_of(model: Any, *methods: str) -> Any:
    """
    Take a bound method of a known model for the model, which knows its labels.

    Parameters
    ----------
    model
        Anything.
    *methods
        Names of the methods that stand for the model; without, `predict_proba` and, of a
        regressor, `predict`.

    Returns
    -------
    Any
        The model whose method it is, or what was given.
    """
    owner = getattr(model, "__self__", None)
    if not isinstance(model, MethodType) or not is_known(owner):
        return model
    if not methods:
        methods = ("predict_proba",)
        if model.__name__ == "predict" and model_type(owner) == "regression":
            methods = ("predict",)
    return owner if model.__name__ in methods else model


def refuse_predictions(model: Any) -> None:
    """Raise if what should be a model is its predictions, or the class of a model."""
    if isinstance(model, type) and hasattr(model, "predict"):
        raise TypeError(
            "`model` must be a model, or a function that predicts; not the class "
            f"{model.__name__}. Fit an object of it."
        )
    if isinstance(model, str) or is_known(model) or callable(model):
        return
    if not (
        isinstance(model, list | tuple) or hasattr(model, "__array__") or hasattr(model, "toarray")
    ):
        return
    shape = getattr(model, "shape", None) or np.shape(model)
    raise TypeError(
        f"`model` must be a model, or a function that predicts: shape (n,) or (n, classes) for n "
        f"cases; not predictions ({type(model).__name__} of shape {tuple(shape)})."
        + cure("model.predict_proba(newdata)")
    )


@model_type.register
def _(model: Classifier) -> ModelType:
    return "classification"


@model_type.register
def _(model: Regressor) -> ModelType:
    return "regression"


@predict_model.register
def _(model: Classifier, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    if type != "prob":
        return predict_model(model.model, newdata, type=type, **kwargs)
    count = None if model.labels is None else len(model.labels)
    if model.activation != "auto":
        values = outputs(model.model, newdata, **kwargs)
        names = list(values.columns) if isinstance(values, pd.DataFrame) else None
        predictions = predictions_frame(
            activate(values, model.activation),
            type,
            names,
            n_classes=count,
            multilabel=model.activation != "softmax" and np.ndim(values) > 1 < np.shape(values)[1],
        )
        predictions.attrs["probabilities"] = bool(model.activation) and are_probabilities(values)
    elif is_known(model.model):
        predictions = predict_model(model.model, newdata, type=type, **kwargs)
        predictions = class_frame(predictions, count)
    else:
        values = outputs(model.model, newdata, **kwargs)
        if _predicts_classes(model.model) and np.ndim(values) == 1:
            values = numbers(values).astype(str)  # names, even where they look like probabilities
        predictions = predictions_frame(values, type, n_classes=count)
    if model.labels is None:
        return predictions
    if count != predictions.shape[1]:
        checks.warn(
            "Ignoring provided class labels as length differs from model output: "
            f"{count} labels for {predictions.shape[1]} classes."
        )
        return predictions
    return predictions.set_axis(list(model.labels), axis=1)


@predict_model.register
def _(model: Regressor, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    if model.output is None:
        return predict_model(model.model, newdata, type="raw", **kwargs)
    if is_known(model.model):
        predictions = predict_model(model.model, newdata, type="raw", **kwargs)
    else:
        predictions = outputs(model.model, newdata, **kwargs)
    if not isinstance(predictions, pd.DataFrame):
        predictions = pd.DataFrame(numbers(predictions))
    names: list[Any] = list(predictions.columns)
    if model.output in names:
        position = names.index(model.output)
    elif isinstance(model.output, int) and 0 <= model.output < len(names):
        position = model.output
    else:
        listed = ", ".join(map(repr, names[:10])) + (", ..." if names[10:] else "")
        raise ValueError(
            f"`output` must be one of the model's {len(names)} outputs: {listed}; not "
            f"{model.output!r}."
        )
    return predictions_frame(predictions.iloc[:, position], "raw")


def _predicts_classes(function: Any) -> bool:
    """Whether a function is the method of a model that has another for probabilities."""
    owner = getattr(function, "__self__", None)
    return getattr(function, "__name__", None) == "predict" and hasattr(owner, "predict_proba")


def class_name(model: Any) -> str:
    """The full name of a model's class."""
    return f"{type(model).__module__}.{type(model).__qualname__}"


def which_type(model: Any) -> str:
    """What to say of a function that may classify or regress."""
    name = getattr(model, "__name__", None) or class_name(model)
    return (
        f"Is {name} a classifier or a regressor? Say so: "
        "lime(x, as_classifier(model, labels)) or lime(x, as_regressor(model))."
    )


def unknown_model(model: Any) -> str:
    """What to write for models of a class that is not known."""
    name, short = class_name(model), type(model).__name__
    typed = model_type.dispatch(type(model)) is not model_type.dispatch(object)
    state = "are not known"
    if typed or is_known(model):
        state = f"are known to `{'model_type' if typed else 'predict_model'}` only"
    return f"""\
Models of class {name} {state}. Teach pylime about them in two functions:

    import pandas
    from pylime import model_type, predict_model

    @predict_model.register({short})
    def _(model, newdata, type, **kwargs):
        return pandas.DataFrame(...)  # a column per class, or one column "Response"

    @model_type.register({short})
    def _(model):
        return "classification"  # or "regression"

or wrap a function that predicts: as_classifier(function, labels), as_regressor(function)."""
