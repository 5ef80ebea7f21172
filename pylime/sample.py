"""The sample of permutations that explains a case: what the model saw, and what it returned."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
import pandas as pd

from pylime._types import Input
from pylime.explainers import make_request, run_cases
from pylime.options import EveryOption
from pylime.pipeline import Explainer, Predicted, permute_again
from pylime.request import Request

__all__ = ["permutations"]


@dataclass(frozen=True, eq=False)
class _Sample:
    """
    The permutations of one case.

    Attributes
    ----------
    case, prediction, names, labels, responses
        As of `Predicted`, with the name of the case.
    weights
        (n,) similarity of each permutation to the case.
    values
        A frame of n rows: the permutations.
    """

    case: Hashable
    prediction: Mapping[Hashable, float]
    names: tuple[Hashable, ...] | None
    labels: Sequence[Hashable]
    responses: np.ndarray
    weights: np.ndarray
    values: pd.DataFrame


def permutations(x: Input, explainer: Explainer, **options: "Unpack[EveryOption]") -> pd.DataFrame:
    """
    Return the permutations that explain cases, with the model's predictions.

    Parameters
    ----------
    x
        The cases, as in `pylime.explain`.
    explainer
        From `pylime.lime`.
    **options
        As in `pylime.explain`, all of which are accepted: with the same `random_state` the rows
        are those that it fits the local model to. What is done with the predictions, such as
        `n_features` or `intervals`, does not change them.

    Returns
    -------
    pandas.DataFrame
        A row per case and permutation, with the columns:

        - `case`: the name of the case.
        - `permutation`: its number; 0 is the case itself.
        - `similarity`: the weight that it has in the local model.
        - `prediction`: of a regressor, what the model returns. Of a classifier there is a column
          for each explained label instead, such as `prediction_yes`; it is missing for cases whose
          explanations do not have the label.
        - Of tables, the columns that `preprocess` receives. A column with one of the names
          above begins with `value_`. Of texts, `text`: the text that `preprocess` receives. Of
          images, `kept`: the numbers of the superpixels that are kept, which are the features of
          explanations. Of kinds from outside, the columns of their frames, or `input`.

        Equal permutations, which are predicted once, all have their rows.

    Raises
    ------
    TypeError, ValueError, CaseError
        As `pylime.explain` does; but a case whose predictions do not vary is no error.

    Examples
    --------
    >>> from pylime import as_regressor, lime
    >>> random = np.random.default_rng(1)
    >>> flats = pd.DataFrame(random.integers(1, 9, (200, 2)), columns=["rooms", "floor"])
    >>> explainer = lime(flats, as_regressor(lambda rows: 300 * rows["rooms"]), n_bins=2)
    >>> permutations(flats.head(1), explainer, n_permutations=3, random_state=1)
       case  permutation  similarity  prediction  rooms  floor
    0     0            0    1.000000        1200      4      5
    1     0            1    0.291667         300      1      3
    2     0            2    0.708333        1500      5      6
    """
    request = make_request(explainer, **options)
    samples = run_cases(x, explainer, request, _sample_of)
    names = [sample.case for sample in samples]
    sizes = [len(sample.weights) for sample in samples]
    columns: dict[str, Any] = {
        "case": pd.Index(names, tupleize_cols=False).repeat(sizes),
        "permutation": np.concatenate([np.arange(size) for size in sizes]),
        "similarity": np.concatenate([sample.weights for sample in samples]),
        **_predictions_of(samples, request),
    }
    values = pd.concat([sample.values for sample in samples], ignore_index=True)
    values.columns = _free_names(values.columns.tolist(), columns)
    return pd.concat([pd.DataFrame(columns), values], axis=1)


def _sample_of(
    explainer: Explainer, predicted: Predicted, request: Request, take: Callable[[], Any]
) -> _Sample:
    """Draw the permutations of a case again: the model may have changed those that it received."""
    perturbed = permute_again(explainer, take(), predicted, request)
    return _Sample(
        predicted.case.case,
        predicted.prediction,
        predicted.names,
        predicted.labels,
        predicted.responses,
        predicted.case.weights,
        explainer.kind.tabulate(explainer, perturbed),
    )


def _predictions_of(samples: Sequence[_Sample], request: Request) -> dict[str, np.ndarray]:
    """Return the predictions of all cases, a column for each label that one of them has."""
    if request.model_type == "regression":
        return {"prediction": np.concatenate([sample.responses[:, 0] for sample in samples])}
    explained = {label for sample in samples for label in sample.labels}
    labels = [label for label in samples[0].prediction if label in explained]
    names = [f"prediction_{label}" for label in labels]
    if len(set(names)) < len(names):  # 1 and "1"
        names = [f"prediction_{label!r}" for label in labels]
    return {
        name: np.concatenate([_responses_for(label, sample) for sample in samples])
        for name, label in zip(names, labels, strict=True)
    }


def _responses_for(label: Hashable, sample: _Sample) -> np.ndarray:
    """Return the predictions of one label; missing ones, if the case is not explained for it."""
    if label not in sample.labels:
        return np.full(len(sample.responses), np.nan)
    return sample.responses[:, list(sample.labels).index(label)]


def _free_names(names: Sequence[Hashable], taken: Mapping[str, Any]) -> list[Hashable]:
    """Rename columns that are called like some others."""
    free: list[Hashable] = []
    for name in names:
        new = name
        while new in taken or (new != name and new in names):
            new = f"value_{new}"
        free.append(new)
    return free
