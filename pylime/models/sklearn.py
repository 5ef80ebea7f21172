"""
scikit-learn estimators.

The tags of an estimator decide what it does; pipelines, searches and other estimators around
it pass them on. Labels are its `classes_`. Of several outputs each label has a column of its
own: `y0`, `y1` and so on, or `y0=red` where an output is more than present or absent.
"""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import pandas as pd

from pylime._optional import placeholder
from pylime._types import Model, Prepared, Returned
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
