"""Neighbourhoods that are drawn instead of weighted."""

import numpy as np
import pandas as pd
import pytest

from pylime import as_regressor, explain, lime
from pylime.tabular import numerify
from pylime.tabular.neighbourhood import tilted

RANDOM = np.random.default_rng(1)
N = 500
ROWS = pd.DataFrame(
    {
        "number": RANDOM.normal(size=N),
        "whole": RANDOM.integers(0, 9, N),
        "level": RANDOM.choice(list("xyz"), N, p=[0.6, 0.3, 0.1]),
        "gappy": np.where(RANDOM.random(N) < 0.2, np.nan, RANDOM.normal(size=N)),
        "logical": RANDOM.random(N) < 0.3,
        "date": pd.date_range("2020-01-01", periods=N),
    }
)
GAP = int(np.flatnonzero(ROWS["gappy"].isna())[0])
SOME = {"n_features": 3, "random_state": 1}


def response(rows):
    both = (rows["number"] > 0) & (rows["level"] == "y")
    return (rows["number"] + 2 * both + rows["gappy"].fillna(3) + 0.1 * rows["whole"]).to_numpy()


def drawn(case, width, **options):
    """The design of the permutations that the model sees, without the case."""
    seen = []

    def watched(rows):
        seen.append(rows.copy())
        return response(rows)

    explainer = lime(ROWS, as_regressor(watched), dates="draw", probe=False)
    explain(ROWS.iloc[[case]], explainer, sampling="kernel", kernel_width=width, **options, **SOME)
    rows = pd.concat([ROWS.iloc[[case]], seen[0].iloc[1:]])
    return numerify(rows, explainer).iloc[1:], explainer


@pytest.mark.parametrize("draws", ["balanced", "independent"])
@pytest.mark.parametrize("case", [0, 1, GAP])
@pytest.mark.parametrize("width", [0.3, 0.7, 2.0, 1e6])
def test_a_column_keeps_bin_or_level_with_the_odds_of_the_kernel(case, width, draws):
    design, explainer = drawn(case, width, draws=draws)
    training = numerify(pd.concat([ROWS.iloc[[case]], ROWS]), explainer).iloc[1:]
    share = training.mean()
    odds = share / (1 - share) * np.exp(1 / (2 * width**2))
    expected = odds / (1 + odds)
    error = np.sqrt(expected * (1 - expected) / len(design))
    # A date or whole number near a cut can fall on either side of it.
    assert (np.abs(design.mean() - expected) < 4 * error + 0.003).all()
    together = design.corr().fillna(0).to_numpy() - np.eye(len(share))
    assert np.abs(together).max() < 0.07  # columns are independent


def test_the_limit_is_that_of_the_weights():
    explainer = lime(ROWS, as_regressor(response), dates="hold")
    options = {"kernel_width": 0.8, "n_permutations": 100_000, "penalty": 0, **SOME}
    weighed = explain(ROWS.head(1), explainer, dist_fun="euclidean", intervals=True, **options)
    drawn_ = explain(ROWS.head(1), explainer, sampling="kernel", intervals=True, **options)
    assert weighed["feature"].tolist() == drawn_["feature"].tolist()
    error = np.hypot(weighed["feature_se"], drawn_["feature_se"])
    assert (np.abs(weighed["feature_weight"] - drawn_["feature_weight"]) < 4 * error).all()
    assert (drawn_["feature_se"] < weighed["feature_se"]).all()


def test_all_permutations_count_where_the_kernel_is_narrow():
    explainer = lime(ROWS, as_regressor(response), dates="hold")
    found = explain(
        ROWS.head(1), explainer, sampling="kernel", kernel_width=0.4, quality=True, **SOME
    )
    assert (found["effective_n"] == 4999).all()
    assert (found["fresh_r2"] > 0.3).all()


def test_columns_without_bins_are_an_error_that_names_the_cure():
    explainer = lime(ROWS, as_regressor(response), dates="hold", bin_continuous=False)
    with pytest.raises(ValueError, match=r"without bins are 'number'.*bin_continuous=True"):
        explain(ROWS.head(1), explainer, sampling="kernel")
    with pytest.raises(ValueError, match="leave out `dist_fun`, which is 'manhattan'"):
        explain(ROWS.head(1), explainer, sampling="kernel", dist_fun="manhattan")
    with pytest.raises(ValueError, match="`sampling` must be one of None, 'kernel'; not 'kernels'"):
        explain(ROWS.head(1), explainer, sampling="kernels")


def test_a_new_level_is_kept_half_of_the_time_without_a_kernel():
    case = ROWS.head(1).assign(level="new")
    explainer = lime(ROWS, as_regressor(response), dates="hold")
    wide = explain(case, explainer, sampling="kernel", kernel_width=1e6, contributions=True, **SOME)
    assert len(wide)


def test_tilted_numbers_are_uniform_inside_and_outside():
    u = (np.arange(100_000) + 0.5) / 100_000
    found = np.sort(tilted(u, 0.2, 0.5, width=0.5))
    inside = (found > 0.2) & (found < 0.5)
    odds = 0.3 / 0.7 * np.exp(2)
    assert inside.mean() == pytest.approx(odds / (1 + odds), abs=1e-4)
    for values, length in ((found[inside], 0.3), (found[~inside & (found < 0.2)], 0.2)):
        steps = np.diff(values)
        assert steps.max() < 2 * length / len(values) + 1e-12
    np.testing.assert_array_equal(tilted(u, 0.0, 1.0, width=0.1), u)
    assert (
        (tilted(u, 0.2, 0.5, width=1e-3) >= 0.2) & (tilted(u, 0.2, 0.5, width=1e-3) <= 0.5)
    ).all()
