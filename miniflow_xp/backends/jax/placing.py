"""Where arrays lie: on one device, or over several that work as one.

Over several, the rows of data are dealt to them, and the state of a step is copied to all, or split. JAX finds out what
they have to tell each other; no result depends on it, but for rounding.
"""

from collections.abc import Sequence

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec, SingleDeviceSharding

from miniflow_xp.backend import Array
from miniflow_xp.errors import DeviceNumberError, SettingError

ROWS = "rows"


class Placing:
    """Of arrays on these devices; ``splits``: is the state split where that goes without a rest?"""

    def __init__(self, devices: Sequence[jax.Device], splits: bool) -> None:
        self.devices, self.splits = list(devices), splits
        self.mesh = Mesh(devices, (ROWS,), axis_types=(AxisType.Auto,)) if len(self.devices) > 1 else None

    @property
    def name(self) -> str:
        """The devices in words."""
        return f"{self.devices[0].platform}:{','.join(str(device.id) for device in self.devices)}"

    def of_data(self, shape: Sequence[int]) -> jax.sharding.Sharding:
        """Rows are dealt where they go without a rest."""
        return self._along(0 if shape and self._fits(shape[0]) else None)

    def of_state(self, shape: Sequence[int]) -> jax.sharding.Sharding:
        """Along the first axis that can be split, if it is to be; else there is a copy on each device."""
        axes = [axis for axis, size in enumerate(shape) if self._fits(size)] if self.splits else []
        return self._along(axes[0] if axes else None)

    def as_state(self, array: Array) -> Array:
        """An array, also one that is traced, where the state lies."""
        if self.mesh is None:
            return array
        return jax.lax.with_sharding_constraint(array, self.of_state(array.shape))

    def _fits(self, size: int) -> bool:
        return bool(size) and size % len(self.devices) == 0

    def _along(self, axis: int | None) -> jax.sharding.Sharding:
        if self.mesh is None:
            return SingleDeviceSharding(self.devices[0])
        return NamedSharding(self.mesh, PartitionSpec() if axis is None else PartitionSpec(*[None] * axis, ROWS))


def chosen(first: jax.Device, choice: object) -> list[jax.Device]:
    """The devices of the platform that were chosen: ``"all"``, how many, or ``"0,2"``; None: the first alone."""
    if choice is None:
        return [first]
    every: list[jax.Device] = jax.devices(first.platform)
    if choice == "all":
        return every
    if isinstance(choice, int) and not isinstance(choice, bool):
        numbers = list(range(choice))
    else:
        numbers = [int(n) if n.strip().isdecimal() else -1 for n in str(choice).split(",")]
    if not numbers or len(set(numbers)) < len(numbers) or min(numbers) < 0:
        raise SettingError(
            "backend 'jax', devices", f"it is {choice!r}", "it is 'all', how many, or numbers: '0,2'", "Write 'all'"
        )
    if max(numbers) >= len(every):
        raise DeviceNumberError(
            "backend 'jax', devices", f"it is {choice!r}", f"there are {len(every)} of {first.platform}", "Write 'all'"
        )
    return [every[n] for n in numbers]
