"""How far to trust a surrogate model, as far as its permutations show it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pylime.surrogate.fit import AnyDesign, Surrogate, as_design, varying_columns
from pylime.surrogate.intervals import Intervals, additive_r2, weight_intervals
from pylime.surrogate.linear import Design, as_dense, weighted_moments
from pylime.surrogate.resampling import fresh_r2, selection_frequencies
from pylime.surrogate.selection import WIDE, FeatureSelect, effective_method

__all__ = [
    "Assessment",
    "assess",
    "assess_exact",
    "intervals_of",
    "margin_of",
    "share_of_patterns",
    "share_within",
]


@dataclass(frozen=True, eq=False)
class Assessment:
    """
    What is known of a surrogate model beside its fit.

    Attributes
    ----------
    intervals
        Intervals of the weights.
    frequencies
        For each feature, in what share of further runs it would be selected; NaN if unknown.
    fresh_r2
        Weighted R² for permutations that the model was not fitted to; NaN if unknown.
    additive_r2
        R² of an unpenalised fit to all columns; NaN if unknown.
    """

    intervals: Intervals
    frequencies: np.ndarray
    fresh_r2: float = np.nan
    additive_r2: float = np.nan


def margin_of(intervals: Intervals, scale: np.ndarray) -> float:
    """
    Return the largest half-width of intervals, as a share of the largest weight.

    Parameters
    ----------
    intervals
        Intervals of k weights.
    scale
        (k,) what makes the weights comparable.

    Returns
    -------
    float
        0 if all is 0, NaN if an interval is missing.
    """
    half_width = float(np.max((intervals.hi - intervals.lo) / 2 * scale))
    largest = float(np.max(np.abs(intervals.weight) * scale))
    if half_width == 0.0:
        return 0.0
    return half_width / largest if largest > 0 else np.nan


def intervals_of(
    design: AnyDesign,
    responses: np.ndarray,
    weights: np.ndarray,
    surrogates: Sequence[Surrogate],
    *,
    level: float,
    blocks: bool,
) -> list[Intervals]:
    """
    Compute intervals of the weights of surrogate models.

    Parameters
    ----------
    design, responses, weights, surrogates, level, blocks
        As in `assess`.

    Returns
    -------
    list of Intervals
        One per surrogate.
    """
    matrix, chosen = _varying(design, surrogates)
    return _intervals(matrix, responses, weights, chosen, level, blocks)


def _varying(design: AnyDesign, surrogates: Sequence[Surrogate]) -> tuple[Design, list[list[int]]]:
    """Return the columns that vary, and which of these each surrogate has."""
    matrix = as_design(design)
    varying = varying_columns(matrix)
    if len(varying) < matrix.shape[1]:
        matrix = matrix[:, varying]
    place = {int(column): position for position, column in enumerate(varying)}
    return matrix, [[place[column] for column in fit.columns] for fit in surrogates]


def _intervals(
    matrix: Design,
    responses: np.ndarray,
    weights: np.ndarray,
    chosen: Sequence[list[int]],
    level: float,
    blocks: bool,
) -> list[Intervals]:
    return [
        weight_intervals(
            matrix[:, columns],
            responses[:, k],
            weights,
            level=level,
            n_candidates=matrix.shape[1],
            blocks=blocks,
        )
        for k, columns in enumerate(chosen)
    ]


def assess(
    design: AnyDesign,
    responses: np.ndarray,
    weights: np.ndarray,
    surrogates: Sequence[Surrogate],
    *,
    level: float,
    blocks: bool,
    n_features: int,
    feature_select: FeatureSelect,
    penalty: float | None,
    in_depth: bool,
) -> list[Assessment]:
    """
    Assess surrogate models by the permutations that they were fitted to.

    Parameters
    ----------
    design, weights, n_features, feature_select, penalty
        As in `pylime.surrogate.fit_labels`.
    responses
        (n, k) array, a column for each of the surrogates.
    surrogates
        The k surrogate models.
    level
        Level of the intervals.
    blocks
        Whether the errors of neighbouring rows can cancel, as of balanced draws.
    in_depth
        Whether to compute R² of other fits, too.

    Returns
    -------
    list of Assessment
        One per surrogate.
    """
    matrix, chosen = _varying(design, surrogates)
    intervals = _intervals(matrix, responses, weights, chosen, level, blocks)
    n_columns = matrix.shape[1]
    method = effective_method(feature_select, n_features, n_columns)
    frequencies = selection_frequencies(
        matrix, responses, weights, chosen, method=method, n_features=n_features, seed=0
    )
    if not in_depth:
        return [Assessment(*found) for found in zip(intervals, frequencies, strict=True)]
    fresh = fresh_r2(
        matrix, responses, weights, method=method, n_features=n_features, penalty=penalty
    )
    if n_columns > WIDE:  # the moments of all columns would take too much memory
        additive = [np.nan] * len(surrogates)
    else:
        moments = weighted_moments(matrix, responses, weights)
        additive = [additive_r2(moments, k) for k in range(len(surrogates))]
    return [
        Assessment(intervals[k], frequencies[k], float(fresh[k]), additive[k])
        for k in range(len(surrogates))
    ]


def assess_exact(
    design: AnyDesign, responses: np.ndarray, weights: np.ndarray, surrogates: Sequence[Surrogate]
) -> list[Assessment]:
    """
    Assess surrogate models that are fitted to all permutations there are.

    Parameters
    ----------
    design, responses, weights, surrogates
        As in `assess`.

    Returns
    -------
    list of Assessment
        One per surrogate. Any other run is the same: intervals are points, all features are
        selected again, and R² of fresh permutations is that of these.
    """
    matrix, chosen = _varying(design, surrogates)
    moments = weighted_moments(matrix, responses, weights)
    return [
        Assessment(
            Intervals(fit.coefficients, np.zeros(len(columns)), fit.coefficients, fit.coefficients),
            np.ones(len(columns)),
            fit.r2,
            additive_r2(moments, k),
        )
        for k, (fit, columns) in enumerate(zip(surrogates, chosen, strict=True))
    ]


def share_of_patterns(design: AnyDesign, responses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """
    Compute the share of a response's variance among rows with the same row of the design.

    Parameters
    ----------
    design
        (n, p) array or sparse matrix of all permutations there are.
    responses
        (n, k) array of responses.
    weights
        (n,) array of weights.

    Returns
    -------
    numpy.ndarray
        (k,) shares between 0 and 1; 0 if no two rows of the design are equal.
    """
    patterns, pattern = np.unique(as_dense(as_design(design)), axis=0, return_inverse=True)
    if len(patterns) == len(responses):
        return np.zeros(responses.shape[1])
    pattern = pattern.ravel()
    total = np.bincount(pattern, weights)
    shares = weights / weights.sum()
    within, variance = np.zeros((2, responses.shape[1]))
    for k, response in enumerate(responses.T):
        sums = np.bincount(pattern, weights * response)
        mean = np.divide(sums, total, out=np.zeros_like(total), where=total > 0)
        within[k] = shares @ np.square(response - mean[pattern])
        variance[k] = shares @ np.square(response - shares @ response)
    return np.clip(np.divide(within, variance, out=np.zeros_like(within), where=variance > 0), 0, 1)


def share_within(responses: np.ndarray, redrawn: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """
    Estimate the share of a response's variance among inputs with the same row of the design.

    Parameters
    ----------
    responses
        (n, k) array of responses.
    redrawn
        (m, k) array, m < n: responses to inputs that have the same rows of the design as the
        permutations 1 to m, but are drawn independently of these.
    weights
        (n,) array of weights.

    Returns
    -------
    numpy.ndarray
        (k,) shares between 0 and 1: half the mean square of the differences, over the variance.
    """
    m = len(redrawn)
    pairs = weights[1 : m + 1] / weights[1 : m + 1].sum()
    within = pairs @ np.square(responses[1 : m + 1] - redrawn) / 2
    shares = weights / weights.sum()
    variance = shares @ np.square(responses - shares @ responses)
    return np.clip(np.divide(within, variance, out=np.zeros_like(within), where=variance > 0), 0, 1)
