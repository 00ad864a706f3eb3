"""Recording: what a function of arrays computes, written down as equations; and what cannot be recorded."""

import operator
import tracemalloc

import numpy as np
import pytest
from closeness import assert_close, rounding
from uncaptured import told

import miniflow_xp as mf
from miniflow_xp import errors, switch
from miniflow_xp.arrays.refusals import TraceError
from miniflow_xp.engine.program import Program
from miniflow_xp.recording.equations import describe
from miniflow_xp.recording.tape import record
from miniflow_xp.recording.walks import last_reads, root

BACKEND = switch.load("numpy")
XP = BACKEND.xp
X = np.array([[0.5, -1.5], [2.0, 0.25], [-0.75, 1.0]])


def operations(function, *arrays):
    """The names of the equations, arguments left out."""
    values, _ = record(function, XP, arrays)
    return [value.op for value in values if value.op != "argument"]


# What is recorded


def test_calls_and_operators_become_equations_in_order():
    assert operations(lambda xp, x: [xp.exp(-x) / (1 + x)], X) == ["negative", "exp", "add", "divide"]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("add", operator.add),
        ("subtract", operator.sub),
        ("multiply", operator.mul),
        ("divide", operator.truediv),
        ("pow", operator.pow),
        ("less", operator.lt),
        ("greater_equal", operator.ge),
        ("equal", operator.eq),
        ("not_equal", operator.ne),
    ],
)
def test_binary_operators_with_arrays_and_numbers(name, function):
    assert operations(lambda xp, x, y: [function(x, y), function(x, 2.0)], X * X, X + 2) == [name, name]


def test_numbers_on_the_left():
    assert operations(lambda xp, x: [1 - x, 2 / x, 3**x], X) == ["subtract", "divide", "pow"]


def test_equal_calls_are_recorded_once():
    def function(xp, x, y):
        return [xp.exp(x) + xp.exp(x), xp.exp(y), xp.sum(x, axis=0), xp.sum(x, axis=0), xp.sum(x, axis=1)]

    assert operations(function, X, X) == ["exp", "add", "exp", "sum", "sum"]


def test_calls_that_only_look_equal_are_recorded_each():
    def function(xp, x):
        return [x + 1, x + 1.0, x[0:1], x[0:2], x[1], xp.copysign(x, 0.0), xp.copysign(x, -0.0)]

    assert len(operations(function, X)) == 7


def test_constants_that_are_made_twice_are_one():
    def function(xp, x):
        return [x == xp.arange(2), x == xp.arange(2), x + xp.eye(2)[0, :], x + np.asarray([1.0, 0.0])]

    assert operations(function, X) == ["equal", "add"]


def test_constants_that_only_look_equal_are_told_apart():
    def function(xp, x):
        like = [(0.0, "float64"), (-0.0, "float64"), (0.0, "float32"), (0, "int64")]
        return [xp.copysign(x, xp.full(shape, zero, dtype=kind)) for zero, kind in like for shape in ((2,), (3, 2))]

    assert len(operations(function, X)) == 8


def test_a_small_array_that_the_function_writes_to_is_what_it_was_at_each_reading():
    def function(xp, x):
        count, found = np.zeros(2), []
        for _ in range(3):
            count += 1
            found.append(x * count)
        return found

    capture = BACKEND.capture(function, [X], 0)
    for got, expected in zip(capture(X), function(XP, X), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "read",
    [lambda xp, x, n: x[n], lambda xp, x, n: x[n, 1:], lambda xp, x, n: xp.take(x, n, axis=0)],
    ids=["an index", "an index among others", "take"],
)
def test_so_is_a_small_index_that_the_function_writes_to(read):
    def function(xp, x):
        place, found = np.zeros(1, dtype=int), []
        for _ in range(3):
            found.append(read(xp, x, place))
            place += 1
        return [*found, read(xp, x, np.ones(1, dtype=int))]

    capture = BACKEND.capture(function, [X], 0)
    for got, expected in zip(capture(X), function(XP, X), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert len(operations(function, X)) == 3


def test_what_does_not_depend_on_arguments_is_a_constant():
    def function(xp, x):
        n = xp.sum(xp.ones_like(x))
        return [x / n, x * xp.exp(xp.zeros_like(x)), x + xp.arange(2)]

    values, _ = record(function, XP, [X])
    assert [v.op for v in values] == ["argument", "divide", "multiply", "add"]
    assert float(values[1].inputs[1].content) == 6


def test_dead_code_is_left_out_but_arguments_stay():
    def function(xp, x, y):
        xp.exp(x)
        return [x * 2]

    values, results = record(function, XP, [X, X])
    assert [v.op for v in values] == ["argument", "argument", "multiply"]
    assert results == [values[2]]


def test_results_may_be_arguments_constants_and_the_same_twice():
    values, results = record(lambda xp, x: [x, xp.ones_like(x), x], XP, [X])
    assert results[0] is results[2] is values[0]
    assert results[1].is_constant


def test_shapes_dtypes_and_axes_are_known_while_recording():
    seen = []

    def function(xp, x):
        y = xp.matmul(x, xp.matrix_transpose(x))
        seen.extend([y.shape, y.ndim, y.dtype, y.size, len(y)])
        return [y]

    record(function, XP, [X.astype("float32")])
    assert seen == [(3, 3), 2, np.float32, 9, 3]


def test_recording_leaves_the_arrays_alone():
    copy = X.copy()
    record(lambda xp, x: [xp.exp(x) + 1], XP, [X])
    np.testing.assert_array_equal(X, copy)


def test_describe_spells_one_equation_a_line():
    def function(xp, x, W):
        return [xp.sum(xp.matmul(x, W) * 2, axis=0), xp.concat([x, x]), x[1:]]

    text = describe(*record(function, XP, [X.astype("float32"), np.ones((2, 4), "float32")]))
    assert text.splitlines() == [
        "v0 = argument()  float32 (3, 2)",
        "v1 = argument()  float32 (2, 4)",
        "v2 = matmul(v0, v1)  float32 (3, 4)",
        "v3 = multiply(v2, 2)  float32 (3, 4)",
        "v4 = sum(v3, axis=0)  float32 (4,)",
        "v5 = concat([v0, v0])  float32 (6, 2)",
        "v6 = getitem(v0, slice(1, None, None))  float32 (2, 2)",
        "return v4, v5, v6",
    ]


# Walks over equations


@pytest.mark.parametrize(
    ("steps", "kept", "ended"),
    [
        ([], "", []),
        (["aba", "b", "cb"], "", ["a", "", "cb"]),
        (["ab", "a", ""], "a", ["b", "", ""]),
    ],
)
def test_each_step_knows_what_no_later_one_reads(steps, kept, ended):
    assert last_reads(steps, kept) == list(map(list, ended))


def test_a_view_of_a_view_shows_the_memory_of_their_root():
    def function(xp, x):
        y = xp.exp(x)
        return [xp.reshape(xp.matrix_transpose(y), (-1,))[1:], xp.sum(y, axis=0)]

    values, (view, total) = record(function, XP, [X])
    assert [value.op for value in values if root(value) is values[1]] == [
        "exp",
        "matrix_transpose",
        "reshape",
        "getitem",
    ]
    assert root(view) is values[1]
    assert root(total) is total


# What cannot be

LOOKS = {
    "if": lambda xp, x: [x if xp.sum(x) > 0 else -x],
    "float": lambda xp, x: [x * float(xp.sum(x))],
    "int": lambda xp, x: [x * int(xp.sum(x))],
    "index": lambda xp, x: [x[operator.index(xp.argmax(x)) % 3]],
    "nonzero": lambda xp, x: [xp.nonzero(x)[0]],
    "numpy.asarray": lambda xp, x: [xp.asarray(np.asarray(x)) + 1],
}
"""Functions that choose by contents, or leave the namespace."""


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_at_contents_is_a_trace_error(name):
    with pytest.raises(TraceError) as caught:
        record(LOOKS[name], XP, [X])
    assert isinstance(caught.value, errors.MiniflowError)
    for part in (caught.value.where, caught.value.got, caught.value.expected, caught.value.remedy):
        assert part.strip()


RIGHT = LOOKS | {
    "numpy.exp": lambda xp, x: [np.exp(x)],
    "numpy.sum": lambda xp, x: [np.sum(x, axis=0)],
    "mask": lambda xp, x: [xp.sum(x[x > 0])],
    "mask of one": lambda xp, x: [x[x > 0]],
    "unique": lambda xp, x: [xp.unique_values(x)],
    "repeat": lambda xp, x: [xp.repeat(x[:, 0], xp.astype(x[:, 1] > 0, xp.int64) + 1)],
    "abs": lambda xp, x: [abs(x), +x, x % 2, x // 2],
    "logic": lambda xp, x: [~(x > 0), (x > 0) & (x < 1), (x > 1) | (x < 0), (x > 0) ^ (x < 1), True & (x > 0)],
    "attributes": lambda xp, x: [x.T, x.mT, x / x.size],
    "len": lambda xp, x: [x / len(x)],
    "own matrix": lambda xp, x: [xp.asarray(np.ones((4, 3))) @ x, xp.asarray(np.ones(3)) > x[:, 0]],
    "own rows": lambda xp, x: [x[xp.asarray(np.array([0, 2]))], xp.take(x, xp.asarray(np.array([0, 2])), axis=0)],
    "index by values": lambda xp, x: [x[xp.argmax(x[:, 0]), 0], x[xp.argmax(x, axis=0), ...]],
    "true and one": lambda xp, x: [x[1], x[True]],
    "full_like": lambda xp, x: [xp.full_like(x, xp.sum(x)), xp.full_like(x, 2)],
    "clip by values": lambda xp, x: [xp.clip(x, min=xp.mean(x))],
    "norm": lambda xp, x: [xp.linalg.vector_norm(x)],
    "solve": lambda xp, x: [xp.linalg.solve(xp.matmul(xp.matrix_transpose(x), x), x[0, :])],
    "keywords": lambda xp, x: [xp.reshape(x, shape=(-1,)), xp.reshape(x, (2, 3), copy=True), xp.max(x, 0)],
    "iteration": lambda xp, x: [sum(row for row in x)],
    "several": lambda xp, x: [xp.broadcast_arrays(x, x)[0] + 1, xp.unstack(x)[0]],
}


@pytest.mark.parametrize("name", RIGHT)
def test_recorded_or_not_the_results_are_right(name):
    """Whatever a function does that works on arrays, works when it is captured."""
    function = RIGHT[name]
    captured = BACKEND.capture(function, [X], 0)
    for x in (X, -X, X + 1):
        for got, expected in zip(captured(x.copy()), function(XP, x.copy()), strict=True):
            assert got.dtype == np.asarray(expected).dtype
            assert_close(np.asarray(got), expected, rounding("float64", np.asarray(expected), x))


REASONS = {
    "if": (["contents"], "xp.where"),
    "float": (["contents"], "xp.where"),
    "int": (["contents"], "xp.where"),
    "index": (["contents"], "xp.take"),
    "nonzero": (["nonzero", "contents"], "xp.where"),
    "mask": (["mask", "contents"], "xp.where"),
    "unique": (["unique_values", "contents"], "xp.where"),
    "repeat": (["repeat", "contents"], "xp.where"),
    "numpy.asarray": (["outside of xp"], "from xp"),
}
"""What is said of a function that is not recorded: the reason, and what to do."""


@pytest.mark.parametrize("name", REASONS)
def test_the_fallback_says_why(name):
    captured = BACKEND.capture(RIGHT[name], [X], 0)
    assert "plain loop" in captured.how
    reason, remedy = REASONS[name]
    assert [part for part in (*reason, remedy) if part not in captured.how] == []
    if "contents" not in reason:
        assert "contents" not in captured.how


@pytest.mark.parametrize("extension", ["linalg", "fft"])
def test_an_extension_is_as_ever_where_nothing_is_recorded(extension):
    """What does not depend on arguments is computed while recording."""

    def function(xp, x):
        found = getattr(xp, extension)
        y = xp.asarray(np.eye(3))
        return [x + (found.inv(y) if extension == "linalg" else xp.real(found.fft(y)))[:, :2]]

    assert operations(function, X) == ["add"]


class Signed(mf.Node):
    """x where Σ x > 0, else -x: a rule that looks at contents, as none of ours does."""

    def compute(self, xp, x):
        return x if xp.sum(x) > 0 else -x

    def vjp(self, xp, gradient, value, x):
        return (lambda: gradient if xp.sum(x) > 0 else -gradient,)


def test_a_program_with_such_a_rule_runs_as_the_plain_loop_and_says_why():
    x = mf.Input("x")
    node = Signed([x], "signed")
    program = Program(mf.MSE(node, 0 * x), x)
    for feed, expected in (([1.0, 2.0], [1.0, 2.0]), ([-1.0, -2.0], [-1.0, -2.0])):
        value, gradients = program({x: feed})
        assert value == 2.5
        assert gradients[x].tolist() == expected
    assert "plain loop" in program.explain()
    assert "contents" in program.explain()
    with mf.use_backend("strict"):
        assert mf.to_numpy(program({x: [1.0, 2.0]}).values) == 2.5


# Captures of every backend


def sigmoid(xp, x):
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1.0, e) / (1 + e)


def drawn(shape, dtype="float64"):
    array = np.random.default_rng(len(shape)).uniform(-2, 2, shape)
    return array.astype(dtype)


M, ROW, COLUMN = drawn((3, 2)), drawn((2,)), drawn((2, 1))
PORTABLE = {
    "linear": (lambda xp, x, w, b: [xp.matmul(x, w) + b, xp.matmul(x, w)], (M, M.T, drawn((3,)))),
    "linear of integers": (
        lambda xp, x, w, b: [xp.matmul(x, w) + b],
        [a.astype("int64") for a in (M, M.T, drawn((3,)))],
    ),
    "product that broadcasts": (lambda xp, x, w, b: [xp.matmul(x, w) + b], (M, COLUMN, drawn((4,)))),
    "product and one number": (lambda xp, x, w, b: [xp.matmul(x, w) + b], (M, M.T, drawn((1,)))),
    "dtypes meet": (lambda xp, x, w: [xp.matmul(x, w), x + xp.matrix_transpose(w), x * 2], (M.astype("float32"), M.T)),
    "sigmoid": (lambda xp, x: [sigmoid(xp, x), sigmoid(xp, x) * (1 - sigmoid(xp, x))], (M,)),
    "gradient of sigmoid": (lambda xp, x, g: [g * sigmoid(xp, x) * (1 - sigmoid(xp, x))], (M, M - 1)),
    "gradient of sigmoid, broadcast": (lambda xp, x, g: [g * sigmoid(xp, x) * (1 - sigmoid(xp, x))], (M, ROW)),
    "gradient of tanh": (lambda xp, x, g: [g * (1 - xp.tanh(x) * xp.tanh(x)), xp.tanh(x) * xp.tanh(x)], (M, M - 1)),
    "gradient of tanh in two dtypes": (
        lambda xp, x, g: [g * (1 - xp.tanh(x) * xp.tanh(x))],
        (M.astype("float32"), M - 1),
    ),
    "almost a sigmoid": (
        lambda xp, x: [
            xp.where(x >= 0, 2.0, xp.exp(-xp.abs(x))) / (1 + xp.exp(-xp.abs(x))),
            xp.where(x >= 1, 1.0, xp.exp(-xp.abs(x))) / (1 + xp.exp(-xp.abs(x))),
            xp.where(x >= 0, xp.exp(-xp.abs(x)), xp.exp(x)) / (1 + xp.exp(-xp.abs(x))),
            xp.where(x >= 0, 1.0, xp.exp(-xp.abs(x))) / (2 + xp.exp(-xp.abs(x))),
            (1 - x) * sigmoid(xp, x) * (2 - sigmoid(xp, x)),
        ],
        (M,),
    ),
    "sums": (lambda xp, x: [xp.sum(x, axis=a, keepdims=k) for a in (None, 0, (0, 1), ()) for k in (False, True)], (M,)),
    "sums of small integers": (lambda xp, x: [xp.sum(x), xp.sum(x, axis=0)], (M.astype("int8"),)),
    "keywords": (lambda xp, x: [xp.reshape(x, shape=(-1,)), xp.reshape(x, (2, 3), copy=True)], (M,)),
    "indices": (lambda xp, x: [x[1:, :], x[..., 0], x[1, 1], xp.take(x, xp.argmax(x, axis=0), axis=0)], (M,)),
    "concat": (lambda xp, x: [xp.concat([x, x * 2]), xp.concat([x, x], axis=1), xp.concat([x, x], axis=None)], (M,)),
    "True and False": (lambda xp, x: [xp.where(x > 0, x < 1, False), (x > 0) == True], (M,)),  # noqa: E712
    "signed zeros": (lambda xp, x: [xp.copysign(x, xp.zeros_like(x)), x * 0.0, x * -0.0], (M,)),
    "constants": (lambda xp, x: [xp.ones_like(x), x, x], (M,)),
}
"""Functions that the Array API standard, or what all libraries add to it, defines."""

UNCAPTURED = {
    "linear of integers": "a product of .* mixed dtypes",
    "dtypes meet": "a product of .* mixed dtypes",
    "indices": "argmax .*; take ",
    "concat": "concat ",
}
"""Why CuPy does not capture some of them."""


@pytest.mark.parametrize("name", PORTABLE)
def test_a_capture_gives_what_the_function_gives(backend, name):
    function, arrays = PORTABLE[name]
    with backend.activate():
        feeds = [backend.asarray(np.ascontiguousarray(a)) for a in arrays]
        if backend.name == "strict" and name == "sums of small integers":
            feeds = [backend.asarray(a, "int64") for a in arrays]
        expected = [backend.to_numpy(r) for r in function(backend.xp, *feeds)]
        with told(backend, UNCAPTURED.get(name)):
            captured = backend.capture(function, feeds, 0)
        narrowest = min((str(a.dtype) for a in arrays if a.dtype.kind == "f"), default="float64")
        for _ in range(2):
            for got, wanted in zip(captured(*feeds), expected, strict=True):
                assert backend.to_numpy(got).dtype == wanted.dtype
                bound = rounding(narrowest, wanted, M) if wanted.dtype.kind == "f" else 0
                assert_close(backend.to_numpy(got), wanted, bound)
                np.testing.assert_array_equal(np.signbit(backend.to_numpy(got)), np.signbit(wanted))


# What recording keeps


def chain(xp, x):
    """As many arrays as there are rounds, of which two are read at a time."""
    for n in range(40):
        x = xp.sin(x) + n
    return [x]


def test_recording_takes_no_more_memory_than_a_run():
    x = np.zeros(100_000)
    peaks = []
    for run in (lambda: chain(XP, x), lambda: record(chain, XP, [x])):
        tracemalloc.start()
        run()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2 * x.nbytes  # NumPy's operators write over temporary arrays, here somebody holds them


def test_what_is_asked_again_after_its_array_is_gone_is_written_once():
    def again(xp, x):
        first = xp.sum(xp.matrix_transpose(x), axis=0)
        second = xp.sum(xp.matrix_transpose(x), axis=0)
        return [first * second]

    assert operations(again, X) == ["matrix_transpose", "sum", "multiply"]


@pytest.mark.parametrize("train", [True, False])
def test_equal_layers_have_their_shapes_evaluated_once_on_jax(train, monkeypatch):
    pytest.importorskip("jax")
    from miniflow_xp.backends.jax import replay

    evaluated, calls = replay.evaluated, []
    monkeypatch.setattr(replay, "evaluated", lambda *args: calls.append(1) or evaluated(*args))

    def evaluations(layers):
        calls.clear()
        X, y = mf.Input("X"), mf.Input("y")
        n, parameters = X, []
        for _ in range(layers):
            parameters += [mf.Parameter(np.eye(4, dtype="float32")), mf.Parameter(np.ones(4, "float32"))]
            n = mf.Sigmoid(mf.Linear(n, *parameters[-2:]))
        cost = mf.MSE(y, n)
        run = mf.Trainer(cost).step if train else mf.Program(cost, parameters)
        run({X: np.ones((3, 4), "float32"), y: np.ones((3, 4), "float32")})
        return len(calls)

    with mf.use_backend("jax:cpu"):
        assert 0 < evaluations(4) == evaluations(40) < 50


JAX_FORMS = {
    "axes": lambda xp, x: [xp.sum(x, axis=0), xp.sum(x, axis=1), xp.sum(x, axis=1, keepdims=True), xp.sum(x)],
    "shapes": lambda xp, x: [xp.reshape(x, (2, 3)), xp.reshape(x, (6,)), xp.broadcast_to(x, (4, 3, 2))],
    "slices": lambda xp, x: [x[0], x[1:], x[2:], x[..., None], x[xp.asarray([1, 0, 1])]],
    "dtypes": lambda xp, x: [xp.astype(x, xp.float16), xp.astype(x, xp.int32), xp.zeros_like(x, dtype=xp.int8)],
    "numbers": lambda xp, x: [
        x + 1,
        x > 0,
        xp.where(x > 0, 1.0, 2.0) * x,
        xp.where(x > 0, 1, 2) * xp.where(x > 0, x, 1.0),
    ],
    "lists": lambda xp, x: [
        xp.concat([x, x]),
        xp.concat([x, x], axis=1),
        xp.stack([x, x, x]),
        xp.concat([x, x + 1, x]),
    ],
    "constants": lambda xp, x: [xp.matmul(x, xp.ones((2, 5))), xp.matmul(x, xp.ones((2, 5), dtype=xp.float32))],
}


@pytest.mark.parametrize("name", JAX_FORMS)
def test_forms_of_one_function_are_told_apart_on_jax(name):
    """Shapes and dtypes are those of the function run on arrays, also of what takes the dtype of what it meets."""
    pytest.importorskip("jax")
    import jax.numpy as jnp

    from miniflow_xp.backends.jax.replay import evaluate, recorded

    x = jnp.asarray(X, dtype="float32")
    values, results = recorded(lambda xp, x: JAX_FORMS[name](xp, x), [x])
    expected = JAX_FORMS[name](jnp, x)
    assert [(r.shape, r.dtype) for r in results] == [(e.shape, e.dtype) for e in expected]
    for found, wanted in zip(evaluate(values, results, x), expected, strict=True):
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)
