"""What goes beyond the standard has the values that NumPy gives."""

import warnings

import numpy as np
import pytest

from miniflow_xp import differentiable_namespace, grad
from miniflow_xp.arrays.traced import ground
from miniflow_xp.errors import SettingError, ShapeError
from miniflow_xp.gradcheck.examples.beyond import BY_NUMPY, NAN, NONE


@pytest.mark.parametrize("row", BY_NUMPY, ids=str)
def test_the_value_is_that_of_numpy(backend, row):
    xp = differentiable_namespace(backend.xp)
    got = ground(row.call(xp, *(xp.asarray(backend.asarray(a)) for a in row.arrays)))
    got = backend.to_numpy(got)
    expected = np.asarray(row.call(np, *row.arrays))
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


def of_numpy(name, *args, **keywords):
    """What NumPy gives, without its warnings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return getattr(np, name)(*args, **keywords)


PLAIN = [
    ("nanmean", (NONE,), {"axis": 0}),
    ("nanvar", (NONE,), {"axis": 0, "ddof": 1}),
    ("nanstd", (NONE,), {"axis": 0}),
    ("nanmax", (NONE,), {"axis": 0}),
    ("nanmin", (NONE,), {"axis": 0}),
    ("nansum", (NONE,), {"axis": 0}),
    ("nanmedian", (NONE,), {"axis": 0}),
    ("nanmedian", (NAN,), {"axis": 1, "keepdims": True}),
    ("transpose", (np.arange(6.0).reshape(1, 2, 3),), {}),
    ("diff", (np.array([1.0, 4.0, 9.0, 16.0]), 2, 0), {}),
    ("nanmean", (NAN + 1j,), {"axis": 1}),
    ("nanvar", (NAN * 1j,), {}),
    ("median", (NAN,), {"axis": 1}),
    ("median", (3.0,), {}),
    ("quantile", (NAN, 0.5), {"axis": 0}),
    ("quantile", ([1.0, 2.0, 4.0], [0.0, 1.0]), {}),
    ("nan_to_num", (np.array([np.nan, np.inf, -np.inf, 2.0]),), {}),
    ("nan_to_num", (np.array([complex(np.nan, np.inf), 2j]),), {}),
    ("nan_to_num", (np.array([1, 2]),), {}),
    ("flatnonzero", (np.array([[0, 2], [3, 0]]),), {}),
    ("argwhere", (np.array([[0, 2], [3, 0]]),), {}),
    ("digitize", (np.array([0.5, 1.0, 2.5, 9.0]), np.array([1.0, 2.0, 3.0])), {}),
    ("digitize", (np.array([0.5, 1.0, 2.5, 9.0]), np.array([1.0, 2.0, 3.0])), {"right": True}),
    ("digitize", (np.array([0.5, 1.0, 2.5, 9.0]), np.array([3.0, 2.0, 1.0])), {}),
    ("digitize", (np.array([0.5, 1.0, 2.5, 9.0]), np.array([3.0, 2.0, 1.0])), {"right": True}),
    ("interp", (np.array([0.0, 1.0, 2.0]), np.array([1.0]), np.array([5.0])), {}),
    ("interp", (np.array([0.5, 1.0, 2.0]), np.array([0.0, 1.0, 1.0]), np.array([5.0, 6.0, 7.0])), {}),
    ("diag", (np.zeros(0),), {"k": 2}),
    ("diag", (np.arange(6.0).reshape(2, 3),), {"k": 5}),
    ("vander", (np.zeros(0),), {}),
    ("vander", (np.ones(2),), {"N": 0}),
    ("ptp", ([3, 1, 2],), {}),
    ("pad", (np.ones((2, 0)),), {"pad_width": 1}),
    ("pad", (np.arange(3.0), 5), {"mode": "reflect"}),
    ("pad", (np.arange(1.0), 2), {"mode": "reflect"}),
    ("kron", (2.0, np.eye(2)), {}),
    ("trapezoid", (np.zeros((2, 0)),), {}),
    ("average", (np.arange(6.0).reshape(1, 2, 3),), {"axis": (2, 1), "weights": np.arange(6.0).reshape(3, 2)}),
    ("cov", (np.arange(3.0),), {"bias": True}),
]


@pytest.mark.parametrize(("name", "args", "keywords"), PLAIN, ids=lambda v: v if isinstance(v, str) else "")
def test_constants_have_the_value_of_numpy(name, args, keywords):
    xp = differentiable_namespace(np)
    got = ground(getattr(xp, name)(*args, **keywords))
    expected = of_numpy(name, *args, **keywords)
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=1e-12)
    assert np.shape(got) == np.shape(expected)


def test_what_is_left_out_has_no_gradient():
    for name in ("nansum", "nanmean", "nanvar", "nanstd", "nanprod", "nanmax", "nanmin"):
        gradient = grad(lambda x, name=name: getattr(x.__array_namespace__(), name)(x))(NAN)
        assert np.isfinite(gradient).all(), name
        assert (gradient[np.isnan(NAN)] == 0).all(), name


MISTAKES = [
    (ShapeError, lambda xp, x: xp.split(x, 2), r"split: 3 into 2 parts: .* array_split"),
    (ShapeError, lambda xp, x: xp.diag(xp.asarray(1.0)), "a vector or a matrix"),
    (ShapeError, lambda xp, x: xp.pad(x, [(1, 1), (1, 1)]), "widths of 0 and more, for 1 axes"),
    (ShapeError, lambda xp, x: xp.pad(x[:0], 1, mode="edge"), "axis 0 is empty"),
    (SettingError, lambda xp, x: xp.pad(x, 1, mode="median"), "mode 'median'"),
    (SettingError, lambda xp, x: xp.convolve(x, x, mode="most"), "mode 'most'"),
    (ShapeError, lambda xp, x: xp.convolve(x, xp.outer(x, x)), "two vectors"),
    (SettingError, lambda xp, x: xp.quantile(x, 0.5, method="hazen"), "method 'hazen'"),
    (ShapeError, lambda xp, x: xp.select([x > 0], [x, x]), "1 conditions and 2 choices"),
    (ShapeError, lambda xp, x: xp.average(x, weights=x[:2]), "weights"),
    (ShapeError, lambda xp, x: xp.gradient(x[:1]), "1 samples"),
    (ShapeError, lambda xp, x: xp.gradient(x, 1.0, 2.0), "2 distances for 1 axes"),
    (SettingError, lambda xp, x: xp.gradient(x, edge_order=3), "edge_order 3"),
    (ShapeError, lambda xp, x: xp.broadcast_arrays(x, x[:2]), "broadcast_arrays"),
]


@pytest.mark.parametrize(("kind", "call", "said"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_a_mistake_is_named(kind, call, said):
    xp = differentiable_namespace(np)
    with pytest.raises(kind, match=said):
        call(xp, xp.asarray(np.arange(3.0)))


def test_reductions_without_nan_take_a_dtype():
    xp = differentiable_namespace(np)
    for name in ("nanmean", "nanvar", "nanstd", "nancumsum", "nancumprod"):
        x = xp.asarray(np.array([1.0, np.nan, 3.0], dtype=np.float32))
        assert getattr(xp, name)(x, dtype=np.float64).dtype == np.float64, name


def test_the_place_of_an_extreme_without_nan():
    xp = differentiable_namespace(np)
    assert ground(xp.nanargmax(NAN, axis=0)).tolist() == [0, 2, 0]
    assert int(xp.nanargmin(NAN)) == np.nanargmin(NAN)
    assert ground(xp.nanargmax(NONE, axis=0)).tolist() == [-1, 1]
