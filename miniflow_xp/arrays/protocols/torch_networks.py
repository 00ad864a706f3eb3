"""``torch.nn.functional``: layers and losses."""

from math import inf, sqrt
from typing import Any

from miniflow_xp.arrays.protocols.arguments import in_kind, only
from miniflow_xp.arrays.protocols.tables import torch
from miniflow_xp.arrays.refusals import not_of_torch


def implied(x: Any, dim: int | None) -> int:
    """The axis of the classes; PyTorch's own choice where none is given."""
    return dim if dim is not None else 0 if len(x.shape) in (0, 1, 3) else 1


@torch("softmax")
def softmax(xp: Any, input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:  # noqa: A002
    return xp.special.softmax(in_kind(xp, input, dtype), axis=implied(input, dim))


@torch("log_softmax")
def log_softmax(xp: Any, input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:  # noqa: A002
    return xp.special.log_softmax(in_kind(xp, input, dtype), axis=implied(input, dim))


@torch("softmin")
def softmin(xp: Any, input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:  # noqa: A002
    return xp.special.softmax(-in_kind(xp, input, dtype), axis=implied(input, dim))


@torch("glu")
def glu(xp: Any, input: Any, dim: int = -1) -> Any:  # noqa: A002
    a, b = xp.array_split(input, 2, dim)
    return a * xp.special.expit(b)


@torch("linear")
def linear(xp: Any, input: Any, weight: Any, bias: Any = None) -> Any:  # noqa: A002
    product = xp.matmul(input, xp.matrix_transpose(weight) if len(weight.shape) == 2 else weight)
    return product if bias is None else product + bias


@torch("embedding")
def embedding(
    xp: Any,
    input: Any,  # noqa: A002
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    only("padding_idx", padding_idx, None)
    only("max_norm", max_norm, None)
    only("scale_grad_by_freq", scale_grad_by_freq, False)
    rows = xp.take(weight, xp.reshape(input, (-1,)), axis=0)
    return xp.reshape(rows, (*input.shape, *weight.shape[1:]))


@torch("dropout")
def dropout(xp: Any, input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:  # noqa: A002
    if training and p:
        raise not_of_torch("nn.functional.dropout, which draws random numbers,")
    return input


@torch("layer_norm")
def layer_norm(
    xp: Any,
    input: Any,  # noqa: A002
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-05,
) -> Any:
    axes = tuple(range(-len(tuple(normalized_shape)), 0))
    away = input - xp.mean(input, axis=axes, keepdims=True)
    found = away / xp.sqrt(xp.mean(away * away, axis=axes, keepdims=True) + eps)
    found = found if weight is None else found * weight
    return found if bias is None else found + bias


@torch("normalize")
def normalize(xp: Any, input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:  # noqa: A002
    return input / xp.clip(xp.linalg.vector_norm(input, axis=dim, keepdims=True, ord=p), eps, None)


@torch("cosine_similarity")
def cosine_similarity(xp: Any, x1: Any, x2: Any, dim: int = 1, eps: float = 1e-08) -> Any:
    sizes = [xp.clip(xp.linalg.vector_norm(x, axis=dim), eps, None) for x in (x1, x2)]
    return xp.sum(x1 * x2, axis=dim) / sizes[0] / sizes[1]


@torch("pad")
def pad(xp: Any, input: Any, pad: Any, mode: str = "constant", value: Any = 0.0) -> Any:  # noqa: A002
    """Widths of the last axis first."""
    pairs = [tuple(pad[n : n + 2]) for n in range(0, len(pad), 2)][::-1]
    widths = [(0, 0)] * (len(input.shape) - len(pairs)) + pairs
    names = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    only("mode", mode, *names)
    return xp.pad(input, widths, names[mode], **({"constant_values": value or 0.0} if mode == "constant" else {}))


@torch("scaled_dot_product_attention")
def scaled_dot_product_attention(
    xp: Any,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    dropout(xp, query, dropout_p)
    scores = xp.matmul(query, xp.matrix_transpose(key)) * (1 / sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = xp.tril(xp.ones(tuple(scores.shape[-2:]), dtype=query.dtype)) > 0
    if attn_mask is not None and "bool" in str(attn_mask.dtype):
        scores = xp.where(attn_mask, scores, xp.full_like(scores, -inf))
    elif attn_mask is not None:
        scores = scores + attn_mask
    return xp.matmul(xp.special.softmax(scores, axis=-1), value)


def reduced(xp: Any, losses: Any, reduction: str, *old: Any, shares: Any = None) -> Any:
    """Losses as they are, their sum, or their mean, by ``shares``; ``old``: arguments that PyTorch has given up."""
    for argument in old:
        only("size_average and reduce", argument, None)
    only("reduction", reduction, "none", "mean", "sum")
    if reduction == "none":
        return losses
    if reduction == "sum":
        return xp.sum(losses)
    return xp.mean(losses) if shares is None else xp.sum(losses) / xp.sum(shares)


@torch("mse_loss")
def mse_loss(
    xp: Any,
    input: Any,  # noqa: A002
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    only("weight", weight, None)
    away = input - target
    return reduced(xp, away * away, reduction, size_average, reduce)


@torch("l1_loss")
def l1_loss(
    xp: Any,
    input: Any,  # noqa: A002
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    only("weight", weight, None)
    return reduced(xp, xp.abs(input - target), reduction, size_average, reduce)


@torch("huber_loss")
def huber_loss(
    xp: Any,
    input: Any,  # noqa: A002
    target: Any,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Any = None,
) -> Any:
    only("weight", weight, None)
    away = xp.abs(input - target)
    return reduced(xp, xp.where(away < delta, 0.5 * away * away, delta * (away - 0.5 * delta)), reduction)


@torch("smooth_l1_loss")
def smooth_l1_loss(
    xp: Any,
    input: Any,  # noqa: A002
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    away = xp.abs(input - target)
    losses = xp.where(away < beta, 0.5 * away * away / beta, away - 0.5 * beta)
    return reduced(xp, losses, reduction, size_average, reduce)


@torch("binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(
    xp: Any,
    input: Any,  # noqa: A002
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    ones = target * xp.special.log_expit(input)
    ones = ones if pos_weight is None else ones * pos_weight
    losses = -(ones + (1 - target) * xp.special.log_expit(-input))
    return reduced(xp, losses if weight is None else losses * weight, reduction, size_average, reduce)


@torch("binary_cross_entropy")
def binary_cross_entropy(
    xp: Any,
    input: Any,  # noqa: A002
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """Logarithms are -100 at least, as PyTorch has it."""
    logs = [xp.clip(xp.log(p), -100.0, None) for p in (input, 1 - input)]
    losses = -(target * logs[0] + (1 - target) * logs[1])
    return reduced(xp, losses if weight is None else losses * weight, reduction, size_average, reduce)


@torch("nll_loss", "nll_loss_nd")
def nll_loss(
    xp: Any,
    input: Any,  # noqa: A002
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """Classes are the second axis, or the only one; the mean is that of the weights, too."""
    classes = min(1, len(input.shape) - 1)
    counts = target != ignore_index
    safe = xp.where(counts, target, xp.zeros_like(target))
    picked = xp.take_along_axis(input, xp.expand_dims(safe, axis=classes), axis=classes)
    shares = xp.astype(counts, input.dtype)
    if weight is not None:
        shares = shares * xp.reshape(xp.take(weight, xp.reshape(safe, (-1,))), tuple(safe.shape))
    losses = -xp.squeeze(picked, axis=classes) * shares
    return reduced(xp, losses, reduction, size_average, reduce, shares=shares)


@torch("cross_entropy")
def cross_entropy(
    xp: Any,
    input: Any,  # noqa: A002
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    only("label_smoothing", label_smoothing, 0.0)
    logs = xp.special.log_softmax(input, axis=min(1, len(input.shape) - 1))
    if tuple(target.shape) != tuple(input.shape):
        return nll_loss(xp, logs, target, weight, size_average, ignore_index, reduce, reduction)
    only("weight", weight, None)
    losses = -xp.sum(target * logs, axis=min(1, len(input.shape) - 1))
    return reduced(xp, losses, reduction, size_average, reduce)


@torch("kl_div")
def kl_div(
    xp: Any,
    input: Any,  # noqa: A002
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """The input holds logarithms."""
    losses = xp.exp(target) * (target - input) if log_target else xp.special.xlogy(target, target) - target * input
    if reduction == "batchmean":
        return reduced(xp, losses, "sum", size_average, reduce) / input.shape[0]
    return reduced(xp, losses, reduction, size_average, reduce)
