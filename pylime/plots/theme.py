"""The theme and the facet labels of all plots, after R's `lime`."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from mizani.transforms import identity_trans
from plotnine import (
    element_blank,
    element_line,
    element_rect,
    element_text,
    labeller,
    theme,
    theme_minimal,
)
from plotnine.iapi import strip_label_details

from pylime.frame import as_utf8
from pylime.numbers import format_numbers
from pylime.plots.palette import luminance
from pylime.plots.stylesheet import DARK

__all__ = [
    "FIT",
    "LOW_FIT",
    "amount_text",
    "fit_texts",
    "in_order",
    "is_dark",
    "label_both_upper",
    "label_text",
    "number_texts",
    "plain_text",
    "sized_theme",
    "text_width",
    "theme_lime",
]

FIT = "Explanation fit"
"""What all plots call `model_r2`."""

LOW_FIT = 0.1
"""
R² below which plots call a fit low.

There the local model describes less than a tenth of what the model does around the case: its
weights say next to nothing about the prediction, however certain they are.
"""


# Settings that leave room for the texts of a plot, and no matter of taste.
_ROOM = frozenset(
    [
        "axis_text_x",
        "axis_title_x",
        "figure_size",
        "legend_box_spacing",
        "legend_position",
        "legend_text",
        "legend_title",
        "panel_spacing",
        "panel_spacing_x",
        "panel_spacing_y",
        "plot_margin",
        "strip_align",
    ]
)


class theme_lime(theme_minimal):  # noqa: N801 - plotnine's convention
    """
    Draw a plot like R's `lime`: a minimal theme with bold strips, flush left.

    All plots have it. Added to one, as any theme of plotnine, it changes the background:
    `plot + theme_lime(dark=True)`.

    Parameters
    ----------
    dark
        Whether the background is dark and texts are light. By default, if matplotlib's style
        has a dark figure when the theme is made, as `plt.style.use("dark_background")` has.
        The bars and lines of plots are lighter on any dark background, also of other themes.
    **settings
        Further elements, as for `plotnine.theme`.

    Attributes
    ----------
    room
        The settings that leave room for the texts of a plot, if they have a size.

    Examples
    --------
    >>> theme_lime(dark=True).getp(("plot_background", "facecolor"))
    '#14181d'
    """

    room: theme | None

    def __init__(self, dark: bool | None = None, **settings: Any) -> None:
        super().__init__()
        defaults: dict[str, Any] = {
            "strip_text": element_text(weight="bold", size=9),
            "strip_text_x": element_text(
                ha="left", multialignment="left", margin={"l": 0, "t": 2, "b": 2}
            ),
            "plot_margin": 0.03,
            "legend_background": element_blank(),
            "legend_key": element_blank(),
            "panel_grid_major_y": element_blank(),
            "panel_grid_minor_y": element_blank(),
            "axis_ticks": element_blank(),
            "legend_position": "bottom",
            "axis_title_y": element_text(margin={"r": 10}),
            "axis_title_x": element_text(margin={"t": 10}),
        }
        paper = mpl.rcParams["figure.facecolor"]
        if dark is None and is_dark(paper):
            self += _dark(paper)
        elif dark:
            self += _dark(DARK["paper"])
        self += theme(**(defaults | settings))
        self.room = None
        if "figure_size" in settings:
            kept = {"strip_align": 0, **defaults, **settings}
            self.room = theme(**{name: kept[name] for name in sorted(_ROOM & kept.keys())})


def _dark(paper: Any) -> theme:
    """Make the part of a theme that has a dark background and light texts."""
    background = theme(
        plot_background=element_rect(fill=paper, color=paper),
        text=element_text(color=DARK["ink"]),
        panel_grid=element_line(color=DARK["rule"]),
        legend_ticks=element_line(color=DARK["faint"]),
    )
    # Plotnine gives the colour of `text` to all texts, in whatever order both are named.
    return background + theme(
        axis_text=element_text(color=DARK["faint"]),
        panel_grid_minor=element_line(color=DARK["rule"], alpha=0.5),
    )


def is_dark(colour: Any) -> bool:
    """
    Whether a background is dark: bars and lines on it are then light.

    Parameters
    ----------
    colour
        Of any form that matplotlib knows; one that is not drawn is light.

    Returns
    -------
    bool
        True below a relative luminance of 0.3, which is a grey of about 58 %.

    Examples
    --------
    >>> is_dark("#7F7F7F"), is_dark("#EBEBEB"), is_dark("none")
    (True, False, False)
    """
    if colour is None or (isinstance(colour, str) and colour.lower() == "none"):
        return False
    return luminance(colour) < 0.3


def sized_theme(width: float, height: float, **settings: Any) -> theme_lime:
    """
    Make `theme_lime()` for a figure of a certain size.

    Parameters
    ----------
    width, height
        Inches.
    **settings
        Further elements, as for `plotnine.theme`.

    Returns
    -------
    theme_lime
        A theme whose margins are the same, in inches, at any size. It has `room`.
    """
    # Plotnine measures these in widths of the figure, so they would grow with it.
    defaults: dict[str, Any] = {
        "figure_size": (width, height),
        "plot_margin": 0.15 / width,
        "panel_spacing": 0.2 / width,
        "legend_box_spacing": 0.2 / width,
        "legend_text": element_text(margin={"t": 3, "r": 5, "b": 3, "l": 5, "unit": "pt"}),
        "legend_title": element_text(
            ha="left", multialignment="left", margin={"b": 5, "unit": "pt"}
        ),
        "axis_title_x": element_text(margin={"t": 0.14 / width, "unit": "fig"}),
    }
    return theme_lime(**(defaults | settings))


class _LabelBothUpper(labeller):
    """Label a facet by its variable, with a capital, and its value: "Label: setosa"."""

    def __call__(self, label_info: strip_label_details) -> strip_label_details:
        label_info = label_info.copy()
        for name, value in label_info.variables.items():
            label_info.variables[name] = plain_text(f"{name[:1].upper()}{name[1:]}: {value}")
        return label_info


label_both_upper: Any = _LabelBothUpper()
"""The labeller of all facets."""


def plain_text(text: object) -> str:
    r"""
    Escape a text for matplotlib, which shows anything between two dollar signs as a formula.

    Parameters
    ----------
    text
        Anything that prints.

    Returns
    -------
    str
        The text with escaped dollar signs.

    Examples
    --------
    >>> plain_text("$5 < price <= $9")
    '\\$5 < price <= \\$9'
    """
    return as_utf8(str(text)).replace("$", r"\$")


_LONGEST = 60
"""Of the texts at an axis, in characters: longer ones leave no room for what they belong to."""

_LINE_BREAKS = re.compile("[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")


def label_text(text: object, longest: int = _LONGEST) -> str:
    """
    Shorten a text for an axis or a key, in its middle, and put it on one line.

    The column is at the beginning of the description of a word or chunk, and what tells two of
    them apart is often at the end.

    Parameters
    ----------
    text
        Anything that prints.
    longest
        The largest number of characters; Chinese, Japanese and Korean ones count twice.

    Returns
    -------
    str
        The text itself if it is short and has no line breaks.

    Examples
    --------
    >>> label_text("review: a very long sentence", longest=20)
    'review: a v…sentence'
    """
    line = _LINE_BREAKS.sub(" ", str(text))
    if len(line) * 2 <= longest:
        return line
    ends = np.cumsum([_columns(character) for character in line])
    if ends[-1] <= longest:
        return line
    first = (longest - 1) * 3 // 5
    before = int(np.searchsorted(ends, first, "right"))
    behind = int(np.searchsorted(ends, ends[-1] - (longest - 1 - first))) + 1
    return line[:before].rstrip() + "\N{HORIZONTAL ELLIPSIS}" + line[behind:].lstrip()


def _columns(character: str) -> int:
    """Return how wide a character is: Chinese, Japanese and Korean ones are twice as wide."""
    return 1 + (unicodedata.east_asian_width(character) in "WF")


def text_width(texts: Iterable[object], size: float) -> float:
    """
    Estimate the width of the longest of some texts.

    Parameters
    ----------
    texts
        One line each.
    size
        Font size in points.

    Returns
    -------
    float
        Inches, rather too many than too few.

    Examples
    --------
    >>> text_width(["age", "weight"], size=9) == text_width(["weight"], size=9)
    True
    """
    longest = max((sum(map(_columns, str(text))) for text in texts), default=0)
    return longest * size * 0.6 / 72


def fit_texts(fits: Iterable[float]) -> list[str]:
    """
    Write the fits of panels, like R, and which of them are low.

    Parameters
    ----------
    fits
        R².

    Returns
    -------
    list of str
        Two significant digits, with `", low"` behind those below `LOW_FIT`.

    Examples
    --------
    >>> fit_texts([0.69, 0.08])
    ['0.69', '0.08, low']
    """
    fits = list(fits)
    return [
        f"{text}, low" if fit < LOW_FIT else text
        for fit, text in zip(fits, format_numbers(fits, 2), strict=True)
    ]


def amount_text(amount: float, digits: int = 2) -> str:
    """
    Write an amount, such as a prediction, with the digits that a reader wants.

    Parameters
    ----------
    amount
        A number.
    digits
        Significant digits, unless more stand before the decimal point: all of these are
        written, as rounding house prices to two digits helps nobody.

    Returns
    -------
    str
        Without trailing zeros behind the decimal point.

    Examples
    --------
    >>> [amount_text(amount) for amount in (1.65632299221839, 0.00123, 123456.7, 12.4)]
    ['1.7', '0.0012', '123457', '12']
    """
    number = float(amount)
    if 10.0 ** (digits - 1) <= abs(number) < 1e15:
        return f"{number:.0f}"
    return format_numbers([number], digits)[0]


def in_order(values: Iterable[object], levels: Iterable[object] | None = None) -> pd.Categorical:
    """
    Make a column of texts whose levels keep their order in a plot.

    Parameters
    ----------
    values
        Anything that prints.
    levels
        The same values in the order of the levels; by default in order of appearance.

    Returns
    -------
    pandas.Categorical
        An ordered one.

    Examples
    --------
    >>> list(in_order([55, 1, 55]).categories)
    ['55', '1']
    """
    if isinstance(values, pd.Series) and values.dtype != object:
        # Values of one type that are equal print alike; each is converted once.
        codes = pd.factorize(values, use_na_sentinel=False)[0]
        distinct = values[~pd.Series(codes).duplicated().to_numpy()]
    else:
        codes, distinct = slice(None), values
    texts: list[object] = [as_utf8(str(value)) for value in distinct]
    ordered = texts if levels is None else [as_utf8(str(level)) for level in levels]
    places = {level: place for place, level in enumerate(dict.fromkeys(ordered))}
    numbers = np.array([places.get(text, -1) for text in texts], dtype=np.intp)
    return pd.Categorical.from_codes(numbers[codes], pd.Index(list(places)), ordered=True)


def number_texts(breaks: Sequence[Any]) -> list[str]:
    """
    Write the numbers at the ticks of an axis so that they differ.

    Parameters
    ----------
    breaks
        Where the ticks are.

    Returns
    -------
    list of str
        Plotnine's texts, unless these make numbers equal; then as many digits as it takes.

    Examples
    --------
    >>> number_texts([0.0, 0.5, 1.0])
    ['0.0', '0.5', '1.0']
    >>> number_texts([0.0, 5e-09, 1e-08])
    ['0e+00', '5e-09', '1e-08']
    """
    known = {number for number in breaks if np.isfinite(number)}
    texts = list(identity_trans().format(breaks))
    for digits in range(3, 18):
        if len({*texts} - {"nan", "NaN"}) >= len(known) and max(map(len, texts), default=0) < 20:
            break
        texts = format_numbers(breaks, digits)
    return texts
