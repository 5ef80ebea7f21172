"""The plot of texts: coloured words in their text, as HTML that needs no other file."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pylime.frame import as_row, check_explanation, object_column, text_column_of
from pylime.markup import escape
from pylime.numbers import format_numbers
from pylime.plots.intervals import (
    POSSIBLY_NO_EFFECT,
    includes_zero,
    interval_ends,
    striped_key,
)
from pylime.plots.mail import inlined
from pylime.plots.palette import colours_of
from pylime.plots.stylesheet import (
    COLUMNS,
    STRIPES,
    STYLESHEET,
    palette_class,
    palette_rules,
)
from pylime.plots.theme import FIT, amount_text, fit_texts
from pylime.text.places import apart, locate_features

__all__ = ["TextExplanations", "color_code", "css_size", "plot_text_explanations"]

STRENGTHS = 5
NEEDED = ("case", "model_r2", "feature_value", "feature_weight", "data")
# The effect of a weight, by type of model and sign.
EFFECTS = {
    "classification": {"positive": "supports", "negative": "contradicts"},
    "regression": {"positive": "raises", "negative": "lowers"},
}
# A column whose texts have no more characters gets less room than others.
BRIEF = 100
_SIZE = re.compile(r"auto|\d+(\.\d+)?(px|%|em|rem|ch|vw|vh)", flags=re.ASCII)


@dataclass(frozen=True)
class TextExplanations:
    """
    Highlighted texts, from `plot_text_explanations`.

    Notebooks show them; `str()` returns the HTML for a page of your own, and `str()` of `inline()`
    that for an e-mail.

    Attributes
    ----------
    html
        One element with its style sheet; it loads nothing else.
    n_texts
        Number of texts, or of rows with texts, each of which is shown once per label.
    palette
        Colours of words of positive and of negative weights; None for the default ones.

    Examples
    --------
    >>> from pylime import load_text_example, plot_text_explanations
    >>> texts = plot_text_explanations(load_text_example())
    >>> texts.n_texts, str(texts) == texts.html
    (4, True)
    """

    html: str = field(repr=False)
    n_texts: int
    palette: tuple[str, str] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.html

    def _repr_html_(self) -> str:
        return self.html

    def inline(self) -> "TextExplanations":
        """
        Return the texts for an e-mail, in which each element carries its own style.

        Mail programs drop style sheets, and some drop colours, too. So each word that supports
        the label (or raises a regressor's number) has a + behind it, and each one that contradicts
        (or lowers) a minus sign; in parentheses if it possibly has no effect. The
        colours are those of light pages, and the element is as high as its texts.

        Returns
        -------
        TextExplanations
            The same texts without a style sheet. `str()` returns the HTML for the message.

        Examples
        --------
        >>> from email.message import EmailMessage
        >>> from pylime import load_text_example
        >>> plot = plot_text_explanations(load_text_example())
        >>> "<style>" in str(plot), "<style>" in str(plot.inline())
        (True, False)
        >>> message = EmailMessage()
        >>> message.set_content("The words of this message have colours, which need HTML.")
        >>> message.add_alternative(str(plot.inline()), subtype="html")
        """
        return replace(self, html=inlined(self.html, self.palette))

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

    Of a table, each row shows its text columns side by side, or below each other where the page
    is narrow, under their names. The other features, numbers, levels and groups, are listed
    below with their weights, the strongest first, and so is a word that its text does not
    contain as the tokenizer returned it. The strengths of words and of other features can be
    compared: the share is that of the sum over all of these.

    Parameters
    ----------
    explanation
        From `pylime.explain`, of texts, or of a table with text columns.
    width, height
        Size of the plot: pixels, or a CSS length such as `"40em"`. A plot with longer
        texts scrolls.
    palette
        Colours of words of positive and of negative weights, by default blue and red. Each
        becomes five strengths, for light and for dark pages, on which words can be read.

    Returns
    -------
    TextExplanations
        An object that notebooks show, with `save(path)`; `str()` returns its HTML, and
        `str(plot.inline())` HTML for an e-mail.
        Every label of a text or row has a block of its own, with the fit of the explanation (R²),
        called low below 0.1, and the label's probability.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation of texts, or of a table with words of text
        columns; if a size is not valid; or if `palette` is not two colours.

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
    colours = None if palette is None else _two_colours(palette)
    if colours is not None:
        classes += f" {palette_class(colours)}"
        rules = palette_rules(colours)
    cases = list(_cases_in(explanation))
    longest = _text_columns([rows for _, rows in cases])
    blocks = []
    striped = False
    for case, rows in cases:
        name = case if len(cases) > 1 else None
        passages = _passages_of(rows, longest)
        of_table = passages[0].column is not None
        labels = _rows_by(rows, "label") if model_type == "classification" else [(None, rows)]
        for _, of_label in labels:
            marks = _marks(of_label, model_type, of_table)
            shown = _block(passages, marks)
            striped = striped or 'striped" ' in shown  # texts have no quotes: they are escaped
            blocks.append(
                f'<div class="text">\n{shown}\n{_facts(of_label, model_type, name)}\n</div>'
            )
    style = STYLESHEET + (COLUMNS if longest else "") + (STRIPES if striped else "") + rules
    return TextExplanations(
        f'<div class="{classes}" style="{size}">\n<style>\n{style}</style>\n'
        + "\n".join([*blocks, _key(model_type, striped)])
        + "\n</div>",
        n_texts=len(cases),
        palette=colours,
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


def _cases_in(explanation: pd.DataFrame) -> Iterator[tuple[object, pd.DataFrame]]:
    """
    Take an explanation apart by case, in order of appearance.

    Two texts can have one name: after two calls, or in a Series with a repeated index.
    """
    cells = explanation["data"].tolist()  # this list keeps the cells alive, so that ids differ
    texts = {id(cell): cell if isinstance(cell, str) else repr(cell) for cell in cells}
    keys = object_column([texts[id(cell)] for cell in cells])
    numbered = explanation.assign(_text=pd.factorize(keys)[0])
    for case, rows in _rows_by(numbered, "case"):
        for _, of_text in _rows_by(rows, "_text"):
            yield case, of_text.drop(columns="_text")


def _words_of(rows: pd.DataFrame) -> list[Hashable | None]:
    """Find the text column of each feature of a row of a table; None of all else."""
    row = as_row(rows["data"].iloc[0])
    features = rows.get("feature", rows.get("feature_desc"))
    if row is None or features is None:
        return [None] * len(rows)
    return [
        text_column_of(feature, value, description, row)
        for feature, value, description in zip(
            features, rows["feature_value"], rows.get("feature_desc", features), strict=True
        )
    ]


def _text_columns(cases: Sequence[pd.DataFrame]) -> dict[Hashable, int]:
    """
    Find the columns of which any case has words; other cases show their texts, too.

    Returns the length of the longest text of each.
    """
    longest = dict.fromkeys(
        (name for rows in cases for name in _words_of(rows) if name is not None), 0
    )
    for row in (as_row(rows["data"].iloc[0]) for rows in cases if longest):
        for name in longest:
            text = row.get(name) if row is not None else None
            longest[name] = max(longest[name], len(text) if isinstance(text, str) else 0)
    return longest


@dataclass(frozen=True)
class _Passage:
    """
    A text of a case: its only one, or that of a column, which can be missing.

    Texts of a column that are brief in all cases get less room.
    """

    column: Hashable | None
    text: str | None
    is_brief: bool = False


def _passages_of(rows: pd.DataFrame, longest: Mapping[Hashable, int]) -> list[_Passage]:
    """Return the texts of a case, from the length of the longest text of each text column."""
    data = rows["data"].iloc[0]
    row = as_row(data) if longest else None
    if row is not None and longest.keys() & {*row}:
        return [
            _Passage(name, text if isinstance(text, str) else None, longest[name] <= BRIEF)
            for name, text in row.items()
            if name in longest
        ]
    if isinstance(data, str):
        return [_Passage(None, data)]
    cure = ""
    if isinstance(data, Mapping):
        cure = (
            " Of a table, it must have words of text columns, from lime(..., text_columns=[...]); "
            "plot_features() draws any table."
        )
    raise ValueError(
        "`explanation` must be one of texts; its column 'data' has an object of class "
        f"{type(data).__name__!r}.{cure}"
    )


@dataclass(frozen=True)
class _Mark:
    """
    How a feature of a case and label is shown.

    Attributes
    ----------
    column
        The column of a word of a table; None of all else.
    name
        The word, or the description of a column or group.
    weight, code
        Its weight and the name of its colour, which is empty for none.
    note, striped
        Its tooltip, and whether it possibly has no effect.
    """

    column: Hashable | None
    name: str
    weight: float
    code: str
    note: str
    striped: bool

    def around(self, text: str, further: str = "") -> str:
        """Write the mark with a text inside."""
        classes = f"{self.code} striped" if self.striped else self.code
        return f'<mark class="{classes}" title="{escape(self.note)}"{further}>{escape(text)}</mark>'


def _marks(rows: pd.DataFrame, model_type: str, of_table: bool) -> list[_Mark]:
    """Choose the colours and write the tooltips of the features of a case and label."""
    names = [value if isinstance(value, str) else str(value) for value in rows["feature_value"]]
    columns: list[Hashable | None] = [None] * len(rows)
    if of_table:
        columns = _words_of(rows)
        described = rows["feature_desc" if "feature_desc" in rows else "feature"]
        names = [
            str(description) if column is None else name
            for name, column, description in zip(names, columns, described, strict=True)
        ]
    weights = np.nan_to_num(rows["feature_weight"].to_numpy(dtype=float))
    total = np.abs(weights).sum()
    marks = []
    for column, name, weight, striped, of_interval in zip(
        columns,
        names,
        weights.tolist(),
        includes_zero(rows).tolist(),
        _interval_notes(rows),
        strict=True,
    ):
        if weight == 0:
            marks.append(_Mark(column, name, weight, "", "", striped=False))
            continue
        code = color_code(abs(weight) / total, weight > 0)
        sign, strength = code.split("_")
        (number,) = format_numbers([weight], 3)
        note = (
            f"{name}: {EFFECTS[model_type][sign]}, weight {number}, "
            f"strength {strength} of {STRENGTHS}{of_interval}"
        )
        marks.append(_Mark(column, name, weight, code, note, striped))
    return marks


def _interval_notes(rows: pd.DataFrame) -> list[str]:
    """Write the part of each tooltip that names the interval, where there is one."""
    return [
        "; interval from {} to {}".format(*format_numbers(ends, 3))
        + (f": {POSSIBLY_NO_EFFECT}" if ends[0] <= 0 <= ends[1] else "")
        if not np.isnan(ends).any()
        else ""
        for ends in zip(*interval_ends(rows), strict=True)
    ]


def _marked(text: str, marks: Sequence[_Mark]) -> tuple[str, set[_Mark]]:
    """
    Put marks around words; the visible text stays the same.

    Returns the text, and the marks whose words are somewhere in it.
    """
    places = locate_features([mark.name for mark in marks], text)
    found = [(place, mark) for mark in marks for place in places[mark.name]]
    parts = []
    end = 0
    for (start, stop), mark in apart(
        [(place, mark) for place, mark in found if mark.code], lambda at: at[0]
    ):
        parts += [escape(text[end:start]), mark.around(text[start:stop])]
        end = stop
    return "".join([*parts, escape(text[end:])]), {mark for _, mark in found}


def _block(passages: Sequence[_Passage], marks: Sequence[_Mark]) -> str:
    """Write the texts of a case and label, and below them the features that are not in these."""
    of_text = [passage for passage in passages if passage.column is None]
    if of_text:
        marked, _ = _marked(of_text[0].text or "", marks)
        return f'<p class="words" dir="auto">{marked}</p>'
    columns = []
    others = set(marks)
    for passage in passages:
        size = "column brief" if passage.is_brief else "column"
        if passage.text:
            own = [mark for mark in marks if mark.column == passage.column]
            marked, found = _marked(passage.text, own)
            others -= found
            words = f'<p class="words" dir="auto">{marked}</p>'
        else:
            words = f'<p class="none">{"missing" if passage.text is None else "empty"}</p>'
        name = f'<p class="name" dir="auto">{escape(passage.column)}</p>'
        columns.append(f'<div class="{size}">{name}{words}</div>')
    texts = '<div class="columns">\n{}\n</div>'.format("\n".join(columns))
    return texts + _listed([mark for mark in marks if mark in others])


def _listed(marks: Sequence[_Mark]) -> str:
    """Write the features that are not in a text, the strongest first."""
    if not marks:
        return ""
    items = []
    for mark in sorted(marks, key=lambda mark: -abs(mark.weight)):
        name = mark.name if mark.column is None else f"{mark.column}: {mark.name}"
        (number,) = format_numbers([mark.weight or 0.0], 2)  # -0.0 is 0
        sign = "+" if mark.weight > 0 else ""
        shown = mark.around(name, ' dir="auto"') if mark.code else escape(name)
        items.append(f"<li>{shown} {sign}{number}</li>")
    return '\n<ul class="features">\n{}\n</ul>'.format("\n".join(items))


def _facts(rows: pd.DataFrame, model_type: str, case: object) -> str:
    """Write the line below a text: its case, label and probability, and the fit."""
    first = rows.iloc[0]
    facts = [] if case is None else [f"Case: <bdi>{escape(case)}</bdi>"]
    if model_type == "classification":
        title = "Label predicted" if _is_most_likely(first) else "Label"
        share = f"{round(float(first['label_prob']) * 100, 2):g}%"
        facts.append(f"{title}: <bdi>{escape(first['label'])}</bdi> ({share})")
    elif "prediction" in rows:
        facts.append(f"Prediction: {amount_text(first['prediction'], 3)}")
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
