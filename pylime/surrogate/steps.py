"""The steps of a descent, each of which is the same linear function of the one before it."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

__all__ = ["MOST_STEPS", "NextStep", "sum_of_followed_steps", "sum_of_steps"]

NextStep = Callable[[np.ndarray], np.ndarray]
"""The linear function of a step that returns the next one."""

# The largest number of steps of a descent.
MOST_STEPS = 100_000

# What is lost of a step where it is followed, as a share of the first one.
_LOST = 1e-15
# A direction that has a smaller share of a step than this is rounding error.
_ROUNDING = 1e-14
# Followed steps that grow by such a factor have lost their meaning: no pass moves further.
_GROWTH = 1e3
# How many steps are taken or followed before they are looked at.
_AT_ONCE = 64


def sum_of_steps(first: np.ndarray, next_step: NextStep, tolerance: float) -> np.ndarray:
    """
    Add up the steps of a descent until it settles, as glmnet's does.

    Parameters
    ----------
    first
        (p,) first step.
    next_step
        The linear function of a step that returns the next one.
    tolerance
        The descent has settled when no squared change exceeds this, in the first step or in two
        steps in a row.

    Returns
    -------
    numpy.ndarray
        (p,) sum of the steps.

    Examples
    --------
    >>> sum_of_steps(np.array([1.0]), lambda step: step / 2, 1e-12).round(3)
    array([2.])
    """
    return _sum_until_settled(_take_steps(first, next_step), tolerance)[0]


def _take_steps(first: np.ndarray, next_step: NextStep) -> Iterator[np.ndarray]:
    """Take one step after another; yields arrays of steps in a row."""
    last, n = first, 0
    while n < MOST_STEPS:
        steps = np.empty((min(max(n, 4), _AT_ONCE, MOST_STEPS - n), len(first)))
        steps[0] = next_step(last) if n else first
        for number in range(1, len(steps)):
            steps[number] = next_step(steps[number - 1])
        yield steps
        last, n = steps[-1], n + len(steps)


def _sum_until_settled(parts: Iterable[np.ndarray], tolerance: float) -> tuple[np.ndarray, bool]:
    """Add up (m, p) arrays of steps in a row; returns the sum, and whether they settle."""
    total, was_small = np.zeros(1), True
    for steps in parts:
        small = np.square(np.abs(steps).max(axis=1)) < tolerance
        # After the first step that moves nothing, glmnet makes one more; at the start, none.
        settled = small & np.append(was_small, small[:-1])
        if settled.any():
            return total + steps[: np.argmax(settled) + 1].sum(axis=0), True
        total = total + steps.sum(axis=0)
        was_small = small[-1]
    return total, False


def sum_of_followed_steps(
    first: np.ndarray, next_step: NextStep, p: int, tolerance: float, max_taken: int
) -> np.ndarray | None:
    """
    Do what `sum_of_steps` does, but take only a part of the steps.

    Arnoldi's method [Saad2003] finds m orthogonal directions that the first m steps lie in, and
    the function in these: an (m, m) matrix and what leaves them. Later steps hardly leave them,
    so that they can be followed there.

    Parameters
    ----------
    first
        The first step: p changes of coefficients, and perhaps others that go along with these.
    next_step, tolerance
        As of `sum_of_steps`.
    p
        How many changes count.
    max_taken
        The largest number of steps that are taken.

    Returns
    -------
    numpy.ndarray
        (p,) sum of the steps; None if so many are too few to follow the others.

    References
    ----------
    - [Saad2003] Saad (2003), Iterative Methods for Sparse Linear Systems, 2nd edition.
    """
    length = float(np.linalg.norm(first))
    directions = np.empty((33, len(first)))
    directions[0] = first / length
    function = np.zeros((33, 33))
    due = 4
    for m in range(1, max_taken + 1):
        if m == len(directions):
            directions = np.concatenate([directions, np.empty_like(directions)])
            function = np.pad(function, (0, m))
        step = next_step(directions[m - 1])
        function[:m, m - 1], rest = _split_off(step, directions[:m])
        function[m, m - 1] = rest
        if m in (due, max_taken) or not rest:
            parts = _follow_steps(function[: m + 1, :m], length, directions[:m, :p])
            total, settled = _sum_until_settled(parts, tolerance)
            if settled or not rest:
                return total if settled else None
            due += max(m // 6, 4)
        directions[m] = step / rest
    return None


def _split_off(step: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, float]:
    """
    Subtract from a step, in place, what lies in m orthogonal directions.

    Returns the (m,) coordinates of that, and the length of the rest; 0 if it is rounding error.
    """
    length = math.sqrt(step @ step)
    inside = directions @ step
    step -= inside @ directions
    rest = math.sqrt(step @ step)
    if rest < 0.1 * length:  # much of so little is rounding error, which a second time removes
        again = directions @ step
        step -= again @ directions
        inside += again
        rest = math.sqrt(step @ step)
    return inside, rest if rest > _ROUNDING * length else 0.0


def _follow_steps(
    function: np.ndarray, length: float, directions: np.ndarray
) -> Iterator[np.ndarray]:
    """
    Follow the steps in m directions, as far as they stay in these.

    The error of a step is the sum of what each step before it had outside the directions, as
    changed by the steps in between. That is no more than the sum of their lengths, because no pass
    enlarges an error, measured by the variance of what the coefficients fit.

    Takes the (m + 1, m) function, the length of the first step and the (m, p) directions. Yields
    arrays of steps in a row.
    """
    m = len(directions)
    inside, outside = function[:m], function[m, m - 1]
    step = np.zeros(m)
    step[0] = length
    lost, n = 0.0, 0
    while n < MOST_STEPS:
        steps = []
        while len(steps) < min(_AT_ONCE, MOST_STEPS - n) and lost <= _LOST * length:
            steps.append(step)
            lost += outside * abs(step[-1])
            step = inside @ step
        if not steps or not np.abs(steps[-1]).max() <= _GROWTH * length:
            return
        yield np.array(steps) @ directions
        n += len(steps)
