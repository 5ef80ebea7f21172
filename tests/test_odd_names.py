"""Lone surrogates, as file names can have: they affect only the case that has them."""

import json
import os

import numpy as np
import pandas as pd
import pyarrow
import pytest
from conftest import region_model
from pandas.testing import assert_frame_equal
from PIL import Image

import pylime
from pylime import (
    as_classifier,
    explain,
    explain_batches,
    explain_to_parquet,
    lime,
    read_explanation,
    write_explanation,
)

# Warnings name the cases, and pytest cannot send these names to another process.
pytestmark = pytest.mark.filterwarnings("ignore")
ODD = "\udcff"
SETTINGS = {"n_permutations": 100, "random_state": 1, "n_labels": 2}


def of_a_table(folder):
    towns = pd.Series(["Oslo", f"Troms{ODD}"] * 10, dtype=object)
    rows = pd.DataFrame({"age": np.arange(20.0), "town": towns})
    rows.index = pd.Index([f"{number}{ODD * (number % 2)}" for number in range(20)], dtype=object)
    labels = ["no", f"yes{ODD}"]
    model = as_classifier(lambda rows: rows["age"] / 40 + (rows["town"] == "Oslo") / 4, labels)
    return lime(rows, model), rows.head(4), rows.head(1)


def of_texts(folder):
    texts = ["a bad film", f"good {ODD}word and bad film"]
    model = as_classifier(lambda texts: [0.1 + 0.5 * ("bad" in text) for text in texts])
    return lime(texts, model), texts, texts[:1]


def of_images(folder):
    names = ["a.png", f"b{ODD}.png"]
    pixels = np.random.default_rng(1).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    for name in names:
        with open(os.path.join(folder, name), "wb") as file:
            Image.fromarray(pixels).save(file, format="png")

    def model(paths):
        return region_model(np.stack([np.asarray(Image.open(path)) for path in paths]))

    paths = [os.path.join(folder, name) for name in names]
    return lime(paths, as_classifier(model, list("xyz"))), paths, paths[:1]


@pytest.mark.parametrize("make", [of_a_table, of_texts, of_images])
def test_lone_surrogates_affect_their_own_case_only(tmp_path, make):
    images = tmp_path / "images"
    images.mkdir()
    explainer, cases, harmless = make(images)
    settings = {**SETTINGS, **({"n_superpixels": 6} if make is of_images else {})}
    explanation = explain(cases, explainer, **settings)
    assert len(set(explanation["case"])) == len(cases)  # pandas 2 cannot count these
    first = explanation[explanation["case"] == explanation["case"].iloc[0]]
    alone = explain(harmless, explainer, **settings)
    assert_frame_equal(first.reset_index(drop=True).astype(alone.dtypes[first.columns]), alone)
    assert_frame_equal(explain(cases, explainer, n_jobs=2, **settings), explanation)
    for ending in ("json", "parquet"):
        write_explanation(explanation, tmp_path / f"a.{ending}")
        assert_frame_equal(read_explanation(tmp_path / f"a.{ending}"), explanation)
    for _ in range(2):
        explain_to_parquet([cases], explainer, tmp_path / "run", **settings)
        assert_frame_equal(read_explanation(tmp_path / "run"), explanation)
    pylime.plot_features(explanation).save(tmp_path / "a.png", verbose=False)
    pylime.plot_explanations(explanation).save(tmp_path / "b.png", verbose=False)
    if make is of_texts:
        pylime.plot_text_explanations(explanation).save(tmp_path / "a.html")
    if make is of_images:
        pylime.plot_image_explanation(explanation, which=f"b{ODD}.png").draw()


@pytest.mark.parametrize("make", [of_a_table, of_texts, of_images])
def test_plain_frames_escape_lone_surrogates(tmp_path, make):
    explainer, cases, _ = make(tmp_path)
    settings = {**SETTINGS, **({"n_superpixels": 6} if make is of_images else {})}
    (plain,) = explain_batches([cases], explainer, plain=True, **settings)
    schema = pylime.arrow_schema(explainer)
    table = pyarrow.Table.from_pandas(plain, schema=schema, preserve_index=False)
    assert table.num_rows == len(plain)
    place = {of_a_table: "case", of_texts: "data", of_images: "case"}[make]
    assert plain[place].str.contains("\\udcff", regex=False).any()
    if make is of_a_table:
        assert list(json.loads(plain["prediction"][0])) == ["no", f"yes{ODD}"]
