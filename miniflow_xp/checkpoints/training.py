"""The state of a Trainer as a State for a file, and back: exactly, and on whatever backend.

A State holds the arrays ``parameters/NAME`` and ``slots/NUMBER/NAME``. bfloat16, which NumPy does not have, is in it as
float32, which holds it exactly; its name is kept beside it.
"""

import platform
import warnings

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checkpoints.file import State
from miniflow_xp.checkpoints.matching import keys_of, kind_of, named, problems, settings_of, slot_name, value_name
from miniflow_xp.checks import of_kind
from miniflow_xp.engine.state import OptimizerState, TrainerState
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import DataError
from miniflow_xp.switch import get_backend
from miniflow_xp.system.callers import stacklevel
from miniflow_xp.system.version import __version__


def trainer_state(trainer: Trainer) -> State:
    """Parameters, slots and numbers of the optimizer, learning rate, dropout's counters; moves and changes nothing.

    Add what else a run needs to its ``meta``: the position in the data, seeds. Raises GraphError where names of
    parameters are missing or come twice.
    """
    parameters = named(of_kind(trainer, Trainer, "trainer_state", "it is taken of a Trainer", "Give the Trainer"))
    found = trainer.snapshot()
    slots, steps = found.optimizer
    arrays = {value_name(name): value for name, value in zip(parameters, found.values, strict=True)}
    for number, name in enumerate(parameters):
        arrays |= {slot_name(k, name): slot for k, slot in enumerate(slots.get(number, ()))}
    meta = {
        "optimizer": {"kind": kind_of(trainer), "settings": settings_of(trainer), "numbers": {"steps": steps}},
        "learning_rate": found.learning_rate,
        "passes": found.passes,
        "masks": keys_of(trainer),
        "dtypes": dict(zip(parameters, found.dtypes, strict=True)),
        "versions": versions(),
    }
    return State(arrays, meta)


def versions() -> dict[str, str]:
    """What a State was made by, for people who compare results."""
    return {
        "miniflow_xp": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "backend": get_backend().describe(),
    }


def restore(trainer: Trainer, state: State) -> None:
    """Let the trainer's next step be the one that would have followed on ``trainer_state``.

    Names, shapes and dtypes of parameters, the kind of the optimizer and the seeds of dropout must be those of the
    State: else DataError lists all that differs, and nothing has changed. Where the
    optimizer has other settings than before, a warning says so, and the new ones are used.
    """
    parameters = named(of_kind(trainer, Trainer, "restore, trainer", "a State goes into a Trainer", "Give the Trainer"))
    of_kind(state, State, "restore, state", "it is a State", "Write restore(trainer, load(path))")
    found = problems(trainer, parameters, state)
    if found:
        raise DataError(
            f"checkpoint for {trainer.cost}",
            "; ".join(found),
            "a checkpoint fits the network and the optimizer that it was saved from",
            "Build both as they were then, or choose another checkpoint",
        )
    meta, before, now = state.meta, state.meta["optimizer"]["settings"], settings_of(trainer)
    rate = meta["learning_rate"]
    if before != now:
        changed = [f"{k} was {before.get(k)}, and is {v}" for k, v in now.items() if before.get(k) != v]
        warnings.warn(
            f"{kind_of(trainer)} goes on with other settings than this checkpoint was saved with: {'; '.join(changed)}",
            stacklevel=stacklevel(),
        )
        if before.get("learning_rate") != now["learning_rate"]:
            rate = trainer.learning_rate
    values = [np.array(state.arrays[value_name(name)]) for name in parameters]  # copies: the State may be used again
    optimizer = OptimizerState(slots_of(list(parameters), state), **meta["optimizer"]["numbers"])
    names = [meta["dtypes"][name] if parameter.dtype is None else "" for name, parameter in parameters.items()]
    trainer.restore(TrainerState(values, names, optimizer, meta["passes"], rate))


def slots_of(names: list[str], state: State) -> dict[int, list[Array]]:
    """{number of a parameter: copies of its slots}; empty where no step had been made."""
    found: dict[int, list[Array]] = {}
    for number, name in enumerate(names):
        while (key := slot_name(len(found.get(number, ())), name)) in state.arrays:
            found.setdefault(number, []).append(np.array(state.arrays[key]))
    return found
