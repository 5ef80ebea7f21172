"""Explainers of tables against R's, figure by figure."""

import warnings

import numpy as np
import pandas as pd
import pytest
from r_tables import REFERENCE, figures, frame, numbers, training_data
from scipy import stats

from pylime import as_regressor, explain, lime
from pylime.similarity import DIST_FUNS, exponential_kernel, gower, gower_distance, row_distance
from pylime.tabular import describe_feature, numerify
from pylime.tabular.distributions import density
from pylime.tabular.explainer import fit_column
from pylime.tabular.options import TableOptions

MODEL = as_regressor(lambda rows: np.zeros(len(rows)))

SETTINGS = ("bin_continuous", "n_bins", "quantile_bins", "use_density")


def explainer_of(data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return lime(data, MODEL, **options)


def recorded(function, *arguments, **options):
    """What a function returns, and the texts of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(*arguments, **options)
    return result, [str(warning.message) for warning in caught]


# Explainers


EXPLAINERS = figures("tabular_explainers")["explainers"]


@pytest.mark.parametrize(
    "stored", EXPLAINERS, ids=["-".join(str(e[k]) for k in ("data", *SETTINGS)) for e in EXPLAINERS]
)
def test_explainers_are_those_of_r(stored):
    data = training_data(stored["data"])
    options = {name: stored[name] for name in SETTINGS}
    explainer, messages = recorded(lime, data, MODEL, dates="hold", **options)
    messages = [part for message in messages for part in by_column(message)]
    for ours, theirs in zip(sorted(messages), sorted(stored["warnings"]), strict=True):
        assert ours.startswith(theirs.removesuffix("."))
    if stored.get("error"):
        assert stored["error"] == "'x' contains missing values"  # ours leaves these out
        return
    assert explainer.feature_type == stored["feature_type"]
    for name, cuts in stored["bin_cuts"].items():
        if cuts is None:
            assert explainer.bin_cuts[name] is None
        else:
            np.testing.assert_allclose(explainer.bin_cuts[name], numbers(cuts), rtol=1e-12)
    for name, theirs in stored["feature_distribution"].items():
        check_distribution(explainer.feature_distribution[name], theirs, explainer, name)


def by_column(message):
    """The warnings of R, one a column, that one of ours of several columns stands for."""
    names, found, rest = message.partition(" do not contain enough variance")
    texts = [f"{name} does not contain enough variance{rest}" for name in names.split(", ")]
    return texts if found else [message]


def check_distribution(ours, theirs, explainer, name):
    if theirs["kind"] == "NA":
        assert ours is None
    elif theirs["kind"] == "mean_sd":
        np.testing.assert_allclose(ours, [theirs["mean"], theirs["sd"]], rtol=1e-12)
    elif theirs["kind"] == "density":
        with np.load(REFERENCE / "tabular_density.npz") as stored:
            x, y = stored[theirs["npz_key"] + "__x"], stored[theirs["npz_key"] + "__y"]
        np.testing.assert_allclose(ours.x, x, rtol=0, atol=1e-12 * np.abs(x).max())
        np.testing.assert_allclose(ours.y, y, rtol=0, atol=1e-12 * y.max())
        assert ours.bw == pytest.approx(theirs["bw"], rel=1e-12)
    elif theirs["kind"] == "other":
        assert not len(ours)  # a logical column that is missing throughout
    elif explainer.feature_type[name] in ("numeric", "integer"):
        # R leaves empty bins out of its table; ours have share 0.
        shares = np.zeros(len(explainer.bin_cuts[name]) - 1)
        shares[[int(bin_) - 1 for bin_ in theirs["names"]]] = theirs["values"]
        np.testing.assert_allclose(ours, shares, rtol=1e-12)
    else:
        shares = dict(zip(theirs["names"], theirs["values"], strict=True))
        logical = {True: "TRUE", False: "FALSE"}
        assert {logical.get(level, level) for level in ours.index} == set(shares)
        for level, share in ours.items():
            assert share == pytest.approx(shares[logical.get(level, level)], rel=1e-12)


def test_density_needs_no_warning_for_repeated_values():
    estimate = density(np.array([1.0, 1.0, 1.0, 1.0, 2.0]))
    assert np.trapezoid(estimate.y, estimate.x) == pytest.approx(1.0, abs=0.01)


# Design, descriptions and distances


FRAMES = figures("numerify_describe_gower")["frames"]
FRAME_IDS = [f"{number}-{stored['row1']}" for number, stored in enumerate(FRAMES)]


def stored_frame(stored):
    """The frame, its explainer, and which of its cells a listed difference changes."""
    content = figures("numerify_describe_gower")
    types = stored["feature_type"]
    levels = content["train_levels"]
    kinds = {name: "numeric" if t == "constant" else t for name, t in types.items()}
    data = frame(content["train"], kinds, levels)
    explainer = explainer_of(data, **stored["settings"])
    rows = frame(stored["frame"], kinds, levels)
    changed = rows.isna()
    changed.loc[:, rows.iloc[0].isna().to_numpy()] = True  # missing is a level of its own
    if stored["settings"]["bin_continuous"]:
        for name, cuts in explainer.bin_cuts.items():
            if cuts is not None:  # beyond the training range R has a bin more
                beyond = (rows[name] > cuts[-1]).fillna(False).to_numpy(dtype=bool)
                changed[name] |= beyond | beyond[0]
    return rows, explainer, changed


@pytest.mark.parametrize("stored", FRAMES, ids=FRAME_IDS)
def test_numerify_is_that_of_r(stored):
    rows, explainer, changed = stored_frame(stored)
    ours = numerify(rows, explainer)
    assert stored["numerify"]["ok"]
    compared = 0
    for name, theirs in stored["numerify"]["value"].items():
        same = ~changed[name].to_numpy()
        np.testing.assert_array_equal(ours[name][same], numbers(theirs)[same])
        compared += same.sum()
    assert compared >= (60 if stored["row1"] == "na" else 280)


@pytest.mark.parametrize("stored", FRAMES, ids=FRAME_IDS)
def test_descriptions_are_those_of_r(stored):
    rows, explainer, _ = stored_frame(stored)
    for name, theirs in stored["describe_feature"].items():
        ours = describe_feature(name, rows.iloc[0], explainer)
        if explainer.feature_type[name] in ("constant", "date_time"):
            assert ours == name  # R stops, or says the same
        elif pd.isna(rows[name].iloc[0]):
            assert ours == f"{name} is missing"
        else:
            assert ours == theirs


@pytest.mark.parametrize("stored", figures("numerify_describe_gower")["describe_format"])
def test_cut_points_print_as_in_r(stored):
    cuts = numbers(stored["cuts"])
    made = fit_column("feat", pd.Series(cuts), TableOptions(n_bins=len(cuts) - 1))
    np.testing.assert_allclose(made.bin_cuts, cuts, rtol=1e-12)
    ours = [made.describe(value) for value in numbers(stored["values"])]
    theirs = stored["desc"]
    if any(desc.split(" < ")[0] == desc.split(" <= ")[-1] for desc in theirs):
        # R prints two cut points alike (difference 19).
        assert len(set(ours)) == len(cuts) - 1
        return
    assert ours == theirs


@pytest.mark.parametrize("stored", FRAMES, ids=FRAME_IDS)
def test_gower_distances_of_frames_are_those_of_r(stored):
    rows, _, _ = stored_frame(stored)
    theirs = np.nan_to_num(numbers(stored["gower"]["value"]))  # nothing to compare: 0
    np.testing.assert_allclose(gower_distance(rows.iloc[[0]], rows), theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("stored", FRAMES, ids=FRAME_IDS)
def test_gower_distances_within_explain_are_the_same(stored):
    rows, explainer, _ = stored_frame(stored)
    columns = {
        made.name: made.encode(rows[made.name])
        for made in explainer.columns
        if made.feature_type != "date_time"
    }
    is_level = {made.name: made.holds_levels for made in explainer.columns}
    numbers_ = np.array([values for name, values in columns.items() if not is_level[name]])
    codes = np.array([values for name, values in columns.items() if is_level[name]])
    names = [name for name in columns if is_level[name]]
    ours = gower(numbers_, codes, [name == "lgl" for name in names])
    whole = rows.drop(columns="date")
    np.testing.assert_allclose(ours, gower_distance(whole.iloc[[0]], whole), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "stored", figures("numerify_describe_gower")["gower"], ids=lambda stored: stored["name"]
)
def test_gower_distances_are_those_of_r(stored):
    if stored["name"] == "posix":
        pytest.skip("its times are cut off in the file")
    classes = {name: kind[0] for name, kind in stored["classes"].items()}
    case = frame(stored["x"], classes, stored["levels"])
    rows = frame(stored["y"], classes, stored["levels"])
    theirs = np.nan_to_num(numbers(stored["result"]["value"]))
    np.testing.assert_allclose(gower_distance(case, rows), theirs, rtol=0, atol=1e-12)


KERNELS = [(stored, metric) for stored in FRAMES for metric in stored.get("kernel_sim", {})]


@pytest.mark.parametrize(
    ("stored", "metric"),
    KERNELS,
    ids=[f"{stored['row1']}-{metric}-{n}" for n, (stored, metric) in enumerate(KERNELS)],
)
def test_scaling_and_kernels_are_those_of_r(stored, metric):
    rows, explainer, changed = stored_frame(stored)
    design = numerify(rows, explainer)
    # Ours standardises integers too where numbers are not binned; R's figures leave them.
    scaled = pd.DataFrame(
        {
            made.name: design[made.name]
            if made.feature_type == "integer"
            else made.scale(design[made.name].to_numpy())
            for made in explainer.columns
        }
    )
    same = ~changed.to_numpy().any(axis=1)
    assert stored["feature_scale"]["ok"]
    for name, theirs in stored["feature_scale"]["value"].items():
        unchanged = ~changed[name].to_numpy()
        np.testing.assert_allclose(
            scaled[name][unchanged], numbers(theirs)[unchanged], rtol=1e-12, atol=1e-12
        )
    if changed.iloc[0].any():
        return  # the case itself: all rows differ
    matrix = scaled.to_numpy()
    width = 0.75 * np.sqrt(matrix.shape[1])
    ours = exponential_kernel(row_distance(matrix[0], np.nan_to_num(matrix), metric), width)
    theirs = numbers(stored["kernel_sim"][metric]["sim"])
    assert same.sum() > 10
    np.testing.assert_allclose(ours[same], theirs[same], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("metric", DIST_FUNS)
@pytest.mark.filterwarnings("ignore:`kernel_width` is ignored")
def test_every_metric_can_be_asked_for(metric):
    data = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": list("xyxy"), "c": [5.0, 1.0, 2.0, 9.0]})
    model = as_regressor(lambda rows: rows["a"] + (rows["b"] == "x"))
    # The Jensen-Shannon distance is one of shares, and has none between negative numbers.
    for binned in (True,) if metric == "jensenshannon" else (True, False):
        explainer = lime(data, model, bin_continuous=binned)
        options = {"dist_fun": metric, "kernel_width": 1000, "n_permutations": 200}
        explained = explain(data.iloc[[1]], explainer, random_state=1, **options)
        assert len(explained) == 3


# Draws


DRAWS = figures("permute_cases_summary")


def drawn_columns(setting):
    data = frame(
        DRAWS["train"],
        {n: c[0] if isinstance(c, list) else c for n, c in DRAWS["train_classes"].items()},
        DRAWS["train_levels"],
    )
    options = DRAWS["draws"][setting]["lime_args"] or {}
    return data, explainer_of(data, **options)


# What R draws elsewhere: bins after an empty one (difference 1).
EMPTY_BINS = {"bin01", "bin01d", "lowvar", "gap"}


@pytest.mark.parametrize("setting", DRAWS["draws"])
def test_draws_are_distributed_as_in_r(setting):
    _, explainer = drawn_columns(setting)
    stored = DRAWS["draws"][setting]["columns"]
    random = np.random.default_rng(20)
    n = 50_000
    for made in explainer.columns:
        if made.name not in stored:
            continue
        theirs = stored[made.name]
        if made.is_kept:
            continue
        draws = made.draw(random.random(n), random.random(n))
        if made.holds_levels:
            draws = draws[draws >= 0]  # R never draws a missing value
            names = ["FALSE", "TRUE"] if made.feature_type == "logical" else list(made.levels)
            expected = np.array([theirs["frequency"].get(name, 0.0) for name in names])
            check_counts(np.bincount(draws, minlength=len(names)), expected, n)
            continue
        draws = draws[~np.isnan(draws)]
        if made.binned and len(theirs["training_bin_table"]) < len(made.bin_cuts) - 1:
            check_shares_of_training(draws, made, theirs)
            continue
        if "value_table" in theirs:
            values = {int(value): share for value, share in theirs["value_table"].items()}
            low, high = min(values), max(values)
            counts = np.array([np.sum(draws == value) for value in range(low, high + 1)])
            expected = np.array([values.get(value, 0.0) for value in range(low, high + 1)])
            check_counts(counts, expected, n)
            continue
        check_quantiles(draws, theirs, n)


def check_counts(counts, shares, n_theirs):
    """Two samples by chi-square; rare values together."""
    theirs = shares * n_theirs
    rare = (theirs < 10) | (counts < 10)
    table = np.array(
        [np.append(counts[~rare], counts[rare].sum()), np.append(theirs[~rare], theirs[rare].sum())]
    )
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] > 1:
        assert stats.chi2_contingency(table).pvalue > 1e-4


def check_quantiles(draws, theirs, n_theirs):
    """The share of our draws below R's quantiles, as in a Kolmogorov-Smirnov test."""
    probabilities = numbers(theirs["quantile_probs"])
    below = [np.mean(draws <= quantile) for quantile in numbers(theirs["quantiles"])]
    error = np.sqrt(probabilities * (1 - probabilities) * (1 / len(draws) + 1 / n_theirs))
    assert np.all(np.abs(below - probabilities) < 4.5 * error)


def check_shares_of_training(draws, made, theirs):
    bins = np.searchsorted(made.bin_cuts[1:-1], draws, side="left")
    shares = numbers(theirs["training_bin_frequency"])
    if made.feature_type == "integer":
        return  # rounding moves draws between bins; see the test of difference 1
    check_counts(np.bincount(bins, minlength=len(shares)), shares, 10**9)


def test_a_permutation_starts_with_the_case_and_keeps_dates_and_constants():
    data, _ = drawn_columns("default")
    seen = []

    def model(rows):
        seen.append(rows)
        return rows["num"].to_numpy()

    explainer = lime_quietly(data, as_regressor(model), probe=False)
    cases = data.iloc[[3, 111]]
    explain(cases, explainer, n_permutations=300, random_state=1)
    (rows,) = seen
    assert len(rows) == 600
    for start, position in ((0, 3), (300, 111)):
        part = rows.iloc[start : start + 300]
        pd.testing.assert_frame_equal(
            part.iloc[[0]].reset_index(drop=True), data.iloc[[position]].reset_index(drop=True)
        )
        for name in ("date", "const", "iconst"):
            assert (part[name] == data[name].iloc[position]).all()
    pd.testing.assert_series_equal(rows.dtypes, data.dtypes)


def lime_quietly(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return lime(*arguments, **options)
