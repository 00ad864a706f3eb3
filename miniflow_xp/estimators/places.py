"""Where a user's arrays belong, and the way there and back: results are given in the library that asked for them."""

from typing import Any

import array_api_compat as compat
import numpy as np

from miniflow_xp.backend import Array, Backend
from miniflow_xp.given import of_another_library
from miniflow_xp.switch import Choice, backend_of, get_backend, load, to_numpy


def on_host(values: Any) -> Any:
    """An array of another library as one of NumPy; any other thing as it is."""
    return to_numpy(values) if of_another_library(values) else values


def home(X: Array) -> Backend:
    """The backend of the library and device that an array belongs to."""
    return load("numpy") if isinstance(X, np.ndarray) else backend_of([X])


def place(X: Array) -> str:
    """Library and device of an array, in words."""
    return "numpy" if isinstance(X, np.ndarray) else f"{home(X).name} on {compat.device(X)}"


def computing(choice: Choice | None, X: Array) -> Backend:
    """What computes: the backend that was chosen, else that of X, else, for NumPy's, the one in use."""
    if choice is not None:
        return load(choice)
    return get_backend() if isinstance(X, np.ndarray) else home(X)


def native(X: Array, backend: Backend) -> Array:
    """The array where the backend computes with it, or on the host, from where batches move there."""
    return X if backend.owns(X) and backend.on_device(X) else on_host(X)


def like(values: Array, X: Array) -> Array:
    """Values of any library in that of ``X``, on its device."""
    if isinstance(X, np.ndarray):
        return on_host(values)
    theirs = home(X)
    if not theirs.owns(values):
        with theirs.activate():
            values = theirs.asarray(to_numpy(values))
    return compat.to_device(values, compat.device(X))


def nothing_like(X: Array) -> Array:
    """No rows (0, d), of the library and on the device of ``X``."""
    xp = compat.array_namespace(X)
    return xp.zeros((0, X.shape[1]), dtype=X.dtype, device=compat.device(X))
