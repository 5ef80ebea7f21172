"""
Time explanations of tables against Python's `lime` and against bare predictions.

Both sides run in turn in one process; the figures are medians. Run it as
`python tests/benchmarks/bench_tables.py`; it needs `lime==0.2.0.1`.
"""

import argparse
import resource
import subprocess
import sys
import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timing import medians

from pylime import as_classifier, explain, lime

DATA = load_breast_cancer(as_frame=True)
N_PERMUTATIONS = 5000


def in_turn(ours, theirs, rounds):
    """Median seconds of two functions that are called alternately."""
    return medians({"ours": ours, "theirs": theirs}, rounds).values()


def show(what, ours, theirs, ratio, target):
    print(f"{what:<58} {ours:>10} {theirs:>10} {ratio:>8} {target:>10}")


def logistic():
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return model.fit(DATA.data, DATA.target)


def against_lime():
    try:
        from lime.lime_tabular import LimeTabularExplainer
    except ImportError:
        sys.exit("This benchmark needs Python's lime: pip install lime==0.2.0.1")
    model = logistic()
    explainer = lime(DATA.data, model)
    values = DATA.data.to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = LimeTabularExplainer(values, feature_names=list(DATA.data), random_state=1)
        predict = make_pipeline(*[step for _, step in model.steps]).predict_proba
        for n_features, target in ((5, 20), (10, 8)):
            ours, theirs = in_turn(
                lambda n=n_features: explain(
                    DATA.data.iloc[[3]], explainer, n_features=n, random_state=1, progress=False
                ),
                lambda n=n_features: other.explain_instance(
                    values[3], predict, num_features=n, num_samples=N_PERMUTATIONS
                ),
                rounds=15,
            )
            show(
                f"one case, n_features={n_features}, against lime 0.2.0.1",
                f"{ours * 1e3:.1f} ms",
                f"{theirs * 1e3:.1f} ms",
                f"{theirs / ours:.1f}x",
                f">= {target}x",
            )


def forest():
    return RandomForestClassifier(300, random_state=0).fit(DATA.data, DATA.target)


def against_predictions():
    model = forest()
    seen = []

    def predict(rows):
        seen.append(rows)
        return model.predict_proba(rows)

    # The rows that the model is asked about in an explanation, and it alone.
    explain(
        DATA.data.iloc[[3]],
        lime(DATA.data, as_classifier(predict)),
        random_state=1,
        progress=False,
    )
    explainer = lime(DATA.data, model)
    ours, theirs = in_turn(
        lambda: explain(DATA.data.iloc[[3]], explainer, random_state=1, progress=False),
        lambda: model.predict_proba(seen[0]),
        rounds=9,
    )
    show(
        "one case, forest of 300, against predict_proba",
        f"{ours * 1e3:.0f} ms",
        f"{theirs * 1e3:.0f} ms",
        f"{ours / theirs:.2f}x",
        "<= 1.5x",
    )


def in_parallel():
    model = forest()
    explainer = lime(DATA.data, model)
    cases = DATA.data.head(160)
    two, one = in_turn(
        lambda: explain(cases, explainer, random_state=1, n_jobs=2, progress=False),
        lambda: explain(cases, explainer, random_state=1, progress=False),
        rounds=3,
    )
    show(
        "160 cases, forest of 300, n_jobs=2 against 1",
        f"{two:.2f} s",
        f"{one:.2f} s",
        f"{one / two:.2f}x",
        ">= 1.6x",
    )


def peak_memory(n_cases):
    """Megabytes that many cases take at most, over what is taken after the import."""
    model = logistic()
    explainer = lime(DATA.data, model)
    cases = DATA.data.sample(n_cases, replace=True, random_state=0)
    explain(cases.iloc[[0]], explainer, n_permutations=10, progress=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    explanation = explain(cases, explainer, random_state=1, progress=False)
    seconds = time.perf_counter() - start
    assert np.isfinite(explanation["feature_weight"]).all()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{peak / 1024:.0f} {seconds:.2f}")


def memory():
    found = {}
    for n_cases in (1000, 4000):
        # The highest memory of a process never falls, so each has one of its own.
        answer = subprocess.run(
            [sys.executable, __file__, "--memory", str(n_cases)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        found[n_cases] = [float(part) for part in answer]
    (small, quick), (large, slow) = found[1000], found[4000]
    show(f"1000 cases ({quick:.1f} s), peak memory", f"{small:.0f} MB", "", "", "<= 1 GB")
    show(
        f"4000 cases ({slow:.1f} s), against 1000",
        f"{large:.0f} MB",
        f"{small:.0f} MB",
        f"{large / small:.2f}x",
        "~ 1x",
    )


PARTS = {
    "lime": against_lime,
    "predictions": against_predictions,
    "memory": memory,
    "parallel": in_parallel,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all by default")
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        peak_memory(arguments.memory)
        return
    show("30 numeric columns, 5000 permutations", "pylime", "other", "ratio", "target")
    for part in arguments.parts or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main()
