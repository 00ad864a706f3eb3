"""Transformations of functions: grad, vjp, jvp, hvp, jacobian, hessian, custom_vjp, checkpoint, stop_gradient."""

import copy
import math
import pickle
import threading
import tracemalloc
import weakref
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from array_api_compat import array_namespace

import miniflow_xp as mf
from miniflow_xp.arrays.calls import apply
from miniflow_xp.arrays.traced import ground
from miniflow_xp.errors import CostError, DifferentiationError, FeedError, MiniflowError, SettingError, ShapeError
from miniflow_xp.recording.tape import record

X = np.array([0.3, 0.5, 0.9])


class Point(NamedTuple):
    """Another container."""

    x: Any
    y: Any


@dataclass(frozen=True)
class Line:
    """A container of the user's own."""

    slope: Any
    offset: Any


def smooth(x):
    xp = array_namespace(x)
    return xp.sum(xp.exp(-x * x) / (1 + x))


def slope_of_smooth(x):
    return np.exp(-x * x) / (1 + x) * (-2 * x - 1 / (1 + x))


# Arrays in, arrays out


def test_gradients_are_arrays_of_the_library(backend):
    x = backend.asarray(X)
    value, gradient = mf.value_and_grad(smooth)(x)
    assert isinstance(gradient, backend.array_type)
    assert isinstance(value, backend.array_type)
    np.testing.assert_allclose(backend.to_numpy(gradient), slope_of_smooth(X), rtol=1e-13)
    np.testing.assert_allclose(float(value), np.sum(np.exp(-X * X) / (1 + X)), rtol=1e-13)


@pytest.mark.parametrize("shape", [(), (2,), (3, 3)])
def test_a_rule_of_ones_own_gives_gradients_in_the_shape_of_the_argument(shape):
    f = mf.custom_vjp(lambda x: np.sum(x))
    f.defvjp(lambda x: (x.sum(), None), lambda _, g: (np.ones(shape),))
    if shape == (3, 3):  # what x is broadcast to: summed
        np.testing.assert_array_equal(mf.grad(f)(X), [3.0] * 3)
        return
    with pytest.raises(
        ShapeError, match=r"the rule of <lambda>, at test_transforms.py:\d+: the gradient of argument 0"
    ):
        mf.grad(f)(X)


def test_operators_leave_other_holders_of_arrays_their_turn():
    """Not a traced array that holds xarray's."""
    xarray = pytest.importorskip("xarray")

    def cost(x):
        both = x * xarray.DataArray(X), xarray.DataArray(X) * x
        assert all(type(item) is xarray.DataArray for item in both)
        return both[0].data.sum() + (both[1] * both[0]).data.sum()

    np.testing.assert_allclose(mf.grad(cost)(X), X + 2 * X**3, rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_gradients_keep_the_dtype(backend, dtype):
    if backend.name == "strict" and dtype == "float16":
        pytest.skip("the strict namespace has no float16")
    gradient = mf.grad(smooth)(backend.asarray(X, dtype))
    assert dtype in str(gradient.dtype)


def test_numbers_take_the_backend_in_use(backend):
    gradient = mf.grad(lambda x: x**3)(2.0)
    assert isinstance(gradient, backend.array_type)
    assert float(gradient) == 12.0


def test_numpy_scalars_are_arrays():
    assert mf.grad(lambda x: x * x)(np.float64(3)) == 6
    assert mf.grad(lambda x: x * np.float32(2))(np.float32(3)).dtype == np.float32


def test_methods_operators_and_indexing():
    def f(x):
        y = x.reshape(3, 1).T * 2
        return (y.mT @ y)[0, 1:].sum() + abs(x[-1]) + (x**2).mean() - x.max() / 2 + x.T.sum() - x.var()

    gradient = mf.grad(f)(X)
    np.testing.assert_allclose(gradient, numeric(f, X), rtol=1e-7)
    whole, rest = divmod(2.0, X)
    np.testing.assert_array_equal(mf.grad(lambda x: sum(divmod(2.0, x)[1] + divmod(x, 0.4)[1]))(X), 1 - whole)
    assert rest.shape == X.shape


def numeric(function, x, step=6e-6):
    found = np.zeros_like(x)
    for n in range(x.size):
        move = np.zeros_like(x)
        move[n] = step
        found[n] = (float(function(x + move)) - float(function(x - move))) / (2 * step)
    return found


# Forms of arguments


def test_argnums_and_keywords():
    def f(a, b, *, scale):
        return (a * b).sum() * scale

    np.testing.assert_array_equal(mf.grad(f, argnums=1)(X, X + 1, scale=2.0), 2 * X)
    first, second = mf.grad(f, argnums=(1, 0))(X, X + 1, scale=1.0)
    np.testing.assert_array_equal(first, X)
    np.testing.assert_array_equal(second, X + 1)
    np.testing.assert_array_equal(mf.grad(f, argnums=-1)(X, X + 1, scale=1.0), X)
    np.testing.assert_array_equal(mf.grad(f, argnums=np.int64(1))(X, X + 1, scale=1.0), X)


@pytest.mark.parametrize("argnums", [(0, 0), [1, -1]])
@pytest.mark.parametrize("make", [mf.grad, mf.value_and_grad, mf.jacobian, mf.hessian])
def test_an_argument_that_is_named_twice_is_refused(make, argnums):
    """It would have two gradients, of which one would be 0."""
    with pytest.raises(DifferentiationError, match="Name each argument once"):
        make(lambda a, b: (a * b).sum(), argnums=argnums)(X, X)


TREES = {
    "dict": {"W": X, "b": X[:1]},
    "ordered": OrderedDict(W=X, b=X[:1]),
    "default": defaultdict(list, {"W": X, "b": X[:1]}),
    "list": [X, X[:1]],
    "tuple": (X, X[:1]),
    "named tuple": Point(X, X[:1]),
    "dataclass": Line(X, X[:1]),
    "nested": {"layers": [(X, None), Point(X, {"deep": X[:1]})]},
}


@pytest.mark.parametrize("name", TREES)
def test_gradients_have_the_form_of_the_argument(name):
    from miniflow_xp.transforms.trees import flatten, form_of

    tree = TREES[name]
    gradient = mf.grad(lambda t: sum((leaf**2).sum() for leaf in flatten(t)[0]))(tree)
    assert form_of(gradient) == form_of(tree)
    for got, leaf in zip(flatten(gradient)[0], flatten(tree)[0], strict=True):
        np.testing.assert_array_equal(got, 2 * leaf)


def test_lists_of_numbers_are_trees_of_numbers():
    gradient = mf.grad(lambda p: p[0] * p[1])([2.0, 3.0])
    assert [float(g) for g in gradient] == [3.0, 2.0]


def test_what_else_the_function_gives():
    def f(x):
        return (x * x).sum(), {"seen": x + 1, "note": "text", "count": 3}

    (value, rest), gradient = mf.value_and_grad(f, has_aux=True)(X)
    assert float(value) == pytest.approx(np.sum(X * X))
    np.testing.assert_array_equal(gradient, 2 * X)
    np.testing.assert_array_equal(rest["seen"], X + 1)
    assert type(rest["seen"]) is np.ndarray
    assert (rest["note"], rest["count"]) == ("text", 3)
    gradient, rest = mf.grad(f, has_aux=True)(X)
    assert rest["note"] == "text"


def test_what_else_the_function_gives_is_differentiated_from_outside():
    def outer(x):
        _, aux = mf.grad(lambda y: ((y**2).sum(), y * x), has_aux=True)(x)
        return aux.sum()

    np.testing.assert_allclose(mf.grad(outer)(X), 2 * X)


# Products


def test_vjp_and_its_pullback_more_than_once():
    value, pullback = mf.vjp(lambda a, b: {"product": a * b, "sum": a + b}, X, X + 1)
    np.testing.assert_array_equal(value["product"], X * (X + 1))
    for _ in range(2):
        a, b = pullback({"product": np.ones(3), "sum": np.zeros(3)})
        np.testing.assert_array_equal(a, X + 1)
        np.testing.assert_array_equal(b, X)


def test_integers_have_zeros_in_a_pullback():
    _, pullback = mf.vjp(lambda x, n: x * n, X, np.array([1, 2, 3]))
    gradient, zeros = pullback(np.ones(3))
    np.testing.assert_array_equal(gradient, [1, 2, 3])
    np.testing.assert_array_equal(zeros, [0, 0, 0])


def test_jvp_is_the_derivative_along_the_tangent(backend):
    x, v = backend.asarray(X), backend.asarray(np.array([1.0, -2.0, 0.5]))
    value, tangent = mf.jvp(lambda x: x**3 / 3, (x,), (v,))
    np.testing.assert_allclose(backend.to_numpy(value), X**3 / 3)
    np.testing.assert_allclose(backend.to_numpy(tangent), X**2 * np.array([1.0, -2.0, 0.5]))


@pytest.mark.parametrize("make", [mf.jvp, mf.hvp])
def test_an_array_is_no_list_of_arguments(make):
    """Of one element it would be taken for its element, of more for as many arguments."""
    one = np.ones(1)
    with pytest.raises(SettingError, match=r"Write .vp\(f, \(x,\), \(v,\)\)"):
        make(lambda x: (x**2).sum(), one, one)


def test_jvp_of_trees():
    value, tangent = mf.jvp(lambda p: {"c": p["a"] * p["b"]}, ({"a": X, "b": X + 1},), ({"a": X, "b": X},))
    np.testing.assert_allclose(value["c"], X * (X + 1))
    np.testing.assert_allclose(tangent["c"], X * (X + 1) + X * X)


def test_jacobian_and_hessian(backend):
    A = np.arange(6.0).reshape(2, 3)
    x = backend.asarray(X)
    xp = mf.differentiable_namespace(backend.xp)
    a = xp.asarray(backend.asarray(A))
    np.testing.assert_allclose(backend.to_numpy(mf.jacobian(lambda x: xp.matmul(a, x * x))(x)), A * 2 * X)
    np.testing.assert_allclose(backend.to_numpy(mf.hessian(lambda x: xp.sum(x**3))(x)), np.diag(6 * X))
    product = mf.hvp(lambda x: xp.sum(x**3), (x,), (x,))
    np.testing.assert_allclose(backend.to_numpy(product), 6 * X * X)


def test_a_jacobian_of_a_number_that_is_no_array():
    with pytest.raises(CostError, match="its value has a float"):
        mf.jacobian(lambda x: 3.0)(X)


def test_jacobians_of_trees_and_of_empty_values():
    found = mf.jacobian(lambda p: [p["a"] * 2, p["b"].sum()])({"a": X, "b": X})
    np.testing.assert_array_equal(found[0]["a"], 2 * np.eye(3))
    np.testing.assert_array_equal(found[0]["b"], np.zeros((3, 3)))
    np.testing.assert_array_equal(found[1]["b"], np.ones(3))
    assert mf.jacobian(lambda x: x[:0])(X).shape == (0, 3)


# Nesting


def test_third_and_fourth_order(backend):
    f = mf.grad(mf.grad(mf.grad(lambda x: x**5)))
    assert float(f(2.0)) == pytest.approx(60 * 4)
    assert float(mf.grad(f)(2.0)) == pytest.approx(240)


def test_perturbations_do_not_mix():
    """d/dx (x · d/dy (x + y)) = 1: an inner derivative must not see the outer one's variable."""
    assert float(mf.grad(lambda x: x * mf.grad(lambda y: x + y)(1.0))(1.0)) == 1.0
    assert float(mf.grad(lambda x: x * mf.grad(lambda y: x * y)(2.0))(3.0)) == 6.0
    assert float(mf.grad(lambda x: mf.jvp(lambda y: x * y, (x,), (x,))[1])(3.0)) == 6.0


def test_inner_gradients_at_constants_of_the_outer_one():
    def f(x):
        slope = mf.grad(lambda y: (y * y * x).sum())(np.ones(3))
        return (slope * x).sum()

    np.testing.assert_allclose(mf.grad(f)(X), 4 * X)


def test_a_jacobian_inside_of_a_gradient():
    def f(x):
        return (mf.jacobian(lambda y: y**2)(x) ** 2).sum()

    np.testing.assert_allclose(mf.grad(f)(X), 8 * X)


def test_threads_differentiate_at_once():
    found = {}

    def work(n):
        for _ in range(50):
            found[n] = mf.grad(lambda x: mf.grad(smooth)(x * n).sum())(X)

    threads = [threading.Thread(target=work, args=(n,)) for n in (1.0, 2.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, gradient in found.items():
        np.testing.assert_array_equal(gradient, mf.grad(lambda x, n=n: mf.grad(smooth)(x * n).sum())(X))


# Long programs


def test_what_a_function_leaves_behind_is_a_constant_once_it_is_over():
    costs = []

    def f(x):
        costs.append((x * x).sum())
        return costs[-1]

    mf.grad(f)(X)
    mf.jacobian(f)(X)
    np.testing.assert_array_equal(np.asarray(costs[0]), (X * X).sum())
    assert sum(map(float, costs)) == 2 * (X * X).sum()
    found = mf.grad(lambda y: (y * costs[0]).sum())(X)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, np.full(3, (X * X).sum()))


def test_a_state_from_one_gradient_to_the_next_has_no_history():
    """Else each call would differentiate all those before it."""
    state = [np.zeros(3)]

    def f(x):
        state[0] = np.tanh(state[0] + x)
        return state[0].sum()

    for _ in range(5):
        before = np.asarray(state[0])
        found = mf.grad(f)(X)
        np.testing.assert_allclose(found, 1 - np.tanh(before + X) ** 2)
    assert type(state[0].array) is np.ndarray


def test_what_an_inner_function_leaves_behind_belongs_to_the_outer_one():
    def f(x):
        kept = []
        mf.grad(lambda y: kept.append(x * y) or y.sum())(x)
        return (kept[0] ** 2).sum()

    np.testing.assert_allclose(mf.grad(f)(X), 4 * X**3)
    np.testing.assert_allclose(mf.jit(mf.grad(f))(X), 4 * X**3)


def test_ten_thousand_steps():
    def f(x):
        for _ in range(10_000):
            x = x + 1e-4 * (1 - x)
        return x

    assert float(mf.grad(f)(0.5)) == pytest.approx((1 - 1e-4) ** 10_000, rel=1e-9)


def test_a_hundred_thousand_equations_need_no_recursion():
    def f(x):
        for _ in range(50_000):
            x = x * 1.00001
            x = -x
        return x

    assert float(mf.grad(f)(1.0)) == pytest.approx(1.00001**50_000, rel=1e-6)


def test_a_diamond_of_many_paths_is_walked_once():
    """2¹⁰⁰ paths lead from the value to the argument."""

    def f(x):
        for _ in range(100):
            x = x / 2 + x / 2
        return x

    assert float(mf.grad(f)(1.0)) == pytest.approx(1.0)


def test_arrays_that_no_rule_looks_at_do_not_stay():
    made = []

    def followed(x):
        made.append(weakref.ref(ground(x)))
        return x

    def f(x):
        xp = array_namespace(x)
        doubled = followed(followed(x * 2) + 1)
        joined = followed(xp.concat([doubled, followed(xp.reshape(doubled, (-1,)))]))
        return xp.sum(followed(xp.exp(joined)))

    _, pullback = mf.vjp(f, X)
    stays = [ref() is not None for ref in made]
    assert stays == [False, False, False, False, True]  # exp's value is its slope
    np.testing.assert_allclose(pullback(np.ones(()))[0], 4 * np.exp(2 * X + 1))


def test_a_gradient_lets_go_on_its_way_of_what_it_has_used():
    """When the first call's turn comes, the arrays of later ones are gone; a pullback, called again, keeps them."""
    made, gone = [], []

    @mf.custom_vjp
    def first(x):
        return 2 * x

    def backward(_, gradient):
        gone.append([array() is None for array in made])
        return (2 * gradient,)

    first.defvjp(lambda x: (first.function(x), None), backward)

    def loss(x):
        z = array_namespace(x).sin(first(x))
        made[:] = [weakref.ref(ground(z))]
        return (z * z).sum()

    wanted = 4 * np.sin(2 * X) * np.cos(2 * X)
    np.testing.assert_allclose(mf.grad(loss)(X), wanted)
    pullback = mf.vjp(loss, X)[1]
    for _ in range(2):
        np.testing.assert_allclose(pullback(np.ones(()))[0], wanted)
    assert gone == [[True], [False], [False]]


def test_gradients_are_added_up_where_nobody_else_has_them():
    """Of 256 KiB and more, which NumPy adds to in place where it can tell; the caller's arrays stay as they are."""
    x, seed = np.full(100_000, 3.0), np.full(100_000, 5.0)
    value, pullback = mf.vjp(lambda x: x + x + x * x + 2 * x, x)
    for _ in range(2):
        np.testing.assert_array_equal(pullback(seed)[0], np.full(100_000, 50.0))
    for array, number in ((x, 3), (seed, 5), (value, 21)):
        np.testing.assert_array_equal(array, np.full(100_000, number))


def test_memory_is_linear_in_the_steps():
    x = np.ones(1000)

    def peak(steps, wrapped=lambda f: f):
        step = wrapped(lambda x: array_namespace(x).sin(array_namespace(x).exp(-x) * x + x))

        def f(x):
            for _ in range(steps):
                x = step(x)
            return array_namespace(x).sum(x)

        tracemalloc.start()
        try:
            mf.grad(f)(x)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(5)
    assert peak(200) < 2.2 * peak(100)
    assert peak(200) < 3.5 * 200 * x.nbytes  # of five arrays a step its rules look at three
    assert peak(200, mf.checkpoint) < 1.5 * 200 * x.nbytes


# Copies


@pytest.mark.parametrize("way", [copy.deepcopy, copy.copy, lambda made: pickle.loads(pickle.dumps(made))])
def test_a_copy_of_what_is_recorded_records_anew(way):
    recorded = mf.jit(smooth, static_argnums=(1,))
    recorded(X)
    np.testing.assert_array_equal(way(recorded)(X), recorded(X))


def test_complex_gradients_come_to_the_host(backend):
    """PyTorch notes a conjugate on the tensor, in place of computing it."""
    z = backend.asarray(np.array([1 + 2j]))
    xp = mf.differentiable_namespace(backend.xp)
    gradient = mf.grad(lambda z: xp.real(xp.sum(xp.conj(z) * (1 + 1j))))(z)
    np.testing.assert_array_equal(mf.to_numpy(gradient), [1 + 1j])
    np.testing.assert_array_equal(mf.to_numpy(backend.xp.conj(z)), [1 - 2j])


# stop_gradient, custom_vjp, checkpoint


def test_stop_gradient_of_arrays_and_trees():
    np.testing.assert_array_equal(mf.grad(lambda x: (x * mf.stop_gradient(x)).sum())(X), X)
    np.testing.assert_array_equal(mf.grad(lambda x: (x * mf.stop_gradient({"a": x})["a"]).sum())(X), X)
    np.testing.assert_array_equal(mf.stop_gradient(X), X)


@mf.custom_vjp
def clipped(x, limit):
    """x itself; its gradient is cut at ``limit``."""
    return x


def _clipped_backward(limit, gradient):
    xp = array_namespace(gradient)
    return xp.clip(gradient, -limit, limit), None


clipped.defvjp(lambda x, limit: (x, limit), _clipped_backward)


def test_a_rule_of_ones_own():
    gradient = mf.grad(lambda x: (clipped(x, 1.5) * np.array([1.0, 2.0, -3.0])).sum())(X)
    np.testing.assert_array_equal(gradient, [1.0, 1.5, -1.5])
    np.testing.assert_array_equal(clipped(X, 1.0), X)
    assert clipped.__doc__ == "x itself; its gradient is cut at ``limit``."


def test_a_rule_of_ones_own_is_differentiated_again():
    @mf.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (3 * x**2 * g,))
    assert float(mf.grad(mf.grad(cube))(2.0)) == 12.0
    assert float(mf.grad(mf.grad(mf.grad(cube)))(2.0)) == 6.0
    assert float(mf.jit(mf.grad(cube))(2.0)) == 12.0


def test_a_rule_of_ones_own_takes_arguments_as_its_function_does():
    """Those left out have their defaults, those by keyword their places: the rule sees all of them."""

    @mf.custom_vjp
    def power(x, n=2, *, times=1):
        return x**n

    @mf.custom_vjp
    def placed(x, n=2):
        return x**n

    placed.defvjp(lambda x, n: (x**n, (x, n)), lambda kept, g: (g * kept[1] * kept[0] ** (kept[1] - 1), None))
    assert float(mf.grad(placed)(3.0)) == 6
    assert float(mf.grad(lambda x: placed(x, n=3))(3.0)) == 27
    assert float(mf.grad(lambda x: placed(n=3, x=x))(3.0)) == 27
    assert float(mf.jit(mf.grad(lambda x: placed(x, n=3)))(3.0)) == 27
    assert placed(3, n=3) == 27
    with pytest.raises(DifferentiationError, match="times by keyword alone"):
        power(3.0)


def test_a_checkpoint_takes_keywords():
    @mf.checkpoint
    def power(x, *, n, mode="power"):
        return x**n if mode == "power" else x

    assert float(mf.grad(lambda x: power(x, n=3, mode="power"))(3.0)) == 27
    assert float(mf.grad(lambda n: power(2.0, n=n))(1.0)) == pytest.approx(2 * math.log(2))
    assert power(3, n=2) == 9


def test_a_rule_of_ones_own_over_trees():
    @mf.custom_vjp
    def f(p, q):
        return {"r": p["a"] * q[0]}

    f.defvjp(lambda p, q: ({"r": p["a"] * q[0]}, (p, q)), lambda k, g: ({"a": g["r"] * k[1][0]}, [g["r"] * k[0]["a"]]))
    a, b = mf.grad(lambda p, q: f(p, q)["r"].sum(), argnums=(0, 1))({"a": X}, [X + 1])
    np.testing.assert_array_equal(a["a"], X + 1)
    np.testing.assert_array_equal(b[0], X)


def test_a_rule_that_is_not_given_or_wrong_in_form():
    @mf.custom_vjp
    def f(x):
        return x

    with pytest.raises(DifferentiationError, match="defvjp"):
        mf.grad(lambda x: f(x).sum())(X)
    f.defvjp(lambda x: (x, None), lambda _, g: g)
    with pytest.raises(DifferentiationError, match="1 gradients"):
        mf.grad(lambda x: f(x).sum())(X)
    f.defvjp(lambda x: x, lambda _, g: (g,))
    with pytest.raises(DifferentiationError, match=r"its forward gave .* Return a pair"):
        mf.grad(lambda x: f(x).sum())(X)


def test_checkpoint_gives_the_same_gradients(backend):
    x = backend.asarray(X)
    expected = backend.to_numpy(mf.grad(smooth)(x))
    np.testing.assert_array_equal(backend.to_numpy(mf.grad(mf.checkpoint(smooth))(x)), expected)
    second = mf.hessian(mf.checkpoint(smooth))(x)
    np.testing.assert_allclose(backend.to_numpy(second), backend.to_numpy(mf.hessian(smooth)(x)), atol=1e-14)


def test_what_a_checkpoint_closes_over_must_be_an_argument():
    with pytest.raises(DifferentiationError, match="not among its arguments"):
        mf.grad(lambda x: mf.checkpoint(lambda y: (y * x).sum())(x))(X)


# Writing to arrays


def test_assignments_are_functional_updates(backend):
    def f(x):
        xp = array_namespace(x)
        y = xp.asarray(x, copy=True)
        y[1:] = 2 * x[:-1]
        y[0] = 3.0
        y += x
        y[y > 2] *= 0.5
        return xp.sum(y * y)

    def by_hand(x):
        y = np.array([3.0, 2 * x[0], 2 * x[1]]) + x
        return np.sum(np.where(y > 2, y * 0.5, y) ** 2)

    gradient = mf.grad(f)(backend.asarray(X))
    np.testing.assert_allclose(backend.to_numpy(gradient), numeric(by_hand, X), rtol=1e-6)


def test_the_callers_array_is_never_written_to():
    x = X.copy()

    def f(x):
        x[0] = 5.0
        x *= 2
        return x.sum()

    np.testing.assert_array_equal(mf.grad(f)(x), [0, 2, 2])
    np.testing.assert_array_equal(x, X)


WRITES = {
    "through a view": (lambda x, v: v.__setitem__(0, 1.0) or x.sum(), [1, 0, 1]),
    "to what a view shows": (lambda x, v: x.__setitem__(1, 1.0) or v.sum(), [0, 0, 1]),
    "through a view of a view": (lambda x, v: v[1:].__setitem__(0, 1.0) or x.sum(), [1, 1, 0]),
    "in place": (lambda x, v: v.__imul__(2) is None or x.sum(), [1, 2, 2]),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_shares_memory_with_a_written_array_shows_the_write(name):
    write_and_read, expected = WRITES[name]

    def f(x):
        y = x * 1
        return write_and_read(y, y[1:])

    np.testing.assert_array_equal(mf.grad(f)(X), expected)


def test_views_that_nobody_reads_again_may_be_written_to():
    def f(x):
        y = x.reshape(1, 3)
        y[0, 0] = 2.0
        return y.sum()

    np.testing.assert_array_equal(mf.grad(f)(X), [0, 1, 1])


# Errors


def test_what_is_no_scalar():
    with pytest.raises(CostError, match=r"shape \(3,\)"):
        mf.grad(lambda x: x)(X)
    with pytest.raises(CostError, match="it"):
        mf.grad(lambda x: 3.0)(X)
    with pytest.raises(CostError, match="complex128"):
        mf.grad(lambda x: (x * 1j).sum())(X)


def test_arguments_without_a_gradient():
    with pytest.raises(DifferentiationError, match=r"argument 0.*int64"):
        mf.grad(lambda x: x * 2)(np.array(3))
    with pytest.raises(DifferentiationError, match=r"2\.0 for 2"):
        mf.grad(lambda x: x * 2)(3)
    with pytest.raises(DifferentiationError, match="str"):
        mf.grad(lambda x: x)("text")
    with pytest.raises(DifferentiationError, match="argnums is 2"):
        mf.grad(lambda x: x.sum(), argnums=2)(X)


@pytest.mark.parametrize("dtype", ["float64", "complex64", ">f8", ">c16"])
def test_bytes_in_any_order(dtype):
    """Of NumPy's arrays, as files of astronomers have them: in none is a gradient 0 because it is not known."""
    x = (X + 1j * X[::-1]).astype(dtype) if "c" in dtype else X.astype(dtype)
    factor = 1j * x if "c" in dtype else x

    def f(x):
        return np.abs((x * factor).sum()) ** 2

    expected = 2 * (x * factor).sum() * np.conj(factor)
    for found in (mf.grad(f)(x), mf.jit(mf.grad(f))(x), mf.vjp(f, x)[1](1.0)[0]):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(mf.jvp(lambda x: 2 * x, [x], [x])[1], 2 * x)


OTHERWISE = {
    "masked": lambda: np.ma.masked_array(X, mask=[0, 1, 0]),
    "matrix": lambda: X.view(np.matrix),
    "sparse": lambda: pytest.importorskip("scipy.sparse").csr_array(np.diag(X)),
}


@pytest.mark.parametrize("make", [mf.grad, mf.jit])
@pytest.mark.parametrize("name", OTHERWISE)
def test_what_computes_otherwise_than_an_array_is_refused(name, make):
    """Its mask would be lost, or its product be another: wherever it meets a gradient or a recording."""
    other = OTHERWISE[name]()
    with pytest.raises(FeedError, match=f"{name} array|numpy.{name}"):
        make(lambda x: x.sum())(other)
    with pytest.raises(FeedError, match=f"{name} array|numpy.{name}"):
        make(lambda x, y: (x * y).sum())(X, other)
    with pytest.raises(FeedError, match=r"test_transforms.py:\d+: it was fed a"):
        make(lambda x: (x * other).sum())(X)


class Series:
    """What holds an array and is none, as those of pandas and xarray."""

    dtype, shape = X.dtype, X.shape

    def to_numpy(self):
        return X


def test_what_holds_an_array_may_be_given_but_is_not_differentiated():
    np.testing.assert_array_equal(mf.grad(lambda x, s: (x * s.to_numpy()).sum())(X, Series()), X)
    with pytest.raises(DifferentiationError, match=r"\w+\.Series: .*x\.to_numpy\(\)"):
        mf.grad(lambda s: s.to_numpy().sum())(Series())
    with pytest.raises(DifferentiationError, match=r"\w+\.Series"):
        mf.grad(lambda x: type("Series", (Series,), {"shape": (), "__module__": Series.__module__})())(X)


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
def test_libraries_that_meet_in_a_rule_are_told():
    """PyTorch takes NumPy's arrays in a power, and not in its gradient."""
    torch = pytest.importorskip("torch")
    with pytest.raises(DifferentiationError, match=r"pow.*torch and numpy"):
        mf.grad(lambda x: (x**X).sum())(torch.asarray(X))


def test_a_gradient_to_start_from_has_the_dtype_of_the_value(backend):
    _, pullback = mf.vjp(lambda x: x, backend.asarray(X))
    (found,) = pullback(backend.asarray(np.array([1, 2, 3])))
    assert found.dtype == backend.asarray(X).dtype
    np.testing.assert_array_equal(backend.to_numpy(found), [1, 2, 3])
    with pytest.raises(ShapeError, match="complex128"):
        pullback(backend.asarray(X * 1j))
    if backend.name not in ("strict", "cupy"):  # to which NumPy's are foreign
        (found,) = pullback(np.ones(3, "float32"))
        assert found.dtype == backend.asarray(X).dtype


def test_a_gradient_to_start_from_of_another_library_is_told():
    torch = pytest.importorskip("torch")
    with pytest.raises(DifferentiationError, match=r"a pullback.*torch and numpy"):
        mf.vjp(lambda x: x * 2, X)[1](torch.ones(3))


def test_a_gradient_of_another_form():
    _, pullback = mf.vjp(lambda x: x * 2, X)
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        pullback(np.ones(2))
    with pytest.raises(ShapeError, match="form of the value"):
        pullback((np.ones(3), np.ones(3)))


def test_a_number_in_a_text_loses_no_gradient(backend):
    said = []

    def f(x):
        said.append(f"{x[1]:.2f} and {x[1]}")
        return x.sum()

    if backend.name == "strict":
        pytest.skip("its arrays take no form")
    mf.grad(f)(backend.asarray(X))
    assert said[0].startswith("0.50 and <traced")


LOSES = {
    "pickle": lambda x: x.sum() * pickle.loads(pickle.dumps(x))[0],
    "float": lambda x: x.sum() * float(x[0]),
    "math": lambda x: x.sum() * math.exp(x[0]),
    "item": lambda x: x.sum() * x[0].item(),
    "numpy.asarray": lambda x: x.sum() * np.asarray(x)[0],
    "numpy.array of it": lambda x: np.array([x[0], x[1]]).sum(),
}


@pytest.mark.parametrize("name", LOSES)
def test_what_would_lose_the_gradient_is_refused(name):
    with pytest.raises(MiniflowError, match=r"test_transforms.py:\d+") as caught:
        mf.grad(LOSES[name])(X)
    assert "array_namespace(x)" in caught.value.remedy


def test_functions_and_arrays_that_do_not_know_traced_ones(backend):
    """They say it each their own way; the error names the line, and what to do."""
    plain = backend.asarray(X)
    foreign = {"jax": "jax.numpy", "cupy": "cupy", "strict": None}.get(backend.name.split(":")[0], "")
    if foreign == "":
        pytest.skip("its functions know traced arrays")

    def f(x):
        return (plain * x).sum() if foreign is None else getattr(foreign, "exp", foreign)(x).sum()

    if isinstance(foreign, str):
        foreign = pytest.importorskip(foreign)
    with pytest.raises(DifferentiationError, match=r"test_transforms.py:\d+.*does not know it"):
        mf.grad(f)(plain)


def test_a_closures_array_beside_a_traced_one_is_told():
    """``array_namespace`` finds two namespaces."""

    def f(x):
        xp = array_namespace(x, X)
        return xp.sum(x * X)

    with pytest.raises(DifferentiationError, match=r"test_transforms.py:\d+(.|\n)*grad\(f\)\(x, data\)"):
        mf.grad(f)(X)


def test_what_numpy_makes_of_our_error_is_our_error():
    def f(x):
        plain = np.zeros(3)
        plain[0] = x[0]
        return x.sum()

    with pytest.raises(DifferentiationError, match=r"float\(\) of a \(\) array"):
        mf.grad(f)(X)


def test_control_flow_sees_contents():
    def f(x):
        total = x[0] * 0
        n = 0
        while total < 2:
            total = total + x[n % 3] * 2
            n += 1
        return total if total > 0 else -total

    np.testing.assert_array_equal(mf.grad(f)(X), [2.0, 2.0, 2.0])


def test_a_function_without_a_rule_names_itself():
    with pytest.raises(DifferentiationError, match=r"linalg\.nothing_like_it") as caught:
        mf.grad(lambda x: apply("linalg.nothing_like_it", x.xp, (x,)))(X)
    assert "custom_vjp" in caught.value.remedy


def test_an_array_by_keyword_is_no_constant_in_silence():
    def product(x, y):
        return array_namespace(x).vecdot(x, x, axis=y)

    with pytest.raises(DifferentiationError, match="axis is being differentiated and was given by keyword"):
        mf.grad(product, argnums=1)(X, np.array(0.0))


def test_libraries_do_not_mix():
    torch = pytest.importorskip("torch", reason="another library is needed: pip install torch")
    with pytest.raises(DifferentiationError, match="numpy and torch"):
        mf.grad(lambda x: (x * torch.ones(3)).sum())(X)


def test_the_namespace_is_public(backend):
    xp = mf.differentiable_namespace(backend.xp)
    assert xp is mf.differentiable_namespace(backend.xp)
    x = xp.asarray([1.0, 2.0])
    assert array_namespace(x) is xp
    assert "boolean indexing" in xp.__array_namespace_info__().capabilities()
    assert xp.isdtype(x.dtype, "real floating")
    assert xp.finfo(x.dtype).eps < 1
    assert "exp" in dir(xp)
    assert "miniflow_xp" in repr(xp)


def test_the_namespace_has_what_is_none_and_shapes_by_keyword(backend):
    xp = mf.differentiable_namespace(backend.xp)
    assert xp.newaxis is None
    assert xp.empty(shape=(2, 3)).shape == (2, 3)
    with pytest.raises(AttributeError, match="has no 'no_such_name'"):
        _ = xp.no_such_name


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: x.copy()], ids=["copy", "deepcopy", "method"])
def test_a_copy_keeps_the_gradient_and_has_memory_of_its_own(copied):
    def f(x):
        y = copied(x)
        y[0] = 5.0
        return (x * y).sum()

    np.testing.assert_allclose(mf.grad(f)(X), [5, 1, 1.8])


def test_a_view_has_the_dtype_that_it_has():
    np.testing.assert_allclose(mf.grad(lambda x: (x.view(float) * x.view()).sum())(X), 2 * X)
    with pytest.raises(DifferentiationError, match=r"view of a float64 array.* have no gradient"):
        mf.grad(lambda x: x.view(np.int64).sum())(X)


def test_the_gradients_of_a_plain_product_are_plain_products():
    """Of A and of B: axes of a tensordot come out in order, and nothing puts them back."""
    A, B = np.ones((2, 3, 4)), np.ones((4, 5))
    gradients = mf.grad(lambda a, b: array_namespace(a).sum(array_namespace(a).tensordot(a, b, axes=1)), argnums=(0, 1))
    values, _ = record(lambda _, a, b: gradients(a, b), np, [A, B])
    assert [v.op for v in values if v.op not in ("argument", "sum", "broadcast_to")] == ["tensordot", "tensordot"]
