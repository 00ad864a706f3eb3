"""Gradients and products of a function of one value: grad, value_and_grad, jvp, hvp, jacobian, hessian."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeAlias

from miniflow_xp.arrays.namespace import constant, functions_of, namespace_of
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.checks import shown
from miniflow_xp.dtypes import is_complex
from miniflow_xp.errors import CostError, DifferentiationError, SettingError
from miniflow_xp.given import check_kind
from miniflow_xp.transforms.pullback import DifferentiatedCall, as_array, check_function, vjp, zeros_like
from miniflow_xp.transforms.transformed import Transformed, as_numbers
from miniflow_xp.transforms.trees import flatten, tree_map

Argnums: TypeAlias = int | Sequence[int]


def value_and_grad(function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives (f(x, …), ∇f(x, …)): value and gradient of a real scalar function.

    ``argnums``: the position of the argument, or of several, to differentiate; gradients come in their form (arrays,
    dicts, lists …). ``has_aux``: f returns (value, whatever else); then the value is that pair. Keyword arguments are
    constants. Raises CostError where the value is no real scalar, DifferentiationError where an argument is an integer.
    """
    check_function(function, "value_and_grad")
    return ValueAndGrad(function, as_numbers(argnums), has_aux)


def grad(function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives ∇f(x, …), the gradient of a real scalar function; see ``value_and_grad``.

    With ``has_aux`` it gives (gradient, whatever else f returned).
    """
    check_function(function, "grad")
    return Grad(function, as_numbers(argnums), has_aux)


class ValueAndGrad(Transformed):
    """What ``value_and_grad`` gives."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        argnums, has_aux = self.settings
        return value_and_gradient(self.function, argnums, has_aux, args, keywords)


class Grad(Transformed):
    """What ``grad`` gives."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        argnums, has_aux = self.settings
        value, gradient = value_and_gradient(self.function, argnums, has_aux, args, keywords)
        return (gradient, value[1]) if has_aux else gradient


def value_and_gradient(
    function: Callable[..., Any], argnums: Argnums, has_aux: bool, args: Sequence[Any], keywords: dict[str, Any]
) -> tuple[Any, Any]:
    """The value, and the gradient in the form of the chosen arguments."""
    run = differentiated(function, argnums, args, keywords)
    value, ends = run.value, run.ends
    if has_aux:
        check_pair(value, function)
    scalar = value[0] if has_aux else value
    gradients = run.gradients([one_like(scalar, function), *[None] * (len(ends) - 1)], once=True)
    return value, gradients[0] if isinstance(argnums, int) else gradients


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """(f(x), ∂f/∂x · v): the value, and the derivative along ``tangents``, which have the form of ``primals``.

    It is the transpose of the pullback, which is linear: no second set of rules is needed.
    """
    check_lists("jvp", primals, tangents)
    value, pullback = vjp(function, *primals)
    _, push = vjp(pullback, tree_map(zeros_like, value))
    (tangent,) = push(tuple(tree_map(as_array, tangent) for tangent in tangents))
    return value, tangent


def hvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """∇²f(x) · v: the Hessian of a scalar function of one argument times a vector, without the Hessian itself."""
    check_lists("hvp", primals, tangents)
    _, pullback = vjp(grad(function), *primals)
    (product,) = pullback(tangents[0])
    return product


def check_lists(where: str, *given: Any) -> None:
    """Raise SettingError for an array in place of a list of arguments: its rows would be taken for them."""
    for items in given:
        if not isinstance(items, Sequence):
            raise SettingError(
                where,
                f"it was given a {type(items).__name__}",
                "primals and tangents are lists or tuples, with an item for each argument of the function",
                f"Write {where}(f, (x,), (v,))",
            )


def jacobian(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives ∂f/∂x in shape (*f.shape, *x.shape), a reverse pass for each element of the value.

    In the form of the value and, inside of it, of the argument.
    """
    check_function(function, "jacobian")
    return Jacobian(function, as_numbers(argnums))


class Jacobian(Transformed):
    """What ``jacobian`` gives."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        (argnums,) = self.settings
        run = differentiated(self.function, argnums, args, keywords)
        for end in run.ends:
            if not hasattr(end, "dtype"):
                raise CostError(
                    getattr(self.function, "__name__", "the function"),
                    f"its value has a {type(end).__name__}",
                    "a Jacobian is one of arrays",
                    "Return arrays",
                )
        blocks = [block_of(run, n, isinstance(argnums, int)) for n in range(len(run.ends))]
        return flatten(run.value)[1](iter(blocks))


def block_of(run: DifferentiatedCall, number: int, single: bool) -> Any:
    """The Jacobian of one leaf of the value, in the form of the arguments."""
    leaf = run.ends[number]
    library = namespace_of(leaf).library
    count = prod(leaf.shape)
    eye = library.eye(count, dtype=leaf.dtype)
    rows = []
    for k in range(count):
        seeds: list[Any] = [None] * len(run.ends)
        seeds[number] = library.reshape(eye[k, ...], tuple(leaf.shape))
        rows.append(run.gradients(seeds))
    if not rows:
        rows = [run.gradients([None] * len(run.ends))]
    forms = [flatten(row) for row in rows]
    blocks = [stacked(parts, tuple(leaf.shape)) for parts in zip(*(leaves for leaves, _ in forms), strict=True)]
    gradients = forms[0][1](iter(blocks))
    return gradients[0] if single else gradients


def stacked(rows: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """The rows of a block as one array, of ``shape`` and that of the argument."""
    xp: Any = next((row.xp for row in rows if type(row) is Traced), None) or namespace_of(rows[0]).library
    whole = xp.stack(list(rows))[: prod(shape), ...]
    return xp.reshape(whole, (*shape, *rows[0].shape))


def differentiated(
    function: Callable[..., Any], argnums: Argnums, args: Sequence[Any], keywords: dict[str, Any]
) -> DifferentiatedCall:
    """The function called once, with the chosen arguments differentiated and the others as constants."""
    chosen = chosen_numbers(argnums, len(args), function)
    constants = [arg if n in chosen else tree_map(as_constant, arg) for n, arg in enumerate(args)]
    if keywords:
        keywords = {name: tree_map(as_constant, value) for name, value in keywords.items()}

    def of_chosen(*values: Any) -> Any:
        given = list(constants)
        for n, value in zip(chosen, values, strict=True):
            given[n] = value
        return function(*given, **keywords)

    return DifferentiatedCall(of_chosen, [args[n] for n in chosen], chosen)


def hessian(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives ∂²f/∂x² in shape (*x.shape, *x.shape), for a scalar function f."""
    check_function(function, "hessian")
    return jacobian(grad(function, argnums), argnums)


def chosen_numbers(argnums: Argnums, count: int, function: Any) -> list[int]:
    """The positions to differentiate; raises DifferentiationError where one is not there, or named twice."""
    wanted: list[Any] = list(argnums) if isinstance(argnums, Sequence) and len(argnums) > 0 else [argnums]
    for n in wanted:
        if not (isinstance(n, int) and not isinstance(n, bool) and -count <= n < count):
            raise DifferentiationError(
                f"gradient of {getattr(function, '__name__', 'a function')}",
                f"argnums is {shown(argnums)}, and it was called with {count} arguments by position",
                f"they count from 0 to {count - 1}" if count else "arguments by keyword are constants",
                "Give the argument by position, or change argnums",
            )
    found = [n % count for n in wanted]
    if found[1:] and len(set(found)) < len(found):
        raise DifferentiationError(
            f"gradient of {getattr(function, '__name__', 'a function')}",
            f"argnums is {shown(argnums)}, with {count} arguments",
            "each argument has one gradient",
            "Name each argument once",
        )
    return found


def one_like(value: Any, function: Any) -> Any:
    """The gradient to start from, of a real scalar value; raises CostError for any other."""
    name = getattr(function, "__name__", "the function")
    if not hasattr(value, "dtype") or tuple(value.shape) != ():
        came = f"of shape {tuple(value.shape)}" if hasattr(value, "dtype") else f"a {type(value).__name__}"
        raise CostError(
            name,
            f"its value is {came}",
            "gradients start from a real scalar, an array of shape ()",
            "End in a sum or a mean, or use jacobian, or vjp with a gradient to start from",
        )
    if is_complex(value):
        raise CostError(
            name, f"its value is {value.dtype}", "gradients start from a real scalar", "End in xp.real or xp.abs"
        )
    return functions_of(value).ones_like(value)


def check_pair(value: Any, function: Any) -> None:
    """Raise CostError where a function with more results than its value gives no pair."""
    if not isinstance(value, tuple) or len(value) != 2 or len(flatten(value[0])[0]) != 1:
        raise CostError(
            getattr(function, "__name__", "the function"),
            f"it returned {shown(value)}",
            "with has_aux it returns (value, whatever else)",
            "Return a pair, or leave has_aux out",
        )


ARRAYS: dict[type, bool] = {}
"""{class of arguments: has it a library's functions?}, entered when the first one is met."""


def as_constant(leaf: Any) -> Any:
    """An argument that is not differentiated: an array's functions are to be ours all the same."""
    kind: Any = type(leaf)
    found = ARRAYS.get(kind)
    if found is None:
        from array_api_compat import is_array_api_obj  # here: importing this package stays quick

        check_kind("an argument", leaf)
        found = ARRAYS[kind] = is_array_api_obj(leaf) and not isinstance(leaf, type)
    return constant(leaf) if found else leaf
