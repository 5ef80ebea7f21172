"""scikit-learn estimators."""

from typing import Any

import numpy as np
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
    newdata = _as_fitted(model, newdata)
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
    if labels is not None and len(labels) == 1:
        raise ValueError(
            f"The classifier knows only one class, {labels[0]!r}: there is nothing to explain."
        )
    return predictions_frame(probabilities, type, labels)


def _as_fitted(model: Any, newdata: Any) -> Any:
    """
    Give columns their names, or take them away, as the model was fitted.

    Otherwise scikit-learn warns of feature names at every prediction.
    """
    names = getattr(model, "feature_names_in_", None)
    if isinstance(newdata, pd.DataFrame) and names is None and hasattr(model, "n_features_in_"):
        numeric = all(pd.api.types.is_numeric_dtype(dtype) for dtype in newdata.dtypes)
        return newdata.to_numpy() if numeric else newdata
    is_table = isinstance(newdata, np.ndarray) and newdata.ndim == 2
    if is_table and names is not None and newdata.shape[1] == len(names):
        return pd.DataFrame(newdata, columns=names)
    return newdata
