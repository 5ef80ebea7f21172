"""The plot of texts: coloured words in their text, as HTML that needs no other file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pylime.frame import check_explanation
from pylime.markup import escape
from pylime.numbers import format_numbers
from pylime.plots.intervals import (
    POSSIBLY_NO_EFFECT,
    includes_zero,
    interval_ends,
    striped_key,
)
from pylime.plots.palette import colours_of
from pylime.plots.stylesheet import STRIPES, STYLESHEET, palette_class, palette_rules
from pylime.plots.theme import FIT, fit_texts
from pylime.text.places import apart, locate_features
from pylime.text.tokens import Span

__all__ = ["TextExplanations", "color_code", "css_size", "plot_text_explanations"]

STRENGTHS = 5
NEEDED = ("case", "model_r2", "feature_value", "feature_weight", "data")
# The effect of a weight, by type of model and sign.
EFFECTS = {
    "classification": {"positive": "supports", "negative": "contradicts"},
    "regression": {"positive": "raises", "negative": "lowers"},
}
_SIZE = re.compile(r"auto|\d+(\.\d+)?(px|%|em|rem|ch|vw|vh)", flags=re.ASCII)


@dataclass(frozen=True)
class TextExplanations:
    """
    Highlighted texts, from `plot_text_explanations`.

    Notebooks show them; `str()` returns the HTML for a page of your own.

    Attributes
    ----------
    html
        One element with its style sheet; it loads nothing else.
    n_texts
        Number of texts, each of which is shown once per label.
    """

    html: str = field(repr=False)
    n_texts: int

    def __str__(self) -> str:
        return self.html

    def _repr_html_(self) -> str:
        return self.html

    def save(self, path: str | Path) -> None:
        """
        Write the texts as an HTML page.

        Parameters
        ----------
        path
            The file to write.
        """
        page = (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f"<title>Text explanations</title>\n</head>\n<body>\n{self.html}\n</body>\n</html>\n"
        )
        Path(path).write_text(page, encoding="utf-8", newline="")


def plot_text_explanations(
    explanation: pd.DataFrame,
    *,
    width: str | float = "100%",
    height: str | float = "auto",
    palette: Sequence[str] | None = None,
) -> TextExplanations:
    """
    Highlight the words of texts by their effect on the prediction.

    A word that supports the label (or raises a regressor's number) is blue with a solid
    line below it, one that contradicts (or lowers) is red with a dashed line. There are five
    strengths, by the word's share of the sum of all absolute weights. A word with weight 0
    has no colour.

    If the explanation has intervals (`explain(..., intervals=True)`), a word is paler and
    striped where the interval of its weight includes 0: it possibly has no effect. Tooltips
    name the intervals.

    Parameters
    ----------
    explanation
        From `pylime.explain`, of texts.
    width, height
        Size of the plot: pixels, or a CSS length such as `"40em"`. A plot with longer
        texts scrolls.
    palette
        Colours of words of positive and of negative weights, by default blue and red. Each
        becomes five strengths, for light and for dark pages, on which words can be read.

    Returns
    -------
    TextExplanations
        An object that notebooks show, with `save(path)`; `str()` returns its HTML.
        Every label of a text has a block of its own, with the fit of the explanation (R²),
        called low below 0.1, and the label's probability.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation of texts, a size is not valid, or `palette`
        is not two colours.

    Examples
    --------
    >>> import pandas as pd
    >>> explanation = pd.DataFrame({
    ...     "model_type": "classification",
    ...     "case": 0,
    ...     "label": "pos",
    ...     "label_prob": 0.93,
    ...     "model_r2": 0.69,
    ...     "feature_value": ["good", "slow"],
    ...     "feature_weight": [0.43, -0.08],
    ...     "data": "A good film & not too slow.",
    ... })
    >>> plot = plot_text_explanations(explanation)
    >>> plot
    TextExplanations(n_texts=1)
    >>> print(str(plot).split("words")[-1].split("<mark")[0])
    " dir="auto">A
    >>> plot.save("explanation.html")  # doctest: +SKIP
    """
    explanation, model_type = check_explanation(
        explanation, classification=(*NEEDED, "label", "label_prob"), regression=NEEDED
    )
    size = f"width: {css_size('width', width)}; height: {css_size('height', height)}"
    classes, rules = "pylime-text", ""
    if palette is not None:
        positive, negative = _two_colours(palette)
        classes += f" {palette_class((positive, negative))}"
        rules = palette_rules((positive, negative))
    # Two texts can have one name: after two calls, or in a Series with a repeated index.
    cases = [
        (case, of_text)
        for case, rows in _rows_by(explanation, "case")
        for _, of_text in _rows_by(rows, "data")
    ]
    blocks = []
    striped = False
    for case, rows in cases:
        name = case if len(cases) > 1 else None
        labels = _rows_by(rows, "label") if model_type == "classification" else [(None, rows)]
        for _, of_label in labels:
            text = _text_of(of_label)
            highlights = _highlights(of_label, text, model_type)
            striped = striped or any(mark.striped for mark in highlights)
            blocks.append(
                f'<div class="text">\n<p class="words" dir="auto">{_marked(text, highlights)}</p>\n'
                f"{_facts(of_label, model_type, name)}\n</div>"
            )
    style = STYLESHEET + (STRIPES if striped else "") + rules
    return TextExplanations(
        f'<div class="{classes}" style="{size}">\n<style>\n{style}</style>\n'
        + "\n".join([*blocks, _key(model_type, striped)])
        + "\n</div>",
        n_texts=len(cases),
    )


def _two_colours(palette: Sequence[str]) -> tuple[str, str]:
    positive, negative = colours_of(palette, aesthetic=None) or ("", "")
    return positive, negative


def color_code(share: float, positive: bool) -> str:
    """
    Name the colour of a word.

    Parameters
    ----------
    share
        Its absolute weight over the sum of all absolute weights.
    positive
        Whether the weight is above 0.

    Returns
    -------
    str
        The sign and one of five strengths, in steps of 0.2 (R: `get_color_code`).

    Examples
    --------
    >>> color_code(0.25, positive=False)
    'negative_2'
    """
    strength = min(1 + int(share // 0.2), STRENGTHS)
    return f"{'positive' if positive else 'negative'}_{strength}"


def css_size(name: str, size: object) -> str:
    """
    Turn a size into a CSS length.

    Parameters
    ----------
    name
        Name of the argument in an error.
    size
        Pixels, or a CSS length.

    Returns
    -------
    str
        A CSS length.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if isinstance(size, int | float) and not isinstance(size, bool) and 0 < size < 1e6:
        return f"{size:g}px"
    if isinstance(size, str) and _SIZE.fullmatch(size):
        return size
    raise ValueError(
        f"`{name}` must be a number of pixels or a CSS length such as '40em' or '100%'; "
        f"not {size!r}."
    )


def _rows_by(rows: pd.DataFrame, column: str) -> Iterator[tuple[object, pd.DataFrame]]:
    """Group rows by the value of a column, in order of appearance."""
    codes, values = pd.factorize(rows[column], use_na_sentinel=False)
    for code, value in enumerate(values):
        yield value, rows[codes == code]


@dataclass(frozen=True)
class _Highlight:
    """A word that is coloured: its place, the name of its colour, its tooltip and its look."""

    place: Span
    code: str
    note: str
    striped: bool

    @property
    def classes(self) -> str:
        return f"{self.code} striped" if self.striped else self.code


def _text_of(rows: pd.DataFrame) -> str:
    """Return the text of a case."""
    text = rows["data"].iloc[0]
    if not isinstance(text, str):
        raise ValueError(
            "`explanation` must be one of texts; its column 'data' has an object of class "
            f"{type(text).__name__!r}."
        )
    return text


def _highlights(rows: pd.DataFrame, text: str, model_type: str) -> list[_Highlight]:
    """List the coloured words of a text, from its beginning to its end."""
    values = [value if isinstance(value, str) else str(value) for value in rows["feature_value"]]
    places = locate_features(values, text)
    weights = np.nan_to_num(rows["feature_weight"].to_numpy(dtype=float))
    total = np.abs(weights).sum()
    striped = includes_zero(rows).tolist()
    notes = _interval_notes(rows)
    found = []
    for value, weight, possibly_none, note_of_interval in zip(
        values, weights, striped, notes, strict=True
    ):
        if weight == 0:
            continue
        code = color_code(abs(weight) / total, weight > 0)
        sign, strength = code.split("_")
        (number,) = format_numbers([weight], 3)
        note = (
            f"{value}: {EFFECTS[model_type][sign]}, weight {number}, "
            f"strength {strength} of {STRENGTHS}{note_of_interval}"
        )
        found += [_Highlight(place, code, note, possibly_none) for place in places[value]]
    return apart(found, lambda mark: mark.place)


def _interval_notes(rows: pd.DataFrame) -> list[str]:
    """Write the part of each tooltip that names the interval, where there is one."""
    return [
        "; interval from {} to {}".format(*format_numbers(ends, 3))
        + (f": {POSSIBLY_NO_EFFECT}" if ends[0] <= 0 <= ends[1] else "")
        if not np.isnan(ends).any()
        else ""
        for ends in zip(*interval_ends(rows), strict=True)
    ]


def _marked(text: str, highlights: Sequence[_Highlight]) -> str:
    """Put marks around words; the visible text stays the same."""
    parts = []
    end = 0
    for mark in highlights:
        start, stop = mark.place
        parts += [
            escape(text[end:start]),
            f'<mark class="{mark.classes}" title="{escape(mark.note)}">',
            escape(text[start:stop]),
            "</mark>",
        ]
        end = stop
    return "".join([*parts, escape(text[end:])])


def _facts(rows: pd.DataFrame, model_type: str, case: object) -> str:
    """Write the line below a text: its case, label and probability, and the fit."""
    first = rows.iloc[0]
    facts = [] if case is None else [f"Case: <bdi>{escape(case)}</bdi>"]
    if model_type == "classification":
        title = "Label predicted" if _is_most_likely(first) else "Label"
        share = f"{round(float(first['label_prob']) * 100, 2):g}%"
        facts.append(f"{title}: <bdi>{escape(first['label'])}</bdi> ({share})")
    elif "prediction" in rows:
        (number,) = format_numbers([float(first["prediction"])], 7)
        facts.append(f"Prediction: {number}")
    if not np.isnan(first["model_r2"]):  # shap values have none
        (fit,) = fit_texts([float(first["model_r2"])])
        facts.append(f"{FIT}: {fit}")
    items = " ".join(f"<span>{fact}</span>" for fact in facts)
    return f'<p class="facts">{items}</p>'


def _is_most_likely(row: pd.Series) -> bool:
    """Whether no other label has, or can have, a higher probability."""
    prediction = row.get("prediction")
    if not isinstance(prediction, dict) or row["label"] not in prediction:
        return row["label_prob"] > 0.5
    return prediction[row["label"]] >= max(prediction.values())


def _key(model_type: str, striped: bool) -> str:
    """Write the key of the colours, and of the stripes if there are any."""
    entries = []
    for sign, effect in EFFECTS[model_type].items():
        steps = "".join(
            f'<span class="{sign}_{strength}">&nbsp;</span>' for strength in range(1, STRENGTHS + 1)
        )
        entries.append(f'<span>{effect} <span aria-hidden="true">{steps}</span></span>')
    if striped:
        steps = "".join(
            f'<span class="{sign}_3 striped">&nbsp;</span>' for sign in EFFECTS[model_type]
        )
        entries.append(
            f'<span>{escape(striped_key())} <span aria-hidden="true">{steps}</span></span>'
        )
    return f'<p class="key">{" ".join(entries)}</p>'
