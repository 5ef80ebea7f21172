"""The plot of weights: a bar per feature, a panel per case and label."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    coord_flip,
    facet_wrap,
    geom_col,
    geom_errorbar,
    geom_linerange,
    ggplot,
    labs,
    scale_fill_manual,
    scale_x_discrete,
    scale_y_continuous,
    theme,
)

from pylime import checks
from pylime.frame import as_utf8, check_explanation, design_values, object_column
from pylime.numbers import format_numbers
from pylime.plots.intervals import has_intervals, interval_ends
from pylime.plots.theme import (
    fit_texts,
    in_order,
    label_both_upper,
    number_texts,
    plain_text,
    sized_theme,
    text_width,
)

__all__ = ["plot_features"]

DIRECTIONS = {
    "classification": ("Supports", "Contradicts"),
    "regression": ("Positive", "Negative"),
}
FILLS = ("steelblue", "firebrick")
DARK_GREY = "#222222"
WITH_INTERVALS = "Weight, with its interval"
NEEDED = ("case", "model_r2", "feature_value", "feature_weight", "feature_desc")

# Inches. Plotnine refuses to save a figure of more than 25 without `limitsize=False`.
LARGEST = 24.5
PANEL_WIDTH = 2.6
STRIP_LINE = 0.17
BELOW_PANELS = 1.1


def plot_features(
    explanation: pd.DataFrame, ncol: int = 2, cases: Hashable | Iterable[Hashable] = None
) -> ggplot:
    """
    Draw the weight of every feature, in a panel per case and label.

    Bars are sorted by the size of their weight. For a regressor's numbers that were not
    binned, they show weight times value: the contribution to the prediction.

    If the explanation has intervals (`explain(..., intervals=True)`), a dark line with ends
    over each bar shows the interval of its weight; on bars of weight times value it is
    multiplied by the value, too. A bar without a line has no interval. Bars show the weights
    of the ridge regression and intervals those without a penalty, so a bar need not end in
    the middle of its line.

    The strip of a panel says so where the explanation fit (R²) is low, below 0.1.

    Parameters
    ----------
    explanation
        From `pylime.explain`.
    ncol
        Number of panels side by side.
    cases
        The case or cases to show, by their names in the column `case`; by default all. They
        keep the order of the explanation.

    Returns
    -------
    plotnine.ggplot
        Its size follows from the number of panels. Above about 25 panels it exceeds 25
        inches; pass `limitsize=False` to `plot.save()`.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, a case is unknown, or `ncol` is not a
        positive whole number.

    Examples
    --------
    >>> import pandas as pd
    >>> explanation = pd.DataFrame({
    ...     "model_type": "classification",
    ...     "case": "first",
    ...     "label": "setosa",
    ...     "label_prob": 0.98,
    ...     "model_r2": 0.69,
    ...     "feature_value": [1.4, 5.1],
    ...     "feature_weight": [0.43, -0.03],
    ...     "feature_desc": ["Petal.Length <= 1.60", "Sepal.Length <= 5.1"],
    ... })
    >>> plot = plot_features(explanation, cases="first")
    >>> plot.data["type"].tolist()
    ['Supports', 'Contradicts']
    >>> plot.save("features.png")  # doctest: +SKIP
    """
    explanation, model_type = check_explanation(
        explanation,
        classification=(*NEEDED, "label", "label_prob"),
        regression=(*NEEDED, "prediction"),
    )
    checks.count("ncol", ncol)
    bars = _of_cases(explanation, cases).reset_index(drop=True)
    if model_type == "regression":
        bars = _contributions(bars)
    positive, negative = DIRECTIONS[model_type]
    bars["type"] = pd.Categorical(
        np.where(bars["feature_weight"] > 0, positive, negative), [positive, negative], ordered=True
    )
    bars["description"], descriptions = _bar_order(bars)
    facets = _facets(bars, model_type)
    bars = bars.assign(**facets)
    return (
        ggplot(bars)
        + facet_wrap(list(facets), labeller=label_both_upper, scales="free_y", ncol=ncol)
        + geom_col(aes("description", "feature_weight", fill="type"), show_legend=True)
        + _error_bars(bars)
        + coord_flip()
        + scale_fill_manual(dict(zip((positive, negative), FILLS, strict=True)), drop=False)
        + scale_x_discrete(
            labels=lambda levels: [plain_text(descriptions[str(key)]) for key in levels]
        )
        + scale_y_continuous(labels=number_texts)
        + labs(x="Feature", y=WITH_INTERVALS if has_intervals(bars) else "Weight", fill="")
        + _sized_theme(bars, list(facets), ncol)
    )


def _of_cases(explanation: pd.DataFrame, cases: Hashable | Iterable[Hashable]) -> pd.DataFrame:
    """Select the rows of some cases, by value or by name: 55 finds "55"."""
    if cases is None:
        return explanation
    names = object_column([str(name) for name in explanation["case"]])
    known = list(dict.fromkeys(names))
    if isinstance(cases, str) or not isinstance(cases, Iterable) or str(cases) in known:
        cases = [cases]
    wanted = list(dict.fromkeys(map(str, cases)))
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise ValueError(
            f"`cases` must be among the explained cases {checks.some(known)}; "
            f"not {checks.some(unknown) or 'empty'}."
        )
    return explanation[names.isin(wanted).to_numpy()]


def _contributions(bars: pd.DataFrame) -> pd.DataFrame:
    """Multiply the weights, and their intervals, by the values of the design."""
    values = design_values(bars)
    scaled = {"feature_weight": bars["feature_weight"].to_numpy(dtype=float) * values}
    if has_intervals(bars):
        lo, hi = (end * values for end in interval_ends(bars))
        # A negative value turns the interval round.
        scaled |= {"feature_lo": np.minimum(lo, hi), "feature_hi": np.maximum(lo, hi)}
    return bars.assign(**scaled)


def _error_bars(bars: pd.DataFrame) -> list[Any]:
    """Make the layers of the intervals: none if there are none."""
    lo, hi = interval_ends(bars)
    known = bars[np.isfinite(lo) & np.isfinite(hi)]
    if known.empty:
        return []
    ends = aes("description", ymin="feature_lo", ymax="feature_hi")
    return [
        # A light edge sets the line apart from a bar of any colour.
        geom_linerange(ends, data=known, color="white", size=1.4, alpha=0.6),
        geom_errorbar(ends, data=known, color=DARK_GREY, size=0.6, width=0.3),
    ]


def _bar_order(bars: pd.DataFrame) -> tuple[pd.Categorical, dict[str, str]]:
    """
    Order the bars by the size of their weight, over all panels at once.

    Every bar is a level of its own, because a description can have different places in
    different panels; the mapping is from a level to the text on the axis.
    """
    labels = bars["label"] if "label" in bars else [""] * len(bars)
    owners = [as_utf8(f"{case}_{label}") for case, label in zip(bars["case"], labels, strict=True)]
    width = max(map(len, owners)) + 1
    descriptions: dict[str, str] = {}
    levels = []
    for owner, text in zip(owners, bars["feature_desc"], strict=True):
        level = f"{owner:<{width}}{as_utf8(str(text))}"
        while level in descriptions:  # one word at two places, or two equal bounding boxes
            level += "'"
        descriptions[level] = str(text)
        levels.append(level)
    order = np.argsort(bars["feature_weight"].abs(), kind="stable")
    return pd.Categorical(levels, [levels[place] for place in order], ordered=True), descriptions


def _facets(bars: pd.DataFrame, model_type: str) -> dict[str, pd.Categorical]:
    """Make the columns for the strip of a panel, in their order."""
    facets = {"case": in_order(bars["case"])}
    if model_type == "classification":
        most_likely_first = bars.sort_values("label_prob", ascending=False, kind="stable")["label"]
        facets["label"] = in_order(bars["label"], most_likely_first)
        facets["probability"] = in_order(format_numbers(bars["label_prob"].to_numpy(), 2))
    else:
        # R writes a number that is not rounded with fifteen digits.
        facets["prediction"] = in_order(format_numbers([x], 15)[0] for x in bars["prediction"])
    if bars["model_r2"].notna().any():  # shap values have none
        facets["Explanation fit"] = in_order(fit_texts(bars["model_r2"]))
    return facets


def _sized_theme(bars: pd.DataFrame, facets: Sequence[str], ncol: int) -> theme:
    """Make the figure large enough that neither bars nor texts overlap."""
    panels = bars.groupby(list(facets), observed=True, sort=False).size()
    columns = min(ncol, len(panels))
    rows = -(-len(panels) // columns)
    strips = [
        f"{name}: {value}"
        for name, values in zip(facets, zip(*panels.index, strict=True), strict=True)
        for value in dict.fromkeys(values)
    ]
    axis = text_width(bars["feature_desc"].unique(), 8.8) + 0.15
    panel = max(PANEL_WIDTH, text_width(strips, 9) + 0.1)
    around = STRIP_LINE * len(facets) + 0.25
    most = int(panels.max())
    room = ((LARGEST - BELOW_PANELS) / rows - around) / most
    bar = float(np.clip(room, 0.15, 0.27))
    height = rows * (max(bar * most, 0.4) + around) + BELOW_PANELS
    width = columns * (axis + panel + 0.15) + 0.4
    return sized_theme(width, height)
