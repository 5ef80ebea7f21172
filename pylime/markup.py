"""HTML for notebooks and pages: escaped text, and colours for light and dark pages."""

import html
import re
from collections.abc import Mapping

__all__ = ["PAGE_DARK", "PAGE_LIGHT", "escape", "themed"]

PAGE_LIGHT = {"ink": "#1b1f24", "paper": "#ffffff", "faint": "#57606a", "rule": "#d5dbe1"}
"""Colours of text, its background, lesser text and lines on light pages."""

PAGE_DARK = {"ink": "#e6edf3", "paper": "#14181d", "faint": "#9aa7b4", "rule": "#343c45"}
"""The same on dark pages."""

# HTML parsers drop or change these, and the surrogates cannot be written as UTF-8.
_UNPRINTABLE = re.compile("[\0\ud800-\udfff]")


def escape(value: object) -> str:
    """
    Escape a value for HTML, between tags and in quoted attributes.

    Every value of the user's passes through this function before it reaches a page.

    Parameters
    ----------
    value
        Anything that prints.

    Returns
    -------
    str
        HTML that browsers show as `str(value)`. Characters that HTML does not allow, NUL and
        single surrogates, become U+FFFD.

    Examples
    --------
    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(value))
    return html.escape(text).replace("\r", "&#13;")  # parsers read a bare one as a newline


def themed(selector: str, light: Mapping[str, str], dark: Mapping[str, str]) -> str:
    """
    Write the CSS that gives an element colours for light and for dark pages.

    Parameters
    ----------
    selector
        A class, which all rules are bound to, so that they change nothing else on the page.
    light, dark
        Colours by name. The CSS of the element uses them as `var(--pylime-NAME)`.

    Examples
    --------
    >>> themed(".box", {"ink": "black"}, {"ink": "white"}).splitlines()[0]
    '.box { --pylime-ink: black; color-scheme: light; }'
    """
    # Pages and notebooks with a switch of their own mark it with an attribute or a class.
    return f"""\
{selector} {{ {_variables(light)} color-scheme: light; }}
@media (prefers-color-scheme: dark) {{
{selector} {{ {_variables(dark)} color-scheme: dark; }}
}}
[data-bs-theme="light"] {selector}, [data-theme="light"] {selector},
[data-jp-theme-light="true"] {selector}, .vscode-light {selector} {{
  {_variables(light)} color-scheme: light;
}}
[data-bs-theme="dark"] {selector}, [data-theme="dark"] {selector},
[data-jp-theme-light="false"] {selector}, .vscode-dark {selector} {{
  {_variables(dark)} color-scheme: dark;
}}
"""


def _variables(colours: Mapping[str, str]) -> str:
    return " ".join(f"--pylime-{name}: {colour};" for name, colour in colours.items())
