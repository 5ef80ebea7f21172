"""Explainers that can be stopped: their model is called in parts."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pylime.models import ModelType, Predictions, model_type, predict_model
from pylime.pipeline import Explainer, predict_cases
from pylime.text import TextExplainer

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
        Explains as the first does. Between two parts of the permutations it checks whether to
        go on, and raises `StoppedError` if not.
    """
    return replace(explainer, model=_InParts(explainer, stop), preprocess=list)


@dataclass(frozen=True)
class _InParts:
    """A model that takes texts, and sends a few at a time to the model of an explainer."""

    explainer: Explainer
    stop: threading.Event


@model_type.register
def type_of_model_in_parts(model: _InParts) -> ModelType:
    """The type of the explainer's model."""
    return model.explainer.model_type


@predict_model.register
def predict_in_parts(
    model: _InParts, newdata: Sequence[str], type: str, **options: Any
) -> Predictions:
    """Predict part after part; raise `StoppedError` when nobody waits any more."""
    parts: list[Predictions] = []
    start, size = 0, _FIRST_PART
    while start < len(newdata):
        if model.stop.is_set():
            raise StoppedError
        began = time.monotonic()
        texts = list(newdata[start : start + size])
        parts.append(predict_cases(model.explainer, texts, len(texts), **options))
        start += size
        if time.monotonic() - began < _PATIENCE:
            size *= 2
    values = np.concatenate([part.values for part in parts])
    return replace(parts[0], values=values, returned=None)
