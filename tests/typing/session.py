"""
A user's session, from R's examples, with models, pictures, texts, plots and summaries.

Type checkers find nothing wrong with it, and it runs.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.linear_model import LogisticRegression

import pylime
from pylime import (
    Predictions,
    as_classifier,
    as_plain,
    as_regressor,
    augment,
    compare_explanations,
    default_tokenize,
    explain,
    explain_batches,
    explain_to_parquet,
    feature_importance,
    glance,
    lime,
    load_image_example,
    load_text_example,
    model_type,
    permutations,
    pick_cases,
    plot_beeswarm,
    plot_explanations,
    plot_features,
    plot_image_explanation,
    plot_superpixels,
    plot_text_explanations,
    plot_waterfall,
    predict_model,
    quality,
    read_explanation,
    spark_schema,
    theme_lime,
    write_explanation,
)
from pylime.resources import load_biopsy

# Tables: explainer <- lime(biopsy[-test_set, ], model); explanation <- explain(test_set, ...)
biopsy = load_biopsy().dropna()
features, response = biopsy.drop(columns="class"), biopsy["class"]
model = LogisticRegression(max_iter=1000).fit(features, response)
explainer = lime(features, model, bin_continuous=True, n_bins={"mitoses": 3}, quantile_bins=False)
explanation: pd.DataFrame = explain(
    features.head(3),
    explainer,
    n_labels=1,
    n_features=4,
    n_permutations=500,
    feature_select="highest_weights",
    dist_fun="euclidean",
    kernel_width=2,
    random_state=1,
    on_error="raise",
    intervals=0.9,
)
explain(features.iloc[0], explainer, labels=["malignant"], random_state=np.random.default_rng(1))
explain(features.head(1), explainer, draws="independent", n_permutations="auto", progress=False)
explain(features.head(1), explainer, sampling="kernel", penalty=0, predict_options={})


def absolute(case: pd.DataFrame, others: pd.DataFrame) -> Any:
    """A distance of one's own."""
    return (others - case.to_numpy()).abs().sum(axis=1)


explain(features.head(1), explainer, dist_fun=absolute, kernel_width=20, batch_size=64)
numbers = lime(
    features,
    as_regressor(lambda rows: rows["mitoses"]),
    cuts={"mitoses": [3, 7]},
    hold=["bare nuclei"],
)
verdicts: pd.DataFrame = quality(features.head(1), numbers, n_permutations=200, n_calls=50)
rows: pd.DataFrame = permutations(features.head(1), numbers, n_permutations=100)

# Many
for part in explain_batches([features[:2], features[2:4]], explainer, n_features=2, plain=True):
    names: list[str] = part["feature"].tolist()
schema: str = spark_schema(explainer, case="id", intervals=True)
with tempfile.TemporaryDirectory() as folder:
    files: list[Path] = explain_to_parquet([features[:2]], explainer, folder, n_features=2)
    write_explanation(explanation, Path(folder) / "explanation.json")
    again: pd.DataFrame = read_explanation(Path(folder) / "explanation.json")
    plain: pd.DataFrame = as_plain(explanation, cells="drop")

# Summaries
glance(explanation)
augment(features.head(3), explanation, n=2)
feature_importance(explanation)
few: list[Any] = list(pick_cases(explanation, 2, by="feature_desc"))
comparison = compare_explanations({"now": explanation, "then": again})

# Plots
plot_features(explanation, ncol=1, cases=few[0])
on_a_slide = plot_explanations(explanation, palette=("navy", "orange")) + theme_lime(dark=True)
plot_waterfall(explain(features.head(1), numbers, contributions=True), features.index[0])
plot_beeswarm(explanation, feature="mitoses")
pylime.plot_importance(explanation, n=3)
pylime.plot_comparison(comparison)
pylime.plot_widths(features.head(1), numbers, [0.5, 1.0], n_permutations=200, intervals=True)

# Images
picture = np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8)
halves = np.tile(np.arange(24) // 12, (24, 1))


def brightness(images: np.ndarray) -> np.ndarray:
    """The probability of a bright image."""
    return images[..., :12, :].mean(axis=(1, 2, 3)) / 255


photographs = lime(
    picture, as_classifier(brightness, ["dark", "bright"]), kind="image", channel_axis=-1
)
seen = explain(
    picture, photographs, n_superpixels=6, weight=20, n_iter=5, background="black", p_remove=0.3
)
explain(picture, photographs, segmentation=halves, background=(0, 0, 255), n_labels=2)
lime([Image.fromarray(picture)], as_classifier(len, labels=["no", "yes"]), probe=False)
plot_superpixels(picture, n_superpixels=6, colour="red")
plot_image_explanation(seen, display="block", outline_col=("red", (0, 0, 255)), show_negative=True)
plot_image_explanation(load_image_example(), display="heatmap", coverage=0.1)


# Texts
def politeness(texts: list[str]) -> np.ndarray:
    """The probability of a polite text."""
    return np.array([0.9 if "please" in text else 0.2 for text in texts])


requests = lime(
    ["please open the door", "open the door"],
    as_classifier(politeness, ["rude", "polite"]),
    tokenization=default_tokenize,
    keep_word_position=False,
    in_place=True,
)
said = explain("please open the door", requests, n_permutations="all", labels="polite")
explain(["open it", "please"], requests, single_explanation=True, p_remove=0.5)
lime("One sentence. Another.", as_classifier(politeness), tokenization="sentence", replacement="x")
page: str = plot_text_explanations(said).html
plot_text_explanations(load_text_example(), width="50%")


# A class of models of one's own
class Coin:
    """A model that needs no data."""


@predict_model.register
def predict_coin(model: Coin, newdata: pd.DataFrame, type: str, **kwargs: object) -> Predictions:
    """Half heads, half tails, a little by the first column."""
    heads = 0.5 + newdata["mitoses"].to_numpy(dtype=float) / 100
    return Predictions(np.column_stack([heads, 1 - heads]), ("heads", "tails"))


@model_type.register
def type_of_coin(model: Coin) -> Literal["classification"]:
    """A classifier."""
    return "classification"


heads: pd.Series = predict_model(Coin(), features, type="prob")["heads"]
explain(features.head(1), lime(features, Coin()), n_labels=2, n_permutations=100)

# Options of a kind of input that is registered from outside come in a dictionary of `Any`.
options: dict[str, Any] = {"n_bins": 2}
lime(features, model, **options)


def in_batches(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Batches, as a cluster passes them."""
    yield frame


list(explain_batches(in_batches(features.head(1)), explainer, random_state=1))
