"""
Explanations as files: Parquet and JSON, written whole or not at all, and read back equal.

In both kinds of file a column of numbers, strings, logicals or times is just that. The
columns of other cells hold JSON (see `pylime.cells`) or, for pictures in Parquet, PNG; each
distinct cell is stored once, however many rows show it. A header says which column is which,
of what type each was, and the version of the format.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from pylime.files.cells import CellCoder, is_text
from pylime.frame import COLUMNS, check_explanation, object_column
from pylime.values import Bitmap

__all__ = [
    "PART",
    "need_pyarrow",
    "new_file",
    "read_explanation",
    "read_origin",
    "write_explanation",
    "write_part",
]

PART = "part-{:05d}.parquet"
"""Names of the files of a run that is stored in parts."""

_FORMAT = "pylime explanation"
_VERSION = 1
_KEY = "pylime"  # of the header among the metadata of a Parquet file
_INDEX = "index"
_TEXT = "str"  # the type of strings in a file, whatever type pandas gives them
# Columns whose cells are objects, even if all of them are strings.
_CELLS = ("feature_value", "data", "prediction")
# Columns whose cells JSON stores once and names by their position.
_SHARED = ("data", "prediction")
# A part of a Parquet file has pictures of up to so many bytes; its dictionary may hold more.
_GROUP_BYTES = 2**28
_DICTIONARY_BYTES = 2**30
# More rows for a byte of the file are no explanation: they would fill the memory.
_ROWS_PER_BYTE = 1000


def write_explanation(explanation: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """
    Write an explanation to a file, from which it is read back equal.

    The file appears when it is complete: until then, and if writing fails, what was there
    stays.

    Parameters
    ----------
    explanation
        From `pylime.explain`; it may have further columns, or fewer rows.
    path
        Where to. `.parquet` is small and quick, and opens in polars, R's arrow and the
        like: plain columns are plain, `data` is text or, of pictures, PNG, and other
        cells are JSON. `.json` can be read by eye: a list of records, and lists of the
        cells `data` and `prediction`, which the records name by their position from 0.

    Raises
    ------
    TypeError, ValueError
        If it is no explanation, the ending is none of these, or a cell holds an object of
        a class that cannot be stored.
    ImportError
        If pyarrow is missing, which Parquet needs: `pip install 'tidylime[parquet]'`.
    OSError
        If the file cannot be written.

    Notes
    -----
    Such a file holds data alone and is safe to read wherever it comes from. An *explainer*
    holds a model; it can be pickled, and whoever loads a pickle runs what its author wrote.

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
    """Write an explanation as `write_explanation` does, and what it was made from."""
    path = Path(path)
    write = _WRITERS[_check_ending(path)]
    _check(explanation)
    _check_names(explanation)
    header: dict[str, Any] = {"format": _FORMAT, "version": _VERSION, "origin": origin}
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
        A file from `write_explanation`, or a folder from
        `pylime.explain_to_parquet`, whose parts are put below each other.

    Returns
    -------
    pandas.DataFrame
        What was written, with its index and types.

    Raises
    ------
    ValueError
        If the file is none of these, is damaged, was written by a newer version, or asks
        for pictures of more pixels than `PIL.Image.MAX_IMAGE_PIXELS` suggests.
    FileNotFoundError
        If there is no such file.
    ImportError
        If pyarrow is missing, which Parquet needs.

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
    return _READERS[_check_ending(path)](path)


def read_origin(path: Path) -> str | None:
    """What a Parquet file was made from; a ValueError if not every part of it is as written."""
    with _parquet_file(path) as (file, header):
        file.read()  # compares the checksums of its pages
        return header["origin"]


def _check_ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in _WRITERS:
        raise ValueError(f"`path` must end with {' or '.join(_WRITERS)}; not {path.name!r}.")
    return ending


def _check(explanation: Any) -> None:
    """Raise unless something is an explanation; that of no case may be without rows."""
    of_all = [name for name in COLUMNS if name not in ("label", "label_prob")]
    empty = isinstance(explanation, pd.DataFrame) and not len(explanation)
    if not empty or not set(of_all) <= set(explanation):
        check_explanation(explanation, classification=COLUMNS, regression=of_all)


def _check_names(explanation: pd.DataFrame) -> None:
    """Raise unless names can be written."""
    names = explanation.columns
    wrong = [name for name in names if not is_text(name) or name == _INDEX]
    if wrong or not names.is_unique:
        raise ValueError(
            f"The columns of `explanation` must have different names, texts other than {_INDEX!r}; "
            f"not {[*wrong, *names[names.duplicated()]][0]!r}."
        )
    if explanation.index.nlevels > 1:
        raise ValueError("The index of `explanation` must have one level; use reset_index().")


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when it is complete, or not at all."""
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
def _damage_told(path: Path) -> Iterator[None]:
    """Whatever a damaged or forged file leads to is one kind of error, with its name."""
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        text = str(error).removesuffix(".") or type(error).__name__
        raise ValueError(f"{path} cannot be read as an explanation: {text}.") from error


def _check_header(header: Any) -> None:
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise ValueError("it was not written by write_explanation()")
    if not isinstance(header.get("version"), int) or header["version"] > _VERSION:
        raise ValueError(
            f"it has version {header.get('version')} of the format, and this pylime knows "
            f"{_VERSION}; a newer one can read it"
        )


def _type_of(column: pd.Series, coder: CellCoder) -> Any:
    """The type of a column as JSON."""
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


def _series(values: Any, stored: Any, coder: CellCoder) -> pd.Series:
    """A column of the type that was stored, of cells or of an array."""
    if stored == "object" or (stored == _TEXT and _is_object(_text_type())):
        return object_column(list(values))
    if not isinstance(stored, dict):
        dtype = _text_type() if stored == _TEXT else pd.api.types.pandas_dtype(stored)
        if isinstance(dtype, np.dtype) and dtype.kind not in "biufcmM":
            raise ValueError(f"it has a column of an unknown type, {stored!r}")
        return pd.Series(values, dtype=None if hasattr(values, "dtype") else dtype).astype(dtype)
    levels = pd.Index(coder.decode(stored["categories"]), dtype=stored["type"])
    return pd.Series(pd.Categorical(values, levels, ordered=stored["ordered"]))


def _frame(columns: Mapping[str, pd.Series], header: Mapping[str, Any]) -> pd.DataFrame:
    """The frame of columns that were read."""
    frame = pd.DataFrame(dict(columns))
    rows = header["index"].get("range")
    index = pd.RangeIndex(*rows) if rows else pd.Index(frame.pop(_INDEX))
    frame.index = index.rename(CellCoder().decode(header["index"]["name"]))
    _check(frame)
    return frame


def _encoded(column: pd.Series, encode: Callable[[Any], Any]) -> list[Any]:
    """What each cell becomes; a cell that many rows share is encoded once."""
    known: dict[int, Any] = {}
    cells = column.tolist()  # keeps the cells, and so their identities
    for row, cell in enumerate(cells):
        if id(cell) not in known:
            try:
                known[id(cell)] = encode(cell)
            except (TypeError, ValueError) as error:
                place = f"`explanation` cannot be written: in row {row} of {column.name!r} "
                raise type(error)(f"{place}{error}.") from error
    return [known[id(cell)] for cell in cells]


def _distinct(values: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """The different values, and the position of each among them."""
    positions: dict[Any, int] = {}
    codes = [positions.setdefault(value, len(positions)) for value in values]
    return list(positions), codes


# JSON


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _write_json(
    path: Path, header: dict[str, Any], columns: Mapping[str, pd.Series], coder: CellCoder
) -> None:
    records: list[dict[str, Any]] = [{} for _ in next(iter(columns.values()))]
    lists: dict[str, list[str]] = {}
    for name, column in columns.items():
        if name in _SHARED and header["types"][name] == "object":
            texts = _encoded(column, lambda cell: _json(coder.encode(cell)))
            lists[name], values = _distinct(texts)
        else:
            values = _encoded(column, coder.encode)
        for record, value in zip(records, values, strict=True):
            record[name] = value
    lists["records"] = [_json(record) for record in records]
    entries = [f'"{name}": {_json(value)}' for name, value in header.items()]
    for name, lines in lists.items():
        between = ",\n".join(lines)  # one cell or record a line
        entries.append(f'"{name}": [\n{between}\n]')
    with new_file(path) as file:
        file.write(("{\n" + ",\n".join(entries) + "\n}\n").encode())


def _read_json(path: Path) -> pd.DataFrame:
    content = path.read_bytes()
    with _damage_told(path):
        stored = json.loads(content)
        _check_header(stored)
        coder = CellCoder()
        columns = {}
        for name, kind in stored["types"].items():
            values = [record[name] for record in stored["records"]]
            if name in _SHARED and kind == "object":
                shared = coder.decode(stored[name])
                cells = [shared[position] for position in values]
            else:
                cells = [coder.decode(value) for value in values]
            columns[name] = _series(cells, kind, coder)
        return _frame(columns, stored)


# Parquet


def need_pyarrow() -> Any:
    """The module, with its part for Parquet; an ImportError says how to get it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Parquet files need pyarrow: pip install 'tidylime[parquet]'. JSON files do not."
        ) from error
    return pyarrow


def _write_parquet(
    path: Path, header: dict[str, Any], columns: Mapping[str, pd.Series], coder: CellCoder
) -> None:
    pa = need_pyarrow()
    header["cells"] = {}
    arrays: dict[str, Any] = {}
    shared: dict[str, tuple[np.ndarray, list[int]]] = {}
    for name, column in columns.items():
        dtype: Any = column.dtype
        if dtype.kind in "biufM" and (isinstance(dtype, np.dtype | pd.DatetimeTZDtype)):
            plain = column if dtype.kind == "M" else column.to_numpy()
            arrays[name] = pa.array(plain)
            continue
        kind, values = _cells_of(column, coder)
        header["cells"][name] = kind
        distinct, codes = _distinct(values)
        shared[name] = np.array(distinct, dtype=object), codes
    with new_file(path) as file:
        writer = None
        for start, stop in pairwise(_groups(*shared["data"])):
            table = pa.table(
                {
                    name: arrays[name].slice(start, stop - start)
                    if name in arrays
                    else _dictionary(pa, *shared[name], slice(start, stop), header["cells"][name])
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
                    store_schema=False,  # which would make categories of texts elsewhere
                )
                writer.add_key_value_metadata({_KEY: _json(header)})
            writer.write_table(table)
        if writer is not None:
            writer.close()


def _cells_of(column: pd.Series, coder: CellCoder) -> tuple[str, list[Any]]:
    """How the cells of a column are stored in Parquet, and what is stored of each."""
    cells = column.tolist()
    # The values of features are of any kind; so that all files agree, they are always JSON.
    if column.name != "feature_value" and all(map(is_text, cells)):
        return "text", cells
    if cells and all(type(cell) is Bitmap for cell in cells):
        return "png", _encoded(column, coder.png_of)
    return "json", _encoded(column, lambda cell: _json(coder.encode(cell)))


def _groups(data: np.ndarray, codes: Sequence[int]) -> list[int]:
    """Where the parts of a file begin, each with a bearable amount of data, and where it ends."""
    bounds, seen, size = [0], set(), 0
    for row, code in enumerate(codes):
        if code not in seen:
            if size > _GROUP_BYTES:
                bounds.append(row)
                seen, size = set(), 0
            seen.add(code)
            size += len(data[code])
    return [*bounds, len(codes)]


def _dictionary(pa: Any, distinct: np.ndarray, codes: Sequence[int], rows: slice, kind: str) -> Any:
    """An Arrow array that holds each distinct value of some rows once."""
    present, positions = np.unique(np.array(codes[rows], dtype=np.int32), return_inverse=True)
    values = pa.array(distinct[present].tolist(), pa.binary() if kind == "png" else pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(positions.astype(np.int32)), values)


@contextmanager
def _parquet_file(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A Parquet file and its header."""
    pa = need_pyarrow()
    with path.open("rb") as handle, _damage_told(path):
        facts = pa.parquet.read_metadata(handle)
        header = json.loads((facts.metadata or {}).get(_KEY.encode(), b"null"))
        _check_header(header)
        if facts.num_rows > _ROWS_PER_BYTE * os.fstat(handle.fileno()).st_size:
            raise ValueError(f"it claims to have {facts.num_rows} rows, too many for its size")
        handle.seek(0)
        yield (
            pa.parquet.ParquetFile(
                handle, read_dictionary=list(header["cells"]), page_checksum_verification=True
            ),
            header,
        )


def _read_parquet(path: Path) -> pd.DataFrame:
    with _parquet_file(path) as (file, header):
        table = file.read()
        table.validate(full=True)
        coder = CellCoder()
        read = {"text": str, "png": coder.picture_of, "json": lambda t: coder.decode(json.loads(t))}
        columns = {}
        for name, kind in header["types"].items():
            if name in header["cells"]:
                values = _cells_from(table[name], read[header["cells"][name]])
            else:
                values = table[name].to_pandas()
            columns[name] = _series(values, kind, coder)
        return _frame(columns, header)


def _cells_from(column: Any, read: Callable[[Any], Any]) -> list[Any]:
    """The cells of a column; equal ones are the same object."""
    known: dict[Any, Any] = {}
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
    """All parts of a run in their order."""
    n_parts = len(list(folder.glob(PART.replace("{:05d}", "*"))))
    if not n_parts:
        raise ValueError(f"The folder {folder} must hold {PART.format(0)} and so on; it does not.")
    parts = [folder / PART.format(number) for number in range(n_parts)]
    missing = [part.name for part in parts if not part.is_file()]
    if missing:
        raise ValueError(
            f"{missing[0]} is missing among the {n_parts} parts in {folder}; run "
            "explain_to_parquet() again with the same arguments, which makes what is not there."
        )
    frames = [_read_parquet(part) for part in parts]
    # Frames without rows do not know the types of their columns.
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


_WRITERS = {".parquet": _write_parquet, ".json": _write_json}
_READERS = {".parquet": _read_parquet, ".json": _read_json}
