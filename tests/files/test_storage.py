"""Explanations written to files and read back."""

import datetime
import decimal
import json
import os
import subprocess
import sys
import uuid
import zlib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from explanations import of_text_columns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from PIL import Image

import pylime
from pylime import (
    COLUMNS,
    Bitmap,
    Superpixel,
    Word,
    as_classifier,
    as_regressor,
    explain,
    lime,
    load_image_example,
    load_text_example,
    read_explanation,
    write_explanation,
)
from pylime.files.cells import CellCoder
from pylime.frame import object_column

ENDINGS = pytest.mark.parametrize("ending", ["parquet", "json"])


def table_explanation(n=6, **options) -> pd.DataFrame:
    random = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "number": random.normal(size=n),
            "count": pd.array(random.integers(0, 9, n), dtype="Int64"),
            "town": random.choice(["Tromsø", "東京", 'a "quoted" one'], n),
            "kind": pd.Categorical(random.choice(["x", "y"], n)),
            "member": random.random(n) < 0.5,
            "since": pd.date_range("2026-01-01", periods=n, tz="Europe/Oslo"),
            "odd": pd.Series([1, "two", None, 2.5, pd.NA, 1][:n], dtype=object),
        },
        index=[f"case {number}" for number in range(n)],
    )
    rows.iloc[1, :2] = [np.nan, pd.NA]
    model = as_classifier(
        lambda rows: 1 / (1 + np.exp(-rows["number"].fillna(0) - rows["member"])), ["no", "yes"]
    )
    explainer = lime(rows, model)
    settings = {"n_permutations": 200, "random_state": 1, "n_features": 7, **options}
    return explain(rows, explainer, n_labels=2, **settings)


def regression_explanation() -> pd.DataFrame:
    rows = np.random.default_rng(2).normal(size=(50, 3))
    model = as_regressor(lambda rows: rows @ [1.0, 2.0, 0.0])
    return explain(rows[:3], lime(rows, model), n_permutations=200, random_state=1)


def picture_explanation(pixels) -> pd.DataFrame:
    pixels = np.asarray(pixels)
    model = as_classifier(
        lambda pictures: np.asarray(pictures, dtype=float).reshape(len(pictures), -1).mean(1) / 255
    )
    settings = {"n_superpixels": 9, "n_permutations": 40, "random_state": 1, "n_labels": 2}
    return explain(pixels, lime(pixels, model), **settings)


def text_explanation(**options) -> pd.DataFrame:
    texts = ["no, no and no: a good, good film", "Ein schöner Film 😀 good", "<b>good</b> & bad"]
    model = as_classifier(lambda texts: [0.1 + 0.2 * text.count("good") for text in texts])
    explainer = lime(texts, model, **options)
    return explain(texts, explainer, n_permutations=200, random_state=1)


def frame_of(values, data=None, **columns) -> pd.DataFrame:
    """A frame that has the form of an explanation, with cells of our choice."""
    n = len(values)
    plain = {
        "model_type": "classification",
        "case": range(n),
        "label": "yes",
        "label_prob": 0.5,
        "model_r2": 0.1,
        "model_intercept": 0.2,
        "model_prediction": 0.3,
        "feature": "f",
        "feature_value": object_column(values),
        "feature_weight": 0.25,
        "feature_desc": "f = 1",
        "data": object_column([{"f": value} for value in values] if data is None else data),
        "prediction": object_column([{"yes": 0.5, "no": 0.5}] * n),
    }
    return pd.DataFrame({**plain, **columns}, index=pd.RangeIndex(n))


def round_trip(frame, folder, ending):
    path = folder / f"frame.{ending}"
    untouched = frame.copy()
    write_explanation(frame, path)
    assert_frame_equal(frame, untouched)
    assert [file.name for file in folder.iterdir()] == [path.name]
    return read_explanation(path)


def check_round_trip(frame, folder, ending):
    again = round_trip(frame, folder, ending)
    assert_frame_equal(again, frame, check_exact=True, check_index_type="exact")
    for name in ("feature_value", "data", "prediction"):
        kinds = [[type(cell) for cell in one[name]] for one in (frame, again)]
        assert kinds[0] == kinds[1]
    return again


@ENDINGS
@pytest.mark.parametrize(
    "make",
    [
        table_explanation,
        regression_explanation,
        text_explanation,
        lambda: text_explanation(keep_word_position=True),
        load_image_example,
        load_text_example,
        of_text_columns,
        lambda: of_text_columns(regression=True),
    ],
    ids=[
        *("table", "regression", "texts", "positions", "image example", "text example"),
        *("text columns", "text columns of a regressor"),
    ],
)
def test_explanations_come_back_equal(tmp_path, ending, make):
    frame = make()
    again = check_round_trip(frame, tmp_path, ending)
    for ours, theirs in zip(again["feature_value"], frame["feature_value"], strict=True):
        assert getattr(ours, "spans", None) == getattr(theirs, "spans", None)


@ENDINGS
@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 3), (40, 50, 4)], ids=["L", "RGB", "RGBA"])
def test_pictures_come_back_to_the_last_bit(tmp_path, ending, shape):
    pixels = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    frame = picture_explanation(pixels)
    again = check_round_trip(frame, tmp_path, ending)
    np.testing.assert_array_equal(again["data"][0], frame["data"][0])
    assert len({id(cell) for cell in again["data"]}) == 1


@ENDINGS
@pytest.mark.parametrize(
    "pixels",
    [
        np.random.default_rng(3).integers(0, 4096, (40, 50)).astype(np.uint16),
        np.random.default_rng(3).random((40, 50, 3), dtype=np.float32) * 2 - 1,
        np.random.default_rng(3).integers(0, 256, (40, 50, 13), dtype=np.uint8),
    ],
    ids=["16 bits", "fractions", "bands"],
)
def test_images_of_any_numbers_come_back(tmp_path, ending, pixels):
    model = as_regressor(lambda images: [float(image.mean()) for image in images])
    explainer = lime(pixels, model, kind="image")
    frame = explain(pixels, explainer, n_superpixels=9, n_permutations=40, random_state=1)
    again = check_round_trip(frame, tmp_path, ending)
    np.testing.assert_array_equal(again["data"][0], pixels)
    assert again["data"][0].pixel_range == frame["data"][0].pixel_range


@ENDINGS
def test_the_orientation_of_a_photo_comes_back(tmp_path, ending):
    pixels = np.random.default_rng(3).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    frame = frame_of([1], [Bitmap(pixels, 6)])
    assert check_round_trip(frame, tmp_path, ending)["data"][0].orientation == 6


@ENDINGS
def test_a_picture_is_stored_once(tmp_path, ending):
    pixels = np.random.default_rng(3).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    cells = [Superpixel(np.arange(k, k + 9), (100, 100)) for k in range(1000)]
    # The second half holds equal pictures that are other objects.
    frame = frame_of(cells, [Bitmap(pixels)] * 500 + [Bitmap(pixels)] * 500)
    again = check_round_trip(frame, tmp_path, ending)
    assert len({id(cell) for cell in again["data"]}) == 1
    with_picture = (tmp_path / f"frame.{ending}").stat().st_size
    write_explanation(frame.assign(data="none"), tmp_path / f"frame.{ending}")
    assert with_picture - (tmp_path / f"frame.{ending}").stat().st_size < 30_000 * 1.5


def test_many_pictures_go_to_several_parts_of_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("pylime.files.storage._GROUP_BYTES", 10_000)
    random = np.random.default_rng(4)
    pictures = [Bitmap(random.integers(0, 256, (50, 60, 3), dtype=np.uint8)) for _ in range(6)]
    frame = frame_of([1] * 18, [picture for picture in pictures for _ in range(3)])
    check_round_trip(frame, tmp_path, "parquet")
    assert pq.ParquetFile(tmp_path / "frame.parquet").num_row_groups == 3


@ENDINGS
def test_columns_and_rows_of_ones_own_come_back(tmp_path, ending):
    frame = load_text_example().assign(rank=range(20), note=None, late=pd.NaT)
    frame["label"] = frame["label"].astype(pd.CategoricalDtype(["bad", "good"], ordered=True))
    frame = frame[frame["feature_weight"] > 0]
    assert not isinstance(frame.index, pd.RangeIndex)
    check_round_trip(frame, tmp_path, ending)
    frame.index = pd.Index(frame["feature"], name="word")
    check_round_trip(frame, tmp_path, ending)
    check_round_trip(frame.reset_index(drop=True).iloc[2:9:2], tmp_path, ending)
    nothing = frame.head(0)
    check_round_trip(nothing, tmp_path, ending)


@ENDINGS
@pytest.mark.parametrize(
    "names",
    [
        [True, False],
        [1.5, np.nan],
        [("a", 1), ("b", 2)],
        [1, "one"],
        [10**30, -1],
        pd.to_datetime(["2026-01-01", None]),
        pd.date_range("2026-10-25", periods=2, freq="3h", tz="Europe/Oslo"),
        pd.to_datetime(["2026-01-01"] * 2).as_unit("ns"),
        pd.to_timedelta([1, 2], unit="h"),
        pd.period_range("2026-01", periods=2, freq="M"),
        pd.Categorical([3, 1], [3, 2, 1]),
        pd.array([1, None], dtype="Int64"),
        pd.array(["a", None], dtype="string"),
        pd.array([True, None], dtype="boolean"),
        np.array([1, 2], dtype=np.uint8),
        np.array([0.1, 2], dtype=np.float32),
        pd.interval_range(0, 2),
        ["\udcff.png", "b.png"],
        [uuid.UUID(int=7), uuid.UUID(int=8)],
    ],
    ids=lambda names: str(getattr(names, "dtype", names)),
)
def test_names_of_any_type_come_back(tmp_path, ending, names):
    values = object_column(names) if isinstance(names, list) else names
    if isinstance(names, list) and all(isinstance(name, bool | float) for name in names):
        values = pd.Series(names)
    frame = frame_of([1, 2], case=values, label=values)
    check_round_trip(frame, tmp_path, ending)


@st.composite
def superpixels(draw):
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    pixels = st.integers(0, height * width - 1)
    return Superpixel(draw(st.lists(pixels, max_size=height * width)), (height, width))


@st.composite
def bitmaps(draw):
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.sampled_from([1, 3, 4, 5])))
    dtype = draw(st.sampled_from(["u1", "<u2", ">u2", "<i4", "<f2", "<f4", "<f8", "?"]))
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 256, shape).astype(dtype)
    return Bitmap(
        values[..., 0] if shape[2] == 1 else values,
        draw(st.integers(1, 8)),
        draw(st.sampled_from([None, (0, 255), (-1, 1)])),
        draw(st.sampled_from([None, False, True])),
    )


SPANS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=3)
TIMES = st.datetimes(datetime.datetime(1800, 1, 1), datetime.datetime(2200, 1, 1))
STAMPS = st.builds(
    lambda time, zone: pd.Timestamp(time, tz="UTC").tz_convert(zone), TIMES, st.timezones()
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(st.characters(categories=["Cs", "Lu"]))
    | st.binary()
    | st.complex_numbers(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.timedeltas()
    | st.uuids()
    | TIMES.map(pd.Timestamp)
    | STAMPS
    | TIMES.map(lambda time: pd.Timestamp(f"{time.isoformat()}+02:30"))
    | st.integers(-(2**62), 2**62).map(pd.Timestamp)
    | st.integers(-(2**62), 2**62).map(pd.Timedelta)
    | st.dates().map(lambda day: pd.Period(day, "D"))
    | st.tuples(st.integers(-9, 0), st.integers(1, 9)).map(lambda ends: pd.Interval(*ends))
    | st.sampled_from([pd.NA, pd.NaT, np.nan])
    | st.integers(-128, 127).map(np.int8)
    | st.floats(width=32).map(np.float32)
    | st.booleans().map(np.bool_)
    | st.text().map(np.str_)
    | st.datetimes().map(np.datetime64)
    | st.builds(Word, st.text(), SPANS)
)
CELLS = st.recursive(
    SCALARS | superpixels() | bitmaps(),
    lambda cells: (
        st.lists(cells, max_size=3)
        | st.tuples(cells, cells)
        | st.dictionaries(st.text() | st.integers() | st.just("$date"), cells, max_size=3)
    ),
    max_leaves=5,
)


def same(ours, theirs) -> bool:
    """Equal, and of one type to the last part; missing values equal themselves."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict):
        return same(list(ours), list(theirs)) and same(list(ours.values()), list(theirs.values()))
    if isinstance(ours, Word):
        return ours == theirs and ours.spans == theirs.spans
    if ours is theirs:
        return True
    if pd.api.types.is_scalar(ours) and pd.isna(ours):
        return bool(pd.isna(theirs))
    if isinstance(ours, datetime.datetime):
        return ours == theirs and ours.utcoffset() == theirs.utcoffset()
    return ours == theirs and (isinstance(ours, datetime.time) or repr(ours) == repr(theirs))


@given(CELLS)
@settings(max_examples=300)
def test_any_cell_comes_back(cell):
    text = json.dumps(CellCoder().encode(cell), allow_nan=False)
    assert same(CellCoder().decode(json.loads(text)), cell)


@ENDINGS
@given(cells=st.lists(CELLS, min_size=1, max_size=6))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_cells_of_a_file_come_back(tmp_path, ending, cells):
    path = tmp_path / f"frame.{ending}"
    frame = frame_of(cells, cells)
    write_explanation(frame, path)
    again = read_explanation(path)
    for name in ("feature_value", "data"):
        assert same(again[name].tolist(), cells)
    plain = [name for name in COLUMNS if name not in ("feature_value", "data")]
    assert_frame_equal(again[plain], frame[plain])


@ENDINGS
@pytest.mark.parametrize("cell", [object(), {1, 2}, np.zeros(3), Bitmap(np.zeros((2, 2), complex))])
def test_what_cannot_be_stored_is_named_and_leaves_nothing(tmp_path, ending, cell):
    path = tmp_path / f"frame.{ending}"
    path.write_text("old")
    with pytest.raises((TypeError, ValueError), match=r"in row 1 of 'feature_value'.* stored"):
        write_explanation(frame_of([1, cell], [1, 2]), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_explanation_is_refused(tmp_path):
    frame = load_text_example()
    for wrong, message in [
        (frame.drop(columns="case"), "without 'case' it is incomplete"),
        (frame.head(0).drop(columns="case"), "must have rows"),
        (frame.assign(index=1), "strings other than 'index'; not 'index'"),
        (frame.assign(case=1).set_axis([*COLUMNS[:-1], 7], axis=1), "without 'prediction'"),
        (frame.set_index(["case", "label"], drop=False), "must have one level"),
        (pd.concat([frame, frame[["data"]]], axis=1), "not 'data'"),
    ]:
        with pytest.raises(ValueError, match=message):
            write_explanation(wrong, tmp_path / "a.json")
    with pytest.raises(TypeError, match="must be a data frame from explain"):
        write_explanation({}, tmp_path / "a.json")
    endings = r"must end with \.parquet, \.json, \.csv or \.xlsx; not"
    with pytest.raises(ValueError, match=rf"{endings} 'a\.txt'"):
        write_explanation(frame, tmp_path / "a.txt")
    with pytest.raises(ValueError, match=f"{endings} 'a'"):
        read_explanation(tmp_path / "a")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        write_explanation(frame, tmp_path / "nowhere" / "a.json")
    with pytest.raises(FileNotFoundError):
        read_explanation(tmp_path / "a.json")
    with pytest.raises(ValueError, match=r"must contain part-00000\.parquet"):
        read_explanation(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError("disk full")

    for ending in ("json", "parquet"):
        path = tmp_path / f"a.{ending}"
        write_explanation(load_text_example(), path)
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            with pytest.raises(OSError, match="disk full"):
                write_explanation(load_image_example(), path)
        assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_a_link_stays_one_and_the_mode_is_the_usual(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.json").write_text("")
    (tmp_path / "a.json").symlink_to(tmp_path / "far" / "a.json")
    write_explanation(load_text_example(), tmp_path / "a.json")
    assert (tmp_path / "a.json").is_symlink()
    (tmp_path / "usual").write_text("")
    usual = (tmp_path / "usual").stat().st_mode
    assert (tmp_path / "far" / "a.json").stat().st_mode == usual


@ENDINGS
def test_damaged_files_are_clear_errors(tmp_path, ending):
    path = tmp_path / f"frame.{ending}"
    write_explanation(load_text_example(), path)
    whole = path.read_bytes()
    random = np.random.default_rng(5)
    for place in random.integers(1, len(whole), 25):
        path.write_bytes(whole[:place])
        if place < len(whole) - 2:
            with pytest.raises(ValueError, match=f"frame.{ending} cannot be read"):
                read_explanation(path)
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        path.write_bytes(bytes(broken))
        try:
            read_explanation(path)
        except ValueError as error:
            assert f"frame.{ending} cannot be read" in str(error)  # noqa: PT017
    for content in (b"", b"[]", b"null", b"PAR1", b'{"format": "other"}', b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="cannot be read as an explanation"):
            read_explanation(path)


def test_files_of_others_and_of_newer_versions_are_told(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="was not written by write_explanation"):
        read_explanation(tmp_path / "a.parquet")
    write_explanation(load_text_example(), tmp_path / "a.json")
    stored = json.loads((tmp_path / "a.json").read_text("utf-8"))
    (tmp_path / "a.json").write_text(json.dumps({**stored, "version": 2}))
    with pytest.raises(ValueError, match="version 2 of the format, and this pylime reads up to 1"):
        read_explanation(tmp_path / "a.json")


def forged_bitmap(**changes):
    stored = CellCoder().encode(Bitmap(np.zeros((2, 2), "<u2")))["$bitmap"]
    return {**stored, **changes}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({"$object": "os.system"}, "a cell of an unknown type, '\\$object'"),
        ({"$numpy": ["object", "x"]}, "a scalar of an unknown type"),
        ({"$superpixel": {"shape": [10**5, 10**5], "runs": []}}, "is too large"),
        ({"$superpixel": {"shape": [2, 2], "runs": [0, 10**12]}}, "longer than its image"),
        ({"$superpixel": {"shape": [2, 2], "runs": [0, 4] * 9}}, "is too large"),
        ({"$superpixel": {"shape": [2, 2], "runs": [3, 2]}}, "outside its image"),
        ({"$superpixel": {"shape": [2, 2], "runs": [-1, 2]}}, "outside its image"),
        ({"$superpixel": {"shape": [2, 2]}}, "cannot be read"),
        ({"$png": "AAAA"}, "cannot be read"),
        ({"$bitmap": forged_bitmap(shape=[9, 9])}, "another number of bytes"),
        ({"$bitmap": forged_bitmap(shape=[10**3, 10**3])}, "too few bytes"),
        ({"$bitmap": forged_bitmap(shape=[10**5, 10**5])}, "is too large"),
        ({"$bitmap": forged_bitmap(shape=[2, 2, 10**9])}, "bytes of memory"),
        ({"$bitmap": forged_bitmap(shape=[-2, -2])}, "no pixels"),
        ({"$bitmap": forged_bitmap(dtype="object")}, "has numbers 'object'"),
        ({"$bitmap": forged_bitmap(orientation=9)}, "must be from 1 to 8"),
        ({"$word": [[], []]}, "a word must be a string"),
        ({"$float": "1"}, "cannot be read"),
    ],
)
def test_forged_cells_are_clear_errors(tmp_path, cell, message):
    write_explanation(load_text_example(), tmp_path / "a.json")
    stored = json.loads((tmp_path / "a.json").read_text("utf-8"))
    stored["records"][0]["feature_value"] = cell
    (tmp_path / "a.json").write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=message):
        read_explanation(tmp_path / "a.json")


@pytest.mark.parametrize("name", ["S2000000000", "V2000000000", "<U99999999", "nonsense", 5, None])
def test_forged_types_are_clear_errors(tmp_path, name):
    write_explanation(load_text_example(), tmp_path / "a.json")
    stored = json.loads((tmp_path / "a.json").read_text("utf-8"))
    stored["types"]["feature"] = name
    (tmp_path / "a.json").write_text(json.dumps(stored))
    with pytest.raises(ValueError, match="cannot be read as an explanation"):
        read_explanation(tmp_path / "a.json")


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + checksum


@ENDINGS
def test_files_cannot_ask_for_much_memory(tmp_path, monkeypatch, ending):
    size = (60_000).to_bytes(4, "big")
    bomb = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", size + size + bytes([8, 2, 0, 0, 0]))
    bomb += png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")
    path = tmp_path / f"frame.{ending}"
    picture = Bitmap(np.zeros((30, 30), np.uint8))
    frame = frame_of([1, 2], [picture, picture])
    with monkeypatch.context() as patch:
        patch.setattr(CellCoder, "png_of", lambda self, picture: bomb)
        write_explanation(frame, path)
    with pytest.raises(ValueError, match="decompression bomb"):
        read_explanation(path)
    # Many that are each small enough add up, when they are written and when they are read.
    whole = [Superpixel(np.roll(np.arange(900), k), (30, 30)) for k in range(60)]
    frame = frame_of(whole, [picture] * 60)
    check_round_trip(frame, tmp_path, ending)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for do in (lambda: write_explanation(frame, path), lambda: read_explanation(path)):
        with pytest.raises(ValueError, match="have more than 24000 pixels; store fewer cases"):
            do()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    check_round_trip(frame, tmp_path, ending)


def test_a_file_cannot_claim_to_have_too_many_rows(tmp_path, monkeypatch):
    write_explanation(load_text_example(), tmp_path / "a.parquet")
    monkeypatch.setattr("pylime.files.storage._ROWS_PER_BYTE", 1e-4)
    with pytest.raises(ValueError, match="it claims to have 20 rows, too many for its size"):
        read_explanation(tmp_path / "a.parquet")


def test_other_programs_read_the_files(tmp_path):
    frame = table_explanation()
    write_explanation(frame, tmp_path / "a.parquet")
    table = pl.read_parquet(tmp_path / "a.parquet")
    assert table.columns == list(COLUMNS)
    plain = {"case", "label", "feature", "feature_desc", "model_type", "feature_weight"}
    for name in plain:
        assert table[name].to_list() == frame[name].tolist()
    assert table["feature_weight"].dtype == pl.Float64
    assert json.loads(table["prediction"][0]) == frame["prediction"][0]
    assert json.loads(table["feature_value"][0]) == frame["feature_value"][0]
    pandas = pd.read_parquet(tmp_path / "a.parquet")
    assert pandas["case"].tolist() == frame["case"].tolist()
    write_explanation(load_image_example(), tmp_path / "cat.parquet")
    import io

    png = pl.read_parquet(tmp_path / "cat.parquet")["data"][39]
    np.testing.assert_array_equal(Image.open(io.BytesIO(png)), load_image_example()["data"][0])
    write_explanation(frame, tmp_path / "a.json")
    stored = json.loads((tmp_path / "a.json").read_text("utf-8"))
    record = stored["records"][0]
    assert list(record) == list(COLUMNS)
    assert stored["prediction"][record["prediction"]] == frame["prediction"][0]
    assert "東京" in (tmp_path / "a.json").read_text("utf-8")


@ENDINGS
def test_plots_of_a_frame_read_back_are_the_same(tmp_path, ending):
    def drawn(plot):
        return plot.data.astype(str).to_dict("list"), str(plot.mapping), str(plot.labels)

    frame = table_explanation()
    again = round_trip(frame, tmp_path, ending)
    for plot in (pylime.plot_features, pylime.plot_explanations):
        assert drawn(plot(again)) == drawn(plot(frame))
    frame = load_image_example()
    again = round_trip(frame, tmp_path, ending)
    pictures = [pylime.plot_image_explanation(one, display="block") for one in (frame, again)]
    pixels = []
    for number, plot in enumerate(pictures):
        plot.save(tmp_path / f"{number}.png", dpi=40, verbose=False)
        with Image.open(tmp_path / f"{number}.png") as image:
            pixels.append(np.array(image))
        (tmp_path / f"{number}.png").unlink()
    np.testing.assert_array_equal(*pixels)
    for options in ({}, {"keep_word_position": True}):
        frame = text_explanation(**options)
        again = round_trip(frame, tmp_path, ending)
        assert str(pylime.plot_text_explanations(again)) == str(
            pylime.plot_text_explanations(frame)
        )


def test_without_pyarrow_parquet_names_the_extra_and_json_works(tmp_path):
    script = """
import sys
sys.modules["pyarrow.parquet"] = None
from pylime import load_text_example, read_explanation, write_explanation
write_explanation(load_text_example(), "a.json")
assert read_explanation("a.json").equals(load_text_example())
try:
    write_explanation(load_text_example(), "a.parquet")
except ImportError as error:
    print(error)
"""
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "pip install 'tidylime[parquet]'" in printed.stdout


def test_no_pickle_is_written(tmp_path):
    frame = frame_of([decimal.Decimal("1.5"), datetime.date(2026, 2, 28)])
    for ending in ("json", "parquet"):
        write_explanation(frame, tmp_path / f"a.{ending}")
        assert b"datetime" not in (tmp_path / f"a.{ending}").read_bytes().replace(b"$datetime", b"")
