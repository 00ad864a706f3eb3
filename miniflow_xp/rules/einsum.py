"""einsum: sums of products, as the labels of axes say. The gradient of each operand is an einsum of all the others."""

from typing import Any

from miniflow_xp.arrays.libraries import device_of, name_of_library
from miniflow_xp.arrays.subscripts import Subscripts, parsed
from miniflow_xp.arrays.tables import native, rule
from miniflow_xp.arrays.updates import call
from miniflow_xp.rules.algebra import conj


@rule("einsum")
def _einsum(xp: Any, g: Any, y: Any, subscripts: str, *operands: Any) -> Any:
    labels = parsed(subscripts, [len(x.shape) for x in operands])
    return None, *[lambda n=n: gradient(xp, g, labels, n, operands) for n in range(len(operands))]


def gradient(xp: Any, g: Any, labels: Subscripts, number: int, operands: Any) -> Any:
    """The gradient of one operand: ḡ and the others, summed to the labels of this one.

    A label that only this operand has was summed over: the gradient is the same along it. Of a label that it has twice
    only the diagonal was read: the gradient is 0 elsewhere.
    """
    x, own = operands[number], labels.operands[number]
    others = [n for n in range(len(operands)) if n != number]
    terms = [labels.result, *[labels.operands[n] for n in others]]
    known = "".join([label for label in dict.fromkeys(own) if any(label in term for term in terms)])
    back = call(xp, "einsum", str(Subscripts(tuple(terms), known)), g, *[conj(xp, operands[n]) for n in others])
    sizes = dict(zip(known, back.shape, strict=True))
    first = [own.index(label) == axis for axis, label in enumerate(own)]
    back = xp.reshape(back, tuple([sizes.get(label, 1) if here else 1 for label, here in zip(own, first, strict=True)]))
    spread = tuple([max(size, have) for size, have in zip(x.shape, back.shape, strict=True)])
    back = xp.broadcast_to(back, spread if 0 not in x.shape else tuple(x.shape))
    return back if all(first) else back * on_diagonals(xp, x, own)


def on_diagonals(xp: Any, x: Any, own: str) -> Any:
    """Ones where axes of one label have one index, and zeros elsewhere, in the shape of x."""
    mask = xp.ones_like(x)
    for axis, label in enumerate(own):
        before = own.index(label)
        if before != axis:
            pair = xp.moveaxis(mask, (before, axis), (-2, -1))
            mask = xp.moveaxis(xp.tril(xp.triu(pair)), (-2, -1), (before, axis))
    return mask


@native("einsum")
def einsum(xp: Any, subscripts: str, /, *operands: Any) -> Any:
    """Sums of products of elements, as NumPy's: ``einsum("ij,jk->ik", a, b)``; with ``...``, and without ``->``.

    It always gives a new array. Raises ShapeError where subscripts and operands do not fit.
    """
    labels = parsed(subscripts, [len(x.shape) for x in operands])
    name = name_of_library(xp)
    if name in ("numpy", "cupy"):
        found = xp.einsum(str(labels), *operands, optimize=len(operands) > 1)
        return xp.asarray(found, copy=True) if len(operands) == 1 else found
    if name == "torch":
        found = xp.einsum(str(labels), *operands)
        return found.clone() if len(operands) == 1 else found
    if name == "jax":
        return xp.einsum(str(labels), *operands)
    return by_pairs(xp, labels, operands)


def by_pairs(xp: Any, labels: Subscripts, operands: Any) -> Any:
    """In functions of the standard: operand by operand, each label summed over when nobody needs it further on."""
    have, result = "", xp.ones((), dtype=operands[0].dtype, device=device_of(operands[0]))
    for n, (term, x) in enumerate(zip(labels.operands, operands, strict=True)):
        if len(set(term)) < len(term):
            x = x * on_diagonals(xp, x, term)
            again = tuple([axis for axis, label in enumerate(term) if term.index(label) != axis])
            x, term = xp.sum(x, axis=again), "".join(dict.fromkeys(term))
        every = have + "".join([label for label in term if label not in have])
        result = aligned(xp, result, have, every) * aligned(xp, x, term, every)
        later = labels.result + "".join(labels.operands[n + 1 :])
        done = tuple([axis for axis, label in enumerate(every) if label not in later])
        result = xp.sum(result, axis=done, dtype=result.dtype)
        have = "".join([label for label in every if label in later])
    return xp.permute_dims(result, tuple([have.index(label) for label in labels.result])) if have else result


def aligned(xp: Any, x: Any, term: str, every: str) -> Any:
    """x with its axes in the order of ``every``, and axes of one element for labels that it has not."""
    order = [label for label in every if label in term]
    x = xp.permute_dims(x, tuple([term.index(label) for label in order])) if order else x
    sizes = dict(zip(order, x.shape, strict=True))
    return xp.reshape(x, tuple([sizes.get(label, 1) for label in every]))
