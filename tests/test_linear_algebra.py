"""Functions of several results, and rules that refuse: what the engine does for linear algebra."""

import sys
from pathlib import Path

import array_api_compat.numpy as compat
import numpy as np
import pytest
import uncaptured
from array_api_compat import array_namespace
from on_threads import run_threads

from miniflow_xp import differentiable_namespace, grad, jit, jvp, value_and_grad
from miniflow_xp.arrays.tables import RULES
from miniflow_xp.arrays.traced import ground
from miniflow_xp.errors import DifferentiationError, ShapeError
from miniflow_xp.rules.linalg import triangular

MATRIX = np.array([[3.0, 1.0], [1.0, 2.0]])

FIELDS = {
    "eigh": ("eigenvalues", "eigenvectors"),
    "svd": ("U", "S", "Vh"),
    "qr": ("Q", "R"),
    "slogdet": ("sign", "logabsdet"),
}


@pytest.mark.parametrize("op", FIELDS)
def test_several_results_keep_their_names(backend, op):
    kept = []

    def loss(x):
        xp = array_namespace(x)
        kept.append(getattr(xp.linalg, op)(x))
        return sum(xp.sum(getattr(kept[-1], field)) for field in FIELDS[op])

    x = backend.asarray(MATRIX)
    plain = getattr(differentiable_namespace(backend.xp).linalg, op)(x)
    grad(loss)(x)
    with uncaptured.allowed():
        jit(grad(loss))(x)
    for found in (plain, *kept):
        assert len(found) == len(FIELDS[op])
        for n, field in enumerate(FIELDS[op]):
            assert ground(found[n]) is ground(getattr(found, field))


def test_results_that_no_gradient_arrives_for_are_told_from_those_with_zeros(backend):
    """At equal eigenvalues vectors are not determined; only a loss that does not depend on them has a gradient."""

    def of_values(x):
        xp = array_namespace(x)
        return xp.sum(xp.linalg.eigh(x)[0] ** 2)

    def of_both(x):
        xp = array_namespace(x)
        values, vectors = xp.linalg.eigh(x)
        return xp.sum(values**2) + 0 * xp.sum(vectors)

    eye = backend.asarray(np.eye(2))
    np.testing.assert_allclose(backend.to_numpy(grad(of_values)(eye)), 2 * np.eye(2))
    assert np.isnan(backend.to_numpy(grad(of_both)(eye))).all()


def test_along_a_direction_equal_eigenvalues_have_a_derivative_and_their_vectors_none(backend):
    eye, direction = backend.asarray(np.eye(2)), backend.asarray(np.array([[1.0, 2.0], [2.0, 3.0]]))
    _, (values, vectors) = jvp(lambda x: tuple(array_namespace(x).linalg.eigh(x)), (eye,), (direction,))
    np.testing.assert_allclose(backend.to_numpy(values), [1, 3])
    assert np.isnan(backend.to_numpy(vectors)).any()


def test_the_second_derivative_at_equal_eigenvalues_is_not_a_wrong_number(backend):
    def slopes(x):
        xp = array_namespace(x)
        return xp.sum(grad(lambda x: xp.sum(xp.linalg.eigvalsh(x) ** 2))(x))

    assert np.isnan(backend.to_numpy(grad(slopes)(backend.asarray(np.eye(2))))).all()


def refusing(*_):
    raise DifferentiationError("linalg.inv", "it was asked", "it never answers", "Ask another")


@pytest.mark.parametrize("rule", [refusing, lambda *_: (None,)], ids=["refuses", "gives none"])
def test_a_rule_that_refuses_names_the_users_line(monkeypatch, rule):
    monkeypatch.setitem(RULES, "linalg.inv", rule)

    def loss(x):
        xp = array_namespace(x)
        return xp.sum(xp.linalg.inv(x))

    with pytest.raises(DifferentiationError, match=r"^linalg\.inv, at test_linear_algebra\.py:\d+: "):
        grad(loss)(MATRIX)
    with pytest.raises(DifferentiationError, match=r"^linalg\.inv, at test_linear_algebra\.py:\d+: "):
        grad(lambda x: array_namespace(x).sum(grad(loss)(x)))(MATRIX)


def test_a_norm_that_does_not_exist_is_refused():
    with pytest.raises(DifferentiationError, match="ord is 3"):
        grad(lambda x: array_namespace(x).linalg.matrix_norm(x, ord=3))(MATRIX)


@pytest.mark.parametrize(
    ("subscripts", "arrays", "said"),
    [
        ("ij,jk", 1, "names 2 operands, and 1 came"),
        ("ijk", 1, "has 2 axes"),
        ("i", 1, "has 2 axes"),
        ("ij->ii", 1, "the result is 'ii'"),
        ("ij->k", 1, "the result is 'k'"),
        ("i.j", 1, "'i.j'"),
        (MATRIX, 1, "no text"),
    ],
)
def test_subscripts_that_do_not_fit_are_told(backend, subscripts, arrays, said):
    operands = [backend.asarray(MATRIX)] * arrays
    with pytest.raises(ShapeError, match=said):
        differentiable_namespace(backend.xp).einsum(subscripts, *operands)


def test_einsum_gives_a_new_array(backend):
    x = backend.asarray(MATRIX)
    found = ground(differentiable_namespace(backend.xp).einsum("ij->ji", x))
    assert not np.shares_memory(backend.to_numpy(found), backend.to_numpy(x)) or backend.name == "jax"


@pytest.mark.parametrize("n", [1, 50, triangular.WORTH_THREADS])
@pytest.mark.parametrize("lower", [True, False])
def test_triangular_systems_by_scipy_are_those_of_numpy(lower, n):
    """With and without threads; what stands in the other triangle is not looked at."""
    pytest.importorskip("scipy")
    random = np.random.default_rng(0)
    a, b = random.normal(size=(n, n)) / n + 2 * np.eye(n), random.normal(size=(n, 2))

    def loss(a, b):
        xp = array_namespace(a, b)
        return xp.sum(xp.linalg.solve_triangular(a, b, lower=lower) ** 2)

    triangle = (np.tril if lower else np.triu)(a)
    found = np.linalg.solve(triangle, b)
    of_b = np.linalg.solve(triangle.T, 2 * found)
    of_a = (np.tril if lower else np.triu)(-of_b @ found.T)
    both = value_and_grad(loss, (0, 1))
    for value, slopes in (both(a, b), jit(both)(a, b)):
        np.testing.assert_allclose(value, np.sum(found**2), rtol=1e-12)
        np.testing.assert_allclose(slopes[0], of_a, rtol=0, atol=1e-12 * np.abs(of_a).max())
        np.testing.assert_allclose(slopes[1], of_b, rtol=0, atol=1e-12 * np.abs(of_b).max())


def triangular_system(n=20, columns=3, dtype="float64"):
    random = np.random.default_rng(0)
    return (random.normal(size=(n, n)) + 4 * np.eye(n)).astype(dtype), random.normal(size=(n, columns)).astype(dtype)


def solved_triangle(a, b, lower=True):
    return ground(differentiable_namespace(compat).linalg.solve_triangular(a, b, lower=lower))


LAYOUTS = {
    "rows": lambda x: x,
    "columns": np.asfortranarray,
    "turned": lambda x: x[::-1, ::-1],
    "every other": lambda x: np.repeat(np.repeat(x, 2, 0), 2, 1)[::2, ::2],
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_small_triangular_systems_are_solved_in_double_precision(dtype, lower, layout):
    """As NumPy solves all systems, to its last digit or nearly; however they lie in memory, they stay as they are."""
    pytest.importorskip("scipy")
    given = [LAYOUTS[layout](x) for x in triangular_system(dtype=dtype)]
    kept = [x.copy() for x in given]
    found = solved_triangle(*given, lower)
    wanted = np.linalg.solve((np.tril if lower else np.triu)(given[0]), given[1])
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=4 * np.finfo(dtype).eps, atol=1e-14)
    for now, before in zip(given, kept, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 3), (3,)),
        ((0, 0), (0, 2)),
        ((3, 3), (3, 0)),
        ((2, 3, 3), (3, 2)),
        ((3, 3), (2, 3, 2)),
        ((2, 1, 3, 3), (5, 3, 1)),
    ],
    ids=str,
)
def test_vectors_stacks_and_nothing_are_solved_as_numpy_does(shapes):
    random = np.random.default_rng(0)
    a, b = (random.normal(size=shape) for shape in shapes)
    a = a + 4 * np.eye(a.shape[-1])
    wanted = np.linalg.solve(np.tril(a), b)
    found = solved_triangle(a, b)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("n", [3, triangular.WORTH_THREADS])
def test_a_singular_triangle_is_told(n):
    """By NumPy's own error, whoever solves."""
    zero = np.eye(n)
    zero[1, 1] = 0
    with pytest.raises(np.linalg.LinAlgError, match=r"(?i)singular matrix"):
        solved_triangle(zero, np.ones((n, 1)))


@pytest.mark.parametrize("columns", [1, 7, 130])
def test_small_triangular_systems_wake_no_threads(columns, monkeypatch):
    """OpenBLAS spreads a right side of 1024 numbers over its threads, which are slow to come: it is given fewer."""
    blas = pytest.importorskip("scipy.linalg.blas")
    sizes, trsm = [], blas.dtrsm
    monkeypatch.setattr(
        blas, "dtrsm", lambda scale, a, b, **options: sizes.append(b.size) or trsm(scale, a, b, **options)
    )
    triangular.without_threads.cache_clear()
    a, b = triangular_system(130, columns)
    try:
        np.testing.assert_allclose(solved_triangle(a, b), np.linalg.solve(np.tril(a), b), rtol=1e-9, atol=1e-12)
    finally:
        triangular.without_threads.cache_clear()
    assert sum(sizes) == b.size
    assert max(sizes) < 1024


@pytest.mark.parametrize("n", [3, triangular.WORTH_THREADS])
def test_without_scipy_numpy_solves_triangular_systems(n, monkeypatch):
    for name in ("scipy.linalg", "scipy.linalg.blas"):
        monkeypatch.setitem(sys.modules, name, None)
    for solver in (triangular.with_threads, triangular.without_threads):
        solver.cache_clear()
        assert solver() is None
    a, b = triangular_system(n)
    try:
        np.testing.assert_array_equal(solved_triangle(a, b), np.linalg.solve(np.tril(a), b))
    finally:
        triangular.with_threads.cache_clear()
        triangular.without_threads.cache_clear()


def test_small_triangular_systems_leave_the_threads_of_blas_to_the_user(run_python):
    """Also where two threads solve while a third one limits them; in a process that has no other threads."""
    pytest.importorskip("threadpoolctl")
    run_python("import test_linear_algebra as t; t.solve_beside_limits()", PYTHONPATH=str(Path(__file__).parent))


def solve_beside_limits():
    from threadpoolctl import threadpool_limits as limits

    a, b = triangular_system(40, 40)
    wanted, found = solved_triangle(a, b), []

    def solve():
        found.extend(solved_triangle(a, b) for _ in range(50))

    def limit():
        for n in [1, 2] * 25:
            with limits(n) as limited:
                solved_triangle(a, b)
                assert {c.num_threads for c in limited._controller.lib_controllers if c.user_api == "blas"} == {n}

    run_threads([solve, solve, limit])
    for each in found:
        np.testing.assert_array_equal(each, wanted)
