"""xgboost: boosters and estimators."""

from typing import Any

import numpy as np
import pandas as pd

from . import (
    ModelCase,
    Subject,
    response,
    rows_of_numbers,
    rows_with_words,
    three_classes,
    two_classes,
)

OPTIONS = {"max_depth": 3, "seed": 1}


def codes(target: Any) -> np.ndarray:
    return np.unique(target, return_inverse=True)[1]


def in_categories() -> pd.DataFrame:
    return rows_with_words().astype({"colour": "category"})


def booster(objective: str, rows: pd.DataFrame, target: Any, **options: Any) -> Any:
    import xgboost

    matrix = xgboost.DMatrix(rows, target, enable_categorical=True)
    return xgboost.train({"objective": objective, "nthread": 1, **OPTIONS, **options}, matrix, 20)


def of_two() -> Subject:
    rows = rows_of_numbers()
    model = booster("binary:logistic", rows, codes(two_classes(rows["signal"])))
    return Subject(model, rows, [0, 1], "signal")


def of_scores() -> Subject:
    rows = rows_of_numbers()
    model = booster("binary:logitraw", rows, codes(two_classes(rows["signal"])))
    return Subject(model, rows, [0, 1], "signal")


def of_three() -> Subject:
    rows = rows_of_numbers()
    model = booster("multi:softmax", rows, codes(three_classes(rows["signal"])), num_class=3)
    return Subject(model, rows, [0, 1, 2], "signal")


def of_categories() -> Subject:
    rows = in_categories()
    model = booster("multi:softprob", rows, codes(rows["colour"]), num_class=3)
    return Subject(model, rows, [0, 1, 2], "colour")


def of_counts() -> Subject:
    rows = rows_of_numbers()
    model = booster("count:poisson", rows, np.exp(response(rows["signal"]) / 3).round())
    return Subject(model, rows, None, "signal")


def of_a_matrix() -> Subject:
    import xgboost

    rows = rows_of_numbers()
    model = booster("reg:squarederror", rows, response(rows["signal"]))
    return Subject(model, rows, None, "signal", preprocess=xgboost.DMatrix)


def estimator(name: str, rows: pd.DataFrame, target: Any, **options: Any) -> Any:
    import xgboost

    model = getattr(xgboost, name)(n_estimators=20, max_depth=3, n_jobs=1, **options)
    return model.fit(rows, target)


def classifier() -> Subject:
    rows = rows_of_numbers()
    model = estimator("XGBClassifier", rows, codes(three_classes(rows["signal"])))
    return Subject(model, rows, [0, 1, 2], "signal")


def classifier_of_categories() -> Subject:
    rows = in_categories()
    red = (rows["colour"] == "red").astype(int)
    model = estimator("XGBClassifier", rows, red, enable_categorical=True)
    return Subject(model, rows, [0, 1], "colour")


def classifier_of_labels() -> Subject:
    rows = rows_of_numbers()
    chance = np.arange(len(rows)) % 2
    labels = np.column_stack([chance, 1 - chance, codes(two_classes(rows["signal"]))])
    return Subject(estimator("XGBClassifier", rows, labels), rows, ["y0", "y1", "y2"], "signal")


def forest() -> Subject:
    rows = rows_of_numbers()
    model = estimator("XGBRFClassifier", rows, codes(two_classes(rows["signal"])))
    return Subject(model, rows, [0, 1], "signal")


def regressor() -> Subject:
    rows = rows_of_numbers()
    return Subject(estimator("XGBRegressor", rows, response(rows["signal"])), rows, None, "signal")


def ranker() -> Subject:
    import xgboost

    rows = rows_of_numbers()
    model = xgboost.XGBRanker(n_estimators=20, n_jobs=1)
    model.fit(rows, codes(three_classes(rows["signal"])), qid=np.arange(len(rows)) // 10)
    return Subject(model, rows, None, "signal")


LIBRARY = "xgboost"
CASES = [
    ModelCase(LIBRARY, name, task, build, "xgboost")
    for name, task, build in [
        ("Booster", "two classes", of_two),
        ("Booster (logitraw)", "two classes", of_scores),
        ("XGBClassifier", "two classes", classifier_of_categories),
        ("XGBRFClassifier", "two classes", forest),
        ("Booster", "several classes", of_three),
        ("Booster (categories)", "several classes", of_categories),
        ("XGBClassifier", "several classes", classifier),
        ("XGBClassifier", "several labels", classifier_of_labels),
        ("Booster", "regression", of_a_matrix),
        ("Booster (poisson)", "regression", of_counts),
        ("XGBRegressor", "regression", regressor),
        ("XGBRanker", "regression", ranker),
    ]
]
