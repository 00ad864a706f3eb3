"""A pass of a graph, walked through node by node: ``steps``."""

from miniflow_xp.stepping.walk import Steps as Steps
from miniflow_xp.stepping.walk import steps as steps

__all__ = ["Steps", "steps"]
