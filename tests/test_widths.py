"""Weights along the widths of the kernel."""

import numpy as np
import pandas as pd
import pytest

from pylime import as_classifier, as_regressor, explain, lime, plot_widths
from pylime.widths import weights_by_width

RANDOM = np.random.default_rng(2)
ROWS = pd.DataFrame(RANDOM.normal(size=(300, 4)), columns=list("abcd"))


def bump(rows):
    return (np.exp(-((rows["a"] - rows["a"].iloc[0]) ** 2)) + 0.5 * rows["b"]).to_numpy()


OPTIONS = {"n_features": 2, "random_state": 1}


def test_weights_are_those_of_explain_at_each_width():
    explainer = lime(ROWS, as_regressor(bump))
    widths = [0.7, 1.5, 1000.0]
    found = weights_by_width(ROWS.head(1), explainer, widths, **OPTIONS)
    assert found["width"].unique().tolist() == widths
    for width, rows in found.groupby("width"):
        own = explain(
            ROWS.head(1),
            explainer,
            dist_fun="euclidean",
            kernel_width=width,
            penalty=0,
            intervals=True,
            quality=True,
            n_features=4,
            random_state=1,
        ).set_index("feature")
        at_all = explain(
            ROWS.head(1), explainer, dist_fun="euclidean", kernel_width=width, penalty=0, **OPTIONS
        ).set_index("feature")
        np.testing.assert_allclose(rows["effective_n"], own["effective_n"].iloc[0])
        if set(at_all.index) == set(rows["feature"]):
            np.testing.assert_allclose(rows["model_r2"], at_all["model_r2"].iloc[0])
            inside = at_all["feature_weight"][rows["feature"]].to_numpy()
            assert ((rows["feature_lo"] < inside) & (inside < rows["feature_hi"])).all()


def test_one_set_of_predictions_serves_all_widths():
    calls = []

    def counted(rows):
        calls.append(len(rows))
        return bump(rows)

    explainer = lime(ROWS, as_regressor(counted), probe=False)
    found = weights_by_width(ROWS.iloc[0], explainer, **OPTIONS)
    assert calls == [5000]
    assert found["width"].nunique() == 25
    effective = found.drop_duplicates("width")["effective_n"]
    assert effective.is_monotonic_increasing
    assert effective.iloc[0] < 100 < effective.iloc[-1]


def test_a_collapse_is_seen_in_the_plot(tmp_path):
    explainer = lime(ROWS, as_classifier(lambda rows: 1 / (1 + np.exp(-bump(rows))), ["no", "yes"]))
    plot = plot_widths(ROWS.head(1), explainer, n_permutations=1000, **OPTIONS)
    plot.save(tmp_path / "widths.png", verbose=False)
    assert (tmp_path / "widths.png").stat().st_size > 10_000


def test_wrong_arguments_are_errors():
    explainer = lime(ROWS, as_regressor(bump))
    with pytest.raises(ValueError, match="`x` must have one row, the case; it has 2"):
        plot_widths(ROWS.head(2), explainer)
    with pytest.raises(ValueError, match="`widths` must be a positive number; not 0"):
        plot_widths(ROWS.head(1), explainer, widths=[0])
    with pytest.raises(ValueError, match='"gower"'):
        plot_widths(ROWS.head(1), explainer, dist_fun="gower")
    with pytest.raises(TypeError, match="of a table"):
        plot_widths("text", lime(["some text", "more"], as_regressor(lambda t: [0.5] * len(t))))
    with pytest.raises(TypeError, match="n_feature"):
        plot_widths(ROWS.head(1), explainer, n_feature=2)
