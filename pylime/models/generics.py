"""
The two questions asked of any model, and the wrappers that answer them outright.

[`predict_model`][] and [`model_type`][] are open generics: register a function for a class
of your own and its objects work everywhere.
"""

import warnings
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Literal

import numpy as np
import pandas as pd

__all__ = [
    "Classifier",
    "ModelType",
    "PredictionType",
    "Regressor",
    "as_classifier",
    "as_regressor",
    "check_model",
    "model_type",
    "predict",
    "predict_model",
    "predictions_frame",
]

ModelType = Literal["classification", "regression"]
PredictionType = Literal["prob", "raw"]


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
    raise TypeError(_unknown_model(model))


@singledispatch
def model_type(model: Any) -> ModelType:
    """
    Tell whether a model classifies or regresses.

    Parameters
    ----------
    model
        The model. Support for another class is a function registered for it, as with
        [`predict_model`][].

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
        raise TypeError(_which_type(model))
    raise TypeError(_unknown_model(model))


@dataclass(frozen=True)
class Classifier:
    """A model that counts as a classifier, and the names of its classes."""

    model: Any
    labels: tuple[Hashable, ...] | None = None


@dataclass(frozen=True)
class Regressor:
    """A model that counts as a regressor."""

    model: Any


def as_classifier(model: Any, labels: Iterable[Hashable] | None = None) -> Classifier:
    """
    Say that a model is a classifier, and how its classes are called.

    Parameters
    ----------
    model
        Any model that [`predict_model`][] knows, or a function that takes the
        preprocessed cases and returns their class probabilities: an (n, classes) array
        or data frame, or n probabilities of the second of two classes.
    labels
        Names of the classes in the order of the model's output. Without: the model's
        own, or positions from 0.

    Returns
    -------
    Classifier
        A wrapper for [`lime`][pylime.lime]; the model itself is not changed.

    Raises
    ------
    ValueError
        If a name appears twice.

    Examples
    --------
    >>> model = as_classifier(lambda numbers: [n / 10 for n in numbers], ["low", "high"])
    >>> predict_model(model, [1, 9], type="prob")
       low  high
    0  0.9   0.1
    1  0.1   0.9
    """
    if labels is None:
        return Classifier(model)
    names = tuple(_in_order_of_outputs(labels))
    if any(not isinstance(name, Hashable) or name is None or name != name for name in names):
        raise TypeError("`labels` must be a list of class names; some are lists or missing.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"`labels` must be different from each other; twice: {twice[:5]}.")
    return Classifier(model, names)


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


def as_regressor(model: Any) -> Regressor:
    """
    Say that a model is a regressor.

    Parameters
    ----------
    model
        Any model that [`predict_model`][] knows, or a function that takes the
        preprocessed cases and returns a number for each.

    Returns
    -------
    Regressor
        A wrapper for [`lime`][pylime.lime]; the model itself is not changed.

    Examples
    --------
    >>> predict_model(as_regressor(lambda numbers: [n * 2 for n in numbers]), [1], type="raw")
       Response
    0         2
    """
    return Regressor(model)


@model_type.register
def _(model: Classifier) -> ModelType:
    return "classification"


@model_type.register
def _(model: Regressor) -> ModelType:
    return "regression"


@predict_model.register
def _(model: Classifier, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    predictions = predict_model(model.model, newdata, type=type, **kwargs)
    if type != "prob" or model.labels is None:
        return predictions
    if len(model.labels) != predictions.shape[1]:
        warnings.warn(
            "Ignoring provided class labels as length differs from model output: "
            f"{len(model.labels)} labels for {predictions.shape[1]} classes.",
            stacklevel=2,
        )
        return predictions
    return predictions.set_axis(list(model.labels), axis=1)


@predict_model.register
def _(model: Regressor, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    return predict_model(model.model, newdata, type="raw", **kwargs)


def predictions_frame(
    values: Any, type: PredictionType, labels: Sequence[Hashable] | None = None
) -> pd.DataFrame:
    """
    Bring what a model returned into the form of [`predict_model`][].

    Parameters
    ----------
    values
        A DataFrame, Series, array, list or tensor of n predictions. One column of
        probabilities is that of the second of two classes.
    type
        `"prob"` or `"raw"`.
    labels
        Names of the classes, where the model knows them.

    Returns
    -------
    pandas.DataFrame
        One column per class, or one column `Response`.

    Raises
    ------
    ValueError
        If `values` has another shape, or is not numeric.
    """
    if isinstance(values, pd.DataFrame):
        labels = values.columns.tolist() if labels is None else labels
    elif hasattr(values, "detach"):  # a torch tensor that may need gradients or sit on a GPU
        values = values.detach().cpu().float().numpy()
    array = np.asarray(values)
    if array.dtype.kind == "V":  # numbers that numpy has no type of its own for: bfloat16
        array = array.astype(np.float32)
    if array.dtype == object:
        array = _numeric(array)
    if array.dtype.kind not in "fiub":
        raise ValueError(
            "The model must return numbers (probabilities for a classifier); it returned "
            f"{array.ravel()[0]!r} and the like. If these are class labels, hand in the "
            "function that returns probabilities, such as `model.predict_proba`."
        )
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(
            "The model must return a number or a row of class probabilities for each case; "
            f"it returned an array of shape {array.shape}."
        )
    if type == "raw":
        if array.shape[1] != 1:
            raise ValueError(
                "A regressor must return one number for each case; it returned an array of "
                f"shape {array.shape}. If these are probabilities, wrap it in as_classifier()."
            )
        return pd.DataFrame(array, columns=["Response"])
    if array.shape[1] == 1:
        array = np.hstack([1.0 - array, array])
        if labels is not None and len(labels) != 2:
            named = [label for label in labels if isinstance(label, str) and label != "Response"]
            labels = [f"not {named[0]}", named[0]] if named else None
    return pd.DataFrame(array, columns=range(array.shape[1]) if labels is None else list(labels))


def _numeric(array: np.ndarray) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        return array.astype(str)


def predict(
    model: Any, newdata: Any, n: int, kind: ModelType | None = None, **kwargs: Any
) -> pd.DataFrame:
    """
    Predict n cases and check what comes back.

    Parameters
    ----------
    model
        Any model that [`predict_model`][] and [`model_type`][] know.
    newdata
        What `preprocess` returned.
    n
        How many cases were preprocessed.
    kind
        What the model does, where that is known already.
    **kwargs
        Passed on to [`predict_model`][].

    Returns
    -------
    pandas.DataFrame
        n rows of finite numbers.

    Raises
    ------
    ValueError
        If rows are missing or too many, labels repeat, or a prediction is not finite.
    TypeError
        If the model's class is not known.
    """
    kind = model_type(model) if kind is None else kind
    form: PredictionType = "prob" if kind == "classification" else "raw"
    predictions = predict_model(model, newdata, type=form, **kwargs)
    if form == "raw" or not isinstance(predictions, pd.DataFrame):
        predictions = predictions_frame(predictions, form)
    if len(predictions) != n:
        raise ValueError(
            f"The model must return one row for each of the {n} cases it is given; "
            f"it returned {len(predictions)}. Does it predict whole batches?"
        )
    if not predictions.columns.is_unique:
        twice = predictions.columns[predictions.columns.duplicated()].unique().tolist()
        raise ValueError(f"The model's class labels must be different; twice: {twice[:5]}.")
    try:
        finite = np.isfinite(predictions.to_numpy(np.float64))
    except (TypeError, ValueError) as error:
        raise ValueError(f"The model must return numbers; {error}.") from error
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ValueError(
            f"The model must return finite numbers; of {n} cases {np.sum(~finite.all(axis=1))} "
            f"have a missing or infinite prediction, the first is "
            f"{predictions.iat[row, column]} for {predictions.columns[column]!r}."
        )
    return predictions


def check_model(model: Any) -> ModelType:
    """
    Find out what a model does, or that it is not known.

    Returns
    -------
    str
        `"classification"` or `"regression"`.

    Raises
    ------
    TypeError
        If no prediction of the model is known, or it does something else.
    """
    inner = model.model if isinstance(model, Classifier | Regressor) else model
    if predict_model.dispatch(type(inner)) is predict_model.dispatch(object) and not callable(
        inner
    ):
        raise TypeError(_unknown_model(inner))
    kind = model_type(model)
    if kind not in ("classification", "regression"):
        raise TypeError(
            "`model_type` must return 'classification' or 'regression'; for a model of class "
            f"{_class_name(model)} it returned {kind!r}."
        )
    return kind


def _class_name(model: Any) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"


def _which_type(model: Any) -> str:
    name = getattr(model, "__name__", None) or _class_name(model)
    return (
        f"Is {name} a classifier or a regressor? Say so: "
        "lime(x, as_classifier(model, labels)) or lime(x, as_regressor(model))."
    )


def _unknown_model(model: Any) -> str:
    name, short = _class_name(model), type(model).__name__
    return f"""\
Models of class {name} are not known. Teach pylime about them in two functions:

    @predict_model.register({short})
    def _(model, newdata, type, **kwargs):
        return pandas.DataFrame(...)  # a column per class, or one column "Response"

    @model_type.register({short})
    def _(model):
        return "classification"  # or "regression"

or wrap a function that predicts: as_classifier(function, labels), as_regressor(function)."""
