"""From one row to a cluster: batches, Dask and Spark give what one process gives."""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from explanations import of_text_columns
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import pylime.parallel
from pylime import (
    COLUMNS,
    arrow_schema,
    as_classifier,
    as_regressor,
    explain,
    explain_batches,
    lime,
    spark_schema,
)
from pylime.draws import DRAWS
from pylime.errors import CaseError
from pylime.parallel import Parcel

RANDOM = np.random.default_rng(0)
OPTIONS = {"n_permutations": 200, "random_state": 3, "n_labels": 2, "n_features": 3}
FURTHER = {"intervals": 0.9, "contributions": True, "quality": True, "n_calls": 20}
ADAPTIVE = {**OPTIONS, "n_permutations": "auto", "max_permutations": 600, **FURTHER}
# Options that add no columns, and those that add all.
SETTINGS = pytest.mark.parametrize("options", [OPTIONS, {**OPTIONS, **FURTHER}, ADAPTIVE])


def mixed(n: int) -> pd.DataFrame:
    """Numbers, texts, categories and gaps."""
    frame = pd.DataFrame(
        {
            "number": RANDOM.normal(size=n).round(3),
            "whole": RANDOM.integers(0, 9, n),
            "word": RANDOM.choice(["red", "green", "blue"], n),
            "level": pd.Categorical(RANDOM.choice(["low", "high"], n)),
            "gaps": RANDOM.normal(size=n).round(3),
        },
        index=pd.Index([f"case {number:03}" for number in range(n)], name="id"),
    )
    frame.loc[frame.index[::5], "gaps"] = np.nan
    frame.loc[frame.index[1::7], "word"] = None
    return frame


TRAIN = mixed(200)
CASES = TRAIN.head(12)


@pytest.fixture(scope="module")
def explainer():
    model = make_pipeline(
        make_column_transformer(
            (SimpleImputer(), make_column_selector(dtype_include="number")),
            remainder=OneHotEncoder(handle_unknown="ignore"),
        ),
        RandomForestClassifier(50, random_state=1, n_jobs=-1),
    )
    labels = np.select([TRAIN["number"] > 0.5, TRAIN["word"] == "red"], ["a", "b"], "c")
    return lime(TRAIN, model.fit(TRAIN, labels))


@pytest.fixture(scope="module")
def expected(explainer):
    return explain(CASES, explainer, **OPTIONS)


def same(found: pd.DataFrame, expected: pd.DataFrame, **options) -> None:
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), expected.reset_index(drop=True), check_exact=True, **options
    )


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(sys.path.insert, 0, str(Path(__file__).parent))
        yield client


# What travels


def test_the_explainer_travels_once(explainer, monkeypatch):
    """Not once with each part of the work."""
    pickled = []
    monkeypatch.setattr(type(explainer), "__reduce_ex__", _counted(pickled), raising=False)
    explain(CASES, explainer, n_jobs=2, **OPTIONS)
    assert len(pickled) == 1


def _counted(calls):
    def reduce(self, protocol):
        calls.append(protocol)
        return object.__reduce_ex__(self, protocol)

    return reduce


def test_a_parcel_is_opened_once_in_a_process(tmp_path):
    parcels = [Parcel(list(range(1000))), Parcel(list(range(1000)), str(tmp_path))]
    things = [joblib.hash(parcel.open()) for parcel in parcels]
    assert things[0] == things[1]
    assert parcels[0].open() is parcels[1].open()
    assert sys.getsizeof(parcels[0]) > 2000 > sys.getsizeof(parcels[1])


def threads_of_workers(rows):
    """More than its share of threads, where nothing holds a model back."""
    import threadpoolctl

    pools = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    cores = joblib.cpu_count()
    return np.full(len(rows), 1000.0 * max(pools, default=1) + cores) + rows["number"].to_numpy()


def test_models_in_workers_use_their_share_of_the_cores():
    model = lime(TRAIN[["number"]], as_regressor(threads_of_workers))
    explanation = explain(CASES[["number"]], model, n_jobs=joblib.cpu_count() or 2, **SINGLE)
    threads = (explanation["prediction"] - CASES["number"].to_numpy()).round(6)
    assert set(threads) == {1001.0}
    assert "LOKY_MAX_CPU_COUNT" not in os.environ


SINGLE = {"n_permutations": 50, "random_state": 1, "n_features": 1}


def test_limits_of_threads_are_put_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    with pylime.parallel.limited_threads(), pylime.parallel.limited_threads():
        assert os.environ["LOKY_MAX_CPU_COUNT"] == "3"
        assert os.environ["TF_NUM_INTRAOP_THREADS"] == "7"
    assert "LOKY_MAX_CPU_COUNT" not in os.environ
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "7"


# Batches


def test_batches_give_what_one_call_gives(explainer, expected):
    batches = explain_batches([CASES[:5], CASES[5:6], CASES[:0], CASES[6:]], explainer, **OPTIONS)
    frames = list(batches)
    assert [frame["case"].nunique() for frame in frames] == [5, 1, 0, 6]
    for frame in frames:
        assert frame.dtypes.equals(expected.dtypes)
    same(pd.concat(frames), expected)


def of_good_rows(rows):
    if (rows["whole"] > 1000).any():
        raise ZeroDivisionError("too large")
    return rows["number"].to_numpy() + rows["whole"].to_numpy()


def test_a_batch_of_which_nothing_can_be_explained_is_empty():
    numbers = TRAIN[["number", "whole"]]
    explainer = lime(numbers, as_regressor(of_good_rows))
    bad = numbers[2:4].assign(whole=9999)
    batches = explain_batches([numbers[:2], bad, numbers[4:6]], explainer, **SINGLE)
    with pytest.warns(UserWarning, match=r"2 of 2 cases .* case 002: ZeroDivisionError: too large"):
        frames = list(batches)
    assert [len(frame) for frame in frames] == [2, 0, 2]
    assert frames[1].dtypes.equals(frames[0].dtypes)
    assert list(frames[1]) == [name for name in COLUMNS if name not in ("label", "label_prob")]
    batches = explain_batches([numbers[:2], bad], explainer, on_error="raise", **SINGLE)
    next(batches)
    with pytest.raises(CaseError, match="Case 'case 002' cannot be explained"):
        next(batches)


@SETTINGS
def test_plain_batches_are_texts_and_numbers(explainer, options):
    expected = explain(CASES, explainer, **options)
    settings = {"case": "id", "plain": True, **options}
    (plain,) = explain_batches([CASES.reset_index()], explainer, **settings)
    (none,) = explain_batches([CASES[:0].reset_index()], explainer, **settings)
    assert none.dtypes.equals(plain.dtypes)
    assert list(plain) == list(expected)
    for name in expected:
        if name not in ("feature_value", "data", "prediction"):
            same(plain[[name]], expected[[name]])
    for text, data in zip(plain["data"], expected["data"], strict=True):
        assert json.loads(text) == {k: None if pd.isna(v) else v for k, v in data.items()}
    assert [json.loads(text) for text in plain["prediction"]] == expected["prediction"].tolist()
    missing = expected["feature_value"].isna()
    assert plain["feature_value"].isna().equals(missing)
    assert plain["feature_value"][~missing].tolist() == [
        str(value) for value in expected["feature_value"][~missing]
    ]
    schema = arrow_schema(explainer, **options)
    assert schema.names == list(expected)
    assert spark_schema(explainer, **settings).count(",") == len(schema.names) - 1
    import pyarrow

    for frame in (plain, none):
        table = pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
        assert table.schema.equals(schema)


def length(texts):
    return np.array([len(text) for text in texts], dtype=float)


def brightness(pictures):
    return np.asarray(pictures, dtype=float).mean(axis=(1, 2, 3)) / 255


def test_batches_of_texts_and_pictures():
    texts = [f"the cat number {number} sat" for number in range(4)]
    explainer = lime(texts, as_regressor(length))
    frame = pd.DataFrame({"id": list("wxyz"), "text": texts})
    whole = explain(pd.Series(texts, index=frame["id"]), explainer, **SINGLE)
    same(pd.concat(explain_batches([frame[:1], frame[1:]], explainer, case="id", **SINGLE)), whole)
    frames = list(explain_batches([texts[:1], []], explainer, **SINGLE))
    assert frames[0].dtypes.equals(frames[1].dtypes)

    pictures = list(RANDOM.integers(0, 255, (3, 20, 24, 3), dtype=np.uint8))
    explainer = lime(pictures, as_classifier(brightness, ["dark", "bright"]))
    options = {**SINGLE, "n_superpixels": 8}
    frames = list(explain_batches([pictures, []], explainer, **options))
    same(frames[0], explain(pictures, explainer, **options))
    (plain,) = explain_batches([pictures], explainer, plain=True, **options)
    assert set(plain["data"]) == {"3 channel 24x20 bitmap"}


def test_files_of_batches_can_have_names(tmp_path):
    from PIL import Image

    paths = [str(tmp_path / f"{number}.png") for number in range(2)]
    for path in paths:
        Image.fromarray(RANDOM.integers(0, 255, (20, 24, 3), dtype=np.uint8)).save(path)
    explainer = lime(paths, as_regressor(of_files))
    options = {**SINGLE, "n_superpixels": 8}
    frame = pd.DataFrame({"id": [17, 18], "path": paths})
    (found,) = explain_batches([frame], explainer, case="id", **options)
    assert found["case"].tolist() == [17, 18]
    first, none = explain_batches([paths, []], explainer, **options)
    assert first["case"].tolist() == ["0.png", "1.png"]
    assert first.dtypes.equals(none.dtypes)


def of_files(paths):
    from PIL import Image

    return brightness(np.stack([np.asarray(Image.open(path)) for path in paths]))


def test_seeds_of_batches_are_drawn_once(explainer):
    first, second = explain_batches([CASES[:1], CASES[:1]], explainer, n_permutations=200)
    same(first, second)
    generator = np.random.default_rng(1)
    options = {"n_permutations": 200, "random_state": generator}
    first, second = explain_batches([CASES[:1], CASES[:1]], explainer, **options)
    same(first, second)


@pytest.mark.parametrize(
    ("batches", "options", "error", "message"),
    [
        (CASES, {}, TypeError, "Put a single batch into a list"),
        ([CASES], {"plain": "yes"}, TypeError, "`plain` must be True or False"),
        ([CASES], {"n_feature": 2}, TypeError, "Did you mean|has no option 'n_feature'"),
        ([CASES], {"n_features": 0}, ValueError, "`n_features` must be"),
        ([CASES], {"case": "nr"}, ValueError, "`case` must be a column .* 'nr' is not in"),
        ([list("ab")], {"case": "nr"}, ValueError, "'nr' is not in list"),
    ],
)
def test_wrong_arguments_of_batches_are_refused(explainer, batches, options, error, message):
    with pytest.raises(error, match=message):
        list(explain_batches(batches, explainer, **options))


# Dask


def test_joblib_on_a_dask_cluster_gives_the_same(client, explainer, expected):
    with joblib.parallel_config(backend="dask"):
        same(explain(CASES, explainer, n_jobs=2, **OPTIONS), expected)


def test_the_explainer_travels_once_to_a_dask_cluster(client, explainer, monkeypatch):
    pickled = []
    monkeypatch.setattr(type(explainer), "__reduce_ex__", _counted(pickled), raising=False)
    with joblib.parallel_config(backend="dask"):
        explain(CASES, explainer, n_jobs=2, **OPTIONS)
    assert len(pickled) == 1


def test_errors_come_back_from_a_dask_cluster(client):
    numbers = TRAIN[["number", "whole"]].head(6).copy()
    explainer = lime(numbers, as_regressor(of_good_rows))
    numbers.iloc[3, 1] = 9999
    with joblib.parallel_config(backend="dask"):
        with pytest.raises(CaseError, match="Case 'case 003' cannot be") as caught:
            explain(numbers, explainer, n_jobs=2, on_error="raise", **SINGLE)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        with pytest.warns(UserWarning, match="case 003: ZeroDivisionError: too large"):
            found = explain(numbers, explainer, n_jobs=2, **SINGLE)
    assert found["case"].nunique() == 5


def dies_once(rows, marker):
    if (rows["number"] == TRAIN["number"].iloc[5]).any() and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return of_good_rows(rows)


@pytest.mark.linux
@pytest.mark.parametrize("way", ["joblib", "data frame"])
def test_dask_replaces_dead_workers(client, tmp_path, way):
    import dask.dataframe

    numbers = TRAIN[["number", "whole"]].head(16)
    expected = explain(numbers, lime(numbers, as_regressor(of_good_rows)), **SINGLE)
    model = partial(dies_once, marker=tmp_path / "died")
    explainer = lime(numbers, as_regressor(model), probe=False)
    if way == "joblib":
        with joblib.parallel_config(backend="dask"):
            found = explain(numbers, explainer, n_jobs=2, **SINGLE)
    else:
        cases = dask.dataframe.from_pandas(numbers, npartitions=4)
        found = explain(cases, explainer, **SINGLE).compute()
    assert (tmp_path / "died").exists()
    same(found, expected)


@SETTINGS
def test_dask_data_frames_are_explained_lazily(client, explainer, options):
    import dask.dataframe

    expected = explain(CASES, explainer, **options)
    lazy = explain(dask.dataframe.from_pandas(CASES, npartitions=3), explainer, **options)
    assert isinstance(lazy, dask.dataframe.DataFrame)
    assert list(lazy.columns) == list(expected)
    found = lazy.compute()
    assert found.dtypes.equals(lazy.dtypes)
    assert found.dtypes.equals(expected.dtypes)
    # A missing number from another process is another object, which makes mappings differ.
    found["data"] = [
        {name: np.nan if value != value else value for name, value in data.items()}
        for data in found["data"]
    ]
    same(found, expected)


@pytest.mark.parametrize("convert", [True, False])
def test_dask_data_frames_go_to_parquet(tmp_path, explainer, convert):
    import dask
    import dask.dataframe

    settings = {"dataframe.convert-string": convert, "scheduler": "synchronous"}
    with dask.config.set(settings):
        cases = dask.dataframe.from_pandas(CASES, npartitions=3)
        cases = dask.dataframe.concat([cases, cases[cases["number"] > 1e9]])  # one without rows
        explain(cases, explainer, plain=True, **ADAPTIVE).to_parquet(tmp_path / "a")
        stored = dask.dataframe.read_parquet(tmp_path / "a").compute()
    plain = explain(CASES, explainer, plain=True, **ADAPTIVE)
    for name in plain:
        ours, theirs = (
            [None if pd.isna(cell) else cell for cell in frame[name]] for frame in (stored, plain)
        )
        assert ours == theirs, name


def test_dask_data_frames_draw_their_seed_once(explainer):
    import dask
    import dask.dataframe

    cases = dask.dataframe.from_pandas(CASES.head(2), npartitions=1)
    lazy = explain(cases, explainer, n_permutations=100)
    with dask.config.set(scheduler="synchronous"):
        same(lazy.compute(), lazy.compute())


def test_dask_partitions_name_the_cases_that_fail(client):
    import dask.dataframe

    numbers = TRAIN[["number", "whole"]].head(6).copy()
    explainer = lime(numbers, as_regressor(of_good_rows))
    numbers.iloc[[2, 3], 1] = 9999
    cases = dask.dataframe.from_pandas(numbers, npartitions=3)
    found = explain(cases, explainer, **SINGLE)
    assert found.compute()["case"].tolist() == [f"case 00{number}" for number in (0, 1, 4, 5)]
    with pytest.raises(CaseError, match="Case 'case 002' cannot be explained"):
        explain(cases, explainer, on_error="raise", **SINGLE).compute()
    with pytest.raises(TypeError, match="has no option 'n_feature'"):
        explain(cases, explainer, n_feature=2)


def test_dask_series_of_texts_are_explained(client):
    import dask.dataframe

    texts = pd.Series([f"the cat number {n} sat" for n in range(4)], index=list("wxyz"))
    explainer = lime(texts, as_regressor(length))
    cases = dask.dataframe.from_pandas(texts, npartitions=2)
    same(explain(cases, explainer, **SINGLE).compute(), explain(texts, explainer, **SINGLE))


# The same rows everywhere

# More than two nets; a table of so many columns, and a text of so many words, have larger ones.
N_ROWS = 600


def dated(n: int) -> pd.DataFrame:
    """The mixed columns, and one of dates."""
    days = pd.to_timedelta(RANDOM.integers(0, 500, n), "D")
    frame = mixed(n).assign(sold=(pd.Timestamp("2025-01-01") + days).astype("datetime64[us]"))
    return frame.astype({"level": str})


def wide(n: int) -> pd.DataFrame:
    """140 columns of numbers."""
    names = [f"x{k}" for k in range(140)]
    index = pd.Index([f"case {number:03}" for number in range(n)], name="id")
    return pd.DataFrame(RANDOM.normal(size=(n, 140)), columns=names, index=index)


def hashing():
    """A model whose predictions differ if a single cell of a row, or a word of a text, does."""

    def model(inputs):
        if not isinstance(inputs, pd.DataFrame):
            inputs = pd.DataFrame({"text": list(inputs)})
        return pd.util.hash_pandas_object(inputs, index=False).to_numpy() % 1009 / 1009

    return as_regressor(model)


def drawn_tables():
    """Tables that are drawn in different ways: a frame, options of `lime()` and of `explain()`."""
    return {
        "bins": (dated(100), {"dates": "draw"}, {}),
        "unbinned": (dated(100), {"dates": "draw", "bin_continuous": False}, {}),
        "kernel": (dated(100), {"dates": "draw"}, {"sampling": "kernel", "kernel_width": 1.0}),
        "wide": (wide(100), {}, {}),
    }


@pytest.fixture(scope="module", params=[*drawn_tables(), "texts"])
def drawn(request):
    """Cases, their explainer, and options of `explain()`."""
    options = {"n_permutations": N_ROWS, "random_state": 5, "n_features": 3}
    if request.param == "texts":
        words = [f"w{number}" for number in range(140)]
        texts = [" ".join(RANDOM.permutation(words)[:n]) for n in (140, 20, 30, 9)]
        index = pd.Index([f"case {number:03}" for number in range(4)], name="id")
        cases = pd.Series(texts, index=index, name="text")
        return cases, lime(cases, hashing(), probe=False), options
    frame, of_lime, of_explain = drawn_tables()[request.param]
    explainer = lime(frame, hashing(), probe=False, **of_lime)
    return frame.head(4), explainer, options | of_explain


draws_of_all = pytest.mark.parametrize("draws", DRAWS)
ignores_fits = pytest.mark.filterwarnings("ignore::pylime.FitWarning")


def numbers_only(frame):
    """The columns without cells of the case, which other engines hold as other objects."""
    return frame.drop(columns=["feature_value", "data"])


@ignores_fits
@draws_of_all
def test_other_processes_and_batches_draw_the_same_rows(drawn, draws):
    cases, explainer, options = drawn
    expected = explain(cases, explainer, draws=draws, **options)
    same(explain(cases, explainer, draws=draws, n_jobs=2, **options), expected)
    parts = [cases[:1], cases[1:]]
    same(pd.concat(explain_batches(parts, explainer, draws=draws, **options)), expected)
    alone = explain(cases[2:3], explainer, draws=draws, **options)
    same(alone, expected[expected["case"] == "case 002"])


@ignores_fits
def test_dask_draws_the_same_rows(client, drawn):
    import dask.dataframe

    cases, explainer, options = drawn
    expected = numbers_only(explain(cases, explainer, **options))
    lazy = explain(dask.dataframe.from_pandas(cases, npartitions=2), explainer, **options)
    same(numbers_only(lazy.compute()), expected)
    with joblib.parallel_config(backend="dask"):
        found = explain(cases, explainer, n_jobs=2, **options)
    same(numbers_only(found), expected)


@ignores_fits
def test_kinds_of_draws_have_rows_of_their_own(drawn):
    cases, explainer, options = drawn
    balanced, independent = (
        explain(cases[:1], explainer, draws=draws, **options)["model_intercept"] for draws in DRAWS
    )
    assert not balanced.equals(independent)


# Spark


@pytest.fixture(scope="module")
def spark():
    SparkSession = pytest.importorskip("pyspark.sql", reason="the extra `spark`").SparkSession  # noqa: N806

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "3")
        .getOrCreate()
    )
    yield session
    session.stop()


def test_spark_gives_what_one_process_gives(spark, explainer):
    (expected,) = explain_batches([CASES], explainer, plain=True, **ADAPTIVE)
    cases = CASES.reset_index().astype({"level": str})
    rows = spark.createDataFrame(cases).repartition(2)
    found = rows.mapInPandas(
        lambda frames: explain_batches(frames, explainer, case="id", plain=True, **ADAPTIVE),
        spark_schema(explainer, **ADAPTIVE),
    ).toPandas()
    order = {name: number for number, name in enumerate(CASES.index)}
    found = found.sort_values("case", key=lambda names: names.map(order), kind="stable")
    cells = [frame.astype(object).where(frame.notna(), None) for frame in (found, expected)]
    for name in expected:
        assert cells[0][name].tolist() == cells[1][name].tolist(), name


@ignores_fits
def test_spark_draws_the_same_rows(spark, drawn):
    cases, explainer, options = drawn
    (expected,) = explain_batches([cases], explainer, plain=True, **options)
    frame = cases.reset_index()
    rows = spark.createDataFrame(frame.astype(object).where(frame.notna(), None)).repartition(2)
    found = rows.mapInPandas(
        lambda frames: explain_batches(frames, explainer, case="id", plain=True, **options),
        spark_schema(explainer, **options),
    ).toPandas()
    found = numbers_only(found).sort_values("case", kind="stable", ignore_index=True)
    expected = numbers_only(expected).astype(found.dtypes)
    same(found, expected.sort_values("case", kind="stable"))


# Columns of text, and groups


@pytest.fixture
def of_reviews(monkeypatch):
    """An explainer and options whose explanations have words, levels, no value and mappings."""
    rows = pd.DataFrame({"age": [20.0, 30.0, 40.0]}, index=["r1", "r2", "r3"])
    labels = ["good", "bad"]
    explainer = lime(rows, as_classifier(lambda rows: np.full((len(rows), 2), 0.5), labels))
    options = {"intervals": True, "contributions": True, "random_state": 1}
    expected = of_text_columns()

    def explained(*_, **__):
        return of_text_columns()

    monkeypatch.setattr("pylime.batches.explain_request", explained)
    return rows, explainer, options, expected


def test_batches_keep_cells_of_all_kinds(of_reviews):
    rows, explainer, options, expected = of_reviews
    (found,) = explain_batches([rows], explainer, **options)
    assert list(found) == list(expected)
    for ours, cell in zip(found["feature_value"], expected["feature_value"], strict=True):
        assert type(ours) is type(cell)
        assert str(ours) == str(cell)


def test_plain_batches_fit_the_schemas(of_reviews):
    import pyarrow

    rows, explainer, options, expected = of_reviews
    (plain,) = explain_batches([rows], explainer, plain=True, **options)
    schema = arrow_schema(explainer, **options)
    arrow = pyarrow.Table.from_pandas(plain, schema=schema, preserve_index=False)
    assert arrow.column_names == list(expected)
    assert spark_schema(explainer, **options).count("feature_value string") == 1
    values = arrow["feature_value"].to_pylist()
    assert {"2020", "m", None, '{"lat": 59.91, "lon": null}'} <= {*values}


@pytest.mark.parametrize("plain", [False, True])
def test_dask_keeps_cells_of_all_kinds(of_reviews, plain):
    import dask
    import dask.dataframe

    rows, explainer, options, _ = of_reviews
    with dask.config.set({"dataframe.convert-string": False, "scheduler": "synchronous"}):
        lazy = explain(
            dask.dataframe.from_pandas(rows, npartitions=1), explainer, plain=plain, **options
        )
        found = lazy.compute()
    (expected,) = explain_batches([rows], explainer, plain=plain, **options)
    assert [str(cell) for cell in found["feature_value"]] == [
        str(cell) for cell in expected["feature_value"]
    ]
    assert found.dtypes.equals(lazy.dtypes)
