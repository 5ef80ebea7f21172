"""Summaries, picks and comparisons of many explanations."""

import re
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from explanations import REVIEWS, of_text_columns
from pandas.testing import assert_frame_equal

import pylime
from pylime import (
    as_classifier,
    as_regressor,
    augment,
    compare_explanations,
    explain,
    feature_importance,
    glance,
    lime,
    pick_cases,
    quality,
)
from pylime.plain import as_plain
from pylime.summary import long_comparison, sides_of

RANDOM = np.random.default_rng(1)
FLATS = pd.DataFrame(
    {
        "rooms": RANDOM.integers(1, 7, 200),
        "floor": RANDOM.integers(0, 9, 200),
        "town": RANDOM.choice(["Oslo", "Bergen", "Bodø"], 200),
    }
)
CHEAP, DEAR = "cheap", "dear"


def dear(rows):
    return 0.1 * rows["rooms"] + 0.02 * rows["floor"] + 0.1 * (rows["town"] == "Oslo")


def rent(rows):
    return 300.0 * rows["rooms"] + 20 * rows["floor"]


@pytest.fixture(scope="module")
def of_table():
    """Five flats, two labels, with everything that can be asked."""
    explainer = lime(FLATS, as_classifier(dear, [CHEAP, DEAR]), n_bins=2)
    flats = FLATS.head(5).set_axis([f"flat {k}" for k in range(5)])
    return explain(
        flats,
        explainer,
        n_labels=2,
        n_features=2,
        n_permutations=500,
        random_state=1,
        intervals=True,
        contributions=True,
        quality=True,
    )


@pytest.fixture(scope="module")
def of_numbers():
    """Four flats and a regressor."""
    explainer = lime(FLATS, as_regressor(rent), n_bins=2)
    return explain(FLATS.head(4), explainer, n_features=2, n_permutations=500, random_state=1)


def weights(matrix, cases=None, features=None, label=None, **columns):
    """The explanation whose weights stand in a matrix; those that are missing are not selected."""
    matrix = np.asarray(matrix, dtype=float)
    cases = range(1, len(matrix) + 1) if cases is None else cases
    features = [f"f{k + 1}" for k in range(matrix.shape[1])] if features is None else features
    rows = [
        {"case": case, "feature": feature, "feature_weight": weight}
        for case, row in zip(cases, matrix, strict=True)
        for feature, weight in zip(features, row, strict=True)
        if not np.isnan(weight)
    ]
    frame = pd.DataFrame(rows)
    frame["model_type"] = "regression" if label is None else "classification"
    if label is not None:
        frame["label"], frame["label_prob"] = label, 0.75
    frame["model_r2"], frame["prediction"] = 0.5, 3.0
    frame["feature_value"], frame["feature_desc"] = 7, frame["feature"] + " = 7"
    return frame.assign(**columns)


NOT = np.nan


# glance()


def test_glance_has_a_row_per_case_and_label(of_table):
    table = glance(of_table)
    own = ["case", "label", "label_prob", "model_r2", "model_intercept", "model_prediction"]
    further = ["surrogate_mean", "n_permutations", "effective_n", "fresh_r2", "left_out"]
    assert list(table)[:11] == own + further
    assert list(table)[-1] == "verdict"
    assert len(table) == 10
    assert table["case"].tolist() == list(of_table["case"].unique().repeat(2))
    theirs = quality(of_table)
    assert_frame_equal(table[list(theirs)], theirs)


def test_glance_of_a_regressor_has_its_prediction(of_numbers):
    table = glance(of_numbers)
    columns = ["case", "model_r2", "model_intercept", "model_prediction", "prediction"]
    assert list(table) == columns
    np.testing.assert_allclose(table["prediction"], rent(FLATS.head(4)))


def test_glance_takes_images():
    table = glance(pylime.load_image_example())
    assert table["label"].tolist() == ["Egyptian cat", "tiger cat"]


# augment()


def test_augment_puts_the_strongest_features_beside_the_cases(of_table):
    flats = FLATS.head(7).set_axis([f"flat {k}" for k in range(7)])
    before = flats.copy()
    table = augment(flats, of_table, n=3)
    assert_frame_equal(flats, before)
    assert_frame_equal(table[list(flats)], flats)
    added = [f"{part}_{k}" for k in (1, 2, 3) for part in ("feature", "weight", "desc")]
    assert list(table) == [*flats, "label", "label_prob", *added]
    for case, row in table.head(5).iterrows():
        theirs = of_table[of_table["case"] == case]
        likely = theirs[theirs["label"] == theirs["label"].iloc[0]]  # explain() has it first
        assert row["label"] == likely["label"].iloc[0]
        assert row["label_prob"] >= 0.5
        ordered = likely.sort_values("feature_weight", key=np.abs, ascending=False)
        for k, (_, expected) in enumerate(ordered.iterrows(), 1):
            assert row[f"feature_{k}"] == expected["feature"]
            assert row[f"weight_{k}"] == expected["feature_weight"]
            assert row[f"desc_{k}"] == expected["feature_desc"]
    assert table[["feature_3", "weight_3", "desc_3"]].isna().all(axis=None)
    assert table.loc[["flat 5", "flat 6"], ["label", *added]].isna().all(axis=None)


def test_augment_shows_the_label_that_was_asked_for(of_table):
    flats = FLATS.head(5).set_axis([f"flat {k}" for k in range(5)])
    for label in (CHEAP, DEAR):
        table = augment(flats, of_table, n=1, label=label)
        assert set(table["label"]) == {label}
        np.testing.assert_allclose(
            table["label_prob"], dear(flats) if label == DEAR else 1 - dear(flats)
        )
    with pytest.raises(ValueError, match=r"`label` must be one of .*'cheap'.*; not 'gone'\."):
        augment(flats, of_table, label="gone")


def test_augment_takes_the_order_and_the_index_of_the_cases(of_numbers):
    shuffled = FLATS.iloc[[3, 9, 0]]
    table = augment(shuffled, of_numbers, n=1)
    assert table.index.tolist() == [3, 9, 0]
    np.testing.assert_array_equal(table["prediction"], [rent(FLATS)[3], np.nan, rent(FLATS)[0]])
    assert table["feature_1"].tolist()[::2] == ["rooms", "rooms"]
    with pytest.raises(ValueError, match="`label` must be None for the explanation of a regressor"):
        augment(shuffled, of_numbers, label="dear")


@pytest.mark.parametrize("form", [polars.from_pandas, pyarrow.Table.from_pandas, np.asarray])
def test_augment_names_rows_without_an_index_by_position(of_numbers, form):
    numbers = FLATS[["rooms", "floor"]].head(4)
    table = augment(form(numbers), of_numbers, n=2)
    expected = augment(numbers, of_numbers, n=2)
    assert_frame_equal(table.set_axis(expected.columns, axis=1), expected)


def test_augment_takes_a_single_row(of_numbers):
    table = augment(FLATS.loc[2], of_numbers, n=1)
    assert_frame_equal(table, augment(FLATS.loc[[2]], of_numbers, n=1))


def test_augment_keeps_whole_numbers_whole_beside_missing_values():
    explanation = weights([[0.5], [0.25]], label=[1, 0])
    table = augment(pd.DataFrame({"a": [1, 2, 3]}, index=[1, 2, 3]), explanation, n=1)
    assert table["label"].tolist()[:2] == [1, 0]
    assert str(table["label"].dtype) == "Int64"


def praise(texts):
    """A probability that every word moves a little, and "good" most."""
    return [0.2 + 0.5 * ("good" in text) + len(text) / 100 for text in texts]


def test_augment_reads_texts():
    texts = ["a good film", "a bad film", "no film"]
    explainer = lime(texts, as_classifier(praise, ["no", "yes"]))
    settings = {"n_permutations": 100, "random_state": 1, "labels": "yes"}
    table = augment(texts, explain(texts[:2], explainer, **settings), n=1)
    assert list(table)[:3] == ["text", "label", "label_prob"]
    assert table["text"].tolist() == texts
    assert table["feature_1"].tolist()[:2] == ["good", "film"]
    assert pd.isna(table["feature_1"][2])
    series = pd.Series(texts, index=["x", "y", "z"], name="letter")
    explanation = explain(series, explainer, **settings)
    table = augment(series, explanation, n=1)
    assert table.index.tolist() == ["x", "y", "z"]
    assert next(iter(table)) == "letter"
    as_column = augment(series.to_frame(), as_plain(explanation), n=1)
    assert_frame_equal(as_column, table, check_dtype=False)


def test_cells_stay_what_they_are():
    """Words keep their places, which a column of strings would lose."""
    texts = ["a good film", "a bad film"]
    explainer = lime(texts, as_classifier(praise))
    explanation = explain(texts, explainer, n_permutations=100, random_state=1, labels=1)
    both = compare_explanations({"a": explanation, "b": explanation.tail(3)})
    for word in [*both["feature_value"], *both["feature_value.b"].dropna()]:
        assert isinstance(word, pylime.Word)


def test_augment_reads_images():
    from skimage.data import chelsea

    explanation = pylime.load_image_example().assign(case=0)
    table = augment([chelsea()], explanation, n=2)
    assert list(table)[:3] == ["image", "label", "label_prob"]
    assert table["label"][0] == "Egyptian cat"
    assert re.fullmatch(r"\[\d+-\d+\], \[\d+-\d+\]", table["desc_1"][0])


def test_augment_finds_the_cases_of_a_plain_frame_by_how_they_print(of_numbers):
    plain = as_plain(of_numbers)
    assert plain["case"].tolist()[0] == "0"
    assert_frame_equal(
        augment(FLATS.head(6), plain), augment(FLATS.head(6), of_numbers), check_dtype=False
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cases: cases.rename(columns={"town": "label"}), "must not have columns .* 'label'"),
        (lambda cases: cases.set_axis(list("vwxyz")), "must have cases of the explanation, 1, 2"),
        (lambda cases: cases.set_axis([1, 1, 2, 3, 4]), "an index without repeats.* named 1"),
        (lambda cases: 5, "`cases` must be .*not int"),
        (lambda cases: cases.head(0), "must have cases of the explanation"),
    ],
)
def test_augment_names_what_is_wrong_with_the_cases(change, message):
    explanation = weights([[0.5, 1.0], [0.5, 1.0]], label="x")
    with pytest.raises((TypeError, ValueError), match=message):
        augment(change(FLATS.head(5)), explanation)


def test_augment_checks_n(of_numbers):
    with pytest.raises(ValueError, match="`n` must be a positive whole number; not 0"):
        augment(FLATS, of_numbers, n=0)


# feature_importance()


def test_importance_counts_cases_in_which_a_feature_was_not_selected():
    # Over its own rows `c` would be first, with 3.
    explanation = weights(
        [[1.0, NOT, 3.0], [-2.0, 1.0, NOT], [2.0, 1.0, NOT], [-1.0, NOT, NOT]],
        features=list("abc"),
    )
    table = feature_importance(explanation)
    expected = pd.DataFrame(
        {
            "feature": ["a", "c", "b"],
            "importance": [6 / 4, 3 / 4, 2 / 4],
            "mean_weight": [0.0, 3 / 4, 2 / 4],
            "share_selected": [1.0, 1 / 4, 2 / 4],
            "share_positive": [1 / 2, 1.0, 1.0],
            "n": [4, 4, 4],
        }
    )
    assert_frame_equal(table, expected, check_dtype=False)


def test_importance_counts_for_each_label_its_own_cases():
    first = weights([[1.0, 2.0], [3.0, NOT]], cases=["p", "q"], label="yes")
    second = weights([[5.0, NOT]], cases=["p"], label="no")
    table = feature_importance(pd.concat([first, second]))
    assert list(table)[:3] == ["label", "feature", "importance"]
    assert table["label"].tolist() == ["yes", "yes", "no"]
    assert table["feature"].tolist() == ["f1", "f2", "f1"]
    assert table["importance"].tolist() == [2.0, 1.0, 5.0]
    assert table["share_selected"].tolist() == [1.0, 0.5, 1.0]
    assert table["n"].tolist() == [2, 2, 1]


def test_importance_is_that_of_the_definition(of_table):
    table = feature_importance(of_table)
    assert table.groupby("label", sort=False)["importance"].is_monotonic_decreasing.all()
    for _, row in table.iterrows():
        of_label = of_table[of_table["label"] == row["label"]]
        n = of_label["case"].nunique()
        found = of_label.loc[of_label["feature"] == row["feature"], "feature_weight"]
        assert row["n"] == n
        assert row["importance"] == pytest.approx(found.abs().sum() / n)
        assert row["mean_weight"] == pytest.approx(found.sum() / n)
        assert row["share_selected"] == len(found) / n
        assert row["share_positive"] == (found > 0).mean()


def test_equally_important_features_keep_their_order():
    table = feature_importance(weights([[0.5, 0.5, 0.5]], features=["z", "a", "m"]))
    assert table["feature"].tolist() == ["z", "a", "m"]


@pytest.mark.parametrize("form", [pd.DataFrame, as_plain, lambda e: as_plain(e, "drop")])
@pytest.mark.parametrize("function", [feature_importance, lambda e: pick_cases(e, 1)])
def test_superpixels_are_not_features_of_several_images(function, form):
    with pytest.raises(ValueError, match="a superpixel belongs to its own image"):
        function(form(pylime.load_image_example()))


# pick_cases()

# As Ribeiro et al. describe theirs: f2 is the most important; after the second row the third
# adds nothing, while the last one shows new features; f1 is left out.
PAPER = [[1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 1, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 1]]


def test_the_pick_of_the_paper():
    explanation = weights(np.where(PAPER, 0.5, NOT))
    assert pick_cases(explanation, 2) == [2, 5]
    assert pick_cases(explanation, 3) == [2, 5, 1]


def test_a_weight_of_zero_covers_nothing():
    assert pick_cases(weights(0.5 * np.array(PAPER)), 3) == [2, 5, 1]


def brute_force(matrix, n):
    """The definition: of all cases in turn the first that raises coverage most."""
    matrix = np.abs(np.nan_to_num(matrix))
    importance = np.sqrt(matrix.sum(axis=0))
    picks = []
    for _ in range(n):
        rest = [k for k in range(len(matrix)) if k not in picks]
        coverage = [importance[(matrix[[*picks, k]] > 0).any(axis=0)].sum() for k in rest]
        # To the last digits sums depend on their order.
        picks.append(rest[int(np.argmax(np.round(coverage, 9)))])
    return picks


@pytest.mark.filterwarnings("ignore:.*cases cover all")
@pytest.mark.parametrize("seed", range(20))
def test_picks_are_those_of_brute_force(seed):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(25, 12)).round(seed % 3)  # also with ties
    matrix[random.random(matrix.shape) < 0.8] = NOT
    matrix[np.isnan(matrix).all(axis=1), 0] = 0.0
    explanation = weights(matrix, cases=range(25))
    assert pick_cases(explanation, 25) == brute_force(matrix, 25)


@pytest.mark.parametrize("seed", range(5))
def test_picks_are_those_of_pythons_lime(seed):
    submodular_pick = pytest.importorskip("lime.submodular_pick")
    random = np.random.default_rng(seed)
    matrix = np.where(random.random((40, 30)) < 0.1, random.normal(size=(40, 30)), NOT)
    matrix[:, 0] = random.normal(size=40)

    class Explained:
        mode = "regression"

        def __init__(self, row):
            self.row = row

        def as_list(self, label):
            return [(f"f{k + 1}", w) for k, w in enumerate(self.row) if not np.isnan(w)]

    class TheirExplainer:
        def explain_instance(self, row, *arguments, **options):
            return Explained(row)

    theirs = submodular_pick.SubmodularPick(
        TheirExplainer(), matrix, None, method="full", num_exps_desired=6
    )
    assert pick_cases(weights(matrix, cases=range(40)), 6) == theirs.V


def test_labels_of_a_case_count_together_without_their_sign():
    # Summed with their sign, the weights of case 1 would cancel each other.
    first = weights([[1.0, NOT], [NOT, 1.0]], label="yes")
    second = weights([[-1.0, NOT], [NOT, NOT]], label="no")
    assert pick_cases(pd.concat([first, second]), 1) == [1]


def test_descriptions_can_be_covered_instead():
    explanation = weights([[1.0, 0.5], [1.0, NOT], [1.0, NOT]])
    explanation["feature_desc"] = ["f1 <= 3", "f2 <= 2", "f1 <= 3", "3 < f1"]
    assert pick_cases(explanation, 2, by="feature_desc") == [1, 3]
    with pytest.warns(UserWarning, match="1 of 2 cases cover all 2 features") as caught:
        assert pick_cases(explanation, 2) == [1, 2]
    assert '`by="feature_desc"`' in str(caught[0].message)
    assert caught[0].filename == __file__


def test_the_pick_filters_the_explanation(of_table):
    picked = pick_cases(of_table, 2, by="feature_desc")
    assert set(picked) <= set(of_table["case"])
    pylime.plot_features(of_table[of_table["case"].isin(picked)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 3}, "`n` must not exceed the number of cases, 2; not 3"),
        ({"n": 0}, "`n` must be a positive whole number; not 0"),
        ({"n": 1, "by": "label"}, "`by` must be one of 'feature', 'feature_desc'; not 'label'"),
    ],
)
def test_arguments_of_a_pick_are_checked(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        pick_cases(weights([[1.0], [2.0]]), **arguments)


# compare_explanations()


def test_a_comparison_joins_rows():
    may = weights([[1.0, 2.0], [3.0, NOT]], cases=["p", "q"], features=["a", "b"], label="yes")
    june = weights([[1.5, NOT], [1.0, 4.0]], cases=["p", "q"], features=["a", "b"], label="yes")
    june["label_prob"], june["model_r2"] = 0.9, 0.6
    both = compare_explanations({"may": may, "june": june})
    sides = [
        f"{name}.{side}"
        for side in ("may", "june")
        for name in ("feature_weight", "feature_desc", "feature_value", "label_prob", "model_r2")
    ]
    shared = ["model_type", "case", "label", "feature", "feature_desc", "feature_value"]
    assert list(both) == [*shared, *sides, "difference"]
    assert both["case"].tolist() == ["p", "p", "q", "q"]
    assert both["feature"].tolist() == ["a", "b", "a", "b"]
    np.testing.assert_array_equal(both["feature_weight.may"], [1.0, 2.0, 3.0, NOT])
    np.testing.assert_array_equal(both["feature_weight.june"], [1.5, NOT, 1.0, 4.0])
    np.testing.assert_array_equal(both["difference"], [0.5, NOT, -2.0, NOT])
    # The label was explained, the feature not selected.
    assert both["model_r2.june"].tolist() == [0.6] * 4
    assert both["label_prob.may"].tolist() == [0.75] * 4
    assert both["feature_desc"].tolist() == ["a = 7", "b = 7"] * 2
    assert sides_of(both) == ["may", "june"]


def test_values_can_differ_between_the_sides():
    may, june = (weights([[1.0]], feature_value=v, feature_desc=f"f1 = {v}") for v in (1, 2))
    both = compare_explanations({"may": may, "june": june})
    assert both["feature_desc.june"].tolist() == ["f1 = 2"]
    assert both["feature_value.may"].tolist() == [1]
    assert both["feature_value"].tolist() == [1]
    assert both["prediction.may"].tolist() == [3.0]
    assert "label" not in both


def test_intervals_part_where_they_do_not_overlap():
    lo, hi = [0.9, 0.9, 0.9, NOT], [1.1, 1.1, 1.1, 1.1]
    first = weights([[1.0] * 4], feature_lo=lo, feature_hi=hi)
    second = weights(
        [[1.0, 2.0, 0.5, 9.0]], feature_lo=[1.1, 1.2, 0.4, 8.0], feature_hi=[1.2, 2.8, 0.6, 10.0]
    )
    both = compare_explanations({"a": first, "b": second})
    assert str(both["intervals_part"].dtype) == "boolean"
    assert both["intervals_part"].tolist() == [False, True, True, pd.NA]
    assert both["feature_lo.b"].tolist() == [1.1, 1.2, 0.4, 8.0]
    plain = second.drop(columns=["feature_lo", "feature_hi"])
    one_side = compare_explanations({"a": first, "b": plain})
    assert "intervals_part" not in one_side
    assert "feature_lo.b" not in one_side
    assert long_comparison(one_side)["feature_lo"].isna().tolist() == [False] * 3 + [True] * 5


def test_more_sides_are_compared_with_the_first():
    three = {name: weights([[value]]) for name, value in {"a": 1.0, "b": 3.0, "c.d": 6.0}.items()}
    both = compare_explanations(three)
    assert both[["difference.b", "difference.c.d"]].to_numpy().tolist() == [[2.0, 5.0]]
    assert "difference" not in both
    assert sides_of(both) == ["a", "b", "c.d"]
    assert long_comparison(both)["side"].tolist() == ["a", "b", "c.d"]


def test_the_rows_of_a_case_stand_together():
    first = weights([[1.0, NOT], [1.0, NOT]], cases=["p", "q"], label="yes")
    more = weights([[1.0, 2.0], [NOT, 2.0]], cases=["q", "p"], label="no")
    second = pd.concat([first.assign(feature="g"), more])
    both = compare_explanations({"a": first, "b": second})
    found = list(zip(both["case"], both["label"], both["feature"], strict=True))
    of_p = [("p", "yes", "f1"), ("p", "yes", "g"), ("p", "no", "f2")]
    of_q = [("q", "yes", "f1"), ("q", "yes", "g"), ("q", "no", "f1"), ("q", "no", "f2")]
    assert found == of_p + of_q
    # A label that the first side does not explain has no fit there.
    np.testing.assert_array_equal(both["model_r2.a"], [0.5, 0.5, NOT, 0.5, 0.5, NOT, NOT])


def test_long_rows_are_those_of_the_explanations(of_table):
    """Back and forth."""
    shifted = of_table.assign(feature_weight=of_table["feature_weight"] + 0.125)
    some = shifted.iloc[1:]
    long = long_comparison(compare_explanations({"a": of_table, "b": some}))
    assert long["side"].cat.categories.tolist() == ["a", "b"]
    assert long["side"].cat.ordered
    for name, explanation in {"a": of_table, "b": some}.items():
        rows = long[long["side"] == name].drop(columns="side").reset_index(drop=True)
        expected = explanation.reset_index(drop=True)[list(rows)]
        assert_frame_equal(rows, expected, check_dtype=False)
    pylime.plot_features(long[long["side"] == "a"])


def test_comparisons_of_a_regressor_and_of_plain_frames(of_numbers):
    changed = of_numbers.assign(feature_weight=of_numbers["feature_weight"] * 2)
    both = compare_explanations({"a": of_numbers, "b": as_plain(changed)})
    assert len(both) == len(of_numbers)
    np.testing.assert_allclose(both["difference"], of_numbers["feature_weight"])
    assert both["case"].tolist() == of_numbers["case"].tolist()
    long = long_comparison(both)
    assert list(long)[-1] == "prediction"
    for form in (polars.from_pandas, pyarrow.Table.from_pandas):
        foreign = form(as_plain(changed))
        assert_frame_equal(
            compare_explanations({"a": of_numbers, "b": foreign})[["case", "difference"]],
            both[["case", "difference"]],
        )


def test_words_are_compared_by_word_and_place():
    settings = {"n_permutations": 100, "random_state": 1, "labels": 1}
    texts = ["good or bad", "bad or good"]
    explainer = lime(texts, as_classifier(praise), keep_word_position=True)
    explanation = explain(texts[:1], explainer, **settings)
    both = compare_explanations({"a": explanation, "b": explanation})
    assert set(both["feature"]) == {"good_1", "or_2", "bad_3"}
    assert (both["difference"] == 0).all()
    other = explain(texts[1:], explainer, **settings)
    with pytest.warns(UserWarning, match=r"1 cases are other texts in 'b' than in 'a', such as 0"):
        both = compare_explanations({"a": explanation, "b": other})
    assert both.groupby("feature").size().max() == 1
    assert len(both) == 5  # the word in the middle is the same


def test_images_are_compared_by_their_superpixels():
    explanation = pylime.load_image_example()
    both = compare_explanations({"a": explanation, "b": explanation})
    assert len(both) == len(explanation)
    assert (both["difference"] == 0).all()
    other = explanation.assign(feature_value=explanation["feature_value"].to_numpy()[::-1])
    with pytest.raises(
        ValueError, match=r"same superpixels; those of 'b' and 'a' differ .*chelsea"
    ):
        compare_explanations({"a": explanation, "b": other})
    plain = as_plain(explanation).assign(feature_desc="[1-2], [3-4]")
    with pytest.raises(ValueError, match="same superpixels"):
        compare_explanations({"a": explanation, "b": plain})


def test_cases_without_a_common_label_are_warned_of():
    first = weights([[1.0], [1.0]], label="yes")
    second = weights([[1.0], [1.0]], label=["yes", "no"])
    with pytest.warns(UserWarning, match=r"For 1 of 2 cases 'b' and 'a' explain different labels"):
        both = compare_explanations({"a": first, "b": second})
    assert both["label"].tolist() == ["yes", "yes", "no"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare_explanations({"a": first, "b": second.head(1)})


def test_names_that_print_alike_are_the_same():
    first = weights([[1.0], [2.0]], cases=[1, 2], label=[True, False])
    second = weights([[1.0], [2.0]], cases=["1", "2"], label=["True", "False"])
    both = compare_explanations({"a": first, "b": second})
    assert both["difference"].tolist() == [0.0, 0.0]
    assert both["case"].tolist() == [1, 2]
    # Within one side they are different.
    third = weights([[5.0], [7.0], [9.0]], cases=["1", 1, 2], label=True)
    both = compare_explanations({"a": third, "b": third})
    assert len(both) == 3
    assert both["feature_weight.a"].tolist() == [5.0, 7.0, 9.0]


@pytest.mark.parametrize(
    ("sides", "error", "message"),
    [
        (lambda a, b: [a, b], TypeError, "`explanations` must be a mapping"),
        (lambda a, b: {"a": a}, ValueError, "at least two sides .*; not 'a'"),
        (lambda a, b: {1: a, "1": b}, ValueError, "different names"),
        (lambda a, b: {"a": a, "b": 5}, TypeError, r"`explanations\['b'\]` must be a data frame"),
        (
            lambda a, b: {"a": a, "b": b.drop(columns="model_r2")},
            ValueError,
            r"`explanations\['b'\]` must have the columns .* 'model_r2'",
        ),
        (
            lambda a, b: {"a": a, "b": b.assign(case=[8, 9])},
            ValueError,
            "cases in common; those of 'b' are 8, 9, those of 'a' 1, 2.*feature_importance",
        ),
        (
            lambda a, b: {
                "a": a,
                "b": b.assign(model_type="classification", label=1, label_prob=1),
            },
            ValueError,
            "all of regressors; not 'a' of a regressor, 'b' of a classifier",
        ),
    ],
)
def test_errors_of_a_comparison_name_the_side(sides, error, message):
    first, second = weights([[1.0], [2.0]]), weights([[1.5], [2.5]])
    with pytest.raises(error, match=message):
        compare_explanations(sides(first, second))


def test_what_is_not_a_comparison(of_numbers):
    with pytest.raises(TypeError, match=r"`comparison` must be a data frame from compare_expl"):
        sides_of([1])
    with pytest.raises(ValueError, match=r"'feature_weight\.NAME' for each side"):
        long_comparison(of_numbers)
    both = compare_explanations({"a": of_numbers, "b": of_numbers})
    with pytest.raises(ValueError, match=r"without 'model_r2\.b' it is incomplete"):
        long_comparison(both.drop(columns="model_r2.b"))


# All of them


def all_of(explanation, cases):
    """The result of each function."""
    return [
        glance(explanation),
        augment(cases, explanation, n=2),
        feature_importance(explanation),
        pick_cases(explanation, 1),
        compare_explanations({"a": explanation, "b": explanation}),
    ]


def test_no_function_changes_its_arguments(of_table):
    before = of_table.copy()
    all_of(of_table, FLATS.head(5).set_axis([f"flat {k}" for k in range(5)]))
    assert_frame_equal(of_table, before)


@pytest.mark.parametrize("form", [polars.from_pandas, pyarrow.Table.from_pandas])
def test_plain_frames_of_other_libraries_give_the_same(of_table, form):
    plain = as_plain(of_table)
    cases = FLATS.head(5).set_axis([f"flat {k}" for k in range(5)])
    for ours, theirs in zip(all_of(plain, cases), all_of(form(plain), cases), strict=True):
        if isinstance(ours, pd.DataFrame):
            assert_frame_equal(ours, theirs, check_dtype=False)
        else:
            assert ours == theirs


@pytest.mark.parametrize(
    "names",
    [
        [("a", 1), ("b", 2), ("c", 3)],
        list(pd.date_range("2026-01-01", periods=3)),
        [1.5, None, "x"],
        [f"Troms{chr(0xDCFF)}", "Bodø", ""],
    ],
)
def test_names_can_be_of_any_kind(names):
    cases = pd.DataFrame(
        {"age": [1, 2, 3]}, index=pd.Index(names, tupleize_cols=False, dtype=object)
    )
    explanation = weights([[1.0, NOT], [2.0, 1.0], [-1.0, NOT]], cases=range(3))
    column = np.empty(3, dtype=object)
    column[:] = names
    explanation["case"] = pd.Series(column[explanation["case"]], dtype=object)
    assert glance_of(explanation)["case"].tolist() == names
    table = augment(cases, explanation, n=1)
    assert table["weight_1"].tolist() == [1.0, 2.0, -1.0]
    assert pick_cases(explanation, 1) == [names[1]]
    both = compare_explanations({"a": explanation, "b": explanation})
    assert both["difference"].tolist() == [0.0] * 4
    assert feature_importance(explanation)["n"].tolist() == [3, 3]


def glance_of(explanation):
    return glance(explanation.assign(model_intercept=0.0, model_prediction=0.0))


def test_categories_are_names_like_others():
    explanation = weights([[1.0], [2.0]], cases=["q", "p"], label=["no", "yes"])
    kinds = pd.CategoricalDtype(["unused", "yes", "no"])
    explanation = explanation.astype({"label": kinds, "case": "category", "feature": "category"})
    assert feature_importance(explanation)["label"].tolist() == ["no", "yes"]
    assert pick_cases(explanation, 1) == ["q"]
    other = weights([[1.0], [2.0]], cases=["q", "p"], label=["no", "yes"])
    both = compare_explanations({"a": explanation, "b": other})
    assert both["case"].tolist() == ["q", "p"]
    assert both["difference"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "function",
    [
        glance_of,
        feature_importance,
        lambda e: augment(FLATS, e),
        lambda e: pick_cases(e, 1),
        lambda e: compare_explanations({"a": e, "b": e}),
    ],
)
def test_several_cases_of_one_name_are_an_error(function):
    repeated = weights([[1.0, 2.0], [3.0, 4.0]], cases=["x", "x"])
    with pytest.raises(
        ValueError, match="must have another name for each case; 'x' is the name of"
    ):
        function(repeated)
    # They need not share a feature.
    apart = weights([[1.0, NOT], [NOT, 4.0]], cases=["x", "x"], model_r2=[0.5, 0.6])
    with pytest.raises(ValueError, match="compare_explanations"):
        function(apart)


@pytest.mark.parametrize("weight", ["heavy", None, np.inf])
def test_weights_must_be_numbers(weight):
    explanation = weights([[1.0, 2.0]])
    explanation["feature_weight"] = pd.Series([1.0, weight], dtype=object)
    with pytest.raises(ValueError, match="a finite number in each row of 'feature_weight'; not"):
        feature_importance(explanation)


@pytest.mark.parametrize("function", [glance, feature_importance, lambda e: pick_cases(e, 1)])
def test_something_else_is_not_an_explanation(function):
    with pytest.raises(TypeError, match="`explanation` must be a data frame from explain"):
        function([1, 2])
    with pytest.raises(ValueError, match="must have rows; it is empty"):
        function(weights([[1.0]]).head(0))


def test_a_pooled_explanation_is_one_case():
    texts = ["a good film", "a bad film"]
    explainer = lime(texts, as_classifier(praise))
    explanation = explain(texts, explainer, single_explanation=True, n_permutations=100)
    assert len(glance(explanation)) == 1
    assert feature_importance(explanation)["n"].tolist()[0] == 1


@pytest.mark.parametrize(
    "function",
    [
        glance_of,
        feature_importance,
        lambda e: augment(pd.DataFrame(index=e["case"].unique()), e),
        lambda e: pick_cases(e, 5, by="feature_desc"),
        lambda e: compare_explanations({"a": e, "b": e}),
    ],
)
def test_memory_grows_with_the_number_of_rows(function):
    """So many bytes per row at most."""

    def peak(n):
        random = np.random.default_rng(n)
        features = np.array([f"f{k}" for k in range(20)], dtype=object)
        start = np.repeat(random.integers(0, 20, n), 5)
        explanation = pd.DataFrame(
            {
                "model_type": "regression",
                "case": np.repeat(np.arange(n), 5),
                "model_r2": 0.5,
                "feature": features[(start + np.tile(np.arange(5), n)) % 20],
                "feature_value": 1.0,
                "feature_weight": random.normal(size=5 * n),
                "prediction": 2.0,
            }
        ).assign(feature_desc=lambda frame: frame["feature"] + " = 1")
        function(explanation)  # what is allocated once
        tracemalloc.start()
        function(explanation)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small, large = peak(2000), peak(8000)
    assert large < 6 * small
    assert large / (5 * 8000) < 1000


# Columns of text, and groups


@pytest.mark.parametrize("plain", [False, True])
def test_summaries_of_text_columns(plain):
    explanation = of_text_columns()
    form = as_plain(explanation) if plain else explanation
    assert glance(form)["case"].tolist() == ["r1", "r1", "r2", "r2", "r3", "r3"]
    cases = pd.DataFrame.from_dict(REVIEWS, orient="index")
    table = augment(cases, form, n=2, label="good")
    assert table["desc_1"].tolist() == ["title: Superb", "title: נורא", "body: awful"]
    assert table["feature_2"].tolist() == ["body: Superb", "stars", "stars"]
    assert pick_cases(form, 2) == ["r1", "r2"]
    assert len(pick_cases(form, 3, by="feature_desc")) == 3


def test_importance_of_a_word_is_the_mean_over_all_cases():
    explanation = of_text_columns(regression=True)
    table = feature_importance(explanation).set_index("feature")
    # Of the three cases one has the word; a case without it counts as 0, as it does for texts.
    assert table.loc["title: Superb", "importance"] == pytest.approx(0.3 / 3)
    assert table.loc["title: Superb", "share_selected"] == pytest.approx(1 / 3)
    assert table.loc["body: Superb", "importance"] == pytest.approx(0.12 / 3)
    assert table.loc["size", "importance"] == pytest.approx((0.02 + 0.03 + 0.04) / 3)
    alone = table["importance"] / table["share_selected"]
    assert alone["title: Superb"] == pytest.approx(0.3)


def test_comparisons_of_text_columns():
    one = of_text_columns()
    other = one.assign(feature_weight=one["feature_weight"] / 2).iloc[2:]
    both = compare_explanations({"one": one, "other": as_plain(other)})
    assert len(both) == len(one)
    np.testing.assert_allclose(
        both["difference"].dropna(), -other["feature_weight"].to_numpy(), atol=1e-12
    )
    place = both[both["feature"] == "place"].iloc[0]
    assert list(place["feature_value"]) == ["lat", "lon"]
    long = long_comparison(both)
    assert len(long) == len(one) + len(other)
