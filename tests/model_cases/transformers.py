"""Pipelines of transformers, around tiny networks made here."""

from . import ModelCase, Subject
from .torch import pictures

WORDS = ["[PAD]", "[UNK]", "[CLS]", "all", "is", "good", "quiet", "here", "and", "there"]
TEXTS = ["all is good here", "all is quiet here", "good", "there and here", "quiet and good"]


def text_pipeline(words, **configuration):
    """For each label the word that raises its score, or None, set by hand; in training mode."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import (
        DistilBertConfig,
        DistilBertForSequenceClassification,
        PreTrainedTokenizerFast,
        pipeline,
    )

    rules = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, "[UNK]"))
    rules.pre_tokenizer = pre_tokenizers.Whitespace()
    rules.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", WORDS.index("[CLS]"))]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=rules, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]"
    )
    size = {"dim": 16, "n_heads": 1, "n_layers": 1, "hidden_dim": 4, "vocab_size": len(WORDS)}
    configuration = {"num_labels": len(words), **configuration}
    network = DistilBertForSequenceClassification(DistilBertConfig(**size, **configuration))
    attention = network.distilbert.transformer.layer[0].attention
    with torch.no_grad():
        for name, weights in network.named_parameters():
            weights.fill_(1.0 if name.lower().endswith("norm.weight") else 0.0)
        # Every word attends to all alike, so each reaches the first place.
        for layer in (attention.v_lin, attention.out_lin, network.pre_classifier):
            layer.weight.copy_(torch.eye(16))
        for label, word in enumerate(words):
            if word is not None:
                number = WORDS.index(word)
                network.distilbert.embeddings.word_embeddings.weight[number, number] = 1.0
                network.classifier.weight[label, number] = 1.0
                network.classifier.bias[label] = -1.0
    return pipeline("text-classification", model=network, tokenizer=tokenizer, device="cpu")


def image_pipeline(**configuration):
    """Random weights, and an image in which one thing stands out."""
    import torch
    from transformers import (
        ResNetConfig,
        ResNetForImageClassification,
        ViTImageProcessorPil,
        pipeline,
    )

    size = {"embedding_size": 8, "hidden_sizes": [8], "depths": [1], "layer_type": "basic"}
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = ResNetForImageClassification(ResNetConfig(**size, **configuration))
    processor = ViTImageProcessorPil(size={"height": 48, "width": 48})
    return pipeline("image-classification", model=network, image_processor=processor, device="cpu")


def of_texts() -> Subject:
    model = text_pipeline([None, "good"], id2label={0: "bad", 1: "good"})
    return Subject(model, TEXTS, ["bad", "good"], "good")


def of_labels() -> Subject:
    model = text_pipeline(
        ["here", "good"],
        id2label={0: "place", 1: "praise"},
        problem_type="multi_label_classification",
    )
    return Subject(model, TEXTS, ["place", "praise"], "good")


def of_numbers() -> Subject:
    return Subject(text_pipeline(["good"]), TEXTS, None, "good")


def of_pictures() -> Subject:
    labels = ["crane", "bittern", "heron"]
    array, superpixel = pictures()
    model = image_pipeline(id2label=dict(enumerate(labels)))
    # Random weights make predictions that hardly vary.
    options = {"n_superpixels": 9, "penalty": 0}
    return Subject(model, array, labels, superpixel, options=options)


LIBRARY = "transformers"
TEXT, IMAGE = 'pipeline("text-classification")', 'pipeline("image-classification")'
CASES = [
    ModelCase(LIBRARY, TEXT, "two classes", of_texts, "transformers"),
    ModelCase(LIBRARY, IMAGE, "several classes", of_pictures, "transformers"),
    ModelCase(LIBRARY, TEXT, "several labels", of_labels, "transformers"),
    ModelCase(LIBRARY, TEXT, "regression", of_numbers, "transformers"),
]
