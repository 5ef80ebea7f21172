"""The numbers of images: what is black, what is white, and how people see them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pylime import checks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "PixelRange",
    "as_colours",
    "check_pixel_range",
    "extremes",
    "find_pixel_range",
    "turned_back",
    "upright",
]

PixelRange: TypeAlias = tuple[float, float]
"""The numbers of black and of white."""

# Sensors have 8, 10, 12, 14 or 16 bits, whatever the type in which their numbers are kept.
_WHITES = (255, 1023, 4095, 16383, 65535)
# Numbers that have been computed may miss the ends of their range by this much.
_ROUNDING = 1e-5
# The ranges from 0 to 1, from -1 to 1 and from 0 to 255 can only be told apart by numbers that
# fill a part of them: a lowest of at most -0.1, and a highest of at least 16.
_CLEARLY_BELOW_0, _CLEARLY_BYTES = -0.1, 16


def extremes(arrays: Iterable["NDArray"]) -> PixelRange:
    """Return the lowest and the highest number in some arrays; NaN if one is missing."""
    found = [(float(array.min()), float(array.max())) for array in arrays if array.size]
    if not found:
        return 0.0, 0.0
    lowest, highest = np.transpose(found)
    return float(lowest.min()), float(highest.max())


def find_pixel_range(dtype: np.dtype, lowest: float, highest: float) -> PixelRange:
    """
    Find out which numbers mean black and white.

    Parameters
    ----------
    dtype
        The type of the numbers.
    lowest, highest
        The extremes of all numbers.

    Returns
    -------
    tuple
        The numbers of black and white: 0 and 255 for bytes; 0 and the highest of 8, 10, 12, 14
        or 16 bits for other whole numbers; 0 and 1, -1 and 1 or 0 and 255 for fractions.

    Raises
    ------
    ValueError
        If the numbers fit none of these, or leave open which.

    Examples
    --------
    >>> find_pixel_range(np.dtype("uint16"), 3, 4000)
    (0.0, 4095.0)
    >>> find_pixel_range(np.dtype("float32"), -0.98, 0.7)
    (-1.0, 1.0)
    """
    if dtype.kind == "b":
        return 0.0, 1.0
    if dtype == np.uint8:
        return 0.0, 255.0
    if dtype.kind in "iu" and lowest >= 0:
        for white in _WHITES:
            if highest <= white:
                return 0.0, float(white)
    elif dtype.kind == "f":
        if lowest >= -_ROUNDING and highest <= 1 + _ROUNDING:
            return 0.0, 1.0
        if -1 - _ROUNDING <= lowest <= _CLEARLY_BELOW_0 and highest <= 1 + _ROUNDING:
            return -1.0, 1.0
        if lowest >= -_ROUNDING and _CLEARLY_BYTES <= highest <= 255 + _ROUNDING:
            return 0.0, 255.0
    fractions = ", from 0 to 1 or from -1 to 1" if dtype.kind == "f" else ", or to 65535"
    raise ValueError(
        f"Pixel values must lie from 0 to 255{fractions}; these lie from {lowest:g} to "
        f"{highest:g}. Name the values of black and white: lime(..., pixel_range=(low, high))."
    )


def check_pixel_range(name: str, value: object) -> None:
    """Raise unless a value is a pair of numbers of which the first is lower."""
    is_pair = isinstance(value, tuple | list) and len(value) == 2
    if not is_pair or not all(checks.is_number(part) and np.isfinite(part) for part in value):  # type: ignore
        raise TypeError(
            f"`{name}` must be the values of black and white, such as (0, 1); not {value!r:.80}."
        )
    low, high = value  # type: ignore[misc]
    if not low < high:
        raise ValueError(f"`{name}` must be (low, high), the lower value first; not {value!r:.80}.")


def as_colours(
    pixels: "NDArray", pixel_range: PixelRange | None = None, alpha: bool = False
) -> "NDArray[np.uint8]":
    """
    Return the colours in which people, and superpixels, see an image.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, channels) array of any numbers.
    pixel_range
        The numbers of black and white; by default those of the type, or the extremes.
    alpha
        Whether the last channel is opacity.

    Returns
    -------
    numpy.ndarray
        uint8: (H, W) of one channel, or the mean of two; (H, W, 3) of the first three of more;
        (H, W, 4) with opacity.

    Examples
    --------
    >>> as_colours(np.array([[-1.0, 0.0, 1.0]]), (-1, 1))
    array([[  0, 128, 255]], dtype=uint8)
    >>> as_colours(np.zeros((20, 30, 13))).shape
    (20, 30, 3)
    """
    if pixel_range is None:
        pixel_range = _some_range(pixels)
    channels = 0 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 2 and alpha:
        grey = as_colours(pixels[..., :1], pixel_range)
        opacity = as_colours(pixels[..., 1:], pixel_range)
        return np.stack([grey, grey, grey, opacity], axis=2)
    if channels == 1:
        pixels = pixels[..., 0]
    elif channels == 2:
        pixels = pixels.mean(axis=2)
    elif channels > 3 and not (alpha and channels == 4):
        pixels = pixels[..., :3]
    low, high = pixel_range
    if pixels.dtype == np.uint8 and (low, high) == (0, 255):
        return pixels
    shades = pixels.astype(np.float32 if pixels.dtype.itemsize <= 2 else np.float64)
    shades -= low
    shades *= 255.0 / (high - low)
    np.rint(shades, out=shades)
    return np.clip(shades, 0, 255, out=shades).astype(np.uint8)


def _some_range(pixels: "NDArray") -> PixelRange:
    """Return the range of an image that nobody has named: its own, if it fits no other."""
    lowest, highest = extremes([pixels])
    try:
        return find_pixel_range(pixels.dtype, lowest, highest)
    except ValueError:
        return (lowest, highest) if lowest < highest else (0.0, 1.0)


def upright(pixels: "NDArray", orientation: int) -> "NDArray":
    """
    Turn an image as its EXIF orientation says, as viewers of photos do.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, channels) array.
    orientation
        From 1, which is upright, to 8.

    Examples
    --------
    >>> upright(np.array([[1, 2, 3], [4, 5, 6]]), 6)
    array([[4, 1],
           [5, 2],
           [6, 3]])
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def turned_back(pixels: "NDArray", orientation: int) -> "NDArray":
    """
    Turn an upright image back to how one of an EXIF orientation is stored.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, channels) array.
    orientation
        From 1, which is upright, to 8.

    Examples
    --------
    >>> turned_back(upright(np.array([[1, 2, 3], [4, 5, 6]]), 6), 6)
    array([[1, 2, 3],
           [4, 5, 6]])
    """
    return upright(pixels, {6: 8, 8: 6}.get(orientation, orientation))
