"""Calls of xarray."""

import numpy as np
import xarray as xr

from .call import Rows, normal, positive
from .plain import np_like

row = Rows("xarray")
T, S, W = normal(6, 4), normal(6, 4, seed=1), positive(6)
NAMES = ("time", "place")


def table(x):
    """An array with names for its axes, and coordinates."""
    return xr.DataArray(x, dims=NAMES, coords={"time": np.arange(6), "place": list("abcd")})


def on(name, function, *arrays):
    """A row of a method of DataArray."""
    row(name, lambda x, *more: function(table(x), *more).data, T, *arrays)


on("arithmetic", lambda t: 2 * t**2 - t / 3 + 1)
on("arithmetic, of two", lambda t, y: t * table(y) + t, S)
on("broadcasting by name", lambda t, w: t * xr.DataArray(w, dims="time"), W)
for name in ["sum", "mean", "prod", "max", "min", "std", "var"]:
    on(f"DataArray.{name}", lambda t, name=name: getattr(t, name)("time"))
on("DataArray.sum, everything", lambda t: t.sum())
on("DataArray.mean, skipna=False", lambda t: t.mean("time", skipna=False))
on("DataArray.median", lambda t: t.median("time"))
on("DataArray.quantile", lambda t: t.quantile(0.3, "time"))
on("DataArray.cumsum", lambda t: t.cumsum("time"))
on("DataArray.cumprod", lambda t: t.cumprod("time"))
on("DataArray.diff", lambda t: t.diff("time"))
on("DataArray.shift", lambda t: t.shift(time=1, fill_value=0.0))
on("DataArray.roll", lambda t: t.roll(time=1))
on("DataArray.isel", lambda t: t.isel(time=slice(1, 4), place=2))
on("DataArray.isel, a list", lambda t: t.isel(time=[3, 1, 1]))
on("DataArray.sel", lambda t: t.sel(place=["c", "a"], time=slice(1, 3)))
on("DataArray.transpose", lambda t: t.transpose("place", "time"))
on("DataArray.stack", lambda t: t.stack(z=NAMES))
on("DataArray.unstack", lambda t: t.stack(z=NAMES).unstack("z"))
on("DataArray.rename", lambda t: t.rename(time="hour") ** 2)
on("DataArray.expand_dims", lambda t: t.expand_dims("more"))
on("DataArray.squeeze", lambda t: t.isel(time=[0]).squeeze())
on("DataArray.where", lambda t: t.where(t > 0, 0.0))
on("DataArray.where, NaN", lambda t: t.where(t > 0).sum("time"))
on("DataArray.fillna", lambda t: t.where(t > 0).fillna(1.0))
on("DataArray.clip", lambda t: t.clip(-0.5, 0.5))
on("DataArray.dot", lambda t, w: t.dot(xr.DataArray(w, dims="time")), W)
on("DataArray.weighted.mean", lambda t, w: t.weighted(xr.DataArray(w, dims="time")).mean("time"), W)
on("DataArray.weighted.sum", lambda t, w: t.weighted(xr.DataArray(w, dims="time")).sum("time"), W)
on("DataArray.rolling.mean", lambda t: t.rolling(time=3).mean().isel(time=slice(2, None)))
on("DataArray.rolling.construct", lambda t: t.rolling(time=3).construct("w").isel(time=slice(2, None)).mean("w"))
on("DataArray.coarsen.mean", lambda t: t.coarsen(time=2).mean())
on("DataArray.groupby.mean", lambda t: t.groupby(xr.DataArray([0, 1, 0, 1, 0, 1], dims="time", name="k")).mean())
on("DataArray.interp", lambda t: t.interp(time=[0.5, 2.2]))
on("DataArray.differentiate", lambda t: t.differentiate("time"))
on("DataArray.integrate", lambda t: t.integrate("time"))
on("DataArray.pad", lambda t: t.pad(time=1, constant_values=0.0))
on("DataArray.sortby", lambda t: t.sortby("place", ascending=False))
on("DataArray.reindex", lambda t: t.reindex(time=[0, 1, 2]))
on("DataArray.argmax", lambda t: t.argmax("time"))
on("DataArray.polyfit", lambda t: t.polyfit("time", 1).polyfit_coefficients)
on("DataArray.astype", lambda t: t.astype("float64") ** 2)
on("DataArray.item assignment", lambda t: assigned(t))
on("Variable.mean", lambda t: t.variable.mean("time"))
row("np.exp", lambda x: np.exp(table(x)).data, T)
row("np.sqrt", lambda x: np.sqrt(table(x)).data, positive(6, 4))
row("xr.where", lambda x, y: xr.where(table(x) > 0, table(x), table(y)).data, T, S)
row("xr.concat", lambda x, y: xr.concat([table(x), table(y)], "time").data, T, S)
row("xr.dot", lambda x, y: xr.dot(table(x), table(y), dim="time").data, T, S)
row("xr.cov", lambda x, y: xr.cov(table(x), table(y), "time").data, T, S)
row("xr.corr", lambda x, y: xr.corr(table(x), table(y), "time").data, T, S)
row(
    "xr.polyval",
    lambda c: (
        xr.polyval(
            xr.DataArray(np_like(c, [0.5, 1.0]), dims="x"), xr.DataArray(c, dims="degree", coords={"degree": [0, 1, 2]})
        ).data
    ),
    normal(3),
)
row("xr.apply_ufunc", lambda x: xr.apply_ufunc(lambda v: v * v, table(x)).data, T)
row("Dataset.mean", lambda x: xr.Dataset({"a": table(x)}).mean("time").a.data, T)
row("Dataset.to_array", lambda x, y: xr.Dataset({"a": table(x), "b": table(y)}).to_array().data, T, S)
row("xr.Dataset arithmetic", lambda x: (xr.Dataset({"a": table(x)}) * 2).a.data, T)


def assigned(t):
    t = t.copy()
    t[{"time": 0}] = 1.0
    return t * t
