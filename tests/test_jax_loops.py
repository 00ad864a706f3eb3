"""Loops of Python that were recorded, as loops of JAX: what they give is what the equations one by one give."""

import numpy as np
import pytest
from array_api_compat import array_namespace
from hypothesis import given, settings
from hypothesis import strategies as st

import miniflow_xp as mf

jax = pytest.importorskip("jax")

RNG = np.random.default_rng(8)
STEPS = 24


@pytest.fixture(autouse=True)
def on_jax():
    jax.config.update("jax_enable_x64", True)
    with mf.use_backend("jax:cpu"):
        yield


@pytest.fixture(autouse=True)
def small_loops(monkeypatch):
    """Loops of few equations are rolled as well."""
    from miniflow_xp.backends.jax import loops

    monkeypatch.setattr(loops, "LEAST", 16)


def on_device(arrays):
    return [mf.get_backend().asarray(np.asarray(a)) for a in arrays]


def both_ways(function, arrays, monkeypatch):
    """What jit gives with loops, then without, and how."""
    from miniflow_xp.backends.jax import adapter

    with_loops = mf.jit(function)
    given = on_device(arrays)
    rolled = jax.tree.map(mf.to_numpy, with_loops(*given))
    with monkeypatch.context() as patch:
        patch.setattr(adapter, "rolled", lambda values, *_: values)
        flat = jax.tree.map(mf.to_numpy, mf.jit(function)(*given))
    return rolled, flat, with_loops


def handed_over(function, arrays):
    """The text of what XLA is handed to compile, of a captured function."""
    return jax.jit(function.captured.traced).lower(on_device(arrays)).as_text()


def loops_in(text):
    return text.count("stablehlo.while")


def agree(got, expected, rtol=1e-12):
    got, expected = jax.tree.leaves(got), jax.tree.leaves(expected)
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def check(function, arrays, loops, most=None, rtol=1e-12):
    """As many loops are found, or from so many to ``most``, and give what NumPy gives call by call."""
    captured = mf.jit(function)
    found = jax.tree.map(mf.to_numpy, captured(*on_device(arrays)))
    agree(found, jax.tree.map(np.asarray, function(*map(np.asarray, arrays))), rtol)
    assert loops <= loops_in(handed_over(captured, arrays)) <= (most or loops)


X = RNG.normal(size=3)
ROWS = RNG.normal(size=(40, 3))
MATRIX = RNG.normal(size=(3, 3)) / 3


def recurrence(x):
    xp = array_namespace(x)
    for _ in range(STEPS):
        x = xp.sin(x) * 0.9 + 0.1
    return x


def two_carried(x, y):
    xp = array_namespace(x)
    for _ in range(STEPS):
        x, y = xp.tanh(x + y), x - 0.5 * y
    return x, y


def rows_read(x, rows):
    xp = array_namespace(x)
    total = 0.0
    for k in range(STEPS):
        x = xp.tanh(x + rows[k, :])
        total = total + xp.sum((x - rows[k, :]) ** 2)
    return total / STEPS


def columns_read(x, rows):
    xp = array_namespace(x)
    for k in range(STEPS):
        x = xp.tanh(x + rows[:, k])
    return x


def rows_from_the_end(x, rows):
    xp = array_namespace(x)
    for k in range(1, STEPS + 1):
        x = xp.cos(x * rows[-k, :])
    return x


def every_second_row(x, rows):
    xp = array_namespace(x)
    for k in range(0, STEPS, 2):
        x = xp.cos(x * rows[k, :]) + rows[k + 1, 0]
    return x


def neighbouring_rows(x, rows):
    xp = array_namespace(x)
    for k in range(3, STEPS):
        x = xp.cos(x + xp.sum(rows[k - 3 : k, :], axis=0))
    return x


def two_steps_before(x, y):
    xp = array_namespace(x)
    for _ in range(STEPS):
        x, y = xp.sin(y) + 0.5 * x, x
    return x + y


def three_steps_before(x):
    xp = array_namespace(x)
    found = [x, x * 2, x * 3]
    for _ in range(STEPS):
        found.append(xp.sin(found[-1]) + 0.1 * found[-3])
    return found[-1], found[-2]


def first_differs(x, y):
    xp = array_namespace(x)
    total = x + y
    for k in range(STEPS):
        if k == 0:
            total = xp.sin(total)
        total = total * 0.5 + xp.cos(x)
    return total


def numbers_differ(x):
    xp = array_namespace(x)
    for k in range(STEPS):
        x = (xp.sin(x + 0.1 * k) + (k + 1)) / (k + 2)
    return x


def stacked(x):
    xp = array_namespace(x)
    found = []
    for _ in range(STEPS):
        x = xp.sin(x) + 0.3
        found.append(x)
    return xp.stack(found)


def joined(x):
    xp = array_namespace(x)
    found = []
    for _ in range(STEPS):
        x = xp.sin(x) + 0.3
        found.append(x[None, :])
    return xp.concat(found)


def from_the_middle(x):
    xp = array_namespace(x)
    for k in range(STEPS):
        x = xp.sin(x) + 0.3
        if k == 17:
            middle = x
    return x, middle


def after_one_another(x, y):
    xp = array_namespace(x)
    found = []
    for _ in range(STEPS):
        x = xp.sin(x) + y
        found.append(x)
    for k in range(STEPS):
        y = xp.cos(y) * found[STEPS - 1 - k] + 0.2
    return y


def loop_in_loop(x, rows):
    xp = array_namespace(x)
    total = 0.0
    for k in range(10):
        for _ in range(12):
            x = xp.sin(x) * 0.8 + 0.1
        total = total + xp.sum(x * rows[k, :])
    return total


def loop_in_loop_with_rows(x, rows):
    xp = array_namespace(x)
    for k in range(4, 14):
        for n in range(10):
            x = xp.sin(x + rows[n, :]) * 0.8 + rows[2 * k + n, :]
        x = x + rows[k, :]
    return x


def written(x, rows):
    xp = array_namespace(x)
    found = xp.zeros_like(rows)
    for k in range(STEPS):
        x = xp.sin(x) + 0.3
        found[k, :] = x
    return found


def written_and_read(rows):
    xp = array_namespace(rows)
    found = xp.asarray(rows, copy=True)
    for k in range(1, STEPS):
        found[k, :] = xp.sin(found[k - 1, :]) + rows[k, :]
    return found


def closed_over(x):
    xp = array_namespace(x)
    for k in range(STEPS):
        x = xp.sin(x) + xp.asarray(ROWS[k])
    return x


def algebra(x, matrix):
    xp = array_namespace(x)
    total = xp.zeros(())
    for _ in range(STEPS):
        x = xp.linalg.solve(matrix, x) + 1
        total = total + xp.linalg.slogdet(matrix + x)[1]
    return xp.sum(x), total


FORWARD = {
    "recurrence": (recurrence, [X], 1),
    "two carried": (two_carried, [X, X + 1], 1),
    "scalars": (two_carried, [0.3, 0.4], 1),
    "empty": (two_carried, [np.empty((0, 2)), np.empty((0, 2))], 1),
    "rows": (rows_read, [X, ROWS], 1),
    "columns": (columns_read, [X, np.asarray(ROWS.T)], 1),
    "rows from the end": (rows_from_the_end, [X, ROWS], 1),
    "every second row": (every_second_row, [X, ROWS], 1),
    "neighbouring rows": (neighbouring_rows, [X, ROWS], 1),
    "two steps before": (two_steps_before, [X, X + 1], 1),
    "three steps before": (three_steps_before, [X], 1),
    "the first turn differs": (first_differs, [X, X + 1], 1),
    "numbers": (numbers_differ, [X], 1),
    "stacked": (stacked, [X], 1),
    "joined": (joined, [X], 1),
    "a result from the middle": (from_the_middle, [X], 1),
    "one after the other": (after_one_another, [X, X + 1], 2),
    "a loop in a loop": (loop_in_loop, [X, ROWS], 2),
    "a loop in a loop, with rows": (loop_in_loop_with_rows, [X, ROWS], 2),
    "written": (written, [X, ROWS], 1),
    "written and read": (written_and_read, [ROWS], 1),
    "closed over": (closed_over, [X], 1),
    "algebra": (algebra, [X, MATRIX + 2 * np.eye(3)], 1),
}


@pytest.mark.parametrize("name", FORWARD)
def test_a_loop_of_python_is_a_loop(name):
    function, arrays, loops = FORWARD[name]
    check(function, arrays, loops, most=loops + 2)  # JAX has some of its own for linear algebra


@pytest.mark.parametrize("name", FORWARD)
def test_the_gradient_of_a_loop_is_one_too(name):
    function, arrays, loops = FORWARD[name]
    if name == "empty":
        pytest.skip("no gradient")

    def total(*arrays):
        xp = array_namespace(*arrays)
        found = function(*arrays)
        return sum(xp.sum(xp.sin(f)) for f in (found if isinstance(found, tuple) else (found,)))

    both = mf.value_and_grad(total, argnums=tuple(range(len(arrays))))
    check(both, arrays, 2 * loops, most=8 * loops, rtol=1e-11)  # others are of what begins or ends otherwise


# Dtypes


@pytest.mark.parametrize("dtype", ["float32", "float16", "complex128", "int64", "int32"])
def test_dtypes_are_those_of_the_equations(dtype, monkeypatch):
    def f(x, rows):
        xp = array_namespace(x)
        total, kept = 0, []
        for k in range(STEPS):
            x = (x * 3 + rows[k, :] * k) / 4 if "int" not in dtype else (x * 3 + rows[k, :] * k) % 101
            total = total + x
            kept.append(xp.sum(x) > 0 if "complex" not in dtype else xp.real(x[0]) > 0)
        return x, total, xp.stack(kept)

    arrays = [(X * 9).astype(dtype), (ROWS * 9).astype(dtype)]
    rolled, flat, captured = both_ways(f, arrays, monkeypatch)
    assert loops_in(handed_over(captured, arrays)) == 1
    agree(rolled, flat, 1e-2 if dtype == "float16" else 1e-5 if dtype == "float32" else 1e-12)


def test_numbers_take_the_dtype_of_what_they_meet():
    def f(x):
        xp = array_namespace(x)
        for k in range(STEPS):
            x = xp.where(x > 0.01 * k, x * (0.5 + 0.01 * k), 0.3) + 1 / (k + 2)
        return x

    check(f, [X.astype("float32")], 1, rtol=1e-5)


def test_what_takes_the_dtype_of_what_it_meets_is_not_carried(monkeypatch):
    def f(weak, x):
        xp = array_namespace(x)
        for _ in range(STEPS):
            weak = xp.sin(weak) + 0.5
        return weak * x

    weak, x = jax.numpy.asarray(0.3), jax.numpy.ones(3, dtype="float32")
    assert weak.weak_type
    assert mf.jit(f)(weak, x).dtype == "float32"


# What stays as it is


def test_few_turns_and_few_equations_stay_as_they_are():
    from miniflow_xp.backends.jax import loops

    def f(x, turns):
        for _ in range(turns):
            x = array_namespace(x).sin(x) + 1
        return x

    x = mf.get_backend().asarray(X)
    few, many = mf.jit(f, static_argnums=1), mf.jit(f, static_argnums=1)
    few(x, loops.TURNS - 1)
    assert "loop" not in few.explain()
    many(x, 200)
    assert "with a loop of 200 turns" in many.explain()


def test_large_arrays_of_their_own_for_each_turn_are_not_copied():
    def f(x, *matrices):
        for matrix in matrices:
            x = array_namespace(x).tanh(matrix @ x)
        return x

    backend = mf.get_backend()
    matrices = [backend.asarray(RNG.normal(size=(20, 20))) for _ in range(STEPS)]
    jitted = mf.jit(f)
    jitted(backend.asarray(np.ones(20)), *matrices)
    assert "loop" not in jitted.explain()


def test_a_turn_that_reads_where_no_loop_can_is_none():
    def f(x):
        xp = array_namespace(x)
        found = [x]
        for k in range(STEPS):
            found.append(xp.sin(found[k // 2]) + 0.5)
        return found[-1]

    check(f, [X], 0)


# Time


@pytest.mark.parametrize("gradient", [False, True])
def test_ten_times_as_many_turns_are_no_more_to_compile(gradient):
    def f(x, rows):
        xp = array_namespace(x)
        for k in range(rows.shape[0]):
            x = xp.tanh(x + rows[k, :]) * 0.9
        return xp.sum(x * x)

    def lines(turns):
        jitted = mf.jit(mf.value_and_grad(f, argnums=(0, 1)) if gradient else f)
        arrays = [X, np.ones((turns, 3))]
        jitted(*on_device(arrays))
        return len(handed_over(jitted, arrays).splitlines())

    assert lines(400) <= 1.1 * lines(40)


# Parts of other transformations


def test_what_loops_leave_behind_is_looked_through_no_further(monkeypatch):
    """Slices of what a loop made make turns, too: loops of these would leave others behind, without an end."""
    from miniflow_xp.backends.jax import loops

    monkeypatch.setattr(loops, "LEAST", 6)
    monkeypatch.setattr(loops, "TURNS", 3)

    def cost(x, matrix):
        xp = array_namespace(x)
        state, found = x[0, :], []
        for row in reversed(range(17)):
            once = xp.tanh(xp.tanh(matrix @ state))
            read = xp.tanh(once + x[row, :])
            xp.tanh(xp.tanh(read) * read)
            found.append(xp.tanh(xp.tanh(matrix @ once)))
            state = xp.tanh(state)
            found.append(state)
        return xp.sum(xp.sin(xp.stack(found)))

    check(mf.value_and_grad(cost), (RNG.normal(size=(17, 3)), RNG.normal(size=(3, 3))), 1, rtol=1e-10)


def test_jax_differentiates_a_loop():
    def f(x, rows):
        return rows_read(x, rows)

    jitted = mf.jit(f)
    x, rows = on_device([X, ROWS])
    assert "loop" in (jitted(x, rows) is not None and jitted.explain())
    expected = mf.grad(f, argnums=(0, 1))(x, rows)
    agree(list(jax.grad(jitted, argnums=(0, 1))(x, rows)), list(expected))
    many = jax.vmap(jitted, in_axes=(0, None))(jax.numpy.stack([x, x + 1]), rows)
    agree([np.asarray(many)], [np.stack([f(x, rows), f(x + 1, rows)])])


def test_a_trainer_of_a_recurrent_network_is_as_without_loops(monkeypatch):
    from miniflow_xp.backends.jax import adapter

    def trained():
        rng = np.random.default_rng(2)
        rows, y = mf.Input("rows"), mf.Input("y")
        inner, outer = mf.Parameter(rng.normal(size=(3, 3)) / 2), mf.Parameter(rng.normal(size=(3, 3)))
        x = mf.MatMul(rows, outer)
        for _ in range(STEPS):
            x = mf.Tanh(mf.MatMul(x, inner) + mf.MatMul(rows, outer))
        trainer = mf.Trainer(mf.MSE(y, x), mf.Adam(0.01))
        feed = {rows: ROWS[:5], y: ROWS[5:10]}
        costs = [mf.to_numpy(trainer.step(feed)) for _ in range(4)]
        held = list(trainer._captured._done[0])
        trainer.step(feed)
        assert sum(not array.is_deleted() for array in held) <= 2  # the cost, and the number of the step
        return [*costs, *trainer.snapshot().values], trainer.explain()

    rolled, how = trained()
    assert "loop" in how
    monkeypatch.setattr(adapter, "rolled", lambda values, *_: values)
    flat, how = trained()
    assert "loop" not in how
    for got, expected in zip(rolled, flat, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_each_turn_has_random_numbers_of_its_own(monkeypatch):
    def costs():
        x = mf.Input("x")
        y = x
        for seed in range(STEPS):
            y = mf.Dropout(0.1, seed=seed)(y) * 0.9 + x
        trainer = mf.Trainer(mf.MSE(mf.Parameter(ROWS[6:12]), y), mf.SGD(0.1))
        return [float(mf.to_numpy(trainer.step({x: ROWS[:6]}))) for _ in range(4)], trainer.explain()

    rolled, how = costs()
    assert "loop" in how
    monkeypatch.setattr("miniflow_xp.backends.jax.adapter.rolled", lambda values, *_: values)
    flat, how = costs()
    assert "loop" not in how
    np.testing.assert_allclose(rolled, flat, rtol=1e-12)


# Any recurrence


@st.composite
def recurrences(draw):
    """(turns, equations of a turn, results): an equation reads two of: carried values, a row, a number, the turn's."""
    carried = draw(st.integers(1, 3))
    length = draw(st.integers(1, 5))
    reads = st.tuples(st.sampled_from(["add", "multiply", "subtract"]), *[st.integers(0, carried + length + 1)] * 2)
    turn = [draw(reads) for _ in range(length)]
    kept = draw(st.lists(st.integers(0, length - 1), min_size=1, max_size=3))
    return draw(st.integers(9, 24)), carried, turn, kept


def run_recurrence(recurrence, x, rows):
    """The values carried at the end, and the last equation of each turn, summed and stacked."""
    turns, carried, turn, kept = recurrence
    xp = array_namespace(x)
    state, found, total = [x + n for n in range(carried)], [], 0.0
    for k in range(turns):
        values = [*state, rows[k, :], 0.1 * k]
        for op, a, b in turn:
            a, b = values[a % len(values)], values[b % len(values)]
            values.append(xp.tanh(getattr(xp, op)(x * 0.5 + a, b)))
        new = values[carried + 2 :]
        state = [*state[1:], new[kept[0]]]
        total = total + xp.sum(new[kept[-1]])
        found.append(new[kept[len(kept) // 2]])
    return total, xp.stack(found), state[0], found[turns // 2]


@given(recurrences(), st.booleans())
@settings(max_examples=12, deadline=None)
def test_any_recurrence_is_what_its_equations_are(recurrence, gradient):
    def f(x, rows):
        found = run_recurrence(recurrence, x, rows)
        return found if not gradient else sum(array_namespace(x).sum(v) for v in found)

    function = mf.value_and_grad(f, argnums=(0, 1)) if gradient else f
    x, rows = on_device([X, ROWS])
    expected = jax.tree.leaves(function(X, ROWS))
    agree([np.asarray(v) for v in jax.tree.leaves(mf.jit(function)(x, rows))], [np.asarray(v) for v in expected], 1e-11)
