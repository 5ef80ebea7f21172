"""
Print the lowest versions that pyproject.toml allows, as requirements for pip.

    pip install -r <(python tests/lowest.py)

They are those of the dependencies and of what the tests meet, but for libraries of several
hundred megabytes and linters: tests that need these have the mark `full`. Other tools have any
version.
"""

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text("utf-8"))
EXTRAS = ["parquet", "icu", "app", "dask", "excel", "jax", "imagenet", "test"]
LARGE = ["h2o", "tensorflow", "tensorflow-cpu", "torch", "transformers"]
CHECKS = [
    "codespell",
    "import-linter",
    "pandas-stubs",
    "poethepoet",
    "pyright",
    "ruff",
    "scipy-stubs",
]
TOOLS = ["build", "hypothesis", "playwright", "pytest", "pytest-xdist"]


def lowest() -> list[str]:
    project = PROJECT["project"]
    extras = [line for name in EXTRAS for line in project["optional-dependencies"][name]]
    found = []
    for requirement in [*project["dependencies"], *extras]:
        line = requirement.partition(";")[0].strip()
        name = re.split(r"[\[<>=]", line)[0]
        if name in [*LARGE, *CHECKS, "tidylime"]:
            continue
        found.append(name if name in TOOLS else line.replace(">=", "=="))
    return found


if __name__ == "__main__":
    print(*lowest(), sep="\n")
