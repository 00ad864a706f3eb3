"""The file that training leaves behind: parameters, and all that is needed to use them."""

import os
from pathlib import Path

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data import Split, Table
from miniflow_xp.errors import SettingError
from miniflow_xp.network import Network
from miniflow_xp.switch import get_backend


def check_writable(path: Path, source: Path | None = None) -> None:
    """Raise SettingError where ``path`` cannot be written, or is the table ``source`` itself."""
    where = f"--output {path}"
    remedy = "Choose another file: --output FILE.npz"
    if path.is_dir():
        raise SettingError(where, "it is a folder", "parameters are written to a file", remedy)
    if not path.absolute().parent.is_dir():
        raise SettingError(
            where, f"there is no folder {path.parent}", "parameters are written to an existing folder", "Make it first"
        )
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise SettingError(where, "you may not write there", "parameters are written to a file", remedy)
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise SettingError(where, "this is the table itself", "it would be overwritten", remedy)


def save(path: Path, table: Table, split: Split, network: Network) -> None:
    """Write a NumPy archive without pickled objects; raises SettingError where it cannot be written."""
    try:
        with path.open("wb") as file:
            np.savez(file, **contents(table, split, network))
    except OSError as error:
        raise SettingError(
            f"--output {path}",
            "it could not be written",
            error.strerror or str(error),
            "Choose another file: --output FILE.npz",
        ) from None


def contents(table: Table, split: Split, network: Network) -> dict[str, Array]:
    """{name: NumPy array}: ``hidden_weights`` and so on, the standardisation, and the names of columns and classes."""
    arrays = {parameter_key(parameter.name or ""): host(parameter.value) for parameter in network.parameters}
    arrays |= {
        "feature_names": np.array(table.feature_names),
        "feature_mean": split.features.mean,
        "feature_scale": split.features.scale,
        "feature_limit": np.array(split.features.limit),
        "activation": np.array(type(network.output.inbound_nodes[0]).__name__),
        "target_name": np.array(table.target_name),
        "task": np.array(table.task),
    }
    if split.target is None:
        return arrays | {"classes": np.array(table.classes)}
    return arrays | {"target_mean": split.target.mean, "target_scale": split.target.scale}


def parameter_key(name: str) -> str:
    """The name of a parameter in the file."""
    return name.replace(" ", "_")


def host(value: Array) -> Array:
    """An array of the backend for NumPy's file format, which has no bfloat16."""
    array = get_backend().to_numpy(value)
    return array if array.dtype.kind == "f" else array.astype("float32")
