"""
xgboost: boosters and the estimators around them.

What a booster does is what its objective is called. A booster that was trained with an
objective of the user's own does not say so and counts as a regressor, unless it is wrapped.
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from pylime._optional import placeholder
from pylime.models.boosted import custom_objective, refuse_strings
from pylime.models.generics import ModelType, PredictionType, model_type, outputs, predict_model
from pylime.models.outputs import activate, numbers_frame, output_names, predictions_frame
from pylime.models.sklearn import ask_estimator, predict_estimator

Booster = placeholder("xgboost", "Booster")
Model = placeholder("xgboost", "XGBModel")

# By the part of an objective's name before the colon.
_KINDS: dict[str, ModelType] = {
    "binary": "classification",
    "multi": "classification",
    "reg": "regression",
    "count": "regression",
    "rank": "regression",
    "survival": "regression",
}


@model_type.register(Booster)
def _(model: Any) -> ModelType:
    objective = _objective(model)
    kind = _KINDS.get(objective.partition(":")[0])
    if kind is None:
        raise TypeError(
            f"xgboost's objective {objective!r} is not known; wrap the booster in "
            "as_classifier() or as_regressor()."
        )
    return kind


@model_type.register(Model)
def _(model: Any) -> ModelType:
    from sklearn.base import is_classifier

    if callable(model.objective):
        raise TypeError(custom_objective(model))
    return "classification" if is_classifier(model) else "regression"


@predict_model.register(Booster)
def _(model: Any, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    if type == "raw":
        return numbers_frame(_predict(model, newdata, **kwargs))
    objective = _objective(model)
    _refuse_hinge(objective)
    values = outputs(model, newdata, **kwargs)
    if objective == "multi:softmax":
        values = activate(values, "softmax")
    elif objective == "binary:logitraw":
        values = activate(values, "sigmoid")
    elif objective.startswith("binary:") and np.ndim(values) == 2:
        return predictions_frame(values, type, output_names(values.shape[1]), multilabel=True)
    return predictions_frame(values, type)


@predict_model.register(Model)
def _(model: Any, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    refuse_strings(newdata, "xgboost")
    classifies = type == "prob" and hasattr(model, "predict_proba")
    if classifies and callable(model.objective):
        raise TypeError(custom_objective(model))
    if classifies:
        _refuse_hinge(model.objective)
    predictions = predict_estimator(model, newdata, type, **kwargs)
    if classifies and model.objective == "binary:logitraw":
        scores = predictions.iloc[:, -1]
        return predictions_frame(activate(scores, "sigmoid"), type, list(predictions.columns))
    return predictions


@outputs.register(Booster)
def _(model: Any, newdata: Any, **kwargs: Any) -> np.ndarray:
    if _objective(model) == "multi:softmax":  # which would return the likeliest class
        kwargs["output_margin"] = True
    return _predict(model, newdata, **kwargs)


@outputs.register(Model)
def _(model: Any, newdata: Any, **kwargs: Any) -> Any:
    if callable(model.objective):
        return _predict(model.get_booster(), newdata, output_margin=True, **kwargs)
    return ask_estimator(model, newdata, **kwargs)


def _objective(booster: Any) -> str:
    return json.loads(booster.save_config())["learner"]["objective"]["name"]


def _refuse_hinge(objective: Any) -> None:
    """Raise if the objective finds a border between classes, but no probabilities."""
    if objective == "binary:hinge":
        raise TypeError(
            "xgboost's objective 'binary:hinge' gives classes without probabilities. Train with "
            "'binary:logistic', or explain 0 and 1 as numbers: as_regressor(model)."
        )


def _predict(booster: Any, newdata: Any, **kwargs: Any) -> np.ndarray:
    """Ask a booster, whether it was trained on columns with or without names."""
    from xgboost import DMatrix

    refuse_strings(newdata, "xgboost")
    if not isinstance(newdata, DMatrix):
        # A frame tells names and types of its columns, an array has those of the training data.
        told = isinstance(newdata, pd.DataFrame) or np.shape(newdata)[1] != booster.num_features()
        newdata = DMatrix(
            newdata,
            feature_names=None if told else booster.feature_names,
            feature_types=None if told else booster.feature_types,
            enable_categorical=True,
        )
    kwargs.setdefault("validate_features", newdata.feature_names is not None)
    return booster.predict(newdata, **kwargs)
