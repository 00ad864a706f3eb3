"""Array libraries: the namespace of an array, and what differs from one library to the next."""

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

from miniflow_xp.arrays.refusals import of_no_library


def library_of(array: Any) -> Any:
    """The Array API namespace of a library's array; raises DifferentiationError where it has none."""
    kind: Any = type(array)
    return _library_of_type(kind) or _found(array)


@cache
def _library_of_type(kind: type) -> Any:
    root = kind.__module__.partition(".")[0]
    if root == "numpy":
        return of_numpy()
    if root == "torch":
        import array_api_compat.torch as xp

        return xp
    return None


def of_numpy() -> Any:
    """The namespace of NumPy's arrays: array-api-compat's, in which some functions cost less; the backend has it."""
    return importlib.import_module("miniflow_xp.backends.numpy.namespace").xp  # by name, as backends stand above this


def in_own_form(library: Any) -> Any:
    """The namespace that is used for a library's: that of NumPy's arrays for array-api-compat's, else itself."""
    return of_numpy() if getattr(library, "__name__", "") == "array_api_compat.numpy" else library


def _found(array: Any) -> Any:
    from array_api_compat import array_namespace

    try:
        return array_namespace(array)
    except TypeError:
        raise of_no_library(type(array)) from None


@cache
def name_of_library(xp: Any) -> str:
    """``numpy``, ``cupy``, ``torch``, ``jax``, or the name of another library's namespace."""
    name = str(getattr(xp, "__name__", ""))
    parts = name.removeprefix("array_api_compat.").split(".")
    return parts[0]


def device_of(array: Any) -> Any:
    """The device that an array is on, traced or not."""
    from array_api_compat import device  # here: importing this package stays quick

    return device(array)


def share_memory(a: Any, b: Any) -> bool:
    """May a write to one of two arrays of a library change the other? Where nobody can tell: yes."""
    kind: Any = type(a)
    return _sharing(kind)(a, b)


@cache
def _sharing(kind: type) -> Callable[[Any, Any], bool]:
    """What tells of two arrays of a type whether they share memory."""
    root = kind.__module__.partition(".")[0]
    if root in ("numpy", "cupy"):
        found: Callable[[Any, Any], bool] = importlib.import_module(root).may_share_memory
        return found
    if root == "torch":
        return tensors_share_memory
    if root == "array_api_strict":
        return lambda a, b: share_memory(a._array, b._array)  # noqa: SLF001  NumPy's, of which nothing else can be asked
    changes = root not in ("jax", "jaxlib")  # whose arrays never do
    return lambda *_: changes


def lies_row_by_row(array: Any) -> bool:
    """Do the elements of a library's array follow one after the other in memory, the last axis first?"""
    root = type(array).__module__.partition(".")[0]
    if root in ("numpy", "cupy"):
        return bool(array.flags.c_contiguous)
    if root == "torch":
        return bool(array.is_contiguous())
    if root == "array_api_strict":
        return lies_row_by_row(array._array)  # noqa: SLF001  NumPy's, of which nothing else can be asked
    return True


def tensors_share_memory(a: Any, b: Any) -> bool:
    """Do two PyTorch tensors belong to one storage, and begin there before the other ends?"""
    if a.untyped_storage().data_ptr() != b.untyped_storage().data_ptr():
        return False
    (start, end), (other_start, other_end) = extent(a), extent(b)
    return start < other_end and other_start < end


def extent(tensor: Any) -> tuple[int, int]:
    """The bytes of its storage at which the elements of a PyTorch tensor begin and end."""
    size, start = tensor.element_size(), tensor.storage_offset()
    if not tensor.numel():
        return 0, 0
    last = sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride(), strict=True))
    return size * start, size * (start + last + 1)
