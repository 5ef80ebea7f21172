"""
Units: what is kept or redrawn as one, where that is not a column.

A word of a text column is a unit of its own, and a group of columns is one unit. Most columns are
units, too; those are drawn all at once in `pylime.tabular.permutations`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from pylime.draws import Draws
from pylime.tabular.columns import Column, Dtype, Problems, Value

__all__ = ["CaseUnits", "ColumnOfUnits", "PartOfUnit", "Units", "alone"]


class CaseUnits(ABC):
    """
    The units of one case that stem from the same columns: the words of its text, or a group.

    The state of their permutations is an array with a row for each unit and a column for each
    permutation, of which the first is the case.
    """

    @property
    @abstractmethod
    def features(self) -> Sequence[str]:
        """Names of the m features."""

    @property
    @abstractmethod
    def n_numbers(self) -> int:
        """How many uniform numbers a permutation takes."""

    @abstractmethod
    def draw(self, u: np.ndarray, n: int, draws: Draws, width: float | None) -> np.ndarray:
        """
        Draw permutations.

        Parameters
        ----------
        u
            (n_numbers, n - 1) uniform numbers.
        n
            Number of permutations, with the case.
        draws
            How units with numbers of their own draw these.
        width
            The width of the kernel whose neighbourhood they are drawn from; None without one.

        Returns
        -------
        numpy.ndarray
            The state of the n permutations.
        """

    @property
    @abstractmethod
    def n_states(self) -> int:
        """How many different permutations there are."""

    @abstractmethod
    def every(self, width: float | None) -> tuple[np.ndarray, np.ndarray]:
        """
        List all permutations.

        Parameters
        ----------
        width
            As of `draw`.

        Returns
        -------
        tuple of numpy.ndarray
            Their state, the case first, and their probabilities.
        """

    @abstractmethod
    def compare(self, state: np.ndarray) -> np.ndarray:
        """Return the (m, n) columns of the design: whether each unit is as in the case."""

    @abstractmethod
    def distance(self, state: np.ndarray) -> np.ndarray | None:
        """Return the n distances that count as one column of Gower's; None to count as none."""

    @abstractmethod
    def keys(self, state: np.ndarray) -> Iterable[np.ndarray]:
        """Return arrays of n whole numbers, which are equal where permutations are."""

    @abstractmethod
    def redraw(self, state: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw the permutations 1 to n again, so that they compare as before; without the case."""

    @abstractmethod
    def values(self, place: int, state: np.ndarray, rows: np.ndarray | None, dtype: Dtype) -> Any:
        """Return the values of the column at a place of the table, or some rows of them."""

    @abstractmethod
    def describe(self, feature: str) -> tuple[Any, str]:
        """Return `feature_value` and `feature_desc` of a feature."""


@dataclass(frozen=True, eq=False)
class Units(ABC):
    """
    What `pylime.lime` learns of a text column or of a group.

    Attributes
    ----------
    name
        The name of the column or group.
    places
        Positions of its columns in the table.
    """

    name: Hashable
    places: tuple[int, ...]

    @abstractmethod
    def of_case(
        self,
        columns: Sequence[Column],
        case: pd.DataFrame,
        p_remove: float | None,
        generator: Callable[..., np.random.Generator],
    ) -> CaseUnits | None:
        """
        Return the units of a case; None if there is nothing to draw.

        Parameters
        ----------
        columns
            The columns of the table, as fitted, with the levels of the case.
        case
            A frame of one row.
        p_remove
            The probability that a word is removed; None for R's law.
        generator
            A function from bytes to a source of draws of their own.

        Raises
        ------
        CaseError
            If they cannot be found in the case.
        """

    @abstractmethod
    def content(self, columns: Sequence[Column], case: pd.DataFrame) -> bytes:
        """Return the contribution of a case to the seed of its draws."""

    @abstractmethod
    def compare_rows(self, columns: Sequence[Column], rows: pd.DataFrame) -> Mapping[str, Any]:
        """Compare rows with the first of them; returns an array for each feature."""


class ColumnOfUnits(Column):
    """A column that is drawn by units, and is not a feature by itself."""

    is_feature: ClassVar[bool] = False

    def encode(self, values: pd.Series) -> np.ndarray | None:
        """Return nothing: units draw it."""
        return None

    def decode(self, values: np.ndarray, dtype: Dtype) -> Any:
        """Raise: nothing was encoded."""
        raise ValueError(f"The column {self.name!r} is drawn by its units.")

    def draw(self, u: np.ndarray, gaps: np.ndarray | None = None) -> np.ndarray:
        """Raise: units draw it."""
        raise ValueError(f"The column {self.name!r} is drawn by its units.")


@dataclass(frozen=True, eq=False, kw_only=True)
class PartOfUnit(ColumnOfUnits):
    """
    A column that is drawn with the others of its group.

    Attributes
    ----------
    inner
        The column as it is fitted alone.
    """

    inner: Column

    @classmethod
    def of(cls, column: Column) -> "PartOfUnit":
        """Make a column a part of a unit."""
        return cls(
            name=column.name,
            dtype=column.dtype,
            feature_type=column.feature_type,
            distribution=column.distribution,
            bin_cuts=column.bin_cuts,
            missing=column.missing,
            gap=column.gap,
            inner=column,
        )

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Convert values as the column does alone."""
        return self.inner.cast(values)

    def widened(self, values: pd.Series) -> "PartOfUnit":
        """Return the column with the new levels of some cases."""
        inner = self.inner.widened(values)
        return self if inner is self.inner else PartOfUnit.of(inner)

    def cut_points(self) -> Any:
        """Return the cut points of the column."""
        return self.inner.cut_points()

    def compare(self, values: np.ndarray) -> np.ndarray:
        """Compare values as the column does alone."""
        return self.inner.compare(values)

    def describe(self, value: Value) -> str:
        """Describe a value as the column does alone."""
        return self.inner.describe(value)

    def content(self, value: Value) -> bytes:
        """Return nothing: the unit contributes to the seed."""
        return b""


def alone(column: Column) -> Column:
    """Return a column as it is fitted alone."""
    return column.inner if isinstance(column, PartOfUnit) else column
