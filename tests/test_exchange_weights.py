"""load_state_dict and state_dict: weights of PyTorch and Keras in our layers give the same outputs, there and back."""

import os
import pickle
import zipfile

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.exchange import load_state_dict, state_dict

random = np.random.default_rng(0)
F64 = {"dtype": "float64"}


def normal(*shape):
    return random.normal(size=shape)


def predicted(model, x):
    X = mf.Input("X", dtype=int if x.dtype.kind == "i" else None)
    return mf.to_numpy(mf.Program(model(X, training=False))({X: x}).values)


def values(model):
    return [mf.to_numpy(p.value).tolist() for p in model.parameters]


# PyTorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def redrawn(torch, module):
    """The module in float64 and for prediction, with numbers of its own in all that it holds."""
    module = module.double().eval()
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return module


LAYERS = {
    "Dense": (lambda: mf.Dense(4, 3, **F64), lambda nn: nn.Linear(4, 3), normal(5, 4)),
    "Dense without biases": (
        lambda: mf.Dense(4, 3, use_bias=False, **F64),
        lambda nn: nn.Linear(4, 3, bias=False),
        normal(5, 4),
    ),
    "Conv1D": (lambda: mf.Conv1D(2, 3, 3, stride=2, **F64), lambda nn: nn.Conv1d(2, 3, 3, stride=2), normal(5, 2, 9)),
    "Conv2D": (
        lambda: mf.Conv2D(2, 3, (3, 2), padding=(1, 0), dilation=2, **F64),
        lambda nn: nn.Conv2d(2, 3, (3, 2), padding=(1, 0), dilation=2),
        normal(5, 2, 9, 8),
    ),
    "LayerNorm": (lambda: mf.LayerNorm(6, **F64), lambda nn: nn.LayerNorm(6), normal(5, 6)),
    "BatchNorm": (lambda: mf.BatchNorm(3, **F64), lambda nn: nn.BatchNorm2d(3), normal(5, 3, 2, 2)),
    "Embedding": (lambda: mf.Embedding(7, 3, **F64), lambda nn: nn.Embedding(7, 3), np.arange(6).reshape(2, 3)),
    "a model": (
        lambda: mf.Sequential([mf.Dense(4, 5, mf.Tanh), mf.LayerNorm(), mf.Dense(5, 3)], **F64),
        lambda nn: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.LayerNorm(5), nn.Linear(5, 3)),
        normal(5, 4),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_torch_and_ours_give_the_same_there_and_back(name, torch):
    made, theirs, x = LAYERS[name]
    ours, module = made(), redrawn(torch, theirs(torch.nn))
    load_state_dict(ours, module.state_dict())
    expected = module(torch.tensor(x)).detach()
    np.testing.assert_allclose(predicted(ours, x), expected.numpy(), rtol=1e-12, atol=1e-12)

    other = redrawn(torch, theirs(torch.nn))
    other.load_state_dict(state_dict(ours, like=other.state_dict()), strict=True)
    assert torch.equal(other(torch.tensor(x)), module(torch.tensor(x)))
    again = made()
    load_state_dict(again, state_dict(ours))
    assert values(again) == values(ours)


def test_attention_of_torch_and_ours_give_the_same_there_and_back(torch):
    ours, x = mf.MultiHeadAttention(8, 2, **F64), normal(3, 5, 8)
    module = redrawn(torch, torch.nn.MultiheadAttention(8, 2, batch_first=True))
    load_state_dict(ours, module.state_dict())
    expected = module(*[torch.tensor(x)] * 3)[0].detach().numpy()
    np.testing.assert_allclose(predicted(ours, x), expected, rtol=1e-12)
    back = state_dict(ours, like=module.state_dict())
    assert all(torch.equal(back[name], tensor) for name, tensor in module.state_dict().items())


def two(torch):
    module = torch.nn.Sequential(*[torch.nn.Linear(4, 4) for _ in range(11)])
    return redrawn(torch, module), mf.Sequential([mf.Dense(4, 4) for _ in range(11)], **F64)


@pytest.mark.parametrize("ending", [".pt", ".pth", ".safetensors"])
def test_files_of_torch_keep_the_order_of_the_layers(ending, torch, tmp_path):
    module, ours = two(torch)
    path = tmp_path / f"weights{ending}"
    if ending == ".safetensors":
        pytest.importorskip("safetensors.torch").save_file(module.state_dict(), path)
    else:
        torch.save(module.state_dict(), path)
    assert list(load_state_dict(ours, path).values()) == [str(n) for n in range(11)]
    x = normal(3, 4)
    np.testing.assert_allclose(predicted(ours, x), module(torch.tensor(x)).detach().numpy(), rtol=1e-12)


def test_where_a_file_does_not_tell_the_order_names_are_asked_for(torch, tmp_path):
    save = pytest.importorskip("safetensors.torch").save_file
    module = redrawn(torch, torch.nn.ModuleDict({"encode": torch.nn.Linear(4, 4), "decode": torch.nn.Linear(4, 4)}))
    save(module.state_dict(), tmp_path / "w.safetensors")
    ours = mf.Sequential([mf.Dense(4, 4), mf.Dense(4, 4)], **F64)
    with pytest.raises(errors.DataError, match=r"'decode' and 'encode' have the same shapes.*names="):
        load_state_dict(ours, tmp_path / "w.safetensors")
    names = {"dense_1": "encode", "dense_2": "decode"}
    assert load_state_dict(ours, tmp_path / "w.safetensors", names=names) == names
    assert values(ours)[0] == module["encode"].weight.T.tolist()


def state(**changed):
    """A state dictionary that fits ``model``, but for what is changed; None takes an item out."""
    found = {"0.weight": normal(3, 4), "0.bias": normal(3), "1.weight": normal(2, 3), "1.bias": normal(2)}
    return {k: v for k, v in {**found, **{k.replace("_", "."): v for k, v in changed.items()}}.items() if v is not None}


WRONG = [
    (state(**{"1_weight": normal(3, 2)}), errors.ShapeError, r"'1.weight' for Dense 'dense_2': its shape is \(3, 2\)"),
    (state(**{"1_bias": None}), errors.DataError, r"'1' for Dense 'dense_2': 'bias' is missing"),
    (state(**{"1_scale": normal(2)}), errors.DataError, "'scale' belongs to no part of it"),
    (state(**{"2_weight": normal(2, 2)}), errors.DataError, "there are 3 layers with weights: '0', '1', '2'"),
    ({}, errors.DataError, "there are 0 layers with weights: none"),
    (state(**{"0_bias": np.ones(3, dtype="int64")}), errors.DtypeError, "it is int64"),
    (state(**{"0_bias": np.ones(3, dtype="complex128")}), errors.DtypeError, "it is complex128"),
]


@pytest.mark.parametrize(("source", "error", "words"), WRONG)
def test_what_does_not_fit_is_named_and_nothing_changes(source, error, words):
    model = mf.Sequential([mf.Dense(4, 3), mf.Dense(3, 2)], **F64)
    before = values(model)
    with pytest.raises(error, match=words):
        load_state_dict(model, source)
    assert values(model) == before


def test_nothing_is_narrowed_in_silence(torch):
    model, module = mf.Dense(4, 3), torch.nn.Linear(4, 3)
    with pytest.raises(errors.DtypeError, match="Make the model in float64"):
        load_state_dict(model, state_dict(mf.Dense(4, 3, **F64)))
    with pytest.raises(errors.DtypeError, match="kept as float32"):
        state_dict(mf.Dense(4, 3, **F64), like=module.state_dict())
    load_state_dict(mf.Dense(4, 3, **F64), module.state_dict())  # wider


def test_wrong_things_are_refused():
    class Own(mf.Layer):
        def parts(self):
            return mf.Dense(2, 2).parts()

    with pytest.raises(errors.SettingError, match="no layer that PyTorch and Keras have"):
        load_state_dict(Own(), {})
    with pytest.raises(errors.SettingError, match="it is a layer or a model"):
        load_state_dict({}, mf.Dense(2, 2))
    with pytest.raises(errors.SettingError, match="'torch' or 'keras'"):
        state_dict(mf.Dense(2, 2), form="flax")
    with pytest.raises(errors.DataError, match="names says None for Dense 'dense_2'"):
        load_state_dict(mf.Sequential([mf.Dense(4, 3), mf.Dense(3, 2)]), state(), names={"dense_1": "0"})


def test_an_error_names_the_function_that_was_called():
    class Own(mf.Layer):
        def parts(self):
            return mf.Dense(2, 2).parts()

    flattened = mf.Sequential([mf.Conv2D(1, 2, 3), mf.Flatten(), mf.Dense(8, 2)], seed=0)
    for call in (
        lambda: state_dict(Own()),
        lambda: state_dict(flattened, form="keras"),
        lambda: state_dict(mf.Dense(3, 2), like={}),
        lambda: state_dict(mf.Dense(3, 2), like={"weight": [1.0]}),
        lambda: state_dict(mf.Dense(3, 2), like={"weight": np.ones((3, 3)), "bias": np.ones(3)}),
        lambda: state_dict(mf.Dense(3, 2), like={"weight": np.ones((2, 3))}),
    ):
        with pytest.raises(errors.MiniflowError, match=r"^state_dict"):
            call()


class Runs:
    """A pickle that runs code when it is read."""

    def __reduce__(self):
        return print, ("it ran",)


def bad_files(torch, folder):
    """{name: what is wrong with it} of files that are no weights, written here."""
    torch.save(torch.ones(2), folder / "tensor.pt")
    (folder / "code.pt").write_bytes(pickle.dumps(Runs(), protocol=2))
    torch.save(Runs(), folder / "codes.pt")
    (folder / "none.pt").write_bytes(b"")
    (folder / "noise.safetensors").write_bytes(b"\xff" * 64)
    (folder / "short.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    (folder / "noise.keras").write_bytes(b"PK" * 40)
    (folder / "weights.txt").write_bytes(b"")
    with zipfile.ZipFile(folder / "old.keras", "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "2.15.0"}')
        archive.writestr("config.json", "{}")
    with zipfile.ZipFile(folder / "empty.keras", "w"):
        pass
    return {
        "tensor.pt": "it holds a Tensor",
        "code.pt": "as weights alone",
        "codes.pt": "as weights alone",
        "none.pt": "as weights alone",
        "noise.safetensors": "bytes",
        "short.safetensors": "cannot be read",
        "noise.keras": "cannot be read",
        "old.keras": "it is of Keras 2.15.0",
        "empty.keras": "cannot be read",
        "weights.txt": "its ending tells no format",
        "missing.pt": "it is no file",
    }


def test_wrong_files_and_versions_are_our_errors(torch, tmp_path, capsys):
    for name, words in bad_files(torch, tmp_path).items():
        with pytest.raises(errors.DataError, match=words) as caught:
            load_state_dict(mf.Dense(2, 2), tmp_path / name)
        assert name in str(caught.value)
    assert capsys.readouterr().out == ""


# Keras


keras_on_torch = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, of PyTorch


@pytest.fixture
def keras(torch, monkeypatch):
    pytest.importorskip("h5py")
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "torch")
    found = pytest.importorskip("keras")
    found.utils.set_random_seed(0)
    return found


def network(keras):
    """A network of Keras with numbers of its own, and ours."""
    K = keras.layers
    layers = [K.Conv2D(2, 3), K.BatchNormalization(), K.Flatten(), K.Dense(4, name="mine"), K.LayerNormalization()]
    theirs = keras.Sequential([keras.Input((6, 5, 1)), *layers, K.Dropout(0.5), K.Dense(3)])
    theirs.compile("adam", "mse")  # whose state is in the files, too
    theirs.optimizer.build(theirs.trainable_variables)
    theirs.set_weights([normal(*w.shape) ** 2 + 0.1 for w in theirs.weights])
    ours = [
        mf.Conv2D(1, 2, 3),
        mf.BatchNorm(2, epsilon=1e-3),
        mf.Flatten(),
        mf.Dense(24, 4),
        mf.LayerNorm(epsilon=1e-3),
    ]
    return theirs, mf.Sequential([*ours, mf.Dense(4, 3)])


def weights_of(theirs):
    """Without the seeds of dropout."""
    return [w for w, told in zip(theirs.get_weights(), theirs.weights, strict=True) if "seed" not in told.path]


@keras_on_torch
@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_a_network_of_keras_and_ours_give_the_same_there_and_back(ending, keras, tmp_path):
    theirs, ours = network(keras)
    path = tmp_path / f"network{ending}"
    (theirs.save if ending == ".keras" else theirs.save_weights)(path)
    with pytest.raises(errors.ShapeError, match=r"space=\(7, 7\)"):
        load_state_dict(ours, path)
    found = load_state_dict(ours, path, space=(4, 3))
    assert found["dense_2"] == "layers/dense_1"
    x = normal(4, 6, 5, 1).astype("float32")
    expected = np.asarray(theirs(x).detach())
    np.testing.assert_allclose(predicted(ours, np.moveaxis(x, -1, 1)), expected, rtol=1e-4)
    back = state_dict(ours, form="keras", space=(4, 3))
    assert all(map(np.array_equal, back.values(), weights_of(theirs)))


@keras_on_torch
def test_attention_of_keras_and_ours_give_the_same_there_and_back(keras, tmp_path):
    K = keras.layers
    given = keras.Input((5, 8))
    theirs = keras.Model(given, K.Conv1D(3, 2)(K.MultiHeadAttention(2, 4)(given, given)))
    theirs.set_weights([normal(*w.shape) for w in theirs.weights])
    theirs.save(tmp_path / "f.keras")
    attention, convolution = mf.MultiHeadAttention(8, 2), mf.Conv1D(8, 3, 2)
    ours = mf.Sequential([attention, lambda x: x.__array_namespace__().matrix_transpose(x), convolution])
    load_state_dict(ours, tmp_path / "f.keras")
    x = normal(3, 5, 8).astype("float32")
    expected = np.moveaxis(np.asarray(theirs(x).detach()), -1, 1)
    np.testing.assert_allclose(predicted(ours, x), expected, rtol=1e-4, atol=1e-4)
    assert all(map(np.array_equal, state_dict(ours, form="keras").values(), theirs.get_weights()))


@keras_on_torch
def test_what_does_not_fit_in_a_file_of_keras_is_named(keras, tmp_path):
    theirs, _ = network(keras)
    theirs.save(tmp_path / "n.keras")
    theirs.save_weights(tmp_path / "n.weights.h5")
    layers = [mf.Conv2D(1, 2, 3), mf.BatchNorm(2), mf.Flatten(), mf.Dense(24, 4), mf.LayerNorm(epsilon=1e-3)]
    with pytest.raises(errors.DataError, match="'layers/dense_1' belong to no layer"):
        load_state_dict(mf.Sequential(layers), tmp_path / "n.keras", space=(4, 3))
    whole = mf.Sequential([*layers, mf.Dense(4, 3)])
    with pytest.raises(errors.SettingError, match=r"its epsilon is 0.001.*Make the layer with epsilon=0.001"):
        load_state_dict(whole, tmp_path / "n.keras", space=(4, 3))
    with pytest.warns(UserWarning, match="the file does not say its own"):
        load_state_dict(whole, tmp_path / "n.weights.h5", space=(4, 3))
    with pytest.raises(errors.DataError, match="there is no embedding for Embedding"):
        load_state_dict(mf.Embedding(3, 2), tmp_path / "n.keras")
