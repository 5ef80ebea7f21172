"""
scikit-learn estimators.

The tags of an estimator decide what it does; pipelines, searches and other estimators around
it pass them on. Labels are its `classes_`. Of several outputs each label has a column of its
own: `y0`, `y1` and so on, or `y0=red` where an output is more than present or absent.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from pylime._optional import placeholder
from pylime._types import Model, Prepared, Returned
from pylime.models.categorical import categorical_columns, categorical_of
from pylime.models.generics import (
    ModelType,
    PredictionType,
    call_model,
    model_type,
    outputs,
    predict_model,
)
from pylime.models.outputs import Predictions, as_predictions, named_outputs, output_names

__all__ = ["outputs_of_estimator", "predict_estimator"]

Estimator = placeholder("sklearn.base", "BaseEstimator")


@model_type.register(Estimator)
def type_of_estimator(model: Model) -> ModelType:
    """Classification or regression, by the estimator's tags."""
    from sklearn.base import is_classifier, is_regressor

    if is_classifier(model):
        return "classification"
    if is_regressor(model):
        return "regression"
    ways = (text for name, text in _OTHER_WAYS.items() if hasattr(model, name))
    raise TypeError(
        f"{type(model).__name__} is neither a classifier nor a regressor; "
        + next(ways, _OTHER_WAYS["fit"])
    )


# How to explain an estimator that is made for something else, by the method that it has.
_OTHER_WAYS = {
    "predict_proba": "as_classifier(model) explains its probabilities.",
    "decision_function": "as_regressor(model.decision_function) explains its scores.",
    "predict": (
        "as_regressor(model) explains numbers that it predicts; groups 0 to k - 1 need "
        "as_classifier(lambda x: numpy.eye(k)[model.predict(x)])."
    ),
    "transform": (
        "put it before a model, in sklearn.pipeline.make_pipeline, or pass its `transform` to "
        "lime() as `preprocess`."
    ),
    "score_samples": "as_regressor(model.score_samples) explains its scores.",
    "fit_predict": (
        "it predicts nothing for new cases. Fit a classifier to what it found, such as "
        "RandomForestClassifier().fit(x, model.fit_predict(x))."
    ),
    "fit": "wrap it in as_classifier() or as_regressor().",
}


@predict_model.register(Estimator)
def predict_estimator(
    model: Model, newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict with an estimator; see `pylime.predict_model`."""
    from sklearn.base import is_classifier
    from sklearn.utils.validation import check_is_fitted

    newdata = _named_as_fitted(model, newdata)
    if type == "raw":
        return named_outputs(model.predict(newdata, **kwargs))
    if hasattr(model, "predict_proba"):
        return _predict_proba(model, newdata, **kwargs)
    if is_classifier(model):
        check_is_fitted(model)  # some have `predict_proba` only then
        inner = _final(model)
        lacking = model if hasattr(inner, "predict_proba") else inner
        raise TypeError(_without_probabilities(model, lacking))
    return as_predictions(model.predict(newdata, **kwargs), type)


@outputs.register(Estimator)
def outputs_of_estimator(model: Model, newdata: Prepared, **kwargs: object) -> Returned:
    """Probabilities of a classifier, and the scores that other estimators predict."""
    from sklearn.base import is_classifier

    classifies = is_classifier(model) or hasattr(model, "predict_proba")
    return call_model(model, newdata, type="prob" if classifies else "raw", **kwargs)


def _predict_proba(model: Model, newdata: Prepared, **kwargs: object) -> Predictions:
    """The probabilities of an estimator that has them, with its labels."""
    try:
        values = model.predict_proba(newdata, **kwargs)
    except AttributeError as error:
        if error.name != "predict_proba":
            raise
        raise TypeError(_without_probabilities(model, error.obj)) from error
    classes = getattr(model, "classes_", None)
    by_output = isinstance(classes, list) and all(np.ndim(part) == 1 for part in classes)
    if isinstance(values, list):
        return _of_outputs(values, classes if by_output else None)
    if by_output and hasattr(_final(model), "final_estimator_"):
        values = 1 - values  # of several labels, stacking returns the probability of absence
    labels = None if classes is None or by_output else _plain_labels(classes)
    if by_output or (labels is not None and _is_multilabel(model, newdata, labels)):
        return as_predictions(values, "prob", output_names(values.shape[1]), exclusive=False)
    if labels is not None and len(labels) == 1:
        raise ValueError(
            f"The classifier was fitted to a single class, {labels[0]!r}: there is nothing to "
            "explain."
        )
    return as_predictions(values, "prob", labels)


def _is_multilabel(model: Model, newdata: Prepared, labels: Sequence[Hashable]) -> bool:
    """
    Whether columns of probabilities belong to labels that do not exclude each other.

    No attribute shows it through every estimator around the one that predicts, but a
    prediction does. Several labels are numbered, so classes with names are never these.
    """
    from sklearn.utils import get_tags

    if labels != list(range(len(labels))) or getattr(_final(model), "n_outputs_", None) == 1:
        return False
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    wraps = any(hasattr(last, name) for name in ("steps", "estimator", "estimators"))
    tags = None if wraps else get_tags(last).classifier_tags
    if tags is not None and not tags.multi_label:
        return False  # without another prediction
    return np.ndim(model.predict(newdata[:1])) == 2


def _of_outputs(
    values: list[np.ndarray], classes: Sequence[Iterable[Hashable]] | None
) -> Predictions:
    """The column of each label, from the probabilities of the classes of each output."""
    if classes is None:
        classes = [range(part.shape[1]) for part in values]
    levels = [_plain_labels(part) for part in classes]
    names = output_names(len(values))
    if all(level in (0, 1) for part in levels for level in part):
        present = [
            part[:, known.index(1)] if 1 in known else np.zeros(len(part))
            for part, known in zip(values, levels, strict=True)
        ]
        return as_predictions(np.column_stack(present), "prob", names, exclusive=False)
    labels = [
        f"{name}={level}" for name, known in zip(names, levels, strict=True) for level in known
    ]
    return as_predictions(np.hstack(values), "prob", labels, exclusive=False)


def _plain_labels(labels: Iterable[Hashable]) -> list[Hashable]:
    """Labels as Python's own objects."""
    return [label.item() if isinstance(label, np.generic) else label for label in labels]


def _without_probabilities(model: Model, inner: Model) -> str:
    """The message for a classifier in which an estimator has no probabilities."""
    name, outer = type(inner).__name__, type(model).__name__
    where = "" if inner is model else f" in {outer}"
    if getattr(inner, "voting", None) == "hard":
        return f'{name}{where} only votes. Fit it with `voting="soft"` to get probabilities.'
    return (
        f"{name}{where} has no `predict_proba`. Fit it inside "
        "sklearn.calibration.CalibratedClassifierCV to get probabilities: "
        f"CalibratedClassifierCV({name}(...)).fit(x, y)."
    )


def _final(model: Model) -> Model:
    """The estimator that predicts, of pipelines, searches and the like around it."""
    while True:
        if hasattr(model, "steps"):
            inner = model.steps[-1][1]
        else:
            inner = getattr(model, "best_estimator_", None) or getattr(model, "estimator", None)
        if not hasattr(inner, "fit"):
            return model
        model = inner


def _named_as_fitted(model: Model, newdata: Prepared) -> Prepared:
    """
    Give columns their names, or take them away, as the model was fitted.

    If not, scikit-learn warns of feature names at every prediction.
    """
    names = getattr(model, "feature_names_in_", None)
    if isinstance(newdata, pd.DataFrame):
        if names is None and hasattr(model, "n_features_in_"):
            return _without_names(newdata)
        unnamed = not any(isinstance(name, str) for name in newdata.columns)
        if unnamed and names is not None and len(names) == newdata.shape[1]:
            return newdata.set_axis(list(names), axis=1)
        return newdata
    is_table = isinstance(newdata, np.ndarray) and newdata.ndim == 2
    if is_table and names is not None and newdata.shape[1] == len(names):
        return pd.DataFrame(newdata, columns=names)
    return newdata


def _without_names(frame: pd.DataFrame) -> pd.DataFrame | np.ndarray:
    """The frame as an array, unless it holds what an array cannot: categories."""
    if any(isinstance(dtype, pd.CategoricalDtype) for dtype in frame.dtypes):
        return frame
    array = frame.to_numpy()
    if array.dtype != object or not all(map(pd.api.types.is_numeric_dtype, frame.dtypes)):
        return array
    return frame.to_numpy(np.float64, na_value=np.nan)  # numbers and logicals side by side


# Which columns hold codes

# Encoders to which a number is a code, also those of the package category_encoders.
_ENCODERS = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")
_MODULES = ("sklearn", "category_encoders", "imblearn", "dirty_cat", "skrub", "feature_engine")
# What estimators keep the fitted ones in that they are made around.
_INNER = (
    "best_estimator_",
    "regressor_",
    "estimator_",
    "estimator",
    "estimators_",
    "calibrated_classifiers_",
    "transformer_list",
    "final_estimator_",
)


@categorical_columns.register(Estimator)
def categorical_columns_of_estimator(
    model: Model, columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those of encoders and of `categorical_features`, wherever these are inside."""
    return [column for column in columns if column in set(_categorical(model, list(columns)))]


def _categorical(model: Any, columns: list[Hashable]) -> list[Hashable]:
    """Columns that an estimator, or one inside it, takes for categorical."""
    own = _own_categorical(model, columns)
    if own is not None:
        return own
    if hasattr(model, "steps"):
        return _of_steps([step for _, step in model.steps], columns)
    if hasattr(model, "transformers_"):
        return _of_transformers(model, columns)
    inner = [part for name in _INNER for part in _parts_of(getattr(model, name, None))]
    parts = [_categorical(part, columns) for part in inner if _sees_all_columns(part, columns)]
    return list(chain.from_iterable(parts))


def _own_categorical(model: Any, columns: list[Hashable]) -> list[Hashable] | None:
    """Columns that an estimator itself encodes; None if it cannot encode any."""
    kind = type(model)
    if kind.__name__ in _ENCODERS and kind.__module__.partition(".")[0] in _MODULES:
        chosen = getattr(model, "cols", None)
        chosen = getattr(model, "feature_names_in_", columns) if chosen is None else chosen
        return [name for name in columns if name in chosen]
    if hasattr(model, "is_categorical_"):
        mask = model.is_categorical_
        positions = [] if mask is None else np.flatnonzero(mask).tolist()
        return categorical_of(columns, _names_of(model), positions)
    registered = categorical_columns.dispatch(kind)
    if registered not in (categorical_columns.dispatch(object), categorical_columns_of_estimator):
        return list(registered(model, columns))
    return None


def _of_steps(steps: Iterable[Any], columns: list[Hashable]) -> list[Hashable]:
    """Columns that a pipeline takes for categorical, before a step that makes others of them."""
    found: list[Hashable] = []
    for step in steps:
        if step is None or isinstance(step, str):  # "passthrough"
            continue
        found += _categorical(step, columns)
        if hasattr(step, "transform") and not _keeps_columns(step, columns):
            break
    return found


def _keeps_columns(step: Any, columns: Sequence[Hashable]) -> bool:
    """Whether a transformer returns the columns that it gets, in their order."""
    if not hasattr(step, "get_feature_names_out"):
        return hasattr(step, "fit_resample")
    try:
        names = list(step.get_feature_names_out())
    except Exception:  # not fitted, or without names
        return False
    known = getattr(step, "feature_names_in_", [f"x{place}" for place in range(len(columns))])
    return names == list(known)


def _of_transformers(model: Any, columns: list[Hashable]) -> list[Hashable]:
    """Columns whose transformers in a `ColumnTransformer` encode them."""
    names = _names_of(model)
    places = {name: place for place, name in enumerate(names)}
    found: list[Hashable] = []
    for _, transformer, chosen in model.transformers_:
        if not isinstance(transformer, str):
            inner = _categorical(transformer, _chosen(names, chosen))
            found += categorical_of(columns, names, [places[name] for name in inner])
    return found


def _chosen(names: list[Hashable], chosen: Any) -> list[Hashable]:
    """The columns that a transformer gets: by names, positions, a slice or a mask."""
    if isinstance(chosen, slice) and any(isinstance(e, str) for e in (chosen.start, chosen.stop)):
        return pd.Series(names, index=pd.Index(names)).loc[chosen].tolist()
    if isinstance(chosen, slice):
        return names[chosen]
    each = np.atleast_1d(np.asarray(chosen)).tolist()
    if each and all(isinstance(flag, bool) for flag in each):
        return [name for name, flag in zip(names, each, strict=True) if flag]
    return [name if isinstance(name, str) else names[name] for name in each]


def _parts_of(inner: Any) -> list[Any]:
    """Estimators in an attribute that holds one, or several with or without names."""
    if inner is None or isinstance(inner, str):
        return []
    parts = np.ravel(inner).tolist() if isinstance(inner, np.ndarray) else inner
    parts = list(parts) if isinstance(parts, list | tuple) else [parts]
    return [part[1] if isinstance(part, tuple) else part for part in parts]


def _sees_all_columns(part: Any, columns: Sequence[Hashable]) -> bool:
    """Whether an estimator gets as many columns as the one around it."""
    return getattr(part, "n_features_in_", len(columns)) == len(columns)


def _names_of(model: Any) -> list[Hashable]:
    """The columns that an estimator was fitted to: names, or positions."""
    names = getattr(model, "feature_names_in_", None)
    return list(range(model.n_features_in_)) if names is None else list(names)
