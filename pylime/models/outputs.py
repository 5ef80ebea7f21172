"""What models return, in one form: a record of values, a column for each label."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Returned

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "PredictionType",
    "Predictions",
    "activate",
    "are_positions",
    "are_probabilities",
    "as_predictions",
    "column_names",
    "cure",
    "named_outputs",
    "numbers",
    "output_names",
    "unique_names",
]

PredictionType = Literal["prob", "raw"]
Activation = Literal["auto", "softmax", "sigmoid"] | None


@dataclass(frozen=True, eq=False)
class Predictions:
    """
    Predictions for n cases, whatever library the model is from.

    A function that is registered for `pylime.predict_model` returns a data frame or this
    record. Labels that do not exclude each other need the record.

    Attributes
    ----------
    values
        (n, k) array of numbers: probabilities, or what a regressor predicts.
    labels
        The k labels; `("Response",)` for a regressor.
    exclusive
        Whether exactly one label is true of each case, so that rows sum to 1. False if
        each label has a probability of its own.
    returned
        The model's own output, where `values` were calculated from it.
    named
        Whether `labels` are the model's names of its classes. False for positions, to which
        `as_classifier(labels=...)` gives names in their order.
    names
        The model's own names of its classes, where `labels` have taken their place.
    index
        The index of the rows, where the model returned a frame or Series with one.

    Raises
    ------
    ValueError
        If `values` are not numbers, or do not have a column for each label.

    Examples
    --------
    >>> chances = np.array([[0.9, 0.7], [0.1, 0.2]])
    >>> Predictions(chances, ("rain", "wind"), exclusive=False).frame
       rain  wind
    0   0.9   0.7
    1   0.1   0.2
    """

    values: np.ndarray
    labels: tuple[Hashable, ...]
    exclusive: bool = True
    returned: np.ndarray | None = field(default=None, repr=False)
    named: bool = field(default=True, repr=False)
    names: tuple[Hashable, ...] | None = field(default=None, repr=False)
    index: pd.Index | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if type(self.exclusive) is not bool:
            checks.flag("exclusive", self.exclusive)
        object.__setattr__(self, "values", numbers(self.values))
        object.__setattr__(self, "labels", tuple(self.labels))
        if self.values.dtype.kind not in "fiub":
            raise ValueError(f"`values` must be numbers; not {self.values.dtype} values.")
        if self.values.ndim != 2 or self.values.shape[1] != len(self.labels):
            raise ValueError(
                f"`values` must have a column for each of the {len(self.labels)} labels; not "
                f"the shape {self.values.shape}."
            )

    @property
    def frame(self) -> pd.DataFrame:
        """The values as a data frame, a column for each label."""
        return pd.DataFrame(self.values, index=self.index, columns=list(self.labels))


def _softmax(scores: np.ndarray) -> np.ndarray:
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def _sigmoid(scores: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(scores, -709, 709)))


ACTIVATIONS: dict[Activation, Callable[[np.ndarray], np.ndarray]] = {
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    None: lambda scores: scores,
}
"""From scores to probabilities, by name; None for what are probabilities already."""


def activate(scores: Returned, activation: Literal["softmax", "sigmoid"] | None) -> np.ndarray:
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


def are_probabilities(values: Returned) -> bool:
    """Whether outputs for several classes can hardly be anything but probabilities."""
    array = numbers(values)
    if array.ndim != 2 or array.shape[1] < 2 or array.dtype.kind != "f" or not len(array):
        return False
    return bool(array.min() >= 0 and np.allclose(array.sum(axis=1), 1, atol=1e-4))


def numbers(values: Returned) -> np.ndarray:
    """
    Convert a model's output to an array.

    Parameters
    ----------
    values
        A record, data frame, Series, array, list or tensor, of any backend.

    Returns
    -------
    numpy.ndarray
        The same values; as strings if they are not numbers.
    """
    if isinstance(values, Predictions):
        return values.values
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
            array = np.where(pd.isna(array), np.nan, array).astype(np.float64)
        except (TypeError, ValueError):
            array = array.astype(str)
    return array


def as_predictions(
    values: Returned,
    type: PredictionType,
    labels: Iterable[Hashable] | None = None,
    *,
    n_classes: int | None = None,
    exclusive: bool = True,
) -> Predictions:
    """
    Bring a model's output into the form that all models share.

    Parameters
    ----------
    values
        A data frame, Series, array, list or tensor of n predictions, or a record of them.
        One column of probabilities is that of the second of two classes.
    type
        `"prob"` or `"raw"`.
    labels
        Names of the classes, where the model has them; a `range` for positions. Columns 0, 1
        and so on of a data frame are positions, too.
    n_classes
        How many classes there should be, where that is known.
    exclusive
        Whether exactly one label is true of each case, so that rows sum to 1.

    Returns
    -------
    Predictions
        A column for each class, or one column `Response`; of several numbers with names,
        a column each.

    Raises
    ------
    ValueError
        If `values` has another shape, or is not numeric.

    Examples
    --------
    >>> as_predictions([0.1, 0.75], "prob", ["no", "yes"]).frame
         no   yes
    0  0.90  0.10
    1  0.25  0.75
    """
    if isinstance(values, Predictions):
        return _completed(values, type, n_classes)
    if hasattr(values, "to_pandas"):  # of polars, pyarrow and the like
        values = values.to_pandas()
    if isinstance(values, pd.DataFrame) and labels is None:
        labels = column_names(values)
    names = None if labels is None else tuple(labels)
    array = numbers(values)
    _refuse_objects(values, array, type)
    _refuse_class_labels(array, type)
    array = _calculable(array, type)
    if type == "raw":
        found = _of_numbers(array, names)
    else:
        found = _of_classes(array, names, n_classes, exclusive)
    # Of one column that has no name, the two labels are positions.
    unnamed = labels is None or isinstance(labels, range)
    named = not unnamed and (len(names or ()) > 1 or not are_positions(found.labels))
    index = values.index if isinstance(values, pd.DataFrame | pd.Series) else None
    return found if named and index is None else replace(found, named=named, index=index)


def column_names(frame: pd.DataFrame) -> Sequence[Hashable]:
    """Names of the columns of a frame; a range if they are only counted."""
    names = frame.columns.tolist()
    in_order = are_positions(names) and names == sorted(names)
    return range(len(names)) if in_order else names


def are_positions(names: Sequence[Hashable]) -> bool:
    """Whether names are the whole numbers from 0, in any order."""
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in names)
    return whole and set(names) == set(range(len(names)))


def _completed(
    predictions: Predictions, type: PredictionType, n_classes: int | None
) -> Predictions:
    """A record with all its classes, or with the label of regressors."""
    values, labels = _calculable(predictions.values, type), predictions.labels
    if type == "prob" and predictions.exclusive and len(labels) == 1:
        both = _of_classes(values, labels, n_classes, exclusive=True)
        return replace(both, named=predictions.named, index=predictions.index)
    if type == "raw" and len(labels) == 1:
        labels = ("Response",)
    if values is predictions.values and labels == predictions.labels:
        return predictions
    return replace(predictions, values=values, labels=labels)


def _calculable(array: np.ndarray, type: PredictionType) -> np.ndarray:
    """Zeros and ones as numbers to calculate with."""
    if array.dtype.kind == "b" or (type == "prob" and array.dtype.kind in "iu"):
        return array.astype(np.float64)
    return array


def _of_numbers(array: np.ndarray, labels: tuple[Hashable, ...] | None) -> Predictions:
    """A regressor's output: a number for each case, or several with names."""
    columns = array[:, None] if array.ndim == 1 else array
    if columns.ndim == 2 and columns.shape[1] == 1:
        return Predictions(columns, ("Response",))
    if columns.ndim == 2 and columns.shape[1] and labels is not None:
        return Predictions(columns, labels)
    several = columns.ndim == 2 and columns.shape[1] > 1
    one = "If these are several outputs, choose one: as_regressor(model, output=0). "
    raise ValueError(
        "A regressor must return one number for each case, shape (n,); it returned "
        f"{_seen(array)}. {one if several else ''}If these are probabilities, wrap it in "
        "as_classifier()."
    )


def _of_classes(
    array: np.ndarray,
    labels: tuple[Hashable, ...] | None,
    n_classes: int | None,
    exclusive: bool,
) -> Predictions:
    """A classifier's output: a probability of each class, or of the second of two."""
    columns = array[:, None] if array.ndim == 1 else array
    expected = f"an array of shape (n, {n_classes or 'classes'}) for n cases"
    if columns.ndim != 2:
        raise ValueError(
            f"The model must return class probabilities, {expected}; it returned {_seen(array)}."
            + cure("model.predict_proba(newdata)")
        )
    if columns.shape[1] == 1 and n_classes is not None and n_classes > 2:
        raise ValueError(
            f"The model must return a probability for each of its {n_classes} classes, "
            f"{expected}; it returned one-dimensional output, {_seen(array)}."
            + cure(f"model.predict_proba(newdata)  # {n_classes} columns")
        )
    if columns.shape[1] == 1 and exclusive:
        both = np.hstack([1.0 - columns, columns])
        return Predictions(both, _both_labels(labels), returned=array)
    names = range(columns.shape[1]) if labels is None else labels
    return Predictions(columns, tuple(names), exclusive)


def _both_labels(labels: tuple[Hashable, ...] | None) -> tuple[Hashable, ...]:
    """The labels of two classes, where a model may have named only the second."""
    if labels is None or len(labels) == 2:
        return labels or (0, 1)
    named = [label for label in labels if isinstance(label, str) and label != "Response"]
    return (f"not {named[0]}", named[0]) if named else (0, 1)


def named_outputs(values: Returned) -> Predictions:
    """
    Name the outputs of a regressor that may have several.

    Parameters
    ----------
    values
        What it returned: (n,) or (n, outputs).

    Returns
    -------
    Predictions
        One column `Response`, or a column for each output: `y0`, `y1` and so on.

    Examples
    --------
    >>> named_outputs([[1.0, 2.0]]).frame
        y0   y1
    0  1.0  2.0
    """
    shape = np.shape(values)
    several = len(shape) == 2 and shape[1] > 1
    return as_predictions(values, "raw", output_names(shape[1]) if several else None)


def output_names(n: int) -> list[str]:
    """Names for n outputs of a model that has none for them."""
    return [f"y{position}" for position in range(n)]


def unique_names(names: Sequence[Hashable]) -> list[Hashable]:
    """
    Make names different from each other.

    Parameters
    ----------
    names
        Of classes, in the order of the model's outputs.

    Returns
    -------
    list
        The same; those that appear several times with their position.

    Examples
    --------
    >>> unique_names(["cat", "crane", "dog", "crane"])
    ['cat', 'crane (1)', 'dog', 'crane (3)']
    """
    count = Counter(names)
    if len(count) == len(names):
        return list(names)
    made = [f"{name} ({i})" if count[name] > 1 else name for i, name in enumerate(names)]
    return unique_names(made)


def _refuse_objects(values: Returned, array: np.ndarray, type: PredictionType) -> None:
    """Raise if predictions are not rows of values: nothing, a dictionary or a list of these."""
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


def _refuse_class_labels(array: np.ndarray, type: PredictionType) -> None:
    """Raise if predictions are the names, or numbers, of classes."""
    numeric = array.dtype.kind in "fiub"
    if numeric and (type == "raw" or array.dtype.kind == "f"):
        return
    flat = array.ravel()
    labels = checks.some(flat[:3].tolist())
    if type == "raw":
        raise ValueError(
            f"The model must return numbers; it returned {_seen(array)}: {labels}. If it is a "
            "classifier, wrap it in as_classifier()."
        )
    if numeric and max(array.shape[1:], default=1) > 1:
        return  # whole numbers in a row for each case: zeros and ones, or counts
    hint = ""
    if numeric and array.size and flat.min() >= 0 and flat.max() <= 1:
        hint = " (If 0 and 1 are meant as probabilities, return them as floats.)"
    raise ValueError(
        "The model must return numbers, class probabilities, an array of shape (n, classes) for "
        f"n cases; it returned {_seen(array)} with class labels: {labels}.{hint} "
        "Wrap the function that returns probabilities, such as `model.predict_proba`:"
        + cure("model.predict_proba(newdata)")
    )


def _seen(array: np.ndarray) -> str:
    return f"an array of shape {array.shape}"


def cure(expression: str, type: PredictionType = "prob") -> str:
    """Three lines of code that wrap a function with the right output."""
    name = "probabilities" if type == "prob" else "numbers"
    wrapped = f"as_classifier({name}, labels)" if type == "prob" else f"as_regressor({name})"
    return f"""

    def {name}(newdata):
        return {expression}
    explainer = lime(data, {wrapped})
"""
