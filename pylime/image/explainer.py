"""
The explainer of images.

A permutation of an image is a row of a mask, which keeps or removes superpixels; removed ones
take the colour of the background. Only one batch of painted images exists at a time.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from PIL import Image

from pylime import checks
from pylime._types import Model, OneImage, Preprocess
from pylime.errors import CaseError
from pylime.image.painting import handed_over, make_painter
from pylime.image.pixels import Colour, check_image, parse_colour, read_image, rgb_pixels
from pylime.image.superpixels import Segmentation, bounding_box, segment_by
from pylime.masks import distinct_rows, draw_masks
from pylime.pipeline import (
    Batch,
    CaseList,
    Explainer,
    InputKind,
    NoOptions,
    Permutations,
    Perturbed,
)
from pylime.request import Request
from pylime.seeds import case_generator
from pylime.similarity import cosine_similarity
from pylime.values import Bitmap, superpixels_of

__all__ = ["IMAGE", "IMAGE_ENDINGS", "ExplainImageOptions", "ImageExplainer"]

IMAGE_ENDINGS = frozenset(
    [".jpg", ".jpeg", ".bmp", ".png", ".tiff", ".tif", ".gif", ".bpg", ".webp"]
)
"""Endings of file names that mark a string as an image: those of R's `lime`, and `.webp`."""


def _check_segmenter(name: str, value: object) -> None:
    what = "a function from an (H, W, 3) array to the segment of each pixel"
    checks.function(name, value, what)


@dataclass(frozen=True)
class ExplainImageOptions:
    """Options of `explain()` for images; see there."""

    n_superpixels: Annotated[int, checks.count] = 50
    weight: Annotated[float, checks.positive] = 20
    n_iter: Annotated[int, checks.count] = 10
    p_remove: Annotated[float, checks.probability] = 0.5
    batch_size: Annotated[int, checks.count] = 10
    background: Annotated[Colour, lambda name, colour: parse_colour(colour, name)] = "grey"
    segmentation: Annotated[Segmentation | None, _check_segmenter] = None


@dataclass(frozen=True, repr=False)
class ImageExplainer(Explainer):
    """Explains the predictions of a model of images; made by `pylime.lime`."""


# What is an image


def _are_images(x: object) -> bool:
    """Whether a value is an array of pixels, images of Pillow, or names of image files."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "uifb" and x.ndim in (2, 3, 4):
        return x.ndim > 2 or x.dtype == np.uint8
    items = _as_list(x)
    if not isinstance(items, list | tuple) or not items:
        return False
    if all(isinstance(item, np.ndarray | Image.Image) for item in items):
        return _read_images(x) is not None
    return all(
        isinstance(item, os.PathLike)
        or (isinstance(item, str) and Path(item).suffix.lower() in IMAGE_ENDINGS)
        for item in items
    )


def _as_list(x: object) -> object:
    """Convert an image, or several, to a list; return anything else unchanged."""
    if isinstance(x, str | os.PathLike | Image.Image):
        return [x]
    if isinstance(x, pd.Series | pd.Index):
        return x.tolist()
    if isinstance(x, np.ndarray) and x.dtype.kind in "UO":
        return x.ravel().tolist()
    return x


def _read_images(x: object) -> CaseList | None:
    """Read images, in the form in which the user passed them, and a name for each."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "uifb" and x.ndim in (2, 3, 4):
        arrays = _arrays_of(x)
        return CaseList(arrays, range(len(arrays)))
    items = _as_list(x)
    if not isinstance(items, list | tuple):
        return None
    if all(isinstance(item, Image.Image) for item in items):
        files = [Path(str(getattr(item, "filename", "") or "")).name for item in items]
        named = all(files) and len(set(files)) == len(files)
        return CaseList(list(items), files if named else range(len(items)))
    if all(isinstance(item, np.ndarray) for item in items):
        parts = [_arrays_of(item) for item in items]
        if any(len(part) != 1 for part in parts):
            return None
        return CaseList([part[0] for part in parts], range(len(parts)))
    if all(isinstance(item, str | os.PathLike) for item in items):
        return _read_paths(items)
    return None


def _arrays_of(array: np.ndarray) -> list[np.ndarray]:
    """Return the images in an array of one or several."""
    if array.dtype != np.uint8:
        raise TypeError(
            f"Arrays of images must be uint8, with values from 0 to 255; not {array.dtype}. "
            "Scale inside `preprocess` instead."
        )
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)):
        array = array[None]
    too_few = array.ndim == 3 and array.shape[2] in (1, 2)
    if too_few or array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] not in (3, 4)):
        raise ValueError(
            "Arrays of images must be of shape (H, W), (H, W, 3), (H, W, 4) or a stack of "
            f"these; not {array.shape}. Channels come last, and grey images have no such axis."
        )
    return list(array)


def _read_paths(items: Sequence[str | os.PathLike[str]]) -> CaseList:
    """Read paths of existing files, and a name for each."""
    paths = [Path(item) for item in items]
    folders = [str(path) for path in paths if _is_folder(path)]
    if folders:
        raise ValueError(f"Images must be files; {folders[0]} is a folder.")
    missing = [str(path) for path in paths if not _is_file(path)]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} image files do not exist: "
            f"{checks.some(missing, 5, str)}"
        )
    return CaseList([str(path) for path in paths], _file_names(paths))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a string can be too long for a path, or contain a NUL
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir() and path != Path()
    except (OSError, ValueError):
        return False


def _file_names(paths: Sequence[Path]) -> list[str]:
    """Return base names; ambiguous ones get parent folders, repeated paths a number."""
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
        if seen[name] > 1:  # the same file again
            names[position] = f"{name} ({seen[name]})"
    return names


# lime()


def _make_image_explainer(
    data: CaseList, model: Model, preprocess: Preprocess, options: NoOptions, kind: InputKind
) -> ImageExplainer:
    for item in data.items:
        check_image(item)
    return ImageExplainer(model, preprocess, kind)


# explain()


def _perturb_image(explainer: ImageExplainer, cases: CaseList, request: Request) -> Perturbed:
    """Segment an image and draw which superpixels each permutation keeps."""
    (item,), (name,) = cases.items, cases.names
    options: ExplainImageOptions = request.options
    background = parse_colour(options.background, "background")
    pixels = read_image(item)
    if isinstance(item, str | Path):
        pixels = _with_room_for(pixels, background)
    labels = _segment(pixels, options)
    n_superpixels = int(labels.max())
    if n_superpixels < 2:
        raise CaseError(
            "The segmentation leaves a single superpixel, so there is nothing to compare. "
            "Raise `n_superpixels` or try another `weight`."
        )
    random = case_generator(request.seed, repr(pixels.shape).encode() + pixels.tobytes())
    kept = draw_masks(request.n_permutations, n_superpixels, options.p_remove, random)
    distinct, inverse = distinct_rows(kept)
    paint = make_painter(pixels, labels, background)
    permutations = Permutations(
        case=name,
        design=kept,
        weights=cosine_similarity(kept[0], kept),
        features=[str(number) for number in range(1, n_superpixels + 1)],
        describe=lambda features: _describe_superpixels(features, labels),
        data=Bitmap(pixels),
        n_inputs=len(distinct),
        rows=inverse,
    )
    batches = _image_batches(item, paint, kept[distinct], options.batch_size, request.folder)
    return Perturbed([permutations], batches)


def _with_room_for(pixels: np.ndarray, colour: tuple[int, int, int, int]) -> np.ndarray:
    """Add the channels that a colour needs to an image from a file."""
    if colour[3] < 255:
        return np.array(Image.fromarray(pixels).convert("RGBA"))
    is_grey = colour[0] == colour[1] == colour[2]
    return pixels if is_grey or pixels.ndim == 3 else rgb_pixels(pixels)


def _segment(pixels: np.ndarray, options: ExplainImageOptions) -> np.ndarray:
    """Find the superpixel of each pixel, counted from 1."""
    height, width = pixels.shape[:2]
    if options.segmentation is None and options.n_superpixels > height * width:
        raise CaseError(
            "`n_superpixels` must not exceed the number of pixels; not "
            f"{options.n_superpixels} with {width}x{height}."
        )
    try:
        return segment_by(
            options.segmentation,
            rgb_pixels(pixels),
            options.n_superpixels,
            options.weight,
            options.n_iter,
        )
    except ValueError as error:
        raise CaseError(str(error)) from error


def _describe_superpixels(features: Sequence[str], labels: np.ndarray) -> list[tuple[Any, str]]:
    """Return the pixels of superpixels, and descriptions of their places."""
    flat = labels.ravel()
    pixels = [np.flatnonzero(flat == int(feature)) for feature in features]
    boxes = [bounding_box(indices, labels.shape[1]) for indices in pixels]
    return list(zip(superpixels_of(pixels, labels.shape), boxes, strict=True))


def _image_batches(
    item: OneImage,
    paint: Callable[[np.ndarray], np.ndarray],
    masks: np.ndarray,
    size: int,
    folder: str | None,
) -> Iterator[Batch]:
    """Paint images batch by batch, in the form in which the user passed the original."""
    for start in range(0, len(masks), size):
        some = masks[start : start + size]
        with handed_over(item, paint(some), folder) as images:
            yield Batch(images, len(some))


IMAGE = InputKind(
    name="image",
    plural="images",
    rows="images",
    description="images: paths of existing files, PIL images, or uint8 arrays (H, W), "
    "(H, W, 3), (H, W, 4) or a stack of them",
    recognise=_are_images,
    read=_read_images,
    perturb=_perturb_image,
    make_explainer=_make_image_explainer,
    explain_options=ExplainImageOptions,
    n_permutations=1000,
)
