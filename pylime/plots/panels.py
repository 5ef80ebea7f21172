"""The panels of a plot: one per case and label."""

import numbers
from collections.abc import Hashable, Iterable
from decimal import Decimal

import numpy as np
import pandas as pd

from pylime import checks
from pylime.frame import as_utf8, object_column
from pylime.numbers import format_numbers
from pylime.plots.theme import FIT, amount_text, fit_texts, in_order

__all__ = [
    "MOST_CASES",
    "designs",
    "facet_columns",
    "first_cases",
    "has_bare_name",
    "of_cases",
    "own_levels",
]

MOST_CASES = 60
"""A plot of more cases takes minutes to draw, and nobody reads it."""


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
    # Cases may be of any type, such as tuples or numbers beside texts.
    cases = pd.factorize(object_column([str(case) for case in explanation["case"]]))[0]
    n_cases = cases.max(initial=-1) + 1
    if n_cases <= most:
        return explanation
    checks.warn(
        f"The plot shows the first {most} of {n_cases} cases. Choose others, or more, with "
        "`cases`, or draw all of them in one panel with plot_explanations()."
    )
    return explanation[cases < most]


def designs(explanation: pd.DataFrame) -> np.ndarray:
    """
    Return the value that each feature has in the local model at the case itself.

    A feature whose description has a comparison is 0 or 1, and so are a word and a
    superpixel: at the case itself they are 1. A plain number is its own value.

    Parameters
    ----------
    explanation
        From `pylime.explain`.

    Returns
    -------
    numpy.ndarray
        (n,) array of float.

    Examples
    --------
    >>> designs(pd.DataFrame({
    ...     "feature": ["age", "size"],
    ...     "feature_value": [71, 1.8],
    ...     "feature_desc": ["60 < age", "size"],
    ... }))
    array([1. , 1.8])
    """
    return np.array(
        [
            float(value) if alone and _is_plain_number(value) else 1.0
            for value, alone in zip(
                explanation["feature_value"], has_bare_name(explanation), strict=True
            )
        ]
    )


def has_bare_name(explanation: pd.DataFrame) -> np.ndarray:
    """
    Find the features whose description is their name alone, as that of a plain number is.

    Parameters
    ----------
    explanation
        From `pylime.explain`.

    Returns
    -------
    numpy.ndarray
        (n,) array of bool.
    """
    descriptions = explanation["feature_desc"].map(str)
    if "feature" in explanation:
        return (descriptions == explanation["feature"].map(str)).to_numpy()
    return ~descriptions.str.contains("[<>=]").to_numpy(dtype=bool)


def _is_plain_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        return False
    return bool(np.isfinite(float(value)))


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
        The text of each level.
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
        shown[level] = str(text)
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
        Case, label and probability, or case and prediction; then the fit.
    """
    facets = {"case": in_order(rows["case"])}
    if model_type == "classification":
        most_likely_first = rows.sort_values("label_prob", ascending=False, kind="stable")["label"]
        facets["label"] = in_order(rows["label"], most_likely_first)
        facets["probability"] = in_order(format_numbers(rows["label_prob"].to_numpy(), 2))
    else:
        facets["prediction"] = in_order(_prediction_texts(rows))
    facets[FIT] = in_order(fit_texts(rows["model_r2"]))
    return facets


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
