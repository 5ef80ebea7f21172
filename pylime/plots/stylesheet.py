"""
The style sheet of highlighted texts.

Every rule is bound to the class of the plot, so that it changes neither the page nor another
plot. Colours are variables, once for light and once for dark.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from matplotlib.colors import to_hex, to_rgb, to_rgba

from pylime.markup import PAGE_DARK, PAGE_LIGHT, themed
from pylime.plots.palette import contrast, mix

__all__ = [
    "COLUMNS",
    "DARK",
    "LIGHT",
    "STRIPES",
    "STYLESHEET",
    "palette_class",
    "palette_rules",
    "shades_of",
]

READABLE = 4.5
"""The contrast that a text needs, by the Web Content Accessibility Guidelines 2.1."""

# Blue and red differ in lightness or in visible hue for every kind of colour vision; every
# ink has a contrast of at least 4.5 to its background.
LIGHT = {
    **PAGE_LIGHT,
    "veil-1": "#ffffff59",
    "veil-2": "#ffffffd9",
    "positive-line": "#1f5f99",
    "positive-1": "#dfebf6",
    "positive-2": "#bcd6ee",
    "positive-3": "#93bee3",
    "positive-4": "#65a3d6",
    "positive-5": "#2468a6",
    "positive-ink-5": "#ffffff",
    "negative-line": "#a01c1c",
    "negative-1": "#fbe5e0",
    "negative-2": "#f6c5bb",
    "negative-3": "#ef9f92",
    "negative-4": "#e47a6c",
    "negative-5": "#b22222",
    "negative-ink-5": "#ffffff",
}
DARK = {
    **PAGE_DARK,
    "veil-1": "#14181d80",
    "veil-2": "#14181dd9",
    "positive-line": "#79b8f2",
    "positive-1": "#1b2f42",
    "positive-2": "#1c4163",
    "positive-3": "#1d5484",
    "positive-4": "#1f68a8",
    "positive-5": "#7dbcf5",
    "positive-ink-5": "#0b1016",
    "negative-line": "#ff9184",
    "negative-1": "#3f2120",
    "negative-2": "#602523",
    "negative-3": "#842826",
    "negative-4": "#a92b29",
    "negative-5": "#ff9a8e",
    "negative-ink-5": "#0b1016",
}


def _strengths() -> str:
    rules = []
    for sign in ("positive", "negative"):
        for strength in range(1, 6):
            ink = f"{sign}-ink-5" if strength == 5 else "ink"
            rules.append(
                f".pylime-text .{sign}_{strength} {{ color: var(--pylime-{ink}); "
                f"background-color: var(--pylime-{sign}-{strength}); }}"
            )
    return "\n".join(rules)


STYLESHEET = f"""\
{themed(".pylime-text", LIGHT, DARK)}\
.pylime-text {{
  box-sizing: border-box; max-width: 100%; overflow: auto; padding: 1em 1.25em;
  border: 1px solid var(--pylime-rule); border-radius: 6px;
  background: var(--pylime-paper); color: var(--pylime-ink);
  font: 16px/1.75 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  text-align: start;
}}
.pylime-text .text {{ margin: 0 0 1em; }}
.pylime-text .text + .text {{ padding-top: 1em; border-top: 1px solid var(--pylime-rule); }}
.pylime-text p {{ margin: 0; padding: 0; }}
.pylime-text .words {{ max-width: 46em; white-space: pre-wrap; overflow-wrap: anywhere; }}
.pylime-text .words + .words {{ margin-top: 0.5em; }}
.pylime-text .facts, .pylime-text .key {{
  display: flex; flex-wrap: wrap; gap: 0 1.5em; color: var(--pylime-faint); font-size: 13px;
}}
.pylime-text .facts {{ margin-top: 0.35em; }}
.pylime-text .key {{ padding-top: 0.6em; border-top: 1px solid var(--pylime-rule); }}
.pylime-text .key [class*="_"] {{ margin: 0 1px; padding: 0 0.5em; }}
.pylime-text bdi {{ color: var(--pylime-ink); font-weight: 600; overflow-wrap: anywhere; }}
.pylime-text [class^="positive_"], .pylime-text [class^="negative_"] {{
  padding: 0.1em 0.15em; margin: 0 -0.05em; border-radius: 3px;
  border-bottom: 2px solid var(--pylime-positive-line); background-clip: padding-box;
  -webkit-box-decoration-break: clone; box-decoration-break: clone;
  -webkit-print-color-adjust: exact; print-color-adjust: exact;
}}
.pylime-text [class^="negative_"] {{ border-bottom: 2px dashed var(--pylime-negative-line); }}
{_strengths()}
"""

# Words that possibly have no effect: stripes of paper over their colour, which make it paler.
# A pale colour alone would be that of a smaller weight.
STRIPES = """\
.pylime-text .striped {
  color: var(--pylime-ink); border-bottom-width: 1px;
  background-image: repeating-linear-gradient(
    135deg, var(--pylime-veil-1) 0 3px, var(--pylime-veil-2) 3px 6px
  );
}
"""


# Text columns of a table side by side, or below each other where there is no room, and the other
# features in a line below.
COLUMNS = """\
.pylime-text .columns { display: flex; flex-wrap: wrap; gap: 0.75em 2em; }
.pylime-text .column { flex: 3 1 20em; min-width: 0; max-width: 46em; }
.pylime-text .column.brief { flex: 1 1 12em; }
.pylime-text .name {
  color: var(--pylime-faint); font-size: 13px; font-weight: 600; overflow-wrap: anywhere;
}
.pylime-text .none { color: var(--pylime-faint); font-style: italic; }
.pylime-text .features {
  display: flex; flex-wrap: wrap; gap: 0.15em 1.25em; margin: 0.6em 0 0; padding: 0;
  list-style: none; font-size: 14px; overflow-wrap: anywhere; color: var(--pylime-faint);
}
.pylime-text .features li { max-width: 46em; margin: 0; padding: 0; }
.pylime-text .features [class*="_"] { padding: 0.1em 0.4em; }
"""


def palette_class(colours: Iterable[str]) -> str:
    """
    Name the class of plots with other colours.

    Parameters
    ----------
    colours
        Of positive and of negative weights.

    Returns
    -------
    str
        The same for the same colours, however they are written.

    Examples
    --------
    >>> palette_class(["navy", "#ffa500"])
    'pylime-000080-ffa500'
    """
    return "-".join(["pylime", *(to_hex(colour)[1:] for colour in colours)])


@lru_cache(32)
def palette_rules(colours: tuple[str, str]) -> str:
    """
    Write the rules of plots with other colours, which go behind `STYLESHEET`.

    Parameters
    ----------
    colours
        Of positive and of negative weights.

    Returns
    -------
    str
        CSS, bound to the class of these colours.
    """
    light, dark = (
        {
            name: shade
            for sign, colour in zip(("positive", "negative"), colours, strict=True)
            for name, shade in shades_of(sign, colour, page).items()
        }
        for page in (LIGHT, DARK)
    )
    return themed(f".pylime-text.{palette_class(colours)}", light, dark)


def shades_of(sign: str, colour: str, page: Mapping[str, str]) -> dict[str, str]:
    """
    Find the five strengths of a colour on a page, on which words can still be read.

    Parameters
    ----------
    sign
        `"positive"` or `"negative"`.
    colour
        The colour of the largest weights.
    page
        `LIGHT` or `DARK`.

    Returns
    -------
    dict
        The variables of this sign. Four strengths lie between the paper and the colour, and are
        as strong as their ink allows; the fifth is the colour itself, or a darker or lighter one
        if neither the light nor the dark ink can be read on it.
    """
    ink, paper = page["ink"], page["paper"]
    seen = _moved(colour, [ink], lambda shade: contrast(shade, paper) >= 3 or page is LIGHT)
    shares = np.linspace(0, 0.7, 71)
    readable = [contrast(ink, shade) >= READABLE for shade in mix([paper, seen], shares)]
    steps = shares[readable].max() * np.array([0.22, 0.45, 0.7, 1.0])
    fifth = _moved(colour, ["white", "black"], lambda shade: _is_fifth(shade, page))
    return {
        f"{sign}-line": _moved(colour, [ink], lambda shade: contrast(shade, paper) >= READABLE),
        **{f"{sign}-{n}": shade for n, shade in enumerate(mix([paper, seen], steps), start=1)},
        f"{sign}-5": fifth,
        f"{sign}-ink-5": max(_INKS, key=lambda ink_on_fifth: contrast(ink_on_fifth, fifth)),
    }


_INKS = ("#ffffff", "#0b1016")


def _is_fifth(shade: str, page: Mapping[str, str]) -> bool:
    """Whether words can be read on a shade, also behind stripes, and it stands out at night."""
    striped = [_over(page[veil], shade) for veil in ("veil-1", "veil-2")]
    return (
        max(contrast(ink, shade) for ink in _INKS) >= READABLE
        and min(contrast(page["ink"], seen) for seen in striped) >= READABLE
        and (page is LIGHT or contrast(shade, page["paper"]) >= 6)
    )


def _over(veil: str, below: str) -> str:
    """Return the colour of a veil that lies over another colour."""
    *above, opacity = to_rgba(veil)
    mixed = opacity * np.array(above) + (1 - opacity) * np.array(to_rgb(below))
    return to_hex(tuple(mixed.tolist()))


def _moved(colour: str, targets: Sequence[str], fits: Callable[[str], bool]) -> str:
    """Move a colour towards one of the targets, as little as it takes to fit."""
    ways = [mix([colour, target], np.linspace(0, 1, 101)) for target in targets]
    nearest_first = (shade for shades in zip(*ways, strict=True) for shade in shades)
    return next(filter(fits, nearest_first), targets[0])
