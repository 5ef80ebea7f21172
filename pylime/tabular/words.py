"""Text columns of a table, of which each word is kept or dropped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from pylime import checks
from pylime.draws import Draws
from pylime.errors import CaseError
from pylime.masks import all_masks, kept_words, mask_shares
from pylime.options import Tokenization
from pylime.tabular.columns import (
    Column,
    Dtype,
    Problems,
    Value,
    feature_type_of,
    is_object,
)
from pylime.tabular.neighbourhood import tilted, tilted_share
from pylime.tabular.units import CaseUnits, ColumnOfUnits, Units
from pylime.text.documents import Document, cut_words, read_document
from pylime.values import Word

__all__ = ["TextColumn", "Texts", "Words"]

# So many words make one whole number, by which equal permutations are found.
_WORDS_A_KEY = 31


@dataclass(frozen=True, eq=False, kw_only=True)
class TextColumn(ColumnOfUnits):
    """A column of texts, of which nothing is remembered; each word of a case is a feature."""

    def cast(self, values: pd.Series) -> tuple[pd.Series, Problems]:
        """Convert texts to the training column's type."""
        missing = values.isna().to_numpy(dtype=bool)
        problems = {
            row: f"The text column {self.name!r} must have strings; not {value!r:.80}."
            for row, value in enumerate(values.astype(object))
            if not (missing[row] or isinstance(value, str))
        }
        if values.dtype == self.dtype:
            return values, problems
        values = values.astype(object).copy()
        if not is_object(self.dtype):
            for row, value in enumerate(values):
                if isinstance(value, str) and not _is_unicode(value):
                    problems[row] = (
                        f"The text column {self.name!r} must have texts that its type "
                        f"({self.dtype}) can hold; {value!r:.80} has a lone surrogate. Repair it "
                        'with .encode("utf-8", "replace").decode().'
                    )
        values.iloc[list(problems)] = None
        return values.astype(self.dtype), problems

    @classmethod
    def fit(cls, name: Any, values: pd.Series) -> "TextColumn":
        """
        Check a text column of the training data.

        Raises
        ------
        TypeError
            If it has anything but strings, or categories.
        """
        found = feature_type_of(name, values)
        present = pd.api.types.infer_dtype(values.dropna().astype(object))
        if found != "character" or present not in ("string", "empty"):
            what = "categories" if found == "factor" else "other values"
            raise TypeError(
                f"A text column must have strings; {name!r} has {what}. Convert it with "
                ".astype(str), or leave it out of `text_columns`."
            )
        return cls(name=name, dtype=values.dtype, feature_type="text")

    def compare(self, values: np.ndarray) -> np.ndarray:
        """Return whether each text is the case's."""
        return values == values[0]

    def describe(self, value: Value) -> str:
        """Return the name, as for dates that are held."""
        return str(self.name) if isinstance(value, str) else f"{self.name} is missing"

    def content(self, value: Value) -> bytes:
        """Return the bytes of a text."""
        return text_content(value if isinstance(value, str) else None)


def _is_unicode(text: str) -> bool:
    """Whether a text has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_content(text: str | None) -> bytes:
    """Return the contribution of a text to a seed."""
    return b"" if text is None else text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, eq=False)
class Texts(Units):
    """
    A text column: how its texts are cut into words.

    Attributes
    ----------
    tokenization, keep_word_position
        As of `pylime.text.TextExplainer`.
    """

    tokenization: Tokenization
    keep_word_position: bool = False

    def of_case(
        self,
        columns: Sequence[Column],
        case: pd.DataFrame,
        p_remove: float | None,
        generator: Callable[..., np.random.Generator],
    ) -> "Words | None":
        """Return the words of a case; None if it has none."""
        document = self._document(case)
        if not document.features:
            return None
        random = None
        if p_remove is None:
            # Other text columns of the case that have the same text get draws of their own.
            before = self._equal_before(columns, case, document.text)
            again = [b"again", str(before).encode()] if before else []
            random = generator(text_content(document.text), *again)
        return Words(str(self.name), document, p_remove, random)

    def _document(self, case: pd.DataFrame) -> Document:
        (place,) = self.places
        text = case.iat[0, place]
        try:
            document = read_document(
                str(text) if isinstance(text, str) else None,
                self.tokenization,
                self.keep_word_position,
            )
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            failed = CaseError(f"`tokenization` failed for the column {self.name!r}. {problem}")
            failed.reason = error
            raise failed from error
        lost = [
            feature
            for feature, spans in zip(document.features, document.spans, strict=True)
            if not spans
        ]
        if lost:
            raise CaseError(
                f"Words are cut out of the text column {self.name!r}, but `tokenization` returns "
                f"{len(lost)} that are not found there: {checks.some(lost, 5)}."
            )
        return document

    def _equal_before(self, columns: Sequence[Column], case: pd.DataFrame, text: str | None) -> int:
        """Count the columns with the same text whose names come before that of this one."""
        values = [
            case.iat[0, place]
            for place, column in enumerate(columns)
            if str(column.name) < str(self.name)
        ]
        return sum(isinstance(value, str) and value == text for value in values)

    def content(self, columns: Sequence[Column], case: pd.DataFrame) -> bytes:
        """Return the bytes of the text."""
        (place,) = self.places
        return columns[place].content(case.iat[0, place])

    def compare_rows(
        self, columns: Sequence[Column], rows: pd.DataFrame
    ) -> Mapping[str, np.ndarray]:
        """Return which of the words of the first text each text has."""
        words = [set(self._document(rows.iloc[[row]]).words) for row in range(len(rows))]
        first = self._document(rows.iloc[[0]])
        return {
            f"{self.name}: {feature}": np.array([word in own for own in words])
            for feature, word in zip(first.features, first.words, strict=True)
        }


@dataclass(frozen=True, eq=False)
class Words(CaseUnits):
    """
    The words of one text of a table; the state is a mask of those that are kept.

    Attributes
    ----------
    column
        The name of the column.
    document
        The text with its words.
    p_remove
        The probability that a word is removed; None for R's law.
    random
        With R's law, the source of its draws.
    """

    column: str
    document: Document
    p_remove: float | None
    random: np.random.Generator | None = None

    @property
    def features(self) -> Sequence[str]:
        """Such as `review: superb`."""
        return [f"{self.column}: {feature}" for feature in self.document.features]

    @property
    def n_numbers(self) -> int:
        """One for each word; none with R's law, which has draws of its own."""
        return 0 if self.p_remove is None else len(self.document.features)

    def draw(self, u: np.ndarray, n: int, draws: Draws, width: float | None) -> np.ndarray:
        """Return an (m, n) mask of the words that are kept."""
        m = len(self.document.features)
        if self.p_remove is None:
            assert self.random is not None
            return kept_words(n, m, self.random, draws).T
        kept = np.ones((m, n), dtype=bool)
        p_remove = self.p_remove
        if width is not None:
            u = tilted(u, p_remove, 1.0, width)
        np.greater_equal(u, p_remove, out=kept[:, 1:])
        return kept

    @property
    def n_states(self) -> int:
        """All subsets of the words; with R's law but the empty one."""
        return 2 ** len(self.document.features) - (self.p_remove is None)

    def every(self, width: float | None) -> tuple[np.ndarray, np.ndarray]:
        """List all masks and their probabilities."""
        masks = all_masks(len(self.document.features))
        if self.p_remove is None:
            return masks.T, mask_shares(masks)
        masks = np.vstack([masks, np.zeros(masks.shape[1], dtype=bool)])
        stays = 1.0 - self.p_remove
        stays = stays if width is None else tilted_share(stays, width)
        return masks.T, np.where(masks, stays, 1.0 - stays).prod(axis=1)

    def compare(self, state: np.ndarray) -> np.ndarray:
        """Return the mask."""
        return state

    def distance(self, state: np.ndarray) -> np.ndarray:
        """Return one minus the cosine similarity of all words and those that are kept."""
        return 1.0 - np.sqrt(state.sum(axis=0, dtype=np.uint32) / len(state))

    def keys(self, state: np.ndarray) -> Iterator[np.ndarray]:
        """Return whole numbers whose bits are the words that are kept."""
        for start in range(0, len(state), _WORDS_A_KEY):
            part = state[start : start + _WORDS_A_KEY]
            yield (1 << np.arange(len(part), dtype=np.int64)) @ part

    def redraw(self, state: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
        """Return the same mask: what is kept determines the text."""
        return state[:, 1 : n + 1]

    def values(self, place: int, state: np.ndarray, rows: np.ndarray | None, dtype: Dtype) -> Any:
        """Write the texts without the words that are dropped."""
        kept = np.ascontiguousarray((state if rows is None else state[:, rows]).T)
        written = cut_words(self.document.text or "", self.document.spans, kept)
        return list(chain.from_iterable(written))

    def describe(self, feature: str) -> tuple[Word, str]:
        """Return the word, with its places, and the feature."""
        own = feature[len(self.column) + 2 :]
        spans = self.document.spans[self.document.features.index(own)]
        return Word(own, spans), feature
