"""Keras models."""

import numpy as np

from . import (
    ModelCase,
    Subject,
    response,
    rows_of_numbers,
    rows_with_words,
    three_classes,
    two_classes,
)


def fitted(activation, units, loss, targets, rows):
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation)])
    model.compile(keras.optimizers.Adam(0.1), loss)
    model.fit(rows.to_numpy("float32"), targets, epochs=15, batch_size=100, verbose=0)
    return model


def of_softmax() -> Subject:
    from pylime import as_classifier

    rows = rows_of_numbers()
    codes = np.unique(three_classes(rows["signal"]), return_inverse=True)[1]
    model = fitted("softmax", 3, "sparse_categorical_crossentropy", codes, rows)
    labels = ["low", "middle", "top"]
    return Subject(as_classifier(model, labels), rows, labels, "signal")


def of_sigmoid() -> Subject:
    rows = rows_of_numbers()
    codes = (two_classes(rows["signal"]) == "yes").astype("float32")
    return Subject(fitted("sigmoid", 1, "binary_crossentropy", codes, rows), rows, [0, 1], "signal")


def of_sigmoids() -> Subject:
    rows = rows_of_numbers()
    codes = np.column_stack([rows["noise"] > 0, rows["signal"] > 0]).astype("float32")
    model = fitted("sigmoid", 2, "binary_crossentropy", codes, rows)
    return Subject(model, rows, [0, 1], "signal")


def of_numbers() -> Subject:
    rows = rows_of_numbers()
    return Subject(fitted("linear", 1, "mse", response(rows["signal"]), rows), rows, None, "signal")


def of_several_inputs() -> Subject:
    import keras

    rows = rows_with_words()
    numbers = keras.Input((3,), name="numbers")
    red = keras.Input((1,), name="red")
    joined = keras.layers.Concatenate()([numbers, red])
    output = keras.layers.Dense(1, "sigmoid")(joined)
    model = keras.Model({"numbers": numbers, "red": red}, output)
    model.set_weights([np.array([[0.1], [0.0], [0.1], [4.0]]), np.array([-2.0])])

    def preprocess(rows):
        return {
            "numbers": rows[["noise", "dull", "idle"]].to_numpy("float32"),
            "red": (rows[["colour"]] == "red").to_numpy("float32"),
        }

    return Subject(model, rows, [0, 1], "colour", preprocess)


LIBRARY = "Keras"
CASES = [
    ModelCase(LIBRARY, "Sequential", "two classes", of_sigmoid, "keras"),
    ModelCase(LIBRARY, "Model with inputs by name", "two classes", of_several_inputs, "keras"),
    ModelCase(LIBRARY, "as_classifier(Sequential)", "several classes", of_softmax, "keras"),
    ModelCase(LIBRARY, "Sequential", "several labels", of_sigmoids, "keras"),
    ModelCase(LIBRARY, "Sequential", "regression", of_numbers, "keras"),
]
