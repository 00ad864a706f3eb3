"""The Poisson distribution of counts ``k`` with mean ``mu``; gradients go to the mean."""

from miniflow_xp.autograd.scipy.formulas import methods, others_of

__all__ = ["cdf", "logpmf", "pmf"]
__getattr__ = others_of("poisson")

pmf, logpmf, cdf = methods("poisson", "pmf", "logpmf", "cdf", kind="rv_discrete")
