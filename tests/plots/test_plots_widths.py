"""The plot of kernel widths, read back."""

import copy

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text
from plotnine import geom_line, geom_linerange, geom_point, geom_ribbon, ggplot
from plotnine.geoms import geom_hline, geom_rect
from skimage.color import rgb2lab
from test_plots_text import VISIONS, linear

from pylime.plots.widths import COLOURS, ENOUGH, LOWEST_R2, draw_widths

WIDTHS = [0.1, 0.2, 0.4, 0.8, 1.6]
COUNTS = [5.0, 50.0, 200.0, 1000.0, 4000.0]


def table_of(weights, widths=WIDTHS, effective_n=COUNTS, half_width=0.1, **columns):
    """A table of features by their weights along the widths; None where not selected."""
    rows = [
        {
            "width": width,
            "feature": feature,
            "feature_desc": f"{feature} <= 1",
            "feature_weight": weight,
            "feature_lo": weight - half_width,
            "feature_hi": weight + half_width,
            "effective_n": count,
            "fresh_r2": 0.5 - 2 / max(count, 1),
            "model_r2": 0.6,
            "label": "ill",
        }
        for feature, along in weights.items()
        for width, count, weight in zip(widths, effective_n, along, strict=True)
        if weight is not None
    ]
    return pd.DataFrame(rows).assign(**columns)


TWO = {"age": [0.5, 0.4, 0.3, 0.2, 0.1], "size": [-0.5, -0.1, 0.1, 0.2, 0.3]}


def plots_of(composition):
    """The three plots, from top to bottom."""
    found = []
    for item in composition:
        found += [item] if isinstance(item, ggplot) else plots_of(item)
    return found


def built(composition):
    """Draw a copy: its figure, axes, and the data of its plots' layers by their geom."""
    composition = copy.deepcopy(composition)
    figure = composition.draw()
    figure.draw_without_rendering()
    plt.close(figure)
    plots = plots_of(composition)
    layers = [[(type(layer.geom), layer.data) for layer in plot.layers] for plot in plots]
    return figure, layers


def layer(layers, kind):
    return [data for geom, data in layers if geom is kind]


def text_artists(figure):
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def texts(figure):
    return [text.get_text() for text in text_artists(figure)]


def test_lines_are_the_weights_and_ribbons_their_intervals():
    table = table_of(TWO)
    _, (weights, _, _) = built(draw_widths(table))
    (lines,), (ribbons,) = layer(weights, geom_line), layer(weights, geom_ribbon)
    for feature, colour in (("size", COLOURS[0]), ("age", COLOURS[1])):  # by the last weight
        line = lines[lines["color"] == colour].sort_values("x")
        np.testing.assert_allclose(10 ** line["x"], WIDTHS)
        np.testing.assert_allclose(line["y"], TWO[feature])
        ribbon = ribbons[ribbons["fill"] == colour].sort_values("x")
        np.testing.assert_allclose(ribbon["ymin"], np.array(TWO[feature]) - 0.1)
        np.testing.assert_allclose(ribbon["ymax"], np.array(TWO[feature]) + 0.1)


def test_the_order_of_rows_does_not_matter():
    table = table_of(TWO)
    turned = table.sample(frac=1, random_state=1)
    for one, other in zip(built(draw_widths(table))[1], built(draw_widths(turned))[1], strict=True):
        for (kind, data), (other_kind, other_data) in zip(one, other, strict=True):
            assert kind is other_kind
            keys = [name for name in ("x", "y", "ymin", "color") if name in data]
            one_sorted = data.sort_values(keys)[keys].reset_index(drop=True)
            other_sorted = other_data.sort_values(keys)[keys].reset_index(drop=True)
            pd.testing.assert_frame_equal(one_sorted, other_sorted)


def test_the_panels_below_are_the_effective_number_and_the_fits():
    table = table_of(TWO)
    _, (_, counted, fits) = built(draw_widths(table))
    (line,) = layer(counted, geom_line)
    np.testing.assert_allclose(10 ** line["y"], COUNTS)
    (hline,) = layer(counted, geom_hline)
    np.testing.assert_allclose(10 ** hline["yintercept"], [100])
    assert hline["linetype"].tolist() == ["dashed"]
    in_sample, fresh = layer(fits, geom_line)
    assert set(in_sample["linetype"]) == {"dashed"}
    assert set(fresh["linetype"]) == {"solid"}
    assert in_sample["size"].max() < fresh["size"].min()
    np.testing.assert_allclose(in_sample["y"], 0.6)
    np.testing.assert_allclose(fresh["y"], 0.5 - 2 / np.array(COUNTS))


def test_axes_of_widths_are_one():
    figure, _ = built(draw_widths(table_of(TWO)))
    assert len(figure.axes) == 3
    boxes = [axes.get_window_extent() for axes in figure.axes]
    assert len({(round(box.x0, 3), round(box.x1, 3)) for box in boxes}) == 1
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert [box.y0 for box in boxes] == sorted((box.y0 for box in boxes), reverse=True)
    assert boxes[0].height > 1.5 * boxes[1].height
    low, high = figure.axes[0].get_xlim()
    assert low < np.log10(0.1) < np.log10(1.6) < high
    assert texts(figure).count("Kernel width") == 1


def shades(layers):
    return [
        tuple(row) for data in layer(layers, geom_rect) for row in data[["xmin", "xmax"]].values
    ]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (COUNTS, [(-9, np.log10(0.2 * np.sqrt(2)))]),  # 100 is half-way from 50 to 200
        ([1000.0] * 5, []),
        ([100.0] * 5, []),
        ([99.0] * 5, [(-9, 9)]),
        ([1000.0, 50, 200, 1000, 10], [(None, np.log10(0.2 * np.sqrt(2))), (None, 9)]),
        ([np.nan] * 5, []),
        ([10.0, np.nan, 1000, 1000, 1000], [(-9, np.log10(0.2))]),
        ([0.0, 1e4, 1e4, 1e4, 1e4], [(-9, np.log10(0.1 * np.sqrt(2)))]),  # at least one
    ],
)
def test_widths_at_which_too_few_permutations_count_are_grey_in_all_panels(counts, expected):
    figure, layers = built(draw_widths(table_of(TWO, effective_n=counts)))
    low, high = figure.axes[0].get_xlim()
    found = [shades(one) for one in layers]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == len(expected)
    for (start, end), (from_, to) in zip(found[0], expected, strict=True):
        if from_ is not None:
            assert start == pytest.approx(from_) if from_ > -9 else start < low
        assert end == pytest.approx(to) if to < 9 else end > high
    grey = any(f"fewer than {ENOUGH} permutations" in text for text in texts(figure))
    assert grey is bool(expected)


def test_a_shade_ends_where_the_line_crosses_100():
    _, layers = built(draw_widths(table_of(TWO, effective_n=[3.0, 40, 170, 900, 4000])))
    ((_, end),) = shades(layers[1])
    line = layer(layers[1], geom_line)[0]
    assert 10 ** np.interp(end, line["x"], line["y"]) == pytest.approx(100)


def test_shades_are_as_high_as_their_panel():
    figure, _ = built(draw_widths(table_of(TWO)))
    for axes in figure.axes:
        (shade,) = [
            collection
            for collection in axes.findobj(PolyCollection)
            if to_hex(collection.get_facecolor()[0]) == "#dddddd"
        ]
        box = shade.get_transform().transform_path(shade.get_paths()[0]).get_extents()
        assert box.x0 <= axes.bbox.x0
        assert box.y0 <= axes.bbox.y0 + 1e-6
        assert box.y1 >= axes.bbox.y1 - 1e-6


def test_a_feature_that_is_not_selected_leaves_a_gap():
    weights = {"age": [0.5, 0.4, None, 0.2, 0.1], "size": [0.2, None, 0.2, np.nan, 0.2]}
    _, (layers, _, _) = built(draw_widths(table_of(weights)))
    (lines,) = layer(layers, geom_line)
    pieces = lines.groupby("group")["x"].apply(lambda x: sorted((10**x).round(6)))
    assert sorted(pieces) == [[0.1, 0.2], [0.8, 1.6]]
    (points,) = layer(layers, geom_point)
    assert len(points) == 7
    (singles,) = layer(layers, geom_linerange)  # widths on their own keep their intervals
    np.testing.assert_allclose(sorted(10 ** singles["x"]), [0.1, 0.4, 1.6])


def test_missing_intervals_have_no_ribbon():
    table = table_of(TWO)
    table.loc[table["width"] == 0.4, "feature_lo"] = np.nan
    table.loc[table["width"] == 0.1, "feature_hi"] = np.inf
    figure, (layers, _, _) = built(draw_widths(table))
    (ribbons,) = layer(layers, geom_ribbon)
    np.testing.assert_allclose(np.unique((10 ** ribbons["x"]).round(6)), [0.8, 1.6])
    (singles,) = layer(layers, geom_linerange)
    np.testing.assert_allclose(np.unique((10 ** singles["x"]).round(6)), [0.2])
    assert any("95 % intervals" in text for text in texts(figure))
    for plot in (draw_widths(table.assign(feature_lo=np.nan)), draw_widths(table, intervals=False)):
        figure, (layers, _, _) = built(plot)
        assert not layer(layers, geom_ribbon)
        assert not any("intervals" in text for text in texts(figure))


def test_the_level_of_the_intervals_is_named():
    figure, _ = built(draw_widths(table_of(TWO), intervals=0.9))
    assert any("their 90 % intervals" in text for text in texts(figure))


@pytest.mark.parametrize("level", [1, 0, 95, -0.5, np.nan, "high", None])
def test_what_is_no_level_is_an_error(level):
    with pytest.raises(ValueError, match="`intervals` must be True, False or a level between"):
        draw_widths(table_of(TWO), intervals=level)


def test_intervals_at_grey_widths_do_not_stretch_the_axis():
    table = table_of(TWO)
    few = table["effective_n"] < ENOUGH
    table.loc[few, "feature_lo"] -= 100
    table.loc[few, "feature_hi"] += 100
    figure, _ = built(draw_widths(table))
    low, high = figure.axes[0].get_ylim()
    assert low < -0.5
    assert 0.5 < high < 1
    table["effective_n"] = 1000
    figure, _ = built(draw_widths(table))
    assert figure.axes[0].get_ylim()[1] > 100


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_weights_of_any_size_are_inside_the_panel(scale):
    table = table_of(TWO)
    sizes = ["feature_weight", "feature_lo", "feature_hi"]
    table[sizes] *= scale
    figure, _ = built(draw_widths(table))
    low, high = figure.axes[0].get_ylim()
    assert low < -0.5 * scale
    assert 0.5 * scale < high < 2 * scale
    ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert len(set(ticks)) == len(ticks) > 1


def test_fits_far_below_0_are_cut_off():
    table = table_of(TWO).assign(fresh_r2=lambda t: np.where(t["width"] < 0.3, -40.0, 0.5))
    figure, _ = built(draw_widths(table))
    low, high = figure.axes[2].get_ylim()
    assert LOWEST_R2 - 0.2 < low < LOWEST_R2
    assert 1 < high < 1.2
    assert any("Cut off below -1" in text for text in texts(figure))
    assert not any("Cut off" in text for text in texts(built(draw_widths(table_of(TWO)))[0]))


def test_the_key_has_the_descriptions_in_the_order_of_the_last_weights():
    weights = {
        "low": [0.5, 0.4, 0.3, 0.2, -0.4],
        "high": [0.0] * 5,
        "early": [9.0, 0.1, *[None] * 3],
    }
    table = table_of(weights)
    found = texts(built(draw_widths(table))[0])
    names = [text for text in found if text.endswith("<= 1")]
    assert names == ["early <= 1", "high <= 1", "low <= 1"]
    same = texts(built(draw_widths(table.assign(feature_desc="$x$ <= 1")))[0])
    expected = [rf"\$x\$ <= 1 ({name})" for name in ("early", "high", "low")]
    assert [text for text in same if "<= 1" in text] == expected
    numbers = table.assign(feature=table["feature"].map({"low": 1, "high": "1", "early": "1'"}))
    same = texts(built(draw_widths(numbers.assign(feature_desc="x")))[0])
    assert [text for text in same if text.startswith("x (")] == ["x (1')", "x (1)", "x (1)'"]


@pytest.mark.parametrize("n", [1, 7, 8, 25, 40])
def test_many_features_are_told_apart_and_fit_on_the_page(n):
    weights = {f"a feature with a long name {k}": [k / n] * 5 for k in range(n)}
    figure, (layers, _, _) = built(draw_widths(table_of(weights)))
    (lines,) = layer(layers, geom_line)
    looks = lines[["group", "color", "linetype"]].drop_duplicates()
    assert len(looks) == n
    assert len(looks[["color", "linetype"]].drop_duplicates()) == min(n, 28)
    names = [
        text.get_window_extent()
        for text in text_artists(figure)
        if text.get_text().startswith("a feature")
    ]
    assert len(names) == n
    assert min(box.y0 for box in names) >= 0
    assert max(box.y1 for box in names) <= figure.bbox.height
    assert max(box.x1 for box in names) <= figure.bbox.width
    for place, box in enumerate(names):
        assert not any(box.overlaps(other) for other in names[:place])


@pytest.mark.parametrize("vision", [None, *VISIONS])
def test_colours_differ_for_the_colour_blind(vision):
    matrix = np.eye(3) if vision is None else np.array(VISIONS[vision])

    def seen(colour):
        value = np.clip(matrix @ linear(colour), 0, 1)
        value = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
        return rgb2lab(value)

    for place, colour in enumerate(COLOURS):
        for other in COLOURS[:place]:
            assert np.linalg.norm(seen(colour) - seen(other)) > 8


@pytest.mark.parametrize(
    "table",
    [
        table_of({"age": [0.5]}, [0.75], [300.0]),
        table_of({"age": [0.5, 0.4]}, [0.5, 1.0], [10.0, 20.0]),
        table_of(TWO, label=None),
        table_of(TWO).drop(columns="label"),
        table_of(TWO, fresh_r2=np.nan, model_r2=np.nan),
        table_of(TWO, effective_n=[np.nan] * 5),
        table_of({"age": [np.nan] * 5}),
        table_of({"age": [0.0] * 5}, half_width=0.0),
        table_of(TWO, label="$ill$"),
        table_of(TWO).convert_dtypes(),
    ],
)
@pytest.mark.filterwarnings("error::UserWarning")
def test_every_table_is_drawn_and_saved(table, tmp_path):
    before = copy.deepcopy(table)
    plot = draw_widths(table)
    plot.save(tmp_path / "widths.png", dpi=40, verbose=False)
    plot.save(tmp_path / "again.pdf", verbose=False)
    assert (tmp_path / "widths.png").stat().st_size > 1000
    pd.testing.assert_frame_equal(table, before)


def test_a_label_is_named():
    assert "Label: ill" in texts(built(draw_widths(table_of(TWO)))[0])
    assert not any("Label" in t for t in texts(built(draw_widths(table_of(TWO, label=None)))[0]))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (table_of(TWO).drop(columns=["fresh_r2", "width"]), "it lacks width, fresh_r2"),
        (table_of(TWO).iloc[:0], "it has no rows"),
        (table_of(TWO).assign(label=["a", "b"] * 5), "of one label; not 'a', 'b'"),
        (table_of(TWO, width=0.0), "positive numbers as 'width'; not 0"),
        (table_of(TWO, width=np.inf), "positive numbers as 'width'; not inf"),
        (table_of(TWO, width=np.nan), "positive numbers as 'width'; not nan"),
        (pd.concat([table_of(TWO)] * 2), "one row per width and feature"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(table, message):
    with pytest.raises(ValueError, match=message):
        draw_widths(table)
