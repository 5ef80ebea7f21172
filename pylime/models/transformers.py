"""
Pipelines of Hugging Face transformers: text-classification and image-classification.

Labels are those of the model's configuration, in its order. A model of several labels at once
gives each a probability of its own; a model with a single output is a regressor. Texts are
passed as they come; pictures as paths, PIL images or arrays. `predict_options` are arguments
of the pipeline's call, such as `batch_size`, `truncation` or `function_to_apply`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from pylime._optional import placeholder
from pylime.models.generics import ModelType, model_type, predict_model
from pylime.models.networks import interpret
from pylime.models.outputs import PredictionType
from pylime.models.torch import evaluating

# Not by its public name, by which asking for it would import it.
Pipeline = placeholder("transformers.pipelines.base", "Pipeline")

_KNOWN = ("text-classification", "image-classification")

# Texts that go through a network at once, where they can be filled up to one length.
_TEXTS = 64


@model_type.register(Pipeline)
def _(model: Any) -> ModelType:
    return "regression" if len(_labels(model)) == 1 else "classification"


@predict_model.register(Pipeline)
def _(model: Any, newdata: Any, type: PredictionType, **kwargs: Any) -> pd.DataFrame:
    labels = _labels(model)
    options: dict[str, Any] = {"top_k": len(labels), **_defaults(model, type), **kwargs}
    cases = _pictures(newdata) if model.task == "image-classification" else _texts(newdata)
    with evaluating(model.model):
        found = model(cases, **options)
    scores = [{item["label"]: item["score"] for item in items} for items in found]
    values = np.array([[row[label] for label in labels] for row in scores])
    names = labels if len(labels) > 1 else None
    return interpret(values, type, "sigmoid" if _several_at_once(model, options) else None, names)


def _several_at_once(model: Any, options: Mapping[str, Any]) -> bool:
    """Whether each label has a probability of its own."""
    applied = {**model._postprocess_params, **options}.get("function_to_apply")
    if applied is None:
        return model.model.config.problem_type == "multi_label_classification"
    return str(getattr(applied, "value", applied)).lower() == "sigmoid"


def _labels(model: Any) -> list[Any]:
    """The labels in the order of the model's outputs; raises if it has none."""
    if model.task not in _KNOWN:
        raise TypeError(
            f"Of the pipelines of transformers, those for {' and '.join(_KNOWN)} are known; not "
            f"for {model.task}. Wrap a function that calls it: as_classifier(function, labels) or "
            "as_regressor(function)."
        )
    names: Mapping[int, Any] = model.model.config.id2label
    return [names[position] for position in sorted(names)]


def _defaults(model: Any, type: PredictionType) -> dict[str, Any]:
    """Arguments of the call where neither the user nor the pipeline says otherwise."""
    options: dict[str, Any] = {}
    if type == "raw":
        options["function_to_apply"] = "none"
    padded = getattr(model.tokenizer, "pad_token_id", None) is not None
    if model.task == "text-classification" and padded and model._batch_size is None:
        options["batch_size"] = _TEXTS
    return options


def _texts(newdata: Any) -> list[Any]:
    return [text if isinstance(text, dict) else str(text) for text in newdata]


def _pictures(newdata: Any) -> list[Any]:
    """Arrays as PIL images; paths and PIL images as they are."""
    return [
        Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
        for picture in newdata
    ]
