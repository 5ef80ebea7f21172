"""The plot of many cases: a dot per case, its weight against the value of the feature."""

import numbers
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_text,
    facet_wrap,
    geom_hline,
    geom_point,
    geom_vline,
    ggplot,
    labs,
    scale_x_continuous,
    scale_x_datetime,
    scale_y_continuous,
    theme,
)

from pylime import checks
from pylime.frame import check_explanation, is_none_of_group, is_word_of_column
from pylime.plots.palette import Palette, gradient_scale
from pylime.plots.panels import most_important, row_axis, row_numbers, sized_panels
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

__all__ = ["plot_beeswarm", "swarm"]

HIGH_LOW = ("#7A0F8A", "#F0A830")
"""The colours of high and of low values, others than those of positive and negative weights."""
GREY = "#8A8A8A"
ZERO = "#999999"
ROW_LINE = "#E4E4E4"
MOST_DOTS = 2000
"""Of a feature and label. More neither fit into a row nor show more."""

NEEDED = ("case", "feature", "feature_value", "feature_weight", "feature_desc")

# Inches.
PANEL_WIDTH = 4.2
WIDTH = 3.2  # and height, of a panel of one feature
DOT_SIZES = (0.08, 0.07, 0.06, 0.05, 0.04)
ROW = (0.27, 0.95)
LEVEL_WIDTH = 1.6
LEVELS_WIDTH = 6.4  # of all levels of a feature, unless their names need more
LARGEST = 24.5


def plot_beeswarm(
    explanation: pd.DataFrame,
    n: int = 10,
    ncol: int = 2,
    *,
    feature: Hashable = None,
    palette: Palette = HIGH_LOW,
) -> ggplot:
    """
    Draw the weights of many cases, a dot per case and feature [Lundberg2020].

    Each feature is a row of dots that do not overlap, the most important feature on top. A
    dot stands at the weight that the feature has in a case, and its colour is the value of
    the feature there, from the lowest of all cases to the highest. Thus a row that goes from
    one colour on the left to the other on the right is a feature of which the model predicts
    more the higher it is. Words, the levels of a category and groups of columns have no order:
    their dots are grey. A case in which the feature was not selected has no dot.

    With `feature`, a single feature: its weight against its value.

    Parameters
    ----------
    explanation
        From `pylime.explain`, of a table or of texts.
    n
        Number of features, the most important ones of each label.
    ncol
        Number of panels side by side.
    feature
        One feature, to draw its weights against its values, or against its levels.
    palette
        Two colours, for high and for low values, or a continuous scale of color of plotnine,
        which is used as it is; values are ranks, scaled from 0 to 1.

    Returns
    -------
    plotnine.ggplot
        A panel per label. The column `rank` of its data is the value's rank, scaled; it is missing
        for words and levels.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, or is one of images, whose superpixels cannot
        be compared; if `n` or `ncol` is not a positive whole number; if the feature was not
        explained; or if `palette` is neither two colours nor a continuous scale.

    Warns
    -----
    UserWarning
        If a feature has more than 2000 cases; so many of them are shown, evenly from the
        lowest weight to the highest.

    Examples
    --------
    >>> import pandas as pd
    >>> explanation = pd.DataFrame({
    ...     "model_type": "regression",
    ...     "case": [1, 2, 3],
    ...     "feature": "age",
    ...     "feature_value": [71, 20, 45],
    ...     "feature_weight": [0.5, -0.25, 0.25],
    ...     "feature_desc": ["60 < age", "age <= 30", "30 < age <= 60"],
    ... })
    >>> plot = plot_beeswarm(explanation)
    >>> plot.data[["case", "feature_weight", "rank"]].values.tolist()
    [[2.0, -0.25, 0.0], [3.0, 0.25, 0.5], [1.0, 0.5, 1.0]]
    >>> plot.save("beeswarm.png")  # doctest: +SKIP

    Notes
    -----
    Weights of bins, levels and words are changes of the prediction, so that rows can be
    compared. A number that is not binned (`bin_continuous=False`) has a weight per unit.

    References
    ----------
    - [Lundberg2020] Lundberg et al. (2020), Nature Machine Intelligence 2, 56-67.
    """
    explanation, _ = check_explanation(
        explanation,
        classification=(*NEEDED, "label", "label_prob"),
        regression=NEEDED,
        cells=("feature_value",),
    )
    checks.count("n", n)
    checks.count("ncol", ncol)
    colours = gradient_scale(
        palette,
        meaning="for high and for low values",
        aesthetic="color",
        name="Value of\nthe feature",
        breaks=[0.0, 1.0],
        labels=["low", "high"],
        limits=(0.0, 1.0),
    )
    importance = feature_importance(explanation)
    dots = _dots(explanation, importance)
    if feature is not None:
        return _against_values(_of_feature(dots, feature), feature, ncol, colours)
    return _rows_of_dots(dots, n, ncol, colours)


def swarm(x: np.ndarray, diameter: float) -> np.ndarray:
    """
    Lay out dots along a line so that none lies on another.

    Lanes are a diameter apart. From the lowest to the highest, each dot takes a lane in which
    it has room, among as many lanes as there are dots near by, so that the outline shows how
    many these are. A sequence that covers them evenly [vanderCorput1935]_ chooses the lane;
    nothing is drawn at random.

    Parameters
    ----------
    x
        (n,) places of the dots along the line.
    diameter
        Of a dot, in the same unit.

    Returns
    -------
    numpy.ndarray
        (n,) array of int, the lane of each dot: 0 on the line, positive above it and negative
        below.

    References
    ----------
    .. [vanderCorput1935] van der Corput (1935), Verteilungsfunktionen, Proceedings of the
       Koninklijke Akademie van Wetenschappen te Amsterdam 38, 813-821.

    Examples
    --------
    >>> swarm(np.array([0.0, 0.1, 0.2, 1.0]), diameter=0.5).tolist()
    [0, 1, -1, 0]
    """
    order = np.argsort(x, kind="stable")
    x = np.asarray(x, dtype=float)[order]
    near = np.searchsorted(x, x + diameter / 2, "right") - np.searchsorted(x, x - diameter / 2)
    wanted = (_evenly(len(x)) * near).astype(int)
    last = np.full(_n_lanes(x, diameter), -np.inf)  # the last dot of each lane
    lanes = np.empty(len(x), dtype=int)
    for place in range(len(x)):
        free = np.flatnonzero(last <= x[place] - diameter)
        lane = free[np.abs(free - wanted[place]).argmin()]
        last[lane] = x[place]
        lanes[order[place]] = (lane + 1) // 2 * (1 if lane % 2 else -1)
    return lanes


def _n_lanes(x: np.ndarray, diameter: float) -> int:
    """The number of lanes that dots need: as many as lie within a diameter, at most."""
    # As in `swarm`, of the same numbers, so that rounding cannot leave a dot without a lane.
    before = np.searchsorted(x, x - diameter, "right")
    return int((np.arange(1, len(x) + 1) - before).max(initial=1))


def _evenly(n: int) -> np.ndarray:
    """The first n numbers of van der Corput's sequence: 0, 1/2, 1/4, 3/4, 1/8, ..."""
    count, share, total = np.arange(n), 0.5, np.zeros(n)
    while count.any():
        total += share * (count % 2)
        count, share = count // 2, share / 2
    return total


def _dots(explanation: pd.DataFrame, importance: pd.DataFrame) -> pd.DataFrame:
    """
    Number the rows of the explanation by panel and by the place of their feature.

    `panel` and `place` count from 0, the most important feature first; `cases` is the number
    of cases of the panel.
    """
    keys = ["label", "feature"] if "label" in explanation else ["feature"]
    places = importance.assign(panel=pd.factorize(importance["label"])[0] if "label" in keys else 0)
    places["place"] = places.groupby("panel").cumcount()
    places = places.rename(columns={"n": "cases"})[[*keys, "panel", "place", "cases"]]
    return explanation[
        [name for name in ("case", *keys, *NEEDED[2:]) if name in explanation]
    ].merge(places, on=keys)


def _of_feature(dots: pd.DataFrame, feature: Hashable) -> pd.DataFrame:
    """Select the dots of a feature, by value or by name."""
    names = dots["feature"].map(str)
    chosen = dots[(names == str(feature)).to_numpy()]
    if chosen.empty:
        known = dots.sort_values("place", kind="stable")["feature"].drop_duplicates()
        checks.one_of("feature", str(feature), known.map(str))
    return chosen.reset_index(drop=True)


def _thinned(dots: pd.DataFrame) -> pd.DataFrame:
    """
    Rank the values of each feature, sort its dots by weight, and keep some if they are many.

    Every k-th weight has about the distribution of all.
    """
    groups = dots["panel"] * (dots["place"].max() + 1) + dots["place"]
    values = _ordered_values(dots)
    ranks = pd.Series(values).groupby(groups.to_numpy()).rank()
    lowest, highest = (ranks.groupby(groups).transform(which) for which in ("min", "max"))
    spread = (highest - lowest).where(highest > lowest)
    ranks = ((ranks - lowest) / spread).where(spread.notna(), 0.5).where(np.isfinite(values))
    dots = dots.assign(rank=ranks.to_numpy())
    dots = dots.iloc[np.lexsort((dots["feature_weight"], dots["place"], dots["panel"]))]
    grouped = dots.groupby(["panel", "place"], sort=False)
    size = grouped["place"].transform("size").to_numpy()
    if size.max() <= MOST_DOTS:
        return dots.reset_index(drop=True)
    rank = grouped.cumcount().to_numpy()
    # The rows at which a count from 0 to the most dots rises, and the last one.
    step = (MOST_DOTS - 1) / (size - 1).clip(min=1)
    kept = (size <= MOST_DOTS) | (np.floor(rank * step + 1e-9) > np.floor((rank - 1) * step + 1e-9))
    fullest = dots.iloc[int(size.argmax())]
    checks.warn(
        f"plot_beeswarm() shows at most {MOST_DOTS} dots per feature and label, evenly from the "
        f"lowest weight to the highest: of {fullest['feature']!r} "
        f"{100 * MOST_DOTS / size.max():.2g} % of {size.max()} cases, of all features "
        f"{100 * kept.mean():.2g} %."
    )
    return dots[kept].reset_index(drop=True)


def _ordered_values(dots: pd.DataFrame) -> np.ndarray:
    """The values as numbers, NaN for words, levels and missing values."""
    columns = (dots[name].tolist() for name in ("feature_value", "feature", "feature_desc"))
    values = np.array(
        [
            value if type(value) is float else _as_number(value, feature, description)
            for value, feature, description in zip(*columns, strict=True)
        ]
    )
    return np.where(np.isfinite(values), values, np.nan)


def _as_number(value: Any, feature: Any, description: Any) -> float:
    """Convert a number, a logical or a date to a number, also if a plain frame has a text of it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, numbers.Real | Decimal):  # a logical is one, too
        return float(value)
    if isinstance(value, date):  # a datetime is one, too
        stamp = pd.Timestamp(value)
        return stamp.timestamp() if stamp is not pd.NaT else np.nan
    if not isinstance(value, str) or is_word_of_column(feature, value, description):
        return np.nan
    # A word describes itself; the description of a level has an equals sign, of a number an
    # inequality or nothing.
    is_bin = " < " in f" {description}" or " <= " in f" {description}"
    if not is_bin and (str(description) != str(feature) or value == str(feature)):
        return np.nan
    try:
        return float(value)
    except ValueError:
        return np.nan


def _facets(dots: pd.DataFrame) -> dict[str, pd.Categorical]:
    """Make the columns for the strip of a panel."""
    cases = in_order(dots["cases"])
    return (
        {"label": in_order(dots["label"]), "cases": cases} if "label" in dots else {"cases": cases}
    )


def _rows_of_dots(dots: pd.DataFrame, n: int, ncol: int, colours: Any) -> ggplot:
    """Draw a row of dots per feature."""
    more = bool((dots["place"] >= n).any())
    dots = _thinned(dots[dots["place"] < n].reset_index(drop=True))
    most = int(dots["place"].max()) + 1
    lines = -(-dots["panel"].nunique() // ncol)
    tallest = float(np.clip(((LARGEST - 1.5) / lines - 0.7) / most, *ROW))
    weights = dots["feature_weight"].to_numpy(dtype=float)
    inches = _in_inches(np.append(weights, 0.0))[:-1]
    groups = _groups(dots["panel"], dots["place"])
    lanes, diameter, height = _laid_out(inches, groups, tallest)
    row = row_numbers(dots["panel"], dots["place"])
    facets = _facets(dots)
    dots = dots.assign(y=row + lanes * diameter / height, row=row, **facets)
    rows = dots.drop_duplicates("row")
    return (
        SizedPlot(dots, aes("feature_weight", "y"))
        + facet_wrap(list(facets), labeller=label_both_upper, scales="free_y", ncol=ncol)
        + row_axis(rows, rows["feature"])
        + geom_hline(aes(yintercept="row"), data=rows, color=ROW_LINE, size=0.5)
        + geom_vline(aes(xintercept=0), data=rows, color=ZERO, size=0.5)
        + _points(dots, diameter)
        + colours
        + scale_x_continuous(labels=number_texts)
        + labs(x="Weight", y="Feature", caption="\n".join(_notes(dots, n if more else None)))
        + sized_panels(
            rows,
            list(facets),
            rows["feature"].unique(),
            ncol,
            PANEL_WIDTH,
            (height, height),
            legend_position="right",
            panel_grid_minor=element_blank(),
            plot_caption=element_text(size=8.5, ha="left"),
        )
    )


def _against_values(dots: pd.DataFrame, feature: Hashable, ncol: int, colours: Any) -> ggplot:
    """Draw the weights of one feature against its values, or against its levels."""
    dots = _thinned(dots)
    facets = _facets(dots)
    dots = dots.assign(**facets)
    values, weights = _ordered_values(dots), dots["feature_weight"].to_numpy(dtype=float)
    is_date = dots["feature_value"].map(lambda value: isinstance(value, date)).all()
    if is_date:
        axis: Any = scale_x_datetime()
        x, width, diameter = pd.to_datetime(dots["feature_value"]), WIDTH, DOT_SIZES[1]
    elif np.isfinite(values).any() and not _are_logicals(dots["feature_value"]):
        dots, values = dots[np.isfinite(values)], values[np.isfinite(values)]
        axis = scale_x_continuous(labels=number_texts)
        x, width, diameter = values, WIDTH, DOT_SIZES[1]
    else:
        texts = _level_texts(dots)
        levels = in_order(texts, sorted(texts.unique()))
        names = [label_text(name) for name in levels.categories]
        inches = _in_inches(np.append(weights, 0.0), WIDTH)[:-1]
        groups = _groups(dots["panel"], pd.Series(levels.codes.astype(int)))
        tallest = max(ROW[0], min(LEVEL_WIDTH, LEVELS_WIDTH / len(names)))
        lanes, diameter, column = _laid_out(inches, groups, tallest)
        column = max(column, text_width(names, 8.8) + 0.1)
        x, width = levels.codes + lanes * diameter / column, max(2.0, column * len(names))
        axis = scale_x_continuous(
            breaks=list(range(len(names))),
            labels=[plain_text(name) for name in names],
            limits=(-0.5, len(names) - 0.5),
            expand=(0, 0),
        )
    dots = dots.assign(value=x)
    panels = dots.drop_duplicates("panel")
    return (
        SizedPlot(dots, aes("value", "feature_weight"))
        + facet_wrap(list(facets), labeller=label_both_upper, ncol=ncol)
        + geom_hline(aes(yintercept=0), data=panels, color=ZERO, size=0.5)
        + _points(dots, diameter)
        + colours
        + axis
        + scale_y_continuous(labels=number_texts)
        + labs(x=plain_text(label_text(feature)), y="Weight")
        + sized_panels(panels, list(facets), ["0.0000"], ncol, width, (WIDTH, WIDTH))
        + theme(legend_position="none")
    )


def _level_texts(dots: pd.DataFrame) -> pd.Series:
    """Write levels; the values of a group, and none of its columns, as their description does."""
    columns = (dots[name] for name in ("feature", "feature_value", "feature_desc"))
    return pd.Series(
        [
            str(description).removeprefix(f"{feature} is ")
            if isinstance(value, Mapping) or is_none_of_group(feature, description)
            else str(value)
            for feature, value, description in zip(*columns, strict=True)
        ],
        index=dots.index,
        dtype=object,
    )


def _are_logicals(values: pd.Series) -> bool:
    return bool(values.map(lambda value: isinstance(value, bool | np.bool_)).all())


def _in_inches(weights: np.ndarray, length: float = PANEL_WIDTH) -> np.ndarray:
    """Measure weights along the axis, which is a little longer than their range."""
    return (weights - weights.min()) / (np.ptp(weights) or 1.0) * length * 0.9


def _groups(first: pd.Series, second: pd.Series) -> list[np.ndarray]:
    """The positions of the dots of each row: those that have both numbers in common."""
    numbers = (first * (second.max() + 1) + second).to_numpy()
    return [np.flatnonzero(numbers == number) for number in np.unique(numbers)]


def _laid_out(
    inches: np.ndarray, groups: Sequence[np.ndarray], tallest: float
) -> tuple[np.ndarray, float, float]:
    """
    Find the largest dots with which all rows of dots are low enough.

    In a row in which even the smallest dots have no room, lanes come closer: dots overlap.

    Returns the lanes of the dots, their diameter and the height of a row. Lanes are a
    diameter apart.
    """
    lanes = np.zeros(len(inches))
    diameter, height = DOT_SIZES[-1], tallest
    for size in DOT_SIZES:
        needed = max(_n_lanes(np.sort(inches[places]), size) + 1 for places in groups) * size
        if needed <= tallest:
            diameter, height = size, max(needed, ROW[0])
            break
    most = height / (2 * diameter) - 0.5
    for places in groups:
        lanes[places] = swarm(inches[places], diameter)
        lanes[places] *= min(1.0, most / max(np.abs(lanes[places]).max(), 1.0))
    return lanes, diameter, height


def _points(dots: pd.DataFrame, diameter: float) -> list[Any]:
    """Make the layers of the dots: first the grey ones, then those with a colour."""
    size = diameter * 72 / np.sqrt(np.pi)  # plotnine's unit
    has_rank = dots["rank"].notna()
    layers: list[Any] = []
    if not has_rank.all():
        layers.append(geom_point(data=dots[~has_rank], color=GREY, size=size, stroke=0))
    if has_rank.any():
        layers.append(geom_point(aes(color="rank"), data=dots[has_rank], size=size, stroke=0))
    return layers


def _notes(dots: pd.DataFrame, n: int | None) -> list[str]:
    """Write the lines below the panels."""
    notes = []
    if dots["rank"].isna().any():
        grouped = dots["feature_value"].map(lambda value: isinstance(value, Mapping)).any()
        group = "a group of columns, " if grouped else ""
        notes.append(f"Grey: a word, a level of a category, {group}or no value.")
    if n is not None:
        notes.append(most_important(n, dots["panel"].max() > 0))
    return notes
