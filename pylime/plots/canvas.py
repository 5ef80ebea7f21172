"""The pixels of a panel: an image in the size that it is drawn in, and what is laid over it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter

from pylime.image.pixels import RGBA, on_white
from pylime.values import Superpixel

__all__ = [
    "Canvas",
    "lay_over",
    "outline_opacity",
    "striped_opacity",
    "superpixel_borders",
]

# The side of an image is that of a square of the same area, in pixels. Between the first two,
# images are drawn pixel by pixel with borders of one pixel, as R draws all of them.
SMALLEST_SIDE, LARGEST_SIDE = 100, 1000
# In smaller images, such a border would hide the superpixels: each pixel becomes a square, and
# a border is thinner than it.
MAGNIFIED_SIDE = 200
# In larger ones nobody would see it: they are reduced to what a figure can show in print, and a
# border is a 400th of the side.
LEAST_REDUCED, DOTS_PER_INCH = 600, 300
LINES_PER_SIDE = 400


@dataclass(frozen=True, eq=False)
class Canvas:
    """
    An image as large as a figure shows it.

    Images whose side (the root of the area) is from 100 to 1000 pixels keep their pixels.
    Smaller ones are magnified by a whole number, larger ones reduced; borders are drawn
    afterwards, so that they are neither too thick nor too thin to be seen.

    Attributes
    ----------
    pixels
        (h, w, 3) array of uint8: the colours on a white page.
    rows, columns
        (h,) and (w,) positions in the image, of (H, W) pixels, that stand in the canvas.
    shape
        H and W.
    line
        Width of a border in pixels of the canvas.
    """

    pixels: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    shape: tuple[int, int]
    line: int

    @classmethod
    def of(cls, colours: np.ndarray, inches: float) -> "Canvas":
        """
        Make the canvas of an image.

        Parameters
        ----------
        colours
            (H, W), (H, W, 3) or (H, W, 4) array of uint8, upright or not.
        inches
            Side of the panel in which it is drawn.

        Examples
        --------
        >>> small = Canvas.of(np.zeros((28, 28), np.uint8), inches=5)
        >>> small.pixels.shape, small.line
        ((224, 224, 3), 1)
        >>> large = Canvas.of(np.zeros((3000, 4000), np.uint8), inches=3)
        >>> large.pixels.shape, large.line
        ((779, 1039, 3), 2)
        """
        height, width = colours.shape[:2]
        side = (height * width) ** 0.5
        line = 1
        if side < SMALLEST_SIDE:
            times = int(np.ceil(MAGNIFIED_SIDE / side))
            rows, columns = (np.repeat(np.arange(length), times) for length in (height, width))
            colours = colours[np.ix_(rows, columns)]
        elif side > LARGEST_SIDE:
            drawn = min(side, max(LEAST_REDUCED, inches * DOTS_PER_INCH))
            rows, columns = (_spread(length, drawn / side) for length in (height, width))
            colours = _reduce(colours, (len(rows), len(columns)))
            line = max(1, round(drawn / LINES_PER_SIDE))
        else:
            rows, columns = np.arange(height), np.arange(width)
        return cls(on_white(colours), rows, columns, (height, width), line)

    def mask(self, superpixels: Iterable[Superpixel]) -> np.ndarray:
        """Return the (h, w) array of bool that is true at some superpixels of the image."""
        mask = np.zeros(self.shape, dtype=bool)
        for superpixel in superpixels:
            mask.ravel()[superpixel.indices] = True
        return self.resize(mask)

    def resize(self, values: np.ndarray) -> np.ndarray:
        """Return the (h, w) array of values of an (H, W) one, of which none are mixed."""
        if self.shape == self.pixels.shape[:2]:
            return values
        return values[np.ix_(self.rows, self.columns)]


def _spread(length: int, scale: float) -> np.ndarray:
    """Choose positions from a length, at equal distances."""
    n = max(1, round(length * scale))
    return ((np.arange(n) + 0.5) * (length / n)).astype(np.int64)


def _reduce(colours: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Reduce an image to fewer pixels, each the mean of those that it stands for."""
    return np.asarray(Image.fromarray(colours).resize((shape[1], shape[0]), Image.Resampling.BOX))


def superpixel_borders(labels: np.ndarray, line: int = 1) -> np.ndarray:
    """
    Find the pixels that R's `lime` draws as borders between superpixels.

    Parameters
    ----------
    labels
        (H, W) array of superpixels from 1.
    line
        Width of the borders in pixels; R's is 1.

    Returns
    -------
    numpy.ndarray
        (H, W) array of bool, true where the Laplacian of the labels, as shades of 16 bits,
        is positive after rounding to 8 bits. Of two neighbouring superpixels only the one
        with the higher number gets a line.
    """
    shades = np.floor(labels / labels.max() * 65535 + 0.5).astype(np.int64)
    borders = _laplacian(shades) >= 128
    return borders if line == 1 else maximum_filter(borders, size=line, mode="nearest")


def outline_opacity(mask: np.ndarray, fill_alpha: float, line: int = 1) -> np.ndarray:
    """
    Compute the opacity of the colour over some superpixels, for `display="outline"`.

    Parameters
    ----------
    mask
        (H, W) array, true at the superpixels.
    fill_alpha
        Opacity inside.
    line
        Width of the outline in pixels; R's is 1.

    Returns
    -------
    numpy.ndarray
        (H, W) opacities: 1 at the inner border, `fill_alpha` (in steps of 1/255) inside.
    """
    border = mask & ~minimum_filter(mask, size=2 * line + 1, mode="nearest")
    inside = np.floor(fill_alpha * 255 + 0.5) / 255
    return np.where(border, 1.0, np.where(mask, inside, 0.0))


def striped_opacity(shape: tuple[int, int]) -> np.ndarray:
    """
    Compute the share of its opacity that a colour keeps in stripes.

    Parameters
    ----------
    shape
        Height and width of the image.

    Returns
    -------
    numpy.ndarray
        (H, W) shares: 1 in diagonal stripes, 0.25 between them. A stripe is as wide as an
        eightieth of the image.
    """
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    width = max(2, round((shape[0] * shape[1]) ** 0.5 / 80))
    return np.where((rows + columns) // width % 2 == 0, 1.0, 0.25)


def _laplacian(values: np.ndarray) -> np.ndarray:
    """Subtract from eight times each value its eight neighbours; the edge is repeated."""
    height, width = values.shape
    padded = np.pad(values, 1, mode="edge")
    total = sum(
        padded[row : row + height, column : column + width]
        for row in range(3)
        for column in range(3)
    )
    return 9 * values - total


def lay_over(pixels: np.ndarray, opacity: np.ndarray, colour: RGBA | np.ndarray) -> np.ndarray:
    """
    Lay a colour over an image.

    Parameters
    ----------
    pixels
        (H, W, 3) array of uint8.
    opacity
        (H, W) array from 0 to 1.
    colour
        Red, green, blue, alpha; or an (H, W, 3) array of opaque colours.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) array of uint8.
    """
    at = opacity > 0  # mostly few pixels
    share = opacity[at][:, None]
    if isinstance(colour, np.ndarray):
        over = colour[at]
    else:
        share, over = share * (colour[3] / 255), np.array(colour[:3])
    mixed = pixels.copy()
    mixed[at] = np.floor(pixels[at] * (1.0 - share) + over * share + 0.5)
    return mixed
