"""SciPy's minimisers with our derivatives, for parameters in any form on any backend."""

from collections.abc import Callable
from inspect import signature
from typing import Any

from miniflow_xp import checks
from miniflow_xp.errors import SettingError
from miniflow_xp.optimize.constraints import bounds_of, constraints_of
from miniflow_xp.optimize.form import Form, grounded, is_differentiated
from miniflow_xp.optimize.functions import Objective
from miniflow_xp.optimize.implicit import argmin
from miniflow_xp.optimize.lbfgs import lbfgs
from miniflow_xp.optimize.result import Result
from miniflow_xp.optimize.scipy_door import scipy_optimize
from miniflow_xp.transforms.pullback import check_function

WITHOUT_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
WITH_PRODUCTS = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")
WITH_HESSIAN = ("dogleg", "trust-exact")
ON_DEVICE = "device-lbfgs"
METHODS = (
    *WITHOUT_GRADIENT,
    *("cg", "bfgs", "l-bfgs-b", "tnc", "slsqp"),
    *WITH_PRODUCTS,
    *WITH_HESSIAN,
    ON_DEVICE,
)


def minimize(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    method: str | None = None,
    *,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: dict[str, Any] | None = None,
    jit: bool = False,
) -> Result:
    """The x of least f(x, *args), by ``scipy.optimize.minimize`` and with its arguments; derivatives are ours.

    f gives a real scalar. x0: an array, or a tree of them (dict, list, tuple, named tuple, dataclass), of any backend;
    f runs there, and SciPy sees one float64 vector. ``x`` and ``jac`` of the result have the form and library of x0.
    Methods that take a Hessian, or its products with vectors, get them: Newton-CG, trust-ncg, trust-krylov,
    trust-constr; dogleg, trust-exact. ``method="device-lbfgs"`` is ``lbfgs``, which needs no SciPy.

    ``bounds``: SciPy's, or a tree in the form of x0 with a pair (low, high) in place of each array. ``constraints``:
    SciPy's, whose functions take x in the form of x0, and whose gradients are ours. ``jit``: f is recorded once and
    replayed (see ``jit``): quicker, for functions that do not look at contents. Without it f runs as it is written.

    ``x`` and ``fun`` have gradients with respect to ``args`` where there are no bounds and constraints, by the theorem
    of implicit functions. Raises CostError where f gives no scalar, DivergedError where it is not finite at x0,
    ConvergenceError where gradients are asked of a minimum that was not reached.
    """
    check_function(f, "minimize")
    args = args if isinstance(args, tuple) else (args,)
    constraints = () if constraints is None else constraints
    form = Form(x0, "minimize")
    name = method_name(method, bounds, constraints)

    def solve(*args: Any) -> Result:
        if name == ON_DEVICE:
            check_free(bounds, constraints, f"{ON_DEVICE} takes no bounds and no constraints", "Leave method out")
            return lbfgs(f, form.start, args, tol=tol, callback=callback, **(options or {}))
        return by_scipy(f, form, args, name, bounds, constraints, tol, callback, options, jit)

    if not is_differentiated(args):
        return solve(*grounded(args))
    check_free(
        bounds,
        constraints,
        "a minimum at a bound is no root of the gradient",
        "Leave them out, or write stop_gradient for args",
    )
    return argmin(f, solve, form, args, "minimize")


def method_name(method: Any, bounds: Any, constraints: Any) -> Any:
    """The method's name in small letters; SciPy's choice where none is given; a method of one's own as it is."""
    if method is None:
        constrained = not isinstance(constraints, (tuple, list)) or len(constraints) > 0
        return "slsqp" if constrained else "bfgs" if bounds is None else "l-bfgs-b"
    return method if callable(method) else checks.one_of(str(method).lower(), METHODS, "method")


def check_free(bounds: Any, constraints: Any, expected: str, remedy: str) -> None:
    """Raise SettingError where there are bounds or constraints."""
    if bounds is not None or constraints:
        raise SettingError("minimize", "bounds or constraints are given", expected, remedy)


def by_scipy(
    f: Callable[..., Any],
    form: Form,
    args: tuple[Any, ...],
    method: Any,
    bounds: Any,
    constraints: Any,
    tol: float | None,
    callback: Callable[..., Any] | None,
    options: dict[str, Any] | None,
    jit: bool,
) -> Result:
    """The minimum by SciPy's method, on the host, in the form of x0."""
    optimize = scipy_optimize("minimize")
    objective = Objective(f, form, args, jit)
    blind = method in WITHOUT_GRADIENT
    derivatives: dict[str, Any] = {} if blind else {"jac": objective.gradient}
    if callable(method) or method in WITH_PRODUCTS:
        derivatives["hessp"] = objective.hessian_product
    if method in WITH_HESSIAN:
        derivatives["hess"] = objective.hessian
    found = optimize.minimize(
        objective.value_alone if blind else objective.value,
        form.host(form.ravel(form.start)),
        method=method,
        bounds=bounds_of(bounds, form),
        constraints=constraints_of(constraints, form, method, jit),
        tol=tol,
        callback=None if callback is None else callback_of(callback, form),
        options=options,
        **derivatives,
    )
    return in_form(found, form)


def in_form(found: Any, form: Form) -> Result:
    """SciPy's result with x, and the gradient there, in the form and library of x0."""
    result = Result(found)
    gradient = "grad" if "grad" in found else "jac"
    for name in ("x", gradient):
        if name in found:
            result[name] = form.unravel(form.device(found[name].copy()))
    return result


def callback_of(callback: Callable[..., Any], form: Form) -> Callable[..., Any]:
    """The user's callback, handed parameters in the form of x0."""
    if set(signature(callback).parameters) == {"intermediate_result"}:

        def with_result(intermediate_result: Any) -> Any:
            return callback(intermediate_result=in_form(intermediate_result, form))

        return with_result
    return lambda x, *state: callback(form.unravel(form.device(x.copy())), *state)
