"""Functions of several results, and rules that refuse: what the engine does for linear algebra."""

import array_api_compat.numpy as compat
import numpy as np
import pytest
from array_api_compat import array_namespace

from miniflow_xp import differentiable_namespace, grad, jit, jvp, value_and_grad
from miniflow_xp.arrays.tables import RULES
from miniflow_xp.arrays.traced import ground
from miniflow_xp.errors import DifferentiationError, ShapeError
from miniflow_xp.rules.linalg import triangular
from miniflow_xp.system import blas

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


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_small_triangular_systems_are_solved_in_double_precision(dtype, lower, turned):
    """As NumPy solves all systems, to its last digit or nearly; SciPy's threads are as many as before."""
    pytest.importorskip("scipy")
    before = [library.num_threads for library in blas.loaded()]
    random = np.random.default_rng(0)
    a = (random.normal(size=(20, 20)) + 4 * np.eye(20)).astype(dtype)
    b = random.normal(size=(20, 3)).astype(dtype)
    a = a.T if turned else a
    found = ground(differentiable_namespace(compat).linalg.solve_triangular(a, b, lower=lower))
    wanted = np.linalg.solve((np.tril if lower else np.triu)(a), b)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=4 * np.finfo(dtype).eps, atol=1e-14)
    assert [library.num_threads for library in blas.loaded()] == before


@pytest.mark.parametrize("n", [3, triangular.WORTH_THREADS])
def test_a_singular_triangle_is_told(n):
    """By NumPy's own error, whoever solves."""
    zero = np.eye(n)
    zero[1, 1] = 0
    with pytest.raises(np.linalg.LinAlgError, match=r"(?i)singular matrix"):
        differentiable_namespace(compat).linalg.solve_triangular(zero, np.ones((n, 1)))
