"""Products: matmul, vecdot, tensordot, outer and cross, and NumPy's dot, inner and vdot."""

from math import prod
from typing import Any

from miniflow_xp.arrays.tables import composed, rule
from miniflow_xp.broadcasting import summed_axes
from miniflow_xp.rules.algebra import conj


@rule("matmul")
def _matmul(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """ḡ Bᴴ and Aᴴ ḡ, a vector standing for a row on the left and for a column on the right."""
    row, column = len(a.shape) == 1, len(b.shape) == 1
    arriving = g[..., None] if column else g
    arriving = arriving[..., None, :] if row else arriving

    def of_left() -> Any:
        right = b[:, None] if column else b
        back = xp.matmul(arriving, conj(xp, xp.matrix_transpose(right)))
        return back[..., 0, :] if row else back

    def of_right() -> Any:
        left = a[None, :] if row else a
        many = len(left.shape) > 2 and len(b.shape) <= 2  # then one product stands for a stack of them and its sum
        rows, arrived = (in_rows(xp, left), in_rows(xp, arriving)) if many else (left, arriving)
        back = xp.matmul(conj(xp, xp.matrix_transpose(rows)), arrived)
        return back[..., 0] if column else back

    return of_left, of_right


def in_rows(xp: Any, x: Any) -> Any:
    """A stack of matrices as one, all rows below each other."""
    return xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))


@rule("vecdot")
def _vecdot(xp: Any, g: Any, y: Any, a: Any, b: Any, axis: int = -1) -> Any:
    """y = Σ ā b."""
    return lambda: conj(xp, xp.expand_dims(g, axis=axis)) * b, lambda: xp.expand_dims(g, axis=axis) * a


@rule("tensordot")
def _tensordot(xp: Any, g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    """As of matmul: ḡ with B, and A with ḡ; axes that come out in another order are put back."""
    of_a, of_b = summed_axes(axes, len(a.shape), len(b.shape))
    free_a = [n for n in range(len(a.shape)) if n not in of_a]
    free_b = [n for n in range(len(b.shape)) if n not in of_b]
    of_g = range(len(free_a) + len(free_b))  # axes are given as tuples: of no axes CuPy takes no lists

    def left() -> Any:
        back = xp.tensordot(g, conj(xp, b), axes=(tuple(of_g[len(free_a) :]), tuple(free_b)))
        return put_back(xp, back, free_a + [of_a[of_b.index(n)] for n in sorted(of_b)])

    def right() -> Any:
        back = xp.tensordot(conj(xp, a), g, axes=(tuple(free_a), tuple(of_g[: len(free_a)])))
        return put_back(xp, back, [of_b[of_a.index(n)] for n in sorted(of_a)] + free_b)

    return left, right


def put_back(xp: Any, x: Any, came_as: list[int]) -> Any:
    """x, whose axes are those of these numbers, with axes in order."""
    order = tuple([came_as.index(n) for n in range(len(came_as))])
    return x if order == tuple(range(len(order))) else xp.permute_dims(x, order)


@rule("linalg.outer")
def _outer(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    return lambda: xp.matmul(g, conj(xp, b)), lambda: xp.matmul(conj(xp, a), g)


@rule("linalg.cross")
def _cross(xp: Any, g: Any, y: Any, a: Any, b: Any, axis: int = -1) -> Any:
    return (
        lambda: xp.linalg.cross(conj(xp, b), g, axis=axis),
        lambda: xp.linalg.cross(g, conj(xp, a), axis=axis),
    )


@composed("dot")
def dot(xp: Any, a: Any, b: Any, /) -> Any:
    """As NumPy's: the last axis of a with the last but one of b; a product, where one has no axes."""
    if not a.shape or not b.shape:
        return a * b
    return xp.tensordot(a, b, axes=([len(a.shape) - 1], [max(len(b.shape) - 2, 0)]))


@composed("inner")
def inner(xp: Any, a: Any, b: Any, /) -> Any:
    """As NumPy's: the last axis of a with the last of b; a product, where one has no axes."""
    if not a.shape or not b.shape:
        return a * b
    return xp.tensordot(a, b, axes=([len(a.shape) - 1], [len(b.shape) - 1]))


@composed("vdot")
def vdot(xp: Any, a: Any, b: Any, /) -> Any:
    """Σ ā b over all elements."""
    return xp.vecdot(xp.reshape(a, (-1,)), xp.reshape(b, (-1,)))
