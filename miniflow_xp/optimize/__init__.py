"""Minima, roots, fixed points and linear systems: found with our derivatives, and differentiated themselves.

``minimize``, ``least_squares``, ``curve_fit`` and ``root`` are SciPy's, for parameters in any form, on any backend.
``lbfgs``, ``fixed_point`` and ``linear_solve`` run on the device. What they find has gradients with respect to
``args``; ``custom_root`` and ``custom_fixed_point`` give them to what a solver of your own finds.
"""

from miniflow_xp.optimize.implicit import custom_fixed_point, custom_root, linear_solve
from miniflow_xp.optimize.lbfgs import lbfgs
from miniflow_xp.optimize.least_squares import curve_fit, least_squares
from miniflow_xp.optimize.minimize import minimize
from miniflow_xp.optimize.result import Result
from miniflow_xp.optimize.roots import fixed_point, root

__all__ = [
    "Result",
    "curve_fit",
    "custom_fixed_point",
    "custom_root",
    "fixed_point",
    "lbfgs",
    "least_squares",
    "linear_solve",
    "minimize",
    "root",
]
