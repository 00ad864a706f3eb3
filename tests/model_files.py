"""Model files: read with NumPy alone, as docs show it; written, also in the forms of earlier versions."""

import json
from pathlib import Path

import numpy as np

from miniflow_xp.checkpoints import State, save
from miniflow_xp.checkpoints.file import BLANK, FIRST, checksum

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "BOOL": "?"}


def contents(path):
    """Arrays and texts of a model by name."""
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    meta = {name: text for name, text in header.pop("__metadata__").items() if name[:6] not in ("format", "sha256")}
    arrays = {name: array(data, start, **entry) for name, entry in header.items()}
    return arrays | {name: json.loads(text) for name, text in meta.items()}


def array(data, start, dtype, shape, data_offsets):
    first, end = (start + offset for offset in data_offsets)
    return np.frombuffer(data[first:end], DTYPES[dtype]).reshape(shape).copy()


def write(path, found):
    """A model of these arrays and texts."""
    arrays = {name: value for name, value in found.items() if isinstance(value, np.ndarray)}
    save(path, State(arrays, {name: value for name, value in found.items() if name not in arrays}))


def write_archive(path, found):
    """The same as an archive, whose texts are one member of JSON."""
    arrays = {name: value for name, value in found.items() if isinstance(value, np.ndarray)}
    said = {name: value for name, value in found.items() if name not in arrays}
    write_npz(path, **arrays, texts=np.frombuffer(json.dumps(said, ensure_ascii=False).encode(), "uint8"))


def write_first(path, found):
    """The same with an array of texts for each, and nothing that tells constant columns."""
    write_npz(path, **{name: np.array(value) for name, value in found.items() if name != "feature_constant"})


def write_npz(path, **arrays):
    """An archive under just this name: NumPy would add an end to it."""
    with path.open("wb") as file:
        np.savez(file, **arrays)


def sealed(data):
    """The bytes of a file of ours with a checksum that is right."""
    start, end = 8 + len(FIRST), 8 + len(FIRST) + len(BLANK)
    return data[:start] + checksum([data[:start], BLANK, data[end:]]) + data[end:]
