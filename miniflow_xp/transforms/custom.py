"""A function with a rule of its own, and one that is computed again in place of being remembered."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from miniflow_xp.arrays.calls import Operation, apply, leaves, level_of
from miniflow_xp.arrays.equations import RECORDED
from miniflow_xp.errors import DifferentiationError
from miniflow_xp.transforms.pullback import check_function, vjp, zeros_like
from miniflow_xp.transforms.transformed import Transformed
from miniflow_xp.transforms.trees import flatten


class custom_vjp(Transformed):  # noqa: N801  named as JAX's users know it
    """A function whose gradient is written by hand; a decorator, completed by ``defvjp``.

    ``f.defvjp(forward, backward)``: ``forward(*args)`` gives (value, residuals); ``backward(residuals, gradient)``
    gives a gradient for each argument, in its form, or None. Both are written in functions of the arrays' namespace.
    Arguments that are given by keyword, or left out for their defaults, take their places among the others.
    ``gradcheck`` checks it. Raises DifferentiationError where it is differentiated without a rule.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        check_function(function, "custom_vjp")
        super().__init__(function)
        self.name = str(getattr(function, "__name__", "custom_vjp"))
        self._pair: tuple[Callable[..., Any], Callable[..., Any]] | None = None
        self._signature, self._count = signature_of(function)

    def __reduce__(self) -> str | tuple[Any, ...]:
        made = super().__reduce__()
        return made if isinstance(made, str) else (*made, {"_pair": self._pair})

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Give the rule."""
        for rule in (forward, backward):
            check_function(rule, f"{self.name}.defvjp")
        self._pair = forward, backward

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if keywords or len(args) < self._count:
            args = self._by_position(args, keywords)
        found, build = flatten(args)
        traced = leaves(found)
        if level_of(traced) <= RECORDED:
            return self.function(*args)
        if self._pair is None:
            raise DifferentiationError(
                self.name,
                "it is being differentiated, and has no rule",
                "custom_vjp is completed by defvjp",
                f"Write {self.name}.defvjp(forward, backward)",
            )
        forward, backward = self._pair
        form: list[Any] = []
        kept: list[Any] = []

        def call(*arrays: Any) -> tuple[Any, ...]:
            value, residuals = self._pair_of(forward(*build(iter(arrays))))
            results, rebuild = flatten(value)
            form[:], kept[:] = [rebuild], [residuals]
            return tuple(results)

        def rule(_: Any, gradient: Sequence[Any], *__: Any) -> list[Any]:
            gradients = backward(kept[0], form[0](iter(gradient)))
            return thunks_of(args, self._checked(gradients, len(args)))

        results = apply(Operation(self.name, call, rule), traced[0].xp, found)
        return form[0](iter(results))

    def _by_position(self, args: Sequence[Any], keywords: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments in their places, also those left out; raises DifferentiationError where one has no place."""
        bound = self._signature.bind(*args, **keywords)
        bound.apply_defaults()
        if bound.kwargs:
            raise DifferentiationError(
                self.name,
                f"it takes {', '.join(bound.kwargs)} by keyword alone",
                "its rule gives a gradient for each place",
                "Let it take all arguments by position",
            )
        return bound.args

    def _pair_of(self, found: Any) -> tuple[Any, Any]:
        if isinstance(found, tuple) and len(found) == 2:
            return found
        raise DifferentiationError(
            self.name,
            f"its forward gave {type(found).__name__}",
            "it gives (value, residuals), where residuals are what backward is handed",
            "Return a pair, with None where backward needs nothing",
        )

    def _checked(self, gradients: Any, count: int) -> Sequence[Any]:
        if isinstance(gradients, (tuple, list)) and len(gradients) == count:
            return gradients
        raise DifferentiationError(
            self.name,
            f"its backward gave {type(gradients).__name__}",
            f"it gives {count} gradients, one for each argument",
            "Return a tuple, with None for an argument that has none",
        )


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """f, whose inner values are not remembered for the reverse pass but computed again there: less memory, more time.

    Arrays that f closes over are constants: one that is differentiated is given as an argument.
    """
    check_function(function, "checkpoint")
    return Checkpointed(function)


class Checkpointed(Transformed):
    """What ``checkpoint`` gives."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        given, build = flatten((args, keywords))
        traced = leaves(given)
        if level_of(traced) <= RECORDED:
            return self.function(*args, **keywords)
        form: list[Any] = []

        def flat(*arrays: Any) -> tuple[Any, ...]:
            by_position, named = build(iter(arrays))
            results, rebuild = flatten(self.function(*by_position, **named))
            form[:] = [rebuild]
            return tuple(results)

        def rule(_: Any, gradient: Sequence[Any], __: Any, *inputs: Any) -> list[Any]:
            places = [n for n, x in enumerate(inputs) if hasattr(x, "dtype")]

            def of_arrays(*arrays: Any) -> tuple[Any, ...]:
                whole = list(inputs)
                for n, array in zip(places, arrays, strict=True):
                    whole[n] = array
                return flat(*whole)

            _, pullback = vjp(of_arrays, *[inputs[n] for n in places])
            gradients = dict(zip(places, pullback(tuple(gradient)), strict=True))
            return [thunk_of(gradients.get(n)) for n in range(len(inputs))]

        operation = Operation(getattr(self.function, "__name__", "checkpoint"), flat, rule)
        results = apply(operation, traced[0].xp, given)
        return form[0](iter(results))


def signature_of(function: Callable[..., Any]) -> tuple[inspect.Signature, int]:
    """The parameters of a function, and how many have a place; of one that does not tell them, any number."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]), 0
    return signature, sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in signature.parameters.values())


def thunks_of(args: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
    """A thunk for each leaf of the arguments, from gradients in their form; zeros where there is none."""
    found = []
    for arg, gradient in zip(args, gradients, strict=True):
        inner = flatten(arg)[0]
        given = [None] * len(inner) if gradient is None else flatten(gradient)[0]
        found += [thunk_of(none_of(x) if g is None else g) for x, g in zip(inner, given, strict=True)]
    return found


def none_of(x: Any) -> Any:
    """The gradient of an input that its rule gives none: zeros, or None for what is no array."""
    return zeros_like(x) if hasattr(x, "dtype") else None


def thunk_of(gradient: Any) -> Callable[[], Any] | None:
    """A gradient that is known already, as a thunk."""
    return None if gradient is None else lambda: gradient
