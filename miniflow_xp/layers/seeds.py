"""Where the random numbers of a layer come from: a seed and the place in the model, never the order of use."""

from itertools import count
from typing import NamedTuple

import numpy as np

from miniflow_xp.checks import whole
from miniflow_xp.ops.random_bits import Words

_unseeded = count()


class Seed(NamedTuple):
    """``words``: the user's seed and 0, or a number of this process and 1; ``place``: the way down to a layer."""

    words: tuple[int, int]
    place: tuple[int, ...] = ()

    @classmethod
    def of(cls, seed: int | None, where: str) -> "Seed":
        """For a user's seed; without one, another at each call. Raises SettingError."""
        if seed is None:
            return cls((next(_unseeded), 1))
        return cls((whole(seed, f"{where}, seed", 0, remedy="Choose another, or leave it out"), 0))

    def at(self, number: int) -> "Seed":
        """Of what has this number inside."""
        return Seed(self.words, (*self.place, number))

    def generator(self) -> np.random.Generator:
        """A generator for this place alone."""
        return np.random.default_rng(self._sequence())

    def key(self) -> Words:
        """A key for random bits."""
        first, second = self._sequence().generate_state(2, np.uint32)
        return int(first), int(second)

    def _sequence(self) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.words, spawn_key=self.place)
