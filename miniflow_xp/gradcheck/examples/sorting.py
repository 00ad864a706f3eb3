"""Sorting and sets of values."""

from miniflow_xp.gradcheck.examples.case import Case, Keywords, case, normal

FIXED: Keywords = {
    "shaped": False,
    "no_oracle": {"torch": "it has no gradient there", "jax": "it has no gradient there"},
}
NO_INDICES: Keywords = {**FIXED, "skip": {"torch": "it has no function for all of them"}}

CASES: list[Case] = [
    case("sort", lambda xp, x: xp.sort(x) ** 2 * xp.arange(5, dtype=x.dtype), normal(2, 5)),
    case(
        "sort", lambda xp, x: xp.sort(x, axis=0) ** 2 * xp.asarray([[1.0], [2.0], [3.0]]), normal(3, 2), detail="axis 0"
    ),
    case(
        "sort",
        lambda xp, x: xp.sort(x, descending=True) ** 3 * xp.arange(4, dtype=x.dtype),
        normal(4),
        detail="descending",
    ),
    case("sort", lambda xp, x: xp.sort(x, stable=False, axis=-2) ** 2, normal(3, 2), detail="not stable"),
    case("sort", lambda xp, x: xp.sort(x) ** 2, normal(2, 0), detail="empty", twice=False),
    case("unique_values", lambda xp, x: xp.sort(xp.unique_values(x)) ** 2, normal(2, 3), **FIXED),
    case("unique_counts", lambda xp, x: xp.unique_counts(x)[0] ** 2, normal(4), **FIXED),
    case("unique_inverse", lambda xp, x: xp.unique_inverse(x)[0] ** 2, normal(4), **FIXED),
    case("unique_all", lambda xp, x: xp.unique_all(x)[0] ** 2, normal(4), **NO_INDICES),
]
