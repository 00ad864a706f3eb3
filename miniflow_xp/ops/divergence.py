"""KLDivergence: how far predicted probabilities are from others."""

from collections.abc import Sequence

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.dtypes import wide
from miniflow_xp.errors import ShapeError
from miniflow_xp.node import Thunk
from miniflow_xp.ops.activations import log_softmax
from miniflow_xp.ops.losses import Loss, exponentials


class KLDivergence(Loss):
    """mean(Σⱼ yᵢⱼ (log yᵢⱼ - log softmax(logits)ᵢⱼ)); y and logits are (…, k), the rows of y probabilities.

    0 log 0 is 0. It is CrossEntropy less the entropy of y; the slope of y at 0 is -∞.
    """

    def check(self, y: Array, logits: Array, *weights: Array) -> None:
        if shape_of(y) != shape_of(logits) or not shape_of(y):
            raise ShapeError(
                str(self),
                f"the probabilities are {shape_of(y)} but the logits {shape_of(logits)}",
                "both have one shape, whose last axis is the classes",
                "Feed one probability for each logit",
            )

    def terms(self, xp: Namespace, y: Array, output: Array) -> Array:
        from miniflow_xp.rules.special import xlogy  # here: importing this package stays quick

        y, output = wide(xp, y), wide(xp, output)
        surprise = -log_softmax(xp, output, -1)
        is_shut = (y == 0) & xp.isinf(surprise)  # a class of logit -∞, which does not count: 0 · ∞ is 0 here
        return xp.sum(xlogy(xp, y, y) + y * xp.where(is_shut, 0.0, surprise), axis=-1)

    def vjp(
        self, xp: Namespace, gradient: Array, value: Array, y: Array, logits: Array, *weights: Array
    ) -> Sequence[Thunk | None]:
        def of_logits() -> Array:  # without a look at log y, which nobody wants as a rule
            _, e = exponentials(xp, logits)
            each, target = self.scale(xp, gradient, y, logits, *weights), wide(xp, y)
            softmax = e / xp.sum(e, axis=-1, keepdims=True)
            excess = xp.sum(target, axis=-1, keepdims=True) * softmax - target
            return (xp.expand_dims(each, axis=-1) if weights else each) * excess

        of_y, _, *of_weights = super().vjp(xp, gradient, value, y, logits, *weights)
        return of_y, of_logits, *of_weights
