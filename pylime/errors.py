"""
Errors and warnings that callers can tell apart.

    ValueError
    ├── CaseError       one case cannot be explained; others may
    └── RequestError    the request does not fit any case
    UserWarning
    ├── CaseWarning     cases, or labels of these, were left out
    └── FitWarning      a local model misleads

Everything else is a built-in TypeError, ValueError, ImportError or FileNotFoundError, or what
the user's own model or function raises.
"""

import traceback
from collections.abc import Hashable, Sequence
from typing import Any

from pylime import checks

__all__ = [
    "CaseError",
    "CaseWarning",
    "FitWarning",
    "RequestError",
    "report_failures",
    "some_names",
    "stop_at",
]


class CaseError(ValueError):
    """
    One case cannot be explained; others may.

    Attributes
    ----------
    case
        Its name.
    reason
        What the model, or other code of the user's, raised; also its `__cause__`.

    Examples
    --------
    >>> from pylime import as_classifier, explain, lime
    >>> explainer = lime("one two", as_classifier(lambda texts: [len(t) / 9 for t in texts]))
    >>> try:
    ...     explain("one", explainer)
    ... except CaseError as error:
    ...     print(error)
    The text has a single word, 'one', so there is nothing to compare.
    """

    case: Hashable = None
    reason: Exception | None = None

    @classmethod
    def of(cls, case: Hashable, error: Exception) -> "CaseError":
        """What went wrong with a case, as an error of this class."""
        if isinstance(error, CaseError):
            found, reason = cls(*error.args), error.reason  # the same one can be of other cases
            found.__traceback__ = error.__traceback__
        else:
            found, reason = cls(f"{type(error).__name__}: {_text_of(error)}"), error
        found.case, found.reason = case, reason
        found.__cause__ = error.__cause__ if reason is None else reason
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        reason, where = _portable(self.reason) if self.reason else (None, "")
        return _case_error, (str(self), self.case, reason, where)


class RequestError(ValueError):
    """
    The request does not fit any case, so the other cases are not tried.

    Examples
    --------
    >>> from pylime import as_classifier, explain, lime
    >>> explainer = lime("one two", as_classifier(lambda texts: [len(t) / 9 for t in texts]))
    >>> explain("one two", explainer, n_labels=3)
    Traceback (most recent call last):
    pylime.errors.RequestError: `n_labels` must not exceed the model's 2 labels; not 3.
    """


class CaseWarning(UserWarning):
    """
    Some cases, or labels of these, could not be explained and are left out.

    Examples
    --------
    To stop at the first of them:

    >>> import warnings
    >>> warnings.filterwarnings("error", category=CaseWarning)  # doctest: +SKIP
    """


class FitWarning(UserWarning):
    """
    A local model misleads: the penalty bites, few permutations count or share a level of the case,
    or the model sees something else in the case than in its permutations.

    Examples
    --------
    >>> import warnings
    >>> warnings.filterwarnings("ignore", category=FitWarning)  # doctest: +SKIP
    """


def _text_of(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # a class of the user's, whose message cannot be made
        return "(an error without a message)"


def _case_error(
    message: str, case: Hashable, reason: Exception | None, where: str = ""
) -> CaseError:
    """A pickled error: pickle by itself forgets the cause, and may lose notes."""
    error = CaseError(message)
    if reason is not None:
        reason.add_note(f"In another process:\n{where}")
    error.case = case
    error.reason = error.__cause__ = reason
    return error


def _portable(error: Exception) -> tuple[Exception, str]:
    """A copy of an error that another process can read, and its traceback."""
    where = "".join(traceback.format_exception(error)).rstrip()
    import cloudpickle  # only where there are other processes

    try:
        copy = cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # classes of errors whose arguments are not those of their message
        copy = RuntimeError(f"{type(error).__name__}: {error}")
    return copy, where


def stop_at(failure: CaseError) -> None:
    """Raise the error of one case, by its name."""
    named = CaseError(f"Case {failure.case!r} cannot be explained. {failure}")
    named.case, named.reason = failure.case, failure.reason
    raise named from failure.reason or failure


def report_failures(
    failures: Sequence[CaseError], n_explained: int, *, may_be_all: bool = False
) -> None:
    """
    Warn if some cases were left out, raise if nothing was explained.

    Parameters
    ----------
    failures
        The cases that could not be explained.
    n_explained
        How many could.
    may_be_all
        Whether it is enough to warn even if nothing was explained: of one batch of many.

    Raises
    ------
    Exception
        If nothing was explained: what the model raised, where it is the same for all.
    """
    if not failures:
        return
    if n_explained or may_be_all:
        _warn_of_failures(failures, n_explained)
        return
    first = failures[0]
    kinds = {type(failure.reason) for failure in failures}
    if first.reason is not None and len(kinds) == 1:  # it is not the cases
        which = "the only one"
        if len(failures) > 1:
            which = f"the first of {len(failures)} of which none can be explained"
        first.reason.add_note(f"This is the error of case {first.case!r}, {which}.")
        raise first.reason
    if len(failures) == 1:
        raise first
    message = f"None of the {len(failures)} cases could be explained. {first.case}: {first}"
    error = CaseError(message)
    error.case, error.reason = first.case, first.reason
    raise error from first


def _warn_of_failures(failures: Sequence[CaseError], n_explained: int) -> None:
    """Name the cases that are left out, and what went wrong with them."""
    reasons = "; ".join(f"{error.case}: {error}" for error in failures[:5])
    more = f"; and {len(failures) - 5} more" if len(failures) > 5 else ""
    checks.warn(
        f"{len(failures)} of {len(failures) + n_explained} cases could not be explained and are "
        f"left out. {reasons}{more}",
        CaseWarning,
    )


def some_names(names: Sequence[Hashable]) -> str:
    """The first of some cases by name, and how many there are."""
    more = f" ({len(names)} cases)" if len(names) > 5 else ""
    return f"the cases {checks.some(names, 5)}{more}"
