"""Masks: equal rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pylime.masks
from pylime.masks import distinct_rows


def of_each(kept):
    """The positions of the distinct rows, and which of them each row is, with a dictionary."""
    found = {}
    inverse = [found.setdefault(row.tobytes(), len(found)) for row in np.ascontiguousarray(kept)]
    return [inverse.index(number) for number in range(len(found))], inverse


@given(st.integers(1, 200), st.integers(1, 140), st.floats(0, 1), st.integers(0, 99))
def test_distinct_rows_are_those_of_a_dictionary(n, p, chance, seed):
    random = np.random.default_rng(seed)
    kept = random.random((n, p)) < chance
    kept = kept[random.integers(n, size=n)]
    for mask in (kept, np.asfortranarray(kept)):
        rows, which = distinct_rows(mask)
        assert (rows.tolist(), which.tolist()) == of_each(kept)


def test_rows_that_differ_anywhere_differ():
    """Rows of a single word each, and of all but one, of many words."""
    one = np.eye(1000, dtype=bool)
    kept = np.concatenate([one, ~one, one])
    assert len(set(pylime.masks._hashes(np.packbits(kept, axis=1)).tolist())) == 2000
    rows, which = distinct_rows(kept)
    assert rows.tolist() == list(range(2000))
    assert which.tolist() == [*range(2000), *range(1000)]


@pytest.mark.parametrize("hash_of_bytes", [lambda packed: 0 * packed[:, 0], lambda p: p[:, 0] & 1])
def test_rows_with_the_same_hash_are_compared(hash_of_bytes, monkeypatch):
    monkeypatch.setattr(pylime.masks, "_hashes", hash_of_bytes)
    random = np.random.default_rng(0)
    kept = random.random((300, 12)) < 0.5
    rows, which = distinct_rows(kept)
    assert (rows.tolist(), which.tolist()) == of_each(kept)
    rows, which = distinct_rows(np.repeat(kept[:1], 5, axis=0))
    assert (rows.tolist(), which.tolist()) == ([0], [0] * 5)
