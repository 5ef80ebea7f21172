"""
Highlighted texts for e-mail: each element carries its own style.

Mail programs drop style sheets, classes and variables, and lay pages out in their own way. What a
word does to the prediction is therefore said three times: by its colour, by the line below it,
solid or dashed, and by a sign behind it, which is left even where all styles are dropped.
"""

import re
from collections.abc import Mapping

from pylime.plots.stylesheet import LIGHT, shades_of

__all__ = ["SIGNS", "inlined"]

SIGNS = {"positive": "+", "negative": "\N{MINUS SIGN}"}
"""What stands behind a word, in parentheses if it possibly has no effect."""

_LINES = {"positive": "solid", "negative": "dashed"}
# All that the user wrote is escaped, so that a bracket is always one of a tag.
_STYLESHEET = re.compile("<style>.*?</style>\n?", flags=re.DOTALL)
_SIZE = re.compile(r"width: ([^;\"]*); height: [^;\"]*")
_MARK = re.compile(
    r'<(mark|span) class="(positive|negative)_(\d)( striped)?"([^>]*)>(.*?)</\1>', flags=re.DOTALL
)
_WORDS = re.compile(r'(?<=<p class="words" dir="auto">).*?(?=</p>)', flags=re.DOTALL)
_TAG = re.compile("(<[^>]*>)")
_LINE_END = re.compile("&#13;|\n")
# One of Windows, which a tag can cut in two.
_BEFORE_LINE_END = re.compile("&#13;(?=(?:<[^>]*>)*\n)")
_STYLED = re.compile(r'<(\w+) class="([^"]*)"( style="([^"]*)")?')
_SMALL = "margin: 0.35em 0 0; font-size: 13px; color: {faint};"
_RULE = "border-top: 1px solid {rule};"
# Words are read in order: `column brief` is a column.
_STYLES = {
    "pylime-text": (
        "padding: 1em 1.25em; border: 1px solid {rule}; background: {paper}; "
        "color: {ink}; font: 16px/1.75 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif;"
    ),
    "text": "margin: 0 0 1em; padding-top: 0.5em;",
    "words": "margin: 0; max-width: 46em; white-space: pre-wrap;",
    "column": "margin: 0 0 0.75em;",
    "name": "margin: 0; font-size: 13px; font-weight: 600; color: {faint};",
    "none": "margin: 0; font-style: italic; color: {faint};",
    "features": "margin: 0.5em 0 0; padding: 0; list-style: none; font-size: 14px;",
    "facts": _SMALL,
    "key": _SMALL + " padding-top: 0.6em; " + _RULE,
}


def inlined(html: str, palette: tuple[str, str] | None = None) -> str:
    """
    Move the styles of highlighted texts into their elements.

    Parameters
    ----------
    html
        Of `pylime.plots.text.TextExplanations`.
    palette
        Colours of words of positive and of negative weights, if they are not the default ones.

    Returns
    -------
    str
        One element without a style sheet, classes and variables, in the colours of light pages,
        as high as its texts.
    """
    colours = {**LIGHT}
    for sign, colour in zip(SIGNS, palette or (), strict=False):
        colours |= shades_of(sign, colour, LIGHT)
    html = _WORDS.sub(lambda words: _with_breaks(words[0]), _STYLESHEET.sub("", html))
    html = _MARK.sub(lambda mark: _styled_mark(mark, colours), html)
    html = _STYLED.sub(lambda tag: _styled_tag(tag, colours), html)
    html = html.replace("<bdi>", f'<bdi style="color: {colours["ink"]}; font-weight: 600;">')
    # A margin between these is lost in some programs.
    return html.replace("</span> <span>", "</span> &emsp; <span>")


def _with_breaks(words: str) -> str:
    """Break lines with elements, also where white space is collapsed."""
    parts = _TAG.split(
        _BEFORE_LINE_END.sub("", words)
    )  # texts, and tags between them, whose titles stay as they are
    parts[::2] = [_LINE_END.sub("<br>", text) for text in parts[::2]]
    return "".join(parts)


def _styled_mark(mark: re.Match[str], colours: Mapping[str, str]) -> str:
    """Write a word, or a step of the key, with its colours, its line and its sign."""
    _, sign, strength, striped, further, text = mark.groups()
    ink = colours[f"{sign}-ink-5" if strength == "5" and not striped else "ink"]
    style = (
        f"padding: 0.1em 0.15em; color: {ink}; background-color: {colours[f'{sign}-{strength}']}; "
        f"border-bottom: {1 if striped else 2}px {_LINES[sign]} {colours[f'{sign}-line']};"
    )
    if striped:
        style += (
            " background-image: repeating-linear-gradient(135deg, "
            f"{colours['veil-1']} 0 3px, {colours['veil-2']} 3px 6px);"
        )
    signed = f"({SIGNS[sign]})" if striped else SIGNS[sign]
    if text == "&nbsp;":  # of the key
        return f'<span style="{style}">{signed}</span>'
    raised = "font-size: 0.75em; font-weight: 700; line-height: 0;"
    return f'<span style="{style}"{further}>{text}<sup style="{raised}">{signed}</sup></span>'


def _styled_tag(tag: re.Match[str], colours: Mapping[str, str]) -> str:
    name, classes, _, size = tag.groups()
    styles = [_STYLES[word].format(**colours) for word in classes.split() if word in _STYLES]
    if size:
        styles.insert(0, _SIZE.sub(r"max-width: \1;", size))
    return f'<{name} style="{" ".join(styles)}"' if styles else f"<{name}"
