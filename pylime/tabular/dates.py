"""Dates, times and durations: cast to one type, and drawn in bins like whole numbers."""

import datetime as dt
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from pylime import checks
from pylime.tabular.columns import Column, Dtype, Problems, Value, check_same_kind, is_object
from pylime.tabular.distributions import bin_shares, follow, make_pieces, normal, quantiles
from pylime.tabular.numbers import Numbers, check_distinct_cuts, cut_points_of, with_range
from pylime.tabular.options import TableOptions

__all__ = ["Clock", "Dates", "cast_dates", "class_of_objects"]

_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)
_NANOSECONDS = {"D": 86_400_000_000_000, "h": 3_600_000_000_000, "m": 60_000_000_000}
_NANOSECONDS |= {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def class_of_objects(values: pd.Series) -> type | None:
    """Return the class of dates that are Python objects; None for a type of pandas."""
    present = values.dropna()
    return type(present.iloc[0]) if is_object(values.dtype) and len(present) else None


def cast_dates(values: pd.Series, column: Column, known: type | None) -> pd.Series:
    """
    Give dates the type of a training column, and Python objects the class of its dates.

    Raises
    ------
    TypeError
        If they cannot be of that type.
    """
    try:
        if known is not None:
            objects = [_as_class(value, known) for value in values.astype(object)]
            return pd.Series(objects, index=values.index, dtype=object)
        return values.astype(column.dtype)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"The column {column.name!r} must have dates as in the training data "
            f"({column.dtype}); not {values.dtype}: {error}"
        ) from error


def _as_class(value: Value, known: type) -> Any:
    """Convert a date to an object of a class."""
    if type(value) is known or pd.isna(value):
        return value
    if known is pd.Timestamp or known is pd.Timedelta:
        return known(value)
    if known is dt.timedelta:
        return pd.Timedelta(value).to_pytimedelta()
    if known is dt.datetime:
        return pd.Timestamp(value).to_pydatetime()
    if known is dt.date:
        return pd.Timestamp(value).date()
    raise TypeError(f"a {type(value).__name__} is no {known.__name__}")


@dataclass(frozen=True)
class Clock:
    """
    How dates of one type count as whole numbers, and how these are written.

    Attributes
    ----------
    kind
        `"datetime"`, `"timedelta"`, `"period"` or `"time"`.
    unit
        What one tick is: a unit of numpy, or the frequency of a period.
    step
        How many ticks all dates of the training data are multiples of.
    example
        A date that is a Python object, and whose class others get; None for types of pandas.
    """

    kind: str
    unit: Any
    step: int = 1
    example: Any = None

    @classmethod
    def of(cls, values: pd.Series) -> Self:
        """Find out how the dates of a column count; they are not all missing."""
        clock = cls(*_kind_and_unit(values))
        ticks, absent = clock.ticks(values)
        return cls(clock.kind, clock.unit, clock._coarsest(ticks[~absent]), clock.example)

    def _coarsest(self, ticks: np.ndarray) -> int:
        """Return the largest step, of a day, an hour and so on, that all ticks are multiples of."""
        if self.kind == "period":
            return 1
        tick = _NANOSECONDS[self.unit]
        steps = [size // tick for size in _NANOSECONDS.values() if size >= tick]
        return next(step for step in steps if not np.any(ticks % step))

    def ticks(self, values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
        """Return dates as whole numbers of ticks, and which are missing."""
        absent = values.isna().to_numpy(dtype=bool)
        if self.example is not None:
            ticks = [
                0 if gap else _tick_of(value, self.unit)
                for value, gap in zip(values, absent, strict=True)
            ]
            return np.array(ticks, dtype=np.int64), absent
        array = values.array
        if isinstance(values.dtype, pd.ArrowDtype):
            zone = getattr(values.dtype.pyarrow_dtype, "tz", None)
            inner = f"{self.kind}64[{self.unit}{f', {zone}' if zone else ''}]"
            array = values.astype(pd.api.types.pandas_dtype(inner)).array
        if getattr(array, "tz", None) is not None:
            array = array.tz_localize(None)  # type: ignore[union-attr]
        ticks = np.asarray(array.asi8)  # type: ignore[union-attr]
        return np.where(absent, 0, ticks), absent

    def steps(self, values: pd.Series) -> np.ndarray:
        """Return dates as numbers of steps, NaN where missing."""
        ticks, absent = self.ticks(values)
        steps = ticks / self.step if self.step > 1 else ticks.astype(np.float64)
        return np.where(absent, np.nan, steps)

    def dates(self, steps: np.ndarray, dtype: Dtype, gap: Value) -> Any:
        """Return the dates at some numbers of steps, as an array of a type."""
        absent = np.isnan(steps)
        filled = np.where(absent, 0.0, steps)
        ticks = self._ticks_at(filled)
        if self.example is not None:
            objects = np.empty(len(steps), dtype=object)
            objects[:] = [
                gap if lost else _object_at(int(tick), self.unit, self.example)
                for tick, lost in zip(ticks, absent, strict=True)
            ]
            return objects
        if self.kind == "period":
            array: Any = pd.arrays.PeriodArray(ticks, dtype=dtype)
        else:
            array = pd.array(ticks.view(f"{'M' if self.kind == 'datetime' else 'm'}8[{self.unit}]"))
            zone = getattr(dtype, "tz", None)
            if isinstance(dtype, pd.ArrowDtype):
                zone = getattr(dtype.pyarrow_dtype, "tz", None)
            if zone is not None:
                first = np.zeros(len(ticks), dtype=bool)
                array = array.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
            array = pd.Series(array).astype(dtype).array
        if absent.any():
            array = array.copy()
            array[absent] = None
        return array

    def _ticks_at(self, steps: np.ndarray) -> np.ndarray:
        whole = np.rint(steps)
        ticks = whole.astype(np.int64) * self.step
        between = steps != whole
        ticks[between] = np.rint(steps[between] * self.step).astype(np.int64)
        return ticks

    def cuts(self, name: Hashable, given: Sequence[Any], values: pd.Series) -> np.ndarray:
        """
        Return the user's cuts as whole numbers of steps, of which the date is the last.

        Raises
        ------
        TypeError, ValueError
            If one is not a date, or several are the same in the steps of the training data.
        """
        zone = _zone_of(values, self.example)
        try:
            ticks = [self._tick_at(cut, zone) for cut in given]
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(
                f"`cuts[{name!r}]` must be {_CUTS[self.kind]}; not "
                f"{checks.some(given, 10)}: {error}"
            ) from error
        steps = np.array([tick // self.step for tick in ticks], dtype=np.float64)
        check_distinct_cuts(name, given, steps, [self.text(step) for step in steps])
        return steps

    def _tick_at(self, cut: Any, zone: Any) -> int:
        """Return the number of whole ticks up to a date, which can be written as a string."""
        if checks.is_number(cut) or pd.isna(cut):
            raise TypeError(f"{cut!r:.80} is not a date")
        if isinstance(cut, str):
            cut = str(cut)  # older pandas does not read numpy's strings
        if self.kind == "time":
            time = cut if isinstance(cut, dt.time) else dt.time.fromisoformat(cut)
            return _tick_of(time, self.unit)
        if self.kind == "period":
            if isinstance(cut, pd.Period):
                return cut.asfreq(self.unit, how="end").ordinal
            return pd.Period(cut, freq=self.unit).ordinal
        if self.kind == "timedelta":
            return int(pd.Timedelta(cut) // pd.Timedelta(1, self.unit))
        stamp = pd.Timestamp(cut)
        if stamp.tz is not None:
            if zone is None:
                raise TypeError(f"{cut!r:.80} has a time zone, which the column does not have")
            stamp = stamp.tz_convert(zone).tz_localize(None)
        return int((stamp - pd.Timestamp(0)) // pd.Timedelta(1, self.unit))

    def text(self, steps: float) -> str:
        """Write a date as people do, as precise as those of the training data."""
        [tick] = self._ticks_at(np.array([steps]))
        if self.kind == "period":
            return str(pd.Period(ordinal=int(tick), freq=self.unit))
        size = _NANOSECONDS[self.unit] * self.step
        if self.kind == "datetime":
            shown = next(unit for unit, least in _NANOSECONDS.items() if size >= least)
            shown = "m" if shown == "h" else shown
            stamp = np.datetime64(int(tick), self.unit)
            return str(stamp.astype(f"M8[{shown}]")).replace("T", " ")
        if self.kind == "time":
            return (_EPOCH + int(tick) * _MICROSECOND).time().isoformat()
        duration = pd.Timedelta(np.timedelta64(int(tick), self.unit))
        return f"{duration.days} days" if size == _NANOSECONDS["D"] else str(duration)


_CUTS = {
    "datetime": "dates, or strings that pandas reads as dates",
    "timedelta": "durations, or strings that pandas reads as such",
    "period": "periods, or strings that pandas reads as such",
    "time": "times of day, or strings such as '12:30'",
}


def _zone_of(values: pd.Series, example: Any) -> Any:
    """Return the time zone of dates; None without one."""
    if example is not None:
        return getattr(example, "tzinfo", None)
    dtype: Dtype = values.dtype
    inner = dtype.pyarrow_dtype if isinstance(dtype, pd.ArrowDtype) else dtype
    return getattr(inner, "tz", None)


def _kind_and_unit(values: pd.Series) -> tuple[Any, ...]:
    """Return kind and unit of dates; of Python objects also a step and an example."""
    dtype: Dtype = values.dtype
    if isinstance(dtype, pd.PeriodDtype):
        return "period", dtype.freq
    if dtype.kind in "mM":
        kind = "datetime" if dtype.kind == "M" else "timedelta"
        if isinstance(dtype, pd.ArrowDtype):  # a date has no unit
            return kind, getattr(dtype.pyarrow_dtype, "unit", "s")
        return kind, getattr(values.array, "unit", "ns")
    example = values.dropna().iloc[0]
    for kind, classes in _CLASSES.items():
        if isinstance(example, classes):
            return kind, _unit_of(example), 1, example
    raise TypeError(f"a {type(example).__name__}")


_CLASSES: dict[str, Any] = {
    "datetime": (dt.date, np.datetime64),
    "timedelta": (dt.timedelta, np.timedelta64),
    "period": pd.Period,
    "time": dt.time,
}


def _unit_of(example: Any) -> Any:
    """Return the unit of a tick, of dates that are Python objects."""
    if isinstance(example, pd.Period):
        return example.freq
    if isinstance(example, np.datetime64 | np.timedelta64):
        unit = np.datetime_data(example.dtype)[0]
        return unit if unit in _NANOSECONDS else "D"
    return "D" if type(example) is dt.date else "us"


def _tick_of(value: Value, unit: Any) -> int:
    """Return the number of ticks of a date that is a Python object."""
    if isinstance(value, pd.Period):
        return value.ordinal
    if isinstance(value, np.datetime64 | np.timedelta64):
        letter = "M" if isinstance(value, np.datetime64) else "m"
        return int(value.astype(f"{letter}8[{unit}]").astype(np.int64))
    if isinstance(value, dt.timedelta):
        return value // _MICROSECOND
    if isinstance(value, dt.time):
        return (dt.datetime.combine(_EPOCH, value.replace(tzinfo=None)) - _EPOCH) // _MICROSECOND
    if isinstance(value, dt.datetime):
        return (value.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
    return value.toordinal() - _EPOCH.toordinal()


def _object_at(tick: int, unit: Any, example: Any) -> Any:
    """Return the date at a number of ticks, of the class of an example."""
    if isinstance(example, pd.Period):
        return pd.Period(ordinal=tick, freq=unit)
    if isinstance(example, np.datetime64 | np.timedelta64):
        return type(example)(tick, unit)
    if isinstance(example, dt.timedelta):
        return type(example)(microseconds=tick)
    moment = _EPOCH + tick * (dt.timedelta(days=1) if unit == "D" else _MICROSECOND)
    if isinstance(example, dt.time):
        return moment.time().replace(tzinfo=example.tzinfo)
    if isinstance(example, dt.datetime):
        moment = moment.replace(tzinfo=example.tzinfo)
        return pd.Timestamp(moment) if isinstance(example, pd.Timestamp) else moment
    return moment.date()


@dataclass(frozen=True, eq=False, kw_only=True)
class Dates(Numbers):
    """
    A column of dates that are drawn, and compared by their bins.

    Encoded values are numbers of steps, such as days, since 1970; of durations and times of
    day, since 0. Dates with a time zone count by its clocks.

    Attributes
    ----------
    clock
        How dates are turned into numbers.
    """

    clock: Clock

    @classmethod
    def fit_dates(cls, kept: Column, values: pd.Series, options: TableOptions) -> "Dates | None":
        """Learn the bins of dates; None if they do not differ."""
        clock = Clock.of(values)
        steps = clock.steps(values)
        steps = steps[~np.isnan(steps)]
        if steps.min() == steps.max():
            return None
        bins = options.bins_of(kept.name)
        lacks_variance, own_cuts = False, not isinstance(bins, int)
        if isinstance(bins, int):
            cuts, lacks_variance = cut_points_of(steps, bins, options)
            # A bin holds the same dates up to a fraction of a step as up to the whole one below.
            cuts = np.unique(np.floor(cuts))
        else:
            cuts = with_range(clock.cuts(kept.name, bins, values), steps)
        shares = bin_shares(steps, cuts, len(values))
        centre = normal(steps)
        return cls(
            name=kept.name,
            dtype=kept.dtype,
            feature_type="date_time",
            missing=kept.missing,
            gap=kept.gap,
            centre=centre,
            bin_cuts=cuts,
            binned=True,
            distribution=pd.Series(shares),
            # What is drawn is rounded up: from just above one cut to the next.
            sampler=follow(steps, cuts[1:-1])
            if own_cuts
            else make_pieces(np.r_[cuts[0] - 1, cuts[1:]], shares),
            cut_texts=tuple(clock.text(cut) for cut in cuts[1:-1]),
            own_cuts=own_cuts,
            lacks_variance=lacks_variance,
            clock=clock,
        )

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Convert dates to the training column's type."""
        check_same_kind(self, values)
        example = self.clock.example
        return cast_dates(values, self, None if example is None else type(example)), {}

    def encode(self, values: pd.Series) -> np.ndarray:
        """Return numbers of steps, NaN where missing."""
        return self.clock.steps(values)

    def decode(self, values: np.ndarray, dtype: Dtype) -> Any:
        """Return dates of a type."""
        return self.clock.dates(values, dtype, self.gap)

    def _quantiles(self, u: np.ndarray) -> np.ndarray:
        """Return the whole numbers of steps at some cumulative shares."""
        values = quantiles(self.sampler, u)  # type: ignore[arg-type]
        np.ceil(values, out=values)
        if self.bin_cuts is not None:
            np.maximum(values, self.bin_cuts[0], out=values)
        return values

    def number_of(self, value: Value) -> float:
        """Convert one date to its number of steps."""
        date, _ = self.cast(pd.Series([value], dtype=object))
        return float(self.encode(date)[0])

    def cut_points(self) -> Any:
        """Return the cut points as dates."""
        return None if self.bin_cuts is None else self.decode(self.bin_cuts, self.dtype)
