"""
Neighbourhoods that are drawn instead of weighted.

With bins and levels the exponential kernel of the Euclidean distance is a product over the
columns: each column that leaves the case's bin or level costs the same factor. Permutations can
therefore be drawn with these weights, so that all of them count [Tan2023].

References
----------
- [Tan2023] Tan, Tian, Li (2023), GLIME: General, Stable and Local LIME Explanation, Advances in
  Neural Information Processing Systems 36.
"""

import numpy as np

from pylime.tabular.columns import Column, Value

__all__ = ["draw_in_neighbourhood", "tilted", "tilted_share"]

# What is left where a neighbourhood is so narrow that nothing is.
_LEAST = 2.0**-60


def tilted_share(share: float, width: float) -> float:
    """
    Return how often a column keeps the case's bin or level in a neighbourhood.

    Parameters
    ----------
    share
        How often it does without one.
    width
        Width of the kernel.

    Examples
    --------
    >>> round(tilted_share(0.25, width=1e9), 6), round(tilted_share(0.25, width=0.5), 2)
    (0.25, 0.71)
    """
    if not 0 < share < 1:
        return share
    return float(1.0 / (1.0 + (1.0 - share) / share * np.exp(-0.5 / width**2)))


def tilted(u: np.ndarray, low: float, high: float, width: float) -> np.ndarray:
    """
    Turn uniform numbers into numbers that are more often inside an interval.

    Parameters
    ----------
    u
        (n,) uniform numbers between 0 and 1.
    low, high
        The interval.
    width
        Width of the kernel.

    Returns
    -------
    numpy.ndarray
        (n,) numbers, uniform inside the interval and outside. They are inside with the probability
        of `tilted_share`.
    """
    share = high - low
    if not 0 < share < 1:
        return u
    chance = tilted_share(share, width)
    rest = (u - chance) * ((1.0 - share) / max(1.0 - chance, _LEAST))
    outside = np.where(rest < low, rest, rest + share)
    return np.where(u < chance, low + u * (share / chance), outside)


def draw_in_neighbourhood(
    column: Column, value: Value, width: float, u: np.ndarray, gaps: np.ndarray | None
) -> np.ndarray:
    """
    Turn uniform numbers into encoded values from the neighbourhood of a case.

    Parameters
    ----------
    column
        A column of bins or levels.
    value
        The case's value, encoded.
    width
        Width of the kernel.
    u, gaps
        As of `Column.draw_near`.
    """
    low, high = column.own_range(value)
    if gaps is None:
        return column.draw_near(value, tilted(u, low, high, width), None)
    if np.isnan(value):
        return column.draw_near(value, u, tilted(gaps, low, high, width))
    # One number decides between the case's bin, another bin and a missing value.
    inside = high - low
    share = (1.0 - column.missing) * inside
    chance = tilted_share(share, width)
    stays = gaps < chance
    others = np.maximum(gaps - chance, 0.0) / max(1.0 - chance, _LEAST)
    absent = ~stays & (others * (1.0 - share) < column.missing)
    rest = u * (1.0 - inside)
    outside = np.where(rest < low, rest, rest + inside)
    numbers = np.where(stays, low + u * inside, outside)
    return column.draw_near(value, numbers, np.where(absent, 0.0, 1.0))
