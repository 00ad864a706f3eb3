"""Rules at random shapes, and random graphs against PyTorch's automatic differentiation of the same expression.

Each backend is compared with one oracle, so backends that pass agree with each other to twice the bound.
With the environment variable CI set, hypothesis draws the same examples on every run.
"""

import operator
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from capabilities import ROWS, exact, example
from closeness import ROUNDINGS, assert_close, central_differences, rounding
from hypothesis import given, note, settings
from hypothesis import strategies as st
from targets import Target

import miniflow_xp as mf

DTYPES = st.sampled_from(["float64", "float32"])
DRAWN = settings(deadline=None, derandomize="CI" in os.environ, database=None)
SIDE = 3
SHAPES = [(SIDE, SIDE), (SIDE,), (1, SIDE), (SIDE, 1), ()]
"""Shapes of leaves: all broadcast to the first, and most of them can be multiplied with it."""


def examples(backend, count):
    """Settings for ``count`` examples; a third on JAX, which compiles every operation for every shape."""
    return settings(DRAWN, max_examples=count // 3 if backend.name == "jax" else count)


@pytest.mark.parametrize("row", [pytest.param(row, id=str(row)) for row in ROWS])
def test_rule_at_any_shapes(row, backend):
    @examples(backend, 12)
    @given(row.any_shapes, DTYPES)
    def check(shapes, dtype):
        inputs, weights = example(row, shapes, dtype)
        got = Target().run(row.node, backend, weights, inputs, dtype)
        expected = row.numpy(*inputs)
        assert_close(backend.to_numpy(got.value), expected, rounding(dtype, expected, *inputs))
        for n, gradient in enumerate(got.gradients):
            if n not in row.integers:
                expected, error = central_differences(row.numpy, inputs, weights, n)
                bound = error + rounding(dtype, expected, weights, *inputs)
                assert_close(backend.to_numpy(gradient), expected, bound)

    check()


@dataclass(frozen=True)
class Step:
    """One operation: its name and its operands, positions in the list of all values so far or Python numbers."""

    name: str
    operands: tuple[Any, ...]


@dataclass(frozen=True)
class At:
    """A position in the list of values: the leaves, then one value a step."""

    position: int


@dataclass(frozen=True)
class Plan:
    """An expression: what leaves it has, its steps, and which value is compared with a target."""

    leaves: Sequence[np.ndarray]
    steps: Sequence[Step]
    output: int


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "@": operator.matmul,
    "neg": operator.neg,
}
ON_NUMPY = ARITHMETIC | {"sigmoid": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}
ON_NODES = ARITHMETIC | {"sigmoid": mf.Sigmoid, "tanh": mf.Tanh, "relu": mf.ReLU}
UNARY = ("neg", "sigmoid", "tanh", "relu")


def apply(step, values, functions):
    return functions[step.name](*(values[x.position] if isinstance(x, At) else x for x in step.operands))


@st.composite
def plans(draw):
    """Expressions whose values stay within ±4, by a ``tanh`` where they would not.

    Operands are drawn from all values so far: a value may be read twice by one step (a shared input), by several
    (a diamond) or by none (a dead branch); a leaf may be left unread.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=2, max_size=4))
    leaves = [exact(rng.uniform(-1, 1, shape), "float32") for shape in shapes]
    values, steps = list(leaves), []

    def append(step):
        steps.append(step)
        values.append(apply(step, values, ON_NUMPY))

    for _ in range(draw(st.integers(4, 10))):
        append(draw(steps_on(values)))
        if np.max(np.abs(values[-1])) > 4:
            append(Step("tanh", (At(len(values) - 1),)))
    last_three = range(len(values) - 1, max(len(values) - 4, len(leaves) - 1), -1)
    return Plan(leaves, steps, output=draw(st.sampled_from(last_three)))


@st.composite
def steps_on(draw, values):
    """A step that is defined for its operands: products where shapes fit, ReLU away from its kink."""
    any_value = st.sampled_from([At(n) for n in reversed(range(len(values)))])  # the newest first: few dead branches
    numbers = st.sampled_from([-2, -1.5, 0, 0.5, 1, 3])
    name = draw(st.sampled_from(sorted(ON_NUMPY)))
    x = draw(any_value)
    if name in UNARY:
        at_kink = np.min(np.abs(values[x.position])) < 1e-3
        return Step("tanh" if name == "relu" and at_kink else name, (x,))
    if name == "@":
        y = draw(any_value)
        return Step("@" if multiplies(values[x.position], values[y.position]) else "*", (x, y))
    y = draw(any_value | numbers)
    return Step(name, (y, x) if draw(st.booleans()) else (x, y))


def multiplies(a, b):
    """Does A B exist?"""
    return a.ndim > 0 and b.ndim > 0 and a.shape[-1] == b.shape[-2:][0]


def by_torch(torch, plan, target, dtype):
    """The cost, then each leaf's gradient or None where the cost does not depend on it, by ``torch.autograd``."""
    functions = ARITHMETIC | {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}
    tensors = [torch.tensor(leaf, dtype=getattr(torch, dtype)).requires_grad_() for leaf in plan.leaves]
    values = list(tensors)
    for step in plan.steps:
        values.append(apply(step, values, functions))
    cost = (values[plan.output] - torch.tensor(target, dtype=getattr(torch, dtype))).square().mean()
    cost.backward()
    return [cost.detach().numpy(), *(None if t.grad is None else t.grad.numpy() for t in tensors)]


def by_nodes(plan, target, dtype, backend, dead_too):
    """The same by this package, run twice, as training does."""
    leaves = [mf.Input(f"leaf {n}") for n in range(len(plan.leaves))]
    values: list[mf.Node] = list(leaves)
    for step in plan.steps:
        values.append(apply(step, values, ON_NODES))
    y = mf.Input("target")
    cost = mf.MSE(y, values[plan.output])
    read = reaching(values if dead_too else [values[plan.output]])
    feed = {leaf: backend.asarray(host, dtype) for leaf, host in zip(leaves, plan.leaves, strict=True) if leaf in read}
    feed[y] = backend.asarray(target, dtype)
    graph = mf.topological_sort(feed) if dead_too else mf.topological_sort(feed, output=cost)
    assert graph[-1] is cost
    for _ in range(2):
        mf.forward_and_backward(graph)
    found = [leaf.gradients.get(leaf) for leaf in leaves]
    return [cost.value, *found]


def reaching(nodes):
    """All nodes that ``nodes`` read, directly or not."""
    found, todo = set(), list(nodes)
    while todo:
        for inbound in todo.pop().inbound_nodes:
            if inbound not in found:
                found.add(inbound)
                todo.append(inbound)
    return found


def plan_value(plan):
    """The value that is compared with the target, in NumPy."""
    values = list(plan.leaves)
    for step in plan.steps:
        values.append(apply(step, values, ON_NUMPY))
    return np.asarray(values[plan.output])


def bound(true, single, plan, dtype):
    """How far a result in ``dtype`` may be from ``true``, when PyTorch in float32 gives ``single``.

    PyTorch's own error shows how much this expression enlarges rounding: a hundred times that, scaled from one epsilon
    to the other. Where it is 0 by luck: what the steps round, the longest sums having SIDE² terms.
    """
    eps, eps_single = float(np.finfo(dtype).eps), float(np.finfo("float32").eps)
    enlarged = 100 * float(np.max(np.abs(true - single))) * eps / eps_single
    return enlarged + ROUNDINGS * SIDE**2 * (len(plan.steps) + 1) * eps * max(1.0, float(np.max(np.abs(true))))


def test_random_graph_agrees_with_torch_autograd(backend):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")

    @examples(backend, 60)
    @given(plans(), DTYPES, st.booleans())
    def check(plan, dtype, dead_too):
        note(f"leaves {[leaf.shape for leaf in plan.leaves]}, steps {plan.steps}, output {plan.output}")
        target = np.full(plan_value(plan).shape, 0.25)
        true, single = (by_torch(torch, plan, target, precision) for precision in ("float64", "float32"))
        got = by_nodes(plan, target, dtype, backend, dead_too)
        for ours, expected, rounded in zip(got, true, single, strict=True):
            if expected is None:
                assert ours is None
            else:
                assert_close(backend.to_numpy(ours), expected, bound(expected, rounded, plan, dtype))

    check()
