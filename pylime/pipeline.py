"""
The pipeline: perturb cases, predict their permutations, fit a surrogate for each label.

Each kind of input registers an `InputKind`. Only its `perturb` differs between tables, texts and
images. Everything after it is here, and shared: `predict_cases` calls the model, and
`explain_cases` turns an error into a case that is skipped.
"""

import os
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Protocol, Self, TypeAlias

import numpy as np

from pylime import checks
from pylime._types import Model, Prepared, Preprocess
from pylime.errors import CaseError, RequestError, some_names, stop_at
from pylime.models import ModelType, Predictions, model_type, predict, warn_of_scores
from pylime.parallel import in_parts, n_parts
from pylime.progress import Report, silent
from pylime.request import Request
from pylime.surrogate import Surrogate, choose_labels, fit_labels
from pylime.surrogate.linear import Design

__all__ = [
    "Batch",
    "CaseList",
    "Cases",
    "Discrepancy",
    "Explained",
    "Explainer",
    "InputKind",
    "Permutations",
    "Perturbed",
    "as_given",
    "explain_cases",
    "kind_of",
    "predict_cases",
    "prepare_cases",
    "read_cases",
    "recognise",
    "register_kind",
    "unknown_input",
]


# What comes in


class Cases(Protocol):
    """Cases of one kind, with their names."""

    @property
    def names(self) -> Sequence[Hashable]:
        """The name of each case."""
        ...

    def take(self, positions: Sequence[int]) -> Self:
        """Return some of the cases."""
        ...


@dataclass(frozen=True)
class CaseList:
    """
    Cases that are a list of objects, such as texts and images.

    Attributes
    ----------
    items
        The cases, as the user passed them.
    names
        The name of each case.
    """

    items: Sequence[Any]
    names: Sequence[Hashable]

    def take(self, positions: Sequence[int]) -> "CaseList":
        """Return some of the cases."""
        return CaseList([self.items[p] for p in positions], [self.names[p] for p in positions])


# What a kind of input returns


@dataclass(frozen=True)
class Batch:
    """
    The input of one call of `preprocess`.

    Attributes
    ----------
    inputs
        n inputs, in the form in which the user passed the data.
    n
        Number of inputs.
    rows
        If equal inputs are predicted once: for each row, which of the n inputs it is. None if
        the rows are the n inputs.
    """

    inputs: object
    n: int
    rows: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Permutations:
    """
    One case and its permutations.

    Attributes
    ----------
    case
        The name of the case.
    design
        (n, p) array or sparse matrix that the surrogate model is fitted to; row 0 is the case
        itself.
    weights
        (n,) similarity of each permutation to the case.
    features
        Names of the p columns.
    describe
        A function from names of features to the `feature_value` and `feature_desc` of each.
    data
        The cell of the column `data`.
    n_inputs
        Number of rows of the batches that belong to the case. The first is the case as the
        user passed it.
    rows
        (n,) which of these rows each permutation is; None if permutations are the rows.
    """

    case: Hashable
    design: Design
    weights: np.ndarray
    features: Sequence[str]
    describe: Callable[[Sequence[str]], Sequence[tuple[Any, str]]]
    data: object
    n_inputs: int
    rows: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Perturbed:
    """
    Some cases with their permutations, and the batches of inputs for the model.

    Attributes
    ----------
    cases
        The permutations of each case.
    batches
        The inputs of all cases, one case after another, in batches of bounded size. A
        generator can clean up after each batch.
    as_passed
        Of a single case: what `preprocess` would get of it from the user's own code, in a list,
        where permutations are made anew and may look otherwise to the model.
    differences
        Why they may, as far as it is known.
    """

    cases: Sequence[Permutations]
    batches: Iterable[Batch]
    as_passed: Sequence[object] | None = None
    differences: Sequence[str] = ()


@dataclass(frozen=True)
class NoOptions:
    """The record of options of a kind of input that has none."""


def _plain_explainer(
    cases: Cases, model: Model, preprocess: Preprocess, options: object, kind: "InputKind"
) -> "Explainer":
    """Make the explainer of a kind that needs nothing from the data of `lime()`."""
    return Explainer(model, preprocess, kind)


def _as_they_are(explainer: "Explainer", cases: Cases, options: object) -> Cases:
    """Return the cases of a kind that needs no preparation."""
    return cases


def _no_examples(explainer: "Explainer", cases: Cases) -> None:
    """Return None: `lime()` does not try the model on cases of this kind."""


@dataclass(frozen=True)
class InputKind:
    """
    A kind of input: how it is recognised, read and perturbed.

    Attributes
    ----------
    name, plural
        The word for one such input, and for several: `"table"` and `"tables"`.
    rows
        The word for the cases in one, such as `"rows"`.
    description
        What `x` can be, for the error about any other value.
    recognise
        Returns whether a value is of this kind. It should be fast and certain.
    read
        Returns the cases in a value; None if it is not of this kind.
    reader
        Returns the function that takes the place of `read` in `lime()` and `explain()`, if it
        depends on the options of `lime()`: from the record of options, and whether the user
        named the kind.
    perturb
        Turns an explainer, some cases (a result of `parts`) and a request into permutations.
        It can raise `CaseError`.
    make_explainer
        Makes an explainer from the cases of `lime()`, the model, `preprocess`, the record of
        options and this kind.
    prepare
        Prepares all cases of a call of `explain()` together, from the explainer, the cases and
        the record of options.
    parts
        Divides the cases into parts that are predicted together; by default each case alone.
    examples
        Returns two of the cases of `lime()`, in the form that `preprocess` takes, for a trial
        of the model; None if there are none.
    lime_options, explain_options
        Dataclasses of the options of `lime()` and of `explain()`; see
        `pylime.checks.check_fields`.
    n_permutations
        Default number of permutations of a case.
    """

    name: str
    plural: str
    rows: str
    description: str
    recognise: Callable[[Any], bool]
    read: Callable[[Any], Cases | None]
    perturb: Callable[[Any, Any, Request], Perturbed]
    reader: Callable[[Any, bool], Callable[[Any], Cases | None]] | None = None
    make_explainer: Callable[..., "Explainer"] = _plain_explainer
    prepare: Callable[[Any, Any, Any], Cases] = _as_they_are
    parts: Callable[[Any, Any, Request], Iterable[Cases]] | None = None
    examples: Callable[[Any, Any], Any] = _no_examples
    lime_options: type = NoOptions
    explain_options: type = NoOptions
    n_permutations: int = 1000


@dataclass(frozen=True)
class Explainer:
    """
    A model with everything that is needed to permute its cases; made by `pylime.lime`.

    Attributes
    ----------
    model
        The model, as the user passed it.
    preprocess
        A function from a batch of permuted cases to the input of the model.
    kind
        The kind of the cases.
    probe
        Whether to check the first predictions for common mistakes.
    labels
        The model's labels; None if `pylime.lime` has not tried the model.

    Notes
    -----
    An explainer can be pickled, also by joblib, if its model and functions can; cloudpickle also
    takes functions of a notebook. Loading a pickle executes code; load only files you trust.
    Explanations need no pickle: see `pylime.write_explanation`.
    """

    model: Model = field(repr=False)
    preprocess: Preprocess = field(repr=False)
    kind: InputKind = field(repr=False)
    probe: bool = field(default=True, repr=False, kw_only=True)
    labels: tuple[Hashable, ...] | None = field(default=None, repr=False, kw_only=True)

    @property
    def model_type(self) -> ModelType:
        """`"classification"` or `"regression"`."""
        return model_type(self.model)

    def __repr__(self) -> str:
        inner = getattr(self.model, "model", self.model)
        name = getattr(inner, "__name__", type(inner).__name__)
        return f"<{type(self).__name__} of the {self.model_type} model {name}>"


# The registry of kinds

_KINDS: dict[str, InputKind] = {}


def register_kind(kind: InputKind) -> InputKind:
    """
    Register a kind of input for `pylime.lime` and `pylime.explain`.

    Parameters
    ----------
    kind
        The kind; it replaces one of the same name. `pylime.lime` tries the kinds in the
        reverse order of their registration.

    Returns
    -------
    InputKind
        The same kind.

    Examples
    --------
    >>> register_kind(InputKind("series", ...))  # doctest: +SKIP
    """
    _KINDS.pop(kind.name, None)
    _KINDS[kind.name] = kind
    return kind


def recognise(x: object, kind: str | None = None) -> tuple[InputKind, Cases]:
    """
    Detect the kind of an input, and read its cases.

    Parameters
    ----------
    x
        The input of `lime()`.
    kind
        The name of the kind, if the user passed it.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        As `kind_of` and `read_cases` do.
    """
    found = kind_of(x, kind)
    return found, read_cases(x, found)


def kind_of(x: object, kind: str | None = None) -> InputKind:
    """
    Detect the kind of an input.

    Parameters
    ----------
    x
        The input of `lime()`.
    kind
        The name of the kind, if the user passed it.

    Raises
    ------
    TypeError
        If `x` is not of a registered kind.
    ValueError
        If there is no kind of that name.
    """
    if kind is not None:
        checks.one_of("kind", kind, list(_KINDS))
        return _KINDS[kind]
    for found in reversed(_KINDS.values()):
        if found.recognise(x):
            return found
    raise TypeError(unknown_input(x))


def read_cases(x: object, kind: InputKind) -> Any:
    """
    Read the cases in an input of `lime()` or `explain()`.

    Parameters
    ----------
    x
        The input.
    kind
        Its kind.

    Raises
    ------
    TypeError
        If `x` is not of this kind.
    ValueError
        If it has no cases.
    FileNotFoundError
        If it has paths of image files that do not exist.
    """
    cases = kind.read(x)
    if cases is None:
        raise TypeError(unknown_input(x, kind))
    if not len(cases.names):
        raise ValueError(f"There is nothing to explain: `x` has no {kind.rows}.")
    return cases


def unknown_input(x: object, kind: InputKind | None = None, hint: str = "") -> str:
    """
    Write the message that an input is not of a kind.

    Parameters
    ----------
    x
        The input.
    kind
        The kind that was expected; by default any.
    hint
        The end of the message: how to change the input.
    """
    what = type(x).__name__
    if isinstance(x, np.ndarray):
        what += f" of {x.dtype} and shape {x.shape}"
    elif isinstance(x, str):
        what += f" {x!r:.60}"
    elif isinstance(x, list | tuple) and x:
        kinds = dict.fromkeys(type(item).__name__ for item in x)
        what += f" of {checks.some(kinds, 3, str)}"
    elif isinstance(x, Iterator):
        hint = "; pass a list"
    known = reversed(_KINDS.values()) if kind is None else [kind]
    return f"`x` must be {'; or '.join(each.description for each in known)}; not {what}{hint}."


def prepare_cases(x: object, explainer: Explainer, request: Request) -> Any:
    """
    Read the cases of a call of `explain()`, and prepare all of them together.

    Parameters
    ----------
    x
        The input of `explain()`.
    explainer
        From `pylime.lime`.
    request
        The arguments of the call.

    Raises
    ------
    TypeError, ValueError
        If `x` is not of the explainer's kind, or has no cases.
    """
    cases = read_cases(x, explainer.kind)
    _warn_of_namesakes(cases.names)
    return explainer.kind.prepare(explainer, cases, request.options)


def _warn_of_namesakes(names: Sequence[Hashable]) -> None:
    """Warn if cases share a name, because plots identify them by it."""
    if isinstance(names, range) or len(set(names)) == len(names):
        return
    repeated = [name for name, number in Counter(names).items() if number > 1]
    checks.warn(
        f"{len(repeated)} names belong to several cases, such as {repeated[0]!r}; plots treat "
        "them as one case. Give the cases an index without repeats."
    )


# What the model returns


def as_given(cases: object) -> object:
    """Return the cases unchanged: the default `preprocess`."""
    return cases


def predict_cases(explainer: Explainer, inputs: object, n: int, **options: Any) -> Predictions:
    """
    Call the model: preprocess, check the rows, predict, and check the predictions.

    Parameters
    ----------
    explainer
        The explainer with the model and `preprocess`.
    inputs
        n inputs, in the form in which the user passed the data.
    n
        Number of inputs.
    **options
        Arguments for `pylime.predict_model`.

    Returns
    -------
    Predictions
        n rows of finite numbers.

    Raises
    ------
    ValueError
        If `preprocess` or the model returns another number of rows, or the predictions are
        unusable.
    """
    prepared = explainer.preprocess(inputs)
    _check_rows(prepared, n, explainer.kind.rows)
    return predict(explainer.model, prepared, n, **options)


def _check_rows(prepared: Prepared, n: int, what: str) -> None:
    """
    Raise if `preprocess` returned another number of rows.

    Arrays, sparse matrices, frames, tensors, lists, and dictionaries of these are checked;
    anything else passes.
    """
    if prepared is None:
        raise ValueError("`preprocess` must return what the model takes; it returned None.")
    if isinstance(prepared, dict):
        prepared = next(iter(prepared.values()), prepared)
    shape = getattr(prepared, "shape", None)
    rows = shape[0] if shape is not None and len(shape) else None
    if rows is None and isinstance(prepared, list):
        several = {len(part) for part in prepared if getattr(part, "ndim", 0)}
        rows = n if several == {n} else len(prepared)  # of several inputs, or of cases
    if rows is not None and rows != n:
        raise ValueError(
            f"`preprocess` must return one row for each of the {what} of a batch: {n} {what} "
            f"went in, {rows} row{'s' if rows != 1 else ''} came out."
        )


@dataclass(frozen=True, eq=False)
class _Predicted:
    """A case, its permutations, and the predictions of the labels to explain."""

    case: Permutations
    prediction: Mapping[Hashable, float]
    labels: Sequence[Hashable]
    responses: np.ndarray
    discrepancy: "Discrepancy | None" = None


def _predict(
    explainer: Explainer, perturbed: Perturbed, request: Request, report: Report, probe: bool
) -> Iterator[_Predicted]:
    """Predict all batches, then divide the rows among the cases and choose labels to explain."""
    labels: tuple[Hashable, ...] = ()
    wanted: list[Hashable] = []
    first = permuted = np.empty(0)
    parts: list[np.ndarray] = []
    alone = len(perturbed.cases) == 1
    passed = _predict_as_passed(explainer, perturbed, request)
    count = _Countdown(request.n_permutations, sum(case.n_inputs for case in perturbed.cases))
    with closing(_closable(perturbed.batches)) as batches:
        for batch in batches:
            found = predict_cases(explainer, batch.inputs, batch.n, **request.predict_options or {})
            if not parts:
                if probe:
                    warn_of_scores(explainer.model, found)
                labels, permuted = found.labels, found.values[0].copy()
                first = permuted if passed is None else _in_order(passed, labels, permuted)
                prediction = _by_label(labels, first)
                wanted = choose_labels(prediction, request.labels, request.n_labels)
            elif found.labels != labels:
                raise ValueError(
                    f"The model must return the same classes for every batch; after "
                    f"{len(labels)} it returned {len(found.labels)}, or others."
                )
            # A model can have a thousand classes; only those to explain are kept in memory.
            values = _label_columns(found.values, labels, wanted) if alone else found.values
            parts.append(values if batch.rows is None else values[batch.rows])
            report(count.after(len(parts[-1])))
            del batch  # two batches of large images need not be in memory
    values = parts[0] if len(parts) == 1 else np.concatenate(parts)
    start = 0
    for case in perturbed.cases:
        own = values[start : start + case.n_inputs]
        start += case.n_inputs
        prediction = _by_label(labels, first if alone else own[0])
        if not alone:
            wanted = choose_labels(prediction, request.labels, request.n_labels)
            own = _label_columns(own, labels, wanted)
        responses = own if case.rows is None else own[case.rows]
        found = None
        if alone and first is not permuted:
            unit = 1.0 if explainer.model_type == "classification" else float(responses.std())
            of_permuted = _by_label(labels, permuted)
            found = _compare(prediction, of_permuted, wanted, unit, perturbed.differences)
        yield _Predicted(case, prediction, wanted, responses, found)


def _predict_as_passed(
    explainer: Explainer, perturbed: Perturbed, request: Request
) -> Predictions | None:
    """Predict a case as the user's own code would, whose errors do not keep it from its rows."""
    if perturbed.as_passed is None:
        return None
    options = request.predict_options or {}
    try:
        return predict_cases(explainer, perturbed.as_passed, len(perturbed.as_passed), **options)
    except Exception:  # whatever the model, or other code of the user's, raises
        return None


def _in_order(passed: Predictions, labels: Sequence[Hashable], permuted: np.ndarray) -> np.ndarray:
    """The prediction of a case as it was passed; of its permutation, if it has other labels."""
    if set(passed.labels) != set(labels) or len(passed.labels) != len(labels):
        return permuted
    return passed.values[0, [passed.labels.index(label) for label in labels]]


# From so large a difference of probabilities on, or share of the response's standard deviation,
# the model sees something else in the permutations of a case than in the case.
_MOST_DIFFERENCE = 0.05


@dataclass(frozen=True)
class Discrepancy:
    """
    A case that the model sees otherwise than the permutation of it that changes nothing.

    Attributes
    ----------
    label
        The label whose prediction differs most, of those that are explained if one does.
    passed, permuted
        The predictions of the case as it was passed, and of the permutation.
    reasons
        What is known to differ.
    """

    label: Hashable
    passed: float
    permuted: float
    reasons: Sequence[str]


def _compare(
    prediction: Mapping[Hashable, float],
    permuted: Mapping[Hashable, float],
    wanted: Sequence[Hashable],
    unit: float,
    reasons: Sequence[str],
) -> Discrepancy | None:
    """Find the label whose prediction differs clearly, if one does; an explained one first."""
    differences = {label: abs(prediction[label] - permuted[label]) for label in prediction}
    for labels in (wanted, differences):
        most = max(labels, key=lambda label: differences[label])
        if differences[most] > _MOST_DIFFERENCE * unit:
            return Discrepancy(most, prediction[most], permuted[most], reasons)
    return None


def _by_label(labels: Sequence[Hashable], row: np.ndarray) -> dict[Hashable, float]:
    return dict(zip(labels, row.tolist(), strict=True))


def _label_columns(
    values: np.ndarray, labels: Sequence[Hashable], wanted: Sequence[Hashable]
) -> np.ndarray:
    return values[:, [labels.index(label) for label in wanted]]


def _closable(batches: Iterable[Batch]) -> Any:
    """Give batches a `close`, so that a generator cleans up immediately if the model raises."""
    return batches if hasattr(batches, "close") else (batch for batch in batches)


class _Countdown:
    """Converts numbers of predicted rows, which equal permutations share, to permutations."""

    def __init__(self, n_permutations: int, n_rows: int) -> None:
        self.n_permutations, self.n_rows = n_permutations, n_rows
        self.done = self.reported = 0

    def after(self, rows: int) -> int:
        """Return how many permutations are done by some more rows."""
        self.done += rows
        before, self.reported = self.reported, self.n_permutations * self.done // self.n_rows
        return self.reported - before


# What the frame has of a case


@dataclass(frozen=True)
class Explained:
    """
    The explanation of one case.

    Attributes
    ----------
    case
        The name of the case.
    prediction
        The model's prediction for the case itself, by label.
    surrogates
        The surrogate model of each explained label.
    reported
        The `feature_value` and `feature_desc` of each feature of these.
    data
        The cell of the column `data`.
    constant
        Labels that are left out because the model returns the same for every permutation,
        and what it returns.
    effective_n
        How many equally weighted permutations would carry as much information (Kish).
    discrepancy
        What the model sees otherwise in the case than in its permutations; None for nothing.
    """

    case: Hashable
    prediction: Mapping[Hashable, float]
    surrogates: Sequence[Surrogate]
    reported: Mapping[str, tuple[Any, str]]
    data: object
    constant: Mapping[Hashable, float]
    effective_n: float
    discrepancy: Discrepancy | None = None


Result: TypeAlias = Explained | CaseError


def _fit_case(predicted: _Predicted, request: Request) -> Result:
    """Fit the surrogates of a case."""
    case = predicted.case
    try:
        surrogates = fit_labels(
            case.design,
            predicted.responses,
            case.weights,
            case.features,
            predicted.labels,
            n_features=request.n_features,
            feature_select=request.feature_select,
            penalty=request.penalty,
        )
    except CaseError as error:
        return CaseError.of(case.case, error)
    found = [fit for fit in surrogates if np.isfinite(fit.r2)]
    if not found:
        error = CaseError(
            "The model's predictions are equal for all permutations with a positive similarity "
            "to the case, so nothing can be explained. Raise `n_permutations`, or measure "
            'similarity in another way, such as `dist_fun="euclidean"`.'
        )
        return CaseError.of(case.case, error)
    features = list(dict.fromkeys(chain.from_iterable(fit.features for fit in found)))
    reported = dict(zip(features, case.describe(features), strict=True))
    fitted = {fit.label for fit in found}
    constant = {
        label: predicted.prediction[label] for label in predicted.labels if label not in fitted
    }
    weights = case.weights[1:]
    effective_n = float(weights.sum() ** 2 / np.square(weights).sum())
    return Explained(
        case.case,
        predicted.prediction,
        found,
        reported,
        case.data,
        constant,
        effective_n,
        predicted.discrepancy,
    )


# From cases to explanations


def explain_cases(
    explainer: Explainer, cases: Cases, request: Request, report: Report
) -> list[Result]:
    """
    Explain cases, one after another or in several processes.

    Parameters
    ----------
    explainer
        From `pylime.lime`.
    cases
        The cases, prepared.
    request
        The arguments of the call.
    report
        A function that is called with the number of permutations done since its last call.

    Returns
    -------
    list
        For each case its explanation, or the error that prevented it.

    Raises
    ------
    RequestError
        If an argument fits no case.
    CaseError
        If a case cannot be explained and `request.on_error` is `"raise"`.
    MemoryError
        If the permutations of a single case do not fit into memory.
    """
    probe = explainer.probe and explainer.labels is None  # lime() has not tried the model
    if request.n_jobs == 1 or len(cases.names) == 1:
        return list(_explain_in_turn(explainer, cases, request, report, probe))
    return _explain_in_parallel(explainer, cases, request, report, probe)


def _explain_in_turn(
    explainer: Explainer, cases: Cases, request: Request, report: Report, probe: bool
) -> Iterator[Result]:
    """Explain part after part; raise at the first error if `on_error` is `"raise"`."""
    for part in _parts(explainer, cases, request):
        for result in _explain_together(explainer, part, request, report, probe):
            if isinstance(result, CaseError) and request.on_error == "raise":
                stop_at(result)
            yield result
        probe = False


def _parts(explainer: Explainer, cases: Cases, request: Request) -> Iterable[Cases]:
    """Divide the cases into parts that are predicted together."""
    if explainer.kind.parts is not None:
        return explainer.kind.parts(explainer, cases, request)
    if len(cases.names) == 1:
        return [cases]
    return (cases.take([position]) for position in range(len(cases.names)))


def _explain_together(
    explainer: Explainer, cases: Cases, request: Request, report: Report, probe: bool
) -> Iterator[Result]:
    """
    Explain cases that are predicted in the same calls of the model.

    After an error of several cases, each is tried alone: it draws the same permutations again, in
    new memory, as the model may have changed the old. The error of a single case is its result.
    """
    names = cases.names
    alone = len(names) == 1
    count = 0

    def counted(n: int) -> None:
        nonlocal count
        count += n
        report(n)

    try:
        perturbed = explainer.kind.perturb(explainer, cases, request)
        progress = counted if alone else silent
        predicted = list(_predict(explainer, perturbed, request, progress, probe))
    except RequestError:
        raise
    except Exception as error:  # the model, or other code of the user's, can raise any
        if alone and isinstance(error, MemoryError):
            raise
        if not alone:
            for position in range(len(names)):
                one = cases.take([position])
                yield from _explain_together(explainer, one, request, report, probe)
            return
        report(request.n_permutations - count)
        yield CaseError.of(names[0], error)
        return
    for each in predicted:
        if not alone:
            report(request.n_permutations)
        yield _fit_case(each, request)


def _explain_in_parallel(
    explainer: Explainer, cases: Cases, request: Request, report: Report, probe: bool
) -> list[Result]:
    """Divide the cases among processes, in contiguous parts."""
    n_cases = len(cases.names)
    parts = np.array_split(np.arange(n_cases), n_parts(n_cases, request.n_jobs))
    results: dict[int, list[Result]] = {}
    # A worker that is killed cannot remove its temporary files; this context does.
    with tempfile.TemporaryDirectory(prefix="pylime-") as folder:
        here = replace(request, folder=folder)
        tasks = [(cases.take(part.tolist()), here, probe and not part[0]) for part in parts]
        done = in_parts(
            _explain_part,
            explainer,
            tasks,
            request.n_jobs,
            folder,
            lambda task: some_names(task[0].names),
        )
        try:
            for number, (explained, messages) in done:
                results[number] = explained
                report(len(explained) * request.n_permutations)
                for message in messages:
                    checks.warn(message)
        except CaseError as error:  # joblib replaced the cause by the worker's traceback
            raise error from error.reason
    return [result for number in sorted(results) for result in results[number]]


def _explain_part(
    explainer: Explainer, part: tuple[Cases, Request, bool]
) -> tuple[list[Result], list[Warning | str]]:
    """Explain some of the cases in a worker; return the results and the warnings."""
    cases, request, probe = part
    if request.folder is not None and not os.path.isdir(request.folder):
        request = replace(request, folder=None)  # on another machine
    with warnings.catch_warnings(record=True) as caught:
        results = list(_explain_in_turn(explainer, cases, request, silent, probe))
    distinct = {(warning.category, str(warning.message)): warning.message for warning in caught}
    return results, list(distinct.values())
