"""A @ x and x @ A of a sparse A: the gradient of x is Aᴴ ḡ, and ḡ Aᴴ."""

from typing import Any

from miniflow_xp.scipy.border import at_border
from miniflow_xp.scipy.substitutes import refused, substitute


@substitute(
    "scipy.sparse.csr_array.__matmul__",
    "scipy.sparse.csr_matrix.__mul__",  # of which it is the product of matrices, too
    "scipy.sparse.coo_array.dot",
    arrays="other",
)
def matmul(xp: Any, self: Any, other: Any) -> Any:
    if self.ndim != 2 or other.ndim not in (1, 2):
        raise refused(
            "a product with a sparse array",
            f"it is {self.shape}, and what it is multiplied with {other.shape}",
            "a matrix is multiplied with a vector, or a matrix",
            "Reshape them; and scale what the product gives, not the sparse array",
        )
    return product(xp, other, matrix=self)


@substitute("scipy.sparse.csr_array.__rmatmul__", arrays="other")
def rmatmul(xp: Any, self: Any, other: Any) -> Any:
    return matmul(xp, self.T, other.T).T


@at_border("a product with a sparse array", lambda x, *, matrix: matrix @ x)
def product(xp: Any, gradient: Any, value: Any, x: Any, *, matrix: Any) -> Any:
    return (lambda: product(xp, gradient, matrix=matrix.T.conj()),)
