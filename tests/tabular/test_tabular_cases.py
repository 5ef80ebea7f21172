"""Cases that have gone wrong: types that differ between batches, models that fail on one."""

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from sklearn.linear_model import LogisticRegression

from pylime import as_classifier, as_regressor, explain, lime, plot_features
from pylime.similarity import row_distance
from pylime.surrogate import fit_surrogates
from pylime.tabular import describe_feature, numerify

RANDOM = np.random.default_rng(0)
SMALL = {"n_permutations": 500, "random_state": 1}


def is_a(rows) -> np.ndarray:
    return (rows["c"] == "a").to_numpy(dtype=float) + 0.1 * rows["z"].to_numpy()


def letters(**options) -> pd.DataFrame:
    levels = pd.Categorical(list("ab") * 50, **options)
    return pd.DataFrame({"c": levels, "z": RANDOM.normal(size=100)})


def test_categories_may_stand_in_another_order():
    explainer = lime(letters(categories=["a", "b"]), as_regressor(is_a))
    for categories in (["a", "b"], ["b", "a"], ["a"]):
        case = pd.DataFrame({"c": pd.Categorical(["a"], categories=categories), "z": [0.1]})
        explanation = explain(case, explainer, **SMALL)
        assert explanation["prediction"][0] == pytest.approx(1.01)
        assert "c = a" in set(explanation["feature_desc"])


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_categories_of_other_libraries_keep_their_names(library):
    def table(values: list[str]) -> object:
        numbers = [0.1 * k for k in range(len(values))]
        if library == "polars":
            levels = polars.Series(values, dtype=polars.Categorical)
            return polars.DataFrame({"c": levels, "z": numbers})
        return pyarrow.table({"c": pyarrow.array(values).dictionary_encode(), "z": numbers})

    explainer = lime(table(["a", "b"] * 50), as_regressor(is_a))
    explanation = explain(table(["b", "a"]), explainer, **SMALL)
    assert explanation.groupby("case")["prediction"].first().round(6).tolist() == [0.0, 1.01]


def test_whole_numbers_beside_gaps_stay_whole():
    table = polars.DataFrame({"i": [1, 2, 3, None, 5] * 20, "b": [True, None] * 50})
    seen = {}

    def model(rows):
        seen.update(rows.dtypes.astype(str))
        return rows["i"].fillna(0).to_numpy(dtype=float)

    explainer = lime(table, as_regressor(model))
    assert explainer.feature_type == {"i": "integer", "b": "logical"}
    explain(table[:1], explainer, **SMALL)
    assert seen == {"i": "Int64", "b": "boolean"}


def test_boolean_and_floating_designs_give_the_same():
    """Also for a column that varies only where the weight is zero."""
    for seed in range(40):
        random = np.random.default_rng(seed)
        design = random.random((300, 3)) < 0.5
        design[0] = True
        weights = random.random(300)
        weights[~design[:, 0]] = 0.0
        predictions = pd.DataFrame({"y": design @ [0.7, 0.2, 0.1] + 0.01 * random.random(300)})
        fits = [
            fit_surrogates(
                d, predictions, weights, list("abc"), n_features=2, feature_select="highest_weights"
            )
            for d in (design, design.astype(float))
        ]
        assert fits[0]["feature"].tolist() == fits[1]["feature"].tolist() == ["b", "c"]
        np.testing.assert_allclose(fits[0]["feature_weight"], fits[1]["feature_weight"], rtol=1e-9)


def test_a_single_column_of_levels_can_be_explained():
    data = pd.DataFrame({"c": list("ab") * 50})
    model = as_regressor(lambda rows: np.where(rows["c"] == "a", 0.8, 0.1))
    for case, weight in ((0, 0.7), (1, -0.7)):
        explanation = explain(data.iloc[[case]], lime(data, model), **SMALL)
        assert explanation["feature_weight"].tolist() == pytest.approx([weight])
        assert explanation["model_r2"][0] == pytest.approx(1)


def test_a_gap_in_one_case_leaves_the_others_as_they_were():
    data = pd.DataFrame({"m": [True, False] * 50, "i": [1, 2, 3, 4] * 25})
    data["z"] = RANDOM.normal(size=100)
    seen = []

    def model(rows):
        seen.append(rows.dtypes.astype(str).to_dict())
        return rows["z"].to_numpy() + rows["m"].fillna(False).to_numpy(dtype=float)

    explainer = lime(data, as_regressor(model), probe=False)
    alone = explain(data.iloc[[0]], explainer, **SMALL)
    cases = data.head(3).astype({"m": object, "i": object})
    cases.loc[1, ["m", "i"]] = None
    together = explain(cases, explainer, **SMALL)
    pd.testing.assert_frame_equal(together[together["case"] == 0], alone)
    assert seen[1]["m"] == seen[3]["m"] == "bool"
    assert seen[2]["m"] == "object"


def test_a_case_that_the_model_refuses_leaves_the_others():
    data = pd.DataFrame({"a": RANDOM.normal(size=200), "b": RANDOM.normal(size=200)})
    explainer = lime(data, LogisticRegression().fit(data, data["a"] > 0))
    cases = data.head(4).copy()
    whole = explain(cases, explainer, **SMALL)
    cases.iloc[2, 1] = np.nan
    with pytest.warns(UserWarning, match=r"1 of 4 cases could not .* 2: ValueError: Input X"):
        explanation = explain(cases, explainer, **SMALL)
    assert explanation["case"].unique().tolist() == [0, 1, 3]
    expected = whole[whole["case"] != 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(explanation, expected)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        explain(cases.iloc[[2]], explainer, **SMALL)


def test_what_a_model_writes_into_its_rows_is_not_used():
    data = pd.DataFrame({"a": RANDOM.normal(size=200), "b": RANDOM.normal(size=200)})

    def model(rows):
        values = rows["a"].to_numpy(copy=True)
        if len(rows) > 1000:
            rows.loc[:, "a"] = 0.0
            raise MemoryError("too many rows")
        return values

    def quiet(rows):
        return rows["a"].to_numpy()

    explainer = lime(data, as_regressor(model))
    explanation = explain(data.head(3), explainer, **SMALL)
    expected = explain(data.head(3), lime(data, as_regressor(quiet)), **SMALL)
    pd.testing.assert_frame_equal(explanation, expected)


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
def test_what_has_nothing_in_common_is_not_near(metric):
    rows = np.array([[1, 1, 1], [1, 0, 0], [0, 0, 0.0]])
    distance = row_distance(rows[0], rows, metric)
    assert distance[0] == 0
    assert distance[2] == 1


def test_the_tree_sees_columns_far_from_zero():
    data = pd.DataFrame({"a": RANDOM.normal(size=300) + 1e8, "b": RANDOM.normal(size=300)})
    model = as_regressor(lambda rows: 2 * (rows["a"] - 1e8) + 0.1 * rows["b"])
    explainer = lime(data, model, bin_continuous=False)
    explanation = explain(
        data.head(1), explainer, n_features=1, feature_select="tree", dist_fun="euclidean", **SMALL
    )
    assert explanation["feature"].tolist() == ["a"]


def test_names_with_signs_of_comparison_are_no_comparisons():
    data = pd.DataFrame({"a<b": RANDOM.normal(100, 1, 200), "y=1": RANDOM.normal(100, 1, 200)})
    explainer = lime(data, as_regressor(lambda rows: rows.sum(axis=1)), bin_continuous=False)
    plot = plot_features(explain(data.head(1), explainer, dist_fun="euclidean", **SMALL))
    assert (plot.data["feature_weight"] > 50).all()


def test_arrays_and_frames_without_names_are_known_by_position():
    values = RANDOM.normal(size=(100, 3))
    explainer = lime(values, as_classifier(lambda rows: (rows[:, 0] > 0) * 0.8 + 0.1))
    expected = explain(values[:2], explainer, **SMALL)
    pd.testing.assert_frame_equal(explain(pd.DataFrame(values[:2]), explainer, **SMALL), expected)


def test_wrong_arguments_of_the_parts_say_what_is_wrong():
    explainer = lime(letters(), as_regressor(is_a))
    with pytest.raises(ValueError, match="at least one row"):
        numerify(letters().head(0), explainer)
    with pytest.raises(ValueError, match="must have a value of 'c'"):
        describe_feature("c", pd.Series({"z": 1.0}), explainer)
    with pytest.raises(ValueError, match="must have values as in the training data"):
        explain(letters().head(1).assign(c=[[1]]), explainer, **SMALL)


def test_a_distance_of_ones_own():
    data = pd.DataFrame({"a": RANDOM.normal(size=200), "b": RANDOM.choice(["x", "y"], 200)})
    explainer = lime(data, as_regressor(lambda rows: rows["a"] + (rows["b"] == "x")))
    seen = []

    def same_letter(case, rows):
        seen.append((case, rows))
        return np.where(rows["b"] == case["b"].iloc[0], 0.0, 100.0)

    explanation = explain(data.head(2), explainer, dist_fun=same_letter, **SMALL)
    for row, (case, rows) in enumerate(seen):
        pd.testing.assert_frame_equal(
            case.reset_index(drop=True), data.iloc[[row]].reset_index(drop=True)
        )
        assert rows.dtypes.equals(data.dtypes)
        pd.testing.assert_frame_equal(rows.head(1), case)
    assert explanation.loc[explanation["feature"] == "b", "feature_weight"].abs().max() < 1e-9
    for wrong in (lambda case, rows: 1.0, lambda case, rows: -np.ones(len(rows))):
        with pytest.raises(ValueError, match="`dist_fun` must return a distance"):
            explain(data.head(1), explainer, dist_fun=wrong, **SMALL)
    with pytest.raises(ValueError, match="must be a function or one of 'gower'"):
        explain(data.head(1), explainer, dist_fun="nearby", **SMALL)
