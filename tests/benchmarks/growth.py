"""How the time of an explanation grows with its size."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from subjects import cancer, corner, count_letters, logistic, photo, words

from pylime import (
    as_classifier,
    augment,
    compare_explanations,
    explain,
    feature_importance,
    glance,
    lime,
    pick_cases,
)


def table_of(n_columns: int) -> tuple[pd.DataFrame, Any]:
    """1000 rows of numbers, and a model that every column moves."""
    random = np.random.default_rng(0)
    names = [f"x{k}" for k in range(n_columns)]
    rows = pd.DataFrame(random.normal(size=(1000, n_columns)), columns=names)
    slopes = random.normal(size=n_columns) / np.sqrt(n_columns)
    return rows, as_classifier(lambda frame: 1 / (1 + np.exp(-frame.to_numpy() @ slopes)))


def cases(n: int) -> Callable[[], Any]:
    """Many rows, 30 columns."""
    rows, _ = cancer()
    explainer = lime(rows.to_numpy(), as_classifier(logistic()))
    some = rows.sample(n, replace=True, random_state=0).to_numpy()
    return lambda: explain(some, explainer, random_state=1)


def columns(n: int) -> Callable[[], Any]:
    """One row, 5000 permutations, 10 features."""
    rows, model = table_of(n)
    explainer = lime(rows, model)
    return lambda: explain(rows.head(1), explainer, n_features=10, random_state=1)


def permutations(n: int) -> Callable[[], Any]:
    """One row, 30 columns."""
    rows, _ = cancer()
    explainer = lime(rows.to_numpy(), as_classifier(logistic()))
    case = rows.to_numpy()[:1]
    return lambda: explain(case, explainer, n_permutations=n, random_state=1)


def text_words(n: int) -> Callable[[], Any]:
    """One text, 5000 permutations, 10 features."""
    text = words(n)
    explainer = lime(text, as_classifier(count_letters))
    return lambda: explain(text, explainer, n_features=10, random_state=1)


def superpixels(n: int) -> Callable[[], Any]:
    """One picture, 1000 permutations, 20 features."""
    array = photo()
    explainer = lime(array, as_classifier(corner))
    return lambda: explain(array, explainer, n_features=20, n_superpixels=n, random_state=1)


def explained(n: int, seed: int) -> pd.DataFrame:
    """An explanation of n cases, two labels and 5 of 30 columns, whose weights are made up."""
    random = np.random.default_rng(seed)
    column = np.argsort(random.random((n, 30)), axis=1)[:, :5].ravel()
    bins = random.integers(0, 4, 5 * n)
    described = [[f"{k} < x{name} <= {k + 1}" for k in range(4)] for name in range(30)]
    case = np.repeat(np.arange(n), 5)
    return pd.DataFrame(
        {
            "model_type": "classification",
            "case": case,
            "label": np.array(["no", "yes"])[random.integers(0, 2, n)][case],
            "label_prob": random.uniform(0.5, 1, n)[case],
            "model_r2": random.random(n)[case],
            "model_intercept": random.random(n)[case],
            "model_prediction": random.random(n)[case],
            "feature": np.array([f"x{k}" for k in range(30)])[column],
            "feature_value": bins,
            "feature_weight": random.normal(size=5 * n),
            "feature_desc": np.array(described)[column, bins],
        }
    )


def summaries(n: int) -> Callable[[], Any]:
    """Everything that summarises, picks and compares, of many cases that are explained already."""
    one, other = explained(n, seed=0), explained(n, seed=1)
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(n, 30)))

    def all_of_them() -> None:
        glance(one)
        augment(rows, one)
        feature_importance(one)
        pick_cases(one, 20, by="feature_desc")
        compare_explanations({"one": one, "other": other})

    return all_of_them


GROWTH: dict[str, tuple[Callable[[int], Callable[[], Any]], tuple[int, ...]]] = {
    "cases": (cases, (1, 10, 100, 1000)),
    "columns": (columns, (5, 50, 500)),
    "permutations": (permutations, (500, 5000, 50_000)),
    "words": (text_words, (10, 100, 1000)),
    "superpixels": (superpixels, (20, 100, 500)),
    "explained cases": (summaries, (1000, 10_000, 100_000)),
}


def exponents(sizes: tuple[int, ...], seconds: list[float]) -> tuple[float, float]:
    """Slope of log time over log size: over all sizes, and over the last step."""
    x, y = np.log(sizes), np.log(seconds)
    return float(np.polyfit(x, y, 1)[0]), float((y[-1] - y[-2]) / (x[-1] - x[-2]))


def grow(times: Callable[..., dict[str, float]]) -> Iterator[tuple[str, str, str, str, str]]:
    """Rows of the table: what grows, sizes, milliseconds, both exponents."""
    for name, (make, sizes) in GROWTH.items():
        sides = {str(size): make(size) for size in sizes}
        found = list(times(sides, 3).values())
        overall, last = exponents(sizes, found)
        yield (
            name,
            ", ".join(map(str, sizes)),
            ", ".join(f"{1e3 * seconds:.0f}" for seconds in found),
            f"{overall:.2f}",
            f"{last:.2f}",
        )
