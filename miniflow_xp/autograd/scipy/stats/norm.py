"""The normal distribution with mean ``loc`` and standard deviation ``scale``."""

from miniflow_xp.autograd.scipy.formulas import methods, others_of

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
__getattr__ = others_of("norm")

pdf, logpdf, cdf, sf, logcdf, logsf = methods("norm", "pdf", "logpdf", "cdf", "sf", "logcdf", "logsf")
