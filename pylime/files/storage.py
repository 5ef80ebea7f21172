"""
Explanations as files, written whole or not at all.

Parquet and JSON are read back equal. CSV and Excel files have the plain explanation only (see
`pylime.files.sheets`).

Parquet and JSON store a column of numbers, strings, logicals or times as such. Columns of other
cells contain JSON (see `pylime.files.cells`) or, for images in Parquet, PNG; each distinct cell
is stored once, however many rows have it. A header has the encoding and type of each column and
the version of the format.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime.files.cells import JSON, Cell, CellCoder, is_png, is_text, memory_limit
from pylime.files.journal import MANIFEST, Journal, read_journal, run_identity
from pylime.files.sheets import read_csv, read_excel, write_csv, write_excel
from pylime.frame import COLUMNS, check_columns, explanation_frame, object_column
from pylime.plain import CELLS, as_plain
from pylime.values import Bitmap

if TYPE_CHECKING:
    import pyarrow

__all__ = [
    "ANY_PART",
    "PART",
    "need_pyarrow",
    "new_file",
    "read_explanation",
    "read_origin",
    "write_explanation",
    "write_part",
]

PART = "part-{:05d}.parquet"
"""Name of each file of a run that is stored in parts."""

ANY_PART = PART.replace("{:05d}", "*")
"""Pattern of these names."""

_FORMAT = "pylime explanation"
_VERSION = 1
_KEY = "pylime"  # of the header in the metadata of a Parquet file
_INDEX = "index"
_TEXT = "str"  # the type of strings in a file, whatever type pandas gives them
# Columns whose cells are objects, even if all of them are strings.
_CELLS = ("feature_value", "data", "prediction")
# Columns whose distinct cells JSON stores once; records refer to them by position.
_SHARED = ("data", "prediction")
# A row group of a Parquet file ends when its distinct `data` exceeds so many bytes; the limit of
# its dictionary page is higher, so that the page is never split.
_GROUP_BYTES = 2**28
_DICTIONARY_BYTES = 2**30
# A file that claims to have more rows, or cells, per byte is forged: reading it would fill the
# memory. The weights of real explanations differ, so that each row takes several bytes.
_ROWS_PER_BYTE = 10
_CELLS_PER_BYTE = 100


def write_explanation(explanation: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """
    Write an explanation to a file.

    The file appears only when it is complete. Until then, and if writing fails, a previous
    file stays.

    Parameters
    ----------
    explanation
        From `pylime.explain`; it may have further columns, or fewer rows. A plain one may lack
        `data` and `prediction` in `.csv` and `.xlsx`.
    path
        The file; its ending sets the format.

        `.parquet` and `.json` keep all cells, so that `read_explanation` returns an equal
        explanation. `.parquet` is small and fast, and polars, R's arrow and other programs
        read it: numbers and strings are stored as such, images in `data` as PNG, and other
        cells as JSON. `.json` is human-readable: a list of records, and lists of the distinct
        `data` and `prediction`, to which the records refer by position, counted from 0.

        `.csv` and `.xlsx` have the plain explanation (see `as_plain`) without its index, for
        spreadsheets and other programs. Strings have quotes in CSV and the type of strings in
        Excel, so that `"007"` stays and nothing becomes a formula in Excel.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, `path` has another ending, a cell contains
        an object of a class that cannot be stored, or Excel lacks the room: a sheet has
        1,048,575 rows below the names, and a cell 32,767 characters.
    ImportError
        If pyarrow is missing, which Parquet needs: `pip install 'tidylime[parquet]'`; or
        openpyxl, which Excel needs: `pip install 'tidylime[excel]'`.
    OSError
        If the file cannot be written.

    Notes
    -----
    Such a file contains only data and is safe to read wherever it comes from. An *explainer*
    has a model and can be pickled, but loading a pickle executes code; load only files you
    trust.

    Spreadsheets evaluate fields of CSV files that begin with `=`, quotes or not. If words or
    levels come from strangers, use `.xlsx` for people.

    Examples
    --------
    >>> import tempfile
    >>> from pylime import load_text_example
    >>> explanation = load_text_example()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_explanation(explanation, f"{folder}/reviews.json")
    ...     again = read_explanation(f"{folder}/reviews.json")
    >>> again.equals(explanation)
    True
    """
    write_part(explanation, path, None)


def write_part(explanation: pd.DataFrame, path: str | os.PathLike[str], origin: str | None) -> None:
    """Write an explanation with its origin, which `read_origin` returns."""
    path = Path(path)
    ending = _check_ending(path)
    explanation = explanation_frame(explanation)
    if ending in _PLAIN_WRITER_OF:
        plain = as_plain(explanation)
        _check_plain(plain)
        with new_file(path) as file:
            _PLAIN_WRITER_OF[ending](plain, file)
        return
    write = _WRITER_OF[ending]
    _check_stored(explanation)
    _check_stored_names(explanation)
    header: dict[str, JSON] = {"format": _FORMAT, "version": _VERSION, "origin": origin}
    index = explanation.index
    coder = CellCoder()
    header["index"] = {"name": coder.encode(index.name)}
    columns = {str(name): column for name, column in explanation.items()}
    if isinstance(index, pd.RangeIndex):
        header["index"]["range"] = [index.start, index.stop, index.step]
    else:
        columns[_INDEX] = index.to_series()
    header["types"] = {name: _type_of(column, coder) for name, column in columns.items()}
    write(path, header, columns, coder)


def read_explanation(path: str | os.PathLike[str]) -> pd.DataFrame:
    """
    Read an explanation that was written to a file, or to the folder of a run.

    Parameters
    ----------
    path
        A file from `write_explanation`, or a folder from `pylime.explain_to_parquet`, whose
        parts are concatenated.

    Returns
    -------
    pandas.DataFrame
        The explanation that was written, with its index and types. From `.csv` and `.xlsx`,
        the plain explanation (see `as_plain`) with the types of its columns. These files have
        no index, so the rows are numbered, and in Excel empty strings are missing values.

    Raises
    ------
    ValueError
        If the file is not an explanation, is damaged, or has a newer version of the format,
        or if its images have too many pixels (see `PIL.Image.MAX_IMAGE_PIXELS`).
    FileNotFoundError
        If the file does not exist.
    ImportError
        If pyarrow is missing, which Parquet needs, or openpyxl, which Excel needs.

    Examples
    --------
    >>> import tempfile
    >>> from pylime import load_image_example
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_explanation(load_image_example(), f"{folder}/cat.parquet")
    ...     read_explanation(f"{folder}/cat.parquet")[["label", "feature_value", "data"]].head(1)
              label      feature_value                      data
    0  Egyptian cat  3090px superpixel  3 channel 451x300 bitmap
    """
    path = Path(path)
    if path.is_dir():
        return _read_parts(path)
    ending = _check_ending(path)
    return _read_plain(path, ending) if ending in _PLAIN_WRITER_OF else _READER_OF[ending](path)


def read_origin(path: Path) -> str | None:
    """Return the origin of a Parquet file; raise a ValueError if any part is damaged."""
    with _parquet_file(path) as (file, header):
        file.read()  # compares the checksums of all pages
        return header["origin"]


def _check_ending(path: Path) -> str:
    ending = path.suffix.lower()
    endings = [*_WRITER_OF, *_PLAIN_WRITER_OF]
    if ending not in endings:
        listed = f"{', '.join(endings[:-1])} or {endings[-1]}"
        raise ValueError(f"`path` must end with {listed}; not {path.name!r}.")
    return ending


def _check_stored(explanation: pd.DataFrame) -> None:
    """Raise unless a value is an explanation; unlike elsewhere, it may be without rows."""
    of_all = [name for name in COLUMNS if name not in ("label", "label_prob")]
    if explanation.empty and {*of_all} <= {*explanation}:
        return
    check_columns(explanation, classification=COLUMNS, regression=of_all)


def _check_plain(explanation: pd.DataFrame) -> None:
    """Raise unless a plain frame is an explanation, which may be without rows or cells."""
    of_regression = [n for n in COLUMNS if n not in ("label", "label_prob", *CELLS)]
    if explanation.empty and {*of_regression} <= {*explanation}:
        return
    of_classification = [name for name in COLUMNS if name not in CELLS]
    check_columns(
        explanation, classification=of_classification, regression=[*of_regression, "prediction"]
    )


def _check_stored_names(explanation: pd.DataFrame) -> None:
    """Raise unless the names of columns and index can be stored."""
    names = explanation.columns
    wrong = [name for name in names if not is_text(name) or name == _INDEX]
    if wrong or not names.is_unique:
        raise ValueError(
            "The columns of `explanation` must have different names, which are strings other than "
            f"{_INDEX!r}; "
            f"not {[*wrong, *names[names.duplicated()]][0]!r}."
        )
    if explanation.index.nlevels > 1:
        raise ValueError("The index of `explanation` must have one level; use reset_index().")


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file, which replaces `path` only when it is complete."""
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder {path.parent} does not exist.")
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _unreadable_as_error(path: Path) -> Iterator[None]:
    """Turn any exception that a damaged or forged file causes into a ValueError with its path."""
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        text = str(error).removesuffix(".") or type(error).__name__
        raise ValueError(f"{path} cannot be read as an explanation: {text}.") from error


def _check_readable(coder: CellCoder, file_size: int, facts: Any = None) -> None:
    """Raise unless `read_explanation` accepts a file that was written just now."""
    try:
        coder.check_size(file_size)
        if facts is not None:
            _check_claims(facts, file_size)
    except ValueError as error:
        raise ValueError(f"`explanation` cannot be written: {error}.") from error


def _check_header(header: object) -> None:
    """Raise unless this version can read the file of a header."""
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise ValueError("it was not written by write_explanation()")
    version = header.get("version")
    if type(version) is not int or version < 1:
        raise ValueError(f"it has an unknown version of the format, {version!r:.80}")
    if version > _VERSION:
        raise ValueError(
            f"it has version {version} of the format, and this pylime reads up to "
            f"{_VERSION}; install a newer one"
        )


def _type_of(column: pd.Series, coder: CellCoder) -> JSON:
    """Encode the type of a column."""
    dtype = column.dtype
    if not isinstance(dtype, pd.CategoricalDtype):
        cells = _is_object(dtype) and column.name in _CELLS
        return "object" if cells else _type_name(column)
    levels = dtype.categories
    cells = [coder.encode(level) for level in levels.tolist()]
    return {"categories": cells, "type": _type_name(levels), "ordered": bool(dtype.ordered)}


def _text_type() -> Any:
    """The type that pandas gives strings: one of their own, or object before pandas 3."""
    return pd.Series([""]).dtype


def _is_object(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def _type_name(values: pd.Series | pd.Index) -> str:
    """The name of a type in files; that of strings is the same with every pandas."""
    if values.dtype != _text_type():
        return str(values.dtype)
    if _is_object(values.dtype) and not all(type(value) is str for value in values):
        return "object"
    return _TEXT


def _dtype(name: JSON) -> Any:
    """The type of that name in a file."""
    dtype = _text_type() if name == _TEXT else pd.api.types.pandas_dtype(name)
    # Others, such as "S2000000000", take any amount of memory for a cell.
    if isinstance(dtype, np.dtype) and dtype.kind not in "biufcmMO":
        raise ValueError(f"it has a column of an unknown type, {name!r:.80}")
    return dtype


def _stored_column(
    values: list[Cell] | pd.Series | np.ndarray, stored: JSON, coder: CellCoder
) -> pd.Series:
    """Build a column of the type that was stored."""
    if stored == "object" or (stored == _TEXT and _is_object(_text_type())):
        return object_column(list(values))
    if not isinstance(stored, dict):
        dtype = _dtype(stored)
        return pd.Series(values, dtype=None if hasattr(values, "dtype") else dtype).astype(dtype)
    levels = pd.Index(coder.decode(stored["categories"]), dtype=_dtype(stored["type"]))
    return pd.Series(pd.Categorical(values, levels, ordered=stored["ordered"]))


def _stored_frame(columns: Mapping[str, pd.Series], header: Mapping[str, JSON]) -> pd.DataFrame:
    """Build the frame of the columns that were read."""
    frame = pd.DataFrame(dict(columns))
    rows = header["index"].get("range")
    index = pd.RangeIndex(*rows) if rows else pd.Index(frame.pop(_INDEX))
    frame.index = index.rename(CellCoder().decode(header["index"]["name"]))
    _check_stored(frame)
    return frame


def _encoded_cells(column: pd.Series, encode: Callable[[Cell], JSON]) -> list[JSON]:
    """Encode each cell; a cell that many rows share is encoded once."""
    known: dict[int, JSON] = {}
    cells = column.tolist()  # this list keeps the cells alive, so that no id is used again
    for row, cell in enumerate(cells):
        if id(cell) not in known:
            try:
                known[id(cell)] = encode(cell)
            except (TypeError, ValueError) as error:
                place = f"`explanation` cannot be written: in row {row} of {column.name!r} "
                raise type(error)(f"{place}{error}.") from error
    return [known[id(cell)] for cell in cells]


def _distinct(values: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """Return the distinct values, and the position of each value among them."""
    positions: dict[Any, int] = {}
    codes = [positions.setdefault(value, len(positions)) for value in values]
    return list(positions), codes


# JSON


def _json(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _write_json(
    path: Path, header: dict[str, JSON], columns: Mapping[str, pd.Series], coder: CellCoder
) -> None:
    records: list[dict[str, Any]] = [{} for _ in next(iter(columns.values()))]
    lists: dict[str, list[str]] = {}
    for name, column in columns.items():
        if name in _SHARED and header["types"][name] == "object":
            texts = _encoded_cells(column, lambda cell: _json(coder.encode(cell)))
            lists[name], values = _distinct(texts)
        else:
            values = _encoded_cells(column, coder.encode)
        for record, value in zip(records, values, strict=True):
            record[name] = value
    lists["records"] = [_json(record) for record in records]
    entries = [f'"{name}": {_json(value)}' for name, value in header.items()]
    for name, lines in lists.items():
        between = ",\n".join(lines)  # one cell or record per line
        entries.append(f'"{name}": [\n{between}\n]')
    with new_file(path) as file:
        size = file.write(("{\n" + ",\n".join(entries) + "\n}\n").encode())
        _check_readable(coder, size)


def _read_json(path: Path) -> pd.DataFrame:
    content = path.read_bytes()
    with _unreadable_as_error(path):
        stored = json.loads(content)
        _check_header(stored)
        coder = CellCoder(len(content))
        columns = {}
        for name, kind in stored["types"].items():
            values = [record[name] for record in stored["records"]]
            if name in _SHARED and kind == "object":
                shared = coder.decode(stored[name])
                cells = [shared[_position(value, len(shared))] for value in values]
            else:
                cells = [coder.decode(value) for value in values]
            columns[name] = _stored_column(cells, kind, coder)
        return _stored_frame(columns, stored)


def _position(value: JSON, n: int) -> int:
    """Check a position among n cells."""
    if type(value) is not int or not 0 <= value < n:
        raise ValueError(f"a record refers to cell {value!r:.80} of {n}")
    return value


# CSV and Excel


def _read_plain(path: Path, ending: str) -> pd.DataFrame:
    with path.open("rb") as file, _unreadable_as_error(path):
        if ending == ".csv":
            frame = read_csv(file.read())
        else:
            size = os.fstat(file.fileno()).st_size
            frame = read_excel(file, size, memory_limit(size))
        _check_plain(explanation_frame(frame))
        return frame


# Parquet


def need_pyarrow() -> Any:
    """Import pyarrow and its module for Parquet; raise an ImportError with the remedy."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Parquet files need pyarrow: pip install 'tidylime[parquet]'. JSON files do not."
        ) from error
    return pyarrow


def _write_parquet(
    path: Path, header: dict[str, JSON], columns: Mapping[str, pd.Series], coder: CellCoder
) -> None:
    pa = need_pyarrow()
    encodings = header["cells"] = {}
    arrays: dict[str, Any] = {}
    shared: dict[str, tuple[np.ndarray, list[int]]] = {}
    for name, column in columns.items():
        dtype: Any = column.dtype
        if dtype.kind in "biufM" and (isinstance(dtype, np.dtype | pd.DatetimeTZDtype)):
            plain = column if dtype.kind == "M" else column.to_numpy()
            arrays[name] = pa.array(plain)
            continue
        encodings[name], values = _cells_of(column, coder)
        distinct, codes = _distinct(values)
        shared[name] = np.array(distinct, dtype=object), codes
    with new_file(path) as file:
        writer = None
        for start, stop in pairwise(_groups(*shared["data"])):
            table = pa.table(
                {
                    name: arrays[name].slice(start, stop - start)
                    if name in arrays
                    else _dictionary_array(
                        pa, *shared[name], slice(start, stop), header["cells"][name]
                    )
                    for name in columns
                }
            )
            if writer is None:
                writer = pa.parquet.ParquetWriter(
                    file,
                    table.schema,
                    compression="zstd",
                    use_dictionary=list(shared),
                    dictionary_pagesize_limit=_DICTIONARY_BYTES,
                    write_page_checksum=True,
                    store_schema=False,  # else other programs would read strings as categories
                )
                writer.add_key_value_metadata({_KEY: _json(header)})
            writer.write_table(table)
        if writer is not None:
            writer.close()
            file.flush()
            _check_readable(coder, file.tell(), pa.parquet.read_metadata(file.name))


def _cells_of(column: pd.Series, coder: CellCoder) -> tuple[str, list[str] | list[bytes]]:
    """Return the encoding of a column in Parquet, and its encoded cells."""
    cells = column.tolist()
    # Feature values can have any type. They are always JSON, so that all files of a run agree.
    if column.name != "feature_value" and all(map(is_text, cells)):
        return "text", cells
    if cells and all(type(cell) is Bitmap and is_png(cell) for cell in cells):
        return "png", _encoded_cells(column, coder.png_of)
    return "json", _encoded_cells(column, lambda cell: _json(coder.encode(cell)))


def _groups(data: np.ndarray, codes: Sequence[int]) -> list[int]:
    """Return the first row of each row group, each with a bounded size of data, and the end."""
    bounds, seen, size = [0], set(), 0
    for row, code in enumerate(codes):
        if code not in seen:
            if size > _GROUP_BYTES:
                bounds.append(row)
                seen, size = set(), 0
            seen.add(code)
            size += len(data[code])
    return [*bounds, len(codes)]


def _dictionary_array(
    pa: ModuleType, distinct: np.ndarray, codes: Sequence[int], rows: slice, kind: str
) -> "pyarrow.DictionaryArray":
    """Build an Arrow array that has each distinct value of some rows once."""
    present, positions = np.unique(np.array(codes[rows], dtype=np.int32), return_inverse=True)
    values = pa.array(distinct[present].tolist(), pa.binary() if kind == "png" else pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(positions.astype(np.int32)), values)


@contextmanager
def _parquet_file(path: Path) -> Iterator[tuple[Any, dict[str, JSON]]]:
    """Open a Parquet file and read its header."""
    pa = need_pyarrow()
    with path.open("rb") as handle, _unreadable_as_error(path):
        facts = pa.parquet.read_metadata(handle)
        header = json.loads((facts.metadata or {}).get(_KEY.encode(), b"null"))
        _check_header(header)
        _check_claims(facts, os.fstat(handle.fileno()).st_size)
        handle.seek(0)
        yield (
            pa.parquet.ParquetFile(
                handle, read_dictionary=list(header["cells"]), page_checksum_verification=True
            ),
            header,
        )


def _check_claims(facts: Any, file_size: int) -> None:
    """Raise if reading a file would take too much memory for its size."""
    n_rows, n_columns = facts.num_rows, facts.num_columns
    if n_rows > _ROWS_PER_BYTE * file_size:
        raise ValueError(f"it claims to have {n_rows} rows, too many for its size")
    if n_rows * n_columns > _CELLS_PER_BYTE * file_size:
        raise ValueError(f"it claims to have {n_rows * n_columns} cells, too many for its size")
    if any(facts.schema.column(number).max_repetition_level for number in range(n_columns)):
        raise ValueError("it has columns of lists")
    limit = memory_limit(file_size)
    chunks = [facts.row_group(group) for group in range(facts.num_row_groups)]
    n_bytes = sum(
        chunk.column(number).total_uncompressed_size
        for chunk in chunks
        for number in range(n_columns)
    )
    if limit is not None and n_bytes > limit:
        raise ValueError(
            f"it claims to have {n_bytes} bytes of data, more than the {limit} for a file of its "
            "size; PIL.Image.MAX_IMAGE_PIXELS sets the limit"
        )


def _read_parquet(path: Path) -> pd.DataFrame:
    with _parquet_file(path) as (file, header):
        table = file.read()
        table.validate(full=True)
        coder = CellCoder(path.stat().st_size)
        read = {"text": str, "png": coder.image_of, "json": lambda t: coder.decode(json.loads(t))}
        columns = {}
        for name, kind in header["types"].items():
            if name in header["cells"]:
                values = _cells_from(table[name], read[header["cells"][name]])
            else:
                values = table[name].to_pandas()
            columns[name] = _stored_column(values, kind, coder)
        return _stored_frame(columns, header)


def _cells_from(column: "pyarrow.ChunkedArray", read: Callable[[Any], Cell]) -> list[Cell]:
    """Decode the cells of a column; equal cells become the same object."""
    known: dict[str | bytes, Cell] = {}
    cells = []
    for chunk in column.chunks:
        if chunk.null_count:
            raise ValueError("cells are missing")
        for value in chunk.dictionary.to_pylist():
            if value not in known:
                known[value] = read(value)
        distinct = [known[value] for value in chunk.dictionary.to_pylist()]
        cells += [distinct[code] for code in chunk.indices.to_pylist()]
    return cells


def _read_parts(folder: Path) -> pd.DataFrame:
    """Read all parts of a run, in order."""
    journal = read_journal(folder)
    n_parts = len(list(folder.glob(ANY_PART)))
    if not n_parts:
        raise ValueError(
            f"The folder {folder} must contain {PART.format(0)} and so on; it does not."
        )
    n_parts = max(n_parts, journal.finished or 0)
    parts = [folder / PART.format(number) for number in range(n_parts)]
    missing = [part.name for part in parts if not part.is_file()]
    if missing:
        raise ValueError(
            f"{missing[0]} is missing among the {n_parts} parts in {folder}. Call "
            "explain_to_parquet() again with the same arguments, which writes missing parts."
        )
    _check_run(folder, parts, journal)
    frames = [_read_parquet(part) for part in parts]
    # The columns of a frame without rows have lost their types.
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def _check_run(folder: Path, parts: Sequence[Path], journal: Journal) -> None:
    """Raise unless the parts are those of one run; warn if the run is not finished."""
    identity = run_identity(folder)
    for part in parts:
        with _parquet_file(part) as (_, header):
            origin = header.get("origin")
        of_the_run = isinstance(origin, str) and origin.partition(" ")[0] == identity
        if identity is not None and not of_the_run:
            raise ValueError(
                f"{part} is not a part of the run in its folder, so the explanations there are "
                "incomplete. Call explain_to_parquet() again with the same arguments, in "
                "another folder."
            )
        if not journal.is_as_written(part):
            raise ValueError(
                f"{part} was changed after explain_to_parquet() wrote it. Call it again with the "
                "same arguments, which writes this part again."
            )
    again = "Call explain_to_parquet() again with the same arguments, which goes on with it."
    if identity is None:
        checks.warn(
            f"The folder {folder} has no {MANIFEST}, so it is not known whether its {len(parts)} "
            "parts are those of one run, and all of it."
        )
    elif journal.finished is None:
        checks.warn(
            f"The run in {folder} is incomplete: it was not finished after {len(parts)} parts. "
            + again
        )


_WRITER_OF = {".parquet": _write_parquet, ".json": _write_json}
_READER_OF = {".parquet": _read_parquet, ".json": _read_json}
_PLAIN_WRITER_OF = {".csv": write_csv, ".xlsx": write_excel}
