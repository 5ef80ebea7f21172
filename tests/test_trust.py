"""How far to trust an explanation: its columns, verdicts and warnings."""

import itertools
import math
import re
import warnings

import numpy as np
import pandas as pd
import pytest

from pylime import (
    COLUMNS,
    CaseWarning,
    FitWarning,
    as_classifier,
    as_regressor,
    explain,
    lime,
    quality,
)
from pylime.frame import INTERVALS, QUALITY
from pylime.surrogate import fit_surrogates
from pylime.surrogate.selection import FEATURE_SELECT

RANDOM = np.random.default_rng(5)
ROWS = pd.DataFrame({"height": RANDOM.normal(170, 10, 300), "mass": RANDOM.normal(70, 12, 300)})


def standing(rows):
    return ((rows["height"] - 170) / 10 - 0.5 * (rows["mass"] - 70) / 12).to_numpy()


def scaled(factor):
    return lime(ROWS, as_regressor(lambda rows: factor * standing(rows)))


def test_the_share_that_the_penalty_takes_is_named_with_the_cure():
    with pytest.warns(FitWarning) as caught:
        explanation = explain(ROWS.head(7), scaled(1e-3), random_state=1)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert "`penalty=0`" in message
    assert "case 0, 1, 2, 3, 4, ... (7 cases)" in message
    without = explain(ROWS.head(7), scaled(1e-3), penalty=0, random_state=1)
    # Every column loses about the share that the warning names.
    taken = 1 - explanation["feature_weight"] / without["feature_weight"]
    (share,) = [float(word) for word in message.split() if word.replace(".", "").isdigit()][:1]
    assert 100 * taken.median() == pytest.approx(share, abs=2)


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1.0, 1e4, 1e9])
@pytest.mark.parametrize("method", ["forward_selection", "highest_weights", "lasso_path", "none"])
def test_without_penalty_weights_follow_the_response(factor, method):
    options = {"penalty": 0, "feature_select": method, "random_state": 1}
    plain = explain(ROWS.head(2), scaled(1.0), **options)
    other = explain(ROWS.head(2), scaled(factor), **options)
    assert other["feature"].tolist() == plain["feature"].tolist()
    np.testing.assert_allclose(
        other["feature_weight"] / factor, plain["feature_weight"], rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(other["model_r2"], plain["model_r2"], rtol=1e-9)


WORDS = "a quick brown fox jumps over one lazy dog"
BLOCKS = np.kron(np.arange(1, 13).reshape(3, 4), np.ones((4, 4), dtype=int))


def _of_columns(x):
    return np.tanh(x[:, 0]) + x[:, 1] * x[:, 2] + 0.3 * x[:, 5]


def _of_words(texts):
    return np.array([("fox" in t) * ("dog" in t) + len(t) / 90 for t in texts])


def _of_pixels(images):
    return np.tanh(images[:, ::4, ::4, 0].reshape(len(images), -1) @ np.linspace(0.02, -0.01, 12))


SUBJECTS = {
    "table": (np.random.default_rng(6).normal(size=(300, 8)), _of_columns, {}),
    "text": (WORDS, _of_words, {}),
    "image": (
        np.full((12, 16, 3), 200, dtype=np.uint8),
        _of_pixels,
        {"segmentation": lambda _: BLOCKS, "background": "black"},
    ),
}


def _explained(kind, method, unit):
    data, function, options = SUBJECTS[kind]
    explainer = lime(data, as_regressor(lambda inputs: unit * function(inputs)), probe=False)
    return explain(
        data[0] if kind == "table" else data,
        explainer,
        n_permutations=400,
        n_features=4,
        feature_select=method,
        penalty=0,
        intervals=True,
        contributions=True,
        quality=True,
        n_calls=50,
        random_state=1,
        **options,
    )


@pytest.mark.parametrize("factor", [1e-9, 1e9])
@pytest.mark.parametrize("method", FEATURE_SELECT)
@pytest.mark.parametrize("kind", SUBJECTS)
def test_all_that_is_reported_follows_the_response(kind, method, factor):
    """What has its unit is multiplied; features, shares and verdicts stay."""
    plain, other = (_explained(kind, method, unit) for unit in (1.0, factor))
    units = [f"feature_{name}" for name in ("weight", "se", "lo", "hi", "contribution")]
    units += ["model_intercept", "model_prediction", "surrogate_mean"]
    largest = plain["feature_weight"].abs().max()
    np.testing.assert_allclose(other[units] / factor, plain[units], rtol=1e-9, atol=1e-9 * largest)
    shares = ["model_r2", "feature_freq", *QUALITY[:-1]]
    np.testing.assert_allclose(other[shares], plain[shares], rtol=1e-9, atol=1e-9)
    for name in ("feature", "verdict"):
        assert other[name].tolist() == plain[name].tolist()


def test_a_penalty_of_ones_own_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        strong = explain(ROWS.head(1), scaled(1.0), penalty=1.0, random_state=1)
        explain(ROWS.head(1), scaled(1e-6), penalty=0, random_state=1)
    weak = explain(ROWS.head(1), scaled(1.0), random_state=1)
    assert (strong["feature_weight"].abs() < 0.7 * weak["feature_weight"].abs()).all()
    with pytest.raises(ValueError, match="`penalty` must be 0 or a positive number; not -1"):
        explain(ROWS.head(1), scaled(1.0), penalty=-1)


def test_a_collapsed_neighbourhood_is_named_with_the_cure():
    explainer = lime(ROWS, as_regressor(standing), bin_continuous=False)
    with pytest.warns(FitWarning, match=r"of 5000 permutations count for case 0: .*kernel_width"):
        explain(ROWS.head(1), explainer, dist_fun="euclidean", kernel_width=0.02, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(ROWS.head(1), explainer, dist_fun="euclidean", random_state=1)
        explain(ROWS.head(1), explainer, n_permutations=30, random_state=1)


def test_one_warning_names_penalty_and_neighbourhood():
    explainer = lime(ROWS, as_regressor(lambda rows: 1e-4 * standing(rows)), bin_continuous=False)
    with pytest.warns(FitWarning) as caught:
        explain(ROWS.head(2), explainer, dist_fun="euclidean", kernel_width=0.05, random_state=1)
    assert len(caught) == 1
    assert "penalty" in str(caught[0].message)
    assert "permutations count" in str(caught[0].message)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_label_that_never_changes_is_left_out_once_for_all_cases(n_jobs):
    def model(rows):
        low = 1 / (1 + np.exp(-standing(rows)))
        return np.column_stack([low, np.full(len(low), 0.25), 1 - low])

    explainer = lime(ROWS, as_classifier(model, ["low", "never", "high"], activation=None))
    with pytest.warns(CaseWarning, match=r"'never', which is 0\.25 \(case 0, 1, 2\)") as caught:
        explanation = explain(ROWS.head(3), explainer, n_labels=3, random_state=1, n_jobs=n_jobs)
    assert [warning.category for warning in caught].count(CaseWarning) == 1
    assert explanation.groupby("case")["label"].unique().map(len).tolist() == [2, 2, 2]
    with pytest.raises(ValueError, match=r"label 'never' is 0\.25 for every permutation"):
        explain(ROWS.head(1), explainer, labels="never")


def test_fit_surrogates_leaves_out_what_never_changes():
    design = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
    predictions = pd.DataFrame({"cat": [0.9, 0.7, 0.3, 0.1], "cow": 0.5})
    fit = fit_surrogates(design, predictions, np.ones(4), ["ear", "tail"], n_labels=2, n_features=2)
    assert fit["label"].unique().tolist() == ["cat"]
    exact = fit_surrogates(
        design, predictions, np.ones(4), ["ear", "tail"], n_features=2, penalty=0
    )
    np.testing.assert_allclose(exact["feature_weight"], [0.6, 0.2])


# Columns of intervals, contributions and quality


def linear(rows):
    return 3.0 * rows["height"] / 10 - 2.0 * rows["mass"] / 12 + 0.0 * rows["age"]


WIDE = ROWS.assign(age=RANDOM.uniform(20, 80, 300), town=RANDOM.choice(["Oslo", "Bergen"], 300))
TRUST = {"intervals": True, "contributions": True, "quality": True}
# Weights that are all equal, so that closed forms are exact.
EVEN = {"dist_fun": "euclidean", "kernel_width": 1e6}
REGRESSION = [name for name in COLUMNS if name not in ("label", "label_prob")]
FURTHER = [
    *REGRESSION[:5],
    "surrogate_mean",
    "n_permutations",
    *REGRESSION[5:8],
    *INTERVALS,
    "feature_contribution",
    *REGRESSION[8:],
    *QUALITY,
]
TEXTS = ["the film was superb and long", "an awful film, and far too long, which I left early"]


def good_words(texts):
    good = np.array([("superb" in t) - ("awful" in t) + 0.3 * ("long" in t) for t in texts])
    return np.column_stack([0.5 + good / 4, 0.5 - good / 4])


def centre(images):
    return (
        images[:, 8:16, 8:16].mean(axis=(1, 2, 3)) / 255 + images[:, :6].mean(axis=(1, 2, 3)) / 500
    )


def explained(kind, **options):
    """Two cases of a kind, explained."""
    if kind == "table":
        return explain(WIDE.head(2), lime(WIDE, as_regressor(linear)), **options)
    if kind == "text":
        return explain(TEXTS, lime(TEXTS, as_classifier(good_words, ["good", "bad"])), **options)
    images = np.random.default_rng(3).integers(0, 255, (2, 24, 24, 3)).astype(np.uint8)
    explainer = lime(images, as_regressor(centre))
    return explain(images, explainer, **{"n_superpixels": 12, **options})


KINDS = ["table", "text", "image"]


@pytest.mark.parametrize("kind", KINDS)
def test_columns_stand_where_they_belong_and_change_nothing_else(kind):
    plain = explained(kind, n_permutations=300, random_state=1)
    whole = explained(kind, n_permutations=300, random_state=1, **TRUST)
    assert [name for name in whole if name in COLUMNS] == list(plain)
    pd.testing.assert_frame_equal(whole[list(plain)], plain)
    assert [name for name in whole if name not in ("label", "label_prob")] == FURTHER
    assert (whole["feature_lo"] <= whole["feature_hi"]).all()
    assert whole["feature_freq"].between(0, 1).all()
    assert (whole["n_permutations"] == 300).all()
    sums = whole.groupby(["case", *(["label"] if "label" in whole else [])])
    np.testing.assert_allclose(
        sums["feature_contribution"].sum(),
        (sums["model_prediction"].first() - sums["surrogate_mean"].first()),
        atol=1e-12,
    )
    np.testing.assert_allclose(whole["surrogate_mean"], sums["surrogate_mean"].transform("first"))


@pytest.mark.parametrize("method", ["tree", "lasso_path"])
def test_frequencies_are_missing_where_the_selection_cannot_be_resampled(method):
    options = {"intervals": True, "random_state": 1, "feature_select": method}
    assert (explained("table", **options)["feature_freq"] == 1).all()  # all features are used
    found = explained("table", n_features=2, **options)
    assert found["feature_freq"].isna().all()
    assert found["feature_lo"].notna().all()


def test_a_level_of_ones_own_makes_narrower_intervals():
    wide, narrow = (explained("table", intervals=level, random_state=1) for level in (0.99, 0.5))
    assert (wide["feature_se"] == narrow["feature_se"]).all()
    assert (wide["feature_lo"] < narrow["feature_lo"]).all()
    assert (wide["feature_hi"] > narrow["feature_hi"]).all()
    standard = explained("table", intervals=True, random_state=1)
    same = explained("table", intervals=0.95, random_state=1)
    pd.testing.assert_frame_equal(standard, same)


def test_the_intervals_of_a_linear_model_hold_its_effects():
    """β · (mean inside the bin - mean outside), from the training data alone."""
    explanation = explain(
        WIDE.head(6),
        lime(WIDE, as_regressor(linear)),
        intervals=True,
        n_features=4,
        n_permutations=2000,
        random_state=1,
        **EVEN,
    )
    slopes = {"height": 0.3, "mass": -2.0 / 12}
    checked = 0
    for name, slope in slopes.items():
        cuts = np.quantile(WIDE[name], [0, 0.25, 0.5, 0.75, 1])
        middle = (cuts[:-1] + cuts[1:]) / 2  # values are even inside a bin
        for row in explanation[explanation["feature"] == name].itertuples():
            own = int(np.clip(np.searchsorted(cuts[1:-1], row.feature_value), 0, 3))
            effect = slope * (middle[own] - np.delete(middle, own).mean())
            assert row.feature_lo < effect < row.feature_hi
            checked += 1
    assert checked == 12
    nothing = explanation[explanation["feature"].isin(["age", "town"])]
    assert ((nothing["feature_lo"] < 0) & (nothing["feature_hi"] > 0)).mean() > 0.9


def test_contributions_are_shapley_values_of_an_additive_model():
    """Exact Shapley values of a linear model with independent columns: β · (x - mean)."""
    found = explain(
        WIDE.head(5),
        lime(WIDE, as_regressor(linear), bin_continuous=False),
        contributions=True,
        n_features=4,
        penalty=0,
        random_state=1,
        **EVEN,
    )
    slopes = {"height": 0.3, "mass": -2.0 / 12, "age": 0.0}
    for row in found[found["feature"] != "town"].itertuples():
        exact = slopes[row.feature] * (row.feature_value - WIDE[row.feature].mean())
        assert row.feature_contribution == pytest.approx(exact, abs=0.06)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("draws", ["balanced", "independent"])
def test_a_found_number_of_permutations_gives_the_rows_of_that_number(kind, draws):
    options = {"random_state": 1, "intervals": True, "draws": draws, "n_features": 3}
    if kind == "image":
        options["n_superpixels"] = 40  # with few of them nothing is drawn
    found = explained(kind, n_permutations="auto", tolerance=0.05, **options)
    assert not found["exact"].all()
    after = list(found).index("model_prediction") + 1
    assert list(found)[after : after + 2] == ["n_permutations", "exact"]
    for case, rows in found.groupby("case"):
        (n,) = rows["n_permutations"].unique()
        if rows["exact"].any():  # a short text, of which no number of draws is the same
            assert n == 63
            continue
        fixed = explained(kind, n_permutations=int(n), **options)
        fixed = fixed[fixed["case"] == case].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            rows.drop(columns=["n_permutations", "exact"]).reset_index(drop=True), fixed
        )


def test_a_found_number_is_enough_and_at_most_the_largest():
    def half_widths(found):
        half = (found["feature_hi"] - found["feature_lo"]) / 2
        return (
            half.groupby(found["case"]).max()
            / found["feature_weight"].abs().groupby(found["case"]).max()
        )

    options = {"n_permutations": "auto", "intervals": True, "random_state": 1, "n_features": 2}
    precise = explained("table", tolerance=0.1, **options)
    assert (half_widths(precise) <= 0.11).all()
    assert precise["n_permutations"].isin([500, 1000, 2000, 4000, 8000, 16_000, 20_000]).all()
    few = explained("table", tolerance=0.001, max_permutations=700, **options)
    assert (few["n_permutations"] == 700).all()
    fewer = explained("table", max_permutations=100, **options)
    assert (fewer["n_permutations"] == 100).all()
    few = explained("image", tolerance=10.0, n_superpixels=40, **options)
    assert (few["n_permutations"] == 125).all()


def test_a_found_number_costs_no_prediction_twice():
    calls = []

    def counted(rows):
        calls.append(len(rows))
        return linear(rows)

    explainer = lime(WIDE, as_regressor(counted), probe=False)
    found = explain(
        WIDE.head(1), explainer, n_permutations="auto", tolerance=0.02, random_state=1, n_features=2
    )
    assert len(calls) > 1
    assert sum(calls) == found["n_permutations"].iloc[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"intervals": 1.5}, "`intervals` must be True, False or a level such as 0.9; not 1.5"),
        ({"intervals": "yes"}, "`intervals` must be True, False or a level"),
        ({"max_permutations": 10}, '`n_permutations="auto"`'),
        ({"n_permutations": "auto", "max_permutations": 1}, "`max_permutations` must be a whole"),
        ({"tolerance": 0}, "`tolerance` must be a positive number"),
        ({"n_calls": 5}, "`quality=True`"),
        ({"n_calls": -5, "quality": True}, "`n_calls` must be a whole number of at least 0"),
    ],
)
def test_wrong_arguments_are_errors_with_the_cure(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explained("table", **options)
    with pytest.raises(TypeError, match='at least 2, "auto" or "all"; not \'Auto\''):
        explained("table", n_permutations="Auto")


# Quality and its verdict


def test_quality_is_a_glance_at_the_explanation():
    explainer = lime(WIDE, as_regressor(linear))
    whole = explain(WIDE.head(3), explainer, quality=True, random_state=1)
    glance = quality(WIDE.head(3), explainer, random_state=1)
    pd.testing.assert_frame_equal(glance, quality(whole))
    assert glance["case"].tolist() == [0, 1, 2]
    assert list(glance) == [
        "case",
        "model_prediction",
        "n_permutations",
        "effective_n",
        "model_r2",
        *QUALITY[1:],
    ]
    with pytest.raises(TypeError, match="`quality=True`"):
        quality(WIDE.head(3))


def test_what_a_linear_model_leaves_over_is_inside_the_bins():
    explainer = lime(WIDE, as_regressor(linear))
    found = quality(WIDE.head(4), explainer, n_calls=500, n_features=4, random_state=1)
    np.testing.assert_allclose(
        found["model_r2"] + found["left_out"] + found["together"] + found["in_bins"], 1, atol=0.1
    )
    assert (found["together"] < 0.1).all()
    assert (found["in_bins"] > 0.15).all()
    low = found[found["model_r2"] < 0.5]
    assert len(low)
    assert low["verdict"].str.contains("inside the bins").all()


def test_what_acts_together_is_named():
    levels = pd.DataFrame(RANDOM.choice(["a", "b"], (300, 4)), columns=list("wxyz"))

    def parity(rows):
        return ((rows["w"] == "a") ^ (rows["x"] == "a")).astype(float)

    explainer = lime(levels, as_regressor(parity))
    with pytest.warns(FitWarning, match="next to nothing"):
        found = quality(levels.head(1), explainer, n_calls=300, random_state=1, **EVEN)
    assert found["in_bins"][0] == 0
    assert found["together"][0] > 0.9
    assert "act together" in found["verdict"][0]


def test_a_verdict_names_the_cure():
    explainer = lime(WIDE, as_regressor(linear), bin_continuous=False)
    options = {"random_state": 1, "n_features": 2}
    assert quality(WIDE.head(1), explainer, **options)["verdict"].tolist() == [
        "nothing speaks against it"
    ]
    with pytest.warns(FitWarning):
        found = quality(WIDE.head(1), explainer, dist_fun="euclidean", kernel_width=0.05, **options)
    assert "permutations count: widen the neighbourhood" in found["verdict"][0]
    small = lime(WIDE, as_regressor(lambda rows: 1e-4 * linear(rows)), bin_continuous=False)
    with pytest.warns(FitWarning):
        found = quality(WIDE.head(1), small, **options)
    assert "pass `penalty=0`" in found["verdict"][0]
    assert "describes" not in found["verdict"][0]  # without the penalty it describes more
    assert found["shrinkage"][0] > 0.1

    def noise(rows):
        return np.random.default_rng(7).normal(size=len(rows))

    with pytest.warns(FitWarning, match="next to nothing"):
        found = quality(
            WIDE.head(1), lime(WIDE, as_regressor(noise)), n_permutations=300, **options
        )
    assert "raise `n_permutations`" in found["verdict"][0]


def test_texts_and_images_have_nothing_inside_bins():
    for kind in ("text", "image"):
        found = quality(explained(kind, quality=True, n_calls=10, random_state=1))
        assert (found["in_bins"] == 0).all()
        np.testing.assert_allclose(
            found["model_r2"] + found["left_out"] + found["together"], 1, atol=1e-9
        )


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e4, 1e9])
def test_intervals_and_contributions_follow_the_response(factor):
    options = {"penalty": 0, "random_state": 1, "intervals": True, "contributions": True}
    plain = explain(WIDE.head(2), lime(WIDE, as_regressor(linear)), **options)
    explainer = lime(WIDE, as_regressor(lambda rows: factor * linear(rows)))
    other = explain(WIDE.head(2), explainer, **options)
    assert other["feature"].tolist() == plain["feature"].tolist()
    scaled_columns = ["feature_weight", "feature_se", "feature_lo", "feature_hi"]
    for name in [*scaled_columns, "feature_contribution", "surrogate_mean"]:
        np.testing.assert_allclose(other[name] / factor, plain[name], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(other["feature_freq"], plain["feature_freq"], atol=0.02)


def test_as_many_words_as_a_book_have_quality_too(monkeypatch):
    from pylime.surrogate import assessment, selection

    for module in (assessment, selection):
        monkeypatch.setattr(module, "WIDE", 20)
    text = " ".join(f"word{number}" for number in range(60))
    explainer = lime([text], as_regressor(lambda texts: [("word7" in t) + 0.0 for t in texts]))
    found = quality(text, explainer, n_features=2, n_permutations=500, n_calls=5, random_state=1)
    assert found[["left_out", "together"]].isna().all(axis=None)
    assert found["fresh_r2"][0] > 0.9


def test_jobs_change_nothing():
    options = {"n_permutations": "auto", "random_state": 1, "n_features": 2, **TRUST, "n_calls": 9}
    for kind in KINDS:
        pd.testing.assert_frame_equal(
            explained(kind, **options), explained(kind, n_jobs=2, **options)
        )


def test_margins_compare_numbers_of_different_units():
    """Grams in place of kilograms change the weight, not how well it is known."""
    options = {"n_features": 2, "random_state": 1}
    margins = []
    for factor in (1.0, 1000.0):
        rows = ROWS.assign(mass=ROWS["mass"] * factor)

        def model(rows, factor=factor):
            return standing(rows.assign(mass=rows["mass"] / factor)) + np.sin(rows["height"])

        explainer = lime(rows, as_regressor(model), bin_continuous=False)
        margins += quality(rows.head(1), explainer, **options)["margin"].tolist()
    assert 0.4 < margins[0] / margins[1] < 2.5  # apart from the draws


def test_the_warning_of_poor_fits_names_the_label():
    def model(rows):
        low = 1 / (1 + np.exp(-standing(rows)))
        noise = np.random.default_rng(len(rows)).uniform(0, 0.1, len(rows))
        return np.column_stack([low * 0.9, noise, 1 - 0.9 * low - noise])

    explainer = lime(ROWS, as_classifier(model, ["low", "noise", "high"]), bin_continuous=False)
    with pytest.warns(FitWarning, match=r"for case 0 \(label 'noise'\)\. `pylime"):
        explain(ROWS.head(1), explainer, n_labels=3, random_state=1)


# Limits from all subsets, which no permutation is needed for


def limit_of_subsets(value, p, chance):
    """
    The unpenalised weights and intercept of the fit to all non-empty subsets of p parts.

    `value` is the response to a subset, `chance` its probability from the number of its parts.
    """
    subsets = [np.array(bits) for bits in itertools.product([0, 1], repeat=p) if any(bits)]
    design = np.column_stack([np.array(subsets), np.ones(len(subsets))])
    weights = np.array([chance(bits.sum()) * np.sqrt(bits.sum() / p) for bits in subsets])
    response = np.array([value(bits) for bits in subsets])
    return np.linalg.solve(design.T @ (weights[:, None] * design), design.T @ (weights * response))


@pytest.mark.parametrize("draws", ["balanced", "independent"])
def test_products_of_words_have_the_weights_of_all_subsets(draws):
    words = ["zero", "one", "two", "three", "four", "five"]

    def value(kept):
        return 2.0 * kept[0] * kept[1] + kept[2] - 0.5 * kept[3] * kept[4]

    def model(texts):
        kept = np.array([[word in text.split() for word in words] for text in texts])
        return value(kept.T.astype(float))

    limit = limit_of_subsets(value, 6, lambda k: 1 / (6 * math.comb(6, k)))
    explainer = lime([" ".join(words)], as_regressor(model))
    found = explain(
        " ".join(words), explainer, n_features=6, intervals=0.999, random_state=1, draws=draws
    )
    for row in found.itertuples():
        exact = limit[words.index(row.feature)]
        assert row.feature_lo <= exact <= row.feature_hi
        assert row.feature_hi - row.feature_lo < 0.4
        assert row.feature_weight == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("p_remove", [0.3, 0.5])
def test_products_of_superpixels_have_the_weights_of_all_subsets(p_remove):
    quarters = np.kron(np.array([[1, 2], [3, 4]]), np.ones((8, 8), dtype=int))
    image = np.full((16, 16, 3), 255, dtype=np.uint8)

    def value(kept):
        return 2.0 * kept[0] * kept[1] + kept[2] - 0.5 * kept[2] * kept[3]

    def model(images):
        return value((images[:, [0, 0, 15, 15], [0, 15, 0, 15], 0] == 255).T.astype(float))

    limit = limit_of_subsets(value, 4, lambda k: (1 - p_remove) ** k * p_remove ** (4 - k))
    found = explain(
        image,
        lime(image, as_regressor(model)),
        segmentation=lambda pixels: quarters,
        p_remove=p_remove,
        background="black",
        n_features=4,
        intervals=0.999,
        random_state=1,
    )
    for row in found.itertuples():
        exact = limit[int(row.feature) - 1]
        assert row.feature_lo <= exact <= row.feature_hi
        assert row.feature_weight == pytest.approx(exact, abs=0.1)
