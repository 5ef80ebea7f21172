"""The arguments of one call of `pylime.explain`, with their defaults and checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

import numpy as np

from pylime import checks
from pylime._types import Labels, RandomState
from pylime.draws import DRAWS, Draws
from pylime.errors import CaseError, RequestError
from pylime.models import ModelType
from pylime.seeds import seed_words
from pylime.surrogate.selection import FEATURE_SELECT, FeatureSelect

__all__ = ["MOST_FREE", "ON_ERROR", "Exact", "OnError", "Request"]

OnError = Literal["warn", "raise"]
"""What to do with cases that cannot be explained: skip them with a warning, or raise."""

ON_ERROR = get_args(OnError)

Exact = Literal["never", "allowed", "always"]
"""Whether all permutations that a case has are predicted instead of draws."""

MOST_FREE = 500
"""Where exact cases are allowed, a case has at most so many different permutations."""


def _check_level(name: str, value: object) -> None:
    """Raise unless a value is True, False or a level of confidence."""
    if isinstance(value, bool | np.bool_):
        return
    if not checks.is_number(value) or not 0 < value < 1:
        raise ValueError(f"`{name}` must be True, False or a level such as 0.9; not {value!r:.80}.")


def _check_jobs(name: str, value: object) -> None:
    """Raise unless a value is a number of jobs that joblib takes."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value == 0:
        raise ValueError(
            f"`{name}` must be a number of jobs, or negative as in joblib; not {value!r}."
        )


@dataclass(frozen=True, kw_only=True)
class Request:
    """
    The checked arguments of one call of `pylime.explain`.

    `pylime.explain`, `pylime.explain_batches`, Dask, Spark and `pylime.explain_to_parquet` all
    make a request and pass it on.

    Attributes
    ----------
    labels, n_labels, n_features, feature_select, random_state, n_jobs, progress, \
predict_options, on_error, penalty, draws, intervals, contributions, quality, n_calls, plain, \
tolerance
        As in `pylime.explain`.
    n_permutations
        Number of permutations of each case; where it is found for each case, how many to start
        with.
    max_permutations
        Where the number of permutations is found for each case, the largest; else None.
    exact
        Whether a case with few features is explained by all permutations that there are: if they
        are few, or always.
    model_type
        Whether the model is a classifier or a regressor.
    options
        The record of options of the explainer's kind of input.
    seed
        Numbers from `random_state` that seed all random draws.
    folder
        The folder for temporary files; None for the system's.

    Examples
    --------
    >>> request = Request(n_features=3, intervals=0.9, random_state=1)
    >>> request.n_features, request.level, request.on_error
    (3, 0.9, 'warn')
    >>> Request(n_features=0)
    Traceback (most recent call last):
    ValueError: `n_features` must be a positive whole number; not 0.
    """

    labels: Labels = None
    n_labels: Annotated[int | None, checks.count] = None
    n_features: Annotated[int, checks.count] = 5
    n_permutations: Annotated[int, checks.at_least(2)] = 5000
    feature_select: Annotated[FeatureSelect, checks.among(*FEATURE_SELECT)] = "auto"
    random_state: RandomState = None
    n_jobs: Annotated[int, _check_jobs] = 1
    progress: Annotated[bool | None, checks.flag_or(None)] = None
    predict_options: Annotated[Mapping[str, Any] | None, checks.mapping] = None
    on_error: Annotated[OnError, checks.among(*ON_ERROR)] = "warn"
    penalty: Annotated[float | None, checks.not_negative] = None
    draws: Annotated[Draws, checks.among(*DRAWS)] = "balanced"
    intervals: Annotated[bool | float, _check_level] = False
    contributions: Annotated[bool, checks.flag] = False
    quality: Annotated[bool, checks.flag] = False
    n_calls: Annotated[int, checks.at_least(0)] = 0
    plain: Annotated[bool, checks.flag] = False
    tolerance: Annotated[float, checks.positive] = 0.1
    max_permutations: Annotated[int | None, checks.at_least(2)] = None
    model_type: ModelType = field(default="classification", metadata=checks.INTERNAL)
    options: Any = field(default=None, metadata=checks.INTERNAL)
    seed: tuple[int, ...] = field(default=(), metadata=checks.INTERNAL)
    folder: str | None = field(default=None, metadata=checks.INTERNAL)
    exact: Exact = field(default="never", metadata=checks.INTERNAL)

    @property
    def level(self) -> float:
        """The level of the intervals; .95 unless it was passed."""
        return 0.95 if isinstance(self.intervals, bool | np.bool_) else float(self.intervals)

    @property
    def most_exact(self) -> int:
        """The largest number of permutations of a case that is explained by all there are."""
        if self.exact == "never" or self.max_permutations is None:
            return 0
        most = self.max_permutations
        return most if self.exact == "always" else min(most, MOST_FREE)

    def takes_all_subsets(self, n_features: int, features: str, cure: str) -> bool:
        """
        Decide whether a case is explained by all subsets of its features that are not empty.

        Parameters
        ----------
        n_features
            Number of features of the case.
        features
            What they are, such as `"words"`.
        cure
            How to have fewer, for the error.

        Raises
        ------
        CaseError
            If it has to be, and there are more than `max_permutations`.
        """
        n = 2**n_features - 1
        # Of thousands of features it has as many digits.
        written = f"2^{n_features} - 1" + (f" = {n}" if n_features < 64 else "")
        return self.takes_all(n, f"{n_features} {features} have {written} subsets", cure)

    def takes_all(self, n: int, what: str, cure: str) -> bool:
        """
        Decide whether a case is explained by all n permutations that it has.

        Parameters
        ----------
        n
            Their number.
        what
            A clause that has it, for the error.
        cure
            How to have fewer, for the error.

        Raises
        ------
        CaseError
            If it has to be, and there are more than `max_permutations`.
        """
        if n <= self.most_exact:
            return True
        if self.exact != "always":
            return False
        raise CaseError(
            f'`n_permutations="all"` takes at most `max_permutations`, {self.max_permutations}; '
            f'{what}. Pass `n_permutations="auto"` to draw some of them, {cure}, or raise '
            "`max_permutations`."
        )

    def __post_init__(self) -> None:
        checks.check_fields(self)
        if self.n_calls and not self.quality:
            raise RequestError(
                "`n_calls` is the number of further predictions for `quality=True`; pass that, too."
            )
        if self.labels is not None and self.n_labels is not None:
            raise RequestError("You need to choose between `labels` and `n_labels`; not both.")
        labels = self.labels
        if self.model_type == "regression" and (labels is not None or self.n_labels is not None):
            checks.warn("`labels` and `n_labels` are ignored when explaining regression models.")
            labels = None
            object.__setattr__(self, "n_labels", None)
        if np.iterable(labels) and not isinstance(labels, str | tuple):
            labels = list(labels)  # an iterator would be exhausted after the first case
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "predict_options", dict(self.predict_options or {}))
        if not self.seed:
            object.__setattr__(self, "seed", seed_words(self.random_state))
