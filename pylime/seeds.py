"""Random draws: a seed per call, a generator per case."""

import hashlib

import numpy as np

from pylime._types import RandomState

__all__ = ["case_generator", "seed_words"]


def seed_words(random_state: RandomState) -> tuple[int, ...]:
    """Turn a seed into whole numbers: the same for the same seed, new ones for None."""
    if random_state is None:
        return tuple(int(word) for word in np.random.SeedSequence().generate_state(4))
    if isinstance(random_state, np.random.Generator):
        return tuple(random_state.integers(2**32, size=4).tolist())
    if isinstance(random_state, np.random.RandomState):
        return tuple(random_state.randint(2**32, size=4, dtype=np.uint32).tolist())
    if isinstance(random_state, np.random.SeedSequence):
        return tuple(random_state.generate_state(4).tolist())
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if random_state < 0:
            raise ValueError(f"`random_state` must not be negative; not {random_state}.")
        return (int(random_state),)
    raise TypeError(
        "`random_state` must be None, a whole number, or numpy's Generator, RandomState or "
        f"SeedSequence; not {random_state!r:.80}."
    )


def case_generator(seed: tuple[int, ...], *content: bytes | memoryview) -> np.random.Generator:
    """
    Make the random generator of one case, from the call's seed and the case's content.

    A case therefore gets the same draws alone, in a batch, and in any process.

    Examples
    --------
    >>> seed = seed_words(1)
    >>> draws = case_generator(seed, b"please open the door").random(3)
    >>> bool((draws == case_generator(seed, b"please open the door").random(3)).all())
    True
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in content:
        digest.update(part)
    words = np.frombuffer(digest.digest(), dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([*seed, *words])))
