"""Ufuncs: which function of the standard each is, and those that are an expression of a few."""

from math import log, pi
from typing import Any

from miniflow_xp.arrays.protocols.arguments import as_array, pair
from miniflow_xp.arrays.protocols.tables import OPERATIONS, ufunc
from miniflow_xp.dtypes import is_complex

SAME = """
    add subtract multiply divide floor_divide remainder negative positive exp expm1 log log2 log10 log1p sqrt square
    reciprocal sin cos tan sinh cosh tanh hypot sign maximum minimum logaddexp copysign nextafter matmul vecdot
    equal not_equal less less_equal greater greater_equal logical_and logical_or logical_not logical_xor
    isnan isinf isfinite signbit floor ceil trunc bitwise_and bitwise_or bitwise_xor
"""
RENAMED = {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "conjugate": "conj",
    "fabs": "abs",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "power": "pow",
    "right_shift": "bitwise_right_shift",
    "rint": "round",
}
OPERATIONS.update({name: name for name in SAME.split()} | RENAMED)


@ufunc("exp2")
def exp2(xp: Any, x: Any) -> Any:
    """2ˣ."""
    return 2.0**x


@ufunc("cbrt")
def cbrt(xp: Any, x: Any) -> Any:
    """The real cube root, of negative numbers too; its slope at 0 is infinite."""
    root = xp.where(x < 0, -x, x) ** (1 / 3)
    return xp.where(x < 0, -root, root)


@ufunc("degrees", "rad2deg")
def degrees(xp: Any, x: Any) -> Any:
    """180 x / π."""
    return x * (180 / pi)


@ufunc("radians", "deg2rad")
def radians(xp: Any, x: Any) -> Any:
    """π x / 180."""
    return x * (pi / 180)


@ufunc("logaddexp2")
def logaddexp2(xp: Any, a: Any, b: Any) -> Any:
    """log₂(2ᵃ + 2ᵇ)."""
    return xp.logaddexp(a * log(2), b * log(2)) / log(2)


@ufunc("float_power")
def float_power(xp: Any, a: Any, b: Any) -> Any:
    """aᵇ, computed in double precision at least."""
    return in_double(xp, a) ** in_double(xp, b)


def in_double(xp: Any, x: Any) -> Any:
    """Real or complex numbers in double precision; a Python number as it is."""
    if isinstance(x, (int, float, complex)) and not hasattr(x, "dtype"):
        return float(x) if isinstance(x, int) else x
    x = as_array(xp, x)
    return xp.astype(x, xp.complex128 if is_complex(x) else xp.float64)


@ufunc("fmax")
def fmax(xp: Any, a: Any, b: Any) -> Any:
    """The larger, or the one that is no NaN."""
    return xp.maximum(*without_nan(xp, a, b))


@ufunc("fmin")
def fmin(xp: Any, a: Any, b: Any) -> Any:
    """The smaller, or the one that is no NaN."""
    return xp.minimum(*without_nan(xp, a, b))


def without_nan(xp: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Each, with the other in its place where it is NaN."""
    a, b = xp.broadcast_arrays(*pair(xp, a, b))
    first = xp.where(xp.isnan(a), b, a)
    return first, xp.where(xp.isnan(b), first, b)


@ufunc("fmod")
def fmod(xp: Any, a: Any, b: Any) -> Any:
    """a less a whole multiple of b, with the sign of a."""
    a, b = pair(xp, a, b)
    rest = xp.remainder(xp.where(a < 0, -a, a), xp.where(b < 0, -b, b))
    return xp.where(a < 0, -rest, rest)


@ufunc("divmod")
def divmod_(xp: Any, a: Any, b: Any) -> Any:
    """The whole quotient, which has no gradient, and the remainder."""
    return xp.floor_divide(a, b), xp.remainder(a, b)


@ufunc("modf")
def modf(xp: Any, x: Any) -> Any:
    """What is behind the point, and what is before it, which has no gradient."""
    whole = xp.trunc(x)
    return xp.where(xp.isinf(x), xp.copysign(xp.zeros_like(x), x), x - whole), whole


@ufunc("heaviside")
def heaviside(xp: Any, x: Any, at_0: Any) -> Any:
    """0 below 0 and 1 above it, ``at_0`` at 0: a gradient goes there alone."""
    x, at_0 = pair(xp, x, at_0)
    kind = xp.result_type(x.dtype, at_0.dtype)
    found = xp.where(x == 0, at_0, xp.astype(x > 0, kind))
    return xp.where(xp.isnan(x), xp.full_like(found, float("nan")), found)


@ufunc("ldexp")
def ldexp(xp: Any, x: Any, exponent: Any) -> Any:
    """x 2ⁿ."""
    x = as_array(xp, x)
    return x * 2.0 ** xp.astype(as_array(xp, exponent), x.dtype)


@ufunc("matvec")
def matvec(xp: Any, matrix: Any, vector: Any) -> Any:
    """Products of matrices with vectors: the last axes of both are summed over."""
    return xp.matmul(as_array(xp, matrix), as_array(xp, vector)[..., None])[..., 0]


@ufunc("vecmat")
def vecmat(xp: Any, vector: Any, matrix: Any) -> Any:
    """Products of vectors, conjugated, with matrices."""
    vector = as_array(xp, vector)
    row = xp.conj(vector) if is_complex(vector) else vector
    return xp.matmul(row[..., None, :], as_array(xp, matrix))[..., 0, :]
