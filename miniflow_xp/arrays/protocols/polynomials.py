"""NumPy's old polynomials: coefficients in a vector, that of the highest power first."""

from typing import Any

from miniflow_xp.arrays.protocols.arguments import as_array, as_inexact, doubled, only, row_by_row
from miniflow_xp.arrays.protocols.tables import numpy


def vector(xp: Any, p: Any) -> Any:
    """Coefficients, or a number, as a vector of real or complex numbers."""
    return xp.atleast_1d(as_inexact(xp, p))


@numpy("polyval")
def polyval(xp: Any, p: Any, x: Any) -> Any:
    """By Horner's scheme."""
    x = as_array(xp, x)
    found = xp.zeros_like(x)
    for coefficient in xp.unstack(as_array(xp, p)):
        found = found * x + coefficient
    return found


@numpy("poly")
def poly(xp: Any, seq_of_zeros: Any) -> Any:
    roots = vector(xp, seq_of_zeros)
    roots = xp.linalg.eigvals(roots) if len(roots.shape) == 2 else roots
    found = xp.ones((1,), dtype=roots.dtype)
    for root in xp.unstack(roots):
        found = xp.convolve(found, xp.stack([xp.ones_like(root), -root]))
    return found


@numpy("polyadd")
def polyadd(xp: Any, a1: Any, a2: Any) -> Any:
    a, b = vector(xp, a1), vector(xp, a2)
    short, long = sorted((a, b), key=lambda p: p.shape[0])
    edge = xp.zeros((long.shape[0] - short.shape[0],), dtype=short.dtype)
    return xp.concat([edge, short]) + long


@numpy("polysub")
def polysub(xp: Any, a1: Any, a2: Any) -> Any:
    return polyadd(xp, a1, -vector(xp, a2))


@numpy("polymul")
def polymul(xp: Any, a1: Any, a2: Any) -> Any:
    return xp.convolve(vector(xp, a1), vector(xp, a2))


@numpy("polyder")
def polyder(xp: Any, p: Any, m: int = 1) -> Any:
    p = doubled(xp, vector(xp, p))
    for _ in range(m):
        size = p.shape[0]
        p = p[:-1] * xp.asarray([float(n) for n in range(size - 1, 0, -1)], dtype=p.dtype)
    return p


@numpy("polyint")
def polyint(xp: Any, p: Any, m: int = 1, k: Any = None) -> Any:
    p = doubled(xp, vector(xp, p))
    constants = [0.0] * m if k is None else list(k) if hasattr(k, "__iter__") else [k] * m
    for constant in constants:
        size = p.shape[0]
        powers = xp.asarray([float(n) for n in range(size, 0, -1)], dtype=p.dtype)
        p = xp.concat([p / powers, xp.reshape(xp.asarray(constant, dtype=p.dtype), (1,))])
    return p


@numpy("polyfit")
def polyfit(
    xp: Any, x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """The coefficients of least squares."""
    only("full", full, False)
    only("cov", cov, False)
    x, y = doubled(xp, vector(xp, x)), doubled(xp, vector(xp, y))
    columns = xp.vander(x, deg + 1)
    if w is not None:
        w = vector(xp, w)
        columns, y = columns * w[:, None], y * (w[:, None] if len(y.shape) == 2 else w)
    scale = xp.sqrt(xp.sum(columns * columns, axis=0))
    found = xp.linalg.lstsq(columns / scale, y, rtol=rcond)[0]
    return found / (scale[:, None] if len(y.shape) == 2 else scale)


@numpy("polydiv")
def polydiv(xp: Any, u: Any, v: Any) -> Any:
    """Quotient and remainder, by long division; leading zeros of the remainder, which are exact, are left out."""
    u, v = vector(xp, u), vector(xp, v)
    steps = u.shape[0] - v.shape[0] + 1
    parts: list[Any] = []
    for _ in range(max(steps, 0)):
        parts.append(u[0] / v[0])
        u = xp.concat([u[1 : v.shape[0]] - parts[-1] * v[1:], u[v.shape[0] :]])
    quotient = xp.stack(parts) if parts else xp.zeros((1,), dtype=u.dtype)
    return quotient, u if u.shape[0] else xp.zeros((1,), dtype=u.dtype)


@numpy("roots")
def roots(xp: Any, p: Any) -> Any:
    """Eigenvalues of the companion matrix; the first and the last coefficient must not be 0."""
    p = vector(xp, p)
    size = p.shape[0] - 1
    if size < 1:
        return xp.zeros((0,), dtype=p.dtype)
    first = -p[1:] / p[0]
    below = xp.eye(size, dtype=p.dtype)[:-1, :]
    return xp.linalg.eigvals(xp.concat([xp.reshape(first, (1, size)), below], axis=0))


@numpy("vander")
@row_by_row
def vander(xp: Any, x: Any, N: int | None = None, increasing: bool = False) -> Any:
    return xp.vander(doubled(xp, x), N, increasing)
