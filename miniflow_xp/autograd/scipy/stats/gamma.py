"""The gamma distribution with shape ``a``; no gradient of a probability goes to ``a``."""

from miniflow_xp.autograd.scipy.formulas import methods, others_of

__all__ = ["cdf", "logpdf", "pdf"]
__getattr__ = others_of("gamma")

pdf, logpdf, cdf = methods("gamma", "pdf", "logpdf", "cdf")
