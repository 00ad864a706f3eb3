"""Least squares, and the fit of a curve, by SciPy with our Jacobians."""

from collections.abc import Callable, Sequence
from typing import Any

import miniflow_xp.checks as checks
from miniflow_xp.arrays.namespace import functions_of
from miniflow_xp.errors import DifferentiationError, SettingError
from miniflow_xp.optimize.constraints import bounds_of
from miniflow_xp.optimize.form import Form, grounded, is_differentiated
from miniflow_xp.optimize.functions import VectorMap, not_finite, of_vector
from miniflow_xp.optimize.implicit import argmin
from miniflow_xp.optimize.minimize import in_form
from miniflow_xp.optimize.result import Result, converged
from miniflow_xp.optimize.scipy_door import scipy_optimize
from miniflow_xp.transforms.pullback import check_function
from miniflow_xp.transforms.trees import children_of

LARGE = 2**24
"""Elements of a Jacobian, from which on it is an operator: 128 MiB of float64."""


def least_squares(
    residuals: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    bounds: Any = None,
    jacobian: str | None = None,
    jit: bool = False,
    **settings: Any,
) -> Result:
    """The x of least ½ Σ r(x, *args)², by ``scipy.optimize.least_squares`` with our Jacobian.

    x0 and the value of ``residuals`` are arrays or trees of them, of any backend. ``bounds``: SciPy's, or a tree in the
    form of x0 with a pair (low, high) in place of each array. ``jacobian``: ``dense``, by rows or by columns, whichever
    are fewer; ``operator``, products by vjp and jvp alone, for lsmr; None: dense below 2²⁴ elements. ``jit``: the
    function is recorded and replayed. ``settings``: SciPy's others, such as ``method``, ``loss``, ``xtol``.
    ``x`` and ``grad`` of the result have the form of x0; ``fun`` and ``jac`` are SciPy's, raveled. ``x`` has gradients
    with respect to ``args`` where there are no bounds and the loss is linear.
    """
    check_function(residuals, "least_squares")
    args = args if isinstance(args, tuple) else (args,)
    form = Form(x0, "least_squares")

    def solve(*args: Any) -> Result:
        return fitted(residuals, form, args, bounds, jacobian, jit, settings)

    if not is_differentiated(args):
        return solve(*grounded(args))
    if bounds is not None or settings.get("loss", "linear") != "linear":
        raise SettingError(
            "least_squares",
            "there are bounds, or a loss that is not linear, and a gradient of the solution is wanted",
            "the gradient is that of the least sum of squares",
            "Leave them out, or write stop_gradient for args",
        )
    values = of_vector(residuals, form, "least_squares")

    def half_of_squares(x: Any, *args: Any) -> Any:
        r = values(form.ravel(x), *args)
        return 0.5 * functions_of(r).sum(r * r)

    found = argmin(half_of_squares, solve, form, args, "least_squares")
    return Result(found, cost=found.pop("fun"))


def fitted(
    residuals: Callable[..., Any],
    form: Form,
    args: tuple[Any, ...],
    bounds: Any,
    jacobian: str | None,
    jit: bool,
    settings: dict[str, Any],
) -> Result:
    """What SciPy finds, with x and the gradient in the form of x0."""
    import numpy as np

    optimize = scipy_optimize("least_squares")
    values = VectorMap(of_vector(residuals, form, "least_squares"), form, args, jit, "least_squares")
    start = form.host(form.ravel(form.start))
    first = values.value(start)
    if not np.isfinite(first).all():
        raise not_finite("least_squares", float(first[~np.isfinite(first)][0]))
    kind = jacobian or ("dense" if first.size * start.size < LARGE else "operator")
    checks.one_of(kind, ("dense", "operator"), "jacobian")
    found = optimize.least_squares(
        values.value,
        start,
        jac=values.matrix if kind == "dense" else values.operator,
        bounds=(-np.inf, np.inf) if bounds is None else two_sides(bounds, form),
        **settings,
    )
    return in_form(found, form)


def two_sides(bounds: Any, form: Form) -> Any:
    """Bounds as the pair of arrays that SciPy's least squares take."""
    if children_of(form.start) is None and not hasattr(bounds, "lb"):
        return bounds
    found = bounds_of(bounds, form)
    return found.lb, found.ub


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Sequence[Any] | Any,
    *,
    sigma: Any = None,
    absolute_sigma: bool = False,
    bounds: Any = None,
    jit: bool = False,
    **settings: Any,
) -> tuple[Any, Any]:
    """(p, covariance) of the fit of f(xdata, *p) to ``ydata``, as ``scipy.optimize.curve_fit`` gives them.

    p0: an array (n,), or a list or tuple of arrays and numbers; p comes in its form. ``sigma``: standard deviations of
    ydata, in its shape, or one; they are relative but for ``absolute_sigma``. The covariance is of the raveled p,
    (n, n), of NumPy; infinite where a parameter has no influence. ``settings``: those of ``least_squares``. Raises
    ConvergenceError where no fit is found.
    """
    import numpy as np

    check_function(f, "curve_fit")
    if is_differentiated((xdata, ydata, sigma)):
        raise DifferentiationError(
            "curve_fit",
            "its data are being differentiated",
            "the covariance has no gradient",
            "Use least_squares, whose x has one",
        )

    def residuals(p: Any, xdata: Any, ydata: Any, sigma: Any) -> Any:
        difference = f(xdata, *p) - ydata
        return difference if sigma is None else difference / sigma

    found = converged(
        least_squares(residuals, p0, (xdata, ydata, sigma), bounds=bounds, jacobian="dense", jit=jit, **settings),
        "curve_fit",
    )
    _, values, rows = np.linalg.svd(found.jac, full_matrices=False)
    m, n = found.jac.shape
    if not values[-1] > np.finfo(float).eps * max(m, n) * values[0]:
        return found.x, np.full((n, n), np.inf)
    covariance = (rows.T / values**2) @ rows
    if absolute_sigma:
        return found.x, covariance
    return found.x, covariance * (2 * found.cost / (m - n) if m > n else np.inf)
