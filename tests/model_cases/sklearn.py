"""scikit-learn: estimators, pipelines, and what goes around them."""

from typing import Any

import numpy as np
import pandas as pd

from . import ModelCase, Subject, response, rows_of_numbers, rows_with_words, two_classes
from . import three_classes as classes

NAMES = ["low", "middle", "top"]


def fitted(model: Any, target: Any = None, labels: Any = None) -> Subject:
    rows = rows_of_numbers()
    return Subject(model.fit(rows, target(rows["signal"])), rows, labels, "signal")


def of_two(model: Any) -> Subject:
    return fitted(model, two_classes, ["no", "yes"])


def of_three(model: Any) -> Subject:
    return fitted(model, classes, NAMES)


def of_numbers(model: Any) -> Subject:
    return fitted(model, response)


def red(rows: pd.DataFrame) -> np.ndarray:
    return np.where(rows["colour"] == "red", "yes", "no")


def labels_of(signal: Any) -> np.ndarray:
    """Two labels: the first is chance, the second the signal's sign."""
    return np.column_stack([np.arange(len(signal)) % 2, two_classes(signal) == "yes"]).astype(int)


def logistic() -> Subject:
    from sklearn.linear_model import LogisticRegression

    return of_two(LogisticRegression())


def forest() -> Subject:
    from sklearn.ensemble import RandomForestClassifier

    return of_three(RandomForestClassifier(20, random_state=1))


def forest_of_arrays() -> Subject:
    from sklearn.ensemble import RandomForestRegressor

    rows = rows_of_numbers()
    model = RandomForestRegressor(20, random_state=1)
    model.fit(rows.to_numpy(), response(rows["signal"]))
    return Subject(model, rows.to_numpy(), None, "x2")


def histograms() -> Subject:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    words = make_column_selector(dtype_exclude="number")
    encoded = make_column_transformer(
        (OrdinalEncoder(), words), remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    boosted = HistGradientBoostingClassifier(
        max_iter=20, categorical_features=["colour", "shape"], random_state=1
    )
    rows = rows_with_words()
    model = make_pipeline(encoded, boosted).fit(rows, red(rows))
    return Subject(model, rows, ["no", "yes"], "colour")


def mixed_columns() -> Subject:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    prepared = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(), make_column_selector(dtype_exclude="number")),
    )
    rows = rows_with_words()
    model = make_pipeline(prepared, LogisticRegression()).fit(rows, rows["colour"])
    return Subject(model, rows, ["blue", "green", "red"], "colour")


def boosted_numbers() -> Subject:
    from sklearn.ensemble import GradientBoostingRegressor

    return of_numbers(GradientBoostingRegressor(n_estimators=30, random_state=1))


def line() -> Subject:
    from sklearn.linear_model import LinearRegression

    return of_numbers(LinearRegression())


def support_vectors() -> Subject:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    return of_numbers(TransformedTargetRegressor(SVR(), transformer=StandardScaler()))


def one_of_several_numbers() -> Subject:
    from sklearn.linear_model import LinearRegression
    from sklearn.multioutput import MultiOutputRegressor

    from pylime import as_regressor

    rows = rows_of_numbers()
    targets = np.column_stack([rows["noise"], response(rows["signal"])])
    model = MultiOutputRegressor(LinearRegression()).fit(rows, targets)
    return Subject(as_regressor(model, output="y1"), rows, None, "signal")


def search() -> Subject:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    return of_three(GridSearchCV(pipeline, {"logisticregression__C": [0.5, 1]}, cv=2))


def calibrated() -> Subject:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import LinearSVC

    return of_two(CalibratedClassifierCV(LinearSVC(), cv=2))


def stack() -> Subject:
    from sklearn.ensemble import StackingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    parts = [("line", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=3))]
    return of_two(StackingClassifier(parts, cv=2))


def vote() -> Subject:
    from sklearn.ensemble import VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    parts = [("line", LogisticRegression()), ("bayes", GaussianNB())]
    return of_three(VotingClassifier(parts, voting="soft"))


def bayes() -> Subject:
    from sklearn.naive_bayes import GaussianNB

    return of_three(GaussianNB())


def neighbours() -> Subject:
    from sklearn.neighbors import KNeighborsClassifier

    return of_two(KNeighborsClassifier(20))


def network_of_labels() -> Subject:
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier([8], solver="lbfgs", alpha=1, max_iter=500, random_state=1)
    return fitted(network, labels_of, ["y0", "y1"])


def one_model_per_label() -> Subject:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multioutput import MultiOutputClassifier

    return fitted(MultiOutputClassifier(LogisticRegression()), labels_of, ["y0", "y1"])


def texts() -> Subject:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    documents = [
        f"{opening} {verdict} {closing}"
        for opening in ("the film was", "we found it", "it is")
        for verdict in ("wonderful", "dreadful")
        for closing in ("to watch", "from start to end", "as everyone says")
    ]
    verdicts = ["good" if "wonderful" in text else "bad" for text in documents]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(documents, verdicts)
    return Subject(model, documents, ["bad", "good"], "wonderful")


LIBRARY = "scikit-learn"
CASES = [
    ModelCase(LIBRARY, name, task, build, "sklearn")
    for name, task, build in [
        ("LogisticRegression", "two classes", logistic),
        ("KNeighborsClassifier", "two classes", neighbours),
        ("CalibratedClassifierCV", "two classes", calibrated),
        ("StackingClassifier", "two classes", stack),
        ("HistGradientBoostingClassifier in a Pipeline", "two classes", histograms),
        ("Pipeline of texts", "two classes", texts),
        ("RandomForestClassifier", "several classes", forest),
        ("GaussianNB", "several classes", bayes),
        ("VotingClassifier", "several classes", vote),
        ("GridSearchCV", "several classes", search),
        ("Pipeline", "several classes", mixed_columns),
        ("MLPClassifier", "several labels", network_of_labels),
        ("MultiOutputClassifier", "several labels", one_model_per_label),
        ("LinearRegression", "regression", line),
        ("GradientBoostingRegressor", "regression", boosted_numbers),
        ("RandomForestRegressor", "regression", forest_of_arrays),
        ("SVR in a TransformedTargetRegressor", "regression", support_vectors),
        ("MultiOutputRegressor", "regression", one_of_several_numbers),
    ]
]
