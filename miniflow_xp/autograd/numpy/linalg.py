"""``numpy.linalg`` for arrays of every library."""

from typing import Any

import numpy as _np

from miniflow_xp.arrays.namespace import constant
from miniflow_xp.autograd.numpy.dispatch import opened, through
from miniflow_xp.dtypes import is_complex


def _hermitian(a: Any, UPLO: str = "L") -> Any:
    """The matrix that NumPy reads from one triangle: a gradient goes to that one alone, as in HIPS/autograd."""
    x = constant(a)
    x = _adjoint(x) if UPLO in ("U", "u") else x
    strict = x.xp.tril(x, k=-1)
    diagonal = x.xp.tril(x) - strict
    return strict + _adjoint(strict) + (0.5 * (diagonal + x.xp.conj(diagonal)) if is_complex(x) else diagonal)


def _adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    turned = x.xp.matrix_transpose(x)
    return x.xp.conj(turned) if is_complex(x) else turned


def _eigh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues and eigenvectors of a Hermitian matrix, of which one triangle is read."""
    whole = _hermitian(a, UPLO)
    return whole.xp.linalg.eigh(whole)


def _eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues of a Hermitian matrix, of which one triangle is read."""
    whole = _hermitian(a, UPLO)
    return whole.xp.linalg.eigvalsh(whole)


eigh = through(_np.linalg.eigh, _eigh)
eigvalsh = through(_np.linalg.eigvalsh, _eigvalsh)


def __getattr__(name: str) -> Any:
    """NumPy's member of this name, through the door; it is kept for the next time."""
    globals()[name] = member = opened(getattr(_np.linalg, name))
    return member


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_np.linalg)})
