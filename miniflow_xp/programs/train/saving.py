"""The file that training leaves behind: parameters, and all that is needed to use them."""

from pathlib import Path
from typing import Any

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checkpoints.file import State, encoded
from miniflow_xp.data import Split, Table
from miniflow_xp.data.encoding import Column
from miniflow_xp.errors import DataError
from miniflow_xp.programs.network import Network
from miniflow_xp.switch import to_numpy
from miniflow_xp.system.files import write


def save(path: Path, table: Table, split: Split, network: Network) -> None:
    """Write a checkpoint file; raises SettingError where it cannot be written."""
    write("--output", path, [in_bytes(table, split, network)])


def in_bytes(table: Table, split: Split, network: Network) -> bytes:
    """The checkpoint file; raises DataError where the names in it take more than there is place for."""
    try:
        return b"".join(encoded(State(arrays(split, network), meta(table, split, network))))
    except ValueError as error:
        raise DataError(
            table.source, f"its names are too long to be saved ({error})", "a model keeps them", "Leave columns out"
        ) from None


def arrays(split: Split, network: Network) -> dict[str, Array]:
    """{name: NumPy array}: ``hidden_weights`` and so on, and the standardisation."""
    found = {parameter_key(parameter.name or ""): host(parameter.value) for parameter in network.parameters}
    found |= {
        "feature_mean": split.features.mean,
        "feature_scale": split.features.scale,
        "feature_constant": np.isinf(split.features.scale),
        "feature_limit": np.array(split.features.limit),
    }
    if split.target is None:
        return found
    return found | {"target_mean": split.target.mean, "target_scale": split.target.scale}


def meta(table: Table, split: Split, network: Network) -> dict[str, Any]:
    """What the numbers mean: columns of the table, and classes by their names."""
    found: dict[str, Any] = {
        "task": table.task,
        "activation": type(network.output.inbound_nodes[0]).__name__,
        "target_name": table.target_name,
        "feature_names": [column.name for column in split.columns] or table.feature_names,
        "encoded": {column.name: described(column) for column in split.columns if not column.plain},
    }
    return found | {"classes": table.classes} if split.target is None else found


def described(column: Column) -> dict[str, Any]:
    """A column that does not hold plain numbers, for JSON."""
    what = {"categories": column.categories} if column.categories else {"median": column.median}
    return {"gaps": column.gaps, **what}


def parameter_key(name: str) -> str:
    """The name of a parameter in the file."""
    return name.replace(" ", "_")


def host(value: Array) -> Array:
    """An array for the file's format as NumPy has it, without bfloat16; what was restored may be NumPy's."""
    array = to_numpy(value)
    return array if array.dtype.kind == "f" else array.astype("float32")
