"""Settings of the documentation; `poe docs` builds it into build/docs."""

import os
from typing import Any

from sphinx.addnodes import desc, desc_signature

import pylime

# Kernels inherit these: no chatter, and no bars.
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TQDM_DISABLE": "1"}

project = "pylime"
version = release = pylime.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
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

nb_execution_mode = "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = False  # a warning instead, so that every failing page is named
nb_execution_show_tb = True
nb_merge_streams = True
# TensorFlow greets there. The tests see to it that no cell warns, unless it says
# `mystnb: {output_stderr: show}`.
nb_output_stderr = "remove"
myst_enable_extensions = ["colon_fence", "deflist"]
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


def setup(app: Any) -> None:
    """Have pages looked through when they are read."""
    app.connect("doctree-read", keep_one_signature)
