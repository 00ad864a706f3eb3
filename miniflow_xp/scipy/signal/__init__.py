"""scipy.signal: linear filters, and convolutions."""

from miniflow_xp.scipy.signal import convolutions, filters

__all__ = ["convolutions", "filters"]
