"""An array that a user gives, checked: what holds no plain numbers is refused, whatever door it comes in by."""

from functools import cache
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend
from miniflow_xp.errors import DtypeError, FeedError, MixedBackendsError


def as_array(where: object, value: Any, backend: Backend) -> Array:
    """``value`` as an array of the backend, or of NumPy where it still has to move there.

    ``where`` is what it is given to, a node for instance, for the errors. Raises FeedError, MixedBackendsError or
    DtypeError.
    """
    check_kind(where, value)
    if backend.owns(value):
        array = as_it_is(value)
        if not backend.on_device(array):
            raise MixedBackendsError(
                str(where),
                f"it was fed an array on {array.device}",
                f"the backend in use is {backend.name} on {backend.device}",
                "Move the array to that device, feed a NumPy array, or choose the array's device as the backend's",
            )
    elif of_another_library(value):
        raise MixedBackendsError(
            str(where),
            f"it was fed a {type(value).__module__.partition('.')[0]} array",
            f"the backend in use is {backend.name} on {backend.device}",
            "Feed NumPy arrays, arrays of this backend, or from_dlpack(array); or choose its library by set_backend",
        )
    else:
        array = host_array(where, value)
    check_contents(where, array)
    return array


def of_another_library(value: Any) -> bool:
    """Is this an array of a library other than NumPy? A node is no array, though it has a namespace."""
    from array_api_compat import is_array_api_obj, is_numpy_array  # here: importing this package stays quick

    return bool(is_array_api_obj(value) and not is_numpy_array(value) and not hasattr(value, "inbound_nodes"))


def host_array(where: object, value: Any) -> Array:
    """``value``, a NumPy array or what NumPy makes one from, as a NumPy array of numbers; raises FeedError.

    Of an array of another library, which has ``__dlpack__``, it shows the memory.
    """
    import numpy as np  # here, so that importing this package imports no array library

    check_kind(where, value)
    try:
        array = np.from_dlpack(value) if hands_memory_over(value) else np.asarray(value)
    except (ValueError, TypeError, OverflowError, BufferError, RuntimeError) as error:
        raise FeedError(
            str(where),
            f"it was fed a {type(value).__name__} that is no array ({error})",
            "rows need equal lengths",
            "Pad or cut the rows",
        ) from None
    return as_it_is(array)


def host_numbers(where: object, value: Any) -> Array:
    """``host_array`` of real numbers, one at least; raises FeedError or DtypeError."""
    array = host_array(where, value)
    check_contents(where, array)
    return array


def hands_memory_over(value: Any) -> bool:
    """Is this an array of a library that we do not know, which shares its memory by DLPack?"""
    return hasattr(value, "__dlpack__") and not hasattr(value, "__array__")


def as_it_is(array: Array) -> Array:
    """A NumPy array in this machine's byte order, which alone every library reads; any other array as it is."""
    import numpy as np

    if isinstance(array, np.ndarray) and not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return array


def check_kind(where: object, value: Any) -> None:
    """Refuse what computes otherwise than an array: masked ones, alone or in a list, ``numpy.matrix``, sparse ones."""
    kind: Any = type(value)
    wrong = wrong_with(kind)
    if wrong is None and isinstance(value, (list, tuple)):
        kinds: Any = map(type, value)
        wrong = MASKED if MASKED in map(wrong_with, kinds) else None
    if wrong is not None:
        raise FeedError(str(where), *wrong)


MASKED = (
    "it was fed a masked array",
    "what is masked would be taken for data",
    "Leave these rows out, or fill them by array.filled(number)",
)
PART = (
    "it was fed a DTensor",
    "each process has a part of it, and a step would take that for the whole",
    "Feed its local tensor, and let processes train together: Trainer(..., across=join('torch'))",
)
MATRIX = (
    "it was fed a numpy.matrix",
    "its * is a product of matrices, that of an array goes element by element",
    "Give an array: numpy.asarray(matrix)",
)
SPARSE = (
    "it was fed a sparse array",
    "what it computes with an array is another library's, and has no gradient",
    'Give an array: sparse.toarray(); its product, sparse @ x, has a gradient by miniflow_xp.scipy.rules("sparse")',
)


@cache
def wrong_with(kind: type) -> tuple[str, str, str] | None:
    """Why objects of a class compute otherwise than arrays: what came, what that would do, the remedy."""
    import numpy as np

    if issubclass(kind, np.ma.MaskedArray):
        return MASKED
    if kind.__name__ == "DTensor":
        return PART
    if str(kind.__module__).startswith("scipy.sparse."):
        return SPARSE
    return MATRIX if issubclass(kind, np.matrix) else None


def check_contents(where: object, array: Array) -> None:
    """Refuse complex and empty arrays, and what holds no numbers."""
    name = dtypes.name_of(array)
    if name not in (*dtypes.FLOATS, *dtypes.INTEGERS, "bool") and not name.startswith("complex"):
        raise FeedError(
            str(where),
            f"it was fed data of dtype {name}",
            "a feed holds numbers of a dtype that the Array API standard has",
            "Convert it, for instance by numpy.asarray(data, dtype=float), and encode text as numbers",
        )
    if name.startswith("complex"):
        raise DtypeError(
            str(where),
            f"it was fed {name} data",
            "gradients are of real numbers",
            "Feed real and imaginary parts apart",
        )
    if 0 in array.shape:
        raise FeedError(
            str(where),
            f"it was fed an array of shape {tuple(array.shape)}",
            "an empty batch has no cost",
            "Leave the batch out",
        )
