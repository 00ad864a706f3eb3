"""The NumPy plan: a recorded function, replayed into planned buffers, gives what the plain function gives.

The functions here are chosen to mislead a planner of buffers: values that share memory, that outlive what they were
made from, that are read after they could have been written over.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from threading import Barrier, local
from typing import Any

import numpy as np
import pytest
from closeness import assert_close, rounding
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from miniflow_xp import differentiable_namespace, switch
from miniflow_xp.arrays.updates import add_at, setitem
from miniflow_xp.backends.numpy import blas, select
from miniflow_xp.backends.numpy import capture as planning
from miniflow_xp.backends.numpy import threads as at_once
from miniflow_xp.backends.numpy.capture import NumpyCapture

BACKEND = switch.load("numpy")
XP = BACKEND.xp
REPLAYS = 3


def like(rng, array):
    """Fresh contents for an array: same shape, dtype, memory layout and writeability."""
    array = np.asarray(array)
    kind = array.dtype.kind
    fresh = array.copy(order="K")
    if kind == "b":
        fresh[...] = rng.integers(0, 2, array.shape)
    elif kind in "iu":
        fresh[...] = rng.integers(0, 3, array.shape)
    else:
        fresh[...] = rng.uniform(-1, 1, array.shape)
    return fresh


def bound(expected, arrays):
    """What rounding in a sum of as many terms as there are elements may do; integers and booleans are exact."""
    return rounding(str(expected.dtype), expected, *arrays) if expected.dtype.kind == "f" else 0


def check(function, *arrays, state=0, make=NumpyCapture, bound=bound):
    """Several replays with fresh inputs: results and state are those of the plain function; nothing else changes."""
    rng = np.random.default_rng(1)
    plan = make(BACKEND, function, [np.array(a) for a in arrays[:state]] + list(arrays[state:]), state)
    held = [np.array(a) for a in arrays[:state]]
    kept = []
    for _ in range(REPLAYS):
        feeds = [like(rng, a) for a in arrays[state:]]
        copies = [np.array(f) for f in feeds]
        expected = [np.array(r) for r in function(XP, *[h.copy() for h in held], *[f.copy() for f in feeds])]
        got = plan(*feeds)
        for feed, copy in zip(feeds, copies, strict=True):
            np.testing.assert_array_equal(feed, copy)
        for result, wanted in zip(got, expected[state:], strict=True):
            assert result.dtype == wanted.dtype
            assert_close(np.asarray(result), wanted, bound(wanted, [*held, *feeds]))
        kept += [(result, np.array(result)) for result in got]
        for number, wanted in enumerate(expected[:state]):
            assert plan.read(number).dtype == wanted.dtype
            assert_close(plan.read(number), wanted, bound(wanted, [*held, *feeds]))
        held = [plan.read(n) for n in range(state)]
    for result, copy in kept:
        np.testing.assert_array_equal(result, copy)
    return plan


def array(*shape, dtype="float64"):
    """An array that is different for every shape."""
    rng = np.random.default_rng(shape)
    return like(rng, np.empty(shape, dtype))


bools, ints, single = (partial(array, dtype=dtype) for dtype in ("bool", "int64", "float32"))
half = partial(array, dtype="float16")


def t(xp, x):
    return xp.matrix_transpose(x)


def softmax(xp, z, axis):
    e = xp.exp(z - xp.max(z, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


def norms(xp, x):
    s = xp.sum(x * x, axis=1, keepdims=True)
    return x / (1 + s), s


def part_is_written_early(xp, a, b, x):
    """The concatenation may not take a buffer that is in use between its first part and itself."""
    first, between = a + b, xp.exp(x)
    total = xp.sum(between)
    return [total, xp.concat([first, a * b])]


def two_concatenations_of_one_part(xp, a, b):
    s = a + b
    return [xp.concat([s, a * b]), xp.concat([a - b, s]), s]


def part_is_read_later(xp, a, b):
    s = a + b
    c = xp.concat([s, a * b])
    return [xp.exp(c), s * 2, xp.tanh(s)]


def view_outlives_its_root(xp, a, b):
    s = xp.exp(a)
    first = s[:1]
    u, v = xp.tanh(b), xp.exp(b)
    return [u * v, first + xp.sum(u), xp.reshape(s, (3, 2))]


def chain_of_views(xp, a):
    s = a * 2
    return [xp.expand_dims(t(xp, xp.reshape(s, (2, 6)))[1:, :], axis=0), s]


def f_ordered(xp, a, b):
    """NumPy keeps the order of a transposed operand; a buffer does not, so here a reshaping must copy."""
    s = t(xp, a) + t(xp, b)
    return [xp.reshape(t(xp, s), (-1,)), xp.reshape(s, (-1,))]


def in_place_after_a_view(xp, a, b):
    s = a + b
    r = xp.reshape(s, (-1,))
    u = xp.exp(s)
    return [u, xp.sum(r)]


def in_place_beside_a_view(xp, a):
    s = a * 2
    return [s + t(xp, s), xp.exp(s) * t(xp, s)]


FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "shared": (lambda xp, a, b: [(a + b) * (a + b) - (a + b)], (array(3, 2), array(3, 2))),
    "a + a.T": (lambda xp, a: [a + t(xp, a)], (array(4, 4),)),
    "s + s.T": (in_place_beside_a_view, (array(4, 4),)),
    "s.T - s": (lambda xp, a: [t(xp, a * 2) - a * 2], (array(4, 4),)),
    "view outlives": (view_outlives_its_root, (array(2, 3), array(2, 3))),
    "views of views": (chain_of_views, (array(3, 4),)),
    "view before in place": (in_place_after_a_view, (array(3, 4), array(3, 4))),
    "reversed": (lambda xp, a: [(a * 2)[::-1] + a * 2, (a * 2)[::-1]], (array(5),)),
    "reshaped transpose": (
        lambda xp, a: [xp.reshape(t(xp, a), (-1,)), xp.reshape(t(xp, a * 2), (-1,))],
        (array(3, 4),),
    ),
    "reshape in another order": (f_ordered, (array(3, 4), array(3, 4))),
    "reshape of F-ordered feeds": (f_ordered, (np.asfortranarray(array(3, 4)), np.asfortranarray(array(3, 4)))),
    "reshape to numbers": (lambda xp, a: [xp.reshape(xp.sum(a), (1, 1)), xp.reshape(a, ())], (array(1, 1),)),
    "squeeze": (lambda xp, a: [xp.squeeze(a * 2, axis=1) + a[:, 0], xp.expand_dims(a, axis=-1)], (array(3, 1),)),
    "returned steps": (lambda xp, a: [a * 2, xp.exp(a * 2), xp.exp(a * 2) + 1], (array(3),)),
    "returned arguments": (lambda xp, a, b: [a, b[1:], a + 1, t(xp, a)], (array(3, 3), array(4))),
    "returned constants": (
        lambda xp, a: [xp.ones_like(a), xp.zeros_like(a) + 1, xp.sum(xp.ones_like(a)), a],
        (array(3),),
    ),
    "only constants": (lambda xp, a: [xp.ones_like(a)], (array(3),)),
    "the same twice": (lambda xp, a: [a + 1, a + 1, xp.reshape(a + 1, (-1,))], (array(2, 2),)),
    "unread argument": (lambda xp, a, b: [a * 2], (array(3), array(4))),
    "softmax 0": (lambda xp, a: [softmax(xp, a, 0), softmax(xp, a * 2, 0)], (array(4, 3),)),
    "softmax 1": (lambda xp, a: [softmax(xp, a, 1), softmax(xp, a * 2, -1)], (array(4, 3),)),
    "row norms": (lambda xp, a: list(norms(xp, a)), (array(4, 3),)),
    "0-d": (lambda xp, a, b: [a + b, a * a, xp.exp(a), xp.where(a > b, a, b)], (array(), array())),
    "0-d and 1-D": (lambda xp, a, b: [a + b, xp.sum(b) * a, b[0] * a, xp.max(b) - b], (array(), array(3))),
    "sums": (
        lambda xp, a: [xp.sum(a), xp.sum(a, axis=0), xp.sum(a, axis=1), xp.sum(a, axis=(0, 1)), xp.sum(a, axis=())],
        (array(3, 4),),
    ),
    "sums that keep axes": (
        lambda xp, a: [xp.sum(a, axis=n, keepdims=True) for n in (None, 0, 1, -1, (0, 1))],
        (array(3, 4),),
    ),
    "sums of 3 axes": (
        lambda xp, a: [xp.sum(a, axis=n) for n in (0, 1, 2, (0, 2), (1, 2))],
        (array(2, 3, 4),),
    ),
    "sum of a transpose": (lambda xp, a: [xp.sum(t(xp, a), axis=0), xp.sum(t(xp, a))], (array(3, 4),)),
    "means": (lambda xp, a: [xp.mean(a), xp.mean(a, axis=0), xp.mean(a, axis=1, keepdims=True)], (array(3, 4),)),
    "extremes": (lambda xp, a: [xp.max(a), xp.min(a, axis=0), xp.prod(a, axis=1), xp.std(a)], (array(3, 4),)),
    "products": (
        lambda xp, a, b: [xp.matmul(a, b), xp.matmul(t(xp, b), t(xp, a)), xp.matmul(a, t(xp, a))],
        (array(3, 4), array(4, 2)),
    ),
    "products of vectors": (
        lambda xp, a, b, c: [xp.matmul(a, b), xp.matmul(c, a), xp.matmul(t(xp, c), b)],
        (array(4), array(4), array(4, 4)),
    ),
    "outer product": (lambda xp, a, b: [xp.matmul(a, b)], (array(5, 1), array(1, 6))),
    "stacked products": (lambda xp, a, b: [xp.matmul(a, b), xp.matmul(a * 2, b + 1)], (array(2, 3, 4), array(4, 2))),
    "a product used twice": (
        lambda xp, a: [xp.matmul(xp.matmul(a, a), xp.matmul(a, a)), xp.matmul(a, a)],
        (array(3, 3),),
    ),
    "where x x": (lambda xp, a: [xp.where(a > 0, a, a), xp.where(a > 0, a * 2, a * 2)], (array(4),)),
    "where x -x": (lambda xp, a: [xp.where(a > 0, a, -a), xp.where(a > 0, -a, a)], (array(4),)),
    "where dying": (
        lambda xp, a, b: [xp.where(a > 0, a * 2, b * 2) + 1, xp.where(a > b, b * 3, a * 3)],
        (array(4),) * 2,
    ),
    "where of its transpose": (lambda xp, a: [xp.where(a > 0, t(xp, a * 2), a * 2)], (array(4, 4),)),
    "where with a transposed condition": (lambda xp, a: [xp.where(t(xp, a * 2) > 0, a * 2, 1.0)], (array(4, 4),)),
    "where of numbers": (
        lambda xp, a: [xp.where(a > 0, 1.0, 0.0), xp.where(a > 0, 1, a), xp.where(a > 0, a, 1)],
        (array(4),),
    ),
    "where broadcasts": (lambda xp, a, b: [xp.where(a > 0, a, b), xp.where(b > 0, 0.0, a)], (array(3, 1), array(4))),
    "where of complex zeros": (
        lambda xp, a, z: [xp.where(a > 0, 0j, z), xp.where(a > 0, xp.zeros_like(z), z), xp.where(a > 0, z, 0j)],
        (array(4), array(4, dtype="complex128")),
    ),
    "where of booleans": (
        lambda xp, c, x, y: [xp.where(c, x, y), xp.where(c, c, y), xp.where(c, x, c), xp.where(x > y, c, y)],
        (bools(8), bools(8), bools(8)),
    ),
    "where with a dying condition": (
        lambda xp, a, b: [xp.where(a > 0, b > 0, a > b)],
        (array(8), array(8)),
    ),
    "True and False": (
        lambda xp, c, x: [xp.where(c, x, False), xp.logical_and(c, True), xp.where(c, True, x), c == True],  # noqa: E712
        (bools(6), bools(6)),
    ),
    "concat": (lambda xp, a, b: [xp.concat([a + b, a * b, a - b])], (array(3), array(3))),
    "concat of repeated parts": (lambda xp, a: [xp.concat([a * 2, a * 2]), xp.concat([a, a, a * 2])], (array(3),)),
    "concat of part and its view": (lambda xp, a: [xp.concat([a * 2, (a * 2)[1:]])], (array(3),)),
    "concat of reshaped parts": (
        lambda xp, a, b: [xp.concat([xp.reshape(xp.matmul(a, b), (-1,)), xp.sum(b, axis=0), xp.reshape(a * 2, (-1,))])],
        (array(3, 4), array(4, 2)),
    ),
    "concat of transposed parts": (lambda xp, a, b: [xp.concat([t(xp, a + b), a * b])], (array(3, 3), array(3, 3))),
    "concat of reversed parts": (lambda xp, a, b: [xp.concat([(a + b)[::-1], a * b])], (array(3), array(3))),
    "concat of cut parts": (
        lambda xp, a, b: [xp.concat([(a + b)[1:], (a * b)[:1], (a + b)[:1]])],
        (array(3), array(3)),
    ),
    "concat of arguments and constants": (lambda xp, a: [xp.concat([a, xp.ones_like(a), a * 0.5])], (array(3),)),
    "concat of one": (lambda xp, a: [xp.concat([a * 2]), xp.concat([a])], (array(3),)),
    "concat of concat": (
        lambda xp, a, b: [xp.concat([xp.concat([a + b, a]), a * b])],
        (array(3), array(3)),
    ),
    "concat along others": (
        lambda xp, a, b: [xp.concat([a * 2, b], axis=1), xp.concat([a, b + 1], axis=-1), xp.concat([a, b], axis=None)],
        (array(2, 3), array(2, 3)),
    ),
    "concat of dtypes": (lambda xp, a, b: [xp.concat([a * 2, b * 2])], (single(3), array(3))),
    "concat, buffers": (part_is_written_early, (array(4), array(4), array(8))),
    "concat, two": (two_concatenations_of_one_part, (array(3), array(3))),
    "concat, part read later": (part_is_read_later, (array(3), array(3))),
    "integers": (
        lambda xp, i, j: [i + j, i * 2, i / 2, i + 0.5, xp.sum(i), xp.mean(i), xp.matmul(i, t(xp, j)), i**2],
        (ints(3, 2), ints(3, 2)),
    ),
    "small integers": (
        lambda xp, i: [xp.sum(i), xp.sum(i, axis=0), xp.mean(i), i * 2, xp.astype(i, xp.float32)],
        (array(3, 2, dtype="int8"),),
    ),
    "booleans": (
        lambda xp, c, a: [xp.sum(c), xp.any(c), xp.all(c, axis=0), a * xp.astype(c, xp.float64), c == (a > 0)],
        (bools(3, 2), array(3, 2)),
    ),
    "dtypes meet": (
        lambda xp, a, b: [a + b, xp.matmul(a, b), a * 2, xp.where(a > 0, a, b)],
        (single(3, 3), array(3, 3)),
    ),
    "single": (lambda xp, a: [1 - a, 2**a, a**2, 1 / (a + 3), xp.sqrt(a * a), xp.mean(a)], (single(4, 3),)),
    "signed zeros": (lambda xp, a: [xp.copysign(a, 0.0), xp.copysign(a, -0.0)], (array(3),)),
    "functions without out": (
        lambda xp, a, i: [
            xp.cumulative_sum(a, axis=1),
            xp.take(a, i, axis=1),
            xp.argmax(a, axis=1),
            xp.broadcast_to(a[:1, :], (3, 3)),
            xp.stack([a[0, :], a[1, :]], axis=1),
            xp.clip(a, min=0.0),
            xp.permute_dims(a, (1, 0)),
        ],
        (array(2, 3), ints(2)),
    ),
    "not contiguous": (
        lambda xp, a, b: [xp.matmul(a, b), a * t(xp, b), xp.reshape(a, (-1,)), xp.sum(b, axis=0)],
        (array(6, 4)[::2, ::-1], array(3, 4).T),
    ),
}


@pytest.fixture(params=["masked copies", "bits"])
def selection(request, monkeypatch):
    """``where`` in both ways, whatever the number of elements."""
    monkeypatch.setattr(select, "WORTH_BITS", 0 if request.param == "bits" else 1 << 40)


@pytest.mark.usefixtures("selection")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_plan_gives_what_the_plain_function_gives(name):
    function, arrays = FUNCTIONS[name]
    plan = check(function, *arrays)
    assert "recorded and replayed" in plan.how


def swap_of_three(xp, s, r, q, x):
    return [r, q, s, s + r + q + x]


STATEFUL: dict[str, tuple[Callable[..., Any], int, tuple[Any, ...]]] = {
    "one": (lambda xp, s, x: [s - 0.5 * x, xp.sum(s)], 1, (array(3), array(3))),
    "unchanged": (lambda xp, s, x: [s, s + x], 1, (array(3), array(3))),
    "old state is read after the update": (lambda xp, s, x: [s + x, (s + x) * s, xp.exp(s)], 1, (array(3), array(3))),
    "old state is returned": (lambda xp, s, x: [s + x, s], 1, (array(3), array(3))),
    "a view of the old state is returned": (lambda xp, s, x: [s * x, s[1:], xp.reshape(s, (3, 1))], 1, (array(3),) * 2),
    "a view of the new state is returned": (lambda xp, s, x: [s * x, (s * x)[1:], s * x], 1, (array(3), array(3))),
    "replaced by a feed": (lambda xp, s, x: [x, s + 1], 1, (array(3), array(3))),
    "replaced by a view of a feed": (lambda xp, s, x: [t(xp, x), s], 1, (array(3, 3), array(3, 3))),
    "replaced by a constant": (lambda xp, s, x: [xp.zeros_like(x), s * x], 1, (array(3), array(3))),
    "swap": (lambda xp, s, r, x: [r, s, s - r + x], 2, (array(3), array(3), array(3))),
    "swap with work": (lambda xp, s, r, x: [r + x, s * x, s - r], 2, (array(3), array(3), array(3))),
    "swap transposed": (lambda xp, s, r, x: [t(xp, r), t(xp, s), x], 2, (array(3, 3), array(3, 3), array(3))),
    "swap of three": (swap_of_three, 3, (array(3),) * 4),
    "one new value for two states": (lambda xp, s, r, x: [s + x, s + x, r], 2, (array(3),) * 3),
    "a state goes into another": (lambda xp, s, r, x: [s + x, r + (s + x), s + r], 2, (array(3),) * 3),
    "transposed in place": (lambda xp, s, x: [t(xp, s), s + x], 1, (array(3, 3), array(3, 3))),
    "with its transpose": (lambda xp, s, x: [s + t(xp, s) * x], 1, (array(3, 3), array(3, 3))),
    "reversed": (lambda xp, s, x: [(s * x)[::-1]], 1, (array(4), array(4))),
    "where keeps it": (lambda xp, s, x: [xp.where(x > 0, x, s)], 1, (array(6), array(6))),
    "where replaces it": (lambda xp, s, x: [xp.where(x > 0, s, x), xp.where(s > 0, s, x)], 1, (array(6), array(6))),
    "where with its transpose": (lambda xp, s, x: [xp.where(x > 0, t(xp, s), s)], 1, (array(3, 3), array(3, 3))),
    "where it is the condition": (lambda xp, s, x, y: [xp.where(s, x, y)], 1, (bools(8), bools(8), bools(8))),
    "a condition made of it": (lambda xp, s, x: [xp.where(s > 0, x, -s), s], 1, (array(6), array(6))),
    "0-d": (lambda xp, s, x: [s + 1, s * x, xp.sum(x) * (s + 1)], 1, (array(), array(3))),
    "product": (lambda xp, s, x: [xp.matmul(s, x)], 1, (array(3, 3), array(3, 3))),
    "flat": (
        lambda xp, s, x: [
            s - 0.1 * xp.concat([xp.reshape(xp.matmul(t(xp, x), x), (-1,)), xp.sum(x, axis=0)]),
            xp.sum(xp.matmul(x, xp.reshape(s[:9], (3, 3))) + s[9:]),
        ],
        1,
        (array(12), array(4, 3)),
    ),
    "momentum": (
        lambda xp, s, v, x: [s - 0.1 * (0.9 * v + x * s), 0.9 * v + x * s, xp.sum(s * s)],
        2,
        (array(4),) * 3,
    ),
}


@pytest.mark.usefixtures("selection")
@pytest.mark.parametrize("name", STATEFUL)
def test_a_plan_keeps_state(name):
    function, state, arrays = STATEFUL[name]
    plan = check(function, *arrays, state=state)
    assert "recorded and replayed" in plan.how


def test_a_mean_in_half_precision_does_not_overflow_in_its_sum():
    (mean,) = NumpyCapture(BACKEND, lambda xp, x: [xp.mean(x)], [half(1000)], 0)(np.full(1000, 100, "float16"))
    assert mean.dtype == np.float16
    assert mean == 100


def test_read_only_feeds():
    feed = array(3, 3)
    feed.flags.writeable = False
    plan = NumpyCapture(BACKEND, lambda xp, a: [a, a + 1, a + t(xp, a)], [feed], 0)
    a, b, c = plan(feed)
    np.testing.assert_array_equal(a, feed)
    np.testing.assert_array_equal(b, feed + 1)
    np.testing.assert_array_equal(c, feed + feed.T)
    for result in (a, b, c):
        result[...] = 0  # a result is the caller's own
    np.testing.assert_array_equal(plan(feed)[1], feed + 1)


def test_a_state_that_is_read_is_a_copy_and_one_that_is_written_is_copied():
    plan = NumpyCapture(BACKEND, lambda xp, s, x: [s + x, xp.sum(s)], [np.zeros(3), np.zeros(3)], 1)
    plan(np.ones(3))
    early = plan.read(0)
    mine = np.full(3, 5.0)
    plan.write(0, mine)
    (total,) = plan(np.ones(3))
    assert total == 15
    assert early.tolist() == [1, 1, 1]
    assert mine.tolist() == [5, 5, 5]
    assert plan.read(0).tolist() == [6, 6, 6]


def test_arrays_that_the_plan_was_made_from_are_left_alone():
    state, feed = np.ones(3), np.ones(3)
    plan = NumpyCapture(BACKEND, lambda xp, s, x: [s + x], [state, feed], 1)
    plan(np.full(3, 2.0))
    assert state.tolist() == feed.tolist() == [1, 1, 1]


def test_a_replay_reads_into_buffers_that_it_has():
    """No array is allocated but the results: the same call leaves the memory in use as it was."""
    import tracemalloc

    plan = NumpyCapture(BACKEND, lambda xp, a: [xp.sum(xp.tanh(xp.exp(a * 2) + 1) * a)], [array(1000, 10)], 0)
    feed = array(1000, 10)
    plan(feed)
    tracemalloc.start()
    plan(feed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < feed.nbytes / 8


@pytest.mark.parametrize("op", ["tril", "triu"])
@pytest.mark.parametrize("shape", [(3, 4), (30, 30), (2, 30, 30)], ids=str)
@pytest.mark.parametrize("k", [-1, 0, 2])
def test_a_triangle_is_cut_out_by_a_mask_that_is_made_once(op, shape, k):
    """Of floats; what is outside is not looked at."""
    check(lambda xp, x: [getattr(xp, op)(x, k=k) * 2, getattr(xp, op)(x)], array(*shape))
    plan = NumpyCapture(BACKEND, lambda xp, x: [getattr(xp, op)(x, k=k)], [array(*shape)], 0)
    assert plan.equations == {"where": 1}
    x = np.full(shape, np.nan)
    x[...] = np.where(getattr(np, op)(np.ones(shape), k=k), 1.0, x)
    np.testing.assert_array_equal(plan(x)[0], getattr(np, op)(np.ones(shape), k=k))
    check(lambda xp, x: [getattr(xp, op)(x, k=k)], array(*shape).astype("int64"))


def factor(xp, x, upper=False):
    """The Cholesky factor of a matrix made of x."""
    return xp.linalg.cholesky(xp.matmul(x, xp.matrix_transpose(x)) + 9 * xp.eye(x.shape[0]), upper=upper)


SUBSTITUTED: dict[str, Callable[..., Any]] = {
    "lower": lambda xp, x, b: xp.linalg.solve(factor(xp, x), b),
    "upper": lambda xp, x, b: xp.linalg.solve(factor(xp, x, upper=True), b),
    "turned": lambda xp, x, b: xp.linalg.solve(xp.matrix_transpose(factor(xp, x)), b),
    "turned twice": lambda xp, x, b: xp.linalg.solve(xp.matrix_transpose(xp.matrix_transpose(factor(xp, x))), b),
    "upper, turned": lambda xp, x, b: xp.linalg.solve(xp.matrix_transpose(factor(xp, x, upper=True)), b),
}


@pytest.mark.parametrize("columns", [(), (2,)], ids=["a vector", "a matrix"])
@pytest.mark.parametrize("name", SUBSTITUTED)
def test_a_system_of_a_cholesky_factor_is_solved_by_substitution(name, columns):
    pytest.importorskip("scipy")
    differentiable_namespace(XP)  # has the rules imported
    plan = check(lambda xp, x, b: [SUBSTITUTED[name](xp, x, b)], array(5, 5), array(5, *columns))
    assert plan.equations["linalg.solve_triangular"] == 1
    assert "linalg.solve" not in plan.equations


def test_other_systems_are_solved_as_ever():
    """Of a stack, of two dtypes, of something made from a factor."""

    def steps(xp, x, b):
        stack = xp.linalg.solve(xp.broadcast_to(factor(xp, x), (2, 5, 5)), xp.broadcast_to(b, (2, 5, 2)))
        return [stack, xp.linalg.solve(factor(xp, x) + 1, b), xp.linalg.solve(factor(xp, x), xp.astype(b, xp.float32))]

    plan = check(steps, array(5, 5), array(5, 2))
    assert plan.equations["linalg.solve"] == 3


def test_a_mask_that_is_a_constant_is_read_and_not_made_again():
    mask = np.random.default_rng(0).integers(0, 2, (40, 40)).astype(bool)
    one = check(lambda xp, x, y: [xp.where(xp.asarray(mask), x, y)], array(40, 40), array(40, 40))
    other = check(lambda xp, x, y: [xp.where(x > y, x, y)], array(40, 40), array(40, 40))
    assert len(one.before) == len(other.before) - 3  # the comparison, and two for its mask


# What is quicker another way


def functions(plan):
    """The names of the functions that a plan calls."""
    return [function.__name__ for function, _ in plan.before]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("x", [array(4, 3), array(2, 3, 4, 5), single(3, 2, 128), array(5, 1), array(4)], ids=np.shape)
def test_sums_of_short_rows_are_products(x, keepdims):
    plan = check(lambda xp, x: [xp.sum(x * 2, axis=-1, keepdims=keepdims)], x)
    assert functions(plan) == ["multiply", "dot"]


def test_sums_over_the_last_axes_are_products():
    assert functions(check(lambda xp, x: [xp.sum(x, axis=(-2, -1))], array(3, 4, 5))) == ["dot"]
    assert functions(check(lambda xp, x: [xp.sum(x, axis=(2, 1), keepdims=True)], array(3, 4, 5))) == ["dot"]
    assert functions(check(lambda xp, x: [xp.sum(x, axis=(0, 2))], array(3, 4, 5))) == ["reduce"]


def test_products_with_ones_are_so_small_that_blas_wakes_no_thread():
    plan = check(lambda xp, x: [xp.sum(x, axis=-1)], array(1000, 100))
    assert functions(plan) == ["dot"] * 13
    assert all(function.__self__.size <= 1 << 13 for function, _ in plan.before)


@pytest.mark.parametrize("x", [array(3, 129), ints(3, 4), half(3, 4)], ids=lambda x: f"{x.dtype}{x.shape}")
def test_other_sums_of_rows_are_not(x):
    assert functions(check(lambda xp, x: [xp.sum(x, axis=-1, keepdims=True)], x))[-1] == "reduce"


def test_rows_that_a_kernel_of_blas_warns_about_are_no_product():
    assert functions(check(lambda xp, x: [xp.sum(x, axis=-1)], single(40, 5))) == ["copyto", "reduce"]


@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize("x", [array(4, 3), single(2, 3, 32), array(3000, 10), ints(5, 4), array(6)], ids=np.shape)
def test_extremes_of_short_rows_are_those_of_columns(op, x):
    plan = check(lambda xp, x: [getattr(xp, op)(x, axis=-1, keepdims=True)], x)
    assert set(functions(plan)) == {"copyto", "reduce"}


def test_extremes_of_longer_rows_are_not():
    assert functions(check(lambda xp, x: [xp.max(x, axis=-1)], array(4, 33))) == ["reduce"]


def test_extremes_of_short_rows_of_what_is_no_number():
    rows = np.array([[1.0, np.inf], [np.nan, 1.0], [-np.inf, -np.inf], [0.0, -1.0]])
    plan = NumpyCapture(BACKEND, lambda xp, x: [xp.max(x, axis=1), xp.min(x, axis=1)], [np.zeros_like(rows)], 0)
    for found, wanted in zip(plan(rows), (rows.max(axis=1), rows.min(axis=1)), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_mask_and_columns_share_memory_that_neither_needs_later():
    def clipped(xp, x):
        return [xp.max(xp.where(x > 0, x, x * 2), axis=-1), xp.where(x > 1, x, -x)]

    check(clipped, array(300, 4))


def test_sums_of_short_rows_of_what_is_no_number():
    rows = np.array([[1.0, np.inf, 2.0], [np.inf, -np.inf, 0.0], [np.nan, 1.0, 1.0], [1.0, 2.0, 3.0]])
    with np.errstate(invalid="ignore"):
        plan = NumpyCapture(BACKEND, lambda xp, x: [xp.sum(x, axis=1)], [np.zeros_like(rows)], 0)
        np.testing.assert_array_equal(plan(rows)[0], [np.inf, np.nan, np.nan, 6.0])


def test_a_stack_times_a_matrix_is_one_product():
    plan = check(lambda xp, x, W: [xp.matmul(x, W)], array(2, 3, 4), array(4, 5))
    assert functions(plan) == ["dot"]
    plan = check(lambda xp, x, W: [xp.matmul(x, t(xp, W))], array(2, 2, 3, 4), array(5, 4))
    assert functions(plan) == ["dot"]
    check(lambda xp, x, W: [xp.matmul(t(xp, x), W)], array(2, 4, 3), array(4, 5))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_rows_without_elements(shape):
    x, W = np.ones(shape), np.ones((shape[1], 2))
    plan = NumpyCapture(BACKEND, lambda xp, x, W: [xp.sum(x, axis=1), xp.matmul(x[None, ...], W)], [x, W], 0)
    sums, product = plan(x, W)
    np.testing.assert_array_equal(sums, np.zeros(shape[0]))
    np.testing.assert_array_equal(product, np.zeros((1, shape[0], 2)))
    of_no_columns = NumpyCapture(BACKEND, lambda xp, x, W: [xp.matmul(x, W)], [np.ones((2, 3, 4)), np.ones((4, 0))], 0)
    assert of_no_columns(np.ones((2, 3, 4)), np.ones((4, 0)))[0].shape == (2, 3, 0)


def test_turned_axes_are_copied_from_where_they_lie():
    def turned(xp, x):
        y = xp.exp(x)
        return [xp.permute_dims(y, (2, 0, 1)) * 2, xp.broadcast_to(y[:1, :, :], (3, *y.shape[1:])) * 2]

    assert functions(check(turned, array(2, 3, 4))).count("copyto") == 2


# Rows of the batch on two threads


@pytest.fixture
def chunked(monkeypatch):
    """Every step that can be cut is run two rows at a time on two threads."""
    monkeypatch.setattr(planning, "WORTH_THREADS", 1)
    monkeypatch.setattr(planning, "WORTH_A_CALL", 1)
    monkeypatch.setattr(planning, "CHUNK_ROWS", 2)
    monkeypatch.setattr(planning, "CHUNK_BYTES", 1)
    monkeypatch.setattr(planning, "blas_threads", lambda: 2)


def network_step(xp, W1, W2, x, y):
    """Forward, backward and update of x → tanh(x W1) W2 under the mean squared error."""
    h = xp.tanh(xp.matmul(x, W1))
    d = xp.matmul(h, W2) - y
    gradient = 2 * d / xp.sum(xp.ones_like(d))
    inner = xp.matmul(gradient, t(xp, W2)) * (1 - h * h)
    return [W1 - 0.5 * xp.matmul(t(xp, x), inner), W2 - 0.5 * xp.matmul(t(xp, h), gradient), xp.mean(d * d)]


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 7, 9, 16, 33])
def test_a_step_in_chunks_is_the_whole_step(chunked, rows):
    plan = check(network_step, array(4, 3), array(3, 2), array(rows, 4), array(rows, 2), state=2)
    assert plan.batch == rows
    assert plan.threads == 2
    assert plan.rows <= 2
    assert "2 threads" in plan.how


@pytest.mark.parametrize("side", [3, 4, 5])
def test_a_step_in_chunks_whose_batch_is_as_long_as_everything_else(chunked, side):
    assert check(network_step, *[array(side, side)] * 4, state=2).batch == side


def product(xp, W, x):
    return xp.matmul(x, W)


CUT: dict[str, Callable[..., Any]] = {
    "sums": lambda xp, W, x: [
        xp.sum(product(xp, W, x)),
        xp.sum(product(xp, W, x), axis=0),
        2 * xp.sum(product(xp, W, x)),
    ],
    "sums of rows": lambda xp, W, x: [xp.sum(xp.sum(product(xp, W, x), axis=1) * xp.sum(x, axis=1))],
    "means": lambda xp, W, x: [xp.mean(product(xp, W, x), axis=0), xp.sum(xp.mean(product(xp, W, x), axis=1))],
    "kept axes": lambda xp, W, x: [xp.sum(product(xp, W, x), axis=0, keepdims=True) - 1],
    "views of sums": lambda xp, W, x: [xp.sum(product(xp, W, x), axis=0)[1:], xp.sum(product(xp, W, x), axis=0)[::-1]],
    "gradients": lambda xp, W, x: [t(xp, xp.matmul(t(xp, x), product(xp, W, x))), xp.sum(x)],
    "flat gradients": lambda xp, W, x: [
        xp.concat([xp.reshape(xp.matmul(t(xp, x), product(xp, W, x)), (-1,)), xp.sum(product(xp, W, x), axis=0)])
    ],
    "flat transposed gradients": lambda xp, W, x: [
        xp.concat([xp.reshape(t(xp, xp.matmul(t(xp, x), product(xp, W, x))), (-1,)), xp.sum(x, axis=0)])
    ],
    "columns": lambda xp, W, x: [
        xp.sum(xp.exp(t(xp, product(xp, W, x))), axis=1),
        xp.sum(xp.matmul(t(xp, W), t(xp, x))),
    ],
    "sums of columns": lambda xp, W, x: [xp.sum(xp.sum(t(xp, product(xp, W, x)), axis=0) * xp.sum(x, axis=1))],
    "where": lambda xp, W, x: [xp.sum(xp.where(product(xp, W, x) > 0, product(xp, W, x), 0.0), axis=0)],
    "softmax of rows": lambda xp, W, x: [xp.sum(softmax(xp, product(xp, W, x), 1), axis=0)],
    "read before and in chunks": lambda xp, W, x: [xp.sum(xp.matmul(x, xp.exp(W))), xp.sum(xp.exp(W)), xp.exp(W)],
    "many axes": lambda xp, W, x: [xp.sum(xp.exp(xp.reshape(product(xp, W, x), (-1, 3, 1))), axis=(0, 2))],
    "rows are results": lambda xp, W, x: [product(xp, W, x), xp.reshape(x * 2, (-1, 3, 1)), x, xp.sum(x), xp.exp(W)],
    "one row": lambda xp, W, x: [xp.sum(product(xp, W, x) + xp.sum(W, axis=0, keepdims=True), axis=0)],
}
"""Each row of the batch (the second argument) can be computed by itself, and the results are rows, or sums."""


@pytest.mark.usefixtures("selection")
@pytest.mark.parametrize("rows", [2, 3, 5, 8])
@pytest.mark.parametrize("name", CUT)
def test_rows_in_chunks(chunked, name, rows):
    plan = check(lambda xp, W, x: [W * 0.5, *CUT[name](xp, W, x)], array(3, 3), array(rows, 3), state=1)
    assert plan.batch == rows


MIXED: dict[str, Callable[..., Any]] = {
    "softmax over the batch": lambda xp, W, x: [xp.matmul(t(xp, x), softmax(xp, product(xp, W, x), 0))],
    "X^T X": lambda xp, W, x: [xp.sum(xp.matmul(product(xp, W, x), xp.matmul(t(xp, x), x)))],
    "X X^T": lambda xp, W, x: [xp.sum(xp.exp(xp.matmul(product(xp, W, x), t(xp, x))))],
    "max over the batch": lambda xp, W, x: [xp.sum(product(xp, W, x) - xp.max(x))],
    "largest of the batch": lambda xp, W, x: [xp.max(product(xp, W, x), axis=0), xp.prod(product(xp, W, x), axis=0)],
    "less the mean": lambda xp, W, x: [xp.sum(xp.exp(product(xp, W, x) - xp.mean(product(xp, W, x), axis=0)))],
    "reversed rows": lambda xp, W, x: [xp.sum(product(xp, W, x) * product(xp, W, x)[::-1, :])],
    "fewer rows": lambda xp, W, x: [xp.sum(product(xp, W, x)[1:, :])],
    "rows against columns": lambda xp, W, x: [xp.sum(product(xp, W, x) * t(xp, x))],
    "cumulated": lambda xp, W, x: [xp.sum(xp.cumulative_sum(product(xp, W, x), axis=0))],
    "rows joined": lambda xp, W, x: [
        xp.sum(xp.exp(xp.matmul(xp.reshape(product(xp, W, x), (-1, 9)), xp.ones((9, 1)))))
    ],
    "other weights for each row": lambda xp, W, x: [xp.sum(product(xp, W, x) * xp.asarray(np.arange(3.0)[:, None]))],
    "a new first axis": lambda xp, W, x: [
        xp.sum(xp.exp(xp.expand_dims(product(xp, W, x), axis=0) + xp.ones((3, 1, 1))))
    ],
}
"""Here rows meet; W and x are (3, 3), so that shapes alone do not tell the axes apart."""


@pytest.mark.parametrize("name", MIXED)
def test_a_step_that_mixes_rows_is_run_whole(chunked, name):
    plan = check(lambda xp, W, x: [W * 0.5, *MIXED[name](xp, W, x)], array(3, 3), array(3, 3), state=1)
    assert plan.batch == 0


@pytest.mark.parametrize("third", ["weights", "constant"])
def test_columns_meet_an_array_of_three_axes(chunked, third):
    """x Wᵀ is (5, 5) and the other (1, 1, 5): in their sum, (1, 5, 5), the batch is the last axis, not the second."""

    def step(xp, W, v, x):
        other = v if third == "weights" else xp.asarray(np.arange(5.0).reshape(1, 1, 5) + 1)
        return [W, v, xp.sum(xp.tanh(t(xp, product(xp, W, x)) + other), axis=(0, 1)), xp.sum(x)]

    check(step, array(5, 5), array(1, 1, 5), array(5, 5), state=2)


def test_of_feeds_of_several_lengths_the_largest_is_cut(chunked):
    plan = check(
        lambda xp, W, x, z: [W, xp.sum(xp.matmul(x, W)) + xp.sum(z)], array(3, 3), array(5, 3), array(4), state=1
    )
    assert plan.batch == 5


@pytest.mark.parametrize("limit", [1, 3])
def test_blas_has_as_many_threads_after_a_step_as_the_user_had_set(limit):
    """Whether the limit is set around the step or within it, and where something is raised there."""
    limits = pytest.importorskip("threadpoolctl").threadpool_limits

    def threads():
        return {library.num_threads for library in blas._libraries()}

    with limits(limit):
        with blas.one_blas_thread():
            assert threads() == {1}
            with limits(limit + 1), blas.one_blas_thread():
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == {limit}
        with pytest.raises(ZeroDivisionError), blas.one_blas_thread():
            raise ZeroDivisionError
        assert threads() == {limit}


def test_a_step_of_another_thread_has_one_blas_thread_too():
    """threadpoolctl lets one thread alone set the number, until that one leaves it to others."""
    limits = pytest.importorskip("threadpoolctl").threadpool_limits

    def threads():
        return {library.num_threads for library in blas._libraries()}

    def step():
        with limits(3):
            before = threads()
            with blas.one_blas_thread():
                return before, threads()

    with blas.one_blas_thread():
        pass
    with ThreadPoolExecutor(1) as other:
        assert other.submit(step).result() == ({3}, {1})
    assert step() == ({3}, {1})


# Rows of steps without products


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def blocks(request, monkeypatch):
    """Every elementwise step that can be cut is run one row at a time; gives the number of threads."""
    monkeypatch.setattr(planning, "WORTH_THREADS", 1)
    monkeypatch.setattr(planning, "WORTH_A_CALL", 1)
    monkeypatch.setattr(planning, "BLOCK_BYTES", 1)
    monkeypatch.setattr(planning, "blas_threads", lambda: request.param)
    return request.param


CHAINS: dict[str, Callable[..., Any]] = {
    "a chain": lambda xp, x, y: [xp.tanh(x * y + xp.exp(-x)) / (1 + xp.square(y))],
    "a chain and its sum": lambda xp, x, y: [xp.sum(xp.sin(x) * y), xp.cos(x) * y, xp.sin(x)],
    "a mean": lambda xp, x, y: [xp.mean((x - y) ** 2), 2 * (x - y) * (1 / x.shape[0])],
    "a gradient of ones": lambda xp, x, y: [xp.broadcast_to(xp.ones(()), x.shape) * x * y],
    "a choice": lambda xp, x, y: [xp.where(x > y, xp.ones_like(x), y), xp.where(x > 0, x, 0.0)],
    "a mask": lambda xp, x, y: [x > y, xp.isfinite(x)],
    "an argument": lambda xp, x, y: [x, x, y + 1],
    "complex numbers": lambda xp, x, y: [xp.abs(x + 1j * y), xp.abs(x * 1j - 2) * y],
}


@pytest.mark.parametrize("shape", [(2,), (7,), (5, 2), (9, 1, 2)], ids=str)
@pytest.mark.parametrize("name", CHAINS)
def test_an_elementwise_step_in_blocks(blocks, name, shape):
    plan = check(CHAINS[name], array(*shape), array(*shape))
    assert plan.batch == shape[0]
    assert plan.threads == blocks


def test_many_short_calls_are_run_on_one_thread_however_much_they_are_together(monkeypatch):
    monkeypatch.setattr(planning, "WORTH_THREADS", 1)
    monkeypatch.setattr(planning, "blas_threads", lambda: 2)
    plan = check(lambda xp, x, y: [reduce(lambda a, _: xp.tanh(a) * y, range(100), x)], array(4, 8), array(4, 8))
    assert (plan.batch, plan.threads) == (0, 1)


def test_a_short_elementwise_step_is_run_whole():
    plan = check(CHAINS["a chain"], array(1000), array(1000))
    assert plan.batch == 0


def test_what_has_another_length_is_read_whole_by_every_block(blocks):
    plan = check(lambda xp, x, y: [x * xp.sum(y), xp.sum(x, axis=1) + 1, y * 2], array(6, 3), array(4))
    assert plan.batch == 6


@pytest.mark.parametrize("name", ["softmax over the batch", "cumulated", "reversed"])
def test_an_elementwise_step_whose_rows_meet_is_run_whole(blocks, name):
    steps = {
        "softmax over the batch": lambda xp, x: [softmax(xp, x, 0)],
        "cumulated": lambda xp, x: [xp.cumulative_sum(xp.exp(x), axis=0)],
        "reversed": lambda xp, x: [xp.exp(x)[::-1, :]],
    }
    assert check(steps[name], array(3, 3)).batch == 0


def test_threads_handle_errors_of_numpy_as_the_caller_does(blocks):
    plan = NumpyCapture(BACKEND, lambda xp, x: [xp.log(x)], [np.ones(6)], 0)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(plan(np.zeros(6))[0], np.full(6, -np.inf))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        plan(np.zeros(6))


# Cores


def cores_of_parts(monkeypatch, threads):
    """The cores that each of so many parts run at once may use."""
    return seen_by_parts(monkeypatch, threads, lambda: os.sched_getaffinity(0))


def seen_by_parts(monkeypatch, threads, look):
    """What each of so many parts sees that are run at once, on new threads."""
    monkeypatch.setattr(at_once, "_pool", None)
    monkeypatch.setattr(at_once, "blas_threads", lambda: threads)
    meet, found = Barrier(threads), []

    def part():
        meet.wait(timeout=60)
        found.append(look())

    at_once.run_at_once([part] * threads)
    at_once.pool().shutdown()
    return found


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind threads to cores")
def test_threads_have_cores_of_their_own_and_the_callers_are_left(monkeypatch):
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("there is one core")
    first, second = cores_of_parts(monkeypatch, 2)
    assert not first & second
    assert first | second == before == os.sched_getaffinity(0)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind threads to cores")
def test_more_threads_than_cores_are_not_bound(monkeypatch):
    before = os.sched_getaffinity(0)
    assert cores_of_parts(monkeypatch, len(before) + 1) == [before] * (len(before) + 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind threads to cores")
def test_threads_that_may_not_be_bound_work_all_the_same(monkeypatch):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", refused)
    before = os.sched_getaffinity(0)
    assert cores_of_parts(monkeypatch, len(before)) == [before] * len(before)


class ThreadsOfEach:
    """OpenBLAS built on OpenMP, as threadpoolctl shows it: each thread that calls it has a number of its own."""

    internal_api, threading_layer = "openblas", "openmp"

    def __init__(self):
        self.own = local()

    num_threads = property(lambda self: getattr(self.own, "number", 4))

    def set_num_threads(self, number):
        self.own.number = number


def test_blas_has_one_thread_in_each_part_where_it_counts_for_each_by_itself(monkeypatch):
    library = ThreadsOfEach()
    monkeypatch.setattr(blas, "_libraries", lambda: [library])
    assert seen_by_parts(monkeypatch, 2, lambda: library.num_threads) == [1, 1]
    assert library.num_threads == 4


# Functions of several results, and updates by index


SEVERAL: dict[str, Callable[..., Any]] = {
    "eigh": lambda xp, a, b: [*xp.linalg.eigh(a + t(xp, a))],
    "svd": lambda xp, a, b: [xp.linalg.svd(a, full_matrices=False)[1] * 2],
    "qr": lambda xp, a, b: [xp.matmul(*xp.linalg.qr(a)), xp.linalg.qr(b)[1]],
    "slogdet": lambda xp, a, b: [*xp.linalg.slogdet(a), xp.linalg.slogdet(b)[1] + 1],
    "views": lambda xp, a, b: [*xp.unstack(a), *xp.broadcast_arrays(a, b[0:1, :])],
    "of a constant": lambda xp, a, b: [a * xp.linalg.eigh(xp.eye(3) * 2.0)[0]],
    "one is read before the call, one after": lambda xp, a, b: [
        xp.linalg.qr(a)[0] + xp.exp(a),
        xp.exp(xp.linalg.qr(a)[1]),
    ],
}
UPDATES: dict[str, Callable[..., Any]] = {
    "over what nobody reads": lambda xp, a, b: [setitem(xp, xp.exp(a), (0, slice(None)), b[1, :])],
    "over what is read later": lambda xp, a, b: [setitem(xp, e := xp.exp(a), (0, 1), 5.0), e * 2],
    "over an argument": lambda xp, a, b: [setitem(xp, a, (slice(1, None), 0), 1.0), a],
    "of its own elements": lambda xp, a, b: [setitem(xp, e := xp.exp(a), (0, slice(None)), e[:, 1])],
    "by a mask": lambda xp, a, b: [setitem(xp, xp.exp(a), b > 0, 0.0)],
    "by integers": lambda xp, a, b: [setitem(xp, xp.exp(a), (xp.argsort(b[0, :]), xp.asarray([0, 1, 2])), b[0, :])],
    "added": lambda xp, a, b: [add_at(xp, xp.exp(a), (xp.asarray([0, 0, 1]), xp.asarray([1, 1, 2])), b[0, :])],
    "one after the other": lambda xp, a, b: [
        setitem(xp, setitem(xp, setitem(xp, a, (0, 0), 1.0), (1, 1), 2.0), (2, 2), a[0, 0])
    ],
}
INDICES: dict[str, Callable[..., Any]] = {
    "integers": lambda xp, a, b: [a[(xp.argsort(b[0, :]), xp.argsort(a[0, :]))]],
    "integers and a slice": lambda xp, a, b: [a[(slice(None), xp.argsort(b[0, :]))], a[xp.argsort(b[0, :]), ...]],
    "a constant mask": lambda xp, a, b: [xp.exp(a)[np.array([True, False, True]), :], b[np.eye(3, dtype=bool)]],
    "one element": lambda xp, a, b: [a[0, 1], a[0, ...][2] + 1],
    "nothing": lambda xp, a, b: [xp.sum(a[1:1, :], axis=0), xp.concat([xp.exp(a[1:1, :]), b])],
    "flipped": lambda xp, a, b: [xp.flip(a), xp.moveaxis(a, 0, 1), xp.real(a + 1j * b), xp.imag(a + 1j * b)],
}


@pytest.mark.parametrize("name", [*SEVERAL, *UPDATES, *INDICES])
def test_several_results_updates_and_indices(name):
    plan = check({**SEVERAL, **UPDATES, **INDICES}[name], array(3, 3), array(3, 3))
    assert "recorded and replayed" in plan.how


def test_an_update_of_what_nobody_reads_any_more_copies_nothing():
    def chain(xp, x):
        for n in range(5):
            x = setitem(xp, x, n, x[n] * 2.0)
        return [x]

    def copies(function):
        calls = NumpyCapture(BACKEND, function, [np.ones(8)], 0).before
        return sum(call is np.copyto for call, _ in calls)

    assert copies(chain) <= 5
    assert copies(lambda xp, x: [setitem(xp, setitem(xp, xp.exp(x), 0, 1.0), 1, 2.0)]) == 0


POWERS = [-1, 0.5, 1, 2, 2.0, 3, 0]


def test_a_power_is_what_the_operator_gives_bit_for_bit():
    x = np.array([0.5, 2.0, 3.7, np.inf, 0.0, np.nan])
    with np.errstate(all="ignore"):
        got = NumpyCapture(BACKEND, lambda xp, x: [x**p for p in POWERS], [x], 0)(x)
        for result, p in zip(got, POWERS, strict=True):
            np.testing.assert_array_equal(result, x**p)


def test_a_factor_of_one_and_a_constant_of_one_number_cost_nothing():
    def function(xp, x):
        ones = xp.broadcast_to(xp.ones(()), x.shape)
        return [xp.exp(x) * ones * 1.0, x + 3 * ones, ones * xp.sum(x), ones * 1]

    x = array(4, 3)
    check(function, x)
    assert len(NumpyCapture(BACKEND, lambda xp, x: function(xp, x)[:1], [x], 0).before) == 1


def test_a_step_has_the_same_plan_every_time(monkeypatch):
    """Both inputs of a product can be written over next: which comes first hangs on no address."""

    def function(xp, x):
        for _ in range(9):
            x = xp.matmul(xp.sin(x), xp.cos(x)) + 1
        return [x]

    def slots(capture):
        return str([slot for slot in capture.storage.slot.values() if isinstance(slot, int)])

    monkeypatch.setattr(NumpyCapture, "_made", slots)
    plans = [NumpyCapture(BACKEND, function, [np.ones((3, 3))], 0) for _ in range(9)]
    assert len({plan.how for plan in plans}) == 1


def test_a_plan_with_chunks_says_so_and_gives_each_its_own_results(chunked):
    plan = NumpyCapture(BACKEND, network_step, [array(4, 3), array(3, 2), array(9, 4), array(9, 2)], 2)
    first = plan(array(9, 4), array(9, 2))
    copy = first[0].copy()
    plan(array(9, 4) * 2, array(9, 2))
    np.testing.assert_array_equal(first[0], copy)


# Random programs


@dataclass(frozen=True)
class Step:
    """One operation: a function of the namespace, and the positions of its operands among all values so far."""

    text: str
    function: Callable[..., Any]
    operands: tuple[int, ...]


def evaluate(xp, steps, values):
    """All values: the leaves, then one a step."""
    values = list(values)
    for step in steps:
        values.append(step.function(xp, *(values[n] for n in step.operands)))
    return values


ELEMENTWISE = {
    "add": lambda xp, a, b: a + b,
    "subtract": lambda xp, a, b: xp.subtract(a, b),
    "multiply": lambda xp, a, b: a * b,
}
UNARY = {"tanh": lambda xp, a: xp.tanh(a), "exp": lambda xp, a: xp.exp(xp.tanh(a)), "half": lambda xp, a: 0.5 - a}


def fits(function, *arrays):
    """Is the operation defined for these arrays?"""
    try:
        function(XP, *arrays)
    except (ValueError, IndexError, TypeError):
        return False
    return True


@st.composite
def one_step(draw, values):
    """An operation that is defined for its operands."""
    position = st.integers(0, len(values) - 1)
    kind = draw(st.sampled_from(["unary", "elementwise", "where", "product", "reduce", "form", "form", "concat"]))
    n, m, k = draw(position), draw(position), draw(position)
    ndim = values[n].ndim
    step = None
    if kind == "elementwise":
        name = draw(st.sampled_from(sorted(ELEMENTWISE)))
        step = Step(name, ELEMENTWISE[name], (n, m))
    elif kind == "where":  # the limit is one that no value meets but by rounding
        step = Step("where", lambda xp, c, a, b: xp.where(c > 0.1234, a, b), (n, m, k))
    elif kind == "product":
        step = Step("matmul", lambda xp, a, b: xp.matmul(a, b), (n, m))
    elif kind == "concat":
        axis = draw(st.sampled_from([0, 0, -1]))
        step = Step(f"concat {axis}", lambda xp, a, b: xp.concat([a, b], axis=axis), (n, m))
    elif kind == "reduce":
        name = draw(st.sampled_from(["sum", "mean", "max"]))
        axis = draw(st.sampled_from([None, *range(-ndim, ndim), tuple(range(ndim))]))
        keep = draw(st.booleans())
        step = Step(f"{name} {axis} {keep}", lambda xp, a: getattr(xp, name)(a, axis=axis, keepdims=keep), (n,))
    elif kind == "form":
        forms = [
            Step("flat", lambda xp, a: xp.reshape(a, (-1,)), (n,)),
            Step("reversed shape", lambda xp, a: xp.reshape(a, a.shape[::-1]), (n,)),
            Step("transpose", t, (n,)),
            Step("expand first", lambda xp, a: xp.expand_dims(a, axis=0), (n,)),
            Step("expand last", lambda xp, a: xp.expand_dims(a, axis=-1), (n,)),
            Step("squeeze first", lambda xp, a: xp.squeeze(a, axis=0), (n,)),
            Step("squeeze last", lambda xp, a: xp.squeeze(a, axis=-1), (n,)),
            Step("[1:]", lambda xp, a: a[1:, ...], (n,)),
            Step("[::-1]", lambda xp, a: a[::-1, ...], (n,)),
            Step("[..., :2]", lambda xp, a: a[..., :2], (n,)),
            Step("[..., 0]", lambda xp, a: a[..., 0], (n,)),
        ]
        step = draw(st.sampled_from(forms))
    if step is not None:
        operands = [values[i] for i in step.operands]
        if fits(step.function, *operands):
            result = np.asarray(step.function(XP, *operands))
            if 0 < result.size <= 64 and result.ndim <= 3:
                return step
    name = draw(st.sampled_from(sorted(UNARY)))
    return Step(name, UNARY[name], (n,))


@dataclass(frozen=True)
class Random:
    """A random function of arrays: its leaves, the first ``state`` of them state; its steps; what it returns."""

    leaves: tuple[np.ndarray, ...]
    state: int
    steps: tuple[Step, ...]
    returned: tuple[int, ...]

    def __call__(self, xp, *arrays):
        values = evaluate(xp, self.steps, arrays)
        return [values[n] for n in self.returned]

    def __repr__(self):
        lines = [f"leaf {n}: {leaf.shape}{' state' * (n < self.state)}" for n, leaf in enumerate(self.leaves)]
        lines += [f"{n}: {s.text} {s.operands}" for n, s in enumerate(self.steps, len(self.leaves))]
        return "\n".join([*lines, f"return {self.returned}"])


SHAPES = [(3, 4), (4, 3), (3, 3), (3, 1), (1, 3), (4,), (3,), ()]


def random_leaf(draw, shape):
    seed = draw(st.integers(0, 2**16))
    return np.asarray(np.random.default_rng(seed).uniform(-1, 1, shape))


@st.composite
def random_steps(draw, leaves, most):
    """Steps on leaves; a value beyond ±3 is followed by its tanh, so that nothing grows without bound."""
    steps, values = [], list(leaves)
    for _ in range(draw(st.integers(1, most))):
        steps.append(draw(one_step(values)))
        values = [np.asarray(v) for v in evaluate(XP, steps, leaves)]
        if np.max(np.abs(values[-1])) > 3:
            steps.append(Step("tanh", UNARY["tanh"], (len(values) - 1,)))
            values = [np.asarray(v) for v in evaluate(XP, steps, leaves)]
    return steps, values


@st.composite
def random_functions(draw):
    leaves = tuple(
        random_leaf(draw, shape) for shape in draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=4))
    )
    steps, values = draw(random_steps(leaves, 12))
    state = draw(st.integers(0, len(leaves)))
    new = []
    for leaf in leaves[:state]:  # any value of the same form may replace it: another state, an argument, a view
        same = [n for n, v in enumerate(values) if v.shape == leaf.shape]
        new.append(draw(st.sampled_from(same[::-1])))
    others = draw(st.lists(st.integers(0, len(values) - 1).map(lambda n: len(values) - 1 - n), min_size=1, max_size=4))
    return Random(leaves, state, tuple(steps), (*new, *others))


def check_random(function, make=NumpyCapture):
    """As ``check``, with a bound that follows the condition of the function: what single precision does to it."""
    eps, eps_single = (float(np.finfo(dtype).eps) for dtype in ("float64", "float32"))
    rng = np.random.default_rng(2)
    plan = make(BACKEND, function, list(function.leaves), function.state)
    held = [np.array(leaf) for leaf in function.leaves[: function.state]]
    kept = []
    for _ in range(REPLAYS):
        feeds = [like(rng, leaf) for leaf in function.leaves[function.state :]]
        expected = [np.array(r) for r in function(XP, *held, *feeds)]
        narrow = [np.array(r) for r in function(XP, *(a.astype("float32") for a in (*held, *feeds)))]
        assume(all(np.isfinite(a).all() for a in (*expected, *narrow)))
        results = plan(*feeds)
        kept += [(r, r.copy()) for r in results]
        got = [*(plan.read(n) for n in range(function.state)), *results]
        for result, wanted, rounded in zip(got, expected, narrow, strict=True):
            enlarged = 100 * float(np.max(np.abs(wanted - rounded))) * eps / eps_single
            assert result.dtype == wanted.dtype
            assert_close(
                result, wanted, enlarged + (1 + len(function.steps)) * rounding("float64", wanted, np.ones(64))
            )
        held = [plan.read(n) for n in range(function.state)]
        held = [h / max(1.0, float(np.max(np.abs(h)))) for h in held]
        for n, array in enumerate(held):
            plan.write(n, array)
    for result, copy in kept:
        np.testing.assert_array_equal(result, copy)
    return plan


SETTINGS = settings(deadline=None, derandomize=True, database=None)


@settings(SETTINGS, max_examples=60)
@given(random_functions())
def test_random_functions(function):
    note(repr(function))
    check_random(function)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(select, "WORTH_BITS", 0)
        check_random(function)
        patch.setattr(planning, "BLOCK_BYTES", 1)
        patch.setattr(planning, "WORTH_THREADS", 1)
        patch.setattr(planning, "WORTH_A_CALL", 1)
        patch.setattr(planning, "CHUNK_ROWS", 1)
        patch.setattr(planning, "blas_threads", lambda: 2)
        check_random(function)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_where_keeps_every_value_as_it_is(selection, dtype):
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5, -2.5, 6e-8], dtype)
    x, y = np.repeat(odd, 8), np.tile(odd, 8)

    def function(xp, x, y, c):
        return [
            xp.where(c, x, y),
            xp.where(c, 0.0, y),
            xp.where(c, -0.0, y),
            xp.where(c, x, 0.0),
            xp.where(x < 0, 0.0, x),
        ]

    c = np.random.default_rng(0).integers(0, 2, 64).astype(bool)
    got = NumpyCapture(BACKEND, function, [x, y, c], 0)(x, y, c)
    for result, expected in zip(got, function(XP, x, y, c), strict=True):
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(np.signbit(result), np.signbit(expected))


@st.composite
def random_steps_of_training(draw):
    """States W (3, 3) and b (3,), a batch of x and y (n, 3): gradients are added to the states, sums are returned."""
    rows = draw(st.integers(2, 7))
    leaves = tuple(random_leaf(draw, shape) for shape in ((3, 3), (3,), (rows, 3), (rows, 3)))
    steps = [Step("matmul", lambda xp, a, b: xp.matmul(a, b), (2, 0))]
    more, _ = draw(random_steps((*leaves, leaves[2] @ leaves[0]), 8))
    steps += more
    values = [np.asarray(v) for v in evaluate(XP, steps, leaves)]
    last = len(values) - 1
    chosen = draw(st.lists(st.integers(4, last), min_size=1, max_size=3))
    returned = []
    for n in chosen:
        axis = draw(st.sampled_from([None, 0])) if values[n].ndim else None
        steps.append(Step(f"sum {axis}", lambda xp, a, axis=axis: xp.sum(a, axis=axis), (n,)))
        returned.append(len(leaves) + len(steps) - 1)
    steps.append(Step("gradient", lambda xp, x, p: 0.1 * xp.matmul(t(xp, x), p), (2, 4)))
    steps.append(Step("update", lambda xp, W, g: W - g, (0, len(leaves) + len(steps) - 1)))
    return Random(leaves, 2, tuple(steps), (len(leaves) + len(steps) - 1, 1, *returned))


def test_random_steps_in_chunks_of_rows(chunked):
    batches = []

    @settings(SETTINGS, max_examples=150)
    @given(random_steps_of_training())
    def run(function):
        note(repr(function))
        batches.append(check_random(function).batch)

    run()
    cut = sum(batch > 0 for batch in batches)
    assert cut > len(batches) / 4  # the test is about those
    assert cut < len(batches)  # and about those that are refused


def test_the_larger_and_the_smaller_of_two():
    check(lambda xp, a, b: [xp.maximum(a, b), xp.minimum(a, b) * xp.maximum(a, 0.0)], array(3, 4), array(3, 4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sigmoid_is_joined_and_right_in_both_tails(dtype):
    def sigmoid(xp, x):
        e = xp.exp(-xp.abs(x))
        return [xp.where(x >= 0, 1.0, e) / (1 + e)]

    x = np.concatenate([np.linspace(-80, 80, 321), [-1e4, 1e4, -np.inf, np.inf, np.nan]]).astype(dtype)
    plan = NumpyCapture(BACKEND, sigmoid, [x], 0)
    assert "4 NumPy calls" in plan.how
    (got,) = plan(x)
    exact = 1 / (1 + np.exp(-x[:321].astype("longdouble")))
    np.testing.assert_allclose(got[:321], exact.astype("float64"), rtol=1e-6 if dtype == "float32" else 1e-14)
    np.testing.assert_array_equal(got[321:], [0, 1, 0, 1, np.nan])
