"""Intervals of weights in all plots, and fits that are low."""

import copy
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from plotnine.geoms import geom_errorbar
from test_plots_features import explanation_of, figure_size, many_cases
from test_plots_image import panels, r_explanation
from test_plots_text import ALLOWED, DARK, HOSTILE, LIGHT, Reader, contrast, rgb
from test_plots_text import explanation_of as text_of

from pylime import (
    Superpixel,
    load_image_example,
    plot_explanations,
    plot_features,
    plot_image_explanation,
    plot_text_explanations,
)
from pylime.plots.explanations import STRIPE_PITCH, stripes
from pylime.plots.image import lay_over, outline_opacity, striped_opacity
from pylime.plots.intervals import has_intervals, includes_zero, interval_ends, striped_key
from pylime.plots.stylesheet import STRIPES
from pylime.plots.theme import LOW_FIT, fit_texts

KEY = "possibly no effect (the weight's interval includes 0)"


def with_intervals(explanation, lo, hi):
    """Add the columns of intervals where `explain()` puts them."""
    explanation = explanation.copy()
    place = list(explanation.columns).index("feature_weight") + 1
    for name, value in {"feature_se": 0.1, "feature_lo": lo, "feature_hi": hi}.items():
        explanation.insert(place, name, value)
        place += 1
    return explanation


def around(explanation, half_width):
    weights = explanation["feature_weight"]
    return with_intervals(explanation, weights - half_width, weights + half_width)


def drawn(plot):
    figure = copy.deepcopy(plot).draw()
    figure.draw_without_rendering()
    texts = [text.get_text() for text in figure.findobj(lambda o: hasattr(o, "get_text"))]
    plt.close(figure)
    return figure, texts


# What counts as an interval that includes 0


@pytest.mark.parametrize(
    ("lo", "hi", "expected"),
    [
        (0.1, 0.2, False),
        (-0.2, -0.1, False),
        (-0.1, 0.2, True),
        (0.0, 0.2, True),
        (-0.2, 0.0, True),
        (0.0, 0.0, True),
        (np.nan, 0.2, False),
        (-0.2, np.nan, False),
        (np.nan, np.nan, False),
        (-np.inf, np.inf, True),
        (None, None, False),
        (pd.NA, 1.0, False),
    ],
)
@pytest.mark.parametrize("dtype", [object, "Float64"])
def test_an_interval_includes_0_or_is_unknown(lo, hi, expected, dtype):
    table = pd.DataFrame({"feature_lo": [lo, 1.0], "feature_hi": [hi, 2.0]}, dtype=object)
    if dtype == "Float64":
        table = table.apply(pd.to_numeric, errors="coerce").astype(dtype)
    assert includes_zero(table).tolist() == [expected, False]


def test_half_an_interval_is_none():
    table = pd.DataFrame({"feature_lo": [np.nan, -1.0], "feature_hi": [1.0, np.nan]})
    assert np.isnan(interval_ends(table)).all()
    assert not has_intervals(table.drop(columns="feature_hi"))
    assert np.isnan(interval_ends(table.drop(columns="feature_hi"))).all()


# The plot of weights


def error_bars(plot):
    """The data of the layer of error bars, as built; none without one."""
    plot = copy.deepcopy(plot)
    figure = plot.draw()
    plt.close(figure)
    found = [layer.data for layer in plot.layers if isinstance(layer.geom, geom_errorbar)]
    return found[0] if found else None


def test_error_bars_are_the_intervals():
    explanation = explanation_of("classification")
    random = np.random.default_rng(1)
    lo = explanation["feature_weight"] - random.uniform(0, 1, len(explanation))
    hi = explanation["feature_weight"] + random.uniform(0, 1, len(explanation))
    plot = plot_features(with_intervals(explanation, lo, hi))
    plain = plot_features(explanation)
    bars, lines = built_bars(plot), error_bars(plot)
    pd.testing.assert_frame_equal(bars, built_bars(plain))  # the bars themselves stay R's
    found = lines.set_index(["PANEL", "x"])[["ymin", "ymax"]]
    rows = bars.set_index(["PANEL", "x"])
    assert len(found) == len(explanation)
    of_weight = dict(zip(explanation["feature_weight"], zip(lo, hi, strict=True), strict=True))
    for place, (low, high) in zip(found.index, found.to_numpy(), strict=True):
        weight = rows.loc[place, "ymax"] + rows.loc[place, "ymin"]  # the other end is 0
        expected = min(of_weight, key=lambda known: abs(known - weight))
        assert (low, high) == pytest.approx(of_weight[expected])


def built_bars(plot):
    plot = copy.deepcopy(plot)
    plt.close(plot.draw())
    return plot.layers[0].data.sort_values(["PANEL", "x"]).reset_index(drop=True)


def test_rows_without_an_interval_have_no_error_bar():
    explanation = around(explanation_of("classification"), 0.1)
    explanation.loc[[0, 2, 5], "feature_lo"] = np.nan
    explanation.loc[[1, 2], "feature_hi"] = np.inf  # nothing that can be drawn
    assert len(error_bars(plot_features(explanation))) == len(explanation) - 4
    explanation["feature_lo"] = np.nan
    assert error_bars(plot_features(explanation)) is None
    assert len(built_bars(plot_features(explanation))) == len(explanation)


def test_without_intervals_nothing_is_added():
    explanation = explanation_of("classification")
    plot = plot_features(explanation)
    assert len(plot.layers) == 1
    assert plot.labels.y == "Weight"
    more = explanation.assign(feature_se=0.1, feature_freq=1.0, feature_contribution=0.5)
    more = more.assign(surrogate_mean=0.1, n_permutations=500)
    pd.testing.assert_frame_equal(built_bars(plot_features(more)), built_bars(plot))
    assert len(plot_features(more).layers) == 1
    assert plot_features(around(explanation, 0.1)).labels.y == "Weight, with its interval"


def test_intervals_of_plain_numbers_are_multiplied_by_their_values():
    explanation = pd.DataFrame(
        {
            "model_type": "regression",
            "case": 0,
            "model_r2": 0.5,
            "feature": list("abcde"),
            "feature_value": pd.Series([3.0, -2.0, 7.0, 0.0, 4.0], dtype=object),
            "feature_weight": [0.5, 0.5, 0.5, 0.5, 0.5],
            "feature_desc": ["a", "b", "6 < c", "d", "e"],
            "prediction": 1.0,
        }
    )
    lo, hi = [0.1, 0.1, 0.1, 0.1, np.nan], [0.9, 0.9, 0.9, 0.9, 0.9]
    data = plot_features(with_intervals(explanation, lo, hi)).data
    np.testing.assert_allclose(data["feature_weight"], [1.5, -1.0, 0.5, 0.0, 2.0])
    np.testing.assert_allclose(data["feature_lo"], [0.3, -1.8, 0.1, 0.0, np.nan])
    np.testing.assert_allclose(data["feature_hi"], [2.7, -0.2, 0.9, 0.0, np.nan])


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1.0, 1e9, 1e30])
@pytest.mark.parametrize("width", [0.1, 1000.0])
def test_intervals_of_any_size_are_inside_the_panel(scale, width):
    explanation = around(explanation_of("classification"), width)
    sizes = ["feature_weight", "feature_lo", "feature_hi"]
    explanation[sizes] *= scale
    plot = copy.deepcopy(plot_features(explanation))
    figure = plot.draw()
    low, high = figure.axes[0].get_xlim()
    plt.close(figure)
    assert low < explanation["feature_lo"].min()
    assert explanation["feature_hi"].max() < high


def test_error_bars_are_thin_and_dark():
    figure = copy.deepcopy(plot_features(around(explanation_of("classification"), 0.1))).draw()
    lines = figure.axes[0].findobj(LineCollection)
    plt.close(figure)
    colours = {to_hex(colour) for line in lines for colour in line.get_edgecolor()}
    assert colours == {"#ffffff", "#222222"}
    dark = [line for line in lines if to_hex(line.get_edgecolor()[0]) == "#222222"]
    assert max(max(line.get_linewidth()) for line in dark) < 2
    for fill in ("#4682b4", "#b22222"):
        assert contrast("#222222", fill) > 1.5 or contrast("#ffffff", fill) > 3


# Low fits


def test_a_fit_below_the_threshold_is_called_low():
    assert LOW_FIT == 0.1
    assert fit_texts([0.0999]) == ["0.1, low"]
    assert fit_texts([0.1]) == ["0.1"]
    assert fit_texts([-0.5, 0.09, 0.69, np.nan]) == ["-0.50, low", "0.09, low", "0.69", "NaN"]
    assert fit_texts([]) == []


@pytest.mark.parametrize("name", ["classification", "regression"])
@pytest.mark.parametrize(("r2", "said"), [(0.08, "0.08, low"), (0.12, "0.12")])
def test_every_plot_with_a_fit_says_if_it_is_low(name, r2, said):
    _, texts = drawn(plot_features(explanation_of(name).assign(model_r2=r2)))
    fits = [text.split("fit: ")[1] for text in texts if "fit: " in text]
    assert set(fits) == {said}
    text = text_of("good", {"good": 1.0}, model_r2=r2)
    assert Reader(plot_text_explanations(text)).facts[0].endswith(f"Explanation fit: {said}")
    image = load_image_example().assign(model_r2=r2)
    for negative in (False, True):
        _, texts = drawn(plot_image_explanation(image, show_negative=negative))
        assert any(text.endswith(f"Explanation fit: {said}") for text in texts)


# Texts


def test_words_whose_interval_includes_0_are_striped():
    weights = {"good": 0.5, "slow": -0.3, "film": 0.2, "a": 0.0}
    explanation = with_intervals(
        text_of("A good slow film, a", weights), [0.1, -0.7, np.nan, -1], [0.9, 0.1, 0.5, 1]
    )
    found = Reader(plot_text_explanations(explanation))
    assert found.coloured == [
        [("good", "positive_3"), ("slow", "negative_2 striped"), ("film", "positive_2")]
    ]
    assert [note for _, note, _ in found.marks[0]] == [
        "good: supports, weight 0.5, strength 3 of 5; interval from 0.1 to 0.9",
        "slow: contradicts, weight -0.3, strength 2 of 5; interval from -0.7 to 0.1: "
        "possibly no effect",
        "film: supports, weight 0.2, strength 2 of 5",
    ]
    assert found.words == ["A good slow film, a"]


@pytest.mark.parametrize(
    ("weights", "lo", "hi", "striped"),
    [
        ({"good": 0.5}, [-0.1], [0.9], True),
        ({"good": 0.5}, [0.1], [0.9], False),
        ({"good": 0.5}, [np.nan], [np.nan], False),
        ({"good": 0.0}, [-0.1], [0.1], False),  # not coloured
        ({"absent": 0.5}, [-0.1], [0.9], False),  # not in the text
    ],
)
def test_the_key_of_a_text_has_stripes_only_if_a_word_has(weights, lo, hi, striped):
    explanation = with_intervals(text_of("a good film", weights), lo, hi)
    source = str(plot_text_explanations(explanation))
    assert (f"striped: {KEY.replace(chr(39), '&#x27;')}" in source) is striped
    assert (STRIPES in source) is striped
    assert ("striped" in source) is striped


def test_a_text_without_intervals_has_no_trace_of_them():
    weights = {"good": 0.5, "slow": -0.3}
    plain = text_of("a good, slow film", weights)
    source = str(plot_text_explanations(plain))
    assert "striped" not in source
    assert "interval" not in source
    more = plain.assign(feature_se=0.1, feature_freq=0.9, n_permutations=500)
    assert str(plot_text_explanations(more)) == source


def test_stripes_of_hostile_texts_are_harmless():
    weights = {"img": 0.5, "script": -0.5, HOSTILE: 0.25}
    explanation = text_of(HOSTILE, weights, label=HOSTILE, case=HOSTILE)
    striped = with_intervals(explanation, [-1.0, "-1", -1], [np.nan, "1", 1.0])
    found = Reader(plot_text_explanations(striped))
    assert set(found.elements) <= ALLOWED
    assert found.words == [HOSTILE]
    assert re.fullmatch(r"(positive|negative)_\d striped", found.coloured[0][0][1])


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_striped_words_can_be_read(colours):
    for sign in ("positive", "negative"):
        for strength in range(1, 6):
            for veil in ("veil-1", "veil-2"):
                assert contrast(colours["ink"], seen(colours, veil, f"{sign}-{strength}")) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_striped_words_are_paler(colours):
    for name in ("positive-5", "negative-5", "positive-3", "negative-3"):
        plain = contrast(colours["paper"], colours[name])
        stripe, between = (
            contrast(colours["paper"], seen(colours, veil, name)) for veil in ("veil-1", "veil-2")
        )
        assert plain > stripe > between
        assert stripe / between > 1.1


def seen(colours, veil, below):
    """The colour of a veil over another."""
    veil = colours[veil]
    share = int(veil[7:], 16) / 255
    mixed = share * rgb(veil[:7]) + (1 - share) * rgb(colours[below])
    return to_hex(mixed)


def test_every_rule_of_the_stripes_is_bound_to_the_plot():
    for selectors in re.findall(r"([^{}]+)\{", STRIPES):
        assert selectors.strip().startswith(".pylime-text")


# Images


def r_explanation_with_intervals(includes):
    """R's explanation, with an interval around 0 at some of its superpixels."""
    explanation = r_explanation()
    weights = explanation["feature_weight"]
    lo = np.where(includes, -1.0, weights - 1e-9)
    hi = np.where(includes, 1.0, weights + 1e-9)
    return with_intervals(explanation, lo, hi)


@pytest.mark.parametrize("display", ["outline", "block"])
@pytest.mark.parametrize("negative", [False, True])
def test_images_without_an_interval_around_0_are_those_without_intervals(display, negative):
    explanation = r_explanation()
    options = {"display": display, "show_negative": negative}
    expected = panels(plot_image_explanation(explanation, **options))
    missing = with_intervals(explanation, np.nan, np.nan)
    for same in (r_explanation_with_intervals(False), missing):
        plot = plot_image_explanation(same, **options)
        for name, pixels in panels(plot).items():
            np.testing.assert_array_equal(pixels, expected[name])
        assert not any("effect" in text for text in drawn(plot)[1])
        assert figure_size(plot) == figure_size(plot_image_explanation(explanation, **options))


def test_striped_superpixels_are_paler_and_nothing_else_changes():
    explanation = r_explanation()
    label = explanation["label"].iloc[0]
    rows = explanation[explanation["label"] == label]
    chosen = rows[rows["feature_weight"] > 0.02]
    assert len(chosen) > 1
    row = chosen.index[0]
    striped = r_explanation_with_intervals(explanation.index == row)
    mask = chosen["feature_value"][row].mask
    original = np.asarray(explanation["data"].iloc[0]).astype(int)

    plain = panels(plot_image_explanation(explanation))[f"Supports_{label}"].astype(int)
    ours = panels(plot_image_explanation(striped))[f"Supports_{label}"].astype(int)
    near = mask.copy()  # a pixel on each side: the outline now runs between the superpixels
    for axis in (0, 1):
        for step in (1, -1):
            near |= np.roll(mask, step, axis)
    for step in (1, -1):
        near |= np.roll(np.roll(mask, 1, 0), step, 1) | np.roll(np.roll(mask, -1, 0), step, 1)
    np.testing.assert_array_equal(ours[~near], plain[~near])
    assert np.abs(ours - original)[mask].mean() < 0.8 * np.abs(plain - original)[mask].mean()
    colour = (0, 0, 255, 255)
    opacity = outline_opacity(mask, 0.3) * striped_opacity(mask.shape)
    assert set(np.unique(opacity[mask]).round(3)) == {0.075, 0.25, 0.302, 1.0}
    expected = lay_over(original.astype(np.uint8), opacity, colour)
    np.testing.assert_array_equal(ours[mask], expected[mask])

    plain = panels(plot_image_explanation(explanation, display="block"))[f"Supports_{label}"]
    ours = panels(plot_image_explanation(striped, display="block"))[f"Supports_{label}"]
    np.testing.assert_array_equal(ours[~mask], plain[~mask])
    hidden = (ours[mask] == 190).all(axis=1)
    assert 0.4 < hidden.mean() < 0.6


@pytest.mark.parametrize(
    ("options", "look"),
    [({}, "Striped"), ({"display": "block"}, "Striped"), ({"fill_alpha": 0}, "Dashed")],
)
def test_a_line_below_an_image_explains_the_stripes(options, look, tmp_path):
    explanation = load_image_example()
    plot = plot_image_explanation(with_intervals(explanation, -1.0, 1.0), **options)
    assert f"{look}: {KEY}" in drawn(plot)[1]
    plain = plot_image_explanation(explanation, **options)
    assert figure_size(plot)[1] > figure_size(plain)[1]
    assert figure_size(plot)[0] == figure_size(plain)[0]
    plot.save(tmp_path / "image.png", dpi=40, verbose=False)


def test_superpixels_that_are_not_shown_need_no_explanation():
    explanation = load_image_example()
    below = explanation["feature_weight"] <= 0.02
    lo = np.where(below, -1.0, 0.01)
    plot = plot_image_explanation(with_intervals(explanation, lo, 1.0))
    assert not any("effect" in text for text in drawn(plot)[1])


def test_stripes_are_as_wide_in_a_large_image_as_in_a_small_one():
    for side in (32, 160, 1600):
        share = striped_opacity((side, side))
        turns = np.count_nonzero(np.diff(share[0]))
        assert turns == pytest.approx(side / max(2, side // 80) - 1, abs=1)
        assert set(np.unique(share)) == {0.25, 1.0}


def test_a_custom_superpixel_of_one_pixel_is_drawn():
    explanation = load_image_example()
    shape = explanation["feature_value"][0].shape
    cells = pd.Series([Superpixel([place], shape=shape) for place in range(len(explanation))])
    explanation = with_intervals(explanation.assign(feature_value=cells), -1.0, 1.0)
    plot_image_explanation(explanation, threshold=0)


# The overview


def striped_tiles(plot):
    """The tiles with stripes: label, case and description."""
    layers = plot.layers[1:]
    if not layers:
        return set()
    names = [name for name in ("label", "case", "feature_desc") if name in plot.data]
    return {tuple(map(str, row)) for row in layers[0]._data[names].to_numpy()}


def test_tiles_whose_interval_includes_0_are_striped():
    explanation = explanation_of("classification").drop_duplicates(["label", "case", "feature"])
    includes = np.arange(len(explanation)) % 3 == 0
    missing = np.arange(len(explanation)) % 5 == 0
    lo = np.where(missing, np.nan, np.where(includes, -1.0, 0.1))
    striped = with_intervals(explanation, lo, 1.0)
    plot = plot_explanations(striped)
    names = ["label", "case", "feature_desc"]
    expected = explanation[names][includes & ~missing]
    assert striped_tiles(plot) == {tuple(map(str, row)) for row in expected.to_numpy()}
    assert f"Striped: {KEY}" in drawn(plot)[1]
    plain = plot_explanations(explanation)
    pd.testing.assert_frame_equal(built_tiles(plot), built_tiles(plain))
    assert figure_size(plot)[1] > figure_size(plain)[1]


def built_tiles(plot):
    plot = copy.deepcopy(plot)
    plt.close(plot.draw())
    return plot.layers[0].data


@pytest.mark.parametrize(("lo", "hi"), [(0.1, 0.2), (np.nan, np.nan)])
def test_an_overview_without_intervals_around_0_has_no_stripes(lo, hi):
    explanation = explanation_of("classification")
    plot = plot_explanations(with_intervals(explanation, lo, hi))
    assert len(plot.layers) == 1
    assert not any("effect" in text for text in drawn(plot)[1])
    assert figure_size(plot) == figure_size(plot_explanations(explanation))


def test_stripes_lie_on_their_tile():
    random = np.random.default_rng(3)
    for size in ([0.4, 0.27], [0.02, 0.16], [1.5, 0.8], [STRIPE_PITCH, STRIPE_PITCH]):
        x, y = random.integers(1, 50, (2, 30))
        places, pieces = stripes(x, y, size)
        slack = 1e-9
        for name, centres in (("x", x), ("y", y)):
            for end in (name, f"{name}end"):
                assert (np.abs(pieces[end] - centres[places]) <= 0.5 + slack).all()
        run = (pieces["xend"] - pieces["x"]) * size[0]
        rise = (pieces["yend"] - pieces["y"]) * size[1]
        np.testing.assert_allclose(run, rise, atol=1e-9)  # 45 degrees on paper
        # Each is as long as lines of that pitch are in its area.
        lengths = np.bincount(places, run * np.sqrt(2), minlength=len(x))
        expected = size[0] * size[1] / (STRIPE_PITCH / np.sqrt(2))
        assert lengths.mean() == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("options", [{}, {"scales": "free"}, {"ncol": 1}])
def test_stripes_of_every_panel_stay_on_its_tiles(options):
    explanation = explanation_of("classification")
    plot = copy.deepcopy(plot_explanations(with_intervals(explanation, -1.0, 1.0), **options))
    figure = plot.draw()
    for panel, axes in enumerate(figure.axes[:3], start=1):
        tiles = plot.layers[0].data
        tiles = tiles[tiles["PANEL"] == panel]
        ends = np.concatenate([s for c in axes.findobj(LineCollection) for s in c.get_segments()])
        on_a_tile = [
            (
                (tiles["xmin"] - 1e-9 <= x)
                & (x <= tiles["xmax"] + 1e-9)
                & (tiles["ymin"] - 1e-9 <= y)
                & (y <= tiles["ymax"] + 1e-9)
            ).any()
            for x, y in ends
        ]
        assert len(ends) >= 4
        assert all(on_a_tile)
    plt.close(figure)


def test_a_large_overview_with_stripes_can_be_saved(tmp_path):
    explanation = with_intervals(many_cases(400, 2), -1.0, 1.0)
    plot = plot_explanations(explanation)
    assert max(figure_size(plot)) <= 25
    plot.save(tmp_path / "overview.png", dpi=30, verbose=False)


def test_a_tall_overview_with_stripes_can_be_saved():
    explanation = many_cases(2).head(2)
    rows = pd.concat([explanation.assign(feature_desc=f"{place}") for place in range(110)])
    plot = plot_explanations(with_intervals(rows, -1.0, 1.0))
    assert max(figure_size(plot)) <= 25


@pytest.mark.parametrize("plotter", [plot_features, plot_explanations])
def test_the_explanation_is_not_changed(plotter):
    explanation = around(explanation_of("regression_not_binned"), 1.0)
    before = copy.deepcopy(explanation)
    plotter(explanation)
    pd.testing.assert_frame_equal(explanation, before)


def test_the_key_is_a_line():
    assert striped_key() == f"striped: {KEY}"
    assert striped_key("Dashed") == f"Dashed: {KEY}"
