"""What the standard lacks and rules need: an array with elements replaced, or added to. Nothing is written in place.

With them ``x[key] = value`` and ``x[key]`` have gradients, each through the other.
"""

from typing import Any

from miniflow_xp.arrays.calls import apply
from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.namespace import Namespace
from miniflow_xp.arrays.tables import NATIVE, native

Key = Any


def call(xp: Any, op: str, *args: Any, **keywords: Any) -> Any:
    """Call a function by name on arrays of ``xp``, which is a library's namespace or ours."""
    if isinstance(xp, Namespace):
        return apply(op, xp, args, keywords)
    return NATIVE[op](xp, *args, **keywords)


def setitem(xp: Any, x: Any, key: Key, value: Any) -> Any:
    """A copy of x with ``value`` at ``key``, in the dtype of x."""
    return call(xp, "setitem", x, key, value)


def add_at(xp: Any, x: Any, key: Key, value: Any) -> Any:
    """A copy of x with ``value`` added at ``key``, as often as the key names a place."""
    return call(xp, "add_at", x, key, value)


@native("setitem")
def setitem_natively(xp: Any, x: Any, key: Key, value: Any) -> Any:
    """A copy of a library's array with ``value`` at ``key``."""
    name = name_of_library(xp)
    if name == "jax":
        return x.at[key].set(value)
    new = x.clone() if name == "torch" else xp.asarray(x, copy=True)
    if name == "array_api_strict" and hasattr(value, "dtype") and value.dtype != new.dtype:
        value = xp.astype(value, new.dtype)
    new[key] = value
    return new


@native("add_at")
def add_at_natively(xp: Any, x: Any, key: Key, value: Any) -> Any:
    """A copy of a library's array with ``value`` added at ``key``."""
    name = name_of_library(xp)
    if name == "jax":
        return x.at[key].add(value)
    if name == "torch":
        return torch_add_at(x, key, value)
    if name in ("numpy", "cupy"):
        import importlib

        new = x.copy()
        importlib.import_module(name).add.at(new, key, value)
        return new
    return portable_add_at(xp, x, key, value)


def torch_add_at(x: Any, key: Key, value: Any) -> Any:
    """By ``index_put``, whose key is made of arrays alone: places in the flat array stand for any other."""
    import torch

    keys = key if isinstance(key, tuple) else (key,)
    if all(isinstance(k, torch.Tensor) for k in keys):
        return torch.index_put(x, keys, value, accumulate=True)
    places = torch.arange(x.numel(), device=x.device).reshape(x.shape)[key]
    new = x.clone().reshape(-1)
    new.index_put_((places.reshape(-1),), value.expand(places.shape).reshape(-1), accumulate=True)
    return new.reshape(x.shape)


def portable_add_at(xp: Any, x: Any, key: Key, value: Any) -> Any:
    """By a product with one-hot rows, in functions of the standard alone."""
    count = 1
    for length in x.shape:
        count *= length
    grid = xp.reshape(xp.arange(count), x.shape)
    keys = key if isinstance(key, tuple) else (key,)
    arrays = [n for n, k in enumerate(keys) if hasattr(k, "dtype")]
    if len(arrays) == 1 and len(keys) > 1:  # one array among slices, which the standard leaves out
        axis = arrays[0] - (len(x.shape) if Ellipsis in keys[: arrays[0]] else 0)
        places = xp.take(grid, keys[arrays[0]], axis=axis)
    else:
        places = grid[key]
    places = xp.reshape(places, (-1,))
    hot = xp.astype(xp.expand_dims(places, axis=1) == xp.arange(count), x.dtype)
    spread = xp.reshape(xp.broadcast_to(value, grid[key].shape if len(arrays) != 1 else value.shape), (1, -1))
    return x + xp.reshape(xp.matmul(spread, hot), x.shape)
