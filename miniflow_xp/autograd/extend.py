"""Functions with derivatives of one's own: ``primitive``, completed by ``defvjp``, ``defjvp`` and their relatives."""

from collections.abc import Callable, Sequence
from functools import cache, wraps
from itertools import count
from typing import Any

from miniflow_xp.arrays.calls import Operation, apply, boxed, grounded, leaves, level_of
from miniflow_xp.arrays.equations import CONSTANT, RECORDED
from miniflow_xp.arrays.refusals import by_keyword
from miniflow_xp.autograd.core import conjugate, goes_forward, numbers_as_arrays
from miniflow_xp.autograd.spaces import VSpace, vspace
from miniflow_xp.checks import function as check_function
from miniflow_xp.errors import DifferentiationError, MissingRuleError
from miniflow_xp.transforms.custom import none_of
from miniflow_xp.transforms.pullback import stop_gradient, vjp, zeros_like
from miniflow_xp.transforms.trees import flatten, tree_map

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

Fun = Callable[..., Any]


class Rules:
    """The derivatives of a primitive, as they were given; None where none was.

    ``vjp(argnum, ans, args, kwargs)`` gives g ↦ g · ∂f/∂argₙ; ``jvp(argnum, g, ans, args, kwargs)`` is ∂f/∂argₙ · g.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.vjp: Fun | None = None
        self.jvp: Fun | None = None


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
    form: list[Any] = []

    def below(*arrays: Any) -> tuple[Any, ...]:
        results, rebuild = flatten(wrapped(*build(iter(arrays)), **kwargs))
        form[:] = [rebuild]
        return tuple(numbers_as_arrays(results, arrays))

    gradients = by_jvp if prefers_jvp(rules) else by_vjp

    def rule(_: Any, gradient: Sequence[Any], value: Sequence[Any], *inputs: Any) -> list[Any]:
        return thunks(lambda n: gradients(rules, n, rebuilt(gradient), rebuilt(value), arguments(inputs), kwargs), args)

    def rebuilt(items: Sequence[Any]) -> Any:
        return form[0](iter(items))

    def arguments(items: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(build(iter(items)))

    results = apply(Operation(rules.name, below, rule), leaves(given)[0].xp, given)
    return form[0](iter(results))


def prefers_jvp(rules: Rules) -> bool:
    """Is the forward rule the one to take? Raises MissingRuleError where there is none at all."""
    if rules.vjp is None and rules.jvp is None:
        raise missing(rules, "it")
    return rules.jvp is not None and (goes_forward.get() or rules.vjp is None)


def thunks(gradient_of: Callable[[int], Any], args: Sequence[Any]) -> list[Any]:
    """A thunk for each leaf of the arguments; the gradient of an argument is computed once for all of its leaves."""
    found: list[Any] = []
    for n, arg in enumerate(args):
        whole = cache(lambda n=n: flatten(gradient_of(n))[0])
        found += [lambda whole=whole, m=m: whole()[m] for m in range(len(flatten(arg)[0]))]
    return found


def by_vjp(rules: Rules, n: int, gradient: Any, value: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The gradient of an argument by the rule for reverse mode, which is one of HIPS/autograd's convention."""
    assert rules.vjp is not None
    pull = rules.vjp(n, value, args, kwargs)
    found = pull(tree_map(conjugate, gradient))
    return tree_map(none_of, args[n]) if found is None else tree_map(conjugate, found)


def by_jvp(rules: Rules, n: int, gradient: Any, value: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The gradient of an argument by the transpose of the rule for forward mode."""
    jvp = rules.jvp
    assert jvp is not None
    _, pull = vjp(lambda g: jvp(n, g, value, args, kwargs), tree_map(zeros_like, args[n]))
    return pull(gradient)[0]


def defvjp(fun: Fun, *vjpmakers: Fun | None, argnums: Any = None) -> None:
    """Rules for reverse mode: ``vjpmaker(ans, *args, **kwargs)`` gives g ↦ g · ∂f/∂arg; None where that is zero.

    One for each argument, or for those at ``argnums``.
    """
    makers = by_number(vjpmakers, argnums)
    rules = rules_of(fun)

    def made(n: int, ans: Any, args: Any, kwargs: Any) -> Any:
        if n not in makers:
            raise missing(rules, f"argument {n}")
        maker = makers[n]
        return (lambda _: None) if maker is None else maker(ans, *args, **kwargs)

    rules.vjp = made


def defvjp_argnum(fun: Fun, vjpmaker: Fun) -> None:
    """One rule for all arguments: ``vjpmaker(argnum, ans, args, kwargs)`` gives g ↦ g · ∂f/∂arg."""
    rules_of(fun).vjp = vjpmaker


def defvjp_argnums(fun: Fun, vjpmaker: Fun) -> None:
    """One rule for several: ``vjpmaker(argnums, ans, args, kwargs)`` gives g ↦ a gradient for each of these."""
    rules_of(fun).vjp = lambda n, *rest: lambda g: next(iter(vjpmaker((n,), *rest)(g)))


def defjvp(fun: Fun, *jvpfuns: Fun | str | None, argnums: Any = None) -> None:
    """Rules for forward mode: ``jvpfun(g, ans, *args, **kwargs)`` gives ∂f/∂arg · g.

    ``"same"`` where f is linear in this argument; None where the derivative is zero.
    """
    given = by_number(jvpfuns, argnums)
    rules = rules_of(fun)

    def along(n: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        if n not in given:
            raise missing(rules, f"argument {n}")
        found = given[n]
        if found is None:
            return tree_map(zeros_like, ans)
        return linear(fun, n, g, args, kwargs) if isinstance(found, str) else found(g, ans, *args, **kwargs)

    rules.jvp = along


def defjvp_argnum(fun: Fun, jvpmaker: Fun) -> None:
    """One rule for all arguments: ``jvpmaker(argnum, g, ans, args, kwargs)`` gives ∂f/∂arg · g."""
    rules_of(fun).jvp = jvpmaker


def defjvp_argnums(fun: Fun, jvpmaker: Fun) -> None:
    """One rule for several: ``jvpmaker(argnums, gs, ans, args, kwargs)`` gives the sum of their ∂f/∂arg · g."""
    rules_of(fun).jvp = lambda n, g, *rest: jvpmaker((n,), (g,), *rest)


def def_linear(fun: Fun) -> None:
    """f is linear in each of its arguments."""
    defjvp_argnum(fun, lambda n, g, _, args, kwargs: linear(fun, n, g, args, kwargs))


def linear(fun: Fun, n: int, g: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """f with g in place of an argument."""
    return fun(*[*args[:n], g, *args[n + 1 :]], **kwargs)


def notrace_primitive(fun: Fun) -> Fun:
    """A function that is given plain arrays and whose results are constants."""

    @wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        stopped = stop_gradient(list(args)), stop_gradient(kwargs)
        return fun(*plain(stopped[0]), **plain(stopped[1]))

    return wrapped


def by_number(given: Sequence[Any], argnums: Any) -> dict[int, Any]:
    """{argument's position: what was given for it}; raises DifferentiationError for what is no rule."""
    for rule in given:
        if not (rule is None or callable(rule) or rule == "same"):
            raise DifferentiationError(
                "a rule", f"it is {rule!r}", "it is a function, None or 'same'", "Give a function"
            )
    return dict(zip(count() if argnums is None else argnums, given, strict=False))


def rules_of(fun: Any) -> Rules:
    """Where the rules of a primitive are entered; raises DifferentiationError for another function."""
    found = getattr(fun, "rules", None)
    if not isinstance(found, Rules):
        raise DifferentiationError(
            getattr(fun, "__name__", "a function"),
            "a rule is given for it, and it is no primitive",
            "rules are those of functions that `primitive` made",
            "Write f = primitive(f)",
        )
    return found


def missing(rules: Rules, what: str) -> MissingRuleError:
    """The error for a primitive that is differentiated and has no rule."""
    return MissingRuleError(
        rules.name,
        f"{what} is being differentiated, and has no rule",
        "a primitive has one for each argument that is differentiated",
        f"Write defvjp({rules.name}, …), with None where the derivative is zero",
    )
