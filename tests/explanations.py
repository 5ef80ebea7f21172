"""Explanations of every kind, which tests of other tools and of files share."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pylime import Word, as_classifier, as_regressor, explain, lime, load_image_example
from pylime.frame import object_column

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


REVIEWS: dict[str, dict[str, Any]] = {
    "r1": {
        "title": "Superb country lodge",
        "body": 'Superb! Built in 2020, "quiet" & <b>superb</b>\nbeds.\nWe paid 7 & came back 😀.',
        "note: host": "reply: soon",
        "stars": 4.5,
        "shop": "note: host",
        "size_s": 0,
        "size_m": 1,
        "size_l": 0,
        "lat": 59.91,
        "lon": np.nan,
    },
    "r2": {
        "title": "מלון נורא",  # right to left
        "body": None,
        "note: host": "2020",
        "stars": 1.0,
        "shop": "<i>Oslo</i>",
        "size_s": 0,
        "size_m": 0,
        "size_l": 0,
        "lat": 60.39,
        "lon": 5.32,
    },
    "r3": {
        "title": "awful",
        "body": "It was awful, awful and " + "very, very slow. " * 40,
        "note: host": np.nan,
        "stars": 2.0,
        "shop": "Oslo",
        "size_s": 1,
        "size_m": 0,
        "size_l": 0,
        "lat": 59.9,
        "lon": 10.7,
    },
}
"""Rows with three columns of text, one of numbers, one of levels, and members of two groups."""

_SIZES = "size is none of s, m, l"
_SENTENCE = "We paid 7 & came back 😀."
# By case the column, the word or value, the description and the weight of each feature.
_WEIGHTS: dict[str, list[tuple[str, Any, str | None, float]]] = {
    "r1": [
        ("title", "Superb", None, 0.3),
        ("body", "Superb", None, 0.12),
        ("body", "superb", None, 0.1),
        ("body", "2020", None, -0.06),
        ("body", '"quiet"', None, 0.05),
        ("body", "<b>", None, -0.04),
        ("body", _SENTENCE, None, 0.07),
        ("note: host", "reply: soon", None, -0.03),
        ("place", {"lat": 59.91, "lon": np.nan}, "59.7 < lat <= 60, lon is missing", 0.08),
        ("size", "m", "size = m", 0.02),
        ("shop", "note: host", "shop = note: host", -0.015),
    ],
    "r2": [
        ("title", "נורא", None, -0.4),
        ("note: host", "2020", None, 0.05),
        ("stars", 1.0, "stars <= 2.5", -0.2),
        ("size", None, _SIZES, 0.03),
    ],
    "r3": [
        ("body", "awful", None, -0.35),
        ("body", "very", None, -0.02),
        ("place", {"lat": 59.9, "lon": 10.7}, "59.7 < lat <= 60, 8 < lon", 0.01),
        ("stars", 2.0, "stars <= 2.5", -0.15),
        ("shop", "Oslo", "shop = Oslo", 0.0),
        ("size", "s", "size = s", 0.04),
    ],
}


def spans_of(word: str, text: str) -> list[tuple[int, int]]:
    """Return the places of a word."""
    return [match.span() for match in re.finditer(re.escape(word), text)]


def of_records(
    records: Mapping[str, Mapping[str, Any]],
    weights: Mapping[str, Sequence[tuple[str, Any, str | None, float]]],
    regression: bool = False,
) -> pd.DataFrame:
    """
    Make an explanation of rows by hand, with intervals and contributions.

    A feature is its column, its word or value, its description (None of a word) and its weight.
    """
    rows: list[dict[str, Any]] = []
    for case, record in records.items():
        good = 0.5 + 0.4 * float(np.sign(sum(weight for *_, weight in weights[case])))
        for sign, label in [(1.0, "good"), (-1.0, "bad")][: 1 if regression else 2]:
            probability = good if sign > 0 else 1 - good
            local = probability - 0.01
            for column, value, description, weight in weights[case]:
                is_word = description is None
                feature = f"{column}: {value}" if is_word else column
                total = sign * sum(weight for *_, weight in weights[case])
                rows.append(
                    {
                        "model_type": "regression" if regression else "classification",
                        "case": case,
                        "label": label,
                        "label_prob": probability,
                        "model_r2": 0.62,
                        "model_intercept": local - total,
                        "model_prediction": local,
                        "surrogate_mean": local - 0.5 * total,
                        "feature": feature,
                        "feature_value": Word(value, spans_of(value, record[column]))
                        if is_word
                        else value,
                        "feature_weight": sign * weight,
                        "feature_se": 0.02,
                        "feature_lo": sign * weight - 0.04,
                        "feature_hi": sign * weight + 0.04,
                        "feature_freq": 1.0,
                        "feature_contribution": 0.5 * sign * weight,
                        "feature_desc": feature if is_word else description,
                        "data": dict(record),
                        "prediction": probability
                        if regression
                        else {"good": good, "bad": 1.0 - good},
                    }
                )
    absent = ["label", "label_prob"] if regression else []
    frame = pd.DataFrame(rows).drop(columns=absent)
    for name in ("feature_value", "data", *(() if regression else ("prediction",))):
        frame[name] = object_column([row[name] for row in rows])
    return frame


def of_text_columns(regression: bool = False) -> pd.DataFrame:
    """A table with columns of text, a one-hot group and a joint group."""
    return of_records(REVIEWS, _WEIGHTS, regression)


EXPLANATIONS: dict[str, Callable[[], pd.DataFrame]] = {
    "columns": of_columns,
    "trust": _trusted,
    "labels": _labels,
    "regression": _regression,
    "regression without bins": lambda: _regression(bin_continuous=False),
    "texts": _texts,
    "positions": lambda: _texts(keep_word_position=True),
    "numbers in texts": _texts_of_a_regressor,
    "text columns": of_text_columns,
    "text columns of a regressor": lambda: of_text_columns(regression=True),
    "image": load_image_example,
}
