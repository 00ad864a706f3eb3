"""Numbers in settings: Python's, NumPy's, and 0-d arrays of the backend in use are one and the same."""

from fractions import Fraction

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp import checks, errors, schedules
from miniflow_xp.checkpoints import Keeper, State
from miniflow_xp.layers.seeds import Seed
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.training.prefetch import prefetched

WHOLE = {
    "int": int,
    "np.int64": np.int64,
    "np.uint8": np.uint8,
    "a 0-d NumPy array": lambda n: np.asarray(n, "int32"),
    "a 0-d array": lambda n: mf.get_backend().asarray(np.asarray(n, "int64"), "int64"),
}
REAL = {
    "float": float,
    "Fraction": lambda x: Fraction(x).limit_denominator(1000),
    "np.float32": np.float32,
    "np.float64": np.float64,
    "a 0-d NumPy array": lambda x: np.asarray(x, "float64"),
    "a 0-d array": lambda x: mf.get_backend().asarray(np.asarray(x, "float32"), "float32"),
}


class Rates:
    """A Trainer's learning rate after it was set."""

    def __init__(self, rate):
        self.trainer = mf.Trainer(mf.MSE(mf.Input(), mf.Parameter(1.0, "p") * 1.0))
        self.trainer.learning_rate = rate
        self.rate = self.trainer.learning_rate


def passes(n):
    counter = Counter()
    counter.value = n
    return counter.number


TAKE_WHOLE = {
    "Dense, inputs": lambda n: mf.Dense(n, 2).inputs,
    "Dense, units": lambda n: mf.Dense(2, n).units,
    "LayerNorm": lambda n: mf.LayerNorm(n).units,
    "seed of a layer": lambda n: Seed.of(n, "x").words[0],
    "batch_size": lambda n: mf.Batches(np.zeros(9), batch_size=n).batch_size,
    "seed of Batches": lambda n: mf.Batches(np.zeros(9), seed=n).seed,
    "window": lambda n: len(list(mf.Batches(np.zeros(9), batch_size=3, window=n).epoch(0))),
    "epoch": lambda n: len(list(mf.Batches(np.zeros(9), batch_size=3).epoch(n))),
    "Keeper, keep": lambda n: Keeper("folder", n).keep,
    "passes": passes,
    "axis": lambda n: mf.Softmax(mf.Input(), n).axis,
}
TAKE_REAL = {
    "SGD": lambda x: mf.SGD(x).learning_rate,
    "momentum": lambda x: mf.SGD(momentum=x).momentum,
    "weight_decay": lambda x: mf.AdamW(weight_decay=x).weight_decay,
    "RMSProp, alpha": lambda x: mf.RMSProp(alpha=x).alpha,
    "Adam, betas": lambda x: mf.Adam(betas=(x, 0.999)).betas[0],
    "Adam, epsilon": lambda x: mf.Adam(epsilon=x).epsilon,
    "clipped": lambda x: mf.SGD().clipped(x).clip_norm,
    "Dropout": lambda x: mf.Dropout(x).rate,
    "LayerNorm, epsilon": lambda x: mf.LayerNorm(3, epsilon=x).epsilon,
    "Standardise, epsilon": lambda x: mf.Standardise(mf.Input(), x).epsilon,
    "Trainer.learning_rate": lambda x: Rates(x).rate,
    "decay": lambda x: schedules.decay(1, x)(1),
    "a constant": lambda x: (mf.Input("x") * x).inbound_nodes[1].value,
    "a constant in an Add": lambda x: mf.Add(mf.Input("x"), x).inbound_nodes[1].value,
}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("door", TAKE_WHOLE)
def test_every_whole_number_is_pythons_own(backend, door, kind):
    found = TAKE_WHOLE[door](WHOLE[kind](3))
    assert (type(found), found) == (int, 3)


@pytest.mark.parametrize("kind", REAL)
@pytest.mark.parametrize("door", TAKE_REAL)
def test_every_real_number_is_pythons_own(backend, door, kind):
    found = TAKE_REAL[door](REAL[kind](0.5))
    assert (type(found), found) == (float, 0.5)


@pytest.mark.parametrize("kind", REAL)
def test_a_number_before_a_node_is_a_constant(backend, kind):
    if (backend.name, kind) == ("strict", "a 0-d array"):
        pytest.skip("array-api-strict's arrays leave nothing to what stands to their right")
    found = (REAL[kind](0.5) * mf.Input("x")).inbound_nodes[0].value
    assert (type(found), found) == (float, 0.5)


@pytest.mark.parametrize("kind", WHOLE)
def test_numbers_of_calls_may_be_of_any_library(backend, kind, tmp_path):
    number = WHOLE[kind]
    assert schedules.cosine(number(3), warm_up=number(1))(2) == schedules.cosine(3, warm_up=1)(2)
    assert [*prefetched([{}], depth=number(1))] == [{}]
    path = Keeper(tmp_path).save(number(3), State({}, {}), score=number(1))
    assert path == Keeper(tmp_path).path(3)
    x = mf.Input("x")
    mf.gradcheck(mf.Tanh(x), {x: [1.0, 2.0]}, elements=number(1), seed=number(1))


def test_a_rate_of_another_width_does_not_widen_what_is_trained(backend):
    w = mf.Parameter(np.ones(2, "float32"), "w")
    graph = mf.topological_sort({}, mf.MSE(w * 0.0, w))
    mf.forward_and_backward(graph)
    mf.sgd_update([w], np.float64(0.25))
    assert str(mf.to_numpy(w.value).dtype) == "float32"
    np.testing.assert_array_equal(mf.to_numpy(w.value), [0.75, 0.75])


def test_a_tensor_that_pytorch_records_is_a_number():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    assert mf.SGD(torch.tensor(0.5, requires_grad=True)).learning_rate == 0.5


def test_fit_takes_numpys_numbers(tmp_path):
    x, y, w = mf.Input("x"), mf.Input("y"), mf.Parameter([[1.0]], "w")
    trainer = mf.Trainer(mf.MSE(y, x @ w), mf.Adam(np.float32(1e-3)))
    batches = mf.Batches(np.ones((8, 1)), np.ones((8, 1)), batch_size=np.int64(4))
    one, two = np.int64(1), np.int32(2)
    history = mf.fit(
        trainer, [x, y], batches, two, patience=two, schedule=np.float32, checkpoints=tmp_path, checkpoint_every=one
    )
    assert len(history) == 2


@pytest.mark.parametrize(
    "value",
    [True, np.True_, None, "3", 3.5, 3.0, np.float64(3), [3], np.array([3]), np.ma.masked, 3j, 10**5000, -1, object()],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_whole_number_is_told(value):
    with pytest.raises(errors.SettingError, match=r"thing: it is .* whole number"):
        checks.whole(value, "thing", 1)


@pytest.mark.parametrize(
    "value",
    [
        *(True, np.True_, None, "1", [1.0], np.array([1.0]), np.ma.masked, 1j, object()),
        *(10**400, 10**5000, Fraction(10**400), np.nan, float("inf"), 0, -1.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_positive_number_is_told(value):
    with pytest.raises(errors.SettingError, match=r"thing: it is .* finite number above 0"):
        checks.positive(value, "thing")
