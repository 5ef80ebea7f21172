"""Files that another version of pandas has written."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pylime import load_text_example, read_explanation, write_explanation

VERSIONS = Path(__file__).parent / "versions"
sys.path.insert(0, str(VERSIONS))
from make import made  # noqa: E402

FILES = sorted(path for path in VERSIONS.iterdir() if path.name.startswith("pandas-"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_move_between_versions_of_pandas(tmp_path, path):
    frame = read_explanation(path)
    assert_frame_equal(frame, made(), rtol=1e-9)
    assert frame["feature"].dtype == pd.Series(["a string"]).dtype
    again = tmp_path / path.name
    write_explanation(frame, again)
    assert_frame_equal(read_explanation(again), frame, check_exact=True)


def test_all_versions_write_the_same_file(tmp_path):
    two, three = (path.read_text("utf-8") for path in FILES if path.suffix == ".json")
    assert two.split('"types"')[1].split("}")[0] == three.split('"types"')[1].split("}")[0]
    write_explanation(load_text_example(), tmp_path / "reviews.json")
    bundled = (Path(__file__).parents[2] / "inst_data" / "text_explanation.json").read_bytes()
    assert (tmp_path / "reviews.json").read_bytes() == bundled
