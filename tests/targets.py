"""What a rule is tried on: every backend, and pseudo-backends that catch what no array library would complain about.

``strictest``      array-api-strict without boolean masks, data-dependent shapes and extensions
``strict-device1`` array-api-strict with inputs on a device that is not the usual one
``numpy-readonly`` NumPy with inputs that cannot be written to
``jax-jit``        JAX, where the rule is traced: no value can be looked at, and what it keeps is a leak
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from conftest import parameters

import miniflow_xp as mf
from miniflow_xp.node import pullbacks


@dataclass(frozen=True)
class Result:
    """The arrays that a rule was handed, its value and one gradient an input, None where there is none."""

    inputs: Sequence[Any]
    value: Any
    gradients: Sequence[Any]


class Target:
    """A backend as it is."""

    suffix = ""
    """Added to the backend's name."""

    few = False
    """Is only each row's first case tried? For JAX without jit, which compiles every operation for every shape."""

    def context(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def array(self, backend: mf.Backend, host: np.ndarray, dtype: str) -> Any:
        """``host`` as the backend's array; floats in ``dtype``, integers as they are."""
        return backend.asarray(host, dtype if host.dtype.kind == "f" else str(host.dtype))

    def to_numpy(self, backend: mf.Backend, array: Any) -> np.ndarray:
        return backend.to_numpy(array)

    def apply(self, node: mf.Node, backend: mf.Backend, gradient: Any, inputs: Sequence[Any]) -> tuple[Any, list[Any]]:
        return both_ways(node, backend.xp, gradient, inputs)

    def run(
        self, node: mf.Node, backend: mf.Backend, gradient: np.ndarray, inputs: Sequence[np.ndarray], dtype: str
    ) -> Result:
        """The rule of ``node`` at ``inputs``, float64 or integer NumPy arrays, in ``dtype``."""
        with self.context(), backend.activate():
            arrays = [self.array(backend, host, dtype) for host in inputs]
            value, gradients = self.apply(node, backend, self.array(backend, gradient, dtype), arrays)
        return Result(arrays, value, gradients)


class Few(Target):
    few = True


class Strictest(Target):
    suffix = "est"

    def context(self) -> AbstractContextManager[Any]:
        from array_api_strict import ArrayAPIStrictFlags

        flags: AbstractContextManager[Any] = ArrayAPIStrictFlags(
            boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=()
        )
        return flags


class StrictDevice1(Target):
    suffix = "-device1"

    def array(self, backend: mf.Backend, host: np.ndarray, dtype: str) -> Any:
        return super().array(backend, host, dtype).to_device(backend.xp.Device("device1"))

    def to_numpy(self, backend: mf.Backend, array: Any) -> np.ndarray:
        return backend.to_numpy(array.to_device(backend.xp.Device("CPU_DEVICE")))


class ReadOnly(Target):
    suffix = "-readonly"

    def array(self, backend: mf.Backend, host: np.ndarray, dtype: str) -> Any:
        array = np.array(super().array(backend, host, dtype))
        array.flags.writeable = False
        return array


class Jit(Target):
    suffix = "-jit"

    def apply(self, node: mf.Node, backend: mf.Backend, gradient: Any, inputs: Sequence[Any]) -> tuple[Any, list[Any]]:
        value, gradients = traced(node, backend.xp)(gradient, *inputs)
        return value, gradients


@cache
def traced(node: mf.Node, xp: Any) -> Callable[..., tuple[Any, list[Any]]]:
    """The rule of ``node`` under ``jax.jit``, which compiles it once for each combination of shapes."""
    import jax

    compiled: Callable[..., tuple[Any, list[Any]]] = jax.jit(lambda gradient, *x: both_ways(node, xp, gradient, x))
    return compiled


def both_ways(node: mf.Node, xp: Any, gradient: Any, inputs: Sequence[Any]) -> tuple[Any, list[Any]]:
    """A node's value and its gradients, as a pass asks for them: shapes looked at first, broadcasting undone last."""
    node.check(*inputs)
    value = node.compute(xp, *inputs)
    thunks = pullbacks(node, xp, gradient, value, inputs)
    return value, [thunks[inbound]() if inbound in thunks else None for inbound in node.inbound_nodes]


TRIED = {
    "numpy": (Target(), ReadOnly()),
    "strict": (Target(), Strictest(), StrictDevice1()),
    "jax": (Few(), Jit()),
}
"""{backend: the targets on it}; a backend that is not named is tried as it is."""


@cache
def targets() -> tuple[tuple[str, Target, str, tuple[Any, ...]], ...]:
    """(name, target, backend to choose, marks) on every backend that conftest.py knows."""
    return tuple(_targets())


def _targets() -> Iterator[tuple[str, Target, str, tuple[Any, ...]]]:
    for parameter in parameters():
        (choice,) = parameter.values
        for target in TRIED.get(choice.partition(":")[0], (Target(),)):
            yield choice + target.suffix, target, choice, tuple(parameter.marks)


def on_every_target(test: str, rows_and_more: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Parameters (row, …, target, backend) of a test for each (row, …) on each target; known failures are xfails."""
    found = []
    for name, target, choice, marks in targets():
        for row, *more in rows_and_more:
            if target.few and more[0] in row.cases[1:]:
                continue
            reason = row.known_failures.get((test, name))
            failing = [pytest.mark.xfail(reason=reason)] if reason else []
            label = "-".join(map(str, (row, *more, name)))
            found.append(pytest.param(row, *more, target, choice, marks=[*marks, *failing], id=label))
    return found
