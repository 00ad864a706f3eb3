"""profile: on a played clock, whose truth is known; counts of operations and memory, by hand."""

import gc
import json
import weakref
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from simulation import Clock, Device

import miniflow_xp as mf
from miniflow_xp import MSE, Input, Linear, Parameter, Program, Tanh, Trainer
from miniflow_xp.errors import GraphError, SettingError
from miniflow_xp.programs.bench.clock import DeviceClock
from miniflow_xp.programs.bench.record import Ceiling
from miniflow_xp.programs.profile import counts, laps
from miniflow_xp.programs.profile.counts import Work
from miniflow_xp.programs.profile.functions import function_subject
from miniflow_xp.programs.profile.graphs import graph_subject
from miniflow_xp.programs.profile.measuring import measure
from miniflow_xp.programs.profile.notes import why_not
from miniflow_xp.programs.profile.subjects import Holding, Place, Step, Subject
from miniflow_xp.programs.profile.trace import trace

pytest_plugins = ["command_line"]  # the fixture cli
LOOK = 1e-7  # seconds that a look at the played clock takes
ROUNDS = 12


class Ticking(Clock):
    """A clock on which looking takes time as well."""

    def __call__(self):
        self.seconds += LOOK
        return self.seconds


def network(rows=4, dtype="float64"):
    """X (rows, 3), W (3, 2), b (2,): Linear 'f', Tanh 'a', MSE 'cost'; the trainer and its feed."""
    X, y = Input("X"), Input("y")
    W, b = Parameter(np.ones((3, 2), dtype), "W"), Parameter(np.zeros(2, dtype), "b")
    cost = MSE(y, Tanh(Linear(X, W, b, name="f"), name="a"), name="cost")
    return Trainer(cost, mf.SGD(0.1)), {X: np.ones((rows, 3), dtype), y: np.zeros((rows, 2), dtype)}


class Slow(mf.Node):
    """x, after so many seconds on the played clock; the gradient takes twice as long."""

    def __init__(self, clock, seconds, *inputs, name):
        super().__init__(inputs, name)
        self.clock, self.seconds = clock, seconds

    def compute(self, xp, *inputs):
        self.clock.work(self.seconds)
        return sum(inputs[1:], inputs[0]) * 1.0

    def vjp(self, xp, gradient, value, *inputs):
        def thunk():
            self.clock.work(2 * self.seconds / len(inputs))
            return gradient * 1.0

        return [thunk] * len(inputs)


def played(clock, *seconds):
    """The profile of a chain of Slow nodes."""
    x = node = Input("x")
    for n, s in enumerate(seconds):
        node = Slow(clock, s, node, name=f"s{n}")
    program = Program(node, [x])
    return measure(graph_subject(program, {x: np.asarray(1.0)}), ROUNDS, 1e9, now=clock)


def test_each_part_has_the_time_that_its_calls_took():
    found = played(Ticking(), 1e-3, 4e-3)
    assert [row.place.name for row in found.rows] == ["Slow 's0'", "Slow 's1'"]
    times = {(r.place.node.name, d): p.time.estimate for r in found.rows for d, p in r.parts.items()}
    assert times == {
        ("s0", "forward"): pytest.approx(1e-3),
        ("s1", "forward"): pytest.approx(4e-3),
        ("s0", "backward"): pytest.approx(2e-3),
        ("s1", "backward"): pytest.approx(8e-3),
    }
    assert found.share(found.row("s1")) == pytest.approx(0.8)
    assert found.row("s0").parts["forward"].time.bounded


def test_what_a_look_at_the_clock_takes_is_taken_off():
    found = played(Ticking(), 5e-7, 1e-3)
    assert found.clock_s == pytest.approx(LOOK)
    assert found.row("s0").parts["forward"].time.estimate == pytest.approx(5e-7)


def test_parts_that_add_up_are_said_to():
    found = played(Ticking(), 1e-3, 4e-3)
    assert found.adds_up
    assert found.agreement.estimate == pytest.approx(1, abs=0.01)
    said = found.notes[0].replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith(
        "The parts add up to 100 % (100–100 %) of the plain step, which takes 15.0 ms (15.0–15.0) as"
    )


def test_what_lies_between_the_calls_is_told_where_they_do_not_add_up():
    clock = Ticking()
    x = Input("x")
    program = Program(Slow(clock, 1e-3, x, name="s"), [x])
    subject = graph_subject(program, {x: np.asarray(1.0)})

    def slowed(run):
        return lambda: (clock.work(2e-3), run())[1]

    found = measure(
        replace(subject, plain=slowed(subject.plain), walk=lambda call: slowed(subject.walk(call))),
        ROUNDS,
        1e9,
        now=clock,
    )
    assert found.agreement.estimate == pytest.approx(0.6, abs=0.01)
    assert sum(found.between) / ROUNDS == pytest.approx(2e-3, rel=0.01)
    assert "2.00\N{NO-BREAK SPACE}ms lie between the calls, in Python: the loop over the nodes." in found.notes[0]


def test_sums_of_gradients_are_parts_of_the_node_they_arrive_at():
    clock = Ticking()
    x = Input("x")
    a = Slow(clock, 1e-3, x, name="a")
    b, c = Slow(clock, 1e-3, a, name="b"), Slow(clock, 1e-3, a, name="c")
    program = Program(Slow(clock, 1e-3, b, c, name="d"), [x])
    found = measure(graph_subject(program, {x: np.asarray(1.0)}), ROUNDS, 1e9, now=clock)
    assert {row.place.node.name for row in found.rows if "sum" in row.parts} == {"a"}
    assert found.row("a").parts["sum"].work.calls == {"add": 1}
    assert found.row("a").parts["sum"].time.estimate == pytest.approx(LOOK / 10, rel=10)  # nothing works there


def made_up(clock, ask, walk, plain):
    """A subject without arrays: two calls."""
    backend = SimpleNamespace(
        name="made up",
        device="device 0",
        synchronize=lambda: None,
        describe=lambda: "a made-up device",
        activate=mf.get_backend().activate,
    )
    steps = [Step(Place(name, name, "kernel"), "forward", Work(flops=1e6)) for name in ("k0", "k1")]
    return Subject("kernels", backend, "float32", steps, walk, plain, None, "no way", None, Holding("", {}))


@pytest.mark.parametrize("own_clock", [False, True], ids=["the host's clock", "the device's own"])
def test_a_device_is_waited_for_at_each_boundary_or_tells_itself(monkeypatch, own_clock):
    """Asking takes 5 µs, the work 1 ms and 3 ms: without a wait, each would seem to take 5 µs."""
    clock = Ticking()
    device = Device(clock)

    def mark():
        return max(device.ready, clock())

    own = DeviceClock(mark, lambda a, b: b - a, device.launch)
    monkeypatch.setattr(laps, "device_clock", lambda backend: own if own_clock else None)

    def walk(call):
        return lambda: [call(None, "forward", device.launch, s) for s in (1e-3, 3e-3)]

    def plain():
        device.launch(1e-3)
        device.launch(3e-3)
        return []

    subject = made_up(clock, 5e-6, walk, plain)
    subject.backend.synchronize = device.synchronize
    found = measure(subject, ROUNDS, 1e9, now=clock)
    first, second = (row.parts["forward"].time.estimate for row in found.rows)
    assert first == pytest.approx(1e-3, rel=0.02)
    assert second == pytest.approx(3e-3, rel=0.02)
    assert found.adds_up
    assert found.clock.startswith("the device's own" if own_clock else "the host's, waiting")


def test_calls_that_overlap_as_a_whole_are_a_reason():
    clock = Ticking()
    times = [lambda: clock.work(1e-3)] * 2
    walk = lambda call: lambda: [call(None, "forward", one) for one in times] and []  # noqa: E731
    found = measure(made_up(clock, 0, walk, lambda: [clock.work(1e-3)][:0]), ROUNDS, 1e9, now=clock)
    assert found.agreement.estimate == pytest.approx(2, rel=0.01)
    assert "calls overlap in the whole step" in why_not(found)


def test_of_peak_is_the_least_time_against_the_measured_one():
    clock = Ticking()
    walk = lambda call: lambda: [call(None, "forward", clock.work, 1e-3) for _ in "12"][:0]  # noqa: E731
    subject = made_up(clock, 0, walk, lambda: [clock.work(2e-3)][:0])
    found = measure(subject, ROUNDS, 1e9, Ceiling(flops_per_s=2e9), now=clock)
    part = found.rows[0].parts["forward"]
    assert part.of_ceiling(found.ceiling) == pytest.approx(0.5, rel=0.01)
    assert measure(subject, ROUNDS, 1e9, now=clock).rows[0].parts["forward"].of_ceiling(None) is None
    assert "were not measured" in "".join(measure(subject, ROUNDS, 1e9, now=clock).notes)


A, B, V, S = np.ones((2, 3, 4)), np.ones((2, 4, 5)), np.ones(7), np.ones((4, 4))
FLOPS = [
    ("matmul", (A, B), np.ones((2, 3, 5)), 2 * 30 * 4),
    ("matmul", (S, S[0]), S[0], 2 * 16),
    ("vecdot", (V, V), np.asarray(1.0), 14),
    ("tensordot", (A[0], B[0]), np.ones((3, 5)), 2 * 3 * 4 * 5),
    ("einsum", ("ij,jk->ik", A[0], B[0]), np.ones((3, 5)), 2 * 3 * 4 * 5),
    ("einsum", ("ij->j", A[0]), np.ones(4), 12),
    ("add", (A, 1.0), A, 24),
    ("exp", (A,), A, 24),
    ("multiply", (S[:, :1], S[:1]), S, 16),
    ("greater", (V, 0), V > 0, 7),
    ("sum", (A,), np.asarray(1.0), 24),
    ("mean", (V,), np.asarray(1.0), 7),
    ("var", (V,), np.asarray(1.0), 21),
    ("cumulative_sum", (V,), V, 7),
    ("linalg.cholesky", (S,), S, 64 / 3),
    ("linalg.inv", (S,), S, 128),
    ("linalg.solve", (S, S[0]), S[0], 2 / 3 * 64 + 2 * 16),
    ("linalg.qr", (S,), S, 128),
    ("fft.fft", (np.ones(8),), np.ones(8), 5 * 8 * 3),
    ("reshape", (A, (24,)), np.ones(24), 0),
    ("concat", ([V, V],), np.ones(14), 0),
    ("where", (V > 0, V, V), V, 0),
]


@pytest.mark.parametrize(
    ("op", "inputs", "value", "wanted"), FLOPS, ids=[f"{n}-{row[0]}" for n, row in enumerate(FLOPS)]
)
def test_operations_are_counted_by_the_table(op, inputs, value, wanted):
    work = Work()
    work.add(op, inputs, value)
    assert work.flops == pytest.approx(wanted)
    assert not work.uncounted


def test_what_the_table_does_not_have_is_told():
    work = Work()
    work.add("linalg.svd", (S,), (S, V, S))
    assert (work.flops, work.uncounted) == (0, {"linalg.svd"})
    found = mf.profile(lambda x: x.__array_namespace__().linalg.svd(x)[1], np.eye(3), rounds=1, backward=False)
    assert "FLOP leave these out, which are not counted: linalg.svd." in found.notes


@pytest.mark.parametrize(
    ("op", "inputs", "value", "moved"),
    [
        ("add", (V, V), V, 2 * 56),  # one array is read once
        ("add", (V, V + 1), V, 3 * 56),
        ("reshape", (A, (24,)), np.ones(24), 0),
        ("getitem", (V, slice(2)), V[:2], 0),
        ("getitem", (V, np.asarray([0, 1])), V[:2], 56 + 16 + 16),
        ("astype", (V, "float32"), V.astype("float32"), 56 + 28),
        ("greater", (V, 0), V > 0, 56 + 7),
    ],
)
def test_bytes_are_those_that_a_call_reads_and_writes(op, inputs, value, moved):
    work = Work()
    work.add(op, inputs, value)
    assert work.moved == moved


def test_a_nodes_work_is_that_of_its_rule_on_every_backend(backend):
    trainer, feed = network()
    found = mf.profile(trainer, feed, rounds=1)
    linear = found.row("f")
    assert linear.parts["forward"].work.flops == 2 * 4 * 3 * 2 + 4 * 2
    assert linear.parts["backward"].work.flops == 2 * 3 * 4 * 2 + 4 * 2  # of W and of b; X's is not wanted
    assert linear.parts["forward"].work.calls["matmul"] == 1
    assert found.row("update").parts["update"].samples[0] > 0
    assert len(found.plain) == 1


def test_who_holds_the_memory_when_most_is_held():
    """X, y, W, b; the values of Linear, Tanh and MSE; then gradients while values are dropped: all by hand."""
    trainer, feed = network()
    found = mf.profile(Program(trainer.cost, trainer.parameters), feed, rounds=1)
    held = found.holding.held
    assert found.holding.at == "Tanh 'a', backward"
    assert held == {
        "Input 'X'": 96,
        "Input 'y'": 64,
        "Parameter 'W'": 48,
        "Parameter 'b'": 16,
        "value of Linear 'f'": 64,
        "value of Tanh 'a'": 64,
        "value of MSE 'cost'": 8,
        "gradient of Tanh 'a'": 64,
        "gradient of Linear 'f'": 64,
    }
    assert found.holding.bytes == sum(held.values())


@pytest.mark.parametrize("is_trained", [False, True])
def test_nodes_that_are_called_the_same_each_hold_their_own(is_trained):
    W = [Parameter(np.ones((3, 3)), "W") for _ in range(3)]
    x, y = Input("x"), Input("y")
    a = x
    for weights in W:
        a = Tanh(a @ weights, name="a")
    cost = MSE(y, a, name="cost")
    feed = {x: np.ones((4, 3)), y: np.zeros((4, 3))}
    found = mf.profile(Trainer(cost, mf.SGD(0.1)) if is_trained else Program(cost, W), feed, rounds=1)
    held = found.holding.held
    assert [held[name] for name in ("Parameter 'W'", "Parameter 'W' (2)", "Parameter 'W' (3)")] == [72, 72, 72]
    assert [held[name] for name in ("value of Tanh 'a'", "value of Tanh 'a' (2)")] == [96, 96]
    assert "the optimizer's state" not in held
    assert {row.place.name for row in found.rows} >= {"Tanh 'a'", "Tanh 'a' (2)", "Tanh 'a' (3)"}


def test_a_function_keeps_what_its_rules_look_at():
    found = mf.profile(lambda x: (x.__array_namespace__().tanh(x) + 1).sum(), V, rounds=1)
    kept = {name: size for name, size in found.holding.held.items() if name != "argument 0"}
    assert {name.partition(" at ")[0]: size for name, size in kept.items()} == {"kept for tanh": 56}


def test_a_function_with_a_rule_of_its_own_is_let_go_of():
    def inner(x):
        return (x * x).sum()

    mf.profile(mf.checkpoint(inner), V, rounds=1)
    seen = weakref.ref(inner)
    del inner
    gc.collect()
    assert seen() is None


def test_a_trainer_is_left_as_it_was():
    trainer, feed = network()
    twin, same = network()
    trainer.step(feed)
    twin.step(same)
    mf.profile(trainer, feed, rounds=2)
    assert [float(trainer.step(feed)) for _ in range(3)] == [float(twin.step(same)) for _ in range(3)]


def test_captured_beside_plain_and_what_was_fused_away():
    X, y = Input("X"), Input("y")
    cost = MSE(y, mf.Sigmoid(Linear(X, Parameter(np.ones((3, 1)), "W"), Parameter(np.zeros(1), "b"))))
    found = mf.profile(Trainer(cost), {X: np.ones((4, 3)), y: np.ones((4, 1))}, rounds=1)
    assert len(found.captured) == 1
    assert found.how.startswith("on numpy:cpu: recorded and replayed")
    assert found.fused.keys() >= {"exp", "abs", "where", "greater_equal"}
    assert found.joined.keys() >= {"sigmoid"}
    (sigmoid,) = (
        functions for name, functions in found.gone.items() if name.startswith("Sigmoid") and name.endswith("forward")
    )
    assert {"exp", "abs"} <= set(sigmoid)


def test_what_keeps_a_function_from_being_captured_is_told():
    def looks(x):
        return x * 2 if float(x[0]) > 0 else x

    found = mf.profile(looks, V, rounds=1, backward=False)
    assert found.captured == []
    assert "it cannot be recorded" in found.how
    assert any(note.startswith("A step that looks at contents") for note in found.notes)


def test_a_functions_calls_are_told_by_their_lines():
    def f(x, w):
        xp = x.__array_namespace__()
        h = xp.tanh(x @ w)
        return xp.mean(h * h)

    found = mf.profile(f, np.ones((4, 3)), np.ones((3, 2)), rounds=1)
    assert [row.place.operation for row in found.rows] == ["matmul", "tanh", "multiply", "mean"]
    assert all(row.place.line.startswith("test_profile.py:") for row in found.rows)
    assert all(set(row.parts) == {"forward", "backward"} for row in found.rows)
    matmul = found.rows[0].parts
    assert (matmul["forward"].work.flops, matmul["backward"].work.flops) == (48, 96)
    assert found.title == "f and its gradients"
    alone = mf.profile(f, np.ones((4, 3)), np.ones((3, 2)), rounds=1, backward=False)
    assert all(set(row.parts) == {"forward"} for row in alone.rows)


def test_a_function_on_a_played_clock(monkeypatch):
    """The library's calls take no time on it; what is between them is Python's."""
    clock = Ticking()
    f = lambda x: (clock.work(1e-3), x * x)[1].sum()  # noqa: E731
    found = measure(function_subject(f, [V]), ROUNDS, 1e9, now=clock)
    assert not found.adds_up
    assert "lie between the calls, in Python: the function's own lines, and following its calls" in found.notes[0]


def test_calls_that_change_from_pass_to_pass_are_an_error():
    times = iter(range(100))
    with pytest.raises(GraphError, match="the same calls each time"):
        mf.profile(lambda x: sum([x] * (1 + next(times) % 2), x), V, rounds=1)


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_what_comes_from_the_host_is_told(name):
    pytest.importorskip(name)
    with mf.use_backend(name) as backend:
        trainer, feed = network(dtype="float32")
        assert "The feed comes from the host: 80" in "".join(mf.profile(trainer, feed, rounds=1).notes)
        resident = {node: backend.asarray(array) for node, array in feed.items()}
        assert "from the host" not in "".join(mf.profile(trainer, resident, rounds=1).notes)


def test_arrays_of_the_host_in_a_call_of_another_library_are_hidden_transfers():
    jax = pytest.importorskip("jax")
    table = np.ones(7, "float32")
    found = mf.profile(lambda x: (x * table).sum(), jax.numpy.ones(7), rounds=1, backward=False)
    (note,) = (note for note in found.notes if note.startswith("Hidden transfers"))
    assert "multiply at test_profile.py:" in note
    assert "28" in note
    mine = mf.profile(lambda x: (x * table).sum(), table, rounds=1, backward=False)
    assert not any(note.startswith("Hidden transfers") for note in mine.notes)


def test_nodes_and_sorted_graphs_have_the_gradients_of_the_lessons_functions():
    trainer, feed = network()
    for what in (trainer.cost, mf.topological_sort(feed)):
        found = mf.profile(what, feed, rounds=1)
        assert {row.place.name for row in found.rows} == {"Linear 'f'", "Tanh 'a'", "MSE 'cost'"}
        assert "backward" in found.row("f").parts


def test_a_program_may_be_given_seeds():
    x = Input("x")
    y = Tanh(x, name="t")
    found = mf.profile(Program(y, [x]), {x: V}, {y: np.ones(7)}, rounds=1)
    assert set(found.row("t").parts) == {"forward", "backward"}


def test_integers_in_a_feed_become_what_the_step_makes_of_them():
    trainer, feed = network(dtype="float32")
    X = next(iter(feed))
    found = mf.profile(trainer, {**feed, X: [[1, 2, 3]] * 4}, rounds=1)
    assert found.dtype == "float32"


def test_a_deep_graph_is_profiled():
    x = node = Input("x")
    for _ in range(1000):
        node = node + 1.0
    found = mf.profile(Program(node), {x: V}, rounds=1)
    assert len(found.rows) == 1000
    assert found.holding.bytes == 3 * 56  # x, and two values: one is read, one is made


def test_mistakes_are_told():
    trainer, feed = network()
    with pytest.raises(SettingError, match="it takes a graph, or a function of arrays"):
        mf.profile(3)
    with pytest.raises(SettingError, match="given no array"):
        mf.profile(lambda: 1)
    for idle in (lambda x: x, mf.jit(lambda x: x)):
        with pytest.raises(GraphError, match="it calls nothing of the library"):
            mf.profile(idle, V, rounds=1)
    with pytest.raises(SettingError, match="rounds"):
        mf.profile(trainer, feed, rounds=0)
    with pytest.raises(GraphError, match="several parts"):
        mf.profile(Trainer(trainer.cost, accumulate=2), feed)
    found = mf.profile(trainer, feed, rounds=1)
    with pytest.raises(SettingError, match=r"\.html or \.json"):
        found.save("profile.txt")
    with pytest.raises(SettingError, match="name of a row"):
        found.row("nobody")


def events_of(tmp_path, what, *given):
    mf.profile(what, *given, rounds=1).save(tmp_path / "trace.json")
    text = (tmp_path / "trace.json").read_text(encoding="utf-8")
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_trace_has_the_form_of_chromes_trace_events(tmp_path):
    """Of the JSON object format: complete events and metadata, with the fields that the format asks for."""
    trainer, feed = network()
    found = events_of(tmp_path, trainer, feed)
    assert found.keys() == {"traceEvents", "displayTimeUnit", "otherData"}
    assert found["displayTimeUnit"] in ("ms", "ns")
    for event in found["traceEvents"]:
        assert {"name", "ph", "ts", "pid", "tid"} <= event.keys()
        assert isinstance(event["name"], str)
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        if event["ph"] == "X":
            assert event["ts"] >= 0
            assert event["dur"] >= 0
        else:
            assert event["ph"] == "M"
            assert event["name"] in ("process_name", "thread_name")
            assert isinstance(event["args"]["name"], str)


def test_events_of_a_thread_are_nested_as_stacks_are(tmp_path):
    """speedscope and Perfetto make a stack of what lies inside; what overlaps otherwise they refuse, or cut."""
    trainer, feed = network()
    for what, given in ((trainer, [feed]), (lambda x: (x * x).sum(), [V])):
        found = events_of(tmp_path, what, *given)
        for thread in (1, 2, 3):
            stack = []
            complete = [e for e in found["traceEvents"] if e["ph"] == "X" and e["tid"] == thread]
            for event in sorted(complete, key=lambda e: (e["ts"], -e["dur"])):
                end = event["ts"] + event["dur"]
                while stack and event["ts"] >= stack[-1] - 2e-3:  # rounded to a nanosecond
                    stack.pop()
                assert not stack or end <= stack[-1] + 2e-3
                stack.append(end)
    names = [e["name"] for e in complete]
    assert names == ["captured step"]


def test_the_figures_are_in_the_trace(tmp_path):
    trainer, feed = network()
    told = events_of(tmp_path, trainer, feed)["otherData"]
    assert told["format"] == "miniflow_xp profile"
    row = next(row for row in told["rows"] if row["name"] == "Linear 'f'")
    assert row["forward"]["flop"] == 56
    assert row["forward"]["seconds"]["low"] is None  # one round
    assert told["notes"]


def test_the_steps_of_a_played_trace_are_where_they_were():
    found = trace(played(Ticking(), 1e-3, 4e-3))["traceEvents"]
    calls = [e for e in found if e["ph"] == "X" and e["name"].startswith("Slow")]
    assert [e["name"] for e in calls] == ["Slow 's0'", "Slow 's1'", "Slow 's1'", "Slow 's0'"]
    assert [e["dur"] for e in calls] == pytest.approx([1e3, 4e3, 8e3, 2e3], rel=0.001)
    assert [e["cat"] for e in calls] == ["forward", "forward", "backward", "backward"]


def test_the_table_has_a_row_for_each_part_the_slowest_first():
    lines = str(played(Ticking(), 1e-3, 4e-3)).splitlines()
    assert lines[0].startswith("the Program of Slow 's1', on NumPy")
    assert [line.split("  ")[0] for line in lines[3:5]] == ["Slow 's1'", "Slow 's0'"]
    assert lines[2].split() == ["operation", "forward", "±", "backward", "±", "share", "FLOP", "bytes"]
    assert "4.00\N{NO-BREAK SPACE}ms" in lines[3]


def test_many_rows_are_cut_and_counted():
    x = node = Input("x")
    for n in range(60):
        node = Tanh(node, name=f"t{n}")
    lines = str(mf.profile(Program(node), {x: V}, rounds=1)).splitlines()
    assert sum(line.startswith("Tanh ") for line in lines) == 40
    assert any(line.startswith("and 20 more, ") for line in lines)


def test_a_page_has_the_graph_shaded_by_time(tmp_path):
    pytest.importorskip("fast_sugiyama")
    found = played(Ticking(), 1e-3, 4e-3)
    found.save(tmp_path / "profile.html")
    text = (tmp_path / "profile.html").read_text(encoding="utf-8")
    assert "→ 4.00\N{NO-BREAK SPACE}ms ← 8.00\N{NO-BREAK SPACE}ms · 80\N{NO-BREAK SPACE}%" in text
    assert text.count('class="shade"') == 4  # tint and bar of two boxes
    assert "://" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert found._repr_html_().startswith("<pre>")


def test_a_page_without_the_drawing_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fast_sugiyama", None)
    mf.profile(*network(), rounds=1).save(tmp_path / "profile.html")
    text = (tmp_path / "profile.html").read_text(encoding="utf-8")
    assert "miniflow_xp[draw]" in text
    assert "One pass" in text


def test_numpy_alone_is_enough(run_python, tmp_path):
    run_python(
        "import sys\n"
        "for name in ('rich', 'typer', 'torch', 'jax', 'scipy', 'fast_sugiyama'): sys.modules[name] = None\n"
        "import numpy as np, miniflow_xp as mf\n"
        "found = mf.profile(lambda x: (x * x).sum(), np.ones(3), rounds=1)\n"
        "print(found)\n"
        "found.save(sys.argv[1])",
        str(tmp_path / "trace.json"),
    )


def test_importing_the_package_does_not_import_the_profiler(run_python):
    run_python("import sys, miniflow_xp; assert not [m for m in sys.modules if 'miniflow_xp.programs' in m]")


BUILD = """
import numpy as np
from miniflow_xp import *

def build(batch):
    X, y = Input("X"), Input("y")
    cost = MSE(y, Linear(X, Parameter(np.ones((3, 1))), Parameter(np.zeros(1))))
    return cost, {X: np.ones((batch, 3)), y: np.ones((batch, 1))}

def with_optimizer(width):
    return *build(2), Adam(0.1)

def program():
    cost, feed = build(2)
    return Program(cost), feed

def function():
    return lambda x: (x * x).sum(), np.ones(4)

def wrong():
    return 3

def empty_handed():
    return build(2)[0],

def broken():
    raise ValueError("planted")

def broken_later():
    return lambda x: [][0], np.ones(4)
"""


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model.py").write_text(BUILD, encoding="utf-8")
    return tmp_path / "model.py"


QUICK = ("--rounds", "1", "--no-ceilings")


@pytest.mark.parametrize(
    ("name", "options", "shown"),
    [
        ("build", [], "Linear"),
        ("build", ["--axis", "batch=5"], "a step of the Trainer"),
        ("with_optimizer", ["--axis", "width=5"], "Adam"),
        ("program", [], "the Program of MSE"),
        ("function", [], "multiply at model.py:"),
    ],
)
def test_the_command_shows_what_a_builder_returns(cli, model, name, options, shown):
    code, out, err = cli("profile", f"model.py:{name}", *QUICK, *options)
    assert (code, err) == (0, "")
    assert shown in out
    assert "The parts add up to" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["model.py:wrong"], "it returned a int"),
        (["model.py:empty_handed"], "it returned MSE"),
        (["model.py:broken"], "it raises ValueError: planted (at model.py:"),
        (["model.py:broken_later"], "its pass raises IndexError: list index out of range (at model.py:"),
        (["model.py:with_optimizer"], "--axis batch=1024"),
        (["model.py:nobody"], "has no function"),
        (["model.py:build", "--axis", "batch"], "Write batch=1024"),
        (["model.py:build", "-o", "x.txt"], "-o profile.html"),
        (["model.py:build", "-o", "model.py"], ".html or .json"),
    ],
)
def test_mistakes_at_the_command_are_one_message(cli, model, arguments, says):
    code, _, err = cli("profile", *arguments)
    assert code == 1
    assert says in err
    assert err.startswith("Error: ")


def test_the_command_writes_a_trace(cli, model, tmp_path):
    code, out, _ = cli("profile", "model.py:build", *QUICK, "-o", "trace.json", "--backend", "strict")
    assert code == 0
    assert out.splitlines()[-1] == "Written to trace.json"
    assert (
        "array-api-strict" in json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["otherData"]["machine"]
    )


def test_every_function_with_a_rule_is_in_the_table_or_known_to_be_left_out():
    from miniflow_xp.arrays.tables import RULES

    left_out = {
        *("linalg.svd", "linalg.svdvals", "linalg.eigh", "linalg.eigvalsh", "linalg.eig", "linalg.eigvals"),
        *("linalg.pinv", "linalg.matrix_power", "linalg.expm", "linalg.adjugate", "linalg.cross"),
        *("linalg.solve_triangular", "fft.fftn", "fft.ifftn", "fft.rfftn", "fft.irfftn", "full_convolution"),
        *("unique_all", "unique_counts", "unique_inverse", "unique_values", "stop_gradient"),
    }
    missing = {op for op in RULES if op not in counts.FLOPS and not op.startswith("special.")}
    assert missing <= left_out


def test_a_step_of_half_precision_is_profiled(backend):
    """Its losses widen by ``astype``, whose dtype is a class in NumPy, and has a shape and a dtype of its own."""
    if backend.name == "strict":
        pytest.skip("the strict namespace has no float16")
    x, y = mf.Input("x"), mf.Input("y")
    w = mf.Parameter(np.ones((2, 1), dtype="float16"), "w")
    cost = mf.MSE(y, mf.MatMul(x, w))
    feed = {x: np.ones((3, 2), dtype="float16"), y: np.ones((3, 1), dtype="float16")}
    found = mf.profile(mf.Trainer(cost), feed, rounds=1)
    assert {row.place.operation for row in found.rows} >= {"MatMul", "MSE"}
