"""Contestants that run in a process with JAX."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.ours import ours
from benchmarks.problem import RATE, Problem


def jitted(p: Problem) -> Callable[[], float]:
    """``jax.jit`` of value_and_grad and update as one, parameters donated: the form that JAX recommends."""

    def cost_of(parameters: Any, X: jax.Array, y: jax.Array) -> jax.Array:
        W, b = parameters
        a = jax.nn.sigmoid(X @ W[0] + b[0])
        a = jax.nn.sigmoid(a @ W[1] + b[1])
        return jnp.mean((a @ W[2] + b[2] - y) ** 2)

    def update(parameters: Any, X: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        cost, gradients = jax.value_and_grad(cost_of)(parameters, X, y)
        return jax.tree.map(lambda p, g: p - RATE * g, parameters, gradients), cost

    run = jax.jit(update, donate_argnums=0)
    parameters = [jnp.array(w) for w in p.weights], [jnp.array(b) for b in p.biases]
    X, y = jnp.array(p.X), jnp.array(p.y)

    def step() -> float:
        nonlocal parameters
        parameters, cost = run(parameters, X, y)
        return float(cost)

    return step


CONTESTANTS: dict[str, Callable[[Problem], Callable[[], float]]] = {
    "ours, jax": lambda p: ours(p, "jax"),
    "jit, jax": jitted,
}
