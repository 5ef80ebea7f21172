"""Words of text columns as features of a table."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import pylime.tabular.explainer
import pylime.tabular.permutations
from pylime import (
    CaseError,
    FitWarning,
    Word,
    as_regressor,
    explain,
    explain_batches,
    lime,
    plot_features,
    quality,
    read_explanation,
    write_explanation,
)
from pylime.tabular import describe_feature, numerify

RANDOM = np.random.default_rng(1)
WORDS = ["superb", "awful", "nice", "film", "actor", "plot", "slow"]
N = 400
FRAME = pd.DataFrame(
    {
        "country": RANDOM.choice(["Norway", "Sweden", "Denmark"], N),
        "age": RANDOM.normal(40, 10, N).round(1),
        "review": [" ".join(RANDOM.choice(WORDS, 12)) for _ in range(N)],
    }
)
CASE = pd.DataFrame(
    {
        "country": ["Norway"],
        "age": [41.0],
        "review": ["A superb film: one awful, awful actor and a slow plot."],
    }
)


def linear(rows):
    """A model of known weights: superb 2, awful -3, Norway 1."""
    superb = 2.0 * rows["review"].str.contains("superb").fillna(False).astype(float)
    awful = 3.0 * rows["review"].str.contains("awful").fillna(False).astype(float)
    return superb - awful + 1.0 * (rows["country"] == "Norway")


def weights(explanation):
    return dict(zip(explanation["feature"], explanation["feature_weight"], strict=True))


def explained(frame=FRAME, case=CASE, model=linear, n_features=3, seed=1, **options):
    of_lime = {"text_columns": ["review"], **options.pop("lime", {})}
    explainer = lime(frame, as_regressor(model), **of_lime)
    return explain(case, explainer, n_features=n_features, random_state=seed, **options)


# Weights


@pytest.mark.parametrize("draws", ["balanced", "independent"])
@pytest.mark.parametrize("seed", range(5))
def test_words_and_levels_get_the_weights_of_a_linear_model(seed, draws):
    found = explained(seed=seed, draws=draws)
    truth = {"review: superb": 2.0, "review: awful": -3.0, "country": 1.0}
    assert weights(found) == pytest.approx(truth, abs=0.034)
    assert found["model_r2"].min() > 0.988


@pytest.mark.parametrize("seed", range(4))
def test_forty_words_do_not_take_what_columns_have(seed):
    words = [f"w{number}" for number in range(40)]
    frame = FRAME.assign(code=RANDOM.choice(["p", "q"], N), review=" ".join(words))
    high = frame["age"].quantile(0.75)

    def model(rows):
        levels = 0.8 * (rows["country"] == "Norway") + 1.0 * (rows["code"] == "p")
        return 0.2 * rows["review"].str.split().str.len() + levels + (rows["age"] > high)

    case = frame.iloc[[0]].assign(country="Norway", code="p", age=60.0)
    found = weights(explained(frame, case, model, n_features=6, seed=seed))
    assert {"country", "code", "age"} < set(found)
    errors = [abs(weight - 0.2) for name, weight in found.items() if name.startswith("review")]
    assert np.mean(errors) < 0.05


def test_the_law_of_texts_beside_columns_shares_their_weight_among_the_words():
    found = weights(explained(p_remove=None, n_features=9, penalty=0))
    assert found["review: superb"] == pytest.approx(2.0, abs=0.05)
    assert found["country"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("draws", ["balanced", "independent"])
@pytest.mark.parametrize("select", ["auto", "lasso_path", "tree"])
def test_one_text_column_under_the_law_of_texts_is_the_text_in_place(draws, select):
    def counted(rows):
        texts = rows["review"] if isinstance(rows, pd.DataFrame) else pd.Series(rows)
        return texts.str.count("superb").astype(float) - texts.str.count("slow")

    options = {
        "random_state": 3,
        "n_features": 4,
        "draws": draws,
        "feature_select": select,
        "intervals": True,
    }
    model = as_regressor(counted)
    column = lime(FRAME[["review"]], model, text_columns="review")
    ours = explain(CASE[["review"]], column, p_remove=None, **options)
    texts = lime(FRAME["review"], model, in_place=True)
    theirs = explain(CASE["review"], texts, **options)
    # Ties of words without effect can fall either way in resamples.
    numbers = ours.select_dtypes("number").columns.drop("feature_freq")
    np.testing.assert_allclose(ours[numbers], theirs[numbers], rtol=0, atol=1e-12)
    assert ours["feature_value"].tolist() == theirs["feature_value"].tolist()
    assert ours["feature"].tolist() == [f"review: {word}" for word in theirs["feature"]]


def test_words_are_removed_with_the_probability_that_is_passed():
    seen = []

    def model(rows):
        seen.append(rows["review"].str.contains("superb").mean())
        return linear(rows)

    for p_remove in (0.2, 0.5, 0.8):
        explained(model=model, p_remove=p_remove, lime={"probe": False})
        assert seen.pop() == pytest.approx(1 - p_remove, abs=0.02)


def test_many_words_are_told_apart_with_enough_permutations():
    words = [f"w{number}" for number in range(1000)]
    frame = FRAME.assign(review="some words")
    case = CASE.assign(review=" ".join(words))

    def model(rows):
        sets = [set(text.split()) for text in rows["review"]]
        known = [sum(word in words for word in ("w1", "w2", "w3")) for words in sets]
        return np.array(known) + 1.0 * (rows["country"] == "Norway")

    found = weights(explained(frame, case, model, n_features=4, n_permutations=2500))
    names = ["review: w1", "review: w2", "review: w3", "country"]
    assert found == pytest.approx(dict.fromkeys(names, 1.0), abs=0.053)
    with pytest.warns(FitWarning, match=r"500 permutations are few for the 1000 words of case 0"):
        explained(frame, case, model, n_permutations=500)


# What the model and the frame have


def test_the_text_is_cut_in_place():
    seen = []

    def model(rows):
        seen.extend(rows["review"])
        return linear(rows)

    explained(model=model, n_permutations=300, lime={"probe": False})
    text = CASE["review"].iloc[0]
    assert seen[0] == text
    assert all(sum(map(one.count, ":,.")) == 3 for one in seen)
    # A word that occurs twice is dropped everywhere.
    assert {one.count("awful") for one in seen} == {0, 2}
    assert min(map(len, seen)) < len(text) / 2


def test_the_frame_has_words_with_their_places():
    found = explained().set_index("feature")
    assert found.loc["review: awful", "feature_desc"] == "review: awful"
    value = found.loc["review: awful", "feature_value"]
    assert isinstance(value, Word)
    text = found.loc["review: awful", "data"]["review"]
    assert [text[slice(*span)] for span in value.spans] == ["awful", "awful"]
    assert found.loc["country", "feature_value"] == "Norway"


def test_each_occurrence_can_be_a_feature():
    found = explained(n_features=9, lime={"keep_word_position": True})
    assert {"review: awful_5", "review: awful_6"} & set(found["feature"])


@pytest.mark.parametrize("dtype", ["str", "object", "string", "string[pyarrow]", "string[python]"])
def test_types_of_strings_stay(dtype):
    types = set()

    def model(rows):
        types.add(str(rows["review"].dtype))
        return linear(rows)

    frame, case = FRAME.astype({"review": dtype}), CASE.astype({"review": dtype})
    found = explained(frame, case, model)
    assert types == {str(frame["review"].dtype)}
    assert weights(found)["review: awful"] == pytest.approx(-3, abs=0.04)


def test_arrays_have_text_columns_by_position():
    array, case = FRAME.to_numpy(dtype=object), CASE.to_numpy(dtype=object)

    def model(rows):
        assert isinstance(rows, np.ndarray)
        return linear(pd.DataFrame(rows, columns=FRAME.columns))

    found = explained(array, case, model, lime={"text_columns": [2]})
    assert weights(found)["x2: superb"] == pytest.approx(2, abs=0.04)


def test_nothing_of_the_texts_is_stored():
    frame = FRAME.assign(review="An unmistakable secret of row number one.")
    explainer = lime(frame, as_regressor(len_of_texts), text_columns="review")
    assert b"unmistakable" not in pickle.dumps(explainer)
    assert explainer.feature_type["review"] == "text"
    assert explainer.feature_distribution["review"] is None
    assert "word" in explainer._repr_html_()


def len_of_texts(rows):
    return rows["review"].str.len()


def test_several_columns_have_words_of_their_own():
    frame = FRAME.assign(title=FRAME["review"].str[:20])
    case = CASE.assign(title="An awful title")

    def model(rows):
        return linear(rows) + 5.0 * rows["title"].str.contains("awful")

    cut = {"text_columns": {"title": "[a-z]+", "review": None}}
    found = weights(explained(frame, case, model, n_features=4, lime=cut))
    assert found["title: awful"] == pytest.approx(5, abs=0.05)
    assert found["review: awful"] == pytest.approx(-3, abs=0.05)
    same = case.assign(title=case["review"])
    twice = explained(frame, same, model, n_features=4, p_remove=None, lime=cut)
    assert {"title: awful", "review: awful"} < set(twice["feature"])


@pytest.mark.parametrize("gap", [None, np.nan, "", " ... ", np.float32("nan")])
def test_a_text_without_words_is_held_and_named(gap):
    frame = FRAME.astype({"review": object})
    case = pd.concat([CASE, CASE], ignore_index=True).astype({"review": object})
    case.loc[1, "review"] = gap
    explainer = lime(frame, as_regressor(linear), text_columns="review")
    found = quality(case, explainer, random_state=1)
    assert found["verdict"].str.contains("what review does is in the intercept").tolist() == [
        False,
        True,
    ]
    alone = explain(case.iloc[[1]], explainer, random_state=1)
    assert set(alone["feature"]) == {"country", "age"}
    # The distance is that of a table without the column.
    without = lime(FRAME[["country", "age"]], as_regressor(lambda r: 1.0 * (r.country == "Norway")))
    theirs = explain(CASE[["country", "age"]], without, random_state=1)
    assert weights(alone) == pytest.approx(weights(theirs), abs=1e-3)


def test_a_case_without_any_feature_is_an_error():
    explainer = lime(FRAME[["review"]], as_regressor(len_of_texts), text_columns="review")
    with pytest.raises(ValueError, match="'review' has no words, so there is nothing to explain"):
        explain(pd.DataFrame({"review": [" "]}), explainer)


# Together with everything else


def test_a_pipeline_of_words_levels_and_numbers():
    positive = FRAME["review"].str.count("superb") > FRAME["review"].str.count("awful")
    pipeline = make_pipeline(
        make_column_transformer(
            (TfidfVectorizer(), "review"),
            (OneHotEncoder(), ["country"]),
            (StandardScaler(), ["age"]),
        ),
        LogisticRegression(C=10),
    ).fit(FRAME, positive)
    words = lime(FRAME, pipeline, text_columns="review")
    with pytest.warns(UserWarning, match=r"`text_columns=\['review'\]` explains them word by word"):
        level = lime(FRAME, pipeline)
    options = {"random_state": 1, "labels": [True, False], "n_features": 6}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        found = quality(FRAME.head(5), words, **options)
        before = quality(FRAME.head(5), level, **options)
    assert found["fresh_r2"].mean() > 3 * max(before["fresh_r2"].mean(), 0.05)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_cases_alone_and_together_have_the_same_rows(n_jobs):
    cases = FRAME.head(6)
    explainer = lime(FRAME, as_regressor(linear), text_columns="review")
    together = explain(cases, explainer, random_state=1, n_jobs=n_jobs, intervals=True)
    alone = [
        explain(cases.iloc[[row]], explainer, random_state=1, intervals=True) for row in (4, 1)
    ]
    for one in alone:
        theirs = together[together["case"] == one["case"].iloc[0]].reset_index(drop=True)
        pd.testing.assert_frame_equal(one, theirs)
    [*batches] = explain_batches([cases.head(3), cases.tail(3)], explainer, random_state=1)
    numbers = pd.concat(batches)["feature_weight"].to_numpy()
    np.testing.assert_array_equal(numbers, together["feature_weight"])


def test_the_first_permutations_of_more_are_those_of_fewer():
    seen = []

    def model(rows):
        seen.append(rows["review"].tolist())
        return linear(rows)

    for n in (200, 700):
        explained(model=model, n_permutations=n, lime={"probe": False})
    assert seen[1][:200] == seen[0]
    grown = explained(n_permutations="auto")
    n = int(grown["n_permutations"].iloc[0])
    assert weights(grown) == pytest.approx(weights(explained(n_permutations=n)), abs=1e-9)


@pytest.mark.parametrize("kernel", [{"sampling": "kernel"}, {"dist_fun": "euclidean"}])
def test_other_neighbourhoods(kernel):
    found = explained(**kernel, quality=True, n_calls=100)
    assert weights(found)["review: awful"] == pytest.approx(-3, abs=0.1)
    assert found["in_bins"].max() < 0.05
    narrow = explained(**kernel, kernel_width=0.4)
    assert narrow["model_r2"].min() > 0.9


def test_a_distance_of_the_user_gets_the_texts():
    def distance(case, rows):
        assert rows["review"].iloc[0] == case["review"].iloc[0]
        return 1 - rows["review"].str.len() / len(case["review"].iloc[0])

    assert weights(explained(dist_fun=distance))["review: awful"] == pytest.approx(-3, abs=0.1)


def test_explanations_are_stored_and_drawn(tmp_path):
    found = explained(n_features=4, intervals=True, contributions=True)
    for name in ("one.parquet", "one.json"):
        write_explanation(found, tmp_path / name)
        pd.testing.assert_frame_equal(read_explanation(tmp_path / name), found)
    plot_features(found).draw()


def test_single_steps():
    explainer = lime(FRAME, as_regressor(linear), text_columns="review")
    rows = pd.concat([CASE, CASE.assign(review="superb plot", country="Sweden")])
    compared = numerify(rows, explainer)
    assert compared["review: superb"].tolist() == [1.0, 1.0]
    assert compared["review: awful"].tolist() == [1.0, 0.0]
    assert compared["country"].tolist() == [1.0, 0.0]
    assert describe_feature("review: superb", CASE.iloc[0], explainer) == "review: superb"
    with pytest.raises(ValueError, match="a word of a text column; not 'review: absent'"):
        describe_feature("review: absent", CASE.iloc[0], explainer)


def test_columns_of_the_same_text_have_draws_of_their_own_in_any_order():
    frame = FRAME.assign(title=FRAME["review"])
    case = CASE.assign(title=CASE["review"])

    def model(rows):
        return linear(rows) + 5.0 * rows["title"].str.contains("awful")

    lime_options = {"text_columns": ["title", "review"]}
    options = {"n_features": 4, "p_remove": None, "lime": lime_options}
    found = explained(frame, case, model, **options)
    order = frame.columns[::-1]
    turned = explained(frame[order], case[order], model, **options)
    assert weights(turned) == pytest.approx(weights(found), abs=1e-12)
    truth = {"title: awful": 5.0, "review: awful": -3.0, "review: superb": 2.0, "country": 1.0}
    assert weights(found) == pytest.approx(truth, abs=0.05)


@pytest.mark.parametrize(("n_words", "n"), [(150, 400), (300, 2000)])
@pytest.mark.parametrize("seed", range(3))
def test_a_long_text_alone_has_the_intervals_of_the_text_in_place(n_words, n, seed):
    text = " ".join(f"w{number}" for number in range(n_words))

    def model(rows):
        texts = rows["review"] if isinstance(rows, pd.DataFrame) else pd.Series(rows)
        return texts.str.len() / 1000 + texts.str.contains("w7 ")

    options = {"random_state": seed, "n_features": 4, "n_permutations": n, "intervals": True}
    column = lime(FRAME[["review"]], as_regressor(model), text_columns="review", probe=False)
    ours = explain(pd.DataFrame({"review": [text]}), column, p_remove=None, **options)
    theirs = explain(text, lime(text, as_regressor(model), in_place=True, probe=False), **options)
    numbers = ["feature_weight", "feature_se", "feature_lo", "feature_hi"]
    np.testing.assert_allclose(ours[numbers], theirs[numbers], rtol=0, atol=1e-12)


@pytest.mark.parametrize("draws", ["balanced", "independent"])
@pytest.mark.parametrize("more", [{}, {"sampling": "kernel"}, {"p_remove": None}])
def test_very_long_texts_are_drawn_and_written_in_parts(monkeypatch, draws, more):
    frame = FRAME.assign(x=RANDOM.normal(size=N), y=RANDOM.normal(size=N))
    case = CASE.assign(x=0.1, y=0.2)
    sizes = []

    def model(rows):
        sizes.append(len(rows))
        return linear(rows) + rows["x"]

    of_lime = {"groups": {"both": ["x", "y"]}, "probe": False}
    options = {"draws": draws, "n_permutations": 1500, "lime": of_lime, **more}
    whole = explained(frame, case, model, **options)
    assert len(sizes) == 1
    monkeypatch.setattr(pylime.tabular.permutations, "_MOST_NUMBERS", 1000)
    monkeypatch.setattr(pylime.tabular.explainer, "BATCH_CHARACTERS", 20_000)
    parts = explained(frame, case, model, **options)
    assert max(sizes[1:]) == 20_000 // len(CASE["review"].iloc[0])
    pd.testing.assert_frame_equal(parts, whole)


@pytest.mark.parametrize(("bins", "most"), [(True, 10**9), (False, 10**9 // 8)])
def test_texts_of_too_many_words_are_refused_before_they_take_memory(bins, most):
    case = CASE.assign(review=" ".join(f"w{number}" for number in range(300)))
    with pytest.raises(CaseError, match=rf"300 words, too many .* must not exceed {most}\. Lower"):
        explained(case=case, n_permutations=4_000_000, lime={"bin_continuous": bins})


def test_a_row_of_a_frame_with_a_sparse_column():
    frame = FRAME.assign(clicks=pd.arrays.SparseArray(np.arange(N) % 5 * 1.0))
    frame["review"] = frame["review"].astype(object)
    row = pd.Series({**frame.iloc[0].to_dict(), "review": "superb \ud83d"}, dtype=object)
    sparse = row.astype(pd.SparseDtype(object, 0.0))  # as pandas has rows of some such frames

    def model(rows):
        return np.array([2.0 * ("superb" in text) for text in rows["review"]])

    found = explained(frame, sparse, model)
    assert weights(found)["review: superb"] == pytest.approx(2.0, abs=0.04)
    pd.testing.assert_frame_equal(found, explained(frame, row, model))


# Wrong arguments


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"text_columns": ["reviews"]}, ValueError, "`text_columns` must be columns of `x`"),
        ({"text_columns": ["age"]}, TypeError, "must have strings; 'age' has other values"),
        ({"text_columns": {"review": 3}}, TypeError, r"`text_columns\['review'\]` must be"),
        (
            {"text_columns": {"review": "("}},
            ValueError,
            r"`text_columns\['review'\]` must be a valid",
        ),
        ({"text_columns": "review", "hold": "review"}, ValueError, "`text_columns` or in `hold`"),
        (
            {"text_columns": "review", "categorical": "review"},
            ValueError,
            "`text_columns` or in `categorical`",
        ),
        ({"tokenization": str.split}, ValueError, "option of text columns; name these"),
        ({"keep_word_position": True}, ValueError, "option of text columns; name these"),
        ({"keep_word_position": "yes"}, TypeError, "`keep_word_position` must be"),
    ],
)
def test_wrong_options_of_lime(options, error, message):
    with pytest.raises(error, match=message):
        lime(FRAME, as_regressor(linear), **options)


@pytest.mark.parametrize(
    "values",
    [
        [b"some bytes"] * N,
        ["a text", 1] * (N // 2),
        pd.interval_range(0, N, periods=N),
        [pd.Interval(0, 1)] * N,
    ],
)
def test_other_values_are_no_texts(values):
    frame = FRAME.assign(review=pd.Series(values, index=FRAME.index))
    with pytest.raises(TypeError, match="must have strings; 'review' has other values"):
        lime(frame, as_regressor(linear), text_columns="review")


def test_options_can_be_arrays_of_names():
    options = {"text_columns": np.array(["review"]), "categorical": np.array(["stars", "visits"])}
    frame = FRAME.assign(stars=[1, 2] * (N // 2), visits=[3, 4, 5, 6] * (N // 4))
    explainer = lime(frame, as_regressor(linear), **options)
    assert explainer.feature_type["stars"] == "factor"


@pytest.mark.parametrize(
    ("more", "lime_options"),
    [
        ({"review: superb": 1.0}, {}),
        ({"p": 1.0, "q": 2.0}, {"groups": {"review: superb": ["p", "q"]}}),
        (
            {"review: superb": "b"},
            {"text_columns": {"review: superb": None, "review": r"\S+( b)?"}},
        ),
    ],
)
def test_a_word_cannot_have_the_name_of_another_feature(more, lime_options):
    case = CASE.assign(**more, review="superb: b and superb")
    frame = pd.concat([FRAME.assign(**more), case], ignore_index=True)
    with pytest.raises(CaseError, match=r"Two features of the case have the name 'review: superb"):
        explained(frame, case, lime=lime_options)


def test_categories_are_no_texts():
    frame = FRAME.astype({"review": "category"})
    with pytest.raises(TypeError, match=r"'review' has categories. Convert it with .astype\(str\)"):
        lime(frame, as_regressor(linear), text_columns="review")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p_remove": 0}, "probability between 0 and 1"),
        ({"p_remove": 1.0}, "probability between 0 and 1"),
        ({"p_remove": "half"}, "probability between 0 and 1"),
        ({"p_remove": None, "sampling": "kernel"}, "`p_remove` must be a probability"),
    ],
)
def test_wrong_options_of_explain(options, message):
    with pytest.raises(ValueError, match=message):
        explained(**options)
    plain = lime(FRAME.drop(columns="review"), as_regressor(lambda r: r["age"]))
    with pytest.raises(ValueError, match="`p_remove` is an option of text columns; the explainer"):
        explain(CASE.drop(columns="review"), plain, p_remove=0.3)


def test_a_case_whose_text_cannot_be_cut_is_left_out():
    def letters(text):
        if "awful" in text:
            raise RuntimeError("no awful texts")
        return text.split()

    cases = pd.concat([CASE, CASE.assign(review="a superb plot")], ignore_index=True)
    with pytest.warns(UserWarning, match="`tokenization` failed for the column 'review'"):
        found = explained(case=cases, lime={"tokenization": letters})
    assert set(found["case"]) == {1}
    with pytest.raises(ValueError, match="returns 11 that are not found there"):
        explained(lime={"tokenization": lambda text: [f"<{word[::-1]}>" for word in text.split()]})
    for value in (7, b"superb"):
        numbers = CASE.astype({"review": object})
        numbers.loc[0, "review"] = value
        with pytest.raises(ValueError, match=rf"'review' must have strings; not {value!r}"):
            explained(case=numbers)


def test_lone_surrogates_cost_only_their_own_case():
    cases = pd.concat([CASE, CASE.assign(review="a superb plot")], ignore_index=True)
    cases = cases.astype({"review": object})
    cases.loc[0, "review"] = "superb \ud83d"
    frame = FRAME.astype({"review": "string"})
    with pytest.warns(
        UserWarning, match=r"\(string.*\) can hold; 'superb .*' has a lone surrogate"
    ):
        found = explained(frame, cases)
    assert set(found["case"]) == {1}
    kept = []

    def model(rows):
        kept.append(sum("\ud83d" in text for text in rows["review"]))
        return np.array([2.0 * ("superb" in text) for text in rows["review"]])

    found = explained(FRAME.astype({"review": object}), cases, model)
    assert weights(found[found["case"] == 0])["review: superb"] == pytest.approx(2.0, abs=0.04)
    assert max(kept) > 0
