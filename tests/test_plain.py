"""Plain frames go to other tools and back, and plots draw them as they draw explanations."""

import decimal
import io
import json
import sqlite3

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from explanations import EXPLANATIONS, REVIEWS, of_columns, of_text_columns
from pandas.testing import assert_frame_equal

import pylime
from pylime import as_classifier, as_plain, explain, lime, load_text_example
from pylime.frame import check_explanation, input_of, object_column, text_column_of


@pytest.fixture(scope="module", params=EXPLANATIONS)
def explanation(request):
    return EXPLANATIONS[request.param]()


def same(found, expected):
    assert_frame_equal(found, expected, check_exact=True)


# Values


def test_a_plain_frame_has_numbers_strings_and_booleans_only(explanation):
    before = explanation.copy()
    plain = as_plain(explanation)
    same(explanation, before)
    assert list(plain) == list(explanation)
    assert plain.index.equals(explanation.index)
    for name in plain:
        if pd.api.types.is_numeric_dtype(explanation[name]) and name not in ("case", "label"):
            same(plain[[name]], explanation[[name]])
        else:
            assert {type(cell) for cell in plain[name].dropna()} <= {str}, name
            assert plain[name].isna().equals(explanation[name].isna())
    for name in ("case", "label", "feature_value"):
        if name in plain:
            for text, cell in zip(plain[name], explanation[name], strict=True):
                if isinstance(cell, dict):  # of a joint group
                    known = {k: None if pd.isna(part) else part for k, part in cell.items()}
                    assert json.loads(text) == known
                else:
                    assert text == str(cell) or (pd.isna(text) and pd.isna(cell))
    same(as_plain(plain), plain)
    assert len(pd.concat([plain, plain]).drop_duplicates()) == len(plain)


def test_rows_and_probabilities_are_json_and_texts_stay():
    explanation = of_columns(n_labels=2)
    plain = as_plain(explanation)
    assert json.loads(plain["prediction"][0]) == explanation["prediction"][0]
    second = plain["data"][plain["case"] == "001"].iloc[0]
    row = explanation["data"][explanation["case"] == "001"].iloc[0]
    assert json.loads(second) == {
        "number": None,
        "count": None,
        "town": row["town"],
        "kind": row["kind"],
        "member": bool(row["member"]),
        "since": "2026-01-02 00:00:00+01:00",
        "price": "9.50",
        "odd": "two",
    }
    texts = as_plain(load_text_example())
    assert texts["data"].tolist() == load_text_example()["data"].tolist()
    picture = as_plain(pylime.load_image_example())
    assert set(picture["data"]) == {"3 channel 451x300 bitmap"}


def frame_of(**columns) -> pd.DataFrame:
    """Rows of our choice in the form of an explanation."""
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"model_type": ["classification"] * n, **columns})


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1, None, 3], pd.array([1, None, 3], dtype="Int64")),
        ([1, 2], np.array([1, 2])),
        ([1, 2.5, None], np.array([1, 2.5, np.nan])),
        ([decimal.Decimal("1.5"), pd.NA], np.array([1.5, np.nan])),
        ([True, None], pd.array([True, None], dtype="boolean")),
        ([True, False], np.array([True, False])),
        ([None, pd.NA], np.array([np.nan, np.nan])),
        ([2**70, 1], ["1180591620717411303424", "1"]),
        ([1, "1", None, pd.NaT, np.nan], ["1", "1", None, None, None]),
        ([True, 1], ["True", "1"]),
        ([pd.Timestamp("2026-02-28"), pd.NaT], ["2026-02-28 00:00:00", None]),
        ([1j], ["1j"]),
        ([b"a"], ["b'a'"]),
        (
            [{"a": np.float32(0.5), "b": [np.nan, np.inf, pd.NaT]}, ("x", True), np.arange(3)],
            ['{"a": 0.5, "b": [null, "inf", null]}', '["x", true]', "[0, 1, 2]"],
        ),
        ([{True: 1, 2: "é"}], ['{"True": 1, "2": "é"}']),
        ([{"a": {"b": np.int64(1)}}], ['{"a": {"b": 1}}']),
        (["a\udcff", {"\udcff": "\udcff"}], ["a\\udcff", '{"\\udcff": "\\udcff"}']),
    ],
)  # fmt: skip
def test_further_columns_become_plain(cells, expected):
    dtype = "str" if isinstance(expected, list) else expected.dtype
    plain = as_plain(frame_of(further=object_column(cells)))
    same(plain[["further"]], pd.DataFrame({"further": pd.Series(expected, dtype=dtype)}))
    same(as_plain(plain), plain)


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (np.array([1, 2], dtype="uint8"), "uint8"),
        (np.array([1, 2], dtype="float32"), "float32"),
        (np.array([1, 2], dtype="float16"), "float32"),
        (np.array([1, 2], dtype="longdouble"), "float64"),
        (np.array([True, False]), "bool"),
        (pd.array([1, None], dtype="Int16"), "Int16"),
        (pd.array([0.5, None], dtype="Float64"), "Float64"),
        (pd.array([True, None], dtype="boolean"), "boolean"),
        (pd.arrays.SparseArray([0, 1]), "int64"),
        (pd.Categorical([2, 1]), "int64"),
        (pd.Categorical([2, None]), "Int64"),
        (pd.Categorical([True, False]), "bool"),
        (pd.Categorical(["b", None]), "str"),
        (pd.array(["b", None], dtype="string"), "str"),
        (pd.date_range("2026-02-28", periods=2), "str"),
        (pd.to_timedelta([1, None], unit="s"), "str"),
        (np.array([1j, 2]), "str"),
        (pd.array([decimal.Decimal("1.5"), None], pd.ArrowDtype(pa.decimal128(5, 2))), "float64"),
        (pd.array([[1], None], pd.ArrowDtype(pa.list_(pa.int64()))), "str"),
        (pd.array([1, None], pd.ArrowDtype(pa.int64())), pd.ArrowDtype(pa.int64())),
    ],
)
def test_types_of_further_columns(column, dtype):
    frame = frame_of(further=column)
    plain = as_plain(frame)
    assert plain["further"].dtype == pd.Series([], dtype=dtype).dtype
    assert plain["further"].isna().tolist() == frame["further"].isna().tolist()
    same(as_plain(plain), plain)


def test_names_are_strings_whatever_they_look_like():
    frame = frame_of(case=[1, 2], label=[True, False], feature=[0, 1], feature_value=[0.5, np.nan])
    plain = as_plain(frame)
    assert plain["case"].tolist() == ["1", "2"]
    assert plain["label"].tolist() == ["True", "False"]
    assert plain["feature"].tolist() == ["0", "1"]
    same(plain[["feature_value"]], frame[["feature_value"]])


def test_the_index_stays_and_names_of_columns_become_strings():
    frame = frame_of(case=["a", "b", "a"]).assign(x=[1, 2, 3]).rename(columns={"x": 5})
    frame.index = pd.Index([7, 7, 3], name="row")
    plain = as_plain(frame)
    assert plain.index.equals(frame.index)
    assert list(plain) == ["model_type", "case", "5"]
    assert plain["case"].tolist() == ["a", "b", "a"]


def test_one_case_without_a_name_is_missing():
    assert as_plain(frame_of(case=["a", None]))["case"].isna().tolist() == [False, True]


def test_cells_are_dropped_where_they_are_not_numbers(explanation):
    dropped = as_plain(explanation, cells="drop")
    plain = as_plain(explanation)
    regression = "label" not in explanation
    absent = ["data"] if regression else ["data", "prediction"]
    same(dropped, plain.drop(columns=absent))
    same(as_plain(plain, cells="drop"), dropped)
    same(as_plain(dropped), dropped)
    same(as_plain(dropped, cells="drop"), dropped)


def test_further_columns_of_cells_are_dropped():
    frame = frame_of(
        row=object_column([{"a": 1}, None]),
        tags=object_column([["a"], ["b"]]),
        pixels=object_column([pylime.Bitmap(np.zeros((2, 2)))] * 2),
        arrow=pd.array([[1], None], pd.ArrowDtype(pa.list_(pa.int64()))),
        day=pd.date_range("2026-02-28", periods=2),
        note=["a", None],
        n=[1, 2],
        prediction=object_column([1.5, None]),
    )
    assert list(as_plain(frame, cells="drop")) == ["model_type", "day", "note", "n", "prediction"]
    assert as_plain(frame)["pixels"].tolist() == ["1 channel 2x2 bitmap"] * 2


def test_a_frame_without_rows_stays_one():
    explanation = of_columns()
    (none,) = pylime.explain_batches([pd.DataFrame()], _explainer(), plain=True)
    assert none.empty
    same(as_plain(none), none)
    empty = as_plain(explanation.head(0))
    assert empty.dtypes.equals(as_plain(explanation).dtypes)


def _explainer():
    return lime(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), as_classifier(lambda rows: rows["x"] / 3))


def test_explain_and_batches_use_the_same_function():
    cases = pd.DataFrame({"x": [1.0, 2.5]})
    settings = {"n_permutations": 50, "random_state": 1}
    plain = as_plain(explain(cases, _explainer(), **settings))
    same(explain(cases, _explainer(), plain=True, **settings), plain)
    same(next(pylime.explain_batches([cases], _explainer(), plain=True, **settings)), plain)


class _Row(dict):
    """Counts how often it is read."""

    reads = 0

    def items(self):
        _Row.reads += 1
        return super().items()


def test_a_row_that_many_features_share_is_converted_once():
    row = _Row(a=1)
    plain = as_plain(frame_of(data=object_column([row] * 100)))
    assert set(plain["data"]) == {'{"a": 1}'}
    assert _Row.reads == 1


@pytest.mark.parametrize(
    ("frame", "options", "error", "message"),
    [
        ([1], {}, TypeError, "`explanation` must be a data frame from explain.*'list'"),
        (pd.DataFrame({"a": [1]}), {}, ValueError, "has no column 'model_type'"),
        (pl.DataFrame({"a": [1]}), {}, ValueError, "has no column 'model_type'"),
        (frame_of(a=[1]), {"cells": "keep"}, ValueError, "`cells` must be one of 'json', 'drop'"),
        (frame_of(a=[1]).iloc[:, [0, 1, 1]], {}, ValueError, "different names; 'a' is not"),
    ],
)
def test_wrong_arguments_are_refused(frame, options, error, message):
    with pytest.raises(error, match=message):
        as_plain(frame, **options)


# Other tools


def through_polars(plain):
    return pl.from_pandas(plain).to_pandas()


def through_arrow(plain):
    return pa.Table.from_pandas(plain, preserve_index=False).to_pandas()


def through_parquet(plain):
    file = io.BytesIO()
    plain.to_parquet(file)
    return pd.read_parquet(file)


def through_duckdb(plain):
    with duckdb.connect() as connection:
        connection.register("plain", plain)
        connection.execute("create table stored as select * from plain")
        return connection.sql("select * from stored").df()


def through_sqlite(plain):
    with sqlite3.connect(":memory:") as connection:
        plain.to_sql("plain", connection, index=False)
        return pd.read_sql("select * from plain", connection)


TOOLS = [through_polars, through_arrow, through_parquet, through_duckdb, through_sqlite]


def with_columns_of_the_user(explanation):
    n = len(explanation)
    return explanation.assign(
        checked=pd.array([True, None, False][: min(n, 3)] + [True] * (n - 3), dtype="boolean"),
        good=[True, False] * (n // 2) + [True] * (n % 2),
        note=["", "007", "a 'quoted' \"one\""] + [None] * (n - 3),
        n=pd.array([1, None] + [2**60] * (n - 2), dtype="Int64"),
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_plain_frames_go_to_other_tools_and_back(explanation, tool):
    plain = as_plain(with_columns_of_the_user(explanation))
    back = tool(plain)
    if tool is through_sqlite:  # which has no logicals
        back = back.astype({"checked": "boolean", "good": "bool", "n": "Int64"})
    elif tool in (through_polars, through_duckdb):  # logicals and numbers with gaps are objects
        back = back.astype({"checked": "boolean", "n": "Int64"})
    same(as_plain(back), plain)
    for name in ("note", "feature_value", "case"):
        assert back[name].isna().tolist() == plain[name].isna().tolist()


@pytest.mark.parametrize(
    "convert",
    [pl.from_pandas, lambda p: pl.from_pandas(p).lazy(), pa.Table.from_pandas, "duckdb"],
    ids=["polars", "lazy", "arrow", "duckdb"],
)
def test_frames_of_other_tools_become_plain(explanation, convert):
    plain = as_plain(with_columns_of_the_user(explanation))
    if convert == "duckdb":
        same(as_plain(duckdb.sql("select * from plain")), plain)
    else:
        same(as_plain(convert(plain)), plain)


def test_explanations_of_polars_with_columns_of_lists():
    frame = pl.from_pandas(as_plain(load_text_example())).with_columns(
        tags=pl.lit([1, 2]), row=pl.struct("case", "feature_weight")
    )
    plain = as_plain(frame)
    assert set(plain["tags"]) == {"[1, 2]"}
    assert json.loads(plain["row"][0])["case"] == plain["case"][0]
    assert {"tags", "row"}.isdisjoint(as_plain(frame, cells="drop"))


# Plots


def forms_of(explanation):
    """An explanation as a plain frame, in several libraries."""
    plain = as_plain(explanation)
    yield plain
    yield pl.from_pandas(plain)
    yield pa.Table.from_pandas(plain)
    yield through_sqlite(plain)


def drawn(plot):
    """What a plot draws: the levels of its axes and panels, and its numbers."""
    names = [name for name in plot.data if name not in ("data", "prediction", "feature_value")]
    data = plot.data[names]
    levels = {
        name: list(map(str, data[name].cat.categories))
        for name in data
        if isinstance(data[name].dtype, pd.CategoricalDtype)
    }
    as_drawn = data.assign(
        **{n: data[n].astype(str) for n in (*levels, "case", "label") if n in data}
    )
    return as_drawn, levels, (str(plot.mapping), str(plot.labels), len(plot.layers))


def assert_drawn_alike(found, expected):
    assert_frame_equal(found[0], expected[0], check_dtype=False)
    assert found[1:] == expected[1:]


@pytest.mark.parametrize("plotter", [pylime.plot_features, pylime.plot_explanations])
def test_plots_of_plain_frames_are_the_same(explanation, plotter):
    expected = drawn(plotter(explanation))
    for form in forms_of(explanation):
        assert_drawn_alike(drawn(plotter(form)), expected)


@pytest.mark.parametrize("plotter", [pylime.plot_features, pylime.plot_explanations])
def test_plots_of_frames_without_cells_are_the_same(explanation, plotter):
    # Levels that are numbers are not told from strings without the rows.
    explanation = explanation[explanation["feature"] != "odd"]
    dropped = as_plain(explanation, cells="drop")
    assert_drawn_alike(drawn(plotter(dropped)), drawn(plotter(explanation)))


@pytest.mark.parametrize(
    "kind",
    ["texts", "positions", "numbers in texts", "text columns", "text columns of a regressor"],
)
def test_texts_of_plain_frames_are_the_same(kind):
    explanation = EXPLANATIONS[kind]()
    expected = str(pylime.plot_text_explanations(explanation))
    for form in forms_of(explanation):
        assert str(pylime.plot_text_explanations(form)) == expected


def test_plots_that_need_cells_name_what_is_missing():
    texts = as_plain(load_text_example(), cells="drop")
    with pytest.raises(ValueError, match="without 'data' it is incomplete"):
        pylime.plot_text_explanations(texts)
    picture = as_plain(pylime.load_image_example())
    with pytest.raises((TypeError, ValueError), match="one of images"):
        pylime.plot_image_explanation(picture)


def test_cells_of_plain_frames_have_their_types_again():
    explanation = of_columns(n_labels=2)
    checked, _ = check_explanation(as_plain(explanation), classification=(), regression=())
    assert checked["prediction"].tolist() == explanation["prediction"].tolist()
    for found, cell in zip(checked["feature_value"], explanation["feature_value"], strict=True):
        if isinstance(cell, decimal.Decimal):
            assert found == float(cell)
        elif isinstance(cell, pd.Timestamp):
            assert found == str(cell)
        elif pd.isna(cell):
            assert pd.isna(found)
        else:
            assert found == cell
            assert isinstance(found, str) == isinstance(cell, str)


def test_descriptions_have_the_types_of_cells_that_were_dropped():
    described = {
        ("35", "age <= 40"): 35,
        ("35.5", "30 < age <= 40"): 35.5,
        ("-1e-05", "age"): -1e-05,
        ("True", "age is true"): True,
        ("False", "age is false"): False,
        ("True", "age = True"): "True",
        ("35", "age = 35"): "35",
        ("3 < age", "age = 3 < age"): "3 < age",
        ("3", "age = 2 < age"): "3",
        ("age", "age"): "age",
    }
    values, descriptions = zip(*described, strict=True)
    plain = frame_of(feature_value=values, feature="age", feature_desc=descriptions)
    checked, _ = check_explanation(plain, classification=(), regression=())
    found = checked["feature_value"].tolist()
    assert found == list(described.values())
    assert list(map(type, found)) == list(map(type, described.values()))


def test_only_the_cells_that_are_needed_are_read():
    plain = as_plain(of_columns(n_labels=2))
    checked, _ = check_explanation(plain, classification=(), regression=(), cells=())
    assert checked is plain


def test_a_text_that_is_json_stays_a_text():
    text = '{"no": 1}'
    explanation = load_text_example().head(1).assign(data=text, feature_value="no", feature="no")
    checked, _ = check_explanation(explanation, classification=(), regression=())
    assert checked["data"].tolist() == [text]
    assert checked["feature_value"].tolist() == ["no"]


def test_missing_probabilities_are_numbers_again():
    plain = frame_of(prediction=['{"a": null, "b": 0.5}', None])
    checked, _ = check_explanation(plain, classification=(), regression=())
    assert np.isnan(checked["prediction"][0]["a"])
    assert checked["prediction"].isna().tolist() == [False, True]


# Columns of text, and groups


def test_words_levels_and_groups_of_plain_frames_are_read_again():
    explanation = of_text_columns()
    checked, _ = check_explanation(as_plain(explanation), classification=(), regression=())
    for found, cell in zip(checked["feature_value"], explanation["feature_value"], strict=True):
        if isinstance(cell, dict):
            assert list(found) == list(cell)
            assert pd.Series(found).equals(pd.Series(cell))
        elif cell is None:
            assert pd.isna(found)
        else:
            assert found == cell
            assert isinstance(found, str) == isinstance(cell, str)


@pytest.mark.parametrize(
    ("value", "feature", "description", "row", "expected"),
    [
        ("5", "note: 5", "note: 5", {"note": "5 6"}, "5"),
        ("5", "note: 5", "note: 5", {"note": "6", "note: 5": 5}, 5),  # a column of that name
        ("True", "note: True", "note: True", {"note": "True"}, "True"),
        ('{"a": 1}', "place", "a <= 2", {"a": 1}, {"a": 1}),
        ('{"a": null}', "place", "a is missing", {"a": None}, {"a": np.nan}),
        ('{"a": 1}', "town", 'town = {"a": 1}', {"town": '{"a": 1}'}, '{"a": 1}'),
        ('{"a": 1}', 'note: {"a": 1}', 'note: {"a": 1}', {"note": '{"a": 1}'}, '{"a": 1}'),
        ("{a", "place", "a <= 2", {"a": 1}, "{a"),
    ],
)
def test_what_a_string_of_a_plain_frame_was(value, feature, description, row, expected):
    frame = frame_of(
        feature=[feature],
        feature_value=[value],
        feature_desc=[description],
        data=[json.dumps(row)],
    )
    checked, _ = check_explanation(frame, classification=(), regression=())
    (found,) = checked["feature_value"]
    assert type(found) is type(expected)
    assert repr(found) == repr(expected)


def test_the_kind_of_input_does_not_depend_on_the_first_feature():
    explanation = of_text_columns()
    for _, row in explanation.iterrows():
        one = row.to_frame().T
        assert input_of(one) == input_of(as_plain(one)) == "table"
    json_texts = frame_of(
        feature=["note", "b"], feature_value=["note", "b"], data=['{"notes": "note b"}'] * 2
    )
    assert input_of(json_texts) == "text"


@pytest.mark.parametrize(
    ("feature", "value", "description", "column"),
    [
        ("title: Superb", "Superb", "title: Superb", "title"),
        ("note: host: 2020", "2020", "note: host: 2020", "note: host"),
        ("body: x", "x", "body: x", None),  # the text is missing
        ("shop", "note: host", "shop = note: host", None),
        ("stars: 4", 4, "stars: 4", None),
        ("stars: 4", "4", "stars: 4", None),
        ("size", None, "size is none of s, m, l", None),
        ("place", {"lat": 1}, "lat <= 2", None),
        ("other: x", "x", "other: x", None),
    ],
)
def test_the_column_of_a_word(feature, value, description, column):
    assert text_column_of(feature, value, description, REVIEWS["r2"]) == column
