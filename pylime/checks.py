"""
Checks of arguments, and the messages that all of them share.

A check takes the name of an argument and its value, and raises unless the value fits. A
message names the argument, the rule and what was given instead. `pylime.checks.warn`
is the one place where the package warns.
"""

import difflib
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import Annotated, Any, TypeAlias, TypeVar, get_args, get_origin

import numpy as np

__all__ = [
    "INTERNAL",
    "among",
    "arguments_of",
    "at_least",
    "check_fields",
    "count",
    "flag",
    "flag_or",
    "function",
    "is_number",
    "make_options",
    "mapping",
    "not_negative",
    "one_of",
    "positive",
    "probability",
    "some",
    "text",
    "warn",
]

Options = TypeVar("Options")
Check: TypeAlias = Callable[[str, object], None]

INTERNAL: Mapping[str, bool] = {"internal": True}
"""Metadata of a dataclass' field that is not an argument of the user's."""

# Modules whose functions stand between the package and the line that calls it.
_PASSED_THROUGH = frozenset(["pylime", "functools", "contextlib"])


def count(name: str, value: object, least: int = 1) -> None:
    """Raise unless a value is a whole number of at least 1, or another least number."""
    rule = "a positive whole number" if least == 1 else f"a whole number of at least {least}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"`{name}` must be {rule}; not {value!r:.80}.")
    if value < least:
        raise ValueError(f"`{name}` must be {rule}; not {value}.")


def positive(name: str, value: object) -> None:
    """Raise unless a value is a positive, finite number."""
    if not is_number(value) or not 0 < value < np.inf:  # type: ignore[operator]
        raise ValueError(f"`{name}` must be a positive number; not {value!r:.80}.")


def not_negative(name: str, value: object) -> None:
    """Raise unless a value is 0 or a positive, finite number."""
    if not is_number(value) or not 0 <= value < np.inf:  # type: ignore[operator]
        raise ValueError(f"`{name}` must be 0 or a positive number; not {value!r:.80}.")


def probability(name: str, value: object) -> None:
    """Raise unless a value lies between 0 and 1, without these."""
    if not is_number(value) or not 0 < value < 1:  # type: ignore[operator]
        raise ValueError(f"`{name}` must be a probability between 0 and 1; not {value!r:.80}.")


def is_number(value: object) -> bool:
    """Whether a value is a number, and not a logical."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def flag(name: str, value: object, *others: object) -> None:
    """Raise unless a value is True or False, or one of some others."""
    if isinstance(value, bool | np.bool_) or any(value is other for other in others):
        return
    *first, last = map(repr, (True, False, *others))
    raise TypeError(f"`{name}` must be {', '.join(first)} or {last}; not {value!r:.80}.")


def text(name: str, value: object) -> None:
    """Raise unless a value is a string."""
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be a string; not {value!r:.80}.")


def function(name: str, value: object, what: str) -> None:
    """Raise unless a value can be called; `what` describes the function that is wanted."""
    if not callable(value):
        raise TypeError(f"`{name}` must be {what}; not {value!r:.80}.")


def mapping(name: str, value: object) -> None:
    """Raise unless a value is a mapping."""
    if not isinstance(value, Mapping):
        raise TypeError(f"`{name}` must be a mapping; not {value!r:.80}.")


def one_of(name: str, value: object, choices: Iterable[object], beside: str = "") -> None:
    """
    Raise a ValueError unless a value is among the choices.

    Parameters
    ----------
    name
        The argument's.
    value
        What was given.
    choices
        What it can be.
    beside
        What else it can be, in words, such as `"a function"`.

    Examples
    --------
    >>> one_of("display", "heat", ["outline", "block"])
    Traceback (most recent call last):
    ValueError: `display` must be one of 'outline', 'block'; not 'heat'.
    """
    choices = list(choices)
    if any(isinstance(value, type(choice)) and value == choice for choice in choices):
        return
    listed = some(choices, len(choices))
    rule = f"{beside} or one of {listed}" if beside else f"one of {listed}"
    near = difflib.get_close_matches(str(value), map(str, choices), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"`{name}` must be {rule}; not {value!r:.80}.{hint}")


def some(values: Iterable[object], most: int = 10, form: Callable[[object], str] = repr) -> str:
    """
    List the first of some values.

    Parameters
    ----------
    values
        Anything that prints.
    most
        How many to list.
    form
        How to write one.

    Examples
    --------
    >>> some(["a", "b", "c"], 2)
    "'a', 'b', ..."
    """
    listed = [form(value) for value in islice(values, most + 1)]
    return ", ".join([*listed[:most], *["..." for _ in listed[most:]]])


def warn(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """
    Warn at the line of the user's own code that led here.

    Parameters
    ----------
    message
        What is misleading, with its numbers, and the cure.
    category
        The class of the warning, where `message` is a string.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_passed_through(frame.f_globals.get("__name__")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_passed_through(module: object) -> bool:
    return str(module).partition(".")[0] in _PASSED_THROUGH


def at_least(least: int) -> Check:
    """The check that a value is a whole number of at least `least`."""
    return lambda name, value: count(name, value, least)


def flag_or(*others: object) -> Check:
    """The check that a value is True, False or one of some others."""
    return lambda name, value: flag(name, value, *others)


def among(*choices: object, beside: str = "") -> Check:
    """The check that a value is one of the choices."""
    return lambda name, value: one_of(name, value, choices, beside)


@cache
def _checks_of(kind: type) -> list[tuple[str, object, Check]]:
    """Name, default and check of each field of a dataclass that has one in its annotation."""
    annotations = {
        name: note
        for parent in reversed(kind.__mro__)
        for name, note in getattr(parent, "__annotations__", {}).items()
    }
    return [
        (field.name, field.default, check)
        for field in fields(kind)
        if get_origin(annotations[field.name]) is Annotated
        for check in get_args(annotations[field.name])[1:]
    ]


def check_fields(record: Any) -> None:
    """
    Check every field of a dataclass by the checks in its annotation.

    Parameters
    ----------
    record
        Of a dataclass whose fields are annotated as in `n_bins: Annotated[int, count] = 4`.
        A field that holds its default is right without a check.

    Raises
    ------
    TypeError, ValueError
        As the checks do.
    """
    for name, default, check in _checks_of(type(record)):
        value = getattr(record, name)
        if value is not default:
            check(name, value)


def arguments_of(kind: type) -> list[str]:
    """Names of the fields of a dataclass that are arguments of the user's."""
    return [option.name for option in fields(kind) if "internal" not in option.metadata]


# What the arguments of other libraries (Python's lime, shap, VisuaLIME) are called here.
_FOREIGN = {
    "bow": "keep_word_position",
    "categorical_features": "categorical",
    "categorical_names": "categorical",
    "class_names": "as_classifier(model, labels=...)",
    "discretize_continuous": "bin_continuous",
    "discretizer": "bin_continuous",
    "distance_metric": "dist_fun",
    "feature_names": "a data frame as `x`, whose columns have names",
    "feature_selection": "feature_select",
    "hide_color": "background",
    "mask_string": "replacement",
    "max_evals": "n_permutations",
    "nsamples": "n_permutations",
    "num_features": "n_features",
    "num_of_samples": "n_permutations",
    "num_samples": "n_permutations",
    "num_segments": "n_superpixels",
    "progress_bar": "progress",
    "random_seed": "random_state",
    "segmentation_fn": "segmentation",
    "segmentation_method": "segmentation",
    "split_expression": "tokenization",
    "top_labels": "n_labels",
}


def make_options(
    kind: Callable[..., Options],
    options: Mapping[str, object],
    where: str,
    shared: Iterable[str] = (),
    elsewhere: Mapping[str, Iterable[str]] = MappingProxyType({}),
) -> Options:
    """
    Put keyword arguments into a record of options, and check it.

    Parameters
    ----------
    kind
        A dataclass whose fields `check_fields` checks.
    options
        What the user gave.
    where
        How to call the place in an error.
    shared
        Names of further arguments that the place takes.
    elsewhere
        Names of arguments that other places take, by the place.

    Raises
    ------
    TypeError
        If an option does not exist; the error names the nearest that does, or the place that
        takes it.
    """
    known = arguments_of(kind)  # type: ignore[arg-type]
    for name in options:
        if name not in known:
            hint = _right_argument(name, [*known, *shared], elsewhere)
            listed = ", ".join(known) or "none"
            raise TypeError(f"{where} has no option {name!r}. {hint}It takes: {listed}.")
    record = kind(**options)
    check_fields(record)
    return record


def _right_argument(name: str, known: Sequence[str], elsewhere: Mapping[str, Iterable[str]]) -> str:
    """What to write instead of an argument that does not exist."""
    for place, arguments in elsewhere.items():
        if name in arguments:
            return f"`{name}` is an argument of {place}. "
    foreign = _FOREIGN.get(name, "")
    places = {argument: place for place, names in elsewhere.items() for argument in names}
    if foreign:
        where = f" of {places[foreign]}" if foreign in places and foreign not in known else ""
        return f"Use {foreign if ' ' in foreign else f'`{foreign}`'}{where}. "
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {near[0]!r}? "
    near = difflib.get_close_matches(name, places, n=1)
    return f"Did you mean {near[0]!r} of {places[near[0]]}? " if near else ""
