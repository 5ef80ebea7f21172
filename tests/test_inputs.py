"""What counts as an image, and what each case is called."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE
from PIL import Image

from pylime.image.explainer import IMAGE
from pylime.pipeline import read_cases, recognise

CAT = REFERENCE / "images" / "chelsea_64x43.png"
CHART = REFERENCE / "images" / "chart_64x64.png"
GREY = np.zeros((5, 6), np.uint8)
RGB = np.zeros((5, 6, 3), np.uint8)


@pytest.mark.parametrize(
    ("x", "names"),
    [
        (str(CAT), ["chelsea_64x43.png"]),
        (CAT, ["chelsea_64x43.png"]),
        ([str(CAT), CHART], ["chelsea_64x43.png", "chart_64x64.png"]),
        (pd.Series([str(CAT), str(CHART)]), ["chelsea_64x43.png", "chart_64x64.png"]),
        (np.array([str(CAT)]), ["chelsea_64x43.png"]),
        (GREY, [0]),
        (RGB, [0]),
        (np.zeros((5, 6, 4), np.uint8), [0]),
        (RGB / 255, [0]),
        (np.zeros((30, 40, 13), np.uint8), [0]),
        (np.zeros((2, 30, 40, 13), np.uint16), [0, 1]),
        (np.zeros((10, 28, 28), np.uint8), list(range(10))),
        ([np.zeros((28, 28, 20), np.uint8)], [0]),
        (np.zeros((2, 5, 6), np.uint8), [0, 1]),
        (np.zeros((3, 5, 6, 3), np.uint8), [0, 1, 2]),
        ([RGB, np.zeros((9, 2, 3), np.uint8)], [0, 1]),
        (Image.fromarray(RGB), [0]),
        (Image.open(CAT), ["chelsea_64x43.png"]),
        ([Image.fromarray(RGB), Image.open(CAT)], [0, 1]),
    ],
)
def test_images_are_recognised_and_named(x, names):
    assert list(recognise(x)[1].names) == names


def test_files_of_one_name_stay_apart(tmp_path):
    paths = [tmp_path / folder / "cat.png" for folder in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(CAT.read_bytes())
    names = recognise([*paths, CHART])[1].names
    assert names == [str(Path("a", "cat.png")), str(Path("b", "cat.png")), "chart_64x64.png"]


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ("missing.png", FileNotFoundError, "1 of 1 image files do not exist: missing.png"),
        ([str(CAT), "no.jpg"], FileNotFoundError, "1 of 2 image files do not exist: no.jpg"),
        (np.zeros((5, 6, 2, 2), np.uint8), ValueError, "Channels come last"),
        (np.zeros((1, 3, 224, 224), np.uint8), ValueError, "Channels come last"),
        (np.zeros((3, 30, 40), np.uint8), ValueError, "channel_axis=0.* list .*kind"),
        (np.zeros((28, 28, 20), np.uint8), ValueError, "channel_axis=-1.*kind=.* list of"),
        ([str(CAT), None], ValueError, "missing at the positions 1"),
        (RGB[..., :1], ValueError, "grey images have no such axis"),
        (Path(__file__).parent, ValueError, r"is a folder. Pass its files, such as sorted"),
        (iter([CAT]), TypeError, "pass a list"),
        ([], ValueError, "nothing to explain"),
        (None, TypeError, "`x` must be a table"),
        (7, TypeError, "not int"),
    ],
)
def test_other_inputs_say_what_an_input_can_be(x, error, message):
    with pytest.raises(error, match=message):
        recognise(x)


def test_a_file_given_twice_makes_two_cases():
    assert recognise([CAT, CAT])[1].names == ["chelsea_64x43.png", "chelsea_64x43.png (2)"]


def test_an_image_explainer_takes_any_name_for_a_path():
    with pytest.raises(FileNotFoundError, match="image files do not exist: cat"):
        read_cases("cat", IMAGE)
