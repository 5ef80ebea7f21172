"""Models of H2O, on a server of this process alone."""

import functools
import shutil
import tempfile

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


@functools.cache
def server():
    """Start a small server for this machine alone and connect to it; once per process."""
    import h2o
    from h2o.backend import H2OLocalServer

    folder = tempfile.mkdtemp(prefix="h2o-")
    started = H2OLocalServer.start(
        max_mem_size=2**30,
        nthreads=1,
        ice_root=folder,
        log_dir=folder,
        bind_to_localhost=True,
        verbose=False,
    )
    h2o.connect(server=started, verbose=False)
    h2o.no_progress()
    return started, folder


def stop_server():
    """Stop the server if there is one; `conftest.py` does at the end of a session."""
    if server.cache_info().currsize:
        import h2o

        started, folder = server()
        server.cache_clear()
        h2o.connection().close()
        started.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def trained(estimator, rows, target):
    """The estimator by its name, trained on rows and a target, strings of which are classes."""
    server()
    import h2o.estimators

    model = getattr(h2o.estimators, estimator[0])(seed=1, **estimator[1])
    frame = h2o.H2OFrame(rows.assign(target=target))
    model.train(y="target", training_frame=frame)
    return model


SMALL = {"ntrees": 10, "max_depth": 3}


def boosted_binomial() -> Subject:
    rows = rows_with_words()
    target = np.where(rows["colour"] == "red", "yes", "no")
    model = trained(("H2OGradientBoostingEstimator", SMALL), rows, target)
    return Subject(model, rows, ["no", "yes"], "colour")


def forest() -> Subject:
    rows = rows_of_numbers()
    options = {"ntrees": 10, "max_depth": 4}
    model = trained(("H2ORandomForestEstimator", options), rows, three_classes(rows["signal"]))
    return Subject(model, rows, ["low", "middle", "top"], "signal")


def network() -> Subject:
    rows = rows_of_numbers()
    options = {"hidden": [8], "epochs": 20, "reproducible": True}
    model = trained(("H2ODeepLearningEstimator", options), rows, two_classes(rows["signal"]))
    return Subject(model, rows, ["no", "yes"], "signal")


def linear() -> Subject:
    rows = rows_of_numbers()
    model = trained(("H2OGeneralizedLinearEstimator", {}), rows, response(rows["signal"]))
    return Subject(model, rows, None, "signal")


def boosted_numbers() -> Subject:
    rows = rows_of_numbers()
    model = trained(("H2OGradientBoostingEstimator", SMALL), rows, response(rows["signal"]))
    return Subject(model, rows, None, "signal")


LIBRARY, MODULE = "H2O", "h2o"
CASES = [
    ModelCase(LIBRARY, "H2OGradientBoostingEstimator", "two classes", boosted_binomial, MODULE),
    ModelCase(LIBRARY, "H2ODeepLearningEstimator", "two classes", network, MODULE),
    ModelCase(LIBRARY, "H2ORandomForestEstimator", "several classes", forest, MODULE),
    ModelCase(LIBRARY, "H2OGeneralizedLinearEstimator", "regression", linear, MODULE),
    ModelCase(LIBRARY, "H2OGradientBoostingEstimator", "regression", boosted_numbers, MODULE),
]
