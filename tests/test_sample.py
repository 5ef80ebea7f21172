"""`permutations()`: the rows that explain a case, as the model saw them."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import pylime
from pylime import (
    CaseError,
    CaseWarning,
    as_classifier,
    as_regressor,
    explain,
    lime,
    permutations,
)
from pylime.masks import distinct_rows, draw_masks
from pylime.pipeline import (
    Batch,
    CaseList,
    Explainer,
    InputKind,
    Permutations,
    Perturbed,
    as_given,
)
from pylime.seeds import case_generator

RANDOM = np.random.default_rng(5)
ROWS = pd.DataFrame(
    {
        "size": RANDOM.normal(80, 20, 200),
        "rooms": RANDOM.integers(1, 6, 200),
        "city": RANDOM.choice(["Oslo", "Bergen", "Tromsø"], 200),
        "kind": pd.Categorical(RANDOM.choice(["flat", "house"], 200)),
        "built": pd.date_range("2000-01-01", periods=200, freq="W"),
        "id": RANDOM.integers(1000, 2000, 200),
    },
    index=[f"flat {k}" for k in range(200)],
)
TEXTS = ["Slow, slow film; a good end!", "good music and a good film, but too long"]
PICTURE = RANDOM.integers(0, 255, (24, 36, 3), dtype=np.uint8)
FEW = {"n_permutations": 150, "random_state": 1}
OURS = ["case", "permutation", "similarity"]


def rent(rows):
    return rows["size"] * 9 + rows["rooms"] * 50 + (rows["city"] == "Oslo") * 200


def chances(rows):
    centre = rows["city"].map({"Oslo": 2.0, "Bergen": 1.0}).fillna(0).astype(float)
    scores = np.column_stack([centre, rows["rooms"] / 3, rows["size"] / 80])
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


LABELS = ["low", "fair", "high"]


def letters(texts):
    return np.array([text.count("o") / (1 + len(text)) for text in texts])


def ridge_weights(design, response, similarity):
    """The weights of glmnet's ridge: of standardised columns, with λ over the scale of y."""
    share = similarity / similarity.sum()
    design = np.asarray(design, dtype=float)
    spread = np.sqrt(share @ (design - share @ design) ** 2)
    scale = np.sqrt(share @ (response - share @ response) ** 2)
    model = Ridge(alpha=2 / len(response) / scale)
    return model.fit(design / spread, response, sample_weight=share).coef_ / spread


def perturb_pair(explainer, cases, request):
    (pair,), (name,) = cases.items, cases.names
    random = case_generator(request.seed, repr(pair).encode())
    kept = draw_masks(request.n_permutations, 2, 0.5, random, request.draws)
    found, rows = distinct_rows(kept)
    inputs = [tuple((kept[row] * pair).tolist()) for row in found]
    case = Permutations(name, kept, kept.mean(axis=1), "ab", list, pair, len(inputs), rows)
    return Perturbed([case], [Batch(inputs[:1], 1), Batch(inputs[1:], len(inputs) - 1)])


PAIRS = InputKind(
    name="pair",
    plural="pairs",
    rows="pairs",
    description="a list of pairs",
    recognise=lambda x: False,
    read=lambda x: CaseList(x, range(len(x))),
    perturb=perturb_pair,
)


def weights_of(explanation, features):
    return explanation.set_index("feature")["feature_weight"][features].to_numpy()


# The rows are those of explain()


@pytest.mark.parametrize("n_permutations", [150, 700, "auto"])
def test_the_ridge_of_its_rows_has_the_weights_of_explain_for_tables(n_permutations):
    explainer = lime(ROWS, as_classifier(chances, LABELS), hold="id", dates="draw", n_bins=3)
    options = {"random_state": 7, "n_permutations": n_permutations, "tolerance": 0.15}
    cases = ROWS.iloc[[3, 40]]
    whole = explain(cases, explainer, n_features=9, n_labels=3, feature_select="none", **options)
    rows = permutations(cases, explainer, n_labels=3, **options)
    for case, part in rows.groupby("case"):
        design = pylime.tabular.numerify(part[ROWS.columns], explainer)
        for label in LABELS:
            found = whole[(whole["case"] == case) & (whole["label"] == label)]
            weights = ridge_weights(design, part[f"prediction_{label}"], part["similarity"])
            np.testing.assert_allclose(weights_of(found, design.columns), weights, atol=1e-9)
        if n_permutations == "auto":
            assert len(part) == found["n_permutations"].iloc[0]


@pytest.mark.parametrize("in_place", [False, True])
def test_the_ridge_of_its_rows_has_the_weights_of_explain_for_texts(in_place):
    explainer = lime(TEXTS, as_classifier(letters, ["a", "b"]), in_place=in_place)
    whole = explain(TEXTS[1], explainer, labels="b", feature_select="none", **FEW)
    rows = permutations(TEXTS[1], explainer, labels="b", **FEW)
    words = whole["feature"].tolist()
    design = np.array(
        [
            [word in text.split() or word + "," in text.split() for word in words]
            for text in rows["text"]
        ]
    )
    weights = ridge_weights(design, rows["prediction_b"], rows["similarity"])
    np.testing.assert_allclose(whole["feature_weight"], weights, atol=1e-9)


def test_the_ridge_of_its_rows_has_the_weights_of_explain_for_images():
    model = as_classifier(lambda images: images.mean(axis=(1, 2, 3)) / 255, ["dark", "bright"])
    explainer = lime(PICTURE, model)
    options = {**FEW, "n_superpixels": 8, "labels": "bright"}
    whole = explain(PICTURE, explainer, feature_select="none", **options)
    rows = permutations(PICTURE, explainer, **options)
    numbers = [int(feature) for feature in whole["feature"]]
    design = np.array([[number in kept for number in numbers] for kept in rows["kept"]])
    assert rows["kept"][0] == tuple(sorted(numbers))
    weights = ridge_weights(design, rows["prediction_bright"], rows["similarity"])
    np.testing.assert_allclose(whole["feature_weight"], weights, atol=1e-9)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_other_cases_jobs_and_batches_do_not_matter(n_jobs):
    explainer = lime(ROWS, as_regressor(rent), hold="id", dates="hold")
    cases = ROWS.iloc[[3, 40, 77]]
    with joblib.parallel_config(backend="threading"):
        rows = permutations(cases, explainer, n_jobs=n_jobs, batch_size=31, **FEW)
    for case in cases.index:
        alone = permutations(cases.loc[[case]], explainer, **FEW)
        same = rows[rows["case"] == case].reset_index(drop=True)
        pd.testing.assert_frame_equal(same, alone)
    more = permutations(cases, explainer, **{**FEW, "n_permutations": 200})
    first = more[more["permutation"] < 150].reset_index(drop=True)
    others = rows.columns.drop("similarity")  # depends on the ranges of all permutations
    pd.testing.assert_frame_equal(first[others], rows[others])


# The frame


def test_a_table_has_the_rows_that_the_model_saw():
    explainer = lime(ROWS, as_regressor(rent), hold="id", dates="hold")
    rows = permutations(ROWS.iloc[[3, 40]], explainer, **FEW)
    assert list(rows) == [*OURS, "prediction", *ROWS]
    assert rows["case"].tolist() == ["flat 3"] * 150 + ["flat 40"] * 150
    assert rows["permutation"].tolist() == [*range(150)] * 2
    np.testing.assert_array_equal(rows["prediction"], rent(rows))
    firsts = rows[rows["permutation"] == 0].set_index("case")
    pd.testing.assert_frame_equal(firsts[ROWS.columns], ROWS.iloc[[3, 40]], check_names=False)
    assert (firsts["similarity"] == 1).all()
    assert rows[ROWS.columns].dtypes.equals(ROWS.dtypes)
    assert set(rows["id"]) == set(ROWS["id"].iloc[[3, 40]])
    assert isinstance(rows.index, pd.RangeIndex)


def test_the_explained_labels_have_a_column_each_in_the_order_of_the_model():
    explainer = lime(ROWS, as_classifier(chances, LABELS), hold="id", dates="hold")
    rows = permutations(ROWS.head(2), explainer, labels=["high", "low"], **FEW)
    assert list(rows)[3:5] == ["prediction_low", "prediction_high"]
    np.testing.assert_allclose(
        rows[["prediction_low", "prediction_high"]], chances(rows)[:, [0, 2]]
    )


def test_labels_of_other_cases_are_missing():
    explainer = lime(ROWS, as_classifier(chances, LABELS), hold="id", dates="hold")
    best = chances(ROWS).argmax(axis=1)
    cases = ROWS.iloc[[int(np.flatnonzero(best == 0)[0]), int(np.flatnonzero(best == 2)[0])]]
    rows = permutations(cases, explainer, **FEW)
    missing = rows.groupby("case", sort=False)[["prediction_low", "prediction_high"]]
    assert missing.count().to_numpy().tolist() == [[150, 0], [0, 150]]


def test_equal_rows_are_all_there():
    levels = ROWS[["city", "kind"]]
    seen = []
    explainer = lime(levels, as_regressor(lambda rows: seen.append(len(rows)) or rows.index * 1.0))
    seen.clear()
    rows = permutations(levels.head(1), explainer, **FEW)
    assert len(rows) == 150
    assert seen[0] == len(rows[["city", "kind"]].drop_duplicates()) == 6
    assert rows.groupby(["city", "kind"], observed=True)["prediction"].nunique().eq(1).all()


@pytest.mark.parametrize(
    "columns",
    [
        {"size": "case", "rooms": "similarity"},
        {"size": "prediction", "rooms": "value_prediction"},
        {"size": "permutation", "city": 0},
    ],
)
def test_a_column_called_like_ours_gets_another_name(columns):
    table = ROWS[["size", "rooms", "city"]].rename(columns=columns)
    explainer = lime(table, as_regressor(lambda rows: rows.iloc[:, 0] * 1.0))
    rows = permutations(table.head(2), explainer, **FEW)
    assert not rows.columns.has_duplicates
    assert list(rows)[:4] == [*OURS, "prediction"]
    np.testing.assert_array_equal(rows.iloc[:, 4], rows["prediction"])
    assert rows.iloc[0, 4:].tolist() == table.iloc[0].tolist()


def test_arrays_have_the_names_of_explanations():
    array = ROWS[["size", "rooms"]].to_numpy()
    explainer = lime(array, as_regressor(lambda rows: rows[:, 0] + rows[:, 1]))
    rows = permutations(array[3], explainer, **FEW)
    assert list(rows) == [*OURS, "prediction", "x0", "x1"]
    np.testing.assert_array_equal(rows["prediction"], rows["x0"] + rows["x1"])


def test_missing_values_and_new_levels_stay():
    table = ROWS[["size", "city"]].copy()
    table.iloc[5, 0] = np.nan
    explainer = lime(table, as_regressor(lambda rows: rows["size"].fillna(0.0)))
    cases = table.iloc[[5, 6]].copy()
    cases.iloc[1, 1] = "Mars"
    rows = permutations(cases, explainer, **FEW)
    assert np.isnan(rows["size"][0])
    assert rows["city"][150] == "Mars"
    np.testing.assert_array_equal(rows["prediction"], rows["size"].fillna(0.0))


@pytest.mark.parametrize("in_place", [False, True])
def test_a_text_is_what_preprocess_received(in_place):
    seen = []

    def count(texts):
        seen.extend(texts)
        return letters(texts)

    explainer = lime(TEXTS, as_classifier(count, ["a", "b"]), in_place=in_place, probe=False)
    rows = permutations(TEXTS[0], explainer, labels="b", **FEW)
    assert list(rows) == [*OURS, "prediction_b", "text"]
    assert rows["text"][0] == (TEXTS[0] if in_place else "Slow slow film a good end")
    assert set(rows["text"]) <= set(seen)
    np.testing.assert_array_equal(rows["prediction_b"], letters(rows["text"]))


def test_pooled_texts_follow_one_another():
    explainer = lime(TEXTS, as_classifier(letters, ["a", "b"]))
    rows = permutations(TEXTS, explainer, labels="b", single_explanation=True, **FEW)
    assert rows["case"].unique().tolist() == [0]
    assert rows["permutation"].tolist() == [*range(150)]
    np.testing.assert_array_equal(rows["prediction_b"], letters(rows["text"]))


def test_a_kind_from_outside_has_its_inputs():
    model = as_regressor(lambda pairs: [3.0 * a + b for a, b in pairs])
    explainer = Explainer(model, as_given, PAIRS)
    rows = permutations([(3, 4), (5, 6)], explainer, **FEW)
    assert list(rows) == [*OURS, "prediction", "input"]
    assert rows["input"][0] == (3, 4)
    assert rows["input"][150] == (5, 6)
    assert rows["prediction"].tolist() == [3.0 * a + b for a, b in rows["input"]]


def test_a_model_that_changes_its_input_changes_no_row():
    def careless(rows):
        price = rent(rows)
        rows["size"] = 0.0
        return price

    cases = ROWS.head(2)
    kept = lime(ROWS, as_regressor(rent), hold="id", dates="hold")
    changed = lime(ROWS, as_regressor(careless), hold="id", dates="hold")
    expected = permutations(cases, kept, **FEW)
    pd.testing.assert_frame_equal(permutations(cases, changed, **FEW), expected)


@pytest.mark.parametrize("n", [1, 3])
def test_names_of_cases_are_kept_whatever_they_are(n):
    names = [("a", 1), 2.5, "x"][:n]
    table = ROWS[["size", "rooms"]].head(n).set_axis(pd.Index(names, tupleize_cols=False))
    explainer = lime(ROWS[["size", "rooms"]], as_regressor(lambda rows: rows["size"]))
    rows = permutations(table, explainer, n_permutations=2, random_state=1)
    assert rows["case"].tolist() == [name for name in names for _ in range(2)]


# Arguments and errors


def test_all_arguments_of_explain_are_accepted():
    explainer = lime(ROWS, as_regressor(rent), hold="id", dates="hold")
    rest = {
        "n_features": 2,
        "feature_select": "tree",
        "intervals": True,
        "contributions": True,
        "quality": True,
        "n_calls": 20,
        "plain": True,
        "penalty": 0,
        "progress": False,
        "tolerance": 0.2,
        "on_error": "raise",
        "batch_size": 40,
    }
    rows = permutations(ROWS.head(1), explainer, **FEW, **rest)
    pd.testing.assert_frame_equal(rows, permutations(ROWS.head(1), explainer, **FEW))


def test_a_case_with_an_error_is_left_out():
    def refuses(rows):
        if (rows["size"] == ROWS["size"].iloc[40]).any():
            raise ConnectionError("HTTP 503")
        return rent(rows)

    explainer = lime(ROWS, as_regressor(refuses), hold="id", dates="hold")
    cases = ROWS.iloc[[3, 40, 77]]
    with pytest.warns(CaseWarning, match="1 of 3 cases.*flat 40: ConnectionError: HTTP 503"):
        rows = permutations(cases, explainer, **FEW)
    assert rows["case"].unique().tolist() == ["flat 3", "flat 77"]
    with pytest.raises(ConnectionError):
        permutations(cases.iloc[[1]], explainer, **FEW)
    with pytest.raises(CaseError):
        permutations(cases, explainer, on_error="raise", **FEW)


def test_a_constant_model_is_no_error():
    explainer = lime(ROWS, as_regressor(lambda rows: np.ones(len(rows))), hold="id", dates="hold")
    assert permutations(ROWS.head(1), explainer, **FEW)["prediction"].eq(1).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_permutation": 5}, TypeError, "Did you mean 'n_permutations'"),
        ({"num_samples": 5}, TypeError, "Use `n_permutations`"),
        ({"n_permutations": 1}, ValueError, "`n_permutations` must be a whole number of at least"),
        ({"labels": "thick"}, ValueError, "thick"),
    ],
)
def test_wrong_arguments_are_errors_as_in_explain(options, error, message):
    explainer = lime(ROWS, as_classifier(chances, LABELS), hold="id", dates="hold")
    with pytest.raises(error, match=message):
        permutations(ROWS.head(1), explainer, **options)


def test_something_else_is_no_explainer():
    with pytest.raises(TypeError, match=r"`explainer` must come from lime\(\); not DataFrame"):
        permutations(ROWS, ROWS)
