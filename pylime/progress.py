"""Progress bars."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias

__all__ = ["Report", "progress_bar", "silent"]

Report: TypeAlias = Callable[[int], object]
"""A function that takes the number of parts that are done since its last call."""


def progress_bar(
    progress: bool | None, total: int | None, unit: str = "perm"
) -> AbstractContextManager[Report]:
    """
    Show a bar over parts of the work.

    Parameters
    ----------
    progress
        Whether to show it; None for in a terminal or notebook. It appears after a second.
    total
        How many parts there are; None if that is not known.
    unit
        What a part is called.

    Returns
    -------
    context manager
        Its target is the function to report to.
    """
    if progress is None:
        progress = sys.stderr.isatty() or "ipykernel" in sys.modules
    return _bar(total, unit) if progress else nullcontext(silent)


def silent(n: int) -> None:
    """A report to nobody."""


@contextmanager
def _bar(total: int | None, unit: str) -> Iterator[Report]:
    with warnings.catch_warnings():
        # Of a notebook without widgets, which gets a bar of text.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # its parts for notebooks are slow to import

    with tqdm(total=total, unit=unit, desc="explain", delay=1, leave=False) as bar:
        yield bar.update
