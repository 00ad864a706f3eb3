"""What a fresh installation has to do: ``python tests/smoke.py``, by any interpreter and without pytest.

Install the wheel in an empty environment, and run this file with that environment's Python. It checks the package that
is installed there, with the dependencies alone: a part that needs more has to say which extra brings it. A warning is
an error.
"""

import multiprocessing
import pickle
import subprocess
import sys
import sysconfig
import tempfile
import traceback
import warnings
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path

warnings.simplefilter("error")

import numpy as np  # noqa: E402  a warning at import counts, too

import miniflow_xp as mf  # noqa: E402
from miniflow_xp.data import load  # noqa: E402
from miniflow_xp.errors import PackageMissingError  # noqa: E402

OURS = Path(__file__).resolve().parent.parent / "miniflow_xp"
POINTS, TARGETS = np.linspace(-1, 1, 12).reshape(6, 2), np.linspace(0, 1, 6)[:, None]


def test_the_package_is_the_installed_one():
    assert Path(mf.__file__).resolve().parent != OURS, "this is the checkout: install the wheel, and run its Python"
    assert metadata.version("miniflow_xp") == mf.__version__


def test_the_lesson():
    X, y, W, b = mf.Input("X"), mf.Input("y"), mf.Input("W"), mf.Input("b")
    cost = mf.MSE(y, mf.Sigmoid(mf.Linear(X, W, b)))
    feed = {X: [[0.0, 1.0], [1.0, 1.0]], y: [[0.0], [1.0]], W: [[2.0], [-1.0]], b: [1.0]}
    graph = mf.topological_sort({leaf: np.array(value) for leaf, value in feed.items()})
    mf.forward_and_backward(graph)
    before = float(cost.value)
    assert round(before, 6) == 0.132105
    assert mf.to_numpy(W.gradients[W]).round(4).tolist() == [[-0.0125], [0.1125]]
    mf.sgd_update([W, b], learning_rate=0.1)
    mf.forward_and_backward(graph)
    assert float(cost.value) < before


def cube(x):
    return (x * x * x).sum()


def test_functions_have_gradients():
    x = np.array([1.0, 2.0])
    assert mf.grad(cube)(x).tolist() == [3.0, 12.0]
    assert mf.hessian(cube)(x).tolist() == [[6.0, 0.0], [0.0, 12.0]]


def test_functions_are_recorded():
    quick = mf.jit(mf.grad(cube))
    assert [quick(np.array([1.0, x])).tolist() for x in (2.0, 3.0)] == [[3.0, 12.0], [3.0, 27.0]]
    assert "recorded and replayed" in str(quick.explain())


def training():
    X, y = mf.Input("X"), mf.Input("y")
    model = mf.Sequential([mf.Dense(2, 4), mf.Tanh, mf.Dropout(0.5), mf.Dense(4, 1)], seed=0)
    return mf.Trainer(mf.MSE(y, model(X)), mf.Adam(0.01)), [X, y]


def fitted(epochs, folder, resume=False):
    trainer, inputs = training()
    batches = mf.Batches(POINTS, TARGETS, batch_size=3, seed=0)
    mf.fit(trainer, inputs, batches, epochs=epochs, checkpoints=folder, resume=resume)
    return [mf.to_numpy(parameter.value).tolist() for parameter in trainer.parameters]


def test_training_is_saved_and_resumed():
    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as parts:
        fitted(1, parts)
        assert fitted(2, whole) == fitted(2, parts, resume=True)


def test_a_trainer_is_pickled():
    trainer, inputs = training()
    feed = dict(zip(inputs, (POINTS, TARGETS), strict=True))
    trainer.step(feed)
    copy, copied = pickle.loads(pickle.dumps((trainer, inputs)))
    assert float(trainer.step(feed)) == float(copy.step(dict(zip(copied, feed.values(), strict=True))))


def slope_of_cube(x):
    return mf.grad(cube)(x)


def test_other_processes_compute_the_same():
    for method in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.apply(slope_of_cube, (np.array([1.0, 2.0]),)).tolist() == [3.0, 12.0], method


def test_data_sets_and_licences_are_there():
    assert load("digits").features.shape == (1797, 64)
    assert load("diabetes").features.shape == (442, 10)
    names = [str(path) for path in metadata.files("miniflow_xp")]
    assert all(any(name.endswith(end) for name in names) for end in ("licenses/LICENSE", "data/SOURCES.md"))


def test_types_are_announced():
    assert resources.files("miniflow_xp").joinpath("py.typed").is_file()


def scipy_rules():
    import miniflow_xp.scipy

    with miniflow_xp.scipy.rules():
        pass


def linear():
    X = mf.Input("X")
    return mf.Linear(X, mf.Parameter(np.ones((2, 1)), "W"), mf.Parameter(np.ones(1), "b"))


def test_a_graph_is_drawn_as_text_and_with_its_extra_as_a_picture():
    drawing = mf.draw(linear())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.mmd"
        drawing.save(path)
        assert "Linear" in path.read_text(encoding="utf-8")
    if find_spec("fast_sugiyama"):
        assert 'class="box operation"' in drawing.svg


def joined():
    from miniflow_xp.distributed import join

    join("mpi")


def drawn_history():
    trainer, inputs = training()
    mf.fit(trainer, inputs, mf.Batches(POINTS, TARGETS, batch_size=3, seed=0), epochs=1).plot()


DOORS = {  # what a user does: the extra that brings what it needs, and the package that this is
    "set_backend torch": (lambda: mf.set_backend("torch"), "torch", "torch"),
    "set_backend jax": (lambda: mf.set_backend("jax"), "jax", "jax"),
    "set_backend cupy": (lambda: mf.set_backend("cupy"), "cupy13", "cupy"),
    "special": (lambda: mf.special.erf(POINTS), "special", "scipy"),
    "scipy": (scipy_rules, "scipy", "scipy"),
    "optimize": (lambda: mf.optimize.minimize(cube, POINTS[0]), "optimize", "scipy"),
    "estimators": (lambda: mf.NetworkClassifier(), "sklearn", "sklearn"),
    "export_onnx": (lambda: mf.export_onnx(linear(), "unwritten.onnx"), "onnx", "onnx"),
    "to_torch": (lambda: mf.to_torch(mf.Sequential([mf.Dense(2, 1)])), "torch", "torch"),
    "to_jax": (lambda: mf.to_jax(mf.Sequential([mf.Dense(2, 1)])), "jax", "jax"),
    "draw": (lambda: mf.draw(linear()).svg, "draw", "fast_sugiyama"),
    "join mpi": (joined, "mpi", "mpi4py"),
    "plot": (drawn_history, "plot", "matplotlib"),
}


def remedy_for(opened):
    try:
        opened()
    except PackageMissingError as error:
        return error.remedy
    return "none was needed"


def test_what_needs_more_says_which_extra():
    known = metadata.metadata("miniflow_xp").get_all("Provides-Extra")
    for door, (opened, extra, package) in DOORS.items():
        assert extra in known, door
        if not find_spec(package):
            remedy = remedy_for(opened)
            assert f"pip install 'miniflow_xp[{extra}]'" in remedy, (door, remedy)


def test_the_command_runs_or_says_which_extra():
    scripts = Path(sysconfig.get_path("scripts"))
    command = next(path for name in ("miniflow-xp", "miniflow-xp.exe") if (path := scripts / name).exists())
    done = subprocess.run([command, "--version"], capture_output=True, text=True)
    if find_spec("typer"):
        assert mf.__version__ in done.stdout, done
    else:
        assert (done.returncode, "pip install 'miniflow_xp[cli]'" in done.stderr) == (1, True), done


def passes(check):
    try:
        check()
    except Exception:
        traceback.print_exc()
        return False
    return True


def main():
    checks = [check for name, check in globals().items() if name.startswith("test_")]
    passed = {check.__name__: passes(check) for check in checks}
    for name, well in passed.items():
        print("passed" if well else "FAILED", name.removeprefix("test_").replace("_", " "))
    print(f"miniflow_xp {mf.__version__}, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    return not all(passed.values())


if __name__ == "__main__":
    sys.exit(main())
