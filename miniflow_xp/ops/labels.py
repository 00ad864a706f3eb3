"""Integers that say which: labels of classes, and places in a table."""

from collections.abc import Sequence

from miniflow_xp.arrays.libraries import device_of
from miniflow_xp.backend import Array, Namespace


def is_label(xp: Namespace, labels: Array, logits: Array) -> Array:
    """True at each label, in the shape of the logits: one-hot rows."""
    labels = as_index(xp, labels)
    return xp.expand_dims(labels, axis=-1) == xp.arange(logits.shape[-1], dtype=labels.dtype, device=device_of(labels))


def as_index(xp: Namespace, labels: Array) -> Array:
    """Labels as the library's own integers: their dtype, such as int8, may be too narrow for the classes."""
    return xp.astype(labels, xp.arange(1, device=device_of(labels)).dtype, copy=False)


def like(xp: Namespace, numbers: Sequence[float], model: Array) -> Array:
    """Numbers as an array of the dtype of ``model``, where it is."""
    return xp.asarray(numbers, dtype=model.dtype, device=device_of(model))
