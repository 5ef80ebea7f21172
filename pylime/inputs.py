"""
What an input is: a table, images or texts, told by their types and, for strings, by files
that exist.
"""

import os
import warnings
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

__all__ = [
    "IMAGE_ENDINGS",
    "Images",
    "Table",
    "Texts",
    "recognise",
    "unknown_input",
    "warn_of_namesakes",
]

IMAGE_ENDINGS = frozenset(
    [".jpg", ".jpeg", ".bmp", ".png", ".tiff", ".tif", ".gif", ".bpg", ".webp"]
)
"""File name endings by which a string counts as an image, those of R's `lime`, and `.webp`."""


@dataclass(frozen=True)
class Images:
    """
    Pictures as they were given.

    Attributes
    ----------
    items
        Paths, arrays or PIL images.
    names
        What each case is called.
    """

    items: Sequence[Any]
    names: Sequence[Hashable]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, positions: Sequence[int]) -> "Images":
        """Keep some of the pictures."""
        return Images([self.items[p] for p in positions], [self.names[p] for p in positions])


@dataclass(frozen=True, eq=False)
class Table:
    """
    Rows as a pandas frame.

    Attributes
    ----------
    frame
        The rows; the names of cases are its index labels.
    array_type
        For a table given as an array, the type of its elements.
    problems
        What is wrong with single rows, by their position.
    """

    frame: pd.DataFrame
    array_type: np.dtype | None = None
    problems: Mapping[int, str] = field(default_factory=dict)

    @property
    def names(self) -> list[Hashable]:
        """What each case is called."""
        return self.frame.index.tolist()

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, positions: Sequence[int]) -> "Table":
        """Keep some of the rows."""
        kept = {
            number: self.problems[position]
            for number, position in enumerate(positions)
            if position in self.problems
        }
        return Table(self.frame.iloc[list(positions)], self.array_type, kept)


@dataclass(frozen=True)
class Texts:
    """
    Texts as they were given.

    Attributes
    ----------
    items
        Strings; None for a missing one.
    names
        What each case is called.
    """

    items: Sequence[str | None]
    names: Sequence[Hashable]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, positions: Sequence[int]) -> "Texts":
        """Keep some of the texts."""
        return Texts([self.items[p] for p in positions], [self.names[p] for p in positions])


def recognise(x: Any, expected: str | None = None) -> Any:
    """
    Find out what kind of input something is.

    Parameters
    ----------
    x
        What a user passed to `lime()` or `explain()`.
    expected
        The kind that the explainer takes, where there is one.

    Returns
    -------
    Table, Images or Texts
        The input as a record.

    Raises
    ------
    TypeError
        If it is nothing known, or not what is expected.
    ValueError
        If there is nothing in it.
    FileNotFoundError
        If it names image files that do not exist.
    """
    found = None
    if expected in (None, "tables"):
        found = _as_table(x, expected)
    if found is None and expected in (None, "images"):
        found = _as_images(x, expected)
    if found is None and expected in (None, "texts"):
        found = _as_texts(x)
    if found is None:
        raise TypeError(unknown_input(x, expected))
    if not len(found):
        raise ValueError(f"There is nothing to explain: {_NOTHING[type(found)]}.")
    return found


_NOTHING = {
    Table: "the table has no rows",
    Images: "no image was given",
    Texts: "no text was given",
}


def _as_table(x: Any, expected: str | None) -> Table | None:
    if isinstance(x, pd.DataFrame):
        return Table(x)
    if isinstance(x, pd.Series):
        return Table(x.to_frame().T) if expected == "tables" else None
    if isinstance(x, np.ndarray):
        if x.ndim == 1 and expected == "tables":
            x = x[None, :]
        is_image = x.dtype == np.uint8 and expected != "tables"
        if x.ndim != 2 or is_image or x.dtype.kind not in "fiubOU":
            return None
        if expected is None and x.shape[1] == 1 and all(isinstance(v, str) for v in x[:, 0]):
            return None  # a column of texts
        frame = pd.DataFrame(x, columns=[f"x{number}" for number in range(x.shape[1])])
        return Table(frame.infer_objects() if x.dtype == object else frame, x.dtype)
    if type(x).__module__.partition(".")[0] in _FOREIGN:
        import narwhals  # only these libraries need it

        native: Any = narwhals.from_native(x, pass_through=True)
        if isinstance(native, narwhals.LazyFrame):
            native = native.collect()
        if isinstance(native, narwhals.DataFrame):
            return Table(_to_pandas(native))
    return None


def _to_pandas(table: Any) -> pd.DataFrame:
    """A pandas frame in which whole numbers and logicals stay what they are beside gaps."""
    frame = table.to_pandas()
    for name, dtype in table.schema.items():
        nullable = "Int64" if dtype.is_integer() else "boolean" if str(dtype) == "Boolean" else ""
        if nullable and frame[name].isna().any():
            frame[name] = pd.array(table[name].to_list(), dtype=nullable)
    return frame


# Libraries whose data frames narwhals can read.
_FOREIGN = frozenset(["polars", "pyarrow", "modin", "cudf", "duckdb", "ibis", "dask", "narwhals"])


def _as_texts(x: Any) -> Texts | None:
    """Strings, of which some but not all may be missing."""
    names = None
    if isinstance(x, pd.Series):
        names = x.index.tolist()
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "UOT" or (x.ndim > 1 and x.shape[1] > 1):
            return None
        x = x.ravel().tolist()
    elif isinstance(x, str):
        x = [x]
    elif not isinstance(x, list | tuple):
        # Series of pandas, polars and the like say which values they hold by a method.
        to_list = getattr(x, "to_list", None)
        x = to_list() if callable(to_list) else None
    if not isinstance(x, list | tuple):
        return None
    missing = [_is_missing(item) for item in x]
    if not all(lost or isinstance(item, str) for item, lost in zip(x, missing, strict=True)):
        return None
    if x and all(missing):
        return None
    items = [None if lost else str(item) for item, lost in zip(x, missing, strict=True)]
    return Texts(items, range(len(items)) if names is None else names)


def _is_missing(item: Any) -> bool:
    return item is None or item is pd.NA or (isinstance(item, float) and np.isnan(item))


def _as_images(x: Any, expected: str | None) -> Images | None:
    if isinstance(x, np.ndarray) and x.dtype.kind in "uifb" and x.ndim in (2, 3, 4):
        return _arrays_as_images(x, expected)
    items = [x] if isinstance(x, str | os.PathLike | Image.Image) else x
    if isinstance(items, pd.Series | pd.Index):
        items = items.tolist()
    if isinstance(items, np.ndarray) and items.dtype.kind in "UO":
        items = items.ravel().tolist()
    if not isinstance(items, list | tuple):
        return None
    if all(isinstance(item, Image.Image) for item in items):
        files = [Path(str(getattr(item, "filename", "") or "")).name for item in items]
        named = all(files) and len(set(files)) == len(files)
        return Images(list(items), files if named else range(len(items)))
    arrays = [item for item in items if isinstance(item, np.ndarray)]
    if len(arrays) == len(items):
        parts = [_arrays_as_images(array, "images") for array in arrays]
        if any(part is None or len(part) != 1 for part in parts):
            return None
        return Images([part.items[0] for part in parts if part], range(len(parts)))
    paths = [item for item in items if isinstance(item, str | os.PathLike)]
    return _paths_as_images(paths, expected) if len(paths) == len(items) else None


def _arrays_as_images(array: np.ndarray, expected: str | None) -> Images | None:
    if array.dtype != np.uint8:
        if array.ndim == 2 and expected != "images":
            return None  # a table of numbers
        raise TypeError(
            f"Arrays of images must be uint8, with values from 0 to 255; not {array.dtype}. "
            "Scale inside `preprocess` instead."
        )
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)):
        array = array[None]
    too_few = array.ndim == 3 and array.shape[2] in (1, 2)
    if too_few or (array.ndim == 4 and array.shape[3] not in (3, 4)):
        raise ValueError(
            "Arrays of images must be of shape (H, W), (H, W, 3), (H, W, 4) or a stack of "
            f"these; not {array.shape}. Channels come last, and grey pictures have no such axis."
        )
    return Images(list(array), range(len(array)))


def _paths_as_images(
    items: Sequence[str | os.PathLike[str]], expected: str | None
) -> Images | None:
    paths = [Path(item) for item in items]
    looks = [
        not isinstance(item, str) or path.suffix.lower() in IMAGE_ENDINGS
        for item, path in zip(items, paths, strict=True)
    ]
    if expected != "images" and not all(looks):
        return None  # texts
    folders = [str(path) for path in paths if _is_folder(path)]
    if folders:
        raise ValueError(f"Images must be files; {folders[0]} is a folder.")
    missing = [str(path) for path in paths if not _is_file(path)]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} image files do not exist: {', '.join(missing[:5])}"
            + (", ..." if len(missing) > 5 else "")
        )
    return Images([str(path) for path in paths], _file_names(paths))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text can be too long for a path, or hold a NUL
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir() and path != Path()
    except (OSError, ValueError):
        return False


def _file_names(paths: Sequence[Path]) -> list[str]:
    """Base names; with as many parents, or a number, as it takes to tell cases apart."""
    names = [path.name for path in paths]
    for depth in range(2, max((len(path.parts) for path in paths), default=0) + 1):
        files: dict[str, set[Path]] = {}
        for name, path in zip(names, paths, strict=True):
            files.setdefault(name, set()).add(path)
        ambiguous = {name for name, found in files.items() if len(found) > 1}
        if not ambiguous:
            break
        names = [
            str(Path(*path.parts[-depth:])) if name in ambiguous else name
            for name, path in zip(names, paths, strict=True)
        ]
    seen: Counter[str] = Counter()
    for position, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:  # one file given again
            names[position] = f"{name} ({seen[name]})"
    return names


def unknown_input(x: Any, expected: str | None = None) -> str:
    """Say what an input can be, and what it was instead."""
    what = type(x).__name__
    if isinstance(x, np.ndarray):
        what += f" of {x.dtype} and shape {x.shape}"
    elif isinstance(x, str):
        what += f" {x!r:.60}"
        if expected == "images":
            what += ", which names no image file"
    elif isinstance(x, list | tuple) and x:
        kinds = dict.fromkeys(type(item).__name__ for item in x)
        what += f" of {', '.join(list(kinds)[:3])}"
    elif isinstance(x, Iterator):
        what += "; pass a list"
    elif isinstance(x, pd.DataFrame) and expected == "texts":
        what += f"; pass its column of texts, such as x[{x.columns[0]!r}]"
    row = ", or one row as a Series, like the one given to lime()" if expected == "tables" else ""
    wanted = {
        "tables": f"a table: a pandas, polars or pyarrow data frame, or a 2-D array{row}",
        "images": "images: paths of existing files, PIL images, or uint8 arrays (H, W), "
        "(H, W, 3), (H, W, 4) or a stack of them",
        "texts": "texts: a string, or a list, Series or array of strings",
    }
    return f"`x` must be {wanted.get(expected or '', '; or '.join(wanted.values()))}; not {what}."


def warn_of_namesakes(names: Sequence[Hashable]) -> None:
    """Warn if cases share a name, by which plots tell them apart."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        warnings.warn(
            f"{len(twice)} names stand for several cases, such as {twice[0]!r}; plots take these "
            "for one. Give the cases an index without repeats.",
            stacklevel=3,
        )
