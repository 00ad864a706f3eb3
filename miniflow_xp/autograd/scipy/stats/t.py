"""Student's t distribution with ``df`` degrees of freedom; no gradient of a probability goes to ``df``."""

from miniflow_xp.autograd.scipy.formulas import methods, others_of

__all__ = ["cdf", "logcdf", "logpdf", "pdf"]
__getattr__ = others_of("t")

pdf, logpdf, cdf, logcdf = methods("t", "pdf", "logpdf", "cdf", "logcdf")
