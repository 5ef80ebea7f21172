"""
Explain a table, texts and images where only the required dependencies are installed.

    python tests/bare.py

A script and not a test, because pytest and the extras have dependencies of their own.
"""

import importlib.util
import tempfile

import numpy as np
import pandas as pd

import pylime
from pylime import as_classifier, explain, lime, read_explanation, write_explanation

EXTRAS = ["tensorflow", "torch", "jax", "pyarrow", "icu", "shiny", "dask", "pyspark", "pytest"]
SETTINGS = {"n_permutations": 200, "random_state": 1}


def slope(rows: pd.DataFrame) -> np.ndarray:
    return 1 / (1 + np.exp(-rows["a"] - (rows["b"] == "x")))


def good(texts: list[str]) -> list[float]:
    return [0.2 + 0.5 * ("good" in text) for text in texts]


def brightness(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(pixels, dtype=float).mean(axis=(1, 2, 3)) / 255


def main() -> None:
    installed = [name for name in EXTRAS if importlib.util.find_spec(name)]
    assert not installed, f"not bare: {installed}"
    random = np.random.default_rng(1)
    rows = pd.DataFrame({"a": random.normal(size=60), "b": random.choice(["x", "y"], 60)})
    texts = ["a good film", "a bad film", "no film at all"]
    pixels = random.integers(0, 255, (40, 40, 3), dtype=np.uint8)
    table = explain(rows.head(4), lime(rows, as_classifier(slope, ["no", "yes"])), **SETTINGS)
    words = explain(texts, lime(texts, as_classifier(good)), **SETTINGS)
    image = explain(pixels, lime(pixels, as_classifier(brightness)), n_superpixels=9, **SETTINGS)
    explainer = lime(rows, as_classifier(slope, ["no", "yes"]))
    assert table.equals(explain(rows.head(4), explainer, n_jobs=2, **SETTINGS))
    pylime.plot_features(table).draw()
    pylime.plot_explanations(table).draw()
    pylime.plot_image_explanation(image).draw()
    assert "good" in str(pylime.plot_text_explanations(words))
    assert len(pylime.load_image_example()) == 40
    with tempfile.TemporaryDirectory() as folder:
        for explanation in (table, words, image):
            write_explanation(explanation, f"{folder}/a.json")
            assert read_explanation(f"{folder}/a.json").equals(explanation)
        for extra, call in {
            "parquet": lambda: write_explanation(table, f"{folder}/a.parquet"),
            "app": lambda: pylime.interactive_text_explanations(explainer),
        }.items():
            message = ""
            try:
                call()
            except ImportError as error:
                message = str(error)
            assert f"pip install 'tidylime[{extra}]'" in message
    print(f"explained {len(table)}, {len(words)} and {len(image)} features")


if __name__ == "__main__":
    main()
