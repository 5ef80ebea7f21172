"""Runs with many seeds: whether intervals hold the limit, how wide and how wrong they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from limits import PART_SIZE, Limit, part_of_limit, predict
from settings import N_FEATURES, Setting

from pylime.draws import DRAWS, Draws
from pylime.pipeline import Predicted, is_balanced
from pylime.request import Request
from pylime.surrogate import Surrogate, fit_labels
from pylime.surrogate.assessment import intervals_of
from pylime.surrogate.intervals import Intervals, weight_intervals

LEVEL = 0.95
# One task of a process has so many seeds.
_TOGETHER = 25


@dataclass(frozen=True, eq=False)
class Outcome:
    """
    How the intervals of m runs turn out.

    Attributes
    ----------
    covered
        (m, k) array: which intervals hold the limit.
    half_width
        (m, k) array.
    error
        (m, k) differences of weights and limits.
    """

    covered: np.ndarray
    half_width: np.ndarray
    error: np.ndarray

    @classmethod
    def of(cls, found: Intervals, limit: np.ndarray) -> "Outcome":
        """Compare the intervals of one run with the limit."""
        return cls(
            ((found.lo <= limit) & (limit <= found.hi))[None],
            ((found.hi - found.lo) / 2)[None],
            (found.weight - limit)[None],
        )

    @classmethod
    def joined(cls, some: "Iterable[Outcome]") -> "Outcome":
        """Put the outcomes of several runs together."""
        parts = [(one.covered, one.half_width, one.error) for one in some]
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    @property
    def coverage(self) -> float:
        """The share of intervals that hold the limit."""
        return float(self.covered.mean())

    @property
    def width(self) -> float:
        """The mean half-width."""
        return float(self.half_width.mean())

    @property
    def squared_error(self) -> float:
        """The mean squared error of the weights."""
        return float(np.square(self.error).mean())


@dataclass(frozen=True, eq=False)
class Outcomes:
    """
    How the intervals of one setting turn out.

    Attributes
    ----------
    selected
        By draws: those of the features that each run selects; the limit is that of the same
        features.
    fixed
        By draws: those of the features that the limit selects, which are the same in all runs.
    limit_error
        The largest standard error of the limit of these, as a share of the mean half-width of
        their balanced intervals.
    """

    selected: dict[Draws, Outcome]
    fixed: dict[Draws, Outcome]
    limit_error: float


def explained(predicted: Predicted, request: Request) -> tuple[Surrogate, Intervals]:
    """Fit a surrogate and its intervals, as `explain(..., intervals=True)` does."""
    case = predicted.case
    data = case.design, predicted.responses, case.weights
    surrogates = fit_labels(*data, case.features, predicted.labels, n_features=N_FEATURES)
    (found,) = intervals_of(*data, surrogates, level=LEVEL, blocks=is_balanced(case, request))
    return surrogates[0], found


def run(setting: Setting, draws: Draws, limit: Limit, seed: int) -> tuple[Outcome, Outcome]:
    """Explain once; how the intervals of selected and of fixed features turn out."""
    predicted, request = predict(setting, draws, seed)
    case = predicted.case
    surrogate, selected = explained(predicted, request)
    fixed = weight_intervals(
        case.design[:, limit.selected],
        predicted.responses[:, 0],
        case.weights,
        level=LEVEL,
        n_candidates=len(limit.selected),
        blocks=is_balanced(case, request),
    )
    return (
        Outcome.of(selected, limit.weights(surrogate.columns)),
        Outcome.of(fixed, limit.weights(limit.selected)),
    )


def _run_many(
    setting: Setting, draws: Draws, limit: Limit, seeds: Sequence[int]
) -> list[tuple[Outcome, Outcome]]:
    return [run(setting, draws, limit, seed) for seed in seeds]


def find_limit(setting: Setting, n: int, draws: Draws = "balanced", n_jobs: int = 1) -> Limit:
    """Estimate the limit from n permutations."""
    parts: Any = Parallel(n_jobs)(
        delayed(part_of_limit)(setting, number, draws) for number in range(n // PART_SIZE)
    )
    return Limit.of(np.array(parts))


def measure(setting: Setting, n_seeds: int, n_limit: int = 2_000_000, n_jobs: int = -1) -> Outcomes:
    """
    Explain a setting with many seeds.

    Parameters
    ----------
    setting
        What is explained.
    n_seeds
        With how many seeds, for each kind of draws.
    n_limit
        From how many permutations the limit is estimated.
    n_jobs
        Number of processes.
    """
    limit = find_limit(setting, n_limit, n_jobs=n_jobs)
    seeds = [range(n_seeds)[start : start + _TOGETHER] for start in range(0, n_seeds, _TOGETHER)]
    tasks = list(product(DRAWS, seeds))
    done: Any = Parallel(n_jobs)(
        delayed(_run_many)(setting, draws, limit, some) for draws, some in tasks
    )
    pairs: dict[Draws, list[tuple[Outcome, Outcome]]] = {draws: [] for draws in DRAWS}
    for (draws, _), found in zip(tasks, done, strict=True):
        pairs[draws] += found
    selected = {draws: Outcome.joined(one for one, _ in of) for draws, of in pairs.items()}
    fixed = {draws: Outcome.joined(one for _, one in of) for draws, of in pairs.items()}
    shares = limit.errors / fixed["balanced"].half_width.mean(axis=0)
    return Outcomes(selected, fixed, float(shares.max()))
