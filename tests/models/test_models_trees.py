"""xgboost, lightgbm and catboost: objectives, inputs, and objectives of one's own."""

import warnings

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xgboost
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pylime import as_classifier, as_regressor, explain, lime, model_type, predict_model
from pylime.models import predict

RANDOM = np.random.default_rng(1)
X = pd.DataFrame(RANDOM.normal(size=(200, 3)), columns=["a", "b", "c"])
MIXED = X.assign(colour=pd.Categorical(RANDOM.choice(["red", "blue"], 200)))
YES = (X["a"] > 0).astype(int).to_numpy()
THREE = np.digitize(X["a"], [-0.5, 0.5])
LABELS = np.column_stack([YES, X["b"] > 0]).astype(int)
QUIET = {"verbose": False, "allow_writing_files": False, "thread_count": 1}


def xgb(objective, target=YES, rows=X, objective_function=None, **options):
    matrix = xgboost.DMatrix(rows, target, enable_categorical=True)
    options = {"objective": objective, "nthread": 1, **options}
    return xgboost.train(options, matrix, 5, obj=objective_function)


def lgb(objective, target=YES, rows=X, **options):
    options = {"objective": objective, "num_threads": 1, "verbose": -1, **options}
    return lightgbm.train(options, lightgbm.Dataset(rows, target), 5)


def cat(name, target=YES, rows=X, **options):
    return getattr(catboost, name)(iterations=5, **QUIET, **options).fit(rows, target)


def small(name, target=YES, rows=X, **options):
    quiet = {"verbose": -1} if name.startswith("LGBM") else {}
    library = lightgbm if quiet else xgboost
    return getattr(library, name)(n_estimators=5, n_jobs=1, **quiet, **options).fit(rows, target)


def probabilities(model, rows=X):
    return predict_model(model, rows, type="prob")


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: xgb("binary:logistic", rows=rows),
        lambda rows: lgb("binary", rows=rows),
        lambda rows: small("XGBClassifier", rows=rows),
        lambda rows: small("LGBMClassifier", rows=rows),
    ],
)
def test_logicals_may_be_missing(make):
    rows = X.assign(flag=RANDOM.random(len(X)) < 0.5)
    explainer = lime(rows, make(rows))
    case = rows.head(1).astype({"flag": object})
    case.iloc[0, case.columns.get_loc("flag")] = None
    found = explain(case, explainer, random_state=1, n_permutations=200, n_features=9)
    assert "flag is missing" in found["feature_desc"].tolist()


@pytest.mark.parametrize(
    ("objective", "kind"),
    [
        ("binary:logistic", "classification"),
        ("binary:logitraw", "classification"),
        ("multi:softmax", "classification"),
        ("multi:softprob", "classification"),
        ("reg:logistic", "regression"),
        ("reg:absoluteerror", "regression"),
        ("count:poisson", "regression"),
        ("rank:pairwise", "regression"),
        ("survival:cox", "regression"),
    ],
)
def test_xgboost_objectives_tell_the_task(objective, kind):
    options = {"num_class": 2} if objective.startswith("multi") else {}
    model = xgb(objective, **options)
    assert model_type(model) == kind
    if kind == "classification":
        assert list(probabilities(model)) == [0, 1]
        assert ((probabilities(model)[1] > 0.5) == YES).mean() > 0.9
    else:
        assert list(predict_model(model, X, type="raw")) == ["Response"]


@pytest.mark.parametrize("objective", ["multi:softmax", "multi:softprob"])
def test_softmax_gives_what_softprob_gives(objective):
    booster = xgb(objective, THREE, num_class=3)
    estimator = small("XGBClassifier", THREE, objective=objective)
    expected = xgb("multi:softprob", THREE, num_class=3).predict(xgboost.DMatrix(X))
    for model in (booster, estimator):
        np.testing.assert_allclose(probabilities(model), expected, atol=1e-6)


def test_raw_scores_become_probabilities():
    expected = 1 / (1 + np.exp(-xgb("binary:logitraw").predict(xgboost.DMatrix(X))))
    for model in (xgb("binary:logitraw"), small("XGBClassifier", objective="binary:logitraw")):
        np.testing.assert_allclose(probabilities(model)[1], expected, rtol=1e-5)


def test_classes_without_probabilities_are_refused():
    model = small("XGBClassifier", objective="binary:hinge")
    for refused in (model, model.get_booster()):
        with pytest.raises(TypeError, match=r"binary:logistic.*as_regressor\(model\)"):
            lime(X, refused)
        assert lime(X, as_regressor(refused))


def test_boosters_stay_as_they_are():
    model = xgb("binary:logitraw", rows=MIXED)
    before = model.save_raw(), model.save_config(), model.attributes()
    explain(MIXED.head(1), lime(MIXED, model), n_permutations=100)
    assert (model.save_raw(), model.save_config(), model.attributes()) == before


@pytest.mark.parametrize("fitted_on", [X, X.to_numpy()])
@pytest.mark.parametrize(
    "given",
    [X, X.to_numpy(), scipy.sparse.csr_matrix(X), scipy.sparse.csc_matrix(X), xgboost.DMatrix(X)],
)
def test_xgboost_takes_what_a_matrix_is_made_of(fitted_on, given):
    model = xgb("binary:logistic", rows=fitted_on)
    expected = model.inplace_predict(X.to_numpy(), validate_features=False)
    np.testing.assert_allclose(probabilities(model, given)[1], expected, rtol=1e-5)


def test_xgboost_takes_codes_for_categories():
    model = xgb("binary:logistic", (MIXED["colour"] == "red").astype(int), MIXED)
    codes = MIXED.assign(colour=MIXED["colour"].cat.codes).to_numpy(float)
    np.testing.assert_allclose(probabilities(model, codes), probabilities(model, MIXED))


def test_xgboost_says_which_columns_differ():
    with pytest.raises(ValueError, match="expected colour in input data"):
        lime(X, xgb("binary:logistic", rows=MIXED))


@pytest.mark.parametrize(
    "make",
    [
        lambda: xgb("binary:logistic", rows=MIXED),
        lambda: lgb("binary", rows=MIXED),
        lambda: small("XGBClassifier", rows=MIXED, enable_categorical=True),
        lambda: small("LGBMClassifier", rows=MIXED),
    ],
)
@pytest.mark.parametrize("dtype", ["str", object])
def test_strings_must_be_categories(make, dtype):
    rows = MIXED.astype({"colour": dtype})
    with pytest.raises(TypeError, match=r"hold strings: 'colour'.*'colour': 'category'"):
        lime(rows, make())


@pytest.mark.parametrize(
    ("objective", "kind"),
    [
        ("binary", "classification"),
        ("xentropy", "classification"),
        ("softmax", "classification"),
        ("ova", "classification"),
        ("mae", "regression"),
        ("poisson", "regression"),
        ("quantile", "regression"),
        ("cross_entropy_lambda", "regression"),
    ],
)
def test_lightgbm_objectives_tell_the_task(objective, kind):
    options = {"num_class": 2} if objective in ("softmax", "ova") else {}
    trained = lgb(objective, **options)
    for model in (trained, lightgbm.Booster(model_str=trained.model_to_string())):
        assert model_type(model) == kind
        if kind == "classification":
            assert list(probabilities(model)) == [0, 1]
            assert ((probabilities(model)[1] > 0.5) == YES).mean() > 0.9


@pytest.mark.filterwarnings("error")
def test_each_class_against_the_rest_need_not_sum_to_1(capfd):
    for model in (
        lgb("multiclassova", THREE, num_class=3),
        small("LGBMClassifier", THREE, objective="multiclassova"),
        cat("CatBoostClassifier", THREE, loss_function="MultiClassOneVsAll"),
    ):
        assert not predict(model, X, n=len(X)).exclusive
        assert lime(X, model)
    assert not any(capfd.readouterr())


def test_lightgbm_keeps_the_categories_of_training():
    model = small("LGBMClassifier", (MIXED["colour"] == "red").astype(int), MIXED)
    seen = []

    def watched(rows):
        seen.append(rows["colour"].dtype)
        return rows

    blue = MIXED[MIXED["colour"] == "blue"].head(2).astype({"colour": "str"})
    explainer = lime(MIXED, model, watched)
    explanation = explain(blue, explainer, labels=1, n_features=1, n_permutations=200)
    assert set(seen) == {MIXED["colour"].dtype}
    assert explanation["feature"].tolist() == ["colour"] * 2


LOSSES = {
    "Logloss": ("classification", YES),
    "CrossEntropy": ("classification", YES * 0.8 + 0.1),
    "MultiClass": ("classification", THREE),
    "MultiClassOneVsAll": ("classification", THREE),
    "RMSE": ("regression", X["a"]),
    "MAE": ("regression", X["a"]),
    "Quantile:alpha=0.3": ("regression", X["a"]),
    "Poisson": ("regression", np.exp(X["a"])),
    "Tweedie:variance_power=1.5": ("regression", np.exp(X["a"])),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_catboost_losses_tell_the_task(loss, tmp_path):
    kind, target = LOSSES[loss]
    name = "CatBoostClassifier" if kind == "classification" else "CatBoostRegressor"
    own = cat(name, target, loss_function=loss)
    plain = catboost.CatBoost({"loss_function": loss, "iterations": 5, **QUIET}).fit(X, target)
    plain.save_model(tmp_path / "model")
    stored = catboost.CatBoost().load_model(tmp_path / "model")
    form = "prob" if kind == "classification" else "raw"
    expected = own.predict_proba(X) if form == "prob" else own.predict(X)[:, None]
    for model in (own, plain, stored):
        assert model_type(model) == kind
        np.testing.assert_allclose(predict_model(model, X, type=form), expected)


def test_catboost_brings_its_labels():
    for classes in (["no", "yes"], [False, True], [3, 5]):
        labels = list(probabilities(cat("CatBoostClassifier", np.array(classes)[YES])))
        assert labels == classes
        assert type(labels[0]) is type(classes[0])
    options = {"loss_function": "MultiLogloss"}
    assert list(probabilities(cat("CatBoostClassifier", LABELS, **options))) == ["y0", "y1"]
    named = cat("CatBoostClassifier", LABELS, class_names=["p", "q"], **options)
    assert list(probabilities(named)) == ["p", "q"]


@pytest.mark.parametrize("dtype", ["category", "str", object])
def test_catboost_takes_strings_of_every_type(dtype):
    rows = MIXED.assign(number=np.arange(200) % 3).astype({"colour": dtype})
    red = np.where(rows["colour"] == "red", "yes", "no")
    model = cat("CatBoostClassifier", red, rows, cat_features=["colour", "number"])
    explanation = explain(rows.head(1), lime(rows, model), n_features=1, n_permutations=200)
    assert explanation["feature"].tolist() == ["colour"]


def test_catboost_takes_its_own_pools():
    model = cat("CatBoostClassifier")
    expected = model.predict_proba(X)
    np.testing.assert_allclose(probabilities(model, catboost.Pool(X)), expected)
    assert explain(X.head(1), lime(X, model, catboost.Pool), n_permutations=100) is not None


def test_of_several_numbers_one_is_chosen():
    target = X[["a", "b"]]
    booster = xgb("reg:squarederror", target)
    regressor = small("XGBRegressor", target)
    model = cat("CatBoostRegressor", target, loss_function="MultiRMSE")
    for several in (booster, regressor, model):
        assert list(predict_model(several, X, type="raw")) == ["y0", "y1"]
        with pytest.raises(ValueError, match="output='y0'"):
            lime(X, several)
        chosen = predict_model(as_regressor(several, output="y1"), X, type="raw")["Response"]
        assert np.corrcoef(chosen, X["b"])[0, 1] > 0.8


def test_of_several_labels_each_has_its_own_probability():
    for model in (xgb("binary:logistic", LABELS), small("XGBClassifier", LABELS)):
        assert list(probabilities(model)) == ["y0", "y1"]
        assert ((probabilities(model) > 0.5) == LABELS).mean(axis=None) > 0.9


def logistic(target, scores):
    chance = 1 / (1 + np.exp(-scores))
    return chance - target, chance * (1 - chance)


def logistic_of_a_set(scores, training):
    return logistic(training.get_label(), scores)


class Squares:
    def calc_ders_range(self, scores, target, weights):
        # Where numba is installed, it compiles this, and takes no keywords.
        return [(target[row] - scores[row], -1) for row in range(len(target))]


def of_squares():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that numba would make it faster
        options = {"loss_function": Squares(), "eval_metric": "RMSE", "iterations": 5}
        return catboost.CatBoost({**options, **QUIET}).fit(X, YES)


OWN_OBJECTIVES = {
    "xgboost booster": lambda: xgb(None, objective_function=logistic_of_a_set),
    "XGBClassifier": lambda: small("XGBClassifier", objective=logistic),
    "XGBRegressor": lambda: small("XGBRegressor", objective=logistic),
    "lightgbm booster": lambda: lgb(logistic_of_a_set),
    "LGBMClassifier": lambda: small("LGBMClassifier", objective=logistic),
    "LGBMRegressor": lambda: small("LGBMRegressor", objective=logistic),
    "catboost": of_squares,
}


@pytest.mark.parametrize("name", OWN_OBJECTIVES)
def test_an_objective_of_ones_own_must_be_explained(name):
    model = OWN_OBJECTIVES[name]()
    if name != "xgboost booster":  # which does not remember it
        with pytest.raises(TypeError, match=r"as_classifier\(model, labels, activation="):
            lime(X, model)
    wrapped = as_classifier(model, ["no", "yes"], activation="sigmoid")
    booster = getattr(model, "get_booster", lambda: getattr(model, "booster_", model))()
    if isinstance(booster, xgboost.Booster):
        scores = booster.predict(xgboost.DMatrix(X), output_margin=True)
    else:
        scores = booster.predict(X)
    expected = 1 / (1 + np.exp(-scores))
    np.testing.assert_allclose(probabilities(wrapped)["yes"], expected, rtol=1e-5)
    explanation = explain(X.head(1), lime(X, wrapped), n_features=1, n_permutations=200)
    assert explanation["feature"].tolist() == ["a"]


def test_scores_of_several_classes_go_through_a_softmax():
    model = xgb("multi:softmax", THREE, num_class=3)
    wrapped = as_classifier(model, ["low", "middle", "top"], activation="softmax")
    np.testing.assert_allclose(probabilities(wrapped), probabilities(model))


@pytest.mark.parametrize(
    "model",
    [
        catboost.CatBoostClassifier(),
        lightgbm.LGBMClassifier(),
        lightgbm.LGBMRegressor(),
        xgboost.XGBClassifier(),
        xgboost.XGBRegressor(),
    ],
)
def test_unfitted_models_are_found_out_at_once(model):
    with pytest.raises(ValueError, match="fit"):
        lime(X, model)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fitted_on", [X, X.to_numpy()])
@pytest.mark.parametrize("name", ["XGBClassifier", "LGBMClassifier"])
def test_nothing_is_said_of_feature_names(name, fitted_on, capfd):
    alone = small(name, rows=fitted_on)
    after_another = make_pipeline(StandardScaler(), small(name)).fit(fitted_on, YES)
    for model in (alone, after_another):
        for given in (X, X.to_numpy()):
            assert list(probabilities(model, given)) == [0, 1]
    assert not any(capfd.readouterr())


def test_options_of_prediction_are_passed_on():
    model = xgb("binary:logistic")
    some = explain(
        X.head(1), lime(X, model), n_permutations=100, predict_options={"iteration_range": (0, 1)}
    )
    expected = model.predict(xgboost.DMatrix(X.head(1)), iteration_range=(0, 1))[0]
    assert some["label_prob"].iloc[0] == pytest.approx(max(expected, 1 - expected))


def test_users_registrations_win():
    class MyTrees(xgboost.XGBClassifier):
        pass

    predict_model.register(MyTrees, lambda *_, **__: pd.DataFrame({"mine": [1.0]}))
    assert list(probabilities(MyTrees())) == ["mine"]
