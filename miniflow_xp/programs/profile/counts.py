"""How much a call does at least: floating-point operations by one table, and the bytes that it reads and writes.

Of shapes alone; docs/profile.md shows the table.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log2, prod, sqrt
from typing import Any, TypeAlias

from miniflow_xp.arrays.operators import COMPARISONS
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.dtypes import name_of
from miniflow_xp.nonfinite.functions import ELEMENTWISE
from miniflow_xp.recording.walks import VIEWS

Count: TypeAlias = Callable[[Sequence[Any], Any], float]
"""``count(inputs, value)``: floating-point operations of a call with these inputs and this value."""

MOVES = (
    *(*VIEWS, "moveaxis", "flip", "real", "imag", "linalg.diagonal", "item", "astype", "to_device", "positive"),
    *("concat", "stack", "where", "take", "take_along_axis", "setitem", "repeat", "tile", "roll", "tril", "triu"),
    *("zeros", "ones", "empty", "eye", "arange", "zeros_like", "ones_like", "empty_like", "sort", "argsort"),
    *("argmax", "argmin", "searchsorted", "nonzero", "fft.fftshift", "fft.ifftshift"),
)
SHOWN = (*VIEWS, "moveaxis", "flip", "real", "imag", "linalg.diagonal", "item")
"""Functions that show memory in another way, and move nothing."""

LOGICAL = ("logical_and", "logical_or", "logical_not", "logical_xor", "isnan", "isinf", "isfinite", "signbit")
ROUNDING = ("floor", "ceil", "round", "trunc")
SPECIAL = (
    *("beta", "betainc", "betaincc", "betaln", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "expit", "gamma"),
    *("gammainc", "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e", "log_expit", "log_ndtr", "logit", "ndtr", "ndtri"),
    *("sinc", "softplus", "xlogy", "xlog1py", "xdivy", "zeta"),
)


def elements(array: Any) -> int:
    """How many elements an array has; a number is one."""
    return prod(shape_of(array)) if hasattr(array, "shape") else 1


def per_result(inputs: Sequence[Any], value: Any) -> float:  # noqa: ARG001  as the others
    """One for each element of the result."""
    return float(elements(value))


def per_input(times: int) -> Count:
    """So many for each element of the first input."""
    return lambda inputs, value: float(times * elements(inputs[0]))  # noqa: ARG005  as the others


def product(inputs: Sequence[Any], value: Any) -> float:
    """2 k for each element of the result, k the length of the axis that is summed over."""
    return 2.0 * elements(value) * shape_of(inputs[0])[-1]


def inner(inputs: Sequence[Any], value: Any) -> float:  # noqa: ARG001  as the others
    """2 for each pair of elements."""
    return 2.0 * max(elements(inputs[0]), elements(inputs[1]))


def tensordot(inputs: Sequence[Any], value: Any) -> float:
    """2 k for each element of the result, k the product of what is summed over."""
    of_all = elements(inputs[0]) * elements(inputs[1]) * elements(value)  # m k · k n · m n = (m k n)²
    return 2.0 * sqrt(of_all)


def einsum(inputs: Sequence[Any], value: Any) -> float:  # noqa: ARG001  as the others
    """The product of the lengths of all indices, twice where there are several arrays."""
    subscripts, *arrays = inputs
    lengths: dict[str, int] = {}
    for letters, array in zip(str(subscripts).partition("->")[0].replace(" ", "").split(","), arrays, strict=False):
        lengths |= dict(zip(letters, shape_of(array), strict=False))
    return (2.0 if len(arrays) > 1 else 1.0) * prod(lengths.values())


def cubic(share: float) -> Count:
    """share · n³ for each (n, n) matrix."""
    return lambda inputs, value: share * elements(inputs[0]) * shape_of(inputs[0])[-1]  # noqa: ARG005  as the others


def solve(inputs: Sequence[Any], value: Any) -> float:
    """2/3 n³ for the factors and 2 n² for each right-hand side."""
    n = shape_of(inputs[0])[-1]
    return 2 / 3 * elements(inputs[0]) * n + 2.0 * n * elements(value)


def qr(inputs: Sequence[Any], value: Any) -> float:  # noqa: ARG001  as the others
    """2 m n² for each (m, n) matrix."""
    return 2.0 * elements(inputs[0]) * shape_of(inputs[0])[-1]


def fourier(inputs: Sequence[Any], value: Any) -> float:
    """5 n log₂ n for each transform of n numbers; half of it where one side is real."""
    n = max(elements(inputs[0]), elements(value))
    return 5.0 * n * log2(max(2, shape_of(inputs[0])[-1]))


FLOPS: dict[str, Count] = {
    **dict.fromkeys((*ELEMENTWISE, *COMPARISONS, *LOGICAL, *ROUNDING), per_result),
    **dict.fromkeys((f"special.{name}" for name in SPECIAL), per_result),
    **dict.fromkeys(("sum", "prod", "mean", "max", "min", "all", "any", "count_nonzero"), per_input(1)),
    **dict.fromkeys(("cumulative_sum", "cumulative_prod", "add_at", "linalg.trace"), per_input(1)),
    **dict.fromkeys(("var", "std"), per_input(3)),
    **dict.fromkeys(("special.softmax", "special.log_softmax", "special.logsumexp"), per_input(3)),
    "linalg.vector_norm": per_input(2),
    "matmul": product,
    "vecdot": inner,
    "linalg.outer": per_result,
    "tensordot": tensordot,
    "einsum": einsum,
    "linalg.cholesky": cubic(1 / 3),
    "linalg.det": cubic(2 / 3),
    "linalg.slogdet": cubic(2 / 3),
    "linalg.inv": cubic(2.0),
    "linalg.solve": solve,
    "linalg.qr": qr,
    **dict.fromkeys((f"fft.{name}" for name in ("fft", "ifft", "rfft", "irfft")), fourier),
    **dict.fromkeys(MOVES, lambda inputs, value: 0.0),  # noqa: ARG005  as the others
}


@dataclass
class Work:
    """What calls did at least: ``flops`` of those in the table, ``moved`` bytes, and the calls by function.

    ``uncounted``: functions that the table does not have. ``carried``: bytes of host arrays that a call took to a
    device by itself. ``fresh``: bytes of the results that are no views.
    """

    flops: float = 0.0
    moved: float = 0.0
    fresh: float = 0.0
    carried: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    uncounted: set[str] = field(default_factory=set)

    def add(self, op: str, inputs: Sequence[Any], value: Any, carried: float = 0.0) -> None:
        """One more call."""
        self.calls[op] += 1
        self.carried += carried
        count = FLOPS.get(op)
        if count is None:
            self.uncounted.add(op)
        else:
            self.flops += count(inputs, value)
        if not is_view(op, inputs):
            fresh = sum(map(bytes_of, arrays_in([value])))
            read = {id(array): bytes_of(array) for array in arrays_in(inputs)}
            self.fresh += fresh
            self.moved += fresh + sum(read.values())

    def __add__(self, other: "Work") -> "Work":
        return Work(
            self.flops + other.flops,
            self.moved + other.moved,
            self.fresh + other.fresh,
            self.carried + other.carried,
            self.calls + other.calls,
            self.uncounted | other.uncounted,
        )


def total(works: Iterable[Work]) -> Work:
    """The work of all."""
    return sum(works, Work())


def is_view(op: str, inputs: Sequence[Any]) -> bool:
    """Does a call only show memory in another way? An index that is an array copies."""
    return op in SHOWN and not (op == "getitem" and any(True for _ in arrays_in(inputs[1:])))


def arrays_in(items: Iterable[Any]) -> Iterator[Any]:
    """All arrays, in lists and tuples too; classes of NumPy's numbers, which are dtypes, are none."""
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from arrays_in(item)
        elif hasattr(item, "shape") and hasattr(item, "dtype") and not isinstance(item, type):
            yield item


def bytes_of(array: Any) -> float:
    """What an array takes."""
    return float(elements(array) * width_of(name_of(array)))


def width_of(dtype: str) -> float:
    """Bytes of an element, from the name of its dtype: float32 has 32 bits."""
    digits = re.search(r"\d+", dtype)
    return int(digits[0]) / 8 if digits else 1.0
