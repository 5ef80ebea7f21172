"""
All combinations of the values of a table's columns, with their probabilities.

A column of levels has few values. If all columns do, a case has so few permutations that each can
be predicted once, with the probability with which it is drawn, instead of some draws.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from pylime.errors import RequestError
from pylime.request import Request
from pylime.tabular.levels import Levels
from pylime.tabular.neighbourhood import tilted_share

__all__ = ["Choices", "choices_of", "combinations", "enumerates_all"]

# Larger numbers are not written out.
_MOST_DIGITS = 10**15
# Where R has no law, the case's value is kept with this probability.
_KEPT = 0.5


@dataclass(frozen=True, eq=False)
class Choices:
    """
    The values that permutations of a case have in one column.

    Attributes
    ----------
    codes
        (q,) encoded values, that of the case first; -1 is a missing value.
    shares
        (q,) their probabilities, which sum to 1.
    """

    codes: np.ndarray
    shares: np.ndarray


def choices_of(column: Levels, value: int, width: float | None = None) -> Choices:
    """
    List the values that permutations of a case have in a column of levels.

    Parameters
    ----------
    column
        The column, widened if the case's level is not in the training data.
    value
        The case's value, encoded.
    width
        Width of the kernel, if permutations are drawn from its neighbourhood.

    Returns
    -------
    Choices
        The case's value, and the others that occur in the training data, in the order of the
        levels, a missing value last. A case's value that does not occur has the probability 1/2,
        as in `Column.draw_near`.

    Examples
    --------
    >>> import pandas as pd
    >>> towns = pd.Series(["Oslo", "Oslo", "Bergen", None])
    >>> column = Levels.fit("town", towns, "character", 0.25, None)
    >>> found = choices_of(column, 1)
    >>> found.codes, found.shares
    (array([ 1,  0, -1]), array([0.5 , 0.25, 0.25]))
    """
    shares = np.diff(column.cumulative, prepend=0.0)
    codes = np.append(np.arange(len(shares) - 1), -1)
    others = (codes != value) & (shares > 0)
    own = float(shares[value]) if column.occurs(value) else _KEPT
    kept = own if width is None else tilted_share(own, width)
    rest = shares[others]
    if not len(rest):
        return Choices(np.array([value]), np.ones(1))
    return Choices(
        np.append(value, codes[others]), np.append(kept, rest * ((1.0 - kept) / rest.sum()))
    )


def combinations(shares: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """
    Combine the values of independent columns, or of other units, in all ways.

    Parameters
    ----------
    shares
        For each of p units the probabilities of its values, that of the case first.

    Returns
    -------
    tuple of numpy.ndarray
        (p, n) positions of the values, and (n,) probabilities of the combinations. The case is the
        first, and the last unit changes fastest.

    Examples
    --------
    >>> places, probabilities = combinations([np.array([0.5, 0.5]), np.array([0.75, 0.25])])
    >>> places
    array([[0, 0, 1, 1],
           [0, 1, 0, 1]])
    >>> probabilities
    array([0.375, 0.125, 0.375, 0.125])
    """
    places = np.zeros((len(shares), 1), dtype=np.intp)
    probabilities = np.ones(1)
    for unit, own in enumerate(shares):
        probabilities = np.outer(probabilities, own).ravel()
        places = np.repeat(places, len(own), axis=1)
        places[unit] = np.tile(np.arange(len(own)), places.shape[1] // len(own))
    return places, probabilities


def enumerates_all(endless: Sequence[Hashable], sizes: Sequence[int], request: Request) -> bool:
    """
    Decide whether all combinations of the values of a case's columns are predicted.

    Parameters
    ----------
    endless
        The columns that can have any number of values.
    sizes
        How many values each of the other columns, groups and texts has.
    request
        The arguments of the call.

    Raises
    ------
    RequestError
        If they have to be, and a column has values without end.
    CaseError
        If they have to be, and there are more than `max_permutations`.
    """
    if request.exact == "never":
        return False
    if endless:
        if request.exact == "allowed":
            return False
        raise RequestError(
            '`n_permutations="all"` takes columns of few values, such as levels and logicals; '
            f"{endless[0]!r} has numbers or dates, of which permutations take any (also with "
            "`bin_continuous=True`, as the model gets the numbers and not their bins). Pass "
            '`n_permutations="auto"`, or name columns of codes in lime(..., categorical=[...]) and '
            "others in lime(..., hold=[...])."
        )
    n = math.prod(sizes)
    several = [size for size in sizes if size > 1]
    product = f"{' x '.join(map(str, several))} = " if 1 < len(several) < 10 else ""
    written = f"{n}" if n < _MOST_DIGITS else "far too many"
    what = f"the values of the columns have {product}{written} combinations"
    return request.takes_all(n, what, "hold columns in lime(..., hold=[...])")
