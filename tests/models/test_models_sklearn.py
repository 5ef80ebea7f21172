"""scikit-learn: several outputs, labels of every type, and what has no probabilities."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from pylime import as_classifier, as_regressor, explain, lime, model_type, predict_model
from pylime.models import predict

X = pd.DataFrame(np.random.default_rng(1).normal(size=(120, 3)), columns=["a", "b", "c"])
LABELS = np.column_stack([X["a"] > 0, X["b"] > 0, X["c"] > 0]).astype(int)
WORDS = np.where(X["a"] > 0, "yes", "no")
LINE = LogisticRegression()
TREE = DecisionTreeClassifier(random_state=1)
STACK = StackingClassifier([("tree", TREE)], final_estimator=TREE, cv=2)
NETWORK = MLPClassifier([8], solver="lbfgs", max_iter=500, random_state=1)


def fitted(model, target=None, rows=X):
    return clone(model).fit(rows, target)


def scaled(model):
    return make_pipeline(StandardScaler(), model)


SEVERAL_LABELS = {
    "network": NETWORK,
    "one against the rest": OneVsRestClassifier(LINE),
    "one tree against the rest": OneVsRestClassifier(TREE),
    "tree": TREE,
    "forest": RandomForestClassifier(10, random_state=1),
    "neighbours": KNeighborsClassifier(5),
    "a model each": MultiOutputClassifier(LINE),
    "chain": ClassifierChain(LINE),
    "stack": STACK,
    "network in a pipeline": scaled(NETWORK),
    "stack in a pipeline": scaled(STACK),
    "search": GridSearchCV(scaled(MultiOutputClassifier(LINE)), {}, cv=2),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("name", SEVERAL_LABELS)
def test_each_label_has_its_own_probability(name, n):
    target = LABELS[:, :n]
    model = fitted(SEVERAL_LABELS[name], target)
    assert model_type(model) == "classification"
    assert not predict(model, X, n=len(X)).exclusive
    probabilities = predict_model(model, X, type="prob")
    assert list(probabilities) == [f"y{position}" for position in range(n)]
    assert ((probabilities > 0.5) == target).mean(axis=None) > 0.8
    assert lime(X, model)  # nothing is said of sums that are not 1


def test_classes_that_are_counted_are_no_labels():
    for rows in (X, X.to_numpy()):
        model = fitted(LINE, LABELS.sum(axis=1), rows)
        probabilities = predict_model(model, rows, type="prob")
        assert list(probabilities) == [0, 1, 2, 3]
        assert predict(model, rows, n=len(rows)).exclusive


def test_trees_are_not_asked_a_second_time(monkeypatch):
    model = fitted(scaled(TREE), LABELS.sum(axis=1))
    monkeypatch.setattr(model[-1], "predict", None)
    assert list(predict_model(model, X, type="prob")) == [0, 1, 2, 3]


def test_a_label_that_never_occurs_has_probability_0():
    target = LABELS * [1, 0, 1]
    probabilities = predict_model(fitted(KNeighborsClassifier(), target), X, type="prob")
    assert list(probabilities) == ["y0", "y1", "y2"]
    assert (probabilities["y1"] == 0).all()


@pytest.mark.parametrize("model", [RandomForestClassifier(5), MultiOutputClassifier(LINE)])
def test_outputs_of_several_classes_name_output_and_class(model):
    colours = np.where(X["a"] > 0, "red", "blue")
    sizes = np.array(["s", "m", "l"])[LABELS[:, 1] + LABELS[:, 2]]
    model = fitted(model, np.column_stack([colours, sizes]))
    probabilities = predict_model(model, X, type="prob")
    assert list(probabilities) == ["y0=blue", "y0=red", "y1=l", "y1=m", "y1=s"]
    np.testing.assert_allclose(probabilities.filter(like="y0").sum(axis=1), 1)
    explanation = explain(
        X.head(1), lime(X, model), labels="y0=red", n_features=1, n_permutations=300
    )
    assert explanation["feature"].tolist() == ["a"]


def test_of_several_numbers_one_must_be_chosen():
    model = fitted(MultiOutputRegressor(LinearRegression()), X[["b", "a"]])
    assert list(predict_model(model, X, type="raw")) == ["y0", "y1"]
    with pytest.raises(
        ValueError, match=r"2 outputs: 'y0', 'y1'.*as_regressor\(model, output='y0'"
    ):
        lime(X, model)
    chosen = predict_model(as_regressor(model, output="y1"), X, type="raw")
    np.testing.assert_allclose(chosen["Response"], X["a"])


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
        np.array([0, 1]),
        np.array([5, 7]),
        np.array([False, True]),
        np.array([1.0, 2.0]),
        pd.Categorical(["no", "yes"]),
    ],
)
def test_labels_are_plain_objects(classes):
    model = fitted(LINE, classes[LABELS[:, 0]])
    labels = predict_model(model, X, type="prob").columns.tolist()
    assert labels == list(classes)
    assert [type(label).__module__ for label in labels] == ["builtins"] * 2


WITHOUT = {
    "linear": LinearSVC(),
    "kernel": SVC(),
    "hinge": SGDClassifier(),
    "ridge": RidgeClassifier(),
    "pipeline": scaled(LinearSVC()),
    "search": GridSearchCV(scaled(LinearSVC()), {}, cv=2),
    "rest": OneVsRestClassifier(LinearSVC()),
    "soft vote": VotingClassifier([("svc", LinearSVC())], voting="soft"),
    "stack": StackingClassifier([("tree", TREE)], final_estimator=LinearSVC(), cv=2),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_classifiers_without_probabilities_are_found_out_at_once(name):
    model = fitted(WITHOUT[name], WORDS)
    with pytest.raises(TypeError, match=r"has no `predict_proba`.*CalibratedClassifierCV"):
        lime(X, model)


def test_the_estimator_that_lacks_probabilities_is_named():
    for name in ("pipeline", "soft vote"):
        with pytest.raises(TypeError, match=r"LinearSVC in .*CalibratedClassifierCV\(LinearSVC"):
            lime(X, fitted(WITHOUT[name], WORDS))
    with pytest.raises(TypeError, match=r"^OneVsOneClassifier has no `predict_proba`"):
        lime(X, fitted(OneVsOneClassifier(LINE), WORDS))
    with pytest.raises(TypeError, match=r'VotingClassifier only votes.*voting="soft"'):
        lime(X, fitted(VotingClassifier([("svc", LinearSVC())]), WORDS))


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        (IsolationForest(n_estimators=5), r"as_regressor\(model.decision_function\)"),
        (KMeans(2, n_init=1), r"as_classifier\(lambda x: numpy.eye"),
        (DBSCAN(), "Fit a classifier to what it found"),
        (GaussianMixture(2), r"as_classifier\(model\)"),
        (PCA(), "make_pipeline"),
        (scaled(PCA()), "make_pipeline"),
        (KernelDensity(), r"as_regressor\(model.score_samples\)"),
    ],
)
def test_what_is_no_model_is_told_another_way(model, advice):
    with pytest.raises(TypeError, match=f"neither a classifier nor a regressor; .*{advice}"):
        lime(X, fitted(model))


def test_the_other_ways_work():
    mixture, groups = fitted(GaussianMixture(2, random_state=1)), fitted(KMeans(2, n_init=1))
    lonely = fitted(IsolationForest(n_estimators=5, random_state=1))
    assert lime(X, as_classifier(mixture))
    assert lime(X, as_classifier(lambda x: np.eye(2)[groups.predict(x)]))
    assert lime(X, as_regressor(lonely.decision_function))
    shares = as_classifier(fitted(LinearRegression(), LABELS[:, 0] * 0.5 + 0.25), ["no", "yes"])
    assert list(predict_model(shares, X, type="prob")) == ["no", "yes"]


def test_scores_of_a_regressor_may_be_those_of_a_class():
    model = fitted(LinearRegression(), X["a"])
    wrapped = as_classifier(model, ["no", "yes"], activation="sigmoid")
    probabilities = predict_model(wrapped, X, type="prob")
    np.testing.assert_allclose(probabilities["yes"], 1 / (1 + np.exp(-X["a"])))


@pytest.mark.parametrize(
    "model",
    [LINE, LinearRegression(), scaled(LINE), GridSearchCV(LINE, {}), STACK, scaled(LinearSVC())],
)
def test_unfitted_models_are_found_out_at_once(model):
    with pytest.raises(ValueError, match="not fitted yet"):
        lime(X, clone(model))


def test_a_single_class_is_nothing_to_explain():
    with pytest.raises(ValueError, match="a single class, 'only'"):
        lime(X, fitted(DummyClassifier(), ["only"] * len(X)))


ROWS = {
    "frame": X,
    "array": X.to_numpy(),
    "numbered": X.set_axis(range(3), axis=1),
    "words": X.assign(a=np.where(X["a"] > 0, "1", "0")),
    "logical": X.assign(a=X["a"] > 0),
}


@pytest.mark.parametrize("given", ["frame", "array", "numbered", "logical"])
@pytest.mark.parametrize("fitted_on", ["frame", "array", "numbered"])
@pytest.mark.parametrize(
    "model",
    [
        scaled(LINE),
        GridSearchCV(scaled(LINE), {}, cv=2),
        CalibratedClassifierCV(LinearSVC(), cv=2),
        StackingClassifier([("tree", TREE)], cv=2),
        make_pipeline(FunctionTransformer(), LINE),
        VotingClassifier([("line", LINE)], voting="soft"),
    ],
)
def test_nothing_is_said_of_feature_names(model, fitted_on, given):
    model = fitted(model, WORDS, ROWS[fitted_on])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(predict_model(model, ROWS[given], type="prob")) == ["no", "yes"]


@pytest.mark.filterwarnings("error")
def test_words_for_a_model_of_arrays_stay_words():
    model = make_pipeline(
        FunctionTransformer(lambda rows: np.asarray(rows)[:, 1:].astype(float), validate=False),
        LINE,
    )
    rows = ROWS["words"]
    model.fit(rows.to_numpy(), WORDS)
    assert predict_model(model, rows, type="prob").shape == (120, 2)
