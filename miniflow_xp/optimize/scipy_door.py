"""SciPy's module of optimisation, imported when it is needed."""

from typing import Any

from miniflow_xp.system.packages import needed


def scipy_optimize(where: str) -> Any:
    """``scipy.optimize``; raises PackageMissingError where it is not installed."""
    purpose = "the iterations are SciPy's; lbfgs and fixed_point need none"
    return needed("scipy.optimize", where, "'miniflow_xp[optimize]'", purpose)
