"""BatchNorm: every channel brought to mean 0 and variance 1, then to a scale and shift that are trained."""

from collections.abc import Mapping

from miniflow_xp.checks import not_negative, real, whole
from miniflow_xp.layers.initialisers import ones, zeros
from miniflow_xp.layers.layer import Layer, Part
from miniflow_xp.node import Node
from miniflow_xp.ops.batch_normalisation import BatchNormalise, BatchTraining, Running


class BatchNorm(Layer):
    """scale · (x - mean) / √(variance + ε) + shift; x is (n, channels, …), the result too.

    In training, mean and variance of each channel are those of the batch, and each step of a Trainer moves the running
    averages by ``momentum`` towards them, as PyTorch does; these stand in for them in prediction. They are Parameters
    of the layer too, which no optimizer moves, and are in its checkpoints; the lesson's functions leave them as they
    are. Scales and variances start at 1, shifts and means at 0. Ioffe and Szegedy, arXiv:1502.03167 (2015).
    """

    def __init__(
        self,
        channels: int,
        *,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, dtype=dtype)
        self.channels = whole(channels, "BatchNorm, channels", 1)
        rule = "it is a number above 0, and 1 at most"
        self.momentum = real(momentum, "BatchNorm, momentum", lambda m: 0 < m <= 1, rule)
        self.epsilon = not_negative(epsilon, "BatchNorm, epsilon")

    def parts(self) -> Mapping[str, Part]:
        shape = (self.channels,)
        return {
            "scale": Part(shape, ones),
            "shift": Part(shape, zeros),
            "mean": Part(shape, zeros, Running),
            "variance": Part(shape, ones, Running),
        }

    def build(self, x: Node, training: bool) -> Node:
        scale, shift, mean, variance = self.own.values()
        if not training:
            return BatchNormalise(x, scale, shift, mean, variance, epsilon=self.epsilon, name=self.name)
        averages, settings = (mean, variance), {"momentum": self.momentum, "epsilon": self.epsilon}
        return BatchTraining(x, scale, shift, averages=averages, **settings, name=self.name)
