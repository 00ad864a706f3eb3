"""Distributions: densities, distribution functions, and their logarithms.

Those of one variable are what ``miniflow_xp.scipy.stats`` has; where a density is 0 its logarithm is -∞, without slope.
"""

from miniflow_xp.autograd.scipy.stats import beta, chi2, dirichlet, gamma, multivariate_normal, norm, poisson, t

__all__ = ["beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"]
