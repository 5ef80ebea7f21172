"""H2O: what the contract of all models does not show."""

import importlib.util
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from model_cases import response, rows_of_numbers, rows_with_words
from model_cases.h2o import SMALL, server, trained

from pylime import explain, lime, model_type, predict_model

if importlib.util.find_spec("h2o") is None and sys.platform != "linux":
    pytest.skip("H2O cannot be installed here", allow_module_level=True)

pytestmark = pytest.mark.full
ROWS = rows_of_numbers()


@pytest.fixture(scope="module")
def h2o():
    server()
    return sys.modules["h2o"]


def awkward_rows(n=300) -> pd.DataFrame:
    """What is easily lost on the way into a file and out of it."""
    random = np.random.default_rng(3)
    words = ["a,b", 'q"q', "blank ", "ü", "1", "NA", "two\nlines", "None", "plain"]
    rows = pd.DataFrame(
        {
            "word": random.choice(words, n),
            "category": pd.Categorical(random.choice(["p", "q"], n)),
            "number": random.normal(size=n) / 3,
            "whole": random.integers(0, 9, n),
            "level": random.integers(0, 3, n),
            "maybe": pd.array(random.integers(0, 9, n), dtype="Int64"),
            "truth": random.random(n) < 0.5,
            "when": pd.date_range("2020-01-31 23:59:59.5", periods=n, freq="7h"),
            "a name, in words": random.normal(size=n),
        }
    )
    for row, column in enumerate(["word", "category", "number", "maybe", "when"]):
        rows.loc[row, column] = pd.NA if column == "maybe" else None
    return rows


def score(rows: pd.DataFrame) -> np.ndarray:
    """A number that every column moves."""
    codes = [pd.factorize(rows[name])[0] for name in rows]
    return np.sum([(k + 1) * code / (code.max() + 1) for k, code in enumerate(codes)], axis=0)


@pytest.fixture(scope="module")
def awkward(h2o):
    """The rows, a model of them, and what H2O predicts where the rows went in as a whole."""
    rows = awkward_rows()
    frame = h2o.H2OFrame(rows.assign(target=score(rows)))
    frame["level"] = frame["level"].asfactor()
    model = h2o.estimators.H2OGradientBoostingEstimator(ntrees=30, max_depth=6, min_rows=2, seed=1)
    model.train(y="target", training_frame=frame)
    used = {name for name, share, *_ in model.varimp() if share > 0}
    assert used == set(rows)
    return rows, model, np.loadtxt(model.predict(frame).get_frame_data().splitlines()[1:])


def test_rows_reach_the_server_as_in_training(awkward):
    rows, model, expected = awkward
    predictions = predict_model(model, rows, type="raw")["Response"]
    np.testing.assert_array_equal(predictions, expected)
    backwards = predict_model(model, rows.iloc[::-1, ::-1].assign(other=1), type="raw")
    np.testing.assert_array_equal(backwards["Response"], expected[::-1])


def test_a_row_is_predicted_alone_as_among_others(awkward):
    rows, model, expected = awkward
    for row in range(6):
        alone = predict_model(model, rows.iloc[[row]], type="raw")
        assert alone.iloc[0, 0] == expected[row]


def test_missing_values_that_were_missing_in_training(h2o, tmp_path):
    path = tmp_path / "rows.csv"
    rows = rows_with_words()[["colour", "idle"]]
    rows.loc[rows["colour"] == "red", "colour"] = None
    rows.assign(target=np.where(rows["colour"].isna(), 5.0, 0.0)).to_csv(path, index=False)
    frame = h2o.upload_file(str(path))
    model = h2o.estimators.H2OGradientBoostingEstimator(**SMALL)
    model.train(y="target", training_frame=frame)
    predictions = predict_model(model, rows, type="raw")["Response"]
    assert predictions[rows["colour"].isna()].min() > predictions[rows["colour"].notna()].max() + 1


def test_numbers_lose_no_digits(h2o):
    model = trained(
        ("H2OGeneralizedLinearEstimator", {"lambda_": 0}), ROWS, response(ROWS["signal"])
    )
    effects = model.coef()
    expected = effects["Intercept"] + ROWS.to_numpy() @ [effects[name] for name in ROWS]
    predictions = predict_model(model, ROWS, type="raw")["Response"]
    np.testing.assert_allclose(predictions, expected, rtol=1e-13, atol=1e-13)


def test_nothing_stays_on_the_server_or_is_printed(h2o, awkward, capsys):
    from h2o.job import H2OJob

    rows, model, _ = awkward
    before = set(h2o.ls()["key"])
    for shown in (True, False):
        (h2o.show_progress if shown else h2o.no_progress)()
        capsys.readouterr()
        predict_model(model, rows, type="raw")
        assert H2OJob.__PROGRESS_BAR__ is shown
        assert capsys.readouterr() == ("", "")
        with pytest.raises(TypeError, match="no_such_option"):
            predict_model(model, rows, type="raw", no_such_option=1)
        assert H2OJob.__PROGRESS_BAR__ is shown
    assert set(h2o.ls()["key"]) == before


def test_labels_are_the_levels_not_the_names_of_columns(h2o):
    frame = h2o.H2OFrame(ROWS.assign(target=(ROWS["signal"] > 0).astype(int)))
    frame["target"] = frame["target"].asfactor()
    model = h2o.estimators.H2OGradientBoostingEstimator(**SMALL)
    model.train(y="target", training_frame=frame)
    assert model.predict(frame).columns == ["predict", "p0", "p1"]
    predictions = predict_model(model, ROWS, type="prob")
    assert predictions.columns.tolist() == ["0", "1"]
    assert ((predictions["1"] > 0.5) == (ROWS["signal"] > 0)).all()


def test_levels_that_h2o_encoded_itself_and_columns_that_are_no_features(h2o):
    rows = rows_with_words()
    frame = h2o.H2OFrame(rows.assign(heavy=1.0, target=3.0 * (rows["colour"] == "red")))
    model = h2o.estimators.H2OGradientBoostingEstimator(
        categorical_encoding="one_hot_explicit", weights_column="heavy", **SMALL
    )
    model.train(y="target", training_frame=frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictions = predict_model(model, rows, type="raw")["Response"]
    assert predictions[rows["colour"] == "red"].min() > predictions[rows["colour"] != "red"].max()


def test_arrays_are_taken_by_position(h2o):
    model = trained(("H2OGradientBoostingEstimator", SMALL), ROWS, response(ROWS["signal"]))
    explainer = lime(ROWS.to_numpy(), model)
    explanation = explain(ROWS.to_numpy()[:1], explainer, n_features=1, n_permutations=500)
    assert explanation["feature"].tolist() == ["x2"]


def test_automl_is_its_best_model(h2o, monkeypatch):
    from h2o.automl import H2OAutoML

    search = H2OAutoML(max_models=1)
    with pytest.raises(TypeError, match="this H2OAutoML is not"):
        lime(ROWS, search)
    # A search may end without a model on a busy machine, so its result is put in its place.
    model = trained(("H2OGradientBoostingEstimator", SMALL), ROWS, response(ROWS["signal"]))
    monkeypatch.setattr(H2OAutoML, "leader", model)
    assert model_type(search) == "regression"
    pd.testing.assert_frame_equal(
        predict_model(search, ROWS, type="raw"), predict_model(model, ROWS, type="raw")
    )


def test_models_that_predict_no_classes_or_numbers_are_refused(h2o):
    estimators = h2o.estimators
    frame = h2o.H2OFrame(ROWS)
    for model in (
        estimators.H2OKMeansEstimator(k=2),
        estimators.H2OPrincipalComponentAnalysisEstimator(k=2, impute_missing=True),
        estimators.H2OAutoEncoderEstimator(hidden=[2], epochs=1),
    ):
        model.train(x=list(ROWS), training_frame=frame)
        with pytest.raises(TypeError, match="neither classifies nor regresses; wrap a function"):
            lime(ROWS, model)


def test_models_that_are_not_trained_say_so(h2o):
    with pytest.raises(TypeError, match=r"Call its train\(\) first"):
        lime(ROWS, h2o.estimators.H2OGradientBoostingEstimator())
