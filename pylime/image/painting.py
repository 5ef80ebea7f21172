"""Permutations of an image: superpixels are painted over, and `preprocess` gets the images."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from pylime._types import OneImage
from pylime.image.pixels import flatten, write_png

__all__ = ["handed_over", "make_painter"]


def make_painter(
    pixels: np.ndarray, labels: np.ndarray, background: tuple[int, int, int, int]
) -> Callable[[np.ndarray], np.ndarray]:
    """
    Prepare to paint permutations of an image.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, channels) array of uint8. Transparent pixels show the background.
    labels
        (H, W) array, the superpixel of each pixel, counted from 1.
    background
        Colour of removed superpixels: red, green, blue, alpha.

    Returns
    -------
    callable
        A function from an (n, n_superpixels) mask of kept superpixels to an
        (n, H, W[, channels]) array.

    Raises
    ------
    ValueError
        If the background is transparent and the image has no alpha channel.
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    colour = np.array(background, dtype=np.uint8)
    if background[3] < 255 and channels < 4:
        raise ValueError(
            "`background` can be transparent only for images with an alpha channel; "
            f"this one has {channels} channel{'s' if channels > 1 else ''}."
        )
    if channels == 1:
        red, green, blue = background[:3]
        colour = np.array([(red * 299 + green * 587 + blue * 114 + 500) // 1000], dtype=np.uint8)
    elif channels == 4:
        pixels = flatten(pixels, background)
    # Painting is `background ^ (difference & mask)`, which restores the pixels where the mask
    # keeps them. Neighbouring pixels of a superpixel form runs: repeating one mask value per
    # run is far faster than looking up one per pixel.
    behind = np.broadcast_to(colour[:channels], (*labels.shape, channels)).ravel()
    difference = pixels.ravel() ^ behind
    flat = labels.ravel()
    starts = np.r_[0, np.flatnonzero(np.diff(flat)) + 1]
    lengths = np.diff(np.r_[starts, flat.size]) * channels
    runs = flat[starts] - 1

    def paint(kept: np.ndarray) -> np.ndarray:
        bits = np.where(kept, 255, 0).astype(np.uint8)
        images = np.empty((len(kept), difference.size), dtype=np.uint8)
        for image, row in zip(images, bits, strict=True):
            np.bitwise_and(np.repeat(row[runs], lengths), difference, out=image)
        images ^= behind
        return images.reshape(len(kept), *pixels.shape)

    return paint


@contextmanager
def handed_over(
    item: OneImage, pixels: np.ndarray, place: str | None
) -> Iterator[list[str] | list[Image.Image] | np.ndarray]:
    """
    Convert painted images to the form that the user passed.

    Parameters
    ----------
    item
        The image that the user passed: a path, an image of Pillow or an array.
    pixels
        (n, H, W[, channels]) array of the painted images.
    place
        The folder for temporary files; None for the system's.

    Yields
    ------
    list or numpy.ndarray
        Paths of files that exist until the context ends, images of Pillow, or the array.
    """
    if isinstance(item, str | Path):
        # Each batch has a new folder, because `preprocess` may cache files by their paths.
        with tempfile.TemporaryDirectory(prefix="pylime-", dir=place) as folder:
            paths = [Path(folder) / f"{number}.png" for number in range(len(pixels))]
            for path, image in zip(paths, pixels, strict=True):
                write_png(path, image)
            yield [str(path) for path in paths]
    elif isinstance(item, Image.Image):
        yield [Image.fromarray(image) for image in pixels]
    else:
        yield pixels
