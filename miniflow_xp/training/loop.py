"""fit: train over epochs, watch a validation set, stop when told, and never lose what was learned.

Costs stay on the device and are looked at a few times a second. A cost that is not finite ends the training, with the
parameters of the last look, and tells the first node and step that went wrong.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import numpy as np

from miniflow_xp.checkpoints import Keeper
from miniflow_xp.checks import each, function, not_negative, of_kind, truth, whole
from miniflow_xp.engine.state import TrainerState
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import BackendError, FeedError, SettingError
from miniflow_xp.node import Input
from miniflow_xp.schedules import Schedule
from miniflow_xp.switch import get_backend, to_numpy
from miniflow_xp.training.bar import Bar, Choice, bar
from miniflow_xp.training.diverged import diverged
from miniflow_xp.training.evaluation import Evaluation, Validation
from miniflow_xp.training.history import Epoch, History
from miniflow_xp.training.interrupts import StopRequest, interrupts
from miniflow_xp.training.position import Position, Source
from miniflow_xp.training.prefetch import prefetched
from miniflow_xp.training.saver import Saver
from miniflow_xp.training.together import Together, dealt
from miniflow_xp.training.weighing import Share, Weighing

LOOK_EVERY = 0.5  # seconds between looks at the costs
KEEP_SHARE = 0.02  # of the time that may be spent on keeping the parameters, unless that is
AT_ONCE = 1e-3  # seconds, or less


def fit(
    trainer: Trainer,
    inputs: Sequence[Input],
    batches: Source,
    epochs: int,
    *,
    validation: Validation | None = None,
    schedule: Schedule | None = None,
    patience: int | None = None,
    callbacks: Sequence[Callable[[Epoch], Any]] = (),
    checkpoints: Keeper | str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    progress: Choice = None,
) -> History:
    """Train for ``epochs``: each batch of ``batches`` feeds ``inputs``, in their order; returns the history.

    The cost of an epoch is the mean over all terms of the loss, so a short batch counts for as much as it holds; where
    the cost is made of no loss, or of several, it is the mean of the steps' costs.
    ``schedule(step)`` is the factor of the optimizer's learning rate. ``patience``: stop after so many epochs in which
    the validation cost (without a validation set the training cost) did not fall. A callback that returns True stops
    too. Ctrl-C stops after the step in progress; the history says why it ended. So do SIGTERM and SIGHUP, unless the
    process handles or ignores them; when all is saved they end it, as they would have done.

    ``checkpoints``: a folder, or a Keeper, for checkpoints after every epoch, after every ``checkpoint_every`` steps,
    and at such a signal. With ``resume`` the last one there is gone on from, bit for bit as if nothing had happened:
    trainer, optimizer, dropout, position in the data, history; where there is none, training begins. ``progress``: a
    bar, or none; by default one on a terminal or in a notebook, for work of more than a second; a rich Console draws it
    there.

    Where the trainer is one of several processes, each calls ``fit`` with the same arguments and all of the data, and
    trains on its part of each batch. Bar, callbacks and files are those of rank 0. A signal to one of them, Ctrl-C too,
    ends all when all is saved, as one to their launcher does.

    Raises DivergedError where a cost is not finite; parameters and optimizer are then those of the last look before it.
    Raises SettingError, FeedError for batches that do not fit the inputs, DataError for a checkpoint that does not fit,
    or that could not be written at the end.
    """
    of_kind(
        trainer, Trainer, "fit, trainer", "it is a Trainer", "Write fit(Trainer(cost, Adam()), [X, y], batches, epochs)"
    )
    check_backend()
    epochs = whole(epochs, "fit, epochs", 1)
    patience = None if patience is None else whole(patience, "fit, patience", 1)
    if not hasattr(batches, "epoch") or not isinstance(inputs, Sequence) or not all(map(is_input, inputs)):
        raise SettingError(
            "fit",
            f"inputs are {shortened(inputs)}, and batches {shortened(batches)}",
            "inputs are a list of Inputs, and batches have a method epoch(number, start), as Batches do",
            "Write fit(trainer, [X, y], Batches(...), epochs)",
        )
    if schedule is not None:
        function(schedule, "fit, schedule", "it is a function of the number of the step", "Write cosine(1000)")
    rule, remedy = "they are a list of functions of an Epoch", "Write callbacks=[print]"
    callbacks = each(callbacks, callable, "fit, callbacks", rule, remedy)
    resume = truth(resume, "fit, resume")
    if checkpoints is None and (resume or checkpoint_every is not None):
        raise SettingError("fit", "checkpoints have no folder", "they lie in one", "Add checkpoints='FOLDER'")
    saver = None if checkpoints is None else Saver(checkpoints, checkpoint_every, trainer, batches)
    world = trainer.dealing.world
    judge = None if validation is None else Evaluation(trainer.cost, validation, world)
    training = Training(trainer, inputs, dealt(trainer, batches), schedule, saver)
    training.together.check(
        batches,
        schedule,
        epochs=epochs,
        patience=patience,
        validation=judge is not None,
        checkpoints=saver is not None,
        checkpoint_every=checkpoint_every,
        resume=resume,
    )
    with nullcontext() if saver is None or world.rank else saver.keeper:
        training.begin(resume)
        shows = progress if world.rank == 0 else False
        try:
            with interrupts(training.asked) as asked, bar(shows, epochs, batches, training.position) as training.bar:
                while not training.history.ended:
                    training.history.ended = training.one_epoch(epochs, judge, patience, callbacks)
        finally:
            if schedule is not None:
                trainer.learning_rate = training.rate
    if world.size > 1:
        world.gather(b"")  # a process that ends may end the others: rank 0 has written before
        asked.end_among_others(f"rank {world.rank} of {world.size}", training.position.step)
    asked.pass_on()
    return training.history


def check_backend() -> None:
    """Raise BackendError where arrays are spread over processes that would not agree on anything but steps."""
    backend = get_backend()
    if backend.processes > 1:
        raise BackendError(
            "fit",
            f"arrays of backend {backend.name!r} are spread over {backend.processes} processes",
            "each would look by its own clock, and write the same files",
            "Call Trainer.step in all of them, or train by Trainer(..., across=join('mpi'))",
        )


def is_input(thing: object) -> bool:
    """Is this an Input?"""
    return isinstance(thing, Input)


class Training:
    """A training: its position, its history, the costs that are still on the device, and the last state kept."""

    def __init__(
        self, trainer: Trainer, inputs: Sequence[Input], batches: Source, schedule: Schedule | None, saver: Saver | None
    ) -> None:
        self.trainer, self.inputs, self.batches, self.schedule, self.saver = trainer, inputs, batches, schedule, saver
        self.position, self.history = Position(), History()
        self.rate = trainer.learning_rate
        self.bar: Bar
        self.asked = StopRequest()
        self.together = Together(trainer, self.asked)
        self._weighing = Weighing(trainer.cost)
        self._pending: list[Any] = []
        self._shares: list[Any] = []  # a Share, or the weight on the device
        self._kept: TrainerState
        self._since = self.position  # at which that was
        self._kept_at = self._next_look = self._keeping = 0.0

    def begin(self, resume: bool) -> None:
        """Start from the beginning, or from the last checkpoint."""
        if self.saver is not None and resume:
            self.position, self.history = self.saver.resume()
            self.rate = self.trainer.learning_rate
        elif self.saver is not None:
            self.saver.start()
        self.together.begin(self.position.step)
        self._keep()

    def one_epoch(
        self,
        epochs: int,
        judge: Evaluation | None,
        patience: int | None,
        callbacks: Sequence[Callable[[Epoch], Any]],
    ) -> str:
        """Train one epoch, or the rest of it; returns why training ends, or an empty text."""
        why = self._over(epochs, patience)
        if why:
            return why
        start = time.perf_counter()
        whole = self._steps()
        measured = judge(self.asked) if whole and judge is not None else {}
        done = self.position
        epoch = Epoch(done.epoch, done.step, done.mean, measured, time.perf_counter() - start)
        if not whole or (judge is not None and not measured):
            self._save(last=True)
            self.history.append(epoch)
            return "interrupted"
        self.history.append(epoch)
        self.position = done.next_epoch()
        try:
            asked_for = self.together.called(callbacks, epoch)
        except BaseException:
            self._save(last=False)  # a callback's mistake costs no epoch
            raise
        why = "a callback asked for it" if asked_for else self._over(epochs, patience)
        self.together.agree(self.position.step, False, LOOK_EVERY)
        why = why or ("interrupted" if self.together.stops else "")
        self._save(last=bool(why))
        return why

    def _over(self, epochs: int, patience: int | None) -> str:
        """Why nothing is left to do, or an empty text."""
        if self.position.epoch >= epochs:
            return "all epochs done"
        if patience is not None and self.history.stale >= patience:
            return f"no better for {patience} epochs"
        return ""

    def _steps(self) -> bool:
        """Train on the rest of this epoch; False where that was to stop before its end."""
        batches = self.batches.epoch(self.position.epoch, self.position.batch)
        for feed in prefetched(map(self.feed, batches)):
            number = self.position.step + len(self._pending)
            cost, *weight = self._step(feed, number)
            self._pending.append(cost)
            self._shares.append(weight[0] if weight else self._weighing(feed))
            due = self.saver is not None and self.saver.due(number + 1)
            if due or self.together.is_time(number + 1, self._next_look):
                self._look()
            if due:
                self._save(last=False)
            if self.together.stops:
                break
        else:
            self._look()
            if self.position.batch == 0:
                raise FeedError(
                    "fit",
                    f"epoch {self.position.epoch} has no batches",
                    "an epoch is at least one step",
                    "Give a source that can be gone through once for every epoch",
                )
            return True
        self._look()
        return False

    def feed(self, arrays: Any) -> dict[Input, Any]:
        """A batch as a feed."""
        parts = arrays if isinstance(arrays, tuple | list) else (arrays,)
        given = [part for part in parts if part is not None]
        if len(given) != len(self.inputs):
            raise FeedError(
                "fit",
                f"a batch holds {len(given)} arrays, and there are {len(self.inputs)} inputs",
                "each array of a batch feeds an Input, in their order",
                "Write fit(trainer, [X, y], batches, ...), or leave arrays out of the batches",
            )
        return dict(zip(self.inputs, given, strict=True))

    def _step(self, feed: Mapping[Input, Any], number: int) -> Sequence[Any]:
        if self.schedule is not None:
            factor = not_negative(self.schedule(number), f"fit, schedule({number})")
            self.trainer.learning_rate = self.rate * factor
        by_shapes = self._weighing.by_shapes and self.trainer.dealing.is_plain
        return [self.trainer.step(feed)] if by_shapes else self.trainer.weighed_step(feed)

    def _look(self) -> None:
        """Fetch the costs; raise DivergedError where one is not finite, else keep the state if that is quick."""
        costs = [float(cost) for cost in fetched(self._pending)]
        self._pending.clear()
        if not np.isfinite(costs).all():
            raise diverged(self.trainer, self._kept, self._since, self.position, costs, self._again)
        self.position = self.position.after(costs, self._fetched_shares())
        self._shares.clear()
        self.bar.update(self.position, self.position.mean)
        now = time.perf_counter()
        keeps = self._keeping < max(AT_ONCE, KEEP_SHARE * (now - self._kept_at))
        if self.together.agree(self.position.step, keeps, LOOK_EVERY):
            self._keep()
        self._next_look = now + LOOK_EVERY

    def _fetched_shares(self) -> list[Share]:
        """The Share of each step that is looked at."""
        weights = iter(fetched([weight for weight in self._shares if not isinstance(weight, Share)]))
        return [s if isinstance(s, Share) else self._weighing.of(float(next(weights))) for s in self._shares]

    def _again(self, last: int) -> dict[Input, Any]:
        """Repeat the steps since the parameters were kept, until before step ``last``; returns the feed of that one."""
        position = self._since
        while position.step <= last:
            for arrays in self.batches.epoch(position.epoch, position.batch):
                if position.step == last:
                    return self.feed(arrays)
                self._step(self.feed(arrays), position.step)
                position = position.after([0.0], [Share()])
            if position.batch == 0:
                break  # a source that has run dry
            position = position.next_epoch()
        return {}

    def _keep(self) -> None:
        start = time.perf_counter()
        self._kept, self._since = self.trainer.snapshot(), self.position
        self._kept_at = time.perf_counter()
        self._keeping = self._kept_at - start
        self._next_look = self._kept_at + LOOK_EVERY

    def _save(self, last: bool) -> None:
        if self.saver is not None:
            rate = self.trainer.learning_rate if self.schedule is None else self.rate
            self.saver.save(self.position, self.history, rate, last)


def fetched(costs: Sequence[Any]) -> list[Any]:
    """Costs on the host, in one transfer where they all belong to the backend in use."""
    backend = get_backend()
    return backend.fetch(costs) if all(map(backend.owns, costs)) else [to_numpy(cost) for cost in costs]
