"""A plot that keeps its size and its colours readable, whatever theme a user adds."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
from plotnine import ggplot, theme, theme_gray
from plotnine.iapi import mpl_save_view
from plotnine.scales.scale import scale
from plotnine.themes.elements.element_base import element_base

from pylime.plots.theme import is_dark, theme_lime

__all__ = ["SizedPlot", "panel_colour"]

# Matplotlib draws no image with more pixels along a side.
_MOST_PIXELS = 2**16 - 1


class SizedPlot(ggplot):
    """
    A plot whose figure is as large as its panels and texts need.

    A complete theme of plotnine replaces all that was set before, the figure's size included.
    Here the size, the margins and the place of the legend stay, unless the added theme itself
    sets other ones than plotnine's defaults. On a dark panel the plot draws light colours.

    Parameters
    ----------
    data, mapping
        As for `plotnine.ggplot`.
    on_dark
        Colours of lines and texts that lie on the panel, and what replaces them if it is dark.

    Attributes
    ----------
    room
        The settings that leave room for the texts, from the theme that has a size.
    fills
        The plot's scale of fills and the one of a dark panel; None if there is no other.

    Examples
    --------
    >>> import pandas as pd
    >>> from plotnine import theme_bw
    >>> plot = SizedPlot(pd.DataFrame({"x": [1]})) + theme_lime(figure_size=(3, 9))
    >>> (plot + theme_bw()).theme.getp("figure_size")
    (3, 9)
    """

    room: theme | None
    fills: tuple[scale, scale] | None

    def __init__(
        self, data: Any = None, mapping: Any = None, *, on_dark: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(data, mapping)
        self.on_dark = dict(on_dark or {})
        self.room = None
        self.fills = None

    def __add__(self, rhs: Any) -> "SizedPlot":
        """Add anything that plotnine adds, to a copy."""
        return cast(SizedPlot, super().__add__(rhs))

    def __iadd__(self, other: Any) -> "SizedPlot":
        """Add anything that plotnine adds."""
        if isinstance(other, Sequence):
            for item in other:
                self += item
            return self
        super().__iadd__(other)
        if isinstance(other, theme) and other.complete:
            if isinstance(other, theme_lime) and other.room is not None:
                self.room = other.room
            elif self.room is not None:
                self.theme = self.theme + _kept_room(self.room, self.theme)
        return self

    def with_fills(self, light: scale, dark: scale) -> "SizedPlot":
        """
        Add a scale of fills, which another one replaces on a dark panel.

        Parameters
        ----------
        light, dark
            Scales of plotnine. A scale that a user adds later replaces both.

        Returns
        -------
        SizedPlot
            A new plot.
        """
        plot = self + light
        added = plot.scales.get_scales("fill")  # a copy of `light`
        plot.fills = None if added is None else (added, dark)
        return plot

    def draw(self, *, show: bool = False) -> Any:
        """
        Render the plot.

        Parameters
        ----------
        show
            Whether to show the plot.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        if is_dark(panel_colour(self.theme)):
            self._lighten()
        return super().draw(show=show)

    def _lighten(self) -> None:
        """Replace the colours that cannot be seen on a dark panel."""
        for layer in self.layers:
            for name, value in layer.geom.aes_params.items():
                if isinstance(value, str):
                    layer.geom.aes_params[name] = self.on_dark.get(value, value)
        if self.fills is not None and self.scales.get_scales("fill") is self.fills[0]:
            light, dark = self.fills
            self.scales[:] = [other for other in self.scales if other is not light]
            super().__iadd__(dark)

    def save_helper(
        self,
        filename: str | Path | BytesIO | None = None,
        format: str | None = None,
        path: str | None = None,
        width: float | None = None,
        height: float | None = None,
        units: str = "in",
        dpi: float | None = None,
        limitsize: bool | None = None,
        verbose: bool = True,
        **kwargs: Any,
    ) -> mpl_save_view:
        """
        Make the figure that `save()` writes.

        Plotnine refuses a figure of more than 25 inches, in case someone took inches for
        pixels. The size that the plot has by itself is never that, so it is always written.
        """
        size = cast(tuple[float, float], self.theme.getp("figure_size"))
        if width is None and height is None and self._has_own_size():
            limitsize = limitsize or False
            if dpi is None and max(size) * self.theme.getp("dpi") > _MOST_PIXELS:
                dpi = int(_MOST_PIXELS / max(size))
        return super().save_helper(
            filename=filename,
            format=format,
            path=path,
            width=width,
            height=height,
            units=units,
            dpi=dpi,
            limitsize=limitsize,
            verbose=verbose,
            **kwargs,
        )

    def _has_own_size(self) -> bool:
        return self.room is not None and (
            self.theme.getp("figure_size") == self.room.getp("figure_size")
        )


def _kept_room(room: theme, added: theme) -> theme:
    """Select the settings that an added theme has not set by itself."""
    defaults = theme_lime() if isinstance(added, theme_lime) else theme_gray()
    kept = theme()
    for name, setting in room.themeables.items():
        if isinstance(setting.theme_element, element_base):
            own = added.T.is_blank(name)  # as `theme_void()` has no texts on its axes
        else:
            own = added.getp(name) != defaults.getp(name)
        # A strip of several lines that hangs into its panel, as in `theme_xkcd()`, covers bars.
        if not own or name == "strip_align":
            kept.themeables[name] = setting
    return kept


def panel_colour(of: theme) -> Any:
    """
    Return the colour behind the bars and lines of a plot.

    Parameters
    ----------
    of
        A complete theme.

    Returns
    -------
    str or tuple
        A colour of matplotlib.
    """
    if not of.T.is_blank("panel_background"):
        settings = {**mpl.rcParams, **of.rcParams}
        return of.getp(("panel_background", "facecolor")) or settings["axes.facecolor"]
    if not of.T.is_blank("plot_background"):
        fill = of.getp(("plot_background", "facecolor"))
        if fill is not None:
            return fill
    return {**mpl.rcParams, **of.rcParams}["figure.facecolor"]
