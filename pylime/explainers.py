"""
`lime()` and `explain()`: they know what an input is, check the arguments that all inputs
share, and run the one pipeline.
"""

import os
import tempfile
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, singledispatch
from types import SimpleNamespace
from typing import Any, ClassVar, TypeAlias

import numpy as np
import pandas as pd

from pylime.checks import check_count, check_running, make_options
from pylime.faults import CaseError, check_on_error, report_failures, some_names, stop_at
from pylime.inputs import recognise, unknown_input, warn_of_namesakes
from pylime.models import ModelType, check_model, model_type, owner_of
from pylime.models import probe as try_model
from pylime.parallel import in_parts, n_parts
from pylime.progress import Report, progress_bar
from pylime.seeds import seed_words
from pylime.surrogate import (
    Neighbourhood,
    Surrogate,
    check_feature_select,
    choose_labels,
    fit_labels,
)
from pylime.tidy import assemble

__all__ = [
    "Explainer",
    "Request",
    "check_arguments",
    "check_cases",
    "examples",
    "explain",
    "explain_elsewhere",
    "lime",
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
        The model as it was given to [`lime`][].
    preprocess
        Turns a batch of permuted cases into what the model takes.
    probe
        Whether the first predictions are looked at for what is easily mistaken.
    labels
        The model's labels, as far as [`lime`][] has seen its predictions.

    Notes
    -----
    An explainer can be pickled, and saved by joblib, where its model and functions can;
    cloudpickle takes functions of a notebook, too. Loading a pickle runs what its author
    wrote, so load none from strangers. Explanations need none: see
    [`write_explanation`][pylime.write_explanation].
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
    What was asked of one call of [`explain`][].

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


def lime(
    x: Any,
    model: Any,
    preprocess: Callable[[Any], Any] | None = None,
    *,
    probe: bool = True,
    **options: Any,
) -> Explainer:
    """
    Make an explainer for a model.

    Parameters
    ----------
    x
        What the model was trained on, or the like. Tables: a pandas, polars or pyarrow
        data frame, or a 2-D array, whose columns are called x0, x1 and so on (but a 2-D
        array of uint8 is a picture). Images: paths of files, PIL images, or uint8 arrays
        of shape (H, W), (H, W, 3 or 4) or a stack of them. Texts: a string, or a list,
        Series or array of strings (that do not all name image files).
    model
        The model: one that [`predict_model`][pylime.predict_model] and
        [`model_type`][pylime.model_type] know, or any in
        [`as_classifier`][pylime.as_classifier] or [`as_regressor`][pylime.as_regressor].
    preprocess
        A function from a batch of cases to what the model takes. It gets what was
        passed here: an array for a table given as an array and a pandas frame for any
        other, with the columns, their order and types of the training data; a list of
        paths for paths, a list of PIL images for PIL images, a stacked array for arrays;
        for texts, however they were passed, a list of str. Without: the cases go to the
        model as they are.
    probe
        Whether to try the model on two cases of `x` (for images, to look at the first batch of
        `explain()`), so that what does not fit is found out at once.
    **options
        Of tables: `bin_continuous=True` (compare numbers by their bins), `n_bins=4`,
        `quantile_bins=True` (bins of even counts, not of even width), `use_density=True`
        (numbers that are not binned are drawn from a kernel density, not from a normal
        distribution). Of texts: `tokenization=default_tokenize` (what a word is: a
        function from a text to a list of words, or a regular expression that matches a
        word), `keep_word_position=False` (whether each occurrence of a word is a feature
        of its own, called `word_position`; positions are counted over all texts of a call
        of [`explain`][]). Images have none.

    Returns
    -------
    Explainer
        To be handed to [`explain`][].

    Raises
    ------
    TypeError
        If `x` is no known kind of input, `model` no known model, `preprocess` no
        function, or an option is unknown.
    FileNotFoundError, ValueError
        If a file is missing or no image, or the model's predictions are unusable.

    Examples
    --------
    >>> from pylime import as_classifier
    >>> from skimage.data import chelsea
    >>> def brightness(pictures):
    ...     return pictures.mean(axis=(1, 2, 3)) / 255
    >>> lime(chelsea(), as_classifier(brightness, ["dark", "bright"]))
    <ImageExplainer of the classification model brightness>
    """
    if model is None:
        raise TypeError("`model` must be a model or a function that predicts; not None.")
    if preprocess is None:
        preprocess = _as_given
    if not callable(preprocess):
        raise TypeError(
            f"`preprocess` must be a function of a batch of cases; not {preprocess!r:.80}."
        )
    if not isinstance(probe, bool | np.bool_):
        raise TypeError(f"`probe` must be True or False; not {probe!r}.")
    data = recognise(x)
    model = owner_of(model)
    check_model(model)  # an unknown model is found out now, not after the permutations
    explainer = make_explainer(data, model, preprocess, **options)
    some = examples(explainer, data) if probe else None
    seen = None if some is None else try_model(model, some, preprocess, len(some))
    return replace(explainer, probe=bool(probe), labels=seen)


def explain(
    x: Any,
    explainer: Explainer,
    *,
    labels: Any = None,
    n_labels: int | None = None,
    n_features: int = 5,
    n_permutations: int | None = None,
    feature_select: str = "auto",
    random_state: Any = None,
    n_jobs: int = 1,
    progress: bool | None = None,
    predict_options: Mapping[str, Any] | None = None,
    on_error: str = "warn",
    **options: Any,
) -> pd.DataFrame:
    """
    Explain a model's predictions of single cases.

    Parameters
    ----------
    x
        The cases, of the same kind as the data of [`lime`][]; of a table also a single
        row as a Series. A case is called by its index label, its file's name, or its
        position from 0.
    explainer
        From [`lime`][].
    labels
        For a classifier: the label to explain, or several; names, or positions from 0 where
        the names are no whole numbers.
    n_labels
        Instead: how many labels to explain, the likeliest first. Without either, the
        likeliest.
    n_features
        How many features each explanation may use.
    n_permutations
        How many permutations of each case the model predicts; by default 5000 for
        tables and texts, 1000 for images.
    feature_select
        How features are selected: `"auto"` (forward selection up to six features,
        highest weights beyond), `"none"` (all), `"forward_selection"`,
        `"highest_weights"`, `"lasso_path"` or `"tree"`.
    random_state
        A seed, or numpy's `Generator`, `RandomState` or `SeedSequence`. With one seed, a case
        gives the same rows alone, in a batch and in any order. Without: fresh draws in
        each call.
    n_jobs
        Number of parallel jobs over the cases, as in joblib.
    progress
        Whether to show a progress bar; by default on long work in a terminal or notebook.
    predict_options
        Keyword arguments for the model's prediction.
    on_error
        What becomes of a case that cannot be explained, or at which the model raises an
        error. `"warn"`: it is left out, and a warning names it and says why. `"raise"`: an error
        that names it stops the call.
    **options
        Of tables: `dist_fun="gower"` (how similar a permutation is: one less its Gower
        distance; or any metric of `scipy.spatial.distance.cdist` or R's `dist`, turned
        into a similarity by an exponential kernel; or a function of a one-row frame, the case,
        and a frame of n rows that returns n distances), `kernel_width=None` (of that kernel;
        by default 0.75 times the root of the number of columns), `gower_pow=1` (power of
        the Gower distance).
        Of images: `n_superpixels=50`, `weight=20` (place against colour), `n_iter=10`,
        `p_remove=0.5` (the probability that a superpixel is removed), `batch_size=10`
        (pictures per call of `preprocess` and the model), `background="grey"` (the
        colour of removed superpixels), `segmentation=None` (a function of your own from an
        (H, W, 3) array to the segment of each pixel, instead of superpixels).
        Of texts: `single_explanation=False` (whether all texts together give one
        explanation; its case is the first text).

    Returns
    -------
    pandas.DataFrame
        A row per case, label and feature, with the columns
        [`COLUMNS`][pylime.COLUMNS]; for a regressor without `label` and `label_prob`.

    Raises
    ------
    TypeError
        If an option is unknown or an argument of the wrong type.
    ValueError
        If an argument has a wrong value, the model's predictions are unusable, or no
        case can be explained; with `on_error="raise"` if one cannot.
    Exception
        What the model raises, if it raises the same at every case.
    RuntimeError
        If worker processes die again and again, for lack of memory for instance.
    """
    arguments = {name: value for name, value in locals().items() if name in _NAMED} | options
    request = check_arguments(explainer, arguments)
    if (elsewhere := explain_elsewhere(x, explainer, arguments)) is not None:
        return elsewhere
    given = recognise(x, explainer.input_name)
    warn_of_namesakes(given.names)
    cases = check_cases(explainer, given, request.options)
    with progress_bar(progress, len(cases) * request.n_permutations) as report:
        if n_jobs == 1 or len(cases) == 1:
            results = list(_explain_cases(explainer, cases, request, report))
        else:
            results = _explain_in_parallel(explainer, cases, request, n_jobs, report)
    explained = [result for result in results if not isinstance(result, CaseError)]
    failures = [result for result in results if isinstance(result, CaseError)]
    report_failures(failures, len(explained), on_error)
    return assemble(explained, request.model_type)


_NAMED: Mapping[str, Any] = dict(explain.__kwdefaults__ or {})  # with their defaults


def check_arguments(explainer: Any, arguments: Mapping[str, Any]) -> Request:
    """
    Check all that is asked of [`explain`][] but the cases.

    Parameters
    ----------
    explainer
        What should come from [`lime`][].
    arguments
        By name; for those that are not there, the defaults are taken.

    Returns
    -------
    Request
        The same as a record.
    """
    chosen: Any = SimpleNamespace(**{**_NAMED, **arguments})
    if not isinstance(explainer, Explainer):
        raise TypeError(f"`explainer` must come from lime(); not {type(explainer).__name__}.")
    check_count("n_features", chosen.n_features)
    if chosen.n_permutations is None:
        chosen.n_permutations = explainer.default_permutations
    check_count("n_permutations", chosen.n_permutations)
    if chosen.n_permutations < 2:
        raise ValueError(f"`n_permutations` must be at least 2; not {chosen.n_permutations}.")
    if chosen.n_labels is not None:
        check_count("n_labels", chosen.n_labels)
    check_feature_select(chosen.feature_select)
    check_running(chosen.n_jobs, chosen.progress, chosen.predict_options)
    check_on_error(chosen.on_error)
    if chosen.labels is not None and chosen.n_labels is not None:
        raise ValueError("You need to choose between `labels` and `n_labels`; not both.")
    kind = model_type(explainer.model)
    if kind == "regression" and (chosen.labels is not None or chosen.n_labels is not None):
        warnings.warn(
            "`labels` and `n_labels` are ignored when explaining regression models.",
            stacklevel=3,
        )
        chosen.labels = chosen.n_labels = None
    if np.iterable(chosen.labels) and not isinstance(chosen.labels, str | tuple):
        chosen.labels = list(chosen.labels)  # an iterator would be empty at the second case
    own = {name: value for name, value in arguments.items() if name not in _NAMED}
    return Request(
        kind,
        chosen.labels,
        chosen.n_labels,
        chosen.n_features,
        chosen.feature_select,
        chosen.n_permutations,
        seed_words(chosen.random_state),
        dict(chosen.predict_options or {}),
        make_options(explainer.options, own, f"explain() of {explainer.input_name}"),
        probe=explainer.probe,
        on_error=chosen.on_error,
    )


_Result: TypeAlias = tuple[Neighbourhood, list[Surrogate]] | CaseError


def _explain_cases(
    explainer: Explainer, cases: Any, request: Request, report: Report
) -> Iterator[_Result]:
    """The pipeline: perturb and predict each case, then fit a surrogate per label."""
    for result in map(partial(_fit_case, request), perturb(explainer, cases, request, report)):
        if isinstance(result, CaseError) and request.on_error == "raise":
            stop_at(result)
        yield result


def _fit_case(request: Request, around: Neighbourhood | CaseError) -> _Result:
    if isinstance(around, CaseError):
        return around
    try:
        surrogates = fit_labels(
            around.design,
            around.predictions,
            around.weights,
            around.features,
            request.labels_of(around.prediction),
            n_features=request.n_features,
            feature_select=request.feature_select,
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
) -> list[_Result]:
    """Share the cases out among processes, in contiguous parts."""
    parts = np.array_split(np.arange(len(cases)), n_parts(len(cases), n_jobs))
    results: dict[int, list[_Result]] = {}
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
) -> tuple[list[_Result], list[Warning | str]]:
    """Some of the cases, in a process of their own, and the warnings that it gave."""
    cases, request = part
    if request.folder is not None and not os.path.isdir(request.folder):
        request = replace(request, folder=None)  # this is another machine
    with warnings.catch_warnings(record=True) as caught:
        results = list(_explain_cases(explainer, cases, request, lambda n: None))
    different = {(warning.category, str(warning.message)): warning.message for warning in caught}
    return results, list(different.values())


def _as_given(cases: Any) -> Any:
    """The default `preprocess`."""
    return cases
