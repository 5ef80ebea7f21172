"""The plot of weights: a bar per feature, a panel per case and label."""

from collections.abc import Hashable, Iterable
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
)

from pylime import checks
from pylime.frame import check_explanation
from pylime.plots.intervals import has_intervals, interval_ends
from pylime.plots.palette import FILLS
from pylime.plots.panels import (
    DIRECTIONS,
    contributions,
    facet_columns,
    of_cases,
    own_levels,
    sized_panels,
)
from pylime.plots.theme import (
    label_both_upper,
    number_texts,
    plain_text,
)

__all__ = ["plot_features"]

DARK_GREY = "#222222"
WITH_INTERVALS = "Weight, with its interval"
NEEDED = ("case", "model_r2", "feature_value", "feature_weight", "feature_desc")


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
    bars = of_cases(explanation, cases).reset_index(drop=True)
    if model_type == "regression":
        bars = contributions(bars)
    positive, negative = DIRECTIONS[model_type]
    bars["type"] = pd.Categorical(
        np.where(bars["feature_weight"] > 0, positive, negative), [positive, negative], ordered=True
    )
    order = np.argsort(bars["feature_weight"].abs(), kind="stable")
    bars["description"], descriptions = own_levels(bars, bars["feature_desc"], order)
    facets = facet_columns(bars, model_type)
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
        + sized_panels(bars, list(facets), bars["feature_desc"].unique(), ncol)
    )


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
