"""
Superpixels of R's `lime`, pixel for pixel.

`segment` converts an image with `lab_bytes` and segments it with `slic`; `pixels_of` and
`bounding_box` describe the superpixels in an explanation.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pylime import checks
from pylime.options import Segmenter

if TYPE_CHECKING:
    pass

__all__ = [
    "bounding_box",
    "check_slic",
    "lab_bytes",
    "pixels_of",
    "run_starts",
    "segment",
    "segment_by",
    "slic",
]

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

# From so many pixels on, a table of all 2^24 colours is quicker than converting each pixel.
_MANY_PIXELS = 2**20
# How many pixels are worked on together, so that they stay in a processor's cache; and how many
# colours, which take more room.
_TILE_PIXELS = 2**15
_TILE_COLOURS = 2**13
# Two distances, computed with 24 bits, of which one is known to be the smaller: they differ by
# more than this share.
_CERTAIN = np.float32(2e-6)
_FAR = np.float32(1e30)


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
    if rgb.size < 3 * _MANY_PIXELS:
        return _lab_of(rgb.reshape(-1, 3)).reshape(rgb.shape)
    # A photograph has far fewer colours than pixels, so each colour is converted once.
    packed = rgb[..., 0].astype(np.uint32)
    for channel in (1, 2):
        packed <<= 8
        packed |= rgb[..., channel]
    seen = np.zeros(2**24, dtype=bool)
    seen[packed.ravel()] = True
    colours = np.flatnonzero(seen)
    table = np.zeros((2**24, 4), dtype=np.uint8)
    channels = np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], axis=1)
    table[colours, :3] = _lab_of(channels.astype(np.uint8))
    lab = np.empty(rgb.shape, dtype=np.uint8)
    converted = table.view(np.uint32)[:, 0]
    for row, colour in zip(lab, packed, strict=True):
        row[:] = converted[colour].view(np.uint8).reshape(-1, 4)[:, :3]
    return lab


def _lab_of(colours: np.ndarray) -> np.ndarray:
    """Convert an (n, 3) array of red, green and blue to one of L, a and b."""
    lab = np.empty(colours.shape, dtype=np.uint8)
    for start in range(0, len(lab), _TILE_COLOURS):
        tile = slice(start, start + _TILE_COLOURS)
        lab[tile] = _lab_of_tile(colours[tile])
    return lab


def _lab_of_tile(colours: np.ndarray) -> np.ndarray:
    byte = np.arange(256) / 255.0
    decoded = np.where(byte <= 0.0404482362771076, byte / 12.92, ((byte + 0.055) / 1.055) ** 2.4)
    xyz = decoded[colours] @ _RGB_TO_XYZ.T / _WHITE
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
    return _bytes_of_quantum(quantum)


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
    whole numbers, and small areas join a neighbour [Achanta2012].

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
    - [Achanta2012] Achanta et al. (2012), IEEE TPAMI 34, 2274-2282; R's `lime::slic()`.

    Examples
    --------
    >>> from skimage.data import chelsea
    >>> channels = np.moveaxis(lab_bytes(chelsea()), 2, 0)
    >>> slic(*channels, n_superpixels=50).max()
    np.int64(38)
    """
    check_slic(n_superpixels, weight, n_iter)
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
    lab = np.stack(channels)
    centres = _first_centres(lab, step)
    if not len(centres):
        raise ValueError(
            f"No superpixels are left in a {shape[1]}x{shape[0]} image with "
            f"`n_superpixels={n_superpixels}`. Raise `n_superpixels`."
        )
    assignment = _assign(lab, centres, step, float(weight), n_iter)
    return _connect(assignment, limit=shape[0] * shape[1] // len(centres))


def check_slic(n_superpixels: object, weight: object, n_iter: object) -> None:
    """Raise unless the arguments of `slic` are valid."""
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
    lightness = lab[0].ravel().astype(np.int64)
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
    """
    Move the centres `n_iter` times; return the centre of each pixel, -1 without one.

    The distance of a pixel and a centre is sqrt((colour / weight)^2 + (space / step)^2), from
    differences that are truncated to whole numbers, as in R. Its order is that of
    colour^2 + space^2 (weight / step)^2, which 24 bits tell for nearly every pixel; where they
    do not, the distances are computed as R does.
    """
    _, height, width = lab.shape
    assignment = np.full((height, width), -1, dtype=np.min_scalar_type(-len(centres) - 1))
    squares = _Squares(step, weight)
    for _ in range(n_iter):
        # The distance to the nearest centre and, in bits that 24 leave of 53, that centre's number
        # from 1: one minimum finds both.
        nearest = np.full((height, width), _FAR, dtype=np.float64)
        for number, centre in enumerate(centres.tolist()):
            if math.isnan(centre[0]):  # the centre has lost all pixels
                continue
            x0, x1 = _window(centre[3], step, width)
            y0, y1 = _window(centre[4], step, height)
            if x0 >= x1 or y0 >= y1:
                continue
            space = squares.of_space(centre, slice(y0, y1), slice(x0, x1))
            rows = max(_TILE_PIXELS // (x1 - x0), 1)
            for top in range(y0, y1, rows):
                tile = slice(top, min(top + rows, y1)), slice(x0, x1)
                distance = squares.of_colour(centre, lab[:, *tile])
                distance += space[top - y0 : top - y0 + rows]
                distance = distance.astype(np.float64)
                best = nearest[tile]
                margin = best - distance
                np.abs(margin, out=margin)
                unsure = margin <= distance * _CERTAIN
                distance.view(np.int64)[:] |= number + 1
                if not unsure.any():
                    np.minimum(best, distance, out=best)
                    continue
                y, x = np.nonzero(unsure)
                pixels = np.stack([*lab[:, *tile][:, y, x], x + x0, y + top])
                held = best[y, x]
                others = centres[_numbers_in(held) - 1].T
                there = squares.distance(others, pixels)
                here = squares.distance(centres[number, :, None], pixels)
                np.minimum(best, distance, out=best)
                best[y, x] = np.where(here < there, distance[y, x], held)
        numbers = _numbers_in(nearest)
        np.copyto(assignment, numbers - 1, where=numbers > 0, casting="unsafe")
        _move(centres, lab, assignment)
    return assignment


def _numbers_in(nearest: np.ndarray) -> np.ndarray:
    """The numbers in the last bits of distances; 0 where there is none."""
    return nearest.view(np.int64) & (2**29 - 1)


class _Squares:
    """Squared distances between pixels and centres, quick ones and R's."""

    def __init__(self, step: float, weight: float) -> None:
        self._step, self._weight = step, weight
        # Both parts are scaled so that neither can overflow.
        self._of_colour = np.float32(min(1.0, (step / weight) ** 2))
        offsets = np.arange(int(step) + 2, dtype=np.float64) ** 2
        of_space = (offsets[:, None] + offsets) * min(1.0, (weight / step) ** 2)
        self._of_space = of_space.astype(np.float32)
        self._mirrored: dict[tuple[bool, bool], np.ndarray] = {}

    def of_space(self, centre: Sequence[float], ys: slice, xs: slice) -> np.ndarray:
        """The part of space in the window of a centre, whose differences are truncated."""
        whole = centre[4].is_integer(), centre[3].is_integer()
        if whole not in self._mirrored:
            # A centre between two pixels is at distance 0 of both.
            table = self._of_space
            down = np.concatenate([table[:0:-1] if whole[0] else table[::-1], table])
            across = down.T
            across = np.concatenate([across[:0:-1] if whole[1] else across[::-1], across])
            self._mirrored[whole] = np.ascontiguousarray(across.T)
        mirrored = self._mirrored[whole]
        top = len(self._of_space) - 1 - int(centre[4])
        left = len(self._of_space) - 1 - int(centre[3])
        return mirrored[ys.start + top : ys.stop + top, xs.start + left : xs.stop + left]

    def of_colour(self, centre: Sequence[float], lab: np.ndarray) -> np.ndarray:
        """The part of colour, of (3, h, w) bytes."""
        # Truncated, a difference is how far a byte is beyond the mean rounded down or up: from the
        # middle between these it is as far, or half more.
        middle = [[[(math.floor(mean) + math.ceil(mean)) / 2]] for mean in centre[:3]]
        difference = lab.astype(np.float32)
        difference -= np.array(middle, dtype=np.float32)
        np.abs(difference, out=difference)
        np.floor(difference, out=difference)
        difference *= difference
        total = difference[0]
        total += difference[1]
        total += difference[2]
        total *= self._of_colour
        return total

    def distance(self, centre: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """R's distances between (5, n) centres and pixels, to the last bit."""
        squared = np.square(np.trunc(centre - pixels))
        colour = np.sqrt(squared[0] + squared[1] + squared[2]) / self._weight
        space = np.sqrt(squared[4] + squared[3]) / self._step
        return np.sqrt(np.square(colour) + np.square(space))


def _move(centres: np.ndarray, lab: np.ndarray, assignment: np.ndarray) -> None:
    """Move each centre to the mean of its pixels; one without pixels becomes NaN."""
    width = assignment.shape[1]
    n = len(centres) + 1
    totals = np.zeros((6, n))
    # Sums of whole numbers are exact in any order, so whole runs of pixels are added up.
    rows = max(_TILE_PIXELS * 8 // width, 1)
    for top in range(0, len(assignment), rows):
        block = assignment[top : top + rows]
        starts = run_starts(block)
        lengths = np.diff(starts, append=block.size)
        owner = block.ravel()[starts].astype(np.int64) + 1
        y, x = np.divmod(starts, width)
        sums = [_sums_of_runs(part[top : top + rows], starts) for part in lab]
        sums += [x * lengths + lengths * (lengths - 1) // 2, (y + top) * lengths, lengths]
        for total, part in zip(totals, sums, strict=True):
            total += np.bincount(owner, weights=part, minlength=n)
    with np.errstate(invalid="ignore"):
        centres[:] = (totals[:5, 1:] / totals[5, 1:]).T


def _sums_of_runs(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Add up each run of an array of bytes."""
    until = np.zeros(values.size + 1, dtype=np.int64)
    np.cumsum(values, out=until[1:])
    return np.diff(until[starts], append=until[-1])


def run_starts(labels: np.ndarray) -> np.ndarray:
    """Where runs of equal labels begin, in the flat array; a run ends with its row."""
    begins = np.empty(labels.shape, dtype=bool)
    begins[:, 0] = True
    np.not_equal(labels[:, 1:], labels[:, :-1], out=begins[:, 1:])
    return np.flatnonzero(begins)


def _window(centre: float, step: float, length: int) -> tuple[int, int]:
    """Return the range of places around a centre, cut at the edges of the image."""
    return max(int(centre - step), 0), min(math.ceil(centre + step), length)


def _connect(assignment: np.ndarray, limit: int) -> np.ndarray:
    """Label each connected area; a small one gets the label of a neighbour."""
    from skimage.measure import label as label_areas  # slow to import

    areas = np.asarray(label_areas(assignment, connectivity=1, background=-2))
    starts = run_starts(areas)
    area = areas.ravel()[starts]
    lengths = np.diff(starts, append=areas.size)
    n_areas = int(area.max()) + 1
    n_pixels = np.bincount(area, weights=lengths, minlength=n_areas).astype(np.int64)
    first = np.empty(n_areas, dtype=np.int64)
    first[0] = areas.size  # no area is called 0
    first[area[::-1]] = starts[::-1]  # of several, the last that is written stays: the first run
    order = np.argsort(first)[:-1]  # areas by their first pixel in row order
    rank = np.zeros(n_areas, dtype=np.int64)
    rank[order] = np.arange(len(order))
    begins, counts = first[order], n_pixels[order]
    # As in R, the first pixel is counted twice, unless it is the only one.
    is_small = np.where(counts > 1, counts + 1, 1) <= limit // 4
    labels = np.empty(len(order), dtype=np.int64)
    next_label = neighbour = 0
    met = _met_before(areas, begins, rank).tolist()
    for number, (other, small) in enumerate(zip(met, is_small.tolist(), strict=True)):
        if other >= 0:
            neighbour = labels[other]
        labels[number] = neighbour if small else next_label
        next_label += not small
    return labels[rank][areas]


def _met_before(areas: np.ndarray, begins: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """For each area, find the last neighbour of its first pixel that was met before it, or -1."""
    height, width = areas.shape
    flat, numbers = areas.ravel(), np.arange(len(begins))
    y, x = np.divmod(begins, width)
    met = np.full(len(begins), -1)
    for away, inside in ((-width, y > 0), (-1, x > 0), (width, y < height - 1), (1, x < width - 1)):
        other = rank[flat[np.where(inside, begins + away, begins)]]
        np.copyto(met, other, where=inside & (other < numbers))
    return met


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
    segmentation: Segmenter | None,
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
