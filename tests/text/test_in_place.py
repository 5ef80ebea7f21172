"""What the model reads of a text: words cut out in place, or joined by spaces."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylime import (
    CaseError,
    as_classifier,
    as_regressor,
    explain,
    explain_batches,
    icu_tokenize,
    lime,
)
from pylime.errors import FitWarning
from pylime.text.documents import cut_words, read_document
from pylime.text.tokens import check_tokenization

FEW = {"n_permutations": 400, "random_state": 1}


def read(texts, score, words=None, **options):
    """Explain a score of texts with words cut out in place; also what the model was given."""
    seen = []

    def model(batch):
        seen.extend(batch)
        return [score(text) for text in batch]

    first = texts if isinstance(texts, str) else texts[0]
    explainer = lime(
        first, as_regressor(model), probe=False, in_place=True, tokenization=words, **options
    )
    explanation = explain(texts, explainer, n_features=20, **FEW)
    return explanation, explanation.set_index("feature")["feature_weight"], seen


# In place


def test_only_words_are_cut_out():
    text = "great film!!! 😡\n\n(but: slow)"
    words = ["great", "film", "but", "slow"]
    possible = set()
    for kept in range(1, 16):
        cut = text
        for number, word in enumerate(words):
            if not kept >> number & 1:
                cut = cut.replace(word, "")
        possible.add(cut)
    explanation, weights, seen = read(
        text, lambda t: 0.1 * t.count("!") + 0.3 * ("great" in t) + 0.2 * ("😡" in t)
    )
    assert set(seen) == possible
    assert len(seen) == len(set(seen))  # the text itself is the permutation that keeps all
    assert explanation["prediction"].iloc[0] == pytest.approx(0.8)
    assert explanation["model_prediction"].iloc[0] == pytest.approx(0.8, abs=0.02)
    assert weights["great"] == pytest.approx(0.3, abs=0.02)
    assert weights.drop("great").abs().max() < 0.03


def test_an_address_keeps_its_signs():
    _, weights, _ = read("win now at http://bit.example/x please", lambda t: "http://" in t)
    assert weights["http"] == pytest.approx(1, abs=0.04)


def test_words_without_spaces_between_stay_together():
    text, words = "这部电影很好看\uff0c物流太慢", "这部|电影|很|好看|物流|太|慢"
    _, weights, seen = read(text, lambda t: 0.5 * ("好看" in t) + 0.2 * ("太" in t), words)
    assert not any(" " in one for one in seen)
    assert weights["好看"] == pytest.approx(0.5, abs=0.03)
    assert weights["太"] == pytest.approx(0.2, abs=0.03)


def test_two_sentences_keep_what_separates_them():
    def overlap(text):
        first, second = text.split("[SEP]")
        return 0.1 + 0.2 * len(set(first.split()) & set(second.split()))

    text = "the pixels of an image [SEP] an image has pixels"
    _, weights, _ = read(text, overlap, r"[a-z]+")
    np.testing.assert_allclose(weights[["pixels", "image", "an"]], 0.2, atol=0.03)


def test_a_word_that_repeats_is_cut_everywhere_unless_it_counts_for_itself():
    text = "no, no and no!"
    _, weights, seen = read(text, lambda t: t.count("no"))
    assert set(seen) == {text, "no, no  no!", ",  and !"}
    assert weights["no"] == pytest.approx(3, abs=0.05)
    _, weights, seen = read(text, lambda t: t.count("no"), keep_word_position=True)
    assert ", no and !" in seen
    np.testing.assert_allclose(weights[["no_1", "no_2", "no_4"]], 1, atol=0.05)


@pytest.mark.parametrize("words", [list, r"\X", r"[\s\S]"])
def test_characters_are_cut_out_one_by_one(words):
    _, weights, seen = read("good work", lambda t: 2 * ("oo" in t) + ("k" in t), words)
    assert "good work" in seen
    assert "gd wrk" in seen
    assert weights[["o", "k"]].round().tolist() == [2, 1]


def test_changed_words_are_cut_where_they_stand():
    _, weights, seen = read(
        "The CATS, sat.", lambda t: "CATS" in t, lambda t: ["the", "cat", "sat"]
    )
    assert "The , sat." in seen
    assert weights["cat"] == pytest.approx(1, abs=0.03)


def test_pieces_of_words_are_cut_without_their_marks():
    text = "It was unbelievable, un-"
    for words in (
        ["it", "was", "un", "##believ", "##able"],
        ["▁It", "▁was", "▁un", "believ", "able"],
        ["It", "Ġwas", "Ġun", "believ", "able"],
        ["It</w>", "was</w>", "un@@", "believ@@", "able</w>"],
    ):
        explanation, weights, seen = read(text, lambda t: "believ" in t, lambda t, w=words: w)
        assert "It was unable, un-" in seen
        assert weights[words[3]] == pytest.approx(1, abs=0.03)
        spans = {word: word.spans for word in explanation["feature_value"]}
        assert spans[words[3]] == ((9, 15),)


def test_what_belongs_to_two_words_stays_if_both_do():
    text = "a New York City b"
    spans = [[(2, 10)], [(6, 15)], [(16, 17)]]
    kept = np.array([[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 1]], dtype=bool)
    assert next(cut_words(text, spans, kept)) == [text, "a New  b", "a  City ", "a  b"]


def test_words_that_are_not_in_the_text_cannot_be_cut_out():
    explainer = lime(
        "a b", as_regressor(lambda t: [len(one) for one in t]), in_place=True,
        tokenization=lambda t: [*t.split(), "end"],
    )  # fmt: skip
    with pytest.raises(CaseError, match=r"`in_place=True` .* 1 .* not found there: 'end'\."):
        explain("one two", explainer, **FEW)


@given(st.text("ab c!\n😀", max_size=60), st.sampled_from([r"\w+", "ab|c", r"\X"]), st.data())
@settings(max_examples=60, deadline=None)
def test_all_that_is_kept_and_no_word_stays(text, pattern, data):
    document = read_document(text, check_tokenization(pattern))
    n = len(document.words)
    if not n:
        return
    rows = data.draw(st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1))
    kept = np.array([[True] * n, *rows])
    found = [one for block in cut_words(text, document.spans, kept) for one in block]
    for row, written in zip(kept, found, strict=True):
        stays = np.ones(len(text), dtype=bool)
        for places, keep in zip(document.spans, row, strict=True):
            for start, stop in places:
                stays[start:stop] &= keep
        assert written == "".join(np.array([*text, ""])[:-1][stays])


def test_long_texts_are_cut_in_little_memory():
    text = "x" * 300_000 + " one " + "y" * 300_000 + " two"
    document = read_document(text, check_tokenization("one|two"))
    kept = np.array([[True, True], [False, True]] * 500)
    lengths = [len(one) for block in cut_words(text, document.spans, kept) for one in block]
    assert lengths == [len(text), len(text) - 3] * 500
    assert max(map(len, cut_words(text, document.spans, kept))) < 100


def test_texts_in_place_are_the_same_alone_in_parallel_and_pooled():
    model = as_regressor(lambda texts: [text.count("!") + ("film" in text) for text in texts])
    texts = ["great film!!", "no film, no; end!"]
    explainer = lime(texts, model, in_place=True)
    assert pickle.loads(pickle.dumps(explainer.in_place))
    whole = explain(texts, explainer, **FEW)
    pd.testing.assert_frame_equal(explain(texts, explainer, n_jobs=2, **FEW), whole)
    alone = explain(texts[1], explainer, **FEW)
    np.testing.assert_array_equal(alone["feature_weight"], whole.query("case == 1").feature_weight)
    pooled = explain(texts, explainer, single_explanation=True, **FEW)
    assert pooled.set_index("feature")["feature_weight"]["film"] > 0.5


# Joined by spaces


def exclaims(texts):
    return [0.1 + 0.2 * t.count("!") + 0.2 * ("great" in t or "bore" in t) for t in texts]


def test_a_text_that_changes_when_its_words_are_joined_is_warned_of():
    texts = ["great film!!", "what a bore!!!", "a bore"]
    explainer = lime(texts, as_classifier(exclaims, ["calm", "moved"]))
    with pytest.warns(FitWarning, match="in_place") as caught:
        explain(texts, explainer, labels="moved", n_permutations=1000, random_state=1)
    [message] = [str(one.message) for one in caught]
    assert message.startswith(
        "The model's prediction of 'moved' for case 1 itself is 0.9; for its words joined by "
        "spaces, as its permutations are written, 0.3 (1 other case changes, too). `lime(..., "
        "in_place=True)`"
    )
    assert "`tokenization`" in message
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(texts[2], explainer, labels="moved", **FEW)
        in_place = lime(texts, as_classifier(exclaims, ["calm", "moved"]), in_place=True)
        explain(texts, in_place, labels="moved", n_permutations=1000, random_state=1)


@pytest.mark.parametrize(("more", "warned"), [(0.02, False), (0.2, True)])
def test_numbers_are_compared_with_how_much_they_vary(more, warned):
    model = as_regressor(lambda ts: [1000 * (("good" in t) + more * ("!" in t)) for t in ts])
    explainer = lime("a good film!", model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        explain("a good film!", explainer, **FEW)
    assert len(caught) == warned


def test_a_warning_of_a_batch_is_of_its_cases():
    explainer = lime("a b", as_classifier(exclaims, ["calm", "moved"]))
    batches = explain_batches([["great film!!!"], ["a bore"]], explainer, labels="moved", **FEW)
    with pytest.warns(FitWarning, match="for case 0 itself is 0.9") as caught:
        next(batches)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        next(batches)


def test_a_constant_response_asks_what_the_words_mean_first():
    text = "great film!!!"
    explainer = lime("a b", as_classifier(lambda ts: [0.1 + 0.2 * ("!" in t) for t in ts]))
    with pytest.raises(CaseError) as raised:
        explain(text, explainer, labels=1, **FEW)
    assert re.match(
        r"The model's prediction is 0\.3 for the case itself and 0\.1 for its words joined by "
        r"spaces\. Do these still mean the same\? If not: `lime\(\.\.\., in_place=True\)`.*"
        "If they do: The response of label 1 is 0.1 for every permutation. Please check your model",
        str(raised.value),
    )
    with pytest.raises(CaseError, match=r"^The response of label 1 is 0\.1"):
        explain("great film", explainer, labels=1, **FEW)
    in_place = lime("a b", explainer.model, in_place=True)
    with pytest.raises(CaseError, match=r"^The response of label 1 is 0\.3 for every permutation"):
        explain(text, in_place, labels=1, **FEW)


# Scripts without spaces


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("สวัสดีครับผมชื่อ", None),
        ("ភាសាខ្មែរ", None),
        ("မြန်မာဘာသာ", None),
        ("这部电影很好看", str.split),
        ("今日はいい天気ですね", str.split),
    ],
)
def test_a_script_without_spaces_needs_a_dictionary(text, words):
    explainer = lime("a b", as_classifier(exclaims), tokenization=words)
    with pytest.raises(CaseError, match=r"single word.*tokenization=icu_tokenize") as raised:
        explain(text, explainer, **FEW)
    assert r'tokenization=r"\X"' in str(raised.value)
    characters = lime(
        "a b", as_regressor(lambda ts: [len(t) for t in ts]), tokenization=r"\X", in_place=True
    )
    assert len(explain(text, characters, **FEW)) >= 4


@pytest.mark.parametrize(("text", "words"), [("word", None), ("word", icu_tokenize), ("字", None)])
def test_a_single_word_needs_no_dictionary(text, words):
    if words is icu_tokenize:
        pytest.importorskip("icu")
    explainer = lime("a b", as_classifier(exclaims), tokenization=words, probe=False)
    with pytest.raises(CaseError, match=r"so there is nothing to compare\.$"):
        explain(text, explainer, **FEW)
