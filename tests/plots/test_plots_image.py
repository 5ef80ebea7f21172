"""Plots of images: read back, and their pixels against what R draws."""

import copy

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE, read_reference
from PIL import Image
from plotnine import scale_fill_gradient, scale_fill_gradient2, scale_fill_manual

from pylime import (
    Bitmap,
    Superpixel,
    as_regressor,
    explain,
    lime,
    load_image_example,
    plot_image_explanation,
    plot_superpixels,
)
from pylime.plots.palette import mix
from pylime.superpixels import segment

STORED = read_reference("plot_data.json.gz")["plots"]["image"]
RASTERS = read_reference("plot_rasters.npz")
PATH = REFERENCE / "images" / STORED["image"]
PIXELS = np.asarray(Image.open(PATH).convert("RGB"))
IMAGE_PLOTS = [name for name in STORED["plots"] if name.startswith("plot_image")]


def r_explanation() -> pd.DataFrame:
    """The explanation that R drew."""
    frame = pd.DataFrame(STORED["explanation"]["values"])
    labels = segment(PIXELS).ravel()
    cells = [Superpixel(np.flatnonzero(labels == int(f)), (100, 150)) for f in frame["feature"]]
    frame["feature_value"] = pd.Series(cells, dtype=object)
    frame["data"] = pd.Series([Bitmap(PIXELS)] * len(frame), dtype=object)
    return frame


def panels(plot) -> dict[str, np.ndarray]:
    """The image of each panel, by kind and label."""
    data = plot.data
    names = data["type"].astype(str) + "_" + data["label"].astype(str)
    return {name: np.asarray(p) for name, p in zip(names, data["image"], strict=True)}


def strips(plot) -> list[str]:
    """Texts of all strips, as drawn."""
    figure = copy.deepcopy(plot).draw()
    return [text.get_text() for text in figure.findobj(lambda o: hasattr(o, "get_text"))]


@pytest.mark.parametrize("name", IMAGE_PLOTS)
def test_pixels_of_explanations_are_rs(name):
    """Exactly: no pixel of any panel differs."""
    plot = plot_image_explanation(r_explanation(), **dict(STORED["plots"][name]["args"] or {}))
    ours = panels(plot)
    expected = [panel.replace("|", "_") for panel in STORED["plots"][name]["panels"]]
    assert list(ours) == expected
    for panel in expected:
        np.testing.assert_array_equal(ours[panel], RASTERS[f"{name}__{panel}"][..., :3])


@pytest.mark.parametrize(
    "name", [name for name in STORED["plots"] if name.startswith("plot_superpixels")]
)
def test_pixels_of_superpixels_are_rs(name):
    plot = plot_superpixels(PATH, **STORED["plots"][name]["args"])
    drawn = np.asarray(plot.data["image"].iloc[0])
    np.testing.assert_array_equal(drawn, RASTERS[f"{name}__all"][..., :3])


@pytest.mark.parametrize("name", IMAGE_PLOTS)
def test_panels_and_titles_are_rs(name):
    stored = STORED["plots"][name]
    plot = plot_image_explanation(r_explanation(), **dict(stored["args"] or {}))
    built = copy.deepcopy(plot)
    figure = built.draw()
    layout = pd.DataFrame(stored["layout"])
    ours = built.layout.layout.reset_index(drop=True)
    for column in set(layout) & set(ours) - {"SCALE_X", "SCALE_Y"}:
        assert ours[column].astype(str).tolist() == layout[column].tolist()
    assert {"label", "probability", "Explanation fit"} <= set(ours)
    texts = [t.get_text() for t in figure.findobj(lambda o: hasattr(o, "get_text"))]
    for row in layout.to_dict("records"):
        strip = (
            f"Label: {row['label']}\nProbability: {row['probability']}\n"
            f"Explanation fit: {row['Explanation fit']}"
        )
        assert strip in texts
        if "type" in row:
            assert f"Type: {row['type']}" in texts


def test_the_likeliest_label_comes_first():
    explanation = load_image_example()
    turned = explanation.iloc[::-1]
    for frame in (explanation, turned):
        assert plot_image_explanation(frame).data["label"].tolist() == ["Egyptian cat", "tiger cat"]


def test_which_is_a_position_or_a_name():
    first = load_image_example()
    second = first[first["label"] == "tiger cat"].assign(case="other.png")
    both = pd.concat([first, second], ignore_index=True)
    assert len(plot_image_explanation(both).data) == 2
    for which in (1, -1, "other.png"):
        assert plot_image_explanation(both, which=which).data["label"].tolist() == ["tiger cat"]
    for which in (2, "none.png", True):
        with pytest.raises(ValueError, match=r"`which` must be .* 'chelsea.png', 'other.png'; not"):
            plot_image_explanation(both, which=which)


def test_thresholds_and_colours_are_obeyed():
    explanation = load_image_example()
    none = panels(plot_image_explanation(explanation, threshold=9))
    np.testing.assert_array_equal(none["Supports_tiger cat"], explanation["data"][0])
    hidden = panels(plot_image_explanation(explanation, threshold=9, display="block"))
    assert len(np.unique(hidden["Supports_tiger cat"])) > 9  # no plain grey: it has a text
    green = panels(plot_image_explanation(explanation, outline_col="#00ff00", fill_alpha=1))
    mask = explanation.query("label == 'tiger cat' and feature_weight > 0.02")["feature_value"]
    assert (green["Supports_tiger cat"][sum(cell.mask for cell in mask) > 0] == [0, 255, 0]).all()


def test_grey_images_and_regression_are_drawn():
    grey = np.asarray(Image.open(PATH).convert("L"))
    explainer = lime(grey, as_regressor(lambda x: x.mean((1, 2))))
    explanation = explain(grey, explainer, n_permutations=60, random_state=0)
    plot = plot_image_explanation(explanation, show_negative=True)
    assert any("Prediction: " in text for text in strips(plot))


@pytest.mark.parametrize(
    ("pixels", "options", "expected"),
    [
        (PIXELS / 255, {}, PIXELS),
        (PIXELS.astype(np.float32) / 127.5 - 1, {}, PIXELS),
        (PIXELS.astype(np.uint16) * 257, {}, PIXELS),
        (PIXELS[..., [0, 1, 2, 0]], {}, PIXELS),
        (PIXELS[..., [0, 1, 2, 0, 1, 2, 0]], {}, PIXELS),
        (PIXELS[..., :1], {"channel_axis": -1}, PIXELS[..., [0, 0, 0]]),
        (PIXELS * 4.0 - 100, {"pixel_range": (-100, 920)}, PIXELS),
        (np.moveaxis(PIXELS, 2, 0), {"channel_axis": 0}, PIXELS),
    ],
)
def test_any_numbers_and_channels_are_drawn_in_their_colours(pixels, options, expected):
    model = as_regressor(lambda x: x.reshape(len(x), -1)[:, ::7].mean(1))
    explainer = lime(pixels, model, **options)
    explanation = explain(pixels, explainer, n_permutations=60, n_superpixels=9, random_state=0)
    plot = plot_image_explanation(explanation, threshold=1e9)
    np.testing.assert_array_equal(plot.data["image"].iloc[0], expected)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_photos_are_drawn_upright_and_the_frame_is_as_stored(orientation):
    image = Image.fromarray(PIXELS)
    image.getexif()[0x0112] = orientation
    model = as_regressor(lambda batch: [float(np.asarray(one)[:50].mean()) for one in batch])
    explanation = explain(image, lime(image, model), n_permutations=60, random_state=0)
    np.testing.assert_array_equal(explanation["data"][0], PIXELS)
    assert explanation["feature_value"][0].shape == PIXELS.shape[:2]
    turned = np.rot90(PIXELS, {3: 2, 6: 3, 8: 1}[orientation])
    plot = plot_image_explanation(explanation, threshold=1e9)
    np.testing.assert_array_equal(plot.data["image"].iloc[0], turned)
    drawn = np.asarray(plot_superpixels(image, colour="none").data["image"].iloc[0])
    np.testing.assert_array_equal(drawn, turned)


def test_many_labels_are_drawn(tmp_path):
    explanation = load_image_example()
    frames = [
        explanation.iloc[:5].assign(label=f"label {k}", label_prob=0.1 - k / 100) for k in range(7)
    ]
    plot = plot_image_explanation(pd.concat(frames))
    plot.save(tmp_path / "many.png", dpi=40, verbose=False)
    assert plot.data["label"].tolist() == [f"label {k}" for k in range(7)]


def test_plots_can_be_drawn_and_saved_again(tmp_path):
    plot = plot_image_explanation(load_image_example())
    plot.draw()
    for name in ("a.png", "b.pdf"):
        plot.save(tmp_path / name, verbose=False)
        assert (tmp_path / name).stat().st_size > 1000


def test_the_explanation_is_not_changed():
    explanation = load_image_example()
    before = explanation.copy()
    plot_image_explanation(explanation, show_negative=True)
    pd.testing.assert_frame_equal(explanation, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"display": "mosaic"},
            "`display` must be one of 'outline', 'block', 'heatmap'; not 'mosaic'",
        ),
        ({"fill_alpha": 2}, "`fill_alpha` must be a number from 0 to 1; not 2"),
        ({"threshold": -1}, "`threshold` must be a number from 0; not -1"),
        ({"outline_col": ("blue", "bleu")}, "`outline_col` must be a colour"),
        ({"fill_alpha": "half"}, "`fill_alpha` must be a number from 0 to 1; not 'half'"),
        ({"outline_col": ()}, "`outline_col` must be a colour"),
        ({"block_col": "greyish"}, "`block_col` must be a colour"),
    ],
)
def test_wrong_arguments_say_argument_rule_and_value(options, message):
    with pytest.raises(ValueError, match=message):
        plot_image_explanation(load_image_example(), **options)


def test_only_explanations_of_images_are_drawn():
    with pytest.raises(TypeError, match="data frame from explain"):
        plot_image_explanation([1, 2])
    with pytest.raises(ValueError, match="must be one of images"):
        plot_image_explanation(load_image_example().assign(data="a text"))
    with pytest.raises(ValueError, match="`weight` must be a positive number"):
        plot_superpixels(PATH, weight=-1)
    with pytest.raises(ValueError, match="`path` must be one image; not 2"):
        plot_superpixels([PATH, PATH])
    with pytest.raises(TypeError, match="`x` must be images"):
        plot_superpixels(None)


def test_images_of_different_sizes_are_not_mixed():
    example = load_image_example()
    with pytest.raises(ValueError, match="images of different sizes"):
        plot_image_explanation(pd.concat([example, r_explanation().assign(case="chelsea.png")]))


def test_names_of_cases_come_before_positions():
    example = load_image_example().assign(case=2)
    both = pd.concat([example.assign(case=1, label="one"), example], ignore_index=True)
    assert set(plot_image_explanation(both, which=1).data["label"]) == {"one"}
    assert len(plot_image_explanation(both, which=0).data) == 1


def test_transparent_images_are_drawn_on_white():
    pixels = np.zeros((100, 150, 4), np.uint8)
    pixels[:, 75:] = (200, 100, 0, 255)
    image = Image.fromarray(pixels)
    drawn = np.asarray(plot_superpixels(image, 6, colour="none").data["image"].iloc[0])
    assert drawn[25, 10].tolist() == [255, 255, 255]
    assert drawn[25, 100].tolist() == [200, 100, 0]


# Four superpixels in columns, of 10, 20, 30 and 40 % of an image.
COLUMNS_OF = {"a": (0, 15), "b": (15, 45), "c": (45, 90), "d": (90, 150)}
WEIGHTS = {"a": 0.1, "b": 0.4, "c": -0.3, "d": 0.2}
STEELBLUE, FIREBRICK = [70, 130, 180], [178, 34, 34]


def columns_explained(
    weights=WEIGHTS, label="yes", probability=0.8, pixels=PIXELS, columns=COLUMNS_OF, **further
) -> pd.DataFrame:
    """An explanation whose superpixels are columns of an image."""
    numbers = np.arange(pixels.shape[0] * pixels.shape[1]).reshape(pixels.shape[:2])
    cells = [
        Superpixel(numbers[:, slice(*columns[name])].ravel(), numbers.shape) for name in weights
    ]
    image = Bitmap(pixels)
    frame = pd.DataFrame(
        {
            "model_type": "classification",
            "case": "columns",
            "label": label,
            "label_prob": probability,
            "model_r2": 0.5,
            "model_intercept": 0.1,
            "model_prediction": 0.7,
            "feature": list(weights),
            "feature_value": pd.Series(cells, dtype=object),
            "feature_weight": list(weights.values()),
            "feature_desc": list(weights),
            "data": pd.Series([image] * len(weights), dtype=object),
            "prediction": pd.Series([{label: probability}] * len(weights), dtype=object),
        }
    )
    return frame.assign(**further)


def tinted(plot, panel=0) -> str:
    """Which columns of the image of a panel differ from the photo."""
    drawn = np.asarray(plot.data["image"].iloc[panel])
    differs = (drawn != PIXELS).any(axis=(0, 2))
    return "".join(name for name, (start, end) in COLUMNS_OF.items() if differs[start:end].any())


def fill_limits(plot) -> tuple[float, float]:
    return plot.scales.get_scales("fill").limits


def test_a_heatmap_has_the_colours_of_its_weights():
    plot = plot_image_explanation(columns_explained(), display="heatmap", fill_alpha=1)
    drawn = np.asarray(plot.data["image"].iloc[0])
    assert drawn[50, 30].tolist() == STEELBLUE  # 0.4, the largest
    for column, share in ((7, 0.625), (60, 0.125), (120, 0.75)):  # of the way from -0.4 to 0.4
        assert drawn[50, column].tolist() == to_bytes(
            mix(["firebrick", "#F7F7F7", "steelblue"], [share])[0]
        )
    assert fill_limits(plot) == (-0.4, 0.4)
    assert strips(plot)[0] is not None


def to_bytes(code: str) -> list[int]:
    return list(bytes.fromhex(code[1:]))


def test_a_colour_means_the_same_weight_in_all_panels_of_a_heatmap():
    both = pd.concat(
        [
            columns_explained(),
            columns_explained({"a": -0.8, "b": 0.4}, label="no", probability=0.2),
        ]
    )
    plot = plot_image_explanation(both, display="heatmap", fill_alpha=1)
    yes, no = (np.asarray(image) for image in plot.data["image"])
    assert fill_limits(plot) == (-0.8, 0.8)
    assert no[50, 7].tolist() == FIREBRICK
    np.testing.assert_array_equal(yes[:, 15:45], no[:, 15:45])
    texts = strips(plot)
    for text in ("-0.8", "-0.4", "0.0", "0.4", "0.8"):
        assert text in texts


def test_what_a_heatmap_does_not_show_is_grey():
    plot = plot_image_explanation(columns_explained({"a": 0.4}), display="heatmap")
    drawn = np.asarray(plot.data["image"].iloc[0])[:, 15:]
    assert (drawn == drawn[..., :1]).all()
    assert drawn.min() >= 150
    lightness = PIXELS[:, 15:] @ [0.299, 0.587, 0.114]
    assert np.corrcoef(drawn[..., 0].ravel(), lightness.ravel())[0, 1] > 0.999


def test_uncertain_superpixels_of_a_heatmap_are_striped():
    frame = columns_explained({"a": 0.4, "b": 0.4}, feature_lo=[0.1, -0.1], feature_hi=0.9)
    plot = plot_image_explanation(frame, display="heatmap", fill_alpha=1)
    drawn = np.asarray(plot.data["image"].iloc[0])
    share = (drawn == STEELBLUE).all(axis=2)
    assert share[:, :15].all()
    assert 0.4 < share[:, 15:45].mean() < 0.6
    assert any(text.startswith("Striped: possibly no effect") for text in strips(plot))


@pytest.mark.parametrize("display", ["outline", "block"])
def test_combined_panels_have_both_signs_in_their_colours(display):
    options = {"display": display, "threshold": 0, "fill_alpha": 0.5}
    plot = plot_image_explanation(columns_explained(), combine=True, **options)
    assert len(plot.data) == 1
    drawn = np.asarray(plot.data["image"].iloc[0])
    apart = panels(plot_image_explanation(columns_explained(), show_negative=True, **options))
    outlines = panels(
        plot_image_explanation(
            columns_explained(), show_negative=True, **{**options, "display": "outline"}
        )
    )
    contradicts = np.zeros(150, dtype=bool)
    contradicts[slice(*COLUMNS_OF["c"])] = True
    source = apart if display == "outline" else outlines
    np.testing.assert_array_equal(drawn[:, contradicts], source["Contradicts_yes"][:, contradicts])
    np.testing.assert_array_equal(drawn[:, ~contradicts], source["Supports_yes"][:, ~contradicts])
    assert {"Supports", "Contradicts"} <= set(strips(plot))


def test_combined_blocks_hide_what_has_no_weight():
    plot = plot_image_explanation(
        columns_explained({"a": 0.4, "c": -0.3}), display="block", combine=True
    )
    drawn = np.asarray(plot.data["image"].iloc[0])
    assert (drawn[:, 15:45] == 190).all()
    assert (drawn[:, 90:] == 190).all()
    assert drawn[:, 5:10, 2].mean() > PIXELS[:, 5:10, 2].mean() + 20  # bluer
    assert drawn[:, 50:80, 0].mean() > PIXELS[:, 50:80, 0].mean() + 20  # redder


def test_combined_blocks_have_stripes_in_the_colour_of_the_sign():
    frame = columns_explained({"a": 0.4, "c": -0.3}, feature_lo=-1.0, feature_hi=1.0)
    plot = plot_image_explanation(frame, display="block", combine=True, fill_alpha=1)
    drawn = np.asarray(plot.data["image"].iloc[0])[:, :15]
    hidden = (drawn == 190).all(axis=2)
    assert 0.4 < hidden.mean() < 0.6
    # Between the stripes, a quarter of the grey over pure blue.
    assert (drawn[~hidden] == np.rint(0.25 * 190 + 0.75 * np.array([0, 0, 255]))).all()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "abd"),
        ({"combine": True}, "abcd"),
        ({"threshold": 0.15}, "bd"),
        ({"max_features": 1}, "b"),
        ({"max_features": 2}, "bd"),  # c contradicts, which is not shown
        ({"max_features": 2, "combine": True}, "bc"),
        ({"max_features": 9, "combine": True}, "abcd"),
        ({"coverage": 0.05}, "b"),  # the first is shown in any case
        ({"coverage": 0.2}, "b"),
        ({"coverage": 0.59}, "b"),  # d would exceed it; a, which would not, is weaker
        ({"coverage": 0.6}, "bd"),
        ({"coverage": 1}, "abd"),
        ({"coverage": 0.49, "combine": True}, "b"),
        ({"coverage": 0.5, "combine": True}, "bc"),
        ({"coverage": 0.9, "combine": True}, "bcd"),
        ({"coverage": 0.9, "max_features": 2, "combine": True}, "bc"),
        ({"coverage": 0.9, "threshold": 0.25, "combine": True}, "bc"),
    ],
)
def test_the_strongest_superpixels_are_shown(options, expected):
    assert tinted(plot_image_explanation(columns_explained(), **options)) == expected


def test_both_rows_share_the_strongest_superpixels():
    options = {"show_negative": True, "max_features": 2}
    plot = plot_image_explanation(columns_explained(), **options)
    assert [tinted(plot, panel) for panel in (0, 1)] == ["b", "c"]


@pytest.mark.parametrize(
    "options", [{"coverage": 1}, {"max_features": 4}, {"display": "heatmap"}, {"threshold": 0}]
)
def test_small_weights_are_shown_where_the_threshold_is_not_the_rule(options):
    small = {name: weight / 1000 for name, weight in WEIGHTS.items()}
    plot = plot_image_explanation(columns_explained(small), **options)
    assert not any("No superpixel" in text for text in strips(plot))
    plot = plot_image_explanation(columns_explained(small), **{**options, "threshold": 0.02})
    assert any("No superpixel" in text for text in strips(plot))


def test_a_weight_of_0_contradicts_nothing():
    frame = columns_explained({"a": 0.0, "b": 0.4})
    plot = plot_image_explanation(frame, threshold=0, show_negative=True)
    assert tinted(plot, 1) == ""
    assert "No superpixel has a negative weight" in " ".join(strips(plot))


@pytest.mark.parametrize(
    ("weights", "options", "messages"),
    [
        ({"a": 0.01}, {}, ["No superpixel has a weight above 0.02"]),
        ({"a": -0.5}, {}, ["No superpixel has a positive weight"]),
        ({"a": 0.5}, {"show_negative": True}, ["No superpixel has a negative weight"]),
        (
            {"a": 0.01, "b": -0.01},
            {"show_negative": True},
            ["No superpixel has a weight above 0.02", "No superpixel has a weight below -0.02"],
        ),
        (
            {"a": 0.01, "b": -0.01},
            {"combine": True},
            ["No superpixel has an absolute weight above 0.02"],
        ),
        ({"a": 0.0}, {"combine": True}, ["No superpixel has a weight other than 0"]),
        ({"a": 0.0}, {"display": "heatmap"}, ["No superpixel has a weight other than 0"]),
        (
            {"a": 0.2, "b": -0.1},
            {"show_negative": True, "max_features": 1},
            ["The strongest superpixel does not have a negative weight"],
        ),
        (
            {"a": 0.2, "b": -0.1, "c": 0.3},
            {"show_negative": True, "max_features": 2},
            ["None of the 2 strongest superpixels has a negative weight"],
        ),
    ],
)
@pytest.mark.parametrize("display", ["outline", "block"])
def test_empty_panels_say_so(weights, options, messages, display):
    plot = plot_image_explanation(columns_explained(weights), **{"display": display, **options})
    texts = [text.replace("\n", " ") for text in strips(plot)]
    found = [text for text in texts if "superpixel" in text and "empty" not in text]
    assert found == messages
    for image, message in zip(plot.data["image"], plot.data["message"], strict=True):
        assert not message or len(np.unique(image)) > 50  # not a plain block


@pytest.mark.parametrize(
    ("weight", "threshold"),
    [(0.0134, "0.01"), (0.01, "0.005"), (1.3e-7, "1e-07"), (0.0199, "0.01")],
)
def test_the_caption_has_a_threshold_that_shows_something(weight, threshold):
    frame = columns_explained({"a": weight, "b": -weight / 2})
    plot = plot_image_explanation(frame, show_negative=True)
    caption = " ".join(plot.labels.caption.split())
    assert caption.endswith(f"threshold={threshold} shows it.")
    assert f"in the empty panels is {weight:g}:" in caption
    plot = plot_image_explanation(frame, threshold=float(threshold))
    assert tinted(plot) == "a"


def test_there_is_no_cure_without_a_weight_of_that_sign():
    plot = plot_image_explanation(columns_explained({"a": 0.5}), show_negative=True)
    assert plot.labels.caption is None


def test_palettes_replace_the_colours():
    options = {"fill_alpha": 1, "combine": True, "threshold": 0}
    drawn = np.asarray(
        plot_image_explanation(columns_explained(), palette=("#00ff00", "orange"), **options)
        .data["image"]
        .iloc[0]
    )
    assert (drawn[:, :45] == [0, 255, 0]).all()
    assert (drawn[:, 45:90] == [255, 165, 0]).all()
    plot = plot_image_explanation(
        columns_explained(), display="heatmap", fill_alpha=1, palette=["#00ff00", "#ff0000"]
    )
    assert np.asarray(plot.data["image"].iloc[0])[50, 30].tolist() == [0, 255, 0]


def test_heatmaps_take_a_scale():
    scale = scale_fill_gradient2(low="#ff0000", mid="#ffffff", high="#0000ff", limits=(-1, 1))
    for palette, at in ((scale, 0.4), (scale_fill_gradient(low="#000000", high="#ffffff"), 1)):
        plot = plot_image_explanation(
            columns_explained(), display="heatmap", fill_alpha=1, palette=palette
        )
        drawn = np.asarray(plot.data["image"].iloc[0])[50, 30]
        expected = [255 - 255 * at, 255 - 255 * at, 255] if at < 1 else [255, 255, 255]
        np.testing.assert_allclose(drawn, expected, atol=1)
        assert plot.draw() is not None
    assert scale.limits == (-1, 1)
    assert scale.name is None  # the user's scale is as it was


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"coverage": 0}, ValueError, "`coverage` must be a share of the image, above 0 .* not 0"),
        ({"coverage": 5}, ValueError, "`coverage` must be a share of the image, .* not 5"),
        ({"coverage": "5%"}, ValueError, "`coverage` must be a share of the image, .* not '5%'"),
        ({"coverage": True}, ValueError, "`coverage` must be a share of the image, .* not True"),
        ({"max_features": 0}, ValueError, "`max_features` must be a positive whole number; not 0"),
        ({"max_features": 1.5}, TypeError, "`max_features` must be a positive whole number"),
        ({"combine": "yes"}, TypeError, "`combine` must be True or False; not 'yes'"),
        ({"show_negative": 1}, TypeError, "`show_negative` must be True or False; not 1"),
        ({"threshold": "a"}, ValueError, "`threshold` must be a number from 0; not 'a'"),
        ({"threshold": True}, ValueError, "`threshold` must be a number from 0; not True"),
        ({"palette": ("red",)}, ValueError, "`palette` must be 2 colours.* not 1 colour"),
        ({"palette": "red"}, TypeError, "`palette` must be 2 colours, for supports and contra"),
        ({"palette": ("red", "rot")}, ValueError, "`palette` must be 2 colours.*'rot' is not a"),
        ({"palette": scale_fill_gradient2()}, TypeError, "`palette` must be 2 colours, for supp"),
        (
            {"display": "heatmap", "palette": scale_fill_manual(["red", "blue"])},
            ValueError,
            "`palette` of a heatmap must be two colours or a continuous scale, such as",
        ),
        (
            {"combine": True, "outline_col": "blue"},
            ValueError,
            "`outline_col` must be two different colours with `combine=True`, .* not 'blue'",
        ),
        (
            {"combine": True, "palette": ("blue", "#0000ff")},
            ValueError,
            "`palette` must be two different colours with `combine=True`",
        ),
    ],
)
def test_wrong_new_arguments_say_argument_rule_and_value(options, error, message):
    with pytest.raises(error, match=message):
        plot_image_explanation(load_image_example(), **options)


def test_regressions_have_all_displays():
    frame = columns_explained().drop(columns=["label", "label_prob"])
    frame = frame.assign(model_type="regression", prediction=3.5)
    for options in ({"display": "heatmap"}, {"combine": True}, {"coverage": 0.3}):
        plot = plot_image_explanation(frame, **options)
        assert len(plot.data) == 1
        assert "Prediction: 3.5\nExplanation fit: 0.5" in strips(plot)


# Sizes


def border_width(drawn: np.ndarray, row: int, colour=(0, 0, 255)) -> int:
    """The number of pixels of a colour along a row, from the first one."""
    is_border = (drawn[row] == colour).all(axis=1)
    first = int(is_border.argmax())
    return int((~is_border[first:]).argmax())


def of_size(height: int, width: int, **further) -> pd.DataFrame:
    """A grey image whose middle third supports a label."""
    pixels = np.full((height, width, 3), 200, np.uint8)
    columns = {"a": (width // 3, 2 * width // 3)}
    return columns_explained({"a": 0.5}, pixels=pixels, columns=columns, **further)


@pytest.mark.parametrize("side", [100, 400, 1000])
def test_images_of_usual_sizes_have_borders_of_a_pixel_as_in_r(side):
    drawn = np.asarray(plot_image_explanation(of_size(side, side)).data["image"].iloc[0])
    assert drawn.shape == (side, side, 3)
    assert border_width(drawn, side // 2) == 1


@pytest.mark.parametrize("side", [9, 28, 64, 99])
def test_small_images_are_magnified_and_their_borders_stay_thin(side):
    drawn = np.asarray(plot_image_explanation(of_size(side, side)).data["image"].iloc[0])
    times = drawn.shape[0] / side
    assert times == drawn.shape[0] // side
    assert 200 <= drawn.shape[0] < 400
    assert border_width(drawn, drawn.shape[0] // 2) == 1
    inside = drawn[:, int(times * (side // 3)) + 1 : int(times * (2 * side // 3)) - 1]
    assert (inside == inside[0, 0]).all()


@pytest.mark.parametrize("shape", [(1500, 2000), (2000, 1500), (1001, 1001)])
def test_large_images_are_reduced_and_their_borders_can_be_seen(shape):
    drawn = np.asarray(plot_image_explanation(of_size(*shape)).data["image"].iloc[0])
    assert drawn.shape[0] / drawn.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.01)
    side = (drawn.shape[0] * drawn.shape[1]) ** 0.5
    assert side <= 300 * 24**0.5 + 1  # 300 dots per inch of 24 square inches
    assert border_width(drawn, drawn.shape[0] // 2) == round(side / 400) >= 2
    tinted = (drawn != 200).any(axis=2)
    assert tinted.mean() == pytest.approx(1 / 3, abs=0.01)


def test_large_images_of_many_labels_take_the_pixels_that_their_panels_show():
    one = of_size(1500, 2000)
    many = [one.assign(label=f"label {k}", label_prob=0.5 - k / 100) for k in range(20)]
    plot = plot_image_explanation(pd.concat(many), show_negative=True)
    pixels = [np.asarray(image).size for image in plot.data["image"]]
    assert len(pixels) == 40
    assert max(pixels) < 3 * 800 * 600


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (6, 3), (8, 1)])
@pytest.mark.parametrize("shape", [(20, 30), (1200, 1800)])
def test_images_of_any_size_are_drawn_upright(shape, orientation, turns):
    pixels = np.zeros((*shape, 3), np.uint8)
    pixels[: shape[0] // 2, : shape[1] // 2] = 255  # white at the top left
    frame = columns_explained({"a": 0.5}, pixels=pixels, columns={"a": (0, 1)})
    bitmap = Bitmap(pixels, orientation)
    frame["data"] = pd.Series([bitmap] * len(frame), dtype=object)
    drawn = np.asarray(plot_image_explanation(frame, threshold=9).data["image"].iloc[0])
    stored = np.rot90(drawn, -turns)
    assert stored.shape[1] / stored.shape[0] == pytest.approx(1.5, rel=0.01)
    assert stored[5, 5].tolist() == [255, 255, 255]
    assert stored[5, -5].tolist() == stored[-5, 5].tolist() == [0, 0, 0]


def test_superpixels_of_small_and_large_images_have_borders_that_can_be_seen():
    for pixels, n_borders in ((PIXELS[:28, :28], 1), (np.kron(PIXELS, np.ones((14, 14, 1))), 2)):
        halves = np.ones(pixels.shape[:2], dtype=int)
        halves[:, pixels.shape[1] // 2 :] = 2
        plot = plot_superpixels(
            pixels.astype(np.uint8), colour=(1, 2, 3), segmentation=lambda _, h=halves: h
        )
        drawn = np.asarray(plot.data["image"].iloc[0])
        share = (drawn == (1, 2, 3)).all(axis=2)[drawn.shape[0] // 2].sum()
        assert n_borders <= share <= n_borders + 2
        assert share / drawn.shape[1] > 1 / 600  # an outline of a pixel in 451 of R's cat


def test_grey_images_of_one_channel_and_28_pixels_have_all_displays(tmp_path):
    grey = np.zeros((28, 28, 1), np.uint8)
    grey[8:20, 8:20] = 250
    frame = columns_explained(
        {"a": 0.5, "b": -0.2}, pixels=grey, columns={"a": (0, 10), "b": (10, 28)}
    )
    for display in ("outline", "block", "heatmap"):
        plot = plot_image_explanation(frame, display=display, show_negative=True)
        plot.save(tmp_path / f"{display}.png", dpi=40, verbose=False)
