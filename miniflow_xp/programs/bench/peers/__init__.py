"""Peers: one training step as users of the libraries write it, beside ours; ``PEERS`` says where each can run."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.peers.problem import Problem

Step = Callable[[], Any]
"""One training step; returns its cost, an array of no dimensions that the device may not have finished."""

PEERS: dict[str, dict[str, str]] = {
    "ours": {"*": "ours:trained"},
    "by hand": {"numpy": "by_hand:with_numpy", "cupy": "by_hand:with_cupy", "torch": "in_torch:by_hand"},
    "lesson": {"numpy": "lesson:as_in_the_lesson"},
    "products": {"numpy": "by_hand:bare_products"},
    "autograd": {"torch": "in_torch:autograd"},
    "torch.optim": {"torch": "in_torch:with_optimizer"},
    "torch.compile": {"torch": "in_torch:compiled"},
    "jit": {"jax": "in_jax:jitted"},
}
"""{contestant: {backend, or * for all: "module:function" in this folder}}."""

FLOOR = "products"
"""The contestant that has no cost: the matrix products of a step and nothing else."""


BESIDE_PEERS = ("peers", "functions")
"""The families in which contestants are compared with ours, and not backends with each other."""


def backends_of(contestant: str) -> tuple[str, ...]:
    """The backends on which it can run; empty where on all."""
    return tuple(name for name in PEERS[contestant] if name != "*")


def peer(contestant: str, problem: Problem, backend: Backend) -> Step:
    """The contestant's step on a backend, which is in use; its data lies on the device."""
    where = PEERS[contestant]
    return step_of(where.get(backend.name, where.get("*", "")), problem, backend)


def step_of(place: str, problem: Problem, backend: Backend) -> Step:
    """The step that a function makes, "module:function" in this folder, on a backend, which is in use."""
    module, _, function = place.partition(":")
    make: Callable[[Problem, Backend], Step] = getattr(import_module(f"{__name__}.{module}"), function)
    return make(problem, backend)
