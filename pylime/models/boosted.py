"""What the libraries of boosted trees share: columns that they cannot take, errors."""

from typing import Any

import pandas as pd

__all__ = ["custom_objective", "refuse_strings"]


def refuse_strings(newdata: Any, library: str) -> None:
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
        listed = ", ".join(map(repr, names[:10])) + (", ..." if names[10:] else "")
        raise TypeError(
            f"{library} takes columns of numbers, logicals and categories; these hold strings: "
            f"{listed}. Train it on x.astype({types!r}) and give lime() that frame, or encode "
            "them in `preprocess`."
        )


def custom_objective(model: Any) -> str:
    """What to say of a model whose objective is a function: it predicts scores of any kind."""
    return (
        f"This {type(model).__name__} was trained with an objective of your own, which does not "
        'tell what its scores mean. Say so: as_classifier(model, labels, activation="sigmoid"), '
        'or "softmax" for several classes; or as_regressor(model).'
    )
