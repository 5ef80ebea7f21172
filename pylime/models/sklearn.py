"""scikit-learn estimators."""

import warnings
from typing import Any

import pandas as pd

from pylime._optional import placeholder
from pylime.models.generics import (
    ModelType,
    PredictionType,
    model_type,
    predict_model,
    predictions_frame,
)

Estimator = placeholder("sklearn.base", "BaseEstimator")


@model_type.register(Estimator)
def _(model: Any) -> ModelType:
    from sklearn.base import is_classifier, is_regressor

    if is_classifier(model):
        return "classification"
    if is_regressor(model):
        return "regression"
    raise TypeError(
        f"{type(model).__name__} is neither a classifier nor a regressor; "
        "wrap it in as_classifier() or as_regressor() to say what it is."
    )


@predict_model.register(Estimator)
def _(model: Any, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    with warnings.catch_warnings():
        # Fitted on an array and given a frame, or the other way round: the columns are
        # the training data's in both cases.
        warnings.filterwarnings("ignore", message="X (has|does not have valid) feature names")
        if type == "raw":
            return predictions_frame(model.predict(newdata, **kwargs), type)
        if not hasattr(model, "predict_proba"):
            raise TypeError(
                f"{model.__class__.__name__} has no `predict_proba`. Fit it inside "
                "sklearn.calibration.CalibratedClassifierCV to get probabilities."
            )
        probabilities = model.predict_proba(newdata, **kwargs)
    classes = getattr(model, "classes_", None)
    labels = None if classes is None else list(getattr(classes, "tolist", lambda: classes)())
    return predictions_frame(probabilities, type, labels)
