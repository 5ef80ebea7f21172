"""The plot of importance: how much each feature matters over all cases."""

from typing import Any

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_text,
    facet_wrap,
    geom_text,
    geom_tile,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_discrete,
)

from pylime import checks
from pylime.foreign import as_pandas
from pylime.plots.palette import FILLS, Palette, fill_scale
from pylime.plots.panels import DIRECTIONS, most_important, own_levels, sized_panels
from pylime.plots.sized import SizedPlot
from pylime.plots.theme import (
    in_order,
    label_both_upper,
    label_text,
    number_texts,
    plain_text,
    text_width,
)
from pylime.summary import feature_importance

__all__ = ["plot_importance"]

NEEDED = ("feature", "importance", "mean_weight", "share_selected", "n")
PANEL_WIDTH = 3.2
BESIDE = 0.06
TEXT_SIZE = 8
GREY = "#777777"


def plot_importance(
    explanation: pd.DataFrame, n: int = 20, ncol: int = 2, *, palette: Palette = FILLS
) -> ggplot:
    """
    Draw how much each feature matters over all cases, in a panel per label.

    The length of a bar is the mean of the absolute weight over all cases, where a feature
    that was not selected counts as 0. Its two colours divide it into the weights that
    support the label and those that contradict it (of a regressor: the positive and the
    negative ones). Behind a bar stands the share of the cases in which the feature was
    selected, if that is not the same for all, 100 %.

    Parameters
    ----------
    explanation
        From `pylime.explain`, or the importances from `pylime.feature_importance`.
    n
        Number of features, the most important ones of each label.
    ncol
        Number of panels side by side.
    palette
        Two colours, for positive and for negative weights, or a discrete scale of fill of
        plotnine, which is used as it is.

    Returns
    -------
    plotnine.ggplot
        Its data has two rows per bar.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is neither of the two, or of images, whose superpixels cannot be
        compared; if `n` or `ncol` is not a positive whole number; or if `palette` is neither
        two colours nor a scale.

    Examples
    --------
    >>> import pandas as pd
    >>> explanation = pd.DataFrame({
    ...     "model_type": "regression",
    ...     "case": [1, 1, 2, 2],
    ...     "feature": ["age", "size", "age", "size"],
    ...     "feature_weight": [0.5, -0.25, 0.25, 0.125],
    ... })
    >>> plot = plot_importance(explanation)
    >>> plot.data[["feature", "type", "start", "end"]].values.tolist()
    [['age', 'Positive', 0.0, 0.375], ['age', 'Negative', 0.375, 0.375], \
['size', 'Positive', 0.0, 0.0625], ['size', 'Negative', 0.0625, 0.1875]]
    >>> plot.save("importance.png")  # doctest: +SKIP
    """
    checks.count("n", n)
    checks.count("ncol", ncol)
    table = _importances(explanation)
    directions = DIRECTIONS["classification" if "label" in table else "regression"]
    fills = fill_scale(palette, directions)
    facets = {"cases": in_order(table["n"])}
    if "label" in table:
        facets = {"label": in_order(table["label"]), **facets}
    table = table.assign(**facets)
    table["description"], descriptions = own_levels(
        table.assign(case=""), table["feature"], np.arange(len(table))[::-1]
    )
    is_shown = table.groupby(list(facets), observed=True, sort=False).cumcount() < n
    shown = table[is_shown].reset_index(drop=True)
    bars = _bars(shown, directions)
    return (
        SizedPlot(bars, aes(y="description"))
        + facet_wrap(list(facets), labeller=label_both_upper, scales="free_y", ncol=ncol)
        + geom_tile(
            aes(x="(start + end) / 2", width="end - start", fill="type"),
            height=0.7,
            show_legend=True,
        )
        + _shares(shown)
        + fills
        + scale_y_discrete(
            labels=lambda levels: [plain_text(label_text(descriptions[str(key)])) for key in levels]
        )
        + labs(
            x="Mean absolute weight",
            y="Feature",
            fill="",
            caption="\n".join(_notes(shown, n, all_shown=bool(is_shown.all()))),
        )
        + sized_panels(
            bars.drop_duplicates("description"),
            list(facets),
            shown["feature"].unique(),
            ncol,
            PANEL_WIDTH,
            plot_caption=element_text(size=8.5, ha="left"),
        )
    )


def _importances(explanation: Any) -> pd.DataFrame:
    """Return importances, most important first, unless they are given."""
    table = as_pandas(explanation)
    if not isinstance(table, pd.DataFrame) or "importance" not in table:
        table = feature_importance(explanation)
    missing = [name for name in NEEDED if name not in table]
    if missing or table.empty:
        raise ValueError(
            "`explanation` must be a data frame from explain() or feature_importance(); "
            + (f"it has no column {checks.some(missing)}." if missing else "it is empty.")
        )
    return table.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def _bars(table: pd.DataFrame, directions: tuple[str, str]) -> pd.DataFrame:
    """
    Divide each bar into the positive and the negative weights: two rows each.

    The mean of the weight is the positive part of the mean of its size minus the negative one.
    """
    both = table.loc[table.index.repeat(2)].reset_index(drop=True)
    positive = (both["importance"] + both["mean_weight"]).clip(lower=0) / 2
    is_positive = np.arange(len(both)) % 2 == 0
    return both.assign(
        type=pd.Categorical(
            np.where(is_positive, *directions), categories=directions, ordered=True
        ),
        start=np.where(is_positive, 0.0, positive),
        end=np.where(is_positive, positive, both["importance"]),
    )


def _shares(table: pd.DataFrame) -> list[Any]:
    """Make the axis, and the layer of the texts behind the bars if there are any."""
    longest = float(table["importance"].max()) or 1.0
    if (table["share_selected"] >= 1).all():
        return [
            scale_x_continuous(labels=number_texts, limits=(0, longest), expand=(0, 0, 0.03, 0))
        ]
    texts = [_percent(share) for share in table["share_selected"]]
    room = text_width(texts, TEXT_SIZE) + 2 * BESIDE
    right = longest * PANEL_WIDTH / (PANEL_WIDTH - room)
    beside = BESIDE * right / PANEL_WIDTH
    return [
        geom_text(
            aes(x="importance", label="share"),
            data=table.assign(share=texts),
            nudge_x=beside,
            ha="left",
            size=TEXT_SIZE,
            color=GREY,
        ),
        scale_x_continuous(labels=number_texts, limits=(0, right), expand=(0, 0)),
    ]


def _percent(share: float) -> str:
    """Write a share of cases, of which neither 0 nor 100 % stands for nearly so many."""
    if 0 < share < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def _notes(table: pd.DataFrame, n: int, all_shown: bool) -> list[str]:
    """Write the lines below the panels."""
    notes = []
    if (table["share_selected"] < 1).any():
        notes.append("Percent of cases in which the feature was selected.")
    if not all_shown:
        notes.append(most_important(n, "label" in table and len(table["label"].unique()) > 1))
    return notes
