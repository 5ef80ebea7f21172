"""Intervals hold the limit as often as they promise, in the settings that `poe coverage` prints."""

import numpy as np
import pytest
from limits import predict
from runs import LEVEL, explained, find_limit, measure
from scipy import stats
from settings import N_FEATURES, Setting, subject_of

from pylime import explain

SETTINGS = [Setting("3 of 30 columns", 500), Setting("euros", 1000)]
N_SEEDS = 40
N_LIMIT = 400_000


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_intervals_hold_the_limit(setting):
    found = measure(setting, N_SEEDS, N_LIMIT, n_jobs=1)
    n = N_SEEDS * N_FEATURES
    least, most = stats.binom.ppf([0.001, 0.999], n, LEVEL)
    for draws, selected in found.selected.items():
        fixed = found.fixed[draws]
        assert selected.covered.size == fixed.covered.size == n
        assert selected.covered.sum() >= least
        assert fixed.covered.sum() >= least
    assert found.fixed["independent"].covered.sum() <= most
    for of in (found.selected, found.fixed):
        assert of["balanced"].width < 0.9 * of["independent"].width
        assert of["balanced"].squared_error < 0.5 * of["independent"].squared_error
    assert found.limit_error < 0.1


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_the_limit_is_that_of_both_kinds_of_draws(setting):
    balanced = find_limit(setting, N_LIMIT)
    independent = find_limit(setting, N_LIMIT, "independent")
    columns = balanced.selected
    differences = balanced.weights(columns) - independent.weights(columns)
    errors = np.hypot(balanced.errors, independent.errors)
    assert np.abs(differences / errors).max() < 4


@pytest.mark.parametrize("draws", ["balanced", "independent"])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_the_intervals_are_those_of_explain(setting, draws):
    predicted, request = predict(setting, draws, seed=3)
    surrogate, intervals = explained(predicted, request)
    subject = subject_of(setting.subject)
    explanation = explain(
        subject.x,
        subject.explainer,
        n_permutations=setting.n,
        n_features=N_FEATURES,
        random_state=3,
        draws=draws,
        intervals=LEVEL,
        **subject.options,
    )
    assert explanation["feature"].tolist() == surrogate.features
    for column, expected in (
        ("feature_weight", surrogate.coefficients),
        ("feature_se", intervals.se),
        ("feature_lo", intervals.lo),
        ("feature_hi", intervals.hi),
    ):
        np.testing.assert_array_equal(explanation[column], expected)
