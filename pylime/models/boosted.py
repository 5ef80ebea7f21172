"""What the libraries of boosted trees share: columns that they cannot take, errors."""

import pandas as pd
from pandas.api.types import infer_dtype, is_object_dtype

from pylime import checks
from pylime._types import Model, Prepared

__all__ = ["custom_objective", "splittable"]


def splittable(newdata: Prepared, library: str) -> Prepared:
    """
    Return a frame whose columns a library of trees can split.

    Parameters
    ----------
    newdata
        What `preprocess` returned.
    library
        The library's name.

    Returns
    -------
    object
        The same. If a frame has columns of logicals of which some are missing, which pandas holds
        as objects: a copy in which these are 0, 1 and NaN.

    Raises
    ------
    TypeError
        If there is a column of strings.
    """
    if not isinstance(newdata, pd.DataFrame):
        return newdata
    objects = [name for name, dtype in newdata.dtypes.items() if is_object_dtype(dtype)]
    logical = [n for n in objects if infer_dtype(newdata[n], skipna=True) in ("boolean", "empty")]
    names = [
        name
        for name, dtype in newdata.dtypes.items()
        if (name in objects and name not in logical) or isinstance(dtype, pd.StringDtype)
    ]
    if names:
        types = dict.fromkeys(names[:3], "category")
        raise TypeError(
            f"{library} takes columns of numbers, logicals and categories; these hold strings: "
            f"{checks.some(names)}. Train it on x.astype({types!r}) and pass that frame to lime(), "
            "or encode them in `preprocess`."
        )
    return newdata.astype(dict.fromkeys(logical, float)) if logical else newdata


def custom_objective(model: Model) -> str:
    """The message for a model whose objective is a function: its scores may be of any kind."""
    return (
        f"This {type(model).__name__} was trained with an objective of your own, so what its "
        'scores mean is not known. Wrap it: as_classifier(model, labels, activation="sigmoid"), '
        'or "softmax" for several classes; or as_regressor(model).'
    )
