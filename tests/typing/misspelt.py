"""Calls with a misspelt name or choice: every line below the last import is wrong."""

import pandas as pd

from pylime import (
    as_classifier,
    as_plain,
    explain,
    explain_batches,
    explain_to_parquet,
    lime,
    permutations,
    pick_cases,
    plot_image_explanation,
    predict_model,
    quality,
    spark_schema,
)
from pylime.pipeline import Explainer
from pylime.surrogate import fit_surrogates


def calls(rows: pd.DataFrame, explainer: Explainer, explanation: pd.DataFrame) -> None:
    """None of these lines is right."""
    explain(rows, explainer, feature_select="lasso")
    explain(rows, explainer, draws="balance")
    explain(rows, explainer, n_permutations="al")
    explain(rows, explainer, on_error="skip")
    explain(rows, explainer, n_features="5")
    explain(rows, explainer, n_feature=5)
    explain(rows, explainer, dist_fun="gowr")
    explain(rows, explainer, dist_fn="gower")
    explain(rows, explainer, sampling="kernels")
    explain(rows, explainer, n_superpixels="50")
    explain(rows, explainer, single_explanations=True)
    lime(rows, as_classifier(len), n_bin=3)
    lime(rows, as_classifier(len), dates="held")
    lime(rows, as_classifier(len), bin_continuous="no")
    lime(rows, as_classifier(len), n_features=3)
    lime(7, as_classifier(len))
    as_classifier(len, activation="relu")
    as_plain(explanation, cells="jason")
    pick_cases(explanation, 2, by="features")
    plot_image_explanation(explanation, display="blok")
    predict_model(len, rows, type="probs")
    quality(rows, explainer, draws="balance")
    permutations(rows, explainer, n_permutation=3)
    explain_batches([rows], explainer, on_error="skip")
    explain_to_parquet([rows], explainer, "folder", plain=True)
    spark_schema(explainer, interval=True)
    fit_surrogates(rows, rows, rows["a"].to_numpy(), ["a"], n_features=1, feature_select="best")
