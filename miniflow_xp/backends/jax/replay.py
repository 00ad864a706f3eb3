"""A step in the form that JAX runs best: recorded, groups of equations joined, and traced by ``jax.jit``.

XLA on the CPU copies a tall transposed matrix before it multiplies; a contraction of the other axis avoids the copy.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from miniflow_xp.arrays.keys import Key
from miniflow_xp.arrays.operators import function_of
from miniflow_xp.arrays.refusals import NOT_RECORDED
from miniflow_xp.backend import Array
from miniflow_xp.backends.jax.bodies import Body
from miniflow_xp.backends.jax.boxes import MOVING, shape_at
from miniflow_xp.backends.jax.stacks import WEAK, windows
from miniflow_xp.broadcasting import summed_axes
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.fallback import is_of_the_step
from miniflow_xp.recording.patterns import Equation, ending_in, joined, sigmoid
from miniflow_xp.recording.tape import record

CONTRACT = {  # which axis of the left and of the right matrix a product sums over
    "matmul_left_transposed": ((0,), (0,)),
    "matmul_right_transposed": ((1,), (1,)),
}


def solve_transposed(a: Array, b: Array) -> Array:
    """Aᵀ y = b by the decomposition of A: where a system with A is solved as well, XLA decomposes it once for both."""
    return transposed(partial(jnp.linalg.solve, a), b, b)


def placed(values: Array, key: Key, shape: tuple[int, ...]) -> Array:
    """Zeros, but for ``values`` at an index: padding, which XLA fuses with what follows, as it does no scatter."""
    return transposed(lambda x: x[key], jax.ShapeDtypeStruct(shape, values.dtype), values)


def tensordot_from_right(a: Array, b: Array, axes: Any) -> Array:
    """Σ a b over these axes with the operands in the other order, and the axes of the result put back."""
    turned = jnp.tensordot(b, a, axes=(axes[1], axes[0]))
    ours = a.ndim - len(axes[0])  # of the result's axes, which stand last
    return jnp.moveaxis(turned, range(turned.ndim - ours, turned.ndim), range(ours))


def transposed(linear: Callable[[Array], Array], x: Any, y: Array) -> Array:
    """Jᵀ y of the linear function that takes arrays of the form of x to J x."""
    found: list[Array] = jax.linear_transpose(linear, x)(y)
    return found[0]


def loop(*inputs: Any, body: Body) -> list[Array]:
    """What a loop carries at its end, and the stacks of what its turns made."""
    return body.run(evaluate_on, *inputs)


JOINED: dict[str, Callable[..., Array]] = {
    "sigmoid": jax.nn.sigmoid,
    "solve_transposed": solve_transposed,
    "placed": placed,
    "tensordot_from_right": tensordot_from_right,
    "loop": loop,
    "windows": windows,
    **MOVING,
    **WEAK,
    **{op: partial(jax.lax.dot_general, dimension_numbers=(axes, ((), ()))) for op, axes in CONTRACT.items()},
}


Recorded = tuple[list[Value], list[Value]]
"""Equations and results."""


def recorded(function: Callable[..., Sequence[Array]], arrays: Sequence[Array]) -> Recorded | None:
    """The equations of a function, joined; from shapes alone, nothing is computed. None where they are not enough."""
    try:
        values, results = record(function, jnp, [form_of(a) for a in arrays], fold=False, call=Shapes())
    except NOT_RECORDED as error:
        if is_of_the_step(error):
            raise
        return None
    return joined(values, results, *PATTERNS), results


class Shapes:
    """What calls give as shapes and dtypes; each form of a call, which many layers share, is evaluated once."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Any, Any]] = {}

    def __call__(self, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        leaves, tree = jax.tree.flatten((args, keywords))
        key = function, tree, *map(key_of, leaves)
        if key not in self._known:
            self._known[key] = evaluated(function, tree, leaves), leaves  # which keeps masks, whose ids are in the key
        return self._known[key][0]


def key_of(leaf: Any) -> Any:
    """What the shape of a result depends on, of an argument."""
    if is_mask(leaf):
        return "mask", id(leaf)
    return form_of(leaf) if is_array(leaf) else (type(leaf), repr(leaf))


def is_mask(leaf: Any) -> bool:
    """Is this an array of truth values whose contents are known? As an index they say how many elements there are."""
    return is_array(leaf) and not isinstance(leaf, jax.ShapeDtypeStruct) and leaf.dtype == bool


def evaluated(function: Callable[..., Any], tree: Any, leaves: Sequence[Any]) -> Any:
    """The shape and dtype of one call; ``leaves``: its arguments and keywords, which ``tree`` puts together."""

    def call(arrays: dict[int, Array]) -> Any:
        args, keywords = jax.tree.unflatten(tree, [arrays.get(n, leaf) for n, leaf in enumerate(leaves)])
        return function(*args, **keywords)

    followed = {n: leaf for n, leaf in enumerate(leaves) if is_array(leaf) and not is_mask(leaf)}
    return jax.eval_shape(call, followed)


def is_array(item: Any) -> bool:
    """Is this an array, or does it stand for one?"""
    return isinstance(item, (jax.Array, np.ndarray, np.generic, jax.ShapeDtypeStruct))


def form_of(array: Any) -> jax.ShapeDtypeStruct:
    """What stands for an array: its shape and dtype; ``weak_type``: it takes the dtype of what it meets."""
    if isinstance(array, jax.ShapeDtypeStruct):
        return array
    return jax.ShapeDtypeStruct(array.shape, array.dtype, weak_type=getattr(array, "weak_type", False))


def evaluate(values: Sequence[Value], results: Sequence[Value], *arrays: Array) -> list[Array]:
    """The results of recorded equations for these arguments."""
    arguments = [value for value in values if value.op == "argument"]
    return evaluate_on(dict(zip(arguments, arrays, strict=True)), values, results)


def evaluate_on(known: dict[Value, Array], values: Sequence[Value], results: Sequence[Value]) -> list[Array]:
    """The results of equations, some of whose values are ``known``, which the others join."""

    def array(value: Value) -> Array:
        if value not in known:
            known[value] = from_diagonal(value.content)
        return known[value]

    for value in values:
        if value not in known:
            native = JOINED.get(value.op) or function_of(value.op, jnp)
            known[value] = native(*value.inputs_with(array), **value.keywords)
    return [array(r) for r in results]


def from_diagonal(content: Any) -> Any:
    """A constant as it is; but a matrix that is one number, with another on its diagonal, made of these two.

    An identity matrix is so a part of what XLA fuses, instead of memory that it reads.
    """
    if not (is_here(content) and content.ndim == 2 and min(content.shape) > 1 and content.dtype.kind in "fc"):
        return content
    host = np.asarray(content)
    rows, columns = host.shape
    on, off = host[0, 0], host[0, 1]
    if host[0, 1:].tobytes() != np.full_like(host[0, 1:], off).tobytes():  # most others are told by their first row
        return content
    same = np.where(np.eye(rows, columns, dtype=bool), on, off).tobytes() == host.tobytes()
    return jnp.where(jnp.eye(rows, columns, dtype=bool), on, off) if same else content


def is_here(content: Any) -> bool:
    """Is this an array of JAX's whose contents are known, to this process as a whole?"""
    return isinstance(content, jax.Array) and not isinstance(content, jax.core.Tracer) and content.is_fully_addressable


@ending_in("matmul")
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


@ending_in("linalg.solve")
def system_of_transposed(value: Value) -> Equation | None:
    """Aᵀ y = b, where b has the form of y; but for an A that is transposed itself, which XLA finds to be none."""
    match value:
        case Value(op="linalg.solve", inputs=(Value(op="matrix_transpose", inputs=(a,)), b)):
            fits = b.shape == value.shape and b.dtype == value.dtype and a.op != "matrix_transpose"
            return ("solve_transposed", (a, b)) if fits else None
    return None


@ending_in("tensordot")
def gradient_of_product_with_slice(value: Value) -> Equation | None:
    """A slice and a gradient, summed over most axes of the slice, as they are for what the slice was multiplied with.

    With the slice on the right XLA copies it as for that product, and so once for both.
    """
    match value:
        case Value(op="tensordot", inputs=(Value(op="getitem") as a, Value() as b)):
            of_a, of_b = summed_axes(value.keywords.get("axes", 2), len(a.shape), len(b.shape))
            sums_most = 2 * len(of_a) > len(a.shape)
            return ("tensordot_from_right", (a, b), {"axes": (of_a, of_b)}) if sums_most else None
    return None


@ending_in("setitem")
def update_of_zeros(value: Value) -> Equation | None:
    """What is written into zeros at an index of integers and slices, all of which are there."""
    match value:
        case Value(op="setitem", inputs=(Value(op="zeros_like", shape=shape), key, Value() as new)):
            key = key.content if isinstance(key, Value) and key.is_number else key
            fits = new.dtype == value.dtype and new.shape == shape_at(key, shape)
            return ("placed", (new,), {"key": key, "shape": shape}) if fits else None
    return None


PATTERNS = (
    sigmoid,
    product_of_transposed,
    system_of_transposed,
    gradient_of_product_with_slice,
    update_of_zeros,
)
