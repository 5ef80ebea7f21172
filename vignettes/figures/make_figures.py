"""Run the blocks of the README, draw its figures, and print what the blocks print."""

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


def main() -> None:
    """Write the figures: each is what a block ends in."""
    readme = README.read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S)
    names: dict[str, Any] = {}
    shown = [run_block(block, names) for block in blocks]
    penguins, cat, text = (figure for figure in shown if figure is not None)
    penguins.save(FIGURES / "penguins.png", dpi=120, verbose=False)
    cat.save(FIGURES / "cat-block.png", dpi=100, verbose=False)
    save_page(text, FIGURES / "text.png")


if __name__ == "__main__":
    main()
