"""
Time explanations of pictures; print a table of ratios of medians.

    python tests/benchmarks/bench_images.py [--rounds N]

Against Python's lime 0.2.0.1 (`pip install lime==0.2.0.1`): the same 224x224 array, 1000
permutations, the same superpixels or each its own, a cheap model. Against the bare prediction
of the embedded classifier: the same number of prepared pictures. Both sides take turns.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image
from skimage.data import chelsea
from timing import medians

from pylime import as_classifier, explain, imagenet_labels, lime, plot_image_explanation
from pylime.models.imagenet import imagenet_classifier, imagenet_preprocess
from pylime.superpixels import segment


def cheap_model(pictures: np.ndarray) -> np.ndarray:
    """Two probabilities from the mean of a corner."""
    share = np.asarray(pictures)[:, ::16, ::16].reshape(len(pictures), -1).mean(axis=1) / 255
    return np.column_stack([1 - share, share])


def against_lime(rounds: int) -> list[tuple[str, float, float]]:
    """Rows of the table: what, seconds of pylime, seconds of lime."""
    from lime.lime_image import LimeImageExplainer

    array = np.array(Image.fromarray(chelsea()).resize((224, 224)))
    labels = segment(array)
    explainer = lime(array, as_classifier(cheap_model))
    python_lime = LimeImageExplainer(random_state=0)

    def theirs(**options: object) -> object:
        return python_lime.explain_instance(
            array,
            cheap_model,
            top_labels=2,
            hide_color=0,
            num_samples=1000,
            **options,
        )

    times = medians(
        {
            "pylime": lambda: explain(array, explainer, n_labels=2, n_features=20, random_state=0),
            "lime, own segmentation": theirs,
            "lime, same superpixels": lambda: theirs(segmentation_fn=lambda _: labels - 1),
        },
        rounds,
    )
    ours = times.pop("pylime")
    return [(f"explain() / {name}", ours, seconds) for name, seconds in times.items()]


def against_prediction(rounds: int, n: int) -> list[tuple[str, float, float]]:
    """Rows of the table: explain() against the bare prediction of prepared pictures."""
    classifier = imagenet_classifier()
    model = as_classifier(classifier, imagenet_labels())
    small = np.array(Image.fromarray(chelsea()).resize((224, 224)))
    prepared = imagenet_preprocess([small] * n)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "cat.png")
        Image.fromarray(small).save(path)
        full = str(Path(folder) / "full.png")
        Image.fromarray(chelsea()).save(full)
        inputs = {"array 224x224": small, "path 224x224": path, "path 451x300": full}
        sides: dict[str, Callable[[], object]] = {
            "predict": lambda: classifier.predict(prepared, verbose=0),
            "predict_on_batch": lambda: [
                classifier.predict_on_batch(prepared[start : start + 32])
                for start in range(0, n, 32)
            ],
        }
        for name, x in inputs.items():
            explainer = lime(x, model, imagenet_preprocess)
            sides[name] = lambda x=x, explainer=explainer: explain(
                x, explainer, n_labels=2, n_features=20, n_permutations=n, random_state=0
            )
        times = medians(sides, rounds)
    bare = {name: times.pop(name) for name in ("predict", "predict_on_batch")}
    return [
        (f"explain({name}) / {call}()", seconds, bare[call])
        for name, seconds in times.items()
        for call in bare
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=1000)
    options = parser.parse_args()
    rows = []
    try:
        rows += against_lime(options.rounds)
    except ImportError:
        print("Without lime==0.2.0.1 there is nothing to compare with: pip install lime==0.2.0.1")
    rows += against_prediction(options.rounds, options.pictures)
    print(f"{'':52} {'seconds':>9} {'seconds':>9} {'ratio':>7}")
    for what, ours, theirs in rows:
        print(f"{what:52} {ours:9.3f} {theirs:9.3f} {ours / theirs:7.3f}")
    photo = medians({"segment": lambda: segment(chelsea())}, options.rounds)["segment"]
    print(f"{'segment() of 451x300, 50 superpixels':52} {photo:9.3f}")
    from pylime import load_image_example

    example = load_image_example()

    def draw() -> None:
        plot = plot_image_explanation(example, threshold=0, show_negative=True)
        with tempfile.TemporaryDirectory() as folder:
            plot.save(Path(folder) / "plot.png", verbose=False)

    print(f"{'four panels of 451x300':52} {medians({'draw': draw}, options.rounds)['draw']:9.3f}")


if __name__ == "__main__":
    main()
