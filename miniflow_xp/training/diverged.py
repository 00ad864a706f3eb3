"""Where training first met a value that is not finite."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from miniflow_xp.distributed.world import World
from miniflow_xp.engine.state import TrainerState
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import DivergedError
from miniflow_xp.node import Input
from miniflow_xp.nonfinite import Finding, find_nonfinite
from miniflow_xp.nonfinite.findings import is_finite
from miniflow_xp.training.position import Position


def diverged(
    trainer: Trainer,
    kept: TrainerState,
    since: Position,
    position: Position,
    costs: Sequence[float],
    again: Callable[[int], Mapping[Input, Any]],
) -> DivergedError:
    """The error for the first of ``costs`` that is not finite, with the trainer put back to ``kept``.

    ``since``: the position at which that state was kept. ``costs`` are those of the steps from ``position`` on.
    ``again(n)`` makes the steps from ``since`` to before step n once more, and returns the feed of that one.
    """
    bad = int(np.flatnonzero(~np.isfinite(costs))[0])
    step, world = position.step + bad, trainer.dealing.world
    trainer.restore(kept)
    feed = again(step)
    place, what = first_of_all(world, finding(trainer, feed)) if feed else ("in the update before it", "")
    if feed and not all(is_finite(parameter.value) for parameter in trainer.parameters):
        what += "; the step before made it so"
        if since.step < step:
            trainer.restore(kept)
            what += f": {', '.join(first_of_all(world, finding(trainer, again(step - 1))))}"
    trainer.restore(kept)
    return DivergedError(
        f"step {step}, {place}",
        f"the cost is {costs[bad]}{what and ', '}{what}",
        f"training goes on while it is finite; the parameters are those of step {since.step}",
        "Lower the learning rate, clip gradients, or look at the data of this step",
    )


def finding(trainer: Trainer, feed: Mapping[Input, Any]) -> Finding | None:
    """Where the values or gradients of this step stop being finite; None also where another process has all rows."""
    if any(0 in getattr(value, "shape", ()) for value in feed.values()):
        return None
    return find_nonfinite(trainer, feed)


def first_of_all(world: World, found: Finding | None) -> tuple[str, str]:
    """What the first process that found something did: place, with its rank where there are several, and what is there.

    Where none did, the gradients are finite, and the update is not.
    """
    texts = [data.decode() for data in world.gather(f"{found.place}\n{found.what}".encode() if found else b"")]
    for rank, text in enumerate(texts):
        if text:
            place, _, what = text.partition("\n")
            return f"rank {rank}, {place}" if world.size > 1 else place, what
    return "in its update", "all gradients are finite"
