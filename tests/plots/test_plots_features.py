"""The plots of weights, read back and held against what ggplot2 builds in R."""

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import read_reference
from matplotlib import pyplot as plt
from plotnine import geom_text, scale_color_manual, scale_fill_gradient2, scale_fill_manual

from pylime import (
    as_regressor,
    compare_explanations,
    explain,
    lime,
    load_image_example,
    plot_explanations,
    plot_features,
)
from pylime.plots.theme import FIT, amount_text
from pylime.values import Superpixel

PLOTS = read_reference("plot_data.json.gz")["plots"]
TABLES = ["classification", "regression", "regression_not_binned"]


def explanation_of(name):
    return pd.DataFrame(PLOTS[name]["explanation"]["values"])


def built(plot):
    """Draw a copy, because drawing changes a plot; give its parts back."""
    plot = copy.deepcopy(plot)
    figure = plot.draw()
    strips = [
        strip.get_text().split("\n")
        for strip in figure.findobj(lambda artist: type(artist).__name__ == "StripText")
    ]
    plt.close(figure)
    return plot, strips


def by_place(layer):
    """Sort a layer by panel and position, and name colours one way."""
    layer = pd.DataFrame(layer).rename(columns={"colour": "color"})
    layer["PANEL"] = layer["PANEL"].astype(int)
    keys = [name for name in ("PANEL", "x", "y", "ymin") if name in layer]
    return layer.sort_values(keys).reset_index(drop=True)


def assert_layer(plot, expected, columns):
    actual, expected = by_place(plot.layers[0].data), by_place(expected)
    assert len(actual) == len(expected)
    for name in columns:
        np.testing.assert_allclose(actual[name].astype(float), expected[name], atol=1e-12)
    assert actual["fill"].tolist() == expected["fill"].tolist()


def assert_layout(plot, strips, expected):
    """
    R's panels and strips, but for three things.

    R says nothing of low fits, which are those below 0.1; it writes all digits of a number
    that it predicts, and a capital in "Fit".
    """
    layout, reference = plot.layout.layout, expected["layout"]
    for name in ("ROW", "COL", "SCALE_X", "SCALE_Y"):
        assert layout[name].tolist() == reference[name], name
    for name in ("case", "label", "probability"):
        if name in reference:
            assert layout[name].astype(str).tolist() == reference[name], name
    keys = [name for name in ("case", "label") if name in reference]
    if "Explanation fit" in reference:
        r2 = plot.data.astype(dict.fromkeys(keys, str)).groupby(keys)["model_r2"].first()
        panels = zip(*(reference[name] for name in keys), strict=True)
        low = [", low" if r2[key[0] if len(keys) == 1 else key] < 0.1 else "" for key in panels]
        fits = [r + addition for r, addition in zip(reference["Explanation fit"], low, strict=True)]
        assert layout["Explanation fit"].astype(str).tolist() == fits
    if strips:
        said = zip(expected["strip_labels"], low, strict=True)
        assert strips == [
            [*map(short_prediction, rest), fit.replace("Explanation Fit", FIT) + addition]
            for (*rest, fit), addition in said
        ]


def short_prediction(line):
    """R's "Prediction: 1.65632299221839" with the digits of ours."""
    name, _, number = line.partition(": ")
    return f"{name}: {amount_text(float(number))}" if name == "Prediction" else line


def assert_levels(plot, expected):
    for name, levels in expected["plot_data_levels"].items():
        assert list(plot.data[name].cat.categories) == levels, name


@pytest.mark.parametrize(
    ("name", "which", "arguments"),
    [
        *((name, "plot_features", {}) for name in TABLES),
        ("classification", "plot_features_one_case_ncol1", {"cases": "55", "ncol": 1}),
    ],
)
def test_features_are_those_of_r(name, which, arguments):
    expected = PLOTS[name][which].get("build", PLOTS[name][which])
    explanation = explanation_of(name)
    before = copy.deepcopy(explanation)
    plot, strips = built(plot_features(explanation, **arguments))
    pd.testing.assert_frame_equal(explanation, before)
    assert_layer(plot, expected["layer"][0], ["x", "xmin", "xmax", "y", "ymin", "ymax"])
    assert_layout(plot, strips, expected)
    assert_levels(plot, expected)
    for params, labels, weights in zip(
        plot.layout.panel_params,
        expected["panel_y_labels"],
        expected["panel_x_labels"],
        strict=True,
    ):
        assert params.y.labels == labels
        assert params.x.labels == [text for text in weights if text]
    assert (plot.labels.x, plot.labels.y) == ("Weight", "Feature")  # flipped
    fill = plot.scales.get_scales("fill")
    assert list(fill.final_limits) == expected["fill_scale"]["limits"]


@pytest.mark.parametrize("cases", ["55", 55, ["55"], (55,), np.array([55]), pd.Index(["55"])])
def test_cases_select_by_value_or_name(cases):
    data = plot_features(explanation_of("classification"), cases=cases).data
    assert set(data["case"]) == {"55"}


def test_cases_keep_the_order_of_the_explanation():
    explanation = explanation_of("classification")
    plot = plot_features(explanation.astype({"case": int}), cases=[107, 1])
    assert list(plot.data["case"].cat.categories) == ["1", "107"]


def test_a_case_may_be_a_tuple():
    explanation = explanation_of("regression").iloc[:4]
    explanation["case"] = pd.Series([("a", 1)] * 4)
    assert len(plot_features(explanation, cases=("a", 1)).data) == 4


def test_features_of_an_image_show_bounding_boxes():
    explanation = load_image_example()
    plot, strips = built(plot_features(explanation))
    assert strips[0][0] == f"Case: {explanation['case'].iloc[0]}"
    shown = {label for params in plot.layout.panel_params for label in params.y.labels}
    assert shown == set(explanation["feature_desc"])


def test_features_of_a_text_show_words():
    explanation = explanation_of("text")
    plot, _ = built(plot_features(explanation, ncol=3))
    shown = {label for params in plot.layout.panel_params for label in params.y.labels}
    assert shown == set(explanation["feature_value"])


def test_only_plain_numbers_are_multiplied_by_their_weight():
    values = [3.0, np.int64(2), 7.0, "42", True, None, np.nan, Superpixel([0, 1], shape=(1, 2))]
    explanation = pd.DataFrame(
        {
            "model_type": "regression",
            "case": 0,
            "model_r2": 0.5,
            "feature_value": pd.Series(values, dtype=object),
            "feature_weight": 0.5,
            "feature_desc": ["a", "b", "6 < c", "42", "e is true", "f", "g", "[1-1], [1-2]"],
            "prediction": 1.0,
        }
    )
    weights = plot_features(explanation).data["feature_weight"]
    assert weights.tolist() == [1.5, 1.0, *[0.5] * 6]


def test_equal_descriptions_in_a_panel_stay_apart():
    explanation = explanation_of("text").iloc[[0, 1]].assign(feature_desc="good")
    plot, _ = built(plot_features(explanation))
    assert plot.layout.panel_params[0].y.labels == ["good", "good"]
    assert sorted(plot.layers[0].data["x"]) == [1, 2]


def test_dollars_are_no_formula():
    explanation = explanation_of("regression").iloc[:2]
    explanation = explanation.assign(feature_desc=["$5 < x_1^ <= $9", "b"], case="$a_$")
    plot, strips = built(plot_features(explanation))
    assert plot.layout.panel_params[0].y.labels[-1] == r"\$5 < x_1^ <= \$9"
    assert strips[0][0] == r"Case: \$a_\$"


def many_cases(n, n_labels=1):
    """An explanation of many cases, two features each."""
    table = pd.MultiIndex.from_product([range(n), range(n_labels), range(2)]).to_frame(index=False)
    return pd.DataFrame(
        {
            "model_type": "classification",
            "case": table[0],
            "label": "label " + table[1].astype(str),
            "label_prob": 0.5 / (1 + table[1]),
            "model_r2": 0.5,
            "feature": "feature " + table[2].astype(str),
            "feature_value": table[2],
            "feature_weight": 0.1 * (1 + table[0]) - 0.3 * table[2],
            "feature_desc": "feature " + table[2].astype(str),
        }
    )


def figure_size(plot):
    return plot.theme.themeables["figure_size"].properties["value"]


@pytest.mark.parametrize("ncol", [1, 2, 3])
def test_no_text_of_many_panels_runs_into_another(ncol):
    explanation = many_cases(7)
    explanation["feature_desc"] = explanation["feature_desc"] + " with a very long description"
    explanation["label"] = "a label that is rather longer than its panel, or nearly so"
    plot = copy.deepcopy(plot_features(explanation, ncol=ncol))
    figure = plot.draw()
    figure.draw_without_rendering()
    boxes = []
    for axes in figure.axes:
        boxes += [text.get_window_extent() for text in axes.get_yticklabels()]
    strips = figure.findobj(lambda artist: type(artist).__name__ == "StripText")
    boxes += [strip.get_window_extent() for strip in strips]
    plt.close(figure)
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:place])
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width


def test_the_figure_grows_with_its_panels_up_to_what_can_be_saved():
    heights = [figure_size(plot_features(many_cases(n)))[1] for n in (1, 4, 10, 20)]
    assert heights == sorted(heights)
    assert heights[-1] <= 25


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ncol": 0}, ValueError, "`ncol` must be a positive whole number; not 0"),
        ({"ncol": 1.5}, TypeError, "`ncol` must be a positive whole number; not 1.5"),
        ({"ncol": True}, TypeError, "`ncol` must be a positive whole number; not True"),
        ({"cases": ["55", "x"]}, ValueError, "cases '1', '55', '107'; not 'x'"),
        ({"cases": []}, ValueError, "not empty"),
    ],
)
def test_features_explain_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_features(explanation_of("classification"), **arguments)


PLOTTERS = [plot_features, plot_explanations]


@pytest.mark.parametrize("plotter", PLOTTERS)
def test_what_is_no_explanation_is_an_error(plotter):
    explanation = explanation_of("classification")
    with pytest.raises(TypeError, match=r"must be a data frame .* 'list'"):
        plotter([1, 2])
    with pytest.raises(ValueError, match="no column 'model_type'"):
        plotter(pd.DataFrame({"x": [1]}))
    with pytest.raises(ValueError, match="must have rows"):
        plotter(explanation.iloc[:0])
    with pytest.raises(ValueError, match="without 'case', 'label' it is incomplete"):
        plotter(explanation.drop(columns=["case", "label"]))
    with pytest.raises(ValueError, match="not 'classification', 'regression'"):
        plotter(pd.concat([explanation, explanation_of("regression")]))


@pytest.mark.parametrize("name", TABLES)
def test_explanations_are_those_of_r(name):
    expected = PLOTS[name]["plot_explanations"]
    explanation = explanation_of(name)
    before = copy.deepcopy(explanation)
    plot, strips = built(plot_explanations(explanation))
    pd.testing.assert_frame_equal(explanation, before)
    columns = ["x", "xmin", "xmax", "y", "ymin", "ymax"]
    assert_layer(plot, expected["layer"][0], columns)  # the colours too, to the last bit
    assert_layout(plot, [], expected)
    # R's strips are the bare labels; the reference writes them with their variable.
    named = [[f"Label: {text}" for text in strip] for strip in strips]
    assert named == (expected["strip_labels"] or [])
    assert_levels(plot, expected)
    for params in plot.layout.panel_params:
        assert params.x.labels == expected["panel_x_labels"][0]
        assert params.y.labels == expected["panel_y_labels"][0]
    assert (plot.labels.x, plot.labels.y) == ("Case", "Feature")
    fill = plot.scales.get_scales("fill")
    assert fill.name == "Feature\nweight"
    np.testing.assert_allclose(fill.final_limits, expected["fill_scale"]["limits"])


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([10, 9, 100], ["9", "10", "100"]),
        (["10", "9", "1e2"], ["9", "10", "1e2"]),
        (["10", "b", "a"], ["10", "a", "b"]),
        (pd.Categorical(["low", "high", "low"], ["low", "mid", "high"]), ["low", "high"]),
    ],
)
def test_cases_are_sorted_by_number_if_they_are_numbers(cases, expected):
    explanation = explanation_of("regression").iloc[:3].assign(case=cases)
    plot = plot_explanations(explanation)
    assert list(plot.data["case"].cat.categories) == expected


def test_descriptions_are_sorted_by_feature_then_value():
    values = pd.Series([10, "z", 9.5, None, True], dtype=object)
    explanation = explanation_of("regression").iloc[:5]
    explanation = explanation.assign(feature="x", feature_value=values, feature_desc=list("abcde"))
    plot = plot_explanations(explanation)
    assert list(plot.data["feature_desc"].cat.categories)[::-1] == list("ecadb")


@pytest.mark.parametrize(
    ("options", "shape"),
    [({}, (1, 3)), ({"ncol": 1}, (3, 1)), ({"nrow": 2, "dir": "v"}, (2, 2)), ({"ncol": 2}, (2, 2))],
)
def test_facet_options_arrange_the_labels(options, shape):
    plot, _ = built(plot_explanations(explanation_of("classification"), **options))
    layout = plot.layout.layout
    assert (layout["ROW"].max(), layout["COL"].max()) == shape


def test_scales_of_the_panels_may_be_free():
    plot, _ = built(plot_explanations(explanation_of("classification"), scales="free"))
    cases = [params.x.labels for params in plot.layout.panel_params]
    assert cases == [["1"], ["1", "55", "107"], ["55", "107"]]


def test_images_and_texts_have_an_overview():
    for explanation in (load_image_example(), explanation_of("text")):
        plot, _ = built(plot_explanations(explanation))
        assert set(plot.data["feature_desc"]) == set(explanation["feature_desc"])


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_weights_without_a_range_have_the_middle_colour(weight):
    explanation = explanation_of("classification").head(4).assign(feature_weight=weight)
    plot, _ = built(plot_explanations(explanation))
    assert set(plot.layers[0].data["fill"]) == {"#F7F7F7"}


@pytest.mark.parametrize(("n", "n_labels"), [(5, 1), (40, 2), (400, 3)])
def test_an_overview_of_many_cases_can_be_read_and_saved(n, n_labels):
    plot = copy.deepcopy(plot_explanations(many_cases(n, n_labels)))
    assert max(figure_size(plot)) <= 25
    figure = plot.draw()
    figure.draw_without_rendering()
    for axes in figure.axes[:n_labels]:
        names = axes.get_xticklabels()
        # At 45 degrees lines of text are apart when their ends are.
        starts = np.array([name.get_window_extent().x1 for name in names]) / figure.dpi
        assert np.diff(starts).min(initial=1) > 8.8 / 72 * np.sqrt(2) * 0.95
        assert len(names) == n or n > 5
    plt.close(figure)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"nclo": 2}, TypeError, "has no option 'nclo'. It takes: nrow, ncol, "),
        ({"facets": "case"}, TypeError, "has no option 'facets'"),
        ({"ncol": 0}, ValueError, "`ncol` must be a positive whole number"),
        ({"nrow": 1, "ncol": 2}, ValueError, "number of labels, 3; not 1 times 2"),
    ],
)
@pytest.mark.parametrize("name", ["classification", "regression"])
def test_explanations_explain_wrong_options(name, options, error, message):
    if name == "regression" and options.get("nrow"):
        plot_explanations(explanation_of(name), **options)
        return
    with pytest.raises(error, match=message):
        plot_explanations(explanation_of(name), **options)


def ticks_of(plot):
    """The texts of the ticks that are seen."""
    figure = copy.deepcopy(plot).draw()
    figure.canvas.draw()
    axes = figure.axes[-1]
    low, high = axes.get_xlim()
    ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    texts = {place: label.get_text() for place, label in ticks if low <= place <= high}
    plt.close(figure)
    return texts


@pytest.mark.parametrize("scale", [1, 1e-3, 1e-8, 1e-20, 1e-150, 1e5, 1e30])
def test_ticks_tell_weights_of_any_size_apart(scale):
    explanation = explanation_of("classification").head(4)
    weights = scale * explanation["feature_weight"]
    texts = ticks_of(plot_features(explanation.assign(feature_weight=weights)))
    assert len(texts) > 2
    assert len(set(texts.values())) == len(texts)
    assert max(map(len, texts.values())) < 20
    for place, text in texts.items():
        assert float(text) == pytest.approx(place, abs=0.01 * max(texts))


@pytest.mark.parametrize("weight", [0.0, 0.3, 1e-9, -4.0])
def test_ticks_of_equal_weights(weight):
    explanation = explanation_of("classification").head(4).assign(feature_weight=weight)
    texts = ticks_of(plot_features(explanation))
    assert len(set(texts.values())) == len(texts) > 1


def test_the_overview_has_a_legend_that_tells_small_weights_apart():
    explanation = explanation_of("classification")
    small = explanation.assign(feature_weight=1e-9 * explanation["feature_weight"])
    figure = plot_explanations(small).draw()
    figure.canvas.draw()
    texts = [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]
    plt.close(figure)
    numbers = [text for text in texts if "e-1" in text]
    assert len(set(numbers)) == len(numbers) > 1


def test_the_overview_keeps_neighbouring_bins_apart():
    random = np.random.default_rng(13)
    rows = pd.DataFrame({"lon": 16.37 + random.normal(0, 0.004, 400)})
    model = as_regressor(lambda d: np.sin(500 * d["lon"]))
    explanation = explain(rows.head(40), lime(rows, model), n_permutations=300, random_state=1)
    tiles = plot_explanations(explanation).data
    bins = np.searchsorted(np.quantile(rows["lon"], [0.25, 0.5, 0.75]), rows["lon"].head(40))
    assert tiles.groupby(bins)["feature_desc"].nunique().tolist() == [1, 1, 1, 1]
    assert tiles["feature_desc"].nunique() == 4


# Values, intercepts, palettes and comparisons


def texts_in(plot):
    """The texts of the layer of values, by panel and position."""
    plot, _ = built(plot)
    layers = [layer.data for layer in plot.layers if isinstance(layer.geom, geom_text)]
    return layers[0]["label"].tolist() if layers else []


def test_values_stand_beside_descriptions_without_them():
    explanation = explanation_of("regression_not_binned").head(4)
    expected = {f"= {amount_text(value, 3)}" for value in explanation["feature_value"]}
    assert set(texts_in(plot_features(explanation))) == expected
    assert "= 6.58" in expected
    assert texts_in(plot_features(explanation, values=False)) == []


@pytest.mark.parametrize(
    ("value", "description", "text"),
    [
        (4.6, "4.35 < x <= 5.10", "(4.6)"),
        (5.1, "x <= 5.1", "(5.1)"),
        (123456.7, "1e4 < x", "(123457)"),
        ("Oslo", "city = Oslo", None),
        (True, "member is true", None),
        (np.nan, "x is missing", None),
        (None, "x is missing", None),
        ("good", "good", None),
        (Superpixel([0, 1], shape=(1, 2)), "[1-1], [1-2]", None),
        (pd.Timestamp("2026-01-02"), "2026-01-01 < x", "(2026-01-02 00:00:00)"),
        ("a very long text of a column", "x < y", "(a very long text of\N{HORIZONTAL ELLIPSIS})"),
        ("$5$", "x > 1", r"(\$5\$)"),
    ],
)
def test_other_values_are_shown_on_request(value, description, text):
    explanation = explanation_of("classification").head(1)
    explanation = explanation.assign(
        feature_value=pd.Series([value], dtype=object), feature_desc=description
    )
    assert texts_in(plot_features(explanation)) == []
    assert texts_in(plot_features(explanation, values=True)) == ([] if text is None else [text])


@pytest.mark.parametrize("weights", [[1.0, 0.5, 0.2, 0.1], [-1.0, 0.5, -0.2, 0.1]])
def test_values_do_not_lie_on_bars(weights):
    explanation = explanation_of("classification").head(3)
    explanation = explanation.assign(
        feature_weight=weights[:3], feature_desc=explanation["feature"], feature_value=0.0012345
    )
    plot, _ = built(plot_features(explanation))
    (axes,) = plot.figure.axes
    ends = [text.get_window_extent().x1 for text in axes.texts]
    assert len(ends) == 3
    bars = [path.get_extents() for path in axes.collections[0].get_paths()]
    left = min(axes.transData.transform([box.x0, 0])[0] for box in bars)
    assert max(ends) < left


def test_the_intercept_is_shown_on_request():
    explanation = explanation_of("regression_not_binned")
    assert "(Intercept)" not in str(built(plot_features(explanation))[0].layout.panel_params)
    plot, _ = built(plot_features(explanation, intercept=True))
    for params in plot.layout.panel_params:
        assert params.y.labels[0] == "(Intercept)"
    layer = plot.layers[1].data
    expected = explanation.drop_duplicates("case")["model_intercept"]
    np.testing.assert_allclose(sorted(layer["y"]), sorted(expected))
    assert set(layer["fill"]) == {"#8F8F8F"}
    total = plot.data.groupby("case", observed=True)["feature_weight"].sum() + expected.to_numpy()
    local = explanation.drop_duplicates("case")["model_prediction"]
    np.testing.assert_allclose(total, local)


def test_the_intercept_has_no_interval():
    explanation = explanation_of("classification").assign(
        feature_lo=-1.0, feature_hi=1.0, model_intercept=0.3
    )
    plot, _ = built(plot_features(explanation, intercept=True))
    assert len(plot.layers[-1].data) == len(explanation)


def test_an_explanation_without_intercept_is_an_error():
    explanation = explanation_of("classification").drop(columns="model_intercept")
    with pytest.raises(ValueError, match="without 'model_intercept' it is incomplete"):
        plot_features(explanation, intercept=True)


@pytest.mark.parametrize(
    ("palette", "fills"),
    [
        (("navy", "#ff8800"), {"navy", "#ff8800"}),
        (scale_fill_manual(["pink", "black"]), {"pink", "black"}),
    ],
)
def test_bars_have_the_colours_of_the_palette(palette, fills):
    plot, _ = built(plot_features(explanation_of("classification"), palette=palette))
    assert set(plot.layers[0].data["fill"]) == fills


@pytest.mark.parametrize("plotter", PLOTTERS)
@pytest.mark.parametrize(
    ("palette", "error", "message"),
    [
        ("navy", TypeError, "`palette` must be 2 colours, .* not 'navy'"),
        (("navy",), ValueError, "not 1 colour"),
        (("navy", "no colour"), ValueError, "'no colour' is not a colour"),
        (scale_color_manual(["red"]), ValueError, "must be a scale of fill"),
    ],
)
def test_a_palette_that_is_none_is_an_error(plotter, palette, error, message):
    with pytest.raises(error, match=message):
        plotter(explanation_of("classification"), palette=palette)


def test_tiles_have_the_colours_of_the_palette():
    explanation = explanation_of("classification").head(3).assign(feature_weight=[1.0, 0.0, -1.0])
    plot, _ = built(plot_explanations(explanation, palette=("#008000", "orange")))
    assert set(plot.layers[0].data["fill"]) == {"#008000", "#F7F7F7", "#FFA500"}
    scale = scale_fill_gradient2(low="#ff0000", mid="#ffffff", high="#0000ff")
    plot, _ = built(plot_explanations(explanation, palette=scale))
    assert {"#0000ff", "#ff0000"} < set(plot.layers[0].data["fill"])
    assert plot.labels.fill == "Feature\nweight"
    with pytest.raises(ValueError, match="must be a continuous scale"):
        plot_explanations(explanation, palette=scale_fill_manual(["red", "blue"]))
    with pytest.raises(ValueError, match="must be a discrete scale"):
        plot_features(explanation, palette=scale)


def test_of_many_cases_the_first_sixty_are_drawn():
    with pytest.warns(UserWarning, match="Only the first 60 of 70 cases are shown") as caught:
        plot = plot_features(many_cases(70, 2))
    assert caught[0].filename == __file__
    assert list(plot.data["case"].cat.categories) == [str(case) for case in range(60)]
    assert len(plot.data) == 60 * 2 * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = plot_features(many_cases(70), cases=range(65))
    assert chosen.data["case"].nunique() == 65


def two_sides():
    """A comparison of R's explanation with itself, of other weights and without a label."""
    first = explanation_of("classification")
    second = first.assign(feature_weight=-first["feature_weight"])
    is_left_out = (second["case"] == "55") & (second["label"] == "versicolor")
    return first, compare_explanations({"forest": first, "logistic": second[~is_left_out]})


def test_sides_of_a_comparison_stand_beside_each_other():
    first, comparison = two_sides()
    before = copy.deepcopy(comparison)
    plot, strips = built(plot_features(comparison))
    pd.testing.assert_frame_equal(comparison, before)
    layout = plot.layout.layout
    assert layout["COL"].tolist() == [1, 2] * 6
    assert layout["side"].tolist() == ["forest", "logistic"] * 6
    assert [strip[2] for strip in strips[:2]] == ["Side: forest", "Side: logistic"]
    assert strips[7][1:] == [
        "Label: versicolor",
        "Side: logistic",
        "Probability: unknown",
        "Explanation fit: unknown",
    ]
    labels = [params.y.labels for params in plot.layout.panel_params]
    assert labels[7] == ["(not explained)"]
    for place in (0, 2, 4, 8, 10):
        assert labels[place] == labels[place + 1]
    weights = plot.data[plot.data["side"] == "forest"]["feature_weight"]
    assert sorted(weights) == sorted(first["feature_weight"])


def test_features_of_a_comparison_have_one_order():
    def side(weights):
        return pd.DataFrame(
            {
                "model_type": "regression",
                "case": 1,
                "model_r2": 0.5,
                "feature": list(weights),
                "feature_value": "x",
                "feature_weight": weights.values(),
                "feature_desc": [f"{name} = x" for name in weights],
                "prediction": 3.0,
            }
        )

    sides = {"may": side({"a": 0.1, "b": 0.5}), "june": side({"a": 0.9, "b": 0.2})}
    sides["july"] = sides["may"]
    plot, _ = built(plot_features(compare_explanations(sides)))
    assert plot.layout.layout["COL"].tolist() == [1, 2, 3]
    assert [params.y.labels for params in plot.layout.panel_params] == [["b = x", "a = x"]] * 3


def test_a_comparison_has_no_intercepts():
    with pytest.raises(ValueError, match="`intercept` must be False for a comparison"):
        plot_features(two_sides()[1], intercept=True)


@pytest.mark.parametrize("name", TABLES)
def test_tiles_of_a_comparison_stand_beside_each_other(name):
    explanation = explanation_of(name)
    comparison = compare_explanations({"may": explanation, "june": explanation})
    plot, strips = built(plot_explanations(comparison))
    layout = plot.layout.layout
    assert layout["COL"].tolist() == [1, 2] * (len(layout) // 2)
    assert layout["side"].tolist() == ["may", "june"] * (len(layout) // 2)
    assert len(layout) == (6 if name == "classification" else 2)
    assert strips[0] == (["setosa", "may"] if name == "classification" else ["may"])
    assert len(plot.layers[0].data) == 2 * len(explanation)
