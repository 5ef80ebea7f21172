"""
Segments that the user has: the segment of each pixel, masks, and a region to stay within.

All of them become what superpixels are: the number of each pixel, from 1, as the image is stored.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np

from pylime import checks
from pylime.errors import CaseError, RequestError
from pylime.image.superpixels import segment
from pylime.options import Region, Segments
from pylime.shades import turned_back
from pylime.values import Superpixel

__all__ = [
    "as_stored",
    "check_region",
    "check_segmentation",
    "labels_of",
    "numbered",
    "region_of",
    "segment_region",
    "segments_of_cases",
    "warn_if_unsure",
]

_RULE = (
    "a function from an (H, W, 3) array to the segment of each pixel, an (H, W) array of whole "
    "numbers or bool, or a list of masks"
)
# What mask generators call their masks.
_MASK = "segmentation"


# What can be seen without the images


def check_segmentation(name: str, value: object) -> None:
    """Raise unless a value is a function, segments, or segments by case."""
    if callable(value):
        return
    if isinstance(value, Mapping) and not _is_record(value):
        if not value:
            raise ValueError(f"`{name}` must have the segments of each case; the mapping is empty.")
        for case, segments in value.items():
            _check_segments(f"{name}[{case!r:.40}]", segments)
        return
    _check_segments(name, value)


def _check_segments(name: str, value: object) -> None:
    """Raise unless a value is an array of segments, a mask, or a list of these."""
    if _is_record(value):
        _check_mask(name, value)
    elif isinstance(value, list | tuple):
        if not value:
            raise ValueError(f"`{name}` must have at least one mask; the list is empty.")
        for position, part in enumerate(value):
            _check_segments(f"{name}[{position}]", part)
    else:
        _check_array(name, value, (2, 3))


def _check_mask(name: str, record: Mapping[str, Any]) -> None:
    """Raise unless a record of a mask generator has a mask of bool."""
    mask = record[_MASK]
    name = f'{name}["{_MASK}"]'
    if isinstance(mask, Mapping | str | bytes):
        raise TypeError(
            f"`{name}` must be an (H, W) array of bool; not {type(mask).__name__}. Make masks with "
            '`output_mode="binary_mask"`.'
        )
    array = _check_array(name, mask, (2,))
    if array.dtype.kind != "b":
        raise TypeError(
            f"`{name}` must be an (H, W) array of bool; not {_described(array)}. Pass mask > 0."
        )


def _check_array(name: str, value: object, dimensions: Sequence[int]) -> np.ndarray:
    """Raise unless a value is an array of whole numbers or bool; return it."""
    if not _is_array_like(value):
        raise TypeError(f"`{name}` must be {_RULE}; not {value!r:.80}.")
    array = np.asarray(value)
    if array.dtype.kind not in "biu":
        raise TypeError(
            f"`{name}` must be {_RULE}; not {_described(array)}. Pass segments.astype(int), or "
            "mask > 0.5 where these are masks."
        )
    if array.ndim not in dimensions:
        raise ValueError(
            f"`{name}` must be of the shape (H, W) of its image; not {_described(array)}. Where "
            "an axis has a single place, leave it out: numpy.squeeze(...)."
        )
    if not array.size:
        raise ValueError(f"`{name}` must have a segment for each pixel; not {_described(array)}.")
    masks = array[None] if array.ndim == 2 else array
    empty = [place for place, mask in enumerate(masks) if mask.dtype.kind == "b" and not mask.any()]
    if empty:
        where = f"; those at {checks.some(empty, 5)} have none" if array.ndim > 2 else ""
        raise ValueError(
            f"`{name}` must be true at one pixel or more{where}; not {_described(array)} that is "
            "false everywhere. Leave out empty masks."
        )
    return array


def _described(array: np.ndarray) -> str:
    return f"an array of {array.dtype} and shape {array.shape}"


def _is_array_like(value: object) -> bool:
    """Whether a value is an array, a tensor, or an image of Pillow."""
    return hasattr(value, "__array__") or hasattr(value, "__array_interface__")


def _is_record(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is a mask with what its generator tells of it."""
    return isinstance(value, Mapping) and _MASK in value


def check_region(name: str, value: object) -> None:
    """Raise unless a value is a superpixel or an array of bool, of two pixels or more."""
    rule = "a superpixel, such as a cell of the column `feature_value`, or an (H, W) array of bool"
    if isinstance(value, Superpixel):
        size = len(np.unique(value.indices))
    elif not _is_array_like(value):
        raise TypeError(f"`{name}` must be {rule}; not {value!r:.80}.")
    else:
        array = np.asarray(value)
        if array.dtype.kind != "b":
            raise TypeError(
                f"`{name}` must be {rule}; not {_described(array)}. Pass (segments == 7), for "
                "instance."
            )
        if array.ndim != 2:
            raise ValueError(f"`{name}` must be {rule}; not {_described(array)}.")
        size = np.count_nonzero(array)
    if size < 2:
        raise ValueError(f"`{name}` must have at least two pixels to compare; not {size}.")


# Which segments are whose


def segments_of_cases(segmentation: Segments, names: Sequence[Hashable]) -> list[Any]:
    """
    Find the segments of each case.

    Parameters
    ----------
    segmentation
        As `check_segmentation` has checked it, and not a function.
    names
        The names of the cases.

    Returns
    -------
    list
        For each case an (H, W) array, or a list of its masks; None if a mapping has none for it.

    Raises
    ------
    RequestError
        If there is another number of segmentations than of cases.

    Notes
    -----
    One (H, W) array serves all cases. A list, or a stack, has the masks of a single case, or one
    entry for each of several cases.
    """
    n = len(names)
    if isinstance(segmentation, Mapping) and not _is_record(segmentation):
        found = [segmentation.get(name) for name in names]
        return [None if each is None else _of_one(each) for each in found]
    if _is_record(segmentation):
        segmentation = [segmentation]
    if not isinstance(segmentation, list | tuple):
        array = np.asarray(segmentation)
        if array.ndim == 2:
            return [array] * n
        segmentation = list(array)
    if n == 1:
        return [_of_one(segmentation)]
    if any(map(_is_record, segmentation)):
        raise RequestError(
            f"`segmentation` has {len(segmentation)} masks of one image, and there are {n} images. "
            "Pass a list with a list of masks for each, or a mapping from the names of cases."
        )
    if len(segmentation) != n:
        raise RequestError(
            f"`segmentation` must have one entry for each of the {n} images; not "
            f"{len(segmentation)}. In batches, pass a mapping from the names of cases."
        )
    return [_of_one(each) for each in segmentation]


def _of_one(segments: Any) -> Any:
    """The array, or the list of masks, of one image."""
    if _is_record(segments):
        segments = [segments]
    if not isinstance(segments, list | tuple):
        array = np.asarray(segments)
        if array.ndim == 2:
            return array
        segments = list(array)
    masks = [np.asarray(each[_MASK] if _is_record(each) else each) for each in segments]
    if all(mask.dtype.kind == "b" and mask.ndim == 2 for mask in masks):
        return masks
    if len(masks) == 1:
        return _of_one(segments[0])
    shapes = checks.some(dict.fromkeys(_described(mask) for mask in masks), 3, str)
    raise RequestError(
        f"`segmentation` has {len(masks)} arrays for one image: {shapes}. Pass the segment of each "
        "pixel as one (H, W) array, or masks of bool: [mask > 0 for mask in masks]."
    )


# As superpixels


def labels_of(segments: Any, shape: tuple[int, int], orientation: int) -> np.ndarray:
    """
    Turn segments into superpixels.

    Parameters
    ----------
    segments
        From `segments_of_cases`.
    shape
        Height and width of the image, as it is stored.
    orientation
        How viewers turn it, as EXIF counts.

    Returns
    -------
    numpy.ndarray
        (H, W) array of int, counted from 1 without gaps: in the order of the numbers, or of the
        masks. Masks lie on each other as they do in a picture of all of them, the smallest on top
        (of equal ones the later); one that others cover is left out. The pixels without a mask are
        the last superpixel.

    Raises
    ------
    CaseError
        If the shape is not that of the image.
    """
    if not isinstance(segments, list):
        warn_if_unsure(segments, shape, orientation, "segmentation")
        return numbered(as_stored(segments, shape, orientation, "segmentation"))
    warn_if_unsure(segments[0], shape, orientation, "segmentation")
    masks = [as_stored(mask, shape, orientation, "segmentation") for mask in segments]
    sizes = np.array([np.count_nonzero(mask) for mask in masks])
    labels = np.full(shape, len(masks), dtype=np.int64)
    for number in np.argsort(-sizes, kind="stable"):
        labels[masks[number]] = number
    return numbered(labels)


def numbered(labels: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """
    Count segments from 1 without gaps, in the order of their values.

    Parameters
    ----------
    labels
        (H, W) array of any numbers.
    region
        (H, W) array of bool; what lies outside becomes 0. None for everything.

    Examples
    --------
    >>> numbered(np.array([[0, 7], [-2, 7]]))
    array([[2, 3],
           [1, 3]])
    >>> numbered(np.array([[0, 7], [-2, 7]]), np.array([[True, True], [False, False]]))
    array([[1, 2],
           [0, 0]])
    """
    if region is None:
        _, inverse = np.unique(labels, return_inverse=True)
        return inverse.reshape(labels.shape) + 1
    found = np.zeros(labels.shape, dtype=np.int64)
    _, inverse = np.unique(labels[region], return_inverse=True)
    found[region] = inverse + 1
    return found


def as_stored(
    array: np.ndarray, shape: tuple[int, int], orientation: int, argument: str
) -> np.ndarray:
    """
    Return an array that was made for an image as the image is stored.

    Parameters
    ----------
    array
        (H, W) or (H, W, channels) array: of the image as it is stored, or as it is seen.
    shape
        Height and width of the image, as it is stored.
    orientation
        How viewers turn it, as EXIF counts.
    argument
        Name of the argument in messages.

    Raises
    ------
    CaseError
        If the shape is neither.
    """
    if array.shape[:2] == shape:
        return array
    upright = shape[::-1]
    if orientation > 4 and array.shape[:2] == upright:
        return turned_back(array, orientation)
    hint = "Make it from the image in the size in which the image is passed."
    if array.shape[:2] == upright:
        hint = f"It is transposed, so pass {argument}.T, or numpy.swapaxes({argument}, 0, 1)."
    raise CaseError(
        f"`{argument}` must be of the shape (H, W) of the image, {shape}; not {array.shape[:2]}. "
        f"{hint}"
    )


def warn_if_unsure(
    array: np.ndarray, shape: tuple[int, int], orientation: int, argument: str
) -> None:
    """Warn where nobody can see whether an array is of the image as it is stored, or upright."""
    is_same = orientation < 5 or shape[0] == shape[1]
    if orientation != 1 and is_same and array.shape[:2] == shape:
        checks.warn(
            f"The photo is stored turned or mirrored (EXIF orientation {orientation}), and "
            f"`{argument}` is taken to be as it is stored. If it was made from the upright photo, "
            "pass that as the image as well: PIL.ImageOps.exif_transpose(photo)."
        )


# Within a region


def region_of(within: Region | None, shape: tuple[int, int], orientation: int) -> np.ndarray | None:
    """
    Return the (H, W) array of bool that is true inside a region; None without one.

    Raises
    ------
    CaseError
        If it is a region of an image of another shape.
    """
    if within is None:
        return None
    if not isinstance(within, Superpixel):
        warn_if_unsure(np.asarray(within), shape, orientation, "within")
        return as_stored(np.asarray(within), shape, orientation, "within")
    return as_stored(within.mask, shape, orientation, "within")


def segment_region(
    rgb: np.ndarray,
    region: np.ndarray,
    n_superpixels: int,
    weight: float,
    n_iter: int,
) -> np.ndarray:
    """
    Segment a part of an RGB image into superpixels.

    Parameters
    ----------
    rgb
        (H, W, 3) array of uint8.
    region
        (H, W) array of bool.
    n_superpixels, weight, n_iter
        As in `slic`, but for the region.

    Returns
    -------
    numpy.ndarray
        (H, W) array of int, counted from 1 in the region, and 0 outside.

    Raises
    ------
    ValueError
        If no centre fits into the region.

    Notes
    -----
    The rectangle around the region is segmented in superpixels of the wanted size, which the
    region cuts. As in `slic`, a piece below a quarter of the mean size joins its neighbours: each
    of its pixels the nearest piece.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.measure import label as label_areas  # slow to import

    size = np.count_nonzero(region)
    step = (size / n_superpixels) ** 0.5
    least = int(np.ceil(2 * step))
    rows, columns = np.nonzero(region)
    box = _range_of(rows, least, region.shape[0]), _range_of(columns, least, region.shape[1])
    inside = region[box]
    n_in_box = min(max(round(inside.size / step**2), 1), inside.size)
    pieces = segment(np.ascontiguousarray(rgb[box]), n_in_box, weight, n_iter)
    areas = np.asarray(label_areas(np.where(inside, pieces, 0), connectivity=1, background=0))
    sizes = np.bincount(areas.ravel())
    sizes[0] = 0
    kept = sizes * 4 >= size / n_superpixels
    if np.count_nonzero(kept) < 2:  # of a region in many small parts
        kept = np.zeros(len(sizes), dtype=bool)
        kept[np.argsort(-sizes, kind="stable")[:n_superpixels]] = True
    kept[0] = False
    if not kept[areas[inside]].all():
        nearest = distance_transform_edt(~kept[areas], return_distances=False, return_indices=True)
        areas = areas[tuple(nearest)]
    labels = np.zeros(region.shape, dtype=np.int64)
    labels[box] = numbered(areas, inside)
    return labels


def _range_of(places: np.ndarray, least: int, length: int) -> slice:
    """The range from the first to the last of some places, or around them to have a length."""
    start, stop = int(places.min()), int(places.max()) + 1
    start = max(start - max(least - (stop - start), 0) // 2, 0)
    stop = min(max(stop, start + least), length)
    return slice(max(min(start, stop - least), 0), stop)
