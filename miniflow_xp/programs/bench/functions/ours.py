"""Value and gradient by this library."""

from typing import Any

from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.functions import Model, Step
from miniflow_xp.switch import load, use_backend
from miniflow_xp.transforms.gradients import value_and_grad
from miniflow_xp.transforms.jit import jit
from miniflow_xp.transforms.trees import flatten, tree_map


def arguments(model: Model, size: int, backend: Backend) -> Any:
    """The problem's arrays on the device."""
    return tree_map(backend.asarray, model.module.problem(size))


def flat(value_and_gradient: tuple[Any, Any]) -> list[Any]:
    """The value, then every gradient."""
    value, gradient = value_and_gradient
    return [value, *flatten(gradient)[0]]


def captured(model: Model, size: int, backend: Backend) -> Step:
    """Recorded and replayed."""
    args, both = arguments(model, size, backend), jit(value_and_grad(model.module.loss))
    return lambda: flat(both(*args))


def eager(model: Model, size: int, backend: Backend) -> Step:
    """Differentiated anew at every call."""
    args, both = arguments(model, size, backend), value_and_grad(model.module.loss)
    return lambda: flat(both(*args))


def compiled(model: Model, size: int, backend: Backend) -> Step:
    """Recorded, and compiled by ``torch.compile``."""
    args, both = arguments(model, size, backend), jit(value_and_grad(model.module.loss))
    compiling = load(f"torch:{backend.device}", compile=True)

    def step() -> list[Any]:
        with use_backend(compiling):
            return flat(both(*args))

    return step
