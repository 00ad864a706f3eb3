"""from_dlpack: an array of any library as one of the backend in use, on the same memory where that can be."""

from typing import Any

from miniflow_xp.arrays.libraries import library_of
from miniflow_xp.backend import Array, Backend
from miniflow_xp.checks import shown
from miniflow_xp.dtypes import name_of
from miniflow_xp.errors import (
    DifferentiationError,
    DtypeError,
    FeedError,
    MiniflowError,
    MixedBackendsError,
    SettingError,
)
from miniflow_xp.given import as_it_is, check_kind
from miniflow_xp.switch import get_backend, library_name, load
from miniflow_xp.system.packages import said_by

WHERE = "from_dlpack"
HOST = (1, 3, 11)  # DLPack's numbers for memory that the CPU reads: its own, and pinned by CUDA or ROCm
ON_HOST = ("numpy", "strict")


def from_dlpack(x: Any, *, copy: bool | None = None) -> Array:
    """``x``, an array of any library that has ``__dlpack__``, as an array of the backend in use.

    It shows the memory of ``x``: who writes to one sees it in the other. ``copy``: None for a copy where memory cannot
    be shared as it is (it may only be read, and PyTorch and CuPy heed no such mark; an order of elements that the
    library does not know), False for an error there, True for a copy in any case. Raises MixedBackendsError where the
    backend does not reach the device, DtypeError, FeedError, and what a traced array raises, whose gradient would be
    lost.
    """
    if copy is not None and type(copy) is not bool:
        raise SettingError(f"{WHERE}, copy", f"it is {shown(copy)}", "it is None, True or False", "Leave it out")
    backend = get_backend()
    check(x, backend)
    if backend.name == "torch" and library_name(x) in ON_HOST:
        x = shared(x, load("numpy"))  # which knows strides and what may be written to; PyTorch ends the process at some
    reason = obstacle(x, backend)
    if reason and copy is False:
        raise FeedError(WHERE, reason, f"{backend.name} cannot share such memory", "Leave copy=False out")
    if copy is None and not reason:
        try:
            return shared(x, backend)
        except FeedError:
            reason = "its memory is of a kind that cannot be shared"
    array = shared(own_copy(x) if reason or copy else x, backend)
    if library_name(x) == "jax" and (reason or copy):
        array = backend.xp.asarray(array, copy=True)  # JAX's copies may not be written to either
    return array


def check(x: Any, backend: Backend) -> None:
    """Raise FeedError, MixedBackendsError, DtypeError or DifferentiationError for what is not taken in any way."""
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise FeedError(
            WHERE,
            f"it is given a {type(x).__name__}",
            "it takes what has __dlpack__ and __dlpack_device__: arrays",
            "Give an array; lists and numbers are fed as they are",
        )
    check_kind(WHERE, x)
    if getattr(x, "requires_grad", False):
        raise DifferentiationError(
            WHERE,
            "PyTorch follows the tensor, and its gradient would be lost",
            "memory is handed over without gradients",
            "Write x.detach() where a constant is meant, or let to_torch(f) bring the gradients",
        )
    try:
        kind, number = (int(part) for part in x.__dlpack_device__())
    except (ValueError, TypeError, BufferError) as error:
        raise other_device(f"a device that DLPack does not know ({said_by(error)})", backend) from error
    if (backend.name in ON_HOST and kind not in HOST) or (backend.name == "cupy" and kind == HOST[0]):
        raise other_device(f"device {kind}:{number} of DLPack's list", backend)
    if hasattr(x, "dtype") and backend.storable(name := name_of(x)) != name:
        raise DtypeError(
            WHERE,
            f"it is {name}",
            f"{backend.name} would store {backend.storable(name)}",
            f"Convert it where it is, to {backend.storable(name)} for instance",
        )


def obstacle(x: Any, backend: Backend) -> str:
    """What the library would not refuse, though it cannot share it rightly; nothing where there is no such thing."""
    if backend.name not in ("torch", "cupy"):
        return ""
    if library_name(x) == "jax" or not getattr(getattr(x, "flags", None), "writeable", True):
        return "its memory may only be read"
    return "its elements lie in backward order" if min(getattr(x, "strides", None) or (0,)) < 0 else ""


def own_copy(x: Any) -> Any:
    """A copy of an array by its own library, in plain order; raises FeedError where that is not known."""
    try:
        return as_it_is(library_of(x).asarray(x, copy=True))
    except (TypeError, RuntimeError, ValueError) as error:
        raise FeedError(
            WHERE, f"it cannot be copied: {said_by(error)}", "it is a plain array", "Make one where it is"
        ) from error


def shared(x: Any, backend: Backend) -> Array:
    """The array on the memory of x; raises MixedBackendsError or FeedError."""
    try:
        array = backend.xp.from_dlpack(x)
    except MiniflowError:
        raise
    except (BufferError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise FeedError(
            WHERE,
            f"{type(x).__name__}, or {backend.name}, says {said_by(error)}",
            "its memory is handed over as it is",
            "Give a plain array of numbers",
        ) from error
    if not backend.on_device(array):
        raise other_device(str(array.device), backend)
    return array


def other_device(device: str, backend: Backend) -> MixedBackendsError:
    """The error for memory that the backend does not reach."""
    return MixedBackendsError(
        WHERE,
        f"it is given memory on {device}",
        f"the backend in use is {backend.name} on {backend.device}",
        "Move the array to that device, or choose the array's device as the backend's",
    )
