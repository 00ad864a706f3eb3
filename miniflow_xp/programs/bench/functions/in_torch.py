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
    return by_autograd(model, size, backend, by_compiler)


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
    return by_functional(model, size, backend, lambda both: both)


def functional_compiled(model: Model, size: int, backend: Backend) -> Step:
    """``torch.compile`` of value and gradient as one, which asks less of each call than ``compiled`` does."""
    return by_functional(model, size, backend, by_compiler)


def by_functional(model: Model, size: int, backend: Backend, made: Callable[..., Any]) -> Step:
    """Value and gradients by what ``made`` makes of ``torch.func.grad_and_value``."""
    args, both = arguments(model, size, backend), made(torch.func.grad_and_value(model.module.loss))

    def step() -> list[Any]:
        gradient, value = both(*args)
        return flat((value, gradient))

    return step


def by_compiler(function: Callable[..., Any]) -> Callable[..., Any]:
    """``torch.compile`` of a function, whole or not at all: what it cannot follow is an error.

    Of one code it compiles eight functions and runs any others as they are; so each gets a code of its own.
    """

    def call(*args: Any) -> Any:
        return function(*args)

    call.__code__ = call.__code__.replace()
    whole: Callable[..., Any] = torch.compile(call, dynamic=False, fullgraph=True)
    return whole
