"""
What `lime()` and `explain()` take by keyword beside their own parameters, for type checkers.

Each kind of input checks its options when they are passed. Here they have their types, so that an
editor completes them and a type checker finds a misspelt one before anything runs.
"""

import os
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np
import pandas as pd
import regex
from numpy.typing import ArrayLike
from PIL import Image

from pylime._types import Labels, RandomState
from pylime.draws import Draws
from pylime.request import OnError
from pylime.shades import PixelRange
from pylime.similarity import Metric
from pylime.surrogate.selection import FeatureSelect
from pylime.values import Superpixel

__all__ = [
    "Background",
    "BatchOptions",
    "Categorical",
    "CodeNames",
    "Colour",
    "ColumnNames",
    "Cuts",
    "DateUse",
    "DistFun",
    "EveryOption",
    "ExplainOptions",
    "Groups",
    "LimeOptions",
    "NPermutations",
    "NumberOfBins",
    "Region",
    "RunOptions",
    "Sampling",
    "SchemaOptions",
    "Segmentation",
    "Segmenter",
    "Segments",
    "TextColumns",
    "Tokenization",
]

# Of tables

DistFun: TypeAlias = Metric | Callable[[pd.DataFrame, pd.DataFrame], Any]
"""The name of a distance, or a function from the case and n rows to n distances."""

ColumnNames: TypeAlias = Hashable | Iterable[Hashable] | None
"""A column, or several, by name; of an array by position."""

CodeNames: TypeAlias = Mapping[Any, str] | Sequence[str] | None
"""What codes are called: by the code, or a list by position from 0; None for the codes."""

Categorical: TypeAlias = ColumnNames | Mapping[Hashable, CodeNames]
"""Columns that hold codes, and perhaps the names of the codes of each."""

Groups: TypeAlias = Mapping[str, Collection[Hashable]] | None
"""Columns that are one feature, by the name of that."""

NumberOfBins: TypeAlias = int | Mapping[Hashable, int]
"""How many bins numbers get, all columns alike or by column."""

Cuts: TypeAlias = Mapping[Hashable, Any] | None
"""Where columns are cut: by column one cut, or several that rise."""

DateUse = Literal["hold", "draw"]
"""What is done with dates: kept at the case's value, or drawn and compared in bins."""

Sampling = Literal["kernel"]
"""How the neighbourhood is drawn, if not weighted."""

# Of texts

Tokenization: TypeAlias = Callable[[str], Iterable[str]] | re.Pattern[str] | regex.Pattern[str]
"""A function from a text to its words, or a compiled expression that matches a word."""

TextColumns: TypeAlias = ColumnNames | Mapping[Hashable, Tokenization | str | None]
"""Columns of texts, and perhaps how the texts of each are cut into words."""

# Of images

Colour: TypeAlias = str | tuple[int, int, int] | tuple[int, int, int, int]
"""A CSS name or code, or 3 or 4 numbers from 0 to 255."""

Background: TypeAlias = (
    Colour | Sequence[float] | Literal["mean", "blur"] | os.PathLike[str] | Image.Image | np.ndarray
)
"""
A colour, a number for each channel, `"mean"`, `"blur"`, or another picture: a path, an image of
Pillow, or an array.
"""

Segmenter: TypeAlias = Callable[[np.ndarray], ArrayLike]
"""From an (H, W, 3) array of uint8 to the segment of each pixel, (H, W) numbers."""

Segments: TypeAlias = np.ndarray | Sequence[Any] | Mapping[Any, Any]
"""The segments of one image: an (H, W) array, or masks."""

Segmentation: TypeAlias = Segmenter | Segments
"""A function that segments; what is segmented already; or a mapping from cases to that."""

Region: TypeAlias = Superpixel | np.ndarray
"""A superpixel, or an (H, W) array of bool."""

# Of all

NPermutations: TypeAlias = int | Literal["auto", "all"] | None
"""A number of permutations, or how it is found; None for the default of the kind of input."""


class LimeOptions(TypedDict, total=False):
    """
    Options of `pylime.lime` that belong to one kind of input; see there.

    Examples
    --------
    >>> options: LimeOptions = {"n_bins": 3, "quantile_bins": False}
    >>> options["n_bins"]
    3
    """

    bin_continuous: bool
    n_bins: NumberOfBins
    quantile_bins: bool
    use_density: bool
    categorical: Categorical
    hold: ColumnNames
    dates: DateUse | None
    text_columns: TextColumns
    tokenization: Tokenization | str | None
    keep_word_position: bool
    groups: Groups
    cuts: Cuts
    in_place: bool | None
    replacement: str | None
    channel_axis: int | None
    pixel_range: PixelRange | None


class ExplainOptions(TypedDict, total=False):
    """
    Options of `pylime.explain` that belong to one kind of input; see there.

    Examples
    --------
    >>> options: ExplainOptions = {"dist_fun": "euclidean", "kernel_width": 0.5}
    >>> options["dist_fun"]
    'euclidean'
    """

    dist_fun: DistFun
    kernel_width: float | None
    gower_pow: float
    sampling: Sampling | None
    p_remove: float | None
    batch_size: int | None
    single_explanation: bool
    n_superpixels: int
    weight: float
    n_iter: int
    background: Background
    segmentation: Segmentation | None
    within: Region | None


class RunOptions(ExplainOptions, total=False):
    """What `pylime.explain_to_parquet` takes of `pylime.explain` beside its own parameters."""

    labels: Labels
    n_labels: int | None
    n_features: int
    n_permutations: NPermutations
    feature_select: FeatureSelect
    n_jobs: int
    predict_options: Mapping[str, Any] | None
    on_error: OnError
    penalty: float | None
    draws: Draws
    intervals: bool | float
    contributions: bool
    quality: bool
    n_calls: int
    tolerance: float
    max_permutations: int | None


class BatchOptions(RunOptions, total=False):
    """What `pylime.explain_batches` takes of `pylime.explain` beside its own parameters."""

    random_state: RandomState
    progress: bool | None


class EveryOption(BatchOptions, total=False):
    """Everything that `pylime.explain` takes by keyword."""

    plain: bool


class SchemaOptions(EveryOption, total=False):
    """Everything that `pylime.explain_batches` takes by keyword."""

    case: Hashable
