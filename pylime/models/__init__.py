"""Models: the generics that ask them, and one module per library that answers."""

from pylime.models import h2o, keras, sklearn, statsmodels
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
    "h2o",
    "keras",
    "model_type",
    "owner_of",
    "predict",
    "predict_model",
    "probe",
    "sklearn",
    "statsmodels",
    "warn_of_scores",
]
