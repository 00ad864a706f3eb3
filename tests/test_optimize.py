"""Minima, roots, fixed points and linear systems: found with our derivatives, and differentiated themselves."""

import copy
import pickle
import sys
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from array_api_compat import array_namespace

import miniflow_xp as mf
from miniflow_xp.errors import (
    ConvergenceError,
    CostError,
    DifferentiationError,
    DivergedError,
    DtypeError,
    JitError,
    MixedBackendsError,
    PackageMissingError,
    SettingError,
    ShapeError,
)
from miniflow_xp.optimize import (
    curve_fit,
    custom_fixed_point,
    custom_root,
    fixed_point,
    lbfgs,
    least_squares,
    linear_solve,
    minimize,
    root,
)

scipy_optimize = pytest.importorskip("scipy.optimize")

START = np.array([-1.2, 1.0, 0.8])
METHODS = (
    *(None, "Nelder-Mead", "Powell", "CG", "L-BFGS-B", "TNC", "SLSQP"),
    *("Newton-CG", "trust-ncg", "trust-krylov", "trust-exact", "trust-constr", "device-lbfgs"),
)


def rosenbrock(x):
    xp = array_namespace(x)
    return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(x):
    """Its minimum is at 1; it takes no slices, whose gradients are not captured on every backend."""
    off = x - 1
    return array_namespace(x).sum(off**2 + off**4)


def quadratic(x, a):
    """Its minimum is at a, in whatever form x and a have."""
    parts = mf.transforms.trees.flatten(x)[0], mf.transforms.trees.flatten(a)[0]
    return sum(array_namespace(p).sum((p - q) ** 2) for p, q in zip(*parts, strict=True))


def cubic(x, a):
    """It has one root for a > 0."""
    return x**3 + a * x - 1


def root_of_cubic(a):
    return scipy_optimize.brentq(cubic, 0, 1, (a,), xtol=1e-15)


def central(f, x, step=1e-5):
    return (f(x + step) - f(x - step)) / (2 * step)


def near(backend, got, expected, bound):
    np.testing.assert_allclose(backend.to_numpy(got), expected, rtol=0, atol=bound)


# minimize


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("jit", [False, True])
def test_every_method_finds_the_minimum(method, jit):
    options = {"maxfun": 5000} if method == "TNC" else {"maxiter": 2000}
    found = minimize(rosenbrock, START, method=method, options=options, jit=jit)
    assert found.success
    np.testing.assert_allclose(found.x, 1, atol=5e-3)  # as near as the usual tolerances of the methods get


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "Newton-CG", "trust-krylov"])
def test_scipy_calls_as_often_as_with_handwritten_derivatives(method):
    settings = {"jac": scipy_optimize.rosen_der}
    if method not in ("BFGS", "L-BFGS-B"):
        settings["hessp"] = scipy_optimize.rosen_hess_prod
    by_hand = scipy_optimize.minimize(scipy_optimize.rosen, START, method=method, **settings)
    found = minimize(rosenbrock, START, method=method)
    assert (found.nfev, found.nit, found.get("nhev")) == (by_hand.nfev, by_hand.nit, by_hand.get("nhev"))
    np.testing.assert_allclose(found.x, by_hand.x, rtol=1e-7)


def test_the_function_runs_once_a_point():
    points = []

    def f(x):
        points.append(1)
        return rosenbrock(x)

    assert minimize(f, START, method="L-BFGS-B").nfev == len(points)


def test_x_and_gradient_have_library_and_dtype_of_the_start(backend):
    found = minimize(bowl, backend.asarray(START, "float32"), method="L-BFGS-B", jit=True)
    for array in (found.x, found.jac):
        assert backend.owns(array)
        assert "float32" in str(array.dtype)
    near(backend, found.x, 1, 1e-2)


class Pair(NamedTuple):
    """A container."""

    a: Any
    b: Any


@dataclass
class Line:
    """A container of the user's own."""

    slope: Any
    offset: Any


MATRIX, NUMBER = np.arange(6.0).reshape(2, 3), np.array(-2.0)
TREES = {
    "array": MATRIX,
    "dict": {"W": MATRIX, "b": NUMBER},
    "list": [MATRIX, NUMBER],
    "tuple": (MATRIX, NUMBER),
    "named tuple": Pair(MATRIX, NUMBER),
    "dataclass": Line(MATRIX, NUMBER),
    "nested": {"layers": [(MATRIX, None), Pair(NUMBER, {"deep": MATRIX})]},
    "two dtypes": {"W": MATRIX.astype("float32"), "b": NUMBER},
}


@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "device-lbfgs"])
def test_parameters_in_any_form(name, method):
    aim = TREES[name]
    found = minimize(quadratic, mf.transforms.trees.tree_map(np.zeros_like, aim), (aim,), method=method)
    assert type(found.x) is type(aim)
    leaves, aims = (mf.transforms.trees.flatten(tree)[0] for tree in (found.x, aim))
    for leaf, wanted in zip(leaves, aims, strict=True):
        assert (leaf.shape, leaf.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(leaf, wanted, atol=1e-5)
    assert mf.transforms.trees.form_of(found.jac) == mf.transforms.trees.form_of(aim)


def test_numbers_and_lists_of_numbers_are_arrays_of_the_backend(backend):
    for x0 in (0, [2, 3], [2.0, np.float64(3)], [np.float32(2), np.int64(3)]):
        found = minimize(lambda x: array_namespace(x).sum((x - 3) ** 2), x0).x
        assert backend.owns(found)
        near(backend, found, 3, 1e-6)


def test_a_result_is_changed_as_items_and_as_attributes():
    found = minimize(lambda x: ((x - 3) ** 2).sum(), np.ones(2))
    found.x = found.x + 1
    found["fun"] = 5.0
    del found.jac
    again = pickle.loads(pickle.dumps(copy.deepcopy(found)))
    np.testing.assert_allclose(again["x"], 4, atol=1e-5)
    assert again.fun == 5.0
    assert "jac" not in again


def test_python_that_looks_at_contents_runs_as_written_and_is_not_recorded():
    def f(x):
        return ((x - 1) ** 2).sum() if x[0] > 0 else 2 * ((x - 1) ** 2).sum()

    np.testing.assert_allclose(minimize(f, -np.ones(2)).x, 1, atol=1e-6)
    np.testing.assert_allclose(lbfgs(f, -np.ones(2), jit=False).x, 1, atol=1e-6)
    for recorded in (lambda: minimize(f, -np.ones(2), jit=True), lambda: lbfgs(f, -np.ones(2))):
        with pytest.raises(JitError, match=r"test_optimize\.py.*looks at contents"):
            recorded()


def test_each_call_records_anew_what_the_function_closes_over():
    aim = [1.0]
    for aim[0] in (1.0, 2.0):
        for found in (lbfgs(lambda x: (x - aim[0]) ** 2, 0.0), minimize(lambda x: (x - aim[0]) ** 2, 0.0, jit=True)):
            assert abs(float(found.x) - aim[0]) < 1e-6


def test_callbacks_get_the_parameters_in_their_form():
    seen = []
    minimize(quadratic, {"a": np.zeros(2)}, ({"a": np.ones(2)},), callback=lambda x: seen.append(x["a"]))
    minimize(
        quadratic,
        {"a": np.zeros(2)},
        ({"a": np.ones(2)},),
        callback=lambda intermediate_result: seen.append(intermediate_result.x["a"]),
    )
    lbfgs(quadratic, {"a": np.zeros(2)}, ({"a": np.ones(2)},), callback=lambda x: seen.append(x["a"]))
    assert len(seen) >= 3
    assert all(x.shape == (2,) for x in seen)


def test_a_callback_may_end_it():
    def enough(x):
        raise StopIteration

    assert minimize(rosenbrock, START, method="L-BFGS-B", callback=enough).nit == 1


# Bounds and constraints

NAMED = {"a": np.array([1.0, 5.0]), "b": (np.array(5.0), np.array(1.0))}
PLAIN = np.array([1.0, 5.0, 5.0, 1.0])
HOCK_71 = [1.0, 4.74299963, 3.82114998, 1.37940829]  # Hock and Schittkowski (1981), problem 71


def numbers(x):
    return (x["a"][0], x["a"][1], *x["b"]) if isinstance(x, dict) else tuple(x[k] for k in range(4))


def hock_71(x):
    a, b, c, d = numbers(x)
    return a * d * (a + b + c) + c


def product(x):
    a, b, c, d = numbers(x)
    return a * b * c * d


def squares(x):
    return sum(number * number for number in numbers(x))


DICTS = (
    {"type": "ineq", "fun": lambda x, least: product(x) - least, "args": (25,)},
    {"type": "eq", "fun": lambda x: squares(x) - 40},
)
OBJECTS = (
    scipy_optimize.NonlinearConstraint(product, 25, np.inf),
    scipy_optimize.NonlinearConstraint(squares, 40, 40),
)
CONSTRAINED = {
    "array, dicts": (PLAIN, [(1, 5)] * 4, DICTS),
    "array, objects": (PLAIN, scipy_optimize.Bounds(1, 5), OBJECTS),
    "tree, dicts": (NAMED, {"a": (1, np.array([5.0, 5.0])), "b": ((1, 5), (1, 5))}, DICTS),
    "tree, objects": (NAMED, scipy_optimize.Bounds(1, 5), OBJECTS),
}


@pytest.mark.parametrize("name", CONSTRAINED)
@pytest.mark.parametrize("method", [None, "trust-constr"])
@pytest.mark.parametrize("jit", [False, True])
def test_constraints_and_bounds_in_any_form(name, method, jit):
    start, bounds, constraints = CONSTRAINED[name]
    found = minimize(hock_71, start, method=method, bounds=bounds, constraints=constraints, jit=jit)
    assert found.success
    np.testing.assert_allclose(numbers(found.x), HOCK_71, atol=1e-4)


def test_linear_constraints_are_of_the_raveled_vector():
    constraint = scipy_optimize.LinearConstraint([[1, 2]], -np.inf, 1)
    for method in ("SLSQP", "trust-constr"):
        found = minimize(rosenbrock, np.array([1.0, 0.5]), method=method, constraints=constraint)
        np.testing.assert_allclose(found.x, [0.5022, 0.2489], atol=1e-3)


def test_a_bound_may_be_left_out():
    bounds = {"a": (None, 0.5), "b": (None, None)}
    found = minimize(quadratic, {"a": np.zeros(2), "b": 0.0}, ({"a": np.ones(2), "b": 3.0},), bounds=bounds)
    np.testing.assert_allclose(found.x["a"], 0.5)
    np.testing.assert_allclose(found.x["b"], 3, atol=1e-6)


@pytest.mark.parametrize("bounds", [(-8, 4), [None, 4.0]])
def test_two_numbers_bound_all_elements_of_an_array(backend, bounds):
    found = minimize(lambda x: array_namespace(x).sum((x - 5) ** 2), backend.asarray(np.zeros(3)), bounds=bounds)
    near(backend, found.x, [4, 4, 4], 1e-9)


def test_bounds_may_have_the_shape_of_the_array(backend):
    low = np.asarray([[1.0, -np.inf], [-np.inf, 2.0]])
    bounds = scipy_optimize.Bounds(low, np.inf)
    x0 = backend.asarray(np.full((2, 2), 3.0))
    near(backend, minimize(lambda x: array_namespace(x).sum(x * x), x0, bounds=bounds).x, [[1, 0], [0, 2]], 1e-6)


# least_squares, curve_fit


@pytest.mark.parametrize("jit", [False, True])
def test_products_are_those_of_their_point_though_the_solver_writes_to_its_array(jit):
    """An operator is asked for products after the solver has moved on in the same memory."""
    x = np.array([1.0, 2.0])
    form = mf.optimize.form.Form(x, "a test")
    operator = mf.optimize.functions.VectorMap(lambda x: x**3, form, (), jit, "a test").operator(x)
    x[:] = 9.0
    np.testing.assert_allclose(operator @ np.ones(2), [3.0, 12.0])
    np.testing.assert_allclose(operator.T @ np.ones(2), [3.0, 12.0])


def decay(t, height, rate):
    return height * array_namespace(height).exp(-rate * t)


TIMES = np.linspace(0, 1, 20)
NOISY = 3 * np.exp(-2 * TIMES) + 0.01 * np.cos(99 * np.arange(20))


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    "settings", [{"method": "trf"}, {"method": "lm"}, {"jacobian": "operator"}, {"loss": "huber"}], ids=str
)
def test_least_squares(jit, settings):
    found = least_squares(
        lambda p: decay(TIMES, p["height"], p["rate"]) - NOISY, {"height": 1.0, "rate": 1.0}, jit=jit, **settings
    )
    expected = scipy_optimize.least_squares(lambda p: p[0] * np.exp(-p[1] * TIMES) - NOISY, [1.0, 1.0])
    np.testing.assert_allclose([found.x["height"], found.x["rate"]], expected.x, rtol=1e-4)


def test_a_jacobian_is_made_by_rows_where_these_are_fewer():
    runs = []

    def residuals(x):
        runs.append(1)
        return [x[:2] - 1.0, x[2] * x[3]]

    found = least_squares(residuals, np.ones(6) / 2, bounds=(-1, 2))
    assert found.jac.shape == (3, 6)
    assert found.nfev == len(runs)


@pytest.mark.parametrize("sigma", [None, 0.02, np.linspace(0.01, 0.03, 20)], ids=["none", "one", "each"])
@pytest.mark.parametrize("absolute", [False, True])
def test_a_curve_is_fitted_as_by_scipy(sigma, absolute):
    p, covariance = curve_fit(decay, TIMES, NOISY, [1.0, 1.0], sigma=sigma, absolute_sigma=absolute)
    of_scipy = np.full(20, sigma) if isinstance(sigma, float) else sigma
    by_hand = scipy_optimize.curve_fit(
        lambda t, a, b: a * np.exp(-b * t), TIMES, NOISY, [1.0, 1.0], sigma=of_scipy, absolute_sigma=absolute
    )
    np.testing.assert_allclose(p, by_hand[0], rtol=1e-6)
    np.testing.assert_allclose(covariance, by_hand[1], rtol=1e-4)


# Roots, fixed points and minima, and their derivatives


def test_a_root_has_derivatives_to_the_third_order(backend):
    def x(a):
        return root(cubic, backend.asarray(np.asarray(0.5)), (a,), tol=1e-13).x

    a = backend.asarray(np.asarray(2.0))

    def slope(a):
        return -root_of_cubic(a) / (3 * root_of_cubic(a) ** 2 + a)

    near(backend, x(a), root_of_cubic(2.0), 1e-12)
    near(backend, mf.grad(x)(a), slope(2.0), 1e-12)
    near(backend, mf.grad(mf.grad(x))(a), central(slope, 2.0), 1e-9)
    if backend.name == "numpy":
        third = central(lambda a: central(slope, a, 1e-4), 2.0, 1e-3)
        near(backend, mf.grad(mf.grad(mf.grad(x)))(a), third, 1e-6)
        near(backend, mf.jvp(x, (a,), (a,))[1], 2 * slope(2.0), 1e-12)


def layer(z, W, x):
    xp = array_namespace(z)
    return xp.tanh(xp.matmul(W, z) + x)


WEIGHTS = 0.3 * np.random.default_rng(0).normal(size=(4, 4))
INPUT = np.linspace(-1, 1, 4)


@pytest.mark.parametrize("memory", [0, 5])
@pytest.mark.parametrize("solver", [None, "gmres"])
def test_a_fixed_point_has_derivatives(memory, solver):
    def total(W, x=INPUT):
        return fixed_point(layer, np.zeros(4), (W, x), memory=memory, solver=solver).sum()

    mf.gradcheck(total, WEIGHTS)
    mf.gradcheck(lambda x: total(WEIGHTS, x), INPUT)
    if memory:
        mf.gradcheck(lambda W: (mf.grad(total)(W) ** 2).sum(), WEIGHTS)


def test_fixed_points_on_every_backend(backend):
    W, x, zeros = (backend.asarray(a) for a in (WEIGHTS, INPUT, np.zeros(4)))
    z = fixed_point(layer, zeros, (W, x), jit=True)

    def square(W):
        return array_namespace(W).sum(fixed_point(layer, z, (W, x)) ** 2)

    gradient = mf.grad(square)(W)
    expected = fixed_point(layer, np.zeros(4), (WEIGHTS, INPUT))
    near(backend, z, expected, 1e-9)
    bend = 1 - expected**2
    adjoint = np.linalg.solve(np.eye(4) - WEIGHTS.T * bend, 2 * expected)
    near(backend, gradient, np.outer(adjoint * bend, expected), 1e-9)


FEATURES = np.random.default_rng(1).normal(size=(6, 3))
TARGETS = FEATURES @ np.array([1.0, 2.0, 3.0])


def ridge(w, weight, y):
    xp = array_namespace(w)
    off = xp.matmul(xp.asarray(FEATURES), w) - y
    return xp.sum(off * off) + weight * xp.sum(w * w)


def exact_ridge(weight):
    w = np.linalg.solve(FEATURES.T @ FEATURES + weight * np.eye(3), FEATURES.T @ TARGETS)
    return w @ w


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-exact", "device-lbfgs"])
def test_a_minimum_has_derivatives(method):
    def square(weight):
        w = minimize(ridge, np.zeros(3), (weight, TARGETS), method=method, tol=1e-9).x
        return (w * w).sum()

    weight = np.array(0.5)
    np.testing.assert_allclose(mf.grad(square)(weight), central(exact_ridge, 0.5), rtol=1e-7)
    second = central(lambda weight: central(exact_ridge, weight, 1e-4), 0.5, 1e-4)
    np.testing.assert_allclose(mf.grad(mf.grad(square))(weight), second, rtol=1e-4)


def test_the_least_value_has_the_derivative_of_the_function_alone():
    def least(weight):
        return minimize(ridge, np.zeros(3), (weight, TARGETS), tol=1e-9).fun

    np.testing.assert_allclose(mf.grad(least)(np.array(0.5)), exact_ridge(0.5), rtol=1e-9)


def test_least_squares_have_derivatives():
    def square(weight):
        def residuals(w, weight):
            return [
                FEATURES @ w - TARGETS if isinstance(w, np.ndarray) else w.xp.asarray(FEATURES) @ w - TARGETS,
                weight**0.5 * w,
            ]

        return (least_squares(residuals, np.zeros(3), (weight,)).x ** 2).sum()

    np.testing.assert_allclose(mf.grad(square)(np.array(0.5)), central(exact_ridge, 0.5), rtol=1e-7)


def test_solvers_of_ones_own_are_not_differentiated_but_their_solutions_are():
    steps = []

    @custom_root(cubic)
    def newton(x, a):
        for _ in range(20):
            steps.append(type(x))
            x = x - cubic(x, a) / (3 * x**2 + a)
        return x

    @custom_fixed_point(lambda x, a: {"x": (1 - a * x["x"]) ** (1 / 3)})
    def from_table(x0, a):
        return {"x": np.asarray(root_of_cubic(float(a)))}

    slope = central(root_of_cubic, 2.0)
    np.testing.assert_allclose(mf.grad(newton, argnums=1)(np.asarray(0.5), np.asarray(2.0)), slope, rtol=1e-8)
    got = mf.grad(lambda a: from_table({"x": np.asarray(0.0)}, a)["x"])(np.asarray(2.0))
    np.testing.assert_allclose(got, slope, rtol=1e-8)
    assert not any(issubclass(kind, mf.arrays.traced.Traced) for kind in steps)


MASS = FEATURES.T @ FEATURES + np.eye(3)


@pytest.mark.parametrize("solver", ["dense", "cg", "gmres"])
def test_a_linear_system_has_derivatives_to_the_second_order(solver):
    def square(A, b):
        x = linear_solve(lambda x, A: A @ x, b, (A,), solver=solver)
        return (x * x).sum()

    np.testing.assert_allclose(square(MASS, TARGETS[:3]), (np.linalg.solve(MASS, TARGETS[:3]) ** 2).sum())
    mf.gradcheck(lambda A: square(A, TARGETS[:3]), MASS)
    mf.gradcheck(lambda b: (mf.grad(square)(MASS, b) ** 2).sum(), TARGETS[:3])
    mf.gradcheck(lambda A: (mf.grad(square)(A, TARGETS[:3]) ** 2).sum(), MASS)


def test_one_argument_needs_no_tuple():
    x = linear_solve(lambda x, A: A @ x, TARGETS[:3], MASS)
    np.testing.assert_allclose(x, np.linalg.solve(MASS, TARGETS[:3]))


def test_large_systems_are_solved_by_products_alone(backend):
    n = 300 if backend.name in ("numpy", "torch") else 20
    diagonal, b = (backend.asarray(a) for a in (np.linspace(1, 5, n), np.ones(n)))
    products = []

    def matvec(x, diagonal):
        products.append(1)
        xp = array_namespace(x)
        return diagonal * x + 0.1 * xp.concat([x[1:], x[:1]])

    x = linear_solve(matvec, b, (diagonal,), solver=None if n > 256 else "gmres")
    near(backend, matvec(x, diagonal), 1, 1e-9)
    assert len(products) < 60


# L-BFGS on the device


def test_device_lbfgs_ends_where_scipys_does():
    """Rosenbrock's function in ten dimensions, and a logistic regression: no more than half as many calls again."""
    random = np.random.default_rng(0)
    X, w = random.normal(size=(60, 5)), random.normal(size=5)
    y = np.sign(X @ w + random.normal(size=60))

    def logistic(w):
        xp = array_namespace(w)
        margins = xp.asarray(y) * (xp.asarray(X) @ w)
        return xp.mean(xp.logaddexp(0 * margins, -margins)) + 0.005 * xp.sum(w * w)

    for f, start in ((rosenbrock, np.full(10, 0.5)), (logistic, np.zeros(5))):
        ours = lbfgs(f, start)
        theirs = minimize(f, start, method="L-BFGS-B", options={"ftol": 0})
        assert ours.success
        np.testing.assert_allclose(ours.x, theirs.x, atol=1e-4)
        assert ours.nfev <= 1.5 * theirs.nfev


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_device_lbfgs_stays_with_the_library(backend, dtype):
    if (backend.name, dtype) == ("jax", "float64"):
        pytest.skip("it is compiled for seconds; float32 shows the same")
    found = lbfgs(bowl, backend.asarray(START, dtype), memory=3, check_every=16)
    assert found.success
    assert backend.owns(found.x)
    assert dtype in str(found.x.dtype)
    near(backend, found.x, 1, 1e-2 if dtype == "float32" else 1e-4)


def test_looking_seldom_changes_nothing():
    often, seldom = (lbfgs(rosenbrock, START, check_every=every) for every in (1, 50))
    np.testing.assert_array_equal(often.x, seldom.x)
    assert (often.nfev, often.nit) == (seldom.nfev, seldom.nit)


ENDS = {
    "at once": (lambda x: (x * x).sum(), np.zeros(2), {}, 1, True),
    "maxiter": (rosenbrock, START, {"maxiter": 3}, 3, False),
    "nothing more to gain": (lambda x: rosenbrock(x) + 1e6, START, {"tol": 0.0}, 2, True),
    "no minimum along the line": (lambda x: -x.sum(), np.ones(2), {}, 4, False),
    "no minimum but -∞": (lambda x: array_namespace(x).log(abs(x)).sum(), np.array([0.5]), {"maxiter": 300}, 4, False),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of infinite values
def test_how_device_lbfgs_ends(name):
    f, start, settings, status, success = ENDS[name]
    found = lbfgs(f, start, **settings)
    assert (found.status, found.success) == (status, success)
    assert found.message


@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_a_nan_on_the_way_is_stepped_back_from():
    found = lbfgs(lambda x: (x - array_namespace(x).log(x)).sum(), np.array([5.0, 0.1]))
    np.testing.assert_allclose(found.x, 1, atol=1e-4)


# Errors


def closing_over(solve):
    return lambda: mf.grad(lambda a: solve(a))(np.asarray(2.0))


def failing(**settings):
    return closing_over(lambda a: minimize(rosenbrock_of, START, (a,), **settings).x[0])


def rosenbrock_of(x, a):
    return rosenbrock(x) * a


ERRORS = {
    "no scalar": (lambda: minimize(lambda x: x, np.ones(2)), CostError, "shape"),
    "no scalar, no gradient": (lambda: minimize(lambda x: x, np.ones(2), method="powell"), CostError, "shape"),
    "no array": (lambda: lbfgs(lambda x: 1.0, np.ones(2)), CostError, "a float"),
    "NaN at the start": (lambda: minimize(lambda x: x.sum() * np.nan, np.ones(2)), DivergedError, "at x0 is nan"),
    "infinite at the start": (lambda: lbfgs(lambda x: x.sum() * np.inf, np.ones(2)), DivergedError, "at x0 is inf"),
    "NaN in residuals": (lambda: least_squares(lambda x: x * np.nan, np.ones(2)), DivergedError, "at x0 is nan"),
    "complex": (lambda: minimize(lambda x: x.sum(), np.ones(2) + 1j), DtypeError, "complex"),
    "parameters without numbers": (lambda: lbfgs(rosenbrock, np.ones(0)), SettingError, "x0"),
    "a gradient that is not finite": (
        closing_over(lambda a: root(cubic, 0.5, (a,)).x * np.inf),
        ConvergenceError,
        "not finite",
    ),
    "no parameters": (lambda: minimize(lambda x: x, {}), SettingError, "x0"),
    "another method": (lambda: minimize(rosenbrock, START, method="newton"), SettingError, "newton-cg"),
    "another solver": (lambda: linear_solve(lambda x: x, START, solver="lu"), SettingError, "gmres"),
    "bounds of another form": (
        lambda: minimize(hock_71, NAMED, bounds={"a": (1, 5)}),
        SettingError,
        "form of x0",
    ),
    "bounds of another shape": (
        lambda: minimize(hock_71, NAMED, bounds={"a": (1, np.ones(3)), "b": ((1, 5), (1, 5))}),
        ShapeError,
        r"\(3,\)",
    ),
    "no constraint": (lambda: minimize(rosenbrock, START, constraints=[3]), SettingError, "constraint"),
    "a type of constraint": (
        lambda: minimize(rosenbrock, START, constraints={"type": "gt", "fun": rosenbrock}),
        SettingError,
        "eq, ineq",
    ),
    "bounds on the device": (
        lambda: minimize(rosenbrock, START, method="device-lbfgs", bounds=[(0, 1)] * 3),
        SettingError,
        "bounds",
    ),
    "a value of another form": (lambda: root(lambda x: {"x": x}, START), ShapeError, "form of x0"),
    "a value of another shape": (lambda: root(lambda x: x[:2], START), ShapeError, r"\(2,\)"),
    "no contraction": (lambda: fixed_point(lambda x: 2 * x + 1, START, memory=0), ConvergenceError, "moved x by"),
    "singular": (lambda: linear_solve(lambda x: 0 * x + x[0], START), ConvergenceError, "singular"),
    "singular, by products": (
        lambda: linear_solve(lambda x: 0 * x + x[0], START, solver="gmres"),
        ConvergenceError,
        "is left",
    ),
    "not reached": (failing(options={"maxiter": 2}), ConvergenceError, "Newton step.*Maximum number"),
    "not reached on the device": (
        failing(method="device-lbfgs", options={"maxiter": 2}),
        ConvergenceError,
        "Newton step.*maxiter",
    ),
    "a line of roots": (
        closing_over(lambda a: root(lambda x, a: (x + x[::-1]) * a, START[:2], (a,), method="lm").x[0]),
        ConvergenceError,
        "singular values",
    ),
    "a solver that lies": (
        closing_over(lambda a: custom_root(cubic)(lambda x, a: x)(np.asarray(0.5), a)),
        ConvergenceError,
        "Newton step",
    ),
    "read from outside": (closing_over(lambda a: root(lambda x: cubic(x, a), 0.5).x), DifferentiationError, "args"),
    "read from outside, too": (
        closing_over(lambda a: root(lambda x, b: cubic(x, a) + 0 * b, 0.5, (a,)).x),
        DifferentiationError,
        "args",
    ),
    "read by a minimum": (
        closing_over(lambda a: minimize(lambda x: (x - a) ** 2, 0.5).x),
        DifferentiationError,
        "args",
    ),
    "read by a solver's equations": (
        closing_over(lambda a: custom_root(lambda x, b: cubic(x, a))(lambda x, b: np.asarray(0.4533976515))(0.5, a)),
        DifferentiationError,
        "args",
    ),
    "a minimum at a bound": (failing(bounds=[(0, 1)] * 3), SettingError, "bound"),
    "a robust loss": (
        closing_over(lambda a: least_squares(lambda x, a: x - a, 0.5, (a,), loss="huber").x),
        SettingError,
        "loss",
    ),
    "a covariance": (
        closing_over(lambda a: curve_fit(lambda x, p: p * x, TIMES, NOISY * a, [1.0])[0][0]),
        DifferentiationError,
        "covariance",
    ),
    "recorded": (
        lambda: mf.jit(mf.grad(lambda a: root(cubic, 0.5, (a,)).x))(np.asarray(2.0)),
        JitError,
        "contents",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_errors(name):
    wrong, kind, text = ERRORS[name]
    with pytest.raises(kind, match=text):
        wrong()


def test_parameters_belong_to_one_library():
    strict = mf.switch.load("strict").asarray(START)
    with pytest.raises(MixedBackendsError, match="strict and numpy"):
        minimize(lambda p: (p[0] ** 2).sum(), [strict, START])


@pytest.mark.parametrize("jit", [False, True])
def test_recording_refuses_what_is_read_from_outside_while_it_is_differentiated(jit):
    for solve in (
        lambda a: minimize(lambda x: (x - a) ** 2, 0.5, jit=jit).x,
        lambda a: lbfgs(lambda x: (x - a) ** 2, 0.5, jit=jit).x,
        lambda a: fixed_point(lambda x: 0.5 * x + a, 0.5, jit=jit),
        lambda a: fixed_point(lambda x, b: 0.5 * x + a + b, 0.5, (a,), jit=jit),
        lambda a: root(lambda x: x - a, 0.5, jit=jit).x,
        lambda a: least_squares(lambda x: x - a, 0.5, jit=jit).x,
        lambda a: minimize(lambda x: x * x, 0.5, constraints={"type": "eq", "fun": lambda x: x - a}, jit=jit).x,
        lambda a: linear_solve(lambda x: 2 * x * a, 0.5),
        lambda a: linear_solve(lambda x, b: 2 * x * a + 0 * b, 0.5, (a,)),
    ):
        with pytest.raises(DifferentiationError, match=r"is (being )?differentiated"):
            mf.grad(solve)(np.asarray(2.0))


def test_arguments_may_be_trees_that_hold_other_things():
    def f(x, settings, factors):
        return ((x - settings["aim"] * factors[0]) ** 2).sum() * settings["times"]

    def total(aim):
        settings = {"times": 3, "aim": aim, "name": "a text"}
        return minimize(f, np.zeros(2), (settings, [np.asarray(2.0), None])).x.sum()

    np.testing.assert_allclose(mf.grad(total)(np.ones(2)), 2)


def test_solutions_inside_of_solutions_have_derivatives():
    """The minimum of (z(x) - a)², where z³ + z = x, is at x = a³ + a."""

    def f(x, a):
        return (root(lambda z, x: z**3 + z - x, 0.1, (x,), tol=1e-13).x - a) ** 2

    found = mf.grad(lambda a: minimize(f, 1.0, (a,), tol=1e-10).x)(np.asarray(1.0))
    np.testing.assert_allclose(found, 4, rtol=1e-6)


def test_what_has_no_gradient_is_not_in_a_differentiated_result():
    seen = []

    def x(a):
        seen.append(root(cubic, np.asarray(0.5), (a,)))
        return seen[-1].x

    mf.grad(x)(np.asarray(2.0))
    assert not {"fun", "jac", "fjac", "r"} & set(seen[0])
    with pytest.raises(AttributeError, match="there is no 'fun'"):
        _ = seen[0].fun


def test_without_scipy_the_remedy_is_told_and_the_device_goes_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    for call in (
        lambda: minimize(rosenbrock, START),
        lambda: root(cubic, 0.5, (2.0,)),
        lambda: least_squares(lambda x: x, START),
    ):
        with pytest.raises(PackageMissingError, match="pip install"):
            call()
    assert lbfgs(rosenbrock, START).success
    assert minimize(rosenbrock, START, method="device-lbfgs").success


def test_both_kinds_of_constraint_in_one_object_work():
    both = scipy_optimize.NonlinearConstraint(lambda x: [product(x), squares(x)], [25, 40], [np.inf, 40])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy_optimize.OptimizeWarning)  # SciPy finds two objects more efficient
        found = minimize(hock_71, NAMED, bounds=scipy_optimize.Bounds(1, 5), constraints=both)
    np.testing.assert_allclose(numbers(found.x), HOCK_71, atol=1e-4)
