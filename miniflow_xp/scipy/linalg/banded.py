"""Systems of equations with a banded matrix, in SciPy's form: a[i, j] stands at ab[upper + i - j, j]."""

from typing import Any

import numpy as np

from miniflow_xp.rules.algebra import conj
from miniflow_xp.scipy.border import at_border, scipy_linalg
from miniflow_xp.scipy.substitutes import picked


def of_scipy(ab: Any, b: Any, *, lower: int, upper: int) -> Any:
    """The solution of a banded system of NumPy's arrays."""
    return scipy_linalg("solve_banded").solve_banded((lower, upper), ab, b)


@at_border("solve_banded", of_scipy)
def solve_banded(xp: Any, g: Any, y: Any, ab: Any, b: Any, *, lower: int, upper: int) -> Any:
    """A Y = B: the gradient of B is A⁻ᴴ ḡ, and that of A is -A⁻ᴴ ḡ Yᴴ, of which the diagonals are kept."""
    kept: list[Any] = []

    def right() -> Any:
        if not kept:
            kept.append(solve_banded(xp, transposed(xp, ab, lower, upper), g, lower=upper, upper=lower))
        return kept[0]

    def left() -> Any:
        one, other = (x[:, None] if len(x.shape) == 1 else x for x in (right(), conj(xp, y)))
        rows = [xp.sum(shifted(xp, one, r - upper) * other, axis=1) for r in range(lower + upper + 1)]
        return -xp.stack(rows)

    return left, right


def transposed(xp: Any, ab: Any, lower: int, upper: int) -> Any:
    """Aᴴ in banded form, with ``upper`` diagonals below and ``lower`` above."""
    rows = [shifted(xp, ab[r, ...], upper - r) for r in range(lower + upper, -1, -1)]
    return conj(xp, xp.stack(rows))


def shifted(xp: Any, x: Any, by: int) -> Any:
    """x[j + by] for each j, and 0 where there is none."""
    size = x.shape[0]
    nothing = xp.zeros_like(x[: min(abs(by), size), ...])
    if by >= 0:
        return xp.concat([x[by:, ...], nothing], axis=0)
    return xp.concat([nothing, x[: max(size + by, 0), ...]], axis=0)


def dense_of(xp: Any, ab: Any, lower: int, upper: int) -> Any:
    """The matrix that a banded form stands for."""
    size = ab.shape[1]
    distance = np.arange(size)[:, None] - np.arange(size)[None, :]
    inside = (distance <= lower) & (-distance <= upper)
    places = np.where(inside, (upper + distance) * size + np.arange(size)[None, :], 0).reshape(-1)
    whole = xp.reshape(picked(xp, xp.reshape(ab, (-1,)), places), (size, size))
    return xp.where(xp.asarray(inside, device=ab.device), whole, xp.zeros_like(whole))
