"""The arrangement of panels: strips of any number of labels are apart, and can be read."""

import copy
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from pylime import load_image_example, plot_image_explanation
from pylime.plots.arrangement import arrange, wrap

NAMES = [
    "Egyptian cat",
    "chambered nautilus, pearly nautilus, nautilus",
    "tabby",
    "black-and-gold garden spider, Argiope aurantia",
    "Pneumonoultramicroscopicsilicovolcanoconiosis",
    "$5 < price <= $9",
]


def labelled(n: int) -> pd.DataFrame:
    """An explanation of n labels, some with long names."""
    names = NAMES + [f"label {k}" for k in range(n)]
    rows = load_image_example().iloc[:6].reset_index(drop=True)
    signs = np.where(rows.index % 2, -1, 1)
    rows["feature_weight"] = rows["feature_weight"].abs() * signs
    return pd.concat(
        [rows.assign(label=names[k], label_prob=0.9 / (k + 1), model_r2=0.05) for k in range(n)]
    )


def drawn_strips(plot):
    """The figure, and the corners of each strip in inches."""
    figure = copy.deepcopy(plot).draw()
    figure.set_dpi(100)
    figure.savefig(BytesIO(), dpi=100)  # now everything has its place
    texts = [
        text
        for text in figure.findobj(Text)
        if text.get_text().startswith(("Label: ", "Type: ")) and text.get_visible()
    ]
    corners = [text.get_window_extent().extents / 100 for text in texts]
    return figure, [text.get_text() for text in texts], np.array(corners)


@pytest.mark.parametrize("show_negative", [False, True])
@pytest.mark.parametrize("n", [1, 2, 5, 8, 20])
def test_strips_are_apart_and_inside_the_figure(n, show_negative):
    plot = plot_image_explanation(labelled(n), show_negative=show_negative)
    figure, texts, corners = drawn_strips(plot)
    width, height = figure.get_size_inches()
    assert max(width, height) < 25
    assert (corners[:, :2] > -0.02).all()
    assert (corners[:, 2] < width + 0.02).all()
    assert (corners[:, 3] < height + 0.02).all()
    for one in range(len(corners)):
        left, bottom, right, top = corners[one]
        others = np.delete(corners, one, axis=0)
        overlap = (
            (others[:, 0] < right)
            & (others[:, 2] > left)
            & (others[:, 1] < top)
            & (others[:, 3] > bottom)
        )
        assert not overlap.any(), (texts[one], n)
    panels = [ax.get_position() for ax in figure.axes if ax.images]
    assert len(panels) == n * (1 + show_negative)
    assert min(panel.width * width for panel in panels) > 1.8


def test_labels_are_whole_in_their_strips():
    _, texts, _ = drawn_strips(plot_image_explanation(labelled(8), show_negative=True))
    joined = [text.replace("\n", " ").replace("\\$", "$") for text in texts]
    for name in NAMES:
        if " " in name:
            assert any(f"Label: {name} Probability: " in text for text in joined)
    assert all("Explanation fit: 0.05, low Type: " in text for text in joined)


@pytest.mark.parametrize(
    ("n", "n_types", "expected"),
    [  # rows, columns and whether it is a grid: R's up to 12 panels, and its grid where it fits
        (1, 1, (1, 1, False)),
        (3, 1, (1, 3, False)),
        (4, 1, (2, 2, False)),
        (8, 1, (3, 3, False)),
        (20, 1, (5, 4, False)),
        (2, 2, (2, 2, True)),
        (5, 2, (2, 5, True)),
        (8, 2, (4, 4, False)),
        (20, 2, (7, 6, False)),
    ],
)
def test_the_arrangement_is_rs_where_strips_have_room(n, n_types, expected):
    found = arrange((300, 451), [["Label: a cat", "Explanation fit: 0.5"]] * n, n_types)
    assert (found.rows, found.columns, found.is_grid) == expected


@pytest.mark.parametrize("shape", [(28, 28), (3000, 4000), (400, 60), (40, 600), (600, 400)])
@pytest.mark.parametrize("n", [1, 3, 12, 50])
@pytest.mark.parametrize("n_types", [1, 2])
def test_figures_of_any_shape_can_be_saved(shape, n, n_types):
    found = arrange(shape, [["Label: a", "Probability: 0.5", "Explanation fit: 0.5"]] * n, n_types)
    assert found.rows * found.columns >= n * n_types
    assert found.height / found.width == pytest.approx(shape[0] / shape[1])
    assert max(found.figure) < 25


def test_lines_break_between_words_and_never_lose_a_letter():
    for text in (*NAMES, "", "a  b", "word\nnext", "喵喵喵喵喵喵喵喵喵喵喵喵喵喵"):
        for width in (0.3, 1.7, 3):
            lines = wrap(text, width)
            assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert wrap("one two", 9) == ["one two"]
