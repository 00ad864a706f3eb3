"""What a backend must provide: the small adapter that binds an array library and a device.

A new backend is one subclass of about thirty lines; CONTRIBUTING.md has a worked example. Third parties register
theirs under the entry-point group ``miniflow_xp.backends``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Protocol, TypeAlias

from miniflow_xp.errors import DeviceNumberError

Array: TypeAlias = Any
"""An array of any library that follows the Array API standard. Python cannot name this type yet."""

Namespace: TypeAlias = Any
"""An Array API namespace: the module that holds ``exp``, ``matmul`` and their like."""

AS_IT_IS: AbstractContextManager[Any] = nullcontext()
"""What a pass runs in where the library needs nothing."""


class Capture(Protocol):
    """A step, ``function(xp, *state, *arrays)``, to be run again and again; it returns the new state, then results.

    The state is kept here.
    """

    how: str
    """What was done, in words."""

    equations: Mapping[str, int] | None = None
    """{function: how many equations of it are run}, where the capture can tell."""

    why_plain: str = ""
    """Why nothing is captured and its calls are made one by one; an empty text where it is captured."""

    def __call__(self, *arrays: Array) -> Sequence[Array]:
        """Run once, on the arrays that are not state; returns the results that are not."""

    def read(self, number: int) -> Array:
        """A state by number, as an array that later calls leave alone."""

    def write(self, number: int, array: Array) -> None:
        """Replace a state."""


class PlainCapture(Capture):
    """A step that is run by calling its function; ``why_plain``: why a backend that could record it does not."""

    how = "the plain loop, nothing is captured"
    why_plain = "this backend captures nothing"

    def __init__(
        self,
        backend: "Backend",
        function: Callable[..., Sequence[Array]],
        arrays: Sequence[Array],
        state: int,
        why_plain: str = "",
    ) -> None:
        if why_plain:
            self.why_plain = why_plain
            self.how = f"the plain loop, because {why_plain}"
        self.backend = backend
        self.function = function
        with backend.activate():
            function(backend.xp, *arrays)  # what is wrong shows here, not at the first call
        self._state = list(arrays[:state])

    def __call__(self, *arrays: Array) -> Sequence[Array]:
        with self.backend.activate():
            results = self.function(self.backend.xp, *self._state, *arrays)
        count = len(self._state)
        self._state = list(results[:count])
        return results[count:]

    def read(self, number: int) -> Array:
        return self._state[number]

    def write(self, number: int, array: Array) -> None:
        self._state[number] = array


class Dispatch(Protocol):
    """What finds the capture of a function without state by its arguments, sooner than their signature can be read."""

    def __call__(self, arrays: Sequence[Array]) -> tuple[bool, Any]:
        """Is there one, and its result; any arrays may be given, in the form of those that were added."""

    def add(
        self, arrays: Sequence[Array], capture: Capture, build: Callable[[Iterator[Array]], Any]
    ) -> tuple[bool, Any]:
        """Could a capture for such arrays be taken up, and what ``build`` makes of its results."""


class Uploader:
    """Start copies of host arrays to the device before they are needed; ``prefetched`` uses it.

    The default is a call of ``asarray``: enough for a library whose copies return at once and overlap with what the
    device computes.
    """

    def __init__(self, backend: "Backend") -> None:
        self.backend = backend

    def start(self, arrays: Sequence[Array], names: Sequence[str]) -> Any:
        """Start to copy NumPy arrays, in dtypes by name; the arrays may be changed as soon as this returns."""
        return [self.backend.asarray(array.copy(), name) for array, name in zip(arrays, names, strict=True)]

    def finish(self, started: Any) -> Sequence[Array]:
        """What ``start`` began, as arrays on the device: work submitted from now on runs after the copies."""
        found: Sequence[Array] = started
        return found

    def close(self) -> None:
        """Leave nothing running; arrays that ``finish`` returned stay valid."""


class Backend(ABC):
    """An array library bound to a device.

    ``device`` is the text after the colon of ``name:device``, or None for the library's usual device. A subclass
    imports its library in ``__init__``, raises the BackendError that fits when the device cannot be used, and sets
    ``xp``.
    """

    name: ClassVar[str]
    """The name it is chosen by."""

    array_type: type | tuple[type, ...]
    """The class of its arrays."""

    xp: Namespace
    """The namespace that rules are handed."""

    device: str
    """The device in words: ``cpu``, ``cuda:0``."""

    default_float: str = "float64"
    """Dtype of data that brings none of its own: Python numbers, integers."""

    processes: int = 1
    """How many processes its arrays are spread over."""

    options: ClassVar[Mapping[str, str]] = {}
    """{keyword that ``__init__`` takes besides ``device``: what it does}, for ``set_backend(choice, keyword=…)``."""

    def __init__(self, device: str | None = None) -> None:
        self.device = self.only_cpu(device)

    @abstractmethod
    def asarray(self, host: Array, dtype: str | None = None) -> Array:
        """``host``, a NumPy array or one of this backend's, as an array on this device; ``dtype`` by name."""

    @abstractmethod
    def to_numpy(self, array: Array) -> Array:
        """``array`` as a NumPy array of the same shape and dtype; waits until its value is there."""

    def fetch(self, arrays: Sequence[Array]) -> list[Array]:
        """Copy arrays of one shape and dtype to the host, in as few transfers as possible."""
        return [self.to_numpy(array) for array in arrays]

    def owns(self, value: object) -> bool:
        """Is ``value`` an array of this library, on whatever device?"""
        return isinstance(value, self.array_type)

    def on_device(self, array: Array) -> bool:  # noqa: ARG002  a library with one device has nothing to look at
        """Does an array of this library lie on this device?"""
        return True

    def place(self, value: object) -> Hashable:  # noqa: ARG002  as above
        """Where ``value``, whatever it is, lies: a capture depends on it, so that it is compared at every call.

        Raises FollowedError for an array that its library follows, where a capture would lose that.
        """
        return None

    def follows(self, array: Array) -> bool:  # noqa: ARG002  as above
        """Does an array stand for others in a transform of its library's own, as in ``jax.grad`` or ``torch.func``?"""
        return False

    def storable(self, dtype: str) -> str:
        """The dtype in which data of ``dtype`` would be stored; another one means a downcast."""
        return dtype

    def synchronize(self) -> None:  # noqa: B027  on the CPU there is nothing to wait for
        """Wait until all work submitted to the device is done."""

    def activate(self) -> AbstractContextManager[Any]:
        """The context that a pass runs in: a current device, gradient recording switched off."""
        return AS_IT_IS

    flat_state: bool = False
    """Does a step that updates many parameters run quicker when they lie in one flat array?"""

    def capture(self, function: Callable[..., Sequence[Array]], arrays: Sequence[Array], state: int) -> Capture:
        """A Capture of ``function(xp, *arrays)`` for such arrays; the first ``state`` of them are its state."""
        return PlainCapture(self, function, arrays, state)

    def dispatch(self) -> Dispatch | None:
        """A new Dispatch; None where the library finds nothing by itself."""
        return None

    def uploader(self, depth: int) -> Uploader | None:  # noqa: ARG002  the CPU has nothing to upload
        """An Uploader for ``depth`` steps ahead; None where nothing is gained."""
        return None

    def describe(self) -> str:
        """Library, version and device in words, for people."""
        return f"{self.name} on {self.device}"

    def __repr__(self) -> str:
        return f"<backend {self.name}:{self.device}>"

    def only_cpu(self, device: str | None) -> str:
        """Check the device of a library that has none but the CPU; raises DeviceNumberError."""
        if device not in (None, "cpu"):
            raise DeviceNumberError(
                f"backend {self.name!r}",
                f"device {device!r} was asked for",
                "this backend has no device but the CPU",
                f"Write {self.name!r} without a device, or choose cupy, torch:cuda or jax:gpu",
            )
        return "cpu"
