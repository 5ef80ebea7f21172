"""
Tables: every column drawn anew from what it holds in the training data.

A permutation of a row draws each column independently: numbers from their bins or their
density, levels by their shares. In the design a number or level is 1 where it equals the
case's.
"""

import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from pylime import checks
from pylime.errors import CaseError, RequestError
from pylime.inputs import Table
from pylime.models import predict
from pylime.pipeline import (
    Explainer,
    Report,
    Request,
    check_cases,
    examples,
    make_explainer,
    perturb,
)
from pylime.seeds import case_generator
from pylime.similarity import DIST_FUNS
from pylime.surrogate import Neighbourhood
from pylime.tabular.casting import cast
from pylime.tabular.columns import LARGEST, Column, describe, design_of, encode, fit_column
from pylime.tabular.permutations import (
    Chunk,
    DistFun,
    Drawing,
    as_array,
    content,
    draw_case,
    make_chunk,
    permuted_frame,
    records,
)

__all__ = [
    "ExplainTableOptions",
    "TableExplainer",
    "TableOptions",
    "describe_feature",
    "numerify",
]

# What the permutations that go to the model in one call may take: about this many values.
_CHUNK_VALUES = 3_000_000


@dataclass(frozen=True)
class TableOptions:
    """Options of `lime()` for tables; see there."""

    bin_continuous: bool = True
    n_bins: int = 4
    quantile_bins: bool = True
    use_density: bool = True

    def __post_init__(self) -> None:
        for name in ("bin_continuous", "quantile_bins", "use_density"):
            value = getattr(self, name)
            if not isinstance(value, bool | np.bool_):
                raise TypeError(f"`{name}` must be True or False; not {value!r}.")
        checks.count("n_bins", self.n_bins)
        if self.n_bins < 2:
            raise ValueError(f"`n_bins` must be at least 2; not {self.n_bins}.")


@dataclass(frozen=True)
class ExplainTableOptions:
    """Options of `explain()` for tables; see there."""

    dist_fun: DistFun = "gower"
    kernel_width: float | None = None
    gower_pow: float = 1

    def __post_init__(self) -> None:
        if not callable(self.dist_fun) and self.dist_fun not in DIST_FUNS:
            names = ", ".join(repr(name) for name in DIST_FUNS)
            raise ValueError(
                f"`dist_fun` must be a function or one of {names}; not {self.dist_fun!r}."
            )
        if self.kernel_width is not None:
            checks.positive("kernel_width", self.kernel_width)
            if self.dist_fun == "gower":
                warnings.warn(
                    '`kernel_width` is ignored with `dist_fun="gower"`, which needs no kernel; '
                    "`gower_pow` changes how fast its similarity falls.",
                    stacklevel=6,
                )
        checks.positive("gower_pow", self.gower_pow)


@dataclass(frozen=True, repr=False, eq=False)
class TableExplainer(Explainer):
    """
    Explains the predictions of a model of tables; made by `lime()`.

    Attributes
    ----------
    columns
        What is remembered of each column of the training data.
    header
        Their names, as the training data had them.
    lime_options
        How they were looked at.
    array_type
        For training data given as an array, the type of its elements.
    """

    columns: tuple[Column, ...] = field(repr=False)
    header: pd.Index = field(repr=False)
    lime_options: TableOptions
    array_type: np.dtype | None = None

    input_name: ClassVar[str] = "tables"
    default_permutations: ClassVar[int] = 5000
    options: ClassVar[type] = ExplainTableOptions

    @property
    def feature_type(self) -> dict[Hashable, str]:
        """The type of each column, in R's words."""
        return {column.name: column.feature_type for column in self.columns}

    @property
    def bin_cuts(self) -> dict[Hashable, np.ndarray | None]:
        """Cut points of each column of numbers; None for the others."""
        return {column.name: column.bin_cuts for column in self.columns}

    @property
    def feature_distribution(self) -> dict[Hashable, Any]:
        """
        What each column is drawn from.

        Shares of the rows by bin or by level as a Series, which sum to one less the share
        of missing values; a `Density` or `Normal`; None where the case's value is kept.
        """
        return {column.name: column.distribution for column in self.columns}

    def __repr__(self) -> str:
        n = len(self.columns)
        return f"{super().__repr__()[:-1]}: {n} column{'s' if n != 1 else ''}>"


@make_explainer.register
def _(data: Table, model: Any, preprocess: Callable[[Any], Any], **options: Any) -> TableExplainer:
    chosen: TableOptions = checks.make_options(TableOptions, options, "lime() of tables")
    frame = data.frame
    if not frame.shape[1]:
        raise ValueError("`x` must have at least one column; it has none.")
    names = pd.Index([str(name) for name in frame.columns])
    if not names.is_unique:
        twice = names[names.duplicated()].unique().tolist()
        raise ValueError(f"The columns of `x` must have different names; twice: {twice[:5]}.")
    columns = tuple(
        fit_column(
            name,
            frame.iloc[:, position],
            bin_continuous=chosen.bin_continuous,
            n_bins=chosen.n_bins,
            quantile_bins=chosen.quantile_bins,
            use_density=chosen.use_density,
        )
        for position, name in enumerate(frame.columns)
    )
    if any(column.feature_type == "constant" for column in columns):
        constant = [column.name for column in columns if column.feature_type == "constant"]
        warnings.warn(
            "Data contains numeric columns with zero variance, which are not permuted: "
            f"{', '.join(map(str, constant[:10]))}{', ...' if len(constant) > 10 else ''}.",
            stacklevel=4,
        )
    return TableExplainer(model, preprocess, columns, frame.columns, chosen, data.array_type)


@examples.register
def _(explainer: TableExplainer, data: Table) -> Any:
    frame = data.frame
    complete = np.flatnonzero(frame.notna().all(axis=1).to_numpy())
    rows = complete if len(complete) else np.arange(len(frame))
    # Not neighbours: training data can be sorted by class.
    rows = rows[[0, len(rows) // 2]]
    some = frame.iloc[rows].reset_index(drop=True)
    return some if data.array_type is None else as_array(some, data.array_type)


@check_cases.register
def _(explainer: TableExplainer, cases: Table, options: ExplainTableOptions) -> Table:
    names = [column.name for column in explainer.columns]
    frame = cases.frame
    by_position = cases.array_type is not None or (
        explainer.array_type is not None and isinstance(frame.columns, pd.RangeIndex)
    )
    if by_position and frame.shape[1] == len(names):
        frame = frame.set_axis(names, axis=1)  # an array's columns are known by position
    if not frame.columns.equals(explainer.header):
        _check_names(frame, names)
    if _is_aligned(frame, explainer):
        return Table(frame, cases.array_type)
    series, problems = {}, {}
    for column in explainer.columns:
        series[column.name], wrong = cast(frame[column.name], column)
        for row, problem in wrong.items():
            problems.setdefault(row, problem)
    aligned = pd.DataFrame(dict(enumerate(series.values())), index=frame.index)
    aligned.columns = explainer.header
    return Table(aligned, cases.array_type, problems)


def _check_names(frame: pd.DataFrame, names: Sequence[Hashable]) -> None:
    """Raise if a column is missing or twice there, warn of those that nobody needs."""
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()].unique().tolist()
        raise ValueError(f"The columns of `x` must have different names; twice: {twice[:5]}.")
    given, known = set(frame.columns), set(names)
    absent = [name for name in names if name not in given]
    if absent:
        raise ValueError(
            f"`x` must have all {len(names)} columns of the training data; it lacks "
            f"{len(absent)}: {', '.join(map(str, absent[:20]))}{', ...' if absent[20:] else ''}."
        )
    extra = [name for name in frame.columns if name not in known]
    if extra:
        warnings.warn(
            "`x` has columns that the training data have not; they are left out: "
            f"{', '.join(map(str, extra[:20]))}{', ...' if extra[20:] else ''}.",
            stacklevel=5,
        )


def _is_aligned(frame: pd.DataFrame, explainer: TableExplainer) -> bool:
    """Whether the rows are finite fractions in the very columns of the training data."""
    same = frame.columns.equals(explainer.header)
    if not same or any(column.dtype != np.float64 for column in explainer.columns):
        return False
    if any(dtype != np.float64 for dtype in frame.dtypes.tolist()):
        return False
    return not np.any(np.abs(frame.to_numpy()) > LARGEST)


@perturb.register
def _(
    explainer: TableExplainer, cases: Table, request: Request, report: Report
) -> Iterator[Neighbourhood | CaseError]:
    size = max(_CHUNK_VALUES // (request.n_permutations * len(explainer.columns)), 1)
    for rows in _runs_of_one_type(explainer, cases):
        for start in range(rows.start, rows.stop, size):
            part = cases.take(range(start, min(start + size, rows.stop)))
            part = replace(part, frame=_in_training_types(explainer, part.frame))
            yield from _perturb_chunk(explainer, part, request, report)


def _widened(explainer: TableExplainer, frame: pd.DataFrame) -> list[int]:
    """Columns that missing values have given another type than the training data's."""
    return [
        position
        for position, (column, dtype) in enumerate(
            zip(explainer.columns, frame.dtypes.tolist(), strict=True)
        )
        if dtype != column.dtype
    ]


def _runs_of_one_type(explainer: TableExplainer, cases: Table) -> Iterator[range]:
    """
    Part the cases where other columns miss values that their type cannot hold.

    So that a gap in one case does not change what the model gets for another.
    """
    gaps = cases.frame.iloc[:, _widened(explainer, cases.frame)].isna().to_numpy()
    changes = np.flatnonzero(np.any(gaps[1:] != gaps[:-1], axis=1)) + 1
    bounds = [0, *changes.tolist(), len(cases)]
    for start, stop in pairwise(bounds):
        yield range(start, stop)


def _in_training_types(explainer: TableExplainer, frame: pd.DataFrame) -> pd.DataFrame:
    """Columns without a missing value in the type that the training data had."""
    types = {
        frame.columns[position]: explainer.columns[position].dtype
        for position in _widened(explainer, frame)
        if frame.iloc[:, position].notna().all()
    }
    return frame.astype(types) if types else frame


def _perturb_chunk(
    explainer: TableExplainer, cases: Table, request: Request, report: Report
) -> Iterator[Neighbourhood | CaseError]:
    """Draw the permutations of some cases, and predict them in one call."""
    usable = [row for row in range(len(cases)) if row not in cases.problems]
    chunk = make_chunk(explainer.columns, cases.frame.iloc[usable], request.n_permutations)
    # All that is needed of the draws is computed before the model, or `preprocess`,
    # gets them and may change them.
    drawings = [
        draw_case(
            chunk, row, case_generator(request.seed, content(chunk, row)), **vars(request.options)
        )
        for row in range(len(usable))
    ]
    predicted = iter(_predict_cases(explainer, chunk, drawings, request) if drawings else [])
    rows = iter(records(chunk.frame))
    explained = 0
    for row, name in enumerate(cases.names):
        if row in cases.problems:
            report(request.n_permutations)
            yield CaseError.of(name, CaseError(cases.problems[row]))
            continue
        predictions, record = next(predicted), next(rows)
        drawing = drawings[explained]
        explained += 1
        report(request.n_permutations)
        if isinstance(predictions, CaseError):
            yield CaseError.of(name, predictions)
            continue
        yield Neighbourhood(
            case=name,
            design=drawing.design,
            weights=drawing.weights,
            predictions=predictions,
            prediction=dict(zip(predictions.columns, predictions.iloc[0].tolist(), strict=True)),
            features=[str(column.name) for column in explainer.columns],
            values={str(key): value for key, value in record.items()},
            descriptions={
                str(key): describe(column, value)
                for column, (key, value) in zip(explainer.columns, record.items(), strict=True)
            },
            data=record,
        )


def _predict_cases(
    explainer: TableExplainer, chunk: Chunk, drawings: Sequence[Drawing], request: Request
) -> list[pd.DataFrame | CaseError]:
    """Predict all cases in one call; one by one if that fails, to find out which cannot be."""
    every = list(range(len(drawings)))
    try:
        return list(_predict_chunk(explainer, chunk, drawings, request, every))
    except RequestError:
        raise
    except Exception as error:  # whatever a model raises
        if len(drawings) == 1 and not isinstance(error, MemoryError):
            return [CaseError.of(None, error)]
    results: list[pd.DataFrame | CaseError] = []
    for number in every:
        # The model may have written into the first ones.
        random = case_generator(request.seed, content(chunk, number))
        draw_case(chunk, number, random, **vars(request.options))
        try:
            results += _predict_chunk(explainer, chunk, drawings, request, [number])
        except MemoryError:
            raise
        except Exception as error:
            results.append(CaseError.of(None, error))
    return results


def _predict_chunk(
    explainer: TableExplainer,
    chunk: Chunk,
    drawings: Sequence[Drawing],
    request: Request,
    cases: Sequence[int],
) -> Iterator[pd.DataFrame]:
    """Predict the permutations of some cases; the predictions of one after another."""
    drawings = [drawings[case] for case in cases]
    every = np.arange(chunk.n)
    parts = [every if drawing.distinct is None else drawing.distinct[0] for drawing in drawings]
    starts = np.cumsum([0, *map(len, parts)])
    rows = None
    if starts[-1] < len(chunk.frame) * chunk.n:
        rows = np.concatenate(
            [case * chunk.n + part for case, part in zip(cases, parts, strict=True)]
        )
    newdata: Any = permuted_frame(chunk, rows, starts[:-1])
    if explainer.array_type is not None:
        newdata = as_array(newdata, explainer.array_type)
    prepared = explainer.preprocess(newdata)
    if prepared is None:
        raise ValueError("`preprocess` must return what the model takes; it returned None.")
    predictions = predict(
        explainer.model, prepared, int(starts[-1]), request.model_type, **request.predict_options
    ).frame
    request.labels_of(predictions.iloc[0].to_dict())  # an unknown label is found out now
    for drawing, start, stop in zip(drawings, starts[:-1], starts[1:], strict=True):
        part = predictions.iloc[start:stop]
        yield part if drawing.distinct is None else part.iloc[drawing.distinct[1]]


def numerify(frame: pd.DataFrame, explainer: TableExplainer) -> pd.DataFrame:
    """
    Compare rows with the first of them, column by column.

    Parameters
    ----------
    frame
        Rows with the columns of the training data; row 0 is the case.
    explainer
        From `lime()`.

    Returns
    -------
    pandas.DataFrame
        The design that surrogate models are fitted to: 1 where a value is the case's level
        or lies in its bin, else 0; numbers themselves where they are not binned; 0 for
        what is never permuted. Where the case's value is missing: 1 for a missing value.

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
        if column.name not in frame.columns:
            raise ValueError(f"`frame` must have the column {column.name!r}.")
        if column.is_kept:
            design[position] = np.zeros(len(frame))
        else:
            values = encode(frame[column.name], column)
            design[position] = design_of(values, column).astype(np.float64)
    numbers = pd.DataFrame(design, index=frame.index)
    numbers.columns = explainer.header
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
        From `lime()`.

    Returns
    -------
    str
        Such as `"20 < age <= 30"` or `"city = Oslo"`.

    Raises
    ------
    ValueError
        If there is no such column.

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
            return describe(column, values[column.name])
    names = ", ".join(str(column.name) for column in explainer.columns[:20])
    raise ValueError(f"`feature` must be one of the columns: {names}; not {feature!r}.")
