"""Run the first blocks of the README, draw their figures, and print the rows that it shows."""

import ast
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

FIGURES = Path(__file__).parent
README = FIGURES.parent.parent / "README.md"


def run_block(source: str, names: dict[str, Any]) -> Any:
    """Run a block, and return what its last line shows."""
    *body, last = ast.parse(source).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(body, []), "README.md", "exec"), names)
    return eval(compile(ast.Expression(last.value), "README.md", "eval"), names)


def rows_of(printed: str, frame: Any) -> str:
    """Print the columns and as many rows of a frame as a block of the README shows."""
    header, *rows = printed.splitlines()
    columns = header.split()
    return frame[columns].head(len(rows)).round(3).to_string(index=False)


def save_page(page: Any, path: Path) -> None:
    """Save a web page as an image, as Chromium shows it."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page.save(f"{folder}/page.html")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        size = {"width": 720, "height": 50}
        shown = browser.new_page(viewport=size, device_scale_factor=1.5)
        shown.goto(f"file://{folder}/page.html")
        shown.screenshot(path=str(path), full_page=True)
        browser.close()


def run_page(name: str) -> dict[str, Any]:
    """Run the cells of a page, and return the names that they define."""
    page = (FIGURES.parent / f"{name}.md").read_text("utf-8")
    names: dict[str, Any] = {}
    for cell in re.findall(r"^```\{code-cell\}\n(.*?)^```", page, re.M | re.S):
        exec(compile(cell, f"{name}.md", "exec"), names)
    return names


def main() -> None:
    """Write the figures, and print the tables."""
    from PIL import Image
    from skimage.data import chelsea

    readme = README.read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S)
    tables = re.findall(r"^```text\n(.*?)^```", readme, re.M | re.S)
    names: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Image.fromarray(chelsea()).save("cat.png")
        plot = run_block(blocks[0], names)
        plot.save(FIGURES / "penguins.png", dpi=120, verbose=False)
        overview = names["plot_explanations"](names["explanation"])
        overview.save(FIGURES / "penguins-overview.png", dpi=120, verbose=False)
        print(rows_of(tables[0], names["explanation"]))
        print(rows_of(tables[1], names["quality"](names["explanation"])))
        plot = run_block(blocks[1], names)
        plot.save(FIGURES / "penguins-importance.png", dpi=90, verbose=False)
        plot = names["plot_waterfall"](names["every_bird"], cases=306)
        plot.save(FIGURES / "penguin-waterfall.png", dpi=100, verbose=False)
        plot = run_block(blocks[2], names)
        plot.save(FIGURES / "cat-block.png", dpi=100, verbose=False)
        print(rows_of(tables[2], names["explanation"]))
        save_page(run_block(blocks[3], names), FIGURES / "text.png")
        os.chdir(FIGURES)


if __name__ == "__main__":
    main()
