"""PNG files that are written in an instant, because nothing in them is compressed."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

__all__ = ["ORIENTATION", "PNG_MODES", "PngWriter", "bit_depth", "exif_of", "write_png"]

ORIENTATION = 0x0112
"""EXIF's number for how a camera was held."""

PNG_MODES = {
    "1": (1, 0),
    "L": (8, 0),
    "I;16": (16, 0),
    "RGB": (8, 2),
    "P": (8, 3),
    "LA": (8, 4),
    "RGBA": (8, 6),
}
"""Pillow's modes that PNG has: their bits per channel, and PNG's number for their channels."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST_BLOCK = 65535


class PngWriter:
    """
    Writes PNG files of one size and form, without compressing them.

    Pillow tries filters for every line even without compression, which takes four times as
    long; these files exist only during one prediction.

    Parameters
    ----------
    shape
        Height and width.
    mode
        Pillow's mode, of `PNG_MODES`.
    palette
        (n, 4) array of the colours of mode P, and their opacities.
    orientation
        What the EXIF tag says; without one at 1.
    profile
        The ICC profile; empty for none.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        mode: str,
        palette: np.ndarray | None = None,
        orientation: int = 1,
        profile: bytes = b"",
    ) -> None:
        height, width = shape
        self._mode = mode
        depth, kind = PNG_MODES[mode]
        samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
        self._line = 1 + -(-width * samples * depth // 8)  # a line begins with its filter, 0
        self._head = [
            (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)),
        ]
        if profile:
            self._head.append((b"iCCP", b"icc\0\0" + zlib.compress(profile)))
        if orientation != 1:
            self._head.append((b"eXIf", exif_of(orientation)))
        if palette is not None:
            self._head.append((b"PLTE", palette[:, :3].tobytes()))
            if (palette[:, 3] < 255).any():
                self._head.append((b"tRNS", palette[:, 3].tobytes()))
        # The content of a zlib stream, in blocks of whole lines that are stored as they are.
        lines = max(_LONGEST_BLOCK // self._line, 1)
        self._blocks = [min(lines, height - top) for top in range(0, height, lines)]
        fits = self._line <= _LONGEST_BLOCK
        size = 2 + sum(5 + n * self._line for n in self._blocks) + 4 if fits else 0
        self._stream = np.zeros(size, dtype=np.uint8)
        if fits:
            self._stream[:2] = (0x78, 0x01)
        for start, n in self._places():
            length = n * self._line
            is_last = start + length + 4 == size
            head = struct.pack("<BHH", is_last, length, length ^ 0xFFFF)
            self._stream[start - 5 : start] = np.frombuffer(head, np.uint8)

    def _places(self) -> Iterator[tuple[int, int]]:
        """Where the lines of each block begin, and how many they are."""
        if not len(self._stream):
            return
        start = 2
        for n in self._blocks:
            yield start + 5, n
            start += 5 + n * self._line

    def write(self, path: Path, pixels: np.ndarray) -> None:
        """Write the (H, W) or (H, W, channels) pixels of one file; of mode 1, 0 or 255."""
        with path.open("wb") as file:
            file.write(_SIGNATURE)
            for name, content in self._head:
                _write_chunk(file, name, content)
            _write_chunk(file, b"IDAT", self._content(pixels))
            _write_chunk(file, b"IEND", b"")

    def _content(self, pixels: np.ndarray) -> bytes | memoryview:
        """Put pixels into the zlib stream."""
        if self._mode == "1":
            pixels = np.packbits(pixels > 0, axis=1)
        elif self._mode == "I;16":
            pixels = pixels.astype(">u2")
        rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
        if not len(self._stream):  # a line is longer than a block
            lines = np.zeros((len(rows), self._line), dtype=np.uint8)
            lines[:, 1:] = rows
            return zlib.compress(lines.tobytes(), level=0)
        checksum, top = 1, 0
        for start, n in self._places():
            block = self._stream[start : start + n * self._line]
            block.reshape(n, self._line)[:, 1:] = rows[top : top + n]
            checksum = zlib.adler32(block.data, checksum)
            top += n
        self._stream[-4:] = np.frombuffer(struct.pack(">I", checksum), np.uint8)
        return self._stream.data


def _write_chunk(file: IO[bytes], name: bytes, content: bytes | memoryview) -> None:
    file.write(struct.pack(">I", len(content)) + name)
    file.write(content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))


def exif_of(orientation: int) -> bytes:
    """Return EXIF data that say nothing but how to turn an image."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif.tobytes().removeprefix(b"Exif\0\0")


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W), (H, W, 3) or (H, W, 4) pixels of uint8 to one PNG file."""
    mode = {2: "L", 3: "RGB", 4: "RGBA"}[pixels.shape[2] if pixels.ndim == 3 else 2]
    PngWriter(pixels.shape[:2], mode).write(path, pixels)


def bit_depth(path: Path) -> tuple[int, bool]:
    """Read from the head of a file how many bits a channel has, and whether it has colours."""
    with path.open("rb") as file:
        head = file.read(26)
    if not head.startswith(_SIGNATURE) or len(head) < 26:
        return 8, True
    return head[24], bool(head[25] & 2)
