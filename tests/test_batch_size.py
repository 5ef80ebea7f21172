"""`batch_size`: the largest number of inputs of a call, the rows unchanged."""

import itertools
from dataclasses import dataclass, replace
from typing import Annotated

import joblib
import numpy as np
import pandas as pd
import pytest
from test_pipeline import KIND, SERIES, SeriesOptions, sums

from pylime import (
    CaseWarning,
    as_classifier,
    as_regressor,
    checks,
    explain,
    explain_batches,
    explain_to_parquet,
    lime,
    permutations,
    quality,
)
from pylime.pipeline import Batch, Explainer, as_given, cut

RANDOM = np.random.default_rng(4)
ROWS = pd.DataFrame(
    {
        "size": RANDOM.normal(80, 20, 200),
        "rooms": RANDOM.integers(1, 6, 200),
        "city": RANDOM.choice(["Oslo", "Bergen", "Tromsø"], 200),
    }
)
LEVELS = ROWS[["city"]].assign(floor=RANDOM.choice(["low", "high"], 200))
TEXTS = ["a slow, slow film with a good end", "good music and a good film, but too long"]
FEW = {"n_permutations": 60, "random_state": 1, "n_features": 3}


class Counted:
    """A model that notes the size of each call."""

    def __init__(self, function, fails=lambda cases: False):
        self.function, self.fails, self.sizes = function, fails, []

    def __call__(self, cases):
        self.sizes.append(len(cases))
        if self.fails(cases):
            raise ConnectionError("HTTP 503")
        return self.function(cases)

    def used(self):
        sizes, self.sizes = self.sizes, []
        return sizes


def rent(rows):
    return rows["size"] * 9 + rows["rooms"] * 50 + (rows["city"] == "Oslo") * 200


def letters(texts):
    return np.array([text.count("o") / (1 + len(text)) for text in texts])


def of_array(rows):
    return rows[:, 0] + rows[:, 1] ** 2


KINDS = {
    "frame": (ROWS, rent, as_regressor, ROWS.iloc[[3, 40, 77]]),
    "levels": (
        LEVELS,
        lambda rows: (rows == ["Oslo", "low"]).sum(axis=1),
        as_regressor,
        LEVELS[:4],
    ),
    "array": (ROWS.to_numpy()[:, :2].astype(float), of_array, as_regressor, None),
    "texts": (TEXTS, letters, as_classifier, TEXTS),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 7, 59, 60, 61, 125, 10_000])
def test_rows_are_those_without_and_no_call_is_larger(kind, size):
    data, function, wrap, cases = KINDS[kind]
    model = Counted(function)
    explainer = lime(data, wrap(model))
    cases = data[:3] if cases is None else cases
    model.used()
    whole = explain(cases, explainer, **FEW)
    rows = sum(model.used())
    cut_up = explain(cases, explainer, batch_size=size, **FEW)
    pd.testing.assert_frame_equal(cut_up, whole)
    sizes = model.used()
    assert max(sizes) <= size
    assert sum(sizes) == rows  # nothing is predicted twice


@pytest.mark.parametrize("options", [{"n_permutations": "auto", "tolerance": 0.2}, {"n_jobs": 2}])
@pytest.mark.parametrize("kind", ["frame", "texts"])
def test_it_goes_with_growing_samples_and_jobs(kind, options):
    data, function, wrap, cases = KINDS[kind]
    explainer = lime(data, wrap(function))
    options = {**FEW, **options}
    with joblib.parallel_config(backend="threading"):
        whole = explain(cases, explainer, **options)
        cut_up = explain(cases, explainer, batch_size=33, **options)
    pd.testing.assert_frame_equal(cut_up, whole)


def test_it_bounds_the_further_predictions_of_quality():
    model = Counted(rent)
    explainer = lime(ROWS, as_regressor(model))
    options = {**FEW, "n_calls": 50}
    whole = quality(ROWS.head(2), explainer, **options)
    model.used()
    pd.testing.assert_frame_equal(quality(ROWS.head(2), explainer, batch_size=20, **options), whole)
    assert sorted(set(model.used())) == [10, 20]


@pytest.mark.parametrize("size", [10, 60, 130])
def test_an_error_at_a_batch_loses_its_case_alone(size):
    model = Counted(rent, lambda rows: (rows["size"] == ROWS["size"][40]).any())
    explainer = lime(ROWS, as_regressor(model))
    model.used()
    cases = ROWS.iloc[[3, 40, 77]]
    with pytest.warns(CaseWarning, match="1 of 3 cases.*40: ConnectionError: HTTP 503"):
        found = explain(cases, explainer, batch_size=size, **FEW)
    expected = explain(cases.iloc[[0, 2]], lime(ROWS, as_regressor(rent)), **FEW)
    pd.testing.assert_frame_equal(found, expected)


def test_an_error_costs_no_call_for_other_cases():
    model = Counted(rent, lambda rows: (rows["size"] == ROWS["size"][40]).any())
    explainer = lime(ROWS, as_regressor(model))
    model.used()
    with pytest.warns(CaseWarning):
        explain(ROWS.iloc[[3, 40, 77]], explainer, batch_size=25, **FEW)
    assert model.used() == [25, 25, 10, 25, 25, 25, 10]


def test_a_model_may_change_what_it_receives():
    def careless(rows):
        price = rent(rows)
        rows["size"] = 0.0
        del rows["city"]
        return price

    expected = explain(ROWS.head(2), lime(ROWS, as_regressor(rent)), **FEW)
    explainer = lime(ROWS, as_regressor(careless))
    found = explain(ROWS.head(2), explainer, batch_size=17, **FEW)
    pd.testing.assert_frame_equal(found, expected)


def test_rows_in_another_order_are_put_back_in_each_batch():
    def by_city(rows):
        return pd.concat([rent(part) for _, part in rows.groupby("city")])

    expected = explain(ROWS.head(2), lime(ROWS, as_regressor(rent)), **FEW)
    found = explain(ROWS.head(2), lime(ROWS, as_regressor(by_city)), batch_size=17, **FEW)
    pd.testing.assert_frame_equal(found, expected)


def test_later_batches_may_have_their_labels_in_another_order():
    turns = itertools.count()

    def chances(rows):
        yes = 1 / (1 + np.exp(-(rows["size"] - 80) / 20))
        frame = pd.DataFrame({"no": 1 - yes, "yes": yes})
        return frame[["yes", "no"]] if next(turns) % 2 else frame

    def steady(rows):
        return chances(rows)[["no", "yes"]]

    options = {**FEW, "labels": "yes"}
    expected = explain(ROWS.head(2), lime(ROWS, as_classifier(steady)), **options)
    found = explain(ROWS.head(2), lime(ROWS, as_classifier(chances)), batch_size=9, **options)
    pd.testing.assert_frame_equal(found, expected)


def test_streams_and_runs_take_it(tmp_path):
    explainer = lime(ROWS, as_regressor(rent))
    batches = [ROWS[:2], ROWS[2:4]]
    parts = list(explain_batches(batches, explainer, batch_size=25, **FEW))
    pd.testing.assert_frame_equal(parts[1], explain(batches[1], explainer, **FEW))
    explain_to_parquet(batches[:1], explainer, tmp_path / "run", batch_size=25, **FEW)
    files = explain_to_parquet(batches, explainer, tmp_path / "run", batch_size=5, **FEW)
    assert len(files) == 2  # another size is no other run


@dataclass(frozen=True)
class SizedSeriesOptions(SeriesOptions):
    batch_size: Annotated[int | None, checks.count] = None


def test_kinds_from_outside_have_it_by_naming_it():
    model = Counted(sums)
    kind = replace(KIND, explain_options=SizedSeriesOptions)
    explainer = Explainer(as_regressor(model), as_given, kind)
    whole = explain(SERIES, explainer, **FEW)
    assert max(model.used()) > 3
    pd.testing.assert_frame_equal(explain(SERIES, explainer, batch_size=3, **FEW), whole)
    assert max(model.used()) == 3
    inputs = permutations(SERIES[:1], explainer, batch_size=3, **FEW)["input"]
    np.testing.assert_array_equal(inputs[0], SERIES[0])


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (0, ValueError, "`batch_size` must be a positive whole number; not 0"),
        (-3, ValueError, "`batch_size` must be a positive whole number; not -3"),
        (2.5, TypeError, r"`batch_size` must be a positive whole number; not 2\.5"),
        (True, TypeError, "`batch_size` must be a positive whole number; not True"),
        ("64", TypeError, "`batch_size` must be a positive whole number; not '64'"),
    ],
)
@pytest.mark.parametrize("kind", ["frame", "texts"])
def test_other_sizes_are_errors(kind, wrong, error, message):
    data, function, wrap, cases = KINDS[kind]
    with pytest.raises(error, match=message):
        explain(cases, lime(data, wrap(function)), batch_size=wrong, **FEW)


FORMS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "strings": lambda numbers: np.array([f"text {number}" for number in numbers]),
    "matrix": lambda numbers: np.column_stack([numbers, numbers]),
    "series": pd.Series,
    "frame": lambda numbers: pd.DataFrame({"a": numbers, "b": "x"}),
    "named rows": lambda numbers: pd.DataFrame({"a": numbers}, index=[f"r{n}" for n in numbers]),
    "columns": lambda numbers: np.asfortranarray(np.column_stack([numbers, numbers])),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_parts_of_a_batch_are_all_of_it_in_order(form, n):
    whole = FORMS[form](range(n))
    for size in range(1, n + 2):
        parts = list(cut(Batch(whole, n, np.zeros(20, dtype=int)), size))
        assert [part.n for part in parts] == [len(part.inputs) for part in parts]
        assert all(part.rows is None for part in parts)
        assert [part.n for part in parts[:-1]] == [min(size, n)] * (len(parts) - 1)
        assert 1 <= parts[-1].n <= size
        assert all(type(part.inputs) is type(whole) for part in parts)
        if isinstance(whole, pd.DataFrame | pd.Series):
            again = pd.concat([part.inputs for part in parts])
            counted = isinstance(whole.index, pd.RangeIndex)
            again = again.reset_index(drop=True) if counted else again
            assert again.equals(whole)
            assert all(not counted or part.inputs.index[0] == 0 for part in parts)
        else:
            again = [item for part in parts for item in part.inputs]
            assert np.array_equal(np.array(again), np.array(whole))


def test_parts_of_a_frame_are_independent_of_it():
    frame = pd.DataFrame({"a": range(5)})
    for part in cut(Batch(frame, 5), 2):
        part.inputs["a"] = -1
    assert frame["a"].tolist() == [0, 1, 2, 3, 4]
