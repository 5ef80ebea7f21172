"""Plots of images: read back, and their pixels against what R draws."""

import copy

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE, read_reference
from PIL import Image

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
        ({"display": "mosaic"}, "`display` must be one of 'outline', 'block', 'heatmap'; not 'mosaic'"),
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
