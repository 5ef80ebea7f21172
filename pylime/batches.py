"""
Batches of cases, in one process or on a cluster.

The columns of an explanation are the same for every batch. `explain_batches()` is what Spark's
`mapInPandas` and Ray's `map_batches` call; Dask data frames go to `explain()` like any other.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np
import pandas as pd

from pylime import checks
from pylime._optional import placeholder
from pylime._types import Input, OneImage
from pylime.explainers import explain_elsewhere, explain_request, make_request
from pylime.frame import assemble, columns_of
from pylime.models import Classifier
from pylime.options import BatchOptions, SchemaOptions
from pylime.parallel import Parcel, limited_threads
from pylime.pipeline import Explainer, read_cases
from pylime.plain import NAMES, as_plain
from pylime.request import Request

if TYPE_CHECKING:
    import dask.dataframe
    import pyarrow

__all__ = ["arrow_schema", "explain_batches", "spark_schema"]

_OBJECTS = ("feature_value", "data", "prediction")
_STRINGS = ("model_type", "feature", "feature_desc", "verdict")


def explain_batches(
    batches: Iterable[Input],
    explainer: Explainer,
    *,
    case: Hashable = None,
    plain: bool = False,
    **options: "Unpack[BatchOptions]",
) -> Iterator[pd.DataFrame]:
    """
    Explain one batch of cases after another.

    This is for cases that do not fit into memory at once, and for clusters that pass batches.
    All frames have the same columns and types, even if a batch is empty or none of its cases can
    be explained.

    Parameters
    ----------
    batches
        Data frames, or lists of texts or images as `pylime.explain` takes them. Texts and
        images can also be the only column of a data frame beside `case`.
    explainer
        From `pylime.lime`.
    case
        The column of the data frames with the names of the cases; the model does not see it.
        By default the index has their names, which on clusters starts anew with each batch.
    plain
        Whether to convert everything that is not a number to strings, as Spark and Arrow need
        it and `pylime.as_plain` does: `case`, `label` and `feature_value` as they print, the
        rows in `data` and the probabilities of the labels in `prediction` as JSON, and images
        in `data` as their size.
    **options
        As in `pylime.explain`. By default `random_state` is drawn once for all batches; on a
        cluster pass one, so that a batch that is computed again has the same result.

    Returns
    -------
    iterator of pandas.DataFrame
        An explanation per batch, computed when the iterator reaches it.

    Raises
    ------
    TypeError, ValueError
        As in `pylime.explain`; invalid arguments raise immediately.

    Examples
    --------
    >>> import pandas as pd
    >>> from pylime import as_regressor, explain_batches, lime
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0], "city": ["Oslo", "Bergen"] * 2})
    >>> explainer = lime(rows, as_regressor(lambda rows: rows["age"]), n_bins=2)
    >>> batches = [rows[:2], rows[2:], rows[:0]]
    >>> explanations = explain_batches(batches, explainer, n_features=1, random_state=1)
    >>> [explanation["feature_desc"].tolist() for explanation in explanations]
    [['age <= 35', 'age <= 35'], ['35 < age', '35 < age'], []]
    """
    if isinstance(batches, pd.DataFrame | pd.Series | str) or not np.iterable(batches):
        raise TypeError(
            "`batches` must be an iterable of batches, such as a list of data frames; "
            f"not {type(batches).__name__}. Put a single batch into a list."
        )
    checks.flag("plain", plain)
    request = make_request(explainer, ("case", "plain"), **options)
    return (_explain_in_columns(batch, explainer, request, case, bool(plain)) for batch in batches)


def _explain_in_columns(
    batch: Input,
    explainer: Explainer,
    request: Request,
    case: Hashable = None,
    plain: bool = False,
) -> pd.DataFrame:
    """Explain one batch; the columns and their types are the same for all batches."""
    request = replace(request, plain=False)  # after the columns have their types
    cases, names = _with_names(batch, explainer, case)
    by_files = explainer.kind.name == "image" and case is None
    if len(cases):
        explanation = explain_request(cases, explainer, request, may_be_empty=True)
        if explainer.kind.name != "table" and names is not None and not by_files:
            own = read_cases(cases, explainer.kind).names
            explanation["case"] = explanation["case"].map(dict(zip(own, names, strict=True)))
    else:
        explanation = assemble([], request)
    type_of_case = _type_of_files(cases) if by_files else _type_of_names(names)
    for name, dtype in _column_types(explainer, request, type_of_case).items():
        explanation[name] = _as_type(explanation[name], dtype)
    return as_plain(explanation) if plain else explanation


def _as_type(column: pd.Series, dtype: Any) -> pd.Series:
    try:
        return column.astype(dtype)
    except UnicodeEncodeError:  # pandas refuses lone surrogates, as file names can have
        return column.astype("object")


def _with_names(
    batch: Input, explainer: Explainer, case: Hashable
) -> tuple[Any, "pd.Index | None"]:
    """Return the cases of a batch, and their names if the batch has an index or a column `case`."""
    if case is not None:
        if not isinstance(batch, pd.DataFrame) or case not in batch.columns:
            found = type(batch).__name__
            if isinstance(batch, pd.DataFrame):
                found = f"its columns {checks.some(batch.columns)}"
            raise ValueError(f"`case` must be a column of each batch; {case!r} is not in {found}.")
        batch = batch.set_index(case)
    if isinstance(batch, pd.DataFrame) and explainer.kind.name != "table":
        if batch.shape[1] != 1:
            raise ValueError(
                f"Batches of {explainer.kind.plural} must be lists, or data frames with a single "
                f"column beside `case`; not with {checks.some(batch.columns)}."
            )
        batch = batch.iloc[:, 0]
    return batch, batch.index if isinstance(batch, pd.DataFrame | pd.Series) else None


def _type_of_files(items: Iterable[OneImage]) -> str:
    """Return the type of `case` for images: files have names, arrays have numbers."""
    named = [
        isinstance(item, str | PathLike) or bool(getattr(item, "filename", "")) for item in items
    ]
    return "str" if all(named) else "int64"


def _type_of_names(names: pd.Index | None) -> Any:
    """Return the type of `case`: that of the names, or of positions if there are none."""
    if names is None or pd.api.types.is_integer_dtype(names.dtype):
        return "int64"
    dtype = names.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    return "str" if pd.api.types.is_string_dtype(dtype) else dtype


def _column_types(explainer: Explainer, request: Request, case: object) -> dict[str, Any]:
    """Return the type of each column of an explanation, from that of `case`."""
    types: dict[str, Any] = {"case": case, "n_permutations": "int64", "exact": "bool"}
    types |= dict.fromkeys(_STRINGS, "str") | dict.fromkeys(_OBJECTS, "object")
    if request.model_type == "regression":
        types["prediction"] = "float64"
    else:
        labels = _labels(explainer)
        types["label"] = "object" if labels is None else _type_of_labels(labels)
    return {name: types.get(name, "float64") for name in columns_of(request)}


def _labels(explainer: Explainer) -> list[Hashable] | None:
    """Return all labels that a classifier can return, if they are known without calling it."""
    if explainer.labels is not None:
        return list(explainer.labels)
    model = explainer.model
    return list(model.labels) if isinstance(model, Classifier) and model.labels else None


def _type_of_labels(labels: list[Hashable]) -> Any:
    try:
        return pd.Series(labels).dtype
    except UnicodeEncodeError:
        return np.dtype(object)


def spark_schema(explainer: Explainer, **options: "Unpack[SchemaOptions]") -> str:
    """
    Return the schema of plain explanations for Spark's `mapInPandas`.

    Parameters
    ----------
    explainer
        From `pylime.lime`.
    **options
        The options that `explain_batches` gets. Some add columns, such as `intervals=True`.

    Returns
    -------
    str
        Names and types of the columns that `explain_batches` returns with `plain=True`.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0]})
    >>> explainer = lime(rows, as_regressor(lambda rows: rows["age"]), n_bins=2)
    >>> spark_schema(explainer)[:48]
    'model_type string, case string, model_r2 double,'
    """
    types = {"float64": "double", "int64": "bigint", "bool": "boolean", "str": "string"}
    columns = _plain_columns(explainer, options)
    return ", ".join(f"{name} {types[kind]}" for name, kind in columns.items())


def arrow_schema(explainer: Explainer, **options: "Unpack[SchemaOptions]") -> "pyarrow.Schema":
    """
    Return the schema of plain explanations for Arrow, Parquet files and Ray.

    Parameters
    ----------
    explainer
        From `pylime.lime`.
    **options
        The options that `explain_batches` gets. Some add columns, such as `intervals=True`.

    Returns
    -------
    pyarrow.Schema
        Names and types of the columns that `explain_batches` returns with `plain=True`.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0]})
    >>> schema = arrow_schema(lime(rows, as_regressor(lambda rows: rows["age"])))
    >>> schema.field("feature_weight").type
    DataType(double)
    """
    import pyarrow

    types = {
        "float64": pyarrow.float64(),
        "int64": pyarrow.int64(),
        "bool": pyarrow.bool_(),
        "str": pyarrow.string(),
    }
    columns = _plain_columns(explainer, options)
    return pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])


def _plain_columns(
    explainer: Explainer, options: Mapping[str, Any]
) -> dict[str, Literal["float64", "int64", "bool", "str"]]:
    """Return the columns of a plain explanation, and the type of each."""
    request = make_request(explainer, ("case", "plain"), **_without_case(options))
    types = _column_types(explainer, request, "str")
    return {
        name: dtype if dtype in ("float64", "int64", "bool") and name not in NAMES else "str"
        for name, dtype in types.items()
    }


def _without_case(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `explain_batches` that are those of `explain`."""
    return {name: value for name, value in options.items() if name not in ("case", "plain")}


@explain_elsewhere.register(placeholder("dask.dataframe", "DataFrame"))
@explain_elsewhere.register(placeholder("dask.dataframe", "Series"))
def explain_dask_frame(
    x: "dask.dataframe.DataFrame", explainer: Explainer, request: Request
) -> "dask.dataframe.DataFrame":
    """Explain the cases in a Dask data frame or series lazily, partition by partition."""
    from dask.delayed import delayed

    return x.map_partitions(
        _explain_partition,
        delayed(Parcel(explainer), pure=True),  # a task of its own, so the graph has it once
        request,
        meta=_explain_in_columns(x._meta, explainer, request, plain=request.plain),
        clear_divisions=True,
    )


def _explain_partition(
    partition: pd.DataFrame | pd.Series, parcel: Parcel, request: Request
) -> pd.DataFrame:
    """Explain a partition, in the process that has it."""
    with limited_threads():
        return _explain_in_columns(partition, parcel.open(), request, plain=request.plain)
