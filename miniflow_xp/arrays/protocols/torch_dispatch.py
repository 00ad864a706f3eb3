"""Where PyTorch asks a traced array what to do with one of its functions."""

from collections.abc import Callable
from typing import Any

from miniflow_xp.arrays.calls import boxed, leaves
from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.refusals import mixed_libraries, no_out, not_of_torch
from miniflow_xp.arrays.traced import Traced, ground

PREFIXES = ("linalg_", "fft_", "special_")


def torch_function(cls: type, function: Any, types: Any, args: Any = (), keywords: Any = None) -> Any:
    """A function of PyTorch, or a method of its tensors, as ours of this name."""
    keywords = dict(keywords or {})
    name = name_of(function)
    xp = leaves([*args, *keywords.values()])[0].xp
    if (
        name.startswith("__set")
        or (name.endswith("_") and not name.endswith("__"))
        or keywords.pop("out", None) is not None
    ):
        raise no_out(f"torch.{name}")
    call = table().get(name)
    if call is None:
        raise not_of_torch(name)
    constants = {key: constant(xp, value) for key, value in of_pytorch(keywords).items()}
    return call(xp, *[constant(xp, item) for item in args], **constants)


def table() -> dict[str, Callable[..., Any]]:
    """The functions that are known; they are entered when the first is asked for."""
    from miniflow_xp.arrays.protocols.torch_entries import TORCH

    return TORCH


NAMES = {"axis": "dim", "keepdims": "keepdim"}
"""NumPy's names of arguments, which PyTorch takes as well, and its own."""


def of_pytorch(keywords: dict[str, Any]) -> dict[str, Any]:
    """Keywords by the names of PyTorch."""
    return {NAMES.get(name, name): value for name, value in keywords.items()}


def name_of(function: Any) -> str:
    """The name that a function has in our table: ``linalg.inv``, ``exp``."""
    name: str = function.__name__
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return f"{prefix[:-1]}.{name.removeprefix(prefix)}"
    return name.strip("_") if name.startswith("__") and not name.startswith("__set") else name


def constant(xp: Any, item: Any) -> Any:
    """An argument with tensors as constants, as parameters of a model are here, too. Raises beside another library."""
    if type(item) in (list, tuple):
        return type(item)([constant(xp, i) for i in item])
    if type(item) is Traced or not hasattr(item, "dtype"):
        return item
    if not hasattr(item, "detach"):
        return boxed(item, xp)
    library = name_of_library(xp.library)
    if library != "torch":
        raise mixed_libraries("a function of PyTorch", [library, "torch"])
    return boxed(item.detach(), xp)


def either(name: str) -> Callable[..., Any]:
    """A method that means something else in PyTorch than in NumPy, or takes other arguments: that of the library."""
    of_others = getattr(Traced, name)

    def method(self: Traced, *args: Any, **keywords: Any) -> Any:
        if name_of_library(self.xp.library) == "torch":
            return table()[name](self.xp, self, *args, **of_pytorch(keywords))
        return of_others(self, *args, **keywords)

    return method


def of_tensors(self: Traced, name: str) -> Any:
    """A method that PyTorch's tensors alone have: its function of this name."""
    named = not name.startswith("_") and "." not in name and name not in Traced.__slots__
    if named and name_of_library(self.xp.library) == "torch":
        if name in table():
            return lambda *args, **keywords: table()[name](self.xp, self, *args, **of_pytorch(keywords))
        if name.removesuffix("_") in table() and hasattr(ground(self), name):
            return in_place(self, name.removesuffix("_"))
    raise AttributeError(f"a traced array has no attribute {name!r}")


def in_place(self: Any, name: str) -> Callable[..., Any]:
    """The function of this name as a method that writes its result into the tensor, and gives that."""

    def method(*args: Any, **keywords: Any) -> Any:
        self[...] = table()[name](self.xp, self, *args, **of_pytorch(keywords))
        return self

    return method


IN_BOTH = """
    argsort clip cumprod cumsum diagonal flatten max min nonzero prod repeat reshape round sort squeeze std sum take
    transpose var view
"""


def define_torch_protocol() -> None:
    """Give ``Traced`` what PyTorch asks for, and the methods of its tensors."""
    members: dict[str, Any] = {
        "__torch_function__": classmethod(torch_function),
        "__getattr__": of_tensors,
        **{name: either(name) for name in IN_BOTH.split() if hasattr(Traced, name)},
    }
    for name, member in members.items():
        setattr(Traced, name, member)
