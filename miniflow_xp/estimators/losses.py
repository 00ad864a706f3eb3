"""Losses whose mean is over the examples, not over their weights: a light batch moves the network less."""

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.ops import MSE, CrossEntropy
from miniflow_xp.ops.losses import Loss


class PerExample(Loss):
    """Σ wᵢ tᵢ / n: of a batch that is drawn at random, as large as that of all rows in expectation.

    Σ wᵢ tᵢ / Σ wᵢ, as in other losses, would let each batch count alike, whatever its examples weigh.
    """

    counts_terms = True  # weights or not

    def weight(self, xp: Namespace, y: Array, output: Array, *weights: Array) -> Array:  # noqa: ARG002  they do not count
        return super().weight(xp, y, output)


class WeighedCrossEntropy(PerExample, CrossEntropy):
    """CrossEntropy of examples that count so often, per example."""


class WeighedMSE(PerExample, MSE):
    """MSE of examples that count so often, per example."""
