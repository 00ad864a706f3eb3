"""Calls of array-api-extra."""

import array_api_extra as xpx
from array_api_compat import array_namespace

from .call import Rows, normal, positive
from .plain import np_like

row = Rows("array-api-extra")
M = normal(4, 4)
row("at.set", lambda x, y: xpx.at(x)[1:3, 0].set(y), M, normal(2))
for name in ["add", "subtract", "multiply", "divide", "power", "min", "max"]:
    row(f"at.{name}", lambda x, y, name=name: getattr(xpx.at(x)[1:3], name)(y), positive(4), positive(2, seed=1))
row("at.set, a mask", lambda x: xpx.at(x, x > 0).set(0.5), M)
row("apply_where", lambda x: xpx.apply_where(x > 0, x, array_namespace(x).exp, lambda v: v * v), M)
row("apply_where, fill_value", lambda x: xpx.apply_where(x > 0, x, array_namespace(x).log, fill_value=0.0), M)
row("lazy_apply", lambda x: xpx.lazy_apply(lambda v: v * v, x, shape=x.shape, dtype=x.dtype), M)
row(
    "lazy_apply, as_numpy", lambda x: xpx.lazy_apply(lambda v: v * v, x, shape=x.shape, dtype=x.dtype, as_numpy=True), M
)
row("atleast_nd", lambda x: xpx.atleast_nd(x, ndim=3), M)
row("cov", lambda x: xpx.cov(x), M)
row("create_diagonal", lambda x: xpx.create_diagonal(x, offset=1), normal(4))
row("expand_dims", lambda x: xpx.expand_dims(x, axis=(0, 2)), M)
row("kron", lambda x, y: xpx.kron(x, y), M, normal(2, 3))
row("nan_to_num", lambda x: xpx.nan_to_num(x), M)
row("pad", lambda x: xpx.pad(x, 2), M)
row("sinc", lambda x: xpx.sinc(x), M)
row("angle", lambda x: xpx.angle(x + 1j), M)
row("deg2rad", lambda x: xpx.deg2rad(x), M)
row("rad2deg", lambda x: xpx.rad2deg(x), M)
for name in ["nanmax", "nanmean", "nanmin", "nansum"]:
    row(name, lambda x, name=name: getattr(xpx, name)(x, axis=0), M)
row("partition", lambda x: xpx.partition(x, 2, axis=0).max(), M)
row("partition, sorted", lambda x: array_namespace(x).sort(xpx.partition(x, 1, axis=0)[:2], axis=0), M)
row("union1d", lambda x, y: xpx.union1d(x, y), normal(4), normal(3, seed=1))
row("setdiff1d", lambda x: xpx.setdiff1d(x, np_like(x, [0.5])), normal(4))
row("one_hot", lambda x: xpx.one_hot(array_namespace(x).argmax(x), 4) * x, normal(4))
row("isclose", lambda x: xpx.isclose(x, x + 1e-9), M)
row("nunique", lambda x: xpx.nunique(x), M)
row("argpartition", lambda x: xpx.argpartition(x, 2, axis=0), M)
row("searchsorted", lambda x: xpx.searchsorted(np_like(x, [-1.0, 0.0, 1.0]), x), normal(4))
row("isin", lambda x: xpx.isin(x, np_like(x, [0.5])), M)
