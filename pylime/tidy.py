"""
The tidy frame: its columns, its cells, and how explained cases become one.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from pylime.surrogate import Neighbourhood, Surrogate

__all__ = [
    "COLUMNS",
    "Bitmap",
    "Superpixel",
    "Word",
    "assemble",
    "check_explanation",
    "format_numbers",
    "object_column",
]

COLUMNS = (
    "model_type",
    "case",
    "label",
    "label_prob",
    "model_r2",
    "model_intercept",
    "model_prediction",
    "feature",
    "feature_value",
    "feature_weight",
    "feature_desc",
    "data",
    "prediction",
)
"""The columns of an explanation; a regressor's has no `label` and no `label_prob`."""


class _ArrayCell:
    """A read-only array that prints as a few words, so that a frame stays readable."""

    __slots__ = ("_array",)

    def __init__(self, array: np.ndarray) -> None:
        array = array.copy()  # what the user does to the original must not show here
        array.flags.writeable = False
        self._array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._array, dtype=dtype, copy=copy)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._state() == other._state()  # type: ignore

    def __hash__(self) -> int:
        return hash(self._state())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments()

    def _arguments(self) -> tuple[Any, ...]:
        return (self._array,)

    def _state(self) -> tuple[Any, ...]:
        return self._array.shape, self._array.tobytes()


class Superpixel(_ArrayCell):
    """
    The pixels of a superpixel.

    `numpy.asarray()` gives them as positions, counted from 0 along the rows.

    Parameters
    ----------
    indices
        Positions of the pixels.
    shape
        Height and width of the picture.

    Examples
    --------
    >>> Superpixel([0, 1, 3], shape=(2, 3))
    3px superpixel
    """

    __slots__ = ("shape",)

    def __init__(self, indices: Sequence[int] | np.ndarray, shape: tuple[int, int]) -> None:
        super().__init__(np.asarray(indices, dtype=np.int64))
        self.shape = (int(shape[0]), int(shape[1]))

    @property
    def indices(self) -> np.ndarray:
        """Positions of the pixels, counted from 0 along the rows."""
        return self._array

    @property
    def mask(self) -> np.ndarray:
        """(H, W) array, true at the superpixel."""
        mask = np.zeros(self.shape, dtype=bool)
        mask.ravel()[self._array] = True
        return mask

    def _arguments(self) -> tuple[Any, ...]:
        return self._array, self.shape

    def _state(self) -> tuple[Any, ...]:
        return *super()._state(), self.shape

    def __repr__(self) -> str:
        return f"{len(self._array)}px superpixel"


class Bitmap(_ArrayCell):
    """
    The picture that was explained.

    `numpy.asarray()` gives its pixels; in a notebook it shows itself.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, channels) array of uint8.

    Examples
    --------
    >>> Bitmap(np.zeros((300, 451, 3), dtype=np.uint8))
    3 channel 451x300 bitmap
    """

    __slots__ = ()

    def __init__(self, pixels: np.ndarray) -> None:
        super().__init__(np.asarray(pixels, dtype=np.uint8))

    @property
    def pixels(self) -> np.ndarray:
        """(H, W) or (H, W, channels) array of uint8."""
        return self._array

    def __repr__(self) -> str:
        height, width, *channels = self._array.shape
        return f"{channels[0] if channels else 1} channel {width}x{height} bitmap"

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        # Level 3 takes half the time of Pillow's 6 and a few percent more bytes.
        Image.fromarray(self._array).save(file, format="png", compress_level=3)
        return file.getvalue()


class Word(str):
    """
    A word of a text, which knows where it stands there.

    Otherwise it is a string like any other.

    Parameters
    ----------
    word
        The word, or `word_position`.
    spans
        Start and end of each place in the text where it stands. Empty if it is not found
        there: the tokenizer changed it, or it comes from another text of a pooled
        explanation.

    Examples
    --------
    >>> word = Word("cat", spans=[(2, 5)])
    >>> word, word.spans
    ('cat', ((2, 5),))
    """

    __slots__ = ("spans",)
    spans: tuple[tuple[int, int], ...]

    def __new__(cls, word: str, spans: Iterable[tuple[int, int]] = ()) -> "Word":  # noqa: D102
        self = super().__new__(cls, word)
        self.spans = tuple(spans)
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.spans


def assemble(
    explained: Iterable[tuple[Neighbourhood, Sequence[Surrogate]]], model_type: str
) -> pd.DataFrame:
    """
    Put explained cases into one tidy frame.

    Parameters
    ----------
    explained
        Each case with its surrogate models.
    model_type
        `"classification"` or `"regression"`.

    Returns
    -------
    pandas.DataFrame
        A row per case, label and feature, with the columns [`COLUMNS`][]; for a
        regressor without `label` and `label_prob`, and with a number as `prediction`.
    """
    regression = model_type == "regression"
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for case, surrogates in explained:
        prediction = dict(case.prediction)
        data = _with_one_nan(case.data)
        for fit in surrogates:
            columns["feature"] += fit.features
            columns["feature_value"] += [case.values[name] for name in fit.features]
            columns["feature_desc"] += [case.descriptions[name] for name in fit.features]
            columns["feature_weight"] += fit.coefficients.tolist()
            shared = {
                "model_type": model_type,
                "case": case.case,
                "label": fit.label,
                "label_prob": prediction[fit.label],
                "model_r2": fit.r2,
                "model_intercept": fit.intercept,
                "model_prediction": fit.prediction,
                "data": data,
                "prediction": prediction[fit.label] if regression else prediction,
            }
            for name, value in shared.items():
                columns[name] += [value] * len(fit.features)
    if regression:
        del columns["label"], columns["label_prob"]
    cells = {"feature_value", "data"} | (set() if regression else {"prediction"})
    return pd.DataFrame(
        {
            name: object_column(values) if name in cells else values
            for name, values in columns.items()
        }
    )


def _with_one_nan(data: Any) -> Any:
    """Make missing numbers of a row the same object: only so are equal mappings equal."""
    if not isinstance(data, Mapping):
        return data
    return {
        name: np.nan if isinstance(value, float) and value != value else value
        for name, value in data.items()
    }


def object_column(values: list[Any]) -> pd.Series:
    """Keep each value as it is; pandas would take lists and mappings apart."""
    array = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        array[position] = value
    return pd.Series(array, dtype=object)


def check_explanation(
    explanation: Any, *, classification: Iterable[str], regression: Iterable[str]
) -> str:
    """
    Check that something is an explanation, and say of what type of model.

    Parameters
    ----------
    explanation
        What a user passed as an explanation.
    classification
        Names from [`COLUMNS`][] that are needed of a classifier's explanation.
    regression
        Those that are needed of a regressor's.

    Returns
    -------
    str
        `"classification"` or `"regression"`.

    Raises
    ------
    TypeError, ValueError
        If it is no data frame, lacks columns or rows, or mixes types of models.
    """
    if not isinstance(explanation, pd.DataFrame):
        raise TypeError(
            "`explanation` must be a data frame from explain(); "
            f"not an object of class {type(explanation).__name__!r}."
        )
    if "model_type" not in explanation:
        raise ValueError(
            "`explanation` must be a data frame from explain(); it has no column 'model_type'."
        )
    if explanation.empty:
        raise ValueError("`explanation` must have rows; it is empty.")
    needed = {"classification": classification, "regression": regression}
    model_types = list(explanation["model_type"].unique())
    if len(model_types) > 1 or model_types[0] not in needed:
        raise ValueError(
            "`explanation` must have one `model_type`, 'classification' or 'regression'; "
            f"not {', '.join(map(repr, model_types))}."
        )
    missing = [name for name in needed[model_types[0]] if name not in explanation]
    if missing:
        raise ValueError(
            "`explanation` must have the columns that explain() gives it; "
            f"without {', '.join(map(repr, missing))} it is incomplete."
        )
    return model_types[0]


def format_numbers(
    values: Sequence[float] | Mapping[Any, float] | np.ndarray, digits: int
) -> list[str]:
    """
    Write numbers as R's `format(values, digits)` does: with a common number of decimals.

    As many decimals as the number that needs most of them for `digits` significant
    digits, without trailing zeros common to all; in scientific notation where that is
    shorter.

    Parameters
    ----------
    values
        Numbers.
    digits
        Significant digits, at least 1.

    Returns
    -------
    list of str
        One text per number, without padding.

    Examples
    --------
    >>> format_numbers([0.72, 0.0781], 2)
    ['0.720', '0.078']
    >>> format_numbers([1.2e-8], 2)
    ['1.2e-08']
    """
    numbers = [float(value) for value in values]
    finite = [number for number in numbers if np.isfinite(number)]
    parts = [_significant(number, digits) for number in finite]
    decimals = max((max(len(m) - 1 - e, 0) for m, e in parts), default=0)
    mantissa = max((len(m) - 1 for m, _ in parts), default=0)
    fixed = [f"{number:.{decimals}f}" for number in finite]
    scientific = [f"{number:.{mantissa}e}" for number in finite]
    shorter = max(map(len, scientific), default=0) < max(map(len, fixed), default=0)
    texts = iter(scientific if shorter else fixed)
    return [next(texts) if np.isfinite(number) else _not_finite(number) for number in numbers]


def _significant(number: float, digits: int) -> tuple[str, int]:
    """Significant digits without trailing zeros, and the decimal exponent."""
    mantissa, exponent = f"{abs(number):.{digits - 1}e}".split("e")
    return mantissa.replace(".", "").rstrip("0") or "0", int(exponent)


def _not_finite(number: float) -> str:
    return "NaN" if np.isnan(number) else "Inf" if number > 0 else "-Inf"
