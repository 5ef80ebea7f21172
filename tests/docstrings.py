"""
Real sentences with labels: the first sentences of public docstrings, by library.

Nothing is stored or loaded: they are read from the libraries that are installed.
"""

import importlib
import inspect
import pkgutil
import re
import warnings
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import pandas as pd

LIBRARIES = ("numpy", "scipy", "pandas", "sklearn", "skimage")

_NO_SENTENCES = frozenset(["tests", "testing", "conftest", "setup", "f2py", "distutils"])
# An end of a sentence that no small letter follows: not that of "e.g. this" or "3.14".
_FIRST_SENTENCE = re.compile(r"(?s)(.+?[.!?])(?=\s+[^a-z\s]|\s*$)")
_FEWEST_WORDS = 4


@cache
def docstring_sentences() -> pd.DataFrame:
    """
    Collect the sentences; the same ones in the same order in each call.

    Returns
    -------
    pandas.DataFrame
        Columns `sentence` (different from each other) and `library`, with the sorted names
        of what they document as the index.
    """
    rows: dict[str, tuple[str, str]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecated names that are only looked at
        for library in LIBRARIES:
            for module in _public_modules(library):
                for name, documented in _public_objects(module, library):
                    sentence = first_sentence(inspect.getdoc(documented) or "")
                    if len(sentence.split()) >= _FEWEST_WORDS:
                        rows.setdefault(name, (sentence, library))
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["sentence", "library"])
    # What several libraries say word for word tells nothing about any of them.
    return frame.sort_index().drop_duplicates("sentence")


def first_sentence(docstring: str) -> str:
    """First sentence of the first paragraph that is none of a signature, on one line."""
    for paragraph in docstring.strip().split("\n\n"):
        text = " ".join(paragraph.split())
        if re.match(r"[\w.]+\(.*\)( ->.*)?$", text) or text.startswith(".. "):
            continue
        found = _FIRST_SENTENCE.match(text)
        return found[1] if found else text
    return ""


def _public_modules(library: str) -> Iterator[ModuleType]:
    package = importlib.import_module(library)
    yield package
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
        if found.name.startswith("_") or found.name in _NO_SENTENCES:
            continue
        try:
            module = importlib.import_module(f"{library}.{found.name}")
        except ImportError:  # a part whose own requirements are missing
            continue
        yield module


def _public_objects(module: ModuleType, library: str) -> Iterator[tuple[str, Any]]:
    for name in sorted(getattr(module, "__all__", None) or dir(module)):
        try:
            thing = getattr(module, name, None)
        except ImportError:  # one that has to be asked for in another way
            continue
        if name.startswith("_") or not _is_of(thing, library):
            continue
        yield f"{module.__name__}.{name}", thing
        if inspect.isclass(thing):
            for method in sorted(vars(thing)):
                if not method.startswith("_") and callable(getattr(thing, method, None)):
                    yield f"{module.__name__}.{name}.{method}", getattr(thing, method)


def _is_of(thing: Any, library: str) -> bool:
    """Functions and classes that the library itself defines."""
    home = str(getattr(thing, "__module__", None) or "")
    return callable(thing) and home.split(".")[0] == library
