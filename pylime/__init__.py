"""
Explain single predictions of any model: R's `lime` in Python.

A model that nobody can look into is approximated around one case by a model that
everybody can read. Three steps, the same for every kind of input:

1. `explainer = lime(x, model, preprocess)` looks at what `x` is and remembers the model.
2. `explanation = explain(cases, explainer, n_labels=2, n_features=5)` makes permutations of
   each case (a row, a text or an image), that is, random variations, lets the model predict
   them, weighs them by their similarity to the case and fits a small linear model to them.
   The result is a tidy data frame: a row per case, label and feature, with the columns
   `pylime.COLUMNS`.
3. Plots take that frame: `plot_features(explanation)` shows every weight,
   `plot_explanations(explanation)` many cases at a glance,
   `plot_image_explanation(explanation)` an image and `plot_text_explanations(explanation)`
   a text. `interactive_text_explanations(explainer)` is a web page that explains a text while
   you type it.

Of many cases, `glance(explanation)` has a row each, with the fit of the local model;
`augment(cases, explanation)` puts the strongest features beside the cases; and
`feature_importance(explanation)` sums up how much each feature matters.
`pick_cases(explanation, n)` picks a few to look at, and
`compare_explanations({"old": e1, "new": e2})` joins two explanations.

How far to trust it: `explain(..., intervals=True)` adds intervals of the weights,
`quality(cases, explainer)` a verdict on each explanation, and `n_permutations="auto"` draws until
the weights are precise. `permutations(cases, explainer)` returns the rows behind it: what the model
received, and what it returned.

Only the permutation differs between inputs. Each column of a table is drawn anew from
what it holds in the training data, numbers within bins. An image is cut into superpixels,
connected areas of similar colour, that are shown or hidden; `plot_superpixels(path)` draws
them. Of a text some words are kept and the others dropped.

From one row to many machines: `explain(..., n_jobs=2)`, `explain(dask_frame, explainer)` and
`explain_batches(batches, explainer)` give the same rows for the same `random_state`.
`write_explanation(explanation, path)` keeps a frame with all its cells, `read_explanation(path)`
returns it, and `explain_to_parquet(batches, explainer, folder)` does work that takes hours.
`as_plain(explanation)` has numbers, strings and booleans only, for polars, Arrow, SQL and
spreadsheets.

The model goes in as it is: scikit-learn, boosted trees, Keras, PyTorch, statsmodels, H2O,
ONNX and transformers are supported. Wrap any other function in
`as_classifier(function, labels)` or `as_regressor(function)`; `predict_model` and `model_type`
can be extended to your own classes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pylime._version import __version__  # noqa: F401 - for users
from pylime.batches import arrow_schema, explain_batches, spark_schema
from pylime.bridges import as_shap, from_shap
from pylime.data.bundled import imagenet_labels, load_image_example, load_text_example
from pylime.errors import CaseError, CaseWarning, FitWarning, RequestError
from pylime.explainers import explain, lime, quality
from pylime.files.runs import explain_to_parquet
from pylime.files.storage import read_explanation, write_explanation
from pylime.frame import COLUMNS
from pylime.image.explainer import IMAGE
from pylime.image.superpixels import slic
from pylime.models import Predictions, as_classifier, as_regressor, model_type, predict_model
from pylime.pipeline import register_kind
from pylime.plain import as_plain
from pylime.sample import permutations
from pylime.summary import (
    augment,
    compare_explanations,
    feature_importance,
    glance,
    pick_cases,
)
from pylime.tabular.explainer import TABLE
from pylime.text.explainer import TEXT
from pylime.text.tokens import default_tokenize, icu_tokenize
from pylime.values import Bitmap, Superpixel, Word

if TYPE_CHECKING:
    from pylime.app import (
        interactive_text_explanations,
        render_text_explanations,
        text_explanations_output,
    )
    from pylime.plots.beeswarm import plot_beeswarm
    from pylime.plots.comparison import plot_comparison
    from pylime.plots.explanations import plot_explanations
    from pylime.plots.features import plot_features
    from pylime.plots.image import plot_image_explanation, plot_superpixels
    from pylime.plots.importance import plot_importance
    from pylime.plots.text import plot_text_explanations
    from pylime.plots.theme import theme_lime
    from pylime.plots.waterfall import plot_waterfall
    from pylime.plots.widths import plot_widths

__all__ = [
    "COLUMNS",
    "Bitmap",
    "CaseError",
    "CaseWarning",
    "FitWarning",
    "Predictions",
    "RequestError",
    "Superpixel",
    "Word",
    "arrow_schema",
    "as_classifier",
    "as_plain",
    "as_regressor",
    "augment",
    "compare_explanations",
    "as_shap",
    "default_tokenize",
    "explain",
    "explain_batches",
    "explain_to_parquet",
    "feature_importance",
    "glance",
    "from_shap",
    "icu_tokenize",
    "imagenet_labels",
    "interactive_text_explanations",
    "lime",
    "load_image_example",
    "load_text_example",
    "model_type",
    "permutations",
    "pick_cases",
    "plot_beeswarm",
    "plot_comparison",
    "plot_explanations",
    "plot_features",
    "plot_image_explanation",
    "plot_importance",
    "plot_superpixels",
    "plot_text_explanations",
    "plot_waterfall",
    "plot_widths",
    "predict_model",
    "quality",
    "read_explanation",
    "render_text_explanations",
    "slic",
    "spark_schema",
    "text_explanations_output",
    "theme_lime",
    "write_explanation",
]

for kind in (TEXT, IMAGE, TABLE):  # the last is tried first
    register_kind(kind)

# Plotnine is imported when the first plot is asked for, Shiny when a page is.
_LAZY = {
    "interactive_text_explanations": "pylime.app",
    "plot_beeswarm": "pylime.plots.beeswarm",
    "plot_comparison": "pylime.plots.comparison",
    "plot_explanations": "pylime.plots.explanations",
    "plot_features": "pylime.plots.features",
    "plot_image_explanation": "pylime.plots.image",
    "plot_importance": "pylime.plots.importance",
    "plot_superpixels": "pylime.plots.image",
    "plot_text_explanations": "pylime.plots.text",
    "plot_waterfall": "pylime.plots.waterfall",
    "plot_widths": "pylime.plots.widths",
    "render_text_explanations": "pylime.app",
    "text_explanations_output": "pylime.app",
    "theme_lime": "pylime.plots.theme",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    # Completion shows what is public, and not what the package imports.
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
