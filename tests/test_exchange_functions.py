"""to_torch and to_jax: our functions and models as layers of PyTorch and JAX, with our gradients."""

import copy
import pickle

import numpy as np
import pytest
from array_api_compat import array_namespace

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.exchange import to_jax, to_torch

RUNNING_ON = (None, "numpy", "strict")
on_each = pytest.mark.parametrize("choice", RUNNING_ON, ids=str)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def jax():
    found = pytest.importorskip("jax")
    found.config.update("jax_enable_x64", True)
    return found


def model(p, x, k=2):
    """Trees in and out, and results that are no floats."""
    xp = array_namespace(x)
    return {"y": xp.matmul(xp.sin(p["a"] * x), p["b"]), "n": xp.sum(xp.exp(x)) * k, "i": xp.argmax(x), "told": k}


def numbers():
    rng = np.random.default_rng(0)
    return [rng.normal(size=s) for s in ((3,), (3, 2), (4, 3))]


def test_the_doors_import_what_they_need_when_somebody_goes_through(run_python):
    run_python(
        "import sys, miniflow_xp.exchange; assert not {'torch', 'jax', 'onnx', 'h5py', 'cupy'} & set(sys.modules)"
    )


# PyTorch


def tensors(torch, **options):
    return [torch.tensor(n, requires_grad=True, **options) for n in numbers()]


@on_each
def test_in_torch_values_and_gradients_of_both_orders_are_those_of_torch(torch, choice):
    ours, (a, b, x) = to_torch(model, choice), tensors(torch)
    out = ours({"a": a, "b": b}, x, k=3)
    torch.testing.assert_close(out["y"], torch.sin(a * x) @ b)
    assert (out["i"].item(), out["i"].requires_grad, out["told"]) == (x.argmax().item(), False, 3)

    def floats(a, b, x):
        found = ours({"a": a, "b": b}, x, k=3)
        return found["y"], found["n"]

    assert torch.autograd.gradcheck(floats, (a, b, x))
    assert torch.autograd.gradgradcheck(floats, (a, b, x))


@on_each
def test_in_torch_only_what_is_wanted_has_a_gradient_and_dtypes_stay(torch, choice):
    a, b, x = tensors(torch, dtype=torch.float32)
    x = x.detach()
    y = to_torch(model, choice)({"a": a, "b": b}, x)["y"]
    y.sum().backward()
    assert (y.dtype, a.grad.dtype, x.grad) == (torch.float32, torch.float32, None)
    torch.testing.assert_close(a.grad, torch.autograd.grad((torch.sin(a * x) @ b).sum(), a)[0])


@pytest.mark.parametrize("choice", [None, "numpy"], ids=str)
def test_in_torch_gradients_that_are_one_array_do_not_share_memory(torch, choice):
    add, (a, b, _) = to_torch(lambda a, b: a + b, choice), (torch.ones(3, requires_grad=True) for _ in range(3))
    for _ in range(2):  # the second pass adds to what the first one left
        add(a, b).sum().backward()
    assert a.grad.tolist() == b.grad.tolist() == [2, 2, 2]


@pytest.mark.parametrize("choice", [None, "numpy"], ids=str)
def test_in_torch_results_do_not_share_memory_with_arguments(torch, choice):
    x = torch.ones(3)
    same, again = to_torch(lambda x: (x, array_namespace(x).reshape(x, (3,))), choice)(x)
    same += 1
    again *= 5
    assert (x.tolist(), same.tolist(), again.tolist()) == ([1, 1, 1], [2, 2, 2], [5, 5, 5])


@pytest.mark.parametrize("choice", [None, "numpy"], ids=str)
def test_in_torch_a_value_that_was_overwritten_is_found(torch, choice):
    x = torch.ones(3, requires_grad=True)
    y = to_torch(lambda x: array_namespace(x).exp(x), choice)(x)
    with torch.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_in_torch_numpy_computes_on_the_memory_of_the_tensor(torch):
    seen = []
    x = torch.ones(3)
    to_torch(lambda x: seen.append(x.array) or x * 2, "numpy")(x)
    x[1] = 7
    assert seen[0].tolist() == [1, 7, 1]


@pytest.mark.parametrize("choice", [None, "numpy"], ids=str)
def test_in_torch_the_transforms_of_functions_go_through(torch, choice):
    a, b, x = (t.detach() for t in tensors(torch))

    def ours(x):
        return to_torch(model, choice)({"a": a, "b": b}, x)["y"].sum()

    def theirs(x):
        return (torch.sin(a * x) @ b).sum()

    torch.testing.assert_close(torch.func.grad(ours)(x), torch.func.grad(theirs)(x))
    torch.testing.assert_close(torch.func.vmap(ours)(x[:, None]), torch.func.vmap(theirs)(x[:, None]))
    followed = x.clone().requires_grad_()
    torch.func.vmap(ours)(followed[:, None]).sum().backward()
    torch.testing.assert_close(followed.grad, torch.func.grad(theirs)(x))
    per_row = torch.func.vmap(torch.func.grad(ours))(x[:, None])
    torch.testing.assert_close(per_row, torch.func.vmap(torch.func.grad(theirs))(x[:, None]))


def cubes(x):
    return (x**3).sum()


FOLLOWED = {
    "function": cubes,
    "gradient": mf.grad(cubes),
    "with a number": lambda x: mf.jit(lambda x, n: (x * n).sum())(x, 2),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script`")  # which forward mode calls at its first use
@pytest.mark.parametrize("known", [False, True], ids=["at first", "recorded before"])
@pytest.mark.parametrize("name", FOLLOWED)
def test_in_torch_what_is_captured_is_a_part_of_the_transforms_of_functions(torch, name, known):
    """PyTorch follows no replay: the gradient was 0, and a map failed."""
    plain, replayed = FOLLOWED[name], mf.jit(FOLLOWED[name])
    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    if known:
        replayed(x)

    def of(f):
        def total(x):
            return f(x).sum()

        tangents = torch.func.jvp(total, (x,), (torch.ones_like(x),))
        rows = torch.func.vmap(total)(x[None]), torch.func.vmap(torch.func.grad(total))(x[None])
        return torch.func.grad(total)(x), torch.func.hessian(total)(x), *tangents, *rows

    torch.testing.assert_close(of(replayed), of(plain))
    torch.testing.assert_close(replayed(x), plain(x))


@pytest.mark.parametrize("known", [False, True], ids=["at first", "recorded before"])
@pytest.mark.parametrize("name", FOLLOWED)
def test_in_jax_what_is_captured_is_a_part_of_its_transforms(jax, name, known):
    plain, replayed = FOLLOWED[name], mf.jit(FOLLOWED[name])
    x = jax.numpy.asarray([1.0, 2.0, 3.0])
    if known:
        replayed(x)

    def of(f):
        def total(x):
            return f(x).sum()

        return jax.grad(total)(x), jax.jit(f)(x), jax.vmap(f)(x[None])[0], jax.hessian(total)(x)

    for got, wanted in zip(of(replayed), of(plain), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)
    np.testing.assert_allclose(replayed(x), plain(x), rtol=1e-12)


def test_in_torch_a_program_is_no_part_of_the_transforms_of_functions(torch):
    x = mf.Input()
    with mf.use_backend("torch"):
        program = mf.Program(x**3)
        with pytest.raises(errors.FollowedError, match="to_torch"):
            torch.func.grad(lambda array: program({x: array})[x].sum())(torch.ones(3))


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # PyTorch, of its own look at what a break hands over
def test_in_torch_what_is_compiled_calls_it(torch):
    a, b, x = tensors(torch)
    ours = to_torch(model, "numpy")
    compiled = torch.compile(lambda a: ours({"a": a * 2, "b": b}, x)["y"].sum() * 3, backend="eager")
    value = compiled(a)
    theirs = (torch.sin(2 * a * x) @ b).sum() * 3
    torch.testing.assert_close(value, theirs)
    torch.testing.assert_close(torch.autograd.grad(value, a)[0], torch.autograd.grad(theirs, a)[0])


def test_in_torch_complex_gradients_are_those_of_torch(torch):
    z = torch.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    ours = to_torch(lambda z: array_namespace(z).sum(array_namespace(z).abs(z) ** 2), "numpy")(z.conj())
    torch.testing.assert_close(torch.autograd.grad(ours, z)[0], 2 * z.detach())


def test_in_torch_arrays_of_the_backend_are_constants(torch):
    W, x = np.ones((3, 2)), torch.ones(4, 3, requires_grad=True)

    def product(W, x):
        return array_namespace(W).matmul(x, W)

    to_torch(product, "numpy")(W.astype("float32"), x).sum().backward()
    assert x.grad.tolist() == [[2, 2, 2]] * 4
    with pytest.raises(errors.MixedBackendsError, match="an array of numpy"):
        to_torch(product)(W, x)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda torch: to_torch(lambda x: x)(1.0), errors.FeedError, "none of its arguments is an array"),
        (lambda torch: to_torch("f"), errors.SettingError, "to_torch"),
        (lambda torch: to_torch(lambda x: x, "nmpy"), errors.UnknownBackendError, "numpy"),
        (
            lambda torch: to_torch(lambda x: x, "numpy")(torch.ones(2, dtype=torch.bfloat16)),
            errors.DtypeError,
            "bfloat16",
        ),
    ],
)
def test_in_torch_what_cannot_be_is_said(torch, call, error, words):
    with pytest.raises(error, match=words):
        call(torch)


def both(torch, **options):
    """A model of ours, and the same one in PyTorch's layers."""
    ours = mf.Sequential(
        [mf.Dense(5, 7), mf.Tanh, mf.BatchNorm(7), mf.LayerNorm(), mf.Dense(7, 3)], seed=0, dtype="float64"
    )
    module, nn = to_torch(ours, **options), torch.nn
    theirs = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.BatchNorm1d(7), nn.LayerNorm(7), nn.Linear(7, 3)).double()
    with torch.no_grad():
        for p, q in zip(theirs.parameters(), module.parameters(), strict=True):
            p.copy_(q.T if q.ndim == 2 else q)
    return ours, module, theirs


@pytest.mark.parametrize("choice", [None, "numpy"], ids=str)
def test_a_model_is_trained_by_torch_as_its_own(torch, choice):
    ours, module, theirs = both(torch, backend=choice)
    x = torch.tensor(np.random.default_rng(1).normal(size=(8, 5)))
    costs = {}
    for network in (module, theirs):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            cost = (network(x) ** 2).sum()
            cost.backward()
            optimizer.step()
            costs.setdefault(network, []).append(cost.item())
        network.eval()
    np.testing.assert_allclose(costs[module], costs[theirs], rtol=1e-12)
    expected = theirs(x)
    torch.testing.assert_close(module(x), expected)  # by the running averages
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(copied(x), module(x))
    module.write_back()
    X = mf.Input("X")
    written = mf.Program(ours(X, training=False))({X: x.numpy()}).values
    np.testing.assert_allclose(mf.to_numpy(written), expected.detach().numpy(), rtol=1e-12)


def test_gradients_of_a_model_are_right_to_second_order(torch):
    _, module, _ = both(torch, backend="numpy")
    x = torch.tensor(np.random.default_rng(1).normal(size=(3, 5)), requires_grad=True)
    module.eval()
    assert torch.autograd.gradcheck(module, (x,))
    assert torch.autograd.gradgradcheck(module, (x,))


def test_a_model_drops_in_training_and_says_what_it_is_fed_wrong(torch):
    module = to_torch(mf.Sequential([mf.Embedding(5, 64), mf.Dropout(0.5)], seed=0))
    indices = torch.tensor([1, 4])
    module(indices).sum().backward()
    assert not torch.equal(module(indices), module(indices))
    module.eval()
    assert torch.equal(module(indices), module(indices))
    with pytest.raises(errors.LabelError, match="from -2 to 1"):
        module(torch.tensor([1, -2]))


# JAX


@pytest.mark.parametrize("choice", [None, "numpy"], ids=str)
def test_in_jax_values_and_gradients_of_both_orders_are_those_of_jax(jax, choice):
    jnp, (a, b, x) = jax.numpy, map(jax.numpy.asarray, numbers())
    ours = to_jax(model, choice)
    out = ours({"a": a, "b": b}, x, k=3)
    assert (int(out["i"]), out["told"]) == (int(jnp.argmax(x)), 3)

    def scalar(a, x):
        found = ours({"a": a, "b": b}, x, k=3)
        return jnp.sum(found["y"] ** 2) + found["n"]

    def theirs(a, x):
        return jnp.sum((jnp.sin(a * x) @ b) ** 2) + 3 * jnp.sum(jnp.exp(x))

    def close(got, wanted):
        return jax.tree.map(lambda g, w: np.testing.assert_allclose(g, w, rtol=1e-10), got, wanted)

    close(jax.jit(jax.value_and_grad(scalar, (0, 1)))(a, x), jax.value_and_grad(theirs, (0, 1))(a, x))
    if choice:  # JAX takes seconds to compile what it is told of both orders
        close(jax.jit(jax.jacrev(jax.grad(scalar)))(a, x), jax.jit(jax.hessian(theirs))(a, x))
    else:
        close(jax.jit(jax.grad(lambda a: jax.grad(scalar)(a, x).sum()))(a), jax.hessian(theirs)(a, x).sum(0))
    rows = jnp.stack([x, 2 * x])

    def of_rows(f):
        return jax.jit(jax.vmap(jax.grad(f), (None, 0)))(a, rows)

    close(of_rows(scalar), of_rows(theirs))


@pytest.mark.parametrize("choice", [None, "numpy"], ids=str)
def test_in_jax_complex_gradients_are_those_of_jax_and_integers_have_none(jax, choice):
    jnp = jax.numpy

    def squares(z):
        return array_namespace(z).sum(array_namespace(z).abs(z) ** 2)

    z = jnp.asarray([1 + 2j, 3 - 1j])
    assert np.allclose(jax.grad(to_jax(squares, choice))(z), jax.grad(squares)(z))
    rows = to_jax(lambda table, i: array_namespace(table).take(table, i, axis=0), choice)
    found = jax.grad(lambda table: rows(table, jnp.asarray([0, 1, 1])).sum())(jnp.ones((3, 2)))
    assert found.tolist() == [[1, 1], [2, 2], [0, 0]]


def test_in_jax_shapes_are_found_by_a_trial_or_said(jax):
    jnp = jax.numpy
    lower = to_jax(lambda A: array_namespace(A).linalg.cholesky(A), "numpy")  # its trial needs a matrix that has one
    assert jax.jit(lower)(4 * jnp.eye(3)).tolist() == (2 * np.eye(3)).tolist()

    def picky(x):
        if float(x[0]) < 5:
            raise RuntimeError("too small")
        return x * 2

    nine = jnp.full(2, 9.0)
    with pytest.raises(errors.ShapeError, match=r"too small.*like="):
        to_jax(picky, "numpy")(nine)
    told = to_jax(picky, "numpy", like=lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype))
    assert told(nine).tolist() == [18, 18]


def test_in_jax_results_have_the_form_that_was_given_for_each_shape(jax):
    def parts(x):
        return {"parts": [x[n] for n in range(x.shape[0])]}

    def forms(x):
        return {"parts": [jax.ShapeDtypeStruct((), x.dtype)] * x.shape[0]}

    for like in (None, forms):
        split = to_jax(parts, "numpy", like=like)
        for size in (2, 3, 2):
            assert [float(p) for p in split(jax.numpy.arange(size))["parts"]] == list(range(size))


def test_in_jax_a_result_of_another_shape_than_promised_is_an_error(jax):
    wrong = to_jax(lambda x: x[:1], "numpy", like=lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype))
    with pytest.raises(Exception, match=r"result 0 is float64 \(1,\)"):
        jax.block_until_ready(wrong(jax.numpy.ones(3)))


def test_in_jax_what_cannot_be_is_said(jax):
    with pytest.raises(errors.FeedError, match="none of its arguments is an array"):
        to_jax(lambda x: x)(1.0)
    with pytest.raises(errors.FeedError, match="can be hashed"):
        to_jax(lambda x, s: x)(jax.numpy.ones(2), {1, 2})
    with pytest.raises(errors.SettingError, match="a function of arrays"):
        to_jax(mf.Dense(2, 2))
    with pytest.raises(errors.DtypeError, match="it is given bfloat16"):
        to_jax(lambda x: x, "numpy")(jax.numpy.ones(2, "bfloat16"))


def test_in_jax_without_64_bits_nothing_is_narrowed_in_silence(jax):
    def widened(x):
        return array_namespace(x).astype(x, array_namespace(x).float64)

    with jax.enable_x64(False), pytest.raises(errors.DtypeError, match="JAX_ENABLE_X64"):
        to_jax(widened, "numpy")(jax.numpy.ones(2, "float32"))
