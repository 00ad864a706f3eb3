"""The option ``--dtype``, which goes before MINIFLOW_DTYPE."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from miniflow_xp import dtypes
from miniflow_xp.errors import SettingError
from miniflow_xp.feed import downcast_setting, float_setting, use_float_dtype
from miniflow_xp.switch import get_backend


@contextmanager
def chosen_dtype(dtype: str | None) -> Iterator[None]:
    """Let ``dtype`` be the float dtype inside the block; None leaves what the environment says.

    Raises SettingError for what is no float dtype, and for one that the backend in use does not have.
    """
    where = "MINIFLOW_DTYPE" if dtype is None else "--dtype"
    with nullcontext() if dtype is None else use_float_dtype(dtypes.parse(dtype, where, floats_only=True)):
        check_storable(where)
        yield


def check_storable(where: str) -> None:
    """Raise SettingError where the backend in use would store a narrower dtype, unless that is allowed."""
    asked, backend = float_setting(), get_backend()
    if asked is None or downcast_setting() == "warn":
        return
    stored = backend.storable(asked)
    if stored != asked:
        more = "; or switch 64 bits on: JAX_ENABLE_X64=1" if backend.name == "jax" and asked == "float64" else ""
        raise SettingError(
            where,
            f"it is {asked}",
            f"{backend.name} on {backend.device} stores {stored}",
            f"Choose {stored}, or another backend{more}",
        )
