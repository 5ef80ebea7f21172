"""
Checks of arguments, and the messages that all of them share.

A check takes the name of an argument and its value, and raises unless the value fits. A
message names the argument, the rule and what was given instead. `pylime.checks.warn`
is the one place where the package warns.
"""

import difflib
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, fields
from functools import cache, partial
from itertools import islice
from typing import Annotated, Any, TypeAlias, TypeGuard, TypeVar, get_args, get_origin

import numpy as np

__all__ = [
    "INTERNAL",
    "among",
    "arguments_of",
    "at_least",
    "check_fields",
    "collected",
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
    """
    Raise unless a value is a whole number of at least 1, or another least number.

    Examples
    --------
    >>> count("window", 8)
    >>> count("window", 8.5)
    Traceback (most recent call last):
    TypeError: `window` must be a positive whole number; not 8.5.
    """
    rule = "a positive whole number" if least == 1 else f"a whole number of at least {least}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"`{name}` must be {rule}; not {value!r:.80}.")
    if value < least:
        raise ValueError(f"`{name}` must be {rule}; not {value}.")


def positive(name: str, value: object) -> None:
    """
    Raise unless a value is a positive, finite number.

    Examples
    --------
    >>> positive("width", 0.5)
    >>> positive("width", -1)
    Traceback (most recent call last):
    ValueError: `width` must be a positive number; not -1.
    """
    if not is_number(value) or not 0 < value < np.inf:
        raise ValueError(f"`{name}` must be a positive number; not {value!r:.80}.")


def not_negative(name: str, value: object) -> None:
    """Raise unless a value is 0 or a positive, finite number."""
    if not is_number(value) or not 0 <= value < np.inf:
        raise ValueError(f"`{name}` must be 0 or a positive number; not {value!r:.80}.")


def probability(name: str, value: object) -> None:
    """
    Raise unless a value lies between 0 and 1, without these.

    Examples
    --------
    >>> probability("p_remove", 0.5)
    >>> probability("p_remove", 1)
    Traceback (most recent call last):
    ValueError: `p_remove` must be a probability between 0 and 1; not 1.
    """
    if not is_number(value) or not 0 < value < 1:
        raise ValueError(f"`{name}` must be a probability between 0 and 1; not {value!r:.80}.")


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number, and not a logical."""
    numbers = int | float | np.integer | np.floating
    return isinstance(value, numbers) and not isinstance(value, bool | np.timedelta64)


def flag(name: str, value: object, *others: object) -> None:
    """
    Raise unless a value is True or False, or one of some others.

    Examples
    --------
    >>> flag("smooth", True)
    >>> flag("smooth", "yes")
    Traceback (most recent call last):
    TypeError: `smooth` must be True or False; not 'yes'.
    """
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
    flags = isinstance(value, bool)
    alike = [c for c in choices if isinstance(c, bool) == flags and isinstance(value, type(c))]
    if any(value == choice for choice in alike):
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

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("The series has 3 values; 8 are needed.")
    >>> str(caught[0].message)
    'The series has 3 values; 8 are needed.'
    """
    if (messages := _collecting.get()) is not None:
        messages.append(message if isinstance(message, Warning) else category(message))
        return
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_passed_through(frame.f_globals.get("__name__")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


# The list that warnings of this thread go to, where another line is to give them.
_collecting: ContextVar[list[Warning] | None] = ContextVar("collecting", default=None)


@contextmanager
def collected() -> Iterator[list[Warning]]:
    """
    Collect different warnings instead of giving them: those of this module and, in the main
    thread, of all others.

    Python's own way to record warnings changes all threads of a process.
    """
    messages: list[Warning] = []
    token = _collecting.set(messages)
    try:
        if threading.current_thread() is not threading.main_thread():
            yield messages
        else:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                yield messages
            given = [
                w.message if isinstance(w.message, Warning) else w.category(w.message)
                for w in caught
            ]
            messages += given
    finally:
        _collecting.reset(token)
    different = {(type(message), str(message)): message for message in messages}
    messages[:] = different.values()


def _is_passed_through(module: object) -> bool:
    return str(module).partition(".")[0] in _PASSED_THROUGH


def at_least(least: int) -> Check:
    """
    The check that a value is a whole number of at least `least`.

    Examples
    --------
    >>> check = at_least(2)
    >>> check("n_bins", 1)
    Traceback (most recent call last):
    ValueError: `n_bins` must be a whole number of at least 2; not 1.
    """
    return lambda name, value: count(name, value, least)


def flag_or(*others: object) -> Check:
    """The check that a value is True, False or one of some others."""
    return lambda name, value: flag(name, value, *others)


def among(*choices: object, beside: str = "") -> Check:
    """
    The check that a value is one of the choices.

    Examples
    --------
    >>> check = among("hold", "draw")
    >>> check("dates", "held")
    Traceback (most recent call last):
    ValueError: `dates` must be one of 'hold', 'draw'; not 'held'. Did you mean 'hold'?
    """
    return lambda name, value: one_of(name, value, choices, beside)


@cache
def _checks_of(kind: type) -> list[tuple[str, object, Check]]:
    """Name, default and check of each field of a dataclass that has one in its annotation."""
    annotations = _annotations_of(kind)
    return [
        (field.name, field.default, check)
        for field in fields(kind)
        for check in _checks_in(annotations[field.name])
    ]


def _annotations_of(kind: type) -> dict[str, Any]:
    """The annotations of a dataclass, also those that its module postpones."""
    annotations: dict[str, Any] = {}
    for parent in reversed(kind.__mro__):
        module = vars(sys.modules.get(parent.__module__, sys))
        for name, note in vars(parent).get("__annotations__", {}).items():
            if isinstance(note, str) and "Annotated" in note:
                try:
                    note = eval(note, dict(module))  # a part of the module's own code
                except Exception as error:
                    error.add_note(f"(in the annotation of {name!r} of {kind.__name__})")
                    raise
            annotations[name] = note
    return annotations


def _checks_in(annotation: Any) -> list[Check]:
    """The checks in an annotation; in a union with None, of all values but None."""
    if get_origin(annotation) is Annotated:
        notes: tuple[Any, ...] = get_args(annotation)[1:]
        found: list[Any] = [note for note in notes if callable(note)]
        return found
    checks = [check for part in get_args(annotation) for check in _checks_in(part)]
    return [partial(_unless_none, check) for check in checks]


def _unless_none(check: Check, name: str, value: object) -> None:
    if value is not None:
        check(name, value)


def check_fields(record: Any) -> None:
    """
    Check every field of a dataclass by the checks in its annotation.

    Parameters
    ----------
    record
        Of a dataclass whose fields are annotated as in `n_bins: Annotated[int, count] = 4`.
        A field that holds its default is right without a check. A field that a subclass
        declares anew has the checks of the new annotation only.

    Raises
    ------
    TypeError, ValueError
        As the checks do.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from typing import Annotated
    >>> @dataclass(frozen=True)
    ... class Options:
    ...     window: Annotated[int, count] = 8
    >>> check_fields(Options(window=0))
    Traceback (most recent call last):
    ValueError: `window` must be a positive whole number; not 0.
    """
    _check_values(type(record), vars(record))


def _check_values(kind: type, values: Mapping[str, object]) -> None:
    for name, default, check in _checks_of(kind):
        if name in values and values[name] is not default:
            check(name, values[name])


def arguments_of(kind: type) -> list[str]:
    """Names of the fields of a dataclass that are arguments of the user's."""
    return [option.name for option in fields(kind) if "internal" not in option.metadata]


def _without_default(kind: type) -> list[str]:
    options = fields(kind)
    return [o.name for o in options if o.default is MISSING and o.default_factory is MISSING]


# What the arguments of other libraries (Python's lime, shap, VisuaLIME) are called here: a name,
# what to write instead, or a sentence where there is nothing to write.
_FOREIGN = {
    "bow": "`in_place=True` of lime(), and for bow=False also `keep_word_position=True`",
    "categorical_features": "categorical",
    "categorical_names": "categorical",
    "char_level": '`tokenization="character"`, which takes single characters',
    "class_names": "as_classifier(model, labels=...)",
    "classifier_fn": "`model` of lime(): the model itself, or a function in as_classifier()",
    "data_row": "`x`, the first argument of explain()",
    "discretize_continuous": "bin_continuous",
    "discretizer": "`n_bins`, `quantile_bins` or `cuts` of lime()",
    "distance_metric": "dist_fun",
    "feature_names": "a data frame as `x`, whose columns have names",
    "feature_selection": "feature_select",
    "hide_color": "background",
    "image": "`x`, the first argument of explain()",
    "kernel": "Tables take `kernel_width`, and a function as `dist_fun`; texts and images have the "
    "cosine, as in R.",
    "kernel_width": "Texts and images have no kernel: their similarity is the cosine, as in R.",
    "mask_string": "replacement",
    "max_evals": "n_permutations",
    "mode": "as_classifier(model) or as_regressor(model)",
    "model_regressor": "The local model is a ridge regression, as in R; `penalty` of explain() is "
    "its λ.",
    "nsamples": "n_permutations",
    "num_features": "n_features",
    "num_of_samples": "n_permutations",
    "num_samples": "n_permutations",
    "num_segments": "n_superpixels",
    "predict_fn": "`model` of lime(): the model itself, or a function in as_classifier()",
    "progress_bar": "progress",
    "random_seed": "random_state",
    "sample_around_instance": '`sampling="kernel"` of explain()',
    "segmentation_fn": "segmentation",
    "segmentation_method": "segmentation",
    "split_expression": "tokenization",
    "text_instance": "`x`, the first argument of explain()",
    "top_labels": "n_labels",
    "training_data": "`x`, the first argument of lime()",
    "training_data_stats": "An explainer keeps only statistics of the training data already.",
    "training_labels": "Bins do not depend on the labels.",
    "verbose": "the columns `model_intercept`, `model_prediction` and `model_r2` of the frame",
}


def make_options(
    kind: type[Options],
    options: Mapping[str, object],
    where: str,
    shared: Iterable[str] = (),
    elsewhere: Callable[[], Mapping[str, Iterable[str]]] = dict,
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
        Returns the names of arguments that other places take, by the place; for an error only.

    Raises
    ------
    TypeError
        If an option does not exist; the error names the nearest that does, or the place that
        takes it.
    """
    known = arguments_of(kind)
    for name in options:
        if name not in known:
            hint = _right_argument(name, [*known, *shared], elsewhere())
            listed = ", ".join(known) or "none"
            raise TypeError(
                f"{where} has no option {name!r}. {hint}Beside the named "
                f"arguments it takes: {listed}."
            )
    missing = [name for name in _without_default(kind) if name not in options]
    if missing:
        raise TypeError(f"{where} needs the option {some(missing)}.")
    _check_values(kind, options)
    return kind(**options)


def _right_argument(name: str, known: Sequence[str], elsewhere: Mapping[str, Iterable[str]]) -> str:
    """What to write instead of an argument that does not exist."""
    for place, arguments in elsewhere.items():
        if name in arguments:
            return f"`{name}` is an argument of {place}. "
    foreign = _FOREIGN.get(name, "")
    if foreign.endswith("."):
        return f"{foreign} "
    places = {argument: place for place, names in elsewhere.items() for argument in names}
    if foreign and " " not in foreign and foreign not in (*known, *places):
        return f"pylime calls it `{foreign}`, an argument for another kind of input. "
    if foreign:
        where = f" of {places[foreign]}" if foreign in places and foreign not in known else ""
        return f"Use {foreign if ' ' in foreign else f'`{foreign}`'}{where}. "
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {near[0]!r}? "
    near = difflib.get_close_matches(name, places, n=1)
    return f"Did you mean {near[0]!r} of {places[near[0]]}? " if near else ""
