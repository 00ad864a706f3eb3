"""find_nonfinite names the function or node where NaN or infinity began, the line, the element, and what came in."""

import inspect
from typing import NamedTuple

import numpy as np
import pytest
from array_api_compat import array_namespace

import miniflow_xp as mf
from miniflow_xp.errors import DivergedError, SettingError


class Classic(NamedTuple):
    """A function with ``# here`` on its line, arguments, and what is found: None where nothing is."""

    function: object
    args: list
    direction: str = ""
    operation: str = ""
    index: tuple = ()
    number: float = np.nan
    inputs: tuple = ()
    dtype: str = "float64"


def sqrt_at_0(x):
    xp = array_namespace(x)
    y = 2 * x
    return xp.sum(xp.sqrt(y))  # here


def log_of_0(x):
    xp = array_namespace(x)
    y = xp.log(x)  # here
    return xp.sum(xp.exp(y) - y)


def not_taken(x):
    xp = array_namespace(x)
    ratio = x / x  # here
    return xp.sum(xp.where(x > 0, ratio, 1.0))


def norm(x):
    return array_namespace(x).linalg.vector_norm(x)


def norm_by_hand(x):
    xp = array_namespace(x)
    return xp.sqrt(xp.sum(x * x))  # here


def softmax_of_masked(x):
    xp = array_namespace(x)
    x = xp.where(x > 0, x, -xp.inf)
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))  # here
    return xp.sum(e / xp.sum(e, axis=-1, keepdims=True))


def softmax(x):
    xp = array_namespace(x)
    return xp.sum(xp.exp(x - xp.max(x, axis=-1, keepdims=True)))  # here


def overflow(x):
    xp = array_namespace(x)
    e = xp.exp(x)  # here
    return xp.sum(e / xp.sum(e))


def division(x):
    xp = array_namespace(x)
    return xp.sum(xp.tan(1 / x))  # here


def negative_power(x):
    y = x**-1.5  # here
    return array_namespace(x).sum(y)


def log_of_negative(x):
    xp = array_namespace(x)
    unused = xp.sqrt(x)
    y = xp.log(x)  # here
    return xp.sum(xp.where(x > 1e9, unused, y))


def root_of_negative(x):
    xp = array_namespace(x)
    return xp.sum(xp.sqrt(x))  # here


def difference(x):
    xp = array_namespace(x)
    far = xp.where(x > 0, x, xp.inf)
    return xp.sum(far - far)  # here


def overflow_beside_a_mask(x):
    xp = array_namespace(x)
    e = xp.exp(x)  # here
    return xp.sum(e)


def product_of_row_and_column(x):
    xp = array_namespace(x)
    roots = xp.reshape(xp.sqrt(x), (2, 2))  # here
    return xp.sum((roots @ roots)[0, 1])


def angle(x):
    xp = array_namespace(x)
    return xp.sum(xp.acos(x))  # here


def gradient_of_roots(x):
    xp = array_namespace(x)
    return xp.sum(mf.grad(lambda z: xp.sum(xp.sqrt(z)))(x))  # here


def plain(x):
    return array_namespace(x).sum(x)


CLASSICS = {
    "sqrt at 0": Classic(sqrt_at_0, [1.0, 0.0], "backward", "sqrt", (1,), np.inf, (0.0,)),
    "log of 0": Classic(log_of_0, [1.0, 0.0], "forward", "log", (1,), -np.inf, (0.0,)),
    "0 / 0 in a branch not taken": Classic(not_taken, [1.0, 0.0], "backward", "divide", (1,), np.nan, (0.0, 0.0)),
    "norm at 0, which is a rule of ours": Classic(norm, [0.0, 0.0]),
    "norm at 0 by hand": Classic(norm_by_hand, [0.0, 0.0], "backward", "sqrt", (), np.inf, (0.0,)),
    "softmax of a row all masked": Classic(
        softmax_of_masked, [-1.0, -2.0], "forward", "subtract", (0,), np.nan, (-np.inf, -np.inf)
    ),
    "softmax of a row of -inf": Classic(
        softmax, [-np.inf, -np.inf], "forward", "subtract", (0,), np.nan, (-np.inf,) * 2
    ),
    "softmax of a row with one -inf": Classic(softmax, [-np.inf, 1.0]),
    "overflow": Classic(overflow, [1.0, 200.0], "forward", "exp", (1,), np.inf, (200.0,), "float16"),
    "division by 0": Classic(division, [1.0, 0.0], "forward", "divide", (1,), np.inf, (1, 0.0)),
    "0 to a negative power": Classic(negative_power, [1.0, 0.0], "forward", "pow", (1,), np.inf, (0.0, -1.5)),
    "log of a negative number": Classic(log_of_negative, [1.0, -2.0], "forward", "log", (1,), np.nan, (-2.0,)),
    "root of a negative number": Classic(root_of_negative, [1.0, -2.0], "forward", "sqrt", (1,), np.nan, (-2.0,)),
    "inf - inf": Classic(difference, [1.0, 0.0], "forward", "subtract", (1,), np.nan, (np.inf, np.inf)),
    "overflow beside a mask": Classic(overflow_beside_a_mask, [-np.inf, 1e4], "forward", "exp", (1,), np.inf, (1e4,)),
    "a product's rows": Classic(
        product_of_row_and_column, [-1.0, 4.0, 4.0, 4.0], "forward", "sqrt", (0,), np.nan, (-1.0,)
    ),
    "acos at 1": Classic(angle, [0.0, 1.0], "backward", "acos", (1,), -np.inf, (1.0,)),
    "NaN that was given": Classic(plain, [1.0, np.nan], "forward", "argument", (1,), np.nan, ()),
    "infinity that was given": Classic(plain, [np.inf, 1.0], "forward", "argument", (0,), np.inf, ()),
    "the rule of a gradient inside": Classic(gradient_of_roots, [1.0, 0.0], "forward", "divide", (1,), np.inf),
    "nothing": Classic(plain, [1.0, 2.0]),
}


def line_of(function):
    """The line that ends in ``# here``, as it is told; None of a function without."""
    lines, first = inspect.getsourcelines(function)
    return next((f"test_nonfinite.py:{first + n}" for n, line in enumerate(lines) if line.endswith("# here\n")), None)


@pytest.mark.parametrize("case", CLASSICS.values(), ids=CLASSICS)
def test_the_classics_in_a_function(case, backend):
    dtype = "float32" if backend.name == "strict" and case.dtype == "float16" else case.dtype
    found = mf.find_nonfinite(case.function, backend.asarray(np.asarray(case.args, dtype=dtype)))
    if not case.direction:
        assert found is None
        return
    assert (found.direction, found.operation, found.index) == (case.direction, case.operation, case.index), found
    assert found.line == line_of(case.function)
    assert found.inputs == case.inputs or case.function is gradient_of_roots
    np.testing.assert_equal(found.number, case.number)


OF_NODES = {
    name: case for name, case in CLASSICS.items() if not name.startswith(("the rule", "nothing", "NaN", "infin"))
}


@pytest.mark.parametrize("case", OF_NODES.values(), ids=OF_NODES)
def test_the_classics_in_a_graph(case, backend):
    """The functions build nodes where they are given one; each is told by the line that made it."""
    x = mf.Input("x", dtype="float32" if case.dtype == "float16" else case.dtype)
    cost, feed = case.function(x), {x: np.asarray(case.args)}
    for what in (cost, mf.Program(cost, [x])):
        found = mf.find_nonfinite(what, feed)
        if not case.direction:
            assert found is None
            continue
        operation = "Sub" if case.operation == "subtract" else case.operation
        assert (found.direction, found.operation, found.index) == (case.direction, operation, case.index), found
        assert found.line == line_of(case.function)
        np.testing.assert_equal(found.number, case.number)
    assert cost.value is None


def test_what_is_said_in_words():
    line = line_of(sqrt_at_0)
    assert str(mf.find_nonfinite(sqrt_at_0, np.array([1.0, 0.0]))) == (
        f"backward, sqrt at {line} at [1]: the gradient that it hands on is inf, "
        "from 0.0 and the gradient 1.0 (1 of 2 is not finite)"
    )


def test_arguments_are_told_by_their_number_name_and_leaf():
    good, bad = np.ones(2), np.array([1.0, np.nan])

    def of_tree(tree, axis, *, scale=1.0):
        return tree["a"].sum(axis=axis) * tree["b"].sum() * scale

    assert mf.find_nonfinite(of_tree, {"a": good, "b": bad}, 0).where == "argument 0, leaf 1"
    assert mf.find_nonfinite(of_tree, {"a": good, "b": good}, 0, scale=np.inf).where == "argument scale"
    assert mf.find_nonfinite(of_tree, {"a": good, "b": good}, 0, scale=2.0) is None


def test_what_a_function_closes_over_is_told_where_it_comes_in():
    weights = np.array([1.0, np.nan])
    found = mf.find_nonfinite(lambda x: (x * weights).sum(), np.ones(2))
    assert (found.operation, found.index, found.inputs[0]) == ("multiply", (1,), 1.0)
    assert np.isnan(found.inputs[1])


def test_a_result_that_is_a_number_is_told_as_a_constant():
    found = mf.find_nonfinite(lambda x: (x, float("inf")), np.ones(2))
    assert (found.operation, found.direction, found.number) == ("constant", "forward", np.inf)


def test_gradients_that_overflow_in_their_sum():
    def twice(x):
        return 1e308 * x + 1e308 * x

    found = mf.find_nonfinite(lambda x: array_namespace(x).sum(twice(x)), np.zeros(2))
    assert (found.direction, found.where, found.inputs, found.gradient) == (
        ("backward", "the sum of gradients", (1e308,), 1e308)
    )
    x = mf.Input("x")
    found = mf.find_nonfinite(array_namespace(x).sum(twice(x)), {x: np.zeros(2)})
    assert (found.where, found.inputs, found.gradient) == ("the sum of gradients of Input 'x'", (1e308,), 1e308)


def test_what_a_function_hands_back_as_it_was_is_passed_by(backend):
    xp, bad = backend.xp, backend.asarray(np.array([1.0, np.nan]))
    found = mf.find_nonfinite(
        lambda x: x * mf.differentiable_namespace(xp).reshape(bad, (2,)), backend.asarray(np.ones(2))
    )
    assert found.operation in ("multiply", "reshape")
    same = mf.find_nonfinite(
        lambda x: array_namespace(x).astype(1 / x, x.dtype, copy=False), backend.asarray(np.zeros(2))
    )
    assert same.operation == "divide"


def test_an_operation_of_ones_own_is_told_by_its_name():
    @mf.custom_vjp
    def steep(x):
        return 2 * x

    steep.defvjp(lambda x: (2 * x, x), lambda x, gradient: (gradient / (x - 1),))
    found = mf.find_nonfinite(lambda x: steep(x).sum(), np.ones(2))
    assert (found.direction, found.where, found.gradient) == ("backward", "steep", 1.0)


def test_inputs_without_such_a_place_are_told_as_a_whole():
    found = mf.find_nonfinite(lambda x: (x * x).sum(), np.array([1e200, 1.0]))
    assert (found.operation, found.index) == ("multiply", (0,))
    found = mf.find_nonfinite(lambda x: x.sum(), np.array([1e308, 1e308]))
    assert (found.operation, found.inputs) == ("sum", ("float64 (2,) from 1e+308 to 1e+308",))


def test_a_factorisation_that_refuses_nan_is_told_by_what_it_was_given():
    def energies(x):
        return array_namespace(x).linalg.eigvalsh(array_namespace(x).log(x)).sum()

    assert mf.find_nonfinite(energies, -np.eye(2) - 1).operation == "log"


def test_a_node_of_the_lesson_with_its_own_backward():
    class Root(mf.Node):
        def __init__(self, x):
            super().__init__([x], name="root")

        def forward(self):
            self.value = np.sqrt(self.inbound_nodes[0].value)

        def backward(self):
            arrived = sum(n.gradients[self] for n in self.outbound_nodes)
            self.gradients = {self.inbound_nodes[0]: arrived / (2 * self.value)}

    x, y = mf.Input("x"), mf.Input("y")
    graph = mf.topological_sort({x: np.array([[0.0], [4.0]]), y: np.ones((2, 1))}, mf.MSE(y, Root(x)))
    found = mf.find_nonfinite(graph)
    assert (found.direction, found.where, found.index, found.line) == ("backward", "Root 'root'", (0, 0), None)
    assert all(node.gradients == {} for node in graph)


def test_what_cannot_be_searched_is_told():
    with pytest.raises(SettingError, match=r"find_nonfinite.*it takes a graph, or a function of arrays"):
        mf.find_nonfinite(3)


@pytest.fixture
def trained(monkeypatch):
    """The message of a fit of √(w x) to ones, in steps of two rows, which diverges; the way back is from its start."""
    monkeypatch.setattr("miniflow_xp.training.loop.AT_ONCE", 0.0)
    monkeypatch.setattr("miniflow_xp.training.loop.KEEP_SHARE", 0.0)

    def train(rate, initial):
        x, y = mf.Input("x", dtype="float64"), mf.Input("y")
        w = mf.Parameter(np.asarray(initial), "w", dtype="float64")
        root = mf.as_node(lambda z: array_namespace(z).sqrt(z), "root")(mf.Mul(x, w), name="root")
        batches = mf.Batches(np.ones((6, 2)), np.ones((6, 2)), batch_size=2)
        with np.errstate(all="ignore"), pytest.raises(DivergedError) as caught:
            mf.fit(mf.Trainer(mf.MSE(y, root, name="cost"), mf.SGD(rate)), [x, y], batches, 3)
        return str(caught.value)

    return train


def test_fit_says_where_a_rate_too_large_led(trained, backend):
    assert "step 1, root 'root' at [0, 0]: the cost is nan, its value is nan, from -" in trained(1e3, [4.0, 4.0])


def test_fit_looks_for_what_spoilt_a_parameter_in_the_gradients_before(trained, backend):
    message = trained(0.1, [0.0, 4.0])
    assert "step 1, Parameter 'w' at [0]: the cost is " in message
    assert "the step before made it so: root 'root' at [0, 0], the gradient that it hands on is -inf" in message


def test_fit_says_that_an_update_overflowed(trained):
    assert "the step before made it so: in its update, all gradients are finite" in trained(1e308, [1e-8, 1e-8])
