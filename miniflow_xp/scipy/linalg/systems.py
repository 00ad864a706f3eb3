"""Systems of equations: solve, inv, and what SciPy assumes of a matrix. The gradient is in the triangle it reads."""

from typing import Any

from miniflow_xp.dtypes import is_complex
from miniflow_xp.rules.algebra import conj
from miniflow_xp.rules.linalg.matrices import adjoint, identity
from miniflow_xp.scipy.substitutes import refused, substitute

STRUCTURES: dict[str | None, str] = {
    None: "general",
    **dict.fromkeys(("gen", "general"), "general"),
    **dict.fromkeys(("sym", "symmetric"), "symmetric"),
    **dict.fromkeys(("her", "hermitian", "pos", "positive definite"), "hermitian"),
    **{name: name for name in ("upper triangular", "lower triangular", "diagonal")},
}


@substitute("scipy.linalg.solve", arrays="a b")
def solve(xp: Any, a: Any, b: Any, lower: bool = False, assume_a: str | None = None, transposed: bool = False) -> Any:
    kind = structure("scipy.linalg.solve", assume_a)
    if kind == "diagonal":
        pivots = xp.linalg.diagonal(a)
        return b / (pivots if len(b.shape) == 1 else pivots[..., None])
    if kind.endswith("triangular"):
        return solve_triangular(xp, a, b, trans=int(transposed), lower=kind.startswith("lower"))
    whole = filled(xp, a, kind, lower)
    return xp.linalg.solve(xp.matrix_transpose(whole) if transposed else whole, b)


@substitute("scipy.linalg.inv", arrays="a")
def inv(xp: Any, a: Any, assume_a: str | None = None, lower: bool = False) -> Any:
    kind = structure("scipy.linalg.inv", assume_a)
    if kind.endswith("triangular"):
        return solve_triangular(xp, a, identity(xp, a), lower=kind.startswith("lower"))
    return xp.linalg.inv(a * identity(xp, a) if kind == "diagonal" else filled(xp, a, kind, lower))


def structure(name: str, assumed: str | None) -> str:
    """What is assumed of a matrix, in one word each; raises DifferentiationError where it is not known."""
    if assumed in STRUCTURES:
        return STRUCTURES[assumed]
    known = ", ".join(filter(None, STRUCTURES))
    raise refused(name, f"assume_a={assumed!r}", f"known are {known}", "Leave out assume_a: the solution is the same")


def filled(xp: Any, a: Any, kind: str, lower: bool) -> Any:
    """The matrix that a triangle stands for, of which SciPy does not read the other one."""
    if kind == "general":
        return a
    half = xp.tril(a, k=-1) if lower else xp.triu(a, k=1)
    other = xp.matrix_transpose(half) if kind == "symmetric" else adjoint(xp, half)
    on_diagonal = a * identity(xp, a)
    if kind == "hermitian" and is_complex(a):
        on_diagonal = (on_diagonal + conj(xp, on_diagonal)) / 2
    return half + other + on_diagonal


@substitute("scipy.linalg.det", arrays="a")
def det(xp: Any, a: Any) -> Any:
    return xp.linalg.det(a)


@substitute("scipy.linalg.solve_triangular", arrays="a b")
def solve_triangular(
    xp: Any, a: Any, b: Any, trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    if trans in (1, "T", 2, "C"):
        a, lower = adjoint(xp, a) if trans in (2, "C") else xp.matrix_transpose(a), not lower
    if unit_diagonal:
        a = a * (1 - identity(xp, a)) + identity(xp, a)
    return xp.linalg.solve_triangular(a, b, lower=lower)


@substitute("scipy.linalg.pinv", arrays="a")
def pinv(xp: Any, a: Any) -> Any:
    return xp.linalg.pinv(a)


@substitute("scipy.linalg.lstsq", arrays="a b")
def lstsq(xp: Any, a: Any, b: Any) -> tuple[Any, Any, int, Any]:
    found = xp.linalg.lstsq(a, b)
    rank, (rows, columns) = int(found.rank), a.shape
    residuals = found.residuals
    if rank < columns or rows <= columns:
        residuals = xp.reshape(residuals, (-1,))[:0]
    return found.solution, residuals, rank, found.singular_values
