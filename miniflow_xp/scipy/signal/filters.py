"""Linear filters: lfilter, sosfilt, filtfilt. What goes back into itself is one operation, the rest are sums."""

from typing import Any

from miniflow_xp.rules.algebra import conj
from miniflow_xp.scipy.border import at_border
from miniflow_xp.scipy.substitutes import refused, substitute


def of_scipy(tail: Any, w: Any) -> Any:
    """The recursion, of NumPy's arrays."""
    import numpy as np
    from scipy.signal import lfilter

    one = np.ones(1, dtype=tail.dtype)
    return lfilter(one, np.concatenate([one, tail]), w, axis=-1)


@at_border("a recursive filter", of_scipy)
def recursion(xp: Any, g: Any, y: Any, tail: Any, w: Any) -> Any:
    """yₙ = wₙ - Σₖ aₖ yₙ₋ₖ along the last axis: s, the same filter backward on ḡ, is the gradient of w."""
    kept: list[Any] = []

    def back() -> Any:
        if not kept:
            kept.append(xp.flip(recursion(xp, conj(xp, tail), xp.flip(g, axis=-1)), axis=-1))
        return kept[0]

    def of_tail() -> Any:
        before = conj(xp, y)
        return -xp.stack([xp.sum(back() * delayed(xp, before, k + 1)) for k in range(tail.shape[0])])

    return of_tail, back


def delayed(xp: Any, x: Any, by: int) -> Any:
    """xₙ₋ₖ along the last axis, and 0 before the first."""
    if by == 0:
        return x
    kept = x[..., : max(x.shape[-1] - by, 0)]
    return xp.concat([xp.zeros_like(x[..., : x.shape[-1] - kept.shape[-1]]), kept], axis=-1)


@substitute("scipy.signal.lfilter", arrays="b a x zi")
def lfilter(xp: Any, b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    b, a = xp.reshape(b, (-1,)), xp.reshape(a, (-1,))
    rows = xp.moveaxis(x, axis, -1)
    start = None if zi is None else xp.moveaxis(zi, axis, -1)
    y, state = filtered(xp, b / a[0], a[1:] / a[0], rows, start)
    y = xp.moveaxis(y, -1, axis)
    return y if zi is None else (y, xp.moveaxis(state, -1, axis))


def filtered(xp: Any, b: Any, tail: Any, x: Any, zi: Any) -> tuple[Any, Any]:
    """The output along the last axis, and the state at the end; ``zi`` is the state before, or None for rest."""
    w = b[0] * x
    for k in range(1, b.shape[0]):
        w = w + b[k] * delayed(xp, x, k)
    if zi is not None:
        w = w + fitted(xp, zi, w)
    y = recursion(xp, tail, w) if tail.shape[0] else w
    return y, None if zi is None else state_after(xp, b, tail, x, y, zi)


def fitted(xp: Any, zi: Any, w: Any) -> Any:
    """The state before, which adds to as many outputs, in the shape of these."""
    count = min(zi.shape[-1], w.shape[-1])
    zeros = xp.zeros_like(w)
    return xp.concat([zi[..., :count] + zeros[..., :count], zeros[..., count:]], axis=-1)


def state_after(xp: Any, b: Any, tail: Any, x: Any, y: Any, zi: Any) -> Any:
    """zᵢ = Σⱼ bᵢ₊₁₊ⱼ xₙ₋ⱼ - aᵢ₊₁₊ⱼ yₙ₋ⱼ over what has been, of the transposed direct form."""
    size, length = zi.shape[-1], x.shape[-1]
    found = []
    for i in range(size):
        total = zi[..., i + length] + 0 * y[..., 0] if i + length < size else 0 * y[..., 0]
        for j in range(min(size - i, length)):
            if i + 1 + j < b.shape[0]:
                total = total + b[i + 1 + j] * x[..., length - 1 - j]
            if i + j < tail.shape[0]:
                total = total - tail[i + j] * y[..., length - 1 - j]
        found.append(total)
    return xp.stack(found, axis=-1) if found else zi


@substitute("scipy.signal.sosfilt", arrays="sos x zi")
def sosfilt(xp: Any, sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    rows, states = xp.moveaxis(x, axis, -1), []
    for n in range(sos.shape[0]):
        b, a = sos[n, :3], sos[n, 3:]
        start = None if zi is None else xp.moveaxis(zi[n, ...], axis, -1)
        rows, state = filtered(xp, b / a[0], a[1:] / a[0], rows, start)
        states.append(state)
    y = xp.moveaxis(rows, -1, axis)
    return y if zi is None else (y, xp.stack([xp.moveaxis(s, -1, axis) for s in states]))


@substitute("scipy.signal.lfilter_zi", arrays="b a")
def lfilter_zi(xp: Any, b: Any, a: Any) -> Any:
    """The state in which a step gives a constant: (I - A) z = B, A the companion matrix of the transposed form."""
    size = max(b.shape[0], a.shape[0])
    b, a = (xp.pad(x / a[0], (0, size - x.shape[0])) for x in (b, a))
    eye = xp.eye(size, dtype=b.dtype, device=b.device)
    matrix = eye[:-1, :-1] - xp.matrix_transpose(eye[:-1, 1:])
    matrix = matrix + a[1:, None] * eye[:1, :-1]
    return xp.linalg.solve(matrix, b[1:] - a[1:] * b[0])


@substitute("scipy.signal.filtfilt", arrays="b a x")
def filtfilt(
    xp: Any,
    b: Any,
    a: Any,
    x: Any,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: int | None = None,
    method: str = "pad",
) -> Any:
    if method != "pad":
        raise refused("scipy.signal.filtfilt", f"method={method!r}", "it knows pad", "Leave out method")
    rows = xp.moveaxis(x, axis, -1)
    edge = 0 if padtype is None else 3 * max(a.shape[0], b.shape[0]) if padlen is None else int(padlen)
    if rows.shape[-1] <= edge:
        raise ValueError(f"The length of the input vector x must be greater than padlen, which is {edge}.")
    whole = extended(xp, rows, padtype, edge)
    b, a = xp.reshape(b, (-1,)), xp.reshape(a, (-1,))
    rest = lfilter_zi(xp, b, a)
    for _ in range(2):
        whole = filtered(xp, b / a[0], a[1:] / a[0], whole, rest * whole[..., :1])[0]
        whole = xp.flip(whole, axis=-1)
    return xp.moveaxis(whole[..., edge : whole.shape[-1] - edge], -1, axis)


def extended(xp: Any, x: Any, kind: str | None, edge: int) -> Any:
    """Longer by ``edge`` on both sides: turned about the end (odd), mirrored at it (even), or constant."""
    if kind not in (None, "odd", "even", "constant"):
        raise ValueError(f"Unknown value '{kind}' given to padtype. Must be 'even', 'odd', 'constant', or None.")
    if edge == 0:
        return x
    first, last = x[..., :1], x[..., -1:]
    left, right = xp.flip(x[..., 1 : edge + 1], axis=-1), xp.flip(x[..., -edge - 1 : -1], axis=-1)
    if kind == "odd":
        left, right = 2 * first - left, 2 * last - right
    if kind == "constant":
        left, right = first + 0 * left, last + 0 * right
    return xp.concat([left, x, right], axis=-1)
