"""Permutations of an image: superpixels are painted over, and `preprocess` gets the images."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pylime.folders import temporary_folder
from pylime.image.pixels import Original
from pylime.image.png import ORIENTATION, PNG_MODES, PngWriter
from pylime.image.superpixels import run_starts
from pylime.pipeline import Batch

__all__ = ["make_painter", "painted_batches"]

# Batches of so many bytes are painted in a thread, one ahead: below, starting that takes longer
# than it saves; above, a second batch takes too much memory.
_AHEAD = 2**22, 2**28


def make_painter(
    pixels: np.ndarray, labels: np.ndarray, background: Sequence[float] | np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """
    Prepare to paint permutations of an image.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, channels) array of any numbers.
    labels
        (H, W) array, the superpixel of each pixel, counted from 1; 0 where nothing is ever
        removed.
    background
        What removed superpixels get: a number for each channel, or an array of the shape of
        `pixels`.

    Returns
    -------
    callable
        A function from an (n, n_superpixels) mask of kept superpixels to an
        (n, H, W[, channels]) array.
    """
    # Painting is `background ^ (difference & mask)` of the bytes, which restores the pixels where
    # the mask keeps them. Neighbouring pixels of a superpixel form runs: repeating one mask value
    # per run is far faster than looking up one per pixel.
    values = np.broadcast_to(np.asarray(background).astype(pixels.dtype), pixels.shape)
    behind = np.ascontiguousarray(values).view(np.uint8).ravel()
    difference = np.ascontiguousarray(pixels).view(np.uint8).ravel() ^ behind
    starts = run_starts(labels)
    lengths = np.diff(starts, append=labels.size) * (pixels.nbytes // labels.size)
    # What is never removed has the run number -1: that of a last column, which is always kept.
    runs = labels.ravel()[starts] - 1

    def paint(kept: np.ndarray) -> np.ndarray:
        bits = np.full((len(kept), kept.shape[1] + 1), 255, dtype=np.uint8)
        bits[:, :-1] *= kept
        images = np.empty((len(kept), len(difference)), dtype=np.uint8)
        for row, image in zip(bits, images, strict=True):
            np.bitwise_and(np.repeat(row.take(runs), lengths), difference, out=image)
            np.bitwise_xor(image, behind, out=image)
        return images.view(pixels.dtype).reshape(len(kept), *pixels.shape)

    return paint


def painted_batches(
    original: Original,
    paint: Callable[[np.ndarray], np.ndarray],
    masks: np.ndarray,
    size: int,
    folder: str | None,
) -> Iterator[Batch]:
    """
    Paint images batch by batch, in the form in which the user passed the original.

    Parameters
    ----------
    original
        The image, from `pylime.image.backgrounds.on_background`.
    paint
        From `make_painter`.
    masks
        (n, n_superpixels) mask of kept superpixels.
    size
        How many images a batch has.
    folder
        The parent folder for temporary files; None for the default.

    Yields
    ------
    Batch
        Paths of temporary files, which exist until the next batch; images of Pillow; or a stacked
        array.
    """
    parts = [masks[start : start + size] for start in range(0, len(masks), size)]
    if isinstance(original.item, np.ndarray):
        n_bytes = size * original.painted.nbytes
        in_turn = _one_ahead if _AHEAD[0] <= n_bytes <= _AHEAD[1] else map
        for images in in_turn(lambda some: _stack(original, paint(some)), parts):
            yield Batch(images, len(images))
            del images
        return
    write = _file_writer(original) if original.is_file else None
    for some in parts:
        if write is not None:
            # Each batch has a folder of its own: code of the user's can remember what a path held.
            with temporary_folder(folder) as place:
                # One image at a time is in memory.
                paths = [
                    write(Path(place, str(number)), paint(mask[None])[0])
                    for number, mask in enumerate(some)
                ]
                yield Batch(paths, len(paths))
        else:
            yield Batch([_pil_image(original, paint(m[None])[0]) for m in some], len(some))


def _one_ahead(
    make: Callable[[np.ndarray], np.ndarray], parts: Iterable[np.ndarray]
) -> Iterator[np.ndarray]:
    """Do what `map` does, but make each result in a thread while the one before is in use."""
    from concurrent.futures import ThreadPoolExecutor  # slow to import

    with ThreadPoolExecutor(1) as thread:
        ready: list[np.ndarray] = []
        for part in parts:
            ahead = thread.submit(make, part)
            if ready:
                yield ready.pop()  # nothing here keeps it in memory
            ready.append(ahead.result())
            del ahead
        if ready:
            yield ready.pop()


def _stack(original: Original, images: np.ndarray) -> np.ndarray:
    """Lay out a stack of images as the original is."""
    if original.channels_first:
        return np.ascontiguousarray(np.moveaxis(images, -1, 1))
    return images


def _pil_image(original: Original, pixels: np.ndarray) -> Image.Image:
    """Make an image of the mode, with the orientation and the notes, of the original."""
    image = _in_mode(original, pixels)
    if isinstance(original.item, Image.Image):
        notes = original.item.info
        image.info = {name: note for name, note in notes.items() if name != "transparency"}
    if original.orientation != 1:
        image.getexif()[ORIENTATION] = original.orientation
    return image


def _in_mode(original: Original, pixels: np.ndarray) -> Image.Image:
    mode = original.mode
    if mode == "P":
        image = Image.fromarray(pixels)
        palette = original.palette
        assert palette is not None
        opaque = bool((palette[:, 3] == 255).all())
        if opaque:
            image.putpalette(palette[:, :3].tobytes(), "RGB")
        else:
            image.putpalette(palette.tobytes(), "RGBA")
        return image
    if original.alpha:
        image = Image.fromarray(pixels)
        if mode == "La":
            image = image.convert("LA")
        return image if mode in ("RGBA", "PA") else image.convert(mode)
    if mode == "1":
        return Image.fromarray(pixels).convert("1", dither=Image.Dither.NONE)
    if mode in ("CMYK", "YCbCr", "HSV"):
        size = pixels.shape[1], pixels.shape[0]
        return Image.frombytes(mode, size, np.ascontiguousarray(pixels).tobytes())
    return Image.fromarray(pixels)


def _file_writer(original: Original) -> Callable[[Path, np.ndarray], str]:
    """
    Prepare to write permutations of a file.

    They are PNG files, which nearly every library reads; TIFF files, where the original is one or
    PNG does not have its numbers.
    """
    mode = "I;16" if original.mode.startswith("I;16") else original.mode
    if original.tiff or mode not in PNG_MODES:
        return lambda path, pixels: _write_tiff(path.with_suffix(".tif"), original, pixels)
    shape = original.painted.shape[0], original.painted.shape[1]
    palette = original.palette if mode == "P" else None
    png = PngWriter(shape, mode, palette, original.orientation, original.profile)

    def write(path: Path, pixels: np.ndarray) -> str:
        path = path.with_suffix(".png")
        if original.alpha and mode != "P":
            pixels = _channels_of(mode, pixels)
        png.write(path, pixels)
        return str(path)

    return write


def _channels_of(mode: str, pixels: np.ndarray) -> np.ndarray:
    """Leave out channels of (H, W, 4) pixels that a mode does not have."""
    channels = {"L": 0, "1": 0, "LA": [0, 3], "RGB": [0, 1, 2], "RGBA": slice(None)}
    return pixels[..., channels[mode]]


def _write_tiff(path: Path, original: Original, pixels: np.ndarray) -> str:
    if original.mode:
        tags = {ORIENTATION: original.orientation} if original.orientation != 1 else {}
        image = _in_mode(original, pixels)
        image.save(path, format="TIFF", tiffinfo=tags, icc_profile=original.profile or None)
        return str(path)
    from tifffile import imwrite

    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if original.channels_first:
        pixels = np.moveaxis(pixels, -1, 0)
    imwrite(
        path,
        np.ascontiguousarray(pixels),
        photometric="rgb" if channels in (3, 4) else "minisblack",
        planarconfig="separate" if original.channels_first else "contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if original.alpha else None,
        metadata=None,
        extratags=[(ORIENTATION, "H", 1, original.orientation, True)],
    )
    return str(path)
