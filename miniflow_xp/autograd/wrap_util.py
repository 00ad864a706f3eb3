"""From an operator on functions of one argument to one with ``argnum``."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from miniflow_xp.checks import function as check_function
from miniflow_xp.transforms.gradients import chosen_numbers
from miniflow_xp.transforms.transformed import Transformed

Operator = Callable[..., Any]


def unary_to_nary(unary_operator: Operator) -> Operator:
    """``operator(fun, x, …)`` as ``operator(fun, argnum=0, …)(*args, **kwargs)``.

    ``argnum``: the position of the argument to differentiate, or a list or tuple of several, which gives a tuple.
    """

    @wraps(unary_operator)
    def nary_operator(fun: Callable[..., Any], argnum: Any = 0, *operator_args: Any, **operator_kwargs: Any) -> Any:
        name = name_of(unary_operator)
        check_function(fun, name, "it takes a function", f"Write {name}(f), and call what it gives")
        return Nary(fun, nary_operator, argnum, operator_args, operator_kwargs)

    return nary_operator


class Nary(Transformed):
    """What ``operator(fun, argnum, …)`` gives; it is pickled by the operator's name, too."""

    def __init__(
        self, fun: Callable[..., Any], operator: Operator, argnum: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> None:
        super().__init__(fun, operator, argnum, args, kwargs)
        name, name_of_fun = name_of(operator), name_of(fun)
        self.__name__ = f"{name}_of_{name_of_fun}_wrt_argnum_{argnum}"
        self.__doc__ = (
            f"    {name} of function {name_of_fun} with respect to argument number {argnum}: takes the arguments of\n"
            f"    {name_of_fun}, and returns the {name}."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        fun, (operator, argnum, operator_args, operator_kwargs) = self.function, self.settings
        numbers = chosen_numbers(argnum, len(args), fun)

        @wraps(fun)
        def of_chosen(x: Any) -> Any:
            chosen = x if isinstance(argnum, Sequence) else [x]
            return fun(*replaced(args, numbers, chosen), **kwargs)

        picked = tuple(args[n] for n in numbers)
        x = picked if isinstance(argnum, Sequence) else picked[0]
        return operator.__wrapped__(of_chosen, x, *operator_args, **operator_kwargs)


def replaced(args: Sequence[Any], numbers: Sequence[int], values: Sequence[Any]) -> list[Any]:
    """The arguments with those at these positions replaced."""
    found = list(args)
    for n, value in zip(numbers, values, strict=True):
        found[n] = value
    return found


def name_of(fun: Any) -> str:
    """The name of a function, for people."""
    return str(getattr(fun, "__name__", "[unknown name]"))
