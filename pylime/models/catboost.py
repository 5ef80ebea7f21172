"""
catboost: models of all its classes.

The name of a model's loss function decides what it does. Its class does not: a model from a
file may be of the general class.
"""

from collections.abc import Collection, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pylime._optional import placeholder
from pylime._types import Prepared, Returned
from pylime.models.boosted import custom_objective
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

if TYPE_CHECKING:
    from catboost import CatBoost

Model = placeholder("catboost", "CatBoost")

_SEVERAL_LABELS = frozenset(["MultiLogloss", "MultiCrossEntropy"])
_CLASSIFIES = _SEVERAL_LABELS | {
    "CrossEntropy",
    "Focal",
    "Logloss",
    "MultiClass",
    "MultiClassOneVsAll",
}
# Models of the general class would return the logarithm.
_LOGARITHMIC = frozenset(["Poisson", "Tweedie"])


@model_type.register(Model)
def type_of_catboost_model(model: "CatBoost") -> ModelType:
    """Classification or regression, by the loss function."""
    loss = _loss_function(model)
    if loss.startswith("PythonUserDefined"):
        raise TypeError(custom_objective(model))
    return "classification" if loss in _CLASSIFIES else "regression"


@predict_model.register(Model)
def predict_catboost_model(
    model: "CatBoost", newdata: Prepared, type: PredictionType, **kwargs: Any
) -> Predictions:
    """Predict numbers, or the probabilities of classes or labels."""
    loss = _loss_function(model)
    if type == "raw" or loss not in _CLASSIFIES:
        if loss in _LOGARITHMIC:
            kwargs.setdefault("prediction_type", "Exponent")
        values = model.predict(newdata, **kwargs)
        return named_outputs(values) if type == "raw" else as_predictions(values, type)
    values = model.predict(newdata, **{"prediction_type": "Probability", **kwargs})
    labels = np.asarray(model.classes_).tolist()
    if loss in _SEVERAL_LABELS and labels == list(range(len(labels))):
        labels = output_names(len(labels))
    exclusive = loss not in _SEVERAL_LABELS and loss != "MultiClassOneVsAll"
    return as_predictions(values, type, labels, exclusive=exclusive)


@outputs.register(Model)
def outputs_of_catboost_model(model: "CatBoost", newdata: Prepared, **kwargs: Any) -> Returned:
    """Probabilities of a classifier, and the scores of other models."""
    if _loss_function(model) in _CLASSIFIES:
        return call_model(model, newdata, type="prob", **kwargs)
    return model.predict(newdata, **{"prediction_type": "RawFormulaVal", **kwargs})


@categorical_columns.register(Model)
def categorical_columns_of_catboost_model(
    model: "CatBoost", columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those of `cat_features`."""
    if not model.is_fitted():
        return ()
    return categorical_of(columns, model.feature_names_ or [], model.get_cat_feature_indices())


def _loss_function(model: "CatBoost") -> str:
    """The loss function's name without its parameters."""
    if not model.is_fitted():
        raise ValueError(
            f"This {type(model).__name__} is not fitted yet. Call its `fit` before lime()."
        )
    return str(model.get_all_params().get("loss_function", "")).partition(":")[0]
