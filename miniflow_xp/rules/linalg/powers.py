"""Functions of a square matrix that are power series: matrix_power, expm."""

from collections.abc import Callable
from math import ceil, factorial, log2
from typing import Any

from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.tables import native
from miniflow_xp.arrays.updates import call
from miniflow_xp.rules.linalg.matrices import adjoint, identity, matrix_rule


@matrix_rule("linalg.matrix_power")
def _matrix_power(xp: Any, g: Any, y: Any, x: Any, n: int) -> Any:
    return of_blocks(xp, g, x, lambda block: xp.linalg.matrix_power(block, n))


@matrix_rule("linalg.expm")
def _expm(xp: Any, g: Any, y: Any, x: Any) -> Any:
    unit = magnitude(xp, g)  # the larger a block, the more often it would be squared
    return unit * of_blocks(xp, g / unit, x, lambda block: call(xp, "linalg.expm", block))


def of_blocks(xp: Any, g: Any, x: Any, function: Callable[[Any], Any]) -> Any:
    """f([[A, ḡ], [0, A]]) = [[f(A), L], [0, f(A)]] with A = Xᴴ: L, the derivative at A along ḡ, is the gradient.

    Mathias (1996).
    """
    a, n = adjoint(xp, x), x.shape[-1]
    block = xp.concat([xp.concat([a, g], axis=-1), xp.concat([xp.zeros_like(a), a], axis=-1)], axis=-2)
    return function(block)[..., :n, n:]


def magnitude(xp: Any, g: Any) -> Any:
    """A power of two near Σ|ḡ| for each matrix, which is constant for all gradients; 1 for 0."""
    total = xp.sum(xp.abs(g), axis=(-2, -1), keepdims=True)
    return 2.0 ** xp.ceil(xp.log2(xp.where(total == 0, xp.ones_like(total), total)))


DEGREE = 13
RADIUS = 5.371920351148152  # of the norm, up to which Padé's approximant of degree 13 is exact to 2⁻⁵³: Higham (2005)


@native("linalg.expm")
def expm(xp: Any, x: Any, /) -> Any:
    """e^X of square matrices: by the library where it has one, else by Padé's approximant, scaling and squaring."""
    name = name_of_library(xp)
    if name == "torch":
        return xp.linalg.matrix_exp(x)
    if name == "jax":
        from jax.scipy.linalg import expm as of_jax

        return of_jax(x, max_squarings=64)
    return by_scaling_and_squaring(xp, x)


def by_scaling_and_squaring(xp: Any, x: Any) -> Any:
    """e^X = (e^(X / 2ˢ))^(2ˢ), with s so large that the approximant is exact for the largest matrix of a stack."""
    norm = float(xp.max(xp.sum(xp.abs(x), axis=-2))) if 0 not in x.shape else 0.0
    squarings = max(0, ceil(log2(norm / RADIUS))) if 0 < norm < float("inf") else 0
    result = approximant(xp, x / 2.0**squarings)
    for _ in range(squarings):
        result = xp.matmul(result, result)
    return result


def approximant(xp: Any, x: Any) -> Any:
    """Padé's approximant of e^X: (V - U)⁻¹ (V + U), U and V the odd and the even part of its numerator."""
    m = DEGREE
    weights = [factorial(2 * m - k) / (factorial(m - k) * factorial(k)) for k in range(m + 1)]
    square, eye = xp.matmul(x, x), identity(xp, x)
    odd, even = weights[13] * eye, weights[12] * eye
    for k in range(m - 2, 0, -2):
        odd, even = xp.matmul(odd, square) + weights[k] * eye, xp.matmul(even, square) + weights[k - 1] * eye
    odd = xp.matmul(odd, x)
    return xp.linalg.solve(even - odd, even + odd)
