"""Checkpoints of fit: a run that was stopped anywhere and resumed ends as the one that was not, to the last bit."""

import signal

import numpy as np
import pytest
from conftest import USUAL
from small_training import same_bits

import miniflow_xp as mf
from miniflow_xp import schedules
from miniflow_xp.checkpoints import Keeper, State, load, save
from miniflow_xp.engine.optim import SGD, Adam
from miniflow_xp.errors import DataError, DivergedError, SettingError
from miniflow_xp.metrics import r_squared
from miniflow_xp.training import Validation, fit
from miniflow_xp.training.batches import Batches
from miniflow_xp.training.prefetch import DEPTH

ROWS = np.random.default_rng(0).standard_normal((70, 3)).astype("float32")
TARGETS = (ROWS @ np.array([[1.0], [-2.0], [0.5]]) + 0.1).astype("float32")
EPOCHS = 4  # of 5 steps, the last of which is shorter


class Run:
    """A network with dropout, Adam, a schedule, a validation set: all that a checkpoint has to hold."""

    def __init__(self, seed=0, batch_size=16, optimizer=None, units=8, model_seed=3):
        self.X, self.y = mf.Input("X", dtype="float32"), mf.Input("y", dtype="float32")
        model = mf.Sequential([mf.Dense(3, units, mf.Tanh), mf.Dropout(0.3), mf.Dense(units, 1)], seed=model_seed)
        self.trainer = mf.Trainer(mf.MSE(self.y, model(self.X), name="cost"), optimizer or Adam(0.05))
        output = model(self.X, training=False)
        feeds = [{self.X: ROWS[50:], self.y: TARGETS[50:]}]
        self.validation = Validation(feeds, output, self.y, {"R²": r_squared}, mf.MSE(self.y, output))
        self.batches = Batches(ROWS, TARGETS, batch_size=batch_size, seed=seed)

    def fit(self, epochs=EPOCHS, **options):
        options = {"validation": self.validation, "schedule": schedules.cosine(20, warm_up=3), **options}
        return fit(self.trainer, [self.X, self.y], options.pop("batches", self.batches), epochs, **options)

    def values(self):
        return [np.array(mf.to_numpy(p.value)) for p in self.trainer.parameters]


def without_seconds(history):
    return [epoch[:4] for epoch in history]


class KilledError(Exception):
    """The run ends here, as if it had been killed: nothing more is saved."""


class Stopping:
    """The batches of another source until so many were given, in all epochs together; then ``stop`` is called."""

    def __init__(self, source, count, stop):
        self.source, self.left, self.stop = source, count, stop
        self.settings = source.settings

    def epoch(self, number, start=0):
        for batch in self.source.epoch(number, start):
            if self.left == 0:
                self.stop()
            self.left -= 1
            yield batch


def kill():
    raise KilledError


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def whole():
    """The uninterrupted run, on NumPy."""
    with mf.use_backend("numpy"):
        run = Run()
        return run.fit(), run.values()


@pytest.mark.parametrize("steps", range(21))
def test_a_run_that_was_killed_after_any_step_ends_as_the_uninterrupted_one(tmp_path, whole, steps):
    history, values = whole
    with mf.use_backend("numpy"):
        first = Run()
        stopping = Stopping(first.batches, steps, kill)
        options = {"checkpoints": tmp_path, "checkpoint_every": 3}
        if steps < 20:
            with pytest.raises(KilledError):
                first.fit(batches=stopping, **options)
        else:
            first.fit(batches=stopping, **options)
        again = Run()
        resumed = again.fit(resume=True, **options)
    same_bits(again.values(), values)
    assert without_seconds(resumed) == without_seconds(history)
    assert resumed.ended == history.ended


@pytest.mark.parametrize("steps", [0, 4, 7, 19])
def test_ctrl_c_saves_the_step_in_progress(tmp_path, backend, usual_signals, steps):
    straight = Run()
    history = straight.fit()
    first = Run()
    stopped = first.fit(batches=Stopping(first.batches, steps, ctrl_c), checkpoints=tmp_path)
    assert stopped.ended == "interrupted"
    read_ahead = 0 if backend.uploader(DEPTH) is None else min(steps % 5, DEPTH)  # batches of the same epoch
    assert Keeper(tmp_path).latest().meta["step"] == steps - read_ahead + 1
    again = Run()
    resumed = again.fit(checkpoints=Keeper(tmp_path), resume=True)
    same_bits(again.values(), straight.values())
    assert without_seconds(resumed) == without_seconds(history)


@pytest.mark.parametrize("number", [pytest.param(n, id=n.name) for n in USUAL if n != signal.SIGINT])
def test_a_signal_that_ends_the_process_saves_the_step_in_progress(tmp_path, usual_signals, monkeypatch, whole, number):
    seen = []
    monkeypatch.setattr("miniflow_xp.training.interrupts.end_by", lambda _: seen.extend(tmp_path.iterdir()))
    with mf.use_backend("numpy"):
        first, again = Run(), Run()
        first.fit(batches=Stopping(first.batches, 7, lambda: signal.raise_signal(number)), checkpoints=tmp_path)
        assert "step-000000000008.safetensors" in [path.name for path in seen]
        assert ".lock" not in [path.name for path in seen]  # nobody will be told that this run was killed
        again.fit(checkpoints=tmp_path, resume=True)
    same_bits(again.values(), whole[1])


def test_a_run_that_is_over_is_not_trained_on(tmp_path, whole):
    history, values = whole
    with mf.use_backend("numpy"):
        Run().fit(checkpoints=tmp_path)
        again = Run()
        resumed = again.fit(checkpoints=tmp_path, resume=True)
        assert without_seconds(resumed) == without_seconds(history)
        same_bits(again.values(), values)
        more = again.fit(epochs=EPOCHS + 1, checkpoints=tmp_path, resume=True)
    assert [epoch.number for epoch in more] == list(range(EPOCHS + 1))


def test_early_stopping_counts_the_epochs_before(tmp_path):
    stubborn = {"optimizer": SGD(1e-12)}  # the cost falls in no epoch by more than its masks make it rise
    Run(**stubborn).fit(epochs=1, checkpoints=tmp_path, schedule=None)
    history = Run(**stubborn).fit(epochs=9, checkpoints=tmp_path, resume=True, schedule=schedules.decay(1, 1e-30))
    assert history.ended == "all epochs done"  # each is better by nothing, or by less
    history = Run(**stubborn).fit(epochs=99, patience=2, checkpoints=tmp_path, resume=True, schedule=None)
    assert history.ended == "no better for 2 epochs"


def test_the_best_and_the_last_are_kept(tmp_path):
    history = Run().fit(checkpoints=Keeper(tmp_path, keep=1))
    keeper = Keeper(tmp_path, keep=1)
    assert keeper.latest().meta["step"] == history[-1].steps
    assert keeper.best().meta["score"] == min(epoch.validation["cost"] for epoch in history)


def test_resuming_where_nothing_was_saved_begins(tmp_path, whole):
    with mf.use_backend("numpy"):
        run = Run()
        run.fit(checkpoints=tmp_path / "new", resume=True)
    same_bits(run.values(), whole[1])


def test_a_folder_of_another_run_is_not_mixed_up(tmp_path):
    Run().fit(epochs=1, checkpoints=tmp_path)
    run = Run()
    before = run.values()
    with pytest.raises(SettingError, match=r"holds checkpoints.*resume=True"):
        run.fit(checkpoints=tmp_path)
    with pytest.raises(DataError, match="batch_size of the batches was 16 and is 7"):
        Run(batch_size=7).fit(checkpoints=tmp_path, resume=True)
    with pytest.raises(DataError, match="seed of the batches was 0 and is 5"):
        Run(seed=5).fit(checkpoints=tmp_path, resume=True)
    with pytest.raises(DataError, match="shape"):
        Run(units=9).fit(checkpoints=tmp_path, resume=True)
    with pytest.raises(DataError, match="masks of dropout came from another seed"):
        Run(model_seed=4).fit(checkpoints=tmp_path, resume=True)
    with pytest.raises(DataError, match="'Adam', and the optimizer is 'SGD'"):
        Run(optimizer=SGD(0.1)).fit(checkpoints=tmp_path, resume=True)
    same_bits(run.values(), before)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda fit: None,
        lambda fit: fit | {"position": [1, 0]},
        lambda fit: fit | {"position": [1, -1, 5, 0.0]},
        lambda fit: fit | {"position": [3, 0, 15, 0.0]},
        lambda fit: fit | {"history": [[0, 5, "much", {}, 0.1]]},
        lambda fit: fit | {"history": 5},
        lambda fit: {k: v for k, v in fit.items() if k != "batches"},
    ],
)
def test_a_checkpoint_that_does_not_say_where_training_stood(tmp_path, spoil):
    Run().fit(epochs=1, checkpoints=tmp_path)
    path = Keeper(tmp_path).paths()[-1]
    state = load(path)
    save(path, State(state.arrays, {**state.meta, "fit": spoil(state.meta["fit"])}))
    run = Run()
    before = run.values()
    with pytest.raises(DataError, match="where training stood"):
        run.fit(checkpoints=tmp_path, resume=True)
    same_bits(run.values(), before)


def test_a_disk_that_is_full_stops_nothing_until_the_end(tmp_path, monkeypatch, whole):
    """A checkpoint that fails is a warning; the last one is an error, and the trainer still holds what it learned."""
    import miniflow_xp.checkpoints.file as file

    def full(path, chunks):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, "write_atomically", full)
    with mf.use_backend("numpy"):
        run = Run()
        with (
            pytest.warns(
                UserWarning, match="No space left on device.*training goes on|training goes on.*No space left"
            ),
            pytest.raises(DataError, match="No space left"),
        ):
            run.fit(checkpoints=tmp_path)
    same_bits(run.values(), whole[1])


def test_where_nothing_can_be_saved_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        run = Run()
        with pytest.raises(DataError):
            run.fit(checkpoints=folder)
        same_bits(run.values(), Run().values())
    X, y = mf.Input("X"), mf.Input("y")
    nameless = mf.Trainer(mf.MSE(y, mf.MatMul(X, mf.Parameter(np.zeros((3, 1))))))
    with pytest.raises(mf.MiniflowError, match="has no name"):
        fit(nameless, [X, y], Batches(ROWS, TARGETS), 1, checkpoints=tmp_path / "new")


def test_a_callback_that_raises_costs_no_epoch(tmp_path, whole):
    def broken(epoch):
        if epoch.number == 2:
            raise RuntimeError("mine")

    with mf.use_backend("numpy"):
        with pytest.raises(RuntimeError, match="mine"):
            Run().fit(checkpoints=tmp_path, callbacks=[broken])
        assert Keeper(tmp_path).latest().meta["step"] == 15
        again = Run()
        again.fit(checkpoints=tmp_path, resume=True)
    same_bits(again.values(), whole[1])


def test_a_schedule_leaves_no_trace_in_a_checkpoint(tmp_path):
    """The rate that is saved is the optimizer's: what goes on without the schedule starts from it."""
    Run().fit(epochs=3, checkpoints=tmp_path)
    assert Keeper(tmp_path).latest().meta["learning_rate"] == 0.05
    run = Run()
    run.fit(epochs=4, checkpoints=tmp_path, resume=True, schedule=None)
    assert run.trainer.learning_rate == 0.05


def test_a_rate_that_a_callback_sets_is_resumed(tmp_path):
    def halve(run):
        def callback(epoch):
            run.trainer.learning_rate /= 2

        return callback

    straight, first, again = Run(), Run(), Run()
    straight.fit(schedule=None, callbacks=[halve(straight)])
    first.fit(epochs=2, schedule=None, callbacks=[halve(first)], checkpoints=tmp_path)
    again.fit(schedule=None, callbacks=[halve(again)], checkpoints=tmp_path, resume=True)
    assert again.trainer.learning_rate == straight.trainer.learning_rate == 0.05 / 16
    same_bits(again.values(), straight.values())


def test_another_rate_of_the_optimizer_is_told_and_used(tmp_path):
    Run().fit(epochs=1, checkpoints=tmp_path, schedule=None)
    run = Run(optimizer=Adam(0.001))
    with pytest.warns(UserWarning, match=r"Adam goes on.*learning_rate was 0\.05, and is 0\.001"):
        run.fit(epochs=2, checkpoints=tmp_path, resume=True, schedule=None)
    assert run.trainer.learning_rate == 0.001


def test_a_rate_of_0_is_resumed(tmp_path):
    run = Run()
    run.trainer.learning_rate = 0
    run.fit(epochs=1, checkpoints=tmp_path, schedule=None)
    again = Run()
    again.fit(epochs=2, checkpoints=tmp_path, resume=True, schedule=None)
    assert again.trainer.learning_rate == 0


def test_settings_of_a_source_are_compared_as_json_gives_them_back(tmp_path):
    class Source(Stopping):
        def __init__(self, source):
            super().__init__(source, 10**9, kill)
            self.settings = {"shape": (2, 3), "path": tmp_path}

    for epochs in (1, 2):
        run = Run()
        run.fit(epochs=epochs, checkpoints=tmp_path, resume=True, batches=Source(run.batches))


def test_costs_that_are_not_finite_are_resumed_as_they_were(tmp_path):
    """Early stopping then counts the same epochs."""
    from miniflow_xp.training.history import Epoch, History
    from miniflow_xp.training.position import from_meta, to_meta

    history = History(Epoch(n, n, 1.0, {"cost": cost}, 0.1) for n, cost in enumerate([np.inf, -np.inf, np.nan, 0.5]))
    batches = Batches(ROWS)
    from miniflow_xp.training.position import Position

    meta = {"fit": to_meta(Position(4, 0, 4), history, batches)}
    save(tmp_path / "file", State({}, meta))
    found = from_meta(load(tmp_path / "file").meta, batches)[1]
    assert str(found) == str(history)


def test_a_position_of_an_earlier_version_is_the_mean_of_its_steps():
    from miniflow_xp.training.position import Position, from_meta

    batches = Batches(ROWS)
    fit = {"position": [0, 2, 2, 5.0], "history": [], "batches": batches.settings}
    found, _ = from_meta({"fit": fit}, batches)
    assert (found, found.mean) == (Position(0, 2, 2, 5.0, 2.0), 2.5)


def test_nan_saves_nothing_and_the_last_checkpoint_is_good(tmp_path):
    run = Run()
    broken = ROWS.copy()
    broken[:] = np.inf
    run.fit(epochs=1, checkpoints=tmp_path)
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match=r"step 5, Input 'X'"):
        run.fit(epochs=2, checkpoints=tmp_path, resume=True, batches=Batches(broken, TARGETS, batch_size=16))
    assert [p.name for p in Keeper(tmp_path).paths()] == ["step-000000000005.safetensors"]


def test_settings_of_checkpoints(tmp_path):
    run = Run()
    for wrong in ({"resume": True}, {"checkpoint_every": 3}, {"checkpoints": tmp_path, "checkpoint_every": 0}):
        with pytest.raises(SettingError):
            run.fit(**wrong)


def test_a_nan_metric_comes_back_as_nan(tmp_path):
    run = Run()
    flat = run.validation._replace(feeds=[{run.X: ROWS, run.y: np.ones_like(TARGETS)}])  # R² has no meaning
    run.fit(epochs=1, checkpoints=tmp_path, validation=flat)
    history = Run().fit(epochs=1, checkpoints=tmp_path, resume=True)
    assert np.isnan(history[0].validation["R²"])
