"""What arrays come in, by any door: in whatever order they lie in memory, but none whose meaning would be lost."""

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp import MSE, Batches, CrossEntropy, Input, Linear, Parameter, Program, Trainer, errors
from miniflow_xp.data.npy import open_npy
from miniflow_xp.metrics import accuracy, r_squared
from miniflow_xp.training.prefetch import prefetched

ROWS = np.arange(12.0).reshape(4, 3) + 1


def big_endian_file(array, path):
    np.save(path, array.astype(array.dtype.newbyteorder(">")))
    return open_npy(path)


ORDERS = {
    "columns backwards": lambda a, _: a[:, ::-1],
    "np.flip": lambda a, _: np.flip(a),
    "rows backwards, every other": lambda a, _: a[::-2],
    "transposed": lambda a, _: a.T,
    "Fortran": lambda a, _: np.asfortranarray(a),
    "big-endian": lambda a, _: a.astype(a.dtype.newbyteorder(">")),
    "big-endian file": lambda a, folder: big_endian_file(a, folder / "a.npy"),
    "read-only": lambda a, _: np.broadcast_to(a, a.shape),
    "of size-0 strides": lambda a, _: np.broadcast_to(a[:1], a.shape),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint16"])
@pytest.mark.parametrize("order", ORDERS)
def test_an_array_may_lie_in_memory_as_it_likes(backend, order, dtype, tmp_path):
    array = ORDERS[order](ROWS.astype(dtype), tmp_path)
    expected = np.array(array, dtype="float64") * 2
    x, p = Input("x"), Parameter(array, "p")
    for node, feed in ((x * 2, {x: array}), (p * 2, {}), (Parameter(np.zeros(array.shape), "q") + array * 2, {})):
        np.testing.assert_array_equal(mf.to_numpy(mf.forward_pass(node, mf.topological_sort(feed, node))), expected)
        np.testing.assert_array_equal(mf.to_numpy(Program(node)(feed).values), expected)
    (batch,) = Batches(array, shuffle=False).epoch(0)
    np.testing.assert_array_equal(mf.predict(x * 2, [{x: batch.X}]), expected)


@pytest.mark.parametrize("order", ["columns backwards", "np.flip", "big-endian", "big-endian file"])
def test_training_on_any_order_is_training_on_a_plain_copy(backend, order, tmp_path):
    array, costs = ORDERS[order](ROWS / 10, tmp_path), []
    for rows in (array, np.array(array, dtype="float64")):
        x, y, W, b = Input("x"), Input("y"), Parameter(np.ones((3, 1)), "W"), Parameter([0.0], "b")
        trainer = Trainer(MSE(y, Linear(x, W, b)), mf.Adam(0.1))
        batches = Batches(rows, rows[:, :1], batch_size=2, seed=0)
        costs.append([epoch.cost for epoch in mf.fit(trainer, [x, y], batches, 3)])
    assert costs[0] == costs[1]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int8", "int64"])
def test_labels_of_any_integer_dtype(backend, dtype):
    logits, y = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 5.0]]), Input("y", dtype=int)
    z = Parameter(logits, "z")
    cost = CrossEntropy(y, z * 1)
    labels = np.array([0, 2], dtype)
    expected = float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[[0, 1], [0, 2]]))
    for given in (labels, backend.asarray(labels, dtype)):
        mf.forward_and_backward(mf.topological_sort({y: given}, cost))
        assert float(cost.value) == pytest.approx(expected)
        assert float(Program(cost, z)({y: given}).values) == pytest.approx(expected)
    for wrong in (np.array([0, 3], dtype), np.array([0, 200], dtype) if dtype != "int8" else np.array([0, -1], dtype)):
        with pytest.raises(errors.LabelError):
            Program(cost, z)({y: wrong})


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_an_input_declared_unsigned_holds_its_numbers(backend, dtype):
    x = Input("x", dtype=dtype)
    assert mf.to_numpy(mf.forward_pass(x * 1, mf.topological_sort({x: [1, 200]}))).tolist() == [1, 200]


def test_an_unsigned_number_too_large_for_a_backends_integers_is_an_error():
    pytest.importorskip("torch")
    y = Input("y", dtype=int)
    with mf.use_backend("torch"), pytest.raises(errors.DtypeError, match="Input 'y'"):
        mf.topological_sort({y: np.array([2**63], "uint64")}, y * 1)


# What is refused

MASKED = np.ma.array([[1.0, -9999.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
MATRIX = np.eye(2).view(np.matrix)


def lesson(array):
    x = Input("x")
    mf.topological_sort({x: array}, x * 1)


def set_value(array):
    x = Input("x")
    graph = mf.topological_sort({x: np.eye(2)}, x * 1)
    x.value = array
    mf.forward_pass(graph)


def set_parameter(array):
    p = Parameter(np.eye(2), "x")
    Program(p * 1)()
    p.value = array
    Program(p * 1)()


def trained(array):
    x, p = Input("x"), Parameter(np.eye(2), "p")
    trainer = Trainer(MSE(x, p * 1))
    trainer.step({x: np.eye(2)})
    trainer.step({x: array})


def sought(array):
    x = Input("x")
    for feed in prefetched([{x: array}]):
        Program(x * 1)(feed)


def a_program(array):
    x = Input("x")
    program = Program(x * 1)
    program({x: np.eye(2)})
    program({x: array})


def a_seed(array):
    x = Input("x")
    node = x * 1
    Program(node, x)({x: np.eye(2)}, seeds={node: array})


def gradcheck_of(array):
    x = Input("x")
    mf.gradcheck(x * 1, {x: array})


def predict_of(array):
    x = Input("x")
    mf.predict(x * 1, [{x: array}])


DOORS = {
    "a feed": lesson,
    "value": set_value,
    "Parameter": lambda a: Parameter(a, "x"),
    "value of a Parameter": set_parameter,
    "Program": a_program,
    "seeds": a_seed,
    "Trainer": trained,
    "prefetched": sought,
    "gradcheck": gradcheck_of,
    "a constant": lambda a: a * Input("x"),
    "a constant on the right": lambda a: Input("x") @ a,
    "Batches, X": Batches,
    "Batches, y": lambda a: Batches(np.eye(2), a),
    "rows of a function": lambda a: list(Batches(lambda: iter([a])).epoch(0)),
    "predict": predict_of,
    "accuracy": lambda a: accuracy(np.eye(2), a),
    "r_squared": lambda a: r_squared(a, np.eye(2)),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "array", [MASKED, MASKED[1], MATRIX, [MASKED[0], MASKED[1]]], ids=["masked", "of no mask", "matrix", "list"]
)
def test_masks_and_matrices_come_in_by_no_door(backend, door, array):
    if isinstance(array, list) and door.startswith("a constant"):
        pytest.skip("a list is no constant")
    with pytest.raises(errors.FeedError, match=r"masked|matrix"):
        DOORS[door](array)


def test_rows_that_are_lists_of_uneven_things_are_told(backend):
    with pytest.raises(errors.FeedError, match="row 1 of the function"):
        list(Batches(lambda: iter([[1.0, 2.0], [np.ones(3), 1.0]])).epoch(0))


def test_rows_that_are_lists_of_numbers_are_rows():
    (batch,) = Batches(lambda: ([float(n), n + 1.0] for n in range(3)), batch_size=3).epoch(0)
    assert batch.X.tolist() == [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]


@pytest.mark.parametrize("feed", [[1.0], [[1.0]], "x", 3, np.ones(2), ({},)], ids=repr)
def test_a_feed_that_says_no_input_is_told(backend, feed):
    x, p = Input("x"), Parameter([1.0], "p")
    cost = MSE(x, p)
    for act in (
        lambda: mf.topological_sort(feed, cost),
        lambda: Program(cost)(feed),
        lambda: Program(cost, p)({x: [1.0]}, seeds=feed),
        lambda: Trainer(cost).step(feed),
        lambda: Trainer(cost).additive(feed),
        lambda: mf.gradcheck(cost, feed),
        lambda: mf.predict(p * x, iter([feed])),
        lambda: mf.evaluate(cost, mf.Validation([feed])),
    ):
        with pytest.raises(errors.FeedError, match="X: rows"):
            act()
