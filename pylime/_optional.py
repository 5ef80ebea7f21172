"""Stand-ins for types of libraries that may not be installed and are not imported here."""

import sys
from abc import ABCMeta
from typing import Any

__all__ = ["placeholder"]


def placeholder(module: str, name: str, but_not: type | None = None) -> type:
    """
    Make a type that counts the classes of a library as its subclasses.

    `functools.singledispatch` functions register on it; a user's registration for a
    more specific class wins.

    Parameters
    ----------
    module
        The module that holds the class once the library is imported.
    name
        The most general class of the library.
    but_not
        Another placeholder, whose subclasses do not count: a class can belong to two
        libraries.

    Returns
    -------
    type
        An abstract class. It looks the real one up among the imported modules, because no
        object of a library exists before the library is imported.

    Examples
    --------
    >>> import decimal
    >>> issubclass(decimal.Decimal, placeholder("decimal", "Decimal"))
    True
    >>> issubclass(int, placeholder("not_installed", "Model"))
    False
    """

    class Stand(metaclass=ABCMeta):  # noqa: B024 - abstract through its subclass check
        @classmethod
        def __subclasshook__(cls, subclass: type) -> Any:
            if but_not is not None and issubclass(subclass, but_not):
                return False
            real = getattr(sys.modules.get(module), name, None)
            return isinstance(real, type) and issubclass(subclass, real)

    Stand.__name__ = Stand.__qualname__ = name
    return Stand
