"""What rules for matrices share: products and transposes, identities, and quotients that may be undetermined."""

from collections.abc import Callable
from functools import reduce
from typing import Any

from miniflow_xp.arrays.libraries import device_of
from miniflow_xp.arrays.tables import RULES
from miniflow_xp.dtypes import is_complex
from miniflow_xp.rules.algebra import conj, real


def matrix_rule(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: ``gradient(xp, g, y, x, **keywords)`` of a function of a matrix, or a stack; never called on none."""

    def enter(gradient: Callable[..., Any]) -> Callable[..., Any]:
        def rule(xp: Any, g: Any, y: Any, x: Any, *more: Any, **keywords: Any) -> Any:
            def back() -> Any:
                return xp.zeros_like(x) if 0 in x.shape else gradient(xp, g, y, x, *more, **keywords)

            return back, *[None] * len(more)

        for name in names:
            RULES[name] = rule
        return gradient

    return enter


def product(xp: Any, *matrices: Any) -> Any:
    """The product A B C …."""
    return reduce(xp.matmul, matrices)


def adjoint(xp: Any, x: Any) -> Any:
    """Xᴴ, the conjugate transpose."""
    return conj(xp, xp.matrix_transpose(x))


def scale(number: Any) -> Any:
    """A number for each matrix of a stack, in a shape to multiply the matrices with."""
    return number[..., None, None]


def identity(xp: Any, like: Any, offset: int = 0) -> Any:
    """Ones on a diagonal of a matrix in the shape of ``like``; of one for the whole stack."""
    rows, columns = like.shape[-2:]
    return xp.eye(rows, columns, k=offset, dtype=like.dtype, device=device_of(like))


def outer_identity(xp: Any, vector: Any) -> Any:
    """The identity matrix of as many rows and columns as a vector has elements."""
    return xp.eye(vector.shape[-1], dtype=vector.dtype, device=device_of(vector))


def diagonal_matrix(xp: Any, vector: Any) -> Any:
    """Matrices with the vector v on the diagonal."""
    return outer_identity(xp, vector) * vector[..., None, :]


def diagonal(xp: Any, x: Any) -> Any:
    """The diagonal of a square matrix, as a vector."""
    return xp.sum(x * identity(xp, x), axis=-1)


def rounding(xp: Any, values: Any) -> Any:
    """ε Σ|v|, in shape (…, 1): what lies closer together than this differs by rounding alone."""
    size = xp.abs(values)
    return xp.finfo(size.dtype).eps * xp.sum(size, axis=-1, keepdims=True)


def nan_where(xp: Any, undefined: Any, x: Any) -> Any:
    """x, and NaN where the mathematics defines none: as a factor, which derivatives along a direction have as well."""
    size = real(xp, x)
    return x * xp.where(undefined, xp.full_like(size, float("nan")), xp.ones_like(size))


def inverse_where(xp: Any, undefined: Any, x: Any) -> Any:
    """X⁻¹, and NaN for those matrices that are marked as having none; no library raises."""
    return nan_where(xp, undefined, xp.linalg.inv(xp.where(undefined, identity(xp, x), x)))


def quotient(xp: Any, numerator: Any, gap: Any, tied: Any) -> Any:
    """n / gap; NaN where values are tied, as the gap is 0: which vectors belong to them is not determined.

    It is NaN for n = 0 too: of 0 / 0 the limit is known to nobody. So it is not to be asked where no gradient arrives.
    """
    return numerator * nan_where(xp, tied, 1 / xp.where(tied, xp.ones_like(gap), gap))


def differences(xp: Any, values: Any) -> Any:
    """The matrix v_j - v_i."""
    return values[..., None, :] - values[..., :, None]


def nan_where_phase_matters(xp: Any, back: Any, inner: Any, g_values: Any) -> Any:
    """``back``, and NaN where a loss depends on the phases of complex vectors, which every library chooses its own way.

    ``inner`` is Vᴴ ḡ_V (for singular vectors the sum of both): its diagonal is imaginary along a phase, and 0 there but
    for rounding, of which √ε of everything that arrived leaves enough.
    """
    if not is_complex(inner):
        return back
    along = xp.abs(diagonal(xp, inner - adjoint(xp, inner)))
    arrived = xp.sum(xp.abs(inner), axis=(-2, -1)) + xp.sum(xp.abs(g_values), axis=-1)
    bound = xp.finfo(along.dtype).eps ** 0.5 * arrived
    return nan_where(xp, scale(xp.any(along > bound[..., None], axis=-1)), back)
