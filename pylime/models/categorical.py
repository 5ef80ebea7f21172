"""Which columns a model takes for categorical: an open generic."""

from collections.abc import Collection, Hashable, Iterable, Sequence
from functools import singledispatch
from types import MethodType

from pylime._types import Model
from pylime.models.generics import Classifier, Regressor

__all__ = ["categorical_columns", "categorical_of"]


@singledispatch
def categorical_columns(model: Model, columns: Sequence[Hashable]) -> Collection[Hashable]:
    """
    Find the columns of a table that a model takes for categorical.

    Their numbers are codes, which `pylime.lime` treats as levels.

    Parameters
    ----------
    model
        A model, or what stands before one. Register a function for a class of your own.
    columns
        Names of the columns of the data that `pylime.lime` gets.

    Returns
    -------
    collection
        Some of these; none, if nothing is known of the model.

    Examples
    --------
    >>> class Scorecard:
    ...     levels = ["branch"]
    >>> @categorical_columns.register
    ... def categorical_columns_of_scorecard(model: Scorecard, columns):
    ...     return [name for name in columns if name in model.levels]
    >>> categorical_columns(Scorecard(), ["age", "branch"])
    ['branch']
    """
    if isinstance(model, MethodType):  # such as `encoder.transform`, given as `preprocess`
        return categorical_columns(model.__self__, columns)
    return ()


@categorical_columns.register(Classifier)
@categorical_columns.register(Regressor)
def categorical_columns_of_wrapped(
    model: Classifier | Regressor, columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those of the model inside."""
    return categorical_columns(model.model, columns)


def categorical_of(
    columns: Sequence[Hashable], names: Sequence[Hashable], positions: Iterable[int]
) -> list[Hashable]:
    """
    Find a model's categorical columns among those of a table.

    Parameters
    ----------
    columns
        The table's.
    names
        What the model calls its columns.
    positions
        Which of these are categorical.

    Returns
    -------
    list
        By name if the model's names are the table's, wholly or in part; by position if none is,
        but the numbers of columns agree; else nothing.

    Examples
    --------
    >>> categorical_of(["age", "branch"], ["branch", "limit"], [0])
    ['branch']
    >>> categorical_of(["age", "branch"], ["Column_0", "Column_1"], [1])
    ['branch']
    """
    known = set(columns)
    if any(name in known for name in names):
        return [names[position] for position in positions if names[position] in known]
    if len(names) == len(columns):
        return [columns[position] for position in positions]
    return []
