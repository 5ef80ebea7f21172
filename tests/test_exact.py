"""Explanations by all permutations there are: the limit of ever more draws."""

import re
import warnings
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from pylime import (
    CaseError,
    CaseWarning,
    as_classifier,
    as_plain,
    as_regressor,
    default_tokenize,
    explain,
    explain_batches,
    explain_to_parquet,
    glance,
    lime,
    plot_widths,
    quality,
    read_explanation,
    spark_schema,
    write_explanation,
)
from pylime.batches import arrow_schema
from pylime.errors import RequestError
from pylime.masks import all_masks, draw_masks, kept_words, mask_shares
from pylime.pipeline import Permutations, Perturbed
from pylime.surrogate.assessment import share_of_patterns

TEXT = "superb story, awful music, long"
EFFECTS = {"superb": 0.4, "story": 0.1, "awful": -0.3, "music": 0.05, "long": -0.1}


def liking(texts):
    """A sum of words, and two that act together."""
    values = []
    for text in texts:
        words = set(default_tokenize(text))
        value = sum(effect for word, effect in EFFECTS.items() if word in words)
        values.append(value + 0.2 * {"superb", "music"}.issubset(words))
    return np.array(values)


BLOCKS = np.kron(np.arange(1, 7).reshape(2, 3), np.ones((4, 4), dtype=int))
IMAGE = np.full((8, 12, 3), 200, dtype=np.uint8)


def light(images):
    values = images[:, ::4, ::4, 0].reshape(len(images), -1) / 255.0
    return values @ np.linspace(0.5, -0.2, 6) + values[:, 0] * values[:, 4]


def of_text(**options):
    return explain(TEXT, lime(TEXT, as_regressor(liking)), **options)


def of_image(**options):
    explainer = lime(IMAGE, as_regressor(light), probe=False)
    painted = {"segmentation": lambda _: BLOCKS, "background": "black"}
    return explain(IMAGE, explainer, **painted, **options)


EXPLAINED = {"text": of_text, "image": of_image}


def limit(kind, columns, p_remove=None, penalty=0.0):
    """Weights of a ridge regression on all subsets, by brute force."""
    m = 5 if kind == "text" else 6
    subsets = [kept for kept in product([True, False], repeat=m) if any(kept)]
    design = np.array(subsets)
    if kind == "text":
        response = liking(
            [" ".join(w for w, k in zip(EFFECTS, s, strict=True) if k) for s in design]
        )
    else:
        pixels = np.array([np.where(kept[BLOCKS - 1][..., None], IMAGE, 0) for kept in design])
        response = light(pixels)
    sizes = design.sum(axis=1)
    if kind == "text" and p_remove is None:
        same_size = np.array([(sizes == size).sum() for size in sizes])
        shares = 1 / (m * same_size)
    else:
        r = 0.5 if p_remove is None else p_remove
        shares = r ** (m - sizes) * (1 - r) ** sizes
    weights = shares * np.sqrt(sizes / m)
    weights /= weights.sum()
    x = design[:, columns] - weights @ design[:, columns]
    y = response - weights @ response
    scale = np.sqrt(weights @ x**2)
    rows = np.vstack([x / scale * np.sqrt(weights)[:, None], np.eye(len(columns)) * 0.0])
    # λ / sd(y), as glmnet scales it, as further rows.
    rows[len(x) :] = np.sqrt(penalty / np.sqrt(weights @ y**2)) * np.eye(len(columns))
    target = np.append(y * np.sqrt(weights), np.zeros(len(columns)))
    return np.linalg.lstsq(rows, target, rcond=None)[0] / scale


@pytest.mark.parametrize("kind", EXPLAINED)
@pytest.mark.parametrize("n_features", [3, 10])
@pytest.mark.parametrize("method", ["auto", "highest_weights", "lasso_path", "tree"])
def test_weights_are_those_of_all_subsets(kind, n_features, method):
    found = EXPLAINED[kind](n_permutations="all", n_features=n_features, feature_select=method)
    names = list(EFFECTS) if kind == "text" else [str(number) for number in range(1, 7)]
    columns = [names.index(feature) for feature in found["feature"]]
    n = 5000 if kind == "text" else 1000
    by_hand = limit(kind, columns, penalty=2 / n)
    np.testing.assert_allclose(found["feature_weight"], by_hand, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("kind", "n"), [("text", 40_000), ("image", 40_000)])
def test_many_draws_come_ever_closer(kind, n):
    options = {"n_features": 10, "penalty": 0}
    exact = EXPLAINED[kind](n_permutations="all", **options)["feature_weight"]
    drawn = EXPLAINED[kind](n_permutations=n, random_state=2, **options)["feature_weight"]
    few = EXPLAINED[kind](n_permutations=500, random_state=2, **options)["feature_weight"]
    error = (drawn - exact).abs().max() / exact.abs().max()
    assert error < 0.003
    assert error < (few - exact).abs().max() / exact.abs().max()


def test_the_case_is_no_further_row_and_removal_has_its_probability():
    found = of_image(n_permutations="all", p_remove=0.2, penalty=0, n_features=6)
    np.testing.assert_allclose(found["feature_weight"], limit("image", list(range(6)), 0.2))


@pytest.mark.parametrize("m", [2, 3, 6])
def test_shares_are_those_of_the_draws(m):
    kept = all_masks(m)
    assert len(np.unique(kept, axis=0)) == 2**m - 1
    assert kept[0].all()
    assert (np.diff(kept.sum(axis=1)) <= 0).all()
    for p_remove in (None, 0.3, 0.5):
        shares = mask_shares(kept, p_remove)
        assert shares.sum() == pytest.approx(1)
        random = np.random.default_rng(1)
        n = 100_001
        drawn = kept_words(n, m, random) if p_remove is None else draw_masks(n, m, p_remove, random)
        numbers = drawn[1:] @ (1 << np.arange(m))
        found = np.bincount(numbers, minlength=2**m) / (n - 1)
        np.testing.assert_allclose(found[kept @ (1 << np.arange(m))], shares, atol=0.003)


@pytest.mark.parametrize("kind", EXPLAINED)
def test_nothing_is_uncertain_and_nothing_depends_on_the_seed(kind):
    options = {"n_permutations": "all", "intervals": True, "contributions": True, "n_features": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = EXPLAINED[kind](**options, quality=True, random_state=1)
    pd.testing.assert_frame_equal(found, EXPLAINED[kind](**options, quality=True, random_state=2))
    n = 31 if kind == "text" else 63
    assert (found["n_permutations"] == n).all()
    assert found["exact"].dtype == bool
    assert found["exact"].all()
    assert (found["feature_se"] == 0).all()
    assert (found["feature_lo"] == found["feature_weight"]).all()
    assert (found["feature_hi"] == found["feature_weight"]).all()
    assert (found["feature_freq"] == 1).all()
    assert (found["stability"] == 1).all()
    assert (found["margin"] == 0).all()
    assert (found["fresh_r2"] == found["model_r2"]).all()
    parts = found[["model_r2", "left_out", "together", "in_bins"]].iloc[0]
    assert parts.sum() == pytest.approx(1)
    assert parts["in_bins"] == 0
    assert found["verdict"].iloc[0] == f"all {n} subsets: no sampling error"
    moved = found["model_prediction"].iloc[0] - found["surrogate_mean"].iloc[0]
    assert found["feature_contribution"].sum() == pytest.approx(moved)


def test_verdicts_of_exact_cases_have_their_reasons_without_further_calls():
    def both(texts):
        return np.array([float("superb" in t) * ("awful" in t) * ("long" in t) for t in texts])

    found = quality(TEXT, lime(TEXT, as_regressor(both)), n_permutations="all", n_features=1)
    assert found["together"][0] > 0.2
    assert re.match(
        r"all 31 subsets: no sampling error; the local model describes \d+ % .*features",
        found["verdict"][0],
    )
    small = lime(TEXT, as_regressor(lambda texts: 1e-4 * liking(texts)))
    with pytest.warns(UserWarning, match="`penalty=0`"):
        found = quality(TEXT, small, n_permutations="all")
    assert "the penalty takes" in found["verdict"][0]


@pytest.mark.parametrize("kind", EXPLAINED)
def test_each_subset_is_predicted_once(kind):
    calls = []

    def counted(inputs):
        calls.extend([1] * len(inputs))
        return liking(inputs) if kind == "text" else light(inputs)

    x = TEXT if kind == "text" else IMAGE
    explainer = lime(
        x, as_regressor(counted), probe=False, **({"in_place": True} if kind == "text" else {})
    )
    options = {} if kind == "text" else {"segmentation": lambda _: BLOCKS}
    for number in ("all", "auto"):
        calls.clear()
        explain(x, explainer, n_permutations=number, n_calls=50, quality=True, **options)
        assert len(calls) == (31 if kind == "text" else 63)


def words(n):
    return " ".join(f"w{number}" for number in range(n))


@pytest.mark.parametrize(("n", "exact"), [(2, True), (8, True), (9, False)])
def test_auto_takes_all_of_at_most_500(n, exact):
    explainer = lime([words(n)], as_regressor(lambda texts: [len(t) + 0.0 for t in texts]))
    found = explain(words(n), explainer, n_permutations="auto", random_state=1)
    assert found["exact"].tolist() == [exact] * len(found)
    assert not exact or found["n_permutations"][0] == 2**n - 1
    few = explain(words(n), explainer, n_permutations="auto", max_permutations=200, random_state=1)
    assert few["exact"].tolist() == [n == 2] * len(few)


def test_what_cannot_be_listed_is_an_error_with_the_cure():
    texts = [words(3), words(15), words(3000)]
    explainer = lime(texts, as_regressor(lambda texts: [len(t) + 0.0 for t in texts]))
    with pytest.warns(
        CaseWarning, match=re.escape("15 words have 2^15 - 1 = 32767 subsets")
    ) as caught:
        found = explain(texts, explainer, n_permutations="all")
    message = str(caught[0].message)
    assert "`max_permutations`, 20000" in message
    assert '"auto"' in message
    assert found["case"].unique().tolist() == [0]
    with pytest.raises(CaseError, match=re.escape("3000 words have 2^3000 - 1 subsets")):
        explain(texts[2], explainer, n_permutations="all")
    with pytest.raises(CaseError, match="at most `max_permutations`, 6; 3 words"):
        explain(texts[0], explainer, n_permutations="all", max_permutations=6)
    assert len(explain(texts[0], explainer, n_permutations="all", max_permutations=7)) == 3
    with pytest.raises(RequestError, match=r"pools those of 2.*single_explanation"):
        explain(texts[:2], explainer, n_permutations="all", single_explanation=True)
    alone = explain(texts[:1], explainer, n_permutations="all", single_explanation=True)
    assert alone["exact"].all()
    pooled = explain(texts[:2], explainer, n_permutations="auto", single_explanation=True)
    assert not pooled["exact"].any()
    with pytest.raises(CaseError, match="lower `n_superpixels`"):
        of_image(n_permutations="all", max_permutations=62)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_permutations": "every"}, 'whole number of at least 2, "auto" or "all"; not'),
        ({"n_permutations": "All"}, 'whole number of at least 2, "auto" or "all"; not'),
        ({"n_permutations": "all", "max_permutations": 1}, "`max_permutations` must be a whole"),
        ({"n_permutations": 31, "max_permutations": 99}, '"all" may take'),
    ],
)
def test_wrong_arguments_are_errors(options, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        of_text(**options)


def test_texts_without_two_words_fail_as_before():
    explainer = lime([TEXT], as_regressor(liking))
    with pytest.raises(CaseError, match="a single word"):
        explain("superb", explainer, n_permutations="all")
    with pytest.raises(CaseError, match=r"does not react to the permutations\.$"):
        explain("one two", explainer, n_permutations="all")
    again = explain("no, no, superb", explainer, n_permutations="all")  # repeated words are one
    assert (again["n_permutations"] == 3).all()
    placed = lime([TEXT], as_regressor(liking), keep_word_position=True)
    each = explain("no no superb", placed, n_permutations="all")
    assert (each["n_permutations"] == 7).all()


def test_tables_of_numbers_cannot_list_their_permutations():
    rows = pd.DataFrame({"age": [20.0, 30.0, 40.0, 70.0]})
    explainer = lime(rows, as_regressor(lambda rows: rows["age"]))
    with pytest.raises(RequestError, match=r'"all".*"auto"'):
        explain(rows.head(1), explainer, n_permutations="all")
    assert not explain(rows.head(1), explainer, n_permutations="auto", random_state=1)[
        "exact"
    ].any()


def test_a_kind_that_draws_what_it_has_to_list_is_an_error():
    def perturb(explainer, cases, request):
        kept = np.random.default_rng(1).random((9, 2)) < 0.5
        case = Permutations(
            case=0,
            design=kept,
            weights=np.ones(9),
            features=["a", "b"],
            describe=lambda names: [(None, name) for name in names],
            data=None,
            n_inputs=9,
        )
        return Perturbed([case], [])

    explainer = lime([TEXT], as_regressor(liking))
    explainer = replace(explainer, kind=replace(explainer.kind, perturb=perturb))
    with pytest.raises(ValueError, match="must return all permutations"):
        explain(TEXT, explainer, n_permutations="all")


def test_jobs_batches_files_and_summaries_keep_the_column(tmp_path):
    texts = pd.Series([TEXT, "superb music", words(9), words(16)], index=list("abcd"))
    explainer = lime(
        texts, as_classifier(lambda t: np.clip(0.5 + liking(t), 0, 1), ["bad", "good"])
    )
    options = {"n_permutations": "auto", "max_permutations": 600, "random_state": 1}
    texts = texts[:2]
    found = explain(texts, explainer, **options)
    pd.testing.assert_frame_equal(found, explain(texts, explainer, n_jobs=2, **options))
    schema = spark_schema(explainer, **options)
    assert "n_permutations bigint, exact boolean," in schema
    assert str(arrow_schema(explainer, **options).field("exact").type) == "bool"
    (batch,) = explain_batches([texts], explainer, plain=True, **options)
    assert batch["exact"].dtype == bool
    empty = next(explain_batches([texts[:0]], explainer, **options))
    assert empty["exact"].dtype == bool
    write_explanation(found, tmp_path / "found.json")
    pd.testing.assert_frame_equal(read_explanation(tmp_path / "found.json"), found)
    explain_to_parquet([texts], explainer, tmp_path / "run", **options)
    assert read_explanation(tmp_path / "run")["exact"].all()
    with pytest.raises(ValueError, match="'allowed' and is 'always'"):
        explain_to_parquet(
            [texts], explainer, tmp_path / "run", **{**options, "n_permutations": "all"}
        )
    assert glance(found)["exact"].all()
    assert as_plain(found)["exact"].dtype == bool


def test_progress_reaches_its_end(monkeypatch):
    import contextlib

    import pylime.explainers

    done = []

    @contextlib.contextmanager
    def bar(progress, total, *what):
        yield done.append
        done.append(-total)

    monkeypatch.setattr(pylime.explainers, "progress_bar", bar)
    explainer = lime([TEXT], as_regressor(liking))
    for number in ("all", "auto"):
        done.clear()
        with pytest.warns(CaseWarning):
            explain([TEXT, "alone", words(40)][:2], explainer, n_permutations=number)
        assert sum(done) == 0


def test_widths_are_those_of_tables():
    with pytest.raises(TypeError, match="others have no kernel"):
        plot_widths(TEXT, lime(TEXT, as_regressor(liking)), n_permutations="all")


def test_what_varies_among_equal_rows_is_no_interaction():
    design = np.array([[1, 1], [0, 1], [0, 1], [1, 0]], dtype=bool)
    responses = np.array([[1.0, 1.0], [0.0, 2.0], [2.0, 2.0], [1.0, 1.0]])
    found = share_of_patterns(design, responses, np.ones(4))
    np.testing.assert_allclose(found, [1.0, 0.0])
    assert share_of_patterns(design[[0, 1, 3]], responses[[0, 1, 3]], np.ones(3)).tolist() == [0, 0]
