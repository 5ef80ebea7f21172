"""Checks of arguments that several kinds of input share."""

import difflib
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

__all__ = ["check_count", "check_positive", "check_running", "make_options", "users_level"]


def check_count(name: str, value: Any) -> None:
    """Raise unless a value is a positive whole number."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"`{name}` must be a positive whole number; not {value!r}.")
    if value < 1:
        raise ValueError(f"`{name}` must be a positive whole number; not {value}.")


def check_positive(name: str, value: Any) -> None:
    """Raise unless a value is a positive, finite number."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 < value < np.inf:
        raise ValueError(f"`{name}` must be a positive number; not {value!r}.")


def users_level() -> int:
    """How many calls up the user's own code is, for the `stacklevel` of a warning."""
    level, frame = 0, sys._getframe()
    while frame and frame.f_globals.get("__name__", "").split(".")[0] in ("pylime", "functools"):
        level, frame = level + 1, frame.f_back
    return level


def make_options(kind: type, options: Mapping[str, Any], where: str) -> Any:
    """
    Put keyword arguments into a record of options.

    Parameters
    ----------
    kind
        A dataclass; it checks its values itself.
    options
        What the user gave.
    where
        How to call the place in an error.

    Raises
    ------
    TypeError
        If an option does not exist; the error lists those that do.
    """
    known = [option.name for option in fields(kind)]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise TypeError(
                f"{where} has no option {name!r}."
                + (f" Did you mean {near[0]!r}?" if near else "")
                + f" It takes: {', '.join(known) or 'none'}."
            )
    return kind(**options)


def check_running(n_jobs: Any, progress: Any, predict_options: Any) -> None:
    """Raise unless the arguments on how to run make sense."""
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0:
        raise ValueError(
            f"`n_jobs` must be a number of jobs, or negative as in joblib; not {n_jobs!r}."
        )
    if progress is not None and not isinstance(progress, bool | np.bool_):
        raise TypeError(f"`progress` must be True, False or None; not {progress!r}.")
    if predict_options is not None and not isinstance(predict_options, Mapping):
        raise TypeError(f"`predict_options` must be a mapping; not {predict_options!r:.80}.")
