"""Registering the rules for SciPy: who is reached, that all is as before afterwards, and what is refused."""

import ctypes
import ctypes.util
import inspect
import math
import threading

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the rules are for SciPy: pip install scipy")

import scipy.linalg
from scipy import LowLevelCallable, integrate, interpolate, ndimage, signal, sparse, stats
from scipy.linalg import solve  # before anything is registered, as somebody else's module does it
from scipy.spatial import distance

from miniflow_xp import grad, jit, stop_gradient, vjp
from miniflow_xp.errors import DifferentiationError, FeedError, JitError, SettingError
from miniflow_xp.scipy import register, registered, rules, substitute, unregister
from miniflow_xp.scipy.integrate.adjoint import by_solve_ivp
from miniflow_xp.scipy.registration import found
from miniflow_xp.scipy.settings import way_of_ode
from miniflow_xp.scipy.substitutes import SUBSTITUTES

A = np.array([[3.0, 1.0], [0.5, 2.0]])
b = np.array([1.0, -2.0])
logpdf = stats.norm.logpdf  # a bound method, kept from before


def total(x):
    return x.xp.sum(x * x)


def test_a_function_that_was_imported_before_takes_traced_arrays():
    inverse = np.linalg.inv(A)
    with rules("linalg"):
        got = grad(lambda b: total(solve(A, b)))(b)
    np.testing.assert_allclose(got, 2 * inverse.T @ inverse @ b, rtol=1e-12)


def test_a_bound_method_that_was_kept_before_takes_traced_arrays():
    with rules("stats"):
        got = grad(lambda x: x.xp.sum(logpdf(x, loc=1.0, scale=2.0)))(b)
    np.testing.assert_allclose(got, -(b - 1) / 4, rtol=1e-12)


def test_nothing_is_registered_by_an_import():
    assert registered() == []
    with pytest.raises(DifferentiationError):
        grad(lambda b: total(solve(A, b)))(b)


def everything_redirected():
    members = [found(name) for name in SUBSTITUTES]
    return [inspect.unwrap(getattr(m, "__func__", m)) for m in members if m is not None]


def state_of(functions):
    return [(f, f.__code__, f.__defaults__, f.__kwdefaults__, dict(vars(f))) for f in functions]


def test_afterwards_every_function_of_scipy_is_as_before():
    with rules():
        pass
    before = state_of(everything_redirected())
    value = solve(A, b)
    with rules():
        assert len(registered()) > 100
        inside = [f.__code__ for f in everything_redirected()]
        np.testing.assert_array_equal(solve(A, b), value)
    assert all(code is not old[1] for code, old in zip(inside, before, strict=True))
    for (f, code, *rest), (g, kept, *others) in zip(state_of(everything_redirected()), before, strict=True):
        assert f is g
        assert code is kept
        assert rest == others
    assert scipy.linalg.solve is solve


def test_signatures_are_those_of_scipy_meanwhile():
    functions = everything_redirected()
    before = [str(inspect.signature(f)) for f in functions]
    with rules():
        assert [str(inspect.signature(f)) for f in functions] == before


def test_plain_calls_are_those_of_scipy_meanwhile():
    calls = []

    def decay(t, y):
        calls.append(t)
        return -y

    expected = integrate.solve_ivp(decay, (0, 1), [1.0])
    count = len(calls)
    quad_of_cosine = integrate.quad(math.cos, 0, 1)
    compiled = ctypes.CDLL(ctypes.util.find_library("m")).cos
    compiled.restype, compiled.argtypes = ctypes.c_double, (ctypes.c_double,)
    with rules():
        got = integrate.solve_ivp(decay, (0, 1), [1.0])
        assert len(calls) == 2 * count
        np.testing.assert_array_equal(got.y, expected.y)
        assert type(solve(A, b)) is np.ndarray
        assert integrate.quad(math.cos, 0, 1) == quad_of_cosine
        assert integrate.quad(LowLevelCallable(compiled), 0, 1)[0] == quad_of_cosine[0]
        assert type(interpolate.CubicSpline([0, 1, 2], [0.0, 1, 0]).c) is np.ndarray
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            solve(np.zeros((2, 2)), b)


def test_blocks_may_stand_in_one_another_and_beside_register():
    with rules("linalg"):
        with rules("linalg", "stats"):
            assert "scipy.linalg.solve" in registered()
        assert "scipy.linalg.solve" in registered()
        register("linalg")
        register("linalg")
    assert "scipy.linalg.solve" in registered()
    unregister()
    unregister()
    assert registered() == []


def test_an_error_inside_of_a_block_leaves_nothing_registered():
    with pytest.raises(ZeroDivisionError), rules("linalg"):
        raise ZeroDivisionError
    assert registered() == []


def test_other_threads_find_them_registered_too():
    kept = []
    with rules("linalg"):
        thread = threading.Thread(target=lambda: kept.append(grad(lambda b: total(solve(A, b)))(b)))
        thread.start()
        thread.join()
        np.testing.assert_array_equal(kept[0], grad(lambda b: total(solve(A, b)))(b))


def on_another_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.parametrize("how", [on_another_thread, lambda work: work()], ids=["on another thread", "inside itself"])
def test_a_pullback_that_ends_while_another_call_of_it_runs(how):
    """What the function read is followed until the last of them is over: the integrand runs again in each."""
    between = []

    def slope(k, t):
        while between:
            how(between.pop())
        return grad(lambda u: u * u * k)(t)

    with rules("integrate"):
        _, pullback = vjp(lambda k: integrate.quad(lambda t: slope(k, t), 0, 1)[0], np.asarray(3.0))
        inner = []
        between.append(lambda: inner.append(pullback(1.0)[0]))
        outer = pullback(1.0)[0]
    np.testing.assert_allclose([outer, *inner], [1.0, 1.0], rtol=1e-12)


def test_a_part_that_there_is_not():
    with pytest.raises(SettingError, match="one of integrate, interpolate"), rules("optimize"):
        pass
    with pytest.raises(SettingError, match="direct, adjoint"), rules(ode="backward"):
        pass
    assert registered() == []


def test_where_a_part_is_refused_the_way_of_equations_stays():
    with pytest.raises(SettingError, match="one of integrate, interpolate"):
        register("optimize", ode="adjoint")
    assert way_of_ode() == "direct"


def test_a_substitute_of_ones_own(monkeypatch):
    """For instance of another package, which names its module as an entry point."""
    from miniflow_xp.scipy import registration

    class Entry:
        name, value = "special", __name__

    registration.parts_and_more.cache_clear()
    monkeypatch.setattr(registration, "entry_points", lambda group: [Entry] if group == "miniflow_xp.scipy" else [])

    @substitute("scipy.special.softmax", arrays="x")
    def softmax(xp, x, axis=None):
        return 2 * x

    try:
        with rules("special"):
            assert registered() == ["scipy.special.softmax"]
            got = grad(lambda x: x.xp.sum(scipy.special.softmax(x)))(b)
        np.testing.assert_array_equal(got, [2.0, 2.0])
    finally:
        del SUBSTITUTES["scipy.special.softmax"]
        registration.parts_and_more.cache_clear()


REFUSED = {
    "an option": (lambda x: solve(A, x, assume_a="banded"), "assume_a"),
    "another option": (lambda x: scipy.linalg.pinv(A * x, rtol=0.1), "rtol=0.1"),
    "a distribution": (lambda x: stats.genhyperbolic.logpdf(x, 1, 1, 0), "these have: norm"),
    "a method of one": (lambda x: stats.gamma.ppf(x, 2.0), "no formula"),
    "a shape of one": (lambda x: stats.gamma.cdf(1.0, x * x), "no closed form"),
    "a count": (lambda x: stats.poisson.pmf(x, 2.0), "whole numbers"),
    "an event": (lambda x: integrate.solve_ivp(lambda t, y: -y, (0, 1), x, events=len), "time of an event"),
    "an implicit method": (lambda x: integrate.solve_ivp(lambda t, y: -y, (0, 1), x, "BDF").y, "adjoint"),
    "a weight": (lambda x: integrate.quad(lambda t: x[0] * t, 0, 1, weight="cos", wvar=2)[0], "weight='cos'"),
    "a closure": (lambda x: adjoint(lambda t, y: -y * x[0]), "give the array as an argument"),
    "a spline": (lambda x: interpolate.Akima1DInterpolator([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])(x), None),
    "a method of a grid": (lambda x: interpolate.interpn(([0, 1, 2.0],), x, [0.5], "pchip"), "linear and nearest"),
    "an order": (lambda x: ndimage.map_coordinates(x, [[0.3]]), "order=3"),
    "an output": (lambda x: ndimage.gaussian_filter(x, 1.0, output=float), "output"),
    "an output of several": (lambda x: ndimage.gaussian_laplace(x, 1.0, np.zeros(2)), "output"),
    "an option that is handed on": (lambda x: ndimage.gaussian_laplace(x, 1.0, truncate=3.0), "Leave out truncate"),
    "a weight of a metric": (lambda x: distance.cdist(x[:, None], x[:, None], "cosine", w=[1.0]), "Leave out w"),
    "a weight of two points": (lambda x: distance.chebyshev(x, b, [1.0, 2.0]), "Leave out w"),
    "a metric": (lambda x: distance.pdist(x[:, None], "jensenshannon"), "jensenshannon"),
    "a sparse array times a number": (lambda x: sparse.csr_matrix(A) * x[0], "multiplied with"),
    "a matrix that is not sparse": (lambda x: sparse.linalg.spsolve(A * x, b), "linalg.solve"),
}


SPARSE = {
    "sparse @ x": lambda x: sparse.csr_array(A) @ x,
    "x @ sparse": lambda x: x @ sparse.coo_array(A),
    "sparse * x": lambda x: sparse.csc_matrix(A) * x,
    "x * sparse": lambda x: x * sparse.csr_array(A),
    "a function of the standard": lambda x: x.xp.matmul(sparse.csr_array(A), x),
    "another product": lambda x: sparse.csr_array(A).multiply(x),
}


@pytest.mark.parametrize("name", SPARSE)
def test_where_products_with_sparse_arrays_are_not_registered_the_remedy_is_told(name):
    said = r"test_scipy_registered.py:\d+: .*miniflow_xp.scipy.rules\(\"sparse\"\)"
    with pytest.raises((DifferentiationError, FeedError), match=said):
        grad(lambda x: total(SPARSE[name](x)))(b)


@pytest.mark.parametrize("name", ["sparse @ x", "x @ sparse", "sparse * x"])
def test_where_products_with_sparse_arrays_are_not_registered_a_recording_falls_back(name):
    f = jit(SPARSE[name])
    np.testing.assert_array_equal(f(b), SPARSE[name](b))
    assert "plain loop" in f.explain()


def adjoint(field):
    with rules("integrate", ode="adjoint"):
        return integrate.solve_ivp(field, (0, 1), [1.0, 2.0]).y


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_rule_is_refused(case):
    call, said = REFUSED[case]

    def loss(x):
        value = call(x)
        return x.xp.sum(value)

    if said is None:
        with rules():
            assert np.all(np.isfinite(grad(loss)(np.array([0.3, 0.7]))))
        return
    with rules(), pytest.raises(DifferentiationError, match=f"(?i){said}"):
        grad(loss)(np.array([0.3, 0.7]) if case != "a method of a grid" else np.array([0.3, 0.7, 0.1]))


JITTED = {
    "solve": lambda x: solve(A, x),
    "cholesky": lambda x: scipy.linalg.cholesky(A @ A.T + x[:, None] * x),
    "norm.logpdf": lambda x: stats.norm.logpdf(x, 1.0, 2.0),
    "multivariate_normal": lambda x: stats.multivariate_normal.logpdf(x, b, A @ A.T),
    "convolve": lambda x: signal.convolve(x, [1.0, 2.0]),
    "gaussian_filter": lambda x: ndimage.gaussian_filter(x, 1.0),
    "cdist": lambda x: distance.cdist(x[:, None], b[:, None] + 9),
    "CubicSpline": lambda x: interpolate.CubicSpline([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])(x),
}


@pytest.mark.parametrize("name", JITTED)
def test_what_does_not_look_at_contents_can_be_recorded(name):
    def loss(x):
        return total(JITTED[name](x))

    x = np.array([0.3, 0.7])
    with rules():
        np.testing.assert_allclose(jit(grad(loss))(x), grad(loss)(x), rtol=1e-12)


LOOKING = {
    "logm": lambda x: scipy.linalg.logm(A * x),
    "lfilter": lambda x: signal.lfilter([1.0], [1.0, 0.5], x),
    "solve_ivp": lambda x: integrate.solve_ivp(lambda t, y: -y, (0, 1), x).y,
    "quad": lambda x: integrate.quad(lambda t: x[0] * t, 0, 1)[0],
    "CubicSpline of values": lambda x: interpolate.CubicSpline([0.0, 1.0], x)(0.5),
}


@pytest.mark.parametrize("name", LOOKING)
def test_what_looks_at_contents_is_not_recorded(name):
    with rules(), pytest.raises(JitError, match="looks at contents"):
        jit(grad(lambda x: total(LOOKING[name](x))))(np.array([0.3, 0.7]))


@pytest.mark.parametrize(
    ("call", "value", "gradient"),
    [
        (lambda x: stats.expon.logpdf(x), [-math.inf, -0.5], [math.nan, -1]),
        (lambda x: stats.expon.pdf(x), [0, math.exp(-0.5)], [0, -math.exp(-0.5)]),
        (lambda x: stats.beta.cdf(x, 2.0, 1.0), [0, 0.25], [0, 1]),
        (
            lambda x: stats.norm.logpdf(0.0, 0.0, x),
            [math.nan, -math.log(0.5 * math.sqrt(2 * math.pi))],
            [math.nan, -2],
        ),
        (lambda x: stats.norm.ppf(x), [math.nan, 0], [math.nan, math.sqrt(2 * math.pi)]),
        (lambda x: stats.poisson.pmf(2, x), [math.nan, 0.125 * math.exp(-0.5)], [math.nan, 0.375 * math.exp(-0.5)]),
        (
            lambda x: stats.poisson.pmf([2, math.nan], x + 0.2),
            [0.005 * math.exp(-0.1), math.nan],
            [0.095 * math.exp(-0.1), math.nan],
        ),
    ],
)
def test_beyond_the_bounds_of_a_density(call, value, gradient):
    x, kept = np.array([-0.1, 0.5]), []

    def loss(x):
        kept.append(call(x))
        return x.xp.sum(kept[0])

    with rules("stats"):
        np.testing.assert_allclose(grad(loss)(x), gradient, rtol=1e-12)
    np.testing.assert_allclose(np.asarray(stop_gradient(kept[0])), value, rtol=1e-12)
    np.testing.assert_allclose(call(x), value, rtol=1e-12)


BEYOND = np.array([-1.0, 0.5, 5.0])
EDGES = {
    "previous": lambda y: interpolate.interp1d([0.0, 1.0], y, "previous", fill_value="extrapolate")(BEYOND),
    "next": lambda y: interpolate.interp1d([0.0, 1.0], y, "next", fill_value="extrapolate")(BEYOND),
    "derivative of a step": lambda y: interpolate.make_interp_spline([0.0, 1.0], y, 0)(BEYOND, 2),
    "derivative of a line": lambda y: interpolate.make_interp_spline([0.0, 1.0], y, 1)(BEYOND, 3),
    "around one point": lambda y: ndimage.map_coordinates(y[:1], BEYOND[None], order=1, mode="wrap"),
}


@pytest.mark.parametrize("name", EDGES)
def test_at_the_edges_values_are_those_of_scipy(name):
    with rules("interpolate", "ndimage"):
        np.testing.assert_array_equal(vjp(EDGES[name], b)[0], EDGES[name](b))


FAR_OUT = {
    "ppf": (stats.cauchy.ppf, stats.cauchy.ppf),
    "isf": (stats.cauchy.isf, stats.cauchy.isf),
    "half": (stats.halfcauchy.ppf, lambda q: stats.cauchy.isf((1 - q) / 2)),  # SciPy's own loses digits at 1
}


@pytest.mark.parametrize("name", FAR_OUT)
def test_quantiles_far_out_keep_their_digits(name):
    quantile, exact = FAR_OUT[name]
    q = np.array([1e-15, 1e-12, 1e-4, 0.3, 0.5, 0.7, 1 - 1e-9, 1 - 1e-14])
    with rules("stats"):
        np.testing.assert_allclose(vjp(quantile, q)[0], exact(q), rtol=1e-12, atol=1e-15)
        with np.errstate(divide="ignore"):
            np.testing.assert_array_equal(vjp(quantile, np.array([0.0, 1.0]))[0], exact(np.array([0.0, 1.0])))


def test_a_point_has_no_distance_from_itself():
    with rules("spatial"):
        got = grad(lambda x: x.xp.sum(distance.cdist(x, x)))(np.array([[0.0, 1.0], [2.0, 1.0]]))
    np.testing.assert_allclose(got, [[-2.0, 0.0], [2.0, 0.0]], rtol=1e-12)


def test_an_integral_over_a_corner():
    """∫|x - k| from 0 to 1 is k² - k + ½."""
    with rules("integrate"):
        got = grad(lambda k: integrate.quad(lambda x: abs(x - k), 0, 1)[0])(0.3)
    np.testing.assert_allclose(got, 2 * 0.3 - 1, rtol=1e-7)


def lotka_volterra(t, y, p):
    return [p[0] * y[0] - p[1] * y[0] * y[1], -p[2] * y[1] + p[3] * y[0] * y[1]]


TIMES = np.linspace(0.0, 3.0, 7)
RATES = np.array([1.1, 0.4, 0.4, 0.1])
DATA = np.array([10.0, 5.0])[:, None] * (1 + 0.1 * np.sin(TIMES))


def misfit(y):
    return ((y - DATA[:, 1:]) ** 2).sum()


def by_small_steps(p, count=30):
    """The classical method of fourth order, which knows nothing of SciPy."""
    xp = p.xp

    def field(y):
        return xp.stack(lotka_volterra(0.0, y, p))

    y, states, h = xp.asarray(np.array([10.0, 5.0])), [], 0.5 / count
    for _ in TIMES[1:]:
        for _ in range(count):
            k1 = field(y)
            k2 = field(y + h / 2 * k1)
            k3 = field(y + h / 2 * k2)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(y + h * k3))
        states.append(y)
    return misfit(xp.stack(states, axis=1))


@pytest.mark.parametrize("way", ["direct", "adjoint"])
def test_rates_of_predators_and_prey_are_fitted(way):
    def fit(p):
        options = {"method": "DOP853", "rtol": 1e-9, "atol": 1e-9, "t_eval": TIMES[1:], "args": (p,)}
        return misfit(integrate.solve_ivp(lotka_volterra, (0, 3), [10.0, 5.0], **options).y)

    with rules("integrate", ode=way):
        np.testing.assert_allclose(grad(fit)(RATES), grad(by_small_steps)(RATES), rtol=1e-6)


@pytest.mark.parametrize("way", ["direct", "adjoint"])
@pytest.mark.parametrize("times", [[0.5, 1.0], np.array([0.5, 1.0])], ids=["list", "array"])
def test_times_that_are_asked_for_stay_where_the_start_moves(way, times):
    """y(1) = exp((t₀² - 1) / 2) for y' = -y t and y(t₀) = 1."""

    def last(start):
        options = {"t_eval": times, "rtol": 1e-9, "atol": 1e-9}
        return integrate.solve_ivp(lambda t, y: -y * t, (start, 2.0), [1.0], **options).y[0, -1]

    with rules("integrate", ode=way):
        np.testing.assert_allclose(grad(last)(np.asarray(0.1)), 0.1 * math.exp((0.01 - 1) / 2), rtol=1e-6)


def to_infinity(start):
    """y = 1 / (1/y₀ - t), which no solver follows beyond t = 1 for y₀ = 1."""
    return integrate.solve_ivp(lambda t, y: y * y, (0, 2), [start], t_eval=[0.25, 0.5, 1.5], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("way", ["direct", "adjoint"])
def test_where_the_solver_ends_early_there_are_no_values_beyond(way):
    with rules("integrate", ode=way):
        y, pullback = vjp(lambda start: to_infinity(start).y, np.asarray(1.0))
    np.testing.assert_allclose(y, to_infinity(1.0).y, rtol=1e-6)
    np.testing.assert_allclose(pullback(np.ones((1, 2)))[0], 1 / 0.75**2 + 1 / 0.5**2, rtol=1e-6)
    with pytest.raises(DifferentiationError, match="step size"):
        by_solve_ivp("RK45", {})(lambda t, y: y * y, np.ones(1), np.array([0.0, 2.0]))


@pytest.mark.parametrize("quad", [integrate.quad, integrate.quad_vec])
def test_a_list_of_arguments_is_one_argument_of_an_integrand(quad):
    def area(a):
        return quad(lambda x, p: p[0] * x + p[1], 0, 1, args=[a, 3.0])[0]

    with rules("integrate"):
        np.testing.assert_allclose(grad(area)(np.asarray(2.0)), 0.5, rtol=1e-7)


def test_without_scipy_the_error_says_what_to_install(run_python):
    program = """
import sys
sys.modules["scipy"] = None
from miniflow_xp.scipy import register
try:
    register("linalg")
except ImportError as error:
    assert "pip install 'miniflow_xp[scipy]'" in str(error)
else:
    raise AssertionError
"""
    run_python(program)


def test_the_package_does_not_import_scipy(run_python):
    run_python("import sys, miniflow_xp, miniflow_xp.scipy; assert 'scipy' not in sys.modules")
