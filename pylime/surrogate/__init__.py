"""
Surrogate models: the weighted linear fit around one case.

The rule of this room: arrays in, arrays out. Nothing here depends on what a column of the
design stands for.
"""

from pylime.surrogate.fit import (
    Surrogate,
    choose_labels,
    fit_labels,
    fit_surrogates,
)
from pylime.surrogate.selection import FEATURE_SELECT, FeatureSelect

__all__ = [
    "FEATURE_SELECT",
    "FeatureSelect",
    "Surrogate",
    "choose_labels",
    "fit_labels",
    "fit_surrogates",
]
