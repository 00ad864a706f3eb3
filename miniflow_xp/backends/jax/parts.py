"""A large step as calls of its parts, which XLA for the CPU compiles in half the time.

There compiling takes time that grows faster than the number of operations in one computation. A call is a computation
of its own where it stays a call: the compiler's pass that puts its contents in its place is left out. What is computed
is the same; but operations of two parts are not fused.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import jax

LARGE = 12_000  # equations; of half as many, parts are compiled no quicker
PART = 1_000  # operations; a step of shorter parts takes longer
STAY_CALLS = {"xla_disable_hlo_passes": "call-inliner"}
INNER = {"jit": "jaxpr", "pjit": "jaxpr", "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}
"""Equations that only call others, and where they have them: without the pass, these go into the equation's place."""


class Operation(NamedTuple):
    """A primitive operation; ``inputs``: numbers of values, or literals; ``outputs``: numbers."""

    primitive: Any
    params: dict[str, Any]
    inputs: list[Any]
    outputs: list[int]

    @property
    def reads(self) -> list[int]:
        """The numbers of the values that it reads."""
        return [i for i in self.inputs if type(i) is int]


@cache
def parts_stay() -> bool:
    """Does this JAX take the option that calls stay calls?"""
    try:
        jax.jit(lambda x: x + 1, compiler_options=STAY_CALLS)(1)
    except Exception:
        return False
    return True


def in_parts(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` in parts, to be traced by a ``jax.jit`` whose ``compiler_options`` are STAY_CALLS."""

    def run(*args: Any) -> Any:
        traced, form = jax.make_jaxpr(function, return_shape=True)(*args)
        numbers, operations = count(), list[Operation]()
        arrays = dict(zip(numbers, [*traced.consts, *jax.tree.leaves(args)], strict=False))
        results = operations_of(traced.jaxpr, list(arrays), numbers, operations)
        parts = [operations[n : n + PART] for n in range(0, len(operations), PART)]
        for part, outputs in zip(parts, wanted_of(parts, results), strict=True):
            made = {n for operation in part for n in operation.outputs}
            inputs = list(dict.fromkeys(n for operation in part for n in operation.reads if n not in made))
            arrays.update(zip(outputs, called(part, inputs, outputs)([arrays[n] for n in inputs]), strict=True))
        found = [arrays[r] if type(r) is int else r.val for r in results]
        return jax.tree.unflatten(jax.tree.structure(form), found)

    return run


def operations_of(jaxpr: Any, given: Sequence[Any], numbers: Iterator[int], found: list[Operation]) -> list[Any]:
    """Append the operations of a jaxpr; returns its results. ``given``: what its constants and arguments are."""
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], given, strict=True))

    def value(atom: Any) -> Any:
        return atom if hasattr(atom, "val") else known[atom]  # a literal

    for equation in jaxpr.eqns:
        inputs = [value(atom) for atom in equation.invars]
        inner = equation.params.get(INNER.get(equation.primitive.name, ""))
        if inner is not None and not inner.consts:
            outputs = operations_of(inner.jaxpr, inputs, numbers, found)
        else:
            outputs = [next(numbers) for _ in equation.outvars]
            found.append(Operation(equation.primitive, equation.params, inputs, outputs))
        known.update(zip(equation.outvars, outputs, strict=True))
    return [value(atom) for atom in jaxpr.outvars]


def wanted_of(parts: Sequence[Sequence[Operation]], results: Sequence[Any]) -> list[list[int]]:
    """For each part the values that it makes and that a later one reads, or that are results."""
    later = {r for r in results if type(r) is int}
    found = []
    for part in reversed(parts):
        found.append([n for operation in part for n in operation.outputs if n in later])
        later.update(n for operation in part for n in operation.reads)
    return found[::-1]


def called(part: Sequence[Operation], inputs: Sequence[int], outputs: Sequence[int]) -> Callable[..., list[Any]]:
    """A part as a function of its inputs, which is called, not traced into what calls it."""

    def run(arrays: list[Any]) -> list[Any]:
        known = dict(zip(inputs, arrays, strict=True))
        for primitive, params, given, made in part:
            values = primitive.bind(*[known[i] if type(i) is int else i.val for i in given], **params)
            known.update(zip(made, values if primitive.multiple_results else [values], strict=True))
        return [known[n] for n in outputs]

    found: Callable[..., list[Any]] = jax.jit(run)
    return found
