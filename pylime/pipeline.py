"""
The pipeline: perturb cases, predict their permutations, fit a surrogate for each label.

Each kind of input registers an `InputKind`. Only its `perturb` differs between tables, texts and
images. Everything after it is here, and shared: `predict_cases` calls the model, and
`explain_cases` turns an error into a case that is skipped.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Model, Prepared, Preprocess
from pylime.draws import KindOfRows, are_balanced
from pylime.errors import CaseError, RequestError, some_names, stop_at
from pylime.explainer_page import ColumnFacts, explainer_page, name_of
from pylime.folders import temporary_folder
from pylime.models import (
    ModelType,
    Predictions,
    align_labels,
    index_of,
    is_counted,
    model_type,
    predict,
    warn_of_scores,
)
from pylime.parallel import folder_here, in_parts, n_parts
from pylime.progress import Report, silent
from pylime.request import Request
from pylime.surrogate import Surrogate, choose_labels, fit_labels
from pylime.surrogate.assessment import (
    Assessment,
    assess,
    assess_exact,
    intervals_of,
    margin_of,
    share_of_patterns,
    share_within,
)
from pylime.surrogate.linear import Design

__all__ = [
    "AllOf",
    "Batch",
    "CaseList",
    "Cases",
    "Explained",
    "Explainer",
    "Finish",
    "InputKind",
    "Made",
    "Outcome",
    "Permutations",
    "Perturbed",
    "Predicted",
    "Rewriting",
    "Rewritten",
    "as_given",
    "cut",
    "explain_cases",
    "explain_predicted",
    "fit_case",
    "inputs_of",
    "is_balanced",
    "kind_of",
    "n_inputs_of",
    "permute_again",
    "predict_cases",
    "predict_permutations",
    "prepare_cases",
    "read_cases",
    "recognise",
    "register_kind",
    "unknown_input",
]

# With fewer permutations that share it, the weight of a level or bin is hardly known. Of fewer than
# 500 permutations a tenth are enough: there all weights are rough.
_FEW = 50


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

    Examples
    --------
    >>> cases = CaseList(["first text", "second text"], names=["a", "b"])
    >>> cases.take([1])
    CaseList(items=['second text'], names=['b'])
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

    Examples
    --------
    >>> Batch(["a text", "another"], n=2, rows=np.array([0, 1, 0])).n
    2
    """

    inputs: object
    n: int
    rows: np.ndarray | None = None


@dataclass(frozen=True)
class Rewriting:
    """
    How a case is written where this is not how it was given, for warnings.

    Attributes
    ----------
    form
        How permutation 0, which keeps everything, is written; after "the prediction for".
    cure
        What to do if that changes the prediction: a sentence.
    small
        The largest change of a probability, or of a number as a share of the standard deviation
        of the response, that needs no warning.
    is_predicted
        Whether the case as it was given is predicted on its own, and may not be (see `Perturbed`).
    """

    form: str
    cure: str
    small: float = 0.1
    is_predicted: bool = False


@dataclass(frozen=True)
class AllOf:
    """
    That the permutations of a case are all there are, so that nothing is drawn.

    Attributes
    ----------
    what
        What they are all of, such as `"subsets"`.
    n_draws
        How many draws their weights stand for: a weight is this number times the probability
        with which the permutation is drawn, times its similarity to the case. The default penalty
        is that of so many draws.

    Examples
    --------
    >>> AllOf("subsets", n_draws=5000)
    AllOf(what='subsets', n_draws=5000)
    """

    what: str
    n_draws: int


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
    unusual
        What is unusual about the case, for the error if the model refuses it.
    held
        Names of what all permutations have from the case, so that its effect is not seen.
    n_words
        How many of the features are words, each dropped on its own, for a warning if there are too
        few permutations for so many.
    rewriting
        How permutation 0 is written, where that may change the prediction.
    numbers
        What the uniform numbers of `pylime.draws` decide, and how many a permutation takes; None
        if permutations are not drawn from these.
    redrawn
        For `n_calls` of the request: inputs that have the same row of the design as the
        permutations 1, 2 and so on, but are drawn anew. None if the design determines the input.
    reweighed
        A function from the width of the kernel to the weights; None if there is no kernel.
    exact
        If the permutations are not drawn, but all there are; else None. The case itself is then
        one of them, and no further row.

    Examples
    --------
    >>> design = np.array([[1, 1], [0, 1], [1, 0]])
    >>> permutations = Permutations(
    ...     case="a",
    ...     design=design,
    ...     weights=np.array([1.0, 0.5, 0.5]),
    ...     features=["first", "second"],
    ...     describe=lambda names: [(name, f"has {name}") for name in names],
    ...     data="first second",
    ...     n_inputs=3,
    ... )
    >>> permutations.describe(["second"])
    [('second', 'has second')]
    """

    case: Hashable
    design: Design
    weights: np.ndarray
    features: Sequence[str]
    describe: Callable[[Sequence[str]], Sequence[tuple[Any, str]]]
    data: object
    n_inputs: int
    rows: np.ndarray | None = None
    unusual: str = ""
    held: Sequence[Hashable] = ()
    n_words: int = 0
    rewriting: Rewriting | None = None
    numbers: tuple[KindOfRows, int] | None = None
    redrawn: Batch | None = None
    reweighed: Callable[[float], np.ndarray] | None = None
    exact: AllOf | None = None


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
        where permutation 0 is written anew. It is predicted in a call of its own.
    grown
        Of a single case: a function to the same case with more permutations, of which the
        present ones are the first. Its arguments are their number, and how many of them the model
        has predicted: the batches leave out the inputs of these. None if the case can only be
        perturbed and predicted as a whole.

    Examples
    --------
    >>> batch = Batch(["first second", "second", "first"], n=3)
    >>> perturbed = Perturbed([], [batch])
    >>> [part.n for part in perturbed.batches]
    [3]
    """

    cases: Sequence[Permutations]
    batches: Iterable[Batch]
    as_passed: Sequence[object] | None = None
    grown: Callable[[int, int], "Perturbed"] | None = None


def inputs_of(perturbed: Perturbed) -> Any:
    """
    Collect the inputs of a single case.

    Parameters
    ----------
    perturbed
        The case with its permutations; its batches are used up.

    Returns
    -------
    pandas.DataFrame, numpy.ndarray or list
        The n permutations, in their order, as `preprocess` receives them; a list for all that are
        neither frames nor arrays.
    """
    parts: list[Any] = []
    numbers: list[np.ndarray] = []
    n = 0
    for batch in perturbed.batches:
        parts.append(batch.inputs)
        numbers.append(n + (np.arange(batch.n) if batch.rows is None else batch.rows))
        n += batch.n
    (case,) = perturbed.cases
    rows = np.concatenate(numbers)
    rows = rows if case.rows is None else rows[case.rows]
    if all(isinstance(part, pd.DataFrame) for part in parts):
        return pd.concat(parts, ignore_index=True).iloc[rows].reset_index(drop=True)
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)[rows]
    inputs = list(chain.from_iterable(parts))
    return [inputs[row] for row in rows.tolist()]


def _input_column(explainer: "Explainer", perturbed: Perturbed) -> pd.DataFrame:
    """Return inputs as columns: those of a frame, else a single one."""
    inputs = inputs_of(perturbed)
    if isinstance(inputs, pd.DataFrame):
        return inputs
    cells = np.empty(len(inputs), dtype=object)
    cells[:] = list(inputs)
    return pd.DataFrame({"input": cells})


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
        `pylime.checks.check_fields`. An option `batch_size` of `explain()` bounds the inputs of
        each call of `preprocess` and the model, whatever the size of the batches of `perturb`.
    tabulate
        Returns the permutations of a single case as a frame for `pylime.permutations`, a row
        each, from the explainer and the result of `perturb`. By default the columns of inputs that
        are frames, and a column `input` of any others.
    n_permutations
        Default number of permutations of a case.
    first_permutations
        How many to start with where the number is found for each case.
    takes_all
        Whether `perturb` can return all permutations of a case with few features, where
        `Request.exact` asks for it or allows it.

    Examples
    --------
    The page "Your own input" has one that works.

    >>> from pylime import TEXT
    >>> TEXT.name, TEXT.plural, TEXT.n_permutations
    ('text', 'texts', 5000)
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
    tabulate: Callable[[Any, Perturbed], pd.DataFrame] = _input_column
    n_permutations: int = 1000
    first_permutations: int = 125
    takes_all: bool = False


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
    names
        The model's own names of these, where `as_classifier` has put labels in their place.
    tried
        The model that returned these.
    predict_options
        Keyword arguments for the model's prediction, unless `pylime.explain` gets others.

    Notes
    -----
    An explainer can be pickled, also by joblib, if its model and functions can; cloudpickle also
    takes functions of a notebook. Loading a pickle executes code; load only files you trust.
    Explanations need no pickle: see `pylime.write_explanation`.

    Examples
    --------
    >>> from pylime import as_classifier, lime
    >>> explainer = lime("a text", as_classifier(lambda texts: [0.5] * len(texts), ["no", "yes"]))
    >>> explainer.model_type, explainer.labels
    ('classification', ('no', 'yes'))
    """

    model: Model = field(repr=False)
    preprocess: Preprocess = field(repr=False)
    kind: InputKind = field(repr=False)
    probe: bool = field(default=True, repr=False, kw_only=True)
    labels: tuple[Hashable, ...] | None = field(default=None, repr=False, kw_only=True)
    names: tuple[Hashable, ...] | None = field(default=None, repr=False, kw_only=True)
    tried: Model = field(default=None, repr=False, kw_only=True)
    predict_options: Mapping[str, Any] = field(default_factory=dict, repr=False, kw_only=True)

    @property
    def model_type(self) -> ModelType:
        """`"classification"` or `"regression"`."""
        return model_type(self.model)

    def __repr__(self) -> str:
        name = name_of(getattr(self.model, "model", self.model))
        return f"<{type(self).__name__} of the {self.model_type} model {name}>"

    def _repr_html_(self) -> str:
        preprocess = None if self.preprocess is as_given else self.preprocess
        return explainer_page(self, preprocess, self._settings(), self._columns())

    def _settings(self) -> Mapping[str, object]:
        """Return the settings that notebooks show, by their names."""
        return {}

    def _columns(self) -> Sequence[ColumnFacts] | None:
        """Return what notebooks show of columns; None if there are none."""
        return None


@model_type.register(Explainer)
def type_of_explainer(explainer: Explainer) -> ModelType:
    """The type of its model."""
    return model_type(explainer.model)


# The registry of kinds

_KINDS: dict[str, InputKind] = {}


def n_inputs_of(rows: np.ndarray | None, n: int) -> int:
    """
    Count the inputs of the first permutations of a case.

    Parameters
    ----------
    rows
        (n_permutations,) which input each permutation is, with inputs in the order of their
        first permutations; None if each has its own.
    n
        Number of first permutations.
    """
    return n if rows is None or not n else int(rows[:n].max()) + 1


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

    Notes
    -----
    Type checkers do not have the options of a new kind. Pass these to `pylime.lime` and
    `pylime.explain` as `**options` from a variable `options: dict[str, Any]`.

    Examples
    --------
    The page "Your own input" registers a new kind; this registers one that exists.

    >>> from pylime import TABLE
    >>> register_kind(TABLE).name
    'table'
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
    belong = "1 name belongs" if len(repeated) == 1 else f"{len(repeated)} names belong"
    checks.warn(
        f"{belong} to several cases, such as {repeated[0]!r}; plots, and all that groups by "
        "`case`, treat these as one case. Give the cases an index without repeats."
    )


# What the model returns


def as_given(cases: object) -> object:
    """Return the cases unchanged: the default `preprocess`."""
    return cases


def predict_cases(explainer: Explainer, inputs: object, n: int, **options: Any) -> Predictions:
    """
    Call the model: preprocess, predict, check what comes back, and bring it into order.

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
        n rows of finite numbers, in the order of the inputs: rows whose index `preprocess` or
        the model has rearranged are put back.

    Raises
    ------
    ValueError
        If `preprocess` or the model returns another number of rows, or the predictions are
        unusable.

    Examples
    --------
    >>> from pylime import as_classifier, lime
    >>> explainer = lime("a text", as_classifier(lambda texts: [0.5] * len(texts), ["no", "yes"]))
    >>> predict_cases(explainer, ["one", "two", "three"], 3).frame.shape
    (3, 2)
    """
    given = index_of(inputs)
    prepared = explainer.preprocess(inputs)
    _check_rows(prepared, n, explainer.kind.rows)
    return predict(explainer.model, prepared, n, given, **options)


def _check_rows(prepared: Prepared, n: int, what: str) -> None:
    """
    Raise if `preprocess` returned another number of rows.

    Arrays, sparse matrices, frames, tensors, lists, and dictionaries of these are checked;
    anything else passes.
    """
    if prepared is None:
        raise ValueError("`preprocess` must return what the model takes; it returned None.")
    if isinstance(prepared, Mapping):
        parts = [p for p in prepared.values() if hasattr(p, "__len__") and getattr(p, "ndim", 1)]
        if len({len(part) for part in parts}) > 1:
            return  # words in a row and where each text begins, for instance
        prepared = next(iter(parts), prepared)
    shape = getattr(prepared, "shape", None)
    rows = shape[0] if shape is not None and len(shape) else None
    if rows is None and isinstance(prepared, list):
        rows = len(prepared)
        if rows != n and {len(part) for part in prepared if getattr(part, "ndim", 0)} == {n}:
            return  # several inputs
    if rows is not None and rows != n:
        raise ValueError(
            f"`preprocess` must return one row for each of the {what} of a batch: {n} {what} "
            f"went in, {rows} row{'s' if rows != 1 else ''} came out."
        )


def cut(batch: Batch, size: int | None) -> Iterator[Batch]:
    """
    Cut the inputs of a batch into batches of a bounded size.

    Parameters
    ----------
    batch
        Its inputs are a frame, an array, a list or anything else that can be sliced.
    size
        The largest number of inputs of each part; None for all of them.

    Yields
    ------
    Batch
        Parts of the inputs, one after another, without `rows`: these number the inputs of the
        whole batch. A part of a frame is a frame of its own, which code of the user's can change;
        an index that counts the rows of the batch counts those of the part.

    Examples
    --------
    >>> [part.inputs for part in cut(Batch(["a", "b", "c"], 3, np.array([0, 1, 0, 2])), 2)]
    [['a', 'b'], ['c']]
    """
    if size is None or batch.n <= size:
        yield replace(batch, rows=None)
        return
    inputs: Any = batch.inputs
    for start in range(0, batch.n, size):
        stop = min(start + size, batch.n)
        if isinstance(inputs, pd.DataFrame | pd.Series):
            part = inputs.iloc[start:stop].copy()
            if is_counted(inputs.index):
                part.index = pd.RangeIndex(len(part))
        else:
            part = inputs[start:stop]
        yield Batch(part, stop - start)
        del part  # only one part of large inputs is in memory


def _predict_batch(
    explainer: Explainer, batch: Batch, request: Request, report: Report
) -> Predictions:
    """Predict the inputs of a batch, in as many calls as `batch_size` needs."""
    size = getattr(request.options, "batch_size", None)
    n_rows = batch.n if batch.rows is None else len(batch.rows)
    parts: list[Predictions] = []
    n_done = n_reported = 0
    for part in cut(batch, size):
        found = predict_cases(explainer, part.inputs, part.n, **request.predict_options or {})
        if parts and (found.labels, found.names) != (parts[0].labels, parts[0].names):
            found = align_labels(found, parts[0].labels, parts[0].names)
        parts.append(found)
        n_done += part.n
        n_before, n_reported = n_reported, n_rows * n_done // max(batch.n, 1)
        report(n_reported - n_before)
        del part
    if len(parts) == 1:
        return parts[0]
    return replace(parts[0], values=np.concatenate([part.values for part in parts]), index=None)


@dataclass(frozen=True, eq=False)
class Predicted:
    """
    A case, its permutations, and what the model predicts for them.

    Attributes
    ----------
    case
        The case and its permutations.
    prediction
        The model's prediction for the case itself, by label.
    names
        The model's own names of the labels, where others have taken their place.
    labels
        The labels to explain.
    responses
        (n, k) array, the predictions of these for each permutation.
    written
        The prediction for permutation 0, where that is another one.
    grown
        As of `Perturbed`.
    """

    case: Permutations
    prediction: Mapping[Hashable, float]
    names: tuple[Hashable, ...] | None
    labels: Sequence[Hashable]
    responses: np.ndarray
    written: Mapping[Hashable, float] | None = None
    grown: Callable[[int, int], Perturbed] | None = None


def _predict(
    explainer: Explainer, perturbed: Perturbed, request: Request, report: Report, probe: bool
) -> Iterator[Predicted]:
    """Predict all batches, then divide the rows among the cases and choose labels to explain."""
    labels, names = explainer.labels, explainer.names
    wanted: list[Hashable] = []
    first = written = np.empty(0)
    parts: list[np.ndarray] = []
    alone = len(perturbed.cases) == 1
    passed = _predict_as_passed(explainer, perturbed, request)
    n_rows = sum(case.n_inputs for case in perturbed.cases)
    done = _PermutationsDone(_n_reported(perturbed, request), n_rows)
    with closing(_closable(perturbed.batches)) as batches:
        for batch in batches:
            found = _predict_batch(explainer, batch, request, lambda rows: report(done.after(rows)))
            if labels is None:
                labels, names = found.labels, found.names
            if (found.labels, found.names) != (labels, names):
                found = align_labels(found, labels, names)
            if not parts:
                if probe:
                    warn_of_scores(explainer.model, found)
                written = found.values[0 if batch.rows is None else batch.rows[0]].copy()
                first = _as_passed(passed, labels, names, written)
                wanted = choose_labels(_by_label(labels, first), request.labels, request.n_labels)
            # A model can have a thousand classes; only those to explain are kept in memory.
            values = _label_columns(found.values, labels, wanted) if alone else found.values
            parts.append(values if batch.rows is None else values[batch.rows])
            del batch  # two batches of large images need not be in memory
    values = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if len(values) != done.n_rows:
        raise ValueError(
            f"The batches of {explainer.kind.plural} must have a row for each input of the cases: "
            f"{done.n_rows} are announced as `n_inputs`, {len(values)} came."
        )
    labels = labels or ()
    start = 0
    for case in perturbed.cases:
        own = values[start : start + case.n_inputs]
        start += case.n_inputs
        prediction = _by_label(labels, first if alone else own[0])
        if not alone:
            wanted = choose_labels(prediction, request.labels, request.n_labels)
            own = _label_columns(own, labels, wanted)
        responses = own if case.rows is None else own[case.rows]
        as_written = None if first is written else _by_label(labels, written)
        grown = perturbed.grown
        yield Predicted(case, prediction, names, wanted, responses, as_written, grown)


def _n_reported(perturbed: Perturbed, request: Request) -> int:
    """Return how many permutations the first predictions of a case are for a progress bar."""
    # Where none are added later, they are all that the bar expects of the case.
    exact = perturbed.cases[0].exact is not None
    return (exact and request.max_permutations) or request.n_permutations


def _predict_labels(
    explainer: Explainer,
    batches: Iterable[Batch],
    known: Predicted,
    request: Request,
    report: Report = silent,
) -> np.ndarray:
    """Predict further batches of a case, and keep the labels to explain."""
    labels, names = tuple(known.prediction), known.names
    parts: list[np.ndarray] = []
    with closing(_closable(batches)) as batches:
        for batch in batches:
            found = _predict_batch(explainer, batch, request, report)
            if (found.labels, found.names) != (labels, names):
                found = align_labels(found, labels, names)
            values = _label_columns(found.values, labels, known.labels)
            parts.append(values if batch.rows is None else values[batch.rows])
    return np.concatenate(parts) if parts else np.empty((0, len(known.labels)))


def _predict_more(explainer: Explainer, known: Predicted, n: int, request: Request) -> Predicted:
    """Add permutations to a case, and predict those inputs that are new."""
    grown = known.grown
    if grown is None:
        raise ValueError("The permutations of the case cannot be continued.")
    n_before = len(known.responses)
    perturbed = grown(n, n_before)
    (case,) = perturbed.cases
    new = _predict_labels(explainer, perturbed.batches, known, request)
    rows = np.arange(n) if case.rows is None else case.rows
    # Inputs are in the order of their first permutations, so that the known ones come first.
    n_known = n_inputs_of(rows, n_before)
    values = np.zeros((n_known + len(new), new.shape[1]))
    values[rows[:n_before]] = known.responses
    values[n_known:] = new
    if len(values) != case.n_inputs:
        raise ValueError(
            f"The batches of {explainer.kind.plural} must have a row for each new input: "
            f"{case.n_inputs - n_known} are missing, {len(new)} came."
        )
    return replace(known, case=case, responses=values[rows], grown=perturbed.grown or grown)


def _predict_as_passed(
    explainer: Explainer, perturbed: Perturbed, request: Request
) -> Predictions | None:
    """Predict a case as the user's own code would; an error of that does not lose the case."""
    if perturbed.as_passed is None:
        return None
    options = request.predict_options or {}
    try:
        return predict_cases(explainer, perturbed.as_passed, len(perturbed.as_passed), **options)
    except Exception:  # whatever the model, or other code of the user's, raises
        return None


def _as_passed(
    passed: Predictions | None,
    labels: tuple[Hashable, ...],
    names: tuple[Hashable, ...] | None,
    written: np.ndarray,
) -> np.ndarray:
    """The prediction of a case as it was passed; that of permutation 0, if there is none."""
    if passed is None:
        return written
    try:
        if (passed.labels, passed.names) != (labels, names):
            passed = align_labels(passed, labels, names)
    except ValueError:  # it has other labels
        return written
    return passed.values[0]


def _by_label(labels: Sequence[Hashable], row: np.ndarray) -> dict[Hashable, float]:
    return dict(zip(labels, row.tolist(), strict=True))


def _label_columns(
    values: np.ndarray, labels: Sequence[Hashable], wanted: Sequence[Hashable]
) -> np.ndarray:
    return values[:, [labels.index(label) for label in wanted]]


def _closable(batches: Iterable[Batch]) -> Any:
    """Give batches a `close`, so that a generator cleans up immediately if the model raises."""
    return batches if hasattr(batches, "close") else (batch for batch in batches)


class _PermutationsDone:
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
        Labels that are skipped because the model returns the same number for every permutation,
        with this number.
    effective_n
        How many equally weighted permutations would carry as much information (Kish).
    n_permutations
        Number of permutations.
    assessments
        How far to trust each surrogate model, if that was asked for.
    in_bins
        For each surrogate model, the share of the variance of the response that the design
        cannot describe, because inputs with the same row of it are predicted differently.
    names
        The model's own names of the labels, where others have taken their place.
    rewritten
        How the case is written in its permutations, where the prediction of that is clearly
        another one.
    held, n_words
        As of `Permutations`.
    exact
        If the permutations are all there are; else None.
    rare
        The features of the surrogates whose level or bin few permutations share with the case,
        with the number of these.

    Examples
    --------
    >>> explained = Explained("a", {"Response": 0.8}, [], {}, "a text", {}, 12.5, 1000)
    >>> explained.case, explained.effective_n
    ('a', 12.5)
    """

    case: Hashable
    prediction: Mapping[Hashable, float]
    surrogates: Sequence[Surrogate]
    reported: Mapping[str, tuple[Any, str]]
    data: object
    constant: Mapping[Hashable, float]
    effective_n: float
    n_permutations: int
    assessments: Sequence[Assessment] = ()
    in_bins: Sequence[float] = ()
    names: tuple[Hashable, ...] | None = None
    rewritten: "Rewritten | None" = None
    held: Sequence[Hashable] = ()
    n_words: int = 0
    exact: AllOf | None = None
    rare: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_draws(self) -> int:
        """The number of draws that the penalty is that of."""
        return self.n_permutations if self.exact is None else self.exact.n_draws


@dataclass(frozen=True)
class Rewritten:
    """
    A case whose prediction changes with how it is written.

    Attributes
    ----------
    rewriting
        How it is written in its permutations.
    label
        The label whose prediction changes most.
    given, written
        The model's predictions: of the case as it was given, and as it is written there.
    share
        The change as a share of the largest that needs no warning.
    """

    rewriting: Rewriting
    label: Hashable
    given: float
    written: float
    share: float


def _rewritten(predicted: Predicted, model_type: ModelType) -> Rewritten | None:
    """The label whose prediction changes most where a case is written in another way."""
    rewriting = predicted.case.rewriting
    if rewriting is None:
        return None
    responses = np.asarray(predicted.responses, dtype=np.float64)
    unit = 1.0 if model_type == "classification" else float(responses.std())
    explained = dict(zip(predicted.labels, responses[0].tolist(), strict=True))
    found = _largest_change(predicted.prediction, explained, unit, rewriting)
    if predicted.written is None or found.share > 1:
        return found if predicted.written is not None or not rewriting.is_predicted else None
    # Labels that are not explained tell, too, that the model sees something else.
    found = _largest_change(predicted.prediction, predicted.written, unit, rewriting)
    return found if found.share > 1 else None


def _largest_change(
    given: Mapping[Hashable, float],
    written: Mapping[Hashable, float],
    unit: float,
    rewriting: Rewriting,
) -> Rewritten:
    """Find the label whose prediction changes most."""
    changes = np.array([abs(given[label] - value) for label, value in written.items()])
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = np.nan_to_num(changes / unit, posinf=np.inf)
    most = list(written)[int(np.argmax(changes))]
    share = float(changes.max() / rewriting.small)
    return Rewritten(rewriting, most, given[most], written[most], share)


class Outcome(Protocol):
    """What is made of a case once its permutations are predicted."""

    @property
    def case(self) -> Hashable:
        """The name of the case."""
        ...

    @property
    def prediction(self) -> Mapping[Hashable, float]:
        """The model's prediction for the case itself, by label."""
        ...

    @property
    def names(self) -> tuple[Hashable, ...] | None:
        """The model's own names of the labels, where others have taken their place."""
        ...


Made = TypeVar("Made", bound=Outcome)
Finish: TypeAlias = Callable[[Explainer, Predicted, Request, Callable[[], Any]], Made]
"""A function from a predicted case to its outcome; the last argument returns the case alone."""


def fit_case(predicted: Predicted, request: Request) -> list[Surrogate]:
    """
    Fit the surrogates of a case.

    Parameters
    ----------
    predicted
        The case, with its predictions.
    request
        The arguments of the call.

    Returns
    -------
    list of Surrogate
        One per label that can be fitted.

    Raises
    ------
    CaseError
        If there is none.
    """
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
            n_draws=None if case.exact is None else case.exact.n_draws,
        )
    except CaseError as error:
        rewritten = _rewritten(predicted, request.model_type)
        if rewritten is not None and not np.any(predicted.responses != predicted.responses[0]):
            raise CaseError(f"{_question(rewritten)} {error}") from None
        if case.held:
            held = checks.some(case.held, form=str)
            raise CaseError(
                f"{error} The case's values of {held} are held, so that their effect is not seen."
            ) from None
        raise
    found = [fit for fit in surrogates if np.isfinite(fit.r2)]
    if not found:
        raise CaseError(
            "The model's predictions are equal for all permutations with a positive similarity "
            "to the case, so nothing can be explained. Raise `n_permutations`, or measure "
            'similarity in another way, such as `dist_fun="euclidean"`.'
        )
    return found


def _responses_of(surrogates: Sequence[Surrogate], predicted: Predicted) -> np.ndarray:
    """Return the responses that the surrogates are fitted to, a column for each."""
    return _label_columns(
        predicted.responses, predicted.labels, [fit.label for fit in surrogates]
    ).astype(np.float64, copy=False)


def explain_predicted(
    explainer: Explainer, predicted: Predicted, request: Request, take: Callable[[], Any]
) -> Explained:
    """
    Fit and assess the surrogates of a case, and collect what the frame has of it.

    Parameters
    ----------
    explainer
        From `pylime.lime`.
    predicted
        The case, with its predictions.
    request
        The arguments of the call.
    take
        Not used.

    Raises
    ------
    CaseError
        If no label can be fitted.
    """
    case = predicted.case
    surrogates = fit_case(predicted, request)
    features = list(dict.fromkeys(chain.from_iterable(fit.features for fit in surrogates)))
    reported = dict(zip(features, case.describe(features), strict=True))
    fitted = {fit.label for fit in surrogates}
    first = zip(predicted.labels, predicted.responses[0].tolist(), strict=True)
    constant = {label: value for label, value in first if label not in fitted}
    assessments, in_bins = _assess(explainer, predicted, surrogates, request)
    rewritten = _rewritten(predicted, request.model_type)
    return Explained(
        case.case,
        predicted.prediction,
        surrogates,
        reported,
        case.data,
        constant,
        surrogates[0].effective_n,
        len(case.weights),
        assessments,
        in_bins,
        predicted.names,
        rewritten if rewritten is not None and rewritten.share > 1 else None,
        case.held,
        case.n_words,
        case.exact,
        _rare(case, surrogates),
    )


def _rare(case: Permutations, surrogates: Sequence[Surrogate]) -> dict[str, int]:
    """
    Find the features that few permutations share with the case, which are selected.

    Only levels and bins of tables can be rare: words and superpixels are kept as often as dropped.
    """
    found: dict[str, int] = {}
    if case.numbers is None or case.numbers[0] != "table":
        return found
    few = min(_FEW, len(case.weights) / 10)
    for column in sorted({column for fit in surrogates for column in fit.columns}):
        # A table's design is never sparse.
        compared = np.asarray(case.design[:, [column]])[:, 0]
        n_shared = int(np.count_nonzero(compared)) - 1
        is_binary = compared.dtype == bool or np.all((compared == 0) | (compared == 1))
        if n_shared < few and compared[0] == 1 and is_binary:
            found[case.features[column]] = n_shared
    return found


def _assess(
    explainer: Explainer,
    predicted: Predicted,
    surrogates: Sequence[Surrogate],
    request: Request,
) -> tuple[Sequence[Assessment], Sequence[float]]:
    """Find out how far to trust the surrogates of a case, as far as that was asked for."""
    if not (request.intervals or request.quality):
        return (), ()
    case, responses = predicted.case, _responses_of(surrogates, predicted)
    if case.exact is not None:
        in_bins = share_of_patterns(case.design, responses, case.weights)
        return assess_exact(case.design, responses, case.weights, surrogates), in_bins.tolist()
    assessments = assess(
        case.design,
        responses,
        case.weights,
        surrogates,
        level=request.level,
        blocks=is_balanced(case, request),
        n_features=request.n_features,
        feature_select=request.feature_select,
        penalty=request.penalty,
        in_depth=request.quality,
    )
    if not request.n_calls:
        return assessments, [np.nan] * len(surrogates)
    if case.redrawn is None:
        return assessments, [0.0] * len(surrogates)
    known = replace(predicted, labels=[fit.label for fit in surrogates])
    again = _predict_labels(explainer, [case.redrawn], known, request)
    return assessments, share_within(responses, again, case.weights).tolist()


def _grow(
    explainer: Explainer, cases: Cases, predicted: Predicted, request: Request, report: Report
) -> Predicted:
    """Add permutations to a case until its weights are precise enough, and predict them."""
    most = request.max_permutations or request.n_permutations
    while (n := len(predicted.responses)) < most and not _is_precise(predicted, request):
        n_more = min(2 * n, most)
        if predicted.grown is not None:
            predicted = _predict_more(explainer, predicted, n_more, request)
        else:  # a kind whose permutations cannot be continued
            larger = replace(request, n_permutations=n_more)
            (predicted,) = predict_permutations(explainer, cases, larger)
        report(n_more - n)
    report(most - n)
    return predicted


def is_balanced(case: Permutations, request: Request) -> bool:
    """Return whether the errors of neighbouring permutations of a case cancel."""
    if case.numbers is None:
        return False
    kind, n_numbers = case.numbers
    return are_balanced(len(case.weights) - 1, n_numbers, request.draws, kind)


def _is_precise(predicted: Predicted, request: Request) -> bool:
    """Whether all intervals of the weights of a case are narrow enough."""
    case = predicted.case
    try:
        surrogates = fit_case(predicted, request)
    except CaseError:  # more permutations may help
        return False
    responses = _responses_of(surrogates, predicted)
    found = intervals_of(
        case.design,
        responses,
        case.weights,
        surrogates,
        level=request.level,
        blocks=is_balanced(case, request),
    )
    return all(
        margin_of(intervals, fit.scale) <= request.tolerance
        for intervals, fit in zip(found, surrogates, strict=True)
    )


def _question(rewritten: Rewritten) -> str:
    """What to ask first where no permutation changes the prediction."""
    return (
        f"The model's prediction is {rewritten.given:.3g} for the case itself and "
        f"{rewritten.written:.3g} for {rewritten.rewriting.form}. Do these still mean the same? "
        f"If not: {rewritten.rewriting.cure} If they do:"
    )


# From cases to explanations


def predict_permutations(explainer: Explainer, cases: Cases, request: Request) -> list[Predicted]:
    """
    Perturb cases that are predicted together, and predict their permutations.

    Parameters
    ----------
    explainer
        From `pylime.lime`.
    cases
        The cases, prepared.
    request
        The arguments of the call.

    Returns
    -------
    list of Predicted
        One per case.

    Raises
    ------
    Exception
        What the kind, `preprocess` or the model raises.
    """
    perturbed = explainer.kind.perturb(explainer, cases, request)
    return list(_predict(explainer, perturbed, request, silent, probe=False))


def permute_again(
    explainer: Explainer, case: Cases, predicted: Predicted, request: Request
) -> Perturbed:
    """
    Perturb a case again, as it was before the model received its permutations.

    Parameters
    ----------
    explainer
        From `pylime.lime`.
    case
        The case alone.
    predicted
        Its predictions.
    request
        The arguments of the call.

    Returns
    -------
    Perturbed
        The same permutations.
    """
    perturbed = explainer.kind.perturb(explainer, case, request)
    n = len(predicted.responses)
    if len(perturbed.cases[0].weights) == n:
        return perturbed
    return explainer.kind.perturb(explainer, case, replace(request, n_permutations=n))


def explain_cases(
    explainer: Explainer,
    cases: Cases,
    request: Request,
    report: Report,
    finish: Finish[Made] = explain_predicted,
) -> list[Made | CaseError]:
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
    finish
        What is done with each case once its permutations are predicted: a function of a module,
        which worker processes can import.

    Returns
    -------
    list
        For each case what `finish` returns, its explanation, or the error that prevented it.

    Raises
    ------
    RequestError
        If an argument fits no case.
    CaseError
        If a case cannot be explained and `request.on_error` is `"raise"`.
    MemoryError
        If the permutations of a single case do not fit into memory.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> from pylime.explainers import make_request
    >>> rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0]})
    >>> explainer = lime(rows, as_regressor(lambda rows: rows["age"]), n_bins=2)
    >>> request = make_request(explainer, random_state=1)
    >>> cases = prepare_cases(rows[:2], explainer, request)
    >>> [explained.case for explained in explain_cases(explainer, cases, request, silent)]
    [0, 1]
    """
    same_options = _are_same(request.predict_options or {}, explainer.predict_options)
    if not same_options or explainer.tried is not explainer.model:
        explainer = replace(explainer, labels=None, names=None)
    probe = explainer.probe and explainer.labels is None  # lime() has not tried this prediction
    if request.n_jobs == 1 or len(cases.names) == 1:
        results = list(_explain_in_turn(explainer, cases, request, report, probe, finish))
    else:
        results = _explain_in_parallel(explainer, cases, request, report, probe, finish)
    if len(results) != len(cases.names):
        raise ValueError(
            f"`parts` of the kind {explainer.kind.name!r} must return each of the "
            f"{len(cases.names)} cases once; it returned {len(results)}."
        )
    return _with_same_labels(results, request)


def _are_same(options: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether options of prediction are equal, as far as they can be compared."""
    try:
        return dict(options) == dict(others)
    except ValueError:  # arrays
        return False


def _with_same_labels(
    results: Sequence[Made | CaseError], request: Request
) -> list[Made | CaseError]:
    """The results, with an error for those of other labels than the first."""
    checked: list[Made | CaseError] = []
    known: dict[Hashable, Hashable] | None = None
    for result in results:
        if not isinstance(result, CaseError):
            labels = list(result.prediction)
            own = dict(zip(labels, result.names or labels, strict=True))
            known = own if known is None else known
            if own != known:
                error = ValueError(
                    "The model must return the same classes for every batch; for other cases it "
                    f"returned {checks.some(known.values(), 5)}, for this one "
                    f"{checks.some(own.values(), 5)}."
                )
                result = CaseError.of(result.case, error)
                if request.on_error == "raise":
                    stop_at(result)
        checked.append(result)
    return checked


def _explain_in_turn(
    explainer: Explainer,
    cases: Cases,
    request: Request,
    report: Report,
    probe: bool,
    finish: Finish[Made],
) -> Iterator[Made | CaseError]:
    """Explain part after part; raise at the first error if `on_error` is `"raise"`."""
    for part in _parts(explainer, cases, request):
        for result in _explain_together(explainer, part, request, report, probe, finish):
            if isinstance(result, CaseError) and request.on_error == "raise":
                stop_at(result)
            if explainer.labels is None and not isinstance(result, CaseError):
                labels = tuple(result.prediction)
                explainer = replace(explainer, labels=labels, names=result.names)
            if isinstance(result, CaseError) and result.reason and len(cases.names) > 1:
                # An error keeps the variables of all functions that it went through.
                traceback.clear_frames(result.reason.__traceback__)
            yield result
            probe = probe and isinstance(result, CaseError)


def _parts(explainer: Explainer, cases: Cases, request: Request) -> Iterable[Cases]:
    """Divide the cases into parts that are predicted together."""
    if explainer.kind.parts is not None and request.max_permutations is None:
        return explainer.kind.parts(explainer, cases, request)
    if len(cases.names) == 1:
        return [cases]
    return (cases.take([position]) for position in range(len(cases.names)))


def _explain_together(
    explainer: Explainer,
    cases: Cases,
    request: Request,
    report: Report,
    probe: bool,
    finish: Finish[Made],
) -> Iterator[Made | CaseError]:
    """
    Explain cases that are predicted in the same calls of the model.

    After an error of several cases, each is tried alone: it draws the same permutations again, in
    new memory, as the model may have changed the old. The error of a single case is its result.
    """
    names = cases.names
    alone = len(names) == 1
    predicted = _predict_together(explainer, cases, request, report if alone else silent, probe)
    if predicted is None:
        for position in range(len(names)):
            one = cases.take([position])
            yield from _explain_together(explainer, one, request, report, probe, finish)
        return
    for position, each in enumerate(predicted):
        if not alone:
            report(request.n_permutations)
        if isinstance(each, CaseError):
            yield each
            continue
        try:
            if request.max_permutations is not None and each.case.exact is None:
                each = _grow(explainer, cases, each, request, report)
            yield finish(explainer, each, request, partial(cases.take, [position]))
        except Exception as error:  # a kind from outside can raise any
            yield CaseError.of(each.case.case, error)


def _with_reason(error: Exception, unusual: str) -> Exception:
    """Add to an error of the model what is unusual about the case, if anything is."""
    if not unusual or isinstance(error, CaseError):
        return error
    found = CaseError(f"The model raises an error, and {unusual}. {type(error).__name__}: {error}")
    found.__cause__ = error
    return found


def _predict_together(
    explainer: Explainer, cases: Cases, request: Request, report: Report, probe: bool
) -> list[Predicted] | list[CaseError] | None:
    """Perturb and predict cases; the error of a single one, or None if several failed."""
    names = cases.names
    done = 0
    unusual = ""

    def counted(n: int) -> None:
        nonlocal done
        done += n
        report(n)

    try:
        perturbed = explainer.kind.perturb(explainer, cases, request)
        if len(perturbed.cases) != len(names):
            raise ValueError(
                f"`perturb` of the kind {explainer.kind.name!r} must return the permutations of "
                f"each of its {len(names)} cases; it returned those of {len(perturbed.cases)}."
            )
        if request.exact == "always" and any(case.exact is None for case in perturbed.cases):
            raise ValueError(
                f"`perturb` of the kind {explainer.kind.name!r} must return all permutations of "
                "each case, as `takes_all` announces."
            )
        unusual = perturbed.cases[0].unusual
        return list(_predict(explainer, perturbed, request, counted, probe))
    except RequestError:
        raise
    except Exception as error:  # the model, or other code of the user's, can raise any
        if len(names) > 1:
            return None
        if isinstance(error, MemoryError):
            raise  # the next case would hardly have more
        report((request.max_permutations or request.n_permutations) - done)
        return [CaseError.of(names[0], _with_reason(error, unusual))]


def _explain_in_parallel(
    explainer: Explainer,
    cases: Cases,
    request: Request,
    report: Report,
    probe: bool,
    finish: Finish[Made],
) -> list[Made | CaseError]:
    """Divide the cases among processes, in contiguous parts."""
    n_cases = len(cases.names)
    parts = np.array_split(np.arange(n_cases), n_parts(n_cases, request.n_jobs))
    results: dict[int, list[Made | CaseError]] = {}
    told: set[str] = set()
    # A worker that is killed cannot remove its temporary files; this context does.
    with temporary_folder() as folder:
        here = replace(request, folder=folder)
        tasks = [(cases.take(part.tolist()), here, probe and not part[0], finish) for part in parts]
        done = in_parts(
            _explain_part,
            explainer,
            tasks,
            request.n_jobs,
            folder,
            lambda task: some_names(task[0].names),
        )
        try:
            with closing(done):
                for number, (explained, messages) in done:
                    results[number] = explained
                    report(len(explained) * (request.max_permutations or request.n_permutations))
                    for message in messages:
                        if str(message) not in told:
                            checks.warn(message)
                        told.add(str(message))
        except CaseError as error:  # joblib replaced the cause by the worker's traceback
            raise error from error.reason
    return [result for number in sorted(results) for result in results[number]]


def _explain_part(
    explainer: Explainer, part: tuple[Cases, Request, bool, Finish[Made]]
) -> tuple[list[Made | CaseError], list[Warning]]:
    """Explain some of the cases in a worker; return the results and the warnings."""
    cases, request, probe, finish = part
    request = replace(request, folder=folder_here(request.folder))
    with checks.collected() as messages:
        results = list(_explain_in_turn(explainer, cases, request, silent, probe, finish))
    return results, messages
