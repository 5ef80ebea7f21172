"""Run trials: each ends in an explanation, or in an error that names what is wrong."""

import re
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
from odd_inputs import Trial, image, table, text

from pylime import COLUMNS, explain, lime
from pylime.frame import INTERVALS, QUALITY

# What an error may name, beside the columns of the table.
_NAMED = re.compile(
    r"`[a-z_]+`|has no option '|\bcase\b|Arrays of images|[Ff]ile|None of the \d+ cases"
    r"|[Tt]he (text|image|column|segmentation|response|permutations|series)"
    r"|[Nn]o (feature|superpixels)|All permutations|An array of shape"
)

_FURTHER = ("feature_contribution", "surrogate_mean", "n_permutations", "exact")


def run(trial: Trial) -> str:
    """How a trial ends: "explained" or the error's class; raises if it ends in another way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            explainer = lime(trial.data, trial.model, **trial.lime_options)
            explanation = explain(trial.cases, explainer, **trial.options)
        except (TypeError, ValueError) as error:
            _check_error(error, trial)
            outcome = type(error).__name__
        else:
            _check_explanation(explanation)
            outcome = "explained"
    # Pillow warns by itself of files that are cut off.
    ours = [warning for warning in caught if "/PIL/" not in warning.filename.replace("\\", "/")]
    inside = {
        f"{warning.filename}: {warning.message}"
        for warning in ours
        if issubclass(warning.category, UserWarning) and warning.filename != __file__
    }
    assert not inside, inside
    return outcome


def _check_error(error: Exception, trial: Trial) -> None:
    """Raise unless an error was meant by somebody and names an argument, a column or a case."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    named = _NAMED.search(str(error)) or any(name in str(error) for name in trial.names if name)
    if "/pylime/" not in last.filename.replace("\\", "/") or not named:
        raise error


def _check_explanation(explanation: pd.DataFrame) -> None:
    """Raise unless a frame is an explanation of finite numbers."""
    assert set(explanation) <= {*COLUMNS, *INTERVALS, *QUALITY, *_FURTHER}
    assert len(explanation)
    numbers = explanation[["model_r2", "model_intercept", "model_prediction", "feature_weight"]]
    assert np.isfinite(numbers.to_numpy(float)).all()
    assert (explanation["model_r2"] <= 1 + 1e-9).all()
    assert explanation["feature_desc"].map(type).eq(str).all()
    if "feature_lo" in explanation:
        known = explanation[explanation["feature_lo"].notna()]
        assert (known["feature_lo"] <= known["feature_hi"]).all()
        assert (known["feature_se"] >= 0).all()
        assert explanation["feature_freq"].dropna().between(0, 1).all()
    if "feature_contribution" in explanation:
        assert np.isfinite(explanation["feature_contribution"]).all()
    if "verdict" in explanation:
        assert explanation["verdict"].str.len().gt(0).all()
        shares = explanation[["together", "in_bins", "left_out"]].to_numpy(float)
        assert ((shares >= 0) & (shares <= 1 + 1e-9) | np.isnan(shares)).all()


def outcomes(kind: str, n: int, seed: int = 0) -> Counter[str]:
    """How n trials of a kind end, from consecutive seeds."""
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        makers: dict[str, Callable[[np.random.Generator], Trial]] = {
            "table": table,
            "text": text,
            "image": lambda random: image(random, folder),
        }
        for number in range(seed, seed + n):
            trial = makers[kind](np.random.default_rng([number, len(kind)]))
            try:
                found[run(trial)] += 1
            except BaseException as error:
                error.add_note(f"(trial {number} of kind {kind!r}: {trial!r:.2000})")
                raise
    return found
