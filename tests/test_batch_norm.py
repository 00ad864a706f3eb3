"""Batch normalisation: values, gradients and running averages are those of PyTorch; they are part of a training."""

import copy
import pickle

import numpy as np
import pytest
from closeness import assert_close, rounding

import miniflow_xp as mf
from miniflow_xp import checkpoints, errors
from miniflow_xp.engine.optim import SGD, AdamW
from miniflow_xp.ops.batch_normalisation import Running

pytestmark = pytest.mark.filterwarnings("ignore:the step is not captured as a CUDA graph")  # by CuPy, which says it

SHAPES = [(6, 3), (4, 3, 5), (2, 3, 4, 2)]


def drawn(*shape):
    return np.random.default_rng(len(shape)).uniform(-2, 2, shape)


def averages(layer):
    return [np.array(mf.to_numpy(layer.own[name].value)) for name in ("mean", "variance")]


def of_torch(array, weights, training, mean, variance):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    tensors = [torch.tensor(a, requires_grad=True) for a in (array, np.array([1.0, 2.0, 3.0]), np.array([0.5, 0, -1]))]
    running = torch.tensor(mean), torch.tensor(variance)
    value = torch.nn.functional.batch_norm(tensors[0], *running, *tensors[1:], training=training)
    value.backward(torch.tensor(weights))
    return value.detach().numpy(), [t.grad.numpy() for t in tensors], [r.numpy() for r in running]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_that_of_torch(shape, training, backend):
    layer, x = mf.BatchNorm(3, dtype="float64"), mf.Input("x")
    scale, shift, mean, variance = layer.parameters
    scale.value, shift.value = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0, -1])
    mean.value, variance.value = np.array([0.1, -0.2, 0.3]), np.array([0.5, 1.0, 2.0])
    array, weights = drawn(*shape), drawn(*shape)[::-1].copy()
    value, slopes, _ = of_torch(array, weights, training, mean.value, variance.value)
    node = layer(x, training)
    found = mf.Program(node, [x, scale, shift])({x: array}, seeds={node: weights})
    bound = rounding("float64", array, value) * 10
    assert_close(mf.to_numpy(found.values), value, bound)
    for leaf, slope in zip((x, scale, shift), slopes, strict=True):
        assert_close(mf.to_numpy(found.gradients[leaf]), slope, bound)
    mf.gradcheck(mf.MSE(mf.Input("y"), node), {x: array, node.outbound_nodes[0].inbound_nodes[0]: weights}, elements=5)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_moves_the_averages_as_torch_does(shape, backend):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    layer, x, y = mf.BatchNorm(3, dtype="float64"), mf.Input("x"), mf.Input("y")
    trainer = mf.Trainer(mf.MSE(y, layer(x)), SGD(0.1))
    mean, variance = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    for n in range(3):
        array = drawn(*shape) + n
        trainer.step({x: array, y: array})
        torch.nn.functional.batch_norm(torch.tensor(array), mean, variance, training=True)
        for ours, its in zip(averages(layer), (mean, variance), strict=True):
            assert_close(ours, its.numpy(), rounding("float64", array, np.ones(9)))


def model(seed=0):
    x, y = mf.Input("x"), mf.Input("y")
    layers = [
        mf.Conv1D(2, 4, 3),
        mf.BatchNorm(4),
        mf.ReLU,
        mf.Flatten(),
        mf.Dense(16, 6),
        mf.BatchNorm(6),
        mf.Dense(6, 1),
    ]
    return mf.Sequential(layers, seed=seed), x, y


def data():
    X = np.random.default_rng(0).normal(size=(40, 2, 6)).astype("float32")
    return X, np.sin(X.sum(axis=(1, 2)))[:, None]


def test_the_optimizer_leaves_the_averages_alone(backend):
    """Weight decay and clipping are for what is trained; a model's Parameters may be handed over as they are."""
    network, x, y = model()
    trainer = mf.Trainer(mf.MSE(y, network(x)), AdamW(0.01, weight_decay=0.5).clipped(0.1), network.parameters)
    X, target = data()
    trainer.step({x: X, y: target})
    fresh, x2, _ = model()
    expected = 0.1 * mf.to_numpy(mf.Program(fresh[0](x2))({x2: X}).values).mean(axis=(0, 2))
    assert_close(averages(network[1])[0], expected, rounding("float32", X, np.ones(100)))
    assert [isinstance(p, Running) for p in trainer.parameters] == [False] * 10 + [True] * 4
    assert network.count == sum(np.size(mf.to_numpy(p.value)) for p in trainer.parameters[:10])


def test_training_fits_and_prediction_uses_the_averages(backend):
    network, x, y = model()
    trainer = mf.Trainer(mf.MSE(y, network(x)), AdamW(0.01))
    X, target = data()
    history = mf.fit(trainer, [x, y], mf.Batches(X, target, batch_size=20), epochs=30)
    assert history[-1].cost < history[0].cost / 2
    predicted = network(x, training=False)
    whole = mf.predict(predicted, [{x: X}])
    alone = mf.predict(predicted, [{x: X[n : n + 1]} for n in range(40)])
    np.testing.assert_allclose(alone, whole, rtol=1e-4, atol=1e-5)
    validation = mf.Validation([{x: X, y: target}], cost=mf.MSE(y, predicted))
    assert mf.evaluate(trainer.cost, validation)["cost"] < 2 * history[-1].cost


def test_a_network_is_not_judged_by_the_statistics_of_a_batch():
    network, x, y = model()
    X, target = data()
    with pytest.raises(errors.GraphError, match="training=False"):
        mf.evaluate(mf.MSE(y, network(x)), mf.Validation([{x: X, y: target}]))
    with pytest.raises(errors.GraphError, match="statistics of a batch"):
        mf.predict(network(x), [{x: X}])


def test_checkpoints_and_copies_hold_the_averages(backend, tmp_path):
    X, target = data()
    X = X.reshape(40, 12)

    def trained(seed):
        x, y = mf.Input("x"), mf.Input("y")
        network = mf.Sequential([mf.Dense(12, 6), mf.BatchNorm(6), mf.Tanh, mf.Dense(6, 1)], seed=seed)
        return network, {x: X, y: target}, mf.Trainer(mf.MSE(y, network(x)), AdamW(0.01))

    network, feed, trainer = trained(0)
    for _ in range(3):
        trainer.step(feed)
    checkpoints.save(tmp_path / "a.safetensors", checkpoints.trainer_state(trainer))
    other, its_feed, fresh = trained(1)
    checkpoints.restore(fresh, checkpoints.load(tmp_path / "a.safetensors"))
    copied = pickle.loads(pickle.dumps((network, list(feed), copy.deepcopy(trainer))))
    again, _, _ = copied
    for layer, its in ((network[1], other[1]), (network[1], again[1])):
        for a, b in zip(averages(layer), averages(its), strict=True):
            assert np.array_equal(a, b)
    twin = copy.deepcopy((trainer, list(feed)))
    pairs = ((trainer, feed), (fresh, its_feed), twin)
    costs = [float(t.step(dict(zip(leaves, feed.values(), strict=True)))) for t, leaves in pairs]
    assert costs[0] == costs[1] == costs[2]
    assert all(np.array_equal(a, b) for a, b in zip(averages(network[1]), averages(other[1]), strict=True))


def test_a_layer_called_twice_moves_its_averages_twice():
    layer, x, y = mf.BatchNorm(1, momentum=0.5, dtype="float64"), mf.Input("x"), mf.Input("y")
    trainer = mf.Trainer(mf.MSE(y, layer(x) + layer(x + 1.0)), SGD(0.1))
    trainer.step({x: np.array([[1.0], [3.0]]), y: np.zeros((2, 1))})
    assert_close(averages(layer)[0], [0.5 * (0.5 * 2) + 0.5 * 3], 1e-12)


def test_gradients_of_a_trainer_leave_the_averages_out():
    network, x, y = model()
    X, target = data()
    trainer = mf.Trainer(mf.MSE(y, network(x)))
    found = trainer.additive({x: X, y: target})
    assert found.shape == (sum(np.size(p.value) for p in network.parameters if not isinstance(p, Running)) + 2,)
    assert "next mean" in str(trainer)


@pytest.mark.parametrize(
    ("fed", "said"), [(np.ones((1, 2)), "more than one"), (np.ones((4, 3)), "2 channels"), (np.ones(4), "channels, …")]
)
def test_arrays_that_do_not_fit_are_errors(fed, said):
    x = mf.Input("x")
    with pytest.raises(errors.ShapeError, match=said):
        mf.Program(mf.BatchNorm(2)(x))({x: fed})
    with pytest.raises(errors.SettingError, match="momentum"):
        mf.BatchNorm(2, momentum=0)


def test_a_cost_that_is_nan_puts_the_averages_back():
    layer, x, y = mf.BatchNorm(2), mf.Input("x"), mf.Input("y")
    trainer = mf.Trainer(mf.MSE(y, layer(x)), SGD(0.1))
    X = np.arange(8.0, dtype="float32").reshape(4, 2)
    batches = [(X, X), (np.full_like(X, np.nan), X)]

    class Source:
        def epoch(self, number, start=0):
            yield from batches[start:]

    with pytest.raises(errors.DivergedError):
        mf.fit(trainer, [x, y], Source(), epochs=1)
    assert np.all(np.isfinite(averages(layer)[0]))
