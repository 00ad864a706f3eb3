"""A step in the form that JAX runs best: recorded, groups of equations joined, and traced by ``jax.jit``.

XLA on the CPU copies a tall transposed matrix before it multiplies; a contraction of the other axis avoids the copy.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp

from miniflow_xp.arrays.operators import function_of
from miniflow_xp.arrays.refusals import NOT_RECORDED
from miniflow_xp.backend import Array
from miniflow_xp.errors import JitError
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.patterns import Equation, joined, sigmoid
from miniflow_xp.recording.tape import record

CONTRACT = {  # which axis of the left and of the right matrix a product sums over
    "matmul_left_transposed": ((0,), (0,)),
    "matmul_right_transposed": ((1,), (1,)),
}
JOINED: dict[str, Callable[..., Array]] = {
    "sigmoid": jax.nn.sigmoid,
    **{op: partial(jax.lax.dot_general, dimension_numbers=(axes, ((), ()))) for op, axes in CONTRACT.items()},
}


Recorded = tuple[list[Value], list[Value]]
"""Equations and results."""


def recorded(function: Callable[..., Sequence[Array]], arrays: Sequence[Array]) -> Recorded | None:
    """The equations of a function, joined; from shapes alone, nothing is computed. None where they are not enough."""
    found: list[Recorded] = []
    try:
        jax.eval_shape(lambda *given: found.append(record(function, jnp, given, fold=False)), *arrays)
    except JitError:
        raise
    except NOT_RECORDED:
        pass
    if not found:
        return None
    values, results = found[0]
    needed = {p for v in values for p in v.parents} | set(results)
    if any(isinstance(v.content, jax.core.Tracer) for v in needed):  # made of nothing recorded, and gone with the trace
        return None
    return joined(values, results, sigmoid, product_of_transposed), results


def evaluate(values: Sequence[Value], results: Sequence[Value], *arrays: Array) -> list[Array]:
    """The results of recorded equations for these arguments."""
    arguments = iter(arrays)
    found: dict[Value, Array] = {}

    def array(value: Value) -> Array:
        return value.content if value.is_constant else found[value]

    for value in values:
        if value.op == "argument":
            found[value] = next(arguments)
        else:
            native = JOINED.get(value.op) or function_of(value.op, jnp)
            found[value] = native(*value.inputs_with(array), **value.keywords)
    return [array(r) for r in results]


def product_of_transposed(value: Value) -> Equation | None:
    """Aᵀ B or A Bᵀ, of matrices of one dtype."""
    if any(len(p.shape) != 2 or p.dtype != value.dtype for p in value.parents):
        return None
    match value:
        case Value(op="matmul", inputs=(Value(op="matrix_transpose", inputs=(a,)), b)):
            return "matmul_left_transposed", (a, b)
        case Value(op="matmul", inputs=(a, Value(op="matrix_transpose", inputs=(b,)))):
            return "matmul_right_transposed", (a, b)
    return None
