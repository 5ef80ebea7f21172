"""`lime()` and `explain()`: they know what an input is, and check what is asked of it."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime.errors import CaseError, check_on_error, report_failures
from pylime.frame import assemble
from pylime.inputs import recognise, warn_of_namesakes
from pylime.models import check_model, model_type, owner_of
from pylime.models import probe as try_model
from pylime.pipeline import (
    Explainer,
    Request,
    check_cases,
    examples,
    explain_cases,
    explain_elsewhere,
    make_explainer,
)
from pylime.progress import progress_bar
from pylime.seeds import seed_words
from pylime.surrogate.fit import check_feature_select

__all__ = ["check_arguments", "explain", "lime"]


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
        The model: one that `pylime.predict_model` and
        `pylime.model_type` know, or any in
        `pylime.as_classifier` or `pylime.as_regressor`.
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
        of `explain`). Images have none.

    Returns
    -------
    Explainer
        To be handed to `explain`.

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
        The cases, of the same kind as the data of `lime`; of a table also a single
        row as a Series. A case is called by its index label, its file's name, or its
        position from 0.
    explainer
        From `lime`.
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
        `pylime.COLUMNS`; for a regressor without `label` and `label_prob`.

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

    Examples
    --------
    >>> from pylime import as_regressor
    >>> random = np.random.default_rng(1)
    >>> flats = pd.DataFrame(random.integers(1, 9, (200, 2)), columns=["rooms", "floor"])
    >>> explainer = lime(flats, as_regressor(lambda rows: 300 * rows["rooms"]), n_bins=2)
    >>> explanation = explain(flats.head(1), explainer, n_features=2, random_state=1)
    >>> explanation[["feature_desc", "feature_weight"]].round(-1)
      feature_desc  feature_weight
    0   rooms <= 5         -1030.0
    1  4.5 < floor            20.0
    """
    arguments = {name: value for name, value in locals().items() if name in _NAMED} | options
    request = check_arguments(explainer, arguments)
    if (elsewhere := explain_elsewhere(x, explainer, arguments)) is not None:
        return elsewhere
    given = recognise(x, explainer.input_name)
    warn_of_namesakes(given.names)
    cases = check_cases(explainer, given, request.options)
    with progress_bar(progress, len(cases) * request.n_permutations) as report:
        results = explain_cases(explainer, cases, request, n_jobs, report)
    explained = [result for result in results if not isinstance(result, CaseError)]
    failures = [result for result in results if isinstance(result, CaseError)]
    report_failures(failures, len(explained), on_error)
    return assemble(explained, request.model_type)


_NAMED: Mapping[str, Any] = dict(explain.__kwdefaults__ or {})  # with their defaults


def check_arguments(explainer: Any, arguments: Mapping[str, Any]) -> Request:
    """
    Check all that is asked of `explain` but the cases.

    Parameters
    ----------
    explainer
        What should come from `lime`.
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
    checks.count("n_features", chosen.n_features)
    if chosen.n_permutations is None:
        chosen.n_permutations = explainer.default_permutations
    checks.count("n_permutations", chosen.n_permutations)
    if chosen.n_permutations < 2:
        raise ValueError(f"`n_permutations` must be at least 2; not {chosen.n_permutations}.")
    if chosen.n_labels is not None:
        checks.count("n_labels", chosen.n_labels)
    check_feature_select(chosen.feature_select)
    if isinstance(chosen.n_jobs, bool) or not isinstance(chosen.n_jobs, int) or not chosen.n_jobs:
        raise ValueError(
            f"`n_jobs` must be a number of jobs, or negative as in joblib; not {chosen.n_jobs!r}."
        )
    checks.flag("progress", chosen.progress, None)
    if chosen.predict_options is not None:
        checks.mapping("predict_options", chosen.predict_options)
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
        checks.make_options(explainer.options, own, f"explain() of {explainer.input_name}"),
        probe=explainer.probe,
        on_error=chosen.on_error,
    )


def _as_given(cases: Any) -> Any:
    """The default `preprocess`."""
    return cases
