"""Image files, colours and pixels: reading, blending and writing."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageColor

from pylime._types import OneImage

__all__ = [
    "RGBA",
    "Colour",
    "check_image",
    "flatten",
    "parse_colour",
    "read_image",
    "rgb_pixels",
    "write_png",
]

Colour: TypeAlias = str | tuple[int, int, int] | tuple[int, int, int, int]
"""A name or code of CSS, or 3 or 4 numbers from 0 to 255."""

RGBA: TypeAlias = tuple[int, int, int, int]
"""Red, green, blue and alpha, from 0 to 255."""


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
    elif isinstance(colour, tuple | list) and len(colour) in (3, 4) and _are_bytes(colour):
        red, green, blue, *alpha = map(int, colour)
        return (red, green, blue, alpha[0] if alpha else 255)
    raise ValueError(
        f"`{argument}` must be a colour: a name such as 'grey' or 'black', '#rrggbb', or "
        f"(red, green, blue) from 0 to 255; not {colour!r}."
    )


def _are_bytes(values: Sequence[object]) -> bool:
    return all(isinstance(value, int | np.integer) and 0 <= value <= 255 for value in values)


def read_image(item: OneImage) -> np.ndarray:
    """
    Read the pixels of an image.

    Parameters
    ----------
    item
        A path, an image of Pillow or an array of uint8.

    Returns
    -------
    numpy.ndarray
        (H, W) for grey, (H, W, 3) for colour, (H, W, 4) with transparency; uint8. Grey
        values and TIFF colours of 16 bits are rounded to 8 bits; of PNG colours of 16 bits
        Pillow reads the upper 8. Palettes and other colour spaces become RGB. As in R, the EXIF
        orientation is ignored.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If it is empty, not an image, or truncated, or has no pixels.
    """
    if isinstance(item, str | Path):
        return _read_file(Path(item))
    pixels = _pil_pixels(item) if isinstance(item, Image.Image) else np.asarray(item)
    if not pixels.size:
        raise ValueError(f"The image has no pixels: its shape is {pixels.shape}.")
    return pixels


def check_image(item: OneImage) -> None:
    """Raise the errors of `read_image`, but read only the header of a valid file."""
    if isinstance(item, str | Path):
        try:
            with Image.open(item):
                return
        except (OSError, SyntaxError, ValueError):
            pass  # reading the whole file raises the error that describes the problem
    read_image(item)


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
            f"{path} is not an image in a format that can be read, or it is truncated."
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"The image file {path} cannot be read: {error}.") from error


def _read_tiff(path: Path) -> np.ndarray:
    """Read a TIFF file that Pillow cannot read, such as one with colours of 16 bits."""
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
    if image.mode == "La":  # Pillow cannot convert this mode to RGBA
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
    """Return the (H, W, 3) colours of an image, which may be grey or have transparency."""
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    return pixels[..., :3]


def flatten(pixels: np.ndarray, background: RGBA) -> np.ndarray:
    """Blend an (H, W, 4) image with transparency over a colour."""
    canvas = Image.new("RGBA", (pixels.shape[1], pixels.shape[0]), background)
    return np.array(Image.alpha_composite(canvas, Image.fromarray(pixels, "RGBA")))


def write_png(path: Path, pixels: np.ndarray) -> None:
    """
    Write a PNG file without compressing it.

    Pillow tries filters for each line even without compression, which takes four times as long.
    These files exist only during one prediction.
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
