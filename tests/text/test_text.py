"""Explaining texts: against R, and whatever the texts come as."""

import pickle
import tracemalloc
import warnings
from itertools import chain, compress

import numpy as np
import pandas as pd
import pytest
import xgboost
from conftest import REFERENCE, number, read_reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import pylime.masks
import pylime.surrogate.fit
import pylime.text.explainer
from pylime import (
    COLUMNS,
    Word,
    as_classifier,
    as_regressor,
    default_tokenize,
    explain,
    icu_tokenize,
    lime,
    plot_text_explanations,
)
from pylime.errors import CaseError
from pylime.examples import docstring_sentences
from pylime.explainers import make_request
from pylime.masks import kept_words
from pylime.pipeline import Explained, explain_cases, prepare_cases, read_cases, recognise
from pylime.surrogate.selection import FEATURE_SELECT
from pylime.text.documents import Document, dropped_words, read_document
from pylime.text.tokens import check_tokenization

STORED = read_reference("text.json.gz")["permute_cases_character"]
END_TO_END = read_reference("end_to_end_text.json.gz")["models"]
SMALL = {"n_permutations": 200, "random_state": 1}
NUMBERS = ["feature_weight", "model_intercept", "model_r2", "model_prediction"]


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left.reset_index(drop=True), right.reset_index(drop=True))


def cat_model(texts: list[str]) -> np.ndarray:
    """How much of a text is about cats."""
    return np.array([0.1 + 0.5 * ("cat" in text) + 0.3 * ("mat" in text) for text in texts])


CAT = "The cat sat on the mat, because the mat was warm."


# Against R

PERMUTED = [case for case in STORED if "error" not in case]


@pytest.mark.parametrize("case", PERMUTED, ids=lambda c: f"{c['name']}-{c['keep_word_position']}")
def test_stored_selections_give_rs_texts_similarities_and_matrix(case):
    """In R the words of a text stand in the order of all texts; here in their own."""
    if case["name"] == "doc_with_empty_second":
        pytest.skip("R makes a word of the missing one")
    tokenization = icu_tokenize if "中文" in case["cases"][0] else default_tokenize
    if tokenization is icu_tokenize:
        pytest.importorskip("icu")
    documents, n_before = [], 0
    for text in case["cases"]:
        document = read_document(text, tokenization, case["keep_word_position"], n_before)
        n_before += len(document.words)
        documents.append(document)
    masks, texts = [], []
    for document, selections in zip(documents, case["word_selections"], strict=True):
        # R's numbers into its list of all tokens, in the order of this text's words.
        chosen = [{case["tokens"][number - 1] for number in row} for row in selections]
        kept = np.array([[name in row for name in document.features] for row in chosen])
        in_rs_order = sorted(
            range(len(document.features)), key=lambda i: case["tokens"].index(document.features[i])
        )
        masks.append(kept)
        words = [document.words[i] for i in in_rs_order]
        texts += chain.from_iterable(dropped_words(words, kept[:, in_rs_order]))
    assert texts == case["permutations"]
    similarity = np.concatenate([np.sqrt(kept.mean(axis=1)) for kept in masks])
    np.testing.assert_allclose(similarity, case["permutation_distances"], rtol=1e-14)
    stored = case["tabular"]
    features = list(dict.fromkeys(name for document in documents for name in document.features))
    assert features == stored["colnames"]
    ours = pylime.text.explainer._pooled_design(documents, masks, features)
    theirs = sparse.csr_array(
        (np.ones(len(stored["i"])), (stored["i"], stored["j"])), shape=stored["dim"]
    )
    assert ours.shape == theirs.shape
    assert abs(ours - theirs).sum() == 0


def bag_of_words(model: dict):
    """The stored model: weights of lower-case words between blanks, summed."""
    weights, intercept = model["weights"], model["intercept"]

    def score(texts: list[str]) -> np.ndarray:
        words = [text.lower().split(" ") for text in texts]
        return np.array([intercept + sum(weights.get(word, 0) for word in w) for w in words])

    def probability(texts: list[str]) -> np.ndarray:
        return 1 / (1 + np.exp(-score(texts)))

    if model["type"] == "classification":
        return as_classifier(probability, ["neg", "pos"]), probability
    return as_regressor(score), score


SETTINGS = [
    (model, setting) for model, stored in END_TO_END.items() for setting in stored["settings"]
]


def r_explanation(model: str, setting: str, seed: int) -> pd.DataFrame:
    stored = END_TO_END[model]["settings"][setting]
    keep = bool(stored.get("keep_word_position", False))
    texts = END_TO_END[model]["docs"]
    explainer = lime(texts, bag_of_words(END_TO_END[model]["model"])[0], keep_word_position=keep)
    labels = stored.get("labels")
    return explain(texts, explainer, labels=labels, random_state=seed, **stored["explain_args"])


@pytest.mark.parametrize(("model", "setting"), SETTINGS)
def test_means_over_seeds_are_rs(model, setting):
    """Within four standard errors of the difference, for features that always appear."""
    stored = END_TO_END[model]["settings"][setting]
    n_seeds = 25
    runs = pd.concat([r_explanation(model, setting, seed) for seed in range(n_seeds)])
    runs["label"] = runs.get("label", "Response")
    ours = runs.groupby(["case", "label", "feature"])[NUMBERS].agg(["mean", "std", "count"])
    summary = pd.DataFrame(stored["summary"])
    always = summary[summary["n"] == stored["n_seeds"]]
    assert len(always) >= 3
    # A model that is linear in the words is fitted without noise, so that what is left is
    # where R's solver stops: up to a thousandth of the largest weight.
    stopped = 1e-3 * always["feature_weight_mean"].map(number).abs().max()
    for row in always.to_dict("records"):
        mine = ours.loc[int(row["case"]) - 1, row.get("label") or "Response", row["feature"]]
        assert mine["feature_weight", "count"] == n_seeds
        for column in NUMBERS:
            error = np.hypot(
                number(row[f"{column}_sd"]) / np.sqrt(stored["n_seeds"]),
                mine[column, "std"] / np.sqrt(n_seeds),
            )
            allowed = 4 * error + (stopped if model == "linear" else 0.0)
            assert abs(mine[column, "mean"] - row[f"{column}_mean"]) <= allowed, (row, column)


@pytest.mark.parametrize(("model", "setting"), SETTINGS)
def test_the_frame_is_rs_in_form(model, setting):
    stored = END_TO_END[model]["settings"][setting]["full_run_seed1"]
    ours = r_explanation(model, setting, 1)
    assert list(ours.columns) == stored["columns"]
    assert len(ours) == stored["nrow"]
    assert (ours["case"] + 1).tolist() == stored["values"]["case"]
    assert ours["data"].tolist() == stored["values"]["data"]
    for name in ("feature_value", "feature_desc"):
        assert ours[name].tolist() == ours["feature"].tolist()
    if "label" in ours:
        assert ours["label"].tolist() == stored["values"]["label"]
    if setting.startswith("none"):
        for case, rows in ours.groupby("case"):
            r_rows = [n for n, r_case in enumerate(stored["values"]["case"]) if r_case == case + 1]
            assert set(rows["feature"]) == {stored["values"]["feature"][row] for row in r_rows}


def test_predictions_are_those_of_the_text_as_it_was_given():
    texts = ["good good bad film", "good, bad film"]
    model, probability = bag_of_words(END_TO_END["logit"]["model"])
    explanation = explain(texts, lime(texts, model), n_labels=2, **SMALL)
    for case, rows in explanation.groupby("case"):
        positive = probability([texts[case]])[0]
        assert rows["prediction"].iloc[0] == pytest.approx({"neg": 1 - positive, "pos": positive})
        by_label = rows.groupby("label")["label_prob"].first()
        assert by_label.to_dict() == rows["prediction"].iloc[0]


# What texts come as


def test_texts_of_every_kind_can_be_explained():
    import polars

    texts = [CAT, "A warm cat, no mat"]
    kinds = {
        "list": texts,
        "tuple": tuple(texts),
        "array": np.array(texts),
        "objects": np.array(texts, dtype=object),
        "column": np.array(texts)[:, None],
        "string array": np.array(texts, dtype=np.dtypes.StringDType()),
        "series": pd.Series(texts),
        "categories": pd.Series(texts, dtype="category"),
        "polars": polars.Series(texts),
    }
    explainer = lime(texts, as_classifier(cat_model))
    whole = explain(texts, explainer, **SMALL)
    for x in kinds.values():
        assert recognise(x)[1].items == texts
        same(explain(x, lime(x, as_classifier(cat_model)), **SMALL), whole)
    same(explain(CAT, explainer, **SMALL), whole[whole["case"] == 0])
    named = explain(pd.Series(texts, index=["first", "second"]), explainer, **SMALL)
    assert named["case"].unique().tolist() == ["first", "second"]
    same(named.drop(columns="case"), whole.drop(columns="case"))


def test_preprocess_gets_a_list_of_str():
    seen = []

    def remember(texts):
        seen.append(texts)
        return texts

    for x in (CAT, [CAT], pd.Series([CAT]), np.array([CAT])):
        explain(x, lime(x, as_classifier(cat_model), remember), **SMALL)
    for batch in seen:
        assert type(batch) is list
        assert {type(text) for text in batch} == {str}
        assert batch[0] == CAT


def test_names_of_images_are_texts_to_a_text_explainer():
    explainer = lime(CAT, as_classifier(cat_model))
    image = str(REFERENCE / "images" / "chelsea_64x43.png")
    with pytest.raises(ValueError, match=r"0\.9 for every permutation"):
        explain(image.replace("chelsea", "dog"), explainer, **SMALL)
    assert recognise(image)[1].names == ["chelsea_64x43.png"]
    assert read_cases(image, explainer.kind).items == [image]
    assert recognise(["a text", image])[1].items == ["a text", image]


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([], ValueError, "`x` has no texts"),
        (7, TypeError, "`x` must be texts: a string, .* not int"),
        (["a", 7], TypeError, "not list of str, int"),
        (["a", np.ones(2)], TypeError, "not list of str, ndarray"),
        (b"bytes", TypeError, "not bytes"),
        ([None], TypeError, "not list of NoneType"),
        (np.ones(3), TypeError, "not ndarray of float64"),
        (pd.DataFrame({"text": ["a"]}), TypeError, "not DataFrame"),
    ],
)
def test_other_inputs_are_refused(x, error, message):
    with pytest.raises(error, match=message):
        explain(x, lime(CAT, as_classifier(cat_model)), **SMALL)


# Words and where they stand


def test_a_word_knows_where_it_stands():
    explanation = explain(CAT, lime(CAT, as_classifier(cat_model)), n_features=20, **SMALL)
    assert explanation["feature"].tolist() == list(dict.fromkeys(default_tokenize(CAT)))
    for row in explanation.itertuples():
        assert isinstance(row.feature_value, Word)
        assert {CAT[slice(*span)] for span in row.feature_value.spans} == {row.feature}
    by_word = dict(zip(explanation["feature"], explanation["feature_value"], strict=True))
    assert [CAT[end - 3 : end + 1] for _, end in by_word["mat"].spans] == ["mat,", "mat "]


def test_each_occurrence_can_be_a_feature():
    texts = [CAT, "cat or mat or cat"]
    explainer = lime(texts, as_classifier(cat_model), keep_word_position=True)
    explanation = explain(texts, explainer, n_features=20, **SMALL)
    second = explanation[explanation["case"] == 1]
    assert second["feature"].tolist() == ["cat_12", "or_13", "mat_14", "or_15", "cat_16"]
    assert [word.spans for word in second["feature_value"]] == [
        ((0, 3),),
        ((4, 6),),
        ((7, 10),),
        ((11, 13),),
        ((14, 17),),
    ]
    same_word = explain(
        "no no no", lime("", as_regressor(lengths), keep_word_position=True), **SMALL
    )
    assert same_word["feature"].tolist() == ["no_1", "no_2", "no_3"]


def lengths(texts: list[str]) -> list[int]:
    return [len(text) for text in texts]


def test_a_word_is_a_string_that_survives_travelling(tmp_path):
    explanation = explain(CAT, lime(CAT, as_classifier(cat_model)), **SMALL)
    again = pickle.loads(pickle.dumps(explanation))
    same(again, explanation)
    assert [word.spans for word in again["feature_value"]] == [
        word.spans for word in explanation["feature_value"]
    ]
    explanation.drop(columns="prediction").to_csv(tmp_path / "a.csv")
    assert pd.read_csv(tmp_path / "a.csv")["feature_value"].tolist() == (
        explanation["feature"].tolist()
    )
    explanation.drop(columns="prediction").to_parquet(tmp_path / "a.parquet")
    stored = pd.read_parquet(tmp_path / "a.parquet")
    assert stored["feature_value"].tolist() == explanation["feature"].tolist()


@pytest.mark.parametrize(
    ("tokenization", "words"),
    [
        (None, ["The", "cat", "sat", "on", "the", "mat", "because", "was", "warm"]),
        (r"\w{4,}", ["because", "warm"]),
        (str.split, ["The", "cat", "sat", "on", "the", "mat,", "because", "mat", "was", "warm."]),
        (lambda text: text.lower().split()[:3], ["the", "cat", "sat"]),
    ],
)
def test_words_can_be_anything(tokenization, words):
    explainer = lime(CAT, as_regressor(lengths), tokenization=tokenization)
    explanation = explain(CAT, explainer, feature_select="none", **SMALL)
    assert explanation["feature"].tolist() == words
    assert all(word.spans for word in explanation["feature_value"])


# Several texts as one


def test_pooled_texts_give_one_explanation():
    texts = [CAT, "no dog here", "warm mat"]
    explainer = lime(texts, as_classifier(cat_model))
    for n_permutations in (2, 100, 301):
        explanation = explain(
            texts, explainer, single_explanation=True, n_features=20, n_permutations=n_permutations
        )
        assert set(explanation["case"]) == {0}
        assert set(explanation["data"]) == {CAT}
        assert explanation["label_prob"].iloc[0] == pytest.approx(cat_model([CAT])[0])
    by_word = dict(zip(explanation["feature"], explanation["feature_value"], strict=True))
    assert {"cat", "mat", "dog", "here"} <= set(by_word)
    assert by_word["dog"].spans == ()
    assert by_word["mat"].spans
    best = explanation.loc[explanation["feature_weight"].idxmax()]
    assert best["feature"] == "cat"


@pytest.mark.parametrize("method", FEATURE_SELECT)
def test_pooled_texts_take_every_method_of_selection(method):
    texts = [CAT, "no dog here", "warm mat"]
    options = {"single_explanation": True, "n_features": 2, **SMALL}
    explainer = lime(texts, as_classifier(cat_model))
    explanation = explain(texts, explainer, feature_select=method, **options)
    assert "cat" in set(explanation["feature"])


def test_pooled_texts_without_words_are_left_out():
    texts = ["...", CAT, "", "a mat"]
    explainer = lime(texts, as_classifier(cat_model))
    with pytest.warns(UserWarning, match="2 of 4 texts have no words and are skipped: 0, 2"):
        explanation = explain(texts, explainer, single_explanation=True, **SMALL)
    assert set(explanation["case"]) == {1}
    with pytest.raises(ValueError, match="no words"):
        explain(["", "?"], explainer, single_explanation=True, **SMALL)


def test_pooled_texts_can_share_out_over_processes():
    texts = [CAT, "no dog here", "warm mat"]
    explainer = lime(texts, as_classifier(cat_model))
    options = {"single_explanation": True, **SMALL}
    same(explain(texts, explainer, **options), explain(texts, explainer, n_jobs=2, **options))


# Draws


def test_the_first_permutation_keeps_all_and_none_keeps_nothing():
    kept = kept_words(20_000, 10, np.random.default_rng(0))
    assert kept[0].all()
    counts = kept[1:].sum(axis=1)
    assert set(counts) == set(range(1, 11))
    # The number is drawn evenly, and each word is as likely as the others.
    assert np.abs(np.bincount(counts, minlength=11)[1:] / len(counts) - 0.1).max() < 0.01
    assert np.abs(kept[1:].mean(axis=0) - 0.55).max() < 0.015
    pairs = kept[1:][counts == 2]
    together = pairs.T.astype(int) @ pairs
    assert np.abs(together[np.triu_indices(10, 1)] / len(pairs) - 1 / 45).max() < 0.015


def test_a_text_gives_the_same_rows_alone_in_a_batch_in_any_order_and_in_parallel():
    texts = [CAT, "A warm mat for every cat", "cat and mat and hat"]
    explainer = lime(texts, as_classifier(cat_model))

    def rows(x, **options):
        frame = explain(x, explainer, n_labels=2, **(SMALL | options))
        return {case: part.drop(columns="case") for case, part in frame.groupby("case")}

    whole = rows(texts)
    for case, text in enumerate(texts):
        same(rows(text)[0], whole[case])
    for position, part in rows(texts[::-1]).items():
        same(part, whole[2 - position])
    for case, part in rows(texts, n_jobs=2).items():
        same(part, whole[case])
    assert not rows(texts, random_state=2)[0].equals(whole[0])


def test_batches_change_nothing(monkeypatch):
    explainer = lime(CAT, as_classifier(cat_model))
    monkeypatch.setattr(pylime.masks, "_CACHED_CELLS", 100)
    whole = explain(CAT, explainer, **SMALL)
    monkeypatch.setattr(pylime.text.explainer, "BATCH_CHARACTERS", 300)
    batches = []

    def model(texts):
        batches.append(len(texts))
        return cat_model(texts)

    same(explain(CAT, lime(CAT, as_classifier(model)), **SMALL), whole)
    assert len(batches) > 5


def test_equal_permutations_are_predicted_once():
    seen = []

    def model(texts):
        seen.extend(texts)
        return cat_model(texts)

    ten = "the cat sat on a mat because it was warm"
    explain(ten, lime(ten, as_classifier(model), probe=False), random_state=0)
    assert len(seen) == len(set(seen)) <= 1023
    seen.clear()
    repeated = "cat cat mat mat cat"
    explainer = lime(repeated, as_classifier(model), keep_word_position=True, probe=False)
    explain(repeated, explainer, random_state=0)
    assert len(seen) == len(set(seen)) < 31


def test_progress_reaches_the_number_of_permutations():
    reported = []
    explainer = lime(CAT, as_classifier(cat_model))
    request = make_request(explainer, n_permutations=500, random_state=1)
    cases = prepare_cases(CAT, explainer, request)
    (explained,) = explain_cases(explainer, cases, request, reported.append)
    assert isinstance(explained, Explained)
    assert sum(reported) == 500
    (around,) = explainer.kind.perturb(explainer, cases, request).cases
    assert len(around.design) == len(around.rows) == len(around.weights) == 500


# Memory


def test_the_design_is_never_held_twice_as_floats():
    text = " ".join(f"word{number}" for number in range(100))

    def model(texts):
        return np.fromiter(("word7" in text for text in texts), float, len(texts))

    explainer = lime(text, as_classifier(model))
    explain(text, explainer, **SMALL)
    tracemalloc.start()
    explain(text, explainer, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    one_matrix = 5000 * 100 * 8
    permuted_texts = 5000 * 450
    assert peak < 2 * one_matrix + permuted_texts


def test_wide_forward_selection_is_forward_selection(monkeypatch):
    weights = np.random.default_rng(0).normal(size=40)
    text = " ".join(f"w{number}" for number in range(40))

    def model(texts):
        return [1 / (1 + np.exp(-sum(weights[int(w[1:])] for w in t.split()))) for t in texts]

    explainer = lime(text, as_classifier(model))
    options = {"n_labels": 2, "n_features": 6, **SMALL}
    narrow = explain(text, explainer, **options)
    monkeypatch.setattr(pylime.surrogate.selection, "WIDE", 10)
    wide = explain(text, explainer, **options)
    same(wide, narrow)
    pooled = {"single_explanation": True, **options}
    wide = explain([text, "w1 w2 w3"], explainer, **pooled)
    monkeypatch.undo()
    same(wide, explain([text, "w1 w2 w3"], explainer, **pooled))


def test_texts_of_many_words_take_little_memory():
    text = " ".join(f"w{number}" for number in range(100_000))

    def model(texts):
        return np.array([0.1 + 0.4 * ("w55 " in text) + 0.2 * ("w777 " in text) for text in texts])

    explainer = lime(text, as_classifier(model))
    options = {"n_permutations": 500, "random_state": 0}
    tracemalloc.start()
    explanation = explain(text, explainer, n_features=2, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert explanation["feature"].tolist() == ["w55", "w777"]
    assert peak < 400e6
    with pytest.raises(ValueError, match="at most 10000 features; the case has 100000"):
        explain(text, explainer, n_features=7, n_permutations=50)
    with pytest.raises(ValueError, match="100000 words, too many for 20000 permutations"):
        explain(text, explainer, n_permutations=20_000)


# Texts of every sort


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no words"),
        (" \t\n", "has no words"),
        ("...!?", "has no words"),
        ("😀 👍🏽", "has no words"),
        ("word", "has a single word, 'word'"),
        ("no, no, no!", "has a single word, 'no'"),
        (None, "is missing"),
        (float("nan"), "is missing"),
        (pd.NA, "is missing"),
    ],
)
def test_texts_with_too_few_words_leave_the_others(text, message):
    explainer = lime(CAT, as_classifier(cat_model))
    with pytest.warns(UserWarning, match=f"1 of 2 cases could not .* 0: The text {message}"):
        explanation = explain([text, CAT], explainer, **SMALL)
    assert explanation["case"].unique().tolist() == [1]
    if isinstance(text, str):
        with pytest.raises(ValueError, match=f"The text {message}"):
            explain(text, explainer, **SMALL)


@pytest.mark.parametrize(
    "text",
    [
        "I 😀 love 👍🏽 it 👨\u200d👩\u200d👧",
        "مرحبا بالعالم يا قطة",
        "שלום עולם חתול",
        "<b>bold</b> &amp; <script>alert('x')</script>",
        r"(a+b)* [c-d]{2,} \w ^e$ | f.g",
        "nul\x00 inside\x00 a text",
        "lone \ud800 surrogate",
        "naïve café Ångström",
        "中文分词测试",
        "line\nbreaks\r\nand\ttabs",
        "%s {} {0} $x \\n",
    ],
)
def test_characters_of_every_sort_come_through(text):
    explainer = lime(text, as_regressor(lengths))
    explanation = explain(text, explainer, n_features=50, **SMALL)
    words = list(dict.fromkeys(default_tokenize(text)))
    assert explanation["feature"].tolist() == words
    assert set(explanation["data"]) == {text}
    for row in explanation.itertuples():
        assert {text[slice(*span)] for span in row.feature_value.spans} == {row.feature}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=4), st.integers(1, 8), st.booleans())
def test_any_texts_work_or_give_a_clear_error(texts, n_features, keep_word_position):
    explainer = lime("", as_regressor(lengths), keep_word_position=keep_word_position)
    options = {"n_features": n_features, "n_permutations": 40, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            explanation = explain(pd.Series(texts), explainer, **options)
        except CaseError:
            return
    assert list(explanation) == [c for c in COLUMNS if c not in ("label", "label_prob")]
    assert explanation.groupby("case")["feature"].nunique().max() <= n_features
    assert not explanation.duplicated(["case", "feature"]).any()
    for case, rows in explanation.groupby("case"):
        assert set(rows["data"]) == {texts[case]}
        assert set(rows["prediction"]) == {len(texts[case])}


@given(st.integers(2, 300), st.integers(2, 30), st.integers(0, 99))
def test_laws_of_permutations(n, n_words, seed):
    kept = kept_words(n, n_words, np.random.default_rng(seed))
    assert kept.shape == (n, n_words)
    assert kept[0].all()
    assert kept.any(axis=1).all()
    words = [f"w{number}" for number in range(n_words)]
    texts = list(chain.from_iterable(dropped_words(words, kept)))
    assert [len(text.split()) for text in texts] == kept.sum(axis=1).tolist()
    assert texts[0] == " ".join(words)


@pytest.mark.parametrize("n_words", [1, 7, 8, 9, 33, 2001])
@pytest.mark.parametrize("lengths", [1, 3000])
def test_permutations_are_the_kept_words_joined_by_spaces(n_words, lengths):
    """Of a few rows, some empty, and of words so long that they are written otherwise."""
    random = np.random.default_rng(n_words)
    words = [f"{number}" * (1 if number else lengths) for number in range(n_words)]
    kept = random.random((40, n_words)) < random.random((40, 1))
    kept[5] = False
    expected = [" ".join(compress(words, row)) for row in kept]
    assert list(chain.from_iterable(dropped_words(words, kept))) == expected
    some = np.array([3, 5, 39])
    found = list(chain.from_iterable(dropped_words(words, kept, some)))
    assert found == [expected[row] for row in some]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("one two three", {}),
        ("one, two; three.", {}),
        ("one  two three", {}),
        ("no no yes no", {}),
        ("no no yes no", {"keep_word_position": True}),
        ("no no, yes no", {"in_place": True, "keep_word_position": True}),
        ("a b c a b", {"tokenization": lambda text: ["a b", "c", "a", "b"]}),
        ("x y", {"tokenization": lambda text: ["x", "y", "z"]}),
        ("x y", {"tokenization": lambda text: ["y", "x"]}),
        ("x", {"tokenization": lambda text: ["x", "y"]}),
    ],
)
def test_the_model_gets_the_text_itself_first_and_no_text_twice(text, options):
    asked = []

    def model(texts):
        asked.extend(texts)
        return np.array([0.1 + len(one) / 100 for one in texts])

    explainer = lime(text, as_regressor(model), probe=False, **options)
    explanation = explain(text, explainer, n_permutations=60, random_state=1)
    assert asked[0] == text
    assert len(set(asked)) == len(asked)
    assert explanation["prediction"][0] == 0.1 + len(text) / 100


@given(st.text(max_size=80), st.booleans())
def test_row_0_is_the_case_and_similar_to_itself(text, keep_word_position):
    document = read_document(text, default_tokenize, keep_word_position)
    if len(document.features) < 2:
        return
    explainer = lime("", as_regressor(lengths), keep_word_position=keep_word_position)
    request = make_request(explainer, n_permutations=30, random_state=1)
    cases = prepare_cases(text, explainer, request)
    perturbed = explainer.kind.perturb(explainer, cases, request)
    (around,) = perturbed.cases
    assert around.design[0].all()
    assert around.weights[0] == 1
    assert ((around.weights > 0) & (around.weights <= 1)).all()
    inputs = []
    for batch in perturbed.batches:
        rows = range(batch.n) if batch.rows is None else batch.rows
        inputs += [batch.inputs[row] for row in rows]
    assert len(inputs) == around.n_inputs
    assert inputs[0] == text
    assert inputs[around.rows[0]] == " ".join(document.words)


def test_a_document_without_text_has_no_words():
    assert read_document(None) == Document(None, [], [], [])
    assert read_document("a b a", check_tokenization(r"\w")).spans == [[(0, 1), (4, 5)], [(2, 3)]]


# Models


@pytest.fixture(scope="module")
def sentences() -> pd.DataFrame:
    return docstring_sentences()


def test_a_scikit_learn_pipeline_needs_no_preprocess(sentences):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10))
    pipeline.fit(sentences["text"], sentences["library"])
    text = "Convert an image to grayscale and return it as a new array."
    explainer = lime(sentences["text"], pipeline)
    explanation = explain(text, explainer, n_features=3, random_state=0)
    assert explanation["label"].unique().tolist() == ["scikit-image"]
    assert explanation["feature"][0] == "image"
    assert explanation["label_prob"][0] == pytest.approx(pipeline.predict_proba([text]).max())
    wrapped = explain(text, lime(text, as_classifier(pipeline)), n_features=3, random_state=0)
    same(wrapped, explanation)


def test_a_vectoriser_can_be_the_preprocess(sentences):
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    vectoriser = CountVectorizer()
    counts = vectoriser.fit_transform(sentences["text"])
    model = MultinomialNB().fit(counts, sentences["library"])
    text = "Plot the axes of a DataFrame with missing values"
    explanation = explain(text, lime(text, model, vectoriser.transform), random_state=0)
    assert explanation["label"].unique().tolist() == ["pandas"]
    assert "DataFrame" in explanation["feature"].tolist()
    with pytest.raises(ValueError, match=r"2 texts went in, 1 row came out"):
        explain(text, lime(text, model, lambda texts: vectoriser.transform(texts)[:1]), **SMALL)
    with pytest.raises(ValueError, match="it returned None"):
        explain(text, lime(text, model, lambda texts: None), **SMALL)


def test_xgboost_predicts_sparse_matrices(sentences):
    from sklearn.feature_extraction.text import HashingVectorizer

    vectoriser = HashingVectorizer(n_features=2**12)
    is_pandas = (sentences["library"] == "pandas").to_numpy()
    matrix = xgboost.DMatrix(vectoriser.transform(sentences["text"]), label=is_pandas)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, matrix, 20)

    def predict(texts):
        return booster.predict(xgboost.DMatrix(texts))

    model = as_classifier(predict, ["other", "pandas"])
    text = "Return the index of a DataFrame as a Series of labels."
    explainer = lime(text, model, vectoriser.transform)
    explanation = explain(text, explainer, labels="pandas", random_state=0)
    assert {"DataFrame", "Series"} & set(explanation["feature"][:3])


@pytest.mark.full  # the layer needs TensorFlow
def test_keras_models_take_texts(sentences):
    import keras

    some = sentences.sample(400, random_state=0)
    vectorise = keras.layers.TextVectorization(max_tokens=500, output_mode="multi_hot")
    vectorise.adapt(some["text"].tolist())
    keras.utils.set_random_seed(0)
    inside = keras.Sequential(
        [keras.Input(shape=(1,), dtype="string"), vectorise, keras.layers.Dense(1, "sigmoid")]
    )
    outside = keras.Sequential([keras.Input(shape=(500,)), keras.layers.Dense(1, "sigmoid")])
    outside.set_weights([np.asarray(inside.layers[-1].kernel), np.asarray(inside.layers[-1].bias)])
    text = "Return a new array of given shape, filled with zeros."
    alone = explain(text, lime(text, inside), **SMALL)
    before = explain(text, lime(text, outside, lambda texts: np.asarray(vectorise(texts))), **SMALL)
    pd.testing.assert_frame_equal(alone, before, rtol=1e-4)


def test_functions_of_a_list_of_str_are_models():
    def pipeline(texts):
        """In the style of Hugging Face: dictionaries out of a list of str."""
        assert isinstance(texts, list)
        return [{"label": "CAT", "score": float(score)} for score in cat_model(texts)]

    def scores(texts):
        return [found["score"] for found in pipeline(texts)]

    explanation = explain(CAT, lime(CAT, as_classifier(scores, ["NONE", "CAT"])), **SMALL)
    assert explanation["label"][0] == "CAT"
    assert explanation["feature"].tolist()[:2] == ["cat", "mat"]


# Arguments


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"tokenization": 3}, TypeError, "`tokenization` must be a function"),
        ({"tokenization": "["}, ValueError, "valid regular expression"),
        ({"keep_word_position": "yes"}, TypeError, "`keep_word_position` must be True or False"),
        ({"tokenisation": str.split}, TypeError, "Did you mean 'tokenization'"),
        ({"n_bins": 4}, TypeError, "lime\\(\\) of texts has no option 'n_bins'"),
    ],
)
def test_wrong_options_of_lime_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        lime(CAT, as_classifier(cat_model), **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"single_explanation": 1}, TypeError, "`single_explanation` must be True or False"),
        ({"n_superpixels": 9}, TypeError, "of texts has no option 'n_superpixels'"),
        ({"n_permutations": 1}, ValueError, "at least 2"),
        ({"labels": "dog"}, ValueError, "must be among"),
        ({"n_labels": 3}, ValueError, "must not exceed the model's 2 labels"),
    ],
)
def test_wrong_options_of_explain_are_refused(options, error, message):
    explainer = lime(CAT, as_classifier(cat_model))
    with pytest.raises(error, match=message):
        explain(CAT, explainer, **options)


def test_an_explainer_can_be_pickled_and_prints_what_it_holds():
    explainer = lime(CAT, as_classifier(cat_model), tokenization=r"\w+")
    assert repr(explainer) == "<TextExplainer of the classification model cat_model>"
    again = pickle.loads(pickle.dumps(explainer))
    same(explain(CAT, again, **SMALL), explain(CAT, explainer, **SMALL))
    assert explainer.tokenization.pattern == r"\w+"


def test_a_tokenizer_that_fails_on_one_text_leaves_the_others():
    def tokens(text):
        if "x" in text:
            raise RuntimeError("no x")
        return text.split()

    explainer = lime("a", as_classifier(cat_model), tokenization=tokens)
    with pytest.warns(UserWarning, match=r"1 of 2 .* `tokenization` failed. RuntimeError: no x"):
        explanation = explain([CAT, "x y"], explainer, **SMALL)
    assert explanation["case"].unique().tolist() == [0]
    with pytest.raises(RuntimeError, match="no x"):
        explain("x y", explainer, **SMALL)


def test_texts_of_one_name_are_warned_of():
    explainer = lime(CAT, as_classifier(cat_model))
    texts = pd.Series([CAT, "A warm cat, no mat"], index=["r", "r"])
    with pytest.warns(UserWarning, match="1 name belongs to several cases, such as 'r'"):
        explanation = explain(texts, explainer, **SMALL)
    assert plot_text_explanations(explanation).n_texts == 2


def test_tables_are_no_texts():
    explainer = lime(CAT, as_classifier(cat_model))
    with pytest.raises(TypeError, match=r"pass its column of texts, such as x.'t'"):
        explain(pd.DataFrame({"t": [CAT]}), explainer)
    with pytest.raises(TypeError, match="must be texts"):
        explain(np.array([["a cat", "b"], ["c", "d"]]), explainer)


def test_few_permutations_are_not_blamed_on_the_model():
    explainer = lime(CAT, as_classifier(cat_model))
    for seed in range(6):
        try:
            explain(CAT, explainer, n_permutations=2, random_state=seed)
        except CaseError as error:
            assert "raise `n_permutations`" in str(error)  # noqa: PT017 - both outcomes are right


def test_a_text_that_is_pooled_twice_is_drawn_twice():
    seen = []

    def record(texts):
        seen.extend(texts)
        return [len(text) for text in texts]

    texts = [" ".join(f"word{number}" for number in range(12))] * 2
    explainer = lime(texts, as_regressor(record), probe=False)
    explain(texts, explainer, single_explanation=True, n_permutations=200, random_state=1)
    assert len(set(seen)) > 150  # with the same draws, at most 100
