"""What the processes of a training do together: everything that is not a step.

All go by the clock and the decisions of rank 0, at numbers of steps that all agree on: clocks differ, and where one
process looks and another goes on, both wait for ever.
"""

import json
import pickle
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from miniflow_xp.distributed.agreeing import check_alike
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import FeedError, MiniflowError, WorldError
from miniflow_xp.schedules import Schedule
from miniflow_xp.training.history import Epoch
from miniflow_xp.training.interrupts import StopRequest
from miniflow_xp.training.position import Source, settings_of

STEPS = (0, 1, 10, 100, 1000)
"""Where schedules are compared."""


class Together:
    """The agreements of a training. In a world of one, everything is decided at once, by this process."""

    def __init__(self, trainer: Trainer, asked: StopRequest) -> None:
        self.trainer, self.world, self.asked = trainer, trainer.dealing.world, asked
        self.is_alone = self.world.size == 1
        self.leads = self.world.rank == 0
        self._stops = False
        self.begin(0)

    def begin(self, step: int) -> None:
        """Start from so many steps."""
        self._looked = self._look_at = step
        self._clock = time.perf_counter()

    @property
    def stops(self) -> bool:
        """Is training to end after the step in progress?"""
        return self.asked.is_set() if self.is_alone else self._stops

    def is_time(self, step: int, then: float) -> bool:
        """Is it time for a look after so many steps, when this process would look ``then``?"""
        return time.perf_counter() >= then if self.is_alone else step >= self._look_at

    def agree(self, step: int, keeps: bool, every: float) -> bool:
        """After a look: whether to stop, when to look again, about ``every`` seconds from now; and whether to keep."""
        if self.is_alone:
            return keeps
        now, made = time.perf_counter(), step - self._looked
        pace = max(now - self._clock, 1e-9) / max(made, 1)
        steps = max(1, min(2 * made, int(every / pace)))
        told = self.world.gather(json.dumps([self.asked.number, keeps, steps]).encode())
        numbers, (keeps, *_), (steps, *_) = zip(*map(json.loads, told), strict=True)
        self._clock = now
        if made:
            self._looked, self._look_at = step, step + steps
        if any(numbers):
            self.asked.also_get(max(numbers))  # all end as the one that was asked
            self._stops = True
        return bool(keeps)

    def called(self, callbacks: Sequence[Callable[[Epoch], Any]], epoch: Epoch) -> bool:
        """Call those of rank 0, and take over what they may have set; did one answer True, Python's or NumPy's?"""

        def call() -> tuple[bool, int]:
            answers = [callback(epoch) for callback in callbacks]
            return any(isinstance(answer, bool | np.bool_) and answer for answer in answers), len(answers)

        stops, count = self.from_rank_0(call)
        if count and not self.is_alone:
            self._follow()
        return bool(stops)

    def from_rank_0(self, find: Callable[[], Any]) -> Any:
        """What ``find()`` gives on rank 0, which alone calls it."""
        if self.is_alone:
            return find()
        found, error = attempt(find) if self.leads else (None, None)
        found, error = pickle.loads(self.world.share(pickle.dumps((found, error))))
        if error is not None:
            raise error
        return found

    def _follow(self) -> None:
        """Take over the state and the settings of rank 0."""
        trainer = self.trainer
        settings, state = self.from_rank_0(lambda: (vars(trainer.optimizer), trainer.snapshot()))
        if not self.leads:
            vars(trainer.optimizer).update(settings)
            trainer.restore(state)

    def check(self, batches: Source, schedule: Schedule | None, **settings: object) -> None:
        """Raise WorldError where ranks would not train the same."""
        if self.is_alone:
            return
        items = {
            **settings,
            **{f"{name} of the batches": value for name, value in settings_of(batches).items()},
            "the data": batches.digest() if hasattr(batches, "digest") else "",
            "the schedule": schedule and [schedule(step) for step in STEPS],
            "the learning rate": self.trainer.learning_rate,
        }
        check_alike(self.world, "fit", items)


def attempt(find: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """What ``find()`` gives, or its error, as all ranks can raise it."""
    try:
        return find(), None
    except MiniflowError as error:
        return None, error
    except Exception as error:
        traceback.print_exc()
        got = f"{type(error).__name__}: {error}"
        return None, WorldError("fit, rank 0", got, "what a callback raises ends all ranks", "Look at its traceback")


def dealt(trainer: Trainer, batches: Source) -> Source:
    """The same batches with the rows of this process alone."""
    if trainer.dealing.world.size == 1:
        return batches
    rows = trainer.dealing.rows
    found: Source = batches.dealt(rows) if hasattr(batches, "dealt") else Dealt(batches, rows)
    return found


class Dealt:
    """Batches of a source that cannot deal: whole ones are read, and cut."""

    def __init__(self, batches: Source, rows: Callable[[int], slice]) -> None:
        self.batches, self.rows = batches, rows

    def epoch(self, number: int, start: int = 0) -> Iterator[Any]:
        """Those of an epoch."""
        for arrays in self.batches.epoch(number, start):
            parts = arrays if isinstance(arrays, tuple | list) else (arrays,)
            yield cut_rows(parts, self.rows)


def cut_rows(parts: Sequence[Any], rows: Callable[[int], slice]) -> tuple[Any, ...]:
    """The rows of each array that ``rows(count)`` names; what has no rows stays."""
    counts = {part.shape[0] for part in parts if getattr(part, "shape", ())}
    if len(counts) != 1:
        raise FeedError(
            "fit", f"arrays of a batch have {sorted(counts)} rows", "rows are dealt to processes", "Give arrays of rows"
        )
    mine = rows(counts.pop())
    return tuple(part[mine] if getattr(part, "shape", ()) else part for part in parts)
