"""The plot of a comparison, read back."""

import numpy as np
import pandas as pd
import pytest
from plotnine import scale_color_brewer, scale_color_gradient
from test_plots_features import built, explanation_of, many_cases

from pylime import compare_explanations, load_image_example, plot_comparison


def made(weights, case="a", label="yes", **columns):
    """A classifier's explanation of one case: weights by feature."""
    table = pd.DataFrame(
        {
            "model_type": "classification",
            "case": case,
            "label": label,
            "label_prob": 0.9,
            "model_r2": 0.5,
            "feature": list(weights),
            "feature_value": 1.0,
            "feature_weight": weights.values(),
            "feature_desc": [f"{feature} <= 3" for feature in weights],
        }
    )
    return table.assign(**columns)


def with_ends(explanation, half):
    weights = explanation["feature_weight"]
    return explanation.assign(feature_lo=weights - half, feature_hi=weights + half)


def layers_of(plot, geom):
    return [layer.data for layer in plot.layers if type(layer.geom).__name__ == geom]


def strip_of(strips, k=0):
    return [line.lower() for line in strips[k]]


def two_sides():
    return compare_explanations(
        {
            "may": with_ends(made({"age": 0.5, "size": -0.2, "rent": 0.1}), 0.05),
            "june": with_ends(made({"age": 0.3, "size": -0.25}, label_prob=0.8), 0.05),
        }
    )


def test_each_side_has_a_dot_at_its_weight():
    comparison = two_sides()
    before = comparison.copy(deep=True)
    plot, strips = built(plot_comparison(comparison))
    pd.testing.assert_frame_equal(comparison, before)
    (dots,) = layers_of(plot, "geom_point")
    np.testing.assert_allclose(dots["x"], [0.5, -0.2, 0.1, 0.3, -0.25])
    assert dots["color"].tolist() == ["#009E73"] * 3 + ["#E69F00"] * 2
    # The largest weight on top, the first side above the second.
    np.testing.assert_array_equal(np.round(dots["y"]), [0, -1, -2, 0, -1])
    assert (dots["y"] > np.round(dots["y"])).tolist() == [True] * 3 + [False] * 2
    assert plot.layout.panel_params[0].y.labels == ["age <= 3", "size <= 3", "rent <= 3"]
    assert strip_of(strips) == [
        "case: a",
        "label: yes",
        "probability: may 0.9; june 0.8",
        "explanation fit: may 0.5; june 0.5",
    ]


def test_lines_are_dark_where_intervals_part():
    plot, _ = built(plot_comparison(two_sides()))
    pale, dark, bands = layers_of(plot, "geom_segment")
    np.testing.assert_allclose(dark[["x", "xend"]], [[0.3, 0.5]])
    np.testing.assert_allclose(pale[["x", "xend"]], [[-0.25, -0.2]])
    assert (pale["color"].iloc[0], dark["color"].iloc[0]) == ("#C4C4C4", "#222222")
    np.testing.assert_allclose(bands["xend"] - bands["x"], 0.1)
    assert plot.labels.caption.splitlines() == [
        "Dark line: the intervals of the two weights do not overlap.",
        "No dot: the side did not select the feature.",
    ]


def test_without_intervals_all_lines_are_pale():
    plot, _ = built(
        plot_comparison(compare_explanations({"a": made({"x": 1.0}), "b": made({"x": 2.0})}))
    )
    (lines,) = layers_of(plot, "geom_segment")
    assert lines["color"].tolist() == ["#C4C4C4"]
    assert not plot.labels.caption


def test_several_sides_are_compared_with_the_first():
    sides = {
        name: with_ends(made({"age": weight}), 0.1)
        for name, weight in (("a", 0.5), ("b", 0.1), ("c", 0.45))
    }
    plot, _ = built(plot_comparison(compare_explanations(sides)))
    pale, dark, _ = layers_of(plot, "geom_segment")
    np.testing.assert_allclose(dark[["x", "xend"]], [[0.1, 0.5]])
    np.testing.assert_allclose(pale[["x", "xend"]], [[0.45, 0.5]])
    assert layers_of(plot, "geom_point")[0]["shape"].tolist() == ["o", "D", "^"]


def test_a_label_that_one_side_did_not_explain_has_a_panel():
    one = pd.concat([made({"x": 0.5}), made({"x": -0.5}, label="no", label_prob=0.1)])
    plot, strips = built(plot_comparison(compare_explanations({"a": one, "b": made({"x": 0.4})})))
    assert len(strips) == 2
    assert "probability: a 0.1; b none" in strip_of(strips, 1)
    assert plot.labels.caption == (
        "No dot: the side did not select the feature, or did not explain the label."
    )


def test_different_descriptions_stand_both_on_the_axis():
    sides = {"a": made({"x": 0.5}), "b": made({"x": 0.4}, feature_desc="3 < x")}
    plot, _ = built(plot_comparison(compare_explanations(sides)))
    assert plot.layout.panel_params[0].y.labels == ["x <= 3 | 3 < x"]


def test_plain_numbers_of_a_regressor_are_weight_times_value():
    explanation = explanation_of("regression_not_binned")
    twice = explanation.assign(feature_weight=2 * explanation["feature_weight"])
    data = plot_comparison(compare_explanations({"a": explanation, "b": twice})).data
    by_side = {side: rows["feature_weight"].to_numpy() for side, rows in data.groupby("side")}
    expected = explanation["feature_weight"] * explanation["feature_value"]
    np.testing.assert_allclose(by_side["a"], expected)
    np.testing.assert_allclose(by_side["b"], 2 * by_side["a"])


@pytest.mark.parametrize("name", ["classification", "regression", "text"])
def test_all_kinds_are_drawn(name):
    explanation = explanation_of(name)
    plot, _ = built(plot_comparison(compare_explanations({"$a": explanation, "b": explanation})))
    (dots,) = layers_of(plot, "geom_point")
    assert len(dots) == 2 * len(explanation)


def test_superpixels_of_the_same_image_are_compared():
    image = load_image_example()
    plot, _ = built(plot_comparison(compare_explanations({"a": image, "b": image})))
    shown = {text for params in plot.layout.panel_params for text in params.y.labels}
    assert shown == set(image["feature_desc"])


def test_cases_are_chosen_and_limited():
    both = compare_explanations({"a": many_cases(70), "b": many_cases(70)})
    assert set(plot_comparison(both, cases=[3, 5]).data["case"]) == {"3", "5"}
    with pytest.warns(UserWarning, match="the first 60 of 70 cases are shown"):
        plot = plot_comparison(both)
    assert plot.data["case"].nunique() == 60


def test_weights_of_zero_are_drawn():
    plot, _ = built(
        plot_comparison(compare_explanations({"a": made({"x": 0.0}), "b": made({"x": 0.0})}))
    )
    (dots,) = layers_of(plot, "geom_point")
    assert dots["y"].nunique() == 2


def test_colours_are_the_palettes():
    comparison = two_sides()
    for palette, colours in (
        (["navy", "#ffa500"], {"navy", "#ffa500"}),
        (scale_color_brewer(type="qual", palette="Set1"), {"#e41a1c", "#377eb8"}),
    ):
        plot, _ = built(plot_comparison(comparison, palette=palette))
        assert set(layers_of(plot, "geom_point")[0]["color"].str.lower()) == colours


def test_more_sides_than_colours_need_a_palette():
    sides = {f"side {k}": made({"x": float(k)}) for k in range(8)}
    comparison = compare_explanations(sides)
    with pytest.raises(ValueError, match="`palette` must be given for more than 7 sides"):
        plot_comparison(comparison)
    plot, _ = built(plot_comparison(comparison, palette=["red"] * 8))
    assert len(plot.data) == 8


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"cases": "z"}, ValueError, "`cases` must be among the explained cases 'a'"),
        ({"ncol": 0}, ValueError, "`ncol` must be a positive whole number"),
        ({"palette": ["red"]}, ValueError, "`palette` must be 2 colours, one for each side"),
        ({"palette": scale_color_gradient()}, ValueError, "`palette` must be a discrete scale"),
    ],
)
def test_wrong_arguments_raise(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_comparison(two_sides(), **arguments)


def test_other_frames_raise():
    with pytest.raises(ValueError, match="`comparison` must be a data frame from compare_expl"):
        plot_comparison(made({"x": 1.0}))
    with pytest.raises(TypeError, match="`comparison` must be a data frame from compare_expl"):
        plot_comparison("text")


def test_predictions_have_the_digits_that_a_reader_wants():
    number = made({"age": 0.5}, model_type="regression").drop(columns=["label", "label_prob"])
    sides = {
        "may": number.assign(prediction=609.4912),
        "june": number.assign(prediction=-2406.0937),
    }
    _, strips = built(plot_comparison(compare_explanations(sides)))
    assert "prediction: may 609.5; june -2406" in strip_of(strips)


def test_cases_whose_names_print_alike_are_an_error():
    one = pd.concat([made({"age": 0.5}, case=1), made({"age": 0.5}, case="1", model_r2=0.25)])
    both = compare_explanations({"may": one, "june": one})
    with pytest.raises(ValueError, match="`comparison` must have another name for each case"):
        plot_comparison(both)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c.drop(columns="case"), "without 'case' it is incomplete"),
        (lambda c: c[:0], "`comparison` must have rows; it is empty"),
    ],
)
def test_an_incomplete_comparison_is_an_error(spoil, message):
    with pytest.raises(ValueError, match=message):
        plot_comparison(spoil(two_sides()))
