"""KLDivergence: how far predicted probabilities are from others."""

from collections.abc import Sequence

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.dtypes import wide
from miniflow_xp.errors import ShapeError
from miniflow_xp.node import Thunk
from miniflow_xp.ops.activations import log_softmax
from miniflow_xp.ops.losses import Loss


class KLDivergence(Loss):
    """mean(Σⱼ yᵢⱼ (log yᵢⱼ - log softmax(logits)ᵢⱼ)); y and logits are (…, k), the rows of y probabilities.

    0 log 0 is 0. It is CrossEntropy less the entropy of y, which has no gradient here.
    """

    def check(self, y: Array, logits: Array, *weights: Array) -> None:
        if shape_of(y) != shape_of(logits) or not shape_of(y):
            raise ShapeError(
                str(self),
                f"the probabilities are {shape_of(y)} but the logits {shape_of(logits)}",
                "both have one shape, whose last axis is the classes",
                "Feed one probability for each logit",
            )

    def vjp(
        self, xp: Namespace, gradient: Array, value: Array, y: Array, logits: Array, *weights: Array
    ) -> Sequence[Thunk | None]:
        return [None, *super().vjp(xp, gradient, value, y, logits, *weights)[1:]]

    def terms(self, xp: Namespace, y: Array, output: Array) -> Array:
        y, output = wide(xp, y), wide(xp, output)
        entropy = xp.where(y == 0, 0.0, y * xp.log(xp.where(y == 0, 1.0, y)))
        surprise = xp.where(y == 0, 0.0, y * log_softmax(xp, output, -1))
        return xp.sum(entropy - surprise, axis=-1)
