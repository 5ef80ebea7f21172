"""What a notebook or a terminal shows of explainers and explanations."""

import re
from functools import partial

import lxml.html
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from pylime import as_classifier, as_regressor, explain, from_shap, lime, load_image_example
from pylime.explainer_page import ColumnFacts, explainer_page, name_of
from pylime.pipeline import Explainer, InputKind

# lime() warns of dates, identifiers and numbers that are all equal.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

HOSTILE = "</style><script>alert(1)</script>\"'&"


def rows(n=40):
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": np.arange(n) + 0.5,
            "gap": np.where(np.arange(n) < n / 4, np.nan, np.arange(n)),
            "town": np.repeat(["Oslo", "Bergen & Co"], [3 * n // 4, n // 4]),
            "member": np.arange(n) % 2 == 0,
            "always": 1,
            "id": np.arange(n),
            "since": pd.date_range("2026-01-01", periods=n),
            "code": [f"<{number}>" for number in random.permutation(n)],
        }
    )


def total(rows):
    return rows["age"].to_numpy()


def shown(explainer):
    """The text of the rows of a page, by the heading of each."""
    page = lxml.html.fromstring(explainer._repr_html_())
    found = {}
    for row in page.iter("tr"):
        heading, *cells = row
        for line in row.iter("br", "div"):
            line.tail = f" | {line.tail or ''}" if line.tag == "br" else line.tail
        found[heading.text_content()] = " ; ".join(
            re.sub(r"\s+", " ", cell.text_content()).strip() for cell in cells
        )
    return found


@pytest.fixture
def explainer():
    return lime(rows(), as_regressor(total), hold="id", dates="draw", n_bins=2)


def test_a_page_has_model_task_and_columns(explainer):
    assert shown(explainer) == {
        "Model": "total",
        "Task": "regression",
        "Input": "tables",
        "Preprocess": "none",
        "Column": "Type ; Permutations draw",
        "age": "numeric float64 ; 2 bins | up to 20 50 % above 20 50 %",
        "gap": "numeric float64 ; 2 bins | up to 24.5 38 % above 24.5 38 %25 % missing",
        "town": f"character {rows()['town'].dtype} ; 2 levels | Oslo 75 % Bergen & Co 25 %",
        "member": "logical bool ; 2 levels | false 50 % true 50 %",
        "always": "constant int64 ; nothing: all training values are equal",
        "id": "held int64 ; nothing: held at the value of the case, and not a feature",
        "since": f"date_time {rows()['since'].dtype} ; 2 bins | "
        "up to 2026-01-20 50 % above 2026-01-20 50 %",
    } | {"code": shown(explainer)["code"]}  # see below


def test_many_levels_are_collapsed(explainer):
    page = lxml.html.fromstring(explainer._repr_html_())
    [levels] = page.xpath("//td/details")
    assert "open" not in levels.attrib
    assert levels.find("summary").text == "40 levels"
    assert len(levels.xpath(".//span[@class='part']")) == 40
    [columns] = page.find_class("columns")
    assert "open" in columns.attrib


def test_numbers_that_are_not_binned():
    numbers = rows()[["age", "gap"]]
    density = lime(numbers, as_regressor(total), bin_continuous=False)
    expected = "numeric float64 ; a density of the training values, 0.5 to 39.5"
    assert shown(density)["age"] == expected
    normal = lime(numbers, as_regressor(total), bin_continuous=False, use_density=False)
    expected = "numeric float64 ; a normal distribution of mean 20 and standard deviation 11.7"
    assert shown(normal)["age"] == expected
    only = pd.DataFrame({"age": np.arange(8.0), "gap": [1.0, np.nan] * 4})
    assert shown(lime(only, as_regressor(total)))["gap"].endswith("the only value50 % missing")


def test_codes_have_their_names():
    codes = pd.DataFrame({"k": [0, 1, 1, 1], "age": np.arange(4.0)})
    explainer = lime(codes, as_regressor(total), categorical={"k": ["no", "yes & more"]})
    assert shown(explainer)["k"] == "factor int64 ; 2 levels | yes & more 75 % no 25 %"


def test_a_dated_column_keeps_the_value():
    explainer = lime(rows()[["age", "since"]], as_regressor(total))
    assert shown(explainer)["since"].endswith("; nothing: dates keep the value of the case")


def test_labels_and_the_library_of_a_model():
    numbers = rows()[["age"]]
    model = LogisticRegression().fit(numbers, np.where(numbers["age"] > 20, "old", "<young>"))
    found = shown(lime(numbers, model, partial(pd.DataFrame.copy, deep=True)))
    assert found["Model"] == "LogisticRegression sklearn"
    assert found["Task"] == "classification: <young>, old"
    assert found["Preprocess"] == "copy"
    untried = shown(lime(numbers, model, probe=False))
    assert untried["Task"] == "classification; labels are not known before the first prediction"


def test_many_labels_are_collapsed_and_limited():
    texts, labels = ["a b", "c d"], [f"label {number}" for number in range(300)]
    explainer = lime(texts, as_classifier(lambda some: np.ones((len(some), 300)) / 300, labels))
    task = shown(explainer)["Task"]
    assert task.startswith("classification300 labelslabel 0, label 1, ")
    assert task.endswith("label 199 and 100 more")


def test_settings_of_texts_and_images():
    texts = ["a b", "c d"]
    model = as_regressor(lambda some, size=1: [size * len(text) for text in some])
    found = shown(lime(texts, model))
    assert found["Words"] == "default_tokenize"
    assert found["A feature is"] == "a word"
    assert found["Dropped words"] == "leave others joined by spaces"
    settings = {"tokenization": re.compile("<?b>?"), "keep_word_position": True, "in_place": True}
    found = shown(lime(texts, model, predict_options={"size": 3}, **settings))
    assert found["Words"] == "matches of <?b>?"
    assert found["A feature is"] == "an occurrence of a word"
    assert found["Dropped words"] == "are cut out"
    assert found["Prediction options"] == "size"
    image = np.zeros((1, 3, 20, 20), dtype=np.uint8)
    model = as_regressor(lambda some: np.ones(len(some)))
    assert shown(lime(image, model, channel_axis=0))["Channels"] == "before the rows"
    assert "Channels" not in shown(lime(image[0, 0], model))


def test_a_kind_from_elsewhere_has_a_page():
    kind = InputKind("series", "series", "items", "", bool, lambda x: None, lambda *some: None)
    assert shown(Explainer(as_regressor(total), total, kind)) == {
        "Model": "total",
        "Task": "regression",
        "Input": "series",
        "Preprocess": "total",
    }


def test_wide_tables_are_collapsed_and_limited():
    wide = pd.DataFrame(np.random.default_rng(1).normal(size=(30, 1000)))
    explainer = lime(wide, as_regressor(lambda rows: rows[0]))
    html = explainer._repr_html_()
    [columns] = lxml.html.fromstring(html).find_class("columns")
    assert "open" not in columns.attrib
    assert columns.find("summary").text == "1000 columns"
    assert len(columns.xpath(".//th[@scope='row']")) == 200
    assert "and 800 more columns" in html
    assert len(html) < 100_000


def test_small_shares_are_not_written_as_0():
    columns = [ColumnFacts("a", "factor", "str", "2 levels", [("x", 0.0004), ("y", 0.0)])]
    explainer = lime(["a b"], as_regressor(len), probe=False)
    assert (
        "x < 0.1 % y 0 %"
        in lxml.html.fromstring(explainer_page(explainer, columns=columns)).text_content()
    )


def test_pages_escape_everything_and_load_nothing():
    table = pd.DataFrame({HOSTILE: [1.0, 2.0, 3.0], "b": [HOSTILE, "x", "x"]})

    def model(rows):
        return np.ones((len(rows), 2)) / 2

    model.__name__ = HOSTILE
    explainer = lime(table, as_classifier(model, [HOSTILE, "no"]), partial(pd.DataFrame.copy))
    html = explainer._repr_html_()
    assert HOSTILE not in html
    page = lxml.html.fromstring(html)
    assert not page.xpath("//script | //link | //img | //@onclick | //@src | //@href")
    assert len(page.xpath("//style")) == 1
    assert "url(" not in html
    assert shown(explainer)["Model"] == HOSTILE
    assert HOSTILE in shown(explainer)["b"]


def test_the_style_is_bound_to_the_page_and_has_two_themes():
    style = lxml.html.fromstring(lime(["a b"], as_regressor(len), probe=False)._repr_html_())
    css = style.find("style").text
    for rule in re.findall(r"^([^{}@\n][^{}]*?)\s*\{", css, flags=re.M):
        assert all(".pylime-explainer" in part for part in rule.split(","))
    assert "prefers-color-scheme: dark" in css
    assert css.count("color-scheme: dark;") == 2


def test_plain_reprs():
    explainer = lime(rows()[["age"]], as_regressor(total))
    assert repr(explainer) == "<TableExplainer of the regression model total: 1 column>"
    named = as_regressor(partial(total))
    assert repr(lime(rows()[["age"]], named)) == repr(explainer)
    assert name_of(partial(partial(total))) == "total"


# Explanations


def explanations():
    wide = pd.DataFrame(np.random.default_rng(1).normal(size=(50, 60))).add_prefix("measure ")
    explainer = lime(wide, as_classifier(lambda some: 1 / (1 + np.exp(-some["measure 0"]))))
    yield explain(wide.head(2), explainer, n_permutations=100, n_features=3)
    texts = ["a good & very long text " * 40, "b"]
    explainer = lime(texts, as_regressor(lambda some: [len(text) for text in some]))
    yield explain(texts[0], explainer, n_permutations=100, n_features=3)
    yield load_image_example()
    yield from_shap(wide.head(2), data=wide.head(2), base_values=0)


def test_cells_of_explanations_are_short():
    for explanation in explanations():
        assert type(explanation) is pd.DataFrame
        page = lxml.html.fromstring(explanation._repr_html_())
        headings = [cell.text for cell in page.xpath("//thead//th")]
        assert headings[1:] == list(explanation.columns)  # none is left out
        assert max(len(cell.text or "") for cell in page.xpath("//td")) <= 50
