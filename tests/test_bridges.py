"""Explanations in the form of shap, and shap values as explanations; shap is not needed here."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from explanations import of_text_columns

from pylime import (
    COLUMNS,
    Bitmap,
    Superpixel,
    Word,
    as_classifier,
    as_regressor,
    as_shap,
    explain,
    from_shap,
    lime,
    load_image_example,
    plot_explanations,
    plot_features,
    plot_text_explanations,
    read_explanation,
    write_explanation,
)
from pylime.frame import check_explanation, design_values
from pylime.plain import as_plain

VALUES = pd.DataFrame({"age": [0.5, -0.25], "town": [0.125, 0.25]}, index=["Ada", "Max"])
ROWS = pd.DataFrame({"age": [40.0, 20.0], "town": ["Oslo", "Bergen"]})


@pytest.fixture(autouse=True)
def shap(monkeypatch):
    """In place of shap a record of what would be passed to it."""
    fake = SimpleNamespace(Explanation=lambda **arguments: SimpleNamespace(**arguments))
    monkeypatch.setitem(sys.modules, "shap", fake)


def flats(n=80):
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "metres": random.normal(70, 20, n).round(1),
            "district": random.choice(["harbour", "hill"], n),
            "lift": random.random(n) > 0.5,
        }
    )


def rent(rows):
    return 9 * rows["metres"] + 100 * (rows["district"] == "hill")


def dear(rows):
    share = 1 / (1 + np.exp(-(rent(rows) - 680) / 100))
    return np.column_stack([1 - share, share])


def table(n_labels=1, **arguments):
    explainer = lime(flats(), as_classifier(dear, ["cheap", "dear"]))
    settings = {"n_permutations": 300, "random_state": 1, "n_features": 2}
    return explain(flats().head(6), explainer, n_labels=n_labels, **settings, **arguments)


def predictions_of(explanation):
    return explanation.groupby("case", sort=False)["model_prediction"].first()


# As shap


@pytest.mark.parametrize("contributions", [False, True])
@pytest.mark.parametrize("binned", [False, True])
def test_values_and_base_sum_to_the_prediction_of_the_local_model(binned, contributions):
    explainer = lime(flats(), as_regressor(rent), bin_continuous=binned)
    settings = {"n_permutations": 300, "random_state": 1, "contributions": contributions}
    explanation = explain(flats().head(5), explainer, **settings)
    shown = as_shap(explanation)
    sums = shown.values.sum(axis=1) + shown.base_values
    np.testing.assert_allclose(sums, predictions_of(explanation))
    base = explanation["surrogate_mean" if contributions else "model_intercept"]
    np.testing.assert_allclose(shown.base_values, base.groupby(explanation["case"]).first())
    assert shown.output_names is None


def test_a_number_that_is_not_binned_has_weight_times_its_value():
    explanation = pd.DataFrame(
        {
            "model_type": "regression",
            "case": ["a", "a", "b"],
            "model_intercept": [5.0, 5.0, 7.0],
            "feature": ["metres", "district", "metres"],
            "feature_value": [40.0, "hill", 20.0],
            "feature_weight": [2.0, 30.0, -1.0],
            "feature_desc": ["metres", "district = hill", "metres"],
            "data": [{"metres": 40.0, "district": "hill"}] * 2
            + [{"metres": 20.0, "district": "harbour"}],
        }
    )
    shown = as_shap(explanation)
    assert shown.feature_names == ["metres", "district"]
    assert shown.values.tolist() == [[80.0, 30.0], [-20.0, 0.0]]  # not selected: 0
    assert shown.base_values.tolist() == [5.0, 7.0]
    assert shown.data.tolist() == [[40.0, "hill"], [20.0, "harbour"]]
    plain = as_shap(as_plain(explanation))  # its values are strings
    assert plain.values.tolist() == shown.values.tolist()


def test_labels_are_one_dimension_more():
    explanation = table(n_labels=2, contributions=True)
    both = as_shap(explanation)
    assert both.values.shape == (6, 2, 2)
    assert both.base_values.shape == (6, 2)
    assert sorted(both.output_names) == ["cheap", "dear"]
    for number, label in enumerate(both.output_names):
        one = as_shap(explanation, label=label)
        assert one.output_names == label
        np.testing.assert_array_equal(one.values, both.values[:, :, number])
        np.testing.assert_array_equal(one.base_values, both.base_values[:, number])


def test_data_are_numbers_where_all_are():
    explanation = table(n_labels=2)
    assert as_shap(explanation).data.dtype == object
    numbers = explanation[explanation["feature"] == "metres"]
    assert as_shap(numbers).data.dtype == np.float64


def test_cases_with_different_labels_are_an_error():
    explanation = table()
    assert explanation["label"].nunique() == 2
    with pytest.raises(ValueError, match=r"is not explained for label .*Pass `label`, or explain"):
        as_shap(explanation)
    n = (explanation.groupby("case")["label"].first() == "dear").sum()
    assert as_shap(explanation, "dear").values.shape[0] == n
    with pytest.raises(ValueError, match=r"`label` must be one of the explained .*; not 'free'"):
        as_shap(explanation, "free")


def test_regression_has_no_labels():
    explanation = explain(flats().head(1), lime(flats(), as_regressor(rent)), n_permutations=99)
    with pytest.raises(ValueError, match="`label` must be None for an explanation of regression"):
        as_shap(explanation, "dear")


def test_a_feature_that_occurs_twice_is_an_error():
    explanation = table(n_labels=2)
    with pytest.raises(ValueError, match="must have another name for each case"):
        as_shap(pd.concat([explanation, explanation]))


def test_two_explanations_of_a_case_are_an_error_even_without_a_common_feature():
    explanation = table(n_labels=1).head(1)
    other = explanation.assign(feature="other", model_r2=0.125)
    with pytest.raises(ValueError, match="must have another name for each case"):
        as_shap(pd.concat([explanation, other]))


def test_an_explanation_that_has_lost_rows_is_converted_with_a_warning():
    explanation = explain(flats().head(2), lime(flats(), as_regressor(rent)), n_permutations=99)
    positive = explanation[explanation["feature_weight"] > 0]
    with pytest.warns(UserWarning, match="do not sum to `model_prediction`, as if .* cases: 0"):
        found = as_shap(positive)
    assert np.allclose(
        found.values[0].sum(), positive["feature_weight"][positive["case"] == 0].sum()
    )


@pytest.mark.parametrize("cells", ["json", "drop"])
def test_plain_frames_of_images_have_no_pixels(cells):
    explanation = as_plain(load_image_example(), cells)
    with pytest.raises(ValueError, match="must have the pixels of its images"):
        as_shap(explanation)


def test_what_is_not_an_explanation_is_an_error():
    with pytest.raises(TypeError, match="`explanation` must be a data frame"):
        as_shap([1, 2])


def test_kinds_are_not_mixed():
    both = pd.concat([table(n_labels=2), words(["a b", "b c"], n_labels=2)], ignore_index=True)
    with pytest.raises(ValueError, match="of one kind of input; not of tables and texts"):
        as_shap(both.assign(case=range(len(both))), "dear")


def test_without_shap_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(ImportError, match=r"as_shap needs shap: pip install 'tidylime\[shap\]'"):
        as_shap(table())


def score(texts):
    return [0.2 + 0.5 * ("b" in text) for text in texts]


def words(texts, **arguments):
    explainer = lime(texts, as_classifier(score, ["cheap", "dear"]))
    return explain(texts, explainer, **{"n_permutations": 100, "random_state": 1, **arguments})


def test_tokens_of_a_text_are_its_words_and_the_rest():
    text = "A <b>, no: b!"
    explanation = pd.DataFrame(
        {
            "model_type": "regression",
            "case": 0,
            "model_intercept": 0.5,
            "feature": ["b", "no", "lost"],
            "feature_value": [Word("b", [(3, 4), (11, 12)]), Word("no", [(7, 9)]), Word("lost")],
            "feature_weight": [0.25, -1.0, 4.0],
            "feature_desc": ["b", "no", "lost"],
            "data": text,
        }
    )
    shown = as_shap(explanation)
    [tokens], [values] = shown.data, shown.values
    assert tokens.tolist() == ["A <", "b", ">, ", "no", ": ", "b", "!", " lost"]
    assert "".join(tokens[:-1]) == text
    # A word at two places has half of its weight at each.
    assert values.tolist() == [0, 0.125, 0, -1, 0, 0.125, 0, 4]
    assert shown.feature_names == [tokens.tolist()]


def test_texts_of_different_lengths_have_values_of_their_own():
    explanation = words(["a b", "c, b and d"], n_labels=2)
    shown = as_shap(explanation)
    assert shown.values.dtype == object
    for tokens, values, base in zip(shown.data, shown.values, shown.base_values, strict=True):
        assert values.shape == (len(tokens), 2)
        assert base.shape == (2,)
    sums = [v[:, 0].sum() + b[0] for v, b in zip(shown.values, shown.base_values, strict=True)]
    of_label = explanation[explanation["label"] == shown.output_names[0]]
    np.testing.assert_allclose(sums, predictions_of(of_label))


def image_explanation(orientation=1, pixels=None):
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) if pixels is None else pixels
    superpixels = [Superpixel([0, 3], (2, 3)), Superpixel([1, 2, 4, 5], (2, 3))]
    return pd.DataFrame(
        {
            "model_type": "classification",
            "case": "cat",
            "label": ["tabby", "tabby", "tiger", "tiger"],
            "label_prob": 0.5,
            "model_intercept": 0.1,
            "feature": ["1", "2"] * 2,
            "feature_value": superpixels * 2,
            "feature_weight": [0.6, -1.2, 0.0, 2.4],
            "feature_desc": ["left", "right"] * 2,
            "data": [Bitmap(pixels, orientation)] * 4,
        }
    )


def test_pixels_sum_to_the_contribution_of_their_superpixel():
    shown = as_shap(image_explanation())
    assert shown.values.shape == (1, 2, 3, 3, 2)
    assert shown.output_names == ["tabby", "tiger"]
    np.testing.assert_allclose(shown.values.sum(axis=(1, 2, 3)), [[-0.6, 2.4]])
    np.testing.assert_allclose(shown.values[0, :, 0, :, 0], 0.6 / 6)
    np.testing.assert_allclose(shown.values[0, :, 1:, :, 0], -1.2 / 12)
    assert shown.data[0].tolist() == np.arange(18).reshape(2, 3, 3).tolist()
    one = as_shap(image_explanation(), label="tiger")
    assert one.values.shape == (1, 2, 3, 3, 1)  # shap.plots.image needs the dimension


def test_images_are_turned_upright_with_their_values():
    shown = as_shap(image_explanation(orientation=6))
    assert shown.values.shape == (1, 3, 2, 3, 2)
    np.testing.assert_allclose(shown.values[0, 0, :, 0, 0], 0.1)  # the left side is on top
    assert shown.data.shape == (1, 3, 2, 3)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4)])
def test_grey_images_and_transparent_ones_are_shown_in_three_channels(shape):
    shown = as_shap(image_explanation(pixels=np.zeros(shape, dtype=np.uint8)))
    assert shown.data.shape == (1, 2, 3, 3)
    assert np.all(shown.data == (255 if len(shape) == 3 else 0))  # on white


def test_images_of_different_sizes_are_an_error():
    other = image_explanation(pixels=np.zeros((3, 2, 3), dtype=np.uint8)).assign(case="dog")
    with pytest.raises(ValueError, match=r"must have the same size .* 3 x 2, 2 x 3 pixels"):
        as_shap(pd.concat([image_explanation(), other]))
    with pytest.raises(ValueError, match="Case 'dog' has images of different sizes"):
        as_shap(other)


# From shap


def test_a_frame_of_values_becomes_an_explanation():
    explanation = from_shap(VALUES, data=ROWS[["town", "age"]], base_values=10)
    absent = ("label", "label_prob")
    assert [n for n in explanation.columns if n in COLUMNS] == [
        n for n in COLUMNS if n not in absent
    ]
    assert explanation["case"].tolist() == ["Ada", "Ada", "Max", "Max"]
    assert explanation["feature_weight"].tolist() == [0.5, 0.125, -0.25, 0.25]
    assert explanation["feature_contribution"].equals(
        explanation["feature_weight"].rename("feature_contribution")
    )
    assert explanation["surrogate_mean"].unique().tolist() == [10.0]
    assert explanation["prediction"].tolist() == [10.625, 10.625, 10.0, 10.0]
    assert explanation["data"][2] == {"age": 20.0, "town": "Bergen"}
    assert explanation["feature_desc"].tolist()[2:] == ["age = 20", "town = Bergen"]
    assert explanation["model_r2"].isna().all()
    bars = plot_features(explanation).data
    assert bars["feature_weight"].tolist() == [0.5, 0.125, -0.25, 0.25]  # not times the value
    assert "Explanation fit" not in bars
    plot_features(explanation).draw()
    plot_explanations(explanation.assign(feature_desc=explanation["feature"])).draw()


def test_values_without_data_are_drawn_as_they_are():
    explanation = from_shap(VALUES, base_values=[10, 20])
    assert explanation["feature_desc"].tolist() == ["age", "town"] * 2
    assert explanation["feature_value"].isna().all()
    assert explanation["surrogate_mean"].tolist() == [10, 10, 20, 20]
    assert plot_features(explanation).data["feature_weight"].tolist() == [0.5, 0.125, -0.25, 0.25]


def test_values_of_several_labels():
    values = {"yes": VALUES, "no": -VALUES}
    explanation = from_shap(values, data=ROWS, base_values={"no": 0.75, "yes": 0.25}, n_features=1)
    assert explanation["label"].tolist() == ["yes", "no", "yes", "no"]
    assert explanation["label_prob"].tolist() == [0.875, 0.125, 0.25, 0.75]
    assert explanation["prediction"][0] == {"yes": 0.875, "no": 0.125}
    assert explanation["feature"].tolist() == ["age"] * 4  # the earlier one of equals
    plot_features(explanation).draw()


def test_predictions_come_beside_margins():
    values = {"yes": 10 * VALUES, "no": -10 * VALUES}
    with pytest.raises(ValueError, match=r"must sum to probabilities; not to 6\.25\. Of values"):
        from_shap(values, base_values=[0.0, 0.0])
    shares = pd.DataFrame({"no": [0.1, 0.6], "yes": [0.9, 0.3], "maybe": [0.0, 0.1]})
    explanation = from_shap(values, base_values=[0.0, 0.0], predictions=shares)
    assert explanation["label_prob"].tolist() == [0.9, 0.9, 0.1, 0.1, 0.3, 0.3, 0.6, 0.6]
    assert explanation["model_prediction"][0] == 6.25
    assert explanation["prediction"][4] == {"no": 0.6, "yes": 0.3, "maybe": 0.1}


def test_one_label_alone_is_not_said_to_be_the_most_likely():
    explanation = from_shap(VALUES / 10, base_values=0.2, labels="yes")
    assert explanation["label"].unique().tolist() == ["yes"]
    assert explanation["prediction"].tolist() == [None] * 4


@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_converted_explanations_can_be_kept(tmp_path, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow", reason="the extra `parquet`")
    explanation = from_shap(VALUES / 10, data=ROWS, base_values=0.2, labels="yes")
    write_explanation(explanation, tmp_path / f"a.{suffix}")
    assert read_explanation(tmp_path / f"a.{suffix}").equals(explanation)


def of_shap(values, data=None, base=0.0, features=None, outputs=None):
    """What shap returns, as far as it is read."""
    return SimpleNamespace(
        values=values,
        data=data,
        base_values=base,
        feature_names=features,
        output_names=outputs,
        display_data=None,
    )


def test_an_object_of_shap_becomes_an_explanation():
    values = np.stack([VALUES.to_numpy(), -VALUES.to_numpy()], axis=2) / 10
    base = np.array([[0.4, 0.6], [0.5, 0.5]])
    explained = of_shap(values, ROWS.to_numpy(), base, ["age", "town"], ["yes", "no"])
    explanation = from_shap(explained)
    assert explanation["case"].unique().tolist() == [0, 1]
    assert explanation["label"].unique().tolist() == ["yes", "no"]
    first = explanation[(explanation["case"] == 0) & (explanation["label"] == "no")]
    np.testing.assert_allclose(first["feature_weight"], [-0.05, -0.0125])
    np.testing.assert_allclose(first["label_prob"], 0.6 - 0.0625)
    renamed = from_shap(explained, labels=["a", "b"])
    assert renamed["label"].unique().tolist() == ["a", "b"]


def test_a_single_case_of_shap():
    one = of_shap(np.array([1.0, -2.0]), np.array([3.0, np.nan]), 5.0, ["a", "b"])
    explanation = from_shap(one)
    assert explanation["feature_desc"].tolist() == ["b is missing", "a = 3"]
    assert explanation["prediction"].unique().tolist() == [4.0]
    several = of_shap(np.array([[0.1, -0.1]]), np.array([3.0]), np.array([0.5, 0.5]), ["a"])
    assert len(from_shap(several, labels=["yes", "no"])) == 2


def test_a_feature_without_a_name_gets_one():
    assert from_shap(of_shap(np.zeros((1, 2))))["feature"].tolist() == ["x0", "x1"]


def test_tokens_become_words_with_their_places():
    tokens = ["Oh ", "no, ", "no", " <b>", ""]
    values = np.array([0.0, 1.0, 0.5, -0.25, 0.125])
    texts = of_shap(np.array([values]), [tokens], np.array([2.0]), [[t.strip() for t in tokens]])
    explanation = from_shap(texts)
    assert explanation["data"].unique().tolist() == ["Oh no, no <b>"]
    assert explanation["feature"].tolist() == ["no,", "no", "<b>", "(blank)"]  # none of value 0
    assert [word.spans for word in explanation["feature_value"]][:3] == [
        ((3, 6),),
        ((7, 9),),
        ((10, 13),),
    ]
    page = str(plot_text_explanations(explanation))
    assert "&lt;b&gt;</mark>" in page
    assert "Explainer fit" not in page


def test_texts_return_from_shap():
    explanation = words(["a b", "c, b and d"], n_labels=2, contributions=True)
    back = from_shap(as_shap(explanation))
    keys = ["case", "label", "feature"]
    both = explanation.merge(back, on=keys)
    assert len(both) == len(back) == (explanation["feature_contribution"] != 0).sum()
    np.testing.assert_allclose(both["feature_contribution_x"], both["feature_contribution_y"])
    np.testing.assert_allclose(both["model_prediction_x"], both["model_prediction_y"])


def test_tables_return_from_shap():
    explanation = table(n_labels=2, contributions=True)
    shown = as_shap(explanation)
    again = as_shap(from_shap(shown))
    places = [again.feature_names.index(name) for name in shown.feature_names]
    np.testing.assert_allclose(again.values[:, places], shown.values)
    np.testing.assert_allclose(again.base_values, shown.base_values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": [1, 2]}, "`values` must be a shap.Explanation, a frame of shap values or"),
        ({"values": {}}, "must be a mapping from labels to data frames; not an empty one"),
        ({"values": {"a": [1]}}, "from labels to data frames; not one of 'list'"),
        ({"values": {"a": VALUES, "b": VALUES[["age"]]}}, "same rows and columns .* 'b' differ"),
        ({"base_values": None}, "`base_values` must be given .*`expected_value`"),
        ({"base_values": [1, 2, 3]}, r"a number for each of 1 outputs, .* not of the shape \(3,\)"),
        ({"base_values": {"a": 1}}, "must have a number for each label"),
        ({"data": [[1, 2]]}, r"must have the shape of the values, \(2, 2\); not \(1, 2\)"),
        ({"labels": ["a", "b"]}, r"must have a name for each of 1 outputs; not \['a', 'b'\]"),
        (
            {"values": {"a": VALUES, "b": VALUES}, "labels": ["a", "a"], "base_values": 0},
            "`labels` must be distinct",
        ),
        ({"predictions": [1]}, r"must have the shape \(2, 1\), cases by labels; not \(1, 1\)"),
        ({"labels": "a", "predictions": ROWS}, r"a column for each label; without \['a'\]"),
        ({"n_features": 0}, "`n_features` must be a positive whole number"),
        ({"values": of_shap(np.zeros((1, 4, 5, 3)))}, "values per pixel of images"),
        ({"values": of_shap(np.zeros((5, 3, 3)), base=np.zeros(5))}, "not of their interactions"),
        ({"values": of_shap(np.zeros((1, 2)), features=["a"])}, "a name for each of 2 features"),
        ({"values": of_shap([[0.5], [0.5, 0.5]])}, "must have the tokens of texts"),
        (
            {"values": of_shap(np.zeros((1, 3)), [["a ", "b"]], np.zeros(1))},
            "must have one for each of 2 tokens; not 3",
        ),
    ],
)
def test_wrong_values_are_errors(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        from_shap(**{"values": VALUES, "base_values": 0, **arguments})


def test_frames_of_polars_are_read():
    polars = pytest.importorskip("polars")
    values = polars.DataFrame({"age": [0.5], "town": [0.25]})
    explanation = from_shap(
        values, data=polars.DataFrame({"age": [4], "town": ["x"]}), base_values=0
    )
    assert explanation["feature_desc"].tolist() == ["age = 4", "town = x"]


# The design


def test_the_design_of_words_and_missing_numbers_is_one():
    frame = pd.DataFrame(
        {
            "feature": ["12", "age", "age", "age", "town"],
            "feature_value": ["12", np.nan, 7.5, True, "Oslo"],
            "feature_desc": ["12", "age is missing", "age", "age", "town"],
        }
    )
    assert design_values(frame).tolist() == [1, 1, 7.5, 1, 1]
    assert design_values(frame.drop(columns="feature")).tolist() == [1, 1, 7.5, 1, 1]


# Columns of text, and groups


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("regression", [False, True])
def test_words_of_text_columns_are_features_of_a_table(regression, plain):
    explanation = of_text_columns(regression)
    values = as_shap(
        as_plain(explanation) if plain else explanation, label=None if regression else "good"
    )
    names = values.feature_names
    assert values.values.shape == (3, len(names))
    assert names[:2] == ["title: Superb", "body: Superb"]
    first = dict(zip(names, values.data[0], strict=True))
    assert first["title: Superb"] == first["body: 2020"] == 1
    assert np.isnan(first["title: נורא"])
    assert first["place"] == "59.7 < lat <= 60, lon is missing"
    assert values.data[:2, names.index("size")].tolist() == ["m", "none of s, m, l"]
    assert first["stars"] == 4.5  # of the row, although it was not selected
    sums = values.base_values + values.values.sum(axis=1)
    own = explanation if regression else explanation[explanation["label"] == "good"]
    np.testing.assert_allclose(sums, predictions_of(own))
    back = from_shap(values, labels=None if regression else "good")
    shown = back.set_index(["case", "feature"])["feature_desc"]
    assert shown[0, "title: Superb"] == "title: Superb = 1"
    assert shown[1, "size"] == "size = none of s, m, l"
    plot_features(back, cases=0).draw()


def test_words_have_the_design_of_words_also_if_they_are_numbers():
    explanation = of_text_columns(regression=True)
    is_number = [value == "2020" for value in explanation["feature_value"]]
    assert sum(is_number) == 2
    for form in (explanation, as_plain(explanation), as_plain(explanation, cells="drop")):
        form, _ = check_explanation(form, classification=(), regression=())
        assert (design_values(form)[is_number] == 1).all()
        assert [type(value) for value in form["feature_value"][is_number]] in (
            [str, str],
            [Word, Word],
        )
