"""What a word is, against R and the Unicode standard, and where it stands."""

import doctest
import re
import sys

import numpy as np
import pandas as pd
import pytest
import regex
from conftest import read_reference
from hypothesis import given
from hypothesis import strategies as st

from pylime import default_tokenize, icu_tokenize
from pylime.examples import docstring_sentences
from pylime.text.tokens import check_tokenization, tokenize

STORED = {
    case["text"]: case["tokens"] for case in read_reference("text.json.gz")["default_tokenize"]
}

# What the standard says where R does not follow it: the ICU of R's figures takes "@" for a
# letter and never joins at a colon, and it has dictionaries.
STANDARD = {
    "foo@bar.com mail.me@host.org": ["foo", "bar.com", "mail.me", "host.org"],
    "#hashtag @mention": ["hashtag", "mention"],
    "semi;colon,comma:colon": ["semi", "colon", "comma:colon"],
    "中文分词测试": list("中文分词测试"),
    "日本語のテキストです": ["日", "本", "語", "の", "テキスト", "で", "す"],
    "ภาษาไทยไม่มีช่องว่าง": ["ภาษาไทยไม่มีช่องว่าง"],
    "ກຂຄ ລາວ": ["ກຂຄ", "ລາວ"],
}


@pytest.mark.parametrize("text", STORED)
def test_words_are_rs_or_the_standards(text):
    assert default_tokenize(text) == STANDARD.get(text, STORED[text])


@pytest.mark.parametrize("text", [text for text in STORED if text != "ກຂຄ ລາວ"])
def test_words_of_icu_are_rs(text):
    """Also where a dictionary is needed. Of Lao, R and ICU have different ones."""
    pytest.importorskip("icu")
    ours, theirs = icu_tokenize(text), STORED[text]
    if "@" in text or ":colon" in text:  # other versions of ICU follow the standard
        assert ours in (theirs, STANDARD[text])
    else:
        assert ours == theirs


def test_the_example_of_icu_runs():
    pytest.importorskip("icu")
    source = icu_tokenize.__doc__.replace("  # doctest: +SKIP", "")
    (example,) = doctest.DocTestParser().get_examples(source)
    assert repr(eval(example.source, {"icu_tokenize": icu_tokenize})) == example.want.strip()


def test_icu_and_the_standard_agree_on_real_sentences():
    pytest.importorskip("icu")
    sentences = docstring_sentences()["text"]
    different = [
        text
        for text in sentences
        if "@" not in text and ":" not in text and default_tokenize(text) != icu_tokenize(text)
    ]
    assert not different


@pytest.mark.parametrize(
    "text",
    [
        "smile 😀 a \U0001d4b3b 中文 \U0001d4b3 x",
        "مرحبا بالعالم",
        "a\ud800b c\x00d",
        "👍🏽 word",
        "",
        "\U0001f600",
    ],
)
def test_places_count_characters_also_in_icu(text):
    pytest.importorskip("icu")
    words, spans = tokenize(text, icu_tokenize)
    assert [text[start:end] for start, end in spans] == words == default_tokenize(text) or (
        "中文" in words
    )
    assert icu_tokenize(text) == words


def test_without_pyicu_an_error_tells_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "icu", None)
    with pytest.raises(ImportError, match=r"pip install 'tidylime\[icu\]'"):
        icu_tokenize("text")


@given(st.text())
def test_words_stand_where_they_are_said_to(text):
    for tokenization in (None, r"\w+", re.compile(r"\S+"), regex.compile(r"\p{L}+"), str.split):
        words, spans = tokenize(text, check_tokenization(tokenization))
        assert [text[start:end] for start, end in spans] == words
        assert spans == sorted(spans)


def test_regular_expressions_match_words():
    assert tokenize("a1 b2", check_tokenization(r"[a-z]\d*"))[0] == ["a1", "b2"]
    assert tokenize("a1 b2", check_tokenization(r"([a-z])(\d)"))[0] == ["a1", "b2"]
    assert tokenize("a b", check_tokenization(r"\w*"))[0] == ["a", "b"]
    assert tokenize("One. Two, three.", check_tokenization(r"[^.!?]+"))[0] == ["One", " Two, three"]


def test_places_of_changed_words_are_searched_for():
    text = "The cats sat; the CATS ran."
    assert tokenize(text, lambda text: text.lower().split())[1][:3] == [(0, 3), (4, 8), (9, 13)]
    words = ["the", "cat", "sit", "the", "cat", "run", "."]
    spans = [(0, 3), (4, 8), None, (14, 17), (18, 22), None, None]
    assert tokenize(text, lambda text: words) == (words, spans)
    left_out = tokenize("the hen, he and she", lambda text: ["he", "she"])[1]
    assert left_out == [(9, 11), (16, 19)]
    assert tokenize("tokenization", lambda text: ["token", "ization"])[1] == [(0, 5), (5, 12)]
    far = "start" + " x" * 2000 + " lost"
    assert tokenize(far, lambda text: ["start", "lost", "x"])[1] == [
        (0, 5),
        (len(far) - 4, len(far)),
        (6, 7),
    ]


def marked(text: str, words: list[str]) -> list[str | None]:
    spans = tokenize(text, lambda _: words)[1]
    return [span and text[slice(*span)] for span in spans]


def test_changed_words_take_no_other_words_places():
    text = "it was better than that good one"
    words = ["it", "be", "good", "than", "that", "good", "one"]
    assert marked(text, words) == ["it", None, None, "than", "that", "good", "one"]
    text = "about 5 good numbers and 7 bad number lines"
    words = ["about", "num", "good", "numbers", "and", "num", "bad", "number", "lines"]
    expected = ["about", None, "good", "numbers", "and", None, "bad", "number", "lines"]
    assert marked(text, words) == expected
    text = "\u0130stanbul is GOOD and Nice good"
    assert marked(text, text.lower().split())[1:] == ["is", "GOOD", "and", "Nice", "good"]


def test_joined_and_moved_words_are_found():
    text = "the good film and the good film"
    pairs = ["the good", "good film", "film and", "and the", "the good", "good film"]
    assert marked(text, pairs) == pairs
    assert marked("very good film very good", ["film", "good", "very"]) == ["film", "good", "very"]


@pytest.mark.parametrize("split", [default_tokenize, icu_tokenize])
def test_several_texts_give_a_list_each(split):
    if split is icu_tokenize:
        pytest.importorskip("icu")
    texts = ["A cat.", "", None, "No, no!"]
    expected = [["A", "cat"], [], [], ["No", "no"]]
    forms = [texts, tuple(texts), pd.Series(texts), np.array(texts, dtype=object)]
    for form in forms:
        assert split(form) == expected
    assert split(["A cat."]) == [split("A cat.")]
    assert split([]) == []
    for wrong in (3, b"A cat.", None, ["a", 3]):
        with pytest.raises(TypeError, match="`text` must be a string, or several"):
            split(wrong)


def test_empty_words_are_left_out():
    assert tokenize(" a  b ", lambda text: text.split(" ")) == (["a", "b"], [(1, 2), (4, 5)])


@pytest.mark.parametrize(
    ("tokenization", "error", "message"),
    [
        ("(", ValueError, "`tokenization` must be a valid regular expression; '\\('"),
        (7, TypeError, "`tokenization` must be a function .* not 7"),
        (re.compile(b"x"), TypeError, "`tokenization` must be a function"),
    ],
)
def test_wrong_tokenizations_say_what_one_can_be(tokenization, error, message):
    with pytest.raises(error, match=message):
        check_tokenization(tokenization)


@pytest.mark.parametrize("words", ["text", None, [1, 2], 3])
def test_a_function_must_return_words(words):
    with pytest.raises(TypeError, match="must return a list of str"):
        tokenize("some text", lambda text: words)
