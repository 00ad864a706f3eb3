"""Products, and einsum."""

import numpy as np

from miniflow_xp.gradcheck.examples.case import Case, case, complexes, normal

ONE_OF_NUMPY = {"torch": "dot and inner are NumPy's; PyTorch's own take vectors alone"}


def of_matmul(detail: str, a: np.ndarray, b: np.ndarray) -> Case:
    return case("matmul", lambda xp, a, b: xp.matmul(a, b), a, b, detail=detail)


def of_einsum(subscripts: str, *arrays: np.ndarray, **more: object) -> Case:
    return case("einsum", lambda xp, *xs: xp.einsum(subscripts, *xs), *arrays, detail=subscripts, **more)


CASES: list[Case] = [
    of_matmul("matrices", normal(2, 3), normal(3, 4)),
    of_matmul("vectors", normal(3), normal(3)),
    of_matmul("matrix and vector", normal(2, 3), normal(3)),
    of_matmul("vector and matrix", normal(3), normal(3, 2)),
    of_matmul("stack and matrix", normal(4, 2, 3), normal(3, 2)),
    of_matmul("stack and vector", normal(4, 2, 3), normal(3)),
    of_matmul("vector and stack", normal(3), normal(4, 3, 2)),
    of_matmul("stacks that broadcast", normal(4, 1, 2, 3), normal(5, 3, 2)),
    of_matmul("complex", complexes(2, 3), complexes(3, 2)),
    of_matmul("complex vectors", complexes(3), complexes(3)),
    of_matmul("real and complex", normal(2, 3), complexes(3, 2)),
    of_matmul("nothing to sum", normal(2, 0), normal(0, 3)),
    case("matmul", lambda xp, a, b: xp.linalg.matmul(a, b), normal(2, 3), normal(3, 4), detail="of linalg"),
    case("matmul", lambda xp, a, b: a @ b, normal(2, 3), normal(3, 4), detail="operator"),
    case("vecdot", lambda xp, a, b: xp.vecdot(a, b), normal(2, 3), normal(3)),
    case("vecdot", lambda xp, a, b: xp.vecdot(a, b), complexes(2, 3), complexes(2, 3), detail="complex"),
    case("vecdot", lambda xp, a, b: xp.linalg.vecdot(a, b, axis=-2), normal(3, 2), normal(4, 3, 1), detail="axis"),
    case("tensordot", lambda xp, a, b: xp.tensordot(a, b, axes=2), normal(2, 3, 4), normal(3, 4, 2)),
    case("tensordot", lambda xp, a, b: xp.tensordot(a, b, axes=0), normal(2, 3), normal(4), detail="no axes"),
    case(
        "tensordot",
        lambda xp, a, b: xp.linalg.tensordot(a, b, axes=((2, 0), (1, -1))),
        normal(2, 3, 4),
        normal(3, 4, 2),
        detail="pairs",
    ),
    case(
        "tensordot",
        lambda xp, a, b: xp.tensordot(a, b, axes=((2, 0, 1), (0, 1, 2))),
        complexes(2, 3, 4),
        complexes(4, 2, 3),
        detail="all, complex",
    ),
    case("linalg.outer", lambda xp, a, b: xp.linalg.outer(a, b), normal(3), normal(2)),
    case("linalg.outer", lambda xp, a, b: xp.linalg.outer(a, b), complexes(3), complexes(2), detail="complex"),
    case("linalg.cross", lambda xp, a, b: xp.linalg.cross(a, b), normal(2, 3), normal(2, 3)),
    case("linalg.cross", lambda xp, a, b: xp.linalg.cross(a, b), complexes(2, 3), complexes(1, 3), detail="complex"),
    case("linalg.cross", lambda xp, a, b: xp.linalg.cross(a, b, axis=-2), normal(3, 2), normal(4, 3, 2), detail="axis"),
    case("dot", lambda xp, a, b: xp.dot(a, b), normal(2, 3), normal(4, 3, 2), no_oracle=ONE_OF_NUMPY),
    case("dot", lambda xp, a, b: xp.dot(a, b), normal(3), normal(3), detail="vectors"),
    case("inner", lambda xp, a, b: xp.inner(a, b), normal(2, 3), normal(4, 3)),
    case("vdot", lambda xp, a, b: xp.vdot(a, b), complexes(3), complexes(3)),
    of_einsum("ij,jk->ik", normal(2, 3), normal(3, 4)),
    of_einsum("ij,jk", normal(2, 3), normal(3, 4)),
    of_einsum("ji", normal(2, 3)),
    of_einsum("ii->i", normal(3, 3)),
    of_einsum("ii", normal(3, 3)),
    of_einsum("iij->j", normal(2, 2, 3)),
    of_einsum("ij->", normal(2, 3)),
    of_einsum("ij->i", normal(2, 3)),
    of_einsum("i,i->i", normal(3), normal(3)),
    of_einsum("i,j->ij", normal(3), normal(2)),
    of_einsum("i,j->", normal(3), normal(2)),
    of_einsum("...ij,...jk->...ik", normal(4, 2, 3), normal(3, 2)),
    of_einsum("...i,i...->...", normal(2, 3), normal(3, 2)),
    of_einsum("...ij,j", normal(4, 2, 3), normal(3)),
    of_einsum("b...,b...->...", normal(3, 1, 2), normal(3, 4, 1)),
    of_einsum("ij,kj,kl->il", normal(2, 3), normal(4, 3), normal(4, 2)),
    of_einsum("ijj,j,kij->k", normal(2, 3, 3), normal(3), normal(2, 2, 3)),
    of_einsum("ij,jk->ki", complexes(2, 3), complexes(3, 2)),
    of_einsum("bqhd,bkhd->bhqk", normal(1, 2, 2, 3), normal(1, 3, 2, 3)),
    of_einsum(
        "ij,ij->ij",
        normal(1, 3),
        normal(2, 3),
        no_oracle={"torch": "a label has one size in both", "jax": "a label has one size in both"},
    ),
    case(
        "tensordot",
        lambda xp, a, b: xp.tensordot(a[:, :, 1:3], b, axes=((0, 1, 2), (1, 0, 2))),
        normal(2, 3, 4),
        normal(3, 2, 2, 2),
        detail="a part",
    ),
]
