"""Plots under other themes: their size, their room, and dark backgrounds."""

import copy
import pickle
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import plotnine
import pytest
from matplotlib import pyplot as plt
from plotnine import (
    aes,
    element_rect,
    geom_point,
    ggplot,
    scale_fill_manual,
    theme,
    theme_bw,
    theme_dark,
    theme_void,
    theme_xkcd,
)
from test_plots_features import built, explanation_of, figure_size, many_cases
from test_plots_intervals import around
from test_plots_widths import TWO, table_of

from pylime import plot_explanations, plot_features, theme_lime
from pylime.plots.palette import FILLS, FILLS_ON_DARK, contrast
from pylime.plots.sized import SizedPlot, panel_colour
from pylime.plots.theme import is_dark
from pylime.plots.widths import draw_widths

PLOTTERS = [plot_features, plot_explanations]
THEMES = [
    *("bw", "minimal", "dark", "void", "seaborn", "xkcd", "light", "classic", "linedraw"),
    *("tufte", "gray", "matplotlib"),
]


def theme_named(name):
    return getattr(plotnine, f"theme_{name}")()


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("plotter", PLOTTERS)
def test_a_theme_keeps_the_size_and_the_place_of_the_legend(plotter, name):
    plot = plotter(many_cases(12))
    other = plot + theme_named(name)
    assert figure_size(other) == figure_size(plot)
    assert other.theme.getp("legend_position") == plot.theme.getp("legend_position")
    assert isinstance(other, ggplot)


@pytest.mark.parametrize("name", [name for name in THEMES if name != "xkcd"])  # never equal
def test_a_users_theme_is_not_changed(name):
    added = theme_named(name)
    before = copy.deepcopy(added)
    plot = plot_features(many_cases(2)) + added
    assert plot.theme is not added
    assert added == before
    assert figure_size(plot) != added.getp("figure_size")


def test_a_size_of_the_users_own_wins():
    plot = plot_features(many_cases(9))
    own = theme(figure_size=(4, 3))
    assert figure_size(plot + own) == (4, 3)
    assert figure_size(plot + theme_bw() + own) == (4, 3)
    assert figure_size(plot + (theme_bw() + own)) == (4, 3)
    both = [theme_bw(), own]
    assert figure_size(plot + both) == (4, 3)
    assert figure_size(plot + theme_lime(figure_size=(4, 3))) == (4, 3)
    # As ever, a complete theme replaces what was set before it.
    assert figure_size(plot + own + theme_bw()) == figure_size(plot)


def test_what_a_theme_itself_sets_stays():
    plot = plot_features(many_cases(3))
    left = plot + (theme_bw() + theme(legend_position="left", plot_margin=0.1))
    assert left.theme.getp("legend_position") == "left"
    assert left.theme.getp("plot_margin") == 0.1
    dark = plot + (theme_lime(dark=True) + theme(legend_position="none"))
    assert dark.theme.getp("legend_position") == "none"
    assert figure_size(dark) == figure_size(plot)
    tiles = plot_explanations(many_cases(3))
    assert (tiles + theme_void()).theme.T.is_blank("axis_text_x")
    assert (tiles + theme_bw()).theme.getp(("axis_text_x", "rotation")) == 45


@pytest.mark.parametrize("name", ["bw", "dark", "seaborn", "void"])
def test_labels_lie_apart_under_other_themes(name):
    plot, _ = built(plot_features(many_cases(20)) + theme_named(name))
    for axes in plot.figure.axes:
        boxes = [text.get_window_extent() for text in axes.get_yticklabels()]
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_strips_do_not_hang_into_their_panels():
    plot = plot_features(many_cases(2)) + theme_xkcd()
    assert plot.theme.getp("strip_align") == 0


def test_a_theme_goes_to_the_plot_in_place_and_to_all_of_several():
    plot = plot_features(many_cases(5))
    size = figure_size(plot)
    plot += theme_bw()
    assert figure_size(plot) == size
    widths = draw_widths(table_of(TWO))
    assert figure_size((widths & theme_bw()).last_plot) == figure_size(widths.last_plot)


@pytest.mark.parametrize("n_labels", [1, 2])
def test_sixty_cases_can_be_saved(tmp_path, n_labels):
    plot = plot_features(many_cases(60, n_labels)) + theme_void()
    assert figure_size(plot)[1] > 25
    view = plot.save_helper(tmp_path / "plot.png", verbose=False)
    assert tuple(view.figure.get_size_inches()) == figure_size(plot)
    plt.close(view.figure)


def test_only_the_size_of_the_plot_itself_is_saved_without_a_limit(tmp_path):
    plot = plot_features(many_cases(3))
    for options in ({"width": 30, "height": 30}, {"width": 3000, "height": 20}):
        with pytest.raises(plotnine.exceptions.PlotnineError, match="exceed 25 inches"):
            plot.save(tmp_path / "plot.png", verbose=False, **options)
    with pytest.raises(plotnine.exceptions.PlotnineError, match="exceed 25 inches"):
        (plot + theme(figure_size=(30, 30))).save(tmp_path / "plot.png", verbose=False)


def test_no_image_has_more_pixels_than_can_be_drawn(tmp_path):
    plot = SizedPlot(pd.DataFrame({"x": [1]}), aes("x", "x")) + geom_point()
    plot += theme_lime(figure_size=(2, 1000))
    view = plot.save_helper(tmp_path / "plot.png", verbose=False)
    assert 1000 * view.figure.dpi < 2**16
    plt.close(view.figure)


def test_a_plot_is_copied_and_pickled_with_its_room():
    plot = SizedPlot(pd.DataFrame({"x": [1]}), aes("x", "x")) + geom_point()
    plot += theme_lime(figure_size=(3, 7))
    for other in (copy.deepcopy(plot), pickle.loads(pickle.dumps(plot))):
        assert figure_size(other + theme_bw()) == (3, 7)
        plt.close(other.draw())


# Dark backgrounds


@pytest.mark.parametrize(
    ("added", "colour"),
    [
        (theme_lime(dark=True), "#14181d"),
        (theme_dark(), "#7F7F7F"),
        (theme_bw(), "white"),
        (theme_bw() + theme(panel_background=element_rect(fill="navy")), "navy"),
        (theme_void(), "white"),
    ],
)
def test_the_colour_behind_the_bars(added, colour):
    assert mpl.colors.same_color(panel_colour(added), colour)


def colours_of(plot):
    """The fills of the bars and the colours of the error bars."""
    plot, _ = built(plot)
    return set(plot.layers[0].data["fill"]), set(plot.layers[-1].data["color"])


@pytest.mark.parametrize("added", [theme_lime(dark=True), theme_dark()])
def test_bars_and_lines_are_light_on_dark_panels(added):
    plot = plot_features(around(explanation_of("classification"), 0.05))
    assert colours_of(plot) == (set(FILLS), {"#222222"})
    fills, lines = colours_of(plot + added)
    assert fills == set(FILLS_ON_DARK)
    panel = panel_colour(added)
    for colour in (*fills, *lines):
        assert contrast(colour, panel) > 1.9
    # A plot is not changed by being drawn with another theme.
    assert colours_of(plot) == (set(FILLS), {"#222222"})


def test_colours_of_the_users_own_stay_on_dark_panels():
    explanation = explanation_of("classification")
    chosen = plot_features(explanation, palette=("#aabbcc", "orange")) + theme_dark()
    assert set(built(chosen)[0].layers[0].data["fill"]) == {"#aabbcc", "orange"}
    added = plot_features(explanation) + theme_dark() + scale_fill_manual(["pink", "red"])
    assert set(built(added)[0].layers[0].data["fill"]) == {"pink", "red"}


def seen_texts(figure):
    """The texts of a figure; its ticks also have some that are not drawn."""
    inside = figure.findobj(lambda artist: isinstance(artist, mpl.text.Text))
    ticks = [
        tick
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.majorTicks
    ]
    hidden = {id(text) for tick in ticks for text in (tick.label1, tick.label2)}
    shown = [
        text for axes in figure.axes for text in axes.get_xticklabels() + axes.get_yticklabels()
    ]
    texts = [text for text in inside if id(text) not in hidden and text.get_text()]
    texts += [text for text in shown if text.get_visible() and text.get_text()]
    assert len(texts) > 5
    return texts


@pytest.mark.parametrize("plotter", PLOTTERS)
def test_matplotlibs_dark_style_is_followed(plotter):
    with plt.style.context("dark_background"):
        plot = plotter(explanation_of("classification"))
        figure = copy.deepcopy(plot).draw()
        figure.draw_without_rendering()
        texts = seen_texts(figure)
        assert all(contrast(text.get_color(), "black") > 4.5 for text in texts)
        plt.close(figure)
    assert not is_dark(panel_colour(plotter(explanation_of("classification")).theme))
    light = theme_lime(dark=False)
    assert light.T.is_blank("plot_background")


def test_texts_of_the_dark_theme_can_be_read():
    figure = (plot_features(many_cases(2)) + theme_lime(dark=True)).draw()
    figure.draw_without_rendering()
    assert all(contrast(text.get_color(), "#14181d") > 4.5 for text in seen_texts(figure))
    plt.close(figure)


@pytest.mark.parametrize("colour", ["none", "None", None, "white", (0.9, 0.9, 0.9)])
def test_what_is_not_dark(colour):
    assert not is_dark(colour)


def test_numpy_colours_are_known():
    assert is_dark(np.array([0.1, 0.1, 0.1]))
