"""
Superpixels of R's `lime`, pixel for pixel.

`segment` converts an image with `lab_bytes` and segments it with `slic`; `pixels_of` and
`bounding_box` describe the superpixels in an explanation.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pylime import checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "Segmentation",
    "bounding_box",
    "check_segmentation",
    "lab_bytes",
    "pixels_of",
    "segment",
    "segment_by",
    "slic",
]

Segmentation: TypeAlias = Callable[[np.ndarray], "ArrayLike"]
"""From an (H, W, 3) array of uint8 to the segment of each pixel, (H, W) numbers."""

# Linear sRGB to XYZ for the D65 white point, with the digits ImageMagick uses.
_RGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = np.array([0.950456, 1.0, 1.088754])
_CIE_EPSILON = 216.0 / 24389.0
_CIE_K = 24389.0 / 27.0


def lab_bytes(rgb: np.ndarray) -> np.ndarray:
    """
    Convert an image to 8-bit L*a*b*, byte for byte like ImageMagick.

    Parameters
    ----------
    rgb
        (H, W, 3) array of uint8, sRGB.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) array of uint8: L scaled from 0..100, a and b from -127.5..127.5.

    Raises
    ------
    ValueError
        If `rgb` has another shape or type.

    Examples
    --------
    >>> lab_bytes(np.array([[[255, 255, 255], [255, 0, 0]]], dtype=np.uint8)).tolist()
    [[[255, 128, 127], [136, 208, 195]]]
    """
    rgb = np.asarray(rgb)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(
            f"`rgb` must be a (H, W, 3) array of uint8; not {rgb.shape} of {rgb.dtype}."
        )
    # A photograph has far fewer colours than pixels, so each colour is converted once.
    packed = (
        (rgb[..., 0].astype(np.uint32) << 16) | (rgb[..., 1].astype(np.uint32) << 8) | rgb[..., 2]
    )
    colours, inverse = np.unique(packed, return_inverse=True)
    channels = np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], axis=1)

    byte = np.arange(256) / 255.0
    decoded = np.where(byte <= 0.0404482362771076, byte / 12.92, ((byte + 0.055) / 1.055) ** 2.4)
    xyz = decoded[channels] @ _RGB_TO_XYZ.T / _WHITE
    f = np.where(xyz > _CIE_EPSILON, np.cbrt(xyz), (_CIE_K * xyz + 16.0) / 116.0)
    lab = np.stack(
        [
            (116.0 * f[:, 1] - 16.0) / 100.0,
            500.0 * (f[:, 0] - f[:, 1]) / 255.0 + 0.5,
            200.0 * (f[:, 1] - f[:, 2]) / 255.0 + 0.5,
        ],
        axis=1,
    )
    quantum = np.clip(np.floor(lab * 65535.0 + 0.5), 0, 65535).astype(np.int64)
    return _bytes_of_quantum(quantum)[inverse].reshape(rgb.shape)


def _bytes_of_quantum(quantum: np.ndarray) -> np.ndarray:
    """Round 16-bit values to 8 bits like ImageMagick."""
    return ((quantum + 128 - ((quantum + 128) >> 8)) >> 8).astype(np.uint8)


def slic(
    L: np.ndarray,  # noqa: N803 - the field's name for the channel
    a: np.ndarray,
    b: np.ndarray,
    n_superpixels: int = 50,
    weight: float = 20,
    n_iter: int = 10,
) -> np.ndarray:
    """
    Segment an image into superpixels by simple linear iterative clustering.

    This is the variant of R's `lime::slic()`: differences from a centre are truncated to
    whole numbers, and small areas join a neighbour [Achanta2012]_.

    Parameters
    ----------
    L, a, b
        (H, W) arrays of uint8, the channels of `lab_bytes`.
    n_superpixels
        Approximate number of superpixels; the result can have more or fewer.
    weight
        Weight of distance in place relative to colour: with higher values superpixels are more
        compact, with lower values they follow the colours.
    n_iter
        Number of times that the centres are moved.

    Returns
    -------
    numpy.ndarray
        (H, W) array of int, the superpixel of each pixel, counted from 0.

    Raises
    ------
    ValueError
        If the channels differ in shape, if the image has fewer pixels than
        `n_superpixels`, or if no centre fits into it.

    References
    ----------
    .. [Achanta2012] Achanta et al. (2012), IEEE TPAMI 34, 2274-2282; R's `lime::slic()`.

    Examples
    --------
    >>> from skimage.data import chelsea
    >>> channels = np.moveaxis(lab_bytes(chelsea()), 2, 0)
    >>> slic(*channels, n_superpixels=50).max()
    np.int64(38)
    """
    check_segmentation(n_superpixels, weight, n_iter)
    channels = [np.asarray(channel) for channel in (L, a, b)]
    shape = channels[0].shape
    if len(shape) != 2 or any(c.shape != shape or c.dtype != np.uint8 for c in channels):
        given = checks.some([f"{part.shape} of {part.dtype}" for part in channels], form=str)
        raise ValueError(f"`L`, `a` and `b` must be uint8 arrays of one shape (H, W); not {given}.")
    if n_superpixels > shape[0] * shape[1]:
        raise ValueError(
            f"`n_superpixels` must not exceed the number of pixels; not {n_superpixels} "
            f"in an image of {shape[1]}x{shape[0]}."
        )
    step = math.sqrt(shape[0] * shape[1] / n_superpixels)
    lab = np.stack(channels).astype(np.float64)
    centres = _first_centres(lab, step)
    if not len(centres):
        raise ValueError(
            f"No superpixels are left in a {shape[1]}x{shape[0]} image with "
            f"`n_superpixels={n_superpixels}`. Raise `n_superpixels`."
        )
    assignment = _assign(lab, centres, step, float(weight), n_iter)
    return _connect(assignment, limit=shape[0] * shape[1] // len(centres))


def check_segmentation(
    n_superpixels: object, weight: object, n_iter: object, segmentation: object = None
) -> None:
    """Raise unless the options of a segmentation are valid."""
    if segmentation is not None:
        what = "a function from an (H, W, 3) array to the segment of each pixel"
        checks.function("segmentation", segmentation, what)
    checks.count("n_superpixels", n_superpixels)
    checks.count("n_iter", n_iter)
    checks.positive("weight", weight)


def _positions(length: int, step: float) -> list[int]:
    """Place the first centres along one side, as a grid."""
    places = []
    place = int(step / 2)
    while place < length - step / 2:
        places.append(place)
        place = int(place + step)
    return places


def _first_centres(lab: np.ndarray, step: float) -> np.ndarray:
    """Make a grid of centres (L, a, b, x, y), each moved to the flattest place around it."""
    _, height, width = lab.shape
    lightness = lab[0].ravel()
    last = lightness.size - 1
    centres = []
    for y in _positions(height, step):
        for x in _positions(width, step):
            best, place = math.inf, (x, y)
            for row in range(max(y - 1, 0), min(y + 2, height)):
                for column in range(max(x - 1, 0), min(x + 2, width)):
                    # As in R, the right neighbour at the edge is the first pixel of the next
                    # row. Below the last row the pixel itself stands in.
                    at = row * width + column
                    right = lightness[min(at + 1, last)]
                    below = lightness[at + width] if row + 1 < height else lightness[at]
                    gradient = abs(right - lightness[at]) + abs(below - lightness[at])
                    if gradient < best:
                        best, place = gradient, (column, row)
            column, row = place
            centres.append([*lab[:, row, column], column, row])
    return np.array(centres, dtype=np.float64).reshape(-1, 5)


def _assign(
    lab: np.ndarray, centres: np.ndarray, step: float, weight: float, n_iter: int
) -> np.ndarray:
    """Move the centres `n_iter` times; return the centre of each pixel, -1 without one."""
    _, height, width = lab.shape
    assignment = np.full((height, width), -1)
    ys, xs = np.mgrid[:height, :width]
    features = np.stack([*lab, xs, ys]).reshape(5, -1)
    for _ in range(n_iter):
        distance = np.full((height, width), np.inf)
        for number, centre in enumerate(centres):
            if np.isnan(centre[0]):  # the centre has lost all pixels
                continue
            x0, x1 = _window(centre[3], step, width)
            y0, y1 = _window(centre[4], step, height)
            if x0 >= x1 or y0 >= y1:
                continue
            # As in R, truncate the differences to whole numbers before squaring them.
            colour = np.trunc(centre[:3, None, None] - lab[:, y0:y1, x0:x1])
            np.square(colour, out=colour)
            squared = colour[0]
            squared += colour[1]
            squared += colour[2]
            np.sqrt(squared, out=squared)
            squared /= weight
            np.square(squared, out=squared)
            across = np.square(np.trunc(centre[3] - np.arange(x0, x1)))
            down = np.square(np.trunc(centre[4] - np.arange(y0, y1)))
            squared += np.square(np.sqrt(down[:, None] + across) / step)
            np.sqrt(squared, out=squared)
            nearest = distance[y0:y1, x0:x1]
            closer = squared < nearest
            np.copyto(nearest, squared, where=closer)
            assignment[y0:y1, x0:x1][closer] = number
        flat = assignment.ravel() + 1
        counts = np.bincount(flat, minlength=len(centres) + 1)[1:]
        with np.errstate(invalid="ignore"):
            for column, feature in enumerate(features):
                sums = np.bincount(flat, weights=feature, minlength=len(centres) + 1)[1:]
                centres[:, column] = sums / counts
    return assignment


def _window(centre: float, step: float, length: int) -> tuple[int, int]:
    """Return the range of places around a centre, cut at the edges of the image."""
    return max(int(centre - step), 0), min(math.ceil(centre + step), length)


def _connect(assignment: np.ndarray, limit: int) -> np.ndarray:
    """Label each connected area; a small one gets the label of a neighbour."""
    from skimage.measure import label as label_areas  # slow to import

    height, width = assignment.shape
    areas = np.ravel(np.asarray(label_areas(assignment, connectivity=1, background=-2)))
    _, first, area, n_pixels = np.unique(
        areas, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)  # areas by their first pixel in row order
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    area = rank[area]

    labels = np.empty(len(order), dtype=np.int64)
    next_label = neighbour = 0
    for number, (start, pixels) in enumerate(zip(first[order], n_pixels[order], strict=True)):
        y, x = divmod(int(start), width)
        for row, column in ((y - 1, x), (y, x - 1), (y + 1, x), (y, x + 1)):
            if 0 <= row < height and 0 <= column < width:
                other = area[row * width + column]
                if other < number:
                    neighbour = labels[other]
        # As in R, count the first pixel twice, unless it is the only one.
        count = pixels + 1 if pixels > 1 else 1
        if count <= limit // 4:
            labels[number] = neighbour
        else:
            labels[number] = next_label
            next_label += 1
    return labels[area].reshape(height, width)


def segment(
    rgb: np.ndarray, n_superpixels: int = 50, weight: float = 20, n_iter: int = 10
) -> np.ndarray:
    """
    Segment an RGB image into superpixels.

    Parameters
    ----------
    rgb
        (H, W, 3) array of uint8, sRGB.
    n_superpixels, weight, n_iter
        As in `slic`.

    Returns
    -------
    numpy.ndarray
        (H, W) array of int, the superpixel of each pixel, counted from 1 as in
        explanations.

    Raises
    ------
    ValueError
        As in `lab_bytes` and `slic`.

    Examples
    --------
    >>> from skimage.data import chelsea
    >>> segment(chelsea()).max()
    np.int64(39)
    """
    L, a, b = np.moveaxis(lab_bytes(rgb), 2, 0)  # noqa: N806
    return slic(L, a, b, n_superpixels, weight, n_iter) + 1


def segment_by(
    segmentation: Segmentation | None,
    rgb: np.ndarray,
    n_superpixels: int = 50,
    weight: float = 20,
    n_iter: int = 10,
) -> np.ndarray:
    """
    Segment an RGB image with the user's function, or into R's superpixels.

    Parameters
    ----------
    segmentation
        A function from an (H, W, 3) array of uint8 to an (H, W) array, in which the pixels of
        a segment have the same value; None to call `segment` with the other arguments.
    rgb
        (H, W, 3) array of uint8.
    n_superpixels, weight, n_iter
        As in `slic`.

    Returns
    -------
    numpy.ndarray
        (H, W) array of int, the segment of each pixel, counted from 1 without gaps in the
        order of the values.

    Raises
    ------
    ValueError
        If the function does not return a number for each pixel.

    Examples
    --------
    >>> halves = lambda rgb: np.arange(rgb.shape[1]) // 3 * 7 + np.zeros((len(rgb), 1))
    >>> segment_by(halves, np.zeros((2, 6, 3), dtype=np.uint8))
    array([[1, 1, 1, 2, 2, 2],
           [1, 1, 1, 2, 2, 2]])
    """
    if segmentation is None:
        return segment(rgb, n_superpixels, weight, n_iter)
    labels = np.asarray(segmentation(rgb.copy()))
    if labels.shape != rgb.shape[:2] or labels.dtype.kind not in "biuf" or np.isnan(labels).any():
        raise ValueError(
            f"`segmentation` must return a number for each pixel, shape {rgb.shape[:2]}; it "
            f"returned {labels.dtype} of shape {labels.shape}."
        )
    _, inverse = np.unique(labels, return_inverse=True)
    return inverse.reshape(labels.shape) + 1


def pixels_of(labels: np.ndarray) -> list[np.ndarray]:
    """
    List the pixels of every superpixel.

    Parameters
    ----------
    labels
        (H, W) array of int, the superpixel of each pixel, counted from 1 without gaps.

    Returns
    -------
    list of numpy.ndarray
        For each superpixel the positions of its pixels, counted from 0 along the rows.

    Examples
    --------
    >>> pixels_of(np.array([[1, 1, 2], [1, 2, 2]]))
    [array([0, 1, 3]), array([2, 4, 5])]
    """
    order = np.argsort(labels, axis=None, kind="stable")
    return np.split(order, np.cumsum(np.bincount(labels.ravel())[1:-1]))


def bounding_box(pixels: np.ndarray, width: int) -> str:
    """
    Describe the place of a superpixel, in the form of R's `lime`.

    Parameters
    ----------
    pixels
        Positions of its pixels, counted from 0 along the rows.
    width
        Width of the image.

    Returns
    -------
    str
        First and last row, then first and last column, counted from 1, both inclusive.

    Examples
    --------
    >>> bounding_box(np.array([2, 4, 5]), width=3)
    '[1-2], [2-3]'
    """
    rows, columns = np.divmod(pixels, width)
    return f"[{rows.min() + 1}-{rows.max() + 1}], [{columns.min() + 1}-{columns.max() + 1}]"
