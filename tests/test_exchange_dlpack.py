"""from_dlpack, and what feeds take: arrays of other libraries on the same memory, where that can be."""

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.exchange import from_dlpack
from miniflow_xp.recording.tape import record

LIBRARIES = ("numpy", "torch", "jax", "strict")
A = np.arange(12.0).reshape(3, 4)


def made(library, host):
    """A NumPy array as one of a library."""
    if library == "torch":
        torch = pytest.importorskip("torch")
        return torch.tensor(host.copy())
    if library == "jax":
        jax = pytest.importorskip("jax")
        jax.config.update("jax_enable_x64", True)
        return jax.numpy.asarray(host)
    return pytest.importorskip("array_api_strict").asarray(host) if library == "strict" else host


def on_the_host(backend):
    if backend.name == "cupy":
        pytest.skip("memory of the host is not that of a GPU, which from_dlpack says")


HOSTS = {
    "matrix": A,
    "float32": A.astype("float32"),
    "whole numbers": A.astype("int64"),
    "truth": A > 3,
    "complex": A + 1j,
    "without axes": np.asarray(3.0),
    "empty": np.ones((0, 3)),
    "transposed": A.T,
    "with gaps": A[:, ::2],
    "backward": A[::-1],
    "broadcast": np.broadcast_to(A[0], (3, 4)),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_form_of_array_arrives_as_it_is(backend, library):
    on_the_host(backend)
    forms = {"matrix": A} if library == backend.name == "jax" else HOSTS  # JAX compiles a copy of each
    for name, host in forms.items():
        array = host if library == "numpy" else made(library, host)
        for copy in (None, True):
            found = from_dlpack(array, copy=copy)
            assert backend.owns(found), name
            back = mf.to_numpy(found)
            assert (back.dtype, back.shape) == (host.dtype, host.shape), name
            assert np.array_equal(back, host), name


WRITABLE = [("numpy", "torch"), ("torch", "numpy"), ("numpy", "numpy"), ("strict", "torch")]


@pytest.mark.parametrize(("source", "target"), WRITABLE)
def test_memory_is_shared_both_ways(source, target):
    pytest.importorskip(target)
    array = made(source, A.copy())
    with mf.use_backend(target):
        found = from_dlpack(array, copy=False)
        array[0, 1] = 50.0
        found[2, 3] = 70.0
        assert (float(found[0, 1]), float(array[2, 3])) == (50.0, 70.0)
        own = from_dlpack(array, copy=True)
        own[0, 0] = -1.0
        assert float(array[0, 0]) == 0.0


def read_only():
    host = A.copy()
    host.flags.writeable = False
    return host


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (read_only, "may only be read"),
        (lambda: A[::-1], "backward order"),
        (lambda: made("jax", A), "may only be read"),
    ],
)
def test_what_pytorch_would_not_heed_is_copied_or_refused(array, why):
    pytest.importorskip("torch")
    source = array()
    with mf.use_backend("torch"):
        found = from_dlpack(source)
        found += 1
        assert np.array_equal(mf.to_numpy(source), array())
        with pytest.raises(errors.FeedError, match=why):
            from_dlpack(source, copy=False)


def test_what_numpy_reads_of_read_only_memory_is_read_only():
    assert not from_dlpack(read_only()).flags.writeable


def test_a_program_computes_on_the_memory_of_another_library():
    torch = pytest.importorskip("torch")
    tensor, X = torch.ones(2, 3, dtype=torch.float64), mf.Input("X")
    double = mf.Program(X * 2.0)
    fed = from_dlpack(tensor)
    tensor[0, 0] = 5.0
    assert double({X: fed}).values.tolist() == [[10, 2, 2], [2, 2, 2]]
    assert mf.grad(lambda x: (x**2).__array_namespace__().sum(x**2))(fed).tolist() == (2 * tensor).tolist()


class Foreign:
    """An array of a library that nobody knows: it has DLPack, and nothing else."""

    def __init__(self, host):
        self.host = host

    def __dlpack__(self, **keywords):
        return self.host.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.host.__dlpack_device__()


def test_feeds_and_arguments_take_what_has_dlpack_alone(backend):
    on_the_host(backend)
    X = mf.Input("X")
    assert mf.to_numpy(mf.Program(X * 2.0)({X: Foreign(A)}).values).tolist() == (2 * A).tolist()
    slope = mf.grad(lambda x: x.__array_namespace__().sum(x * x))(Foreign(A))
    assert mf.to_numpy(slope).tolist() == (2 * A).tolist()
    assert backend.owns(from_dlpack(Foreign(A)))


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (lambda: [1.0], errors.FeedError, "it is given a list"),
        (lambda: np.asarray(["a"]), errors.FeedError, "DLPack only supports"),
        (lambda: mf.Input("x"), errors.FeedError, "it is given a Input"),
        (lambda: made("torch", A).to("meta"), errors.MixedBackendsError, "choose the array's device"),
        (lambda: made("torch", A).bfloat16(), errors.DtypeError, "numpy would store float32"),
        (lambda: made("torch", A).requires_grad_(), errors.DifferentiationError, r"x.detach\(\)"),
        (lambda: made("torch", A).to_sparse(), errors.FeedError, "layout"),
    ],
)
def test_what_cannot_be_shared_is_said(given, error, words):
    with pytest.raises(error, match=words):
        from_dlpack(given())


def test_bfloat16_goes_between_libraries_that_have_it():
    torch = pytest.importorskip("torch")
    with mf.use_backend("jax"):
        found = from_dlpack(torch.tensor([1.5, 2.5], dtype=torch.bfloat16))
        assert (str(found.dtype), found.tolist()) == ("bfloat16", [1.5, 2.5])


def test_a_gradient_is_not_lost_on_the_way_out():
    def leaves(x):
        from_dlpack(x)
        return x

    with pytest.raises(errors.DifferentiationError, match=r"stop_gradient\(x\)"):
        mf.grad(leaves)(np.asarray(1.0))
    with pytest.raises(errors.MiniflowError, match="array_namespace"):
        record(lambda xp, x: [leaves(x)], np, [np.asarray(1.0)])
