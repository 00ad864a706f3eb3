"""scipy.integrate: differential equations, integrals of functions, and of samples."""

from miniflow_xp.scipy.integrate import equations, quadrature, samples

__all__ = ["equations", "quadrature", "samples"]
