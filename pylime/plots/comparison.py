"""The plot of a comparison: the weights of several explanations of the same cases."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_line,
    element_text,
    facet_wrap,
    geom_point,
    geom_segment,
    geom_vline,
    ggplot,
    labs,
    scale_shape_manual,
    scale_x_continuous,
)

from pylime import checks
from pylime.frame import check_names
from pylime.numbers import format_numbers
from pylime.plots.intervals import interval_ends
from pylime.plots.palette import Palette, fill_scale
from pylime.plots.panels import (
    contributions,
    feature_codes,
    first_cases,
    of_cases,
    panel_codes,
    row_axis,
    row_numbers,
    sized_panels,
)
from pylime.plots.sized import SizedPlot
from pylime.plots.theme import (
    amount_text,
    fit_texts,
    in_order,
    label_both_upper,
    number_texts,
    plain_text,
)
from pylime.summary import check_comparison, long_comparison, sides_of

__all__ = ["plot_comparison"]

# Of Okabe and Ito, as in the plot of widths; first those that are not like the colours of
# positive and negative weights.
COLOURS = ("#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000", "#0072B2", "#D55E00")
SHAPES = ("o", "D", "^", "s", "v", "P", "X")
ZERO = "#999999"
APART = "#222222"
NOT_APART = "#C4C4C4"
ON_DARK = {APART: "#F2F2F2", NOT_APART: "#5F6872"}
PANEL_WIDTH = 3.0
# Of the height of a row: the distance of two sides.
DODGE = 0.26


def plot_comparison(
    comparison: pd.DataFrame,
    cases: Hashable | Iterable[Hashable] = None,
    ncol: int = 2,
    *,
    palette: Palette | None = None,
) -> ggplot:
    """
    Draw the weights of the same cases in several explanations, in a panel per case and label.

    Each feature is a row, with a dot per side and lines from the first side to the others. If
    the explanations have intervals (`explain(..., intervals=True)`), a band behind a dot shows
    the interval of its weight, and a line is dark where the intervals of its two sides do not
    overlap. Features are sorted by the largest weight. For a regressor's numbers that were not
    binned, dots show weight times value.

    A side that did not select a feature has no dot there. The weight is then unknown, not 0.

    Parameters
    ----------
    comparison
        From `pylime.compare_explanations`.
    cases
        The case or cases to show, by their names in the column `case`; by default all, or the
        first 60 if there are more. They keep the order of the comparison.
    ncol
        Number of panels side by side.
    palette
        A colour per side, or a discrete scale of color of plotnine, which is used as it is.

    Returns
    -------
    plotnine.ggplot
        A panel per case and label; its data has a row per feature and side.

    Raises
    ------
    TypeError, ValueError
        If `comparison` is not a comparison, several cases have the same name, a case is unknown,
        `ncol` is not a positive whole number, or `palette` has another number of colours.

    Warns
    -----
    UserWarning
        If there are more than 60 cases, of which `cases` selects none.

    Examples
    --------
    >>> import pandas as pd
    >>> from pylime import compare_explanations
    >>> def of(weights):
    ...     return pd.DataFrame({
    ...         "model_type": "regression", "case": 0, "model_r2": 0.9, "feature": list(weights),
    ...         "feature_value": 1, "feature_weight": weights.values(), "feature_desc": "is 1",
    ...         "prediction": 3.0,
    ...     })
    >>> both = compare_explanations({"may": of({"a": 0.5, "b": 0.2}), "june": of({"a": 0.6})})
    >>> plot = plot_comparison(both, palette=("navy", "orange"))
    >>> plot.data[["feature", "side", "feature_weight"]].values.tolist()
    [['a', 'may', 0.5], ['b', 'may', 0.2], ['a', 'june', 0.6]]
    >>> plot.save("comparison.png")  # doctest: +SKIP
    """
    sides = sides_of(comparison)
    checks.count("ncol", ncol)
    colours = _colours(palette, sides)
    comparison = check_comparison(comparison)
    shown = first_cases(comparison) if cases is None else of_cases(comparison, cases)
    check_names(shown, panel_codes(shown), feature_codes(shown), "comparison")
    long = long_comparison(shown)
    dots = _in_rows(long, comparison, sides)
    facets = _facets(dots, sides)
    dots = dots.assign(**facets)
    rows = dots.drop_duplicates("row")
    keys = [plain_text(side) for side in sides]
    return (
        SizedPlot(dots, aes("feature_weight", "y"), on_dark=ON_DARK)
        + facet_wrap(list(facets), labeller=label_both_upper, scales="free_y", ncol=ncol)
        + row_axis(rows, rows["text"])
        + geom_vline(aes(xintercept=0), data=rows, color=ZERO, size=0.5)
        + _lines(dots)
        + _bands(dots)
        + geom_point(aes(color="side", shape="side"), size=2.6, stroke=0)
        + colours
        + scale_shape_manual(
            [SHAPES[place % len(SHAPES)] for place in range(len(sides))], drop=False, labels=keys
        )
        + scale_x_continuous(labels=number_texts)
        + labs(x="Weight", y="Feature", color="", shape="", caption="\n".join(_notes(dots, sides)))
        + sized_panels(
            rows,
            list(facets),
            rows["text"].unique(),
            ncol,
            PANEL_WIDTH,
            (0.2, max(0.32, 0.12 * len(sides))),
            panel_grid_major_y=element_line(color="#EEEEEE"),
            panel_grid_minor=element_blank(),
            plot_caption=element_text(size=8.5, ha="left"),
        )
    )


def _colours(palette: Palette | None, sides: Sequence[str]) -> Any:
    """Make the scale of the sides."""
    if palette is None:
        if len(sides) > len(COLOURS):
            raise ValueError(
                f"`palette` must be given for more than {len(COLOURS)} sides, a colour for each; "
                f"`comparison` has {len(sides)}."
            )
        palette = COLOURS[: len(sides)]
    return fill_scale(
        palette,
        sides,
        [plain_text(side) for side in sides],
        meaning="one for each side",
        aesthetic="color",
    )


def _in_rows(long: pd.DataFrame, comparison: pd.DataFrame, sides: Sequence[str]) -> pd.DataFrame:
    """
    Give each dot its row, and the place of the first side's dot to draw a line to.

    `apart` is whether the intervals of the two part; missing where there is nothing to compare.
    """
    keys = [name for name in ("case", "label", "feature") if name in long]
    parts = [comparison[keys].assign(side=side, apart=_apart(comparison, side)) for side in sides]
    dots = long.merge(pd.concat(parts), on=[*keys, "side"], how="left")
    dots["side"] = pd.Categorical(dots["side"], list(sides), ordered=True)
    if "prediction" in dots:
        dots = contributions(dots)
    dots["panel"] = panel_codes(dots)
    dots["feature_desc"] = dots["feature_desc"].map(str)
    feature = dots.groupby([dots["panel"], dots["feature"].map(str)], sort=False)
    dots["text"] = feature["feature_desc"].transform(lambda texts: " | ".join(dict.fromkeys(texts)))
    size = dots["feature_weight"].abs().groupby(feature.ngroup()).transform("max")
    order = pd.DataFrame({"panel": dots["panel"], "size": -size, "first": feature.ngroup()})
    ranked = order.drop_duplicates().sort_values(["panel", "size", "first"], kind="stable")
    place = ranked.groupby("panel").cumcount()
    places = dict(zip(ranked["first"], place, strict=True))
    dots["row"] = row_numbers(dots["panel"], order["first"].map(places))
    step = min(DODGE, 0.8 / len(sides))
    dots["y"] = dots["row"] - (dots["side"].cat.codes - (len(sides) - 1) / 2) * step
    first = dots[dots["side"] == sides[0]].set_index("row")
    return dots.assign(
        first_weight=dots["row"].map(first["feature_weight"]), first_y=dots["row"].map(first["y"])
    )


def _apart(comparison: pd.DataFrame, side: str) -> Any:
    """Whether the intervals of the first side and of another part; missing for the first."""
    several = f"intervals_part.{side}"
    name = several if several in comparison else "intervals_part"
    sides = sides_of(comparison)
    if side == sides[0] or name not in comparison or (name != several and len(sides) > 2):
        return pd.array([None] * len(comparison), dtype="boolean")
    return comparison[name].astype("boolean").array


def _lines(dots: pd.DataFrame) -> list[Any]:
    """Make the layers of the lines from the first side to the others, the dark ones on top."""
    others = dots[dots["first_weight"].notna() & (dots["side"].cat.codes > 0)]
    apart = others["apart"].fillna(False).to_numpy(dtype=bool)
    ends = aes(xend="first_weight", yend="first_y")
    return [
        geom_segment(ends, data=others[rows], color=color, size=size)
        for rows, color, size in ((~apart, NOT_APART, 0.8), (apart, APART, 1.0))
        if rows.any()
    ]


def _bands(dots: pd.DataFrame) -> list[Any]:
    """Make the layer of the intervals, if there are any."""
    lo, hi = interval_ends(dots)
    known = np.isfinite(lo) & np.isfinite(hi)
    if not known.any():
        return []
    return [
        geom_segment(
            aes(x="feature_lo", xend="feature_hi", yend="y", color="side"),
            data=dots[known],
            size=1.8,
            alpha=0.45,
            show_legend=False,
        )
    ]


def _facets(dots: pd.DataFrame, sides: Sequence[str]) -> dict[str, pd.Categorical]:
    """Make the columns for the strip of a panel, in their order."""
    facets = {"case": in_order(dots["case"])}
    if "label" in dots:
        facets["label"] = in_order(dots["label"])
    name, predicted = ("probability", "label_prob") if "label" in dots else ("prediction",) * 2
    facets[name] = in_order(_by_side(dots, predicted, sides))
    facets["Explanation fit"] = in_order(_by_side(dots, "model_r2", sides))
    return facets


def _by_side(dots: pd.DataFrame, column: str, sides: Sequence[str]) -> list[str]:
    """Write a number of each side, the same for all dots of a panel."""
    firsts = dots.drop_duplicates(["panel", "side"])
    texts = {}
    for panel, rows in firsts.groupby("panel"):
        values = rows[column].to_numpy(dtype=float, na_value=np.nan)
        if column == "model_r2":
            written = fit_texts(values)
        elif column == "prediction":
            written = [amount_text(value, 4) for value in values]
        else:
            written = format_numbers(values, 2)
        known = dict(zip(rows["side"], written, strict=True))
        texts[panel] = "; ".join(f"{side} {known.get(side, 'none')}" for side in sides)
    return [texts[panel] for panel in dots["panel"]]


def _notes(dots: pd.DataFrame, sides: Sequence[str]) -> list[str]:
    """Write the lines below the panels."""
    notes = []
    others = dots[dots["side"].cat.codes > 0]
    all_explained = (dots.groupby("panel")["side"].nunique() == len(sides)).all()
    unexplained = "." if all_explained else ", or did not explain the label."
    if others["apart"].notna().any():
        notes.append("Dark line: the intervals of the two weights do not overlap.")
    if (dots.groupby("row").size() < len(sides)).any():
        notes.append("No dot: the side did not select the feature" + unexplained)
    return notes
