"""Checks that stand in annotations, and the records that they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import pytest

from pylime import checks


@dataclass(frozen=True)
class Options:
    """Annotations are postponed in this module, so these are strings."""

    n: Annotated[int, checks.count] = 3
    share: Annotated[float, "of the rows", checks.probability] = 0.5
    width: Annotated[float, checks.positive] | None = None
    plain: int = 0
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class More(Options):
    needed: Annotated[bool, checks.flag] = field(kw_only=True)

    def __post_init__(self) -> None:
        assert isinstance(self.n, int)


def made(kind=Options, **options):
    return checks.make_options(kind, options, "it()")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n": "4"}, TypeError, "`n` must be a positive whole number; not '4'"),
        ({"n": True}, TypeError, "`n` must be a positive whole number; not True"),
        ({"n": 0}, ValueError, "`n` must be a positive whole number; not 0"),
        ({"share": 1.0}, ValueError, "`share` must be a probability between 0 and 1"),
        ({"share": np.complex128(0.5)}, ValueError, "`share` must be a probability"),
        ({"width": -1}, ValueError, "`width` must be a positive number; not -1"),
        ({"width": np.timedelta64(1, "s")}, ValueError, "`width` must be a positive number"),
        (
            {"nn": 1},
            TypeError,
            r"it\(\) has no option 'nn'\. Did you mean 'n'\? Beside .* it takes: n, share",
        ),
    ],
)
def test_values_are_checked_by_their_annotations(options, error, message):
    with pytest.raises(error, match=message):
        made(**options)


def test_values_that_fit_are_kept():
    assert made(n=np.int64(4), share=0.25, width=np.float32(2)).n == 4
    assert made(width=None) == Options()
    assert made(plain="anything").plain == "anything"


def test_checks_come_before_what_a_record_does_with_its_values():
    with pytest.raises(TypeError, match="`n` must be a positive whole number"):
        made(More, n="x", needed=True)
    with pytest.raises(TypeError, match=r"it\(\) needs the option 'needed'"):
        made(More, n=2)
    assert made(More, needed=False, n=2).n == 2


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (checks.flag, 1, "must be True or False; not 1"),
        (checks.flag_or(None), "no", "must be True, False or None; not 'no'"),
        (checks.mapping, [1], r"must be a mapping; not \[1\]"),
        (checks.text, b"x", "must be a string; not b'x'"),
        (checks.not_negative, -0.1, "must be 0 or a positive number; not -0.1"),
        (checks.at_least(2), 1, "must be a whole number of at least 2; not 1"),
        (checks.among("a", "b"), "bb", r"must be one of 'a', 'b'; not 'bb'\. Did you mean 'b'\?"),
        (checks.among(1, 2), True, "must be one of 1, 2; not True"),
    ],
)
def test_messages_name_argument_rule_and_value(check, value, message):
    with pytest.raises((TypeError, ValueError), match=f"`x` {message}"):
        check("x", value)


def test_some_lists_the_first_of_many():
    assert checks.some(range(3), 2) == "0, 1, ..."
    assert checks.some(["a"], 2) == "'a'"
    assert checks.some([], 2) == ""
    assert checks.some([1.5, "b"], 5, str) == "1.5, b"
