"""
The explainer of texts.

A permutation of a text keeps some of its words, in their order. The model receives them joined by
spaces, or, with `in_place=True`, the text without the words that are dropped. A word can be any
piece of the text, such as a sentence.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from scipy import sparse

from pylime import checks
from pylime._types import Model, Preprocess
from pylime.draws import KindOfRows
from pylime.errors import CaseError, RequestError
from pylime.explainer_page import name_of
from pylime.filenames import files_of_folder, is_folder, some_files
from pylime.masks import (
    all_masks,
    distinct_rows,
    draw_masks,
    kept_words,
    mask_shares,
)
from pylime.options import Tokenization
from pylime.pipeline import (
    AllOf,
    Batch,
    CaseList,
    Explainer,
    InputKind,
    Permutations,
    Perturbed,
    Rewriting,
    inputs_of,
    n_inputs_of,
    unknown_input,
)
from pylime.request import Request
from pylime.seeds import case_generator
from pylime.text.documents import (
    BATCH_CHARACTERS,
    MOST_CELLS,
    Document,
    cut_words,
    dropped_words,
    read_document,
)
from pylime.text.tokens import (
    check_tokenization,
    default_tokenize,
    icu_tokenize,
    is_missing,
    piece_of,
    writes_no_blanks,
)
from pylime.values import located_words

__all__ = [
    "TEXT",
    "Documents",
    "ExplainTextOptions",
    "TextExplainer",
    "TextOptions",
]

# Of so many texts at most it is found out whether they name files.
_MOST_CHECKED = 10_000


@dataclass(frozen=True)
class TextOptions:
    """Options of `lime()` for texts; see there."""

    tokenization: Tokenization | str = default_tokenize
    keep_word_position: Annotated[bool, checks.flag] = False
    in_place: Annotated[bool | None, checks.flag_or(None)] = None
    replacement: Annotated[str, checks.text] | None = None


@dataclass(frozen=True)
class ExplainTextOptions:
    """Options of `explain()` for texts; see there."""

    single_explanation: Annotated[bool, checks.flag] = False
    batch_size: Annotated[int | None, checks.count] = None
    p_remove: Annotated[float, checks.probability] | None = None


@dataclass(frozen=True, repr=False)
class TextExplainer(Explainer):
    """
    Explains the predictions of a model of texts; made by `pylime.lime`.

    Attributes
    ----------
    tokenization
        A function from a text to its words, or a compiled regular expression that matches
        a word.
    keep_word_position
        Whether each occurrence of a word is a feature.
    in_place
        Whether dropped words are cut out of the text, of which all else stays; if not, the words
        that are kept are joined by spaces.
    replacement
        What is written where a word is dropped in place.
    has_file_names
        Whether texts of `pylime.lime` name files.

    Examples
    --------
    >>> from pylime import as_classifier, lime
    >>> model = as_classifier(lambda texts: [0.5] * len(texts), ["no", "yes"])
    >>> explainer = lime("a text", model, tokenization="sentence")
    >>> explainer.in_place, explainer.replacement
    (True, '')
    """

    tokenization: Tokenization = default_tokenize
    keep_word_position: bool = False
    in_place: bool = False
    replacement: str = ""
    has_file_names: bool = False

    def _settings(self) -> Mapping[str, object]:
        pattern = getattr(self.tokenization, "pattern", None)
        piece = piece_of(self.tokenization)
        dropped = "are cut out" if self.in_place else "leave others joined by spaces"
        return {
            "Words": name_of(self.tokenization) if pattern is None else f"matches of {pattern}",
            "A feature is": f"an occurrence of a {piece}"
            if self.keep_word_position
            else f"a {piece}",
            f"Dropped {piece}s": f"become {self.replacement!r}" if self.replacement else dropped,
        }


@dataclass(frozen=True)
class Documents:
    """
    The cases of one call.

    Attributes
    ----------
    cases
        The documents of each case: one, or several if they are pooled.
    names
        The name of each case.
    """

    cases: Sequence[Sequence[Document]]
    names: Sequence[Hashable]

    def take(self, positions: Sequence[int]) -> "Documents":
        """Return some of the cases."""
        return Documents([self.cases[p] for p in positions], [self.names[p] for p in positions])


# What is a text


def _are_texts(x: object) -> bool:
    """Whether a value is a string, or several, of which some may be missing."""
    texts = _read_texts(x)
    if texts is not None:
        _warn_of_files(texts.items)
        _warn_of_a_folder(texts.items)
    return texts is not None


def _warn_of_files(texts: Sequence[str | None]) -> None:
    """Warn of texts that name files: the model may be meant to see what is in these."""
    files = some_files(texts[:_MOST_CHECKED])
    if files:
        several = len(files) > 1
        checks.warn(
            f"{len(files)} of {len(texts)} texts {'are names' if several else 'is the name'} of "
            f"{'files' if several else 'a file'}, and {'are' if several else 'is'} explained as "
            f"text: {checks.some(files, 3)}. Pass the content of files, or images alone; "
            'lime(..., kind="text") says that these are texts.'
        )


def _warn_of_a_folder(texts: Sequence[str | None]) -> None:
    """Warn of a single text that names a folder, as one of images would be passed."""
    if len(texts) == 1 and texts[0] and is_folder(Path(texts[0])):
        checks.warn(
            f"The only text is the name of a folder, and is explained as text: {texts[0]}. For the "
            f"images of the folder: {files_of_folder(texts[0])} "
            'lime(..., kind="text") says that this is a text.'
        )


def _read_texts(x: object) -> CaseList | None:
    """Read strings, with None for missing ones; at least one must not be missing."""
    if isinstance(x, pd.DataFrame):
        hint = f"; pass its column of texts, such as x[{next(iter(x.columns), '')!r}]"
        raise TypeError(unknown_input(x, TEXT, hint))
    names = x.index.tolist() if isinstance(x, pd.Series) else None
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "UOT" or (x.ndim > 1 and x.shape[1] > 1):
            return None
        x = x.ravel().tolist()
    elif isinstance(x, str):
        x = [x]
    elif not isinstance(x, list | tuple):
        # Series of pandas, polars and other libraries have this method.
        to_list = getattr(x, "to_list", None)
        x = to_list() if callable(to_list) else None
    if not isinstance(x, list | tuple):
        return None
    missing = [is_missing(item) for item in x]
    if not all(lost or isinstance(item, str) for item, lost in zip(x, missing, strict=True)):
        return None
    if x and all(missing):
        return None
    items = [None if lost else str(item) for item, lost in zip(x, missing, strict=True)]
    return CaseList(items, range(len(items)) if names is None else names)


# lime()


def _make_text_explainer(
    data: CaseList, model: Model, preprocess: Preprocess, options: TextOptions, kind: InputKind
) -> TextExplainer:
    tokenization = check_tokenization(options.tokenization)
    in_place, replacement = options.in_place, options.replacement
    if replacement is not None and in_place is not None and not in_place:
        raise ValueError(
            "`replacement` is written at the places of dropped words, which `in_place=False` does "
            "not keep. Leave out one of both."
        )
    if in_place is None:
        # Sentences that are joined by spaces would lose the lines and paragraphs between them.
        in_place = replacement is not None or piece_of(tokenization) != "word"
    return TextExplainer(
        model,
        preprocess,
        kind,
        tokenization,
        bool(options.keep_word_position),
        bool(in_place),
        replacement or "",
        bool(some_files(data.items[:_MOST_CHECKED])),
    )


def _example_texts(explainer: TextExplainer, data: CaseList) -> list[str] | None:
    """Return two texts that are not neighbours, because data can be sorted by class."""
    some = [text for text in data.items if text is not None]
    return [some[0], some[len(some) // 2]] if some else None


# explain()


def _find_words(
    explainer: TextExplainer, cases: CaseList, options: ExplainTextOptions
) -> Documents:
    """Find the words of all texts; positions of words are counted on from text to text."""
    if not explainer.has_file_names:
        _warn_of_files(cases.items)
    documents: list[Document] = []
    n_before = 0
    for text in cases.items:
        try:
            document = read_document(
                text, explainer.tokenization, explainer.keep_word_position, n_before
            )
        except Exception as error:
            document = Document(text, [], [], [], error)
        n_before += len(document.words) if explainer.keep_word_position else 0
        documents.append(document)
    if not options.single_explanation:
        return Documents([[document] for document in documents], cases.names)
    return _pool(documents, cases.names)


def _pool(documents: Sequence[Document], names: Sequence[Hashable]) -> Documents:
    """Pool all texts that have words into one case."""
    usable = [position for position, document in enumerate(documents) if document.words]
    left_out = [names[p] for p, document in enumerate(documents) if not document.words]
    if usable and left_out:
        failed = next((d.problem for d in documents if d.problem is not None), None)
        why = (
            "" if failed is None else f" (`tokenization` failed: {type(failed).__name__}: {failed})"
        )
        checks.warn(
            f"{len(left_out)} of {len(documents)} texts have no words and are skipped: "
            f"{checks.some(left_out, 5, str)}{why}."
        )
    kept = usable or range(len(documents))
    return Documents([[documents[position] for position in kept]], [names[kept[0]]])


def _perturb_text(
    explainer: TextExplainer, cases: Documents, request: Request, n_predicted: int = 0
) -> Perturbed:
    """Draw the permutations of one case, of one text or of several that are pooled."""
    (documents,), (name,) = cases.cases, cases.names
    first = documents[0]
    features = list(dict.fromkeys(chain.from_iterable(d.features for d in documents)))
    _check_words(first, features, explainer)
    if explainer.in_place:
        _check_places(documents, explainer)
    exact = _all_subsets(documents, explainer, request)
    masks = _draw_all(documents, request) if exact is None else [all_masks(len(first.words))]
    as_it_is = explainer.in_place or " ".join(first.words) == first.text
    # The model receives the first text as the user passed it, then the distinct permutations, of
    # which the first can be the same text.
    rows, n_texts = [], 0 if as_it_is else 1
    texts: list[Iterable[list[str]]] = [] if n_predicted or as_it_is else [[[first.text or ""]]]
    for document, mask in zip(documents, masks, strict=True):
        kept = np.ascontiguousarray(mask)
        distinct, inverse = distinct_rows(kept)
        new = distinct[n_inputs_of(inverse, n_predicted) :] if n_predicted else distinct
        if explainer.in_place:
            texts.append(
                cut_words(document.text or "", document.spans, kept, new, explainer.replacement)
            )
        else:
            texts.append(dropped_words(document.words, kept, new))
        rows.append(inverse + n_texts)
        n_texts += len(distinct)
    spans = dict(zip(first.features, first.spans, strict=True))
    permutations = Permutations(
        case=name,
        design=masks[0] if len(masks) == 1 else _pooled_design(documents, masks, features),
        weights=_weights(masks, exact, request),
        features=features,
        describe=lambda some: list(zip(located_words(some, spans), some, strict=True)),
        data=first.text,
        n_inputs=n_texts,
        rows=np.concatenate(rows),
        rewriting=None if as_it_is else _JOINED,
        # Texts that are pooled have nets of their own.
        numbers=None if len(documents) > 1 or exact else _numbers(first, request),
        exact=exact,
    )
    differ = len(documents) == 1 and not explainer.in_place and _differ(first)
    batches = _text_batches(chain.from_iterable(texts), differ)
    # Permutations of texts that are pooled stand text by text, so that the first change with n.
    alone = len(documents) == 1 and exact is None
    grown = partial(_grown, explainer, cases, request) if alone else None
    return Perturbed([permutations], batches, grown=grown)


def _grown(
    explainer: TextExplainer, cases: Documents, request: Request, n: int, n_predicted: int
) -> Perturbed:
    """Draw n permutations of a text, of which the model has predicted the first."""
    return _perturb_text(explainer, cases, replace(request, n_permutations=n), n_predicted)


_JOINED = Rewriting(
    form="its words joined by spaces",
    cure=(
        "`lime(..., in_place=True)` cuts words out of the text and leaves everything else, such "
        "as punctuation, spacing and repeats; another `tokenization` finds other words."
    ),
)


def _check_words(first: Document, features: Sequence[str], explainer: TextExplainer) -> None:
    """Raise unless there are two words, of which one can be dropped."""
    if first.text is None:
        raise CaseError("The text is missing.")
    if first.problem is not None:
        problem = f"{type(first.problem).__name__}: {first.problem}"
        error = CaseError(f"`tokenization` failed. {problem}")
        error.reason = first.problem
        raise error
    piece = piece_of(explainer.tokenization)
    if not features:
        raise CaseError(f"The text has no {piece}s, so there is nothing to drop.")
    if len(features) == 1:
        unwritten = explainer.tokenization is not icu_tokenize and writes_no_blanks(features[0])
        raise CaseError(
            f"The text has a single {piece}, {features[0]!r:.40}, so there is nothing to compare."
            + (f" {_NO_BLANKS}" if unwritten and piece == "word" else _SMALLER.get(piece, ""))
        )


_SMALLER = {
    "paragraph": ' Blank lines separate paragraphs; `tokenization="line"` or "sentence" finds '
    "smaller pieces.",
    "line": ' `tokenization="sentence"` or "word" finds smaller pieces.',
    "sentence": ' `tokenization="word"` finds smaller pieces.',
}
_NO_BLANKS = (
    "Its script has no spaces between words: `lime(..., tokenization=icu_tokenize)` finds them "
    'with a dictionary; `tokenization=r"\\X"` takes single characters. Pass `in_place=True`, too, '
    "so that no spaces are put between them."
)


def _check_places(documents: Sequence[Document], explainer: TextExplainer) -> None:
    """Raise unless every word has a place in its text, where it can be cut out."""
    rule = "`replacement` is written" if explainer.replacement else "`in_place=True` cuts words out"
    where = "at the places of words" if explainer.replacement else "of the text"
    for document in documents:
        lost = [
            f for f, places in zip(document.features, document.spans, strict=True) if not places
        ]
        if lost:
            raise CaseError(
                f"{rule} {where}, but `tokenization` returns {len(lost)} that are not found "
                f"there: {checks.some(lost, 5)}."
            )


def _shares(n: int, documents: Sequence[Document]) -> list[int]:
    """Divide permutations evenly; each text has at least one, which is the text itself."""
    share, rest = divmod(n, len(documents))
    return [max(share + (position < rest), 1) for position in range(len(documents))]


def _all_subsets(
    documents: Sequence[Document], explainer: TextExplainer, request: Request
) -> AllOf | None:
    """Decide whether all subsets of the words of a text are predicted."""
    if len(documents) > 1:
        if request.exact == "always":
            raise RequestError(
                '`n_permutations="all"` takes the words of one text; `single_explanation=True` '
                f'pools those of {len(documents)}. Pass `n_permutations="auto"`, or leave out '
                "`single_explanation`."
            )
        return None
    n_words = len(documents[0].words)
    cure = "let `tokenization` return larger pieces, such as sentences: '[^.!?]+'"
    if not request.takes_all_subsets(n_words, "words", cure):
        return None
    return AllOf("subsets", explainer.kind.n_permutations)


def _numbers(document: Document, request: Request) -> tuple[KindOfRows, int]:
    """Return what uniform numbers decide, and how many a row takes: by R's law one more."""
    return "text", len(document.words) + (request.options.p_remove is None)


def _weights(masks: Sequence[np.ndarray], exact: AllOf | None, request: Request) -> np.ndarray:
    """Weigh permutations: the cosine similarity of all words and those that are kept."""
    similarity = np.concatenate(
        [np.sqrt(kept.sum(axis=1, dtype=np.uint32) / kept.shape[1]) for kept in masks]
    )
    if exact is None:
        return similarity
    shares = mask_shares(masks[0], request.options.p_remove)
    return exact.n_draws * shares * similarity


def _draw_all(documents: Sequence[Document], request: Request) -> list[np.ndarray]:
    """Draw the masks of the texts of a case."""
    masks, times = [], Counter[str | None]()
    for document, n in zip(documents, _shares(request.n_permutations, documents), strict=True):
        # The same text once more has draws of its own.
        masks.append(_draw(document, n, request, times[document.text]))
        times[document.text] += 1
    return masks


def _draw(document: Document, n: int, request: Request, n_before: int = 0) -> np.ndarray:
    """Draw the mask of one text, of which there are some equal ones before it."""
    n_words = len(document.words)
    if n * n_words > MOST_CELLS:
        raise CaseError(
            f"The text has {n_words} words, too many for {n} permutations: the product must "
            f"not exceed {MOST_CELLS}. Lower `n_permutations`, explain a part of the text, or "
            'pass `tokenization="sentence"` to `lime()`, or "paragraph".'
        )
    content = [(document.text or "").encode("utf-8", "surrogatepass")]
    content += [b"again", str(n_before).encode()] if n_before else []
    random = case_generator(request.seed, *content)
    options: ExplainTextOptions = request.options
    if options.p_remove is None:
        return kept_words(n, n_words, random, request.draws)
    return draw_masks(n, n_words, options.p_remove, random, request.draws, kind="text")


def _pooled_design(
    documents: Sequence[Document], masks: Sequence[np.ndarray], features: Sequence[str]
) -> "sparse.csr_array":
    """Build the sparse design of several texts, with a column per distinct feature."""
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


def _differ(document: Document) -> bool:
    """
    Whether a text and its permutations, joined by spaces, all differ if what they keep does.

    Split at the spaces, permutations are the words that they keep, each of them once.
    """
    words = set(document.words)
    if len(words) < len(document.words) or any(" " in word for word in words):
        return False
    own = (document.text or "").split(" ")
    return own == list(document.words) or len(set(own)) < len(own) or not words.issuperset(own)


def _text_batches(texts: Iterable[list[str]], differ: bool) -> Iterator[Batch]:
    """Collect texts, which may be known to differ, into batches with a bounded size."""
    some: list[str] = []
    n_characters = 0
    for block in texts:
        some += block
        n_characters += sum(map(len, block))
        if n_characters >= BATCH_CHARACTERS:
            yield Batch(some, len(some)) if differ else _distinct_texts(some)
            some, n_characters = [], 0
    if some:
        yield Batch(some, len(some)) if differ else _distinct_texts(some)


def _distinct_texts(texts: list[str]) -> Batch:
    """Make a batch in which equal texts occur once."""
    distinct = list(dict.fromkeys(texts))  # different masks can result in equal texts
    if len(distinct) == len(texts):
        return Batch(distinct, len(distinct))
    number_of = {text: number for number, text in enumerate(distinct)}
    return Batch(distinct, len(distinct), np.array([number_of[text] for text in texts]))


def _permuted_texts(explainer: TextExplainer, perturbed: Perturbed) -> pd.DataFrame:
    """Return the permutations of a text as a column."""
    return pd.DataFrame({"text": inputs_of(perturbed)})


TEXT = InputKind(
    name="text",
    plural="texts",
    rows="texts",
    description="texts: a string, or a list, Series or array of strings",
    recognise=_are_texts,
    read=_read_texts,
    perturb=_perturb_text,
    make_explainer=_make_text_explainer,
    prepare=_find_words,
    examples=_example_texts,
    lime_options=TextOptions,
    explain_options=ExplainTextOptions,
    tabulate=_permuted_texts,
    n_permutations=5000,
    first_permutations=500,
    takes_all=True,
)
