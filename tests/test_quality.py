"""Warnings about local models that mislead, and labels that never change."""

import warnings

import numpy as np
import pandas as pd
import pytest

from pylime import CaseWarning, FitWarning, as_classifier, as_regressor, explain, lime
from pylime.surrogate import fit_surrogates

RANDOM = np.random.default_rng(5)
ROWS = pd.DataFrame({"height": RANDOM.normal(170, 10, 300), "mass": RANDOM.normal(70, 12, 300)})


def standing(rows):
    return ((rows["height"] - 170) / 10 - 0.5 * (rows["mass"] - 70) / 12).to_numpy()


def scaled(factor):
    return lime(ROWS, as_regressor(lambda rows: factor * standing(rows)))


def test_the_share_that_the_penalty_takes_is_named_with_the_cure():
    with pytest.warns(FitWarning) as caught:
        explanation = explain(ROWS.head(7), scaled(1e-3), random_state=1)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert "`penalty=0`" in message
    assert "case 0, 1, 2, 3, 4, ... (7 cases)" in message
    without = explain(ROWS.head(7), scaled(1e-3), penalty=0, random_state=1)
    # Every column loses about the share that the warning names.
    taken = 1 - explanation["feature_weight"] / without["feature_weight"]
    (share,) = [float(word) for word in message.split() if word.replace(".", "").isdigit()][:1]
    assert 100 * taken.median() == pytest.approx(share, abs=2)


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1.0, 1e4, 1e9])
@pytest.mark.parametrize("method", ["forward_selection", "highest_weights", "lasso_path", "none"])
def test_without_penalty_weights_follow_the_response(factor, method):
    options = {"penalty": 0, "feature_select": method, "random_state": 1}
    plain = explain(ROWS.head(2), scaled(1.0), **options)
    other = explain(ROWS.head(2), scaled(factor), **options)
    assert other["feature"].tolist() == plain["feature"].tolist()
    np.testing.assert_allclose(
        other["feature_weight"] / factor, plain["feature_weight"], rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(other["model_r2"], plain["model_r2"], rtol=1e-9)


def test_a_penalty_of_ones_own_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        strong = explain(ROWS.head(1), scaled(1.0), penalty=1.0, random_state=1)
        explain(ROWS.head(1), scaled(1e-6), penalty=0, random_state=1)
    weak = explain(ROWS.head(1), scaled(1.0), random_state=1)
    assert (strong["feature_weight"].abs() < 0.7 * weak["feature_weight"].abs()).all()
    with pytest.raises(ValueError, match="`penalty` must be 0 or a positive number; not -1"):
        explain(ROWS.head(1), scaled(1.0), penalty=-1)


def test_a_collapsed_neighbourhood_is_named_with_the_cure():
    explainer = lime(ROWS, as_regressor(standing), bin_continuous=False)
    with pytest.warns(FitWarning, match=r"of 5000 permutations count for case 0: .*kernel_width"):
        explain(ROWS.head(1), explainer, dist_fun="euclidean", kernel_width=0.02, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(ROWS.head(1), explainer, dist_fun="euclidean", random_state=1)
        explain(ROWS.head(1), explainer, n_permutations=30, random_state=1)


def test_one_warning_names_penalty_and_neighbourhood():
    explainer = lime(ROWS, as_regressor(lambda rows: 1e-4 * standing(rows)), bin_continuous=False)
    with pytest.warns(FitWarning) as caught:
        explain(ROWS.head(2), explainer, dist_fun="euclidean", kernel_width=0.05, random_state=1)
    assert len(caught) == 1
    assert "penalty" in str(caught[0].message)
    assert "permutations count" in str(caught[0].message)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_label_that_never_changes_is_left_out_once_for_all_cases(n_jobs):
    def model(rows):
        low = 1 / (1 + np.exp(-standing(rows)))
        return np.column_stack([low, np.full(len(low), 0.25), 1 - low])

    explainer = lime(ROWS, as_classifier(model, ["low", "never", "high"], activation=None))
    with pytest.warns(CaseWarning, match=r"'never', which is 0\.25 \(case 0, 1, 2\)") as caught:
        explanation = explain(ROWS.head(3), explainer, n_labels=3, random_state=1, n_jobs=n_jobs)
    assert len(caught) == 1
    assert explanation.groupby("case")["label"].unique().map(len).tolist() == [2, 2, 2]
    with pytest.raises(ValueError, match=r"label 'never' is 0\.25 for every permutation"):
        explain(ROWS.head(1), explainer, labels="never")


def test_fit_surrogates_leaves_out_what_never_changes():
    design = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
    predictions = pd.DataFrame({"cat": [0.9, 0.7, 0.3, 0.1], "cow": 0.5})
    fit = fit_surrogates(design, predictions, np.ones(4), ["ear", "tail"], n_labels=2, n_features=2)
    assert fit["label"].unique().tolist() == ["cat"]
    exact = fit_surrogates(
        design, predictions, np.ones(4), ["ear", "tail"], n_features=2, penalty=0
    )
    np.testing.assert_allclose(exact["feature_weight"], [0.6, 0.2])
