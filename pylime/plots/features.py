"""The plot of weights: a bar per feature, a panel per case and label."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from mizani.transforms import identity_trans
from plotnine import (
    aes,
    coord_flip,
    facet_wrap,
    geom_col,
    geom_errorbar,
    geom_linerange,
    geom_text,
    ggplot,
    labs,
    scale_x_discrete,
    scale_y_continuous,
)

from pylime import checks
from pylime.frame import as_utf8, check_explanation, has_bare_name
from pylime.plots.intervals import has_intervals, interval_ends
from pylime.plots.palette import FILLS, FILLS_ON_DARK, Palette, fill_scale
from pylime.plots.panels import (
    DIRECTIONS,
    PANEL_WIDTH,
    contributions,
    facet_columns,
    first_cases,
    is_comparison,
    of_cases,
    own_levels,
    panel_codes,
    read_comparison,
    sized_panels,
)
from pylime.plots.sized import SizedPlot
from pylime.plots.theme import (
    amount_text,
    label_both_upper,
    label_text,
    number_texts,
    plain_text,
    text_width,
)

__all__ = ["plot_features"]

INTERCEPT = "(Intercept)"
NOT_EXPLAINED = "(not explained)"
UNKNOWN_OF_GAPS = ("label_prob", "prediction", "model_r2", "feature_lo", "feature_hi")
DARK_GREY = "#222222"
NEUTRAL = "#8F8F8F"
ON_DARK = {DARK_GREY: "#F2F2F2", "white": "#101418", NEUTRAL: "#DDDDDD"}
WITH_INTERVALS = "Weight, with its interval"
NEEDED = ("case", "model_r2", "feature_value", "feature_weight", "feature_desc")

VALUE_SIZE = 8.8  # points
LONGEST_VALUE = 20  # characters


def plot_features(
    explanation: pd.DataFrame,
    ncol: int | None = None,
    cases: Hashable | Iterable[Hashable] = None,
    *,
    values: bool | None = None,
    intercept: bool = False,
    palette: Palette = FILLS,
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

    The strip of a panel marks an explanation fit (R²) below 0.1 as low.

    Parameters
    ----------
    explanation
        From `pylime.explain`, or from `pylime.compare_explanations`: its sides then stand
        beside each other, with the features in one order.
    ncol
        Number of panels side by side; by default 2, or the number of sides.
    cases
        The case or cases to show, by their names in the column `case`; by default all, or the
        first 60 if there are more. They keep the order of the explanation.
    values
        Whether the value of each feature stands between its description and its bar, unless
        the description has it, as `city = Oslo` does. By default only the values of features
        whose description is their name alone: numbers that were not binned.
    intercept
        Whether a grey bar below the others shows the intercept of the local model.
    palette
        Colours of positive and of negative weights, or a discrete scale of plotnine for
        fills. The default colours are lighter on a dark panel.

    Returns
    -------
    plotnine.ggplot
        Its size follows from the number of panels, and stays if you add another theme, such as
        `theme_bw()`; `theme(figure_size=...)` changes it. `plot.save()` writes it, however
        large it is.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, a case is unknown, `ncol` is not a positive
        whole number, or `palette` neither two colours nor a scale.

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
    ...     "feature_value": [1.4, 5.1],
    ...     "feature_weight": [0.43, -0.03],
    ...     "feature_desc": ["Petal.Length <= 1.60", "Sepal.Length <= 5.1"],
    ... })
    >>> plot = plot_features(explanation, cases="first")
    >>> plot.data["type"].tolist()
    ['Supports', 'Contradicts']
    >>> plot.save("features.png")  # doctest: +SKIP
    """
    if intercept and is_comparison(explanation):
        raise ValueError("`intercept` must be False for a comparison, which has no intercepts.")
    if ncol is not None:
        checks.count("ncol", ncol)
    checks.flag("values", values, None)
    checks.flag("intercept", intercept)
    explanation = read_comparison(explanation)
    needed = (*NEEDED, "model_intercept") if intercept else NEEDED
    explanation, model_type = check_explanation(
        explanation,
        classification=(*needed, "label", "label_prob"),
        regression=(*needed, "prediction"),
        cells=("feature_value",),
    )
    sides = explanation["side"].cat.categories if "side" in explanation else []
    columns = ncol or max(2, len(sides))
    shown = first_cases(explanation) if cases is None else of_cases(explanation, cases)
    bars = _with_gaps(shown).reset_index(drop=True)
    bars["value"] = _value_texts(bars, values)
    if model_type == "regression":
        bars = contributions(bars)
    positive, negative = DIRECTIONS[model_type]
    bars["type"] = pd.Categorical(
        np.where(bars["feature_weight"] > 0, positive, negative), [positive, negative], ordered=True
    )
    bars = bars.assign(**facet_columns(bars, model_type), is_intercept=False)
    facets = list(facet_columns(bars, model_type))
    if intercept:
        bars = _with_intercepts(bars, facets)
    order = np.argsort(_sizes(bars), kind="stable")
    bars["description"], descriptions = own_levels(bars, bars["feature_desc"], order)
    room = _values_width(bars)
    plot = (
        SizedPlot(bars[~bars["is_intercept"]], on_dark=ON_DARK)
        + facet_wrap(facets, labeller=label_both_upper, scales="free_y", ncol=columns)
        + geom_col(aes("description", "feature_weight", fill="type"), show_legend=True)
        + _intercepts(bars)
        + _error_bars(bars)
        + coord_flip()
        + scale_x_discrete(
            labels=lambda levels: [plain_text(label_text(descriptions[str(key)])) for key in levels]
        )
        + _weight_axis(room)
        + labs(x="Feature", y=WITH_INTERVALS if has_intervals(bars) else "Weight", fill="")
        + _values(bars)
        + sized_panels(bars, facets, bars["feature_desc"].unique(), columns, PANEL_WIDTH + room)
    )
    fills = fill_scale(palette, (positive, negative))
    if palette == FILLS:
        return plot.with_fills(fills, fill_scale(FILLS_ON_DARK, (positive, negative)))
    return plot + fills


def _value_texts(bars: pd.DataFrame, values: bool | None) -> list[str]:
    """Write the values that stand beside the bars; an empty text where none does."""
    if values is False:
        return [""] * len(bars)
    texts = []
    for value, description, is_bare in zip(
        bars["feature_value"], bars["feature_desc"], has_bare_name(bars), strict=True
    ):
        text = _value_text(value, str(description)) if is_bare or values else ""
        texts.append(text and (f"= {text}" if is_bare else f"({text})"))
    return texts


def _value_text(value: Any, description: str) -> str:
    if not pd.api.types.is_scalar(value) or pd.isna(value) or isinstance(value, bool | np.bool_):
        return ""  # a superpixel, `age is missing`, `member is true`
    if description == str(value) or description.endswith((f" = {value}", f": {value}")):
        return ""  # a word, `city = Oslo`, a word of a column
    text = amount_text(value, 3) if checks.is_number(value) else as_utf8(str(value))
    return (
        text
        if len(text) <= LONGEST_VALUE
        else text[: LONGEST_VALUE - 1] + "\N{HORIZONTAL ELLIPSIS}"
    )


def _with_gaps(rows: pd.DataFrame) -> pd.DataFrame:
    """
    Add a row for each label that a side has not explained.

    Without a panel there, those of other labels would move beside each other.
    """
    if "side" not in rows:
        return rows
    sides, codes = rows["side"].cat.codes.to_numpy(), panel_codes(rows)
    first = rows.iloc[np.unique(codes, return_index=True)[1]]
    unknown = [name for name in UNKNOWN_OF_GAPS if name in rows]
    gaps = [
        first[~np.isin(np.arange(len(first)), codes[sides == side])].assign(side=name)
        for side, name in enumerate(rows["side"].cat.categories)
    ]
    gap = pd.concat(gaps)
    if gap.empty:
        return rows
    gap = gap.assign(feature_weight=0.0, feature_desc=NOT_EXPLAINED, feature_value=None)
    gap[unknown] = np.nan
    # One type, as pandas changes how it finds that of cells and a column of missing ones.
    found = pd.concat([rows.astype({"feature_value": object}), gap], ignore_index=True)
    return found.assign(side=pd.Categorical(found["side"], rows["side"].cat.categories))


def _sizes(bars: pd.DataFrame) -> pd.Series:
    """Return what bars are sorted by: the largest weight of a feature on any side."""
    sizes = bars["feature_weight"].abs().mask(bars["is_intercept"], -1.0)
    if "side" not in bars:
        return sizes
    names = [name for name in ("case", "label", "feature") if name in bars]
    return sizes.groupby(
        [bars[name].map(str) for name in names], sort=False, observed=True
    ).transform("max")


def _with_intercepts(bars: pd.DataFrame, facets: Sequence[str]) -> pd.DataFrame:
    """Add a row for the intercept of each panel, behind all others."""
    rows = bars.drop_duplicates(list(facets)).copy()
    rows["feature_weight"] = rows["model_intercept"]
    rows["feature_desc"], rows["value"], rows["is_intercept"] = INTERCEPT, "", True
    for name in ("feature_lo", "feature_hi"):
        if name in rows:
            rows[name] = np.nan
    return pd.concat([bars, rows], ignore_index=True)


def _intercepts(bars: pd.DataFrame) -> list[Any]:
    """Make the layer of the intercepts, which support nothing: none if there are none."""
    known = bars[bars["is_intercept"]]
    if known.empty:
        return []
    return [geom_col(aes("description", "feature_weight"), data=known, fill=NEUTRAL)]


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


def _values(bars: pd.DataFrame) -> list[Any]:
    """Make the layer of the values, which go on from the axis' texts, unless there are none."""
    known = bars[bars["value"] != ""]
    if known.empty:
        return []
    return [
        geom_text(
            aes("description", label="value"),
            data=known.assign(value=[plain_text(text) for text in known["value"]]),
            y=-np.inf,
            ha="left",
            size=VALUE_SIZE,
            color=DARK_GREY,
        )
    ]


def _values_width(bars: pd.DataFrame) -> float:
    """Return the inches that the values need."""
    widest = text_width(bars["value"], VALUE_SIZE)
    return widest + 0.1 if widest else 0.0


def _weight_axis(room: float) -> scale_y_continuous:
    """Make the axis of the weights, with inches on its left for the values of features."""
    if not room:
        return scale_y_continuous(labels=number_texts)
    share = 1.1 * room / PANEL_WIDTH

    def breaks(limits: tuple[float, float]) -> list[float]:
        # As without the room, in which no weight can be.
        lo, hi = limits
        lo += share / (1.1 + share) * (hi - lo)
        return [place for place in identity_trans().breaks((lo, hi)) if lo <= place <= hi]

    return scale_y_continuous(
        labels=number_texts, breaks=breaks, expand=(0.05 + share, 0.0, 0.05, 0.0)
    )
