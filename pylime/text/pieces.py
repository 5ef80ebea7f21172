"""
Larger pieces of a text than words, and characters: their places.

Whatever is not blank belongs to one sentence, one line and one paragraph. These begin and end
with what is not blank, so that what separates them always stays.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import regex

__all__ = ["Span", "character_spans", "line_spans", "paragraph_spans", "sentence_spans"]

Span: TypeAlias = tuple[int, int]
"""Start and end of a piece of a text."""

_BREAK = r"(?>\r\n|[\n\r\v\f\x85\u2028\u2029])"
_LINE_END = regex.compile(_BREAK)
_PARAGRAPH_END = regex.compile(
    rf"(?V1){_BREAK}(?:[\s--[\n\r\v\f\x85\u2028\u2029]]*+{_BREAK})++|\u2029"
)
_CHARACTER = regex.compile(r"\X")
# Marks of format, such as that of a byte order, are no pieces.
_VISIBLE = regex.compile(r"[^\s\p{Cc}\p{Cf}]")


def character_spans(text: str) -> list[Span]:
    r"""
    Find the places of characters as people count them, blanks among them.

    Letters with their accents and emoji that several code points make up stay whole: extended
    grapheme clusters [UAX29].

    Examples
    --------
    >>> character_spans("e\N{COMBINING ACUTE ACCENT} a")
    [(0, 2), (2, 3), (3, 4)]
    """
    return [match.span() for match in _CHARACTER.finditer(text)]


def line_spans(text: str) -> list[Span]:
    r"""
    Find the places of lines that are not blank.

    Examples
    --------
    >>> line_spans("one\n  two\n\nthree")
    [(0, 3), (6, 9), (11, 16)]
    """
    return _between(text, _LINE_END.finditer(text))


def paragraph_spans(text: str) -> list[Span]:
    r"""
    Find the places of paragraphs, which blank lines separate.

    Examples
    --------
    >>> paragraph_spans("one\ntwo\n\nthree")
    [(0, 7), (9, 14)]
    """
    return _between(text, _PARAGRAPH_END.finditer(text))


def _between(text: str, separators: Iterable[regex.Match[str]]) -> list[Span]:
    """The pieces between separators."""
    spans, start = [], 0
    for separator in separators:
        spans += _trimmed(text, start, separator.start())
        start = separator.end()
    return [*spans, *_trimmed(text, start, len(text))]


def _trimmed(text: str, start: int, stop: int) -> list[Span]:
    """A piece without the blanks around it; none if nothing of it can be seen."""
    piece = text[start:stop]
    if not _VISIBLE.search(piece):
        return []
    return [(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))]


# Sentences

# Classes of Unicode Standard Annex #29.
_IGNORED = r"[\p{SB=Extend}\p{SB=Format}]*+"
_MARKS = rf"(?:[\p{{SB=ATerm}}\p{{SB=STerm}}\u2026]{_IGNORED})++"
# Signs of Markdown, and references, belong to what they follow.
_CLOSE = rf"(?:\[\d[^\[\]\s]*\]|[\p{{SB=Close}}*_`]{_IGNORED})"
# Marks of scripts without blanks end a sentence by themselves. Others, as in `3.50` or `?page=1`,
# only before a blank or a tag of HTML.
_WIDE = r"[\u3002\uff01\uff0e\uff1f\uff61]"
_END = regex.compile(
    rf"(?V1)(?P<wide>{_WIDE}++[\p{{SB=Close}}--[\p{{Ps}}\p{{Pi}}]]*+)"
    rf"|(?P<marks>{_MARKS})(?P<close>{_CLOSE}*+)(?=\s|\Z|</?\p{{L}})"
    rf"|(?P<line>{_BREAK}\s*+)"
)
_LAST_WORD = regex.compile(r"[\p{L}\p{M}\p{N}.]*+\Z")
# What may stand before the first letter or digit of a sentence.
_OPEN = r"(?:<[^<>\n]*+>|[^\p{L}\p{N}\p{SB=ATerm}\p{SB=STerm}\n\r])*+"
_LOWER_NEXT = regex.compile(rf"{_OPEN}\p{{SB=Lower}}")
_GOES_ON = regex.compile(r"\p{SB=Lower}(?![.)])")
_NUMBER_NEXT = regex.compile(r"[\s(\[#]*+\p{N}")
_MONTH_NEXT = regex.compile(
    r"\s*+(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b"
)
_STARTER_NEXT = regex.compile(
    r"\W*+(?:A|After|All|An|And|As|At|Before|But|By|For|From|He|Her|His|How|However|I|If|In|It|Its|"
    r"Most|My|No|Not|Now|On|One|Or|Our|She|So|Some|That|The|Their|Then|There|These|They|This|"
    r"Those|To|We|What|When|Where|While|Who|Why|With|You|Your)\b(?!\.)",
    regex.IGNORECASE,
)
_ENUMERATOR = regex.compile(r"[\s(*_#-]*+(?:[\d.]++|\p{L}|[ivxIVX]{2,5})")
_INITIALS = regex.compile(r"\p{L}\p{M}*+(?:\.\p{L}++)*+|ph\.d")

_TITLES = regex.compile(
    "adm|capt|cf|cmdr|col|cpl|dr|eg|e[.]g|gen|gov|hon|hr|ie|i[.]e|lt|maj|messrs|mlle|mme|mrs?|ms|mt|mx|"
    "pres|prof|rep|rev|sen|sgt|sra|srta|supt|viz|vs"
)
_SHORTENED = regex.compile(
    "al|approx|apt|assn|ave|blvd|bros|bzw|ca|co|corp|dept|dipl|esp|est|evtl|fa|figs?|eqs?|ggf|inc|"
    "incl|ing|jr|kg|ltd|max|min|mio|mrd|nos|nr|pp|refs|resp|sog|sr|st|tel|univ|usu|vgl|vols?|zzgl"
)
_BEFORE_NUMBERS = regex.compile(
    "abb|abs|apr|art|aug|bd|ch|dec|feb|jan|jul|jun|kap|lit|nov?|nr|oct|pg?|para|pos|sect?|sept?|tab|"
    "ver|v"
)
# Looking back further than this finds no abbreviation.
_LONGEST_WORD = 16


def sentence_spans(text: str) -> list[Span]:
    """
    Find the places of sentences.

    A sentence ends where the Unicode standard [UAX29] ends it, but not at abbreviations, initials
    and numbers of lists; nor at the end of a line if the next one goes on with a small letter. In
    a text without capitals, small letters begin sentences, too.

    Examples
    --------
    >>> text = "Dr. Smith paid 3.50 dollars. He left."
    >>> [text[start:end] for start, end in sentence_spans(text)]
    ['Dr. Smith paid 3.50 dollars.', 'He left.']
    """
    has_capitals = any(letter.isupper() for letter in text)
    spans, start = [], 0
    for end in _sentence_ends(text, has_capitals):
        spans += _trimmed(text, start, end)
        start = end
    return [*spans, *_trimmed(text, start, len(text))]


def _sentence_ends(text: str, has_capitals: bool) -> Iterator[int]:
    start = open_at = 0
    for found in _END.finditer(text):
        end = found.end()
        if found["wide"]:
            ends = True
        elif found["line"]:
            is_paragraph = _PARAGRAPH_END.match(found["line"]) is not None
            goes_on = found.start() == open_at or _GOES_ON.match(text, end)
            ends = is_paragraph or not goes_on
        else:
            ends = _ends_sentence(text, start, found, has_capitals)
            open_at = end
        if ends:
            start = end
            yield end


def _ends_sentence(text: str, start: int, found: regex.Match[str], has_capitals: bool) -> bool:
    """Whether a sentence that starts somewhere ends with some marks before a blank."""
    place, end = found.start(), found.end()
    marks, closed = found["marks"], found["close"]
    if has_capitals and _LOWER_NEXT.match(text, end):
        # Marks of questions and calls end a sentence unless they are quoted.
        return not closed and marks[-1] not in ".\u2026"
    if marks != ".":
        return True
    if _ENUMERATOR.fullmatch(text, start, place):
        return False
    word = _LAST_WORD.search(text, max(start, place - _LONGEST_WORD), place)
    last = word[0].strip(".").casefold() if word else ""
    if _TITLES.fullmatch(last):
        return False
    if _BEFORE_NUMBERS.fullmatch(last) and _NUMBER_NEXT.match(text, end):
        return False
    if last.isdigit() and _MONTH_NEXT.match(text, end):
        return False
    is_short = _SHORTENED.fullmatch(last) or (last != "i" and _INITIALS.fullmatch(last))
    return not is_short or _STARTER_NEXT.match(text, end) is not None
