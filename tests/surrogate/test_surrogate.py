"""Surrogate models against R's, and the laws they keep."""

import numpy as np
import pandas as pd
import pytest
from conftest import number, read_reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from pylime.errors import CaseError
from pylime.surrogate import choose_labels, fit_surrogates
from pylime.surrogate.linear import coordinate_descent, lasso_path, ridge, weighted_moments
from pylime.surrogate.selection import FEATURE_SELECT, SelectionProblem, select_forward

CASES = {case["name"]: case for case in read_reference("model_permutations.json.gz")["cases"]}
ARRAYS = read_reference("model_permutations.npz")


def case_input(case: dict, *, dense: bool = False) -> dict:
    name = case["name"]
    if f"{name}__x" in ARRAYS:
        design = ARRAYS[f"{name}__x"]
    else:
        places = ARRAYS[f"{name}__x_i"], ARRAYS[f"{name}__x_j"]
        design = sparse.csr_array((np.ones(len(places[0])), places), shape=case["dim"])
        design = design.toarray() if dense else design
    return {
        "design": design,
        "predictions": pd.DataFrame(ARRAYS[f"{name}__y"], columns=case["y_names"]),
        "weights": ARRAYS[f"{name}__weights"],
        "features": case["x_colnames"],
    }


def fit_case(case: dict, **options) -> pd.DataFrame:
    return fit_surrogates(
        **case_input(case, **options),
        labels=case["labels"],
        n_labels=case["n_labels"],
        n_features=case["n_features"],
        feature_select=case["feature_method"],
    )


@pytest.mark.parametrize("name", CASES)
def test_labels_features_and_their_order_are_rs(name):
    ours, theirs = fit_case(CASES[name]), CASES[name]["result"]
    assert ours["label"].tolist() == theirs["label"]
    assert ours["feature"].tolist() == theirs["feature"]


@pytest.mark.parametrize("name", CASES)
def test_fits_are_what_glmnet_converges_to(name):
    """To 1e-6 of the largest weight; 4e-9 is reached."""
    ours = fit_case(CASES[name])
    for theirs in CASES[name]["glmnet_converged"]:
        fit = ours[ours["label"] == theirs["label"]]
        weights = np.array([number(weight) for weight in np.atleast_1d(theirs["feature_weight"])])
        tolerance = 1e-6 * np.abs(weights).max()
        assert np.abs(fit["feature_weight"].to_numpy() - weights).max() <= tolerance
        for column in ("model_intercept", "model_prediction"):
            assert fit[column].iloc[0] == pytest.approx(theirs[column], abs=tolerance)
        assert fit["model_r2"].iloc[0] == pytest.approx(theirs["model_r2"], abs=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_fits_are_near_what_r_returns(name):
    """R stops its descent early; 6.4e-5 is the largest difference it leaves."""
    ours, theirs = fit_case(CASES[name]), CASES[name]["result"]
    for column in ("feature_weight", "model_intercept", "model_r2", "model_prediction"):
        expected = [number(value) for value in theirs[column]]
        np.testing.assert_allclose(ours[column].to_numpy(), expected, atol=1.5e-4)


@pytest.mark.parametrize("name", ["text30_hw10", "text30_fs5", "img48_auto10", "text30_lp5"])
def test_sparse_and_dense_designs_give_the_same(name):
    pd.testing.assert_frame_equal(fit_case(CASES[name]), fit_case(CASES[name], dense=True))


def test_blocks_of_rows_add_up(monkeypatch):
    case = CASES["img48_auto10"]
    whole = fit_case(case)
    monkeypatch.setattr("pylime.surrogate.linear._BLOCK_VALUES", 1000)
    pd.testing.assert_frame_equal(whole, fit_case(case), rtol=1e-10)


def abnormal() -> dict:
    stored = read_reference("model_permutations_errors.json")
    return {
        "design": np.array(stored["x"]),
        "predictions": pd.DataFrame(stored["y"]),
        "weights": np.ones(100),
        "features": list("abcd"),
        "n_features": 2,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.r_[1.0, np.zeros(99)]}, "no similarity to the original observation"),
        ({"predictions": pd.DataFrame({"A": np.ones(100)})}, "'A' is 1 for every permutation"),
        ({"n_labels": 3}, "`n_labels` must not exceed the model's 2 labels; not 3"),
        ({"labels": "C"}, "must be among the model's 2 labels; not 'C'. They are 'A', 'B'."),
        ({"labels": []}, "`labels` must name at least one label; it is empty"),
        ({"labels": "A", "n_labels": 1}, "choose between `labels` and `n_labels`"),
        ({"design": np.ones((100, 4))}, "No feature varies"),
        ({"feature_select": "lasso"}, "must be one of 'auto', 'none', .*; not 'lasso'"),
        ({"feature_select": "lasso", "n_features": 9}, "`feature_select` must be one of"),
    ],
)
def test_abnormal_calls_say_what_is_wrong(change, message):
    with pytest.raises(ValueError, match=message):
        fit_surrogates(**(abnormal() | change))


def test_pure_noise_with_one_lasso_feature_is_rs():
    stored = read_reference("model_permutations_errors.json")
    theirs = stored["outcomes"]["pure_noise_lasso_1"]["result"]
    ours = fit_surrogates(
        **(abnormal() | {"n_features": 1}), labels="A", feature_select="lasso_path"
    )
    assert ours["feature"].tolist() == theirs["feature"]
    np.testing.assert_allclose(ours["feature_weight"], theirs["feature_weight"], rtol=1e-6)
    np.testing.assert_allclose(ours["model_r2"], theirs["model_r2"], rtol=1e-6)


def test_unknown_labels_name_the_nearest():
    prediction = pd.Series({"Egyptian cat": 0.4, "tiger cat": 0.3, "tabby, tabby cat": 0.2})
    with pytest.raises(ValueError, match="Nearest: 'Egyptian cat'"):
        choose_labels(prediction, "egyptian")
    with pytest.raises(ValueError, match="Nearest: 'tiger cat'"):
        choose_labels(prediction, ["tigre cat"])


def test_labels_keep_their_order_and_types():
    prediction = pd.Series([0.2, 0.5, 0.3], index=[0, 1, 2])
    assert choose_labels(prediction, [2, "0"]) == [2, 0]
    assert choose_labels(prediction, n_labels=2) == [1, 2]
    assert choose_labels(prediction) == [1]
    assert choose_labels(prediction, [1, "1", 0]) == [1, 0]
    assert choose_labels(pd.Series({False: 0.2, True: 0.8}), True) == [True]
    pairs = pd.Series([0.2, 0.8], index=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    assert choose_labels(pairs, ("a", "y")) == [("a", "y")]


def test_forward_selection_matches_fitting_every_candidate():
    """R's way, a descent per candidate, on nearly collinear, binary and correlated data."""
    random = np.random.default_rng(0)
    for round_ in range(30):
        design = random.normal(size=(300, 8))
        if round_ % 3 == 0:
            design[:, 1] = design[:, 0] + random.normal(size=300) * 1e-3
        if round_ % 3 == 1:
            design = (design > 0.3).astype(float)
        response = 1 / (1 + np.exp(-design @ random.normal(size=8) + random.normal(size=300)))
        weights = random.random(300)
        moments = weighted_moments(design, response[:, None], weights)
        chosen: list[int] = []
        for _ in range(5):
            reached = []
            for column in range(8):
                columns = [*chosen, column]
                gram, cross = moments.gram[np.ix_(columns, columns)], moments.cross[columns, 0]
                beta = coordinate_descent(gram, cross, 0.0)
                fits = -np.inf if column in chosen else 2 * beta @ cross - beta @ gram @ beta
                reached.append(fits)
            chosen.append(int(np.argmax(reached)))
        problem = SelectionProblem(moments, design, response[:, None], weights)
        assert select_forward(problem, 0, 5) == chosen


def test_tree_splits_where_xgboost_would():
    """A response that depends on two columns, the first more."""
    random = np.random.default_rng(1)
    design = random.integers(0, 2, (500, 6))
    response = 0.2 + 0.5 * design[:, 4] + 0.2 * design[:, 1] * design[:, 4]
    fit = fit_surrogates(
        design,
        pd.DataFrame({"A": response}),
        np.ones(500),
        list("abcdef"),
        n_features=2,
        feature_select="tree",
    )
    assert fit["feature"].tolist() == ["b", "e"]
    assert fit["model_r2"].iloc[0] > 0.9


@pytest.mark.parametrize("penalty", [0.0, 0.05])
def test_ridge_solves_its_normal_equations(penalty):
    random = np.random.default_rng(2)
    design, weights = random.normal(size=(200, 4)) * [1, 10, 0.1, 1] + 5, random.random(200)
    response = design @ [1, 0.1, -3, 0] + random.normal(size=200)
    fit = ridge(weighted_moments(design, response[:, None], weights), 0, penalty)
    share = weights / weights.sum()
    residuals = response - fit.intercept - design @ fit.coefficients
    mean, scale = share @ design, np.sqrt(share @ (design - share @ design) ** 2)
    gradient = (share * residuals) @ ((design - mean) / scale)
    s = np.sqrt(share @ (response - share @ response) ** 2)
    np.testing.assert_allclose(gradient, penalty / s * fit.coefficients * scale, atol=1e-12)
    total = share @ (response - share @ response) ** 2
    assert fit.r2 == pytest.approx(1 - share @ residuals**2 / total)


def test_lasso_path_starts_empty_and_keeps_the_optimality_conditions():
    random = np.random.default_rng(3)
    design = random.normal(size=(150, 6))
    response = design @ [2, 0, 0, -1, 0, 0.3] + random.normal(size=150)
    moments = weighted_moments(design, response[:, None], np.ones(150))
    path = lasso_path(moments, 0)
    assert not path[0].any()
    penalties = np.abs(moments.cross[:, 0]).max() * (1e-4 ** (1 / 299)) ** np.arange(len(path))
    for beta, penalty in zip(path, penalties, strict=True):
        slope = moments.cross[:, 0] - moments.gram @ beta
        assert (np.abs(slope) <= penalty + 2e-3).all()
        np.testing.assert_allclose(slope[beta != 0], penalty * np.sign(beta[beta != 0]), atol=2e-3)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 40),
    p=st.integers(1, 8),
    n_features=st.integers(1, 10),
    method=st.sampled_from(FEATURE_SELECT),
    seed=st.integers(0, 10_000),
)
def test_any_neighbourhood_gives_at_most_n_features_or_a_case_error(n, p, n_features, method, seed):
    random = np.random.default_rng(seed)
    design = random.integers(0, 2, (n, p))
    design[0] = 1
    predictions = pd.DataFrame(random.random((n, 2)), columns=["A", "B"])
    weights = np.sqrt(design.mean(axis=1))
    try:
        fit = fit_surrogates(
            design,
            predictions,
            weights,
            [f"x{column}" for column in range(p)],
            n_labels=2,
            n_features=n_features,
            feature_select=method,
        )
    except CaseError:
        return
    counts = fit.groupby("label")["feature"].agg(["size", "nunique"])
    assert (counts["size"] == counts["nunique"]).all()
    if method != "none":
        assert (counts["size"] <= n_features).all()
    assert np.isfinite(fit[["model_intercept", "model_prediction"]].to_numpy()).all()
