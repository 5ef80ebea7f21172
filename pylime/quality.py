"""How far to trust an explanation: what is known of its fits, and what is warned of."""

from collections.abc import Hashable, Sequence

from pylime import checks
from pylime.errors import CaseWarning, FitWarning
from pylime.pipeline import Explained
from pylime.request import Request

__all__ = ["warn_of_fits"]

# The share of the weights that the penalty may take without a warning. Of fewer permutations than
# these it takes more, but then the draws themselves move the weights by as much.
_MOST_SHRINKAGE = 0.1
_MANY_PERMUTATIONS = 1000
# Fewer permutations than these, or than half of all, are a collapsed neighbourhood.
_LEAST_EFFECTIVE = 100
# How many cases a warning names.
_NAMED = 5


def warn_of_fits(explained: Sequence[Explained], request: Request) -> None:
    """
    Warn of labels without a local model and of local models that mislead, once for all cases.

    Parameters
    ----------
    explained
        The cases.
    request
        What was asked of them.
    """
    _warn_of_constant_labels(explained)
    _warn_of_rewriting(explained)
    n = request.n_permutations
    parts = [_of_neighbourhoods(explained, request)]
    if request.penalty is None:
        parts.append(_of_penalty(explained, n))
    message = " ".join(part for part in parts if part)
    if message:
        checks.warn(message, FitWarning)


def _warn_of_constant_labels(explained: Sequence[Explained]) -> None:
    """Warn of labels that are left out because their prediction does not vary."""
    cases: dict[Hashable, list[Hashable]] = {}
    values: dict[Hashable, float] = {}
    for case in explained:
        for label, value in case.constant.items():
            cases.setdefault(label, []).append(case.case)
            values[label] = value
    if cases:
        listed = "; ".join(
            f"{label!r}, which is {values[label]:g} (case {checks.some(names, _NAMED, str)})"
            for label, names in cases.items()
        )
        checks.warn(
            "Labels whose prediction is the same for every permutation are left out; the other "
            f"labels are explained: {listed}.",
            CaseWarning,
        )


def _warn_of_rewriting(explained: Sequence[Explained]) -> None:
    """Warn of cases whose prediction changes with how their permutations are written."""
    changed = {case.case: case.rewritten for case in explained if case.rewritten is not None}
    if not changed:
        return
    name, most = max(changed.items(), key=lambda item: item[1].share)
    label = "" if most.label == "Response" else f" of {most.label!r}"
    more = len(changed) - 1
    others = (
        f" ({more} other case{'s' * (more > 1)} change{'s' * (more == 1)}, too)" if more else ""
    )
    checks.warn(
        f"The model's prediction{label} for case {name} itself is {most.given:.3g}; for "
        f"{most.rewriting.form}, as its permutations are written, {most.written:.3g}{others}. "
        f"{most.rewriting.cure}",
        FitWarning,
    )


def _of_penalty(explained: Sequence[Explained], n: int) -> str:
    """The cases of whose weights the penalty takes much, and the cure."""
    shares = {case.case: max(fit.shrinkage for fit in case.surrogates) for case in explained}
    # The penalty is 2 / n, so that with k times the permutations its odds are a k-th.
    k = max(_MANY_PERMUTATIONS / n, 1.0)
    bitten = [name for name, s in shares.items() if s / (s + k * (1 - s)) > _MOST_SHRINKAGE]
    if not bitten:
        return ""
    share = _percent(max(shares.values()))
    return (
        f"The penalty of the ridge regression takes {share} of the weights of {_cases(bitten)}, "
        "because the model's predictions vary little there. `penalty=0` fits without it."
    )


def _of_neighbourhoods(explained: Sequence[Explained], request: Request) -> str:
    """The cases whose weights rest on few permutations, and the cure."""
    n = request.n_permutations
    least = min(_LEAST_EFFECTIVE, n / 2)
    collapsed = {case.case: case.effective_n for case in explained if case.effective_n < least}
    if not collapsed:
        return ""
    fewest = min(collapsed.values())
    cure = "Raise `n_permutations`."
    if hasattr(request.options, "kernel_width"):
        name = "gower_pow" if request.options.dist_fun == "gower" else "kernel_width"
        cure = f"Widen the neighbourhood with a larger `{name}`."
    return (
        f"Only {fewest:.3g} of {n} permutations count for {_cases(list(collapsed))}: all others "
        f"are too far away. {cure}"
    )


def _cases(names: Sequence[Hashable]) -> str:
    more = f" ({len(names)} cases)" if len(names) > _NAMED else ""
    return f"case {checks.some(names, _NAMED, str)}{more}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"
