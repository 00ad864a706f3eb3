"""Every rule on every target in float64 and float32, generated from the table in capabilities.py."""

import copy
import itertools
from functools import cache

import numpy as np
import pytest
from array_api_compat import array_namespace, device
from capabilities import ROWS, exact, example
from closeness import assert_close, central_differences, rounding
from targets import on_every_target

import miniflow_xp as mf
from miniflow_xp import dtypes, ops
from miniflow_xp.node import pullbacks
from miniflow_xp.switch import to_numpy

DTYPES = ("float64", "float32")
CASES = [(row, shapes, dtype) for row in ROWS for shapes in row.cases for dtype in DTYPES]
BROADCAST = [(r, s, d) for r, s, d in CASES if r.elementwise and len(set(s)) > 1]
SHARED = [(row, dtype) for row in ROWS if row.shared for dtype in DTYPES]
SEVERAL = [(row, dtype) for row in ROWS if row.elementwise and row.count > 1 for dtype in DTYPES]
MIXED = [(row, dtype) for row in ROWS if row.count > 1 and not row.integers for dtype in DTYPES]
ONE_CASE = [(row, row.cases[0], dtype) for row in ROWS for dtype in DTYPES]


def on_targets(names, tried):
    """Decorator: run the test for each of ``tried``, whose members are called ``names``, on every target."""

    def decorate(test):
        parameters = on_every_target(test.__name__, tried)
        return pytest.mark.parametrize((*names.split(), "target", "backend"), parameters, indirect=["backend"])(test)

    return decorate


@cache
def differences(row, shapes, dtype):
    """Reference gradients of the inputs that have one, with bounds on their errors."""
    inputs, weights = example(row, shapes, dtype)
    return {n: central_differences(row.numpy, inputs, weights, n) for n in range(len(inputs)) if n not in row.integers}


def test_every_node_has_a_row():
    assert {type(row.node).__name__ for row in ROWS} == set(ops.__all__)


def test_rows_say_which_are_elementwise():
    assert all(row.elementwise == isinstance(row.node, mf.Elementwise) for row in ROWS)


@on_targets("row shapes dtype", CASES)
def test_value_is_that_of_numpy(row, shapes, dtype, target, backend):
    inputs, weights = example(row, shapes, dtype)
    expected = row.numpy(*inputs)
    got = target.run(row.node, backend, weights, inputs, dtype)
    assert_close(target.to_numpy(backend, got.value), expected, rounding(dtype, expected, *inputs))


@on_targets("row shapes dtype", CASES)
def test_gradient_is_that_of_central_differences(row, shapes, dtype, target, backend):
    inputs, weights = example(row, shapes, dtype)
    got = target.run(row.node, backend, weights, inputs, dtype)
    assert [n for n, gradient in enumerate(got.gradients) if gradient is None] == list(row.integers)
    for n, (expected, error) in differences(row, shapes, dtype).items():
        bound = error + rounding(dtype, expected, weights, *inputs)
        assert_close(target.to_numpy(backend, got.gradients[n]), expected, bound)


@on_targets("row shapes dtype", CASES)
def test_results_are_arrays_like_the_inputs(row, shapes, dtype, target, backend):
    inputs, weights = example(row, shapes, dtype)
    got = target.run(row.node, backend, weights, inputs, dtype)
    assert dtypes.name_of(got.value) == dtype
    assert_alike(got.value, got.inputs[-1], backend)
    for array, gradient in zip(got.inputs, got.gradients, strict=True):
        if gradient is not None:
            assert tuple(gradient.shape) == tuple(array.shape)
            assert gradient.dtype == array.dtype
            assert_alike(gradient, array, backend)


def assert_alike(result, array, backend):
    """The same library and device."""
    assert backend.owns(result)
    assert array_namespace(result) is array_namespace(array)
    assert device(result) == device(array)


@on_targets("row shapes dtype", BROADCAST)
def test_broadcasting_is_undone(row, shapes, dtype, target, backend):
    """As if each input had been repeated by hand, and its gradients summed over the copies."""
    inputs, weights = example(row, shapes, dtype)
    repeated = [np.array(array) for array in np.broadcast_arrays(*inputs)]
    narrow = target.run(row.node, backend, weights, inputs, dtype)
    wide = target.run(row.node, backend, weights, repeated, dtype)
    for array, one, many in zip(inputs, narrow.gradients, wide.gradients, strict=True):
        extra = tuple(range(weights.ndim - array.ndim))
        copies = target.to_numpy(backend, many).astype("float64").sum(axis=extra)
        kept = tuple(axis for axis, size in enumerate(array.shape) if size == 1)
        expected = copies.sum(axis=kept, keepdims=True)
        assert_close(target.to_numpy(backend, one), expected, rounding(dtype, expected, weights, *inputs))


@on_targets("row dtype", SHARED)
def test_shared_input_gets_the_sum_of_its_gradients(row, dtype, target, backend):
    (x, *_), weights = example(row, (row.shared,) * row.count, dtype)
    shared = mf.Input()
    got = target.run(row.build(*[shared] * row.count), backend, weights, [x] * row.count, dtype)
    assert_close(target.to_numpy(backend, got.value), row.numpy(*[x] * row.count), rounding(dtype, x))
    expected, error = central_differences(lambda x: row.numpy(*[x] * row.count), [x], weights, 0)
    bound = error + row.count * rounding(dtype, expected, weights, x)
    assert_close(target.to_numpy(backend, got.gradients[0]), expected, bound)


@on_targets("row dtype", SEVERAL)
def test_a_python_number_takes_the_dtype_of_the_array(row, dtype, target, backend):
    """node(number, x): the number is a constant, and x alone has a gradient."""
    x = exact(np.linspace(-1, 1, 6).reshape(2, 3), dtype)
    numbers = (2, 0.5)[: row.count - 1]
    leaf = mf.Input()
    node = row.build(*numbers, leaf)
    with target.context(), backend.activate():
        array, gradient = (target.array(backend, host, dtype) for host in (x, np.ones_like(x)))
        value = node.compute(backend.xp, *numbers, array)
        found = pullbacks(node, backend.xp, gradient, value, [*numbers, array])
        assert list(found) == [leaf]
        result = found[leaf]()
    expected, error = central_differences(lambda x: row.numpy(*[*numbers, x][-row.count :]), [x], np.ones_like(x), 0)
    assert dtypes.name_of(value) == dtypes.name_of(result) == dtype
    assert_close(target.to_numpy(backend, value), row.numpy(*numbers, x), rounding(dtype, 2, x))
    assert_close(target.to_numpy(backend, result), expected, error + rounding(dtype, 2, expected, x))


@on_targets("row dtype", MIXED)
def test_each_gradient_has_the_dtype_of_its_own_input(row, dtype, target, backend):
    """The first float input is in ``dtype``, the others in the other one: the value is float64 in any case."""
    inputs, weights = example(row, row.cases[0], "float32")
    other = DTYPES[1 - DTYPES.index(dtype)]
    with target.context(), backend.activate():
        arrays = [target.array(backend, host, other if n else dtype) for n, host in enumerate(inputs)]
        value, gradients = target.apply(row.node, backend, target.array(backend, weights, "float64"), arrays)
    assert dtypes.name_of(value) == "float64"
    assert [gradient.dtype for gradient in gradients] == [array.dtype for array in arrays]


PRODUCTS = {
    "MatMul": (mf.MatMul, ((2, 3), (3, 2))),
    "MatMul of a vector": (mf.MatMul, ((3,), (3, 2))),
    "MatMul of stacks": (mf.MatMul, ((2, 2, 3), (3, 2))),
    "Linear": (mf.Linear, ((2, 3), (3, 2), (2,))),
}


@pytest.mark.parametrize("pair", list(itertools.permutations(dtypes.FLOATS, 2)), ids="-".join)
@pytest.mark.parametrize(("node", "shapes"), PRODUCTS.values(), ids=PRODUCTS)
def test_products_of_two_dtypes_are_in_the_one_that_holds_both(node, shapes, pair, backend):
    """Small integers, which every dtype holds exactly; each gradient is in the dtype of its own input."""
    if any(backend.storable(dtype) != dtype for dtype in pair):
        pytest.skip(f"{backend.name} does not store both")
    hosts = [np.arange(1.0, 1 + np.prod(shape)).reshape(shape) for shape in shapes]
    leaves = [mf.Input(f"leaf{n}") for n in range(len(shapes))]
    names = [pair[n % 2] for n in range(len(shapes))]
    product, common = node(*leaves), dtypes.widest(set(pair))
    program = mf.Program(product, leaves)
    found = program(
        {leaf: backend.asarray(host, name) for leaf, host, name in zip(leaves, hosts, names, strict=True)},
        {product: backend.asarray(np.ones((hosts[0] @ hosts[1]).shape), common)},
    )
    assert dtypes.name_of(found.values) == common
    np.testing.assert_array_equal(to_numpy(found.values), hosts[0] @ hosts[1] + sum(hosts[2:]))
    with mf.use_backend("numpy"):
        wanted = program(dict(zip(leaves, hosts, strict=True)), {product: np.ones((hosts[0] @ hosts[1]).shape)})
    for leaf, name in zip(leaves, names, strict=True):
        assert dtypes.name_of(found.gradients[leaf]) == name
        np.testing.assert_array_equal(to_numpy(found.gradients[leaf]), wanted.gradients[leaf])


@on_targets("row shapes dtype", ONE_CASE)
def test_rule_is_pure(row, shapes, dtype, target, backend):
    """Its inputs are bit for bit what they were, nothing is left on the node, and a second run gives the same bits."""
    inputs, weights = example(row, shapes, dtype)
    node = row.fresh()
    before = {key: copy.copy(value) for key, value in vars(node).items()}
    first, second = (target.run(node, backend, weights, inputs, dtype) for _ in range(2))
    assert vars(node) == before
    for array, host in zip(first.inputs, inputs, strict=True):
        kept = target.to_numpy(backend, array)
        assert kept.tobytes() == host.astype(kept.dtype).tobytes()
    for one, other in zip([first.value, *first.gradients], [second.value, *second.gradients], strict=True):
        if one is not None:
            assert target.to_numpy(backend, one).tobytes() == target.to_numpy(backend, other).tobytes()


@on_targets("row shapes dtype", ONE_CASE)
def test_thunks_leave_value_and_gradient_alone(row, shapes, dtype, target, backend):
    """Each thunk may be called, in any order and again, without changing what others are computed from."""
    inputs, weights = example(row, shapes, dtype)
    node = row.node
    with target.context(), backend.activate():
        arrays = [target.array(backend, host, dtype) for host in inputs]
        gradient = target.array(backend, weights, dtype)
        value = node.compute(backend.xp, *arrays)
        before = target.to_numpy(backend, value).tobytes()
        found = pullbacks(node, backend.xp, gradient, value, arrays)
        once = {leaf: target.to_numpy(backend, found[leaf]()).copy() for leaf in found}
        again = {leaf: target.to_numpy(backend, found[leaf]()) for leaf in reversed(found)}
    assert all(once[leaf].tobytes() == again[leaf].tobytes() for leaf in found)
    assert target.to_numpy(backend, value).tobytes() == before
    assert target.to_numpy(backend, gradient).tobytes() == weights.astype(dtype).tobytes()
