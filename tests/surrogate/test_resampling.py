"""How often features are selected again, and R² on fresh rows, against truly repeated fits."""

import warnings

import numpy as np
import pytest
from scipy import sparse

from pylime.surrogate import FEATURE_SELECT, fit_labels, resampling
from pylime.surrogate.linear import weighted_moments
from pylime.surrogate.resampling import fresh_r2, selection_frequencies
from pylime.surrogate.selection import (
    SelectionProblem,
    select_features,
    select_forward_wide,
)


def draws(seed, n: int = 801, p: int = 8, *, binary: bool = True, noise: float = 1.0):
    """A case and n - 1 draws; two responses of the first columns."""
    random = np.random.default_rng(seed)
    design = random.random((n, p)) < 0.4 if binary else random.normal(3, 1, (n, p))
    design[0] = True
    slopes = np.zeros((p, 2))
    first = [[2, -1], [0.3, 1], [0.15, 0.2], [0.1, 0]]
    slopes[:4] = first[:p]
    responses = design @ slopes + random.normal(0, noise, (n, 2))
    return design, responses, random.random(n) + 0.1


def chosen_columns(design, responses, weights, method, n_features):
    moments = weighted_moments(design, responses, weights)
    problem = SelectionProblem(moments, design, responses, weights)
    columns = range(responses.shape[1])
    return [select_features(method, problem, column, n_features) for column in columns]


def repeated_frequencies(design, responses, weights, chosen, method, n_features, seed):
    """Fit each resample: its weights are the rows' times how often their block was drawn."""
    n = len(weights) - 1
    length = -(-n // 50)
    m = -(-n // length)
    counts = np.random.default_rng(seed).multinomial(m, np.full(m, 1 / m), size=200)
    found = np.zeros((len(chosen), design.shape[1]))
    for count in counts:
        resampled = weights * np.append(1, count.repeat(length)[:n])
        again = chosen_columns(design, responses, resampled, method, n_features)
        for response, columns in enumerate(again):
            found[response, columns] += 1 / 200
    return [frequency[columns] for frequency, columns in zip(found, chosen, strict=True)]


# ---- frequencies ----


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("n", [41, 102, 801])
def test_forward_frequencies_are_those_of_repeated_selections(n, binary):
    design, responses, weights = draws(n, n, binary=binary, noise=3)
    options = {"method": "forward_selection", "n_features": 3}
    chosen = chosen_columns(design, responses, weights, *options.values())
    found = selection_frequencies(design, responses, weights, chosen, **options, seed=5)
    expected = repeated_frequencies(design, responses, weights, chosen, *options.values(), seed=5)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
        assert ours.min() < 0.9  # a test of something


@pytest.mark.parametrize("binary", [False, True])
def test_frequencies_of_highest_weights_are_near_those_of_repeated_selections(binary):
    """They are right to first order."""
    design, responses, weights = draws(1, 3001, 12, binary=binary)
    options = {"method": "highest_weights", "n_features": 7}
    chosen = chosen_columns(design, responses, weights, *options.values())
    found = selection_frequencies(design, responses, weights, chosen, **options, seed=5)
    expected = repeated_frequencies(design, responses, weights, chosen, *options.values(), seed=5)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.05)
        assert ours.min() < 0.9


@pytest.mark.parametrize(
    ("method", "n_features"), [("forward_selection", 3), ("highest_weights", 4)]
)
def test_frequencies_foretell_other_runs(method, n_features):
    """A column's mean frequency over 100 runs is near the share of 300 runs that select it."""
    selected, estimated = np.zeros(8), []
    for seed in range(300):
        design, responses, weights = draws([2, seed])
        responses = responses[:, :1]
        chosen = chosen_columns(design, responses, weights, method, n_features)
        selected[chosen[0]] += 1 / 300
        if seed < 100:
            frequencies = selection_frequencies(
                design, responses, weights, [range(8)], method=method, n_features=n_features, seed=0
            )
            estimated.append(frequencies[0])
    np.testing.assert_allclose(np.sum(estimated, axis=1), n_features)
    # A resample adds noise to noise, so that clear differences come out a little less clear.
    np.testing.assert_allclose(np.mean(estimated, axis=0), selected, atol=0.2)
    assert np.mean(estimated, axis=0)[0] == 1
    assert selected[:3].min() > 0.5 > selected[4:].max()


@pytest.mark.parametrize(
    ("method", "n_features"),
    [("forward_selection", 3), ("auto", 3), ("highest_weights", 3), ("auto", 7)],
)
def test_frequencies_of_other_forms(method, n_features, monkeypatch):
    """One response or several, dense or sparse, in one piece or block by block."""
    design, responses, weights = draws(3, noise=5.0)
    chosen = chosen_columns(design, responses, weights, method, n_features)
    options = {"method": method, "n_features": n_features, "seed": (4, 2)}
    expected = selection_frequencies(design, responses, weights, chosen, **options)
    assert min(frequencies.min() for frequencies in expected) < 1

    def assert_same(*data, chosen=chosen, expected=expected):
        found = selection_frequencies(*data, chosen, **options)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)

    for values in (2_000_000, 2100, 1700, 900, 1):
        monkeypatch.setattr(resampling, "_MOST_VALUES", values)
        monkeypatch.setattr(resampling, "_MOST_SUMS", values)
        assert_same(design, responses, weights)
        assert_same(sparse.csr_array(design), responses, weights)
        assert_same(sparse.csr_array(design.astype(np.float64)), responses, weights)
        assert_same(design.astype(np.float64), responses * 1e-9, weights * 1e9)
        assert_same(np.asfortranarray(design), responses + 1e3, weights * 1e-9)
        assert_same(design, responses[:, 1:], weights, chosen=chosen[1:], expected=expected[1:])
    options["seed"] = 6
    other = selection_frequencies(design, responses, weights, chosen, **options)
    assert any((a != b).any() for a, b in zip(other, expected, strict=True))


def test_units_of_columns_do_not_count():
    design, responses, weights = draws(4, binary=False)
    chosen = chosen_columns(design, responses, weights, "forward_selection", 3)
    options = {"method": "forward_selection", "n_features": 3, "seed": 1}
    expected = selection_frequencies(design, responses, weights, chosen, **options)
    units = 10.0 ** np.array([-200, -9, -3, 0, 3, 9, 100, 200])
    for other in (design * units, design + 1e5):
        found = selection_frequencies(other, responses, weights, chosen, **options)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_methods_without_a_choice_or_without_frequencies():
    design, responses, weights = draws(5)
    chosen = [[0, 3], [7]]

    def frequencies(method, n_features):
        return [
            found.tolist()
            for found in selection_frequencies(
                design, responses, weights, chosen, method=method, n_features=n_features, seed=1
            )
        ]

    for method in FEATURE_SELECT:
        assert frequencies(method, 8) == [[1, 1], [1]]
    assert frequencies("none", 2) == [[1, 1], [1]]
    for method in ("tree", "lasso_path"):
        np.testing.assert_array_equal(np.concatenate(frequencies(method, 2)), np.nan)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["forward_selection", "highest_weights"])
def test_frequencies_of_odd_columns(method):
    """Constant and rare columns, columns twice, a constant response, and a collapsed kernel."""
    design, responses, weights = draws(6, 301)
    design[:, 4] = True
    design[:, 5] = False
    design[17, 5] = True
    design[:, 6] = design[:, 0]
    design[:, 7] = ~design[:, 1]
    responses[:, 1] = 0.3
    options = {"method": method, "n_features": 2, "seed": 1}
    for of_weights in (weights, weights * (np.arange(301) < 20), weights * (np.arange(301) < 3)):
        for of_design in (design, design.astype(np.float64), sparse.csr_array(design)):
            found = selection_frequencies(
                of_design, responses, of_weights, [range(8), range(8)], **options
            )
            np.testing.assert_allclose(np.sum(found, axis=1), 2)
    found = selection_frequencies(design, responses, weights, [range(8), []], **options)
    assert found[0][0] == 1  # the first of two equal columns
    assert found[0][6] == found[0][4] == 0
    assert found[1].shape == (0,)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_frequencies_of_few_rows(n):
    design, responses, weights = draws(7, n)
    for method in ("forward_selection", "highest_weights"):
        found = selection_frequencies(
            design, responses, weights, [[0, 1], [2]], method=method, n_features=2, seed=1
        )
        assert [len(frequencies) for frequencies in found] == [2, 1]


def test_wide_forward_selection_of_several_responses():
    for seed in range(5):
        design, responses, weights = draws([8, seed], 200, 30)
        design[:, 9], design[:, 11] = design[:, 1], True
        narrow = chosen_columns(design, responses, weights, "forward_selection", 6)
        assert select_forward_wide(design, responses, weights, 6) == narrow
        wide = select_forward_wide(sparse.csr_array(design), responses, weights, 6)
        assert wide == narrow


# ---- R² on fresh rows ----


def test_fresh_r2_by_hand():
    """Of one column, by weighted least squares; the case is in both fits."""
    design, responses, weights = draws(20, 12, 1)
    x, y = design[:, 0] * 1.0, responses[:, 0]
    halves = np.arange(1, 6), np.arange(6, 12)
    error = 0.0
    for test, other in (halves, halves[::-1]):
        train = np.append(0, other)
        means = [
            np.average(y[train][x[train] == v], weights=weights[train][x[train] == v])
            for v in (0, 1)
        ]
        error += weights[test] @ (y[test] - np.choose(design[test, 0].astype(int), means)) ** 2
    mean = np.average(y[1:], weights=weights[1:])
    expected = 1 - error / (weights[1:] @ (y[1:] - mean) ** 2)
    found = fresh_r2(design, responses[:, :1], weights, method="auto", n_features=5, penalty=None)
    assert found == pytest.approx([expected], rel=1e-12)


@pytest.mark.parametrize("penalty", [None, 0.0, 0.5])
@pytest.mark.parametrize("method", FEATURE_SELECT)
def test_fresh_r2_repeats_the_fit(method, penalty):
    """Selection and ridge are those of `fit_labels`, whose default penalty is that of all rows."""
    design, responses, weights = draws(21, 400)
    halves = np.arange(1, 200), np.arange(200, 400)
    errors = np.zeros(2)
    for test, other in (halves, halves[::-1]):
        train = np.append(0, other)
        fits = fit_labels(
            design[train],
            responses[train],
            weights[train],
            [str(column) for column in range(8)],
            [0, 1],
            n_features=4,
            feature_select=method,
            penalty=2 / 400 if penalty is None else penalty,
        )
        for label, fit in enumerate(fits):
            columns = [int(feature) for feature in fit.features]
            predicted = fit.intercept + design[test][:, columns] @ fit.coefficients
            errors[label] += weights[test] @ (responses[test, label] - predicted) ** 2
    variance = np.cov(responses[1:].T, aweights=weights[1:], ddof=0).diagonal()
    expected = 1 - errors / (variance * weights[1:].sum())
    options = {"method": method, "n_features": 4, "penalty": penalty}
    found = fresh_r2(design, responses, weights, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    for other in (sparse.csr_array(design), design.astype(np.float64)):
        np.testing.assert_allclose(fresh_r2(other, responses, weights, **options), found)


def test_fresh_r2_is_that_of_fresh_rows():
    """On the mean over 40 runs; the fits to halves are a little worse than those to all rows."""
    fresh, responses, weights = draws(22, 40_001, 20)
    truth, found, in_sample = [], [], []
    for seed in range(40):
        data = draws([23, seed], 401, 20)
        options = {"n_features": 3, "penalty": None}
        found.append(fresh_r2(*data, method="forward_selection", **options))
        fits = fit_labels(*data, [str(k) for k in range(20)], [0, 1], **options)
        for label, fit in enumerate(fits):
            columns = [int(feature) for feature in fit.features]
            left = responses[:, label] - fit.intercept - fresh[:, columns] @ fit.coefficients
            variance = np.cov(responses[:, label], aweights=weights, ddof=0)
            truth.append(1 - np.average(left**2, weights=weights) / variance)
            in_sample.append(fit.r2)
    assert np.mean(truth) - 0.03 < np.mean(found) < np.mean(truth) + 0.005
    assert np.mean(in_sample) > np.mean(truth) + 0.005


def test_fresh_r2_of_perfect_fits_and_of_noise():
    design, responses, weights = draws(24, noise=0.0)
    options = {"method": "highest_weights", "n_features": 7, "penalty": 0.0}
    for scale in (1e-9, 1.0, 1e9):
        found = fresh_r2(design, responses * scale, weights, **options)
        np.testing.assert_allclose(found, 1, rtol=1e-12)
    noise = np.random.default_rng(25).normal(size=(801, 50))
    found = fresh_r2(design, noise, weights, **options)
    # Two fits to 400 rows with 8 parameters each, on average.
    assert np.mean(found) == pytest.approx(-8 / 400, abs=0.01)


@pytest.mark.filterwarnings("error")
def test_fresh_r2_without_variance_or_rows():
    design, responses, weights = draws(26, 41)
    options = {"method": "forward_selection", "n_features": 3}
    responses[:, 1] = 0.1
    responses[0, 1] = 5
    found = fresh_r2(design, responses, weights, **options)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])
    for few in (
        (design[:1], responses[:1], weights[:1]),
        (design[:8], responses[:8], weights[:8]),
        (design, responses, weights * (np.arange(41) < 20)),
        (design, responses, np.zeros(41)),
    ):
        assert np.isnan(fresh_r2(*few, **options)).all()
    # A column that is constant in one half, and one that varies without weight only.
    design[20:, 0], design[:, 1] = True, True
    design[5, 1], weights[5] = False, 0.0
    assert np.isfinite(fresh_r2(design, responses, weights, **options)[0])
    assert np.isfinite(
        fresh_r2(design[:, 1:2], responses, weights, **options | {"n_features": 1})[0]
    )


def test_a_half_in_which_nothing_is_found_is_predicted_by_its_mean():
    """The tree splits nothing that has less weight than 4 in each leaf."""
    design, responses, _ = draws(27, 41)
    weights = np.full(41, 0.1)
    with warnings.catch_warnings(action="error"):
        found = fresh_r2(design, responses, weights, method="tree", n_features=3)
    halves = responses[1:21], responses[21:]
    error = 0.0
    for test, other in (halves, halves[::-1]):
        mean = np.concatenate([responses[:1], other]).mean(axis=0)
        error += np.square(test - mean).sum(axis=0)
    expected = 1 - error / np.square(responses[1:] - responses[1:].mean(axis=0)).sum(axis=0)
    np.testing.assert_allclose(found, expected)
