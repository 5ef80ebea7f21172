"""Explanations of every kind, which tests of other tools and of files share."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd

from pylime import as_classifier, as_regressor, explain, lime, load_image_example

SETTINGS = {"n_permutations": 200, "random_state": 1}


def of_columns(**options) -> pd.DataFrame:
    """A table of numbers, whole numbers with gaps, texts, levels, logicals, dates and decimals."""
    n = 8
    random = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "number": random.normal(size=n),
            "count": pd.array(random.integers(0, 9, n), dtype="Int64"),
            "town": random.choice(["Tromsø", "東京", 'a "quoted", one'], n),
            "kind": pd.Categorical(random.choice(["10", "9"], n)),
            "member": random.random(n) < 0.5,
            "since": pd.date_range("2026-01-01", periods=n, tz="Europe/Oslo"),
            "price": [Decimal("10.50"), Decimal("9.50")] * (n // 2),
            "odd": np.array([1, "two", None, 2.5, pd.NA, 1, 2, 3], dtype=object),
        },
        index=[f"00{number}" for number in range(n)],
    )
    rows.iloc[1, :2] = [np.nan, pd.NA]

    def model(rows):
        return 1 / (1 + np.exp(-rows["number"].fillna(0) - rows["member"]))

    explainer = lime(rows, as_classifier(model, ["no", "yes"]), dates="draw")
    return explain(rows.head(4), explainer, **{"n_features": 8, **SETTINGS, **options})


def _trusted() -> pd.DataFrame:
    return of_columns(
        n_labels=2, intervals=True, contributions=True, quality=True, feature_select="none"
    )


def _labels() -> pd.DataFrame:
    """Eleven labels that are numbers."""
    rows = np.random.default_rng(3).normal(size=(60, 4))
    scale = np.linspace(0.1, 1.2, 11)

    def model(rows):
        scores = np.exp(np.outer(np.asarray(rows).sum(axis=1), scale))
        return scores / scores.sum(axis=1, keepdims=True)

    explainer = lime(rows, as_classifier(model, list(range(11))))
    return explain(rows[:12], explainer, n_labels=11, n_features=2, **SETTINGS)


def _regression(bin_continuous: bool = True) -> pd.DataFrame:
    rows = pd.DataFrame(np.random.default_rng(2).normal(size=(50, 3)) * 10, columns=list("abc"))
    model = as_regressor(lambda rows: rows.to_numpy() @ [1.0, 2.0, 0.3])
    explainer = lime(rows, model, bin_continuous=bin_continuous)
    return explain(rows.head(12), explainer, n_features=3, intervals=True, **SETTINGS)


def _texts(**options) -> pd.DataFrame:
    texts = [
        "no, no and 2020: a good, good film",
        "Ein schöner Film 😀 good 7",
        "<b>good</b> & bad",
    ]
    model = as_classifier(lambda texts: [0.1 + 0.2 * text.count("good") for text in texts])
    explainer = lime(texts, model, **options)
    return explain(texts, explainer, n_labels=2, intervals=True, **SETTINGS)


def _texts_of_a_regressor() -> pd.DataFrame:
    texts = ["in 2020 there were 12 of 7", "12 and 2020"]
    model = as_regressor(lambda texts: [float(len(text)) for text in texts])
    return explain(texts, lime(texts, model), **SETTINGS)


EXPLANATIONS: dict[str, Callable[[], pd.DataFrame]] = {
    "columns": of_columns,
    "trust": _trusted,
    "labels": _labels,
    "regression": _regression,
    "regression without bins": lambda: _regression(bin_continuous=False),
    "texts": _texts,
    "positions": lambda: _texts(keep_word_position=True),
    "numbers in texts": _texts_of_a_regressor,
    "image": load_image_example,
}
