"""Random arrays for the rows of a table, of one generator, so that they are the same in each run."""

import numpy as np


class Draws:
    """Rows are called with these; each table has its own."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)

    def normal(self, *shape: int) -> np.ndarray:
        """Of either sign."""
        return self.random.normal(size=shape)

    def positive(self, *shape: int) -> np.ndarray:
        """Between 0.3 and 2."""
        return self.random.uniform(0.3, 2, size=shape)

    def inside(self, *shape: int) -> np.ndarray:
        """Between -0.8 and 0.8."""
        return self.random.uniform(-0.8, 0.8, size=shape)

    def complexes(self, *shape: int) -> np.ndarray:
        """Complex numbers."""
        return self.random.normal(size=shape) + 1j * self.random.normal(size=shape)

    def definite(self, n: int) -> np.ndarray:
        """A symmetric positive definite matrix."""
        a = self.normal(n, n)
        return np.asarray(a @ a.T + n * np.eye(n))

    def hermitian_definite(self, n: int) -> np.ndarray:
        """A Hermitian positive definite matrix."""
        a = self.complexes(n, n)
        return np.asarray(a @ a.conj().T + n * np.eye(n))
