"""Class names, a table and example explanations that come with the package."""

import io
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from typing import Literal, overload

import pandas as pd

from pylime.files.storage import read_explanation

__all__ = ["imagenet_labels", "load_biopsy", "load_image_example", "load_text_example"]


def _data_file(name: str) -> Traversable:
    try:
        folder = files("pylime.inst_data")
    except ModuleNotFoundError:  # a source tree that is not installed
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
        Whether to return the WordNet identifiers, too.

    Returns
    -------
    pandas.Series or pandas.DataFrame
        1000 names by position from 0; with `details` a frame with the columns
        `wordnet_id` and `name`. Names that repeat, such as crane, end in the identifier.

    Examples
    --------
    >>> imagenet_labels()[285]
    'Egyptian cat'
    >>> imagenet_labels(details=True).loc[285, "wordnet_id"]
    'n02124075'
    """
    text = _data_file("imagenet_labels.csv").read_text(encoding="utf-8")
    classes = pd.read_csv(io.StringIO(text), index_col="index")
    return classes if details else classes["name"]


def load_biopsy() -> pd.DataFrame:
    """
    Load the biopsies of 699 breast tumours, the data of R's `MASS::biopsy`.

    Dr William H. Wolberg of the University of Wisconsin Hospitals, Madison, scored nine
    properties of each tumour from 1 to 10 [Wolberg1990].

    Returns
    -------
    pandas.DataFrame
        Nine columns of whole numbers, with 16 missing values in `bare nuclei`, and `class`,
        `benign` or `malignant`. The index has R's row names, from 1.

    References
    ----------
    - [Wolberg1990] Wolberg and Mangasarian (1990), Proceedings of the National Academy of
      Sciences 87, 9193-9196.

    Examples
    --------
    >>> load_biopsy()[["clump thickness", "mitoses", "class"]].head(2)
          clump thickness  mitoses   class
    case
    1                   5        1  benign
    2                   5        1  benign
    """
    text = io.StringIO(_data_file("biopsy.csv").read_text(encoding="utf-8"))
    return pd.read_csv(text, index_col="case", dtype={"bare nuclei": "Int64"})


def load_image_example() -> pd.DataFrame:
    """
    Load an example explanation of a photograph.

    Returns
    -------
    pandas.DataFrame
        The explanation of the two most likely classes of scikit-image's `chelsea`, a cat,
        with twenty superpixels each (R: `.load_image_example()`).

    Examples
    --------
    >>> load_image_example()[["label", "feature", "feature_value"]].head(1)
              label feature      feature_value
    0  Egyptian cat      16  3090px superpixel
    """
    return _read_example("image_explanation.json")


def load_text_example() -> pd.DataFrame:
    """
    Load an example explanation of four reviews.

    Returns
    -------
    pandas.DataFrame
        The explanation of the more likely label, `good` or `bad`, with five words each
        (R: `.load_text_example()`).

    Examples
    --------
    >>> load_text_example()[["case", "label", "feature"]].head(2)
       case label feature
    0     0  good   great
    1     0  good   lasts
    """
    return _read_example("text_explanation.json")


def _read_example(name: str) -> pd.DataFrame:
    with as_file(_data_file(name)) as path:
        return read_explanation(path)
