"""Where the words of an explanation stand in its text."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import regex

__all__ = ["Span", "locate_occurrences", "locate_words", "token_spans"]

Span: TypeAlias = tuple[int, int]
"""Where something starts in a text, and where it ends."""

_TOKEN = regex.compile(r"\w+(?:['\u2019.]\w+)*")
_WORD_EDGE = regex.compile(r"\w")


def token_spans(text: str) -> list[Span]:
    """List where the words of a text stand, as the default tokenizer finds them."""
    return [match.span() for match in _TOKEN.finditer(text)]


def locate_words(words: Sequence[str], text: str) -> dict[str, list[Span]]:
    """
    Find every place of some words in a text.

    A word stands where a token of the default tokenizer is that word: `art` is not in
    `party`. Only what is no such token, because another tokenizer made it, is searched
    for as a piece of text that does not begin or end inside a word; and if the text
    has it in other letters only (the tokenizer changed them), in any letters.

    Parameters
    ----------
    words
        What to look for.
    text
        The text as it was given.

    Returns
    -------
    dict
        From each word to its places, in their order.

    Examples
    --------
    >>> locate_words(["art", "sake"], "Party: art for art's sake")
    {'art': [(7, 10)], 'sake': [(21, 25)]}
    """
    tokens: dict[str, list[Span]] = defaultdict(list)
    for start, end in token_spans(text):
        tokens[text[start:end]].append((start, end))
    return {word: tokens.get(word) or _search(word, text) for word in dict.fromkeys(words)}


def _search(word: str, text: str) -> list[Span]:
    """Find a piece of text whose ends are no places inside a word."""
    if not word:
        return []
    before = r"(?<!\w)" if _WORD_EDGE.match(word) else ""
    after = r"(?!\w)" if _WORD_EDGE.match(word[-1]) else ""
    pattern = before + regex.escape(word) + after
    for flags in (0, regex.IGNORECASE):
        places = [match.span() for match in regex.finditer(pattern, text, flags)]
        if places:
            break
    return places


def locate_occurrences(
    occurrences: Mapping[str, tuple[str, int]], text: str, offset: int
) -> dict[str, Span]:
    """
    Find the places of words that are known by their position.

    Positions count the tokens of all texts that were explained together. How many there
    were before this one follows from the words themselves; where several numbers fit,
    the nearest to what is expected.

    Parameters
    ----------
    occurrences
        From a name to a word and its position.
    text
        The text as it was given.
    offset
        How many tokens are expected to come before the text.

    Returns
    -------
    dict
        From the names to places; without those whose word does not stand there.
    """
    spans = token_spans(text)
    indices: dict[str, list[int]] = defaultdict(list)
    for index, (start, end) in enumerate(spans):
        indices[text[start:end]].append(index)
    votes: dict[int, int] = defaultdict(int)
    for word, position in occurrences.values():
        for index in indices.get(word, []):
            votes[position - index] += 1
    if not votes:
        return {}
    most = max(votes.values())
    first = min(
        (shift for shift, count in votes.items() if count == most),
        key=lambda shift: abs(shift - offset),
    )
    places = {}
    for name, (word, position) in occurrences.items():
        if position - first in indices.get(word, []):
            places[name] = spans[position - first]
    return places
