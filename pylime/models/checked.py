"""The checks that stand between a model and everything that uses its predictions."""

from typing import Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime.models.generics import (
    Classifier,
    ModelType,
    Regressor,
    class_name,
    is_known,
    model_type,
    predict_model,
    refuse_predictions,
    unknown_model,
)
from pylime.models.outputs import PredictionType, class_frame, cure, predictions_frame

__all__ = ["check_model", "predict", "warn_of_scores"]

# By how much probabilities, of half precision at worst, may miss a sum of 1.
_SUM_TOLERANCE = 0.02


def predict(
    model: Any, newdata: Any, n: int, kind: ModelType | None = None, **kwargs: Any
) -> pd.DataFrame:
    """
    Predict n cases and check what comes back.

    Parameters
    ----------
    model
        Any model that `predict_model` and `model_type` know.
    newdata
        What `preprocess` returned.
    n
        How many cases were preprocessed.
    kind
        What the model does, where that is known already.
    **kwargs
        Passed on to `predict_model`.

    Returns
    -------
    pandas.DataFrame
        n rows of finite numbers.

    Raises
    ------
    ValueError
        If rows are missing or too many, labels repeat, or a prediction is not finite.
    TypeError
        If the model's class is not known.
    """
    kind = model_type(model) if kind is None else kind
    form: PredictionType = "prob" if kind == "classification" else "raw"
    predictions = predict_model(model, newdata, type=form, **kwargs)
    predictions = _single(predictions) if form == "raw" else class_frame(predictions)
    if len(predictions) != n:
        seen = predictions.attrs.get("shape", predictions.shape)
        seen, width = (seen[:1], "") if form == "raw" else (seen, " classes")
        raise ValueError(
            f"The model must return one row for each of the {n} cases it is given; it returned "
            f"{len(predictions)}: expected shape ({n},{width}), seen {seen}. Does it predict whole "
            "batches?" + cure("np.stack([predict_one(case) for case in newdata])", form)
        )
    if not predictions.columns.is_unique:
        twice = predictions.columns[predictions.columns.duplicated()].unique().tolist()
        raise ValueError(f"The model's class labels must be different; twice: {twice[:5]}.")
    try:
        finite = np.isfinite(predictions.to_numpy(np.float64))
    except (TypeError, ValueError) as error:
        raise ValueError(f"The model must return numbers; {error}.") from error
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ValueError(
            f"The model must return finite numbers; of {n} cases {np.sum(~finite.all(axis=1))} "
            f"have a missing or infinite prediction, the first is "
            f"{predictions.iat[row, column]} for {predictions.columns[column]!r}."
        )
    return predictions


def _single(predictions: Any) -> pd.DataFrame:
    """The one column of numbers; raises if there are several."""
    shape = np.shape(predictions)
    if isinstance(predictions, pd.DataFrame) and shape[1] > 1:
        names = predictions.columns.tolist()
        raise ValueError(
            f"A regressor must return one number for each case; this one has {len(names)} outputs: "
            f"{', '.join(map(repr, names[:10]))}{', ...' if names[10:] else ''}. Say which: "
            f"as_regressor(model, output={names[0]!r}). If they are scores of classes: "
            'as_classifier(model, labels, activation="softmax").'
        )
    return predictions_frame(predictions, "raw")


def check_model(model: Any) -> ModelType:
    """
    Find out what a model does, or that it is not known.

    Returns
    -------
    str
        `"classification"` or `"regression"`.

    Raises
    ------
    TypeError
        If no prediction of the model is known, or it does something else.
    """
    inner = model.model if isinstance(model, Classifier | Regressor) else model
    refuse_predictions(inner)
    if not is_known(inner) and not callable(inner):
        raise TypeError(unknown_model(inner))
    kind = model_type(model)
    if kind not in ("classification", "regression"):
        raise TypeError(
            "`model_type` must return 'classification' or 'regression'; for a model of class "
            f"{class_name(model)} it returned {kind!r}."
        )
    return kind


def warn_of_scores(model: Any, predictions: pd.DataFrame) -> None:
    """
    Warn if what should be class probabilities are scores.

    Parameters
    ----------
    model
        The model, which may say itself what it returns.
    predictions
        Of some cases.
    """
    if predictions.attrs.get("probabilities"):
        checks.warn(
            f"activation={model.activation!r} is for scores, but the model returns probabilities "
            "already. Leave it out, or say activation=None."
        )
    told = isinstance(model, Classifier) and model.activation != "auto"
    if told or list(predictions.columns) == ["Response"] or not len(predictions):
        return
    values = predictions.to_numpy(np.float64)
    sums = values.sum(axis=1)
    outside = bool((values < -1e-6).any() or (values > 1 + 1e-6).any())
    off = bool((np.abs(sums - 1) > _SUM_TOLERANCE).any()) and not predictions.attrs.get(
        "multilabel", False
    )
    if not outside and not off:
        return
    worst = int(np.argmax(np.abs(sums - 1) if off else np.abs(values - 0.5).max(axis=1)))
    wrong = "do not sum to 1" if off else "are not all between 0 and 1"
    numbers = ", ".join(f"{value:.4g}" for value in values[worst, :5])
    more = ", ..." if values.shape[1] > 5 else ""
    checks.warn(
        f"The model's class probabilities {wrong}: {numbers}{more} sum to "
        f"{sums[worst]:.4g}. If these are scores (logits), say "
        'as_classifier(model, labels, activation="softmax"), or "sigmoid"; if each class has '
        "a probability of its own, activation=None."
    )
