"""Functions of matrices: those of the array namespace, and a few that SciPy computes for NumPy's arrays."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import miniflow_xp.autograd.numpy as np
from miniflow_xp.autograd.extend import defvjp, defvjp_argnums, primitive
from miniflow_xp.autograd.numpy.dispatch import like_given, namespace_among
from miniflow_xp.errors import PackageMissingError, SettingError

Function = Callable[..., Any]

SAME = ("det", "expm", "inv", "pinv")
"""Functions of SciPy that mean the same as those of our ``xp.linalg``, for one matrix."""

OF_SCIPY = ("solve_banded", "solve_sylvester", "sqrtm")


def of_namespace(name: str) -> Function:
    """``xp.linalg.<name>`` of the library of the arguments."""

    def function(*args: Any) -> Any:
        xp = namespace_among(args)
        value = getattr(xp.linalg, name)(*[xp.asarray(a) for a in args])
        return like_given(value, args)

    function.__name__ = name
    return function


det, expm, inv, pinv = map(of_namespace, SAME)


def solve_triangular(a: Any, b: Any, trans: int | str = 0, lower: bool = False, **options: Any) -> Any:
    """The solution of a x = b with the upper triangle of a, or the lower one; ``trans``: of aᵀ ("T") or aᴴ ("C")."""
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise SettingError("solve_triangular", f"trans is {trans!r}", "it is 0, 1, 2, 'N', 'T' or 'C'", "Choose one")
    if options.pop("unit_diagonal", False):
        raise SettingError("solve_triangular", "unit_diagonal is set", "the diagonal is looked at", "Set it to ones")
    xp = namespace_among([a, b])
    matrix, right = xp.asarray(a), xp.asarray(b)
    if trans not in (0, "N"):
        matrix, lower = xp.matrix_transpose(matrix), not lower
        matrix = xp.conj(matrix) if trans in (2, "C") else matrix
    value = xp.linalg.solve_triangular(matrix, right, lower=lower)
    return like_given(value, [a, b])


def of_scipy(name: str) -> Function:
    """A function that SciPy computes for NumPy's arrays."""

    def function(*args: Any, **keywords: Any) -> Any:
        try:
            library = import_module("scipy.linalg")
        except ImportError:
            raise PackageMissingError(
                f"linalg.{name}", "scipy cannot be imported", "it computes this function", "Run: pip install scipy"
            ) from None
        return getattr(library, name)(*args, **keywords)

    function.__name__ = name
    return primitive(function)


solve_banded, solve_sylvester, sqrtm = map(of_scipy, OF_SCIPY)


def sqrtm_vjp(ans: Any, _: Any, **__: Any) -> Function:
    """Y with Sᵀ Y + Y Sᵀ = ḡ, where S S = A (the differential of that, transposed)."""
    turned = np.transpose(ans)
    return lambda g: solve_sylvester(turned, turned, g)


def sylvester_vjp(argnums: Sequence[int], ans: Any, args: Any, _: Any) -> Function:
    """With Aᵀ Y + Y Bᵀ = ḡ, where A X + X B = Q: -Y Xᵀ to A, -Xᵀ Y to B, Y to Q."""
    a, b, _ = args

    def pull(g: Any) -> list[Any]:
        y = solve_sylvester(np.transpose(a), np.transpose(b), g)
        turned = np.transpose(ans)
        parts = (lambda: -np.dot(y, turned), lambda: -np.dot(turned, y), lambda: y)
        return [parts[n]() for n in argnums]

    return pull


def turned_banded(l_and_u: tuple[int, int], ab: Any) -> Any:
    """The transpose of a banded matrix in its diagonals: the k-th above becomes the k-th below."""
    below, above = l_and_u
    offsets = range(above, -below - 1, -1)
    return np.stack([np.roll(ab[row], -k) for row, k in enumerate(offsets)][::-1])


def banded_vjp_of_diagonals(ans: Any, l_and_u: Any, ab: Any, _: Any, **__: Any) -> Function:
    """-yᵢ xⱼ at each element of a diagonal, where Aᵀ y = ḡ; 0 at the places that are none."""
    below, above = l_and_u
    count = ab.shape[1]

    def pull(g: Any) -> Any:
        y, x = solve_banded((above, below), turned_banded(l_and_u, ab), g), ans
        rows = []
        for k in range(above, -below - 1, -1):
            column = np.arange(count)
            inside = (column - k >= 0) & (column - k < count)
            products = np.roll(y, k, axis=0) * x
            rows.append(-np.where(inside, products if products.ndim == 1 else np.sum(products, axis=1), 0.0))
        return np.stack(rows)

    return pull


def banded_vjp_of_right(_: Any, l_and_u: Any, ab: Any, __: Any, **___: Any) -> Function:
    """y with Aᵀ y = ḡ."""
    below, above = l_and_u
    return lambda g: solve_banded((above, below), turned_banded(l_and_u, ab), g)


defvjp(sqrtm, sqrtm_vjp)
defvjp_argnums(solve_sylvester, sylvester_vjp)
defvjp(solve_banded, banded_vjp_of_diagonals, banded_vjp_of_right, argnums=(1, 2))
