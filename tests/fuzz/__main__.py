"""Many odd inputs: 5000 tables, 2000 texts and 1000 images, or as many as are asked for."""

import argparse
import time

from trials import outcomes

NUMBERS = {"table": 5000, "text": 2000, "image": 1000}


def main() -> None:
    """Print how the trials of each kind end; raise at the first that ends in another way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(NUMBERS)}; all")
    parser.add_argument("--n", type=int, help="how many of each")
    parser.add_argument("--seed", type=int, default=0, help="number of the first trial")
    arguments = parser.parse_args()
    for kind in arguments.kinds or NUMBERS:
        began = time.perf_counter()
        found = outcomes(kind, arguments.n or NUMBERS[kind], arguments.seed)
        seconds = time.perf_counter() - began
        listed = ", ".join(f"{count} {outcome}" for outcome, count in found.most_common())
        print(f"{kind}: {found.total()} trials in {seconds:.0f} s: {listed}", flush=True)


if __name__ == "__main__":
    main()
