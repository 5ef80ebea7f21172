"""The plot of steps: how the weights of a case add up to its local prediction."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    facet_wrap,
    geom_segment,
    geom_text,
    geom_tile,
    geom_vline,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_discrete,
)

from pylime import checks
from pylime.frame import check_explanation, check_names, design_values
from pylime.numbers import format_numbers
from pylime.plots.palette import FILLS, Palette, fill_scale
from pylime.plots.panels import (
    DIRECTIONS,
    facet_columns,
    feature_codes,
    first_cases,
    of_cases,
    own_levels,
    panel_codes,
    sized_panels,
)
from pylime.plots.sized import SizedPlot
from pylime.plots.theme import (
    label_both_upper,
    label_text,
    number_texts,
    plain_text,
    text_width,
)

__all__ = ["plot_waterfall"]

NEEDED = (
    "case",
    "model_r2",
    "model_intercept",
    "model_prediction",
    "feature_value",
    "feature_weight",
    "feature_desc",
)
MEAN = "Local model: mean"
INTERCEPT = "Local model: intercept"
REST = "Rest"
LOCAL = "Local model: prediction"
MODEL = "Model: prediction"

GREY = "#999999"
DARK_GREY = "#222222"
GAP = "#DDDDDD"
# Inches, and points.
PANEL_WIDTH = 3.6
BESIDE = 0.06
TEXT_SIZE = 8
# Steps that leave out less than this share of the largest number sum up but for rounding.
ROUNDING = 1e-6


def plot_waterfall(
    explanation: pd.DataFrame,
    cases: Hashable | Iterable[Hashable] = None,
    ncol: int = 2,
    *,
    palette: Palette = FILLS,
) -> ggplot:
    """
    Draw how the features of a case add up to its local prediction [Staniak2018].

    A panel reads from top to bottom. It starts at the mean of the local model, if the
    explanation has contributions (`explain(..., contributions=True)`), and every bar is the
    contribution of a feature. Without these it starts at the intercept, and a bar is the
    weight, of plain numbers the weight times the value. The largest step comes first.

    Below the prediction of the local model stands that of the model itself, with a dashed
    line through the panel. The grey bar between the two is the gap: what the explanation
    does not explain.

    Where the steps do not lead to the local prediction, as of a frame that has lost some of
    its rows, a grey step "Rest" does.

    Parameters
    ----------
    explanation
        From `pylime.explain`.
    cases
        The case or cases to show, by their names in the column `case`; by default all, or the
        first 60 if there are more. They keep the order of the explanation.
    ncol
        Number of panels side by side.
    palette
        Two colours, for steps up and for steps down, or a discrete scale of fill of
        plotnine, which is used as it is.

    Returns
    -------
    plotnine.ggplot
        A panel per case and label. Its size follows from the number of panels;
        `plot.save()` writes it, however large it is.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, several cases have the same name, a case is
        unknown, `ncol` is not a positive whole number, or `palette` is neither two colours nor a
        scale.

    Warns
    -----
    UserWarning
        If there are more than 60 cases, of which `cases` selects none.

    Examples
    --------
    >>> import pandas as pd
    >>> explanation = pd.DataFrame({
    ...     "model_type": "classification",
    ...     "case": "first",
    ...     "label": "setosa",
    ...     "label_prob": 0.98,
    ...     "model_r2": 0.69,
    ...     "model_intercept": 0.2,
    ...     "model_prediction": 0.6,
    ...     "feature_value": [5.1, 1.4],
    ...     "feature_weight": [-0.03, 0.43],
    ...     "feature_desc": ["Sepal.Length <= 5.1", "Petal.Length <= 1.60"],
    ... })
    >>> plot = plot_waterfall(explanation)
    >>> plot.data[["text", "start", "end"]].round(2).values.tolist()
    [['Local model: intercept', 0.2, 0.2], ['Petal.Length <= 1.60', 0.2, 0.63], \
['Sepal.Length <= 5.1', 0.63, 0.6], ['Local model: prediction', 0.6, 0.6], \
['Model: prediction', 0.98, 0.98]]
    >>> plot.save("waterfall.png")  # doctest: +SKIP

    References
    ----------
    - [Staniak2018] Staniak and Biecek (2018), The R Journal 10 (2), 395-409.
    """
    explanation, model_type = check_explanation(
        explanation,
        classification=(*NEEDED, "label", "label_prob"),
        regression=(*NEEDED, "prediction"),
        cells=("feature_value",),
    )
    checks.count("ncol", ncol)
    directions = DIRECTIONS[model_type]
    fills = fill_scale(palette, directions, meaning="for steps up and for steps down")
    shown = first_cases(explanation) if cases is None else of_cases(explanation, cases)
    shown = shown.reset_index(drop=True)
    rows = _rows(shown, "label_prob" if model_type == "classification" else "prediction")
    rows["type"] = pd.Categorical(
        np.where(rows["end"] > rows["start"], *directions), directions, ordered=True
    )
    rows["description"], descriptions = own_levels(rows, rows["text"], np.arange(len(rows))[::-1])
    facets = facet_columns(rows, model_type)
    rows, limits = _placed_texts(rows.assign(**facets), PANEL_WIDTH)
    inch = (limits[1] - limits[0]) / PANEL_WIDTH
    return (
        SizedPlot(rows, aes(y="description"))
        + facet_wrap(list(facets), labeller=label_both_upper, scales="free_y", ncol=ncol)
        + _layers(rows, inch)
        + fills
        + scale_y_discrete(
            labels=lambda levels: [plain_text(label_text(descriptions[str(key)])) for key in levels]
        )
        + scale_x_continuous(labels=number_texts, limits=limits, expand=(0, 0))
        + labs(
            x=f"{'Probability' if model_type == 'classification' else 'Prediction'}"
            ", dashed: the model's own",
            y="Feature",
            fill="",
        )
        + sized_panels(rows, list(facets), rows["text"].unique(), ncol, PANEL_WIDTH)
    )


def _rows(explanation: pd.DataFrame, predicted: str) -> pd.DataFrame:
    """
    Make the rows of all panels, from the top to the bottom of each.

    `kind` is "start", "step", "rest", "local" or "model"; `start` and `end` are the ends of
    the bar, equal where there is none.
    """
    has_contributions = {"feature_contribution", "surrogate_mean"} <= {*explanation} and bool(
        np.isfinite(explanation[["feature_contribution", "surrogate_mean"]].to_numpy(float)).all()
    )
    if has_contributions:
        steps = explanation["feature_contribution"].to_numpy(dtype=float)
        origin = "surrogate_mean"
    else:
        steps = explanation["feature_weight"].to_numpy(dtype=float) * design_values(explanation)
        origin = "model_intercept"
    shared = ["case", "model_r2", predicted, *(["label"] if "label" in explanation else [])]
    codes = panel_codes(explanation)
    check_names(explanation, codes, feature_codes(explanation))
    panels = []
    for code in range(codes.max() + 1):
        places = np.flatnonzero(codes == code)
        panel = explanation.iloc[places]
        first = panel.iloc[0]
        order = np.argsort(-np.abs(steps[places]), kind="stable")
        heights = steps[places][order]
        local, level = float(first["model_prediction"]), float(first[origin])
        levels = level + np.cumsum(heights)
        rest = local - (levels[-1] if len(levels) else level)
        kinds = ["start", *["step"] * len(order)]
        texts = [MEAN if has_contributions else INTERCEPT]
        texts += panel["feature_desc"].map(str).iloc[order].tolist()
        ends = [level, *levels]
        if abs(rest) > ROUNDING * max(np.abs([local, *ends]).max(), 1e-300):
            kinds.append("rest")
            texts.append(REST)
            ends.append(local)
        starts = [level, *ends[:-1]]
        model = float(first[predicted])
        rows = panel[shared].iloc[[0] * (len(ends) + 2)].reset_index(drop=True)
        rows["kind"] = [*kinds, "local", "model"]
        rows["text"] = [*texts, LOCAL, MODEL]
        rows["start"] = [*starts, local, model]
        rows["end"] = [*ends, local, model]
        panels.append(rows.assign(panel=code))
    return pd.concat(panels, ignore_index=True)


def _placed_texts(rows: pd.DataFrame, width: float) -> tuple[pd.DataFrame, tuple[float, float]]:
    """
    Add the numbers beside the bars, and find the limits of the axis that leave room for them.

    A number stands where its step leads to, or on the other side of its bar if the dashed line
    would cross it there. That of a prediction stands on the side away from the other
    prediction, so that it does not lie in the gap.
    """
    start, end = rows["start"].to_numpy(), rows["end"].to_numpy()
    is_step = rows["kind"].isin(["step", "rest"]).to_numpy()
    numbers, rightwards = [""] * len(rows), end >= start
    dashed = np.empty(len(rows))
    for places in rows.groupby("panel", sort=False).indices.values():
        decimals = _decimals(np.abs(end - start)[places].max())
        for place in places:
            step = end[place] - start[place]
            numbers[place] = _signed(step) if is_step[place] else _level(end[place], decimals)
        local, model = places[-2:]
        rightwards[places[0]] = start[places[1]] >= end[places[1]]
        rightwards[local] = end[local] > end[model]
        rightwards[model] = not rightwards[local]
        dashed[places] = end[model]
    lengths = np.array([text_width([number], TEXT_SIZE) for number in numbers]) + 2 * BESIDE
    low, high = np.minimum(start, end), np.maximum(start, end)

    def texts_at(rightwards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inner ends of the texts, and their lengths with a sign."""
        return np.where(rightwards, high, low), np.where(rightwards, lengths, -lengths)

    left, right = _limits(low.min(), high.max(), *texts_at(rightwards), width)
    inch = (right - left) / width
    crossed, crossed_there = (
        (np.sign(dashed - edge) == np.sign(reach)) & (np.abs(dashed - edge) < lengths * inch)
        for edge, reach in map(texts_at, (rightwards, ~rightwards))
    )
    away = crossed & ~crossed_there & (rows["kind"] != "model").to_numpy()
    edge, reach = texts_at(rightwards ^ away)
    left, right = _limits(low.min(), high.max(), edge, reach, width)
    inch = (right - left) / width
    placed = rows.assign(
        number=numbers, number_x=edge + np.sign(reach) * BESIDE * inch, reach=reach
    )
    return placed, (left, right)


def _limits(
    lowest: float, highest: float, edge: np.ndarray, reach: np.ndarray, width: float
) -> tuple[float, float]:
    """Find the limits of an axis, some inches wide, that has room for texts at its bars."""
    if highest - lowest <= ROUNDING * max(abs(lowest), abs(highest)):
        around = 0.1 * abs(highest) or 1.0
        lowest, highest = lowest - around, highest + around
    left, right = lowest, highest
    for _ in range(30):  # the longer the axis, the more of it a text takes
        inch = (right - left) / width
        left = min(lowest - BESIDE * inch, (edge + reach * inch).min())
        right = max(highest + BESIDE * inch, (edge + reach * inch).max())
    return left, right


def _decimals(number: float) -> int:
    """The number of decimals that gives a number two significant digits."""
    exponent = int(f"{number:.1e}".partition("e")[2])  # of the rounded number
    return max(0, 1 - exponent) if number else 0


def _level(level: float, decimals: int = 0) -> str:
    """Write a number with two significant digits, or more if it takes so many decimals."""
    if level and not 1e-4 <= abs(level) < 1e6:
        return format_numbers([level], 2)[0]
    return f"{level:.{min(max(decimals, _decimals(level)), 5)}f}"


def _signed(step: float) -> str:
    """Write a step with two significant digits and its sign."""
    return f"+{_level(step)}" if step > 0 else _level(step)


def _layers(rows: pd.DataFrame, inch: float) -> list[Any]:
    """Make the layers, from the back to the front."""
    last = rows.drop_duplicates("panel", keep="last")
    local = rows[rows["kind"] == "local"]
    gaps = last.assign(start=local["end"].to_numpy())
    # A line from each row down to the next one, of the last step to the local prediction.
    from_rows = rows[~rows["kind"].isin(["local", "model"])]
    connectors = from_rows.assign(
        next_description=rows["description"].iloc[from_rows.index + 1].to_numpy()
    )
    marks = rows[rows["kind"].isin(["start", "local"])]
    tile = aes(x="(start + end) / 2", width="abs(end - start)")
    layers: list[Any] = [
        geom_tile(tile, data=gaps, fill=GAP, height=0.3),
        geom_vline(aes(xintercept="end"), data=last, linetype="dashed", color=DARK_GREY, size=0.5),
        geom_segment(
            aes(x="end", xend="end", yend="next_description"),
            data=connectors,
            color=GREY,
            size=0.4,
        ),
        geom_tile(
            aes(x="(start + end) / 2", width="abs(end - start)", fill="type"),
            data=rows[rows["kind"] == "step"],
            height=0.7,
            show_legend=True,
        ),
    ]
    if (rows["kind"] == "rest").any():
        layers.append(geom_tile(tile, data=rows[rows["kind"] == "rest"], fill=GREY, height=0.7))
    layers.append(
        geom_tile(aes(x="end"), data=marks, width=0.03 * inch, fill=DARK_GREY, height=0.7)
    )
    for rightwards, ha in ((True, "left"), (False, "right")):
        beside = rows[(rows["reach"] > 0) == rightwards]
        if len(beside):
            layers.append(
                geom_text(
                    aes(x="number_x", label="number"),
                    data=beside,
                    ha=ha,
                    size=TEXT_SIZE,
                    color=DARK_GREY,
                )
            )
    return layers
