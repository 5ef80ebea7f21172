"""Explanations in CSV and Excel files: plain, and read back with their types."""

import csv
import io
import subprocess
import sys
import warnings
import zipfile

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pytest
from explanations import EXPLANATIONS, of_columns
from pandas.testing import assert_frame_equal

from pylime import as_plain, load_text_example, read_explanation, write_explanation
from pylime.files import sheets
from pylime.frame import object_column

ENDINGS = pytest.mark.parametrize("ending", ["csv", "xlsx"])
ODD = ["=1+1", "+1", "-1", "@a", "#N/A", "#", "'=1", "_x000D_", "_x005F_x000D_", "_xz_"]
ODD += [
    "a\r\nb\rc\nd",
    "\x07\x1f\0",
    "\t",
    " a ",
    "\ufffe",
    'a "b", c;',
    '"',
    ",",
    "007",
    "1",
    "1e5",
]
ODD += ["true", "nan", "inf", "2026-02-28", "50 %", "😀 東京", "\udcff"]  # fmt: skip


def same(found, expected):
    assert_frame_equal(found, expected, check_exact=True)


def round_trip(frame, folder, ending):
    path = folder / f"frame.{ending}"
    write_explanation(frame, path)
    assert [file.name for file in folder.iterdir()] == [path.name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_explanation(path)


def with_words(words):
    """An explanation whose levels are words of our choice."""
    explanation = load_text_example().head(1)
    repeated = explanation.loc[explanation.index.repeat(len(words))].reset_index(drop=True)
    names = ("case", "feature_value", "feature_desc", "data")
    return repeated.assign(**dict.fromkeys(names, object_column(words)))


@ENDINGS
@pytest.mark.parametrize("name", EXPLANATIONS)
def test_the_plain_explanation_comes_back(tmp_path, ending, name):
    explanation = EXPLANATIONS[name]()
    if name == "image" and ending == "xlsx":  # a thousand probabilities are too long for Excel
        with pytest.raises(ValueError, match="in row 0 of 'prediction'"):
            write_explanation(explanation, tmp_path / "a.xlsx")
        explanation = as_plain(explanation, cells="drop")
    plain = as_plain(explanation)
    same(round_trip(explanation, tmp_path, ending), plain)
    same(round_trip(plain, tmp_path, ending), plain)
    same(round_trip(pl.from_pandas(plain), tmp_path, ending), plain)
    dropped = as_plain(explanation, cells="drop")
    same(round_trip(dropped, tmp_path, ending), dropped)


@ENDINGS
def test_odd_strings_stay_what_they_are(tmp_path, ending):
    explanation = with_words(ODD)
    plain = as_plain(explanation)
    assert plain["case"].tolist() == [*ODD[:-1], "\\udcff"]
    same(round_trip(explanation, tmp_path, ending), plain)


@ENDINGS
def test_types_of_further_columns_come_back(tmp_path, ending):
    explanation = load_text_example().head(4)
    further = {
        "whole": [1, 2, 3, 2**62],
        "gaps": pd.array([1, None, 3, 4], dtype="Int64"),
        "number": [1.0, np.nan, 0.1 + 0.2, -1e-300],
        "infinite": [np.inf, -np.inf, np.nan, 1.5],
        "good": [True, False, True, True],
        "checked": pd.array([True, None, False, True], dtype="boolean"),
        "none": [np.nan] * 4,
        "code": ["007", "1", None, "true"],
        "=name": list("abcd"),
    }
    explanation = explanation.assign(**further)
    same(round_trip(explanation, tmp_path, ending), as_plain(explanation))


def test_empty_strings_are_not_missing_in_csv(tmp_path):
    explanation = load_text_example().head(3).assign(note=["", None, '""'])
    same(round_trip(explanation, tmp_path, "csv"), as_plain(explanation))
    (tmp_path / "frame.csv").unlink()
    assert round_trip(explanation, tmp_path, "xlsx")["note"].isna().tolist() == [True, True, False]


@ENDINGS
def test_the_index_is_not_written(tmp_path, ending):
    explanation = load_text_example().iloc[[3, 5]].rename_axis("row")
    same(
        round_trip(explanation, tmp_path, ending),
        as_plain(explanation).reset_index(drop=True),
    )


@ENDINGS
def test_an_explanation_without_rows_is_written(tmp_path, ending):
    none = round_trip(load_text_example().head(0), tmp_path, ending)
    assert none.empty
    assert list(none) == list(load_text_example())


def test_nothing_becomes_a_formula_or_an_error_in_excel(tmp_path):
    write_explanation(with_words(ODD), tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert sheet.freeze_panes == "A2"
    column = [cell.value for cell in sheet[1]].index("case") + 1
    cells = [sheet.cell(row, column) for row in range(2, 2 + len(ODD))]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert [cell.quotePrefix for cell in cells[:4]] == [True] * 4
    assert {cell.data_type for cell in sheet[2]} == {"s", "n"}


def test_other_programs_read_the_csv(tmp_path):
    explanation = of_columns(n_labels=2)
    plain = as_plain(explanation)
    path = tmp_path / "a.csv"
    write_explanation(explanation, path)
    numbers = ["label_prob", "feature_weight"]
    expected = plain[numbers].to_numpy()
    texts = ["feature", "feature_desc", "data"]
    for frame in (
        pd.read_csv(path, float_precision="round_trip"),
        pl.read_csv(path, infer_schema_length=None).to_pandas(),
        duckdb.read_csv(str(path)).df(),
    ):
        np.testing.assert_allclose(frame[numbers].to_numpy(), expected, rtol=1e-14)
        for name in texts:
            assert frame[name].tolist() == plain[name].tolist()
        assert frame["feature_value"].isna().tolist() == plain["feature_value"].isna().tolist()
    excel = io.BytesIO()
    write_explanation(explanation, tmp_path / "a.xlsx")
    excel.write((tmp_path / "a.xlsx").read_bytes())
    frame = pd.read_excel(excel, dtype={"case": str})
    np.testing.assert_array_equal(frame[numbers].to_numpy(), expected)
    assert frame["case"].tolist() == plain["case"].tolist()


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_csv_of_other_programs_is_read(tmp_path, quoting, newline, bom):
    """They put quotes elsewhere; names stay strings, and what was a string may be a number."""
    plain = as_plain(load_text_example(), cells="drop").assign(case="007", label="1", good=True)
    text = plain.to_csv(index=False, quoting=quoting, lineterminator=newline)
    if quoting == csv.QUOTE_MINIMAL:
        text = text.removesuffix(newline) + newline * 2
    (tmp_path / "a.csv").write_bytes((bom + text).encode())
    again = read_explanation(tmp_path / "a.csv")
    assert set(again["case"]) == {"007"}
    assert set(again["label"]) == {"1"}
    if quoting == csv.QUOTE_MINIMAL:
        same(again, plain)
    (tmp_path / "a.csv").write_bytes((bom + text).rstrip("\r\n").encode())
    same(read_explanation(tmp_path / "a.csv"), again)


def test_excel_files_that_people_edited_are_read(tmp_path):
    path = tmp_path / "a.xlsx"
    write_explanation(load_text_example().head(3), path)
    workbook = openpyxl.load_workbook(path)
    sheet = workbook.active
    assert sheet is not None
    names = [cell.value for cell in sheet[1]]
    sheet.cell(1, len(names) + 1, "comment")
    sheet.cell(2, len(names) + 1, "odd")
    sheet.cell(2, names.index("case") + 1, 7)
    sheet.cell(9, 2).number_format = "0"  # an empty row
    workbook.create_sheet("more").append(["other", "columns"])
    workbook.save(path)
    again = read_explanation(path)
    assert len(again) == 3
    assert again["case"][0] == "7"
    assert again["comment"].tolist()[0] == "odd"
    assert again["comment"].isna().tolist() == [False, True, True]


# Limits


def test_too_many_rows_for_excel_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "_MOST_ROWS", 3)
    with pytest.raises(ValueError, match="has 20 rows, and a sheet of Excel has room for 3"):
        write_explanation(load_text_example(), tmp_path / "a.xlsx")
    monkeypatch.setattr(sheets, "_MOST_ROWS", 20)
    monkeypatch.setattr(sheets, "_MOST_COLUMNS", 12)
    with pytest.raises(ValueError, match="has 13 columns"):
        write_explanation(load_text_example(), tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "n"), [("a" * 32768, 32768), ("😀" * 16384, 32768), ("\x07" * 5000, 35000)]
)
def test_texts_that_are_too_long_for_excel_are_refused(tmp_path, text, n):
    explanation = with_words(["a", text])
    message = (
        rf"a string of {n} characters in row 1 of 'case', .* for 32767\. Write a \.csv file\.$"
    )
    with pytest.raises(ValueError, match=message):
        write_explanation(explanation, tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == []
    short = explanation.assign(case="a", feature_value="a", feature_desc="a")
    with pytest.raises(ValueError, match=r"in row 1 of 'data'.*as_plain.*\"drop\""):
        write_explanation(short, tmp_path / "a.xlsx")
    write_explanation(as_plain(short, cells="drop"), tmp_path / "a.xlsx")
    write_explanation(explanation, tmp_path / "a.csv")
    assert read_explanation(tmp_path / "a.csv")["data"].tolist() == ["a", text]


def test_the_longest_texts_of_excel_come_back(tmp_path):
    explanation = with_words(["a" * 32767, "=" * 32767, "😀" * 16383])
    same(round_trip(explanation, tmp_path, "xlsx"), as_plain(explanation))


# Errors


@ENDINGS
def test_what_is_no_explanation_is_not_written(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    with pytest.raises(TypeError, match="must be a data frame"):
        write_explanation([1], path)
    with pytest.raises(ValueError, match="without 'feature' it is incomplete"):
        write_explanation(load_text_example().drop(columns="feature"), path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        write_explanation(load_text_example(), tmp_path / "none" / f"a.{ending}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column 'model_type'"),
        (b"a,b\n1,2\n", "no column 'model_type'"),
        (b"a,b\n1\n", "its row 2 has 1 fields, not 2"),
        (b'a,b\n1,"2\n', "it is not CSV: '\"2"),
        (b'a,b\n1,2"\n', "it is not CSV"),
        (b'a,b\n1,"2"3\n', "it is not CSV"),
        (b"a,a\n1,2\n", "two of its columns have the same name"),
        (b"\xff\xfe", "cannot be read as an explanation"),
        (b"model_type\nclassification\n", "it is incomplete"),
        (b"model_type;case\nclassification;1\n", "no column 'model_type'"),
    ],
)
def test_csv_files_that_are_none_are_refused(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_explanation(tmp_path / "a.csv")
    assert "a.csv cannot be read as an explanation" in str(caught.value)


def test_damaged_excel_files_are_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    write_explanation(load_text_example(), path)
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], content[:100] + b"x" * 50):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.xlsx cannot be read as an explanation"):
            read_explanation(path)
    with pytest.raises(FileNotFoundError):
        read_explanation(tmp_path / "b.xlsx")


def forged(path, row: str, n: int) -> None:
    """An Excel file with one row many times, in few bytes."""
    write_explanation(load_text_example().head(1), path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (sheet,) = (name for name in parts if "worksheets/" in name)
    start, _, end = parts[sheet].partition(b"</sheetData>")
    parts[sheet] = start + row.encode() * n + b"</sheetData>" + end
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_excel_files_cannot_claim_to_have_too_much(tmp_path):
    path = tmp_path / "a.xlsx"
    forged(path, '<row><c r="XFD2"><v>1</v></c></row>', 100)
    with pytest.raises(ValueError, match="cells, too many for its size"):
        read_explanation(path)
    with path.open("rb") as file, pytest.raises(ValueError, match="it has more than 9 characters"):
        sheets.read_excel(file, 10**6, 9)


def test_without_openpyxl_excel_names_the_extra_and_csv_works(tmp_path):
    script = """
import sys
sys.modules["openpyxl"] = None
from pylime import load_text_example, read_explanation, write_explanation
write_explanation(load_text_example(), "a.csv")
read_explanation("a.csv")
for do in (lambda path: write_explanation(load_text_example(), path), read_explanation):
    try:
        do("b.xlsx")
    except ImportError as error:
        print(error)
"""
    (tmp_path / "b.xlsx").touch()
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert printed.stdout.count("pip install 'tidylime[excel]'") == 2
