"""Image files, colours and pixels: reading, and laying one over another."""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageColor

from pylime._types import OneImage
from pylime.image.png import ORIENTATION, bit_depth
from pylime.shades import PixelRange, as_colours, extremes, find_pixel_range

if TYPE_CHECKING:
    from tifffile import TiffFile

__all__ = [
    "ALPHA_MODES",
    "RGBA",
    "TRANSPARENCY",
    "Original",
    "PixelRanges",
    "are_bytes",
    "check_image",
    "flatten",
    "has_deep_colours",
    "on_white",
    "open_file",
    "parse_colour",
    "read_image",
    "read_numbers",
    "read_original",
    "rgb_pixels",
]

RGBA: TypeAlias = tuple[int, int, int, int]
"""Red, green, blue and alpha, from 0 to 255."""

PixelRanges: TypeAlias = Mapping[str, PixelRange]
"""
The numbers of black and white by kind of number: `"f"` fractions, `"i"` whole numbers, and `"u1"`
bytes, where the user has said what they are.
"""

# Modes of Pillow whose pixels are numbers, channel by channel, and no colours with opacity.
_PLAIN_MODES = frozenset(["L", "RGB", "CMYK", "YCbCr", "HSV", "I", "F"])
_BITS_PER_SAMPLE = 258  # a tag of TIFF
ALPHA_MODES = frozenset(["LA", "La", "PA", "RGBA", "RGBa"])
"""Modes of Pillow that have opacity."""


@dataclass(frozen=True, eq=False)
class Original:
    """
    An image as it was passed, and what its permutations have in common with it.

    Attributes
    ----------
    item
        What was passed: a path, an image of Pillow or an array.
    pixels
        (H, W) or (H, W, channels) array: what an explanation reports, as it is stored.
    painted
        The same in the numbers of `mode`: what permutations are painted of. Of an image with
        opacity, red, green, blue and alpha.
    pixel_range
        The numbers of black and white.
    mode
        Pillow's mode of the permutations; empty for arrays.
    palette
        (n, 4) array: the colours of mode P, and their opacities.
    alpha
        Whether the last channel is opacity.
    orientation
        How viewers turn the image, as EXIF counts.
    profile
        Its ICC profile.
    tiff
        Whether its permutations are TIFF files.
    channels_first
        Whether channels came before rows.
    differences
        What a model may see of it, and not of its permutations.
    """

    item: OneImage
    pixels: np.ndarray
    painted: np.ndarray
    pixel_range: PixelRange = (0.0, 255.0)
    mode: str = ""
    palette: np.ndarray | None = None
    alpha: bool = False
    orientation: int = 1
    profile: bytes = b""
    tiff: bool = False
    channels_first: bool = False
    differences: tuple[str, ...] = field(default=())

    @property
    def is_file(self) -> bool:
        """Whether it is a file."""
        return isinstance(self.item, str | Path)

    @property
    def colours(self) -> np.ndarray:
        """(H, W), (H, W, 3) or, with opacity, (H, W, 4) array of uint8: what people see."""
        return as_colours(self.pixels, self.pixel_range, self.alpha)


def parse_colour(colour: object, argument: str) -> RGBA:
    """
    Read a colour.

    Parameters
    ----------
    colour
        A CSS name, `"#rrggbb"`, `"#rrggbbaa"`, `"none"` for transparent, or a tuple of 3 or
        4 numbers from 0 to 255. `"grey"` is R's, (190, 190, 190).
    argument
        Name of the argument in an error.

    Returns
    -------
    tuple
        Red, green, blue and alpha, from 0 to 255.

    Raises
    ------
    ValueError
        If it is not a colour.

    Examples
    --------
    >>> parse_colour("firebrick", "outline_col")
    (178, 34, 34, 255)
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
    elif isinstance(colour, tuple | list) and len(colour) in (3, 4) and are_bytes(colour):
        red, green, blue, *alpha = map(int, colour)
        return (red, green, blue, alpha[0] if alpha else 255)
    raise ValueError(
        f"`{argument}` must be a colour: a name such as 'grey' or 'black', '#rrggbb', or "
        f"(red, green, blue) from 0 to 255; not {colour!r}."
    )


def are_bytes(values: Sequence[object]) -> bool:
    """Whether all values are whole numbers from 0 to 255."""
    return all(isinstance(value, int | np.integer) and 0 <= value <= 255 for value in values)


def read_original(
    item: OneImage,
    ranges: PixelRanges | None = None,
    *,
    channels_first: bool = False,
) -> Original:
    """
    Read an image.

    Parameters
    ----------
    item
        A path, an image of Pillow or an array.
    ranges
        The numbers of black and white, where they are known.
    channels_first
        Whether an array has its channels before the rows.

    Returns
    -------
    Original
        Its pixels, in the bits and channels that it has. Palettes and other colour spaces are
        reported as RGB. As in R, pixels are not turned by the EXIF orientation.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If it is empty, not an image, or truncated, has no pixels, or its numbers do not lie in
        the range of black and white.
    """
    if isinstance(item, str | Path):
        original = _read_file(Path(item))
    elif isinstance(item, Image.Image):
        original = _read_pil(item)
    else:
        pixels = np.asarray(item)
        if channels_first and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
        first = channels_first and pixels.ndim == 3
        original = Original(item, pixels, pixels, channels_first=first)
    if not original.pixels.size:
        raise ValueError(f"The image has no pixels: its shape is {original.pixels.shape}.")
    pixel_range = _range_of(original.pixels, ranges or {})
    return replace(original, item=item, pixel_range=pixel_range)


def read_image(item: OneImage) -> np.ndarray:
    """
    Read an image in the colours in which people see it.

    Parameters
    ----------
    item
        A path, an image of Pillow or an array.

    Returns
    -------
    numpy.ndarray
        (H, W) for grey, (H, W, 3) for colour, (H, W, 4) with transparency; uint8. As in R, it is
        not turned by the EXIF orientation.

    Raises
    ------
    FileNotFoundError, ValueError
        As in `read_original`.
    """
    return read_original(item).colours


def check_image(item: OneImage) -> None:
    """Raise the errors of `read_original`, but read only the header of a valid file."""
    if isinstance(item, str | Path):
        try:
            with open_file(Path(item)):
                return
        except (OSError, SyntaxError, ValueError, *_BOMBS):
            pass  # reading the whole file raises the error that describes the problem
    read_numbers(item)


def read_numbers(item: OneImage) -> np.ndarray:
    """Read the pixels of an image, whatever its numbers mean."""
    anything = (-np.inf, np.inf)
    return read_original(item, {"f": anything, "i": anything, "u1": anything}).pixels


def _range_of(pixels: np.ndarray, ranges: PixelRanges) -> PixelRange:
    """Return the numbers of black and white of an image; raise if it has others."""
    if pixels.dtype == np.uint8 and "u1" not in ranges:
        return 0.0, 255.0
    if ranges.get("u1") == (-np.inf, np.inf):
        return -np.inf, np.inf
    lowest, highest = extremes([pixels])
    known = ranges.get(
        "u1" if pixels.dtype == np.uint8 else "f" if pixels.dtype.kind == "f" else "i"
    )
    if known is None:
        return find_pixel_range(pixels.dtype, lowest, highest)
    low, high = known
    rounding = 1e-5 * (high - low)
    if low - rounding <= lowest and highest <= high + rounding:
        return known
    if pixels.dtype.kind in "iu" and "u1" not in ranges and lowest >= 0:
        return find_pixel_range(pixels.dtype, lowest, highest)  # more bits than in lime()
    raise ValueError(
        f"Pixel values must lie from {low:g} to {high:g}, as in lime(); these lie from {lowest:g} "
        f"to {highest:g}. Name the values of black and white: lime(..., pixel_range=(low, high))."
    )


# What Pillow raises, or warns of, if an image has more pixels than it takes for harmless.
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# Pillow reads the first by running Ghostscript, the others by programs that it is given.
_BY_PROGRAMS = {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"}


@cache
def _formats() -> list[str]:
    """Names of the formats that Pillow itself reads."""
    Image.init()
    return [name for name in Image.ID if name not in _BY_PROGRAMS]


def open_file(path: Path) -> Image.Image:
    """Open an image file, whose content may be hostile and need not be what its name says."""
    image = Image.open(path, formats=_formats())
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:  # Pillow only warns
        image.close()
        raise Image.DecompressionBombError
    return image


def _read_file(path: Path) -> Original:
    if not path.is_file():
        raise FileNotFoundError(f"The image file {path} does not exist.")
    if not path.stat().st_size:
        raise ValueError(f"The image file {path} is empty.")
    try:
        with open_file(path) as image:
            if not has_deep_colours(image) and not _is_turned_tiff(image):
                return _read_opened(path, image)
        return _read_tiff(path)
    except Image.UnidentifiedImageError as error:
        if path.suffix.lower() in (".tif", ".tiff"):
            return _read_tiff(path)
        raise ValueError(
            f"The file {path} is not an image in a format that can be read, or it is truncated."
        ) from error
    except _BOMBS as error:
        raise ValueError(_too_large(path)) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ValueError(f"The image file {path} cannot be read: {error}.") from error


def _read_opened(path: Path, image: Image.Image) -> Original:
    """Read a file that Pillow has opened."""
    is_tiff = image.format == "TIFF"
    original = _read_pil(image)
    differences = list(original.differences)
    if original.mode in ("CMYK", "YCbCr", "HSV", "PA", "La", "RGBa") and not is_tiff:
        mode = "RGBA" if original.alpha else "RGB"
        painted = original.painted if original.alpha else original.pixels
        original = replace(original, mode=mode, painted=painted)
        differences.append(f"its colours in mode {image.mode} become {mode}")
    if image.format == "PNG" and bit_depth(path) == (16, True):
        differences.append("its colours of 16 bits are read with 8")
    return replace(original, tiff=is_tiff, differences=tuple(differences))


def has_deep_colours(image: Image.Image) -> bool:
    """Whether a TIFF file has colours of more than 8 bits, of which Pillow reads 8."""
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))
    return len(bits) > 1 and max(bits) > 8


def _is_turned_tiff(image: Image.Image) -> bool:
    """Whether Pillow would turn the pixels when it reads them, as it does with TIFF files."""
    is_plain = image.mode in ("L", "RGB", "RGBA", "F", "I") or image.mode.startswith("I;16")
    return image.format == "TIFF" and is_plain and _orientation(image) != 1


def _orientation(image: Image.Image) -> int:
    return _valid_orientation(image.getexif().get(ORIENTATION, 1))


def _valid_orientation(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _too_large(path: Path) -> str:
    return (
        f"The image file {path} has more than {Image.MAX_IMAGE_PIXELS} pixels, so it may be made "
        "to fill the memory. If you trust it, raise PIL.Image.MAX_IMAGE_PIXELS."
    )


def _read_tiff(path: Path) -> Original:
    """Read a TIFF file that Pillow cannot read, such as one with colours of 16 bits."""
    from tifffile import TiffFile, TiffFileError

    limit = Image.MAX_IMAGE_PIXELS
    try:
        with TiffFile(path) as file:
            too_large = limit is not None and math.prod(file.pages[0].shape) > 4 * limit
            if not too_large:
                return _first_page(path, file)
    except (TiffFileError, ValueError, OSError, KeyError, IndexError, struct.error) as error:
        raise ValueError(f"The image file {path} cannot be read: {error}.") from error
    raise ValueError(_too_large(path))


def _first_page(path: Path, file: "TiffFile") -> Original:
    from tifffile import TiffPage

    page = file.pages[0]
    pixels = np.asarray(page.asarray())
    axes = page.axes
    if axes not in ("YX", "YXS", "SYX"):
        raise ValueError(f"its shape is {pixels.shape}, with the axes {axes}")
    if axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    extra = getattr(page, "extrasamples", ())
    alpha = pixels.ndim == 3 and pixels.shape[2] == 4 and bool(extra) and int(extra[0]) in (1, 2)
    tag = page.tags.get(ORIENTATION) if isinstance(page, TiffPage) else None
    orientation = _valid_orientation(1 if tag is None else int(tag.value))
    differences = [_first_of(len(file.pages))] if len(file.pages) > 1 else []
    if alpha:
        differences.append(TRANSPARENCY)
    return Original(
        path,
        pixels,
        pixels,
        alpha=alpha,
        tiff=True,
        differences=tuple(differences),
        channels_first=axes == "SYX",
        orientation=orientation,
    )


TRANSPARENCY = "its transparency is laid on the `background`"
"""What permutations of an image with opacity do not have."""


def _first_of(n: int) -> str:
    return f"permutations have only the first of its {n} pages"


def _read_pil(image: Image.Image) -> Original:
    """Read an image of Pillow: its pixels as they are reported, and as they are painted."""
    mode, palette = image.mode, None
    has_alpha = mode in ALPHA_MODES or "transparency" in image.info
    if mode == "P":
        palette = _palette_of(image)
        painted = np.asarray(image)
        pixels = np.array(image.convert("RGBA" if has_alpha else "RGB"))
    elif has_alpha:
        if mode == "La":  # Pillow cannot convert this mode to RGBA
            image = image.convert("LA")
        painted = pixels = np.array(image.convert("RGBA"))
    elif mode == "1":
        painted = pixels = np.array(image.convert("L"))
    elif mode in _PLAIN_MODES or mode.startswith("I;16"):
        painted = np.array(image)
        pixels = np.array(image.convert("RGB")) if mode in ("CMYK", "YCbCr", "HSV") else painted
    else:  # such as RGBX
        painted = pixels = np.array(image.convert("RGB"))
        mode = "RGB"
    differences = []
    if has_alpha and pixels.ndim == 3 and (pixels[..., 3] < 255).any():
        differences.append(TRANSPARENCY)
    n_pages = getattr(image, "n_frames", 1)
    if n_pages > 1:
        differences.append(_first_of(n_pages))
    return Original(
        image,
        pixels,
        painted,
        mode=mode,
        palette=palette,
        alpha=has_alpha,
        orientation=_orientation(image),
        profile=image.info.get("icc_profile") or b"",
        differences=tuple(differences),
    )


def _palette_of(image: Image.Image) -> np.ndarray:
    """Return the (n, 4) colours of mode P with their opacities, one for each index."""
    colours = np.array(image.getpalette("RGBA") or [0, 0, 0, 255], dtype=np.uint8).reshape(-1, 4)
    opacity = image.info.get("transparency", b"")
    if isinstance(opacity, bytes):
        colours[: len(opacity), 3] = np.frombuffer(opacity, dtype=np.uint8)[: len(colours)]
    elif opacity < len(colours):
        colours[opacity, 3] = 0
    return colours


def rgb_pixels(pixels: np.ndarray) -> np.ndarray:
    """Return the (H, W, 3) colours of an image, which may be grey or have transparency."""
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    return pixels[..., :3]


def flatten(
    pixels: np.ndarray, background: Sequence[float] | np.ndarray, opaque: float = 255
) -> np.ndarray:
    """Lay an (H, W, 4) image with transparency over a colour, or an image, of its type."""
    if pixels.dtype == np.uint8:
        behind = np.broadcast_to(np.asarray(background, dtype=np.uint8), pixels.shape)
        canvas = Image.fromarray(np.ascontiguousarray(behind))
        return np.array(Image.alpha_composite(canvas, Image.fromarray(pixels)))
    share = pixels[..., 3:] / opaque
    behind = np.asarray(background, dtype=np.float64)
    mixed = pixels * share + behind * (1 - share)
    mixed[..., 3] = pixels[..., 3] + behind[..., 3] * (1 - share[..., 0])
    return (mixed if pixels.dtype.kind == "f" else np.rint(mixed)).astype(pixels.dtype)


def on_white(pixels: np.ndarray) -> np.ndarray:
    """Return the (H, W, 3) colours of an image on a white page."""
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = flatten(pixels, (255, 255, 255, 255))
    return rgb_pixels(pixels)
