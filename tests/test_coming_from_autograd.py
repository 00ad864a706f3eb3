"""HIPS/autograd's interface: programs that give autograd's own numbers, operators, primitives, trees, conventions."""

import inspect
import pickle
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import autograd_programs as programs
import numpy as host
import pytest

import miniflow_xp.autograd.numpy as np
import miniflow_xp.autograd.numpy.random as npr
from miniflow_xp import autograd as ag
from miniflow_xp import use_backend
from miniflow_xp.autograd import deriv, elementwise_grad, grad, jacobian, make_jvp, make_vjp, value_and_grad
from miniflow_xp.autograd.builtins import isinstance as is_instance
from miniflow_xp.autograd.differential_operators import make_jvp_reversemode
from miniflow_xp.autograd.extend import def_linear, defjvp, defvjp, defvjp_argnum, notrace_primitive, primitive, vspace
from miniflow_xp.autograd.misc import flatten
from miniflow_xp.autograd.misc.flatten import flatten_func
from miniflow_xp.autograd.scipy import integrate, linalg, signal, special, stats
from miniflow_xp.autograd.test_util import check_grads, combo_check
from miniflow_xp.autograd.tracer import getval, isbox
from miniflow_xp.errors import DifferentiationError, GradcheckError, MissingRuleError, SettingError, ShapeError
from miniflow_xp.transforms.trees import flatten as leaves
from miniflow_xp.transforms.trees import tree_map

X = host.array([0.3, 0.5, 0.9])
EPS = host.finfo(float).eps


@pytest.fixture(autouse=True)
def seeded():
    """The directions of ``check_grads`` are those of NumPy's global generator."""
    before = host.random.get_state()
    host.random.seed(0)
    yield
    host.random.set_state(before)


ELSEWHERE = [program for program in programs.PROGRAMS if program not in programs.BY_HOST]


def ours():
    return programs.Door("miniflow_xp.autograd")


def assert_same(found, expected, backend=None):
    for a, b in zip(found, expected, strict=True):
        a = backend.to_numpy(a) if backend is not None and backend.owns(a) else host.asarray(a)
        assert a.shape == host.shape(b)
        host.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


# Programs


@pytest.mark.parametrize("program", programs.PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_gives_autograds_numbers(program):
    pytest.importorskip("autograd")
    assert_same(program(ours(), programs.data()), program(programs.Door("autograd"), programs.data()))


@pytest.mark.parametrize("program", ELSEWHERE, ids=lambda program: program.__name__)
def test_a_program_gives_the_same_numbers_on_other_libraries(program, backend):
    if backend.name in ("numpy", "strict"):
        pytest.skip("NumPy's numbers are those to compare with; arrays of the strict library have no x[0]")
    if backend.name == "jax" and program is not programs.taylor_series:
        pytest.skip("JAX compiles each function for each shape")
    with use_backend("numpy"):
        expected = program(ours(), programs.data())
    moved = {name: tree_map(backend.asarray, item) for name, item in vars(programs.data()).items()}
    assert_same(program(ours(), SimpleNamespace(**moved)), expected, backend)


# Operators


def square(x):
    return np.sum(x**2)


OPERATORS = {
    "grad": (ag.grad(square)(X), 2 * X),
    "egrad": (ag.egrad(np.sin)(X), host.cos(X)),
    "deriv": (ag.deriv(np.sin)(X), host.cos(X)),
    "jacobian": (ag.jacobian(np.sin)(X), host.diag(host.cos(X))),
    "hessian": (ag.hessian(square)(X), 2 * host.eye(3)),
    "hessian_vector_product": (ag.hessian_vector_product(square)(X, X), 2 * X),
    "hessian_tensor_product": (ag.hessian_tensor_product(lambda x, y: square(x * y), 1)(X, X, X), 2 * X**3),
    "vector_jacobian_product": (ag.vector_jacobian_product(np.sin)(X, X), X * host.cos(X)),
    "tensor_jacobian_product": (
        ag.tensor_jacobian_product(lambda x: np.outer(x, x))(X, [1.0, 0.0, 0.0]),
        host.diag(X * 0 + X[0]) + host.outer(X, [1.0, 0.0, 0.0]),
    ),
    "make_hvp": (ag.make_hvp(square)(X)[0](X), 2 * X),
    "make_jvp": (ag.make_jvp(np.sin)(X)(X)[1], X * host.cos(X)),
    "make_vjp": (ag.make_vjp(np.sin)(X)[0](X), X * host.cos(X)),
    "make_ggnvp": (ag.make_ggnvp(lambda x: x**2)(X)(X), 4 * X**3),
    "make_ggnvp of g": (ag.make_ggnvp(lambda x: x**2, lambda y: np.sum(y**3))(X)(X), 24 * X**5),
    "grad_named": (ag.grad_named(lambda x, y: square(y), "y")(X, X), 2 * X),
    "grad_and_aux": (ag.grad_and_aux(lambda x: (square(x), "told"))(X)[0], 2 * X),
    "holomorphic_grad": (ag.holomorphic_grad(lambda z: z**3)(1 + 2j), 3 * (1 + 2j) ** 2),
    "checkpoint": (ag.grad(ag.checkpoint(lambda x, power=2: np.sum(x**power)))(X, power=3), 3 * X**2),
    "several arguments": (ag.grad(lambda x, y, z: square(x) * square(z), [2, 0])(X, 1.0, X)[0], 2 * X * square(X)),
    "a value of one element": (ag.grad(lambda x: np.sum(x**2, keepdims=True))(X), 2 * X),
    "of a gradient": (ag.grad(lambda x: np.sum(ag.grad(lambda y: np.sum(y**3))(x)))(X), 6 * X),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_gives(name):
    found, expected = OPERATORS[name]
    assert host.shape(found) == host.shape(expected)
    host.testing.assert_allclose(found, expected, rtol=4 * EPS)


def test_products_give_values_too():
    vjp, value = make_vjp(np.sin)(X)
    again, tangent = make_jvp(np.sin)(X)(X)
    host.testing.assert_array_equal(value, host.sin(X))
    host.testing.assert_array_equal(again, value)
    host.testing.assert_array_equal(vjp(X), tangent)
    value, gradient = value_and_grad(square)(X)
    assert not isbox(value)
    assert value == host.sum(X**2)
    host.testing.assert_array_equal(gradient, 2 * X)


def test_multigrad_dict_names_the_arguments():
    found = ag.multigrad_dict(lambda a, b, *c, d=4.0, **e: a * b * c[0] * d * e["f"])(1.0, 2.0, 3.0, f=5.0)
    assert list(found) == ["a", "b", "c", "d", "e"]
    assert found == {"a": 120.0, "b": 60.0, "c": (40.0,), "d": 30.0, "e": {"f": 24.0}}


def test_names_say_what_was_made():
    def cost(x):
        return x

    assert grad(cost, 1).__name__ == "grad_of_cost_wrt_argnum_1"
    assert ag.elementwise_grad.__name__ == "elementwise_grad"
    assert list(inspect.signature(grad(cost, 1)).parameters) == ["x"]
    assert list(inspect.signature(ag.hessian_vector_product(cost)).parameters) == ["args", "kwargs"]


class Pair(NamedTuple):
    """A container of the user's own."""

    a: float
    b: float


@pytest.mark.parametrize("tree", [{"a": 1.0, "b": [2.0, (X,)]}, [1.0, [2.0, X]], (1.0, {"c": X}), Pair(1.0, X)])
def test_arguments_are_trees(tree):
    def cost(tree):
        return np.sum(flatten(tree)[0] ** 2)

    twice = grad(cost)(tree)
    assert type(twice) is type(tree)
    host.testing.assert_array_equal(flatten(twice)[0], 2 * flatten(tree)[0])
    check_grads(cost)(tree)


def test_containers_are_pythons_own():
    def inside(x):
        assert is_instance(x, ag.dict)
        assert is_instance(x["a"], host.ndarray)
        assert ag.type(x["a"]) is host.ndarray
        return ag.tuple(ag.list([x["a"]]))[0].sum()

    host.testing.assert_array_equal(grad(inside)({"a": X})["a"], host.ones(3))


REFUSED = {
    "an integer": lambda: grad(square)(1),
    "integers": lambda: grad(square)(host.arange(3)),
    "text": lambda: grad(square)("x"),
    "a value of several numbers": lambda: grad(np.sin)(X),
    "a value of integers": lambda: grad(lambda x: np.sum(x > 0))(X),
    "a complex value": lambda: grad(lambda x: x * 1j)(1.0),
    "an elementwise complex value": lambda: elementwise_grad(lambda x: x * 1j)(X),
    "the Jacobian of a complex value": lambda: jacobian(lambda x: x * 1j)(X),
    "no such argument": lambda: grad(square, 1)(X),
    "no such name": lambda: ag.grad_named(square, "y"),
    "no pair": lambda: ag.grad_and_aux(square)(X),
    "a rule of another function": lambda: defvjp(square, None),
    "a rule that is none": lambda: defvjp(primitive(square), 3),
    "numpy.linalg of a singular covariance": lambda: grad(
        lambda c: stats.multivariate_normal.logpdf(X, X, c, allow_singular=True)
    )(host.eye(3)),
}


@pytest.mark.filterwarnings("ignore:Output seems independent")
@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_type_error(case):
    with pytest.raises(DifferentiationError):
        REFUSED[case]()


def test_a_value_that_does_not_depend_on_the_argument_is_warned_of():
    with pytest.warns(UserWarning, match=r"Output seems independent of input, at test_coming_from_autograd.py:\d+"):
        assert grad(lambda x: 1.0)(2.0) == 0.0


def test_a_holomorphic_function_of_a_real_number_is_warned_of():
    with pytest.warns(UserWarning, match="not complex"):
        ag.holomorphic_grad(np.sin)(1.0)


# Complex numbers: the convention is HIPS/autograd's


def test_the_gradient_of_a_complex_number_is_the_conjugate_of_this_packages():
    z = host.asarray(1 + 2j)
    assert grad(lambda z: np.abs(z) ** 2)(z) == pytest.approx(2 - 4j)
    assert grad(lambda z: np.real(z))(z) == 1
    assert make_vjp(lambda z: z**2)(z)[0](1.0 + 0j) == pytest.approx(2 * (1 + 2j))
    assert make_jvp(lambda z: z**2)(z)(1j)[1] == pytest.approx(2j * (1 + 2j))
    check_grads(lambda z: np.abs(z) * z)(z)
    check_grads(lambda x: np.real(np.exp(1j * x)))(X)
    host.testing.assert_allclose(jacobian(lambda z: np.real(z * z))(X + 1j), host.diag(2 * (X + 1j)))


# Functions with derivatives of one's own


def made(reverse=True, forward=True):
    """x y², as a primitive that wants NumPy's arrays."""

    @primitive
    def f(x, y, power=2):
        assert not isbox(x)
        assert not isbox(y)
        return host.multiply(x, y**power)

    if reverse:
        defvjp(f, lambda ans, x, y, power=2: lambda g: g * y**2, lambda ans, x, y, power=2: lambda g: 2 * g * x * y)
    if forward:
        defjvp(f, lambda g, ans, x, y, power=2: g * y**2, lambda g, ans, x, y, power=2: 2 * g * x * y)
    return f


@pytest.mark.parametrize("rules", [{}, {"reverse": False}, {"forward": False}])
def test_a_primitive_has_derivatives_of_every_order(rules):
    f = made(**rules)
    check_grads(f, (0, 1))(X, X + 1)
    check_grads(lambda x: grad(lambda y: np.sum(f(y, x)))(x))(X)


def test_each_mode_goes_by_its_own_rule():
    f = made()
    defjvp(f, lambda g, ans, x, y: 3 * g * y**2, None)
    check_grads(f, modes=["rev"])(X, X)
    with pytest.raises(GradcheckError, match="jvp of"):
        check_grads(f, modes=["fwd"])(X, X)


def test_a_primitive_takes_and_gives_trees():
    @primitive
    def both(pair):
        return {"sum": pair["a"] + pair["b"], "product": pair["a"] * pair["b"]}

    def rule(ans, pair):
        a, b = pair["a"], pair["b"]
        return lambda g: {"a": g["sum"] + g["product"] * b, "b": g["sum"] + g["product"] * a}

    defvjp(both, rule)
    check_grads(both)({"a": X, "b": X + 1})
    host.testing.assert_array_equal(grad(lambda p: np.sum(both(p)["sum"]))({"a": X, "b": X})["b"], host.ones(3))


@pytest.mark.parametrize("gradient", [host.ones(2), 2.0, [1.0, 2.0, 3.0]])
def test_a_rule_gives_gradients_in_the_form_of_the_argument(gradient):
    f = primitive(lambda x: host.sum(x**2))
    defvjp(f, lambda ans, x: lambda g: gradient)
    with pytest.raises((ShapeError, DifferentiationError), match="the rule of"):
        grad(f)(X)


def test_rules_by_argument_numbers():
    @primitive
    def f(x, y, z):
        return x * y * z

    defvjp_argnum(f, lambda n, ans, args, kwargs: lambda g: g * f(*[a for m, a in enumerate(args) if m != n], 1.0))
    check_grads(f, (0, 2))(0.3, 0.5, 0.7)
    defvjp(f, None, lambda ans, x, y, z: lambda g: g * x * z, argnums=(0, 1))
    assert grad(f)(0.3, 0.5, 0.7) == 0.0
    assert grad(f, 1)(0.3, 0.5, 0.7) == pytest.approx(0.21)
    with pytest.raises(MissingRuleError, match="argument 2"):
        grad(f, 2)(0.3, 0.5, 0.7)


def test_a_primitive_without_a_rule_is_not_implemented():
    f = primitive(lambda x: 2 * x)
    assert f(2.0) == 4.0
    for operator in (grad, deriv):
        with pytest.raises(NotImplementedError):
            operator(f)(1.0)


def test_a_primitive_that_is_linear_needs_its_transpose():
    f = primitive(lambda x: 2 * x)
    def_linear(f)
    with pytest.raises(MissingRuleError, match="linear"):
        deriv(f)(1.0)
    defvjp(f, lambda ans, x: lambda g: f(g))
    check_grads(f)(X)


def test_values_without_their_gradient():
    seen = []

    @notrace_primitive
    def look(x):
        seen.append(type(x))
        return x

    def cost(x):
        return np.sum(x * look(x) * getval(x))

    host.testing.assert_array_equal(grad(cost)(X), X**2)
    assert seen == [host.ndarray]


def test_a_checked_gradient_that_is_wrong():
    f = primitive(np.sin)
    defvjp(f, lambda ans, x: lambda g: g * np.cos(x) * 1.001)
    with pytest.raises(GradcheckError, match=r"Derivative \(VJP\) check of sin failed"):
        check_grads(f, modes=["rev"])(0.3)
    with pytest.raises(SettingError):
        check_grads(np.sin, modes=["back"])(0.3)
    combo_check(np.multiply, (0, 1), order=1)([X, 2.0], [0.3, X])


def test_vector_spaces():
    space = vspace({"a": X, "b": 1 + 2j})
    assert space.size == 5
    assert space.iscomplex
    assert len(list(space.standard_basis())) == 5
    assert space == vspace(space.randn())
    assert space != vspace(X)
    assert space.inner_prod(space.ones(), space.ones()) == 5
    assert space.ones()["b"] == 1 + 1j
    assert space.covector(space.ones())["b"] == 1 - 1j
    assert space.add(space.ones(), space.zeros())["a"].tolist() == [1.0] * 3
    assert "complex128" in repr(space)


# NumPy's namespace


def test_plain_arrays_are_numpys_own():
    assert np.sin(2.0) == host.sin(2.0)
    assert np.pi == host.pi
    assert np.float64 is host.float64
    assert type(np.array([1, 2], dtype=np.float32)) is host.ndarray
    assert np.linalg.norm(X) == host.linalg.norm(X)
    assert {"array", "r_", "linalg", "sin"} <= set(dir(np))
    assert set(host.__all__) <= set(np.__all__)
    with pytest.raises(AttributeError):
        np.no_such_function  # noqa: B018


BUILT = {
    "array": lambda x: np.array([x[0], [x[1]][0], 2.0]),
    "array of arrays": lambda x: np.array([x, [x[0], 1.0, x[2]]]),
    "array of arrays of an array": lambda x: np.array([[[x]]], ndmin=5),
    "asarray": lambda x: np.asarray([x[0], x[1]], dtype=float),
    "r_": lambda x: np.r_[x, 0.0, 1:3, x[0]],
    "c_": lambda x: np.c_[x, x * 2, np.ones(3)],
    "c_ of matrices": lambda x: np.c_[np.outer(x, x), x],
    "full": lambda x: np.full((2, 3), x),
    "full_like": lambda x: np.full_like(X, x[0]),
    "arange": lambda x: np.arange(x[0], 3.0, x[1]),
    "linspace": lambda x: np.linspace(x[0], x[1], 4),
    "append": lambda x: np.append(x, [1.0, x[0]]),
    "where": lambda x: np.where(x > 0.4, x, 0.0) + np.where(X > 0.4, x=x, y=x**2),
    "row_stack": lambda x: np.row_stack([x, [x[0], 2.0, 3.0]]),
    "mean of a list": lambda x: np.mean([x[0], x[1] ** 2]),
    "maximum of lists": lambda x: np.maximum([x[0], 0.1], 0.2),
    "make_diagonal": lambda x: np.make_diagonal(x, offset=0, axis1=-1, axis2=-2) @ x,
    "eigh": lambda x: np.linalg.eigh(np.outer(x, x) + np.diag(x + 1))[0],
    "eigh of the upper triangle": lambda x: np.linalg.eigvalsh(np.outer(x, x**2), "U"),
    "eigh of a complex matrix": lambda x: np.linalg.eigh(np.outer(x, 1j * x**2))[0],
}


@pytest.mark.parametrize("name", BUILT)
def test_what_numpy_does_not_hand_on_has_gradients(name):
    f = BUILT[name]
    if name == "array of arrays of an array":
        assert f(X).shape == (1, 1, 1, 1, 3)
    check_grads(f)(X)


def test_arrays_are_those_of_the_backend_in_use(backend):
    for made in (np.zeros(3), np.eye(2), npr.randn(2), np.array([1.0, 2.0])):
        assert backend.owns(made)
    x = backend.asarray(X)
    found = np.array([np.sum(x), 1.0]), np.sin(x), np.stack([x, x]), grad(square)(x)
    assert all(backend.owns(item) for item in found)
    host.testing.assert_allclose(backend.to_numpy(found[3]), 2 * X)
    assert backend.owns(grad(square)(2.0))
    with use_backend("numpy"):
        assert backend.owns(np.sin(x))
        assert type(np.sin(X)) is host.ndarray


def test_functions_of_the_door_can_be_pickled():
    assert pickle.loads(pickle.dumps(square))(X) == square(X)


def waves(x):
    return np.sin(x) * x


def halved(x):
    return square(x), x / 2


@value_and_grad
def squared_and_slope(x):
    return square(x)


MADE = {  # operator: what it makes of a function, and what calls that
    "grad": (grad(square), lambda f: f(X)),
    "a gradient's gradient": (elementwise_grad(grad(square)), lambda f: f(X)),
    "value_and_grad": (value_and_grad(square), lambda f: f(X)),
    "a decorator": (squared_and_slope, lambda f: f(X)),
    "elementwise_grad": (elementwise_grad(waves, argnum=0), lambda f: f(X)),
    "deriv": (deriv(waves), lambda f: f(0.5)),
    "jacobian": (jacobian(waves), lambda f: f(X)),
    "hessian": (ag.hessian(square), lambda f: f(X)),
    "holomorphic_grad": (ag.holomorphic_grad(waves), lambda f: f(0.5 + 1j)),
    "grad_named": (ag.grad_named(square, "x"), lambda f: f(X)),
    "grad_and_aux": (ag.grad_and_aux(halved), lambda f: f(X)),
    "hessian_vector_product": (ag.hessian_vector_product(square), lambda f: f(X, X)),
    "vector_jacobian_product": (ag.vector_jacobian_product(waves), lambda f: f(X, X)),
    "make_vjp": (make_vjp(waves), lambda f: f(X)[0](X)),
    "make_jvp": (make_jvp(waves), lambda f: f(X)(X)),
    "make_hvp": (ag.make_hvp(square), lambda f: f(X)[0](X)),
    "make_jvp_reversemode": (make_jvp_reversemode(waves), lambda f: f(X)(X)),
    "make_ggnvp": (ag.make_ggnvp(waves), lambda f: f(X)(X)),
    "multigrad_dict": (ag.multigrad_dict(square), lambda f: dict(f(X))),
    "checkpoint": (ag.checkpoint(waves), lambda f: f(X)),
    "check_grads": (check_grads(waves, modes=["rev"]), lambda f: f(X)),
}


@pytest.mark.parametrize("name", MADE)
def test_what_operators_make_can_be_pickled(name):
    made, call = MADE[name]
    copied = pickle.loads(pickle.dumps(made))
    assert (copied.__name__, copied.__doc__) == (made.__name__, made.__doc__)
    for found, expected in zip(leaves(call(copied))[0], leaves(call(made))[0], strict=True):
        host.testing.assert_array_equal(found, expected)


# SciPy's namespace

POSITIVE = X + 1.1
DENSITIES = {  # distribution: its functions, arguments, which of them are differentiated
    "norm": ("pdf logpdf cdf sf logcdf logsf", (X, X**2, POSITIVE), (0, 1, 2)),
    "t": ("pdf logpdf", (X, POSITIVE, X**2, POSITIVE), (0, 1, 2, 3)),
    "t of its quantiles": ("cdf logcdf", (X, POSITIVE, X**2, POSITIVE), (0, 2)),
    "gamma": ("pdf logpdf", (POSITIVE, POSITIVE), (0, 1)),
    "gamma of its quantiles": ("cdf", (POSITIVE, POSITIVE), (0,)),
    "chi2": ("pdf logpdf", (POSITIVE, host.array([1.0, 2.0, 3.0])), (0, 1)),
    "chi2 of its quantiles": ("cdf", (POSITIVE, 3), (0,)),
    "beta": ("pdf logpdf", (X, POSITIVE, POSITIVE), (0, 1, 2)),
    "beta of its quantiles": ("cdf", (X, POSITIVE, POSITIVE), (0,)),
    "poisson": ("pmf logpmf cdf", (host.array([1, 0, 3]), POSITIVE), (1,)),
    "dirichlet": ("pdf logpdf", (X / X.sum(), POSITIVE), (1,)),
    "multivariate_normal": ("pdf logpdf", (host.outer(X, X), X, host.diag(POSITIVE)), (0, 1)),
    "multivariate_normal of one number": ("pdf logpdf", (0.3, 0.1, 2.0), (0, 1, 2)),
    "multivariate_normal of a diagonal": ("logpdf", (X, X**2, POSITIVE), (0, 1, 2)),
}


@pytest.mark.parametrize("case", DENSITIES)
def test_distributions(case):
    scipy_stats = pytest.importorskip("scipy.stats")
    names, args, numbers = DENSITIES[case]
    distribution = case.partition(" ")[0]
    for name in names.split():
        f = getattr(getattr(stats, distribution), name)
        expected = getattr(getattr(scipy_stats, distribution), name)(*args)
        host.testing.assert_allclose(f(*args), expected, rtol=1e-12)
        check_grads(f, numbers, modes=["rev"])(
            *[a if n not in numbers else host.asarray(a, float) for n, a in enumerate(args)]
        )


def test_distributions_outside_of_their_range():
    scipy_stats = pytest.importorskip("scipy.stats")
    x = host.array([-0.5, 0.0, 1.0, 1.5, host.nan])
    for name, args in {"gamma": (1.7,), "chi2": (3.0,), "beta": (1.5, 2.0), "poisson": (0.7,)}.items():
        for kind in ("logpmf", "pmf", "cdf") if name == "poisson" else ("logpdf", "pdf", "cdf"):
            expected = getattr(getattr(scipy_stats, name), kind)(x, *args)
            host.testing.assert_allclose(getattr(getattr(stats, name), kind)(x, *args), expected, rtol=1e-12)
    for wrong in ([0.2, 0.3], [-0.2, 1.2]):
        with pytest.raises(SettingError):
            stats.dirichlet.logpdf(wrong, [1.0, 2.0])
    with pytest.raises(ShapeError):
        stats.dirichlet.logpdf([0.2, 0.8], [1.0, 2.0, 3.0])
    with pytest.raises(ShapeError):
        stats.multivariate_normal.logpdf(X, X[:2], host.eye(2))
    assert stats.norm.ppf(0.5) == 0.0


def test_a_singular_covariance():
    mvn = pytest.importorskip("scipy.stats").multivariate_normal
    x, cov = host.array([[1.0, 2.0, 0.0], [1.0, 2.0, 3.0]]), host.diag([1.0, 2.0, 0.0])
    expected = mvn.logpdf(x, None, cov, allow_singular=True)
    host.testing.assert_allclose(stats.multivariate_normal.logpdf(x, None, cov, allow_singular=True), expected)
    assert stats.multivariate_normal.entropy(X, cov + host.eye(3)) == pytest.approx(mvn.entropy(X, cov + host.eye(3)))
    slope = grad(lambda x: stats.multivariate_normal.logpdf(x, X * 0, cov, allow_singular=True))(x[0])
    host.testing.assert_allclose(slope, [-1.0, -1.0, 0.0])


@pytest.mark.parametrize("name", ["j0", "j1", "y0", "y1", "rgamma", "gammaln", "erf", "psi"])
def test_special_functions(name):
    pytest.importorskip("scipy.special")
    check_grads(getattr(special, name))(POSITIVE)


@pytest.mark.parametrize("name", ["jn", "yn", "iv", "ive"])
def test_bessel_functions_of_an_order(name):
    pytest.importorskip("scipy.special")
    check_grads(getattr(special, name), 1)(2, POSITIVE)


@pytest.mark.parametrize("mode", ["full", "valid", "same"])
def test_convolutions(mode):
    scipy_signal = pytest.importorskip("scipy.signal")
    for a, b in ((host.outer(X, POSITIVE), host.outer(X[:2], X[:2])), (X, X[:2]), (X[:2], X)):
        expected = scipy_signal.convolve(a, b, mode=mode) if mode != "same" or a.size > b.size else None
        found = signal.convolve(a, b, mode=mode)
        if expected is not None:
            host.testing.assert_allclose(found, expected, rtol=1e-12)
        check_grads(partial(signal.convolve, mode=mode), (0, 1), order=1)(a, b)


def test_convolutions_that_are_refused():
    with pytest.raises(SettingError):
        signal.convolve(X, X, mode="most")
    with pytest.raises(ShapeError):
        signal.convolve(host.ones((2, 3)), host.ones((3, 2)), mode="valid")


def test_functions_of_matrices():
    scipy_linalg = pytest.importorskip("scipy.linalg")
    a = host.outer(X, POSITIVE) + host.eye(3)
    for trans in (0, "T", 2):
        for lower in (False, True):
            f = partial(linalg.solve_triangular, trans=trans, lower=lower)
            host.testing.assert_allclose(f(a, X), scipy_linalg.solve_triangular(a, X, trans=trans, lower=lower))
            check_grads(f, (0, 1), order=1)(a, X)
    check_grads(linalg.sqrtm, order=1, modes=["rev"])(a @ a.T)
    check_grads(linalg.solve_sylvester, (0, 1, 2), modes=["rev"])(a, a.T + 2, a)
    check_grads(linalg.expm, modes=["rev"])(a)
    bands = host.arange(1.0, 13.0).reshape(3, 4) ** 1.5
    for right in (X @ host.ones((3, 4)), host.ones((4, 2))):
        check_grads(partial(linalg.solve_banded, (1, 1)), (0, 1), order=1, modes=["rev"])(bands, right)


def test_what_scipy_computes_goes_to_it_and_back(backend):
    pytest.importorskip("scipy")
    x = backend.asarray(host.array([[5.0, 2.0], [2.0, 3.0]]))
    found = linalg.sqrtm(x), linalg.solve_banded((0, 1), x, x), integrate.odeint(lambda y, t: -y, x[0, :], [0, 1])
    assert all(backend.owns(item) for item in found)
    host.testing.assert_allclose(backend.to_numpy(found[2][1, :]), host.exp(-1) * host.array([5.0, 2.0]), rtol=1e-6)


def test_a_differential_equation_of_whole_numbers_and_lists():
    pytest.importorskip("scipy")
    host.testing.assert_allclose(integrate.odeint(lambda y, t: [-y[0]], [1], [0, 1]), [[1], [host.exp(-1)]], rtol=1e-6)


# Trees as vectors


def test_flatten_sorts_the_keys_of_dicts():
    tree = {"b": X, "a": [1.0, (2 + 1j,)], "c": ()}
    vector, unflatten = flatten(tree)
    host.testing.assert_array_equal(vector, [1.0, 2 + 1j, *X])
    again = unflatten(vector)
    assert list(again) == ["b", "a", "c"]
    assert again["b"].dtype == host.float64
    assert again["a"] == [1.0, (2 + 1j,)]
    assert flatten(())[0].shape == (0,)
    check_grads(lambda x: flatten({"b": x, "a": x**2})[0])(X)
    check_grads(lambda v: unflatten(v)["b"], modes=["rev"])(host.real(vector))


def test_a_function_of_trees_as_one_of_vectors():
    f, unflatten, start = flatten_func(lambda tree: {"y": tree["b"] * tree["a"]}, {"b": X, "a": 2.0})
    host.testing.assert_array_equal(start, [2.0, *X])
    host.testing.assert_array_equal(f(start), 2 * X)
    assert unflatten(start)["a"] == 2.0
