"""Superpixels against R's label maps, pixel for pixel."""

import numpy as np
import pytest
import skimage.data
from conftest import REFERENCE, read_reference
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pylime import as_classifier, explain, lime, plot_superpixels, slic
from pylime.image.superpixels import (
    _connect,
    _first_centres,
    bounding_box,
    lab_bytes,
    pixels_of,
    segment,
)

IMAGES = read_reference("images.json.gz")["images"]
LABELS = read_reference("slic_labels.npz")
LAB = read_reference("lab_channels.npz")
SETTINGS = {
    name: (image, setting)
    for image, entry in IMAGES.items()
    for name, setting in (entry.get("settings") or {image: entry}).items()
}


def read_rgb(name: str) -> np.ndarray:
    path = REFERENCE / "images" / f"{name}.png"
    if path.exists():
        return np.array(Image.open(path).convert("RGB"))
    return getattr(skimage.data, name)()


def label_map(name: str) -> np.ndarray:
    image, setting = SETTINGS[name]
    options = setting["n_superpixels"], setting["weight"], setting["n_iter"]
    if f"{image}__lab" in LAB and image.startswith("synthetic"):
        return slic(*np.moveaxis(LAB[f"{image}__lab"], 2, 0), *options) + 1
    return segment(read_rgb(image), *options)


@pytest.mark.parametrize("name", [name for name in LAB if "synthetic" not in name])
def test_colours_are_imagemagicks_bytes(name):
    image = name.removesuffix("__lab")
    rgb = read_rgb("chart_64x64" if image == "chart" else image)
    np.testing.assert_array_equal(lab_bytes(rgb), LAB[name])


@pytest.mark.parametrize("name", SETTINGS)
def test_label_maps_are_rs_from_the_colours_on(name):
    np.testing.assert_array_equal(label_map(name), LABELS[name])


@pytest.mark.parametrize("name", ["chelsea_64x43", "chart"])
def test_colours_of_large_images_are_the_same(monkeypatch, name):
    """They come from a table of all colours."""
    rgb = read_rgb("chart_64x64" if name == "chart" else name)
    expected = lab_bytes(rgb)
    monkeypatch.setattr("pylime.image.superpixels._MANY_PIXELS", 1)
    np.testing.assert_array_equal(lab_bytes(rgb), expected)


@pytest.mark.parametrize("n_pixels", [1, 500])
def test_tiles_do_not_change_superpixels(monkeypatch, n_pixels):
    expected = segment(read_rgb("chelsea_64x43"))
    monkeypatch.setattr("pylime.image.superpixels._TILE_PIXELS", n_pixels)
    np.testing.assert_array_equal(segment(read_rgb("chelsea_64x43")), expected)


@pytest.mark.parametrize("weight", [1e-12, 1e-3, 20, 1e3, 1e12])
def test_distances_that_24_bits_do_not_tell_apart_are_rs(weight):
    """Every distance is computed as R does, one pixel and centre after another."""
    rgb = np.random.default_rng(1).integers(0, 3, (17, 23, 3), dtype=np.uint8) * 90
    L, a, b = np.moveaxis(lab_bytes(rgb), 2, 0)  # noqa: N806
    owner, n_centres = naive_slic(L, a, b, 9, weight, 3)
    expected = _connect(owner, owner.size // n_centres)
    np.testing.assert_array_equal(slic(L, a, b, 9, weight, 3), expected)


def naive_slic(L, a, b, n, weight, n_iter):  # noqa: N803
    lab = np.stack([L, a, b])
    height, width = L.shape
    step = np.sqrt(L.size / n)
    centres = _first_centres(lab, step)
    owner = np.full(L.shape, -1)
    for _ in range(n_iter):
        nearest = np.full(L.shape, np.inf)
        for number, (*colour, cx, cy) in enumerate(centres):
            for y in range(max(int(cy - step), 0), min(int(np.ceil(cy + step)), height)):
                for x in range(max(int(cx - step), 0), min(int(np.ceil(cx + step)), width)):
                    c = np.sqrt(
                        sum(int(m - v) ** 2 for m, v in zip(colour, lab[:, y, x], strict=True))
                    )
                    s = np.sqrt(int(cy - y) ** 2 + int(cx - x) ** 2)
                    distance = np.sqrt((c / weight) ** 2 + (s / step) ** 2)
                    if distance < nearest[y, x]:
                        nearest[y, x], owner[y, x] = distance, number
        for number in range(len(centres)):
            y, x = np.nonzero(owner == number)
            if len(y):
                centres[number] = [*lab[:, y, x].mean(axis=1), x.mean(), y.mean()]
            else:
                centres[number] = np.nan
    return owner, len(centres)


@pytest.mark.parametrize("name", [name for name in SETTINGS if "synthetic" not in name])
def test_bounding_boxes_and_sizes_are_rs(name):
    labels, setting = label_map(name), SETTINGS[name][1]
    boxes = [bounding_box(pixels, labels.shape[1]) for pixels in pixels_of(labels)]
    assert boxes == setting["describe_superpixel"]
    assert [len(pixels) for pixels in pixels_of(labels)] == setting["n_pixels"]


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    n=st.integers(1, 900),
    weight=st.floats(0.1, 100),
    seed=st.integers(0, 1000),
)
def test_every_pixel_belongs_to_one_connected_numbered_superpixel(height, width, n, weight, seed):
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    try:
        labels = segment(rgb, n, weight, 3)
    except ValueError as error:
        assert "superpixels" in str(error)  # noqa: PT017 - both outcomes are right
        return
    assert labels.shape == (height, width)
    assert set(np.unique(labels)) == set(range(1, labels.max() + 1))


def test_the_users_arrays_are_not_changed():
    rgb = read_rgb("chelsea_64x43")
    before = rgb.copy()
    rgb.flags.writeable = False
    segment(rgb)
    np.testing.assert_array_equal(rgb, before)


@pytest.mark.parametrize(
    ("rgb", "message"),
    [
        (np.zeros((4, 4), np.uint8), r"must be a \(H, W, 3\) array of uint8"),
        (np.zeros((4, 4, 3)), "not .* of float64"),
    ],
)
def test_other_arrays_are_refused(rgb, message):
    with pytest.raises(ValueError, match=message):
        lab_bytes(rgb)


def test_more_superpixels_than_pixels_are_refused():
    with pytest.raises(ValueError, match="must not exceed the number of pixels; not 50"):
        segment(np.zeros((5, 5, 3), np.uint8), 50)


def test_an_image_that_no_centre_fits_into_is_refused():
    with pytest.raises(ValueError, match="No superpixels are left"):
        segment(np.zeros((10, 100, 3), np.uint8), 1)


def test_channels_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="must be uint8 arrays of one shape"):
        slic(*(np.zeros((5, width), np.uint8) for width in (5, 5, 4)))
    with pytest.raises(ValueError, match="must be uint8 arrays"):
        slic(*np.zeros((3, 5, 5)))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ((0, 20, 10), ValueError, "`n_superpixels` must be a positive whole number; not 0"),
        ((4, 0, 10), ValueError, "`weight` must be a positive number; not 0"),
        ((4, float("inf"), 10), ValueError, "`weight` must be a positive number; not inf"),
        ((4, 20, 0.5), TypeError, "`n_iter` must be a positive whole number; not 0.5"),
    ],
)
def test_wrong_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        slic(*np.zeros((3, 20, 20), np.uint8), *options)


def test_a_segmentation_of_ones_own_is_explained_and_drawn():
    image = skimage.data.chelsea()[:60, :90]

    def thirds(rgb):
        assert rgb.dtype == np.uint8
        return np.broadcast_to(np.arange(rgb.shape[1]) // 30 * 10.0, rgb.shape[:2])

    def model(images):
        return images[:, :, 30:60].mean(axis=(1, 2, 3)) / 255

    explainer = lime(image, as_classifier(model, ["dark", "bright"]))
    explanation = explain(
        image, explainer, labels="bright", segmentation=thirds, background="black", random_state=1
    )
    strongest = explanation.set_index("feature")["feature_weight"].idxmax()
    assert strongest == "2"
    assert sorted(explanation["feature"]) == ["1", "2", "3"]
    sizes = [len(part.indices) for part in explanation["feature_value"]]
    assert sizes == [1800] * 3
    plot_superpixels(image, segmentation=thirds).draw()
    with pytest.raises(ValueError, match=r"number for each pixel, shape \(60, 90\)"):
        explain(image, explainer, segmentation=lambda rgb: rgb)
    with pytest.raises(TypeError, match="`segmentation` must be a function"):
        explain(image, explainer, segmentation=50)
