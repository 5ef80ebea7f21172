"""Options of tables: how columns are binned, and how permutations are weighted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import pandas as pd

from pylime import checks
from pylime.similarity import DIST_FUNS, Metric

__all__ = ["DistFun", "ExplainTableOptions", "TableOptions"]

DistFun: TypeAlias = Metric | Callable[[pd.DataFrame, pd.DataFrame], Any]
"""The name of a distance, or a function from the case and n rows to n distances."""


def _check_dist_fun(name: str, value: object) -> None:
    if not callable(value):
        checks.one_of(name, value, DIST_FUNS, beside="a function")


@dataclass(frozen=True)
class TableOptions:
    """Options of `lime()` for tables; see there."""

    bin_continuous: Annotated[bool, checks.flag] = True
    n_bins: Annotated[int, checks.at_least(2)] = 4
    quantile_bins: Annotated[bool, checks.flag] = True
    use_density: Annotated[bool, checks.flag] = True


@dataclass(frozen=True)
class ExplainTableOptions:
    """Options of `explain()` for tables; see there."""

    dist_fun: Annotated[DistFun, _check_dist_fun] = "gower"
    kernel_width: Annotated[float | None, checks.positive] = None
    gower_pow: Annotated[float, checks.positive] = 1

    def __post_init__(self) -> None:
        if self.kernel_width is not None and self.dist_fun == "gower":
            checks.warn(
                '`kernel_width` is ignored with `dist_fun="gower"`, which needs no kernel; '
                "`gower_pow` changes how fast its similarity falls."
            )
