"""The cells of the tidy frame and R's way to write numbers."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pylime import COLUMNS, Bitmap, Superpixel, load_image_example
from pylime.numbers import format_numbers


def test_the_columns_are_rs():
    assert COLUMNS == (
        "model_type",
        "case",
        "label",
        "label_prob",
        "model_r2",
        "model_intercept",
        "model_prediction",
        "feature",
        "feature_value",
        "feature_weight",
        "feature_desc",
        "data",
        "prediction",
    )


@pytest.mark.parametrize(
    ("values", "digits", "texts"),
    [
        ([0.72, 0.0781], 2, ["0.720", "0.078"]),
        ([0.99999], 2, ["1"]),
        ([0.00012345], 2, ["0.00012"]),
        ([1e5, 1e-5], 3, ["1e+05", "1e-05"]),
        ([1.2e-8], 2, ["1.2e-08"]),
        ([4.35, 2.0, 10.123], 3, ["4.35", "2.00", "10.12"]),
        ([123456.0, 1.0], 2, ["123456", "1"]),
        ([-0.5, 0.25], 2, ["-0.50", "0.25"]),
        ([float("nan"), 0.5, float("-inf")], 2, ["NaN", "0.5", "-Inf"]),
        ([], 2, []),
    ],
)
def test_numbers_are_written_as_in_r(values, digits, texts):
    assert format_numbers(values, digits) == texts


def test_cells_print_in_a_few_words():
    frame = load_image_example()
    text = frame[["feature_value", "data"]].head(1).to_string(header=False, index=False)
    assert text.strip() == "3090px superpixel 3 channel 451x300 bitmap"


def test_cells_are_arrays_that_cannot_be_changed():
    frame = load_image_example()
    bitmap, superpixel = frame["data"][0], frame["feature_value"][0]
    assert np.asarray(bitmap).shape == (300, 451, 3)
    assert np.asarray(superpixel).shape == (3090,)
    assert superpixel.mask.sum() == 3090
    for cell in (bitmap, superpixel):
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(cell)[0] = 0
        with pytest.raises(TypeError):
            iter(cell)


def test_cells_compare_copy_and_pickle():
    cells = [Superpixel([1, 2], (3, 4)), Bitmap(np.zeros((2, 3), np.uint8))]
    for cell in cells:
        for twin in (copy.deepcopy(cell), pickle.loads(pickle.dumps(cell))):
            assert twin == cell
            assert not np.asarray(twin).flags.writeable
            assert hash(twin) == hash(cell)
    assert cells[0] != Superpixel([1, 2], (4, 3))
    assert cells[0] != cells[1]
    assert len({cells[0], copy.deepcopy(cells[0])}) == 1


def test_a_bitmap_shows_itself_in_notebooks():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    from io import BytesIO

    shown = np.array(Image.open(BytesIO(Bitmap(pixels)._repr_png_())))
    np.testing.assert_array_equal(shown, pixels)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8), st.integers(1, 6))
def test_written_numbers_are_near_the_numbers(values, digits):
    texts = format_numbers(values, digits)
    smallest = min(values)
    for text, value in zip(texts, values, strict=True):
        assert (
            abs(float(text) - value) <= 0.5000001 * 10.0 ** (1 - digits) * max(value, smallest) * 10
        )
