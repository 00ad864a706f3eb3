"""The beta distribution on 0 to 1 with shapes ``a`` and ``b``; no gradient of a probability goes to these."""

from miniflow_xp.autograd.scipy.formulas import methods, others_of

__all__ = ["cdf", "logpdf", "pdf"]
__getattr__ = others_of("beta")

pdf, logpdf, cdf = methods("beta", "pdf", "logpdf", "cdf")
