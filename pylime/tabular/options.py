"""Options of tables: how columns are binned, and how permutations are weighted."""

import datetime as dt
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, get_args

import numpy as np
import pandas as pd

from pylime import checks
from pylime.options import (
    Categorical,
    ColumnNames,
    Cuts,
    DateUse,
    DistFun,
    Groups,
    NumberOfBins,
    Sampling,
    TextColumns,
    Tokenization,
)
from pylime.similarity import DIST_FUNS
from pylime.text.tokens import check_tokenization, default_tokenize

__all__ = [
    "LARGEST",
    "ExplainTableOptions",
    "TableOptions",
    "cuts_in",
    "names_in",
]

LARGEST = 1e150
"""The largest number that a column may have: squares of larger ones would overflow."""

_DEFAULT_BINS = 4
_LEAST_BINS = 2
# Of what a cut can be an object: a number or a date, or a string that is read as a date.
_CUT_TYPES = (
    *(int, float, Decimal, str, np.integer, np.floating),
    *(dt.date, dt.time, dt.timedelta, np.datetime64, np.timedelta64, pd.Period),
)


def names_in(value: object) -> list[Any]:
    """Return the columns that an option names: none, one, several, or the keys of a mapping."""
    if value is None:
        return []
    return list(value) if isinstance(value, Collection) and not isinstance(value, str) else [value]


def _check_names(name: str, value: object) -> None:
    if any(not isinstance(each, Hashable) for each in names_in(value)):
        raise TypeError(f"`{name}` must be a list of columns; not {value!r:.80}.")


def _check_categorical(name: str, value: object) -> None:
    _check_names(name, value)
    for column, names in value.items() if isinstance(value, Mapping) else ():
        lists = isinstance(names, Iterable) and not isinstance(names, str)
        if names is not None and not lists:
            raise TypeError(
                f"`{name}` must lead from columns to names of their codes, such as "
                f"{{{column!r}: {{3: 'red', 8: 'green'}}}}; not to {names!r:.80}."
            )


def _check_text_columns(name: str, value: object) -> None:
    _check_names(name, value)
    for column, tokenization in value.items() if isinstance(value, Mapping) else ():
        try:
            check_tokenization(tokenization)
        except (TypeError, ValueError) as error:
            message = str(error).replace("`tokenization`", f"`{name}[{column!r}]`")
            raise type(error)(message) from error


def _check_tokenization(name: str, value: Any) -> None:
    check_tokenization(value)


def _check_groups(name: str, value: object) -> None:
    rule = f'`{name}` must lead from names to lists of columns, such as {{"place": ["lat", "lon"]}}'
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise TypeError(f"{rule}; not {value!r:.80}.")
    for group, columns in value.items():
        if not isinstance(group, str):
            raise TypeError(f"{rule}; the name {group!r:.80} is not a string.")
        if isinstance(columns, str) or not isinstance(columns, Collection):
            raise TypeError(f"{rule}; not to {columns!r:.80}.")
        _check_names(name, list(columns))


def _check_p_remove(name: str, value: object) -> None:
    if value is not None:
        checks.probability(name, value)


def cuts_in(value: object) -> list[Any]:
    """Return the cuts of a column: one, or several."""
    several = pd.api.types.is_list_like(value, allow_sets=False) and not isinstance(value, Mapping)
    return list(value) if several else [value]  # type: ignore[call-overload]


def _check_n_bins(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        checks.count(name, value, _LEAST_BINS)
        return
    _check_names(name, value)
    for column, n_bins in value.items():
        checks.count(f"{name}[{column!r}]", n_bins, _LEAST_BINS)


def _check_cuts(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(
            f"`{name}` must lead from columns to cuts, such as {{'age': [17, 65]}}; not "
            f"{value!r:.80}."
        )
    for column, given in value.items():
        cuts, where = cuts_in(given), f"{name}[{column!r}]"
        if not cuts:
            raise ValueError(f"`{where}` must have at least one cut; it has none.")
        wrong = [cut for cut in cuts if not _can_be_cut(cut)]
        if wrong:
            raise TypeError(
                f"`{where}` must be numbers, or dates for dates that are drawn; not "
                f"{wrong[0]!r:.80}."
            )
        if all(checks.is_number(cut) or isinstance(cut, Decimal) for cut in cuts):
            _check_rising(where, cuts)


def _can_be_cut(cut: object) -> bool:
    """Whether something can be a number or a date."""
    if isinstance(cut, bool | np.bool_) or pd.api.types.is_list_like(cut):
        return False
    return isinstance(cut, _CUT_TYPES)


def _check_rising(where: str, cuts: Sequence[Any]) -> None:
    """Raise unless numbers are finite and rise."""
    numbers = [float(cut) for cut in cuts]
    if not np.all(np.abs(numbers) <= LARGEST):
        raise ValueError(
            f"`{where}` must be finite numbers up to {LARGEST:g}; not {checks.some(cuts, 10, str)}."
        )
    if not all(low < high for low, high in pairwise(numbers)):
        raise ValueError(f"`{where}` must rise from cut to cut; not {checks.some(cuts, 10, str)}.")


def _check_dist_fun(name: str, value: object) -> None:
    if not callable(value):
        checks.one_of(name, value, DIST_FUNS, beside="a function")


@dataclass(frozen=True)
class TableOptions:
    """Options of `lime()` for tables; see there."""

    bin_continuous: Annotated[bool, checks.flag] = True
    n_bins: Annotated[NumberOfBins, _check_n_bins] = _DEFAULT_BINS
    quantile_bins: Annotated[bool, checks.flag] = True
    use_density: Annotated[bool, checks.flag] = True
    categorical: Annotated[Categorical, _check_categorical] = None
    hold: Annotated[ColumnNames, _check_names] = None
    dates: Annotated[DateUse | None, checks.among(None, *get_args(DateUse))] = None
    text_columns: Annotated[TextColumns, _check_text_columns] = None
    tokenization: Annotated[Tokenization | str | None, _check_tokenization] = default_tokenize
    keep_word_position: Annotated[bool, checks.flag] = False
    groups: Annotated[Groups, _check_groups] = None
    cuts: Annotated[Cuts, _check_cuts] = None

    def __post_init__(self) -> None:
        if self.text_columns is None:
            for name in ("tokenization", "keep_word_position"):
                if getattr(self, name) not in (default_tokenize, None, False):
                    raise ValueError(
                        f"`{name}` is an option of text columns; name these in `text_columns`."
                    )

    def bins_of(self, name: Hashable) -> int | Sequence[Any]:
        """Return the cuts of a column, or else its number of bins."""
        if self.cuts is not None and name in self.cuts:
            return cuts_in(self.cuts[name])
        n_bins = self.n_bins
        by_column = isinstance(n_bins, Mapping)
        return int(n_bins.get(name, _DEFAULT_BINS) if by_column else n_bins)


@dataclass(frozen=True)
class ExplainTableOptions:
    """Options of `explain()` for tables; see there."""

    dist_fun: Annotated[DistFun, _check_dist_fun] = "gower"
    kernel_width: Annotated[float | None, checks.positive] = None
    gower_pow: Annotated[float, checks.positive] = 1
    sampling: Annotated[Sampling | None, checks.among(None, *get_args(Sampling))] = None
    p_remove: Annotated[float | None, _check_p_remove] = 0.5
    batch_size: Annotated[int | None, checks.count] = None

    def __post_init__(self) -> None:
        if self.sampling == "kernel":
            if self.p_remove is None:
                raise ValueError(
                    '`sampling="kernel"` keeps each word on its own; `p_remove` must be a '
                    "probability such as 0.5, not None."
                )
            if self.dist_fun not in ("gower", "euclidean"):
                raise ValueError(
                    '`sampling="kernel"` draws from the exponential kernel of the Euclidean '
                    f"distance; leave out `dist_fun`, which is {self.dist_fun!r:.80}."
                )
            return
        if self.kernel_width is not None and self.dist_fun == "gower":
            checks.warn(
                '`kernel_width` is ignored with `dist_fun="gower"`, which needs no kernel. A '
                '`gower_pow` below 1 makes the neighbourhood narrower; `sampling="kernel"` draws '
                "one of that width."
            )
