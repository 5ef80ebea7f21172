"""Sessions of ONNX Runtime, on graphs written by hand."""

import numpy as np

from . import ModelCase, Subject, rows_of_numbers, rows_with_words

FLOAT, INT64, STRING = 1, 7, 8  # as onnx.TensorProto numbers them
WEIGHTS = np.array([[0.1, 0.0, -0.1], [0.0, 0.1, 0.0], [-3.0, 0.0, 3.0], [0.0, 0.1, 0.0]])


def session(nodes, inputs, outputs, constants=None):
    """A session of a graph; its opset and format are old enough for any runtime."""
    import onnx
    import onnxruntime

    graph = onnx.helper.make_graph(
        nodes,
        "graph",
        inputs,
        outputs,
        [onnx.numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def value(name, kind, *shape):
    import onnx

    return onnx.helper.make_tensor_value_info(name, kind, shape)


def linear(weights, *, after=None, output="output", rows="n"):
    """One matrix product, and an operation after it."""
    import onnx

    node = onnx.helper.make_node
    weights = np.asarray(weights, dtype=np.float32)
    nodes = [node("MatMul", ["rows", "weights"], ["scores" if after else output])]
    if after:
        nodes.append(node(after, ["scores"], [output]))
    return session(
        nodes,
        [value("rows", FLOAT, rows, 4)],
        [value(output, FLOAT, rows, weights.shape[1])],
        {"weights": weights},
    )


def labelled(zipmap=True):
    """What converters write of a linear classifier: its labels, and probabilities by label."""
    import onnx

    names = ["low", "middle", "top"]
    nodes = [
        onnx.helper.make_node(
            "LinearClassifier",
            ["X"],
            ["output_label", "scores"],
            domain="ai.onnx.ml",
            coefficients=WEIGHTS.T.ravel().tolist(),
            intercepts=[0.0] * 3,
            classlabels_strings=names,
            post_transform="SOFTMAX",
        )
    ]
    found = value("scores", FLOAT, "n", 3)
    if zipmap:
        nodes.append(
            onnx.helper.make_node(
                "ZipMap",
                ["scores"],
                ["output_probability"],
                domain="ai.onnx.ml",
                classlabels_strings=names,
            )
        )
        number = onnx.helper.make_tensor_type_proto(FLOAT, ())
        found = onnx.helper.make_value_info(
            "output_probability",
            onnx.helper.make_sequence_type_proto(onnx.helper.make_map_type_proto(STRING, number)),
        )
    inputs = [value("X", FLOAT, "n", 4)]
    return session(nodes, inputs, [value("output_label", STRING, "n"), found])


def by_column():
    """A column each, as frames are exported; what is red counts."""
    import onnx

    node = onnx.helper.make_node
    numbers = ["noise", "dull", "idle"]
    nodes = [
        node(
            "LabelEncoder",
            ["colour"],
            ["red"],
            domain="ai.onnx.ml",
            keys_strings=["red"],
            values_floats=[4.0],
            default_float=0.0,
        ),
        node("Sum", ["red", *numbers], ["score"]),
        node("Sigmoid", ["score"], ["probabilities"]),
    ]
    return session(
        nodes,
        [value("colour", STRING, "n", 1), *[value(name, FLOAT, "n", 1) for name in numbers]],
        [value("probabilities", FLOAT, "n", 1)],
    )


def of_probabilities() -> Subject:
    model = linear(WEIGHTS, after="Softmax", output="probabilities")
    return Subject(model, rows_of_numbers(), [0, 1, 2], "signal")


def of_labels() -> Subject:
    return Subject(labelled(), rows_of_numbers(), ["low", "middle", "top"], "signal")


def of_scores() -> Subject:
    from pylime import as_classifier

    labels = ["low", "middle", "top"]
    model = as_classifier(linear(WEIGHTS), labels, activation="softmax")
    return Subject(model, rows_of_numbers(), labels, "signal")


def of_columns() -> Subject:
    rows = rows_with_words()
    rows[["noise", "dull", "idle"]] /= 10
    return Subject(by_column(), rows, [0, 1], "colour")


def of_numbers() -> Subject:
    from pylime import as_regressor

    return Subject(as_regressor(linear(WEIGHTS[:, 2:])), rows_of_numbers(), None, "signal")


LIBRARY = "ONNX Runtime"
NAME = "InferenceSession"
CASES = [
    ModelCase(LIBRARY, f"{NAME} with an input per column", "two classes", of_columns, "onnx"),
    ModelCase(LIBRARY, NAME, "several classes", of_probabilities, "onnx"),
    ModelCase(LIBRARY, f"{NAME} with labels", "several classes", of_labels, "onnx"),
    ModelCase(LIBRARY, f"as_classifier({NAME})", "several classes", of_scores, "onnx"),
    ModelCase(LIBRARY, f"as_regressor({NAME})", "regression", of_numbers, "onnx"),
]
