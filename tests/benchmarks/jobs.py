"""Many cases: time and memory of batches, and what a second process gains."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from subjects import cancer, forest, logistic
from timing import peak_memory

from pylime import as_classifier, explain, explain_batches, lime
from pylime.pipeline import Explainer

N_PERMUTATIONS = 500
OPTIONS: dict[str, Any] = {"n_permutations": N_PERMUTATIONS, "n_features": 5, "random_state": 1}
ROUNDS = 3
# Cases of a batch, of which memory must not grow with their number, and of a forest.
BATCH, MANY, OF_FOREST = 1000, 10_000, 200

Seconds = tuple[float, float]
"""Of the clock, and of this process's processor."""


def cases(n: int) -> np.ndarray:
    """So many rows of 30 columns; no two are equal, so that each has draws of its own."""
    rows = cancer()[0].to_numpy()
    random = np.random.default_rng(0)
    chosen = rows[random.integers(len(rows), size=n)]
    return chosen * random.uniform(0.99, 1.01, chosen.shape)


def explainer_of(model: Callable[[Any], Any]) -> Explainer:
    """An explainer of the 30 columns."""
    return lime(cancer()[0].to_numpy(), as_classifier(model), probe=False)


def in_one_call(explainer: Explainer, n: int) -> None:
    """Explain n cases, and keep all of their explanations."""
    explain(cases(n), explainer, **OPTIONS)


def in_batches(explainer: Explainer, n: int) -> None:
    """Explain n cases, and keep the explanations of one batch at a time."""
    batches = np.array_split(cases(n), n // BATCH)
    for _ in explain_batches(batches, explainer, **OPTIONS):
        pass


WAYS = {"explain()": in_one_call, "explain_batches()": in_batches}


def spent(run: Callable[[], object]) -> Seconds:
    """Time a call."""
    clock, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - clock, time.process_time() - processor


def medians_of(sides: dict[str, Callable[[], object]]) -> dict[str, Seconds]:
    """Time each side in turn, after a warm-up."""
    times: dict[str, list[Seconds]] = {name: [] for name in sides}
    for round_ in range(ROUNDS + 1):
        for name, side in sides.items():
            found = spent(side)
            if round_:
                times[name].append(found)
    return {
        name: (statistics.median(f[0] for f in found), statistics.median(f[1] for f in found))
        for name, found in times.items()
    }


def batch_rows() -> Iterator[tuple[str, ...]]:
    """Rows of the table: cases and the way, times, time of a case, memory."""
    explainer = explainer_of(logistic())
    for name, way in WAYS.items():
        clock, processor = medians_of({name: lambda way=way: way(explainer, BATCH)})[name]
        for n in (BATCH, MANY):
            timed = n == BATCH
            yield (
                f"{n} cases, {name}",
                f"{clock:.2f} s" if timed else "",
                f"{processor:.2f} s" if timed else "",
                f"{1e3 * processor / n:.2f} ms" if timed else "",
                f"{peak_memory(lambda way=way, n=n: way(explainer, n)):.0f} MB",
            )


BATCH_HEAD = (
    f"30 columns, {N_PERMUTATIONS} permutations",
    "time",
    "of the processor",
    "a case",
    "memory",
)


# Two processes

_work: dict[str, Any] = {}


def _predict_part(part: int) -> int:
    """Predict a part of the rows that were there when the process began."""
    return len(_work["model"](_work["parts"][part]))


def jobs_rows() -> Iterator[tuple[str, ...]]:
    """Rows of the table: who predicts, the time of one process and of two, their ratio."""
    model = forest()
    seen: list[np.ndarray] = []

    def record(rows: np.ndarray) -> Any:
        seen.append(rows)
        return model(rows)

    some = cases(OF_FOREST)
    explain(some, explainer_of(record), **OPTIONS)
    rows = np.concatenate(seen)  # the permutations: trees predict rows of their own faster
    _work.update(model=model, parts=np.array_split(rows, 2))
    explainer = explainer_of(model)
    with multiprocessing.get_context("fork").Pool(2) as pool:  # they have model and rows at once
        sides = {
            "bare 1": lambda: model(rows),
            "bare 2": lambda: pool.map(_predict_part, range(2), chunksize=1),
            "pylime 1": lambda: explain(some, explainer, **OPTIONS),
            "pylime 2": lambda: explain(some, explainer, n_jobs=2, **OPTIONS),
        }
        found = medians_of(sides)
    for who, name in (("bare", "bare prediction of the same rows"), ("pylime", "pylime")):
        one, two = found[f"{who} 1"][0], found[f"{who} 2"][0]
        yield name, f"{one:.2f} s", f"{two:.2f} s", f"{one / two:.2f}"


JOBS_HEAD = (f"{OF_FOREST} cases of a forest", "one process", "two", "times as fast")
