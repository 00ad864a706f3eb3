"""Complex numbers: their parts and conjugates, modulus, direction and angle.

The gradient is that of the real inner product Re(ȳ g), as PyTorch's: for f of a complex x it is g · conj(f'), and a
function that is not analytic has one as well.
"""

from typing import Any

from miniflow_xp.arrays.tables import composed, rule
from miniflow_xp.dtypes import is_complex
from miniflow_xp.rules.algebra import conj, direction, over


@rule("conj")
def _conj(xp: Any, g: Any, y: Any, x: Any) -> Any:
    return (lambda: conj(xp, g),)


@rule("real")
def _real(xp: Any, g: Any, y: Any, x: Any) -> Any:
    return (lambda: g,)


@rule("imag")
def _imag(xp: Any, g: Any, y: Any, x: Any) -> Any:
    return (lambda: xp.astype(g, x.dtype) * 1j if is_complex(x) else xp.zeros_like(x),)


@rule("abs")
def _abs(xp: Any, g: Any, y: Any, x: Any) -> Any:
    return (lambda: g * direction(xp, x, y),)


@rule("sign")
def _sign(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """y = x / |x| turns where x moves at a right angle to it: (g − y Re(ȳ g)) / |x|; 0 for a real x, and at 0."""

    def back() -> Any:
        if not is_complex(x):
            return xp.zeros_like(g)
        return over(xp, g - y * xp.real(conj(xp, y) * g), xp.abs(x))

    return (back,)


@composed("angle")
def angle(xp: Any, z: Any, /) -> Any:
    """The angle of each number with the positive real axis, from -π to π."""
    return xp.atan2(xp.imag(z), xp.real(z)) if is_complex(z) else xp.atan2(xp.zeros_like(z), z)
