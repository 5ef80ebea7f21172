"""Sums of the steps of a descent: closed forms, and the descent column by column."""

import numpy as np
import pytest
from scipy import sparse

from pylime.surrogate import linear, selection
from pylime.surrogate.linear import coordinate_descent, weighted_moments, wide_descent
from pylime.surrogate.selection import column_selector
from pylime.surrogate.steps import sum_of_followed_steps, sum_of_steps


def counted(function):
    """A function of a step that counts its calls."""

    def next_step(step):
        next_step.calls += 1
        return function @ step

    next_step.calls = 0
    return next_step


def similar_columns(n, p, seed=0):
    """Words that permutations keep by the chance of their row, so that all are correlated."""
    random = np.random.default_rng(seed)
    design = random.random((n, p)) < random.random((n, 1))
    response = design @ random.normal(size=p) + random.normal(size=n)
    return design, response, random.random(n)


def column_by_column(gram, cross, tolerance=1e-7):
    """The descent as glmnet makes it: one column after another, until two passes move nothing."""
    beta, gradient = np.zeros(len(cross)), cross.copy()
    n_small = n_passes = 0
    while n_small < min(n_passes, 2) or not n_passes:
        largest = 0.0
        for column in range(len(cross)):
            step = gradient[column]
            beta[column] += step
            gradient -= gram[column] * step
            largest = max(largest, step * step)
        n_passes += 1
        n_small = n_small + 1 if largest < tolerance else 0
    return beta, n_passes


# Closed forms


@pytest.mark.parametrize(
    ("share", "tolerance"),
    # The last ones settle where steps are looked at together, or just before or after.
    [(0.5, 1e-4), (0.99, 1e-4), (0.99, 1e-12), *((0.5, 0.25 ** (n + 0.5)) for n in range(3, 17))],
)
def test_geometric_steps_have_the_sum_of_their_series(share, tolerance):
    first, function = np.array([1.0, -1.0]), share * np.eye(2)
    n = int(np.floor(np.log(tolerance) / (2 * np.log(share)))) + 3  # two that are small enough
    expected = first * (1 - share**n) / (1 - share)
    np.testing.assert_allclose(sum_of_steps(first, function.dot, tolerance), expected, rtol=1e-12)
    next_step = counted(function)
    followed = sum_of_followed_steps(first, next_step, 2, tolerance, max_taken=100)
    np.testing.assert_allclose(followed, expected, rtol=1e-12)
    assert next_step.calls == 1  # all steps have the same direction


def test_a_first_step_that_moves_nothing_is_the_only_one():
    first = np.array([1e-5, 0.0])
    assert sum_of_steps(first, np.eye(2).dot, 1e-7).tolist() == first.tolist()


def test_steps_end_where_nothing_settles(monkeypatch):
    monkeypatch.setattr("pylime.surrogate.steps.MOST_STEPS", 101)
    assert sum_of_steps(np.ones(1), np.eye(1).dot, 1e-7).tolist() == [101.0]


def test_steps_in_few_directions_need_as_many_calls():
    random = np.random.default_rng(1)
    basis = np.linalg.qr(random.normal(size=(60, 3)))[0]
    next_step = counted(basis @ np.diag([0.999, 0.9, -0.5]) @ basis.T)
    first = basis @ [1.0, 2.0, 3.0]
    expected = basis @ [1 / 0.001, 2 / 0.1, 3 / 1.5]
    found = sum_of_followed_steps(first, next_step, 60, 1e-30, max_taken=60)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert next_step.calls == 3


def test_only_the_first_changes_decide_and_are_returned():
    function = np.diag([0.5, 0.9, 0.9])
    found = sum_of_followed_steps(np.ones(3), function.dot, 1, 1e-20, max_taken=3)
    np.testing.assert_allclose(found, [2.0], atol=1e-9)


def test_too_few_steps_give_no_sum():
    random = np.random.default_rng(2)
    function = 0.999 * np.linalg.qr(random.normal(size=(50, 50)))[0]  # it turns, and hardly falls
    assert sum_of_followed_steps(random.normal(size=50), function.dot, 50, 1e-7, 20) is None


# The descent


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("p", [2, 40, 300])
def test_the_descent_goes_column_by_column(p, few, monkeypatch):
    monkeypatch.setattr(linear, "_FEW", few)
    design, response, weights = similar_columns(500, p)
    moments = weighted_moments(design, response[:, None], weights)
    expected, _ = column_by_column(moments.gram, moments.cross[:, 0])
    found = coordinate_descent(moments.gram, moments.cross[:, 0], 0.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("few", [0, 1000])
def test_the_descent_stops_where_glmnet_does_with_nearly_equal_columns(few, monkeypatch):
    monkeypatch.setattr(linear, "_FEW", few)
    random = np.random.default_rng(3)
    design = random.normal(size=(300, 40))
    design[:, 1::2] = design[:, ::2] + 0.05 * random.normal(size=(300, 20))
    response = design @ random.normal(size=40)
    moments = weighted_moments(design, response[:, None], np.ones(300))
    expected, n_passes = column_by_column(moments.gram, moments.cross[:, 0])
    assert n_passes > 400
    exact = np.linalg.solve(moments.gram, moments.cross[:, 0])
    found = coordinate_descent(moments.gram, moments.cross[:, 0], 0.0)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert np.abs(found - exact).max() > 1e-3


@pytest.mark.parametrize("kind", ["bool", "columns", "float", "sparse"])
def test_wide_designs_descend_alike_without_a_gram_matrix(kind):
    design, response, weights = similar_columns(400, 300, seed=4)
    weights[:50] = 0.0
    responses = np.column_stack([response, -(response**2)])
    if kind == "columns":
        design = np.asfortranarray(design)
    if kind == "float":
        design = design * 3.5 + np.random.default_rng(5).normal(size=300)
    moments = weighted_moments(design, responses, weights)
    used = sparse.csr_array(design.astype(float)) if kind == "sparse" else design
    found = wide_descent(used, responses, weights, max_passes=300)
    for response in range(2):
        expected, _ = column_by_column(moments.gram, moments.cross[:, response])
        np.testing.assert_allclose(found[:, response] * moments.scale, expected, atol=1e-10)
    assert wide_descent(used, responses, weights, max_passes=3) is None


def test_columns_that_the_others_nearly_explain_are_followed_too():
    """Running sums: of most steps, only a small rest has a new direction."""
    random = np.random.default_rng(7)
    design = np.cumsum(random.normal(size=(400, 40)), axis=1)
    response = random.normal(size=(400, 1)) + design @ random.normal(size=(40, 1))
    moments = weighted_moments(design, response, np.ones(400))
    expected, n_passes = column_by_column(moments.gram, moments.cross[:, 0])
    found = wide_descent(design, response, np.ones(400), max_passes=45)
    np.testing.assert_allclose(found[:, 0] * moments.scale, expected, atol=1e-10)
    assert n_passes > 200


def test_a_column_that_varies_only_without_weight_needs_the_gram_matrix():
    design, response, weights = similar_columns(100, 40)
    weights[design[:, 7]] = 0.0
    assert wide_descent(design, response[:, None], weights, max_passes=40) is None


def test_a_response_that_varies_only_without_weight_has_no_descent():
    design, response, weights = similar_columns(100, 40)
    assert wide_descent(design, response[:, None], weights, max_passes=40) is not None
    weights[:5] = 0.0
    response[5:] = 0.3
    with np.errstate(all="raise"):
        assert wide_descent(design, response[:, None], weights, max_passes=40) is None


@pytest.mark.parametrize(("p", "few"), [(1050, 1000), (1050, 300)])
def test_wide_cases_select_the_same_columns(p, few, monkeypatch):
    """Few passes over columns that are hardly correlated; many over similar ones."""
    random = np.random.default_rng(6)
    design, response, weights = similar_columns(200, p)
    if few == 1000:
        design = random.random((200, p)) < 0.5
    calls = []

    def watched(*arguments):
        calls.append(arguments[-1])
        return wide_descent(*arguments)

    monkeypatch.setattr(selection, "wide_descent", watched)
    monkeypatch.setattr(selection, "_WIDE_FEW_PASSES", few)
    monkeypatch.setattr(selection, "_WIDE_MANY_PASSES", 3 * few)
    arguments = design, response[:, None], weights, 10, "highest_weights"
    columns, moments = column_selector(*arguments)(0)
    assert calls == [16 if few == 1000 else 400]
    monkeypatch.setattr(selection, "_WIDE_FEW_PASSES", 10 * p)
    expected, expected_moments = column_selector(*arguments)(0)
    assert len(calls) == 1
    assert columns == expected
    np.testing.assert_allclose(moments.gram, expected_moments.gram, atol=1e-12)
    np.testing.assert_allclose(moments.cross, expected_moments.cross, atol=1e-12)
