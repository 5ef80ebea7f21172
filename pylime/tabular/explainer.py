"""
The explainer of tables.

A permutation of a row draws each column independently: numbers from their bins or their
density, levels with the probabilities of their shares. In the design, 1 stands for a number in the
case's bin or for the case's level.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Model, Preprocess
from pylime.errors import CaseError
from pylime.explainer_page import ColumnFacts
from pylime.foreign import foreign_frame, to_pandas
from pylime.pipeline import (
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
from pylime.tabular.facts import facts_of
from pylime.tabular.kept import Held, Kept
from pylime.tabular.levels import Levels
from pylime.tabular.numbers import LARGEST, Numbers, numbers_of
from pylime.tabular.options import ExplainTableOptions, TableOptions
from pylime.tabular.permutations import (
    Chunk,
    Drawing,
    as_array,
    content,
    draw_case,
    make_chunk,
    permuted_frame,
    records,
    redrawn,
)
from pylime.tabular.roles import roles_of, warn_of_columns

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
    """

    columns: tuple[Column, ...] = field(repr=False)
    header: pd.Index = field(repr=False)
    binned: Binned = field(repr=False)
    lime_options: TableOptions
    array_type: np.dtype | None = None

    @property
    def feature_type(self) -> dict[Hashable, str]:
        """The type of each column, in R's terms."""
        return {column.name: column.feature_type for column in self.columns}

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
        return Table(x.to_frame().T)
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
    columns = tuple(
        Held.of(name, frame.dtypes.iloc[position])
        if name in roles.held
        else fit_column(name, frame.iloc[:, position], options, roles.codes.get(name))
        for position, name in enumerate(names)
    )
    _warn_of_even_bins(columns)
    constant = [column.name for column in columns if column.feature_type == "constant"]
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
    )


def _warn_of_even_bins(columns: Sequence[Column]) -> None:
    """Warn once of all columns of which too few quantiles differ, such as those of 0 and 1."""
    names = [column.name for column in columns if getattr(column, "lacks_variance", False)]
    if names:
        do = "does" if len(names) == 1 else "do"
        checks.warn(
            f"{checks.some(names, form=str)} {do} not contain enough variance to use quantile "
            "binning. Using standard binning instead."
        )


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
        How to bin numbers, and what to do with dates.
    codes
        If the numbers are codes: the names of those that have one.

    Raises
    ------
    TypeError
        If it has a value that is not a number, a level or a date.
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
        if isinstance(column, Levels):
            for row in np.flatnonzero(column.encode(series[column.name]) == UNKNOWN):
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
        if dtype != column.dtype and column.is_feature
    ]


def _in_types_of(columns: Sequence[Column], frame: pd.DataFrame) -> pd.DataFrame:
    """Convert a frame to the types of some columns, except where one cannot have a gap."""
    types = {
        column.name: column.dtype
        for position, (column, dtype) in enumerate(zip(columns, frame.dtypes.tolist(), strict=True))
        if dtype != column.dtype
        and column.is_feature
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
    chunk = make_chunk(columns, frame, request.n_permutations, explainer.binned, cases.floats)
    # Everything that depends on the draws is computed before `preprocess` and the model receive
    # them, because these may change them in place.
    drawings = [
        draw_case(
            chunk,
            row,
            case_generator(request.seed, content(chunk, row)),
            request.options,
            request.draws,
        )
        for row in range(len(frame))
    ]
    features = [str(column.name) for column in columns if column.is_feature]
    permutations = [
        Permutations(
            case=name,
            design=drawing.design,
            weights=drawing.weights,
            features=features,
            describe=_describer(columns, record),
            data=record,
            n_inputs=chunk.n if drawing.distinct is None else len(drawing.distinct[0]),
            rows=None if drawing.distinct is None else drawing.distinct[1],
            unusual=_new_levels(cases.unseen.get(row, ()), record),
            held=_held_columns(columns),
            numbers=("table", drawing.n_numbers),
            redrawn=_redrawn_batch(explainer, chunk, row, drawing, request),
            reweighed=drawing.reweighed,
        )
        for row, (name, drawing, record) in enumerate(
            zip(cases.names, drawings, records(frame, cases.floats), strict=True)
        )
    ]
    batches = _table_batches(explainer, chunk, drawings, n_predicted)
    return Perturbed(permutations, batches, grown=partial(_grown, explainer, cases, request))


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


def _held_columns(columns: Sequence[Column]) -> str:
    """Name the columns that are held or dates, for the error of a constant response."""
    kinds = ("held", "date_time")
    held = [column.name for column in columns if column.is_kept and column.feature_type in kinds]
    return f"The case's values of {checks.some(held, form=str)} are held" if held else ""


def _describer(
    columns: Sequence[Column], record: Mapping[Hashable, Any]
) -> Callable[[Sequence[str]], list[tuple[Any, str]]]:
    """Make a function from features to the case's values and their descriptions."""

    def describe(features: Sequence[str]) -> list[tuple[Any, str]]:
        by_name = {str(column.name): column for column in columns}
        found = [by_name[feature] for feature in features]
        return [(record[column.name], column.describe(record[column.name])) for column in found]

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
    frame = permuted_frame(chunk, rows, np.empty(0, dtype=np.intp) if n_predicted else starts[:-1])
    yield Batch(_in_form(frame, explainer), int(starts[-1]))


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
    design = {}
    for position, column in enumerate(explainer.columns):
        if not column.is_feature:
            continue
        if column.name not in frame.columns:
            raise ValueError(f"`frame` must have the column {column.name!r}.")
        column = column.widened(frame[column.name])
        values = column.encode(frame[column.name])
        compared = np.zeros(len(frame)) if values is None else column.compare(values)
        design[position] = compared.astype(np.float64)
    numbers = pd.DataFrame(design, index=frame.index)
    numbers.columns = explainer.header[list(design)]
    return numbers


def describe_feature(feature: Hashable, case: pd.Series, explainer: TableExplainer) -> str:
    """
    Describe a feature of a case, as in the column `feature_desc`.

    Parameters
    ----------
    feature
        Name of a column.
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
    for column in explainer.columns:
        if column.name == feature or str(column.name) == feature:
            values = dict(case.items())
            if column.name not in values:
                raise ValueError(f"`case` must have a value of {column.name!r}.")
            return column.describe(values[column.name])
    names = checks.some([column.name for column in explainer.columns], 20, str)
    raise ValueError(f"`feature` must be one of the columns: {names}; not {feature!r}.")
