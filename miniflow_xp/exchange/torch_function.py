"""A function of arrays of any library as a function of PyTorch's tensors, whose autograd takes our gradients."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import torch

from miniflow_xp.backend import Backend
from miniflow_xp.errors import MixedBackendsError
from miniflow_xp.exchange.pure import Flat, differentiated, flattened, pullback_of, running, value_of
from miniflow_xp.exchange.tensors import over, tensors_of
from miniflow_xp.switch import library_name

Tensors = Sequence[torch.Tensor]


def torch_function(function: Callable[..., Any], backend: Backend | None) -> Callable[..., Any]:
    """``function`` on tensors; it runs on ``backend``, or on PyTorch itself where there is none."""

    @wraps(function)
    def on_tensors(*args: Any, **keywords: Any) -> Any:
        flat, tensors = flattened(function, args, keywords, is_tensor)
        check_library(flat.others, backend)
        results = run(flat, backend, tensors)
        return flat.build(iter(results))

    found: Callable[..., Any] = torch.compiler.disable(on_tensors)  # what is compiled calls it, and looks not inside
    return found


def check_library(others: Sequence[Any], backend: Backend | None) -> None:
    """Raise MixedBackendsError for a constant array of another library than the one that computes."""
    name = "torch" if backend is None else backend.name
    for other in others:
        if hasattr(other, "dtype") and hasattr(other, "shape") and library_name(other) != name:
            raise MixedBackendsError(
                "a function for PyTorch",
                f"it is given an array of {library_name(other)}",
                f"it takes tensors, and runs on {name}",
                "Give a tensor: torch.from_numpy(array)",
            )


def is_tensor(leaf: Any) -> bool:
    """Is this a tensor?"""
    return isinstance(leaf, torch.Tensor)


def run(flat: Flat, backend: Backend | None, tensors: Tensors) -> list[torch.Tensor]:
    """The results of a function of arrays, as tensors that autograd follows."""
    return list(Function.apply(Call(flat, backend), *tensors))


class Call:
    """One call of a function: what it needs to know, and what it leaves for its reverse pass.

    ``kept``: the call that can be asked for gradients, and of which inputs.
    """

    def __init__(self, flat: Flat, backend: Backend | None) -> None:
        self.flat, self.backend = flat, backend
        self.is_followed = torch.is_grad_enabled()
        self.kept: Any = None

    def forward(self, tensors: Tensors) -> tuple[torch.Tensor, ...]:
        """The results on tensors; inner values are kept where somebody may ask for gradients."""
        wanted = [n for n, tensor in enumerate(tensors) if tensor.requires_grad and self.is_followed]
        with running(self.backend):
            arrays = [over(tensor, self.backend) for tensor in tensors]
            if wanted:
                self.kept = differentiated(self.flat, arrays, wanted), wanted
                results = self.kept[0].ends
            else:
                results = value_of(self.flat, arrays)
            return tuple(tensors_of(results, [tensors[0].device] * len(results), arrays))

    def gradients(self, seeds: Sequence[Any], tensors: Tensors) -> list[torch.Tensor]:
        """Gradients from what was kept."""
        call, wanted = self.kept
        with running(self.backend):
            arrays = [None if seed is None else over(seed, self.backend) for seed in seeds]
            devices = [tensors[n].device for n in wanted]
            return tensors_of(call.gradients(arrays), devices, [a for a in arrays if a is not None])


class Function(torch.autograd.Function):  # type: ignore[misc]  # PyTorch's types are not looked at
    """``Function.apply(call, *tensors)``: the results of a call, followed by autograd."""

    @staticmethod
    def forward(call: Call, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return call.forward(tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, ...]) -> None:
        ctx.call, ctx.count = inputs[0], len(inputs) - 1
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs[1:], *output)  # autograd refuses where one was written to since
        ctx.mark_non_differentiable(*[t for t in output if not (t.is_floating_point() or t.is_complex())])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        """By the inner values of this call; by a call of the pullback where it is to be differentiated again."""
        tensors = ctx.saved_tensors[: ctx.count]
        wanted = [n for n, needs in enumerate(ctx.needs_input_grad[1:]) if needs]
        found: list[torch.Tensor | None] = [None] * ctx.count
        if any(g is not None for g in gradients):
            for n, gradient in zip(wanted, products(ctx.call, gradients, tensors, wanted), strict=True):
                found[n] = gradient
        return None, *found

    @staticmethod
    def vmap(_: Any, in_dims: tuple[Any, ...], call: Call, *tensors: torch.Tensor) -> tuple[Any, Any]:
        """One call after the other."""
        rows = [Function.apply(Call(call.flat, call.backend), *row) for row in rows_of(tensors, in_dims[1:])]
        return tuple([torch.stack(column) for column in zip(*rows, strict=True)]), (0,) * len(rows[0])


def rows_of(tensors: Tensors, dims: Sequence[int | None]) -> Iterator[list[torch.Tensor]]:
    """The tensors of each call of a vmap."""
    size = next(t.shape[d] for t, d in zip(tensors, dims, strict=True) if d is not None)
    for n in range(size):
        yield [t if d is None else t.select(d, n) for t, d in zip(tensors, dims, strict=True)]


def products(call: Call, gradients: Sequence[Any], tensors: Tensors, wanted: Sequence[int]) -> list[torch.Tensor]:
    """The gradients of the ``wanted`` tensors."""
    if call.kept is not None and call.kept[1] == wanted and not torch.is_grad_enabled():
        return call.gradients(gradients, tensors)
    given = [n for n, seed in enumerate(gradients) if seed is not None]
    pulled = pullback_of(call.flat, len(tensors), wanted, given)
    return run(pulled, call.backend, [*(gradients[n] for n in given), *tensors])
