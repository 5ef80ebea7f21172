"""
lightgbm: boosters and the estimators around them.

What a booster does is read off the text of the model, which boosters from a file have as
well; their parameters may be lost.
"""

from typing import Any

import pandas as pd

from pylime._optional import placeholder
from pylime.models.boosted import custom_objective, refuse_strings
from pylime.models.generics import ModelType, PredictionType, model_type, outputs, predict_model
from pylime.models.outputs import numbers_frame, predictions_frame
from pylime.models.sklearn import ask_estimator, predict_estimator

Booster = placeholder("lightgbm", "Booster")
Model = placeholder("lightgbm", "LGBMModel")

_CLASSIFIES = frozenset(["binary", "cross_entropy", "multiclass", "multiclassova"])


@model_type.register(Booster)
def _(model: Any) -> ModelType:
    objective = _objective(model)
    if objective is None:
        raise TypeError(custom_objective(model))
    return "classification" if objective in _CLASSIFIES else "regression"


@model_type.register(Model)
def _(model: Any) -> ModelType:
    from sklearn.base import is_classifier

    if callable(model.objective):
        raise TypeError(custom_objective(model))
    return "classification" if is_classifier(model) else "regression"


@predict_model.register(Booster)
def _(model: Any, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    values = outputs(model, newdata, **kwargs)
    if type == "raw":
        return numbers_frame(values)
    return predictions_frame(values, type, multilabel=_objective(model) == "multiclassova")


@predict_model.register(Model)
def _(model: Any, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    refuse_strings(newdata, "lightgbm")
    classifies = type == "prob" and hasattr(model, "predict_proba")
    if classifies and callable(model.objective):
        raise TypeError(custom_objective(model))
    predictions = predict_estimator(model, newdata, type, **kwargs)
    if classifies and _objective(model.booster_) == "multiclassova":
        predictions.attrs["multilabel"] = True  # each class against the rest
    return predictions


@outputs.register(Booster)
def _(model: Any, newdata: Any, **kwargs: Any) -> Any:
    refuse_strings(newdata, "lightgbm")
    return model.predict(newdata, **kwargs)


@outputs.register(Model)
def _(model: Any, newdata: Any, **kwargs: Any) -> Any:
    if callable(model.objective):
        return outputs(model.booster_, newdata, **kwargs)
    return ask_estimator(model, newdata, **kwargs)


def _objective(booster: Any) -> str | None:
    """The objective by lightgbm's own name for it; None if it is a function."""
    head = booster.model_to_string(num_iteration=1).partition("\nTree=")[0]
    lines = (line for line in head.splitlines() if line.startswith("objective="))
    words = next(lines, "").removeprefix("objective=").split()
    return words[0] if words else None
