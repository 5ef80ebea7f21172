"""Every kind of table and of column: what the model gets, and what is refused."""

import pickle
import warnings
from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from pylime import as_classifier, as_regressor, explain, lime
from pylime.tabular import describe_feature, numerify

RANDOM = np.random.default_rng(11)
N = 120


def every_column():
    """A column of every type that a user has."""
    numbers = RANDOM.normal(5, 2, N)
    whole = RANDOM.integers(0, 50, N)
    letters = RANDOM.choice(["a", "b", "c"], N)
    truth = RANDOM.random(N) < 0.5
    gaps = np.arange(N) % 7 == 3
    days = pd.Series(pd.date_range("2021-01-01", periods=N, freq="h"))

    def holed(values, dtype, gap=pd.NA):
        return pd.Series([gap if g else v for v, g in zip(values, gaps, strict=True)], dtype=dtype)

    return pd.DataFrame(
        {
            "float64": numbers,
            "float32": numbers.astype(np.float32),
            "float64_na": np.where(gaps, np.nan, numbers),
            "Float64": holed(numbers, "Float64"),
            "int64": whole,
            "int8": whole.astype(np.int8),
            "uint8": whole.astype(np.uint8),
            "big": whole.astype(np.int64) + 2**53 + 1,
            "Int64": holed(whole, "Int64"),
            "Int16": pd.Series(whole, dtype="Int16"),
            "bool": truth,
            "boolean": holed(truth, "boolean"),
            "bool_object": pd.Series(truth.tolist(), dtype=object),
            "category": pd.Categorical(letters),
            "ordered": pd.Categorical(letters, categories=list("cbax"), ordered=True),
            "category_int": pd.Categorical(whole % 3),
            "category_na": pd.Categorical(np.where(gaps, None, letters)),
            "str": pd.Series(letters, dtype="str"),
            "str_na": holed(letters, "str"),
            "string": holed(letters, "string"),
            "object": pd.Series(letters, dtype=object),
            "object_na": holed(letters, object, None),
            "object_int": pd.Series(whole.tolist(), dtype=object),
            "object_float": holed(numbers, object, None),
            "mixed": pd.Series([1 if t else "one" for t in truth], dtype=object),
            "decimal": pd.Series([Decimal(int(x)) / 4 for x in whole], dtype=object),
            "date": [date(2020, 1, 1 + int(x) % 28) for x in whole],
            "datetime": days,
            "datetime_tz": days.dt.tz_localize("Europe/Oslo", nonexistent="shift_forward"),
            "datetime_na": days.where(~gaps),
            "timedelta": pd.to_timedelta(whole, unit="h"),
            "period": pd.period_range("2020-01", periods=N, freq="D"),
            "interval": pd.cut(numbers, 4).astype(object),
            "arrow_int": holed(whole, "int64[pyarrow]"),
            "arrow_double": holed(numbers, "double[pyarrow]"),
            "arrow_string": holed(letters, "string[pyarrow]"),
            "arrow_bool": pd.Series(truth, dtype="bool[pyarrow]"),
            "arrow_time": days.astype("timestamp[ns][pyarrow]"),
            "sparse": pd.arrays.SparseArray(np.where(truth, numbers, 0.0)),
        }
    )


COLUMNS_OF_ALL_TYPES = every_column()


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return function(*arguments, **options)


class Recorder:
    """A model that keeps what it is given."""

    def __init__(self, predict):
        self.predict, self.seen = predict, []

    def __call__(self, rows):
        self.seen.append(rows)
        return self.predict(rows)


def draw_of(rows):
    """Some function of any rows."""
    return np.linspace(0, 1, len(rows)) ** 2


@pytest.mark.parametrize("binned", [True, False])
@pytest.mark.parametrize("name", COLUMNS_OF_ALL_TYPES)
def test_the_model_gets_columns_of_the_training_type(name, binned):
    train = COLUMNS_OF_ALL_TYPES[["float64", name]].loc[:, lambda t: ~t.columns.duplicated()]
    model = Recorder(draw_of)
    explainer = quietly(lime, train, as_regressor(model), bin_continuous=binned)
    for row in (0, 3):  # the latter misses values
        model.seen.clear()
        explanation = explain(train.iloc[[row]], explainer, n_permutations=150, random_state=1)
        (rows,) = model.seen
        pd.testing.assert_series_equal(rows.dtypes, train.dtypes)
        pd.testing.assert_frame_equal(
            rows.head(1).reset_index(drop=True), train.iloc[[row]].reset_index(drop=True)
        )
        value = explanation["data"].iloc[0][name]
        other = train[name].iloc[row]
        assert (pd.isna(value) and pd.isna(other)) or value == other
    assert rows[name].astype(str).unique().size > 1 or explainer.feature_type[name] == "date_time"


def test_all_columns_together_and_rows_as_series():
    train = COLUMNS_OF_ALL_TYPES
    model = Recorder(draw_of)
    explainer = quietly(lime, train, as_regressor(model))
    cases = train.iloc[[5, 3]]
    both = explain(cases, explainer, n_permutations=100, random_state=4, n_features=8)
    for label, case in cases.iterrows():
        alone = explain(case, explainer, n_permutations=100, random_state=4, n_features=8)
        assert alone["case"].unique().tolist() == [label]
        shown = ["case", "feature_desc"]
        assert set(alone["feature"]) <= set(train)
        pd.testing.assert_frame_equal(
            alone["data"].to_frame().map(str),
            both[both["case"] == label]["data"].to_frame().reset_index(drop=True).map(str),
        )
        assert len(alone[shown])


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_foreign_frames(kind):
    names = ["float64", "float64_na", "int64", "bool", "str", "datetime"]
    train = COLUMNS_OF_ALL_TYPES[names]
    foreign = import_module(kind)
    read = foreign.from_pandas if kind == "polars" else foreign.Table.from_pandas
    table = read(train)
    model = Recorder(lambda rows: rows["float64"] + rows["int64"])
    ours = explain(
        train.iloc[[0, 7]].reset_index(drop=True), lime(train, as_regressor(model)), random_state=1
    )
    case = table[[0, 7]] if kind == "polars" else table.take([0, 7])
    theirs = explain(case, lime(table, as_regressor(model)), random_state=1)
    shown = ["case", "feature", "feature_weight", "feature_desc"]
    pd.testing.assert_frame_equal(ours[shown], theirs[shown])
    assert all(isinstance(rows, pd.DataFrame) for rows in model.seen)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool", "object"])
def test_arrays_stay_arrays(dtype):
    array = (RANDOM.normal(0, 3, (80, 4)).round()).astype(dtype)
    model = Recorder(draw_of)
    explainer = quietly(lime, array, as_regressor(model), probe=False)
    assert list(explainer.feature_type) == ["x0", "x1", "x2", "x3"]
    explanation = explain(array[:2], explainer, n_permutations=100, random_state=1)
    (rows,) = model.seen
    assert isinstance(rows, np.ndarray)
    assert rows.dtype == array.dtype
    assert rows.shape[1] == 4
    np.testing.assert_array_equal(rows[0], array[0])
    assert explanation["case"].unique().tolist() == [0, 1]
    one = explain(array[1], explainer, n_permutations=100, random_state=1)
    second = explanation[explanation["case"] == 1].reset_index(drop=True)
    columns = ["feature", "feature_desc"]
    assert set(map(tuple, one[columns].to_numpy())) & set(map(tuple, second[columns].to_numpy()))


def test_bytes_are_a_table_only_for_the_explainer_of_one():
    array = RANDOM.integers(0, 9, (50, 3))
    explainer = lime(array, as_regressor(lambda rows: rows.sum(axis=1)))
    explanation = explain(array[:1].astype(np.uint8), explainer, random_state=1)
    assert explanation["feature"].nunique() == 3


def test_columns_are_found_by_name():
    train = COLUMNS_OF_ALL_TYPES[["float64", "int64", "str"]]
    model = Recorder(lambda rows: rows["float64"] + rows["int64"])
    explainer = lime(train, as_regressor(model))
    case = train.iloc[[4]]
    expected = explain(case, explainer, random_state=1)
    mixed = case[["str", "int64", "float64"]]
    pd.testing.assert_frame_equal(explain(mixed, explainer, random_state=1), expected)
    with pytest.warns(UserWarning, match=r"ignored: more, yet\."):
        found = explain(mixed.assign(more=1, yet=2), explainer, random_state=1)
    pd.testing.assert_frame_equal(found, expected)
    assert all(list(rows.columns) == list(train.columns) for rows in model.seen)
    with pytest.raises(ValueError, match=r"all 3 columns .* 2 are missing: int64, str"):
        explain(case[["float64"]], explainer)


@pytest.mark.parametrize(
    "names", [[1, 2, 3], [("a", 1), ("a", 2), ("b", 1)], ["", "two words", "ö"], [None, 0.5, True]]
)
def test_names_of_any_kind(names):
    train = COLUMNS_OF_ALL_TYPES[["float64", "int64", "str"]].set_axis(names, axis=1)
    model = Recorder(draw_of)
    explainer = lime(train, as_regressor(model))
    explanation = explain(train.head(1), explainer, random_state=1, n_permutations=100)
    assert set(explanation["feature"]) <= {str(name) for name in train.columns}
    pd.testing.assert_index_equal(model.seen[0].columns, train.columns)
    assert list(explanation["data"].iloc[0]) == list(train.columns)


def test_unusual_index_labels_name_the_cases():
    train = COLUMNS_OF_ALL_TYPES[["float64", "int64"]]
    explainer = lime(train, as_regressor(lambda rows: rows["float64"]))
    cases = train.head(2).set_axis(pd.MultiIndex.from_tuples([("x", 1), ("y", 2)]))
    explanation = explain(cases, explainer, random_state=1, n_permutations=100)
    assert explanation["case"].unique().tolist() == [("x", 1), ("y", 2)]
    with pytest.warns(UserWarning, match="1 name belongs to several cases, such as 0"):
        twice = explain(train.iloc[[0, 0]], explainer, random_state=1, n_permutations=100)
    assert len(twice) == 4
    train = COLUMNS_OF_ALL_TYPES[["float64", "int64", "str", "datetime"]]
    explainer = lime(train, as_regressor(lambda rows: rows["float64"] + rows["int64"]))
    with pytest.warns(UserWarning, match="1 name belongs to several cases, such as 0"):
        twice = explain(train.iloc[[0, 0]], explainer, random_state=1, n_permutations=100)
    pd.testing.assert_frame_equal(twice.iloc[:3], twice.iloc[3:].reset_index(drop=True))


def test_nothing_that_is_given_is_changed():
    train = COLUMNS_OF_ALL_TYPES.copy(deep=True)
    before = train.copy(deep=True)

    def spoil(rows):
        for name in rows:
            rows[name] = 0
        return np.arange(len(rows), dtype=float)

    def spoil_values(rows):
        rows[:] = 0
        return np.arange(len(rows), dtype=float)

    explainer = quietly(lime, train, as_regressor(spoil))
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    explain(train.head(2), explainer, n_permutations=50)
    pd.testing.assert_frame_equal(train, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002

    numbers = train[["float64", "float64_na"]].to_numpy()
    kept = numbers.copy()
    plain = lime(numbers, as_regressor(lambda rows: np.arange(len(rows), dtype=float)))
    spoiled = lime(numbers, as_regressor(spoil_values))
    pd.testing.assert_frame_equal(
        explain(numbers[:2], plain, random_state=1, n_permutations=50),
        explain(numbers[:2], spoiled, random_state=1, n_permutations=50),
    )
    np.testing.assert_array_equal(numbers, kept)


# One seed, the same rows


@pytest.fixture(scope="module")
def classifier():
    train = COLUMNS_OF_ALL_TYPES[["float64", "int64", "str", "bool", "category_na"]]
    model = as_classifier(class_chances, ["no", "yes"])
    return train, quietly(lime, train, model)


def class_chances(rows):
    score = rows["float64"] - 5 + (rows["str"] == "a") + rows["bool"] - rows["int64"] / 25
    return 1 / (1 + np.exp(-score.to_numpy(dtype=float)))


def test_a_case_gives_the_same_rows_alone_in_a_batch_shuffled_and_in_parallel(classifier):
    train, explainer = classifier
    cases = train.iloc[:7]
    options = {"random_state": 5, "n_permutations": 400, "n_labels": 2}
    batch = explain(cases, explainer, **options)
    for label in cases.index:
        alone = explain(cases.loc[[label]], explainer, **options)
        same = batch[batch["case"] == label].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, same, check_exact=True)
        renamed = explain(cases.loc[[label]].set_axis(["other"]), explainer, **options)
        pd.testing.assert_frame_equal(renamed.drop(columns="case"), same.drop(columns="case"))
    shuffled = explain(cases.sample(frac=1, random_state=2), explainer, **options)
    pd.testing.assert_frame_equal(
        shuffled.sort_values("case", kind="stable", ignore_index=True), batch, check_exact=True
    )
    parallel = explain(cases, explainer, n_jobs=2, **options)
    pd.testing.assert_frame_equal(parallel, batch, check_exact=True)
    other = explain(cases, explainer, **{**options, "random_state": 6})
    assert not other["feature_weight"].equals(batch["feature_weight"])


def test_draws_do_not_depend_on_the_order_of_columns(classifier):
    train, explainer = classifier
    turned = quietly(lime, train[train.columns[::-1]], explainer.model)
    options = {"random_state": 5, "n_permutations": 400, "feature_select": "none"}
    ours = explain(train.head(2), explainer, **options).set_index(["case", "feature"])
    theirs = explain(train.head(2), turned, **options).set_index(["case", "feature"])
    np.testing.assert_allclose(
        ours["feature_weight"], theirs["feature_weight"].loc[ours.index], rtol=1e-8
    )


def test_chunks_do_not_show(classifier, monkeypatch):
    train, explainer = classifier
    whole = explain(train.head(5), explainer, random_state=1, n_permutations=200)
    monkeypatch.setattr("pylime.tabular.explainer._CHUNK_VALUES", 2500)
    parts = explain(train.head(5), explainer, random_state=1, n_permutations=200)
    pd.testing.assert_frame_equal(whole, parts, check_exact=True)


def test_explainers_travel(classifier):
    train, explainer = classifier
    copy = pickle.loads(pickle.dumps(explainer))
    assert repr(copy) == repr(explainer)
    assert "5 columns" in repr(explainer)
    pd.testing.assert_frame_equal(
        explain(train.head(1), copy, random_state=1, n_permutations=100),
        explain(train.head(1), explainer, random_state=1, n_permutations=100),
    )
    with pytest.raises(AttributeError):
        explainer.model = None


def test_rows_of_levels_are_predicted_once():
    train = COLUMNS_OF_ALL_TYPES[["str", "bool", "category", "boolean"]]
    model = Recorder(lambda rows: (rows["str"] == "a") + rows["bool"] * 2.0)
    explainer = lime(train, as_regressor(model))
    explanation = explain(train.head(2), explainer, random_state=1)
    assert len(model.seen[0]) <= 2 * 3 * 2 * 3 * 3
    assert not model.seen[0].iloc[: len(model.seen[0]) // 2].duplicated().any()
    assert explanation["model_r2"].min() > 0.8


# What is refused


MODEL = as_regressor(draw_of)


@pytest.mark.parametrize(
    ("train", "error", "message"),
    [
        (pd.DataFrame({"a": []}), ValueError, "`x` has no rows"),
        (pd.DataFrame(index=[0, 1]), ValueError, "at least one column"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "repeated: 'a'"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), ValueError, "repeated: '1'"),
        (pd.DataFrame({"a": [[1], [2]]}), TypeError, r"'a' must have .* it has a list: \[1\]"),
        (pd.DataFrame({"a": [{}, {}]}), TypeError, "it has a dict"),
        (pd.DataFrame({"a": [1j, 2j]}), TypeError, "complex numbers"),
        (pd.DataFrame({"a": [1.0, np.inf]}), ValueError, "'a' must have finite numbers"),
        (pd.Series([1.0, 2.0]), TypeError, "`x` must be a table"),
        (3, TypeError, "`x` must be a table"),
    ],
)
def test_unusable_training_data(train, error, message):
    with pytest.raises(error, match=message):
        lime(train, MODEL)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_bins": 1}, ValueError, "`n_bins` must be a whole number of at least 2"),
        ({"n_bins": 2.5}, TypeError, "`n_bins` must be a whole number of at least 2"),
        ({"bin_continuous": "yes"}, TypeError, "`bin_continuous` must be True or False"),
        ({"bins": 3}, TypeError, "lime.. of tables has no option 'bins'"),
    ],
)
def test_unusable_options(options, error, message):
    with pytest.raises(error, match=message):
        lime(COLUMNS_OF_ALL_TYPES[["float64"]], MODEL, **options)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("float64", "much", TypeError, "'float64' must have numbers .* not strings such as 'much'"),
        ("float64", True, TypeError, "not logicals"),
        ("float64", np.inf, ValueError, "finite"),
        ("int64", 2.5, ValueError, "whole numbers as in the training data .int64.; not 2.5"),
        ("int8", 300, ValueError, "'int8' must have whole numbers"),
        ("bool", 1, TypeError, "'bool' must have logicals"),
        ("str", 5, ValueError, "'str' must have values as in the training data .str.; not 5"),
        ("arrow_string", 5, ValueError, "'arrow_string' must have values .* not 5"),
        ("category", [1], ValueError, r"'category' must have values .* not \[1\]"),
        ("float64", "2.5", TypeError, r"'2.5'. Convert .*`pd.to_numeric.x\['float64'\].`"),
        ("int64", "2", TypeError, r"'2'. Convert .*`pd.to_numeric.x\['int64'\].`"),
        ("datetime", "2020-05-01", TypeError, r"Convert .*`pd.to_datetime.x\['datetime'\].`"),
        ("datetime", "tomorrow", TypeError, "'datetime' must have dates"),
        ("datetime", 5.0, TypeError, "'datetime' must have dates"),
    ],
)
def test_cases_of_another_type(name, value, error, message):
    train = COLUMNS_OF_ALL_TYPES
    explainer = quietly(lime, train, MODEL)
    case = train.iloc[[0]].assign(**{name: pd.Series([value], dtype=object)})
    if name == "str" and train[name].dtype == object:  # before pandas 3
        explanation = explain(case, explainer, n_features=99, n_permutations=50)
        assert "str = 5 (new)" in explanation["feature_desc"].tolist()
        return
    with pytest.raises(error, match=message):
        explain(case, explainer, n_permutations=50)
    with pytest.raises(error, match=message):
        explain(case.iloc[0], explainer, n_permutations=50)


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ("a text", "must be a table"),
        (["chelsea.png"], "must be a table"),
        (5, "must be a table"),
        (np.zeros((2, 2, 2)), "must be a table"),
    ],
)
def test_cases_that_are_no_table(cases, message):
    explainer = lime(COLUMNS_OF_ALL_TYPES[["float64"]], MODEL)
    with pytest.raises(TypeError, match=message):
        explain(cases, explainer)


def test_predictions_that_are_unusable():
    train = COLUMNS_OF_ALL_TYPES[["float64"]]
    for predict, message in (
        (lambda rows: np.full(len(rows), np.nan), "finite numbers"),
        (lambda rows: np.zeros(3), "one row for each"),
        (lambda rows: ["no"] * len(rows), "must return numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            explain(train.head(1), lime(train, as_regressor(predict)), n_permutations=50)
    with pytest.raises(ValueError, match="`preprocess` must return"):
        lime(train, MODEL, lambda rows: None)
    explainer = lime(train, MODEL, lambda rows: None, probe=False)
    with pytest.raises(ValueError, match="`preprocess` must return"):
        explain(train.head(1), explainer, n_permutations=50)


# Any frame works or says why not

VALUES = {
    "float64": st.floats(allow_nan=True, allow_infinity=True),
    "float32": st.floats(width=32, allow_nan=True, allow_infinity=False),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint8": st.integers(0, 255),
    "Int64": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    "bool": st.booleans(),
    "boolean": st.one_of(st.none(), st.booleans()),
    "str": st.one_of(st.none(), st.text(max_size=3)),
    "category": st.one_of(st.none(), st.sampled_from(["x", "y", 1, 2.5])),
    "object": st.one_of(
        st.none(),
        st.text(max_size=2),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.lists(st.integers(), max_size=1),
    ),
    "datetime64[ns]": hnp.from_dtype(np.dtype("datetime64[ns]"), allow_nan=True),
    "timedelta64[s]": st.timedeltas(timedelta(-9999), timedelta(9999)),
}


REASONS = ("The column", "All permutations", "No feature varies", "The response")


@st.composite
def frames(draw):
    n_rows = draw(st.integers(1, 8))
    kinds = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=5))
    columns = {}
    for number, kind in enumerate(kinds):
        values = draw(st.lists(VALUES[kind], min_size=n_rows, max_size=n_rows))
        columns[f"{kind} {number}"] = pd.Series(values, dtype=kind)
    return pd.DataFrame(columns)


@given(
    train=frames(),
    row=st.integers(0, 7),
    binned=st.booleans(),
    use_density=st.booleans(),
    n_bins=st.integers(2, 5),
    dist_fun=st.sampled_from(["gower", "euclidean", "canberra"]),
)
@settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_any_frame_works_or_says_why_not(train, row, binned, use_density, n_bins, dist_fun):
    case = train.iloc[[row % len(train)]]
    model = Recorder(draw_of)
    try:
        explainer = quietly(
            lime,
            train,
            as_regressor(model),
            probe=False,
            bin_continuous=binned,
            use_density=use_density,
            n_bins=n_bins,
        )
        explanation = explain(case, explainer, n_permutations=40, random_state=0, dist_fun=dist_fun)
    except (TypeError, ValueError) as error:
        if not str(error).startswith(REASONS):
            raise
        return
    (rows,) = model.seen
    pd.testing.assert_series_equal(rows.dtypes, train.dtypes)
    pd.testing.assert_frame_equal(rows.head(1), case.reset_index(drop=True))
    assert explanation["feature"].is_unique
    assert len(explanation) <= 5
    # As in R a feature has no weight if it varies only where the similarity is 0.
    assert not np.isinf(explanation["feature_weight"]).any()
    design = numerify(rows, explainer)
    assert not design.isna().any(axis=None)


# Numbers that are more than floating point numbers

BIG = np.where(RANDOM.random(N) < 0.4, 2**63 - 1, RANDOM.integers(1, 99, N))
FRACTIONS = RANDOM.normal(5, 2, N)
HOLES = np.where(RANDOM.random(N) < 0.3, np.nan, np.where(RANDOM.random(N) < 0.5, 0.0, FRACTIONS))

UNUSUAL = {
    "largest int64": pd.Series(BIG),
    "least int64": pd.Series(np.where(BIG > 99, -(2**63), BIG)),
    "largest uint64": pd.Series(np.where(BIG > 99, np.uint64(2**64 - 1), BIG.astype(np.uint64))),
    "largest Int64": pd.array(BIG, dtype="Int64"),
    "Int64 with gaps": pd.array(
        [None if k % 5 == 0 else int(v) for k, v in enumerate(BIG)], dtype="Int64"
    ),
    "largest UInt64": pd.array([2**64 - 1 if v > 99 else int(v) for v in BIG], dtype="UInt64"),
    "largest arrow": pd.array(
        [2**64 - 1 if v > 99 else int(v) for v in BIG], dtype="uint64[pyarrow]"
    ),
    "beyond 64 bits": pd.Series([2**70 * (int(v) % 1000) for v in BIG], dtype=object),
    "constant objects": pd.Series([7] * N, dtype=object),
    "Decimal": pd.Series([Decimal(int(v * 100)) / 100 for v in FRACTIONS], dtype=object),
    "Decimal with gaps": pd.Series(
        [None if k % 5 == 0 else Decimal(int(v * 100)) / 100 for k, v in enumerate(FRACTIONS)],
        dtype=object,
    ),
    "Decimal of many digits": pd.Series([1 / Decimal(int(v * 100)) for v in FRACTIONS + 9]),
    "sparse with gaps": pd.Series(pd.arrays.SparseArray(HOLES)),
    "sparse zeros with gaps": pd.Series(pd.arrays.SparseArray(HOLES, fill_value=0.0)),
    "sparse whole": pd.Series(pd.arrays.SparseArray(RANDOM.integers(0, 3, N), fill_value=1)),
    "longdouble": pd.Series(FRACTIONS.astype(np.longdouble) / 3),
    "half": pd.Series(FRACTIONS.astype(np.float16)),
    "arrow decimal": pd.array(
        [Decimal(int(v * 100)) / 100 for v in FRACTIONS],
        dtype=pd.ArrowDtype(pyarrow.decimal128(9, 2)),
    ),
}


@pytest.mark.parametrize("binned", [True, False])
@pytest.mark.parametrize("name", UNUSUAL)
def test_numbers_of_unusual_types(name, binned):
    """The model gets the column's own type, and in row 0 the very number of the case."""
    train = pd.DataFrame({"a": UNUSUAL[name], "z": FRACTIONS[::-1]})
    model = Recorder(lambda rows: rows["z"])
    explainer = quietly(lime, train, as_regressor(model), bin_continuous=binned)
    for cases in (train.iloc[[0]], train.iloc[[1]], train.astype({"a": object}).iloc[[1]]):
        explanation = quietly(explain, cases, explainer, n_permutations=200, random_state=1)
        rows = model.seen[-1]
        assert rows["a"].dtype == train["a"].dtype
        own, first = train["a"][cases.index[0]], rows["a"].iloc[0]
        assert (pd.isna(first) and pd.isna(own)) or first == own
        kinds = {type(value) for value in rows["a"].dropna().tolist()}
        assert kinds <= {type(value) for value in train["a"].dropna().tolist()}
        assert len(explanation)


def test_columns_with_two_fill_values():
    train = pd.DataFrame(
        {
            "a": UNUSUAL["sparse with gaps"],
            "b": UNUSUAL["sparse zeros with gaps"],
            "c": UNUSUAL["sparse whole"],
        }
    )
    model = Recorder(lambda rows: rows["c"].to_numpy())
    explanation = explain(train.head(3), quietly(lime, train, as_regressor(model)), random_state=1)
    assert explanation["case"].nunique() == 3
    assert model.seen[-1].dtypes.equals(train.dtypes)


def test_whole_numbers_beyond_the_type_of_the_column():
    explainer = quietly(lime, pd.DataFrame({"a": BIG, "z": FRACTIONS}), as_regressor(draw_of))
    for value in (2**63, 1e19, 2.0**63, -(2**63) - 1):
        case = pd.DataFrame({"a": pd.Series([value], dtype=object), "z": [1.0]})
        with pytest.raises(ValueError, match="'a' must have whole numbers as in the training"):
            explain(case, explainer, n_permutations=50)
    case = pd.DataFrame({"a": pd.Series([2**53 + 1], dtype=object), "z": [1.0]})
    explanation = explain(case, explainer, n_permutations=50, random_state=1)
    assert explanation["data"].iloc[0]["a"] == 2**53 + 1


def test_decimals_are_calculated_with():
    prices = pd.DataFrame({"price": UNUSUAL["Decimal"], "z": FRACTIONS[::-1]})
    model = Recorder(lambda d: [float(price * Decimal("1.2")) for price in d["price"]])
    explainer = lime(prices, as_regressor(model))
    given = prices.head(1).assign(price=7.25)  # a number that is no Decimal
    explanation = explain(given, explainer, n_permutations=500, random_state=1)
    assert explanation["prediction"].iloc[0] == pytest.approx(8.7)
    assert max(-price.as_tuple().exponent for price in model.seen[-1]["price"]) == 2


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i4", ">i8"])
def test_numbers_of_the_other_byte_order(dtype):
    array = (RANDOM.normal(0, 3, (80, 3)) * 10).astype(dtype)
    model = Recorder(lambda rows: np.asarray(rows)[:, 0] * 1.0)
    explanation = explain(array[:2], lime(array, as_regressor(model)), random_state=1)
    assert model.seen[-1].dtype == array.dtype
    frame = pd.DataFrame(array, columns=["x0", "x1", "x2"])
    theirs = explain(frame.head(2), lime(frame, as_regressor(model)), random_state=1)
    shown = ["case", "feature", "feature_desc", "feature_weight"]
    pd.testing.assert_frame_equal(explanation[shown], theirs[shown])


def test_masked_arrays_have_gaps():
    values = np.column_stack([FRACTIONS, FRACTIONS[::-1]])
    for array in (np.ma.masked_less(values, 3.0), np.ma.masked_less(values.astype(int), 3)):
        model = Recorder(lambda rows: np.isnan(rows).sum(axis=1))
        explanation = explain(array[:8], lime(array, as_regressor(model)), random_state=1)
        gaps = explanation["feature_desc"].str.endswith("is missing").sum()
        assert gaps == array.mask[:8].sum()
        plain = explain(values[:1], lime(array, as_regressor(model)), random_state=1)
        assert len(plain) == 2


def test_a_sparse_matrix_is_refused_with_the_line_to_write():
    matrix = sparse.random(50, 4, density=0.5, format="csr", random_state=1)
    message = r"pandas.DataFrame.sparse.from_spmatrix\(x\).*x.toarray\(\)"
    for x in (matrix, matrix.tocoo(), sparse.csc_array(matrix)):
        with pytest.raises(TypeError, match=message):
            lime(x, MODEL)
    frame = pd.DataFrame.sparse.from_spmatrix(matrix)
    explainer = quietly(lime, frame, as_regressor(lambda d: d[0].to_numpy()))
    assert len(explain(frame.head(1), explainer, n_permutations=100, random_state=1))
    with pytest.raises(TypeError, match=message):
        explain(matrix, explainer)


@pytest.mark.parametrize("scale", [1e155, 1e200, -1e160])
def test_predictions_too_large_for_a_fit(scale):
    train = COLUMNS_OF_ALL_TYPES[["float64"]]
    model = as_regressor(lambda rows: scale * rows["float64"])
    with pytest.raises(ValueError, match=r"model must return numbers up to 1e\+150"):
        lime(train, model)
    with pytest.raises(ValueError, match=r"model must return numbers up to 1e\+150"):
        explain(train.head(1), lime(train, model, probe=False), n_permutations=50)
    fine = lime(train, as_regressor(lambda rows: 1e148 * rows["float64"]))
    assert np.isfinite(explain(train.head(1), fine, random_state=1)["feature_weight"]).all()


def test_one_warning_for_all_columns_without_variance():
    train = pd.get_dummies(pd.Series(RANDOM.integers(0, 40, 600)).astype(str), dtype=int)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lime(train, as_regressor(lambda d: d["7"] + 2 * d["9"]))
    [warning] = caught
    assert " do not contain enough variance" in str(warning.message)
    assert warning.filename == __file__


# Descriptions


@pytest.mark.parametrize(
    "values",
    [
        16.37 + RANDOM.normal(0, 0.004, 400),
        -122.4 + RANDOM.normal(0, 1e-6, 400),
        1e15 + RANDOM.integers(0, 100, 400),
        RANDOM.normal(0, 1e-12, 400) + 1,
        1e9 + RANDOM.normal(0, 30, 400),
    ],
)
def test_neighbouring_bins_have_different_descriptions(values):
    train = pd.DataFrame({"lon": values})
    explainer = lime(train, as_regressor(draw_of))
    cuts = explainer.bin_cuts["lon"]
    texts = train.apply(lambda row: describe_feature("lon", row, explainer), axis=1)
    bins = np.searchsorted(cuts[1:-1], train["lon"])
    assert texts.groupby(bins).nunique().tolist() == [1] * (len(cuts) - 1)
    assert texts.nunique() == len(cuts) - 1


def test_bins_that_three_digits_tell_apart_are_written_as_in_r():
    train = pd.DataFrame({"size": np.linspace(0.0, 1200.0, 241), "rate": np.linspace(0, 1, 241)})
    explainer = lime(train, as_regressor(draw_of))
    case = pd.Series({"size": 700.0, "rate": 0.1})
    assert describe_feature("size", case, explainer) == "600 < size <= 900"
    assert describe_feature("rate", case, explainer) == "rate <= 0.25"
