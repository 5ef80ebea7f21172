"""The colours of plots, and how a user replaces them."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from matplotlib.colors import is_color_like, to_rgb
from plotnine import scale_color_manual, scale_fill_manual
from plotnine.scales.scale import scale
from plotnine.scales.scale_continuous import scale_continuous
from skimage.color import lab2rgb, rgb2lab

__all__ = [
    "FILLS",
    "FILLS_ON_DARK",
    "Aesthetic",
    "Palette",
    "colours_of",
    "contrast",
    "fill_scale",
    "luminance",
    "mix",
]

Palette: TypeAlias = Sequence[str] | scale
"""Two colours, for positive and for negative weights, or a scale of plotnine."""

Aesthetic: TypeAlias = Literal["fill", "color"]

FILLS = ("steelblue", "firebrick")
"""The colours of positive and of negative weights, in all plots."""

FILLS_ON_DARK = ("#8CC8FF", "#FF9C8F")
"""The same on a dark panel, where steelblue and firebrick are too dark."""

_DIRECTIONS = "for positive and for negative weights"


def colours_of(
    palette: Palette,
    n: int = 2,
    *,
    meaning: str = _DIRECTIONS,
    aesthetic: Aesthetic | None = "fill",
) -> tuple[str, ...] | None:
    """
    Check a palette, and return its colours.

    Parameters
    ----------
    palette
        Colours, or a scale of plotnine.
    n
        How many colours are needed.
    meaning
        What the colours are for, for an error.
    aesthetic
        What the plot colours; None if the plot has no use for a scale.

    Returns
    -------
    tuple of str or None
        The n colours; None if the palette is a scale, which is used as it is.

    Raises
    ------
    TypeError, ValueError
        If the palette is neither n colours nor a scale of this aesthetic.

    Examples
    --------
    >>> colours_of(["#1B9E77", "orange"])
    ('#1B9E77', 'orange')
    >>> colours_of(["orange"])
    Traceback (most recent call last):
    ValueError: `palette` must be 2 colours, for positive and for negative weights, or a scale of \
plotnine, such as scale_fill_manual(...); not 1 colour.
    """
    rule = f"`palette` must be {n} colours, {meaning}"
    if aesthetic is not None:
        rule += f", or a scale of plotnine, such as scale_{aesthetic}_manual(...)"
    if isinstance(palette, scale) and aesthetic is not None:
        if aesthetic not in palette.aesthetics:
            raise ValueError(
                f"`palette` must be a scale of {aesthetic}, such as scale_{aesthetic}_manual(...); "
                f"not {type(palette).__name__}."
            )
        return None
    if isinstance(palette, str) or not isinstance(palette, Sequence | np.ndarray):
        raise TypeError(f"{rule}; not {palette!r:.80}.")
    colours = [str(colour) if isinstance(colour, str) else colour for colour in palette]
    if len(colours) != n:
        raise ValueError(f"{rule}; not {len(colours)} colour{'s' * (len(colours) != 1)}.")
    for colour in colours:
        if not isinstance(colour, str) or not is_color_like(colour):
            raise ValueError(
                f"{rule}; {colour!r:.80} is not a colour. Use a name that matplotlib has, or "
                "red, green and blue in hexadecimal, such as '#4682B4'."
            )
    return tuple(colours)


def fill_scale(
    palette: Palette,
    values: Sequence[str],
    names: Sequence[str] | None = None,
    *,
    meaning: str = _DIRECTIONS,
    aesthetic: Aesthetic = "fill",
) -> Any:
    """
    Make the scale of the fills of two directions, or of some other values.

    Parameters
    ----------
    palette
        A colour for each of the values, or a discrete scale of plotnine, which is used as it
        is.
    values
        What stands in the data; of two directions the positive one first.
    names
        Their texts in the legend; by default the values.
    meaning, aesthetic
        As for `colours_of`.

    Returns
    -------
    plotnine.scales.scale.scale
        Its legend also has the values that do not occur.

    Raises
    ------
    TypeError, ValueError
        If the palette does not fit.

    Examples
    --------
    >>> scale = fill_scale(("navy", "orange"), ("Supports", "Contradicts"))
    >>> scale.palette(2)
    {'Supports': 'navy', 'Contradicts': 'orange'}
    """
    colours = colours_of(palette, len(values), meaning=meaning, aesthetic=aesthetic)
    if colours is None:
        if isinstance(palette, scale_continuous):
            raise ValueError(
                f"`palette` must be a discrete scale, such as scale_{aesthetic}_manual(...); "
                f"not {type(palette).__name__}, because this plot colours {len(values)} values."
            )
        return palette
    make = scale_fill_manual if aesthetic == "fill" else scale_color_manual
    texts = {} if names is None else {"breaks": list(values), "labels": list(names)}
    return make(dict(zip(values, colours, strict=True)), drop=False, **texts)


def mix(colours: Sequence[str], shares: Iterable[float]) -> list[str]:
    """
    Mix colours in CIE Lab, like R.

    Plotnine mixes in RGB, where the colours between are darker and greyer.

    Parameters
    ----------
    colours
        Two or more, at equal distances from the share 0 to the share 1.
    shares
        From 0 to 1.

    Returns
    -------
    list of str
        A colour in hexadecimal per share.

    Examples
    --------
    >>> mix(["firebrick", "#F7F7F7", "steelblue"], [0.0, 0.25, 1.0])
    ['#B22222', '#DF9486', '#4682B4']
    """
    shares = np.fromiter(shares, dtype=float)
    ends = rgb2lab(np.array([[to_rgb(colour) for colour in colours]]))[0]
    at = np.linspace(0, 1, len(ends))
    lab = np.stack([np.interp(shares, at, channel) for channel in ends.T], axis=-1)
    rgb = np.rint(255 * lab2rgb(lab[None])[0]).astype(int)
    return ["#{:02X}{:02X}{:02X}".format(*colour) for colour in rgb]


def luminance(colour: Any) -> float:
    """
    Measure how bright a colour is to the eye.

    Parameters
    ----------
    colour
        Of any form that matplotlib has; its opacity does not count.

    Returns
    -------
    float
        From 0, black, to 1, white.

    References
    ----------
    Web Content Accessibility Guidelines 2.1, relative luminance.

    Examples
    --------
    >>> luminance("white"), luminance("black")
    (1.0, 0.0)
    """
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return round(float(linear @ [0.2126, 0.7152, 0.0722]), 12)


def contrast(one: Any, other: Any) -> float:
    """
    Measure how well a text of one colour can be read on another.

    Parameters
    ----------
    one, other
        Colours, in any order.

    Returns
    -------
    float
        From 1 to 21; texts need 4.5.

    References
    ----------
    Web Content Accessibility Guidelines 2.1, contrast ratio.

    Examples
    --------
    >>> contrast("black", "white")
    21.0
    """
    low, high = sorted(luminance(colour) for colour in (one, other))
    return round((high + 0.05) / (low + 0.05), 9)
