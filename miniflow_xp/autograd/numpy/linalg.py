"""``numpy.linalg`` for arrays of every library."""

from functools import wraps
from typing import Any

import numpy as _np

from miniflow_xp.arrays.namespace import constant
from miniflow_xp.autograd.numpy.dispatch import arrays_in, as_one, like_given, opened, through
from miniflow_xp.dtypes import is_complex
from miniflow_xp.rules.linalg.matrices import adjoint


def _hermitian(a: Any, UPLO: str = "L") -> Any:
    """The matrix that NumPy reads from one triangle: a gradient goes to that one alone, as in HIPS/autograd."""
    x = constant(a)
    xp = x.xp
    x = adjoint(xp, x) if UPLO in ("U", "u") else x
    strict = xp.tril(x, k=-1)
    diagonal = xp.tril(x) - strict
    return strict + adjoint(xp, strict) + (0.5 * (diagonal + xp.conj(diagonal)) if is_complex(x) else diagonal)


def _eigh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues and eigenvectors of a Hermitian matrix, of which one triangle is read."""
    whole = _hermitian(a, UPLO)
    return whole.xp.linalg.eigh(whole)


def _eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues of a Hermitian matrix, of which one triangle is read."""
    whole = _hermitian(a, UPLO)
    return whole.xp.linalg.eigvalsh(whole)


def _of_one_triangle(function: Any, ours: Any) -> Any:
    """A function of the lower triangle, as NumPy's; of the upper one, as ours of what mirrors it there."""
    lower = through(function, ours)

    @wraps(function)
    def found(a: Any, UPLO: str = "L") -> Any:
        return lower(a) if UPLO in ("L", "l") else like_given(ours(as_one(a), UPLO), arrays_in([a]))

    return found


eigh = _of_one_triangle(_np.linalg.eigh, _eigh)
eigvalsh = _of_one_triangle(_np.linalg.eigvalsh, _eigvalsh)


def __getattr__(name: str) -> Any:
    """NumPy's member of this name, through the door; it is kept for the next time."""
    globals()[name] = member = opened(getattr(_np.linalg, name))
    return member


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_np.linalg)})
