"""
What the weights of a surrogate are worth: intervals, contributions, effective rows.

All functions take row 0 of a design, a response or weights for the case itself. It is not one
of the draws that the other rows are, so that errors are estimated without it.
"""

from dataclasses import dataclass

import numpy as np

from pylime.parallel import few_threads
from pylime.surrogate.linear import DEPENDENT, Design, Moments, as_dense, independent_factor

__all__ = [
    "Intervals",
    "additive_r2",
    "contributions",
    "effective_n",
    "weight_intervals",
]

# Residuals below this share of the response are rounding error: the fit is perfect.
_PERFECT = 1e-13
_FEWEST_BLOCKS = 7


@dataclass(frozen=True)
class Intervals:
    """
    Confidence intervals of the weights of one surrogate.

    Attributes
    ----------
    weight
        (k,) weights of the unpenalised fit without the case.
    se
        (k,) standard errors, each the one behind the interval.
    lo, hi
        (k,) ends of the intervals. All four are missing for a column whose weight the rows do
        not determine.
    """

    weight: np.ndarray
    se: np.ndarray
    lo: np.ndarray
    hi: np.ndarray


def weight_intervals(
    design: Design,
    response: np.ndarray,
    weights: np.ndarray,
    *,
    level: float,
    n_candidates: int,
    blocks: bool = True,
) -> Intervals:
    """
    Estimate the weights of selected columns, with confidence intervals.

    Parameters
    ----------
    design
        (n, k) array or sparse matrix, the selected columns only; row 0 is the case itself, which
        is left out.
    response
        (n,) array.
    weights
        (n,) array, not negative.
    level
        Of the intervals, between 0 and 1.
    n_candidates
        From how many columns the k were selected.
    blocks
        Whether neighbouring rows are balanced draws, whose errors cancel. Independent draws need
        `False`: the smaller of two noisy standard errors is too small for them.

    Returns
    -------
    Intervals
        The weights that the unpenalised fit has in the limit of many rows lie inside with
        probability `level`.

    Notes
    -----
    The half-width is a normal quantile times the standard error HC1, which is robust to
    heteroscedastic errors and to a response that is not linear [White1980] [MacKinnon1985].
    With `blocks` it is at most a quantile of Student's t times a standard error that is clustered
    by 7 to 14 blocks of consecutive rows. Both quantiles are taken at the false coverage rate
    (1 - level) k / p of k intervals that were selected from p [Benjamini2005].

    Rows without weight count neither as rows nor as blocks. If the other weights differ so much
    that the rows are worth no more than k + 1 equally weighted ones (`effective_n`), nothing is
    known: all is missing. Columns that depend on each other share their weight, as in a ridge
    regression whose penalty goes to zero; the intervals are those of the shared weights.

    References
    ----------
    - [White1980] White (1980), Econometrica 48, 817-838.
    - [MacKinnon1985] MacKinnon and White (1985), Journal of Econometrics 29, 305-325.
    - [Benjamini2005] Benjamini and Yekutieli (2005), Journal of the American Statistical
      Association 100, 71-81.

    Examples
    --------
    >>> design = np.array([[1], [1], [1], [0], [0]])
    >>> response = np.array([9.0, 4.0, 2.0, 1.0, 1.0])
    >>> found = weight_intervals(design, response, np.ones(5), level=0.9, n_candidates=1)
    >>> found.weight.round(2), found.lo.round(2), found.hi.round(2)
    (array([2.]), array([0.36]), array([3.64]))
    """
    from scipy.special import ndtri, stdtrit

    n_columns = design.shape[1]
    unknown = Intervals(*np.full((4, n_columns), np.nan))
    weights = np.asarray(weights[1:], dtype=np.float64)
    n = int(np.count_nonzero(weights))
    # The second condition is the stricter one, but for rounding errors.
    if n <= n_columns + 1 or _kish(weights) <= (n_columns + 1) * (1 + 1e-9):
        return unknown
    # A row per column, since all sums are over the rows of the design.
    columns = np.array(as_dense(design[1:]).T, dtype=np.float64, order="C")
    with few_threads(n * n_columns**2):
        weight, scores, rank = _fit(columns, response[1:], weights / weights.sum())
    starts = _block_starts(len(weights))

    tail = (1 - level) * min(n_columns / n_candidates, 1.0) / 2
    se = np.sqrt(np.einsum("ij,ij->i", scores, scores) * (n / (n - rank - 1)))
    half = -ndtri(tail) * se
    m = _n_blocks(weights, starts)
    if blocks and m >= 2:
        sums = np.add.reduceat(scores, starts, axis=1)
        clustered = np.sqrt(np.square(sums).sum(axis=1) * (m / (m - 1)))
        narrower = -stdtrit(m - 1, tail) * clustered
        se = np.where(narrower < half, clustered, se)
        half = np.minimum(narrower, half)
    half[np.isnan(weight)] = se[np.isnan(weight)] = np.nan
    return Intervals(weight, se, weight - half, weight + half)


def _fit(
    columns: np.ndarray, response: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """
    Fit without a penalty.

    Parameters
    ----------
    columns
        (k, n) array, which is overwritten.
    response, weights
        (n,) arrays; the weights sum to 1.

    Returns
    -------
    tuple
        The (k,) weights, missing for columns that are constant; the (k, n) scores: how much
        each row moves each weight; and the rank of the columns.
    """
    mean = columns @ weights
    columns -= mean[:, None]
    weighted = columns * weights
    covariances = weighted @ columns.T
    scale = np.sqrt(np.diag(covariances))
    varies = scale > 1e-12 * np.abs(mean)  # else rounding errors
    scale = np.where(varies, scale, np.inf)
    values, vectors = np.linalg.eigh(covariances / scale / scale[:, None])
    kept = values > DEPENDENT
    # The pseudo-inverse of the correlations, so that no column's unit counts.
    vectors = vectors[:, kept] / scale[:, None]
    inverse = (vectors / values[kept]) @ vectors.T

    least = _PERFECT * np.abs(response[weights > 0]).max()
    response = response - weights @ response
    response[np.abs(response) <= least] = 0.0
    weight = inverse @ (weighted @ response)
    residual = response - weight @ columns
    residual[np.abs(residual) <= least] = 0.0
    weighted *= residual
    return np.where(varies, weight, np.nan), inverse @ weighted, int(np.count_nonzero(kept))


def _block_starts(n: int) -> np.ndarray:
    """Divide n rows into 7 to 14 blocks: nets of balanced draws have powers of two rows."""
    length = 2 ** max((n // _FEWEST_BLOCKS).bit_length() - 1, 0)
    return np.arange(0, n, length)


def _n_blocks(weights: np.ndarray, starts: np.ndarray) -> float:
    """Count the blocks of rows that have any weight; a shorter last one for less than 1."""
    sizes = np.diff(starts, append=len(weights))
    return float(sizes[np.add.reduceat(weights, starts) > 0].sum() / sizes[0])


def contributions(coefficients: np.ndarray, first: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """
    Compute what each feature contributes to the surrogate's prediction of the case.

    Parameters
    ----------
    coefficients
        (k,) weights of the surrogate.
    first
        (k,) values of the columns for the case.
    mean
        (k,) weighted means of the columns.

    Returns
    -------
    numpy.ndarray
        (k,) weight times the difference of value and mean. They sum to the prediction of the
        case minus the weighted mean of the surrogate. They are its exact Shapley values
        [Lundberg2017] [Strumbelj2014], if a feature that is left out takes its mean.

    References
    ----------
    - [Lundberg2017] Lundberg and Lee (2017), Advances in Neural Information Processing Systems
      30, 4765-4774.
    - [Strumbelj2014] Štrumbelj and Kononenko (2014), Knowledge and Information Systems 41,
      647-665.

    Examples
    --------
    >>> contributions(np.array([2.0, -1.0]), np.array([1.0, 1.0]), np.array([0.25, 0.5]))
    array([ 1.5, -0.5])
    """
    return coefficients * (first - mean)


def effective_n(weights: np.ndarray) -> float:
    """
    Count how many equally weighted rows would carry as much information.

    Parameters
    ----------
    weights
        (n,) array, not negative; the first is that of the case, which is left out.

    Returns
    -------
    float
        (Σw)² / Σw² [Kish1965]; 0 if all are zero.

    References
    ----------
    - [Kish1965] Kish (1965), Survey Sampling.

    Examples
    --------
    >>> effective_n(np.array([1.0, 0.5, 0.5, 0.5, 0.0]))
    3.0
    """
    return _kish(weights[1:])


def _kish(weights: np.ndarray) -> float:
    largest = weights.max(initial=0.0)
    if not largest > 0:
        return 0.0
    weights = weights / largest  # squares of tiny numbers are zero
    return float(weights.sum() ** 2 / np.square(weights).sum())


def additive_r2(moments: Moments, response: int) -> float:
    """
    Compute the weighted R² of the unpenalised fit on all columns.

    Parameters
    ----------
    moments
        Moments of the design and its responses.
    response
        Which response.

    Returns
    -------
    float
        Between 0 and 1; missing if the response is constant. Columns that depend on others add
        nothing.
    """
    from scipy.linalg import solve_triangular

    if moments.response_scale[response] == 0:
        return np.nan
    factor, kept = independent_factor(moments.gram)
    reached = solve_triangular(
        factor, moments.cross[kept, response], lower=True, check_finite=False
    )
    return min(float(reached @ reached), 1.0)
