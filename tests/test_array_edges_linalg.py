"""Derivatives of linear algebra at the edges, as docs/edges.md decides them."""

import warnings
from math import inf, nan

import numpy as np
import pytest

from miniflow_xp import differentiable_namespace, grad, jvp
from miniflow_xp.arrays.traced import ground

SINGULAR = [[1.0, 2.0], [2.0, 4.0]]
RANK_TWO = np.arange(9.0).reshape(3, 3)
TALL = [[1.0, 2.0], [2.0, 5.0], [0.0, 1.0]]
DEFICIENT = [[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]]
EYE = np.eye(2)
NOWHERE = [[nan, nan], [nan, nan]]
TURNED = np.array([[0.6, -0.8], [0.8, 0.6]])


def total(xp, value):
    value = xp.sum(value)
    return xp.real(value) if "complex" in str(value.dtype) else value


def derivative(backend, function, x, order=1):
    """The derivative of Σ f, of the first order, or of the sum of that."""
    xp = differentiable_namespace(backend.xp)

    def first(x):
        return total(xp, function(xp, x))

    def second(x):
        return total(xp, grad(first)(x))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's own, of divisions by zero
        found = ground(grad(first if order == 1 else second)(backend.asarray(np.asarray(x))))
    return backend.to_numpy(found)


def norm(p):
    return lambda xp, x: xp.linalg.vector_norm(x, ord=p)


def matrix_norm(p):
    return lambda xp, x: xp.linalg.matrix_norm(x, ord=p)


def values_of(op, place, **keywords):
    return lambda xp, x: getattr(xp.linalg, op)(x, **keywords)[place] ** 2


def vectors_of(op, place, **keywords):
    return lambda xp, x: getattr(xp.linalg, op)(x, **keywords)[place][..., 0]


EDGES = {  # what: function, matrix, its gradient
    "det, singular": (lambda xp, x: xp.linalg.det(x), SINGULAR, [[4, -2], [-2, 1]]),
    "det, of rank 2": (lambda xp, x: xp.linalg.det(x), RANK_TWO, [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]]),
    "det, singular but for rounding": (
        lambda xp, x: xp.linalg.det(x),
        0.1 * RANK_TWO,
        [[-0.03, 0.06, -0.03], [0.06, -0.12, 0.06], [-0.03, 0.06, -0.03]],
    ),
    "det, of rank 1 in a stack": (
        lambda xp, x: xp.linalg.det(x),
        [np.diag([2.0, 0, 0]), np.eye(3), np.zeros((3, 3))],
        [np.zeros((3, 3)), np.eye(3), np.zeros((3, 3))],
    ),
    "det, complex and singular": (lambda xp, x: xp.linalg.det(x), [[1j, 2], [1, -2j]], [[2j, -1], [-2, -1j]]),
    "det of 0": (lambda xp, x: xp.linalg.det(x), [[0.0]], [[1]]),
    "slogdet, singular": (lambda xp, x: xp.linalg.slogdet(x)[1], SINGULAR, NOWHERE),
    "slogdet, one of a stack singular": (
        lambda xp, x: xp.linalg.slogdet(x)[1],
        [SINGULAR, 2 * EYE],
        [NOWHERE, [[0.5, 0], [0, 0.5]]],
    ),
    "pinv, deficient": (lambda xp, x: xp.linalg.pinv(x), DEFICIENT, [[nan, nan]] * 3),
    "lstsq, deficient": (lambda xp, x: xp.linalg.lstsq(x, x)[0], DEFICIENT, [[nan, nan]] * 3),
    "qr, deficient": (lambda xp, x: xp.linalg.qr(x)[1], SINGULAR, NOWHERE),
    "qr of 0": (lambda xp, x: xp.linalg.qr(x)[0], np.zeros((2, 2)), NOWHERE),
    "qr complete, vectors beyond": (lambda xp, x: xp.linalg.qr(x, mode="complete")[0], TALL, [[nan, nan]] * 3),
    "svd full, vectors beyond": (lambda xp, x: xp.linalg.svd(x)[0], TALL, [[nan, nan]] * 3),
    "svd full, values": (values_of("svd", 1), TALL, 2 * np.asarray(TALL)),
    "eigvalsh, equal": (lambda xp, x: xp.linalg.eigvalsh(x) ** 2, EYE, 2 * EYE),
    "eigvalsh, least of equal": (lambda xp, x: xp.linalg.eigvalsh(x)[0], EYE, [[1, 0], [0, 0]]),
    "eigh values, equal": (values_of("eigh", 0), EYE, 2 * EYE),
    "eigh vectors, equal": (vectors_of("eigh", 1), EYE, NOWHERE),
    "eigh vectors, equal but for rounding": (vectors_of("eigh", 1), TURNED @ TURNED.T * 0.3, NOWHERE),
    "eig values, equal": (values_of("eig", 0), EYE, 2 * EYE),
    "eig vectors, equal": (vectors_of("eig", 1), EYE, NOWHERE),
    "eigvals, equal": (lambda xp, x: xp.linalg.eigvals(x) ** 2, EYE, 2 * EYE),
    "eigvals, defective": (lambda xp, x: xp.linalg.eigvals(x), [[1.0, 1.0], [0.0, 1.0]], NOWHERE),
    "eigh, phase of vectors": (vectors_of("eigh", 1), [[1.0, 1j], [-1j, 3.0]], NOWHERE),
    "eig, phase of vectors": (vectors_of("eig", 1), [[1.0, 1j], [2.0, 3.0]], NOWHERE),
    "svd, phase of vectors": (vectors_of("svd", 0), [[1.0, 1j], [2.0, 3.0]], NOWHERE),
    "svdvals, equal": (lambda xp, x: xp.linalg.svdvals(x) ** 2, EYE, 2 * EYE),
    "svd values, equal": (values_of("svd", 1, full_matrices=False), EYE, 2 * EYE),
    "svd vectors, equal": (vectors_of("svd", 0), EYE, NOWHERE),
    "svd values, 0": (values_of("svd", 1, full_matrices=False), DEFICIENT, 2 * np.asarray(DEFICIENT)),
    "svd vectors, value 0": (vectors_of("svd", 0, full_matrices=False), DEFICIENT, [[nan, nan]] * 3),
    **{f"vector_norm {p} of 0": (norm(p), [0.0, 0.0], [0, 0]) for p in (1, 1.5, 2, 3, inf, -inf, 0)},
    "vector_norm 1.5 beside 0": (norm(1.5), [0.0, 2.0], [0, 1]),
    "vector_norm 0.5 beside 0": (norm(0.5), [0.0, 2.0], [nan, 1]),
    "vector_norm -1 beside 0": (norm(-1), [0.0, 2.0], [nan, 0]),
    "vector_norm 0.5 of 0": (norm(0.5), [0.0, 0.0], [nan, nan]),
    "vector_norm inf, tie": (norm(inf), [2.0, -2.0], [0.5, -0.5]),
    "vector_norm of complex 0": (norm(2), [0j, 0j], [0, 0]),
    "matrix_norm fro of 0": (matrix_norm("fro"), np.zeros((2, 2)), np.zeros((2, 2))),
    "matrix_norm 1 of 0": (matrix_norm(1), np.zeros((2, 2)), np.zeros((2, 2))),
    "matrix_norm 2, tie": (matrix_norm(2), EYE, EYE / 2),
    "matrix_norm -2, tie": (matrix_norm(-2), EYE, EYE / 2),
    "matrix_norm nuc, equal": (matrix_norm("nuc"), EYE, EYE),
    "matrix_norm inf, tie": (matrix_norm(inf), EYE, EYE / 2),
    "matrix_power 0": (lambda xp, x: xp.linalg.matrix_power(x, 0), SINGULAR, np.zeros((2, 2))),
    "expm of 0": (lambda xp, x: xp.linalg.expm(x), np.zeros((2, 2)), np.ones((2, 2))),
}


@pytest.mark.parametrize("what", EDGES)
def test_at_the_edge_it_is_as_decided(backend, what):
    function, x, expected = EDGES[what]
    np.testing.assert_allclose(derivative(backend, function, x), np.asarray(expected), rtol=1e-12, atol=1e-13)


SECOND = {
    "det, singular": (lambda xp, x: xp.linalg.det(x), SINGULAR, NOWHERE),
    "det, singular but for rounding": (lambda xp, x: xp.linalg.det(x), 0.1 * np.asarray(SINGULAR), NOWHERE),
    "det, equal singular values": (lambda xp, x: xp.linalg.det(x), EYE, [[1, -1], [-1, 1]]),
    "eigvalsh, equal": (lambda xp, x: xp.linalg.eigvalsh(x) ** 2, EYE, NOWHERE),
    "svdvals, equal": (lambda xp, x: xp.linalg.svdvals(x) ** 2, EYE, NOWHERE),
    "vector_norm": (norm(2), [3.0, 4.0], [16 * 0.008 - 12 * 0.008, 9 * 0.008 - 12 * 0.008]),
}


@pytest.mark.parametrize("what", SECOND)
def test_the_second_derivative_at_the_edge_is_as_decided(backend, what):
    function, x, expected = SECOND[what]
    found = derivative(backend, function, x, order=2)
    np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("what", [what for what, (_, _, expected) in EDGES.items() if np.isnan(expected).all()])
def test_where_no_gradient_is_determined_there_is_no_derivative_along_a_direction(backend, what):
    """It is the transpose of the gradient: a NaN that is no factor of it would be lost."""
    function, x, _ = EDGES[what]
    xp, x = differentiable_namespace(backend.xp), np.asarray(EDGES[what][1])
    if "phase" in what or what == "svd vectors, value 0":
        pytest.skip("along a direction vectors keep their phase, and those of the other values are determined")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        direction = np.linspace(0.3, 1.7, x.size).reshape(x.shape).astype(x.dtype)
        found = jvp(lambda x: total(xp, function(xp, x)), [backend.asarray(x)], [backend.asarray(direction)])[1]
    assert np.isnan(backend.to_numpy(found))


def test_the_second_derivative_of_a_singular_determinant_is_nan_along_a_direction_too(backend):
    x = backend.asarray(np.asarray(SINGULAR))
    xp = differentiable_namespace(backend.xp)
    found = jvp(grad(lambda x: xp.linalg.det(x)), [x], [backend.asarray(EYE)])[1]
    assert np.isnan(backend.to_numpy(found)).all()


EMPTY = {
    "inv": lambda xp, x: xp.linalg.inv(x),
    "det": lambda xp, x: xp.linalg.det(x),
    "pinv": lambda xp, x: xp.linalg.pinv(x),
    "cholesky": lambda xp, x: xp.linalg.cholesky(x),
    "eigvalsh": lambda xp, x: xp.linalg.eigvalsh(x),
    "eigh": lambda xp, x: xp.linalg.eigh(x)[1],
    "svd": lambda xp, x: xp.linalg.svd(x, full_matrices=False)[0],
    "qr": lambda xp, x: xp.linalg.qr(x)[0],
    "matrix_power": lambda xp, x: xp.linalg.matrix_power(x, 3),
    "expm": lambda xp, x: xp.linalg.expm(x),
    "trace": lambda xp, x: xp.linalg.trace(x),
    "vector_norm": lambda xp, x: xp.linalg.vector_norm(x, axis=-1),
    "matmul": lambda xp, x: xp.matmul(x, x),
    "einsum": lambda xp, x: xp.einsum("...ij,...jk->...ik", x, x),
}


@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2)], ids=str)
@pytest.mark.parametrize("op", EMPTY)
def test_what_has_no_elements_has_a_gradient_without_elements(backend, op, shape):
    assert derivative(backend, EMPTY[op], np.zeros(shape)).shape == shape
