"""
The one pipeline: perturb a case, predict its permutations, fit a surrogate for each label.

An input takes part by registering how its explainer is made, and how its cases are
checked and perturbed.
"""

import os
import tempfile
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, singledispatch
from typing import Any, ClassVar, TypeAlias

import numpy as np

from pylime.errors import CaseError, some_names, stop_at
from pylime.inputs import unknown_input
from pylime.models import ModelType, model_type
from pylime.parallel import in_parts, n_parts
from pylime.progress import Report
from pylime.surrogate import Neighbourhood, Surrogate, choose_labels, fit_labels

__all__ = [
    "Explainer",
    "Request",
    "Result",
    "check_cases",
    "examples",
    "explain_cases",
    "explain_elsewhere",
    "make_explainer",
    "perturb",
]


@dataclass(frozen=True)
class Explainer:
    """
    A model and what is needed to permute its cases.

    Attributes
    ----------
    model
        The model as it was given to `pylime.lime`.
    preprocess
        Turns a batch of permuted cases into what the model takes.
    probe
        Whether the first predictions are looked at for what is easily mistaken.
    labels
        The model's labels, as far as `pylime.lime` has seen its predictions.

    Notes
    -----
    An explainer can be pickled, and saved by joblib, where its model and functions can;
    cloudpickle takes functions of a notebook, too. Loading a pickle runs what its author
    wrote, so load none from strangers. Explanations need none: see
    `pylime.write_explanation`.
    """

    model: Any = field(repr=False)
    preprocess: Callable[[Any], Any] = field(repr=False)
    probe: bool = field(default=True, repr=False, kw_only=True)
    labels: tuple[Hashable, ...] | None = field(default=None, repr=False, kw_only=True)

    input_name: ClassVar[str]
    default_permutations: ClassVar[int]
    options: ClassVar[type]

    def __repr__(self) -> str:
        inner = getattr(self.model, "model", self.model)
        name = getattr(inner, "__name__", type(inner).__name__)
        return f"<{type(self).__name__} of the {model_type(self.model)} model {name}>"


@dataclass(frozen=True)
class Request:
    """
    What was asked of one call of `pylime.explain`.

    Attributes
    ----------
    model_type
        What the model does.
    labels, n_labels
        Which labels; both None for the likeliest.
    n_features, feature_select
        How many features a surrogate model may use, and how they are chosen.
    n_permutations
        Rows of each neighbourhood.
    seed
        Numbers that all random draws start from.
    predict_options
        Passed on to `predict_model`.
    options
        The record of the input's own options.
    folder
        Where temporary files go; None for the system's place.
    probe
        Whether the first predictions are still to be looked at.
    on_error
        What to do with cases that cannot be explained, of `ON_ERROR`.
    """

    model_type: ModelType
    labels: Any
    n_labels: int | None
    n_features: int
    feature_select: str
    n_permutations: int
    seed: tuple[int, ...]
    predict_options: Mapping[str, Any]
    options: Any
    folder: str | None = None
    probe: bool = False
    on_error: str = "warn"

    def labels_of(self, prediction: Mapping[Hashable, float]) -> list[Hashable]:
        """The labels to explain, by a case's prediction; raises as `choose_labels` does."""
        return choose_labels(prediction, self.labels, self.n_labels)


@singledispatch
def make_explainer(data: Any, model: Any, preprocess: Callable[[Any], Any], **options: Any) -> Any:
    """Make the explainer for one kind of input."""
    raise TypeError(unknown_input(data))


@singledispatch
def examples(explainer: Any, data: Any) -> Any:
    """Two of the cases that an explainer was made from, as `preprocess` gets them, or None."""
    return None


@singledispatch
def check_cases(explainer: Any, cases: Any, options: Any) -> Any:
    """Look at the cases of a call together, before any work; as they are to be used."""
    return cases


@singledispatch
def perturb(
    explainer: Any, cases: Any, request: Request, report: Report
) -> Iterator[Neighbourhood | CaseError]:
    """Turn each case into a neighbourhood, or into the error that says why not."""
    raise TypeError(f"`explainer` must come from lime(); not {type(explainer).__name__}.")


@singledispatch
def explain_elsewhere(x: Any, explainer: Explainer, arguments: Mapping[str, Any]) -> Any:
    """What `explain()` returns for cases that do not lie in memory; None for those that do."""
    return None


Result: TypeAlias = tuple[Neighbourhood, list[Surrogate]] | CaseError


def explain_cases(
    explainer: Explainer, cases: Any, request: Request, n_jobs: int, report: Report
) -> list[Result]:
    """
    Send cases through the pipeline, one after another or in several processes.

    Parameters
    ----------
    explainer
        What perturbs them.
    cases
        From `check_cases`.
    request
        What is asked of them.
    n_jobs
        Number of parallel jobs, as in joblib.
    report
        Called with the number of permutations that are done.

    Returns
    -------
    list
        For each case its neighbourhood and surrogates, or the error that says why not.
    """
    if n_jobs == 1 or len(cases) == 1:
        return list(_explain_cases(explainer, cases, request, report))
    return _explain_in_parallel(explainer, cases, request, n_jobs, report)


def _explain_cases(
    explainer: Explainer, cases: Any, request: Request, report: Report
) -> Iterator[Result]:
    """The pipeline: perturb and predict each case, then fit a surrogate per label."""
    for result in map(partial(_fit_case, request), perturb(explainer, cases, request, report)):
        if isinstance(result, CaseError) and request.on_error == "raise":
            stop_at(result)
        yield result


def _fit_case(request: Request, around: Neighbourhood | CaseError) -> Result:
    if isinstance(around, CaseError):
        return around
    try:
        labels = request.labels_of(around.prediction)
        known: list[Hashable] = list(around.predictions.columns)
        responses = around.predictions.iloc[:, [known.index(label) for label in labels]]
        surrogates = fit_labels(
            around.design,
            responses.to_numpy(np.float64),
            around.weights,
            around.features,
            labels,
            n_features=request.n_features,
            feature_select=request.feature_select,  # type: ignore[arg-type]
        )
    except CaseError as error:
        return CaseError.of(around.case, error)
    if not all(np.isfinite(fit.r2) for fit in surrogates):
        error = CaseError(
            "The permutations that are at all similar to the case do not differ in what "
            "the model says of them, so nothing can be explained. Raise `n_permutations`, "
            'or measure similarity otherwise, such as with `dist_fun="euclidean"`.'
        )
        return CaseError.of(around.case, error)
    return around.without_rows(), surrogates


def _explain_in_parallel(
    explainer: Explainer, cases: Any, request: Request, n_jobs: int, report: Report
) -> list[Result]:
    """Share the cases out among processes, in contiguous parts."""
    parts = np.array_split(np.arange(len(cases)), n_parts(len(cases), n_jobs))
    results: dict[int, list[Result]] = {}
    # A worker that is ended cannot clear up behind itself; what it leaves goes with this.
    with tempfile.TemporaryDirectory(prefix="pylime-") as folder:
        tasks = [
            (
                cases.take(part.tolist()),
                replace(request, folder=folder, probe=request.probe and not part[0]),
            )
            for part in parts
        ]
        done = in_parts(
            _explain_part, explainer, tasks, n_jobs, folder, lambda task: some_names(task[0].names)
        )
        try:
            for number, (explained, messages) in done:
                results[number] = explained
                report(len(explained) * request.n_permutations)
                for message in messages:
                    warnings.warn(message, stacklevel=3)
        except CaseError as error:  # joblib has put the worker's traceback in place of its cause
            raise error from error.reason
    return [result for number in sorted(results) for result in results[number]]


def _explain_part(
    explainer: Explainer, part: tuple[Any, Request]
) -> tuple[list[Result], list[Warning | str]]:
    """Some of the cases, in a process of their own, and the warnings that it gave."""
    cases, request = part
    if request.folder is not None and not os.path.isdir(request.folder):
        request = replace(request, folder=None)  # this is another machine
    with warnings.catch_warnings(record=True) as caught:
        results = list(_explain_cases(explainer, cases, request, lambda n: None))
    different = {(warning.category, str(warning.message)): warning.message for warning in caught}
    return results, list(different.values())
