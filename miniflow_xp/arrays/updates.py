"""What the standard lacks and rules need: an array with elements replaced, or added to. Nothing is written in place.

With them ``x[key] = value`` and ``x[key]`` have gradients, each through the other.
"""

from math import prod
from typing import Any

from miniflow_xp.arrays.calls import apply, boxed, grounded
from miniflow_xp.arrays.keys import Key, forward, has_backward_step, is_integer, parts_of
from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.namespace import Namespace, namespace_of_library
from miniflow_xp.arrays.operators import function_of
from miniflow_xp.arrays.tables import COMPOSED, native
from miniflow_xp.dtypes import is_complex


def call(xp: Any, op: str, /, *args: Any, **keywords: Any) -> Any:
    """Call a function by name on arrays of ``xp``, which is a library's namespace or ours."""
    is_ours = isinstance(xp, Namespace)
    if op not in COMPOSED:
        return apply(op, xp, args, keywords) if is_ours else function_of(op, xp)(*args, **keywords)
    ours = xp if is_ours else namespace_of_library(xp)
    keywords = {name: boxed(item, ours) for name, item in keywords.items()}
    value = COMPOSED[op](ours, *[boxed(arg, ours) for arg in args], **keywords)
    return value if is_ours else grounded(value)


def getitem(xp: Any, x: Any, key: Key) -> Any:
    """x[key], also where the library itself has no such index."""
    return call(xp, "getitem", x, key)


def setitem(xp: Any, x: Any, key: Key, value: Any) -> Any:
    """A copy of x with ``value`` at ``key``, in the dtype of x."""
    return call(xp, "setitem", x, key, value)


def add_at(xp: Any, x: Any, key: Key, value: Any) -> Any:
    """A copy of x with ``value`` added at ``key``, as often as the key names a place."""
    return call(xp, "add_at", x, key, value)


@native("setitem")
def setitem_natively(xp: Any, x: Any, key: Key, value: Any, /) -> Any:
    """A copy of a library's array with ``value`` at ``key``."""
    name = name_of_library(xp)
    if name == "jax":
        return x.at[with_arrays(xp, key)].set(in_dtype(xp, value, x))
    if name == "torch":
        return of_forward_steps(torch_setitem, x, key, value)
    if name == "array_api_strict":
        value = in_dtype(xp, value, x)
        key, value = as_the_standard_has_it(xp, x, key, value)
    new = xp.asarray(x, copy=True)
    new[key] = value
    return new


@native("add_at")
def add_at_natively(xp: Any, x: Any, key: Key, value: Any, /) -> Any:
    """A copy of a library's array with ``value`` added at ``key``."""
    name = name_of_library(xp)
    if name == "jax":
        return x.at[with_arrays(xp, key)].add(in_dtype(xp, value, x))
    if name == "torch":
        return of_forward_steps(torch_add_at, x, key, value)
    if name in ("numpy", "cupy"):
        import importlib

        new, add = xp.asarray(x, copy=True), importlib.import_module(name).add
        if name == "cupy" and is_complex(x):  # its own takes real numbers alone
            value = in_dtype(xp, value, x)
            add.at(new.real, key, value.real)
            add.at(new.imag, key, value.imag)
        else:
            add.at(new, key, value)
        return new
    return portable_add_at(xp, x, key, in_dtype(xp, value, x))


def in_dtype(xp: Any, value: Any, x: Any) -> Any:
    """A value that is assigned to elements of x, in its dtype."""
    if not hasattr(value, "dtype"):
        return xp.asarray(value, dtype=x.dtype)
    return value if value.dtype == x.dtype else xp.astype(value, x.dtype)


def with_arrays(xp: Any, key: Key) -> Key:
    """An index with arrays in place of lists."""
    if isinstance(key, tuple):
        return tuple([with_arrays(xp, part) for part in key])
    return xp.asarray(key) if isinstance(key, list) else key


def of_forward_steps(update: Any, x: Any, key: Key, value: Any) -> Any:
    """An update of a PyTorch tensor, whose own slices only go forward: of the flipped one, where need be."""
    if not has_backward_step(key):
        return update(x, key, value)
    key, axes = forward(key, tuple(x.shape))
    return update(x.flip(axes), key, value).flip(axes)


def torch_setitem(x: Any, key: Key, value: Any) -> Any:
    """By assignment to a copy."""
    new = x.clone()
    new[key] = value
    return new


def torch_add_at(x: Any, key: Key, value: Any) -> Any:
    """By ``index_put``, whose key is made of arrays alone: places in the flat array stand for any other."""
    import torch

    value = torch.as_tensor(value, dtype=x.dtype, device=x.device)
    parts = parts_of(key)
    if parts and all(isinstance(k, torch.Tensor) for k in parts):
        return torch.index_put(x, parts, value, accumulate=True)
    places = torch.arange(x.numel(), device=x.device).reshape(x.shape)[key]
    new = x.clone().reshape(-1)
    new.index_put_((places.reshape(-1),), value.expand(places.shape).reshape(-1), accumulate=True)
    return new.reshape(x.shape)


def as_the_standard_has_it(xp: Any, x: Any, key: Key, value: Any) -> tuple[Key, Any]:
    """It has no None where it assigns, and no arrays without axes: the index without, and the value in that shape."""
    if isinstance(key, tuple):
        key = tuple([int(part) if is_integer(part) else part for part in key])
    elif is_integer(key):
        key = int(key)
    if all(part is not None for part in parts_of(key)):
        return key, value
    plain = tuple([part for part in parts_of(key) if part is not None])
    return plain, xp.reshape(xp.broadcast_to(value, x[key].shape), x[plain].shape)


def portable_add_at(xp: Any, x: Any, key: Key, value: Any) -> Any:
    """By a product with one-hot rows, in functions of the standard alone."""
    count = prod(x.shape)
    grid = xp.reshape(xp.arange(count), x.shape)
    places = taken_along_one_axis(xp, grid, key)
    if places is None:
        places = grid[key]
    spread = xp.reshape(xp.broadcast_to(value, places.shape), (1, -1))
    hot = xp.astype(xp.expand_dims(xp.reshape(places, (-1,)), axis=1) == xp.arange(count), x.dtype)
    return x + xp.reshape(xp.matmul(spread, hot), x.shape)


def taken_along_one_axis(xp: Any, x: Any, key: Key) -> Any:
    """x[:, …, integers, …, :] by ``take``, as the standard knows no such index; None for an index of another form."""
    parts = parts_of(key)
    arrays = [n for n, part in enumerate(parts) if hasattr(part, "dtype") and len(part.shape) == 1]
    others = [part for n, part in enumerate(parts) if n not in arrays]
    if len(arrays) != 1 or "bool" in str(parts[arrays[0]].dtype):
        return None
    if any(part is not Ellipsis and not (isinstance(part, slice) and part == slice(None)) for part in others):
        return None
    behind = Ellipsis in parts[: arrays[0]] if others else False
    return xp.take(x, parts[arrays[0]], axis=arrays[0] - len(parts) if behind else arrays[0])
