"""The intervals of weights in plots, and which of them include 0."""

import numpy as np
import pandas as pd

__all__ = ["POSSIBLY_NO_EFFECT", "has_intervals", "includes_zero", "interval_ends", "striped_key"]

POSSIBLY_NO_EFFECT = "possibly no effect"
"""What plots call a feature whose interval includes 0."""


def striped_key(look: str = "striped") -> str:
    """
    Write the entry of a plot's key for the features whose interval includes 0.

    Such features look alike in all plots: they are paler by stripes. A paler colour alone
    would be that of a smaller weight, however certain.

    Parameters
    ----------
    look
        What marks them.

    Returns
    -------
    str
        A line for the key.

    Examples
    --------
    >>> striped_key()
    "striped: possibly no effect (the weight's interval includes 0)"
    """
    return f"{look}: {POSSIBLY_NO_EFFECT} (the weight's interval includes 0)"


def has_intervals(explanation: pd.DataFrame) -> bool:
    """
    Whether an explanation has intervals of its weights.

    Parameters
    ----------
    explanation
        From `pylime.explain`, with or without `intervals`.

    Returns
    -------
    bool
        True if it has the columns, even if all their values are missing.
    """
    return "feature_lo" in explanation and "feature_hi" in explanation


def interval_ends(explanation: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the lower and upper ends of all intervals.

    Parameters
    ----------
    explanation
        From `pylime.explain`, with or without `intervals`.

    Returns
    -------
    lo, hi : numpy.ndarray
        (n,) arrays of float in units of the weight, both NaN where an end is missing.

    Examples
    --------
    >>> interval_ends(pd.DataFrame({"feature_lo": [0.1, None], "feature_hi": [0.3, 0.2]}))
    (array([0.1, nan]), array([0.3, nan]))
    """
    if not has_intervals(explanation):
        missing = np.full(len(explanation), np.nan)
        return missing, missing.copy()
    lo, hi = (
        explanation[name].to_numpy(dtype=float, na_value=np.nan)
        for name in ("feature_lo", "feature_hi")
    )
    known = ~(np.isnan(lo) | np.isnan(hi))
    return np.where(known, lo, np.nan), np.where(known, hi, np.nan)


def includes_zero(explanation: pd.DataFrame) -> np.ndarray:
    """
    Find the features that possibly have no effect.

    Parameters
    ----------
    explanation
        From `pylime.explain`, with or without `intervals`.

    Returns
    -------
    numpy.ndarray
        (n,) array of bool, true where the interval includes 0. A missing interval is unknown,
        so that such a feature is drawn as one without an interval: false.

    Examples
    --------
    >>> table = pd.DataFrame({"feature_lo": [0.1, -0.1, None], "feature_hi": [0.3, 0.2, 0.2]})
    >>> includes_zero(table)
    array([False,  True, False])
    """
    lo, hi = interval_ends(explanation)
    return (lo <= 0) & (hi >= 0)
