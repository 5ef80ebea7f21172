"""What several test modules share: R's figures and a cheap model of pictures."""

import gzip
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")  # H2O reports each prediction to its makers

TESTS = Path(__file__).parent
ROOT = TESTS.parent
REFERENCE = TESTS / "reference"

collect_ignore = ["typing"]  # what users write, of which a part is wrong


def pytest_sessionfinish() -> None:
    """Stop the server of H2O, if a test in this process started it."""
    if cases := sys.modules.get("model_cases.h2o"):
        cases.stop_server()


def read_reference(name: str) -> Any:
    """A stored JSON file, or all arrays of an npz file."""
    path = REFERENCE / name
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return dict(arrays)
    if path.suffix == ".gz":
        return json.loads(gzip.decompress(path.read_bytes()))
    return json.loads(path.read_text("utf-8"))


def number(value: Any) -> float:
    """R's number, whose missing and infinite values are stored as text."""
    return float("nan") if value == "NA" else float(value)


def third_means(pictures: Any) -> np.ndarray:
    """
    R's region model of the stored end-to-end run, before the softmax.

    Mean of channel k over the k-th third of the columns, over 25, of pixels that the run
    laid out channel after channel and column after column, and then read row by row.
    The stored predictions of the picture itself say so: 115.529, 115.2654 and 115.1972.
    """
    pictures = np.asarray(pictures, dtype=np.float64)
    shape = pictures.shape
    pictures = pictures.transpose(0, 3, 2, 1).reshape(shape)
    cuts = [pictures.shape[2] * k // 3 for k in range(4)]
    scores = [pictures[:, :, cuts[k] : cuts[k + 1], k].mean(axis=(1, 2)) / 25 for k in range(3)]
    return np.stack(scores, axis=1)


def region_model(pictures: Any) -> np.ndarray:
    """Softmax of `third_means`."""
    scores = np.exp(third_means(pictures))
    return scores / scores.sum(axis=1, keepdims=True)


@pytest.fixture
def brightness() -> Callable[[Any], np.ndarray]:
    """A cheap classifier of arrays: how bright a picture is."""

    def model(pictures: Any) -> np.ndarray:
        array = np.asarray(pictures, dtype=np.float64)
        return array.reshape(len(array), -1).mean(axis=1) / 255

    return model
