"""Permutations of an image: superpixels painted over, and handed to the model's own code."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pylime._types import OneImage
from pylime.folders import temporary_folder
from pylime.image.pixels import flatten, write_png

__all__ = ["handed_over", "make_painter"]


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
def handed_over(item: OneImage, pictures: np.ndarray, place: str | None) -> Iterator[Any]:
    """Painted arrays as what the user passed: paths, PIL images or a stacked array."""
    if isinstance(item, str | Path):
        # Each batch has a folder of its own: somebody may remember what a path held.
        with temporary_folder(place) as folder:
            paths = [Path(folder) / f"{number}.png" for number in range(len(pictures))]
            for path, picture in zip(paths, pictures, strict=True):
                write_png(path, picture)
            yield [str(path) for path in paths]
    elif isinstance(item, Image.Image):
        yield [Image.fromarray(picture) for picture in pictures]
    else:
        yield pictures
