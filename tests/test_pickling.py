"""Explainers that travel: pickled, copied, and saved by joblib."""

import copy
import io
import pickle
import subprocess
import sys

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from model_cases import rows_of_numbers, rows_with_words, two_classes
from pandas.testing import assert_frame_equal
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pylime import as_classifier, as_regressor, explain, lime

TEXTS = ["all is good here", "all is bad here", "good grief", "bad luck", "good day", "bad day"]
PICTURES = np.random.default_rng(1).integers(0, 256, (2, 30, 40, 3), dtype=np.uint8)


def probability(rows):
    return 1 / (1 + np.exp(-2 * rows["signal"]))


def brightness(pictures):
    return np.asarray(pictures, dtype=float).mean(axis=(1, 2, 3)) / 255


def halved(pictures):
    return np.asarray(pictures) // 2


def through_joblib(thing):
    file = io.BytesIO()
    joblib.dump(thing, file)
    file.seek(0)
    return joblib.load(file)


WAYS = {
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "joblib": through_joblib,
    "cloudpickle": lambda thing: pickle.loads(cloudpickle.dumps(thing)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


def of_a_function():
    rows = rows_of_numbers()
    return lime(rows, as_classifier(probability, ["no", "yes"])), rows.head(2)


def of_a_method():
    rows = rows_with_words()
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), make_column_selector(dtype_exclude="number"))),
        LogisticRegression(),
    ).fit(rows, two_classes(rows["colour"] == "red"))
    return lime(rows, model.predict_proba, use_density=True, bin_continuous=False), rows.head(2)


def of_xgboost():
    import xgboost

    rows = rows_of_numbers()
    model = xgboost.XGBClassifier(n_estimators=5).fit(rows, rows["signal"] > 0)
    return lime(rows, as_classifier(model, ["no", "yes"])), rows.head(2)


def of_keras():
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    numbers = rows_of_numbers().to_numpy()
    return lime(numbers, as_classifier(model, ["a", "b", "c"])), numbers[:2]


def of_texts():
    model = make_pipeline(CountVectorizer(), LogisticRegression())
    model.fit(TEXTS, ["good" if "good" in text else "bad" for text in TEXTS])
    return lime(TEXTS, model, tokenization=r"\w+", keep_word_position=True), TEXTS[:2]


def of_pictures():
    return lime(PICTURES, as_regressor(brightness), halved), PICTURES


MAKERS = [of_a_function, of_a_method, of_xgboost, of_keras, of_texts, of_pictures]


def explained(explainer, cases) -> pd.DataFrame:
    sizes = {"n_superpixels": 9} if explainer.kind.name == "image" else {}
    return explain(cases, explainer, n_permutations=60, random_state=1, **sizes)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_explainers_travel_and_say_the_same(make):
    explainer, cases = make()
    before = explained(explainer, cases)
    for name, way in WAYS.items():
        twin = way(explainer)
        assert repr(twin) == repr(explainer), name
        assert_frame_equal(explained(twin, cases), before, check_exact=True, obj=name)


def test_an_explainer_is_loaded_in_another_process(tmp_path):
    rows = rows_of_numbers()
    model = LogisticRegression().fit(rows, two_classes(rows["signal"]))
    explainer = lime(rows, model)
    joblib.dump(explainer, tmp_path / "explainer.joblib")
    rows.head(2).to_pickle(tmp_path / "rows.pickle")
    script = """
import joblib
import pandas as pd
from pylime import explain, write_explanation
explainer = joblib.load("explainer.joblib")
cases = pd.read_pickle("rows.pickle")
write_explanation(explain(cases, explainer, n_permutations=60, random_state=1), "there.json")
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    from pylime import read_explanation

    there = read_explanation(tmp_path / "there.json")
    assert_frame_equal(there, explained(explainer, rows.head(2)), check_exact=True)


def test_a_model_that_cannot_be_pickled_raises_the_usual_error():
    explainer = lime(rows_of_numbers(), as_regressor(lambda rows: rows["signal"]))
    with pytest.raises((pickle.PicklingError, AttributeError), match="<lambda>"):
        pickle.dumps(explainer)
    twin = pickle.loads(cloudpickle.dumps(explainer))
    cases = rows_of_numbers().head(1)
    assert_frame_equal(explained(twin, cases), explained(explainer, cases))
