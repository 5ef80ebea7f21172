"""
The explainer of images.

A permutation of an image is a row of a mask, which keeps or removes superpixels; removed ones
take the colour of the background. Only one batch of painted images exists at a time.
"""

import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeGuard

import numpy as np
import pandas as pd
from PIL import Image

from pylime import checks
from pylime._types import Model, OneImage, Preprocess
from pylime.errors import CaseError
from pylime.filenames import are_file_names, distinct_names, files_of_folder, is_file, is_folder
from pylime.image.backgrounds import check_background, on_background
from pylime.image.painting import make_painter, painted_batches
from pylime.image.pixels import (
    Original,
    PixelRanges,
    check_image,
    has_deep_colours,
    open_file,
    read_numbers,
    read_original,
    rgb_pixels,
)
from pylime.image.png import bit_depth
from pylime.image.segments import (
    check_region,
    check_segmentation,
    labels_of,
    numbered,
    region_of,
    segment_region,
    segments_of_cases,
)
from pylime.image.superpixels import bounding_box, segment_by
from pylime.masks import all_masks, distinct_rows, draw_masks, mask_shares
from pylime.options import Background, Region, Segmentation
from pylime.pipeline import (
    AllOf,
    CaseList,
    Cases,
    Explainer,
    InputKind,
    Permutations,
    Perturbed,
    Rewriting,
    n_inputs_of,
)
from pylime.request import Request
from pylime.seeds import case_generator
from pylime.shades import PixelRange, check_pixel_range, extremes, find_pixel_range
from pylime.similarity import cosine_similarity
from pylime.values import Bitmap, Superpixel, superpixels_of

__all__ = [
    "IMAGE",
    "ExplainImageOptions",
    "ImageExplainer",
    "ImageOptions",
    "superpixels_of_case",
    "with_segments",
]

# The last axis of an array can be bands if it has this many places, and grey images otherwise.
_BANDS = range(5, 33)
# Of many files with unusual numbers, lime() reads so many to find out what is white.
_MOST_SAMPLED = 50


def _check_channel_axis(name: str, value: object) -> None:
    checks.one_of(name, value, [0, -1], "None")


@dataclass(frozen=True)
class ImageOptions:
    """Options of `lime()` for images; see there."""

    channel_axis: Annotated[int | None, _check_channel_axis] = None
    pixel_range: Annotated[PixelRange | None, check_pixel_range] = None


@dataclass(frozen=True)
class ExplainImageOptions:
    """Options of `explain()` for images; see there."""

    n_superpixels: Annotated[int, checks.count] = 50
    weight: Annotated[float, checks.positive] = 20
    n_iter: Annotated[int, checks.count] = 10
    p_remove: Annotated[float, checks.probability] = 0.5
    batch_size: Annotated[int, checks.count] = 10
    background: Annotated[Background, check_background] = "grey"
    segmentation: Annotated[Segmentation | None, check_segmentation] = None
    within: Annotated[Region | None, check_region] = None


@dataclass(frozen=True, repr=False)
class ImageExplainer(Explainer):
    """
    Explains the predictions of a model of images; made by `pylime.lime`.

    Attributes
    ----------
    channels_first
        Whether arrays have their channels before the rows.
    pixel_ranges
        The numbers of black and white in the images of `pylime.lime`, by kind of number.

    Examples
    --------
    >>> from pylime import as_classifier, lime
    >>> def brightness(images):
    ...     return images.mean(axis=(1, 2, 3)) / 255
    >>> images = np.zeros((3, 8, 8), np.uint8)
    >>> lime(images, as_classifier(brightness), kind="image", channel_axis=0).channels_first
    True
    """

    channels_first: bool = False
    pixel_ranges: PixelRanges = field(default_factory=dict)

    def _settings(self) -> Mapping[str, object]:
        return {"Channels": "before the rows"} if self.channels_first else {}


# What is an image


def _are_images(x: object) -> bool:
    """Whether a value is an array of pixels, images of Pillow, or names of image files."""
    if _is_array(x):
        return x.ndim > 2 or x.dtype == np.uint8
    items = _as_list(x)
    if not isinstance(items, list | tuple) or not items:
        return False
    if all(_is_array(item) or isinstance(item, Image.Image) for item in items):
        return True
    named = [item for item in items if not _is_missing(item)]
    return bool(named) and are_file_names(named)


def _is_array(x: object) -> TypeGuard[np.ndarray]:
    """Whether a value is an array that can be one image, or a stack of images."""
    return isinstance(x, np.ndarray) and x.dtype.kind in "uifb" and x.ndim in (2, 3, 4)


def _is_missing(item: object) -> bool:
    return item is None or item is pd.NA or (isinstance(item, float) and np.isnan(item))


def _as_list(x: object) -> object:
    """Convert an image, or several, to a list; return anything else unchanged."""
    if isinstance(x, str | os.PathLike | Image.Image):
        return [x]
    if isinstance(x, np.ndarray) and x.dtype.kind in "UOT":
        return x.ravel().tolist()
    # Series of pandas, polars and the like have a method that lists their values.
    to_list = getattr(x, "to_list", None)
    return to_list() if callable(to_list) else x


@dataclass(frozen=True)
class _Layout:
    """
    How arrays of images are laid out, as far as it is known.

    Attributes
    ----------
    channel_axis
        Where the user says that the channels of an image are, 0 or -1.
    is_named
        Whether the user says that these are images.
    ndim
        The dimensions of the images of `lime()`.
    channels
        How many channels they have.
    """

    channel_axis: int | None = None
    is_named: bool = False
    ndim: int | None = None
    channels: int | None = None


def _reader(options: ImageOptions, is_named: bool) -> Callable[[Any], CaseList | None]:
    """The function that reads images, as the options of `lime()` describe them."""
    return partial(_read_images, layout=_Layout(options.channel_axis, is_named))


def _read_images(x: object, layout: _Layout = _Layout()) -> CaseList | None:
    """Read images, in the form in which the user passed them, and a name for each."""
    if _is_array(x):
        arrays = _arrays_of(x, layout)
        return CaseList(arrays, range(len(arrays)))
    items = _as_list(x)
    if not isinstance(items, list | tuple):
        return None
    missing = [position for position, item in enumerate(items) if _is_missing(item)]
    items = [item for item in items if not _is_missing(item)]
    if missing and items:
        raise ValueError(
            "`x` must have no missing values; images are missing at the positions "
            f"{checks.some(missing, 5, str)}."
        )
    if all(isinstance(item, Image.Image) for item in items):
        files = [Path(str(getattr(item, "filename", "") or "")).name for item in items]
        named = all(files) and len(set(files)) == len(files)
        return CaseList(items, files if named else range(len(items)))
    if all(_is_array(item) for item in items):
        return CaseList([_one_array(item, layout) for item in items], range(len(items)))
    if all(isinstance(item, str | os.PathLike) for item in items):
        return _read_paths(items)
    return None


def _arrays_of(array: np.ndarray, layout: _Layout) -> list[np.ndarray]:
    """Return the images in an array of one or several."""
    if array.ndim == 2:
        return [array]
    if array.ndim == 4:
        _check_channels(array.shape[1:], layout, array.shape)
        return list(array)
    if layout.channel_axis is not None:
        return [array]
    if layout.ndim == 2:
        return list(array)
    height, width, last = array.shape
    if last in (3, 4) or last == layout.channels:
        return [array]
    if last in (1, 2):
        _check_channels(array.shape, layout, array.shape)
    if last in _BANDS and last < min(height, width):
        if layout.is_named or 2 * last <= min(height, width):
            return [array]
        raise ValueError(
            f"An array of shape {array.shape} can be an image of {last} channels, or a stack of "
            f"{height} grey images. Say which: lime(..., channel_axis=-1) or lime(..., "
            'kind="image") for one image, a list of (H, W) arrays for several.'
        )
    if height == 3 and layout.ndim is None:
        raise ValueError(
            f"An array of shape {array.shape} can be an image whose three channels come first, or "
            "a stack of three grey images. Say which: lime(..., channel_axis=0) for one image, a "
            'list of (H, W) arrays for several. (`kind="image"` does not say which.)'
        )
    return list(array)


def _one_array(array: np.ndarray, layout: _Layout) -> np.ndarray:
    """Check an array of a list, which is one image."""
    if array.ndim == 4:
        raise ValueError(
            f"Arrays in a list must each be one image, (H, W) or (H, W, channels); not "
            f"{array.shape}. Pass a stack of images as one array."
        )
    if array.ndim == 3:
        _check_channels(array.shape, layout, array.shape)
    return array


def _check_channels(image: tuple[int, ...], layout: _Layout, shape: tuple[int, ...]) -> None:
    """Raise unless an array has its channels last, or the user says where they are."""
    if layout.channel_axis is not None or image[-1] in (3, 4) or image[-1] == layout.channels:
        return
    if image[-1] > 4 and image[-1] < min(image[:-1]) and image[0] not in (1, 3):
        return
    if image[0] <= 4:
        hint = "Where channels come first, pass lime(..., channel_axis=0)"
    else:
        hint = "To keep this last axis as channels, pass lime(..., channel_axis=-1)"
    raise ValueError(
        "Arrays of images must be of shape (H, W), (H, W, channels) or a stack of these; not "
        f"{shape}. Channels come last, and grey images have no such axis. {hint}; for grey images, "
        'a list of (H, W) arrays; for a table, kind="table".'
    )


def _read_paths(items: Sequence[str | os.PathLike[str]]) -> CaseList:
    """Read paths of existing files, and a name for each."""
    paths = [Path(item) for item in items]
    folders = [str(path) for path in paths if is_folder(path)]
    if folders:
        raise ValueError(
            f"Images must be files; {folders[0]} is a folder. {files_of_folder(folders[0])}"
        )
    missing = [str(path) for path in paths if not is_file(path)]
    if missing:
        hint = ' For texts, pass lime(..., kind="text").' if _are_strings(items) else ""
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} image files do not exist: "
            f"{checks.some(missing, 5, str)}.{hint}"
        )
    return CaseList([str(path) for path in paths], distinct_names(paths))


def _are_strings(items: Iterable[object]) -> bool:
    return all(isinstance(item, str) for item in items)


# lime()


def _make_image_explainer(
    data: CaseList, model: Model, preprocess: Preprocess, options: ImageOptions, kind: InputKind
) -> ImageExplainer:
    for item in data.items:
        try:
            check_image(item)
        except ValueError as error:
            if isinstance(item, str):
                error.add_note('(For texts that are names of files, pass lime(..., kind="text").)')
            raise
    _warn_of_lost_bits(data)
    first = options.channel_axis == 0
    ranges = _ranges_in(data.items, options.pixel_range)
    kind = replace(kind, read=_reader_like(data.items, kind, first))
    return ImageExplainer(model, preprocess, kind, channels_first=first, pixel_ranges=ranges)


def _reader_like(
    items: Sequence[OneImage], kind: InputKind, channels_first: bool
) -> Callable[[Any], Cases | None]:
    """The function that reads further images, laid out as the arrays of `lime()` are."""
    arrays = [item for item in items if isinstance(item, np.ndarray)]
    dimensions = {array.ndim for array in arrays}
    channels = {array.shape[0 if channels_first else -1] for array in arrays if array.ndim == 3}
    if not isinstance(kind.read, partial) or len(dimensions) != 1:
        return kind.read
    layout = replace(
        kind.read.keywords["layout"],
        ndim=dimensions.pop(),
        channels=channels.pop() if len(channels) == 1 else None,
    )
    return partial(_read_images, layout=layout)


def _ranges_in(items: Sequence[OneImage], pixel_range: PixelRange | None) -> PixelRanges:
    """Find the numbers of black and white once for all images of `lime()`."""
    if pixel_range is not None:
        known = (float(pixel_range[0]), float(pixel_range[1]))
        return {"f": known, "i": known, "u1": known}
    files = [item for item in items if not isinstance(item, np.ndarray) and _has_numbers(item)]
    step = max(-(-len(files) // _MOST_SAMPLED), 1)
    arrays = [item for item in items if isinstance(item, np.ndarray)]
    for item in files[::step]:
        with suppress(ValueError):  # a broken file is left out by explain()
            arrays.append(read_numbers(item))
    found = {}
    for name, kinds in {"f": "f", "i": "iu"}.items():
        some = [a for a in arrays if a.dtype.kind in kinds and a.dtype != np.uint8 and a.size]
        if some:
            found[name] = find_pixel_range(some[0].dtype, *extremes(some))
    return found


def _has_numbers(item: OneImage) -> bool:
    """Whether a file or an image of Pillow has other numbers than bytes."""
    if isinstance(item, Image.Image):
        return item.mode in ("I", "F") or item.mode.startswith("I;16")
    try:
        with open_file(Path(str(item))) as image:
            return _has_numbers(image) or has_deep_colours(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return True  # a TIFF file that Pillow does not read


# explain()


@dataclass(frozen=True)
class _SegmentedCases(CaseList):
    """
    Images that the user has segmented.

    Attributes
    ----------
    segments
        Of each image, from `segments_of_cases`.
    """

    segments: Sequence[Any]

    def take(self, positions: Sequence[int]) -> "_SegmentedCases":
        """Return some of the cases."""
        some = super().take(positions)
        return _SegmentedCases(some.items, some.names, [self.segments[p] for p in positions])


def _prepare_images(
    explainer: ImageExplainer, cases: CaseList, options: ExplainImageOptions
) -> CaseList:
    """Warn of what all files of a call have lost; find the segments of each image."""
    _warn_of_lost_bits(cases)
    return with_segments(cases, options)


def with_segments(cases: CaseList, options: ExplainImageOptions) -> CaseList:
    """
    Give each image its segments, if the user has made them.

    Raises
    ------
    RequestError
        If there is another number of segmentations than of images.
    """
    segmentation = options.segmentation
    if segmentation is None or callable(segmentation):
        return cases
    return _SegmentedCases(cases.items, cases.names, segments_of_cases(segmentation, cases.names))


def _warn_of_lost_bits(cases: CaseList) -> None:
    """Warn of PNG files with colours of 16 bits, of which Pillow reads 8."""
    files = [
        (name, Path(item))
        for name, item in zip(cases.names, cases.items, strict=True)
        if isinstance(item, str) and item.lower().endswith(".png")
    ]
    lost = [name for name, path in files if is_file(path) and bit_depth(path) == (16, True)]
    if lost:
        checks.warn(
            f"Colours of 16 bits in PNG files are read with 8 bits, and permutations have 8: "
            f"{checks.some(lost, 5, str)}. To keep 16, pass arrays, or TIFF files."
        )


@dataclass(frozen=True, eq=False)
class _Segmented:
    """An image with its superpixels: what its permutations have in common."""

    name: Hashable
    item: OneImage
    original: Original
    labels: np.ndarray
    paint: Callable[[np.ndarray], np.ndarray]
    region: np.ndarray | None = None

    @property
    def n_superpixels(self) -> int:
        """The number of superpixels."""
        return int(self.labels.max())


def _perturb_image(explainer: ImageExplainer, cases: CaseList, request: Request) -> Perturbed:
    """Segment an image and draw which superpixels each permutation keeps."""
    (item,), (name,) = cases.items, cases.names
    options: ExplainImageOptions = request.options
    passed = read_original(item, explainer.pixel_ranges, channels_first=explainer.channels_first)
    labels, region = superpixels_of_case(passed, cases, options)
    original, background = on_background(passed, options.background, labels)
    paint = make_painter(original.painted, labels, background)
    segmented = _Segmented(name, item, original, labels, paint, region)
    if segmented.n_superpixels < 2:
        raise CaseError(_too_few(options))
    return _permute(segmented, request)


def _permute(image: _Segmented, request: Request, n_predicted: int = 0) -> Perturbed:
    """Draw the permutations of an image, of which the model has predicted the first."""
    options: ExplainImageOptions = request.options
    labels, n_superpixels = image.labels, image.n_superpixels
    exact = None
    if request.takes_all_subsets(n_superpixels, "superpixels", "lower `n_superpixels`"):
        exact = AllOf("subsets", IMAGE.n_permutations)
        kept = all_masks(n_superpixels)
        weights = cosine_similarity(kept[0], kept) * mask_shares(kept, options.p_remove)
        weights *= exact.n_draws
    else:
        kept = _draw(image, request)
        weights = cosine_similarity(kept[0], kept)
    distinct, inverse = distinct_rows(kept)
    is_array = isinstance(image.item, np.ndarray)
    permutations = Permutations(
        case=image.name,
        design=kept,
        weights=weights,
        features=[str(number) for number in range(1, n_superpixels + 1)],
        describe=lambda features: _describe_superpixels(features, labels),
        data=_bitmap(image.original, image.region),
        n_inputs=len(distinct),
        rows=inverse,
        rewriting=None if is_array else _rewriting(image.original),
        numbers=("image", n_superpixels) if exact is None else None,
        exact=exact,
    )
    new = distinct[n_inputs_of(inverse, n_predicted) :] if n_predicted else distinct
    batches = painted_batches(
        image.original, image.paint, kept[new], options.batch_size, request.folder
    )
    return Perturbed(
        [permutations],
        batches,
        None if is_array or n_predicted else [image.item],
        None if exact else partial(_grown, image, request),
    )


def _grown(image: _Segmented, request: Request, n: int, n_predicted: int) -> Perturbed:
    """Draw n permutations of an image, of which the model has predicted the first."""
    return _permute(image, replace(request, n_permutations=n), n_predicted)


def _draw(image: _Segmented, request: Request) -> np.ndarray:
    """Draw the mask of an image."""
    pixels = image.original.pixels
    content = np.ascontiguousarray(pixels).data
    random = case_generator(request.seed, repr(pixels.shape).encode(), content)
    p_remove = request.options.p_remove
    return draw_masks(request.n_permutations, image.n_superpixels, p_remove, random, request.draws)


def _rewriting(original: Original) -> Rewriting:
    """How permutations of an image are written, and why a model may see them otherwise."""
    reasons = "; ".join(original.differences) or "only its pixels are written again"
    return Rewriting(
        form="the same image with nothing removed",
        cure=f"The difference: {reasons}. The explanation is that of the permutations; to avoid "
        "the difference, pass the image as the model sees it, as an array for instance.",
        small=0.05,
        is_predicted=True,
    )


def _bitmap(original: Original, region: np.ndarray | None) -> Bitmap:
    """The cell of the column `data`."""
    is_bytes = original.pixels.dtype == np.uint8 and original.pixel_range == (0, 255)
    within = None if region is None else Superpixel(np.flatnonzero(region), _shape_of(original))
    return Bitmap(
        original.pixels,
        original.orientation,
        None if is_bytes else original.pixel_range,
        original.alpha and original.pixels.ndim == 3,
        within,
    )


def _shape_of(original: Original) -> tuple[int, int]:
    """The height and width of an image as it is stored."""
    height, width = original.pixels.shape[:2]
    return height, width


def superpixels_of_case(
    original: Original, cases: CaseList, options: ExplainImageOptions
) -> tuple[np.ndarray, np.ndarray | None]:
    """
    Find the superpixels of an image.

    Parameters
    ----------
    original
        The image.
    cases
        The same as a case, from `with_segments`.
    options
        Those of `explain()`.

    Returns
    -------
    tuple
        The (H, W) superpixel of each pixel, counted from 1, and 0 outside the region; and the
        region as an (H, W) array of bool, or None.

    Raises
    ------
    CaseError
        If the image has other pixels than the options need.
    """
    region = region_of(options.within, _shape_of(original), original.orientation)
    if isinstance(cases, _SegmentedCases):
        return _user_labels(original, cases, options, region), region
    return _segment(original, options, region), region


def _user_labels(
    original: Original,
    cases: _SegmentedCases,
    options: ExplainImageOptions,
    region: np.ndarray | None,
) -> np.ndarray:
    """Return the superpixels of an image that the user has segmented."""
    (segments,), (name,) = cases.segments, cases.names
    if segments is None:
        known: Any = options.segmentation
        raise CaseError(
            f"`segmentation` has no segments for {name!r}; it has them for {checks.some(known, 5)}."
        )
    labels = labels_of(segments, _shape_of(original), original.orientation)
    return labels if region is None else numbered(labels, region)


def _segment(
    original: Original, options: ExplainImageOptions, region: np.ndarray | None
) -> np.ndarray:
    """Find the superpixel of each pixel, counted from 1; 0 outside the region."""
    height, width = _shape_of(original)
    size = height * width if region is None else np.count_nonzero(region)
    if options.segmentation is None and options.n_superpixels > size:
        where = f"{width}x{height}" if region is None else f"the {size} of `within`"
        raise CaseError(
            "`n_superpixels` must not exceed the number of pixels; not "
            f"{options.n_superpixels} with {where}."
        )
    rgb = rgb_pixels(original.colours)
    numbers = options.n_superpixels, options.weight, options.n_iter
    segmentation: Any = options.segmentation
    try:
        if segmentation is None and region is not None:
            return segment_region(rgb, region, *numbers)
        labels = segment_by(segmentation, rgb, *numbers)
    except ValueError as error:
        raise CaseError(str(error)) from error
    return labels if region is None else numbered(labels, region)


def _too_few(options: ExplainImageOptions) -> str:
    """The message that there are no two superpixels."""
    cure = "Raise `n_superpixels` or try another `weight`."
    if options.segmentation is not None:
        cure = "Divide the image into two segments or more."
    if options.within is None:
        return (
            "The segmentation leaves a single superpixel, so there is nothing to compare. " + cure
        )
    if options.segmentation is not None:
        cure = "Pass one of smaller segments, or a larger region."
    return (
        "The segmentation leaves a single superpixel inside `within`, so there is nothing to "
        f"compare. {cure}"
    )


def _describe_superpixels(features: Sequence[str], labels: np.ndarray) -> list[tuple[Any, str]]:
    """Return the pixels of superpixels, and descriptions of their places."""
    flat = labels.ravel()
    pixels = [np.flatnonzero(flat == int(feature)) for feature in features]
    boxes = [bounding_box(indices, labels.shape[1]) for indices in pixels]
    return list(zip(superpixels_of(pixels, labels.shape), boxes, strict=True))


def _kept_superpixels(explainer: ImageExplainer, perturbed: Perturbed) -> pd.DataFrame:
    """Return the numbers of the superpixels that each permutation of an image keeps."""
    (case,) = perturbed.cases
    kept = [tuple((np.flatnonzero(row) + 1).tolist()) for row in np.asarray(case.design)]
    return pd.DataFrame({"kept": pd.Series(kept, dtype=object)})


IMAGE = InputKind(
    name="image",
    plural="images",
    rows="images",
    description="images: paths of existing files, PIL images, or arrays (H, W), "
    "(H, W, channels) or a stack of them",
    recognise=_are_images,
    read=_read_images,
    reader=_reader,
    perturb=_perturb_image,
    make_explainer=_make_image_explainer,
    prepare=_prepare_images,
    lime_options=ImageOptions,
    explain_options=ExplainImageOptions,
    tabulate=_kept_superpixels,
    n_permutations=1000,
    takes_all=True,
)
