"""
The two generics of models, and the wrappers that fix what a model is.

`predict_model` and `model_type` are open generics: register a function for a class
of your own and its objects work everywhere.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, singledispatch
from types import MethodType
from typing import Literal, Protocol, TypeVar, cast, get_args, overload

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Model, Prepared, Returned
from pylime.models.alignment import index_of, relabel
from pylime.models.outputs import (
    ACTIVATIONS,
    Activation,
    Predictions,
    PredictionType,
    activate,
    as_predictions,
    column_names,
    cure,
    named_outputs,
    numbers,
)

__all__ = [
    "Classifier",
    "ModelType",
    "Regressor",
    "as_classifier",
    "as_regressor",
    "call_model",
    "class_name",
    "is_known",
    "model_type",
    "outputs",
    "own_methods",
    "owner_of",
    "predict_model",
    "refuse_predictions",
    "unknown_model",
]

ModelType = Literal["classification", "regression"]

# A function that predicts with the models of one class.
Predictor = TypeVar("Predictor", bound=Callable[..., Returned])


class PredictModel(Protocol):
    """`predict_model` for type checkers: a function with the registry of a generic."""

    registry: Mapping[type, Callable[..., Returned]]

    def __call__(
        self, model: Model, newdata: Prepared, type: PredictionType, **kwargs: object
    ) -> pd.DataFrame: ...

    def dispatch(self, cls: type) -> Callable[..., Returned]: ...

    @overload
    def register(self, cls: type) -> Callable[[Predictor], Predictor]: ...
    @overload
    def register(self, cls: Predictor) -> Predictor: ...
    @overload
    def register(self, cls: type, func: Predictor) -> Predictor: ...


@singledispatch
def call_model(model: Model, newdata: Prepared, type: PredictionType, **kwargs: object) -> Returned:
    """
    Call the function that is registered for a model's class.

    Parameters
    ----------
    model, newdata, type, **kwargs
        As for `pylime.predict_model`, whose registry this is.

    Returns
    -------
    Predictions or pandas.DataFrame
        What the function returns, without the conversion to a frame.
    """
    returned = _called(model, newdata, type, **kwargs)
    names = _output_labels(returned)
    if type == "raw" and not callable(model) and names is None:
        return named_outputs(returned)
    has_names = type == "raw" or isinstance(names, list | tuple)
    return as_predictions(returned, type, None if has_names else _classes_of(model))


def _called(model: Model, newdata: Prepared, type: PredictionType, **kwargs: object) -> Returned:
    """What a function, or an object with the methods of scikit-learn, returns."""
    if type == "prob" and _has(model, "predict_proba"):
        return model.predict_proba(newdata, **kwargs)
    if callable(model):
        return model(newdata, **kwargs)
    if _has(model, "predict"):
        return model.predict(newdata, **kwargs)
    raise TypeError(unknown_model(model))


def _has(model: object, method: str) -> bool:
    """Whether something is an object with a method."""
    return not isinstance(model, type) and callable(getattr(model, method, None))


def _classes_of(model: object) -> list[Hashable] | None:
    """The classes that an object lists as scikit-learn or AutoGluon do, if it does."""
    for name in ("classes_", "class_labels"):
        classes = getattr(model, name, None)
        if classes is not None and not callable(classes) and np.ndim(classes) == 1:
            return [c.item() if isinstance(c, np.generic) else c for c in classes]
    return None


def _sharing_registry(generic: Callable[..., Returned]) -> Callable[[Callable], PredictModel]:
    """Open a function to registration, which adds to the registry of a generic."""

    def opened(function: Callable) -> PredictModel:
        for name in ("register", "dispatch", "registry"):
            setattr(function, name, getattr(generic, name))
        return cast("PredictModel", function)

    return opened


@_sharing_registry(call_model)
def predict_model(
    model: Model, newdata: Prepared, type: PredictionType, **kwargs: object
) -> pd.DataFrame:
    """
    Predict with any model, in one form.

    Parameters
    ----------
    model
        The model. To support another class, register a function for it, as in the
        example. It returns a data frame, or `pylime.Predictions` if its labels do not
        exclude each other.
    newdata
        What `preprocess` returned, n cases.
    type
        `"prob"` for probabilities, `"raw"` for numbers, or for the most likely class of a
        classifier.
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
    ValueError
        If `type` is something else.

    Examples
    --------
    >>> class Coin:
    ...     def chances(self, newdata):
    ...         return np.full((len(newdata), 2), 0.5)
    >>> @predict_model.register
    ... def predict_coin(model: Coin, newdata, type, **kwargs):
    ...     return pd.DataFrame(model.chances(newdata), columns=["heads", "tails"])
    >>> @model_type.register
    ... def type_of_coin(model: Coin):
    ...     return "classification"
    >>> predict_model(Coin(), [1], type="prob")
       heads  tails
    0    0.5    0.5
    """
    checks.one_of("type", type, get_args(PredictionType))
    if type == "raw" and _classifies(model):
        return _most_likely(as_predictions(call_model(model, newdata, "prob", **kwargs), "prob"))
    returned = call_model(model, newdata, type=type, **kwargs)
    return returned if isinstance(returned, pd.DataFrame) else as_predictions(returned, type).frame


def _classifies(model: Model) -> bool:
    """Whether a model whose prediction comes with pylime is a classifier."""
    if not call_model.dispatch(type(model)).__module__.startswith("pylime."):
        return False  # a function of the user's own does what `type` asks for
    try:
        return model_type(model) == "classification"
    except TypeError:
        return False


def _most_likely(predictions: Predictions) -> pd.DataFrame:
    """The class with the highest probability in each row."""
    best = predictions.values.argmax(axis=1)
    classes = [predictions.labels[place] for place in best.tolist()]
    return pd.DataFrame({"Response": classes}, index=predictions.index)


@singledispatch
def outputs(model: Model, newdata: Prepared, **kwargs: object) -> Returned:
    """
    Predict with a model, and leave its output as it is.

    Parameters
    ----------
    model
        The model. Register a function for classes whose models return scores (logits)
        as well as probabilities.
    newdata
        What `preprocess` returned, n cases.
    **kwargs
        Passed on to the model's own prediction.

    Returns
    -------
    array or other
        n rows.

    Examples
    --------
    >>> outputs(lambda rows: [[0.2, 0.8]] * len(rows), ["a", "b"])
    [[0.2, 0.8], [0.2, 0.8]]
    """
    if _is_registered(model):
        return call_model(model, newdata, type="prob", **kwargs)
    return _called(model, newdata, "prob", **kwargs)


def _is_registered(model: object) -> bool:
    """Whether a function is registered with `predict_model` for a model's class."""
    return call_model.dispatch(type(model)) is not call_model.dispatch(object)


def is_known(model: object) -> bool:
    """Whether a model's class is registered, or has a method that predicts."""
    return _is_registered(model) or _has(model, "predict_proba") or _has(model, "predict")


@singledispatch
def model_type(model: object) -> ModelType:
    """
    Find out whether a model classifies or regresses.

    Parameters
    ----------
    model
        The model, or an explainer from `pylime.lime`. To support another class, register a
        function for it, as with `predict_model`. An object with the method `predict_proba` is a
        classifier.

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
    task = getattr(model, "_estimator_type", None) or getattr(model, "problem_type", None)
    if isinstance(task, str) and task in _TASKS:
        return _TASKS[task]
    if _has(model, "predict_proba"):
        return "classification"
    if callable(model) or (_has(model, "predict") and not _is_registered(model)):
        raise TypeError(which_type(model))
    raise TypeError(unknown_model(model))


# What objects of other libraries (skorch, AutoGluon) call what they do.
_TASKS: dict[str, ModelType] = {
    "classifier": "classification",
    "binary": "classification",
    "multiclass": "classification",
    "regressor": "regression",
    "regression": "regression",
    "quantile": "regression",
}


@dataclass(frozen=True)
class Classifier:
    """
    A model that counts as a classifier, the names of its classes, and the activation.

    Examples
    --------
    >>> as_classifier(len, ["no", "yes"]).labels
    ('no', 'yes')
    """

    model: Model
    labels: tuple[Hashable, ...] | None = None
    activation: Activation = "auto"


@dataclass(frozen=True)
class Regressor:
    """
    A model that counts as a regressor, and which of several outputs is explained.

    Examples
    --------
    >>> as_regressor(len, output="price").output
    'price'
    """

    model: Model
    output: Hashable = None


def as_classifier(
    model: Model,
    labels: Iterable[Hashable] | None = None,
    activation: Activation = "auto",
) -> Classifier:
    """
    Declare a model a classifier, and name its classes.

    Parameters
    ----------
    model
        Any model that `predict_model` supports, an object with the method `predict_proba`
        (and its classes as `classes_`), or a function that takes the preprocessed cases and
        returns their class probabilities: an (n, classes) array or data frame, or n
        probabilities of the second of two classes.
    labels
        Names of the classes. Where the model names its classes itself, by `classes_` or by the
        columns of a data frame, and these are the same names, each label goes with the class
        of its name, in whatever order. Otherwise they are names in the order of the model's
        output; columns 0, 1 and so on are positions, not names. A single label is that of a
        single probability, such as `["survives"]`; the other class is `"not survives"`. Default:
        the model's own, or positions from 0.
    activation
        What turns the model's output into probabilities: `"softmax"` or `"sigmoid"` if
        it returns scores (logits), None if it returns probabilities, of which each class
        has its own where they do not sum to 1. By default, that is read off the layers of
        a network; other models are taken to return probabilities.

    Returns
    -------
    Classifier
        A wrapper for `pylime.lime`; the model itself is not changed.

    Raises
    ------
    ValueError
        If a name appears twice, or `activation` is not one of these; at the first prediction, if
        only some of the labels are names of the model's.
    TypeError
        If `model` is predictions, or `labels` are not names in an order.

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
    checks.one_of("activation", activation, ["auto", *ACTIVATIONS])
    if labels is None:
        return Classifier(model, None, activation)
    names = tuple(_in_order_of_outputs(labels))
    if any(not isinstance(name, Hashable) or name is None or name != name for name in names):
        raise TypeError("`labels` must be a list of class names; some are lists or missing.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(
            f"`labels` must be different from each other; twice: {checks.some(twice, 5)}."
        )
    return Classifier(model, names, activation)


def _in_order_of_outputs(labels: Iterable[Hashable]) -> Iterable[Hashable]:
    """Class names in the order of the outputs, which a mapping has as its keys or values."""
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


def as_regressor(model: Model, output: Hashable = None) -> Regressor:
    """
    Declare a model a regressor.

    Parameters
    ----------
    model
        Any model that `predict_model` supports, an object with the method `predict`, or a
        function that takes the preprocessed cases and returns a number for each.
    output
        Of a model with several outputs, the one to explain: its name or its position.

    Returns
    -------
    Regressor
        A wrapper for `pylime.lime`; the model itself is not changed.

    Raises
    ------
    TypeError
        If `model` is predictions.

    Examples
    --------
    >>> predict_model(as_regressor(lambda numbers: [n * 2 for n in numbers]), [1], type="raw")
       Response
    0         2
    """
    model = owner_of(model, "predict")
    refuse_predictions(model)
    return Regressor(model, output)


@singledispatch
def own_methods(model: Model) -> tuple[str, ...]:
    """
    Name the methods that return what the model itself stands for.

    Parameters
    ----------
    model
        Anything. Register a function for classes with methods that `pylime` calls in a better
        way, such as without a progress bar.
    """
    return ()


def owner_of(model: Model, *methods: str) -> Model:
    """
    Replace a bound method of a known model by the model, which has the labels.

    Parameters
    ----------
    model
        Anything.
    *methods
        Names of the methods that stand for the model, beside its `own_methods`. Default:
        `predict_proba` and, of a regressor, `predict`.

    Returns
    -------
    object
        The model whose method it is, or what was given.
    """
    if isinstance(model, partial):
        return _quiet(model)
    owner = getattr(model, "__self__", None)
    if not isinstance(model, MethodType) or not is_known(owner):
        return model
    name = model.__name__
    if not methods:
        methods = ("predict_proba",)
        if name == "predict" and _is_registered(owner) and model_type(owner) == "regression":
            methods = ("predict",)
    if name != "predict_proba" and not _is_registered(owner):
        return model
    return owner if name in (*methods, *own_methods(owner)) else model


def _quiet(model: partial) -> partial:
    """A method with some arguments, without its progress bar if it is one that draws these."""
    owner = getattr(model.func, "__self__", None)
    named = getattr(model.func, "__name__", "") == "predict" and "predict" in own_methods(owner)
    return partial(model, verbose=0) if named and "verbose" not in model.keywords else model


def refuse_predictions(model: Model) -> None:
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
def type_of_classifier(model: Classifier) -> ModelType:
    """Classification, whatever the model inside does."""
    return "classification"


@model_type.register
def type_of_regressor(model: Regressor) -> ModelType:
    """Regression, whatever the model inside does."""
    return "regression"


@predict_model.register
def predict_classifier(
    model: Classifier, newdata: Prepared, type: PredictionType, **kwargs: object
) -> Returned:
    """Predict with the model inside; probabilities with the labels of the wrapper."""
    if type != "prob":
        return call_model(model.model, newdata, type=type, **kwargs)
    n_classes = None if model.labels is None else len(model.labels)
    if model.activation == "auto":
        returned = _with_name(_own_probabilities(model.model, newdata, kwargs), model.labels)
        predictions = as_predictions(returned, "prob", n_classes=n_classes)
    else:
        returned = _with_name(outputs(model.model, newdata, **kwargs), model.labels)
        predictions = _activated(returned, model.activation, n_classes)
    return predictions if model.labels is None else relabel(predictions, model.labels)


def _own_probabilities(model: Model, newdata: Prepared, options: Mapping[str, object]) -> Returned:
    """The output of a model that returns probabilities itself."""
    if is_known(model):
        return call_model(model, newdata, type="prob", **options)
    returned = outputs(model, newdata, **options)
    if _predicts_classes(model) and np.ndim(returned) == 1:
        return numbers(returned).astype(str)  # names, even where they look like probabilities
    return returned


def _with_name(returned: Returned, labels: Sequence[Hashable] | None) -> Returned:
    """A Series that is called like one of the classes as a column of that name."""
    name = getattr(returned, "name", None)
    if labels is None or not isinstance(name, str) or name not in labels:
        return returned
    return returned.to_frame() if hasattr(returned, "to_frame") else returned


def _predicts_classes(function: object) -> bool:
    """Whether a function is the method of a model that has another for probabilities."""
    owner = getattr(function, "__self__", None)
    return getattr(function, "__name__", None) == "predict" and hasattr(owner, "predict_proba")


def _activated(
    returned: Returned, activation: Literal["softmax", "sigmoid"] | None, n_classes: int | None
) -> Predictions:
    """The probabilities that an activation makes of scores; these are kept for a warning."""
    scores = numbers(returned)
    several = scores.ndim > 1 and scores.shape[1] > 1
    predictions = as_predictions(
        activate(scores, activation),
        "prob",
        _output_labels(returned),
        n_classes=n_classes,
        exclusive=activation == "softmax" or not several,
    )
    return replace(predictions, returned=scores, index=index_of(returned))


def _output_labels(returned: Returned) -> Sequence[Hashable] | None:
    """The names that a model gave to its outputs, if any."""
    if isinstance(returned, Predictions):
        return returned.labels if returned.named else range(len(returned.labels))
    return column_names(returned) if isinstance(returned, pd.DataFrame) else None


@predict_model.register
def predict_regressor(
    model: Regressor, newdata: Prepared, type: PredictionType, **kwargs: object
) -> Returned:
    """Predict with the model inside, which may have several outputs."""
    if model.output is None:
        return call_model(model.model, newdata, type="raw", **kwargs)
    if is_known(model.model):
        returned = call_model(model.model, newdata, type="raw", **kwargs)
    else:
        returned = outputs(model.model, newdata, **kwargs)
    if isinstance(returned, Predictions):
        returned = returned.frame
    elif not isinstance(returned, pd.DataFrame):
        returned = pd.DataFrame(numbers(returned))
    # One column alone: others may hold something else than numbers.
    position = _position(model.output, returned.columns.tolist())
    return as_predictions(returned.iloc[:, position], "raw")


def _position(output: Hashable, names: Sequence[Hashable]) -> int:
    """Where an output stands among a model's outputs, by its name or its position."""
    if output in names:
        return names.index(output)
    if isinstance(output, int) and 0 <= output < len(names):
        return output
    raise ValueError(
        f"`output` must be one of the model's {len(names)} outputs: {checks.some(names)}; not "
        f"{output!r}."
    )


def class_name(model: object) -> str:
    """The full name of a model's class."""
    return f"{type(model).__module__}.{type(model).__qualname__}"


def which_type(model: object) -> str:
    """The message for a function that may classify or regress."""
    name = getattr(model, "__name__", None) or class_name(model)
    return (
        f"Is {name} a classifier or a regressor? Wrap it: "
        "lime(x, as_classifier(model, labels)) or lime(x, as_regressor(model))."
    )


def unknown_model(model: object) -> str:
    """The message for models of a class that is not known, with the code that is missing."""
    name, short = class_name(model), type(model).__name__
    snake = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", short).lower()
    typed = model_type.dispatch(type(model)) is not model_type.dispatch(object)
    state = "are not known"
    if typed or _is_registered(model):
        state = f"are known to `{'model_type' if typed else 'predict_model'}` only"
    return f"""\
Models of class {name} {state}. Register two functions for them:

    import pandas
    from pylime import model_type, predict_model

    @predict_model.register({short})
    def predict_{snake}(model, newdata, type, **kwargs):
        return pandas.DataFrame(...)  # a column per class, or one column "Response"

    @model_type.register({short})
    def type_of_{snake}(model):
        return "classification"  # or "regression"

or wrap a function that predicts: as_classifier(function, labels), as_regressor(function)."""
