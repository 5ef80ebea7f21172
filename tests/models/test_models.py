"""Models: the generics, the wrappers, and the libraries that come with the first inputs."""

import os
import subprocess
import sys
import textwrap
import threading
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from pylime import (
    Predictions,
    as_classifier,
    as_regressor,
    explain,
    lime,
    model_type,
    predict_model,
)
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


@pytest.mark.full
def test_keras_works_on_another_backend():
    script = """
        import numpy as np
        from test_models import dense, nested
        from pylime import model_type, predict_model
        import keras
        assert keras.backend.backend() == "torch"
        assert model_type(nested()) == "classification"
        assert predict_model(dense(1, "sigmoid"), np.eye(4), type="prob").shape == (4, 2)
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "KERAS_BACKEND": "torch"},
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
    assert predict(wrap(lambda _: returned), [1, 2], n=2).values.shape == shape


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
    with pytest.warns(UserWarning, match=r"Ignoring provided.*3 labels for 2") as caught:
        assert predict(model, [1, 2], n=2).labels == (0, 1)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("labels", [{1: "b", 0: "a"}, {"b": 1, "a": 0}, pd.Index(["a", "b"])])
def test_labels_may_say_which_output_is_which(labels):
    assert predict(as_classifier(lambda _: np.eye(2), labels), [1, 2], n=2).labels == ("a", "b")


@pytest.mark.parametrize("labels", [{2: "b", 0: "a"}, {"a", "b"}, pd.DataFrame(), [["a"], ["b"]]])
def test_labels_without_an_order_are_refused(labels):
    with pytest.raises(TypeError, match="`labels` must"):
        as_classifier(abs, labels)


def test_a_single_named_probability_keeps_its_name():
    model = as_classifier(lambda _: pd.DataFrame({"cat": [0.1, 0.9]}))
    assert predict(model, [1, 2], n=2).labels == ("not cat", "cat")


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


def test_what_users_register_may_be_an_array_or_one_column():
    class Own:
        returned: object

    predict_model.register(Own, lambda model, *_, **__: model.returned)
    model_type.register(Own, lambda model: "classification")
    model = Own()
    for returned in ([0.1, 0.8], np.array([[0.9, 0.1], [0.2, 0.8]]), pd.DataFrame([0.1, 0.8])):
        model.returned = returned
        assert predict(model, [1, 2], n=2).values[:, 1].tolist() == [0.1, 0.8]
        assert predict(as_classifier(model, ["a", "b"]), [1, 2], n=2).labels == ("a", "b")
        assert isinstance(predict_model(model, [1, 2], type="prob"), pd.DataFrame)


class Weather:
    """Several labels at once, of which each has a probability of its own."""

    def __init__(self, exclusive=False):
        self.exclusive = exclusive


@predict_model.register
def predict_weather(model: Weather, newdata, type, **kwargs) -> Predictions:
    rain = newdata["b"].to_numpy()
    return Predictions(np.column_stack([rain, rain / 2]), ("rain", "wind"), model.exclusive)


@model_type.register(Weather)
def type_of_weather(model):
    return "classification"


def test_labels_may_be_declared_independent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer = lime(TABLE, Weather())
    explanation = explain(TABLE.head(1), explainer, labels=["rain", "wind"], random_state=1)
    assert explanation["label_prob"].unique().tolist() == [1, 0.5]
    renamed = predict(as_classifier(Weather(), ["wet", "windy"]), TABLE, n=4)
    assert renamed.labels == ("wet", "windy")
    assert not renamed.exclusive
    with pytest.warns(UserWarning, match=r"do not sum to 1: 1, 0\.5 sum to 1\.5"):
        lime(TABLE, Weather(exclusive=True))


def test_predict_model_is_a_generic_that_returns_frames():
    frame = predict_model(Weather(), TABLE, type="prob")
    pd.testing.assert_frame_equal(
        frame, pd.DataFrame({"rain": [1.0, 0, 1, 0], "wind": [0.5, 0, 0.5, 0]})
    )
    assert predict_model.dispatch(Weather) is predict_model.registry[Weather] is predict_weather
    assert predict_model.dispatch(object) is predict_model.registry[object]


@pytest.mark.parametrize("chance", [[0.1, 0.8], [[0.1], [0.8]]])
def test_a_function_may_return_the_record(chance):
    single = Predictions(np.reshape(chance, (2, 1)), ["hail"])
    assert predict(as_classifier(lambda _: single), [1, 2], n=2).labels == ("not hail", "hail")
    alone = Predictions(single.values, single.labels, exclusive=False)
    assert predict(as_classifier(lambda _: alone), [1, 2], n=2).labels == ("hail",)
    assert predict(as_regressor(lambda _: single), [1, 2], n=2).labels == ("Response",)


@pytest.mark.parametrize(
    ("values", "labels", "message"),
    [
        (np.eye(2), ("a", "b", "c"), r"each of the 3 labels; not the shape \(2, 2\)"),
        (np.ones(2), ("a", "b"), r"2 labels; not the shape \(2,\)"),
        ([["x", "y"]], ("a", "b"), "`values` must be numbers"),
    ],
)
def test_a_record_has_a_column_of_numbers_for_each_label(values, labels, message):
    with pytest.raises(ValueError, match=message):
        Predictions(values, labels)


def test_checked_predictions_do_not_change_with_a_models_memory():
    memory = np.array([[0.2, 0.8], [0.6, 0.4]])
    before = predict(as_classifier(lambda _: memory), [1, 2], n=2)
    memory[:] = 0.5
    assert before.values.tolist() == [[0.2, 0.8], [0.6, 0.4]]


def test_numbers_keep_their_type_and_probabilities_are_fractions():
    whole = as_regressor(lambda _: np.array([1, 2], dtype=np.int32))
    assert predict_model(whole, [1, 2], type="raw")["Response"].dtype == np.int32
    single = as_classifier(lambda _: np.eye(2, dtype=np.float32))
    assert set(predict_model(single, [1, 2], type="prob").dtypes) == {np.dtype("float32")}
    zeros_and_ones = as_classifier(lambda _: np.eye(2, dtype=int))
    assert set(predict_model(zeros_and_ones, [1, 2], type="prob").dtypes) == {np.dtype("float64")}


def test_missing_numbers_of_pandas_are_missing():
    nullable = pd.DataFrame({"a": [0.5, None], "b": [0.5, None]}, dtype="Float64")
    with pytest.raises(ValueError, match="of 2 cases 1 have a missing"):
        predict(as_classifier(lambda _: nullable), [1, 2], n=2)


def test_labels_must_differ():
    with pytest.raises(ValueError, match="twice: 'crane'"):
        as_classifier(abs, ["crane", "bittern", "crane"])
    with pytest.raises(TypeError, match="list of class names"):
        as_classifier(abs, "cat")


def test_an_unknown_model_is_taught_in_two_functions():
    class Oracle:
        pass

    with pytest.raises(TypeError, match=r"register\(Oracle\)\n    def predict_oracle\(model"):
        predict_model(Oracle(), [1], type="prob")
    with pytest.raises(TypeError, match=r"register\(Oracle\)\n    def type_of_oracle\(model"):
        model_type(Oracle())
    with pytest.raises(TypeError, match="as_classifier"):
        model_type(lambda x: x)
    predict_model.register(Oracle, lambda *_, **__: None)
    with pytest.raises(TypeError, match="known to `predict_model` only"):
        lime(TABLE, Oracle())


def test_the_two_functions_work_as_they_are_printed():
    class Oracle:
        pass

    with pytest.raises(TypeError) as raised:
        lime(TABLE, Oracle())
    printed = [line for line in str(raised.value).splitlines() if line.startswith("    ")]
    filled = "\n".join(printed).replace("...", "{'no': newdata['b'], 'yes': 1 - newdata['b']}")
    exec(textwrap.dedent(filled), {"Oracle": Oracle})
    explanation = explain(TABLE, lime(TABLE, Oracle()), labels="yes", random_state=1)
    assert explanation["label_prob"].drop_duplicates().tolist() == [0, 1]


def test_a_users_registration_wins():
    class MyForest(LogisticRegression):
        pass

    @predict_model.register
    def predict_my_forest(model: MyForest, newdata, type, **kwargs):
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


# What is easily mistaken is found out when the explainer is made

TABLE = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [1.0, 0.0, 1.0, 0.0]})


def thirds(rows):
    return np.full((len(rows), 3), 1 / 3)


@pytest.mark.parametrize(
    ("function", "labels", "message"),
    [
        (lambda rows: ["setosa"] * len(rows), None, r"shape \(2,\) with class labels: 'setosa'"),
        (lambda rows: np.array([0, 2]), ["a", "b", "c"], r"class labels: 0, 2\. Wrap"),
        (lambda rows: rows["a"] > 1, None, r"class labels: False, True\. \(If 0 and 1"),
        (lambda rows: [[0.2, 0.8]], ["a", "b"], r"expected shape \(2, classes\), seen \(1, 2\)"),
        (lambda rows: 0.5, ["a", "b"], r"seen \(\)|shape \(\)"),
        (lambda rows: [0.1, 0.2], ["a", "b", "c"], r"\(n, 3\).*one-dimensional.*\(2,\)"),
        (lambda rows: np.ones((2, 2, 2)), ["a", "b"], r"shape \(2, 2, 2\)"),
        (lambda rows: None, ["a", "b"], r"shape \(n, classes\) for n cases; it returned None"),
        (lambda rows: {"a": [0.1, 0.2]}, None, r"it returned a dict\."),
        (lambda rows: [{"a": 0.1}] * 2, None, r"a list of dict; pandas\.DataFrame"),
        (lambda rows: (0.5 for _ in range(2)), None, r"it returned a generator"),
    ],
)
def test_the_probe_shows_three_lines_that_cure(function, labels, message):
    with pytest.raises(ValueError, match=message) as raised:
        lime(TABLE, as_classifier(function, labels))
    lines = [line for line in str(raised.value).splitlines() if line.startswith("    ")]
    assert [line.split()[0] for line in lines] == ["def", "return", "explainer"]
    assert "probe=False" in raised.value.__notes__[0]
    lime(TABLE, as_classifier(function, labels), probe=False)


@pytest.mark.parametrize("predictions", [np.ones((4, 2)), [0.1, 0.2], pd.Series([0.1]), TABLE])
@pytest.mark.parametrize("wrap", [as_classifier, as_regressor])
def test_predictions_are_no_model(wrap, predictions):
    with pytest.raises(TypeError, match="not predictions") as raised:
        wrap(predictions)
    assert "    explainer = lime(data, as_classifier" in str(raised.value)
    with pytest.raises(TypeError, match="not predictions"):
        lime(TABLE, predictions)


@pytest.mark.parametrize("wrap", [lambda model: model, as_classifier, as_regressor])
def test_a_class_is_no_model(wrap):
    with pytest.raises(TypeError, match=r"not the class LogisticRegression\. Fit an object of it"):
        lime(TABLE, wrap(LogisticRegression))


@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        pd.Series,
        pd.DataFrame,
        list,
        lambda values: values[:, None],
        keras.ops.convert_to_tensor,
        pytest.param(
            lambda values: __import__("torch").tensor(values, requires_grad=True),
            marks=pytest.mark.full,
        ),
        pytest.param(
            lambda values: __import__("tensorflow").constant(values), marks=pytest.mark.full
        ),
        lambda values: __import__("polars").DataFrame({"p": values}),
        lambda values: sparse.csr_matrix(values[:, None]),
        lambda values: np.column_stack([values < 0.5, values >= 0.5]),
    ],
)
def test_one_column_of_probabilities_becomes_two(convert):
    model = as_classifier(lambda rows: convert(rows["b"].to_numpy()), ["no", "yes"])
    explanation = explain(TABLE, lime(TABLE, model), labels="yes", random_state=1)
    assert explanation["label_prob"].drop_duplicates().tolist() == [1.0, 0.0]


def test_scores_are_warned_of_once_with_their_numbers():
    def scores(rows):
        return np.column_stack([rows["a"], -rows["a"]])

    with pytest.warns(UserWarning, match=r'1, -1 sum to 0\. .*activation="softmax"') as caught:
        explain(TABLE, lime(TABLE, as_classifier(scores)), n_labels=2, random_state=1)
    assert ["activation" in str(warning.message) for warning in caught].count(True) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer = lime(TABLE, as_classifier(scores, ["a", "b"], activation="softmax"))
        lime(TABLE, as_classifier(scores, activation=None))
        lime(TABLE, as_classifier(scores), probe=False)
        several = as_classifier(scores, ["cat", "dog"], activation="sigmoid")
        independent = predict(several, TABLE, n=4)
    explanation = explain(TABLE.head(1), explainer, n_labels=1, random_state=1)
    assert explanation["label_prob"].iloc[0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert not independent.exclusive
    np.testing.assert_allclose(independent.values, 1 / (1 + np.exp(-scores(TABLE))))


def test_scores_of_pictures_are_warned_of_at_the_first_batch():
    pictures = np.random.default_rng(1).integers(0, 255, (2, 30, 30, 3)).astype(np.uint8)
    model = as_classifier(lambda x: np.ones((len(x), 2)) * x.mean(axis=(1, 2, 3))[:, None])
    explainer = lime(pictures, model)
    with pytest.warns(UserWarning, match="do not sum to 1") as caught:
        explain(pictures, explainer, n_permutations=50, n_superpixels=5, random_state=1)
    assert len(caught) == 1


def test_scores_that_sum_to_1_are_warned_of_as_what_they_are():
    model = as_classifier(lambda rows: rows["a"].to_numpy())
    with pytest.warns(UserWarning, match=r"not all between 0 and 1: -2, 3 sum to 1\.") as caught:
        lime(TABLE, model)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_an_activation_of_probabilities_is_warned_of(activation):
    model = LogisticRegression(max_iter=1000).fit(IRIS, NAMES)
    with pytest.warns(UserWarning, match="the model returns probabilities already") as caught:
        lime(IRIS, as_classifier(model, activation=activation))
    assert len(caught) == 1


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="`activation` must be one of 'auto', 'softmax'"):
        as_classifier(abs, activation="tanh")


def test_the_probe_sees_texts_and_complete_rows():
    seen = []

    def model(cases):
        seen.append(list(cases) if isinstance(cases, list) else cases)
        return np.full(len(cases), 0.5)

    lime(["one", None, "three", "four"], as_classifier(model))
    lime("a single text", as_classifier(model))
    assert seen == [["one", "three"], ["a single text"] * 2]
    gaps = pd.DataFrame({"x": [np.nan, 1.0, 2.0, 3.0]})
    lime(gaps, as_classifier(model))
    assert seen[-1]["x"].tolist() == [1.0, 2.0]  # of 1, 2 and 3


def test_a_bound_method_brings_its_models_labels():
    model = LogisticRegression(max_iter=1000).fit(IRIS, NAMES)
    for given in (model.predict_proba, as_classifier(model.predict_proba)):
        explanation = explain(IRIS.head(1), lime(IRIS, given), n_labels=3, random_state=1)
        assert set(explanation["label"]) == set(NAMES)
    line = LinearRegression().fit(IRIS, SPECIES)
    assert "label" not in explain(IRIS.head(1), lime(IRIS, line.predict), random_state=1)
    with pytest.raises(TypeError, match="Is predict a classifier or a regressor"):
        lime(IRIS, model.predict)
    with pytest.raises(ValueError, match="class labels: 'setosa'"):
        lime(IRIS, as_classifier(model.predict))
    model.fit(IRIS, (SPECIES == 0).astype(float))
    with pytest.raises(ValueError, match=r"class labels: '1\.0'"):
        lime(IRIS, as_classifier(model.predict, ["no", "yes"]))


def test_labels_may_be_positions_unless_the_names_are_integers():
    model = as_classifier(thirds, ["a", "b", "c"])
    explain_them = partial(explain, TABLE.head(1), random_state=1)
    varying = as_classifier(
        lambda rows: np.column_stack([rows["b"] / 2, rows["b"] / 2, 1 - rows["b"]]), model.labels
    )
    explanation = explain_them(lime(TABLE, varying), labels=[2, "a"])
    assert explanation["label"].unique().tolist() == ["c", "a"]
    with pytest.raises(ValueError, match="must be among the model's 3 labels; not 3"):
        explain_them(lime(TABLE, varying), labels=3)
    counted = as_classifier(varying.model, [2, 1, 0])
    assert explain_them(lime(TABLE, counted), labels=2)["label"].unique().tolist() == [2]


def test_unknown_labels_are_told_from_names_that_look_alike():
    explainer = lime(IRIS, LogisticRegression(max_iter=1000).fit(IRIS, SPECIES + 1))
    with pytest.raises(ValueError, match=r"3 labels; not 0\. They are 1, 2, 3"):
        explain(IRIS.head(1), explainer, labels=0)


def test_what_cannot_be_pickled_is_explained():
    lock = threading.Lock()

    def model(rows):
        with lock:
            return rows["a"] / 4

    explainer = lime(TABLE, as_regressor(model))
    with pytest.raises(TypeError, match="cannot pickle") as raised:
        explain(TABLE, explainer, n_permutations=20, n_jobs=2)
    assert "`n_jobs=1` needs no pickling" in raised.value.__notes__[0]


@pytest.mark.parametrize(
    "returned", [lambda rows: rows["a"] > 2, lambda rows: (rows["a"] > 2).to_numpy()[:, None]]
)
def test_logicals_are_numbers(returned):
    explanation = explain(TABLE, lime(TABLE, as_regressor(returned)), random_state=1)
    assert explanation["prediction"].drop_duplicates().tolist() == [0, 1]


def test_of_several_numbers_one_is_chosen():
    def two(rows):
        return pd.DataFrame({"length": rows["a"], "width": rows["b"]})

    for output in ("width", 1):
        predictions = predict(as_regressor(two, output), TABLE, n=4)
        assert predictions.labels == ("Response",)
        assert predictions.values[:, 0].tolist() == [1, 0, 1, 0]
    with pytest.raises(ValueError, match="'length', 'width'; not 'height'"):
        lime(TABLE, as_regressor(two, output="height"))


# Objects with the methods of scikit-learn


class Shelf:
    """A classifier of no known library."""

    classes_ = np.array(["lean", "stout"])

    def predict_proba(self, rows, sharpness=1.0):
        chance = 1 / (1 + np.exp(-sharpness * (np.asarray(rows["a"]) - 2.5)))
        return np.column_stack([1 - chance, chance])


class Frames(Shelf):
    """One that returns a frame, as AutoGluon does, whose columns have an order of their own."""

    classes_ = None
    class_labels = ["lean", "stout"]
    problem_type = "binary"

    def predict_proba(self, rows):
        values = super().predict_proba(rows)
        return pd.DataFrame(values, columns=["lean", "stout"])[["stout", "lean"]]


class Scale:
    """A model that may do anything."""

    def predict(self, rows):
        return 3.0 * np.asarray(rows["a"])


class Scales(Scale):
    problem_type = "regression"

    def predict_proba(self, rows):
        raise AssertionError("as AutoGluon's of a regression")


class Called(Shelf):
    def __call__(self, rows):
        raise AssertionError("its method says what it does")


@pytest.mark.parametrize("make", [Shelf, Frames, Called])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        as_classifier,
        lambda model: model.predict_proba,
        lambda model: as_classifier(model.predict_proba),
        lambda model: as_classifier(model, ["stout", "lean"]),
    ],
)
def test_an_object_with_predict_proba_is_a_classifier_with_its_classes(make, wrap):
    explanation = explain(TABLE, lime(TABLE, wrap(make())), labels="stout", random_state=1)
    found = explanation.groupby("case")["label_prob"].first()
    np.testing.assert_allclose(found, Shelf().predict_proba(TABLE)[:, 1])


def test_scores_of_an_object_need_their_activation():
    class Scorer:
        def predict_proba(self, rows):
            return rows["a"].to_numpy() - 2.5

    model = as_classifier(Scorer(), ["lean", "stout"], activation="sigmoid")
    found = predict_model(model, TABLE, type="prob")
    np.testing.assert_allclose(found, Shelf().predict_proba(TABLE))


def test_an_object_with_predict_alone_must_be_said_to_be_a_regressor():
    expected = (3 * TABLE["a"]).tolist()
    for model in (as_regressor(Scale()), as_regressor(Scale().predict), Scales()):
        explanation = explain(TABLE, lime(TABLE, model), random_state=1)
        assert explanation["prediction"].drop_duplicates().tolist() == expected
    with pytest.raises(TypeError, match=r"Is .*Scale a classifier or a regressor\? Wrap it"):
        lime(TABLE, Scale())
    several = as_regressor(type("Two", (), {"predict": lambda _, rows: rows.to_numpy()})())
    with pytest.raises(ValueError, match=r"2 outputs: 'y0', 'y1'\. Choose one"):
        lime(TABLE, several)


# predict_model() and model_type()


@pytest.mark.parametrize(
    "model",
    [
        Shelf(),
        as_classifier(Shelf().predict_proba),
        as_classifier(lambda rows: Shelf().predict_proba(rows), ["lean", "stout"]),
        LogisticRegression().fit(TABLE, ["lean", "lean", "stout", "stout"]),
    ],
)
def test_raw_predictions_of_a_classifier_are_its_classes(model):
    frame = predict_model(model, TABLE, type="raw")
    expected = pd.DataFrame({"Response": ["lean", "lean", "stout", "stout"]})
    pd.testing.assert_frame_equal(frame.reset_index(drop=True), expected)


def test_raw_predictions_of_a_users_function_are_its_own():
    frame = predict_model(Weather(), TABLE, type="raw")
    assert list(frame) == ["rain", "wind"]
    numbers = as_regressor(LogisticRegression().fit(TABLE, [0, 0, 1, 1]))
    assert predict_model(numbers, TABLE, type="raw")["Response"].tolist() == [0, 0, 1, 1]


def test_the_type_of_a_prediction_is_checked():
    for model in (Shelf(), Weather(), as_regressor(abs)):
        with pytest.raises(ValueError, match="`type` must be one of 'prob', 'raw'; not 'foo'"):
            predict_model(model, TABLE, type="foo")


def test_an_explainer_has_the_type_of_its_model():
    assert model_type(lime(TABLE, Shelf())) == "classification"
    assert model_type(lime(TABLE, as_regressor(Scale()))) == "regression"


# Options of prediction


def test_options_of_prediction_hold_in_the_trial_too():
    seen = []

    def scaled(rows, *, factor, shift=0.0):
        seen.append((factor, shift))
        return factor * rows["a"] + shift

    with pytest.raises(TypeError, match="factor") as raised:
        lime(TABLE, as_regressor(scaled))
    assert "`predict_options`" in raised.value.__notes__[0]
    explainer = lime(TABLE, as_regressor(scaled), predict_options={"factor": 2.0})
    few = {"n_permutations": 50, "random_state": 1}
    explanation = explain(TABLE.head(1), explainer, **few)
    assert explanation["prediction"].iloc[0] == 2.0
    explanation = explain(TABLE.head(1), explainer, predict_options={"shift": 5.0}, **few)
    assert explanation["prediction"].iloc[0] == 7.0
    assert seen == [(2.0, 0.0), (2.0, 0.0), (2.0, 5.0)]
    with pytest.raises(TypeError, match="`predict_options` must be a mapping; not 3"):
        lime(TABLE, as_regressor(scaled), predict_options=3)


def test_other_options_than_in_the_trial_are_checked_anew():
    def model(rows, logits=False):
        frame = pd.DataFrame(Shelf().predict_proba(rows), columns=["lean", "stout"])
        return np.log(frame).rename(columns={"stout": "thick"}) if logits else frame

    explainer = lime(TABLE, as_classifier(model))
    with pytest.warns(UserWarning, match="are not all between 0 and 1|do not sum to 1"):
        explanation = explain(
            TABLE, explainer, labels="thick", predict_options={"logits": True}, random_state=1
        )
    assert explanation["label"].unique().tolist() == ["thick"]


def test_an_explainer_with_another_model_has_its_labels():
    explainer = replace(lime(TABLE, as_regressor(Scale())), model=Shelf())
    assert explain(TABLE, explainer, labels="stout", random_state=1)["label"].eq("stout").all()
