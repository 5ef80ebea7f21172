"""
Explanations for the plots of shap, and shap values for the plots of pylime.

A shap value is a contribution: those of a case sum to its prediction minus a base value. The
weights of an explanation become contributions when they are multiplied by the design.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from pylime import checks
from pylime._types import Labels
from pylime.foreign import as_pandas
from pylime.frame import (
    COLUMNS,
    as_row,
    check_explanation,
    check_names,
    design_values,
    input_of,
    is_none_of_group,
    is_word_of_column,
    object_column,
)
from pylime.image.pixels import on_white
from pylime.numbers import format_numbers
from pylime.shades import upright
from pylime.text.places import apart, locate_features
from pylime.values import Bitmap, Superpixel, Word

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from shap import Explanation  # pyright: ignore[reportMissingImports] - an extra

__all__ = ["as_shap", "from_shap"]

ShapValues: TypeAlias = "Explanation | pd.DataFrame | Mapping[Hashable, pd.DataFrame]"
"""What shap returned: its own object, or a frame of values, one per label."""

_NEEDED = ("case", "model_intercept", "feature", "feature_value", "feature_weight", "feature_desc")
# Approximate shap values may miss a probability of 0 or 1 by so much.
_BEYOND = 0.01
# Contributions that leave out less than this share of the prediction sum up but for rounding.
_ROUNDING = 1e-6


# To shap


def as_shap(explanation: pd.DataFrame, label: Hashable = None) -> "Explanation":
    """
    Convert an explanation for the plots of shap: beeswarm, waterfall, bar, text and image.

    From `explain(..., contributions=True)` the values are `feature_contribution`, and the base
    value is `surrogate_mean`, the local model's mean over the permutations: as in shap, each value
    is how much a feature moves this prediction away from an average. Without these columns the
    values are weight times design, and the base value is the local model's intercept. Then a
    feature of a table that is compared by bin or level, a word or a superpixel has its weight as
    its value, and a number that is not binned its weight times the number. In both cases the
    values of a case sum to `model_prediction` minus the base value. They are those of the local
    model and not Shapley values of the model.

    Parameters
    ----------
    explanation
        From `pylime.explain`.
    label
        The label to convert. Cases for which it is not explained are left out. None converts all
        labels, which must then be the same for every case.

    Returns
    -------
    shap.Explanation
        A value of 0 where a feature is not part of a case's local model.

        Of tables: (n cases, p features) values, with the rows as data, and the features in the
        order in which they appear. The words of text columns are features like others; their
        data are 1 in the cases that have them and missing in others, and the data of a group of
        columns are its description. Of texts: an array of values per case. Its tokens are the words
        and, in between, the rest of the text; a word that occurs k times has a k-th of its
        contribution at each place. Of images: (n, H, W, 3) values. Each pixel has the same part of
        its superpixel's contribution, so that the pixels sum to it.

        With several labels, and always for classifiers of images, there is one more dimension,
        of the labels. Base values are (n,), or (n, labels).

    Raises
    ------
    ImportError
        If shap is missing: `pip install 'tidylime[shap]'`.
    TypeError, ValueError
        If `explanation` is not an explanation, the label is not explained, cases have different
        labels, several cases have the same name, or images have different sizes or no pixels.

    Warns
    -----
    UserWarning
        If the values of a case do not sum up, as of an explanation that has lost some of its rows.

    Examples
    --------
    >>> from pylime import as_regressor, explain, lime
    >>> def length(texts):
    ...     return [len(text) for text in texts]
    >>> texts = ["a good film", "not good at all"]
    >>> explanation = explain(texts, lime(texts, as_regressor(length)), contributions=True)
    >>> values = as_shap(explanation)  # doctest: +SKIP
    >>> values[0].data.tolist()  # doctest: +SKIP
    ['a', ' ', 'good', ' ', 'film']
    >>> shap.plots.text(values)  # doctest: +SKIP
    """
    try:
        shap: Any = import_module("shap")
    except ImportError as error:
        raise ImportError("as_shap needs shap: pip install 'tidylime[shap]'.") from error
    explanation, model_type = check_explanation(
        explanation,
        classification=(*_NEEDED, "label"),
        regression=_NEEDED,
        cells=("feature_value",),
    )
    if model_type == "classification":
        explanation, labels = _of_label(explanation, label)
    elif label is not None:
        raise ValueError(f"`label` must be None for an explanation of regression; not {label!r}.")
    else:
        labels = []
    if input_of(explanation) == "image" and not _has_pixels(explanation):
        raise ValueError(
            "`explanation` must have the pixels of its images in `data` and `feature_value`; a "
            "plain frame does not. Convert what explain() or read_explanation() returned."
        )
    cases = list(_cases_in(explanation, max(len(labels), 1)))
    kinds = {case.kind for case in cases}
    if len(kinds) > 1:
        raise ValueError(
            f"`explanation` must be of one kind of input; not of {' and '.join(sorted(kinds))}."
        )
    [kind] = kinds
    values, data, features = _CONVERTERS[kind](cases)
    base = np.stack([case.base for case in cases])
    names: Any = [str(name) for name in labels] or None
    if len(labels) < 2 and (kind != "images" or not labels):
        values, base = [of_case[..., 0] for of_case in values], base[:, 0]
        names = names and names[0]
    return shap.Explanation(
        values=_stacked(values),
        base_values=base,
        data=data,
        feature_names=features,
        output_names=names,
    )


def _has_pixels(explanation: pd.DataFrame) -> bool:
    """Whether the cells of an explanation of images are all there."""
    if "data" not in explanation:
        return False
    cells = zip(explanation["data"], explanation["feature_value"], strict=True)
    return all(isinstance(a, Bitmap) and isinstance(b, Superpixel) for a, b in cells)


def _of_label(explanation: pd.DataFrame, label: Hashable) -> tuple[pd.DataFrame, list[Hashable]]:
    """Select the rows of a label, by value or name; check that all cases have the same labels."""
    labels = list(dict.fromkeys(explanation["label"]))
    if label is not None:
        is_wanted = np.array([str(each) == str(label) for each in explanation["label"]])
        if not is_wanted.any():
            raise ValueError(
                f"`label` must be one of the explained labels {checks.some(labels)}; not {label!r}."
            )
        return explanation[is_wanted], [label]
    cases, names = pd.factorize(explanation["case"], use_na_sentinel=False)
    groups = pd.Series(explanation["label"].to_numpy(dtype=object)).groupby(cases)
    for case, (_, rows) in zip(names, groups, strict=True):
        own = set(rows)
        if len(own) < len(labels):
            lacking = next(each for each in labels if each not in own)
            raise ValueError(
                f"Case {case!r} is not explained for label {lacking!r}, which others are. Pass "
                "`label`, or explain the same labels of every case: explain(..., labels=...)."
            )
    return explanation, labels


@dataclass(frozen=True, eq=False)
class _Case:
    """
    The contributions of one case.

    Attributes
    ----------
    name
        Its name.
    features, cells, descriptions
        Names, values and descriptions of its p features.
    contributions
        (p, k) contribution of each to each of k labels.
    base
        (k,) base values.
    data
        The cell of the column `data`.
    """

    name: Hashable
    features: Sequence[str]
    cells: Sequence[Any]
    descriptions: Sequence[str]
    contributions: np.ndarray
    base: np.ndarray
    data: Any

    @property
    def kind(self) -> str:
        """What it is: `"images"`, `"texts"`, or `"tables"` for all else."""
        if isinstance(self.data, Bitmap) and all(isinstance(c, Superpixel) for c in self.cells):
            return "images"
        # A plain frame has strings for the rows of a table, too, but other values than features.
        words = zip(self.cells, self.features, strict=True)
        if isinstance(self.data, str) and all(str(cell) == name for cell, name in words):
            return "texts"
        return "tables"


def _cases_in(explanation: pd.DataFrame, n_labels: int) -> Iterator[_Case]:
    """Take an explanation apart by case."""
    if {"feature_contribution", "surrogate_mean"} <= set(explanation.columns):
        contributions = explanation["feature_contribution"].to_numpy(dtype=float)
        bases = explanation["surrogate_mean"].to_numpy(dtype=float)
    else:
        weights = explanation["feature_weight"].to_numpy(dtype=float)
        contributions = weights * design_values(explanation)
        bases = explanation["model_intercept"].to_numpy(dtype=float)
    features = [str(name) for name in explanation["feature"]]
    cells = explanation["feature_value"].tolist()
    descriptions = [str(text) for text in explanation["feature_desc"]]
    data = explanation["data"].tolist() if "data" in explanation else [None] * len(explanation)
    labels = np.zeros(len(explanation), dtype=int)
    if "label" in explanation:
        labels = pd.factorize(explanation["label"], use_na_sentinel=False)[0]
    cases, names = pd.factorize(explanation["case"], use_na_sentinel=False)
    units = cases * n_labels + labels
    check_names(explanation, units, pd.factorize(object_column(features))[0])
    _warn_of_lost_rows(explanation, units, np.nan_to_num(contributions), bases)
    order = np.argsort(cases, kind="stable")
    for name, rows in zip(names, np.split(order, np.cumsum(np.bincount(cases))[:-1]), strict=True):
        places = {
            name: place for place, name in enumerate(dict.fromkeys(features[r] for r in rows))
        }
        matrix = np.zeros((len(places), n_labels))
        base = np.zeros(n_labels)
        own: list[Any] = [None] * len(places)
        described = [""] * len(places)
        for row in rows:
            place, label = places[features[row]], labels[row]
            matrix[place, label], base[label] = np.nan_to_num(contributions[row]), bases[row]
            own[place], described[place] = cells[row], descriptions[row]
        yield _Case(name, list(places), own, described, matrix, base, data[rows[0]])


def _warn_of_lost_rows(
    explanation: pd.DataFrame, units: np.ndarray, contributions: np.ndarray, bases: np.ndarray
) -> None:
    """Warn if contributions do not lead to the local predictions, which shap does not have."""
    if "model_prediction" not in explanation:
        return
    _, first, unit = np.unique(units, return_index=True, return_inverse=True)
    local = explanation["model_prediction"].to_numpy(dtype=float, na_value=np.nan)[first]
    sums = bases[first] + np.bincount(unit, contributions)
    sizes = np.maximum(
        np.abs(local), np.bincount(unit, np.abs(contributions)) + np.abs(bases[first])
    )
    lost = np.abs(sums - local) > _ROUNDING * sizes
    if lost.any():
        names = dict.fromkeys(explanation["case"].iloc[first[lost]].tolist())
        checks.warn(
            "The values and the base value do not sum to `model_prediction`, as if the explanation "
            f"had lost rows, for {len(names)} cases: {checks.some(names, 5)}. shap's plots show "
            "their sum as the prediction. Convert the whole explanation, and select cases or "
            "features there."
        )


_Converted: TypeAlias = tuple[list[np.ndarray], Any, Any]
"""Values of each case, with the labels last; data; names of features."""


def _convert_tables(cases: Sequence[_Case]) -> _Converted:
    """Put the values of all cases into columns of features."""
    features = list(dict.fromkeys(name for case in cases for name in case.features))
    places = {name: place for place, name in enumerate(features)}
    values, rows = [], []
    for case in cases:
        own = np.zeros((len(features), case.contributions.shape[1]))
        own[[places[name] for name in case.features]] = case.contributions
        values.append(own)
        row = {str(name): value for name, value in (as_row(case.data) or {}).items()}
        row |= {
            name: _shown(name, cell, description)
            for name, cell, description in zip(
                case.features, case.cells, case.descriptions, strict=True
            )
        }
        rows.append([_plain(row.get(name)) for name in features])
    return values, _matrix(rows), features


def _shown(feature: str, cell: Any, description: str) -> Any:
    """Return what shap's plots show as the value of a feature: 1 of a word, which is there."""
    if is_word_of_column(feature, cell, description):
        return 1.0
    if isinstance(cell, Mapping) or is_none_of_group(feature, description):
        return description.removeprefix(f"{feature} is ")
    return cell


def _plain(value: Any) -> Any:
    """Convert a value to one that shap's plots print and order."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return np.nan
    return float(value) if isinstance(value, Decimal) else value


def _matrix(rows: Sequence[Sequence[Any]]) -> np.ndarray:
    """Make an array of numbers if all values are numbers, otherwise of objects."""
    array = np.empty((len(rows), len(rows[0])), dtype=object)
    for place, row in enumerate(rows):
        array[place] = row
    numeric = all(isinstance(value, int | float) for row in rows for value in row)
    return array.astype(np.float64) if numeric else array


def _convert_texts(cases: Sequence[_Case]) -> _Converted:
    """Cut each text into its words and what is between them."""
    values, tokens = [], []
    for case in cases:
        pieces = list(_pieces_of(case))
        tokens.append(_objects([token for token, _ in pieces]))
        values.append(np.stack([contribution for _, contribution in pieces]))
    return values, tokens, [list(of_case) for of_case in tokens]


def _pieces_of(case: _Case) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the pieces of a text, each with its part of a contribution to each label."""
    text, nothing = case.data, np.zeros(case.contributions.shape[1])
    places = locate_features(case.cells, text)
    found = [(span, number) for number, cell in enumerate(case.cells) for span in places[cell]]
    found = apart(found, lambda mark: mark[0])
    counts = np.bincount([number for _, number in found], minlength=len(case.cells))
    end = 0
    for (start, stop), number in found:
        if start > end:
            yield text[end:start], nothing
        yield text[start:stop], case.contributions[number] / counts[number]
        end = stop
    if end < len(text):
        yield text[end:], nothing
    # Words that the text does not contain in this form, so that the values still sum up.
    for number in np.flatnonzero(counts == 0).tolist():
        yield f" {case.features[number]}", case.contributions[number]


def _convert_images(cases: Sequence[_Case]) -> _Converted:
    """Spread the contribution of each superpixel over its pixels."""
    shapes = {case.data.pixels.shape[:2] for case in cases}
    if len(shapes) > 1:
        sizes = checks.some([f"{width} x {height}" for height, width in shapes], form=str)
        raise ValueError(
            "Images must have the same size to be converted together; they have "
            f"{sizes} pixels. Convert one case at a time."
        )
    values, images = [], []
    for case in cases:
        pixels = on_white(case.data.colours)
        painted = np.zeros((pixels.shape[0] * pixels.shape[1], case.contributions.shape[1]))
        for superpixel, contribution in zip(case.cells, case.contributions, strict=True):
            if superpixel.shape != pixels.shape[:2]:
                raise ValueError(
                    f"Case {case.name!r} has images of different sizes; give the cases different "
                    "names, or convert one explanation at a time."
                )
            painted[superpixel.indices] = contribution / (3 * len(superpixel.indices))
        painted = upright(painted.reshape(*pixels.shape[:2], -1), case.data.orientation)
        values.append(np.repeat(painted[:, :, None], 3, axis=2))
        images.append(upright(pixels, case.data.orientation))
    return values, np.stack(images), None


_CONVERTERS = {"tables": _convert_tables, "texts": _convert_texts, "images": _convert_images}


def _stacked(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Stack arrays of one shape; put others, of texts of different lengths, into one of objects."""
    if len({array.shape for array in arrays}) == 1:
        return np.stack(arrays)
    return _objects(arrays)


def _objects(values: Sequence[Any]) -> np.ndarray:
    return object_column(list(values)).to_numpy()


# From shap


def from_shap(
    values: ShapValues,
    *,
    data: Any = None,
    base_values: "ArrayLike | Mapping[Hashable, ArrayLike] | None" = None,
    labels: Labels = None,
    predictions: Any = None,
    n_features: int | None = None,
) -> pd.DataFrame:
    """
    Convert shap values to an explanation, for the plots and summaries of pylime.

    `feature_desc` has the value of a feature where it is known. For a row per feature instead of
    one per value, use `plot_explanations(explanation.assign(feature_desc=explanation["feature"]))`.

    Parameters
    ----------
    values
        A `shap.Explanation` of rows or texts, whose cases are counted from 0. Or a frame of shap
        values: a row per case, with its name as the index label, and a column per feature; for
        several labels a mapping from each to its frame.
    data
        The rows that were explained: a frame or array of the same shape as the values. None takes
        those of the `shap.Explanation`, if it has them.
    base_values
        What the values of a case are added to (shap: `expected_value`): a number per label, or
        one per case and label. None takes those of the `shap.Explanation`.
    labels
        The label or labels that the values explain. None takes the `output_names` of the
        `shap.Explanation` or the keys of the mapping; if there are none, the explanation is one of
        regression.
    predictions
        The model's predictions for the cases: a number each or, of a classifier, (n, labels)
        probabilities, or a frame of these with all labels as columns. None takes the base value
        plus the sum of the values, which must then be a probability where there are labels.
    n_features
        How many features of each case and label to keep, the largest values first. None keeps
        all.

    Returns
    -------
    pandas.DataFrame
        With `pylime.COLUMNS`, `feature_contribution` and `surrogate_mean`. Weight and contribution
        are the shap value, intercept and mean the base value. `model_r2` is missing: shap values
        have no goodness of fit. Of texts, features are the distinct words, without those of value
        0.

    Raises
    ------
    TypeError, ValueError
        If `values` are something else, such as interactions or values per pixel, if shapes or
        lengths do not match, or if predictions of labels are not probabilities.

    Examples
    --------
    >>> values = pd.DataFrame({"age": [0.5, -0.25], "town": [0.125, 0.25]}, index=["Ada", "Max"])
    >>> rows = pd.DataFrame({"age": [40.0, 20.0], "town": ["Oslo", "Bergen"]})
    >>> explanation = from_shap(values, data=rows, base_values=10.0)
    >>> explanation[["case", "feature_desc", "feature_weight", "model_prediction"]]
      case    feature_desc  feature_weight  model_prediction
    0  Ada        age = 40           0.500            10.625
    1  Ada     town = Oslo           0.125            10.625
    2  Max        age = 20          -0.250            10.000
    3  Max   town = Bergen           0.250            10.000
    """
    if n_features is not None:
        checks.count("n_features", n_features)
    values = as_pandas(values)
    if isinstance(values, pd.DataFrame | Mapping):
        read = _read_frames(values, data)
    elif hasattr(values, "values") and hasattr(values, "base_values"):
        read = _read_explanation(values, data)
        base_values = values.base_values if base_values is None else base_values
    else:
        raise TypeError(
            "`values` must be a shap.Explanation, a frame of shap values or a mapping from labels "
            f"to frames; not an object of class {type(values).__name__!r}."
        )
    names = _label_names(labels, read)
    base = _base_of(base_values, read)
    sums = base + np.stack([of_case.sum(axis=0) for of_case in read.values])
    known = _known_predictions(predictions, names, sums)
    columns: dict[str, list[Any]] = {name: [] for name in _columns(bool(names))}
    for place, case in enumerate(read.names):
        for number in range(sums.shape[1]):
            own = read.values[place][:, number]
            order = np.argsort(-np.abs(own), kind="stable")[:n_features]
            if read.texts is not None:
                order = order[own[order] != 0]
            shared = {
                "model_type": "classification" if names else "regression",
                "case": case,
                "label": names[number] if names else None,
                "label_prob": known.values[place, number],
                "model_r2": np.nan,
                "model_intercept": base[place, number],
                "model_prediction": sums[place, number],
                "surrogate_mean": base[place, number],
                "data": read.data_of(place),
                "prediction": known.cell(place),
            }
            for row in order:
                several = {
                    "feature": read.features[place][row],
                    "feature_value": read.cells[place][row],
                    "feature_weight": own[row],
                    "feature_desc": read.describe(place, row),
                    "feature_contribution": own[row],
                }
                for name, column in columns.items():
                    column.append(several[name] if name in several else shared[name])
    cells = {"feature_value", "data"} | ({"prediction"} if names else set())
    return pd.DataFrame(
        {
            name: object_column(column) if name in cells else column
            for name, column in columns.items()
        }
    )


def _columns(is_classification: bool) -> list[str]:
    """List the columns of a converted explanation."""
    behind = {"feature_weight": ["feature_contribution"], "model_prediction": ["surrogate_mean"]}
    absent = () if is_classification else ("label", "label_prob")
    known = [name for name in COLUMNS if name not in absent]
    return [column for name in known for column in (name, *behind.get(name, ()))]


@dataclass(frozen=True, eq=False)
class _Read:
    """
    Shap values of n cases and k labels.

    Attributes
    ----------
    names
        The name of each case.
    features, cells
        Names and values of the features of each case.
    values
        (p, k) values of each case.
    labels
        The labels, where the values have names for them.
    has_data
        Whether the values of features are known.
    texts
        The text of each case; None for rows.
    """

    names: Sequence[Hashable]
    features: Sequence[Sequence[str]]
    cells: Sequence[Sequence[Any]]
    values: Sequence[np.ndarray]
    labels: Sequence[Hashable] = ()
    has_data: bool = True
    texts: Sequence[str] | None = None

    def data_of(self, place: int) -> Any:
        """Return the cell of the column `data` of a case."""
        if self.texts is not None:
            return self.texts[place]
        if not self.has_data:
            return None
        return dict(zip(self.features[place], self.cells[place], strict=True))

    def describe(self, place: int, row: int) -> str:
        """Describe a feature of a case."""
        feature, value = self.features[place][row], self.cells[place][row]
        if self.texts is not None or not self.has_data:
            return feature
        if isinstance(value, float):
            text = format_numbers([value], 4)[0]
            return f"{feature} is missing" if np.isnan(value) else f"{feature} = {text}"
        return f"{feature} = {value}"


def _read_frames(values: Any, data: Any) -> _Read:
    """Read frames of shap values, one for each label."""
    frames = values if isinstance(values, Mapping) else {None: values}
    frames = {label: as_pandas(frame) for label, frame in frames.items()}
    wrong = [frame for frame in frames.values() if not isinstance(frame, pd.DataFrame)]
    if wrong or not frames:
        what = f"one of {type(wrong[0]).__name__!r}" if wrong else "an empty one"
        raise TypeError(f"`values` must be a mapping from labels to data frames; not {what}.")
    first = next(iter(frames.values()))
    for label, frame in frames.items():
        if not (frame.columns.equals(first.columns) and frame.index.equals(first.index)):
            raise ValueError(
                "`values` must have the same rows and columns for every label; those of "
                f"{label!r} differ."
            )
    array = np.stack([frame.to_numpy(dtype=float) for frame in frames.values()], axis=2)
    labels = [] if None in frames else list(frames)
    return _read_rows(array, data, list(first.columns), first.index.tolist(), labels)


def _read_explanation(explained: Any, data: Any) -> _Read:
    """Read an object of shap: of one case or several, of one output or several."""
    values: Any = explained.values
    features: Any = explained.feature_names
    if data is None:
        shown = getattr(explained, "display_data", None)
        data = explained.data if shown is None else shown
    data = data.toarray() if hasattr(data, "toarray") else as_pandas(data)
    ragged = not isinstance(values, np.ndarray) or values.dtype == object
    if not ragged and (values.ndim == 1 or (values.ndim == 2 and _is_flat(data))):
        values, features = values[None], features if features is None else [list(features)]
        data = None if data is None else [data]
    names = explained.output_names
    names = [] if names is None else [names] if isinstance(names, str) else names
    labels = [_plain(name) for name in names]
    if ragged and data is None:
        raise ValueError("`values` must have the tokens of texts of different lengths as `data`.")
    if ragged or _are_tokens(data, features):
        return _read_texts(list(values), list(data), labels)
    if values.ndim > 3 or np.ndim(data) > 2:
        raise ValueError(
            "`values` must be shap values of rows or texts; values per pixel of images belong to "
            "no superpixels."
        )
    per_label = np.ndim(explained.base_values) > 1 or labels
    if values.ndim == 3 and values.shape[1] == values.shape[2] and not per_label:
        raise ValueError("`values` must be shap values of features, not of their interactions.")
    if features is None:
        features = [f"x{number}" for number in range(values.shape[1])]
    elif isinstance(features[0], list):
        [features] = features
    array = values[:, :, None] if values.ndim == 2 else values
    own: list[Hashable] = list(features)
    return _read_rows(array, data, own, range(len(array)), labels)


def _is_flat(data: Any) -> bool:
    """Whether data are those of a single case."""
    return data is not None and np.ndim(data) == 1 and not isinstance(data[0], list | np.ndarray)


def _are_tokens(data: Any, features: Any) -> bool:
    """Whether data are the tokens of texts: strings that are also the names of the features."""
    if data is None or isinstance(data, pd.DataFrame) or not len(data):
        return False
    if not all(isinstance(token, str) for tokens in data for token in np.ravel(tokens)):
        return False
    if features is None:
        return True
    rows = features if not isinstance(features[0], str) else [features] * len(data)
    stripped = [[token.strip() for token in tokens] for tokens in data]
    return stripped == [[str(name).strip() for name in own] for own in rows]  # as shap strips them


def _read_rows(
    array: np.ndarray,
    data: Any,
    features: Sequence[Hashable],
    names: Sequence[Hashable],
    labels: Sequence[Hashable],
) -> _Read:
    """Read (n, p, k) values of rows."""
    n, p, _ = array.shape
    if len(features) != p:
        raise ValueError(
            f"`values` must have a name for each of {p} features; not {len(features)}."
        )
    columns = [str(name) for name in features]
    if data is None:
        unknown = [[np.nan] * p] * n
        return _Read(names, [columns] * n, unknown, list(array), labels, has_data=False)
    data = as_pandas(data)
    if isinstance(data, pd.DataFrame) and set(features) <= set(data.columns):
        data = data[list(features)]
    rows = (
        data.astype(object).to_numpy() if isinstance(data, pd.DataFrame) else np.array(data, object)
    )
    if rows.shape != (n, p):
        raise ValueError(
            f"`data` must have the shape of the values, {(n, p)}; not {rows.shape}. Of frames the "
            "columns can be in any order."
        )
    cells = [[_plain(value) for value in row] for row in rows]
    return _Read(names, [columns] * n, cells, list(array), labels)


def _read_texts(values: Sequence[Any], data: Sequence[Any], labels: Sequence[Hashable]) -> _Read:
    """Read values of tokens; those of the same word are summed."""
    texts, features, cells, arrays = [], [], [], []
    for of_case, tokens in zip(values, data, strict=True):
        array = np.asarray(of_case, dtype=float)
        array = array[:, None] if array.ndim == 1 else array
        if len(array) != len(tokens):
            raise ValueError(
                f"`values` must have one for each of {len(tokens)} tokens; not {len(array)}."
            )
        spans: dict[str, list[tuple[int, int]]] = {}
        sums: dict[str, np.ndarray] = {}
        start = 0
        for token, value in zip(tokens, array, strict=True):
            word = token.strip()
            begin = start + token.find(word)
            places = spans.setdefault(word or "(blank)", [])
            if word:
                places.append((begin, begin + len(word)))
            sums[word or "(blank)"] = sums.get(word or "(blank)", 0.0) + value
            start += len(token)
        texts.append("".join(tokens))
        features.append(list(spans))
        cells.append([Word(word, places) for word, places in spans.items()])
        arrays.append(np.stack(list(sums.values())))
    return _Read(range(len(texts)), features, cells, arrays, labels, texts=texts)


def _label_names(labels: Labels, read: _Read) -> list[Hashable]:
    """Return the names of the labels; none for regression."""
    k = read.values[0].shape[1]
    if labels is None:
        names = list(read.labels)
    elif isinstance(labels, str) or not isinstance(labels, Iterable):
        names = [labels]
    else:
        names = list(labels)
    if len(names) != k and (names or k > 1):
        raise ValueError(f"`labels` must have a name for each of {k} outputs; not {names!r:.80}.")
    if len(set(names)) < len(names):
        raise ValueError(f"`labels` must be distinct; not {names!r:.80}.")
    return names


def _base_of(base_values: Any, read: _Read) -> np.ndarray:
    """Return the (n, k) base values."""
    n, k = len(read.values), read.values[0].shape[1]
    if base_values is None:
        raise ValueError(
            "`base_values` must be given with a frame of shap values: `expected_value` of the "
            "explainer of shap."
        )
    if isinstance(base_values, Mapping):
        lacking = [label for label in read.labels if label not in base_values]
        if lacking or not read.labels:
            raise ValueError(
                f"`base_values` must have a number for each label; without {checks.some(lacking)}."
            )
        base_values = np.stack(
            [np.broadcast_to(np.asarray(base_values[name], float), n) for name in read.labels],
            axis=-1,
        )
    base = np.asarray(base_values, dtype=float)
    if k == 1 and base.shape == (n,):
        base = base[:, None]
    if base.shape not in ((), (1,), (k,), (n, k), (1, k), (n, 1)[: 2 * (k == 1)]):
        raise ValueError(
            f"`base_values` must be a number for each of {k} outputs, or ({n}, {k}) numbers; not "
            f"of the shape {base.shape}."
        )
    return np.broadcast_to(base, (n, k)).copy()


@dataclass(frozen=True, eq=False)
class _Known:
    """
    Predictions of n cases.

    Attributes
    ----------
    values
        (n, k) predictions of the explained labels.
    labels
        Names of all labels whose probabilities are known; none for regression.
    all
        (n, number of these) probabilities.
    """

    values: np.ndarray
    labels: Sequence[Hashable]
    all: np.ndarray

    def cell(self, place: int) -> Any:
        """
        Return the cell of the column `prediction`.

        A mapping, or a number for regression. None if the values explain only one of the labels:
        it would look like the most likely one.
        """
        if len(self.labels) == 1:
            return None
        if self.labels:
            return dict(zip(self.labels, self.all[place].tolist(), strict=True))
        return float(self.values[place, 0])


def _known_predictions(predictions: Any, names: Sequence[Hashable], sums: np.ndarray) -> _Known:
    """Return the predictions of the cases, or what the values say that they are."""
    predictions = as_pandas(predictions)
    if predictions is None:
        if names and not np.all((sums >= -_BEYOND) & (sums <= 1 + _BEYOND)):
            wrong = sums[(sums < -_BEYOND) | (sums > 1 + _BEYOND)].flat[0]
            raise ValueError(
                "Base value and shap values of labels must sum to probabilities; not to "
                f"{wrong:.3g}. Of values of margins or log-odds pass the probabilities as "
                "`predictions`."
            )
        known = np.clip(sums, 0.0, 1.0) if names else sums
        return _Known(known, names, known)
    if isinstance(predictions, pd.DataFrame) and names:
        lacking = [name for name in names if name not in predictions.columns]
        if lacking:
            raise ValueError(f"`predictions` must have a column for each label; without {lacking}.")
        every, known = list(predictions.columns), predictions[list(names)].to_numpy(dtype=float)
        whole = predictions.to_numpy(dtype=float)
    else:
        known = np.asarray(predictions, dtype=float)
        known = known[:, None] if known.ndim == 1 else known
        every, whole = names, known
    if known.shape != sums.shape:
        raise ValueError(
            f"`predictions` must have the shape {sums.shape}, cases by labels; not {known.shape}."
        )
    return _Known(known, every, whole)
