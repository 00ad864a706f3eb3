"""Functions of a matrix, and equations of Sylvester's kind."""

from typing import Any

from miniflow_xp.dtypes import is_complex
from miniflow_xp.rules.algebra import conj
from miniflow_xp.rules.linalg.matrices import adjoint, product
from miniflow_xp.rules.linalg.powers import of_blocks
from miniflow_xp.scipy.border import at_border, scipy_linalg
from miniflow_xp.scipy.substitutes import substitute


@substitute("scipy.linalg.expm", arrays="A")
def expm(xp: Any, A: Any) -> Any:
    return xp.linalg.expm(A)


@substitute("scipy.linalg.cosm", arrays="A")
def cosm(xp: Any, A: Any) -> Any:
    return xp.real(expm(xp, 1j * A)) if not is_complex(A) else (expm(xp, 1j * A) + expm(xp, -1j * A)) / 2


@substitute("scipy.linalg.sinm", arrays="A")
def sinm(xp: Any, A: Any) -> Any:
    return xp.imag(expm(xp, 1j * A)) if not is_complex(A) else (expm(xp, 1j * A) - expm(xp, -1j * A)) / 2j


@substitute("scipy.linalg.tanm", arrays="A")
def tanm(xp: Any, A: Any) -> Any:
    return xp.linalg.solve(cosm(xp, A), sinm(xp, A))


@substitute("scipy.linalg.coshm", arrays="A")
def coshm(xp: Any, A: Any) -> Any:
    return (expm(xp, A) + expm(xp, -A)) / 2


@substitute("scipy.linalg.sinhm", arrays="A")
def sinhm(xp: Any, A: Any) -> Any:
    return (expm(xp, A) - expm(xp, -A)) / 2


@substitute("scipy.linalg.tanhm", arrays="A")
def tanhm(xp: Any, A: Any) -> Any:
    return xp.linalg.solve(coshm(xp, A), sinhm(xp, A))


def of_scipy(name: str) -> Any:
    """SciPy's function of a matrix, of NumPy's arrays."""

    def compute(a: Any) -> Any:
        return getattr(scipy_linalg(name), name)(a)

    return compute


@at_border("logm", of_scipy("logm"))
def logarithm(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """The derivative at Xᴴ along ḡ, by the logarithm of a matrix of blocks; complex where one of them is."""

    def back() -> Any:
        both = is_complex(g) or is_complex(x)
        arriving, here = (z + 0j if both and not is_complex(z) else z for z in (g, x))
        return of_blocks(xp, arriving, here, lambda block: logarithm(xp, block))

    return (back,)


def sylvester_of_scipy(a: Any, b: Any, q: Any) -> Any:
    """The solution of Sylvester's equation, of NumPy's arrays."""
    return scipy_linalg("solve_sylvester").solve_sylvester(a, b, q)


@at_border("solve_sylvester", sylvester_of_scipy)
def sylvester(xp: Any, g: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    """A Y + Y B = Q: with Aᴴ S + S Bᴴ = ḡ the gradients are -S Yᴴ, -Yᴴ S and S."""
    kept: list[Any] = []

    def solution() -> Any:
        if not kept:
            kept.append(sylvester(xp, adjoint(xp, a), adjoint(xp, b), g))
        return kept[0]

    return (
        lambda: -product(xp, solution(), adjoint(xp, y)),
        lambda: -product(xp, adjoint(xp, y), solution()),
        solution,
    )


@at_border("sqrtm", of_scipy("sqrtm"))
def root(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """Y² = X: Y dY + dY Y = dX, so the gradient solves Yᴴ S + S Yᴴ = ḡ."""
    return (lambda: sylvester(xp, adjoint(xp, y), adjoint(xp, y), g),)


@substitute("scipy.linalg.sqrtm", arrays="A")
def sqrtm(xp: Any, A: Any) -> Any:
    return root(xp, A)


@substitute("scipy.linalg.logm", arrays="A")
def logm(xp: Any, A: Any) -> Any:
    return logarithm(xp, A)


@substitute("scipy.linalg.solve_sylvester", arrays="a b q")
def solve_sylvester(xp: Any, a: Any, b: Any, q: Any) -> Any:
    return sylvester(xp, a, b, q)


@substitute("scipy.linalg.solve_continuous_lyapunov", "scipy.linalg.solve_lyapunov", arrays="a q")
def solve_continuous_lyapunov(xp: Any, a: Any, q: Any) -> Any:
    return sylvester(xp, a, adjoint(xp, a), q)


@substitute("scipy.linalg.solve_discrete_lyapunov", arrays="a q")
def solve_discrete_lyapunov(xp: Any, a: Any, q: Any, method: str | None = None) -> Any:
    """X - A X Aᴴ = Q, as a system of equations for all elements of X."""
    whole = xp.kron(a, conj(xp, a))
    eye = xp.eye(whole.shape[0], dtype=whole.dtype, device=whole.device)
    return xp.reshape(xp.linalg.solve(eye - whole, xp.reshape(q, (-1,))), q.shape)
