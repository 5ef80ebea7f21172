"""What ships with the package: class names, a table and ready explanations."""

import io
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from typing import Literal, overload

import pandas as pd

from pylime.files.storage import read_explanation

__all__ = ["imagenet_labels", "load_biopsy", "load_image_example", "load_text_example"]


def _place(name: str) -> Traversable:
    try:
        folder = files("pylime.inst_data")
    except ModuleNotFoundError:  # a source tree that was never installed
        folder = files("pylime") / ".." / "inst_data"
    return folder / name


@overload
def imagenet_labels(*, details: Literal[False] = False) -> pd.Series: ...
@overload
def imagenet_labels(*, details: Literal[True]) -> pd.DataFrame: ...
def imagenet_labels(*, details: bool = False) -> pd.Series | pd.DataFrame:
    """
    List ImageNet's 1000 classes in the order of the outputs of its classifiers.

    Parameters
    ----------
    details
        Whether to give the WordNet identifiers, too.

    Returns
    -------
    pandas.Series or pandas.DataFrame
        1000 names by position from 0; with `details` a frame with the columns
        `wordnet_id` and `name`. Two classes called crane carry their identifier.

    Examples
    --------
    >>> imagenet_labels()[285]
    'Egyptian cat'
    >>> imagenet_labels(details=True).loc[285, "wordnet_id"]
    'n02124075'
    """
    text = _place("imagenet_labels.csv").read_text(encoding="utf-8")
    classes = pd.read_csv(io.StringIO(text), index_col="index")
    return classes if details else classes["name"]


def load_biopsy() -> pd.DataFrame:
    """
    Load the biopsies of 699 breast tumours, as R's `MASS::biopsy` has them.

    Dr William H. Wolberg of the University of Wisconsin Hospitals, Madison, scored nine
    properties of each from 1 to 10 [Wolberg1990]_.

    Returns
    -------
    pandas.DataFrame
        Nine columns of whole numbers, of which `bare nuclei` is missing 16 times, and `class`,
        `benign` or `malignant`; R's row names, from 1, as index.

    References
    ----------
    .. [Wolberg1990] Wolberg and Mangasarian (1990), Proceedings of the National Academy of
       Sciences 87, 9193-9196.

    Examples
    --------
    >>> load_biopsy()[["clump thickness", "mitoses", "class"]].head(2)
          clump thickness  mitoses   class
    case
    1                   5        1  benign
    2                   5        1  benign
    """
    text = io.StringIO(_place("biopsy.csv").read_text(encoding="utf-8"))
    return pd.read_csv(text, index_col="case", dtype={"bare nuclei": "Int64"})


def load_image_example() -> pd.DataFrame:
    """
    Load a ready explanation of a photograph, to try the plots on.

    Returns
    -------
    pandas.DataFrame
        What `explain()` says of the two likeliest classes of scikit-image's `chelsea`, a
        cat, with twenty superpixels each (R: `.load_image_example()`).

    Examples
    --------
    >>> load_image_example()[["label", "feature", "feature_value"]].head(1)
              label feature      feature_value
    0  Egyptian cat      16  3090px superpixel
    """
    return _read_example("image_explanation.json")


def load_text_example() -> pd.DataFrame:
    """
    Load a ready explanation of four reviews, to try the plots on.

    Returns
    -------
    pandas.DataFrame
        What `explain()` says of the likelier of the labels `good` and `bad`, with five words
        each (R: `.load_text_example()`).

    Examples
    --------
    >>> load_text_example()[["case", "label", "feature"]].head(2)
       case label feature
    0     0  good   great
    1     0  good   lasts
    """
    return _read_example("text_explanation.json")


def _read_example(name: str) -> pd.DataFrame:
    with as_file(_place(name)) as path:
        return read_explanation(path)
