"""The chi-squared distribution with ``df`` degrees of freedom; no gradient of a probability goes to ``df``."""

from miniflow_xp.autograd.scipy.formulas import methods, others_of

__all__ = ["cdf", "logpdf", "pdf"]
__getattr__ = others_of("chi2")

pdf, logpdf, cdf = methods("chi2", "pdf", "logpdf", "cdf")
