"""Functions and their peers: all compute the same, none holds up a run, and each has its cases."""

import warnings
from functools import partial
from importlib.util import find_spec

import pytest
from closeness import ROUNDED, assert_same

import miniflow_xp as mf
from miniflow_xp.programs.bench import functions
from miniflow_xp.programs.bench.cases import Case, gradients
from miniflow_xp.programs.bench.functions import COMPILED, MODELS, step_of
from miniflow_xp.programs.bench.run import run
from miniflow_xp.programs.bench.worker import STARTING, Worker
from miniflow_xp.switch import use_backend

many_steps = pytest.mark.parametrize("name", ["lotka_volterra", "kalman_filter"])
needs_jax = pytest.mark.skipif(not find_spec("jax"), reason="it is JAX's peer: pip install jax")


@needs_jax
@many_steps
def test_jaxs_peer_scans_the_many_steps_and_computes_the_same(name):
    model = functions.model_of(name)
    value, gradient = mf.value_and_grad(model.module.loss)(*model.module.problem())
    with use_backend("jax") as backend:
        found, *gradients = map(backend.to_numpy, step_of("jit", model, *model.sizes, backend)())
    assert float(found) == pytest.approx(float(value), rel=ROUNDED)
    assert_same(gradients, list(gradient.values()) if isinstance(gradient, dict) else [gradient])


@needs_jax
@many_steps
def test_what_jaxs_peer_compiles_does_not_grow_with_the_steps(name):
    with use_backend("jax"):
        import jax

        from miniflow_xp.programs.bench.functions.scans import LOSSES

        problem = functions.model_of(name).module.problem
        few, many = (jax.make_jaxpr(jax.grad(LOSSES[name]))(*problem(steps)) for steps in (20, 200))
    assert len(str(few).splitlines()) == len(str(many).splitlines())


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that Dynamo makes; the compiler beneath it, which takes long, is left out."""
    torch, found = pytest.importorskip("torch"), []
    eager = lambda graph, _: found.append(graph) or graph.forward  # noqa: E731
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=eager))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Dynamo's, that array_namespace keeps what it has found
        yield found


@pytest.mark.parametrize("name", [model.name for model in MODELS if model.compiled])
@pytest.mark.parametrize(
    ("contestant", "count"), [("torch.func", 0), ("torch.compile", 1), ("torch.func, compiled", 1)]
)
def test_pytorchs_peers_compute_the_same_and_what_is_compiled_is_whole(graphs, contestant, count, name):
    model = functions.model_of(name)
    value, gradient = mf.value_and_grad(model.module.loss)(*model.module.problem(8))
    with use_backend("torch") as backend:
        found, *gradients = map(backend.to_numpy, step_of(contestant, model, 8, backend)())
    assert len(graphs) == count
    assert float(found) == pytest.approx(float(value), rel=ROUNDED)
    assert_same(gradients, list(gradient.values()) if isinstance(gradient, dict) else [gradient])


@pytest.mark.parametrize("contestant", ["torch.compile", "torch.func, compiled"])
def test_pytorchs_peers_are_compiled_however_many_there_are(graphs, contestant):
    """Of one code it compiles eight, and leaves any others as they are without a word."""
    model = functions.model_of("elementwise")
    with use_backend("torch") as backend:
        for size in range(2, 12):
            step_of(contestant, model, size, backend)()
    assert len(graphs) == 10


@pytest.mark.parametrize("contestant", ["torch.compile", "torch.func, compiled"])
def test_what_pytorch_does_not_compile_whole_is_an_error(graphs, contestant, monkeypatch):
    model = functions.model_of("elementwise")
    monkeypatch.setattr(model.module, "loss", lambda x, y: x.sum() * len(repr(float(y.sum()))))
    from torch._dynamo.exc import Unsupported

    with use_backend("torch") as backend, pytest.raises(Unsupported):
        step_of(contestant, model, 4, backend)()


def test_a_case_that_is_compiled_too_long_is_told_and_the_run_goes_on(monkeypatch, tmp_path):
    path, answer, waited = tmp_path / "compiled.py", Worker._answer, []
    path.write_text(ENDLESS)

    def impatient(worker, question, patience):
        waited.append(patience)
        endless = question[0] == "prepare" and question[2].axes["batch"] == 1
        return answer(worker, question, 0.01 if endless else patience)

    monkeypatch.setattr(Worker, "_answer", impatient)
    cases = [Case("user", f"{path}:build", {"batch": n}, "batch", dtype="float64") for n in (1, 2)]
    slow, quick = run(cases, ["numpy"], 600, rounds=2, now=lambda: 0.0).cells
    assert (slow.state, slow.why) == ("failed", "no answer in 0 s, as long as one case may take")
    assert (quick.state, quick.why) == ("measured", "")
    assert set(waited) == {60.0, STARTING}  # a tenth of the budget; starting a process is no part of it


ENDLESS = """
import time
import numpy as np
from miniflow_xp import Input, MatMul, MSE, Parameter

def build(batch):
    while batch == 1:
        time.sleep(60)
    X, y = Input(), Input()
    return MSE(y, MatMul(X, Parameter(np.ones((2, 1))))), {X: np.ones((batch, 2)), y: np.zeros((batch, 1))}
"""


def test_every_model_has_its_cases_small_sizes_first():
    cases = [case for case in gradients() if case.contestant == "ours"]
    assert [case.axes["n"] for case in cases[: len(MODELS)]] == [model.sizes[0] for model in MODELS]
    assert {(c.series, c.axes["n"]) for c in cases} == {
        (f"gradient of {model.name.replace('_', ' ')}", size) for model in MODELS for size in model.sizes
    }


def test_ten_million_elements_fit_where_a_tenth_of_the_memory_is_theirs():
    largest = max(gradients(), key=lambda case: case.bytes)
    assert largest.axes == {"n": 10_000_000}
    assert 1.5e9 < largest.bytes < 2e9  # what a captured step was seen to take: 1.6 GB with NumPy and with PyTorch


def test_what_pytorch_compiles_is_measured_at_the_same_sizes():
    compiled = {name: {(c.series, c.axes["n"]) for c in gradients() if c.contestant == name} for name in COMPILED}
    assert set(map(len, compiled.values())) == {sum(len(model.compiled) for model in MODELS)}
