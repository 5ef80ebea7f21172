"""What a type checker finds in users' code: misspelt choices, and nothing in good calls."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT

GOOD = """
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from PIL import Image

from pylime import (
    Predictions, as_classifier, as_regressor, explain, explain_batches, lime, model_type,
    permutations, plot_features, plot_image_explanation, predict_model,
)

frame = pd.DataFrame({"a": [1.0, 2.0]})
explainer = lime(frame, as_regressor(lambda rows: rows["a"]), n_bins=3)
lime(pl.DataFrame({"a": [1.0, 2.0]}), as_regressor(len))
lime(["a text", None], as_classifier(len, ["no", "yes"]), kind="text")
lime(Path("cat.png"), as_classifier(len, labels=["no", "yes"], activation="softmax"))
lime([Image.new("RGB", (9, 9))], as_classifier(len, activation=None))
lime(np.zeros((9, 9), np.uint8), as_classifier(len))
explanation: pd.DataFrame = explain(
    frame, explainer, labels=["yes"], feature_select="lasso_path", on_error="raise", batch_size=64,
    random_state=np.random.default_rng(1), dist_fun="euclidean",
)
explain(frame.iloc[0], explainer, n_labels=1, progress=None, predict_options={"batch_size": 3})
rows: pd.DataFrame = permutations(frame, explainer, n_permutations=100)
for part in explain_batches([frame, frame], explainer, plain=True):
    plot_features(part, cases=3)
plot_image_explanation(explanation, display="block", outline_col=("red", (0, 0, 255)))


class Coin:
    pass


@predict_model.register
def predict_coin(model: Coin, newdata: pd.DataFrame, type: str, **kwargs: object) -> Predictions:
    return Predictions(np.full((len(newdata), 2), 0.5), ("heads", "tails"), exclusive=False)


heads: pd.Series = predict_model(Coin(), frame, type="prob")["heads"]
"""

BAD = """
import pandas as pd

from pylime import as_classifier, explain, lime, plot_image_explanation
from pylime.surrogate import fit_surrogates

frame = pd.DataFrame({"a": [1.0, 2.0]})
explainer = lime(frame, as_classifier(len))
explain(frame, explainer, feature_select="lasso")
explain(frame, explainer, on_error="ignore")
plot_image_explanation(frame, display="heat")
as_classifier(len, activation="relu")
fit_surrogates(frame, frame, frame["a"].to_numpy(), ["a"], n_features=1, feature_select="best")
explain(frame, explainer, n_features="5")
lime(7, as_classifier(len))
"""


def errors_of(folder, code):
    (folder / "code.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, folder / "code.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(line) for line in re.findall(r"code\.py:(\d+):\d+ - error", done.stdout)]


@pytest.mark.full
def test_a_type_checker_finds_misspelt_choices(tmp_path):
    lines = BAD.splitlines()
    expected = list(range(1 + lines.index(next(s for s in lines if "lasso" in s)), 1 + len(lines)))
    assert errors_of(tmp_path, BAD) == expected


@pytest.mark.full
def test_a_type_checker_finds_nothing_in_good_code(tmp_path):
    assert errors_of(tmp_path, GOOD) == []
