"""The file that training leaves behind: parameters, and all that is needed to use them."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data import Split, Table
from miniflow_xp.data.encoding import Column
from miniflow_xp.data.texts import packed
from miniflow_xp.programs.network import Network
from miniflow_xp.programs.outputs import write
from miniflow_xp.switch import to_numpy


def save(path: Path, table: Table, split: Split, network: Network) -> None:
    """Write a NumPy archive without pickled objects; raises SettingError where it cannot be written."""
    archive = BytesIO()
    np.savez(archive, **contents(table, split, network))
    write("--output", path, archive.getvalue())


def contents(table: Table, split: Split, network: Network) -> dict[str, Array]:
    """{name: NumPy array}: ``hidden_weights`` and so on, the standardisation, and ``texts``, which is JSON."""
    texts: dict[str, Any] = {
        "task": table.task,
        "activation": type(network.output.inbound_nodes[0]).__name__,
        "target_name": table.target_name,
        "feature_names": [column.name for column in split.columns] or table.feature_names,
        "encoded": {column.name: described(column) for column in split.columns if not column.plain},
    }
    if split.target is None:
        texts["classes"] = table.classes
    arrays = {parameter_key(parameter.name or ""): host(parameter.value) for parameter in network.parameters}
    arrays |= {
        "texts": packed(texts),
        "feature_mean": split.features.mean,
        "feature_scale": split.features.scale,
        "feature_constant": np.isinf(split.features.scale),
        "feature_limit": np.array(split.features.limit),
    }
    if split.target is None:
        return arrays
    return arrays | {"target_mean": split.target.mean, "target_scale": split.target.scale}


def described(column: Column) -> dict[str, Any]:
    """A column that does not hold plain numbers, for JSON."""
    what = {"categories": column.categories} if column.categories else {"median": column.median}
    return {"gaps": column.gaps, **what}


def parameter_key(name: str) -> str:
    """The name of a parameter in the file."""
    return name.replace(" ", "_")


def host(value: Array) -> Array:
    """An array for NumPy's file format, which has no bfloat16; a value restored and not used since is NumPy's."""
    array = to_numpy(value)
    return array if array.dtype.kind == "f" else array.astype("float32")
