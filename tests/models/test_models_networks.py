"""Networks: PyTorch, Keras, ONNX Runtime and the pipelines of transformers."""

import os
import subprocess
import sys
import textwrap
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from model_cases import onnxruntime as sessions
from model_cases import rows_of_numbers
from model_cases.torch import pictures
from model_cases.transformers import TEXTS, image_pipeline, text_pipeline
from PIL import Image
from torch import nn

from pylime import as_classifier, as_regressor, explain, lime, model_type, predict_model
from pylime.models import predict
from pylime.models import torch as torch_models
from pylime.models.networks import channels_first
from pylime.models.torch import evaluating

ROWS = rows_of_numbers(12)


@pytest.fixture(autouse=True)
def _one_thread():
    """Two busy cores make many threads slower than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Network(nn.Module):
    """A linear layer, and then anything; what it got is remembered."""

    def __init__(self, after=lambda scores: scores, units=3):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.linear = nn.Linear(4, units)
        self.dropout = nn.Dropout(0.5)
        self.after = after
        self.seen = []

    def forward(self, rows):
        self.seen.append(rows)
        return self.after(self.linear(self.dropout(rows)))


def scores_of(network):
    with evaluating(network):
        return network.linear(torch.tensor(ROWS.to_numpy("float32"))).double().numpy()


def softmax(scores):
    scores = np.exp(scores)
    return scores / scores.sum(axis=1, keepdims=True)


# PyTorch: what the outputs mean


ENDINGS = {
    "scores": (lambda x: x, softmax),
    "scores in an axis more": (lambda x: x[:, :, None], softmax),
    "scores of another type": (lambda x: x.double(), softmax),
    "softmax": (lambda x: x.softmax(1), softmax),
    "log softmax": (lambda x: x.log_softmax(1), softmax),
    "sigmoid": (torch.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    "log sigmoid": (nn.functional.logsigmoid, lambda x: 1 / (1 + np.exp(-x))),
    "tuple": (lambda x: (x, x + 1), softmax),
    "dictionary": (lambda x: {"logits": x, "loss": 0}, softmax),
    "object": (lambda x: SimpleNamespace(logits=x), softmax),
    "normalised by hand": (lambda x: x.exp() / x.exp().sum(1, keepdim=True), softmax),
    "something else": (lambda x: x + 1, lambda x: x + 1),
    "without gradients": (lambda x: torch.from_numpy(x.numpy()), lambda x: x),
}


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("frozen", [False, True])
def test_outputs_of_modules_mean_what_their_last_step_says(name, frozen):
    after, expected = ENDINGS[name]
    network = Network(after).requires_grad_(not frozen)
    found = predict(as_classifier(network, list("abc")), ROWS, n=len(ROWS))
    np.testing.assert_allclose(found.values, expected(scores_of(network)), atol=1e-6)
    assert found.exclusive == ("sigmoid" not in name)
    raw = predict_model(as_classifier(network, activation=None), ROWS, type="prob")
    alone = predict_model(as_classifier(network, activation=None), ROWS.head(1), type="prob")
    np.testing.assert_allclose(raw.head(1), alone, atol=1e-6)


def test_what_outputs_mean_does_not_depend_on_the_rows():
    network = Network()
    with torch.no_grad():
        network.linear.weight.zero_()
        network.linear.bias.copy_(torch.tensor([0.2, 0.3, 0.5]))  # scores like probabilities
    found = predict_model(as_classifier(network), ROWS, type="prob")
    np.testing.assert_allclose(found.iloc[0], softmax(np.array([[0.2, 0.3, 0.5]]))[0], atol=1e-6)


def test_one_unit_is_the_second_of_two_classes_or_a_number():
    for after in (lambda x: x, lambda x: x.squeeze(), lambda x: x[:, 0]):
        network = Network(after, 1)
        classes = predict_model(as_classifier(network, ["no", "yes"]), ROWS, type="prob")
        scores = scores_of(network)[:, 0]
        np.testing.assert_allclose(classes["yes"], 1 / (1 + np.exp(-scores)), atol=1e-6)
        numbers = predict_model(as_regressor(network), ROWS, type="raw", batch_size=11)
        np.testing.assert_allclose(numbers["Response"], scores, atol=1e-6)


LAYERS = {
    "scores": (lambda: [nn.Linear(4, 3)], "classification"),
    "softmax": (lambda: [nn.Linear(4, 3), nn.Softmax(1)], "classification"),
    "nested": (
        lambda: [nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 2), nn.Dropout()), nn.Identity()],
        "classification",
    ),
    "sigmoid": (lambda: [nn.Linear(4, 1), nn.Sigmoid(), nn.Flatten(0)], "classification"),
    "number": (lambda: [nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)], "regression"),
    "positive number": (lambda: [nn.Linear(4, 1), nn.Softplus()], "regression"),
    "unknown": (lambda: [Network()], None),
    "nothing": (lambda: [nn.Dropout()], None),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_layers_in_order_tell_the_type(name):
    make, expected = LAYERS[name]
    model = nn.Sequential(*make())
    models = [model, torch.compile(model, backend="eager")]
    if expected:
        models += [torch.jit.script(model), torch.jit.trace(model.eval(), torch.ones(2, 4))]
    for form in models:
        if expected is None:
            with pytest.raises(TypeError, match=r"as_classifier\(model, labels, activation"):
                model_type(form)
            continue
        assert model_type(form) == expected
        kind = "prob" if expected == "classification" else "raw"
        found = predict_model(form, ROWS, type=kind)
        np.testing.assert_allclose(found, predict_model(model, ROWS, type=kind), atol=1e-6)


def test_a_layer_with_a_forward_of_its_own_is_not_known():
    class Doubled(nn.Linear):
        def forward(self, rows):
            return 2 * super().forward(rows)

    class Ordered(nn.Sequential):
        pass

    class Reversed(nn.Sequential):
        def forward(self, rows):
            return rows

    assert model_type(nn.Linear(4, 1)) == "regression"
    assert model_type(Ordered(nn.Linear(4, 1))) == "regression"
    for model in (Doubled(4, 1), Reversed(nn.Linear(4, 1))):
        with pytest.raises(TypeError, match="do not show"):
            model_type(model)


def test_of_several_numbers_one_is_named():
    network = Network()
    with pytest.raises(ValueError, match=r"3 outputs: 0, 1, 2\. Choose one"):
        lime(ROWS, as_regressor(network))
    found = predict_model(as_regressor(network, output=2), ROWS, type="raw")
    np.testing.assert_allclose(found["Response"], scores_of(network)[:, 2], atol=1e-6)


# PyTorch: the module stays as it is


def test_every_part_of_a_module_keeps_its_mode():
    def fail(scores):
        raise RuntimeError("no luck")

    for after in (torch.sigmoid, fail):
        network = nn.Sequential(nn.BatchNorm1d(4), Network(after))
        network[0].eval()
        before = {name: weight.clone() for name, weight in network.state_dict().items()}
        with pytest.raises(RuntimeError, match="no luck") if after is fail else nullcontext():
            predict_model(as_classifier(network), ROWS, type="prob")
        assert [part.training for part in network.modules()] == [True, False, True, True, True]
        assert torch.is_grad_enabled()
        assert all(weight.grad is None for weight in network.parameters())
        for name, weight in network.state_dict().items():
            assert torch.equal(weight, before[name])
        assert network[1].seen[0].requires_grad is False


def test_modules_may_change_their_input():
    def forward(rows):
        rows -= 1
        return rows.softmax(1)

    network = Network()
    network.forward = forward
    found = predict_model(as_classifier(network), ROWS, type="prob")
    np.testing.assert_allclose(found, softmax(ROWS.to_numpy()), atol=1e-6)
    assert ROWS.equals(rows_of_numbers(12))


# PyTorch: inputs


@pytest.mark.parametrize(
    "form",
    [
        lambda rows: rows,
        lambda rows: rows.to_numpy(),
        lambda rows: rows.to_numpy("float32")[::-1][::-1],
        lambda rows: torch.tensor(rows.to_numpy()),
        lambda rows: list(torch.tensor(rows.to_numpy("float32"))),
        lambda rows: rows.to_numpy().tolist(),
        lambda rows: {"rows": rows.to_numpy()},
        lambda rows: (rows.to_numpy("float32"),),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_rows_come_in_any_form_and_take_the_types_of_the_parameters(form, dtype):
    network = Network().to(dtype)
    found = predict_model(as_classifier(network), form(ROWS), type="prob", batch_size=5)
    assert {rows.dtype for rows in network.seen} == {dtype}
    assert [len(rows) for rows in network.seen] == [5, 5, 2, 1]
    tolerance = 0.02 if dtype == torch.bfloat16 else 1e-6
    np.testing.assert_allclose(found, softmax(scores_of(Network())), atol=tolerance)


def test_whole_numbers_stay_whole_where_that_matters():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.EmbeddingBag(10, 2)

        def forward(self, ids, weights=None):
            assert ids.dtype == torch.int64
            return self.embedding(ids).softmax(1)

    ids = np.arange(6).reshape(3, 2)
    model = as_classifier(Words())
    forms = [ids, ids.astype("int32"), ids.tolist(), pd.DataFrame(ids), torch.tensor(ids)]
    forms += [{"ids": ids}, {"ids": ids.tolist()}, (ids, ids)]
    first, *others = [predict_model(model, form, type="prob") for form in forms]
    assert all(first.equals(other) for other in others)

    network = Network()
    whole = pd.DataFrame(np.eye(4, dtype=int), columns=list("abcd"))
    for form in (whole, whole.to_numpy(), whole.astype(bool), whole.to_numpy(np.uint8)):
        predict_model(as_classifier(network), form, type="prob")
    assert {rows.dtype for rows in network.seen} == {torch.float32}


def test_a_module_without_parameters_works():
    model = as_classifier(nn.Softmax(1))
    np.testing.assert_allclose(
        predict_model(model, ROWS, type="prob"), softmax(ROWS.to_numpy()), atol=1e-6
    )


def test_what_is_no_number_is_refused_with_the_columns():
    network = as_classifier(Network())
    with pytest.raises(ValueError, match="encode other columns in `preprocess`: 'word'"):
        predict_model(network, ROWS.assign(word="x"), type="prob")
    with pytest.raises(ValueError, match="`preprocess` must return tensors"):
        predict_model(network, ["a text"], type="prob")
    with pytest.raises(TypeError, match="only `batch_size` and `channels_first`; not 'device'"):
        predict_model(network, ROWS, type="prob", device="cpu")
    with pytest.raises(ValueError, match="`batch_size`"):
        predict_model(network, ROWS, type="prob", batch_size=0)


def redness():
    layers = nn.Conv2d(3, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    with torch.no_grad():
        layers[0].weight.copy_(torch.tensor([[0.0, 0, 0], [0.01, 0, 0]])[:, :, None, None])
    return nn.Sequential(*layers)


def test_pictures_are_laid_out_on_request():
    array, _ = pictures(3)
    model = as_classifier(redness())
    expected = 1 / (1 + np.exp(-array[..., 0].mean(axis=(1, 2)) / 100))
    forms = [array, [Image.fromarray(picture) for picture in array]]
    for form in forms:
        found = predict_model(model, form, type="prob", channels_first=True)
        np.testing.assert_allclose(found[1], expected, atol=1e-6)
    moved = torch.from_numpy(array).permute(0, 3, 1, 2)
    np.testing.assert_allclose(predict_model(model, moved, type="prob")[1], expected, atol=1e-6)
    with pytest.raises(ValueError, match=r'\(n, 3, H, W\).*predict_options={"channels_first"'):
        explain(array[0], lime(array, model), n_labels=1)
    with pytest.raises(ValueError, match="`channels_first` is for images"):
        predict_model(model, ROWS, type="prob", channels_first=True)
    grey = nn.Sequential(nn.Conv2d(1, 2, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Softmax(1))
    assert model_type(redness()) == "classification"
    assert predict_model(grey, array[..., 0], type="prob", channels_first=True).shape == (3, 2)


class Bags(nn.Module):
    """The sum of the weights of the words of each text, which come in a row."""

    def __init__(self, last=False):
        super().__init__()
        self.bags = nn.EmbeddingBag(4, 2, mode="sum", include_last_offset=last)
        with torch.no_grad():
            self.bags.weight.copy_(torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.5]]))

    def forward(self, ids, offsets):
        return self.bags(ids, offsets)


WORDS = {"quiet": 0, "good": 1, "bad": 2, "fine": 3}


def bags_of(texts, form=tuple, last=False):
    ids = [[WORDS[word] for word in text.split() if word in WORDS] for text in texts]
    ends = np.cumsum([0, *map(len, ids)])
    parts = np.concatenate([[], *ids]).astype(np.int64), ends if last else ends[:-1]
    return form(parts) if form is tuple else dict(zip(("ids", "offsets"), parts, strict=True))


@pytest.mark.parametrize("form", [tuple, dict])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("words", [["good"], ["good", "fine", "quiet"], []])
def test_words_in_a_row_are_not_cut_into_batches(form, last, words):
    texts = ["bad good fine", *[" ".join(words)] * 700]
    model = as_classifier(Bags(last), ["low", "high"], activation="softmax")
    prepared = bags_of(texts, form, last)
    found = predict(model, prepared, n=len(texts), batch_size=2)
    score = {"good": 1.0, "fine": 0.5, "quiet": 0.0}
    expected = 1 / (1 + np.exp(-sum(score[word] for word in words)))
    np.testing.assert_allclose(found.values[1:, 1], expected, rtol=1e-6)
    assert found.values[0, 1] == pytest.approx(1 / (1 + np.exp(-0.5)))


@pytest.mark.parametrize("form", [tuple, dict])
def test_texts_become_words_in_a_row(form):
    text = "a good film with a bad end and fine music of much too loud and quiet a sort"
    model = as_classifier(Bags(), ["low", "high"], activation="softmax")
    explainer = lime(text, model, lambda texts: bags_of(texts, form))
    explanation = explain(text, explainer, labels="high", n_permutations=600, random_state=1)
    weights = explanation.set_index("feature")["feature_weight"]
    assert weights["good"] > weights["fine"] > 0.05 > -0.1 > weights["bad"]


def test_parts_that_all_rows_share_are_not_cut():
    class Scaled(nn.Module):
        def forward(self, rows, scale, shift):
            return rows @ scale + shift

    model = as_regressor(Scaled())
    prepared = ROWS.to_numpy("float32"), np.eye(4, 1, dtype="float32"), np.float32(2)
    found = predict(model, prepared, n=len(ROWS), batch_size=5)
    np.testing.assert_allclose(found.values[:, 0], ROWS.iloc[:, 0] + 2, rtol=1e-6)


def test_a_method_of_a_module_is_the_module():
    network = Network()
    for method in (network.forward, network.__call__):
        assert as_classifier(method, list("abc")).model is network
        assert lime(ROWS, as_classifier(method, list("abc"))).model.model is network


# Keras


def dense(units, activation=None):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation)])


def test_what_is_done_to_keras_outputs_can_be_said():
    model = dense(3)
    scores = model.predict(ROWS.to_numpy(), verbose=0)
    for activation, expected in (
        ("softmax", softmax(scores)),
        ("sigmoid", 1 / (1 + np.exp(-scores))),
        (None, scores),
        ("auto", scores),
    ):
        found = predict_model(as_classifier(model, list("abc"), activation), ROWS, type="prob")
        np.testing.assert_allclose(found, expected, atol=1e-6)
    with pytest.warns(UserWarning, match='activation="softmax"'):
        lime(ROWS, as_classifier(model, list("abc")))
    found = predict_model(as_regressor(model, output=1), ROWS, type="raw")
    np.testing.assert_allclose(found["Response"], scores[:, 1], atol=1e-6)


def of_columns(inputs, keyed=False):
    """A model of columns, the sum of them all."""
    added = keras.layers.Add()([keras.ops.cast(column, "float32") for column in inputs])
    return keras.Model({one.name: one for one in inputs} if keyed else inputs, added)


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.filterwarnings("error::UserWarning")
def test_inputs_of_keras_are_columns_by_name(keyed):
    frame = pd.DataFrame({"age": [1.0, 2.0], "town": [30, 40], "other": ["x", "y"]})
    inputs = [keras.Input((1,), name="town", dtype="int32"), keras.Input((1,), name="age")]
    model = of_columns(inputs, keyed)
    assert predict_model(model, frame, type="raw")["Response"].tolist() == [31, 42]
    several = np.tile(frame[["age", "town"]].to_numpy(), (30, 1))
    table = pd.DataFrame(several, columns=["age", "town"])
    explanation = explain(
        table.head(1), lime(table, as_regressor(model)), n_permutations=200, random_state=1
    )
    assert explanation.set_index("feature")["feature_weight"].abs().idxmax() == "town"


def test_inputs_of_keras_of_other_names_are_columns_in_their_order():
    frame = pd.DataFrame({"age": [1.0, 2.0], "town": [30, 40]})
    first, second = keras.Input((1,)), keras.Input(())
    difference = keras.layers.Subtract()([first, keras.ops.expand_dims(second, 1)])
    model = keras.Model([first, second], difference)
    assert predict_model(model, frame, type="raw")["Response"].tolist() == [-29, -38]
    named = of_columns([keras.Input((1,), name="age"), keras.Input((1,), name="size")])
    with pytest.raises(ValueError, match=r"absent: 'size'\. They are 'age', 'town'"):
        predict_model(named, frame, type="raw")
    with pytest.raises(ValueError, match="absent"):
        predict_model(model, frame.assign(x=1), type="raw")


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow's tensors hold strings"
)
def test_inputs_of_keras_may_be_strings():
    town, age = keras.Input((1,), name="town", dtype="string"), keras.Input((1,), name="age")
    known = keras.layers.StringLookup(vocabulary=["Graz", "Linz"], output_mode="one_hot")(town)
    scores = keras.layers.Concatenate()([known, age])
    model = as_classifier(keras.Model([town, age], scores), list("abcd"), activation=None)
    frame = pd.DataFrame({"age": [0.5, 0.25], "town": pd.Categorical(["Linz", "Wels"])})
    assert predict_model(model, frame, type="prob").to_numpy().tolist() == [
        [0, 0, 1, 0.5],
        [1, 0, 0, 0.25],
    ]


@pytest.mark.parametrize(
    "take",
    [
        lambda model: model.predict,
        lambda model: as_classifier(model.predict, list("abc")),
        lambda model: as_classifier(model.predict_on_batch),
        lambda model: as_classifier(partial(model.predict, batch_size=64)),
        lambda model: as_classifier(model.predict, activation=None),
        lambda model: as_regressor(model.predict, output=1),
    ],
)
def test_a_method_of_keras_prints_no_progress(take, capfd):
    rows = np.tile(ROWS.to_numpy("float32"), (3, 1))
    explain(rows[:1], lime(rows, take(dense(3, "softmax"))), n_permutations=100, random_state=1)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("activation", "loss"),
    [("sigmoid", None), (None, keras.losses.BinaryCrossentropy(from_logits=True))],
)
@pytest.mark.filterwarnings("error::UserWarning")
def test_sigmoids_of_keras_are_labels_with_a_probability_each(activation, loss):
    model = dense(3, activation)
    if loss is not None:
        model.compile(loss=loss)
    values = model.predict(ROWS.to_numpy(), verbose=0)
    found = predict_model(model, ROWS, type="prob")
    expected = values if activation else 1 / (1 + np.exp(-values))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    lime(ROWS, model)


@pytest.mark.parametrize("first", ["torch", "tensorflow", "keras on torch"])
def test_libraries_share_a_process_in_any_order(first):
    backend = "torch" if "keras" in first else "tensorflow"
    imports = ["import torch", "import tensorflow"]
    script = f"""
        {"; ".join(imports if first == "torch" else imports[::-1])}
        import keras, numpy as np
        from pylime import model_type, predict_model
        assert keras.backend.backend() == {backend!r}
        layers = [keras.Input((4,)), keras.layers.Dense(3, "softmax")]
        models = [keras.Sequential(layers), torch.nn.Sequential(torch.nn.Linear(4, 3))]
        for model in models:
            assert model_type(model) == "classification"
            found = predict_model(model, np.eye(4), type="prob")
            np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    """
    if backend == "torch":
        script = script.replace("import tensorflow; import torch", "import torch")
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        check=True,
    )


# ONNX Runtime


def test_sessions_bring_labels_only_if_they_name_them():
    named, plain = sessions.labelled(), sessions.labelled(zipmap=False)
    found = predict_model(named, ROWS, type="prob")
    assert list(found) == ["low", "middle", "top"]
    positions = predict_model(plain, ROWS, type="prob")
    assert list(positions) == [0, 1, 2]
    np.testing.assert_allclose(found, positions, atol=1e-6)
    mine = predict_model(as_classifier(named, list("abc"), activation=None), ROWS, type="prob")
    np.testing.assert_allclose(found, mine)
    assert list(mine) == list("abc")


def test_a_session_that_does_not_tell_its_type_must_be_wrapped():
    model = sessions.linear(sessions.WEIGHTS)
    with pytest.raises(TypeError, match=r"'output', do not show.*activation=\"softmax\""):
        lime(ROWS, model)
    with pytest.warns(UserWarning, match="do not sum to 1"):
        lime(ROWS, as_classifier(model))
    scores = ROWS.to_numpy() @ sessions.WEIGHTS
    found = predict_model(as_classifier(model, activation="softmax"), ROWS, type="prob")
    np.testing.assert_allclose(found, softmax(scores), atol=1e-6)
    found = predict_model(as_regressor(model, output=2), ROWS, type="raw")
    np.testing.assert_allclose(found["Response"], scores[:, 2], atol=1e-5)


@pytest.mark.parametrize("rows", [1, 5, 12, "n", None])
def test_sessions_of_a_fixed_number_of_rows_get_as_many(rows):
    model = as_regressor(sessions.linear(sessions.WEIGHTS[:, 2:], rows=rows))
    for n in (1, 7, 12):
        found = predict_model(model, ROWS.head(n), type="raw", batch_size=4)
        expected = ROWS.head(n).to_numpy() @ sessions.WEIGHTS[:, 2]
        np.testing.assert_allclose(found["Response"], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["FLOAT", "DOUBLE", "INT64", "INT32", "STRING", "FLOAT16"])
def test_sessions_get_the_types_that_they_ask_for(name):
    import onnx

    kind = getattr(onnx.TensorProto, name)
    to = onnx.helper.make_node("Cast", ["x"], ["y"], to=onnx.TensorProto.DOUBLE)
    model = sessions.session(
        [to], [sessions.value("x", kind, "n", 1)], [sessions.value("y", 11, "n", 1)]
    )
    whole = pd.DataFrame({"anything": [1, 2, 3]})
    for form in (whole, whole.to_numpy(), whole["anything"], [1, 2, 3], {"x": [1, 2, 3]}):
        found = predict_model(as_regressor(model), form, type="raw")
        assert found["Response"].tolist() == [1, 2, 3]
    if name != "STRING":
        with pytest.raises(ValueError, match=r"values as its input 'x'; .*: 'word'"):
            predict_model(as_regressor(model), ["word"], type="raw")


def test_sessions_with_an_input_per_column_name_what_is_missing():
    model = sessions.by_column()
    rows = sessions.of_columns().data
    found = predict_model(model, rows, type="prob")
    again = {name: rows[name].to_numpy() for name in [*rows][::-1]}
    assert found.equals(predict_model(model, again, type="prob"))
    listed = tuple(rows[name] for name in ("colour", "noise", "dull", "idle"))
    assert found.equals(predict_model(model, listed, type="prob"))
    with pytest.raises(ValueError, match=r"'idle': the columns.*missing 'noise'\."):
        predict_model(model, rows.drop(columns="noise"), type="prob")
    with pytest.raises(ValueError, match="missing 'colour'"):
        predict_model(model, rows.to_numpy(), type="prob")


def test_bytes_become_fractions_where_the_module_is():
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 3)).astype(np.uint8)
    fixed = images.copy()
    fixed.flags.writeable = False
    cpu = torch.device("cpu")
    first = channels_first(images)
    for array in (images, first, channels_first(fixed), channels_first(images[::-1, :, ::-1])):
        sent = torch_models._tensor(array, False)
        there = torch_models._moved(sent, cpu, torch.float32)
        assert isinstance(sent, torch.Tensor)
        assert isinstance(there, torch.Tensor)
        assert sent.dtype == torch.uint8
        assert there.is_contiguous()
        assert torch.equal(there, torch.tensor(array.astype("float32")))
    # A table of bytes, or words in bytes, are as they were.
    for whole in (False, True):
        assert torch_models._tensor(images[0, :, :, 0], whole).dtype == torch.float32


def test_sessions_take_pictures_channels_first():
    import onnx

    array, _ = pictures(3)
    node = onnx.helper.make_node
    model = sessions.session(
        [node("GlobalAveragePool", ["x"], ["mean"]), node("Flatten", ["mean"], ["y"])],
        [sessions.value("x", sessions.FLOAT, 1, 3, "h", "w")],
        [sessions.value("y", sessions.FLOAT, 1, 3)],
    )
    wrapped = as_regressor(model, output=0)
    found = predict_model(wrapped, array, type="raw", channels_first=True)
    np.testing.assert_allclose(found["Response"], array[..., 0].mean(axis=(1, 2)), rtol=1e-5)
    with pytest.raises(ValueError, match="channels_first"):
        predict_model(wrapped, array, type="raw")
    with pytest.raises(TypeError, match="only `batch_size` and `channels_first`; not 'a'"):
        predict_model(wrapped, array, type="raw", a=1)


def test_sessions_work_in_threads():
    model = sessions.linear(sessions.WEIGHTS, after="Softmax", output="probabilities")
    explain_them = partial(
        explain, ROWS, lime(ROWS, model), n_labels=1, n_permutations=100, random_state=1
    )
    with joblib.parallel_config("threading"):
        parallel = explain_them(n_jobs=2)
    pd.testing.assert_frame_equal(parallel, explain_them())


# Pipelines of transformers


def test_labels_keep_the_order_of_the_configuration():
    labels = {0: "zebra", 1: "ant", 2: "mole"}
    model = text_pipeline(["here", "good", "quiet"], id2label=labels)
    found = predict_model(model, TEXTS, type="prob")
    assert list(found) == list(labels.values())
    assert found["ant"].idxmax() == 2
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert found.round(5).equals(predict_model(model, TEXTS, type="prob", batch_size=1).round(5))
    own = predict(model, pd.Series(TEXTS), n=len(TEXTS), function_to_apply="sigmoid")
    assert not own.exclusive
    renamed = predict_model(as_classifier(model, list("xyz")), TEXTS, type="prob")
    assert list(renamed) == list("xyz")
    scores = predict_model(as_regressor(model, output="ant"), TEXTS, type="raw")
    assert scores["Response"].gt(0).tolist() == ["good" in text for text in TEXTS]


def test_pipelines_keep_their_mode_and_predict_without_chance():
    model = text_pipeline([None, "good"])
    assert model.model.training
    first, second = (predict_model(model, TEXTS * 5, type="prob") for _ in range(2))
    assert first.equals(second)
    assert model.model.training
    assert all(part.training for part in model.model.modules())


def test_a_single_output_is_a_number_unless_it_is_said_to_be_a_class():
    model = text_pipeline(["good"])
    assert model_type(model) == "regression"
    numbers = predict_model(model, TEXTS, type="raw")["Response"]
    classes = predict_model(as_classifier(model, ["bad", "good"]), TEXTS, type="prob")
    np.testing.assert_allclose(classes["good"], 1 / (1 + np.exp(-numbers)), atol=1e-6)


def test_names_that_classes_share_get_their_positions():
    labels = {0: "crane", 1: "ant", 2: "crane"}
    model = text_pipeline(["here", "good", "quiet"], id2label=labels)
    found = predict_model(model, TEXTS, type="prob")
    assert list(found) == ["crane (0)", "ant", "crane (2)"]
    assert model.model.config.id2label == labels
    apart = predict_model(text_pipeline(["here", "good", "quiet"], id2label=dict(enumerate("abc"))),
                          TEXTS, type="prob")  # fmt: skip
    np.testing.assert_allclose(found, apart, atol=1e-6)
    explanation = explain(TEXTS[0], lime(TEXTS, model), labels="crane (2)", n_permutations=50)
    assert explanation["label"].eq("crane (2)").all()


def test_pictures_reach_a_pipeline_in_any_form(tmp_path):
    array, _ = pictures(2)
    model = image_pipeline()
    paths = [str(tmp_path / f"{number}.png") for number in range(2)]
    images = [Image.fromarray(picture) for picture in array]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    first, *others = [
        predict_model(model, form, type="prob") for form in (array, list(array), images, paths)
    ]
    assert all(first.equals(other) for other in others)
    grey = predict_model(model, array[..., 0], type="prob")
    assert grey.shape == (2, 2)
    explanation = explain(paths[0], lime(paths, model), n_labels=1, n_superpixels=9, n_features=2)
    assert explanation["label"].isin(["LABEL_0", "LABEL_1"]).all()


def test_other_pipelines_are_refused_with_what_to_do():
    from transformers import pipeline

    known = text_pipeline([None, "good"])
    other = pipeline(
        "feature-extraction", model=known.model.distilbert, tokenizer=known.tokenizer, device="cpu"
    )
    for model in (other, as_classifier(other)):
        with pytest.raises(TypeError, match=r"not for feature-extraction\. Wrap a function"):
            lime(TEXTS, model)
