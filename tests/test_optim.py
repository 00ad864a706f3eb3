"""Optimizers: the update rules are torch.optim's, to rounding, over 50 steps on every backend."""

import functools

import numpy as np
import pytest
from closeness import assert_close, rounding

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.engine.optim import SGD, Adam, AdamW, RMSProp
from miniflow_xp.engine.trainer import Trainer

STEPS = 50
X, Y = (np.random.default_rng(n).uniform(-1, 1, shape) for n, shape in ((1, (6, 3)), (2, (6, 2))))
START = np.random.default_rng(3).uniform(-1, 1, (3, 2))
BIAS = np.array([0.5, -0.25])


def case(label, ours, name, **settings):
    return pytest.param(ours, name, settings, id=label)


RATE = 0.05
CASES = [
    case("SGD", SGD, "SGD"),
    case("momentum", lambda r: SGD(r, momentum=0.9), "SGD", momentum=0.9),
    case("Nesterov", lambda r: SGD(r, momentum=0.8, nesterov=True), "SGD", momentum=0.8, nesterov=True),
    case("decay", lambda r: SGD(r, weight_decay=0.1), "SGD", weight_decay=0.1),
    case("all of SGD", lambda r: SGD(r, 0.7, True, 0.2), "SGD", momentum=0.7, nesterov=True, weight_decay=0.2),
    case("RMSProp", RMSProp, "RMSprop"),
    case("RMSProp 0.9", lambda r: RMSProp(r, 0.9, 1e-4), "RMSprop", alpha=0.9, eps=1e-4),
    case("Adam", Adam, "Adam"),
    case("Adam 0.8", lambda r: Adam(r, (0.8, 0.95), 1e-4), "Adam", betas=(0.8, 0.95), eps=1e-4),
    case("AdamW", AdamW, "AdamW"),
    case(
        "AdamW 0.3",
        lambda r: AdamW(r, (0.8, 0.95), 1e-4, weight_decay=0.3),
        "AdamW",
        betas=(0.8, 0.95),
        eps=1e-4,
        weight_decay=0.3,
    ),
]
"""Our optimizer for a learning rate; the name and the settings of PyTorch's."""


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="the oracle is torch.optim: pip install torch")


def by_torch(torch, name, settings):
    """Costs and parameters of 50 steps on mean((X W + b - Y)²), gradients by torch.autograd."""
    W, b = (torch.tensor(array, requires_grad=True) for array in (START, BIAS))
    optimizer = getattr(torch.optim, name)([W, b], lr=RATE, **settings)
    costs = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        cost = torch.nn.functional.mse_loss(torch.tensor(X) @ W + b, torch.tensor(Y))
        cost.backward()
        optimizer.step()
        costs.append(float(cost.detach()))
    return costs, [p.detach().numpy() for p in (W, b)]


def trainer_of(optimizer, dtype="float64"):
    x, y = mf.Input("x"), mf.Input("y")
    parameters = [mf.Parameter(START.astype(dtype), "W"), mf.Parameter(BIAS.astype(dtype), "b")]
    trainer = Trainer(mf.MSE(y, mf.Linear(x, *parameters)), optimizer, parameters)
    return trainer, parameters, {x: X.astype(dtype), y: Y.astype(dtype)}


def bound(values):
    """Each step rounds as one rule does; a step is a contraction or moves by at most the rate, so errors add up."""
    return STEPS * rounding("float64", values, np.ones(len(X) * 3))


@pytest.mark.parametrize(("ours", "name", "settings"), CASES)
def test_50_steps_are_torchs(backend, torch, ours, name, settings):
    costs, expected = by_torch(torch, name, settings)
    trainer, parameters, feed = trainer_of(ours(RATE))
    for cost in costs:
        assert_close(mf.to_numpy(trainer.step(feed)), cost, bound(costs))
    for parameter, wanted in zip(parameters, expected, strict=True):
        assert_close(mf.to_numpy(parameter.value), wanted, bound(wanted))
    assert costs[-1] < costs[0]


@pytest.mark.parametrize("make", [SGD, RMSProp, Adam, AdamW, functools.partial(SGD, momentum=0.9)])
def test_single_precision_stays_single(backend, make):
    trainer, parameters, feed = trainer_of(make(), "float32")
    for _ in range(3):
        cost = trainer.step(feed)
    for array in (cost, *(p.value for p in parameters)):
        assert str(mf.to_numpy(array).dtype) == "float32"


@pytest.mark.parametrize("make", [SGD, RMSProp, Adam, AdamW, functools.partial(SGD, momentum=0.9)])
def test_update_is_a_pure_function(backend, make):
    optimizer = make()
    with backend.activate():
        theta, gradient, *slots = (backend.asarray(np.array([1.0, 2.0, 0.5])) for _ in range(2 + optimizer.slots))
        rate, step = backend.asarray(np.asarray(0.1)), backend.asarray(np.asarray(1.0))
        before = [np.array(mf.to_numpy(array)) for array in (theta, gradient, *slots)]
        first = optimizer.update(backend.xp, theta, gradient, slots, rate, step)
        second = optimizer.update(backend.xp, theta, gradient, slots, rate, step)
    assert len(first[1]) == optimizer.slots
    for a, b in zip([first[0], *first[1]], [second[0], *second[1]], strict=True):
        assert a.shape == theta.shape
        np.testing.assert_array_equal(mf.to_numpy(a), mf.to_numpy(b))
    for array, copy in zip((theta, gradient, *slots), before, strict=True):
        np.testing.assert_array_equal(mf.to_numpy(array), copy)


@pytest.mark.parametrize("norm", [0.05, 0.5, 1e3])
def test_gradients_are_clipped_together_as_in_torch(backend, torch, norm):
    W, b = (torch.tensor(array, requires_grad=True) for array in (START, BIAS))
    optimizer = torch.optim.SGD([W, b], lr=RATE, momentum=0.9)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(torch.tensor(X) @ W + b, torch.tensor(Y)).backward()
        torch.nn.utils.clip_grad_norm_([W, b], norm)
        optimizer.step()
    x, y, ours = mf.Input("x"), mf.Input("y"), [mf.Parameter(START, "W"), mf.Parameter(BIAS, "b")]
    trainer = Trainer(mf.MSE(y, mf.Linear(x, *ours)), SGD(RATE, momentum=0.9).clipped(norm))
    for _ in range(STEPS):
        trainer.step({x: X, y: Y})
    for parameter, expected in zip(ours, (W, b), strict=True):
        found = mf.to_numpy(parameter.value)
        np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-4)  # torch divides by the norm + 1e-6


def test_a_clipped_optimizer_is_another_one():
    plain = SGD(RATE)
    assert plain.clipped(1.0).clip_norm == 1.0
    assert plain.clip_norm is None
    with pytest.raises(errors.SettingError):
        plain.clipped(0)


def test_a_gradient_of_zero_is_clipped_to_zero(backend):
    p = mf.Parameter(np.zeros(2), "p")
    trainer = Trainer(mf.MSE(p * 1.0, p * 0.0), SGD(RATE).clipped(1.0))
    trainer.step({})
    np.testing.assert_array_equal(mf.to_numpy(p.value), np.zeros(2))


def test_defaults_are_those_of_torch(torch):
    weight = torch.zeros(1, requires_grad=True)
    for ours, theirs in (
        (RMSProp(), torch.optim.RMSprop([weight])),
        (Adam(), torch.optim.Adam([weight])),
        (AdamW(), torch.optim.AdamW([weight])),
    ):
        group = theirs.param_groups[0]
        assert ours.learning_rate == group["lr"]
        assert ours.epsilon == group["eps"]
        for name in ("alpha", "betas", "weight_decay"):
            if hasattr(ours, name):
                assert getattr(ours, name) == group[name]


INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        *(
            (functools.partial(kind, rate), "learning_rate")
            for kind in (SGD, RMSProp, Adam)
            for rate in (0, -1, NAN, INF)
        ),
        (functools.partial(SGD, "0.1"), "learning_rate"),
        (functools.partial(SGD, momentum=1.0), "momentum"),
        (functools.partial(SGD, momentum=-0.1), "momentum"),
        (functools.partial(SGD, momentum=NAN), "momentum"),
        (functools.partial(SGD, nesterov=True), "nesterov"),
        (functools.partial(SGD, weight_decay=-0.1), "weight_decay"),
        (functools.partial(SGD, weight_decay=NAN), "weight_decay"),
        (functools.partial(RMSProp, alpha=1), "alpha"),
        (functools.partial(RMSProp, epsilon=0), "epsilon"),
        (functools.partial(Adam, betas=(0.9, 1.0)), "betas"),
        (functools.partial(Adam, betas=(-0.1, 0.9)), "betas"),
        (functools.partial(Adam, betas=(0.9,)), "betas"),
        (functools.partial(Adam, betas=0.9), "betas"),
        (functools.partial(Adam, epsilon=-1e-8), "epsilon"),
        (functools.partial(AdamW, weight_decay=-1), "weight_decay"),
    ],
)
def test_malformed_settings_are_named(make, name):
    with pytest.raises(errors.SettingError, match=name) as caught:
        make()
    assert caught.value.remedy
