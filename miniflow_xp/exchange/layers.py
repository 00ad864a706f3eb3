"""to_torch, to_jax: our functions and models where PyTorch or JAX expects its own, with our gradients."""

from collections.abc import Callable
from typing import Any

from miniflow_xp.backend import Backend
from miniflow_xp.errors import SettingError
from miniflow_xp.layers import Layer
from miniflow_xp.switch import Choice, load
from miniflow_xp.system.packages import needed
from miniflow_xp.transforms.pullback import check_function


def to_torch(function: Any, backend: Choice | None = None) -> Any:
    """A function of arrays as one of PyTorch's tensors, or a Layer as a ``torch.nn.Module``, with our gradients.

    ``backend``: where it runs, ``"numpy"`` for instance; without one, on PyTorch, where the tensors are. On the CPU,
    NumPy computes on the tensors' own memory. Arguments and results are tensors and trees of them; what else there is
    among the arguments is a constant. The gradients can be differentiated again, ``torch.func.grad`` and ``vmap``
    (one call after the other) go through it, ``torch.compile`` calls it as it is. The module has ``write_back()``,
    which brings what was trained into the layers. Raises FeedError, DtypeError, PackageMissingError.
    """
    needed("torch", "to_torch", "'miniflow_xp[torch]'")
    if isinstance(function, Layer):
        from miniflow_xp.exchange.torch_module import LayerModule

        return LayerModule(function, backend)
    check_function(function, "to_torch")
    from miniflow_xp.exchange.torch_function import torch_function

    return torch_function(function, chosen(backend))


def to_jax(
    function: Callable[..., Any], backend: Choice | None = None, like: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """A function of arrays as one of JAX's, a ``jax.custom_vjp`` with our gradients.

    ``backend``: where it runs, ``"numpy"`` for instance, by ``jax.pure_callback``; without one, in JAX itself. JAX has
    to know the shapes of results beforehand: the function is tried once on made-up numbers, or ``like``, of the same
    arguments, gives ``jax.ShapeDtypeStruct`` in the form of the results. It may stand in ``jax.jit``, ``grad`` of any
    order and ``vmap`` (one call after the other). Arguments and results are arrays and trees of them; what else there
    is among the arguments is a constant, and can be hashed. Raises FeedError, ShapeError, DtypeError,
    PackageMissingError.
    """
    needed("jax", "to_jax", "'miniflow_xp[jax]'")
    check_function(function, "to_jax")
    if like is not None:
        check_function(like, "to_jax, like")
    if isinstance(function, Layer):
        raise SettingError(
            "to_jax", f"it is given {function!r}", "it takes a function of arrays", "Write one, or export the model"
        )
    from miniflow_xp.exchange.jax_function import jax_function

    return jax_function(function, chosen(backend), like)


def chosen(choice: Choice | None) -> Backend | None:
    """The backend that is asked for, if one is."""
    return None if choice is None else load(choice)
