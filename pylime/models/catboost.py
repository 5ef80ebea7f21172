"""
catboost: models of all its classes.

What a model does is what its loss function is called. The classes that know their task
are not asked: a model from a file may be of the general class.
"""

from typing import Any

import pandas as pd

from pylime._optional import placeholder
from pylime.models.boosted import custom_objective
from pylime.models.generics import ModelType, PredictionType, model_type, outputs, predict_model
from pylime.models.outputs import numbers_frame, output_names, predictions_frame

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
def _(model: Any) -> ModelType:
    loss = _loss(model)
    if loss.startswith("PythonUserDefined"):
        raise TypeError(custom_objective(model))
    return "classification" if loss in _CLASSIFIES else "regression"


@predict_model.register(Model)
def _(model: Any, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    loss = _loss(model)
    if type == "raw" or loss not in _CLASSIFIES:
        if loss in _LOGARITHMIC:
            kwargs.setdefault("prediction_type", "Exponent")
        values = model.predict(newdata, **kwargs)
        return numbers_frame(values) if type == "raw" else predictions_frame(values, type)
    values = model.predict(newdata, **{"prediction_type": "Probability", **kwargs})
    labels = model.classes_.tolist()
    if loss in _SEVERAL_LABELS and labels == list(range(len(labels))):
        labels = output_names(len(labels))
    own = loss in _SEVERAL_LABELS or loss == "MultiClassOneVsAll"
    return predictions_frame(values, type, labels, multilabel=own)


@outputs.register(Model)
def _(model: Any, newdata: Any, **kwargs: Any) -> Any:
    if _loss(model) in _CLASSIFIES:
        return predict_model(model, newdata, type="prob", **kwargs)
    return model.predict(newdata, **{"prediction_type": "RawFormulaVal", **kwargs})


def _loss(model: Any) -> str:
    """The loss function's name without its parameters."""
    if not model.is_fitted():
        raise ValueError(
            f"This {type(model).__name__} is not fitted yet. Call its `fit` before lime()."
        )
    return str(model.get_all_params().get("loss_function", "")).partition(":")[0]
