"""The table of SciPy's functions that have a rule: a row for each way of calling one, in SciPy's own words."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

_random = np.random.default_rng(0)


class Row(NamedTuple):
    """``call(*arrays)`` is a call of SciPy, at ``arrays`` where it is smooth; ``near``: how exact the value is.

    ``first``: how exact the derivatives are, for what is itself found to a tolerance. ``twice``: is the second one
    to be checked?
    """

    name: str
    call: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    near: float = 1e-11
    first: float = 3e-8
    twice: bool = True

    def __str__(self) -> str:
        return self.name


def row(name: str, call: Callable[..., Any], *arrays: Any, **more: Any) -> Row:
    return Row(name, call, tuple(np.asarray(a, dtype=None if np.iscomplexobj(a) else float) for a in arrays), **more)


def normal(*shape: int) -> np.ndarray:
    return _random.normal(size=shape)


def positive(*shape: int) -> np.ndarray:
    return _random.uniform(0.3, 2, size=shape)


def definite(n: int) -> np.ndarray:
    a = normal(n, n)
    return a @ a.T + n * np.eye(n)


def linalg() -> list[Row]:
    from scipy import linalg as sl

    a, b = normal(4, 4) + 4 * np.eye(4), normal(4, 2)
    s, wide, tall = definite(4), normal(3, 5), normal(5, 3)
    c, mixed = a + 1j * normal(4, 4), a[[2, 0, 3, 1]]
    diagonal = np.diag(positive(4) + 1)
    bands = normal(4, 6) + 6 * np.eye(4)[:, 1][:, None]
    rows = [
        row("solve", sl.solve, a, b),
        row("solve vector", sl.solve, a, b[:, 0]),
        row("solve transposed", lambda a, b: sl.solve(a, b, transposed=True), a, b),
        row("solve complex", sl.solve, c, b),
        *[
            row(f"solve {kind} {lower}", lambda a, b, k=kind, w=lower: sl.solve(a, b, lower=w, assume_a=k), s, b)
            for kind in ("sym", "pos")
            for lower in (False, True)
        ],
        row("solve her", lambda a, b: sl.solve(a, b, assume_a="her"), s + 0.3j * (c - c.T).real, b),
        row("solve upper triangular", lambda a, b: sl.solve(a, b, assume_a="upper triangular"), a, b),
        row("solve diagonal", lambda a, b: sl.solve(a, b, assume_a="diagonal"), diagonal, b),
        row("inv", sl.inv, a),
        row("inv pos", lambda a: sl.inv(a, assume_a="pos", lower=True), s),
        row("det", sl.det, a),
        row("solve_triangular", sl.solve_triangular, a, b),
        *[
            row(
                f"solve_triangular trans={trans} lower={lower} unit={unit}",
                lambda a, b, t=trans, w=lower, u=unit: sl.solve_triangular(a, b, t, w, u),
                a,
                b[:, 0],
            )
            for trans, lower, unit in ((0, True, False), (1, False, True), ("T", True, True))
        ],
        row("solve_triangular C", lambda a, b: sl.solve_triangular(a, b, "C"), c, b),
        row("cholesky", sl.cholesky, s),
        row("cholesky lower", lambda a: sl.cholesky(a, lower=True), s),
        row("cho_solve", lambda a, b: sl.cho_solve(sl.cho_factor(a), b), s, b),
        row("cho_solve lower", lambda a, b: sl.cho_solve(sl.cho_factor(a, True), b), s, b[:, 0]),
        row("cho_solve of a factor", lambda c, b: sl.cho_solve((c, True), b), np.tril(a), b),
        row("lu_factor", lambda a: sl.lu_factor(a)[0], mixed),
        row("lu_solve", lambda a, b: sl.lu_solve(sl.lu_factor(a), b), mixed, b),
        row("lu_solve transposed", lambda a, b: sl.lu_solve(sl.lu_factor(a), b, trans=1), mixed, b),
        row("qr", lambda a: sl.qr(a, mode="economic"), tall),
        row("qr r", lambda a: sl.qr(a, mode="r")[0], a),
        row("eigh values", lambda a: sl.eigh(a, eigvals_only=True), s),
        row("eigh", lambda a: [abs(x) for x in sl.eigh(a)], s),
        row("eigh of two", lambda a, b: sl.eigh(a, b, eigvals_only=True), s, definite(4)),
        row("eigh vectors of two", lambda a, b: abs(sl.eigh(a, b, subset_by_index=[1, 2])[1]), s, definite(4)),
        row("eigvalsh", lambda a: sl.eigvalsh(a, lower=False), s),
        row("svd values", lambda a: sl.svd(a, compute_uv=False), wide),
        row("svd", lambda a: [abs(x) for x in sl.svd(a, full_matrices=False)], wide),
        row("svdvals", sl.svdvals, tall),
        row("pinv", sl.pinv, tall),
        row("lstsq", lambda a, b: sl.lstsq(a, b)[0], tall, normal(5, 2)),
        row("norm", sl.norm, wide),
        row("norm fro", lambda a: sl.norm(a, "fro"), wide),
        row("norm 2", lambda a: sl.norm(a, 2), wide),
        row("norm axis", lambda a: sl.norm(a, 3, axis=1), wide),
        row("expm", sl.expm, a / 4),
        row("expm complex", sl.expm, c / 4),
        row("logm", sl.logm, s),
        row("logm general", sl.logm, a),
        row("sqrtm", sl.sqrtm, s),
        row("sqrtm complex", sl.sqrtm, c),
        *[row(name, getattr(sl, name), a / 4) for name in ("cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm")],
        row("cosm complex", sl.cosm, c / 4),
        row("solve_sylvester", sl.solve_sylvester, a, definite(3), normal(4, 3)),
        row("solve_sylvester complex", sl.solve_sylvester, c, definite(3), normal(4, 3)),
        row("solve_continuous_lyapunov", sl.solve_continuous_lyapunov, a, s),
        row("solve_discrete_lyapunov", sl.solve_discrete_lyapunov, a / 8, s),
        row("solve_banded", lambda ab, b: sl.solve_banded((2, 1), ab, b), bands, normal(6, 2)),
        row("solve_banded vector", lambda ab, b: sl.solve_banded((1, 2), ab, b), bands[[2, 3, 1, 0]], normal(6)),
        row("solveh_banded", sl.solveh_banded, np.stack([normal(5), 5 + positive(5)]), normal(5)),
        row(
            "solveh_banded lower",
            lambda a, b: sl.solveh_banded(a, b, lower=True),
            np.stack([5 + positive(5), normal(5)]),
            normal(5),
        ),
        row("toeplitz", sl.toeplitz, normal(3), normal(4)),
        row("solve_toeplitz", sl.solve_toeplitz, normal(4) + np.array([4.0, 0, 0, 0]), normal(4)),
        row("block_diag", sl.block_diag, normal(2, 3), normal(1, 2)),
    ]
    return rows


PARTS = (linalg,)
