"""Systems of linear equations A x = b, of which only products v ↦ A v are known: dense, cg, gmres."""

from collections.abc import Callable
from math import inf, isfinite, sqrt
from typing import Any

import miniflow_xp.dtypes as dtypes
from miniflow_xp.arrays.libraries import device_of
from miniflow_xp.arrays.namespace import functions_of
from miniflow_xp.checks import one_of
from miniflow_xp.errors import ConvergenceError

Product = Callable[[Any], Any]
"""v ↦ A v of vectors of the device."""

DENSE = 256
"""As many unknowns have their matrix made where no solver is chosen; more are solved for by products alone."""

RESTART = 40  # vectors that gmres keeps
EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}


def solved(product: Product, b: Any, solver: str | None, symmetric: bool = False) -> Any:
    """The x, (n,), with A x = b.

    ``solver``: ``dense`` makes A by n products, ``cg`` is for symmetric positive definite matrices, ``gmres`` for all;
    None is dense up to 256 unknowns, then cg where A is ``symmetric``, else gmres. Raises ConvergenceError where A is
    singular, or the iterations end without a solution.
    """
    name = solver or ("dense" if b.shape[0] <= DENSE else "cg" if symmetric else "gmres")
    one_of(name, SOLVERS, "solver")
    length = norm(b)
    if length == 0.0:
        return b
    if length == inf:
        raise ConvergenceError(
            f"{name} for {b.shape[0]} unknowns",
            "its right side is not finite",
            "a solution belongs to finite numbers",
            "Look for the NaN, or the infinite number, by calling the function there",
        )
    x = SOLVERS[name](product, b)
    left = norm(product(x) - b) / length
    if not left <= allowed(b):
        raise ConvergenceError(
            f"{name} for {b.shape[0]} unknowns",
            f"of the right side {left:.1e} is left",
            f"at most {allowed(b):.1e} may be: the matrix is singular, or nearly so, or the solver does not fit it",
            "Look at the equations: at a solution that is not isolated there is no gradient. Or choose dense, or gmres",
        )
    return x


def dense(product: Product, b: Any) -> Any:
    """By the matrix itself; raises ConvergenceError where it is singular to working precision."""
    xp, n = functions_of(b), b.shape[0]
    eye = xp.eye(n, dtype=b.dtype, device=device_of(b))
    matrix = xp.stack([product(eye[k, :]) for k in range(n)], axis=1)
    values = xp.linalg.svdvals(matrix)
    most, least = float(values[0]), float(values[-1])
    if not least > n * epsilon(b) * most:
        raise ConvergenceError(
            f"dense for {n} unknowns",
            f"its matrix has singular values from {most:.1e} to {least:.1e}",
            "a solution is isolated where the matrix has an inverse",
            "Look at the equations: at a solution that is not isolated there is no gradient",
        )
    return xp.linalg.solve(matrix, b[:, None])[:, 0]


def cg(product: Product, b: Any) -> Any:
    """Conjugate gradients (Hestenes and Stiefel 1952)."""
    x, r, p = 0 * b, b, b
    square, end = dot(r, r), (allowed(b) * norm(b) / 4) ** 2
    for _ in range(10 * b.shape[0]):
        ap = product(p)
        curvature = dot(p, ap)
        if square <= end or not curvature > 0.0:
            break
        step = square / curvature
        x, r = x + step * p, r - step * ap
        square, before = dot(r, r), square
        p = r + (square / before) * p
    return x


def gmres(product: Product, b: Any) -> Any:
    """Generalised minimal residuals, started again every 40 vectors (Saad and Schultz 1986)."""
    x, end = 0 * b, allowed(b) * norm(b) / 4
    for _ in range(max(10, 10 * b.shape[0] // RESTART)):
        r = b - product(x)
        if not norm(r) > end:
            break
        x = x + correction(product, r, end)
    return x


def correction(product: Product, r: Any, end: float) -> Any:
    """The vector of the Krylov space of r that comes nearest to A⁻¹ r, by Arnoldi's process."""
    import numpy as np

    length = norm(r)
    basis = [r / length]
    h = np.zeros((RESTART + 1, RESTART))
    for k in range(min(RESTART, r.shape[0])):
        w = product(basis[k])
        for _ in range(2):  # once more, as rounding leaves a part
            for j, q in enumerate(basis):
                part = dot(q, w)
                h[j, k] += part
                w = w - part * q
        h[k + 1, k] = norm(w)
        right = np.zeros(k + 2)
        right[0] = length
        weights = np.linalg.lstsq(h[: k + 2, : k + 1], right, rcond=None)[0]
        if not h[k + 1, k] > epsilon(r) * length or np.linalg.norm(h[: k + 2, : k + 1] @ weights - right) <= end:
            break
        basis.append(w / float(h[k + 1, k]))
    return sum(
        (float(weight) * q for weight, q in zip(weights[1:], basis[1:], strict=False)), float(weights[0]) * basis[0]
    )


SOLVERS: dict[str, Callable[[Product, Any], Any]] = {"dense": dense, "cg": cg, "gmres": gmres}


def dot(x: Any, y: Any) -> float:
    """Σ xᵢ yᵢ, on the host."""
    return float(functions_of(x).sum(x * y))


def norm(x: Any) -> float:
    """√Σ xᵢ², also where squares overflow; infinite where a number is not finite."""
    xp = functions_of(x)
    most = float(xp.max(xp.abs(x)))
    if not isfinite(most):
        return inf
    return most * sqrt(dot(x / most, x / most)) if most > 0 else 0.0


def epsilon(x: Any) -> float:
    """The distance from 1 to the next number of the dtype."""
    return EPSILON[dtypes.name_of(x)]


def allowed(x: Any) -> float:
    """The part of the right side that may be left, ε^⅔: 4e-11 in float64, 2e-5 in float32."""
    found: float = epsilon(x) ** (2 / 3)
    return found
