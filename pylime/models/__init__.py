"""Models: the generics that ask them, and one module per library that answers."""

from pylime.models import keras, sklearn
from pylime.models.generics import (
    Classifier,
    ModelType,
    Regressor,
    as_classifier,
    as_regressor,
    check_model,
    model_type,
    predict,
    predict_model,
)

__all__ = [
    "Classifier",
    "ModelType",
    "Regressor",
    "as_classifier",
    "as_regressor",
    "check_model",
    "keras",
    "model_type",
    "predict",
    "predict_model",
    "sklearn",
]
