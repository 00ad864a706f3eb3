"""Where training first met a value that is not finite."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from miniflow_xp.distributed.world import World
from miniflow_xp.engine.state import TrainerState
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import DivergedError, MiniflowError
from miniflow_xp.gradcheck.differences import first_not_finite
from miniflow_xp.graph import forward_pass, topological_sort
from miniflow_xp.node import Input, Node
from miniflow_xp.switch import get_backend
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
    trainer.restore(kept)
    feed = again(position.step + bad)
    where = place_of_all(trainer.dealing.world, bad_place(trainer.cost, feed)) if feed else "in the update before it"
    trainer.restore(kept)
    return DivergedError(
        f"step {position.step + bad}, {where}",
        f"the cost is {costs[bad]}",
        f"training goes on while it is finite; the parameters are those of step {since.step}",
        "Lower the learning rate, clip gradients, or look at the data of this step",
    )


def bad_place(cost: Node, feed: Mapping[Input, Any]) -> str:
    """The first node, in the order of computing, whose value is not finite, and where in it; else an empty text."""
    if any(0 in getattr(value, "shape", ()) for value in feed.values()):
        return ""  # another process has all rows
    graph = topological_sort(dict(feed), cost)
    with suppress(MiniflowError, FloatingPointError), np.errstate(all="ignore"):
        forward_pass(cost, graph)
    place = first_not_finite(graph, get_backend())
    return f"{place[0]} at {list(place[1])}" if place else ""


def place_of_all(world: World, place: str) -> str:
    """The first place that one of the processes found, with its rank where there are several."""
    places = [data.decode() for data in world.gather(place.encode())]
    found = [f"rank {rank}, {p}" if world.size > 1 else p for rank, p in enumerate(places) if p]
    return found[0] if found else "in its update"
