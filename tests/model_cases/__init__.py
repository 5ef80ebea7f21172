"""
Models of every library, each built to use one feature: one list for tests and the page "Models".

A module per library lists its models as `CASES`; nothing is imported or fitted before a
case's `build` is called.
"""

import importlib
import pkgutil
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

PAGE = Path(__file__).parents[2] / "vignettes" / "models.md"
Task = Literal["two classes", "several classes", "several labels", "regression"]


@dataclass(frozen=True)
class Subject:
    """
    A fitted model and what to explain of it.

    Attributes
    ----------
    model
        What goes into `lime()`.
    data
        What goes into `lime()` as its data; the first of it is explained.
    labels
        The labels, as the model calls them; None for a regressor.
    top_feature
        The feature that the model was built to use.
    preprocess, options
        For `lime()`; for `explain()`.
    """

    model: Any
    data: Any
    labels: Sequence[Hashable] | None
    top_feature: str
    preprocess: Callable[[Any], Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelCase:
    """
    One row of the table of what is supported.

    Attributes
    ----------
    project
        The library, as its project writes it.
    model
        The model's class, or how it is made.
    task
        What it predicts.
    build
        Makes and fits it.
    module
        What is imported for it.
    """

    project: str
    model: str
    task: Task
    build: Callable[[], Subject]
    module: str

    def __str__(self) -> str:
        return f"{self.project} {self.model} {self.task}"


def all_cases() -> list[ModelCase]:
    """The cases of every module here, library by library."""
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    cases = [case for module in modules for case in module.CASES]
    return sorted(cases, key=lambda case: case.project.casefold())


def support_table() -> str:
    """What is supported, as the page "Models" has it."""
    rows: dict[str, dict[str, list[str]]] = {}
    for case in all_cases():
        models = rows.setdefault(case.project, {}).setdefault(case.task, [])
        if case.model not in models:
            models.append(case.model)
    lines = ["| library | task | tested with |", "| --- | --- | --- |"]
    for library, tasks in rows.items():
        for task, models in tasks.items():
            names = ", ".join(f"`{model}`" for model in models)
            lines.append(f"| {library} | {task} | {names} |")
    return "\n".join(lines)


def write_table(page: Path = PAGE) -> None:
    """Put the table between its two comments on the page."""
    before, _, rest = page.read_text("utf-8").partition("<!-- models -->\n")
    _, end, after = rest.partition("<!-- end of models -->")
    text = f"{before}<!-- models -->\n{support_table()}\n{end}{after}"
    page.write_text(text, "utf-8")


def rows_of_numbers(n: int = 300) -> pd.DataFrame:
    """Columns of numbers: what matters is called `signal`."""
    random = np.random.default_rng(8)
    return pd.DataFrame(random.normal(size=(n, 4)), columns=["noise", "dull", "signal", "vain"])


def rows_with_words(n: int = 300) -> pd.DataFrame:
    """The same with a column of strings, `colour`, that matters, and one of categories."""
    random = np.random.default_rng(9)
    rows = rows_of_numbers(n).rename(columns={"signal": "idle"})
    rows["colour"] = random.choice(["red", "green", "blue"], n)
    rows["shape"] = pd.Categorical(random.choice(["round", "square"], n))
    return rows


def two_classes(signal: Any) -> np.ndarray:
    """`"no"` or `"yes"`, with a little noise."""
    return np.where(_noisy(signal) > 0, "yes", "no")


def three_classes(signal: Any) -> np.ndarray:
    """`"low"`, `"middle"` or `"top"`."""
    return np.array(["low", "middle", "top"])[np.digitize(_noisy(signal), [-0.5, 0.5])]


def response(signal: Any) -> np.ndarray:
    """A number."""
    return 3.0 * _noisy(signal) + 1.0


def _noisy(signal: Any) -> np.ndarray:
    signal = np.asarray(signal, dtype=float)
    return signal + np.random.default_rng(10).normal(scale=0.1, size=len(signal))
