"""
Feature selection: which columns of a design a surrogate model may use.

`FeatureSelect` lists the methods by the names of R's `lime`, `SELECTORS` their functions.
Each takes the data of one case, the response and the number of features, and returns column
positions in the order in which the features are reported.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from pylime.errors import CaseError
from pylime.parallel import few_threads
from pylime.surrogate.linear import (
    DEPENDENT,
    Design,
    Moments,
    as_dense,
    coordinate_descent,
    dense_blocks,
    lasso_path,
    weighted_moments,
    wide_descent,
)

__all__ = [
    "FEATURE_SELECT",
    "SELECTORS",
    "FeatureSelect",
    "SelectionProblem",
    "column_selector",
    "effective_method",
    "select_features",
    "select_forward_wide",
    "select_highest_weights_wide",
    "sweep_forward",
]

FeatureSelect: TypeAlias = Literal[
    "auto", "none", "forward_selection", "highest_weights", "lasso_path", "tree"
]
"""A method of feature selection."""

FEATURE_SELECT: tuple[FeatureSelect, ...] = get_args(FeatureSelect)
"""The values of `feature_select`."""


@dataclass(frozen=True)
class SelectionProblem:
    """
    The data that a selector gets.

    Attributes
    ----------
    moments
        Weighted moments of the design and all responses.
    design
        (n, p) array or sparse matrix.
    responses
        (n, k) array.
    weights
        (n,) array.
    """

    moments: Moments
    design: Design
    responses: np.ndarray
    weights: np.ndarray


Selector: TypeAlias = Callable[[SelectionProblem, int, int], list[int]]
"""From the data, the position of a response and the number of features to columns."""

# If the chosen columns leave a smaller share of a column's variance, the fit depends on where
# coordinate descent stops.
_NEARLY_EXPLAINED = 0.05

# The largest number of features for which `auto` selects forward.
_MOST_FORWARD = 6

# With more columns than `WIDE`, forward selection does without the p x p Gram matrix. A
# method that needs it raises with more than `_WIDEST`, with which it takes 0.8 GB.
WIDE = 2000
_WIDEST = 10_000
# With more columns than this for each response, the highest weights are found without it if a few
# passes over the columns do, as in most tables; with more than the other, after many passes, too.
# For that, so many values are held as numbers.
_FEW_PASSES, _MANY_PASSES = 16, 400
_WIDE_FEW_PASSES, _WIDE_MANY_PASSES = 1000, 3000
_MOST_HELD = 50_000_000


def select_none(problem: SelectionProblem, response: int, n_features: int) -> list[int]:
    """Choose all columns."""
    return list(range(problem.design.shape[1]))


def select_forward(problem: SelectionProblem, response: int, n_features: int) -> list[int]:
    """
    Add, one by one, the column that raises R² of the unpenalised weighted fit most.

    The Gram matrix is swept by each chosen column, so that its diagonal gives every
    candidate's gain and no candidate is fitted [Goodnight1979]. The first column wins a tie.
    R fits by coordinate descent, which gains next to nothing from a column that the
    chosen ones nearly explain; for such a column the gain of the descent counts.

    References
    ----------
    - [Goodnight1979] Goodnight (1979), The American Statistician 33, 149-158.
    """
    gram, target = problem.moments.gram, problem.moments.cross[:, response]
    swept, cross = gram.copy(), target.copy()
    open_ = np.ones(len(cross), dtype=bool)
    chosen: list[int] = []
    r2 = 0.0
    for _ in range(n_features):
        left = np.diag(swept)
        # The rest of a column that the chosen ones explain is rounding error.
        usable = open_ & (left > DEPENDENT)
        gain = np.where(usable, np.square(cross) / np.where(usable, left, 1.0), 0.0)
        for column in np.flatnonzero(usable & (left < _NEARLY_EXPLAINED)):
            columns = [*chosen, int(column)]
            beta = coordinate_descent(gram[np.ix_(columns, columns)], target[columns], 0.0)
            reached = 2 * beta @ target[columns] - beta @ gram[np.ix_(columns, columns)] @ beta
            gain[column] = reached - r2
        gain[~open_] = -np.inf
        best = int(np.argmax(gain >= gain.max() - 1e-12))
        chosen.append(best)
        open_[best] = False
        if usable[best]:
            r2 += np.square(cross[best]) / left[best]
            column = swept[:, best] / math.sqrt(swept[best, best])
            cross -= column * (cross[best] / math.sqrt(swept[best, best]))
            swept -= np.outer(column, column)
    return chosen


def select_forward_wide(
    design: Design, responses: np.ndarray, weights: np.ndarray, n_features: int
) -> list[list[int]]:
    """
    Select forward with only the chosen columns of the p x p Gram matrix.

    The same as `select_forward`, except that for a column which the chosen ones nearly
    explain the gain of the exact fit counts.

    Parameters
    ----------
    design
        (n, p) array or sparse matrix.
    responses
        (n, k) array.
    weights
        (n,) array.
    n_features
        How many columns to choose.

    Returns
    -------
    list of list of int
        Column positions for each response.
    """
    weights = weights / weights.sum()
    weighted = (responses - weights @ responses) * weights[:, None]
    mean, variance = np.zeros((2, design.shape[1]))
    products = np.zeros((design.shape[1], responses.shape[1]))
    for rows, block in dense_blocks(design):
        mean += weights[rows] @ block
    for rows, block in dense_blocks(design):
        block = block - mean
        products += block.T @ weighted[rows]
        variance += weights[rows] @ np.square(block, out=block)
    scale = np.sqrt(variance)
    usable = scale > 1e-12 * np.abs(mean)
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=usable)

    def correlations(columns: np.ndarray) -> np.ndarray:
        distinct, places = np.unique(columns, return_inverse=True)
        values = as_dense(design[:, distinct]) - mean[distinct]
        values *= weights[:, None] * inverse[distinct]
        found = np.zeros((len(distinct), design.shape[1]))
        for rows, block in dense_blocks(design):
            found += values[rows].T @ block  # the values sum to zero, so the means drop out
        return (found * inverse)[places]

    found = sweep_forward((products * inverse[:, None]).T, usable, correlations, n_features)
    return found.tolist()


def sweep_forward(
    cross: np.ndarray,
    usable: np.ndarray,
    correlations: Callable[[np.ndarray], np.ndarray],
    n_features: int,
) -> np.ndarray:
    """
    Select forward for several responses at once, from correlations.

    Parameters
    ----------
    cross
        (r, p) correlations of each response with its columns, up to a factor.
    usable
        (p,) or (r, p) array: whether a column varies.
    correlations
        A function from r column positions, one for each response, to the (r, p)
        correlations of these columns with all.
    n_features
        How many columns to choose.

    Returns
    -------
    numpy.ndarray
        (r, n_features) column positions.
    """
    each = np.arange(len(cross))
    left = np.where(usable, 1.0, np.zeros_like(cross))
    open_ = np.ones(cross.shape, dtype=bool)
    swept: list[np.ndarray] = []
    chosen = np.empty((len(cross), n_features), dtype=np.intp)
    for number in range(n_features):
        # The rest of a column that the chosen ones explain is rounding error.
        varies = left > DEPENDENT
        squares = np.square(cross)
        gain = np.divide(squares, left, out=np.zeros_like(cross), where=varies)
        gain[~open_] = -np.inf
        enough = gain.max(axis=1) - 1e-12 * squares.max(axis=1)
        best = np.argmax(gain >= enough[:, None], axis=1)
        chosen[:, number] = best
        if number == n_features - 1:
            break
        open_[each, best] = False
        column = correlations(best)
        for earlier in swept:
            column -= earlier * earlier[each, best][:, None]
        pivot = np.sqrt(np.where(varies[each, best], left[each, best], np.inf))
        column /= pivot[:, None]
        cross = cross - column * (cross[each, best] / pivot)[:, None]
        left = left - np.square(column)
        swept.append(column)
    return chosen


def effective_method(method: FeatureSelect, n_features: int, n_columns: int) -> FeatureSelect:
    """Return the method that is used for so many features and columns."""
    if n_features >= n_columns:
        return "none"
    if method != "auto":
        return method
    return "forward_selection" if n_features <= _MOST_FORWARD else "highest_weights"


def select_highest_weights(problem: SelectionProblem, response: int, n_features: int) -> list[int]:
    """
    Choose the columns with the largest coefficients of the weighted fit on all columns.

    The unpenalised fit is glmnet's: coordinate descent with its stopping rule, which
    keeps the coefficients of nearly collinear columns small.
    """
    moments = problem.moments
    beta = coordinate_descent(moments.gram, moments.cross[:, response], penalty=0.0)
    return _highest(beta / np.where(moments.scale > 0, moments.scale, np.inf), n_features)


def _highest(weights: np.ndarray, n_features: int) -> list[int]:
    """Return the positions of the largest weights; of equal ones, the first."""
    return np.argsort(-np.abs(weights), kind="stable")[:n_features].tolist()


def select_highest_weights_wide(
    design: Design, responses: np.ndarray, weights: np.ndarray, n_features: int
) -> list[list[int]] | None:
    """
    Choose the columns with the largest coefficients without the p x p Gram matrix.

    Parameters
    ----------
    design, responses, weights, n_features
        As of `select_forward_wide`.

    Returns
    -------
    list of list of int
        Column positions for each response; None if the Gram matrix is the quicker way.
    """
    n, p = design.shape
    n_responses = responses.shape[1]
    if not _WIDE_FEW_PASSES * n_responses < p <= _WIDEST or n * p > _MOST_HELD:
        return None
    most = _MANY_PASSES if p > _WIDE_MANY_PASSES * n_responses else _FEW_PASSES
    with few_threads(n):  # a pass consists of many small products
        found = wide_descent(design, responses, weights, most)
    return None if found is None else [_highest(beta, n_features) for beta in found.T]


def select_lasso_path(problem: SelectionProblem, response: int, n_features: int) -> list[int]:
    """
    Choose the non-zero columns of the last point of the lasso path that has few enough.

    They may be fewer than `n_features`. If the path jumps from none to too many, they are
    those with the largest coefficients at the first point that is not empty.
    """
    path = lasso_path(problem.moments, response)
    counts = np.count_nonzero(path, axis=1)
    last = np.flatnonzero(counts <= n_features)[-1]
    if counts[last]:
        return np.flatnonzero(path[last]).tolist()
    filled = np.flatnonzero(counts)
    if not len(filled):
        raise ValueError(_nothing_found("lasso_path"))
    first = np.abs(path[filled[0]])
    return sorted(np.argsort(-first, kind="stable")[:n_features].tolist())


def select_tree(problem: SelectionProblem, response: int, n_features: int) -> list[int]:
    """
    Choose the columns that a boosted tree splits on, in column order.

    The first tree of boosting a logistic loss from probability 1/2 has the splits of
    a weighted regression tree on the response itself, so the function fits that tree. Its
    depth is floor(log2(n_features)), at least 2. R's `lime` fits it with xgboost, where a
    leaf has a sum of Hessians of at least 1, which is a weight of 4 here.
    """
    # scikit-learn takes half a second to import, and only this method needs it.
    from sklearn.tree import DecisionTreeRegressor

    design = problem.design
    if not isinstance(design, np.ndarray):
        design = design.tocsc()
        design = design.tocsc()
        if design.nnz <= np.iinfo(np.int32).max:
            # A design of several texts has 64-bit positions, which the tree does not accept.
            positions = design.indices.astype(np.int32), design.indptr.astype(np.int32)
            design = type(design)((design.data, *positions), design.shape)
    elif design.dtype.kind == "f":
        # The tree works in single precision, in which large numbers lose their differences.
        scale = problem.moments.scale
        design = (design - problem.moments.mean) / np.where(scale > 0, scale, 1.0)
    # The tree takes responses that vary by 1e-8 for constant. Powers of 2 round nothing.
    _, exponent = np.frexp(problem.moments.response_scale[response])
    target = np.ldexp(problem.responses[:, response], -exponent)
    tree = DecisionTreeRegressor(
        max_depth=max(int(math.log2(n_features)), 2),
        min_weight_fraction_leaf=min(4.0 / problem.weights.sum(), 0.5),
        random_state=0,
    ).fit(design, target, sample_weight=problem.weights)
    found: list[int] = []
    level = [0]
    while level and len(found) < n_features:
        splits = [node for node in level if tree.tree_.children_left[node] >= 0]
        found += [int(tree.tree_.feature[node]) for node in splits]
        found = list(dict.fromkeys(found))
        level = [
            child
            for node in splits
            for child in (tree.tree_.children_left[node], tree.tree_.children_right[node])
        ]
    if not found:
        raise ValueError(_nothing_found("tree"))
    return sorted(found[:n_features])


SELECTORS: dict[FeatureSelect, Selector] = {
    "none": select_none,
    "forward_selection": select_forward,
    "highest_weights": select_highest_weights,
    "lasso_path": select_lasso_path,
    "tree": select_tree,
}


def _nothing_found(method: FeatureSelect) -> str:
    return f'`feature_select="{method}"` found no feature for this case; choose another method.'


def select_features(
    method: FeatureSelect, problem: SelectionProblem, response: int, n_features: int
) -> list[int]:
    """
    Choose columns by a method's name; all of them if there are no more than `n_features`.

    Parameters
    ----------
    method
        One of `FEATURE_SELECT`.
    problem
        The data of one case.
    response
        Position of the response.
    n_features
        The largest number of columns; `"none"` ignores it.

    Returns
    -------
    list of int
        Column positions.

    Raises
    ------
    ValueError
        If the method finds nothing.
    """
    method = effective_method(method, n_features, problem.design.shape[1])
    return SELECTORS[method](problem, response, n_features)


def column_selector(
    design: Design,
    responses: np.ndarray,
    weights: np.ndarray,
    n_features: int,
    method: FeatureSelect,
) -> Callable[[int], tuple[list[int], Moments]]:
    """
    Prepare the choice of columns for several responses, which share their moments.

    Parameters
    ----------
    design
        (n, p) array or sparse matrix.
    responses
        (n, k) array.
    weights
        (n,) array, not all zero.
    n_features
        The largest number of columns; `"none"` ignores it.
    method
        One of `FEATURE_SELECT`.

    Returns
    -------
    callable
        A function from the position of a response to the positions of its columns and the
        moments of these. It raises a CaseError if the method finds nothing.

    Raises
    ------
    CaseError
        If a method that needs the Gram matrix gets too many columns.
    """
    n_columns = design.shape[1]
    effective = effective_method(method, n_features, n_columns)
    found = None
    if n_columns > WIDE and effective == "forward_selection":
        found = select_forward_wide(design, responses, weights, n_features)
    elif effective == "highest_weights":
        found = select_highest_weights_wide(design, responses, weights, n_features)
    if found is not None:
        wide = found
        return lambda k: (wide[k], weighted_moments(design[:, wide[k]], responses, weights))
    if n_columns > _WIDEST:
        raise CaseError(
            f'`feature_select="{method}"` with `n_features={n_features}` takes at most '
            f'{_WIDEST} features; the case has {n_columns}. "forward_selection" takes any number.'
        )
    moments = weighted_moments(design, responses, weights)
    problem = SelectionProblem(moments, design, responses, weights)

    def select(response: int) -> tuple[list[int], Moments]:
        try:
            columns = select_features(method, problem, response, n_features)
        except ValueError as error:
            raise CaseError(str(error)) from error
        return columns, moments.subset(columns)

    return select
