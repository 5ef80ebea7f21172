"""The plot of dots, read back."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
from plotnine import scale_color_cmap, scale_color_manual
from test_plots_features import built, explanation_of, figure_size

from pylime import load_image_example, plot_beeswarm
from pylime.plain import as_plain
from pylime.plots.beeswarm import swarm


def made(values, weights, feature="age", desc="{} <= 3", **columns):
    """A regressor's explanation of one feature, a case per value."""
    return pd.DataFrame(
        {
            "model_type": "regression",
            "case": range(len(values)),
            "feature": feature,
            "feature_value": pd.Series(list(values), dtype=object),
            "feature_weight": weights,
            "feature_desc": desc.format(feature),
            **columns,
        }
    )


def drawn(plot):
    """The layers of dots, which have a size and no line."""
    return [layer for layer in plot.layers if type(layer.geom).__name__ == "geom_point"]


@pytest.mark.parametrize("n", [1, 2, 50, 999])
@pytest.mark.parametrize("kind", ["even", "equal", "normal", "clusters"])
def test_no_dot_lies_on_another(n, kind):
    random = np.random.default_rng(n)
    x = {
        "even": np.linspace(0, 4, n),
        "equal": np.ones(n),
        "normal": random.normal(2, 0.5, n),
        "clusters": random.integers(0, 4, n) + random.normal(0, 0.01, n),
    }[kind]
    lanes = swarm(x, 0.08)
    for lane in np.unique(lanes):
        assert (np.diff(np.sort(x[lanes == lane])) >= 0.08 - 1e-12).all()
    # As few lanes as there are dots within a diameter, at most; around the line.
    most = max(((end - 0.08 < x) & (x <= end)).sum() for end in x)
    assert np.ptp(lanes) < most
    assert abs(lanes.max() + lanes.min()) <= 1


def test_dots_stand_at_their_weight_and_have_the_rank_of_their_value():
    explanation = made([30, 10, 20, 20], [0.3, -0.1, 0.2, 0.1])
    before = explanation.copy(deep=True)
    plot, strips = built(plot_beeswarm(explanation))
    pd.testing.assert_frame_equal(explanation, before)
    data = plot.data.set_index("case")
    assert data["rank"].to_dict() == {0: 1.0, 1: 0.0, 2: 0.5, 3: 0.5}
    (layer,) = drawn(plot)
    np.testing.assert_allclose(layer.data["x"], [-0.1, 0.1, 0.2, 0.3])
    assert layer.data["color"].str.upper().tolist()[::3] == ["#F0A830", "#7A0F8A"]
    assert strips == [["Cases: 4"]]


def test_rows_are_sorted_by_importance_and_limited():
    parts = [made([1, 2], [0.1 * k, -0.1 * k], feature=f"f{k}") for k in range(1, 13)]
    plot, _ = built(plot_beeswarm(pd.concat(parts), n=3))
    assert plot.layout.panel_params[0].y.labels == ["f12", "f11", "f10"]
    assert plot.data["row"].tolist() == [0, 0, -1, -1, -2, -2]
    assert plot.labels.caption == "Shown: the 3 most important features."


def test_labels_have_panels_with_their_own_features():
    explanation = explanation_of("classification")
    plot, strips = built(plot_beeswarm(explanation, n=2))
    labels = list(dict.fromkeys(explanation["label"]))
    assert [strip[0] for strip in strips] == [f"Label: {label}" for label in labels]
    assert len(plot.data) <= len(explanation)
    for params in plot.layout.panel_params:
        assert len(params.y.labels) == 2


def test_words_and_levels_are_grey_and_a_line_says_so():
    mixed = pd.concat(
        [
            made(["Oslo", "Bergen"], [0.5, 0.4], feature="city", desc="city = Oslo"),
            made([1.0, 2.0], [0.2, 0.1]),
        ]
    )
    plot, _ = built(plot_beeswarm(mixed))
    grey, coloured = drawn(plot)
    assert set(grey.data["color"]) == {"#8A8A8A"}
    assert len(grey.data) == len(coloured.data) == 2
    assert plot.labels.caption.startswith("Grey: a word")
    plot, _ = built(plot_beeswarm(explanation_of("text")))
    assert plot.data["rank"].isna().all()


@pytest.mark.parametrize(
    ("values", "ranks"),
    [
        ([False, True, False], [0.0, 1.0, 0.0]),
        ([np.int64(3), 2.5, np.float32(1)], [1.0, 0.5, 0.0]),
        ([np.nan, 2, 1], [np.nan, 1.0, 0.0]),
        ([None, pd.NA, 1], [np.nan, np.nan, 0.5]),
        ([np.inf, 2, 1], [np.nan, 1.0, 0.0]),
        ([7, 7, 7], [0.5, 0.5, 0.5]),
        ([datetime.date(2026, 5, day) for day in (1, 3, 2)], [0.0, 1.0, 0.5]),
        (pd.to_datetime(["2026-05-01", None, "2026-05-02"]), [0.0, np.nan, 1.0]),
        (["3", "1", "2"], [1.0, 0.0, 0.5]),  # of a plain frame
    ],
)
def test_values_of_all_kinds_are_ranked(values, ranks):
    plot, _ = built(plot_beeswarm(made(values, [0.1, 0.2, 0.3])))
    np.testing.assert_array_equal(plot.data.sort_values("case")["rank"], ranks)


def test_numbers_that_are_words_or_levels_are_not_ranked():
    word = made(["42", "42"], [0.1, 0.2], feature="42", desc="{}")
    level = made(["1", "2"], [0.1, 0.2], feature="zone", desc="zone = 1")
    for explanation in (word, level):
        assert plot_beeswarm(explanation).data["rank"].isna().all()


@pytest.mark.parametrize("name", ["classification", "regression", "regression_not_binned", "text"])
def test_plain_frames_have_the_same_dots(name):
    explanation = explanation_of(name)
    typed, plain = (plot_beeswarm(x).data for x in (explanation, as_plain(explanation)))
    np.testing.assert_allclose(typed["y"], plain["y"])
    np.testing.assert_array_equal(typed["rank"], plain["rank"])


def test_many_cases_are_thinned_evenly_with_a_warning():
    n = 10_000
    explanation = made(np.arange(n) / n, np.linspace(-1, 1, n) ** 3)
    message = "at most 2000 dots .* of 'age' 20 % of 10000 cases, of all features 20 %"
    with pytest.warns(UserWarning, match=message) as caught:
        plot = plot_beeswarm(explanation)
    assert caught[0].filename == __file__
    weights = plot.data["feature_weight"]
    assert len(weights) == 2000
    assert (weights.min(), weights.max()) == (-1.0, 1.0)
    np.testing.assert_allclose(
        np.quantile(weights, [0.1, 0.5, 0.9]), np.array([-0.8, 0, 0.8]) ** 3, atol=1e-3
    )


def test_so_many_cases_are_not_thinned_and_stay_in_their_row():
    explanation = made(range(2000), np.random.default_rng(1).normal(size=2000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = plot_beeswarm(explanation).data
    assert len(data) == 2000
    assert (data["y"] - data["row"]).abs().max() <= 0.5


def test_a_single_case_and_weights_of_zero_are_drawn():
    plot, _ = built(plot_beeswarm(made([1], [0.0])))
    assert plot.data["y"].tolist() == [0.0]
    plot, _ = built(plot_beeswarm(made(range(30), [0.0] * 30)))
    assert plot.data["y"].nunique() == 30


def test_the_same_dots_are_drawn_each_time():
    explanation = made(range(300), np.random.default_rng(2).normal(size=300))
    first, second = (plot_beeswarm(explanation).data for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_one_feature_is_drawn_against_its_values():
    explanation = pd.concat([made([3, 1, 2], [0.3, 0.1, 0.2]), made([5], [9.0], feature="size")])
    plot, _ = built(plot_beeswarm(explanation, feature="age"))
    (layer,) = drawn(plot)
    assert sorted(zip(layer.data["x"], layer.data["y"], strict=True)) == [
        (1, 0.1),
        (2, 0.2),
        (3, 0.3),
    ]
    assert (plot.labels.x, plot.labels.y) == ("age", "Weight")


@pytest.mark.parametrize(
    ("values", "levels"),
    [(["b", "a", "b"], ["a", "b"]), ([True, False, True], ["False", "True"])],
)
def test_one_feature_is_drawn_against_its_levels(values, levels):
    explanation = made(values, [0.3, 0.1, 0.2], feature="city", desc="city = b")
    plot, _ = built(plot_beeswarm(explanation, feature="city"))
    assert plot.layout.panel_params[0].x.labels == levels
    x = plot.data.sort_values("case")["value"]
    np.testing.assert_allclose(x, [1, 0, 1], atol=0.4)


def test_many_levels_fit_on_a_page():
    values = [f"level {k % 9}" for k in range(1800)]
    explanation = made(values, np.random.default_rng(1).normal(size=1800), desc="age = b")
    wide, _ = figure_size(plot_beeswarm(explanation, feature="age"))
    assert wide < 8


def test_one_feature_is_drawn_against_its_dates():
    dates = [datetime.datetime(2026, 5, day) for day in (1, 3, 2)]
    plot, _ = built(plot_beeswarm(made(dates, [0.3, 0.1, 0.2]), feature="age"))
    assert pd.api.types.is_datetime64_any_dtype(plot.data["value"])


def test_a_figure_grows_with_its_rows():
    parts = [made([1, 2], [0.1 * k, -0.1 * k], feature=f"f{k}") for k in range(1, 13)]
    few, many = (plot_beeswarm(pd.concat(parts), n=n) for n in (2, 12))
    assert figure_size(few)[1] < figure_size(many)[1]


def test_colours_are_the_palettes():
    explanation = made([1, 2], [0.1, 0.2])
    plot, _ = built(plot_beeswarm(explanation, palette=["#ff0000", "#0000ff"]))
    assert drawn(plot)[0].data["color"].tolist() == ["#0000ff", "#ff0000"]
    plot, _ = built(plot_beeswarm(explanation, palette=scale_color_cmap("viridis")))
    assert [text.lower()[:7] for text in drawn(plot)[0].data["color"]] == ["#440154", "#fde725"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ValueError, "`n` must be a positive whole number"),
        ({"ncol": 0}, ValueError, "`ncol` must be a positive whole number"),
        ({"feature": "aeg"}, ValueError, "`feature` must be one of 'age'; .* Did you mean 'age'"),
        ({"palette": "viridis"}, TypeError, "`palette` must be 2 colours, for high and for low"),
        ({"palette": scale_color_manual(["red"])}, ValueError, "must be a continuous scale"),
    ],
)
def test_wrong_arguments_raise(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_beeswarm(made([1, 2], [0.1, 0.2]), **arguments)


def test_images_have_a_plot_of_their_own():
    with pytest.raises(ValueError, match="plot_image_explanation"):
        plot_beeswarm(load_image_example())
