"""Explainers that can be stopped: their model is asked in parts."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pylime.masks import check_rows
from pylime.models import Predictions, model_type, predict, predict_model
from pylime.text.explainer import TextExplainer

__all__ = ["StoppedError", "interruptible"]

_FIRST_PART = 128
# Parts grow while the model takes less time for one than this, in seconds.
_PATIENCE = 0.25


class StoppedError(Exception):
    """An explanation was given up, because nobody waits for it any more."""


def interruptible(explainer: TextExplainer, stop: threading.Event) -> TextExplainer:
    """
    Make an explainer of texts that gives up when it is told to.

    Parameters
    ----------
    explainer
        From `pylime.lime`.
    stop
        To be set, from another thread, when the explanation is no longer wanted.

    Returns
    -------
    TextExplainer
        Explains as the first does. Between two parts of the permutations it looks
        whether to go on, and raises `StoppedError` if not.
    """
    return replace(
        explainer, model=_InParts(explainer.model, explainer.preprocess, stop), preprocess=list
    )


@dataclass(frozen=True)
class _InParts:
    """A model that takes texts, and asks another one for some at a time."""

    model: Any
    preprocess: Callable[[Any], Any]
    stop: threading.Event


@model_type.register
def type_of_model_in_parts(model: _InParts) -> Any:
    return model_type(model.model)


@predict_model.register
def predict_in_parts(
    model: _InParts, newdata: Sequence[str], type: str, **kwargs: Any
) -> Predictions:
    predictions = []
    start, size = 0, _FIRST_PART
    while start < len(newdata):
        if model.stop.is_set():
            raise StoppedError
        began = time.monotonic()
        texts = list(newdata[start : start + size])
        prepared = model.preprocess(texts)
        check_rows(prepared, len(texts), "texts")
        predictions.append(predict(model.model, prepared, len(texts), **kwargs))
        start += size
        if time.monotonic() - began < _PATIENCE:
            size *= 2
    values = np.concatenate([part.values for part in predictions])
    return replace(predictions[0], values=values, returned=None)
