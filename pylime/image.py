"""
Pictures: superpixels off and on.

A permutation of a picture is a row of a mask, superpixels kept or removed; removed ones
take the colour of the background. The pictures themselves exist a batch at a time.
"""

import struct
import tempfile
import zlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from PIL import Image, ImageColor

from pylime.batches import check_rows, distinct_rows
from pylime.checks import check_count
from pylime.explainers import (
    Explainer,
    Report,
    Request,
    case_generator,
    make_explainer,
    make_options,
    perturb,
)
from pylime.inputs import Images
from pylime.models import predict
from pylime.similarity import cosine_similarity
from pylime.superpixels import bounding_box, check_segmentation, pixels_of, segment
from pylime.surrogate import CaseError, Neighbourhood
from pylime.tidy import Bitmap, Superpixel

__all__ = ["ImageExplainer", "ImageOptions", "parse_colour", "read_picture", "rgb_pixels"]


# Random numbers drawn at once, and how often rows that keep nothing are drawn again.
_BLOCK_VALUES = 1_000_000
_REDRAWS = 100


@dataclass(frozen=True)
class _NoOptions:
    """`lime()` of images takes none."""


@dataclass(frozen=True)
class ImageOptions:
    """Options of `explain()` for images; see there."""

    n_superpixels: int = 50
    weight: float = 20
    n_iter: int = 10
    p_remove: float = 0.5
    batch_size: int = 10
    background: Any = "grey"

    def __post_init__(self) -> None:
        check_segmentation(self.n_superpixels, self.weight, self.n_iter)
        check_count("batch_size", self.batch_size)
        if not _is_number(self.p_remove) or not 0 < self.p_remove < 1:
            raise ValueError(
                f"`p_remove` must be a probability between 0 and 1; not {self.p_remove!r}."
            )
        parse_colour(self.background, "background")


@dataclass(frozen=True, repr=False)
class ImageExplainer(Explainer):
    """Explains the predictions of a model of pictures; made by `lime()`."""

    input_name: ClassVar[str] = "images"
    default_permutations: ClassVar[int] = 1000
    options: ClassVar[type] = ImageOptions


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def parse_colour(colour: Any, argument: str) -> tuple[int, int, int, int]:
    """
    Read a colour.

    Parameters
    ----------
    colour
        A CSS name, `"#rrggbb"`, `"#rrggbbaa"`, `"none"` for transparent, or a tuple of 3 or
        4 numbers from 0 to 255. `"grey"` is R's, (190, 190, 190).
    argument
        How to call it in an error.

    Returns
    -------
    tuple
        Red, green, blue and alpha, from 0 to 255.

    Raises
    ------
    ValueError
        If it is no colour.
    """
    if isinstance(colour, str):
        name = colour.strip().lower()
        if name in ("none", "transparent"):
            return (0, 0, 0, 0)
        if name in ("grey", "gray"):
            return (190, 190, 190, 255)
        try:
            red, green, blue, *alpha = ImageColor.getrgb(name)
        except ValueError:
            pass
        else:
            return (red, green, blue, alpha[0] if alpha else 255)
    elif isinstance(colour, tuple | list) and len(colour) in (3, 4) and _are_bytes(colour):
        red, green, blue, *alpha = map(int, colour)
        return (red, green, blue, alpha[0] if alpha else 255)
    raise ValueError(
        f"`{argument}` must be a colour: a name such as 'grey' or 'black', '#rrggbb', or "
        f"(red, green, blue) from 0 to 255; not {colour!r}."
    )


def _are_bytes(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | np.integer) and 0 <= value <= 255 for value in values)


def read_picture(item: Any) -> np.ndarray:
    """
    Read the pixels of a picture.

    Parameters
    ----------
    item
        A path, a PIL image or an array of uint8.

    Returns
    -------
    numpy.ndarray
        (H, W) for grey, (H, W, 3) for colour, (H, W, 4) with transparency; uint8. Grey values
        and TIFF colours of 16 bits are rounded to 8; of PNG colours Pillow reads the
        upper 8. Palettes and other colour spaces become RGB. As in R, a picture is not
        turned by its EXIF orientation.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If it is empty, not an image, cut off, or has no pixels.
    """
    if isinstance(item, str | Path):
        return _read_file(Path(item))
    pixels = _pil_pixels(item) if isinstance(item, Image.Image) else np.asarray(item)
    if not pixels.size:
        raise ValueError(f"The picture has no pixels: its shape is {pixels.shape}.")
    return pixels


def check_picture(item: Any) -> None:
    """Raise what [`read_picture`][] would, but look at the head of a file only."""
    if isinstance(item, str | Path):
        try:
            with Image.open(item):
                return
        except (OSError, SyntaxError, ValueError):
            pass  # reading it in full tells what is wrong
    read_picture(item)


def _read_file(path: Path) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f"The image file {path} does not exist.")
    if not path.stat().st_size:
        raise ValueError(f"The image file {path} is empty.")
    try:
        with Image.open(path) as image:
            return _pil_pixels(image)
    except Image.UnidentifiedImageError as error:
        if path.suffix.lower() in (".tif", ".tiff"):
            return _read_tiff(path)
        raise ValueError(
            f"{path} is not an image of a format that can be read, or it is cut off."
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"The image file {path} cannot be read: {error}.") from error


def _read_tiff(path: Path) -> np.ndarray:
    """TIFF files that Pillow does not know, such as colours of 16 bits."""
    from tifffile import TiffFileError, imread

    try:
        pixels = imread(path)
    except (TiffFileError, ValueError, OSError) as error:
        raise ValueError(f"The image file {path} cannot be read: {error}.") from error
    pixels = _to_bytes(np.asarray(pixels))
    if pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4)):
        return pixels
    raise ValueError(f"The image file {path} cannot be read: its shape is {pixels.shape}.")


def _pil_pixels(image: Image.Image) -> np.ndarray:
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _to_bytes(np.asarray(image))
    if image.mode == "La":  # Pillow has no way from here to RGBA
        image = image.convert("LA")
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"))
    transparent = image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info
    return np.array(image.convert("RGBA" if transparent else "RGB"))


def _to_bytes(values: np.ndarray) -> np.ndarray:
    """Scale values to 8 bits, from the smallest range that holds them."""
    if values.dtype == np.uint8:
        return values
    numbers = np.asarray(values, dtype=np.float64)
    lowest, highest = (numbers.min(), numbers.max()) if numbers.size else (0.0, 0.0)
    if not 0 <= lowest <= highest <= 65535:
        raise ValueError(
            "Pixel values must lie from 0 to 255, or to 65535 for 16 bits; these lie from "
            f"{lowest:g} to {highest:g}."
        )
    if values.dtype == np.uint16 or highest > 255:
        numbers = numbers / 257.0
    elif values.dtype.kind == "f" and highest <= 1:
        numbers = numbers * 255.0
    return np.rint(numbers).astype(np.uint8)


def rgb_pixels(pixels: np.ndarray) -> np.ndarray:
    """The (H, W, 3) colours of a picture that may be grey or have transparency."""
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    return pixels[..., :3]


@make_explainer.register
def _(data: Images, model: Any, preprocess: Callable[[Any], Any], **options: Any) -> ImageExplainer:
    make_options(_NoOptions, options, "lime() of images")
    for item in data.items:
        check_picture(item)
    return ImageExplainer(model, preprocess)


@perturb.register
def _(
    explainer: ImageExplainer, cases: Images, request: Request, report: Report
) -> Iterator[Neighbourhood | CaseError]:
    for name, item in zip(cases.names, cases.items, strict=True):
        _check_size(name, read_picture(item), request.options.n_superpixels)
    for name, item in zip(cases.names, cases.items, strict=True):
        try:
            yield _perturb_picture(explainer, name, item, request, report)
        except CaseError as error:
            error.case = name
            yield error


def _with_room_for(pixels: np.ndarray, colour: tuple[int, int, int, int]) -> np.ndarray:
    """Give a picture the channels that a colour needs; files can have any."""
    if colour[3] < 255:
        return np.array(Image.fromarray(pixels).convert("RGBA"))
    is_grey = colour[0] == colour[1] == colour[2]
    return pixels if is_grey or pixels.ndim == 3 else rgb_pixels(pixels)


def _check_size(name: Any, pixels: np.ndarray, n_superpixels: int) -> None:
    height, width = pixels.shape[:2]
    if n_superpixels > height * width:
        raise ValueError(
            f"`n_superpixels` must not exceed the pixels of the picture; not {n_superpixels} "
            f"with {width}x{height} in {name}."
        )


def _perturb_picture(
    explainer: ImageExplainer, name: Any, item: Any, request: Request, report: Report
) -> Neighbourhood:
    options: ImageOptions = request.options
    pixels = read_picture(item)
    if isinstance(item, str | Path):
        pixels = _with_room_for(pixels, parse_colour(options.background, "background"))
    try:
        labels = segment(rgb_pixels(pixels), options.n_superpixels, options.weight, options.n_iter)
    except ValueError as error:
        raise CaseError(str(error)) from error
    n_superpixels = int(labels.max())
    if n_superpixels < 2:
        raise CaseError(
            "The segmentation leaves a single superpixel, so there is nothing to compare. "
            "Ask for more `n_superpixels` or try another `weight`."
        )
    random = case_generator(request.seed, repr(pixels.shape).encode() + pixels.tobytes())
    kept = draw_masks(request.n_permutations, n_superpixels, options.p_remove, random)
    predictions, prediction = _predict_masks(explainer, item, pixels, labels, kept, request, report)
    height, width = labels.shape
    superpixels = {str(n): part for n, part in enumerate(pixels_of(labels), start=1)}
    return Neighbourhood(
        case=name,
        design=kept,
        weights=cosine_similarity(kept[0], kept),
        predictions=predictions,
        prediction=prediction,
        features=list(superpixels),
        values={name: Superpixel(p, (height, width)) for name, p in superpixels.items()},
        descriptions={name: bounding_box(p, width) for name, p in superpixels.items()},
        data=Bitmap(pixels),
    )


def draw_masks(
    n: int, n_superpixels: int, p_remove: float, random: np.random.Generator
) -> np.ndarray:
    """
    Draw which superpixels each permutation keeps.

    Parameters
    ----------
    n
        Number of permutations.
    n_superpixels
        Number of superpixels.
    p_remove
        Probability that a superpixel is removed.
    random
        Source of the draws.

    Returns
    -------
    numpy.ndarray
        (n, n_superpixels) array of bool. The first row keeps all; no row keeps none:
        such a row is drawn again.
    """
    kept = np.empty((n, n_superpixels), dtype=bool)
    rows = max(_BLOCK_VALUES // n_superpixels, 1)
    for start in range(0, n, rows):
        block = kept[start : start + rows]
        block[:] = random.random(block.shape) >= p_remove
    kept[0] = True
    for _ in range(_REDRAWS):
        empty = np.flatnonzero(~kept.any(axis=1))
        if not len(empty):
            return kept
        kept[empty] = random.random((len(empty), n_superpixels)) >= p_remove
    # Where it takes so many draws, a row that keeps anything keeps just one.
    empty = np.flatnonzero(~kept.any(axis=1))
    kept[empty, random.integers(n_superpixels, size=len(empty))] = True
    return kept


def _predict_masks(
    explainer: ImageExplainer,
    item: Any,
    pixels: np.ndarray,
    labels: np.ndarray,
    kept: np.ndarray,
    request: Request,
    report: Report,
) -> tuple[pd.DataFrame, dict[Hashable, float]]:
    """
    Predict every permutation; equal ones once, a batch of pictures at a time.

    All labels are returned of the case itself only; of the others, those to be explained.
    """
    first, inverse = distinct_rows(kept)
    counts = np.bincount(inverse)
    size = request.options.batch_size
    background = parse_colour(request.options.background, "background")
    parts: list[pd.DataFrame] = []
    prediction: dict[Hashable, float] = {}
    wanted: list[Hashable] = []
    paint = make_painter(pixels, labels, background)
    for start in range(0, len(first), size):
        batch = slice(start, start + size)
        masks = kept[first[batch]]
        with _handed_over(item, paint(masks), request.folder) as pictures:
            prepared = explainer.preprocess(pictures)
            check_rows(prepared, len(masks), "pictures")
            part = predict(
                explainer.model, prepared, len(masks), request.model_type, **request.predict_options
            )
        if not parts:
            prediction = part.iloc[0].to_dict()
            wanted = request.labels_of(prediction)  # an unknown label is found out now
        if list(part.columns) != list(prediction):
            raise ValueError(
                f"The model must return the same classes for every batch; after {len(prediction)} "
                f"it returned {part.shape[1]}, or others."
            )
        parts.append(part.iloc[:, [list(prediction).index(label) for label in wanted]])
        report(int(counts[batch].sum()))
    return pd.concat(parts, ignore_index=True).iloc[inverse].reset_index(drop=True), prediction


def make_painter(
    pixels: np.ndarray, labels: np.ndarray, background: tuple[int, int, int, int]
) -> Callable[[np.ndarray], np.ndarray]:
    """
    Prepare to paint permutations of a picture.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, channels) array of uint8. Transparent pixels show the background.
    labels
        (H, W) array, the superpixel of each pixel, from 1.
    background
        Colour of removed superpixels: red, green, blue, alpha.

    Returns
    -------
    callable
        From an (n, superpixels) mask of kept ones to an array (n, H, W[, channels]).

    Raises
    ------
    ValueError
        If the background is transparent and the picture cannot be.
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    colour = np.array(background, dtype=np.uint8)
    if background[3] < 255 and channels < 4:
        raise ValueError(
            "`background` can be transparent only for pictures with an alpha channel; "
            f"this one has {channels} channel{'s' if channels > 1 else ''}."
        )
    if channels == 1:
        red, green, blue = background[:3]
        colour = np.array([(red * 299 + green * 587 + blue * 114 + 500) // 1000], dtype=np.uint8)
    elif channels == 4:
        pixels = flatten(pixels, background)
    # Kept pixels are found by masking what a pixel and the background differ in. Rows
    # of equal labels form runs, and repeating one mask value per run is far quicker
    # than looking one up for each pixel.
    behind = np.broadcast_to(colour[:channels], (*labels.shape, channels)).ravel()
    difference = pixels.ravel() ^ behind
    flat = labels.ravel()
    starts = np.r_[0, np.flatnonzero(np.diff(flat)) + 1]
    lengths = np.diff(np.r_[starts, flat.size]) * channels
    runs = flat[starts] - 1

    def paint(kept: np.ndarray) -> np.ndarray:
        bits = np.where(kept, 255, 0).astype(np.uint8)
        pictures = np.empty((len(kept), difference.size), dtype=np.uint8)
        for picture, row in zip(pictures, bits, strict=True):
            np.bitwise_and(np.repeat(row[runs], lengths), difference, out=picture)
        pictures ^= behind
        return pictures.reshape(len(kept), *pixels.shape)

    return paint


def flatten(pixels: np.ndarray, background: tuple[int, int, int, int]) -> np.ndarray:
    """Lay a picture with transparency over a colour; (H, W, 4) to (H, W, 4)."""
    canvas = Image.new("RGBA", (pixels.shape[1], pixels.shape[0]), background)
    return np.array(Image.alpha_composite(canvas, Image.fromarray(pixels, "RGBA")))


@contextmanager
def _handed_over(item: Any, pictures: np.ndarray, place: str | None) -> Iterator[Any]:
    """Painted arrays as what the user passed: paths, PIL images or a stacked array."""
    if isinstance(item, str | Path):
        # Each batch has a folder of its own: somebody may remember what a path held.
        with tempfile.TemporaryDirectory(prefix="pylime-", dir=place) as folder:
            paths = [Path(folder) / f"{number}.png" for number in range(len(pictures))]
            for path, picture in zip(paths, pictures, strict=True):
                write_png(path, picture)
            yield [str(path) for path in paths]
    elif isinstance(item, Image.Image):
        yield [Image.fromarray(picture) for picture in pictures]
    else:
        yield pictures


def write_png(path: Path, pixels: np.ndarray) -> None:
    """
    Write a PNG file without compressing it.

    Pillow tries out a filter for every line even then, which takes four times as long;
    these files live for the time of one prediction.
    """
    height, width, *channels = pixels.shape
    colour_type = {1: 0, 3: 2, 4: 6}[channels[0] if channels else 1]
    lines = np.zeros((height, 1 + pixels.size // height), dtype=np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, content in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(lines.tobytes(), level=0)),
            (b"IEND", b""),
        ):
            checksum = zlib.crc32(content, zlib.crc32(kind))
            file.write(struct.pack(">I", len(content)) + kind + content)
            file.write(struct.pack(">I", checksum))
