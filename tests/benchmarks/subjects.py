"""What is timed: for each kind of input, pylime, Python's lime and the bare prediction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from skimage.data import chelsea
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pylime import as_classifier, explain, imagenet_labels, lime
from pylime.examples import docstring_sentences
from pylime.superpixels import segment

LIME = "lime 0.2.0.1"
BARE = "bare prediction"


@dataclass
class Counting:
    """A function of cases that counts how often it is called, and with how many."""

    function: Callable[[Any], Any]
    calls: int = 0
    rows: int = 0

    def __call__(self, cases: Any) -> Any:
        self.calls += 1
        self.rows += len(cases)
        return self.function(cases)


@dataclass(frozen=True)
class Subject:
    """
    A task, and the functions that do it.

    `sides` takes the model, a function of cases, and returns what to run, by the name of
    who runs it; `"pylime"` is one of these.
    """

    name: str
    model: Callable[[], Callable[[Any], Any]]
    sides: Callable[[Callable[[Any], Any]], dict[str, Callable[[], Any]]]
    rounds: int = 7


@cache
def cancer() -> tuple[pd.DataFrame, pd.Series]:
    """569 rows of 30 columns of numbers, and two classes."""
    data = load_breast_cancer(as_frame=True)
    return data.data, data.target


def logistic() -> Any:
    """A scaler and a logistic regression."""
    rows, classes = cancer()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return model.fit(rows.to_numpy(), classes).predict_proba


def forest() -> Any:
    """300 trees."""
    rows, classes = cancer()
    return RandomForestClassifier(300, random_state=0).fit(rows.to_numpy(), classes).predict_proba


def boosted() -> Any:
    """100 rounds of LightGBM."""
    from lightgbm import LGBMClassifier

    rows, classes = cancer()
    return LGBMClassifier(random_state=0, verbose=-1).fit(rows.to_numpy(), classes).predict_proba


def table_sides(n_features: int) -> Callable[[Any], dict[str, Callable[[], Any]]]:
    """One case of 30 columns, 5000 permutations."""

    def sides(model: Any) -> dict[str, Callable[[], Any]]:
        from lime.lime_tabular import LimeTabularExplainer

        rows, _ = cancer()
        values = rows.to_numpy()
        explainer = lime(values, as_classifier(model), probe=False)
        other = LimeTabularExplainer(values, feature_names=list(rows), random_state=1)
        asked: list[np.ndarray] = []

        def record(permuted: np.ndarray) -> Any:
            asked.append(permuted)
            return model(permuted)

        # The permutations themselves: trees predict rows that they were grown on much faster.
        explain(values[3], lime(values, as_classifier(record), probe=False), random_state=1)
        return {
            "pylime": lambda: explain(values[3], explainer, n_features=n_features, random_state=1),
            LIME: lambda: other.explain_instance(
                values[3], model, num_features=n_features, num_samples=5000
            ),
            BARE: lambda: [model(permuted) for permuted in asked],
        }

    return sides


def words(n: int) -> str:
    """So many different words, from real sentences, made up where these are used up."""
    found: dict[str, None] = {}
    for sentence in docstring_sentences()["text"]:
        found |= dict.fromkeys(word.lower() for word in sentence.split() if word.isalpha())
    made_up = [f"word{k}" for k in range(max(n - len(found), 0))]
    return " ".join([*list(found)[:n], *made_up])


def count_letters(texts: Sequence[str]) -> np.ndarray:
    """Two probabilities from the number of letters, which every word moves."""
    share = np.array([min(len(text) / 10_000, 1.0) for text in texts])
    return np.column_stack([1 - share, share])


def text_sides(n_features: int, method: str) -> Callable[[Any], dict[str, Callable[[], Any]]]:
    """One text of 100 words, 5000 permutations."""

    def sides(model: Any) -> dict[str, Callable[[], Any]]:
        from lime.lime_text import LimeTextExplainer

        text = words(100)
        explainer = lime(text, as_classifier(model), probe=False)
        other = LimeTextExplainer(feature_selection=method, random_state=0)
        return {
            "pylime": lambda: explain(
                text, explainer, n_features=n_features, feature_select=method, random_state=0
            ),
            LIME: lambda: other.explain_instance(
                text, model, top_labels=1, num_features=n_features, num_samples=5000
            ),
            BARE: lambda: model([text] * 5000),
        }

    return sides


def corner(pictures: Any) -> np.ndarray:
    """Two probabilities from the mean of some pixels."""
    share = np.asarray(pictures)[:, ::16, ::16].reshape(len(pictures), -1).mean(axis=1) / 255
    return np.column_stack([1 - share, share])


def photo() -> np.ndarray:
    """The cat, 224 pixels wide."""
    return np.array(Image.fromarray(chelsea()).resize((224, 224)))


def picture_sides(model: Any) -> dict[str, Callable[[], Any]]:
    """One photograph, 1000 permutations, a cheap model."""
    from lime.lime_image import LimeImageExplainer

    array = photo()
    explainer = lime(array, as_classifier(model))
    other = LimeImageExplainer(random_state=0)
    labels = segment(array) - 1

    def theirs(**options: Any) -> Any:
        return other.explain_instance(
            array, model, top_labels=2, hide_color=0, num_samples=1000, **options
        )

    return {
        "pylime": lambda: explain(array, explainer, n_labels=2, n_features=20, random_state=0),
        LIME: theirs,
        f"{LIME}, the same superpixels": lambda: theirs(segmentation_fn=lambda _: labels),
        BARE: lambda: [model(np.stack([array] * 10)) for _ in range(100)],
    }


def network() -> Any:
    """The embedded ImageNet classifier, as a function of pictures."""
    from pylime.models.imagenet import imagenet_classifier

    classifier = imagenet_classifier()
    return lambda pictures: classifier.predict_on_batch(
        (np.asarray(pictures, dtype=np.float32) - 127) / 128
    )


def network_sides(model: Any) -> dict[str, Callable[[], Any]]:
    """One photograph, 200 permutations, a real network."""
    array = photo()
    explainer = lime(array, as_classifier(model, imagenet_labels()))
    options = {"n_labels": 2, "n_features": 20, "n_permutations": 200, "batch_size": 32}
    return {
        "pylime": lambda: explain(array, explainer, **options, random_state=0),
        BARE: lambda: [model(np.stack([array] * n)) for n in (32,) * 6 + (8,)],
    }


SUBJECTS = {
    "table-5": Subject("30 columns, logistic pipeline, 5 features", logistic, table_sides(5)),
    "table-10": Subject("30 columns, logistic pipeline, 10 features", logistic, table_sides(10)),
    "table-forest": Subject(
        "30 columns, forest of 300 trees, 10 features", forest, table_sides(10), rounds=5
    ),
    "table-lightgbm": Subject(
        "30 columns, LightGBM of 100 rounds, 10 features", boosted, table_sides(10)
    ),
    "text-5": Subject(
        "100 words, cheap model, 5 features",
        lambda: count_letters,
        text_sides(5, "forward_selection"),
    ),
    "text-10": Subject(
        "100 words, cheap model, 10 features",
        lambda: count_letters,
        text_sides(10, "highest_weights"),
    ),
    "picture": Subject(
        "224x224 picture, cheap model, 20 features", lambda: corner, picture_sides, rounds=5
    ),
    "picture-network": Subject(
        "224x224 picture, EfficientNet-Lite0, 200 permutations", network, network_sides, rounds=3
    ),
}
