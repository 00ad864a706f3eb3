"""What kind of call an equation is, and whether a graph may hold it."""

from typing import Any

from miniflow_xp.backends.cupy.blas import DATA_TYPES
from miniflow_xp.backends.cupy.expressions import expression
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.walks import VIEWS

REDUCTIONS = ("sum", "mean", "max", "min", "prod", "any", "all")
SAFE = (*VIEWS, *REDUCTIONS, "astype", "item")
"""CuPy functions known to launch kernels only: no copy from the host, whose source a graph would read again later."""

MANY_ROWS = 512  # from here sums down the columns are a product with ones; ``verify-gpu`` measures both


def is_plain_product(value: Value) -> bool:
    """A product of floats of one dtype, which ``Gemm`` takes."""
    if value.op != "matmul" or value.keywords:
        return False
    a, b = value.parents
    return bool(a.dtype == b.dtype and a.dtype.name in DATA_TYPES)


def is_plain_sum(value: Value) -> bool:
    """A sum that has the dtype of what it sums."""
    return value.op == "sum" and set(value.keywords) <= {"axis", "keepdims"} and value.dtype == value.parents[0].dtype


def sums_many(value: Value) -> bool:
    """A sum down the columns of a matrix that has many rows."""
    if not is_plain_sum(value) or value.keywords.get("axis") not in (0, (0,)):
        return False
    (x,) = value.parents
    return len(x.shape) == 2 and x.shape[0] >= MANY_ROWS and x.dtype.name in DATA_TYPES


def is_own(value: Value) -> bool:
    """Does this value lie in memory that nothing else shows? Only of functions known here is that known."""
    return value.op in (*REDUCTIONS, "matmul", "concat") or expression(value) is not None


def may_be_shown(value: Value, reader: Value) -> bool:
    """May the result of ``reader`` show the memory of ``value``, without being known as a view?"""
    return value in reader.parents and not is_own(reader) and reader.op not in VIEWS


def why_unsafe(value: Value) -> str:
    """Why a call may not be captured; an empty text where it may."""
    if is_plain_product(value) or joins(value):
        return ""
    if value.op == "matmul":
        return "a product of integers, of complex numbers, or of mixed dtypes, is CuPy's, which refuses to be captured"
    if value.op == "getitem" and not is_slicing(value.inputs[1]):
        return "indexing with arrays may read from the host"
    return "" if value.op in SAFE else f"{value.op} is not known to be safe in a graph"


def is_slicing(key: Any) -> bool:
    """Is this index made of numbers, slices, None and Ellipsis only?"""
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in parts)


def joins_rows(value: Value) -> bool:
    """Is this a concatenation of one-dimensional arrays?"""
    return joins(value) and len(value.shape) == 1


def joins(value: Value) -> bool:
    """Is this a concatenation along an axis?"""
    given: Any = value.keywords.get("axis", 0)
    return value.op == "concat" and set(value.keywords) <= {"axis"} and len(value.inputs) == 1 and given is not None


def contents(value: Value) -> Value:
    """The value whose elements, in the same order, these are."""
    while value.op == "reshape":
        value = value.inputs[0]
    return value
