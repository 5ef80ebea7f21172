"""
Cells of the tidy frame as JSON values, and back.

Finite numbers, strings, logicals, None, lists and mappings with string keys are stored as such.
Everything else is an object with one key, a dollar sign and the name of its type:
`{"$float": "nan"}`, `{"$date": "2026-02-28"}`. Reading never executes what a file contains:
an unknown name is an error.
"""

import base64
import datetime
import decimal
import io
import math
import uuid
import zlib
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeAlias, TypeGuard

import numpy as np
import pandas as pd
from PIL import Image

from pylime.values import Bitmap, Superpixel, Word

__all__ = ["JSON", "Cell", "CellCoder", "is_png", "is_text", "memory_limit"]

Cell: TypeAlias = Any
"""A cell of an explanation. Whether its type can be stored shows when it is encoded."""

JSON: TypeAlias = Any
"""What `json.dumps` takes and `json.loads` returns."""

# Largest total of pixels in the images and superpixels of a file, in multiples of
# PIL.Image.MAX_IMAGE_PIXELS: a small forged file could fill the memory.
_LARGE_IMAGES_PER_FILE = 24
# No byte of zlib's becomes more than this.
_MOST_COMPRESSED = 1032
_ORIENTATION = 0x0112  # of EXIF
# Largest total of bytes that these take in memory, beyond PIL.Image.MAX_IMAGE_PIXELS, per byte
# of the file. No PNG of one colour is more compressed than this.
_BYTES_PER_BYTE = 1000

# For each type its name in JSON, and a function from a cell to something that `encode` takes.
# _READERS has the inverse functions.
_WRITERS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    Word: ("word", lambda word: [str(word), [list(span) for span in word.spans]]),
    tuple: ("tuple", list),
    bytes: ("bytes", lambda value: base64.b64encode(value).decode()),
    complex: ("complex", lambda value: [value.real, value.imag]),
    decimal.Decimal: ("decimal", str),
    datetime.date: ("date", datetime.date.isoformat),
    datetime.time: ("time", datetime.time.isoformat),
    datetime.datetime: ("datetime", lambda time: _datetime_parts(time)),
    datetime.timedelta: ("duration", lambda value: [value.days, value.seconds, value.microseconds]),
    uuid.UUID: ("uuid", str),
    pd.Timestamp: ("timestamp", lambda stamp: _stamp_parts(stamp)),
    pd.Timedelta: ("timedelta", lambda value: [int(value.asm8.astype(np.int64)), value.unit]),
    pd.Period: ("period", lambda value: [_period_text(value), value.freqstr]),
    pd.Interval: ("interval", lambda value: [value.left, value.right, value.closed]),
    type(pd.NaT): ("missing", lambda _: "NaT"),
    type(pd.NA): ("missing", lambda _: "NA"),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "word": lambda parts: Word(_text(parts[0]), [_span(span) for span in parts[1]]),
    "tuple": tuple,
    "dict": dict,
    "text": lambda codes: "".join(map(chr, codes)),
    "float": {"nan": np.nan, "inf": math.inf, "-inf": -math.inf}.__getitem__,
    "bytes": lambda text: base64.b64decode(text, validate=True),
    "complex": lambda parts: complex(*parts),
    "decimal": decimal.Decimal,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "datetime": lambda parts: _datetime(*parts),
    "duration": lambda parts: datetime.timedelta(*parts),
    "uuid": uuid.UUID,
    "timestamp": lambda parts: _timestamp(*parts),
    "timedelta": lambda parts: pd.Timedelta(np.timedelta64(*parts)),
    "period": lambda parts: _period(*parts),
    "interval": lambda parts: pd.Interval(*parts),
    "missing": {"NaT": pd.NaT, "NA": pd.NA}.__getitem__,
    "numpy": lambda parts: _numpy_scalar(*parts),
}


class CellCoder:
    """
    Converts the cells of one file to JSON values, and back.

    A coder limits what the images and superpixels of its file take in memory, so each file
    needs a coder of its own.

    Parameters
    ----------
    file_size
        The size in bytes of the file that is read. None: the cells come from elsewhere, and
        `check_size` compares them with the file that is written.

    Examples
    --------
    >>> coder = CellCoder()
    >>> coder.encode({"age": 40.9, "since": datetime.date(2026, 2, 28), "town": None})
    {'age': 40.9, 'since': {'$date': '2026-02-28'}, 'town': None}
    >>> coder.decode({"$superpixel": {"shape": [2, 3], "runs": [0, 2, 3, 1]}})
    3px superpixel
    """

    def __init__(self, file_size: int | None = None) -> None:
        self._file_size = file_size
        self._n_pixels = 0
        self._n_bytes = 0

    def check_size(self, file_size: int) -> None:
        """Raise if the images and superpixels take more memory than a file may ask for."""
        limit = memory_limit(file_size)
        if limit is not None and self._n_bytes > limit:
            raise ValueError(
                f"its images and superpixels take {self._n_bytes} bytes of memory, more than the "
                f"{limit} for a file of this size; store fewer cases in a file, or raise "
                "PIL.Image.MAX_IMAGE_PIXELS"
            )

    def encode(self, cell: Cell) -> JSON:
        """
        Convert a cell to a JSON value.

        Raises
        ------
        TypeError
            If the cell has, or contains an object of, a class that cannot be stored.
        ValueError
            If an image or superpixel is invalid or too large.
        """
        kind = type(cell)
        if cell is None or kind is bool or kind is int:
            return cell
        if kind is float:
            return cell if math.isfinite(cell) else {"$float": repr(cell)}
        if kind is str:
            return cell if is_text(cell) else {"$text": [ord(character) for character in cell]}
        if kind is list:
            return [self.encode(value) for value in cell]
        if kind is dict:
            if all(is_text(name) and not name.startswith("$") for name in cell):
                return {name: self.encode(value) for name, value in cell.items()}
            return {"$dict": [[self.encode(k), self.encode(v)] for k, v in cell.items()]}
        if kind is Bitmap:
            if is_png(cell):
                return {"$png": base64.b64encode(self.png_of(cell)).decode()}
            return {"$bitmap": self._parts_of(cell)}
        if kind is Superpixel:
            return {"$superpixel": self._runs_of(cell)}
        if kind in _WRITERS:
            name, write = _WRITERS[kind]
            return {f"${name}": self.encode(write(cell))}
        if isinstance(cell, np.generic) and cell.dtype.kind in "biufUmM" and cell.itemsize <= 8:
            whole = cell.dtype.kind in "mM"
            value = int(cell.astype(np.int64)) if whole else cell.item()
            return {"$numpy": [str(cell.dtype), self.encode(value)]}
        if isinstance(cell, np.str_):
            return {"$numpy": ["str", self.encode(str(cell))]}
        raise TypeError(
            f"an object of class {kind.__module__}.{kind.__qualname__} cannot be stored: "
            f"{cell!r:.80}. Make it a number, a text or a date, or a mapping of these"
        )

    def decode(self, value: JSON) -> Cell:
        """
        Convert the result of `encode` back to the cell.

        Raises
        ------
        Exception
            Any, if `encode` cannot have returned the value.
        """
        if isinstance(value, list):
            return [self.decode(part) for part in value]
        if not isinstance(value, dict):
            return value
        tag = next(iter(value), "")
        if len(value) != 1 or not tag.startswith("$"):
            return {name: self.decode(part) for name, part in value.items()}
        if tag == "$png":
            return self.image_of(base64.b64decode(value[tag], validate=True))
        if tag == "$bitmap":
            return self._bitmap(**value[tag])
        if tag == "$superpixel":
            return self._superpixel(**value[tag])
        if tag[1:] not in _READERS:
            raise ValueError(f"it has a cell of an unknown type, {tag!r}")
        return _READERS[tag[1:]](self.decode(value[tag]))

    def png_of(self, image: Bitmap) -> bytes:
        """Encode an image as the bytes of a PNG file; it must be one for which `is_png` holds."""
        height, width = image.pixels.shape[:2]
        self._count(height, width, image.pixels.nbytes)
        file = io.BytesIO()
        exif = Image.Exif()
        if image.orientation != 1:
            exif[_ORIENTATION] = image.orientation
        # Level 3 takes half the time of Pillow's 6 and a few percent more bytes.
        Image.fromarray(image.pixels).save(file, format="png", compress_level=3, exif=exif)
        return file.getvalue()

    def image_of(self, png: bytes) -> Bitmap:
        """Decode an image from the bytes of a PNG file."""
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.mode not in ("L", "RGB", "RGBA"):
                raise ValueError(f"an image must be L, RGB or RGBA; not {image.mode}")
            n_bytes = image.height * image.width * len(image.getbands())
            self._count(image.height, image.width, n_bytes)
            return Bitmap(np.asarray(image), _orientation(image.getexif().get(_ORIENTATION, 1)))

    def _parts_of(self, image: Bitmap) -> dict[str, Any]:
        """Encode an image that a PNG file cannot hold: its numbers, compressed."""
        pixels = image.pixels
        if pixels.dtype.kind not in "biuf" or pixels.ndim not in (2, 3):
            raise ValueError(
                "an image must have numbers in the shape (H, W) or (H, W, channels) to be stored; "
                f"not {pixels.dtype} of shape {pixels.shape}"
            )
        self._count(pixels.shape[0], pixels.shape[1], pixels.nbytes)
        within = {} if image.within is None else {"within": self._runs_of(image.within)}
        return {
            "shape": list(pixels.shape),
            "dtype": pixels.dtype.str,
            "pixels": base64.b64encode(zlib.compress(pixels.tobytes(), 3)).decode(),
            "orientation": image.orientation,
            "range": None if image.pixel_range is None else list(image.pixel_range),
            "alpha": image.alpha,
            **within,
        }

    def _bitmap(
        self,
        shape: Sequence[int],
        dtype: str,
        pixels: str,
        orientation: int,
        range: Sequence[float] | None,
        alpha: bool,
        within: dict[str, Any] | None = None,
    ) -> Bitmap:
        """Decode the result of `_parts_of`."""
        numbers = np.dtype(dtype)
        if numbers.kind not in "biuf" or not 2 <= len(shape) <= 3:
            raise ValueError(f"an image has numbers {dtype!r} and the shape {shape!r:.80}")
        height, width = int(shape[0]), int(shape[1])
        size = math.prod(map(int, shape)) * numbers.itemsize
        packed = base64.b64decode(pixels, validate=True)
        self._count(height, width, max(size, 0))
        if not 0 < size <= _MOST_COMPRESSED * len(packed):
            raise ValueError(f"an image of the shape {shape!r:.80} has too few bytes")
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, size)
        if len(content) != size or unpacking.decompress(unpacking.unconsumed_tail, 1):
            raise ValueError(f"an image of the shape {shape!r:.80} has another number of bytes")
        array = np.frombuffer(content, numbers).reshape(shape)
        low_high = None if range is None else (float(range[0]), float(range[1]))
        region = None if within is None else self._superpixel(**within)
        return Bitmap(array, _orientation(orientation), low_high, bool(alpha), region)

    def _runs_of(self, superpixel: Superpixel) -> dict[str, Any]:
        """Encode the runs of consecutive pixels: the start and length of each in turn."""
        indices = superpixel.indices
        self._count(*superpixel.shape, indices.nbytes, len(indices))
        if len(indices) and not 0 <= indices.min() <= indices.max() < math.prod(superpixel.shape):
            raise ValueError("a superpixel has pixels outside its image")
        starts = np.flatnonzero(np.diff(indices, prepend=-2) != 1)
        lengths = np.diff(starts, append=len(indices))
        runs = np.column_stack([indices[starts], lengths]).ravel().tolist()
        return {"shape": list(superpixel.shape), "runs": runs}

    def _superpixel(self, shape: Iterable[int], runs: Sequence[int]) -> Superpixel:
        """Decode the result of `_runs_of`."""
        height, width = shape
        numbers = np.asarray(runs or [], dtype=None if runs else np.int64)
        if type(height) is not int or type(width) is not int or numbers.dtype != np.int64:
            raise ValueError("the shape and the runs of a superpixel must be whole numbers")
        starts, lengths = numbers.reshape(-1, 2).T
        # Each length is checked first, so that their sum cannot overflow.
        if np.any((lengths < 1) | (lengths > height * width)):
            raise ValueError("a superpixel has runs that are longer than its image")
        n = sum(lengths.tolist())
        self._count(height, width, 8 * n, n)
        if np.any((starts < 0) | (starts > height * width - lengths)):
            raise ValueError("a superpixel has pixels outside its image")
        indices = np.ones(n, dtype=np.int64)  # by how much each is larger than the one before
        if n:
            ends = starts + lengths - 1
            indices[np.cumsum(lengths) - lengths] = starts - np.r_[0, ends[:-1]]
            np.cumsum(indices, out=indices)
        return Superpixel(indices, (height, width))

    def _count(self, height: int, width: int, n_bytes: int, n: int | None = None) -> None:
        """Count pixels and bytes, and raise before a file takes too much memory."""
        limit = Image.MAX_IMAGE_PIXELS
        if height < 1 or width < 1:
            raise ValueError(f"an image has no pixels: its shape is {(height, width)}")
        n = height * width if n is None else n
        self._n_pixels += n
        self._n_bytes += n_bytes
        if limit is None:
            return
        if height * width > 2 * limit or n > height * width:
            raise ValueError(
                f"an image or superpixel of {max(n, height * width)} pixels is too large; "
                "PIL.Image.MAX_IMAGE_PIXELS sets the limit"
            )
        if self._n_pixels > _LARGE_IMAGES_PER_FILE * limit:
            raise ValueError(
                "its images and superpixels have more than "
                f"{_LARGE_IMAGES_PER_FILE * limit} pixels; "
                "store fewer cases in a file, or raise PIL.Image.MAX_IMAGE_PIXELS"
            )
        if self._file_size is not None:
            self.check_size(self._file_size)


def memory_limit(file_size: int) -> int | None:
    """
    Return how many bytes of memory the cells of a file may take; None without a limit.

    Parameters
    ----------
    file_size
        The size of the file in bytes.
    """
    if Image.MAX_IMAGE_PIXELS is None:
        return None
    return Image.MAX_IMAGE_PIXELS + _BYTES_PER_BYTE * file_size


def is_png(image: Bitmap) -> bool:
    """Whether a PNG file has all of an image: grey, RGB or RGBA of 8 bits, without a region."""
    channels = image.pixels.shape[2:]
    fits = channels in ((), (3,), (4,)) and image.pixels.dtype == np.uint8
    plain = image.pixel_range is None and image.within is None
    return fits and plain and image.alpha == (channels == (4,))


def _orientation(value: object) -> int:
    if type(value) is not int or not 1 <= value <= 8:
        raise ValueError(f"the orientation of an image must be from 1 to 8; not {value!r:.80}")
    return value


def is_text(value: object) -> TypeGuard[str]:
    """Whether a value is a `str`, not of a subclass, that can be encoded as UTF-8."""
    if type(value) is not str:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate, as file names can have
        return False
    return True


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a word must be a string; not {value!r:.80}")
    return value


def _span(span: Iterable[int]) -> tuple[int, int]:
    start, end = span
    if not all(isinstance(place, int | np.integer) for place in (start, end)):
        raise ValueError(f"the position of a word must be two whole numbers; not {span!r:.80}")
    return int(start), int(end)


def _zone_name(zone: datetime.tzinfo | None) -> str | None:
    """Return the name of a time zone; None if it is only an offset."""
    return getattr(zone, "key", None) or getattr(zone, "zone", None)


def _datetime_parts(time: datetime.datetime) -> list[Any]:
    """Return the local time, the name of the zone, and the fold of a time that occurs twice."""
    zone = _zone_name(time.tzinfo)
    if zone is None:
        return [time.isoformat()]
    return [time.replace(tzinfo=None).isoformat(), zone, time.fold]


def _datetime(text: str, zone: str | None = None, fold: int = 0) -> datetime.datetime:
    time = datetime.datetime.fromisoformat(text)
    return time.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=fold) if zone else time


def _stamp_parts(stamp: pd.Timestamp) -> list[Any]:
    """Return the time in UTC, its unit, and the zone's name or the offset in seconds."""
    offset = stamp.utcoffset()
    if offset is None:
        return [stamp.isoformat(), stamp.unit, None]
    zone = _zone_name(stamp.tz) or offset.total_seconds()
    return [stamp.tz_convert(None).isoformat(), stamp.unit, zone]


def _timestamp(text: str, unit: Literal["s", "ms", "us", "ns"], zone: str | float | None) -> Cell:
    stamp = pd.Timestamp(text).as_unit(unit)
    if zone is None:
        return stamp
    if isinstance(zone, str):
        return stamp.tz_localize("UTC").tz_convert(zoneinfo.ZoneInfo(zone))
    offset = datetime.timezone(datetime.timedelta(seconds=zone))
    return stamp.tz_localize("UTC").tz_convert(offset)


def _period_text(period: pd.Period) -> str | int:
    """Return the period as text; as a number if its text stands for another one."""
    text = str(period)
    try:
        return text if pd.Period(text, freq=period.freqstr) == period else period.ordinal
    except ValueError:
        return period.ordinal


def _period(period: str | int, freq: str) -> pd.Period:
    return (
        pd.Period(period, freq=freq)
        if isinstance(period, str)
        else pd.Period(ordinal=period, freq=freq)
    )


def _numpy_scalar(name: str, value: object) -> Cell:
    dtype = np.dtype(name)
    if dtype.kind not in "biufUmM":
        raise ValueError(f"it has a scalar of an unknown type, {name!r}")
    if isinstance(value, list):
        raise ValueError("a scalar must be a single value")
    return np.str_(value) if dtype.kind == "U" else np.array(value).astype(dtype)[()]
