"""
scikit-learn estimators.

What an estimator does is what scikit-learn's tags say; pipelines, searches and other
estimators around it pass that on. Labels are its `classes_`. Of several outputs each
label has a column of its own: `y0`, `y1` and so on, or `y0=red` where an output is more
than present or absent.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pylime._optional import placeholder
from pylime.models.generics import (
    ModelType,
    PredictionType,
    model_type,
    outputs,
    predict_model,
    predictions_frame,
)
from pylime.models.outputs import numbers_frame, output_names

__all__ = ["ask_estimator", "predict_estimator"]

Estimator = placeholder("sklearn.base", "BaseEstimator")


@model_type.register(Estimator)
def _(model: Any) -> ModelType:
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


# What can be explained of an estimator that is made for something else, by what it offers.
_OTHER_WAYS = {
    "predict_proba": "as_classifier(model) explains its probabilities.",
    "decision_function": "as_regressor(model.decision_function) explains its scores.",
    "predict": (
        "as_regressor(model) explains numbers that it predicts; of groups 0 to k - 1 say "
        "as_classifier(lambda x: numpy.eye(k)[model.predict(x)])."
    ),
    "transform": (
        "put it before a model, in sklearn.pipeline.make_pipeline, or hand its `transform` to "
        "lime() as `preprocess`."
    ),
    "score_samples": "as_regressor(model.score_samples) explains its scores.",
    "fit_predict": (
        "it predicts nothing for new cases. Fit a classifier to what it found, such as "
        "RandomForestClassifier().fit(x, model.fit_predict(x))."
    ),
    "fit": "wrap it in as_classifier() or as_regressor() to say what it is.",
}


@predict_model.register(Estimator)
def predict_estimator(
    model: Any, newdata: Any, type: PredictionType, **kwargs: Any
) -> pd.DataFrame:
    """Predict with an estimator; see `pylime.predict_model`."""
    from sklearn.base import is_classifier
    from sklearn.utils.validation import check_is_fitted

    newdata = _as_fitted(model, newdata)
    if type == "raw":
        return numbers_frame(model.predict(newdata, **kwargs))
    if hasattr(model, "predict_proba"):
        return _probabilities(model, newdata, **kwargs)
    if is_classifier(model):
        check_is_fitted(model)  # some only know then what they can do
        inner = _final(model)
        lacking = model if hasattr(inner, "predict_proba") else inner
        raise TypeError(_without_probabilities(model, lacking))
    return predictions_frame(model.predict(newdata, **kwargs), type)


@outputs.register(Estimator)
def ask_estimator(model: Any, newdata: Any, **kwargs: Any) -> pd.DataFrame:
    """Probabilities of a classifier, and the scores that other estimators predict."""
    from sklearn.base import is_classifier

    classifies = is_classifier(model) or hasattr(model, "predict_proba")
    return predict_model(model, newdata, type="prob" if classifies else "raw", **kwargs)


def _probabilities(model: Any, newdata: Any, **kwargs: Any) -> pd.DataFrame:
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
    labels = None if classes is None or by_output else _plain(classes)
    if by_output or (labels is not None and _is_multilabel(model, newdata, labels)):
        return predictions_frame(values, "prob", output_names(values.shape[1]), multilabel=True)
    if labels is not None and len(labels) == 1:
        raise ValueError(
            f"The classifier knows only one class, {labels[0]!r}: there is nothing to explain."
        )
    return predictions_frame(values, "prob", labels)


def _is_multilabel(model: Any, newdata: Any, labels: Sequence[Hashable]) -> bool:
    """
    Whether columns of probabilities belong to labels that exclude each other or not.

    No attribute says so through every estimator around it, but a prediction does. Classes
    with names are never several labels, which are counted.
    """
    from sklearn.utils import get_tags

    if labels != list(range(len(labels))) or getattr(_final(model), "n_outputs_", None) == 1:
        return False
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    wraps = any(hasattr(last, name) for name in ("steps", "estimator", "estimators"))
    tags = None if wraps else get_tags(last).classifier_tags
    if tags is not None and not tags.multi_label:
        return False  # without asking for a prediction more
    return np.ndim(model.predict(newdata[:1])) == 2


def _of_outputs(values: list[Any], classes: list[Any] | None) -> pd.DataFrame:
    """Of probabilities of the classes of each output, the column of each label."""
    if classes is None:
        classes = [range(part.shape[1]) for part in values]
    levels = [_plain(part) for part in classes]
    names = output_names(len(values))
    if all(level in (0, 1) for part in levels for level in part):
        present = [
            part[:, known.index(1)] if 1 in known else np.zeros(len(part))
            for part, known in zip(values, levels, strict=True)
        ]
        return predictions_frame(np.column_stack(present), "prob", names, multilabel=True)
    labels = [
        f"{name}={level}" for name, known in zip(names, levels, strict=True) for level in known
    ]
    return predictions_frame(np.hstack(values), "prob", labels, multilabel=True)


def _plain(labels: Any) -> list[Hashable]:
    """Labels as Python's own objects."""
    return [label.item() if isinstance(label, np.generic) else label for label in labels]


def _without_probabilities(model: Any, inner: Any) -> str:
    """What to say of a classifier in which one only tells the class."""
    name, outer = type(inner).__name__, type(model).__name__
    where = "" if inner is model else f" in {outer}"
    if getattr(inner, "voting", None) == "hard":
        return f'{name}{where} only votes. Fit it with `voting="soft"` to get probabilities.'
    return (
        f"{name}{where} has no `predict_proba`. Fit it inside "
        "sklearn.calibration.CalibratedClassifierCV to get probabilities: "
        f"CalibratedClassifierCV({name}(...)).fit(x, y)."
    )


def _final(model: Any) -> Any:
    """The estimator that predicts, of pipelines, searches and the like around it."""
    while True:
        if hasattr(model, "steps"):
            inner = model.steps[-1][1]
        else:
            inner = getattr(model, "best_estimator_", None) or getattr(model, "estimator", None)
        if not hasattr(inner, "fit"):
            return model
        model = inner


def _as_fitted(model: Any, newdata: Any) -> Any:
    """
    Give columns their names, or take them away, as the model was fitted.

    Otherwise scikit-learn warns of feature names at every prediction.
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


def _without_names(frame: pd.DataFrame) -> Any:
    """The frame as an array, unless it holds what an array cannot: categories."""
    if any(isinstance(dtype, pd.CategoricalDtype) for dtype in frame.dtypes):
        return frame
    array = frame.to_numpy()
    if array.dtype != object or not all(map(pd.api.types.is_numeric_dtype, frame.dtypes)):
        return array
    return frame.to_numpy(np.float64, na_value=np.nan)  # numbers and logicals side by side
