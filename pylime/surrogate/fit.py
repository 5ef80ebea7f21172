"""
Surrogate models: which labels to fit, and the fit of each.

`fit_labels` works on arrays. `fit_surrogates` chooses the labels, takes their predictions
from a data frame, and returns the fits as one.
"""

import difflib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Labels
from pylime.errors import CaseError, RequestError
from pylime.parallel import few_threads
from pylime.surrogate.intervals import contributions, effective_n
from pylime.surrogate.linear import Design, as_dense, fit_columns
from pylime.surrogate.selection import FEATURE_SELECT, FeatureSelect, column_selector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from scipy import sparse

__all__ = [
    "Surrogate",
    "as_design",
    "choose_labels",
    "fit_labels",
    "fit_surrogates",
    "varying_columns",
]

AnyDesign: TypeAlias = "ArrayLike | sparse.sparray | sparse.spmatrix"
"""An (n, p) array or sparse matrix of any type."""


@dataclass(frozen=True)
class Surrogate:
    """
    The local model of one label.

    Attributes
    ----------
    label
        The label, or `"Response"`.
    features
        Names of the columns it uses, in the order of their selection.
    coefficients
        A weight for each.
    r2, intercept
        Weighted R² and intercept.
    prediction
        The fit at the case itself.
    shrinkage
        The share that the penalty takes of the weight of a column without correlations.
    columns
        Positions of these columns in the design.
    contributions
        How much each moves the fit at the case itself away from `mean`.
    mean
        The weighted mean of the fit, which is that of the response.
    effective_n
        How many equally weighted permutations would carry as much information (Kish).
    scale
        What makes the weights comparable: 1 where columns are compared with the case, else the
        weighted standard deviation of each column.

    Examples
    --------
    >>> fit = Surrogate("yes", ["age"], np.array([0.5]), r2=0.9, intercept=0.1, prediction=0.6)
    >>> dict(zip(fit.features, fit.coefficients.tolist(), strict=True))
    {'age': 0.5}
    """

    label: Hashable
    features: list[str]
    coefficients: np.ndarray
    r2: float
    intercept: float
    prediction: float
    shrinkage: float = 0.0
    columns: Sequence[int] = ()
    contributions: np.ndarray = field(default_factory=lambda: np.empty(0))
    mean: float = np.nan
    effective_n: float = np.nan
    scale: np.ndarray = field(default_factory=lambda: np.ones(1))


def choose_labels(
    prediction: Mapping[Hashable, float] | pd.Series,
    labels: Labels = None,
    n_labels: int | None = None,
) -> list[Hashable]:
    """
    Decide which labels to explain.

    Parameters
    ----------
    prediction
        The model's prediction of the case, by label.
    labels
        One name, or several, explained in this order; or positions from 0, unless the
        names are whole numbers.
    n_labels
        Alternatively, the number of labels, most likely first. Default: only the most
        likely.

    Returns
    -------
    list
        Labels, as they stand in the prediction.

    Raises
    ------
    RequestError
        A ValueError: if both are given, a label is unknown, or the model has fewer than
        `n_labels`.

    Examples
    --------
    >>> choose_labels({"cat": 0.7, "dog": 0.1, "fox": 0.2}, n_labels=2)
    ['cat', 'fox']
    """
    known = list(prediction.keys())
    if labels is not None and n_labels is not None:
        raise RequestError("You need to choose between `labels` and `n_labels`; not both.")
    if labels is None:
        n_labels = 1 if n_labels is None else n_labels
        if n_labels > len(known):
            raise RequestError(
                f"`n_labels` must not exceed the model's {len(known)} labels; not {n_labels}."
            )
        values = [value for _, value in prediction.items()]
        order = np.argsort(np.negative(values), kind="stable")
        return [known[position] for position in order[:n_labels]]
    chosen = list(dict.fromkeys(_known_label(label, known) for label in _listed(labels, known)))
    if not chosen:
        raise RequestError("`labels` must name at least one label; it is empty.")
    return chosen


def _listed(labels: Labels, known: Sequence[Hashable]) -> list[Hashable]:
    """List one label, which can be a tuple, or several."""
    if isinstance(labels, str) or not np.iterable(labels):
        return [labels]
    return [labels] if isinstance(labels, tuple) and labels in known else list(labels)


def _known_label(label: Hashable, known: Sequence[Hashable]) -> Hashable:
    if label in known:
        return known[known.index(label)]
    names = {str(name): name for name in known}
    if str(label) in names:
        return names[str(label)]
    counted = any(isinstance(name, int | np.integer) for name in known)
    if isinstance(label, int | np.integer) and not isinstance(label, bool) and not counted:
        position = int(label)
        if 0 <= position < len(known):
            return known[position]
    nearest = [names[name] for name in _nearest_names(str(label), list(names))]
    raise RequestError(
        f"`labels` must be among the model's {len(known)} labels; not {label!r}. "
        + (f"Nearest: {checks.some(nearest)}. " if nearest else "")
        + f"They are {checks.some(known)}."
    )


def _nearest_names(name: str, names: Sequence[str]) -> list[str]:
    """List the names that contain a name or are spelt like it, best first."""
    word = name.casefold()
    containing = [other for other in names if word and word in other.casefold()]
    folded = {other.casefold(): other for other in names}
    alike = [folded[match] for match in difflib.get_close_matches(word, folded, n=5, cutoff=0.5)]
    return list(dict.fromkeys(containing[:5] + alike))[:5]


def fit_labels(
    design: AnyDesign,
    responses: np.ndarray,
    weights: np.ndarray,
    features: Sequence[str],
    labels: Sequence[Hashable],
    *,
    n_features: int,
    feature_select: FeatureSelect = "auto",
    penalty: float | None = None,
    n_draws: int | None = None,
) -> list[Surrogate]:
    """
    Fit one weighted linear model per label whose response varies.

    Parameters
    ----------
    design
        (n, p) array or sparse matrix; row 0 is the case itself. Columns with a missing
        value or without variance are left out.
    responses
        (n, k) array, the predictions of each of the k labels.
    weights
        (n,) array, not negative.
    features
        Names of the p columns.
    labels
        Names of the k labels.
    n_features
        The largest number of features of a fit (`feature_select="none"` uses all).
    feature_select
        One of `FEATURE_SELECT`.
    penalty
        λ of the ridge regression, in units of the response; by default R's 2/n.
    n_draws
        Where the rows are all there are, with the case once among them: how many draws their
        weights stand for, which is the n of the default penalty. None if rows are drawn.

    Returns
    -------
    list of Surrogate
        One per label, without those whose response is the same for every permutation. With
        several features a ridge regression in glmnet's scaling; with one, weighted least
        squares (R: `lime:::model_permutations`).

    Raises
    ------
    CaseError
        If all weights after the first are zero, every response is constant, no column
        varies, or the selection finds nothing.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> design = random.integers(0, 2, (200, 3))
    >>> responses = design[:, [0]] * 2.0 + 1
    >>> [fit] = fit_labels(design, responses, np.ones(200), ["a", "b", "c"], ["yes"], n_features=1)
    >>> fit.features, fit.coefficients.round(6).tolist(), round(fit.intercept, 6)
    (['a'], [2.0], 1.0)
    """
    weights = np.asarray(weights, dtype=np.float64)
    responses = np.asarray(responses, dtype=np.float64)
    if penalty is None and n_draws is not None:
        penalty = 2.0 / n_draws
    if not weights[1:].sum() > 1e-12 * weights.max():
        raise CaseError(
            "All permutations have no similarity to the original observation. "
            "Try setting `bin_continuous=True` and/or increase `kernel_width`."
        )
    matrix = as_design(design)
    varying = varying_columns(matrix)
    if not len(varying):
        raise CaseError(
            "No feature varies over the permutations, so there is nothing to fit. With few "
            "permutations, raise `n_permutations`."
        )
    reacting = np.flatnonzero(np.any(responses != responses[0], axis=0))
    if not len(reacting):
        raise CaseError(
            f"The response of label {labels[0]!r} is {responses[0, 0]:g} for every permutation. "
            "Please check your model: it does not react to the permutations"
            + (", or raise `n_permutations`." if (n_draws or len(responses)) < 100 else ".")
        )
    responses = responses[:, reacting]
    if len(varying) < matrix.shape[1]:
        matrix = matrix[:, varying]
    with few_threads(matrix.shape[0] * matrix.shape[1] ** 2):
        select = column_selector(matrix, responses, weights, n_features, feature_select)
        chosen = [select(position) for position in range(len(reacting))]
        fits = [fit_columns(moments, k, penalty) for k, (_, moments) in enumerate(chosen)]
    first = np.asarray(as_dense(matrix[[0]])[0], dtype=np.float64)
    n_effective = effective_n(weights if n_draws is None else np.append(0.0, weights))
    surrogates = []
    for k, ((columns, moments), (fit, shrinkage)) in enumerate(zip(chosen, fits, strict=True)):
        surrogates.append(
            Surrogate(
                labels[int(reacting[k])],
                [str(features[varying[column]]) for column in columns],
                fit.coefficients,
                fit.r2,
                fit.intercept,
                float(fit.intercept + np.nansum(first[columns] * fit.coefficients)),
                shrinkage,
                varying[columns].tolist(),
                contributions(fit.coefficients, first[columns], moments.mean),
                float(moments.response_mean[k]),
                n_effective,
                np.ones(len(columns)) if matrix.dtype == bool else moments.scale,
            )
        )
    return surrogates


def as_design(design: AnyDesign) -> Design:
    """Convert a design to an array, or a sparse one to compressed rows."""
    if hasattr(design, "tocsr"):
        from scipy import sparse

        return sparse.csr_array(design)  # type: ignore[call-overload]
    return np.asarray(design)


def varying_columns(design: Design) -> np.ndarray:
    """Find the columns without missing values that have more than one value."""
    if not isinstance(design, np.ndarray):
        lowest, highest = design.min(axis=0).toarray(), design.max(axis=0).toarray()
    else:
        lowest, highest = np.min(design, axis=0), np.max(design, axis=0)
    # A missing value makes both extremes missing, and a comparison with those is false.
    return np.flatnonzero(np.ravel(lowest) < np.ravel(highest))


def fit_surrogates(
    design: AnyDesign,
    predictions: pd.DataFrame,
    weights: np.ndarray,
    features: Sequence[str],
    *,
    labels: Labels = None,
    n_labels: int | None = None,
    n_features: int,
    feature_select: FeatureSelect = "auto",
    penalty: float | None = None,
) -> pd.DataFrame:
    """
    Fit one weighted linear model per label to the permutations of a case.

    Parameters
    ----------
    predictions
        n rows, a column per label.
    design, weights, features, n_features, feature_select, penalty
        As in `fit_labels`.
    labels, n_labels
        As in `choose_labels`.

    Returns
    -------
    pandas.DataFrame
        A row per label and feature, with the columns `label`, `feature`,
        `feature_weight`, `model_r2`, `model_intercept` and `model_prediction`.

    Raises
    ------
    ValueError
        If an argument is wrong or the case cannot be explained.

    Examples
    --------
    >>> design = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
    >>> predictions = pd.DataFrame({"cat": [0.9, 0.7, 0.3, 0.1]})
    >>> fit = fit_surrogates(design, predictions, np.ones(4), ["ear", "tail"], n_features=1)
    >>> fit[["feature", "feature_weight", "model_intercept"]].round(2)
      feature  feature_weight  model_intercept
    0     ear             0.6              0.2
    """
    checks.one_of("feature_select", feature_select, FEATURE_SELECT)
    chosen = choose_labels(predictions.iloc[0], labels, n_labels)
    # By position, because pandas takes a label that is False or a tuple for something else.
    known: list[Hashable] = list(predictions.columns)
    places = [known.index(label) for label in chosen]
    surrogates = fit_labels(
        design,
        predictions.iloc[:, places].to_numpy(np.float64),
        weights,
        features,
        chosen,
        n_features=n_features,
        feature_select=feature_select,
        penalty=penalty,
    )
    return pd.DataFrame(
        [
            (fit.label, feature, weight, fit.r2, fit.intercept, fit.prediction)
            for fit in surrogates
            for feature, weight in zip(fit.features, fit.coefficients, strict=True)
        ],
        columns=[
            "label",
            "feature",
            "feature_weight",
            "model_r2",
            "model_intercept",
            "model_prediction",
        ],
    )
