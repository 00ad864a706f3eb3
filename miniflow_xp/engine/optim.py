"""Update rules, in pure Array API: how a parameter moves along its gradient.

Each optimizer's ``update`` is a pure function of arrays; the slots (momentum and the like) are handed in and returned.
Formulas and defaults are PyTorch's (``torch.optim``), so that results can be compared.

Parameters of half precision, float16 and bfloat16, are updated in float32: learning rate, number of the step, 1 - βᵗ,
ε, gradient and slots. The new parameter is rounded to its dtype at every step; no wider copy of it is kept ("master
weights"), so a step of less than half its last digit does not move it. Where it should, let the Parameter be float32.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from copy import copy
from functools import reduce
from math import inf, log
from typing import Self

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.checks import finite, fraction, not_negative, positive, truth, two_fractions
from miniflow_xp.dtypes import FLOATS, as_wide_as, name_of, wide
from miniflow_xp.errors import SettingError
from miniflow_xp.node import Input, as_nodes
from miniflow_xp.switch import get_backend


def sgd_update(trainables: Iterable[Input], learning_rate: float = 1e-2) -> None:
    """θ ← θ - η ∂cost/∂θ for each trainable: one step of stochastic gradient descent.

    ``trainables``: Inputs or Parameters after ``forward_and_backward``; ``learning_rate``: η. A trainable gets a new
    array in the shape and dtype of the old one, which is not written to: an array that was fed stays as it was.
    Raises NoGradientError where a gradient was not computed, SettingError where the rate is no finite number, and then
    changes nothing.
    """
    xp, rate = get_backend().xp, finite(learning_rate, "sgd_update, learning_rate")
    trained = as_nodes(trainables, "sgd_update")
    with get_backend().activate():
        updated = [(t, moved(xp, t.value, t.gradients[t], rate)) for t in trained]
    for t, value in updated:
        t.value = value


def moved(xp: Namespace, theta: Array, gradient: Array, rate: float) -> Array:
    """θ - η g in the shape and dtype of θ."""
    return as_wide_as(xp, wide(xp, theta) - rate * xp.reshape(wide(xp, gradient), theta.shape), theta)


class Optimizer(ABC):
    """An update rule with its settings; what is set later takes effect from a Trainer's next step.

    ``slots``: how many arrays, in a parameter's shape and starting at 0, it keeps for each parameter. ``counts``: does
    it need the number of the step?
    """

    slots: int = 0
    counts: bool = False
    clip_norm: float | None = None

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = positive(learning_rate, "learning_rate")

    @property
    def learning_rate(self) -> float:
        """η, not below 0."""
        rate: float = vars(self)["learning_rate"]
        return rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        vars(self)["learning_rate"] = not_negative(rate, "learning_rate")  # among the settings, by its own name

    def clipped(self, norm: float) -> Self:
        """The same optimizer on clipped gradients: g ← g min(1, norm / ‖g‖₂), over all parameters together.

        Pascanu, Mikolov and Bengio, ICML 2013, algorithm 1. Raises SettingError unless ``norm`` is finite and above 0.
        """
        other = copy(self)
        other.clip_norm = positive(norm, "norm")
        return other

    def clip(self, xp: Namespace, gradients: Sequence[Array]) -> list[Array]:
        """The gradients, scaled together so that their norm is at most ``clip_norm``, if there is one."""
        return list(gradients) if self.clip_norm is None else clipped(xp, gradients, self.clip_norm)

    @abstractmethod
    def update(
        self, xp: Namespace, theta: Array, gradient: Array, slots: Sequence[Array], rate: Array, step: Array
    ) -> tuple[Array, list[Array]]:
        """The new parameter and slots; ``rate`` and ``step`` (from 1) are 0-d arrays. All are of one dtype.

        This is float32 for a parameter of half precision, which is handed in as float32 and rounded afterwards.
        """


class SGD(Optimizer):
    """v ← μ v + g, θ ← θ - η v with g = ∂cost/∂θ + λ θ; Nesterov: θ ← θ - η (g + μ v).

    ``learning_rate`` η, ``momentum`` μ, ``weight_decay`` λ. Sutskever et al., ICML 2013.
    """

    def __init__(
        self, learning_rate: float = 1e-2, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        super().__init__(learning_rate)
        self.momentum = fraction(momentum, "momentum")
        self.nesterov = truth(nesterov, "SGD, nesterov")
        self.weight_decay = not_negative(weight_decay, "weight_decay")
        if self.nesterov and not self.momentum:
            raise SettingError("SGD, nesterov", "momentum is 0", "Nesterov's step needs momentum", "Set momentum=0.9")

    @property
    def slots(self) -> int:  # type: ignore[override]  # of this one the settings tell
        return 1 if self.momentum else 0

    def update(
        self, xp: Namespace, theta: Array, gradient: Array, slots: Sequence[Array], rate: Array, step: Array
    ) -> tuple[Array, list[Array]]:
        g = gradient + self.weight_decay * theta if self.weight_decay else gradient
        if not self.momentum:
            return theta - rate * g, []
        v = self.momentum * slots[0] + g
        return theta - rate * (g + self.momentum * v if self.nesterov else v), [v]


class RMSProp(Optimizer):
    """s ← α s + (1 - α) g², θ ← θ - η g / (√s + ε). Hinton, Neural Networks for Machine Learning, lecture 6e (2012)."""

    slots = 1

    def __init__(self, learning_rate: float = 1e-2, alpha: float = 0.99, epsilon: float = 1e-8) -> None:
        super().__init__(learning_rate)
        self.alpha = fraction(alpha, "alpha")
        self.epsilon = positive(epsilon, "epsilon")

    def update(
        self, xp: Namespace, theta: Array, gradient: Array, slots: Sequence[Array], rate: Array, step: Array
    ) -> tuple[Array, list[Array]]:
        s = self.alpha * slots[0] + (1 - self.alpha) * gradient * gradient
        return theta - rate * gradient / (xp.sqrt(s) + self.epsilon), [s]


class Adam(Optimizer):
    """m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², θ ← θ - η m̂ / (√v̂ + ε), m̂ = m / (1 - β₁ᵗ), v̂ likewise.

    Kingma and Ba, ICLR 2015, algorithm 1.
    """

    slots = 2
    counts = True

    def __init__(
        self, learning_rate: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-8
    ) -> None:
        super().__init__(learning_rate)
        self.betas = two_fractions(betas, "betas")
        self.epsilon = positive(epsilon, "epsilon")

    def update(
        self, xp: Namespace, theta: Array, gradient: Array, slots: Sequence[Array], rate: Array, step: Array
    ) -> tuple[Array, list[Array]]:
        beta1, beta2 = self.betas
        m = beta1 * slots[0] + (1 - beta1) * gradient
        v = beta2 * slots[1] + (1 - beta2) * gradient * gradient
        denominator = xp.sqrt(v) / xp.sqrt(-excess(xp, beta2, step)) + self.epsilon
        return theta + rate / excess(xp, beta1, step) * m / denominator, [m, v]


def excess(xp: Namespace, beta: float, step: Array) -> Array:
    """βᵗ - 1, negative: what an average that began at 0 lacks. As a difference, 0.999 - 1 loses 3 digits."""
    return xp.expm1(step * (log(beta) if beta else -inf))


class AdamW(Adam):
    """Adam with decay apart from the gradient: θ ← θ - η λ θ first. Loshchilov and Hutter, ICLR 2019, algorithm 2."""

    def __init__(
        self,
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, betas, epsilon)
        self.weight_decay = not_negative(weight_decay, "weight_decay")

    def update(
        self, xp: Namespace, theta: Array, gradient: Array, slots: Sequence[Array], rate: Array, step: Array
    ) -> tuple[Array, list[Array]]:
        return super().update(xp, theta - rate * self.weight_decay * theta, gradient, slots, rate, step)


def clipped(xp: Namespace, arrays: Sequence[Array], limit: float) -> list[Array]:
    """x min(1, limit / ‖x‖₂) of all arrays together, half precision as float32; all NaN where one is not finite.

    Before they are squared, they are multiplied by the inverse of the largest element, or of the limit where that is
    larger, in two halves, as some libraries flush what is as small as an inverse can be to 0: so any size has a norm.
    """
    arrays = [wide(xp, x) for x in arrays]
    widest = max(arrays, key=lambda x: FLOATS.index(name_of(x)))
    largest = reduce(xp.maximum, [as_wide_as(xp, xp.max(xp.abs(x)), widest) for x in arrays])
    half = 1 / xp.sqrt(xp.where(largest > limit, largest, limit))
    parts = [x * as_wide_as(xp, half, x) * as_wide_as(xp, half, x) for x in arrays]
    norm = xp.sqrt(sum(as_wide_as(xp, xp.sum(part * part), widest) for part in parts))
    fits = xp.logical_and(largest <= limit, norm <= 1)
    scale = limit / xp.where(fits, 1.0, norm)
    return [xp.where(fits, x, part * as_wide_as(xp, scale, x)) for x, part in zip(arrays, parts, strict=True)]
