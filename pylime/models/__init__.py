"""Models: the generics that predict with any of them, and a module for each library."""

from pylime.models import (
    catboost,
    h2o,
    keras,
    lightgbm,
    onnxruntime,
    sklearn,
    statsmodels,
    torch,
    transformers,
    xgboost,
)
from pylime.models.alignment import align_labels, index_of, is_counted
from pylime.models.categorical import categorical_columns
from pylime.models.checked import check_model, predict, warn_of_scores
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
from pylime.models.outputs import Activation, Predictions

__all__ = [
    "Activation",
    "Classifier",
    "ModelType",
    "Predictions",
    "Regressor",
    "align_labels",
    "as_classifier",
    "as_regressor",
    "catboost",
    "categorical_columns",
    "check_model",
    "h2o",
    "index_of",
    "is_counted",
    "keras",
    "lightgbm",
    "model_type",
    "onnxruntime",
    "owner_of",
    "predict",
    "predict_model",
    "sklearn",
    "statsmodels",
    "torch",
    "transformers",
    "warn_of_scores",
    "xgboost",
]
