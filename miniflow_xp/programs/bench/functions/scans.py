"""The models of many steps in JAX, whose users write a step once: unrolled, XLA compiles each of its copies."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax

from miniflow_xp.programs.bench.functions.models import lotka_volterra as unrolled

step: Callable[..., Any] = unrolled.step


def lotka_volterra(rates: Any, start: Any, observed: Any, every: int = 10, h: float = 0.05) -> Any:
    """Fitted through a Runge-Kutta solver."""

    def until_seen(state: Any, seen: Any) -> Any:
        state, _ = lax.scan(lambda state, _: (step(state, rates, h), None), state, length=every)
        return state, jnp.sum((state - seen) ** 2)

    _, distances = lax.scan(until_seen, start, observed)
    return jnp.mean(distances)


def kalman_filter(model: Any, observed: Any, H: Any) -> Any:
    """The likelihood of observations."""
    F = model["F"]
    d, p = F.shape[0], H.shape[0]
    identity = jnp.eye(d, dtype=F.dtype)
    Q, R = jnp.exp(model["q"]) * identity, jnp.exp(model["r"]) * jnp.eye(p, dtype=F.dtype)

    def one(belief: Any, seen: Any) -> Any:
        x, P = belief
        x, P = F @ x, F @ P @ F.mT + Q
        error, S = seen - H @ x, H @ P @ H.mT + R
        gain = jnp.linalg.solve(S, H @ P).mT
        told = jnp.sum(error * jnp.linalg.solve(S, error)) + jnp.linalg.slogdet(S)[1]
        return (x + gain @ error, (identity - gain @ H) @ P), told

    _, told = lax.scan(one, (jnp.zeros((d,), dtype=F.dtype), identity), observed)
    return (jnp.sum(told) + observed.shape[0] * p * math.log(2 * math.pi)) / 2


LOSSES: dict[str, Callable[..., Any]] = {loss.__name__: loss for loss in (lotka_volterra, kalman_filter)}
