"""Files of weights: safetensors, PyTorch's and Keras's."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checkpoints import header
from miniflow_xp.checkpoints.file import array_at, read_data, size_of
from miniflow_xp.errors import DataError
from miniflow_xp.system.packages import needed, said_by


class Weights(NamedTuple):
    """Arrays by name; ``form``: ``torch`` or ``keras``; ``in_order``: do they come in the order of the layers?

    ``settings``: what a file of Keras says of each layer.
    """

    arrays: Mapping[str, Any]
    form: str = "torch"
    in_order: bool = True
    settings: Mapping[str, Any] = {}


def read(path: Path) -> Weights:
    """The weights in a file, by its ending; raises DataError."""
    name = path.name.lower()
    ending = next((ending for ending in READERS if name.endswith(ending)), None)
    if ending is None:
        raise wrong(path, "its ending tells no format", f"endings are {', '.join(READERS)}")
    if not path.is_file():
        raise wrong(path, "it is no file", "a file of weights is there")
    try:
        return READERS[ending](path)
    except (
        ValueError,
        OSError,
        LookupError,
        AttributeError,
        TypeError,
        RuntimeError,
        MemoryError,
        zipfile.BadZipFile,
    ) as error:
        if isinstance(error, DataError):
            raise
        raise wrong(path, f"it cannot be read ({said_by(error)})", f"it is a whole {ending} file") from error


def wrong(path: Path, got: str, expected: str, remedy: str = "Check the file's name") -> DataError:
    """The error for a file that is none of weights."""
    return DataError(str(path), got, expected, remedy)


def of_safetensors(path: Path) -> Weights:
    """A safetensors file, whose arrays lie in the order of their names, not of the layers."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(header.LONGEST, size_of(file)):
            raise ValueError(f"it says that its header has {length:,} bytes")
        _, places = header.decode(file.read(length), size_of(file) - 8 - length)
        data = read_data(file, size_of(file) - 8 - length)
    return Weights({place.name: array_at(place, data) for place in places}, in_order=False)


def of_torch(path: Path) -> Weights:
    """What ``torch.save(module.state_dict(), path)`` wrote; nothing in it is run."""
    torch = needed("torch", str(path), "'miniflow_xp[torch]'")
    import pickle

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise wrong(
            path,
            f"PyTorch does not load it as weights alone ({said_by(error)})",
            "it holds a state dictionary, and no code",
            "Write it by torch.save(module.state_dict(), path)",
        ) from error
    if not isinstance(found, Mapping):
        raise wrong(path, f"it holds a {type(found).__name__}", "it holds a state dictionary")
    return Weights(found)


def of_keras(path: Path) -> Weights:
    """What ``model.save(path)`` wrote: the weights, and the settings of the layers."""
    with zipfile.ZipFile(path) as archive:
        version = str(json.loads(archive.read("metadata.json")).get("keras_version"))
        if not version.startswith("3."):
            raise wrong(path, f"it is of Keras {version[:20]}", "it is of Keras 3", "Save it by Keras 3")
        layers = json.loads(archive.read("config.json")).get("config", {}).get("layers", [])
        weights = of_hdf5(path, io.BytesIO(archive.read("model.weights.h5")))
    by_name = {layer["config"]["name"]: layer["config"] for layer in layers if "name" in layer.get("config", {})}
    settings = {place: by_name.get(told["name"], told) for place, told in weights.settings.items()}
    return weights._replace(settings=settings)


def of_hdf5(path: Path, content: Any = None) -> Weights:
    """What ``model.save_weights(path)`` wrote; the names that a user gave the layers are in it, too."""
    h5py = needed("h5py", str(path), "'miniflow_xp[keras]'")
    arrays: dict[str, Array] = {}
    names: dict[str, Any] = {}

    def enter(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = np.asarray(item)
        elif name.endswith("/vars"):
            names[name.removesuffix("/vars")] = {"name": str(item.attrs.get("name", ""))}

    with h5py.File(content or path, "r") as file:
        if "layer_names" in file.attrs or "layers" not in file:
            raise wrong(
                path, "it is no file of Keras 3", "it has the group 'layers'", "Write it by Keras 3, save_weights"
            )
        file.visititems(enter)
    return Weights(arrays, "keras", False, names)


READERS = {
    ".safetensors": of_safetensors,
    ".pt": of_torch,
    ".pth": of_torch,
    ".keras": of_keras,
    ".weights.h5": of_hdf5,
}
