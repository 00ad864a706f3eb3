"""300 steps of every optimizer in float16, bfloat16 and float32 beside ``torch.optim``, to a bound that is derived.

PyTorch keeps an optimizer's state in the parameter's dtype; here it is float32. So the reference is PyTorch's float32
optimizer, with ``foreach=False``, which is fed the same gradients and is before each step given the parameter as it is
here. Then the new parameters differ by the rounding to the parameter's dtype, and by roundings of float32.

As a program, ``python tests/test_many_steps.py [BACKEND ...]``, it prints the largest differences, of runs that are
left alone too: from that reference, its parameter rounded after each step, and from PyTorch's optimizer in that dtype.
"""

import sys
from typing import NamedTuple

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp.backend import Backend
from miniflow_xp.engine.optim import SGD, Adam, AdamW, RMSProp

STEPS = 300
DTYPES = ("float16", "bfloat16", "float32")
DIGIT = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23}  # the last digit of 1
TINY = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149}

OPTIMIZERS = {
    "SGD": (SGD, "SGD", {}),
    "SGD momentum, decay": (
        lambda rate: SGD(rate, momentum=0.9, weight_decay=0.1),
        "SGD",
        {"momentum": 0.9, "weight_decay": 0.1},
    ),
    "SGD Nesterov, decay": (
        lambda rate: SGD(rate, momentum=0.9, nesterov=True, weight_decay=0.1),
        "SGD",
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ),
    "RMSProp": (RMSProp, "RMSprop", {}),
    "Adam": (Adam, "Adam", {}),
    "Adam, betas of 0": (lambda rate: Adam(rate, (0.0, 0.0)), "Adam", {"betas": (0.0, 0.0)}),
    "AdamW": (AdamW, "AdamW", {}),
}
"""Ours for a learning rate; the name and the settings of PyTorch's."""

RATE = 0.01
rng = np.random.default_rng(0)
START = np.append(rng.uniform(-1, 1, 15), 0.5)
GRADIENTS = rng.choice([-1.0, 1.0], (STEPS, 16), p=[0.4, 0.6]) * rng.uniform(0.5, 1, (STEPS, 16))
GRADIENTS[:, -1] = 0.0


class Run(NamedTuple):
    """Parameters of float64, before the first step and after each, and the same after each step of the reference."""

    ours: np.ndarray
    reference: np.ndarray


def torch_optimizer(torch, label, dtype):
    """A parameter of PyTorch, and its step on a gradient."""
    _, name, settings = OPTIMIZERS[label]
    p = torch.nn.Parameter(torch.tensor(START).to(dtype))
    optimizer = getattr(torch.optim, name)([p], lr=RATE, foreach=False, **settings)

    def step(gradient):
        p.grad = torch.tensor(gradient).to(p.dtype)
        optimizer.step()

    return p, step


def rounded(torch, numbers, dtype):
    return torch.tensor(numbers).to(getattr(torch, dtype)).double().numpy()


def run(torch, backend, label, dtype):
    """Our steps, each beside one of the reference from the same parameter."""
    g = mf.Input("g")
    w = mf.Parameter(backend.asarray(START, dtype), "w")
    trainer = mf.Trainer(mf.MatMul(g, w), OPTIMIZERS[label][0](RATE))
    p, step = torch_optimizer(torch, label, torch.float32)
    ours, reference = [rounded(torch, START, dtype)], []
    for gradient in GRADIENTS:
        with torch.no_grad():
            p.copy_(torch.tensor(ours[-1]))
        step(rounded(torch, gradient, dtype))
        trainer.step({g: backend.asarray(gradient, dtype)})
        assert dtype in str(w.value.dtype)
        ours.append(mf.to_numpy(w.value).astype("float64"))
        reference.append(p.detach().double().numpy())
    return Run(np.array(ours), np.array(reference))


def bound(found, dtype):
    """Half a digit of the parameter's dtype, as ours is rounded to it; and what float32 adds.

    Both sides subtract from the parameter, at most twice, each time with half a digit of float32: 4 digits of it are
    enough. A slot is an average, or a sum, of t terms: in each step each side rounds three times, so that the slots of
    the two differ by at most 6 t half digits of the largest that they can be. All gradients but those that are always 0
    are within a factor of 2 of each other: so are a step and the quotient that errors of both slots go into, and there
    are two: at most 2 · 2 · 6 / 2 = 12 t digits of the largest step, and 4 more for what the last step computes.
    """
    digit = DIGIT["float32"]
    size = np.abs(found.reference)
    half = np.maximum(2.0 ** np.floor(np.log2(np.maximum(size, TINY[dtype]))) * DIGIT[dtype], TINY[dtype]) / 2
    largest_step = np.abs(found.reference - found.ours[:-1]).max()
    steps = np.arange(1, STEPS + 1)[:, None]
    return half + 4 * digit * np.maximum(size, np.abs(found.ours[:-1])) + (12 * steps + 4) * digit * largest_step


@pytest.mark.parametrize("way", ["captured", "plain"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("label", OPTIMIZERS)
def test_300_steps_are_those_of_torchs_float32_optimizer(backend, label, dtype, way, monkeypatch):
    torch = pytest.importorskip("torch", reason="the oracle is torch.optim: pip install torch")
    if backend.storable(dtype) != dtype:
        pytest.skip(f"{backend.name} has no {dtype}")
    if way == "plain":
        monkeypatch.setattr(type(backend), "capture", Backend.capture)
    found = run(torch, backend, label, dtype)
    assert np.all(np.abs(found.ours[1:] - found.reference) <= bound(found, dtype))
    assert np.abs(found.ours[-1] - found.ours[0]).max() > 5 * RATE  # they went somewhere


def alone(torch, label, dtype, state):
    """Parameters after 300 steps of PyTorch with its state in the dtype ``state``, parameters rounded to ``dtype``."""
    p, step = torch_optimizer(torch, label, getattr(torch, state))
    with torch.no_grad():
        p.copy_(torch.tensor(rounded(torch, START, dtype)))
    for gradient in GRADIENTS:
        step(rounded(torch, gradient, dtype))
        with torch.no_grad():
            p.copy_(torch.tensor(rounded(torch, p.detach().double().numpy(), dtype)))
    return p.detach().double().numpy()


def table(choices):
    """The largest differences on these backends."""
    import torch

    print(f"largest difference of a parameter in {STEPS} steps; a step: the one that is nearest to its bound")
    print(f"{'optimizer':20} {'dtype':9} {'backend':8} {'a step':>9} {'bound':>9} {'alone':>9} {'own dtype':>10}")
    for label in OPTIMIZERS:
        for dtype in DTYPES:
            for choice in choices:
                with mf.use_backend(choice) as backend:
                    if backend.storable(dtype) != dtype:
                        continue
                    found = run(torch, backend, label, dtype)
                apart = np.abs(found.ours[1:] - found.reference)
                worst = np.unravel_index(np.argmax(apart / bound(found, dtype)), apart.shape)
                others = [np.abs(found.ours[-1] - alone(torch, label, dtype, s)).max() for s in ("float32", dtype)]
                figures = (apart[worst], bound(found, dtype)[worst], *others)
                print(f"{label:20} {dtype:9} {choice:8} " + " ".join(f"{figure:9.2g}" for figure in figures))


if __name__ == "__main__":
    table(sys.argv[1:] or ["numpy", "torch", "jax", "strict"])
