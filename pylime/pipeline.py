"""
The one pipeline: perturb cases, predict their permutations, fit a surrogate for each label.

A kind of input takes part by registering an `InputKind`. Only its `perturb` differs between
tables, texts and images; everything after it is here, and shared: the model is called in
`predict_cases`, and `explain_cases` turns an error into a case that is left out.
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
from pylime._types import Model, Preprocess
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
    "Explained",
    "Explainer",
    "InputKind",
    "Permutations",
    "Perturbed",
    "as_given",
    "explain_cases",
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
        """What each case is called."""
        ...

    def take(self, positions: Sequence[int]) -> Self:
        """Keep some of the cases."""
        ...


@dataclass(frozen=True)
class CaseList:
    """
    Cases that are a list of objects, such as texts and images.

    Attributes
    ----------
    items
        The cases as they were given.
    names
        What each case is called.
    """

    items: Sequence[Any]
    names: Sequence[Hashable]

    def take(self, positions: Sequence[int]) -> "CaseList":
        """Keep some of the cases."""
        return CaseList([self.items[p] for p in positions], [self.names[p] for p in positions])


# What a kind of input makes of it


@dataclass(frozen=True)
class Batch:
    """
    What `preprocess` gets in one call.

    Attributes
    ----------
    inputs
        n inputs, in the form in which the user passed the data.
    n
        How many.
    rows
        If the model is called once for equal inputs: for each row which of the n it is.
        None: the rows are the n inputs.
    """

    inputs: Any
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
        (n, p) array or sparse matrix of what the surrogate model is fitted to; row 0 is the
        case itself.
    weights
        (n,) similarity of each permutation to the case.
    features
        Names of the p columns.
    describe
        From names of features to what the frame reports of each: `feature_value` and
        `feature_desc`.
    data
        What the frame reports as `data`.
    n_inputs
        How many inputs of the batches belong to the case. The first is the case as it was
        given.
    rows
        (n,) which of the inputs each permutation is; None where permutations are the inputs.
    unusual
        What is unusual about the case, for the error if the model refuses it.
    held
        What the permutations hold, for the error if the model's predictions do not vary.
    """

    case: Hashable
    design: Design
    weights: np.ndarray
    features: Sequence[str]
    describe: Callable[[Sequence[str]], Sequence[tuple[Any, str]]]
    data: Any
    n_inputs: int
    rows: np.ndarray | None = None
    unusual: str = ""
    held: str = ""


@dataclass(frozen=True, eq=False)
class Perturbed:
    """
    Some cases with their permutations, and what the model gets of them.

    Attributes
    ----------
    cases
        The permutations of each case.
    batches
        The inputs of all cases, one case after another, a bounded number at a time. A
        generator may clear up behind each batch.
    """

    cases: Sequence[Permutations]
    batches: Iterable[Batch]


@dataclass(frozen=True)
class NoOptions:
    """A kind of input without options."""


def _plain_explainer(
    cases: Cases, model: Model, preprocess: Preprocess, options: object, kind: "InputKind"
) -> "Explainer":
    """The explainer of a kind that remembers nothing of the data of `lime()`."""
    return Explainer(model, preprocess, kind)


def _as_they_are(explainer: "Explainer", cases: Cases, options: object) -> Cases:
    """Cases that need no preparation."""
    return cases


def _no_examples(explainer: "Explainer", cases: Cases) -> None:
    """A kind on whose cases the model is not tried."""


@dataclass(frozen=True)
class InputKind:
    """
    A kind of input: how it is recognised, read and perturbed.

    Attributes
    ----------
    name, plural
        What one such input is called, and several: `"table"` and `"tables"`.
    rows
        What the cases in one are called, such as `"rows"`.
    description
        What `x` can be, for the error about something else.
    recognise
        Whether `lime()` takes something for this kind. It should be quick and certain.
    read
        The cases in something that is taken for this kind; None if there are none in it.
    perturb
        Turns cases, as `parts` hands them out, into permutations. It may raise `CaseError`.
    make_explainer
        Looks at the data of `lime()`: from the cases, the model, `preprocess`, the record of
        options and this kind to an explainer.
    prepare
        Looks at all cases of a call of `explain()` together, before any work.
    parts
        Which cases are predicted together; by default each alone.
    examples
        Two of the cases that an explainer is made from, as `preprocess` gets them, on which
        `lime()` tries the model; None if there are none.
    lime_options, explain_options
        Dataclasses of the options of `lime()` and of `explain()`; see
        `pylime.checks.check_fields`.
    n_permutations
        How many permutations a case has by default.
    """

    name: str
    plural: str
    rows: str
    description: str
    recognise: Callable[[Any], bool]
    read: Callable[[Any], Cases | None]
    perturb: Callable[[Any, Any, Request], Perturbed]
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
    A model and what is needed to permute its cases; made by `pylime.lime`.

    Attributes
    ----------
    model
        The model as it was given to `pylime.lime`.
    preprocess
        Turns a batch of permuted cases into what the model takes.
    kind
        The kind of input that it explains.
    probe
        Whether the first predictions are checked for what is easily mistaken.
    labels
        The model's labels, as far as `pylime.lime` has seen its predictions.

    Notes
    -----
    An explainer can be pickled, and saved by joblib, where its model and functions can;
    cloudpickle takes functions of a notebook, too. Loading a pickle executes code: load only
    files you trust. Explanations need none: see `pylime.write_explanation`.
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


# Which kinds there are

_KINDS: dict[str, InputKind] = {}


def register_kind(kind: InputKind) -> InputKind:
    """
    Make a kind of input known to `pylime.lime` and `pylime.explain`.

    Parameters
    ----------
    kind
        The kind; it takes the place of one of the same name. A kind is tried before those
        that were registered earlier.

    Returns
    -------
    InputKind
        The same.

    Examples
    --------
    >>> register_kind(InputKind("series", ...))  # doctest: +SKIP
    """
    _KINDS.pop(kind.name, None)
    _KINDS[kind.name] = kind
    return kind


def recognise(x: object, kind: str | None = None) -> tuple[InputKind, Cases]:
    """
    Find out what kind of input something is, and read the cases in it.

    Parameters
    ----------
    x
        What a user passed to `lime()`.
    kind
        The name of the kind, where the user gives it.

    Raises
    ------
    TypeError
        If it is not a known kind of input.
    ValueError
        If there is no kind of that name, or no case.
    FileNotFoundError
        If it names image files that do not exist.
    """
    if kind is not None:
        checks.one_of("kind", kind, list(_KINDS))
        return _KINDS[kind], read_cases(x, _KINDS[kind])
    for found in reversed(_KINDS.values()):
        if found.recognise(x):
            return found, read_cases(x, found)
    raise TypeError(unknown_input(x))


def read_cases(x: object, kind: InputKind) -> Any:
    """Read the cases in what a user passed to `lime()` or `explain()`; raises if there are none."""
    cases = kind.read(x)
    if cases is None:
        raise TypeError(unknown_input(x, kind))
    if not len(cases.names):
        raise ValueError(f"There is nothing to explain: `x` has no {kind.rows}.")
    return cases


def unknown_input(x: object, kind: InputKind | None = None, hint: str = "") -> str:
    """The message that an input is not of a kind, or of none; a hint says how to mend it."""
    what = type(x).__name__
    if hasattr(x, "toarray"):
        hint = (
            "; a sparse matrix becomes a frame by pandas.DataFrame.sparse.from_spmatrix(x), and "
            "an array by x.toarray()"
        )
    if isinstance(x, np.ndarray):
        what += f" of {x.dtype} and shape {x.shape}"
    elif isinstance(x, str):
        what += f" {x!r:.60}"
    elif isinstance(x, list | tuple) and x:
        kinds = dict.fromkeys(type(item).__name__ for item in x)
        what += f" of {', '.join(list(kinds)[:3])}"
    elif isinstance(x, Iterator):
        hint = "; pass a list"
    known = reversed(_KINDS.values()) if kind is None else [kind]
    return f"`x` must be {'; or '.join(each.description for each in known)}; not {what}{hint}."


def prepare_cases(x: object, explainer: Explainer, request: Request) -> Any:
    """
    Read the cases of a call of `explain()`, and look at all of them together.

    Parameters
    ----------
    x
        What a user passed to `explain()`.
    explainer
        From `pylime.lime`.
    request
        What is asked of them.

    Raises
    ------
    TypeError, ValueError
        If these are not cases of the explainer's kind, or there are none.
    """
    cases = read_cases(x, explainer.kind)
    _warn_of_namesakes(cases.names)
    return explainer.kind.prepare(explainer, cases, request.options)


def _warn_of_namesakes(names: Sequence[Hashable]) -> None:
    """Warn if cases share a name, by which plots tell them apart."""
    if isinstance(names, range) or len(set(names)) == len(names):
        return
    twice = [name for name, number in Counter(names).items() if number > 1]
    checks.warn(
        f"{len(twice)} names stand for several cases, such as {twice[0]!r}; plots take these "
        "for one. Give the cases an index without repeats."
    )


# What the model returns


def as_given(cases: object) -> object:
    """The default `preprocess`: the model takes the cases as they are."""
    return cases


def predict_cases(explainer: Explainer, inputs: object, n: int, **options: Any) -> Predictions:
    """
    Call the model: preprocess, check the rows, predict, and check the predictions.

    Parameters
    ----------
    explainer
        Whose model and `preprocess` to call.
    inputs
        n inputs, in the form in which the user passed the data.
    n
        How many.
    **options
        Passed on to `pylime.predict_model`.

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


def _check_rows(prepared: Any, n: int, what: str) -> None:
    """
    Raise if `preprocess` visibly returned something else than n rows.

    Arrays, sparse matrices, frames, tensors, lists, and dictionaries of these are looked at;
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
        rows = n if several == {n} else len(prepared)  # a list of inputs, or of cases
    if rows is not None and rows != n:
        raise ValueError(
            f"`preprocess` must return one row for each of the {what} of a batch: {n} {what} "
            f"went in, {rows} row{'s' if rows != 1 else ''} came out."
        )


@dataclass(frozen=True, eq=False)
class _Predicted:
    """A case, its permutations, and what the model returned for them."""

    case: Permutations
    prediction: Mapping[Hashable, float]
    labels: Sequence[Hashable]
    responses: np.ndarray


def _predict(
    explainer: Explainer, perturbed: Perturbed, request: Request, report: Report, probe: bool
) -> Iterator[_Predicted]:
    """Predict all batches; then part the rows among the cases and the labels to explain."""
    labels: tuple[Hashable, ...] = ()
    wanted: list[Hashable] = []
    first = np.empty(0)
    parts: list[np.ndarray] = []
    alone = len(perturbed.cases) == 1
    count = _Countdown(request.n_permutations, sum(case.n_inputs for case in perturbed.cases))
    with closing(_closable(perturbed.batches)) as batches:
        for batch in batches:
            found = predict_cases(explainer, batch.inputs, batch.n, **request.predict_options or {})
            if not parts:
                if probe:
                    warn_of_scores(explainer.model, found)
                labels, first = found.labels, found.values[0].copy()
                prediction = _by_label(labels, first)
                wanted = choose_labels(prediction, request.labels, request.n_labels)
            elif found.labels != labels:
                raise ValueError(
                    f"The model must return the same classes for every batch; after "
                    f"{len(labels)} it returned {len(found.labels)}, or others."
                )
            # Of a thousand classes and many batches, only those that are explained are kept.
            values = _columns(found.values, labels, wanted) if alone else found.values
            parts.append(values if batch.rows is None else values[batch.rows])
            report(count.after(len(parts[-1])))
    values = parts[0] if len(parts) == 1 else np.concatenate(parts)
    start = 0
    for case in perturbed.cases:
        own = values[start : start + case.n_inputs]
        start += case.n_inputs
        prediction = _by_label(labels, first if alone else own[0])
        if not alone:
            wanted = choose_labels(prediction, request.labels, request.n_labels)
            own = _columns(own, labels, wanted)
        yield _Predicted(case, prediction, wanted, own if case.rows is None else own[case.rows])


def _by_label(labels: Sequence[Hashable], row: np.ndarray) -> dict[Hashable, float]:
    return dict(zip(labels, row.tolist(), strict=True))


def _columns(
    values: np.ndarray, labels: Sequence[Hashable], wanted: Sequence[Hashable]
) -> np.ndarray:
    return values[:, [labels.index(label) for label in wanted]]


def _closable(batches: Iterable[Batch]) -> Any:
    """Batches with a `close`, so that a generator clears up at once if the model raises."""
    return batches if hasattr(batches, "close") else (batch for batch in batches)


class _Countdown:
    """Turns rows that are done into permutations that are done, of which equal ones share a row."""

    def __init__(self, n_permutations: int, n_rows: int) -> None:
        self.n_permutations, self.n_rows = n_permutations, n_rows
        self.done = self.reported = 0

    def after(self, rows: int) -> int:
        """How many permutations are done by some more rows."""
        self.done += rows
        before, self.reported = self.reported, self.n_permutations * self.done // self.n_rows
        return self.reported - before


# What is reported


@dataclass(frozen=True)
class Explained:
    """
    What is reported of one case.

    Attributes
    ----------
    case
        Its name.
    prediction
        The model's prediction of the case as it was given, by label.
    surrogates
        The local model of each explained label.
    reported
        For each feature of these its `feature_value` and `feature_desc`.
    data
        The whole case.
    constant
        Labels that are left out because the model returns the same for every permutation,
        and what it returns.
    effective_n
        How many equally weighted permutations would carry as much information (Kish).
    """

    case: Hashable
    prediction: Mapping[Hashable, float]
    surrogates: Sequence[Surrogate]
    reported: Mapping[str, tuple[Any, str]]
    data: Any
    constant: Mapping[Hashable, float]
    effective_n: float


Result: TypeAlias = Explained | CaseError


def _fit(predicted: _Predicted, request: Request) -> Result:
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
        if case.held:
            error = CaseError(f"{error} {case.held}: what they change is not seen.")
        return CaseError.of(case.case, error)
    found = [fit for fit in surrogates if np.isfinite(fit.r2)]
    if not found:
        error = CaseError(
            "The permutations that are at all similar to the case do not differ in the model's "
            "predictions, so nothing can be explained. Raise `n_permutations`, or measure "
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
        case.case, predicted.prediction, found, reported, case.data, constant, effective_n
    )


# The way of the cases


def explain_cases(
    explainer: Explainer, cases: Cases, request: Request, report: Report
) -> list[Result]:
    """
    Send cases through the pipeline, one after another or in several processes.

    Parameters
    ----------
    explainer
        What perturbs and predicts them.
    cases
        The cases, prepared.
    request
        What is asked of them.
    report
        Called with the number of permutations that are done.

    Returns
    -------
    list
        What is reported of each case, or the error that keeps it from being explained.
    """
    probe = explainer.probe and explainer.labels is None  # lime() has not tried the model
    if request.n_jobs == 1 or len(cases.names) == 1:
        return list(_explain_in_turn(explainer, cases, request, report, probe))
    return _explain_in_parallel(explainer, cases, request, report, probe)


def _explain_in_turn(
    explainer: Explainer, cases: Cases, request: Request, report: Report, probe: bool
) -> Iterator[Result]:
    """Explain part after part; stop at the first error if that is what was asked for."""
    for part in _parts(explainer, cases, request):
        for result in _explain_together(explainer, part, request, report, probe):
            if isinstance(result, CaseError) and request.on_error == "raise":
                stop_at(result)
            yield result
        probe = False


def _parts(explainer: Explainer, cases: Cases, request: Request) -> Iterable[Cases]:
    """Cases that are predicted together."""
    if explainer.kind.parts is not None:
        return explainer.kind.parts(explainer, cases, request)
    if len(cases.names) == 1:
        return [cases]
    return (cases.take([position]) for position in range(len(cases.names)))


def _explain_together(
    explainer: Explainer, cases: Cases, request: Request, report: Report, probe: bool
) -> Iterator[Result]:
    """
    Explain cases that are predicted in the same calls.

    An error of several cases has them tried one by one; that of a single case is its result.
    Each draws the same again, and what the model may have written into is made anew.
    """
    names = cases.names
    alone = len(names) == 1
    count = 0

    def counted(n: int) -> None:
        nonlocal count
        count += n
        report(n)

    perturbed = None
    try:
        perturbed = explainer.kind.perturb(explainer, cases, request)
        told = counted if alone else silent
        predicted = list(_predict(explainer, perturbed, request, told, probe))
    except RequestError:
        raise
    except Exception as error:  # whatever the model, or other code of the user's, raises
        if alone and isinstance(error, MemoryError):
            raise
        if not alone:
            for position in range(len(names)):
                one = cases.take([position])
                yield from _explain_together(explainer, one, request, report, probe)
            return
        report(request.n_permutations - count)
        unusual = perturbed.cases[0].unusual if perturbed is not None else ""
        yield CaseError.of(names[0], _explained_error(error, unusual))
        return
    for each in predicted:
        if not alone:
            report(request.n_permutations)
        yield _fit(each, request)


def _explained_error(error: Exception, unusual: str) -> Exception:
    """An error of the model, with what is unusual about the case if anything is."""
    if not unusual or isinstance(error, CaseError):
        return error
    found = CaseError(f"The model raises an error, and {unusual}. {type(error).__name__}: {error}")
    found.__cause__ = error
    return found


def _explain_in_parallel(
    explainer: Explainer, cases: Cases, request: Request, report: Report, probe: bool
) -> list[Result]:
    """Share the cases out among processes, in contiguous parts."""
    n_cases = len(cases.names)
    parts = np.array_split(np.arange(n_cases), n_parts(n_cases, request.n_jobs))
    results: dict[int, list[Result]] = {}
    # A worker that is ended cannot clear up behind itself; what it leaves goes with this.
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
        except CaseError as error:  # joblib has put the worker's traceback in place of its cause
            raise error from error.reason
    return [result for number in sorted(results) for result in results[number]]


def _explain_part(
    explainer: Explainer, part: tuple[Cases, Request, bool]
) -> tuple[list[Result], list[Warning | str]]:
    """Some of the cases, in a process of their own, and the warnings of these."""
    cases, request, probe = part
    if request.folder is not None and not os.path.isdir(request.folder):
        request = replace(request, folder=None)  # this is another machine
    with warnings.catch_warnings(record=True) as caught:
        results = list(_explain_in_turn(explainer, cases, request, silent, probe))
    different = {(warning.category, str(warning.message)): warning.message for warning in caught}
    return results, list(different.values())
