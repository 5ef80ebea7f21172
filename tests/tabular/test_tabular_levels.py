"""Levels, bins and gaps that a case has and the training data lack."""

import warnings

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pyarrow
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pylime import CaseError, CaseWarning, as_regressor, explain, lime
from pylime.tabular import describe_feature, numerify

RANDOM = np.random.default_rng(7)
N = 400
LETTERS = RANDOM.choice(list("abcd"), N)
NUMBERS = RANDOM.normal(size=N)

# A column of each type of levels, from strings.
KINDS = {
    "object": lambda texts: pd.Series(list(texts), dtype=object),
    "str": lambda texts: pd.Series(list(texts), dtype="str"),
    "string": lambda texts: pd.Series(list(texts), dtype="string"),
    "arrow": lambda texts: pd.Series(list(texts), dtype=pd.ArrowDtype(pyarrow.string())),
    "category": lambda texts: pd.Series(pd.Categorical(texts)),
    "ordered": lambda texts: pd.Series(pd.Categorical(texts, ordered=True)),
    "category of numbers": lambda texts: pd.Series(pd.Categorical([ord(t[0]) for t in texts])),
    "category of intervals": lambda texts: pd.Series(pd.Categorical(intervals(texts))),
    "intervals": lambda texts: pd.Series(intervals(texts)),
    "bytes": lambda texts: pd.Series([text.encode() for text in texts], dtype=object),
    "mixed": lambda texts: pd.Series([MIXED.get(text, text) for text in texts], dtype=object),
}
MIXED = {"a": 1, "c": 2.5, "d": True}


def intervals(texts):
    return pd.arrays.IntervalArray.from_breaks(range(200))[[ord(text[0]) for text in texts]]


class Recorder:
    """A function of rows that keeps what it is given."""

    def __init__(self, predict):
        self.predict, self.seen = predict, []

    def __call__(self, rows):
        self.seen.append(rows)
        return self.predict(rows)


def weights_of(explanation):
    return explanation.set_index("feature")["feature_weight"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_level_is_drawn_and_explained(kind):
    train = pd.DataFrame({"town": KINDS[kind](LETTERS), "z": NUMBERS})
    case = pd.DataFrame({"town": KINDS[kind](["mars"]), "z": [0.3]})
    new = case["town"].iloc[0]
    decides = Recorder(lambda d: 2.0 * np.array([v == new for v in d["town"]]) + 0.5 * d["z"])
    explainer = lime(train, as_regressor(decides))
    explanation = explain(case, explainer, random_state=1)
    rows = decides.seen[-1]
    assert np.mean([value == new for value in rows["town"]]) == pytest.approx(0.5, abs=0.03)
    assert type(rows["town"].iloc[0]) is type(new)
    if not kind.startswith(("category", "ordered")):
        assert rows["town"].dtype == train["town"].dtype
    assert weights_of(explanation)["town"] == pytest.approx(2, abs=0.2)
    assert f"town = {new} (new)" in explanation["feature_desc"].tolist()
    assert describe_feature("town", case.astype(object).iloc[0], explainer) == f"town = {new} (new)"

    ignores = lime(train, as_regressor(lambda d: np.sign(d["z"] - 0.1)))
    weights = weights_of(explain(case, ignores, n_features=2, random_state=1))
    assert abs(weights["town"]) < 0.1 * abs(weights["z"])


@pytest.mark.parametrize("n", [1000, 5000])
def test_the_error_of_the_weight_of_a_new_level(n):
    """Also among 400 levels it is as small as that of a level that half of all rows have."""
    train = pd.DataFrame({"town": RANDOM.integers(0, 400, 2000).astype(str)})
    train["z"] = RANDOM.normal(size=2000)
    explainer = lime(train, as_regressor(lambda d: 2.0 * (d["town"] == "mars") + 0.5 * d["z"]))
    case = pd.DataFrame({"town": ["mars"], "z": [0.3]})
    found = [
        weights_of(explain(case, explainer, n_permutations=n, random_state=seed))["town"]
        for seed in range(15)
    ]
    assert np.mean(found) == pytest.approx(2, abs=0.06)
    assert np.std(found) < (0.1 if n == 1000 else 0.04)


@pytest.mark.parametrize("kind", ["str", "category"])
def test_a_case_with_a_new_level_is_the_same_alone_and_among_others(kind):
    train = pd.DataFrame({"town": KINDS[kind](LETTERS), "z": NUMBERS})
    cases = pd.DataFrame(
        {"town": KINDS[kind](["a", "mars", "b", "venus"]), "z": [0.1, 0.2, 0.3, 0.4]}
    )
    model = Recorder(lambda d: np.array([len(str(v)) for v in d["town"]]) + d["z"])
    explainer = lime(train, as_regressor(model))
    options = {"n_permutations": 300, "random_state": 2}
    together = explain(cases, explainer, **options)
    for row in range(4):
        alone = explain(cases.iloc[[row]], explainer, **options)
        same = together[together["case"] == row].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, same, check_exact=True)
    pd.testing.assert_frame_equal(explain(cases, explainer, n_jobs=2, **options), together)
    assert not any("mars" in set(rows["town"]) & {"venus"} for rows in model.seen)
    if kind == "category":
        widened = [list(rows["town"].cat.categories) for rows in model.seen]
        assert [*"abcd", "mars"] in widened
        assert [*"abcd", "venus"] in widened
        assert [*"abcd", "mars", "venus"] not in widened


def test_the_lower_half_of_the_numbers_keeps_a_new_level_and_the_upper_draws_all_others():
    train = pd.DataFrame({"a": LETTERS, "k": LETTERS[::-1], "z": NUMBERS})
    explainer = lime(train, as_regressor(lambda d: d["z"]), probe=False)
    (town,) = [column for column in explainer.columns if column.name == "a"]
    wide = town.widened(pd.Series(["mars"]))
    u = np.random.default_rng(3).random(300)
    np.testing.assert_array_equal(town.draw_near(0, u), town.draw(u))
    drawn = wide.draw_near(4, u)
    np.testing.assert_array_equal(drawn == 4, u < 0.5)
    np.testing.assert_array_equal(drawn[u >= 0.5], town.draw(2 * u[u >= 0.5] - 1))


@pytest.mark.parametrize("binned", [True, False])
def test_missing_numbers_that_the_training_data_lack_are_drawn_by_the_same_rule(binned):
    explainer = lime(
        pd.DataFrame({"z": NUMBERS}), as_regressor(lambda d: d["z"]), bin_continuous=binned
    )
    (column,) = explainer.columns
    u = np.random.default_rng(3).random(300)
    drawn = column.draw_near(np.nan, u)
    np.testing.assert_array_equal(np.isnan(drawn), u < 0.5)
    np.testing.assert_allclose(drawn[u >= 0.5], column.draw(2 * u[u >= 0.5] - 1), rtol=1e-12)


def test_a_level_that_was_declared_but_never_occurs():
    levels = pd.Categorical(LETTERS, categories=[*"abcde"])
    train = pd.DataFrame({"town": levels, "z": NUMBERS})
    case = train.head(1).assign(town=pd.Categorical(["e"], categories=[*"abcde"]))
    model = Recorder(lambda d: 2.0 * (d["town"] == "e") + 0.5 * d["z"])
    explanation = explain(case, lime(train, as_regressor(model)), random_state=1)
    assert weights_of(explanation)["town"] == pytest.approx(2, abs=0.1)
    assert "town = e" in explanation["feature_desc"].tolist()
    pd.testing.assert_series_equal(model.seen[-1].dtypes, train.dtypes)


def test_a_case_in_an_empty_bin():
    gap = np.r_[np.linspace(0, 1, N // 2), np.linspace(9, 10, N // 2)]
    train = pd.DataFrame({"gap": gap, "z": NUMBERS})
    model = as_regressor(lambda d: 3.0 * ((d["gap"] > 2.5) & (d["gap"] < 7.5)) + 0.5 * d["z"])
    explainer = lime(train, model, quantile_bins=False)
    case = pd.DataFrame({"gap": [4.0], "z": [0.3]})
    explanation = explain(case, explainer, random_state=1)
    assert weights_of(explanation)["gap"] == pytest.approx(3, abs=0.15)
    assert "2.5 < gap <= 5.0" in explanation["feature_desc"].tolist()


@pytest.mark.parametrize("value", [None, np.nan])
def test_a_gap_that_the_training_data_do_not_have(value):
    train = pd.DataFrame({"town": LETTERS.astype(object), "size": NUMBERS, "z": NUMBERS[::-1]})
    model = as_regressor(lambda d: 2.0 * d["town"].isna() - 1.0 * d["size"].isna() + 0.5 * d["z"])
    case = pd.DataFrame({"town": [value], "size": [np.nan], "z": [0.3]}).astype({"town": object})
    weights = weights_of(explain(case, lime(train, model), random_state=1))
    assert weights["town"] == pytest.approx(2, abs=0.1)
    assert weights["size"] == pytest.approx(-1, abs=0.1)


def test_a_logical_that_the_training_data_do_not_have():
    train = pd.DataFrame({"paid": np.ones(N, dtype=bool), "z": NUMBERS})
    model = as_regressor(lambda d: 2.0 * ~d["paid"] + 0.5 * d["z"])
    explanation = explain(train.head(1).assign(paid=False), lime(train, model), random_state=1)
    assert weights_of(explanation)["paid"] == pytest.approx(2, abs=0.1)


def test_a_model_that_refuses_a_level_loses_that_case_only():
    train = pd.DataFrame({"town": LETTERS, "z": NUMBERS})
    columns = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression()).fit(train, NUMBERS > 0)
    explainer = lime(train, model)
    cases = train.head(3).assign(town=["a", "mars", "b"])
    options = {"n_permutations": 300, "random_state": 1}
    message = "'town' has the level 'mars', which is not in the training data. ValueError: Found"
    with pytest.warns(CaseWarning, match=f"1 of 3 cases .*{message}") as caught:
        explanation = explain(cases, explainer, **options)
    assert explanation["case"].unique().tolist() == [0, 2]
    text = str(caught[0].message)
    assert "'a'" not in text.partition("ValueError")[0]
    for arguments in ({}, {"on_error": "raise"}):
        with pytest.raises(CaseError, match=message):
            explain(cases.iloc[[1]], explainer, **options, **arguments)


@pytest.mark.parametrize("library", ["lightgbm", "catboost", "sklearn"])
def test_models_of_categories_take_a_new_one(library):
    train = pd.DataFrame({"town": pd.Categorical(LETTERS), "z": NUMBERS})
    y = 2.0 * (train["town"] == "a") + train["z"]
    if library == "lightgbm":
        model = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1, n_jobs=1).fit(train, y)
    elif library == "catboost":
        model = catboost.CatBoostRegressor(
            iterations=20, cat_features=["town"], verbose=0, allow_writing_files=False
        ).fit(train, y)
    else:
        model = HistGradientBoostingRegressor(categorical_features="from_dtype", max_iter=20)
        model.fit(train, y)
    case = train.head(1).assign(town=pd.Categorical(["mars"]))
    explanation = explain(case, lime(train, model), n_permutations=500, random_state=1)
    assert "town = mars (new)" in explanation["feature_desc"].tolist()


def test_a_new_level_of_an_array_is_not_cut_off():
    array = np.column_stack([LETTERS, LETTERS[::-1]])
    model = Recorder(lambda a: (a[:, 0] == "marseille") * 2.0 + (a[:, 1] == "a"))
    explainer = lime(array, as_regressor(model))
    explanation = explain(np.array([["marseille", "a"]]), explainer, random_state=1)
    assert weights_of(explanation)["x0"] == pytest.approx(2, abs=0.1)
    assert model.seen[-1].dtype.kind == "U"


def test_levels_that_are_equal_and_yet_others():
    """1 equals True in Python, but an encoder of strings tells them apart."""
    values = RANDOM.choice(3, N)
    train = pd.DataFrame({"a": pd.Series([[1, True, "x"][v] for v in values], dtype=object)})
    train["z"] = NUMBERS
    model = Recorder(lambda d: 2.0 * np.array([v is True for v in d["a"]]) + 0.5 * d["z"])
    explainer = lime(train, as_regressor(model))
    case = train[values == 1].head(1)
    explanation = explain(case, explainer, random_state=1)
    assert weights_of(explanation)["a"] == pytest.approx(2, abs=0.1)
    assert "a = True" in explanation["feature_desc"].tolist()
    assert {str(value) for value in model.seen[-1]["a"]} == {"1", "True", "x"}


def test_categories_that_are_equal_cannot_both_be_new():
    data = pd.DataFrame({"code": pd.Categorical([3, 1, 2] * 10), "b": np.arange(30.0)})
    explainer = lime(data, as_regressor(lambda rows: rows["b"]))
    codes = pd.Series([7, True, 7.0, "x"], dtype=object)
    cases = pd.DataFrame({"code": codes, "b": 1.0})
    with pytest.warns(CaseWarning, match=r"1: The column 'code' must .*; not True\."):
        explanation = explain(cases, explainer, n_features=2)
    found = explanation.loc[explanation["feature"] == "code", "feature_desc"]
    assert found.tolist() == ["code = 7 (new)", "code = 7 (new)", "code = x (new)"]


def test_levels_that_print_alike_are_told_apart():
    train = pd.DataFrame({"a": pd.Series([1, "1"] * 50, dtype=object), "z": NUMBERS[:100]})
    explainer = lime(train, as_regressor(lambda d: d["z"]))
    texts = [describe_feature("a", train.iloc[row], explainer) for row in (0, 1)]
    assert texts == ["a = 1", "a = '1'"]


def test_new_levels_in_numerify_are_not_all_one():
    train = pd.DataFrame({"town": LETTERS})
    explainer = lime(train, as_regressor(lambda d: np.arange(len(d))))
    rows = pd.DataFrame({"town": ["mars", "venus", "a", "mars"]})
    assert numerify(rows, explainer)["town"].tolist() == [1, 0, 0, 1]


def test_new_customers_are_explained_by_a_model_that_ignores_their_number():
    """A raw frame keeps its customer numbers; new customers are explained all the same."""
    people = pd.DataFrame(
        {
            "customer": [f"K{number:04d}" for number in range(260)],
            "age": RANDOM.integers(18, 90, 260),
            "town": RANDOM.choice(["Graz", "Linz", "Wels"], 260),
        }
    )
    buys = (people["age"] + 15 * (people["town"] == "Linz") + RANDOM.normal(0, 8, 260)) > 60
    columns = make_column_transformer((OneHotEncoder(), ["town"]), ("passthrough", ["age"]))
    model = make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(people[:240], buys[:240])
    with pytest.warns(UserWarning, match="Most values of customer differ"):
        explainer = lime(people[:240], model)
    explanation = explain(people[250:253], explainer, n_permutations=2000, random_state=1)
    assert explanation["case"].unique().tolist() == [250, 251, 252]
    for case, rows in explanation.groupby("case"):
        weights = weights_of(rows)
        assert abs(weights["customer"]) < 0.1 * weights.abs().max()
        assert f"customer = K{case:04d} (new)" in rows["feature_desc"].tolist()


def test_no_row_is_lost_where_postcodes_are_many():
    homes = pd.DataFrame({"postcode": [f"{c:04d}" for c in RANDOM.integers(0, 500, 560)]})
    homes["rooms"] = RANDOM.normal(4, 1, 560)
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=3), ["postcode"]),
        remainder="passthrough",
    )
    model = make_pipeline(columns, LogisticRegression()).fit(homes[:500], homes["rooms"][:500] > 4)
    test = homes[500:]
    assert not test["postcode"].isin(homes["postcode"][:500]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        explainer = lime(homes[:500], model)
    explanation = explain(test, explainer, n_features=2, n_permutations=300, random_state=1)
    assert explanation["case"].nunique() == len(test)
