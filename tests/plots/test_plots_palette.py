"""The colours that a user gives to a plot."""

import numpy as np
import pytest
from plotnine import scale_color_manual, scale_fill_brewer, scale_fill_gradient

from pylime.plots.palette import colours_of, fill_scale

NAMES = ("Supports", "Contradicts")


@pytest.mark.parametrize(
    "palette", [("navy", "#FFA500"), ["navy", "#FFA500"], np.array(["navy", "#FFA500"])]
)
def test_two_colours_stand_for_the_two_directions(palette):
    scale = fill_scale(palette, NAMES)
    assert scale.palette(2) == {"Supports": "navy", "Contradicts": "#FFA500"}
    assert not scale.drop
    assert scale.aesthetics == ["fill"]
    assert fill_scale(palette, NAMES, aesthetic="color").aesthetics == ["color"]


def test_the_legend_may_have_other_texts():
    scale = fill_scale(("navy", "orange"), ("up", "down"), ("Higher", "Lower"))
    assert (scale.breaks, scale.labels) == (["up", "down"], ["Higher", "Lower"])


def test_a_scale_of_plotnine_is_used_as_it_is():
    scale = scale_fill_brewer(type="qual", palette="Set1")
    assert fill_scale(scale, NAMES) is scale
    assert colours_of(scale) is None
    gradient = scale_fill_gradient()
    assert colours_of(gradient) is None


@pytest.mark.parametrize(
    ("palette", "error", "message"),
    [
        ("Set1", TypeError, "`palette` must be 2 colours, for positive and for negative weights, "),
        (None, TypeError, "a scale of plotnine, such as scale_fill_manual.*; not None"),
        ({"a": "red", "b": "blue"}, TypeError, "`palette` must be 2 colours.*not {'a'"),
        (scale_fill_brewer, TypeError, "`palette` must be 2 colours.*not <class"),
        (["red"], ValueError, "`palette` must be 2 colours.*; not 1 colour[.]"),
        (["red", "blue", "green"], ValueError, "; not 3 colours"),
        (["red", "blau"], ValueError, "'blau' is not a colour. Use a name that matplotlib has"),
        ([(1, 0, 0), "red"], ValueError, r"\(1, 0, 0\) is not a colour"),
        (scale_color_manual(["red"]), ValueError, "a scale of fill, .* not scale_color_manual"),
        (scale_fill_gradient(), ValueError, "a discrete scale, .*; not scale_fill_gradient"),
    ],
)
def test_any_other_palette_raises(palette, error, message):
    with pytest.raises(error, match=message):
        fill_scale(palette, NAMES)
