"""A session: one worker for each backend that can be used, the machine that they work on, and the record of a run."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from miniflow_xp.errors import SettingError, WorkerError
from miniflow_xp.programs.bench.cases import Case
from miniflow_xp.programs.bench.environment import machine, state
from miniflow_xp.programs.bench.record import Cell, Environment, Machine, Participant, Record
from miniflow_xp.programs.bench.scheduler import Timings
from miniflow_xp.programs.bench.trial import Trial
from miniflow_xp.programs.bench.worker import Description, Worker


class Session(AbstractContextManager["Session"]):
    """The workers, by the names that were asked for, and what each tells of itself; to be used by ``with``.

    ``participants`` are all backends that were asked for, by their full names. Raises WorkerError unless the first
    one, which is the reference, can be used; SettingError where one is named twice.
    """

    def __init__(self, backends: Sequence[str]) -> None:
        self.before, self.machine = state(), machine()
        self.workers: dict[str, Worker] = {}
        self.told: dict[str, Description] = {}
        self.participants: dict[str, Participant] = {}
        try:
            for name in dict.fromkeys(backends):
                self._start(name)
            if not backends or backends[0] not in self.workers:
                why = self.participants[backends[0]].describe if backends else "no backend was named"
                expected = "the first backend, which is the reference, must be usable"
                raise WorkerError("bench", why, expected, "Run miniflow-xp info, and choose by --backends")
        except BaseException:
            self.close()
            raise
        self.machine = with_libraries(self.machine, self.told.values())

    def _start(self, name: str) -> None:
        """Start the worker of a backend, which tells what it is, or why it cannot be used."""
        worker = Worker(name)
        try:
            told: Description = worker.ask("describe")
        except WorkerError as error:
            worker.close()
            self.participants[name] = Participant(describe=error.got, usable=False)
            return
        self.workers[name], self.told[name] = worker, told
        if told.name in self.participants:
            raise SettingError("--backends", f"it names {told.name} twice", "each is measured once", "Drop one")
        self.participants[told.name] = Participant(describe=told.describe, start_s=told.start_s)

    def close(self) -> None:
        """End the workers."""
        for worker in self.workers.values():
            worker.close()

    def __exit__(self, *error: object) -> None:
        self.close()

    def trials(self, case: Case) -> list[Trial]:
        """One for each backend that the case is for."""
        return [Trial(case, self.workers[name], self.told[name].name) for name in self.workers if case.runs_on(name)]

    def cell(self, trial: Trial, found: Mapping[str, Timings]) -> Cell:
        """The cell of a trial, of whose timings there may be none."""
        return trial.cell(found.get(trial.name), self.told[trial.worker.backend].synchronous)

    def record(self, mode: str, budget_s: float, seconds: float, seed: int, cells: list[Cell], **more: Any) -> Record:
        """The record of what was measured; to be asked for when the workers have ended."""
        return Record(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            mode=mode,
            budget_s=budget_s,
            seconds=seconds,
            seed=seed,
            environment=Environment(machine=self.machine, before=self.before, after=state()),
            backends=self.participants,
            cells=cells,
            **more,
        )


def with_libraries(machine: Machine, told: Iterable[Description]) -> Machine:
    """The machine with the packages, threads and BLAS libraries of the workers."""
    for one in told:
        machine = replace(
            machine,
            packages=machine.packages | one.packages,
            threads=machine.threads | one.threads,
            blas=machine.blas + [library for library in one.blas if library not in machine.blas],
        )
    return machine
