"""Embedding: a vector for each integer."""

from collections.abc import Mapping

from miniflow_xp.checks import function, whole
from miniflow_xp.layers.initialisers import Initialiser, normal
from miniflow_xp.layers.layer import Layer, Part
from miniflow_xp.node import Node
from miniflow_xp.ops.lookup import Lookup


class Embedding(Layer):
    """W[i]; i is (…) integers 0 … count-1, W (count, units), the result (…, units).

    Call it on an Input that is declared: ``Input(dtype=int)``. Weights start normal with variance 1, unless
    ``initialiser`` says otherwise.
    """

    def __init__(
        self,
        count: int,
        units: int,
        *,
        initialiser: Initialiser = normal,
        name: str | None = None,
        seed: int | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, seed=seed, dtype=dtype)
        self.rows, self.units = whole(count, "Embedding, count", 1), whole(units, "Embedding, units", 1)
        rule = "it is a function of a generator and a shape"
        self.initialiser = function(initialiser, "Embedding, initialiser", rule, "Leave it out")

    def parts(self) -> Mapping[str, Part]:
        return {"weights": Part((self.rows, self.units), self.initialiser)}

    def width(self, incoming: int | None) -> int:  # noqa: ARG002  integers in any shape
        return self.units

    def build(self, x: Node, training: bool) -> Node:  # noqa: ARG002  the same for both
        return Lookup(self.own["weights"], x, name=self.name)
