"""Which columns are held or hold codes, which have own bins, and which say little as levels."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Model, Preprocess
from pylime.models import categorical_columns
from pylime.options import Tokenization
from pylime.tabular.codes import Codes
from pylime.tabular.columns import Column
from pylime.tabular.kept import Held, Kept
from pylime.tabular.levels import Levels
from pylime.tabular.numbers import Numbers
from pylime.tabular.options import TableOptions, cuts_in, names_in
from pylime.tabular.units import alone
from pylime.text.tokens import check_tokenization, default_tokenize

__all__ = ["Roles", "check_bins", "roles_of", "warn_of_columns"]

# A column of at least so many values, of which more than this share differ, identifies its
# rows, or holds texts.
_MANY = 20
_MOST_DIFFERENT = 0.5
# Strings of so many words on average are texts. So many values are looked at.
_WORDY = 3
_MOST_READ = 1000


@dataclass(frozen=True)
class Roles:
    """
    What the user and the model say of columns.

    Attributes
    ----------
    held
        Columns that are held.
    codes
        Columns of codes, and what the codes of each are called.
    texts
        Columns of texts, and how the texts of each are cut into words.
    groups
        The columns of each group.
    options
        The options, with the bins of columns by name.
    """

    held: frozenset[Hashable] = frozenset()
    codes: Mapping[Hashable, Mapping[Hashable, str]] = field(default_factory=dict)
    texts: Mapping[Hashable, Tokenization] = field(default_factory=dict)
    groups: Mapping[str, tuple[Hashable, ...]] = field(default_factory=dict)
    options: TableOptions = field(default_factory=TableOptions)


def roles_of(
    columns: Sequence[Hashable],
    is_array: bool,
    model: Model,
    preprocess: Preprocess,
    options: TableOptions,
) -> Roles:
    """
    Find out which columns are held, which hold codes or texts, and which belong together.

    Parameters
    ----------
    columns
        Names of the columns of the training data.
    is_array
        Whether these were given as an array, whose columns are known by position, too.
    model
        The model, which may itself take columns for categorical.
    preprocess
        What stands before it, and may encode columns.
    options
        What the user said.

    Raises
    ------
    ValueError
        If there is no such column, every column is held, a column has several roles, or both
        cuts and a number of bins.
    """
    held = frozenset(_found("hold", options.hold, columns, is_array).values())
    if held and len(held) == len(columns):
        raise ValueError("`hold` must leave a column to explain; all are held.")
    codes: dict[Hashable, Mapping[Hashable, str]] = {}
    for known in (preprocess, model):
        codes |= {column: {} for column in categorical_columns(known, columns)}
    named = options.categorical
    categorical = _found("categorical", named, columns, is_array)
    for given, column in categorical.items():
        codes[column] = _names_of_codes(named[given]) if isinstance(named, Mapping) else {}
    texts = _texts_of(columns, is_array, options)
    for name, others in {"hold": held, "categorical": {*categorical.values()}}.items():
        if both := [column for column in texts if column in others]:
            raise ValueError(
                f"A column can be in `text_columns` or in `{name}`; not in both: {_listed(both)}."
            )
    groups = _groups_of(columns, is_array, options, {*held}, {*texts})
    apart = held | frozenset(texts)
    return Roles(
        held,
        {column: names for column, names in codes.items() if column not in apart},
        texts,
        groups,
        _with_named_bins(columns, is_array, options),
    )


def _texts_of(
    columns: Sequence[Hashable], is_array: bool, options: TableOptions
) -> dict[Hashable, Tokenization]:
    """Find the columns of texts, and their tokenizations."""
    given = options.text_columns
    own = given if isinstance(given, Mapping) else {}
    return {
        column: check_tokenization(own.get(name) or options.tokenization)
        for name, column in _found("text_columns", given, columns, is_array).items()
    }


def _groups_of(
    columns: Sequence[Hashable],
    is_array: bool,
    options: TableOptions,
    held: set[Hashable],
    texts: set[Hashable],
) -> dict[str, tuple[Hashable, ...]]:
    """
    Find the columns of groups.

    Raises
    ------
    ValueError
        If a group has a single column, a column is in two groups, held or a text, or the name of
        a group is that of a column.
    """
    owner: dict[Hashable, str] = {}
    groups: dict[str, tuple[Hashable, ...]] = {}
    for group, given in (options.groups or {}).items():
        members = tuple(_found("groups", list(given), columns, is_array).values())
        if len(members) < 2:
            raise ValueError(
                f"A group must have at least two columns; {group!r} has "
                f"{_listed(members) or 'none'}."
            )
        if group in map(str, columns):
            raise ValueError(
                f"The group {group!r} needs a name of its own: there is a column of this name."
            )
        for column in members:
            if column in owner:
                raise ValueError(
                    f"A column can be in one group; {column!r} is in {owner[column]!r} and in "
                    f"{group!r}."
                )
            if column in held or column in texts:
                option = "hold" if column in held else "text_columns"
                raise ValueError(
                    f"A column can be in `groups` or in `{option}`; not in both: {column!r}."
                )
            owner[column] = group
        groups[group] = members
    return groups


def _with_named_bins(
    columns: Sequence[Hashable], is_array: bool, options: TableOptions
) -> TableOptions:
    """Name the columns whose bins the user chose; these may be given by their positions."""
    if options.cuts is not None:
        named = _by_name("cuts", options.cuts, columns, is_array)
        cuts = {column: cuts_in(given) for column, given in named.items()}
        options = replace(options, cuts=cuts)
    if isinstance(options.n_bins, Mapping):
        n_bins = _by_name("n_bins", options.n_bins, columns, is_array)
        both = [column for column in n_bins if column in (options.cuts or {})]
        if both:
            raise ValueError(
                "`cuts` and `n_bins` must be of different columns, as cuts give the number of "
                f"bins; both name {checks.some(both, 20)}."
            )
        options = replace(options, n_bins=n_bins)
    return options


def _by_name(
    name: str, value: Mapping[Hashable, Any], columns: Sequence[Hashable], is_array: bool
) -> dict[Hashable, Any]:
    """Return an option by the names of columns."""
    found: dict[Hashable, Any] = {}
    for given, column in _found(name, value, columns, is_array).items():
        if column in found:
            raise ValueError(
                f"`{name}` must name each column once; {column!r} is also at position {given!r}."
            )
        found[column] = value[given]
    return found


def _found(
    name: str, value: Any, columns: Sequence[Hashable], is_array: bool
) -> dict[Hashable, Hashable]:
    """Return the columns that an option names, or of an array gives by their positions."""
    single = isinstance(value, tuple) and value in columns  # the name of a column of two levels
    positions = dict(enumerate(columns))
    found: dict[Hashable, Hashable] = {}
    for given in [value] if single else names_in(value):
        if given in columns:
            found[given] = given
        elif is_array and given in positions:
            found[given] = positions[given]
        else:
            rule = f"positions up to {len(columns) - 1}, or names" if is_array else "columns of `x`"
            raise ValueError(
                f"`{name}` must be {rule}: {checks.some(columns, 20)}; not {given!r:.80}."
            )
    return found


def _names_of_codes(names: Any) -> dict[Hashable, str]:
    """Return the names of codes: from a mapping, or a list in which a code is a position."""
    if names is None:
        return {}
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
    return {code: str(text) for code, text in pairs}


def check_bins(columns: Sequence[Column], options: TableOptions) -> None:
    """
    Raise if bins are chosen for columns that have none.

    Parameters
    ----------
    columns
        What was learnt of the training data.
    options
        What the user said, with bins by the names of columns.

    Raises
    ------
    ValueError
        If a column is neither of numbers nor of dates that are drawn.
    """
    chosen = {"cuts": options.cuts, "n_bins": options.n_bins}
    for name, of in chosen.items():
        if not isinstance(of, Mapping):
            continue
        for column in map(alone, columns):
            if column.name in of and not isinstance(column, Numbers):
                raise ValueError(
                    f"`{name}` must be of columns of numbers, or of dates that are drawn; "
                    f"{column.name!r} {_what_it_is(column)}."
                )


def _what_it_is(column: Column) -> str:
    """Describe a column without bins."""
    if isinstance(column, Held):
        return "is held"
    if column.feature_type == "text":
        return "has texts"
    if isinstance(column, Codes):
        return "has codes, which are levels"
    if column.feature_type == "logical":
        return "has logicals"
    if column.feature_type == "constant":
        return "does not vary"
    if isinstance(column, Kept):
        return 'has dates that are kept, or all equal (`dates="draw"` draws them)'
    return "has levels"


def warn_of_columns(frame: pd.DataFrame, columns: Sequence[Column], dates: str | None) -> None:
    """
    Warn once of columns that say little as levels, and of dates that are held.

    Parameters
    ----------
    frame
        The training data.
    columns
        What was learnt of it.
    dates
        What the user said of dates.

    Raises
    ------
    ValueError
        If nothing is left beside what is held.
    """
    different = {
        column.name: frame.iloc[:, position]
        for position, column in enumerate(columns)
        if not isinstance(column, Codes) and _mostly_differs(column, frame.iloc[:, position])
    }
    wordy = [name for name, values in different.items() if _has_words(values)]
    kept = [
        column.name
        for column in columns
        if isinstance(column, Kept) and column.feature_type == "date_time"
    ]
    if all(isinstance(column, Held) or column.name in kept for column in columns):
        raise ValueError(
            f"The columns of `x` are all held at the case's value: "
            f'{_listed([column.name for column in columns])}. `dates="draw"` explains dates.'
        )
    parts = []
    if different:
        others = [name for name in different if name not in wordy]
        cures = []
        if wordy:
            cures.append(
                f"`text_columns={wordy!r}` explains them word by word, and stores nothing."
            )
        if others:
            cures.append(f"`hold={others!r}` keeps each case's value and stores nothing.")
        parts.append(
            f"Most values of {_listed([*different])} differ, as in identifiers or free text. They "
            "are explained as levels, which says little, and the explainer keeps them, which may "
            f"matter for privacy. {' '.join(cures)}"
        )
    if kept and dates is None:
        parts.append(
            f"Dates are kept at the case's value, so they are never explained: {_listed(kept)}. "
            '`dates="draw"` draws and compares them in bins; `dates="hold"` keeps them without '
            "this warning."
        )
    if parts:
        checks.warn(" ".join(parts))


def _mostly_differs(column: Column, values: pd.Series) -> bool:
    """Whether a column of levels identifies its rows."""
    if not isinstance(column, Levels) or len(values) < _MANY:
        return False
    n = int(values.notna().sum())
    distinct = np.count_nonzero(np.diff(column.cumulative[:-1], prepend=0.0))
    return n >= _MANY and bool(distinct > _MOST_DIFFERENT * n)


def _has_words(values: pd.Series) -> bool:
    """Whether the strings of a column have three words and more on average."""
    some = [value for value in values.dropna().head(_MOST_READ) if isinstance(value, str)]
    return bool(some) and sum(len(default_tokenize(one)) for one in some) >= _WORDY * len(some)


def _listed(names: Sequence[Hashable]) -> str:
    return checks.some(names, 20, str)
