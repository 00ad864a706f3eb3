"""Functions with derivatives of one's own: ``primitive``, completed by ``defvjp``, ``defjvp`` and their relatives."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any

from miniflow_xp.arrays.calls import Operation, apply, boxed, grounded, leaves, level_of
from miniflow_xp.arrays.equations import CONSTANT, RECORDED
from miniflow_xp.arrays.refusals import by_keyword
from miniflow_xp.autograd.core import beside, conjugate, goes_forward, mode, numbers_as_arrays
from miniflow_xp.autograd.rules import (
    Fun,
    Rules,
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    missing,
)
from miniflow_xp.autograd.spaces import VSpace, vspace
from miniflow_xp.checks import function as check_function
from miniflow_xp.checks import shown
from miniflow_xp.errors import DifferentiationError, MissingRuleError
from miniflow_xp.transforms.custom import none_of
from miniflow_xp.transforms.pullback import stop_gradient, vjp, zeros_like
from miniflow_xp.transforms.trees import flatten, form_of, tree_map

__all__ = [
    "VSpace",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "notrace_primitive",
    "primitive",
    "vspace",
]


_transposed: ContextVar[tuple[Rules, ...]] = ContextVar("transposed", default=())


def primitive(fun: Fun) -> Fun:
    """A function that is one step of a gradient: it is given plain arrays, and its derivative by ``defvjp``.

    Keyword arguments are constants. Raises MissingRuleError where it is differentiated without a rule.
    """
    check_function(fun, "primitive", "it takes a function of arrays", "Write @primitive above one")
    rules = Rules(getattr(fun, "__name__", "primitive"))

    @wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        given, build = flatten(args)
        traced = leaves([*given, *flatten(list(kwargs.values()))[0]])
        level = level_of(traced)
        if level == RECORDED:
            return fun(*args, **kwargs)
        if level == CONSTANT:
            value = fun(*build(iter(grounded(given))), **{name: plain(item) for name, item in kwargs.items()})
            return tree_map(lambda leaf: boxed(leaf, traced[0].xp), value) if traced else value
        return one_step(rules, wrapped, args, kwargs)

    wrapped.fun = fun  # type: ignore[attr-defined]
    wrapped.rules = rules  # type: ignore[attr-defined]
    return wrapped


def plain(tree: Any) -> Any:
    """A tree whose constants are the library's arrays."""
    return tree_map(grounded, tree)


def one_step(rules: Rules, wrapped: Fun, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The call of a primitive as one equation at the highest level among its arguments."""
    for name, item in kwargs.items():
        if level_of(leaves(flatten(item)[0])) > RECORDED:
            raise by_keyword(rules.name, name)
    given, build = flatten(args)
    followed = followed_of(args)
    gradients = by_jvp if prefers_jvp(rules) else by_vjp
    form: list[Any] = []

    def below(*arrays: Any) -> tuple[Any, ...]:
        results, rebuild = flatten(wrapped(*build(iter(arrays)), **kwargs))
        form[:] = [rebuild]
        return tuple(numbers_as_arrays(results, arrays))

    def rule(_: Any, gradient: Sequence[Any], value: Sequence[Any], *inputs: Any) -> list[Any]:
        arguments = tuple(build(iter(inputs)))
        g, ans = form[0](iter(gradient)), form[0](iter(value))
        return thunks(lambda: gradients(rules, followed, g, ans, arguments, kwargs), followed, args)

    results = apply(Operation(rules.name, below, rule), leaves(given)[0].xp, given)
    return form[0](iter(results))


def followed_of(args: Sequence[Any]) -> list[int]:
    """The positions of the arguments that are differentiated at the highest level among them."""
    levels = [level_of(leaves(flatten(arg)[0])) for arg in args]
    return [n for n, level in enumerate(levels) if level == max(levels)]


def prefers_jvp(rules: Rules) -> bool:
    """Is the forward rule the one to take? Raises MissingRuleError where there is none at all."""
    if rules.vjp is None and rules.jvp is None:
        raise missing(rules, "it")
    return rules.jvp is not None and (goes_forward.get() or rules.vjp is None)


def thunks(gradients: Callable[[], Sequence[Any]], followed: Sequence[int], args: Sequence[Any]) -> list[Any]:
    """A thunk for each leaf of the arguments; the gradients of all that are followed are computed once."""
    forms = [form_of(arg) for arg in args]

    @cache
    def whole() -> dict[int, list[Any]]:
        found = dict(zip(followed, gradients(), strict=True))
        for n, gradient in found.items():
            if form_of(gradient) != forms[n]:
                raise wrong_form(n, gradient)
        return {n: flatten(gradient)[0] for n, gradient in found.items()}

    places = [(n, m) for n, arg in enumerate(args) for m in range(len(flatten(arg)[0]))]
    return [(lambda n=n, m=m: whole()[n][m]) if n in followed else None for n, m in places]


def wrong_form(n: int, gradient: Any) -> DifferentiationError:
    """The error for a rule whose gradient is no array where the argument is one, or no such tree."""
    return DifferentiationError(
        f"the rule of argument {n}",
        f"it gave {shown(gradient)}",
        "a gradient has the form of its argument",
        "Give an array for an array, a tuple for a tuple, and None for what has none as a whole",
    )


def by_vjp(
    rules: Rules, argnums: Sequence[int], gradient: Any, value: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> list[Any]:
    """The gradients of arguments by the rule for reverse mode, which is one of HIPS/autograd's convention."""
    assert rules.vjp is not None
    found = rules.vjp(argnums, value, args, kwargs)(tree_map(conjugate, gradient))
    return [
        tree_map(none_of, args[n]) if part is None else tree_map(conjugate, beside(args[n], part))
        for n, part in zip(argnums, found, strict=True)
    ]


def by_jvp(
    rules: Rules, argnums: Sequence[int], gradient: Any, value: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> Sequence[Any]:
    """The gradients of arguments by the transpose of the rule for forward mode."""
    jvp, zeros = rules.jvp, [tree_map(zeros_like, args[n]) for n in argnums]
    assert jvp is not None
    if rules in _transposed.get():
        raise only_linear(rules)
    token = _transposed.set((*_transposed.get(), rules))
    try:
        with mode(forward=False):
            _, pull = vjp(lambda *gs: jvp(argnums, gs, value, args, kwargs), *zeros)
            return pull(gradient)
    finally:
        _transposed.reset(token)


def notrace_primitive(fun: Fun) -> Fun:
    """A function that is given plain arrays and whose results are constants."""

    @wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        stopped = stop_gradient(list(args)), stop_gradient(kwargs)
        return fun(*plain(stopped[0]), **plain(stopped[1]))

    return wrapped


def only_linear(rules: Rules) -> MissingRuleError:
    """The error for a primitive that is its own forward rule, as linear ones are, and has no other."""
    return MissingRuleError(
        rules.name,
        "it is said to be linear in its arguments, and nothing more",
        "a forward rule is used by its transpose, which such a function does not have",
        f"Write defvjp({rules.name}, …)",
    )
