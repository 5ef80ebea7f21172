"""Intervals of weights, contributions and effective rows, against closed forms and statsmodels."""

import math
import warnings
from itertools import combinations

import numpy as np
import pytest
from scipy import sparse, stats

from pylime.surrogate.intervals import (
    additive_r2,
    contributions,
    effective_n,
    weight_intervals,
)
from pylime.surrogate.linear import independent_factor, weighted_moments


def draws(seed: int, n: int = 600, k: int = 3, *, weighted: bool = True, binary: bool = True):
    """A case and n - 1 draws whose response is not linear and heteroscedastic."""
    random = np.random.default_rng(seed)
    design = random.random((n, k)) < 0.4 if binary else random.normal(3, [2] * k, (n, k))
    design[0] = True
    response = design @ np.linspace(2, -1, k) + design[:, 0] * design[:, 1]
    response = response + random.normal(size=n) * (0.1 + design[:, 0])
    weights = random.random(n) + 0.01 if weighted else np.ones(n)
    return design, response, weights


def quantiles(n: int, k: int, p: int, level: float = 0.95) -> tuple[float, float, float]:
    """What the specification takes the standard errors times, and the number of blocks."""
    tail = (1 - level) * k / p / 2
    m = (n - 1) / 2 ** math.floor(math.log2((n - 1) / 7))
    return stats.norm.isf(tail), stats.t.isf(tail, m - 1), m


def assert_same(found, expected, **tolerance):
    for name in ("weight", "se", "lo", "hi"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), **tolerance)


# ---- intervals ----


def test_one_column_of_zeros_and_ones_has_the_errors_of_two_means():
    """The weight is a difference of means, HC1 the sum of their variances."""
    design, response, weights = draws(1, k=2, weighted=False)
    found = weight_intervals(
        design[:, :1], response, weights, level=0.9, n_candidates=1, blocks=False
    )
    inside = design[1:, 0]
    groups = response[1:][inside], response[1:][~inside]
    assert found.weight == pytest.approx(groups[0].mean() - groups[1].mean(), rel=1e-12)
    variance = sum(group.var() / len(group) for group in groups)
    assert found.se == pytest.approx(np.sqrt(variance * 599 / 597), rel=1e-12)
    half = stats.norm.isf(0.05) * found.se
    np.testing.assert_allclose(
        [found.lo - found.weight, found.hi - found.weight], [-half, half], rtol=1e-12
    )


def test_weighted_simple_regression_by_hand():
    random = np.random.default_rng(2)
    x, w = random.normal(5, 2, 200), random.random(200)
    y = 3 * x + x * random.normal(size=200)
    u = w[1:] / w[1:].sum()
    centred = x[1:] - u @ x[1:]
    slope = u @ (centred * y[1:]) / (u @ centred**2)
    residual = y[1:] - u @ y[1:] - slope * centred
    variance = np.sum((u * centred * residual) ** 2) / (u @ centred**2) ** 2
    found = weight_intervals(x[:, None], y, w, level=0.95, n_candidates=1, blocks=False)
    assert found.weight == pytest.approx(slope, rel=1e-12)
    assert found.se == pytest.approx(np.sqrt(variance * 199 / 197), rel=1e-12)


def test_homoscedastic_errors_are_those_of_least_squares():
    """With many rows HC1 comes to the textbook's σ² (X'X)⁻¹, to about 1 / sqrt(n)."""
    random = np.random.default_rng(3)
    design = random.normal(size=(100_000, 3)) @ [[1, 0.5, 0], [0, 1, 0], [0, 0, 2]]
    response = design @ [1, 2, 3] + random.normal(0, 0.7, 100_000)
    found = weight_intervals(
        design, response, np.ones(100_000), level=0.95, n_candidates=3, blocks=False
    )
    classical = 0.7 * np.sqrt(np.diag(np.linalg.inv(np.cov(design.T) * 100_000)))
    np.testing.assert_allclose(found.se, classical, rtol=0.02)


@pytest.mark.full
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [30, 449, 450, 5000])
def test_errors_are_those_of_statsmodels(n, weighted):
    from statsmodels.api import WLS, add_constant

    design, response, weights = draws(n, n, 4, weighted=weighted)
    model = WLS(response[1:], add_constant(design[1:] * 1.0), weights=weights[1:])
    plain = model.fit(cov_type="HC1")
    block = 2 ** math.floor(math.log2((n - 1) / 7))
    groups = np.arange(n - 1) // block
    clustered = model.fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
    z, t, m = quantiles(n, 4, 9)
    errors = plain.bse[1:], clustered.bse[1:] * np.sqrt(m / (m - 1))

    found = weight_intervals(design, response, weights, level=0.95, n_candidates=9, blocks=False)
    np.testing.assert_allclose(found.weight, plain.params[1:], rtol=1e-9)
    np.testing.assert_allclose(found.se, errors[0], rtol=1e-9)
    np.testing.assert_allclose(found.hi - found.weight, z * errors[0], rtol=1e-9)

    found = weight_intervals(design, response, weights, level=0.95, n_candidates=9)
    halves = np.array([z * errors[0], t * errors[1]])
    np.testing.assert_allclose(found.hi - found.weight, halves.min(axis=0), rtol=1e-9)
    narrower = np.choose(halves.argmin(axis=0), errors)
    np.testing.assert_allclose(found.se, narrower, rtol=1e-9)


def test_selected_columns_widen_intervals():
    """Columns that were selected from p have the level (1 - level) k / p."""
    design, response, weights = draws(4)
    found = {
        p: weight_intervals(design, response, weights, level=0.9, n_candidates=p, blocks=False)
        for p in (3, 30)
    }
    ratio = (found[30].hi - found[30].lo) / (found[3].hi - found[3].lo)
    np.testing.assert_allclose(ratio, stats.norm.isf(0.005) / stats.norm.isf(0.05))
    np.testing.assert_array_equal(found[30].weight, found[3].weight)


def test_the_case_does_not_count():
    design, response, weights = draws(5)
    expected = weight_intervals(design, response, weights, level=0.95, n_candidates=3)
    design[0], response[0], weights[0] = False, 1e3, 7.0
    found = weight_intervals(design, response, weights, level=0.95, n_candidates=3)
    assert_same(found, expected, rtol=0)


@pytest.mark.parametrize("binary", [False, True])
def test_sparse_and_dense_designs_give_the_same(binary):
    design, response, weights = draws(6, binary=binary)
    options = {"level": 0.95, "n_candidates": 7}
    expected = weight_intervals(design, response, weights, **options)
    for other in (
        sparse.csr_array(design),
        np.asfortranarray(design),
        design.astype(np.float64),
        design[:, ::-1][:, ::-1],
    ):
        assert_same(weight_intervals(other, response, weights, **options), expected, rtol=1e-12)


@pytest.mark.parametrize("blocks", [False, True])
def test_scales(blocks):
    """Intervals have the unit of the response over that of the column; weights have none."""
    design, response, weights = draws(7, binary=False)
    options = {"level": 0.95, "n_candidates": 7, "blocks": blocks}
    expected = weight_intervals(design, response, weights, **options)
    for scale in 10.0 ** np.arange(-9, 10, 3):
        of_response = weight_intervals(design, response * scale, weights, **options)
        of_columns = weight_intervals(design / scale, response, weights, **options)
        of_weights = weight_intervals(design, response, weights * scale, **options)
        for name in ("weight", "se", "lo", "hi"):
            unit = getattr(expected, name)
            np.testing.assert_allclose(getattr(of_response, name), unit * scale, rtol=1e-9)
            np.testing.assert_allclose(getattr(of_columns, name), unit * scale, rtol=1e-9)
            np.testing.assert_allclose(getattr(of_weights, name), unit, rtol=1e-9)
    shifted = weight_intervals(design + 1e3, response - 1e3, weights, **options)
    assert_same(shifted, expected, rtol=1e-9)
    turned = weight_intervals(design, -response, weights, **options)
    np.testing.assert_allclose(turned.lo, -expected.hi, rtol=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("binary", [False, True])
def test_perfect_fits_have_no_width(binary, scale):
    design, _, weights = draws(8, binary=binary)
    response = (design @ [1.0, -0.3, 0.07] + 5) * scale
    found = weight_intervals(design, response, weights, level=0.95, n_candidates=3)
    np.testing.assert_allclose(found.weight, np.array([1.0, -0.3, 0.07]) * scale, rtol=1e-9)
    np.testing.assert_array_equal(found.se, 0.0)
    np.testing.assert_array_equal(found.lo, found.hi)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, 0.3, 1e-300])
def test_a_response_that_only_the_case_changes_moves_nothing(value):
    design, _, weights = draws(9)
    response = np.full(len(design), value)
    response[0] = 1.0
    found = weight_intervals(design, response, weights, level=0.95, n_candidates=3)
    for name in ("weight", "se", "lo", "hi"):
        np.testing.assert_array_equal(getattr(found, name), 0.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("where", ["nowhere", "case", "without weight"])
def test_columns_that_do_not_vary_are_missing(where):
    design, response, weights = draws(10, k=4)
    design[:, 1] = True
    if where == "case":
        design[0, 1] = False
    elif where == "without weight":
        design[-1, 1], weights[-1] = False, 0.0
    found = weight_intervals(design, response, weights, level=0.95, n_candidates=4)
    others = [0, 2, 3]
    expected = weight_intervals(design[:, others], response, weights, level=0.95, n_candidates=3)
    for name in ("weight", "se", "lo", "hi"):
        assert np.isnan(getattr(found, name)[1])
        np.testing.assert_allclose(getattr(found, name)[others], getattr(expected, name))


@pytest.mark.filterwarnings("error")
def test_dependent_columns_share_their_weight():
    """The same column twice: half of the weight each, with half of the error."""
    design, response, weights = draws(11)
    twice = design[:, [0, 1, 2, 0]]
    found = weight_intervals(twice, response, weights, level=0.95, n_candidates=4)
    single = weight_intervals(design, response, weights, level=0.95, n_candidates=3)
    shares = np.array([0.5, 1, 1, 0.5])
    for name in ("weight", "se", "lo", "hi"):
        expected = getattr(single, name)[[0, 1, 2, 0]] * shares
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-9)
    # Of opposite columns, each has half of the other's weight, with its sign turned.
    design = np.column_stack([design, ~design[:, 0]])
    found = weight_intervals(design, response, weights, level=0.95, n_candidates=4)
    np.testing.assert_allclose(found.weight[[0, 3]], single.weight[0] * np.array([0.5, -0.5]))
    np.testing.assert_allclose(found.se[[0, 3]], single.se[0] / 2)


def test_rows_without_weight_do_not_count():
    """Between the others, they leave the errors of the other rows alone."""
    design, response, weights = draws(12, 100)
    options = {"level": 0.95, "n_candidates": 3}
    expected = weight_intervals(design, response, weights, **options, blocks=False)
    padded = [np.concatenate([a[:1], a[1:].repeat(2, axis=0)]) for a in (design, response, weights)]
    padded[2][2::2] = 0.0
    padded[1][2::2] = 1e12
    assert_same(weight_intervals(*padded, **options, blocks=False), expected, rtol=1e-9)
    # 99 rows make 12.4 blocks of 8 rows; 198 rows as many of 16.
    expected = weight_intervals(design, response, weights, **options)
    assert_same(weight_intervals(*padded, **options), expected, rtol=1e-9)


def test_blocks_without_weight_do_not_count():
    """Half of the blocks are empty: those that remain are the 2^k rows that they were."""
    design, response, weights = draws(13, 1 + 8 * 64)
    options = {"level": 0.95, "n_candidates": 3}
    weights[1 + 4 * 64 :] = 0.0
    found = weight_intervals(design, response, weights, **options)
    z, t = stats.norm.isf(0.025), stats.t.isf(0.025, 3)  # 4 blocks are left
    u = weights[1:] / weights[1:].sum()
    centred = design[1:] - u @ design[1:]
    inverse = np.linalg.inv((centred.T * u) @ centred)
    residual = response[1:] - u @ response[1:] - centred @ found.weight
    scores = (centred * (u * residual)[:, None]) @ inverse
    hc1 = np.sqrt((scores**2).sum(axis=0) * 256 / 252)
    sums = scores[:256].reshape(4, 64, 3).sum(axis=1)
    clustered = np.sqrt((sums**2).sum(axis=0) * 4 / 3)
    np.testing.assert_allclose(found.hi - found.weight, np.minimum(z * hc1, t * clustered))
    # In a single block, what it has is no measure of how blocks differ.
    weights[1 + 64 :] = 0.0
    found = weight_intervals(design, response, weights, **options)
    alone = weight_intervals(design, response, weights, **options, blocks=False)
    assert_same(found, alone, rtol=0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_rows", [0, 1, 2, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("padded", [False, True])
def test_few_rows_are_missing(n_rows, padded):
    """With 3 columns, at most 4 rows leave nothing to estimate an error with."""
    random = np.random.default_rng(14)
    design = random.normal(size=(n_rows + 1, 3))
    response, weights = random.normal(size=n_rows + 1), np.full(n_rows + 1, 0.3)
    if padded:
        design = np.concatenate([design, random.normal(size=(50, 3))])
        response, weights = np.append(response, np.ones(50)), np.append(weights, np.zeros(50))
    found = weight_intervals(design, response, weights, level=0.95, n_candidates=3)
    for name in ("weight", "se", "lo", "hi"):
        assert np.isfinite(getattr(found, name)).all() == (n_rows > 4)
        assert np.isnan(getattr(found, name)).all() == (n_rows <= 4)


def test_a_collapsed_neighbourhood_is_missing():
    """Of 5000 rows, so few carry all weight that the fit goes through them."""
    design, response, _ = draws(15, 5000)
    weights = np.full(5000, 1e-9)
    weights[1:4] = 1.0
    assert effective_n(weights) == pytest.approx(3, rel=1e-4)
    found = weight_intervals(design, response, weights, level=0.95, n_candidates=3)
    assert np.isnan(found.se).all()
    assert np.isnan(found.weight).all()


# ---- contributions ----


def test_contributions_are_shapley_values():
    """Over all subsets: a feature that is left out takes the mean of its column."""
    random = np.random.default_rng(20)
    design, weights = random.normal(size=(50, 5)), random.random(50)
    coefficients, mean = random.normal(size=5), weights @ design / weights.sum()
    first = design[0]

    def value(kept: tuple[int, ...]) -> float:
        row = mean.copy()
        row[list(kept)] = first[list(kept)]
        return 0.7 + row @ coefficients

    shapley = np.zeros(5)
    for feature in range(5):
        others = [other for other in range(5) if other != feature]
        for size in range(5):
            share = math.factorial(size) * math.factorial(4 - size) / math.factorial(5)
            for kept in combinations(others, size):
                shapley[feature] += share * (value((*kept, feature)) - value(kept))
    found = contributions(coefficients, first, mean)
    np.testing.assert_allclose(found, shapley, rtol=1e-12)
    fitted = 0.7 + design @ coefficients
    assert found.sum() == pytest.approx(fitted[0] - weights @ fitted / weights.sum())


def test_contributions_of_bins():
    """Weight times (1 - share of permutations in the case's bin)."""
    design = np.random.default_rng(21).random((1000, 2)) < [0.25, 0.5]
    design[0] = True
    share = design.mean(axis=0)
    found = contributions(np.array([3.0, -2.0]), design[0], share)
    np.testing.assert_allclose(found, [3 * (1 - share[0]), -2 * (1 - share[1])])


# ---- effective rows, and the fit of all columns ----


def test_effective_n():
    assert effective_n(np.ones(500)) == 499
    weights = np.array([9.0, *[3.0] * 20, *[0.0] * 30])
    assert effective_n(weights) == pytest.approx(20)
    assert effective_n(weights * 1e-250) == pytest.approx(20)
    assert effective_n(np.array([1.0, 1e-30, 0.0])) == 1
    with warnings.catch_warnings(action="error"):
        assert effective_n(np.array([1.0, 0.0])) == 0
        assert effective_n(np.array([1.0])) == 0


@pytest.mark.parametrize("binary", [False, True])
def test_additive_r2_is_that_of_least_squares(binary):
    design, response, weights = draws(30, k=6, binary=binary)
    # A constant column and two that depend on others add nothing.
    wide = np.column_stack([design, design[:, 1], design[:, 0], np.ones(len(design), design.dtype)])
    u = weights / weights.sum()
    roots = np.sqrt(u)
    basis = np.column_stack([np.ones(len(design)), design])
    beta = np.linalg.lstsq(basis * roots[:, None], response * roots)[0]
    error = u @ (response - basis @ beta) ** 2
    expected = 1 - error / (u @ (response - u @ response) ** 2)
    responses = np.column_stack([np.ones(len(design)), response, -3 * response])
    for columns in (design, wide):
        moments = weighted_moments(columns, responses, weights)
        assert additive_r2(moments, 1) == pytest.approx(expected, rel=1e-9)
        assert additive_r2(moments, 2) == pytest.approx(expected, rel=1e-9)
        assert np.isnan(additive_r2(moments, 0))


@pytest.mark.parametrize("seed", range(10))
def test_levels_depend_on_each_other(seed):
    """Of all levels of a column, one depends on the others; rounding errors are no rank."""
    random = np.random.default_rng([32, seed])
    levels = random.integers(4, size=(300, 5))
    design = (levels[:, :, None] == np.arange(4)).reshape(300, 20)
    response, weights = random.normal(size=300), random.random(300)
    roots = np.sqrt(weights / weights.sum())
    basis = np.column_stack([np.ones(300), design]) * roots[:, None]
    centred = (response - roots**2 @ response) * roots
    fitted = basis @ np.linalg.lstsq(basis, centred)[0]
    for columns in (design, design.astype(np.float64)):
        moments = weighted_moments(columns, response[:, None], weights)
        assert len(independent_factor(moments.gram)[1]) == 15
        expected = fitted @ fitted / (centred @ centred)
        assert additive_r2(moments, 0) == pytest.approx(expected, rel=1e-9)


def test_additive_r2_is_at_most_1():
    random = np.random.default_rng(31)
    for n in (5, 20, 40):
        moments = weighted_moments(
            random.normal(size=(n, 40)), random.normal(size=(n, 1)), np.ones(n)
        )
        assert additive_r2(moments, 0) == pytest.approx(1, abs=1e-9)
        assert additive_r2(moments, 0) <= 1


# ---- coverage ----


@pytest.mark.parametrize("n", [500, 2000])
def test_intervals_cover_the_weights_of_the_limit(n):
    """200 seeds; the weights of the limit are known, the response is neither additive nor even."""
    random = np.random.default_rng(40)
    covered = []
    chance = np.array([0.25, 0.5, 0.25])
    # E[y | x] = 2 a - b + 4 a c: a's weight is 2 + 4 E[c], c's is 4 E[a].
    truth = np.array([2 + 4 * 0.25, -1, 4 * 0.25])
    for _ in range(200):
        design = random.random((n, 3)) < chance
        a, b, c = design.T * 1.0
        response = 2 * a - b + 4 * a * c + random.normal(size=n) * (0.2 + 2 * b)
        found = weight_intervals(
            design, response, np.ones(n), level=0.95, n_candidates=3, blocks=False
        )
        covered.append((found.lo <= truth) & (truth <= found.hi))
    assert 0.91 <= np.mean(covered) <= 0.99


def test_blocks_see_errors_that_cancel():
    """
    Every 64 rows are all 64 patterns of 6 columns, so that interactions cancel.

    HC1 takes the interaction for noise, and is too wide by half; blocks are not.
    """
    random = np.random.default_rng(41)
    patterns = (np.arange(64)[:, None] >> np.arange(6)) & 1 == 1
    truth = np.array([1 + 1.5, -1 + 1.5, 0, 0, 0, 0])
    covered, widths = {False: [], True: []}, {False: [], True: []}
    for _ in range(200):
        design = np.concatenate([patterns[:1], *(random.permutation(patterns) for _ in range(8))])
        response = design @ [1, -1, 0, 0, 0, 0] + 3 * design[:, 0] * design[:, 1]
        response = response + random.normal(0, 0.4, size=len(design))
        for blocks in (False, True):
            found = weight_intervals(
                design, response, np.ones(513), level=0.95, n_candidates=6, blocks=blocks
            )
            covered[blocks].append((found.lo <= truth) & (truth <= found.hi))
            widths[blocks].append(found.hi - found.lo)
    assert np.mean(covered[False]) > 0.995
    assert 0.91 <= np.mean(covered[True]) <= 0.99
    assert np.mean(widths[True]) < 0.67 * np.mean(widths[False])
