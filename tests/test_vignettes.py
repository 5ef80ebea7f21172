"""Every cell of every vignette runs."""

import re
from pathlib import Path

import pytest

VIGNETTES = sorted((Path(__file__).parent.parent / "vignettes").glob("*.md"))


@pytest.mark.parametrize("path", VIGNETTES, ids=lambda path: path.stem)
def test_vignettes_run(path):
    cells = re.findall(r"^```\{code-cell\}.*?\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
    assert cells
    names: dict[str, object] = {}
    for number, cell in enumerate(cells):
        source = cell.rstrip()
        *_, last = source.splitlines()
        if last.startswith("plot_"):  # a plot is drawn where it would be shown
            source = source.removesuffix(last) + f"({last}).draw()"
        exec(compile(source, f"{path.name}, cell {number}", "exec"), names)
