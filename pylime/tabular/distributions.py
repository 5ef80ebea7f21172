"""
Distributions of the columns of a table: bins, densities, and their quantiles.

The results equal those of R's `quantile()`, `cut()` and `density()`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = [
    "Density",
    "Normal",
    "Pieces",
    "bin_shares",
    "density",
    "density_pieces",
    "equal_cuts",
    "follow",
    "levels_at",
    "make_pieces",
    "normal",
    "quantile_cuts",
    "quantiles",
]


class Density(NamedTuple):
    """A kernel density estimate: its grid, the densities there, and the bandwidth."""

    x: np.ndarray
    y: np.ndarray
    bw: float


class Normal(NamedTuple):
    """A normal distribution."""

    mean: float
    sd: float


# Numbers that repeat are drawn as often as they occur, if at most so many differ.
_MOST_COUNTED = 1000
# Into how many parts of even counts others are divided.
_N_PARTS = 64


@dataclass(frozen=True, eq=False)
class Pieces:
    """
    A distribution that is uniform on each of several intervals, prepared for its quantiles.

    Attributes
    ----------
    shares
        Cumulative shares at the ends of the intervals, from 0 to 1. Between two intervals that
        do not touch, a share stands twice.
    values
        The ends themselves. Those of an interval are equal where it is a single number.
    """

    shares: np.ndarray
    values: np.ndarray


def equal_cuts(low: float, high: float, n_bins: int) -> np.ndarray:
    """Cut a range into n bins of equal width: n + 1 points, as R's `seq()` places them."""
    cuts = low + np.arange(n_bins + 1) * ((high - low) / n_bins)
    cuts[-1] = high
    return cuts


def quantile_cuts(values: np.ndarray, n_bins: int) -> np.ndarray:
    """
    Cut values into bins of about equal counts.

    Parameters
    ----------
    values
        Numbers, none missing.
    n_bins
        Number of bins; fewer result if quantiles are equal.

    Returns
    -------
    numpy.ndarray
        The distinct ones of the n_bins + 1 quantiles (R: `quantile(type = 7)`). The
        arithmetic is R's to the last bit: it decides whether two quantiles are equal, and
        in which bin a value on a cut falls.

    Examples
    --------
    >>> quantile_cuts(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    array([1. , 2.5, 4. ])
    """
    values = np.sort(values)
    position = (len(values) - 1) * equal_cuts(0.0, 1.0, n_bins)
    index = 1.0 + position  # R counts from 1, and its rounding errors with it
    below, above = np.floor(index), np.ceil(index)
    lower, upper = values[below.astype(int) - 1], values[above.astype(int) - 1]
    share = index - below
    between = (index > below) & (lower != upper)
    cuts = np.where(between, (1.0 - share) * lower + share * upper, lower)
    return cuts[np.r_[True, cuts[1:] != cuts[:-1]]]


def bin_shares(values: np.ndarray, cuts: np.ndarray, n_rows: int) -> np.ndarray:
    """
    Count values in bins, as shares of a number of rows.

    Parameters
    ----------
    values
        Numbers between the first and the last cut.
    cuts
        k + 1 increasing cut points; bins are closed on the right, the first on both sides.
    n_rows
        The number to divide the counts by.

    Returns
    -------
    numpy.ndarray
        k shares, 0 for an empty bin.
    """
    bins = np.searchsorted(cuts[1:-1], values, side="left")
    return np.bincount(bins, minlength=len(cuts) - 1) / n_rows


def normal(values: np.ndarray) -> Normal:
    """Return the mean and standard deviation of numbers; the latter is 0 for a single number."""
    return Normal(float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0)


def density(values: np.ndarray) -> Density:
    """
    Estimate a density with a Gaussian kernel.

    Parameters
    ----------
    values
        At least two numbers, none missing.

    Returns
    -------
    Density
        512 points from three bandwidths below the smallest value to three above the
        largest, as R's `density()` returns them up to version 4.3: Silverman's rule of
        thumb [Silverman1986], linear binning of the values on a grid, and a fast Fourier
        transform [Silverman1982].

    References
    ----------
    - [Silverman1986] Silverman (1986), Density Estimation, equation 3.31.
    - [Silverman1982] Silverman (1982), Applied Statistics 31, 93-99.
    """
    points = 512
    n = len(values)
    deviation = values.std(ddof=1)
    lower, upper = np.quantile(values, [0.25, 0.75])
    width = min(deviation, (upper - lower) / 1.34) or deviation or abs(values[0]) or 1.0
    bandwidth = float(0.9 * width * n**-0.2)

    start, end = values.min() - 7 * bandwidth, values.max() + 7 * bandwidth
    place = (values - start) / ((end - start) / (points - 1))
    left = np.floor(place).astype(int)
    share = place - left
    mass = np.bincount(left, (1.0 - share) / n, minlength=2 * points)
    mass += np.bincount(left + 1, share / n, minlength=2 * points)

    distance = np.linspace(0.0, 2 * (end - start), 2 * points)
    distance[points + 1 :] = -distance[points - 1 : 0 : -1]
    kernel = np.exp(-0.5 * (distance / bandwidth) ** 2) / (np.sqrt(2 * np.pi) * bandwidth)
    smooth = np.fft.ifft(np.fft.fft(mass) * np.conj(np.fft.fft(kernel))).real[:points]
    x = np.linspace(values.min() - 3 * bandwidth, values.max() + 3 * bandwidth, points)
    y = np.interp(x, np.linspace(start, end, points), np.maximum(smooth, 0.0))
    return Density(x, y, bandwidth)


def make_pieces(edges: np.ndarray, shares: np.ndarray) -> Pieces:
    """
    Prepare the quantiles of a distribution on intervals.

    Parameters
    ----------
    edges
        k + 1 increasing numbers.
    shares
        k weights, not all 0, of the intervals between the edges; they need not sum to 1.
    """
    filled = shares > 0
    upper = np.cumsum(shares[filled] / shares.sum())
    upper[-1] = 1.0
    lower = np.append(0.0, upper[:-1])
    ends = np.column_stack([edges[:-1][filled], edges[1:][filled]]).ravel()
    at = np.column_stack([lower, upper]).ravel()
    # Where two intervals touch, one of their ends is enough.
    needed = np.append(True, (ends[1:] != ends[:-1]) | (at[1:] != at[:-1]))
    return Pieces(at[needed], ends[needed])


def follow(values: np.ndarray, limits: np.ndarray) -> Pieces:
    """
    Prepare the quantiles of a distribution that follows some values, also inside wide bins.

    Parameters
    ----------
    values
        Numbers, none missing.
    limits
        Increasing numbers: the inner ends of bins, each of which gets its share of the values.

    Returns
    -------
    Pieces
        The values themselves with their shares, if at most 65 differ, or at most 1000 that are
        whole or occur twice on average. Else 65 of their quantiles, further ones at the ends,
        where long tails are, and the values on both sides of each limit; between these, numbers
        are spread evenly.

    Examples
    --------
    >>> quantiles(follow(np.array([1.0, 1.0, 1.0, 9.0]), np.array([5.0])), np.array([0.7, 0.8]))
    array([1., 9.])
    """
    different, counts = np.unique(values, return_counts=True)
    n, n_different = len(values), len(different)
    repeated = 2 * n_different <= n or np.array_equal(different, np.rint(different))
    if n_different <= (_MOST_COUNTED if repeated else _N_PARTS + 1):
        upper = np.cumsum(counts) / n
        lower = np.append(0.0, upper[:-1])
        return Pieces(np.column_stack([lower, upper]).ravel(), np.repeat(different, 2))
    shares = _even_shares(n)
    numbers = np.quantile(values, shares)
    values = np.sort(values)
    n_below = np.unique(np.searchsorted(values, limits, side="right"))
    n_below = n_below[(n_below > 0) & (n_below < n)]
    below, above = values[n_below - 1], values[n_below]
    for share, left, right in zip(n_below / n, below, above, strict=True):
        # A quantile lies between two values, and these can be on either side of the limit.
        first = shares <= share
        numbers[first] = np.minimum(numbers[first], left)
        numbers[~first] = np.maximum(numbers[~first], right)
    shares = np.concatenate([shares, n_below / n, n_below / n])
    numbers = np.concatenate([numbers, below, above])
    order = np.lexsort([numbers, shares])
    return Pieces(shares[order], numbers[order])


def _even_shares(n: int) -> np.ndarray:
    """Divide n values into parts of even counts, the first and last of which is halved often."""
    shares = np.linspace(0.0, 1.0, _N_PARTS + 1)
    halvings = np.arange(1, max(int(np.log2(n / _N_PARTS)), 0) + 1)
    ends = shares[1] / 2.0**halvings
    return np.sort(np.concatenate([shares, ends, 1.0 - ends]))


def density_pieces(estimate: Density) -> Pieces:
    """Prepare the quantiles of a density: uniform within half a step of each point of the grid."""
    half = (estimate.x[1] - estimate.x[0]) / 2
    return make_pieces(np.r_[estimate.x - half, estimate.x[-1] + half], estimate.y)


def quantiles(pieces: Pieces, u: np.ndarray) -> np.ndarray:
    """Return the numbers at n cumulative shares, between 0 and 1."""
    values = np.interp(u, pieces.shares, pieces.values)
    return np.clip(values, pieces.values[0], pieces.values[-1], out=values)


def levels_at(cumulative: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the positions of the levels, counted from 0, at n shares from 0 to below 1."""
    return np.searchsorted(cumulative, u, side="right")
