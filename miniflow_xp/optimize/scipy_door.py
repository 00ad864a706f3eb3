"""SciPy's module of optimisation, imported when it is needed."""

from typing import Any

from miniflow_xp.errors import PackageMissingError


def scipy_optimize(where: str) -> Any:
    """``scipy.optimize``; raises PackageMissingError where it is not installed."""
    try:
        import scipy.optimize
    except ImportError:
        raise PackageMissingError(
            where,
            "SciPy is not installed",
            "the iterations are SciPy's",
            "Run: pip install 'miniflow_xp[optimize]'; lbfgs and fixed_point need none",
        ) from None
    return scipy.optimize
