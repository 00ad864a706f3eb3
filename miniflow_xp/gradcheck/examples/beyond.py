"""Beyond the standard, by NumPy's names: each call is also one of NumPy, which gives the value to expect."""

import numpy as np

from miniflow_xp.gradcheck.examples.case import Case, Keywords, case, complexes, normal, positive

NAN = np.array([[1.0, np.nan, 2.5], [np.nan, np.nan, -3.0], [0.5, 4.0, np.nan]])
NONE = np.array([[np.nan, 1.0], [np.nan, 2.0]])
NO_TORCH: Keywords = {"no_oracle": {"torch": "it has other functions under these names"}}
OTHERWISE_IN_JAX = ("edge_order 2", "increasing", "axis of nanstd", "keepdims of nanstd")  # not there, or NaN at 0
NO_ORACLE: Keywords = {"no_oracle": {"torch": "it has no such function", "jax": "it has no such function"}}


def nan_mixed(xp, x):
    """x, with NaN in some places."""
    return xp.where(xp.asarray(np.isnan(NAN)), xp.asarray(np.full(NAN.shape, np.nan), dtype=x.dtype), x)


def rows():
    """(op, detail, call, arrays)"""
    for op in ("nansum", "nanmean", "nanprod", "nanmax", "nanmin", "nanvar", "nanstd"):
        yield op, "", lambda xp, x, op=op: getattr(xp, op)(nan_mixed(xp, x)) * 1.0, [positive(3, 3)]
        yield op, "axis", lambda xp, x, op=op: getattr(xp, op)(nan_mixed(xp, x), axis=0), [positive(3, 3)]
        yield (
            op,
            "keepdims",
            lambda xp, x, op=op: getattr(xp, op)(nan_mixed(xp, x), axis=-1, keepdims=True),
            [positive(3, 3)],
        )
    yield "nanvar", "ddof", lambda xp, x: xp.nanvar(nan_mixed(xp, x), ddof=1), [positive(3, 3)]
    yield "nancumsum", "", lambda xp, x: xp.nancumsum(nan_mixed(xp, x)) ** 2, [positive(3, 3)]
    yield "nancumsum", "axis", lambda xp, x: xp.nancumsum(nan_mixed(xp, x), axis=1) ** 2, [positive(3, 3)]
    yield "nancumprod", "axis", lambda xp, x: xp.nancumprod(nan_mixed(xp, x), axis=0), [positive(3, 3)]
    yield "average", "", lambda xp, x: xp.average(x) ** 2, [normal(2, 3)]
    yield "average", "weights", lambda xp, x, w: xp.average(x, axis=1, weights=w) ** 2, [normal(2, 3), positive(3)]
    yield "average", "weights of all", lambda xp, x, w: xp.average(x, weights=w) ** 2, [normal(2, 3), positive(2, 3)]
    yield (
        "average",
        "returned",
        lambda xp, x, w: xp.average(x, axis=0, weights=w, returned=True)[1] * xp.average(x, axis=0, weights=w),
        [normal(3, 2), positive(3, 2)],
    )
    yield "ptp", "", lambda xp, x: xp.ptp(x) ** 2, [normal(2, 3)]
    yield "ptp", "axis", lambda xp, x: xp.ptp(x, axis=-1, keepdims=True) ** 2, [normal(2, 3)]
    yield "median", "", lambda xp, x: xp.median(x) ** 2, [normal(5)]
    yield "median", "of an even number", lambda xp, x: xp.median(x, axis=0) ** 2, [normal(4, 2)]
    yield (
        "median",
        "two axes, keepdims",
        lambda xp, x: xp.median(x, axis=(0, -1), keepdims=True) ** 2,
        [normal(2, 3, 2)],
    )
    yield "quantile", "", lambda xp, x: xp.quantile(x, 0.3) ** 2, [normal(5)]
    yield "quantile", "axis", lambda xp, x: xp.quantile(x, 0.8, axis=-1, keepdims=True) ** 2, [normal(2, 4)]
    yield (
        "quantile",
        "several",
        lambda xp, x: xp.quantile(x, xp.asarray([0.0, 0.4, 1.0], dtype=x.dtype), axis=0) ** 2,
        [normal(4, 2)],
    )
    yield "quantile", "with respect to q", lambda xp, x, q: xp.quantile(x, q / 3) ** 2, [normal(4), positive()]
    yield "quantile", "of one", lambda xp, x: xp.quantile(x, 0.3, axis=0) ** 2, [normal(1, 3)]
    yield "percentile", "", lambda xp, x: xp.percentile(x, 35.0) ** 2, [normal(5)]
    yield (
        "percentile",
        "several",
        lambda xp, x: xp.percentile(x, xp.asarray([10.0, 60.0], dtype=x.dtype), axis=1) ** 2,
        [normal(2, 5)],
    )
    yield "cov", "", lambda xp, x: xp.cov(x), [normal(2, 4)]
    yield "cov", "of one variable", lambda xp, x: xp.cov(x), [normal(4)]
    yield "cov", "two", lambda xp, x, y: xp.cov(x, y, ddof=0), [normal(4), normal(4)]
    yield "cov", "columns", lambda xp, x: xp.cov(x, rowvar=False, bias=True), [normal(4, 2)]
    yield "cov", "weights", lambda xp, x, w: xp.cov(x, aweights=w), [normal(2, 4), positive(4)]
    yield "cov", "counts", lambda xp, x: xp.cov(x, fweights=xp.asarray([1, 2, 1, 3])), [normal(2, 4)]
    yield "cov", "complex", lambda xp, x: xp.cov(x), [complexes(2, 4)]
    yield "corrcoef", "", lambda xp, x: xp.corrcoef(x), [normal(3, 5)]
    yield "nan_to_num", "", lambda xp, x: xp.nan_to_num(nan_mixed(xp, x), nan=2.0) ** 2, [normal(3, 3)]
    yield (
        "nan_to_num",
        "infinities",
        lambda xp, x: xp.nan_to_num(x / xp.asarray([1.0, np.inf, 1.0], dtype=x.dtype), posinf=1.0, neginf=-1.0),
        [normal(3)],
    )
    yield (
        "interp",
        "",
        lambda xp, x, p, f: xp.interp(x, p, f) ** 2,
        [np.array([0.2, 1.7, 0.9]), np.array([0.0, 0.8, 1.4, 2.0]), normal(4)],
    )
    yield (
        "interp",
        "beyond the points",
        lambda xp, x, p, f: xp.interp(x, p, f) ** 2,
        [np.array([-1.2, 5.0]), np.array([0.0, 0.8, 1.4]), normal(3)],
    )
    yield (
        "interp",
        "left, right",
        lambda xp, x, p, f: xp.interp(x, xp=p, fp=f, left=-1.0, right=2.0) ** 2,
        [np.array([[-1.2, 5.0], [0.3, 0.7]]), np.array([0.0, 0.8, 1.4]), normal(3)],
    )
    for mode in ("full", "same", "valid"):
        yield "convolve", mode, lambda xp, a, v, mode=mode: xp.convolve(a, v, mode=mode), [normal(5), normal(2)]
        yield (
            "convolve",
            f"{mode}, the shorter first",
            lambda xp, a, v, mode=mode: xp.convolve(a, v, mode=mode),
            [normal(2), normal(5)],
        )
        yield "correlate", mode, lambda xp, a, v, mode=mode: xp.correlate(a, v, mode=mode), [normal(5), normal(2)]
        yield (
            "correlate",
            f"{mode}, the shorter first",
            lambda xp, a, v, mode=mode: xp.correlate(a, v, mode=mode),
            [normal(3), normal(4)],
        )
    yield "convolve", "complex", lambda xp, a, v: xp.convolve(a, v), [complexes(3), complexes(2)]
    yield "convolve", "real and complex", lambda xp, a, v: xp.convolve(a, v), [normal(3), complexes(2)]
    yield "trapezoid", "", lambda xp, y: xp.trapezoid(y, dx=0.5) ** 2, [normal(2, 4)]
    yield "trapezoid", "over x", lambda xp, y, x: xp.trapezoid(y, x, axis=0) ** 2, [normal(3, 2), normal(3)]
    yield "gradient", "", lambda xp, f: xp.gradient(f) ** 2, [normal(5)]
    yield "gradient", "distance", lambda xp, f: xp.gradient(f, 0.5, axis=1) ** 2, [normal(2, 4)]
    yield "gradient", "places", lambda xp, f: xp.gradient(f, xp.asarray([0.0, 0.5, 2.0, 2.5])) ** 2, [normal(4)]
    yield "gradient", "edge_order 2", lambda xp, f: xp.gradient(f, 2.0, edge_order=2) ** 2, [normal(4)]
    yield "gradient", "several axes", lambda xp, f: xp.gradient(f)[0] * xp.gradient(f)[1], [normal(3, 3)]
    yield "ediff1d", "", lambda xp, x: xp.ediff1d(x) ** 2, [normal(2, 3)]
    yield "ediff1d", "ends", lambda xp, x, e: xp.ediff1d(x, to_end=e, to_begin=e) ** 2, [normal(3), normal(2)]
    yield "ravel", "", lambda xp, x: xp.ravel(x) ** 2, [normal(2, 3)]
    yield "atleast_1d", "", lambda xp, x: xp.atleast_1d(x) ** 2, [normal()]
    yield "atleast_2d", "", lambda xp, x: xp.atleast_2d(x) ** 2, [normal(3)]
    yield (
        "atleast_3d",
        "",
        lambda xp, x, y: xp.atleast_3d(x, y)[0] * xp.atleast_3d(x, y)[1] ** 2,
        [normal(3), normal(1, 3)],
    )
    yield "swapaxes", "", lambda xp, x: xp.swapaxes(x, 0, -1) ** 2, [normal(2, 3, 4)]
    for k in (0, 1, 2, -1):
        yield "rot90", str(k), lambda xp, x, k=k: xp.rot90(x, k) ** 2, [normal(2, 3)]
    yield "rot90", "axes", lambda xp, x: xp.rot90(x, 3, axes=(2, 0)) ** 2, [normal(2, 2, 3)]
    yield "vstack", "", lambda xp, a, b: xp.vstack([a, b]) ** 2, [normal(3), normal(2, 3)]
    yield "hstack", "", lambda xp, a, b: xp.hstack([a, b]) ** 2, [normal(2, 3), normal(2, 1)]
    yield "hstack", "of vectors", lambda xp, a, b: xp.hstack([a, b]) ** 2, [normal(3), normal(2)]
    yield "dstack", "", lambda xp, a, b: xp.dstack([a, b]) ** 2, [normal(3), normal(3)]
    yield "column_stack", "", lambda xp, a, b: xp.column_stack([a, b]) ** 2, [normal(3), normal(3, 2)]
    yield "array_split", "", lambda xp, x: xp.array_split(x, 3)[1] ** 2, [normal(7)]
    yield "array_split", "at places", lambda xp, x: xp.array_split(x, [1, 3], axis=-1)[2] ** 2, [normal(2, 4)]
    yield "split", "", lambda xp, x: xp.split(x, 2)[1] ** 2, [normal(4, 2)]
    yield "diagonal", "", lambda xp, x: xp.diagonal(x) ** 2, [normal(2, 3)]
    yield "diagonal", "offset, axes", lambda xp, x: xp.diagonal(x, -1, 0, 2) ** 2, [normal(3, 2, 3)]
    yield "trace", "", lambda xp, x: xp.trace(x, offset=1) ** 2, [normal(3, 3)]
    yield "diag", "of a vector", lambda xp, x: xp.diag(x, k=-1) ** 2, [normal(3)]
    yield "diag", "of a matrix", lambda xp, x: xp.diag(x, k=1) ** 2, [normal(3, 4)]
    yield "outer", "", lambda xp, a, b: xp.outer(a, b), [normal(2, 2), normal(3)]
    yield "kron", "", lambda xp, a, b: xp.kron(a, b), [normal(2, 3), normal(2, 2)]
    yield "kron", "of fewer axes", lambda xp, a, b: xp.kron(a, b), [normal(2), normal(2, 2)]
    yield "vander", "", lambda xp, x: xp.vander(x), [normal(3)]
    yield "vander", "increasing", lambda xp, x: xp.vander(x, 4, increasing=True), [np.array([0.0, -1.5, 2.0])]
    for mode in ("constant", "edge", "reflect", "symmetric", "wrap"):
        yield "pad", mode, lambda xp, x, mode=mode: xp.pad(x, ((1, 2), (4, 0)), mode=mode) ** 2, [normal(3, 3)]
    yield "pad", "one width", lambda xp, x: xp.pad(x, 2, constant_values=1.5) ** 2, [normal(2, 2)]
    yield "pad", "one pair", lambda xp, x: xp.pad(x, (1, 0), mode="edge") ** 2, [normal(2, 2)]
    yield (
        "select",
        "",
        lambda xp, a, b: xp.select([a > 0.5, a > -0.5], [a**2, a * b], default=1.0),
        [normal(6), normal(6)],
    )


def written_along(xp, x, v):
    """x², with v at one place of each column."""
    y = xp.asarray(x * x, copy=True)
    xp.put_along_axis(y, xp.asarray([[2, 0]]), v, axis=0)
    return y * y


CASES: list[Case] = [
    case(
        op,
        call,
        *arrays,
        detail=detail,
        **(NO_ORACLE if detail in OTHERWISE_IN_JAX or f"{detail} of {op}" in OTHERWISE_IN_JAX else NO_TORCH),
    )
    for op, detail, call, arrays in rows()
]
BY_NUMPY = list(CASES)
CASES += [
    case("cumulative_trapezoid", lambda xp, y: xp.cumulative_trapezoid(y) ** 2, normal(2, 4), **NO_ORACLE),
    case(
        "cumulative_trapezoid",
        lambda xp, y, x: xp.cumulative_trapezoid(y, x, axis=0, initial=0) ** 2,
        normal(4, 2),
        normal(4),
        detail="over x, initial",
        **NO_ORACLE,
    ),
    case("full_convolution", lambda xp, a, v: xp.full_convolution(a, v), normal(4), normal(3), **NO_ORACLE),
    case("flatnonzero", lambda xp, x: xp.take(x, xp.flatnonzero(x > 0)) ** 2, normal(5), shaped=False, **NO_ORACLE),
    case("argwhere", lambda xp, x: xp.take(x, xp.argwhere(x > 0)[:, 0]) ** 2, normal(5), shaped=False, **NO_ORACLE),
    case(
        "digitize",
        lambda xp, x: x**2 * xp.astype(xp.digitize(x, xp.asarray([-0.5, 0.5], dtype=x.dtype)), x.dtype),
        normal(5),
        **NO_ORACLE,
    ),
    case("nanmedian", lambda xp, x: xp.nanmedian(nan_mixed(xp, x)) ** 2, normal(3, 3), **NO_ORACLE),
    case("nanmedian", lambda xp, x: xp.nanmedian(x, axis=0, keepdims=True), normal(4, 2), detail="axis", **NO_ORACLE),
    case("nanargmax", lambda xp, x: xp.take(x, xp.nanargmax(x, axis=0, keepdims=True)) ** 2, normal(4), **NO_ORACLE),
    case("nanargmin", lambda xp, x: xp.take(x, xp.nanargmin(x, axis=0, keepdims=True)) ** 2, normal(4), **NO_ORACLE),
    case("transpose", lambda xp, x: xp.transpose(x, (2, 0, 1)) ** 2, normal(2, 3, 4), **NO_ORACLE),
    case("transpose", lambda xp, x: xp.transpose(x, 0, 1) ** 2, normal(2, 3, 4), detail="two axes", **NO_ORACLE),
    case(
        "put_along_axis",
        written_along,
        normal(3, 2),
        normal(1, 2),
        skip={"strict": "it writes to no places that arrays name"},
        **NO_ORACLE,
    ),
]
