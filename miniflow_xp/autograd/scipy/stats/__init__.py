"""Distributions: densities, distribution functions, and their logarithms.

A formula in special functions each, as SciPy's own are compiled; at places where a density is 0 its logarithm is -∞.
"""

from miniflow_xp.autograd.scipy.stats import beta, chi2, dirichlet, gamma, multivariate_normal, norm, poisson, t

__all__ = ["beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"]
