"""What notebooks show of columns."""

from collections.abc import Sequence
from itertools import pairwise

from pylime.explainer_page import ColumnFacts
from pylime.numbers import format_numbers
from pylime.tabular.columns import Column
from pylime.tabular.distributions import Density, Normal
from pylime.tabular.levels import Levels
from pylime.tabular.numbers import Numbers
from pylime.tabular.units import PartOfUnit, alone

__all__ = ["facts_of"]

_UNDRAWN = {
    "held": "nothing: held at the value of the case, and not a feature",
    "constant": "nothing: all training values are equal",
    "date_time": "nothing: dates keep the value of the case",
    "text": "the words of the case, each of which is kept or dropped",
}


def facts_of(column: Column) -> ColumnFacts:
    """Describe a column: its types, and what its values are drawn from."""
    drawn, parts = _drawn(alone(column))
    if isinstance(column, PartOfUnit):
        drawn += ", together with its group"
    return ColumnFacts(
        column.name,
        column.feature_type,
        str(column.dtype),
        drawn,
        parts,
        column.missing,
    )


def _drawn(column: Column) -> tuple[str, Sequence[tuple[str, float]]]:
    """Return what values are drawn from in words, and its parts with their shares."""
    distribution = column.distribution
    if distribution is None:
        return _UNDRAWN.get(column.feature_type, "nothing"), ()
    if isinstance(distribution, Normal):
        mean, sd = (format_numbers([value], 3)[0] for value in distribution)
        return f"a normal distribution of mean {mean} and standard deviation {sd}", ()
    if isinstance(distribution, Density):
        cuts = distribution.x if column.bin_cuts is None else column.bin_cuts
        low, high = (format_numbers([value], 3)[0] for value in cuts[[0, -1]])
        return f"a density of the training values, {low} to {high}", ()
    if isinstance(column, Levels):
        shares = [(_text_of(column, level), float(share)) for level, share in distribution.items()]
        shares.sort(key=lambda part: -part[1])
        return f"{len(shares)} level{'s' if len(shares) != 1 else ''}", shares
    if not isinstance(column, Numbers) or not (texts := column.cut_texts):
        return "the only value", ()
    middle = [f"{low} to {high}" for low, high in pairwise(texts)]
    bins = [f"up to {texts[0]}", *middle, f"above {texts[-1]}"]
    words = f"{len(bins)} bins{' with cuts of your own' if column.own_cuts else ''}"
    return words, list(zip(bins, map(float, distribution), strict=True))


def _text_of(column: Levels, level: object) -> str:
    return str(bool(level)).lower() if column.feature_type == "logical" else column.text_of(level)
