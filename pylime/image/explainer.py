"""
Pictures: superpixels off and on.

A permutation of a picture is a row of a mask, superpixels kept or removed; removed ones
take the colour of the background. The pictures themselves exist a batch at a time.
"""

import tempfile
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from PIL import Image

from pylime import checks
from pylime.errors import CaseError, RequestError
from pylime.image.pixels import (
    check_picture,
    flatten,
    parse_colour,
    read_picture,
    rgb_pixels,
    write_png,
)
from pylime.image.superpixels import bounding_box, check_segmentation, pixels_of, segment_by
from pylime.inputs import Images
from pylime.masks import check_rows, distinct_rows
from pylime.models import predict, warn_of_scores
from pylime.pipeline import (
    Explainer,
    Report,
    Request,
    make_explainer,
    perturb,
)
from pylime.seeds import case_generator
from pylime.similarity import cosine_similarity
from pylime.surrogate import Neighbourhood
from pylime.values import Bitmap, Superpixel

__all__ = ["ImageExplainer", "ImageOptions", "draw_masks", "make_painter"]


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
    segmentation: Callable[[np.ndarray], Any] | None = None

    def __post_init__(self) -> None:
        check_segmentation(self.n_superpixels, self.weight, self.n_iter, self.segmentation)
        checks.count("batch_size", self.batch_size)
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


@make_explainer.register
def _(data: Images, model: Any, preprocess: Callable[[Any], Any], **options: Any) -> ImageExplainer:
    checks.make_options(_NoOptions, options, "lime() of images")
    for item in data.items:
        check_picture(item)
    return ImageExplainer(model, preprocess)


@perturb.register
def _(
    explainer: ImageExplainer, cases: Images, request: Request, report: Report
) -> Iterator[Neighbourhood | CaseError]:
    for name, item in zip(cases.names, cases.items, strict=True):
        if request.options.segmentation is None:
            _check_size(name, read_picture(item), request.options.n_superpixels)
    for name, item in zip(cases.names, cases.items, strict=True):
        try:
            around = _perturb_picture(explainer, name, item, request, report)
        except (RequestError, MemoryError):
            raise
        except Exception as error:  # whatever a model raises
            yield CaseError.of(name, error)
        else:
            yield around
        request = replace(request, probe=False)


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
        labels = segment_by(
            options.segmentation,
            rgb_pixels(pixels),
            options.n_superpixels,
            options.weight,
            options.n_iter,
        )
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
            predictions = predict(
                explainer.model, prepared, len(masks), request.model_type, **request.predict_options
            )
        part = predictions.frame
        if not parts:
            if request.probe:
                warn_of_scores(explainer.model, predictions)
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
