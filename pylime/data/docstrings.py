"""Example texts without a download, from the docstrings of libraries, and a model of them."""

import inspect
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["docstring_classifier", "docstring_sentences"]

# The submodules whose docstrings are read, beside those of the library itself.
_LIBRARIES = {
    "numpy": "char fft linalg ma polynomial random strings testing",
    "scipy": "cluster.hierarchy cluster.vq constants fft integrate interpolate io linalg ndimage "
    "optimize signal sparse sparse.csgraph sparse.linalg spatial spatial.distance special stats",
    "pandas": "api.extensions api.indexers api.types errors plotting tseries.offsets",
    "sklearn": "calibration cluster compose covariance cross_decomposition datasets decomposition "
    "discriminant_analysis dummy ensemble feature_extraction feature_extraction.text "
    "feature_selection gaussian_process impute inspection isotonic kernel_approximation "
    "kernel_ridge linear_model manifold metrics metrics.pairwise mixture model_selection "
    "multiclass multioutput naive_bayes neighbors neural_network pipeline preprocessing "
    "random_projection semi_supervised svm tree",
    "skimage": "color data draw exposure feature filters graph io measure metrics morphology "
    "registration restoration segmentation transform util",
}
_NAMES = {"sklearn": "scikit-learn", "skimage": "scikit-image"}


def docstring_sentences() -> pd.DataFrame:
    """
    Collect the first sentences of the public docstrings of five libraries.

    They are a data set for text classifiers that needs no download: which of numpy, scipy,
    pandas, scikit-learn and scikit-image does a sentence come from? Sentences of fewer than
    three words, and those that two libraries share, are left out.

    Returns
    -------
    pandas.DataFrame
        Thousands of rows with the columns `text` and `library`, sorted; they depend on the
        installed versions.

    Examples
    --------
    >>> sentences = docstring_sentences()
    >>> sorted(sentences["library"].unique())
    ['numpy', 'pandas', 'scikit-image', 'scikit-learn', 'scipy']
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of the functions are deprecated
        rows = {
            (sentence, _NAMES.get(library, library))
            for library, submodules in _LIBRARIES.items()
            for name in ["", *submodules.split()]
            for sentence in _sentences_of(import_module(f"{library}.{name}".rstrip(".")), library)
        }
    frame = pd.DataFrame(sorted(rows), columns=["text", "library"])
    return frame[~frame["text"].duplicated(keep=False)].reset_index(drop=True)


def docstring_classifier(sentences: pd.DataFrame) -> "Pipeline":
    """
    Train a classifier of sentences by library.

    Parameters
    ----------
    sentences
        From `docstring_sentences`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Weighted counts of words and a logistic regression, which is right for five of six
        new sentences.

    Examples
    --------
    >>> sentences = docstring_sentences()
    >>> model = docstring_classifier(sentences)
    >>> model.predict(["Superpixels of an image", "A data frame of levels"]).shape
    (2,)
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    regression = LogisticRegression(C=10, tol=1e-3, max_iter=1000)
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), regression)
    return model.fit(sentences["text"], sentences["library"])


def _sentences_of(module: ModuleType, library: str) -> Iterator[str]:
    """Iterate over the sentences of a module's public functions, classes and methods."""
    for _, value in _public_members(module):
        if not callable(value) or not _belongs_to(value, library):
            continue
        yield from _first_sentence(value)
        if isinstance(value, type):
            for _, method in _public_members(value):
                if callable(method) or isinstance(method, property):
                    yield from _first_sentence(method)


def _public_members(owner: ModuleType | type) -> Iterator[tuple[str, object]]:
    for name in sorted(getattr(owner, "__all__", None) or dir(owner)):
        if not name.startswith("_"):
            try:
                # No property of a class may be computed, but some modules import their
                # members on access.
                get = inspect.getattr_static if isinstance(owner, type) else getattr
                yield name, get(owner, name)
            except (AttributeError, ImportError):  # named in `__all__`, but not installed
                continue


def _belongs_to(value: object, library: str) -> bool:
    return str(getattr(value, "__module__", None) or library).split(".")[0] == library


def _first_sentence(value: object) -> Iterator[str]:
    docstring = getattr(value, "__doc__", None)
    if not isinstance(docstring, str):
        return
    # A builtin's docstring begins with its signature.
    paragraphs = [part for part in re.split(r"\n\s*\n", inspect.cleandoc(docstring)) if part]
    if paragraphs and re.match(r"\w+\(.*\)", paragraphs[0]):
        paragraphs = paragraphs[1:]
    if not paragraphs or paragraphs[0].startswith(".."):
        return
    text = " ".join(paragraphs[0].split())
    sentence = re.split(r"(?<=[.!?])\s+(?=[A-Z])", text)[0]
    if len(sentence.split()) >= 3 and len(sentence) <= 300:
        yield sentence
