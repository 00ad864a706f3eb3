"""Functions with derivatives of one's own: ``primitive``, completed by ``defvjp``, ``defjvp`` and their relatives."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cache, reduce, wraps
from itertools import count
from typing import Any

from miniflow_xp.arrays.calls import Operation, apply, boxed, grounded, leaves, level_of
from miniflow_xp.arrays.equations import CONSTANT, RECORDED
from miniflow_xp.arrays.refusals import by_keyword
from miniflow_xp.autograd.core import conjugate, goes_forward, mode, numbers_as_arrays
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

    ``vjp(argnums, ans, args, kwargs)`` gives g ↦ g · ∂f/∂argₙ for each of these.
    ``jvp(argnums, gs, ans, args, kwargs)`` is the sum of their ∂f/∂argₙ · gₙ.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.vjp: Fun | None = None
        self.jvp: Fun | None = None


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
    whole = cache(lambda: {n: flatten(gradient)[0] for n, gradient in zip(followed, gradients(), strict=True)})
    counts = [(n, len(flatten(arg)[0])) for n, arg in enumerate(args)]
    return [
        (lambda n=n, m=m: whole()[n][m]) if n in followed else None for n, count_of in counts for m in range(count_of)
    ]


def by_vjp(
    rules: Rules, argnums: Sequence[int], gradient: Any, value: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> list[Any]:
    """The gradients of arguments by the rule for reverse mode, which is one of HIPS/autograd's convention."""
    assert rules.vjp is not None
    found = rules.vjp(argnums, value, args, kwargs)(tree_map(conjugate, gradient))
    return [
        tree_map(none_of, args[n]) if part is None else tree_map(conjugate, part)
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


def defvjp(fun: Fun, *vjpmakers: Fun | None, argnums: Any = None) -> None:
    """Rules for reverse mode: ``vjpmaker(ans, *args, **kwargs)`` gives g ↦ g · ∂f/∂arg; None where that is zero.

    One for each argument, or for those at ``argnums``.
    """
    rules = rules_of(fun)
    makers = by_number(vjpmakers, argnums)

    def maker(n: int, ans: Any, args: Any, kwargs: Any) -> Fun:
        found = of_argument(rules, makers, n)
        made: Fun = (lambda _: None) if found is None else found(ans, *args, **kwargs)
        return made

    defvjp_argnum(fun, maker)


def defvjp_argnum(fun: Fun, vjpmaker: Fun) -> None:
    """One rule for any argument: ``vjpmaker(argnum, ans, args, kwargs)`` gives g ↦ g · ∂f/∂arg."""

    def maker(argnums: Sequence[int], ans: Any, args: Any, kwargs: Any) -> Fun:
        pulls = [vjpmaker(n, ans, args, kwargs) for n in argnums]
        return lambda g: [pull(g) for pull in pulls]

    defvjp_argnums(fun, maker)


def defvjp_argnums(fun: Fun, vjpmaker: Fun) -> None:
    """One rule for several: ``vjpmaker(argnums, ans, args, kwargs)`` gives g ↦ a gradient for each of these."""
    rules_of(fun).vjp = vjpmaker


def defjvp(fun: Fun, *jvpfuns: Fun | str | None, argnums: Any = None) -> None:
    """Rules for forward mode: ``jvpfun(g, ans, *args, **kwargs)`` gives ∂f/∂arg · g.

    ``"same"`` where f is linear in this argument; None where the derivative is zero.
    """
    rules = rules_of(fun)
    given = by_number(jvpfuns, argnums)

    def along(n: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        found = of_argument(rules, given, n)
        if found is None:
            return tree_map(zeros_like, ans)
        return linear(fun, n, g, args, kwargs) if found == "same" else found(g, ans, *args, **kwargs)

    defjvp_argnum(fun, along)


def defjvp_argnum(fun: Fun, jvpmaker: Fun) -> None:
    """One rule for any argument: ``jvpmaker(argnum, g, ans, args, kwargs)`` gives ∂f/∂arg · g."""

    def along(argnums: Sequence[int], gs: Sequence[Any], ans: Any, args: Any, kwargs: Any) -> Any:
        return reduce(vspace(ans).add, [jvpmaker(n, g, ans, args, kwargs) for n, g in zip(argnums, gs, strict=True)])

    defjvp_argnums(fun, along)


def defjvp_argnums(fun: Fun, jvpmaker: Fun) -> None:
    """One rule for several: ``jvpmaker(argnums, gs, ans, args, kwargs)`` gives the sum of their ∂f/∂arg · g."""
    rules_of(fun).jvp = jvpmaker


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


def of_argument(rules: Rules, given: dict[int, Any], n: int) -> Any:
    """What was given for an argument; raises MissingRuleError where nothing was."""
    if n not in given:
        raise missing(rules, f"argument {n}")
    return given[n]


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


def only_linear(rules: Rules) -> MissingRuleError:
    """The error for a primitive that is its own forward rule, as linear ones are, and has no other."""
    return MissingRuleError(
        rules.name,
        "it is said to be linear in its arguments, and nothing more",
        "a forward rule is used by its transpose, which such a function does not have",
        f"Write defvjp({rules.name}, …)",
    )
