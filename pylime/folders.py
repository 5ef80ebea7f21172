"""
Temporary folders, which do not outlast the process that made them.

A process that is killed cannot delete its folders. Each is therefore locked while its process
lives, and the next process that needs one deletes those that are not.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be deleted, nor a folder around it
    fcntl = None

__all__ = ["is_abandoned", "lock", "temporary_folder"]

_PREFIX = "pylime-"
_LOCK = "in-use.lock"
# Seconds until a process looks for abandoned folders again.
_SWEEP_AGAIN = 600
_swept = -float("inf")


@contextmanager
def temporary_folder(within: str | None = None) -> Iterator[str]:
    """
    Make a folder that is deleted at the end, or by a later process if this one is killed.

    Parameters
    ----------
    within
        A folder to make it in, with which it is deleted at the latest. None: the system's
        place for temporary files.

    Examples
    --------
    >>> with temporary_folder() as folder:
    ...     os.path.isdir(folder)
    True
    >>> os.path.isdir(folder)
    False
    """
    if within is not None:
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=within) as folder:
            yield folder
        return
    _sweep()
    while True:
        with (
            tempfile.TemporaryDirectory(prefix=_PREFIX) as folder,
            open(os.path.join(folder, _LOCK), "xb") as file,
        ):
            # Another process may have taken the folder for abandoned before it was locked.
            if lock(file) and os.path.exists(file.name):
                yield folder
                return


def lock(file: IO[bytes]) -> bool:
    """
    Lock an open file for as long as it is open in this process or one forked from it.

    Returns
    -------
    bool
        Whether it is locked now; not if another process has locked it.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def is_abandoned(path: str | Path) -> bool:
    """Whether no process has locked a file of this user's; False if this cannot be known."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _sweep() -> None:
    """Delete the folders of processes that were killed."""
    global _swept
    if time.monotonic() - _swept < _SWEEP_AGAIN:
        return
    _swept = time.monotonic()
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if not folder.is_symlink() and is_abandoned(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)
