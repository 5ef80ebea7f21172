"""The places of the words of an explanation in its text."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import regex

from pylime.text.tokens import Span, default_spans

__all__ = ["apart", "locate_features"]

Mark = TypeVar("Mark")

_POSITION = re.compile(r"(.+)_(\d+)", flags=re.DOTALL)
_INSIDE_WORD = regex.compile(r"\w")


def locate_features(values: Iterable[str], text: str) -> dict[str, list[Span]]:
    """
    Find every place of the features of an explanation in their text.

    A `pylime.Word` has its places. Plain strings, from a frame that was stored, are looked
    up among the tokens of the default tokenizer: `art` is not in `party`. `word_position` is
    at one place only. A string that is not such a token, because another tokenizer made it,
    is searched for as a piece of text that neither begins nor ends inside a word; if the
    text does not contain it, in upper or lower case. Pieces of one word are found where they
    make it up together.

    Parameters
    ----------
    values
        The features' values.
    text
        The text as the user passed it.

    Returns
    -------
    dict
        From each value to its places, in the order of the text.

    Examples
    --------
    >>> locate_features(["art", "sake"], "Party: art for art's sake")
    {'art': [(7, 10)], 'sake': [(21, 25)]}
    >>> locate_features(["un", "able"], "unable")
    {'un': [(0, 2)], 'able': [(2, 6)]}
    >>> locate_features(["no_2", "yes_3"], "no, no, yes")
    {'no_2': [(4, 6)], 'yes_3': [(8, 11)]}
    """
    places: dict[str, list[Span]] = {}
    plain = []
    for value in values:
        spans = getattr(value, "spans", None)
        if spans is None:
            plain.append(value)
        else:
            places[value] = [(a, b) for a, b in spans if 0 <= a < b <= len(text)]
    return places | _look_up(plain, text) if plain else places


def apart(marks: Iterable[Mark], place: Callable[[Mark], Span]) -> list[Mark]:
    """
    Sort marks of a text by their places, and leave out those that overlap with one before.

    Tokens of the default tokenizer never overlap, others can: of those that begin together the
    longest one stays.

    Parameters
    ----------
    marks
        Anything that has a place.
    place
        Returns the start and end of a mark.

    Examples
    --------
    >>> apart([(5, 6), (0, 2), (1, 3), (0, 3)], place=lambda span: span)
    [(0, 3), (5, 6)]
    """
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (place(mark)[0], -place(mark)[1])):
        if not kept or place(mark)[0] >= place(kept[-1])[1]:
            kept.append(mark)
    return kept


def _look_up(words: Sequence[str], text: str) -> dict[str, list[Span]]:
    """Find plain strings: tokens, tokens with their positions, or any pieces of text."""
    spans = default_spans(text)
    tokens: dict[str, list[int]] = defaultdict(list)
    for index, (start, stop) in enumerate(spans):
        tokens[text[start:stop]].append(index)
    occurrences = {}
    for word in words:
        match = _POSITION.fullmatch(word)
        if match and word not in tokens and match[1] in tokens:
            occurrences[word] = (match[1], int(match[2]))
    shift = _shift(occurrences, tokens)
    located: dict[str, list[Span]] = {}
    for word in words:
        if word in occurrences:
            token, position = occurrences[word]
            located[word] = [spans[i] for i in tokens[token] if i == position - shift]
        elif word in tokens:
            located[word] = [spans[index] for index in tokens[word]]
        else:
            located[word] = _search_piece(word, text)
    lost = [word for word, found in located.items() if not found]
    return _with_pieces(located, text, spans) if lost else located


def _with_pieces(
    located: Mapping[str, list[Span]], text: str, spans: Sequence[Span]
) -> dict[str, list[Span]]:
    """Add the places of pieces that touch: of `un` and `able` in a text with `unable`."""
    pieces = {word: set(found) for word, found in located.items()}
    for start, stop in spans:
        position = start
        for piece in _pieces(text[start:stop], pieces):
            pieces[piece].add((position, position + len(piece)))
            position += len(piece)
    return {word: sorted(found) for word, found in pieces.items()}


def _pieces(token: str, words: Iterable[str]) -> list[str]:
    """Words, the longest first, that put together are a token; none if there is no such way."""
    ways: dict[int, list[str]] = {0: []}
    longest_first = sorted((w for w in words if w and w in token), key=len, reverse=True)
    for end in range(1, len(token) + 1):
        for word in longest_first:
            before = end - len(word)
            if before in ways and token.endswith(word, 0, end):
                ways[end] = [*ways[before], word]
                break
    return ways.get(len(token), [])


def _shift(occurrences: Mapping[str, tuple[str, int]], tokens: Mapping[str, Sequence[int]]) -> int:
    """
    Find the position of a text's first token.

    Positions count the tokens of all texts that were explained together. The first token of
    this text is at the position where most of its words fit, the first such position.
    """
    votes: dict[int, int] = defaultdict(int)
    for token, position in occurrences.values():
        for index in tokens[token]:
            if index < position:
                votes[position - index] += 1
    most = max(votes.values(), default=0)
    return min((shift for shift, count in votes.items() if count == most), default=1)


def _search_piece(word: str, text: str) -> list[Span]:
    """Find a piece of text that neither begins nor ends inside a word."""
    if not word:
        return []
    before = r"(?<!\w)" if _INSIDE_WORD.match(word[0]) else ""
    after = r"(?!\w)" if _INSIDE_WORD.match(word[-1]) else ""
    pattern = before + regex.escape(word) + after
    for flags in (0, regex.IGNORECASE):
        places = [match.span() for match in regex.finditer(pattern, text, flags)]
        if places:
            return places
    return []
