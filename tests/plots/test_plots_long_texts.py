"""Sentences as features: what stands beside the axes of plots."""

import pytest

from pylime import (
    as_regressor,
    compare_explanations,
    explain,
    lime,
    plot_beeswarm,
    plot_comparison,
    plot_explanations,
    plot_features,
    plot_importance,
    plot_waterfall,
)

LONG = (
    "Refunds, for which many visitors ask, are given within thirty days" + ", or later" * 20 + "."
)
TEXT = f"{LONG} Dogs stay\noutside. The garden is open."
EXPLAINER = lime(TEXT, as_regressor(lambda ts: [len(t) for t in ts]), tokenization="sentence")
EXPLANATION = explain(TEXT, EXPLAINER, n_permutations=100, random_state=1, contributions=True)
PLOTS = {
    "features": plot_features,
    "explanations": plot_explanations,
    "importance": plot_importance,
    "waterfall": plot_waterfall,
    "beeswarm": plot_beeswarm,
    "comparison": lambda frame: plot_comparison(compare_explanations({"a": frame, "b": frame})),
}


@pytest.mark.parametrize("name", PLOTS)
def test_a_sentence_has_room_beside_its_bar(name):
    frame = EXPLANATION.copy()
    figure = PLOTS[name](frame).draw()
    texts = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert any(
        text.startswith("Refunds, for which many") and "\N{HORIZONTAL ELLIPSIS}" in text
        for text in texts
    )
    assert "Dogs stay outside." in texts
    assert max(map(len, texts)) <= 80
    assert figure.get_size_inches()[0] < 14
    assert frame["feature_desc"].tolist() == EXPLANATION["feature_desc"].tolist()
    assert LONG in frame["feature_desc"].tolist()
