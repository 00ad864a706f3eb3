"""A tree of arrays as one vector, and back."""

from collections.abc import Callable, Mapping
from itertools import accumulate
from math import prod
from typing import Any

from miniflow_xp.arrays.namespace import functions_of
from miniflow_xp.autograd.core import as_vectors
from miniflow_xp.dtypes import is_complex
from miniflow_xp.transforms import trees

Unflatten = Callable[[Any], Any]


def flatten(value: Any) -> tuple[Any, Unflatten]:
    """(vector, unflatten): all numbers of a tree of arrays, and what puts such a vector into the tree's form.

    The entries of a dict come in the order of their sorted keys.
    """
    order = sorted_keys(value)
    leaves, build = trees.flatten(order)
    arrays = as_vectors(leaves)
    sizes = [prod(a.shape) for a in arrays]

    def unflatten(vector: Any) -> Any:
        xp = functions_of(vector)
        ends = list(accumulate(sizes))
        parts = [vector[end - size : end] for size, end in zip(sizes, ends, strict=True)]
        rows = [in_form_of(xp, part, a) for part, a in zip(parts, arrays, strict=True)]
        return in_order_of(value, build(iter(rows)))

    return joined(arrays), unflatten


def joined(arrays: Any) -> Any:
    """The numbers of all arrays, one after the other."""
    if not arrays:
        import numpy as np

        return np.zeros(0)
    traced = [a for a in arrays if hasattr(a, "xp")]
    xp = functions_of((traced or arrays)[0])
    return xp.concat([xp.reshape(a, (-1,)) for a in arrays])


def in_form_of(xp: Any, part: Any, array: Any) -> Any:
    """A part of a vector in the shape and dtype of an array."""
    part = xp.reshape(part, tuple(array.shape))
    if is_complex(part) and not is_complex(array):
        part = xp.real(part)
    return part if part.dtype == array.dtype else xp.astype(part, array.dtype)


def sorted_keys(tree: Any) -> Any:
    """The tree with each dict in the order of its keys."""
    if isinstance(tree, Mapping):
        return {key: sorted_keys(tree[key]) for key in sorted(tree)}
    if type(tree) in (list, tuple):
        return type(tree)(sorted_keys(item) for item in tree)
    return tree


def in_order_of(model: Any, tree: Any) -> Any:
    """A tree whose dicts are in the order of the model's, and of their classes."""
    if isinstance(model, Mapping):
        return trees.in_form_of(model, [in_order_of(model[key], tree[key]) for key in model])
    if type(model) in (list, tuple):
        return type(model)(in_order_of(m, t) for m, t in zip(model, tree, strict=True))
    return tree


def flatten_func(func: Callable[..., Any], example: Any) -> tuple[Callable[..., Any], Unflatten, Any]:
    """A function of trees as one of vectors, with what unflattens, and the example as a vector."""
    vector, unflatten = flatten(example)

    def flat(x: Any, *args: Any) -> Any:
        return flatten(func(unflatten(x), *args))[0]

    return flat, unflatten, vector
