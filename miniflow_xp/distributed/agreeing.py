"""What processes must have in common: gathered and compared."""

import json
from collections.abc import Mapping
from typing import Any

from miniflow_xp.distributed.world import World
from miniflow_xp.errors import WorldError


def check_alike(world: World, where: str, items: Mapping[str, object]) -> None:
    """Raise WorldError, in all processes, where one has another item, as text, than the process of rank 0."""
    mine = {name: str(value) for name, value in items.items()}
    first, *others = (json.loads(data) for data in world.gather(json.dumps(mine).encode()))
    for rank, other in enumerate(others, 1):
        for name in {**first, **other}:
            if first.get(name) != other.get(name):
                raise WorldError(
                    f"{where}, rank {rank}",
                    f"{name}: {other.get(name)}",
                    f"rank 0 has {first.get(name)}, and all ranks train the same",
                    "Start one program with the same arguments, versions and data in every process",
                )


def alike(world: World, value: Any) -> Any:
    """What rank 0 has, which JSON can hold, in all processes."""
    return value if world.size == 1 else json.loads(world.share(json.dumps(value).encode()))
