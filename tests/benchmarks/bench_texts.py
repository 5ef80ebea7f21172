"""
Time explanations of texts; print a table of ratios of medians, and counts of predicted texts.

    python tests/benchmarks/bench_texts.py [--rounds N]

Against Python's lime 0.2.0.1 (`pip install lime==0.2.0.1`): the same text, 5000 permutations, a
cheap model or a scikit-learn pipeline, the same selection of features. Both sides take turns.
"""

import argparse
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from timing import medians

from pylime import as_classifier, explain, lime
from pylime.examples import docstring_sentences

N_PERMUTATIONS = 5000


def words_of_sentences(n: int) -> str:
    """So many different words, from real sentences."""
    words: dict[str, None] = {}
    for sentence in docstring_sentences()["text"]:
        words |= dict.fromkeys(word.lower() for word in sentence.split() if word.isalpha())
        if len(words) >= n:
            break
    return " ".join(list(words)[:n])


def cheap_model(texts: list[str]) -> np.ndarray:
    """Two probabilities from the number of letters."""
    share = np.array([min(len(text) / 1000, 1.0) for text in texts])
    return np.column_stack([1 - share, share])


def sentence_pipeline() -> Any:
    """A scikit-learn pipeline that tells libraries by their sentences."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    sentences = docstring_sentences()
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    return pipeline.fit(sentences["text"], sentences["library"])


def against_lime(rounds: int) -> Iterator[tuple[str, float, float]]:
    """Rows of the table: what, seconds of pylime, seconds of lime."""
    from lime.lime_text import LimeTextExplainer

    pipeline = sentence_pipeline()
    models = {"cheap model": (as_classifier(cheap_model), cheap_model)}
    models["pipeline"] = (pipeline, pipeline.predict_proba)
    # The first is what lime does by default; the second what both do for few features.
    methods = {"highest_weights": 10, "forward_selection": 5}
    for n_words, (model_name, (model, function)), (method, n_features) in product(
        (100, 20), models.items(), methods.items()
    ):
        text = words_of_sentences(n_words)
        explainer = lime(text, model)
        python_lime = LimeTextExplainer(feature_selection=method, random_state=0)

        def ours() -> object:
            return explain(
                text,  # noqa: B023 - called in the same round
                explainer,  # noqa: B023
                n_labels=1,
                n_features=n_features,  # noqa: B023
                feature_select=method,  # noqa: B023
                n_permutations=N_PERMUTATIONS,
                random_state=0,
            )

        def theirs() -> object:
            return python_lime.explain_instance(  # noqa: B023
                text,  # noqa: B023
                function,  # noqa: B023
                top_labels=1,
                num_features=n_features,  # noqa: B023
                num_samples=N_PERMUTATIONS,
            )

        times = medians({"ours": ours, "theirs": theirs}, rounds)
        what = f"{n_words} words, {model_name}, {n_features} by {method}"
        yield what, times["ours"], times["theirs"]


def predicted_texts(n_words: int) -> int:
    """How many texts reach the model."""
    seen: list[str] = []

    def model(texts: list[str]) -> np.ndarray:
        seen.extend(texts)
        return cheap_model(texts)

    text = "array " + words_of_sentences(n_words - 1)
    explain(text, lime(text, as_classifier(model)), random_state=0)
    return len(seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{'':52} {'pylime':>9} {'lime':>9} {'times':>7}")
    try:
        for what, ours, theirs in against_lime(options.rounds):
            print(f"{what:52} {ours:9.4f} {theirs:9.4f} {theirs / ours:7.1f}")
    except ImportError:
        print("Without lime==0.2.0.1 there is nothing to compare with: pip install lime==0.2.0.1")
    for n_words in (5, 10, 20, 100):
        print(f"{n_words} words: {predicted_texts(n_words)} of {N_PERMUTATIONS} texts predicted")


if __name__ == "__main__":
    main()
