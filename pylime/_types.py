"""Named types of arguments that many functions share."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from PIL import Image

__all__ = [
    "ImageInput",
    "Input",
    "Labels",
    "Model",
    "OneImage",
    "Prepared",
    "Preprocess",
    "RandomState",
    "Returned",
    "TableInput",
    "TextInput",
]

TableInput: TypeAlias = "pd.DataFrame | pd.Series | np.ndarray | IntoFrame"
"""Rows: a data frame of pandas, polars, pyarrow and the like, one row as a Series, or an array."""

TextInput: TypeAlias = "str | Sequence[str | None] | pd.Series | np.ndarray"
"""A text, or several."""

OneImage: TypeAlias = "str | PathLike[str] | Image.Image | np.ndarray"
"""An image: a file, an image of Pillow, or an array."""

ImageInput: TypeAlias = "OneImage | pd.Series | Sequence[OneImage]"
"""An image, or several."""

Input: TypeAlias = "TableInput | TextInput | ImageInput | Sequence[Any]"
"""Cases of any kind; the sequences are those of kinds that are registered from outside."""

Model: TypeAlias = Any
"""Whatever predicts. Models have no class in common: `predict_model` dispatches on theirs."""

Prepared: TypeAlias = Any
"""What `preprocess` returned: whatever the model takes."""

Preprocess: TypeAlias = Callable[[Any], Prepared]
"""From a batch of cases to what the model takes."""

Returned: TypeAlias = Any
"""What a model returned: rows of numbers, as an array, frame, list or tensor of any library."""

Labels: TypeAlias = Hashable | Iterable[Hashable] | None
"""A label, or several."""

RandomState: TypeAlias = (
    int | np.integer | np.random.Generator | np.random.RandomState | np.random.SeedSequence | None
)
"""What random draws start from."""
