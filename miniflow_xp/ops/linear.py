"""Matrix products: MatMul, what ``a @ b`` builds, and Linear."""

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import broadcast, shape_of
from miniflow_xp.errors import ShapeError
from miniflow_xp.node import Node, Operand, Thunk, operator


@operator("@")
class MatMul(Node):
    """A B; A is (…, n, m), B (…, m, k), the result (…, n, k). A 1-D A is a row, a 1-D B a column, as in ``matmul``."""

    takes_numbers = False

    def __init__(self, a: Operand, b: Operand, name: str | None = None) -> None:
        super().__init__([a, b], name)

    def check(self, a: Array, b: Array) -> None:
        check_product(self, a, b, "A", "B")

    def compute(self, xp: Namespace, a: Array, b: Array) -> Array:
        return product(xp, a, b)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, a: Array, b: Array) -> tuple[Thunk, Thunk]:
        return lambda: left_gradient(xp, gradient, a, b), lambda: right_gradient(xp, gradient, a, b)


class Linear(Node):
    """X W + b; X is (n, d), W (d, k), b (k,), the result (n, k). X may be one example (d,), W one column (d,)."""

    def __init__(self, X: Operand, W: Operand, b: Operand, name: str | None = None) -> None:
        super().__init__([X, W, b], name)

    def check(self, X: Array, W: Array, b: Array) -> None:
        product = check_product(self, X, W, "X", "W")
        if broadcast(product, shape_of(b)) != product:
            raise ShapeError(
                str(self),
                f"X W is {product} but b is {shape_of(b)}",
                f"b must broadcast to {product}",
                f"Give b the shape {product[-1:]}",
            )

    def compute(self, xp: Namespace, X: Array, W: Array, b: Array) -> Array:
        return product(xp, X, W) + b

    def vjp(
        self, xp: Namespace, gradient: Array, value: Array, X: Array, W: Array, b: Array
    ) -> tuple[Thunk, Thunk, Thunk]:
        return lambda: left_gradient(xp, gradient, X, W), lambda: right_gradient(xp, gradient, X, W), lambda: gradient


def product(xp: Namespace, a: Array, b: Array) -> Array:
    """A B in the dtype that both are promoted to; not every library's ``matmul`` takes two dtypes."""
    if a.dtype != b.dtype:
        common = xp.result_type(a.dtype, b.dtype)
        a, b = (x if x.dtype == common else xp.astype(x, common) for x in (a, b))
    return xp.matmul(a, b)


def left_gradient(xp: Namespace, gradient: Array, a: Array, b: Array) -> Array:
    """G Bᵀ: the gradient of A in A B."""
    g, _, b2 = as_matrices(xp, gradient, a, b)
    result = product(xp, g, xp.matrix_transpose(b2))
    return xp.squeeze(result, axis=-2) if a.ndim == 1 else result


def right_gradient(xp: Namespace, gradient: Array, a: Array, b: Array) -> Array:
    """Aᵀ G: the gradient of B in A B."""
    g, a2, _ = as_matrices(xp, gradient, a, b)
    result = product(xp, xp.matrix_transpose(a2), g)
    return xp.squeeze(result, axis=-1) if b.ndim == 1 else result


def as_matrices(xp: Namespace, gradient: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Gradient, A and B with the axes that ``matmul`` adds to 1-D operands and takes from their product."""
    if b.ndim == 1:
        gradient, b = xp.expand_dims(gradient, axis=-1), xp.expand_dims(b, axis=-1)
    if a.ndim == 1:
        gradient, a = xp.expand_dims(gradient, axis=-2), xp.expand_dims(a, axis=0)
    return gradient, a, b


def check_product(node: Node, a: Array, b: Array, a_name: str, b_name: str) -> tuple[int, ...]:
    """Shape of A B; raises ShapeError where there is none."""
    left, right = shape_of(a), shape_of(b)

    def no_product(rule: str, remedy: str) -> ShapeError:
        return ShapeError(str(node), f"{a_name} is {left} but {b_name} is {right}", rule, remedy)

    if not left or not right:
        raise no_product("a matrix product needs at least one axis in each", "Use * to multiply by a number")
    if left[-1] != right[-2:][0]:
        rule = f"the last axis of {a_name} ({left[-1]}) must equal the first of {b_name} ({right[-2:][0]})"
        raise no_product(rule, f"Reshape or transpose {a_name} or {b_name}")
    stack = broadcast(left[:-2], right[:-2])
    if stack is None:
        raise no_product("the axes before the last two must broadcast", f"Give {a_name} or {b_name} axes of size 1")
    return stack + left[-2:-1] + (right[-1:] if len(right) > 1 else ())
