"""What models return, in one form: a frame with a column per class, or one column of numbers."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "PredictionType",
    "activate",
    "are_probabilities",
    "class_frame",
    "cure",
    "numbers",
    "numbers_frame",
    "output_names",
    "predictions_frame",
]

PredictionType = Literal["prob", "raw"]
Activation = Literal["auto", "softmax", "sigmoid"] | None


def _softmax(scores: np.ndarray) -> np.ndarray:
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def _sigmoid(scores: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(scores, -709, 709)))


ACTIVATIONS: dict[Any, Callable[[np.ndarray], np.ndarray]] = {
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    None: lambda scores: scores,
}
"""From scores to probabilities, by name; None for what are probabilities already."""


def activate(scores: Any, activation: Literal["softmax", "sigmoid"] | None) -> np.ndarray:
    """
    Turn scores into probabilities.

    Parameters
    ----------
    scores
        (n, classes) or (n,) scores (logits).
    activation
        A key of `ACTIVATIONS`. A single column of scores is that of the second of two
        classes, for which the softmax is the sigmoid.

    Returns
    -------
    numpy.ndarray
        Of the same shape.

    Examples
    --------
    >>> activate([[0.0, 0.0]], "softmax")
    array([[0.5, 0.5]])
    """
    if activation is None:
        return numbers(scores)
    array = numbers(scores).astype(np.float64)
    if activation == "softmax" and (array.ndim == 1 or array.shape[1] == 1):
        activation = "sigmoid"
    return ACTIVATIONS[activation](array)


def are_probabilities(values: Any) -> bool:
    """Whether outputs for several classes can hardly be anything but probabilities."""
    array = numbers(values)
    if array.ndim != 2 or array.shape[1] < 2 or array.dtype.kind != "f" or not len(array):
        return False
    return bool(array.min() >= 0 and np.allclose(array.sum(axis=1), 1, atol=1e-4))


def numbers(values: Any) -> np.ndarray:
    """
    Read an array off whatever a model returned.

    Parameters
    ----------
    values
        A DataFrame, Series, array, list or tensor, of any backend.

    Returns
    -------
    numpy.ndarray
        The same values; those that are no numbers as strings.
    """
    if hasattr(values, "detach"):  # a torch tensor that may need gradients or sit on a GPU
        values = values.detach().cpu()
        values = values.float().numpy() if values.is_floating_point() else values.numpy()
    elif hasattr(values, "toarray"):  # a sparse matrix
        values = values.toarray()
    elif isinstance(values, list | tuple) and values and hasattr(values[0], "detach"):
        values = [numbers(value) for value in values]
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"The model must return rows of equal length; {error}.") from error
    if array.dtype.kind == "V":  # numbers that numpy has no type of its own for: bfloat16
        array = array.astype(np.float32)
    if array.dtype == object and array.ndim:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            array = array.astype(str)
    return array


def predictions_frame(
    values: Any,
    type: PredictionType,
    labels: Sequence[Hashable] | None = None,
    *,
    n_classes: int | None = None,
    multilabel: bool = False,
) -> pd.DataFrame:
    """
    Bring what a model returned into the form of `pylime.predict_model`.

    Parameters
    ----------
    values
        A DataFrame, Series, array, list or tensor of n predictions. One column of
        probabilities is that of the second of two classes.
    type
        `"prob"` or `"raw"`.
    labels
        Names of the classes, where the model knows them.
    n_classes
        How many classes there should be, where that is known.
    multilabel
        Whether each label has a probability of its own, which need not sum to 1.

    Returns
    -------
    pandas.DataFrame
        One column per class, or one column `Response`; of several numbers with names, a
        column each.

    Raises
    ------
    ValueError
        If `values` has another shape, or is not numeric.
    """
    if hasattr(values, "to_pandas"):  # of polars, pyarrow and the like
        values = values.to_pandas()
    if isinstance(values, pd.DataFrame) and labels is None:
        labels = values.columns.tolist()
    array = numbers(values)
    shape = array.shape
    seen = f"an array of shape {shape}"
    _refuse_objects(values, array, type)
    _refuse_class_labels(array, type, seen)
    if array.dtype.kind == "b" or (type == "prob" and array.dtype.kind in "iu"):
        array = array.astype(np.float64)  # zeros and ones are numbers to calculate with
    if array.ndim == 1:
        array = array[:, None]
    if type == "raw":
        if array.ndim == 2 and array.shape[1] > 1 and labels is not None:
            return pd.DataFrame(array, columns=list(labels))
        if array.ndim != 2 or array.shape[1] != 1:
            raise ValueError(
                f"A regressor must return one number for each case, shape (n,); it returned {seen}."
                " If these are probabilities, wrap it in as_classifier()."
            )
        return pd.DataFrame(array, columns=["Response"])
    expected = f"an array of shape (n, {n_classes or 'classes'}) for n cases"
    if array.ndim != 2:
        raise ValueError(
            f"The model must return class probabilities, {expected}; it returned {seen}."
            + cure("model.predict_proba(newdata)")
        )
    if array.shape[1] == 1 and n_classes is not None and n_classes > 2:
        raise ValueError(
            f"The model must return a probability for each of its {n_classes} classes, "
            f"{expected}; it returned one-dimensional output, {seen}."
            + cure(f"model.predict_proba(newdata)  # {n_classes} columns")
        )
    single = array.shape[1] == 1 and not multilabel
    if single:
        array = np.hstack([1.0 - array, array])
        if labels is not None and len(labels) != 2:
            named = [label for label in labels if isinstance(label, str) and label != "Response"]
            labels = [f"not {named[0]}", named[0]] if named else None
    columns = range(array.shape[1]) if labels is None else list(labels)
    frame = pd.DataFrame(array, columns=columns)
    if single:
        frame.attrs["shape"] = shape  # for errors
    if multilabel:
        frame.attrs["multilabel"] = True
    return frame


def class_frame(predictions: Any, n_classes: int | None = None) -> pd.DataFrame:
    """What a registered function returned as probabilities, with a column for each class."""
    framed = isinstance(predictions, pd.DataFrame)
    if framed and (predictions.shape[1] != 1 or predictions.attrs.get("multilabel")):
        return predictions
    return predictions_frame(predictions, "prob", n_classes=n_classes)


def numbers_frame(values: Any) -> pd.DataFrame:
    """
    Bring the numbers of a regressor that may have several outputs into a frame.

    Parameters
    ----------
    values
        What it returned: (n,) or (n, outputs).

    Returns
    -------
    pandas.DataFrame
        One column `Response`, or a column per output: `y0`, `y1` and so on.

    Examples
    --------
    >>> numbers_frame([[1.0, 2.0]])
        y0   y1
    0  1.0  2.0
    """
    shape = np.shape(values)
    several = len(shape) == 2 and shape[1] > 1
    return predictions_frame(values, "raw", output_names(shape[1]) if several else None)


def output_names(n: int) -> list[str]:
    """The names of a model's n outputs, where it has none itself."""
    return [f"y{position}" for position in range(n)]


def _refuse_objects(values: Any, array: np.ndarray, type: PredictionType) -> None:
    """Raise if predictions are no rows of values: nothing, a dictionary or a list of these."""
    first = values[0] if isinstance(values, list | tuple) and values else None
    if array.dtype != object and not isinstance(first, Mapping):
        return
    seen = "None" if values is None else f"a {values.__class__.__name__}"
    if isinstance(first, Mapping):
        seen += f" of {first.__class__.__name__}; pandas.DataFrame() makes columns of these"
    expected = "(n, classes)" if type == "prob" else "(n,)"
    method = "predict_proba" if type == "prob" else "predict"
    raise ValueError(
        f"The model must return an array, data frame, list or tensor of shape {expected} for n "
        f"cases; it returned {seen}." + cure(f"model.{method}(newdata)", type)
    )


def _refuse_class_labels(array: np.ndarray, type: PredictionType, seen: str) -> None:
    """Raise if predictions are the names, or numbers, of classes."""
    numeric = array.dtype.kind in "fiub"
    if numeric and (type == "raw" or array.dtype.kind == "f"):
        return
    flat = array.ravel()
    some = ", ".join(repr(value) for value in flat[:3].tolist())
    if type == "raw":
        raise ValueError(
            f"The model must return numbers; it returned {seen}: {some}. If it is a classifier, "
            "wrap it in as_classifier()."
        )
    if numeric and max(array.shape[1:], default=1) > 1:
        return  # whole numbers in a row per case: zeros and ones, or counts
    hint = ""
    if numeric and array.size and flat.min() >= 0 and flat.max() <= 1:
        hint = " (If 0 and 1 are meant as probabilities, return them as floats.)"
    raise ValueError(
        "The model must return numbers, class probabilities, an array of shape (n, classes) for "
        f"n cases; it returned {seen} with class labels: {some}.{hint} "
        "Hand in the function that returns probabilities, such as `model.predict_proba`:"
        + cure("model.predict_proba(newdata)")
    )


def cure(expression: str, type: PredictionType = "prob") -> str:
    """The three lines that hand in a function with the right output."""
    name = "probabilities" if type == "prob" else "numbers"
    wrapped = f"as_classifier({name}, labels)" if type == "prob" else f"as_regressor({name})"
    return f"""

    def {name}(newdata):
        return {expression}
    explainer = lime(data, {wrapped})
"""
