"""The checks that stand between a model and everything that uses its predictions."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Model, Prepared
from pylime.models.alignment import align_rows, index_of
from pylime.models.generics import (
    Classifier,
    ModelType,
    Regressor,
    call_model,
    class_name,
    is_known,
    model_type,
    refuse_predictions,
    unknown_model,
)
from pylime.models.outputs import (
    Predictions,
    PredictionType,
    are_probabilities,
    as_predictions,
    cure,
)

__all__ = ["check_model", "predict", "warn_of_scores"]

# By how much probabilities, of half precision at worst, may miss a sum of 1.
_SUM_TOLERANCE = 0.02
# The largest number that a model may predict: sums of squares of larger ones would overflow.
_LARGEST = 1e150


def predict(
    model: Model, newdata: Prepared, n: int, given: pd.Index | None = None, **options: object
) -> Predictions:
    """
    Predict n cases, check what comes back, and bring it into the order of the cases.

    Parameters
    ----------
    model
        Any model that `pylime.predict_model` and `pylime.model_type` support.
    newdata
        What `preprocess` returned.
    n
        How many cases were preprocessed.
    given
        The index of the cases before `preprocess`; by default they are counted.
    **options
        Passed on to `pylime.predict_model`.

    Returns
    -------
    Predictions
        n rows of finite numbers, in memory of their own. Rows whose index `preprocess` or the
        model has rearranged are put back.

    Raises
    ------
    ValueError
        If rows are missing or too many, labels repeat, or a prediction is not finite.
    TypeError
        If the model's class is not known.
    """
    form: PredictionType = "prob" if model_type(model) == "classification" else "raw"
    predictions = as_predictions(call_model(model, newdata, type=form, **options), form)
    if form == "raw":
        _check_single(predictions)
    _check_length(predictions, n, form)
    _check_labels(predictions)
    _check_finite(predictions)
    # A model may return the same array each time, with other numbers in it.
    predictions = replace(predictions, values=predictions.values.copy())
    return align_rows(predictions, given, index_of(newdata))


def _check_single(predictions: Predictions) -> None:
    """Raise if a regressor returned several numbers for each case."""
    names = predictions.labels
    if len(names) > 1:
        raise ValueError(
            f"A regressor must return one number for each case; this one has {len(names)} outputs: "
            f"{checks.some(names)}. Choose one: as_regressor(model, output={names[0]!r}). If they "
            'are scores of classes: as_classifier(model, labels, activation="softmax").'
        )


def _check_length(predictions: Predictions, n: int, form: PredictionType) -> None:
    """Raise unless there is a row for each of n cases."""
    if len(predictions.values) == n:
        return
    seen = (predictions.values if predictions.returned is None else predictions.returned).shape
    hint = " Does it predict whole batches?"
    code = "np.stack([predict_one(case) for case in newdata])"
    if seen[1:] == (n,):
        hint, code = " It has a column for each case: return the transpose.", "predict(newdata).T"
    seen, width = (seen[:1], "") if form == "raw" else (seen, " classes")
    raise ValueError(
        f"The model must return one row for each of the {n} cases it is given; it returned "
        f"{len(predictions.values)}: expected shape ({n},{width}), seen {seen}.{hint}"
        + cure(code, form)
    )


def _check_labels(predictions: Predictions) -> None:
    """Raise unless labels are unique."""
    if len(set(predictions.labels)) < len(predictions.labels):
        twice = [label for label, count in Counter(predictions.labels).items() if count > 1]
        raise ValueError(
            f"The model's class labels must be different; twice: {checks.some(twice, 5)}."
        )


def _check_finite(predictions: Predictions) -> None:
    """Raise unless every value is finite."""
    finite = np.isfinite(predictions.values)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ValueError(
            f"The model must return finite numbers; of {len(finite)} cases "
            f"{np.sum(~finite.all(axis=1))} have a missing or infinite prediction, the first is "
            f"{predictions.values[row, column]} for {predictions.labels[column]!r}."
        )
    if len(finite) and float(np.abs(predictions.values).max()) > _LARGEST:
        raise ValueError(
            f"The model must return numbers up to {_LARGEST:g}; it returned "
            f"{predictions.values.flat[np.abs(predictions.values).argmax()]:g}. Explain its "
            "logarithm, or the numbers in a larger unit."
        )


def check_model(model: Model) -> ModelType:
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


def warn_of_scores(model: Model, predictions: Predictions) -> None:
    """
    Warn if what should be class probabilities are scores.

    Parameters
    ----------
    model
        The model, which may be wrapped with the activation that its scores need.
    predictions
        Of some cases.
    """
    activation = model.activation if isinstance(model, Classifier) else "auto"
    if activation != "auto":
        _warn_of_activation(activation, predictions)
    elif predictions.labels != ("Response",) and len(predictions.values):
        _warn_of_sums(predictions)


def _warn_of_activation(activation: str | None, predictions: Predictions) -> None:
    """Warn if an activation was applied to what were probabilities already."""
    if activation is not None and are_probabilities(predictions.returned):
        checks.warn(
            f"activation={activation!r} is for scores, but the model returns probabilities "
            "already. Leave it out, or pass activation=None."
        )


def _warn_of_sums(predictions: Predictions) -> None:
    """Warn if values are not between 0 and 1, or do not sum to 1 though they should."""
    values = predictions.values.astype(np.float64)
    sums = values.sum(axis=1)
    outside = bool((values < -1e-6).any() or (values > 1 + 1e-6).any())
    off = predictions.exclusive and bool((np.abs(sums - 1) > _SUM_TOLERANCE).any())
    if not outside and not off:
        return
    worst = int(np.argmax(np.abs(sums - 1) if off else np.abs(values - 0.5).max(axis=1)))
    wrong = "do not sum to 1" if off else "are not all between 0 and 1"
    numbers = checks.some(values[worst], 5, "{:.4g}".format)
    if outside:
        hint = (
            "If these are scores (logits), pass as_classifier(model, labels, "
            'activation="softmax"), or "sigmoid"; if each class has a probability of its own, '
            "activation=None."
        )
    else:
        hint = (
            "If each label has a probability of its own, such as survival at several times, pass "
            "as_classifier(model, labels, activation=None); if these are scores (logits), "
            'activation="softmax", or "sigmoid".'
        )
    checks.warn(
        f"The model's class probabilities {wrong}: {numbers} sum to {sums[worst]:.4g}. {hint}"
    )
