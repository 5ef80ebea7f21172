"""
The columns of a table: what each holds, how its values are drawn, compared and described.

Inside, a column is numbers (floating point, NaN where missing) or the positions of its
levels (-1 where missing). `encode` leads there, `decode` back to the type of the
training data.
"""

import warnings
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pylime.numbers import format_numbers
from pylime.tabular.distributions import (
    Normal,
    Pieces,
    bin_shares,
    density,
    density_pieces,
    draw,
    draw_levels,
    equal_cuts,
    make_pieces,
    normal,
    quantile_cuts,
)
from pylime.tabular.feature_types import LEVEL_TYPES, feature_type_of, is_object

__all__ = [
    "LARGEST",
    "UNKNOWN",
    "Column",
    "decode",
    "describe",
    "design_of",
    "draw_column",
    "encode",
    "fit_column",
    "levels_of",
    "numbers_of",
    "scale",
    "whole_range",
]

LARGEST = 1e150
"""The largest number that a column may hold: squares of larger ones would overflow."""

# Below this the steps of a density's grid would not be numbers any more.
_LEAST_SPREAD = 1e-150

UNKNOWN = -2
"""The position of a level that the training data have not."""


@dataclass(frozen=True, eq=False)
class Column:
    """
    What is remembered of a column of the training data.

    Attributes
    ----------
    name, dtype
        The column's.
    feature_type
        `"integer"`, `"numeric"`, `"character"`, `"factor"`, `"logical"`, `"date_time"` or
        `"constant"`.
    bin_cuts
        Cut points of a column of numbers.
    distribution
        Shares of the bins or levels, a density, or a mean and standard deviation.
    missing
        Share of the rows where it is missing.
    centre
        Mean and standard deviation of a column of numbers.
    levels
        What a column of levels can hold.
    binned
        Whether numbers are compared by their bin.
    sampler
        What values are drawn from.
    gap
        How a missing value is written.
    cut_texts
        The inner cut points as they are printed.
    """

    name: Hashable
    dtype: Any
    feature_type: str
    bin_cuts: np.ndarray | None = None
    distribution: Any = None
    missing: float = 0.0
    centre: Normal | None = None
    levels: pd.Index | None = None
    binned: bool = False
    sampler: Pieces | Normal | np.ndarray | None = None
    gap: Any = np.nan
    cut_texts: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether a permutation keeps the case's value."""
        return self.sampler is None


def fit_column(
    name: Hashable,
    values: pd.Series,
    *,
    bin_continuous: bool,
    n_bins: int,
    quantile_bins: bool,
    use_density: bool,
) -> Column:
    """
    Learn what a column of the training data holds.

    Parameters
    ----------
    name
        The column's name.
    values
        Its values, at least one.
    bin_continuous, n_bins, quantile_bins, use_density
        As in `pylime.lime`.

    Raises
    ------
    TypeError
        If it holds something that is neither number, level nor date.
    ValueError
        If a number is infinite.
    """
    feature_type = feature_type_of(name, values)
    absent = values.isna().to_numpy(dtype=bool)
    gap = values[absent].iloc[0] if absent.any() else np.nan
    column = Column(name, values.dtype, feature_type, missing=float(absent.mean()), gap=gap)
    if feature_type in LEVEL_TYPES:
        return _fit_levels(column, values)
    if feature_type == "date_time":
        return column
    numbers = numbers_of(values)
    if np.any(np.abs(numbers[~absent]) > LARGEST):
        raise ValueError(
            f"The column {name!r} must hold finite numbers up to {LARGEST:g}; "
            f"not {numbers[~absent][np.abs(numbers[~absent]) > LARGEST][0]:g}."
        )
    if len(np.unique(numbers)) <= 1:
        return _replace(column, feature_type="constant")
    if len(np.unique(numbers[~absent])) == 1:  # and missing elsewhere
        return _fit_single(column, numbers[~absent], bin_continuous)
    cuts = _cut(name, numbers[~absent], n_bins, quantile_bins)
    column = _replace(column, bin_cuts=cuts, centre=normal(numbers[~absent]))
    if bin_continuous:
        shares = bin_shares(numbers[~absent], cuts, len(numbers))
        sampler = make_pieces(cuts, shares)
        return _replace(
            column,
            binned=True,
            distribution=pd.Series(shares),
            sampler=sampler,
            cut_texts=tuple(format_numbers(cuts[1:-1], 3)),
        )
    if use_density and np.ptp(numbers[~absent]) > _LEAST_SPREAD:
        estimate = density(numbers[~absent])
        return _replace(column, distribution=estimate, sampler=density_pieces(estimate))
    return _replace(column, distribution=column.centre, sampler=column.centre)


def levels_of(column: Column) -> pd.Index:
    """What a column of levels can hold."""
    return pd.Index([], dtype=object) if column.levels is None else column.levels


def _replace(column: Column, **changes: Any) -> Column:
    return Column(**{**column.__dict__, **changes})


def numbers_of(values: pd.Series) -> np.ndarray:
    """The values as floating point numbers, NaN where missing."""
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _fit_levels(column: Column, values: pd.Series) -> Column:
    if column.feature_type == "factor":
        levels = values.cat.categories
    elif column.feature_type == "logical":
        levels = pd.Index([False, True], dtype=object)
    else:
        different = values.dropna().astype(object).unique().tolist()
        try:
            different = sorted(different)
        except TypeError:
            different = sorted(different, key=lambda value: (type(value).__name__, str(value)))
        levels = pd.Index(different, dtype=object)
    column = _replace(column, levels=levels)
    codes = encode(values, column)
    shares = np.bincount(codes[codes >= 0], minlength=len(levels)) / len(values)
    distribution = pd.Series(shares, index=levels, dtype=np.float64)
    if column.feature_type == "logical":
        distribution = distribution[distribution > 0]
    cumulative = np.cumsum(np.append(shares, column.missing))
    # The last level that occurs takes up the rounding error of the sum.
    cumulative[cumulative >= cumulative[-1]] = 1.0
    return _replace(column, distribution=distribution, sampler=cumulative)


def _fit_single(column: Column, numbers: np.ndarray, bin_continuous: bool) -> Column:
    """A column with one number, or none: these are compared like two levels."""
    centre = normal(numbers)
    return _replace(
        column,
        bin_cuts=np.array([centre.mean, centre.mean]),
        distribution=pd.Series([1.0 - column.missing]) if bin_continuous else centre,
        centre=centre,
        binned=True,
        sampler=centre,
    )


def _cut(name: Hashable, numbers: np.ndarray, n_bins: int, quantile_bins: bool) -> np.ndarray:
    if quantile_bins:
        cuts = quantile_cuts(numbers, n_bins)
        if len(cuts) >= 3:
            return cuts
        warnings.warn(
            f"{name} does not contain enough variance to use quantile binning. "
            "Using standard binning instead.",
            stacklevel=7,
        )
    return equal_cuts(float(numbers.min()), float(numbers.max()), n_bins)


def whole_range(dtype: Any) -> tuple[float, float]:
    """The numbers that an integer type can hold, within what a float counts exactly."""
    plain = getattr(dtype, "numpy_dtype", dtype)
    if isinstance(plain, np.dtype) and plain.kind in "iu":
        limits = np.iinfo(plain)
        if plain.itemsize < 8:
            return float(limits.min), float(limits.max)
        # The largest numbers below the limits that a float can hold.
        return float(limits.min), float(np.nextafter(float(limits.max), 0.0))
    return -np.inf, np.inf


def encode(values: pd.Series, column: Column) -> np.ndarray:
    """
    Turn values into numbers, or into positions of levels.

    Returns
    -------
    numpy.ndarray
        Floating point numbers, NaN where missing; or whole numbers, -1 where missing and
        -2 where a level is unknown.
    """
    if column.feature_type not in LEVEL_TYPES:
        return numbers_of(values)
    if values.dtype == bool:
        return values.to_numpy().astype(np.int64)
    levels = levels_of(column)
    if isinstance(values.dtype, pd.CategoricalDtype) and column.feature_type == "factor":
        # The categories may stand in another order than the training data's.
        positions = levels.get_indexer(values.cat.categories)
        places = np.append(np.where(positions < 0, UNKNOWN, positions), -1)
        return places[values.cat.codes.to_numpy()].astype(np.int64)
    plain = values.astype(object).to_numpy()
    try:
        codes = levels.get_indexer(pd.Index(plain, dtype=object)).astype(np.int64)
    except TypeError:  # a value that cannot be a level, such as a list
        known = {level: number for number, level in enumerate(levels)}
        codes = np.array(
            [known.get(v, UNKNOWN) if isinstance(v, Hashable) else UNKNOWN for v in plain]
        )
    absent = values.isna().to_numpy(dtype=bool)
    codes[codes < 0] = UNKNOWN
    codes[absent] = -1
    return codes


def decode(values: np.ndarray, column: Column, dtype: Any) -> Any:
    """
    Turn numbers or positions of levels into an array of a type.

    Parameters
    ----------
    values
        As from `encode`, without unknown levels.
    column
        From `fit_column`.
    dtype
        The column's type, or the wider one that `cast` gave.

    Returns
    -------
    numpy.ndarray or pandas array
        Of the type; shares its memory with `values` where it can.
    """
    if column.feature_type in LEVEL_TYPES:
        return _decode_levels(values, column, dtype)
    if isinstance(dtype, np.dtype) and dtype.kind in "fiu":
        return values.astype(dtype, copy=False)
    absent = np.isnan(values)
    if is_object(dtype):
        plain = values.astype(object)
        if column.feature_type == "integer":
            plain[~absent] = [int(value) for value in values[~absent]]
        plain[absent] = column.gap
        return plain
    if pd.api.types.is_integer_dtype(dtype):
        filled = np.where(absent, 0.0, values).astype(np.int64)
        array: Any = pd.array(filled, dtype=dtype)
    else:
        array = pd.array(values, dtype=dtype)
    if absent.any():
        array[absent] = pd.NA if not isinstance(dtype, pd.SparseDtype) else np.nan
    return array


def _decode_levels(codes: np.ndarray, column: Column, dtype: Any) -> Any:
    levels = levels_of(column)
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(codes, dtype=dtype)
    if isinstance(dtype, np.dtype) and dtype.kind == "b":
        return codes.astype(bool)
    if is_object(dtype):
        # A missing value has the position -1, which is the last.
        table = np.empty(len(levels) + 1, dtype=object)
        table[:-1] = levels
        table[-1] = column.gap
        return table[codes]
    return pd.array(levels.tolist(), dtype=dtype).take(codes, allow_fill=True)


def draw_column(column: Column, n: int, random: np.random.Generator) -> np.ndarray:
    """
    Draw values of a column, as `encode` gives them.

    Parameters
    ----------
    column
        From `fit_column`, one that is not kept.
    n
        How many.
    random
        Source of the draws.

    Returns
    -------
    numpy.ndarray
        n numbers or positions of levels. Numbers of an integer column are rounded; a
        missing value is drawn at the rate of the training data.
    """
    sampler = column.sampler
    if isinstance(sampler, np.ndarray):
        codes = draw_levels(sampler, n, random)
        codes[codes == len(sampler) - 1] = -1
        return codes
    if isinstance(sampler, Pieces):
        values = draw(sampler, n, random)
    elif isinstance(sampler, Normal):
        values = sampler.mean + sampler.sd * random.standard_normal(n)
    else:
        raise ValueError(f"The column {column.name!r} keeps the value of the case.")
    if column.feature_type == "integer":
        np.rint(values, out=values)
        lowest, highest = whole_range(column.dtype)
        if lowest > -np.inf:
            np.clip(values, lowest, highest, out=values)
    elif isinstance(column.dtype, np.dtype) and column.dtype.itemsize < 8:
        limits = np.finfo(column.dtype)
        np.clip(values, float(limits.min), float(limits.max), out=values)
        values = values.astype(column.dtype).astype(np.float64)
    if column.missing:
        values[random.random(n) < column.missing] = np.nan
    return values


def _bin_limits(column: Column, value: float) -> tuple[int, float, float]:
    """The bin of a number and its limits; the outermost bins have no end."""
    cuts = column.bin_cuts if column.bin_cuts is not None else np.array([-np.inf, np.inf])
    position = int(np.searchsorted(cuts[1:-1], value, side="left"))
    low = -np.inf if position == 0 else cuts[position]
    high = np.inf if position == len(cuts) - 2 else cuts[position + 1]
    return position, float(low), float(high)


def design_of(values: np.ndarray, column: Column) -> np.ndarray:
    """
    Compare the values of a column with the first of them.

    Parameters
    ----------
    values
        As from `encode`; the first is the case's.
    column
        From `fit_column`.

    Returns
    -------
    numpy.ndarray
        Whether each is the case's level or in its bin; of numbers that are not binned,
        themselves, with the mean where one is missing. Where the case's value is missing:
        whether each is missing too.
    """
    if column.feature_type in LEVEL_TYPES:
        return values == values[0]
    if column.is_kept:
        return np.zeros(len(values))
    if np.isnan(values[0]):
        return np.isnan(values)
    if column.binned:
        _, low, high = _bin_limits(column, values[0])
        if low == -np.inf:
            return values <= high
        return (values > low) if high == np.inf else (values > low) & (values <= high)
    mean = 0.0 if column.centre is None else column.centre.mean
    return np.where(np.isnan(values), mean, values) if column.missing else values


def scale(design: np.ndarray, column: Column) -> np.ndarray:
    """Standardise a column of a design by the training data, if it holds numbers."""
    if design.dtype == bool or column.centre is None or column.binned:
        return design
    sd = column.centre.sd
    return (design - column.centre.mean) / sd if sd > 0 else design - column.centre.mean


def describe(column: Column, value: Any) -> str:
    """
    Describe the value of a case, as R's `lime` does.

    Parameters
    ----------
    column
        From `fit_column`.
    value
        The case's value.

    Returns
    -------
    str
        Such as `"age <= 20"`, `"20 < age <= 30"`, `"city = Oslo"`, `"member is true"` or
        `"age is missing"`; the name alone where there is nothing to compare.
    """
    name = column.name
    if column.is_kept:
        return str(name)
    if value is None or pd.isna(value):
        return f"{name} is missing"
    if column.feature_type == "logical":
        return f"{name} is {str(bool(value)).lower()}"
    if column.feature_type in LEVEL_TYPES:
        return f"{name} = {value}"
    cuts = column.bin_cuts
    if not column.binned or cuts is None:
        return str(name)
    if len(cuts) == 2:
        return f"{name} = {value}"
    position, _, _ = _bin_limits(column, float(value))
    texts = column.cut_texts
    if position == 0:
        return f"{name} <= {texts[0]}"
    if position == len(texts):
        return f"{texts[-1]} < {name}"
    return f"{texts[position - 1]} < {name} <= {texts[position]}"
