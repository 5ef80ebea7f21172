"""Strings that name files: told from texts, and from each other."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = [
    "IMAGE_ENDINGS",
    "are_file_names",
    "distinct_names",
    "files_of_folder",
    "is_file",
    "is_folder",
    "some_files",
]

IMAGE_ENDINGS = frozenset(
    [
        *[".jpg", ".jpeg", ".bmp", ".png", ".tiff", ".tif", ".gif", ".bpg"],  # R's
        *[".jfif", ".jpe", ".jp2", ".j2k", ".dib", ".apng", ".webp", ".heic", ".heif", ".avif"],
        *[".ico", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".dcm"],
    ]
)
"""Endings of file names that mark a string as an image: those of R's `lime`, and others."""

# No file system has longer paths.
_LONGEST_PATH = 4096


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether a path is one of an existing file."""
    try:
        return os.path.isfile(path)
    except (OSError, ValueError):  # a string can contain a NUL
        return False


def is_folder(path: Path) -> bool:
    """Whether a path is one of an existing folder, other than the current one."""
    try:
        return path.is_dir() and path != Path()
    except (OSError, ValueError):
        return False


def files_of_folder(folder: str) -> str:
    """Write how the images of a folder are passed, for a message about the folder."""
    return f"Pass its files, such as sorted(Path({folder!r}).glob('*.jpg'))."


def are_file_names(items: Iterable[object]) -> bool:
    """Whether all of some values name existing files, or end as image files do."""
    return all(
        isinstance(item, os.PathLike)
        or (isinstance(item, str) and (_ends_like_an_image(item) or _is_short_file(item)))
        for item in items
    )


def some_files(texts: Iterable[str | None]) -> list[str]:
    """Find the strings that name existing files."""
    return [text for text in texts if text is not None and _is_short_file(text)]


def _ends_like_an_image(text: str) -> bool:
    return os.path.splitext(text)[1].lower() in IMAGE_ENDINGS and "\n" not in text


def _is_short_file(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_PATH and "\n" not in text and is_file(text)


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """
    Name files by as little of their paths as tells them apart.

    Parameters
    ----------
    paths
        The files.

    Returns
    -------
    list of str
        Base names; ambiguous ones get parent folders, repeated paths a number.

    Examples
    --------
    >>> distinct_names([Path("a/cat.png"), Path("a/dog.png"), Path("a/cat.png")])
    ['cat.png', 'dog.png', 'cat.png (2)']
    """
    names = [path.name for path in paths]
    for depth in range(2, max((len(path.parts) for path in paths), default=0) + 1):
        files: dict[str, set[Path]] = {}
        for name, path in zip(names, paths, strict=True):
            files.setdefault(name, set()).add(path)
        ambiguous = {name for name, found in files.items() if len(found) > 1}
        if not ambiguous:
            break
        names = [
            str(Path(*path.parts[-depth:])) if name in ambiguous else name
            for name, path in zip(names, paths, strict=True)
        ]
    seen: Counter[str] = Counter()
    for position, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:  # the same file again
            names[position] = f"{name} ({seen[name]})"
    return names
