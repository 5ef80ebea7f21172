"""
lightgbm: boosters and the estimators around them.

What a booster does is read off the text of the model, which boosters from a file have as
well; their parameters may be lost.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pylime._optional import placeholder
from pylime._types import Prepared, Returned
from pylime.models.boosted import custom_objective, splittable
from pylime.models.categorical import categorical_columns, categorical_of
from pylime.models.generics import ModelType, PredictionType, model_type, outputs, predict_model
from pylime.models.outputs import Predictions, as_predictions, named_outputs
from pylime.models.sklearn import outputs_of_estimator, predict_estimator

if TYPE_CHECKING:
    import lightgbm

Booster = placeholder("lightgbm", "Booster")
Model = placeholder("lightgbm", "LGBMModel")

_CLASSIFIES = frozenset(["binary", "cross_entropy", "multiclass", "multiclassova"])


@model_type.register(Booster)
def type_of_lightgbm_booster(model: "lightgbm.Booster") -> ModelType:
    """Classification or regression, by the objective."""
    objective = _objective(model)
    if objective is None:
        raise TypeError(custom_objective(model))
    return "classification" if objective in _CLASSIFIES else "regression"


@model_type.register(Model)
def type_of_lightgbm_model(model: "lightgbm.LGBMModel") -> ModelType:
    """Classification or regression, by the estimator's class."""
    from sklearn.base import is_classifier

    if callable(model.objective):
        raise TypeError(custom_objective(model))
    return "classification" if is_classifier(model) else "regression"


@predict_model.register(Booster)
def predict_lightgbm_booster(
    model: "lightgbm.Booster", newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict numbers, or probabilities."""
    values = outputs(model, newdata, **kwargs)
    if type == "raw":
        return named_outputs(values)
    return as_predictions(values, type, exclusive=_objective(model) != "multiclassova")


@predict_model.register(Model)
def predict_lightgbm_model(
    model: "lightgbm.LGBMModel", newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict as an estimator of scikit-learn, with the columns that lightgbm takes."""
    newdata = splittable(newdata, "lightgbm")
    classifies = type == "prob" and hasattr(model, "predict_proba")
    if classifies and callable(model.objective):
        raise TypeError(custom_objective(model))
    predictions = predict_estimator(model, newdata, type, **kwargs)
    if classifies and _objective(model.booster_) == "multiclassova":
        return replace(predictions, exclusive=False)  # each class against the rest
    return predictions


@outputs.register(Booster)
def outputs_of_lightgbm_booster(
    model: "lightgbm.Booster", newdata: Prepared, **kwargs: Any
) -> Returned:
    """What the booster predicts; scores, if its objective is a function."""
    newdata = splittable(newdata, "lightgbm")
    return model.predict(newdata, **kwargs)


@outputs.register(Model)
def outputs_of_lightgbm_model(
    model: "lightgbm.LGBMModel", newdata: Prepared, **kwargs: object
) -> Returned:
    """Scores of a model with an objective of the user's own, else probabilities or numbers."""
    if callable(model.objective):
        return outputs(model.booster_, newdata, **kwargs)
    return outputs_of_estimator(model, newdata, **kwargs)


@categorical_columns.register(Booster)
def categorical_columns_of_lightgbm_booster(
    model: "lightgbm.Booster", columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those of `categorical_feature`, whose information lists the codes; ranges are in brackets."""
    infos = _words_after(model, "feature_infos=")
    found = [place for place, info in enumerate(infos) if info != "none" and info[0] != "["]
    own = {str(column).replace(" ", "_"): column for column in columns}  # as lightgbm writes them
    return categorical_of(columns, [own.get(name, name) for name in model.feature_name()], found)


@categorical_columns.register(Model)
def categorical_columns_of_lightgbm_model(
    model: "lightgbm.LGBMModel", columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those of its booster."""
    return categorical_columns(model.booster_, columns) if hasattr(model, "booster_") else ()


def _objective(booster: "lightgbm.Booster") -> str | None:
    """The objective by lightgbm's own name for it; None if it is a function."""
    words = _words_after(booster, "objective=")
    return words[0] if words else None


def _words_after(booster: "lightgbm.Booster", start: str) -> list[str]:
    """The words of a line in the head of a model's text."""
    head = booster.model_to_string(num_iteration=1).partition("\nTree=")[0]
    lines = (line for line in head.splitlines() if line.startswith(start))
    return next(lines, "").removeprefix(start).split()
