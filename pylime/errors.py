"""
What goes wrong with single cases: kept apart from the others, and reported by name.
"""

import traceback
import warnings
from collections.abc import Hashable, Sequence
from typing import Any

__all__ = [
    "EVEN_OF_ALL",
    "ON_ERROR",
    "CaseError",
    "RequestError",
    "check_on_error",
    "report_failures",
    "stop_at",
]

ON_ERROR = ("warn", "raise")
"""What to do with cases that cannot be explained: leave them out and say so, or stop."""

EVEN_OF_ALL = "warn, even of all"
"""For one batch of many: an explanation without rows is none that stops the others."""


class CaseError(ValueError):
    """
    One case cannot be explained; others may.

    Attributes
    ----------
    case
        Its name.
    reason
        What the model, or other code of users, raised; also its `__cause__`.
    """

    case: Hashable = None
    reason: Exception | None = None

    @classmethod
    def of(cls, case: Hashable, error: Exception) -> "CaseError":
        """What went wrong with a case, as an error of this class."""
        if not isinstance(error, CaseError):
            reason, error = error, cls(f"{type(error).__name__}: {error}")
            error.reason = error.__cause__ = reason
        error.case = case
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        reason, where = _portable(self.reason) if self.reason else (None, "")
        return _case_error, (str(self), self.case, reason, where)


class RequestError(ValueError):
    """What was asked for fits no case, so that there is no use in trying the others."""


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
    """The like of an error that another process can read, and its traceback."""
    where = "".join(traceback.format_exception(error)).rstrip()
    import cloudpickle  # only where there are other processes

    try:
        copy = cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # classes of errors whose arguments are not those of their message
        copy = RuntimeError(f"{type(error).__name__}: {error}")
    return copy, where


def check_on_error(on_error: Any) -> None:
    """Raise unless it is said what to do with cases that cannot be explained."""
    if on_error not in (*ON_ERROR, EVEN_OF_ALL):
        names = " or ".join(map(repr, ON_ERROR))
        raise ValueError(f"`on_error` must be {names}; not {on_error!r:.80}.")


def stop_at(failure: CaseError) -> None:
    """Raise the error of one case, by its name."""
    named = CaseError(f"Case {failure.case!r} cannot be explained. {failure}")
    named.case, named.reason = failure.case, failure.reason
    raise named from failure.reason or failure


def report_failures(
    failures: Sequence[CaseError], n_explained: int, on_error: str = "warn"
) -> None:
    """
    Raise if nothing was explained, warn if something was left out.

    Parameters
    ----------
    failures
        The cases that could not be explained.
    n_explained
        How many could.
    on_error
        Of `ON_ERROR`, or `EVEN_OF_ALL`.

    Raises
    ------
    Exception
        If there are none of these: what the model raised, where it is the same for all.
    """
    if not failures:
        return
    if n_explained or on_error == EVEN_OF_ALL:
        _warn_of_failures(failures, n_explained, stacklevel=4)
        return
    first = failures[0]
    kinds = {type(failure.reason) for failure in failures}
    if first.reason is not None and len(kinds) == 1:  # it is not the cases
        first.reason.add_note(f"This is the error of case {first.case!r}, {_of(failures)}.")
        raise first.reason
    if len(failures) == 1:
        raise first
    raise CaseError(
        f"None of the {len(failures)} cases could be explained. {first.case}: {first}"
    ) from first


def _of(failures: Sequence[CaseError]) -> str:
    if len(failures) == 1:
        return "the only one"
    return f"the first of {len(failures)} of which none can be explained"


def _warn_of_failures(failures: Sequence[CaseError], n_explained: int, stacklevel: int) -> None:
    """Name the cases that are left out, and what went wrong with them."""
    reasons = "; ".join(f"{error.case}: {error}" for error in failures[:5])
    more = f"; and {len(failures) - 5} more" if len(failures) > 5 else ""
    warnings.warn(
        f"{len(failures)} of {len(failures) + n_explained} cases could not be explained and are "
        f"left out. {reasons}{more}",
        stacklevel=stacklevel,
    )


def some_names(names: Sequence[Hashable]) -> str:
    """Say of which cases something is true, the first of them by name."""
    more = f", ... ({len(names)} cases)" if len(names) > 5 else ""
    return f"the cases {', '.join(map(repr, list(names)[:5]))}{more}"
