"""
statsmodels results: what `.fit()` returns.

Models fitted by a formula get the data frame as it is. Models fitted on arrays get the columns
that they were fitted on, found by name where all names are there, else by position. A
constant that was added before fitting, as by `statsmodels.api.add_constant`, is added again
where the data lack it. Offsets and exposures are left out, so models of counts predict rates.
"""

import re
from collections.abc import Collection, Hashable, Sequence
from typing import NoReturn

import numpy as np
import pandas as pd

from pylime._optional import placeholder
from pylime._types import Model, Prepared
from pylime.models.categorical import categorical_columns
from pylime.models.generics import ModelType, PredictionType, model_type, predict_model
from pylime.models.outputs import Predictions, as_predictions

# `fit()` returns most results in wrappers, whose class is not that of results; some without.
Wrapper = placeholder("statsmodels.base.wrapper", "ResultsWrapper")
Results = placeholder("statsmodels.base.model", "Results")
Unfitted = placeholder("statsmodels.base.model", "Model")

_CATEGORICAL = re.compile(r"""\bC\(\s*(?:Q\(\s*["'](.+?)["']\s*\)|([^\W\d]\w*))""")
_NO_CASES = ("statsmodels.tsa.", "statsmodels.duration.", "statsmodels.discrete.conditional_models")


@model_type.register(Wrapper)
@model_type.register(Results)
def type_of_statsmodels_results(model: Model) -> ModelType:
    """Classification or regression, by the class and family of the fitted model."""
    fitted = model.model
    names = _class_names(fitted)
    if any(parent.__module__.startswith(_NO_CASES) for parent in type(fitted).__mro__) or (
        names & {"NominalGEE", "OrdinalGEE"}
    ):
        raise TypeError(
            f"{type(fitted).__name__} of statsmodels does not predict single cases by their "
            "columns alone; wrap a function that does in as_classifier() or as_regressor()."
        )
    family = _class_names(getattr(fitted, "family", None))
    classifies = names & {"BinaryModel", "MultinomialModel", "OrderedModel"}
    return "classification" if classifies or "Binomial" in family else "regression"


@predict_model.register(Wrapper)
@predict_model.register(Results)
def predict_statsmodels_results(
    model: Model, newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Predict numbers, or the probabilities of classes."""
    fitted = model.model
    if isinstance(newdata, pd.DataFrame):
        newdata = newdata.reset_index(drop=True)  # by which the predictions are put together
        if "GLMGam" in _class_names(fitted):
            smooth = newdata[fitted.smoother.variable_names]
            kwargs = {"exog_smooth": smooth, **kwargs}
            newdata = newdata if fitted.k_exog_linear else None
    by_formula = hasattr(fitted, "formula") or hasattr(fitted, "formula_linear")
    if not by_formula and newdata is not None:
        newdata = _fitted_columns(fitted, newdata)
    values = np.asarray(model.predict(newdata, **kwargs), dtype=np.float64)
    if type == "raw":
        several = values.ndim > 1 < values.shape[1]
        return as_predictions(values, type, list(fitted.endog_names) if several else None)
    if values.ndim > 1:
        return as_predictions(values, type, _class_labels(fitted))
    names = fitted.endog_names
    if not isinstance(names, list):
        return as_predictions(values, type, [0, 1])
    # Two columns of successes and failures: it is the first whose probability is predicted.
    values = np.column_stack([values, 1.0 - values])
    if isinstance(fitted.data.orig_endog, np.ndarray):  # without names
        return as_predictions(values[:, ::-1], type, [0, 1])
    return as_predictions(values, type, _binomial_labels(names, fitted.data.orig_endog))


@categorical_columns.register(Wrapper)
@categorical_columns.register(Results)
def categorical_columns_of_statsmodels_results(
    model: Model, columns: Sequence[Hashable]
) -> Collection[Hashable]:
    """Those that a formula makes categorical, as `C(branch)` or `C(Q("my branch"))`."""
    formula = str(getattr(model.model, "formula", ""))
    names = {quoted or name for quoted, name in _CATEGORICAL.findall(formula)}
    return [column for column in columns if column in names]


@model_type.register(Unfitted)
def type_of_statsmodels_model(model: Model) -> ModelType:
    """Raise: it is not fitted."""
    _refuse_unfitted(model)


@predict_model.register(Unfitted)
def predict_statsmodels_model(
    model: Model, newdata: Prepared, type: PredictionType, **kwargs: object
) -> Predictions:
    """Raise: it is not fitted."""
    _refuse_unfitted(model)


def _refuse_unfitted(model: object) -> NoReturn:
    raise TypeError(
        f"`model` must be fitted, which gives results; this {type(model).__name__} is not. "
        "Pass model.fit()."
    )


def _class_names(thing: object) -> set[str]:
    """The names of an object's class and its parents, which need not be imported for that."""
    return {parent.__name__ for parent in type(thing).__mro__}


def _fitted_columns(fitted: Model, newdata: Prepared) -> np.ndarray:
    """The columns that a model was fitted on, in their order, with the constant."""
    data = getattr(fitted, "data_linear", fitted.data)  # of an additive model without splines
    constant, design = data.const_idx, data.orig_exog
    names: list[Hashable] = list(design if isinstance(design, pd.DataFrame) else fitted.exog_names)
    width = len(names) if design is None else design.shape[1]
    if isinstance(newdata, pd.DataFrame) and "PandasData" in _class_names(data):
        if design is None:  # after `remove_data()`; parameters other than columns have names too
            names = [name for i, name in enumerate(names) if name in newdata or i == constant]
        absent = [name for name in names if name not in newdata]
        if absent and (constant is None or absent != [names[constant]]):
            raise ValueError(
                f"The model was fitted on the columns {names}; the data lack {absent[:10]}. Let "
                "`preprocess` make them, or fit the model by a formula, which makes them itself."
            )
        newdata = newdata[[name for name in names if name not in absent]]
        width = len(names)
    array = np.asarray(newdata, dtype=np.float64)
    if constant is not None and array.shape[1] == width - 1:
        return np.insert(array, constant, 1.0, axis=1)
    return array


def _class_labels(fitted: Model) -> list[Hashable]:
    """The classes of a model that returns a probability of each."""
    if not hasattr(fitted, "_ynames_map"):
        return _distinct_values(fitted.labels)
    names = fitted._ynames_map  # as texts, even of numbers
    known = {str(value): value for value in _distinct_values(fitted.data.orig_endog)}
    return [known.get(str(names[i]), names[i]) for i in range(len(names))]


def _distinct_values(array: "np.typing.ArrayLike") -> list[Hashable]:
    """The distinct values, whole numbers as int."""
    values = pd.unique(np.ravel(array)).tolist()
    return [
        int(value) if isinstance(value, float) and value.is_integer() else value for value in values
    ]


def _binomial_labels(names: list[str], endog: pd.DataFrame) -> list[Hashable]:
    """The two classes of a binomial model, which have names such as `endog[level]`."""
    factors = getattr(getattr(endog, "design_info", None), "factor_infos", {})
    categories = [getattr(factor, "categories", None) for factor in factors.values()]
    if len(categories) == 1 and categories[0]:
        return np.asarray(categories[0]).tolist()
    inner = [name.partition("[")[2].removesuffix("]") for name in names]
    return list(inner if all(inner) else names)
