"""`lime()` makes an explainer, `explain()` an explanation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any, Unpack

import pandas as pd

from pylime import checks
from pylime._types import Input, Labels, Model, Preprocess, RandomState
from pylime.draws import Draws
from pylime.errors import CaseError, RequestError, report_failures
from pylime.frame import QUALITY, assemble
from pylime.models import check_model, model_type, owner_of, warn_of_scores
from pylime.options import EveryOption, ExplainOptions, LimeOptions, NPermutations
from pylime.pipeline import (
    Explainer,
    Finish,
    InputKind,
    Made,
    as_given,
    explain_cases,
    explain_predicted,
    kind_of,
    predict_cases,
    prepare_cases,
    read_cases,
)
from pylime.plain import as_plain
from pylime.progress import progress_bar
from pylime.request import OnError, Request
from pylime.surrogate.selection import FeatureSelect
from pylime.trust import warn_of_fits

__all__ = [
    "explain",
    "explain_elsewhere",
    "explain_request",
    "lime",
    "make_request",
    "quality",
    "run_cases",
]


def lime(
    x: Input,
    model: Model,
    preprocess: Preprocess | None = None,
    *,
    kind: str | None = None,
    probe: bool = True,
    predict_options: Mapping[str, Any] | None = None,
    **options: "Unpack[LimeOptions]",
) -> Explainer:
    """
    Make an explainer for a model.

    Parameters
    ----------
    x
        The data that the model was trained on, or data like it. Tables: a pandas, polars or
        pyarrow data frame, or a 2-D array, whose columns are called x0, x1 and so on (but a
        2-D array of uint8 is an image). Images: paths of files, PIL images, or arrays of any
        numbers, of shape (H, W), (H, W, channels) or a stack of them. A 3-D array is one image
        if its last axis is 3 or 4, or 5 to 32 and at most half of both others; otherwise a stack
        of grey images. Texts: a string, or a list, Series or array of strings, that do not all
        name files or end as image files do.
    model
        The model: one that `pylime.predict_model` and `pylime.model_type` support, or any in
        `pylime.as_classifier` or `pylime.as_regressor`.
    preprocess
        A function from a batch of cases to what the model takes. It receives the kind of
        object that was passed as `x`: an array for a table given as an array and a pandas
        frame for any other, with the columns, their order and types of the training data; a
        list of paths for paths, a list of PIL images for PIL images, a stacked array for
        arrays, with the mode, bits, numbers and orientation of the original; for texts, however
        they were passed, a list of str. By default the cases go to the model as they are.
    kind
        `"table"`, `"image"`, `"text"` or the name of a kind that was registered with
        `pylime.pipeline.register_kind`. By default it is detected from `x`. `"image"` takes
        2-D arrays of fractions as grey images, and an array of (H, W, channels) as one image;
        `"text"` takes names of files as texts.
    probe
        Whether to try the model on two cases of `x` (for images, to check the first batch of
        `explain()`), so that unusable output is detected at once.
    predict_options
        Keyword arguments for the model's prediction, here and in `pylime.explain`, which can
        change and add to them.
    **options
        Of tables: `bin_continuous=True` (compare numbers by their bins), `n_bins=4` (also a
        mapping from columns to numbers, such as `{"income": 6}`; other columns get 4 bins),
        `cuts=None` (where you want columns of numbers, or of dates that are drawn, to be cut,
        such as `{"age": [17, 65]}`: three bins, `age <= 17`, `17 < age <= 65` and `65 < age`.
        Such columns are binned whatever `bin_continuous` is, and draws inside a bin follow the
        training data: whole and repeated numbers are drawn as often as they occur, others from
        their quantiles. A single cut needs no list; an array's columns are named by position),
        `quantile_bins=True` (bins of even counts, not of even width), `use_density=True`
        (numbers that are not binned are drawn from a kernel density, not from a normal
        distribution), `categorical=None` (columns of numbers that are codes, which are drawn
        and compared as levels: names, or positions for an array; or a mapping from these to
        the names of their codes, such as `{"colour": {3: "red", 8: "green"}}`, or a list in
        which a code is a position; columns that the model itself takes for categorical need
        not be named), `hold=None` (columns that keep the case's value: the model sees them,
        but they are not features, do not count in distances, and nothing of them is stored in
        the explainer), `dates=None` (`"draw"` draws dates and compares them in bins, as
        numbers; `"hold"` keeps them at the case's value without the warning of the default),
        `text_columns=None` (columns of texts, of which each word is a feature, such as
        `review: superb`: names, or a mapping from these to how the texts of each are cut into
        words; nothing of the texts is stored in the explainer), `tokenization=default_tokenize`
        and `keep_word_position=False` (of text columns; as for texts, below), `groups=None`
        (columns that are one feature, by the name of that, such as
        `{"size": ["size_s", "size_m"], "place": ["lat", "lon"]}`. Columns of 0 and 1 of which at
        most one is 1 are drawn as the levels of one column. Of other groups a permutation
        keeps the case's values with probability 1/2 or takes those of one row of `x`, of which the
        explainer stores up to 10,000).
        Of texts: `tokenization=default_tokenize` (what a word is: a
        function from a text to a list of words; a regular expression that matches a
        word; or a name: `"word"`, the default, `"sentence"`, `"line"`, `"paragraph"`, between
        blank lines, or `"character"`. Sentences end as the Unicode standard describes, but not at
        abbreviations, best known of English. An expression that equals a name must be compiled),
        `keep_word_position=False` (whether each occurrence of a word is a feature
        of its own, called `word_position`; positions are counted over all texts of a call
        of `pylime.explain`), `in_place=None` (whether dropped words are cut out of the text, of
        which punctuation, spacing and repeats stay; if not, the model gets the distinct words
        that are kept, joined by spaces. By default True for `"sentence"`, `"line"`,
        `"paragraph"`, `"character"` and with `replacement`, otherwise False, as in R),
        `replacement=None` (what stands at each place of a dropped word instead of it, such as
        `"[MASK]"`; an empty string cuts it out).
        Of images: `channel_axis=None` (where the channels of an array are: 0 for
        (channels, H, W), -1 for (H, W, channels), with any number of channels),
        `pixel_range=None` (the numbers of black and white, `(low, high)`. By default they are
        found over all of `x`: 0 and 255, the highest of 8, 10, 12, 14 or 16 bits for other whole
        numbers, 0 and 1 or -1 and 1 for fractions).

    Returns
    -------
    Explainer
        To be passed to `pylime.explain`.

    Raises
    ------
    TypeError
        If `x` is not a supported input, the model is not supported, `preprocess` is not
        callable, or an option is unknown.
    FileNotFoundError, ValueError
        If a file is missing or not an image, or the model's predictions are unusable.

    Examples
    --------
    >>> from pylime import as_classifier
    >>> from skimage.data import chelsea
    >>> def brightness(images):
    ...     return images.mean(axis=(1, 2, 3)) / 255
    >>> lime(chelsea(), as_classifier(brightness, ["dark", "bright"]))
    <ImageExplainer of the classification model brightness>
    """
    if model is None:
        raise TypeError("`model` must be a model or a function that predicts; not None.")
    preprocess = as_given if preprocess is None else preprocess
    checks.function("preprocess", preprocess, "a function of a batch of cases")
    checks.flag("probe", probe)
    if predict_options is not None:
        checks.mapping("predict_options", predict_options)
    found = kind_of(x, kind)
    chosen = checks.make_options(
        found.lime_options,
        options,
        f"lime() of {found.plural}",
        _OF_LIME,
        lambda: {"explain()": [*_SHARED, *checks.arguments_of(found.explain_options)]},
    )
    if found.reader is not None:
        found = replace(found, read=found.reader(chosen, kind is not None))
    cases = read_cases(x, found)
    model = owner_of(model)
    check_model(model)  # an unsupported model is detected now, not after the permutations
    explainer = found.make_explainer(cases, model, preprocess, chosen, found)
    predicting = dict(predict_options or {})
    explainer = replace(explainer, probe=bool(probe), predict_options=predicting)
    return _probed(explainer, cases) if probe else explainer


def _probed(explainer: Explainer, cases: Any) -> Explainer:
    """Try the model on a few cases, so that unusable output is detected before any work."""
    some = explainer.kind.examples(explainer, cases)
    if some is None:
        return explainer
    try:
        predictions = predict_cases(explainer, some, len(some), **explainer.predict_options)
    except Exception as error:
        error.add_note(
            f"(lime() tried the model on {len(some)} of the given cases; `probe=False` leaves "
            "that out. What the prediction needs beside the cases is `predict_options`.)"
        )
        raise
    warn_of_scores(explainer.model, predictions)
    return replace(
        explainer, labels=predictions.labels, names=predictions.names, tried=explainer.model
    )


def explain(
    x: Input,
    explainer: Explainer,
    *,
    labels: Labels = None,
    n_labels: int | None = None,
    n_features: int = 5,
    n_permutations: NPermutations = None,
    feature_select: FeatureSelect = "auto",
    random_state: RandomState = None,
    n_jobs: int = 1,
    progress: bool | None = None,
    predict_options: Mapping[str, Any] | None = None,
    on_error: OnError = "warn",
    penalty: float | None = None,
    draws: Draws = "balanced",
    intervals: bool | float = False,
    contributions: bool = False,
    quality: bool = False,
    n_calls: int = 0,
    plain: bool = False,
    tolerance: float = 0.1,
    max_permutations: int | None = None,
    **options: "Unpack[ExplainOptions]",
) -> pd.DataFrame:
    """
    Explain a model's predictions of single cases.

    Parameters
    ----------
    x
        The cases, of the same kind as the data of `pylime.lime`; of a table also a single
        row as a Series. A case is identified by its index label, its file's name, or its
        position from 0.
    explainer
        From `pylime.lime`.
    labels
        For a classifier: the label to explain, or several; names, or positions from 0 where
        the names are not whole numbers.
    n_labels
        Alternatively, the number of labels, most likely first. Default: only the most likely.
    n_features
        How many features each explanation may use.
    n_permutations
        How many permutations (random variations) of each case the model predicts; by default
        5000 for tables and texts, 1000 for images. `"auto"` finds the number for each case: it
        starts with 500 (125 for images) and doubles them until the weights are precise enough (see
        `tolerance`). The column `n_permutations` has the number; a call with it gives the same
        rows. Easy cases then cost fewer predictions, and hard ones more. `"all"` predicts every
        permutation that a case with few features has, once: of a text or an image of m words or
        superpixels all 2^m - 1 subsets that keep something. The explanation is then the limit of
        ever more draws, without their error, and does not depend on `random_state`; see Notes.
        With `"auto"` cases of at most 500 such permutations (8 words or superpixels) are
        explained so, too. The column `exact` has for which cases that is.
    feature_select
        How features are selected: `"auto"` (forward selection up to six features,
        highest weights beyond), `"none"` (all), `"forward_selection"`,
        `"highest_weights"`, `"lasso_path"` or `"tree"`.
    random_state
        A seed, or numpy's `Generator`, `RandomState` or `SeedSequence`. With one seed, a case
        gives the same rows alone, in a batch and in any order. By default each call draws
        afresh.
    n_jobs
        Number of parallel jobs over the cases, as in joblib.
    progress
        Whether to show a progress bar; by default on long work in a terminal or notebook.
    predict_options
        Keyword arguments for the model's prediction, beside those of `pylime.lime` or instead
        of them. With others than there the first predictions are checked once more.
    on_error
        What happens to a case that cannot be explained, or for which the model raises an
        error. `"warn"`: it is left out, and a `pylime.CaseWarning` names it and the reason.
        `"raise"`: an error that names it stops the call.
    penalty
        λ of the ridge regression that gives the weights, in units of the response. By default
        R's, 2 / `n_permutations`, which shrinks the weights of responses that vary little.
        With 0 the weights follow the response: 1000 times the response has 1000 times the
        weights.
    draws
        How permutations are drawn. `"balanced"`: so that they cancel each other's error, and
        weights vary less from seed to seed. `"independent"`: each on its own, as in R, which is
        better only for models of the parity of three columns, or of products of very many
        features. A single permutation has the same distribution with both, and the first n of
        more permutations are those of a call with `n_permutations=n`.
    intervals
        Whether to add intervals of the weights: True for 95 %, or a level such as 0.9. The
        columns `feature_se`, `feature_lo`, `feature_hi` and `feature_freq` stand behind
        `feature_weight`. See Notes.
    contributions
        Whether to add `feature_contribution`: how much a feature moves this prediction away from
        the mean of the local model, which is the column `surrogate_mean`. They sum to
        `model_prediction` minus that mean.
    quality
        Whether to add the columns that show how far to trust each explanation; see
        `pylime.quality`.
    n_calls
        With `quality=True`: how many further predictions may be used to find out why the local
        model describes little of what the model does. 500 are enough.
    plain
        Whether to return the frame as `pylime.as_plain` does: numbers and strings only. A Dask
        data frame needs it before `to_parquet()`.
    tolerance
        With `n_permutations="auto"`: no half-width of the intervals of the weights may
        exceed this share of the largest weight. (Numbers that are not binned: weights times
        standard deviations.)
    max_permutations
        With `n_permutations="auto"` or `"all"`: the largest number of permutations of a case; by
        default four times the number that is the default without these, which is enough for all
        subsets of 14 words or 11 superpixels.
    **options
        Of tables: `dist_fun="gower"` (how similar a permutation is: one minus its Gower
        distance; or any metric of `scipy.spatial.distance.cdist` or R's `dist`, turned
        into a similarity by an exponential kernel; or a function of a one-row frame, the case,
        and a frame of n rows that returns n distances), `kernel_width=None` (of that kernel;
        by default 0.75 times the root of the number of columns), `gower_pow=1` (power of
        the Gower distance, which is below 1: a larger power makes the neighbourhood wider),
        `sampling=None` (`"kernel"` draws permutations from the neighbourhood that `kernel_width`
        describes, instead of weighting them by it, so that all of them count also where it is
        narrow; of columns with bins and levels), `p_remove=0.5` (of text columns: the
        probability that a word is removed; None: as many words stay as in R's texts, where the
        number of these is drawn first), `batch_size=None` (the most rows that one call of
        `preprocess` and the model gets; by default all permutations of a case, or of several).
        Of images: `n_superpixels=50` (how many superpixels, connected areas of similar colour,
        to aim at), `weight=20` (place against colour), `n_iter=10`,
        `p_remove=0.5` (the probability that a superpixel is removed), `batch_size=10`
        (images per call of `preprocess` and the model), `background="grey"` (what removed
        superpixels get: a colour, of which channels beyond the third, and images of one or two,
        get the brightness; a tuple with a number for each channel, in the numbers of the image;
        `"mean"`, the mean colour of each superpixel; `"blur"`, the blurred image; or another
        picture of the same size: a path, a PIL image, or an array of the image's shape, or of
        (H, W), in the numbers of the image. The blur is that of a normal distribution, with a
        standard deviation of 5 % of the root of the number of pixels. An image keeps its mode and
        its bits with all of these, so palettes get the colours that are nearest, and grey images
        the brightness. A transparent image keeps its opacity with `"mean"` and `"blur"`, and shows
        the background with all others), `segmentation=None` (instead of superpixels: a function of
        your own from an (H, W, 3) array to the segment of each pixel; an (H, W) array of whole
        numbers or bool, in which each value, also 0, is a segment; or masks as segment-anything
        models return them, a list of (H, W) arrays of bool or of dictionaries that have one as
        "segmentation". Masks may overlap: smaller ones lie on larger ones. The pixels without
        a mask are together one more segment, the last. Of several cases: one (H, W) array for
        all, a list with an entry for each, or a mapping from their names, as batches need it.
        Segments are numbered from 1, in the order of the values or masks), `within=None` (explains
        only a region, and keeps the rest of the image in all permutations: a superpixel, such as a
        cell of the column `feature_value`, or an (H, W) array of bool. `n_superpixels` are then
        those inside; a `segmentation` is cut by the region. With several cases it is the region of
        all; images of another shape are left out). Arrays for `segmentation`, `within` and
        `background` are of the image as it is stored. If a photo is stored turned by 90 degrees
        (EXIF orientation), arrays of the shape of the upright photo are turned back; where the
        shape does not show it, a warning names the one that is assumed.
        Of texts: `single_explanation=False` (whether all texts together give one
        explanation; its case is the first text), `p_remove=None` (the probability that a word is
        dropped, independently of the others; by default the number of words that are kept is
        uniform, as in R. Texts in which nothing is kept are drawn again), `batch_size=None` (the
        most texts that one call of `preprocess` and the model gets; by default texts of 34 million
        characters together).

    Returns
    -------
    pandas.DataFrame
        A row per case, label and feature, with the columns `pylime.COLUMNS`; for a regressor
        without `label` and `label_prob`. Printed in a terminal, pandas shows only as many of the
        columns as fit, the first and the last. Name those to see, as in
        `explanation[["case", "label", "feature_desc", "feature_weight"]]`, or call
        `pylime.glance` for a row per explanation.

    Raises
    ------
    TypeError
        If an option is unknown or an argument of the wrong type.
    ValueError
        If an argument has a wrong value or the model's predictions are unusable.
    CaseError
        If no case can be explained; with `on_error="raise"` if one cannot.
    Exception
        What the model raises, if it raises the same for every case.
    RuntimeError
        If worker processes die again and again, for lack of memory for instance.

    Notes
    -----
    An interval estimates the weight as the number of permutations grows without end, in the
    local model with the selected features and without a penalty. It allows for the selection:
    the level of k features out of p is raised to 1 - (1 - level) k / p, which keeps the false
    coverage rate at 1 - level [Benjamini2005]. `feature_freq` estimates in what share
    of further runs the feature would be selected again, from resampled blocks of permutations;
    below .95 it is rough, and rather too high. It is missing for `feature_select="tree"` and
    `"lasso_path"`. Contributions are the exact Shapley
    values of the local model [Strumbelj2014].

    Where `exact` is true, a permutation has the weight n P times its similarity to the case: P is
    the probability with which it is drawn, given that it keeps something, and n the number of
    permutations that is the default, whose penalty, 2 / n, is kept, too. Of m words a subset of k
    has P = 1 / (m C(m, k)); of superpixels, or with `p_remove` = r, P is proportional to r^(m - k)
    (1 - r)^k. The case is one of the subsets, and not a further row. Standard errors are 0,
    intervals are the weights themselves, `feature_freq` and `stability` are 1, and `fresh_r2` is
    `model_r2`.

    References
    ----------
    - [Benjamini2005] Benjamini, Yekutieli (2005), Journal of the American Statistical
      Association 100, 71-81.
    - [Strumbelj2014] Štrumbelj, Kononenko (2014), Knowledge and Information Systems 41, 647-665.

    Examples
    --------
    >>> import numpy as np
    >>> from pylime import as_regressor
    >>> random = np.random.default_rng(1)
    >>> flats = pd.DataFrame(random.integers(1, 9, (200, 2)), columns=["rooms", "floor"])
    >>> def rent(rows):
    ...     return 300 * rows["rooms"] + 20 * rows["floor"]
    >>> explainer = lime(flats, as_regressor(rent), n_bins=2)
    >>> explanation = explain(flats.head(1), explainer, n_features=2, random_state=1)
    >>> explanation[["feature_desc", "feature_weight"]].round(-1)
      feature_desc  feature_weight
    0   rooms <= 5         -1030.0
    1  4.5 < floor            70.0
    """
    request = make_request(
        explainer,
        labels=labels,
        n_labels=n_labels,
        n_features=n_features,
        n_permutations=n_permutations,
        feature_select=feature_select,
        random_state=random_state,
        n_jobs=n_jobs,
        progress=progress,
        predict_options=predict_options,
        on_error=on_error,
        penalty=penalty,
        draws=draws,
        intervals=intervals,
        contributions=contributions,
        quality=quality,
        n_calls=n_calls,
        plain=plain,
        tolerance=tolerance,
        max_permutations=max_permutations,
        **options,
    )
    return explain_request(x, explainer, request)


def quality(
    x: Any, explainer: Explainer | None = None, **options: "Unpack[EveryOption]"
) -> pd.DataFrame:
    """
    Find out how far to trust explanations.

    Parameters
    ----------
    x
        The cases, as in `pylime.explain`; or, without an explainer, an explanation with
        `quality=True`, so that nothing is predicted again.
    explainer
        From `pylime.lime`.
    **options
        As in `pylime.explain`. `n_calls=500` finds out with so many further predictions of each
        case why the local model describes little of what the model does.

    Returns
    -------
    pandas.DataFrame
        A row per case and label, with the columns of `pylime.explain` for `case`, `label`,
        `label_prob`, `model_prediction`, `n_permutations` and `model_r2`, and:

        - `effective_n`: how many permutations of equal weight would carry as much information
          as the weighted ones. If they are few, only the nearest count.
        - `fresh_r2`: R² for permutations that the local model was not fitted to (two-fold
          cross-validation that includes the selection). If all permutations there are were
          predicted (`n_permutations="all"`), others are the same ones, and it equals `model_r2`.
        - `left_out`: how much R² would rise if all features were used.
        - `together`: the share of the variance of the predictions that comes from features
          that act together, with `n_calls`.
        - `in_bins`: the share that depends on where in its bin, or among the other levels, a
          value lies, with `n_calls`; 0 for texts and images. `model_r2`, `left_out`, `together`
          and `in_bins` sum to 1, apart from sampling errors.
        - `stability`: the expected share of features that two runs have in common
          [Visani2020].
        - `margin`: the largest half-width of the intervals over the largest weight; of numbers that
          are not binned, both times the standard deviation.
        - `shrinkage`: the share of the weights that the penalty takes.
        - `verdict`: what speaks against the explanation and what to do about it, or "nothing
          speaks against it". If all permutations there are were predicted, it begins with their
          number, as in "all 31 subsets: no sampling error", and `together` and `in_bins` are
          known without `n_calls`.

    Raises
    ------
    TypeError, ValueError, CaseError
        As `pylime.explain` does.

    References
    ----------
    - [Visani2020] Visani, Bagli, Chesani, Poluzzi, Capuzzo (2020), Journal of the Operational
      Research Society 73, 91-101.

    Examples
    --------
    >>> import numpy as np
    >>> from pylime import as_regressor
    >>> random = np.random.default_rng(1)
    >>> flats = pd.DataFrame(random.integers(1, 9, (200, 2)), columns=["rooms", "floor"])
    >>> explainer = lime(flats, as_regressor(lambda rows: 300 * rows["rooms"]), n_bins=2)
    >>> quality(flats.head(1), explainer, random_state=1)["verdict"].tolist()
    ['nothing speaks against it']
    """
    if explainer is None:
        if not isinstance(x, pd.DataFrame) or "verdict" not in x:
            raise TypeError(
                "`explainer` must come from lime(); without one, `x` must be an explanation with "
                "`quality=True`."
            )
        explanation = x
    else:
        options["quality"] = True
        explanation = explain(x, explainer, **options)
    by_case = [name for name in ("case", "label") if name in explanation]
    first = ["case", "label", "label_prob", "model_prediction", "n_permutations", "exact"]
    names = [*first, QUALITY[0], "model_r2", *QUALITY[1:]]
    glance = explanation[[name for name in names if name in explanation]]
    return glance.drop_duplicates(by_case, ignore_index=True)


_SHARED = checks.arguments_of(Request)
_OF_LIME = ("preprocess", "kind", "probe", "predict_options")


def make_request(explainer: Explainer, beside: Sequence[str] = (), /, **arguments: Any) -> Request:
    """
    Check everything that is asked of `pylime.explain` but the cases.

    Parameters
    ----------
    explainer
        From `pylime.lime`.
    beside
        Names of arguments that the caller takes beside these, for the error about others.
    **arguments
        Those of `pylime.explain`.

    Returns
    -------
    Request
        The same as a record.

    Raises
    ------
    TypeError, ValueError
        As `pylime.explain` does.
    """
    if not isinstance(explainer, Explainer):
        raise TypeError(f"`explainer` must come from lime(); not {type(explainer).__name__}.")
    kind = explainer.kind
    own = {name: value for name, value in arguments.items() if name not in _SHARED}
    shared = {name: value for name, value in arguments.items() if name in _SHARED}
    given = shared.get("predict_options")
    if given is None or isinstance(given, Mapping):
        shared["predict_options"] = {**explainer.predict_options, **(given or {})}
    shared |= _numbers_of_permutations(
        kind, shared.get("n_permutations"), shared.get("max_permutations")
    )
    return Request(
        **shared,
        model_type=model_type(explainer.model),
        options=checks.make_options(
            kind.explain_options,
            own,
            f"explain() of {kind.plural}",
            [*_SHARED, *beside],
            lambda: {"lime()": [*_OF_LIME, *checks.arguments_of(kind.lime_options)]},
        ),
    )


def _numbers_of_permutations(kind: InputKind, n: Any, most: Any) -> dict[str, Any]:
    """The number of permutations, or the first and the largest number where it is found."""
    if isinstance(n, str):
        if n not in ("auto", "all"):
            raise TypeError(
                '`n_permutations` must be a whole number of at least 2, "auto" or "all"; not '
                f"{n!r:.80}."
            )
        if n == "all" and not kind.takes_all:
            raise RequestError(
                f'`n_permutations="all"` is not for {kind.plural}: what has to be predicted cannot '
                'be listed. Pass "auto" to draw as many permutations as precise weights need.'
            )
        most = 4 * kind.n_permutations if most is None else most
        checks.at_least(2)("max_permutations", most)
        if n == "all":
            first, exact = kind.n_permutations, "always"
        else:
            first, exact = kind.first_permutations, "allowed" if kind.takes_all else "never"
        return {"n_permutations": min(first, most), "max_permutations": most, "exact": exact}
    if most is not None:
        raise RequestError(
            '`max_permutations` is the largest number that `n_permutations="auto"` may find, and '
            '"all" may take; pass one of these, too.'
        )
    return {"n_permutations": kind.n_permutations if n is None else n}


def explain_request(
    x: Any, explainer: Explainer, request: Request, *, may_be_empty: bool = False
) -> pd.DataFrame:
    """
    Explain cases as a request asks for it.

    Parameters
    ----------
    x
        The cases, as in `pylime.explain`.
    explainer
        From `pylime.lime`.
    request
        From `make_request`.
    may_be_empty
        Whether to return a frame without rows if no case can be explained: of one batch of
        many.

    Returns
    -------
    pandas.DataFrame
        As from `pylime.explain`; for a Dask frame, a lazy one.
    """
    if (elsewhere := explain_elsewhere(x, explainer, request)) is not None:
        return elsewhere
    explained = run_cases(x, explainer, request, explain_predicted, may_be_empty=may_be_empty)
    warn_of_fits(explained, request)
    explanation = assemble(explained, request)
    return as_plain(explanation) if request.plain else explanation


def run_cases(
    x: Any,
    explainer: Explainer,
    request: Request,
    finish: Finish[Made],
    *,
    may_be_empty: bool = False,
) -> list[Made]:
    """
    Predict the permutations of cases in memory, and do something with each case.

    Parameters
    ----------
    x, explainer, request, may_be_empty
        As for `explain_request`.
    finish
        As for `pylime.pipeline.explain_cases`.

    Returns
    -------
    list
        What `finish` returns, of the cases without an error; others are left out as
        `request.on_error` says.
    """
    cases = prepare_cases(x, explainer, request)
    most = request.max_permutations or request.n_permutations
    with progress_bar(request.progress, len(cases.names) * most) as report:
        results = explain_cases(explainer, cases, request, report, finish)
    failures = [result for result in results if isinstance(result, CaseError)]
    found = [result for result in results if not isinstance(result, CaseError)]
    if failures:
        report_failures(failures, len(found), may_be_all=may_be_empty)
    return found


@singledispatch
def explain_elsewhere(x: object, explainer: Explainer, request: Request) -> Any:
    """What `explain()` returns for cases that are not in memory; None for those that are."""
    return None
