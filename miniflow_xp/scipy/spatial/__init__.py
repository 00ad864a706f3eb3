"""scipy.spatial: distances between points."""

from miniflow_xp.scipy.spatial import distances, metrics

__all__ = ["distances", "metrics"]
