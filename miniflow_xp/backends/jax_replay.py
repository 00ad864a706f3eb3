"""A step as JAX runs it best: recorded while ``jax.jit`` traces it, some equations joined into one of JAX's functions.

XLA on the CPU copies a tall transposed matrix before it multiplies; told to contract the other axis, it does not.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from miniflow_xp.backend import Array
from miniflow_xp.joining import Equation, sigmoid
from miniflow_xp.trace import BY_OPERATOR, NOT_RECORDED, Value, record

CONTRACT = {  # which axis of the left and of the right matrix a product sums over
    "matmul_left_transposed": ((0,), (0,)),
    "matmul_right_transposed": ((1,), (1,)),
}
JOINED: dict[str, Callable[..., Array]] = {
    "sigmoid": jax.nn.sigmoid,
    **{op: partial(jax.lax.dot_general, dimension_numbers=(axes, ((), ()))) for op, axes in CONTRACT.items()},
}


def replay(function: Callable[..., Sequence[Array]], arrays: Sequence[Array]) -> Sequence[Array]:
    """What ``function(jnp, *arrays)`` gives, by joined equations where it can be recorded."""
    with suppress(*NOT_RECORDED):
        return evaluate(*record(function, jnp, arrays), arrays)
    return function(jnp, *arrays)


def evaluate(values: Sequence[Value], results: Sequence[Value], arrays: Sequence[Array]) -> list[Array]:
    """The results of recorded equations for these arguments."""
    arguments = iter(arrays)
    found: dict[Value, Array] = {}
    for value in values:
        op, inputs = joined(value)
        if op == "argument":
            found[value] = next(arguments)
        else:
            native = JOINED.get(op) or BY_OPERATOR.get(op) or getattr(jnp, op)
            found[value] = native(*[resolve(i, found) for i in inputs], **value.keywords)
    return [resolve(r, found) for r in results]


def resolve(item: Any, found: dict[Value, Array]) -> Any:
    """An input of an equation, as the function is to be given it."""
    if isinstance(item, Value):
        return item.content if item.is_constant else found[item]
    return [resolve(i, found) for i in item] if isinstance(item, list) else item


def joined(value: Value) -> Equation:
    """The function that computes a value, by name, and its inputs."""
    for pattern in (sigmoid, product_of_transposed):
        found = pattern(value)
        if found is not None:
            return found
    return value.op, value.inputs


def product_of_transposed(value: Value) -> Equation | None:
    """Aᵀ B or A Bᵀ, of matrices of one dtype."""
    if any(len(p.shape) != 2 or p.dtype != value.dtype for p in value.parents()):
        return None
    match value:
        case Value(op="matmul", inputs=(Value(op="matrix_transpose", inputs=(a,)), b)):
            return "matmul_left_transposed", (a, b)
        case Value(op="matmul", inputs=(a, Value(op="matrix_transpose", inputs=(b,)))):
            return "matmul_right_transposed", (a, b)
    return None
