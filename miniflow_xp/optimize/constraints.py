"""Bounds and constraints of parameters in any form, as SciPy takes them: of one vector, with gradients."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

from miniflow_xp.checks import one_of, shown
from miniflow_xp.errors import SettingError, ShapeError
from miniflow_xp.optimize.form import Form, grounded
from miniflow_xp.optimize.functions import VectorMap, of_vector, pull_of
from miniflow_xp.transforms.trees import children_of, flatten


def bounds_of(bounds: Any, form: Form) -> Any:
    """SciPy's bounds of the vector; a tree has a pair (low, high) in place of each array of x0.

    Of one array they are SciPy's own, or two numbers for all elements; a Bounds object may have its shape.
    """
    import numpy as np

    is_array = children_of(form.start) is None
    if is_array and hasattr(bounds, "lb") and max(bounds.lb.ndim, bounds.ub.ndim) > 1:
        pairs: list[Any] = [(bounds.lb, bounds.ub)]
    elif is_array and isinstance(bounds, Sequence) and len(bounds) == 2 and all(map(is_number, bounds)):
        pairs = [bounds]
    elif is_array or bounds is None or hasattr(bounds, "lb"):
        return bounds
    else:
        pairs = pairs_of(form.start, bounds)
    from scipy.optimize import Bounds

    arrays = flatten(form.start)[0]
    lows, highs = (
        np.concatenate([spread(pair[side], array, usual, form) for pair, array in zip(pairs, arrays, strict=True)])
        for side, usual in ((0, -np.inf), (1, np.inf))
    )
    return Bounds(lows, highs)


def is_number(bound: Any) -> bool:
    """Is this the bound of one number, None included?"""
    return bound is None or isinstance(bound, Real)


def pairs_of(tree: Any, bounds: Any) -> list[Any]:
    """The pairs that stand in ``bounds`` where the leaves stand in ``tree``; raises SettingError."""
    children = children_of(tree)
    if tree is None:
        return []
    if children is None:
        if not isinstance(bounds, Sequence) or len(bounds) != 2:
            raise wrong_bounds(bounds)
        return [bounds]
    if isinstance(tree, Mapping):
        if not isinstance(bounds, Mapping) or set(bounds) != set(tree):
            raise wrong_bounds(bounds)
        inner = [bounds[name] for name in tree]
    else:
        inner = children_of(bounds) or []
    if len(inner) != len(children):
        raise wrong_bounds(bounds)
    return [pair for child, part in zip(children, inner, strict=True) for pair in pairs_of(child, part)]


def wrong_bounds(bounds: Any) -> SettingError:
    """The error for bounds that have not the form of x0."""
    return SettingError(
        "bounds",
        f"there is {shown(bounds)}",
        "bounds have the form of x0, with a pair (low, high) in place of each array",
        "Write (None, None) for an array without bounds",
    )


def spread(bound: Any, array: Any, usual: float, form: Form) -> Any:
    """A bound for each element of an array: a number, an array that broadcasts to its shape, or None."""
    import numpy as np

    is_device = hasattr(bound, "dtype") and not isinstance(bound, (np.ndarray, np.generic))
    host = np.asarray(usual if bound is None else form.host(bound) if is_device else bound, dtype=float)
    try:
        return np.broadcast_to(host, tuple(array.shape)).reshape(-1)
    except ValueError:
        raise ShapeError(
            "bounds",
            f"a bound has shape {host.shape}, and its array {tuple(array.shape)}",
            "a bound is a number, or broadcasts to the shape of its array",
            "Give a number",
        ) from None


def constraints_of(constraints: Any, form: Form, method: str, captured: bool) -> list[Any]:
    """SciPy's constraints of the vector, with our Jacobians, and Hessians for trust-constr."""
    given = [constraints] if isinstance(constraints, Mapping) or hasattr(constraints, "lb") else list(constraints)
    return [constraint_of(one, form, method, captured) for one in given]


def constraint_of(constraint: Any, form: Form, method: str, captured: bool) -> Any:
    """One of them; linear ones are of the raveled vector, and stay as they are."""
    import numpy as np

    if hasattr(constraint, "A"):
        return constraint
    if isinstance(constraint, Mapping):
        if not callable(constraint.get("fun")):
            raise wrong_constraint(constraint)
        kind = one_of(str(constraint.get("type")).lower(), ("eq", "ineq"), "the type of a constraint")
        high = 0.0 if kind == "eq" else np.inf
        args = grounded(tuple(constraint.get("args", ())))
        return with_derivatives(constraint["fun"], args, 0.0, high, False, form, method, captured)
    if not callable(getattr(constraint, "fun", None)):
        raise wrong_constraint(constraint)
    keep = method == "trust-constr" and constraint.keep_feasible
    return with_derivatives(constraint.fun, (), constraint.lb, constraint.ub, keep, form, method, captured)


def with_derivatives(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    low: Any,
    high: Any,
    keep: Any,
    form: Form,
    method: str,
    captured: bool,
) -> Any:
    """low ≤ c(x) ≤ high, with the Jacobian of c, and the Hessian of v · c where that is used."""
    from scipy.optimize import NonlinearConstraint

    flat = of_vector(function, form, "a constraint")
    values = VectorMap(flat, form, args, captured, "a constraint")
    if method != "trust-constr":
        return NonlinearConstraint(values.value, low, high, jac=values.matrix)

    def weighted_slope(x: Any, v: Any, *args: Any) -> Any:
        return pull_of(flat, x, args)[1](v)

    slope = VectorMap(weighted_slope, form, (), captured, "a constraint")

    def hessian(x: Any, v: Any) -> Any:
        return slope.given(form.device(v), *args).operator(x)

    return NonlinearConstraint(values.value, low, high, jac=values.matrix, hess=hessian, keep_feasible=keep)


def wrong_constraint(constraint: Any) -> SettingError:
    """The error for what is no constraint."""
    return SettingError(
        "constraints",
        f"there is {shown(constraint)}",
        "a constraint is SciPy's: {'type': 'eq' or 'ineq', 'fun': c}, LinearConstraint, NonlinearConstraint",
        "Write it so",
    )
