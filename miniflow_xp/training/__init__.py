"""Training over epochs, as a user does it: ``fit``, ``evaluate`` and ``predict``."""

from miniflow_xp.training.evaluation import Validation, evaluate, predict
from miniflow_xp.training.loop import fit

__all__ = ["Validation", "evaluate", "fit", "predict"]
