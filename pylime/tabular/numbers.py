"""Columns of numbers, whole or not, binned or not."""

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np
import pandas as pd

from pylime import checks
from pylime.numbers import format_numbers
from pylime.tabular.columns import (
    Column,
    Dtype,
    FeatureType,
    Problems,
    Value,
    check_same_kind,
    is_object,
)
from pylime.tabular.distributions import (
    Normal,
    Pieces,
    bin_shares,
    density,
    density_pieces,
    equal_cuts,
    follow,
    make_pieces,
    normal,
    quantile_cuts,
    quantiles,
)
from pylime.tabular.options import LARGEST, TableOptions

__all__ = [
    "Numbers",
    "cast_numbers",
    "check_distinct_cuts",
    "cut_points_of",
    "decode_numbers",
    "number_content",
    "number_contents",
    "numbers_of",
    "with_range",
]

# Below this range a density estimate would overflow.
_LEAST_SPREAD = 1e-150

# How many decimals of a Decimal a floating point number can say.
_DIGITS = 15
# So many times the place of a cut among the uniform numbers is narrowed down by 65.
_SECTIONS = 9
# Cuts of the user's are written in full up to so many significant digits.
_FULL_DIGITS = 6


@dataclass(frozen=True, eq=False, kw_only=True)
class Numbers(Column):
    """
    A column of numbers.

    Attributes
    ----------
    centre
        Mean and standard deviation.
    binned
        Whether numbers are compared by their bin.
    sampler
        The distribution that numbers are drawn from.
    cut_texts
        The inner cut points as strings.
    own_cuts
        Whether the user chose these.
    lacks_variance
        Whether too few quantiles are distinct, so that the bins have equal widths.
    places
        The decimals of a column of `decimal.Decimal` objects; None for other numbers.
    """

    centre: Normal
    sampler: Pieces | Normal
    binned: bool = False
    cut_texts: tuple[str, ...] = ()
    own_cuts: bool = False
    lacks_variance: bool = False
    places: int | None = None

    @classmethod
    def fit(
        cls,
        name: Hashable,
        values: pd.Series,
        feature_type: FeatureType,
        missing: float,
        gap: Value,
        options: TableOptions,
    ) -> Self:
        """
        Learn bins or a distribution from a column of numbers that are not all equal.

        Raises
        ------
        TypeError, ValueError
            If the user's cuts are not numbers, or are equal in the type of the column.
        """
        numbers = numbers_of(values)
        numbers = numbers[~np.isnan(numbers)]
        centre = normal(numbers)
        facts: dict[str, Any] = {
            "name": name,
            "dtype": values.dtype,
            "feature_type": feature_type,
            "missing": missing,
            "gap": gap,
            "centre": centre,
            "places": _decimals(values),
        }
        bins = options.bins_of(name)
        if not isinstance(bins, int):
            return cls(**facts, **_own_bins(name, values, numbers, bins))
        if numbers.min() == numbers.max():  # others are missing: compared like two levels
            return cls(
                **facts,
                bin_cuts=np.array([centre.mean, centre.mean]),
                distribution=pd.Series([1.0 - missing]) if options.bin_continuous else centre,
                binned=True,
                sampler=centre,
            )
        cuts, facts["lacks_variance"] = cut_points_of(numbers, bins, options)
        if options.bin_continuous:
            shares = bin_shares(numbers, cuts, len(values))
            return cls(
                **facts,
                bin_cuts=cuts,
                binned=True,
                distribution=pd.Series(shares),
                sampler=make_pieces(cuts, shares),
                cut_texts=_texts_of(cuts[1:-1]),
            )
        if options.use_density and np.ptp(numbers) > _LEAST_SPREAD:
            estimate = density(numbers)
            sampler = density_pieces(estimate)
            return cls(**facts, bin_cuts=cuts, distribution=estimate, sampler=sampler)
        return cls(**facts, bin_cuts=cuts, distribution=centre, sampler=centre)

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Convert numbers to the training column's type, if it can represent them."""
        check_same_kind(self, values)
        values, problems = cast_numbers(values, self, self.feature_type == "integer")
        if self.places is not None:
            values = values.map(_as_decimal, na_action="ignore").astype(object)
        return values, problems

    def encode(self, values: pd.Series) -> np.ndarray:
        """Return floating point numbers, NaN where missing."""
        return numbers_of(values)

    def decode(self, values: np.ndarray, dtype: Dtype) -> Any:
        """Return numbers of a type, which share memory with `values` if they can."""
        if self.places is not None:
            form = f".{self.places}f" if self.places <= _DIGITS else ""
            objects = np.empty(len(values), dtype=object)
            objects[:] = [
                self.gap if np.isnan(value) else Decimal(format(value, form)) for value in values
            ]
            return objects
        return decode_numbers(values, dtype, self.feature_type == "integer", self.gap)

    @property
    def draws_gaps(self) -> bool:
        """Whether values are missing in the training data."""
        return self.missing > 0

    def draw(self, u: np.ndarray, gaps: np.ndarray | None = None) -> np.ndarray:
        """Return numbers, rounded if the column has whole numbers, NaN where missing."""
        values = self._quantiles(u)
        if gaps is not None:
            values[gaps < self.missing] = np.nan
        return values

    def _quantiles(self, u: np.ndarray) -> np.ndarray:
        """Return the numbers at some cumulative shares, as the column's type can hold them."""
        if isinstance(self.sampler, Pieces):
            values = quantiles(self.sampler, u)
        else:
            from scipy.special import ndtri  # rarely needed

            values = self.sampler.mean + self.sampler.sd * ndtri(u)
        if self.feature_type == "integer":
            np.rint(values, out=values)
            lowest, highest = _whole_range(self.dtype)
            if lowest > -np.inf:
                np.clip(values, lowest, highest, out=values)
        elif isinstance(self.dtype, np.dtype) and self.dtype.itemsize < 8:
            limits = np.finfo(self.dtype)
            np.clip(values, float(limits.min), float(limits.max), out=values)
            values = values.astype(self.dtype).astype(np.float64)
        elif self.places is not None and self.places <= _DIGITS:
            np.round(values, self.places, out=values)
        return values

    def occurs(self, value: Value) -> bool:
        """Whether the bin, or a missing value, has rows in the training data."""
        if np.isnan(value):
            return self.missing > 0
        shares = self.distribution
        if not isinstance(shares, pd.Series) or not self.cut_texts:
            return True
        return bool(shares.to_numpy()[self._bin(value)[0]] > 0)

    def _range_of(self, value: Value) -> tuple[float, float]:
        """Return the uniform numbers of a bin, or those that make values missing."""
        if np.isnan(value):
            return 0.0, self.missing
        _, low, high = self._bin(value)
        return self._share_up_to(low), self._share_up_to(high)

    def _share_up_to(self, limit: float) -> float:
        """Return the largest uniform number that is drawn as a number up to a limit."""
        if np.isinf(limit):
            return float(limit > 0)
        low, high = 0.0, 1.0
        for _ in range(_SECTIONS):  # each makes the interval 65 times smaller
            grid = np.linspace(low, high, 66)
            inside = 1 + np.count_nonzero(self._quantiles(grid[1:-1]) <= limit)
            low, high = float(grid[inside - 1]), float(grid[inside])
        return (low + high) / 2

    def compare(self, values: np.ndarray) -> np.ndarray:
        """Return whether each lies in the case's bin; the numbers if they are not binned."""
        if np.isnan(values[0]):
            return np.isnan(values)
        if self.binned:
            _, low, high = self._bin(values[0])
            if low == -np.inf:
                return values <= high
            return (values > low) if high == np.inf else (values > low) & (values <= high)
        return np.where(np.isnan(values), self.centre.mean, values) if self.missing else values

    def _bin(self, value: float) -> tuple[int, float, float]:
        """Return the bin of a number and its limits; the outermost bins are unbounded."""
        cuts = self.bin_cuts if self.bin_cuts is not None else np.array([-np.inf, np.inf])
        position = bisect_left(cuts, value, 1, len(cuts) - 1) - 1
        low = -np.inf if position == 0 else cuts[position]
        high = np.inf if position == len(cuts) - 2 else cuts[position + 1]
        return position, float(low), float(high)

    def scale(self, design: np.ndarray) -> np.ndarray:
        """Standardise numbers that are not binned."""
        if design.dtype == bool or self.binned:
            return design
        centred = design - self.centre.mean
        return centred / self.centre.sd if self.centre.sd > 0 else centred

    def describe(self, value: Value) -> str:
        """Return a string such as `20 < age <= 30`; only the name if numbers are not binned."""
        name, texts = self.name, self.cut_texts
        if value is None or pd.isna(value):
            return f"{name} is missing"
        if not self.binned:
            return str(name)
        if not texts:  # all numbers of the training data are equal
            return f"{name} = {value}"
        position, _, _ = self._bin(self.number_of(value))
        if position == 0:
            return f"{name} <= {texts[0]}"
        if position == len(texts):
            return f"{texts[-1]} < {name}"
        return f"{texts[position - 1]} < {name} <= {texts[position]}"

    def number_of(self, value: Value) -> float:
        """Convert one value to a number."""
        return float(value)

    def content(self, value: Value) -> bytes:
        """Return the bytes of the number."""
        return number_content(value)


def numbers_of(values: pd.Series) -> np.ndarray:
    """Convert values to floating point numbers, NaN where missing."""
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def number_content(number: np.float64) -> bytes:
    """Return the bytes of a number; they are the same for 0.0 and -0.0."""
    return b"missing" if np.isnan(number) else np.float64(number + 0.0).tobytes()


def number_contents(numbers: np.ndarray) -> bytes:
    """Join the bytes of some numbers, as `number_content` returns them."""
    if np.isnan(numbers).any():
        return b"|".join(number_content(number) for number in numbers)
    size = numbers.itemsize
    joined = (numbers + 0.0).tobytes()
    return b"|".join([joined[start : start + size] for start in range(0, len(joined), size)])


def cast_numbers(values: pd.Series, column: Column, whole: bool) -> tuple[pd.Series, Problems]:
    """Convert numbers to the type of a training column; find those that it cannot represent."""
    numbers = numbers_of(values)
    problems = {
        int(row): (
            f"The column {column.name!r} must have finite numbers up to {LARGEST:g}; "
            f"not {numbers[row]:g}."
        )
        for row in np.flatnonzero(np.abs(numbers) > LARGEST)
    }
    if whole:
        fits = np.isnan(numbers) | (numbers == np.rint(numbers))
        limits = _whole_limits(column.dtype)
        if limits is not None and values.dtype != column.dtype:
            # Floating point numbers near the limits would be rounded beyond these.
            for row in np.flatnonzero(fits & ((numbers <= limits[0]) | (numbers >= limits[1]))):
                fits[row] = limits[0] <= int(values.iloc[row]) <= limits[1]
        for row in np.flatnonzero(~fits):
            problems.setdefault(
                int(row),
                f"The column {column.name!r} must have whole numbers as in the training data "
                f"({column.dtype}); not {numbers[row]:g}.",
            )
    if problems:
        values = values.copy()
        usable = next((row for row in range(len(values)) if row not in problems), None)
        fill = 0 if usable is None else values.iloc[usable]
        for row in problems:  # these cases are skipped; they must not change the others' type
            values.iloc[row] = fill
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iu" and values.isna().any():
        dtype = np.dtype(np.float64)
    if values.dtype == dtype or is_object(dtype) or pd.api.types.is_integer_dtype(values.dtype):
        return values.astype(dtype), problems
    if whole and is_object(values.dtype) and pd.api.types.is_integer_dtype(dtype):
        whole_numbers = [None if pd.isna(value) else int(value) for value in values]
        return pd.Series(whole_numbers, index=values.index, dtype=dtype), problems
    if is_object(values.dtype) and _is_precise(dtype):
        return pd.Series(values.tolist(), index=values.index, dtype=dtype), problems
    array = decode_numbers(numbers_of(values), dtype, whole, column.gap)
    return pd.Series(array, index=values.index, dtype=dtype), problems


def _is_precise(dtype: Dtype) -> bool:
    """Whether a type can represent more fractions than floating point numbers of 64 bits."""
    return isinstance(dtype, pd.ArrowDtype) or (isinstance(dtype, np.dtype) and dtype.itemsize > 8)


def decode_numbers(values: np.ndarray, dtype: Dtype, whole: bool, gap: Value) -> Any:
    """Convert floating point numbers to an array of a type."""
    if isinstance(dtype, np.dtype) and dtype.kind in "fiu":
        return values.astype(dtype, copy=False)
    absent = np.isnan(values)
    if is_object(dtype):
        objects = values.astype(object)
        if whole:
            objects[~absent] = np.array([int(v) for v in values[~absent]], dtype=object)
        objects[absent] = gap
        return objects
    if isinstance(dtype, pd.SparseDtype):
        return pd.array(values, dtype=dtype)
    if pd.api.types.is_integer_dtype(dtype):
        inner = getattr(dtype, "numpy_dtype", np.dtype(np.int64))
        array: Any = pd.array(np.where(absent, 0.0, values).astype(inner), dtype=dtype)
    else:
        array = pd.array(values, dtype=dtype)
    if absent.any():
        array[absent] = pd.NA
    return array


def cut_points_of(
    numbers: np.ndarray, n_bins: int, options: TableOptions
) -> tuple[np.ndarray, bool]:
    """
    Compute cut points.

    Parameters
    ----------
    numbers
        The training data, none missing.
    n_bins
        Number of bins.
    options
        Whether these have even counts.

    Returns
    -------
    tuple
        The cut points, and whether they are equal steps because too few quantiles are distinct.
    """
    if options.quantile_bins:
        cuts = quantile_cuts(numbers, n_bins)
        if len(cuts) >= 3:
            return cuts, False
    even = equal_cuts(float(numbers.min()), float(numbers.max()), n_bins)
    return even, options.quantile_bins


def with_range(cuts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Put the range of the training data, widened to the cuts, around these."""
    return np.r_[min(numbers.min(), cuts[0]), cuts, max(numbers.max(), cuts[-1])]


def check_distinct_cuts(
    name: Hashable, given: Sequence[Any], cuts: np.ndarray, texts: Sequence[str]
) -> None:
    """Raise unless the user's cuts, which are these in the column and its texts, rise."""
    if np.any(np.diff(cuts) <= 0):
        raise ValueError(
            f"`cuts[{name!r}]` must rise from cut to cut; in the column "
            f"{checks.some(given, 10, str)} are {checks.some(texts, 10, str)}."
        )


def _own_bins(
    name: Hashable,
    values: pd.Series,
    numbers: np.ndarray,
    given: Sequence[Any],
) -> dict[str, Any]:
    """Learn the bins between the user's cuts."""
    wrong = [cut for cut in given if not (checks.is_number(cut) or isinstance(cut, Decimal))]
    if wrong:
        raise TypeError(
            f"`cuts[{name!r}]` must be numbers, as the column has; not {wrong[0]!r:.80}."
        )
    written = np.array([float(cut) for cut in given])
    cuts = _rounded_as(values.dtype, written)
    check_distinct_cuts(name, given, cuts, [f"{cut:.9g}" for cut in cuts])
    points = with_range(cuts, numbers)
    shares = bin_shares(numbers, points, len(values))
    return {
        "bin_cuts": points,
        "binned": True,
        "own_cuts": True,
        "distribution": pd.Series(shares),
        "sampler": follow(numbers, cuts),
        "cut_texts": _texts_of(written, _FULL_DIGITS),
    }


def _rounded_as(dtype: Dtype, cuts: np.ndarray) -> np.ndarray:
    """Round cuts as the numbers of a column are: 0.3 is another number in 32 bits."""
    inner = getattr(dtype, "subtype", getattr(dtype, "numpy_dtype", dtype))
    if not isinstance(inner, np.dtype) or inner.kind != "f" or inner.itemsize >= 8:
        return cuts
    with np.errstate(over="ignore"):
        rounded = cuts.astype(inner).astype(np.float64)
    return np.where(np.isfinite(rounded), rounded, cuts)


def _texts_of(cuts: np.ndarray, full_digits: int = 0) -> tuple[str, ...]:
    """
    Cut points with three significant digits, or as many as tell them apart.

    Where so many are enough to write all of them exactly, they get as many as that takes.
    """
    for digits in range(3, full_digits + 1):
        texts = format_numbers(cuts, digits)
        if np.array_equal([float(text) for text in texts], cuts):
            return tuple(texts)
    texts = []
    for digits in range(3, 18):
        texts = format_numbers(cuts, digits)
        if len(set(texts)) == len(texts):
            break
    return tuple(texts)


def _decimals(values: pd.Series) -> int | None:
    """How many decimals the `decimal.Decimal` objects of a column have; None without these."""
    if not is_object(values.dtype):
        return None
    found = [value for value in values if isinstance(value, Decimal) and value.is_finite()]
    if not found:
        return None
    return max(max(-int(value.as_tuple().exponent), 0) for value in found)


def _as_decimal(value: Value) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _whole_limits(dtype: Dtype) -> tuple[int, int] | None:
    """The least and the largest number that an integer type can hold; None without limits."""
    inner = getattr(dtype, "subtype", getattr(dtype, "numpy_dtype", dtype))
    if isinstance(inner, np.dtype) and inner.kind in "iu":
        limits = np.iinfo(inner)
        return int(limits.min), int(limits.max)
    return None


def _whole_range(dtype: Dtype) -> tuple[float, float]:
    """Return the range of an integer type; its limits must be representable as floats."""
    limits = _whole_limits(dtype)
    if limits is None:
        return -np.inf, np.inf
    low, high = map(float, limits)
    # As a float, the upper limit of 64 bits would round up to a number beyond it.
    return low, high if int(high) <= limits[1] else float(np.nextafter(high, 0.0))
