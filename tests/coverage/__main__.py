"""
Explain a few cases with many seeds: how many 95 % intervals hold the limit, how wide they are.

The limit is the weight as the number of permutations grows without end. Ends with an error if
fewer than 92 % of the intervals of selected features hold theirs.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from runs import Outcomes, measure
from settings import COVERAGE, WIDTHS, Setting

LEAST = 0.92

HEAD = (
    "setting",
    "n",
    "draws",
    "coverage",
    "half-width",
    "ratio",
    "ratio of squared errors",
    "coverage, fixed",
    "ratio",
    "ratio of squared errors",
    "error of the limit",
)
NOTE = """
Of the features that each run selects; then of fixed ones, those that the limit selects. Ratios are
to independent draws. The error of the limit is a share of the half-width of balanced draws.
"""


def rows(setting: Setting, found: Outcomes) -> Iterator[Sequence[str]]:
    """A row per kind of draws."""
    for draws, selected in found.selected.items():
        fixed, plain = found.fixed[draws], found.selected["independent"]
        plain_fixed = found.fixed["independent"]
        yield (
            setting.subject,
            str(setting.n),
            draws,
            f"{selected.coverage:.1%}",
            f"{selected.width:.3g}",
            f"{selected.width / plain.width:.2f}",
            f"{selected.squared_error / plain.squared_error:.2f}",
            f"{fixed.coverage:.1%}",
            f"{fixed.width / plain_fixed.width:.2f}",
            f"{fixed.squared_error / plain_fixed.squared_error:.2f}",
            f"{found.limit_error:.2f}",
        )


def line(cells: Sequence[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a table, with two rows for each setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", action="store_true", help=f"{len(WIDTHS)} other settings")
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--only", default="", help="part of the name of the settings")
    arguments = parser.parse_args()
    began = time.perf_counter()
    print(line(HEAD), line(["---", "---:", "---"] + ["---:"] * (len(HEAD) - 3)), sep="\n")
    low = []
    for setting in WIDTHS if arguments.widths else COVERAGE:
        if arguments.only not in setting.subject:
            continue
        found = measure(setting, arguments.seeds)
        print(*map(line, rows(setting, found)), sep="\n", flush=True)
        low += [
            f"{setting}, {draws}: {outcome.coverage:.1%}"
            for draws, outcome in found.selected.items()
            if outcome.coverage < LEAST
        ]
    print(NOTE, f"{time.perf_counter() - began:.0f} s", sep="\n", flush=True)
    if low:
        sys.exit(f"Fewer than {LEAST:.0%} hold the limit: {'; '.join(low)}")


if __name__ == "__main__":
    main()
