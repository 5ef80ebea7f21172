"""All combinations of levels: their probabilities are those of the draws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pylime import CaseError, as_regressor, explain, lime, quality
from pylime.errors import RequestError
from pylime.explainers import make_request
from pylime.similarity import gower_distance
from pylime.tabular.enumeration import choices_of, combinations, enumerates_all
from pylime.tabular.neighbourhood import draw_in_neighbourhood

RANDOM = np.random.default_rng(4)
LEVELS = pd.DataFrame(
    {
        "town": RANDOM.choice(["Oslo", "Bergen", "Tromso"], 200, p=[0.5, 0.3, 0.2]),
        "sauna": RANDOM.random(200) < 0.3,
        "heat": pd.Categorical(
            RANDOM.choice(["gas", "oil"], 200), categories=["gas", "oil", "wood"]
        ),
        "view": RANDOM.choice(["sea", None], 200),
    }
)


def rent(rows):
    return (
        2.0 * (rows["town"] == "Oslo")
        + 1.0 * (rows["town"] == "Bergen") * rows["sauna"].astype(bool)
        - 0.5 * (rows["heat"] == "oil")
        + 0.3 * rows["view"].isna()
    ).to_numpy(dtype=float)


def choices_in(explainer, row, width=None):
    encoded = [
        int(column.encode(row[column.name])[0])
        for column in explainer.columns
        if column.holds_levels
    ]
    return [
        choices_of(column, value, width)
        for column, value in zip(explainer.columns, encoded, strict=True)
    ]


@pytest.mark.parametrize("heat", ["gas", "wood"])
@pytest.mark.parametrize("width", [None, 0.5])
def test_shares_are_those_of_the_draws(heat, width):
    """Also of a declared category without rows, which is kept with probability 1/2."""
    explainer = lime(LEVELS, as_regressor(rent), probe=False)
    row = LEVELS.head(1).assign(heat=pd.Categorical([heat], categories=["gas", "oil", "wood"]))
    u = (np.arange(100_000) + 0.5) / 100_000
    for column, found in zip(explainer.columns, choices_in(explainer, row, width), strict=True):
        value = found.codes[0]
        assert value == column.encode(row[column.name])[0]
        assert found.shares.sum() == pytest.approx(1)
        if width is None:
            drawn = column.draw_near(value, u)
        else:
            drawn = draw_in_neighbourhood(column, value, width, u, None)
        assert set(drawn.tolist()) == set(found.codes.tolist())
        shares = [(drawn == code).mean() for code in found.codes]
        np.testing.assert_allclose(shares, found.shares, atol=2e-5)


def test_a_combination_has_the_product_of_the_shares():
    shares = [np.array([0.5, 0.3, 0.2]), np.ones(1), np.array([0.25, 0.75])]
    places, probabilities = combinations(shares)
    assert places[:, 0].tolist() == [0, 0, 0]
    assert len({tuple(column) for column in places.T.tolist()}) == 6
    by_hand = [shares[0][a] * shares[1][b] * shares[2][c] for a, b, c in places.T]
    np.testing.assert_allclose(probabilities, by_hand)
    assert probabilities.sum() == pytest.approx(1)


def test_the_weighted_combinations_are_the_limit_of_many_draws():
    row = LEVELS.iloc[[3]]
    explainer = lime(LEVELS, as_regressor(rent), probe=False)
    choices = choices_in(explainer, row)
    places, probabilities = combinations([own.shares for own in choices])
    assert places.shape[1] == 3 * 2 * 2 * 2
    same = places == 0
    frame = pd.DataFrame(
        {
            column.name: column.decode(own.codes[place], column.dtype)
            for column, own, place in zip(explainer.columns, choices, places, strict=True)
        }
    )
    weights = probabilities * (1 - gower_distance(frame.head(1), frame))
    roots = np.sqrt(weights)[:, None]
    design = np.column_stack([np.ones(len(frame)), same.T])
    (exact, *_) = np.linalg.lstsq(design * roots, rent(frame) * roots[:, 0], rcond=None)
    drawn = explain(row, explainer, n_permutations=200_000, penalty=0, random_state=1)
    limit = dict(zip([column.name for column in explainer.columns], exact[1:], strict=True))
    for feature, weight in drawn[["feature", "feature_weight"]].itertuples(index=False):
        assert weight == pytest.approx(limit[feature], abs=0.003 * np.abs(exact[1:]).max())


def exact_weights(explainer, row, **options):
    found = explain(row, explainer, n_permutations="all", penalty=0, intervals=True, **options)
    assert found["exact"].all()
    assert (found["feature_se"] == 0).all()
    return dict(zip(found["feature"], found["feature_weight"], strict=True))


@pytest.mark.parametrize("options", [{}, {"sampling": "kernel"}, {"dist_fun": "euclidean"}])
def test_tables_of_levels_are_explained_by_all_combinations(options):
    row = LEVELS.iloc[[3]]
    explainer = lime(LEVELS, as_regressor(rent))
    exact = exact_weights(explainer, row, n_features=4, **options)
    drawn = explain(
        row, explainer, n_permutations=200_000, penalty=0, random_state=1, n_features=4, **options
    )
    largest = max(map(abs, exact.values()))
    for feature, weight in drawn[["feature", "feature_weight"]].itertuples(index=False):
        assert exact[feature] == pytest.approx(weight, abs=0.003 * largest)


def mixed():
    """Levels, a constant, a text of four words, a one-hot and a joint group of few rows."""
    kind = RANDOM.integers(0, 3, 200)
    return LEVELS[["town", "sauna"]].assign(
        note="a quiet old house",
        size_s=(kind == 0) * 1,
        size_m=(kind == 1) * 1,
        floor=RANDOM.integers(1, 3, 200),
        door=RANDOM.choice(["left", "right"], 200),
        fixed=7.0,
    )


MIXED = mixed()
UNITS = {
    "text_columns": "note",
    "groups": {"size": ["size_s", "size_m"], "flat": ["floor", "door"]},
}


def price(rows):
    return (
        1.0 * rows["note"].str.contains("quiet")
        + 2.0 * (rows["note"].str.contains("old") & rows["sauna"])
        + rows["size_m"] * 1.5
        + (rows["floor"] == 1) * (rows["door"] == "left") * 3.0
    ).astype(float)


@pytest.mark.filterwarnings("ignore:Data contains numeric columns with zero variance")
@pytest.mark.parametrize("options", [{}, {"sampling": "kernel"}, {"p_remove": None}])
def test_words_and_groups_are_listed_as_they_are_drawn(options):
    row = MIXED.iloc[[3]].assign(note="a quiet old house")
    explainer = lime(MIXED, as_regressor(price), **UNITS)
    exact = exact_weights(explainer, row, n_features=8, **options)
    seen = []
    counted = lime(MIXED, as_regressor(lambda r: (seen.append(len(r)), price(r))[1]), **UNITS)
    exact_weights(counted, row, n_features=8, **options)
    words = 16 if options.get("p_remove", 0.5) else 15
    assert seen[-1] == 3 * 2 * words * 3 * 4
    drawn = explain(
        row,
        explainer,
        n_permutations=100_000,
        penalty=0,
        random_state=1,
        n_features=8,
        intervals=True,
        **options,
    )
    columns = ["feature", "feature_weight", "feature_se"]
    for feature, weight, error in drawn[columns].itertuples(index=False):
        assert weight == pytest.approx(exact[feature], abs=4 * error)
        assert error < 0.02


@pytest.mark.parametrize("n", ["auto", "all"])
def test_a_single_column_or_word_has_its_effect(n):
    frame = pd.DataFrame({"town": list("abc") * 20, "row": range(60)})
    explainer = lime(frame, as_regressor(lambda rows: 2.0 * (rows["town"] == "a")), hold="row")
    found = explain(frame.head(1), explainer, n_permutations=n, penalty=0)
    assert found["feature_weight"].tolist() == [pytest.approx(2.0)]
    texts = pd.DataFrame({"note": ["good", "bad"] * 30})
    words = lime(texts, as_regressor(lambda rows: rows["note"].str.len()), text_columns="note")
    found = explain(texts.head(1), words, n_permutations=n, penalty=0)
    assert found["feature_weight"].tolist() == [pytest.approx(4.0)]


def test_few_combinations_are_all_taken_where_the_number_is_found():
    explainer = lime(LEVELS, as_regressor(rent))
    found = quality(LEVELS.head(2), explainer, n_permutations="auto", n_features=4)
    assert found["n_permutations"].tolist() == [24, 24]
    assert found["exact"].all()
    assert found["verdict"].str.startswith("all 24 combinations: no sampling error").all()


def test_numbers_and_too_many_combinations_are_errors_with_the_cure():
    explainer = lime(LEVELS, as_regressor(rent), probe=False)
    drawn = make_request(explainer)
    sizes = [3, 2, 2, 2]
    assert not enumerates_all([], sizes, drawn)
    always = replace(drawn, exact="always", max_permutations=24)
    assert enumerates_all([], sizes, always)
    few = replace(always, max_permutations=23)
    with pytest.raises(CaseError, match=r"23; the values .* 3 x 2 x 2 x 2 = 24 combinations.*auto"):
        enumerates_all([], sizes, few)
    assert enumerates_all([], sizes, replace(drawn, exact="allowed", max_permutations=20_000))
    assert not enumerates_all([], sizes, replace(few, exact="allowed"))
    with pytest.raises(RequestError, match=r"'age' has numbers.*bin_continuous.*auto"):
        enumerates_all(["age"], sizes, always)
    assert not enumerates_all(["age"], sizes, replace(always, exact="allowed"))
    numbers = lime(LEVELS.assign(age=RANDOM.normal(size=200)), as_regressor(rent), probe=False)
    row = LEVELS.head(1).assign(age=1.0)
    with pytest.raises(RequestError, match=r"'age' has numbers.*bin_continuous.*auto"):
        explain(row, numbers, n_permutations="all")
    many = LEVELS.assign(note=" ".join(f"w{number}" for number in range(70)))
    words = lime(many, as_regressor(rent), text_columns="note", probe=False)
    with pytest.raises(CaseError, match="far too many combinations"):
        explain(many.head(1), words, n_permutations="all")
