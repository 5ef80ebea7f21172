"""
Large work arrays whose memory is used again.

Memory of a megabyte goes back to the operating system whenever it is freed, and page by page it
costs more to get it anew than to compute what is written there.
"""

import threading
from math import prod
from typing import Any

import numpy as np

__all__ = ["work_array"]

# Of smaller arrays nothing is gained; larger ones are not kept, nor more in all.
_LEAST_BYTES = 2**16
_MOST_BYTES = 2**25
_MOST_KEPT_BYTES = 2**26

_kept: list[np.ndarray] = []
_lock = threading.Lock()


class _Loan:
    """Some memory, for as long as an array or a view of it exists."""

    def __init__(self, memory: np.ndarray, n_bytes: int) -> None:
        self.memory = memory
        self.__array_interface__: dict[str, Any] = memory[:n_bytes].__array_interface__

    def __del__(self) -> None:
        with _lock:
            _kept.append(self.memory)
            while sum(memory.nbytes for memory in _kept) > _MOST_KEPT_BYTES:
                _kept.pop(0)


def work_array(shape: tuple[int, ...], dtype: type[np.generic] = np.float64) -> np.ndarray:
    """
    Return an array with arbitrary content, in memory that may have been used before.

    The memory is used again when neither the array nor a view of it exists any more.

    Parameters
    ----------
    shape
        Its shape.
    dtype
        The type of its elements.
    """
    n_bytes = prod(shape) * np.dtype(dtype).itemsize
    if not _LEAST_BYTES <= n_bytes <= _MOST_BYTES:
        return np.empty(shape, dtype)
    with _lock:
        fits = [place for place, memory in enumerate(_kept) if memory.nbytes >= n_bytes]
        # The smallest, so that the others are left for larger arrays.
        memory = _kept.pop(min(fits, key=lambda place: _kept[place].nbytes)) if fits else None
    if memory is None:
        memory = np.empty(n_bytes, np.uint8)
    return np.asarray(_Loan(memory, n_bytes)).view(dtype).reshape(shape)
