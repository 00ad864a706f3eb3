"""Update rules, in pure Array API."""

from collections.abc import Iterable

from miniflow_xp.node import Input
from miniflow_xp.switch import get_backend


def sgd_update(trainables: Iterable[Input], learning_rate: float = 1e-2) -> None:
    """θ ← θ - η ∂cost/∂θ for each trainable: one step of stochastic gradient descent.

    ``trainables``: Inputs or Parameters after ``forward_and_backward``; ``learning_rate``: η. A trainable gets a new
    array in the shape and dtype of the old one, which is not written to: an array that was fed stays as it was.
    Raises NoGradientError where a gradient was not computed.
    """
    xp = get_backend().xp
    with get_backend().activate():
        for t in trainables:
            t.value = t.value - learning_rate * xp.reshape(t.gradients[t], t.value.shape)
