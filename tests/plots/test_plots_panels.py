"""Which cases a plot has panels for."""

import warnings

import numpy as np
import pandas as pd
import pytest

from pylime.plots.panels import designs, first_cases
from pylime.values import Superpixel


def panels(n_cases, labels=("a",), n_features=2):
    index = pd.MultiIndex.from_product([range(n_cases), labels, range(n_features)])
    table = index.to_frame(index=False, name=["case", "label", "feature"])
    return table if labels != ("",) else table.drop(columns="label")


@pytest.mark.parametrize(("n_cases", "labels"), [(60, ("a",)), (30, ("a", "b")), (60, ("",))])
def test_sixty_panels_are_shown(n_cases, labels):
    explanation = panels(n_cases, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert first_cases(explanation) is explanation


@pytest.mark.parametrize(
    ("n_cases", "labels", "kept", "message"),
    [
        (61, ("a",), 60, "at most 60 panels.*has 61: the first 60 of 61 cases are shown"),
        (500, ("",), 60, "has 500: the first 60 of 500 cases are shown. Choose others with `ca"),
        (31, ("a", "b"), 30, "has 62: the first 30 of 31 cases are shown"),
        (2, tuple("abcdefghijklmnopqrstuvwxyz0123456789"), 1, "has 72: 1 of 2 cases is shown"),
    ],
)
def test_more_panels_warn_and_whole_cases_are_kept(n_cases, labels, kept, message):
    explanation = panels(n_cases, labels)
    with pytest.warns(UserWarning, match=message) as caught:
        shown = first_cases(explanation)
    assert caught[0].filename == __file__
    pd.testing.assert_frame_equal(shown, explanation[explanation["case"] < kept])


def test_of_one_case_with_more_labels_the_first_labels_are_kept():
    explanation = panels(2, tuple(f"label {n}" for n in range(100)))
    with pytest.warns(UserWarning, match="the first 60 of 100 labels of the first case are shown"):
        shown = first_cases(explanation)
    assert set(shown["case"]) == {0}
    assert shown["label"].drop_duplicates().tolist() == [f"label {n}" for n in range(60)]


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
    assert designs(explanation).tolist() == [3.0, 2.0, *[1.0] * 6]
