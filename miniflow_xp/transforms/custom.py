"""A function with a rule of its own, and one that is computed again in place of being remembered."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from miniflow_xp.arrays.calls import Operation, apply, leaves, level_of
from miniflow_xp.arrays.equations import RECORDED
from miniflow_xp.errors import DifferentiationError
from miniflow_xp.transforms.pullback import check_function, vjp, zeros_like
from miniflow_xp.transforms.trees import flatten


class custom_vjp:  # noqa: N801  named as JAX's users know it
    """A function whose gradient is written by hand; a decorator, completed by ``defvjp``.

    ``f.defvjp(forward, backward)``: ``forward(*args)`` gives (value, residuals); ``backward(residuals, gradient)``
    gives a gradient for each argument, in its form, or None. Both are written in functions of the arrays' namespace.
    ``gradcheck`` checks it. Raises DifferentiationError where it is differentiated without a rule.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        check_function(function, "custom_vjp")
        wraps(function)(self)
        self.function = function
        self.name = str(getattr(function, "__name__", "custom_vjp"))
        self._pair: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Give the rule."""
        for rule in (forward, backward):
            check_function(rule, f"{self.name}.defvjp")
        self._pair = forward, backward

    def __call__(self, *args: Any) -> Any:
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
            value, residuals = forward(*build(iter(arrays)))
            results, rebuild = flatten(value)
            form[:], kept[:] = [rebuild], [residuals]
            return tuple(results)

        def rule(_: Any, gradient: Sequence[Any], *__: Any) -> list[Any]:
            gradients = backward(kept[0], form[0](iter(gradient)))
            return thunks_of(args, self._checked(gradients, len(args)))

        results = apply(Operation(self.name, call, rule), traced[0].xp, found)
        return form[0](iter(results))

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

    @wraps(function)
    def found(*args: Any) -> Any:
        given, build = flatten(args)
        traced = leaves(given)
        if level_of(traced) <= RECORDED:
            return function(*args)
        form: list[Any] = []

        def flat(*arrays: Any) -> tuple[Any, ...]:
            results, rebuild = flatten(function(*build(iter(arrays))))
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

        operation = Operation(getattr(function, "__name__", "checkpoint"), flat, rule)
        results = apply(operation, traced[0].xp, given)
        return form[0](iter(results))

    return found


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
