"""What stands in place of dropped words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylime import CaseError, as_regressor, explain, lime
from pylime.text.documents import cut_words

FEW = {"n_permutations": 300, "random_state": 1}


def read(texts, score, explaining=None, **options):
    seen = []

    def model(batch):
        seen.extend(batch)
        return [score(text) for text in batch]

    first = texts if isinstance(texts, str) else texts[0]
    explainer = lime(first, as_regressor(model), probe=False, **options)
    explanation = explain(texts, explainer, n_features=20, **(explaining or FEW))
    return explanation, explanation.set_index("feature")["feature_weight"], seen


def by_hand(text, spans, kept, replacement):
    """Write a text letter by letter."""
    written = ""
    for place, letter in enumerate(text):
        for number, places in enumerate(spans):
            written += replacement * sum(
                start == place and not kept[number] for start, _ in set(places)
            )
        owners = [
            number
            for number, places in enumerate(spans)
            if any(start <= place < stop for start, stop in places)
        ]
        written += letter if all(kept[number] for number in owners) else ""
    return written


@given(
    st.text("ab .", min_size=1, max_size=20),
    st.lists(
        st.lists(st.tuples(st.integers(0, 19), st.integers(1, 6)), min_size=1, max_size=3),
        min_size=1,
        max_size=11,
    ),
    st.sampled_from(["", "?", "[MASK]", " "]),
    st.integers(0, 99),
)
def test_texts_are_those_written_by_hand_also_where_words_overlap(text, places, replacement, seed):
    spans = [
        [(start, min(start + size, len(text))) for start, size in some if start < len(text)]
        for some in places
    ]
    spans = [some for some in spans if some] or [[(0, 1)]]
    # Places of one word do not overlap each other.
    spans = [some[:1] + [s for s in some[1:] if s[0] >= some[0][1]][:1] for some in spans]
    kept = np.random.default_rng(seed).random((6, len(spans))) < 0.5
    found = [one for block in cut_words(text, spans, kept, None, replacement) for one in block]
    assert found == [by_hand(text, spans, row, replacement) for row in kept]


def test_a_token_stands_at_each_place_of_a_dropped_word():
    text = "no, no and yes!"
    _, weights, seen = read(
        text, lambda t: t.count("no") - 0.5 * t.count("[MASK]"), replacement="[MASK]"
    )
    assert set(seen) == {
        text,
        "[MASK], [MASK] and yes!",
        "no, no [MASK] yes!",
        "no, no and [MASK]!",
        "[MASK], [MASK] [MASK] yes!",
        "[MASK], [MASK] and [MASK]!",
        "no, no [MASK] [MASK]!",
    }
    assert len(seen) == len(set(seen))
    assert weights["no"] == pytest.approx(3, abs=0.05)
    assert weights[["and", "yes"]].to_numpy() == pytest.approx(0.5, abs=0.05)
    _, weights, seen = read(
        text, lambda t: t.count("[MASK]"), replacement="[MASK]", keep_word_position=True
    )
    assert "[MASK], no and yes!" in seen
    np.testing.assert_allclose(weights, -1, atol=0.05)


def test_an_empty_token_cuts_out():
    text = "Great film, isn't it? Great!"
    score = len
    for options in ({}, {"in_place": True}, {"in_place": None}):
        cut, _, seen = read(text, score, replacement="", **options)
        plain, _, expected = read(text, score, in_place=True)
        assert seen == expected
        np.testing.assert_array_equal(cut["feature_weight"], plain["feature_weight"])


def test_a_token_that_is_a_word_of_the_text_gives_no_text_twice():
    """Of equal texts, which differ in what they keep, the model gets one."""
    text = "the cat and the dog and a cat"
    explanation, weights, seen = read(text, len, replacement="cat")
    assert len(seen) == len(set(seen))
    assert abs(weights["cat"]) < 0.01
    assert explanation["model_r2"][0] > 0.99


def test_larger_pieces_and_pooled_texts_have_it():
    texts = ["One is here. Two is not. Three is.", "Two is not. One."]
    model = {"tokenization": "sentence", "replacement": "[...]"}
    _, weights, seen = read(texts[0], lambda t: "Two" in t, **model)
    assert "One is here. [...] Three is." in seen
    assert weights["Two is not."] == pytest.approx(1, abs=0.03)
    explaining = {**FEW, "single_explanation": True}
    _, weights, seen = read(texts, lambda t: "Two" in t, explaining, **model)
    assert "[...] One." in seen
    assert weights["Two is not."] == pytest.approx(1, abs=0.05)


def test_more_permutations_and_jobs_see_the_same_texts():
    text = "It was a fine film with a slow start and a very good end."
    score = lambda t: 0.3 * ("fine" in t) + 0.2 * ("good" in t) - 0.1 * ("slow" in t)  # noqa: E731
    grown, _, seen = read(
        text, score, {"n_permutations": "auto", "random_state": 1}, replacement="_"
    )
    assert len(seen) == len(set(seen))
    n = int(grown["n_permutations"].iloc[0])
    once, _, again = read(text, score, {"n_permutations": n, "random_state": 1}, replacement="_")
    assert seen == again
    np.testing.assert_allclose(grown["feature_weight"], once["feature_weight"], atol=1e-12)
    explainer = lime(text, as_regressor(underscores), replacement="_")
    one = explain([text, text[:30]], explainer, **FEW)
    two = explain([text, text[:30]], explainer, n_jobs=2, **FEW)
    np.testing.assert_array_equal(one["feature_weight"], two["feature_weight"])


def underscores(texts):
    return [text.count("_") for text in texts]


@pytest.mark.parametrize("wrong", [3, b"[MASK]", ["[MASK]"], str.upper, True])
def test_a_token_is_a_string(wrong):
    with pytest.raises(TypeError, match="`replacement` must be a string; not"):
        lime("a text", as_regressor(len), replacement=wrong)


@pytest.mark.parametrize("token", ["[MASK]", ""])
def test_joined_words_have_no_places_for_a_token(token):
    with pytest.raises(ValueError, match=r"`replacement` .* `in_place=False` does not keep"):
        lime("a text", as_regressor(underscores), replacement=token, in_place=False)


def test_words_without_a_place_cannot_be_replaced():
    explainer = lime(
        "some text",
        as_regressor(underscores),
        tokenization=lambda text: ["elsewhere", "text"],
        replacement="_",
    )
    with pytest.raises(CaseError, match=r"`replacement` is written at the places .*'elsewhere'"):
        explain("some text", explainer)


def test_an_explainer_names_its_token():
    explainer = lime("a text", as_regressor(underscores), replacement="[MASK]")
    assert "become &#x27;[MASK]&#x27;" in explainer._repr_html_()
