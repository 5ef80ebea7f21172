"""Texts for e-mail: what they say is left without style sheets, and without any style."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import lxml.html
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylime import as_regressor, explain, lime, load_text_example, plot_text_explanations
from pylime.plots.mail import SIGNS
from pylime.plots.stylesheet import LIGHT, shades_of

PLUS, MINUS = SIGNS["positive"], SIGNS["negative"]
TICKET = 'Ich wurde doppelt belastet,\r\nund die App stürzt ab.\nGröße: <5> & "mehr"'


def explanation_of(text, weights, **columns):
    """An explanation of one text by the weights of its words."""
    table = {
        "model_type": "classification",
        "case": 0,
        "label": "billing",
        "label_prob": 0.75,
        "model_r2": 0.5,
        "feature_value": pd.Series(list(weights), dtype=object),
        "feature_weight": list(weights.values()),
        "data": pd.Series([text] * len(weights), dtype=object),
    }
    return pd.DataFrame(table | columns)


def inline(*args, **options):
    return lxml.html.fragment_fromstring(str(plot_text_explanations(*args, **options).inline()))


def marks_of(element):
    """The style of each word, and its sign; those of the key have no sign of their own."""
    return {
        sup.getparent().text_content()[: -len(sup.text_content())]: (
            sup.getparent().get("style"),
            sup.text_content(),
        )
        for sup in element.iter("sup")
    }


def text_of(element):
    """The text of the first paragraph without signs; a break is a line end."""
    paragraph = element.xpath(".//p[@dir='auto']")[0]
    for sup in list(paragraph.iter("sup")):
        sup.drop_tree()
    for line_end in paragraph.iter("br"):
        line_end.tail = "\n" + (line_end.tail or "")
    return paragraph.text_content()


def test_words_carry_colours_lines_and_signs():
    element = inline(explanation_of(TICKET, {"belastet": 0.6, "App": -0.3, "und": 0.1, "die": 0.0}))
    marks = marks_of(element)
    assert {word: sign for word, (_, sign) in marks.items()} == {
        "belastet": PLUS,
        "App": MINUS,
        "und": PLUS,
    }
    assert f"background-color: {LIGHT['positive-4']}" in marks["belastet"][0]
    assert f"background-color: {LIGHT['negative-2']}" in marks["App"][0]
    assert f"border-bottom: 2px solid {LIGHT['positive-line']}" in marks["belastet"][0]
    assert f"border-bottom: 2px dashed {LIGHT['negative-line']}" in marks["App"][0]
    assert all("color: #" in style for style, _ in marks.values())
    assert text_of(element) == TICKET.replace("\r\n", "\n")


def test_the_strongest_word_has_light_ink():
    style, _ = marks_of(inline(explanation_of("paid twice", {"twice": -1.0})))["twice"]
    assert f"color: {LIGHT['negative-ink-5']}; background-color: {LIGHT['negative-5']}" in style


def test_nothing_depends_on_a_style_sheet():
    plot = plot_text_explanations(load_text_example(), palette=("navy", "orange"))
    source = str(plot.inline())
    assert str(plot.inline().inline()) == source
    assert not re.search(r"<style|class=|var\(|<mark|@media|url\(|https?:", source)
    assert "display: flex" not in source


@pytest.mark.parametrize("text", ["", "a", " two  spaces ", "a\rb\r\nc\n", "a</p><p>b"])
def test_every_text_is_left(text):
    element = inline(explanation_of(text, {"a": 1.0, "b": -0.5}))
    assert text_of(element) == re.sub("\r\n?", "\n", text)


@settings(max_examples=50, deadline=None)
@given(st.text(st.sampled_from("ab <>&\"'\r\n+-\N{MINUS SIGN}éß"), max_size=30))
def test_any_text_is_left(text):
    weights = {"a": 1.0, "b": -0.5, "<": 0.2, "\n": 0.1}
    assert text_of(inline(explanation_of(text, weights))) == re.sub("\r\n?", "\n", text)


def test_a_feature_over_several_lines_is_one_mark():
    element = inline(explanation_of("one\ntwo", {"one\ntwo": 1.0}))
    (span,) = [sup.getparent() for sup in element.iter("sup")]
    assert text_of(element) == "one\ntwo"
    assert span.get("title").startswith("one\ntwo: supports")


def test_the_key_explains_the_signs_without_colours():
    element = inline(explanation_of(TICKET, {"App": 1.0}))
    for styled in element.iter():
        styled.attrib.pop("style", None)
    key = " ".join(element.xpath("./p[last()]")[0].text_content().split())
    assert key == f"supports {PLUS * 5} contradicts {MINUS * 5}"


def test_words_that_possibly_have_no_effect_have_a_sign_in_parentheses():
    element = inline(
        explanation_of(
            TICKET, {"App": 0.5, "und": -0.1}, feature_lo=[0.4, -0.3], feature_hi=[0.6, 0.1]
        )
    )
    marks = marks_of(element)
    assert marks["App"][1] == PLUS
    assert marks["und"][1] == f"({MINUS})"
    assert "border-bottom: 1px dashed" in marks["und"][0]
    assert "repeating-linear-gradient(135deg, #" in marks["und"][0]
    assert f"({PLUS})({MINUS})" in element.text_content()


def test_a_palette_is_kept():
    plot = plot_text_explanations(
        explanation_of(TICKET, {"App": 0.5, "und": -0.5}), palette=("seagreen", "#ff8c00")
    )
    green = shades_of("positive", "seagreen", LIGHT)
    marks = marks_of(lxml.html.fragment_fromstring(str(plot.inline())))
    assert green["positive-3"] in marks["App"][0]
    assert green["positive-line"] in marks["App"][0]
    assert LIGHT["negative-3"] not in marks["und"][0]


def test_it_is_as_wide_as_the_plot_and_as_high_as_its_texts():
    explanation = explanation_of(TICKET, {"App": 0.5})
    style = inline(explanation, width="40em", height=300).get("style")
    assert style.startswith("max-width: 40em; ")
    assert "height: 300px" not in style


def test_text_columns_and_other_features_of_a_table():
    frame = pd.DataFrame(
        {
            "subject": ["late parcel", "thanks", None, "refund"] * 5,
            "message": ["Where is\nit?", "fine", "so <slow>", "money back"] * 5,
            "age": np.arange(20.0),
        }
    )
    late = as_regressor(
        lambda rows: 1.0 * rows["message"].str.contains("Where") - (rows["age"] > 9)
    )
    explainer = lime(frame, late, text_columns=["subject", "message"], n_bins=2)
    explanation = explain(frame.head(3), explainer, n_features=8, random_state=1)
    element = inline(explanation)
    where = [style for word, (style, sign) in marks_of(element).items() if word == "Where"]
    assert "solid" in where[0]
    assert "missing" in element.text_content()
    assert any("age <= " in word for word in marks_of(element))
    assert "raises" in element.text_content()


def test_a_page_of_it(tmp_path):
    plot = plot_text_explanations(explanation_of(TICKET, {"App": 0.5}))
    plot.inline().save(tmp_path / "mail.html")
    page = (tmp_path / "mail.html").read_text("utf-8")
    assert str(plot.inline()) in page
    assert "<style" not in page
    assert repr(plot.inline()) == repr(plot) == "TextExplanations(n_texts=1)"
    assert plot.inline()._repr_html_() == str(plot.inline())
    assert "<style" in str(plot)


def test_it_goes_through_the_post():
    plot = plot_text_explanations(explanation_of(TICKET, {"App": 0.5, "stürzt": -0.5}))
    message = EmailMessage()
    message["Subject"] = "Größe"
    message.set_content("plain")
    message.add_alternative(str(plot.inline()), subtype="html")
    received = message_from_bytes(message.as_bytes(), policy=policy.default)
    html = received.get_body(("html",)).get_content()
    assert marks_of(lxml.html.fragment_fromstring(html))["stürzt"][1] == MINUS
