"""What holds for a model of any library."""

import importlib.util
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from model_cases import PAGE, ModelCase, all_cases, support_table

from pylime import COLUMNS, explain, lime, model_type, predict_model
from pylime.models import owner_of

CASES = all_cases()


def some_of(data, n):
    return data.head(n) if isinstance(data, pd.DataFrame) else data[:n]


def marked(case: ModelCase):
    return pytest.mark.full if case.module in ("h2o", "torch", "transformers") else ()


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=str(case), marks=marked(case)) for case in CASES]
)
def test_models_of_every_library_behave_alike(case: ModelCase):
    if importlib.util.find_spec(case.module) is None:
        assert sys.platform != "linux", f"{case.project} belongs to the test extra"
        pytest.skip(f"{case.project} cannot be installed here")
    subject = case.build()
    model = owner_of(subject.model)
    classifies = case.task != "regression"
    assert model_type(model) == ("classification" if classifies else "regression")

    preprocess = subject.preprocess or (lambda cases: cases)
    form = "prob" if classifies else "raw"
    predicting = subject.options.get("predict_options", {})
    n = min(len(subject.data), 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", FutureWarning)
        some, first = (preprocess(some_of(subject.data, rows)) for rows in (n, 1))
        many = predict_model(model, some, type=form, **predicting)
        one = predict_model(model, first, type=form, **predicting)
    assert isinstance(many, pd.DataFrame)
    assert many.shape[0] == n
    assert list(many.columns) == (list(subject.labels) if classifies else ["Response"])
    assert all(dtype.kind == "f" for dtype in many.dtypes)
    np.testing.assert_allclose(one, many.head(1), rtol=1e-4, atol=1e-5)
    if classifies:
        assert many.ge(0).all(axis=None)
        assert many.le(1).all(axis=None)
    if classifies and case.task != "several labels":
        np.testing.assert_allclose(many.sum(axis=1), 1, atol=1e-5)

    chosen = {"labels": subject.labels[-1]} if classifies else {}
    options = {"n_permutations": 500, "n_features": 2, "random_state": 1, **subject.options}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        explainer = lime(subject.data, subject.model, subject.preprocess)
        explanation = explain(some_of(subject.data, 1), explainer, **chosen, **options)
    absent = [] if classifies else ["label", "label_prob"]
    assert list(explanation.columns) == [name for name in COLUMNS if name not in absent]
    strongest = explanation["feature_weight"].abs().idxmax()
    assert explanation.loc[strongest, "feature"] == subject.top_feature
    if classifies:
        assert explanation["label"].unique().tolist() == [subject.labels[-1]]
        np.testing.assert_allclose(
            explanation["label_prob"].iloc[0], one.iloc[0, -1], rtol=1e-3, atol=1e-5
        )


def test_the_page_lists_what_is_tested():
    assert support_table() in PAGE.read_text("utf-8")
