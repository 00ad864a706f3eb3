"""Where PyTorch asks a traced array what to do with one of its functions."""

from collections.abc import Callable
from typing import Any

from miniflow_xp.arrays.calls import boxed
from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.protocols.entries import TORCH
from miniflow_xp.arrays.refusals import no_out, not_of_torch
from miniflow_xp.arrays.traced import Traced

PREFIXES = ("linalg_", "fft_", "special_")


def torch_function(cls: type, function: Any, types: Any, args: Any = (), keywords: Any = None) -> Any:
    """A function of PyTorch, or a method of its tensors, as ours of this name."""
    keywords = dict(keywords or {})
    name = name_of(function)
    xp = next(x.xp for x in (*traced(args), *traced(tuple(keywords.values()))))
    if (
        name.startswith("__set")
        or (name.endswith("_") and not name.endswith("__"))
        or keywords.pop("out", None) is not None
    ):
        raise no_out(f"torch.{name}")
    call = TORCH.get(name)
    if call is None:
        raise not_of_torch(name)
    constants = {key: constant(xp, value) for key, value in keywords.items()}
    return call(xp, *[constant(xp, item) for item in args], **constants)


def name_of(function: Any) -> str:
    """The name that a function has in our table: ``linalg.inv``, ``exp``."""
    name: str = function.__name__
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return f"{prefix[:-1]}.{name.removeprefix(prefix)}"
    return name.strip("_") if name.startswith("__") and not name.startswith("__set") else name


def traced(items: Any) -> list[Any]:
    """The traced arrays among arguments, and in lists of them."""
    found = []
    for item in items:
        if type(item) is Traced:
            found.append(item)
        elif isinstance(item, (list, tuple)):
            found += traced(item)
    return found


def constant(xp: Any, item: Any) -> Any:
    """An argument with tensors as constants; parameters of a model are that here, too."""
    if type(item) is Traced or not hasattr(item, "__class__"):
        return item
    if isinstance(item, (list, tuple)) and type(item) in (list, tuple):
        return type(item)([constant(xp, i) for i in item])
    return boxed(item.detach() if hasattr(item, "detach") else item, xp) if hasattr(item, "dtype") else item


def of_torch(name: str, otherwise: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A method of PyTorch's tensors; of other libraries' arrays it is another, or none."""
    call = TORCH[name]

    def method(self: Traced, *args: Any, **keywords: Any) -> Any:
        if name_of_library(self.xp.library) == "torch":
            return call(self.xp, self, *args, **keywords)
        if otherwise is None:
            raise AttributeError(f"an array of {name_of_library(self.xp.library)} has no method {name!r}")
        return otherwise(self, *args, **keywords)

    return method


METHODS_OF_TENSORS = """
    abs add amax amin bmm chunk clamp clone cos detach div double eq exp expand flatten float gather index_select log
    ge gt le lt ne view_as log_softmax logsumexp masked_fill matmul mm mul narrow neg norm permute pow relu rsqrt sigmoid sin softmax split
    sqrt square sub t tanh tril triu unbind unsqueeze view
"""
AS_THEIRS = "cumprod cumsum max min prod repeat sort std take transpose var nonzero argsort squeeze"
"""Methods of both libraries that mean something else in PyTorch, or take other arguments."""


def define_torch_protocol() -> None:
    """Give ``Traced`` what PyTorch asks for, and the methods of its tensors."""
    members: dict[str, Any] = {"__torch_function__": classmethod(torch_function)}
    for name in (METHODS_OF_TENSORS + AS_THEIRS).split():
        members[name] = of_torch(name, getattr(Traced, name, None))
    for name, member in members.items():
        setattr(Traced, name, member)
