"""Attention: each query's mean of values, weighted by how well their keys fit."""

from math import sqrt

from miniflow_xp.arrays.libraries import device_of
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import broadcast, shape_of
from miniflow_xp.checks import truth, whole
from miniflow_xp.dtypes import as_wide_as, wide
from miniflow_xp.errors import ShapeError
from miniflow_xp.node import Node, Operand

LOWEST = -1e30  # of scores that do not count; float32 holds it


class Attention(Node):
    """softmax(q kᵀ / √d) v for each of ``heads`` parts of the last axis; q is (…, t, w), k and v (…, s, w).

    d is w / heads, the result (…, t, w). ``mask``: what broadcasts to (…, heads, t, s), not 0 where a query may look;
    one that may look nowhere gives 0. ``causal``: query i looks at the keys 0 … i. Vaswani et al., "Attention is
    all you need", arXiv:1706.03762 (2017), equation 1.
    """

    takes_numbers = False

    def __init__(
        self,
        q: Operand,
        k: Operand,
        v: Operand,
        mask: "Operand | None" = None,
        *,
        heads: int = 1,
        causal: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__([q, k, v] if mask is None else [q, k, v, mask], name)
        self.heads, self.causal = whole(heads, f"{self}, heads", 1), truth(causal, f"{self}, causal")

    def check(self, q: Array, k: Array, v: Array, *mask: Array) -> None:
        shapes = [shape_of(x) for x in (q, k, v)]
        fits = all(len(s) > 1 and s[-1] == shapes[0][-1] and s[:-2] == shapes[0][:-2] for s in shapes)
        if not fits or shapes[1] != shapes[2] or shapes[0][-1] % self.heads:
            raise ShapeError(
                str(self),
                f"q, k and v are {', '.join(map(str, shapes))}, and there are {self.heads} heads",
                "they are (…, t, w), (…, s, w) and (…, s, w), and heads divide w",
                "Feed sequences (n, t, w), or choose another number of heads",
            )
        scores = (*shapes[0][:-2], self.heads, shapes[0][-2], shapes[1][-2])
        if mask and broadcast(shape_of(mask[0]), scores) != scores:
            raise ShapeError(
                str(self),
                f"the mask is {shape_of(mask[0])}",
                f"it broadcasts to {scores}: heads, queries, keys come last",
                "Give a mask of each example axes of size 1: mask[:, None, None, :]",
            )

    def compute(self, xp: Namespace, q: Array, k: Array, v: Array, *mask: Array) -> Array:
        queries, keys, values = (self.split(xp, wide(xp, x)) for x in (q, k, v))
        scores = xp.matmul(queries, xp.matrix_transpose(keys)) / sqrt(shape_of(queries)[-1])
        seen = self.seen(xp, scores, *mask)
        if seen is not None:
            scores = xp.where(seen, scores, LOWEST)
        e = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
        if seen is not None:
            e = xp.where(seen, e, 0.0)
        total = xp.sum(e, axis=-1, keepdims=True)
        mixed = xp.matmul(e / xp.where(total == 0, 1.0, total), values)
        return as_wide_as(xp, self.joined(xp, mixed), q)

    def seen(self, xp: Namespace, scores: Array, *mask: Array) -> Array | None:
        """True where a query looks at a key; None where all look at all."""
        seen = mask[0] != 0 if mask else None
        if not self.causal:
            return seen
        t, s = (xp.arange(n, device=device_of(scores)) for n in shape_of(scores)[-2:])
        earlier = xp.expand_dims(t, axis=1) >= s
        return earlier if seen is None else seen & earlier

    def split(self, xp: Namespace, x: Array) -> Array:
        """(…, t, w) to (…, heads, t, w / heads)."""
        *before, t, w = shape_of(x)
        return xp.moveaxis(xp.reshape(x, (*before, t, self.heads, w // self.heads)), -2, -3)

    def joined(self, xp: Namespace, x: Array) -> Array:
        """(…, heads, t, w / heads) to (…, t, w)."""
        *before, heads, t, w = shape_of(x)
        return xp.reshape(xp.moveaxis(x, -3, -2), (*before, t, heads * w))
