"""
Words of a text, and their places in it.

A tokenization is a function from a text to its words, a regular expression that matches a word,
or the name of a piece of text, such as a sentence.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches
from importlib import import_module
from typing import Any, Literal, TypeAlias, get_args, overload

import numpy as np
import pandas as pd
import regex

from pylime.options import Tokenization
from pylime.text.pieces import (
    Span,
    character_spans,
    line_spans,
    paragraph_spans,
    sentence_spans,
)

__all__ = [
    "PIECES",
    "Piece",
    "Span",
    "check_tokenization",
    "default_spans",
    "default_tokenize",
    "icu_tokenize",
    "is_missing",
    "piece_of",
    "tokenize",
    "writes_no_blanks",
]

Piece = Literal["word", "sentence", "line", "paragraph", "character"]
"""Names of tokenizations."""

PIECES = get_args(Piece)

Texts: TypeAlias = list[Any] | tuple[Any, ...] | pd.Series | np.ndarray
"""Several texts, of which some may be missing."""


def _word_pattern() -> regex.Pattern[str]:
    """
    Match words and numbers between the word boundaries of Unicode Standard Annex #29.

    The rules WB4 to WB13b as one expression; a piece without a letter, digit or ideograph is
    not a word. Quantifiers are possessive where no rule needs to go back.
    """
    ignored = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*+"
    letter = r"[\p{WB=ALetter}\p{WB=Hebrew_Letter}]"
    hebrew = r"\p{WB=Hebrew_Letter}"
    digit = r"\p{WB=Numeric}"
    joins_letters = r"[\p{WB=MidLetter}\p{WB=MidNumLet}\p{WB=Single_Quote}]"
    joins_digits = r"[\p{WB=MidNum}\p{WB=MidNumLet}\p{WB=Single_Quote}]"
    connector = rf"(?:\p{{WB=ExtendNumLet}}{ignored})"
    quoted = f"\"{ignored}(?={hebrew})|'{ignored}(?!{letter})"
    letters = (
        f"(?:{hebrew}{ignored}(?:{quoted})|"
        f"{letter}{ignored}(?:{joins_letters}{ignored}(?={letter}))?)"
    )
    digits = f"{digit}{ignored}(?:{joins_digits}{ignored}(?={digit}))?"
    katakana = rf"(?:\p{{WB=Katakana}}{ignored})+"
    piece = f"(?:(?:{letters}|{digits})+|{katakana})"
    alone = rf"[\p{{Ideographic}}\p{{Script=Hiragana}}]{ignored}"
    # Only a dictionary can cut these scripts, which have no blanks: a run stays whole.
    uncut = r"\p{LineBreak=Complex_Context}+"
    word = f"{connector}*+{piece}(?:{connector}+{piece})*{connector}*|{connector}{{2,}}"
    return regex.compile(f"(?V1){word}|{alone}|{uncut}")


_WORD = _word_pattern()


def default_spans(text: str) -> list[Span]:
    """
    Find the places of the words of `default_tokenize`.

    Parameters
    ----------
    text
        The text.

    Returns
    -------
    list of tuple
        Start and end of each word, in the order of the text.

    Examples
    --------
    >>> default_spans("A cat, a mat.")
    [(0, 1), (2, 5), (7, 8), (9, 12)]
    """
    return [match.span() for match in _WORD.finditer(text)]


@overload
def default_tokenize(text: str) -> list[str]: ...
@overload
def default_tokenize(text: Texts) -> list[list[str]]: ...
def default_tokenize(text: str | Texts) -> list[str] | list[list[str]]:
    """
    Split texts into their words and numbers.

    Word boundaries are those of the Unicode standard [UAX29]; pieces without a letter, digit or
    ideograph are left out. Chinese, Japanese and Thai need a dictionary: `icu_tokenize`.

    Parameters
    ----------
    text
        A text, or several: a list, Series or array. A missing one has no words.

    Returns
    -------
    list of str
        The words, in the order of the text; of several texts a list of these lists.

    Raises
    ------
    TypeError
        If `text` is neither a string nor several of them.

    References
    ----------
    - [UAX29] Unicode Standard Annex #29, Unicode Text Segmentation.

    Examples
    --------
    >>> default_tokenize("Don't re-use it: 3.14 cm!")
    ["Don't", 're', 'use', 'it', '3.14', 'cm']
    >>> default_tokenize(["A cat.", "No dog!"])
    [['A', 'cat'], ['No', 'dog']]
    """
    return _of_each(_WORD.findall, text)


@overload
def icu_tokenize(text: str) -> list[str]: ...
@overload
def icu_tokenize(text: Texts) -> list[list[str]]: ...
def icu_tokenize(text: str | Texts) -> list[str] | list[list[str]]:
    """
    Split texts into their words and numbers with the library ICU, as R's `lime` does.

    ICU has dictionaries for scripts without spaces between words. Needs PyICU.

    Parameters
    ----------
    text
        A text, or several: a list, Series or array. A missing one has no words.

    Returns
    -------
    list of str
        The words, in the order of the text; of several texts a list of these lists.

    Raises
    ------
    ImportError
        If PyICU is not installed.
    TypeError
        If `text` is neither a string nor several of them.

    Examples
    --------
    >>> icu_tokenize("今天天气很好")  # doctest: +SKIP
    ['今天', '天气', '很好']
    """
    return _of_each(lambda one: [one[start:end] for start, end in _icu_spans(one)], text)


def _of_each(split: Callable[[str], list[str]], text: str | Texts) -> list[str] | list[list[str]]:
    """The words of a text, or of each of several."""
    if isinstance(text, str):
        return split(text)
    texts = list(text) if isinstance(text, Iterable) and not isinstance(text, bytes) else [0]
    if not all(isinstance(one, str) or is_missing(one) for one in texts):
        raise TypeError(f"`text` must be a string, or several; not {text!r:.80}.")
    return [split(str(one)) if isinstance(one, str) else [] for one in texts]


_UNSPACED = regex.compile(
    r"(?:[\p{LineBreak=Complex_Context}\p{Ideographic}\p{Script=Hiragana}\p{Script=Katakana}]\p{M}*)"
    r"{2,}"
)


def writes_no_blanks(word: str) -> bool:
    """
    Whether a piece of text has several characters of a script that puts no blanks between words.

    Examples
    --------
    >>> writes_no_blanks("สวัสดี"), writes_no_blanks("今天天气"), writes_no_blanks("word")
    (True, True, False)
    """
    return _UNSPACED.search(word) is not None


def is_missing(text: object) -> bool:
    """Whether what stands for a text is a missing value."""
    return text is None or text is pd.NA or (isinstance(text, float) and np.isnan(text))


# Pieces with a smaller rule status are blanks and punctuation.
_ICU_WORD = 100


def _icu_spans(text: str) -> list[Span]:
    try:
        icu: Any = import_module("icu")
    except ImportError as error:
        raise ImportError("icu_tokenize needs PyICU: pip install 'tidylime[icu]'") from error

    text = text.encode("utf-16", "replace").decode("utf-16")  # ICU cannot read lone surrogates
    boundaries = icu.BreakIterator.createWordInstance(icu.Locale.getRoot())
    boundaries.setText(text)
    spans, start = [], 0
    for end in boundaries:
        if boundaries.getRuleStatus() >= _ICU_WORD:
            spans.append((start, end))
        start = end
    if text and ord(max(text)) > 0xFFFF:
        # ICU counts units of 16 bits; a character beyond the first plane has two.
        units = np.array([1 + (ord(character) > 0xFFFF) for character in text])
        position = np.zeros(units.sum() + 1, dtype=np.int64)
        position[np.cumsum(units)] = np.arange(1, len(text) + 1)
        spans = [(int(position[start]), int(position[end])) for start, end in spans]
    return spans


def sentence_tokenize(text: str) -> list[str]:
    """Split a text into its sentences; see `pylime.text.pieces.sentence_spans`."""
    return [text[slice(*span)] for span in sentence_spans(text)]


def line_tokenize(text: str) -> list[str]:
    """Split a text into its lines that are not blank, without the blanks around them."""
    return [text[slice(*span)] for span in line_spans(text)]


def paragraph_tokenize(text: str) -> list[str]:
    """Split a text into its paragraphs, which blank lines separate."""
    return [text[slice(*span)] for span in paragraph_spans(text)]


def character_tokenize(text: str) -> list[str]:
    """Split a text into its characters as people count them, blanks among them."""
    return [text[slice(*span)] for span in character_spans(text)]


_NAMED: dict[str, Callable[[str], Iterable[str]]] = {
    "word": default_tokenize,
    "sentence": sentence_tokenize,
    "line": line_tokenize,
    "paragraph": paragraph_tokenize,
    "character": character_tokenize,
}
# Of these functions the places are known, and need not be searched for.
_SPANS: list[tuple[Tokenization, Callable[[str], list[Span]]]] = [
    (default_tokenize, default_spans),
    (icu_tokenize, _icu_spans),
    (sentence_tokenize, sentence_spans),
    (line_tokenize, line_spans),
    (paragraph_tokenize, paragraph_spans),
    (character_tokenize, character_spans),
]


def check_tokenization(tokenization: Tokenization | str | None) -> Tokenization:
    """
    Check a tokenization, find the one with a name, and compile another string.

    Parameters
    ----------
    tokenization
        A name: `"word"` (`default_tokenize`), `"sentence"`, `"line"` (what is not blank),
        `"paragraph"` (between blank lines) or `"character"` (as people count them); a function
        from a text to a list of words; a regular expression that matches a word, compiled or not
        (an expression that equals a name must be compiled); or None for `default_tokenize`.

    Returns
    -------
    callable or re.Pattern
        The function, or the compiled expression, for `tokenize`.

    Raises
    ------
    TypeError, ValueError
        If it is something else, not a valid expression, or almost a name.

    Examples
    --------
    >>> tokenize("Is it? It is.", check_tokenization("sentence"))
    (['Is it?', 'It is.'], [(0, 6), (7, 13)])
    >>> check_tokenization("sentences")
    Traceback (most recent call last):
    ValueError: `tokenization` must be a function from a text to a list of words, a regular
    expression that matches a word, or one of 'word', 'sentence', 'line', 'paragraph',
    'character'; not 'sentences'. Did you mean 'sentence'? An expression that matches 'sentences'
    itself must be compiled, by `re.compile()`.
    """
    if tokenization is None:
        return default_tokenize
    if isinstance(tokenization, str):
        return _NAMED[tokenization] if tokenization in _NAMED else _compiled(tokenization)
    if isinstance(tokenization, re.Pattern | regex.Pattern):
        if isinstance(tokenization.pattern, str):
            return tokenization
    elif callable(tokenization):
        return tokenization
    raise TypeError(f"`tokenization` must be {_RULE}, or None; not {tokenization!r:.80}.")


_RULE = (
    "a function from a text to a list of words, a regular expression that matches a word, or "
    f"one of {', '.join(map(repr, _NAMED))}"
)
# How like a name a plain string of letters must be to be a misspelt one.
_ALMOST = 0.8


def _compiled(expression: str) -> Tokenization:
    near = get_close_matches(expression.lower(), _NAMED, n=1, cutoff=_ALMOST)
    if near and expression.isalpha():
        raise ValueError(
            f"`tokenization` must be {_RULE}; not {expression!r}. Did you mean {near[0]!r}? An "
            f"expression that matches {expression!r} itself must be compiled, by `re.compile()`."
        )
    try:
        return regex.compile(expression)
    except regex.error as error:
        raise ValueError(
            f"`tokenization` must be a valid regular expression; {expression!r} is not: {error}."
        ) from error


def piece_of(tokenization: Tokenization) -> Piece:
    """
    Name what a tokenization from `check_tokenization` finds: a word, unless it has another name.

    Examples
    --------
    >>> piece_of(check_tokenization("line")), piece_of(str.split)
    ('line', 'word')
    """
    return next((name for name in PIECES if _NAMED[name] is tokenization), "word")


def tokenize(
    text: str, tokenization: Tokenization = default_tokenize
) -> tuple[list[str], list[Span | None]]:
    """
    Split a text into words, or other pieces, and find the place of each.

    Parameters
    ----------
    text
        The text.
    tokenization
        From `check_tokenization`. Each whole match of a regular expression is a word.
        Empty words are left out.

    Returns
    -------
    tuple of list
        The words, and the place of each: start and end, or None for a word that a function
        changed so much that it cannot be found in the text.

    Raises
    ------
    TypeError
        If a function returns anything but words.

    Examples
    --------
    >>> tokenize("A cat, a mat.", str.split)
    (['A', 'cat,', 'a', 'mat.'], [(0, 1), (2, 6), (7, 8), (9, 13)])
    """
    spans: list[Span | None]
    find = next((find for known, find in _SPANS if known is tokenization), None)
    if find is not None:
        spans = list(find(text))
    elif isinstance(tokenization, re.Pattern | regex.Pattern):
        spans = [
            match.span() for match in tokenization.finditer(text) if match.end() > match.start()
        ]
    else:
        words = [word for word in _called(tokenization, text) if word]
        return words, _align(words, text)
    return [text[slice(*span)] for span in spans if span], spans


def _called(tokenization: Callable[[str], Iterable[str]], text: str) -> list[str]:
    words: object = tokenization(text)
    listed = list(words) if isinstance(words, Iterable) and not isinstance(words, str) else None
    if listed is None or not all(isinstance(word, str) for word in listed):
        raise TypeError(
            "`tokenization` must return a list of str for each text; it returned "
            f"{words!r:.80} for {text!r:.40}."
        )
    return [str(word) for word in listed]


# How many first letters a changed word must share with its original.
_STEM = 3
# Aligning more words than these with a text takes too long.
_MOST_ALIGNED = 5000


def _align(words: Sequence[str], text: str) -> list[Span | None]:
    """
    Find the places of words that a function made from a text.

    If the text contains the words in their order, these are their places; the marks that
    tokenizers put on pieces of words (`##able`) are left out. Otherwise the words are aligned with
    the text's own words: first equal ones (in upper or lower case), then, between two of these,
    changed ones, if there are as many as words of the text and they begin alike. Any other word
    has no place, rather than a wrong one.
    """
    spans = _align_in_order(words, text)
    lowered = text.lower()
    if None in spans and len(lowered) == len(text):
        spans = _align_in_order([word.lower() for word in words], lowered)
    pieces = [_unmarked(word) for word in words]
    if None in spans and pieces != list(words):
        return _align(pieces, text)
    if None not in spans or len(words) > _MOST_ALIGNED:
        return spans
    own = default_spans(text)
    own_words = [text[start:stop].casefold() for start, stop in own]
    folded = [word.casefold() for word in words]
    spans = _no_places(words)
    matcher = SequenceMatcher(None, folded, own_words, autojunk=False)
    done_words = done_own = 0
    for word, place, size in matcher.get_matching_blocks():
        changed, replaced = range(done_words, word), range(done_own, place)
        if len(changed) == len(replaced):
            for made, original in zip(changed, replaced, strict=True):
                if _begin_alike(folded[made], own_words[original]):
                    spans[made] = own[original]
        else:
            rest = iter(replaced)
            for made in changed:
                stems = (o for o in rest if _is_stem(folded[made], own_words[o]))
                found = next(stems, None) if len(folded[made]) >= _STEM else None
                spans[made] = None if found is None else own[found]
        for offset in range(size):
            spans[word + offset] = own[place + offset]
        done_words, done_own = word + size, place + size
    return _align_out_of_order(folded, spans, own, own_words, text)


# Of BERT, SentencePiece, byte-level tokenizers and BPE: where a word goes on, begins or ends.
_MARK = re.compile("(##|\N{LOWER ONE EIGHTH BLOCK}|\N{LATIN CAPITAL LETTER G WITH DOT ABOVE})(?=.)")
_END_MARK = re.compile(r"(?<=.)(@@|</w>)$")


def _unmarked(word: str) -> str:
    """A piece of a word without the mark that a tokenizer puts on it."""
    found = _MARK.match(word)
    return _END_MARK.sub("", word[found.end() :] if found else word)


def _no_places(words: Sequence[str]) -> list[Span | None]:
    return [None for _ in words]


def _begin_alike(word: str, other: str) -> bool:
    """Whether two words share their first letters, like a word and its stem."""
    shared = min(_STEM, len(word), len(other))
    return shared > 0 and word[:shared] == other[:shared]


def _is_stem(word: str, other: str) -> bool:
    return len(word) >= _STEM and other.startswith(word)


def _align_out_of_order(
    folded: Sequence[str],
    spans: list[Span | None],
    own: Sequence[Span],
    own_words: Sequence[str],
    text: str,
) -> list[Span | None]:
    """Find the places of words that were moved, and of several words that were joined."""
    free: dict[str, list[Span]] = {}
    taken = set(spans)
    for word, span in zip(own_words, own, strict=True):
        if span not in taken:
            free.setdefault(word, []).append(span)
    starts = {start for start, _ in own}
    stops = {stop for _, stop in own}
    last: dict[str, int] = {}
    for number, word in enumerate(folded):
        if spans[number] is not None:
            continue
        if free.get(word):
            spans[number] = free[word].pop(0)
        elif any(letter.isspace() for letter in word):
            for match in re.finditer(r"\s+".join(map(re.escape, word.split())), text, re.I):
                start, stop = match.span()
                if start > last.get(word, -1) and start in starts and stop in stops:
                    spans[number] = (start, stop)
                    last[word] = start
                    break
    return spans


def _align_in_order(words: Sequence[str], text: str) -> list[Span | None]:
    """Find each word after the one before, not inside another; no places if one is missing."""
    spans: list[Span | None] = []
    position = -1
    for number, word in enumerate(words):
        following = words[number + 1] if number + 1 < len(words) else ""
        start = text.find(word, max(position, 0))
        while start >= 0 and _is_inside(text, start, start + len(word), position, following):
            start = text.find(word, start + 1)
        if start < 0:
            return _no_places(words)
        position = start + len(word)
        spans.append((start, position))
    return spans


def _is_inside(text: str, start: int, stop: int, position: int, following: str) -> bool:
    """Whether a piece is cut out of a word whose other pieces are not words, too."""
    before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    behind = stop < len(text) and text[stop].isalnum() and text[stop - 1].isalnum()
    if before and start != position:
        return True
    return behind and not (following and text.startswith(following, stop))
