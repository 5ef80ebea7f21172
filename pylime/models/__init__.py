"""Models: the generics that ask them, and one module per library that answers."""

from pylime.models import keras, onnxruntime, sklearn, torch, transformers
from pylime.models.checked import check_model, predict, probe, warn_of_scores
from pylime.models.generics import (
    Classifier,
    ModelType,
    Regressor,
    as_classifier,
    as_regressor,
    model_type,
    owner_of,
    predict_model,
)
from pylime.models.outputs import Activation

__all__ = [
    "Activation",
    "Classifier",
    "ModelType",
    "Regressor",
    "as_classifier",
    "as_regressor",
    "check_model",
    "keras",
    "model_type",
    "onnxruntime",
    "owner_of",
    "predict",
    "predict_model",
    "probe",
    "sklearn",
    "torch",
    "transformers",
    "warn_of_scores",
]
