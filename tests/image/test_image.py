"""Explaining pictures: against R, and whatever the pictures come as."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE, TESTS, number, read_reference, region_model
from PIL import Image, ImageOps
from skimage.io import imread, imsave

from pylime import (
    COLUMNS,
    Bitmap,
    CaseWarning,
    Superpixel,
    as_classifier,
    as_regressor,
    explain,
    lime,
    plot_superpixels,
)
from pylime.image import painting
from pylime.image.explainer import draw_masks, make_painter
from pylime.image.pixels import flatten, parse_colour, read_image, read_original
from pylime.image.png import ORIENTATION, PngWriter, write_png
from pylime.shades import upright
from pylime.similarity import cosine_similarity
from pylime.superpixels import segment

FOLDER = REFERENCE / "images"
CAT = FOLDER / "chelsea_64x43.png"
END_TO_END = read_reference("end_to_end_image.json.gz")
SLIC = read_reference("slic_labels.npz")
SMALL = {"n_permutations": 60, "n_superpixels": 12, "random_state": 1}
WIDTHS = cycle([2, 3])


def load(paths) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])


def read_sixteen_bits(paths) -> np.ndarray:
    return np.stack([imread(path) for path in paths]) / 257


def mean_brightness(images) -> np.ndarray:
    return np.array([np.mean(image) / 255 for image in images])


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left.reset_index(drop=True), right.reset_index(drop=True))


# Against R


def r_explanation(setting: str, seed: int) -> pd.DataFrame:
    stored = END_TO_END["settings"][setting]
    path = str(FOLDER / END_TO_END["image"])
    model = as_classifier(region_model, END_TO_END["model"]["labels"])
    return explain(path, lime(path, model, load), random_state=seed, **stored["explain_args"])


@pytest.mark.parametrize("setting", END_TO_END["settings"])
def test_means_over_seeds_are_rs(setting):
    """Within four standard errors of the difference, for features that always appear."""
    stored = END_TO_END["settings"][setting]
    n_seeds = 12
    runs = pd.concat([r_explanation(setting, seed) for seed in range(n_seeds)])
    theirs = pd.DataFrame(stored["summary"])
    grouped = runs.groupby(["label", "feature"])
    ours = grouped[["feature_weight", "model_intercept", "model_r2", "model_prediction"]].agg(
        ["mean", "std", "count"]
    )
    always = theirs[theirs["n"] == stored["n_seeds"]]
    compared = 0
    for row in always.to_dict("records"):
        if (row["label"], row["feature"]) not in ours.index:
            continue
        mine = ours.loc[(row["label"], row["feature"])]
        if mine["feature_weight", "count"] < n_seeds:
            continue
        for column in ("feature_weight", "model_intercept", "model_r2", "model_prediction"):
            error = np.hypot(
                number(row[f"{column}_sd"]) / np.sqrt(stored["n_seeds"]),
                mine[column, "std"] / np.sqrt(n_seeds),
            )
            assert abs(mine[column, "mean"] - row[f"{column}_mean"]) <= 4 * error, (row, column)
        compared += 1
    # Forward selection swaps features that hardly differ; the clear ones are compared.
    assert compared >= (len(always) if setting != "auto5" else 4)


@pytest.mark.parametrize("setting", END_TO_END["settings"])
def test_the_frame_is_rs_in_form(setting):
    stored = END_TO_END["settings"][setting]
    ours, full = r_explanation(setting, 0), stored["full_run_seed1"]
    assert list(ours.columns) == list(COLUMNS)
    assert [name for name in ours if name != "data"] == full["columns"]
    assert len(ours) == full["nrow"]
    assert ours["label"].tolist() == full["values"]["label"]
    np.testing.assert_allclose(ours["label_prob"], full["values"]["label_prob"], rtol=1e-12)
    assert set(ours["case"]) == {END_TO_END["image"]}
    for row in ours.itertuples():
        known = stored["feature_desc"].get(f"{row.label}|{row.feature}")
        assert known in (None, row.feature_desc)
    assert ours["prediction"][0] == pytest.approx(
        {label: value[0] for label, value in END_TO_END["original_prediction"].items()}
    )
    if setting != "auto5":  # all superpixels, in their order
        assert ours["feature"].tolist() == full["values"]["feature"]
        assert ours["feature_value"].map(str).tolist() == stored["format_feature_value"]
        for cell, first in zip(
            ours["feature_value"], stored["feature_value_first_pixels"], strict=False
        ):
            assert (cell.indices[: len(first)] + 1).tolist() == first


def test_mask_similarities_are_rs():
    kept = ~SLIC["mask_perms_removed"]
    ours = {
        "mask_cosine": cosine_similarity(kept[0], kept),
        "weighted_cosine": cosine_similarity(SLIC["weighted_vector"], SLIC["weighted_matrix"]),
    }
    for name, similarity in ours.items():
        known = np.isfinite(SLIC[name])  # R's is missing where nothing is kept, ours is 0
        np.testing.assert_allclose(similarity[known], SLIC[name][known], rtol=1e-13)
        assert (similarity[~known] == 0).all()


@pytest.mark.parametrize("background", ["grey", "black", "white", "red", "#12345678", "none"])
def test_blanked_pixels_are_rs(background):
    stored = SLIC["blanked_" + background.replace("#", "hex")]
    labels = SLIC["blanked_labels"].astype(int)
    pixels = np.asarray(Image.open(CAT).convert("RGBA"))
    paint = make_painter(pixels, labels, parse_colour(background, "background"))
    kept = np.arange(1, labels.max() + 1) % 2 == 0
    # Stored channel after channel, column after column.
    stored = stored.reshape(stored.shape[::-1]).transpose(2, 1, 0)
    np.testing.assert_array_equal(paint(kept[None])[0], stored)


# Whatever the pictures come as


def pictures_of_every_kind(folder: Path) -> dict[str, Path]:
    rgb = np.asarray(Image.open(CAT).convert("RGB"))
    grey = np.asarray(Image.open(CAT).convert("L"))
    image = Image.fromarray(rgb)
    rgba = image.convert("RGBA")
    rgba.putalpha(Image.fromarray(grey))
    made = {
        name: folder / name
        for name in ("a.jpg", "a.JPEG", "a.bmp", "a.png", "a.tif", "a.tiff", "palette.gif")
    }
    for path in made.values():
        image.save(path, format={".gif": "GIF", ".tif": "TIFF", ".tiff": "TIFF"}.get(path.suffix))
    others = {
        "grey.png": Image.fromarray(grey),
        "grey.jpg": Image.fromarray(grey),
        "rgba.png": rgba,
        "la.png": rgba.convert("LA"),
        "palette.png": image.convert("P"),
        "one bit.png": image.convert("1"),
        "16 bit.png": Image.fromarray(grey.astype(np.uint16) * 257),
        "cmyk.jpg": image.convert("CMYK"),
    }
    for name, other in others.items():
        other.save(folder / name)
        made[name] = folder / name
    imsave(folder / "16 bit.tif", rgb.astype(np.uint16) * 257, check_contrast=False)
    made["16 bit.tif"] = folder / "16 bit.tif"
    return made


def test_files_of_every_kind_can_be_explained(tmp_path):
    for name, path in pictures_of_every_kind(tmp_path).items():
        pixels = read_image(path)
        assert pixels.dtype == np.uint8  # as people see it
        assert pixels.shape[:2] == (43, 64), name
        read = read_sixteen_bits if name.startswith("16 bit") else load
        explainer = lime(path, as_classifier(lambda x, read=read: mean_brightness(read(x))))
        explanation = explain(path, explainer, n_labels=2, **SMALL)
        assert explanation["case"].unique().tolist() == [name]
        assert explanation["model_r2"].between(0, 1).all()


def test_sixteen_bits_are_rounded_to_eight(tmp_path):
    grey = np.asarray(Image.open(CAT).convert("L"))
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), grey)
    rgb = np.asarray(Image.open(CAT).convert("RGB"))
    imsave(tmp_path / "rgb.tif", rgb.astype(np.uint16) * 257, check_contrast=False)
    np.testing.assert_array_equal(read_image(tmp_path / "rgb.tif"), rgb)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 255]], np.int32), [0, 255]),
        (np.array([[0, 65535]], np.int32), [0, 255]),
        (np.array([[0, 200]], np.float32), [0, 200]),
        (np.array([[0, 1]], np.float32), [0, 255]),
    ],
)
def test_other_numbers_are_scaled_to_eight_bits(values, expected):
    assert read_image(Image.fromarray(values)).tolist() == [expected]


@pytest.mark.parametrize("value", [-2.0, 1e6, np.nan])
def test_numbers_of_no_known_range_are_refused(value):
    with pytest.raises(ValueError, match="Pixel values must lie from 0 to 255"):
        read_image(Image.fromarray(np.array([[0, value]], np.float32)))


def test_grey_files_take_a_coloured_background(tmp_path):
    Image.open(CAT).convert("L").save(tmp_path / "grey.png")
    seen = set()

    def model(paths):
        seen.update(tuple(pixel) for pixel in load(paths).reshape(-1, 3)[:50])
        return load(paths).mean((1, 2, 3)) / 255

    path = tmp_path / "grey.png"
    explain(path, lime(path, as_classifier(model)), background="red", **SMALL)
    assert (255, 0, 0) in seen


def test_the_frame_keeps_its_picture_when_the_array_changes(brightness):
    array = np.asarray(Image.open(CAT).convert("RGB")).copy()
    explanation = explain(array, lime(array, as_classifier(brightness)), **SMALL)
    before = np.asarray(explanation["data"][0]).copy()
    array[:] = 0
    np.testing.assert_array_equal(explanation["data"][0], before)


def test_classes_may_be_false_and_true(brightness):
    array = np.asarray(Image.open(CAT).convert("RGB"))
    explainer = lime(array, as_classifier(brightness, [False, True]))
    explanation = explain(array, explainer, labels=True, **SMALL)
    assert explanation["label"].unique().tolist() == [True]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_what_you_pass_is_what_preprocess_gets(tmp_path, mode):
    image = Image.open(CAT).convert(mode)
    image.save(tmp_path / "cat.png")
    array = np.asarray(image)
    seen = []

    def remember(batch):
        seen.append(batch)
        if isinstance(batch, np.ndarray):
            return batch
        return np.stack([np.asarray(Image.open(p) if isinstance(p, str) else p) for p in batch])

    def model(pictures):
        return pictures.reshape(len(pictures), -1).mean(axis=1) / 255

    frames = []
    for x in (str(tmp_path / "cat.png"), image, array):
        explainer = lime(x, as_classifier(model), remember)
        frames.append(explain(x, explainer, batch_size=25, **SMALL).drop(columns="case"))
        batches, seen = seen, []
        if not isinstance(x, np.ndarray):  # the image as it was passed comes first
            assert batches.pop(0) == [x]
        assert [len(batch) for batch in batches][:2] == [25, 25]
        if isinstance(x, str):
            assert all(isinstance(path, str) for path in batches[0])
            assert not os.path.exists(batches[0][0])
        elif isinstance(x, Image.Image):
            assert {picture.mode for picture in batches[0]} == {mode}
        else:
            assert batches[0].shape == (25, *array.shape)
            assert batches[0].dtype == np.uint8
            np.testing.assert_array_equal(batches[0][0], array)
    same(frames[0], frames[1])
    if mode != "RGBA":  # the fourth channel of an array is data
        same(frames[0], frames[2])


def test_transparent_pixels_show_the_background():
    grey = (190, 190, 190, 255)
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[:, 10:] = (200, 100, 0, 255)
    labels = segment(pixels[..., :3], 4)
    painted = make_painter(flatten(pixels, grey), labels, grey)(np.ones((1, labels.max()), bool))
    assert painted[0, 0, 0].tolist() == list(grey)
    assert painted[0, 0, 15].tolist() == [200, 100, 0, 255]


def test_a_transparent_background_needs_an_alpha_channel(brightness):
    array = np.asarray(Image.open(CAT).convert("RGB"))
    with pytest.raises(ValueError, match="alpha channel"):
        explain(array, lime(array, as_classifier(brightness)), background="none", **SMALL)
    modes = set()

    def model(paths):
        modes.update(Image.open(path).mode for path in paths)
        return load(paths).mean((1, 2, 3)) / 255

    explain(CAT, lime(CAT, as_classifier(model)), background="none", **SMALL)
    assert modes == {"RGB", "RGBA"}  # of the photo as it was passed, and of its permutations


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3), (7, 9, 4)])
def test_written_files_are_lossless(tmp_path, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    write_png(tmp_path / "a.png", pixels)
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        np.testing.assert_array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16"])
@pytest.mark.parametrize("width", [9, 70_000])
def test_files_of_every_mode_say_all_of_it(tmp_path, mode, width):
    """Lines can be longer than the longest block of zlib's."""
    random = np.random.default_rng(0)
    channels = {"LA": (2,), "RGB": (3,), "RGBA": (4,)}.get(mode, ())
    pixels = random.integers(0, 256, (5, width, *channels), dtype=np.uint8)
    if mode == "1":
        pixels = np.where(pixels > 127, 255, 0).astype(np.uint8)
    if mode == "I;16":
        pixels = pixels.astype(np.uint16) * 250
    palette = random.integers(0, 256, (256, 4), dtype=np.uint8) if mode == "P" else None
    writer = PngWriter((5, width), mode, palette, orientation=6, profile=b"a profile")
    for _ in range(2):
        writer.write(tmp_path / "a.png", pixels)
        with Image.open(tmp_path / "a.png") as image:
            image.verify()  # the checksums
        with Image.open(tmp_path / "a.png") as image:
            image.load()
            assert (image.mode, image.info["icc_profile"]) == (mode, b"a profile")
            assert image.getexif()[ORIENTATION] == 6
            found = np.asarray(image)
            np.testing.assert_array_equal(found * 255 if mode == "1" else found, pixels)
            if palette is not None:
                colours = np.asarray(image.convert("RGBA"))
                np.testing.assert_array_equal(colours, palette[pixels])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_pillow_turns_them(orientation):
    image = Image.open(CAT).convert("RGB")
    image.getexif()[ORIENTATION] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(upright(np.asarray(image), orientation), expected)


def test_regression_has_no_labels(brightness):
    array = np.asarray(Image.open(CAT).convert("RGB"))
    explainer = lime(array, as_regressor(brightness))
    explanation = explain(array, explainer, n_features=3, **SMALL)
    assert [c for c in COLUMNS if c not in ("label", "label_prob")] == list(explanation)
    assert explanation["prediction"][0] == pytest.approx(brightness(array[None])[0])
    with pytest.warns(UserWarning, match="ignored when explaining regression"):
        same(explain(array, explainer, n_features=3, n_labels=2, **SMALL), explanation)


def test_cells_hold_the_picture_and_its_superpixels(brightness):
    array = np.asarray(Image.open(CAT).convert("RGB"))
    explanation = explain(
        array, lime(array, as_classifier(brightness)), feature_select="none", **SMALL
    )
    assert all(isinstance(cell, Superpixel) for cell in explanation["feature_value"])
    assert isinstance(explanation["data"][0], Bitmap)
    np.testing.assert_array_equal(np.asarray(explanation["data"][0]), array)
    assert (
        sum(cell.mask for cell in explanation["feature_value"]).tolist()
        == np.ones((43, 64)).tolist()
    )


# Draws


def test_the_first_mask_keeps_all_and_none_keeps_nothing():
    kept = draw_masks(2000, 3, 0.8, np.random.default_rng(0))
    assert kept[0].all()
    assert kept.any(axis=1).all()
    assert draw_masks(50, 4, 1 - 1e-12, np.random.default_rng(0))[1:].sum(axis=1).max() == 1
    kept = draw_masks(20_000, 30, 0.3, np.random.default_rng(0))
    assert abs(kept[1:].mean() - 0.7) < 0.005


def test_a_case_gives_the_same_rows_alone_in_a_batch_and_in_any_order(brightness):
    pictures = [np.asarray(Image.open(CAT).convert("RGB"))[:, shift:] for shift in (0, 8, 16)]
    explainer = lime(pictures, as_classifier(brightness))

    def rows(x, **options):
        frame = explain(x, explainer, n_labels=2, **(SMALL | options))
        return {case: part.drop(columns="case") for case, part in frame.groupby("case")}

    whole = rows(pictures)
    for case, picture in enumerate(pictures):
        same(rows(picture)[0], whole[case])
    for position, part in rows(pictures[::-1]).items():
        same(part, whole[2 - position])
    for case, part in rows(pictures, batch_size=7).items():
        same(part, whole[case])


def module_brightness(pictures):
    return np.asarray(pictures).reshape(len(pictures), -1).mean(axis=1) / 255


def test_parallel_is_serial():
    pictures = [np.asarray(Image.open(CAT).convert("RGB"))[:, shift:] for shift in (0, 8, 16)]
    explainer = lime(pictures, as_classifier(module_brightness))
    same(
        explain(pictures, explainer, **SMALL),
        explain(pictures, explainer, n_jobs=2, **SMALL),
    )


def test_seeds_decide_and_numpys_global_state_is_left_alone(brightness):
    array = np.asarray(Image.open(CAT).convert("RGB"))
    explainer = lime(array, as_classifier(brightness))
    options = {"n_permutations": 40, "n_superpixels": 12}
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = explain(array, explainer, random_state=3, **options)
    same(first, explain(array, explainer, random_state=np.int64(3), **options))
    generator = np.random.default_rng(3)
    drawn = [explain(array, explainer, random_state=generator, **options) for _ in range(2)]
    assert not drawn[0].equals(drawn[1])
    same(drawn[0], explain(array, explainer, random_state=np.random.default_rng(3), **options))
    assert not explain(array, explainer, **options).equals(explain(array, explainer, **options))
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_equal_permutations_are_predicted_once():
    array = np.asarray(Image.open(CAT).convert("RGB"))
    n_predicted = 0

    def model(pictures):
        nonlocal n_predicted
        n_predicted += len(pictures)
        return pictures.mean((1, 2, 3)) / 255

    explain(array, lime(array, as_classifier(model)), n_superpixels=4, random_state=0)
    assert n_predicted <= 2 ** segment(array, 4).max() - 1


def test_the_users_objects_are_not_changed(brightness):
    array = np.asarray(Image.open(CAT).convert("RGB")).copy()
    before = array.copy()
    array.flags.writeable = False
    explain(array, lime(array, as_classifier(brightness)), **SMALL)
    np.testing.assert_array_equal(array, before)


def test_memory_does_not_grow_with_the_permutations(brightness):
    import tracemalloc

    array = np.asarray(Image.open(FOLDER / "chelsea_150x100.png").convert("RGB"))
    explainer = lime(array, as_classifier(brightness))
    peaks = []
    for n_permutations in (200, 3000):
        tracemalloc.start()
        explain(array, explainer, n_permutations=n_permutations, random_state=0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 3000 pictures would be 135 MB.
    assert peaks[1] - peaks[0] < 10e6


# What is left behind


def test_temporary_files_are_gone_after_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    calls = 0

    def model(paths):
        nonlocal calls
        calls += 1
        assert list(tmp_path.iterdir())
        if calls == 3:
            raise RuntimeError("the model broke")
        return load(paths).mean((1, 2, 3)) / 255

    with pytest.raises(RuntimeError, match="the model broke"):
        explain(CAT, lime(CAT, as_classifier(model)), **SMALL)
    assert not list(tmp_path.iterdir())


def breaks_at_the_third_case(paths):
    if Image.open(paths[0]).size[0] == 48:
        raise RuntimeError("the model broke")
    time.sleep(0.05)
    return load(paths).mean((1, 2, 3)) / 255


def test_temporary_files_of_workers_are_gone_after_an_error(tmp_path):
    """The workers are ended in the middle of their batches."""
    paths = []
    for width in (64, 56, 48, 40):
        paths.append(str(tmp_path / f"{width}.png"))
        Image.open(CAT).crop((0, 0, width, 43)).save(paths[-1])
    (tmp_path / "tmp").mkdir()
    script = f"""
        import sys
        sys.path[:0] = [{str(TESTS)!r}, {str(TESTS / "image")!r}]
        from test_image import breaks_at_the_third_case as model
        from pylime import lime, explain, as_classifier
        explainer = lime({paths!r}, as_classifier(model))
        explain({paths!r}, explainer, n_jobs=2, n_superpixels=12, n_permutations=200)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "the model broke" in done.stderr
    assert not list((tmp_path / "tmp").glob("pylime-*"))


@pytest.mark.linux
def test_temporary_files_are_gone_after_an_interrupt(tmp_path):
    script = f"""
        import time, numpy as np
        from pylime import lime, explain, as_classifier
        def model(paths):
            print("predicting", flush=True)
            time.sleep(0.2)
            return np.random.random(len(paths))
        explain({str(CAT)!r}, lime({str(CAT)!r}, as_classifier(model)), n_superpixels=12)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout
    process.stdout.readline()
    process.stdout.readline()  # the first prediction is that of the user's own file
    time.sleep(0.05)
    assert list(tmp_path.iterdir())
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    assert not list(tmp_path.iterdir())


# Bad input


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.png", b"", "is empty"),
        ("text.png", b"no image at all", "not an image"),
        ("cut.png", CAT.read_bytes()[:3000], "cannot be read"),
        ("head.jpg", b"\xff\xd8\xff\xe0", "cannot be read|not an image"),
        ("cut.tif", b"II*\x00\x08\x00\x00\x00", "cannot be read|not an image"),
    ],
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_files_are_left_out_by_name(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    explainer = lime(CAT, as_classifier(lambda paths: load(paths).mean((1, 2, 3)) / 255))
    with pytest.warns(CaseWarning, match=f"left out. {name}: .*({message})"):
        explanation = explain([str(CAT), str(path)], explainer, **SMALL)
    assert explanation["case"].unique().tolist() == [CAT.name]
    with pytest.raises(ValueError, match=message):
        explain(path, explainer, **SMALL)


def test_small_images_are_left_out_and_none_is_read_twice(monkeypatch, brightness):
    read = []

    def counting(item, *ranges, **options):
        read.append(item.shape)
        return read_original(item, *ranges, **options)

    monkeypatch.setattr("pylime.image.explainer.read_original", counting)
    images = [np.asarray(Image.open(CAT)), np.zeros((2, 3, 3), np.uint8)]
    explainer = lime(images, as_classifier(brightness))
    with pytest.warns(CaseWarning, match="1: `n_superpixels` must not exceed .* 12 with 3x2"):
        explanation = explain(images, explainer, **{**SMALL, "n_superpixels": 12})
    assert explanation["case"].unique().tolist() == [0]
    assert read == [image.shape for image in images]


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="do not exist"):
        lime(tmp_path / "none.png", as_classifier(load))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_features": 0}, ValueError, "`n_features` must be a positive whole number; not 0"),
        ({"n_features": 2.5}, TypeError, "`n_features` must be a positive whole number"),
        (
            {"n_permutations": 1},
            ValueError,
            "`n_permutations` must be .* at least 2",
        ),
        ({"n_permutations": "many"}, TypeError, "`n_permutations` must be a whole number"),
        ({"n_superpixels": -1}, ValueError, "`n_superpixels` must be a positive whole"),
        ({"n_superpixels": 10_000}, ValueError, "must not exceed the number of pixels"),
        ({"n_superpixels": 1}, ValueError, "No superpixels are left"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be a positive whole"),
        ({"n_iter": True}, TypeError, "`n_iter` must be a positive whole"),
        ({"weight": 0}, ValueError, "`weight` must be a positive number"),
        ({"p_remove": 1.5}, ValueError, "`p_remove` must be a probability between 0 and 1"),
        ({"p_remove": 0}, ValueError, "`p_remove` must be a probability between 0 and 1"),
        ({"background": "greyish"}, ValueError, "`background` must be a colour"),
        ({"background": (1, 2)}, ValueError, "`background` must be a colour"),
        ({"feature_select": "best"}, ValueError, "`feature_select` must be one of"),
        ({"labels": "left"}, ValueError, "must be among .* Nearest: 'leftR'"),
        ({"n_labels": 4}, ValueError, "must not exceed the model's 3 labels"),
        ({"labels": "leftR", "n_labels": 1}, ValueError, "choose between"),
        ({"n_superpixel": 9}, TypeError, "no option 'n_superpixel'. Did you mean 'n_superpixels'"),
        ({"random_state": -1}, ValueError, "`random_state` must not be negative"),
        ({"n_jobs": 0}, ValueError, "`n_jobs` must be a number of jobs"),
        ({"progress": "no"}, TypeError, "`progress` must be True, False or None"),
        ({"predict_options": [1]}, TypeError, "`predict_options` must be a mapping"),
        ({"labels": iter([])}, ValueError, "must name at least one label"),
        ({"random_state": "one"}, TypeError, "`random_state` must be None"),
        ({"dist_fun": "gower"}, TypeError, "no option 'dist_fun'"),
    ],
)
def test_wrong_arguments_say_argument_rule_and_value(options, error, message):
    array = np.asarray(Image.open(CAT).convert("RGB"))
    explainer = lime(array, as_classifier(region_model, ["leftR", "midG", "rightB"]))
    with pytest.raises(error, match=message):
        explain(array, explainer, **options)


@pytest.mark.parametrize(
    ("model", "preprocess", "error", "message"),
    [
        (region_model, None, TypeError, "as_classifier"),
        (None, None, TypeError, "`model` must be"),
        (as_classifier(region_model), "resize", TypeError, "`preprocess` must be a function"),
    ],
)
def test_wrong_models_are_found_out_by_lime(model, preprocess, error, message):
    with pytest.raises(error, match=message):
        lime(CAT, model, preprocess)


def test_lime_has_no_options_for_images():
    with pytest.raises(TypeError, match="no option 'n_bins'"):
        lime(CAT, as_classifier(region_model), n_bins=4)


@pytest.mark.parametrize(
    ("model", "preprocess", "message"),
    [
        (region_model, lambda x: x[:3], "10 images went in, 3 rows came out"),
        (region_model, lambda x: None, "it returned None"),
        (lambda x: np.full((len(x), 2), np.nan), None, "finite numbers"),
        (lambda x: np.ones(3), None, "one row for each of the 10 cases"),
        (lambda x: np.ones((len(x), 2, 2)), None, "array of shape"),
        (lambda x: np.full((len(x), 2), 0.5), None, "0.5 for every permutation"),
        (lambda x: np.eye(len(x), next(WIDTHS)), None, "same classes for every batch"),
    ],
)
def test_unusable_predictions_are_refused(model, preprocess, message):
    array = np.asarray(Image.open(CAT).convert("RGB"))
    with pytest.raises(ValueError, match=message):
        explain(array, lime(array, as_classifier(model), preprocess), **SMALL)


def test_a_case_that_cannot_be_explained_leaves_the_others():
    array = np.asarray(Image.open(CAT).convert("RGB"))
    black = np.full_like(array, 190)
    explainer = lime(array, as_classifier(module_brightness))
    with pytest.warns(UserWarning, match=r"1 of 2 cases could not"):
        explanation = explain([array, black], explainer, **SMALL)
    assert explanation["case"].unique().tolist() == [0]
    with pytest.raises(ValueError, match=r"does not react|single superpixel"):
        explain(black, explainer, **SMALL)


def test_an_explainer_prints_what_it_holds():
    explainer = lime(CAT, as_classifier(region_model))
    assert repr(explainer) == "<ImageExplainer of the classification model region_model>"


def test_only_explainers_explain():
    with pytest.raises(TypeError, match="must come from lime"):
        explain(CAT, region_model)


# Files from strangers

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 20 20
%%EndComments
showpage
%%EOF
"""


def test_no_program_runs_to_read_a_file(tmp_path, monkeypatch, brightness):
    """Pillow gives EPS to Ghostscript, whatever the name of the file."""

    def no_program(*arguments, **options):
        raise AssertionError(arguments)

    monkeypatch.setattr("subprocess.Popen", no_program)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", "gs")
    path = tmp_path / "cat.png"
    path.write_bytes(EPS)
    with pytest.raises(ValueError, match=r"cat\.png is not an image in a format"):
        plot_superpixels(path)
    with pytest.raises(ValueError, match=r"cat\.png is not an image in a format"):
        explain(str(path), lime(str(path), as_classifier(brightness), probe=False))


@pytest.mark.parametrize("share", [0.75, 0.25])
def test_files_with_too_many_pixels_are_errors_with_their_name(tmp_path, monkeypatch, share):
    """Pillow warns above its limit, and raises above twice the limit."""
    path = tmp_path / "large.png"
    Image.new("L", (40, 30)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(1200 * share))
    with pytest.raises(ValueError, match=r"large\.png has more than \d+ pixels.*MAX_IMAGE_PIXELS"):
        plot_superpixels(path)
    imsave(tmp_path / "large.tif", np.zeros((40, 30, 3), np.uint16), check_contrast=False)
    with pytest.raises(ValueError, match=r"large\.tif has more than \d+ pixels|cannot be read"):
        plot_superpixels(tmp_path / "large.tif")


def test_large_batches_are_painted_one_ahead(monkeypatch):
    """While the model predicts a batch, a thread paints the next, and no more than that."""
    array = np.asarray(Image.open(CAT).convert("RGB"))
    original = read_original(array, {})
    labels = segment(array, 12)
    paint = make_painter(array, labels, [127] * 3)
    masks = np.random.default_rng(0).random((23, labels.max())) < 0.5
    painted = []

    def counted(some):
        painted.append((len(some), threading.current_thread()))
        return paint(some)

    for ahead in ((2**60, 2**60), (0, 2**60)):
        monkeypatch.setattr(painting, "_AHEAD", ahead)
        painted.clear()
        batches = painting.painted_batches(original, counted, masks, 5, None)
        first = next(batches)
        second = next(batches)
        assert len(painted) in ({2} if ahead[0] else {2, 3})
        found = np.concatenate([first.inputs, second.inputs, *(b.inputs for b in batches)])
        np.testing.assert_array_equal(found, paint(masks))
        assert [n for n, _ in painted] == [5, 5, 5, 5, 3]
        assert (threading.current_thread() in {thread for _, thread in painted}) == bool(ahead[0])

    def broken(some):
        if len(painted) == 2:
            raise MemoryError("no more")
        return counted(some)

    painted.clear()
    batches = painting.painted_batches(original, broken, masks, 5, None)
    next(batches)
    with pytest.raises(MemoryError, match="no more"):
        list(batches)
    painted.clear()
    closed = painting.painted_batches(original, counted, masks, 5, None)
    next(closed)
    closed.close()
    assert not {thread for _, thread in painted} & set(threading.enumerate())
