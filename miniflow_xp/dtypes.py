"""Names of data types: the one form that every array library's dtypes can be brought to.

``str(x.dtype)`` is ``float32`` on NumPy, ``torch.float32`` on PyTorch and ``array_api_strict.float32`` on the strict
namespace: the last word is the name that the Array API standard gives ("Data Types").

What sums, counts, squares and norms are computed in is here too: float32 where the numbers have half precision. float16
ends at 65,504 and counts to 2,048, bfloat16 counts to 256: a few ordinary numbers add up to more.
"""

from functools import cache
from typing import Any

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.errors import SettingError

FLOATS = ("bfloat16", "float16", "float32", "float64")  # each is at least as wide as the one before
HALVES = ("bfloat16", "float16")
SIGNED = ("int8", "int16", "int32", "int64")
INTEGERS = (*SIGNED, "uint8", "uint16", "uint32", "uint64")
PYTHON_TYPES = {int: "int", float: "float"}


def name_of(array: Any) -> str:
    """Name of an array's dtype: ``"float32"``."""
    kind: Any = type(array.dtype)
    return _name(kind, array.dtype)


@cache  # NumPy takes 5 µs to spell one; the type comes first, because some do not like to be compared with others
def _name(_: Any, dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


def is_float(item: Any) -> bool:
    """Is this an array of floats?"""
    return hasattr(item, "dtype") and name_of(item) in FLOATS


def is_complex(value: Any) -> bool:
    """Is this an array of complex numbers, or one of Python's?"""
    dtype = getattr(value, "dtype", None)
    kind: Any = type(dtype)
    return isinstance(value, complex) if dtype is None else _is_complex(kind, dtype)


@cache  # as above
def _is_complex(_: Any, dtype: Any) -> bool:
    return "complex" in spelled(dtype)


def spelled(dtype: Any) -> str:
    """A dtype in words, whatever the order of its bytes: NumPy's for ``>f8`` is ``float64``."""
    return str(getattr(dtype, "name", dtype))


def widest(names: set[str]) -> str | None:
    """The float dtype that holds all of ``names``; None where there is none. float16 and bfloat16 meet in float32."""
    floats = names & set(FLOATS)
    if {"float16", "bfloat16"} <= floats:
        return widest(floats - {"float16", "bfloat16"} | {"float32"})
    return max(floats, key=FLOATS.index, default=None)


def wider(name: str) -> str:
    """The dtype that sums are computed in, and optimizers: float32 for half precision, else the same."""
    return "float32" if name in HALVES else name


def of_host(name: str) -> str:
    """The dtype in which the host holds such numbers: NumPy has no bfloat16, and takes float32 for it."""
    return "float32" if name == "bfloat16" else name


def wide(xp: Namespace, x: Array) -> Array:
    """``x`` in the dtype that it is added up in: float32 for half precision, else its own."""
    dtype = x.dtype
    return xp.astype(x, xp.float32) if _is_half(dtype.__class__, dtype) else x


@cache  # as above
def _is_half(kind: Any, dtype: Any) -> bool:
    return _name(kind, dtype) in HALVES


def as_wide_as(xp: Namespace, x: Array, model: Array) -> Array:
    """``x`` in the dtype of ``model``."""
    return x if x.dtype == model.dtype else xp.astype(x, model.dtype)


def integer_range(name: str) -> tuple[int, int]:
    """Smallest and largest number of an integer dtype."""
    bits = int(name.removeprefix("u").removeprefix("int"))
    return (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def holds(name: str, other: str) -> bool:
    """Does an integer dtype hold all numbers of another one, or True and False? Each dtype holds its own."""
    if name == other or (name in INTEGERS and other == "bool"):
        return True
    if not {name, other} <= set(INTEGERS):
        return False
    (low, high), (least, most) = integer_range(name), integer_range(other)
    return low <= least and most <= high


def parse(dtype: Any, where: str, floats_only: bool = False) -> str:
    """Name of a dtype given as a string, a Python type, or any library's dtype.

    ``int`` and ``float`` stay ``"int"`` and ``"float"``: whatever integer came, and the graph's float dtype.
    Raises SettingError for anything else.
    """
    python = PYTHON_TYPES.get(dtype) if isinstance(dtype, type) else None
    text = str(dtype if isinstance(dtype, str) else python or getattr(dtype, "__name__", dtype))
    name = text.strip().rpartition(".")[2]
    known = FLOATS if floats_only else ("int", "float", *FLOATS, *INTEGERS)
    if name not in known:
        raise SettingError(
            where, f"{text!r} is not a dtype it takes", f"it takes {', '.join(known)}", "Use one of these"
        )
    return name
