"""Layers own their Parameters, build nodes and share; models print as tables; initial values come from the host."""

import numpy as np
import pytest
from closeness import assert_close, central_differences, rounding

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.engine.optim import Adam
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.layers import Activation, Dense, Dropout, Layer, LayerNorm, Part, Sequential
from miniflow_xp.layers.initialisers import fans, glorot, he, ones, zeros
from miniflow_xp.ops.normalisation import Standardise


def values(layer):
    return [np.array(mf.to_numpy(p.value)) for p in layer.parameters]


def names(layer):
    return [p.name for p in layer.parameters]


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def run(node, feed):
    return mf.to_numpy(Program(node)(feed).values)


def digits_model(**options):
    layers = [Dense(784, 256), mf.ReLU, Dropout(0.1), LayerNorm(), Dense(256, 10)]
    return Sequential(layers, **options)


# What layers compute


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_model_computes_what_its_layers_say(dtype, backend):
    x = mf.Input("x")
    model = Sequential([Dense(3, 4, mf.Tanh), Dense(4, 2, use_bias=False), mf.Sigmoid], seed=1, dtype=dtype)
    W1, b1, W2 = values(model)
    data = np.random.default_rng(0).uniform(-1, 1, (5, 3)).astype(dtype)
    value = run(model(x), {x: data})
    expected = 1 / (1 + np.exp(-np.tanh(data @ W1 + b1) @ W2))
    assert str(value.dtype) == dtype
    assert_close(value, expected, rounding(dtype, data, W1, W2, expected))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(4, 5), (5,), (2, 3, 5), (2, 1)])
def test_layer_norm_is_that_of_torch(shape, dtype, backend):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    rng = np.random.default_rng(0)
    x, layer = mf.Input("x"), LayerNorm(shape[-1], dtype=dtype)
    scale, shift = layer.parameters
    drawn = [rng.uniform(-1, 1, s).astype(dtype) for s in (shape, shape[-1:], shape[-1:])]
    weights = rng.uniform(-1, 1, shape).astype(dtype)
    node = layer(x)
    result = Program(node, [x, scale, shift])(dict(zip((x, scale, shift), drawn, strict=True)), seeds={node: weights})
    tensors = [torch.tensor(d.astype("float64"), requires_grad=True) for d in drawn]
    value = torch.nn.functional.layer_norm(tensors[0], shape[-1:], tensors[1], tensors[2], eps=layer.epsilon)
    value.backward(torch.tensor(weights.astype("float64")))
    spread = np.sqrt(drawn[0].astype("float64").var(axis=-1).min() + layer.epsilon)  # what errors are divided by
    bound = rounding(dtype, *drawn, value.detach().numpy(), 1 / spread) / spread
    assert_close(mf.to_numpy(result.values), value.detach().numpy(), bound)
    for leaf, tensor in zip((x, scale, shift), tensors, strict=True):
        assert_close(mf.to_numpy(result.gradients[leaf]), tensor.grad.numpy(), bound)


@pytest.mark.parametrize("shape", [(4, 5), (5,), (2, 3, 4)])
def test_standardise_has_the_gradient_of_central_differences(shape, backend):
    rng = np.random.default_rng(0)
    row = np.linspace(-2, 2, shape[-1])  # of a spread above 1, with which the higher derivatives shrink
    x, data, weights = mf.Input("x"), rng.permuted(np.broadcast_to(row, shape), axis=-1), rng.uniform(-1, 1, shape)

    def function(x):
        d = x - x.mean(-1, keepdims=True)
        return d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-5)

    node = Standardise(x)
    result = Program(node, [x])({x: data}, seeds={node: weights})
    assert_close(mf.to_numpy(result.values), function(data), rounding("float64", data))
    expected, error = central_differences(function, [data], weights, 0)
    assert_close(mf.to_numpy(result.gradients[x]), expected, error)


def test_gradcheck_passes_layer_norm(backend):
    x, y = mf.Input("x"), mf.Input("y")
    model = Sequential([Dense(3, 4), LayerNorm(), mf.Tanh, Dense(4, 2)], seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    mf.gradcheck(mf.MSE(y, model(x)), {x: rng.uniform(-1, 1, (5, 3)), y: rng.uniform(-1, 1, (5, 2))}, elements=10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_standardise_of_huge_equal_and_nan_numbers(dtype, backend):
    x = mf.Input("x")
    value = run(Standardise(x), {x: np.array([[1e4, -1e4], [3, 3], [np.nan, 1]], dtype=dtype)})
    one = 1e4 / np.sqrt(1e8 + 1e-5)
    assert_close(value[:2], [[one, -one], [0, 0]], rounding(dtype, np.ones(2)))
    assert np.all(np.isnan(value[2]))


def test_standardise_needs_an_axis():
    x = mf.Input("x")
    with pytest.raises(errors.ShapeError, match="axis"):
        run(Standardise(x), {x: 1.0})


# Sharing


def test_a_layer_called_twice_shares_its_parameters(backend):
    """f(f(x)): one pair of Parameters, whose gradient is the sum over both calls."""
    x, y, layer = mf.Input("x"), mf.Input("y"), Dense(3, 3, seed=0, dtype="float64")
    cost = mf.MSE(y, layer(layer(x)))
    leaves = Program(cost).graph.leaves
    assert {leaf for leaf in leaves if isinstance(leaf, mf.Parameter)} == set(layer.parameters)
    rng = np.random.default_rng(0)
    feed = {x: rng.uniform(-1, 1, (4, 3)), y: rng.uniform(-1, 1, (4, 3))}
    mf.gradcheck(cost, feed)


def test_prediction_has_the_parameters_that_training_left(backend):
    x, y, model = mf.Input("x"), mf.Input("y"), Sequential([Dense(3, 8, mf.ReLU), Dropout(0.5), Dense(8, 2)], seed=0)
    rng = np.random.default_rng(0)
    data, target = rng.uniform(-1, 1, (6, 3)).astype("float32"), rng.uniform(-1, 1, (6, 2)).astype("float32")
    trainer, predict = Trainer(mf.MSE(y, model(x)), Adam(0.1)), Program(model(x, training=False))
    before = mf.to_numpy(predict({x: data}).values)
    for _ in range(3):
        trainer.step({x: data, y: target})
    W1, b1, W2, b2 = values(model)
    after = mf.to_numpy(predict({x: data}).values)
    assert np.any(before != after)
    expected = np.maximum(data @ W1 + b1, 0) @ W2 + b2
    assert_close(after, expected, rounding("float32", data, W1, W2, expected))


def test_a_shared_layer_is_listed_and_counted_once():
    layer = Dense(4, 4)
    model = Sequential([layer, mf.Tanh, layer], seed=0)
    assert len(model) == 3
    assert model.parameters == layer.parameters
    assert len(model.parameters) == 2
    assert model.count == 20


# Initial values


def test_values_come_from_the_seed_on_the_host():
    assert same(values(digits_model(seed=3)), values(digits_model(seed=3)))
    assert not same(values(digits_model(seed=3)), values(digits_model(seed=4)))
    assert all(isinstance(p.value, np.ndarray) for p in digits_model(seed=0).parameters)


def test_every_backend_starts_with_the_same_numbers(backend):
    expected = values(digits_model(seed=3))
    model = digits_model(seed=3)
    x = mf.Input("x")
    mf.forward_pass(mf.topological_sort({x: np.ones((2, 784), "float32")}, model(x)))
    assert all(backend.owns(p.value) for p in model.parameters)
    assert same(values(model), expected)


def test_values_do_not_depend_on_which_are_read_first_or_on_what_was_made_before():
    Dense(5, 5).parameters  # noqa: B018  draws
    early, late = digits_model(seed=3), digits_model(seed=3)
    early[4].parameters  # noqa: B018  draws the last layer first
    assert same(values(early), values(late))


def test_layers_of_one_model_start_apart():
    for layers in ([Dense(4, 4), Dense(4, 4)], [Sequential([Dense(4, 4)]), Sequential([Dense(4, 4)])]):
        first, _, second, _ = values(Sequential(layers, seed=0))
        assert np.all(first != second)


def test_without_a_seed_each_model_and_layer_starts_apart():
    for build in (lambda: Dense(4, 4), lambda: Sequential([Dense(4, 4)])):
        assert np.all(values(build())[0] != values(build())[0])


def test_a_layers_own_seed_counts_wherever_it_is():
    expected = values(Dense(4, 4, seed=7))
    assert same(values(Sequential([mf.ReLU, Dense(4, 4, seed=7)], seed=1)), expected)
    assert not same(values(Sequential([Dense(4, 4)], seed=7)), expected)


def test_an_inner_model_takes_the_seed_of_the_outer_one():
    def build():
        return Sequential([Sequential([Dense(4, 4)]), Dense(4, 4)], seed=5)

    assert same(values(build()), values(build()))


def test_what_is_drawn_stays_when_it_becomes_part_of_a_model():
    layer = Dense(4, 4)
    before = values(layer)
    assert same(values(Sequential([layer], seed=0)), before)


def test_dtypes_are_drawn_in_float64_and_rounded():
    wide = values(Sequential([Dense(4, 4)], seed=0, dtype="float64"))
    for dtype in ("float32", "float16"):
        narrow = values(Sequential([Dense(4, 4)], seed=0, dtype=dtype))
        assert same(narrow, [w.astype(dtype) for w in wide])
    assert [v.dtype for v in values(Dense(4, 4))] == [np.float32] * 2
    mixed = Sequential([Dense(4, 4, dtype="float64"), Dense(4, 4)], dtype="float16")
    assert [str(v.dtype) for v in values(mixed)] == ["float64"] * 2 + ["float16"] * 2


def test_bfloat16_is_the_backends():
    pytest.importorskip("torch", reason="NumPy has no bfloat16: pip install torch")
    x, model = mf.Input("x", dtype="bfloat16"), Dense(4, 4, dtype="bfloat16")
    with mf.use_backend("torch"):
        graph = mf.topological_sort({x: np.ones((2, 4), "float32")}, model(x))
        assert [str(p.value.dtype) for p in model.parameters] == ["torch.bfloat16"] * 2
        assert str(mf.forward_pass(graph).dtype) == "torch.bfloat16"


@pytest.mark.parametrize(("initialiser", "variance"), [(glorot, 2 / (300 + 500)), (he, 2 / 300)])
def test_initialisers_have_their_variance(initialiser, variance):
    """Mean and variance of n draws, ± 5 standard deviations of each; a normal's fourth moment is 3, the widest here."""
    drawn = initialiser(np.random.default_rng(0), (300, 500))
    assert (drawn.shape, drawn.dtype) == ((300, 500), np.float64)
    assert abs(drawn.mean()) < 5 * np.sqrt(variance / drawn.size)
    assert abs(drawn.var() / variance - 1) < 5 * np.sqrt(2 / drawn.size)


def test_glorot_stays_within_its_limit_and_he_does_not():
    limit = np.sqrt(6 / 800)
    assert np.abs(glorot(np.random.default_rng(0), (300, 500))).max() <= limit
    assert np.abs(he(np.random.default_rng(0), (300, 500))).max() > 3 * np.sqrt(2 / 300)


def test_zeros_and_ones():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(zeros(rng, (2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(ones(rng, (3,)), np.ones(3))
    assert fans((2, 3, 4)) == (6, 4)


def test_dense_chooses_the_initialiser_for_its_activation():
    assert Dense(3, 4, mf.ReLU).initialiser is he
    assert Dense(3, 4, mf.Tanh).initialiser is glorot
    assert Dense(3, 4, mf.ReLU, initialiser=zeros).initialiser is zeros
    np.testing.assert_array_equal(values(Dense(3, 4, initialiser=ones))[0], np.ones((3, 4)))
    np.testing.assert_array_equal(values(Dense(3, 4))[1], np.zeros(4))


def test_an_initialiser_of_a_wrong_shape_is_an_error():
    layer = Dense(3, 4, initialiser=lambda rng, shape: np.ones(5), name="hidden")
    with pytest.raises(errors.ShapeError, match=r"hidden.*weights.*\(5,\).*\(3, 4\)"):
        layer.parameters  # noqa: B018  draws


# Names


def test_names_are_numbered_by_kind():
    model = Sequential([Dense(4, 4), mf.ReLU, Sequential([Dense(4, 4), LayerNorm()]), Dense(4, 2)])
    assert names(model) == [
        "dense_1 weights",
        "dense_1 biases",
        "dense_2 weights",
        "dense_2 biases",
        "layernorm_1 scale",
        "layernorm_1 shift",
        "dense_3 weights",
        "dense_3 biases",
    ]
    assert [layer.name for layer in model] == ["dense_1", "relu_1", "sequential_1", "dense_3"]


def test_names_do_not_depend_on_what_was_made_before():
    assert names(digits_model()) == names(digits_model())


def test_names_can_be_set_before_and_after():
    model = Sequential([Dense(4, 4, name="hidden"), Dense(4, 2)])
    assert names(model) == ["hidden weights", "hidden biases", "dense_1 weights", "dense_1 biases"]
    model[1].name = "output"
    assert names(model)[2:] == ["output weights", "output biases"]
    assert str(model[1](mf.Input("x"))) == "Linear 'output'"


def test_names_of_inner_models_stay_unique():
    parts = [Sequential([Dense(4, 4)]), Sequential([Dense(4, 4)])]
    assert names(parts[0]) == names(parts[1])
    assert len(set(names(Sequential(parts)))) == 4


def test_a_chosen_name_is_not_given_away():
    model = Sequential([Dense(4, 4), Dense(4, 4, name="dense_1")])
    assert names(model)[::2] == ["dense_2 weights", "dense_1 weights"]


def test_a_name_chosen_twice_is_an_error():
    with pytest.raises(errors.SettingError, match=r"hidden.*same name"):
        Sequential([Dense(4, 4, name="hidden"), Dense(4, 2, name="hidden")])


def test_layers_alone_have_names_of_their_own():
    assert Dense(4, 4).name != Dense(4, 4).name


# A model as a collection, and as a table


def test_a_model_is_a_collection_of_layers():
    model = digits_model()
    assert len(model) == len(list(model)) == 5
    assert [type(layer).__name__ for layer in model] == ["Dense", "Activation", "Dropout", "LayerNorm", "Dense"]
    assert [model[n] for n in range(-5, 5)] == [*model, *model]
    features = model[:-1]
    assert isinstance(features, Sequential)
    assert features.parameters == model.parameters[:4]
    with pytest.raises(IndexError):
        model[5]


def test_a_model_prints_as_a_table():
    model = Sequential(
        [Dense(784, 256), mf.ReLU, Dropout(0.1), Sequential([LayerNorm(), Dense(256, 10)]), lambda x: x * 2]
    )
    assert str(model) == (
        "layer        kind       output    parameters\n"
        "dense_1      Dense      (…, 256)     200,960\n"
        "relu_1       ReLU       (…, 256)           0\n"
        "dropout_1    Dropout    (…, 256)           0\n"
        "layernorm_1  LayerNorm  (…, 256)         512\n"
        "dense_2      Dense      (…, 10)        2,570\n"
        "function_1   function   ?                  0\n"
        "total                                204,042"
    )
    assert model.count == sum(p.value.size for p in model.parameters) == 204_042


def test_a_model_of_unknown_size_prints():
    text = str(Sequential([LayerNorm(), mf.ReLU]))
    assert [line.split()[-1] for line in text.splitlines()] == ["parameters", "?", "0", "?"]


def test_print_draws_nothing():
    model = Sequential([Dense(4, 4, initialiser=lambda rng, shape: 1 / 0)])
    assert "dense_1" in str(model)


# Layers of one's own


class Residual(Layer):
    """x + inner(x)."""

    def __init__(self, inner):
        super().__init__(children=[inner])

    def build(self, x, training):
        return x + self.children[0](x, training)


class Scale(Layer):
    def parts(self):
        return {"scale": Part((1,), ones)}

    def build(self, x, training):
        return x * self.own["scale"]


def test_layers_of_ones_own(backend):
    x = mf.Input("x")
    model = Sequential([Residual(Sequential([Dense(3, 3), Scale()])), Activation(mf.Tanh)], seed=0, dtype="float64")
    assert names(model) == ["dense_1 weights", "dense_1 biases", "scale_1 scale"]
    W, b, _ = values(model)
    data = np.random.default_rng(0).uniform(-1, 1, (4, 3))
    assert_close(run(model(x), {x: data}), np.tanh(data + data @ W + b), rounding("float64", data, W, data @ W + b))
    assert str(model).splitlines()[1].split() == ["residual_1", "Residual", "?", "13"]


# Mistakes


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Sequential([]), "no layers"),
        (lambda: Sequential([Dense(3, 4), 5]), "int"),
        (lambda: Sequential([mf.Input()]), "Input"),
        (lambda: Dense(0, 3), "inputs"),
        (lambda: Dense(3, -1), "units"),
        (lambda: Dense(3.0, 1), "inputs"),
        (lambda: Dense(True, 1), "inputs"),
        (lambda: LayerNorm(0), "units"),
        (lambda: Dense(3, 4, seed=-1), "seed"),
        (lambda: Dense(3, 4, seed="a"), "seed"),
        (lambda: Sequential([Dense(3, 4)], seed=1.5), "seed"),
        (lambda: Dense(3, 4, dtype="int32"), "dtype"),
        (lambda: Sequential([Dense(3, 4)], dtype="float8"), "dtype"),
        (lambda: LayerNorm().parameters, "how wide"),
    ],
)
def test_a_wrong_setting_is_an_error(make, text):
    with pytest.raises(errors.SettingError, match=text):
        make()


@pytest.mark.parametrize("second", [Dense(128, 10), LayerNorm(128), Sequential([mf.ReLU, Dense(128, 10, name="out")])])
def test_layers_that_do_not_fit_are_told_at_once(second):
    with pytest.raises(errors.ShapeError, match=r"256.*128"):
        Sequential([Dense(784, 256), mf.ReLU, second])


def test_a_layer_is_called_on_a_node():
    with pytest.raises(errors.GraphError, match=r"Dense 'hidden'.*ndarray"):
        Dense(3, 4, name="hidden")(np.ones((2, 3)))


def test_a_feed_of_another_width_names_the_layer(backend):
    x = mf.Input("x")
    model = Sequential([Dense(3, 4)])
    with pytest.raises(errors.ShapeError, match="dense_1"):
        run(model(x), {x: np.ones((2, 5), "float32")})


def test_importing_the_package_imports_no_array_library(run_python):
    run_python("import sys, miniflow_xp.engine.captures; assert not {'numpy', 'torch', 'jax'} & sys.modules.keys()")
