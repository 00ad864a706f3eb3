"""Worlds: the processes that train together, on engines that exist."""

from miniflow_xp.distributed.joining import join
from miniflow_xp.distributed.world import Alone, World

__all__ = ["Alone", "World", "join"]
