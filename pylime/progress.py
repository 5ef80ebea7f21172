"""How far a call has come."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

__all__ = ["Report", "progress_bar"]

Report: TypeAlias = Callable[[int], Any]


@contextmanager
def progress_bar(progress: bool | None, total: int | None, unit: str = "perm") -> Iterator[Report]:
    """A bar over parts of the work; by itself it appears on work of more than a second."""
    if progress is None:
        progress = sys.stderr.isatty() or "ipykernel" in sys.modules
    if not progress:
        yield lambda n: None
        return
    with warnings.catch_warnings():
        # Of a notebook without widgets, which gets a bar of text.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # its parts for notebooks are slow to import

    with tqdm(total=total, unit=unit, desc="explain", delay=1, leave=False) as bar:
        yield bar.update
