"""Stochastic gradient descent with momentum, RMSProp and Adam, on trees of arrays.

``grad(x, i)`` gives the gradient at x in iteration i, ``callback(x, i, gradient)`` sees each iteration. Numbers are
HIPS/autograd's. Nothing here is captured: ``miniflow_xp.Adam`` with a ``Trainer`` is.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from miniflow_xp.arrays.namespace import functions_of
from miniflow_xp.autograd.misc.flatten import flatten

Optimizer = Callable[..., Any]


def unflatten_optimizer(optimize: Optimizer) -> Optimizer:
    """An optimizer of vectors as one of trees."""

    @wraps(optimize)
    def of_trees(grad: Any, x0: Any, callback: Any = None, *args: Any, **kwargs: Any) -> Any:
        start, unflatten = flatten(x0)

        def flat_grad(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        def flat_callback(x: Any, i: int, g: Any) -> None:
            callback(unflatten(x), i, unflatten(g))

        return unflatten(optimize(flat_grad, start, flat_callback if callback else None, *args, **kwargs))

    return of_trees


@unflatten_optimizer
def sgd(
    grad: Any, x: Any, callback: Any = None, num_iters: int = 200, step_size: float = 0.1, mass: float = 0.9
) -> Any:
    """Stochastic gradient descent with momentum."""
    velocity = functions_of(x).zeros_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + step_size * velocity
    return x


@unflatten_optimizer
def rmsprop(
    grad: Any,
    x: Any,
    callback: Any = None,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:
    """Steps divided by the root of a moving mean of squared gradients, which starts at 1."""
    xp = functions_of(x)
    mean_square = xp.ones_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        mean_square = gamma * mean_square + (1 - gamma) * g**2
        x = x - step_size * g / (xp.sqrt(mean_square) + eps)
    return x


@unflatten_optimizer
def adam(
    grad: Any,
    x: Any,
    callback: Any = None,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """Adam (Kingma and Ba 2014, arXiv:1412.6980)."""
    xp = functions_of(x)
    m, v = xp.zeros_like(x), xp.zeros_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * g**2 + b2 * v
        mean, mean_square = m / (1 - b1 ** (i + 1)), v / (1 - b2 ** (i + 1))
        x = x - step_size * mean / (xp.sqrt(mean_square) + eps)
    return x
