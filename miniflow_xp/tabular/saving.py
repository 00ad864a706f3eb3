"""The file that training leaves behind: parameters, and all that is needed to use them."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checkpoint.atomic import write_atomically
from miniflow_xp.data import Split, Table
from miniflow_xp.errors import SettingError
from miniflow_xp.switch import get_backend
from miniflow_xp.tabular.network import Network


def check_writable(option: str, path: Path, source: Path | None = None) -> None:
    """Raise SettingError where ``path`` cannot be written, or is the data at ``source``; ``option`` named it."""
    where = f"{option} {path}"
    if path.is_dir():
        raise SettingError(where, "it is a folder", "it is written as one file", "Choose another file")
    if not path.absolute().parent.is_dir():
        raise SettingError(
            where, f"there is no folder {path.parent}", "it is written to an existing folder", "Make it first"
        )
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise SettingError(where, "you may not write there", "it is written as one file", "Choose another file")
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise SettingError(where, "this is the data itself", "it would be overwritten", "Choose another file")


def write(option: str, path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises SettingError, which names the ``option``."""
    try:
        write_atomically(path, [content])
    except OSError as error:
        raise not_written(option, path, error) from None


def not_written(option: str, path: Path, error: OSError) -> SettingError:
    """The error for a file that could not be written."""
    return SettingError(
        f"{option} {path}", "it could not be written", error.strerror or str(error), "Make room, or choose another file"
    )


def save(path: Path, table: Table, split: Split, network: Network) -> None:
    """Write a NumPy archive without pickled objects; raises SettingError where it cannot be written."""
    archive = BytesIO()
    np.savez(archive, **contents(table, split, network))
    write("--output", path, archive.getvalue())


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
