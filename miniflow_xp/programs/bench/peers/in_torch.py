"""The step as PyTorch's users write it."""

from typing import Any

import torch

from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.peers import Step
from miniflow_xp.programs.bench.peers.problem import RATE, Problem


def tensors(backend: Backend, values: list[Any], gradients: bool = False) -> list[Any]:
    """Copies on the device."""
    return [backend.asarray(value).detach().clone().requires_grad_(gradients) for value in values]


def cost_of(X: Any, y: Any, W: list[Any], b: list[Any]) -> Any:
    """Forward, through PyTorch's fused functions."""
    a = torch.sigmoid(torch.addmm(b[0], X, W[0]))
    a = torch.sigmoid(torch.addmm(b[1], a, W[1]))
    return torch.nn.functional.mse_loss(torch.addmm(b[2], a, W[2]), y)


def autograd(p: Problem, backend: Backend) -> Step:
    """PyTorch's eager autograd without its optimizer's bookkeeping: gradients, then one subtraction a parameter."""
    leaves = tensors(backend, [*p.weights, *p.biases], True)
    X, y = tensors(backend, [p.X, p.y])

    def step() -> Any:
        cost = cost_of(X, y, leaves[:3], leaves[3:])
        gradients = torch.autograd.grad(cost, leaves)
        with torch.no_grad():
            for leaf, gradient in zip(leaves, gradients, strict=True):
                leaf.sub_(gradient, alpha=RATE)
        return cost.detach()

    return step


def with_optimizer(p: Problem, backend: Backend, cost_of: Any = cost_of) -> Step:
    """PyTorch's own eager autograd, and its SGD."""
    leaves = tensors(backend, [*p.weights, *p.biases], True)
    X, y = tensors(backend, [p.X, p.y])
    optimizer = torch.optim.SGD(leaves, lr=RATE)

    def step() -> Any:
        optimizer.zero_grad(set_to_none=True)
        cost = cost_of(X, y, leaves[:3], leaves[3:])
        cost.backward()
        optimizer.step()
        return cost.detach()

    return step


def with_compiled_cost(p: Problem, backend: Backend) -> Step:
    """The same with the cost through ``torch.compile(mode="reduce-overhead")``, which uses CUDA graphs."""
    step = with_optimizer(p, backend, torch.compile(cost_of, mode="reduce-overhead"))

    def marked() -> Any:
        torch.compiler.cudagraph_mark_step_begin()
        return step()

    return marked


def hand_step(X: Any, y: Any, W: list[Any], b: list[Any]) -> Any:
    """Forward, backward and update in place, written out."""
    a1 = torch.sigmoid(torch.addmm(b[0], X, W[0]))
    a2 = torch.sigmoid(torch.addmm(b[1], a1, W[1]))
    d = torch.addmm(b[2], a2, W[2]) - y
    cost = (d * d).mean()
    g3 = d * (2 / d.numel())
    g2 = g3 @ W[2].T * a2 * (1 - a2)
    g1 = g2 @ W[1].T * a1 * (1 - a1)
    for w, bias, a, g in zip(W, b, (X, a1, a2), (g1, g2, g3), strict=True):
        w.sub_(a.T @ g, alpha=RATE)
        bias.sub_(g.sum(0), alpha=RATE)
    return cost


def by_hand(p: Problem, backend: Backend) -> Step:
    """The written-out step under no_grad."""
    return without_gradients(hand_step, p, backend)


def compiled(p: Problem, backend: Backend) -> Step:
    """The written-out step through torch.compile; on a GPU as CUDA graphs, for which tensors stay in their places."""
    on_gpu = backend.device.startswith("cuda")
    run = torch.compile(hand_step, mode="reduce-overhead" if on_gpu else None)
    return without_gradients(run, p, backend, on_gpu)


def without_gradients(run: Any, p: Problem, backend: Backend, fixed: bool = False) -> Step:
    """A step of this function; ``fixed`` tells torch.compile that the tensors stay where they are."""
    W, b = tensors(backend, p.weights), tensors(backend, p.biases)
    X, y = tensors(backend, [p.X, p.y])
    if fixed:  # without this, CUDA graphs are skipped, for the weights are written to
        for tensor in (*W, *b, X, y):
            torch._dynamo.mark_static_address(tensor)  # noqa: SLF001  PyTorch documents it under this name

    def step() -> Any:
        with torch.no_grad():
            return run(X, y, W, b)

    return step
