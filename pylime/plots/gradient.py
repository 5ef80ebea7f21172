"""Colours between colours, for weights."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb
from plotnine import scale_fill_gradient2
from plotnine.scales.scale_continuous import scale_continuous
from skimage.color import lab2rgb, rgb2lab

from pylime.numbers import format_numbers
from pylime.plots.palette import FILLS, Palette, colours_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["colours_at", "heat_scale", "mix"]

MIDDLE = "#F7F7F7"
"""The colour of a weight of 0."""

ENDS = "for the largest and for the smallest weight"


def mix(shares: Iterable[float], colours: Sequence[str]) -> list[str | None]:
    """
    Mix three colours in CIE Lab, like R.

    Plotnine mixes in RGB, where the colours between the three are darker and greyer.

    Parameters
    ----------
    shares
        From 0, the first colour, over 0.5, the second, to 1, the third.
    colours
        Names or codes.

    Returns
    -------
    list
        A code per share; None for one that is missing.

    Examples
    --------
    >>> mix([0, 0.5, 1], ["firebrick", "#F7F7F7", "steelblue"])
    ['#B22222', '#F7F7F7', '#4682B4']
    """
    values = np.asarray(shares, dtype=float)
    ends = rgb2lab(np.array([[to_rgb(colour) for colour in colours]]))[0]
    lab = np.stack([np.interp(values, (0, 0.5, 1), channel) for channel in ends.T], axis=-1)
    rgb = np.rint(255 * lab2rgb(np.nan_to_num(lab)[None])[0]).astype(int)
    return [
        "#{:02X}{:02X}{:02X}".format(*colour) if np.isfinite(value) else None
        for value, colour in zip(values, rgb, strict=True)
    ]


def heat_scale(palette: Palette | None, weights: np.ndarray) -> scale_continuous:
    """
    Make the colours of weights: symmetric about 0, and the same in all panels.

    Parameters
    ----------
    palette
        The colours of the largest and of the smallest weight, or a continuous scale of
        plotnine, which gets the limits if it has none of its own.
    weights
        All weights that are shown.

    Returns
    -------
    plotnine.scales.scale_continuous.scale_continuous
        With minus and plus the largest absolute weight as limits.

    Raises
    ------
    TypeError, ValueError
        If the palette does not fit.
    """
    largest = float(np.abs(weights).max(initial=0)) or 1.0
    ends = colours_of(FILLS if palette is None else palette, meaning=ENDS)
    if ends is not None:
        breaks = [-largest, -largest / 2, 0.0, largest / 2, largest]
        named = scale_fill_gradient2(
            name="Weight",
            limits=(-largest, largest),
            midpoint=0,
            breaks=breaks,
            labels=format_numbers(breaks, 2),
        )
        named.palette = lambda x: mix(x, (ends[1], MIDDLE, ends[0]))
        return named
    if not isinstance(palette, scale_continuous):
        raise ValueError(
            "`palette` of a heatmap must be two colours or a continuous scale, such as "
            f"scale_fill_gradient2(...); not {type(palette).__name__}."
        )
    scale = deepcopy(palette)
    if scale.limits is None:
        scale.limits = (-largest, largest)
    if scale.name is None:
        scale.name = "Weight"
    return scale


def colours_at(scale: scale_continuous, weights: "ArrayLike") -> np.ndarray:
    """
    Return the colours of weights.

    Parameters
    ----------
    scale
        From `heat_scale`.
    weights
        (n,) array.

    Returns
    -------
    numpy.ndarray
        (n, 3) array of int from 0 to 255; weights beyond the limits of the scale get its
        colour of missing values.

    Examples
    --------
    >>> colours_at(heat_scale(("blue", "red"), np.array([0.1, 0.4])), [0.4, 0.0, -0.4]).tolist()
    [[0, 0, 255], [247, 247, 247], [255, 0, 0]]
    """
    named = scale.map(np.asarray(weights, dtype=float))
    found = [to_rgb(scale.na_value if colour is None else colour) for colour in named]
    return np.rint(255 * np.array(found).reshape(-1, 3)).astype(int)
