"""Training over epochs, as a user does it: ``fit``, ``evaluate`` and ``predict``."""

from miniflow_xp.fitting.evaluation import Validation, evaluate, predict
from miniflow_xp.fitting.loop import fit

__all__ = ["Validation", "evaluate", "fit", "predict"]
