"""scipy.linalg in functions of the namespace."""

from miniflow_xp.scipy.linalg import factors, functions, spectra, structured, systems

__all__ = ["factors", "functions", "spectra", "structured", "systems"]
