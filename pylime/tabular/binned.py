"""
Columns of binned numbers, which are drawn and compared all at once.

What is drawn and compared is what `Numbers.draw` and `Numbers.compare` return for one column, up to
rounding: a table of thirty columns takes a third of the time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pylime.memory import work_array
from pylime.tabular.columns import Column
from pylime.tabular.distributions import Pieces
from pylime.tabular.numbers import Numbers

__all__ = ["Binned", "Bins"]

# With more intervals, searching for a number's own is quicker than going over all of them.
_MOST_PIECES = 8
# Larger whole numbers are not exact as floating point numbers.
_LARGEST_WHOLE = 2.0**53
# About how many numbers are drawn or compared at once: they stay in the cache.
_BLOCK_VALUES = 160_000


@dataclass(frozen=True, eq=False)
class Bins:
    """
    The bins of a case.

    Attributes
    ----------
    low, high
        (p,) the ends of the bin of each column, which contains its upper end.
    known
        (p,) whether the case's number is not missing, and its bin has rows in the training data.
    """

    low: np.ndarray
    high: np.ndarray
    known: np.ndarray


@dataclass(frozen=True, eq=False)
class Binned:
    """
    Columns of numbers in bins that are not the user's, never missing in the training data, and not
    rounded.

    Attributes
    ----------
    places
        Positions of the p columns among those of a table; whole numbers come last.
    n_whole
        How many have whole numbers.
    shares, values
        (p, k + 1) the ends of the k intervals in which numbers are uniform, in cumulative
        shares and in numbers. Columns with fewer intervals repeat the last end.
    slopes
        (p, k) lengths of the intervals by share.
    edges
        (p, m + 2) the m inner cut points between -∞ and ∞; columns with fewer repeat ∞.
    filled
        (p, m + 1) whether a bin has rows in the training data.
    """

    places: tuple[int, ...]
    n_whole: int
    shares: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    edges: np.ndarray
    filled: np.ndarray

    @classmethod
    def of(cls, columns: Sequence[Column]) -> "Binned":
        """Find such columns in a table."""
        found = {
            place: (column, column.sampler)
            for place, column in enumerate(columns)
            if isinstance(column, Numbers)
            and isinstance(column.sampler, Pieces)
            and _fits(column, column.sampler)
        }
        places = sorted(found, key=lambda place: found[place][0].feature_type == "integer")
        chosen = [found[place] for place in places]
        n_pieces = max((len(pieces.shares) - 1 for _, pieces in chosen), default=1)
        shares = np.ones((len(places), n_pieces + 1))
        values, edges = np.empty_like(shares), []
        for row, (column, pieces) in enumerate(chosen):
            shares[row, : len(pieces.shares)] = pieces.shares
            values[row] = pieces.values[-1]
            values[row, : len(pieces.values)] = pieces.values
            edges.append(np.asarray(column.bin_cuts)[1:-1])
        n_cuts = max(map(len, edges), default=0)
        bounds = np.full((len(places), n_cuts + 2), np.inf)
        bounds[:, 0] = -np.inf
        filled = np.zeros((len(places), n_cuts + 1), dtype=bool)
        for row, (cuts, (column, _)) in enumerate(zip(edges, chosen, strict=True)):
            bounds[row, 1 : len(cuts) + 1] = cuts
            filled[row, : len(cuts) + 1] = np.asarray(column.distribution) > 0
        rise, run = np.diff(values), np.diff(shares)
        return cls(
            tuple(places),
            sum(column.feature_type == "integer" for column, _ in chosen),
            shares,
            values,
            np.divide(rise, run, out=np.zeros_like(rise), where=run > 0),
            bounds,
            filled,
        )

    def bins_of(self, case: np.ndarray) -> Bins:
        """
        Find the bins of a case.

        Parameters
        ----------
        case
            (p,) numbers of these columns.
        """
        each = np.arange(len(self.places))
        place = np.count_nonzero(self.edges[:, 1:-1] < case[:, None], axis=1)
        known = self.filled[each, place] & ~np.isnan(case)
        return Bins(self.edges[each, place], self.edges[each, place + 1], known)

    def draw(self, u: np.ndarray, out: np.ndarray) -> None:
        """
        Turn uniform numbers into numbers with the distributions of the training data.

        Parameters
        ----------
        u
            (p, n) numbers between 0 and 1, without these.
        out
            (p, n) array that takes the numbers.
        """
        for rows in self._blocks(u.shape[1]):
            numbers, share = out[rows], u[rows]
            part = work_array(numbers.shape)
            ends, slopes = self.shares[rows, :, None], self.slopes[rows, :, None]
            # The length of each interval up to the share; 0 for those above it.
            np.minimum(share, ends[:, 1], out=numbers)
            numbers *= slopes[:, 0]
            numbers += self.values[rows, :1]
            for piece in range(1, slopes.shape[1]):
                np.clip(share, ends[:, piece], ends[:, piece + 1], out=part)
                part -= ends[:, piece]
                part *= slopes[:, piece]
                numbers += part
            np.clip(numbers, self.values[rows, :1], self.values[rows, -1:], out=numbers)
        if self.n_whole:
            whole = out[len(out) - self.n_whole :]
            np.rint(whole, out=whole)

    def compare(self, numbers: np.ndarray, bins: Bins) -> np.ndarray:
        """
        Find the numbers that lie in the bins of a case.

        Parameters
        ----------
        numbers
            (p, n) array.
        bins
            The case's.

        Returns
        -------
        numpy.ndarray
            (p, n) array of bool.
        """
        inside = np.empty(numbers.shape, dtype=bool)
        for rows in self._blocks(numbers.shape[1]):
            np.greater(numbers[rows], bins.low[rows, None], out=inside[rows])
            inside[rows] &= numbers[rows] <= bins.high[rows, None]
        return inside

    def _blocks(self, n: int) -> Iterator[slice]:
        """Divide the columns, so that a few of them are computed at once."""
        size = max(_BLOCK_VALUES // n, 1)
        for start in range(0, len(self.places), size):
            yield slice(start, start + size)


def _fits(column: Numbers, pieces: Pieces) -> bool:
    """Whether the numbers of a column are found in a few steps that all columns share."""
    if not column.binned or column.missing or column.places is not None or not column.cut_texts:
        return False
    if column.own_cuts:  # they follow the training data in many intervals
        return False
    if column.feature_type == "integer":
        exact = bool(np.abs(pieces.values).max() < _LARGEST_WHOLE)
    else:
        exact = column.dtype == np.float64
    return exact and len(pieces.shares) <= _MOST_PIECES + 1 and bool(np.all(np.diff(pieces.shares)))
