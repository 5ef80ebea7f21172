"""statsmodels and H2O: what the contract of all models does not show."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula
import statsmodels.formula.api as smf
from model_cases import response, rows_of_numbers, rows_with_words, three_classes
from model_cases.statsmodels import chance, counts, likely
from statsmodels.gam.api import BSplines, GLMGam
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tsa.arima.model import ARIMA

from pylime import as_regressor, explain, lime, model_type, predict_model
from pylime.models import predict

ROWS = rows_of_numbers()
WITH_CONSTANT = sm.add_constant(ROWS)
BLURRED = ROWS["signal"] + np.random.default_rng(13).normal(size=len(ROWS))
LIKELY = likely(chance(ROWS))
binomial = partial(smf.glm, family=sm.families.Binomial())


def ask(model, rows=ROWS):
    return predict_model(model, rows, type="prob")


ANSWERS = {
    "strings": ("a", np.where(LIKELY, "yes", "no"), ["no", "yes"]),
    "digits": ("a", np.where(LIKELY, "1", "0"), ["0", "1"]),
    "categories": (
        "a",
        pd.Categorical(np.where(LIKELY, "no", "yes"), categories=["yes", "no"]),
        ["yes", "no"],
    ),
    "bools": ("a", LIKELY, [False, True]),
    "numbers as categories": ("C(a)", LIKELY + 3, [3, 4]),
    "zeros and ones": ("a", LIKELY.astype(int), [0, 1]),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_binomial_formula_names_its_classes(answer):
    name, values, labels = ANSWERS[answer]
    results = binomial(f"{name} ~ signal", ROWS.assign(a=values)).fit()
    predictions = ask(results)
    assert predictions.columns.tolist() == labels
    assert [type(label) for label in predictions.columns] == [type(label) for label in labels]
    # statsmodels takes the first of two levels for the success, but 1 of zeros and ones.
    success = labels[1] if answer == "zeros and ones" else labels[0]
    np.testing.assert_array_equal(predictions[success], results.predict(ROWS))
    assert np.corrcoef(predictions.iloc[:, 1], ROWS["signal"])[0, 1] > 0.9


def test_classes_outlive_storing_and_the_removal_of_data():
    data = ROWS.assign(answer=np.where(LIKELY, "yes", "no"))
    results = binomial("answer ~ signal", data).fit()
    before = ask(results)
    pd.testing.assert_frame_equal(ask(pickle.loads(pickle.dumps(results))), before)
    results.remove_data()
    pd.testing.assert_frame_equal(ask(results), before)


def test_results_on_arrays_work_after_the_removal_of_data():
    results = sm.NegativeBinomial(counts(ROWS), WITH_CONSTANT).fit(disp=0)
    before = predict_model(results, ROWS, type="raw")
    results.remove_data()
    pd.testing.assert_frame_equal(predict_model(results, ROWS, type="raw"), before)


@pytest.mark.full  # statsmodels before 0.15 has only one
def test_the_other_formula_engine_names_its_classes_too(monkeypatch):
    monkeypatch.setattr(statsmodels.formula.options, "formula_engine", "formulaic")
    data = ROWS.assign(answer=np.where(LIKELY, "yes", "no"))
    results = binomial("answer ~ signal", data).fit()
    predictions = ask(results)
    assert predictions.columns.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(predictions["no"], results.predict(ROWS))


def test_counts_of_successes_and_failures_give_the_probability_of_success():
    won = np.random.default_rng(1).binomial(10, chance(ROWS))
    games = pd.DataFrame({"won": won, "lost": 10 - won})
    family = sm.families.Binomial()
    expected = sm.GLM(games, WITH_CONSTANT, family=family).fit().predict(WITH_CONSTANT)

    by_formula = binomial("won + lost ~ noise + dull + signal + vain", ROWS.join(games)).fit()
    for results in (by_formula, sm.GLM(games, WITH_CONSTANT, family=family).fit()):
        predictions = ask(results)
        assert predictions.columns.tolist() == ["won", "lost"]
        np.testing.assert_allclose(predictions["won"], expected)
    unnamed = sm.GLM(games.to_numpy(), WITH_CONSTANT.to_numpy(), family=family).fit()
    assert ask(unnamed).columns.tolist() == [0, 1]
    np.testing.assert_allclose(ask(unnamed)[1], expected)


CLASSES = three_classes(BLURRED)
NUMBERED = np.unique(CLASSES, return_inverse=True)[1] + 3
SEVERAL = {
    "strings": (pd.Series(CLASSES), ["low", "middle", "top"]),
    "an array of strings": (CLASSES, ["low", "middle", "top"]),
    "categories": (pd.Series(pd.Categorical(CLASSES)), ["low", "middle", "top"]),
    "numbers": (pd.Series(NUMBERED), [3, 4, 5]),
    "an array of numbers": (NUMBERED, [3, 4, 5]),
    "versions": (pd.Series([f"v{n}.0" for n in NUMBERED]), ["v3.0", "v4.0", "v5.0"]),
    "indicators": (pd.get_dummies(pd.Series(CLASSES)), ["low", "middle", "top"]),
}


@pytest.mark.parametrize("answer", SEVERAL)
def test_a_multinomial_model_names_its_classes(answer):
    values, labels = SEVERAL[answer]
    exog = WITH_CONSTANT if hasattr(values, "index") else WITH_CONSTANT.to_numpy()
    results = sm.MNLogit(values, exog).fit(disp=0)
    assert model_type(results) == "classification"
    predictions = ask(results)
    assert predictions.columns.tolist() == labels
    np.testing.assert_array_equal(predictions, results.predict(exog))


def test_models_of_several_classes_name_numbers():
    by_formula = smf.mnlogit("a ~ signal", ROWS.assign(a=NUMBERED)).fit(disp=0)
    assert ask(by_formula).columns.tolist() == [3, 4, 5]
    ordered = OrderedModel(NUMBERED, ROWS.to_numpy(), distr="logit").fit(method="bfgs", disp=0)
    assert ask(ordered).columns.tolist() == [3, 4, 5]


def test_columns_are_found_by_name_and_the_constant_is_added():
    results = sm.OLS(response(ROWS["signal"]), WITH_CONSTANT).fit()
    expected = results.predict(WITH_CONSTANT)
    shuffled = ROWS[["vain", "signal", "noise", "dull"]].assign(other="text")
    for rows in (ROWS, WITH_CONSTANT, shuffled, shuffled.set_axis([0] * len(ROWS))):
        predictions = predict_model(results, rows, type="raw")["Response"]
        np.testing.assert_allclose(predictions, expected)
    # statsmodels' own function adds nothing to a single row, where each column is constant.
    assert sm.add_constant(ROWS.head(1)).shape[1] == 4
    one = predict_model(results, ROWS.head(1), type="raw")
    assert one.iloc[0, 0] == pytest.approx(expected[0])


def test_a_constant_is_added_where_it_stood():
    design = sm.add_constant(ROWS, prepend=False)
    results = sm.OLS(response(ROWS["signal"]), design).fit()
    predictions = predict_model(results, ROWS, type="raw")["Response"]
    np.testing.assert_allclose(predictions, results.predict(design))
    without = sm.OLS(response(ROWS["signal"]), ROWS).fit()
    predictions = predict_model(without, ROWS, type="raw")["Response"]
    np.testing.assert_allclose(predictions, without.predict(ROWS))


def test_arrays_without_names_are_taken_by_position():
    design = WITH_CONSTANT.to_numpy()
    results = sm.NegativeBinomial(counts(ROWS), design).fit(disp=0)
    for rows in (ROWS, ROWS.to_numpy(), WITH_CONSTANT):
        predictions = predict_model(results, rows, type="raw")["Response"]
        np.testing.assert_allclose(predictions, results.predict(design))
    explainer = lime(ROWS.to_numpy(), results)
    explanation = explain(ROWS.to_numpy()[:1], explainer, n_features=1, n_permutations=500)
    assert explanation["feature"].tolist() == ["x2"]


def test_absent_columns_are_named():
    results = sm.OLS(response(ROWS["signal"]), WITH_CONSTANT).fit()
    with pytest.raises(ValueError, match=r"the data lack \['const', 'dull'\]") as error:
        lime(ROWS.drop(columns="dull"), results)
    assert "by a formula" in str(error.value)


def test_a_formula_remembers_what_it_learned_of_the_training_data():
    data = rows_with_words()
    data["y"] = response(data["idle"]) + (data["colour"] == "red")
    results = smf.ols("y ~ standardize(idle) + C(colour) * shape", data).fit()
    rows = data.drop(columns="y")
    many = predict_model(results, rows, type="raw")
    alone = predict_model(results, rows.iloc[[7]], type="raw")
    assert alone.iloc[0, 0] == pytest.approx(many.iloc[7, 0])


def test_what_a_formula_cannot_predict_keeps_its_place():
    results = smf.ols("y ~ signal", ROWS.assign(y=response(ROWS["signal"]))).fit()
    rows = ROWS.head(4).copy()
    rows.iloc[2, 2] = np.nan
    predictions = predict_model(results, rows.set_axis([5, 5, 6, 6]), type="raw")
    assert predictions["Response"].isna().tolist() == [False, False, True, False]
    with pytest.raises(ValueError, match="must return finite numbers"):
        predict(results, rows, 4)


def test_an_exposure_is_left_out():
    years = np.random.default_rng(2).uniform(1, 9, len(ROWS))
    data = ROWS.assign(n=counts(ROWS))
    results = smf.glm("n ~ signal", data, family=sm.families.Poisson(), exposure=years).fit()
    rates = predict_model(results, ROWS, type="raw")["Response"]
    np.testing.assert_allclose(rates, results.predict(ROWS, exposure=1))
    scores = predict_model(results, ROWS, type="raw", which="linear")["Response"]
    np.testing.assert_allclose(np.exp(scores), rates)


def test_smooth_terms_get_their_columns():
    smoother = BSplines(ROWS[["signal"]], df=[6], degree=[3])
    y = response(ROWS["signal"])
    by_formula = GLMGam.from_formula("y ~ dull", ROWS.assign(y=y), smoother=smoother)
    of_arrays = GLMGam(y, sm.add_constant(ROWS[["dull"]]), smoother=smoother)
    without_others = GLMGam(y, smoother=smoother)
    for results in (by_formula.fit(), of_arrays.fit(), without_others.fit()):
        predictions = predict_model(results, ROWS, type="raw")["Response"]
        np.testing.assert_allclose(predictions, results.fittedvalues)


def test_of_several_responses_one_is_chosen():
    y = pd.DataFrame({"up": ROWS["signal"], "down": -ROWS["signal"]})
    results = sm.OLS(y, WITH_CONSTANT).fit()
    chosen = predict_model(as_regressor(results, output="down"), ROWS, type="raw")
    np.testing.assert_allclose(chosen["Response"], y["down"])
    with pytest.raises(ValueError, match="'up', 'down'"):
        lime(ROWS, results)


@pytest.mark.parametrize(
    "family", [sm.families.Gaussian(), sm.families.Gamma(sm.families.links.Log())]
)
def test_other_families_regress(family):
    results = sm.GLM(np.exp(BLURRED), WITH_CONSTANT, family=family).fit()
    assert model_type(results) == "regression"


def test_models_that_are_not_fitted_say_so():
    with pytest.raises(TypeError, match=r"Pass model\.fit\(\)"):
        lime(ROWS, sm.OLS(ROWS["signal"], WITH_CONSTANT))


def test_series_and_survival_are_refused():
    with pytest.raises(TypeError, match="ARIMA of statsmodels does not predict single cases"):
        lime(ROWS, ARIMA(ROWS["signal"]).fit())
    with pytest.raises(TypeError, match="PHReg of statsmodels does not predict single cases"):
        lime(ROWS, sm.PHReg(counts(ROWS) + 1, ROWS).fit())


def every_subclass(parent: type) -> set[type]:
    return {parent}.union(*map(every_subclass, parent.__subclasses__()))


def test_no_class_of_statsmodels_is_two_things_at_once():
    from statsmodels.base.model import Model, Results
    from statsmodels.base.wrapper import ResultsWrapper

    classes = set().union(*map(every_subclass, (Model, Results, ResultsWrapper)))
    assert len(classes) > 200
    for kind in classes:  # "Ambiguous dispatch" would be raised
        assert predict_model.dispatch(kind) is not predict_model.dispatch(object)
        assert model_type.dispatch(kind) is not model_type.dispatch(object)
