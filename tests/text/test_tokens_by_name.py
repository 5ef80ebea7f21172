"""Tokenizations with names: sentences, lines, paragraphs, words and characters."""

import pickle
import re
from itertools import pairwise

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pylime import CaseError, as_regressor, default_tokenize, explain, lime
from pylime.text.tokens import PIECES, check_tokenization, piece_of, tokenize

# Each text with its sentences, divided by "|".
SENTENCES = [
    "Dr. Smith paid 3.50 dollars.|He left.",
    "J. R. R. Tolkien wrote it.|Nobody knew.",
    "We met at 5 p.m. Monday.|It was in the U.S.|He left the U.S. Army.",
    "See Fig. 3 and pp. 5.|No. 5 is alive.|No.|He said so.",
    'He said "Go!" and left.|"Stop."|She ran.',
    "Wow!!!|Really?!|Yes...|Maybe\N{HORIZONTAL ELLIPSIS}|No.",
    "i loved it.|the acting was great!|would watch again.",
    "Use v2.0.|Then open http://x.example/?q=A.b!|Done.",
    "1. Open the door.\n|2. Close it.\n|- apples\n|- pears",
    "This is a hard\nwrapped sentence.|It goes\non.\n\n|A heading\n|Its text",
    "I met Dr.\nSmith.|He waved.",
    "Great film.|<br /><br />The plot is thin.",
    "He left .|She stayed .",
    "**Bold.**|Next.|The end.[1]|More.",
    "Apple Inc. bought it.|So did Acme Corp.|They won, e.g. The Times.",
    "Am 3. Mai kam z. B. Herr Dr. Meier.|Er ging um 5 Uhr.",
    "So did I.|Then we left with plan B.|The end.",
    "As in Smith et al. (2019).|They agree.",
    "\N{INVERTED EXCLAMATION MARK}Hola!|\N{INVERTED QUESTION MARK}Qué tal?|Bien.",
    "今天很好。|我们去吧\uff01|“好。”|他说",
    "यह अच्छा है।|वह गया।",
    "Great! \N{SMILING FACE WITH SUNGLASSES}",
    "no end",
    "",
    " \n\t ",
]


@pytest.mark.parametrize("marked", SENTENCES)
def test_sentences_end_where_readers_end_them(marked):
    parts = marked.split("|")
    blank = "" if re.search("[\u3002]", marked) else " "
    text = blank.join(parts)
    found = tokenize(text, check_tokenization("sentence"))[0]
    if marked.startswith("Great! "):
        assert found == ["Great!", "\N{SMILING FACE WITH SUNGLASSES}"]
    else:
        assert found == [part.strip() for part in parts if part.strip()]


def test_sentences_agree_with_icu_where_neither_abbreviations_nor_lines_are():
    icu = pytest.importorskip("icu")
    plain = [t for t in SENTENCES if not re.search(r"\n|\b\w{1,4}\.\w|[<*\[]|\b[A-Z]\w?\.", t)]
    plain = [t for t in plain if re.search("[A-Z\u3002\u0964]", t) and "\u2026" not in t]
    plain = [t for t in plain if not re.search("Fig|Inc|Go!|al\\.|\u201c", t)]
    assert len(plain) >= 3
    for marked in plain:
        text = marked.replace("|", "" if "\u3002" in marked else " ")
        boundaries = icu.BreakIterator.createSentenceInstance(icu.Locale.getRoot())
        boundaries.setText(text)
        places = [0, *boundaries]
        theirs = [text[a:b].strip() for a, b in pairwise(places)]
        assert tokenize(text, check_tokenization("sentence"))[0] == theirs


@pytest.mark.parametrize(
    ("name", "text", "pieces"),
    [
        ("line", "one\n  two \r\n\n\u2028three\x0b\ufeff\n", ["one", "two", "three"]),
        ("paragraph", "a\nb\n \t\r\n\r\nc\u2029d\n\n\n", ["a\nb", "c", "d"]),
        ("paragraph", "\r\na\r\nb\r\n", ["a\r\nb"]),
        ("character", "e\u0301 \U0001f44d\U0001f3fd", ["e\u0301", " ", "\U0001f44d\U0001f3fd"]),
        ("word", "Don't re-use it: 3.14!", ["Don't", "re", "use", "it", "3.14"]),
    ],
)
def test_names_find_their_pieces(name, text, pieces):
    tokenization = check_tokenization(name)
    words, spans = tokenize(text, tokenization)
    assert words == pieces == list(tokenization(text))
    assert [text[start:end] for start, end in spans] == words
    assert piece_of(tokenization) == name


@given(
    st.text(st.sampled_from('aAé.!?… \n\r\u2028\u2029\t1)"(“。<>[]*Dr\u200b\ud800'), max_size=60)
)
def test_all_that_is_not_blank_belongs_to_one_piece(text):
    for name in ("sentence", "line", "paragraph", "character"):
        words, spans = tokenize(text, check_tokenization(name))
        assert spans == sorted(spans)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        rest = list(text)
        for (start, end), word in zip(spans, words, strict=True):
            assert text[start:end] == word
            rest[start:end] = " " * (end - start)
        assert not regex.search(r"[^\s\p{Cc}\p{Cf}]", "".join(rest))
        if name != "character":
            assert all(word.strip() == word and word for word in words)
    sentences = tokenize(text, check_tokenization("sentence"))[1]
    paragraphs = tokenize(text, check_tokenization("paragraph"))[1]
    for start, end in sentences:  # none goes over the end of a paragraph
        assert any(a <= start and end <= b for a, b in paragraphs)


def test_a_long_text_takes_time_in_proportion():
    """A rule that looked back or ahead without end would take minutes."""
    for piece in ("Dr. A. ", "a", ". ", "<a ", '"(', "!\n", "No. 1\n\n", "i. ii. "):
        text = piece * (40_000 // len(piece))
        for name in ("sentence", "line", "paragraph"):
            tokenize(text, check_tokenization(name))


def test_a_name_wins_over_an_equal_expression_unless_that_is_compiled():
    assert check_tokenization("word") is default_tokenize
    text = "a word, one line"
    assert tokenize(text, check_tokenization(re.compile("word")))[0] == ["word"]
    assert tokenize(text, check_tokenization("word"))[0] == default_tokenize(text)
    assert tokenize(text, check_tokenization("wor(?:d)"))[0] == ["word"]
    for tokenization in (str.split, re.compile("line"), check_tokenization(None)):
        assert piece_of(tokenization) == "word"


@pytest.mark.parametrize("wrong", ["sentences", "Sentence", "lines", "paragraf", "CHARACTER"])
def test_a_misspelt_name_is_not_taken_for_an_expression(wrong):
    with pytest.raises(ValueError, match=f"not '{wrong}'. Did you mean '.*must be compiled"):
        lime(["a text"], as_regressor(lengths), tokenization=wrong)


def test_checked_tokenizations_can_be_checked_again_and_pickled():
    for name in PIECES:
        tokenization = check_tokenization(name)
        assert check_tokenization(tokenization) is tokenization
        assert pickle.loads(pickle.dumps(tokenization)) is tokenization


# Explanations


def lengths(texts):
    return [len(text) / 100 for text in texts]


def shown(text, **options):
    """What the model gets, and the weights."""
    seen = []

    def model(texts):
        seen.extend(texts)
        return [2 * ("refund" in one) + 0.5 * one.count("\n") + len(one) / 1000 for one in texts]

    explainer = lime(text, as_regressor(model), probe=False, **options)
    explanation = explain(text, explainer, n_permutations=500, random_state=1)
    return explanation.set_index("feature")["feature_weight"], seen, explainer


TEXT = "Tickets are sold here.\nDr. Ada gives a refund in 30 days.\n\nDogs stay outside."


@pytest.mark.parametrize("name", ["sentence", "line"])
def test_larger_pieces_are_cut_out_where_they_stand(name):
    weights, seen, explainer = shown(TEXT, tokenization=name)
    assert explainer.in_place
    assert weights["Dr. Ada gives a refund in 30 days."] == pytest.approx(2, abs=0.1)
    assert all(one.count("\n") == 3 for one in seen)
    assert "Tickets are sold here.\n\n\nDogs stay outside." in seen
    assert len(seen) == len(set(seen)) == 7


def test_paragraphs_and_characters_are_cut_out_too():
    weights, seen, _ = shown(TEXT, tokenization="paragraph")
    assert len(seen) == 3
    assert "\n\nDogs stay outside." in seen
    assert weights.index[0].startswith("Tickets are sold here.\nDr. Ada")
    assert shown("ab c", tokenization="character")[2].in_place


def test_words_are_joined_as_in_r_whatever_finds_them_unless_asked_otherwise():
    words = {None: False, "word": False, r"\w+": False, str.split: False, r"\X": False}
    for tokenization, expected in words.items():
        explainer = lime(TEXT, as_regressor(lengths), tokenization=tokenization)
        assert explainer.in_place is expected
    explainer = lime(TEXT, as_regressor(lengths), tokenization="sentence", in_place=False)
    assert not explainer.in_place
    with pytest.raises(TypeError, match="`in_place` must be True, False or None; not 'yes'"):
        lime(TEXT, as_regressor(lengths), in_place="yes")


def test_words_by_name_give_the_numbers_of_the_default():
    one, _, _ = shown(TEXT, tokenization="word")
    other, _, _ = shown(TEXT)
    np.testing.assert_array_equal(one, other)


def test_an_equal_line_is_one_feature_unless_each_counts():
    text = "yes\n no\nyes"
    assert sorted(shown(text, tokenization="line")[0].index) == ["no", "yes"]
    each = shown(text, tokenization="line", keep_word_position=True)[0]
    assert sorted(each.index) == ["no_2", "yes_1", "yes_3"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sentence", 'single sentence, .* `tokenization="word"` finds smaller'),
        ("line", 'single line, .* `tokenization="sentence"`'),
        (
            "paragraph",
            'single paragraph, .* Blank lines separate paragraphs; `tokenization="line"`',
        ),
    ],
)
def test_a_text_of_one_piece_leads_to_smaller_ones(name, message):
    explainer = lime("One. Two.\n\nThree.", as_regressor(lengths), tokenization=name)
    with pytest.raises(CaseError, match=message):
        explain("one text", explainer)
    with pytest.raises(CaseError, match=f"has no {name}s"):
        explain(" \n ", explainer)


def test_an_explainer_names_its_pieces():
    page = lime(TEXT, as_regressor(lengths), tokenization="line")._repr_html_()
    assert "a line" in page
    assert "Dropped lines" in page
