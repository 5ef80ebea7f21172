"""Which superpixels of a label a plot shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from pylime import checks
from pylime.numbers import format_numbers
from pylime.values import Bitmap

__all__ = ["Choice", "Sign"]

Sign = Literal["Supports", "Contradicts"]
"""Whether superpixels have positive or negative weights."""

THRESHOLD = 0.02  # R's
# Shares are sums of whole numbers of pixels, divided; the last digit must not decide.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Choice:
    """
    What a superpixel must pass to be shown.

    Attributes
    ----------
    threshold
        Its least absolute weight.
    coverage
        The largest share of the image, or of the region within which it was explained, that the
        superpixels of a label may take; None for all.
    max_features
        The largest number of superpixels of a label; None for all.
    """

    threshold: float
    coverage: float | None = None
    max_features: int | None = None

    @classmethod
    def of(
        cls,
        threshold: object,
        coverage: Any = None,
        max_features: Any = None,
        every: bool = False,
    ) -> "Choice":
        """
        Check the arguments of a user.

        Parameters
        ----------
        threshold, coverage, max_features
            As for `pylime.plot_image_explanation`.
        every
            Whether a display shows every superpixel by default.

        Raises
        ------
        TypeError, ValueError
            If one has a wrong value.

        Examples
        --------
        >>> Choice.of(None)
        Choice(threshold=0.02, coverage=None, max_features=None)
        >>> Choice.of(None, max_features=5)
        Choice(threshold=0.0, coverage=None, max_features=5)
        """
        if threshold is None:
            threshold = 0 if every or (coverage, max_features) != (None, None) else THRESHOLD
        if not checks.is_number(threshold) or not threshold >= 0:
            raise ValueError(f"`threshold` must be a number from 0; not {threshold!r}.")
        if coverage is not None and not (checks.is_number(coverage) and 0 < coverage <= 1):
            raise ValueError(
                "`coverage` must be a share of the image, above 0 and at most 1, such as 0.05; "
                f"not {coverage!r:.80}."
            )
        if max_features is not None:
            checks.count("max_features", max_features)
        return cls(
            float(threshold),
            None if coverage is None else float(coverage),
            None if max_features is None else int(max_features),
        )

    def shown(self, rows: pd.DataFrame, signs: Sequence[Sign]) -> np.ndarray:
        """
        Choose superpixels.

        Those of the largest absolute weight come first. The first is shown even if it alone
        exceeds the coverage.

        Parameters
        ----------
        rows
            The n rows of a label.
        signs
            Which superpixels are asked for.

        Returns
        -------
        numpy.ndarray
            (n,) array of bool.
        """
        weights = rows["feature_weight"].to_numpy(dtype=float)
        ranked = np.argsort(-np.abs(weights), kind="stable")
        ranked = ranked[self.pass_threshold(rows, signs)[ranked]][: self.max_features]
        if self.coverage is not None:
            cells = [rows["feature_value"].iloc[place] for place in ranked]
            areas = np.cumsum([len(cell.indices) / _explained_size(rows) for cell in cells])
            n_shown = int((areas <= self.coverage + _ROUNDING).sum())
            ranked = ranked[: max(1, n_shown)]
        shown = np.zeros(len(rows), dtype=bool)
        shown[ranked] = True
        return shown

    def pass_threshold(self, rows: pd.DataFrame, signs: Sequence[Sign]) -> np.ndarray:
        """
        Find the superpixels that the threshold alone would show.

        Parameters
        ----------
        rows
            The n rows of a label.
        signs
            Which superpixels are asked for.

        Returns
        -------
        numpy.ndarray
            (n,) array of bool: as in R, weights above the threshold, or of at most minus the
            threshold; never those of 0.
        """
        weights = rows["feature_weight"].to_numpy(dtype=float)
        passing = np.zeros(len(rows), dtype=bool)
        if "Supports" in signs:
            passing |= weights > self.threshold
        if "Contradicts" in signs:
            passing |= (weights <= -self.threshold) & (weights < 0)
        return passing

    def nothing_shown(self, rows: pd.DataFrame, signs: Sequence[Sign], n_shown: int = 0) -> str:
        """
        Describe a panel in which nothing is shown.

        Parameters
        ----------
        rows
            The rows of a label.
        signs
            Which superpixels the panel shows.
        n_shown
            Number of superpixels in the other panel of the label, if the two share what is
            chosen.
        """
        positive = "Supports" in signs
        what = f"a {'positive' if positive else 'negative'} weight"
        if self.pass_threshold(rows, signs).any():
            if n_shown == 1:
                return f"The strongest superpixel does not have {what}"
            return f"None of the {n_shown} strongest superpixels has {what}"
        if self.largest(rows, signs) == 0:
            return f"No superpixel has {what if len(signs) == 1 else 'a weight other than 0'}"
        if len(signs) > 1:
            return f"No superpixel has an absolute weight above {self.threshold:g}"
        limit = f"above {self.threshold:g}" if positive else f"below -{self.threshold:g}"
        return f"No superpixel has a weight {limit}"

    @staticmethod
    def largest(rows: pd.DataFrame, signs: Sequence[Sign]) -> float:
        """
        Return the weight of the largest absolute value among those asked for; 0 without one.

        Parameters
        ----------
        rows
            The rows of a label.
        signs
            Which superpixels are asked for.
        """
        weights = rows["feature_weight"].to_numpy(dtype=float)
        asked = ((weights > 0) & ("Supports" in signs)) | ((weights < 0) & ("Contradicts" in signs))
        return max(weights[asked], key=abs, default=0.0)


def _explained_size(rows: pd.DataFrame) -> int:
    """Return the number of pixels that were explained: of the image, or of a region of it."""
    image: Bitmap = rows["data"].iloc[0]
    height, width = image.pixels.shape[:2]
    return height * width if image.within is None else len(image.within.indices)


def cure(largest: Sequence[float]) -> str:
    """
    Write which threshold shows something in panels where nothing is shown.

    Parameters
    ----------
    largest
        The weight of the largest absolute value in each such panel; 0 without one.

    Returns
    -------
    str
        A line, empty if no threshold does.

    Examples
    --------
    >>> cure([0.0134, -0.002, 0])
    'The largest absolute weight in the empty panels is 0.0134: threshold=0.01 shows it.'
    >>> cure([0.0])
    ''
    """
    weight = max(map(abs, largest), default=0.0)
    if weight == 0:
        return ""
    power = 10.0 ** np.floor(np.log10(weight))
    threshold = np.floor(weight / power) * power
    if threshold >= weight * (1 - _ROUNDING):  # 0.01 itself does not pass 0.01
        threshold = weight / 2
    return (
        f"The largest absolute weight in the empty panels is {format_numbers([weight], 3)[0]}: "
        f"threshold={threshold:.2g} shows it."
    )
