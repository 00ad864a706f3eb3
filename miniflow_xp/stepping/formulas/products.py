"""The formula of matrix products."""

from math import prod

import numpy as np

from miniflow_xp.stepping.formulas.elementwise import places_that_read
from miniflow_xp.stepping.formulas.formula import TERMS, Formula, same, signed, summed
from miniflow_xp.stepping.numbers import Place


class Product(Formula):
    """A B, or X W + b, of vectors and matrices."""

    def holds(self) -> bool:
        if not all(x.ndim in (1, 2) for x in self.inputs[:2]) or len(self.inputs) not in (2, 3):
            return False
        a, b, *bias = self.inputs
        return a.shape[-1] == b.shape[0] and same(a @ b + (bias[0] if bias else 0), self.value)

    def forward(self) -> str:
        a, b, *bias = self.names
        return f"{a} @ {b}" + (f" + {bias[0]}" if bias else "")

    def forward_at(self, place: Place) -> str:
        row, column = self.in_matrix(place)
        a, b = self.matrices()
        terms = [f"{signed(a[row, k])}·{signed(b[k, column])}" for k in range(min(a.shape[1], TERMS + 1))]
        bias = [signed(np.broadcast_to(x, self.value.shape)[place]) for x in self.inputs[2:]]
        return " + ".join([summed(terms, a.shape[1]), *bias])

    def backward(self, k: int) -> str:
        a, b = self.names[:2]
        return (f"∂{self.own} @ {b}ᵀ", f"{a}ᵀ @ ∂{self.own}", f"Σ ∂{self.own}, over the rows")[k]

    def backward_at(self, k: int, place: Place) -> str:
        a, b = self.matrices()
        g = self.gradient.reshape(a.shape[0], b.shape[1])
        if k == 2:
            shape = self.inputs[2].shape
            terms = [signed(self.gradient[reader]) for reader in places_that_read(place, shape, self.value.shape)]
            return summed(terms, self.value.size // prod(shape))
        if k == 0:
            row, inner = place if len(place) == 2 else (0, place[0])
            left, right = g[row], b[inner]
        else:
            inner, column = place if len(place) == 2 else (place[0], 0)
            left, right = a[:, inner], g[:, column]
        pairs = zip(left[: TERMS + 1], right[: TERMS + 1], strict=True)
        return summed([f"{signed(x)}·{signed(y)}" for x, y in pairs], left.size)

    def matrices(self) -> tuple[np.ndarray, np.ndarray]:
        """Both factors with two axes: a vector on the left is a row, on the right a column."""
        a, b = self.inputs[:2]
        return np.atleast_2d(a), b.reshape(b.shape[0], -1)

    def in_matrix(self, place: Place) -> tuple[int, int]:
        """Row and column of an element of the value."""
        row = place[0] if self.inputs[0].ndim == 2 else 0
        return row, place[-1] if self.inputs[1].ndim == 2 else 0
