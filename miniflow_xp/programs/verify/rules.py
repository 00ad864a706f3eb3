"""Every rule with shapes to check it on, and the check that each elementwise rule is one kernel, which needs no GPU."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import array_api_compat.numpy as xp
import numpy as np

from miniflow_xp import ops
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.backends.cupy.groups import Group, order
from miniflow_xp.backends.cupy.sources import Source, write
from miniflow_xp.node import Elementwise, Input, Node
from miniflow_xp.programs.verify.report import CheckError, Figures, MissingError, expect
from miniflow_xp.recording.tape import record

Shape = tuple[int, ...]

DTYPES = ("float64", "float32", "float16")


class Case(NamedTuple):
    """A node on fresh Inputs, and shapes that they can have; ``labels``: are those of the first one integers?"""

    node: Node
    shapes: Sequence[Shape]
    labels: bool = False

    def run(self, namespace: Namespace, gradient: Array, *inputs: Array) -> list[Array]:
        """Value and gradients."""
        value = self.node.compute(namespace, *inputs)
        thunks = self.node.vjp(namespace, gradient, value, *inputs)
        return [value, *(thunk() for thunk in thunks if thunk is not None)]

    def arrays(self, rng: np.random.Generator, dtype: str) -> list[Any]:
        """A gradient and inputs, as NumPy arrays; off 0, where ReLU has no derivative."""
        inputs = [(rng.choice([-1.0, 1.0], s) * rng.uniform(0.1, 2, s)).astype(dtype) for s in self.shapes]
        if self.labels:
            inputs[0] = rng.integers(self.shapes[1][-1], size=self.shapes[0])
        shape = np.shape(self.node.compute(xp, *inputs))
        return [rng.uniform(-1, 1, shape).astype(dtype), *inputs]


ELSEWHERE = {
    "KLDivergence": "it calls a special function of CuPy's, which no graph holds",
    "MAE": "the sign in its slope is array-api-compat's, which is recorded through a mask of CuPy's",
    "Huber": "as MAE",
}
"""Rules that are not checked here, and why."""


def cases() -> list[Case]:
    """One for each rule of ``miniflow_xp.ops``, but for ELSEWHERE."""
    a, b, c = (Input(name) for name in "abc")
    labels = Input("labels", dtype=int)
    matrix = (64, 48)
    return [
        *(Case(kind(a), [matrix]) for kind in (ops.Sigmoid, ops.Tanh, ops.ReLU, ops.Neg, ops.Softmax, ops.LogSoftmax)),
        Case(ops.Standardise(a), [matrix]),
        *(Case(kind(a, b), [matrix, matrix]) for kind in (ops.Add, ops.Mul, ops.Sub, ops.MSE)),
        Case(ops.BinaryCrossEntropy(a, b), [matrix, matrix]),
        Case(ops.MatMul(a, b), [matrix, (48, 32)]),
        Case(ops.Linear(a, b, c), [matrix, (48, 32), (32,)]),
        Case(ops.CrossEntropy(labels, b), [(64,), matrix], labels=True),
    ]


def elementwise() -> list[Case]:
    """The cases of elementwise rules, which may be fused."""
    return [case for case in cases() if isinstance(case.node, Elementwise)]


class Fused(NamedTuple):
    """A kernel of a rule; ``inputs``: which of gradient and inputs it reads, ``outputs``: which results it writes."""

    source: Source
    inputs: list[int]
    outputs: list[int]


def fused(case: Case, dtype: str) -> list[Fused]:
    """The kernels that compute a rule's value and gradients; raises CheckError where they need any other call."""
    values, results = record(case.run, xp, case.arrays(np.random.default_rng(0), dtype))
    arguments, found = [v for v in values if v.op == "argument"], []
    for item in order(values, results):
        if not isinstance(item, Group):
            raise CheckError(f"{type(case.node).__name__}: {item.op} cannot be fused")
        inputs = [arguments.index(v) for v in item.inputs if v in arguments]
        found.append(Fused(write(item), inputs, [results.index(v) for v in item.outputs if v in results]))
    return found


def check_fusable(figures: Figures) -> None:
    """Value and gradients of each elementwise rule are one kernel."""
    found = {f"{type(c.node).__name__} in {dtype}": fused(c, dtype) for c in elementwise() for dtype in DTYPES}
    several = [name for name, kernels in found.items() if len(kernels) != 1]
    expect(not several, f"more than one kernel: {', '.join(several)}")
    figures["rules"], figures["kernels"] = len(elementwise()), len(found)


def check_compiles(figures: Figures) -> None:
    """NVRTC compiles them for a Hopper GPU; it needs no device."""
    try:
        from miniflow_xp.backends.cupy import nvrtc
    except ImportError as error:
        raise MissingError(f"CuPy is not installed: {error}") from None
    if why := nvrtc.why_missing():
        raise MissingError(why)
    sources = [found.source for case in elementwise() for dtype in DTYPES for found in fused(case, dtype)]
    sizes = [nvrtc.compile_for(source, ndim) for source in sources for ndim in (1, 2)]
    figures["kernels compiled"], figures["for"] = len(sizes), nvrtc.ARCHITECTURE
