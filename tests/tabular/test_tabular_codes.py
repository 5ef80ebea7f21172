"""Numbers that are codes: named by the model, or by the user."""

from types import SimpleNamespace

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)

from pylime import CaseError, as_classifier, as_regressor, explain, lime
from pylime.models import categorical_columns

CODES = [3, 8, 14, 41, 90]
RANDOM = np.random.default_rng(11)
N = 500
FRAME = pd.DataFrame({"code": RANDOM.choice(CODES, N), "amount": RANDOM.normal(20, 5, N)})
FRAME["kind"] = RANDOM.choice([1, 2, 5], N)
ODDS = 5.0 * (FRAME["code"] == 14) - 2.5 + 0.05 * (FRAME["amount"] - 20)
Y = (ODDS + RANDOM.logistic(size=N) > 0).astype(int)
CASE = FRAME[FRAME["code"] == 14].head(1)
COLUMNS = list(FRAME)


def weights_of(explanation):
    return explanation.set_index("feature")["feature_weight"]


def encoded(*transformers, remainder="passthrough"):
    columns = make_column_transformer(*transformers, remainder=remainder)
    return make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(FRAME, Y)


def one_hot(**options):
    return OneHotEncoder(handle_unknown="ignore", **options)


def boosted(chosen):
    return HistGradientBoostingClassifier(categorical_features=chosen, max_iter=30, random_state=1)


# What a model of scikit-learn calls categorical, and which columns that are.
ESTIMATORS = {
    "OneHotEncoder": (lambda: encoded((one_hot(), ["code"])), ["code"]),
    "encoder after an imputer": (
        lambda: encoded((make_pipeline(SimpleImputer(), one_hot()), ["code"])),
        ["code"],
    ),
    "positions and slices": (
        lambda: encoded((OrdinalEncoder(), [0]), (TargetEncoder(), slice(2, 3))),
        ["code", "kind"],
    ),
    "slice of names": (lambda: encoded((OrdinalEncoder(), slice("kind", "kind"))), ["kind"]),
    "mask": (lambda: encoded((one_hot(), np.array([True, False, True]))), ["code", "kind"]),
    "selector": (
        lambda: encoded((one_hot(), make_column_selector(dtype_include="int"))),
        ["code", "kind"],
    ),
    "remainder": (
        lambda: encoded((StandardScaler(), ["amount"]), remainder=one_hot()),
        ["code", "kind"],
    ),
    "search": (
        lambda: GridSearchCV(
            encoded((one_hot(), ["code"])), {"logisticregression__C": [1, 2]}, cv=2
        ).fit(FRAME, Y),
        ["code"],
    ),
    "calibration": (
        lambda: CalibratedClassifierCV(encoded((one_hot(), ["code"])), cv=2).fit(FRAME, Y),
        ["code"],
    ),
    "votes": (
        lambda: VotingClassifier(
            [("a", encoded((one_hot(), ["code"]))), ("b", LogisticRegression())], voting="soft"
        ).fit(FRAME, Y),
        ["code"],
    ),
    "boosted by name": (lambda: boosted(["code"]).fit(FRAME, Y), ["code"]),
    "boosted by position": (lambda: boosted([0, 2]).fit(FRAME.to_numpy(), Y), ["code", "kind"]),
    "boosted after a scaler": (
        lambda: make_pipeline("passthrough", MinMaxScaler(), boosted([2])).fit(FRAME, Y),
        ["kind"],
    ),
    "boosted on other columns": (
        lambda: make_pipeline(SelectKBest(k=2), boosted([0])).fit(FRAME, Y),
        [],
    ),
    "boosted without": (lambda: boosted(None).fit(FRAME, Y), []),
    "no encoder": (lambda: encoded((StandardScaler(), ["amount"])), []),
    "method in a wrapper": (
        lambda: as_regressor(encoded((one_hot(), ["code"])).decision_function),
        ["code"],
    ),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_columns_that_an_estimator_calls_categorical(name):
    make, expected = ESTIMATORS[name]
    model = make()
    assert list(categorical_columns(model, COLUMNS)) == expected
    explainer = lime(FRAME, model)
    found = [column for column, kind in explainer.feature_type.items() if kind == "factor"]
    assert found == expected


def lightgbm_model(**options):
    return lightgbm.LGBMClassifier(
        n_estimators=30, min_child_samples=5, verbose=-1, n_jobs=1, **options
    )


def catboost_model(frame):
    model = catboost.CatBoostClassifier(
        iterations=30, cat_features=[0], verbose=0, allow_writing_files=False
    )
    return model.fit(frame, Y)


def xgboost_model():
    model = xgboost.XGBClassifier(
        n_estimators=20, enable_categorical=True, feature_types=["c", "q", "q"], n_jobs=1
    )
    return model.fit(FRAME, Y)


LIBRARIES = {
    "lightgbm": lambda: lightgbm_model().fit(FRAME, Y, categorical_feature=["code"]),
    "lightgbm by position": lambda: lightgbm_model().fit(
        FRAME.to_numpy(), Y, categorical_feature=[0]
    ),
    "lightgbm in its parameters": lambda: lightgbm_model(categorical_feature=[0]).fit(FRAME, Y),
    "lightgbm's booster": lambda: (
        lightgbm_model().fit(FRAME, Y, categorical_feature=["code"]).booster_
    ),
    "catboost": lambda: catboost_model(FRAME),
    "xgboost": xgboost_model,
    "scikit-learn": lambda: boosted(["code"]).fit(FRAME, Y),
    "pipeline": lambda: encoded((one_hot(), ["code"])),
}


def probability(model, rows):
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(rows))[:, 1]
    return np.asarray(model.predict(rows))


@pytest.mark.parametrize("library", LIBRARIES)
def test_codes_of_a_model_are_levels_without_being_told(library):
    """Only codes of the training data are drawn, and the weight is the effect of the code."""
    model = LIBRARIES[library]()
    seen = []
    explainer = lime(FRAME, model, lambda d: (seen.append(d.copy()), d)[1])
    label = {"n_labels": 2} if library.endswith("booster") else {"labels": [1]}
    explanation = explain(CASE, explainer, n_permutations=2000, random_state=1, **label)
    explanation = explanation[explanation["label"].astype(str) == "1"]
    drawn = pd.concat(seen)
    assert set(drawn["code"].unique()) <= set(CODES)
    assert drawn.dtypes.equals(FRAME.dtypes)
    assert "code = 14" in explanation["feature_desc"].tolist()
    own = probability(model, FRAME.assign(code=14)).mean()
    others = np.resize(FRAME.loc[FRAME["code"] != 14, "code"].to_numpy(), N)
    contrast = own - probability(model, FRAME.assign(code=others)).mean()
    assert weights_of(explanation)["code"] == pytest.approx(contrast, abs=0.2)
    [amount] = explanation.loc[explanation["feature"] == "amount", "feature_desc"]
    assert "<" in amount  # the other column stays a quantity


def test_lightgbm_writes_blanks_in_names_as_underscores():
    frame = FRAME.rename(columns={"code": "the code"})
    model = lightgbm_model().fit(frame, Y, categorical_feature=["the code"])
    assert list(categorical_columns(model, list(frame))) == ["the code"]


@pytest.mark.parametrize("term", ["C(code)", "C(code, Treatment(14))", 'C(Q("code"))'])
def test_a_formula_makes_codes_categorical(term):
    model = smf.ols(f"y ~ {term} + amount", FRAME.assign(y=ODDS)).fit()
    explainer = lime(FRAME, model)
    assert explainer.feature_type["code"] == "factor"
    assert explainer.feature_type["kind"] == "integer"
    weights = weights_of(explain(CASE, explainer, n_permutations=1000, random_state=1))
    assert weights["code"] == pytest.approx(5, abs=0.3)


def test_h2o_keeps_the_categories_of_its_columns():
    from pylime.models.h2o import categorical_columns_of_h2o_model

    output = {"names": ["amount", "code", "y"], "domains": [None, ["3", "14"], ["0", "1"]]}
    model = SimpleNamespace(_model_json={"output": output})
    assert categorical_columns_of_h2o_model(model, COLUMNS) == ["code"]


def test_an_encoder_in_preprocess_counts_like_one_in_the_model():
    pipeline = encoded((one_hot(), ["code"]))
    explainer = lime(FRAME, pipeline[-1], pipeline[:-1].transform)
    assert explainer.feature_type["code"] == "factor"


def test_an_encoder_that_refuses_unknown_codes_never_meets_one():
    model = encoded((OneHotEncoder(), ["code"]))
    explanation = explain(FRAME.head(3), lime(FRAME, model), n_permutations=1000, random_state=1)
    assert explanation["case"].nunique() == 3
    with pytest.raises(CaseError, match="'code' has the level 77, which is not in the training"):
        explain(FRAME.head(1).assign(code=77), lime(FRAME, model), n_permutations=100)


def test_a_model_of_ones_own_names_its_columns():
    class Scorecard:
        def __call__(self, rows):
            return np.asarray(rows["code"] == 14, dtype=float)

    @categorical_columns.register
    def categorical_columns_of_scorecard(model: Scorecard, columns):
        return [name for name in columns if name == "code"]

    assert lime(FRAME, as_regressor(Scorecard())).feature_type["code"] == "factor"


def truth(d):
    return np.where(d["code"] == 14, 0.9, 0.2)


@pytest.mark.parametrize(
    "categorical", [["code"], "code", ("code",), {"code"}, np.array(["code"]), {"code": None}]
)
def test_categorical_names_the_columns_of_codes(categorical):
    seen = []
    model = as_classifier(lambda d: (seen.append(d.copy()), truth(d))[1], ["no", "yes"])
    explainer = lime(FRAME, model, categorical=categorical)
    explanation = explain(CASE, explainer, labels="yes", random_state=1)
    assert set(pd.concat(seen)["code"].unique()) <= set(CODES)
    assert weights_of(explanation)["code"] == pytest.approx(0.7, abs=0.05)
    assert "code = 14" in explanation["feature_desc"].tolist()


@pytest.mark.parametrize("categorical", [[1], [np.int64(1)], ["x1"], {1: None}])
@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.float32, np.int16])
def test_categorical_takes_positions_of_an_array(categorical, dtype):
    array = np.column_stack([FRAME["amount"].round(), FRAME["code"]]).astype(dtype)
    model = as_classifier(lambda a: np.where(a[:, 1] == 14, 0.9, 0.2), ["no", "yes"])
    explainer = lime(array, model, categorical=categorical)
    case = array[array[:, 1] == 14][:1]
    explanation = explain(case, explainer, labels="yes", random_state=1)
    assert weights_of(explanation)["x1"] == pytest.approx(0.7, abs=0.05)
    assert "x1 = 14" in explanation["feature_desc"].tolist()


@pytest.mark.parametrize(
    "dtype",
    ["int64", "uint8", "float64", "Int64", "Float64", "object", "int64[pyarrow]", "Sparse[int]"],
)
def test_codes_of_every_type_of_number(dtype):
    frame = FRAME.astype({"code": dtype})
    seen = []
    model = as_regressor(
        lambda d: (seen.append(d), np.array([float(c) for c in d["code"]]) == 14)[1]
    )
    explanation = explain(
        frame.loc[CASE.index], lime(frame, model, categorical="code"), random_state=1
    )
    assert weights_of(explanation)["code"] == pytest.approx(1, abs=0.05)
    assert "code = 14" in explanation["feature_desc"].tolist()
    assert seen[-1].dtypes.equals(frame.dtypes)


def test_codes_with_gaps():
    frame = FRAME.assign(code=FRAME["code"].where(RANDOM.random(N) < 0.8))
    model = as_regressor(lambda d: 1.0 * d["code"].isna() + 2.0 * (d["code"] == 14))
    explainer = lime(frame, model, categorical=["code"])
    gap = explain(frame[frame["code"].isna()].head(1), explainer, random_state=1)
    assert "code is missing" in gap["feature_desc"].tolist()
    whole = explain(frame[frame["code"] == 14].head(1), explainer, random_state=1)
    assert "code = 14" in whole["feature_desc"].tolist()
    new = explain(frame.head(1).assign(code=77.0), explainer, random_state=1)
    assert "code = 77 (new)" in new["feature_desc"].tolist()


@pytest.mark.parametrize("names", [{3: "red", 14: "green"}, [*"abcdefghijklmn", "green"]])
def test_codes_have_the_names_that_the_user_gives_them(names):
    model = as_regressor(truth)
    explainer = lime(FRAME, model, categorical={"code": names})
    explanation = explain(CASE, explainer, n_permutations=500, random_state=1)
    row = explanation.set_index("feature").loc["code"]
    assert row["feature_desc"] == "code = green"
    assert row["feature_value"] == 14
    unnamed = FRAME[FRAME["code"] == 90].head(1)
    explanation = explain(unnamed, explainer, n_permutations=500, random_state=1)
    assert "code = 90" in explanation["feature_desc"].tolist()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"categorical": ["colour"]}, ValueError, "`categorical` must be columns of `x`: 'code'"),
        ({"hold": (name for name in ["code"])}, ValueError, "`hold` must be columns of `x`"),
        ({"categorical": [0]}, ValueError, "`categorical` must be columns of `x`.*; not 0"),
        ({"categorical": {"code": "red"}}, TypeError, "`categorical` must lead from columns to"),
        ({"categorical": [["code"]]}, TypeError, "`categorical` must be a list of columns"),
        ({"hold": ["colour"]}, ValueError, "`hold` must be columns of `x`"),
        ({"hold": COLUMNS}, ValueError, "`hold` must leave a column to explain"),
        ({"dates": "keep"}, ValueError, "`dates` must be one of None, 'hold', 'draw'"),
        ({"categorical_features": [0]}, TypeError, "Use `categorical`"),
        ({"categorical_names": {0: []}}, TypeError, "Use `categorical`"),
        ({"feature_names": ["a"]}, TypeError, "Use a data frame as `x`"),
        ({"class_names": ["a"]}, TypeError, r"Use as_classifier\(model, labels="),
        ({"mode": "regression"}, TypeError, r"Use as_classifier\(model\) or as_regressor\(model\)"),
    ],
)
def test_unusable_options_name_the_cure(options, error, message):
    with pytest.raises(error, match=message):
        lime(FRAME, as_regressor(truth), **options)


def test_a_position_beyond_an_array():
    with pytest.raises(ValueError, match="`categorical` must be positions up to 2, or names"):
        lime(FRAME.to_numpy(), as_regressor(lambda a: a[:, 0]), categorical=[3])
