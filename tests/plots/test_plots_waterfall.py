"""The plot of steps, read back."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from plotnine import scale_fill_brewer
from test_plots_features import built, explanation_of, figure_size, many_cases

from pylime import (
    FitWarning,
    as_regressor,
    explain,
    lime,
    load_image_example,
    plot_waterfall,
)

TYPES = ["classification", "regression", "regression_not_binned", "text"]


def rows_of(plot, case, label=None):
    rows = plot.data[plot.data["case"] == str(case)]
    return rows if label is None else rows[rows["label"] == label]


def made(**columns):
    """An explanation by hand: 0.2 + 0.5 - 0.1 = 0.6, where the model itself predicts 0.9."""
    table = pd.DataFrame(
        {
            "model_type": "classification",
            "case": "a",
            "label": "yes",
            "label_prob": 0.9,
            "model_r2": 0.4,
            "model_intercept": 0.2,
            "model_prediction": 0.6,
            "feature": ["age", "size"],
            "feature_value": [71, 3.5],
            "feature_weight": [-0.1, 0.5],
            "feature_desc": ["60 < age", "size <= 4"],
        }
    )
    return table.assign(**columns)


def numbers(plot):
    """What is written beside the bars, from the top to the bottom."""
    return plot.data["number"].tolist()


def test_steps_lead_from_the_intercept_to_the_prediction():
    explanation = made()
    before = explanation.copy(deep=True)
    plot, strips = built(plot_waterfall(explanation))
    pd.testing.assert_frame_equal(explanation, before)
    data = plot.data
    assert data["text"].tolist() == [
        "Local model: intercept",
        "size <= 4",
        "60 < age",
        "Local model: prediction",
        "Model: prediction",
    ]
    np.testing.assert_allclose(data["start"], [0.2, 0.2, 0.7, 0.6, 0.9])
    np.testing.assert_allclose(data["end"], [0.2, 0.7, 0.6, 0.6, 0.9])
    assert numbers(plot) == ["0.20", "+0.50", "-0.10", "0.60", "0.90"]
    strip = [line.lower() for line in strips[0]]
    assert strip == ["case: a", "label: yes", "probability: 0.9", "explanation fit: 0.4"]
    assert plot.layout.panel_params[0].y.labels == data["text"].tolist()[::-1]


def test_the_bars_and_the_dashed_line_stand_where_the_numbers_are():
    plot, _ = built(plot_waterfall(made()))
    gap, dashed, connectors, bars, marks = (plot.layers[k].data for k in range(5))
    np.testing.assert_allclose(gap[["xmin", "xmax"]].iloc[0], [0.6, 0.9])
    assert dashed["xintercept"].tolist() == [0.9]
    # From the top: the intercept to the first step, that to the second, and this to the end.
    np.testing.assert_allclose(connectors["x"], [0.2, 0.7, 0.6])
    assert connectors["y"].tolist() == [5, 4, 3]
    assert connectors["yend"].tolist() == [4, 3, 2]
    np.testing.assert_allclose(bars[["xmin", "xmax"]], [[0.2, 0.7], [0.6, 0.7]])
    assert bars["fill"].tolist() == ["steelblue", "firebrick"]
    np.testing.assert_allclose(marks["x"], [0.2, 0.6])


def test_contributions_start_at_the_mean():
    explanation = made(feature_contribution=[-0.05, 0.25], surrogate_mean=0.4)
    data = plot_waterfall(explanation).data
    assert data["text"].iloc[0] == "Local model: mean"
    np.testing.assert_allclose(data["end"], [0.4, 0.65, 0.6, 0.6, 0.9])


def test_contributions_that_are_missing_do_not_count():
    explanation = made(feature_contribution=[np.nan, 0.25], surrogate_mean=0.4)
    data = plot_waterfall(explanation).data
    assert data["text"].iloc[0] == "Local model: intercept"


def test_a_rest_is_shown_where_the_steps_lead_elsewhere():
    plot, _ = built(plot_waterfall(made().iloc[[0]]))
    data = plot.data
    assert data["kind"].tolist() == ["start", "step", "rest", "local", "model"]
    np.testing.assert_allclose(data["start"], [0.2, 0.2, 0.1, 0.6, 0.9])
    np.testing.assert_allclose(data["end"], [0.2, 0.1, 0.6, 0.6, 0.9])
    assert data["text"].iloc[2] == "Rest"
    assert plot.layers[4].data["fill"].tolist() == ["#999999"]


@pytest.mark.parametrize("name", TYPES)
def test_the_steps_of_r_sum_to_its_predictions(name):
    explanation = explanation_of(name)
    plot, _ = built(plot_waterfall(explanation))
    assert "rest" not in set(plot.data["kind"])
    keys = [key for key in ("case", "label") if key in explanation]
    last = plot.data[plot.data["kind"] == "step"].astype(dict.fromkeys(keys, str))
    ends = last.groupby(keys)["end"].last()
    expected = explanation.astype(dict.fromkeys(keys, str)).groupby(keys)["model_prediction"]
    np.testing.assert_allclose(ends, expected.first(), rtol=1e-6)


def test_a_plain_number_is_its_weight_times_its_value():
    explanation = made(
        model_type="regression", prediction=8.0, feature_desc=["age", "size"]
    ).assign(model_prediction=0.2 - 0.1 * 71 + 0.5 * 3.5)
    data = plot_waterfall(explanation.drop(columns=["label", "label_prob"])).data
    assert data["kind"].tolist() == ["start", "step", "step", "local", "model"]
    np.testing.assert_allclose(data["end"], [0.2, -6.9, -5.15, -5.15, 8.0])
    assert data["number"].tolist() == ["0.20", "-7.1", "+1.8", "-5.2", "8.0"]


def test_contributions_of_an_explainer_leave_no_rest():
    random = np.random.default_rng(1)
    table = pd.DataFrame(random.normal(size=(200, 3)), columns=list("abc"))
    model = as_regressor(lambda x: x["a"] - 2 * x["b"] * x["c"])
    explainer = lime(table, model)
    with pytest.warns(FitWarning):
        explanation = explain(table.head(3), explainer, contributions=True, n_permutations=200)
    data = plot_waterfall(explanation, ncol=3).data
    assert "rest" not in set(data["kind"])
    starts = data[data["kind"] == "start"]["end"]
    np.testing.assert_allclose(starts, explanation.groupby("case")["surrogate_mean"].first())


def test_an_image_shows_bounding_boxes():
    plot, _ = built(plot_waterfall(load_image_example()))
    shown = {text for params in plot.layout.panel_params for text in params.y.labels}
    assert set(load_image_example()["feature_desc"]) < shown


def test_cases_are_chosen_and_keep_their_order():
    plot = plot_waterfall(explanation_of("classification"), cases=["107", "1"])
    assert list(plot.data["case"].cat.categories) == ["1", "107"]


def test_weights_of_zero_are_drawn():
    explanation = made(feature_weight=0.0, model_prediction=0.2, label_prob=0.2)
    plot, _ = built(plot_waterfall(explanation))
    assert numbers(plot) == ["0.20", "0", "0", "0.20", "0.20"]


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e3, 1e9])
def test_numbers_have_two_significant_digits_at_any_scale(scale):
    of_scale = ["feature_weight", "model_intercept", "model_prediction"]
    explanation = made(model_type="regression", prediction=0.9 * scale)
    explanation[of_scale] *= scale
    plot, _ = built(plot_waterfall(explanation.drop(columns=["label", "label_prob"])))
    values = [float(text) / scale for text in numbers(plot)]
    np.testing.assert_allclose(values, [0.2, 0.5, -0.1, 0.6, 0.9], rtol=1e-6)
    assert max(map(len, numbers(plot))) < 10


def test_numbers_stay_in_the_panel_and_off_the_dashed_line():
    plot = plot_waterfall(many_cases(4).assign(model_intercept=0.2, model_prediction=0.5))
    figure = plot.draw()
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    for axes in figure.axes:
        inside = axes.get_window_extent(renderer)
        dashed = axes.transData.transform((0.5, 0))[0]
        for text in axes.texts:
            box = text.get_window_extent(renderer)
            assert inside.x0 - 1 <= box.x0 < box.x1 <= inside.x1 + 1
            assert not box.x0 < dashed < box.x1


def test_a_figure_grows_with_its_panels():
    explanation = many_cases(9).assign(model_intercept=0.2, model_prediction=0.5)
    few, many = (plot_waterfall(explanation, cases=cases) for cases in ([0], None))
    assert figure_size(few)[1] < figure_size(many)[1]


def test_sixty_panels_are_shown_with_a_warning():
    explanation = many_cases(70).assign(model_intercept=0.2, model_prediction=0.5)
    with pytest.warns(UserWarning, match="the first 60 of 70 cases are shown"):
        plot = plot_waterfall(explanation)
    assert plot.data["case"].nunique() == 60


def test_colours_are_the_palettes():
    for palette in (("#112233", "orange"), scale_fill_brewer(type="qual", palette="Set1")):
        plot, _ = built(plot_waterfall(made(), palette=palette))
        fills = plot.layers[3].data["fill"].str.lower().tolist()
        assert fills == (
            ["#112233", "orange"] if isinstance(palette, tuple) else ["#e41a1c", "#377eb8"]
        )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"cases": "b"}, ValueError, "`cases` must be among the explained cases 'a'"),
        ({"ncol": 0}, ValueError, "`ncol` must be a positive whole number"),
        ({"palette": "Blues"}, TypeError, "`palette` must be 2 colours, for steps up and for st"),
    ],
)
def test_wrong_arguments_raise(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_waterfall(made(), **arguments)


def test_a_frame_that_is_not_an_explanation_raises():
    with pytest.raises(ValueError, match="without 'model_intercept' it is incomplete"):
        plot_waterfall(made().drop(columns="model_intercept"))
    with pytest.raises(TypeError, match="`explanation` must be a data frame"):
        plot_waterfall([1])


def test_several_cases_of_one_name_are_an_error():
    once = made()
    with pytest.raises(ValueError, match="must have another name for each case; 'a' is the name"):
        plot_waterfall(pd.concat([once, once]))
    other = made(feature=["town", "rent"], model_prediction=0.7)
    with pytest.raises(ValueError, match="must have another name for each case; 'a' is the name"):
        plot_waterfall(pd.concat([once, other]))
    with pytest.raises(ValueError, match="must have another name for each case"):
        plot_waterfall(pd.concat([made(case=1), made(case="1")]))
