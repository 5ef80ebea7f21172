"""The theme and the facet labels of all plots, after R's `lime`."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from mizani.transforms import identity_trans
from plotnine import element_blank, element_text, labeller, theme, theme_minimal
from plotnine.iapi import strip_label_details

from pylime.frame import as_utf8
from pylime.numbers import format_numbers

__all__ = [
    "LOW_FIT",
    "fit_texts",
    "in_order",
    "label_both_upper",
    "number_texts",
    "plain_text",
    "sized_theme",
    "text_width",
    "theme_lime",
]

LOW_FIT = 0.1
"""
R² below which plots call a fit low.

There the local model describes less than a tenth of what the model does around the case: its
weights say next to nothing about the prediction, however certain they are.
"""


def theme_lime(**settings: Any) -> theme:
    """
    Make the theme of all plots.

    Parameters
    ----------
    **settings
        Further elements, as for `plotnine.theme`.

    Returns
    -------
    plotnine.theme
        A minimal theme with bold strips, flush left.
    """
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
    return theme_minimal() + theme(**(defaults | settings))


def sized_theme(width: float, height: float, **settings: Any) -> theme:
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
    plotnine.theme
        A theme whose margins are the same, in inches, at any size.
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
    """Label a facet by its variable, in title case, and its value: "Label: setosa"."""

    def __call__(self, label_info: strip_label_details) -> strip_label_details:
        label_info = label_info.copy()
        for name, value in label_info.variables.items():
            title = " ".join(word[:1].upper() + word[1:] for word in name.split(" "))
            label_info.variables[name] = plain_text(f"{title}: {value}")
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
    # Chinese, Japanese and Korean characters are twice as wide as others.
    longest = max(
        (sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in str(t)) for t in texts),
        default=0,
    )
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
    texts: list[object] = [as_utf8(str(value)) for value in values]
    ordered = texts if levels is None else [as_utf8(str(level)) for level in levels]
    return pd.Categorical(texts, list(dict.fromkeys(ordered)), ordered=True)


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
