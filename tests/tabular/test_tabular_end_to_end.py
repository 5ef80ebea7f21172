"""Whole explanations of tables against R's: means over seeds, and the form of the frame."""

import warnings

import numpy as np
import pandas as pd
import pytest
from r_tables import figures, frame, number, numbers

from pylime import COLUMNS, as_classifier, as_regressor, explain, lime

MODELS = figures("end_to_end_tabular")["models"]
SETTINGS = [(name, setting) for name, model in MODELS.items() for setting in model["settings"]]


def score(spec, rows):
    """A linear score, from R's coefficients."""
    total = np.full(len(rows), float(spec["intercept"]))
    for name, coefficient in spec["coef"].items():
        if isinstance(coefficient, dict):
            total += rows[name].astype(str).map(coefficient).to_numpy(np.float64)
        else:
            total += coefficient * rows[name].to_numpy(np.float64)
    if "interaction" in spec:
        first, second = spec["interaction"]["vars"]
        total += spec["interaction"]["coef"] * rows[first] * rows[second]
    return np.asarray(total)


def stored_model(name):
    """A model of R's: linear, logistic, or a softmax of linear scores."""
    spec = MODELS[name]["model"]
    if "classes" in spec:

        def softmax(rows):
            scores = np.column_stack([score(one, rows) for one in spec["classes"].values()])
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            return powers / powers.sum(axis=1, keepdims=True)

        return as_classifier(softmax, list(spec["classes"]))
    if "labels" in spec:
        return as_classifier(
            lambda rows: 1 / (1 + np.exp(-score(spec["spec"], rows))), spec["labels"]
        )
    return as_regressor(lambda rows: score(spec["spec"], rows))


def stored_data(name):
    model = MODELS[name]
    kinds = {column: kind[0] for column, kind in model["classes"].items()}
    train = frame(model["train"], kinds, model["levels"]).set_axis(model["train_rownames"])
    cases = frame(model["cases"], kinds, model["levels"]).set_axis(model["case_rownames"])
    return train, cases


def explained(name, setting, seed, draws):
    stored = MODELS[name]["settings"][setting]
    train, cases = comparable_data(name, setting)
    options = dict(stored["explain_args"])
    labels = MODELS[name]["labels"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        explainer = lime(train, stored_model(name), **(stored["lime_args"] or {}))
    return explain(cases, explainer, labels=labels, random_state=seed, draws=draws, **options)


def comparable_data(name, setting):
    """
    The data, changed so that a listed difference does not show.

    Of the 0/1 column chas R leaves the empty bins out and then never draws a 1
    (difference 1). It does the same with a constant 0, and so does ours; left out is the
    case that has a 1 there.
    """
    train, cases = stored_data(name)
    if "chas" in train and is_binned(name, setting):
        train = train.assign(chas=0)
        cases = cases[cases["chas"] == 0]
    return train, cases


def is_binned(name, setting):
    return (MODELS[name]["settings"][setting]["lime_args"] or {}).get("bin_continuous", True)


def changed_by_a_listed_difference(name, setting):
    """
    Why a setting of a model is not comparable, if so.

    With empty bins R draws from the wrong ranges (difference 1). Integers that are not
    binned it does not standardise for a kernel's distance (difference 6).
    """
    train, _ = comparable_data(name, setting)
    whole = any(kind[0] == "integer" for kind in MODELS[name]["classes"].values())
    if setting == "euclidean_nobin_normal" and whole:
        return "integers are standardised"
    if is_binned(name, setting):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            made = lime(
                train,
                stored_model(name),
                **(MODELS[name]["settings"][setting]["lime_args"] or {}),
            )
        shares = [
            made.feature_distribution[column]
            for column, kind in made.feature_type.items()
            if kind in ("numeric", "integer")
        ]
        if any((part == 0).any() for part in shares):
            return "a bin is empty"
    return None


@pytest.mark.parametrize("name", MODELS)
def test_models_predict_what_they_do_in_r(name):
    from pylime import predict_model

    _, cases = stored_data(name)
    model = stored_model(name)
    kind = "raw" if "Response" in MODELS[name]["case_prediction"] else "prob"
    ours = predict_model(model, cases, type=kind)
    for label, theirs in MODELS[name]["case_prediction"].items():
        np.testing.assert_allclose(ours[label], numbers(theirs), rtol=1e-12)


def summary(name, setting, seeds, draws):
    """Our means and standard deviations over seeds, by case, label and feature."""
    runs = pd.concat([explained(name, setting, seed, draws) for seed in range(seeds)])
    if "label" not in runs:
        runs["label"] = ""
    keys = ["case", "label", "feature"]
    values = ["feature_weight", "model_intercept", "model_r2", "model_prediction"]
    grouped = runs.groupby(keys)[values]
    descriptions = runs.groupby(keys)["feature_desc"].agg(set)
    return grouped.mean(), grouped.std(), grouped.size(), descriptions


SEEDS = 30

# How many standard errors a mean may be off. With draws as R's: 4. Balanced draws hardly vary, so
# that the error of R's 60 seeds is left alone; of 3124 means, many of the same draws, it is 4.1 and
# 4.3 in two. Long runs with independent draws agree with the balanced ones there.
ERRORS = {"independent": 4, "balanced": 5}


@pytest.mark.parametrize("draws", ERRORS)
@pytest.mark.parametrize(("name", "setting"), SETTINGS)
def test_means_over_seeds_are_those_of_r(name, setting, draws):
    reason = changed_by_a_listed_difference(name, setting)
    if reason:
        pytest.skip(f"differs on purpose: {reason}")
    stored = MODELS[name]["settings"][setting]
    means, deviations, sizes, descriptions = summary(name, setting, SEEDS, draws)
    theirs = pd.DataFrame(stored["summary"])
    compared = 0
    for row in theirs.itertuples():
        key = (row.case, row.label, row.feature)
        if row.n < stored["n_seeds"] * 0.9:
            continue  # a feature that is seldom selected has a mean over few seeds
        if row.case not in set(means.index.get_level_values("case")):
            continue
        assert key in means.index, key
        assert descriptions[key] == {row.feature_desc}
        if sizes[key] < 0.9 * SEEDS:
            continue
        for value in means.columns:
            r_mean = number(getattr(row, f"{value}_mean"))
            r_sd = number(getattr(row, f"{value}_sd"))
            error = np.hypot(
                deviations.loc[key, value] / np.sqrt(sizes[key]), r_sd / np.sqrt(row.n)
            )
            tolerance = ERRORS[draws] * error + 1e-5 * abs(r_mean)
            assert abs(means.loc[key, value] - r_mean) <= tolerance, (key, value)
            compared += 1
    assert compared >= 4 * 5


FULL_RUNS = [
    (name, setting)
    for name, setting in SETTINGS
    if "full_run_seed1" in MODELS[name]["settings"][setting]
]

# What a random draw has no part in.
SURE = ["model_type", "case", "label", "label_prob", "prediction"]


@pytest.mark.parametrize(("name", "setting"), FULL_RUNS)
def test_the_frame_has_the_form_of_rs(name, setting):
    theirs = MODELS[name]["settings"][setting]["full_run_seed1"]
    train, cases = stored_data(name)
    stored = MODELS[name]["settings"][setting]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        explainer = lime(train, stored_model(name), **(stored["lime_args"] or {}))
        ours = explain(
            cases,
            explainer,
            labels=MODELS[name]["labels"],
            random_state=1,
            **stored["explain_args"],
        )
    assert list(ours.columns) == theirs["columns"]
    regression = "label" not in ours
    assert list(ours.columns) == [
        column for column in COLUMNS if not (regression and column.startswith("label"))
    ]
    kinds = {"character": "OU", "numeric": "f", "integer": "iu", "list": "O"}
    for column, (r_class,) in theirs["r_class"].items():
        dtype = ours[column].dtype
        if column == "feature_value":
            assert dtype.kind == "O"  # each value keeps its own type
        elif r_class == "character":
            assert pd.api.types.is_string_dtype(dtype)
        else:
            assert dtype.kind in kinds[r_class]
    if setting == "auto_nf2":
        return  # which features are selected is left to chance
    # A column that R never draws anew (difference 1) is in ours alone.
    values = pd.DataFrame(theirs["values"])
    keys = ["case", "feature"] + ([] if regression else ["label"])
    ours = ours.merge(values[keys], on=keys)
    assert len(ours) == len(values)
    for column in ours.columns.intersection([*SURE, "feature", "feature_desc"]):
        if column == "prediction" and not regression:
            for mine, other in zip(ours[column], values[column], strict=True):
                assert list(mine) == list(other)
                assert mine == pytest.approx(other)
        elif ours[column].dtype.kind == "f":
            np.testing.assert_allclose(ours[column], values[column].astype(float))
        else:
            assert ours[column].tolist() == values[column].tolist()
    for mine, other in zip(ours["data"], values["data"], strict=True):
        assert list(mine) == list(other)
        for key, value in mine.items():
            if isinstance(value, pd.Timestamp):
                assert str(value.date()) == other[key]
            else:
                assert value == other[key]
    for row in ours.itertuples():
        assert row.feature_value == row.data[row.feature]
