"""
Many explanations: summaries, picks and comparisons.

Every function takes the frame of `pylime.explain`, or several of these, and returns a frame or
the names of cases. Rows are told apart by numbers of their case, label and feature, which are found
once; nothing is computed cell by cell.

`glance` and `augment` are named after the functions of R's broom that do the same for models:
`glance` returns a row per model, `augment` the data with what the model adds to them. (Its `tidy`,
a row per coefficient, is what `pylime.explain` returns.)
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from pylime import checks
from pylime.foreign import as_pandas, foreign_frame, to_pandas
from pylime.frame import (
    QUALITY,
    as_utf8,
    check_explanation,
    check_names,
    input_of,
    object_column,
)
from pylime.pipeline import CaseList, kind_of, read_cases

__all__ = [
    "augment",
    "check_comparison",
    "compare_explanations",
    "feature_importance",
    "glance",
    "long_comparison",
    "pick_cases",
    "sides_of",
]

CoveredBy: TypeAlias = Literal["feature", "feature_desc"]

_OF_MODEL = ("model_r2", "model_intercept", "model_prediction")
_FURTHER = ("surrogate_mean", "n_permutations", "exact", *QUALITY)

# How many cases a message names.
_NAMED = 5


# The rows of an explanation


@dataclass(frozen=True, eq=False)
class _Rows:
    """
    An explanation, and what each of its n rows belongs to. A unit is a label of a case.

    Cases, labels, units and features are numbered in order of appearance.
    """

    frame: pd.DataFrame
    is_classification: bool
    case: np.ndarray  # (n,) number of its case
    label: np.ndarray  # (n,) number of its label; 0 for a regressor
    unit: np.ndarray  # (n,) number of its unit
    feature: np.ndarray  # (n,) number of its feature
    weight: np.ndarray  # (n,) its weight

    def values(self, column: str, numbers: np.ndarray) -> list[Any]:
        """The values that have the numbers 0, 1, ... in a column."""
        return self.frame[column].iloc[_first_rows(numbers)].tolist()


def _numbered(column: pd.Series | np.ndarray) -> np.ndarray:
    """Number values in order of appearance."""
    return pd.factorize(column, use_na_sentinel=False)[0]


def _first_rows(numbers: np.ndarray) -> np.ndarray:
    """Find the first row of each of the numbers 0, 1, ..."""
    first = np.empty(int(numbers.max(initial=-1)) + 1, dtype=np.intp)
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # the last one assigned stays
    return first


def _read_rows(
    explanation: Any,
    further: Sequence[str] = (),
    *,
    is_predicted: bool = False,
    name: str = "explanation",
) -> _Rows:
    """
    Check an explanation, and number what is in it.

    Beside case, label, feature and weight further columns can be needed; `is_predicted`: also the
    model's prediction of the case.
    """
    needed = ["case", "feature", "feature_weight", *further]
    frame, model_type = check_explanation(
        explanation,
        classification=[*needed, "label", *(["label_prob"] if is_predicted else [])],
        regression=[*needed, *(["prediction"] if is_predicted else [])],
        name=name,
        cells={"feature_value"} & {*further},
    )
    frame = frame.reset_index(drop=True)
    is_classification = model_type == "classification"
    case = _numbered(frame["case"])
    label = _numbered(frame["label"]) if is_classification else np.zeros_like(case)
    rows = _Rows(
        frame,
        is_classification,
        case=case,
        label=label,
        unit=_numbered(case * (label.max() + 1) + label),
        feature=_numbered(frame["feature"]),
        weight=_weights_in(frame, name),
    )
    check_names(frame, rows.unit, rows.feature, name)
    return rows


def _weights_in(frame: pd.DataFrame, name: str) -> np.ndarray:
    """The weights, which must be numbers."""
    try:
        weights = frame["feature_weight"].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        weights = np.full(len(frame), np.nan)
    if not np.isfinite(weights).all():
        cell = frame["feature_weight"].iloc[int(np.argmin(np.isfinite(weights)))]
        raise ValueError(
            f"`{name}` must have a finite number in each row of 'feature_weight'; not {cell!r:.80}."
        )
    return weights


# What was explained


def _check_shared_features(rows: _Rows) -> None:
    """Raise if the features are those of images."""
    if input_of(rows.frame) == "image":
        raise ValueError(
            "`explanation` must be of a table or of texts, whose cases share features; not of "
            "images: a superpixel belongs to its own image, whatever its number. See each image "
            "with plot_image_explanation(), and their fits with glance()."
        )


def _taken(column: pd.Series, rows: np.ndarray) -> pd.Series:
    """Take cells of a column, of which none is converted; a missing one for row -1."""
    if (rows >= 0).all():
        return column.take(rows).reset_index(drop=True)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
        nullable: Any = {"i": "Int64", "u": "UInt64", "b": "boolean"}[column.dtype.kind]
        column = column.astype(nullable)  # a missing one would make numbers of these fractions
    return pd.Series(column.array.take(rows, allow_fill=True), dtype=column.dtype)


# Names


def _in_common(sides: Sequence[Sequence[Hashable]]) -> list[np.ndarray]:
    """
    Number the values of several sides, each without repeats, in order of appearance.

    Values are the same if they are equal; where there is no equal one, if they print alike, as
    those of a plain frame do.
    """
    by_value: dict[Hashable, int] = {}
    by_text: dict[str, int] = {}
    found = []
    for values in sides:
        numbers = [by_value.get(value, -1) for value in values]
        taken = set(numbers)
        for place, value in enumerate(values):
            text = as_utf8(str(value))
            if numbers[place] < 0:
                alike = by_text.get(text, -1)
                number = len(by_value) if alike < 0 or alike in taken else alike
                numbers[place] = by_value[value] = number
                taken.add(number)
            by_text.setdefault(text, numbers[place])
        found.append(np.array(numbers, dtype=np.intp))
    return found


# Summaries


def glance(explanation: pd.DataFrame) -> pd.DataFrame:
    """
    Return one row per case and label: how well the local models fit.

    The name is that of R's broom [Robinson2014], where it returns a row per model.

    Parameters
    ----------
    explanation
        From `pylime.explain`; a plain one also as a frame of polars or Arrow.

    Returns
    -------
    pandas.DataFrame
        In the order of the explanation, the columns `case`, `label`, `label_prob`, `model_r2`,
        `model_intercept` and `model_prediction`; for a regressor `prediction` instead of the two
        of the label, at the end of these. Then, where the explanation has them,
        `surrogate_mean`, `n_permutations`, `exact` and the columns of `pylime.quality`.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, or several cases have the same name.

    References
    ----------
    - [Robinson2014] Robinson (2014), broom: An R Package for Converting Statistical Analysis
      Objects Into Tidy Data Frames, arXiv:1412.3565.

    Examples
    --------
    >>> from pylime import load_text_example
    >>> glance(load_text_example()).round(2)
       case label  label_prob  model_r2  model_intercept  model_prediction
    0     0  good        0.84      0.98             0.48              0.84
    1     1   bad        0.91      0.97             0.58              0.93
    2     2  good        0.95      0.75             0.64              0.98
    3     3  good        0.69      1.00             0.46              0.69
    """
    rows = _read_rows(explanation, _OF_MODEL, is_predicted=True)
    names = [
        "case",
        *(["label", "label_prob"] if rows.is_classification else []),
        *_OF_MODEL,
        *([] if rows.is_classification else ["prediction"]),
        *(name for name in _FURTHER if name in rows.frame),
    ]
    return rows.frame[names].iloc[_first_rows(rows.unit)].reset_index(drop=True)


def augment(
    cases: Any, explanation: pd.DataFrame, n: int = 3, label: Hashable = None
) -> pd.DataFrame:
    """
    Put the strongest features of each case beside it: the "reason codes" of letters and tables.

    The name is that of R's broom [Robinson2014], where it adds to the data what a model has found
    out.

    Parameters
    ----------
    cases
        What was explained, or a part of it, or more: a data frame, an array, texts, or images
        as `pylime.explain` takes them. Cases are found by their name: the index label, the
        position or the name of the file.
    explanation
        From `pylime.explain`; a plain one also as a frame of polars or Arrow.
    n
        How many features.
    label
        The label whose weights to show. By default, for each case the most likely of its
        explained labels.

    Returns
    -------
    pandas.DataFrame
        A new frame with one row per case, in the order of `cases` and with their index. First come
        the columns of `cases` (texts and images in a list have a column `text` or `image`); then
        `label` and `label_prob`, or for a regressor `prediction`; then for the n features of
        largest absolute weight, strongest first, `feature_1`, `weight_1`, `desc_1`, `feature_2` and
        so on. Values are missing of cases that were not explained, and of features beyond those
        that were selected.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, `cases` has none of its cases, several cases have
        the same name, the label was not explained, or `cases` already has one of the columns.

    Examples
    --------
    >>> from pylime import as_classifier, explain, lime
    >>> random = np.random.default_rng(1)
    >>> people = pd.DataFrame(random.integers(20, 70, (200, 2)), columns=["age", "debt"])
    >>> def risk(people):
    ...     return 0.2 + 0.006 * people["debt"] - 0.002 * people["age"]
    >>> explainer = lime(people, as_classifier(risk, ["paid", "lost"]), n_bins=2)
    >>> explanation = explain(people[1:3], explainer, labels="lost", random_state=1)
    >>> augment(people.head(3), explanation, n=1).round(2)
       age  debt label  label_prob feature_1  weight_1        desc_1
    0   43    45   NaN         NaN       NaN       NaN           NaN
    1   57    67  lost        0.49      debt      0.14   44.5 < debt
    2   21    27  lost        0.32      debt     -0.14  debt <= 44.5
    """
    checks.count("n", n)
    rows = _read_rows(explanation, ["feature_desc"], is_predicted=True)
    table = _as_table(cases, rows)
    strongest = _strongest(rows, _of_label(rows, label), n)[_case_numbers(table.index, rows)]
    of_label = ["label", "label_prob"] if rows.is_classification else ["prediction"]
    added = {name: _taken(rows.frame[name], strongest[:, 0]) for name in of_label}
    for k, places in enumerate(strongest.T, 1):
        for name in ("feature", "feature_weight", "feature_desc"):
            short = name.removeprefix("feature_")
            added[f"{short}_{k}"] = _taken(rows.frame[name], places)
    _check_columns(table, added)
    return pd.concat([table, pd.DataFrame(added).set_axis(table.index)], axis=1)


def _of_label(rows: _Rows, label: Hashable) -> np.ndarray:
    """Find the rows of a label, or of the most likely explained label of each case."""
    if not rows.is_classification:
        if label is not None:
            raise ValueError(
                f"`label` must be None for the explanation of a regressor; not {label!r:.80}."
            )
        return np.full(len(rows.case), True)
    if label is not None:
        return rows.label == _number_of(label, rows.values("label", rows.label))
    first = _first_rows(rows.unit)
    probability = rows.frame["label_prob"].to_numpy(dtype=np.float64, na_value=np.nan)[first]
    by_case = np.lexsort((-probability, rows.case[first]))  # a missing one is the last
    likely = by_case[_first_rows(rows.case[first][by_case])]
    return np.isin(rows.unit, likely)


def _number_of(label: Hashable, labels: Sequence[Hashable]) -> int:
    """Find a label, by value or by how it prints."""
    for same in (lambda known: known == label, lambda known: str(known) == str(label)):
        for number, known in enumerate(labels):
            if same(known):
                return number
    raise ValueError(
        f"`label` must be one of the explained labels {checks.some(labels)}; not {label!r:.80}."
    )


def _strongest(rows: _Rows, is_shown: np.ndarray, n: int) -> np.ndarray:
    """
    Find the rows of the features of largest absolute weight, of one label per case.

    Returns an array of n columns and one row per case, and a last one of cases that are not
    explained; -1 where there is no such feature.
    """
    shown = np.flatnonzero(is_shown)
    shown = shown[np.lexsort((-np.abs(rows.weight[shown]), rows.case[shown]))]
    case = rows.case[shown]
    start = np.searchsorted(case, case)
    rank = np.arange(len(case)) - start
    strongest = np.full((int(rows.case.max()) + 2, n), -1, dtype=np.intp)
    strongest[case[rank < n], rank[rank < n]] = shown[rank < n]
    return strongest


def _as_table(cases: Any, rows: _Rows) -> pd.DataFrame:
    """Make a frame of cases, with their names as its index."""
    if isinstance(cases, pd.DataFrame):
        return cases
    foreign = foreign_frame(cases)
    if foreign is not None:
        return to_pandas(foreign)
    explained = input_of(rows.frame)
    if isinstance(cases, pd.Series) and explained == "table":
        return cases.to_frame().T.infer_objects()
    try:
        kind = kind_of(cases, None if explained == "other" else explained)
        read = read_cases(cases, kind)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("`x`", "`cases`")) from error
    if hasattr(read, "frame"):
        return read.frame
    if isinstance(cases, pd.Series):
        name = kind.name if cases.name is None else cases.name
        return cases.to_frame(name)
    names = read.names
    index = names if isinstance(names, range) else pd.Index(list(names), dtype=object)
    items = {kind.name: object_column(list(read.items))} if isinstance(read, CaseList) else {}
    return pd.DataFrame(items, index=range(len(names))).set_axis(index)


def _case_numbers(names: pd.Index, rows: _Rows) -> np.ndarray:
    """Find the number of each case by its name; -1 for cases that are not explained."""
    codes = pd.factorize(names, use_na_sentinel=False)[0]
    distinct = names.take(_first_rows(codes)).tolist()
    explained = rows.values("case", rows.case)
    numbers = _in_common([explained, distinct])[1][codes]
    numbers[numbers >= len(explained)] = -1
    found = numbers[numbers >= 0]
    if not len(found):
        raise ValueError(
            f"`cases` must have cases of the explanation, {checks.some(explained, _NAMED)}; not "
            f"{checks.some(distinct, _NAMED) or 'none'}. The index of `cases` is their names."
        )
    repeated = np.flatnonzero(np.bincount(found) > 1)
    if len(repeated):
        shared = [explained[number] for number in repeated[:_NAMED]]
        raise ValueError(
            "`cases` must have an index without repeats, because it is their names; several are "
            f"named {checks.some(shared)}. Explain them with another index."
        )
    return numbers


def _check_columns(table: pd.DataFrame, added: Mapping[str, object]) -> None:
    """Raise if cases have columns of the names of those that are added."""
    clashing = [name for name in table.columns if isinstance(name, str) and name in added]
    if clashing:
        cure = ", ".join(f"{name!r}: 'own_{name}'" for name in clashing)
        raise ValueError(
            f"`cases` must not have columns that augment() adds; it has {checks.some(clashing)}. "
            f"Rename them: cases.rename(columns={{{cure}}})."
        )


def feature_importance(explanation: pd.DataFrame) -> pd.DataFrame:
    """
    Return how much each feature matters over all cases.

    A case in which a feature was not selected counts as a weight of 0, and so does a case whose
    text does not have a word. The mean over the rows of the explanation alone would put a feature
    that is rarely selected, but then with a large weight, before one that matters everywhere.

    Parameters
    ----------
    explanation
        From `pylime.explain`, of a table or of texts; a plain one also as a frame of polars or
        Arrow.

    Returns
    -------
    pandas.DataFrame
        A row per label and feature, sorted by label in order of appearance and then by falling
        importance:

        - `label`: for a classifier.
        - `feature`: the column, group or word. A word of a text column has the column before
          it, as in `review: superb`, so that the same word in two columns is two features.
        - `importance`: the mean of the absolute weight over the n cases.
        - `mean_weight`: the mean of the weight over the n cases. Where it is far smaller than
          the importance, the feature supports the label in some cases and contradicts it in others.
        - `share_selected`: the share of the n cases in which the feature was selected. The
          importance divided by it is the mean over these cases alone: how much a word matters
          where it was selected.
        - `share_positive`: the share of these in which its weight is positive.
        - `n`: the number of cases in which the label was explained.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, is one of images, or several cases have the same
        name.

    Notes
    -----
    Weights of bins, levels and words are changes of the prediction, so that they can be compared. A
    number that is not binned (`bin_continuous=False`) has a weight per unit, which depends on the
    unit.

    By default each case is explained for its most likely label only, so that the importance for a
    label is that in the cases with that prediction. For importance over all cases pass `labels` to
    `pylime.explain`.

    Examples
    --------
    >>> explanation = pd.DataFrame({
    ...     "model_type": "regression",
    ...     "case": ["a", "a", "b", "b", "c"],
    ...     "feature": ["age", "debt", "age", "debt", "rent"],
    ...     "feature_weight": [0.25, 0.5, -0.25, 1.0, 1.0],
    ... })
    >>> feature_importance(explanation).round(2)
      feature  importance  mean_weight  share_selected  share_positive  n
    0    debt        0.50         0.50            0.67             1.0  3
    1    rent        0.33         0.33            0.33             1.0  3
    2     age        0.17         0.00            0.67             0.5  3
    """
    rows = _read_rows(explanation)
    _check_shared_features(rows)
    n_features = rows.feature.max() + 1
    keys, first, group = np.unique(
        rows.label * n_features + rows.feature, return_index=True, return_inverse=True
    )
    label = keys // n_features
    n = np.bincount(rows.label[_first_rows(rows.unit)])[label]
    selected = np.bincount(group)
    importance = np.bincount(group, np.abs(rows.weight)) / n
    order = np.lexsort((first, -importance, label))
    of_rows = ["label", "feature"] if rows.is_classification else ["feature"]
    table = rows.frame[of_rows].iloc[first].reset_index(drop=True)
    table = table.assign(
        importance=importance,
        mean_weight=np.bincount(group, rows.weight) / n,
        share_selected=selected / n,
        share_positive=np.bincount(group, rows.weight > 0) / selected,
        n=n,
    )
    return table.iloc[order].reset_index(drop=True)


def pick_cases(explanation: pd.DataFrame, n: int, by: CoveredBy = "feature") -> list[Hashable]:
    """
    Pick a few cases that together show the features that matter most.

    This is the submodular pick of [Ribeiro2016]: a feature's importance is the root of the sum of
    its absolute weights, and cases are picked one after the other so that each adds as much
    importance as possible of features that those before it do not have. The result covers at
    least 1 - 1/e = 63 % of what the best n cases would.

    Parameters
    ----------
    explanation
        From `pylime.explain`, of a table or of texts; a plain one also as a frame of polars or
        Arrow.
    n
        How many cases.
    by
        What is to be covered: `"feature"`, the columns or words; or `"feature_desc"`, their
        descriptions, so that each bin and each level of a column counts on its own.

    Returns
    -------
    list
        The names of n cases, in the order of the pick. Of cases that add as much, the first in the
        explanation is picked.

    Raises
    ------
    TypeError, ValueError
        If `explanation` is not an explanation, is one of images, several cases have the same name,
        or there are fewer than n cases.

    Warns
    -----
    UserWarning
        If fewer than n cases cover everything. The others follow in the order of the explanation.

    Notes
    -----
    A case has one row in the matrix of [Ribeiro2016], also if several labels were explained: the
    absolute weights of a feature are summed over these. (Python's lime sums them with their sign,
    so that the two labels of a binary classifier cancel each other; it picks by description.) To
    pick for one label, pass the rows of that label. A weight of 0 covers nothing.

    A pick changes only the gains of cases that share a feature which it newly covers. Only these
    are computed anew, so that the time depends on the number of rows, and hardly on n.

    References
    ----------
    - [Ribeiro2016] Ribeiro, Singh, Guestrin (2016), "Why Should I Trust You?", Proceedings of the
      22nd ACM SIGKDD Conference, 1135-1144.

    Examples
    --------
    >>> from pylime import load_text_example, plot_explanations
    >>> explanation = load_text_example()
    >>> picked = pick_cases(explanation, 2)
    >>> picked
    [0, 2]
    >>> plot = plot_explanations(explanation[explanation["case"].isin(picked)])
    """
    checks.count("n", n)
    checks.one_of("by", by, get_args(CoveredBy))
    rows = _read_rows(explanation, [by])
    _check_shared_features(rows)
    names = rows.values("case", rows.case)
    if n > len(names):
        raise ValueError(f"`n` must not exceed the number of cases, {len(names)}; not {n}.")
    covered = rows.feature if by == "feature" else _numbered(rows.frame[by])
    importance = np.sqrt(np.bincount(covered, np.abs(rows.weight)))
    picks = _pick(rows.case[rows.weight != 0], covered[rows.weight != 0], importance, len(names), n)
    if len(picks) < n:
        _warn_of_rest(len(picks), int((importance > 0).sum()), n, by)
        rest = np.setdiff1d(np.arange(len(names)), picks)
        picks += rest[: n - len(picks)].tolist()
    return [names[pick] for pick in picks]


def _pick(
    case: np.ndarray, feature: np.ndarray, importance: np.ndarray, n_cases: int, n: int
) -> list[int]:
    """
    Pick up to n cases greedily, until all features are covered.

    `case` and `feature` are the numbers of what stands in each row; each case of `n_cases` has
    any number of rows.
    """
    # By case and there by feature, so that the same features have the same sum.
    pairs = _distinct(case * len(importance) + feature)
    case, feature = np.divmod(pairs, len(importance))
    of_case = np.searchsorted(case, np.arange(n_cases + 1))
    by_feature = np.argsort(feature, kind="stable")
    of_feature = np.searchsorted(feature[by_feature], np.arange(len(importance) + 1))
    uncovered = importance.copy()
    gains = np.bincount(case, uncovered[feature], n_cases)
    picks: list[int] = []
    while len(picks) < n and gains.any():
        pick = int(np.argmax(gains))  # the first of equal ones
        picks.append(pick)
        own = feature[of_case[pick] : of_case[pick + 1]]
        sharing = by_feature[_ranges(of_feature, own[uncovered[own] > 0])]
        uncovered[own] = 0.0
        changed = _distinct(case[sharing])
        rows = _ranges(of_case, changed)
        place = np.searchsorted(changed, case[rows])
        gains[changed] = np.bincount(place, uncovered[feature[rows]], len(changed))
    return picks


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """Return the distinct numbers, sorted; faster than numpy's, which takes a table of hashes."""
    numbers = np.sort(numbers)
    return numbers[np.flatnonzero(np.diff(numbers, prepend=-1))]


def _ranges(ends: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Concatenate the ranges from `ends[k]` to `ends[k + 1]` of some numbers k."""
    sizes = ends[numbers + 1] - ends[numbers]
    skipped = ends[numbers] - np.cumsum(sizes) + sizes
    return np.arange(sizes.sum()) + np.repeat(skipped, sizes)


def _warn_of_rest(n_picked: int, n_covered: int, n: int, by: CoveredBy) -> None:
    """Warn that the last cases are not picked for what they show."""
    finer = "" if by == "feature_desc" else ' `by="feature_desc"` picks by bins and levels.'
    checks.warn(
        f"{n_picked} of {n} cases cover all {n_covered} features that have weights; the others "
        f"follow in the order of the explanation.{finer}"
    )


# Comparisons

_WEIGHT = "feature_weight"
_ENDS = ("feature_lo", "feature_hi")
_COMPARED = ("model_r2", "feature_desc", "feature_value")
_NUMBERED = ("case", "label")
_SHARED = ("model_type", "case", "label", "feature")
# The columns of one side, in the order of an explanation.
_LONG = (
    *("model_type", "case", "label", "label_prob", "model_r2", "feature", "feature_value"),
    *(_WEIGHT, *_ENDS, "feature_desc", "prediction"),
)


def compare_explanations(explanations: Mapping[Any, pd.DataFrame]) -> pd.DataFrame:
    """
    Put explanations of the same cases beside each other: of two models, dates or training sets.

    Parameters
    ----------
    explanations
        At least two results of `pylime.explain`, by the name of the side, such as
        `{"forest": e1, "logistic": e2}`; plain ones also as frames of polars or Arrow. Cases,
        labels and features are matched by name; `1` and `"1"` are the same.

    Returns
    -------
    pandas.DataFrame
        A row per case, label and feature that a side selected, in order of appearance, with the
        columns:

        - `model_type`, `case`, `label` (for a classifier), `feature`, and `feature_desc` and
          `feature_value` as on the first side that selected the feature.
        - For each side, behind a dot its name: `feature_weight.forest`, `feature_desc.forest` and
          `feature_value.forest`, which can differ between dates and training sets,
          `label_prob.forest` (for a regressor `prediction.forest`), `model_r2.forest`, and with
          intervals `feature_lo.forest` and `feature_hi.forest` behind the weight. A weight is
          missing if the side did not select the feature; the fit, too, is missing if the side
          did not explain the label of the case.
        - Of two sides `difference`: the weight of the second minus that of the first, missing if
          one of them is. Of more sides, `difference.NAME` for each but the first, which all are
          compared with.
        - Where both sides have intervals `intervals_part`, or `intervals_part.NAME`: whether
          the intervals of the weights do not overlap; missing if one of them is.

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two sides, a side is not an explanation or has several cases of one
        name, classifiers are mixed with regressors, a side has no case in common with the
        first, or images were cut into different superpixels.

    Warns
    -----
    UserWarning
        If cases in common have no label in common, or are different texts.

    Notes
    -----
    Not selected is not 0: another selection, such as `n_features` of a larger number or
    `feature_select="none"`, gives the weight. Intervals that do not overlap are stricter than a
    test: the difference of two weights whose 95 % intervals just touch is almost three
    standard errors of it, if these are about equal. Intervals are of the random draws only.

    Groups of different cases have no rows to join; compare what `feature_importance` returns of
    each.

    Examples
    --------
    >>> def weights(debt, age):
    ...     return pd.DataFrame({
    ...         "model_type": "regression",
    ...         "case": "a",
    ...         "model_r2": 0.9,
    ...         "feature": ["debt", "age"],
    ...         "feature_value": [900, 41],
    ...         "feature_weight": [debt, age],
    ...         "feature_desc": ["800 < debt", "age <= 45"],
    ...         "prediction": 3.0,
    ...     })
    >>> both = compare_explanations({"may": weights(0.25, -0.5), "june": weights(0.75, -0.5)})
    >>> both[["feature", "feature_weight.may", "feature_weight.june", "difference"]]
      feature  feature_weight.may  feature_weight.june  difference
    0    debt                0.25                 0.75         0.5
    1     age               -0.50                -0.50         0.0
    """
    sides = _read_sides(explanations)
    first, *others = sides
    _check_cases(first, others)
    joined = _join(sides)
    kind = input_of(first.rows.frame)
    if kind == "image":
        _check_superpixels(sides, joined)
    if kind == "text":
        _warn_of_texts(first, others)
    _warn_of_labels(first, others)
    columns = _columns_of_rows(sides, joined)
    for side, rows, fits in zip(sides, joined.rows, joined.fits, strict=True):
        columns |= _columns_of_side(side, rows, fits)
    for side in others:
        end = f".{side.name}" if len(others) > 1 else ""
        weights = [columns[f"{_WEIGHT}.{one.name}"] for one in (first, side)]
        columns[f"difference{end}"] = weights[1] - weights[0]
        if first.has_intervals and side.has_intervals:
            columns[f"intervals_part{end}"] = _parted(columns, first.name, side.name)
    return pd.DataFrame(columns)


@dataclass(frozen=True, eq=False)
class _Side:
    """One explanation of several, and the numbers of what is in it among those of all."""

    name: str
    rows: _Rows
    case: np.ndarray  # (n,)
    label: np.ndarray  # (n,)
    feature: np.ndarray  # (n,)

    @property
    def has_intervals(self) -> bool:
        return all(name in self.rows.frame for name in _ENDS)


def _read_sides(explanations: Mapping[Any, pd.DataFrame]) -> list[_Side]:
    """Check explanations, and number their cases, labels and features together."""
    checks.mapping("explanations", explanations)
    names = [str(name) for name in explanations]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(
            "`explanations` must have at least two sides with different names, such as "
            f"{{'forest': e1, 'logistic': e2}}; not {checks.some(names) or 'none'}."
        )
    read = [
        _read_rows(explanation, _COMPARED, is_predicted=True, name=f"explanations[{name!r}]")
        for name, explanation in zip(names, explanations.values(), strict=True)
    ]
    if len({rows.is_classification for rows in read}) > 1:
        listed = [
            f"{name!r} of a {_model_of(rows)}" for name, rows in zip(names, read, strict=True)
        ]
        raise ValueError(
            "`explanations` must all be of classifiers or all of regressors; not "
            f"{', '.join(listed)}."
        )
    case = _joint([(rows.values("case", rows.case), rows.case) for rows in read])
    label = [rows.label for rows in read]
    if read[0].is_classification:
        label = _joint([(rows.values("label", rows.label), rows.label) for rows in read])
    feature = _joint([(rows.values("feature", rows.feature), rows.feature) for rows in read])
    return [_Side(*parts) for parts in zip(names, read, case, label, feature, strict=True)]


def _model_of(rows: _Rows) -> str:
    return "classifier" if rows.is_classification else "regressor"


def _joint(sides: Sequence[tuple[Sequence[Hashable], np.ndarray]]) -> list[np.ndarray]:
    """Turn the numbers of each side, of values of its own, into numbers of all."""
    numbers = _in_common([values for values, _ in sides])
    return [common[own] for common, (_, own) in zip(numbers, sides, strict=True)]


def _check_cases(first: _Side, others: Sequence[_Side]) -> None:
    """Raise if a side has no case in common with the first."""
    for side in others:
        if not np.isin(side.case, first.case).any():
            of_side, of_first = (
                checks.some(one.rows.values("case", one.rows.case), _NAMED) for one in (side, first)
            )
            raise ValueError(
                f"`explanations` must have cases in common; those of {side.name!r} are {of_side}, "
                f"those of {first.name!r} {of_first}. Explain the same cases, with the same index. "
                "To compare groups of different cases, compare their feature_importance()."
            )


@dataclass(frozen=True, eq=False)
class _Joined:
    """The R joined rows of several sides."""

    first: np.ndarray  # (R,) where each stands first in the rows of all sides
    rows: list[np.ndarray]  # per side (R,): its row, or -1
    fits: list[np.ndarray]  # per side (R,): one of its rows of the same case and label, or -1


def _join(sides: Sequence[_Side]) -> _Joined:
    """Find the rows of the sides with the same case, label and feature."""
    case, label, feature = (
        np.concatenate([getattr(side, name) for side in sides])
        for name in ("case", "label", "feature")
    )
    unit = _numbered(case * (label.max() + 1) + label)
    number = _numbered(unit * (feature.max() + 1) + feature)
    first = _first_rows(number)
    order = np.lexsort((first, _first_rows(unit)[unit[first]], case[first]))
    first = first[order]
    place = np.argsort(order)[number]  # of each row among the joined ones
    ends = np.cumsum([len(side.case) for side in sides])
    rows, fits = [], []
    for own in np.split(np.arange(len(case)), ends[:-1]):
        row, fit = np.full(len(first), -1), np.full(int(unit.max()) + 1, -1)
        row[place[own]] = fit[unit[own]] = own - own[0]
        rows.append(row)
        fits.append(fit[unit[first]])
    return _Joined(first, rows, fits)


def _check_superpixels(sides: Sequence[_Side], joined: _Joined) -> None:
    """Raise if the same number is another superpixel on another side."""
    for name in ("feature_value", "feature_desc"):
        cells = [side.rows.frame[name].tolist() for side in sides]
        for rows, own, side in zip(joined.rows[1:], cells[1:], sides[1:], strict=True):
            for a, b in zip(joined.rows[0].tolist(), rows.tolist(), strict=True):
                if (
                    a >= 0
                    and b >= 0
                    and type(own[b]) is type(cells[0][a])
                    and own[b] != cells[0][a]
                ):
                    raise ValueError(
                        "`explanations` must be of the same superpixels; those of "
                        f"{side.name!r} and {sides[0].name!r} differ in case "
                        f"{side.rows.frame['case'].iloc[b]!r}. Explain the same images with the "
                        "same `n_superpixels`, `weight`, `n_iter` and `segmentation`."
                    )


def _warn_of_texts(first: _Side, others: Sequence[_Side]) -> None:
    """Warn if cases of the same name are different texts."""
    for side in others:
        here, there = _texts_of(first), _texts_of(side)
        changed = [n for n, text in there.items() if here.get(n, text) != text]
        if changed:
            names = dict(zip(side.case.tolist(), side.rows.frame["case"].tolist(), strict=True))
            listed = checks.some([names[number] for number in changed], _NAMED)
            checks.warn(
                f"{len(changed)} cases are other texts in {side.name!r} than in {first.name!r}, "
                f"such as {listed}; their words are compared nevertheless. Texts in a list are "
                "named by their position; a Series gives them names."
            )


def _texts_of(side: _Side) -> dict[int, object]:
    rows = _first_rows(side.rows.case)
    return dict(zip(side.case[rows].tolist(), side.rows.frame["data"].iloc[rows], strict=True))


def _warn_of_labels(first: _Side, others: Sequence[_Side]) -> None:
    """Warn if cases have no label that is explained on both sides, so that nothing is compared."""
    for side in others:
        n_labels = max(int(one.label.max()) for one in (first, side)) + 1
        units, of_first = (one.case * n_labels + one.label for one in (side, first))
        n_cases = max(int(one.case.max()) for one in (first, side)) + 1
        common, compared = np.zeros((2, n_cases), dtype=bool)
        common[first.case] = True
        common &= np.bincount(side.case, minlength=n_cases) > 0
        compared[side.case[np.isin(units, of_first)]] = True
        n_alone = int((common & ~compared).sum())
        if n_alone:
            checks.warn(
                f"For {n_alone} of {common.sum()} cases {side.name!r} and {first.name!r} explain "
                "different labels, so that their weights cannot be compared. Pass the same "
                "`labels` to explain()."
            )


def _columns_of_rows(sides: Sequence[_Side], joined: _Joined) -> dict[str, Any]:
    """Make the columns of what the sides share, as on the first that has it."""
    case, label = (np.concatenate([getattr(side, name) for side in sides]) for name in _NUMBERED)
    places = {
        "case": _first_rows(case)[case[joined.first]],
        "label": _first_rows(label)[label[joined.first]],
    }
    names = ["model_type", "case", "label", "feature", "feature_desc", "feature_value"]
    return {
        name: _taken(_stacked(sides, name), places.get(name, joined.first))
        for name in names
        if name != "label" or sides[0].rows.is_classification
    }


def _stacked(sides: Sequence[_Side], name: str) -> pd.Series:
    """Put a column of all sides together, without converting its cells."""
    columns = [side.rows.frame[name] for side in sides]
    if len({str(column.dtype) for column in columns}) > 1:
        columns = [column.astype(object) for column in columns]
    return pd.concat(columns, ignore_index=True)


def _columns_of_side(side: _Side, rows: np.ndarray, fits: np.ndarray) -> dict[str, Any]:
    """Make the columns of one side: those of its rows, and those of its local models."""
    frame = side.rows.frame
    of_rows = [_WEIGHT, *(_ENDS if side.has_intervals else ()), "feature_desc", "feature_value"]
    of_fits = ["label_prob" if side.rows.is_classification else "prediction", "model_r2"]
    taken = {name: _taken(frame[name], rows) for name in of_rows}
    taken |= {name: _taken(frame[name], fits) for name in of_fits}
    return {f"{name}.{side.name}": cells for name, cells in taken.items()}


def _parted(columns: Mapping[str, Any], *names: str) -> Any:
    """Find out where the intervals of two sides do not overlap; missing where one has none."""
    (lo, hi), (other_lo, other_hi) = (
        [np.asarray(columns[f"{end}.{name}"], dtype=np.float64) for end in _ENDS] for name in names
    )
    unknown = np.isnan(lo) | np.isnan(hi) | np.isnan(other_lo) | np.isnan(other_hi)
    parted = pd.array((hi < other_lo) | (other_hi < lo), dtype="boolean")
    parted[unknown] = pd.NA
    return parted


def sides_of(comparison: pd.DataFrame) -> list[str]:
    """
    List the names of the sides of a comparison.

    Parameters
    ----------
    comparison
        From `compare_explanations`.

    Returns
    -------
    list of str
        At least two, in their order.

    Raises
    ------
    TypeError, ValueError
        If it is not a comparison.

    Examples
    --------
    >>> sides_of(pd.DataFrame({"feature_weight.may": [0.5], "feature_weight.june": [0.6]}))
    ['may', 'june']
    """
    prefix = f"{_WEIGHT}."
    names = [str(name) for name in getattr(as_pandas(comparison), "columns", ())]
    sides = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    if len(sides) < 2:
        error = ValueError if isinstance(as_pandas(comparison), pd.DataFrame) else TypeError
        raise error(
            "`comparison` must be a data frame from compare_explanations(), which has a column "
            f"'{prefix}NAME' for each side."
        )
    return sides


def check_comparison(comparison: Any) -> pd.DataFrame:
    """
    Check that something is a comparison with all columns that plots need.

    Parameters
    ----------
    comparison
        From `compare_explanations`.

    Returns
    -------
    pandas.DataFrame
        The comparison, converted to pandas.

    Raises
    ------
    TypeError, ValueError
        If it is not a comparison, or lacks columns or rows.
    """
    sides = sides_of(comparison)
    comparison = as_pandas(comparison)
    needed = ["model_type", "case", "feature"]
    own = [name for name in _own_columns(comparison) if name not in _ENDS]
    needed += [f"{name}.{side}" for side in sides for name in own]
    missing = [name for name in needed if name not in comparison]
    if missing:
        raise ValueError(
            "`comparison` must have the columns that compare_explanations() gives it; without "
            f"{checks.some(missing, _NAMED)} it is incomplete."
        )
    if comparison.empty:
        raise ValueError("`comparison` must have rows; it is empty.")
    return comparison


def _own_columns(comparison: pd.DataFrame) -> list[str]:
    """List the columns that each side of a comparison has, without its name."""
    has_intervals = any(f"{_ENDS[0]}.{side}" in comparison for side in sides_of(comparison))
    return [
        *("model_r2", "feature_value", _WEIGHT, "feature_desc"),
        "label_prob" if "label" in comparison else "prediction",
        *(_ENDS if has_intervals else ()),
    ]


def long_comparison(comparison: pd.DataFrame) -> pd.DataFrame:
    """
    Turn a comparison into rows like those of an explanation, for plots.

    Parameters
    ----------
    comparison
        From `compare_explanations`.

    Returns
    -------
    pandas.DataFrame
        One side after another, with the columns `side` (an ordered categorical), `model_type`,
        `case`, `label`, `label_prob`, `model_r2`, `feature`, `feature_value`, `feature_weight`,
        `feature_lo` and `feature_hi` if any side has intervals, `feature_desc` and, for a
        regressor, `prediction`. A side has rows of the features that it selected.

    Raises
    ------
    TypeError, ValueError
        If it is not a comparison, or lacks columns.

    Examples
    --------
    >>> def of(weights):
    ...     return pd.DataFrame({
    ...         "model_type": "regression", "case": 0, "model_r2": 0.9, "feature": list(weights),
    ...         "feature_value": 1, "feature_weight": weights.values(), "feature_desc": "is 1",
    ...         "prediction": 3.0,
    ...     })
    >>> both = compare_explanations({"may": of({"a": 0.5, "b": 0.2}), "june": of({"a": 0.6})})
    >>> long_comparison(both)[["side", "feature", "feature_weight"]]
       side feature  feature_weight
    0   may       a             0.5
    1   may       b             0.2
    2  june       a             0.6
    """
    comparison = check_comparison(comparison)
    sides, own = sides_of(comparison), _own_columns(comparison)
    parts = []
    for side in sides:
        part = comparison[[name for name in _SHARED if name in comparison]].copy()
        for name in own:
            part[name] = comparison.get(f"{name}.{side}", np.nan)
        parts.append(part[part[_WEIGHT].notna()].assign(side=side))
    long = pd.concat(parts, ignore_index=True)
    long["side"] = pd.Categorical(long["side"], sides, ordered=True)
    return long[[name for name in ("side", *_LONG) if name in long]]
