"""Checks of arguments that several kinds of input share."""

from typing import Any

import numpy as np

__all__ = ["check_count", "check_positive"]


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
