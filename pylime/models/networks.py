"""What networks of every library share: inputs in batches, and what their outputs mean."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Prepared, Returned
from pylime.models.outputs import (
    Predictions,
    PredictionType,
    activate,
    as_predictions,
    numbers,
)

__all__ = [
    "channels_first",
    "check_layout",
    "have_equal_rows",
    "in_batches",
    "interpret",
    "joined",
    "matrix",
    "take_options",
]

# How many rows of a table, and of anything larger, go through a network at once.
_TABLE_ROWS = 8192
_ROWS = 256

# The activation that scores still need, by the operation that makes them.
_MISSING_ACTIVATIONS: dict[str | None, Literal["softmax", "sigmoid"]] = {
    "linear": "softmax",
    "linear of each label": "sigmoid",
}


def take_options(options: Mapping[str, Any], library: str, *known: str) -> list[Any]:
    """
    Take out the options of prediction that a library's models have.

    Parameters
    ----------
    options
        What came as `predict_options`.
    library
        The name of the models in the error.
    *known
        Names of options.

    Returns
    -------
    list
        Their values, None where one is not given.

    Raises
    ------
    TypeError
        If there are others.
    ValueError
        If `batch_size` is not a number of rows.
    """
    others = [name for name in options if name not in known]
    if others:
        raise TypeError(
            f"Of the options of prediction, {library} models take only "
            f"{' and '.join(f'`{name}`' for name in known)}; not {checks.some(others)}."
        )
    if options.get("batch_size") is not None:
        checks.count("batch_size", options["batch_size"])
    return [options.get(name) for name in known]


def matrix(
    frame: pd.DataFrame, dtype: np.dtype | type[np.generic] | None = np.float32
) -> np.ndarray:
    """
    Turn a frame of numbers into an array.

    Parameters
    ----------
    frame
        n rows.
    dtype
        Of the array.

    Returns
    -------
    numpy.ndarray
        (n, columns) array.

    Raises
    ------
    ValueError
        If a column holds something else.

    Examples
    --------
    >>> matrix(pd.DataFrame({"a": [1, 2]})).tolist()
    [[1.0], [2.0]]
    """
    try:
        return frame.to_numpy(dtype)
    except (TypeError, ValueError) as error:
        # A column of objects may hold numbers, so only those that fail are to blame.
        bad = [name for name, column in frame.items() if not _converts(column, dtype)]
        raise ValueError(
            "The model takes numbers only; encode other columns in `preprocess`: "
            f"{checks.some(bad, 5)}."
        ) from error


def _converts(column: pd.Series, dtype: np.dtype | type[np.generic] | None) -> bool:
    try:
        column.to_numpy(dtype)
    except (TypeError, ValueError):
        return False
    return True


def channels_first(images: Prepared) -> np.ndarray:
    """
    Lay images out channel after channel.

    Parameters
    ----------
    images
        (n, H, W, channels) or (n, H, W) array, or a list of n images.

    Returns
    -------
    numpy.ndarray
        (n, channels, H, W) array.

    Raises
    ------
    ValueError
        If these are not images.

    Examples
    --------
    >>> channels_first(np.zeros((2, 32, 48, 3))).shape
    (2, 3, 32, 48)
    """
    if isinstance(images, list):
        images = [np.asarray(image) for image in images]
    array = np.asarray(images)
    if array.ndim == 3:
        return array[:, None]
    if array.ndim != 4:
        raise ValueError(
            "`channels_first` is for images, shape (n, H, W, channels) or (n, H, W); "
            f"not {array.shape}."
        )
    return np.moveaxis(array, -1, 1)


def check_layout(shape: tuple[int, ...], channels: object) -> None:
    """
    Raise if images have their channels last and a network takes them first.

    Parameters
    ----------
    shape
        Of the network's input.
    channels
        How many the network takes; anything but a number if that is not known.
    """
    if len(shape) == 4 and shape[1] != channels and shape[3] == channels:
        raise ValueError(
            f"The model takes images channels first, shape (n, {channels}, H, W); not {shape}. "
            'Pass predict_options={"channels_first": True} to explain(), or transpose them in '
            "`preprocess`."
        )


def in_batches(inputs: Prepared, size: int | None = None) -> Iterator[Prepared]:
    """
    Cut the input of a network into batches.

    Parameters
    ----------
    inputs
        An array or tensor of n rows, or a list, tuple or dictionary of these.
    size
        How many rows a batch has; by default 8192 of a table, 256 of anything larger.

    Yields
    ------
    object
        A batch in the same form. Inputs whose parts have different lengths, such as words in a
        row and where each text begins, cannot be cut: they come as they are.

    Examples
    --------
    >>> [batch.tolist() for batch in in_batches(np.arange(3), 2)]
    [[0, 1], [2]]
    """
    if isinstance(inputs, Mapping):
        parts = list(inputs.values())
    else:
        parts = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    if not have_equal_rows(parts):
        yield inputs
        return
    if size is None:
        # Rows of whole numbers may be words, each of which becomes a vector.
        tables = all(part.ndim <= 2 and "int" not in str(part.dtype) for part in parts)
        size = _TABLE_ROWS if tables else _ROWS
    for start in range(0, len(parts[0]), size):
        rows = slice(start, start + size)
        if isinstance(inputs, Mapping):
            yield {name: part[rows] for name, part in inputs.items()}
        elif isinstance(inputs, list | tuple):
            yield type(inputs)(part[rows] for part in inputs)
        else:
            yield inputs[rows]


def have_equal_rows(parts: Iterable[Prepared]) -> bool:
    """Whether arrays or tensors have the same number of rows, so that these belong together."""
    return len({part.shape[0] if part.ndim else None for part in parts}) == 1


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """
    Put the outputs of batches together.

    Parameters
    ----------
    parts
        Arrays with a row per case; maps of 1x1 and the like lose their empty axes.

    Returns
    -------
    numpy.ndarray
        (n, ...) array.

    Examples
    --------
    >>> joined([np.ones((2, 3, 1, 1)), np.ones((1, 3, 1, 1))]).shape
    (3, 3)
    """
    values = np.concatenate(parts)
    if values.ndim > 2 and max(values.shape[1:]) * len(values) == values.size:
        values = values.reshape(len(values), -1)
    return values


def interpret(
    values: Returned,
    type: PredictionType,
    ending: str | None = None,
    labels: Iterable[Hashable] | None = None,
) -> Predictions:
    """
    Bring the outputs of a network into the form that all models share.

    Parameters
    ----------
    values
        (n,) or (n, outputs) array.
    type
        `"prob"` or `"raw"`.
    ending
        The operation that makes them: `"softmax"`, `"sigmoid"`, `"log_softmax"` or
        `"log_sigmoid"`; `"linear"` for scores of classes, `"linear of each label"` for
        scores of which each stands for itself. None where that is not known: they are
        taken for probabilities.
    labels
        Names of the outputs.

    Returns
    -------
    Predictions
        A column for each class, or of numbers.

    Examples
    --------
    >>> interpret([[0.0, 0.0]], "prob", "linear").frame
         0    1
    0  0.5  0.5
    """
    values = numbers(values)
    several = values.ndim == 2 and values.shape[1] > 1
    if labels is None and several:
        labels = range(values.shape[1])
    if type == "raw":
        return as_predictions(values, type, labels)
    if ending in ("log_softmax", "log_sigmoid"):
        values = np.exp(values)
    own = ending in ("sigmoid", "log_sigmoid", "linear of each label")
    values = activate(values, _MISSING_ACTIVATIONS.get(ending))
    return as_predictions(values, type, labels, exclusive=not (own and several))
