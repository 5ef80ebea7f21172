"""Bins that the user chooses: own cuts, and numbers of bins by column."""

import datetime as dt
import pickle
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylime import FitWarning, as_regressor, explain, explain_to_parquet, lime, quality
from pylime.tabular import describe_feature, numerify
from pylime.tabular.binned import Binned
from pylime.tabular.distributions import bin_shares, follow, make_pieces, quantiles
from pylime.tabular.explainer import fit_column
from pylime.tabular.options import TableOptions

RANDOM = np.random.default_rng(5)
N = 800
AGES = RANDOM.integers(0, 95, N)
PEOPLE = pd.DataFrame(
    {
        "age": AGES,
        "income": RANDOM.lognormal(3, 1, N),
        "town": RANDOM.choice(list("abc"), N),
        "member": RANDOM.random(N) < 0.5,
        "code": RANDOM.integers(1, 4, N),
        "one": 1.0,
        "since": pd.Timestamp("2026-01-01") + pd.to_timedelta(RANDOM.integers(0, 100, N), unit="D"),
    }
)
TWO = PEOPLE[["age", "income"]]


def flat(rows):
    return np.zeros(len(rows))


MODEL = as_regressor(flat)


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def drawn(column, n=20_000):
    """Draw values at even cumulative shares, which leaves no room for chance."""
    return column.draw((np.arange(n) + 0.5) / n)


def test_a_column_is_cut_where_the_user_says():
    explainer = lime(TWO, MODEL, cuts={"age": [17, 65]})
    assert explainer.bin_cuts["age"].tolist() == [AGES.min(), 17, 65, AGES.max()]
    assert len(explainer.bin_cuts["income"]) == 5
    shares = explainer.feature_distribution["age"].tolist()
    assert shares == pytest.approx([np.mean(AGES <= 17), np.mean((AGES > 17) & (AGES <= 65)),
                                    np.mean(AGES > 65)])  # fmt: skip
    found = [
        describe_feature("age", pd.Series({"age": age, "income": 1.0}), explainer)
        for age in (-5, 17, 18, 65, 66, 200)
    ]
    low, middle, high = "age <= 17", "17 < age <= 65", "65 < age"
    assert found == [low, low, middle, middle, high, high]
    rows = TWO.head(6).assign(age=[18, 65, 17, 66, 40, 0])
    assert numerify(rows, explainer)["age"].tolist() == [1, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("options", [{"bin_continuous": False}, {"quantile_bins": False}, {}])
@pytest.mark.parametrize(
    "cuts", [18, 18.0, np.int8(18), [18], (18,), np.array([18]), range(18, 19)]
)
def test_one_cut_is_enough_and_does_not_depend_on_other_options(options, cuts):
    explainer = lime(TWO, MODEL, cuts={"age": cuts}, **options)
    assert explainer.bin_cuts["age"].tolist() == [AGES.min(), 18, AGES.max()]
    assert describe_feature("age", TWO.iloc[0], explainer) in ("age <= 18", "18 < age")


def test_draws_inside_wide_bins_follow_the_training_data():
    """The weight is the difference of the means of both bins; even draws miss it by far."""
    income = PEOPLE["income"]
    cut = 60.0
    above = income > cut
    true = income[above].mean() - income[~above].mean()
    even = make_pieces(np.array([income.min(), cut, income.max()]), np.array([1.0, 1.0]))
    halves = quantiles(even, np.array([0.25, 0.75]))
    assert halves[1] - halves[0] > 1.5 * true
    explainer = lime(TWO, as_regressor(lambda rows: rows["income"]), cuts={"income": cut})
    # Of a kernel this wide all permutations count alike.
    options = {"sampling": "kernel", "kernel_width": 1e6, "penalty": 0, "n_features": 2}
    for case in (TWO[above].head(1), TWO[~above].head(1)):
        found = explain(case, explainer, random_state=1, **options).set_index("feature")
        assert abs(found.loc["income", "feature_weight"]) == pytest.approx(true, rel=0.03)


@pytest.mark.parametrize("n", [60, 300, 3000])
@pytest.mark.parametrize("law", ["normal", "long tail", "half zeros", "pairs", "whole", "few"])
def test_means_of_bins_are_those_of_the_training_data(n, law):
    random = np.random.default_rng(n)
    values = {
        "normal": random.normal(size=n),
        "long tail": random.lognormal(0, 1, n),
        "half zeros": np.where(random.random(n) < 0.5, 0.0, random.exponential(size=n)),
        "pairs": np.repeat(random.normal(size=n // 2), 2),
        "whole": np.rint(random.exponential(300, size=n)),
        "few": random.choice([0.0, 100.0], n),
    }[law]
    for cuts in ([np.mean(values)], np.quantile(values, [0.2, 0.9])):
        column = fit_column("a", pd.Series(values), TableOptions(cuts={"a": list(cuts)}))
        found = drawn(column)
        assert values.min() <= found.min() <= found.max() <= values.max()
        for low, high in zip([-np.inf, *cuts], [*cuts, np.inf], strict=True):
            ours = found[(found > low) & (found <= high)]
            theirs = values[(values > low) & (values <= high)]
            assert len(ours) / len(found) == pytest.approx(len(theirs) / n, abs=1e-3)
            if not len(theirs):
                continue
            assert ours.mean() == pytest.approx(theirs.mean(), rel=0.06, abs=0.04 * values.std())


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6) | st.integers(-5, 5), min_size=2, max_size=200),
    cuts=st.lists(st.floats(-1e6, 1e6) | st.integers(-5, 5), min_size=1, max_size=5, unique=True),
)
def test_every_bin_gets_its_share(values, cuts):
    values, cuts = np.array(values, dtype=float), np.sort(np.array(cuts, dtype=float))
    found = quantiles(follow(values, cuts), (np.arange(5000) + 0.5) / 5000)
    edges = np.r_[-np.inf, cuts, np.inf]
    expected = bin_shares(values, edges, len(values))
    np.testing.assert_allclose(bin_shares(found, edges, 5000), expected, atol=1e-3)


WHOLE = {
    "int64": lambda v: pd.Series(v),
    "int8": lambda v: pd.Series(v, dtype=np.int8),
    "Int64": lambda v: pd.Series(v, dtype="Int64"),
    "arrow int": lambda v: pd.Series(v, dtype=pd.ArrowDtype(pyarrow.int32())),
    "objects": lambda v: pd.Series(v.tolist(), dtype=object),
    "float64": lambda v: pd.Series(v, dtype=float),
    "gaps": lambda v: pd.Series(v, dtype=float).where(np.arange(len(v)) % 5 > 0),
    "nullable gaps": lambda v: pd.Series(v, dtype="Int64").where(np.arange(len(v)) % 5 > 0),
    "float32": lambda v: pd.Series(v, dtype=np.float32),
    "Float32": lambda v: pd.Series(v, dtype="Float32"),
    "arrow float": lambda v: pd.Series(v, dtype=pd.ArrowDtype(pyarrow.float32())),
    "decimals": lambda v: pd.Series([Decimal(int(x)) / 4 for x in 4 * v], dtype=object),
    "sparse": lambda v: pd.Series(pd.arrays.SparseArray(v)),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_types_of_numbers(kind):
    frame = pd.DataFrame({"age": WHOLE[kind](AGES), "z": PEOPLE["income"]})
    seen = []

    def adult(rows):
        seen.append(rows)
        ages = np.array([float(v) if not pd.isna(v) else 0.0 for v in rows["age"]])
        return 2.0 * (ages > 17)

    cuts = {"age": [Decimal(17), 65] if kind == "decimals" else [17, 65]}
    explainer = lime(frame, as_regressor(adult), cuts=cuts)
    case = frame[AGES == 40].tail(1)
    explanation = explain(case, explainer, random_state=1).set_index("feature")
    assert explanation.loc["age", "feature_desc"] == "17 < age <= 65"
    rows = seen[-1]["age"]
    assert rows.dtype == frame["age"].dtype
    assert set(rows.dropna().map(float)) <= set(AGES.astype(float))
    assert explainer.bin_cuts["age"][1:-1].tolist() == [17, 65]
    shares = explainer.feature_distribution["age"]
    assert shares.sum() == pytest.approx(frame["age"].notna().mean())
    inside = np.mean([not pd.isna(v) and 17 < v <= 65 for v in rows])
    assert inside == pytest.approx(shares[1], abs=0.02)
    # Against the ages above 65, and those up to 17, and the missing ones.
    young = shares[0] + 1 - shares.sum()
    expected = 2 * young / (young + shares[2])
    assert explanation.loc["age", "feature_weight"] == pytest.approx(expected, abs=0.2)


def test_a_cut_is_the_number_that_the_column_can_have():
    """0.3 in 32 bits is more than 0.3, and yet belongs to the bin up to 0.3."""
    values = pd.Series(np.tile([0.1, 0.2, 0.3, 0.4], 50), dtype=np.float32)
    explainer = lime(pd.DataFrame({"a": values}), MODEL, cuts={"a": [0.3]}, probe=False)
    texts = [describe_feature("a", pd.Series({"a": v}), explainer) for v in values[:4]]
    assert texts == ["a <= 0.3"] * 3 + ["0.3 < a"]
    assert explainer.feature_distribution["a"].tolist() == [0.75, 0.25]
    with pytest.raises(ValueError, match=r"must rise .* in the column 0.3, 0.30000001 are"):
        lime(pd.DataFrame({"a": values}), MODEL, cuts={"a": [0.3, 0.30000001]}, probe=False)


@pytest.mark.parametrize(
    ("cuts", "texts"),
    [
        ([17, 65], ["17", "65"]),
        ([0.5, 1234.5], ["0.5", "1234.5"]),
        ([1234.5], ["1234.5"]),
        ([1 / 3, 2 / 3], ["0.333", "0.667"]),
        ([1.23456789, 1.23456999], ["1.234568", "1.234570"]),
        ([-2, 0], ["-2", "0"]),
    ],
)
def test_descriptions_have_the_cuts_as_written(cuts, texts):
    values = pd.Series(np.linspace(-3000, 3000, 500))
    column = fit_column("a", values, TableOptions(cuts={"a": cuts}))
    assert column.cut_texts == tuple(texts)


@pytest.mark.parametrize("cuts", [[-10, 17], [17, 3000], [-10], [5000, 6000]])
@pytest.mark.parametrize("name", ["age", "income"])
def test_a_cut_beyond_the_data_makes_an_empty_bin(cuts, name):
    explainer = lime(TWO, MODEL, cuts={name: cuts}, probe=False)
    low, *_, high = explainer.bin_cuts[name]
    assert low == min(*TWO[name], *cuts)
    assert high == max(*TWO[name], *cuts)
    assert 0 in explainer.feature_distribution[name].tolist()
    assert explainer.feature_distribution[name].sum() == pytest.approx(1)


@pytest.mark.parametrize("cuts", [{"x": [500]}, {"x": -1e6}, {"x": [900, 1000]}])
def test_cuts_that_do_not_divide_the_data_are_warned_of(cuts):
    frame = pd.DataFrame({"x": np.arange(100.0), "z": np.arange(100.0) % 7})
    with pytest.warns(UserWarning, match=r"one bin of x, .* `cuts\['x'\]` must divide the data"):
        lime(frame, as_regressor(lambda rows: rows["x"]), cuts=cuts)


def test_a_case_in_an_empty_bin():
    """Its value is kept with probability 1/2, so that the weight is its effect."""
    seen = []
    model = as_regressor(lambda d: (seen.append(d), 3.0 * (d["age"] > 110))[1])
    explainer = lime(TWO, model, cuts={"age": [17, 110]})
    case = TWO.head(1).assign(age=120)
    found = explain(case, explainer, random_state=1).set_index("feature")
    assert found.loc["age", "feature_weight"] == pytest.approx(3, abs=0.02)
    assert found.loc["age", "feature_desc"] == "110 < age"
    assert np.mean(seen[-1]["age"] == 120) == pytest.approx(0.5, abs=0.01)
    assert seen[-1]["age"].iloc[1:].drop_duplicates().isin([*AGES, 120]).all()


def test_missing_values_are_a_level_beside_own_bins():
    frame = TWO.assign(age=TWO["age"].where(AGES % 4 > 0))
    model = as_regressor(lambda d: 2.0 * d["age"].isna())
    explainer = lime(frame, model, cuts={"age": [17, 65]})
    found = explain(frame[AGES % 4 == 0].head(1), explainer, random_state=1).set_index("feature")
    assert found.loc["age", "feature_desc"] == "age is missing"
    assert found.loc["age", "feature_weight"] == pytest.approx(2, abs=0.02)


def test_a_column_of_one_number_beside_gaps_can_be_cut():
    frame = TWO.assign(age=np.where(AGES > 50, np.nan, 30.0))
    explainer = lime(frame, as_regressor(lambda d: d["age"].isna()), cuts={"age": 40})
    found = explain(frame[AGES <= 50].head(1), explainer, random_state=1).set_index("feature")
    assert found.loc["age", "feature_desc"] == "age <= 40"
    assert found.loc["age", "feature_weight"] == pytest.approx(-1, abs=0.02)


def test_positions_name_the_columns_of_an_array():
    array = TWO.to_numpy()
    explainer = lime(array, MODEL, cuts={0: [17, 65]}, n_bins={1: 2})
    assert explainer.bin_cuts["x0"][1:-1].tolist() == [17, 65]
    assert len(explainer.bin_cuts["x1"]) == 3
    named = lime(array, MODEL, cuts={"x0": [17, 65]}, n_bins={"x1": 2})
    np.testing.assert_array_equal(named.bin_cuts["x0"], explainer.bin_cuts["x0"])
    with pytest.raises(ValueError, match="must name each column once; 'x0' is also at position"):
        lime(array, MODEL, cuts={"x0": 17, 0: 18})


def test_names_that_are_tuples_or_numbers():
    frame = TWO.set_axis(pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), axis=1)
    explainer = lime(frame, MODEL, cuts={("a", 1): 18}, n_bins={("b", 2): 2})
    assert [len(cuts) for cuts in explainer.bin_cuts.values()] == [3, 3]
    explainer = lime(TWO.set_axis([7, 8], axis=1), MODEL, cuts={7: 18}, n_bins={8: 2})
    assert [len(cuts) for cuts in explainer.bin_cuts.values()] == [3, 3]


def test_kernels_intervals_and_quality():
    model = as_regressor(lambda d: 2.0 * (d["age"] > 17) + 0.01 * d["income"])
    explainer = lime(TWO, model, cuts={"age": [17, 65]})
    case = TWO[AGES > 65].head(1)
    seen = explain(
        case, explainer, sampling="kernel", kernel_width=0.5, intervals=True, random_state=1
    ).set_index("feature")
    assert seen.loc["age", "feature_weight"] > 0.5
    assert (seen["feature_lo"] < seen["feature_hi"]).all()
    found = quality(case, explainer, n_calls=500, n_permutations=2000, random_state=1)
    # That incomes differ inside their bins is all that is left over.
    assert found["in_bins"].iloc[0] > 0
    exact = lime(TWO, as_regressor(lambda d: 2.0 * (d["age"] > 65)), cuts={"age": [17, 65]})
    found = quality(case, exact, n_calls=500, n_permutations=2000, random_state=1)
    assert found["in_bins"].iloc[0] == pytest.approx(0, abs=1e-9)


def test_other_columns_keep_their_draws():
    seen = []
    model = as_regressor(lambda d: (seen.append(d), d["income"])[1])
    for options in ({}, {"cuts": {"age": [17, 65]}}):
        explain(TWO.head(1), lime(TWO, model, **options), n_permutations=300, random_state=1)
    pd.testing.assert_series_equal(seen[1]["income"], seen[3]["income"], rtol=1e-12)
    assert not seen[1]["age"].equals(seen[3]["age"])


def test_the_first_permutations_and_the_order_of_columns():
    seen = []
    model = as_regressor(lambda d: (seen.append(d[["age", "income"]]), d["income"] + d["age"])[1])
    options = {"cuts": {"age": [17, 65], "income": 20.0}, "probe": False}
    explainer = lime(TWO, model, **options)
    quietly(explain, TWO.head(1), explainer, n_permutations=200, random_state=1)
    quietly(explain, TWO.head(1), explainer, n_permutations=400, random_state=1)
    pd.testing.assert_frame_equal(seen[0], seen[1].head(200))
    turned = lime(TWO[["income", "age"]], model, **options)
    quietly(explain, TWO[["income", "age"]].head(1), turned, n_permutations=200, random_state=1)
    pd.testing.assert_frame_equal(seen[0], seen[2])
    both = explain(TWO.head(3), explainer, random_state=1)
    alone = explain(TWO.iloc[[2]], explainer, random_state=1)
    pd.testing.assert_frame_equal(alone, both[both["case"] == 2].reset_index(drop=True))


def test_such_columns_are_not_drawn_at_once_with_others():
    options = TableOptions(cuts={"age": [17, 65]})
    columns = [fit_column(name, TWO[name], options) for name in TWO]
    assert Binned.of(columns).places == (1,)


def test_an_explainer_can_be_pickled_and_keeps_no_list_of_the_users():
    cuts = {"age": [17, 65]}
    explainer = lime(TWO, MODEL, cuts=cuts)
    cuts["age"].append(80)
    del cuts["age"]
    assert explainer.lime_options.cuts == {"age": [17, 65]}
    again = pickle.loads(pickle.dumps(explainer))
    np.testing.assert_array_equal(again.bin_cuts["age"], explainer.bin_cuts["age"])
    ours, theirs = (
        quietly(explain, TWO.head(1), e, n_features=2, random_state=1, n_permutations=500)
        for e in (
            lime(TWO, as_regressor(lambda d: d["income"]), cuts={"age": [17, 65]}),
            lime(TWO, as_regressor(lambda d: d["income"]), cuts={"age": np.array([17.0, 65.0])}),
        )
    )
    pd.testing.assert_frame_equal(ours, theirs)


def test_notebooks_show_them():
    page = lime(TWO, MODEL, cuts={"age": [17, 65]})._repr_html_()
    assert "3 bins with cuts of your own" in page
    assert "17 to 65" in page
    assert page.count("with cuts of your own") == 1


# Numbers of bins by column


def test_numbers_of_bins_by_column():
    explainer = lime(PEOPLE[["age", "income", "code"]], MODEL, n_bins={"income": 6, "age": 2})
    assert {name: len(cuts) - 1 for name, cuts in explainer.bin_cuts.items()} == {
        "age": 2,
        "income": 6,
        "code": 2,  # as many quantiles differ
    }
    alike = lime(PEOPLE[["income"]], MODEL, n_bins=np.int64(6))
    np.testing.assert_array_equal(alike.bin_cuts["income"], explainer.bin_cuts["income"])
    assert lime(TWO, MODEL, n_bins={}).bin_cuts["age"].tolist() == pytest.approx(
        lime(TWO, MODEL).bin_cuts["age"].tolist()
    )


def test_numbers_of_bins_and_cuts_go_together():
    explainer = lime(TWO, MODEL, n_bins={"income": 2}, cuts={"age": [17, 65]})
    assert [len(cuts) for cuts in explainer.bin_cuts.values()] == [4, 3]
    explainer = lime(TWO, MODEL, n_bins=7, cuts={"age": [17, 65]})
    assert [len(cuts) for cuts in explainer.bin_cuts.values()] == [4, 8]


# What is wrong


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"cuts": [17, 65]}, TypeError, r"`cuts` must lead from columns to cuts, such as {'age'"),
        ({"cuts": {"ag": 17}}, ValueError, "`cuts` must be columns of `x`: .*; not 'ag'"),
        ({"cuts": {"age": []}}, ValueError, r"`cuts\['age'\]` must have at least one cut"),
        ({"cuts": {"age": [65, 17]}}, ValueError, r"`cuts\['age'\]` must rise .*; not 65, 17"),
        ({"cuts": {"age": [17, 17]}}, ValueError, "must rise from cut to cut; not 17, 17"),
        ({"cuts": {"age": [17, np.inf]}}, ValueError, "must be finite numbers up to 1e.150"),
        ({"cuts": {"age": np.nan}}, ValueError, "must be finite numbers .*; not nan"),
        ({"cuts": {"age": 1e200}}, ValueError, "must be finite numbers"),
        ({"cuts": {"age": "17"}}, TypeError, r"`cuts\['age'\]` must be numbers, as .*; not '17'"),
        ({"cuts": {"age": pd.Timestamp("2026")}}, TypeError, "must be numbers, as the column has"),
        ({"cuts": {"age": True}}, TypeError, "must be numbers, or dates .*; not True"),
        ({"cuts": {"age": None}}, TypeError, "must be numbers, or dates .*; not None"),
        ({"cuts": {"age": {17, 65}}}, TypeError, "must be numbers, or dates .*; not {"),
        ({"cuts": {"age": [[17, 65]]}}, TypeError, r"must be numbers, or dates .*; not \[17, 65\]"),
        ({"cuts": {"age": 17}, "hold": "age"}, ValueError, "'age' is held"),
        ({"cuts": {"code": 2}, "categorical": "code"}, ValueError, "'code' has codes, which are"),
        ({"cuts": {"town": "b"}}, ValueError, "`cuts` must be of columns .*; 'town' has levels"),
        ({"cuts": {"member": 0.5}}, ValueError, "'member' has logicals"),
        ({"cuts": {"one": 0.5}}, ValueError, "'one' does not vary"),
        ({"cuts": {"since": "2026-02"}, "dates": "hold"}, ValueError, "'since' has dates that are"),
        ({"cuts": {"since": 17}}, TypeError, r"`cuts\['since'\]` must be dates, or .*; not 17"),
        ({"cuts": {"since": ["x"]}}, TypeError, "must be dates, or strings .*; not 'x'"),
        ({"cuts": {"since": [pd.NaT]}}, TypeError, "must be dates, or strings .*; not NaT"),
        (
            {"cuts": {"since": ["2026-02-01", "2026-02-01 08:00"]}},
            ValueError,
            "must rise from cut to cut; in the column .* are 2026-02-01, 2026-02-01",
        ),
        ({"cuts": {"age": 17}, "n_bins": {"age": 3}}, ValueError, "both name 'age'"),
        ({"n_bins": {"age": 1}}, ValueError, r"`n_bins\['age'\]` must be a whole number of at"),
        ({"n_bins": {"age": "3"}}, TypeError, r"`n_bins\['age'\]` must be a whole number of at"),
        ({"n_bins": [3, 4]}, TypeError, "`n_bins` must be a whole number of at least 2"),
        ({"n_bins": {"ag": 3}}, ValueError, "`n_bins` must be columns of `x`: .*; not 'ag'"),
        ({"n_bins": {"town": 3}}, ValueError, "`n_bins` must be of columns .*; 'town' has levels"),
        ({"n_bins": {"age": 3}, "hold": "age"}, ValueError, "'age' is held"),
    ],
)
def test_bins_that_cannot_be(options, error, message):
    with pytest.raises(error, match=message):
        quietly(lime, PEOPLE, MODEL, **{"dates": "draw", **options})


# Dates

DAYS = PEOPLE["since"]
DATES = {
    "days": (DAYS, ["2026-02-01", pd.Timestamp("2026-03-01")]),
    "nanoseconds": (DAYS.astype("datetime64[ns]"), ["1 February 2026", dt.date(2026, 3, 1)]),
    "zone": (DAYS.dt.tz_localize("Europe/Oslo"), ["2026-02-01", "2026-03-01 00:00+01:00"]),
    "dates": (pd.Series(DAYS.dt.date.tolist(), dtype=object), ["2026-02-01", "2026-03-01 09:30"]),
    "arrow": (DAYS.astype("timestamp[us][pyarrow]"), np.array(["2026-02-01", "2026-03-01"])),
    "numpy": (DAYS, np.array(["2026-02-01", "2026-03-01"], dtype="M8[D]")),
    "index": (DAYS, pd.DatetimeIndex(["2026-02-01", "2026-03-01"])),
    "gaps": (DAYS.where(AGES % 7 > 0), ["2026-02", "2026-03"]),
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_are_cut_by_dates(kind):
    values, cuts = DATES[kind]
    frame = pd.DataFrame({"since": values, "income": PEOPLE["income"]})
    february = (DAYS > "2026-02-01") & (DAYS <= "2026-03-01")
    seen = []

    def model(rows):
        seen.append(rows["since"])
        found = [not pd.isna(v) and str(v)[:7] == "2026-02" and str(v)[8:10] != "01" for v in
                 rows["since"]]  # fmt: skip
        return 2.0 * np.array(found)

    explainer = lime(frame, as_regressor(model), dates="draw", cuts={"since": cuts})
    case = frame[february & (DAYS < "2026-03-01") & values.notna()].head(1)
    found = explain(case, explainer, random_state=1).set_index("feature")
    assert found.loc["since", "feature_desc"] == "2026-02-01 < since <= 2026-03-01"
    assert found.loc["since", "feature_weight"] == pytest.approx(2, abs=0.12)
    shares = explainer.feature_distribution["since"]
    assert shares[1] == pytest.approx((february & values.notna()).mean())
    texts = [str(cut)[:10] for cut in explainer.bin_cuts["since"]]
    assert texts[1:-1] == ["2026-02-01", "2026-03-01"]
    assert seen[-1].dtype == values.dtype
    assert set(seen[-1].dropna()) <= set(values.dropna())


@pytest.mark.parametrize(
    ("values", "cut", "text"),
    [
        (pd.to_timedelta(AGES, unit="D"), "30 days", "when <= 30 days"),
        (pd.to_timedelta(AGES, unit="D"), dt.timedelta(days=30), "when <= 30 days"),
        (pd.Series(pd.PeriodIndex(DAYS, freq="M")), "2026-02", "when <= 2026-02"),
        (pd.Series(pd.PeriodIndex(DAYS, freq="M")), pd.Period("2026Q1"), "when <= 2026-03"),
        (pd.Series([dt.time(hour % 24) for hour in AGES]), dt.time(12), "when <= 12:00:00"),
        (pd.Series([dt.time(hour % 24) for hour in AGES]), "12:00", "when <= 12:00:00"),
    ],
    ids=["durations", "a duration", "months", "a quarter", "times", "a time"],
)
def test_other_dates_are_cut_by_their_like(values, cut, text):
    frame = pd.DataFrame({"when": values, "income": PEOPLE["income"]})
    explainer = lime(frame, MODEL, dates="draw", cuts={"when": cut})
    first = frame.sort_values("when").iloc[0]
    assert describe_feature("when", first, explainer) == text


def test_a_cut_with_a_time_zone_needs_a_column_with_one():
    with pytest.raises(TypeError, match="has a time zone, which the column does not have"):
        lime(PEOPLE[["since"]], MODEL, dates="draw", cuts={"since": "2026-02-01T00:00+01:00"})


# Levels and bins that few permutations share


def rare_frame(n_rare):
    towns = np.where(np.arange(N) < n_rare, "Graz", PEOPLE["town"])
    return TWO.assign(town=towns)


def town_model(rows):
    return 2.0 * (rows["town"] == "Graz") + 0.001 * rows["age"]


def test_a_rare_level_is_named_with_the_permutations_that_share_it():
    frame = rare_frame(4)
    explainer = lime(frame, as_regressor(town_model))
    seen = []
    watched = lime(frame, as_regressor(lambda d: (seen.append(d), town_model(d))[1]))
    message = r"town = Graz \((\d+) of 5000 permutations; case 0, 1\)\. Raise `n_permutations`"
    with pytest.warns(FitWarning, match=message) as caught:
        explain(frame.iloc[[0, 1, 9]], explainer, random_state=1)
    text = str(caught[0].message)
    assert "merge rare levels" in text
    with pytest.warns(FitWarning):
        explain(frame.iloc[[0]], watched, random_state=1)
    n_shared = (seen[-1]["town"] == "Graz").sum() - 1
    assert 15 < n_shared < 35
    with pytest.warns(FitWarning, match=rf"\({n_shared} of 5000 permutations; case 0\)"):
        explain(frame.iloc[[0]], explainer, random_state=1)


@pytest.mark.parametrize("n_rare", [4, 7, 9, 20])
def test_fewer_than_fifty_permutations_are_few(n_rare):
    frame = rare_frame(n_rare)
    explainer = lime(frame, as_regressor(town_model))
    few = 4999 * n_rare / N < 50
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        explain(frame.iloc[[0]], explainer, random_state=1)
    assert [str(w.message).startswith("Few permutations share") for w in caught] == [True] * few
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(frame.iloc[[0]], explainer, random_state=1, n_permutations=12_000)


@pytest.mark.parametrize("options", [{"sampling": "kernel", "kernel_width": 0.3}, {}])
def test_a_rare_bin_of_own_cuts_counts_by_its_draws(options):
    """A narrow neighbourhood draws the case's bin often enough."""
    low = np.sort(PEOPLE["income"])[3]
    model = as_regressor(lambda d: 2.0 * (d["income"] <= low) + 0.001 * d["age"])
    explainer = lime(TWO, model, cuts={"income": low})
    case = TWO[TWO["income"] <= low].head(1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        explain(case, explainer, random_state=1, **options)
    found = ["income <= " in str(w.message) for w in caught]
    assert found == ([] if options else [True])


@pytest.mark.parametrize(
    "frame",
    [rare_frame(4).iloc[50:], TWO, rare_frame(0).assign(town="Graz")],
    ids=["others", "bins", "constant"],
)
@pytest.mark.parametrize("n_permutations", [100, 5000])
def test_nothing_else_is_warned_of(frame, n_permutations):
    """Not of bins of a quarter where permutations are few, nor of what is not selected."""
    explainer = lime(frame, as_regressor(lambda d: d["age"] + 0.0 * d["income"]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(frame.head(2), explainer, n_permutations=n_permutations, random_state=1)


def test_levels_that_are_not_selected_and_new_levels_are_no_concern():
    frame = rare_frame(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer = lime(frame, as_regressor(lambda d: d["age"]))
        explain(frame.iloc[[0]], explainer, n_features=1, random_state=1)
        explainer = lime(frame, as_regressor(lambda d: 2.0 * (d["town"] == "mars") + d["age"]))
        explain(frame.head(1).assign(town="mars"), explainer, random_state=1)


@pytest.mark.full
def test_a_long_run_tells_cuts_apart(tmp_path):
    frame = PEOPLE[["age", "since"]]
    model = as_regressor(lambda d: d["age"])
    settings = {"dates": "draw", "cuts": {"age": [17, 65], "since": [pd.Timestamp("2026-02-01")]}}
    arguments = {"n_permutations": 500, "random_state": 1}
    explain_to_parquet([frame.head(2)], lime(frame, model, **settings), tmp_path, **arguments)
    explain_to_parquet([frame.head(2)], lime(frame, model, **settings), tmp_path, **arguments)
    settings["cuts"] = {**settings["cuts"], "age": [18, 65]}
    with pytest.raises(ValueError, match=r"`age` was .*17.* and is .*18"):
        explain_to_parquet([frame.head(2)], lime(frame, model, **settings), tmp_path, **arguments)
