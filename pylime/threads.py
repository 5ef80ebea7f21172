"""Threads of the linear algebra library: small products are done before these are awake."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

__all__ = ["few_threads"]

# Multiplications below which a second thread costs more than it brings. On a machine
# that has other things to do, waiting for it takes a hundred times as long as the product.
_WORTH_A_THREAD = 2e8


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController  # looks at all loaded libraries

    return ThreadpoolController().select(user_api="blas")


@contextmanager
def few_threads(multiplications: float) -> Iterator[None]:
    """
    Do linear algebra on one thread, unless it is large.

    Parameters
    ----------
    multiplications
        About how many there will be.

    Examples
    --------
    >>> import numpy as np
    >>> with few_threads(5000 * 30 * 30):
    ...     np.ones((2, 3)) @ np.ones(3)
    array([3., 3.])
    """
    if multiplications > _WORTH_A_THREAD:
        yield
        return
    with _blas().limit(limits=1):
        yield
