"""trainer.to: training goes on on another backend as if nothing had happened."""

import numpy as np
import pytest
from conftest import why_unusable

import miniflow_xp as mf
from miniflow_xp import errors, schedules
from miniflow_xp.engine.optim import SGD, Adam, AdamW, RMSProp
from miniflow_xp.switch import load
from miniflow_xp.training import fit
from miniflow_xp.training.batches import Batches

ROWS = np.random.default_rng(0).standard_normal((640, 6))
LABELS = (ROWS @ np.random.default_rng(1).standard_normal((6, 3))).argmax(axis=1)
STEPS = 200
ROUNDING = 1e-9
"""Relative. Sums in another order differ by some 1e-16, which 200 steps may make 1e4 times as large; a wrong
slot, mask or step number shows at 1e-3."""

OPTIMIZERS = {
    "SGD": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.05, momentum=0.9, nesterov=True),
    "RMSProp": lambda: RMSProp(0.01),
    "Adam": lambda: Adam(0.01),
    "AdamW": lambda: AdamW(0.01),
}


class Run:
    """A classifier with LayerNorm and dropout in float64."""

    def __init__(self, optimizer="Adam"):
        self.X, self.y = mf.Input("X", dtype="float64"), mf.Input("y", dtype=int)
        layers = [mf.Dense(6, 16, mf.ReLU), mf.LayerNorm(16), mf.Dropout(0.2), mf.Dense(16, 3)]
        model = mf.Sequential(layers, seed=5, dtype="float64")
        self.trainer = mf.Trainer(mf.CrossEntropy(self.y, model(self.X)), OPTIMIZERS[optimizer]())
        self.feeds = [
            {self.X: batch.X, self.y: batch.y}
            for epoch in range(STEPS // 10)
            for batch in Batches(ROWS, LABELS, batch_size=64, seed=3).epoch(epoch)
        ]

    def costs(self, first, last):
        schedule = schedules.cosine(STEPS)
        found = []
        for number in range(first, last):
            self.trainer.learning_rate = 0.01 * schedule(number)
            found.append(self.trainer.step(self.feeds[number]))
        return [float(mf.to_numpy(cost)) for cost in found]


@pytest.fixture(scope="module")
def reference():
    """{optimizer: 200 costs of one run on NumPy}."""
    with mf.use_backend("numpy"):
        return {name: Run(name).costs(0, STEPS) for name in OPTIMIZERS}


def usable(*choices):
    for choice in choices:
        if why_unusable(choice):
            pytest.skip(why_unusable(choice))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_200_steps_with_dropout_are_the_same_on_every_backend(backend, optimizer, reference):
    if backend.name == "strict" and optimizer != "Adam":
        pytest.skip("its arrays are NumPy's: one optimizer tells")
    assert Run(optimizer).costs(0, STEPS) == pytest.approx(reference[optimizer], rel=ROUNDING)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_moved_from_library_to_library_goes_on_as_if_it_had_not(optimizer, reference):
    usable("torch", "jax")
    mf.set_backend("numpy")
    run = Run(optimizer)
    costs = run.costs(0, 50)
    for first, choice in ((50, "torch"), (100, "jax"), (150, "numpy")):
        assert run.trainer.to(choice) is run.trainer
        assert mf.get_backend() is load(choice)
        assert load(choice).owns(run.trainer.parameters[0].value) or choice == "numpy"
        costs += run.costs(first, first + 50)
    assert costs == pytest.approx(reference[optimizer], rel=ROUNDING)


def test_a_callback_may_move_a_training_under_way(reference):
    usable("torch")
    mf.set_backend("numpy")
    run, straight = Run(), Run()
    moves = {3: "torch", 6: "strict", 8: "numpy"}

    def move(epoch):
        if epoch.number in moves:
            run.trainer.to(moves[epoch.number])

    batches = Batches(ROWS, LABELS, batch_size=64, seed=3)
    history = fit(run.trainer, [run.X, run.y], batches, 10, callbacks=[move])
    expected = fit(straight.trainer, [straight.X, straight.y], batches, 10)
    assert [epoch.cost for epoch in history] == pytest.approx([epoch.cost for epoch in expected], rel=ROUNDING)


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        ("nonsense", errors.UnknownBackendError),
        ("numpy:1", errors.DeviceNumberError),
        ("torch:cuda:99", errors.BackendError),
        ("", errors.SettingError),
        (5, errors.SettingError),
    ],
)
def test_a_backend_that_cannot_be_used_changes_nothing(choice, error, reference):
    mf.set_backend("numpy")
    run = Run()
    costs = run.costs(0, 10)
    with pytest.raises(error):
        run.trainer.to(choice)
    assert mf.get_backend() is load("numpy")
    assert costs + run.costs(10, 30) == reference["Adam"][:30]  # bit for bit: nothing was even gathered anew


def test_a_dtype_that_the_other_backend_does_not_have_changes_nothing(monkeypatch, reference):
    class Narrow(type(load("strict"))):
        def storable(self, dtype):
            return "float32" if dtype == "float64" else dtype

    mf.set_backend("numpy")
    run = Run()
    costs = run.costs(0, 10)
    with pytest.raises(errors.DtypeError, match="stores float32"):
        run.trainer.to(Narrow(None))
    assert mf.get_backend() is load("numpy")
    assert costs + run.costs(10, 30) == reference["Adam"][:30]


def test_inside_a_block_its_backend_is_in_use():
    run = Run()
    with mf.use_backend("numpy"), pytest.raises(errors.SettingError, match="use_backend block"):
        run.trainer.to("strict")


def test_bfloat16_stays_bfloat16():
    usable("torch", "jax")
    mf.set_backend("torch")
    x = mf.Input("x", dtype="bfloat16")
    W = mf.Parameter(load("torch").asarray(np.ones((6, 1)), "bfloat16"), "W")
    trainer = mf.Trainer(mf.MSE(mf.MatMul(x, W), mf.MatMul(x, W) * 0.5), SGD(0.1))
    trainer.step({x: ROWS[:8]})
    for choice in ("jax", "torch"):
        trainer.to(choice).step({x: ROWS[:8]})
        assert "bfloat16" in str(W.value.dtype)


def test_a_trainer_moves_before_its_first_step(reference):
    usable("torch")
    mf.set_backend("numpy")
    run = Run()
    run.trainer.to("torch")
    assert run.costs(0, 20) == pytest.approx(reference["Adam"][:20], rel=ROUNDING)


def test_options_of_a_backend_are_taken():
    with pytest.raises(errors.SettingError, match="no option 'nonsense'"):
        Run().trainer.to("numpy", nonsense=True)


@pytest.mark.parametrize(
    "pair", [("numpy", "torch"), ("torch", "jax"), ("jax", "strict"), ("strict", "numpy")], ids="-".join
)
def test_two_trainers_on_two_backends_may_share_parameters(pair):
    """They take turns: each goes on from what the other left, with slots of its own."""
    for name in pair:
        pytest.importorskip({"strict": "array_api_strict"}.get(name, name))

    def two():
        x, p = mf.Input("x"), mf.Parameter(np.asarray([1.0, -2.0], "float32"), "p")
        trainers = [mf.Trainer(mf.MSE(p * x, n + 0.0 * x), mf.Adam(0.1)) for n in range(2)]
        return p, trainers, {x: np.asarray([0.5, 2.0], "float32")}

    def train(choices):
        p, trainers, feed = two()
        for _ in range(3):
            for trainer, choice in zip(trainers, choices, strict=True):
                with mf.use_backend(choice):
                    for _ in range(2):
                        trainer.step(feed)
        assert [t.snapshot().optimizer.steps for t in trainers] == [6, 6]
        return mf.to_numpy(p.value)

    np.testing.assert_allclose(train(pair), train(["numpy", "numpy"]), rtol=1e-5)
