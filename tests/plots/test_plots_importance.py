"""The plot of importance, read back."""

import numpy as np
import pandas as pd
import pytest
from plotnine import scale_fill_brewer
from test_plots_features import built, explanation_of

from pylime import feature_importance, load_image_example, plot_importance


def made(weights, label=None):
    """An explanation of weights by case and feature, where None is not selected."""
    rows = [
        {"case": case, "feature": feature, "feature_weight": weight}
        for case, of_case in weights.items()
        for feature, weight in of_case.items()
        if weight is not None
    ]
    table = pd.DataFrame(rows).assign(model_type="classification" if label else "regression")
    return table.assign(label=label, label_prob=0.5) if label else table


WEIGHTS = {
    "a": {"age": 0.5, "size": -0.25, "rent": None},
    "b": {"age": -0.25, "size": None, "rent": None},
    "c": {"age": 0.25, "size": -0.5, "rent": 0.125},
    "d": {"age": 0.5, "size": -0.25, "rent": None},
}


def bars_of(plot):
    """The ends of the two parts of each bar, from the top down."""
    return {
        feature: rows[["start", "end"]].to_numpy().tolist()
        for feature, rows in plot.data.groupby("feature", sort=False)
    }


def test_bars_are_divided_into_positive_and_negative_weights():
    explanation = made(WEIGHTS)
    before = explanation.copy(deep=True)
    plot, strips = built(plot_importance(explanation))
    pd.testing.assert_frame_equal(explanation, before)
    # age: 1.25 / 4 are positive and 0.25 / 4 negative; and so on.
    assert bars_of(plot) == {
        "age": [[0.0, 0.3125], [0.3125, 0.375]],
        "size": [[0.0, 0.0], [0.0, 0.25]],
        "rent": [[0.0, 0.03125], [0.03125, 0.03125]],
    }
    assert strips == [["Cases: 4"]]
    assert plot.layout.panel_params[0].y.labels == ["rent", "size", "age"]
    drawn = plot.layers[0].data
    np.testing.assert_allclose(drawn["xmax"], plot.data["end"])
    assert drawn["fill"].tolist() == ["steelblue", "firebrick"] * 3


def test_the_share_of_cases_stands_behind_the_bars():
    plot, _ = built(plot_importance(made(WEIGHTS)))
    texts = plot.layers[1].data
    assert dict(zip(texts["y"], texts["label"], strict=True)) == {3: "100 %", 2: "75 %", 1: "25 %"}
    assert "selected" in plot.labels.caption
    np.testing.assert_array_less([0.375, 0.25, 0.03125], texts.sort_values("y")["x"][::-1])


def test_no_share_stands_where_all_features_are_always_selected():
    plot = plot_importance(made({"a": {"age": 0.5}, "b": {"age": 0.25}}))
    assert len(plot.layers) == 1
    assert not plot.labels.caption


def test_a_share_that_is_not_0_or_100_percent_does_not_read_so():
    cases = {case: {"age": 0.5, "size": None if case else 1.0} for case in range(400)}
    cases[0]["age"] = None
    plot, _ = built(plot_importance(made(cases)))
    assert set(plot.layers[1].data["label"]) == {"> 99 %", "< 1 %"}


def test_the_most_important_features_of_each_label_are_shown():
    tables = [
        made({"a": {f"f{k}": sign * k for k in range(1, 31)}}, label)
        for sign, label in ((1, "yes"), (-1, "no"))
    ]
    plot, strips = built(plot_importance(pd.concat(tables), n=3))
    assert strips == [["Label: yes", "Cases: 1"], ["Label: no", "Cases: 1"]]
    for params in plot.layout.panel_params:
        assert params.y.labels == ["f28", "f29", "f30"]
    assert plot.labels.caption == "Shown: the 3 most important features of each label."
    assert plot.data["type"].cat.categories.tolist() == ["Supports", "Contradicts"]


def test_importances_are_taken_as_well():
    explanation = explanation_of("classification")
    plots = [plot_importance(x) for x in (explanation, feature_importance(explanation))]
    pd.testing.assert_frame_equal(plots[0].data, plots[1].data)


@pytest.mark.parametrize("name", ["classification", "regression", "regression_not_binned", "text"])
def test_bars_are_as_long_as_the_importance(name):
    explanation = explanation_of(name)
    plot, _ = built(plot_importance(explanation, n=1000))
    longest = plot.data.groupby("description", observed=True)["end"].max()
    expected = feature_importance(explanation)["importance"]
    np.testing.assert_allclose(sorted(longest), sorted(expected), atol=1e-12)


def test_weights_of_zero_are_drawn():
    plot, _ = built(plot_importance(made({"a": {"age": 0.0, "$x$": 0.0}, "b": {"age": 0.0}})))
    assert plot.data["end"].tolist() == [0.0] * 4
    assert r"\$x\$" in plot.layout.panel_params[0].y.labels


def test_colours_are_the_palettes():
    for palette, fills in (
        (("navy", "orange"), {"navy", "orange"}),
        (scale_fill_brewer(type="qual", palette="Set1"), {"#e41a1c", "#377eb8"}),
    ):
        plot, _ = built(plot_importance(made(WEIGHTS), palette=palette))
        assert set(plot.layers[0].data["fill"].str.lower()) == fills


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ValueError, "`n` must be a positive whole number"),
        ({"ncol": 1.5}, TypeError, "`ncol` must be a positive whole number"),
        ({"palette": ["red"]}, ValueError, "`palette` must be 2 colours"),
    ],
)
def test_wrong_arguments_raise(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_importance(made(WEIGHTS), **arguments)


def test_other_frames_raise():
    with pytest.raises(
        ValueError, match=r"from explain\(\) or feature_importance\(\); it has no column"
    ):
        plot_importance(pd.DataFrame({"feature": ["a"], "importance": [1.0]}))
    with pytest.raises(ValueError, match="it is empty"):
        plot_importance(feature_importance(made(WEIGHTS)).head(0))
    with pytest.raises(TypeError, match="must be a data frame"):
        plot_importance("text")
    with pytest.raises(ValueError, match="plot_image_explanation"):
        plot_importance(load_image_example())
