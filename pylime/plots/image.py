"""Plots of images: their superpixels, and which of them change a prediction."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from plotnine import (
    aes,
    coord_fixed,
    element_blank,
    element_text,
    facet_grid,
    facet_wrap,
    geom_label,
    geom_rect,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
    theme_void,
)
from plotnine.geoms.geom import geom
from plotnine.scales.scale_continuous import scale_continuous
from scipy.ndimage import minimum_filter

from pylime import checks
from pylime._types import OneImage
from pylime.frame import COLUMNS, check_explanation, object_column
from pylime.image.explainer import (
    IMAGE,
    ExplainImageOptions,
    superpixels_of_case,
    with_segments,
)
from pylime.image.pixels import RGBA, parse_colour, read_original
from pylime.numbers import format_numbers
from pylime.options import Colour, Region, Segmentation
from pylime.pipeline import read_cases
from pylime.plots.arrangement import (
    GAP,
    STRIP_SIZE,
    Arrangement,
    WrappedStrips,
    arrange,
    strip_text,
    wrap,
)
from pylime.plots.canvas import (
    Canvas,
    lay_over,
    outline_opacity,
    striped_opacity,
    superpixel_borders,
)
from pylime.plots.choice import Choice, Sign, cure
from pylime.plots.gradient import colours_at, heat_scale
from pylime.plots.intervals import includes_zero, striped_key
from pylime.plots.palette import Palette, colours_of, fill_scale
from pylime.plots.sized import SizedPlot
from pylime.plots.theme import FIT, fit_texts, sized_theme
from pylime.shades import upright
from pylime.values import Bitmap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from plotnine.coords.coord import coord as Coord  # noqa: N812
    from plotnine.iapi import panel_view

__all__ = ["Display", "plot_image_explanation", "plot_superpixels"]

Display: TypeAlias = Literal["outline", "block", "heatmap"]
"""A way to show superpixels."""

# Inches.
CAPTION_LINE, KEY_HEIGHT = 0.16, 0.7
KEY_WIDTH, HEAT_KEY_WIDTH = 2.8, 4.4
BAR_WIDTH = 200  # points
# Behind a heatmap, black becomes this shade and white stays white.
PALEST = 150
# How opaque the colour of a block is over a panel without superpixels.
EMPTY = 0.75
# What lies outside the region that was explained is no feature: it is seen, but as through paper.
OUTSIDE, OUTSIDE_COLOUR = 0.65, (255, 255, 255, 255)


class geom_image(geom):  # noqa: N801 - plotnine's convention
    """Draw a whole `pylime.Bitmap` at once, which is quick at any size."""

    REQUIRED_AES = {"xmin", "xmax", "ymin", "ymax", "image"}
    DEFAULT_PARAMS = {"stat": "identity", "position": "identity", "na_rm": False}

    def draw_panel(
        self, data: pd.DataFrame, panel_params: "panel_view", coord: "Coord", ax: "Axes"
    ) -> None:
        """Draw the image of each row in its rectangle."""
        data = coord.transform(data, panel_params)
        sides = data[["xmin", "xmax", "ymin", "ymax"]].to_numpy(dtype=float).tolist()
        for image, extent in zip(data["image"], sides, strict=True):
            ax.imshow(
                np.asarray(image),
                extent=tuple(extent),
                aspect=ax.get_aspect(),
                interpolation="antialiased",
                zorder=self.params["zorder"],
            )


def plot_superpixels(
    path: OneImage,
    n_superpixels: int = 50,
    weight: float = 20,
    n_iter: int = 10,
    colour: Colour = "black",
    *,
    segmentation: Segmentation | None = None,
    within: Region | None = None,
) -> ggplot:
    """
    Draw an image with the borders of its superpixels, to try out the segmentation.

    Parameters
    ----------
    path
        A path, an image of Pillow or a uint8 array.
    n_superpixels
        Number of superpixels to aim at.
    weight
        Importance of place against colour: with higher values the superpixels are more
        compact.
    n_iter
        How often the segmentation moves its centres.
    colour
        Colour of the borders.
    segmentation
        A function of your own that segments, or what is segmented, as in `pylime.explain`.
    within
        The region that is segmented, as in `pylime.explain`; all else is pale.

    Returns
    -------
    plotnine.ggplot
        One panel.

    Raises
    ------
    ValueError, FileNotFoundError
        If an argument has a wrong value or the image cannot be read.

    Examples
    --------
    >>> from skimage.data import chelsea
    >>> plot = plot_superpixels(chelsea(), n_superpixels=200, weight=40)
    >>> plot.save("superpixels.png")  # doctest: +SKIP
    """
    chosen = {"n_superpixels": n_superpixels, "weight": weight, "n_iter": n_iter}
    chosen |= {"segmentation": segmentation, "within": within}
    options = ExplainImageOptions(**chosen)
    checks.check_fields(options)
    images = read_cases(path, IMAGE)
    if len(images.items) != 1:
        raise ValueError(f"`path` must be one image; not {len(images.items)}.")
    image = read_original(images.items[0])
    labels, region = superpixels_of_case(image, with_segments(images, options), options)
    arrangement = arrange(_upright_shape(labels.shape, image.orientation), [])
    canvas = Canvas.of(image.colours, arrangement.side)
    drawn = lay_over(canvas.pixels, _outside(canvas, region), OUTSIDE_COLOUR)
    borders = superpixel_borders(canvas.resize(labels), canvas.line) * 1.0
    drawn = lay_over(drawn, borders, parse_colour(colour, "colour"))
    return (
        _draw_images(_placed([upright(drawn, image.orientation)]))
        + theme_void()
        + theme(figure_size=arrangement.figure)
    )


def plot_image_explanation(
    explanation: pd.DataFrame,
    which: Hashable = 0,
    threshold: float | None = None,
    show_negative: bool = False,
    display: Display = "outline",
    fill_alpha: float | None = None,
    outline_col: Colour | Sequence[Colour] = ("blue", "red"),
    block_col: Colour = "grey",
    *,
    combine: bool = False,
    coverage: float | None = None,
    max_features: int | None = None,
    palette: Palette | None = None,
) -> ggplot:
    """
    Show which parts of an image support or contradict each explained label.

    A superpixel supports a label if its weight is positive, and contradicts it if its weight
    is negative. If the explanation has intervals (`explain(..., intervals=True)`), a superpixel
    is striped where the interval of its weight includes 0: it possibly has no effect. A line
    below the plot explains the stripes. The strip of a panel marks an explanation fit (R²) below
    0.1 as low. A panel without a superpixel to show is labelled so, and a line below the plot
    gives the largest weight and a threshold that shows it. Of an explanation within a region
    (`explain(..., within=...)`) the rest of the image is pale, because it is not a feature.

    Parameters
    ----------
    explanation
        From `pylime.explain`, of images.
    which
        The case to show: its name, or its position from 0.
    threshold
        Superpixels of smaller absolute weight are left out. By default 0.02, as in R; 0 for a
        heatmap and with `coverage` or `max_features`.
    show_negative
        Whether to show the superpixels that contradict a label, in a panel of their own.
    display
        `"outline"` tints and outlines the superpixels, `"block"` hides all others, `"heatmap"`
        colours them by weight over a grey image. The colours of a heatmap are symmetric about 0
        and mean the same in all panels; it has supports and contradicts in one panel.
    fill_alpha
        Opacity of the tint, from 0 to 1. By default 0.3, and 0.75 for a heatmap.
    outline_col
        Colours of supporting and contradicting superpixels, or one for both.
    block_col
        Colour of the hidden superpixels.
    combine
        Whether to show what supports and what contradicts a label in one panel, in the two
        colours. `show_negative` then makes no difference.
    coverage
        Share of the image, above 0 and at most 1, that the superpixels of a label may take; of
        an explanation within a region, share of that.
        Those of the largest absolute weight are shown until the next one would exceed the
        share; that one is left out, unless it is the first. What supports and what contradicts
        a label share the area, if both are shown.
    max_features
        The largest number of superpixels of a label that are shown, those of the largest
        absolute weight first. `threshold`, `coverage` and `max_features` can be combined:
        a superpixel must pass all of them.
    palette
        Two colours, for supports and contradicts, instead of `outline_col`; for a heatmap, its
        two ends. A heatmap also takes a continuous scale of plotnine, such as
        `scale_fill_gradient2(...)`.

    Returns
    -------
    plotnine.ggplot
        A panel per label, most likely first.

    Raises
    ------
    TypeError, ValueError
        If the explanation is not one of images, the case is unknown, or an argument has a
        wrong value.

    Notes
    -----
    `coverage` and `max_features` are the two ways in which VisuaLIME selects what to draw. It
    gives each sign half of the coverage; here the strongest superpixels are shown, whatever
    their sign.

    Images of more than a million pixels are reduced to what the figure can show in print,
    those of less than 10000 are magnified; the borders are drawn afterwards and can be
    seen at any size. All others are drawn pixel by pixel, as in R.

    Examples
    --------
    >>> from pylime import load_image_example
    >>> example = load_image_example()
    >>> plot = plot_image_explanation(example, display="block", threshold=0.01)
    >>> plot.save("block.png")  # doctest: +SKIP
    >>> strongest = plot_image_explanation(example, display="heatmap", coverage=0.1)
    """
    checks.one_of("display", display, get_args(Display))
    checks.flag("show_negative", show_negative)
    checks.flag("combine", combine)
    heatmap = display == "heatmap"
    if fill_alpha is None:
        fill_alpha = 0.75 if heatmap else 0.3
    if not isinstance(fill_alpha, Real) or not 0 <= fill_alpha <= 1:
        raise ValueError(f"`fill_alpha` must be a number from 0 to 1; not {fill_alpha!r}.")
    one_panel = combine or heatmap
    types: list[Sign] = ["Supports"]
    if one_panel or show_negative:
        types.append("Contradicts")
    panels_of_label: list[list[Sign]] = [types] if one_panel else [[sign] for sign in types]
    choice = Choice.of(threshold, coverage, max_features, heatmap)
    colours = _two_colours(outline_col, palette, display, combine)
    block = parse_colour(block_col, "block_col")
    case = _one_case(explanation, which)
    labels = [rows for _, rows in case.groupby(_panel_order(case), sort=True)]
    chosen = [rows[choice.shown(rows, types)] for rows in labels]
    facets = [_facet_values(rows) for rows in labels]
    image: Bitmap = case["data"].iloc[0]
    arrangement = arrange(
        _upright_shape(image.pixels.shape, image.orientation),
        [[strip_text(name, value) for name, value in facet.items()] for facet in facets],
        1 if one_panel else len(types),
    )
    heat = heat_scale(palette, _weights(chosen)) if heatmap else None
    canvas = Canvas.of(image.colours, arrangement.side)
    region = None if image.within is None else image.within.mask
    paint = _Painter(canvas, display, fill_alpha, colours, block, heat, region).paint

    images: list[np.ndarray] = []
    panels: list[dict[str, str]] = []
    unseen: list[float] = []
    for rows, shown, facet in zip(labels, chosen, facets, strict=True):
        for signs in panels_of_label:
            drawn = shown[shown["type"].isin(signs)]
            message = "" if len(drawn) else choice.nothing_shown(rows, signs, len(shown))
            if not choice.pass_threshold(rows, signs).any():
                unseen.append(choice.largest(rows, signs))
            panels.append({**facet, "type": signs[0], "message": message})
            images.append(upright(paint(drawn, signs), image.orientation))
    drawing = pd.concat([_placed(images), pd.DataFrame(panels)], axis=1).assign(zero=0.0)
    for name in facets[0]:
        drawing[name] = pd.Categorical(drawing[name], list(dict.fromkeys(drawing[name])))
    drawing["type"] = pd.Categorical(drawing["type"], types)

    caption = [cure(unseen)]
    if any(rows["possibly_none"].any() for rows in chosen):
        look = "Dashed" if display != "block" and fill_alpha == 0 else "Striped"
        caption.insert(0, striped_key(look))
    key = _heat_key(heat) if heat is not None else _two_signs(colours) if combine else []
    by_type = ["type"] if len(types) > 1 and not one_panel else []
    return (
        _draw_images(drawing, key)
        + _messages(drawing, arrangement)
        + _facet([*facets[0], *by_type], arrangement)
        + _figure(arrangement, list(filter(None, caption)), bool(key), is_heatmap=heatmap)
    )


def _outside(canvas: Canvas, region: np.ndarray | None) -> np.ndarray:
    """The opacity of what lies over everything outside a region; 0 without one."""
    if region is None:
        return np.zeros(canvas.pixels.shape[:2])
    return np.where(canvas.resize(region), 0.0, OUTSIDE)


def _upright_shape(shape: tuple[int, ...], orientation: int) -> tuple[int, ...]:
    """Return the height and width of an image that is turned upright."""
    return upright(np.empty((*shape[:2], 0)), orientation).shape[:2]


class _Painter:
    """
    Paints superpixels over one image.

    Parameters
    ----------
    canvas
        The image.
    display
        How superpixels are shown.
    fill_alpha
        Opacity of the tint.
    colours
        Of supports and contradicts.
    block
        Colour of what a block hides.
    heat
        The colours of weights in a heatmap, or None.
    region
        (H, W) array of bool: what was explained. None for all.
    """

    def __init__(
        self,
        canvas: Canvas,
        display: Display,
        fill_alpha: float,
        colours: Mapping[Sign, RGBA],
        block: RGBA,
        heat: scale_continuous | None,
        region: np.ndarray | None = None,
    ) -> None:
        self.canvas, self.display, self.fill_alpha = canvas, display, fill_alpha
        self.colours, self.block, self.heat = colours, block, heat
        self.stripes = striped_opacity(canvas.pixels.shape[:2])
        self.outside = _outside(canvas, region)

    def paint(self, rows: pd.DataFrame, signs: Sequence[Sign]) -> np.ndarray:
        """
        Paint the image of a panel.

        Parameters
        ----------
        rows
            The superpixels that are shown.
        signs
            Which signs the panel shows.

        Returns
        -------
        numpy.ndarray
            (h, w, 3) array of uint8.
        """
        if self.display == "heatmap":
            painted = self._heatmap(rows)
        elif self.display == "block":
            painted = self._block(rows, signs)
        else:
            painted = self._outline(rows, signs)
        return lay_over(painted, self.outside, OUTSIDE_COLOUR)

    def _masks(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels of certain superpixels, and of those that are striped."""
        possibly_none, cells = rows["possibly_none"], rows["feature_value"]
        return self.canvas.mask(cells[~possibly_none]), self.canvas.mask(cells[possibly_none])

    def _outline(self, rows: pd.DataFrame, signs: Sequence[Sign]) -> np.ndarray:
        pixels = self.canvas.pixels
        for sign in signs:
            mask, striped = self._masks(rows[rows["type"] == sign])
            colour, line = self.colours[sign], self.canvas.line
            pixels = lay_over(pixels, outline_opacity(mask, self.fill_alpha, line), colour)
            opacity = outline_opacity(striped, self.fill_alpha, line) * self.stripes
            pixels = lay_over(pixels, opacity, colour)
        return pixels

    def _block(self, rows: pd.DataFrame, signs: Sequence[Sign]) -> np.ndarray:
        if rows.empty:  # what a panel says is easier to see with a trace of its image
            return lay_over(self.canvas.pixels, EMPTY * (self.outside == 0), self.block)
        mask, striped = self._masks(rows)
        pixels = self.canvas.pixels
        if len(signs) > 1:  # in one panel, only a tint tells what supports from what contradicts
            pixels = self._outline(rows.assign(possibly_none=False), signs)
        hidden = ~mask & (self.outside == 0)  # the rest of the image was not hidden either
        return lay_over(pixels, np.where(striped, self.stripes, hidden), self.block)

    def _heatmap(self, rows: pd.DataFrame) -> np.ndarray:
        pixels = _pale_grey(self.canvas.pixels)
        if rows.empty or self.heat is None:
            return pixels
        # Each pixel gets the number of its superpixel; 0 is none of them.
        numbers = np.zeros(self.canvas.shape, dtype=np.int32)
        for number, superpixel in enumerate(rows["feature_value"], start=1):
            numbers.ravel()[superpixel.indices] = number
        numbers = self.canvas.resize(numbers)
        colours = np.array([(0, 0, 0), *colours_at(self.heat, rows["feature_weight"])])
        striped = np.array([False, *rows["possibly_none"]])[numbers]
        size = 2 * self.canvas.line + 1
        border = (numbers > 0) & (minimum_filter(numbers, size, mode="nearest") < numbers)
        opacity = np.where(border, 1.0, self.fill_alpha) * (numbers > 0)
        opacity *= np.where(striped, self.stripes, 1.0)
        return lay_over(pixels, opacity, colours[numbers])


def _pale_grey(pixels: np.ndarray) -> np.ndarray:
    """Take the colours of an image, and make it so pale that the colours of weights are seen."""
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    pale = np.rint(PALEST + grey * ((255 - PALEST) / 255)).astype(np.uint8)
    return np.repeat(pale[..., None], 3, axis=2)


def _weights(chosen: Iterable[pd.DataFrame]) -> np.ndarray:
    return np.concatenate([rows["feature_weight"].to_numpy(dtype=float) for rows in chosen])


def _two_colours(
    outline_col: Colour | Sequence[Colour],
    palette: Palette | None,
    display: Display,
    combine: bool,
) -> dict[Sign, RGBA]:
    """Read the colours of supporting and contradicting superpixels."""
    two = isinstance(outline_col, list | tuple) and len(outline_col) == 2
    pair = [parse_colour(c, "outline_col") for c in (outline_col if two else [outline_col] * 2)]
    source = "outline_col"
    if palette is not None and display != "heatmap":
        named = colours_of(palette, meaning="for supports and contradicts", aesthetic=None)
        codes = [to_hex(colour, keep_alpha=True) for colour in named or ()]
        pair = [parse_colour(code, "palette") for code in codes]
        source = "palette"
    if combine and display != "heatmap" and pair[0] == pair[1]:
        value = outline_col if source == "outline_col" else palette
        raise ValueError(
            f"`{source}` must be two different colours with `combine=True`, or nobody can tell "
            f"what supports a label from what contradicts it; not {value!r:.80}."
        )
    return dict(zip(("Supports", "Contradicts"), pair, strict=True))


def _one_case(explanation: pd.DataFrame, which: Hashable) -> pd.DataFrame:
    """Select the rows of a case, by its name or position, and describe them."""
    explanation, _ = check_explanation(
        explanation, classification=COLUMNS, regression=[*COLUMNS[:2], *COLUMNS[4:]]
    )
    if not all(isinstance(cell, Bitmap) for cell in explanation["data"]):
        raise ValueError("`explanation` must be one of images; its `data` has none.")
    cases = list(dict.fromkeys(explanation["case"]))
    is_named = not isinstance(which, bool)  # True is neither a name nor a position
    if is_named and which in cases:  # a name comes before a position
        name = which
    elif is_named and isinstance(which, int | np.integer) and -len(cases) <= which < len(cases):
        name = cases[which]
    else:
        raise ValueError(
            f"`which` must be a position from 0 to {len(cases) - 1} or one of the cases "
            f"{checks.some(cases)}; not {which!r}."
        )
    case = explanation[explanation["case"] == name]
    shape = case["data"].iloc[0].pixels.shape[:2]
    if any(cell.shape != shape for cell in case["feature_value"]):
        raise ValueError(
            f"Case {name!r} has images of different sizes; give the cases different names, or "
            "draw one explanation at a time."
        )
    return case.assign(
        fit=fit_texts(case["model_r2"]),
        possibly_none=includes_zero(case),
        type=np.where(case["feature_weight"] > 0, "Supports", "Contradicts"),
    )


def _panel_order(case: pd.DataFrame) -> pd.Series:
    """Number the labels by falling probability; the single panel of a regressor is 0."""
    if "label" not in case:
        return pd.Series(0, index=case.index)
    by_probability = case.sort_values("label_prob", ascending=False, kind="stable")
    order = {label: number for number, label in enumerate(dict.fromkeys(by_probability["label"]))}
    return case["label"].map(order).astype(int)


def _facet_values(rows: pd.DataFrame) -> dict[str, str]:
    first = rows.iloc[0]
    if "label" not in rows:
        named = {"prediction": format_numbers([first["prediction"]], 2)[0]}
    else:
        named = {
            "label": str(first["label"]),
            "probability": format_numbers([first["label_prob"]], 2)[0],
        }
    return {**named, FIT: first["fit"]}


def _draw_images(panels: pd.DataFrame, key: Sequence[Any] = ()) -> ggplot:
    """Draw a panel per image, and what brings the key."""
    corners = aes(xmin="xmin", xmax="xmax", ymin="ymin", ymax="ymax")
    axes = [scale_x_continuous(breaks=[]), scale_y_continuous(breaks=[]), labs(x="", y="")]
    layers = [*key, geom_image(aes(image="image")), coord_fixed(expand=False), *axes]
    return SizedPlot(panels, corners) + layers


def _placed(images: Iterable[np.ndarray]) -> pd.DataFrame:
    """Make a row per image of the same shape, with its corners."""
    column = object_column([Bitmap(image) for image in images])
    height, width = column.iloc[0].pixels.shape[:2]
    return pd.DataFrame({"image": column, "xmin": 0, "xmax": width, "ymin": 0, "ymax": height})


def _heat_key(heat: scale_continuous) -> list[Any]:
    """Make the key of the colours of weights: the images are painted, so a rectangle has it."""
    return [geom_rect(aes(fill="zero"), show_legend=True), heat]


def _two_signs(colours: Mapping[Sign, RGBA]) -> list[Any]:
    """Make the key of two colours in one panel."""
    named = ["#{:02X}{:02X}{:02X}".format(*colour[:3]) for colour in colours.values()]
    scale = fill_scale(named, list(colours))
    return [geom_rect(aes(fill="type"), show_legend=True), scale, labs(fill="")]


def _messages(panels: pd.DataFrame, arrangement: Arrangement) -> list[Any]:
    """Make the layer of what empty panels say."""
    empty = panels[panels["message"] != ""]
    if empty.empty:
        return []
    lines = ["\n".join(wrap(text, arrangement.width * 0.9)) for text in empty["message"]]
    empty = empty.assign(x=empty["xmax"] / 2, y=empty["ymax"] / 2, message=lines)
    return [
        geom_label(
            aes("x", "y", label="message"),
            data=empty,
            inherit_aes=False,
            size=STRIP_SIZE,
            color="#333333",
            fill="white",
            alpha=0.9,
            label_size=0,
        )
    ]


def _facet(names: Sequence[str], arrangement: Arrangement) -> Any:
    strips: Any = WrappedStrips(arrangement.strip_width)
    if arrangement.is_grid:
        return facet_grid(rows="type", cols=list(names[:-1]), labeller=strips)
    return facet_wrap(list(names), ncol=arrangement.columns, labeller=strips)


def _figure(
    arrangement: Arrangement, caption: Sequence[str], has_key: bool, is_heatmap: bool
) -> list[Any]:
    """Make the theme: the size of the figure, and the lines below it."""
    width, height = arrangement.figure
    least = HEAT_KEY_WIDTH if is_heatmap else KEY_WIDTH if has_key else 0.0
    width = max(width, least)
    lines = [part for line in caption for part in wrap(line, width - 0.3)]
    height += KEY_HEIGHT * has_key + (CAPTION_LINE * len(lines) + 0.12 if lines else 0)
    bar = {
        "legend_key_width": BAR_WIDTH,
        "legend_title": element_text(margin={"r": 20, "unit": "pt"}),
    }
    return [
        *([labs(caption="\n".join(lines))] if lines else []),
        sized_theme(
            width,
            height,
            axis_title=element_blank(),
            axis_line=element_blank(),
            axis_text=element_blank(),
            panel_grid=element_blank(),
            panel_spacing_x=(arrangement.pitch - arrangement.width) / width,
            panel_spacing_y=GAP / width,
            plot_caption=element_text(size=9, ha="left"),
            **(bar if is_heatmap else {}),
        ),
    ]
