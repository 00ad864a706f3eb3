"""Rows of the table of NumPy's functions: calls as users write them, on arrays where they are smooth."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.gradcheck.examples.draws import Draws

_draws = Draws()
normal, positive, complexes, definite = _draws.normal, _draws.positive, _draws.complexes, _draws.definite

NEW = np.lib.NumpyVersion(np.__version__) >= "2.5.0"


class Row(NamedTuple):
    """``name``: of the function, without ``np.``. ``call(*arrays)``: plain NumPy code. ``captured``: by jit, too?"""

    name: str
    call: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    captured: bool

    def __str__(self):
        return self.name


ROWS: list[Row] = []


def row(name, call, *arrays, captured=True):
    ROWS.append(Row(name, call, arrays, captured))


V, W, A, B, T = normal(5), positive(5), normal(3, 4), positive(3, 4), normal(2, 3, 4)
Z, S, D = complexes(4), normal(3, 3), definite(3)
MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])
HOLES = np.where(MASK, A, np.nan)
NEGATIVE = -positive(5)

# ufuncs of one array
for f in (np.negative, np.positive, np.absolute, np.fabs, np.exp, np.exp2, np.expm1, np.sin, np.cos, np.tan, np.sinh,
          np.cosh, np.tanh, np.arctan, np.arcsinh, np.square, np.cbrt, np.reciprocal, np.degrees, np.radians,
          np.rad2deg, np.deg2rad, np.sign, np.conjugate):  # fmt: skip
    row(f.__name__, f, V)
for f in (np.log, np.log2, np.log10, np.log1p, np.sqrt):
    row(f.__name__, f, W)
for f in (np.arcsin, np.arccos, np.arctanh):
    row(f.__name__, f, np.tanh(V))
row("arccosh", np.arccosh, 1.5 + W)
row("modf", lambda x: np.modf(x * 3)[0], V)
row("frexp", lambda x: np.frexp(x)[0], V, captured=False)
row("ldexp", lambda x: np.ldexp(x, 3), V)
# ufuncs of two
for f in (np.add, np.subtract, np.multiply, np.divide, np.hypot, np.arctan2, np.maximum, np.minimum, np.fmax, np.fmin,
          np.logaddexp, np.logaddexp2, np.copysign, np.nextafter):  # fmt: skip
    row(f.__name__, f, A, B)
row("power", np.power, B, A)
row("float_power", np.float_power, B, A)
row("remainder", np.remainder, 3 * A, B)
row("fmod", np.fmod, 3 * A, B)
row("divmod", lambda x, y: np.divmod(x, y)[1], 3 * A, B)
row("heaviside", lambda x, h: np.heaviside(x * np.array([1.0, 0.0, 1.0, 0.0, 1.0]), h), V, W)
row("fmax", lambda x: np.fmax(x, HOLES), A)
row("matmul", np.matmul, A, A.T)
row("matvec", np.matvec, T, normal(4))
row("vecmat", np.vecmat, normal(3), T)
row("vecdot", np.vecdot, A, B)
row("absolute", np.abs, Z)
row("conjugate", np.conj, Z)
row("multiply", np.multiply, Z, complexes(4))
row("add", lambda x: np.add(x, [1, 2, 3, 4, 5]), V)
row("add", lambda x: np.add([1.5], x, dtype=np.float64), V)
row("add", lambda x: np.arange(5) + x, V)
row("multiply", lambda x: np.float64(2.0) * x * np.pi, V)
row("matmul", lambda x: x @ np.eye(4) @ x.T, A)
row("matmul", lambda x: np.ones((2, 3)) @ x, A)
# methods of ufuncs
row("add", lambda x: np.add.reduce(x), A)
row("add", lambda x: np.add.reduce(x, axis=1, keepdims=True), A)
row("add", lambda x: np.add.reduce(x, axis=None, where=MASK), A)
row("multiply", lambda x: np.multiply.reduce(x, axis=-1), A)
row("maximum", lambda x: np.maximum.reduce(x, axis=0, initial=0.1), A)
row("logaddexp", lambda x: np.logaddexp.reduce(x, axis=(0, 1)), A)
row("subtract", lambda x: np.subtract.reduce(x, axis=1), A)
row("hypot", lambda x: np.hypot.reduce(x, axis=1, keepdims=True), A)
row("add", lambda x: np.add.accumulate(x, axis=1), A)
row("multiply", lambda x: np.multiply.accumulate(x), A)
row("maximum", lambda x: np.maximum.accumulate(x), V)
row("multiply", lambda x, y: np.multiply.outer(x, y), A, V)
row("subtract", lambda x: np.subtract.outer(x, np.arange(3.0)), V)
row("add", lambda x: np.add.reduceat(x, [0, 2, 1]), V)


def added(x, y):
    z = x * 1.0
    np.add.at(z, [0, 0, 2], y[:3])
    np.subtract.at(z, np.array([1]), y[3])
    return z


row("add", added, V, W)
row("add", lambda x: np.add(x, 1.0, out=np.zeros_like(x)), V)
# reductions
for name in ("sum", "mean", "prod", "max", "amax", "min", "amin", "std", "var", "ptp", "median"):
    f = getattr(np, name)
    row(name, f, A)
    row(name, lambda x, f=f: f(x, 0), A)
    row(name, lambda x, f=f: f(x, axis=(-1, 0), keepdims=True), T)
for name in ("nansum", "nanmean", "nanprod", "nanmax", "nanmin", "nanstd", "nanvar", "nanmedian"):
    f = getattr(np, name)
    row(name, lambda x, f=f: f(np.where(MASK, x, np.nan)), A)
    row(name, lambda x, f=f: f(np.where(MASK, x, np.nan), axis=1, keepdims=True), A)
for name in ("sum", "prod", "nansum", "nanprod"):
    f = getattr(np, name)
    row(name, lambda x, f=f: f(x, axis=0, initial=2.0, where=MASK), A)
for name in ("mean", "std", "var", "nanmean", "nanstd", "nanvar"):
    f = getattr(np, name)
    row(name, lambda x, f=f: f(x, axis=1, where=MASK), A)
for name in ("max", "min", "nanmax", "nanmin"):
    f = getattr(np, name)
    row(name, lambda x, f=f: f(x, axis=1, initial=0.05, where=MASK), A)
row("var", lambda x: np.var(x, ddof=1), A)
row("var", lambda x: np.var(x, axis=0, mean=np.mean(x, axis=0, keepdims=True), correction=1), A)
row("std", np.std, Z)
row("sum", lambda x: np.sum(x, dtype=np.float64), A)
row("multiply", lambda x: [1, 2, 3, 4, 5.5] * x + (1, 0, 1, 0, 1), V)
row("sum", np.sum, Z)
for name in ("cumsum", "cumprod", "nancumsum", "nancumprod"):
    f = getattr(np, name)
    row(name, f, A)
    row(name, lambda x, f=f: f(x, 1), A)
row("cumulative_sum", lambda x: np.cumulative_sum(x, axis=1, include_initial=True), A)
row("cumulative_prod", lambda x: np.cumulative_prod(x, axis=0), A)
row("apply_over_axes", lambda x: np.apply_over_axes(np.sum, x, [0, 2]), T)
row("apply_along_axis", lambda x: np.apply_along_axis(lambda r: np.sum(r**2) * r, 1, x), T)
row("apply_along_axis", lambda x: np.apply_along_axis(np.sum, 0, x), T)
# methods of arrays
row("sum", lambda x: x.sum(0) * x.max(0) + x.mean(axis=0) - x.std(0, ddof=1), A)
row("dot", lambda x, y: x.dot(y.T).trace() + x.prod() + x.cumprod(1).min(), A, B)
row("reshape", lambda x: x.reshape((6, 2), order="F") * x.reshape(2, 6).T / x.itemsize, A)
row("compress", lambda x: x.compress([True, False, True], axis=0) + sum(x.flat), A)
row("ravel", lambda x: x.flatten("F").repeat(2).take([3, 1]) + x.ravel()[0], A)
row("swapaxes", lambda x: x.swapaxes(0, 1).diagonal() * x.clip(-0.5, 0.5).cumsum()[:3], A)


def sorted_in_place(x):
    y = x * 1.0
    y.sort(axis=0)
    y[0, :] = 2.0
    return y


row("sort", sorted_in_place, A)
# shapes
row("reshape", lambda x: np.reshape(x, -1), A)
row("reshape", lambda x: np.reshape(x, (2, 6), order="F"), A)
row("reshape", lambda x: x.reshape(4, 3).T, A)
row("ravel", np.ravel, A)
row("ravel", lambda x: np.ravel(x, order="F"), A)
row("transpose", np.transpose, T)
row("transpose", lambda x: np.permute_dims(x, (2, 0, -2)), T)
row("matrix_transpose", np.matrix_transpose, T)
row("swapaxes", lambda x: np.swapaxes(x, 0, 2), T)
row("moveaxis", lambda x: np.moveaxis(x, [0, 1], [-1, 0]), T)
row("rollaxis", lambda x: np.rollaxis(x, 2), T)
row("rollaxis", lambda x: np.rollaxis(x, 0, 3), T)
row("expand_dims", lambda x: np.expand_dims(x, 0), A)
row("expand_dims", lambda x: np.expand_dims(x, (0, -1)), A)
row("squeeze", lambda x: np.squeeze(x[None, :, None]), V)
row("squeeze", lambda x: np.squeeze(x[None, :, None], axis=0), V)
row("broadcast_to", lambda x: np.broadcast_to(x, (3, 5)), V)
row("broadcast_arrays", lambda x, y: np.broadcast_arrays(x, y[:, None])[0], V, W)
row("flip", np.flip, A)
row("flip", lambda x: np.flip(x, 1), A)
row("flipud", np.flipud, A)
row("fliplr", np.fliplr, A)
row("rot90", lambda x: np.rot90(x, 3), A)
row("roll", lambda x: np.roll(x, 2), A)
row("roll", lambda x: np.roll(x, (1, -1), axis=(0, 1)), A)
row("tril", np.tril, A)
row("triu", lambda x: np.triu(x, 1), A)
row("diag", np.diag, V)
row("diag", lambda x: np.diag(x, 1), A)
row("diagflat", lambda x: np.diagflat(x, -1), V)
row("diagonal", lambda x: np.diagonal(x, 1, 0, 2), T)
row("atleast_1d", lambda x: np.atleast_1d(x[0]), V)
row("atleast_2d", np.atleast_2d, V)
row("atleast_3d", np.atleast_3d, A)
row("copy", np.copy, A)
row("astype", lambda x: np.astype(x, np.complex128), A)
row("real", np.real, Z)
row("imag", np.imag, Z)
row("angle", lambda z: np.angle(z, deg=True), Z)
row("angle", np.angle, Z)
row("real_if_close", np.real_if_close, A)
row("nan_to_num", lambda x: np.nan_to_num(x, nan=2.0), A)
row("sinc", np.sinc, V)
row("i0", np.i0, V)
row("resize", lambda x: np.resize(x, (3, 7)), A)
row("tile", lambda x: np.tile(x, (2, 1, 2)), A)
row("tile", lambda x: np.tile(x, 2), A)
row("repeat", lambda x: np.repeat(x, 2), A)
row("repeat", lambda x: np.repeat(x, [1, 0, 2], axis=0), A)
row("sort_complex", lambda z: np.sort_complex(np.real(z)), Z)
# joining
row("concatenate", lambda x, y: np.concatenate([x, y]), A, B)
row("concatenate", lambda x: np.concatenate((np.ones((3, 1)), x), axis=1), A)
row("concatenate", lambda x: np.concat([x, [1, 2]], axis=None), V)
row("stack", lambda x, y: np.stack([x, y], axis=-1), A, B)
row("stack", lambda x: np.stack([x[0], 1.0, x[2]]), V)
row("vstack", lambda x, y: np.vstack([x, y]), A, normal(4))
row("hstack", lambda x, y: np.hstack((x, y)), A, B)
row("hstack", lambda x: np.hstack((x, 1.0)), V)
row("dstack", lambda x, y: np.dstack((x, y)), A, B)
row("column_stack", lambda x, y: np.column_stack((np.ones(5), x, y)), V, W)
row("append", lambda x: np.append(x, 2.0), V)
row("append", lambda x, y: np.append(x, y, axis=0), A, B)
row("block", lambda x, y: np.block([[x, np.zeros((3, 4))], [np.ones((3, 4)), y]]), A, B)
row("block", lambda x: np.block([x, x]), V)
row("split", lambda x: np.split(x, 2, axis=1)[1], A)
row("array_split", lambda x: np.array_split(x, [1, 3])[1], V)
row("vsplit", lambda x: np.vsplit(x, [1])[1], A)
row("hsplit", lambda x: np.hsplit(x, 2)[0], A)
row("dsplit", lambda x: np.dsplit(x, 2)[1], T)
row("unstack", lambda x: np.unstack(x, axis=1)[2], A)
row("meshgrid", lambda x, y: np.multiply(*np.meshgrid(x, y)), V, normal(3))
row("meshgrid", lambda x, y: np.subtract(*np.meshgrid(x, y, indexing="ij", sparse=True)), V, normal(3))
row("pad", lambda x: np.pad(x, 1), A)
row("pad", lambda x: np.pad(x, ((1, 0), (0, 2)), mode="edge"), A)
row("pad", lambda x: np.pad(x, (2, 1), "reflect"), V)
row("pad", lambda x: np.pad(x, 1, constant_values=3.0), A)
row("delete", lambda x: np.delete(x, 1), V)
row("delete", lambda x: np.delete(x, [0, 2], axis=1), A)
row("insert", lambda x: np.insert(x, 1, 5.0), V)
row("insert", lambda x, y: np.insert(x, 1, y, axis=0), A, normal(4))
row("insert", lambda x, y: np.insert(x, [1, 3], y, axis=1), A, normal(3, 2))
row("insert", lambda x: np.insert(x, [], []), V)
row("insert", lambda x: np.insert(x, [2], []), V)
row("insert", lambda x, y: np.insert(x, [1], y, axis=1), A, B)
# products
row("dot", np.dot, V, W)
row("dot", np.dot, A, A.T)
row("dot", lambda x: np.dot(x, 3.0), A)
row("dot", lambda x: np.dot([[1, 2, 3]], x), A)
row("dot", np.dot, T, normal(4, 2))
row("inner", np.inner, A, B)
row("vdot", np.vdot, Z, complexes(4))
row("outer", np.outer, V, W)
row("kron", np.kron, A, normal(2, 2))
row("tensordot", lambda x, y: np.tensordot(x, y, axes=([1], [1])), A, B)
row("tensordot", lambda x, y: np.tensordot(x, y, 1), T, normal(4, 2))
row("einsum", lambda x, y: np.einsum("ij,kj->ik", x, y), A, B)
row("einsum", lambda x, y: np.einsum(x, [0, 1], y, [2, 1], [0, 2]), A, B)
row("einsum", lambda x: np.einsum("ii", x), S)
row("einsum", lambda x, y: np.einsum("...j,j", x, y, optimize=True), T, normal(4))
row("cross", np.cross, normal(2, 3), normal(3))
row("cross", lambda x, y: np.cross(x, y, axis=0), normal(3, 2), normal(3, 2))
row("trace", lambda x: np.trace(x, 1), S)
# linalg
row("linalg.norm", np.linalg.norm, A)
row("linalg.norm", np.linalg.norm, Z)
for order in (None, 1, 2, 3, np.inf, -np.inf, 0.5):
    row("linalg.norm", lambda x, p=order: np.linalg.norm(x, p), V)
for order in ("fro", "nuc", 1, -1, 2, -2, np.inf):
    row("linalg.norm", lambda x, p=order: np.linalg.norm(x, p), A)
row("linalg.norm", lambda x: np.linalg.norm(x, axis=1, keepdims=True), A)
row("linalg.norm", lambda x: np.linalg.norm(x, axis=(0, 2)), T)
row("linalg.norm", lambda x: np.linalg.norm(x, 1, axis=(2, 0), keepdims=True), T)
row("linalg.vector_norm", lambda x: np.linalg.vector_norm(x, axis=0, ord=3), A)
row("linalg.matrix_norm", np.linalg.matrix_norm, T)
row("linalg.det", np.linalg.det, S)
row("linalg.slogdet", lambda x: np.linalg.slogdet(x)[1], S)
row("linalg.slogdet", lambda x: np.linalg.slogdet(x).logabsdet, D)
row("linalg.inv", np.linalg.inv, D)
row("linalg.solve", np.linalg.solve, D, normal(3))
row("linalg.solve", np.linalg.solve, D, normal(3, 2))
row("linalg.cholesky", lambda x: np.linalg.cholesky((x + x.T) / 2), D)
row("linalg.cholesky", lambda x: np.linalg.cholesky((x + x.T) / 2, upper=True), D)
row("linalg.eigh", lambda x: np.linalg.eigh((x + x.T) / 2)[0], D)
row("linalg.eigh", lambda x: np.linalg.eigh((x + x.T) / 2, "U").eigenvectors ** 2, D)
row("linalg.eigvalsh", lambda x: np.linalg.eigvalsh((x + x.T) / 2), D)
row("linalg.eig", lambda x: np.real(np.linalg.eig(x)[0]), D)
row("linalg.eigvals", lambda x: np.real(np.linalg.eigvals(x)), D)
row("linalg.svd", lambda x: np.linalg.svd(x, compute_uv=False), A)
row("linalg.svd", lambda x: np.linalg.svd(x, full_matrices=False)[1], A)
row("linalg.svdvals", np.linalg.svdvals, A)
row("linalg.qr", lambda x: np.linalg.qr(x)[1], normal(4, 3))
row("linalg.qr", lambda x: np.linalg.qr(x, mode="r"), normal(4, 3))
row("linalg.pinv", np.linalg.pinv, A)
row("linalg.matrix_power", lambda x: np.linalg.matrix_power(x, 3), S)
row("linalg.lstsq", lambda x, y: np.linalg.lstsq(x, y)[0], normal(5, 3), normal(5), captured=False)
row("linalg.lstsq", lambda x, y: np.linalg.lstsq(x, y, rcond=None)[1], normal(5, 3), normal(5, 2), captured=False)
row("linalg.multi_dot", lambda x, y: np.linalg.multi_dot([x, y, x]), S, D)
row("linalg.cond", np.linalg.cond, S)
row("linalg.cond", lambda x: np.linalg.cond(x, "fro"), S)
row("linalg.matmul", np.linalg.matmul, S, D)
row("linalg.vecdot", np.linalg.vecdot, A, B)
row("linalg.outer", np.linalg.outer, V, W)
row("linalg.cross", np.linalg.cross, normal(2, 3), normal(2, 3))
row("linalg.tensordot", lambda x, y: np.linalg.tensordot(x, y, axes=1), S, A)
row("linalg.matrix_transpose", np.linalg.matrix_transpose, T)
row("linalg.diagonal", lambda x: np.linalg.diagonal(x, offset=1), T)
row("linalg.trace", np.linalg.trace, T[:, :, :3])
row("linalg.tensorinv", lambda x: np.linalg.tensorinv(np.reshape(x, (2, 2, 4))), definite(4))
row("linalg.tensorsolve", lambda x, y: np.linalg.tensorsolve(np.reshape(x, (2, 2, 2, 2)), y), definite(4), normal(2, 2))
# fft
for name in ("fft", "ifft"):
    f = getattr(np.fft, name)
    row(f"fft.{name}", f, complexes(5))
    row(f"fft.{name}", lambda x, f=f: f(x, 6, axis=0, norm="ortho"), A)
row("fft.rfft", np.fft.rfft, A)
row("fft.rfft", lambda x: np.fft.rfft(x, n=6), A)
row("fft.irfft", np.fft.irfft, Z)
row("fft.irfft", lambda x: np.fft.irfft(np.fft.rfft(x) * [1, 0.5, 0], n=5), V)
row("fft.hfft", np.fft.hfft, Z)
row("fft.ihfft", np.fft.ihfft, V)
for name in ("fft2", "ifft2", "fftn", "ifftn"):
    row(f"fft.{name}", getattr(np.fft, name), complexes(2, 3, 4))
for name in ("rfft2", "rfftn"):
    row(f"fft.{name}", getattr(np.fft, name), T)
for name in ("irfft2", "irfftn"):
    row(f"fft.{name}", getattr(np.fft, name), complexes(2, 3, 3))
row("fft.fftn", lambda x: np.fft.fftn(x, s=(4, 2), axes=(0, 1)), A)
row("fft.fftshift", np.fft.fftshift, A)
row("fft.ifftshift", lambda x: np.fft.ifftshift(x, axes=0), A)
# selecting
row("where", lambda x, y: np.where(x > 0, x, y), A, B)
row("where", lambda x: np.where(x > 0, x, 0), A)
row("where", lambda x: np.where(MASK, 0.0, x), A)
row("where", lambda x: np.where([True, False, True, False, True], x, 1.5), V)
row("select", lambda x: np.select([x < -0.5, x > 0.5], [x**2, 3 * x], 7.0), A)
row("select", lambda x: np.select([x < -0.5, x > 0.5], [x**2, np.zeros((3, 4))], x), A)
row("choose", lambda x, y: np.choose([0, 1, 0, 1, 1], [x, y]), V, W)
row("piecewise", lambda x: np.piecewise(x, [x < 0, x >= 1], [lambda v: -v * v, 3.0, np.exp]), V, captured=False)
row("piecewise", lambda x: np.piecewise(x, x < 0, [lambda v: -v * v, lambda v: v]), V, captured=False)
row("take", lambda x: np.take(x, [0, -1, 2]), A)
row("take", lambda x: np.take(x, [[0, 1], [3, 3]], axis=1), A)
row("take", lambda x: np.take(x, 2, axis=0), A)
row("take", lambda x: np.take(x, [7, -8], mode="wrap"), V)
row("take_along_axis", lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1), A)
row("compress", lambda x: np.compress([True, False, True], x, axis=0), A)
row("extract", lambda x: np.extract(MASK, x), A)
row("clip", lambda x: np.clip(x, -0.5, 0.5), A)
row("clip", lambda x, y: np.clip(x, None, y), A, B)
row("clip", lambda x: np.clip(x, min=-0.5), A)
row("clip", lambda x: np.clip(a=x, a_min=-0.5, a_max=1), A)
row("clip", lambda x: x.clip(-0.5, 0.5), A)
row("sort", np.sort, A)
row("sort", lambda x: np.sort(x, 0), A)
row("sort", lambda x: np.sort(x, axis=None), A)
if NEW:
    row("sort", lambda x: np.sort(x, 0, descending=True), A)
    row("sort", lambda x: np.take_along_axis(x, np.argsort(x, descending=True), axis=-1), A)
row("partition", lambda x: np.partition(x, 2)[2], V)
row("unique", np.unique, V, captured=False)
row("unique", lambda x: np.unique(x, return_counts=True)[0], V, captured=False)
for name in ("unique_all", "unique_counts", "unique_inverse"):
    f = getattr(np, name)
    row(name, lambda x, f=f: f(x)[0], V, captured=False)
row("unique_values", lambda x: np.sort(np.unique_values(x)), V, captured=False)
row("bincount", lambda x: np.bincount(np.array([0, 2, 2, 1, 4]), x, minlength=6), V)
# writing into arrays made by NumPy's functions


def written(f):
    def call(x, y):
        z = np.zeros_like(x)
        z[...] = x
        f(z, y)
        return z * x

    return call


row("copyto", written(lambda z, y: np.copyto(z, y, where=MASK)), A, B)
row("putmask", written(lambda z, y: np.putmask(z, MASK, y)), A, B)
row("putmask", written(lambda z, y: np.putmask(z, MASK, y[0, :3])), A, B)
row("place", written(lambda z, y: np.place(z, MASK, y[0, :3])), A, B)
row("put", written(lambda z, y: np.put(z, [0, 5, -1], y[0, :3])), A, B)
row("put", written(lambda z, y: np.put(z, [], y[0, :0])), A, B)
row("put_along_axis", written(lambda z, y: np.put_along_axis(z, np.array([[1], [0], [2]]), y[:, :1], 1)), A, B)
row("put_along_axis", written(lambda z, y: np.put_along_axis(z, np.array([0, 5, -1]), y[0, :3], None)), A, B)
row("fill_diagonal", written(lambda z, y: np.fill_diagonal(z, y[:, 0])), S, D)
row("full_like", lambda x: np.full_like(x, x[2]), V)
row("full_like", lambda x: np.full_like(x, x[2], shape=(2, 2)), V)
row("full", lambda x: np.full((2, 3), x[1], like=x), V)
row("array", lambda x: np.array([x[0], 2.0, x[1]], like=x), V)
row("asarray", lambda x: np.asarray([x, [1, 2, 3, 4, 5]], like=x), V)
row("arange", lambda x: x[0] * np.arange(4, like=x), V)
row("linspace", lambda x: np.linspace(x[0], x[1], 5), V)
row("linspace", lambda x, y: np.linspace(x, y, num=4, endpoint=False, axis=-1), V, W)
row("linspace", lambda x: np.linspace(0, x, 5, retstep=True)[1], V)
row("logspace", lambda x: np.logspace(x[0], 2.0, 4, base=3.0), V)
row("geomspace", lambda x: np.geomspace(x[0], 5.0, 4), W)
row("geomspace", lambda x: np.geomspace(x[0], -5.0, 4), NEGATIVE)
# statistics
row("average", np.average, A)
row("average", lambda x, w: np.average(x, axis=1, weights=w), A, B)
row("average", lambda x: np.average(x, 0, [1, 2, 3]), A)
row("quantile", lambda x: np.quantile(x, 0.3), A)
row("quantile", lambda x: np.quantile(x, [0.1, 0.6], axis=1), A)
row("percentile", lambda x: np.percentile(x, [10, 75], 0, keepdims=True), A)
row("nanquantile", lambda x: np.nanquantile(np.where(MASK, x, np.nan), [0.2, 0.9], axis=1), A)
row("nanpercentile", lambda x: np.nanpercentile(np.where(MASK, x, np.nan), 30), A)
row("cov", np.cov, A)
row("cov", lambda x, y: np.cov(x, y, bias=True), V, W)
row("cov", lambda x: np.cov(x, aweights=[1.0, 2, 1, 3], rowvar=True), A)
row("corrcoef", np.corrcoef, A)
# differences
row("diff", np.diff, A)
row("diff", lambda x: np.diff(x, 2, 0), A)
row("diff", lambda x: np.diff(x, prepend=0.0), A)
row("ediff1d", lambda x: np.ediff1d(x, to_begin=0.0, to_end=[1.0, 2.0]), V)
row("gradient", np.gradient, V)
row("gradient", lambda x: np.gradient(x, 0.1, axis=1), A)
row("gradient", lambda x: np.gradient(x, [0, 1, 3, 4, 7.0], edge_order=2), V)
row("trapezoid", lambda x: np.trapezoid(x, dx=0.5), A)
row("trapezoid", lambda x, y: np.trapezoid(y, np.cumsum(x)), W, V)
row("interp", lambda x, y: np.interp(x, np.arange(-2.0, 3.0), y), A, V)
row("interp", lambda x, y: np.interp(x, [0.0, 1, 2, 3, 4], y, period=5.0), A, V)
row("convolve", np.convolve, V, W)
row("convolve", lambda x: np.convolve(x, [1, 2, 1], mode="same"), V)
row("correlate", lambda x, y: np.correlate(x, y, "full"), V, normal(3))
row("unwrap", lambda x: np.unwrap(4 * x), V)
# polynomials
row("polyval", np.polyval, V, A)
row("polyval", lambda x: np.polyval([1, 2, 3], x), A)
row("poly", np.poly, V)
row("polyadd", np.polyadd, V, normal(3))
row("polysub", np.polysub, normal(3), V)
row("polymul", np.polymul, V, normal(3))
row("polyder", lambda p: np.polyder(p, 2), V)
row("polyint", lambda p: np.polyint(p, 2, [1.0, 2.0]), V)
row("polyfit", lambda x, y: np.polyfit(x, y, 2), V, W)
row("polydiv", lambda u, v: np.polydiv(u, v)[0], V, W[:3])
row("polydiv", lambda u, v: np.polydiv(u, v)[1], V, W[:3])
row("roots", lambda p: np.sort(np.abs(np.roots(p))), V)
row("vander", lambda x: np.vander(x, 4), V)
row("vander", lambda x: np.vander(x, increasing=True), V)
row("lib.stride_tricks.sliding_window_view", lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 3)), A)
