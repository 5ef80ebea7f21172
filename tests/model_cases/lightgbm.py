"""lightgbm: boosters and estimators."""

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

OPTIONS = {"num_threads": 1, "verbose": -1, "seed": 1}


def codes(target: Any) -> np.ndarray:
    return np.unique(target, return_inverse=True)[1]


def in_categories() -> pd.DataFrame:
    return rows_with_words().astype({"colour": "category"})


def booster(objective: str, rows: pd.DataFrame, target: Any, **options: Any) -> Any:
    import lightgbm

    options = {"objective": objective, **OPTIONS, **options}
    return lightgbm.train(options, lightgbm.Dataset(rows, target), 20)


def of_two() -> Subject:
    rows = rows_of_numbers()
    model = booster("binary", rows, codes(two_classes(rows["signal"])))
    return Subject(model, rows, [0, 1], "signal")


def from_text() -> Subject:
    import lightgbm

    rows = in_categories()
    trained = booster("multiclass", rows, codes(rows["colour"]), num_class=3)
    model = lightgbm.Booster(model_str=trained.model_to_string())
    return Subject(model, rows, [0, 1, 2], "colour")


def of_shares() -> Subject:
    rows = rows_of_numbers()
    model = booster("cross_entropy", rows, 1 / (1 + np.exp(-response(rows["signal"]))))
    return Subject(model, rows, [0, 1], "signal")


def quantile() -> Subject:
    rows = rows_of_numbers()
    model = booster("quantile", rows, response(rows["signal"]), alpha=0.3)
    return Subject(model, rows, None, "signal")


def estimator(name: str, rows: Any, target: Any, **options: Any) -> Any:
    import lightgbm

    model = getattr(lightgbm, name)(n_estimators=20, n_jobs=1, verbose=-1)
    return model.fit(rows, target, **options)


def classifier() -> Subject:
    rows = rows_of_numbers()
    model = estimator("LGBMClassifier", rows, three_classes(rows["signal"]))
    return Subject(model, rows, ["low", "middle", "top"], "signal")


def classifier_of_categories() -> Subject:
    rows = in_categories()
    model = estimator("LGBMClassifier", rows, np.where(rows["colour"] == "red", "yes", "no"))
    return Subject(model, rows, ["no", "yes"], "colour")


def regressor_of_arrays() -> Subject:
    rows = rows_of_numbers()
    model = estimator("LGBMRegressor", rows.to_numpy(), response(rows["signal"]))
    return Subject(model, rows.to_numpy(), None, "x2")


def ranker() -> Subject:
    rows = rows_of_numbers()
    target = codes(three_classes(rows["signal"]))
    model = estimator("LGBMRanker", rows, target, group=[10] * (len(rows) // 10))
    return Subject(model, rows, None, "signal")


LIBRARY = "LightGBM"
CASES = [
    ModelCase(LIBRARY, name, task, build, "lightgbm")
    for name, task, build in [
        ("Booster", "two classes", of_two),
        ("Booster (cross_entropy)", "two classes", of_shares),
        ("LGBMClassifier", "two classes", classifier_of_categories),
        ("Booster from a file", "several classes", from_text),
        ("LGBMClassifier", "several classes", classifier),
        ("Booster (quantile)", "regression", quantile),
        ("LGBMRegressor", "regression", regressor_of_arrays),
        ("LGBMRanker", "regression", ranker),
    ]
]
