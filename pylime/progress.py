"""The progress bar of a long call."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

__all__ = ["Report", "progress_bar"]

Report: TypeAlias = Callable[[int], object]
"""Takes the number of parts that were finished since the last call."""


@contextmanager
def progress_bar(progress: bool | None, total: int | None, unit: str = "perm") -> Iterator[Report]:
    """
    Show a bar while the work is done.

    Parameters
    ----------
    progress
        Whether to show it; None shows it in notebooks and terminals. It appears after a
        second, so that short calls have none.
    total
        Number of parts, if it is known.
    unit
        Name of a part.

    Yields
    ------
    Report
        The function to call with the number of finished parts.
    """
    if progress is None:
        progress = sys.stderr.isatty() or "ipykernel" in sys.modules
    if not progress:
        yield lambda n: None
        return
    with warnings.catch_warnings():
        # tqdm warns in a notebook without widgets, where it shows a bar of text.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # slow to import in notebooks

    with tqdm(total=total, unit=unit, desc="explain", delay=1, leave=False) as bar:
        yield bar.update
