"""
The limit: the weights of a local model as the number of permutations grows without end.

It is the unpenalised fit to very many permutations, of whose moments the fit to any
columns follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from settings import N_FEATURES, Setting, subject_of

from pylime.draws import Draws
from pylime.explainers import make_request
from pylime.parallel import few_threads
from pylime.pipeline import Predicted, predict_permutations, prepare_cases
from pylime.request import Request

# A distance of Gower depends on the range of the permutations: in parts of many it is nearly that
# of all. Their seeds are not those of the runs.
PART_SIZE = 20_000
_FIRST_SEED = 1_000_000


@dataclass(frozen=True, eq=False)
class Limit:
    """
    Weighted moments, of which the fit to any columns follows.

    Attributes
    ----------
    moments
        (p + 2, p + 2) weighted sums of products of the constant, the p columns of the design
        and the response.
    selected
        The columns that forward selection finds.
    errors
        The standard errors of the weights of these.
    """

    moments: np.ndarray
    selected: list[int]
    errors: np.ndarray

    @classmethod
    def of(cls, parts: np.ndarray) -> "Limit":
        """Add up the moments of (m,) independent parts; how they differ gives the errors."""
        moments = parts.sum(axis=0)
        selected: list[int] = []
        for _ in range(N_FEATURES):
            others = [column for column in range(len(moments) - 2) if column not in selected]
            explained = [_explained(moments, [*selected, other]) for other in others]
            selected.append(others[int(np.argmax(explained))])
        weights = np.array([_fit(part, selected) for part in parts])
        return cls(moments, selected, weights.std(axis=0, ddof=1) / np.sqrt(len(parts)))

    def weights(self, columns: Sequence[int]) -> np.ndarray:
        """The weights of some columns in a fit to these."""
        return _fit(self.moments, columns)


def _covariances(moments: np.ndarray, columns: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Those of some columns with each other, and with the response."""
    mean = moments[0] / moments[0, 0]
    covariance = moments / moments[0, 0] - np.outer(mean, mean)
    places = np.add(columns, 1)
    return covariance[np.ix_(places, places)], covariance[places, -1]


def _fit(moments: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    return np.linalg.solve(*_covariances(moments, columns))


def _explained(moments: np.ndarray, columns: Sequence[int]) -> float:
    """The variance that a fit explains."""
    of_columns, of_response = _covariances(moments, columns)
    return float(of_response @ np.linalg.solve(of_columns, of_response))


def predict(
    setting: Setting, draws: Draws, seed: int, n: int | None = None
) -> tuple[Predicted, Request]:
    """Draw and predict the permutations of a setting, or n of them; and what was requested."""
    subject = subject_of(setting.subject)
    request = make_request(
        subject.explainer,
        n_permutations=n or setting.n,
        draws=draws,
        random_state=seed,
        **subject.options,
    )
    cases = prepare_cases(subject.x, subject.explainer, request)
    (predicted,) = predict_permutations(subject.explainer, cases, request)
    return predicted, request


def part_of_limit(
    setting: Setting, number: int, draws: Draws = "balanced", size: int = PART_SIZE
) -> np.ndarray:
    """Compute the moments of a part of the permutations, without the case itself."""
    found, _ = predict(setting, draws, _FIRST_SEED + number, size + 1)
    rows = np.column_stack([np.ones(size), found.case.design[1:], found.responses[1:, 0]])
    with few_threads(rows.size):
        return (rows.T * found.case.weights[1:]) @ rows
