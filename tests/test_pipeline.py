"""The pipeline: kinds of input from outside, the one place where a model is called, errors."""

import inspect
import time
import tracemalloc
import warnings
from dataclasses import dataclass, fields, replace
from typing import Annotated

import numpy as np
import pandas as pd
import pytest

import pylime
from pylime import (
    CaseError,
    CaseWarning,
    FitWarning,
    as_classifier,
    as_regressor,
    checks,
    explain,
    explain_batches,
    explain_to_parquet,
    lime,
    plot_features,
    read_explanation,
    register_kind,
    write_explanation,
)
from pylime.explainers import make_request
from pylime.masks import distinct_rows, draw_masks
from pylime.pipeline import Batch, CaseList, InputKind, Permutations, Perturbed, recognise
from pylime.request import Request
from pylime.seeds import case_generator
from pylime.similarity import cosine_similarity

SMALL = {"n_permutations": 200, "random_state": 1}
RANDOM = np.random.default_rng(3)
SERIES = [RANDOM.normal(size=24) for _ in range(5)]


@dataclass(frozen=True)
class SeriesOptions:
    n_segments: Annotated[int, checks.at_least(2)] = 4


def are_series(x):
    return isinstance(x, list) and all(np.ndim(item) == 1 and len(item) for item in x)


def read_series(x):
    return CaseList([np.asarray(item, float) for item in x], range(len(x)))


def perturb_series(explainer, cases, request):
    (series,), (name,) = cases.items, cases.names
    n = request.options.n_segments
    if len(series) < n:
        raise CaseError(f"The series has {len(series)} values, too few for {n} segments.")
    segment = np.arange(len(series)) * n // len(series)
    random = case_generator(request.seed, series.tobytes())
    kept = draw_masks(request.n_permutations, n, 0.5, random, request.draws)
    rows, which = distinct_rows(kept)
    inputs = np.where(kept[rows][:, segment], series, 0.0)
    permutations = Permutations(
        case=name,
        design=kept,
        weights=cosine_similarity(kept[0], kept),
        features=[f"segment {k}" for k in range(n)],
        describe=lambda found: [(f, f"{f} is kept") for f in found],
        data=series.tolist(),
        n_inputs=len(inputs),
        rows=which,
    )
    halves = np.array_split(np.arange(len(inputs)), 2)
    return Perturbed([permutations], (Batch(inputs[half], len(half)) for half in halves))


KIND = InputKind(
    name="series",
    plural="series",
    rows="series",
    description="series: a list of 1-D arrays",
    recognise=are_series,
    read=read_series,
    perturb=perturb_series,
    explain_options=SeriesOptions,
)


def sums(rows):
    return np.asarray(rows).sum(axis=1)


@pytest.fixture
def series(monkeypatch):
    monkeypatch.setattr("pylime.pipeline._KINDS", dict(pylime.pipeline._KINDS))
    register_kind(KIND)


@pytest.mark.usefixtures("series")
def test_a_kind_from_outside_is_explained_like_any_other(tmp_path):
    explainer = lime(SERIES, as_regressor(sums))
    explanation = explain(SERIES, explainer, n_features=4, feature_select="none", **SMALL)
    assert explanation["case"].unique().tolist() == [0, 1, 2, 3, 4]
    # A linear model of segments: the weight of each is its sum, but for the penalty.
    for case, rows in explanation.groupby("case"):
        truth = SERIES[case].reshape(4, 6).sum(axis=1)
        np.testing.assert_allclose(rows["feature_weight"], truth, rtol=0.02, atol=0.02)
        assert rows["feature_desc"].tolist() == [f"segment {k} is kept" for k in range(4)]
        assert rows["prediction"].iloc[0] == pytest.approx(SERIES[case].sum())
    whole = {"n_features": 4, "feature_select": "none", **SMALL}
    pd.testing.assert_frame_equal(explain(SERIES, explainer, n_jobs=2, **whole), explanation)
    alone = explain(SERIES[3:4], explainer, **whole)
    np.testing.assert_array_equal(
        alone["feature_weight"], explanation.loc[explanation["case"] == 3, "feature_weight"]
    )
    streamed = pd.concat(explain_batches([SERIES[:2], SERIES[2:]], explainer, **whole))
    np.testing.assert_array_equal(streamed["feature_weight"], explanation["feature_weight"])
    explain_to_parquet([SERIES[:2], SERIES[2:]], explainer, tmp_path / "run", **whole)
    pd.testing.assert_frame_equal(read_explanation(tmp_path / "run"), explanation)
    write_explanation(explanation, tmp_path / "series.json")
    pd.testing.assert_frame_equal(read_explanation(tmp_path / "series.json"), explanation)
    plot_features(explanation).draw()


@pytest.mark.usefixtures("series")
def test_errors_of_a_kind_from_outside_read_like_those_of_any_other():
    explainer = lime(SERIES, as_regressor(sums))
    with pytest.warns(CaseWarning, match="1: The series has 3 values, too few for 4 segments"):
        explanation = explain([SERIES[0], SERIES[1][:3]], explainer, **SMALL)
    assert explanation["case"].unique().tolist() == [0]
    with pytest.raises(ValueError, match="`n_segments` must be a whole number of at least 2"):
        explain(SERIES, explainer, n_segments=1)
    with pytest.raises(TypeError, match=r"explain\(\) of series has no option 'n_segment'"):
        explain(SERIES, explainer, n_segment=3)
    with pytest.raises(TypeError, match=r"lime\(\) of series has no option 'n_bins'"):
        lime(SERIES, as_regressor(sums), n_bins=3)
    with pytest.raises(ValueError, match="There is nothing to explain: `x` has no series"):
        explain([], explainer)
    with pytest.raises(TypeError, match="`x` must be series: a list of 1-D arrays; or a table"):
        lime(7, as_regressor(sums))


@pytest.mark.usefixtures("series")
def test_a_kind_that_miscounts_is_told_so():
    def miscounted(explainer, cases, request):
        perturbed = perturb_series(explainer, cases, request)
        return Perturbed(perturbed.cases, list(perturbed.batches)[:1])

    register_kind(replace(KIND, perturb=miscounted))
    with pytest.raises(ValueError, match=r"must have a row for each input of the cases: 1\d are"):
        explain(SERIES[:1], lime(SERIES, as_regressor(sums)), **SMALL)


@pytest.mark.usefixtures("series")
def test_cases_that_a_kind_loses_are_an_error():
    def two_at_once(explainer, cases, request):
        return [cases.take([0, 1])]

    def first_only(explainer, cases, request):
        return perturb_series(explainer, cases.take([0]), request)

    register_kind(replace(KIND, parts=two_at_once, perturb=first_only))
    with pytest.raises(ValueError, match="`parts` of the kind 'series' must return each of the 5"):
        explain(SERIES, lime(SERIES, as_regressor(sums)), **SMALL)
    register_kind(
        replace(KIND, parts=lambda explainer, cases, request: [cases], perturb=first_only)
    )
    found = explain(SERIES, lime(SERIES, as_regressor(sums)), **SMALL)
    assert found["case"].nunique() == 5  # each was tried again alone


def test_threads_leave_warnings_as_they_were():
    import joblib

    table = pd.DataFrame({"a": RANDOM.normal(size=50), "b": RANDOM.normal(size=50)})

    def slow(rows):
        time.sleep(0.003)
        return rows["a"]

    explainer = lime(table, as_regressor(slow))
    with joblib.parallel_config(backend="threading"), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", FitWarning)  # one column of noise beside another
        explain(table.head(24), explainer, n_permutations=60, n_jobs=3, random_state=1)
        extra = pd.concat([table.head(8), table.head(1).assign(a=np.nan)]).set_axis(range(9))
        explain(extra, lime(table, as_regressor(slow)), n_permutations=60, n_jobs=3)
        assert not told[:-1]
    with pytest.warns(UserWarning, match="still here"):
        warnings.warn("still here", stacklevel=1)


@pytest.mark.usefixtures("series")
def test_what_goes_wrong_with_a_description_costs_its_case_only():
    def undescribed(explainer, cases, request):
        perturbed = perturb_series(explainer, cases, request)
        (case,) = perturbed.cases
        if case.case == 1:
            case = replace(case, describe=lambda found: [(f, {}[f]) for f in found])
        return Perturbed([case], perturbed.batches)

    register_kind(replace(KIND, perturb=undescribed))
    with pytest.warns(CaseWarning, match="1: KeyError"):
        explanation = explain(SERIES[:3], lime(SERIES, as_regressor(sums)), **SMALL)
    assert explanation["case"].unique().tolist() == [0, 2]


def test_a_kind_can_be_named():
    numbers = np.arange(60, dtype=np.uint8).reshape(20, 3)
    assert recognise(numbers)[0].name == "image"
    assert recognise(numbers, "table")[0].name == "table"
    explainer = lime(numbers, as_regressor(sums), kind="table")
    assert type(explainer).__name__ == "TableExplainer"
    with pytest.raises(ValueError, match="`kind` must be one of 'text', 'image', 'table'; not"):
        lime(numbers, as_regressor(sums), kind="tables")


def test_the_defaults_of_a_request_are_those_of_explain():
    arguments = inspect.signature(explain).parameters
    own = checks.arguments_of(Request)
    keywords = [n for n, p in arguments.items() if p.kind is p.KEYWORD_ONLY]
    assert own == keywords
    for name in own:
        default = next(field.default for field in fields(Request) if field.name == name)
        assert arguments[name].default == default or name == "n_permutations"


def test_a_request_means_the_same_at_each_use():
    table = pd.DataFrame({"a": RANDOM.normal(size=50), "b": RANDOM.normal(size=50)})
    explainer = lime(table, as_classifier(lambda rows: rows["a"] > 0, ["no", "yes"]), probe=False)
    request = make_request(explainer, labels=iter(["yes", "no"]), random_state=None)
    assert request.labels == ["yes", "no"]
    assert request.seed == request.seed != make_request(explainer).seed
    assert request.n_permutations == 5000
    with pytest.raises(TypeError, match=r"has no option 'n_featuers'\. Did you mean 'n_features'"):
        make_request(explainer, n_featuers=3)
    with pytest.raises(ValueError, match="choose between `labels` and `n_labels`"):
        make_request(explainer, labels="yes", n_labels=1)


@pytest.mark.parametrize("on_error", ["ignore", "warn, even of all", None, True])
def test_on_error_is_warn_or_raise(on_error):
    explainer = lime("one two", as_regressor(lambda texts: [len(text) for text in texts]))
    with pytest.raises(ValueError, match="`on_error` must be one of 'warn', 'raise'; not"):
        explain("one two", explainer, on_error=on_error)


def test_what_a_model_writes_into_its_rows_changes_no_other_case():
    """A case that fails in a call of many has all drawn again, from the same numbers."""
    table = pd.DataFrame({"a": RANDOM.normal(size=50), "b": RANDOM.normal(size=50)})

    def spoiling(rows):
        total = rows["a"].to_numpy() + rows["b"].to_numpy()
        wrong = rows["b"].to_numpy().max() > 1e5
        rows.loc[:, :] = 0.0
        if wrong:
            raise RuntimeError("too large")
        return total

    explainer = lime(table, as_regressor(spoiling))
    expected = explain(table.head(3), explainer, **SMALL)
    cases = pd.concat([table.head(3), pd.DataFrame({"a": [0.0], "b": [1e6]}, index=[99])])
    with pytest.warns(CaseWarning, match="99: RuntimeError: too large"):
        found = explain(cases, explainer, **SMALL)
    pd.testing.assert_frame_equal(found, expected)


def test_a_thousand_classes_in_many_batches_are_not_kept():
    images = np.random.default_rng(0).integers(0, 255, (1, 40, 40, 3), dtype=np.uint8)

    def model(batch):
        scores = np.tile(np.arange(2000.0), (len(batch), 1))
        scores[:, 0] = batch[:, :20].mean(axis=(1, 2, 3)) * 100
        return scores / scores.sum(axis=1, keepdims=True)

    explainer = lime(images, as_classifier(model), probe=False)
    tracemalloc.start()
    explain(images, explainer, n_permutations=4000, n_superpixels=30, random_state=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.3 * 4000 * 2000 * 8


def test_no_warning_names_a_file_of_the_package(tmp_path):
    table = pd.DataFrame({"a": RANDOM.normal(size=60), "b": RANDOM.normal(size=60), "c": 1.0})
    gap = pd.DataFrame({"q": [0.0] * 90 + [1.0] * 10, "r": range(100)})
    model = as_regressor(lambda rows: rows["a"])
    texts = ["one two three", "x"]
    length = as_classifier(lambda t: [len(x) / 40 for x in t], ["short", "long"])
    twice = table.head(2).set_axis([1, 1])
    few = {"n_permutations": 60}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        explainer = lime(table, model)
        lime(gap, as_regressor(lambda rows: rows["r"]))
        lime(table, as_classifier(lambda rows: np.c_[rows["a"], rows["b"]], ["u", "v"]))
        lime(table, as_classifier(lambda rows: np.full((len(rows), 2), 0.5), ["u", "v", "w"]))
        explain(table.head(1), explainer, kernel_width=1.0, **few)
        explain(table.head(1).assign(z=1), explainer, **few)
        explain(table.head(1), explainer, n_labels=1, **few)
        explain(twice, explainer, **few)
        list(explain_batches([table.head(1)], explainer, kernel_width=1.0, **few))
        next(explain_batches([table.head(1).assign(z=1)], explainer, **few))
        of_texts = lime(texts, length)
        explain(texts, of_texts, **few)
        explain([*texts, ""], of_texts, n_jobs=2, **few)
        explain(["one two", "", "two three"], of_texts, single_explanation=True, **few)
        list(explain_batches([texts, ["y"]], of_texts, **few))
        explain_to_parquet([texts], of_texts, tmp_path / "run", **few)
        explain_to_parquet([twice.head(1), twice.head(1)], explainer, tmp_path / "rows", **few)
    found = [warning for warning in caught if issubclass(warning.category, UserWarning)]
    assert len(found) >= 17
    assert {warning.filename for warning in found} == {__file__}
