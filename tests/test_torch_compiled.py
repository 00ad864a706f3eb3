"""Captured steps compiled by PyTorch's compiler: ``set_backend("torch", compile=True)``."""

import math
import os
import shutil

import numpy as np
import pytest
from array_api_compat import array_namespace

import miniflow_xp as mf

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="PyTorch's compiler needs one for C++ on the CPU")


@pytest.fixture
def compilations(monkeypatch):
    """What PyTorch's compiler is called with."""
    from miniflow_xp.backends.torch import compiled

    calls, compiled_for = [], compiled.compiled_for
    monkeypatch.setattr(compiled, "compiled_for", lambda *given: calls.append(given) or compiled_for(*given))
    return calls


def compiled_once(f, *calls):
    """Is every call right, by what was compiled at the first of them?"""
    with mf.use_backend("torch", compile=True):
        g = mf.jit(f)
        for arrays in calls:
            torch.testing.assert_close(g(*arrays), f(*arrays), rtol=1e-14, atol=0)
        assert "compiled as one by torch.compile" in g.explain()


WITHOUT_COMPILER = """
import torch, miniflow_xp as mf
with mf.use_backend("torch", compile=True):
    f = mf.jit(lambda x: x * 2 + 1)
    print(f(torch.ones(3)), f.explain())
"""


def test_without_a_cpp_compiler_the_calls_are_replayed_and_explain_says_so(run_python, tmp_path):
    done = run_python(WITHOUT_COMPILER, CXX=str(tmp_path / "none"), TORCHINDUCTOR_CACHE_DIR=str(tmp_path))
    assert "tensor([3., 3., 3.])" in done.stdout
    assert "replayed, because torch.compile refused it" in done.stdout
    assert "C++ compiler" in done.stdout


def test_what_is_compiled_takes_arrays_however_they_lie(compilations):
    """Rows or columns first, with gaps, one number shown often, beginning anywhere, conjugated or negated by a note."""
    a, b = torch.tensor(np.random.default_rng(0).standard_normal((2, 3, 3)))
    gaps, row, many = torch.cat([a, b], 1)[:, ::2], a[:1].expand(3, 3), torch.arange(20.0, dtype=a.dtype)
    z = torch.complex(a, b)
    lying = (a, a.mT, gaps, row, row.mT, many[1:10].reshape(3, 3), many[:10:2][:3].expand(3, 3), z.conj().imag, z.real)

    def f(x):
        return x * 2 + x[0, 1], x[1:], x, x.mT @ x

    for first in (a, a.mT, row, z.conj().imag, gaps):
        compiled_once(f, (first,), *[(x,) for x in lying], (first,))
    assert len(compilations) == 5
    compiled_once(lambda x: (x * 2j, array_namespace(x).imag(x)), (z.conj(),), (z,), (z.mT.conj(),), (z.mH,))


def test_what_is_compiled_takes_two_arrays_for_one_only_where_they_are(compilations):
    """In the call at hand, not in the first."""
    many = torch.arange(20.0, dtype=torch.float64)
    x, y, constant = many[:6], many[7:13], many[13:19]

    def f(x, y):
        return x - 2 * y + array_namespace(x).exp(constant), y[1:] - x[:-1]

    pairs = [(x, x), (x, y), (y, x), (constant, x), (x, constant), (many[:6], many[1:7]), (y, y)]
    for first in pairs:
        compiled_once(f, first, *pairs)
    assert len(compilations) == len(pairs)


def test_what_is_compiled_runs_under_the_settings_of_then_only(compilations):
    """Under others PyTorch's own calls are made, which look at them."""
    x, step = torch.rand(3, 3, requires_grad=True), mf.jit(lambda x: x @ x)
    with mf.use_backend("torch", compile=True):
        compiled = step(x)
        with torch.autocast("cpu"):
            assert step(x).dtype == torch.bfloat16
        with torch.inference_mode():
            torch.testing.assert_close(step(x), compiled)
        torch.testing.assert_close(step(x), compiled)
        assert not compiled.requires_grad
    assert len(compilations) == 1


@pytest.mark.parametrize("content", [[1.0, 1.0], [1.0, 2.0]])
def test_a_constant_that_is_written_to_counts_as_it_is_now_compiled_or_not(content):
    """Whether or not the compiler was told that it is one number."""
    found = []
    for compile in (False, True):  # noqa: A001  the option's name
        constant = torch.tensor(content)
        f = mf.jit(lambda x, constant=constant: x * constant)
        with mf.use_backend("torch", compile=compile):
            f(torch.ones(2))
            constant += 1
            found.append(f(torch.ones(2)).tolist())
    assert found[0] == found[1] == [c + 1 for c in content]


THREADS_AND_A_FORK = """
import os, threading
import torch, miniflow_xp as mf

mf.set_backend("torch", compile=True)
f = mf.jit(lambda x: x * x + 1)
at_once, right = threading.Barrier(4), []

def check(n):
    x = torch.arange(6.0) + n
    assert (f(x) == x * x + 1).all() and "compiled as one" in f.explain(), f.explain()

def several(n):
    at_once.wait()
    for k in range(3):
        check(n + k)
    right.append(n)

threads = [threading.Thread(target=several, args=(n,)) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
child = os.fork()
check(9)
if child == 0:
    f = mf.jit(lambda x: 1 + x * x)
    check(10)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(sorted(right))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_threads_and_forks_call_what_is_compiled(run_python):
    assert run_python(THREADS_AND_A_FORK).stdout == "[0, 1, 2, 3]\n"


def test_where_pytorch_does_not_give_its_compiler_apart_torch_compile_takes_the_graph(monkeypatch, compilations):
    import torch._inductor

    monkeypatch.delattr(torch._inductor, "compile")
    x, y = torch.arange(6.0), torch.ones(6)
    compiled_once(lambda x, y: (x * 2 + y, x[1:]), (x, x), (x, y), (y, x))
    assert len(compilations) == 1


@pytest.mark.parametrize("content", [[1.0, 1.0], [-0.0, -0.0], [0.0, -0.0], [math.nan, math.nan], [2.0, 3.0], []])
def test_what_is_compiled_has_its_constants(content):
    """Bit for bit: those of one number are told to the compiler as this number, the others are given at every call."""
    constant = torch.tensor(content, dtype=torch.float64)
    with mf.use_backend("torch", compile=True) as backend:
        x = backend.asarray(np.ones(len(content)))
        f = mf.jit(lambda x: (x * constant, array_namespace(x).where(x > 0, constant, x)))
        for got in f(x):
            assert got.numpy().tobytes() == constant.numpy().tobytes()
        assert "compiled as one by torch.compile" in f.explain()
