"""Models with several outputs for a case: probabilities at several times, numbers, one of them."""

import warnings

import numpy as np
import pandas as pd
import pytest

from pylime import (
    Predictions,
    as_classifier,
    as_regressor,
    explain,
    lime,
    permutations,
    plot_explanations,
    plot_features,
    quality,
)

RANDOM = np.random.default_rng(2)
PEOPLE = pd.DataFrame(
    {
        "age": RANDOM.uniform(30, 80, 300),
        "dose": RANDOM.normal(size=300),
        "sex": RANDOM.choice(["f", "m"], 300),
    }
)
TIMES = [1, 2, 5]
NAMES = ["1 year", "2 years", "5 years"]
FEW = {"n_permutations": 300, "random_state": 1, "n_features": 2}


def survival(rows, times=TIMES):
    """Probabilities of being alive, which fall with time and do not sum to 1."""
    hazard = np.exp(-3 + 0.04 * (rows["age"] - 50) + 0.8 * (rows["sex"] == "m"))
    return np.exp(-np.outer(hazard, times))


def named(rows):
    return pd.DataFrame(survival(rows), columns=NAMES, index=rows.index)


def at_times(rows):
    return pd.DataFrame(survival(rows), columns=[float(time) for time in TIMES])


MODELS = {
    "array": as_classifier(survival, NAMES, activation=None),
    "frame": as_classifier(named, activation=None),
    "columns are times": as_classifier(at_times, NAMES, activation=None),
    "record": as_classifier(lambda rows: Predictions(survival(rows), NAMES, exclusive=False)),
    "other order": as_classifier(lambda rows: named(rows)[NAMES[::-1]], NAMES, activation=None),
}


@pytest.mark.parametrize("name", MODELS)
def test_each_time_is_a_label(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer = lime(PEOPLE, MODELS[name], n_bins=2)
        found = explain(PEOPLE.head(2), explainer, labels=NAMES, **FEW)
    expected = dict(zip(NAMES, survival(PEOPLE.head(2)).T, strict=True))
    for label, part in found.groupby("label"):
        probabilities = part.groupby("case")["label_prob"].first()
        np.testing.assert_allclose(probabilities, expected[label])
    assert found["label"].unique().tolist() == NAMES
    assert all(
        row == pytest.approx({k: v[0] for k, v in expected.items()})
        for row in found["prediction"][found["case"] == 0]
    )
    # In each year men of this model have the worse chance.
    sex = found[found["feature"] == "sex"]
    sign = np.where(sex["feature_desc"] == "sex = m", -1, 1)
    assert (np.sign(sex["feature_weight"]) == sign).all()


def test_plots_show_each_time_with_its_probability():
    found = explain(PEOPLE.head(1), lime(PEOPLE, MODELS["array"]), labels=NAMES, **FEW)
    drawn = plot_features(found).draw()
    texts = [str(part.get_text()) for part in drawn.findobj(lambda part: hasattr(part, "get_text"))]
    for label, probability in zip(NAMES, survival(PEOPLE.head(1))[0], strict=True):
        assert any(f"Label: {label}\nProbability: {probability:.2f}" in text for text in texts)
    plot_explanations(found).draw()


def test_labels_can_be_numbers_of_years():
    explainer = lime(PEOPLE, as_classifier(survival, TIMES, activation=None))
    found = explain(PEOPLE.head(1), explainer, labels=[5, 1], **FEW)
    expected = survival(PEOPLE.head(1))[0, [2, 0]]
    assert found["label"].unique().tolist() == [5, 1]
    np.testing.assert_allclose(found["label_prob"].unique(), expected)


def test_quality_and_permutations_have_each_time():
    explainer = lime(PEOPLE, MODELS["array"])
    assert quality(PEOPLE.head(1), explainer, labels=NAMES, **FEW)["label"].tolist() == NAMES
    rows = permutations(PEOPLE.head(1), explainer, labels=NAMES, **FEW)
    found = rows[[f"prediction_{name}" for name in NAMES]]
    np.testing.assert_allclose(found, survival(rows))


def test_the_warning_about_sums_names_the_cure_for_several_times_first():
    with pytest.warns(UserWarning, match=r"do not sum to 1.*survival at several.*activation=None"):
        lime(PEOPLE, as_classifier(survival, NAMES))
    with pytest.warns(UserWarning, match=r"do not sum to 1.*\. If these are scores"):
        lime(PEOPLE, as_classifier(lambda rows: 9 * survival(rows) - 4, NAMES))


@pytest.mark.parametrize("activation", ["auto", None])
@pytest.mark.parametrize(
    "form",
    [
        lambda values: values[:, 2],
        lambda values: values[:, [2]],
        lambda values: values[:, 2].tolist(),
        lambda values: pd.DataFrame({"5 years": values[:, 2]}),
        lambda values: pd.DataFrame({"probability": values[:, 2]}),
    ],
)
def test_a_single_time_has_its_label(form, activation):
    model = as_classifier(lambda rows: form(survival(rows)), ["5 years"], activation)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer = lime(PEOPLE, model, n_bins=2)
        found = explain(PEOPLE.head(1), explainer, labels="5 years", **FEW)
    assert explainer.labels == ("not 5 years", "5 years")
    assert found["label_prob"][0] == pytest.approx(survival(PEOPLE.head(1))[0, 2])


def test_a_single_label_for_several_columns_is_still_too_few():
    with pytest.warns(UserWarning, match="1 labels for 3 classes"):
        lime(PEOPLE, as_classifier(survival, ["5 years"], activation=None))


def test_probabilities_that_are_turned_name_the_cure():
    model = as_classifier(lambda rows: survival(rows).T, activation=None)
    with pytest.raises(ValueError, match=r"seen \(3, 2\). It has a column for each case: return"):
        lime(PEOPLE, model)


@pytest.mark.parametrize("output", [0, 2])
@pytest.mark.parametrize("function", [survival, lambda rows: survival(rows).tolist(), named])
def test_one_of_several_numbers_is_explained(function, output):
    found = explain(PEOPLE.head(2), lime(PEOPLE, as_regressor(function, output=output)), **FEW)
    numbers = found.groupby("case")["prediction"].first()
    np.testing.assert_allclose(numbers, survival(PEOPLE.head(2))[:, output])


def test_names_of_outputs_choose_one():
    found = explain(PEOPLE.head(1), lime(PEOPLE, as_regressor(named, output="5 years")), **FEW)
    assert found["prediction"][0] == pytest.approx(survival(PEOPLE.head(1))[0, 2])
    with pytest.raises(ValueError, match="must be one of the model's 3 outputs: '1 year'"):
        lime(PEOPLE, as_regressor(named, output="3 years"))


def test_several_numbers_without_a_choice_name_the_cure():
    with pytest.raises(ValueError, match=r"choose one: as_regressor\(model, output=0\)"):
        lime(PEOPLE, as_regressor(survival))
    with pytest.raises(ValueError, match=r"Choose one: as_regressor\(model, output='1 year'\)"):
        lime(PEOPLE, as_regressor(named))
