"""
What stands behind removed superpixels: a colour, their means, a blurred image, another picture.

All of them are in the numbers and the mode of the image, so that a model sees permutations as it
sees the image.
"""

import difflib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, ImageColor

from pylime import checks
from pylime.errors import CaseError
from pylime.filenames import are_file_names, is_file
from pylime.image.pixels import (
    ALPHA_MODES,
    RGBA,
    TRANSPARENCY,
    Original,
    are_bytes,
    check_image,
    flatten,
    parse_colour,
    read_original,
    rgb_pixels,
)
from pylime.image.segments import as_stored, warn_if_unsure
from pylime.options import Background, Colour
from pylime.shades import turned_back, upright

__all__ = ["check_background", "on_background"]

# The names of backgrounds that come from the image itself.
_OWN = ("mean", "blur")
# The standard deviation of the blur as a share of the image's side, the root of its area.
_BLUR = 0.05
_RULE = (
    "a colour (a name such as 'grey' or 'black', '#rrggbb', or (red, green, blue) from 0 to 255), "
    "a number for each channel, 'mean', 'blur', or a picture of the image's size: a path, a PIL "
    "image or an array"
)
# Modes of Pillow whose numbers are neither shades nor red, green and blue.
_OTHER_COLOURS = ("CMYK", "YCbCr", "HSV")
_GREY_MODES = ("1", "L", "LA", "La", "I;16")


# What was passed


def check_background(argument: str, value: object) -> None:
    """Raise unless a value is a background."""
    if _is_picture(value):
        try:
            check_image(value)  # type: ignore[arg-type]
        except (OSError, ValueError) as error:
            raise type(error)(f"`{argument}` cannot be read as a picture. {error}") from error
        return
    if _is_array(value):
        _check_array(argument, np.asarray(value))
        return
    if isinstance(value, str):
        _check_name(argument, value)
        return
    if isinstance(value, tuple | list) and value and all(map(_is_finite, value)):
        return
    raise ValueError(f"`{argument}` must be {_RULE}; not {value!r:.80}.")


def _check_name(argument: str, name: str) -> None:
    """Raise unless a string is a colour or the name of a background."""
    if _own_name(name):
        return
    if are_file_names([name]):
        raise FileNotFoundError(f"`{argument}` must be {_RULE}; the file {name} does not exist.")
    try:
        parse_colour(name, argument)
    except ValueError:
        near = difflib.get_close_matches(name.lower(), [*_OWN, *ImageColor.colormap], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"`{argument}` must be {_RULE}; not {name!r:.80}.{hint}") from None


def _check_array(argument: str, array: np.ndarray) -> None:
    """Raise unless an array has finite numbers."""
    given = f"an array of {array.dtype} and shape {array.shape}"
    if array.dtype.kind not in "biuf" or not 1 <= array.ndim <= 3 or not array.size:
        raise ValueError(f"`{argument}` must be {_RULE}; not {given}.")
    if not np.isfinite(array).all():
        raise ValueError(f"`{argument}` must have finite numbers; not {given} with others.")


def _is_finite(value: object) -> bool:
    return checks.is_number(value) and bool(np.isfinite(value))


def _own_name(background: object) -> str:
    """`"mean"` or `"blur"`, if that is the background; else empty."""
    name = background.strip().lower() if isinstance(background, str) else ""
    return name if name in _OWN else ""


def _is_picture(background: object) -> bool:
    """Whether a background is a file or an image of Pillow; names of colours are colours."""
    if isinstance(background, os.PathLike | Image.Image):
        return True
    if not isinstance(background, str) or _own_name(background):
        return False
    try:
        parse_colour(background, "background")
    except ValueError:
        return is_file(background)
    return False


def _is_array(background: object) -> bool:
    return hasattr(background, "__array__") and not isinstance(background, Image.Image)


# What stands behind an image


def on_background(
    original: Original, background: Background, labels: np.ndarray
) -> tuple[Original, np.ndarray]:
    """
    Lay an image over the background, in the numbers and channels of the image.

    Parameters
    ----------
    original
        The image. A grey file becomes one of colours, and an opaque one one with opacity, if
        a colour asks for it; with all other backgrounds, and as images of Pillow and arrays,
        it keeps its mode and channels.
    background
        As in `pylime.explain`.
    labels
        (H, W) array, the superpixel of each pixel.

    Returns
    -------
    tuple
        The image, whose transparent pixels show the background unless that comes from the image
        itself; and the background: a number for each channel, or an array of the shape of
        `painted`.

    Raises
    ------
    CaseError, ValueError
        If the background does not fit the image.
    """
    if name := _own_name(background):
        return _on_itself(original, name, labels)
    if _is_picture(background):
        return _on_picture(original, background)
    if _is_array(background):
        array = np.asarray(background)
        if array.ndim > 1:
            return _on_array(original, array)
        background = tuple(array.tolist())
    return _on_colour(original, background)  # type: ignore[arg-type]


# The image itself


def _on_itself(original: Original, name: str, labels: np.ndarray) -> tuple[Original, np.ndarray]:
    """Lay an image over the means of its superpixels, or over itself, blurred."""
    by_palette, by_colour = original.mode == "P", original.mode in _OTHER_COLOURS
    source = original.pixels if by_palette or by_colour else original.painted
    smooth = _means_of(labels) if name == "mean" else _blur_of(labels.shape)
    behind = _smoothed(source, smooth, has_opacity=original.alpha)
    keeps_opacity = by_palette or not original.mode or original.mode in ALPHA_MODES
    if original.alpha and keeps_opacity:
        rest = [each for each in original.differences if each != TRANSPARENCY]
        original = replace(original, differences=tuple(rest))
    elif original.alpha:
        behind[..., 3] = original.pixel_range[1]
        original = _flattened(original, behind)
    if by_palette:
        return _with_palette(original, behind)
    if by_colour:
        behind = np.array(Image.fromarray(behind).convert(original.mode))
    return original, _two_shades(behind) if original.mode == "1" else behind


def _means_of(labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The function that gives each superpixel the mean of its numbers."""
    flat = labels.ravel()
    counts = np.maximum(np.bincount(flat), 1)
    return lambda numbers: (np.bincount(flat, numbers.ravel()) / counts)[labels]


def _blur_of(shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """The function that blurs numbers as a normal distribution does, in time for any width."""
    from scipy.ndimage import uniform_filter  # slow to import

    deviation = _BLUR * (shape[0] * shape[1]) ** 0.5
    # Three means over a length have the variance of the normal distribution.
    size = 2 * round(((4 * deviation**2 + 1) ** 0.5 - 1) / 2) + 1

    def blur(numbers: np.ndarray) -> np.ndarray:
        numbers = numbers.astype(np.float64)
        for _ in range(3):
            numbers = uniform_filter(numbers, size, mode="nearest")
        return numbers

    return blur


def _smoothed(
    pixels: np.ndarray, smooth: Callable[[np.ndarray], np.ndarray], has_opacity: bool
) -> np.ndarray:
    """Smooth each channel; colours count by their opacity, where there is any."""
    channels = pixels[..., None] if pixels.ndim == 2 else pixels
    found = np.empty(channels.shape, dtype=pixels.dtype)
    opacity = channels[..., 3].astype(np.float64) if has_opacity else None
    total = None if opacity is None else smooth(opacity)
    for number in range(channels.shape[2]):
        channel = channels[..., number]
        if opacity is None or total is None or number == 3:
            smoothed = smooth(channel)
        else:
            visible = total > 1e-6
            smoothed = smooth(channel * opacity) / np.where(visible, total, 1.0)
            smoothed = np.where(visible, smoothed, smooth(channel))
        found[..., number] = _rounded(smoothed, pixels.dtype)
    return found[..., 0] if pixels.ndim == 2 else found


def _rounded(numbers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Convert numbers to a type, whole ones to the nearest."""
    if dtype.kind == "b":
        return numbers >= 0.5
    return (numbers if dtype.kind == "f" else np.rint(numbers)).astype(dtype)


def _two_shades(grey: np.ndarray) -> np.ndarray:
    """The nearer of black and white, which is all that mode 1 has."""
    return np.where(grey >= 128, np.uint8(255), np.uint8(0))


# Another picture


def _on_picture(original: Original, picture: Any) -> tuple[Original, np.ndarray]:
    """Lay an image over a picture of the same size, both as people see them."""
    other = read_original(picture)
    size, seen = _size_of(original), _size_of(other)
    if size != seen:
        raise CaseError(
            f"`background` must be a picture of the size of the image, {size[0]}x{size[1]}; not "
            f"{seen[0]}x{seen[1]}. Resize it: picture.resize({size})."
        )
    same = (
        other.mode == original.mode
        and other.painted.dtype == original.painted.dtype
        and other.painted.shape[2:] == original.painted.shape[2:]
    )
    is_plain = not original.alpha and not other.alpha and original.mode != "P"
    pixels = other.painted if same and is_plain else other.colours
    turned = turned_back(upright(pixels, other.orientation), original.orientation)
    if same and is_plain:
        return original, turned
    return _on_colours(original, turned)


def _size_of(original: Original) -> tuple[int, int]:
    """The width and height of an image as people see it."""
    height, width = original.pixels.shape[:2]
    return (height, width) if original.orientation > 4 else (width, height)


def _on_array(original: Original, array: np.ndarray) -> tuple[Original, np.ndarray]:
    """Lay an image over an array, in the image's numbers or, of some modes, in RGB."""
    if original.channels_first and array.ndim == 3:
        array = np.moveaxis(array, 0, -1)
    in_rgb = original.mode == "P" or original.mode in _OTHER_COLOURS
    painted = original.pixels if in_rgb else original.painted
    if array.dtype.kind == "b" and original.mode == "1":
        array = np.where(array, np.uint8(255), np.uint8(0))
    shape, orientation = painted.shape[:2], original.orientation
    if array.shape[:2] in (shape, shape[::-1]):
        warn_if_unsure(array, shape, orientation, "background")
        array = as_stored(array, shape, orientation, "background")
    fits = _as_channels(array, painted.shape, original.alpha or in_rgb)
    if fits is None:
        raise CaseError(
            f"`background` must be an array of the shape of the image, {_shapes(original)}; not "
            f"{array.shape}."
        )
    opaque = original.pixel_range[1]
    if fits.shape[-1] == 3 and painted.shape[2:] == (4,) and original.alpha:
        full = np.full((*fits.shape[:-1], 1), opaque, dtype=fits.dtype)
        fits = np.concatenate([fits, full], axis=-1)
    _check_numbers(array, original)
    if in_rgb:
        return _on_colours(original, np.broadcast_to(fits, (*shape, fits.shape[-1])))
    behind = np.broadcast_to(fits, painted.shape).astype(painted.dtype)
    if original.alpha:
        original = _flattened(original, behind)
    return original, _two_shades(behind) if original.mode == "1" else behind


def _as_channels(array: np.ndarray, shape: tuple[int, ...], by_colour: bool) -> np.ndarray | None:
    """Bring an array into the dimensions of an image; None if it does not fit."""
    if len(shape) == 2:
        array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
        return array if array.ndim == 2 and _broadcasts(array.shape, shape) else None
    if array.ndim == 2:
        if array.shape != shape[:2]:
            return None
        array = np.repeat(array[..., None], 3, axis=2) if by_colour else array[..., None]
    if by_colour and array.shape[2] in (3, 4) and array.shape[2] <= shape[2]:
        return array if _broadcasts(array.shape[:2], shape[:2]) else None
    return array if _broadcasts(array.shape, shape) else None


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return all(a in (1, b) for a, b in zip(shape, to, strict=True))


def _shapes(original: Original) -> str:
    """The shapes that an array behind an image can have."""
    height, width, *channels = original.pixels.shape
    if not channels:
        return f"{(height, width)}"
    whole = (*channels, height, width) if original.channels_first else original.pixels.shape
    return f"{whole} or {(height, width)}"


def _check_numbers(array: np.ndarray, original: Original) -> None:
    """Raise unless an array has the numbers of an image."""
    dtype = original.painted.dtype
    low, high = original.pixel_range
    lowest, highest = float(array.min()), float(array.max())
    whole = dtype.kind == "f" or array.dtype.kind in "biu" or bool((array == np.rint(array)).all())
    known = (array.dtype.kind == "b") <= (dtype.kind == "b")
    if known and whole and low <= lowest and highest <= high:
        return
    numbers = "numbers" if dtype.kind == "f" else "whole numbers"
    raise CaseError(
        f"`background` must have {numbers} from {low:g} to {high:g}, as the image has; not "
        f"{array.dtype} from {lowest:g} to {highest:g}."
    )


def _on_colours(original: Original, colours: np.ndarray) -> tuple[Original, np.ndarray]:
    """Lay an image over a picture of bytes: grey, red, green and blue, or with opacity."""
    rgb = rgb_pixels(colours if colours.shape[2:] != (1,) else colours[..., 0]).astype(np.uint8)
    opacity = colours[..., 3] if colours.shape[2:] == (4,) else None
    if opacity is not None and not original.alpha and (opacity < 255).any():
        raise CaseError(
            "`background` can be transparent only for images with an alpha channel; convert the "
            'picture: picture.convert("RGB").'
        )
    if original.mode in _GREY_MODES:
        rgb = np.repeat(_brightness(rgb)[..., None], 3, axis=2)
    if original.mode in _OTHER_COLOURS:
        return original, np.array(Image.fromarray(rgb).convert(original.mode))
    if original.alpha:
        full = np.full(rgb.shape[:2], 255, dtype=np.uint8) if opacity is None else opacity
        rgba = np.concatenate([rgb, full[..., None]], axis=2)
        if original.mode == "P":
            return _with_palette(original, rgba, is_behind_all=True)
        low, high = original.pixel_range
        painted = original.painted
        behind = rgba if painted.dtype == np.uint8 else _scaled(rgba, low, high, painted.dtype)
        return _flattened(original, behind), behind
    if original.mode == "P":
        return _with_palette(original, rgb)
    painted = original.painted
    n_channels = 1 if painted.ndim == 2 else painted.shape[2]
    grey = _brightness(rgb)[..., None]
    wanted = [rgb, *[grey] * (n_channels - 3)] if n_channels > 2 else [grey] * n_channels
    shades = np.concatenate(wanted, axis=2).reshape(painted.shape)
    behind = _scaled(shades, *original.pixel_range, painted.dtype)
    return original, _two_shades(behind) if original.mode == "1" else behind


def _flattened(original: Original, behind: np.ndarray) -> Original:
    """Lay an image with opacity over a picture; it keeps its mode if the picture is opaque."""
    opaque = original.pixel_range[1]
    mode = original.mode
    if mode and mode not in ALPHA_MODES and (behind[..., 3] < opaque).any():
        mode = "RGBA"
    painted = flatten(original.painted, behind, opaque)
    return replace(original, painted=painted, mode=mode)


# The palette of an image


def _with_palette(
    original: Original, behind: np.ndarray, is_behind_all: bool = False
) -> tuple[Original, np.ndarray]:
    """
    Add the colours of a background to the palette of an image.

    Parameters
    ----------
    original
        The image, of mode P.
    behind
        (H, W, 3) or (H, W, 4) array of uint8.
    is_behind_all
        Whether transparent pixels of the image show it.

    Returns
    -------
    tuple
        The image, and the (H, W) indices of the background. New colours take the places that the
        image does not use; if they are too many, they are reduced to these places.
    """
    assert original.palette is not None
    painted, n_colours = original.painted, len(original.palette)
    behind = _rgba(behind).reshape(-1, 4)
    palette = np.zeros((256, 4), dtype=np.uint8)
    palette[:n_colours] = original.palette
    wanted, changed = behind, np.zeros(painted.shape, dtype=bool)
    if is_behind_all:
        changed = palette[painted, 3] < 255
        mixed = flatten(_rgba(original.pixels), behind.reshape(*painted.shape, 4))
        wanted = np.concatenate([behind, mixed[changed]])
    used = np.bincount(painted[~changed], minlength=256) > 0
    free = [place for place in [*range(n_colours, 256), *range(n_colours)] if not used[place]]
    # Four bytes are compared as one number.
    keys, numbers = np.unique(wanted.view(np.uint32).ravel(), return_inverse=True)
    colours = keys.view(np.uint8).reshape(-1, 4)
    new = colours[~np.isin(keys, np.ascontiguousarray(palette[used]).view(np.uint32).ravel())]
    if len(new) > len(free):
        new = _fewer_colours(wanted, len(free))
    places = np.concatenate([np.flatnonzero(used), np.array(free[: len(new)], dtype=np.intp)])
    palette[free[: len(new)]] = new
    index = places[_nearest(colours, palette[places])].astype(np.uint8)[numbers]
    indices = index[: painted.size].reshape(painted.shape)
    if changed.any():
        painted = painted.copy()
        painted[changed] = index[painted.size :]
    size = max(n_colours, int(places.max()) + 1)
    return replace(original, painted=painted, palette=palette[:size]), indices


def _rgba(pixels: np.ndarray) -> np.ndarray:
    """Add full opacity to colours that have none."""
    if pixels.shape[2] == 4:
        return np.ascontiguousarray(pixels)
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, dtype=np.uint8)])


def _fewer_colours(colours: np.ndarray, n: int) -> np.ndarray:
    """Reduce (m, 4) colours to n that stand for them."""
    if not n:
        return np.empty((0, 4), dtype=np.uint8)
    opaque = bool((colours[:, 3] == 255).all())
    image = Image.fromarray(colours[None, :, :3] if opaque else colours[None])
    method = Image.Quantize.MEDIANCUT if opaque else Image.Quantize.FASTOCTREE
    reduced = image.quantize(n, method=method, dither=Image.Dither.NONE)
    found = np.array(reduced.getpalette("RGBA"), dtype=np.uint8).reshape(-1, 4)
    return found[:n]


def _nearest(colours: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Find the nearest of some colours to each of others."""
    from scipy.spatial import KDTree  # slow to import

    _, places = KDTree(among.astype(np.float64)).query(colours.astype(np.float64))
    return np.asarray(places)


# A colour


def _on_colour(
    original: Original, background: Colour | Sequence[float]
) -> tuple[Original, np.ndarray]:
    """Lay an image over a colour, and give it the channels that the colour needs."""
    if original.is_file and (isinstance(background, str) or len(background) in (3, 4)):
        original = _with_room_for(original, background)
    if original.mode == "P":
        colour = parse_colour(background, "background")
        palette, index = _palette_with(original, colour)
        return replace(original, palette=palette), np.array([index], dtype=np.uint8)
    values = _channel_values(background, original)
    if original.alpha:
        flat = flatten(original.painted, values, original.pixel_range[1])
        original = replace(original, painted=flat, mode=_mode_of(original, values))
    return original, values


def _with_room_for(original: Original, background: Colour | Sequence[float]) -> Original:
    """Add the channels that a colour needs to an image from a file."""
    if original.painted.dtype != np.uint8 or original.mode not in ("1", "L", "RGB", "P"):
        return original
    colour = parse_colour(background, "background")
    mode = original.mode
    if colour[3] < 255 and not original.alpha:
        mode = "RGBA"
    elif mode in ("1", "L") and not _is_grey(colour) and not original.alpha:
        mode = "RGB"
    if mode == original.mode:
        return original
    pixels = np.array(Image.fromarray(original.pixels).convert(mode))
    return replace(original, pixels=pixels, painted=pixels, mode=mode, alpha=mode == "RGBA")


def _mode_of(original: Original, background: np.ndarray) -> str:
    """The mode of the permutations of an image with opacity."""
    mode = original.mode
    if original.is_file and mode in ("L", "LA", "1") and not _is_grey(background.tolist()):
        return "RGBA" if mode == "LA" else "RGB"
    if mode in ("RGB", "L", "1", "I;16") and background[3] < 255:
        return "RGBA"
    return mode


def _is_grey(colour: RGBA | Sequence[float]) -> bool:
    return colour[0] == colour[1] == colour[2]


def _palette_with(original: Original, colour: RGBA) -> tuple[np.ndarray, int]:
    """
    Lay the palette of an image over a colour that it gets too.

    Parameters
    ----------
    original
        The image, of mode P.
    colour
        Of the background.

    Returns
    -------
    tuple
        The (n, 4) colours of the permutations, and the index of the background: in a full palette
        it takes the place of a colour that the image does not use, or the nearest is taken.
    """
    assert original.palette is not None
    palette = flatten(original.palette[None], colour)[0]
    away = np.square(palette.astype(np.int64) - colour).sum(axis=1)
    index = int(away.argmin())
    if not away[index]:
        return palette, index
    if len(palette) < 256:
        return np.concatenate([palette, np.array([colour], dtype=np.uint8)]), len(palette)
    unused = np.flatnonzero(np.bincount(original.painted.ravel(), minlength=256) == 0)
    if len(unused):
        index = int(unused[0])
        palette[index] = colour
    return palette, index


def _channel_values(background: Colour | Sequence[float], original: Original) -> np.ndarray:
    """
    Say what the background is in the channels of an image.

    Parameters
    ----------
    background
        A colour: in three channels or more, the first three get red, green and blue and all
        others its brightness; in one or two, each gets its brightness. Or a tuple with a number
        for each channel, in the numbers of the image.
    original
        The image, whose `painted` pixels are not of a palette.

    Returns
    -------
    numpy.ndarray
        A number for each channel, of the image's type.

    Raises
    ------
    ValueError
        If the background does not fit the image.
    """
    painted = original.painted
    channels = 1 if painted.ndim == 2 else painted.shape[2]
    low, high = original.pixel_range
    given = not isinstance(background, str) and len(background)
    is_colour = original.alpha or original.mode in ("CMYK", "YCbCr", "HSV")
    if given == channels and not is_colour:
        values = np.asarray(background, dtype=np.float64)
        whole = painted.dtype.kind == "f" or (values == np.rint(values)).all()
        if not whole or values.min() < low or values.max() > high:
            numbers = "numbers" if painted.dtype.kind == "f" else "whole numbers"
            raise ValueError(
                f"`background` must be a colour or {numbers} from {low:g} to {high:g} here, as "
                f"the image has; not {background!r}."
            )
        return values.astype(painted.dtype)
    if given and not _is_byte_colour(background):
        raise ValueError(
            "`background` must be a colour, or a tuple with a number for each channel; this image "
            f"has {channels} channel{'s' if channels > 1 else ''}, not {background!r}."
        )
    colour = parse_colour(background, "background")
    if colour[3] < 255 and not original.alpha:
        raise ValueError(
            "`background` can be transparent only for images with an alpha channel; "
            f"this one has {channels} channel{'s' if channels > 1 else ''}."
        )
    if original.alpha:
        if painted.dtype == np.uint8:
            return np.array(colour, dtype=np.uint8)
        return _scaled(colour, low, high, painted.dtype)
    if is_colour:
        swatch = Image.new("RGB", (1, 1), colour[:3]).convert(original.mode)
        return np.array(swatch)[0, 0]
    brightness = _brightness_of(colour)
    wanted = [*colour[:3], *[brightness] * (channels - 3)] if channels > 2 else [brightness] * 2
    return _scaled(wanted[:channels], low, high, painted.dtype)


def _brightness(rgb: np.ndarray) -> np.ndarray:
    """Return the (H, W) greys of (H, W, 3) colours of bytes."""
    weighted = rgb.astype(np.int64) @ np.array([299, 587, 114])
    return ((weighted + 500) // 1000).astype(np.uint8)


def _brightness_of(colour: RGBA) -> int:
    """Return the grey of a colour, from 0 to 255."""
    red, green, blue = colour[:3]
    return (red * 299 + green * 587 + blue * 114 + 500) // 1000


def _scaled(
    values: Sequence[int] | np.ndarray, low: float, high: float, dtype: np.dtype
) -> np.ndarray:
    """Convert bytes to the numbers of an image."""
    numbers = np.array(values) / 255 * (high - low) + low
    return (numbers if dtype.kind == "f" else np.rint(numbers)).astype(dtype)


def _is_byte_colour(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) in (3, 4) and are_bytes(value)
