"""How far to trust an explanation: its quality, a verdict, and what is warned of."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pylime import checks
from pylime.errors import CaseWarning, FitWarning
from pylime.pipeline import Explained
from pylime.request import Request
from pylime.surrogate import Surrogate
from pylime.surrogate.assessment import Assessment, margin_of

__all__ = ["ENOUGH", "Quality", "qualities_of", "warn_of_fits"]

# The share of the weights that the penalty may take without a warning. Of fewer permutations than
# these it takes more, but then the draws themselves move the weights by as much.
_MOST_SHRINKAGE = 0.1
_MANY_PERMUTATIONS = 1000
ENOUGH = 100
"""
The effective number of permutations below which a neighbourhood has collapsed.

With fewer the weights follow single permutations, and R² in sample rises because there is
little left to describe. Of fewer than 200 permutations half are enough.
"""

# A linear model of a smaller R² describes next to nothing of what the model does.
_LEAST_R2 = 0.05
# A verdict names the reasons of an R² below this.
_LOW_R2 = 0.5
# How much smaller R² may be for fresh permutations.
_MOST_LOSS = 0.1
# The largest half-width of an interval, as a share of the largest weight.
_MOST_MARGIN = 0.25
# The least expected share of features that two runs share.
_LEAST_STABILITY = 0.8
# Features that other runs select less often may be others there.
_SURELY_AGAIN = 0.95
# How many cases a warning names.
_NAMED = 5
# Fewer permutations per word of a text column leave its weights uncertain.
_LEAST_PER_WORD = 2.5


@dataclass(frozen=True, kw_only=True)
class Quality:
    """
    How far to trust the explanation of one label of a case; see `pylime.quality`.

    Attributes
    ----------
    effective_n, fresh_r2, left_out, together, in_bins, stability, margin, shrinkage, verdict
        As in `pylime.quality`.
    """

    effective_n: float
    fresh_r2: float
    left_out: float
    together: float
    in_bins: float
    stability: float
    margin: float
    shrinkage: float
    verdict: str = ""


def qualities_of(case: Explained, request: Request) -> list[Quality]:
    """
    Compute the quality of each explained label of a case.

    Parameters
    ----------
    case
        The case, with its assessments.
    request
        The arguments of the call.

    Returns
    -------
    list of Quality
        One per surrogate model.
    """
    found = []
    rows = zip(case.surrogates, case.assessments, case.in_bins, strict=True)
    for fit, assessment, in_bins in rows:
        # A missing value stays missing.
        additive = float(np.maximum(assessment.additive_r2, fit.r2))
        # Both are estimates, from different permutations.
        in_bins = float(np.fmin(in_bins, 1.0 - additive)) if np.isfinite(in_bins) else np.nan
        quality = Quality(
            effective_n=case.effective_n,
            fresh_r2=assessment.fresh_r2,
            left_out=additive - fit.r2,
            together=float(np.maximum(1.0 - additive - in_bins, 0.0)),
            in_bins=in_bins,
            stability=float(np.mean(np.square(assessment.frequencies))),
            margin=margin_of(assessment.intervals, fit.scale),
            shrinkage=fit.shrinkage,
        )
        found.append(replace(quality, verdict=_verdict(quality, fit, assessment, case, request)))
    return found


def _verdict(
    quality: Quality, fit: Surrogate, assessment: Assessment, case: Explained, request: Request
) -> str:
    """Write what speaks against an explanation, and what to do about it."""
    n = case.n_draws
    reasons = []
    collapsed = _has_collapsed(case)
    if collapsed:
        # Every other figure rests on these few permutations.
        reasons.append(
            f"only {quality.effective_n:.3g} of {n} permutations count: {_wider(request)}"
        )
    bitten = request.penalty is None and _bites(quality.shrinkage, n)
    if bitten:
        share = _percent(quality.shrinkage)
        reasons.append(f"the penalty takes {share} of the weights: pass `penalty=0`")
    if fit.r2 < _LOW_R2 and not (collapsed or bitten):
        reasons.append(_why_low(quality, fit))
    if case.exact is not None:
        reasons.insert(0, f"all {case.n_permutations} {case.exact.what}: no sampling error")
    elif not collapsed:
        reasons += _imprecisions(quality, fit, assessment)
    found = reasons or ["nothing speaks against it"]
    if case.held:
        held = checks.some(case.held, _NAMED, str)
        found.append(f"what {held} {'does' if len(case.held) == 1 else 'do'} is in the intercept")
    return "; ".join(found)


def _why_low(quality: Quality, fit: Surrogate) -> str:
    """Name the largest part of what a local model does not describe."""
    low = f"the local model describes {_percent(max(fit.r2, 0.0))} of what moves the prediction"
    if np.isnan(quality.in_bins):
        return f"{low}: `n_calls=500` finds out why"
    if np.isnan(quality.together):
        return low
    parts = {
        quality.in_bins: (
            "happens inside the bins: try another `n_bins` in lime(), such as 2, or "
            "`bin_continuous=False`"
        ),
        quality.together: "comes from features that act together, which no sum of weights shows",
        quality.left_out: "is due to features that are left out: raise `n_features`",
    }
    largest = max(parts)
    return f"{low}; {_percent(largest)} {parts[largest]}"


def _imprecisions(quality: Quality, fit: Surrogate, assessment: Assessment) -> list[str]:
    """Write what the number of permutations leaves open."""
    reasons = []
    if fit.r2 - quality.fresh_r2 > _MOST_LOSS:
        reasons.append(
            f"R² is {fit.r2:.2f}, but {quality.fresh_r2:.2f} for fresh permutations: raise "
            "`n_permutations`"
        )
    if np.isnan(assessment.intervals.lo).any():
        reasons.append("the permutations do not determine all weights: raise `n_permutations`")
    if quality.margin > _MOST_MARGIN:
        reasons.append(
            f"weights are uncertain by up to {_percent(quality.margin)} of the largest: raise "
            "`n_permutations`"
        )
    if quality.stability < _LEAST_STABILITY:
        reasons.append(_instability(quality, assessment))
    return reasons


def _instability(quality: Quality, assessment: Assessment) -> str:
    """Write why another run would select other features."""
    shared = f"two runs would share {_percent(quality.stability)} of the features"
    if quality.margin > _MOST_MARGIN:
        return shared
    intervals = assessment.intervals
    could_be_zero = (intervals.lo <= 0) & (intervals.hi >= 0)
    if np.all(could_be_zero[assessment.frequencies < _SURELY_AGAIN]):
        return (
            f"{shared}: {could_be_zero.sum()} of {len(could_be_zero)} may have no effect; lower "
            "`n_features`"
        )
    return f"{shared}, because several matter about equally"


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
    parts = [_of_neighbourhoods(explained, request), _of_many_words(explained)]
    if request.penalty is None:
        parts.append(_of_penalty(explained))
    parts += [_of_rare_levels(explained), _of_poor_fits(explained)]
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


def _of_penalty(explained: Sequence[Explained]) -> str:
    """The cases of whose weights the penalty takes much, and the cure."""
    shares = {case.case: max(fit.shrinkage for fit in case.surrogates) for case in explained}
    # The penalty is 2 / n, so that with k times the permutations its odds are a k-th.
    ks = {case.case: max(_MANY_PERMUTATIONS / case.n_draws, 1.0) for case in explained}
    bitten = [name for name, s in shares.items() if s / (s + ks[name] * (1 - s)) > _MOST_SHRINKAGE]
    if not bitten:
        return ""
    share = _percent(max(shares.values()))
    return (
        f"The penalty of the ridge regression takes {share} of the weights of {_cases(bitten)}, "
        "because the model's predictions vary little there. `penalty=0` fits without it."
    )


def _bites(shrinkage: float, n: int) -> bool:
    """Whether the penalty takes much of the weights, and not because permutations are few."""
    # The penalty is 2 / n, so that with k times the permutations its odds are a k-th.
    k = max(_MANY_PERMUTATIONS / n, 1.0)
    return shrinkage / (shrinkage + k * (1 - shrinkage)) > _MOST_SHRINKAGE


def _of_neighbourhoods(explained: Sequence[Explained], request: Request) -> str:
    """The cases whose weights rest on few permutations, and the cure."""
    collapsed = {
        case.case: (case.effective_n, case.n_permutations)
        for case in explained
        if _has_collapsed(case)
    }
    if not collapsed:
        return ""
    fewest, n = min(collapsed.values())
    cure = _wider(request)
    return (
        f"Only {fewest:.3g} of {n} permutations count for {_cases(list(collapsed))}: all others "
        f"are too far away. {cure[0].upper()}{cure[1:]}."
    )


def _of_many_words(explained: Sequence[Explained]) -> str:
    """The cases of more words than their permutations tell apart, and the cure."""
    few = {
        case.case: case.n_words
        for case in explained
        if case.exact is None and case.n_permutations < _LEAST_PER_WORD * case.n_words
    }
    if not few:
        return ""
    most = max(few.values())
    n = min(case.n_permutations for case in explained if case.case in few)
    return (
        f"{n} permutations are few for the {most} words of {_cases(list(few))}. Raise "
        f"`n_permutations` to {math.ceil(_LEAST_PER_WORD * most)}, or let `tokenization` return "
        'larger pieces, such as "sentence".'
    )


def _has_collapsed(case: Explained) -> bool:
    # Of all permutations there are, however few count, none is missing.
    return case.exact is None and case.effective_n < min(ENOUGH, case.n_permutations / 2)


def _wider(request: Request) -> str:
    """How to let more permutations count."""
    if not hasattr(request.options, "kernel_width"):
        return "raise `n_permutations`"
    if request.options.dist_fun == "gower":
        return "widen the neighbourhood with a larger `gower_pow`"
    return (
        'widen the neighbourhood with a larger `kernel_width`, or draw it with `sampling="kernel"`'
    )


def _of_rare_levels(explained: Sequence[Explained]) -> str:
    """The levels and bins that few permutations share with a case, and the cure."""
    found: dict[str, list[Explained]] = {}
    fewest: dict[str, tuple[int, int]] = {}
    for case in explained:
        for feature, n_shared in case.rare.items():
            _, described = case.reported[feature]
            found.setdefault(described, []).append(case)
            number = (n_shared, case.n_permutations)
            fewest[described] = min(fewest.get(described, number), number)
    if not found:
        return ""
    rarest = sorted(found, key=lambda described: fewest[described])
    parts = [
        "{} ({} of {} permutations; {})".format(
            described, *fewest[described], _cases([case.case for case in found[described]])
        )
        for described in rarest
    ]
    return (
        "Few permutations share these levels or bins with the case, so that their weights are "
        f"uncertain: {checks.some(parts, _NAMED, str)}. Raise `n_permutations`, merge rare levels, "
        "or make wider bins with `n_bins` or `cuts` of lime()."
    )


def _of_poor_fits(explained: Sequence[Explained]) -> str:
    """The cases of which a linear model describes next to nothing, and how to find out why."""
    poor: dict[Hashable, float] = {}
    for case in explained:
        for fit in case.surrogates:
            if fit.r2 < _LEAST_R2:
                several = len(case.surrogates) > 1
                poor[f"{case.case} (label {fit.label!r})" if several else case.case] = fit.r2
    if not poor:
        return ""
    return (
        f"The linear model describes next to nothing (R² {min(poor.values()):.2g}) of what moves "
        f"the predictions for {_cases(list(poor))}. `pylime.quality(..., n_calls=500)` finds out "
        "why."
    )


def _cases(names: Sequence[Hashable]) -> str:
    more = f" ({len(names)} cases)" if len(names) > _NAMED else ""
    return f"case {checks.some(names, _NAMED, str)}{more}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"
