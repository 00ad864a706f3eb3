"""scipy.stats: densities and distribution functions, as formulas in functions of the namespace."""

from miniflow_xp.scipy.stats import continuous, discrete, multivariate

__all__ = ["continuous", "discrete", "multivariate"]
