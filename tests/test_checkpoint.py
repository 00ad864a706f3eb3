"""Checkpoints: exact resuming, atomic writing, files and states that do not fit."""

import errno
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import why_unusable
from small_training import OPTIMIZERS, Training, same_bits

import miniflow_xp as mf
from miniflow_xp import errors, switch
from miniflow_xp.checkpoints import Keeper, State, header, load, restore, save, trainer_state
from miniflow_xp.checkpoints import file as file_module
from miniflow_xp.system import files

ARRAYS = {
    "weights": np.arange(12, dtype="float32").reshape(3, 4) / 7,
    "halves": np.array([1.5, -0.0, np.inf, np.nan], "float16"),
    "number": np.array(np.pi),
    "nothing": np.zeros((0, 5), "float64"),
    "labels Größe": np.array([[1], [-2]], "int64"),
    "bytes": np.arange(7, dtype="uint8"),
    "mask": np.array([True, False, True]),
}
META = {"step": 3, "rate": 0.1 + 0.2, "seed": 2**127 + 1, "names": ["a", None, True], "nested": {"é": -1e-300}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


def check_equal(got, expected):
    assert got.meta == expected.meta
    assert set(got.arrays) == set(expected.arrays)
    same_bits([got.arrays[name] for name in expected.arrays], list(expected.arrays.values()))


def names_in(folder):
    return sorted(p.name for p in folder.iterdir())


# The file


def test_what_was_saved_is_loaded(path):
    save(path, State(ARRAYS, META))
    check_equal(load(path), State(ARRAYS, META))
    assert names_in(path.parent) == [path.name]
    assert file_module.load_meta(path) == META


def test_an_empty_state(path):
    save(path, State({}, {}))
    assert load(path) == State({}, {})


@pytest.mark.parametrize("dtype", [str(d) for d in header.DTYPES.values()])
def test_every_dtype_of_the_format(path, dtype):
    array = np.array([[0, 1], [1, 0]]).astype(dtype)
    save(path, State({"a": array}, {}))
    same_bits([load(path).arrays["a"]], [array])


def test_arrays_in_other_orders_of_bytes_and_axes(path):
    array = np.arange(6.0).reshape(2, 3)
    save(path, State({"big": array.astype(">f8"), "columns": np.asfortranarray(array), "part": array[:, ::2]}, {}))
    found = load(path).arrays
    same_bits([found["big"], found["columns"], found["part"]], [array, array, np.ascontiguousarray(array[:, ::2])])


def test_loaded_arrays_are_aligned_and_may_be_written_to(path):
    save(path, State(ARRAYS, META))
    for array in load(path).arrays.values():
        assert array.flags.aligned
        assert array.flags.writeable


def test_the_package_safetensors_reads_our_files(path):
    library = pytest.importorskip("safetensors.numpy", reason="the package safetensors is not installed")
    save(path, State(ARRAYS, META))
    found = library.load_file(path)
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        same_bits([found[name]], [array])


def test_our_header_reader_takes_the_files_of_the_package_safetensors():
    library = pytest.importorskip("safetensors.numpy", reason="the package safetensors is not installed")
    data = library.save(ARRAYS, metadata={"k": "v"})
    count = int.from_bytes(data[:8], "little")
    metadata, places = header.decode(data[8 : 8 + count], len(data) - 8 - count)
    assert metadata == {"k": "v"}
    same_bits(
        [np.array(file_module.array_at(p, np.frombuffer(data[8 + count :], "u1"))) for p in places],
        [ARRAYS[p.name] for p in places],
    )


def test_a_file_of_another_program_is_refused(path):
    library = pytest.importorskip("safetensors.numpy", reason="the package safetensors is not installed")
    library.save_file(ARRAYS, path)
    with pytest.raises(errors.DataError, match="no checkpoint of miniflow_xp"):
        load(path)


@pytest.mark.parametrize(
    ("arrays", "meta"),
    [
        ({"a": np.array(["text"])}, {}),
        ({"a": np.array([None])}, {}),
        ({"a": np.array([1j])}, {}),
        ({"a": np.zeros(2, "f4,f8")}, {}),
        ({"__metadata__": np.zeros(1)}, {}),
        ({"\ud800": np.zeros(1)}, {}),
        ({}, {"nan": float("nan")}),
        ({}, {"set": {1}}),
        ({}, {"sha256": "0"}),
        ({}, {1: 2}),
    ],
)
def test_what_cannot_be_saved_is_an_error_and_writes_nothing(path, arrays, meta):
    path.write_bytes(b"old")
    with pytest.raises(errors.DataError, match="cannot be saved"):
        save(path, State(arrays, meta))
    assert path.read_bytes() == b"old"
    assert names_in(path.parent) == [path.name]


def test_every_single_changed_byte_and_every_cut_is_found(path):
    save(path, State({"a": np.arange(3.0), "b": np.arange(2, dtype="u1")}, {"step": 1}))
    good = path.read_bytes()
    for place in range(len(good)):
        for change in (1, 0x20, 0x80):
            path.write_bytes(good[:place] + bytes([good[place] ^ change]) + good[place + 1 :])
            with pytest.raises(errors.DataError):
                load(path)
        path.write_bytes(good[:place])
        with pytest.raises(errors.DataError):
            load(path)
    path.write_bytes(good + b"\0")
    with pytest.raises(errors.DataError):
        load(path)


def signed(text, data=b""):
    """A file with this header after our checksum, which is right: only a hostile person makes one."""
    text = file_module.FIRST + file_module.BLANK + text
    length = len(text).to_bytes(8, "little")
    digest = file_module.checksum([length, text, data])
    return length + text.replace(file_module.BLANK, digest, 1) + data


OK = b'","format_version":"1"}'
ENTRY = '"%s":{"dtype":"%s","shape":%s,"data_offsets":%s}'


def entries(*parts):
    return OK + b"".join(b"," + (ENTRY % part).encode() for part in parts) + b"}"


HOSTILE = {
    "overlapping": (entries(("a", "F32", "[2]", "[0,8]"), ("b", "F32", "[1]", "[4,8]")), 8),
    "the same bytes twice": (entries(("a", "F32", "[2]", "[0,8]"), ("b", "F32", "[2]", "[0,8]")), 8),
    "a gap": (entries(("a", "U8", "[1]", "[0,1]"), ("b", "U8", "[1]", "[2,3]")), 3),
    "bytes left over": (entries(("a", "U8", "[1]", "[0,1]")), 2),
    "outside of the file": (entries(("a", "U8", "[9]", "[0,9]")), 8),
    "offsets backwards": (entries(("a", "U8", "[0]", "[8,0]")), 8),
    "negative offsets": (entries(("a", "U8", "[8]", "[-8,0]")), 8),
    "a shape that does not fit": (entries(("a", "F32", "[3]", "[0,8]")), 8),
    "a negative shape": (entries(("a", "U8", "[-2,-4]", "[0,8]")), 8),
    "a shape of true": (entries(("a", "U8", "[true]", "[0,1]")), 1),
    "a shape of floats": (entries(("a", "U8", "[8.0]", "[0,8]")), 8),
    "a shape beyond 63 bits": (entries(("a", "U8", "[0,9223372036854775807,9]", "[0,0]")), 0),
    "too many axes": (entries(("a", "U8", str([1] * 65), "[0,1]")), 1),
    "digits without end": (entries(("a", "U8", "[" + "9" * 10**6 + "]", "[0,1]")), 1),
    "an unknown dtype": (entries(("a", "O8", "[1]", "[0,8]")), 8),
    "bytes that are no booleans": (entries(("a", "BOOL", "[8]", "[0,8]")), 8),
    "three offsets": (entries(("a", "U8", "[8]", "[0,4,8]")), 8),
    "twice the same name": (entries(("a", "U8", "[8]", "[0,8]"), ("a", "U8", "[8]", "[0,8]")), 8),
    "an entry that is no object": (OK + b',"a":[]}', 0),
    "an entry with more keys": (OK + b',"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}', 0),
    "nested without end": (OK + b',"a":' + b"[" * 10**6 + b"}", 0),
    "NaN": (entries(("a", "U8", "[NaN]", "[0,1]")), 1),
    "no UTF-8": (OK + b',"\xff":{}}', 0),
    "metadata of numbers": (b'","format_version":1}}', 0),
    "metadata that are no JSON": (b'","format_version":"1","x":"{"}}', 0),
    "metadata with NaN": (b'","format_version":"1","x":"NaN"}}', 0),
    "metadata with infinity": (b'","format_version":"1","x":"1e999"}}', 0),
    "metadata nested without end": (b'","format_version":"1","x":"' + b"[" * 10**5 + b'"}}', 0),
    "metadata with half a character": (b'","format_version":"1","x":"\\ud800"}}', 0),
    "a newer format": (b'","format_version":"2"}}', 0),
    "text after the header": (OK + b"} x", 0),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_with_the_right_checksum_is_refused(path, kind):
    text, size = HOSTILE[kind]
    path.write_bytes(signed(text, b"\7" * size))
    with pytest.raises(errors.DataError, match=path.name):
        load(path)


def test_the_hostile_files_are_made_as_good_ones_are(path):
    path.write_bytes(signed(entries(("a", "U8", "[8]", "[0,8]")), b"\7" * 8))
    same_bits([load(path).arrays["a"]], [np.full(8, 7, "u1")])


@pytest.mark.parametrize("count", [2**63, 2**24 + 1, 2000, 0, 1])
def test_a_header_of_a_wrong_length_is_refused(path, count):
    path.write_bytes(count.to_bytes(8, "little") + b" " * 1000)
    with pytest.raises(errors.DataError):
        load(path)


def test_what_is_no_file_is_refused_and_nothing_waits(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "", "missing", "\0"):
        with pytest.raises(errors.DataError):
            load(tmp_path / name)


# Writing


def test_a_file_appears_by_renaming_after_it_and_before_its_folder_are_on_the_disk(path, monkeypatch):
    seen = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(handle):
        seen.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        fsync(handle)

    def noted_replace(old, new):
        seen.append("rename")
        assert old.parent == new.parent
        return replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    save(path, State(ARRAYS, META))
    assert seen == ["file", "rename", "folder"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("call", ["fsync", "write"])
def test_an_error_leaves_the_old_file_and_no_temporary_one(path, monkeypatch, error, call):
    save(path, State(ARRAYS, META))

    def fails(*_):
        raise error

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fails)
        chunks = [b"new"]
    else:
        chunks = (fails() if n else b"new" for n in range(2))
    with pytest.raises(type(error)):
        files.write_atomically(path, chunks)
    monkeypatch.undo()
    assert names_in(path.parent) == [path.name]
    check_equal(load(path), State(ARRAYS, META))


LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))"
"""Files of the process do not grow beyond 10,000 bytes: as on a full disk, but without one."""


def test_a_file_that_the_system_cuts_is_our_error_and_the_old_one_stays(path):
    save(path, State(ARRAYS, META))
    program = """
import signal, sys, numpy as np
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from miniflow_xp import errors
from miniflow_xp.checkpoints import save, State
try:
    save(sys.argv[1], State({"a": np.zeros(100_000)}, {}))
except errors.DataError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", f"{LIMIT}\n{program}", str(path)], capture_output=True, text=True, check=False
    )
    assert "it could not be written" in done.stdout, done.stderr
    assert names_in(path.parent) == [path.name]
    check_equal(load(path), State(ARRAYS, META))


def test_a_link_is_followed_and_stays_a_link(tmp_path, path):
    link = tmp_path / "link.safetensors"
    link.symlink_to(path)
    save(link, State(ARRAYS, META))
    assert link.is_symlink()
    check_equal(load(path), State(ARRAYS, META))


def test_a_folder_that_is_missing_or_in_the_way_is_our_error(tmp_path):
    for place in (tmp_path / "missing" / "a.safetensors", tmp_path):
        with pytest.raises(errors.DataError):
            save(place, State({}, {}))
    assert names_in(tmp_path) == []


# A trainer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_resumed_run_is_the_uninterrupted_one_to_the_last_bit(backend, path, optimizer, dtype):
    whole, first, second = (Training(optimizer, dtype) for _ in range(3))
    losses = [mf.to_numpy(whole.step(n)) for n in range(9)]
    for n in range(5):
        first.step(n)
    save(path, trainer_state(first.trainer))
    restore(second.trainer, load(path))
    same_bits([mf.to_numpy(second.step(n)) for n in range(5, 9)], losses[5:])
    same_bits(second.values(), whole.values())
    state, expected = second.trainer.snapshot().optimizer, whole.trainer.snapshot().optimizer
    assert state.steps == expected.steps
    for number in expected.slots:
        same_bits(state.slots[number], expected.slots[number])


@pytest.mark.parametrize("optimizer", ["momentum", "Adam"])
@pytest.mark.parametrize("choice", ["numpy", "torch"])
def test_float16_is_kept_to_the_last_bit(path, choice, optimizer):
    pytest.importorskip(choice, reason="not installed")
    with switch.use_backend(choice):
        whole, second = Training(optimizer, "float16"), Training(optimizer, "float16")
        for n in range(6):
            if n == 3:
                save(path, trainer_state(whole.trainer))
            whole.step(n)
        restore(second.trainer, load(path))
        for n in range(3, 6):
            second.step(n)
        same_bits(second.values(), whole.values())


def test_slots_are_float32_and_those_of_half_precision_in_an_old_file_are_taken(path):
    first, second = Training("Adam", "float16"), Training("Adam", "float16")
    first.step(0)
    state = trainer_state(first.trainer)
    slots = {name: array for name, array in state.arrays.items() if name.startswith("slots/")}
    assert {array.dtype.name for array in slots.values()} == {"float32"}
    halves = {name: array.astype("float16") for name, array in slots.items()}
    save(path, State(state.arrays | halves, state.meta))
    restore(second.trainer, load(path))
    second.step(1)
    first.step(1)
    for a, b in zip(
        second.trainer.snapshot().optimizer.slots.values(),
        first.trainer.snapshot().optimizer.slots.values(),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=0, atol=2**-15)  # half a digit of float16, for numbers below 1/8
    assert {slot.dtype.name for slots in second.trainer.snapshot().optimizer.slots.values() for slot in slots} == {
        "float32"
    }


def test_bfloat16_comes_back_as_bfloat16(path):
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def training():
        made = Training("momentum")
        made.X.dtype = "bfloat16"
        for parameter in made.parameters:
            parameter.value = torch.asarray(parameter.value).to(torch.bfloat16)
        return made

    with switch.use_backend("torch"):
        whole, second = training(), training()
        for n in range(6):
            if n == 3:
                save(path, trainer_state(whole.trainer))
            whole.step(n)
        assert set(load(path).meta["dtypes"].values()) == {"bfloat16"}
        restore(second.trainer, load(path))
        for n in range(3, 6):
            second.step(n)
        assert second.parameters[0].value.dtype == torch.bfloat16
        same_bits(second.values(), whole.values())
    with switch.use_backend("numpy"), pytest.raises(errors.DataError, match="bfloat16, which numpy does not have"):
        restore(training().trainer, load(path))


@pytest.mark.parametrize("other", ["numpy", "torch", "jax", "strict"])
def test_saved_on_any_backend_and_loaded_on_any_other(backend, path, other):
    if reason := why_unusable(other):
        pytest.skip(reason)
    first, second = Training("AdamW", "float64"), Training("AdamW", "float64", seed=4)
    for n in range(3):
        first.step(n)
    save(path, trainer_state(first.trainer))
    with switch.use_backend(other):
        for n in range(2):
            second.step(n)  # the state that was there before must leave no trace
        restore(second.trainer, load(path))
        same_bits(second.values(), first.values())
        check_equal(no_versions(trainer_state(second.trainer)), no_versions(load(path)))
        second.step(3)
    first.step(3)
    for a, b in zip(second.values(), first.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)  # one step of 1e-2 on numbers below 2, 4 digits to spare


def no_versions(state):
    return State(state.arrays, {k: v for k, v in state.meta.items() if k != "versions"})


def test_a_file_is_loaded_without_the_library_that_it_was_saved_from(path, run_python):
    pytest.importorskip("torch", reason="torch is not installed")
    with switch.use_backend("torch"):
        training = Training()
        training.step(0)
        save(path, trainer_state(training.trainer))
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
sys.modules["torch"] = None
from small_training import Training
from miniflow_xp.checkpoints import load, restore
training = Training()
restore(training.trainer, load({str(path)!r}))
training.step(1)
"""
    run_python(program, PYTHONPATH=str(Path(__file__).parents[1]))


def test_saving_moves_nothing_and_captures_nothing_anew(backend):
    training = Training()
    training.step(0)
    captured, values = training.trainer._captured, training.values()
    with switch.use_backend("numpy"):
        state = trainer_state(training.trainer)
    assert all(map(backend.owns, (p.value for p in training.parameters)))
    training.step(1)
    assert training.trainer._captured is captured
    same_bits([state.arrays[f"parameters/{p.name}"] for p in training.parameters], values)


def test_a_state_does_not_change_with_later_steps_nor_by_a_restored_run(backend):
    training = Training("momentum")
    training.step(0)
    state = trainer_state(training.trainer)
    copy = State({name: a.copy() for name, a in state.arrays.items()}, json.loads(json.dumps(state.meta)))
    training.step(1)
    restore(training.trainer, state)
    training.step(1)
    check_equal(state, copy)


def test_a_state_may_be_taken_before_the_first_step_and_right_after_restoring(backend, path):
    first, second, whole = (Training("momentum") for _ in range(3))
    save(path, trainer_state(first.trainer))
    assert not [name for name in load(path).arrays if name.startswith("slots/")]
    second.step(7)
    restore(second.trainer, load(path))
    check_equal(trainer_state(second.trainer), trainer_state(first.trainer))
    for n in range(3):
        second.step(n)
        whole.step(n)
    same_bits(second.values(), whole.values())
    saved = trainer_state(second.trainer)
    restore(first.trainer, saved)
    check_equal(trainer_state(first.trainer), saved)


def changed(state, **changes):
    arrays, meta = dict(state.arrays), json.loads(json.dumps(state.meta))
    for name, change in changes.get("arrays", {}).items():
        arrays.pop(name, None)
        if change is not None:
            arrays[name] = change
    for name, change in changes.get("meta", {}).items():
        change(meta) if callable(change) else meta.update({name: change})
    return State(arrays, meta)


MISFITS = {
    "a parameter is missing": ({"arrays": {"parameters/W1": None}}, "lacks 'parameters/W1'"),
    "a parameter too many": ({"arrays": {"parameters/W9": np.zeros(1)}}, "has no 'parameters/W9'"),
    "a slot is missing": ({"arrays": {"slots/1/b2": None}}, "lacks 'slots/1/b2'"),
    "a slot too many": ({"arrays": {"slots/2/b2": np.zeros(3, "f4")}}, "has no 'slots/2/b2'"),
    "another shape": ({"arrays": {"parameters/b2": np.zeros(4, "f4")}}, r"shape \(4,\), and the parameter \(3,\)"),
    "another shape of a slot": ({"arrays": {"slots/0/b2": np.zeros((), "f4")}}, r"shape \(\), and the parameter"),
    "another dtype": (
        {"arrays": {"parameters/b2": np.zeros(3)}, "meta": {"dtypes": lambda m: m["dtypes"].update(b2="float64")}},
        "'b2' was float64, and the parameter is float32",
    ),
    "an array that is not of its dtype": ({"arrays": {"slots/0/b2": np.zeros(3)}}, "is float64, and its metadata say"),
    "no dtypes": ({"meta": {"dtypes": {}}}, "the dtype of just each parameter"),
    "a dtype that is no text": ({"meta": {"d": lambda m: m["dtypes"].update(b2=[1])}}, "its metadata say"),
    "no optimizer": ({"meta": {"optimizer": None}}, "not those of a Trainer"),
    "another optimizer": ({"meta": {"o": lambda m: m["optimizer"].update(kind="SGD")}}, "saved from 'SGD'"),
    "settings that are none": (
        {"meta": {"o": lambda m: m["optimizer"].update(settings=1)}},
        "the optimizer's settings",
    ),
    "no count": ({"meta": {"o": lambda m: m["optimizer"].update(numbers={})}}, "just the optimizer's steps"),
    "a count below 0": (
        {"meta": {"o": lambda m: m["optimizer"]["numbers"].update(steps=-1)}},
        "just the optimizer's steps",
    ),
    "a rate below 0": ({"meta": {"learning_rate": -0.1}}, "not those of a Trainer"),
    "no counters": ({"meta": {"passes": []}}, "0 counters of passes for dropout, and there are 1"),
    "a counter beyond its end": ({"meta": {"passes": [2**31]}}, "numbers of passes"),
    "a counter that is no number": ({"meta": {"passes": [True]}}, "numbers of passes"),
    "counters that are no list": ({"meta": {"passes": 1}}, "numbers of passes"),
    "masks of another seed": (
        {"meta": {"masks": [[1, 2]]}},
        r"masks of dropout came from another seed: .* \[\[1, 2\]\]",
    ),
    "masks that are none": ({"meta": {"masks": None}}, "masks of dropout came from another seed: their keys were None"),
    "a rate that is no number": ({"meta": {"learning_rate": "1"}}, "not those of a Trainer"),
}


@pytest.mark.parametrize("kind", MISFITS)
def test_a_state_that_does_not_fit_is_an_error_that_says_why_and_changes_nothing(kind):
    changes, text = MISFITS[kind]
    first, training, untouched = (Training() for _ in range(3))
    first.step(5)
    state = trainer_state(first.trainer)
    training.step(0)
    untouched.step(0)
    with pytest.raises(errors.DataError, match=text):
        restore(training.trainer, changed(state, **changes))
    check_equal(trainer_state(training.trainer), trainer_state(untouched.trainer))
    training.step(1)
    untouched.step(1)
    same_bits(training.values(), untouched.values())


def test_a_state_from_before_masks_were_told_is_taken_up():
    first, again = Training(), Training()
    first.step(0)
    state = trainer_state(first.trainer)
    del state.meta["masks"]
    restore(again.trainer, state)
    first.step(1)
    again.step(1)
    same_bits(first.values(), again.values())


def test_all_that_does_not_fit_is_listed_at_once():
    training = Training()
    state = trainer_state(training.trainer)
    names = ["parameters/W1", "parameters/W2"]
    with pytest.raises(errors.DataError, match=r"parameters/W1.*parameters/W2"):
        restore(training.trainer, changed(state, arrays={name: np.zeros(1, "f4") for name in names}))


def test_other_settings_of_the_optimizer_are_told():
    training, other = Training(), Training()
    state = trainer_state(training.trainer)
    other.trainer.optimizer.betas = (0.5, 0.9)
    with pytest.warns(UserWarning, match=r"betas.*0\.999.*0\.5"):
        restore(other.trainer, state)


@pytest.mark.parametrize("names", [("a", None), ("a", "a"), ("", "b")])
def test_parameters_need_names_of_their_own(names):
    p, q = (mf.Parameter(np.ones(2), name) for name in names)
    with pytest.raises(errors.GraphError, match="name"):
        trainer_state(mf.Trainer(mf.MSE(p, q)))


def test_a_parameter_of_plain_numbers_takes_the_dtype_of_the_file(backend):
    def training():
        p = mf.Parameter([1, 2], "p")
        return p, mf.Trainer(mf.MSE(p, p * 0.5))

    (p, first), (q, second) = training(), training()
    restore(second, trainer_state(first))
    first.step()
    second.step()
    same_bits([mf.to_numpy(q.value)], [mf.to_numpy(p.value)])
    _, third = training()
    restore(third, trainer_state(second))
    assert third.parameters[0].value.dtype == mf.to_numpy(p.value).dtype


# A folder


def state(n=0):
    return State({"a": np.full(3, n)}, {"n": n})


def test_the_last_few_and_the_best_are_kept(tmp_path):
    keeper = Keeper(tmp_path / "new" / "folder", keep=2)
    scores = [5.0, 1.0, 3.0, float("nan"), 2.0, None]
    for n, score in enumerate(scores):
        keeper.save(10**n, state(n), score)
        assert keeper.latest().meta["n"] == n
    assert [p.name for p in keeper.paths()] == [f"step-{s:012}.safetensors" for s in (10, 10**4, 10**5)]
    for again in (keeper, Keeper(keeper.folder, keep=2)):
        assert again.best().meta == {"n": 1, "step": 10, "score": 1.0}
        assert again.latest().meta == {"n": 5, "step": 10**5, "score": None}


def test_the_highest_score_may_be_the_best_and_of_equal_ones_the_later(tmp_path):
    keeper = Keeper(tmp_path, keep=1, best="highest")
    for n, score in enumerate([0.5, 0.9, 0.9, 0.1]):
        keeper.save(n, state(n), score)
    assert keeper.best().meta["n"] == 2
    assert len(keeper.paths()) == 2


def test_an_empty_or_missing_folder_has_no_checkpoint(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        assert Keeper(folder).latest() is None
        assert Keeper(folder).best() is None
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("damage", ["header", "data"])
def test_an_unreadable_file_is_told_and_the_one_before_is_used(tmp_path, damage):
    keeper = Keeper(tmp_path)
    for n in (1, 2, 3):
        keeper.save(n, state(n), score=-n)
    last = keeper.paths()[-1]
    data = bytearray(last.read_bytes())
    data[100 if damage == "header" else -1] ^= 1
    last.write_bytes(data)
    again = Keeper(tmp_path)
    with pytest.warns(UserWarning, match=last.name):
        assert again.latest().meta["n"] == 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # told above
        assert again.best().meta["n"] == 2
    again.save(3, state(33))  # the run goes on from step 2, and comes by step 3 again
    assert again.latest().meta["n"] == 33


def test_saving_below_a_later_checkpoint_is_an_error_and_deletes_nothing(tmp_path):
    keeper = Keeper(tmp_path, keep=1)
    keeper.save(5, state(5))
    with pytest.raises(errors.DataError, match="step-000000000005"):
        Keeper(tmp_path, keep=1).save(4, state(4))
    assert keeper.latest().meta["n"] == 5
    keeper.save(5, state(6))
    assert keeper.latest().meta["n"] == 6


def test_what_a_killed_process_left_goes_at_the_next_save_and_nothing_else_does(tmp_path):
    keeper = Keeper(tmp_path)
    for name in (files.temporary(keeper.path(1)).name, "notes.tmp", "step-1.safetensors", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    keeper.save(2, state(2))
    assert names_in(tmp_path) == [".hidden", "notes.tmp", "step-000000000002.safetensors", "step-1.safetensors"]


def test_malformed_settings_are_errors(tmp_path):
    for settings in ({"keep": 0}, {"keep": True}, {"keep": 1.5}, {"best": "last"}):
        with pytest.raises(errors.SettingError):
            Keeper(tmp_path, **settings)
    for step in (-1, 1.0, 10**12, True):
        with pytest.raises(errors.SettingError):
            Keeper(tmp_path).save(step, state())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(errors.DataError):
        Keeper(tmp_path / "file" / "folder").save(1, state())
