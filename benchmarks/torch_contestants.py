"""Contestants that run in a process with PyTorch."""

from collections.abc import Callable

import torch

from benchmarks.ours import ours
from benchmarks.problem import RATE, Problem


def cost_of(X: torch.Tensor, y: torch.Tensor, W: list[torch.Tensor], b: list[torch.Tensor]) -> torch.Tensor:
    a = torch.sigmoid(torch.addmm(b[0], X, W[0]))
    a = torch.sigmoid(torch.addmm(b[1], a, W[1]))
    return torch.nn.functional.mse_loss(torch.addmm(b[2], a, W[2]), y)


def autograd(p: Problem) -> Callable[[], float]:
    """PyTorch's own eager autograd, and its SGD over all parameters at once."""
    W, b = ([torch.tensor(v, requires_grad=True) for v in values] for values in (p.weights, p.biases))
    X, y = torch.tensor(p.X), torch.tensor(p.y)
    optimizer = torch.optim.SGD([*W, *b], lr=RATE)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        cost = cost_of(X, y, W, b)
        cost.backward()
        optimizer.step()
        return float(cost.detach())

    return step


def plain_autograd(p: Problem) -> Callable[[], float]:
    """PyTorch's eager autograd without its optimizer's bookkeeping: gradients, then one subtraction a parameter."""
    leaves = [torch.tensor(v, requires_grad=True) for v in (*p.weights, *p.biases)]
    X, y = torch.tensor(p.X), torch.tensor(p.y)

    def step() -> float:
        cost = cost_of(X, y, leaves[:3], leaves[3:])
        gradients = torch.autograd.grad(cost, leaves)
        with torch.no_grad():
            for leaf, gradient in zip(leaves, gradients, strict=True):
                leaf.sub_(gradient, alpha=RATE)
        return float(cost.detach())

    return step


def hand_step(X: torch.Tensor, y: torch.Tensor, W: list[torch.Tensor], b: list[torch.Tensor]) -> torch.Tensor:
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


def by_hand(p: Problem, compiled: bool = False) -> Callable[[], float]:
    """The written-out step under no_grad; with ``compiled``, through torch.compile."""
    W, b = ([torch.tensor(v) for v in values] for values in (p.weights, p.biases))
    X, y = torch.tensor(p.X), torch.tensor(p.y)
    run = torch.compile(hand_step) if compiled else hand_step

    def step() -> float:
        with torch.no_grad():
            return float(run(X, y, W, b))

    return step


CONTESTANTS: dict[str, Callable[[Problem], Callable[[], float]]] = {
    "ours, torch": lambda p: ours(p, "torch"),
    "autograd, torch": plain_autograd,
    "torch.optim": autograd,
    "by hand, torch": by_hand,
    "torch.compile": lambda p: by_hand(p, compiled=True),
}
