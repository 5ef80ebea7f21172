"""Ready segments and masks, what stands behind removed superpixels, and regions to stay within."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
from pandas.testing import assert_frame_equal
from PIL import Image, ImageOps
from skimage.io import imsave
from skimage.segmentation import slic as scikit_slic

from pylime import (
    Bitmap,
    CaseError,
    CaseWarning,
    Superpixel,
    as_classifier,
    as_regressor,
    explain,
    explain_batches,
    explain_to_parquet,
    lime,
    plot_image_explanation,
    plot_superpixels,
    quality,
    read_explanation,
    write_explanation,
)
from pylime.image.backgrounds import on_background
from pylime.image.pixels import read_original
from pylime.image.png import ORIENTATION
from pylime.image.segments import segment_region
from pylime.shades import turned_back, upright
from pylime.superpixels import segment

CAT = skimage.data.chelsea()[60:180, 100:280]  # (120, 180, 3)
SHAPE = CAT.shape[:2]
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]
FAST = {"n_permutations": 60, "random_state": 1, "n_features": 50}
quarters = ROWS // 60 * 2 + COLUMNS // 90  # 0 to 3
WORTH = np.array([3.0, -2.0, 0.0, 1.0])


def disc(row: int, column: int, radius: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 < radius**2


def worth_of(segments: np.ndarray, worth: np.ndarray, background=0):
    """A linear model: the worth of each segment that does not have the background's colour."""

    def model(images):
        seen = [(np.asarray(image) != background).any(axis=-1) for image in images]
        counts = np.maximum(np.bincount(segments.ravel()), 1)
        shares = [np.bincount(segments.ravel(), each.ravel()) / counts for each in seen]
        return np.array(shares) @ worth

    return model


def brightness(images):
    return np.array([np.asarray(image, dtype=float).mean() / 255 for image in images])


def contrast(images):
    """Unlike the brightness, it changes where parts of an image get their mean."""
    return np.array([np.square(np.asarray(image, dtype=float) / 255).mean() for image in images])


def explained(image, model=brightness, **options):
    explainer = lime(image, as_regressor(model))
    return explain(image, explainer, **{**FAST, "penalty": 0, **options})


def masks_of(explanation: pd.DataFrame) -> dict[str, np.ndarray]:
    cells = explanation[["feature", "feature_value"]].itertuples(index=False)
    return {feature: cell.mask for feature, cell in cells}


def weights_of(explanation: pd.DataFrame) -> dict[str, float]:
    return dict(explanation[["feature", "feature_weight"]].itertuples(index=False))


# Segments that the user has


@pytest.mark.parametrize(
    "segments",
    [
        quarters,
        quarters.astype(np.uint8),
        quarters * 7 - 3,  # negative, with gaps
        quarters[None],
        [quarters],
        {0: quarters},
        [quarters == number for number in range(4)],
        np.stack([quarters == number for number in range(4)]),
        [[quarters == number for number in range(4)]],
        [{"segmentation": quarters == number, "area": 5400} for number in range(4)],
        {0: [{"segmentation": quarters == number} for number in range(3)]},  # the rest is the 4th
        [Image.fromarray(quarters.astype(np.uint8))],
        lambda rgb: quarters,
    ],
)
def test_segments_in_all_forms_have_their_own_weights(segments):
    """A model that adds what the visible segments are worth has these as its weights."""
    explanation = explained(
        CAT, worth_of(quarters, WORTH), segmentation=segments, background="black"
    )
    for feature, mask in masks_of(explanation).items():
        np.testing.assert_array_equal(mask, quarters == int(feature) - 1)
    found = weights_of(explanation)
    assert [found[str(number)] for number in range(1, 5)] == pytest.approx(WORTH, abs=1e-2)
    assert explanation["model_r2"][0] == pytest.approx(1, abs=1e-3)


def test_a_mask_of_bool_makes_two_segments():
    middle = disc(60, 90, 40)
    found = masks_of(explained(CAT, segmentation=middle))
    np.testing.assert_array_equal(found["2"], middle)
    np.testing.assert_array_equal(found["1"], ~middle)


def test_segments_of_scikit_image_begin_with_0():
    segments = scikit_slic(CAT, n_segments=12, start_label=0)
    explanation = explained(CAT, segmentation=segments)
    for feature, mask in masks_of(explanation).items():
        np.testing.assert_array_equal(mask, segments == int(feature) - 1)
    assert len(explanation) == segments.max() + 1


def test_smaller_masks_lie_on_larger_ones_and_the_rest_is_one_more():
    """As in a picture of all masks: no pixel belongs to two features, and none to no feature."""
    large, small, apart = disc(60, 90, 50), disc(60, 90, 20), disc(20, 20, 15)
    given = [small, large, apart, disc(60, 90, 49) & ~disc(60, 90, 5)]
    found = masks_of(explained(CAT, segmentation=given))
    ring = given[3] & ~small
    expected = [small, large & ~ring & ~small, apart, ring, ~(large | apart)]
    for number, mask in enumerate(expected, start=1):
        np.testing.assert_array_equal(found[str(number)], mask)
    assert sum(mask.sum() for mask in found.values()) == CAT[..., 0].size


def test_covered_masks_are_left_out():
    half = COLUMNS < 90
    found = masks_of(explained(CAT, segmentation=[half, half & (ROWS < 60), half & (ROWS >= 60)]))
    assert len(found) == 3
    twice = masks_of(explained(CAT, segmentation=[half, half]))
    np.testing.assert_array_equal(twice["1"], half)
    assert len(twice) == 2


def test_overlapping_masks_have_the_weights_of_what_is_seen_of_them():
    given = [disc(60, 90, 50), disc(60, 90, 20)]
    parts = np.where(given[1], 1, np.where(given[0], 0, 2))
    model = worth_of(parts, np.array([1.0, 5.0, -1.0]))
    found = weights_of(explained(CAT, model, segmentation=given, background="black"))
    assert [found[name] for name in "123"] == pytest.approx([1, 5, -1], abs=1e-2)


@pytest.mark.parametrize(
    ("segments", "error", "message"),
    [
        (quarters / 4, TypeError, r"float64 and shape \(120, 180\). Pass segments.astype\(int\)"),
        ([quarters == 0, quarters / 4], TypeError, r"`segmentation\[1\]` .* mask > 0.5"),
        (quarters[:-1], CaseError, r"shape \(H, W\) of the image, \(120, 180\); not \(119, 180\)"),
        (quarters.T, CaseError, r"not \(180, 120\). It is transposed, so pass segmentation.T"),
        ([quarters.T == 0], CaseError, "It is transposed"),
        (np.zeros(SHAPE, int), CaseError, "a single superpixel.*Divide the image into two"),
        (np.ones(SHAPE, bool), CaseError, "a single superpixel"),
        ([np.ones(SHAPE, bool)], CaseError, "a single superpixel"),
        (np.zeros(SHAPE, bool), ValueError, "false everywhere. Leave out empty masks"),
        ([quarters == 0, quarters == 9], ValueError, r"`segmentation\[1\]` must be true at one"),
        ([], ValueError, "at least one mask; the list is empty"),
        ({}, ValueError, "the mapping is empty"),
        ([quarters, quarters], ValueError, r"2 arrays for one image.*mask > 0"),
        (np.stack([quarters] * 3), ValueError, "3 arrays for one image"),
        (quarters[..., None, None], ValueError, r"of the shape \(H, W\).*numpy.squeeze"),
        (quarters.ravel(), ValueError, r"of the shape \(H, W\)"),
        ([{"segmentation": quarters}], TypeError, r'"segmentation"\]` must be .* Pass mask > 0'),
        ([{"segmentation": {"counts": [1], "size": [1, 1]}}], TypeError, "binary_mask"),
        ({"cat.png": quarters}, CaseError, "no segments for 0; it has them for 'cat.png'"),
        ("masks.npy", TypeError, "must be a function from .* an .H, W. array"),
        (50, TypeError, "must be a function from"),
        ([[0, 1], [1, 0]], TypeError, "must be a function from .* not 0"),
    ],
)
def test_segments_that_do_not_fit_are_refused_with_the_cure(segments, error, message):
    with pytest.raises(error, match=message):
        explained(CAT, segmentation=segments)


def test_several_images_have_segments_each():
    other = np.ascontiguousarray(CAT[::-1])
    stack = np.stack([CAT, other])
    halves = (COLUMNS < 90).astype(int)
    for given in ([quarters, halves], np.stack([quarters, halves]), {1: halves, 0: quarters}):
        explanation = explained(stack, segmentation=given)
        assert explanation.groupby("case").size().tolist() == [4, 2]
        alone = explained(CAT, segmentation=quarters)
        assert_frame_equal(explanation[explanation["case"] == 0], alone)
    assert explained(stack, segmentation=quarters).groupby("case").size().tolist() == [4, 4]
    left, right = COLUMNS < 90, COLUMNS > 120
    by_case = explained(stack, segmentation=[[left, right], left])
    assert by_case.groupby("case").size().tolist() == [3, 2]
    assert explained(stack, segmentation=[left, right]).groupby("case").size().tolist() == [2, 2]
    with pytest.raises(ValueError, match=r"one entry for each of the 2 images; not 3.*mapping"):
        explained(stack, segmentation=[left, right, left])
    with pytest.raises(ValueError, match="2 masks of one image, and there are 2 images"):
        explained(stack, segmentation=[{"segmentation": left}, {"segmentation": right}])
    with pytest.warns(CaseWarning, match=r"no segments for 1"):
        assert explained(stack, segmentation={0: halves})["case"].unique().tolist() == [0]
    smaller = np.ascontiguousarray(CAT[:100])
    with pytest.warns(CaseWarning, match=r"\(100, 180\); not \(120, 180\)"):
        found = explained([CAT, smaller], segmentation=quarters)
    assert found["case"].unique().tolist() == [0]


# Photos that are stored turned


def turned_photo(path: Path, orientation: int) -> Path:
    stored = Image.fromarray(np.ascontiguousarray(turned_back(CAT, orientation)))
    exif = stored.getexif()
    exif[ORIENTATION] = orientation
    stored.save(path, exif=exif)
    np.testing.assert_array_equal(ImageOps.exif_transpose(Image.open(path)), CAT)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_of_the_upright_photo_are_turned_back(tmp_path, orientation):
    path = turned_photo(tmp_path / "photo.png", orientation)
    stored = np.ascontiguousarray(turned_back(quarters, orientation))

    def model(paths):
        return brightness([Image.open(path) for path in paths])

    found = masks_of(explained(path, model, segmentation=lambda rgb: stored))
    if orientation > 4:
        again = masks_of(explained(path, model, segmentation=quarters))
        inside = explained(path, model, within=disc(60, 60, 30), n_superpixels=6)
        region = inside["data"][0].within.mask
        np.testing.assert_array_equal(upright(region, orientation), disc(60, 60, 30))
    else:
        again = masks_of(explained(path, model, segmentation=stored))
    assert found.keys() == again.keys()
    for name, mask in found.items():
        np.testing.assert_array_equal(mask, again[name])


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_masks_that_can_be_stored_or_upright_are_warned_of(tmp_path, orientation):
    path = turned_photo(tmp_path / "photo.png", orientation)

    def model(paths):
        return brightness([Image.open(path) for path in paths])

    for options in (
        {"segmentation": [quarters == 0, quarters == 1]},
        {"within": quarters > 1, "n_superpixels": 6},
        {"background": np.zeros(SHAPE, np.uint8)},
    ):
        with pytest.warns(UserWarning, match=f"EXIF orientation {orientation}.*as it is stored"):
            explained(path, model, **options)
    cell = Superpixel(np.flatnonzero(quarters > 1), SHAPE)  # always as the image is stored
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explained(path, model, within=cell, n_superpixels=6)


# Backgrounds


def painted(image, background, segmentation=quarters, **options):
    """All distinct permutations that a model sees of an image, as arrays."""
    seen = []

    def model(images):
        arrays = [Image.open(each) if isinstance(each, str) else each for each in images]
        seen.extend(arrays)
        return contrast([np.asarray(each) for each in arrays])

    explainer = lime(image, as_regressor(model), probe=False, **options)
    explain(image, explainer, **FAST, background=background, segmentation=segmentation, penalty=0)
    return seen


def check_painted(arrays, expected, behind, segments=quarters):
    """Each segment of each permutation is the image's or the background's, and both occur."""
    removed = set()
    for array in arrays:
        for number in np.unique(segments):
            at = segments == number
            is_kept = np.array_equal(array[at], expected[at])
            assert is_kept or np.array_equal(array[at], behind[at])
            removed |= set() if is_kept else {number}
    assert removed == set(np.unique(segments))


def means(array):
    found = array.astype(float)
    for number in range(4):
        found[quarters == number] = array[quarters == number].mean(axis=0)
    return found if array.dtype.kind == "f" else np.rint(found).astype(array.dtype)


GREY = np.asarray(Image.fromarray(CAT).convert("L"))
ARRAYS = {
    "rgb": CAT,
    "grey": GREY,
    "16 bits": CAT.astype(np.uint16) * 257,
    "12 bits": GREY.astype(np.uint16) * 16,
    "fractions": CAT.astype(np.float32) / 255,
    "signed": CAT / 127.5 - 1,
    "two bands": CAT[..., :2],
    "six bands": np.concatenate([CAT, 255 - CAT // 2], axis=2),
    "four bands": np.dstack([CAT, GREY]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_means_and_pictures_have_the_numbers_of_any_array(name):
    array = ARRAYS[name]
    options = {"channel_axis": -1} if array.ndim == 3 else {"kind": "image"}
    found = painted(array, "mean", **options)
    assert {each.dtype for each in found} == {array.dtype}
    if array.dtype.kind == "f":
        for image in found:
            np.testing.assert_allclose(
                np.where(np.isclose(image, means(array), atol=1e-5), array, image), array
            )
    else:
        check_painted(found, array, means(array))
    other = np.ascontiguousarray(array[::-1, ::-1])
    check_painted(painted(array, other, **options), array, other)
    level = np.ascontiguousarray(other if array.ndim == 2 else other[..., 0])
    spread = level if array.ndim == 2 else np.repeat(level[..., None], array.shape[2], axis=2)
    check_painted(painted(array, level, **options), array, spread)


def test_channels_that_come_first_have_backgrounds_that_do():
    first = np.ascontiguousarray(np.moveaxis(CAT, -1, 0))
    other = np.ascontiguousarray(first[:, ::-1])
    for background, behind in ((other, CAT[::-1]), ("mean", means(CAT)), (GREY, None)):
        behind = np.repeat(GREY[..., None], 3, axis=2) if behind is None else behind
        found = painted(first, background, channel_axis=0)
        assert found[0].shape == first.shape
        check_painted([np.moveaxis(each, 0, -1) for each in found], CAT, behind)


def test_a_picture_is_put_behind_images_of_any_numbers(tmp_path):
    other = Image.fromarray(np.ascontiguousarray(CAT[::-1]))
    other.save(tmp_path / "other.png")
    for picture in (other, tmp_path / "other.png", str(tmp_path / "other.png")):
        check_painted(painted(CAT, picture), CAT, CAT[::-1])
    check_painted(painted(CAT / 255, other), CAT / 255, CAT[::-1] / 255)
    grey = np.asarray(other.convert("L"))
    check_painted(painted(GREY, other), GREY, grey)
    six = ARRAYS["six bands"]
    behind = np.concatenate([CAT[::-1], *[grey[..., None]] * 3], axis=2)
    check_painted(painted(six, other, channel_axis=-1), six, behind)


def test_a_blur_hides_details_and_keeps_the_light():
    """Nothing of a chessboard is left, and an even image stays as it is."""
    board = ((ROWS // 6 + COLUMNS // 6) % 2 * 255).astype(np.uint8)
    _, blurred = on_background(read_original(board, {}), "blur", quarters + 1)
    assert blurred[20:-20, 20:-20].std() < 3
    assert abs(blurred.mean() - board.mean()) < 2
    even = np.full((*SHAPE, 3), (10, 200, 90), np.uint8)
    _, blurred = on_background(read_original(even, {}), "blur", quarters + 1)
    np.testing.assert_array_equal(blurred, even)
    point = np.zeros((401, 401))
    point[200, 200] = 1
    _, blurred = on_background(read_original(point, {}), "blur", np.ones((401, 401), int))
    across = blurred.sum(axis=0)
    width = np.sqrt((across * (np.arange(401) - 200.0) ** 2).sum() / across.sum())
    assert width == pytest.approx(0.05 * 401, rel=0.03)
    for tiny in (np.zeros((2, 2), np.uint8), np.zeros((1, 9), np.uint8)):
        _, blurred = on_background(read_original(tiny, {}), "blur", np.ones(tiny.shape, int))
        np.testing.assert_array_equal(blurred, tiny)


def image_in_mode(mode: str) -> Image.Image:
    image = Image.fromarray(CAT)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(np.where(quarters == 3, 0, GREY).astype(np.uint8)))
    if mode == "I;16":
        return Image.fromarray(GREY.astype(np.uint16) * 200)
    if mode == "F":
        return Image.fromarray(GREY / np.float32(255))
    if mode == "I":
        return Image.fromarray(GREY.astype(np.int32))
    if mode == "P16":
        return image.quantize(16)
    if mode == "P transparent":
        image = image.quantize(64)
        image.info["transparency"] = 5
        return image
    return image.convert(mode)


MODES = ["1", "L", "RGB", "P", "P16", "P transparent", "CMYK", "YCbCr", "HSV", "LA", "RGBA"]
MODES += ["I;16", "I", "F"]


@pytest.mark.parametrize("background", ["mean", "blur", "picture"])
@pytest.mark.parametrize("mode", MODES)
def test_images_keep_their_mode_with_every_background(mode, background):
    """What is kept looks as in the original, but where a picture shines through."""
    image = image_in_mode(mode)
    behind = Image.fromarray(np.ascontiguousarray(CAT[::-1]))
    found = painted(image, behind if background == "picture" else background)
    assert {each.mode for each in found} == {image.mode}
    numbers = image.mode in ("I;16", "I", "F")
    as_seen = (lambda each: np.asarray(each)) if numbers else _rgba
    original = as_seen(image)
    first = as_seen(found[1])  # what keeps everything; the original itself comes before it
    if background == "picture" and not numbers:
        opaque = original[..., 3] == 255
        np.testing.assert_array_equal(first[opaque], original[opaque])
        assert (first[..., 3] == 255).all()
    else:
        np.testing.assert_array_equal(first, original)
    others = [as_seen(each) for each in found[2:]]
    assert any((each != original).any() for each in others)


def _rgba(image):
    return np.asarray(image.convert("RGBA"))


def test_palettes_get_the_means_exactly_if_they_have_room():
    image = image_in_mode("P16")
    colours = np.asarray(image.convert("RGB"))
    for each in painted(image, "mean")[1:]:
        seen = np.asarray(each.convert("RGB"))
        for number in range(4):
            at = quarters == number
            mean = np.rint(colours[at].mean(axis=0))
            assert np.array_equal(seen[at], colours[at]) or (seen[at] == mean).all()


def test_full_palettes_get_the_nearest_colours():
    image = Image.fromarray(CAT).quantize(256)
    blurred = on_background(read_original(Image.fromarray(CAT), {}), "blur", quarters + 1)[1]
    original, indices = on_background(read_original(image, {}), "blur", quarters + 1)
    assert original.palette is not None
    assert len(original.palette) == 256
    away = np.abs(original.palette[indices, :3].astype(int) - blurred).mean()
    assert away < 8
    np.testing.assert_array_equal(original.painted, np.asarray(image))


def test_transparent_images_keep_their_opacity_and_show_pictures_through():
    image = image_in_mode("RGBA")
    rgba = np.asarray(image)
    first = np.asarray(painted(image, "mean")[1])
    np.testing.assert_array_equal(first, rgba)
    black = Image.new("RGB", image.size)
    mixed = np.asarray(Image.alpha_composite(black.convert("RGBA"), image))
    np.testing.assert_array_equal(np.asarray(painted(image, black)[1]), mixed)
    _, behind = on_background(read_original(image, {}), "mean", quarters + 1)
    at = quarters == 0
    weighted = np.average(rgba[at][:, :3], axis=0, weights=rgba[at][:, 3])
    np.testing.assert_allclose(behind[at][0, :3], weighted, atol=0.51)
    assert (behind[quarters == 3][:, 3] == 0).all()


@pytest.mark.parametrize("ending", ["png", "tif", "jpg", "gif"])
def test_files_have_backgrounds(tmp_path, ending):
    path = tmp_path / f"cat.{ending}"
    Image.fromarray(CAT).save(path)
    loaded = np.asarray(Image.open(path).convert("RGB"))
    seen = []

    def model(paths):
        arrays = [np.asarray(Image.open(each).convert("RGB")) for each in paths]
        seen.extend(arrays)
        return contrast(arrays)

    explainer = lime(path, as_regressor(model), probe=False)
    options = {**FAST, "penalty": 0, "segmentation": {path.name: quarters}}
    for background in ("mean", "blur", np.ascontiguousarray(loaded[::-1])):
        seen.clear()
        explain(path, explainer, background=background, **options)
        np.testing.assert_array_equal(seen[1], loaded)
        assert len(np.unique([each.sum() for each in seen])) > 8


def test_colours_of_sixteen_bits_stay_so(tmp_path):
    deep = CAT.astype(np.uint16) * 257
    deep[::2] += 3
    imsave(tmp_path / "deep.tif", deep, check_contrast=False)
    imsave(tmp_path / "other.tif", np.ascontiguousarray(deep[::-1]), check_contrast=False)
    seen = []

    def model(paths):
        from skimage.io import imread

        arrays = [imread(each) for each in paths]
        seen.extend(arrays)
        return contrast(arrays)

    explainer = lime(tmp_path / "deep.tif", as_regressor(model), probe=False)
    options = {**FAST, "penalty": 0, "segmentation": quarters}
    for background, behind in ((tmp_path / "other.tif", deep[::-1]), ("mean", means(deep))):
        seen.clear()
        explain(tmp_path / "deep.tif", explainer, background=background, **options)
        check_painted(seen, deep, behind)


def test_turned_photos_and_pictures_are_laid_as_they_are_seen(tmp_path):
    path = turned_photo(tmp_path / "photo.png", 6)
    below = np.ascontiguousarray(CAT[::-1])
    stored = turned_back(CAT, 6)
    other = tmp_path / "other.png"
    turned = Image.fromarray(np.ascontiguousarray(turned_back(below, 8)))
    exif = turned.getexif()
    exif[ORIENTATION] = 8
    turned.save(other, exif=exif)
    for picture in (
        Image.fromarray(below),
        other,
        below,
        np.ascontiguousarray(turned_back(below, 6)),
    ):
        found = [np.asarray(each) for each in painted(path, picture)]
        check_painted(found, stored, turned_back(below, 6), turned_back(quarters, 6))


@pytest.mark.parametrize(
    ("image", "background", "error", "message"),
    [
        (CAT, "means", ValueError, r"a colour .*'mean', 'blur', or a picture.*Did you mean 'mean'"),
        (CAT, "blurred", ValueError, "Did you mean 'blur'"),
        (CAT, "no such.png", FileNotFoundError, "the file no such.png does not exist"),
        (CAT, Path("none.png"), FileNotFoundError, "`background` cannot be read as a picture"),
        (CAT, Image.new("RGB", (9, 8)), CaseError, r"180x120; not 9x8. Resize it: picture.resize"),
        (CAT, CAT[:-1], CaseError, r"image, \(120, 180, 3\) or \(120, 180\); not \(119, 180, 3\)"),
        (CAT, CAT[..., :2], CaseError, "of the shape of the image"),
        (CAT, CAT.swapaxes(0, 1), CaseError, "It is transposed"),
        (GREY, CAT, CaseError, r"image, \(120, 180\); not \(120, 180, 3\)"),
        (CAT, CAT / 255, CaseError, "whole numbers from 0 to 255, as the image has; not float64"),
        (CAT / 255, CAT, CaseError, "numbers from 0 to 1, as the image has; not uint8 from"),
        (CAT, GREY > 9, CaseError, "whole numbers from 0 to 255, as the image has; not bool"),
        (CAT, np.full(SHAPE, np.nan), ValueError, "must have finite numbers"),
        (CAT, np.array(["red"]), ValueError, "`background` must be a colour"),
        (CAT, np.zeros((2, 3, 4, 5)), ValueError, "`background` must be a colour"),
        (CAT, np.array([1, 2]), CaseError, "a number for each channel; this image has 3"),
        (CAT, Image.new("RGBA", (180, 120)), CaseError, "can be transparent only for images"),
        (CAT, ["red", "blue"], ValueError, "`background` must be a colour"),
        (CAT, None, ValueError, "`background` must be a colour"),
        (CAT, 0.5, ValueError, "`background` must be a colour"),
    ],
)
def test_backgrounds_that_do_not_fit_are_refused_with_the_choices(
    image, background, error, message
):
    with pytest.raises((error, ValueError) if error is CaseError else error, match=message):
        explained(image, background=background, n_superpixels=8)


def test_numbers_for_each_channel_are_what_they_were():
    for background in ((1, 2, 3), [1, 2, 3], np.array([1, 2, 3]), "#010203"):
        check_painted(painted(CAT, background), CAT, np.broadcast_to((1, 2, 3), CAT.shape))


def test_a_broken_picture_is_refused_before_any_prediction(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="`background` cannot be read as a picture"):
        explained(CAT, lambda images: 1 / 0, background=tmp_path / "broken.png")


# Within a region


def test_only_the_region_is_explained_and_all_else_is_kept():
    region = disc(60, 90, 40)
    seen = []

    def model(images):
        seen.extend(images)
        return brightness(images)

    explanation = explained(CAT, model, within=region, n_superpixels=20)
    for image in seen:
        np.testing.assert_array_equal(image[~region], CAT[~region])
    assert any((image[region] != CAT[region]).any() for image in seen)
    union = np.zeros(SHAPE, int)
    for mask in masks_of(explanation).values():
        union += mask
    np.testing.assert_array_equal(union, region)
    assert 14 <= len(explanation) <= 28
    np.testing.assert_array_equal(explanation["data"][0].within.mask, region)


def test_a_superpixel_can_be_explained_again_with_the_weights_of_its_pixels():
    """Brightness is linear in pixels: a piece is worth what it adds to the mean."""
    coarse = explained(CAT, n_superpixels=8, background="black", n_permutations=200)
    cell = coarse["feature_value"][0]
    fine = explained(CAT, within=cell, n_superpixels=10, background="black", n_permutations=200)
    parts = masks_of(fine)
    for name, weight in weights_of(fine).items():
        assert weight == pytest.approx(CAT[parts[name]].sum() / CAT.size / 255, rel=0.02)
    assert sum(weights_of(fine).values()) == pytest.approx(coarse["feature_weight"][0], rel=0.02)
    again = explained(
        CAT, within=cell.mask, n_superpixels=10, background="black", n_permutations=200
    )
    assert_frame_equal(fine, again)


@pytest.mark.parametrize(
    "segmentation",
    [quarters, [quarters == number for number in range(3)], lambda rgb: quarters],
)
def test_a_region_cuts_segments(segmentation):
    region = disc(60, 90, 40) & (quarters != 3)
    explanation = explained(
        CAT,
        worth_of(np.where(region, quarters, 3), WORTH),
        within=region,
        segmentation=segmentation,
        background="black",
    )
    for number, mask in masks_of(explanation).items():
        np.testing.assert_array_equal(mask, region & (quarters == int(number) - 1))
    assert list(weights_of(explanation).values()) == pytest.approx(WORTH[:3], abs=1e-2)
    assert explanation["model_prediction"][0] == pytest.approx(WORTH.sum(), abs=1e-2)


@pytest.mark.parametrize(
    ("within", "options", "error", "message"),
    [
        (disc(9, 9, 5, (50, 60)), {}, CaseError, r"\(120, 180\); not \(50, 60\)"),
        (disc(9, 9, 5, SHAPE[::-1]), {}, CaseError, "It is transposed"),
        (Superpixel([1, 2], (50, 60)), {}, CaseError, r"`within` must be of the shape"),
        (disc(9, 9, 1), {}, ValueError, "at least two pixels to compare; not 1"),
        (Superpixel([], SHAPE), {}, ValueError, "at least two pixels to compare; not 0"),
        (disc(9, 9, 3), {"n_superpixels": 50}, CaseError, "not 50 with the 25 of `within`"),
        (disc(9, 9, 9), {"segmentation": quarters}, CaseError, "single superpixel inside `within`"),
        (quarters, {}, TypeError, r"must be a superpixel.*of int64.*segments == 7"),
        (CAT > 9, {}, ValueError, "must be a superpixel"),
        ("16", {}, TypeError, "must be a superpixel, such as a cell"),
        ([True, False], {}, TypeError, "must be a superpixel"),
    ],
)
def test_regions_that_do_not_fit_are_refused_with_the_cure(within, options, error, message):
    with pytest.raises(error, match=message):
        explained(CAT, within=within, **{"n_superpixels": 8, **options})


def test_images_of_another_shape_have_no_region():
    with pytest.warns(CaseWarning, match=r"`within` must be of the shape .*\(100, 180\)"):
        found = explained([CAT, CAT[:100].copy()], within=disc(60, 90, 30), n_superpixels=8)
    assert found["case"].unique().tolist() == [0]


@pytest.mark.parametrize(
    "region",
    [
        disc(60, 90, 50) & ~disc(60, 90, 38),
        np.abs(ROWS - COLUMNS * 0.6) < 4,
        disc(10, 10, 9) | disc(110, 170, 9),
        ROWS < 2,
        COLUMNS == 179,
        np.ones(SHAPE, bool),
        np.random.default_rng(0).random(SHAPE) < 0.05,  # hundreds of single pixels
    ],
)
@pytest.mark.parametrize("n", [4, 12, 50])
def test_regions_of_any_form_are_divided_into_about_as_many_pieces(region, n):
    labels = segment_region(CAT, region, n, 20, 10)
    np.testing.assert_array_equal(labels > 0, region)
    sizes = np.bincount(labels.ravel())[1:]
    assert sizes.min() > 0
    assert 2 <= len(sizes) <= 2.6 * n
    assert n < 12 or len(sizes) >= n / 2


# With everything else


OPTIONS = {
    "segmentation": {"a.png": quarters, "b.png": [quarters == 0, quarters > 1]},
    "within": disc(60, 90, 50),
    "background": "mean",
}


def load(paths):
    return contrast([Image.open(path) for path in paths])


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for number, path in enumerate(paths):
        Image.fromarray(np.roll(CAT, 20 * number, axis=1)).save(path)
    return [str(path) for path in paths]


def test_jobs_batches_and_order_change_nothing(files):
    explainer = lime(files, as_regressor(load))
    options = {**FAST, **OPTIONS, "penalty": 0}
    whole = explain(files, explainer, **options)
    assert whole.groupby("case").size().tolist() == [4, 3]
    assert_frame_equal(explain(files, explainer, n_jobs=2, **options), whole)
    back = explain(files[::-1], explainer, batch_size=3, **options)
    assert_frame_equal(
        back[back["case"] == "b.png"].reset_index(drop=True), whole[4:].reset_index(drop=True)
    )
    parts = list(explain_batches([files[:1], files[1:]], explainer, **options))
    assert_frame_equal(pd.concat(parts, ignore_index=True), whole, check_dtype=False)


def test_explanations_with_regions_are_stored_and_read_back(files, tmp_path):
    explainer = lime(files, as_classifier(load, ["dark", "bright"]))
    options = {**FAST, **OPTIONS, "intervals": True, "quality": True, "contributions": True}
    explanation = explain(files, explainer, **options)
    assert explanation["feature_lo"].le(explanation["feature_hi"]).all()
    assert len(quality(explanation)) == 2
    for ending in ("json", "parquet"):
        write_explanation(explanation, tmp_path / f"stored.{ending}")
        again = read_explanation(tmp_path / f"stored.{ending}")
        assert_frame_equal(again, explanation)
        assert again["data"][0].within == explanation["data"][0].within
    run = tmp_path / "run"
    batches = [files[:1], files[1:]]
    explain_to_parquet(batches, explainer, run, **options)
    explain_to_parquet(batches, explainer, run, **options)
    assert_frame_equal(read_explanation(run), explanation, check_dtype=False)
    changed = {**options, "segmentation": {**OPTIONS["segmentation"], "a.png": quarters.T.copy()}}
    with pytest.raises(ValueError, match="contains another run"):
        explain_to_parquet(batches, explainer, run, **changed)


def test_the_rest_of_an_image_is_pale_in_plots():
    region = disc(60, 90, 50)
    explanation = explained(CAT, within=region, n_superpixels=6, n_features=3)
    shown = np.zeros(SHAPE, bool)
    for cell in explanation["feature_value"]:
        shown |= cell.mask
    for display in ("outline", "block", "heatmap"):
        plot = plot_image_explanation(explanation, display=display, threshold=0, combine=True)
        pixels = np.asarray(plot.data["image"].iloc[0])
        outside = CAT if display != "heatmap" else pixels
        pale = np.floor(outside[~region] * 0.35 + 255 * 0.65 + 0.5)
        if display != "heatmap":
            np.testing.assert_allclose(pixels[~region], pale, atol=1)
        assert pixels[~region].min() >= 165
        if display == "block":
            assert (pixels[region & ~shown] == 190).all()
    strongest = plot_image_explanation(explanation, coverage=0.99, display="block")
    assert (np.asarray(strongest.data["image"].iloc[0])[region] != 190).any()
    drawn = plot_superpixels(CAT, within=region, n_superpixels=6)
    pixels = np.asarray(drawn.data["image"].iloc[0])
    away = ~disc(60, 90, 53)  # borders may lie on the first pixel outside
    np.testing.assert_allclose(pixels[away], np.floor(CAT[away] * 0.35 + 166.25), atol=1)
    plot_superpixels(CAT, segmentation=[region, disc(60, 90, 10)]).draw()
    with pytest.raises(ValueError, match="It is transposed"):
        plot_superpixels(CAT, segmentation=quarters.T)


def test_coverage_is_a_share_of_the_region():
    region = disc(60, 90, 40)
    explanation = explained(CAT, within=region, segmentation=quarters, background="black")
    plot = plot_image_explanation(explanation, coverage=0.5, display="block")
    pixels = np.asarray(plot.data["image"].iloc[0])
    hidden = (pixels[region] == 190).all(axis=-1).mean()
    assert 0.4 < hidden < 0.6


def test_the_users_objects_are_not_changed():
    segments, behind, masks = quarters.copy(), CAT[::-1].copy(), [quarters == 0, quarters == 1]
    region = disc(60, 90, 40)
    for array in (segments, behind, region, *masks):
        array.flags.writeable = False
    explained(CAT, segmentation=segments, background=behind, within=region)
    explained(CAT, segmentation=masks, background="blur", within=region)


def test_new_options_leave_the_draws_as_they_are():
    """The masks of a case depend on its pixels, the seed and the number of superpixels alone."""
    seen = {}
    for name, options in {
        "grey": {},
        "mean": {"background": "mean"},
        "ready": {"segmentation": segment(CAT, 20)},
        "region": {"within": np.ones(SHAPE, bool), "segmentation": segment(CAT, 20)},
    }.items():
        rows = explained(CAT, n_superpixels=20, intervals=True, **options)
        seen[name] = rows.drop(columns="data")
    assert_frame_equal(seen["ready"], seen["grey"])
    assert_frame_equal(seen["region"], seen["grey"])
    assert not seen["mean"]["feature_weight"].equals(seen["grey"]["feature_weight"])


def test_a_bitmap_knows_its_region():
    cell = Superpixel([0, 1], (2, 3))
    image = Bitmap(np.zeros((2, 3), np.uint8), within=cell)
    assert image.within == cell
    assert image != Bitmap(np.zeros((2, 3), np.uint8))
    assert Bitmap(np.zeros((2, 3), np.uint8)).within is None
