"""How the panels of images are arranged, so that their strips can be read."""

from collections.abc import Sequence
from dataclasses import dataclass

from plotnine import labeller
from plotnine.iapi import strip_label_details

from pylime.plots.theme import plain_text, text_width

__all__ = ["Arrangement", "WrappedStrips", "arrange", "wrap"]

# Inches. Plotnine refuses to save a figure of more than 25 without `limitsize=False`.
WIDEST, TALLEST, LARGEST = 14.0, 24.0, 24.9
SINGLE_AREA, AREA = 24.0, 10.0
# Smaller panels of a grid, or of several rows, have no room for their strips and texts.
GRID_WIDTH, GRID_HEIGHT = 2.2, 1.3
WRAP_WIDTH, WRAP_HEIGHT = 1.9, 0.6
STRIP_WIDTH = 1.7
LOWEST = 0.3
# Panels are as good as the widest ones if they have this share of their width.
ENOUGH = 0.85
LINE, STRIP_MARGIN, GAP, SIDE_STRIP, MARGIN = 0.15, 0.1, 0.2, 0.3, 0.17
STRIP_SIZE = 9
BOLD = 1.1  # times as wide as other letters


@dataclass(frozen=True)
class Arrangement:
    """
    Where the panels of a plot are, and how large.

    Attributes
    ----------
    rows, columns
        Of panels.
    is_grid
        Whether each label has a column of its own and each type a row, as in R.
    width, height
        Inches of a panel.
    pitch
        Inches from one panel to the next in a row: more than the width if the strips need it.
    figure
        Width and height of the figure in inches.
    """

    rows: int
    columns: int
    is_grid: bool
    width: float
    height: float
    pitch: float
    figure: tuple[float, float]

    @property
    def strip_width(self) -> float:
        """Inches that a strip has."""
        return max(self.width, STRIP_WIDTH)

    @property
    def side(self) -> float:
        """Side of a square of the size of a panel, in inches."""
        return (self.width * self.height) ** 0.5


def arrange(shape: Sequence[int], strips: Sequence[Sequence[str]], n_types: int = 1) -> Arrangement:
    """
    Arrange panels of the same shape.

    R's arrangement is kept where the strips have room: up to three panels in a row, else two
    or three, and with two types a grid with a column per label. Where they have none, and for
    more than twelve panels, the panels are about as large as the page allows, in as few rows
    as that takes, and the two types of a label are neighbours.

    Parameters
    ----------
    shape
        Height and width of the images.
    strips
        Lines of the strip of each label; none for a single panel without a strip.
    n_types
        Panels per label.

    Examples
    --------
    >>> eight = arrange((300, 451), [["Label: Egyptian cat"]] * 8, n_types=2)
    >>> eight.rows, eight.columns, eight.is_grid
    (4, 4, False)
    """
    n_labels = max(1, len(strips))
    if n_types > 1:
        grid = _fit(shape, strips, n_types, n_labels, is_grid=True)
        if (grid.width >= GRID_WIDTH or n_labels <= 3) and grid.height >= GRID_HEIGHT:
            return grid
        strips = [[*strip, "Type"] for strip in strips]
    n = n_labels * n_types
    if n_types == 1 and n <= 12:
        usual = _fit(shape, strips, *_in_rows(n, _r_columns(n)))
        if (usual.width >= WRAP_WIDTH or n <= 3) and usual.height >= WRAP_HEIGHT:
            return usual
    columns = [c for c in range(1, n + 1) if c == 1 or c % n_types == 0]
    every = [_fit(shape, strips, *_in_rows(n, c)) for c in columns]
    every = [one for one in every if max(one.figure) <= LARGEST] or every
    widest = max(one.width for one in every)
    return [one for one in every if one.width >= ENOUGH * widest][-1]


def _in_rows(n: int, columns: int) -> tuple[int, int]:
    """Return the rows and columns of n panels."""
    return -(-n // columns), columns


def _fit(
    shape: Sequence[int],
    strips: Sequence[Sequence[str]],
    rows: int,
    columns: int,
    is_grid: bool = False,
) -> Arrangement:
    """Find the largest panels that fit a page in rows and columns."""
    aspect = shape[0] / shape[1]
    area = SINGLE_AREA if rows * columns == 1 else AREA
    strip_rows = 1 if is_grid else rows
    width = min((area / aspect) ** 0.5, WIDEST / columns - GAP)
    strip = 0.0
    for _ in range(3):  # narrower panels need higher strips, which leave less room for panels
        strip = strip_height(strips, max(width, STRIP_WIDTH))
        highest = max((TALLEST - strip_rows * strip) / rows - GAP, LOWEST)
        width = min(width, highest / aspect)
    height = width * aspect
    pitch = max(width, STRIP_WIDTH if columns > 1 else 0.0) + GAP
    figure = (
        max(columns * pitch - GAP, STRIP_WIDTH) + 2 * MARGIN + SIDE_STRIP * is_grid,
        rows * (height + GAP) - GAP + strip_rows * strip + 2 * MARGIN,
    )
    return Arrangement(rows, columns, is_grid, width, height, pitch, figure)


def _r_columns(n: int) -> int:
    """Return the number of columns in which ggplot2 arranges up to 12 panels."""
    return n if n <= 3 else 2 if n == 4 else 3


def strip_height(strips: Sequence[Sequence[str]], width: float) -> float:
    """
    Return the height of strips in inches, all as high as the highest.

    Parameters
    ----------
    strips
        Lines of each strip.
    width
        Inches that they have.
    """
    lines = max((sum(len(wrap(line, width)) for line in strip) for strip in strips), default=0)
    return lines * LINE + STRIP_MARGIN * (lines > 0)


def wrap(text: str, width: float, size: float = STRIP_SIZE) -> list[str]:
    """
    Break a text into lines, between words where that is possible.

    Parameters
    ----------
    text
        One line.
    width
        Inches.
    size
        Font size in points, of bold letters.

    Returns
    -------
    list of str
        At least one line.

    Examples
    --------
    >>> wrap("Label: chambered nautilus, pearly nautilus", width=2)
    ['Label: chambered', 'nautilus, pearly', 'nautilus']
    >>> wrap("Pneumonoultramicroscopicsilicovolcanoconiosis", width=2)
    ['Pneumonoultramicroscopic', 'silicovolcanoconiosis']
    """

    def inches(part: str) -> float:
        return text_width([part], size) * BOLD

    lines, filled = [""], 0.0
    for word in text.replace("\n", " ").split(" "):
        if lines[-1]:
            if filled + inches(" " + word) <= width:
                lines[-1] += " " + word
                filled += inches(" " + word)
                continue
            lines, filled = [*lines, ""], 0.0
        if inches(word) <= width:
            lines[-1], filled = word, inches(word)
            continue
        for character in word:  # a word that fits no line goes on in the next
            if lines[-1] and filled + inches(character) > width:
                lines, filled = [*lines, ""], 0.0
            lines[-1] += character
            filled += inches(character)
    return lines


class WrappedStrips(labeller):
    """
    Label a panel by its variables and their values, a line each, wrapped to its width.

    Parameters
    ----------
    width
        Inches.
    """

    def __init__(self, width: float) -> None:
        self.width = width

    def __call__(self, label_info: strip_label_details) -> strip_label_details:
        """Write the lines of a strip."""
        label_info = label_info.copy()
        for name, value in label_info.variables.items():
            text = strip_text(name, value)
            lines = [text] if label_info.meta["dimension"] == "rows" else wrap(text, self.width)
            label_info.variables[name] = "\n".join(map(plain_text, lines))
        return label_info


def strip_text(name: str, value: object) -> str:
    """
    Write a line of a strip.

    Parameters
    ----------
    name
        Of the variable.
    value
        Anything that prints.

    Examples
    --------
    >>> strip_text("label", "Egyptian cat")
    'Label: Egyptian cat'
    """
    return f"{name[:1].upper()}{name[1:]}: {value}"
