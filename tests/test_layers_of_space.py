"""Convolution, pooling, embedding, attention: values and gradients are those of PyTorch; a network of them trains."""

import copy
import pickle

import numpy as np
import pytest
from closeness import assert_close, rounding

import miniflow_xp as mf
from miniflow_xp import checkpoints, errors
from miniflow_xp.layers.initialisers import glorot, he
from miniflow_xp.metrics import accuracy
from miniflow_xp.ops.attention import Attention

pytestmark = pytest.mark.filterwarnings("ignore:the step is not captured as a CUDA graph")  # by CuPy, which says it

RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.uniform(-1, 1, shape)


def with_gradients(node, leaves, arrays, weights=None):
    """Value of a node, and gradients of some leaves, for random weights of its elements."""
    value = mf.to_numpy(mf.Program(node)(dict(zip(leaves, arrays, strict=True))).values)
    weights = np.random.default_rng(1).uniform(-1, 1, value.shape).astype(value.dtype) if weights is None else weights
    floats = [leaf for leaf in leaves if leaf.dtype is None]
    found = mf.Program(node, floats)(dict(zip(leaves, arrays, strict=True)), seeds={node: weights})
    return mf.to_numpy(found.values), [mf.to_numpy(found.gradients[leaf]) for leaf in floats], weights


def of_torch(function, arrays, weights):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    tensors = [torch.tensor(np.asarray(a), requires_grad=np.asarray(a).dtype.kind == "f") for a in arrays]
    value = function(torch.nn.functional, *tensors)
    value.backward(torch.tensor(weights))
    return value.detach().numpy(), [t.grad.numpy() for t in tensors if t.requires_grad]


def assert_like_torch(node, leaves, arrays, function):
    value, gradients, weights = with_gradients(node, leaves, arrays)
    expected, slopes = of_torch(function, arrays, weights)
    bound = rounding(str(value.dtype), *arrays, expected) * 4
    assert_close(value, expected, bound)
    for gradient, slope in zip(gradients, slopes, strict=True):
        assert_close(gradient, slope, bound)


CONVOLUTIONS = {
    "plain": ({}, {}),
    "stride": ({"stride": 2}, {"stride": 2}),
    "same": ({"padding": "same"}, {"padding": "same"}),
    "padded, dilated": ({"padding": 2, "dilation": 2, "stride": 3}, {"padding": 2, "dilation": 2, "stride": 3}),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("settings", CONVOLUTIONS)
def test_convolution_is_that_of_torch(settings, dtype, backend):
    ours, torchs = CONVOLUTIONS[settings]
    for kind, space, size, called in (
        (mf.Conv1D, (9,), 3, "conv1d"),
        (mf.Conv2D, (7, 6), (3, 3) if settings == "same" else (3, 2), "conv2d"),  # torch warns of even sizes
    ):
        layer = kind(2, 4, size, **ours, dtype=dtype)
        x, (weights, biases) = mf.Input("x"), layer.parameters
        arrays = [a.astype(dtype) for a in (drawn(3, 2, *space), drawn(*weights.value.shape), drawn(4))]

        def function(torch, x, W, b, called=called):
            return getattr(torch, called)(x, W.movedim(-1, 0), b, **torchs)

        leaves = [mf.Input("x"), mf.Input("W"), mf.Input("b")]
        node = type(layer(x))(*leaves, windows=layer.windows)
        assert_like_torch(node, leaves, arrays, function)
        weights.value, biases.value = arrays[1:]
        value = mf.to_numpy(mf.Program(layer(x))({x: arrays[0]}).values)
        assert_close(value, mf.to_numpy(mf.Program(node)(dict(zip(leaves, arrays, strict=True))).values), 0)


def test_same_padding_with_a_stride_gives_a_place_for_each_stride_begun():
    x = mf.Input("x")
    for length, stride in ((7, 2), (8, 2), (8, 3), (5, 7)):
        value = mf.Program(mf.Conv1D(1, 1, 3, stride=stride, padding="same")(x))({x: drawn(2, 1, length)}).values
        assert value.shape == (2, 1, -(-length // stride))
    value = mf.Program(mf.Conv2D(1, 1, (5, 3), stride=(1, 2), padding=(2, 0))(x))({x: drawn(2, 1, 6, 7)}).values
    assert value.shape == (2, 1, 6, 3)


POOLS = {
    "2": (2, None, "valid", {"kernel_size": 2}),
    "3 by 2": (3, 2, "valid", {"kernel_size": 3, "stride": 2}),
    "3 by 1, padded": (3, 1, 1, {"kernel_size": 3, "stride": 1, "padding": 1}),
}


@pytest.mark.parametrize("settings", POOLS)
@pytest.mark.parametrize("kind", ["max", "mean"])
def test_pooling_is_that_of_torch(kind, settings, backend):
    size, stride, padding, torchs = POOLS[settings]
    layer = (mf.MaxPool if kind == "max" else mf.MeanPool)(size, stride, padding=padding)
    for space in ((7,), (6, 5)):
        x, array = mf.Input("x"), RNG.permutation(np.arange(2 * 3 * np.prod(space)) / 50).reshape(2, 3, *space)

        def function(torch, x):
            found = getattr(torch, f"{'max' if kind == 'max' else 'avg'}_pool{x.ndim - 2}d")
            return found(x, **torchs, **({} if kind == "max" else {"count_include_pad": False}))

        assert_like_torch(layer(x), [x], [array], function)


def test_equal_elements_of_a_window_share_its_gradient(backend):
    x = mf.Input("x")
    _, (gradient,), _ = with_gradients(mf.MaxPool(2)(x), [x], [np.ones((1, 1, 4))], np.array([[[1.0, 3.0]]]))
    assert_close(gradient, [[[0.5, 0.5, 1.5, 1.5]]], 0)


def test_a_pool_takes_sizes_for_each_axis():
    x = mf.Input("x")
    value = mf.Program(mf.MaxPool((2, 3), stride=(1, 3))(x))({x: drawn(2, 1, 6, 7)}).values
    assert value.shape == (2, 1, 5, 2)


def test_flatten_gives_a_row_for_each_example(backend):
    x, array = mf.Input("x"), drawn(3, 2, 4, 5)
    value, (gradient,), weights = with_gradients(mf.Flatten()(x), [x], [array])
    assert_close(value, array.reshape(3, 40), 0)
    assert_close(gradient, weights.reshape(array.shape), 0)


@pytest.mark.parametrize("shape", [(4,), (2, 3), ()])
def test_embedding_is_that_of_torch(shape, backend):
    layer = mf.Embedding(5, 3, dtype="float64")
    i, table = mf.Input("i", dtype=int), layer.parameters[0]
    indices = np.asarray(RNG.integers(0, 5, shape))
    node = layer(i)
    weights = drawn(*shape, 3)
    found = mf.Program(node, [table])({i: indices}, seeds={node: weights})
    arrays = [indices, np.array(mf.to_numpy(table.value))]
    expected, (slope,) = of_torch(lambda torch, i, table: torch.embedding(i, table), arrays, weights)
    assert_close(mf.to_numpy(found.values), expected, 0)
    assert_close(mf.to_numpy(found.gradients[table]), slope, rounding("float64", weights))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_that_of_torch(masked, causal, backend):
    if masked and causal:
        pytest.skip("torch takes one of them")
    q, k, v, mask = mf.Input("q"), mf.Input("k"), mf.Input("v"), mf.Input("mask", dtype=int)
    arrays = [drawn(2, 4, 6), drawn(2, 5, 6), drawn(2, 5, 6)]
    seen = np.array([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [0, 1, 0, 1, 0], [0, 0, 0, 0, 1]])

    def function(torch, q, k, v, *_):
        parts = [x.unflatten(-1, (3, 2)).movedim(-2, -3) for x in (q, k, v)]
        options = {"attn_mask": _[0] != 0} if _ else {"is_causal": causal}
        return torch.scaled_dot_product_attention(*parts, **options).movedim(-3, -2).flatten(-2)

    leaves, given = ([q, k, v, mask], [*arrays, seen]) if masked else ([q, k, v], arrays)
    node = Attention(*leaves, heads=3, causal=causal)
    assert_like_torch(node, leaves, given, function)


def test_a_query_that_sees_nothing_gives_0(backend):
    q, mask = mf.Input("q"), mf.Input("mask", dtype=int)
    array = drawn(3, 2)
    value, (gradient,), _ = with_gradients(Attention(q, q, q, mask), [q, mask], [array, np.diag([1, 0, 1])])
    assert_close(value, array * [[1], [0], [1]], rounding("float64", array))
    assert np.all(np.isfinite(gradient))


def test_multi_head_attention_is_that_of_torch(backend):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    layer = mf.MultiHeadAttention(6, 2, dtype="float64", seed=0)
    x, context, array, other = mf.Input("x"), mf.Input("context"), drawn(2, 4, 6), drawn(2, 3, 6)
    its = torch.nn.MultiheadAttention(6, 2, batch_first=True, dtype=torch.float64)
    values = {name: torch.tensor(np.array(mf.to_numpy(p.value))) for name, p in layer.own.items()}
    with torch.no_grad():
        its.in_proj_weight[:] = torch.cat([values[f"{step} weights"].T for step in ("query", "key", "value")])
        its.in_proj_bias[:] = 0
        its.out_proj.weight[:] = values["output weights"].T
        its.out_proj.bias[:] = 0
        alone = its(*[torch.tensor(array)] * 3)[0].numpy()
        crossed = its(torch.tensor(array), *[torch.tensor(other)] * 2)[0].numpy()
    bound = rounding("float64", array, np.ones((36, 4)))
    assert_close(mf.to_numpy(mf.Program(layer(x))({x: array}).values), alone, bound)
    node = layer(x, context=context)
    assert_close(mf.to_numpy(mf.Program(node)({x: array, context: other}).values), crossed, bound)


def small_models():
    attention = mf.MultiHeadAttention(4, 2, causal=True)
    yield mf.Sequential([mf.Conv1D(2, 3, 3, mf.Tanh, padding="same"), mf.MeanPool(2), mf.Flatten()], seed=0), (2, 2, 6)
    yield mf.Sequential([mf.Conv2D(1, 2, 2, stride=2), mf.MaxPool(2), mf.Flatten()], seed=0), (2, 1, 8, 8)
    yield mf.Sequential([attention, mf.LayerNorm(4)], seed=0), (2, 3, 4)


@pytest.mark.parametrize("number", range(3))
def test_gradcheck_passes_models_of_them(number, backend):
    model, shape = list(small_models())[number]
    for parameter in model.parameters:
        parameter.value = np.asarray(parameter.value, dtype="float64")
    x, y = mf.Input("x"), mf.Input("y")
    target = drawn(*mf.Program(model(x))({x: drawn(*shape)}).values.shape)
    mf.gradcheck(mf.MSE(y, model(x)), {x: drawn(*shape), y: target}, elements=10)


# Layers as the others


def test_initialisers_names_and_tables():
    layers = [mf.Conv2D(1, 4, 3, mf.ReLU), mf.MaxPool(2), mf.Flatten(), mf.Dense(36, 2), mf.Embedding(7, 2)]
    model = mf.Sequential(layers, seed=0)
    assert [p.name for p in model.parameters] == [
        "conv2d_1 weights",
        "conv2d_1 biases",
        "dense_1 weights",
        "dense_1 biases",
        "embedding_1 weights",
    ]
    assert (layers[0].initialiser, mf.Conv1D(1, 1, 1).initialiser) == (he, glorot)
    assert model.count == 40 + 74 + 14
    assert "conv2d_1     Conv2D     ?" in str(model)
    again = mf.Sequential([mf.Conv2D(1, 4, 3, mf.ReLU)], seed=0)
    assert np.array_equal(again.parameters[0].value, model.parameters[0].value)
    names = [p.name for p in mf.Sequential([mf.MultiHeadAttention(4, 2)]).parameters]
    assert names[:2] == ["multiheadattention_1 query weights", "multiheadattention_1 query biases"]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: mf.Conv2D(1, 1, (3, 3, 3)), "2: one for each axis"),
        (lambda: mf.Conv1D(1, 1, 0), "size"),
        (lambda: mf.Conv1D(1, 1, 3, padding="full"), "'valid', 'same'"),
        (lambda: mf.MaxPool(2, stride=(1, 2)), "one number, as the size is"),
        (lambda: mf.MultiHeadAttention(6, 4), "heads divide units"),
        (lambda: mf.Sequential([mf.Dense(3, 5), mf.MultiHeadAttention(6, 2)]), "takes 6"),
    ],
)
def test_settings_that_do_not_fit_are_errors(build, said):
    with pytest.raises(errors.MiniflowError, match=said):
        build()


def test_an_index_outside_of_the_table_is_an_error_in_every_run(backend):
    """JAX would give NaN, or another row."""
    i, layer = mf.Input("i", dtype=int), mf.Embedding(3, 2)
    program = mf.Program(layer(i))
    program({i: np.array([0, 1])})
    for indices in ([0, 3], [-1, 0], [0, 1, 2, 3]):
        with pytest.raises(errors.LabelError, match="from 0 to 2"):
            program({i: np.array(indices)})


@pytest.mark.parametrize(
    ("layer", "fed", "said"),
    [
        (mf.Conv2D(3, 1, 2), np.ones((2, 4, 4, 3)), r"\(n, 3, …\)"),
        (mf.Conv1D(3, 1, 2), np.ones((2, 3)), r"then 1 of space"),
        (mf.Conv1D(1, 1, 5), np.ones((2, 1, 3)), "window of 5"),
        (mf.Embedding(3, 2), np.array([0, 3]), "go from 0 to 2"),
        (mf.Embedding(3, 2), np.array([0.0, 1.0]), "dtype=int"),
        (mf.MultiHeadAttention(4, 2), np.ones((2, 3, 5)), "4"),
    ],
)
def test_arrays_that_do_not_fit_are_errors(layer, fed, said):
    x = mf.Input("x", dtype=int if fed.dtype.kind == "i" else None)
    with pytest.raises(errors.MiniflowError, match=said):
        mf.Program(layer(x))({x: fed})


def network(seed=0):
    model = mf.Sequential(
        [mf.Conv2D(1, 8, 3, mf.ReLU, padding="same"), mf.MaxPool(2), mf.Flatten(), mf.Dense(128, 10)], seed=seed
    )
    images, labels = mf.Input("images", dtype="float32"), mf.Input("labels", dtype=int)
    return model, images, labels, mf.Trainer(mf.CrossEntropy(labels, model(images)), mf.engine.optim.Adam(0.01))


def digits():
    from miniflow_xp.data import load

    found = load("digits")
    order = np.random.default_rng(0).permutation(len(found.target))
    return found.features[order].astype("float32").reshape(-1, 1, 8, 8) / 16, found.target[order]


def test_a_convolutional_network_learns_digits(tmp_path):
    X, y = digits()
    model, images, labels, trainer = network()
    history = mf.fit(trainer, [images, labels], mf.Batches(X[:1400], y[:1400], batch_size=50), epochs=8)
    held_out = mf.Validation(
        [{images: X[1400:], labels: y[1400:]}], model(images, training=False), labels, {"accuracy": accuracy}
    )
    found = mf.evaluate(trainer.cost, held_out)
    assert found["accuracy"] > 0.95
    assert history[-1].cost < history[0].cost / 3
    assert "recorded and replayed" in trainer.explain()
    checkpoints.save(tmp_path / "digits.safetensors", checkpoints.trainer_state(trainer))
    _, others, targets, other = network(seed=1)
    checkpoints.restore(other, checkpoints.load(tmp_path / "digits.safetensors"))
    feed = X[:50], y[:50]
    expected = float(trainer.step(dict(zip([images, labels], feed, strict=True))))
    assert float(other.step(dict(zip([others, targets], feed, strict=True)))) == expected
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        a, b = (mf.Program(m(images, training=False))({images: X[:5]}).values for m in (again, model))
        assert np.array_equal(mf.to_numpy(a), mf.to_numpy(b))


def test_one_step_is_that_of_every_backend(backend):
    X, y = digits()
    costs = []
    for choice in ("numpy", backend):
        with mf.use_backend(choice):
            _, images, labels, trainer = network()
            costs.append([float(trainer.step({images: X[:16], labels: y[:16]})) for _ in range(3)])
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-4)


def test_embedded_sequences_are_classified(backend):
    """Which of two integers comes more often."""
    sequences = np.random.default_rng(0).integers(0, 2, (64, 5))
    wanted = (sequences.sum(1) > 2).astype(int)
    i, y = mf.Input("i", dtype=int), mf.Input("y", dtype=int)
    model = mf.Sequential([mf.Embedding(2, 4), mf.MultiHeadAttention(4, 2), mf.Flatten(), mf.Dense(20, 2)], seed=0)
    trainer = mf.Trainer(mf.CrossEntropy(y, model(i)), mf.engine.optim.Adam(0.05))
    costs = [float(trainer.step({i: sequences, y: wanted})) for _ in range(60)]
    assert costs[-1] < 0.1
