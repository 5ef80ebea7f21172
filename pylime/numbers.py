"""Numbers as text, the way R writes them."""

from collections.abc import Iterable

import numpy as np

__all__ = ["format_numbers"]


def format_numbers(values: Iterable[float] | np.ndarray, digits: int) -> list[str]:
    """
    Write numbers as R's `format(values, digits)` does: with a common number of decimals.

    The number that needs most decimals for `digits` significant digits sets how many all of
    them get, without trailing zeros common to all. If scientific notation is shorter, all of
    them get that.

    Parameters
    ----------
    values
        Numbers.
    digits
        Significant digits, at least 1.

    Returns
    -------
    list of str
        One text per number, without padding.

    Examples
    --------
    >>> format_numbers([0.72, 0.0781], 2)
    ['0.720', '0.078']
    >>> format_numbers([1.2e-8], 2)
    ['1.2e-08']
    """
    numbers = [float(value) for value in values]
    finite = [number for number in numbers if np.isfinite(number)]
    parts = [_significant(number, digits) for number in finite]
    decimals = max((max(len(m) - 1 - e, 0) for m, e in parts), default=0)
    mantissa = max((len(m) - 1 for m, _ in parts), default=0)
    fixed = [f"{number:.{decimals}f}" for number in finite]
    scientific = [f"{number:.{mantissa}e}" for number in finite]
    shorter = max(map(len, scientific), default=0) < max(map(len, fixed), default=0)
    texts = iter(scientific if shorter else fixed)
    return [next(texts) if np.isfinite(number) else _not_finite(number) for number in numbers]


def _significant(number: float, digits: int) -> tuple[str, int]:
    """Find the significant digits without trailing zeros, and the decimal exponent."""
    mantissa, exponent = f"{abs(number):.{digits - 1}e}".split("e")
    return mantissa.replace(".", "").rstrip("0") or "0", int(exponent)


def _not_finite(number: float) -> str:
    return "NaN" if np.isnan(number) else "Inf" if number > 0 else "-Inf"
