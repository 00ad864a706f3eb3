"""Which backend is in use: the switch between array libraries.

In order of precedence: ``use_backend`` (a ``with`` block), ``set_backend`` (the process), the environment variable
MINIFLOW_BACKEND, and ``numpy``. What cannot be used is an error; nothing ever falls back silently.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from miniflow_xp.backend import Array, Backend
from miniflow_xp.checks import shown
from miniflow_xp.errors import BackendError, MiniflowError, PackageMissingError, SettingError, UnknownBackendError
from miniflow_xp.system.packages import first_line

BUILT_IN = {
    "numpy": "miniflow_xp.backends.numpy.adapter:NumpyBackend",
    "cupy": "miniflow_xp.backends.cupy.adapter:CupyBackend",
    "torch": "miniflow_xp.backends.torch.adapter:TorchBackend",
    "jax": "miniflow_xp.backends.jax.adapter:JaxBackend",
    "strict": "miniflow_xp.backends.strict:StrictBackend",
}
INSTALL = {
    "numpy": "pip install numpy",
    "cupy": "pip install 'miniflow_xp[cupy13]' for CUDA 13, 'miniflow_xp[cupy12]' for CUDA 12",
    "torch": "pip install 'miniflow_xp[torch]'",
    "jax": "pip install 'miniflow_xp[jax]'",
    "strict": "pip install array-api-strict",
}
LIBRARIES = {"cupy": "cupy", "torch": "torch", "jax": "jax", "jaxlib": "jax", "array_api_strict": "strict"}
GPUS = ("cupy", "torch:cuda", "jax:gpu")  # what ``auto`` tries, in this order

Choice: TypeAlias = str | Backend
"""A backend, or the text that names one: ``name`` or ``name:device``."""


class Block:
    """An open ``use_backend`` block."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend


_blocks: ContextVar[tuple[Block, ...]] = ContextVar("miniflow_xp_blocks", default=())
_process: Backend | None = None


def get_backend() -> Backend:
    """The backend in use. Raises the BackendError that fits where the environment asks for one that cannot be used."""
    blocks = _blocks.get()
    return blocks[-1].backend if blocks else _process or from_environment()


def set_backend(choice: Choice, **options: Any) -> Backend:
    """Use a backend from now on, in every thread; ``use_backend`` blocks keep theirs. Nothing changes on an error.

    ``options`` are the backend's own: ``set_backend("torch", compile=True)`` has captured steps compiled by
    ``torch.compile``, or give a mode of it, such as ``compile="reduce-overhead"`` for CUDA graphs.
    """
    global _process
    _process = load(choice, **options)
    return _process


@contextmanager
def use_backend(choice: Choice, **options: Any) -> Iterator[Backend]:
    """Use a backend inside a ``with`` block; other threads and asyncio tasks are not affected.

    Blocks may be left in another order than the one they were entered in, as generators and ``ExitStack`` do: in use is
    the backend of the last one that is still open. Raises BackendError where a block is left in another thread or task.
    """
    block = Block(load(choice, **options))
    _blocks.set((*_blocks.get(), block))
    try:
        yield block.backend
    finally:
        leave(block)


def leave(block: Block) -> None:
    """Close a block, which may not be the last; raises BackendError where it was opened in another thread or task."""
    blocks = _blocks.get()
    if block not in blocks:
        raise BackendError(
            f"use_backend({block.backend.name!r})",
            "the block is left in another thread or asyncio task than it was entered in",
            "a block belongs to the one that enters it",
            "Leave it there: close generators, and exit stacks, where they began",
        )
    _blocks.set(tuple(b for b in blocks if b is not block))


def in_block() -> bool:
    """Is a ``use_backend`` block open here?"""
    return bool(_blocks.get())


def from_environment() -> Backend:
    """The backend that MINIFLOW_BACKEND names, else NumPy; read when first used, then kept."""
    global _process
    text = os.environ.get("MINIFLOW_BACKEND", "numpy")
    if not text.strip():
        raise SettingError(
            "MINIFLOW_BACKEND", "it is empty", "it holds name or name:device", "Unset it, or write numpy"
        )
    _process = load(text)
    return _process


def load(choice: Choice, **options: Any) -> Backend:
    """The backend of this name, device and options; the same object for the same ones."""
    if isinstance(choice, Backend):
        if options:
            raise SettingError(
                f"backend {choice!r}", f"options are given: {options}", "an object has its own", "Give them by name"
            )
        return choice
    if not isinstance(choice, str):
        raise SettingError(
            "backend",
            f"it is {choice!r}",
            "it is a name, name:device, or a Backend object",
            "Write 'numpy', for instance",
        )
    name, colon, device = choice.strip().partition(":")
    if not name:
        raise SettingError(f"backend {choice!r}", "it has no name", "it is name or name:device", "Write 'numpy'")
    if (colon and not device) or any(c.isspace() for c in device):
        raise SettingError(
            f"backend {choice!r}", "the device is malformed", "it is name or name:device", f"Write {name!r}"
        )
    if choice.strip() == "auto" and not options:
        return automatic()
    for option, value in options.items():
        if not isinstance(value, str | int | float | None):
            raise SettingError(
                f"backend {name!r}",
                f"{option} is {shown(value)}",
                "an option is text or a number",
                "Write True or a word",
            )
    return _load(name, device or None, *sorted(options.items()))


def check_name(choice: str) -> None:
    """Raise UnknownBackendError where no backend has the name that ``choice`` begins with."""
    name = choice.partition(":")[0]
    known = [*backend_classes(), "auto"]
    if name in known:
        return
    from difflib import get_close_matches  # here, as below: imports that few programs need and that take long

    close = get_close_matches(name, known, n=1)
    raise UnknownBackendError(
        f"backend {name!r}",
        "no backend has this name",
        f"there are {', '.join(known)}",
        f"Did you mean {close[0]!r}?" if close else "Choose one of these, or install the package that brings it",
    )


@cache
def _load(name: str, device: str | None, *options: tuple[str, Any]) -> Backend:
    check_name(name)
    backend_class = backend_classes()[name]
    module, _, attribute = backend_class.partition(":")
    with library_errors(name):
        try:
            found: type[Backend] = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            remedy = (
                f"Run: {INSTALL[name]}" if name in INSTALL else f"Look at the package that brings {backend_class!r}"
            )
            raise PackageMissingError(f"backend {name!r}", "it cannot be imported", str(error), remedy) from None
    for option, _ in options:
        if option not in found.options:
            listed = "; ".join(f"{k}: {v}" for k, v in found.options.items()) or "it has none"
            raise SettingError(f"backend {name!r}", f"it has no option {option!r}", listed, "Leave the option out")
    with library_errors(name):
        return found(device, **dict(options))


@contextmanager
def library_errors(name: str) -> Iterator[None]:
    """Inside, what a backend's library raises becomes a BackendError: others are to be found though one is broken."""
    try:
        yield
    except MiniflowError:
        raise
    except Exception as error:
        remedy = "Mend its installation, or what the environment tells it, or choose another backend"
        said = f"it says {first_line(error)}"
        raise BackendError(f"backend {name!r}", "its library cannot be used", said, remedy) from error


def backend_classes() -> dict[str, str]:
    """{name: "module:class"} of the built-in backends and those of installed packages; a built-in name stays ours."""
    from importlib.metadata import entry_points

    others = {entry.name: entry.value for entry in entry_points(group="miniflow_xp.backends")}
    return BUILT_IN | {name: value for name, value in others.items() if name not in BUILT_IN}


def automatic() -> Backend:
    """The first GPU that can be used, else NumPy on the CPU; says which."""
    for choice in (*GPUS, "numpy"):
        try:
            backend = load(choice)
            description = described(backend)
        except BackendError:
            continue
        import logging

        logging.getLogger("miniflow_xp").warning("backend auto: picked %s", description)
        return backend
    raise AssertionError("NumPy is a dependency of this package")


class Availability(NamedTuple):
    """Whether a backend can be used here.

    ``detail`` describes the library and its device, or says why it cannot be used; ``remedy`` what to do then.
    """

    name: str
    usable: bool
    detail: str
    remedy: str = ""


def available_backends() -> list[Availability]:
    """Tells for each known backend, on its usual device, whether it can be used here and, if not, why."""
    return [_availability(name) for name in backend_classes()]


def _availability(name: str) -> Availability:
    try:
        return Availability(name, True, described(load(name)))
    except MiniflowError as error:
        return Availability(name, False, f"{error.got}: {error.expected}", error.remedy)


def described(backend: Backend) -> str:
    """What the backend says of itself; raises BackendError where its library cannot say it."""
    with library_errors(backend.name):
        return backend.describe()


def to_numpy(array: Array) -> Array:
    """A backend's array as a NumPy array of the same shape and dtype; waits until its value is there.

    NumPy has no bfloat16: it becomes float32.

    ``array`` belongs to the backend in use, to any built-in one, or is what ``numpy.asarray`` takes.
    """
    backend = get_backend()
    return (backend if backend.owns(array) else load(library_name(array))).to_numpy(array)


def backend_of(arrays: Sequence[Array]) -> Backend:
    """The backend that arrays belong to: the one in use, else that of the first one's library and device."""
    backend = get_backend()
    if all(backend.owns(array) and backend.on_device(array) for array in arrays):
        return backend
    device = device_of(arrays[0])
    return load(library_name(arrays[0]) + (f":{device}" if device else ""))


def library_name(array: Array) -> str:
    """The name of the built-in backend that an array belongs to; NumPy's where there is none."""
    return LIBRARIES.get(type(array).__module__.partition(".")[0], "numpy")


def device_of(array: Array) -> str | None:
    """The device of an array as ``load`` takes it; None for a library that has but one."""
    library = library_name(array)
    if library == "torch":
        return str(array.device)
    if library == "cupy":
        return str(array.device.id)
    if library == "jax" and hasattr(array, "devices"):
        (device, *_) = array.devices()
        return f"{device.platform}:{device.id}"
    return None
