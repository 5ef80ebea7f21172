"""Columns that are held, columns that say little, and dates, which are held unless drawn."""

import pickle
import warnings
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pyarrow
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pylime import as_regressor, explain, lime
from pylime.tabular import describe_feature, numerify

RANDOM = np.random.default_rng(17)
N = 200
IDS = [f"K{number:05d}" for number in RANDOM.permutation(99999)[:N]]
FRAME = pd.DataFrame(
    {
        "id": IDS,
        "age": RANDOM.normal(40, 9, N),
        "town": RANDOM.choice(["Graz", "Linz"], N),
        "sold": pd.Timestamp("2026-01-01") + pd.to_timedelta(RANDOM.integers(0, 100, N), unit="D"),
    }
)
HELD = {"hold": ["id", "sold"]}


def model_of(rows):
    return rows["age"] / 10 + 2.0 * (rows["town"] == "Graz")


def messages_of(function, *arguments, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*arguments, **options)
    return [str(warning.message) for warning in caught]


# Columns that say little


@pytest.mark.parametrize(
    "dtype", ["str", "object", "string", "category", "string[pyarrow]", "bytes"]
)
def test_identifiers_are_warned_of_once_with_their_names(dtype):
    ids = pd.Series(IDS)
    ids = ids.str.encode("ascii") if dtype == "bytes" else ids.astype(dtype)
    frame = FRAME.drop(columns="sold").assign(id=ids, note=ids)
    [message] = messages_of(lime, frame, as_regressor(model_of))
    assert "id, note" in message
    assert "hold=['id', 'note']" in message
    assert IDS[0] not in message
    assert not messages_of(lime, frame, as_regressor(model_of), hold=["id", "note"])


def test_half_of_the_values_have_to_differ_and_there_have_to_be_twenty():
    model = as_regressor(lambda d: d["x"])
    few = pd.DataFrame({"id": [str(n) for n in range(19)], "x": np.arange(19.0)})
    assert not messages_of(lime, few, model)
    half = pd.DataFrame({"id": [str(n // 2) for n in range(40)], "x": np.arange(40.0)})
    assert not messages_of(lime, half, model)
    more = half.assign(id=["new", *half["id"][1:-1], "newer"])
    assert len(messages_of(lime, more, model)) == 1
    gaps = half.assign(id=[None if n % 2 else str(n) for n in range(40)])
    assert len(messages_of(lime, gaps, model)) == 1


def test_one_warning_names_identifiers_and_dates():
    [message] = messages_of(lime, FRAME, as_regressor(model_of))
    assert "Most values of id differ" in message
    assert "never explained: sold" in message


def test_identifiers_in_an_encoder_are_warned_of_too():
    frame = FRAME.drop(columns="sold")
    columns = make_column_transformer((OneHotEncoder(), ["id"]), remainder="drop")
    model = make_pipeline(columns, LinearRegression()).fit(frame, frame["age"])
    [message] = messages_of(lime, frame, model)
    assert message.startswith("Most values of id differ")


# Held columns


def test_a_table_of_dates_alone_names_the_cure():
    frame = FRAME[["sold"]].assign(paid=FRAME["sold"] + pd.Timedelta("1D"))
    model = as_regressor(lambda d: d["sold"].dt.dayofyear)
    for options in ({}, {"dates": "hold"}, {"hold": ["paid"]}):
        with pytest.raises(ValueError, match=r'columns of `x` are all held.*`dates="draw"`'):
            lime(frame, model, **options)
    explanation = explain(frame.head(1), lime(frame, model, dates="draw"), random_state=1)
    assert explanation["feature"].tolist()[0] == "sold"


def test_a_held_column_changes_nothing_but_what_the_model_sees():
    """The explanation is that of the table without the columns; `data` is the whole row."""
    seen = []
    model = as_regressor(lambda d: (seen.append(d), model_of(d))[1])
    explainer = lime(FRAME, model, **HELD)
    without = FRAME.drop(columns=["id", "sold"])
    for options in ({}, {"dist_fun": "euclidean"}):
        ours = explain(FRAME.head(2), explainer, n_features=3, random_state=1, **options)
        theirs = explain(
            without.head(2), lime(without, model), n_features=3, random_state=1, **options
        )
        pd.testing.assert_frame_equal(ours.drop(columns="data"), theirs.drop(columns="data"))
    assert ours["data"].iloc[0] == FRAME.iloc[0].to_dict()
    rows = next(rows for rows in seen if "id" in rows and len(rows) > 1000)
    assert rows.columns.tolist() == FRAME.columns.tolist()
    assert rows.dtypes.equals(FRAME.dtypes)
    assert set(rows["id"]) == set(IDS[:2])


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
def test_nothing_of_a_held_column_is_stored(dtype):
    frame = FRAME.astype({"id": dtype})
    explainer = lime(frame, as_regressor(model_of), hold="id", dates="hold")
    stored = pickle.dumps(
        [explainer.columns, explainer.lime_options, explainer.header, explainer.labels]
    )
    assert b"Graz" in stored
    assert not any(text.encode() in stored for text in IDS)
    assert explainer.feature_type["id"] == "held"
    assert explainer.feature_distribution["id"] is None
    assert explainer.bin_cuts["id"] is None
    new = frame.head(1).assign(id=pd.Series(["never seen"], dtype=dtype))
    explanation = explain(new, explainer, n_permutations=100, random_state=1)
    assert explanation["data"].iloc[0]["id"] == "never seen"
    alone = explain(new.iloc[0], explainer, n_permutations=100, random_state=1)
    pd.testing.assert_frame_equal(
        alone.drop(columns="data"), explanation.drop(columns="data"), check_dtype=False
    )


def test_anything_can_be_held():
    """What the explainer refuses to explain it can still hold."""
    frame = FRAME.assign(tags=[["a"]] * N, wave=1j, limit=np.inf, big=2**63 - 1)
    seen = []
    model = as_regressor(lambda d: (seen.append(d), model_of(d))[1])
    explainer = lime(frame, model, hold=["id", "sold", "tags", "wave", "limit", "big"])
    explanation = explain(frame.head(1), explainer, random_state=1)
    assert explanation["data"].iloc[0]["tags"] == ["a"]
    assert seen[-1]["tags"].map(tuple).unique().tolist() == [("a",)]
    assert seen[-1]["big"].unique().tolist() == [2**63 - 1]
    assert seen[-1].dtypes.equals(frame.dtypes)


def test_columns_of_an_array_are_held_by_position():
    array = np.column_stack([np.arange(N), RANDOM.normal(size=(N, 2))])
    seen = []
    model = as_regressor(lambda a: (seen.append(a), a[:, 1] - a[:, 2])[1])
    explanation = explain(array[5], lime(array, model, hold=[0]), random_state=1)
    assert set(explanation["feature"]) == {"x1", "x2"}
    assert np.unique(seen[-1][:, 0]).tolist() == [5]
    assert seen[-1].dtype == array.dtype


def test_single_steps_leave_held_columns_out():
    explainer = lime(FRAME, as_regressor(model_of), **HELD)
    assert list(numerify(FRAME.head(3), explainer)) == ["age", "town"]
    assert list(numerify(FRAME.drop(columns="id").head(3), explainer)) == ["age", "town"]
    assert describe_feature("id", FRAME.iloc[0], explainer) == "id"


def test_held_and_categorical_is_held():
    explainer = lime(FRAME, as_regressor(model_of), categorical=["age"], hold=["id", "age", "sold"])
    assert explainer.feature_type["age"] == "held"


# Dates


def test_dates_are_held_with_a_warning_that_can_be_silenced():
    frame = FRAME.drop(columns="id")
    model = as_regressor(model_of)
    [message] = messages_of(lime, frame, model)
    assert message.startswith("Dates are kept at the case's value")
    assert 'dates="draw"' in message
    for options in ({"dates": "hold"}, {"dates": "draw"}, {"hold": ["sold"]}):
        assert not messages_of(lime, frame, model, **options)
    ours, theirs = (
        explain(frame.head(1), explainer, random_state=1)
        for explainer in (lime(frame, model, dates="hold"), lime(frame, model, hold="sold"))
    )
    assert ours["feature_desc"].tolist() == theirs["feature_desc"].tolist()


def test_a_model_of_dates_that_are_held_is_not_said_not_to_react():
    model = as_regressor(lambda d: (d["sold"] - pd.Timestamp("2026-01-01")).dt.days)
    for options in ({"dates": "hold", "hold": ["id"]}, HELD):
        explainer = lime(FRAME, model, **options)
        with pytest.raises(ValueError, match=r"for every permutation.*sold are held"):
            explain(FRAME.head(1), explainer, n_permutations=100)


DAYS = FRAME["sold"]
HOURS = [int(hour) for hour in RANDOM.integers(0, 2000, N)]
START = datetime(2026, 1, 1)

DATES = {
    "seconds": DAYS.astype("datetime64[s]"),
    "nanoseconds": DAYS.astype("datetime64[ns]"),
    "hours": pd.Series([START + timedelta(hours=h) for h in HOURS]),
    "zone": DAYS.dt.tz_localize("Europe/Oslo"),
    "hours in a zone": pd.Series(
        [START.replace(tzinfo=UTC) + timedelta(hours=h) for h in HOURS]
    ).dt.tz_convert("America/New_York"),
    "gaps": DAYS.where(RANDOM.random(N) < 0.8),
    "dates": pd.Series(DAYS.dt.date.tolist(), dtype=object),
    "objects": pd.Series([START + timedelta(hours=h) for h in HOURS], dtype=object),
    "objects in a zone": pd.Series(
        [START.replace(tzinfo=UTC) + timedelta(hours=h) for h in HOURS], dtype=object
    ),
    "stamps": pd.Series(DAYS.tolist(), dtype=object),
    "numpy": pd.Series([np.datetime64("2026-01-01") + h // 24 for h in HOURS], dtype=object),
    "durations": pd.to_timedelta(pd.Series(HOURS), unit="h"),
    "duration objects": pd.Series([timedelta(hours=h) for h in HOURS], dtype=object),
    "months": pd.Series(pd.period_range("2020-01", periods=60, freq="M")[np.array(HOURS) % 60]),
    "periods": pd.Series(
        list(pd.period_range("2020Q1", periods=60, freq="Q")[np.array(HOURS) % 60]), dtype=object
    ),
    "times": pd.Series([time(h % 24, 30) for h in HOURS], dtype=object),
    "arrow": DAYS.astype("timestamp[us][pyarrow]"),
    "arrow days": DAYS.astype(pd.ArrowDtype(pyarrow.date32())),
    "arrow durations": pd.to_timedelta(pd.Series(HOURS), unit="h").astype(
        pd.ArrowDtype(pyarrow.duration("ms"))
    ),
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_of_every_type_are_drawn_and_compared_in_bins(kind):
    frame = pd.DataFrame({"when": DATES[kind], "z": RANDOM.normal(size=N)})
    present = sorted(frame["when"].dropna().tolist())
    middle, first, last = present[len(present) // 2], present[0], present[-1]
    seen = []

    def late(d):
        seen.append(d)
        return 2.0 * (d["when"] > middle).to_numpy(dtype=float, na_value=0) + 0.1 * d["z"]

    model = as_regressor(late)
    explainer = lime(frame, model, dates="draw")
    assert explainer.feature_type["when"] == "date_time"
    cases = pd.concat([frame[frame["when"] == value].head(1) for value in (first, last)])
    explanation = explain(cases, explainer, random_state=1)
    rows = seen[-1]["when"]
    assert rows.dtype == frame["when"].dtype
    assert set(map(type, rows.dropna().tolist())) == set(map(type, present))
    assert first <= min(rows.dropna().tolist()) <= max(rows.dropna().tolist()) <= last
    assert rows.nunique() > 20
    assert rows.iloc[0] == first
    when = explanation[explanation["feature"] == "when"].set_index("case")
    weights = when["feature_weight"]
    assert weights.iloc[0] < -0.8 < 0.8 < weights.iloc[1]
    assert when["feature_desc"].iloc[0].startswith("when <= ")
    assert when["feature_desc"].iloc[1].endswith(" < when")
    assert list(explainer.bin_cuts["when"]) == sorted(explainer.bin_cuts["when"])


def test_dates_are_described_as_dates():
    days = pd.Series(pd.date_range("2026-01-05", periods=111, freq="D"))
    model = as_regressor(lambda d: np.arange(len(d)))

    def texts(values, *cases):
        explainer = lime(pd.DataFrame({"sold": values}), model, dates="draw", n_bins=2)
        return [describe_feature("sold", pd.Series({"sold": c}), explainer) for c in cases]

    assert texts(days, days[0], days[110]) == ["sold <= 2026-03-01", "2026-03-01 < sold"]
    hours = days + pd.Timedelta("1h")
    assert texts(hours, hours[0]) == ["sold <= 2026-03-01 01:00"]
    assert texts(days - days[0], days[0] - days[0]) == ["sold <= 55 days"]
    assert texts(hours - days[0], days[0] - days[0]) == ["sold <= 55 days 01:00:00"]
    assert texts(days.dt.to_period("M"), pd.Period("2026-01", "M")) == ["sold <= 2026-03"]
    four = lime(pd.DataFrame({"sold": days}), model, dates="draw")
    text = describe_feature("sold", pd.Series({"sold": days[40]}), four)
    assert text == "2026-02-01 < sold <= 2026-03-01"


def test_dates_in_bins_are_drawn_by_the_shares_of_these_and_whole():
    explainer = lime(FRAME[["sold", "age"]], as_regressor(lambda d: d["age"]), dates="draw")
    (column,) = [column for column in explainer.columns if column.name == "sold"]
    drawn = column.decode(column.draw(np.random.default_rng(1).random(20_000)), column.dtype)
    drawn = pd.Series(drawn)
    assert (drawn == drawn.dt.normalize()).all()
    assert drawn.nunique() == (DAYS.max() - DAYS.min()).days + 1
    cuts = pd.Series(explainer.bin_cuts["sold"])
    shares = pd.cut(drawn, cuts, include_lowest=True).value_counts(normalize=True, sort=False)
    expected = explainer.feature_distribution["sold"]
    np.testing.assert_allclose(shares.to_numpy(), expected.to_numpy(), atol=0.015)


def test_a_gap_among_dates_is_a_level():
    frame = pd.DataFrame({"sold": DATES["gaps"], "z": RANDOM.normal(size=N)})
    model = as_regressor(lambda d: 2.0 * d["sold"].isna() + 0.1 * d["z"])
    explainer = lime(frame, model, dates="draw")
    explanation = explain(frame[frame["sold"].isna()].head(1), explainer, random_state=1)
    row = explanation.set_index("feature").loc["sold"]
    assert row["feature_desc"] == "sold is missing"
    assert row["feature_weight"] == pytest.approx(2, abs=0.1)


def test_a_date_beyond_the_training_range_is_in_the_outermost_bin():
    frame = FRAME[["sold", "age"]]
    explainer = lime(frame, as_regressor(lambda d: d["sold"].dt.year), dates="draw")
    case = frame.head(1).assign(sold=pd.Timestamp("2031-05-06 07:08"))
    explanation = explain(case, explainer, n_features=1, n_permutations=500, random_state=1)
    assert "< sold" in explanation["feature_desc"].tolist()[0] + "< sold"
    assert explanation["data"].iloc[0]["sold"] == pd.Timestamp("2031-05-06 07:08")


def test_dates_that_do_not_differ_are_kept():
    frame = FRAME[["age", "town"]].assign(day=date(2026, 1, 1), never=pd.NaT)
    explainer = lime(frame, as_regressor(model_of), dates="draw")
    explanation = explain(frame.head(1), explainer, n_permutations=200, random_state=1)
    assert set(explanation["feature"]) == {"age", "town"}


@pytest.mark.parametrize("dates", ["hold", "draw"])
@pytest.mark.parametrize("kind", ["dates", "objects", "stamps", "durations", "duration objects"])
def test_the_model_gets_dates_of_one_type_in_the_probe_and_in_the_call(kind, dates):
    frame = pd.DataFrame({"when": DATES[kind], "z": RANDOM.normal(size=N)})
    seen = []
    model = as_regressor(lambda d: (seen.append(d["when"]), d["z"])[1])
    explainer = lime(frame, model, dates=dates)
    stamps = frame.head(1).assign(when=lambda d: [pd.Series(DATES[kind])[0]])
    explain(frame.head(2), explainer, n_permutations=100, random_state=1)
    explain(stamps, explainer, n_permutations=100, random_state=1)
    assert len(seen) == 3
    assert {column.dtype for column in seen} == {frame["when"].dtype}
    assert len({type(value) for column in seen for value in column.tolist()}) == 1
