"""What is known of the functions of a namespace, by name; the rules fill these tables.

A name is that of the standard, with its extension: ``exp``, ``linalg.solve``, ``fft.rfft``.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, TypeAlias, TypeVar

Thunk: TypeAlias = Callable[[], Any]
"""A gradient that is computed when somebody asks for it."""

Rule: TypeAlias = Callable[..., Sequence[Thunk | Sequence[Thunk] | None]]
"""``rule(xp, gradient, value, *inputs, **keywords)``: for each input a function that gives its gradient, or None.

For an input that is a list of arrays, a list of such functions. A gradient may have the shape that the input was
broadcast to. Rules are written in functions that have rules, never look at contents, and are linear in ``gradient``, so
that they can be differentiated again, and transposed.
"""

RULES: dict[str, Rule] = {}

NATIVE: dict[str, Callable[..., Any]] = {}
"""Functions that libraries lack, or name their own way: ``NATIVE[name](xp, *args, **keywords)``, of their arrays."""

COMPOSED: dict[str, Callable[..., Any]] = {}
"""Functions made of others: ``COMPOSED[name](xp, *args, **keywords)``; their gradients are those of what they call."""

WITHOUT_GRADIENT = {
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "logical_not",
    "logical_xor",
    "isnan",
    "isinf",
    "isfinite",
    "signbit",
    "isin",
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "nonzero",
    "count_nonzero",
    "searchsorted",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_right_shift",
    "ones_like",
    "zeros_like",
    "empty_like",
    "zeros",
    "ones",
    "empty",
    "eye",
    "from_dlpack",
    "floor",
    "ceil",
    "round",
    "trunc",
    "floor_divide",
    "linalg.matrix_rank",
    "fft.fftfreq",
    "fft.rfftfreq",
}
"""Functions whose result is constant wherever it is differentiable: the gradient is 0, and no equation is kept."""

LOOKS_ONLY = ("can_cast", "result_type", "finfo", "iinfo", "isdtype", "broadcast_shapes")
"""Functions that take arrays only to look at their shapes and dtypes."""

VIEWS = {
    "getitem",
    "reshape",
    "matrix_transpose",
    "permute_dims",
    "expand_dims",
    "squeeze",
    "broadcast_to",
    "moveaxis",
    "flip",
    "real",
    "imag",
    "astype",
    "conj",
    "positive",
    "to_device",
    "linalg.diagonal",
}
"""Functions whose result may show the memory of their input; an index does unless it has arrays in it."""

LINEAR = {
    "add",
    "astype",
    "broadcast_to",
    "concat",
    "conj",
    "cumulative_sum",
    "expand_dims",
    "flip",
    "matrix_transpose",
    "mean",
    "moveaxis",
    "negative",
    "permute_dims",
    "positive",
    "real",
    "reshape",
    "squeeze",
    "stack",
    "subtract",
    "sum",
    "tile",
    "tril",
    "triu",
    *[f"fft.{name}{many}" for name in ("fft", "ifft", "rfft", "irfft") for many in ("", "n")],
    "fft.fftshift",
    "fft.ifftshift",
}
"""Functions whose rules look at no array but the gradient, only at shapes and dtypes."""

VALUE = "value"
EVERY = range(9)  # of the places of inputs

LOOKS_AT: dict[str, tuple[Collection[int | str], ...]] = {
    **dict.fromkeys(LINEAR, ((),)),
    **dict.fromkeys(["exp", "reciprocal", "sqrt", "tan", "tanh"], ([VALUE],)),
    **dict.fromkeys(["acos", "asin", "atan", "cos", "cosh", "log", "log10", "log1p", "log2", "sin", "sinh"], ([0],)),
    **dict.fromkeys(["linalg.cross", "linalg.outer", "matmul", "multiply", "tensordot", "vecdot"], ([1], [0])),
    "divide": ([1], [1, VALUE]),
    "roll": ([1],),  # the shift
    "where": ([0],),
    **dict.fromkeys(["add_at", "atan2", "einsum", "getitem", "maximum", "minimum", "setitem", "square"], (EVERY,)),
    **dict.fromkeys(["take", "take_along_axis"], (EVERY,)),
}
"""What the gradient of each input looks at, or that of any: inputs, by their places, and the value. All else goes at
once, but for shapes and dtypes; the arrays of a function that is not here stay."""


@cache
def unseen(op: str, place: int | None, count: int) -> tuple[bool, frozenset[int | str]]:
    """What nobody looks at, where one of ``count`` inputs has a gradient, or several (None): the value? Inputs?"""
    if op not in LOOKS_AT:
        return False, frozenset()
    each = LOOKS_AT[op]
    seen = {item for n, items in enumerate(each) if place in (n, None) or len(each) == 1 for item in items}
    return VALUE not in seen, frozenset(range(count)) - seen


POSITIONAL = {
    "clip": ("x", "min", "max"),
    "repeat": ("x", "repeats"),
    "searchsorted": ("x1", "x2"),
    "take": ("x", "indices"),
    "take_along_axis": ("x", "indices"),
    "where": ("condition", "x1", "x2"),
    "linalg.solve": ("x1", "x2"),
}
"""Names of the arguments of functions that may be given arrays by keyword."""

Found = TypeVar("Found", bound=Callable[..., Any])


def rule(*names: str) -> Callable[[Found], Found]:
    """Decorator: the rule of these functions."""
    return entered(RULES, names)


def native(*names: str) -> Callable[[Found], Found]:
    """Decorator: what computes these functions, which libraries lack or name differently."""
    return entered(NATIVE, names)


def composed(*names: str) -> Callable[[Found], Found]:
    """Decorator: these functions, made of others."""
    return entered(COMPOSED, names)


def entered(table: dict[str, Callable[..., Any]], names: Sequence[str]) -> Callable[[Found], Found]:
    """Decorator: enter a function in a table under these names."""

    def enter(function: Found) -> Found:
        for name in names:
            table[name] = function
        return function

    return enter
