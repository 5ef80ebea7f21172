"""
Pipelines of Hugging Face transformers: text-classification and image-classification.

Labels are those of the model's configuration, in its order; names that several classes share get
their position, as in `crane (134)`. A model of several labels at once
returns for each a probability of its own; a model with a single output is a regressor. Texts
are passed as they come; images as paths, PIL images or arrays. `predict_options` are arguments
of the pipeline's call, such as `batch_size`, `truncation` or `function_to_apply`.
"""

from collections.abc import Hashable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
from PIL import Image

from pylime._optional import placeholder
from pylime._types import Model, Prepared
from pylime.models.generics import ModelType, model_type, predict_model
from pylime.models.networks import interpret
from pylime.models.outputs import Predictions, PredictionType, unique_names
from pylime.models.torch import evaluating

# Not by its public name: to look that up imports the class.
Pipeline = placeholder("transformers.pipelines.base", "Pipeline")

_KNOWN_PIPELINES = ("text-classification", "image-classification")

# Texts that go through a network at once, where they can be filled up to one length.
_TEXTS_AT_ONCE = 64


@model_type.register(Pipeline)
def type_of_pipeline(model: Model) -> ModelType:
    """Classification, unless there is a single output."""
    return "regression" if len(_configured_labels(model)) == 1 else "classification"


@predict_model.register(Pipeline)
def predict_pipeline(
    model: Model, newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict scores, or the probabilities of classes or labels."""
    labels = _configured_labels(model)
    if len(set(_config(model).id2label.values())) < len(labels):
        model = _renamed(model, labels)
    options: dict[str, Any] = {"top_k": len(labels), **_call_defaults(model, type), **kwargs}
    cases = _image_cases(newdata) if model.task == "image-classification" else _text_cases(newdata)
    with evaluating(model.model):
        found = model(cases, **options)
    scores = [{item["label"]: item["score"] for item in items} for items in found]
    values = np.array([[row[label] for label in labels] for row in scores])
    names = labels if len(labels) > 1 else None
    return interpret(
        values, type, "sigmoid" if _has_several_labels(model, options) else None, names
    )


def _has_several_labels(model: Model, options: Mapping[str, object]) -> bool:
    """Whether each label has a probability of its own."""
    applied = {**model._postprocess_params, **options}.get("function_to_apply")
    if applied is None:
        return model.model.config.problem_type == "multi_label_classification"
    return str(getattr(applied, "value", applied)).lower() == "sigmoid"


def _configured_labels(model: Model) -> list[Any]:
    """The labels in the order of the model's outputs; raises if it has none."""
    if model.task not in _KNOWN_PIPELINES:
        raise TypeError(
            "Of the pipelines of transformers, those for "
            f"{' and '.join(_KNOWN_PIPELINES)} are known; not for {model.task}. Wrap a function "
            "that calls it: as_classifier(function, labels) or as_regressor(function)."
        )
    names: Mapping[int, Any] = _config(model).id2label
    return unique_names([names[position] for position in sorted(names)])


def _config(model: Model) -> Any:
    """The configuration of the network in a pipeline."""
    return model.model.config


def _renamed(model: Model, labels: Sequence[Hashable]) -> Model:
    """A pipeline with other names of the classes; the user's own is not changed."""
    # Copies are shallow: all share the parameters.
    config = copy(_config(model))
    config.id2label = dict(enumerate(labels))
    renamed = copy(model)
    renamed.model = copy(model.model)
    renamed.model.config = config
    return renamed


def _call_defaults(model: Model, type: PredictionType) -> dict[str, Any]:
    """Arguments of the call that neither the user nor the pipeline has set."""
    options: dict[str, Any] = {}
    if type == "raw":
        options["function_to_apply"] = "none"
    padded = getattr(model.tokenizer, "pad_token_id", None) is not None
    if model.task == "text-classification" and padded and model._batch_size is None:
        options["batch_size"] = _TEXTS_AT_ONCE
    return options


def _text_cases(newdata: Prepared) -> list[Any]:
    """Texts as strings; dictionaries of a text and its pair as they are."""
    return [text if isinstance(text, dict) else str(text) for text in newdata]


def _image_cases(newdata: Prepared) -> list[Any]:
    """Arrays as PIL images; paths and PIL images as they are."""
    return [Image.fromarray(image) if isinstance(image, np.ndarray) else image for image in newdata]
