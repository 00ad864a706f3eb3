"""scipy.interpolate: piecewise polynomials, splines, and tables of one or more variables."""

from miniflow_xp.scipy.interpolate import bsplines, cubic, grids, lines, pieces

__all__ = ["bsplines", "cubic", "grids", "lines", "pieces"]
