"""Fair times: all sides in turn, in one process; and memory."""

import statistics
import time
import tracemalloc
from collections.abc import Callable


def medians(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Run each side in turn, after a warm-up; seconds by side."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(rounds + 1):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            if round_:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def peak_memory(run: Callable[[], object]) -> float:
    """Megabytes that Python and NumPy allocate at most during a call."""
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20
