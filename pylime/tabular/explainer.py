"""
The explainer of tables.

A permutation of a row draws each column independently: numbers from their bins or their
density, levels with the probabilities of their shares. In the design, 1 stands for a number in the
case's bin or for the case's level.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Model, Preprocess
from pylime.draws import KindOfRows
from pylime.errors import CaseError
from pylime.explainer_page import ColumnFacts
from pylime.foreign import foreign_frame, to_pandas
from pylime.pipeline import (
    AllOf,
    Batch,
    Explainer,
    InputKind,
    Permutations,
    Perturbed,
    inputs_of,
)
from pylime.request import Request
from pylime.seeds import case_generator
from pylime.tabular.binned import Binned
from pylime.tabular.codes import Codes
from pylime.tabular.columns import UNKNOWN, Column, Distribution, feature_type_of, plain
from pylime.tabular.dates import Dates, class_of_objects
from pylime.tabular.enumeration import enumerates_all
from pylime.tabular.facts import facts_of
from pylime.tabular.groups import fit_group
from pylime.tabular.kept import Held, Kept
from pylime.tabular.levels import Levels
from pylime.tabular.numbers import Numbers, numbers_of
from pylime.tabular.options import LARGEST, ExplainTableOptions, TableOptions
from pylime.tabular.permutations import (
    Chunk,
    Drawing,
    DrawnUnits,
    as_array,
    content,
    draw_case,
    in_order,
    make_chunk,
    n_values,
    permuted_frame,
    records,
    redrawn,
)
from pylime.tabular.roles import Roles, check_bins, roles_of, warn_of_columns
from pylime.tabular.units import CaseUnits, PartOfUnit, Units, alone
from pylime.tabular.words import TextColumn, Texts, Words
from pylime.text.documents import BATCH_CHARACTERS, MOST_CELLS

__all__ = ["TABLE", "Table", "TableExplainer", "describe_feature", "fit_column", "numerify"]

# About how many values the permutations of one call of the model may have.
_CHUNK_VALUES = 3_000_000


@dataclass(frozen=True, eq=False)
class Table:
    """
    Rows as a pandas frame.

    Attributes
    ----------
    frame
        The rows; the names of cases are its index labels.
    array_type
        The type of the elements, if the table was an array.
    problems
        What is wrong with single rows, by their positions.
    unseen
        The columns in which a row has a level that the training data lack, by its position.
    floats
        The rows as an array, if all columns have floating point numbers, as in the training data.
    """

    frame: pd.DataFrame
    array_type: np.dtype | None = None
    problems: Mapping[int, str] = field(default_factory=dict)
    unseen: Mapping[int, Sequence[Hashable]] = field(default_factory=dict)
    floats: np.ndarray | None = None

    @property
    def names(self) -> list[Hashable]:
        """The name of each case."""
        return self.frame.index.tolist()

    def take(self, positions: Sequence[int]) -> "Table":
        """Return some of the rows."""
        rows = list(enumerate(positions))
        return Table(
            self.frame.iloc[list(positions)],
            self.array_type,
            {new: self.problems[old] for new, old in rows if old in self.problems},
            {new: self.unseen[old] for new, old in rows if old in self.unseen},
            None if self.floats is None else self.floats[list(positions)],
        )


@dataclass(frozen=True, repr=False, eq=False)
class TableExplainer(Explainer):
    """
    Explains the predictions of a model of tables; made by `pylime.lime`.

    Attributes
    ----------
    columns
        The columns, as fitted to the training data.
    header
        Their names, as an index of pandas.
    binned
        Those of the columns that are drawn and compared at once.
    lime_options
        The options of `pylime.lime`.
    array_type
        The type of the elements, if the training data was an array.
    units
        The text columns and groups, sorted by name.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0], "city": ["Oslo", "Bergen"] * 2})
    >>> explainer = lime(rows, as_regressor(lambda rows: rows["age"]), n_bins=2)
    >>> explainer.bin_cuts["age"].tolist()
    [20.0, 35.0, 70.0]
    """

    columns: tuple[Column, ...] = field(repr=False)
    header: pd.Index = field(repr=False)
    binned: Binned = field(repr=False)
    lime_options: TableOptions
    array_type: np.dtype | None = None
    units: tuple[Units, ...] = field(default=(), repr=False)

    @property
    def feature_type(self) -> dict[Hashable, str]:
        """The type of each column, in R's terms."""
        return {column.name: column.feature_type for column in self.columns}

    @property
    def has_texts(self) -> bool:
        """Whether there are text columns."""
        return any(isinstance(unit, Texts) for unit in self.units)

    @property
    def bin_cuts(self) -> dict[Hashable, np.ndarray | None]:
        """Cut points of each column of numbers, or of dates that are drawn; None for others."""
        return {column.name: column.cut_points() for column in self.columns}

    @property
    def feature_distribution(self) -> dict[Hashable, Distribution | None]:
        """
        The distribution that each column is drawn from.

        Shares of the rows by bin or by level as a Series, which sum to one minus the share
        of missing values; a `Density` or `Normal`; None if permutations keep the case's value.
        """
        return {column.name: column.distribution for column in self.columns}

    def __repr__(self) -> str:
        n = len(self.columns)
        return f"{super().__repr__()[:-1]}: {n} column{'s' if n != 1 else ''}>"

    def _columns(self) -> Sequence[ColumnFacts]:
        return [facts_of(column) for column in self.columns]


# What is a table


def _is_table(x: object) -> bool:
    """Whether something is a data frame, or an array that is neither images nor texts."""
    if isinstance(x, np.ndarray):
        is_texts = x.ndim == 2 and x.shape[1] == 1 and all(isinstance(v, str) for v in x[:, 0])
        return x.ndim == 2 and x.dtype != np.uint8 and x.dtype.kind in "fiubOU" and not is_texts
    return isinstance(x, pd.DataFrame) or foreign_frame(x) is not None


def _read_table(x: object) -> Table | None:
    """Read the rows of a frame or array, or a single row."""
    if isinstance(x, pd.DataFrame):
        return Table(_in_native_order(x))
    if isinstance(x, pd.Series):
        # A row of a frame with sparse columns is sparse, which pandas cannot transpose or write to.
        row = x.astype(object) if isinstance(x.dtype, pd.SparseDtype) else x
        return Table(row.to_frame().T)
    if isinstance(x, np.ndarray):
        x = x[None, :] if x.ndim == 1 else x
        if x.ndim != 2 or x.dtype.kind not in "fiubOU":
            return None
        values = x.astype(x.dtype.newbyteorder("="), copy=False)  # pandas takes no other
        frame = pd.DataFrame(values, columns=_names_of_array(x.shape[1]))
        return Table(frame.infer_objects() if x.dtype == object else frame, x.dtype)
    foreign = foreign_frame(x)
    return None if foreign is None else Table(to_pandas(foreign))


@lru_cache(maxsize=16)
def _names_of_array(n_columns: int) -> pd.Index:
    """Name the columns of an array."""
    return pd.Index([f"x{number}" for number in range(n_columns)])


def _in_native_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert numbers to the byte order of this machine, the only one that pandas supports."""
    native = frame.copy(deep=False)
    for position, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, np.dtype) and not dtype.isnative:
            values = frame.iloc[:, position].to_numpy()
            native.isetitem(position, values.astype(dtype.newbyteorder("=")))
    return native


# lime()


def _make_table_explainer(
    data: Table, model: Model, preprocess: Preprocess, options: TableOptions, kind: InputKind
) -> TableExplainer:
    """Fit every column to the training data."""
    frame = data.frame
    if not frame.shape[1]:
        raise ValueError("`x` must have at least one column; it has none.")
    _check_distinct(pd.Index([str(name) for name in frame.columns]))
    names = frame.columns.tolist()
    roles = roles_of(names, data.array_type is not None, model, preprocess, options)
    options = roles.options
    columns = tuple(
        _fit_in_role(name, frame.iloc[:, position], options, roles)
        for position, name in enumerate(names)
    )
    check_bins(columns, options)
    _warn_of_even_bins(columns)
    _warn_of_single_bins(columns, options)
    constant = [c.name for c in columns if c.feature_type == "constant" and c.is_feature]
    if constant:
        checks.warn(
            "Data contains numeric columns with zero variance, which are not permuted: "
            f"{checks.some(constant, form=str)}."
        )
    warn_of_columns(frame, columns, options.dates)
    return TableExplainer(
        model,
        preprocess,
        kind,
        columns,
        frame.columns,
        Binned.of(columns),
        options,
        data.array_type,
        _fit_units(frame, columns, roles, options),
    )


def _fit_in_role(name: Hashable, values: pd.Series, options: TableOptions, roles: Roles) -> Column:
    """Fit a column to the training data, as what it is for the user and the model."""
    if name in roles.held:
        return Held.of(name, values.dtype)
    if name in roles.texts:
        return TextColumn.fit(name, values)
    if any(name in members for members in roles.groups.values()):
        # Members are compared by bins, and drawn with their row, dates among them.
        options = replace(options, bin_continuous=True, dates="draw")
        return PartOfUnit.of(fit_column(name, values, options, roles.codes.get(name)))
    return fit_column(name, values, options, roles.codes.get(name))


def _fit_units(
    frame: pd.DataFrame, columns: Sequence[Column], roles: Roles, options: TableOptions
) -> tuple[Units, ...]:
    """Fit the text columns and groups."""
    place_of = {column.name: place for place, column in enumerate(columns)}
    units: list[Units] = [
        Texts(name, (place_of[name],), tokenization, options.keep_word_position)
        for name, tokenization in roles.texts.items()
    ]
    units += [
        fit_group(name, tuple(place_of[member] for member in members), frame, columns)
        for name, members in roles.groups.items()
    ]
    return tuple(sorted(units, key=lambda unit: str(unit.name)))


def _warn_of_even_bins(columns: Sequence[Column]) -> None:
    """Warn once of all columns of which too few quantiles differ, such as those of 0 and 1."""
    names = [column.name for column in columns if getattr(column, "lacks_variance", False)]
    if names:
        do = "does" if len(names) == 1 else "do"
        checks.warn(
            f"{checks.some(names, form=str)} {do} not contain enough variance to use quantile "
            "binning. Using standard binning instead."
        )


def _warn_of_single_bins(columns: Sequence[Column], options: TableOptions) -> None:
    """Warn once of all columns whose own cuts leave all training rows in one bin."""
    names = [
        column.name
        for column in map(alone, columns)
        if column.name in (options.cuts or {}) and _fills_one_bin(column)
    ]
    if names:
        cuts = ", ".join(f"cuts[{name!r}]" for name in names[:5])
        checks.warn(
            f"All training rows lie in one bin of {checks.some(names, form=str)}, so that cases in "
            f"this bin never get a weight for it. `{cuts}` must divide the data."
        )


def _fills_one_bin(column: Column) -> bool:
    shares = column.distribution
    return isinstance(shares, pd.Series) and np.count_nonzero(shares) == 1 and not column.missing


def fit_column(
    name: Hashable,
    values: pd.Series,
    options: TableOptions | None = None,
    codes: Mapping[Hashable, str] | None = None,
) -> Numbers | Levels | Kept:
    """
    Fit a column to the training data.

    Parameters
    ----------
    name
        The column's name.
    values
        Its values, at least one.
    options
        How to bin numbers, by the names of columns, and what to do with dates.
    codes
        If the numbers are codes: the names of those that have one.

    Raises
    ------
    TypeError
        If it has a value that is not a number, a level or a date, or a cut of the user's is of
        another kind.
    ValueError
        If a number is infinite.
    """
    options = options or TableOptions()
    feature_type = feature_type_of(name, values)
    absent = values.isna().to_numpy(dtype=bool)
    missing = float(absent.mean())
    gap = values[absent].iloc[0] if absent.any() else np.nan
    if feature_type in ("character", "factor", "logical"):
        return Levels.fit(name, values, feature_type, missing, gap, names=codes or {})
    kept = Kept(
        name=name,
        dtype=values.dtype,
        feature_type=feature_type,
        missing=missing,
        gap=gap,
        class_of_dates=class_of_objects(values) if feature_type == "date_time" else None,
    )
    if feature_type == "date_time":
        drawn = options.dates == "draw" and not absent.all()
        return (Dates.fit_dates(kept, values, options) if drawn else None) or kept
    if codes is not None and not absent.all():
        return Codes.fit(name, values, "factor", missing, gap, names=codes)
    numbers = numbers_of(values)
    if np.any(np.abs(numbers[~absent]) > LARGEST):
        raise ValueError(
            f"The column {name!r} must have finite numbers up to {LARGEST:g}; "
            f"not {numbers[~absent][np.abs(numbers[~absent]) > LARGEST][0]:g}."
        )
    if len(np.unique(numbers)) <= 1:
        return replace(kept, feature_type="constant")
    return Numbers.fit(name, values, feature_type, missing, gap, options)


def _check_distinct(names: pd.Index) -> None:
    """Raise if two columns share a name."""
    if not names.is_unique:
        repeated = names[names.duplicated()].unique().tolist()
        raise ValueError(
            f"The columns of `x` must have different names; repeated: {checks.some(repeated, 5)}."
        )


def _example_rows(explainer: TableExplainer, data: Table) -> pd.DataFrame | np.ndarray:
    """Return two rows, without missing values if there are such."""
    frame = data.frame
    complete = np.flatnonzero(frame.notna().all(axis=1).to_numpy())
    rows = complete if len(complete) else np.arange(len(frame))
    # Distant rows: training data can be sorted by class.
    rows = rows[[0, len(rows) // 2]]
    some = frame.iloc[rows].reset_index(drop=True)
    return some if data.array_type is None else as_array(some, data.array_type)


# explain()


def _match_columns(explainer: TableExplainer, cases: Table, options: ExplainTableOptions) -> Table:
    """Give the cases the columns of the training data, in the same order and types."""
    if options.sampling == "kernel":
        _check_binned(explainer)
    if options.p_remove != ExplainTableOptions.p_remove and not explainer.has_texts:
        raise ValueError(
            "`p_remove` is an option of text columns; the explainer has none: "
            "lime(..., text_columns=...) names them."
        )
    names = [column.name for column in explainer.columns]
    frame = cases.frame
    by_position = cases.array_type is not None or (
        explainer.array_type is not None and isinstance(frame.columns, pd.RangeIndex)
    )
    if by_position and frame.shape[1] == len(names):
        frame = frame.set_axis(explainer.header, axis=1)  # columns of an array have no names
    if not frame.columns.equals(explainer.header):
        _check_columns(frame, names)
    if (floats := _floats_of(frame, explainer, cases.array_type)) is not None:
        return Table(frame, cases.array_type, floats=floats)
    series: dict[Hashable, pd.Series] = {}
    problems: dict[int, str] = {}
    unseen: dict[int, list[Hashable]] = {}
    for column in explainer.columns:
        series[column.name], wrong = column.cast(frame[column.name])
        for row, problem in wrong.items():
            problems.setdefault(row, problem)
        fitted = alone(column)
        if isinstance(fitted, Levels):
            for row in np.flatnonzero(fitted.encode(series[column.name]) == UNKNOWN):
                unseen.setdefault(int(row), []).append(column.name)
    aligned = pd.DataFrame(dict(enumerate(series.values())), index=frame.index)
    aligned.columns = explainer.header
    return Table(aligned, cases.array_type, problems, unseen)


def _check_binned(explainer: TableExplainer) -> None:
    """Raise unless all columns have bins or levels."""
    numbers = [
        column.name
        for column in explainer.columns
        if isinstance(column, Numbers) and not column.binned
    ]
    if numbers:
        raise ValueError(
            '`sampling` can be "kernel" only where all columns have bins or levels; without bins '
            f"are {checks.some(numbers, 5)}. lime(..., bin_continuous=True) makes bins."
        )


def _check_columns(frame: pd.DataFrame, names: Sequence[Hashable]) -> None:
    """Raise if a column is missing or repeated; warn about columns that are not used."""
    _check_distinct(frame.columns)
    given, known = set(frame.columns), set(names)
    absent = [name for name in names if name not in given]
    if absent:
        raise ValueError(
            f"`x` must have all {len(names)} columns of the training data; {len(absent)} "
            f"{'is' if len(absent) == 1 else 'are'} missing: {checks.some(absent, 20, str)}."
        )
    extra = [name for name in frame.columns if name not in known]
    if extra:
        checks.warn(
            "`x` has columns that are not in the training data; they are ignored: "
            f"{checks.some(extra, 20, str)}."
        )


def _floats_of(
    frame: pd.DataFrame, explainer: TableExplainer, array_type: np.dtype | None
) -> np.ndarray | None:
    """Return the rows as an array if no column needs a cast: all have floats that are not large."""
    same = frame.columns.equals(explainer.header)
    if not same or not all(map(_is_plain, explainer.columns)):
        return None
    if array_type != np.float64 and any(dtype != np.float64 for dtype in frame.dtypes.tolist()):
        return None
    floats = frame.to_numpy()
    return None if np.any(np.abs(floats) > LARGEST) else floats


def _is_plain(column: Column) -> bool:
    """Whether a column has fractions that are not codes."""
    return column.dtype == np.float64 and column.is_feature and not column.holds_levels


def _predicted_together(
    explainer: TableExplainer, cases: Table, request: Request
) -> Iterator[Table]:
    """
    Divide the cases into parts that are predicted in one call.

    The size of a call is bounded. A missing value can change the type of its column, which must
    not change the other cases, so that the cases of a part miss values in the same columns. A
    case with a problem is a part of its own, and so is one with a new level, which the model may
    refuse.
    """
    size = max(_CHUNK_VALUES // (request.n_permutations * len(explainer.columns)), 1)
    if explainer.units:
        size = 1  # each text has words of its own
    if request.options.batch_size is not None:
        # Calls that are too small for two cases have one, so that an error costs no other case.
        size = min(size, max(request.options.batch_size // request.n_permutations, 1))
    if cases.floats is not None and len(cases.frame) <= size:
        yield cases
        return
    gaps = cases.frame.iloc[:, _widened(explainer, cases.frame)].isna().to_numpy()
    changes = np.flatnonzero(np.any(gaps[1:] != gaps[:-1], axis=1)) + 1
    apart = [*cases.problems, *cases.unseen]
    wrong = [edge for row in apart for edge in (row, row + 1)]
    bounds = sorted({0, *changes.tolist(), *wrong, len(cases.frame)})
    for start, stop in pairwise(bounds):
        for first in range(start, stop, size):
            yield cases.take(range(first, min(first + size, stop)))


def _widened(explainer: TableExplainer, frame: pd.DataFrame) -> list[int]:
    """Return the columns to which missing values gave another type than the training data's."""
    return [
        position
        for position, (column, dtype) in enumerate(
            zip(explainer.columns, frame.dtypes.tolist(), strict=True)
        )
        if dtype != column.dtype and not isinstance(column, Held)
    ]


def _in_types_of(columns: Sequence[Column], frame: pd.DataFrame) -> pd.DataFrame:
    """Convert a frame to the types of some columns, except where one cannot have a gap."""
    types = {
        column.name: column.dtype
        for position, (column, dtype) in enumerate(zip(columns, frame.dtypes.tolist(), strict=True))
        if dtype != column.dtype
        and not isinstance(column, Held)
        and (isinstance(dtype, pd.CategoricalDtype) or frame.iloc[:, position].notna().all())
    }
    return frame.astype(types) if types else frame


def _perturb_table(
    explainer: TableExplainer, cases: Table, request: Request, n_predicted: int = 0
) -> Perturbed:
    """Draw the permutations of some cases, which the model predicts in one call."""
    if cases.problems:
        raise CaseError(next(iter(cases.problems.values())))
    columns = explainer.columns
    if cases.unseen:
        columns = tuple(column.widened(cases.frame[column.name]) for column in columns)
    frame = cases.frame if cases.floats is not None else _in_types_of(columns, cases.frame)
    drawn = _units_of(explainer, columns, frame, request)
    exact = None
    n = request.n_permutations
    if request.exact != "never":
        endless, sizes = n_values(make_chunk(columns, frame, 1, explainer.binned, drawn=drawn))
        if enumerates_all(endless, sizes, request):
            exact, n = AllOf("combinations", TABLE.n_permutations), math.prod(sizes)
    chunk = make_chunk(columns, frame, n, explainer.binned, cases.floats, drawn)
    features = _names_of_features(chunk)
    _check_features(chunk, features)
    # Everything that depends on the draws is computed before `preprocess` and the model receive
    # them, because these may change them in place.
    drawings = [
        draw_case(
            chunk,
            row,
            case_generator(request.seed, content(chunk, row)),
            request.options,
            request.draws,
            None if exact is None else exact.n_draws,
        )
        for row in range(len(frame))
    ]
    permutations = [
        Permutations(
            case=name,
            design=drawing.design,
            weights=drawing.weights,
            features=features,
            describe=_describer(chunk, record),
            data=record,
            n_inputs=chunk.n if drawing.distinct is None else len(drawing.distinct[0]),
            rows=None if drawing.distinct is None else drawing.distinct[1],
            unusual=_new_levels(cases.unseen.get(row, ()), record),
            held=_held_columns(chunk),
            n_words=_n_words(chunk),
            numbers=_numbers_of(chunk, drawing.n_numbers) if exact is None else None,
            redrawn=None
            if exact is not None
            else _redrawn_batch(explainer, chunk, row, drawing, request),
            reweighed=drawing.reweighed,
            exact=exact,
        )
        for row, (name, drawing, record) in enumerate(
            zip(cases.names, drawings, records(frame, cases.floats), strict=True)
        )
    ]
    batches = _table_batches(explainer, chunk, drawings, n_predicted)
    grown = partial(_grown, explainer, cases, request) if exact is None else None
    return Perturbed(permutations, batches, grown=grown)


def _grown(
    explainer: TableExplainer, cases: Table, request: Request, n: int, n_predicted: int
) -> Perturbed:
    """Draw n permutations of a case, of which the model has predicted the first."""
    return _perturb_table(explainer, cases, replace(request, n_permutations=n), n_predicted)


def _redrawn_batch(
    explainer: TableExplainer, chunk: Chunk, row: int, drawing: Drawing, request: Request
) -> Batch | None:
    """Draw permutations of a case again that have the same rows of the design, if asked to."""
    n = min(request.n_calls, chunk.n - 1)
    if not n:
        return None
    random = case_generator(request.seed, content(chunk, row), b"redrawn")
    again = redrawn(chunk, row, drawing.design, n, random)
    frame = permuted_frame(again, None, np.empty(0, dtype=np.intp))
    return Batch(_in_form(frame, explainer), n)


def _in_form(frame: pd.DataFrame, explainer: TableExplainer) -> pd.DataFrame | np.ndarray:
    """Convert permutations to an array, if the training data were one."""
    return frame if explainer.array_type is None else as_array(frame, explainer.array_type)


def _new_levels(names: Sequence[Hashable], record: Mapping[Hashable, Any]) -> str:
    """Name the levels that the training data lack, for the error of a model that refuses them."""
    found = [f"the column {name!r} has the level {plain(record[name])!r:.80}" for name in names]
    return f"{' and '.join(found)}, which is not in the training data" if found else ""


def _units_of(
    explainer: TableExplainer, columns: Sequence[Column], case: pd.DataFrame, request: Request
) -> list[DrawnUnits]:
    """Find the words and groups of a case."""
    found = []
    for unit in explainer.units:
        units = unit.of_case(
            columns, case, request.options.p_remove, partial(case_generator, request.seed)
        )
        if units is not None:
            found.append(DrawnUnits(unit.places, units, unit.content(columns, case)))
    return found


def _names_of_features(chunk: Chunk) -> list[str]:
    """Return the names of the features, in the order of the design."""
    names: list[str] = []
    for feature in in_order(chunk):
        if isinstance(feature, DrawnUnits):
            names += feature.units.features
        else:
            names.append(str(chunk.columns[feature].name))
    return names


def _check_features(chunk: Chunk, features: Sequence[str]) -> None:
    """Raise unless there are features, they differ, and they are not too many for the memory."""
    if not features:
        texts = [column.name for column in chunk.columns if column.feature_type == "text"]
        raise CaseError(
            f"The text column {checks.some(texts)} has no words, so there is nothing to explain."
        )
    if len({*features}) < len(features):
        twice = next(name for name, number in Counter(features).items() if number > 1)
        raise CaseError(
            f"Two features of the case have the name {twice!r}: that of a word begins with the "
            "name of its column, and another column, group or word has the same. Rename that "
            "column or group."
        )
    # Where a number is not binned, the design has numbers of 8 bytes.
    size = 1 if all(map(_is_compared, chunk.columns)) else 8
    if size * chunk.n * _n_words(chunk) > MOST_CELLS:
        raise CaseError(
            f"The texts have {_n_words(chunk)} words, too many for {chunk.n} permutations: the "
            f"product must not exceed {MOST_CELLS // size}. Lower `n_permutations`, explain parts "
            'of the texts, or pass `tokenization="sentence"` to `lime()`, or "paragraph".'
        )


def _is_compared(column: Column) -> bool:
    """Whether the design has only 0 and 1 of a column, as logicals."""
    binned = column.holds_levels or getattr(column, "binned", False)
    return binned or not column.is_feature or column.feature_type == "date_time"


def _numbers_of(chunk: Chunk, n_numbers: int) -> tuple[KindOfRows, int]:
    """Return what the uniform numbers of a permutation decide: a lone text can have its own."""
    if not n_numbers and len(chunk.drawn) == 1:
        return "text", len(chunk.drawn[0].units.features) + 1
    return "table", n_numbers


def _held_columns(chunk: Chunk) -> list[Hashable]:
    """Name the columns that are held, dates among them, and texts without words."""
    drawn = {place for each in chunk.drawn for place in each.places}
    return [
        column.name
        for place, column in enumerate(chunk.columns)
        if place not in drawn
        and column.feature_type in ("held", "date_time", "text")
        and (column.is_kept or not column.is_feature)
    ]


def _n_words(chunk: Chunk) -> int:
    """Count the words of the text columns."""
    words = [each.units for each in chunk.drawn if isinstance(each.units, Words)]
    return sum(len(each.features) for each in words)


def _describer(
    chunk: Chunk, record: Mapping[Hashable, Any]
) -> Callable[[Sequence[str]], list[tuple[Any, str]]]:
    """Make a function from features to the case's values and their descriptions."""

    def describe(features: Sequence[str]) -> list[tuple[Any, str]]:
        known = {str(chunk.columns[place].name): chunk.columns[place] for place in chunk.features}
        units = {name: each.units for each in chunk.drawn for name in each.units.features}
        return [
            units[feature].describe(feature)
            if feature in units
            else (record[known[feature].name], known[feature].describe(record[known[feature].name]))
            for feature in features
        ]

    return describe


def _table_batches(
    explainer: TableExplainer, chunk: Chunk, drawings: Sequence[Drawing], n_predicted: int
) -> Iterator[Batch]:
    """Return the distinct rows of all cases as one batch, in the form of the training data."""
    every = np.arange(chunk.n)
    parts = [every if drawing.distinct is None else drawing.distinct[0] for drawing in drawings]
    # The rows of a case are in the order of the permutations: the first of them are predicted.
    parts = [part[part >= n_predicted] for part in parts] if n_predicted else parts
    starts = np.cumsum([0, *map(len, parts)])
    if not starts[-1]:
        return
    rows = None
    if starts[-1] < len(chunk.frame) * chunk.n:
        rows = np.concatenate([case * chunk.n + part for case, part in enumerate(parts)])
    firsts = np.empty(0, dtype=np.intp) if n_predicted else starts[:-1]
    size = max(BATCH_CHARACTERS // max(_n_characters(chunk), 1), 1)
    if size >= starts[-1]:
        yield Batch(_in_form(permuted_frame(chunk, rows, firsts), explainer), int(starts[-1]))
        return
    rows = np.arange(chunk.n) if rows is None else rows
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        frame = permuted_frame(chunk, some, firsts if not start else firsts[:0])
        yield Batch(_in_form(frame, explainer), len(some))


def _n_characters(chunk: Chunk) -> int:
    """Count the characters of the texts of a case."""
    words = [each.units for each in chunk.drawn if isinstance(each.units, Words)]
    return sum(len(each.document.text or "") for each in words)


def _permuted_rows(explainer: TableExplainer, perturbed: Perturbed) -> pd.DataFrame:
    """Return the permutations of a row as a frame."""
    rows = inputs_of(perturbed)
    return rows if explainer.array_type is None else pd.DataFrame(rows, columns=explainer.header)


TABLE = InputKind(
    name="table",
    plural="tables",
    rows="rows",
    description="a table: a pandas, polars or pyarrow data frame, or a 2-D array, of which "
    "explain() also takes one row",
    recognise=_is_table,
    read=_read_table,
    perturb=_perturb_table,
    make_explainer=_make_table_explainer,
    prepare=_match_columns,
    parts=_predicted_together,
    examples=_example_rows,
    lime_options=TableOptions,
    explain_options=ExplainTableOptions,
    tabulate=_permuted_rows,
    n_permutations=5000,
    first_permutations=500,
    takes_all=True,
)


# Single steps


def numerify(frame: pd.DataFrame, explainer: TableExplainer) -> pd.DataFrame:
    """
    Compare rows with the first of them, column by column.

    Parameters
    ----------
    frame
        Rows with the columns of the training data; row 0 is the case.
    explainer
        From `pylime.lime`.

    Returns
    -------
    pandas.DataFrame
        The design that surrogate models are fitted to: 1 if a value is the case's level or
        lies in the case's bin, else 0; the number itself if numbers are not binned; 0 for
        columns that are never permuted. If the case's value is missing: 1 for a missing value.
        Of text columns there is a column for each word of the case: whether a row has it.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0], "city": ["Oslo", "Bergen"] * 2})
    >>> explainer = lime(rows, as_regressor(lambda rows: rows["age"]), n_bins=2)
    >>> numerify(rows, explainer)
       age  city
    0  1.0   1.0
    1  1.0   0.0
    2  0.0   1.0
    3  0.0   0.0
    """
    if not len(frame):
        raise ValueError("`frame` must have at least one row, the case.")
    absent = [c.name for c in explainer.columns if c.name not in frame and not _is_held(c)]
    if absent:
        raise ValueError(f"`frame` must have the column {absent[0]!r}.")
    columns = [
        column if _is_held(column) else column.widened(frame[column.name])
        for column in explainer.columns
    ]
    units = {unit.places[0]: unit for unit in explainer.units}
    rows = frame.reindex(columns=explainer.header) if units else frame
    design: dict[Hashable, np.ndarray] = {}
    for position, column in enumerate(columns):
        if position in units:
            design.update(units[position].compare_rows(columns, rows))
        elif column.is_feature:
            values = column.encode(frame[column.name])
            design[column.name] = np.zeros(len(frame)) if values is None else column.compare(values)
    numbers = pd.DataFrame(
        {place: compared.astype(np.float64) for place, compared in enumerate(design.values())},
        index=frame.index,
    )
    numbers.columns = (
        pd.Index([*design])
        if units
        else explainer.header[[place for place, column in enumerate(columns) if column.is_feature]]
    )
    return numbers


def _is_held(column: Column) -> bool:
    return isinstance(column, Held)


def describe_feature(feature: Hashable, case: pd.Series, explainer: TableExplainer) -> str:
    """
    Describe a feature of a case, as in the column `feature_desc`.

    Parameters
    ----------
    feature
        Name of a column or group; of a word such as `"review: superb"`.
    case
        The case's values by column.
    explainer
        From `pylime.lime`.

    Returns
    -------
    str
        Such as `"20 < age <= 30"` or `"city = Oslo"`.

    Raises
    ------
    ValueError
        If there is no such column, or `case` has no value of it.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0], "city": ["Oslo", "Bergen"] * 2})
    >>> explainer = lime(rows, as_regressor(lambda rows: rows["age"]), n_bins=2)
    >>> describe_feature("age", rows.iloc[0], explainer)
    'age <= 35'
    """
    values = dict(case.items())
    for column in explainer.columns:
        if not isinstance(column, PartOfUnit) and feature in (column.name, str(column.name)):
            if column.name not in values:
                raise ValueError(f"`case` must have a value of {column.name!r}.")
            return column.describe(values[column.name])
    for unit in explainer.units:
        if str(feature) == str(unit.name) or str(feature).startswith(f"{unit.name}: "):
            found = _units_of_values(unit, explainer, values)
            if found is not None and feature in found.features:
                return found.describe(str(feature))[1]
    names = [c.name for c in explainer.columns if not isinstance(c, PartOfUnit | TextColumn)]
    groups = [unit.name for unit in explainer.units if not isinstance(unit, Texts)]
    raise ValueError(
        f"`feature` must be one of the columns: {checks.some([*names, *groups], 20, str)}"
        f"{', or a word of a text column' if explainer.has_texts else ''}; not {feature!r}."
    )


def _units_of_values(
    unit: Units, explainer: TableExplainer, values: Mapping[Hashable, Any]
) -> CaseUnits | None:
    """Find the units of a case of which only the values are known."""
    row = {}
    for place, column in enumerate(explainer.columns):
        if place in unit.places and column.name not in values:
            raise ValueError(f"`case` must have a value of {column.name!r}.")
        one = pd.Series([values.get(column.name)], dtype=object)
        row[place] = column.cast(one)[0] if place in unit.places else one
    return unit.of_case(explainer.columns, pd.DataFrame(row), 0.5, case_generator)
