"""fit: epochs, validation, schedules, early stopping, Ctrl-C, and what happens when a cost is not finite."""

import os
import signal
import threading

import numpy as np
import pytest
from closeness import assert_close
from conftest import USUAL

import miniflow_xp as mf
from miniflow_xp import schedules
from miniflow_xp.engine.optim import SGD, Adam
from miniflow_xp.errors import DivergedError, FeedError, GraphError, SettingError, ShapeError
from miniflow_xp.metrics import accuracy, r_squared
from miniflow_xp.training import Validation, evaluate, fit, predict
from miniflow_xp.training.history import Epoch, History
from miniflow_xp.training.interrupts import interrupts

ROWS = np.random.default_rng(0).standard_normal((64, 3))
TARGETS = ROWS @ np.array([[1.0], [-2.0], [0.5]]) + 0.1


class Slices:
    """Batches of so many rows, shuffled by the epoch; ``bad``: this batch of this epoch has an infinity."""

    def __init__(self, size=16, bad=None):
        self.size, self.bad = size, bad

    def epoch(self, number, start=0):
        order = np.random.default_rng([1, number]).permutation(len(ROWS))
        for batch in range(start, len(ROWS) // self.size):
            rows = order[batch * self.size : (batch + 1) * self.size]
            X = ROWS[rows].copy()
            if (number, batch) == self.bad:
                X[0, 0] = np.inf
            yield X, TARGETS[rows]


class Regression:
    def __init__(self, optimizer=None):
        self.X, self.y = mf.Input("X"), mf.Input("y")
        self.W, self.b = mf.Parameter(np.zeros((3, 1)), "W"), mf.Parameter(np.zeros(1), "b")
        self.output = mf.Linear(self.X, self.W, self.b, name="output")
        self.cost = mf.MSE(self.y, self.output, name="cost")
        self.trainer = mf.Trainer(self.cost, optimizer or SGD(0.1))
        self.inputs = (self.X, self.y)

    def values(self):
        return [mf.to_numpy(p.value) for p in self.trainer.parameters]

    def validation(self, parts=4):
        rows = np.array_split(np.arange(len(ROWS)), parts)
        feeds = [{self.X: ROWS[r], self.y: TARGETS[r]} for r in rows]
        return Validation(feeds, self.output, self.y, {"R²": r_squared})


def test_fit_is_the_plain_loop_of_steps(backend):
    fitted, plain = Regression(Adam(0.05)), Regression(Adam(0.05))
    history = fit(fitted.trainer, fitted.inputs, Slices(), 3)
    costs = []
    for epoch in range(3):
        steps = [plain.trainer.step(dict(zip(plain.inputs, batch, strict=True))) for batch in Slices().epoch(epoch)]
        costs.append(np.mean([float(mf.to_numpy(c)) for c in steps]))
    assert [e.cost for e in history] == pytest.approx(costs, rel=1e-12)
    assert [e.steps for e in history] == [4, 8, 12]
    assert history.ended == "all epochs done"
    for a, b in zip(fitted.values(), plain.values(), strict=True):
        np.testing.assert_array_equal(a, b)


class Twos:
    """Three rows whose squares are 10, 10 and 9, in twos: the last one is alone."""

    def epoch(self, number, start=0):
        rows = np.sqrt([[10.0], [10.0], [9.0]])
        return iter([(rows[:2], np.zeros(2)), (rows[2:], np.zeros(1))][start:])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (lambda y, a: mf.MSE(y, a), 29 / 3),
        (lambda y, a: mf.MSE(y, a, reduction="sum"), 29 / 3),  # of all terms, as a validation cost is
        (lambda y, a: mf.MSE(y, a) + 1.0, 29 / 3 + 1),
        (lambda y, a: mf.MSE(y, a, reduction="sum") + 1.0, (20 + 9) / 2 + 1),  # what this is a mean of nobody can tell
    ],
    ids=["mean", "sum", "mean and penalty", "sum and penalty"],
)
def test_a_short_last_batch_counts_by_its_terms(backend, kind, expected):
    x, y, W = mf.Input("x"), mf.Input("y"), mf.Parameter([[1.0]], "W")
    cost = kind(y, mf.MatMul(x, W))
    history = fit(mf.Trainer(cost, SGD(1e-300)), [x, y], Twos(), 2)
    assert [epoch.cost for epoch in history] == pytest.approx([expected] * 2, rel=1e-12)
    feeds = [dict(zip([x, y], batch, strict=True)) for batch in Twos().epoch(0)]
    assert evaluate(cost, Validation(feeds))["cost"] == pytest.approx(expected, rel=1e-12)


class Sentences:
    """Two sentences of 2 words, and one of 3; and logits of the two classes: a word costs log 2, and then log 4."""

    def epoch(self, number, start=0):
        logits = np.zeros(2), np.log([1.0, 3.0])
        words = [
            (np.zeros((*size, 1)), np.zeros(size, int), b) for size, b in zip([(2, 2), (1, 3)], logits, strict=True)
        ]
        return iter(words[start:])


def test_a_batch_counts_by_its_labels_not_by_its_rows(backend):
    inputs = x, y, b = mf.Input("x"), mf.Input("labels", dtype=int), mf.Input("b")
    cost = mf.CrossEntropy(y, mf.MatMul(x, mf.Parameter(np.zeros((1, 2)), "W")) + b)
    (epoch,) = fit(mf.Trainer(cost, SGD(1e-300)), inputs, Sentences(), 1)
    assert epoch.cost == pytest.approx((4 * np.log(2) + 3 * np.log(4)) / 7, rel=1e-12)


def test_counting_terms_is_no_pass_of_dropout(backend):
    """The masks of fit are those of the plain loop."""

    def trained():
        X, y = mf.Input("X", dtype="float64"), mf.Input("y")
        model = mf.Sequential([mf.Dense(1, 8), mf.Dropout(0.5), mf.Dense(8, 1)], seed=3, dtype="float64")
        return mf.Trainer(mf.MSE(y, model(X)), SGD(0.1)), [X, y]

    fitted, inputs = trained()
    (epoch,) = fit(fitted, inputs, Twos(), 1)
    plain, inputs = trained()
    costs = [float(mf.to_numpy(plain.step(dict(zip(inputs, batch, strict=True))))) for batch in Twos().epoch(0)]
    assert epoch.cost == pytest.approx((2 * costs[0] + costs[1]) / 3, rel=1e-12)
    assert [c.number for c in fitted.counters] == [c.number for c in plain.counters]


def test_validation_in_parts_is_validation_whole(backend):
    network = Regression()
    whole = fit(network.trainer, network.inputs, Slices(), 1, validation=network.validation(1))[0].validation
    network = Regression()
    parts = fit(network.trainer, network.inputs, Slices(), 1, validation=network.validation(7))[0].validation
    assert set(whole) == {"cost", "R²"}
    assert parts == pytest.approx(whole, rel=1e-10)
    predictions = predict(network.output, [{network.X: ROWS[:10]}, {network.X: ROWS[10:]}])
    assert predictions.shape == (64, 1)
    assert whole["R²"] == pytest.approx(r_squared(predictions, TARGETS), rel=1e-10)
    assert_close(predictions, predict(network.output, [{network.X: ROWS}]), 1e-12)


def test_evaluate_gives_what_fit_watches(backend):
    network = Regression()
    watched = fit(network.trainer, network.inputs, Slices(), 1, validation=network.validation(3))[0].validation
    assert evaluate(network.cost, network.validation(3)) == watched
    assert set(evaluate(network.cost, Validation(network.validation().feeds))) == {"cost"}


def test_a_cost_that_is_no_loss_is_averaged_over_the_parts():
    network = Regression()
    penalised = network.cost + 1.0
    found = evaluate(penalised, network.validation(4))
    assert found["cost"] == pytest.approx(evaluate(network.cost, network.validation(4))["cost"] + 1)


def test_a_network_is_judged_without_dropout():
    X, y = mf.Input("X", dtype="float64"), mf.Input("y")
    model = mf.Sequential([mf.Dense(3, 8), mf.Dropout(0.5), mf.Dense(8, 1)], seed=3, dtype="float64")
    cost, output = mf.MSE(y, model(X)), model(X, training=False)
    feeds = [{X: ROWS, y: TARGETS}]
    for wrong in (Validation(feeds), Validation(feeds, model(X), y, {"R²": r_squared}, mf.MSE(y, output))):
        with pytest.raises(GraphError, match=r"it drops out.*training=False"):
            evaluate(cost, wrong)
    right = Validation(feeds, output, y, {"R²": r_squared}, mf.MSE(y, output))
    assert evaluate(cost, right)["cost"] == pytest.approx(np.mean((predict(output, [{X: ROWS}]) - TARGETS) ** 2))


def test_what_cannot_be_predicted():
    network = Regression()
    with pytest.raises(FeedError, match="no feeds"):
        predict(network.output, [])
    with pytest.raises(ShapeError, match="scalar"):
        predict(network.cost, [{network.X: ROWS, network.y: TARGETS}])
    X = mf.Input("X", dtype="float64")
    model = mf.Sequential([mf.Dense(3, 8), mf.Dropout(0.5)], dtype="float64")
    with pytest.raises(GraphError, match="it drops out"):
        predict(model(X), [{X: ROWS}])


def test_validations_that_cannot_be_used():
    network = Regression()
    feed = {network.X: ROWS, network.y: TARGETS}
    metrics = {"R²": r_squared}
    without = mf.Input("elsewhere")
    for wrong, error, match in (
        (Validation([]), FeedError, "no feeds"),
        (Validation(iter([feed])), FeedError, "list_iterator"),
        (Validation(feed), FeedError, "dict"),
        (Validation([feed], metrics=metrics), SettingError, "no output"),
        (Validation([feed], network.output, metrics=metrics), SettingError, "no target"),
        (Validation([feed], network.output, without, metrics), FeedError, "elsewhere"),
    ):
        with pytest.raises(error, match=match):
            fit(network.trainer, network.inputs, Slices(), 1, validation=wrong)


def test_an_epoch_without_batches_is_an_error():
    network, rows = Regression(), iter(zip(ROWS, TARGETS, strict=True))
    with pytest.raises(FeedError, match="epoch 1 has no batches"):
        fit(network.trainer, network.inputs, mf.Batches(lambda: rows), 3)


def test_the_worst_epoch_is_one_without_a_number():
    history = History([Epoch(n, n, cost, {}, 0.0) for n, cost in enumerate([np.nan, 0.5, np.inf, 0.4])])
    assert (history.best, history.stale) == (3, 0)


def test_a_bfloat16_parameter_that_diverges_stays_one():
    torch = pytest.importorskip("torch")
    with mf.use_backend("torch"):
        X, y = mf.Input("X", dtype="bfloat16"), mf.Input("y", dtype="bfloat16")
        W = mf.Parameter(torch.zeros((3, 1), dtype=torch.bfloat16), "W")
        trainer = mf.Trainer(mf.MSE(y, mf.MatMul(X, W)), SGD(1e30))
        with pytest.raises(DivergedError):
            fit(trainer, [X, y], Slices(), 3)
        assert W.value.dtype == torch.bfloat16


def test_early_stopping_counts_epochs_without_a_better_cost():
    network = Regression(SGD(1e-12))  # nothing gets better by more than rounding
    history = History([Epoch(n, n, cost, {}, 0.0) for n, cost in enumerate([3.0, 1.0, 2.0, 1.5])])
    assert (history.best, history.stale) == (1, 2)
    network = Regression()
    network.trainer.learning_rate = 5.0  # gets worse, but stays finite for a while
    history = fit(network.trainer, network.inputs, Slices(), 12, patience=2)
    assert history.ended == "no better for 2 epochs"
    assert len(history) == 3


def test_a_callback_may_stop_and_sees_every_epoch():
    network, seen = Regression(), []

    def callback(epoch):
        seen.append(epoch.number)
        return epoch.number == 1

    assert fit(network.trainer, network.inputs, Slices(), 9, callbacks=[callback]).ended == "a callback asked for it"
    network = Regression()
    assert len(fit(network.trainer, network.inputs, Slices(), 9, callbacks=[lambda epoch: np.bool_(True)])) == 1
    assert seen == [0, 1]


def test_a_schedule_sets_the_rate_of_every_step():
    network, rates = Regression(), []
    step = network.trainer.step
    network.trainer.step = lambda feed: (rates.append(network.trainer.learning_rate), step(feed))[1]
    fit(network.trainer, network.inputs, Slices(), 2, schedule=schedules.decay(3, 0.5))
    assert rates == pytest.approx([0.1] * 3 + [0.05] * 3 + [0.025] * 2)
    assert network.trainer.learning_rate == 0.1  # a second fit starts from it, not from where the schedule ended


def test_a_rate_that_a_callback_sets_stays():
    network = Regression()

    def halve(epoch):
        network.trainer.learning_rate /= 2

    fit(network.trainer, network.inputs, Slices(), 2, callbacks=[halve])
    assert network.trainer.learning_rate == 0.1 / 4


def test_schedules():
    cosine = schedules.cosine(10, warm_up=2, floor=0.1)
    assert [cosine(0), cosine(1), cosine(2), cosine(6), cosine(10), cosine(99)] == pytest.approx(
        [1 / 3, 2 / 3, 1, 0.55, 0.1, 0.1]
    )
    assert schedules.constant()(7) == 1
    for wrong in (lambda: schedules.cosine(0), lambda: schedules.cosine(3, 3), lambda: schedules.decay(0)):
        with pytest.raises(SettingError):
            wrong()


@pytest.mark.parametrize("optimizer", [lambda: SGD(0.1), lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.05)])
def test_a_cost_that_is_not_finite_names_step_and_node_and_keeps_the_parameters(optimizer, backend, kept_at_every_look):
    network, before = Regression(optimizer()), Regression(optimizer())
    fit(before.trainer, before.inputs, Slices(), 2)
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match=r"step 9, Input 'X'") as caught:
        fit(network.trainer, network.inputs, Slices(bad=(2, 1)), 4)
    assert "step 8" in str(caught.value)  # the last look, at the end of the second epoch
    for a, b in zip(network.values(), before.values(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def kept_at_every_look(monkeypatch):
    """As with a small network on a machine with nothing else to do."""
    from miniflow_xp.training import loop

    monkeypatch.setattr(loop, "AT_ONCE", np.inf)


def test_a_way_back_that_takes_long_is_kept_seldom_and_leads_over_epochs(monkeypatch):
    """As with a large network: what is kept is from before the first step, and the bad step is found all the same."""
    from miniflow_xp.training import loop

    monkeypatch.setattr(loop, "AT_ONCE", 0.0)
    monkeypatch.setattr(loop, "KEEP_SHARE", 0.0)
    network = Regression(Adam(0.05))
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match=r"step 9, Input 'X'.*those of step 0"):
        fit(network.trainer, network.inputs, Slices(bad=(2, 1)), 4)
    for value in network.values():
        assert not value.any()


def test_training_goes_on_exactly_after_it_was_put_back(kept_at_every_look):
    network, straight = Regression(Adam(0.05)), Regression(Adam(0.05))
    with np.errstate(all="ignore"), pytest.raises(DivergedError):
        fit(network.trainer, network.inputs, Slices(bad=(1, 2)), 2)
    fit(straight.trainer, straight.inputs, Slices(), 1)
    for one in (network, straight):
        for batch in Slices().epoch(1):
            one.trainer.step(dict(zip(one.inputs, batch, strict=True)))
    for a, b in zip(network.values(), straight.values(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_dropout_goes_on_with_the_masks_that_it_would_have_had(kept_at_every_look):
    def network():
        X, y = mf.Input("X", dtype="float64"), mf.Input("y")
        model = mf.Sequential([mf.Dense(3, 8), mf.Dropout(0.5), mf.Dense(8, 1)], seed=3, dtype="float64")
        return mf.Trainer(mf.MSE(y, model(X)), Adam(0.05)), (X, y)

    (broken, inputs), (straight, others) = network(), network()
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match="step 6"):
        fit(broken, inputs, Slices(bad=(1, 2)), 2)
    fit(broken, inputs, Slices(), 2)
    fit(straight, others, Slices(), 1)
    fit(straight, others, Slices(), 2)
    for a, b in zip(broken.parameters, straight.parameters, strict=True):
        np.testing.assert_array_equal(a.value, b.value)


class Interrupting(Slices):
    """A signal comes while the second step is under way."""

    def __init__(self, number=signal.SIGINT):
        super().__init__()
        self.number = number

    def epoch(self, number, start=0):
        for n, batch in enumerate(super().epoch(number, start)):
            if n == 1:
                signal.raise_signal(self.number)
            yield batch


ENDING = [pytest.param(number, id=number.name) for number in USUAL if number != signal.SIGINT]
ALL = [pytest.param(number, id=number.name) for number in USUAL]


def two_steps():
    """The values after the first two steps."""
    network = Regression()
    for batch in list(Slices().epoch(0))[:2]:
        network.trainer.step(dict(zip(network.inputs, batch, strict=True)))
    return network.values()


def test_ctrl_c_ends_after_the_step_in_progress(usual_signals):
    network = Regression()
    history = fit(network.trainer, network.inputs, Interrupting(), 5)
    assert history.ended == "interrupted"
    assert [e.steps for e in history] == [2]
    for a, b in zip(network.values(), two_steps(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler  # the usual one is back


class EndedError(Exception):
    """The process would be over."""


@pytest.fixture
def ends(monkeypatch):
    """The signals that would have ended the process."""
    ended = []

    def end_by(number):
        ended.append(number)
        raise EndedError

    monkeypatch.setattr("miniflow_xp.training.interrupts.end_by", end_by)
    return ended


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_that_ends_the_process_does_so_after_the_step_in_progress(usual_signals, ends, number):
    network = Regression()
    with pytest.raises(EndedError):
        fit(network.trainer, network.inputs, Interrupting(number), 5)
    assert ends == [number]
    for a, b in zip(network.values(), two_steps(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize("number", ENDING)
def test_the_process_ends_as_by_the_signal_itself(usual_signals, run_python, number):
    """Not by an exception, which who runs tests or notebooks would catch."""
    program = "from miniflow_xp.training.interrupts import end_by; import sys; end_by(int(sys.argv[1]))"
    run_python(program, str(int(number)), status=-number)


@pytest.mark.parametrize("number", ALL)
def test_where_a_signal_is_ignored_it_stays_so(usual_signals, number):
    network = Regression()
    signal.signal(number, signal.SIG_IGN)
    assert fit(network.trainer, network.inputs, Interrupting(number), 2).ended == "all epochs done"


@pytest.mark.parametrize("number", ENDING)
def test_who_handles_a_signal_that_ends_the_process_goes_on_doing_so(usual_signals, number):
    network, heard = Regression(), []
    signal.signal(number, lambda number, frame: heard.append(number))
    assert fit(network.trainer, network.inputs, Interrupting(number), 2).ended == "all epochs done"
    assert heard == [number] * 2


@pytest.mark.parametrize("number", ALL)
def test_a_signal_in_an_inner_fit_ends_the_outer_one_too(usual_signals, ends, number):
    outer, inner = Regression(), Regression()
    ended = []

    def callback(epoch):
        ended.append(fit(inner.trainer, inner.inputs, Interrupting(number), 5).ended)

    if number == signal.SIGINT:
        assert fit(outer.trainer, outer.inputs, Slices(), 5, callbacks=[callback]).ended == "interrupted"
    else:
        with pytest.raises(EndedError):
            fit(outer.trainer, outer.inputs, Slices(), 5, callbacks=[callback])
        assert ends == [number]  # once, by the outer one
    assert ended == ["interrupted"]


def test_a_signal_between_the_beginnings_of_two_blocks_ends_both(usual_signals):
    with interrupts() as outer:
        signal.raise_signal(signal.SIGINT)
        with interrupts() as inner:
            assert inner.is_set()
        assert outer.is_set()


@pytest.mark.parametrize("before", [signal.default_int_handler, signal.SIG_DFL])
def test_the_second_ctrl_c_interrupts_at_once(usual_signals, before):
    outer, inner = Regression(), Regression()

    def within(epoch):
        fit(inner.trainer, inner.inputs, Twice(signal.SIGINT), 5)

    signal.signal(signal.SIGINT, before)
    with pytest.raises(KeyboardInterrupt):
        fit(inner.trainer, inner.inputs, Twice(signal.SIGINT), 5)
    with pytest.raises(KeyboardInterrupt):
        fit(outer.trainer, outer.inputs, Slices(), 5, callbacks=[within])
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", ENDING)
def test_the_second_signal_that_ends_the_process_does_so_at_once(usual_signals, ends, number):
    network = Regression()
    with pytest.raises(EndedError):
        fit(network.trainer, network.inputs, Twice(number), 5)
    for a, b in zip(network.values(), Regression().values(), strict=True):  # before the first step
        np.testing.assert_array_equal(a, b)


class Twice(Interrupting):
    """The signal comes twice before the first step."""

    def epoch(self, number, start=0):
        signal.raise_signal(self.number)
        signal.raise_signal(self.number)
        yield from Slices.epoch(self, number, start)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_is_ended_as_any_process_is(usual_signals, run_python):
    """Such as a worker that a source of batches starts: training would not end it."""
    program = """
import os, signal
from miniflow_xp.training.interrupts import interrupts
reader, writer = os.pipe()
with interrupts() as outer, interrupts() as inner:
    child = os.fork()
    if not child:
        os.write(writer, b"!")
        while True:
            pass
    os.read(reader, 1)
    os.kill(child, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), outer.is_set(), inner.is_set())
"""
    assert run_python(program).stdout == f"{-signal.SIGTERM} False False\n"


def test_fit_works_in_another_thread():
    network, done = Regression(), []
    thread = threading.Thread(target=lambda: done.append(fit(network.trainer, network.inputs, Slices(), 1)))
    thread.start()
    thread.join()
    assert done[0].ended == "all epochs done"


def test_settings_of_fit():
    network = Regression()
    for wrong in ({"epochs": 0}, {"epochs": "2"}, {"epochs": 2.5}, {"epochs": 1, "patience": 0}):
        with pytest.raises(SettingError):
            fit(network.trainer, network.inputs, Slices(), **wrong)
    for inputs, batches in ((network.X, Slices()), (network.inputs, [(ROWS, TARGETS)])):
        with pytest.raises(SettingError, match=r"fit\(trainer, \[X, y\]"):
            fit(network.trainer, inputs, batches, 1)
    with pytest.raises(FeedError, match="holds 2 arrays, and there are 1 inputs"):
        fit(network.trainer, [network.X], Slices(), 1)


def test_metrics():
    assert accuracy([[1, 2], [3, 0], [0, 1]], [1, 0, 0]) == pytest.approx(2 / 3)
    assert r_squared([1.0, 2.0, 3.0], [[1.0], [2.0], [3.0]]) == 1
    assert r_squared([2.0, 2.0, 2.0], [1.0, 2.0, 3.0]) == 0
    assert np.isnan(r_squared([1.0, 1.0], [2.0, 2.0]))
    table, turned = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(3, 2)
    for metric, a, b in (
        (accuracy, [1, 2], [1, 2]),
        (accuracy, [[1, 2]], [1, 2]),
        (r_squared, [1], [1, 2]),
        (r_squared, table, turned),
        (r_squared, table, table.ravel()),
    ):
        with pytest.raises(ShapeError):
            metric(a, b)


@pytest.mark.parametrize("targets", [[0, 1, 1, 1], [[0.0], [1.0], [1.0], [1.0]]])
def test_one_column_is_the_probability_of_class_1(targets):
    assert accuracy([[0.1], [0.9], [0.6], [0.51]], targets) == 1
    assert accuracy([[0.1], [0.9], [0.6], [0.49]], targets) == 0.75
    assert accuracy([[0.5], [0.9], [0.6], [0.51]], targets) == 1  # a draw is the first class, as with two columns


def test_a_prediction_that_is_no_number_is_wrong():
    nan = float("nan")
    assert accuracy([[nan, nan], [nan, 1.0], [0.0, nan], [0.0, 1.0]], [0, 1, 1, 1]) == 0.25
    assert accuracy([[nan], [0.1], [0.9]], [0, 0, 1]) == pytest.approx(2 / 3)


def test_a_history_plots_itself(tmp_path):
    pytest.importorskip("matplotlib")
    history = History([Epoch(n, n, 1 / (n + 1), {"cost": 2 / (n + 1)}, 0.1) for n in range(3)])
    history.plot(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
