"""
Texts: words kept and dropped.

A permutation of a text keeps some of its words, in their order; the model gets them joined
by blanks.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from scipy import sparse

from pylime import checks
from pylime.errors import CaseError, RequestError
from pylime.inputs import Texts
from pylime.masks import check_rows, distinct_rows
from pylime.models import predict
from pylime.pipeline import (
    Explainer,
    Report,
    Request,
    check_cases,
    examples,
    make_explainer,
    perturb,
)
from pylime.seeds import case_generator
from pylime.surrogate import Neighbourhood
from pylime.text.tokens import Span, Tokenization, check_tokenization, default_tokenize, tokenize
from pylime.values import Word

__all__ = [
    "Document",
    "Documents",
    "TextExplainer",
    "TextOptions",
    "dropped_words",
    "kept_words",
    "read_document",
]

# Permuted texts go to the model at most this many characters at a time.
_BATCH_CHARACTERS = 2**25
# Largest mask of kept words, a byte each; and how much of it a processor's cache holds.
_MOST_CELLS = 10**9
_CACHED_CELLS = 2**16


@dataclass(frozen=True)
class _LimeOptions:
    """Options of `lime()` for texts; see there."""

    tokenization: Any = default_tokenize
    keep_word_position: bool = False

    def __post_init__(self) -> None:
        check_tokenization(self.tokenization)
        _check_flag("keep_word_position", self.keep_word_position)


@dataclass(frozen=True)
class TextOptions:
    """Options of `explain()` for texts; see there."""

    single_explanation: bool = False

    def __post_init__(self) -> None:
        _check_flag("single_explanation", self.single_explanation)


def _check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"`{name}` must be True or False; not {value!r}.")


@dataclass(frozen=True, repr=False)
class TextExplainer(Explainer):
    """
    Explains the predictions of a model of texts; made by `lime()`.

    Attributes
    ----------
    tokenization
        A function from a text to its words, or a compiled regular expression that matches
        a word.
    keep_word_position
        Whether each occurrence of a word is a feature.
    """

    tokenization: Tokenization = default_tokenize
    keep_word_position: bool = False

    input_name: ClassVar[str] = "texts"
    default_permutations: ClassVar[int] = 5000
    options: ClassVar[type] = TextOptions


@dataclass(frozen=True)
class Document:
    """
    A text and its words, in the order in which the model gets them.

    Attributes
    ----------
    text
        The text as it was given; None if it is missing.
    words
        What the model gets of each feature.
    features
        What each feature is called.
    spans
        Where each stands in the text; one may stand in several places, or in none.
    problem
        Why the text could not be split into words.
    """

    text: str | None
    words: Sequence[str]
    features: Sequence[str]
    spans: Sequence[Sequence[Span]]
    problem: str = ""


@dataclass(frozen=True)
class Documents:
    """
    The cases of one call: the documents of each, and what it is called.

    A case has one document, or all of them when they are pooled.
    """

    cases: Sequence[Sequence[Document]]
    names: Sequence[Any]

    def __len__(self) -> int:
        return len(self.cases)

    def take(self, positions: Sequence[int]) -> "Documents":
        """Keep some of the cases."""
        return Documents([self.cases[p] for p in positions], [self.names[p] for p in positions])


def read_document(
    text: str | None,
    tokenization: Tokenization = default_tokenize,
    keep_word_position: bool = False,
    n_before: int = 0,
) -> Document:
    """
    Find the words of a text.

    Parameters
    ----------
    text
        The text, or None.
    tokenization
        What a word is.
    keep_word_position
        Whether each occurrence of a word is a feature.
    n_before
        How many words the texts before it have.

    Returns
    -------
    Document
        Its words.

    Examples
    --------
    >>> read_document("no, no and no").features
    ['no', 'and']
    >>> read_document("no, no and no", keep_word_position=True).features
    ['no_1', 'no_2', 'and_3', 'no_4']
    """
    if text is None:
        return Document(None, [], [], [])
    words, spans = tokenize(text, tokenization)
    if keep_word_position:
        features = [f"{word}_{n}" for n, word in enumerate(words, n_before + 1)]
        return Document(text, words, features, [[span] if span else [] for span in spans])
    places: dict[str, list[Span]] = {}
    for word, span in zip(words, spans, strict=True):
        found = places.setdefault(word, [])
        if span:
            found.append(span)
    return Document(text, list(places), list(places), list(places.values()))


def kept_words(n: int, n_words: int, random: np.random.Generator) -> np.ndarray:
    """
    Draw which words each permutation keeps.

    Parameters
    ----------
    n
        Number of permutations.
    n_words
        Number of words.
    random
        Source of the draws.

    Returns
    -------
    numpy.ndarray
        (n, n_words) array of bool. The first row keeps all. Of the others each keeps a
        number of words drawn evenly from 1 to all, and those words without replacement.
    """
    counts = random.integers(1, n_words, n, endpoint=True)
    counts[0] = n_words
    kept = np.empty((n, n_words), dtype=bool)
    for rows in _row_blocks(n, n_words):
        # The words with the smallest of as many random numbers; two of 53 bits are never equal.
        numbers = random.random((len(counts[rows]), n_words))
        limits = np.take_along_axis(np.sort(numbers, axis=1), counts[rows, None] - 1, axis=1)
        np.less_equal(numbers, limits, out=kept[rows])
    return kept


def _row_blocks(n: int, n_columns: int) -> Iterator[slice]:
    """Parts of n rows that stay in the cache while they are worked on."""
    size = max(_CACHED_CELLS // max(n_columns, 1), 1)
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def dropped_words(
    words: Sequence[str], kept: np.ndarray, rows: np.ndarray | None = None
) -> Iterator[list[str]]:
    """
    Write permutations of a text: the words that are kept, joined by blanks.

    Parameters
    ----------
    words
        All p words.
    kept
        (n, p) array of bool.
    rows
        Which rows to write; by default all.

    Yields
    ------
    list of str
        One text per row; as many at a time as are quickly written together.

    Examples
    --------
    >>> list(dropped_words(["a", "b", "c"], np.array([[True] * 3, [True, False, True]])))
    [['a b c', 'a c']]
    """
    # Texts are put together from all selections of so many neighbouring words.
    size = 8 if len(words) <= 2000 else 4
    n_pieces = -(-len(words) // size)
    pieces = np.full((n_pieces, 2**size), "", dtype=object)
    for piece, start in enumerate(range(0, len(words), size)):
        selections = [""]
        for word in words[start : start + size]:
            selections += [f"{selection}{word} " for selection in selections]
        pieces[piece, : len(selections)] = selections
    rows = np.arange(len(kept)) if rows is None else rows
    for block in _row_blocks(len(rows), len(words)):
        bits = np.zeros((len(rows[block]), n_pieces * size), dtype=bool)
        bits[:, : len(words)] = kept[rows[block]]
        numbers = np.packbits(bits.reshape(-1, n_pieces, size), axis=2, bitorder="little")
        chosen = pieces[np.arange(n_pieces), numbers[..., 0]].tolist()
        yield ["".join(row)[:-1] for row in chosen]


@make_explainer.register
def _(data: Texts, model: Any, preprocess: Callable[[Any], Any], **options: Any) -> TextExplainer:
    own = checks.make_options(_LimeOptions, options, "lime() of texts")
    tokenization = check_tokenization(own.tokenization)
    return TextExplainer(model, preprocess, tokenization, bool(own.keep_word_position))


@examples.register
def _(explainer: TextExplainer, data: Texts) -> Any:
    some = [text for text in data.items if text is not None]
    return [some[0], some[len(some) // 2]] if some else None


@check_cases.register
def _(explainer: TextExplainer, cases: Texts, options: TextOptions) -> Documents:
    documents: list[Document] = []
    n_before = 0
    for text in cases.items:
        try:
            document = read_document(
                text, explainer.tokenization, explainer.keep_word_position, n_before
            )
        except Exception as error:
            if len(cases) == 1:
                raise
            document = Document(text, [], [], [], f"{type(error).__name__}: {error}")
        n_before += len(document.words) if explainer.keep_word_position else 0
        documents.append(document)
    if not options.single_explanation:
        return Documents([[document] for document in documents], cases.names)
    return _pool(documents, cases.names)


def _pool(documents: Sequence[Document], names: Sequence[Any]) -> Documents:
    """One case of all texts that have words."""
    usable = [position for position, document in enumerate(documents) if document.words]
    left_out = [str(names[p]) for p, document in enumerate(documents) if not document.words]
    if usable and left_out:
        warnings.warn(
            f"{len(left_out)} of {len(documents)} texts have no words and are left out: "
            f"{', '.join(left_out[:5])}{', ...' if len(left_out) > 5 else ''}.",
            stacklevel=5,
        )
    kept = usable or range(len(documents))
    return Documents([[documents[position] for position in kept]], [names[kept[0]]])


@perturb.register
def _(
    explainer: TextExplainer, cases: Documents, request: Request, report: Report
) -> Iterator[Neighbourhood | CaseError]:
    for name, documents in zip(cases.names, cases.cases, strict=True):
        try:
            around = _perturb_documents(explainer, name, documents, request, report)
        except (RequestError, MemoryError):
            raise
        except Exception as error:  # whatever a model raises
            yield CaseError.of(name, error)
        else:
            yield around


def _perturb_documents(
    explainer: TextExplainer,
    name: Any,
    documents: Sequence[Document],
    request: Request,
    report: Report,
) -> Neighbourhood:
    first = documents[0]
    features = list(dict.fromkeys(chain.from_iterable(d.features for d in documents)))
    _check_words(first, features)
    masks = [
        _draw(document, n, request.seed)
        for document, n in zip(documents, _shares(request.n_permutations, documents), strict=True)
    ]
    given, predictions = _predict_masks(explainer, documents, masks, request, report)
    spans = dict(zip(first.features, first.spans, strict=True))
    return Neighbourhood(
        case=name,
        design=masks[0] if len(masks) == 1 else _pooled_design(documents, masks, features),
        # The cosine between all words and those kept.
        weights=np.concatenate(
            [np.sqrt(np.count_nonzero(kept, axis=1) / kept.shape[1]) for kept in masks]
        ),
        predictions=predictions,
        prediction=given.to_dict(),
        features=features,
        values={feature: Word(feature, spans.get(feature, ())) for feature in features},
        descriptions={feature: feature for feature in features},
        data=first.text,
    )


def _check_words(first: Document, features: Sequence[str]) -> None:
    """Raise unless there are two words, of which one can be dropped."""
    if first.text is None:
        raise CaseError("The text is missing.")
    if first.problem:
        raise CaseError(f"`tokenization` failed. {first.problem}")
    if not features:
        raise CaseError("The text has no words, so there is nothing to drop.")
    if len(features) == 1:
        raise CaseError(
            f"The text has a single word, {features[0]!r:.40}, so there is nothing to compare."
        )


def _shares(n: int, documents: Sequence[Document]) -> list[int]:
    """Share permutations out evenly; each text has at least one, which is the text itself."""
    share, rest = divmod(n, len(documents))
    return [max(share + (position < rest), 1) for position in range(len(documents))]


def _draw(document: Document, n: int, seed: tuple[int, ...]) -> np.ndarray:
    n_words = len(document.words)
    if n * n_words > _MOST_CELLS:
        raise CaseError(
            f"The text has {n_words} words, too many for {n} permutations: the product must "
            f"not exceed {_MOST_CELLS}. Lower `n_permutations`, explain a part of the text, or "
            r"let `tokenization` find larger pieces, such as sentences: '[^.!?]+'."
        )
    content = (document.text or "").encode("utf-8", "surrogatepass")
    return kept_words(n, n_words, case_generator(seed, content))


def _pooled_design(
    documents: Sequence[Document], masks: Sequence[np.ndarray], features: Sequence[str]
) -> "sparse.csr_array":
    """The words kept of any text, a column per distinct feature."""
    from scipy import sparse

    column_of = {feature: column for column, feature in enumerate(features)}
    rows, columns, n_rows = [], [], 0
    for document, kept in zip(documents, masks, strict=True):
        own_columns = np.array([column_of[feature] for feature in document.features])
        row, word = np.nonzero(kept)
        rows.append(row + n_rows)
        columns.append(own_columns[word])
        n_rows += len(kept)
    places = np.concatenate(rows), np.concatenate(columns)
    ones = np.ones(len(places[0]))
    return sparse.csr_array(sparse.coo_array((ones, places), shape=(n_rows, len(features))))


def _predict_masks(
    explainer: TextExplainer,
    documents: Sequence[Document],
    masks: Sequence[np.ndarray],
    request: Request,
    report: Report,
) -> tuple[pd.Series, pd.DataFrame]:
    """Predict the first text as it was given, and every permutation; equal ones once."""
    texts: list[Iterable[list[str]]] = [[[documents[0].text or ""]]]
    rows, n_texts = [], 1
    for document, kept in zip(documents, masks, strict=True):
        first, inverse = distinct_rows(kept)
        texts.append(dropped_words(document.words, kept, first))
        rows.append(inverse + n_texts)
        n_texts += len(first)
    n_permutations = sum(map(len, masks))
    reported = 0
    parts = []
    for batch in _batches(chain.from_iterable(texts)):
        distinct = list(dict.fromkeys(batch))  # other masks may give an equal text
        prepared = explainer.preprocess(distinct)
        check_rows(prepared, len(distinct), "texts")
        part = predict(
            explainer.model, prepared, len(distinct), request.model_type, **request.predict_options
        ).frame
        if not parts:
            request.labels_of(part.iloc[0].to_dict())  # an unknown label is found out now
        if len(distinct) < len(batch):
            number_of = {text: number for number, text in enumerate(distinct)}
            part = part.iloc[[number_of[text] for text in batch]]
        parts.append(part)
        report(min(len(batch), n_permutations - reported))
        reported = min(reported + len(batch), n_permutations)
    report(n_permutations - reported)
    predictions = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    permuted = predictions.iloc[np.concatenate(rows)].reset_index(drop=True)
    return predictions.iloc[0], permuted


def _batches(texts: Iterable[list[str]]) -> Iterator[list[str]]:
    """Lists of texts with a bounded number of characters."""
    batch: list[str] = []
    n_characters = 0
    for some in texts:
        batch += some
        n_characters += sum(map(len, some))
        if n_characters >= _BATCH_CHARACTERS:
            yield batch
            batch, n_characters = [], 0
    if batch:
        yield batch
