"""R's figures for tables, and its data frames as pandas frames."""

import gzip
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

REFERENCE = Path(__file__).parent / "reference"


@cache
def figures(name):
    """The content of a JSON file of figures."""
    with gzip.open(REFERENCE / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def number(value):
    """A number as R wrote it."""
    if value is None:
        return np.nan
    return (
        float(value.replace("Inf", "inf").replace("NA", "nan")) if isinstance(value, str) else value
    )


def numbers(values):
    return np.array([number(value) for value in values], dtype=np.float64)


def column(values, r_class, levels=None):
    """A column of R's as the pandas column that holds the same."""
    if r_class == "factor":
        return pd.Series(pd.Categorical(values, categories=levels))
    if r_class == "logical":
        absent = any(value is None for value in values)
        return pd.Series(values, dtype="boolean" if absent else bool)
    if r_class in ("numeric", "integer", "constant"):
        found = numbers(values)
        whole = r_class == "integer" and not np.isnan(found).any()
        if whole:
            return pd.Series(found.astype(np.int64))
        return pd.Series(found).astype("Int64") if r_class == "integer" else pd.Series(found)
    if r_class in ("Date", "POSIXct", "date_time"):
        dates = [None if v is None or str(v).strip() == "NA" else v for v in values]
        return pd.to_datetime(pd.Series(dates, dtype=object))
    return pd.Series(values, dtype="str")


def frame(values, classes, levels=None):
    """A data frame of R's from its columns, their classes and levels."""
    return pd.DataFrame(
        {
            name: column(content, classes[name], (levels or {}).get(name))
            for name, content in values.items()
        }
    )


@cache
def training_data(name):
    """One of the data sets that R's explainers were made of."""
    classes = figures("tabular_explainers")["column_classes"][name]
    text = pd.read_csv(
        REFERENCE / "explainer_data" / f"{name}.csv", dtype=str, keep_default_na=False
    )
    found = {}
    for key, content in text.items():
        values = [None if value == "NA" else value for value in content]
        kind = classes[key]["class"][0]
        if kind == "logical":
            values = [None if value is None else value == "TRUE" for value in values]
        found[key] = column(values, kind, classes[key]["levels"])
    return pd.DataFrame(found)
