"""What the libraries of boosted trees share: columns that they cannot take, errors."""

import pandas as pd

from pylime import checks
from pylime._types import Model, Prepared

__all__ = ["custom_objective", "refuse_strings"]


def refuse_strings(newdata: Prepared, library: str) -> None:
    """
    Raise if a frame has columns of strings, which a library of trees cannot split.

    Parameters
    ----------
    newdata
        What `preprocess` returned.
    library
        The library's name.

    Raises
    ------
    TypeError
        If there is such a column.
    """
    if not isinstance(newdata, pd.DataFrame):
        return
    names = [
        name
        for name, dtype in newdata.dtypes.items()
        if pd.api.types.is_object_dtype(dtype) or isinstance(dtype, pd.StringDtype)
    ]
    if names:
        types = dict.fromkeys(names[:3], "category")
        raise TypeError(
            f"{library} takes columns of numbers, logicals and categories; these hold strings: "
            f"{checks.some(names)}. Train it on x.astype({types!r}) and pass that frame to lime(), "
            "or encode them in `preprocess`."
        )


def custom_objective(model: Model) -> str:
    """The message for a model whose objective is a function: its scores may be of any kind."""
    return (
        f"This {type(model).__name__} was trained with an objective of your own, so what its "
        'scores mean is not known. Wrap it: as_classifier(model, labels, activation="sigmoid"), '
        'or "softmax" for several classes; or as_regressor(model).'
    )
