"""Plots of tables with columns of text and groups, read back."""

import json
import re
import warnings

import lxml.html
import numpy as np
import pandas as pd
import polars as pl
import pytest
from explanations import REVIEWS, of_columns, of_records, of_text_columns
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pylime import (
    Word,
    as_plain,
    compare_explanations,
    load_image_example,
    plot_beeswarm,
    plot_comparison,
    plot_explanations,
    plot_features,
    plot_importance,
    plot_text_explanations,
    plot_waterfall,
    read_explanation,
    write_explanation,
)
from pylime.frame import object_column
from pylime.plots.stylesheet import COLUMNS, STYLESHEET
from pylime.plots.text import color_code
from pylime.plots.theme import label_text, text_width
from pylime.plots.widths import draw_widths

HOSTILE = "\"'><img src=x onerror=alert(1)><script>alert(2)</script></style></p>&lt;b&gt;<!--"
SENTENCE = (
    "It was a dark and stormy night; the rain fell in torrents, except at occasional intervals,\n"
    "when it was checked by a violent gust of wind which swept up the streets, "
)
ALLOWED = {
    *(("div", names) for names in (("class", "style"), ("class",))),
    *(("p", names) for names in (("class", "dir"), ("class",))),
    *(("mark", names) for names in (("class", "title"), ("class", "title", "dir"))),
    *(("span", names) for names in ((), ("class",), ("aria-hidden",))),
    *((name, ()) for name in ("style", "bdi", "li")),
    ("ul", ("class",)),
}


def blocks_of(plot):
    """Each case and label: its columns with their words, the list, and the facts."""
    return [Block(node) for node in lxml.html.fromstring(str(plot)).xpath("//div[@class='text']")]


class Block:
    def __init__(self, node):
        self.columns, self.marks, self.classes = {}, {}, {}
        for column in node.xpath(".//div[contains(@class, 'column')][p]"):
            name, words = column.xpath("p")
            name = name.text_content()
            self.columns[name] = words.text_content() if words.get("class") == "words" else None
            self.marks[name] = [(m.text_content(), m.get("class")) for m in words.xpath("mark")]
            self.classes[name] = column.get("class")
        self.listed = [item.text_content() for item in node.xpath(".//li")]
        self.titles = [mark.get("title") for mark in node.xpath(".//mark")]
        self.facts = node.xpath("p[@class='facts']")[0].text_content()


def of_words(record, *weights, case=0, regression=False):
    """An explanation of one row; weights are (column, word or value, description, weight)."""
    return of_records({case: record}, {case: weights}, regression)


# Texts


def test_each_text_column_shows_its_text_and_its_words():
    plot = plot_text_explanations(of_text_columns())
    assert plot.n_texts == 3
    blocks = blocks_of(plot)
    assert len(blocks) == 6
    for block, case in zip(blocks[::2], REVIEWS, strict=True):
        assert list(block.columns) == ["title", "body", "note: host"]
        for name, text in block.columns.items():
            own = REVIEWS[case][name]
            assert text == (own if isinstance(own, str) else None)
    first, opposite = blocks[:2]
    assert first.marks["title"] == [("Superb", "positive_2")]
    assert first.marks["body"] == [
        ("Superb", "positive_1"),
        ("2020", "negative_1"),
        ('"quiet"', "positive_1"),
        ("<b>", "negative_1 striped"),
        ("superb", "positive_1"),
        ("We paid 7 & came back 😀.", "positive_1"),
    ]
    assert opposite.marks["title"] == [("Superb", "negative_2")]
    assert first.facts == "Case: r1 Label predicted: good (90%) Explanation fit: 0.62"
    assert COLUMNS in str(plot)


def test_other_features_are_listed_with_their_weights_the_strongest_first():
    first, _, second, *_ = blocks_of(plot_text_explanations(of_text_columns()))
    assert first.listed == [
        "59.7 < lat <= 60, lon is missing +0.08",
        "size = m +0.02",
        "shop = note: host -0.015",
    ]
    assert second.listed == ["stars <= 2.5 -0.2", "size is none of s, m, l +0.03"]
    note = "59.7 < lat <= 60, lon is missing: supports, weight 0.08, strength 1 of 5"
    assert any(title.startswith(note) for title in first.titles)


def test_words_and_columns_share_one_scale_of_strengths():
    row = {"note": "good bad", "age": 40.0}
    weights = [("note", "good", None, 0.2), ("age", 40.0, "30 < age", -0.5)]
    (block,) = blocks_of(plot_text_explanations(of_words(row, *weights, regression=True)))
    assert block.marks["note"] == [("good", color_code(0.2 / 0.7, positive=True))]
    assert block.listed == ["30 < age -0.5"]
    assert "30 < age: lowers, weight -0.5, strength 4 of 5" in block.titles[1]
    assert block.facts.startswith("Prediction: ")


@pytest.mark.parametrize("plain", [False, True])
def test_colons_in_names_and_words_are_no_matter(plain):
    row = {"a": "b: c d", "a: b": "c e", "town": "a", 7: "x y", "x: y": 5.0}
    weights = [
        ("a", "b: c", None, 0.4),
        ("a: b", "e", None, -0.3),
        ("7", "x", None, 0.2),
        ("x: y", 5.0, "x: y", 0.1),
        ("town", "a", "town = a", 0.1),
    ]
    row["7"] = row[7]
    explanation = of_words(row, *weights)
    del row["7"]
    explanation["data"] = object_column([row] * len(explanation))
    explanation = as_plain(explanation) if plain else explanation
    block = blocks_of(plot_text_explanations(explanation))[0]
    assert list(block.columns) == ["a", "a: b", "7"]
    assert [[word for word, _ in marks] for marks in block.marks.values()] == [
        ["b: c"],
        ["e"],
        ["x"],
    ]
    assert block.listed == ["x: y +0.1", "town = a +0.1"]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, ""])
def test_a_case_without_words_shows_its_texts(missing):
    rows = {"one": {"note": "good"}, "two": {"note": "not here"}, "three": {"note": missing}}
    weights = {name: [("age", 1.0, "age <= 2", 0.5)] for name in rows}
    weights["one"] = [("note", "good", None, 0.5)]
    blocks = blocks_of(plot_text_explanations(of_records(rows, weights, regression=True)))
    assert [block.columns["note"] for block in blocks] == ["good", "not here", None]
    assert [bool(block.marks["note"]) for block in blocks] == [True, False, False]
    assert [block.listed for block in blocks] == [[], ["age <= 2 +0.5"], ["age <= 2 +0.5"]]
    shown = str(plot_text_explanations(of_records(rows, weights, regression=True)))
    assert f'<p class="none">{"empty" if isinstance(missing, str) else "missing"}</p>' in shown


def test_words_that_the_text_does_not_contain_are_listed():
    explanation = of_words({"note": "GOOD one"}, ("note", "one", None, 0.4), regression=True)
    lowered = explanation.assign(
        feature="note: good", feature_desc="note: good", feature_weight=-0.2
    )
    lowered["feature_value"] = object_column([Word("good")])
    (block,) = blocks_of(plot_text_explanations(pd.concat([explanation, lowered])))
    assert block.marks["note"] == [("one", "positive_4")]
    assert block.listed == ["note: good -0.2"]


def test_features_without_weight_have_no_colour():
    row = {"note": "good bad", "age": 1.0}
    weights = [
        ("note", "good", None, 0.0),
        ("age", 1.0, "age <= 2", 0.0),
        ("note", "bad", None, -1.0),
    ]
    (block, _) = blocks_of(plot_text_explanations(of_words(row, *weights)))
    assert block.marks["note"] == [("bad", "negative_5")]
    assert block.listed == ["age <= 2 0"]


def test_a_column_of_brief_texts_has_less_room_in_all_blocks():
    blocks = blocks_of(plot_text_explanations(of_text_columns()))
    for block in blocks:
        assert block.classes == {
            "title": "column brief",
            "body": "column",
            "note: host": "column brief",
        }


def test_explanations_that_were_stored_look_the_same(tmp_path):
    for regression in (False, True):
        explanation = of_text_columns(regression)
        expected = str(plot_text_explanations(explanation))
        for ending in ("json", "parquet", "csv", "xlsx"):
            path = tmp_path / f"stored.{ending}"
            write_explanation(explanation, path)
            assert str(plot_text_explanations(read_explanation(path))) == expected
        assert str(plot_text_explanations(pl.from_pandas(as_plain(explanation)))) == expected


def test_rows_of_one_name_are_apart():
    both = pd.concat(
        [
            of_words({"note": "good"}, ("note", "good", None, 0.4)),
            of_words({"note": "good too"}, ("note", "good", None, 0.4)),
        ]
    )
    plot = plot_text_explanations(both)
    assert plot.n_texts == 2
    assert [block.columns["note"] for block in blocks_of(plot)[::2]] == ["good", "good too"]


def test_nothing_from_outside_adds_an_element():
    row = {HOSTILE: f"{HOSTILE} b", "shop": HOSTILE}
    weights = [(HOSTILE, HOSTILE, None, 0.5), ("shop", HOSTILE, f"shop = {HOSTILE}", -0.2)]
    source = str(plot_text_explanations(of_words(row, *weights, case=HOSTILE)))
    tree = lxml.html.fromstring(source)
    found = {(node.tag, tuple(node.attrib)) for node in tree.iter() if isinstance(node.tag, str)}
    assert found <= ALLOWED
    block = Block(tree.xpath("//div[@class='text']")[0])
    assert block.columns == {HOSTILE: f"{HOSTILE} b"}
    assert block.listed == [f"shop = {HOSTILE} -0.2"]


def test_a_long_text_stays_whole_and_rules_are_bound_to_the_plot():
    text = "good and bad. " * 400
    explanation = of_words({"title": "good", "body": text}, ("body", "good", None, 0.5))
    source = str(plot_text_explanations(explanation, height=300))
    assert "height: 300px" in source
    assert len(blocks_of(source)[0].marks["body"]) == 400
    for selectors in re.findall(r"([^{}]+)\{", COLUMNS):
        assert all(".pylime-text" in selector for selector in selectors.split(","))
    assert COLUMNS not in STYLESHEET


def test_a_text_that_is_json_stays_a_text():
    text = json.dumps({"note": "good one", "age": 1})
    explanation = of_words({"note": text}, ("note", "good", None, 0.5))
    explanation = explanation.assign(feature="good", feature_desc="good")
    explanation["data"] = object_column([text] * len(explanation))
    source = str(plot_text_explanations(explanation))
    assert '<mark class="positive_5"' in source
    assert '<div class="columns">' not in source


def test_a_table_without_words_is_an_error_with_the_way_out():
    with pytest.raises(
        ValueError,
        match=r"one of texts; its column 'data' has an object of class 'dict'.*text_columns=.*"
        r"plot_features\(\)",
    ):
        plot_text_explanations(of_columns())
    with pytest.raises(ValueError, match=r"object of class 'Bitmap'\.$"):
        plot_text_explanations(load_image_example())


# Labels of weights


def long_chunks():
    """Chunks that differ at their end only, and a group of many columns."""
    rows = {"long": {**REVIEWS["r1"], "body": f"{SENTENCE}A. {SENTENCE}B."}, "r2": REVIEWS["r2"]}
    group = ", ".join(f"{number} < column_{number} <= {number + 1}" for number in range(9))
    long = [
        ("body", SENTENCE + "A.", None, 0.3),
        ("body", SENTENCE + "B.", None, -0.2),
        ("many", {"column_1": 1.5}, group, 0.1),
        ("size", "m", "size = m", 0.05),
    ]
    short = [
        ("title", "נורא", None, -0.4),
        ("title", "東京" * 40, None, 0.05),
        ("size", None, "size is none of s, m, l", 0.03),
    ]
    return of_records(rows, {"long": long, "r2": short}, regression=True)


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("age <= 30", 20, "age <= 30"),
        ("note: a\r\nb\tc\u2028d", 20, "note: a b c d"),
        ("abcdefghij", 5, "ab…ij"),
        ("東京東京東京", 7, "東…京"),
        ("", 5, ""),
        ("a" * 60, 60, "a" * 60),
    ],
)
def test_long_labels_are_cut_in_their_middle(text, longest, expected):
    assert label_text(text, longest) == expected
    assert text_width([label_text(text, longest)], 72 / 0.6) <= longest


def widths_of(explanation):
    rows = explanation[explanation["case"] == explanation["case"].iloc[0]]
    rows = rows.assign(effective_n=200.0, fresh_r2=0.5)
    return draw_widths(pd.concat([rows.assign(width=width) for width in (0.5, 1.0, 2.0)]))


def sides_of(explanation):
    return compare_explanations(
        {"a": explanation, "b": explanation.assign(feature_weight=explanation["feature_weight"])}
    )


PLOTS = {
    "features": plot_features,
    "values": lambda explanation: plot_features(explanation, values=True, intercept=True),
    "sides": lambda explanation: plot_features(sides_of(explanation)),
    "explanations": plot_explanations,
    "waterfall": plot_waterfall,
    "importance": plot_importance,
    "beeswarm": plot_beeswarm,
    "comparison": lambda explanation: plot_comparison(sides_of(explanation)),
    "widths": widths_of,
}


@pytest.mark.parametrize("name", PLOTS)
def test_labels_are_inside_the_figure_and_apart(name):
    explanation = long_chunks()
    before = explanation.copy()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*missing from font")  # Hebrew and Japanese
        figure = PLOTS[name](explanation).draw()
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        labels = [
            (axes, label, label.get_window_extent(renderer))
            for axes in figure.axes
            for label in axes.get_yticklabels()
            if label.get_text() and label.get_visible()
        ]
    plt.close(figure)
    pd.testing.assert_frame_equal(explanation, before)
    assert figure.get_size_inches()[0] < 25
    for axes, label, box in labels:
        assert "\n" not in label.get_text()
        assert box.x0 >= 0
        for others, other, below in labels:
            if other is not label and others is axes:
                assert box.y1 <= below.y0 + 1 or below.y1 <= box.y0 + 1


def test_words_and_groups_have_no_value_beside_them():
    bars = plot_features(of_text_columns(), values=True).data
    shown = dict(zip(bars["feature_desc"], bars["value"], strict=True))
    assert {text for text, value in shown.items() if value} == {"stars <= 2.5"}
    plain = plot_features(as_plain(of_text_columns()), values=True).data
    assert plain["value"].tolist() == bars["value"].tolist()


@pytest.mark.parametrize("plain", [False, True])
def test_words_that_are_numbers_have_no_order(plain):
    row = {"note": "2020 7 True -1e5 inf", "age": 40.0}
    words = [("note", word, None, 0.1) for word in row["note"].split()]
    weights = [*words, ("age", 40.0, "age", 0.2)]
    explanation = of_words(row, *weights, regression=True)
    dots = plot_beeswarm(as_plain(explanation) if plain else explanation).data
    assert dots.loc[dots["rank"].notna(), "feature"].tolist() == ["age"]


@pytest.mark.parametrize("plain", [False, True])
def test_levels_of_groups_are_described(plain):
    explanation = of_text_columns(regression=True)
    explanation = as_plain(explanation) if plain else explanation

    def levels(feature):
        figure = plot_beeswarm(explanation, feature=feature).draw()
        plt.close(figure)
        return [label.get_text() for label in figure.axes[0].get_xticklabels()]

    assert levels("size") == ["m", "none of s, m, l", "s"]
    assert levels("place") == ["59.7 < lat <= 60, 8 < lon", "59.7 < lat <= 60, lon is missing"]
    assert "group of columns" in plot_beeswarm(explanation).labels.caption
