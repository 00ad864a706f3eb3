"""Where NaN and infinity began: ``find_nonfinite``."""

from miniflow_xp.nonfinite.findings import Finding as Finding
from miniflow_xp.nonfinite.search import find_nonfinite as find_nonfinite

__all__ = ["Finding", "find_nonfinite"]
