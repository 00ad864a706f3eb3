"""When an estimator's training has gone on for long enough, and the best that it has seen."""

from math import inf

from miniflow_xp.engine.state import TrainerState
from miniflow_xp.estimators.network import Network
from miniflow_xp.training.history import Epoch


class Watching:
    """A callback of ``fit``, which asks to stop after more than ``patience`` epochs in a row without progress.

    Progress is a cost that is lower than the least so far by more than ``tol``, or a validation score that is higher
    by at least so much. With scores, the state of the best epoch is kept. ``verbose`` prints a line an epoch.
    """

    def __init__(self, network: Network, tol: float, patience: float, verbose: bool) -> None:
        self.network, self.tol, self.patience, self.verbose = network, tol, patience, verbose
        self.stale = 0
        self.costs: list[float] = []
        self.scores: list[float] = []
        self.best_cost, self.best_score = inf, -inf
        self.kept: TrainerState | None = None

    def __call__(self, epoch: Epoch) -> bool:
        score = epoch.validation.get("score")
        self.costs.append(epoch.cost)
        if self.verbose:
            print(
                f"epoch {epoch.number + 1}, loss {epoch.cost:.6g}" + ("" if score is None else f", score {score:.6g}")
            )
        if score is None:
            progress = epoch.cost < self.best_cost - self.tol
        else:
            progress = score >= self.best_score + self.tol
            self.see(score)
        self.best_cost = min(self.best_cost, epoch.cost)
        self.stale = 0 if progress else self.stale + 1
        return self.stale > self.patience

    def see(self, score: float) -> None:
        """Keep the state where it is the best one."""
        self.scores.append(score)
        if score > self.best_score:
            assert self.network.trainer is not None
            self.best_score, self.kept = score, self.network.trainer.snapshot()

    def end(self) -> None:
        """Go back to the best state, if one was kept."""
        if self.kept is not None and self.network.trainer is not None:
            self.network.trainer.restore(self.kept)
