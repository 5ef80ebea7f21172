"""
Texts and their words: found, kept and dropped, and written again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pylime.masks import row_blocks
from pylime.options import Tokenization
from pylime.text.tokens import Span, default_tokenize, tokenize

__all__ = [
    "BATCH_CHARACTERS",
    "MOST_CELLS",
    "Document",
    "cut_words",
    "dropped_words",
    "read_document",
]

BATCH_CHARACTERS = 2**25
"""A batch of permuted texts ends when it has this many characters."""

MOST_CELLS = 10**9
"""Largest number of cells of a mask, a byte each."""

# Of a text so long the selections of eight neighbouring words, 128 times its size, take too much.
_SHORT = 2**17
# Of long texts with few words fewer are written together.
_CHARACTERS_A_CELL = 128


@dataclass(frozen=True)
class Document:
    """
    A text and its words, in the order in which the model receives them.

    Attributes
    ----------
    text
        The text as the user passed it; None if it is missing.
    words
        The word that the model receives for each feature.
    features
        The name of each feature.
    spans
        The places of each feature in the text; there can be several, or none.
    problem
        The error if the text could not be split into words.
    """

    text: str | None
    words: Sequence[str]
    features: Sequence[str]
    spans: Sequence[Sequence[Span]]
    problem: Exception | None = None


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
        From `pylime.text.tokens.check_tokenization`.
    keep_word_position
        Whether each occurrence of a word is a feature.
    n_before
        Number of words in the texts before it.

    Returns
    -------
    Document
        The text with its words.

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


def dropped_words(
    words: Sequence[str], kept: np.ndarray, rows: np.ndarray | None = None
) -> Iterator[list[str]]:
    """
    Write permutations of a text: the words that are kept, joined by spaces.

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
        One text per row, in blocks of rows.

    Examples
    --------
    >>> list(dropped_words(["a", "b", "c"], np.array([[True] * 3, [True, False, True]])))
    [['a b c', 'a c']]
    """
    rows = np.arange(len(kept)) if rows is None else rows
    write = _writer([(f" {word}", "", "") for word in words], separator=" ")
    for block in row_blocks(len(rows), len(words)):
        yield write(kept[rows[block]])


def cut_words(
    text: str,
    spans: Sequence[Sequence[Span]],
    kept: np.ndarray,
    rows: np.ndarray | None = None,
    replacement: str = "",
) -> Iterator[list[str]]:
    """
    Write permutations of a text: the text without the words that are dropped.

    Parameters
    ----------
    text
        The text.
    spans
        The places of all p words. What belongs to several words stays if all of these do.
    kept
        (n, p) array of bool.
    rows
        Which rows to write; by default all.
    replacement
        What is written at each place of a dropped word; by default nothing.

    Yields
    ------
    list of str
        One text per row; as many at a time as are quickly written together.

    Examples
    --------
    >>> list(cut_words("Oh, no!", [[(0, 2)], [(4, 6)]], np.array([[True, False]])))
    [['Oh, !']]
    >>> list(cut_words("Oh, no!", [[(0, 2)], [(4, 6)]], np.array([[True, False]]), None, "[...]"))
    [['Oh, [...]!']]
    """
    rows = np.arange(len(kept)) if rows is None else rows
    start, parts, owners = _parts_in_place(text, spans, replacement)
    first = np.array([own[0] for own in owners])
    write = _writer(parts)
    shared = [(number, own[1:]) for number, own in enumerate(owners) if len(own) > 1]
    for block in row_blocks(len(rows), max(len(parts), len(text) // _CHARACTERS_A_CELL)):
        words_kept = kept[rows[block]]
        parts_kept = words_kept[:, first]
        for number, others in shared:
            parts_kept[:, number] &= words_kept[:, others].all(axis=1)
        yield [start + rest for rest in write(parts_kept)]


def _parts_in_place(
    text: str, spans: Sequence[Sequence[Span]], replacement: str
) -> tuple[str, list[tuple[str, str, str]], list[list[int]]]:
    """
    Take a text apart at the places of its words.

    Returns what comes before the first of them; then in turn each piece that belongs to words,
    what stands there if it is dropped, and what follows and always stays; and for each piece the
    numbers of its words.
    """
    begins: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for number, places in enumerate(spans):
        for start, stop in set(places):
            begins.setdefault(start, []).append(number)
            ends.setdefault(stop, []).append(number)
    lead, parts, owners = "", [], []
    inside: list[int] = []
    position = 0
    for place in sorted({*begins, *ends, len(text)}):
        piece = text[position:place]
        begun = begins.get(position, []) if replacement else []
        if inside and begun and len(inside) > 1:
            # A piece of several words can be dropped with another word than the one that begins.
            parts += [("", replacement, "") for _ in begun]
            owners += [[number] for number in begun]
            begun = []
        if inside:
            parts.append((piece, replacement if begun else "", ""))
            owners.append(list(inside))
        elif parts:
            parts[-1] = (*parts[-1][:2], piece)
        else:
            lead = piece
        for number in ends.get(place, ()):
            inside.remove(number)
        inside += begins.get(place, ())
        position = place
    return lead, parts, owners


def _writer(
    parts: Sequence[tuple[str, str, str]], separator: str = ""
) -> Callable[[np.ndarray], list[str]]:
    """
    Prepare to put texts together of p parts.

    Of each part the first string is written where it is kept, the second where it is dropped, and
    the third always. If parts begin with a separator, texts do not. Returns a function from an
    (n, p) array of bool, what is kept, to n texts.
    """
    # Texts are put together from all selections of so many neighbouring parts.
    length = sum(max(len(part), len(other)) + len(rest) for part, other, rest in parts)
    size = 8 if len(parts) <= 2000 and length <= _SHORT else 4 if length <= 16 * _SHORT else 1
    n_pieces = -(-len(parts) // size)
    pieces = np.full((n_pieces, 2**size), "", dtype=object)
    for piece, start in enumerate(range(0, len(parts), size)):
        selections = [""]
        for part, other, rest in parts[start : start + size]:
            other += rest
            part += rest
            dropped = [selection + other for selection in selections] if other else selections
            selections = dropped + [selection + part for selection in selections]
        pieces[piece, : len(selections)] = selections
    starts = 2**size * np.arange(n_pieces)
    n_cut = len(separator)
    if separator:
        pieces[0] = [selection[n_cut:] for selection in pieces[0]]

    def write(kept: np.ndarray) -> list[str]:
        numbers = _selections(kept, size)
        texts = ["".join(row) for row in pieces.take(numbers + starts).tolist()]
        if separator:
            for text in np.flatnonzero(numbers[:, 0] == 0).tolist():  # begins with a later piece
                texts[text] = texts[text][n_cut:]
        return texts

    return write


def _selections(kept: np.ndarray, size: int) -> np.ndarray:
    """
    Number the selections of neighbouring parts, 1, 4 or 8 at a time: the first part has bit 0.

    Takes an (n, p) array of bool; returns an (n, ceil(p / size)) array.
    """
    if size == 1:
        return kept.astype(np.uint8)
    packed = np.packbits(kept, axis=1, bitorder="little")
    if size == 8:
        return packed
    halves = np.stack([packed & 15, packed >> 4], axis=2).reshape(len(packed), -1)
    return halves[:, : -(-kept.shape[1] // size)]
