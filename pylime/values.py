"""The cells of an explanation that are more than numbers and strings."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pylime.shades import PixelRange, as_colours, upright

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

__all__ = ["Bitmap", "Superpixel", "Word", "located_words", "superpixels_of"]


class _ArrayCell:
    """A read-only array with a repr of a few words, which keeps a printed frame readable."""

    __slots__ = ("_array",)

    def __init__(self, array: np.ndarray) -> None:
        array = array.copy()  # the user may change the original
        array.flags.writeable = False
        self._array = array

    def __array__(self, dtype: "DTypeLike | None" = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._array, dtype=dtype, copy=copy)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._state() == other._state()  # type: ignore

    def __hash__(self) -> int:
        return hash(self._state())

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), self._arguments()

    def _arguments(self) -> tuple[object, ...]:
        return (self._array,)

    def _state(self) -> tuple[object, ...]:
        return self._array.shape, self._array.tobytes()


class Superpixel(_ArrayCell):
    """
    The pixels of a superpixel.

    `numpy.asarray()` returns their positions, counted from 0 along the rows.

    Parameters
    ----------
    indices
        Positions of the pixels.
    shape
        Height and width of the image.

    Examples
    --------
    >>> Superpixel([0, 1, 3], shape=(2, 3))
    3px superpixel
    """

    __slots__ = ("shape",)

    def __init__(self, indices: Sequence[int] | np.ndarray, shape: tuple[int, int]) -> None:
        super().__init__(np.asarray(indices, dtype=np.int64))
        self.shape = (int(shape[0]), int(shape[1]))

    @property
    def indices(self) -> np.ndarray:
        """Positions of the pixels, counted from 0 along the rows."""
        return self._array

    @property
    def mask(self) -> np.ndarray:
        """(H, W) array, true at the superpixel."""
        mask = np.zeros(self.shape, dtype=bool)
        mask.ravel()[self._array] = True
        return mask

    def _arguments(self) -> tuple[object, ...]:
        return self._array, self.shape

    def _state(self) -> tuple[object, ...]:
        return *super()._state(), self.shape

    def __repr__(self) -> str:
        return f"{len(self._array)}px superpixel"


class Bitmap(_ArrayCell):
    """
    The image that was explained.

    `numpy.asarray()` returns its pixels; notebooks show it as an image.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, channels) array of any numbers.
    orientation
        How viewers turn it, as EXIF counts: 1 is upright. The pixels are as they were stored.
    pixel_range
        The numbers of black and white; None for those of the type.
    alpha
        Whether the last channel is opacity. By default that of four channels of bytes is.
    within
        The region that was explained, outside of which nothing was changed; None for all.

    Examples
    --------
    >>> Bitmap(np.zeros((300, 451, 3), dtype=np.uint8))
    3 channel 451x300 bitmap
    """

    __slots__ = ("alpha", "orientation", "pixel_range", "within")

    def __init__(
        self,
        pixels: np.ndarray,
        orientation: int = 1,
        pixel_range: PixelRange | None = None,
        alpha: bool | None = None,
        within: Superpixel | None = None,
    ) -> None:
        array = pixels if isinstance(pixels, np.ndarray) else np.asarray(pixels, dtype=np.uint8)
        super().__init__(array)
        self.orientation = int(orientation)
        self.pixel_range: PixelRange | None = None
        if pixel_range is not None:
            self.pixel_range = (float(pixel_range[0]), float(pixel_range[1]))
        four_bytes = array.ndim == 3 and array.shape[2] == 4 and array.dtype == np.uint8
        self.alpha = four_bytes if alpha is None else bool(alpha)
        self.within = within

    @property
    def pixels(self) -> np.ndarray:
        """(H, W) or (H, W, channels) array, as the image was stored."""
        return self._array

    @property
    def colours(self) -> np.ndarray:
        """(H, W), (H, W, 3) or, with opacity, (H, W, 4) array of uint8: what people see of it."""
        return as_colours(self._array, self.pixel_range, self.alpha)

    def _arguments(self) -> tuple[object, ...]:
        return self._array, self.orientation, self.pixel_range, self.alpha, self.within

    def _state(self) -> tuple[object, ...]:
        return *super()._state(), self._array.dtype.str, *self._arguments()[1:]

    def __repr__(self) -> str:
        height, width, *channels = self._array.shape
        return f"{channels[0] if channels else 1} channel {width}x{height} bitmap"

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        # Level 3 takes half the time of Pillow's 6 and a few percent more bytes.
        turned = np.ascontiguousarray(upright(self.colours, self.orientation))
        Image.fromarray(turned).save(file, format="png", compress_level=3)
        return file.getvalue()


class Word(str):
    """
    A word of a text, with its places there; in all else a string.

    Parameters
    ----------
    word
        The word, or `word_position`.
    spans
        Start and end of each place of the word in the text. Empty if the word is not in the
        text: the tokenizer changed it, or it comes from another text of a pooled
        explanation.

    Examples
    --------
    >>> word = Word("cat", spans=[(2, 5)])
    >>> word, word.spans
    ('cat', ((2, 5),))
    """

    __slots__ = ("spans",)
    spans: tuple[tuple[int, int], ...]

    def __new__(cls, word: str, spans: Iterable[tuple[int, int]] = ()) -> "Word":  # noqa: D102
        self = super().__new__(cls, word)
        self.spans = tuple(spans)
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.spans


def located_words(
    words: Sequence[str], spans: Mapping[str, Iterable[tuple[int, int]]]
) -> list[Word]:
    """
    Give words their places.

    Parameters
    ----------
    words
        Features.
    spans
        The places of some words; the others have none.
    """
    return [Word(word, spans.get(word, ())) for word in words]


def superpixels_of(pixels: Iterable[np.ndarray], shape: tuple[int, int]) -> list[Superpixel]:
    """
    Make the cells of some superpixels of one image.

    Parameters
    ----------
    pixels
        Positions of the pixels of each.
    shape
        Height and width of the image.
    """
    return [Superpixel(indices, shape) for indices in pixels]
