"""Functions and bound methods."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from pylime import as_classifier, as_regressor

from . import ModelCase, Subject, rows_of_numbers, three_classes


def probability(rows):
    return 1 / (1 + np.exp(-2 * rows["signal"]))


def scores(rows):
    return np.column_stack([-rows["signal"], rows["signal"], 0 * rows["signal"]])


class Model:
    def double(self, rows):
        return 2 * rows["signal"].to_numpy()


def of_probabilities() -> Subject:
    model = as_classifier(probability, ["no", "yes"])
    return Subject(model, rows_of_numbers(), ["no", "yes"], "signal")


def of_scores() -> Subject:
    model = as_classifier(scores, ["a", "b", "c"], activation="softmax")
    return Subject(model, rows_of_numbers(), ["a", "b", "c"], "signal")


def of_numbers() -> Subject:
    return Subject(as_regressor(Model().double), rows_of_numbers(), None, "signal")


def of_a_known_model() -> Subject:
    rows = rows_of_numbers()
    model = LogisticRegression().fit(rows, three_classes(rows["signal"]))
    return Subject(model.predict_proba, rows, ["low", "middle", "top"], "signal")


def of_texts() -> Subject:
    model = as_classifier(
        lambda texts: np.array([0.9 if "good" in text else 0.2 for text in texts]), ["bad", "good"]
    )
    return Subject(model, ["all is good here", "all is quiet here"], ["bad", "good"], "good")


LIBRARY = "functions"
CASES = [
    ModelCase(LIBRARY, "as_classifier(function)", "two classes", of_probabilities, "numpy"),
    ModelCase(LIBRARY, "as_classifier(function of texts)", "two classes", of_texts, "numpy"),
    ModelCase(LIBRARY, "as_classifier(function of scores)", "several classes", of_scores, "numpy"),
    ModelCase(LIBRARY, "classifier.predict_proba", "several classes", of_a_known_model, "sklearn"),
    ModelCase(LIBRARY, "as_regressor(model.method)", "regression", of_numbers, "numpy"),
]
