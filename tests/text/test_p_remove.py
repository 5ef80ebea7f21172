"""Words that are dropped with one probability each."""

import numpy as np
import pytest
from scipy.stats import chisquare

from pylime import as_regressor, explain, lime
from pylime.masks import draw_masks

UNLIKELY = 1e-6
WEIGHTS = {"superb": 2.0, "awful": -3.0, "country": 1.0, "slow": -0.5}
TEXT = "the plot was superb but slow and its end awful in a fine small country"


def bag(texts):
    """A model whose weights are known."""
    return [sum(WEIGHTS.get(word, 0) for word in text.split()) for text in texts]


def generator(seed):
    return np.random.default_rng(seed)


def drawn(draws="balanced", n_permutations=1001, text=TEXT, **options):
    """What each distinct text that the model gets keeps."""
    seen = []

    def model(texts):
        seen.extend(texts)
        return bag(texts)

    explainer = lime(text, as_regressor(model), probe=False)
    explain(text, explainer, n_permutations=n_permutations, random_state=3, draws=draws, **options)
    return seen


@pytest.mark.parametrize("draws", ["balanced", "independent"])
@pytest.mark.parametrize("p_remove", [None, 0.5, 0.2])
def test_both_laws_find_the_weights_of_a_bag_of_words(draws, p_remove):
    options = {"random_state": 1, "n_features": 4, "draws": draws, "intervals": True}
    explainer = lime(TEXT, as_regressor(bag))
    explanation = explain(TEXT, explainer, p_remove=p_remove, **options)
    weights = explanation.set_index("feature")["feature_weight"]
    assert set(weights.index) == set(WEIGHTS)
    for word, weight in WEIGHTS.items():
        assert weights[word] == pytest.approx(weight, abs=0.01)
    assert explanation["model_r2"].min() > 0.999


def test_the_law_is_that_of_independent_words_given_that_one_stays():
    p_remove = 0.7
    for draws in ("balanced", "independent"):
        masks = [
            draw_masks(201, 3, p_remove, generator(seed), draws, kind="text")[[1, 200]]
            for seed in range(3000)
        ]
        found = np.bincount(np.concatenate(masks) @ [1, 2, 4], minlength=8)
        assert found[0] == 0
        n_kept = np.array([number.bit_count() for number in range(1, 8)])
        chances = (1 - p_remove) ** n_kept * p_remove ** (3 - n_kept)
        assert chisquare(found[1:], found.sum() * chances / chances.sum()).pvalue > UNLIKELY


@pytest.mark.parametrize("p_remove", [0.1, 0.5, 0.9])
def test_words_are_kept_as_often_as_asked_and_independently(p_remove):
    kept = draw_masks(4097, 20, p_remove, generator(1), kind="text")[1:]
    rates = kept.mean(axis=0)
    # Where few words stay, those of rows that would be empty are a little more frequent.
    expected = (1 - p_remove) / (1 - p_remove**20)
    np.testing.assert_allclose(rates, expected, atol=0.025)
    if p_remove == 0.5:
        correlations = np.corrcoef(kept.T)[np.triu_indices(20, 1)]
        assert np.abs(correlations).max() < 0.08
        assert abs(correlations.mean()) < 0.005


def test_balanced_words_have_the_nets_of_texts():
    kept = draw_masks(257, 20, 0.5, generator(1), kind="text")[1:]
    assert (kept.sum(axis=0) == 128).all()  # a net of 256 rows; of images one has 128
    half = draw_masks(257, 20, 0.5, generator(1), kind="image")[1:]
    assert not np.array_equal(kept, half)


@pytest.mark.parametrize("draws", ["balanced", "independent"])
@pytest.mark.parametrize("p_remove", [0.5, 0.95])
def test_the_first_rows_are_those_of_a_shorter_run(draws, p_remove):
    """The model sees the texts of the shorter run first; also with so many empty rows."""
    few = drawn(draws, 301, p_remove=p_remove)
    many = drawn(draws, 1500, p_remove=p_remove)
    assert many[: len(few)] == few
    assert all(text.strip() for text in many)
    assert len(many) == len(set(many))


def test_growing_permutations_and_pooled_texts_take_it():
    explainer = lime(TEXT, as_regressor(bag))
    options = {"random_state": 1, "p_remove": 0.5, "n_features": 4}
    grown = explain(TEXT, explainer, n_permutations="auto", **options)
    n = int(grown["n_permutations"].iloc[0])
    once = explain(TEXT, explainer, n_permutations=n, **options)
    np.testing.assert_allclose(grown["feature_weight"], once["feature_weight"], atol=1e-12)
    pooled = explain([TEXT, "superb and awful"], explainer, single_explanation=True, **options)
    weights = pooled.set_index("feature")["feature_weight"]
    assert weights["superb"] == pytest.approx(2, abs=0.1)


def test_without_it_texts_are_as_before():
    assert drawn() == drawn(p_remove=None)
    assert drawn() != drawn(p_remove=0.5)


@pytest.mark.parametrize("wrong", [0, 1, 1.5, -0.1, "half", float("nan"), True, [0.5]])
def test_it_is_a_probability(wrong):
    explainer = lime(TEXT, as_regressor(bag))
    with pytest.raises(ValueError, match="`p_remove` must be a probability between 0 and 1; not"):
        explain(TEXT, explainer, p_remove=wrong)
