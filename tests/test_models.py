"""Models: the generics, the wrappers, and the libraries that come with the first inputs."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from pylime import as_classifier, as_regressor, model_type, predict_model
from pylime.models import check_model, predict
from pylime.models.keras import output_activation

IRIS, SPECIES = load_iris(return_X_y=True, as_frame=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]


def dense(units: int, activation: object = None) -> keras.Model:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation=activation)])


def nested() -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, dense(3, "softmax")(keras.layers.Dense(4)(inputs)))


def after(operation: object, units: int = 3, activation: object = None) -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, operation(keras.layers.Dense(units, activation)(inputs)))


def two_outputs() -> keras.Model:
    inputs = keras.Input((4,))
    first = keras.layers.Dense(3, "softmax")(inputs)
    return keras.Model(inputs, [first, keras.layers.Dense(1)(inputs)])


def by_name(activations: dict) -> keras.Model:
    inputs = keras.Input((4,))
    layers = {name: keras.layers.Dense(3, a, name=name) for name, a in activations.items()}
    return keras.Model(inputs, {name: layer(inputs) for name, layer in layers.items()})


def dense_of(dtype: str) -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(3, "softmax", dtype=dtype)(inputs))


class Subclassed(keras.Model):
    def __init__(self, activation: str | None = None):
        super().__init__()
        self.out = keras.layers.Dense(3, activation)

    def call(self, inputs):
        return self.out(inputs)


def compiled(model: keras.Model, loss: object) -> keras.Model:
    model.compile(loss=loss)
    return model


losses = keras.losses
KERAS = {
    "softmax": (lambda: dense(3, "softmax"), "classification"),
    "sigmoid": (lambda: dense(1, "sigmoid"), "classification"),
    "linear": (lambda: dense(1), "regression"),
    "relu": (lambda: dense(1, "relu"), "regression"),
    "activation function": (lambda: dense(3, keras.activations.softmax), "classification"),
    "Softmax layer": (lambda: after(keras.layers.Softmax()), "classification"),
    "Activation layer": (lambda: after(keras.layers.Activation("softmax")), "classification"),
    "ops.softmax": (lambda: after(keras.ops.softmax), "classification"),
    "ops.sigmoid": (lambda: after(keras.ops.sigmoid, 1), "classification"),
    "reshaped": (lambda: after(keras.layers.Reshape((3, 1)), 3, "softmax"), "classification"),
    "flattened": (lambda: after(keras.layers.Flatten(), 3, "softmax"), "classification"),
    "dropped out": (lambda: after(keras.layers.Dropout(0.5), 3, "softmax"), "classification"),
    "identity": (lambda: after(keras.layers.Identity(), 1), "regression"),
    "nested": (nested, "classification"),
    "two outputs": (two_outputs, "classification"),
    "logits": (
        lambda: compiled(dense(3), losses.CategoricalCrossentropy(from_logits=True)),
        "classification",
    ),
    "binary logits": (
        lambda: compiled(dense(1), losses.BinaryCrossentropy(from_logits=True)),
        "classification",
    ),
    "subclassed, crossentropy": (
        lambda: compiled(Subclassed("softmax"), "sparse_categorical_crossentropy"),
        "classification",
    ),
    "subclassed, mse": (lambda: compiled(Subclassed(), "mse"), "regression"),
    "log softmax": (lambda: dense(3, "log_softmax"), "classification"),
    "first by name": (
        lambda: by_name({"z": None, "a": "softmax"}),
        "classification",
    ),
    "losses by name": (
        lambda: compiled(
            by_name({"a": None, "z": None}),
            {"a": losses.CategoricalCrossentropy(from_logits=True), "z": "mse"},
        ),
        "classification",
    ),
    "bfloat16": (lambda: dense_of("mixed_bfloat16"), "classification"),
    "linear, mse": (lambda: compiled(dense(1), losses.MeanSquaredError()), "regression"),
}


@pytest.mark.parametrize("name", KERAS)
def test_keras_models_tell_their_type(name):
    make, expected = KERAS[name]
    assert model_type(make()) == expected


@pytest.mark.parametrize("name", [n for n, (_, kind) in KERAS.items() if kind == "classification"])
def test_keras_classifiers_give_probabilities(name):
    model = KERAS[name][0]()
    rows = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    probabilities = predict_model(model, rows, type="prob")
    assert len(probabilities) == 7
    assert list(probabilities) == list(range(probabilities.shape[1]))
    tolerance = 0.02 if name == "bfloat16" else 1e-6
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=tolerance)
    assert (probabilities >= 0).all(axis=None)
    if name == "two outputs":
        np.testing.assert_allclose(probabilities, model.predict(rows, verbose=0)[0], atol=1e-6)


def test_a_sigmoid_gives_two_classes():
    model = dense(1, "sigmoid")
    rows = np.eye(4, dtype="float32")
    probabilities = predict_model(as_classifier(model, ["dog", "cat"]), rows, type="prob")
    assert list(probabilities) == ["dog", "cat"]
    np.testing.assert_allclose(probabilities["cat"], model.predict(rows, verbose=0)[:, 0])


def test_logits_become_probabilities():
    model = compiled(dense(3), losses.CategoricalCrossentropy(from_logits=True))
    rows = np.eye(4, dtype="float32")
    expected = keras.ops.softmax(model.predict(rows, verbose=0))
    np.testing.assert_allclose(predict_model(model, rows, type="prob"), expected, atol=1e-6)


class OwnLayer(keras.layers.Layer):
    def call(self, inputs):
        return keras.ops.softmax(inputs)


@pytest.mark.parametrize(
    "last",
    [
        OwnLayer,
        Subclassed,
        lambda: keras.layers.Lambda(keras.activations.softmax),
        lambda: keras.layers.Dense(1, activation=lambda x: keras.ops.sigmoid(x)),
        lambda: lambda x: 1 - keras.ops.sigmoid(x),
    ],
)
def test_what_layers_of_ones_own_do_must_be_said(last):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, last()(inputs))
    with pytest.raises(TypeError, match="as_classifier"):
        model_type(model)
    assert model_type(compiled(model, "mse")) == "regression"


def test_a_subclassed_model_without_loss_must_be_wrapped():
    model = Subclassed("softmax")
    assert output_activation(model) is None
    with pytest.raises(TypeError, match="as_classifier"):
        model_type(model)
    assert predict_model(as_classifier(model), np.eye(4, dtype="float32"), type="prob").shape == (
        4,
        3,
    )


def test_keras_inputs_may_be_frames_and_dicts():
    frame = pd.DataFrame(np.eye(4), columns=list("abcd"))
    assert predict_model(dense(1), frame, type="raw").shape == (4, 1)
    inputs = {"a": keras.Input((2,), name="a"), "b": keras.Input((2,), name="b")}
    joined = keras.layers.Concatenate()(list(inputs.values()))
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(joined))
    rows = {"a": np.ones((5, 2), "float32"), "b": np.ones((5, 2), "float32")}
    assert predict_model(model, rows, type="prob", batch_size=2).shape == (5, 3)
    inputs = [keras.Input((2,)), keras.Input((2,))]
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(sum(inputs)))
    assert predict_model(model, list(rows.values()), type="prob", batch_size=2).shape == (5, 3)
    with pytest.raises(TypeError, match="take only `batch_size`; not 'verbose'"):
        predict_model(model, list(rows.values()), type="prob", verbose=0)


def test_keras_works_on_another_backend():
    script = """
        import numpy as np
        from test_models import dense, nested
        from pylime import model_type, predict_model
        import keras
        assert keras.backend.backend() == "jax"
        assert model_type(nested()) == "classification"
        assert predict_model(dense(1, "sigmoid"), np.eye(4), type="prob").shape == (4, 2)
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        cwd=Path(__file__).parent,
        check=True,
    )


def test_scikit_learn_classifiers_bring_their_labels():
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS, NAMES)
    assert model_type(model) == "classification"
    probabilities = predict_model(model, IRIS, type="prob")
    assert list(probabilities) == ["setosa", "versicolor", "virginica"]
    assert (probabilities.idxmax(axis=1) == model.predict(IRIS)).all()


@pytest.mark.parametrize("fitted_on", [IRIS, IRIS.to_numpy()])
@pytest.mark.parametrize("given", [IRIS, IRIS.to_numpy()])
@pytest.mark.filterwarnings("error")
def test_scikit_learn_says_nothing_of_feature_names(fitted_on, given):
    model = LinearRegression().fit(fitted_on, SPECIES)
    assert list(predict_model(model, given, type="raw")) == ["Response"]
    assert model_type(model) == "regression"


def test_scikit_learn_errors_tell_what_to_do():
    with pytest.raises(TypeError, match="neither a classifier nor a regressor"):
        model_type(KMeans())
    with pytest.raises(TypeError, match="CalibratedClassifierCV"):
        predict_model(LinearSVC().fit(IRIS, NAMES), IRIS, type="prob")


@pytest.mark.parametrize(
    ("returned", "shape", "kind"),
    [
        ([0.1, 0.9], (2, 2), "prob"),
        (np.array([[0.1], [0.9]]), (2, 2), "prob"),
        (np.eye(2), (2, 2), "prob"),
        (pd.DataFrame({"a": [0.1, 0.9], "b": [0.9, 0.1]}), (2, 2), "prob"),
        (pd.Series([1.0, 2.0]), (2, 1), "raw"),
        ([[1], [2]], (2, 1), "raw"),
        (keras.ops.convert_to_tensor([0.1, 0.9]), (2, 2), "prob"),
    ],
)
def test_functions_may_return_anything_that_is_a_row_a_case(returned, shape, kind):
    wrap = as_classifier if kind == "prob" else as_regressor
    assert predict(wrap(lambda _: returned), [1, 2], n=2).shape == shape


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (["cat", "dog"], "class labels.*predict_proba"),
        (np.ones((2, 2, 2)), "array of shape"),
        ([0.5], "one row for each of the 2 cases it is given; it returned 1"),
        ([0.5, np.nan], "finite numbers; of 2 cases 1 have a missing"),
        (pd.DataFrame([[0.1, 0.9]] * 2, columns=["a", "a"]), "labels must be different"),
    ],
)
def test_unusable_predictions_say_what_is_wrong(returned, message):
    with pytest.raises(ValueError, match=message):
        predict(as_classifier(lambda _: returned), [1, 2], n=2)


def test_a_regressor_must_return_one_column():
    with pytest.raises(ValueError, match="one number for each case"):
        predict(as_regressor(lambda _: np.ones((2, 3))), [1, 2], n=2)


def test_labels_of_a_wrong_number_are_ignored_with_a_warning():
    model = as_classifier(lambda _: np.eye(2), ["a", "b", "c"])
    with pytest.warns(UserWarning, match=r"Ignoring provided class labels.*3 labels for 2"):
        assert list(predict(model, [1, 2], n=2)) == [0, 1]


@pytest.mark.parametrize("labels", [{1: "b", 0: "a"}, {"b": 1, "a": 0}, pd.Index(["a", "b"])])
def test_labels_may_say_which_output_is_which(labels):
    assert list(predict(as_classifier(lambda _: np.eye(2), labels), [1, 2], n=2)) == ["a", "b"]


@pytest.mark.parametrize("labels", [{2: "b", 0: "a"}, {"a", "b"}, pd.DataFrame(), [["a"], ["b"]]])
def test_labels_without_an_order_are_refused(labels):
    with pytest.raises(TypeError, match="`labels` must"):
        as_classifier(abs, labels)


def test_a_single_named_probability_keeps_its_name():
    model = as_classifier(lambda _: pd.DataFrame({"cat": [0.1, 0.9]}))
    assert list(predict(model, [1, 2], n=2)) == ["not cat", "cat"]


def test_what_users_register_is_checked():
    class Wrong:
        pass

    predict_model.register(Wrong, lambda *_, **__: pd.DataFrame(np.eye(2)))
    model_type.register(Wrong, lambda model: "clasification")
    with pytest.raises(TypeError, match="it returned 'clasification'"):
        check_model(Wrong())
    with pytest.raises(ValueError, match="one number for each case"):
        predict(as_regressor(Wrong()), [1, 2], n=2)
    with pytest.raises(TypeError, match="NoneType are not known"):
        check_model(as_classifier(None))


def test_labels_must_differ():
    with pytest.raises(ValueError, match=r"twice: .'crane'"):
        as_classifier(abs, ["crane", "bittern", "crane"])
    with pytest.raises(TypeError, match="list of class names"):
        as_classifier(abs, "cat")


def test_an_unknown_model_is_taught_in_two_functions():
    class Oracle:
        pass

    with pytest.raises(TypeError, match=r"@predict_model.register\(Oracle\)"):
        predict_model(Oracle(), [1], type="prob")
    with pytest.raises(TypeError, match=r"@model_type.register\(Oracle\)"):
        model_type(Oracle())
    with pytest.raises(TypeError, match="as_classifier"):
        model_type(lambda x: x)


def test_a_users_registration_wins():
    class MyForest(LogisticRegression):
        pass

    @predict_model.register
    def _(model: MyForest, newdata, type, **kwargs):
        return pd.DataFrame({"mine": [1.0] * len(newdata)})

    assert list(predict_model(MyForest(), [1, 2], type="prob")) == ["mine"]


def test_wrapping_changes_nothing():
    model = LogisticRegression(max_iter=1000).fit(IRIS, NAMES)
    before = dict(vars(model))
    wrapped = as_classifier(model, ["a", "b", "c"])
    assert wrapped.model is model
    assert vars(model).keys() == before.keys()
    assert predict_model(
        as_regressor(LinearRegression().fit(IRIS, SPECIES)), IRIS, "raw"
    ).shape == (
        150,
        1,
    )
