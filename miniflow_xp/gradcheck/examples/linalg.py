"""Linear algebra."""

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from miniflow_xp.gradcheck.examples.case import Case, case, complexes, definite, hermitian_definite, normal, positive

NO_EMPTY = {"jax": "its gradient of an empty determinant fails"}
NO_EXPM = {"torch": "its name there is matrix_exp", "jax": "it is in jax.scipy"}
OURS = {"torch": "it is not in PyTorch", "jax": "it is not in JAX"}
NO_EIG = {"jax": "its vectors have another phase", "torch": "its vectors have another phase"}


def symmetric(xp, x):
    """The Hermitian part."""
    x = xp.asarray(x)  # of the namespace: a library's array does not add one of ours
    return (x + xp.conj(xp.matrix_transpose(x))) / 2 if "complex" in str(x.dtype) else (x + xp.matrix_transpose(x)) / 2


def stack(*matrices: np.ndarray) -> np.ndarray:
    return np.stack(matrices)


def spread(rows: int, columns: int) -> np.ndarray:
    """A matrix whose singular values are 1, 2.5, 4 …, so that no derivative is large."""
    u, v = np.linalg.qr(normal(rows, rows))[0], np.linalg.qr(normal(columns, columns))[0]
    k = min(rows, columns)
    return np.asarray((u[:, :k] * (1 + 1.5 * np.arange(k))) @ v[:, :k].T)


def nearly_symmetric(n: int) -> np.ndarray:
    """A matrix whose eigenvalues are near to 1, 2.5, 4 …"""
    q = np.linalg.qr(normal(n, n))[0]
    return np.asarray((q * (1 + 1.5 * np.arange(n))) @ q.T + 0.1 * normal(n, n))


def both(op: str, call: Callable[..., Any], *arrays: np.ndarray, detail: str = "", **more: Any) -> list[Case]:
    """A row for these arrays, one for a stack of them, and one for complex ones."""
    return [
        case(op, call, *arrays, detail=detail, **more),
        case(
            op,
            call,
            *[stack(a, 1.2 * a + 0.1 * normal(*a.shape)) for a in arrays],
            detail=f"{detail} stack".strip(),
            **more,
        ),
        case(op, call, *[a + 0.4j * normal(*a.shape) for a in arrays], detail=f"{detail} complex".strip(), **more),
    ]


def spectrum(xp, x):
    """f(X) of a Hermitian matrix: what eigenvalues and vectors determine together."""
    w, v = xp.linalg.eigh(symmetric(xp, x))
    return xp.matmul(v * xp.exp(w / 4)[..., None, :], xp.conj(xp.matrix_transpose(v)) if is_complex(x) else v.mT)


def is_complex(x):
    return "complex" in str(x.dtype)


def projectors(xp, x):
    """|v|², which does not depend on a phase."""
    v = xp.linalg.eigh(symmetric(xp, x)).eigenvectors
    return xp.real(v * xp.conj(v)) if is_complex(x) else v * v


def put_together(xp, x):
    """f(X) of singular values: U f(S) Vᴴ."""
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    return xp.matmul(u * xp.exp(s / 4)[..., None, :], vh)


def left_vectors(xp, x):
    u = xp.linalg.svd(x, full_matrices=False).U
    return xp.real(u * xp.conj(u)) if is_complex(x) else u * u


def right_vectors(xp, x):
    vh = xp.linalg.svd(x, full_matrices=False).Vh
    return xp.real(vh * xp.conj(vh)) if is_complex(x) else vh * vh


def determined(xp, x):
    """Of all the vectors, those that are determined."""
    u, s, vh = xp.linalg.svd(x)
    k = s.shape[-1]
    return xp.matmul(u[..., :k] * xp.exp(s / 4)[..., None, :], vh[..., :k, :])


def function_of_eigenvalues(xp, x):
    w, v = xp.linalg.eig(x)
    return xp.matmul(v * xp.exp(w / 4)[..., None, :], xp.linalg.inv(v))


def sizes_of_vectors(xp, x):
    v = xp.linalg.eig(x).eigenvectors
    return xp.real(v * xp.conj(v))


def sum_of_cubes(xp, x):
    return xp.sum(xp.linalg.eigvals(x) ** 3)


def q_and_r(xp, x):
    q, r = xp.linalg.qr(x)
    return xp.matmul(q * q, r * r)


def q_alone(xp, x):
    return xp.linalg.qr(x).Q + 0


def complete(xp, x):
    q, r = xp.linalg.qr(x, mode="complete")
    k = x.shape[-1]
    return xp.matmul(q[..., :k] * 2, r[..., :k, :] * r[..., :k, :])


square = nearly_symmetric(3)
general = square + 0.2 * complexes(3, 3)
turning = np.array([[0.5, -2, 0], [2, 0.5, 0], [0, 0, 1]]) + 0.2 * normal(3, 3)  # a pair of complex eigenvalues
spd, hpd = definite(3), hermitian_definite(3)
several = stack(definite(3), definite(3))

CASES: list[Case] = [
    *both("linalg.inv", lambda xp, x: xp.linalg.inv(x), square),
    case("linalg.inv", lambda xp, x: xp.linalg.inv(x), normal(0, 0), detail="empty"),
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(a, b), spd, normal(3, 2)),
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(a, b), spd, normal(3), detail="vector"),
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(a, b), several, normal(3, 2), detail="stack, matrix"),
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(a, b), several, normal(2, 3, 1), detail="stacks"),
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(a, b), spd, normal(2, 3, 1), detail="matrix, stack"),
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(a, b), several, normal(3), detail="stack, vector"),
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(a, b), hpd, complexes(3, 2), detail="complex"),
    case("linalg.solve", lambda xp, a, b: xp.linalg.solve(a, b), normal(0, 0), normal(0, 2), detail="empty"),
    case(
        "linalg.solve_triangular",
        lambda xp, a, b: xp.linalg.solve_triangular(a, b),
        square,
        normal(3, 2),
        no_oracle=OURS,
    ),
    case(
        "linalg.solve_triangular",
        lambda xp, a, b: xp.linalg.solve_triangular(a, b, lower=True),
        stack(general, general),
        complexes(3),
        detail="lower, complex stack, vector",
        no_oracle=OURS,
    ),
    *both("linalg.det", lambda xp, x: xp.linalg.det(x), square),
    case("linalg.det", lambda xp, x: xp.linalg.det(x), normal(1, 1), detail="1 by 1"),
    case("linalg.det", lambda xp, x: xp.linalg.det(x), np.eye(3), detail="identity"),
    case("linalg.det", lambda xp, x: xp.linalg.det(x), normal(0, 0), detail="empty", no_oracle=NO_EMPTY),
    *both("linalg.adjugate", lambda xp, x: xp.linalg.adjugate(x), square, no_oracle=OURS),
    case("linalg.slogdet", lambda xp, x: xp.linalg.slogdet(x)[1], square),
    case("linalg.slogdet", lambda xp, x: xp.linalg.slogdet(x).logabsdet, stack(square, spd), detail="stack"),
    case("linalg.slogdet", lambda xp, x: xp.linalg.slogdet(x)[0] * xp.linalg.slogdet(x)[1], general, detail="complex"),
    *both("linalg.pinv", lambda xp, x: xp.linalg.pinv(x), spread(4, 3), detail="tall"),
    *both("linalg.pinv", lambda xp, x: xp.linalg.pinv(x), spread(3, 4), detail="wide"),
    case("linalg.pinv", lambda xp, x: xp.linalg.pinv(x), square, detail="square"),
    case(
        "linalg.lstsq",
        lambda xp, a, b: xp.linalg.lstsq(a, b)[0] * xp.linalg.lstsq(a, b)[1],
        spread(4, 2),
        normal(4, 3),
        no_oracle={"torch": "its signature is another", "jax": "its signature is another"},
    ),
    case("linalg.cholesky", lambda xp, x: xp.linalg.cholesky(symmetric(xp, x)), spd),
    case("linalg.cholesky", lambda xp, x: xp.linalg.cholesky(symmetric(xp, x), upper=True), spd, detail="upper"),
    case("linalg.cholesky", lambda xp, x: xp.linalg.cholesky(symmetric(xp, x)), several, detail="stack"),
    case("linalg.cholesky", lambda xp, x: xp.linalg.cholesky(symmetric(xp, x)), hpd, detail="complex"),
    case(
        "linalg.cholesky",
        lambda xp, x: xp.linalg.cholesky(symmetric(xp, x), upper=True),
        hpd,
        detail="upper complex",
    ),
    case("linalg.cholesky", lambda xp, x: xp.linalg.cholesky(x), normal(0, 0), detail="empty"),
    *both("linalg.qr", q_and_r, spread(4, 3), detail="tall"),
    *both("linalg.qr", q_alone, square, detail="Q"),
    *both("linalg.qr", q_and_r, spread(3, 4), detail="wide"),
    case("linalg.qr", lambda xp, x: xp.linalg.qr(x).R * 2, general, detail="R complex"),
    case(
        "linalg.qr", complete, spread(4, 2), detail="complete", no_oracle={"torch": "it refuses", "jax": "it refuses"}
    ),
    case("linalg.eigh", lambda xp, x: xp.linalg.eigh(symmetric(xp, x))[0], square, detail="values"),
    *both("linalg.eigh", spectrum, square, detail="both"),
    *both("linalg.eigh", projectors, square, detail="vectors"),
    *both("linalg.eigvalsh", lambda xp, x: xp.linalg.eigvalsh(symmetric(xp, x)), square),
    case("linalg.eigvalsh", lambda xp, x: xp.linalg.eigvalsh(x), normal(0, 0), detail="empty"),
    case("linalg.eig", function_of_eigenvalues, turning, detail="both", no_oracle={"jax": "it refuses"}),
    case(
        "linalg.eig",
        function_of_eigenvalues,
        stack(general, general.T),
        detail="both, complex stack",
        no_oracle={"jax": "it refuses"},
    ),
    case("linalg.eig", sizes_of_vectors, turning, detail="vectors", no_oracle=NO_EIG),
    case("linalg.eig", sizes_of_vectors, general, detail="vectors complex", no_oracle=NO_EIG),
    case("linalg.eigvals", sum_of_cubes, turning),
    case("linalg.eigvals", sum_of_cubes, general, detail="complex"),
    *both("linalg.svdvals", lambda xp, x: xp.linalg.svdvals(x), spread(4, 3)),
    case("linalg.svdvals", lambda xp, x: xp.linalg.svdvals(x), normal(0, 3), detail="empty"),
    *both("linalg.svd", put_together, spread(4, 3), detail="tall"),
    *both("linalg.svd", put_together, square, detail="square"),
    *both("linalg.svd", put_together, spread(3, 4), detail="wide"),
    *both("linalg.svd", left_vectors, spread(4, 3), detail="U"),
    *both("linalg.svd", right_vectors, spread(2, 3), detail="V"),
    case("linalg.svd", determined, spread(4, 3), detail="full", no_oracle={"jax": "it refuses", "torch": "it refuses"}),
    *both("linalg.vector_norm", lambda xp, x: xp.linalg.vector_norm(x), normal(2, 3)),
    *[
        row
        for order in (2, 1, 3, 0.5, -1.5, inf, -inf)
        for row in both(
            "linalg.vector_norm",
            lambda xp, x, order=order: xp.linalg.vector_norm(x, ord=order, axis=-1, keepdims=order == 3),
            positive(2, 3) * np.array([1, -1, 1]),
            detail=f"ord={order}",
        )
    ],
    case(
        "linalg.vector_norm",
        lambda xp, x: xp.linalg.vector_norm(x, ord=0, axis=0),
        normal(2, 3),
        detail="ord=0",
        no_oracle={"torch": "it keeps no graph of it"},
    ),
    case("linalg.vector_norm", lambda xp, x: xp.linalg.vector_norm(x, axis=(0, 2)), normal(2, 3, 2), detail="axes"),
    *[
        row
        for order in ("fro", "nuc", 2, -2, 1, -1, inf, -inf)
        for row in both(
            "linalg.matrix_norm",
            lambda xp, x, order=order: xp.linalg.matrix_norm(x, ord=order, keepdims=order == 2),
            spread(3, 2),
            detail=f"ord={order}",
        )
    ],
    *[
        row
        for n in (3, -2, 1, 0)
        for row in both("linalg.matrix_power", lambda xp, x, n=n: xp.linalg.matrix_power(x, n), square, detail=f"{n}")
    ],
    *both("linalg.expm", lambda xp, x: xp.linalg.expm(x), square, no_oracle=NO_EXPM),
    case("linalg.expm", lambda xp, x: xp.linalg.expm(x), 3 * square, detail="large", no_oracle=NO_EXPM),
    case("linalg.diagonal", lambda xp, x: xp.linalg.diagonal(x) ** 2, normal(3, 2)),
    case("linalg.diagonal", lambda xp, x: xp.linalg.diagonal(x, offset=1) ** 2, normal(2, 3, 4), detail="above, stack"),
    case("linalg.diagonal", lambda xp, x: xp.linalg.diagonal(x, offset=-1) ** 2, complexes(4, 3), detail="below"),
    case("linalg.trace", lambda xp, x: xp.linalg.trace(x * x), normal(3, 2)),
    case("linalg.trace", lambda xp, x: xp.linalg.trace(x * x, offset=1), complexes(2, 3, 3), detail="above, stack"),
    case("matrix_transpose", lambda xp, x: xp.linalg.matrix_transpose(x) ** 2, normal(2, 3), detail="of linalg"),
]
