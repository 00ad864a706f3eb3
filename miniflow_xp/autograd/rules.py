"""The derivatives of a primitive: ``defvjp`` for reverse mode, ``defjvp`` for forward mode, and their relatives."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import count
from typing import Any

from miniflow_xp.autograd.spaces import vspace
from miniflow_xp.errors import DifferentiationError, MissingRuleError
from miniflow_xp.transforms.pullback import zeros_like
from miniflow_xp.transforms.trees import tree_map

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
