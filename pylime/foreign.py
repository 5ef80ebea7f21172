"""Data frames of other libraries than pandas, such as polars and Arrow."""

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import narwhals

__all__ = ["as_pandas", "foreign_frame", "to_pandas"]

# Libraries of data frames that narwhals can read.
_FOREIGN = frozenset(["polars", "pyarrow", "modin", "cudf", "duckdb", "ibis", "dask", "narwhals"])


def foreign_frame(x: object) -> "narwhals.DataFrame | None":
    """
    Wrap a data frame of another library than pandas.

    Parameters
    ----------
    x
        Anything.

    Returns
    -------
    narwhals.DataFrame or None
        None if `x` is not such a data frame.
    """
    if type(x).__module__.partition(".")[0] not in _FOREIGN:
        return None
    import narwhals  # only these libraries need it

    native: Any = narwhals.from_native(x, pass_through=True)
    if isinstance(native, narwhals.LazyFrame):
        native = native.collect()
    return native if isinstance(native, narwhals.DataFrame) else None


def to_pandas(table: "narwhals.DataFrame") -> pd.DataFrame:
    """
    Convert to pandas; whole numbers and logicals keep their type beside missing values.

    Parameters
    ----------
    table
        From `foreign_frame`.
    """
    frame = table.to_pandas()
    for name, dtype in table.schema.items():
        nullable = "Int64" if dtype.is_integer() else "boolean" if str(dtype) == "Boolean" else ""
        nullable = "UInt64" if dtype.is_unsigned_integer() else nullable
        if nullable and frame[name].isna().any():
            frame[name] = pd.array(table[name].to_list(), dtype=nullable)
    return frame


def as_pandas(x: Any) -> Any:
    """
    Convert a data frame of another library to pandas, and return anything else as it is.

    Parameters
    ----------
    x
        Anything.
    """
    table = foreign_frame(x)
    return x if table is None else to_pandas(table)
