"""
Weighted linear models on standardised data, with glmnet's scaling.

All functions work on the weighted moments of a design: the p x p correlation matrix of
its columns and their correlations with the responses, computed once and shared by all
responses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pylime.memory import work_array
from pylime.parallel import few_threads
from pylime.surrogate.steps import MOST_STEPS, NextStep, sum_of_followed_steps, sum_of_steps

if TYPE_CHECKING:  # scipy's parts are imported where they are used: they are slow to import
    from scipy import sparse

__all__ = [
    "DEPENDENT",
    "Design",
    "LinearFit",
    "Moments",
    "as_dense",
    "coordinate_descent",
    "dense_blocks",
    "fit_columns",
    "independent_factor",
    "lasso_path",
    "ridge",
    "weighted_moments",
    "wide_descent",
]

Design: TypeAlias = "np.ndarray | sparse.csr_array"
"""(n, p) array or sparse matrix: a row per permutation, a column per feature."""

# Rows are centred in blocks: a sparse or boolean design is never held as floating point
# numbers in one piece, and a block of few columns stays in the processor's cache. A block of
# many columns has as many rows: adding up p x p matrices would cost more than computing them.
_BLOCK_VALUES = 160_000
_MOST_VALUES = 2_000_000


# A column, or a combination of columns, that has less than this share of a column's variance
# depends on others: what is left of it is rounding error.
DEPENDENT = 1e-10

# With so few columns, all steps of a descent are quicker than those that the others follow from.
_FEW = 250
# A descent without a Gram matrix goes over so many columns at a time.
_WIDTH = 32


@dataclass(frozen=True)
class Moments:
    """
    Weighted means, standard deviations and correlations of columns and responses.

    Attributes
    ----------
    n
        Number of rows.
    mean, scale
        (p,) weighted mean and population standard deviation of each column.
    gram
        (p, p) weighted correlations of the columns.
    response_mean, response_scale
        (k,) the same of each response.
    cross
        (p, k) weighted correlations of columns with responses.
    """

    n: int
    mean: np.ndarray
    scale: np.ndarray
    gram: np.ndarray
    response_mean: np.ndarray
    response_scale: np.ndarray
    cross: np.ndarray

    def subset(self, columns: list[int]) -> "Moments":
        """Keep some columns of the design, in the given order."""
        return Moments(
            self.n,
            self.mean[columns],
            self.scale[columns],
            self.gram[np.ix_(columns, columns)],
            self.response_mean,
            self.response_scale,
            self.cross[columns],
        )


@dataclass(frozen=True)
class LinearFit:
    """A linear model on the original scale: (p,) coefficients, intercept, weighted R²."""

    coefficients: np.ndarray
    intercept: float
    r2: float


def as_dense(block: Design) -> np.ndarray:
    """Turn some rows or columns of a design into an array."""
    return block if isinstance(block, np.ndarray) else block.toarray()


def dense_blocks(design: Design) -> Iterator[tuple[slice, np.ndarray]]:
    """
    Iterate over blocks of rows of a design.

    Parameters
    ----------
    design
        (n, p) array or sparse matrix.

    Yields
    ------
    tuple
        The rows, and their values as an array of the design's type.
    """
    n, p = design.shape
    n_rows = max(_BLOCK_VALUES // max(p, 1), min(p, _MOST_VALUES // max(p, 1)), 1)
    for start in range(0, n, n_rows):
        rows = slice(start, start + n_rows)
        yield rows, as_dense(design[rows])


def weighted_moments(design: Design, responses: np.ndarray, weights: np.ndarray) -> Moments:
    """
    Compute the weighted moments of a design and its responses.

    Parameters
    ----------
    design
        (n, p) array or sparse matrix.
    responses
        (n, k) array.
    weights
        (n,) array of weights, not all zero.

    Returns
    -------
    Moments
        A column or response without weighted variance has scale 0 and correlations 0.
    """
    n, p = design.shape
    weights = np.asarray(weights, dtype=np.float64)
    weights = weights / weights.sum()
    response_mean = weights @ responses
    roots = np.sqrt(weights)[:, None]
    centred_responses = (responses - response_mean) * roots
    # Columns of zeros and ones need no centring before they are multiplied: the means
    # can be subtracted afterwards without losing digits.
    binary = design.dtype.kind == "b"
    mean = np.zeros(p)
    if not binary:
        for rows, block in dense_blocks(design):
            mean += weights[rows] @ block
    # One product gives all moments: of columns, of responses, and of the constant.
    k = responses.shape[1]
    products = np.zeros((p + k + 1, p + k + 1))
    space = np.empty(0)
    for rows, block in dense_blocks(design):
        if len(space) != len(block):
            # The order of the design in memory is the quickest to write in.
            by_column = block.strides[0] < block.strides[1]
            shape = (len(block), p + k + 1)
            space = work_array(shape[::-1]).T if by_column else work_array(shape)
        if binary:
            space[:, :p] = block
        else:
            np.subtract(block, mean, out=space[:, :p])
        space[:, :p] *= roots[rows]
        space[:, p:-1] = centred_responses[rows]
        space[:, -1:] = roots[rows]
        products += space.T @ space
    gram, cross = products[:p, :p].copy(), products[:p, p:-1].copy()
    if binary:
        mean = products[:p, -1].copy()
        # The product of such a column with itself is its mean. If the column does not vary,
        # the difference is rounding error, not a variance.
        constant = np.diag(gram) - mean * mean <= 1e-12 * mean
        gram -= np.outer(mean, mean)
        gram[constant] = gram[:, constant] = cross[constant] = 0.0

    scale = np.sqrt(np.maximum(np.diag(gram), 0.0))
    # Subtracting the mean of a constant column can leave rounding errors.
    scale[scale <= 1e-12 * np.abs(mean)] = 0.0
    response_scale = np.sqrt(np.square(centred_responses).sum(axis=0))
    response_scale[response_scale <= 1e-12 * np.abs(response_mean)] = 0.0
    inverse = np.divide(1.0, scale, out=np.zeros(p), where=scale > 0)
    response_inverse = np.divide(
        1.0, response_scale, out=np.zeros_like(response_scale), where=response_scale > 0
    )
    gram *= inverse[:, None]
    gram *= inverse
    np.fill_diagonal(gram, 1.0)
    cross *= inverse[:, None]
    cross *= response_inverse
    return Moments(n, mean, scale, gram, response_mean, response_scale, cross)


def ridge(moments: Moments, response: int, penalty: float) -> LinearFit:
    """
    Fit a ridge regression of one response on all columns.

    Parameters
    ----------
    moments
        Moments of the design and its responses.
    response
        Which response.
    penalty
        λ on the scale of the response. Like glmnet, the fit divides it by the response's
        standard deviation; 0 gives weighted least squares.

    Returns
    -------
    LinearFit
        The closed form that `glmnet(alpha = 0)` converges to [Friedman2010].

    References
    ----------
    - [Friedman2010] Friedman, Hastie, Tibshirani (2010), Journal of Statistical Software 33(1).
    """
    scale = moments.response_scale[response]
    cross = moments.cross[:, response]
    if scale == 0:
        flat = np.zeros(len(cross))
        return LinearFit(flat, float(moments.response_mean[response]), np.nan)
    from scipy.linalg import lapack, lstsq

    penalised = moments.gram + penalty / scale * np.eye(len(cross))
    _, beta, info = lapack.dposv(penalised, cross)  # directly: `solve` takes longer to check
    if info:
        beta = lstsq(penalised, cross)[0]
    r2 = min(2 * beta @ cross - beta @ moments.gram @ beta, 1.0)  # rounding can exceed 1
    coefficients = np.divide(
        beta * scale, moments.scale, out=np.zeros(len(beta)), where=moments.scale > 0
    )
    intercept = moments.response_mean[response] - coefficients @ moments.mean
    return LinearFit(coefficients, float(intercept), float(r2))


def fit_columns(moments: Moments, response: int, penalty: float | None) -> tuple[LinearFit, float]:
    """
    Fit the columns of a surrogate: by ridge regression, or by least squares if there is one.

    Parameters
    ----------
    moments
        Moments of these columns and the responses.
    response
        Which response.
    penalty
        λ as in `ridge`; by default R's 2/n.

    Returns
    -------
    tuple
        The fit, and the share that the penalty takes of the weight of a column without
        correlations.
    """
    scale = float(moments.response_scale[response])
    if len(moments.mean) > 1:
        penalty = 2.0 / moments.n if penalty is None else penalty
        shrinkage = penalty / (penalty + scale) if scale > 0 else 0.0
        return ridge(moments, response, penalty), shrinkage
    if moments.scale[0] > 0 and scale > 0:
        return ridge(moments, response, 0.0), 0.0
    # The column varies only where the weight is zero: R leaves the weight missing.
    mean = float(moments.response_mean[response])
    return LinearFit(np.array([np.nan]), mean, -np.inf), 0.0


def independent_factor(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Factor the correlations of those columns that do not depend on others.

    Parameters
    ----------
    gram
        (p, p) correlations.

    Returns
    -------
    tuple
        The (r, r) lower Cholesky factor and the (r,) positions of its columns. Each leaves a
        share of at least 1e-10 of the variance of the columns after it.
    """
    from scipy.linalg import lapack

    factor, order, rank, _ = lapack.dpstrf(gram, lower=1, tol=DEPENDENT)
    return np.tril(factor[:rank, :rank]), order[:rank] - 1


class _Descent:
    """
    Cyclic coordinate descent for the lasso on correlations, in glmnet's order.

    A full pass over the columns alternates with passes over those that were ever
    non-zero until no squared step exceeds the tolerance. With nearly collinear columns the
    result depends on where the descent stops, so order and tolerance are glmnet's.
    """

    def __init__(self, gram: np.ndarray, cross: np.ndarray, tolerance: float) -> None:
        self.gram = gram
        self.beta = np.zeros(len(cross))
        self.gradient = cross.astype(np.float64)
        self.r2 = 0.0
        self.tolerance = tolerance
        self._entered: dict[int, None] = {}
        self._warm = False

    def solve(self, penalty: float, max_passes: int = MOST_STEPS) -> np.ndarray:
        """Move from the last solution to that for a penalty."""
        everything = range(len(self.beta))
        for _ in range(max_passes):
            if self._warm:
                for _ in range(max_passes):
                    if self._pass(list(self._entered), penalty) < self.tolerance:
                        break
            if self._pass(everything, penalty) < self.tolerance:
                break
            self._warm = True
        return self.beta.copy()

    def _pass(self, columns: range | list[int], penalty: float) -> float:
        """Update each column once, and return the largest squared step."""
        beta, gradient, largest = self.beta, self.gradient, 0.0
        for column in columns:
            old = beta[column]
            slope = gradient[column]
            partial = slope + old
            size = abs(partial) - penalty
            if size <= 0.0:
                if old == 0.0:
                    continue
                new = 0.0
            else:
                new = size if partial > 0.0 else -size
            step = new - old
            if step == 0.0:
                continue
            beta[column] = new
            self._entered[column] = None
            self.r2 += step * (2.0 * slope - step)
            gradient -= self.gram[column] * step
            largest = max(largest, step * step)
        return largest


def coordinate_descent(
    gram: np.ndarray, cross: np.ndarray, penalty: float, tolerance: float = 1e-7
) -> np.ndarray:
    """
    Solve a lasso problem on correlations, stopping as glmnet does.

    Parameters
    ----------
    gram
        (p, p) correlations of the columns.
    cross
        (p,) correlations with the response.
    penalty
        λ on the standardised scale; 0 gives least squares, up to the tolerance.
    tolerance
        The descent ends when no squared step in a pass exceeds this.

    Returns
    -------
    numpy.ndarray
        (p,) standardised coefficients.
    """
    if penalty == 0.0:
        beta = _least_squares_descent(gram, cross, tolerance)
        if beta is not None:
            return beta
    return _Descent(gram, cross, tolerance).solve(penalty)


def _least_squares_descent(
    gram: np.ndarray, cross: np.ndarray, tolerance: float
) -> np.ndarray | None:
    """
    Descend without a penalty, if every column moves in the first pass; else return None.

    A pass over the columns then solves a triangular system, as in the Gauss-Seidel method, so that
    each step is the same linear function of the one before it.
    """
    from scipy.linalg import blas

    half = gram.T  # symmetric, in Fortran's order; only its lower half is read
    first = blas.dtrsv(half, cross, lower=1, diag=1)
    if not first.all():
        return None  # a column that stays at zero enters later, at the end of the order
    if len(cross) <= _FEW:
        function = blas.dtrsm(-1.0, half, np.triu(gram, 1), lower=1, diag=1)
        return sum_of_steps(first, function.dot, tolerance)

    def next_step(step: np.ndarray) -> np.ndarray:
        above = blas.dtrmv(half, step, lower=1, trans=1, diag=1)
        return blas.dtrsv(half, step - above, lower=1, diag=1, overwrite_x=1)

    with few_threads(len(cross)):  # each step consists of small products
        found = sum_of_followed_steps(first, next_step, len(cross), tolerance, len(cross) // 2)
        return sum_of_steps(first, next_step, tolerance) if found is None else found


def wide_descent(
    design: Design, responses: np.ndarray, weights: np.ndarray, max_passes: int
) -> np.ndarray | None:
    """
    Fit all columns as `coordinate_descent` does without a penalty, but without a Gram matrix.

    Parameters
    ----------
    design
        (n, p) array or sparse matrix.
    responses
        (n, k) array.
    weights
        (n,) array of weights, not all zero.
    max_passes
        How many passes to make at most for a response.

    Returns
    -------
    numpy.ndarray
        (p, k) coefficients of the columns as they are, and of standardised responses; None if that
        takes more passes, if a column stays at zero in the first, or if a response does not vary.
    """
    weights = weights / weights.sum()
    mean = weights @ responses
    targets = (responses - mean).T * np.sqrt(weights)
    response_scale = np.sqrt(np.square(targets).sum(axis=1))
    if not (response_scale > 1e-12 * np.abs(mean)).all():
        return None
    targets /= response_scale[:, None]
    columns, scale = _standardised_columns(design, weights)
    next_step = _passes_over(columns)
    found = np.empty((len(columns), len(targets)))
    for number, target in enumerate(targets):
        # The residual of no coefficients, with the sign of what these fit.
        first = next_step(np.append(np.zeros(len(columns)), -target))
        first[len(columns) :] += target
        if not first[: len(columns)].all():
            return None
        beta = sum_of_followed_steps(first, next_step, len(columns), 1e-7, max_passes)
        if beta is None:
            return None
        found[:, number] = beta / scale
    return found


def _standardised_columns(design: Design, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Centre columns, multiply rows by the roots of their weights, and scale columns to length 1.

    Takes weights with the sum 1. Returns a (p, n) array of columns, where one without variance
    is zero, and their (p,) standard deviations.
    """
    n, p = design.shape
    columns, mean = np.empty((p, n)), np.zeros(p)
    for rows, block in dense_blocks(design):
        mean += weights[rows] @ block
        columns[:, rows] = block.T
    scale = np.empty(p)
    roots = np.sqrt(weights)
    for start in range(0, p, _WIDTH):
        some = slice(start, start + _WIDTH)
        block = columns[some]
        block -= mean[some, None]
        block *= roots
        scale[some] = np.sqrt(np.einsum("ij,ij->i", block, block))
        varies = scale[some] > 1e-12 * np.abs(mean[some])
        block *= np.divide(1.0, scale[some], out=np.zeros(len(block)), where=varies)[:, None]
    return columns, scale


def _passes_over(columns: np.ndarray) -> NextStep:
    """
    Prepare the passes of a descent over (p, n) standardised columns, some columns at a time.

    Returns the function from a step to the next one: p changes of coefficients, and then n changes
    of what these fit.
    """
    from scipy.linalg import blas

    p = len(columns)
    blocks = [columns[start : start + _WIDTH] for start in range(0, p, _WIDTH)]
    halves = [np.asfortranarray(block @ block.T) for block in blocks]

    def next_step(step: np.ndarray) -> np.ndarray:
        step = step.copy()
        coefficients, fitted = step[:p], step[p:]
        for number, (block, half) in enumerate(zip(blocks, halves, strict=True)):
            moved = blas.dtrsv(half, block @ fitted, lower=1, diag=1, overwrite_x=1)
            coefficients[number * _WIDTH : number * _WIDTH + len(block)] -= moved
            fitted -= moved @ block
        return step

    return next_step


def lasso_path(
    moments: Moments, response: int, n_lambda: int = 300, ratio: float | None = None
) -> np.ndarray:
    """
    Follow the lasso over falling penalties, with glmnet's grid and stopping rules.

    Parameters
    ----------
    moments
        Moments of the design and its responses.
    response
        Which response.
    n_lambda
        Length of the grid, geometric from the smallest penalty at which all coefficients
        are zero.
    ratio
        Last penalty over first; by default 1e-4, or 1e-2 with fewer rows than columns.

    Returns
    -------
    numpy.ndarray
        (m, p) standardised coefficients, m <= n_lambda: the path ends early when the
        fit stops improving (R² grows by less than 1e-5 of itself, or exceeds 0.999).
    """
    cross = moments.cross[:, response]
    if ratio is None:
        ratio = 1e-2 if moments.n < len(cross) else 1e-4
    factor = ratio ** (1.0 / (n_lambda - 1))
    penalty = np.abs(cross).max()
    descent = _Descent(moments.gram, cross, tolerance=1e-7)
    path = [np.zeros(len(cross))]
    for number in range(2, n_lambda + 1):
        penalty *= factor
        r2 = descent.r2
        path.append(descent.solve(penalty))
        # glmnet checks these from the fifth point on.
        if number >= 5 and (descent.r2 - r2 < 1e-5 * descent.r2 or descent.r2 > 0.999):
            break
    return np.array(path)
