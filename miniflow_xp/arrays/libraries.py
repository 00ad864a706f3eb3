"""Array libraries: the namespace of an array, and what differs from one library to the next."""

from functools import cache
from typing import Any


def library_of(array: Any) -> Any:
    """The Array API namespace of a library's array; raises TypeError where it has none."""
    kind: Any = type(array)
    return _library_of_type(kind) or _found(array)


@cache
def _library_of_type(kind: type) -> Any:
    root = kind.__module__.partition(".")[0]
    if root == "numpy":
        import array_api_compat.numpy as xp

        return xp
    if root == "torch":
        import array_api_compat.torch as xp

        return xp
    return None


def _found(array: Any) -> Any:
    from array_api_compat import array_namespace

    return array_namespace(array)


@cache
def name_of_library(xp: Any) -> str:
    """``numpy``, ``cupy``, ``torch``, ``jax``, or the name of another library's namespace."""
    name = str(getattr(xp, "__name__", ""))
    parts = name.removeprefix("array_api_compat.").split(".")
    return parts[0]


class Places:
    """Where the elements of a PyTorch tensor are, on whatever device, in the form that NumPy can compare."""

    def __init__(self, tensor: Any) -> None:
        size = tensor.element_size()
        self.__array_interface__ = {
            "version": 3,
            "shape": tuple(tensor.shape),
            "strides": tuple([size * step for step in tensor.stride()]),
            "typestr": f"|V{size}",
            "data": (tensor.data_ptr(), True),
        }


def overlap(a: Any, b: Any) -> bool:
    """Have two arrays an element in common? Interleaved columns have none; where that takes long to tell: yes."""
    import numpy as np

    try:
        return np.shares_memory(a, b, max_work=1000)  # type: ignore[arg-type]  # NumPy types two of its numbers
    except np.exceptions.TooHardError:
        return True


def share_memory(a: Any, b: Any) -> bool:
    """May a write to one of two arrays of a library change the other? Where nobody can tell: yes."""
    root = type(a).__module__.partition(".")[0]
    if root == "cupy":
        import cupy

        return bool(cupy.may_share_memory(a, b))
    if root == "numpy":
        return overlap(a, b)
    if root == "torch":
        return bool(a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()) and overlap(Places(a), Places(b))
    if root == "array_api_strict":
        return share_memory(a._array, b._array)  # noqa: SLF001  NumPy's, of which nothing else can be asked
    return root not in ("jax", "jaxlib")  # whose arrays never change
