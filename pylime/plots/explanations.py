"""The overview of many cases: a tile per case and feature, a panel per label."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from plotnine import (
    aes,
    element_blank,
    element_rect,
    element_text,
    facet_wrap,
    geom_segment,
    geom_tile,
    ggplot,
    labs,
    scale_fill_gradient2,
    scale_x_discrete,
    scale_y_discrete,
)
from plotnine.facets.facet_wrap import wrap_dims
from plotnine.scales.scale_discrete import scale_discrete

from pylime import checks
from pylime.frame import check_explanation, object_column
from pylime.plots.intervals import includes_zero, striped_key
from pylime.plots.palette import FILLS, Palette, colours_of, mix
from pylime.plots.panels import read_comparison
from pylime.plots.sized import SizedPlot
from pylime.plots.theme import (
    in_order,
    label_text,
    number_texts,
    plain_text,
    sized_theme,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from plotnine.coords.coord import coord as Coord  # noqa: N812
    from plotnine.iapi import panel_view

__all__ = ["plot_explanations"]

WEIGHT = "Feature\nweight"
MIDDLE = "#F7F7F7"  # of a weight of 0
FACET_OPTIONS = tuple(name for name in inspect.signature(facet_wrap).parameters if name != "facets")
NEEDED = ("case", "feature", "feature_value", "feature_weight", "feature_desc")

# Inches. Plotnine refuses to save a figure of more than 25 without `limitsize=False`.
LARGEST = 24.5
LEGEND = 1.0
CASE_LABEL = 0.22
CAPTION_HEIGHT = 0.3
STRIP_LINE = 0.17
# Colour and size. White makes a tile paler, as tiles to look at less; on a tile that is white
# already, only the grey is seen.
STRIPES = (("white", 0.7), ("#666666", 0.25))
STRIPE_PITCH = 0.14


class geom_stripes(geom_segment):  # noqa: N801 - plotnine's convention
    """Draw diagonal stripes over tiles of width and height 1, which go on in the next tile."""

    REQUIRED_AES = {"x", "y"}
    DEFAULT_PARAMS = {**geom_segment.DEFAULT_PARAMS, "tile_size": (1.0, 1.0)}

    def draw_panel(
        self, data: pd.DataFrame, panel_params: "panel_view", coord: "Coord", ax: "Axes"
    ) -> None:
        """Draw the stripes of all tiles of a panel."""
        places, segments = stripes(
            data["x"].to_numpy(), data["y"].to_numpy(), self.params["tile_size"]
        )
        drawn = data.iloc[places].reset_index(drop=True).assign(**segments)
        self.draw_group(drawn, panel_params, coord, ax, self.params)


def stripes(
    x: ArrayLike, y: ArrayLike, tile_size: tuple[float, float]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """
    Cut parallel lines, which rise by 45 degrees, into the pieces that lie on some tiles.

    The lines are as far apart on any tile, so that narrow tiles do not turn grey.

    Parameters
    ----------
    x, y
        (n,) centres of tiles, whose width and height is 1.
    tile_size
        Their width and height in inches.

    Returns
    -------
    places : numpy.ndarray
        (m,) positions of the tiles on which the pieces lie.
    segments : dict of numpy.ndarray
        `x`, `y`, `xend` and `yend` of the m pieces, in the units of the centres.

    Examples
    --------
    >>> places, segments = stripes([0.5], [0.5], (STRIPE_PITCH, 2 * STRIPE_PITCH))
    >>> places.tolist(), segments["y"].tolist(), segments["yend"].tolist()
    ([0, 0], [0.0, 0.5], [0.5, 1.0])
    """
    width, height = (side / STRIPE_PITCH for side in tile_size)
    left = (np.asarray(x, dtype=float) - 0.5) * width
    bottom = (np.asarray(y, dtype=float) - 0.5) * height
    # Line k has y = x + k; the lines that cross a tile lie between its lower right corner
    # and its upper left one.
    first = np.floor(bottom - left - width) + 1
    lines = first[:, None] + np.arange(np.ceil(width + height))
    start = np.maximum(left[:, None], bottom[:, None] - lines)
    end = np.minimum(left[:, None] + width, bottom[:, None] + height - lines)
    on_tile = end > start
    places = np.nonzero(on_tile)[0]
    start, end, lines = start[on_tile], end[on_tile], lines[on_tile]
    return places, {
        "x": start / width,
        "xend": end / width,
        "y": (start + lines) / height,
        "yend": (end + lines) / height,
    }


def plot_explanations(
    explanation: pd.DataFrame, *, palette: Palette = FILLS, **facet_options: Any
) -> ggplot:
    """
    Draw the weights of many cases as coloured tiles.

    If the explanation has intervals (`explain(..., intervals=True)`), a tile is striped where
    the interval of its weight includes 0: the feature possibly has no effect. A line below
    the plot explains the stripes.

    Parameters
    ----------
    explanation
        From `pylime.explain`, or from `pylime.compare_explanations`: its sides then stand
        beside each other.
    palette
        Colours of the largest positive and of the largest negative weight, with white at 0
        between them, or a continuous scale of plotnine for fills, such as
        `scale_fill_gradient2()`, which also has its middle at 0.
    **facet_options
        Arrangement of the panels: options of `plotnine.facet_wrap`, such as
        `ncol` or `scales`. A regressor has a single panel, or one per side.

    Returns
    -------
    plotnine.ggplot
        A column of tiles per case, a row per description of a feature, a panel per label.
        If there is not enough room for the names of all cases, the axis shows every second,
        third, ... name. Its size stays if you add another theme, such as `theme_bw()`.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, `palette` is neither two colours nor a scale,
        or an option is not one of `plotnine.facet_wrap`.

    Examples
    --------
    >>> import pandas as pd
    >>> explanation = pd.DataFrame({
    ...     "model_type": "classification",
    ...     "case": [10, 9],
    ...     "label": ["setosa", "virginica"],
    ...     "feature": ["Petal.Length", "Petal.Width"],
    ...     "feature_value": [1.4, 0.2],
    ...     "feature_weight": [0.43, -0.03],
    ...     "feature_desc": ["Petal.Length <= 1.60", "Petal.Width <= 0.3"],
    ... })
    >>> plot = plot_explanations(explanation, ncol=1)
    >>> list(plot.data["case"].cat.categories)
    ['9', '10']
    >>> plot.save("explanations.png")  # doctest: +SKIP
    """
    explanation, model_type = check_explanation(
        read_comparison(explanation),
        classification=(*NEEDED, "label"),
        regression=NEEDED,
        cells=("feature_value",),
    )
    _check_facet_options(facet_options)
    tiles = explanation.assign(
        case=in_order(explanation["case"], _sorted_names(explanation["case"])),
        feature_desc=in_order(explanation["feature_desc"], _description_order(explanation)),
    )
    facets = {}
    if model_type == "classification":
        facets["label"] = _sorted_names(explanation["label"])
        tiles["label"] = in_order(explanation["label"], facets["label"])
    if "side" in explanation:
        facets["side"] = list(explanation["side"].cat.categories)
        # A row of panels per label, with a gap where a side has not explained it.
        facet_options = {"ncol": len(facets["side"]), "drop": False, **facet_options}
    n_panels, panels = prod(map(len, facets.values())), (1, 1)
    facet: list[Any] = []
    if facets:
        what = "panels" if "side" in facets else "labels"
        panels = _grid(n_panels, facet_options.get("nrow"), facet_options.get("ncol"), what)
        facet = [facet_wrap(list(facets), **{"labeller": plain_text, **facet_options})]
    cases = list(tiles["case"].cat.categories)
    descriptions = list(tiles["feature_desc"].cat.categories)
    striped = tiles[includes_zero(explanation)]
    figure_size, tile_size, spacing, step = _tiles_size(
        cases, descriptions, panels, n_panels, len(facets)
    )
    return (
        SizedPlot(tiles, aes("case", "feature_desc"))
        + geom_tile(aes(fill="feature_weight"))
        + _stripes(striped, tile_size)
        + scale_x_discrete(
            name="Case",
            expand=(0, 0),
            breaks=partial(_every, step),
            labels=_plain_texts,
        )
        + scale_y_discrete(name="Feature", expand=(0, 0), labels=_label_texts)
        + _colours(palette)
        + labs(fill=WEIGHT)
        + facet
        + sized_theme(
            figure_size[0],
            figure_size[1] + CAPTION_HEIGHT * (not striped.empty),
            plot_caption=element_text(size=9, ha="left"),
            panel_border=element_rect(fill="none", color="#999999", size=1),
            panel_grid=element_blank(),
            panel_spacing_x=spacing / figure_size[0],
            panel_spacing_y=0.15 / figure_size[0],
            legend_position="right",
            axis_text_x=element_text(rotation=45, ha="right", va="top"),
        )
    )


def _stripes(striped: pd.DataFrame, tile_size: tuple[float, float]) -> list[Any]:
    """Make the layer of the stripes and its key: nothing if there are none."""
    if striped.empty:
        return []
    return [
        *(
            geom_stripes(data=striped, color=colour, size=size, tile_size=tile_size)
            for colour, size in STRIPES
        ),
        labs(caption=striped_key("Striped")),
    ]


def _check_facet_options(options: Mapping[str, object]) -> None:
    for name, value in options.items():
        if name not in FACET_OPTIONS:
            raise TypeError(
                f"plot_explanations() has no option {name!r}. It takes: {', '.join(FACET_OPTIONS)}."
            )
        if name in ("nrow", "ncol") and value is not None:
            checks.count(name, value)


def _sorted_names(values: pd.Series) -> list[object]:
    """Sort by number if all read as numbers, else by name; categories keep their order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.remove_unused_categories().cat.categories)
    distinct = values.drop_duplicates().tolist()
    as_numbers = [_float_or_nan(value) for value in distinct]
    if np.isfinite(as_numbers).all():
        return [distinct[place] for place in np.argsort(as_numbers, kind="stable")]
    return sorted(distinct, key=str)


def _float_or_nan(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return np.nan


def _description_order(explanation: pd.DataFrame) -> list[str]:
    """
    Order descriptions by feature and value, from the bottom of the axis to its top.

    Numbers come first, by size, then missing values, then everything else by its string.
    """
    values = explanation["feature_value"].tolist()
    numbers = np.array([v if type(v) is float else _number_in(v) for v in values], dtype=float)
    is_number = np.isfinite(numbers)
    texts = object_column(
        ["" if known else _text_in(v) for v, known in zip(values, is_number, strict=True)]
    )
    keys = (_ranks(texts), np.where(is_number, numbers, 0.0), ~is_number)
    order = np.lexsort((*keys, _ranks(explanation["feature"])))
    return explanation["feature_desc"].iloc[order].drop_duplicates().tolist()[::-1]


def _ranks(values: pd.Series) -> np.ndarray:
    """Rank values by how they print."""
    texts = in_order(values)
    return np.argsort(np.argsort(np.array(texts.categories, dtype=object)))[texts.codes]


def _number_in(value: object) -> float:
    return np.nan if isinstance(value, str) else _float_or_nan(value)


def _text_in(value: Any) -> str:
    return "" if value is None or pd.isna(value) is True else str(value)


def _every(step: int, limits: Iterable[str]) -> list[str]:
    return list(limits)[::step]


def _plain_texts(values: Iterable[object]) -> list[str]:
    return [plain_text(value) for value in values]


def _label_texts(values: Iterable[object]) -> list[str]:
    return [plain_text(label_text(value)) for value in values]


def _colours(palette: Palette) -> Any:
    """Make the scale of the weights."""
    ends = colours_of(palette)
    if ends is None:
        if isinstance(palette, scale_discrete):
            raise ValueError(
                "`palette` must be a continuous scale, such as scale_fill_gradient2(...); "
                f"not {type(palette).__name__}, because this plot colours numbers."
            )
        return palette
    positive, negative = ends
    colours = scale_fill_gradient2(name=WEIGHT, midpoint=0, labels=number_texts)
    # Keeps the midpoint, and replaces plotnine's mixing.
    mixed: Any = partial(_mixed, (negative, MIDDLE, positive))
    colours.palette = mixed
    return colours


def _mixed(colours: Sequence[str], shares: Iterable[float]) -> list[str | None]:
    """Mix colours; a missing weight has none."""
    shares = np.asarray(shares, dtype=float)
    mixed = mix(colours, np.nan_to_num(shares))
    return [
        colour if np.isfinite(share) else None for share, colour in zip(shares, mixed, strict=True)
    ]


def _grid(n_panels: int, nrow: int | None, ncol: int | None, what: str) -> tuple[int, int]:
    """Return the rows and columns in which plotnine arranges the panels."""
    if nrow is not None and ncol is not None and nrow * ncol < n_panels:
        raise ValueError(
            f"`nrow` times `ncol` must be at least the number of {what}, {n_panels}; "
            f"not {nrow} times {ncol}."
        )
    return wrap_dims(n_panels, nrow, ncol)


def _tiles_size(
    cases: Sequence[str],
    descriptions: Sequence[str],
    panels: tuple[int, int],
    n_panels: int,
    strip_lines: int,
) -> tuple[tuple[float, float], tuple[float, float], float, int]:
    """
    Find the size that has room for every description and as many cases as fit.

    Returns the sizes of the figure and of a tile and the space between panels, all in
    inches, and the number of cases per name on the axis.
    """
    rows, columns = panels
    around = 0.35 + STRIP_LINE * max(strip_lines - 1, 0)
    name = text_width(cases, 8.8) * 0.71  # at 45 degrees
    # Above a gap in the last row the names would overlap the panel on the left.
    spacing = max(0.12, name - 0.1) if rows > 1 and n_panels % columns else 0.12
    beside = text_width(map(label_text, descriptions), 8.8) + LEGEND + 0.8
    widest = ((LARGEST - beside) / columns - spacing) / len(cases)
    panel = max(float(np.clip(widest, 0.01, 0.4)) * len(cases), 1.5 if columns == 1 else 1.1)
    tallest = ((LARGEST - name - 0.9) / rows - around) / len(descriptions)
    line = float(np.clip(tallest, 0.16, 0.27))
    panel_height = max(line * len(descriptions), 0.8)
    height = rows * (panel_height + around) + name + 0.9
    step = max(1, int(np.ceil(CASE_LABEL * len(cases) / panel)))
    figure = (columns * (panel + spacing) + beside, max(height, 3.2))
    return figure, (panel / len(cases), panel_height / len(descriptions)), spacing, step
