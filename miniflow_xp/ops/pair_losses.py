"""Losses of pairs, each output beside its target: MAE, Huber, BinaryCrossEntropy. What they call has their gradient."""

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.checks import positive
from miniflow_xp.dtypes import wide
from miniflow_xp.node import Operand
from miniflow_xp.ops.losses import Loss, check_pairs


class PairLoss(Loss):
    """A loss of y and a element by element, in the same shape but for axes of one element; the result is a scalar."""

    def check(self, y: Array, a: Array, *weights: Array) -> None:
        check_pairs(self, y, a)

    def terms(self, xp: Namespace, y: Array, output: Array) -> Array:
        y, output = wide(xp, y), wide(xp, output)
        if dtypes.name_of(y) in dtypes.INTEGERS:
            y = xp.astype(y, output.dtype)
        if y.shape != output.shape:
            y, output = xp.reshape(y, (-1,)), xp.reshape(output, (-1,))
        return self.term(xp, y, output)

    def term(self, xp: Namespace, y: Array, a: Array) -> Array:
        """The term of each pair; both have one shape."""
        raise NotImplementedError(f"{self} has no term: define it")


class MAE(PairLoss):
    """mean(|y - a|); the gradient where both are equal is 0."""

    def term(self, xp: Namespace, y: Array, a: Array) -> Array:
        return xp.abs(y - a)


class Huber(PairLoss):
    """mean(½ d²) where d = |y - a| is at most δ, and of δ (d - ½ δ) beyond; ``delta``: δ.

    Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35 (1964).
    """

    def __init__(
        self,
        y: Operand,
        a: Operand,
        name: str | None = None,
        *,
        delta: float = 1.0,
        reduction: str = "mean",
        sample_weights: "Operand | None" = None,
    ) -> None:
        super().__init__(y, a, name, reduction=reduction, sample_weights=sample_weights)
        self.delta = positive(delta, f"{self}, delta")

    def term(self, xp: Namespace, y: Array, a: Array) -> Array:
        d = xp.abs(y - a)
        inner = xp.where(d < self.delta, d, self.delta)
        return inner * (d - inner / 2)


class BinaryCrossEntropy(PairLoss):
    """-mean(y log σ(x) + (1 - y) log(1 - σ(x))) of logits x; y are 0 and 1, or probabilities. It never overflows."""

    def term(self, xp: Namespace, y: Array, a: Array) -> Array:
        is_right = a >= 0  # and at 0 both parts have the derivatives of the right side, whose sum is that of the whole
        size = xp.where(is_right, a, -a)
        return xp.where(is_right, a, 0.0) + xp.log1p(xp.exp(-size)) - y * a
