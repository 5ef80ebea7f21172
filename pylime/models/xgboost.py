"""
xgboost: boosters and the estimators around them.

The name of a booster's objective decides what it does. A booster that was trained with an
objective of the user's own has no such name and counts as a regressor, unless it is wrapped.
"""

import json
from collections.abc import Collection, Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pylime._optional import placeholder
from pylime._types import Prepared, Returned
from pylime.models.boosted import custom_objective, splittable
from pylime.models.categorical import categorical_columns, categorical_of
from pylime.models.generics import ModelType, PredictionType, model_type, outputs, predict_model
from pylime.models.outputs import (
    Predictions,
    activate,
    as_predictions,
    named_outputs,
    output_names,
)
from pylime.models.sklearn import outputs_of_estimator, predict_estimator

if TYPE_CHECKING:
    import xgboost

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
def type_of_xgboost_booster(model: "xgboost.Booster") -> ModelType:
    """Classification or regression, by the objective."""
    objective = _objective(model)
    kind = _KINDS.get(objective.partition(":")[0])
    if kind is None:
        raise TypeError(
            f"xgboost's objective {objective!r} is not known; wrap the booster in "
            "as_classifier() or as_regressor()."
        )
    return kind


@model_type.register(Model)
def type_of_xgboost_model(model: "xgboost.XGBModel") -> ModelType:
    """Classification or regression, by the estimator's class."""
    from sklearn.base import is_classifier

    if callable(model.objective):
        raise TypeError(custom_objective(model))
    return "classification" if is_classifier(model) else "regression"


@predict_model.register(Booster)
def predict_xgboost_booster(
    model: "xgboost.Booster", newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict numbers, or the probabilities of classes or labels."""
    if type == "raw":
        return named_outputs(_predict_booster(model, newdata, **kwargs))
    objective = _objective(model)
    _refuse_hinge(objective)
    values = outputs(model, newdata, **kwargs)
    if objective == "multi:softmax":
        values = activate(values, "softmax")
    elif objective == "binary:logitraw":
        values = activate(values, "sigmoid")
    elif objective.startswith("binary:") and np.ndim(values) == 2:
        return as_predictions(values, type, output_names(values.shape[1]), exclusive=False)
    return as_predictions(values, type)


@predict_model.register(Model)
def predict_xgboost_model(
    model: "xgboost.XGBModel", newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict as an estimator of scikit-learn, with the columns that xgboost takes."""
    newdata = splittable(newdata, "xgboost")
    classifies = type == "prob" and hasattr(model, "predict_proba")
    if classifies and callable(model.objective):
        raise TypeError(custom_objective(model))
    if classifies:
        _refuse_hinge(model.objective)
    predictions = predict_estimator(model, newdata, type, **kwargs)
    if classifies and model.objective == "binary:logitraw":
        scores = predictions.values[:, -1]
        return as_predictions(activate(scores, "sigmoid"), type, predictions.labels)
    return predictions


@outputs.register(Booster)
def outputs_of_xgboost_booster(
    model: "xgboost.Booster", newdata: Prepared, **kwargs: object
) -> np.ndarray:
    """What the booster predicts; scores instead of the likeliest class."""
    if _objective(model) == "multi:softmax":
        kwargs["output_margin"] = True
    return _predict_booster(model, newdata, **kwargs)


@outputs.register(Model)
def outputs_of_xgboost_model(
    model: "xgboost.XGBModel", newdata: Prepared, **kwargs: object
) -> Returned:
    """Scores of a model with an objective of the user's own, else probabilities or numbers."""
    if callable(model.objective):
        return _predict_booster(model.get_booster(), newdata, output_margin=True, **kwargs)
    return outputs_of_estimator(model, newdata, **kwargs)


def _objective(booster: "xgboost.Booster") -> str:
    """The objective by xgboost's own name for it."""
    return json.loads(booster.save_config())["learner"]["objective"]["name"]


def _refuse_hinge(objective: object) -> None:
    """Raise if the objective finds a border between classes, but no probabilities."""
    if objective == "binary:hinge":
        raise TypeError(
            "xgboost's objective 'binary:hinge' gives classes without probabilities. Train with "
            "'binary:logistic', or explain 0 and 1 as numbers: as_regressor(model)."
        )


def _predict_booster(booster: "xgboost.Booster", newdata: Prepared, **kwargs: object) -> np.ndarray:
    """Predict with a booster, whether it was trained on columns with or without names."""
    from xgboost import DMatrix

    newdata = splittable(newdata, "xgboost")
    if not isinstance(newdata, DMatrix):
        # A frame has names and types of its own, an array gets those of the training data.
        own = isinstance(newdata, pd.DataFrame) or np.shape(newdata)[1] != booster.num_features()
        newdata = DMatrix(
            newdata,
            feature_names=None if own else booster.feature_names,
            feature_types=None if own else booster.feature_types,
            enable_categorical=True,
        )
    kwargs.setdefault("validate_features", newdata.feature_names is not None)
    return booster.predict(newdata, **kwargs)


@categorical_columns.register(Booster)
def categorical_columns_of_xgboost_booster(
    model: "xgboost.Booster", columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those of the feature type `c`."""
    types = model.feature_types or []
    found = [place for place, kind in enumerate(types) if kind == "c"]
    return categorical_of(columns, model.feature_names or range(len(types)), found)


@categorical_columns.register(Model)
def categorical_columns_of_xgboost_model(
    model: "xgboost.XGBModel", columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those of its booster."""
    if not model.__sklearn_is_fitted__():
        return ()
    return categorical_columns(model.get_booster(), columns)
