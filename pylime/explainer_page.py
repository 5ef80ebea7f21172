"""What a notebook shows of an explainer: its model, task, settings and columns."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pylime.markup import PAGE_DARK, PAGE_LIGHT, escape, themed

__all__ = ["ColumnFacts", "explainer_page", "name_of"]

# More than these are collapsed.
_FEW_COLUMNS = 20
_FEW_PARTS = 6
# More than these are left out: a notebook keeps the page.
_MOST_COLUMNS = 200
_MOST_PARTS = 50

_STYLE = (
    themed(".pylime-explainer", PAGE_LIGHT, PAGE_DARK)
    + """\
.pylime-explainer {
  box-sizing: border-box; max-width: 100%; overflow: auto; padding: 0.75em 1em;
  border: 1px solid var(--pylime-rule); border-radius: 6px;
  background: var(--pylime-paper); color: var(--pylime-ink);
  font: 14px/1.5 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; text-align: start;
}
.pylime-explainer .title { margin: 0 0 0.4em; padding: 0; font-weight: 600; }
.pylime-explainer table {
  margin: 0; border-collapse: collapse; border: 0; font-size: 13px; color: inherit;
}
.pylime-explainer tr { background: transparent; }
.pylime-explainer th, .pylime-explainer td {
  padding: 0.2em 1.2em 0.2em 0; border: 0; color: inherit; background: transparent;
  text-align: start; vertical-align: top; white-space: normal; overflow-wrap: anywhere;
}
.pylime-explainer th { font-weight: 400; color: var(--pylime-faint); white-space: nowrap; }
.pylime-explainer .columns { margin-top: 0.5em; }
.pylime-explainer .columns tr { border-top: 1px solid var(--pylime-rule); }
.pylime-explainer .columns th[scope="row"] {
  font-weight: 600; color: var(--pylime-ink); white-space: normal; max-width: 20em;
}
.pylime-explainer .part { display: inline-block; margin-inline-end: 1.2em; }
.pylime-explainer .faint { color: var(--pylime-faint); }
.pylime-explainer summary { cursor: pointer; }
"""
)


@dataclass(frozen=True)
class ColumnFacts:
    """
    What is shown of a column.

    Attributes
    ----------
    name, feature_type, dtype
        Its name, its type in R's terms, and its type in the training data.
    drawn
        What permutations draw its values from, in words.
    parts
        Its bins or levels, each with its share of the rows.
    missing
        The share of missing values.
    """

    name: Hashable
    feature_type: str
    dtype: str
    drawn: str
    parts: Sequence[tuple[str, float]] = ()
    missing: float = 0.0


def name_of(model: Any) -> str:
    """
    Name a function, or the class of a model.

    Examples
    --------
    >>> name_of(len), name_of([])
    ('len', 'list')
    """
    if isinstance(model, partial):
        return name_of(model.func)
    return getattr(model, "__name__", type(model).__name__)


def explainer_page(
    explainer: Any,
    preprocess: Any = None,
    settings: Mapping[str, object] | None = None,
    columns: Sequence[ColumnFacts] | None = None,
) -> str:
    """
    Write the HTML of an explainer.

    Parameters
    ----------
    explainer
        The explainer.
    preprocess
        Its function of that name; None if the model receives the cases as they are.
    settings
        What else is shown, by its name.
    columns
        The columns of a table.

    Returns
    -------
    str
        One element with its style sheet. It loads nothing else and has no script. Long lists are
        collapsed.
    """
    rows = {
        "Model": _model(explainer.model),
        "Task": _task(explainer),
        "Input": escape(explainer.kind.plural),
        "Preprocess": "none"
        if preprocess is None
        else f"<code>{escape(name_of(preprocess))}</code>",
        **{name: escape(value) for name, value in (settings or {}).items()},
    }
    if explainer.predict_options:
        rows["Prediction options"] = escape(", ".join(map(str, explainer.predict_options)))
    facts = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{cell}</td></tr>'
        for name, cell in rows.items()
    )
    return (
        f'<div class="pylime-explainer">\n<style>\n{_STYLE}</style>\n'
        f'<p class="title">{escape(type(explainer).__name__)}</p>\n<table>\n{facts}\n</table>\n'
        + ("" if columns is None else _columns(columns))
        + "</div>"
    )


def _model(model: Any) -> str:
    """Name the model and the library that it comes from."""
    inner = getattr(model, "model", model)
    library = "" if hasattr(inner, "__name__") else type(inner).__module__.partition(".")[0]
    known = library not in ("", "__main__", "builtins", "functools")
    beside = f' <span class="faint">{escape(library)}</span>' if known else ""
    return _code(name_of(inner)) + beside


def _code(name: str) -> str:
    return f"<code>{escape(name)}</code>"


def _task(explainer: Any) -> str:
    """Name the task, and list the labels of a classifier."""
    if explainer.model_type == "regression":
        return "regression"
    if explainer.labels is None:
        return "classification; labels are not known before the first prediction"
    names = [str(label) for label in explainer.labels]
    listed = ", ".join(escape(name) for name in names[:_MOST_COLUMNS])
    if len(names) > _MOST_COLUMNS:
        listed += f" and {len(names) - _MOST_COLUMNS} more"
    if len(names) <= 2 * _FEW_PARTS:
        return f"classification: {listed}"
    return f"classification<details><summary>{len(names)} labels</summary>{listed}</details>"


def _columns(columns: Sequence[ColumnFacts]) -> str:
    """Write the table of columns."""
    rows = "\n".join(map(_row, columns[:_MOST_COLUMNS]))
    more = len(columns) - _MOST_COLUMNS
    after = f'<p class="faint">and {more} more columns</p>\n' if more > 0 else ""
    is_open = " open" if len(columns) <= _FEW_COLUMNS else ""
    number = f"{len(columns)} column{'s' if len(columns) != 1 else ''}"
    return (
        f'<details class="columns"{is_open}><summary>{number}</summary>\n<table>\n'
        '<tr><th scope="col">Column</th><th scope="col">Type</th>'
        f'<th scope="col">Permutations draw</th></tr>\n{rows}\n</table>\n{after}</details>\n'
    )


def _row(column: ColumnFacts) -> str:
    drawn = escape(column.drawn)
    parts = [
        f'<span class="part">{escape(text)} <span class="faint">{_percent(share)}</span></span>'
        for text, share in column.parts[:_MOST_PARTS]
    ]
    if len(column.parts) > _MOST_PARTS:
        parts.append(f'<span class="faint">and {len(column.parts) - _MOST_PARTS} more</span>')
    listed = " ".join(parts)
    if len(column.parts) > _FEW_PARTS:
        drawn = f"<details><summary>{drawn}</summary>{listed}</details>"
    elif parts:
        drawn += f"<br>{listed}"
    if column.missing:
        drawn += f'<div class="faint">{_percent(column.missing)} missing</div>'
    return (
        f'<tr><th scope="row">{escape(column.name)}</th><td>{escape(column.feature_type)} '
        f'<span class="faint">{escape(column.dtype)}</span></td><td>{drawn}</td></tr>'
    )


def _percent(share: float) -> str:
    percent = 100 * share
    if 0 < percent < 0.1:
        return "&lt; 0.1 %"
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.1f} %"
