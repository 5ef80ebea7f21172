"""Where tables differ from R on purpose, one test or more for each entry of that list."""

import warnings

import numpy as np
import pandas as pd
import pytest

from pylime import CaseWarning, as_classifier, as_regressor, explain, lime
from pylime.similarity import gower_distance
from pylime.tabular import describe_feature, numerify

RANDOM = np.random.default_rng(3)
N = 200

MODEL = as_regressor(lambda rows: np.zeros(len(rows)))
TRAIN = pd.DataFrame(
    {
        "num": RANDOM.normal(10, 3, N),
        "int": RANDOM.poisson(6, N),
        "flag": RANDOM.integers(0, 2, N),
        "chr": RANDOM.choice(["red", "green", "blue"], N),
        "lgl": RANDOM.random(N) < 0.6,
    }
)


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return function(*arguments, **options)


def seen_by(model_of, train, cases, **options):
    """The frames that a model gets."""
    seen = []

    def model(rows):
        seen.append(rows.copy())
        return model_of(rows)

    lime_options = {
        key: options.pop(key) for key in ("bin_continuous", "use_density") if key in options
    }
    explainer = quietly(lime, train, as_regressor(model), **lime_options)
    explanation = explain(cases, explainer, random_state=1, **options)
    return pd.concat(seen), explanation


# 1: empty bins


def test_a_bin_after_an_empty_one_is_drawn_from():
    explainer = quietly(lime, TRAIN, MODEL)
    np.testing.assert_allclose(explainer.bin_cuts["flag"], [0, 0.25, 0.5, 0.75, 1])
    shares = explainer.feature_distribution["flag"]
    assert shares.tolist() == [(TRAIN["flag"] == 0).mean(), 0, 0, (TRAIN["flag"] == 1).mean()]
    rows, explanation = seen_by(
        lambda rows: rows["flag"] + 0.1 * rows["num"], TRAIN, TRAIN.iloc[[0]]
    )
    assert rows["flag"].mean() == pytest.approx(TRAIN["flag"].mean(), abs=0.05)
    assert "flag" in set(explanation["feature"])


def test_a_gapped_column_is_drawn_from_its_own_ranges():
    train = pd.DataFrame({"gap": np.r_[np.linspace(0, 1, 60), np.linspace(9, 10, 40)]})
    explainer = lime(train, MODEL, quantile_bins=False, n_bins=5)
    (column,) = explainer.columns
    assert explainer.feature_distribution["gap"].tolist() == [0.6, 0, 0, 0, 0.4]
    draws = column.draw(np.random.default_rng(1).random(20_000))
    assert not np.any((draws > 2) & (draws <= 8))
    assert np.mean(draws > 8) == pytest.approx(0.4, abs=0.02)
    assert describe_feature("gap", train.iloc[0], explainer) == "gap <= 2"


# 2: a case beyond the training range


@pytest.mark.parametrize(("value", "bin_"), [(99.0, 3), (-99.0, 0)])
def test_a_case_beyond_the_range_is_in_the_outermost_bin(value, bin_):
    train = pd.DataFrame({"num": np.arange(1.0, 101.0)})
    explainer = lime(train * 0.5, MODEL)
    rows = pd.DataFrame({"num": [value, 49.0, 30.0, 20.0, 1.0]})
    design = numerify(rows, explainer)["num"].tolist()
    assert design == ([1, 1, 0, 0, 0] if bin_ == 3 else [1, 0, 0, 0, 1])
    text = describe_feature("num", rows.iloc[0], explainer)
    assert text == ("37.6 < num" if bin_ == 3 else "num <= 12.9")


# 3: missing values


def with_missing():
    train = TRAIN.copy()
    for name, step in (("num", 5), ("chr", 4), ("lgl", 10)):
        train[name] = train[name].astype({"num": float, "chr": "str", "lgl": "boolean"}[name])
        train.loc[::step, name] = pd.NA if name == "lgl" else None
    return train


@pytest.mark.parametrize(
    "options",
    [{}, {"bin_continuous": False}, {"bin_continuous": False, "use_density": False}],
    ids=["binned", "density", "normal"],
)
def test_missing_is_a_level_of_its_own(options):
    train = with_missing()
    cases = train.iloc[[0, 1]]
    assert cases.iloc[0][["num", "chr", "lgl"]].isna().all()
    rows, explanation = seen_by(
        lambda rows: rows.isna().sum(axis=1) + rows["int"],
        train,
        cases,
        n_features=5,
        **options,
    )
    for name, rate in (("num", 0.2), ("chr", 0.25), ("lgl", 0.1)):
        assert rows[name].isna().mean() == pytest.approx(rate, abs=0.03)
        first = explanation[(explanation["case"] == 0) & (explanation["feature"] == name)]
        assert first["feature_desc"].item() == f"{name} is missing"
        assert first["feature_weight"].item() == pytest.approx(1, abs=0.3)
        assert pd.isna(first["feature_value"].item())
    pd.testing.assert_series_equal(rows.dtypes, train.dtypes)


def test_density_and_mean_leave_missing_values_out():
    train = with_missing()
    whole = train.dropna(subset="num")
    for use_density in (True, False):
        options = {"bin_continuous": False, "use_density": use_density}
        ours = quietly(lime, train, MODEL, **options)
        theirs = quietly(lime, whole, MODEL, **options)
        for one, other in zip(
            ours.feature_distribution["num"], theirs.feature_distribution["num"], strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_a_case_may_miss_what_training_never_did():
    cases = TRAIN.astype({"lgl": object, "chr": object}).iloc[[0, 1]]
    cases = cases.astype({"int": float})
    cases.iloc[0] = np.nan
    _, explanation = seen_by(
        lambda rows: np.asarray(rows["num"].fillna(0) + (rows["chr"] == "red") * 3), TRAIN, cases
    )
    first = explanation[explanation["case"] == 0]
    assert set(first["feature_desc"]) <= {f"{name} is missing" for name in TRAIN}
    assert len(explanation[explanation["case"] == 1])


# 4: integers are rounded by the training column's type


@pytest.mark.parametrize("options", [{}, {"bin_continuous": False}])
def test_integers_are_rounded_by_the_type_of_the_training_data(options):
    case = TRAIN.iloc[[0]].astype({"int": float})
    rows, explanation = seen_by(lambda rows: rows["int"] + rows["num"], TRAIN, case, **options)
    assert rows["int"].dtype == TRAIN["int"].dtype
    value = explanation.loc[explanation["feature"] == "int", "feature_value"].item()
    assert isinstance(value, int)
    train = TRAIN.astype({"int": float})
    rows, _ = seen_by(lambda rows: rows["int"] + rows["num"], train, TRAIN.iloc[[0]], **options)
    assert rows["int"].dtype == np.float64
    assert (rows["int"] != rows["int"].round()).any()


# 5: columns that R cannot take


def test_a_single_column():
    train = TRAIN[["num"]]
    _, explanation = seen_by(lambda rows: rows["num"], train, train.iloc[[0]])
    assert explanation["feature"].tolist() == ["num"]


def test_columns_that_are_missing_throughout():
    train = TRAIN.assign(
        nothing=np.nan, none=None, never=pd.array([pd.NA] * N, dtype="boolean"), na=pd.NaT
    )
    rows, explanation = seen_by(lambda rows: rows["num"], train, train.iloc[[0]])
    assert rows[["nothing", "none", "never", "na"]].isna().all(axis=None)
    pd.testing.assert_series_equal(rows.dtypes, train.dtypes)
    assert not set(explanation["feature"]) & {"nothing", "none", "never", "na"}


@pytest.mark.parametrize("options", [{}, {"bin_continuous": False}])
def test_a_constant_with_missing_values_is_compared_like_two_levels(options):
    train = TRAIN.assign(fee=np.where(np.arange(N) % 2, 10.0, np.nan))
    rows, explanation = seen_by(
        lambda rows: rows["fee"].isna() * 5.0 + rows["num"] / 10,
        train,
        train.iloc[[0, 1]],
        n_features=1,
        **options,
    )
    assert rows["fee"].isna().mean() == pytest.approx(0.5, abs=0.05)
    assert explanation["feature_desc"].tolist() == ["fee is missing", "fee = 10.0"]


def test_an_unseen_level_is_explained():
    case = TRAIN.iloc[[0]].assign(chr="purple")
    rows, explanation = seen_by(lambda rows: rows["num"] + (rows["chr"] == "purple"), TRAIN, case)
    assert (rows["chr"] == "purple").mean() == pytest.approx(0.5, abs=0.03)
    found = explanation.set_index("feature").loc["chr"]
    assert found["feature_desc"] == "chr = purple (new)"
    assert found["feature_weight"] == pytest.approx(1, abs=0.1)


# 6: kernels


def test_a_kernel_width_is_not_ignored_silently():
    explainer = quietly(lime, TRAIN, as_regressor(lambda rows: rows["num"]))
    with pytest.warns(UserWarning, match="`kernel_width` is ignored"):
        explain(TRAIN.iloc[[0]], explainer, kernel_width=1, n_permutations=100)


@pytest.mark.parametrize("use_density", [True, False])
def test_numbers_that_are_not_binned_are_standardised_for_a_distance(use_density):
    train = TRAIN[["num", "int"]].astype({"int": np.int64}) * 1000
    options = {"bin_continuous": False, "use_density": use_density}
    explainer = lime(train, as_regressor(lambda rows: rows["num"] + rows["int"]), **options)
    explanation = explain(train.iloc[[0]], explainer, dist_fun="euclidean", random_state=1)
    assert explanation["model_r2"].iloc[0] > 0.99


# 7: the value's own type


def test_feature_value_keeps_the_type_of_the_value():
    _, explanation = seen_by(
        lambda rows: rows["num"] + rows["lgl"] + (rows["chr"] == "red") + rows["int"],
        TRAIN,
        TRAIN.iloc[[0]],
    )
    found = dict(zip(explanation["feature"], explanation["feature_value"], strict=True))
    assert explanation["feature_value"].dtype == object
    assert isinstance(found["num"], float)
    assert isinstance(found["int"], int)
    assert isinstance(found["chr"], str)
    assert isinstance(found["lgl"], bool | np.bool_)


# 8: nothing to compare


def test_a_pair_with_nothing_to_compare_has_distance_0():
    rows = pd.DataFrame({"l": [False, False, True], "x": [np.nan, 1.0, 2.0]})
    assert gower_distance(rows.iloc[[0]], rows).tolist() == [0, 0, 1]


# 9: arguments


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"feature_select": "lasso"}, ValueError, "`feature_select` must be one of 'auto'"),
        ({"feature_select": "lasso", "n_features": 99}, ValueError, "`feature_select`"),
        ({"labels": "maybe"}, ValueError, "`labels` must be among the model's 2 labels"),
        ({"n_labels": 3}, ValueError, "`n_labels` must not exceed the model's 2 labels"),
        (
            {"n_permutations": 1},
            ValueError,
            "`n_permutations` must be .* at least 2",
        ),
        ({"labels": "yes", "n_labels": 1}, ValueError, "`labels` and `n_labels`"),
        ({"dist_fun": "euklid"}, ValueError, "`dist_fun` must be a function or one of 'gower'"),
        ({"gower_pow": 0}, ValueError, "`gower_pow` must be a positive number"),
        ({"kernel_width": -1}, ValueError, "`kernel_width` must be a positive number"),
        ({"gower_power": 2}, TypeError, "Did you mean 'gower_pow'"),
    ],
)
def test_arguments_are_checked(arguments, error, message):
    model = as_classifier(lambda rows: 1 / (1 + np.exp(-rows["num"] + 10)), ["no", "yes"])
    explainer = quietly(lime, TRAIN, model)
    with pytest.raises(error, match=message):
        explain(TRAIN.iloc[[0]], explainer, **arguments)


# 10: an empty lasso path


def test_a_lasso_path_that_jumps_still_finds_a_feature():
    train = pd.DataFrame({"a": TRAIN["num"], "b": TRAIN["num"]})
    _, explanation = seen_by(
        lambda rows: rows["a"] + rows["b"],
        train,
        train.iloc[[0]],
        n_features=1,
        feature_select="lasso_path",
    )
    assert len(explanation) == 1


# 11: one case does not lose the others


def test_a_case_that_cannot_be_explained_does_not_lose_the_others():
    explainer = quietly(lime, TRAIN, as_regressor(lambda rows: rows["num"]))
    cases = TRAIN.head(4).copy()
    cases["chr"] = [cases["chr"][0], ["red", "blue"], *cases["chr"][2:]]
    cases.loc[2, "num"] = np.inf
    with pytest.warns(CaseWarning, match="2 of 4 cases .* 1: .*'blue'.* 2: .*finite") as caught:
        explanation = explain(cases, explainer, random_state=1, n_permutations=200)
    assert [warning.category for warning in caught].count(CaseWarning) == 1
    assert explanation["case"].unique().tolist() == [0, 3]
    alone = explain(cases.iloc[[3]], explainer, random_state=1, n_permutations=200)
    pd.testing.assert_frame_equal(
        alone, explanation[explanation["case"] == 3].reset_index(drop=True)
    )
    with pytest.raises(ValueError, match="'chr' must have values"):
        explain(cases.iloc[[1]], explainer)


def test_a_response_that_is_constant_for_one_case():
    def model(rows):  # does not react to anything in the second case's neighbourhood
        return np.where(rows["day"] == pd.Timestamp("2020-01-02"), 1.0, rows["num"])

    train = TRAIN.assign(day=pd.date_range("2020-01-01", periods=N))
    explainer = quietly(lime, train, as_regressor(model))
    with pytest.warns(UserWarning, match="1 of 3 cases .*is 1 for every permutation"):
        explanation = explain(train.head(3), explainer, n_permutations=100)
    assert explanation["case"].unique().tolist() == [0, 2]
    with pytest.raises(ValueError, match="'Response' is 1 for every permutation"):
        explain(train.iloc[[1]], explainer, n_permutations=100)


def test_similarity_of_nothing_says_what_to_change():
    model = as_regressor(lambda rows: rows["num"])
    explainer = quietly(lime, TRAIN, model, bin_continuous=False)
    with pytest.raises(ValueError, match=r"increase `kernel_width`"):
        explain(TRAIN.iloc[[0]], explainer, dist_fun="euclidean", kernel_width=1e-3, random_state=0)


def test_warnings_point_to_the_line_of_the_user():
    frame = pd.DataFrame({"spike": [0] * 9 + [1], "same": 1})
    model = as_regressor(lambda rows: rows["spike"])
    with pytest.warns(UserWarning, match="variance") as caught:
        lime(frame, model)
    assert [str(warning.message).split()[0] for warning in caught] == ["spike", "Data"]
    assert {warning.filename for warning in caught} == {__file__}
