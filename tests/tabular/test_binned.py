"""Columns that are drawn and compared at once, against one at a time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from pylime import as_regressor, explain, lime
from pylime.tabular.binned import Binned
from pylime.tabular.explainer import fit_column
from pylime.tabular.options import TableOptions

RANDOM = np.random.default_rng(1)
COLUMNS = {
    "even": RANDOM.random(400),
    "skewed": RANDOM.lognormal(0, 3, 400),
    "whole": RANDOM.integers(-50, 900, 400),
    "tiny": RANDOM.normal(0, 1e-12, 400),
    "large": RANDOM.normal(1e12, 1.0, 400),
}


def fitted(n_bins=4, **columns):
    frame = pd.DataFrame(columns or COLUMNS)
    options = TableOptions(n_bins=n_bins)
    return [fit_column(name, frame[name], options) for name in frame]


@settings(max_examples=60, deadline=None)
@given(n_bins=st.integers(2, 7), n=st.sampled_from([1, 2, 37, 5000]), seed=st.integers(0, 99))
def test_they_are_drawn_and_compared_as_one_by_one(n_bins, n, seed):
    columns = fitted(n_bins)
    binned = Binned.of(columns)
    assert binned.places == (0, 1, 3, 4, 2)
    assert binned.n_whole == 1
    u = np.random.default_rng(seed).random((5, n))
    drawn = np.empty((5, n))
    binned.draw(u, drawn)
    for row, place in enumerate(binned.places):
        alone = columns[place].draw(u[row].copy())
        assert_allclose(drawn[row], alone, rtol=1e-14, atol=1e-15 * np.abs(alone).max())
    bins = binned.bins_of(drawn[:, 0])
    assert bins.known.all()
    inside = binned.compare(drawn, bins)
    for row, place in enumerate(binned.places):
        assert_array_equal(inside[row], columns[place].compare(drawn[row]))


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (pd.Series([1.0, np.nan, 3.0, 4.0, 9.0] * 20), {}),  # drawn missing, too
        (pd.Series(["a", "b"] * 50), {}),
        (pd.Series(RANDOM.random(100), dtype=np.float32), {}),  # rounded
        (pd.Series(RANDOM.random(100)), {"bin_continuous": False}),
        (pd.Series([0.0] * 60 + [100.0] * 40), {"quantile_bins": False}),  # empty bins
        (pd.Series([2**60, 2**60 + 4096, 7] * 40), {}),
        (pd.Series(RANDOM.random(300)), {"n_bins": 20}),
    ],
    ids=["gaps", "levels", "float32", "not binned", "empty bins", "large", "many bins"],
)
def test_other_columns_are_drawn_one_by_one(values, options):
    columns = [fit_column("a", values, TableOptions(**options))]
    assert Binned.of(columns).places == ()


def test_a_case_outside_of_all_known_bins_is_left_to_its_column():
    binned = Binned.of(fitted())
    numbers = np.array([np.nan, -1.0, 0.0, 1e13, 1e9])
    bins = binned.bins_of(numbers)
    assert bins.known.tolist() == [False, True, True, True, True]
    assert bins.low[1] == -np.inf
    assert bins.high[3] == bins.high[4] == np.inf


def test_a_missing_value_of_a_column_without_gaps_varies_alone():
    rows = pd.DataFrame(COLUMNS)
    explainer = lime(rows, as_regressor(lambda frame: frame["even"].isna() + 0.1 * frame["whole"]))
    case = rows.head(1).assign(even=np.nan)
    found = explain(case, explainer, n_features=5, random_state=1)
    assert "even is missing" in set(found["feature_desc"])


def test_the_order_of_the_columns_does_not_matter():
    rows = pd.DataFrame(COLUMNS).assign(
        town=["Oslo", "Bergen"] * 200, gaps=[None, 1.5, 2.5, 7.0] * 100
    )
    found = []
    for names in (list(rows), sorted(rows), sorted(rows, reverse=True)):
        model = as_regressor(
            lambda frame: np.log1p(frame["skewed"]) + 0.01 * frame["whole"] + frame["gaps"].isna()
        )
        explainer = lime(rows[names], model)
        explanation = explain(rows[names].head(2), explainer, n_features=7, random_state=1)
        found.append(explanation.set_index(["case", "feature"])["feature_weight"].sort_index())
    assert_allclose(found[0], found[1], rtol=1e-9)
    assert_allclose(found[0], found[2], rtol=1e-9)
