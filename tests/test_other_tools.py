"""Explanations in the plots of shap and in a store of MLflow: with the real libraries."""

import importlib.util
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from explanations import of_text_columns
from skimage.data import chelsea

from pylime import (
    as_classifier,
    as_regressor,
    as_shap,
    explain,
    from_shap,
    lime,
    load_image_example,
    plot_explanations,
    plot_features,
    plot_text_explanations,
)
from pylime.plain import as_plain

if not all(map(importlib.util.find_spec, ["shap", "mlflow"])):
    pytest.skip("the extra `bridges` is not installed", allow_module_level=True)

# Numba would take the folder of that name beside this file for the library.
with pytest.MonkeyPatch.context() as hidden:
    hidden.setitem(sys.modules, "coverage", None)
    import shap

TEXTS = ["A good film & a <b>very</b> long one, not bad. Good!", "bad film", "a good end"]


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def people(n=60):
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": random.normal(50, 15, n).round(1),
            "town": random.choice(["Oslo", "Bergen & Co"], n),
            "member": random.random(n) > 0.5,
        }
    )


def share_of(rows):
    score = (rows["age"] - 50) / 10 + (rows["town"] == "Oslo") - 0.5 * rows["member"]
    share = 1 / (1 + np.exp(-score))
    return np.column_stack([1 - share, share])


def explained_table(**arguments):
    explainer = lime(people(), as_classifier(share_of, ["no", "yes"]))
    settings = {"n_permutations": 300, "random_state": 1, "n_labels": 2, **arguments}
    return explain(people().head(20), explainer, **settings)


def mood(texts):
    share = np.array([0.4 + 0.3 * ("good" in text) - 0.3 * ("bad" in text) for text in texts])
    return np.column_stack([1 - share, share])


def explained_texts(**arguments):
    explainer = lime(TEXTS, as_classifier(mood, ["sad", "glad"]))
    return explain(TEXTS, explainer, n_permutations=200, random_state=1, **arguments)


def ticks():
    """Texts of the y axis; shap writes them twice."""
    return [text.get_text() for text in plt.gca().get_yticklabels()]


# Plots of shap


def test_the_swarm_of_a_table():
    values = as_shap(explained_table(contributions=True), label="yes")
    axes = shap.plots.beeswarm(values, show=False)
    assert set(ticks()) == {"age", "town", "member"}
    points = np.concatenate([part.get_offsets()[:, 0] for part in axes.collections])
    np.testing.assert_allclose(np.sort(points), np.sort(values.values.ravel()))
    shap.plots.beeswarm(as_shap(explained_table())[:, :, "no"], show=False)


def test_the_waterfall_of_a_row():
    explanation = explained_table(contributions=True)
    shap.plots.waterfall(as_shap(explanation, "yes")[0], show=False)
    assert f"{people()['age'][0]} = age" in ticks()
    of_case = explanation[(explanation["case"] == 0) & (explanation["label"] == "yes")]
    written = " ".join(
        text.get_text() for axes in plt.gcf().axes for text in axes.get_xticklabels()
    )
    assert f"{of_case['model_prediction'].iloc[0]:.3f}".rstrip("0") in written
    assert f"{of_case['surrogate_mean'].iloc[0]:.3f}".rstrip("0") in written


def test_bars_of_a_table_and_of_a_row():
    values = as_shap(explained_table(), "yes")
    axes = shap.plots.bar(values, show=False)
    widths = sorted(bar.get_width() for bar in axes.patches)
    np.testing.assert_allclose(widths, np.sort(np.abs(values.values).mean(axis=0)))
    plt.close("all")
    shap.plots.bar(values[0], show=False)
    assert len(plt.gca().patches) == 3


def test_a_regressor_and_its_numbers():
    explainer = lime(people(), as_regressor(lambda rows: 3 * rows["age"]), bin_continuous=False)
    explanation = explain(people().head(3), explainer, n_permutations=300, random_state=1)
    values = as_shap(explanation)
    shap.plots.waterfall(values[1], show=False)
    np.testing.assert_allclose(values[:, "age"].values, 3 * people()["age"].head(3), rtol=0.01)


@pytest.mark.parametrize("label", ["glad", None])
def test_the_page_of_texts(label):
    explanation = explained_texts(n_labels=2, contributions=True)
    values = as_shap(explanation, label)
    assert "".join(values[0].data) == TEXTS[0]
    page = shap.plots.text(values, display=False)
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    one = shap.plots.text(values[0], display=False)
    assert ">good</div>" in one
    if label:
        shap.plots.waterfall(values[0], show=False)
        shap.plots.bar(values.abs.sum(0), show=False)
        assert "good" in ticks()


def test_images_of_several_labels():
    explanation = load_image_example()
    values = as_shap(explanation)
    shap.plots.image(values, show=False)
    titles = [axes.get_title() for axes in plt.gcf().axes if axes.get_title()]
    assert titles == list(dict.fromkeys(explanation["label"]))
    photo, first = plt.gcf().axes[0].images[0], plt.gcf().axes[1].images[1]
    np.testing.assert_array_equal(photo.get_array(), explanation["data"].iloc[0].pixels)
    of_label = explanation[explanation["label"] == titles[0]]
    np.testing.assert_allclose(first.get_array().sum(), of_label["feature_weight"].sum())
    shap.plots.image(as_shap(explanation, titles[1]), show=False)


def test_two_images_of_a_regressor():
    images = [chelsea()[:60, :80], chelsea()[60:120, 100:180]]
    explainer = lime(images, as_regressor(lambda some: [np.mean(image[:, 40:]) for image in some]))
    settings = {"n_superpixels": 9, "n_permutations": 100, "random_state": 1}
    values = as_shap(explain(images, explainer, **settings))
    assert values.shape == (2, 60, 80, 3)
    shap.plots.image(values, show=False)
    assert len(plt.gcf().axes) == 5  # two rows of two, and the bar of colours


# Values of shap


def test_values_of_trees_and_of_linear_models():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LinearRegression

    rows = people().drop(columns="town").astype(float)
    classes = np.where(rows["age"] > 50, "old", "young")
    forest = RandomForestClassifier(10, random_state=1).fit(rows, classes)
    values = shap.TreeExplainer(forest)(rows.head(4))
    explanation = from_shap(values, labels=forest.classes_)
    of_old = explanation[explanation["label"] == "old"].groupby("case")["label_prob"].first()
    np.testing.assert_allclose(of_old, forest.predict_proba(rows.head(4))[:, 0], atol=1e-9)
    plot_features(explanation, cases=0).draw()
    plot_explanations(explanation.assign(feature_desc=explanation["feature"])).draw()
    assert len(from_shap(values[0], labels=forest.classes_)) == 4
    assert len(from_shap(values[:, :, 1], labels="young")) == 8

    linear = LinearRegression().fit(rows, rows["age"])
    of_linear = from_shap(shap.LinearExplainer(linear, rows)(rows.head(2)))
    np.testing.assert_allclose(of_linear.groupby("case")["prediction"].first(), rows["age"].head(2))


def test_values_of_texts():
    masker = shap.maskers.Text(r"\W+")
    values = shap.Explainer(mood, masker, output_names=["sad", "glad"], silent=True)(TEXTS[:2])
    explanation = from_shap(values)
    assert explanation["label"].unique().tolist() == ["sad", "glad"]
    # The masker drops what follows the last word.
    assert explanation["data"].unique().tolist() == [TEXTS[0].rstrip("!"), TEXTS[1]]
    bad = explanation[(explanation["case"] == 1) & (explanation["feature"] == "bad")]
    np.testing.assert_allclose(bad["feature_weight"], [0.3, -0.3])
    assert 'class="negative_5" title="bad' in str(plot_text_explanations(explanation))


def test_explanations_return_from_shap():
    explanation = explained_table(contributions=True)
    again = from_shap(as_shap(explanation))
    keys = ["case", "label", "feature"]
    both = explanation.merge(again, on=keys)
    assert len(both) == len(explanation) == len(again)
    for name in ("feature_contribution", "surrogate_mean", "model_prediction"):
        np.testing.assert_allclose(both[f"{name}_x"], both[f"{name}_y"], atol=1e-12)


# MLflow


def test_a_run_of_mlflow_keeps_table_figure_and_text(tmp_path, monkeypatch):
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "true")
    import mlflow

    explanation = explained_texts(n_labels=2)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tmp_path.as_uri())
    try:
        mlflow.set_experiment("explanations")
        with mlflow.start_run() as run:
            mlflow.log_table(as_plain(explanation), "explanation.json")
            mlflow.log_figure(plot_features(explanation).draw(), "features.png")
            mlflow.log_text(str(plot_text_explanations(explanation)), "texts.html")
        kept = mlflow.load_table("explanation.json", run_ids=[run.info.run_id])
    finally:
        mlflow.set_tracking_uri(before)
    assert list(kept.columns) == list(explanation.columns)
    assert kept["feature"].tolist() == explanation["feature"].tolist()
    np.testing.assert_allclose(kept["feature_weight"], explanation["feature_weight"])
    plot_features(kept).draw()  # also from what was kept
    assert str(plot_text_explanations(kept)) == str(plot_text_explanations(explanation))
    [folder] = tmp_path.glob("*/*/artifacts")
    names = {path.name for path in folder.iterdir()}
    assert names == {"explanation.json", "features.png", "texts.html"}
    assert (folder / "features.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("draw", [shap.plots.beeswarm, shap.plots.bar, shap.plots.waterfall])
def test_shap_draws_words_of_text_columns_and_groups(draw):
    values = as_shap(of_text_columns(), label="good")
    draw(values[0] if draw is shap.plots.waterfall else values, max_display=20, show=False)
    shown = " ".join(ticks())
    for name in ("title: Superb", "size", "place", "note: host: reply: soon"):
        assert name in shown
