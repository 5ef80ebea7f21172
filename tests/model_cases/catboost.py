"""CatBoost: models of all its classes."""

from typing import Any

import numpy as np

from . import (
    ModelCase,
    Subject,
    response,
    rows_of_numbers,
    rows_with_words,
    three_classes,
    two_classes,
)


def trained(name: str, rows: Any, target: Any, **options: Any) -> Any:
    import catboost

    fitting = {"group_id": options.pop("group_id")} if "group_id" in options else {}
    quiet = {"verbose": False, "allow_writing_files": False, "thread_count": 1}
    options = {"iterations": 30, "depth": 4, "random_seed": 1, **quiet, **options}
    if name == "CatBoost":
        return catboost.CatBoost(options).fit(rows, target)
    return getattr(catboost, name)(**options).fit(rows, target, **fitting)


def of_two() -> Subject:
    rows = rows_of_numbers()
    model = trained("CatBoostClassifier", rows, two_classes(rows["signal"]))
    return Subject(model, rows, ["no", "yes"], "signal")


def of_strings() -> Subject:
    rows = rows_with_words()
    model = trained("CatBoostClassifier", rows, rows["colour"], cat_features=["colour", "shape"])
    return Subject(model, rows, ["blue", "green", "red"], "colour")


def of_categories() -> Subject:
    rows = rows_with_words().astype({"colour": "category"})
    target = np.where(rows["colour"] == "red", 2.0, -1.0)
    model = trained("CatBoostRegressor", rows, target, cat_features=["colour", "shape"])
    return Subject(model, rows, None, "colour")


def plain() -> Subject:
    rows = rows_of_numbers()
    target = three_classes(rows["signal"])
    model = trained("CatBoost", rows, target, loss_function="MultiClass")
    return Subject(model, rows, ["low", "middle", "top"], "signal")


def of_labels() -> Subject:
    rows = rows_of_numbers()
    target = [np.arange(len(rows)) % 2, two_classes(rows["signal"]) == "yes"]
    model = trained(
        "CatBoostClassifier",
        rows,
        np.column_stack(target).astype(int),
        loss_function="MultiLogloss",
    )
    return Subject(model, rows, ["y0", "y1"], "signal")


def of_counts() -> Subject:
    rows = rows_of_numbers()
    target = np.exp(response(rows["signal"]) / 3).round()
    model = trained("CatBoost", rows, target, loss_function="Poisson")
    return Subject(model, rows, None, "signal")


def of_arrays() -> Subject:
    rows = rows_of_numbers()
    model = trained("CatBoostRegressor", rows.to_numpy(), response(rows["signal"]))
    return Subject(model, rows.to_numpy(), None, "x2")


def ranker() -> Subject:
    rows = rows_of_numbers()
    target = two_classes(rows["signal"]) == "yes"
    group = np.arange(len(rows)) // 10
    model = trained("CatBoostRanker", rows, target.astype(int), group_id=group)
    return Subject(model, rows, None, "signal")


LIBRARY = "CatBoost"
CASES = [
    ModelCase(LIBRARY, name, task, build, "catboost")
    for name, task, build in [
        ("CatBoostClassifier", "two classes", of_two),
        ("CatBoostClassifier", "several classes", of_strings),
        ("CatBoost", "several classes", plain),
        ("CatBoostClassifier", "several labels", of_labels),
        ("CatBoostRegressor", "regression", of_arrays),
        ("CatBoostRegressor (categories)", "regression", of_categories),
        ("CatBoost (Poisson)", "regression", of_counts),
        ("CatBoostRanker", "regression", ranker),
    ]
]
