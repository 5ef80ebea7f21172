"""The plot of texts, read back by an HTML parser and held against what R writes."""

import copy
import re
from html.parser import HTMLParser

import lxml.html
import numpy as np
import pandas as pd
import pytest
from conftest import read_reference
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from plotnine import scale_fill_manual
from skimage.color import rgb2lab

from pylime import (
    Word,
    as_regressor,
    explain,
    lime,
    load_image_example,
    plot_text_explanations,
)
from pylime.markup import escape
from pylime.plots.stylesheet import DARK, LIGHT, STYLESHEET, shades_of
from pylime.plots.text import TextExplanations, color_code
from pylime.plots.theme import FIT

PLOTS = read_reference("plot_data.json.gz")["plots"]
HOSTILE = "\"'><img src=x onerror=alert(1)><script>alert(2)</script></style></p>&lt;b&gt;<!--"


def explanation_of_r():
    return pd.DataFrame(PLOTS["text"]["explanation"]["values"])


def explanation_of(text, weights, **columns):
    """An explanation of one text by the weights of its words."""
    table = {
        "model_type": "classification",
        "case": 0,
        "label": "pos",
        "label_prob": 0.75,
        "model_r2": 0.5,
        "feature": list(weights),
        "feature_value": pd.Series(list(weights), dtype=object),
        "feature_weight": list(weights.values()),
        "data": pd.Series([text] * len(weights), dtype=object),
    }
    return pd.DataFrame(table | columns)


class Reader(HTMLParser):
    """Elements, and the text and the marks of every paragraph of words."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.words, self.marks, self.facts = [], [], [], []
        self._target = None
        self._mark = None
        self.feed(str(source))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        attributes = dict(attrs)
        if tag == "p":
            self._target = {"words": self.words, "facts": self.facts}.get(attributes["class"])
            if self._target is not None:
                self._target.append("")
            self.marks += [[]] if self._target is self.words else []
        if tag == "mark":
            self._mark = [attributes["class"], attributes["title"], ""]

    def handle_endtag(self, tag):
        if tag == "p":
            self._target = None
        if tag == "mark":
            self.marks[-1].append(tuple(self._mark))
            self._mark = None

    def handle_data(self, data):
        if self._target is not None:
            self._target[-1] += data
        if self._mark is not None:
            self._mark[2] += data

    @property
    def coloured(self):
        """The words and the colours of each paragraph."""
        return [[(word, code) for code, _, word in marks] for marks in self.marks]


ALLOWED = {
    ("div", ("class", "style")),
    ("div", ("class",)),
    ("style", ()),
    ("p", ("class", "dir")),
    ("p", ("class",)),
    ("mark", ("class", "title")),
    ("span", ()),
    ("span", ("class",)),
    ("span", ("aria-hidden",)),
    ("bdi", ()),
}


def test_words_have_the_colours_of_r():
    explanation = explanation_of_r()
    before = copy.deepcopy(explanation)
    plot = plot_text_explanations(explanation)
    pd.testing.assert_frame_equal(explanation, before)
    paragraphs = PLOTS["text"]["html"].split("<p>")[1:]
    expected = [
        [(word, code) for code, word in re.findall("<span class='(.*?)'>(.*?)</span>", text)]
        for text in paragraphs
    ]
    found = Reader(plot)
    assert found.coloured == expected
    assert found.words == list(explanation["data"].unique())
    for facts, text in zip(found.facts, paragraphs, strict=True):
        for fact in re.search("<sub>(.*?)</sub>", text)[1].split("<br/>"):
            assert fact.replace("Explainer fit", FIT) in facts  # one name in all plots
    assert [facts.split()[1] for facts in found.facts] == ["1", "2"]
    assert plot.n_texts == 2


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_strengths_are_those_of_r(sign):
    codes = PLOTS["get_color_code"]
    found = [color_code(share, sign == "positive") for share in codes["weight_fraction"]]
    assert found == codes[sign]


def test_every_label_has_a_block_of_its_own():
    prediction = {"pos": 0.75, "neg": 0.25}
    both = pd.concat(
        [
            explanation_of("good, bad", {"good": 0.3, "bad": -0.1}),
            explanation_of("good, bad", {"good": -0.3, "bad": 0.1}, label="neg", label_prob=0.25),
        ]
    )
    both["prediction"] = pd.Series([prediction] * 4, index=both.index)
    plot = plot_text_explanations(both)
    found = Reader(plot)
    assert plot.n_texts == 1
    assert found.words == ["good, bad"] * 2
    assert found.coloured[0] == [("good", "positive_4"), ("bad", "negative_2")]
    assert found.coloured[1] == [("good", "negative_4"), ("bad", "positive_2")]
    assert found.facts == [
        "Label predicted: pos (75%) Explanation fit: 0.5",
        "Label: neg (25%) Explanation fit: 0.5",
    ]


def test_words_of_a_regressor_raise_and_lower():
    explanation = explanation_of("good, bad", {"good": 0.3, "bad": -0.1})
    explanation = explanation.drop(columns=["label", "label_prob"])
    found = Reader(
        plot_text_explanations(explanation.assign(model_type="regression", prediction=3.25))
    )
    assert found.facts == ["Prediction: 3.25 Explanation fit: 0.5"]
    assert [title for _, title, _ in found.marks[0]] == [
        "good: raises, weight 0.3, strength 4 of 5",
        "bad: lowers, weight -0.1, strength 2 of 5",
    ]


def test_a_word_with_its_position_is_coloured_there_only():
    plot = plot_text_explanations(explanation_of("no, no, yes no", {"no_2": -0.5, "yes_3": 0.5}))
    marked = re.sub("<mark.*?>(.*?)</mark>", r"[\1]", str(plot))
    assert "no, [no], [yes] no" in marked


def test_positions_count_over_all_texts():
    both = pd.concat(
        [
            explanation_of("not good", {"good_2": 1.0}),
            explanation_of("good good", {"good_4": -1.0}, case=1),
        ]
    )
    marked = re.sub("<mark.*?>(.*?)</mark>", r"[\1]", str(plot_text_explanations(both)))
    assert "not [good]" in marked
    assert "good [good]" in marked
    # The second text alone: from its words follows where it began.
    alone = explanation_of("bad and good and", {"and_6": -1.0, "good_7": 0.5, "and_8": 0.5})
    marked = re.sub("<mark.*?>(.*?)</mark>", r"[\1]", str(plot_text_explanations(alone)))
    assert "bad [and] [good] [and]" in marked


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("art party art's", "art", "[art] party art's"),
        ("a.b a+b a", "a", "a.b [a]+b [a]"),
        ("C++ and C", "C++", "[C++] and C"),  # another tokenizer's
        ("Good GOOD", "good", "[Good] [GOOD]"),  # one that changes letters
        ("good Good", "good", "[good] Good"),
        ("New York, New Yorker", "New York", "[New York], New Yorker"),
        ("one two", "three", "one two"),
        ("x_1 x", "x_1", "[x_1] x"),
        ("mark class title", "class", "mark [class] title"),
        ("amp & lt <", "amp", "[amp] & lt <"),
        ("naïve 東京 привет", "привет", "naïve 東京 [привет]"),
        ("", "a", ""),
    ],
)
def test_a_word_is_coloured_where_it_stands_and_nowhere_else(text, word, expected):
    source = str(plot_text_explanations(explanation_of(text, {word: 1.0})))
    marked = re.sub("<mark.*?>(.*?)</mark>", r"[\1]", source)
    assert Reader(marked).words == [expected]


def test_pieces_that_overlap_are_coloured_once():
    explanation = explanation_of("New York City", {"New York": 0.5, "York City": -0.5})
    found = Reader(plot_text_explanations(explanation))
    assert found.words == ["New York City"]
    assert found.coloured == [[("New York", "positive_3")]]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("I was unable to", ["un", "able"], "I was [un][able] to"),
        ("unable, able men", ["un", "able"], "[un][able], [able] men"),
        ("unbelievable", ["un", "believ", "able"], "[un][believ][able]"),
        ("untie unable", ["un", "able"], "untie [un][able]"),  # of "untie" no other piece is known
        ("abab", ["ab"], "[ab][ab]"),
        ("party art", ["art"], "party [art]"),
    ],
)
def test_pieces_that_touch_are_coloured_one_by_one(text, words, expected):
    weights = {word: 1.0 - 2.0 * (place % 2) for place, word in enumerate(words)}
    source = str(plot_text_explanations(explanation_of(text, weights)))
    assert re.sub("<mark.*?>(.*?)</mark>", r"[\1]", source).count(f">{expected}<") == 1


def test_a_word_without_weight_has_no_colour():
    found = Reader(plot_text_explanations(explanation_of("a b", {"a": 0.0, "b": 0.0})))
    assert found.coloured == [[]]
    assert found.words == ["a b"]


def test_words_that_know_their_places_are_coloured_there():
    words = [Word("good", [(9, 13)]), Word("lower", [])]
    text = "good not good lower"
    found = str(plot_text_explanations(explanation_of(text, dict.fromkeys(words, 1.0))))
    assert re.sub("<mark.*?>(.*?)</mark>", r"[\1]", found).count("good not [good] lower") == 1
    beyond = Word("good", [(-1, 2), (17, 30), (3, 3)])  # the frame's text was changed
    assert Reader(plot_text_explanations(explanation_of(text, {beyond: 1.0}))).coloured == [[]]


def test_an_explanation_that_was_stored_looks_the_same(tmp_path):
    model = as_regressor(lambda texts: [text.count("good") - text.count("bad") for text in texts])
    texts = ["Good? bad, a bad one.", "bad not good & good"]
    for keep in (False, True):
        explainer = lime(texts, model, keep_word_position=keep)
        explanation = explain(texts, explainer, n_permutations=100, random_state=1)
        explanation.to_csv(tmp_path / "stored.csv", index=False)
        stored = pd.read_csv(tmp_path / "stored.csv")
        assert str(plot_text_explanations(stored)) == str(plot_text_explanations(explanation))


# What HTML cannot hold is left to a test of its own.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(characters, max_size=60) | st.text("ab'.<>&\"\r\n /=-!;#x", max_size=60)


@settings(deadline=None)
@given(texts, st.lists(texts, max_size=4))
def test_highlighting_never_changes_the_visible_text(text, others):
    words = list(dict.fromkeys([*re.findall(r"\w+|[<>&;]+", text), *others]))[:8] or ["a"]
    weights = {word: (-1.0) ** place * (place + 1) for place, word in enumerate(words)}
    found = Reader(plot_text_explanations(explanation_of(text, weights)))
    assert found.words == [text]
    assert set(found.elements) <= ALLOWED


@settings(deadline=None)
@given(texts, texts, texts)
def test_nothing_from_outside_adds_an_element_or_attribute(text, label, case):
    explanation = explanation_of(text, {text: 1.0, label: -0.5, "a": 0.5}, label=label, case=case)
    plain = explanation_of("b", {"b": 1.0}, case=f"{case} 2")
    found = Reader(plot_text_explanations(pd.concat([explanation, plain])))
    assert set(found.elements) <= ALLOWED
    assert label in found.facts[0]
    assert case in found.facts[0]


def test_two_parsers_find_a_hostile_explanation_harmless():
    weights = {"img": 0.5, "script": -0.5, HOSTILE: 0.25}
    explanation = explanation_of(HOSTILE, weights, label=HOSTILE, case=HOSTILE)
    source = str(plot_text_explanations(pd.concat([explanation, explanation_of("b", {"b": 1.0})])))
    assert set(Reader(source).elements) <= ALLOWED
    tree = lxml.html.fromstring(source)
    found = {(node.tag, tuple(node.attrib)) for node in tree.iter() if isinstance(node.tag, str)}
    assert found <= ALLOWED
    assert tree.xpath("//p[@class='words']")[0].text_content() == HOSTILE


def test_what_html_cannot_hold_is_replaced(tmp_path):
    plot = plot_text_explanations(explanation_of("a\0b\ud800", {"a": 1.0}))
    assert Reader(plot).words == ["a\ufffdb\ufffd"]
    plot.save(tmp_path / "page.html")
    assert escape("\r\n") == "&#13;\n"


def test_a_saved_plot_is_a_page(tmp_path):
    plot = plot_text_explanations(explanation_of_r())
    plot.save(tmp_path / "page.html")
    plot.save(str(tmp_path / "again.html"))
    page = (tmp_path / "page.html").read_bytes().decode("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert str(plot) in page
    assert 'charset="utf-8"' in page
    assert isinstance(plot, TextExplanations)
    assert plot._repr_html_() == str(plot) == plot.html
    assert repr(plot) == "TextExplanations(n_texts=2)"
    with pytest.raises(AttributeError):
        plot.html = ""


def test_a_plot_asks_for_nothing_from_elsewhere():
    source = str(plot_text_explanations(explanation_of_r()))
    assert not re.search(r"url\(|@import|https?:|src=|href=", source)


def test_every_rule_is_bound_to_the_plot():
    rules = re.sub(r"@media[^{]*\{", "", STYLESHEET)
    for selectors in re.findall(r"([^{}]+)\{", rules):
        for selector in selectors.split(","):
            assert ".pylime-text" in selector
    assert "prefers-color-scheme: dark" in STYLESHEET
    assert STYLESHEET.count("[data-theme=") == 2  # of Sphinx


def rgb(colour):
    return np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])


def linear(colour):
    value = rgb(colour)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """WCAG's ratio of two colours."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_read(colours):
    assert contrast(colours["ink"], colours["paper"]) >= 7
    assert contrast(colours["faint"], colours["paper"]) >= 4.5
    for sign in ("positive", "negative"):
        assert contrast(colours[f"{sign}-line"], colours["paper"]) >= 4.5
        for strength in range(1, 6):
            ink = colours[f"{sign}-ink-5" if strength == 5 else "ink"]
            assert contrast(ink, colours[f"{sign}-{strength}"]) >= 4.5


# What is left of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
VISIONS = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_signs_differ_for_the_colour_blind(colours, vision):
    def seen(name):
        value = np.clip(np.array(VISIONS[vision]) @ linear(colours[name]), 0, 1)
        value = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
        return rgb2lab(value)

    for name in ("1", "2", "3", "4", "5", "line"):
        assert np.linalg.norm(seen(f"positive-{name}") - seen(f"negative-{name}")) > 8


@pytest.mark.parametrize(
    ("width", "height"), [("40em", 300), (300.5, "50%"), ("100%", "auto"), ("12.5rem", "10vh")]
)
def test_a_plot_has_the_size_that_was_asked_for(width, height):
    source = str(plot_text_explanations(explanation_of_r(), width=width, height=height))
    sizes = [size if isinstance(size, str) else f"{size}px" for size in (width, height)]
    assert f'style="width: {sizes[0]}; height: {sizes[1]}"' in source


@pytest.mark.parametrize("size", ['1px" onload="x', "1px; color: red", -1, True, "wide", None])
def test_what_is_no_size_is_an_error(size):
    with pytest.raises(ValueError, match="`width` must be a number of pixels or a CSS length"):
        plot_text_explanations(explanation_of_r(), width=size)


def test_what_is_no_explanation_of_texts_is_an_error():
    with pytest.raises(TypeError, match="must be a data frame from explain"):
        plot_text_explanations("good")
    with pytest.raises(ValueError, match=r"explanation of texts|one of texts.*'Bitmap'"):
        plot_text_explanations(load_image_example())
    with pytest.raises(ValueError, match="without 'data' it is incomplete"):
        plot_text_explanations(explanation_of_r().drop(columns="data"))


# Colours of the user's own

PALETTES = [
    ("navy", "orange"),
    ("yellow", "black"),
    ("white", "grey"),
    ("lime", "magenta"),
    ("steelblue", "firebrick"),
    ("#1B9E77", "#7570B3"),
]


@pytest.mark.parametrize("colour", [colour for palette in PALETTES for colour in palette])
@pytest.mark.parametrize("page", [LIGHT, DARK], ids=["light", "dark"])
def test_words_of_any_colour_can_be_read(colour, page):
    shades = shades_of("positive", colour, page)
    assert contrast(shades["positive-line"], page["paper"]) >= 4.5
    for strength in range(1, 6):
        ink = shades["positive-ink-5"] if strength == 5 else page["ink"]
        below = shades[f"positive-{strength}"]
        assert contrast(ink, below) >= 4.5
        for veil in ("veil-1", "veil-2"):
            share = int(page[veil][7:], 16) / 255
            mixed = share * rgb(page[veil][:7]) + (1 - share) * rgb(below)
            assert contrast(page["ink"], to_hex(mixed)) >= 4.49
    lab = [rgb2lab(rgb(shades[f"positive-{strength}"])) for strength in range(1, 6)]
    if not (colour == "white" and page is LIGHT):
        away = [np.linalg.norm(shade - rgb2lab(rgb(page["paper"]))) for shade in lab]
        assert away == sorted(away)
        assert np.diff(away).min() > 2


def test_a_palette_changes_its_own_plot_only():
    explanation = explanation_of_r()
    plain, navy, grey = (
        str(plot_text_explanations(explanation, palette=palette))
        for palette in (None, ("navy", "orange"), ["grey", "#000080"])
    )
    assert 'class="pylime-text"' in plain
    assert 'class="pylime-text pylime-000080-ffa500"' in navy
    assert 'class="pylime-text pylime-808080-000080"' in grey
    assert STYLESHEET in navy
    rules = navy.split(STYLESHEET)[1].split("</style>")[0]
    for selectors in re.findall(r"([^{}]+)\{ ?--pylime", rules):
        for selector in selectors.split(","):
            assert ".pylime-text.pylime-000080-ffa500" in selector
    assert navy.replace(rules, "").replace(" pylime-000080-ffa500", "") == plain
    assert set(Reader(plot_text_explanations(explanation, palette=PALETTES[0])).elements) <= ALLOWED


@pytest.mark.parametrize(
    ("palette", "error", "message"),
    [
        ("navy", TypeError, "`palette` must be 2 colours, for positive .*weights; not 'navy'"),
        (["navy"], ValueError, "weights; not 1 colour"),
        (["navy", HOSTILE], ValueError, "is not a colour"),
        (scale_fill_manual(["red", "blue"]), TypeError, "`palette` must be 2 colours"),
    ],
)
def test_a_palette_of_words_is_two_colours(palette, error, message):
    with pytest.raises(error, match=message):
        plot_text_explanations(explanation_of_r(), palette=palette)
