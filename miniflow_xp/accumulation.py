"""What sums, counts, squares and norms are computed in: float32 where the numbers have half precision.

float16 ends at 65,504 and counts to 2,048, bfloat16 counts to 256: a few ordinary numbers add up to more.
"""

from collections.abc import Sequence
from functools import reduce

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Namespace


def wide(xp: Namespace, x: Array) -> Array:
    """``x`` in the dtype that it is added up in: float32 for half precision, else its own."""
    return xp.astype(x, xp.float32) if dtypes.name_of(x) in dtypes.HALVES else x


def as_wide_as(xp: Namespace, x: Array, model: Array) -> Array:
    """``x`` in the dtype of ``model``."""
    return x if x.dtype == model.dtype else xp.astype(x, model.dtype)


def clipped(xp: Namespace, arrays: Sequence[Array], limit: float) -> list[Array]:
    """x min(1, limit / ‖x‖₂) of all arrays together, half precision as float32; all NaN where one is not finite.

    Before they are squared, they are multiplied by the inverse of the largest element, or of the limit where that is
    larger, in two halves, as some libraries flush what is as small as an inverse can be to 0: so any size has a norm.
    """
    arrays = [wide(xp, x) for x in arrays]
    widest = max(arrays, key=lambda x: dtypes.FLOATS.index(dtypes.name_of(x)))
    largest = reduce(xp.maximum, [as_wide_as(xp, xp.max(xp.abs(x)), widest) for x in arrays])
    half = 1 / xp.sqrt(xp.where(largest > limit, largest, limit))
    parts = [x * as_wide_as(xp, half, x) * as_wide_as(xp, half, x) for x in arrays]
    norm = xp.sqrt(sum(as_wide_as(xp, xp.sum(part * part), widest) for part in parts))
    fits = xp.logical_and(largest <= limit, norm <= 1)
    scale = limit / xp.where(fits, 1.0, norm)
    return [xp.where(fits, x, part * as_wide_as(xp, scale, x)) for x, part in zip(arrays, parts, strict=True)]
