"""Training by several processes: as one process trains, and all end where one ends.

MINIFLOW_TEST_TROUBLES=10 lets each trouble come so many times; the default is 1.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import launching
import numpy as np
import pytest
import uncaptured
import world_fit
import world_steps
from conftest import why_unusable
from launching import launch

import miniflow_xp as mf
from miniflow_xp.distributed import Alone, World, join, joining
from miniflow_xp.engine.optim import Adam
from miniflow_xp.errors import (
    BackendError,
    FeedError,
    GraphError,
    MiniflowError,
    PackageMissingError,
    SettingError,
    ShapeError,
    WorldError,
)

TIMES = int(os.environ.get("MINIFLOW_TEST_TROUBLES", "1"))
HERE = Path(__file__).parent
CLOSE = 1e-13  # relative to the largest move of a parameter
LAUNCHES = [
    ("mpi", 1, ["numpy"]),
    ("mpi", 2, ["numpy"]),
    ("mpi", 3, ["numpy"]),
    ("mpi", 4, ["numpy"]),
    ("mpi", 2, ["torch", "jax"]),
    ("torch", 2, ["numpy", "torch"]),
]


def told(done):
    """What rank 0 printed last, as JSON."""
    assert done.code == 0, done.errors
    return json.loads(done.output.splitlines()[-1])


def distance(found, before, after):
    """The largest difference of parameters, relative to the largest move."""
    return np.abs(np.array(found)[: len(after)] - after).max() / np.abs(after - before).max()


@pytest.fixture(scope="module")
def one_process():
    """Parameters before and after the steps of one process."""
    before, after, _ = world_steps.train()
    return before, after


@pytest.fixture(scope="module")
def shards_of_one():
    """The bits of 6 shards in one process."""
    _, after, costs = world_steps.train(shards=6)
    return np.append(after, costs).tolist()


@pytest.mark.parametrize(("engine", "count", "backends"), LAUNCHES)
def test_processes_train_as_one_does(engine, count, backends, one_process, shards_of_one):
    backends = [backend for backend in backends if not why_unusable(backend)]
    if not backends:
        pytest.skip("none of the array libraries can be used")
    found = told(launch(engine, count, HERE / "world_steps.py", engine, *backends))
    for name, ranks in found.items():
        backend, deal = name.split(", ")
        print(f"{engine:5} {backend:5} N = {count}  {deal:14} {distance(ranks[0], *one_process):.1e}")
        assert all(rank == ranks[0] for rank in ranks), f"{deal}: ranks have other bits"
        is_right = distance(ranks[0], *one_process) <= CLOSE
        assert is_right == (deal != "mean of means" or count == 1), name
    if "numpy" in backends:
        assert found["numpy, 6 shards"][0] == shards_of_one  # to the last bit, for every number of processes


@pytest.fixture(scope="module")
def whole_run():
    """Parameters before and after an uninterrupted run of fit, and its figures."""
    trainer, history = world_fit.train()
    before = world_steps.values(mf.Trainer(world_steps.network()[2]))
    return before, world_steps.values(trainer), world_fit.figures(history)


def check_run(done, whole_run):
    """The same parameters, costs and scores as those of one process, on all ranks."""
    *parameters, figures = whole_run
    found = told(done)
    assert found["ended"] == "all epochs done"
    assert all(rank == found["values"][0] for rank in found["values"])
    assert distance(found["values"][0], *parameters) <= CLOSE
    np.testing.assert_allclose(found["figures"], figures, rtol=1e-12)


@pytest.mark.parametrize("count", [2, 4])
def test_fit_trains_as_one_process_does(count, whole_run):
    check_run(launch("mpi", count, HERE / "world_fit.py", "mpi", "", "none"), whole_run)


def test_what_callbacks_of_rank_0_do_holds_for_all():
    trainer, _ = world_fit.train(trouble="callback")
    found = told(launch("mpi", 2, HERE / "world_fit.py", "mpi", "", "callback"))
    assert (found["ended"], len(found["figures"])) == ("a callback asked for it", 3)
    assert found["values"][0] == found["values"][1]
    np.testing.assert_allclose(found["values"][0], world_steps.values(trainer), rtol=1e-12)


TROUBLES = {  # what comes, and how its message names the rank
    "kill": r"PID \d+ RUNNING AT .*\n.*EXIT CODE: 9|rank +: 2",
    "raise": r"a mistake of one rank(.|\n)*rank 2 of 3 ends all",
    "nan": r"step 11, rank 2, Input 'X' at \[0, 0\]",
    "Ctrl-C": r"rank [012] of 3: stopped by (Ctrl-C|SIGTERM) after step \d+",
    "SIGTERM": r"rank [012] of 3: stopped by SIGTERM after step \d+",  # to one rank alone
}
ENGINES = [("mpi", trouble) for trouble in TROUBLES]
if TIMES > 1:
    ENGINES += [("torch", trouble) for trouble in TROUBLES]


@pytest.mark.parametrize("time", range(TIMES))
@pytest.mark.parametrize(("engine", "trouble"), ENGINES)
def test_all_end_where_one_ends_and_others_go_on(engine, trouble, time, tmp_path, whole_run):
    """3 processes end within 30 s, and 2 go on from their last checkpoint."""
    process = launching.start(engine, 3, HERE / "world_fit.py", engine, tmp_path, trouble)
    while not (members := re.search(r"rank 2 is process (\d+)", line := process.stderr.readline())):
        assert line, process.communicate()  # MPICH names a process that was killed by its number alone
    if trouble in ("Ctrl-C", "SIGTERM"):
        while "step 12" not in (line := process.stdout.readline()):
            assert line, process.communicate()
        if trouble == "Ctrl-C":
            process.send_signal(signal.SIGINT)
        else:
            os.kill(int(members[1]), signal.SIGTERM)
    done = launching.finish(process, seconds=30)
    assert done.code != 0
    said = done.output + done.errors
    assert re.search(TROUBLES[trouble], said), said
    check_run(launch(engine, 2, HERE / "world_fit.py", engine, tmp_path, "none"), whole_run)


DIFFERING = """
import sys
import numpy as np
import miniflow_xp as mf
from miniflow_xp.distributed import join
from miniflow_xp.engine.optim import Adam
from miniflow_xp.errors import WorldError

world = join("mpi")
odd = world.rank == 1
told = []
for what in ("names", "shapes", "settings", "rows", "data", "epochs"):
    X, y = mf.Input("X"), mf.Input("y")
    W = mf.Parameter(np.zeros((3, 2 if what == "shapes" and odd else 1)), "V" if what == "names" and odd else "W")
    rows = np.ones((9 if what == "rows" and odd else 8, 3)) * (2 if what == "data" and odd else 1)
    try:
        trainer = mf.Trainer(mf.MSE(y, X @ W), Adam(0.2 if what == "settings" and odd else 0.1), across=world)
        mf.fit(trainer, [X, y], mf.Batches(rows, rows[:, :1]), 2 if what == "epochs" and odd else 1, progress=False)
    except WorldError as error:
        told.append(str(error))
assert len(told) == 6, told
if world.rank == 0:
    print(*told, sep="\\n")
"""


def test_ranks_that_differ_are_refused_with_rank_and_item(tmp_path):
    (tmp_path / "differing.py").write_text(DIFFERING, encoding="utf-8")
    done = launch("mpi", 2, tmp_path / "differing.py")
    assert done.code == 0, done.errors
    items = [line.partition(": ")[2].partition(":")[0] for line in done.output.splitlines()]
    assert items == ["the parameters", "the parameters", "the optimizer", "rows of the batches", "the data", "epochs"]
    assert all("rank 1: " in line for line in done.output.splitlines())


def printed(done):
    """Epochs, losses and scores that the command printed."""
    assert done.code == 0, done.errors
    table = done.output.partition("epoch        loss")[2].partition("Trained")[0]
    return table.split()[2:]


def test_the_command_trains_by_several_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train = ["-m", "miniflow_xp", "train", "--hidden", "16", "--dtype", "float64"]
    one = printed(launch("mpi", 1, *train, "--epochs", "3"))
    assert len(one) == 3 * 4  # number, loss, score, %
    saved = ["--across", "mpi", "--checkpoint", "ck"]
    assert printed(launch("mpi", 2, *train, *saved, "--epochs", "2")) == one[:8]
    assert printed(launch("mpi", 3, *train, *saved, "--epochs", "3", "--resume")) == one[8:]
    assert len(list(Path("ck").glob("step-*"))) == 3


def test_the_command_by_torchrun(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = launch("torch", 2, "-m", "miniflow_xp", "train", "--epochs", "2", "--hidden", "16", "--across", "torch")
    assert len(printed(done)) == 2 * 4


MISTAKES = {  # options of the command under mpirun, and what it says
    (): "mpirun started 2 processes: each would train by itself, .* Add --across mpi",
    ("--across", "mpy"): "--across: it is 'mpy'.*Did you mean 'mpi'",
    ("--across", "mpi", "--output", "no/such/place"): "rank 0 of 2 ends all processes: SettingError",
    ("--across", "mpi", "--learning-rate", "1e30"): "Error: step 1, rank 0, Linear 'output' at",
}


@pytest.mark.parametrize("options", MISTAKES, ids=" ".join)
def test_a_mistake_under_mpirun_is_told(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = launch("mpi", 2, "-m", "miniflow_xp", "train", "--epochs", "1", *options)
    assert done.code == 1
    assert re.search(MISTAKES[options], done.errors), done.errors
    assert "Traceback" not in done.errors
    assert list(tmp_path.iterdir()) == []


class Half(Alone):
    """One of two, which hears nothing of the other."""

    size = 2

    def gather(self, data):
        return [data, data]

    def sum(self, array):
        return array + array


def regression(**settings):
    X, y = mf.Input("X"), mf.Input("y")
    W = mf.Parameter(np.zeros((3, 1)), "W")
    return X, y, mf.Trainer(mf.MSE(y, X @ W), Adam(0.1), **settings)


@pytest.mark.parametrize("settings", [{"accumulate": 4}, {"accumulate": 100}, {"shards": 5}])
def test_micro_batches_train_as_the_whole_batch_does(backend, settings, one_process):
    with uncaptured.told(backend, "floor_divide"):  # by which dropout counts the rows of a part
        _, found, _ = world_steps.train(**settings)
    assert distance(found, *one_process) <= CLOSE


def test_the_pieces_of_a_step_are_public(backend):
    X, y, whole = regression()
    rng = np.random.default_rng(0)
    rows, targets = rng.normal(size=(6, 3)), rng.normal(size=(6, 1))
    cost = whole.step({X: rows, y: targets})
    X, y, parts = regression()
    vectors = [parts.additive({X: rows[s], y: targets[s]}) for s in (slice(0, 1), slice(1, 6))]
    found, weight = parts.apply(vectors[0] + vectors[1])
    np.testing.assert_allclose(float(found), float(cost), rtol=1e-12)
    assert float(weight) == 6
    np.testing.assert_allclose(world_steps.values(parts), world_steps.values(whole), rtol=1e-12)


def test_half_precision_travels_as_float32():
    class Looked(Half):
        def sum(self, array):
            self.seen = array
            return super().sum(array)

    world = Looked()
    X, y = mf.Input("X", dtype="float16"), mf.Input("y", dtype="float16")
    W = mf.Parameter(np.zeros((1, 1), "float16"), "W")
    trainer = mf.Trainer(mf.MSE(y, X @ W), across=world)
    ones = np.ones((70_000, 1), "float16")
    trainer.step({X: ones, y: ones})
    assert (world.seen.dtype, float(world.seen[-1])) == (np.float32, 70_000)
    assert float(W.value[0, 0]) == pytest.approx(0.02, rel=1e-3)


def test_a_world_of_one_takes_the_plain_step():
    X, y, trainer = regression(across=Alone())
    trainer.step({X: np.ones((2, 3)), y: np.ones((2, 1))})
    assert trainer._updates.how == "not captured yet"


def refused(cost=None, feed=None, **settings):
    X, y = mf.Input("X"), mf.Input("y")
    W = mf.Parameter(np.zeros((3, 1)), "W")
    trainer = mf.Trainer(mf.MSE(y, X @ W) if cost is None else cost(X, y, W), **settings)
    trainer.step(dict(zip((X, y), feed or (np.ones((2, 3)), np.ones((2, 1))), strict=True)))


REFUSED = {
    "a world that is none": ({"across": "mpi"}, SettingError, r"Write across=join\('mpi'\)"),
    "a loss with something added": ({"cost": lambda X, y, W: mf.MSE(y, X @ W) + mf.MSE(W, 0 * W)}, GraphError, "loss"),
    "statistics of a batch": (
        {"cost": lambda X, y, W: mf.MSE(y, mf.BatchNorm(3)(X, training=True) @ W)},
        GraphError,
        "LayerNorm",
    ),
    "a mask of weights": (
        {"cost": lambda X, y, W: mf.MSE(y, X @ mf.Dropout(0.5, seed=0)(W, training=True))},
        GraphError,
        "no row has part",
    ),
    "rows that differ": ({"feed": (np.ones((2, 3)), np.ones((3, 1)))}, ShapeError, "3 rows"),
    "shards and micro-batches": ({"shards": 4, "accumulate": 2}, SettingError, "Leave one of them out"),
    "fewer shards than processes": ({"shards": 1, "across": Half()}, SettingError, "2 or above"),
    "rows of other shards": ({"shards": 3, "across": Half()}, FeedError, "rows 0 to 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_dealt_is_refused(case):
    settings, error, text = REFUSED[case]
    with pytest.raises(error, match=text):
        refused(**{"accumulate": 2 if "shards" not in settings else 1, **settings})


def test_a_part_in_which_nothing_counts_adds_nothing(backend):
    """Its mean is 0 / 0; what is not finite in it is still told."""
    logits, y = mf.Input("logits"), mf.Input("y", dtype=int)
    rows, labels = np.arange(12.0).reshape(4, 3), np.array([-1, -1, 0, 2])
    moved, costs = [], []
    for settings in ({}, {"accumulate": 2}):
        b = mf.Parameter(np.zeros(3), "b")
        trainer = mf.Trainer(mf.CrossEntropy(y, logits + b, ignored=-1), Adam(0.1), **settings)
        costs.append(float(trainer.step({logits: rows, y: labels})))
        moved.append(mf.to_numpy(b.value))
    np.testing.assert_allclose(*moved, rtol=1e-12)
    assert costs[0] == pytest.approx(costs[1], rel=1e-12)
    rows[0] = np.nan
    with np.errstate(invalid="ignore"):
        assert np.isnan(float(trainer.step({logits: rows, y: labels})))


def test_what_all_rows_share_is_a_parameter_that_is_not_trained():
    X, y, scale = mf.Input("X"), mf.Input("y"), mf.Parameter(np.full(3, 2.0), "scale")
    moved = []
    for settings in ({}, {"accumulate": 2}):
        W = mf.Parameter(np.zeros((3, 1)), "W")
        trainer = mf.Trainer(mf.MSE(y, (X * scale) @ W), Adam(0.1), W, **settings)
        trainer.step({X: np.eye(3)[:2], y: np.ones((2, 1))})
        trainer.step({X: np.eye(3)[:2], y: np.ones((2, 1)), scale: np.ones(3)})
        moved.append(W.value)
    np.testing.assert_allclose(*moved, rtol=1e-12)


def test_a_source_that_cannot_deal_is_cut(one_process):
    class Source:
        def epoch(self, number, start=0):
            yield from [(np.arange(5.0)[:, None], np.arange(5.0)[:, None])][start:]

    X, y = mf.Input("X"), mf.Input("y")
    W = mf.Parameter(np.ones((1, 1)), "W")
    world = Half()
    seen = []
    trainer = mf.Trainer(mf.MSE(y, X @ W), across=world)
    step = trainer.weighed_step
    trainer.weighed_step = lambda feed: seen.append(feed[X].ravel().tolist()) or step(feed)
    mf.fit(trainer, [X, y], Source(), 1, progress=False)
    assert seen == [[0.0, 1.0]]


@pytest.mark.parametrize("kind", ["memory", "unshuffled", "windows", "disk", "function", "shards"])
def test_batches_are_dealt_before_they_are_read(kind, tmp_path):
    """Put together again, the rows of all ranks are those of one, in their order."""
    rows = np.arange(46.0)[:, None]
    np.save(tmp_path / "rows.npy", rows)
    settings = {
        "memory": {},
        "unshuffled": {"shuffle": False},
        "windows": {"window": 20},
        "disk": {"window": 20},
        "function": {},
        "shards": {"drop_last": True},
    }[kind]
    source = np.load(tmp_path / "rows.npy", mmap_mode="r") if kind == "disk" else rows
    batches = mf.Batches((lambda: iter(rows)) if kind == "function" else source, batch_size=5, seed=1, **settings)
    of = 7 if kind == "shards" else 3
    ranks = [
        batches.dealt(lambda n, r=rank: slice(n * (of * r // 3) // of, n * (of * (r + 1) // 3) // of))
        for rank in range(3)
    ]
    for epoch, start in ((0, 0), (1, 3)):
        whole = [batch.X for batch in batches.epoch(epoch, start)]
        parts = zip(*(list(rank.epoch(epoch, start)) for rank in ranks), strict=True)
        for expected, found in zip(whole, parts, strict=True):
            np.testing.assert_array_equal(np.concatenate([batch.X for batch in found]), expected)


def test_what_is_no_world_is_told(monkeypatch):
    for name, remedy in (("mpy", "Did you mean 'mpi'"), (3, "one of mpi, torch, nccl")):
        with pytest.raises(SettingError, match=remedy):
            join(name)
    monkeypatch.setitem(joining.BUILT_IN, "mpi", "no.such.module:World")
    with pytest.raises(PackageMissingError, match="mpi-local"):
        join("mpi")
    if not why_unusable("torch"):
        with pytest.raises(WorldError, match=r"MASTER_ADDR.*torchrun"):
            join("torch")


def test_a_launcher_of_another_mpi_is_told(tmp_path):
    """Each process would be alone, and train by itself."""
    command = [sys.executable, "-c", "from miniflow_xp.distributed import join; join('mpi')"]
    mpi = str(launching.mpi_file("libmpi.so.12"))
    done = launching.finish(launching.run(command, MPI4PY_LIBMPI=mpi, OMPI_COMM_WORLD_SIZE="2"))
    assert done.code == 1
    assert "mpirun started 2 processes, and MPI sees 1" in done.errors


def test_worlds_of_other_packages(monkeypatch):
    class Entry:
        name, value = "half", f"{__name__}:Half"

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry] * (group == "miniflow_xp.worlds"))
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or type(sys)(__name__))
    monkeypatch.setattr(sys.modules[__name__], "Half", Alone, raising=False)
    assert isinstance(join("half"), World)


def test_nccl_on_a_stand_in(monkeypatch):
    """Two processes that bring the same, with arrays of the host in place of a GPU's."""

    class Group:
        def all_reduce(self, array, total):
            total[...] = 2 * array

        def all_gather(self, array, every, count):
            every[...] = np.concatenate([array, array])

    cupy = type(sys)("cupy")
    cupy.empty_like, cupy.empty, cupy.asarray, cupy.asnumpy = np.empty_like, np.empty, np.asarray, np.asarray
    cupyx = type(sys)("cupyx")
    cupyx.distributed = type(sys)("cupyx.distributed")
    cupyx.distributed.init_process_group = lambda size, rank, host, port: Group()
    for name, module in (("cupy", cupy), ("cupyx", cupyx), ("cupyx.distributed", cupyx.distributed)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "miniflow_xp.distributed.nccl", raising=False)
    from miniflow_xp.distributed.nccl import NCCLWorld

    monkeypatch.delitem(sys.modules, "miniflow_xp.distributed.nccl")
    with pytest.raises(WorldError, match="RANK and WORLD_SIZE not set"):
        NCCLWorld()
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    world = NCCLWorld()
    assert world.sum(np.arange(3)).tolist() == [0, 2, 4]
    assert (world.gather(b"ab"), world.share(b"ab"), world.gather(b"")) == ([b"ab"] * 2, b"", [b""] * 2)


@pytest.fixture(scope="module")
def on_four_devices():
    """What mesh_steps.py found."""
    if why_unusable("jax"):
        pytest.skip(why_unusable("jax"))
    command = [sys.executable, str(HERE / "mesh_steps.py")]
    return told(launching.finish(launching.run(command, XLA_FLAGS="--xla_force_host_platform_device_count=4")))


def test_four_devices_of_jax_train_as_one(on_four_devices):
    errors = {name: value for name, value in on_four_devices.items() if isinstance(value, float)}
    for name, error in errors.items():
        print(f"jax, 4 devices  {name:28} {error:.1e}")
    assert len(errors) == 6
    assert max(errors.values()) <= CLOSE


def test_rows_dealt_over_devices_need_one_fused_all_reduce(on_four_devices):
    assert on_four_devices["rows dealt: collectives"] == ["all-reduce"]
    assert on_four_devices["rows dealt: donated"]
    assert set(on_four_devices["rows dealt: shares"]) == {1.0}


def test_split_parameters_take_a_quarter_of_the_memory(on_four_devices):
    assert on_four_devices["parameters split: donated"]
    assert set(on_four_devices["parameters split: shares"]) == {0.25}


@pytest.mark.parametrize("time", range(TIMES))
def test_two_processes_of_jax_train_as_one(time, one_process):
    if why_unusable("jax"):
        pytest.skip(why_unusable("jax"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, str(HERE / "jax_processes.py")]
    ranks = [told(launching.finish(p)) for p in [launching.run([*command, str(rank), address]) for rank in (0, 1)]]
    assert ranks[0] == ranks[1]
    assert distance(ranks[0], *one_process) <= CLOSE


@pytest.mark.parametrize("devices", [99, "0,99", "0,0", "both", "", True, 0])
def test_devices_that_are_not_there_are_told(devices):
    if why_unusable("jax"):
        pytest.skip(why_unusable("jax"))
    with pytest.raises(MiniflowError, match="devices"):
        mf.set_backend("jax", devices=devices)


def test_the_sweep_of_the_page_runs(tmp_path):
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    page = (HERE.parent / "docs" / "scale-out.md").read_text(encoding="utf-8")
    block = next(text for text in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "LocalCluster" in text)
    (tmp_path / "sweep.py").write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "sweep.py")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
        timeout=launching.LONGEST,
    )
    assert done.stdout == "best rate: 0.1\n", done.stderr


def test_a_tensor_that_is_spread_is_refused():
    """A captured step would fail on it, and the plain loop take a part of a sum for the sum."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class DTensor(torch.Tensor):
        pass

    with mf.use_backend("torch"), pytest.raises(FeedError, match=r"DTensor.*across="):
        mf.Parameter(torch.zeros(3, 1).as_subclass(DTensor), "W")


def test_the_model_is_fitted_to_what_was_measured(capsys):
    """Tc = 2 ms + 0.01 ms a row, α = 50 µs, β = 1 GB/s are found again, and with them the rows that pay."""
    from benchmarks import distributed

    def run(processes):
        sums = [[n, [2 * 50e-6 + 4 * n / 1e9] * 3] for n in distributed.LENGTHS]
        steps = [[kind, rows, [2e-3 + 1e-5 * rows] * 9] for rows in (100, 400) for kind in ("plain", "together")]
        return {"processes": processes, "parameters": 250_000 - 2, "steps": steps, "sums": sums}

    runs = [run(1), run(2)]
    compute, sums = distributed.fit_compute(runs), distributed.fit_sum(runs)
    np.testing.assert_allclose([*compute, *sums], [2e-3, 1e-5, 50e-6, 1e-9], rtol=1e-6)
    rows = distributed.rows_that_pay(2, 1e6, compute, sums)
    assert rows in (790, 791)  # Tar = 1.1 ms, and 9 times that is 2 ms + 790 rows
    assert distributed.efficiency(rows, 2, 1e6, compute, sums) == pytest.approx(0.9, rel=1e-3)
    distributed.show(runs)
    assert "2 processes reach 90 % from 79" in capsys.readouterr().out


def test_processes_are_measured():
    from benchmarks import distributed

    done = launch("mpi", 2, "-m", "benchmarks.distributed", "--measure", "--shape", "8,3,4", "--rounds", "2")
    found = told(done)
    assert (found["processes"], found["parameters"], len(found["steps"])) == (2, 3 * 4 + 4 + 4 * 10 + 10, 6)
    distributed.show([found | {"processes": 1}, found])


def test_fit_refuses_arrays_that_are_spread_over_processes(monkeypatch):
    X, y, trainer = regression()
    monkeypatch.setattr(type(mf.get_backend()), "processes", 2)
    with pytest.raises(BackendError, match="2 processes"):
        mf.fit(trainer, [X, y], mf.Batches(np.ones((4, 3)), np.ones((4, 1))), 1)
