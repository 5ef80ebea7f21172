"""
Explain photographs from the command line: `python -m pylime [PHOTO ...]`.

The classifier is an EfficientNet-Lite0 with ImageNet's 1000 classes; it needs no download.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Explain photographs; print the data frame, and write it and five images of each.

    Parameters
    ----------
    arguments
        Command-line arguments, by default those of the process.

    Returns
    -------
    int
        0; 2 after an error, whose message goes to standard error; 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's greetings
    try:
        _run(options)
    except KeyboardInterrupt:
        print("pylime: interrupted", file=sys.stderr)
        return 130
    except (ImportError, OSError, TypeError, ValueError) as error:
        print(f"pylime: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pylime",
        description="Explain photographs with an ImageNet classifier that needs no download. "
        "Prints the explanation, and writes it and five images of each photograph.",
    )
    parser.add_argument("photos", metavar="PHOTO", nargs="*", help="default: scikit-image's cat")
    parser.add_argument("--labels", nargs="+", help="explain these classes")
    parser.add_argument("--n-labels", type=int, help="number of labels, most likely first (2)")
    parser.add_argument("--n-features", type=int, default=20, help="superpixels per label (20)")
    parser.add_argument("--n-permutations", type=int, default=1000, help="per photo (1000)")
    parser.add_argument("--n-superpixels", type=int, default=50, help="per photo (50)")
    parser.add_argument("--output", type=Path, default=Path("pylime-output"), metavar="DIR")
    parser.add_argument("--seed", type=int, help="makes the explanation reproducible")
    return parser


def _run(options: argparse.Namespace) -> None:
    photos = options.photos or [_cat()]
    from pylime import as_classifier, checks, explain, imagenet_labels, lime
    from pylime.image.pixels import read_image
    from pylime.models.imagenet import imagenet_classifier, imagenet_preprocess

    for photo in photos:
        read_image(photo)
    for name in ("n_features", "n_permutations", "n_superpixels"):
        checks.count(name, getattr(options, name))
    if options.output.exists() and not options.output.is_dir():
        raise FileExistsError(f"--output must be a folder; {options.output} is a file.")
    if find_spec("pyarrow") is None:
        raise ImportError("Writing Parquet needs pyarrow: pip install 'tidylime[imagenet]'.")
    if options.labels is None and options.n_labels is None:
        options.n_labels = 2
    model = as_classifier(imagenet_classifier(), imagenet_labels())
    explainer = lime(photos, model, imagenet_preprocess)
    explanation = explain(
        photos,
        explainer,
        labels=options.labels,
        n_labels=options.n_labels,
        n_features=options.n_features,
        n_permutations=options.n_permutations,
        n_superpixels=options.n_superpixels,
        batch_size=32,
        random_state=options.seed,
        progress=True,
    )
    for case, rows in explanation.groupby("case", sort=False):
        print(case)
        for label, probability in pd.Series(rows["prediction"].iloc[0]).nlargest(5).items():
            print(f"  {probability:.3f}  {label}")
    print()
    print(_printable(explanation).to_string(max_rows=60))
    options.output.mkdir(parents=True, exist_ok=True)
    _write_frame(explanation, options.output)
    _write_plots(explanation, photos, options)


def _cat() -> str:
    from skimage import data

    return str(Path(data.__file__).parent / "chelsea.png")


def _printable(explanation: pd.DataFrame) -> pd.DataFrame:
    """Write the cells as text, and drop the thousand probabilities of each row."""
    return explanation.drop(columns="prediction").assign(
        feature_value=explanation["feature_value"].map(str),
        data=explanation["data"].map(str),
    )


def _write_frame(explanation: pd.DataFrame, folder: Path) -> None:
    """Write a CSV for people and spreadsheets, and Parquet with all pixels."""
    from pylime import write_explanation

    _printable(explanation).to_csv(folder / "explanation.csv", index=False)
    write_explanation(explanation, folder / "explanation.parquet")
    print(f"\nWrote {folder / 'explanation.csv'} and {folder / 'explanation.parquet'}")


def _write_plots(
    explanation: pd.DataFrame, photos: Sequence[str], options: argparse.Namespace
) -> None:
    from pylime import plot_image_explanation, plot_superpixels

    for position, photo in enumerate(photos):
        plot = partial(plot_image_explanation, explanation, position)
        plots = {
            "superpixels": plot_superpixels(photo, n_superpixels=options.n_superpixels),
            "outline": plot(),
            "block": plot(display="block", threshold=0.01),
            "contradictions": plot(threshold=0, show_negative=True, fill_alpha=0.6),
            "heatmap": plot(display="heatmap"),
        }
        for name, drawn in plots.items():
            path = options.output / f"{position + 1}-{Path(photo).stem}-{name}.png"
            drawn.save(path, dpi=150, verbose=False)
            print(f"Wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
