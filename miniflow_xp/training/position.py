"""Where a training stands, as numbers that JSON holds exactly."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite, nan
from typing import Any, NamedTuple, Protocol

from miniflow_xp.checkpoints.strict_json import plain
from miniflow_xp.errors import DataError
from miniflow_xp.training.history import Epoch, History
from miniflow_xp.training.weighing import Share


class Source(Protocol):
    """Batches by epoch: the same ones in the same order for the same number."""

    def epoch(self, number: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch, from one of them on: each an array for every Input, in their order."""


class Position(NamedTuple):
    """The batch that comes next, how many steps were made; the sum of this epoch's costs, and what to divide it by."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    total: float = 0.0
    weight: float = 0.0

    @property
    def mean(self) -> float:
        """Mean cost of this epoch so far; NaN before its first step."""
        return self.total / self.weight if self.weight else nan

    def after(self, costs: Sequence[float], shares: Sequence[Share]) -> "Position":
        """The position after these steps of the same epoch."""
        n = len(costs)
        total = sum((share.factor * cost for cost, share in zip(costs, shares, strict=True)), self.total)
        weight = sum((share.weight for share in shares), self.weight)
        return Position(self.epoch, self.batch + n, self.step + n, total, weight)

    def next_epoch(self) -> "Position":
        """The first batch of the next epoch."""
        return Position(self.epoch + 1, 0, self.step)


def settings_of(batches: Source) -> dict[str, Any]:
    """The settings that the order of the batches depends on; empty where a source has none."""
    return plain(getattr(batches, "settings", {}))


def to_meta(position: Position, history: History, batches: Source) -> dict[str, Any]:
    """What ``fit`` adds to the metadata of a checkpoint."""
    epochs = [[*e[:2], text(e.cost), {k: text(v) for k, v in e.validation.items()}, e.seconds] for e in history]
    return {"position": list(position), "history": epochs, "batches": settings_of(batches)}


def from_meta(meta: Mapping[str, Any], batches: Source) -> tuple[Position, History]:
    """Position and history, from what ``to_meta`` gave.

    Raises DataError where they are no such thing, or where other batches would follow than in that run.
    """
    try:
        found = meta["fit"]
        epoch, batch, step, total, *weight = found["position"]  # earlier versions let each step count alike
        position = Position(int(epoch), int(batch), int(step), float(total), float(*weight or [batch]))
        history = History(
            Epoch(int(n), int(steps), float(cost), {str(k): float(v) for k, v in values.items()}, float(seconds))
            for n, steps, cost, values, seconds in found["history"]
        )
        settings = dict(found["batches"])
        if min(*position[:3], position.weight) < 0 or len(history) != position.epoch:
            raise ValueError("its numbers do not fit each other")
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise DataError(
            "fit, resume",
            f"the checkpoint does not say where training stood ({type(error).__name__}: {error})",
            "fit goes on from checkpoints that fit saved",
            "Restore it by hand (miniflow_xp.checkpoints.restore), or choose another folder",
        ) from None
    now = settings_of(batches)
    if settings != now:
        changed = [k for k in {**settings, **now} if settings.get(k) != now.get(k)]
        raise DataError(
            "fit, resume",
            "; ".join(f"{k} of the batches was {settings.get(k)} and is {now.get(k)}" for k in changed),
            "the batches that follow are those that would have followed",
            "Make the batches as they were, or train anew in another folder",
        )
    return position, history


def text(value: float) -> float | str:
    """The number; as text where it is not finite, which JSON cannot write."""
    return value if isfinite(value) else str(value)
