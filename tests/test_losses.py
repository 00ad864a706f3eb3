"""Losses with weights, probabilities as targets, labels that do not count, and losses of one's own."""

import copy
import pickle

import numpy as np
import pytest
from array_api_compat import array_namespace
from closeness import assert_close, rounding

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.engine.optim import SGD

pytestmark = pytest.mark.filterwarnings("ignore:the step is not captured as a CUDA graph")  # by CuPy, which says it

RNG = np.random.default_rng(0)
LABELS, LOGITS = np.array([0, 3, 2, 3, 1]), RNG.uniform(-4, 4, (5, 4))
PROBABILITIES = np.exp(LOGITS[::-1]) / np.exp(LOGITS[::-1]).sum(1, keepdims=True)
CLASS_WEIGHTS, SAMPLE_WEIGHTS = [0.5, 2.0, 0.0, 1.0], np.array([1.0, 0.0, 2.0, 0.5, 3.0])
OPTIONS = {  # ours, and torch's
    "class weights": ({"class_weights": CLASS_WEIGHTS}, {"weight": CLASS_WEIGHTS}),
    "ignored": ({"ignored": 3}, {"ignore_index": 3}),
    "smoothed": ({"label_smoothing": 0.1}, {"label_smoothing": 0.1}),
    "all": (
        {"class_weights": CLASS_WEIGHTS, "ignored": 3, "label_smoothing": 0.2},
        {"weight": CLASS_WEIGHTS, "ignore_index": 3, "label_smoothing": 0.2},
    ),
}


def value_and_gradient(cost, feed, leaf):
    value, gradients = mf.Program(cost, [leaf])(feed)
    return mf.to_numpy(value), mf.to_numpy(gradients[leaf])


def losses_of_torch(targets, logits, **options):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    leaf = torch.tensor(logits, requires_grad=True)
    if "weight" in options:
        options["weight"] = torch.tensor(options["weight"], dtype=leaf.dtype)
    value = torch.nn.functional.cross_entropy(leaf, torch.tensor(targets), **options)
    value.backward()
    return value.item(), leaf.grad.numpy()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("targets", ["labels", "probabilities"])
def test_cross_entropy_has_the_options_of_torch(targets, options, reduction, backend):
    ours, torchs = OPTIONS[options]
    if targets == "probabilities" and "ignored" in ours:
        pytest.skip("probabilities have no label to ignore")
    fed = LABELS if targets == "labels" else PROBABILITIES
    y, x = mf.Input("y", dtype=int if targets == "labels" else None), mf.Input("x")
    value, gradient = value_and_gradient(mf.CrossEntropy(y, x, reduction=reduction, **ours), {y: fed, x: LOGITS}, x)
    expected, slope = losses_of_torch(fed, LOGITS, reduction=reduction, **torchs)
    assert_close(value, expected, rounding("float64", LOGITS, np.ones(20)))
    assert_close(gradient, slope, rounding("float64", np.ones(20)))


def test_probabilities_have_a_gradient_also_where_they_are_0(backend):
    y, x = mf.Input("y"), mf.Input("x")
    hard = np.eye(4)[LABELS]
    _, gradient = value_and_gradient(mf.CrossEntropy(y, x), {y: hard, x: LOGITS}, y)
    shifted = LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True))
    assert_close(gradient, -shifted / 5, rounding("float64", LOGITS))
    mf.gradcheck(mf.CrossEntropy(y, x, label_smoothing=0.1), {y: PROBABILITIES, x: LOGITS})


def test_a_class_that_is_shut_out_costs_nothing(backend):
    """A logit of -∞ for a class that no target names: 0 · ∞ is 0 here."""
    y, x = mf.Input("y"), mf.Input("x")
    shut = np.where(np.arange(4) == 3, -np.inf, LOGITS)
    value, gradient = value_and_gradient(mf.CrossEntropy(y, x), {y: np.eye(4)[LABELS % 3], x: shut}, x)
    expected, slope = losses_of_torch(LABELS % 3, LOGITS[:, :3])
    assert_close(value, expected, rounding("float64", LOGITS))
    assert_close(gradient, np.pad(slope, ((0, 0), (0, 1))), rounding("float64", np.ones(20)))


WEIGHTED = {
    "MSE": (mf.MSE, RNG.uniform(-1, 1, (5, 4)), lambda y, x: np.mean((y - x) ** 2, axis=1)),
    "MAE": (mf.MAE, RNG.uniform(-1, 1, (5, 4)), lambda y, x: np.mean(abs(y - x), axis=1)),
    "KLDivergence": (
        mf.KLDivergence,
        (1 + PROBABILITIES) / 5,
        lambda y, x: (y * (np.log(y) - x)).sum(1) + np.log(np.exp(x).sum(1)),
    ),
    "CrossEntropy": (
        mf.CrossEntropy,
        LABELS,
        lambda y, x: np.log(np.exp(x).sum(1)) - np.take_along_axis(x, y[:, None], 1)[:, 0],
    ),
}


@pytest.mark.parametrize("loss", WEIGHTED)
def test_sample_weights_are_how_often_an_example_counts(loss, backend):
    kind, targets, terms = WEIGHTED[loss]
    y, x, w = mf.Input("y", dtype=int if targets.dtype.kind == "i" else None), mf.Input("x"), mf.Input("w")
    feed = {y: targets, x: LOGITS, w: SAMPLE_WEIGHTS}
    value, _ = value_and_gradient(kind(y, x, sample_weights=w), feed, x)
    assert_close(value, np.average(terms(targets, LOGITS), weights=SAMPLE_WEIGHTS), rounding("float64", LOGITS))
    mf.gradcheck(kind(y, x, sample_weights=w), feed)
    times = np.array([1, 0, 2, 1, 3])
    feed = {y: targets, x: LOGITS, w: times}
    value, gradient = value_and_gradient(kind(y, x, sample_weights=w), feed, x)
    repeated = np.repeat(np.arange(5), times)
    expected, slope = value_and_gradient(kind(y, x), {y: targets[repeated], x: LOGITS[repeated]}, x)
    assert_close(value, expected, rounding("float64", LOGITS))
    assert_close(gradient[0], slope[0], rounding("float64", LOGITS))


def test_weights_may_be_an_array_and_fit_a_column():
    y, x = mf.Input("y"), mf.Input("x")
    for shape in ((5,), (5, 1)):
        cost = mf.MSE(y, x, sample_weights=SAMPLE_WEIGHTS.reshape(shape))
        value, _ = value_and_gradient(cost, {y: np.zeros(5), x: LOGITS[:, :1]}, x)
        assert_close(value, np.average(LOGITS[:, 0] ** 2, weights=SAMPLE_WEIGHTS), rounding("float64", LOGITS**2))


@pytest.mark.parametrize(
    ("options", "fed", "said"),
    [
        ({"class_weights": [1, 2]}, LABELS, "2 class weights"),
        ({"class_weights": [1, 2, 3, -1]}, LABELS, "class_weights"),
        ({"label_smoothing": 1}, LABELS, "label_smoothing"),
        ({"ignored": 1.5}, LABELS, "ignored"),
        ({"ignored": 1}, PROBABILITIES, "sample_weights of 0"),
        ({"sample_weights": np.ones(4)}, LABELS, r"\(4,\)"),
        ({"ignored": -1}, np.array([-1, 7, 0, 0, 0]), "from 0 to 7"),
    ],
)
def test_options_that_do_not_fit_are_errors(options, fed, said):
    y, x = mf.Input("y", dtype=int if fed.dtype.kind == "i" else None), mf.Input("x")
    with pytest.raises(errors.MiniflowError, match=said):
        mf.Program(mf.CrossEntropy(y, x, **options))({y: fed, x: LOGITS})


# The mean of a whole set, however it is cut


PARTS = (slice(0, 2), slice(2, 3), slice(3, 5))
COSTS = {
    "sample weights": (mf.MSE, {}, LOGITS[:, 0], True),
    "class weights": (mf.CrossEntropy, {"class_weights": CLASS_WEIGHTS}, LABELS, False),
    "ignored": (mf.CrossEntropy, {"ignored": 3}, LABELS, False),
    "both": (mf.CrossEntropy, {"class_weights": CLASS_WEIGHTS, "ignored": 0}, LABELS, True),
}


@pytest.mark.parametrize("penalised", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", COSTS)
def test_parts_give_the_mean_of_the_whole_set(kind, reduction, penalised):
    """Evaluated, and in the history of a training that moves nothing."""
    if penalised and reduction == "sum":
        pytest.skip("a sum inside of something else is not weighed")
    loss, options, targets, is_weighted = COSTS[kind]
    x, y, w = mf.Input("x"), mf.Input("y", dtype=int if targets.dtype.kind == "i" else None), mf.Input("w")
    bias = mf.Parameter(np.zeros(LOGITS.shape[1:]), "bias")
    weights = {"sample_weights": w} if is_weighted else {}
    if loss is mf.MSE:
        bias = mf.Parameter(np.zeros(()), "bias")
    output = x + bias

    def cost(reduction):
        found = loss(y, output, reduction=reduction, **options, **weights)
        return found + 0 * bias.sum() if penalised else found

    data = [
        LOGITS[:, 0] if loss is mf.MSE else LOGITS,
        targets + (targets == 2) if loss is mf.CrossEntropy else targets,
    ]
    inputs, arrays = ([x, y, w], [*data, SAMPLE_WEIGHTS + 0.5]) if is_weighted else ([x, y], data)
    if kind == "ignored":  # parts of which each has a label that counts
        arrays[1] = np.array([0, 3, 1, 3, 1])
    if kind == "both":
        arrays[1] = np.array([1, 0, 3, 0, 1])
    feeds = [dict(zip(inputs, [a[part] for a in arrays], strict=True)) for part in PARTS]
    whole = float(mf.Program(cost("mean"))(dict(zip(inputs, arrays, strict=True))).values)
    found = mf.evaluate(cost(reduction), mf.Validation(feeds))["cost"]
    assert_close(np.asarray(found), whole, rounding("float64", LOGITS))

    class Source:
        def epoch(self, number, start=0):
            yield from [[feed[leaf] for leaf in inputs] for feed in feeds][start:]

    history = mf.fit(mf.Trainer(cost(reduction)), inputs, Source(), epochs=1, schedule=lambda step: 0.0)
    assert_close(np.asarray(history[-1].cost), whole, rounding("float64", LOGITS))


def test_gradients_of_parts_add_up_to_those_of_the_batch(backend):
    x, y, w = mf.Input("x"), mf.Input("y"), mf.Input("w")
    a = mf.Parameter(np.array(2.0), "a")
    trainer = mf.Trainer(mf.MSE(y, a * x, sample_weights=w))
    data = (LOGITS[:, 0], LOGITS[:, 1], SAMPLE_WEIGHTS)
    whole = mf.to_numpy(trainer.additive(dict(zip((x, y, w), data, strict=True))))
    parts = [mf.to_numpy(trainer.additive({n: d[s] for n, d in zip((x, y, w), data, strict=True)})) for s in PARTS[1:]]
    parts.append(mf.to_numpy(trainer.additive({n: d[:2] for n, d in zip((x, y, w), data, strict=True)})))
    assert_close(sum(parts), whole, rounding("float64", 10 * LOGITS**2))


# Losses of one's own


@mf.as_loss
def cubic(y, output, scale=1.0):
    return scale * abs(y - output) ** 3


Whole = mf.as_loss(lambda y, output: array_namespace(output).mean((y - output) ** 2), "Whole")


def test_a_loss_of_a_function_is_the_mean_of_its_terms(backend):
    y, x = mf.Input("y"), mf.Input("x")
    feed = {y: LOGITS, x: LOGITS + 1.5 * np.sign(LOGITS)}
    value, gradient = value_and_gradient(cubic(y, x, scale=2.0, name="cost"), feed, x)
    assert_close(value, 2 * 1.5**3, rounding("float64", np.ones(20)))
    assert_close(gradient, np.sign(LOGITS) * 6 * 1.5**2 / 20, rounding("float64", np.ones(20)))
    total, _ = value_and_gradient(cubic(y, x, reduction="sum"), feed, x)
    assert_close(total, 20 * 1.5**3, rounding("float64", np.ones(20), total))
    mf.gradcheck(cubic(y, x), feed)


def test_a_loss_that_gives_one_number_weighs_by_its_examples():
    y, x = mf.Input("y"), mf.Input("x")
    feeds = [{y: LOGITS[part], x: LOGITS[part] * 2} for part in PARTS]
    found = mf.evaluate(Whole(y, x), mf.Validation(feeds))["cost"]
    assert_close(np.asarray(found), np.mean(LOGITS**2), rounding("float64", LOGITS**2))
    with pytest.raises(errors.ShapeError, match="Return the terms"):
        mf.Program(Whole(y, x, sample_weights=SAMPLE_WEIGHTS))({y: LOGITS, x: LOGITS})


@pytest.mark.parametrize("loss", [cubic, Whole])
def test_fit_trains_and_copies_go_on(loss, backend):
    x, y = mf.Input("x"), mf.Input("y")
    a = mf.Parameter(np.array([[0.5]]), "a")
    trainer = mf.Trainer(loss(y, x @ a), SGD(0.02))
    data = np.linspace(-1, 2, 30)[:, None]
    history = mf.fit(trainer, [x, y], mf.Batches(data, 1.5 * data, batch_size=7), epochs=20)
    assert history[-1].cost < history[0].cost / 2
    for again in (copy.deepcopy(trainer), pickle.loads(pickle.dumps(trainer))):
        leaves = {leaf.name: leaf for leaf in again.graph.leaves}
        assert float(again.step({leaves["x"]: data, leaves["y"]: 1.5 * data})) < history[-1].cost


def test_what_is_no_function_of_two_arrays_is_an_error():
    with pytest.raises(errors.SettingError, match="as_loss"):
        mf.as_loss(3)
    y, x = mf.Input("y"), mf.Input("x")
    with pytest.raises(errors.GraphError, match="returned a float"):
        mf.Program(mf.as_loss(lambda y, a: 1.0)(y, x))({y: 1.0, x: 2.0})


def test_a_subclass_says_its_terms_alone(backend):
    class Quartic(mf.Loss):
        def terms(self, xp, y, output):
            return (y - output) ** 4

    y, x = mf.Input("y"), mf.Input("x")
    for options in ({}, {"reduction": "sum"}, {"sample_weights": SAMPLE_WEIGHTS}):
        mf.gradcheck(Quartic(y, x, **options), {y: np.zeros(5), x: LOGITS[:, 0] / 4})


# At the edges


def test_losses_of_pairs_have_the_slopes_of_their_limits(backend):
    """Where both are equal, far out, and at a logit of 0, where σ is ½."""
    y, x = mf.Input("y"), mf.Input("x")
    feed = {y: np.array([1.0, 0.0, 0.0]), x: np.array([1.0, 1e4, -1e4])}
    for loss, expected in (
        (mf.MAE, [0, 1, -1]),
        (mf.Huber, [0, 1, -1]),
        (lambda *a: mf.Huber(*a, delta=3), [0, 3, -3]),
    ):
        _, gradient = value_and_gradient(loss(y, x), feed, x)
        assert_close(gradient, np.array(expected) / 3, 1e-15)
    feed = {y: np.array([1.0, 0.25, 1.0, 0.0]), x: np.array([0.0, 0.0, 1e4, 1e4])}
    value, gradient = value_and_gradient(mf.BinaryCrossEntropy(y, x), feed, x)
    assert_close(value, (2 * np.log(2) + 1e4) / 4, rounding("float64", 1e4))
    assert_close(gradient, np.array([-0.5, 0.25, 0, 1]) / 4, 1e-15)


def test_binary_labels_may_be_integers(backend):
    y, x = mf.Input("y", dtype=int), mf.Input("x")
    value, gradient = value_and_gradient(mf.BinaryCrossEntropy(y, x), {y: np.array([0, 1]), x: np.array([0.5, 2])}, x)
    assert_close(value, (np.logaddexp(0, 0.5) + np.logaddexp(0, -2)) / 2, 1e-15)
    assert_close(gradient, [1 / (1 + np.exp(-0.5)) / 2, -1 / (1 + np.exp(2)) / 2], 1e-15)


def test_divergence_of_probabilities_that_are_0(backend):
    y, x = mf.Input("y"), mf.Input("x")
    feed = {y: np.array([[0.0, 1.0]]), x: np.array([[1.0, 2.0]])}
    value, gradient = value_and_gradient(mf.KLDivergence(y, x), feed, x)
    assert_close(value, np.log1p(np.exp(-1)), 1e-15)
    assert_close(gradient, [[1 / (1 + np.e), -1 / (1 + np.e)]], 1e-15)
    with np.errstate(divide="ignore"):
        _, slope = value_and_gradient(mf.KLDivergence(y, x), feed, y)
    assert slope[0, 0] == -np.inf
    assert_close(slope[0, 1], 1 + np.log1p(np.exp(-1)), 1e-15)
