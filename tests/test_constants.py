"""Numbers and arrays in expressions: constants, which are not trained, on every backend and in every way to run."""

import gc
import operator
import weakref

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp import MSE, Add, Input, Linear, MatMul, Mul, Parameter, errors
from miniflow_xp.node import Constant

RANDOM = np.random.default_rng(0)
A, X = RANDOM.uniform(1, 2, (3, 3)), RANDOM.uniform(1, 2, (3, 3))

EXPRESSIONS = {
    "x + a": operator.add,
    "x - a": operator.sub,
    "x * a": operator.mul,
    "x @ a": operator.matmul,
    "a + x": lambda x, a: a + x,
    "a - x": lambda x, a: a - x,
    "a * x": lambda x, a: a * x,
    "a @ x": lambda x, a: a @ x,
}


def value_in_the_lesson(node, feed):
    return mf.to_numpy(mf.forward_pass(node, mf.topological_sort(feed, node)))


def value_of_a_program(node, feed):
    return mf.to_numpy(mf.Program(node)(feed).values)


def constants_of(node):
    return [inbound for inbound in node.inbound_nodes if isinstance(inbound, Constant)]


@pytest.fixture(params=["NumPy's", "its own"])
def given(request, backend):
    """What turns a NumPy array into the array that stands in the expression."""
    return np.asarray if request.param == "NumPy's" else backend.asarray


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_array_beside_a_node_is_a_constant_in_the_nodes_dtype(backend, given, expression, dtype):
    function, x = EXPRESSIONS[expression], Input("x")
    if backend.name == "strict" and expression[0] == "a" and given is not np.asarray:
        pytest.skip("array-api-strict's arrays leave nothing to what stands to their right")
    for width in ("float32", "float64", "float16") if backend.name != "strict" else ("float32", "float64"):
        node = function(x, given(A.astype(width)))
        assert len(constants_of(node)) == 1
        data = X.astype(dtype)
        expected = function(data, A.astype(width).astype(dtype))
        for value in (value_in_the_lesson(node, {x: data}), value_of_a_program(node, {x: data})):
            assert str(value.dtype) == dtype
            np.testing.assert_allclose(value, expected, rtol=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize(
    "array", [np.array([1, 0, 2]), np.array([True, False, True]), np.array([1.5], "float16")], ids=str
)
def test_integers_and_booleans_become_the_graphs_floats(backend, array):
    x = Input("x")
    for node in (x * array, Mul(array, x)):
        for value in (value_in_the_lesson, value_of_a_program):
            found = value(node, {x: X.astype("float32")})
            assert str(found.dtype) == "float32"
            np.testing.assert_array_equal(found, X.astype("float32") * array.astype("float32"))


def test_integers_beside_integers_stay_integers(backend):
    x = Input("x", dtype=int)
    found = value_in_the_lesson(x + np.array([1, 2]), {x: np.array([5, 6])})
    assert (found.dtype.kind, found.tolist()) == ("i", [6, 8])


def test_a_constant_is_not_trained(backend):
    x, y, W = Input("x"), Input("y"), Parameter(np.ones((3, 3)), "W")
    cost = MSE(y, (x @ W) * np.float32(2) + np.array([5.0, 5.0, 5.0]))
    trainer = mf.Trainer(cost, mf.SGD(0.01))
    assert trainer.parameters == [W]
    costs = [float(trainer.step({x: X, y: np.zeros((3, 3))})) for _ in range(50)]
    (array,) = constants_of(cost.inbound_nodes[1])
    assert mf.to_numpy(array.at(backend, "float64")).tolist() == [5.0, 5.0, 5.0]
    assert costs[-1] < costs[0]
    graph = mf.topological_sort({x: X, y: np.zeros((3, 3))}, cost)
    for _ in range(50):
        mf.forward_and_backward(graph)
        mf.sgd_update([W], 0.01)
    assert mf.to_numpy(array.value).tolist() == [5.0, 5.0, 5.0]


def test_gradients_past_a_constant_are_right(backend):
    x, W = Input("x"), Parameter(RANDOM.normal(size=(3, 3)), "W")
    cost = MSE(A, Linear(A * x, W, np.array([1.0, 2.0, 3.0])) - A @ W)
    mf.gradcheck(cost, {x: X})
    program = mf.Program(cost, [x, W])
    mf.forward_and_backward(mf.topological_sort({x: X}, cost), wrt=[x, W])
    _, gradients = program({x: X})
    for leaf in (x, W):
        np.testing.assert_allclose(mf.to_numpy(gradients[leaf]), mf.to_numpy(leaf.gradients[leaf]), rtol=1e-12)
    for constant in constants_of(cost):
        assert constant.gradients == {}


def test_every_reader_may_have_one_in_any_place(backend):
    x = Input("x")
    total = Add(A, x, A, 2, name="sum")
    np.testing.assert_allclose(value_of_a_program(total, {x: X}), A + X + A + 2)
    np.testing.assert_allclose(value_of_a_program(MatMul(A[0], x), {x: X}), A[0] @ X)


def test_what_is_done_to_the_array_later_does_not_matter(backend):
    x, array = Input("x"), np.ones(3)
    node = x + array
    array[...] = 7.0
    np.testing.assert_allclose(value_in_the_lesson(node, {x: X}), X + 1)
    np.testing.assert_allclose(value_of_a_program(node, {x: X}), X + 1)


def test_the_array_does_not_keep_its_graph_and_moves_with_the_backend():
    x = Input("x")
    node = x * A
    for name in ("numpy", "strict", "numpy"):
        with mf.use_backend(name) as backend:
            value = mf.forward_pass(node, mf.topological_sort({x: X}, node))
            assert backend.owns(value)
            assert backend.owns(mf.Program(node)({x: X}).values)
    dead = weakref.ref(node)
    del node, x, value
    gc.collect()
    assert dead() is None


def test_a_program_spells_it_by_its_shape():
    x = Input("x")
    program = mf.Program(x * A - 2.5)
    assert str(program).splitlines()[1:3] == ["  mul1 = Mul(x, array (3, 3))", "  sub1 = Sub(mul1, 2.5)"]


class Triple(mf.Node):
    """A learner's node: 3 a b, as the lesson teaches them."""

    def __init__(self, a, b):
        super().__init__([a, b])

    def forward(self):
        a, b = (node.value for node in self.inbound_nodes)
        self.value = 3 * a * b

    def backward(self):
        a, b = self.inbound_nodes
        arriving = sum(reader.gradients[self] for reader in self.outbound_nodes)
        self.gradients = {a: 3 * arriving * b.value, b: 3 * arriving * a.value}


def test_a_learners_node_reads_a_constant_as_the_backends_array(backend):
    x = Input("x")
    cost = MSE(np.zeros((3, 3)), Triple(x, A))
    mf.gradcheck(cost, {x: X})
    mf.forward_and_backward(mf.topological_sort({x: X}, cost))
    np.testing.assert_allclose(mf.to_numpy(x.gradients[x]), 2 / 9 * 9 * A * A * X)


@pytest.mark.parametrize(
    ("operand", "kind"),
    [
        (np.ma.array([1.0, -9999.0], mask=[False, True]), errors.FeedError),
        (np.eye(2).view(np.matrix), errors.FeedError),
        (np.array([1j, 2j]), errors.DtypeError),
        (np.array(["a", "b"]), errors.FeedError),
        (np.array([None, 1], dtype=object), errors.FeedError),
        (np.zeros((0, 3)), errors.FeedError),
        (10**400, errors.GraphError),
        (True, errors.GraphError),
        (np.True_, errors.GraphError),
        (1j, errors.GraphError),
        ([1.0], errors.GraphError),
        (None, errors.GraphError),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_is_no_constant_names_the_node_that_was_to_read_it(backend, operand, kind):
    x = Input("x")
    with pytest.raises(kind, match="Add 'sum'"):
        Add(x, operand, name="sum")
    assert list(x.outbound_nodes) == []


def test_an_array_of_another_library_is_refused():
    with mf.use_backend("strict") as strict:
        foreign = strict.asarray(A)
    with pytest.raises(errors.MixedBackendsError, match=r"Mul.*numpy"):
        Input("x") * foreign


def test_a_number_that_no_integer_dtype_holds_is_a_float(backend):
    x = Input("x")
    np.testing.assert_allclose(value_of_a_program(x * 2**80, {x: X}), X * 2.0**80)
