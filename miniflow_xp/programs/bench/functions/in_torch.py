"""Value and gradient as PyTorch's users write it."""

from collections.abc import Callable
from typing import Any

import torch

from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.functions import Model, Step
from miniflow_xp.programs.bench.functions.ours import arguments, flat
from miniflow_xp.transforms.trees import flatten


def autograd(model: Model, size: int, backend: Backend) -> Step:
    """PyTorch's eager autograd."""
    return by_autograd(model, size, backend, lambda loss: loss)


def compiled(model: Model, size: int, backend: Backend) -> Step:
    """``torch.compile`` of the loss, through eager autograd."""
    return by_autograd(model, size, backend, lambda loss: torch.compile(loss, dynamic=False))


def by_autograd(model: Model, size: int, backend: Backend, made: Callable[..., Any]) -> Step:
    """Value and gradients of the loss that ``made`` makes of a function of leaves and data."""
    parameters, *data = arguments(model, size, backend)
    leaves, build = flatten(parameters)
    loss = made(lambda leaves, data: model.module.loss(build(iter(leaves)), *data))

    def step() -> list[Any]:
        held = [leaf.detach().requires_grad_() for leaf in leaves]
        value = loss(held, data)
        return [value.detach(), *torch.autograd.grad(value, held)]

    return step


def functional(model: Model, size: int, backend: Backend) -> Step:
    """``torch.func.grad_and_value``."""
    args, both = arguments(model, size, backend), torch.func.grad_and_value(model.module.loss)

    def step() -> list[Any]:
        gradient, value = both(*args)
        return flat((value, gradient))

    return step
