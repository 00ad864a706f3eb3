"""How PyTorch and Keras lay out the weights of each kind of layer, beside ours."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.layers import BatchNorm, Conv1D, Conv2D, Dense, Embedding, Layer, LayerNorm, MultiHeadAttention
from miniflow_xp.layers.attention import STEPS

Change = Callable[[Layer, Sequence[Array]], list[Array]]


class Item(NamedTuple):
    """One array of theirs: its ``name`` in the layer, the ``parts`` of ours that it holds, and both directions."""

    name: str
    parts: tuple[str, ...]
    theirs: Change
    ours: Change


def same(name: str, part: str) -> Item:
    """An array that is the same for both."""
    return Item(name, (part,), lambda _, arrays: list(arrays), lambda _, arrays: list(arrays))


def transposed(name: str, part: str) -> Item:
    """A matrix that is transposed: (outputs, inputs)."""
    return Item(name, (part,), lambda _, a: [a[0].T], lambda _, a: [a[0].T])


def moved(name: str, part: str, ours: int, theirs: int) -> Item:
    """An array with one axis elsewhere."""
    return Item(
        name,
        (part,),
        lambda _, a: [np.moveaxis(a[0], ours, theirs)],
        lambda _, a: [np.moveaxis(a[0], theirs, ours)],
    )


def joined(name: str, what: str) -> Item:
    """Those of query, key and value, one above the other; matrices are transposed."""
    return Item(
        name,
        tuple([f"{step} {what}" for step in STEPS[:3]]),
        lambda _, a: [np.concatenate([part.T for part in a])],
        lambda _, a: [part.T for part in np.split(a[0], 3)],
    )


def of_heads(name: str, step: str, what: str) -> Item:
    """Those of one step of attention, with an axis for the heads."""

    def theirs(layer: Layer, arrays: Sequence[Array]) -> list[Array]:
        assert isinstance(layer, MultiHeadAttention)
        width = (layer.heads, layer.units // layer.heads)
        if step == "output":
            return [arrays[0].reshape(*width, layer.units) if what == "weights" else arrays[0]]
        return [arrays[0].reshape(*arrays[0].shape[:-1], *width)]

    def ours(layer: Layer, arrays: Sequence[Array]) -> list[Array]:
        assert isinstance(layer, MultiHeadAttention)
        return [arrays[0].reshape((layer.units, layer.units) if what == "weights" else (layer.units,))]

    return Item(name, (f"{step} {what}",), theirs, ours)


Layouts = dict[type[Layer], tuple[Item, ...]]

_TORCH_CONVOLUTION = (moved("weight", "weights", -1, 0), same("bias", "biases"))
_KERAS_CONVOLUTION = (moved("vars/0", "weights", 0, -2), same("vars/1", "biases"))

TORCH: Layouts = {
    Dense: (transposed("weight", "weights"), same("bias", "biases")),
    Conv1D: _TORCH_CONVOLUTION,
    Conv2D: _TORCH_CONVOLUTION,
    LayerNorm: (same("weight", "scale"), same("bias", "shift")),
    BatchNorm: (
        same("weight", "scale"),
        same("bias", "shift"),
        same("running_mean", "mean"),
        same("running_var", "variance"),
    ),
    Embedding: (same("weight", "weights"),),
    MultiHeadAttention: (
        joined("in_proj_weight", "weights"),
        joined("in_proj_bias", "biases"),
        transposed("out_proj.weight", "output weights"),
        same("out_proj.bias", "output biases"),
    ),
}
KERAS: Layouts = {
    Dense: (same("vars/0", "weights"), same("vars/1", "biases")),
    Conv1D: _KERAS_CONVOLUTION,
    Conv2D: _KERAS_CONVOLUTION,
    LayerNorm: (same("vars/0", "scale"), same("vars/1", "shift")),
    BatchNorm: tuple([same(f"vars/{n}", part) for n, part in enumerate(("scale", "shift", "mean", "variance"))]),
    Embedding: (same("vars/0", "weights"),),
    MultiHeadAttention: tuple(
        [
            of_heads(f"{step}_dense/vars/{n}", step, what)
            for step in STEPS
            for n, what in enumerate(("weights", "biases"))
        ]
    ),
}
KERAS_NAMES: dict[type[Layer], str] = {
    Dense: "dense",
    Conv1D: "conv1d",
    Conv2D: "conv2d",
    LayerNorm: "layer_normalization",
    BatchNorm: "batch_normalization",
    Embedding: "embedding",
    MultiHeadAttention: "multi_head_attention",
}
