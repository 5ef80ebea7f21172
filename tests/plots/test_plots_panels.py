"""Which cases a plot has panels for."""

import warnings

import numpy as np
import pandas as pd
import pytest

from pylime.frame import design_values
from pylime.plots.panels import facet_columns, first_cases
from pylime.values import Superpixel


def rows_of(n_cases, labels=("a",), n_features=2):
    index = pd.MultiIndex.from_product([range(n_cases), labels, range(n_features)])
    return index.to_frame(index=False, name=["case", "label", "feature"])


@pytest.mark.parametrize(("n_cases", "labels"), [(60, ("a",)), (60, ("a", "b")), (1, ("a",))])
def test_sixty_cases_are_shown(n_cases, labels):
    explanation = rows_of(n_cases, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert first_cases(explanation) is explanation


@pytest.mark.parametrize(("n_cases", "labels"), [(61, ("a",)), (500, ("a",)), (61, ("a", "b"))])
def test_of_more_cases_the_first_are_shown_with_a_warning(n_cases, labels):
    explanation = rows_of(n_cases, labels)
    message = f"the first 60 of {n_cases} cases are shown. Choose others, or more, with `cases`"
    with pytest.warns(UserWarning, match=message) as caught:
        shown = first_cases(explanation)
    assert caught[0].filename == __file__
    pd.testing.assert_frame_equal(shown, explanation[explanation["case"] < 60])


def test_cases_keep_the_order_of_the_explanation_whatever_their_type():
    explanation = pd.DataFrame({"case": pd.Series([("z", 1), "b", 3, ("z", 1)], dtype=object)})
    with pytest.warns(UserWarning, match="the first 2 of 3 cases"):
        assert first_cases(explanation, most=2)["case"].tolist() == [("z", 1), "b", ("z", 1)]


def test_only_a_plain_number_is_a_design_of_its_own():
    values = [3.0, np.int64(2), 7.0, "42", True, None, np.nan, Superpixel([0, 1], shape=(1, 2))]
    explanation = pd.DataFrame(
        {
            "feature_value": pd.Series(values, dtype=object),
            "feature_desc": ["a", "b", "6 < c", "42", "e is true", "f", "g", "[1-1], [1-2]"],
        }
    )
    assert design_values(explanation).tolist() == [3.0, 2.0, *[1.0] * 6]


@pytest.mark.parametrize(
    ("predictions", "strips"),
    [
        ([1.65632299221839, 123456.7, 0.00123], ["1.7", "123457", "0.0012"]),
        ([1.0, -3.456, 99.96], ["1", "-3.5", "100"]),
        ([1e20, 123456789012345678.0, 1.2e-9], ["1e+20", "1.2e+17", "1.2e-09"]),
    ],
)
def test_predictions_have_the_digits_that_a_reader_wants(predictions, strips):
    rows = pd.DataFrame({"case": range(3), "prediction": predictions, "model_r2": 0.5})
    assert list(facet_columns(rows, "regression")["prediction"]) == strips


def test_cases_of_one_name_keep_their_panels():
    rows = pd.DataFrame(
        {"case": ["a", "a", "b", "b"], "prediction": [1.61, 1.62, 1.61, 1.61], "model_r2": 0.5}
    )
    assert list(facet_columns(rows, "regression")["prediction"]) == ["1.61", "1.62", "1.6", "1.6"]
