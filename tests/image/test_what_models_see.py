"""Images as people bring them: what the model sees is what their own code would show it."""

import re
import struct
import warnings
import zlib

import numpy as np
import pandas as pd
import polars as pl
import pytest
import tifffile
from PIL import Image, ImageOps, ImageSequence

from pylime import (
    CaseWarning,
    FitWarning,
    as_classifier,
    as_regressor,
    explain,
    lime,
    plot_superpixels,
)
from pylime.models.imagenet import imagenet_preprocess
from pylime.pipeline import recognise

ORIENTATION = 0x0112  # EXIF's number for how a camera was held


def mean_brightness(images):
    return [float(np.asarray(image, dtype=float).mean() / 255) for image in images]


def mosaic(height, width, *channels, tile=8, seed=1):
    """An image of even tiles of any colour, which superpixels follow."""
    shape = (-(-height // tile), -(-width // tile), *channels)
    tiles = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return tiles.repeat(tile, axis=0).repeat(tile, axis=1)[:height, :width].copy()


def true_weights(explanation, change):
    """What a model that adds up over pixels loses with each superpixel."""
    return np.array([change[superpixel.mask].sum() for superpixel in explanation["feature_value"]])


# What an image is to the user's own loader


@pytest.mark.parametrize("turn", [True, False])
def test_a_photograph_with_an_orientation_reaches_the_users_loader_as_it_is(tmp_path, turn):
    """An upright photograph of a phone; loaders, turning or not, see what they see of the file."""
    pixels = np.full((40, 60, 3), 140, dtype=np.uint8)
    pixels[:20, :20, 0] = 250  # upper left as stored, upper right once turned
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    path = str(tmp_path / "phone.jpg")
    Image.fromarray(pixels).save(path, quality=95, subsampling=0, exif=exif)

    def load(paths):
        images = [Image.open(one) for one in paths]
        images = [ImageOps.exif_transpose(one) if turn else one for one in images]
        return [np.array(one.convert("RGB")) for one in images]

    def red_corner(images):
        return [float(one[:20, -20:, 0].mean() / 255) for one in images]

    own = red_corner(load([path]))[0]
    assert (own > 0.9) == turn
    explainer = lime(path, as_classifier(red_corner, ["no", "red"]), load)
    explanation = explain(
        path, explainer, labels="red", n_features=20, n_superpixels=12, n_permutations=400,
        background="black", random_state=1,
    )  # fmt: skip
    assert explanation["label_prob"].iloc[0] == pytest.approx(own, abs=1e-6)
    # With everything black the model says 0, and it adds up over superpixels.
    assert explanation["feature_weight"].sum() == pytest.approx(own, rel=0.1)


def test_a_pil_image_keeps_its_orientation():
    """A PIL image that says how it is to be turned still says so to `preprocess`."""
    image = Image.fromarray(mosaic(30, 44, 3))
    image.getexif()[ORIENTATION] = 8
    seen = []

    def load(images):
        turned = [np.array(ImageOps.exif_transpose(one)) for one in images]
        seen.extend(one.shape for one in turned)
        return turned

    own = np.array(ImageOps.exif_transpose(image))
    assert own.shape == (44, 30, 3)
    model = as_classifier(lambda images: mean_brightness([p[:10] for p in images]), ["no", "yes"])
    explanation = explain(
        image,
        lime(image, model, load),
        labels="yes",
        n_superpixels=8,
        n_permutations=40,
        random_state=1,
    )
    assert set(seen) == {own.shape}
    assert explanation["label_prob"].iloc[0] == pytest.approx(own[:10].mean() / 255, abs=1e-9)


def test_a_turned_photograph_is_drawn_upright(tmp_path):
    """A plot of a photograph shows it as a viewer of photographs does: turned."""
    pixels = np.full((60, 90, 3), 40, dtype=np.uint8)
    pixels[:30, :30] = [250, 20, 20]  # in the upper right corner once turned
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(pixels).save(tmp_path / "phone.jpg", quality=95, subsampling=0, exif=exif)
    plot = plot_superpixels(str(tmp_path / "phone.jpg"), n_superpixels=6, colour="black")
    plot.save(tmp_path / "plot.png", verbose=False, dpi=100)
    drawn = np.array(Image.open(tmp_path / "plot.png").convert("RGB")).astype(int)
    rows, columns = np.nonzero(drawn.min(axis=2) < 150)  # the image, on white
    reds = np.nonzero((drawn[..., 0] > 180) & (drawn[..., 1] < 100))
    assert np.ptp(rows) > np.ptp(columns)
    assert reds[0].mean() < rows.mean()
    assert reds[1].mean() > columns.mean()


def test_grey_images_of_sixteen_bits_stay_so(tmp_path):
    """An X-ray with 12 bits in a PNG file of 16: the model divides by 4095 and gets 16 bits."""
    pixels = mosaic(32, 48).astype(np.uint16) * 16 + 7
    path = str(tmp_path / "xray.png")
    Image.fromarray(pixels).save(path)
    seen = []

    def load(paths):
        images = np.stack([np.array(Image.open(one)) for one in paths])
        seen.append(images.dtype)
        return images / 4095

    model = as_classifier(lambda images: images[:, :, :24].mean(axis=(1, 2)), ["dark", "bright"])
    explanation = explain(
        path, lime(path, model, load), labels="bright", n_features=50, n_superpixels=24,
        n_permutations=300, background="black", random_state=1,
    )  # fmt: skip
    assert set(seen) == {np.dtype(np.uint16)}
    assert explanation["label_prob"].iloc[0] == pytest.approx(
        pixels[:, :24].mean() / 4095, abs=1e-9
    )
    change = np.zeros(pixels.shape)
    change[:, :24] = pixels[:, :24] / 4095 / pixels[:, :24].size
    truth = true_weights(explanation, change)
    np.testing.assert_allclose(explanation["feature_weight"], truth, atol=0.1 * truth.max())


@pytest.mark.parametrize("mode", ["1", "L", "F"])
def test_pil_images_keep_their_mode(mode):
    """What reaches `preprocess` is of the mode of the PIL image that was passed."""
    grey = mosaic(24, 32)
    image = (
        Image.fromarray(grey / np.float32(255))
        if mode == "F"
        else Image.fromarray(grey).convert(mode)
    )
    assert image.mode == mode
    own = np.asarray(image).astype(float)
    seen = []

    def load(images):
        seen.extend(one.mode for one in images)
        return [np.asarray(one).astype(float) / own.max() for one in images]

    model = as_classifier(lambda images: [float(one.mean()) for one in images], ["dark", "bright"])
    explanation = explain(
        image, lime(image, model, load), labels="bright", n_superpixels=8, n_permutations=40,
        background="black", random_state=1,
    )  # fmt: skip
    assert set(seen) == {mode}
    assert explanation["label_prob"].iloc[0] == pytest.approx(own.mean() / own.max(), abs=1e-6)


def test_transparency_that_the_model_does_not_see_is_said(tmp_path):
    """The loader drops alpha, permutations are laid on grey: a warning with both predictions."""
    pixels = np.full((30, 40, 4), 51, dtype=np.uint8)
    pixels[:15, :20, :3] += 1  # something to segment
    pixels[..., 3] = 255
    pixels[:, 20:, 3] = 0
    path = str(tmp_path / "cutout.png")
    Image.fromarray(pixels).save(path)

    def load(paths):
        return np.stack([np.array(Image.open(one).convert("RGB")) for one in paths])

    explainer = lime(path, as_classifier(mean_brightness, ["dark", "bright"]), load)
    with pytest.warns(FitWarning, match="with nothing removed") as caught:
        explain(
            path, explainer, labels="bright", n_superpixels=8, n_permutations=40, random_state=1
        )
    # .20 of the file as the loader sees it, (51 + 190) / 2 / 255 = .47 of the flattened one.
    said = [
        one
        for one in caught
        if re.search(r"\.20?", str(one.message)) and re.search(r"\.47", str(one.message))
    ]
    assert len(said) == 1
    assert said[0].filename == __file__


def test_pages_that_permutations_do_not_have_are_said(tmp_path):
    """A loader reads all pages, permutations have one: a warning with both predictions."""
    pages = [Image.fromarray(np.minimum(mosaic(24, 32) // 8 + 30 * page, 255)) for page in range(7)]
    path = str(tmp_path / "volume.tif")
    pages[0].save(path, save_all=True, append_images=pages[1:])

    def load(paths):
        stacks = []
        for one in paths:
            with Image.open(one) as image:
                stacks.append(np.stack([np.array(page) for page in ImageSequence.Iterator(image)]))
        return stacks

    own = mean_brightness(load([path]))[0]
    first = mean_brightness([np.array(pages[0])])[0]
    assert own - first > 0.3
    explainer = lime(path, as_classifier(mean_brightness, ["dark", "bright"]), load)
    with pytest.warns(FitWarning, match="with nothing removed") as caught:
        explain(
            path, explainer, labels="bright", n_superpixels=8, n_permutations=40, random_state=1
        )
    messages = [str(one.message) for one in caught]
    own_said, first_said = (re.escape(f"{value:.2f}"[1:-1]) for value in (own, first))
    assert any(re.search(own_said, one) and re.search(first_said, one) for one in messages)


@pytest.mark.parametrize(
    "name", ["rgb.png", "grey.png", "photo.jpg", "opaque.png", "palette.gif", "cmyk.jpg"]
)
def test_ordinary_images_give_no_warning(tmp_path, name):
    """Files that are read to the pixels that permutations have are explained without a word."""
    image = Image.fromarray(mosaic(24, 32, 3))
    modes = {"grey.png": "L", "opaque.png": "RGBA", "palette.gif": "P", "cmyk.jpg": "CMYK"}
    image.convert(modes.get(name, "RGB")).save(tmp_path / name)
    path = str(tmp_path / name)

    def load(paths):
        images = []
        for one in paths:
            with Image.open(one) as opened:
                images.append(np.array(opened.convert("RGB")))
        return np.stack(images)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer = lime(path, as_classifier(mean_brightness, ["dark", "bright"]), load)
        explanation = explain(
            path, explainer, labels="bright", n_superpixels=8, n_permutations=40, random_state=1
        )
    own = mean_brightness(load([path]))[0]
    assert explanation["label_prob"].iloc[0] == pytest.approx(own, abs=1e-9)


def first_permutation(x, load=lambda batch: batch, **options):
    """What `preprocess` makes of the permutation that removes nothing."""
    batches = []

    def model(batch):
        batches.append(load(batch))
        return np.random.default_rng(len(batches)).random(len(batch))

    explainer = lime(x, as_regressor(model), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        explain(x, explainer, n_superpixels=8, n_permutations=10, random_state=1)
    return batches[0 if isinstance(x, np.ndarray) else 1][0]


def in_mode(mode):
    """An image of Pillow without transparency."""
    image = Image.fromarray(mosaic(24, 32, 3))
    if mode in ("I;16", "I;16B"):
        numbers = np.asarray(image.convert("L")).astype(np.uint16) * 16
        return Image.fromarray(numbers.astype(">u2") if mode == "I;16B" else numbers)
    if mode in ("I", "F"):
        return Image.fromarray(np.asarray(image.convert("L")).astype(mode.lower()) * 100)
    return image.convert(mode)


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "HSV", "I;16", "I;16B", "I"]
)
def test_permutations_of_pil_images_have_their_form(mode):
    """Mode, size, notes and orientation; and every pixel, where nothing is removed."""
    image = in_mode(mode)
    image.getexif()[ORIENTATION] = 3
    image.info["dpi"] = (300, 300)
    made = first_permutation(image)
    assert (made.mode, made.size, made.info["dpi"]) == (mode, image.size, (300, 300))
    assert made.getexif()[ORIENTATION] == 3
    np.testing.assert_array_equal(np.asarray(made), np.asarray(image))
    np.testing.assert_array_equal(
        np.asarray(ImageOps.exif_transpose(made)), np.asarray(ImageOps.exif_transpose(image))
    )


@pytest.mark.parametrize("background", ["grey", "red"])
@pytest.mark.parametrize("colours", [5, 256])
def test_images_of_a_palette_keep_it(colours, background):
    """A background that the palette does not have takes a place that is free, or the nearest."""
    image = in_mode("RGB").quantize(colours)
    seen = []
    explainer = lime(
        image,
        as_regressor(lambda batch: [float(np.mean(one)) for one in batch]),
        lambda batch: seen.extend(batch) or [np.asarray(one.convert("RGB")) for one in batch],
    )
    explain(
        image,
        explainer,
        n_superpixels=8,
        n_permutations=10,
        background=background,
        random_state=1,
    )
    assert {one.mode for one in seen} == {"P"}
    pixels = np.concatenate([np.asarray(one.convert("RGB")).reshape(-1, 3) for one in seen])
    wanted = {"grey": [190, 190, 190], "red": [255, 0, 0]}[background]
    assert np.abs(pixels - np.array(wanted)).sum(axis=1).min() == 0


FILES = [
    *[("1", "png"), ("L", "png"), ("P", "png"), ("LA", "png"), ("RGB", "png"), ("RGBA", "png")],
    *[("I;16", "png"), ("I;16", "jp2"), ("P", "gif"), ("RGB", "webp"), ("RGB", "ppm")],
    *[("1", "tif"), ("L", "tif"), ("RGB", "tif"), ("CMYK", "tif"), ("I;16", "tif"), ("I", "tif")],
    ("F", "tif"),
]


@pytest.mark.parametrize(("mode", "ending"), FILES)
def test_permutations_of_files_are_read_as_the_file_is(tmp_path, mode, ending):
    """The same mode and the same pixels, where nothing is removed."""
    path = str(tmp_path / f"image.{ending}")
    image = in_mode(mode)
    image.save(path, **({"lossless": True} if ending == "webp" else {}))

    def load(paths):
        images = []
        for one in paths:
            with Image.open(one) as opened:
                images.append((opened.mode, np.array(opened)))
        return images

    numbers = {"pixel_range": (0, 25500)} if mode == "F" else {}
    (expected_mode, expected), (found_mode, found) = (
        load([path])[0],
        first_permutation(path, load, **numbers),
    )
    assert found_mode == expected_mode
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((24, 32), {}),
        ((24, 32, 3), {}),
        ((24, 32, 4), {"photometric": "minisblack", "planarconfig": "contig"}),
        ((24, 32, 12), {"photometric": "minisblack", "planarconfig": "contig"}),
        ((12, 24, 32), {"photometric": "minisblack", "planarconfig": "separate"}),
        ((24, 32, 3), {"extratags": [(ORIENTATION, "H", 1, 6, True)]}),
        ((24, 32), {"extratags": [(ORIENTATION, "H", 1, 8, True)], "compression": "zlib"}),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiff_files_keep_numbers_bands_and_orientation(tmp_path, shape, options, dtype):
    """Files that libraries of microscopes and satellites write, read by the same library."""
    pixels = mosaic(*shape).astype(dtype)
    path = str(tmp_path / "image.tif")
    tifffile.imwrite(path, pixels, **options)

    def load(paths):
        found = []
        for one in paths:
            with tifffile.TiffFile(one) as file:
                tag = file.pages[0].tags.get(ORIENTATION)
                found.append((file.pages[0].asarray(), 1 if tag is None else tag.value))
        return found

    (expected, expected_tag), (found, tag) = load([path])[0], first_permutation(path, load)
    assert found.dtype == dtype
    assert tag == expected_tag
    np.testing.assert_array_equal(found, expected)


def test_colours_of_sixteen_bits_in_a_png_file_are_warned_of(tmp_path):
    """Pillow reads eight of the bits, and so permutations have eight."""
    pixels = mosaic(24, 32, 3).astype(np.uint16) * 257
    path = tmp_path / "deep.png"
    head = struct.pack(">IIBBBBB", 32, 24, 16, 2, 0, 0, 0)
    lines = np.insert(pixels.astype(">u2").view(np.uint8).reshape(24, -1), 0, 0, axis=1)
    content = b"\x89PNG\r\n\x1a\n"
    for name, part in [
        (b"IHDR", head),
        (b"IDAT", zlib.compress(lines.tobytes())),
        (b"IEND", b""),
    ]:
        content += struct.pack(">I", len(part)) + name + part
        content += struct.pack(">I", zlib.crc32(part, zlib.crc32(name)))
    path.write_bytes(content)

    def load(paths):
        return np.stack([np.array(Image.open(one)) for one in paths])

    with pytest.warns(UserWarning, match=r"read with 8 bits.*deep.png"):
        explainer = lime(path, as_classifier(mean_brightness), load)
    with pytest.warns(UserWarning, match=r"read with 8 bits.*deep.png"):
        explain(path, explainer, n_superpixels=8, n_permutations=20, random_state=1)


def test_an_error_at_the_users_original_does_not_lose_the_case(tmp_path):
    """A loader that cannot read the original explains the permutations all the same."""
    path = str(tmp_path / "image.jpg")
    Image.fromarray(mosaic(24, 32, 3)).save(path)

    def load(paths):
        if path in paths:
            raise OSError("only temporary files are read here")
        return np.stack([np.array(Image.open(one)) for one in paths])

    explainer = lime(path, as_classifier(mean_brightness, ["dark", "bright"]), load)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = explain(path, explainer, labels="bright", n_superpixels=8, n_permutations=40)
    own = np.asarray(Image.open(path)).mean() / 255
    assert rows["label_prob"].iloc[0] == pytest.approx(own)


@pytest.mark.parametrize("scale", [1, 1e6])
def test_a_number_is_compared_by_its_deviation(scale):
    """A regressor's predictions have no unit: the warning does not depend on their scale."""
    image = Image.fromarray(np.dstack([mosaic(24, 32, 3), np.full((24, 32), 200, np.uint8)]))

    def brightness(batch):
        return [scale * np.asarray(one.convert("RGB")).mean() for one in batch]

    explainer = lime(image, as_regressor(brightness))
    with pytest.warns(FitWarning, match=r"case 0 itself is .* with nothing removed, .*transpar"):
        explain(image, explainer, n_superpixels=8, n_permutations=40, random_state=1)


# Arrays


@pytest.mark.parametrize("background", ["grey", (0, 0, 0, 0)])
def test_a_fourth_channel_of_an_array_is_data(background):
    """Red, green, blue and near infrared in one array: the model sees the infrared as it is."""
    image = mosaic(32, 48, 4)
    seen = []

    def infrared(images):
        seen.append(images.copy())
        return images[:, :, :24, 3].mean(axis=(1, 2)) / 255

    explainer = lime(image, as_classifier(infrared, ["bare", "plants"]))
    explanation = explain(
        image, explainer, labels="plants", n_features=50, n_superpixels=24, n_permutations=300,
        background=background, random_state=1,
    )  # fmt: skip
    own = image[:, :24, 3].mean() / 255
    assert explanation["label_prob"].iloc[0] == pytest.approx(own, abs=1e-9)
    images = np.concatenate(seen)
    kept = (images == image).all(axis=-1)
    assert kept[0].all()
    removed = np.unique(images[~kept], axis=0)
    assert len(removed) == 1  # whatever colour that is in four channels
    change = np.zeros((32, 48))
    change[:, :24] = (image[:, :24, 3] - float(removed[0, 3])) / 255 / (32 * 24)
    truth = true_weights(explanation, change)
    weights = explanation["feature_weight"]
    np.testing.assert_allclose(weights, truth, atol=0.15 * np.abs(truth).max())


@pytest.mark.parametrize("bands", [5, 13])
def test_an_array_of_several_bands_is_one_image(bands):
    """A satellite's image of five or thirteen bands is one case; the model gets all bands."""
    image = mosaic(36, 48, bands)
    shapes = set()

    def last_band(images):
        shapes.add(images.shape[1:])
        return images[..., -1].mean(axis=(1, 2)) / 255

    explainer = lime(image, as_classifier(last_band, ["no", "yes"]))
    explanation = explain(
        image, explainer, labels="yes", n_superpixels=8, n_permutations=40, random_state=1
    )
    assert set(explanation["case"]) == {0}
    assert shapes == {image.shape}
    assert explanation["label_prob"].iloc[0] == pytest.approx(image[..., -1].mean() / 255, abs=1e-9)


def test_channels_first_is_refused_with_the_remedy():
    """A (3, H, W) array, as networks of PyTorch take it, is no stack of three grey images."""
    with pytest.raises(
        (TypeError, ValueError), match=r"(?is)channels?.*(kind|list)|(kind|list).*channels?"
    ):
        lime(mosaic(3, 30, 40), as_classifier(lambda images: images.mean(axis=(1, 2)) / 255))


def test_a_stack_of_small_grey_images_stays_a_stack():
    """Ten digits of 28x28 pixels are ten cases, although 28 could be a number of bands."""
    digits = np.stack([mosaic(28, 28, tile=7, seed=number) for number in range(10)])
    explainer = lime(digits, as_classifier(lambda d: d.mean(axis=(1, 2)) / 255, ["dark", "bright"]))
    explanation = explain(
        digits, explainer, labels="bright", n_superpixels=6, n_permutations=30, random_state=1
    )
    found = explanation.groupby("case")["label_prob"].first()
    np.testing.assert_allclose(found, digits.mean(axis=(1, 2)) / 255)


@pytest.mark.parametrize(("lowest", "grey"), [(0, 190 / 255), (-1, 2 * 190 / 255 - 1)])
def test_images_of_floats_keep_their_scale(lowest, grey):
    """Images of 0..1 or -1..1 in float32 go in as they are; removed parts are grey there."""
    tiles = np.random.default_rng(3).uniform(lowest, 1, (4, 5, 3)).astype(np.float32)
    image = tiles.repeat(8, axis=0).repeat(8, axis=1)
    seen = []

    def brightness(images):
        seen.append(np.array(images))
        return (images.mean(axis=(1, 2, 3)) - lowest) / (1 - lowest)

    explainer = lime(image, as_classifier(brightness, ["dark", "bright"]))
    explanation = explain(
        image, explainer, labels="bright", n_superpixels=8, n_permutations=60, random_state=1
    )
    images = np.concatenate(seen)
    assert images.dtype == np.float32
    kept = (images == image).all(axis=-1)
    removed = (np.abs(images - grey) < 0.003).all(axis=-1)
    assert kept[0].all()
    assert (kept | removed).all()
    assert (removed & ~kept).any()
    own = (image.mean() - lowest) / (1 - lowest)
    assert explanation["label_prob"].iloc[0] == pytest.approx(own, abs=1e-5)


def test_what_is_white_is_found_over_all_images():
    """A dark image of 0..255 beside a bright one; alone nobody could tell what its 12 is."""
    bright, dark = (mosaic(24, 32, 3).astype(np.float32) * part for part in (1, 0.05))
    seen = []

    def load(images):
        seen.append(images)
        return images

    explainer = lime([bright, dark], as_classifier(mean_brightness), load)
    explain(dark, explainer, n_superpixels=8, n_permutations=40, random_state=1)
    assert (np.concatenate(seen) == 190).any()
    with pytest.raises(ValueError, match=r"from 0 to 255.* pixel_range=\(low, high\)"):
        lime(dark, as_classifier(mean_brightness))


def test_an_image_of_another_scale_is_left_out():
    """The explainer knows 0..1; an image of 0..255 would be white for its model."""
    unit = mosaic(24, 32, 3) / 255
    explainer = lime(unit, as_classifier(lambda images: images.mean(axis=(1, 2, 3)) % 1))
    with pytest.warns(CaseWarning, match="from 0 to 1, as in lime.*; these lie from 6 to 255"):
        rows = explain([unit, unit * 255], explainer, n_superpixels=8, n_permutations=40)
    assert rows["case"].unique().tolist() == [0]


@pytest.mark.parametrize(
    ("dtype", "pixel_range"), [(np.int16, (-1024, 3071)), (np.float64, (0, 4)), (np.uint8, (0, 15))]
)
def test_the_user_can_say_what_is_black_and_white(dtype, pixel_range):
    """Units of tomography, for instance; grey is R's share of the range."""
    low, high = pixel_range
    image = (mosaic(24, 32) / 255 * (high - low) + low).astype(dtype)
    seen = []

    def spread(images):
        seen.append(images)
        return images.astype(float).std(axis=(1, 2))

    explainer = lime(image, as_regressor(spread), kind="image", pixel_range=pixel_range)
    explain(image, explainer, n_superpixels=8, n_permutations=40, random_state=1, penalty=0)
    grey = np.rint(low + (high - low) * 190 / 255) if dtype != np.float64 else 4 * 190 / 255
    images = np.concatenate(seen)
    assert images.dtype == dtype
    assert ((images == image) | (images == grey)).all()


@pytest.mark.parametrize("shape", [(3, 24, 32), (2, 3, 24, 32), (13, 24, 32), (1, 24, 32)])
def test_channels_come_first_where_the_user_says_so(shape):
    """Arrays of PyTorch: `preprocess` gets their layout, superpixels have rows and columns."""
    images = mosaic(*shape).astype(np.float32) / 255
    one = images[0] if len(shape) == 4 else images
    seen = set()

    def left(batch):
        seen.add(batch.shape[1:])
        assert batch.flags.c_contiguous
        return batch[:, :, :, :16].mean(axis=(1, 2, 3))

    explainer = lime(images, as_classifier(left, ["dark", "bright"]), channel_axis=0)
    rows = explain(one, explainer, labels="bright", n_superpixels=8, n_permutations=40)
    assert seen == {shape[-3:]}
    assert rows["label_prob"].iloc[0] == pytest.approx(one[:, :, :16].mean(), abs=1e-6)
    assert rows["feature_value"][0].shape == (24, 32)
    assert np.asarray(rows["data"][0]).shape == (24, 32, shape[-3])


def test_a_part_of_a_stack_is_read_as_the_stack():
    """Three of ten digits are three digits, because `lime()` saw ten."""
    digits = np.stack([mosaic(28, 28, tile=7, seed=number) for number in range(10)])
    explainer = lime(digits, as_classifier(lambda d: d.mean(axis=(1, 2)) / 255))
    rows = explain(digits[:3], explainer, n_superpixels=6, n_permutations=30, random_state=1)
    assert rows["case"].unique().tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("channels", "background", "expected"),
    [
        (1, (7,), [7]),
        (1, "red", [76]),
        (2, "grey", [190, 190]),
        (3, [1, 2, 3], [1, 2, 3]),
        (4, "red", [255, 0, 0, 76]),
        (4, (1, 2, 3, 4), [1, 2, 3, 4]),
        (6, (1, 2, 3, 4, 5, 6), [1, 2, 3, 4, 5, 6]),
        (6, (255, 0, 0), [255, 0, 0, 76, 76, 76]),
    ],
)
def test_a_background_has_a_number_for_each_channel(channels, background, expected):
    """A colour's brightness stands in channels beyond red, green and blue."""
    image = mosaic(24, 32, channels)
    seen = []

    def model(images):
        seen.append(images)
        return images.mean(axis=(1, 2, 3)) / 255

    explainer = lime(image, as_classifier(model), channel_axis=-1)
    explain(image, explainer, n_superpixels=8, n_permutations=40, background=background)
    removed = np.concatenate(seen)
    removed = removed[(removed != image).any(axis=-1)]
    assert np.unique(removed, axis=0).tolist() == [expected]


@pytest.mark.parametrize(
    ("image", "background", "message"),
    [
        (mosaic(24, 32, 3), (1, 2), "a number for each channel; this image has 3 channels"),
        (mosaic(24, 32, 3), (0.5, 0, 0), "whole numbers from 0 to 255"),
        (mosaic(24, 32, 3) / 255, (255, 0, 0), "numbers from 0 to 1 here"),
        (mosaic(24, 32, 4), "none", "transparent only for images with an alpha channel"),
        (mosaic(24, 32, 6), (1, 2, float("nan")), "`background` must be a colour"),
    ],
)
def test_a_background_that_does_not_fit_is_refused(image, background, message):
    """The error says how many numbers, and which, the image takes."""
    explainer = lime(image, as_classifier(lambda images: images.mean(axis=(1, 2, 3)) % 1))
    with pytest.raises(ValueError, match=message):
        explain(image, explainer, n_superpixels=8, n_permutations=20, background=background)


# What kind of input it is


def test_kind_makes_an_image_of_a_table_of_floats():
    """A 2-D array of floats is a table, and with kind="image" a grey image."""
    values = mosaic(28, 20, tile=4) / 255.0
    table = lime(values, as_regressor(lambda rows: np.asarray(rows)[:, 0]))
    rows = explain(values[:3], table, n_permutations=50, random_state=1)
    assert rows["case"].nunique() == 3

    model = as_classifier(lambda images: images[:, :14].mean(axis=(1, 2)), ["dark", "bright"])
    explanation = explain(
        values, lime(values, model, kind="image"), labels="bright", n_superpixels=8,
        n_permutations=60, random_state=1,
    )  # fmt: skip
    assert set(explanation["case"]) == {0}
    assert explanation["label_prob"].iloc[0] == pytest.approx(values[:14].mean(), abs=1e-6)


def test_kind_makes_a_table_of_small_whole_numbers():
    """Counts kept as uint8 are a table with kind="table", not a grey image."""
    counts = mosaic(60, 4)
    explainer = lime(counts, as_regressor(lambda rows: np.asarray(rows)[:, 2] * 1.0), kind="table")
    explanation = explain(counts[:2], explainer, n_permutations=300, random_state=1)
    assert explanation["case"].nunique() == 2
    strongest = explanation.loc[explanation["feature_weight"].abs().idxmax(), "feature"]
    assert strongest == "x2"


def test_kind_makes_texts_of_names_of_images():
    """Names of image files for a model that reads names: texts with kind="text"."""
    names = ["invoice may paid.png", "holiday june beach.png"]
    model = as_classifier(
        lambda texts: [0.1 + 0.8 * ("invoice" in t) for t in texts], ["other", "invoice"]
    )
    explainer = lime(names, model, kind="text")
    explanation = explain(names[0], explainer, labels="invoice", n_permutations=300, random_state=1)
    assert explanation["label_prob"].iloc[0] == pytest.approx(0.9)
    assert explanation.set_index("feature")["feature_weight"].abs().idxmax() == "invoice"


@pytest.mark.parametrize("name", ["photo.jfif", "scan.jp2"])
def test_an_image_file_of_any_ending_is_an_image(tmp_path, name):
    """A string that names a file that Pillow opens is an image, whatever its ending."""
    path = str(tmp_path / name)
    Image.fromarray(mosaic(24, 32, 3)).save(path, format={"photo.jfif": "JPEG"}.get(name))

    def load(paths):
        return np.stack([np.array(Image.open(one).convert("RGB")) for one in paths])

    explainer = lime(path, as_classifier(mean_brightness, ["dark", "bright"]), load)
    explanation = explain(
        path, explainer, labels="bright", n_superpixels=8, n_permutations=30, random_state=1
    )
    assert explanation["label_prob"].iloc[0] == pytest.approx(load([path]).mean() / 255, abs=1e-9)
    assert "superpixel" in repr(explanation["feature_value"].iloc[0])


def test_one_unusual_ending_does_not_make_texts_of_images(tmp_path):
    """A list of image files stays one if one of them has an ending that few use."""
    paths = [str(tmp_path / name) for name in ("a.png", "b.jp2", "c.jpg")]
    for number, path in enumerate(paths):
        Image.fromarray(mosaic(24, 32, 3, seed=number)).save(path)

    def load(names):
        return np.stack([np.array(Image.open(one).convert("RGB")) for one in names])

    explainer = lime(paths, as_classifier(mean_brightness, ["dark", "bright"]), load)
    explanation = explain(
        paths, explainer, labels="bright", n_superpixels=8, n_permutations=30, random_state=1
    )
    assert explanation["case"].nunique() == 3
    np.testing.assert_allclose(
        explanation.groupby("case")["label_prob"].first(), load(paths).mean(axis=(1, 2, 3)) / 255
    )


def test_a_file_that_is_no_image_is_not_taken_for_a_text(tmp_path):
    """The name of a file that Pillow cannot open is an error that says so, and no text."""
    path = tmp_path / "slice.dcm"
    path.write_bytes(b"\0" * 128 + b"DICM" + b"\1" * 500)
    model = as_classifier(
        lambda texts: [0.2 + 0.5 * ("dcm" in str(t)) for t in texts], ["no", "yes"]
    )
    with pytest.raises((TypeError, ValueError), match=r"(?i)slice\.dcm.*|file") as caught:
        lime(str(path), model)
    assert re.search(r"(?i)\bfile", str(caught.value))
    assert "slice.dcm" in str(caught.value)


def test_a_file_name_among_texts_is_warned_of(tmp_path):
    """A list of texts in which one string names a file: the user may have forgotten to read it."""
    path = tmp_path / "review.txt"
    path.write_text("a good film")
    texts = ["a good film", str(path)]
    model = as_classifier(lambda batch: [0.1 + len(text) / 5000 for text in batch])
    with pytest.warns(UserWarning, match=r"1 of 2 texts is the name of a file") as caught:
        explainer = lime(texts, model)
    assert "review.txt" in str(caught[0].message)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(texts[0], explainer, n_permutations=50, penalty=0)
        explainer = lime(texts, model, kind="text")
        explain(texts[0], explainer, n_permutations=50, penalty=0)
    with pytest.raises(ValueError, match=r"file .*review.txt is not an image"):
        lime([str(path)], model)
    with pytest.warns(UserWarning, match="is the name of a file"):
        explain([str(path)], lime(["a good film"], model), n_permutations=50)


def test_the_name_of_a_folder_is_warned_of(tmp_path):
    """A folder of photos, as a string: only a `Path` is never a text."""
    model = as_classifier(lambda batch: [0.1 + len(text) / 5000 for text in batch])
    with pytest.warns(UserWarning, match=r"The only text is the name of a folder.*glob") as caught:
        lime(str(tmp_path), model)
    assert caught[0].filename == __file__
    with pytest.raises(ValueError, match=r"is a folder\. Pass its files, such as sorted"):
        lime(tmp_path, model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lime(str(tmp_path), model, kind="text")
        lime([str(tmp_path), "a text"], model)
        lime(["", "a text"], model)


def test_a_missing_name_among_files_does_not_make_texts_of_them(tmp_path):
    """A table's column of paths, of which one is missing."""
    path = str(tmp_path / "image.png")
    Image.fromarray(mosaic(24, 32, 3)).save(path)
    for names in ([path, None], pd.Series([None, path]), [path, float("nan")]):
        with pytest.raises(ValueError, match="images are missing at the positions"):
            lime(names, as_classifier(mean_brightness))


def test_a_series_of_another_library_names_files(tmp_path):
    """Polars has columns of paths, too."""
    path = str(tmp_path / "image.jp2")
    Image.fromarray(mosaic(24, 32, 3)).save(path)
    assert recognise(pl.Series([path]))[0].name == "image"


def test_the_imagenet_classifier_prepares_single_images(tmp_path):
    """One path, `Path`, array or image of Pillow, and photos upright."""
    image = Image.fromarray(mosaic(40, 40, 3))
    image.save(tmp_path / "image.png")
    expected = imagenet_preprocess([str(tmp_path / "image.png")])
    assert expected.shape == (1, 224, 224, 3)
    path = tmp_path / "image.png"
    for one in (path, str(path), image, np.asarray(image), np.asarray(image)[None]):
        np.testing.assert_array_equal(imagenet_preprocess(one), expected)
    floats = imagenet_preprocess(np.asarray(image) / np.float32(255))
    np.testing.assert_array_equal(floats, expected)
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(np.asarray(image))))
    turned.getexif()[ORIENTATION] = 6
    np.testing.assert_array_equal(imagenet_preprocess(turned), expected)
