"""
Batches of cases, in one process or on a cluster.

The columns of an explanation are the same for every batch. `explain_batches()` is what Spark's
`mapInPandas` and Ray's `map_batches` call; Dask data frames go to `explain()` like any other.
"""

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime._optional import placeholder
from pylime._types import Input
from pylime.explainers import explain_elsewhere, explain_request, make_request
from pylime.frame import COLUMNS, assemble
from pylime.models import Classifier
from pylime.parallel import Parcel, limited_threads
from pylime.pipeline import Explainer, read_cases
from pylime.request import Request

if TYPE_CHECKING:
    import pyarrow

__all__ = ["arrow_schema", "explain_batches", "spark_schema"]

_OBJECTS = ("feature_value", "data", "prediction")
_TEXTS = ("model_type", "feature", "feature_desc")


def explain_batches(
    batches: Iterable[Input],
    explainer: Explainer,
    *,
    case: Hashable = None,
    plain: bool = False,
    **options: Any,
) -> Iterator[pd.DataFrame]:
    """
    Explain one batch of cases after another.

    For work that does not fit into memory at once, and for clusters that hand over batches.
    All frames have the same columns and types: also that of a batch that is empty, or of
    which no case can be explained.

    Parameters
    ----------
    batches
        Data frames, or lists of what else `pylime.explain` takes. Of texts and
        images also data frames with a single column beside `case`.
    explainer
        From `pylime.lime`.
    case
        The column of data frames that names the cases; the model does not see it. By default
        the index names them, which on clusters begins anew with each batch.
    plain
        Whether to turn all that is no number into text, as Spark and Arrow need it: `case`,
        `label` and `feature_value` as they print, the rows in `data` and the labels'
        probabilities in `prediction` as JSON, pictures in `data` by their size.
    **options
        As of `pylime.explain`. Without `random_state` it is drawn once for all
        batches; in a cluster, give one, so that a batch that is done again gives the same.

    Returns
    -------
    iterator of pandas.DataFrame
        An explanation per batch, made when it is asked for.

    Raises
    ------
    TypeError, ValueError
        As `pylime.explain` does; of the arguments at once.

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
            "`batches` must be batches one after another, such as a list of data frames; "
            f"not {type(batches).__name__}. Put a single one into a list."
        )
    checks.flag("plain", plain)
    request = make_request(explainer, **options)
    return (_explain_batch(batch, explainer, request, case, bool(plain)) for batch in batches)


def _explain_batch(
    batch: Any, explainer: Explainer, request: Request, case: Hashable = None, plain: bool = False
) -> pd.DataFrame:
    """Explain one batch; the columns and their types are the same for all."""
    cases, names = _with_names(batch, explainer, case)
    by_files = explainer.kind.name == "image" and case is None
    if len(cases):
        explanation = explain_request(cases, explainer, request, may_be_empty=True)
        if explainer.kind.name == "image" and not by_files:
            own = read_cases(cases, explainer.kind).names
            explanation["case"] = explanation["case"].map(dict(zip(own, names, strict=True)))
    else:
        explanation = assemble([], request.model_type)
    type_of_case = _type_of_files(cases) if by_files else _type_of_names(names)
    explanation = explanation.astype(_column_types(explainer, type_of_case))
    return _as_plain(explanation) if plain else explanation


def _with_names(batch: Any, explainer: Explainer, case: Hashable) -> tuple[Any, Any]:
    """The cases of a batch, and their names, where it has any beside the cases themselves."""
    if case is not None:
        if not isinstance(batch, pd.DataFrame) or case not in batch.columns:
            found = list(batch) if isinstance(batch, pd.DataFrame) else type(batch).__name__
            raise ValueError(f"`case` must be a column of each batch; {case!r} is not in {found}.")
        batch = batch.set_index(case)
    if isinstance(batch, pd.DataFrame) and explainer.kind.name != "table":
        if batch.shape[1] != 1:
            raise ValueError(
                f"Batches of {explainer.kind.plural} must be lists, or data frames with a single "
                f"column beside `case`; not with {list(batch.columns)}."
            )
        batch = batch.iloc[:, 0]
    return batch, batch.index if isinstance(batch, pd.DataFrame | pd.Series) else None


def _type_of_files(items: Iterable[Any]) -> str:
    """The type of `case` for pictures: files have names, arrays have numbers."""
    named = [
        isinstance(item, str | PathLike) or bool(getattr(item, "filename", "")) for item in items
    ]
    return "str" if all(named) else "int64"


def _type_of_names(names: Any) -> Any:
    """The type of `case`: that of the index where it names the cases."""
    if names is None or pd.api.types.is_integer_dtype(names.dtype):
        return "int64"
    if isinstance(names.dtype, pd.CategoricalDtype):
        names = names.categories
    return "str" if pd.api.types.is_string_dtype(names.dtype) else names.dtype


def _column_types(explainer: Explainer, case: Any) -> dict[str, Any]:
    """The type of each column of an explanation, also of one without rows."""
    regression = explainer.model_type == "regression"
    types: dict[str, Any] = dict.fromkeys(COLUMNS, "float64")
    types |= dict.fromkeys(_TEXTS, "str") | dict.fromkeys(_OBJECTS, "object") | {"case": case}
    if regression:
        del types["label"], types["label_prob"]
        types["prediction"] = "float64"
    else:
        labels = _labels(explainer)
        types["label"] = "object" if labels is None else pd.Series(labels).dtype
    return types


def _labels(explainer: Explainer) -> list[Hashable] | None:
    """All labels that a classifier can return, where that is known without asking it."""
    if explainer.labels is not None:
        return list(explainer.labels)
    model = explainer.model
    return list(model.labels) if isinstance(model, Classifier) and model.labels else None


def _as_plain(explanation: pd.DataFrame) -> pd.DataFrame:
    texts = {
        name: pd.Series([_as_text(cell) for cell in explanation[name]], dtype="str")
        for name in ("case", "label", "feature_value", "data", "prediction")
        if (name in explanation and explanation[name].dtype != np.float64) or name == "case"
    }
    return explanation.assign(**texts)


def _as_text(cell: Any) -> str | None:
    if isinstance(cell, Mapping):
        values = {str(name): _as_json(value) for name, value in cell.items()}
        return json.dumps(values, ensure_ascii=False, allow_nan=False)
    return None if _is_missing(cell) else str(cell)


def _as_json(value: Any) -> Any:
    if _is_missing(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float | str) else str(value)


def _is_missing(value: Any) -> bool:
    return value is None or (np.ndim(value) == 0 and pd.isna(value) is True)


def spark_schema(explainer: Explainer) -> str:
    """
    Write the schema of plain explanations for Spark's `mapInPandas`.

    Parameters
    ----------
    explainer
        From `pylime.lime`.

    Returns
    -------
    str
        Names and types of the columns of `explain_batches` with `plain=True`.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0]})
    >>> explainer = lime(rows, as_regressor(lambda rows: rows["age"]), n_bins=2)
    >>> spark_schema(explainer)[:48]
    'model_type string, case string, model_r2 double,'
    """
    return ", ".join(
        f"{name} {'double' if is_number else 'string'}"
        for name, is_number in _plain_columns(explainer).items()
    )


def arrow_schema(explainer: Explainer) -> "pyarrow.Schema":
    """
    Make the schema of plain explanations for Arrow, and so for Parquet files and Ray.

    Parameters
    ----------
    explainer
        From `pylime.lime`.

    Returns
    -------
    pyarrow.Schema
        Names and types of the columns of `explain_batches` with `plain=True`.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0]})
    >>> schema = arrow_schema(lime(rows, as_regressor(lambda rows: rows["age"])))
    >>> schema.field("feature_weight").type
    DataType(double)
    """
    import pyarrow

    return pyarrow.schema(
        [
            (name, pyarrow.float64() if is_number else pyarrow.string())
            for name, is_number in _plain_columns(explainer).items()
        ]
    )


def _plain_columns(explainer: Explainer) -> dict[str, bool]:
    """Whether each column of a plain explanation is of numbers; it is of texts otherwise."""
    types = _column_types(explainer, "str")
    return {name: types[name] == "float64" and name != "label" for name in COLUMNS if name in types}


@explain_elsewhere.register(placeholder("dask.dataframe", "DataFrame"))
@explain_elsewhere.register(placeholder("dask.dataframe", "Series"))
def explain_dask_frame(x: Any, explainer: Explainer, request: Request) -> Any:
    """A Dask data frame of the explanations, a partition for each of the cases'."""
    from dask.delayed import delayed

    return x.map_partitions(
        _explain_partition,
        delayed(Parcel(explainer), pure=True),  # so it lies once in the graph
        request,
        meta=_explain_batch(x._meta, explainer, request),
        clear_divisions=True,
    )


def _explain_partition(partition: Any, parcel: Parcel, request: Request) -> pd.DataFrame:
    with limited_threads():
        return _explain_batch(partition, parcel.open(), request)
