"""Similarities of a case to its permutations, and the distances behind them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from pylime import checks
from pylime.memory import work_array
from pylime.parallel import few_threads

if TYPE_CHECKING:
    from scipy import sparse

__all__ = [
    "DIST_FUNS",
    "Metric",
    "RowMetric",
    "cosine_similarity",
    "exponential_kernel",
    "gower",
    "gower_distance",
    "row_distance",
]

RowMetric: TypeAlias = Literal[
    "manhattan",
    "maximum",
    "binary",
    "braycurtis",
    "canberra",
    "chebyshev",
    "cityblock",
    "correlation",
    "cosine",
    "dice",
    "euclidean",
    "hamming",
    "jaccard",
    "jensenshannon",
    "mahalanobis",
    "minkowski",
    "rogerstanimoto",
    "russellrao",
    "seuclidean",
    "sokalsneath",
    "sqeuclidean",
    "yule",
]
"""A distance between rows of numbers: R's names, then those of scipy's `cdist`."""

Metric: TypeAlias = Literal["gower", RowMetric]
"""A distance between cases of a table."""

DIST_FUNS: tuple[Metric, ...] = get_args(Metric)
"""The names that `dist_fun` takes."""

_R_METRICS = {"manhattan": "cityblock", "maximum": "chebyshev", "binary": "jaccard"}
_BINARY = frozenset(["jaccard", "dice", "rogerstanimoto", "russellrao", "sokalsneath", "yule"])

# R's `gower` leaves out a column with a smaller range.
_LEAST_RANGE = 1e-8
# So many columns are compared at once, whatever the number of rows: a sum's rounding must not
# depend on that.
_COLUMNS_AT_ONCE = 32


def cosine_similarity(case: np.ndarray, others: "np.ndarray | sparse.csr_array") -> np.ndarray:
    """
    Measure the cosine of the angle between one vector and each of n rows.

    If the case is all ones and the rows consist of 0 and 1, this is sqrt(kept / all).

    Parameters
    ----------
    case
        (p,) array.
    others
        (n, p) array or sparse matrix.

    Returns
    -------
    numpy.ndarray
        n similarities; 0 for a row of zeros.

    Examples
    --------
    >>> cosine_similarity(np.ones(4), np.array([[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]]))
    array([1. , 0.5, 0. ])
    """
    case = np.asarray(case, dtype=np.float64)
    with few_threads(others.shape[0] * case.size):
        dots = np.asarray(others @ case, dtype=np.float64)
    if not isinstance(others, np.ndarray):
        squares = np.asarray(others.multiply(others).sum(axis=1), dtype=np.float64).ravel()
    else:
        squares = np.einsum("ij,ij->i", others, others, dtype=np.float64)
    lengths = np.sqrt(squares * (case @ case))
    return np.divide(dots, lengths, out=np.zeros(len(dots)), where=lengths > 0)


def exponential_kernel(distance: np.ndarray, width: float) -> np.ndarray:
    """
    Turn distances into similarities: sqrt(exp(-distance² / width²)).

    Examples
    --------
    >>> exponential_kernel(np.array([0.0, 1.0]), width=1.0).round(3)
    array([1.   , 0.607])
    """
    with np.errstate(over="ignore"):
        return np.sqrt(np.exp(-np.square(distance) / width**2))


def row_distance(case: np.ndarray, others: np.ndarray, metric: RowMetric) -> np.ndarray:
    """
    Measure the distance of each row from one vector.

    Parameters
    ----------
    case
        (p,) array.
    others
        (n, p) array.
    metric
        One of `DIST_FUNS` except `"gower"`.

    Returns
    -------
    numpy.ndarray
        n distances. Where a metric is undefined, 0 for an equal row and 1 for others.

    Examples
    --------
    >>> row_distance(np.ones(2), np.array([[1.0, 1.0], [0.0, 1.0]]), "manhattan")
    array([0., 1.])
    """
    # This module imports half of scipy, and the default metric does not need it.
    from scipy.spatial.distance import cdist

    name = _R_METRICS.get(metric, metric)
    first = np.asarray(case)[None, :]
    if name in _BINARY:
        first, others = first != 0, others != 0
    else:
        first, others = first.astype(np.float64), others.astype(np.float64)
    if name in ("mahalanobis", "seuclidean"):
        # These divide by the variance, so they leave out a column without any.
        varying = np.ptp(others, axis=0) > 0
        first, others = first[:, varying], others[:, varying]
    distance = cdist(first, others, name)[0]  # type: ignore[call-overload]
    if name == "canberra":
        # As in R, a column that is 0 in both rows counts as missing, and the sum is
        # scaled up to the number of columns.
        compared = ((first != 0) | (others != 0)).sum(axis=1)
        distance *= np.divide(case.size, compared, out=np.ones(len(others)), where=compared > 0)
    undefined = np.isnan(distance)
    if undefined.any():
        # One of the two rows has no length or no variance.
        equal = np.all(others[undefined] == first, axis=1)
        distance[undefined] = np.where(equal, 0.0, 1.0)
    return distance


def gower_distance(case: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """
    Measure Gower's distance of each row from one case.

    Numbers and dates differ by their share of the joint range, everything else by 0 or
    1; the distance is the mean over the columns that can be compared [Gower1971]. As in R's
    `gower`, a column is not compared if one of the two values is missing, if it has no
    range, or if it is logical and false in both rows.

    Parameters
    ----------
    case
        One row.
    others
        n rows with the same columns.

    Returns
    -------
    numpy.ndarray
        n distances between 0 and 1; 0 if no column can be compared.

    Raises
    ------
    ValueError
        If `case` is not one row, or lacks a column.

    References
    ----------
    - [Gower1971] Gower (1971), Biometrics 27, 857-871.

    Examples
    --------
    >>> rows = pd.DataFrame({"age": [20, 30, 60], "city": ["Oslo", "Bergen", "Oslo"]})
    >>> gower_distance(rows.iloc[[0]], rows)
    array([0.   , 0.625, 0.5  ])
    """
    if len(case) != 1:
        raise ValueError(f"`case` must be a frame of one row; it has {len(case)}.")
    absent = [column for column in others.columns if column not in case.columns]
    if absent:
        raise ValueError(
            f"`case` must have the columns of `others`; it lacks {checks.some(absent)}."
        )
    numbers, codes, logical = [], [], []
    for name in others.columns:
        both = pd.concat([case[name].astype(object), others[name].astype(object)])
        present = both.notna().to_numpy()
        kind = _kind(others[name] if others[name].notna().any() else case[name])
        if kind == "number":
            column = np.full(len(both), np.nan)
            column[present] = _as_numbers(both[present])
            numbers.append(column)
        else:
            column = np.full(len(both), -1)
            column[present] = both[present] if kind == "logical" else pd.factorize(both[present])[0]
            codes.append(column)
            logical.append(kind == "logical")
    number_rows = np.array(numbers).reshape(len(numbers), len(others) + 1).T
    code_rows = np.array(codes, dtype=np.int64).reshape(len(codes), len(others) + 1).T
    return _gower_of_arrays(number_rows[0], number_rows[1:], code_rows[0], code_rows[1:], logical)


def _kind(column: pd.Series) -> str:
    dtype = column.dtype
    inferred = pd.api.types.infer_dtype(column, skipna=True) if dtype.kind == "O" else ""
    if pd.api.types.is_bool_dtype(dtype) or inferred == "boolean":
        return "logical"
    if pd.api.types.is_numeric_dtype(dtype) or inferred in ("integer", "floating"):
        return "number"
    times = dtype.kind in "mM" or isinstance(dtype, pd.PeriodDtype)
    return "number" if times or inferred in ("date", "datetime", "timedelta") else "other"


def _as_numbers(values: pd.Series) -> np.ndarray:
    """Return numbers as they are, dates and durations in seconds from the first."""
    first = values.iloc[0] if len(values) else np.nan
    if isinstance(first, pd.Period):
        return _as_numbers(pd.Series(pd.PeriodIndex(values).to_timestamp(), dtype=object))
    if isinstance(first, date | timedelta):
        return np.array([pd.Timedelta(value - first).total_seconds() for value in values])
    return values.to_numpy(dtype=np.float64)


def _gower_of_arrays(
    case_numbers: np.ndarray,
    numbers: np.ndarray,
    case_codes: np.ndarray,
    codes: np.ndarray,
    logical: Sequence[bool],
) -> np.ndarray:
    """Call the package gower with the pairs that R compares; see `gower_distance`."""
    # The package imports half of scikit-learn.
    from gower.gower_dist import gower_get

    n = len(numbers)
    compared = np.zeros(n)
    low = np.minimum(numbers.min(axis=0), case_numbers) if n else case_numbers
    high = np.maximum(numbers.max(axis=0), case_numbers) if n else case_numbers
    with np.errstate(invalid="ignore"):
        spans = high - low
    if not np.all(np.isfinite(spans)):
        finite = np.isfinite(numbers) & np.isfinite(case_numbers)
        every = np.vstack([case_numbers, numbers])
        usable = np.isfinite(every)
        spans = np.where(usable, every, -np.inf).max(axis=0)
        spans -= np.where(usable, every, np.inf).min(axis=0)
        finite &= spans >= _LEAST_RANGE
        numbers = np.where(finite, numbers, 0.0)
        differs = np.where(finite, case_numbers, 0.0)
        # Both values of a pair that cannot be compared become 0, so that they do not differ.
        numbers, case_numbers = numbers - differs, np.zeros_like(case_numbers)
        compared += finite.sum(axis=1)
    else:
        compared += np.count_nonzero(spans >= _LEAST_RANGE)
    wide = spans >= _LEAST_RANGE
    if not wide.all():
        numbers, case_numbers, spans = numbers[:, wide], case_numbers[wide], spans[wide]
    valid = (codes >= 0) & (case_codes >= 0)
    if any(logical):
        valid &= ~(np.asarray(logical, dtype=bool) & (case_codes == 0) & (codes == 0))
    if codes.shape[1]:
        compared += valid.sum(axis=1)
        codes = np.where(valid, codes, case_codes)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = gower_get(
            case_codes,
            case_numbers,
            codes,
            numbers,
            np.ones(len(case_codes)),
            np.ones(len(case_numbers)),
            compared,
            None,
            spans,
            None,
        )
    return np.where(compared > 0, distance, 0.0)


def _share_of_range(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compare a column that has missing or infinite values with the first: by which share."""
    valid = np.isfinite(column)
    share = np.zeros(len(column))
    if not valid[0]:
        return share, np.zeros(len(column), dtype=bool)
    span = np.ptp(column[valid])
    if span < _LEAST_RANGE:
        return share, np.zeros(len(column), dtype=bool)
    share[valid] = np.abs(column[valid] - column[0]) / span
    return share, valid


def gower(
    numbers: np.ndarray,
    codes: np.ndarray,
    logical: Sequence[bool],
    wholes: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """
    Measure Gower's distance of n cases from the first of them, on numbers and codes.

    The results are those of `gower_distance`. Few columns are compared at a time, so that no
    intermediate array is as large as the table.

    Parameters
    ----------
    numbers
        (p, n) array, a row per column of the table. Missing and infinite values are not
        compared.
    codes
        (q, n) array of whole numbers, -1 for a missing value.
    logical
        Which of the q columns are logical, with 0 for false.
    wholes
        (n,) distances of what is compared as a whole and counts as one column each: a text,
        or a group of columns.

    Returns
    -------
    numpy.ndarray
        n distances.
    """
    n = numbers.shape[1]
    total, compared = np.zeros(n), np.zeros(n)
    everywhere = 0
    for start in range(0, len(numbers), _COLUMNS_AT_ONCE):
        block = numbers[start : start + _COLUMNS_AT_ONCE]
        low, high = block.min(axis=1), block.max(axis=1)
        with np.errstate(invalid="ignore"):
            span = high - low
        for column in block[~np.isfinite(span)]:
            found, valid = _share_of_range(column)
            total += found
            compared += valid
        wide = np.isfinite(span) & (span >= _LEAST_RANGE)
        everywhere += np.count_nonzero(wide)
        if not wide.all():
            block, span = block[wide], span[wide]
        difference = np.subtract(block, block[:, :1], out=work_array(block.shape))
        np.abs(difference, out=difference)
        difference /= span[:, None]
        total += difference.sum(axis=0)
    for column, is_logical in zip(codes, logical, strict=True):
        if column[0] < 0:
            continue
        valid = column >= 0
        if is_logical and column[0] == 0:
            valid &= column > 0
        total += valid & (column != column[0])
        compared += valid
    for distance in wholes:
        total += distance
    compared += everywhere + len(wholes)
    return np.divide(total, compared, out=np.zeros(n), where=compared > 0)
