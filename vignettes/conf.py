"""Settings of the documentation; `poe docs` builds it into build/docs."""

import hashlib
import os
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from PIL import Image
from sphinx.addnodes import desc, desc_signature

import pylime

PAGES = Path(__file__).parent
ROOT = PAGES.parent

# Kernels inherit these: no chatter, and no bars.
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TQDM_DISABLE": "1"}

project = "pylime"
version = release = pylime.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.intersphinx", "sphinx.ext.napoleon"]
exclude_patterns = ["jupyter_execute", "**.ipynb_checkpoints"]
nitpicky = True  # a link that leads nowhere is a warning, and a warning ends the build

html_theme = "furo"
html_title = "pylime"
html_static_path = ["static"]
html_css_files = ["pylime.css"]
html_copy_source = False
pygments_dark_style = "github-dark"
html_show_sphinx = html_show_copyright = False
# A page takes nothing from elsewhere, so that the site works without a network.
html_theme_options: dict[str, Any] = {"footer_icons": []}
nb_ipywidgets_js: dict[str, Any] = {}

# The names of other libraries that pages link to, and where they stand, are stored beside the
# pages: nothing is fetched, and a build without a network is the same.
intersphinx_mapping = {
    "numpy": ("https://numpy.org/doc/stable/", "inventories/numpy.txt"),
    "pandas": ("https://pandas.pydata.org/docs/", "inventories/pandas.txt"),
    "plotnine": ("https://plotnine.org/", "inventories/plotnine.txt"),
    "sklearn": ("https://scikit-learn.org/stable/", "inventories/sklearn.txt"),
}


def digest_of_inputs() -> str:
    """
    Digest what the outputs of a page depend on, besides the cells of the page itself.

    These are the package, its data and that of the pages, Python, and what is installed.
    """
    digest = hashlib.sha256(sys.version.encode())
    for folder in (ROOT / "pylime", ROOT / "inst_data", PAGES / "r"):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
                digest.update(path.read_bytes())
    installed = {f"{found.name}=={found.version}" for found in distributions()}
    digest.update("\n".join(sorted(installed)).encode())
    return digest.hexdigest()[:16]


# A page whose cells, and all else, were the same before is not run again.
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks" / digest_of_inputs())
nb_execution_timeout = 600
nb_execution_raise_on_error = False  # a warning instead, so that every failing page is named
nb_execution_show_tb = True
nb_merge_streams = True
# TensorFlow greets there. The tests see to it that no cell warns, unless it says
# `mystnb: {output_stderr: show}`.
nb_output_stderr = "remove"
myst_enable_extensions = ["colon_fence", "deflist", "substitution"]
myst_substitutions = {"version": version}
myst_heading_anchors = 3

# What stands between single backticks is code, and a link where it names something of this site.
default_role = "py:obj"
napoleon_google_docstring = False
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
# Types are named; those of other libraries, and private ones, lead nowhere.
nitpick_ignore_regex = [(r"py:(class|data|obj)", r"(?s).*")]


def keep_one_signature(app: Any, page: Any) -> None:
    """Leave out what a generic function shows for each library: always the same signature."""
    for entry in page.findall(desc):
        seen: set[str] = set()
        for signature in [part for part in entry.children if isinstance(part, desc_signature)]:
            if signature.astext() in seen:
                entry.remove(signature)
            seen.add(signature.astext())


def is_plot(path: Path) -> bool:
    """Whether an image is a plot on white, which dark pages may invert, and no photograph."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB").resize((200, 200), Image.Resampling.NEAREST))
    pixels = pixels.reshape(-1, 3)
    white = (pixels > 250).all(axis=1)
    colours = np.unique(pixels[~white] // 8, axis=0)
    return bool(white.mean() > 0.3 and len(colours) < 400)


def mark_plots(app: Any, doctree: Any, page: str) -> None:
    """Give plots a class of their own, by which the style sheet fits them to dark pages."""
    for image in doctree.findall(nodes.image):
        path = Path(app.srcdir) / image["uri"]
        if path.suffix == ".png" and path.exists() and is_plot(path):
            image["classes"].append("plot")


def label_cells(app: Any, doctree: Any, page: str) -> None:
    """Put the header of its column into each cell; it is shown where rows are stacked."""
    for group in doctree.findall(nodes.tgroup):
        head = next(iter(group.findall(nodes.thead)), None)
        if head is None:
            continue
        names = [entry.astext() for entry in next(iter(head.findall(nodes.row)))]
        if len(names) < 3:
            continue  # what a single cell beside the first one is goes without saying
        for body in group.findall(nodes.tbody):
            for row in body.findall(nodes.row):
                for name, entry in zip(names, row.children, strict=False):
                    if name and entry.children and entry.astext():
                        entry.children[0].insert(0, nodes.inline("", name, classes=["of-column"]))


def link_pictures(app: Any, doctree: Any, page: str) -> None:
    """Fill the container `thumbnails` of a page with its sections' first pictures, as links."""
    for grid in list(doctree.findall(nodes.container)):
        if "thumbnails" not in grid["classes"]:
            continue
        links: list[nodes.paragraph] = []
        for section in doctree.findall(nodes.section):
            own = [child for child in section.children if not isinstance(child, nodes.section)]
            images = [image for child in own for image in child.findall(nodes.image)]
            if not images or section.parent is doctree:
                continue
            title = section.children[0].astext()
            picture = images[0].deepcopy()
            picture["alt"] = ""  # the title beside it is the text of the link
            link = nodes.reference("", "", internal=True, refid=section["ids"][0])
            link += [picture, nodes.inline("", title)]
            links.append(nodes.paragraph("", "", link))
        if links:
            grid[1:1] = links  # behind the sentence about them
        else:
            grid.parent.remove(grid)


def write_llms_txt(app: Any, error: Exception | None) -> None:
    """List all pages, with their first sentences, in the form that language models read."""
    if error is not None or app.builder.format != "html":
        return
    pages = app.env.toctree_includes.get("index", [])

    def first_paragraph(page: str) -> str:
        found = app.env.get_doctree(page).findall(nodes.paragraph)
        texts = (" ".join(paragraph.astext().split()) for paragraph in found)
        return next((text for text in texts if text), "")

    lines = [f"# {project}", "", f"> {first_paragraph('index')}"]
    for caption, of_reference in (("Pages", False), ("Reference", True)):
        lines += ["", f"## {caption}", ""]
        for page in pages:
            if page.startswith("api/") == of_reference:
                title = app.env.titles[page].astext()
                start = first_paragraph(page) if not of_reference else ""
                address = app.builder.get_target_uri(page)
                lines.append(f"- [{title}]({address})" + (f": {start}" if start else ""))
    (Path(app.outdir) / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Any) -> None:
    """Have pages looked through when they are read, and when they are written."""
    app.connect("doctree-read", keep_one_signature)
    app.connect("doctree-resolved", mark_plots)
    app.connect("doctree-resolved", label_cells)
    app.connect("doctree-resolved", link_pictures)
    app.connect("build-finished", write_llms_txt)
