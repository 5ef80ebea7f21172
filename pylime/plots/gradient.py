"""The colours of weights in a heatmap."""

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from plotnine import scale_fill_gradient2
from plotnine.scales.scale_continuous import scale_continuous

from pylime.numbers import format_numbers
from pylime.plots.palette import FILLS, Palette, colours_of, mix

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["colours_at", "heat_scale"]

MIDDLE = "#F7F7F7"
"""The colour of a weight of 0."""

ENDS = "for the largest and for the smallest weight"


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
        named: Any = scale_fill_gradient2(
            name="Weight",
            limits=(-largest, largest),
            midpoint=0,
            breaks=breaks,
            labels=format_numbers(breaks, 2),
        )
        named.palette = partial(mix, (ends[1], MIDDLE, ends[0]))
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
    codes: list[Any] = [scale.na_value if colour is None else colour for colour in named]
    found = [to_rgb(code) for code in codes]
    return np.rint(255 * np.array(found).reshape(-1, 3)).astype(int)
