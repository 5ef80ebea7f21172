"""The panels of a plot: one per case and label."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from plotnine import aes, geom_blank, scale_y_continuous, theme

from pylime import checks
from pylime.frame import as_utf8, design_values, object_column
from pylime.numbers import format_numbers
from pylime.plots.intervals import has_intervals, interval_ends
from pylime.plots.theme import (
    FIT,
    amount_text,
    fit_texts,
    in_order,
    label_text,
    plain_text,
    sized_theme,
    text_width,
)
from pylime.summary import long_comparison

__all__ = [
    "DIRECTIONS",
    "MOST_CASES",
    "contributions",
    "facet_columns",
    "feature_codes",
    "first_cases",
    "is_comparison",
    "most_important",
    "of_cases",
    "own_levels",
    "panel_codes",
    "read_comparison",
    "row_axis",
    "row_numbers",
    "sized_panels",
]

DIRECTIONS = {
    "classification": ("Supports", "Contradicts"),
    "regression": ("Positive", "Negative"),
}
"""What the legends of plots call positive and negative weights."""

MOST_CASES = 60
"""A plot of more cases takes minutes to draw, and nobody reads it."""

# Inches. Bars are as thin as they can be before a figure is larger than this.
LARGEST = 24.5
PANEL_WIDTH = 2.6
STRIP_LINE = 0.17
BELOW_PANELS = 1.1


def of_cases(explanation: pd.DataFrame, cases: Hashable | Iterable[Hashable]) -> pd.DataFrame:
    """
    Select the rows of some cases, by value or by name: 55 finds "55".

    Parameters
    ----------
    explanation
        From `pylime.explain`.
    cases
        One case or several; None for all.

    Returns
    -------
    pandas.DataFrame
        Rows in the order of the explanation.

    Raises
    ------
    ValueError
        If a case is unknown, or none is given.

    Examples
    --------
    >>> of_cases(pd.DataFrame({"case": ["1", "1", "55"]}), 55).index.tolist()
    [2]
    """
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


def is_comparison(explanation: Any) -> bool:
    """
    Whether something is a frame of `pylime.compare_explanations`, which has weights per side.

    Parameters
    ----------
    explanation
        Anything.
    """
    names = [str(name) for name in getattr(explanation, "columns", ())]
    return "feature_weight" not in names and any(n.startswith("feature_weight.") for n in names)


def read_comparison(explanation: Any) -> Any:
    """
    Turn a comparison into rows of an explanation, which also have the column `side`.

    Parameters
    ----------
    explanation
        From `pylime.compare_explanations` or from `pylime.explain`.

    Returns
    -------
    Any
        Rows of all sides, or what was passed if it is not a comparison.
    """
    return long_comparison(explanation) if is_comparison(explanation) else explanation


def first_cases(explanation: pd.DataFrame, most: int = MOST_CASES) -> pd.DataFrame:
    """
    Keep the first cases, as many as a plot has room for, and warn of the rest.

    Parameters
    ----------
    explanation
        From `pylime.explain`.
    most
        The number of cases, each of which has a panel, or one per label.

    Returns
    -------
    pandas.DataFrame
        All rows, or those of the first cases.

    Warns
    -----
    UserWarning
        If cases are left out, with their number.

    Examples
    --------
    >>> few = first_cases(pd.DataFrame({"case": [1, 2, 2, 3]}), most=3)
    >>> few["case"].tolist()
    [1, 2, 2, 3]
    """
    cases = _codes(explanation["case"])
    n_cases = cases.max(initial=-1) + 1
    if n_cases <= most:
        return explanation
    checks.warn(
        f"Only the first {most} of {n_cases} cases are shown. Choose others, or more, with "
        "`cases`, or draw all of them in one panel with plot_explanations()."
    )
    return explanation[cases < most]


def panel_codes(explanation: pd.DataFrame) -> np.ndarray:
    """
    Number the panels, one per case and label.

    Parameters
    ----------
    explanation
        From `pylime.explain`.

    Returns
    -------
    numpy.ndarray
        (n,) array of int from 0, in order of appearance.

    Examples
    --------
    >>> panel_codes(pd.DataFrame({"case": [5, 5, 1], "label": ["a", "b", "a"]})).tolist()
    [0, 1, 2]
    """
    cases = _codes(explanation["case"])
    if "label" not in explanation:
        return cases
    labels = _codes(explanation["label"])
    return pd.factorize(cases * (labels.max(initial=0) + 1) + labels)[0]


def feature_codes(explanation: pd.DataFrame) -> np.ndarray | None:
    """
    Number the features.

    Parameters
    ----------
    explanation
        From `pylime.explain`.

    Returns
    -------
    numpy.ndarray or None
        (n,) array of int from 0, in order of appearance; None if they are unknown.
    """
    return _codes(explanation["feature"]) if "feature" in explanation else None


def _codes(values: pd.Series) -> np.ndarray:
    """Number values of any type, such as tuples, or numbers beside texts."""
    if values.dtype != object and not isinstance(values.dtype, pd.CategoricalDtype):
        return pd.factorize(values, use_na_sentinel=False)[0]  # equal ones print alike
    return pd.factorize(object_column([str(value) for value in values]))[0]


def contributions(bars: pd.DataFrame) -> pd.DataFrame:
    """
    Multiply the weights of plain numbers, and their intervals, by their values.

    For all other features the weight is the contribution.

    Parameters
    ----------
    bars
        A row per panel and feature.

    Returns
    -------
    pandas.DataFrame
        The rows, with contributions as `feature_weight`.
    """
    values = design_values(bars)
    scaled = {"feature_weight": bars["feature_weight"].to_numpy(dtype=float) * values}
    if has_intervals(bars):
        lo, hi = (end * values for end in interval_ends(bars))
        # A negative value turns the interval round.
        scaled |= {"feature_lo": np.minimum(lo, hi), "feature_hi": np.maximum(lo, hi)}
    return bars.assign(**scaled)


def row_numbers(panel: pd.Series, place: pd.Series) -> pd.Series:
    """
    Number the rows of all panels at once, for an axis on which marks lie between rows, too.

    Parameters
    ----------
    panel, place
        (n,) numbers from 0: the panel, and the place in the panel from the top down.

    Returns
    -------
    pandas.Series
        (n,) negative numbers; the last row of a panel is far from the first of the next.
    """
    return -(panel * (place.max() + 10) + place)


def row_axis(rows: pd.DataFrame, texts: Iterable[object]) -> list[Any]:
    """
    Make the axis of numbered rows.

    Parameters
    ----------
    rows
        A row each, with its number as `row` and the columns for the strips.
    texts
        (n,) what the axis shows, long ones shortened.

    Returns
    -------
    list
        Layers and scales of plotnine.
    """
    shown = {
        int(row): plain_text(label_text(text)) for row, text in zip(rows["row"], texts, strict=True)
    }
    ends = pd.concat([rows.assign(row=rows["row"] + side) for side in (-0.5, 0.5)])
    return [
        geom_blank(aes(y="row"), data=ends, inherit_aes=False),
        scale_y_continuous(
            breaks=lambda limits: [row for row in shown if min(limits) <= row <= max(limits)],
            labels=lambda breaks: [shown[round(float(row))] for row in breaks],
            expand=(0, 0),
        ),
    ]


def own_levels(
    rows: pd.DataFrame, texts: Iterable[object], order: np.ndarray
) -> tuple[pd.Categorical, dict[str, str]]:
    """
    Make every row a level of its own on an axis, over all panels at once.

    A description can have different places in different panels.

    Parameters
    ----------
    rows
        A row per panel and feature, with `case`, and `label` if there are labels.
    texts
        What the axis shows.
    order
        (n,) positions of the rows along the axis, from the bottom to the top.

    Returns
    -------
    column : pandas.Categorical
        (n,) levels.
    texts : dict
        The text of each level, shortened if it is long.
    """
    labels = rows["label"] if "label" in rows else [""] * len(rows)
    owners = [as_utf8(f"{case}_{label}") for case, label in zip(rows["case"], labels, strict=True)]
    width = max(map(len, owners)) + 1
    shown: dict[str, str] = {}
    levels = []
    for owner, text in zip(owners, texts, strict=True):
        level = f"{owner:<{width}}{as_utf8(str(text))}"
        while level in shown:  # one word at two places, or two equal bounding boxes
            level += "'"
        shown[level] = label_text(text)
        levels.append(level)
    return pd.Categorical(levels, [levels[place] for place in order], ordered=True), shown


def facet_columns(rows: pd.DataFrame, model_type: str) -> dict[str, pd.Categorical]:
    """
    Make the columns for the strip of a panel, in their order.

    Parameters
    ----------
    rows
        A row per panel and feature.
    model_type
        `"classification"` or `"regression"`.

    Returns
    -------
    dict of pandas.Categorical
        Case, label, side if there are several, and probability, or case, side and prediction;
        then the fit.
    """
    facets = {"case": in_order(rows["case"])}
    side = {"side": in_order(rows["side"], rows["side"].cat.categories)} if "side" in rows else {}
    if model_type == "classification":
        most_likely_first = rows.sort_values("label_prob", ascending=False, kind="stable")["label"]
        facets["label"] = in_order(rows["label"], most_likely_first)
        facets |= side
        facets["probability"] = in_order(_probability_texts(rows["label_prob"]))
    else:
        facets |= side
        facets["prediction"] = in_order(_prediction_texts(rows))
    if rows["model_r2"].notna().any():  # shap values have none
        facets[FIT] = in_order(fit_texts(rows["model_r2"]))
    for name in {"probability", "prediction", FIT} & facets.keys():
        # Of a label that a side of a comparison has not explained.
        facets[name] = facets[name].rename_categories({"NaN": "unknown"})
    return facets


def _probability_texts(probabilities: pd.Series) -> list[str]:
    """Write probabilities like R, but not all with an exponent because one of them needs it."""
    texts = format_numbers(probabilities, 2)
    if any("e" in text for text in texts):
        return [format_numbers([probability], 2)[0] for probability in probabilities]
    return texts


def _prediction_texts(rows: pd.DataFrame) -> list[str]:
    """Write predictions for readers, but so that cases of one name keep their panels."""
    numbers_of_case = pd.DataFrame(
        {
            "case": object_column([str(case) for case in rows["case"]]),
            "prediction": rows["prediction"].to_numpy(dtype=float, na_value=np.nan),
        }
    )
    numbers_of_case["text"] = [amount_text(number) for number in numbers_of_case["prediction"]]
    distinct = numbers_of_case.groupby("case", sort=False).transform("nunique")
    merged = distinct["text"] < distinct["prediction"]
    return [
        format_numbers([number], 15)[0] if several else text
        for number, text, several in zip(
            numbers_of_case["prediction"], numbers_of_case["text"], merged, strict=True
        )
    ]


def most_important(n: int, several_labels: bool) -> str:
    """
    Write the line below a plot that shows some of the features.

    Parameters
    ----------
    n
        How many it shows.
    several_labels
        Whether it has several panels.

    Returns
    -------
    str

    Examples
    --------
    >>> most_important(20, several_labels=True)
    'Shown: the 20 most important features of each label.'
    """
    what = f"the {n} most important features" if n > 1 else "the most important feature"
    return f"Shown: {what}{' of each label' if several_labels else ''}."


def sized_panels(
    rows: pd.DataFrame,
    facets: Sequence[str],
    texts: Iterable[object],
    ncol: int,
    panel_width: float = PANEL_WIDTH,
    bar: tuple[float, float] = (0.15, 0.27),
    **settings: Any,
) -> theme:
    """
    Make the theme of a figure that is large enough that neither bars nor texts overlap.

    Parameters
    ----------
    rows
        A row per panel and bar, with the columns for the strips.
    facets
        The names of these columns.
    texts
        What stands on the vertical axes, before it is shortened.
    ncol
        Number of panels side by side.
    panel_width
        The least width of a panel, in inches.
    bar
        The least and the largest height of a bar with the space around it, in inches.
    **settings
        Further elements, as for `plotnine.theme`.

    Returns
    -------
    plotnine.theme
    """
    panels = rows.groupby(list(facets), observed=True, sort=False).size()
    columns = min(ncol, len(panels))
    lines = -(-len(panels) // columns)
    strips = [f"{name}: {value}" for name in facets for value in rows[name].unique()]
    axis = text_width(map(label_text, texts), 8.8) + 0.15
    panel = max(panel_width, text_width(strips, 9) + 0.1)
    around = STRIP_LINE * len(facets) + 0.25
    most = int(panels.max())
    room = ((LARGEST - BELOW_PANELS) / lines - around) / most
    height = lines * (max(float(np.clip(room, *bar)) * most, 0.4) + around) + BELOW_PANELS
    width = columns * (axis + panel + 0.15) + 0.4
    return sized_theme(width, height, **settings)
