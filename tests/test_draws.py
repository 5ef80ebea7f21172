"""Uniform numbers in nets: the laws of rows, and that the first ones do not depend on the rest."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, qmc

import pylime.draws
from pylime import as_regressor, explain, lime
from pylime.draws import (
    DRAWS,
    are_balanced,
    comparable_blocks,
    field_points,
    net_sizes,
    sobol,
    uniform,
    uniform_blocks,
)
from pylime.explainers import make_request
from pylime.masks import draw_masks, kept_words
from pylime.pipeline import prepare_cases

# Of fixed seeds: one in so many laws that hold would fail at other seeds.
UNLIKELY = 1e-4
KINDS = ["table", "text", "image"]

draws_of_all = pytest.mark.parametrize("draws", DRAWS)


def generator(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# Points and nets


@pytest.mark.parametrize(("n_columns", "bits"), [(1, 0), (2, 2), (30, 9), (50, 7), (257, 10)])
def test_points_are_those_of_scipy(n_columns, bits):
    theirs = qmc.Sobol(n_columns, scramble=False, bits=30).random_base2(bits) * 2**30
    points = sobol(n_columns, 2**bits)
    np.testing.assert_array_equal(points, theirs)
    assert points is sobol(n_columns, 2**bits)
    with pytest.raises(ValueError, match="read-only"):
        points[0, 0] = 1


def test_nets_grow_with_the_columns_and_end():
    sizes = [net_sizes("table", n) for n in (0, 1, 128, 129, 256, 257, 2000)]
    assert sizes == [(256, 256, 512)] * 3 + [(512, 512, 1024)] * 2 + [(256,)] * 2
    sizes = [net_sizes("text", n) for n in (0, 2, 128, 129, 256, 257)]
    assert sizes == [(256, 256, 512)] * 3 + [(512, 512, 1024)] * 2 + [()]
    images = [net_sizes("image", n) for n in (2, 64, 65, 150, 151)]
    assert images == [(128,), (128,), (256,), (256,), ()]


@draws_of_all
@pytest.mark.parametrize("kind", KINDS)
def test_comparable_numbers_have_the_order_of_the_uniform_ones(draws, kind):
    blocks = comparable_blocks(700, 40, draws, kind, generator(3))
    uniforms = uniform_blocks(700, 40, draws, kind, generator(3))
    n_rows = 0
    for (rows, numbers), (others, scaled) in zip(blocks, uniforms, strict=True):
        assert rows == others
        assert numbers.shape == scaled.shape == (rows.stop - rows.start, 40)
        assert (np.argsort(numbers, axis=1) == np.argsort(scaled, axis=1)).all()
        assert ((numbers < numbers[:, :1]) == (scaled < scaled[:, :1])).all()
        n_rows += len(numbers)
    assert n_rows == 700


def test_rows_of_a_single_net_do_not_count_as_balanced():
    assert [are_balanced(n, 30, "balanced", "table") for n in (5, 256, 257)] == [False, False, True]
    assert [are_balanced(n, 30, "balanced", "image") for n in (128, 129)] == [False, True]
    assert not are_balanced(5000, 30, "independent", "table")
    assert [are_balanced(n, 900, "balanced", "table") for n in (256, 257)] == [False, True]
    assert not are_balanced(5000, 300, "balanced", "text")


@pytest.mark.parametrize(
    ("kind", "n_columns"),
    [("table", 30), ("table", 257), ("table", 700), ("text", 200), ("image", 100)],
)
def test_a_net_has_one_row_in_each_interval_of_each_column(kind, n_columns):
    sizes = [*net_sizes(kind, n_columns), net_sizes(kind, n_columns)[-1]]
    numbers = uniform(sum(sizes), n_columns, "balanced", kind, generator(1))
    for size, net in zip(sizes, np.split(numbers, np.cumsum(sizes[:-1])), strict=True):
        places = np.sort((net * size).astype(int), axis=0)
        assert (places == np.arange(size)[:, None]).all()


def test_each_net_has_an_order_of_columns_and_a_shift_of_its_own():
    numbers = uniform(3 * 512, 20, "balanced", "table", generator(1))[512:]
    assert not np.isin(numbers[:512], numbers[512:]).any()
    bits = (numbers * 2**30).astype(int).reshape(2, 512, 20)
    differences = bits ^ bits[:, :1]  # without the shift: the columns of the points
    used = pylime.draws._table_order()[:20]
    points = sobol(257, 512).astype(int)
    columns = [
        [np.flatnonzero((points == column[:, None]).all(axis=0)).tolist() for column in net.T]
        for net in differences
    ]
    assert columns[0] != columns[1]
    assert sorted(columns[0]) == sorted(columns[1]) == [[column] for column in sorted(used)]


def pairs_of_quarters(numbers):
    """For any two columns how often each pair of quarters occurs."""
    n_columns = numbers.shape[1]
    indicators = ((numbers * 4).astype(int)[:, :, None] == np.arange(4)).astype(float)
    indicators = indicators.reshape(len(numbers), -1)
    counts = (indicators.T @ indicators).reshape(n_columns, 4, n_columns, 4)
    return counts.transpose(0, 2, 1, 3)[~np.eye(n_columns, dtype=bool)]


def test_any_two_columns_from_a_field_fill_all_pairs_of_quarters():
    points = field_points()
    assert points.shape == (256, 85)
    assert (pairs_of_quarters(points / 2**30) == 16).all()
    assert points is field_points()
    with pytest.raises(ValueError, match="read-only"):
        points[0, 0] = 1


def test_columns_of_a_part_fill_all_pairs_of_quarters_and_parts_are_independent():
    """With the same order of rows in all parts, some columns would be found again in others."""
    numbers = uniform(512, 340, "balanced", "table", generator(2))
    for net in (numbers[:256], numbers[256:]):
        counts = pairs_of_quarters(net)
        balanced = (counts == 16).all(axis=(1, 2))
        assert balanced.mean() == pytest.approx(84 / 339, abs=0.01)  # those of the same part
        # The counts of independent columns have a standard deviation of 3; those of columns that
        # share a digit are 0 and 32.
        assert np.abs(counts - 16).max() <= 15
        assert np.square(counts[~balanced] - 16).mean() == pytest.approx(9, rel=0.03)


def imitations(columns, n_rows):
    """The share of pairs of columns, of whose 4 x 8 cells of first digits half are empty."""
    points = sobol(257, n_rows)[:, columns]
    quarters, eighths = points >> 28, points >> 27
    found = [
        np.count_nonzero(np.bincount(quarters[:, one] * 8 + eighths[:, other], minlength=32)) <= 16
        for one in range(len(columns))
        for other in range(len(columns))
        if one != other
    ]
    return np.mean(found)


@pytest.mark.parametrize("n_columns", [9, 16, 30, 51, 100])
def test_tables_use_columns_of_which_few_imitate_others(n_columns):
    order = pylime.draws._table_order()
    assert sorted(order) == list(range(257))
    assert imitations(order[:n_columns], 256) < imitations(np.arange(n_columns), 256)
    assert imitations(order[:n_columns], 512) <= imitations(np.arange(n_columns), 512)


@draws_of_all
@given(
    st.integers(0, 40),
    st.integers(0, 1500),
    st.integers(0, 3000),
    st.sampled_from([0, 1, 3, 17, 64, 65, 130, 151, 256, 300]),
    st.sampled_from(KINDS),
)
def test_the_first_rows_do_not_depend_on_how_many_follow(draws, seed, n, more, n_columns, kind):
    few = uniform(n, n_columns, draws, kind, generator(seed))
    many = uniform(n + more, n_columns, draws, kind, generator(seed))
    assert few.shape == (n, n_columns)
    np.testing.assert_array_equal(few, many[:n])
    if few.size:
        assert 0 < few.min() <= few.max() < 1


@draws_of_all
def test_blocks_are_the_rows_in_their_order(draws):
    blocks = list(uniform_blocks(3000, 90, draws, "table", generator(1)))
    assert [part.start for part, _ in blocks[1:]] == [part.stop for part, _ in blocks[:-1]]
    whole = uniform(3000, 90, draws, "table", generator(1))
    np.testing.assert_array_equal(np.concatenate([numbers for _, numbers in blocks]), whole)
    assert whole.T.flags.c_contiguous


def test_more_columns_than_a_net_serves_are_drawn_independently():
    for kind, n_columns in [("text", 257), ("image", 151)]:
        numbers = uniform(400, n_columns, "balanced", kind, generator(1))
        np.testing.assert_array_equal(numbers, generator(1).random((400, n_columns)))


def test_independent_numbers_are_never_0():
    class Zeros:
        def random(self, shape):
            return np.zeros(shape)

    assert (uniform(5, 2, "independent", "table", Zeros()) > 0).all()  # type: ignore[arg-type]


# Laws of single rows, over seeds


@draws_of_all
@pytest.mark.parametrize("row", [0, 1, 76, 255, 256, 700])
@pytest.mark.parametrize("n_columns", [3, 300])
def test_a_row_is_uniform(draws, row, n_columns):
    numbers = (uniform(row + 1, n_columns, draws, "table", generator(s)) for s in range(3000))
    found = [some[row, :3] for some in numbers]
    cells = (np.array(found) * 3).astype(int) @ [1, 3, 9]
    assert chisquare(np.bincount(cells, minlength=27)).pvalue > UNLIKELY


def test_rows_of_different_nets_are_independent():
    found = [uniform(257, 2, "balanced", "table", generator(s))[[0, 256], 0] for s in range(4000)]
    cells = (np.array(found) * 4).astype(int) @ [1, 4]
    assert chisquare(np.bincount(cells, minlength=16)).pvalue > UNLIKELY


@draws_of_all
@pytest.mark.parametrize("row", [1, 2, 77, 513, 700])
def test_a_row_keeps_any_number_of_words_and_any_of_them(draws, row):
    kept = [kept_words(row + 1, 6, generator(seed), draws)[row] for seed in range(4000)]
    counts = np.sum(kept, axis=1)
    assert chisquare(np.bincount(counts, minlength=7)[1:]).pvalue > UNLIKELY
    threes = np.array(kept)[counts == 3] @ 2 ** np.arange(6)
    _, found = np.unique(threes, return_counts=True)
    assert len(found) == 20
    assert chisquare(found).pvalue > UNLIKELY


@draws_of_all
@pytest.mark.parametrize("row", [1, 2, 77, 129, 300])
@pytest.mark.parametrize("p_remove", [0.3, 0.7, 0.97])
def test_a_row_keeps_superpixels_as_if_empty_ones_were_thrown_away(draws, row, p_remove):
    masks = [draw_masks(row + 1, 3, p_remove, generator(s), draws)[row] for s in range(4000)]
    found = np.bincount(np.array(masks) @ [1, 2, 4], minlength=8)
    assert found[0] == 0
    n_kept = np.array([bin(mask).count("1") for mask in range(1, 8)])
    chances = (1 - p_remove) ** n_kept * p_remove ** (3 - n_kept)
    expected = 4000 * chances / chances.sum()
    common = expected > 4
    rare = ~common
    if rare.any():
        found = [*found[1:][common], found[1:][rare].sum()]
        expected = [*expected[common], expected[rare].sum()]
    else:
        found = found[1:]
    assert chisquare(found, expected).pvalue > UNLIKELY


# The first rows of masks


@draws_of_all
@given(st.integers(0, 40), st.integers(2, 600), st.integers(0, 2000), st.integers(2, 300))
def test_the_first_words_kept_do_not_depend_on_how_many_rows_follow(draws, seed, n, more, n_words):
    few = kept_words(n, n_words, generator(seed), draws)
    many = kept_words(n + more, n_words, generator(seed), draws)
    np.testing.assert_array_equal(few, many[:n])
    assert few[0].all()
    assert many.any(axis=1).all()


@draws_of_all
@given(
    st.integers(0, 40),
    st.integers(2, 600),
    st.integers(0, 2000),
    st.integers(2, 200),
    st.sampled_from([1e-9, 0.1, 0.5, 0.9, 0.999, 1 - 1e-12]),
)
def test_the_first_masks_do_not_depend_on_how_many_follow(draws, seed, n, more, p, p_remove):
    few = draw_masks(n, p, p_remove, generator(seed), draws)
    many = draw_masks(n + more, p, p_remove, generator(seed), draws)
    np.testing.assert_array_equal(few, many[:n])
    assert few[0].all()
    assert many.any(axis=1).all()


@draws_of_all
def test_where_nearly_all_is_removed_each_superpixel_is_kept_alone_as_often(draws):
    kept = draw_masks(6001, 6, 1 - 1e-12, generator(1), draws)[1:]
    assert (kept.sum(axis=1) == 1).all()
    assert chisquare(kept.sum(axis=0)).pvalue > UNLIKELY


# The first rows of explanations: what the fit gets, and what the model sees


def table():
    """Numbers with and without gaps, levels with gaps, whole numbers, dates, codes, a constant."""
    random = generator(1)
    n = 120
    days = pd.Series(pd.Timestamp("2026-01-01") + pd.to_timedelta(random.integers(0, 90, n), "D"))
    return pd.DataFrame(
        {
            "z": random.normal(size=n),
            "gaps": np.where(random.random(n) < 0.3, np.nan, random.normal(size=n)),
            "town": random.choice(["a", "b", "c"], n),
            "maybe": random.choice(np.array(["x", "y", None], dtype=object), n),
            "rooms": random.integers(1, 9, n),
            "sold": days.where(random.random(n) > 0.2),
            "member": random.random(n) < 0.4,
            "one": 1.0,
            "code": random.integers(0, 4, n),
            "price": random.gamma(2.0, size=n).astype(np.float32),
        }
    )


def cases_of_tables():
    frame = table()
    first = frame.iloc[[0]]
    return {
        "usual": first,
        "unseen level": first.assign(town="mars"),
        "missing number": first.assign(gaps=np.nan, price=np.float32(np.nan)),
        "missing level and date": first.assign(town=None, maybe=None, sold=pd.NaT),
        "all levels": first[["town", "member", "maybe"]],
    }


def table_explainer(columns, **options):
    frame = table()[list(columns)]
    dates = {"dates": "draw"} if "sold" in frame else {}
    codes = {"categorical": "code"} if "code" in frame else {}
    model = as_regressor(lambda rows: np.arange(len(rows), dtype=float))
    return lime(frame, model, probe=False, **dates, **codes, **options)


def image():
    return generator(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def blocks(pixels):
    """Twelve squares."""
    rows, columns = np.indices(pixels.shape[:2])
    return 1 + (rows // 8) * 4 + columns // 8


WORDS = "never odd or even is what a mat says to its cat"


def settings():
    """An explainer, a case, and options of `explain()`."""
    for name, case in cases_of_tables().items():
        yield f"table: {name}", lambda case=case: (table_explainer(case), case, {})
    case = cases_of_tables()["usual"]
    unbinned = {"bin_continuous": False}
    for name, options in {
        "densities": unbinned,
        "normal": {**unbinned, "use_density": False},
    }.items():
        yield (
            f"table: {name}",
            lambda options=options: (table_explainer(case, **options), case, {}),
        )
    model = as_regressor(lambda rows: np.arange(len(rows), dtype=float))
    for name, options in {"text": {}, "text in place": {"in_place": True}}.items():
        yield (
            name,
            lambda options=options: (lime([WORDS], model, probe=False, **options), [WORDS], {}),
        )
    for p_remove in (0.5, 0.95):  # most rows of the latter keep nothing at first
        yield (
            f"image: {p_remove}",
            lambda p_remove=p_remove: (
                lime(image(), model, probe=False),
                image(),
                {"segmentation": blocks, "p_remove": p_remove},
            ),
        )


SETTINGS = dict(settings())
settings_of_all = pytest.mark.parametrize("setting", SETTINGS)


def permuted(explainer, case, **options):
    """What the fit gets, and the inputs of the model by permutation."""
    request = make_request(explainer, random_state=3, **options)
    cases = prepare_cases(case, explainer, request)
    perturbed = explainer.kind.perturb(explainer, cases, request)
    (around,) = perturbed.cases
    inputs: list[str] = []
    for batch in perturbed.batches:
        rows = range(batch.n) if batch.rows is None else batch.rows
        written = written_rows(batch.inputs)
        inputs += [written[row] for row in rows]
    rows = range(len(inputs)) if around.rows is None else around.rows
    return around.design, around.weights, [inputs[row] for row in rows]


def written_rows(inputs):
    """Inputs as strings, in which missing values are equal."""
    if isinstance(inputs, pd.DataFrame):
        return [repr(row) for row in inputs.astype(object).itertuples(index=False, name=None)]
    return [part if isinstance(part, str) else np.asarray(part).tobytes() for part in inputs]


@draws_of_all
@settings_of_all
def test_the_first_permutations_are_those_of_a_shorter_run(setting, draws):
    explainer, case, options = SETTINGS[setting]()
    *long, seen = permuted(explainer, case, n_permutations=1300, draws=draws, **options)
    for n in (2, 100, 513, 700):
        *short, inputs = permuted(explainer, case, n_permutations=n, draws=draws, **options)
        np.testing.assert_array_equal(short[0], long[0][:n])
        # R's Gower distance divides numbers by their range among the permutations of a run.
        if not setting.startswith("table") or setting == "table: all levels":
            np.testing.assert_array_equal(short[1], long[1][:n])
        assert inputs == seen[:n]
    assert len(set(seen)) > 10


class Recorder:
    """A model of anything that keeps what it gets."""

    def __init__(self):
        self.seen = []

    def __call__(self, inputs):
        found = written_rows(inputs)
        self.seen += found
        return np.array([hash_of(row) for row in found])


def hash_of(row):
    return sum(row.encode() if isinstance(row, str) else row) % 97 / 97


@draws_of_all
@settings_of_all
def test_the_model_sees_the_rows_of_a_shorter_run_first(setting, draws):
    explainer, case, options = SETTINGS[setting]()
    seen = {}
    for n in (150, 700):
        model = Recorder()
        like = explainer.__class__(**{**vars(explainer), "model": as_regressor(model)})
        explain(case, like, n_permutations=n, random_state=3, draws=draws, **options)
        seen[n] = list(dict.fromkeys(model.seen))
    assert seen[150] == seen[700][: len(seen[150])]


@settings_of_all
def test_kinds_of_draws_differ_and_equal_ones_repeat(setting):
    explainer, case, options = SETTINGS[setting]()
    found = {
        draws: permuted(explainer, case, n_permutations=300, draws=draws, **options)[2]
        for draws in DRAWS
    }
    assert found["balanced"] != found["independent"]
    again = permuted(explainer, case, n_permutations=300, **options)[2]
    assert again == found["balanced"]


# Arguments, and how draws behave in a table


def test_other_draws_are_an_error():
    explainer = table_explainer(["z", "town"])
    with pytest.raises(ValueError, match=r"`draws` must be .*balanced.*independent"):
        explain(table().head(1), explainer, draws="sobol")


@draws_of_all
def test_a_table_of_constants_can_be_permuted(draws):
    frame = pd.DataFrame({"one": np.ones(9), "two": np.full(9, 2.0)})
    model = as_regressor(lambda rows: np.arange(len(rows), dtype=float))
    with pytest.warns(UserWarning, match="zero variance"):
        explainer = lime(frame, model, probe=False)
    design, _, seen = permuted(explainer, frame.head(1), n_permutations=20, draws=draws)
    assert not design.any()
    assert len(set(seen)) == 1


@draws_of_all
def test_the_order_of_columns_and_further_cases_change_nothing(draws):
    columns = ["z", "gaps", "town", "maybe", "rooms", "sold"]
    frame = table()[columns]
    weights = {"z": 1.0, "rooms": 0.5}

    def predict(rows):
        return sum(weights[name] * rows[name] for name in weights) + rows["gaps"].isna()

    options = {"n_permutations": 600, "random_state": 5, "n_features": 6, "draws": draws}
    found = []
    for order in (columns, columns[::-1]):
        explainer = lime(frame[order], as_regressor(predict), dates="draw")
        one = explain(frame[order].iloc[[3]], explainer, **options)
        many = explain(frame[order].iloc[[7, 3, 1]], explainer, **options)
        same = many[many["case"] == 3].reset_index(drop=True)
        pd.testing.assert_frame_equal(one, same)
        found.append(one.set_index("feature")["feature_weight"].sort_index())
    pd.testing.assert_series_equal(*found, rtol=1e-9)


@pytest.mark.parametrize("n", [512 + 1, 3 * 512 + 1])
def test_levels_and_bins_of_whole_nets_have_exactly_their_shares(n):
    """Shares that are multiples of 1/512 come out to the row; other ones to a row per level."""
    levels = np.repeat(["a", "b", "c", "d"], [64, 128, 64, 256])
    frame = pd.DataFrame({"town": levels, "z": np.arange(512.0)})
    model = as_regressor(lambda rows: np.arange(len(rows), dtype=float))
    explainer = lime(frame, model, probe=False)
    request = make_request(explainer, n_permutations=n, random_state=1)
    cases = prepare_cases(frame.head(1), explainer, request)
    (batch,) = explainer.kind.perturb(explainer, cases, request).batches
    drawn = batch.inputs.iloc[1:]
    shares = drawn["town"].value_counts(normalize=True).sort_index()
    assert shares.to_dict() == {"a": 0.125, "b": 0.25, "c": 0.125, "d": 0.5}
    bins = pd.cut(drawn["z"], explainer.bin_cuts["z"], include_lowest=True)
    assert (bins.value_counts(normalize=True) == 0.25).all()


@draws_of_all
def test_as_many_values_are_missing_as_in_the_training_data(draws):
    frame = table()[["gaps", "maybe", "sold", "z"]]
    explainer = table_explainer(frame)
    request = make_request(explainer, n_permutations=5001, random_state=1, draws=draws)
    cases = prepare_cases(frame.head(1), explainer, request)
    (batch,) = explainer.kind.perturb(explainer, cases, request).batches
    missing = batch.inputs.iloc[1:].isna().mean()
    expected = frame.isna().mean()
    assert (expected > 0.1).tolist() == [True, True, True, False]
    assert (abs(missing - expected) <= 4 * np.sqrt(expected * (1 - expected) / 5000)).all()
    together = batch.inputs.iloc[1:][["gaps", "sold"]].isna().all(axis=1).mean()
    assert together == pytest.approx(expected["gaps"] * expected["sold"], abs=0.015)
    # The values that are not missing are drawn as if none was.
    for name in ("gaps", "sold"):
        cuts = explainer.bin_cuts[name]
        found, learnt = (
            pd.cut(data[name].dropna(), cuts, include_lowest=True).value_counts(
                normalize=True, sort=False
            )
            for data in (batch.inputs.iloc[1:], frame)
        )
        np.testing.assert_allclose(found, learnt, atol=0.04)
