"""Convolution over chosen axes, with sums over others, as HIPS/autograd generalises ``scipy.signal.convolve``."""

from collections.abc import Sequence
from math import prod
from string import ascii_letters
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.protocols.selecting import sliding_window_view
from miniflow_xp.autograd.numpy.dispatch import like_given, namespace_among
from miniflow_xp.errors import SettingError, ShapeError

MODES = ("full", "valid", "same")

Axes = Sequence[Sequence[int]]


def convolve(A: Any, B: Any, axes: Axes | None = None, dot_axes: Axes = ((), ()), mode: str = "full") -> Any:
    """A convolved with B along ``axes`` (those of A, those of B; all of them, if None), summed over ``dot_axes``.

    ``mode``: ``full``; ``valid``, where both overlap; ``same``, as long as A. The result has the other axes of A,
    those of B, then the convolved ones. Raises ShapeError or SettingError.
    """
    if mode not in MODES:
        raise SettingError("convolve", f"mode is {mode!r}", f"it is one of {', '.join(MODES)}", "Choose one")
    xp = namespace_among([A, B])
    a, b = xp.asarray(A), xp.asarray(B)
    found = convolved(xp, a, b, axes or (range(a.ndim), range(b.ndim)), dot_axes, mode)
    return like_given(found, [A, B])


def convolved(xp: Any, a: Any, b: Any, axes: Axes, dot_axes: Axes, mode: str) -> Any:
    """The convolution of arrays of one namespace: windows of one of them times the other, which is turned round."""
    axes = [[counted(n, a.ndim) for n in axes[0]], [counted(n, b.ndim) for n in axes[1]]]
    sizes = [(a.shape[n], b.shape[m]) for n, m in zip(*axes, strict=True)]
    swap = b_is_the_image(sizes, mode)
    terms_a, terms_b, result = subscripts(a.ndim, b.ndim, axes, dot_axes, swap)
    image, kernel = (b, a) if swap else (a, b)
    along, across = (axes[1], axes[0]) if swap else (axes[0], axes[1])
    for n, m in zip(along, across, strict=True):
        image = windows(xp, image, n, kernel.shape[m], mode)
    kernel = xp.flip(kernel, axis=tuple(across)) if across else kernel
    operands = (kernel, image) if swap else (image, kernel)
    return xp.einsum(f"{terms_a},{terms_b}->{result}", *operands)


def b_is_the_image(sizes: Sequence[tuple[int, int]], mode: str) -> bool:
    """Are windows taken of B, as the larger? Raises ShapeError where neither is larger on all axes."""
    if mode != "valid":
        return mode == "full" and prod(b for _, b in sizes) > prod(a for a, _ in sizes)
    if all(a >= b for a, b in sizes):
        return False
    if all(b >= a for a, b in sizes):
        return True
    raise ShapeError(
        "convolve",
        f"the convolved axes of A have {[a for a, _ in sizes]} elements, those of B {[b for _, b in sizes]}",
        "in mode 'valid' one array is at least as large on all of these",
        "Choose mode 'full' or 'same'",
    )


def windows(xp: Any, image: Any, axis: int, length: int, mode: str) -> Any:
    """The windows of an axis, as one more axis at the end of the array; ``axis`` counts them."""
    before = {"full": length - 1, "same": length - 1 - (length - 1) // 2, "valid": 0}[mode]
    after = {"full": length - 1, "same": (length - 1) // 2, "valid": 0}[mode]
    width = [(0, 0)] * image.ndim
    width[axis] = (before, after)
    padded = xp.pad(image, width) if before or after else image
    return sliding_window_view(xp, padded, length, axis)


def subscripts(ndim_a: int, ndim_b: int, axes: Axes, dot_axes: Axes, swap: bool) -> tuple[str, str, str]:
    """The subscripts of both operands and of the result; what has the windows has a letter more for each."""
    letters = iter(ascii_letters)
    a = [next(letters) for _ in range(ndim_a)]
    b = [next(letters) for _ in range(ndim_b)]
    for n, m in zip(*dot_axes, strict=True):
        b[m] = a[n]
    image, kernel = (b, a) if swap else (a, b)
    along, across = (axes[1], axes[0]) if swap else (axes[0], axes[1])
    inside = [kernel[m] for m in across]
    convolved = [image[n] for n in along]
    ignored = [x for n, x in enumerate(a) if n not in axes[0] and n not in [d % ndim_a for d in dot_axes[0]]]
    ignored += [x for n, x in enumerate(b) if n not in axes[1] and n not in [d % ndim_b for d in dot_axes[1]]]
    image += inside
    return "".join(a), "".join(b), "".join(ignored + convolved)
