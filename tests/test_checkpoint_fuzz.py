"""Mutated files: never a crash, never a hang, never a wrong load, always one of our errors.

MINIFLOW_TEST_MUTATIONS=100000 makes so many of each of the two kinds, checkpoints and data files; the default is 2,000.
Each mutation depends on SEED and its number alone: what fails can be made again.

A checkpoint has a checksum, so that no mutated one may be loaded. Half of the mutations are signed with the right
checksum again, as a hostile person would: these may be loaded where they are well-formed, and must then hold what a
second, plain reader finds in them. Data files have no checksum of ours: what is loaded has to agree with NumPy's own
reader, or for IDX and CSV with a plain reading of the same bytes.
"""

import csv
import gzip
import io
import json
import os
import random
import time

import numpy as np

from miniflow_xp import errors
from miniflow_xp.checkpoints import State, load, save
from miniflow_xp.checkpoints import file as file_module
from miniflow_xp.data import read_table
from miniflow_xp.data.dialect import SEPARATORS
from miniflow_xp.data.idx import TYPES, read_idx
from miniflow_xp.data.npy import open_npy, read_npz

MUTATIONS = int(os.environ.get("MINIFLOW_TEST_MUTATIONS", "2000"))
SEED = 20_240
LONGEST = 5.0  # seconds of a processor for one file of a few hundred bytes; one takes under a millisecond
INTERESTING = [
    b"\0",
    b"\xff" * 8,
    b"\x7f" + b"\xff" * 7,
    b"\x1f\x8b",
    b"NaN",
    b"1e999",
    b"-1",
    b"9" * 30,
    b"[" * 50,
    b"{",
    b"}",
    b'"',
    b",",
    b"\n",
    b'"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},',
    b"\\ud800",
    b"True",
    b"'|O'",
    b"\xef\xbb\xbf",
]


def mutated(data, rng):
    """Some bytes changed, cut, put in, doubled, moved, or swapped; at least one differs."""
    found = bytearray(data)
    while bytes(found) == data:
        for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
            mutate_once(found, rng)
    return bytes(found)


def mutate_once(found, rng):
    a = rng.randrange(min(len(found), rng.choice([32, 10**6])) + 1)  # headers more often than what follows
    b = min(a + rng.choice([1, 1, 2, 4, 8, 30]), len(found))
    kind = rng.randrange(8)
    if kind == 0 and a < len(found):
        found[a] ^= 1 << rng.randrange(8)
    elif kind == 1 and a < len(found):
        found[a] = rng.randrange(256)
    elif kind == 2:
        del found[a:b]
    elif kind == 3:
        del found[a:]
    elif kind == 4:
        found[a:a] = rng.choice(INTERESTING)
    elif kind == 5:
        found[a:b] = rng.choice(INTERESTING)
    elif kind == 6:
        found[a:a] = found[a:b]
    else:
        c = rng.randrange(len(found) + 1)
        found[c:c] = found[a:b]


def check(read, path, data):
    """What ``read`` gives for a file with these bytes, or None after one of our errors that names the file."""
    path.write_bytes(data)
    start, problem, found = time.process_time(), "", None
    try:
        found = read(path)
    except errors.MiniflowError as error:
        problem = str(error)
    assert time.process_time() - start < LONGEST
    assert (path.name in problem) == (found is None)
    return found


def tell(capsys, kind, counts):
    """Say what was done, past pytest's capture of output."""
    with capsys.disabled():
        print(f"\n{kind}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))


# Checkpoints

STATE = State(
    {"parameters/W": np.arange(6, dtype="f4").reshape(2, 3), "slots/0/W": np.ones((2, 3)), "m": np.array([True])},
    {"step": 12, "optimizer": {"kind": "Adam", "settings": {"betas": [0.9, 0.999]}}, "seed": 2**64, "name": "ü"},
)


def signed(data):
    """The file with the checksum that it would have to have; as it is where there is no place for one."""
    start = 8 + len(file_module.FIRST)
    end = start + len(file_module.BLANK)
    if not data[8:].startswith(file_module.FIRST) or len(data) < end:
        return data
    blanked = data[:start] + file_module.BLANK + data[end:]
    return data[:start] + file_module.checksum([blanked]) + data[end:]


def plainly_read(data):
    """What is in a well-formed file, by the shortest program that finds it."""
    count = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + count]), data[8 + count :]
    meta = header.pop("__metadata__")
    kinds = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?", "U8": "u1", "I8": "i1"}
    arrays = {
        name: np.frombuffer(body[slice(*e["data_offsets"])], kinds[e["dtype"]]).reshape(e["shape"])
        for name, e in header.items()
    }
    assert sum(array.nbytes for array in arrays.values()) == len(body)
    return arrays, {k: json.loads(v) for k, v in meta.items() if k not in ("sha256", "format", "format_version")}


def test_a_mutated_checkpoint_is_never_loaded(tmp_path, capsys):
    good, path = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    save(good, STATE)
    data = good.read_bytes()
    counts = {"mutated checkpoints refused": 0, "signed ones refused": 0, "signed ones well-formed and loaded": 0}
    for number in range(MUTATIONS):
        rng = random.Random(f"{SEED} checkpoint {number}")
        if number % 2:
            assert check(load, path, mutated(data, rng)) is None, number
            counts["mutated checkpoints refused"] += 1
            continue
        hostile = signed(mutated(data, rng))
        state = check(load, path, hostile)
        if state is None:
            counts["signed ones refused"] += 1
        else:
            counts["signed ones well-formed and loaded"] += 1
            arrays, meta = plainly_read(hostile)
            assert state.meta == meta, number
            assert set(state.arrays) == set(arrays), number
            for name, array in arrays.items():
                assert state.arrays[name].tobytes() == array.tobytes(), number
                assert (state.arrays[name].dtype, state.arrays[name].shape) == (array.dtype, array.shape), number
    tell(capsys, "checkpoints", counts)
    assert all(counts.values())


# Data files


def idx_bytes():
    return bytes([0, 0, 11, 2]) + (3).to_bytes(4, "big") + (4).to_bytes(4, "big") + bytes(range(24))


def numpy_bytes(write, *arrays, **named):
    file = io.BytesIO()
    write(file, *arrays, **named)
    return file.getvalue()


MATRIX = np.arange(12.0).reshape(3, 4)
TEXT = b'height,"width, cm",kind\n1.5,2,a\n-3e-1,"4",b\n5,6,a\n'


def idx_agrees(got, data):
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    kind, axes = data[2], data[3]
    shape = np.frombuffer(data[4 : 4 + 4 * axes], ">u4")
    expected = np.frombuffer(data[4 + 4 * axes :], TYPES[kind])
    assert got.shape == tuple(shape)
    assert got.tobytes() == expected.astype(expected.dtype.newbyteorder("=")).tobytes()


def npy_agrees(got, data):
    np.testing.assert_array_equal(got, np.load(io.BytesIO(data), allow_pickle=False))


def npz_agrees(got, data):
    with np.load(io.BytesIO(data), allow_pickle=False) as expected:
        assert set(got) == set(expected.files)
        for name, array in got.items():
            np.testing.assert_array_equal(array, expected[name])


def csv_agrees(table, data):
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    note = "".join(table.notes[:1])
    separator = next((sign for sign, name in SEPARATORS.items() if f"separated by {name}" in note), ",")
    lines = csv.reader(text, delimiter=separator, skipinitialspace=True)
    rows = [[cell.strip() for cell in row] for row in lines]
    names, *rows = [row for row in rows if any(row) or len(row) > 1]
    place = names.index("kind")
    assert [column.name for column in table.columns] == [*names[:place], *names[place + 1 :]]
    sign = "," if "decimal comma" in note else "."
    start = 0
    for column in table.columns:
        cells = [row[names.index(column.name)] for row in rows]
        block = table.features[:, start : (start := start + len(column.names))].tolist()
        assert column.gaps or block == [number_of(column, cell, sign) for cell in cells]
    assert start == table.features.shape[1]
    if table.classes:
        assert [table.classes[n] for n in table.target] == [row[place] for row in rows]


def number_of(column, cell, sign):
    """What a cell becomes, where none is missing."""
    if column.categories:
        return [float(cell == text) for text in column.categories]
    return [float(cell.replace(sign, "."))]


def table(path):
    return read_table(path, "kind", "classification")


KINDS = {
    "idx": (idx_bytes(), read_idx, idx_agrees),
    "idx.gz": (gzip.compress(idx_bytes(), mtime=0), read_idx, idx_agrees),
    "npy": (numpy_bytes(np.save, MATRIX), open_npy, npy_agrees),
    "npz": (numpy_bytes(np.savez, a=MATRIX, b=MATRIX[0]), read_npz, npz_agrees),
    "compressed.npz": (numpy_bytes(np.savez_compressed, a=MATRIX), read_npz, npz_agrees),
    "mapped.npz": (numpy_bytes(np.savez, a=MATRIX), lambda path: read_npz(path, mapped=True), npz_agrees),
    "csv": (TEXT, table, csv_agrees),
    "csv.gz": (gzip.compress(TEXT, mtime=0), table, csv_agrees),
}


def test_a_mutated_data_file_is_refused_or_read_as_it_stands(tmp_path, capsys):
    counts = {f"{name} {what}": 0 for name in KINDS for what in ("refused", "loaded")}
    for number in range(MUTATIONS):
        name, (good, read, agrees) = list(KINDS.items())[number % len(KINDS)]
        data = mutated(good, random.Random(f"{SEED} {name} {number}"))
        found = check(read, tmp_path / f"bad.{name}", data)
        counts[f"{name} {'refused' if found is None else 'loaded'}"] += 1
        if found is not None and agrees is not None:
            agrees(found, data)
        del found
    tell(capsys, "data files", counts)
    assert all(counts[f"{name} refused"] for name in KINDS)


def test_the_files_that_are_mutated_are_good_ones(tmp_path):
    for name, (data, read, agrees) in KINDS.items():
        found = check(read, tmp_path / f"good.{name}", data)
        assert found is not None
        if agrees is not None:
            agrees(found, data)
