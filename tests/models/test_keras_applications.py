"""The lines for Keras' own models, which the vignette cannot run without a download."""

import re
from pathlib import Path

import keras
import pytest
import skimage.data
from conftest import ROOT

from pylime import as_classifier, explain, imagenet_labels, lime

VIGNETTE = ROOT / "vignettes" / "explaining_images.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", VIGNETTE.read_text("utf-8"), re.M | re.S)
PICTURE = str(Path(skimage.data.__file__).parent / "chelsea.png")


@pytest.mark.parametrize("name", ["vgg16", "inception_v3", "mobilenet_v2"])
def test_models_of_keras_are_explained(name):
    (block,) = [block for block in BLOCKS if f"import {name}" in block]
    assert block.count('weights="imagenet"') == 1
    names: dict = {}
    exec(block.replace('weights="imagenet"', "weights=None"), names)
    # Weights drawn at random let next to nothing of a picture through.
    last = names["model"].layers[-1]
    before = keras.Model(names["model"].input, last.input)
    scores = before.predict_on_batch(names["image_prep"]([PICTURE])) @ last.kernel.numpy()
    last.kernel.assign(last.kernel * (3 / scores.std()))
    model = as_classifier(names["model"], imagenet_labels())
    explainer = lime(PICTURE, model, names["image_prep"])
    explanation = explain(
        PICTURE, explainer, n_permutations=12, n_superpixels=5, n_features=2, random_state=1
    )
    assert explanation["label"].iloc[0] in set(imagenet_labels())
    assert len(explanation) == 2
