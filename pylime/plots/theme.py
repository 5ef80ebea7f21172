"""The look of all plots: R lime's theme, labels of facets."""

from typing import Any

from plotnine import element_blank, element_text, labeller, theme, theme_minimal
from plotnine.iapi import strip_label_details

__all__ = ["label_both_upper", "theme_lime"]


def theme_lime(**settings: Any) -> theme:
    """
    Make the theme of `plot_features()`, `plot_explanations()` and image plots.

    Parameters
    ----------
    **settings
        Further elements, as for `plotnine.theme`.

    Returns
    -------
    plotnine.theme
        Minimal, with strips in bold, flush left.
    """
    defaults: dict[str, Any] = {
        "strip_text": element_text(weight="bold", size=9),
        "strip_text_x": element_text(
            ha="left", multialignment="left", margin={"l": 0, "t": 2, "b": 2}
        ),
        "plot_margin": 0.03,
        "legend_background": element_blank(),
        "legend_key": element_blank(),
        "panel_grid_major_y": element_blank(),
        "panel_grid_minor_y": element_blank(),
        "axis_ticks": element_blank(),
        "legend_position": "bottom",
        "axis_title_y": element_text(margin={"r": 10}),
        "axis_title_x": element_text(margin={"t": 10}),
    }
    return theme_minimal() + theme(**(defaults | settings))


class _LabelBothUpper(labeller):
    """Label a facet by its variable, in title case, and its value: "Label: setosa"."""

    def __call__(self, label_info: strip_label_details) -> strip_label_details:
        label_info = label_info.copy()
        for name, value in label_info.variables.items():
            title = " ".join(word[:1].upper() + word[1:] for word in name.split(" "))
            label_info.variables[name] = f"{title}: {value}"
        return label_info


label_both_upper: Any = _LabelBothUpper()
"""Labeller of all facets."""
