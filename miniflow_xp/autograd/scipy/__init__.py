"""SciPy's functions that HIPS/autograd differentiates, for arrays of every library."""

from miniflow_xp.autograd.scipy import integrate, linalg, signal, special, stats

__all__ = ["integrate", "linalg", "signal", "special", "stats"]
