"""Arguments: what is said of one that does not exist."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest

from pylime import as_classifier, checks, explain, explain_batches, explain_to_parquet, lime

TABLE = pd.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0) % 4})
PICTURE = np.random.default_rng(1).integers(0, 255, (24, 32, 3), dtype=np.uint8)
MODEL = as_classifier(lambda cases: np.full(len(cases), 0.5), ["no", "yes"])
DATA = {"tables": TABLE, "images": PICTURE, "texts": "a good film"}
EXPLAINERS = {kind: lime(data, MODEL) for kind, data in DATA.items()}


def proposed(call, **arguments):
    """What the error about an argument says between the argument and the list of all."""
    with pytest.raises(TypeError) as raised:
        call(**arguments)
    [name] = arguments
    start = rf"(?:lime|explain)\(\) of \w+ has no option '{name}'\. "
    pattern = start + r"(.*?\.? ?)Beside the named arguments it takes: .*"
    return re.fullmatch(pattern, str(raised.value))[1].strip()


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("n_feature", "Did you mean 'n_features'?"),
        ("feature_selct", "Did you mean 'feature_select'?"),
        ("random_sate", "Did you mean 'random_state'?"),
        ("num_features", "Use `n_features`."),
        ("num_samples", "Use `n_permutations`."),
        ("num_of_samples", "Use `n_permutations`."),
        ("nsamples", "Use `n_permutations`."),
        ("top_labels", "Use `n_labels`."),
        ("random_seed", "Use `random_state`."),
        ("preprocess", "`preprocess` is an argument of lime()."),
    ],
)
def test_arguments_of_all_kinds_are_found_by_other_names(kind, wrong, right):
    assert proposed(lambda **o: explain(DATA[kind], EXPLAINERS[kind], **o), **{wrong: 3}) == right


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("n_features", "`n_features` is an argument of explain()."),
        ("num_features", "Use `n_features` of explain()."),
        ("predict_option", "Did you mean 'predict_options'?"),
        ("n_permutation", "Did you mean 'n_permutations' of explain()?"),
        ("class_names", "Use as_classifier(model, labels=...)."),
    ],
)
def test_arguments_of_lime_and_explain_are_told_apart(kind, wrong, right):
    assert proposed(lambda **o: lime(DATA[kind], MODEL, **o), **{wrong: 3}) == right


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("images", "hide_color", "Use `background`."),
        ("tables", "hide_color", "pylime calls it `background`, an argument for another kind of"),
        ("texts", "distance_metric", "pylime calls it `dist_fun`, an argument for another kind"),
        ("tables", "kernel_widht", "Did you mean 'kernel_width'?"),
        ("texts", "in_place", "`in_place` is an argument of lime()."),
    ],
)
def test_arguments_of_one_kind_are_for_this_kind(kind, wrong, right):
    found = proposed(lambda **o: explain(DATA[kind], EXPLAINERS[kind], **o), **{wrong: 3})
    assert found.startswith(right)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("char_level", 'Use `tokenization="character"`, which takes single characters.'),
        ("bow", "Use `in_place=True` of lime(), and for bow=False also `keep_word_position=True`."),
        ("split_expression", "Use `tokenization`."),
        ("mask_string", "Use `replacement`."),
    ],
)
def test_arguments_of_texts_are_found_by_their_names_in_other_libraries(wrong, right):
    assert proposed(lambda **o: lime("a text", MODEL, **o), **{wrong: 3}) == right


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("tables", "predict_fn", "Use `model` of lime(): the model itself, or a function"),
        ("tables", "data_row", "Use `x`, the first argument of explain()."),
        ("tables", "discretizer", "Use `n_bins`, `quantile_bins` or `cuts` of lime()."),
        ("tables", "sample_around_instance", 'Use `sampling="kernel"` of explain().'),
        ("tables", "training_labels", "Bins do not depend on the labels."),
        ("tables", "training_data_stats", "An explainer keeps only statistics of the training"),
        ("tables", "kernel", "Tables take `kernel_width`, and a function as `dist_fun`;"),
        ("texts", "kernel_width", "Texts and images have no kernel: their similarity is"),
        ("images", "kernel_width", "Texts and images have no kernel: their similarity is"),
        (
            "images",
            "verbose",
            "Use the columns `model_intercept`, `model_prediction` and `model_r2`",
        ),
        ("texts", "model_regressor", "The local model is a ridge regression, as in R;"),
    ],
)
def test_arguments_without_a_name_here_have_a_sentence(kind, wrong, right):
    found = proposed(lambda **o: explain(DATA[kind], EXPLAINERS[kind], **o), **{wrong: 3})
    assert found.startswith(right)


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [
        ("tables", "lime_tabular.LimeTabularExplainer"),
        ("texts", "lime_text.LimeTextExplainer"),
        ("images", "lime_image.LimeImageExplainer"),
    ],
)
def test_every_argument_of_pythons_lime_leads_to_ours(kind, theirs):
    module, name = theirs.split(".")
    explainer = getattr(pytest.importorskip(f"lime.{module}"), name)
    ours = {*inspect.signature(lime).parameters, *inspect.signature(explain).parameters}
    ours |= set(checks.arguments_of(EXPLAINERS[kind].kind.lime_options))
    ours |= set(checks.arguments_of(EXPLAINERS[kind].kind.explain_options))
    for function in (explainer, explainer.explain_instance):
        for wrong in set(inspect.signature(function).parameters) - {"self"} - ours:
            assert wrong in checks._FOREIGN, wrong
            for call in (
                lambda **o: lime(DATA[kind], MODEL, **o),
                lambda **o: explain(DATA[kind], EXPLAINERS[kind], **o),
            ):
                assert proposed(call, **{wrong: 3})


def test_arguments_of_many_calls_are_checked_at_once(tmp_path):
    explainer = EXPLAINERS["tables"]
    for call in (
        lambda **o: explain_batches([TABLE], explainer, **o),
        lambda **o: explain_to_parquet([TABLE], explainer, tmp_path / "run", **o),
    ):
        assert proposed(call, num_samples=3) == "Use `n_permutations`."
        assert proposed(call, n_feature=3) == "Did you mean 'n_features'?"
    batches = lambda **o: explain_batches([TABLE], explainer, **o)  # noqa: E731
    assert proposed(batches, plane=True) == "Did you mean 'plain'?"
    assert not (tmp_path / "run").exists()


def test_every_foreign_argument_leads_to_one_of_ours():
    known = {"preprocess", "kind", "probe"}
    for explainer in EXPLAINERS.values():
        known |= set(checks.arguments_of(explainer.kind.lime_options))
        known |= set(checks.arguments_of(explainer.kind.explain_options))
    known |= {"n_features", "n_permutations", "n_labels", "random_state", "progress"}
    known |= {"feature_select", "categorical"}
    plain = {right for right in checks._FOREIGN.values() if " " not in right}
    assert plain - {"as_classifier(model, labels=...)"} <= known
