"""
What other draws would give: how often features are selected again, and R² on fresh rows.

Both select again on a part of the rows, and cost no predictions of the model.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from pylime.errors import CaseError
from pylime.parallel import few_threads
from pylime.surrogate.linear import (
    Design,
    as_dense,
    coordinate_descent,
    fit_columns,
    independent_factor,
    weighted_moments,
)
from pylime.surrogate.selection import (
    FeatureSelect,
    column_selector,
    effective_method,
    sweep_forward,
)

__all__ = ["fresh_r2", "selection_frequencies"]

_N_RESAMPLES = 200
_N_BLOCKS = 50
# How many values of a design are held as floating point numbers in one piece, and how many sums
# over blocks are kept until they are needed again.
_MOST_VALUES = 2_000_000
_MOST_SUMS = 4_000_000


def selection_frequencies(
    design: Design,
    responses: np.ndarray,
    weights: np.ndarray,
    chosen: Sequence[Sequence[int]],
    *,
    method: FeatureSelect,
    n_features: int,
    seed: int | np.random.SeedSequence | Sequence[int],
) -> list[np.ndarray]:
    """
    Estimate how often other draws would select the same columns.

    Parameters
    ----------
    design
        (n, p) array or sparse matrix of the columns that vary; row 0 is the case itself.
    responses
        (n, k) array.
    weights
        (n,) array, not all zero.
    chosen
        For each response, the positions of its columns.
    method
        How they were selected.
    n_features
        The largest number of columns that this selects.
    seed
        Seed of the resamples.

    Returns
    -------
    list of numpy.ndarray
        For each response, the share of 200 resamples in which each of its columns is selected;
        missing for `"tree"` and `"lasso_path"`.

    Notes
    -----
    At most 50 blocks of consecutive rows are drawn with replacement, as in the block bootstrap
    [Kunsch1989]. The case is part of all resamples, as of all runs. Only sums over blocks are
    resampled, and all resamples select at once: forward as `select_forward` does, but without
    R's rule for nearly collinear columns; or the highest of weights that move by the
    resampled sums of their scores, to first order.

    References
    ----------
    - [Kunsch1989] Künsch (1989), Annals of Statistics 17, 1217-1241.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> design = random.random((500, 3)) < 0.5
    >>> response = 3 * design[:, :1] + random.normal(size=(500, 1))
    >>> selection_frequencies(
    ...     design, response, np.ones(500), [[0]], method="forward_selection", n_features=1, seed=1
    ... )
    [array([1.])]
    """
    if method == "none" or n_features >= design.shape[1]:
        return [np.ones(len(columns)) for columns in chosen]
    if method in ("tree", "lasso_path") or len(weights) < 2:
        return [np.full(len(columns), np.nan) for columns in chosen]
    sums = _BlockSums(design, weights)
    m = sums.n - 1
    counts = np.ones((_N_RESAMPLES, sums.n))  # the first block is the case
    counts[:, 1:] = np.random.default_rng(seed).multinomial(m, np.full(m, 1 / m), _N_RESAMPLES)
    forward = effective_method(method, n_features, design.shape[1]) == "forward_selection"
    select = _select_forward if forward else _select_highest_weights
    with few_threads(design.shape[0] * design.shape[1] ** 2):
        return [
            (found[:, :, None] == np.asarray(columns, dtype=np.intp)).any(axis=1).mean(axis=0)
            for found, columns in zip(
                select(sums, responses, counts, n_features), chosen, strict=True
            )
        ]


class _BlockSums:
    """
    Sums over blocks of rows: products of any columns with those of a design.

    The first block is the case alone, the others have equally many rows, but for the last.
    Columns that are not of zeros and ones are centred, and scaled to a range of 1.

    Attributes
    ----------
    n
        Number of blocks.
    weights
        (n_rows,) weights of the rows, with the sum 1.
    mean, range
        (p,) what is subtracted from each column, and what it is divided by.
    """

    def __init__(self, design: Design, weights: np.ndarray) -> None:
        n_rows, p = design.shape
        self.design = design
        self.weights = np.asarray(weights, dtype=np.float64) / np.sum(weights)
        self.length = max(-(-(n_rows - 1) // _N_BLOCKS), 1)
        self.n = 1 + -(-(n_rows - 1) // self.length)
        self.mean, self.range = np.zeros(p), np.ones(p)
        self.binary = design.dtype.kind == "b"
        if not self.binary:
            self.mean = self.weights @ design
            spread = design.max(axis=0) - design.min(axis=0)
            spread = np.ravel(spread if isinstance(spread, np.ndarray) else spread.toarray())
            self.range = np.where(spread > 0, spread, 1.0)
        self._at_once = max(_MOST_VALUES // (self.length * p), 1)
        self._held: np.ndarray | None = None

    def columns(self, positions: np.ndarray) -> np.ndarray:
        """Return some columns, centred and scaled, as an (n_rows, q) array."""
        values = np.array(as_dense(self.design[:, positions]), dtype=np.float64)
        if not self.binary:
            values -= self.mean[positions]
            values /= self.range[positions]
        return values

    def totals(self, rows: np.ndarray) -> np.ndarray:
        """Add up the rows of an (n_rows, q) array; returns (n, q)."""
        return np.add.reduceat(rows, np.append(0, np.arange(1, len(rows), self.length)))

    def products(self, rows: np.ndarray) -> np.ndarray:
        """Add up the products of an (n_rows, q) array with the columns; returns (n, q, p)."""
        found = np.empty((self.n, rows.shape[1], self.design.shape[1]))
        for blocks, values in self._pieces():
            np.matmul(self._stack(rows, blocks).transpose(0, 2, 1), values, out=found[blocks])
        return found

    def squares(self) -> np.ndarray:
        """Add up the weighted squares of the columns; returns (n, p)."""
        found = np.empty((self.n, self.design.shape[1]))
        for blocks, values in self._pieces():
            weights = self._stack(self.weights[:, None], blocks)[..., 0]
            np.einsum("bip,bip,bi->bp", values, values, weights, out=found[blocks])
        return found

    def _pieces(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Iterate over blocks and their values, as many at once as memory is spent on."""
        yield slice(0, 1), self._scaled(slice(0, 1))
        for first in range(1, self.n, self._at_once):
            blocks = slice(first, min(first + self._at_once, self.n))
            if self._held is not None:
                yield blocks, self._held
                continue
            values = self._scaled(blocks)
            if self._at_once >= self.n - 1:
                self._held = values
            yield blocks, values

    def _scaled(self, blocks: slice) -> np.ndarray:
        values = self._stack(self.design, blocks)
        if not self.binary:
            values -= self.mean
            values /= self.range
        return values

    def _stack(self, rows: Design, blocks: slice) -> np.ndarray:
        """Return blocks as an (m, length, q) array, the last one filled up with zeros."""
        if blocks.start == 0:
            return np.array(as_dense(rows[:1]), dtype=np.float64)[None]
        n_blocks = blocks.stop - blocks.start
        stacked = np.empty((n_blocks * self.length, rows.shape[1]))
        start = 1 + (blocks.start - 1) * self.length
        part = as_dense(rows[start : start + len(stacked)])
        stacked[: len(part)] = part
        stacked[len(part) :] = 0.0
        return stacked.reshape(n_blocks, self.length, -1)


def _select_forward(
    sums: _BlockSums, responses: np.ndarray, counts: np.ndarray, n_features: int
) -> Iterator[np.ndarray]:
    """Select forward in resamples; yields an (r, n_features) array for each response."""
    rows = np.column_stack([np.ones(len(responses)), _standardise(responses, sums.weights)])
    rows *= sums.weights[:, None]
    products = sums.products(rows)
    totals = counts @ sums.totals(rows)
    size = np.where(totals[:, :1] > 0, totals[:, :1], 1.0)
    mean = counts @ products[:, 0] / size
    squares = counts @ (products[:, 0] if sums.binary else sums.squares()) / size
    variance = squares - np.square(mean)
    usable = variance > 1e-12 * squares
    inverse = np.zeros_like(mean)
    np.divide(1.0, np.sqrt(variance, where=usable, out=inverse), where=usable, out=inverse)
    known: dict[int, np.ndarray] = {}
    most = max(_MOST_SUMS // products[:, 0].size, 1)

    def correlations(columns: np.ndarray) -> np.ndarray:
        found = np.empty_like(mean)
        distinct = np.unique(columns)
        for part in np.split(distinct, range(most, len(distinct), most)):
            new = np.array([column for column in part.tolist() if column not in known], dtype=int)
            if len(known) + len(new) > most:
                known.clear()
                new = part
            if len(new):
                of_new = sums.products(sums.columns(new) * sums.weights[:, None])
                known.update(zip(new.tolist(), of_new.transpose(1, 0, 2), strict=True))
            for column in part.tolist():
                resamples = columns == column
                found[resamples] = counts[resamples] @ known[column]
        found /= size
        each = np.arange(len(columns))
        found -= mean * mean[each, columns][:, None]
        found *= inverse
        found *= inverse[each, columns][:, None]
        return found

    for response in range(responses.shape[1]):
        cross = counts @ products[:, 1 + response] / size
        cross -= mean * (totals[:, 1 + response, None] / size)
        yield sweep_forward(cross * inverse, usable, correlations, n_features)


def _select_highest_weights(
    sums: _BlockSums, responses: np.ndarray, counts: np.ndarray, n_features: int
) -> Iterator[np.ndarray]:
    """Select the highest weights in resamples; yields an (r, n_features) array each."""
    from scipy.linalg import cho_solve

    moments = weighted_moments(sums.design, responses, sums.weights)
    scale = np.where(moments.scale > 0, moments.scale, np.inf)
    factor, kept = independent_factor(moments.gram)
    beta = np.zeros_like(moments.cross)
    beta[kept] = cho_solve((factor, True), moments.cross[kept], check_finite=False)
    beta /= scale[:, None]
    fitted = sums.design @ beta - moments.mean @ beta
    rows = (_standardise(responses, sums.weights) - fitted) * sums.weights[:, None]
    # The gradients of the weights, on standardised columns.
    gradients = sums.products(rows)
    centre = (moments.mean - sums.mean) / sums.range
    gradients -= sums.totals(rows)[:, :, None] * centre
    gradients *= sums.range / scale
    size = counts @ sums.totals(sums.weights[:, None])
    size = np.where(size > 0, size, 1.0)
    for response in range(responses.shape[1]):
        moved = counts @ gradients[:, response] / size
        weights = np.tile(
            coordinate_descent(moments.gram, moments.cross[:, response], 0.0), (len(counts), 1)
        )
        weights[:, kept] += cho_solve((factor, True), moved[:, kept].T, check_finite=False).T
        yield np.argpartition(-np.abs(weights / scale), n_features - 1, axis=1)[:, :n_features]


def _standardise(responses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    centred = responses - weights @ responses
    scale = np.sqrt(weights @ np.square(centred))
    return centred / np.where(scale > 0, scale, 1.0)


def fresh_r2(
    design: Design,
    responses: np.ndarray,
    weights: np.ndarray,
    *,
    method: FeatureSelect,
    n_features: int,
    penalty: float | None = None,
) -> np.ndarray:
    """
    Estimate the weighted R² on fresh rows by cross-validation, with the selection inside.

    Parameters
    ----------
    design
        (n, p) array or sparse matrix; row 0 is the case itself.
    responses
        (n, k) array.
    weights
        (n,) array, not negative.
    method
        One of `FEATURE_SELECT`.
    n_features, penalty
        As in `fit_labels`.

    Returns
    -------
    numpy.ndarray
        (k,) array. It is negative where the mean predicts better than the fit; missing where the
        response does not vary, or where a half has no more rows than the fit parameters.

    Notes
    -----
    The first half of the rows is predicted from the second and the other way round, since halves
    divide the fewest nets of balanced draws, whose rows make up for each other. The case is
    part of both fits, but not predicted. A fit to all rows is a little better than
    those to halves; the difference goes down with 1/n.
    """
    n, p = design.shape
    n_responses = responses.shape[1]
    n_parameters = 1 + (p if method == "none" else min(n_features, p))
    if penalty is None:
        penalty = 2.0 / len(weights)  # as in the fit to all rows
    mean = weights[1:] @ responses[1:] / max(weights[1:].sum(), np.finfo(float).tiny)
    squares = weights[1:] @ np.square(responses[1:] - mean)
    varies = squares > 1e-24 * (weights[1:] @ np.square(responses[1:]))
    errors = np.zeros(n_responses)
    middle = (n + 1) // 2
    for test in (slice(1, middle), slice(middle, n)):
        train = np.delete(np.arange(n), test)
        if np.count_nonzero(weights[train[1:]]) <= n_parameters:
            return np.full(n_responses, np.nan)
        predicted = _fit_and_predict(
            design[train],
            responses[train],
            weights[train],
            design[test],
            method,
            n_features,
            penalty,
        )
        errors += weights[test] @ np.square(responses[test] - predicted)
    return 1 - np.divide(errors, squares, out=np.full(n_responses, np.nan), where=varies)


def _fit_and_predict(
    design: Design,
    responses: np.ndarray,
    weights: np.ndarray,
    others: Design,
    method: FeatureSelect,
    n_features: int,
    penalty: float,
) -> np.ndarray:
    """Fit some rows as `fit_labels` does; the mean, where it would find nothing."""
    mean = weights @ responses / weights.sum()
    predicted = np.tile(mean, (others.shape[0], 1))
    reacting = np.flatnonzero((responses != responses[0]).any(axis=0))
    if not len(reacting):
        return predicted
    with few_threads(design.shape[0] * design.shape[1] ** 2):
        select = column_selector(design, responses[:, reacting], weights, n_features, method)
        for position, response in enumerate(reacting):
            try:
                columns, moments = select(position)
            except CaseError:
                continue
            fit, _ = fit_columns(moments, position, penalty)
            values = as_dense(others[:, columns])
            predicted[:, response] = fit.intercept + values @ np.nan_to_num(fit.coefficients)
    return predicted
