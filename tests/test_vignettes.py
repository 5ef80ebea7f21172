"""Every cell of every vignette runs, and shows what it ends in."""

import ast
import re
import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest

import pylime

VIGNETTES = Path(__file__).parent.parent / "vignettes"
# Options stand in lines that begin with a colon, or between dashes.
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(---\n.*?^---\n|(?::[^\n]*\n)*)(.*?)^```", re.M | re.S)
PAGES = {
    path.stem: cells
    for path in sorted(VIGNETTES.glob("*.md"))
    if (cells := CELL.findall(path.read_text("utf-8")))
}


def show(value):
    """Make what a notebook would show: a picture, a page or a text."""
    if hasattr(value, "draw"):  # a plot of plotnine shows itself only inside IPython
        import matplotlib.pyplot as plt

        value.draw()
        plt.close("all")
    for kind in ("_repr_html_", "_repr_png_", "__repr__"):
        if hasattr(value, kind):
            getattr(value, kind)()


@pytest.mark.full  # without TensorFlow the pages on images take a quarter of an hour
@pytest.mark.parametrize("page", PAGES)
def test_vignettes_run(page, monkeypatch):
    monkeypatch.chdir(VIGNETTES)  # as notebooks do
    monkeypatch.setattr("pylime.pipeline._KINDS", dict(pylime.pipeline._KINDS))
    names: dict[str, object] = {"__name__": "__main__"}
    for number, (options, source) in enumerate(PAGES[page]):
        *first, last = ast.parse(source).body
        place = f"{page}.md, cell {number}"
        shows = isinstance(last, ast.Expr)
        body = ast.Module(first if shows else [*first, last], [])
        fails = "raises-exception" in options
        with warnings.catch_warnings(), pytest.raises(Exception) if fails else nullcontext():  # noqa: PT011
            if "output_stderr" not in options:
                warnings.simplefilter("error", UserWarning)
            exec(compile(body, place, "exec"), names)
            if shows:
                show(eval(compile(ast.Expression(last.value), place, "eval"), names))
