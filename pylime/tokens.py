"""
Words of a text, and where they stand in it.

A tokenization is a function from a text to its words, or a regular expression that matches
a word.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
import regex

__all__ = [
    "Span",
    "Tokenization",
    "check_tokenization",
    "default_tokenize",
    "icu_tokenize",
    "token_spans",
    "tokenize",
]

Span: TypeAlias = tuple[int, int]
"""Where something starts in a text, and where it ends."""

Tokenization: TypeAlias = Callable[[str], Any] | re.Pattern[str] | regex.Pattern[str]


def _word_pattern() -> regex.Pattern[str]:
    """
    Words and numbers between the word boundaries of UAX #29 [1]_.

    The rules WB4 to WB13b as one expression; what the rules cut out without a letter, digit
    or ideograph in it is no word. Possessive where a rule looks no further.

    References
    ----------
    .. [1] Unicode Standard Annex #29, Unicode Text Segmentation.
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
    # Scripts without blanks that only a dictionary can cut: a run stays whole.
    uncut = r"\p{LineBreak=Complex_Context}+"
    word = f"{connector}*+{piece}(?:{connector}+{piece})*{connector}*|{connector}{{2,}}"
    return regex.compile(f"(?V1){word}|{alone}|{uncut}")


_WORD = _word_pattern()


def default_tokenize(text: str) -> list[str]:
    """
    Split a text into its words and numbers.

    Word boundaries are those of the Unicode standard [1]_; pieces without a letter, digit or
    ideograph are left out. Chinese, Japanese and Thai need a dictionary: [`icu_tokenize`][].

    Parameters
    ----------
    text
        The text.

    Returns
    -------
    list of str
        Its words, in their order.

    References
    ----------
    .. [1] Unicode Standard Annex #29, Unicode Text Segmentation.

    Examples
    --------
    >>> default_tokenize("Don't re-use it: 3.14 cm!")
    ["Don't", 're', 'use', 'it', '3.14', 'cm']
    """
    return _WORD.findall(text)


def icu_tokenize(text: str) -> list[str]:
    """
    Split a text into its words and numbers with the library ICU, as R's `lime` does.

    It has dictionaries for scripts that write no blanks between words. Needs PyICU.

    Parameters
    ----------
    text
        The text.

    Returns
    -------
    list of str
        Its words, in their order.

    Raises
    ------
    ImportError
        If PyICU is not installed.
    """
    return [text[start:end] for start, end in _icu_spans(text)]


# Rule statuses below this are of pieces that are no words: blanks and punctuation.
_ICU_WORD = 100


def _icu_spans(text: str) -> list[Span]:
    try:
        icu: Any = import_module("icu")
    except ImportError as error:
        raise ImportError("icu_tokenize needs PyICU: pip install 'tidylime[icu]'") from error

    text = text.encode("utf-16", "replace").decode("utf-16")  # ICU takes no lone surrogates
    boundaries = icu.BreakIterator.createWordInstance(icu.Locale.getRoot())
    boundaries.setText(text)
    spans, start = [], 0
    for end in boundaries:
        if boundaries.getRuleStatus() >= _ICU_WORD:
            spans.append((start, end))
        start = end
    if text and ord(max(text)) > 0xFFFF:
        # ICU counts in units of 16 bits, of which characters beyond the first plane have two.
        units = np.array([1 + (ord(character) > 0xFFFF) for character in text])
        position = np.zeros(units.sum() + 1, dtype=np.int64)
        position[np.cumsum(units)] = np.arange(1, len(text) + 1)
        spans = [(int(position[start]), int(position[end])) for start, end in spans]
    return spans


def check_tokenization(tokenization: Any) -> Tokenization:
    """
    Bring what a user gave as a tokenization into one form.

    Parameters
    ----------
    tokenization
        A function from a text to a list of words, a regular expression that matches a word
        (compiled or not), or None for [`default_tokenize`][].

    Returns
    -------
    callable or re.Pattern
        The function, or the compiled expression.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or no valid expression.
    """
    if tokenization is None:
        return default_tokenize
    if isinstance(tokenization, str):
        try:
            return regex.compile(tokenization)
        except regex.error as error:
            raise ValueError(
                f"`tokenization` must be a valid regular expression; {tokenization!r} is not: "
                f"{error}."
            ) from error
    if isinstance(tokenization, re.Pattern | regex.Pattern):
        if isinstance(tokenization.pattern, str):
            return tokenization
    elif callable(tokenization):
        return tokenization
    raise TypeError(
        "`tokenization` must be a function from a text to a list of words, a regular "
        f"expression that matches a word, or None; not {tokenization!r:.80}."
    )


def tokenize(
    text: str, tokenization: Tokenization = default_tokenize
) -> tuple[list[str], list[Span | None]]:
    """
    Split a text into words, and say where each stands.

    Parameters
    ----------
    text
        The text.
    tokenization
        From [`check_tokenization`][]. Of a regular expression each whole match is a word.
        Empty words are left out.

    Returns
    -------
    tuple of list
        The words, and the place of each: start and end, or None for a word that a function
        changed so much that it is not found in the text.

    Raises
    ------
    TypeError
        If a function returns something else than words.

    Examples
    --------
    >>> tokenize("A cat, a mat.", str.split)
    (['A', 'cat,', 'a', 'mat.'], [(0, 1), (2, 6), (7, 8), (9, 13)])
    """
    spans: list[Span | None]
    if tokenization is default_tokenize:
        spans = [match.span() for match in _WORD.finditer(text)]
    elif tokenization is icu_tokenize:
        spans = list(_icu_spans(text))
    elif isinstance(tokenization, re.Pattern | regex.Pattern):
        spans = [
            match.span() for match in tokenization.finditer(text) if match.end() > match.start()
        ]
    else:
        words = [word for word in _called(tokenization, text) if word]
        return words, _search(words, text)
    return [text[slice(*span)] for span in spans if span], spans


def token_spans(text: str, tokenization: Any = None) -> list[Span | None]:
    """
    Say where the words of a text stand.

    Parameters
    ----------
    text
        The text.
    tokenization
        As in [`lime`][pylime.lime].

    Returns
    -------
    list
        Start and end of each word; None for one that a tokenizing function changed so much
        that it is not found in the text.

    Examples
    --------
    >>> token_spans("A cat, a mat.")
    [(0, 1), (2, 5), (7, 8), (9, 12)]
    """
    return tokenize(text, check_tokenization(tokenization))[1]


def _called(tokenization: Callable[[str], Any], text: str) -> list[str]:
    words = tokenization(text)
    listed = list(words) if isinstance(words, Iterable) and not isinstance(words, str) else None
    if listed is None or not all(isinstance(word, str) for word in listed):
        raise TypeError(
            "`tokenization` must return a list of str for each text; it returned "
            f"{words!r:.80} for {text!r:.40}."
        )
    return [str(word) for word in listed]


# How many characters a tokenizer may have left out between two words. A changed word is
# not searched for to the end of a long text, where it might stand by chance.
_LOOK_AHEAD = 1000


def _search(words: Sequence[str], text: str) -> list[Span | None]:
    """Find each word behind the one before; in any letters if that finds more of them."""
    spans = _search_exactly(words, text)
    lowered = text.lower()
    if None not in spans or len(lowered) != len(text):
        return spans
    in_any_letters = _search_exactly([word.lower() for word in words], lowered)
    return in_any_letters if in_any_letters.count(None) < spans.count(None) else spans


def _search_exactly(words: Sequence[str], text: str) -> list[Span | None]:
    spans: list[Span | None] = []
    position = 0
    for word in words:
        start = _find(word, text, position, position + _LOOK_AHEAD + len(word))
        if start < 0:
            spans.append(None)
            continue
        position = start + len(word)
        spans.append((start, position))
    return spans


def _find(word: str, text: str, position: int, limit: int) -> int:
    """First place where it does not start inside a word that was left out; or first of all."""
    first = start = text.find(word, position, limit)
    while start > position and word[0].isalnum() and text[start - 1].isalnum():
        start = text.find(word, start + 1, limit)
    return first if start < 0 else start
