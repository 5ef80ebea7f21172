"""The plot of kernel widths: weights, and how far to trust them, along the width."""

from collections import Counter
from collections.abc import Sequence
from numbers import Real
from typing import Any, Unpack

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    annotate,
    coord_cartesian,
    element_blank,
    element_line,
    element_text,
    expand_limits,
    geom_hline,
    geom_line,
    geom_linerange,
    geom_point,
    geom_ribbon,
    ggplot,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_linetype_manual,
    scale_x_log10,
    scale_y_continuous,
    scale_y_log10,
)
from plotnine.composition import Compose

from pylime import checks
from pylime.options import EveryOption
from pylime.pipeline import Explainer
from pylime.plots.intervals import interval_ends
from pylime.plots.sized import SizedPlot
from pylime.plots.theme import (
    FIT,
    label_text,
    number_texts,
    plain_text,
    sized_theme,
    text_width,
)
from pylime.trust import ENOUGH
from pylime.widths import weights_by_width

__all__ = ["WIDTH_COLUMNS", "draw_widths", "plot_widths"]

WIDTH_COLUMNS = (
    "width",
    "feature",
    "feature_desc",
    "feature_weight",
    "feature_lo",
    "feature_hi",
    "effective_n",
    "fresh_r2",
    "model_r2",
)
"""The columns that `draw_widths` needs; a classifier's table has `label`, too."""

# Okabe and Ito's colours, which all kinds of colour vision tell apart, without the yellow that
# is too light for lines. From the eighth feature on they come again with dashes, then dots.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINETYPES = ("solid", "dashed", "dotted", "dashdot")
SHADE = "#DDDDDD"
INK = "#222222"
GREY = "#555555"
ON_DARK = {SHADE: "#2C333B", INK: "#F2F2F2", GREY: "#BBBBBB"}
BEYOND = 1e3  # a range that goes on beyond the axis ends where nobody sees it
LOWEST_R2 = -1.0  # below it every R² means the same: much worse than the mean

# Inches.
PANEL_WIDTH = 5.2
HEIGHT = 7.0
LEGEND_LINE = 0.25


def plot_widths(
    x: Any,
    explainer: Explainer,
    widths: Sequence[float] | None = None,
    **options: "Unpack[EveryOption]",
) -> Compose:
    """
    Draw how the weights of a case depend on the width of the kernel.

    A narrow kernel explains what happens close to the case, but lets few permutations count. All
    widths are computed from one set of predictions.

    Parameters
    ----------
    x
        A table with one row, or one row as a Series.
    explainer
        From `pylime.lime`, of a table.
    widths
        Widths of the exponential kernel, positive numbers. By default 25, from a tenth of the
        default of `pylime.explain` to four times that.
    **options
        As in `pylime.explain`. `dist_fun` is `"euclidean"` by default, as `"gower"` has no
        kernel. The features are those that are selected at `kernel_width`; of several labels
        the first is shown.

    Returns
    -------
    plotnine.composition.Compose
        Three panels: the weights of the fit without a penalty, with their intervals; how many
        permutations of equal weight would carry as much information (`effective_n`); and R²
        for fresh permutations, with that in sample. Widths at which fewer than 100 permutations
        count are grey.

    Raises
    ------
    TypeError, ValueError
        If the explainer is not of a table, `x` has several rows, or a width is not positive.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> rows = pd.DataFrame(np.arange(40.0).reshape(20, 2) % 7, columns=["rooms", "floor"])
    >>> explainer = lime(rows, as_regressor(lambda rows: 300 * rows["rooms"]), n_bins=2)
    >>> plot = plot_widths(rows.head(1), explainer, [0.5, 1, 2], random_state=1)
    >>> plot.save("widths.png")  # doctest: +SKIP
    """
    level = options.get("intervals", True)
    table = weights_by_width(x, explainer, widths, **options)
    return draw_widths(table, intervals=level)


def draw_widths(table: pd.DataFrame, *, intervals: float | bool = True) -> Compose:
    """
    Draw weights along kernel widths, and below them how far to trust them.

    Parameters
    ----------
    table
        A row per width and feature, for one case and one label, with the columns `WIDTH_COLUMNS`.
        Widths are positive. A feature need not have a row at every width: its line has a gap
        where it was not selected. `effective_n`, `fresh_r2` and `model_r2` are the same in
        all rows of a width.
    intervals
        Whether to draw the intervals `feature_lo` to `feature_hi` as ribbons; a number below
        1 is their level, as in `pylime.explain`, and True is 0.95.

    Returns
    -------
    plotnine.composition.Compose
        Three panels with one axis of widths, with `save()`:

        - the weights, a colour per feature, in the order in which they end on the right;
        - the effective number of permutations, with a dashed line at 100;
        - the fit on fresh permutations (R²), and dashed the fit in sample, cut off below -1.

        Widths where fewer than 100 permutations count are grey in all three. There weights
        may jump and intervals be as wide as they like: the axis of the weights has room for
        all weights, but for the intervals at other widths only.

    Raises
    ------
    ValueError
        If the table has no rows, lacks columns, has several labels, a feature twice at a
        width, or a width that is not a positive number; or if `intervals` is not a level.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "width": [0.1, 1.0],
    ...     "feature": "age",
    ...     "feature_desc": "age <= 30",
    ...     "feature_weight": [0.4, 0.2],
    ...     "feature_lo": [-0.3, 0.15],
    ...     "feature_hi": [0.8, 0.25],
    ...     "effective_n": [9.5, 2300.0],
    ...     "fresh_r2": [-0.4, 0.5],
    ...     "model_r2": [0.8, 0.51],
    ...     "label": "ill",
    ... })
    >>> plot = draw_widths(table, intervals=0.95)
    >>> plot.save("widths.png")  # doctest: +SKIP
    """
    level = _level(intervals)
    table = _checked(table)
    if not np.isfinite(interval_ends(table)).any():
        level = 0.0
    widths = table.drop_duplicates("width")
    limits = _limits(widths["width"].to_numpy())
    shaded = _shaded(
        widths["width"].to_numpy(), widths["effective_n"].to_numpy(dtype=float), limits
    )
    features = _by_last_weight(table)
    names = [plain_text(features[name]) for name in features]
    parts = [
        _weights(table, features, limits, shaded, level),
        _effective_n(widths, limits, shaded),
        _fits(widths, limits, shaded),
    ]
    width = PANEL_WIDTH + 0.9 + text_width(names, 8.8) + 0.8
    height = max(HEIGHT, 2 * (LEGEND_LINE * len(names) + 0.9))
    notes = _notes(level, shaded, widths["fresh_r2"].to_numpy(dtype=float))
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        parts[place] = part + sized_theme(
            width,
            height,
            legend_position="right",
            panel_grid_major_y=element_line(),
            plot_title=element_text(size=9, weight="bold", ha="left"),
            plot_caption=element_text(size=8.5, ha="left"),
            # One axis for all, below the last panel.
            **({} if last else {"axis_text_x": element_blank(), "axis_title_x": element_blank()}),
        )
    weights, counted, fits = parts
    # Nested, so that the weights get half of the height.
    return weights / (counted / (fits + labs(caption="\n".join(notes))))


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    """Check the table and sort it by width."""
    lacking = [name for name in WIDTH_COLUMNS if name not in table]
    if lacking or table.empty:
        raise ValueError(
            f"`table` must have rows and the columns {', '.join(WIDTH_COLUMNS)}; "
            + (f"it lacks {', '.join(lacking)}." if lacking else "it has no rows.")
        )
    labels = list(dict.fromkeys(table["label"])) if "label" in table else []
    if len(labels) > 1:
        raise ValueError(f"`table` must be of one label; not {checks.some(labels)}.")
    widths = table["width"].to_numpy(dtype=float, na_value=np.nan)
    if not (np.isfinite(widths) & (widths > 0)).all():
        wrong = widths[~(np.isfinite(widths) & (widths > 0))][0]
        raise ValueError(f"`table` must have positive numbers as 'width'; not {wrong:g}.")
    if table.duplicated(["width", "feature"]).any():
        raise ValueError("`table` must have one row per width and feature; some have several.")
    return table.assign(width=widths).sort_values("width", kind="stable").reset_index(drop=True)


def _level(intervals: float | bool) -> float:
    """Return the level of intervals, 0 for none."""
    if isinstance(intervals, bool):
        return 0.95 if intervals else 0.0
    if not isinstance(intervals, Real) or not 0 < intervals < 1:
        raise ValueError(
            "`intervals` must be True, False or a level between 0 and 1, such as 0.9; "
            f"not {intervals!r}."
        )
    return float(intervals)


def _limits(widths: np.ndarray) -> tuple[float, float]:
    """Find the ends of the axis, to which plotnine adds a little."""
    room = 1.0 if len(widths) > 1 else 2.0
    return float(widths[0] / room), float(widths[-1] * room)


def _shaded(
    widths: np.ndarray, effective_n: np.ndarray, limits: tuple[float, float]
) -> list[tuple[float, float]]:
    """
    Find the ranges of widths at which too few permutations count.

    A range ends where the line in the panel of the effective number, which is straight
    between two widths on logarithmic axes, crosses the dashed line.
    """
    few = effective_n < ENOUGH  # false where it is missing
    ranges = []
    start = limits[0] / BEYOND if few[0] else None
    for place in range(1, len(widths)):
        if few[place] == few[place - 1]:
            continue
        crossing = _crossing(widths[place - 1 : place + 1], effective_n[place - 1 : place + 1])
        if few[place]:
            start = crossing
        elif start is not None:
            ranges.append((start, crossing))
            start = None
    if start is not None:
        ranges.append((start, limits[1] * BEYOND))
    return ranges


def _crossing(widths: np.ndarray, effective_n: np.ndarray) -> float:
    """Find the width between two at which `ENOUGH` permutations count."""
    if np.isnan(effective_n).any():
        return float(widths[np.isnan(effective_n)][0])
    logs = np.log(np.maximum(effective_n, 1.0))  # at least the nearest one counts
    share = (np.log(ENOUGH) - logs[0]) / (logs[1] - logs[0])
    return float(widths[0] * (widths[1] / widths[0]) ** share)


def _by_last_weight(table: pd.DataFrame) -> dict[object, str]:
    """
    Order the features by their weight at the largest width at which they have one.

    The names in the key then stand as their lines end on the right. The mapping is from a
    feature to its description, made unique, because plotnine takes equal names in a key for
    one.
    """
    known = table[table["feature_weight"].notna()]
    last = known.groupby("feature", sort=False)["feature_weight"].last()
    order = last.sort_values(ascending=False, kind="stable").index
    descriptions = table.drop_duplicates("feature").set_index("feature")["feature_desc"]
    texts = {feature: label_text(descriptions[feature]) for feature in order}
    several = {text for text, count in Counter(texts.values()).items() if count > 1}
    names: dict[object, str] = {}
    for feature, text in texts.items():
        own = label_text(feature)  # a word's is its description
        name = f"{text} ({own})" if text in several and text != own else text
        while name in names.values():
            name += "'"
        names[feature] = name
    return names


def _pieces(features: pd.Series, widths: pd.Series, known: np.ndarray) -> np.ndarray:
    """
    Name the piece of its feature's line on which a row lies, empty where there is none.

    A line has a gap where its feature has no row, or a missing one, at a width of the table.
    """
    codes = pd.factorize(features)[0]
    steps = pd.factorize(widths, sort=True)[0]
    # Along rows that are known, steps grow as fast as rows do.
    rank = pd.Series(known).groupby(codes).cumsum().to_numpy()
    return np.array(
        [
            f"{code}-{step - place}" if is_known else ""
            for code, step, place, is_known in zip(codes, steps, rank, known, strict=True)
        ]
    )


def _several(rows: pd.DataFrame, piece: str) -> pd.Series:
    """Find the rows of pieces of more than one width: a single one has no line."""
    return rows.groupby(piece)[piece].transform("size") > 1


def _weights(
    table: pd.DataFrame,
    features: dict[object, str],
    limits: tuple[float, float],
    shaded: Sequence[tuple[float, float]],
    level: float,
) -> ggplot:
    """Draw the weights, with ribbons unless the level is 0."""
    weights = table["feature_weight"].to_numpy(dtype=float, na_value=np.nan)
    lo, hi = interval_ends(table)
    has_interval = np.isfinite(lo) & np.isfinite(hi) & (level > 0)
    # The levels are positions, because two features can have one description.
    positions = {feature: str(place) for place, feature in enumerate(features)}
    rows = pd.DataFrame(
        {
            "width": table["width"],
            "weight": weights,
            "lo": lo,
            "hi": hi,
            "feature": pd.Categorical(
                table["feature"].map(positions), list(positions.values()), ordered=True
            ),
            "line": _pieces(table["feature"], table["width"], np.isfinite(weights)),
            "ribbon": _pieces(table["feature"], table["width"], has_interval),
        }
    )
    lines, ribbons = rows[rows["line"] != ""], rows[rows["ribbon"] != ""]
    trusted = has_interval & ~(table["effective_n"].to_numpy(dtype=float) < ENOUGH)
    bounds = [0.0, *weights[np.isfinite(weights)], *lo[trusted], *hi[trusted]]
    colours = [COLOURS[place % len(COLOURS)] for place in range(len(features))]
    linetypes = [LINETYPES[place // len(COLOURS) % 4] for place in range(len(features))]
    names = [plain_text(name) for name in features.values()]
    ends = aes("width", ymin="lo", ymax="hi", fill="feature", group="ribbon")
    line = aes("width", "weight", color="feature", linetype="feature", group="line")
    long, single = _several(ribbons, "ribbon"), ribbons[~_several(ribbons, "ribbon")]
    layers = [
        geom_ribbon(ends, data=ribbons[long], alpha=0.2, show_legend=False),
        geom_linerange(
            aes("width", ymin="lo", ymax="hi", color="feature"),
            data=single,
            alpha=0.4,
            show_legend=False,
        ),
        geom_line(line, data=lines[_several(lines, "line")], size=0.8),
        geom_point(aes("width", "weight", color="feature"), data=lines, size=1.8, stroke=0),
    ]
    label = table["label"].iloc[0] if "label" in table else None
    return (
        SizedPlot(on_dark=ON_DARK)
        + _shades(shaded)
        + geom_hline(yintercept=0, color="#999999", size=0.4)
        + [layer for layer in layers if len(layer.data)]
        + guides(color=guide_legend(ncol=1), linetype=guide_legend(ncol=1))
        + scale_color_manual(colours, name="Feature", labels=names, drop=False)
        + scale_fill_manual(colours, guide=None, drop=False)
        + scale_linetype_manual(linetypes, name="Feature", labels=names, drop=False)
        + scale_y_continuous(labels=number_texts)
        + _width_axis(limits, (min(bounds), max(bounds)))
        + labs(y="Weight", title=None if pd.isna(label) else plain_text(f"Label: {label}"))
    )


def _effective_n(
    widths: pd.DataFrame, limits: tuple[float, float], shaded: Sequence[tuple[float, float]]
) -> ggplot:
    """Draw the effective number of permutations."""
    counts = widths.assign(effective_n=widths["effective_n"].clip(lower=1.0))
    known = counts["effective_n"].dropna()
    bounds = [*known, ENOUGH / 2, ENOUGH * 2]
    return (
        SizedPlot(counts.dropna(subset="effective_n"), aes("width", "effective_n"), on_dark=ON_DARK)
        + _shades(shaded, lowest=1e-9)
        + geom_hline(yintercept=ENOUGH, color=GREY, size=0.5, linetype="dashed")
        + _line_with_points(len(known), color=INK)
        + scale_y_log10(labels=number_texts)
        + _width_axis(limits, (min(bounds), max(bounds)))
        + labs(y="Effective n")
    )


def _fits(
    widths: pd.DataFrame, limits: tuple[float, float], shaded: Sequence[tuple[float, float]]
) -> ggplot:
    """Draw R² on fresh permutations, and in sample."""
    in_sample = widths.dropna(subset="model_r2")
    fresh = widths.dropna(subset="fresh_r2")
    lowest = min([0.0, *in_sample["model_r2"], *fresh["fresh_r2"]])
    return (
        SizedPlot(fresh, aes("width", "fresh_r2"), on_dark=ON_DARK)
        + _shades(shaded)
        + geom_hline(yintercept=0, color="#999999", size=0.4)
        + (
            geom_line(
                aes("width", "model_r2"),
                data=in_sample,
                color=GREY,
                size=0.4,
                linetype="dashed",
            )
            if len(in_sample) > 1
            else []
        )
        + _line_with_points(len(fresh), color=INK)
        + scale_y_continuous(labels=number_texts)
        + _width_axis(limits, (max(lowest, LOWEST_R2), 1.0))
        + labs(y=FIT.replace(" ", "\n"))
    )


def _line_with_points(n: int, color: str) -> list[Any]:
    """Make the layers of a line; a single point has none."""
    line = [geom_line(color=color, size=0.8)] if n > 1 else []
    return [*line, *([geom_point(color=color, size=1.8, stroke=0)] if n else [])]


def _shades(ranges: Sequence[tuple[float, float]], lowest: float = -np.inf) -> list[Any]:
    """Make the layers of the shaded ranges, which are as high as the panel."""
    return [
        annotate("rect", xmin=start, xmax=end, ymin=lowest, ymax=np.inf, fill=SHADE, alpha=1)
        for start, end in ranges
    ]


def _width_axis(limits: tuple[float, float], heights: tuple[float, float]) -> list[Any]:
    """Make the axis of widths and the range of heights of a panel."""
    return [
        scale_x_log10(name="Kernel width", labels=number_texts),
        coord_cartesian(xlim=limits, ylim=heights),
        expand_limits(x=list(limits), y=list(heights)),  # where nothing is drawn
    ]


def _notes(level: float, shaded: Sequence[tuple[float, float]], fresh_r2: np.ndarray) -> list[str]:
    """Write the lines below the panels."""
    notes = []
    if level:
        notes.append(f"Around the weights: their {100 * level:g} % intervals.")
    if shaded:
        notes.append(f"Grey: fewer than {ENOUGH} permutations count (effective n, dashed).")
    notes.append("Fit: on fresh permutations; dashed: in sample.")
    if np.nanmin([0.0, *fresh_r2]) < LOWEST_R2:
        notes[-1] += f" Cut off below {LOWEST_R2:g}."
    return notes
