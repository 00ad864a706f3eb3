"""grad, jacobian, hessian and their relatives, with HIPS/autograd's names, arguments and results."""

import inspect
import warnings
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

from miniflow_xp.arrays.namespace import functions_of, namespace_of
from miniflow_xp.autograd.core import Pullback, as_vectors, called, conjugate, differentiable
from miniflow_xp.autograd.core import make_jvp as _make_jvp
from miniflow_xp.autograd.core import make_vjp as _make_vjp
from miniflow_xp.autograd.spaces import vspace
from miniflow_xp.autograd.wrap_util import unary_to_nary
from miniflow_xp.checks import function as check_function
from miniflow_xp.dtypes import is_complex
from miniflow_xp.errors import DifferentiationError
from miniflow_xp.transforms import custom, gradients
from miniflow_xp.transforms.transformed import Transformed
from miniflow_xp.transforms.trees import flatten, tree_map

Fun = Callable[..., Any]


@unary_to_nary
def make_vjp(fun: Fun, x: Any) -> tuple[Pullback, Any]:
    """(pullback, value): ``pullback(g)`` is g · ∂f/∂x in the form of x; ``g`` has the form of the value."""
    return _make_vjp(fun, x)


@unary_to_nary
def make_jvp(fun: Fun, x: Any) -> Callable[[Any], tuple[Any, Any]]:
    """``jvp(v)`` gives (value, ∂f/∂x · v); ``v`` has the form of x. The function is run each time."""
    return _make_jvp(fun, x)


@unary_to_nary
def grad(fun: Fun, x: Any) -> Any:
    """A function that gives ∇f(x, …) in the form of the argument, for a function whose value is one real number."""
    return value_and_gradient(fun, x, "grad")[1]


@unary_to_nary
def value_and_grad(fun: Fun, x: Any) -> tuple[Any, Any]:
    """A function that gives (f(x, …), ∇f(x, …)), for a function whose value is one real number."""
    return value_and_gradient(fun, x, "value_and_grad")


def value_and_gradient(fun: Fun, x: Any, name: str) -> tuple[Any, Any]:
    """Value and gradient; raises DifferentiationError where the value is more than one real number."""
    vjp, value = _make_vjp(fun, x)
    check_real(value, name)
    space = vspace(value)
    if space.size != 1:
        raise DifferentiationError(
            name,
            f"the value is {space.size} numbers",
            "it applies to functions whose value is one real number",
            "Try jacobian, elementwise_grad or holomorphic_grad",
        )
    return value, vjp(space.ones())


@unary_to_nary
def elementwise_grad(fun: Fun, x: Any) -> Any:
    """A function that gives the sum of the Jacobian over the value's elements: where it is diagonal, its diagonal."""
    vjp, value = _make_vjp(fun, x)
    check_real(value, "elementwise_grad")
    return vjp(vspace(value).ones())


@unary_to_nary
def deriv(fun: Fun, x: Any) -> Any:
    """A function that gives the derivative of f along a vector of ones: f' where x is one number."""
    return _make_jvp(fun, x)(vspace(x).ones())[1]


@unary_to_nary
def jacobian(fun: Fun, x: Any) -> Any:
    """A function that gives ∂f/∂x in shape (*f.shape, *x.shape), for a real value."""

    def of_real_value(x: Any) -> Any:
        value = fun(x)
        check_real(value, "jacobian")
        return value

    return tree_map(conjugate, gradients.jacobian(of_real_value)(differentiable(x)))


@unary_to_nary
def holomorphic_grad(fun: Fun, x: Any) -> Any:
    """A function that gives f'(x) of a holomorphic function of one complex number."""
    if not vspace(x).iscomplex:
        warnings.warn("Input to holomorphic_grad is not complex", stacklevel=3)
    return grad(lambda x: real(fun(x)))(x)


def grad_named(fun: Fun, argname: str) -> Fun:
    """``grad`` with respect to the argument of this name."""
    names = inspect.getfullargspec(fun).args
    if argname not in names:
        raise DifferentiationError(
            "grad_named", f"there is no argument {argname!r}", f"they are {', '.join(names)}", "Name one of these"
        )
    found: Fun = grad(fun, names.index(argname))
    return found


@unary_to_nary
def hessian(fun: Fun, x: Any) -> Any:
    """A function that gives ∂²f/∂x² in shape (*f.shape, *x.shape, *x.shape)."""
    return jacobian(jacobian(fun))(x)


@unary_to_nary
def make_hvp(fun: Fun, x: Any) -> tuple[Pullback, Any]:
    """(v ↦ ∇²f(x) · v, ∇f(x)): f is run once, for as many products as are asked for."""
    return _make_vjp(grad(fun), x)


def hessian_tensor_product(fun: Fun, argnum: int = 0) -> Fun:
    """A function of (*args, v) that gives ∇²f · v."""
    found: Fun = grad(partial(along_last, grad(fun, argnum)), argnum)
    return found


def tensor_jacobian_product(fun: Fun, argnum: int = 0) -> Fun:
    """A function of (*args, v) that gives v · ∂f/∂x, summed over the axes that v has."""
    found: Fun = jacobian(partial(along_last, fun), argnum)
    return found


hessian_vector_product = hessian_tensor_product
vector_jacobian_product = tensor_jacobian_product


def along_last(fun: Fun, /, *args: Any, **kwargs: Any) -> Any:
    """f's product with one more argument, the last, summed over the axes of that."""
    *args_of_fun, v = args
    value = fun(*args_of_fun, **kwargs)
    xp = functions_of(value)
    v = v if hasattr(v, "dtype") else xp.asarray(v, dtype=value.dtype)
    return xp.tensordot(v, value, axes=len(v.shape))


@unary_to_nary
def make_jvp_reversemode(fun: Fun, x: Any) -> Pullback:
    """v ↦ ∂f/∂x · v, as the transpose of the pullback: f is run once, for as many products as are asked for."""
    vjp, value = _make_vjp(fun, x)
    return _make_vjp(vjp, vspace(value).zeros())[0]


def half_square(x: Any) -> Any:
    """½ Σ x² over the last axis."""
    return 0.5 * functions_of(x).sum(x * x, axis=-1)


def make_ggnvp(f: Fun, g: Fun = half_square, f_argnum: int = 0) -> Fun:
    """A function that gives v ↦ Jᵀ H J v: J the Jacobian of f, H the Hessian of g at its value (Gauss and Newton)."""
    found: Fun = ggnvp(f, f_argnum, g)
    return found


@unary_to_nary
def ggnvp(f: Fun, x: Any, g: Fun) -> Pullback:
    """v ↦ Jᵀ H J v at x."""
    f_vjp, value = _make_vjp(f, x)
    g_hvp, slope = _make_vjp(grad(g), value)
    f_jvp, _ = _make_vjp(f_vjp, vspace(slope).zeros())
    return lambda v: f_vjp(g_hvp(f_jvp(v)))


@unary_to_nary
def grad_and_aux(fun: Fun, x: Any) -> tuple[Any, Any]:
    """A function that gives (gradient of the first, the second), for a function with two results."""
    run = called(fun, x)
    if not (isinstance(run.value, tuple | list) and len(run.value) == 2):
        raise DifferentiationError(
            "grad_and_aux", "the function has not two results", "it returns (value, whatever else)", "Return a pair"
        )
    value, aux = run.value
    check_real(value, "grad_and_aux")
    seeds = [*flatten(vspace(value).ones())[0], *[None] * len(flatten(aux)[0])]
    (gradient,) = run.gradients(seeds)
    return tree_map(conjugate, gradient), aux


def multigrad_dict(fun: Fun) -> Fun:
    """A function that gives {argument's name: gradient}, with respect to all arguments at once."""
    check_function(fun, "multigrad_dict", "it takes a function", "Write multigrad_dict(f), and call what it gives")
    return MultigradDict(fun)


class MultigradDict(Transformed):
    """What ``multigrad_dict`` gives."""

    def __init__(self, function: Fun) -> None:
        super().__init__(function)
        self._signature = inspect.signature(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()

        def of_arguments(arguments: Any) -> Any:
            bound.arguments.update(arguments)
            return self.function(*bound.args, **bound.kwargs)

        return OrderedDict(grad(of_arguments)(dict(bound.arguments)))


def checkpoint(fun: Fun) -> Fun:
    """f, whose inner values are computed again in the reverse pass in place of being remembered."""
    check_function(fun, "checkpoint", "it takes a function", "Write checkpoint(f), and call what it gives")
    return Checkpointed(fun)


class Checkpointed(Transformed):
    """What ``checkpoint`` gives."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return custom.checkpoint(partial(self.function, **kwargs))(*args)


def check_real(value: Any, name: str) -> None:
    """Raise DifferentiationError where a value is not of real numbers."""
    for array in as_vectors(flatten(value)[0]):
        if is_complex(array) or not namespace_of(array).inexact(array.dtype):
            raise DifferentiationError(
                name,
                f"the value is {array.dtype}",
                "it applies to functions whose values are floats",
                "Take the real part, by np.real; or holomorphic_grad for a holomorphic function",
            )


def real(value: Any) -> Any:
    """The real part of an array."""
    return functions_of(value).real(value) if is_complex(value) else value
