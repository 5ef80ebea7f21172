"""
Plain explanations as CSV and Excel files, which people open in spreadsheets.

In CSV strings have quotes and other values have none, so that the string `"007"`, an empty string
and a missing value stay what they are. Excel's cells have types.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Any

import numpy as np
import pandas as pd

from pylime.plain import CELLS, NAMES

__all__ = ["need_openpyxl", "read_csv", "read_excel", "write_csv", "write_excel"]

_ALWAYS_STRINGS = frozenset(NAMES)
_LOGICALS = {"true": True, "false": False}
_NUMBER = re.compile(
    r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf|nan)", flags=re.IGNORECASE | re.ASCII
)
_WHOLE = re.compile(r"[-+]?\d+", flags=re.ASCII)
# A quote, what is between it and the next, or a field without quotes; and what ends the field.
_FIELD = re.compile(r'(?:(")((?:[^"]++|"")*+)"|([^",\r\n]*+))(,|\r\n?|\n|\Z)')

# Excel's limits.
_MOST_ROWS = 2**20 - 1  # and the names of the columns
_MOST_COLUMNS = 2**14
_MOST_CHARACTERS = 2**15 - 1
# Excel writes what XML does not have as the code of the character, such as _x000D_.
_NOT_IN_XML = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_CODE = re.compile("_x([0-9A-Fa-f]{4})_")
# A file that has more cells per byte than this is forged: reading it would fill the memory.
_CELLS_PER_BYTE = 100


def write_csv(frame: pd.DataFrame, file: IO[bytes]) -> None:
    """
    Write a plain frame as CSV in UTF-8.

    Parameters
    ----------
    frame
        From `pylime.as_plain`.
    file
        An open file.
    """
    columns = [_csv_fields(column) for _, column in frame.items()]
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    text.write(",".join(map(_quoted, frame.columns)) + "\n")
    rows = (",".join(row) + "\n" for row in zip(*columns, strict=True))
    while block := "".join(islice(rows, 10_000)):
        text.write(block)
    text.detach()


def _csv_fields(column: pd.Series) -> list[str]:
    """Write strings with quotes, other values without, and missing values as nothing."""
    cells = column.tolist()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        return ["" if cell != cell else repr(cell) for cell in cells]
    known: dict[Any, str] = {}
    for cell in cells:
        if cell not in known:
            known[cell] = _csv_field(cell)
    return [known[cell] for cell in cells]


def _csv_field(cell: Any) -> str:
    if isinstance(cell, str):
        return _quoted(cell)
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if pd.isna(cell) else repr(cell)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def read_csv(content: bytes) -> pd.DataFrame:
    """
    Read a plain frame from CSV.

    Parameters
    ----------
    content
        The bytes of the file.

    Raises
    ------
    ValueError
        If they are not CSV.
    """
    rows = _csv_rows(content.decode("utf-8-sig"))
    names = [name for name, _ in next(rows, [])]
    columns: list[list[str | None]] = [[] for _ in names]
    quoted: set[int] = set()
    for line, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise ValueError(f"its row {line} has {len(row)} fields, not {len(names)}")
        for place, (cell, has_quotes) in enumerate(row):
            columns[place].append(cell if cell or has_quotes else None)
            if has_quotes:
                quoted.add(place)
    strings = {*quoted, *(place for place, name in enumerate(names) if name in _ALWAYS_STRINGS)}
    return _frame_of(
        names, [cells if k in strings else _values_of(cells) for k, cells in enumerate(columns)]
    )


def _csv_rows(text: str) -> Iterator[list[tuple[str, bool]]]:
    """Return the fields of each row, and whether each has quotes."""
    row: list[tuple[str, bool]] = []
    end = 0
    for match in _FIELD.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        quote, inside, bare, separator = match.groups()
        if match.start() == len(text) and not row:
            return  # behind the end of the last row
        row.append((inside.replace('""', '"'), True) if quote else (bare, False))
        if separator != ",":
            if row != [("", False)]:  # an empty line
                yield row
            row = []
            if not separator:
                return
    raise ValueError(f"it is not CSV: {text[end : end + 40]!r} is not a field")


def _values_of(cells: Sequence[str | None]) -> list[Any]:
    """Read fields without quotes: logicals or numbers if all are such, else strings."""
    present = [cell for cell in cells if cell is not None]
    if present and all(cell.lower() in _LOGICALS for cell in present):
        return [None if cell is None else _LOGICALS[cell.lower()] for cell in cells]
    if not all(map(_NUMBER.fullmatch, present)):
        return list(cells)
    read = int if all(map(_WHOLE.fullmatch, present)) else float
    return [None if cell is None else read(cell) for cell in cells]


def _frame_of(names: Sequence[str], columns: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Build a frame of columns of strings, numbers or logicals, each with missing values."""
    if len(set(names)) != len(names):
        raise ValueError("two of its columns have the same name")
    typed = {name: _column_of(name, cells) for name, cells in zip(names, columns, strict=True)}
    return pd.DataFrame(typed)


def _column_of(name: str, cells: Sequence[Any]) -> pd.Series:
    present = [cell for cell in cells if cell is not None]
    kinds = {type(cell) for cell in present}
    missing = len(present) < len(cells)
    if name not in _ALWAYS_STRINGS:
        if kinds == {bool}:
            return pd.Series(cells, dtype="boolean" if missing else "bool")
        if kinds == {int} and all(-(2**63) <= cell < 2**63 for cell in present):
            return pd.Series(cells, dtype="Int64" if missing else "int64")
        if kinds and kinds <= {int, float}:
            return pd.Series(cells, dtype="float64")
        if not kinds and cells and name != "feature_value":
            return pd.Series(np.full(len(cells), np.nan))
    texts = [None if cell is None else _text_of(cell) for cell in cells]
    return pd.Series(texts, dtype="str")


def _text_of(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    return cell if isinstance(cell, str) else str(cell)


# Excel


def need_openpyxl() -> Any:
    """Import openpyxl; raise an ImportError with the remedy."""
    try:
        import openpyxl
    except ImportError as error:
        raise ImportError(
            "Excel files need openpyxl: pip install 'tidylime[excel]'. CSV files do not."
        ) from error
    return openpyxl


def write_excel(frame: pd.DataFrame, file: IO[bytes]) -> None:
    """
    Write a plain frame as the only sheet of an Excel file.

    Parameters
    ----------
    frame
        From `pylime.as_plain`.
    file
        An open file.

    Raises
    ------
    ValueError
        If the frame exceeds Excel's limits.
    """
    openpyxl = need_openpyxl()
    _check_limits(frame)
    columns = [_excel_texts(column) for _, column in frame.items()]
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("explanation")
    sheet.freeze_panes = "A2"
    cell_of = _ExcelCells(sheet)
    sheet.append([cell_of(_excel_text(name)) for name in frame.columns])
    for row in zip(*columns, strict=True):
        sheet.append([cell_of(value) for value in row])
    workbook.save(file)


def _check_limits(frame: pd.DataFrame) -> None:
    """Raise if a frame has too many rows or columns for Excel."""
    for n, most, what in (
        (len(frame), _MOST_ROWS, "rows"),
        (frame.shape[1], _MOST_COLUMNS, "columns"),
    ):
        if n > most:
            raise ValueError(
                f"`explanation` has {n} {what}, and a sheet of Excel has room for {most}. "
                "Write a .csv or .parquet file, or fewer cases."
            )


def _excel_texts(column: pd.Series) -> list[Any]:
    """Escape strings, each distinct one once; raise if one is too long for a cell of Excel."""
    known: dict[str, str] = {}
    cells = column.tolist()
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and cell not in known:
            known[cell] = text = _excel_text(cell)
            n = len(text.encode("utf-16-le")) // 2  # as Excel counts
            if n > _MOST_CHARACTERS:
                cure = ', or `as_plain(explanation, cells="drop")`, which leaves this column out'
                raise ValueError(
                    f"`explanation` has a string of {n} characters in row {row} of "
                    f"{str(column.name)!r}, and a cell of Excel has room for {_MOST_CHARACTERS}. "
                    f"Write a .csv file{cure if column.name in CELLS else ''}."
                )
    return [known[cell] if isinstance(cell, str) else cell for cell in cells]


def _excel_text(text: str) -> str:
    return _NOT_IN_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


class _ExcelCells:
    """Make the cells of a sheet from values; strings stay strings, and numbers exact."""

    def __init__(self, sheet: Any) -> None:
        from openpyxl.cell import WriteOnlyCell

        self._sheet = sheet
        self._cell = WriteOnlyCell

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            # Openpyxl takes these for formulas and errors.
            return self._typed(value, "s") if value[:1] in _SUSPECT else value
        if isinstance(value, bool):
            return value
        if pd.isna(value):
            return None
        if isinstance(value, float) and not np.isfinite(value):
            return str(value)  # Excel has no infinite numbers
        # Openpyxl writes up to sixteen digits, where a double may need seventeen, and no ".0".
        text = repr(value)
        return value if text == f"{value:.16g}" else self._typed(text, "n")

    def _typed(self, text: str, kind: str) -> Any:
        cell = self._cell(self._sheet, text)
        cell.data_type = kind
        if kind == "s":
            cell.quotePrefix = True  # else Excel makes a formula of it when it is edited
        return cell


# What makes a formula of a cell that a person edits, and in openpyxl of one that is written.
_SUSPECT = tuple("=+-@#")


def read_excel(file: IO[bytes], file_size: int, limit: int | None) -> pd.DataFrame:
    """
    Read a plain frame from the first sheet of an Excel file.

    Parameters
    ----------
    file
        The open file.
    file_size
        Its size in bytes.
    limit
        How many bytes its strings may take in memory; None without a limit.

    Raises
    ------
    ValueError
        If the file claims more cells or strings than one of its size has.
    """
    workbook = need_openpyxl().load_workbook(file, read_only=True, data_only=True)
    try:
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()  # which a file may claim, whatever rows it has
        rows = _bounded(sheet.iter_rows(values_only=True), file_size, limit)
        names = [_from_excel(name) for name in next(rows, ())]
        while names and names[-1] is None:
            names.pop()
        columns: list[list[Any]] = [[] for _ in names]
        for row in rows:
            if any(cell is not None for cell in row):
                cells = [*row, *[None] * (len(names) - len(row))]
                for column, cell in zip(columns, cells, strict=False):
                    column.append(_from_excel(cell))
    finally:
        workbook.close()
    return _frame_of([str(name) for name in names], map(_with_infinite, columns))


def _bounded(
    rows: Iterable[Sequence[Any]], file_size: int, limit: int | None
) -> Iterator[Sequence[Any]]:
    """Raise before the rows of a file take too much memory for its size."""
    n_cells = n_characters = 0
    for row in rows:
        n_cells += len(row) + 1
        n_characters += sum(len(cell) for cell in row if isinstance(cell, str))
        if n_cells > _CELLS_PER_BYTE * file_size:
            raise ValueError(f"it has more than {n_cells} cells, too many for its size")
        if limit is not None and n_characters > limit:
            raise ValueError(f"it has more than {limit} characters, too many for its size")
        yield row


def _from_excel(cell: Any) -> Any:
    """Read a cell: a string, a number, a logical or None."""
    if isinstance(cell, str):
        return _CODE.sub(lambda match: chr(int(match[1], 16)), cell) if "_x" in cell else cell
    return cell if cell is None or isinstance(cell, bool | int | float) else str(cell)


def _with_infinite(cells: Sequence[Any]) -> list[Any]:
    """Read infinite numbers, which are strings in Excel, beside other numbers."""
    texts = {cell for cell in cells if isinstance(cell, str)}
    numbers = any(isinstance(cell, float) for cell in cells)
    if numbers and texts <= {"inf", "-inf"}:
        return [float(cell) if isinstance(cell, str) else cell for cell in cells]
    return list(cells)
