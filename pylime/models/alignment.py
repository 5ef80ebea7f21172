"""
Which row of what a model returned belongs to which case, and which column to which class.

Names decide where there are any, the place otherwise.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Prepared
from pylime.errors import RequestError
from pylime.models.outputs import Predictions, are_positions

__all__ = ["align_labels", "align_rows", "index_of", "is_counted", "relabel"]


# Columns and classes


def relabel(predictions: Predictions, labels: Sequence[Hashable]) -> Predictions:
    """
    Give predictions the labels that a user has for the classes.

    Parameters
    ----------
    predictions
        With the model's own names, or with positions.
    labels
        The user's. If they are the model's names, in any order, each goes to the column of its
        name; if none of them is, they go to the columns in their order. Upper and lower case and
        blanks around a name do not matter. A single label is that of the one column of a model
        that returned no more; the other class is the one that is not it.

    Returns
    -------
    Predictions
        The same columns with these labels; unchanged, with a warning, if there are too few or
        too many labels.

    Raises
    ------
    RequestError
        If only some of the labels are the model's names.

    Examples
    --------
    >>> predictions = Predictions(np.array([[0.9, 0.1]]), ("pos", "neg"))
    >>> relabel(predictions, ["neg", "pos"]).frame
       pos  neg
    0  0.9  0.1
    >>> relabel(predictions, ["good", "bad"]).frame
       good  bad
    0   0.9  0.1
    """
    own = predictions.labels
    if len(labels) == 1 and len(own) == 2 and _is_single(predictions.returned):
        labels = (f"not {labels[0]}", labels[0])
    if len(labels) != len(own):
        checks.warn(
            "Ignoring provided class labels as length differs from model output: "
            f"{len(labels)} labels for {len(own)} classes."
        )
        return predictions
    places = _places(own, labels) if predictions.named else range(len(own))
    names = own if predictions.named and predictions.names is None else predictions.names
    found = tuple(labels[place] for place in places)
    return replace(predictions, labels=found, named=True, names=names)


def _is_single(returned: np.ndarray | None) -> bool:
    """Whether a model returned one number for each case."""
    return returned is not None and (returned.ndim == 1 or returned.shape[1:] == (1,))


def _places(own: Sequence[Hashable], labels: Sequence[Hashable]) -> Sequence[int]:
    """For each name of the model's the place of its label."""
    keys, own_keys = _keys(labels), _keys(own)
    if set(own) == set(labels):
        return [labels.index(name) for name in own]
    if set(own_keys) == set(keys):
        return [keys.index(key) for key in own_keys]
    if are_positions(own):
        return [int(str(name)) for name in own]
    if len(own) == 2 and own[0] == f"not {own[1]}":  # of two classes the model names one
        place = keys.index(own_keys[1]) if own_keys[1] in keys else 1
        return [1 - place, place]
    shared = [label for label, key in zip(labels, keys, strict=True) if key in own_keys]
    if shared:
        raise RequestError(
            f"`labels` must be the names of the model's classes, {checks.some(own, 5)}, in any "
            f"order, or other names for all of them in their order; not {checks.some(labels, 5)}: "
            f"only {checks.some(shared, 5)} {'are' if len(shared) > 1 else 'is'} among them."
        )
    return range(len(own))


def _keys(names: Sequence[Hashable]) -> list[str]:
    """What makes names the same: how they print, without regard to case where that is unique."""
    printed = [str(name).strip() for name in names]
    folded = [name.casefold() for name in printed]
    return folded if len(set(folded)) == len(names) else printed


def align_labels(
    predictions: Predictions, labels: Sequence[Hashable], names: Sequence[Hashable] | None = None
) -> Predictions:
    """
    Bring the columns of a later batch into the order of an earlier one.

    Parameters
    ----------
    predictions
        Of the later batch.
    labels
        Of the earlier one.
    names
        The model's own names of these, where the labels have taken their place: they decide.

    Returns
    -------
    Predictions
        With these labels.

    Raises
    ------
    ValueError
        If the labels, or names, are others.

    Examples
    --------
    >>> align_labels(Predictions(np.array([[0.9, 0.1]]), ("pos", "neg")), ["neg", "pos"]).values
    array([[0.1, 0.9]])
    """
    own, expected = predictions.labels, tuple(labels)
    if names is not None and predictions.names is not None:
        own, expected = predictions.names, tuple(names)
    if own == expected and predictions.labels == tuple(labels):
        return predictions
    if len(own) != len(expected) or set(own) != set(expected):
        raise ValueError(
            "The model must return the same classes for every batch; it returned "
            f"{checks.some(expected, 5)} ({len(expected)}), and later {checks.some(own, 5)} "
            f"({len(own)})."
        )
    places = [own.index(name) for name in expected]
    values = predictions.values[:, places]
    return replace(predictions, values=values, labels=tuple(labels), names=names)


# Rows and cases


def index_of(values: Prepared) -> pd.Index | None:
    """
    Find the index of rows, where they have one.

    Parameters
    ----------
    values
        A frame or Series, several of these in a dictionary, list or tuple, or anything else.
    """
    if isinstance(values, Mapping):
        values = next(iter(values.values()), None)
    elif isinstance(values, list | tuple):
        values = values[0] if values else None
    index = getattr(values, "index", None)
    return index if isinstance(index, pd.Index) else None


def align_rows(
    predictions: Predictions, given: pd.Index | None, prepared: pd.Index | None
) -> Predictions:
    """
    Bring predictions into the order of the cases.

    Parameters
    ----------
    predictions
        n rows, with the index that the model returned, if any.
    given
        The index of the n cases that `preprocess` was given; by default they are counted.
    prepared
        The index of what the model was given; by default the same.

    Returns
    -------
    Predictions
        n rows in the order of the cases. An index that is not a rearranged one of the cases, or
        that is counted afresh, says nothing: the rows are then in the order in which the model
        got them.

    Examples
    --------
    >>> sorted_by_model = Predictions(np.array([[1.0], [2.0]]), ("y",), index=pd.Index([1, 0]))
    >>> align_rows(sorted_by_model, None, None).values.tolist()
    [[2.0], [1.0]]
    """
    n = len(predictions.values)
    given = pd.RangeIndex(n) if given is None else given
    prepared = given if prepared is None or len(prepared) != n else prepared
    if predictions.index is None and prepared is given:
        return predictions
    order = _order(prepared, given)
    own = _order(predictions.index, prepared)
    if own is not None:
        order = own if order is None else order[own]
    elif predictions.index is not None and not is_counted(predictions.index):
        direct = _order(predictions.index, given)
        order = order if direct is None else direct
    if order is None:
        return predictions
    return replace(predictions, values=predictions.values[np.argsort(order)], index=given)


def _order(index: pd.Index | None, base: pd.Index) -> np.ndarray | None:
    """For each label of an index its place in another; None if it is not a rearranged one."""
    if index is None or index is base or len(index) != len(base) or is_counted(index):
        return None
    if index.nlevels > 1 == base.nlevels:  # groups come before the labels of their rows
        index = index.get_level_values(-1)
    if index.equals(base) or not index.is_unique or not base.is_unique:
        return None
    places = base.get_indexer(index)
    return None if (places < 0).any() else places


def is_counted(index: pd.Index) -> bool:
    """Whether an index counts its rows from 0, as that of any new frame does."""
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
