"""Groups of columns that are one feature."""

import numpy as np
import pandas as pd
import pytest

from pylime import (
    as_regressor,
    explain,
    lime,
    plot_features,
    quality,
    read_explanation,
    write_explanation,
)
from pylime.tabular import describe_feature, numerify
from pylime.tabular.groups import in_line

RANDOM = np.random.default_rng(1)
N = 600
SIZES = ["size_s", "size_m", "size_l"]


def dummies(levels, names=("s", "m", "l"), dtype=int):
    return {f"size_{name}": (levels == name).astype(dtype) for name in names}


LEVELS = RANDOM.choice(["s", "m", "l"], N, p=[0.5, 0.3, 0.2])
FRAME = pd.DataFrame({**dummies(LEVELS), "age": RANDOM.normal(40, 10, N)})
EFFECTS = {"size_s": 0.0, "size_m": 1.5, "size_l": 4.0}


def linear(rows):
    return sum(rows[name].astype(float) * effect for name, effect in EFFECTS.items())


def weights(explanation):
    return dict(zip(explanation["feature"], explanation["feature_weight"], strict=True))


def explained(frame=FRAME, case=None, model=linear, groups=None, seed=1, lime_options=None, **more):
    groups = {"size": SIZES} if groups is None else groups
    explainer = lime(frame, as_regressor(model), groups=groups, **lime_options or {})
    case = frame.head(1) if case is None else case
    options = {"n_features": 2, "penalty": 0, **more}
    return explain(case, explainer, random_state=seed, **options)


# One-hot groups


@pytest.mark.parametrize("dtype", ["int64", "bool", "float64", "uint8", "Int8", "boolean", object])
def test_a_one_hot_group_is_a_column_of_levels(dtype):
    frame = FRAME.astype(dict.fromkeys(SIZES, dtype))
    types = set()

    def model(rows):
        types.update(str(rows[name].dtype) for name in SIZES)
        return linear(rows)

    case = frame[LEVELS == "m"].head(1)
    found = explained(frame, case, model)
    levels = pd.DataFrame({"size": LEVELS, "age": frame["age"]})
    effect = {name[-1]: value for name, value in EFFECTS.items()}
    column = lime(levels, as_regressor(lambda rows: rows["size"].map(effect).astype(float)))
    theirs = explain(levels[LEVELS == "m"].head(1), column, random_state=1, n_features=2, penalty=0)
    # Both estimate the same limit; the draws differ.
    shares = pd.Series(LEVELS).value_counts(normalize=True)
    others = (shares["s"] * 0.0 + shares["l"] * 4.0) / (shares["s"] + shares["l"])
    assert weights(found)["size"] == pytest.approx(1.5 - others, abs=0.06)
    assert weights(found)["size"] == pytest.approx(weights(theirs)["size"], abs=0.06)
    first = found[found["feature"] == "size"].iloc[0]
    assert (first["feature_value"], first["feature_desc"]) == ("m", "size = m")
    assert types == {str(frame["size_m"].dtype)}


@pytest.mark.parametrize("of", [bool, float, int])
@pytest.mark.parametrize("dtype", [object, "category"])
def test_a_one_hot_group_writes_0_and_1_as_the_training_data_do(of, dtype):
    frame = FRAME.astype(dict.fromkeys(SIZES, of)).astype(dict.fromkeys(SIZES, dtype))
    types = set()

    def model(rows):
        types.update(type(value) for name in SIZES for value in rows[name].astype(object))
        return linear(rows.astype(dict.fromkeys(SIZES, float)))

    assert weights(explained(frame, model=model)).keys() == {"size", "age"}
    assert types == {of}


def test_never_two_levels_at_once():
    seen = []

    def model(rows):
        seen.append(rows[SIZES].sum(axis=1).to_numpy())
        return linear(rows)

    explained(model=model)
    assert set(np.concatenate(seen)) == {1}


def test_none_of_the_levels():
    frame = FRAME.copy()
    frame.loc[frame.index % 7 == 0, SIZES] = 0
    found = explained(frame, frame.loc[[7]])
    row = found[found["feature"] == "size"].iloc[0]
    assert row["feature_desc"] == "size is none of s, m, l"
    assert row["feature_value"] is None
    assert row["feature_weight"] == pytest.approx(-(0.3 * 1.5 + 0.2 * 4.0), abs=0.15)


def test_a_combination_that_the_training_data_lack_is_kept_half_of_the_time():
    case = FRAME.head(1).assign(size_s=0, size_m=1, size_l=1)
    kept = []

    def model(rows):
        kept.append((rows["size_m"] + rows["size_l"] == 2).mean())
        return linear(rows)

    found = explained(case=case, model=model, lime_options={"probe": False})
    assert kept == [pytest.approx(0.5, abs=0.01)]
    row = found[found["feature"] == "size"].iloc[0]
    assert row["feature_desc"] == "size = m + l (new)"
    assert row["feature_weight"] == pytest.approx(5.5 - (0.3 * 1.5 + 0.2 * 4.0), abs=0.15)
    none = FRAME.head(1).assign(size_s=0, size_m=0, size_l=0)
    assert "size is none of" in explained(case=none)["feature_desc"].str.cat()


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (["size_s", "size_m"], "s, m"),
        (["size=small", "size=medium"], "small, medium"),
        (["small", "smaller"], "small, smaller"),
        (["is_a", "is_"], "is_a, is_"),
        (["a b", "a c"], "b, c"),
        (["x.1", "x.10"], "1, 10"),
    ],
)
def test_what_names_have_in_common_is_left_out(names, texts):
    frame = pd.DataFrame({names[0]: [1, 0, 0] * 20, names[1]: [0, 1, 0] * 20, "z": range(60)})
    model = as_regressor(lambda rows: rows[names[0]] * 1.0)
    explainer = lime(frame, model, groups={"group": names})
    found = explain(frame.iloc[[2]], explainer, random_state=1)
    assert f"group is none of {texts}" in found["feature_desc"].tolist()


def test_a_column_of_a_group_can_have_a_single_category():
    frame = FRAME.assign(size_x=0).astype(dict.fromkeys([*SIZES, "size_x"], "category"))
    model = as_regressor(lambda rows: linear(rows.astype(dict.fromkeys(SIZES, float))))
    explainer = lime(frame, model, groups={"size": [*SIZES, "size_x"]})
    found = explain(frame[LEVELS == "m"].head(1), explainer, random_state=1)
    assert "size = m" in found["feature_desc"].tolist()


# Joint groups


def towns():
    """Four towns of equal size, apart in both coordinates, and what is worth 2 in one of them."""
    town = np.repeat([0, 1, 2, 3], N // 4)
    centres = np.array([[60, 10], [55, 15], [50, 5], [45, 0]])[town]
    places = centres + RANDOM.uniform(-1, 1, (N, 2))
    return pd.DataFrame({"lat": places[:, 0], "lon": places[:, 1], "age": FRAME["age"]})


TOWNS = towns()
PLACE = {"place": ["lat", "lon"]}


def first_town(rows):
    return 2.0 * ((abs(rows["lat"] - 60) < 2) & (abs(rows["lon"] - 10) < 2))


@pytest.mark.parametrize("seed", range(5))
def test_a_town_by_its_coordinates_has_its_effect(seed):
    found = explained(TOWNS, None, first_town, PLACE, seed, n_features=1)
    assert weights(found) == {"place": pytest.approx(2.0, abs=0.03)}
    alone = explained(TOWNS, None, first_town, {}, seed, n_features=3)
    assert max(alone["feature_weight"]) < 1.9


def test_every_permutation_has_the_values_of_the_case_or_of_one_row():
    seen = []

    def model(rows):
        seen.append(rows)
        return first_town(rows)

    explained(TOWNS, TOWNS.iloc[[5]], model, PLACE, lime_options={"probe": False})
    (rows,) = seen
    known = set(zip(TOWNS["lat"], TOWNS["lon"], strict=True))
    drawn = list(zip(rows["lat"], rows["lon"], strict=True))
    assert set(drawn) <= known
    own = drawn[0]
    assert np.mean([each == own for each in drawn]) == pytest.approx(0.5, abs=0.01)


def test_columns_that_are_nearly_equal_do_not_pull_in_two_directions():
    first = RANDOM.normal(size=N)
    frame = pd.DataFrame({"x1": first, "x2": first + 0.05 * RANDOM.normal(size=N)})

    def model(rows):
        return 5 * (rows["x1"] - rows["x2"])

    case = frame.iloc[[3]]
    apart = explained(frame, case, model, {}, n_features=2)
    assert apart["feature_weight"].abs().min() > 1
    frame["z"] = RANDOM.normal(size=N)
    found = explained(frame, frame.iloc[[3]], model, {"both": ["x1", "x2"]}, n_features=1)
    truth = float(model(case).iloc[0] - model(frame).mean())
    assert weights(found)["both"] == pytest.approx(truth, abs=0.1)


def test_descriptions_and_values_of_members():
    frame = TOWNS.assign(name=np.repeat(["A", "B", "C", "D"], N // 4))
    found = explained(frame, None, first_town, {"place": ["name", "lat"]}, n_features=2)
    row = found.set_index("feature").loc["place"]
    assert row["feature_desc"].startswith("name = A, ")
    assert row["feature_desc"].endswith(" < lat")
    assert row["feature_value"] == {"name": "A", "lat": frame["lat"].iloc[0]}
    assert row["data"]["lon"] == frame["lon"].iloc[0]


@pytest.mark.parametrize("kernel", [{"sampling": "kernel"}, {"dist_fun": "euclidean"}])
def test_other_neighbourhoods(kernel):
    found = explained(TOWNS, None, first_town, PLACE, n_features=1, **kernel)
    assert weights(found)["place"] == pytest.approx(2.0, abs=0.03)
    hot = explained(n_features=1, **kernel)
    assert weights(hot)["size"] == pytest.approx(weights(explained())["size"], abs=0.1)


def test_members_of_every_type_with_gaps():
    days = pd.date_range("2026-01-01", periods=N, freq="D")
    frame = pd.DataFrame(
        {
            "day": days,
            "when": pd.Series(days.date, dtype=object),
            "whole": pd.array([1, 2, None] * (N // 3), dtype="Int64"),
            "level": pd.Categorical(["a", "b", None] * (N // 3)),
            "flag": [True, False, True] * (N // 3),
            "same": 1.0,
            "text": ["x", None, "y"] * (N // 3),
            "age": FRAME["age"],
        }
    )
    members = [name for name in frame if name != "age"]

    def model(rows):
        assert rows.dtypes.equals(frame.dtypes)
        return rows["age"] + 10.0 * rows["flag"]

    for row in range(3):
        found = explained(frame, frame.iloc[[row]], model, {"all": members}, n_features=2)
        assert set(found["feature"]) == {"all", "age"}
        description = found.set_index("feature").loc["all", "feature_desc"]
        assert description.count(", ") == len(members) - 1


def test_a_new_level_in_a_group():
    frame = pd.DataFrame(
        {"a": ["x", "y"] * 50, "b": pd.Categorical(["p", "q"] * 50), "c": range(100)}
    )

    def model(rows):
        return (rows["a"] == "new") * 2.0 + (rows["b"] == "other") * 3.0

    case = pd.DataFrame({"a": ["new"], "b": ["other"], "c": [3]})
    found = explained(frame, case, model, {"both": ["a", "b"]}, n_features=1)
    assert weights(found)["both"] == pytest.approx(5.0, abs=1e-6)
    assert found["feature_desc"].iloc[0] == "a = new (new), b = other (new)"


def test_a_model_sees_each_row_of_a_group_once():
    town = RANDOM.choice(["A", "B", "C"], N)
    frame = pd.DataFrame(
        {"town": town, "coast": town == "A", "level": RANDOM.choice(["p", "q"], N)}
    )
    seen = []

    def model(rows):
        seen.append(rows)
        return 1.0 * rows["coast"]

    case, groups = frame[town == "A"].head(1), {"place": ["town", "coast"]}
    found = explained(frame, case, model, groups, lime_options={"probe": False}, n_features=1)
    (rows,) = seen
    assert len(rows) == len(rows.drop_duplicates()) == 6
    assert weights(found)["place"] == pytest.approx(1.0, abs=1e-6)


def test_a_group_keeps_values_apart_that_are_equal_but_not_the_same():
    values = [1, True, 1.0, "x", None, np.nan] * (N // 6)
    frame = pd.DataFrame({"any": pd.Series(values, dtype=object), "z": FRAME["age"], "y": LEVELS})
    seen = []

    def model(rows):
        seen.append(rows["any"])
        return rows["z"]

    explained(frame, frame.iloc[[1]], model, {"both": ["any", "y"]}, lime_options={"probe": False})
    (drawn,) = seen
    assert drawn.iloc[0] is True
    assert set(drawn.map(type)) == {int, bool, float, str, type(None)}
    assert drawn.map(lambda value: type(value) is int).mean() == pytest.approx(1 / 12, abs=0.03)
    assert drawn.map(lambda value: value is True).mean() == pytest.approx(1 / 2 + 1 / 12, abs=0.03)


def test_balanced_draws_balance_the_rows_of_a_group():
    def slope(rows):
        return rows["lat"] / 10 + np.sin(rows["lon"])

    explainer = lime(TOWNS, as_regressor(slope), groups=PLACE)
    found = {}
    for draws in ("balanced", "independent"):
        runs = [
            explain(TOWNS.head(1), explainer, random_state=seed, draws=draws, n_permutations=1000)
            for seed in range(20)
        ]
        found[draws] = np.std([weights(run)["place"] for run in runs])
    assert found["balanced"] < 0.5 * found["independent"]


def test_rows_in_line_are_alike_in_all_columns():
    places = RANDOM.random((2, 900))
    steps = np.abs(np.diff(places[:, in_line(places)])).max(axis=0)
    assert np.median(steps) < 0.05
    assert sorted(in_line(places)) == list(range(900))
    assert in_line(np.zeros((3, 1))).tolist() == [0]


# Together with everything else


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_cases_alone_and_together(n_jobs):
    frame = pd.concat([FRAME, TOWNS[["lat", "lon"]]], axis=1)
    explainer = lime(
        frame, as_regressor(lambda r: linear(r) + first_town(r)), groups={"size": SIZES, **PLACE}
    )
    together = explain(frame.head(5), explainer, random_state=1, n_jobs=n_jobs, quality=True)
    alone = explain(frame.iloc[[3]], explainer, random_state=1, quality=True)
    theirs = together[together["case"] == 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, theirs)
    # Draws do not depend on the order of the columns.
    turned = lime(
        frame[frame.columns[::-1]],
        as_regressor(lambda r: linear(r) + first_town(r)),
        groups={"place": ["lon", "lat"], "size": SIZES[::-1]},
    )
    other = explain(frame[frame.columns[::-1]].iloc[[3]], turned, random_state=1)
    assert set(other["feature"]) == set(alone["feature"])


def test_quality_finds_what_happens_inside_a_group():
    def inside(rows):
        return rows["lat"]  # linear in what bins do not show

    found = quality(
        TOWNS.head(1),
        lime(TOWNS, as_regressor(inside), groups=PLACE),
        random_state=1,
        n_calls=500,
        n_features=1,
    )
    parts = found[["model_r2", "left_out", "together", "in_bins"]].iloc[0]
    assert parts.sum() == pytest.approx(1, abs=0.05)
    assert parts["in_bins"] > 0.05


def test_stored_and_drawn(tmp_path):
    frame = pd.concat([FRAME, TOWNS[["lat", "lon"]]], axis=1)
    found = explained(frame, None, first_town, {"size": SIZES, **PLACE}, intervals=True)
    for name in ("one.parquet", "one.json"):
        write_explanation(found, tmp_path / name)
        pd.testing.assert_frame_equal(read_explanation(tmp_path / name), found)
    plot_features(found).draw()


def test_single_steps():
    frame = pd.concat([FRAME, TOWNS[["lat", "lon"]]], axis=1)
    explainer = lime(frame, as_regressor(linear), groups={"size": SIZES, **PLACE})
    compared = numerify(frame.iloc[[0, 1, 400]], explainer)
    assert compared.columns.tolist() == ["size", "age", "place"]
    assert compared["size"].tolist() == [float(LEVELS[i] == LEVELS[0]) for i in (0, 1, 400)]
    assert compared["place"].tolist()[::2] == [1.0, 0.0]
    assert describe_feature("size", frame.iloc[0], explainer) == f"size = {LEVELS[0]}"
    assert " < lat, " in describe_feature("place", frame.iloc[0], explainer)
    assert explainer.feature_type["lat"] == "numeric"
    assert len(explainer.bin_cuts["lat"]) == 5
    assert "together with its group" in explainer._repr_html_()


def test_arrays_have_groups_by_position():
    explainer = lime(
        TOWNS.to_numpy(),
        as_regressor(lambda a: first_town(pd.DataFrame(a, columns=TOWNS.columns)).to_numpy()),
        groups={"place": [0, 1]},
    )
    found = explain(TOWNS.to_numpy()[:1], explainer, random_state=1, n_features=1, penalty=0)
    assert weights(found)["place"] == pytest.approx(2.0, abs=0.03)


# Wrong arguments


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"groups": ["size_s", "size_m"]}, TypeError, "must lead from names to lists of columns"),
        ({"groups": {"size": "size_s"}}, TypeError, "not to 'size_s'"),
        ({"groups": {3: SIZES}}, TypeError, "the name 3 is not a string"),
        ({"groups": {"size": iter(SIZES)}}, TypeError, "not to <list_iterator"),
        ({"groups": {"size": ["size_s"]}}, ValueError, "'size' has size_s"),
        ({"groups": {"size": []}}, ValueError, "'size' has none"),
        ({"groups": {"size": ["size_s", "size_x"]}}, ValueError, "`groups` must be columns"),
        ({"groups": {"age": SIZES}}, ValueError, "'age' needs a name of its own"),
        (
            {"groups": {"a": SIZES, "b": ["age", "size_s"]}},
            ValueError,
            "'size_s' is in 'a' and in 'b'",
        ),
        ({"groups": {"size": SIZES}, "hold": "size_s"}, ValueError, "`groups` or in `hold`"),
    ],
)
def test_wrong_groups(options, error, message):
    with pytest.raises(error, match=message):
        lime(FRAME, as_regressor(linear), **options)


def test_a_text_cannot_be_in_a_group():
    frame = FRAME.assign(review="some words")
    with pytest.raises(ValueError, match="`groups` or in `text_columns`"):
        lime(
            frame,
            as_regressor(linear),
            text_columns="review",
            groups={"both": ["review", "age"]},
        )


@pytest.mark.parametrize("value", [2, 0.5, np.nan])
def test_a_case_that_is_neither_0_nor_1_is_an_error(value):
    frame = FRAME.astype(dict.fromkeys(SIZES, float))
    case = frame.head(1).assign(size_s=value)
    with pytest.raises(ValueError, match="group 'size' must be 0 or 1, as in the training data"):
        explained(frame, case)
