"""Odd inputs end in an explanation, or in an error that names what is wrong."""

import pytest
from trials import outcomes

N = 200
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", ["table", "text", "image"])
def test_odd_inputs_are_explained_or_named(kind, part):
    n = N // PARTS
    found = outcomes(kind, n, seed=part * n)
    assert found.total() == n
    assert found["explained"] > 0.3 * n
