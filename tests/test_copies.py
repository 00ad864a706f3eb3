"""Models, graphs, trainers and programs are copied and pickled, and the copies go on by themselves, bit for bit."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest
from operations import is_linear
from small_training import OPTIMIZERS, Training, same_bits

import miniflow_xp as mf
from miniflow_xp import errors

HOW = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "pickle in Python": lambda thing: pickle._loads(pickle._dumps(thing, 2)),  # as joblib's
}


@pytest.fixture(params=HOW)
def copied(request):
    return HOW[request.param]


class Model:
    """X (8, 5) → 7 → dropout → 3 and MSE, from layers."""

    def __init__(self):
        self.X, self.y = mf.Input("X"), mf.Input("y")
        self.model = mf.Sequential([mf.Dense(5, 7, mf.Tanh), mf.Dropout(0.2), mf.LayerNorm(), mf.Dense(7, 3)], seed=3)
        self.cost = mf.MSE(self.y, self.model(self.X))
        self.trainer = mf.Trainer(self.cost, mf.Adam(0.01))

    def feed(self, step):
        rng = np.random.default_rng([step, 5])
        return {self.X: rng.normal(size=(8, 5)).astype("float32"), self.y: rng.normal(size=(8, 3)).astype("float32")}

    def train(self, start, stop):
        return [np.array(mf.to_numpy(self.trainer.step(self.feed(step)))) for step in range(start, stop)]

    def values(self):
        return [np.array(mf.to_numpy(p.value)) for p in self.model.parameters]


# Training goes on in the copy


@pytest.mark.parametrize(
    ("optimizer", "how"), [*((optimizer, "pickle") for optimizer in OPTIMIZERS), ("Adam", "deepcopy")]
)
def test_a_trained_copy_goes_on_by_itself_to_the_same_bits(backend, optimizer, how):
    copied = HOW[how]
    training = Training(optimizer)
    for step in range(5):
        training.step(step)
    other = copied(training)
    assert other.trainer.learning_rate == training.trainer.learning_rate
    assert [c.number for c in other.trainer.counters] == [5]
    same_bits(other.values(), training.values())
    for step in range(5, 9):
        training.step(step)
    after = training.values()
    for step in range(5, 9):
        other.step(step)
    same_bits(other.values(), after)
    same_bits(training.values(), after)


def test_a_model_and_its_trainer_that_are_copied_together_stay_together(backend, copied):
    first = Model()
    first.train(0, 3)
    second = Model.__new__(Model)
    second.X, second.y, second.model, second.trainer, second.cost = copied(
        (first.X, first.y, first.model, first.trainer, first.cost)
    )
    assert second.trainer.cost is second.cost
    assert second.trainer.parameters == second.model.parameters
    assert second.trainer.counters == [second.model.counter]
    assert all(a is not b for a, b in zip(first.model.parameters, second.model.parameters, strict=True))
    same_bits(second.train(3, 6), first.train(3, 6))
    same_bits(second.values(), first.values())
    first.train(6, 8)
    assert second.trainer.snapshot().optimizer.steps == 6


def test_a_model_alone_brings_its_values_and_no_graph(backend, copied):
    first = Model()
    first.train(0, 2)
    model = copied(first.model)
    same_bits([np.array(mf.to_numpy(p.value)) for p in model.parameters], first.values())
    assert all(backend.owns(p.value) for p in model.parameters)
    assert [p.name for p in model.parameters] == [p.name for p in first.model.parameters]
    assert not any(p.outbound_nodes for p in model.parameters)
    assert str(model) == str(first.model)
    X = mf.Input("X")
    feed = first.feed(7)[first.X]
    value = mf.Program(model(X, training=False))({X: feed}).values
    expected = mf.Program(first.model(first.X, training=False))({first.X: feed}).values
    same_bits([mf.to_numpy(value)], [mf.to_numpy(expected)])


def test_a_shallow_copy_of_a_trainer_goes_on_apart(backend):
    training = Training()
    training.step(0)
    other = copy.copy(training.trainer)
    rate, training.trainer.learning_rate = training.trainer.learning_rate, 0.25
    assert other.learning_rate == rate
    for step in (1, 2):
        other.step(dict(zip((training.X, training.y), training.batch(step), strict=True)))
    assert other.snapshot().optimizer.steps == 3
    assert training.trainer.snapshot().optimizer.steps == 1
    training.step(3)
    assert training.trainer.snapshot().optimizer.steps == 2


def test_a_trainer_without_a_step_and_one_that_was_restored(copied):
    reference, training = Training(), Training()
    reference.step(0)
    copied(training).step(0)
    training.trainer.restore(reference.trainer.snapshot())
    other = copied(training)
    for t in (reference, training, other):
        t.step(1)
    same_bits(other.values(), reference.values())
    same_bits(training.values(), reference.values())


# Graphs and programs


def test_a_graph_keeps_its_shape_its_values_and_its_gradients(backend, copied):
    x, W = mf.Input("x"), mf.Parameter(np.ones((3, 2)), "W")
    hidden = x @ W
    a, b = mf.Tanh(hidden, name="a"), mf.Sigmoid(hidden, name="b")
    cost = mf.MSE(a + b + hidden, 0.0 * hidden, name="cost")
    graph = mf.topological_sort({x: np.arange(6.0).reshape(2, 3)}, cost)
    mf.forward_and_backward(graph, wrt=[W, x])
    again, other, feed = copied((cost, [a, b, hidden, W, x], {x: 1}))
    a2, b2, hidden2, W2, x2 = other
    assert list(feed) == [x2]
    assert a2.inbound_nodes == b2.inbound_nodes == [hidden2]
    assert hidden2.inbound_nodes == [x2, W2]
    assert [type(n) for n in hidden2.outbound_nodes] == [type(n) for n in hidden.outbound_nodes]
    assert repr(again) == repr(cost)
    for node, twin in ((cost, again), (a, a2), (W, W2)):
        assert backend.owns(twin.value)
        same_bits([mf.to_numpy(twin.value)], [mf.to_numpy(node.value)])
    same_bits([mf.to_numpy(W2.gradients[W2])], [mf.to_numpy(W.gradients[W])])
    with pytest.raises(errors.NoGradientError):
        a2.gradients[W2]
    before = np.array(mf.to_numpy(W.gradients[W]))
    x2.value = np.ones((2, 3))
    twins = mf.topological_sort({x2: np.arange(6.0).reshape(2, 3)})
    assert twins[-1] is again
    assert [str(n) for n in mf.topological_sort({x: np.arange(6.0).reshape(2, 3)})] == [str(n) for n in twins]
    mf.forward_and_backward(twins, wrt=[W2, x2])
    same_bits([mf.to_numpy(W2.gradients[W2])], [before])


def test_a_node_that_is_made_after_a_copy_is_younger(copied):
    x = mf.Parameter(1.0, "x")
    first, second = copied([mf.Neg(x), mf.Tanh(x)])
    assert first.serial < second.serial < mf.Neg(x).serial
    assert len({x.serial, first.serial, second.serial, first.inbound_nodes[0].serial}) == 4


def test_a_program_shows_and_gives_the_same(backend, copied):
    first = Model()
    program = mf.Program(first.cost, first.model.parameters)
    program(first.feed(0))
    feed = first.feed(1)
    other, X, y, counter, parameters = copied((program, first.X, first.y, first.model.counter, first.model.parameters))
    assert str(other).rpartition("\n")[0] == str(program).rpartition("\n")[0]
    assert other.explain() == "not captured yet"
    expected, got = program(feed), other({X: feed[first.X], y: feed[first.y]})
    assert counter.number == 2
    same_bits([mf.to_numpy(got.values)], [mf.to_numpy(expected.values)])
    for p, q in zip(first.model.parameters, parameters, strict=True):
        same_bits([mf.to_numpy(got.gradients[q])], [mf.to_numpy(expected.gradients[p])])


def test_a_subclass_with_attributes_of_its_own(backend, copied):
    class_of = Scaled
    x = mf.Parameter(np.ones(2), "x")
    node = class_of(x, backend.asarray(np.asarray([2.0, 3.0])))
    twin = copied(node)
    assert type(twin) is class_of
    assert backend.owns(twin.factor)
    assert mf.to_numpy(mf.Program(twin)().values).tolist() == [2.0, 3.0]


class Scaled(mf.Elementwise):
    """x times an array that the node has."""

    def __init__(self, x, factor):
        super().__init__([x])
        self.factor = factor
        self.me = self  # a circle

    def compute(self, xp, x):
        return x * self.factor


def test_bfloat16_stays_bfloat16(copied):
    torch = pytest.importorskip("torch")
    p = mf.Parameter(np.asarray([1.0, 2.0], "float32"), "p", dtype="bfloat16")
    with mf.use_backend("torch"):
        trainer = mf.Trainer(mf.MSE(p, 0.0 * p), mf.Adam(0.1))
        trainer.step()
        other = copied(trainer)
        assert other.parameters[0].value.dtype == torch.bfloat16
        for t in (trainer, other):
            t.step()
        assert torch.equal(other.parameters[0].value, p.value)


def test_what_was_pickled_on_one_backend_loads_on_another(backend):
    training = Training()
    with mf.use_backend("numpy"):
        training.step(0)
        expected = training.values()
        pickled = pickle.dumps(training)
    other = pickle.loads(pickled)
    same_bits(other.values(), expected)
    other.step(1)
    assert all(backend.owns(p.value) for p in other.parameters)
    with mf.use_backend("strict"):
        third = pickle.loads(pickle.dumps(other))
        third.step(2)
        assert third.trainer.snapshot().optimizer.steps == 3


def test_a_pickle_needs_no_library_but_numpy(run_python):
    """Values of PyTorch and JAX are pickled as NumPy's: whoever loads them need not have these."""
    blobs = []
    for name in ("torch", "jax"):
        pytest.importorskip(name)
        with mf.use_backend(name):
            first = Model()
            first.train(0, 2)
            blobs.append(pickle.dumps((first.model, first.trainer)).hex())
    done = run_python(
        "import pickle, sys\n"
        "for blob in sys.argv[1:]:\n"
        "    model, trainer = pickle.loads(bytes.fromhex(blob))\n"
        "    print(trainer.snapshot().optimizer.steps, type(model.parameters[0].value).__module__)\n"
        "print({'torch', 'jax'} & set(sys.modules))",
        *blobs,
    )
    assert done.stdout.splitlines() == ["2.0 numpy"] * len(blobs) + ["set()"]


# Long chains


def chain(length):
    node = x = mf.Parameter(np.asarray(0.5), "x")
    for _ in range(length):
        node = mf.Neg(node)
    return mf.topological_sort({x: 0.5}, node)


@pytest.mark.parametrize("form", ["the last node", "in order", "in reverse", "a trainer"])
def test_a_long_chain_is_no_recursion(copied, form):
    graph = chain(5_000 if form == "the last node" else 2_000)
    thing = {"in order": graph, "in reverse": graph[::-1], "a trainer": mf.Trainer(graph[-1])}.get(form, graph[-1])
    twin = copied(thing)
    last = {"in order": lambda: twin[-1], "in reverse": lambda: twin[0], "a trainer": lambda: twin.cost}
    found = mf.topological_sort({}, last.get(form, lambda: twin)())
    assert len(found) == len(graph)
    assert not set(found) & set(graph)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_the_work_of_a_copy_is_linear_in_the_nodes(how, order):
    graphs = {n: chain(n) for n in (1000, 2000)}
    for thing in (lambda n: graphs[n][-1], lambda n: graphs[n][::order]):
        assert is_linear(lambda n, thing=thing: HOW[how](thing(n)), 1000)


# Other processes and tools


def values_after_a_step(training, step):
    training.step(step)
    return training.values()


def test_another_process_that_is_spawned_goes_on():
    training = Training()
    training.step(0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(values_after_a_step, (training, 1))
    same_bits(found, values_after_a_step(training, 1))


def test_joblib_dumps_loads_and_runs_it_in_other_processes(tmp_path):
    joblib = pytest.importorskip("joblib")
    training = Training()
    training.step(0)
    joblib.dump(training, tmp_path / "training")
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(values_after_a_step)(training, step) for step in (1, 2))
    for step in (1, 2):
        same_bits(found[step - 1], values_after_a_step(joblib.load(tmp_path / "training"), step))


def test_clone_of_scikit_learn_copies_a_model():
    base = pytest.importorskip("sklearn.base")

    class Estimator(base.BaseEstimator):
        def __init__(self, model=None):
            self.model = model

    first = Model()
    first.train(0, 2)
    model = base.clone(Estimator(first.model)).model
    assert model is not first.model
    same_bits([np.array(p.value) for p in model.parameters], first.values())
    first.train(2, 3)
    assert not np.array_equal(model.parameters[0].value, first.values()[0])


def test_a_copied_feed_leads_to_its_graph(copied):
    X, W = mf.Input("X"), mf.Parameter(np.ones((2, 1)), "W")
    mf.Tanh(X @ W)
    feed = {X: np.ones((3, 2))}
    assert [type(n) for n in mf.topological_sort(copied(feed))] == [type(n) for n in mf.topological_sort(feed)]
