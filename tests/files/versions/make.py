"""
Write an explanation as the installed pandas stores it, for `test_versions.py`.

    python tests/files/versions/make.py

The files here come from pandas 2.2.2 and 3.1.1.
"""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from pylime import as_classifier, explain, lime, write_explanation

HERE = Path(__file__).parent


def made() -> pd.DataFrame:
    """An explanation with all sorts of columns, some of the user's own."""
    rows = pd.DataFrame(
        {
            "number": [0.25, np.nan, -1.5],
            "count": pd.array([3, None, 5], dtype="Int64"),
            "town": ["Tromsø", "東京", 'a "quoted" one'],
            "kind": pd.Categorical(["x", "y", "x"]),
            "since": pd.to_datetime(["2026-10-25 02:30"] * 3).tz_localize("UTC").as_unit("us"),
            "odd": pd.Series([1, "two", None], dtype=object),
        },
        index=["first", "second", "third"],
    )
    model = as_classifier(lambda rows: 0.5 + rows["number"].fillna(0) / 4, ["no", "yes"])
    explanation = explain(rows, lime(rows, model), n_features=6, n_permutations=99, random_state=1)
    explanation["label"] = pd.Categorical(explanation["label"], ["yes", "no"], ordered=True)
    return explanation.assign(
        note=explanation["feature"].where(explanation["feature"] != "odd"),
        day=pd.Series([datetime.date(2026, 2, 28)] * len(explanation), dtype=object),
        zone=rows["since"].dt.tz_convert("Europe/Oslo").iloc[0],
        words=pd.array(explanation["feature"], dtype="string"),
    ).set_index(explanation["feature"].rename("word"))


if __name__ == "__main__":
    name = f"pandas-{pd.__version__.partition('.')[0]}"
    for ending in ("json", "parquet"):
        write_explanation(made(), HERE / f"{name}.{ending}")
