"""Weights of one case along the widths of the kernel, from one set of predictions."""

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd

from pylime import checks
from pylime.explainers import make_request
from pylime.options import EveryOption
from pylime.pipeline import (
    Explainer,
    fit_case,
    is_balanced,
    predict_permutations,
    prepare_cases,
)
from pylime.surrogate.intervals import effective_n, weight_intervals
from pylime.surrogate.linear import ridge, weighted_moments
from pylime.surrogate.resampling import fresh_r2

__all__ = ["weights_by_width"]

# Multiples of the default width that show both a collapse and the limit of equal weights.
_MULTIPLES = np.geomspace(0.1, 4, 25)


def weights_by_width(
    x: Any,
    explainer: Explainer,
    widths: Sequence[float] | None = None,
    **options: "Unpack[EveryOption]",
) -> pd.DataFrame:
    """
    Compute the weights of a case for several widths of the kernel.

    Parameters
    ----------
    x
        A table with one row, or one row as a Series.
    explainer
        From `pylime.lime`, of a table.
    widths
        Widths of the exponential kernel; by default 25 around the default of
        `pylime.explain`, 0.75 times the root of the number of columns.
    **options
        As in `pylime.explain`. `dist_fun` is `"euclidean"` by default, as `"gower"` has no
        kernel. The features are those that are selected at `kernel_width`; of several labels the
        first is shown.

    Returns
    -------
    pandas.DataFrame
        A row per width and feature, with the columns `width`, `feature`, `feature_desc`,
        `feature_weight`, `feature_lo`, `feature_hi` (of the fit without a penalty),
        `effective_n`, `model_r2`, `fresh_r2`, `case` and `label`.

    Raises
    ------
    TypeError, ValueError
        If the explainer is not of a table, there are several cases, or a width is not positive.
    """
    if not isinstance(explainer, Explainer) or explainer.kind.name != "table":
        raise TypeError("`explainer` must come from lime() of a table: others have no kernel.")
    request = make_request(explainer, ("widths",), **{"dist_fun": "euclidean", **options})
    cases = prepare_cases(x, explainer, request)
    if len(cases.names) != 1:
        raise ValueError(f"`x` must have one row, the case; it has {len(cases.names)}.")
    (predicted,) = predict_permutations(explainer, cases, request)
    case = predicted.case
    if case.reweighed is None:
        raise ValueError(
            "`dist_fun` must be a distance that the kernel turns into a similarity, such as "
            '"euclidean"; with "gower", or draws from the kernel, there is no width to change.'
        )
    fit = fit_case(predicted, request)[0]
    default = 0.75 * np.sqrt(case.design.shape[1]) * _MULTIPLES
    chosen = default.tolist() if widths is None else list(widths)
    for width in chosen:
        checks.positive("widths", width)
    design = case.design[:, fit.columns]
    response = predicted.responses[:, predicted.labels.index(fit.label)].astype(np.float64)
    described = dict(zip(fit.features, case.describe(fit.features), strict=True))
    tables = []
    for width in chosen:
        weights = case.reweighed(width)
        intervals = weight_intervals(
            design,
            response,
            weights,
            level=request.level,
            n_candidates=case.design.shape[1],
            blocks=is_balanced(case, request),
        )
        moments = weighted_moments(design, response[:, None], weights)
        fresh = fresh_r2(
            design,
            response[:, None],
            weights,
            method="none",
            n_features=len(fit.columns),
            penalty=0.0,
        )
        tables.append(
            pd.DataFrame(
                {
                    "width": width,
                    "feature": fit.features,
                    "feature_desc": [described[name][1] for name in fit.features],
                    "feature_weight": intervals.weight,
                    "feature_lo": intervals.lo,
                    "feature_hi": intervals.hi,
                    "effective_n": effective_n(weights),
                    "model_r2": ridge(moments, 0, 0.0).r2,
                    "fresh_r2": float(fresh[0]),
                }
            )
        )
    return pd.concat(tables, ignore_index=True).assign(case=case.case, label=fit.label)
