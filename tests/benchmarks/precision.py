"""How far weights are from their limit, by the number of permutations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from subjects import LIME, cancer, logistic

from pylime import as_classifier, explain, lime
from pylime.examples import docstring_sentences

SIZES = (100, 300, 1000, 3000)
SEEDS = 20
# The limit is a mean of runs with so many permutations: its own error is a sixth of that of 3000,
# and adds a hundredth to it.
LIMIT_SIZE, LIMIT_RUNS = 30_000, 4

BALANCED, INDEPENDENT = "pylime, balanced", "pylime, independent"

Weights = Callable[[int, int], np.ndarray]
"""The weights of all features of a case, from a number of permutations and a seed."""

Sides = dict[str, list[Weights]]
"""For each case its weights, by the name of who explains."""


@dataclass(frozen=True)
class Task:
    """Some cases that all sides explain, with all features, so that none is left to selection."""

    name: str
    sides: Callable[[], Sides]


def weights_of(frame: pd.DataFrame) -> np.ndarray:
    """The weights in the order of the features, whatever the order of the frame."""
    return frame.set_index("feature")["feature_weight"].sort_index().to_numpy()


def weights_of_lime(found: Any, label: int) -> np.ndarray:
    """The same of an explanation of Python's lime."""
    return np.array([weight for _, weight in sorted(found.local_exp[label])])


def table_sides(values: np.ndarray, model: Any, categorical: list[int]) -> Sides:
    """Three cases of 30 columns, in the same bins, or with the same columns of levels."""
    from lime.lime_tabular import LimeTabularExplainer

    explainer = lime(values, as_classifier(model), categorical=categorical or None, probe=False)

    def ours(case: np.ndarray, draws: str) -> Weights:
        options = {"labels": 1, "n_features": 30, "feature_select": "none", "draws": draws}
        return lambda n, seed: weights_of(
            explain(case, explainer, n_permutations=n, random_state=seed, **options)
        )

    def theirs(case: np.ndarray) -> Weights:
        def weights(n: int, seed: int) -> np.ndarray:
            other = LimeTabularExplainer(
                values,
                categorical_features=categorical,
                feature_selection="none",
                random_state=seed,
            )
            found = other.explain_instance(case, model, num_features=30, num_samples=n)
            return weights_of_lime(found, 1)

        return weights

    cases = values[[3, 20, 100]]
    return {
        BALANCED: [ours(case, "balanced") for case in cases],
        INDEPENDENT: [ours(case, "independent") for case in cases],
        LIME: [theirs(case) for case in cases],
    }


def number_sides() -> Sides:
    """Numbers in four bins, within which the packages draw values in different ways."""
    return table_sides(cancer()[0].to_numpy(), logistic(), [])


def level_sides() -> Sides:
    """The same columns as codes of their four bins: both packages draw from the same law."""
    rows, classes = cancer()
    codes = rows.apply(lambda column: pd.qcut(column, 4, labels=False)).to_numpy(dtype=float)
    model = LogisticRegression(max_iter=1000).fit(codes, classes)
    return table_sides(codes, model.predict_proba, list(range(30)))


def text_sides() -> Sides:
    """Three texts of 30 words, of which all see the same pieces."""
    from lime.lime_text import LimeTextExplainer

    sentences = docstring_sentences()
    classifier = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    classifier.fit(sentences["text"], sentences["library"])
    model, label = classifier.predict_proba, list(classifier.classes_).index("pandas")

    def ours(text: str, draws: str) -> Weights:
        explainer = lime(text, as_classifier(model), tokenization=str.split, probe=False)
        options = {"labels": label, "n_features": 99, "feature_select": "none", "draws": draws}
        return lambda n, seed: weights_of(
            explain(text, explainer, n_permutations=n, random_state=seed, **options)
        )

    def theirs(text: str) -> Weights:
        def weights(n: int, seed: int) -> np.ndarray:
            other = LimeTextExplainer(feature_selection="none", random_state=seed)
            found = other.explain_instance(
                text, model, labels=[label], num_features=99, num_samples=n
            )
            return weights_of_lime(found, label)

        return weights

    words = pd.unique(pd.Series(" ".join(sentences["text"].iloc[::40]).split()))
    plain = [word for word in words if word.isalpha() and len(word) > 1]
    texts = [" ".join(plain[start : start + 30]) for start in (0, 30, 60)]
    return {
        BALANCED: [ours(text, "balanced") for text in texts],
        INDEPENDENT: [ours(text, "independent") for text in texts],
        LIME: [theirs(text) for text in texts],
    }


TASKS = [
    Task("30 columns of levels", level_sides),
    Task("30 columns of numbers", number_sides),
    Task("30 words", text_sides),
]


def limit(weights: Weights) -> np.ndarray:
    """The weights as the number of permutations grows without end."""
    runs = [weights(LIMIT_SIZE, 1000 + run) for run in range(LIMIT_RUNS)]
    return np.mean(runs, axis=0)


def error(cases: list[Weights], limits: list[np.ndarray], n: int) -> float:
    """The root mean squared error of weights from n permutations, as a share of the largest."""
    squares = [
        np.mean(((weights(n, seed) - limit) / np.abs(limit).max()) ** 2)
        for weights, limit in zip(cases, limits, strict=True)
        for seed in range(SEEDS)
    ]
    return float(np.sqrt(np.mean(squares)))


def errors(task: Task) -> Iterator[tuple[str, str, int, float]]:
    """The task, a side, a number of permutations, and the error of the side's weights."""
    sides = task.sides()
    limits = {side: [limit(weights) for weights in sides[side]] for side in (BALANCED, LIME)}
    limits[INDEPENDENT] = limits[BALANCED]
    for side, cases in sides.items():
        for n in SIZES:
            yield task.name, side, n, error(cases, limits[side], n)


def precision() -> pd.DataFrame:
    """A row per task, side and number of permutations: the error."""
    found = [row for task in TASKS for row in errors(task)]
    return pd.DataFrame(found, columns=["task", "by", "n", "error"])


def precision_rows(found: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Rows of the table: task, side, an error for each number of permutations."""
    last = ""
    for (task, side), part in found.groupby(["task", "by"], sort=False):
        yield (task if task != last else "", side, *(f"{error:.1%}" for error in part["error"]))
        last = task


def spread(errors: pd.Series) -> pd.Series:
    """Heights for labels: those of the errors, moved apart where they would overlap."""
    heights = np.log10(errors.sort_values())
    middle = heights.mean()
    for k in range(1, len(heights)):
        heights.iloc[k] = max(heights.iloc[k], heights.iloc[k - 1] + 0.1)
    return 10 ** (heights + middle - heights.mean())


def draw(found: pd.DataFrame, path: Path) -> None:
    """Draw the errors: a line for each side, with its name at its end."""
    from plotnine import (
        aes,
        element_blank,
        element_line,
        expand_limits,
        facet_wrap,
        geom_line,
        geom_point,
        geom_text,
        ggplot,
        labs,
        scale_colour_manual,
        scale_x_log10,
        scale_y_log10,
        theme,
        theme_minimal,
    )

    tasks = pd.Categorical(found["task"], [task.name for task in TASKS])
    shown = found.assign(task=tasks, percent=100 * found["error"])
    ends = shown[shown["n"] == max(SIZES)]
    ends = ends.assign(height=ends.groupby("task", observed=True)["percent"].transform(spread))
    colours = {BALANCED: "#1f5f99", INDEPENDENT: "#65a3d6", LIME: "#b22222"}
    plot = (
        ggplot(shown, aes("n", "percent", colour="by"))
        + facet_wrap("task")
        + geom_line(size=1)
        + geom_point(size=1.5)
        + geom_text(aes(y="height", label="by"), ends, ha="left", nudge_x=0.08, size=8)
        + expand_limits(x=100_000)
        + scale_x_log10(breaks=list(SIZES), labels=[f"{n}" for n in SIZES])
        + scale_y_log10(
            breaks=[1, 2, 5, 10, 20, 50], labels=lambda ticks: [f"{t:g} %" for t in ticks]
        )
        + scale_colour_manual(values=colours, guide=None)
        + labs(x="Permutations", y="Error over the largest weight")
        + theme_minimal()
        + theme(
            figure_size=(9, 3.2),
            panel_grid_minor=element_blank(),
            panel_grid_major=element_line(colour="#e5e5e5"),
        )
    )
    plot.save(path, dpi=120, verbose=False)
