"""What happened in training, epoch by epoch."""

from math import inf, isnan
from pathlib import Path
from typing import Any, NamedTuple

from miniflow_xp.system.packages import needed


class Epoch(NamedTuple):
    """Number, steps so far, mean training cost, what was measured of the validation set, and seconds."""

    number: int
    steps: int
    cost: float
    validation: dict[str, float]
    seconds: float

    @property
    def watched(self) -> float:
        """The cost that early stopping looks at."""
        return self.validation.get("cost", self.cost)


class History(list[Epoch]):
    """The epochs of a training; ``ended`` says why it is over."""

    ended: str = ""

    @property
    def best(self) -> int:
        """Number of the epoch with the least watched cost; NaN is the worst."""
        return min(range(len(self)), key=lambda n: (isnan(self[n].watched), self[n].watched))

    @property
    def stale(self) -> int:
        """Epochs since the best one."""
        return len(self) - 1 - self.best if self else 0

    def plot(self, path: str | Path | None = None) -> Any:
        """Costs by epoch as a figure of matplotlib; written to ``path`` if there is one."""
        figures = needed("matplotlib.figure", "History.plot", "'miniflow_xp[plot]'", "it draws the figure")
        figure = figures.Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        numbers = [epoch.number + 1 for epoch in self]
        axes.plot(numbers, [epoch.cost for epoch in self], label="training")
        if any("cost" in epoch.validation for epoch in self):
            axes.plot(numbers, [epoch.validation.get("cost", inf) for epoch in self], label="validation")
        axes.set(xlabel="epoch", ylabel="cost")
        axes.legend()
        if path is not None:
            figure.savefig(path)
        return figure
