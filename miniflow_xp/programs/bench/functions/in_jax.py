"""Value and gradient as JAX's users write it."""

from typing import Any

import jax

from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.functions import Model, Step, scans
from miniflow_xp.programs.bench.functions.ours import arguments, flat


def jitted(model: Model, size: int, backend: Backend) -> Step:
    """``jax.jit`` of ``jax.value_and_grad``; a model of many steps under ``jax.lax.scan``."""
    loss = scans.LOSSES.get(model.name, model.module.loss)
    args, both = arguments(model, size, backend), jax.jit(jax.value_and_grad(loss))

    def step() -> list[Any]:
        value, gradient = both(*args)
        if isinstance(gradient, dict):
            gradient = {name: gradient[name] for name in args[0]}  # JAX sorts them
        return flat((value, gradient))

    return step
