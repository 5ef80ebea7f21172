"""Which row of what a model returned belongs to which case, and which column to which class."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from pylime import (
    CaseWarning,
    Predictions,
    as_classifier,
    as_regressor,
    explain,
    lime,
    predict_model,
)
from pylime.models import predict

RANDOM = np.random.default_rng(12)
PEOPLE = pd.DataFrame(
    {"height": RANDOM.normal(170, 10, 60), "mass": RANDOM.normal(70, 12, 60)},
    index=[f"p{number}" for number in range(60)],
)
FEW = {"n_permutations": 200, "random_state": 1}


def chance(rows):
    return 1 / (1 + np.exp(-(rows["mass"] - 70) / 6))


def both(rows, names=("no", "yes")):
    """Probabilities in named columns, of the second class first."""
    return pd.DataFrame({names[1]: chance(rows), names[0]: 1 - chance(rows)})


def label_probs(explainer, cases, **options):
    explanation = explain(cases, explainer, **(FEW | options))
    return explanation.groupby("case", sort=False)["label_prob"].first().reindex(cases.index)


# Labels and classes


def counted(columns):
    return lambda rows: pd.DataFrame(np.tile([0.1, 0.9], (len(rows), 1)), columns=columns)


@pytest.mark.parametrize(
    ("columns", "labels", "expected"),
    [
        (["pos", "neg"], ["neg", "pos"], ("pos", "neg")),  # the same names
        (["pos", "neg"], ["Neg ", "POS"], ("POS", "Neg ")),
        (["pos", "neg"], ["bad", "good"], ("bad", "good")),  # other names
        ([0, 1], ["bad", "good"], ("bad", "good")),
        ([0, 1], [1, 0], (1, 0)),  # positions are not names
        ([1, 0], ["bad", "good"], ("good", "bad")),
        ([1, 0], [0, 1], (1, 0)),
        ([True, False], [False, True], (True, False)),
        ([True, False], ["False", "True"], ("True", "False")),
        (["1", "0"], [0, 1], (1, 0)),
        ([2.0, 1.0], [1, 2], (2, 1)),
    ],
)
def test_labels_go_by_name_where_the_model_has_these_and_by_position_otherwise(
    columns, labels, expected
):
    predictions = predict(as_classifier(counted(columns), labels), PEOPLE.head(2), n=2)
    assert predictions.labels == expected
    assert predictions.values[0].tolist() == [0.1, 0.9]


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", None])
def test_labels_of_scores_go_by_name_too(activation):
    model = as_classifier(both, ["yes", "no"], activation=activation)
    found = predict_model(model, PEOPLE, type="prob")
    assert (found["yes"] > found["no"]).equals(chance(PEOPLE) > 0.5)


@pytest.mark.parametrize("labels", [["no", "good"], ["yes", "maybe"]])
def test_labels_of_which_some_are_the_models_are_an_error(labels):
    model = as_classifier(both, labels)
    with pytest.raises(ValueError, match=r"must be the names of the model's classes, 'yes', 'no'"):
        lime(PEOPLE, model)
    with pytest.raises(ValueError, match=rf"only {labels[0]!r} is among them"):
        explain(PEOPLE.head(2), lime(PEOPLE, model, probe=False), **FEW)


def test_classes_of_an_estimator_are_names():
    model = LogisticRegression().fit(PEOPLE, np.where(PEOPLE["mass"] > 70, "stout", "lean"))
    expected = model.predict_proba(PEOPLE.head(3))[:, 1]  # classes are lean and stout
    for labels in (["stout", "lean"], ["lean", "stout"]):
        explainer = lime(PEOPLE, as_classifier(model, labels))
        found = label_probs(explainer, PEOPLE.head(3), labels="stout")
        np.testing.assert_allclose(found, expected)
    explainer = lime(PEOPLE, as_classifier(model, ["thin", "thick"]))
    np.testing.assert_allclose(label_probs(explainer, PEOPLE.head(3), labels="thick"), expected)


@pytest.mark.parametrize("classes", [[0, 1], [False, True]])
def test_numbers_of_classes_are_names_only_if_all_labels_are(classes):
    model = LogisticRegression().fit(PEOPLE, np.take(classes, PEOPLE["mass"] > 70))
    expected = model.predict_proba(PEOPLE)[:, 1]
    for labels, stout in (([1, 0], 1), (["lean", "stout"], "stout"), ([1, 2], 2)):
        found = predict_model(as_classifier(model, labels), PEOPLE, type="prob")
        np.testing.assert_allclose(found[stout], expected)


@pytest.mark.parametrize("form", [pd.Series, pd.DataFrame])
@pytest.mark.parametrize("labels", [["no", "yes"], ["yes", "no"]])
def test_a_single_probability_with_the_name_of_a_class_is_that_of_this_class(form, labels):
    model = as_classifier(lambda rows: form(chance(rows).rename("yes")), labels)
    found = predict_model(model, PEOPLE, type="prob")
    np.testing.assert_allclose(found["yes"], chance(PEOPLE))
    unnamed = as_classifier(lambda rows: form(chance(rows)), labels)  # called "mass"
    np.testing.assert_allclose(predict_model(unnamed, PEOPLE, "prob")[labels[1]], chance(PEOPLE))


def test_labels_of_a_record_are_names():
    model = as_classifier(
        lambda rows: Predictions(both(rows).to_numpy(), ("yes", "no")), ["no", "yes"]
    )
    found = predict_model(model, PEOPLE, type="prob")
    np.testing.assert_allclose(found["yes"], chance(PEOPLE))


# Later batches


@pytest.mark.parametrize("labels", [None, ["no", "yes"], ["bad", "good"]])
@pytest.mark.parametrize("probe", [True, False])
def test_columns_in_another_order_in_later_calls_are_put_in_order(labels, probe, monkeypatch):
    calls = []

    def model(rows):
        calls.append(len(rows))
        found = both(rows)
        return found if len(calls) % 2 else found[["no", "yes"]]

    monkeypatch.setattr("pylime.tabular.explainer._CHUNK_VALUES", 1)  # each case alone
    explainer = lime(PEOPLE, as_classifier(model, labels), probe=probe)
    yes = "bad" if labels == ["bad", "good"] else "yes"  # the order of the first call counts
    explanation = explain(PEOPLE.iloc[:4], explainer, labels=yes, **FEW)
    assert len(calls) > 1
    found = explanation.groupby("case", sort=False)["label_prob"].first()
    np.testing.assert_allclose(found, chance(PEOPLE.iloc[:4]))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_other_classes_in_later_cases_are_an_error(n_jobs):
    pictures = np.random.default_rng(1).integers(0, 255, (4, 20, 30, 3)).astype(np.uint8)
    pictures[-1, 0, 0] = 0, 0, 255

    def model(images):
        bright = images.mean(axis=(1, 2, 3)) / 255
        last = images[0, 0, 0].tolist() == [0, 0, 255]
        return pd.DataFrame({"dark": 1 - bright, "odd" if last else "bright": bright})

    explainer = lime(pictures, as_classifier(model))
    options = {"n_superpixels": 4, "n_permutations": 20, "random_state": 1, "batch_size": 50}
    with pytest.warns(CaseWarning, match="3: ValueError: The model must return the same classes"):
        explanation = explain(pictures, explainer, n_jobs=n_jobs, **options)
    assert explanation["case"].unique().tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r"'bright'.*'odd'"):
        explain(pictures, explainer, n_jobs=n_jobs, on_error="raise", **options)


def test_classes_that_the_trial_did_not_have_are_an_error():
    def model(rows):
        names = ("low", "high") if len(rows) < 10 else ("low", "middle")
        return both(rows, names)

    with pytest.raises(ValueError, match=r"'high', 'low' \(2\), and later 'middle', 'low' \(2\)"):
        explain(PEOPLE.head(1), lime(PEOPLE, as_classifier(model)), **FEW)


# Rows and cases


def sort(rows):
    return rows.sort_values("height")


def by_groups(rows):
    return pd.concat([part for _, part in rows.groupby(rows["height"] > 170)])


def doubled(rows):
    return 2.0 * rows["mass"]


ROW_ORDERS = {
    "sorted by the model": (None, lambda rows: doubled(sort(rows))),
    "a frame": (None, lambda rows: doubled(sort(rows)).to_frame()),
    "in groups": (None, lambda rows: doubled(by_groups(rows))),
    "applied to groups": (
        None,
        lambda rows: rows.groupby(rows["height"] > 170)[["mass"]].apply(doubled),
    ),
    "backwards": (None, lambda rows: doubled(rows[::-1])),
    "sorted by preprocess": (sort, lambda rows: doubled(rows).to_numpy()),
    "a new frame of sorted rows": (sort, lambda rows: pd.DataFrame(doubled(rows).to_numpy())),
    "sorted twice": (sort, lambda rows: doubled(rows.sort_values("mass"))),
    "sorted and put back": (sort, lambda rows: doubled(rows).sort_index()),
    "sorted in columns": (
        lambda rows: {name: sort(rows)[name] for name in rows},
        lambda columns: 2.0 * columns["mass"].to_numpy(),
    ),
    "a new index": (
        lambda rows: rows.reset_index(drop=True),
        lambda rows: doubled(sort(rows)),
    ),
    "an index that says nothing": (
        None,
        lambda rows: pd.Series(doubled(rows).to_numpy(), index=np.zeros(len(rows))),
    ),
}


@pytest.mark.parametrize("order", ROW_ORDERS)
def test_predictions_find_their_rows_by_the_index(order):
    preprocess, function = ROW_ORDERS[order]
    explainer = lime(PEOPLE, as_regressor(function), preprocess)
    found = explain(PEOPLE, explainer, n_features=2, n_permutations=300, random_state=1)
    predictions = found.groupby("case", sort=False)["prediction"].first()
    np.testing.assert_allclose(predictions, doubled(PEOPLE)[predictions.index])
    weights = found["feature_weight"].abs().groupby(found["feature"]).mean()
    assert weights["mass"] > 3 * weights["height"]


def test_probabilities_find_their_rows_and_columns():
    model = as_classifier(lambda rows: both(sort(rows)), ["no", "yes"])
    found = label_probs(lime(PEOPLE, model), PEOPLE.head(5), labels="yes")
    np.testing.assert_allclose(found, chance(PEOPLE.head(5)))
    scores = as_classifier(lambda rows: np.log(both(sort(rows))), ["no", "yes"], "softmax")
    found = label_probs(lime(PEOPLE, scores), PEOPLE.head(5), labels="yes")
    np.testing.assert_allclose(found, chance(PEOPLE.head(5)))


def test_texts_in_a_frame_find_their_rows():
    texts = ["a good film", "no film at all, and no end", "what an end"]

    def frame(texts):
        return pd.DataFrame({"text": texts, "length": list(map(len, texts))})

    def lengths(rows):
        return pd.concat([part["length"] for _, part in rows.groupby(rows["length"] % 3)])

    explainer = lime(texts, as_regressor(lengths), frame)
    explanation = explain(texts, explainer, **FEW)
    found = explanation.groupby("case")["prediction"].first()
    assert found.tolist() == list(map(len, texts))
    assert explanation["model_r2"].min() > 0.9


def test_one_of_several_outputs_finds_its_rows():
    model = as_regressor(lambda rows: sort(rows) * 2, output="mass")
    explainer = lime(PEOPLE, model)
    explanation = explain(PEOPLE.head(4), explainer, **FEW)
    found = explanation.groupby("case", sort=False)["prediction"].first()
    np.testing.assert_allclose(found, doubled(PEOPLE.head(4)))
