"""
Time pylime, Python's lime 0.2.0.1 and the bare prediction in turn; print and save one table.

Times are medians, all sides in turn in one process; memory is what Python and NumPy allocate at
most during a call; model calls and predicted rows are counted. "growth" is how the time grows with
the size of a task, "precision" how far weights are from their limit, by the number n of
permutations. "draws" compares balanced draws with independent ones, kind by kind, and "jobs"
explains many cases, also in two processes; both only if they are named.
"""

import argparse
import contextlib
import io
import os
import platform
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from draws import COST_HEAD, ERROR_HEAD, cost_rows, error_rows
from growth import grow
from jobs import BATCH_HEAD, JOBS_HEAD, batch_rows, jobs_rows
from precision import SIZES, draw, precision, precision_rows
from subjects import SUBJECTS, Counting
from timing import medians, peak_memory

PLACE = Path(__file__).parents[2] / "build" / "benchmarks.md"
OTHERS = ("growth", "precision")
# These take long, or need a quiet machine.
NAMED = ("draws", "jobs")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def compare(names: Sequence[str], rounds: int | None) -> Iterable[tuple[str, ...]]:
    """A row per task and side."""
    for name in names:
        subject = SUBJECTS[name]
        model = Counting(subject.model())
        sides = subject.sides(model)
        counts = {}
        for side, run in sides.items():
            model.calls = model.rows = 0
            run()
            counts[side] = model.calls, model.rows
        seconds = medians(sides, rounds or subject.rounds)
        for side, (calls, rows) in counts.items():
            yield (
                subject.name if side == "pylime" else "",
                side,
                f"{1e3 * seconds[side]:.1f} ms",
                f"{seconds[side] / seconds['pylime']:.2f}",
                f"{peak_memory(sides[side]):.0f} MB",
                str(calls),
                str(rows),
            )


def main() -> None:
    known = ", ".join([*SUBJECTS, *OTHERS, *NAMED])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="*", help=f"of {known}; all but {NAMED}")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--output", type=Path, default=PLACE)
    parser.add_argument("--figure", type=Path, help="where to draw the precision")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of lime's own
    chosen = arguments.subjects or [*SUBJECTS, *OTHERS]
    parts = [f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"]
    with contextlib.redirect_stderr(io.StringIO()):  # lime's progress bars
        head = ("one explanation", "by", "time", "of pylime's", "memory", "calls", "rows")
        rows = list(compare([name for name in chosen if name in SUBJECTS], arguments.rounds))
        if rows:
            parts.append(table(head, rows))
        if "growth" in chosen:
            head = ("what grows", "sizes", "ms", "exponent", "of the last step")
            parts.append(table(head, grow(medians)))
        if "precision" in chosen:
            found = precision()
            head = ("error of the weights", "by", *(f"n = {n}" for n in SIZES))
            parts.append(table(head, precision_rows(found)))
            if arguments.figure:
                draw(found, arguments.figure)
        if "draws" in chosen:
            parts += [table(ERROR_HEAD, error_rows()), table(COST_HEAD, cost_rows())]
        if "jobs" in chosen:
            parts += [table(BATCH_HEAD, batch_rows()), table(JOBS_HEAD, jobs_rows())]
    report = "\n\n".join(parts) + "\n"
    print(report)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(report, "utf-8")


if __name__ == "__main__":
    main()
