"""The examples: what each finds is right, on every backend, and each runs as a program.

Limits of accuracies come from seeds that were tried, so that they hold for another processor's rounding as well: the
mean less three standard deviations, of 20 seeds for digits and diabetes.
"""

import gzip
import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from miniflow_xp import Input, gradcheck, use_backend
from miniflow_xp.errors import DataError, GradcheckError

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ROUNDING = 1e-9  # relative, of float64: 1e-16 in each of some hundred steps, each of which may double it a few times


@pytest.fixture
def example(monkeypatch):
    """Imports an example by its name, as a program beside it would."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module


def run(name, *arguments, cwd, **settings):
    """What an example prints as a program of its own, where warnings are errors."""
    path = os.pathsep.join(filter(None, [str(EXAMPLES.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **settings},
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Diabetes


def test_diabetes_both_ways_agree(backend, example):
    found = example("diabetes").main(epochs=2)
    lesson, fitted = found["costs"]
    assert fitted == pytest.approx(lesson, rel=ROUNDING)
    for a, b in zip(*found["parameters"], strict=True):
        np.testing.assert_allclose(a, b, rtol=ROUNDING, atol=ROUNDING)


def test_diabetes_learns_nearly_as_much_as_a_linear_fit(example):
    found = example("diabetes").main()
    for costs, r_squared in zip(found["costs"], found["r_squared"], strict=True):
        assert costs[-1] < 0.57  # 20 seeds: 0.498, spread 0.024; who always says the mean has 1
        assert r_squared > found["linear"] - 0.19  # 20 seeds: 0.061 below it, spread 0.044


def test_diabetes_runs(tmp_path):
    assert "by_fit: cost" in run("diabetes.py", cwd=tmp_path)


# Digits


def test_digits_are_read_better_than_by_a_linear_network(example, tmp_path):
    found = [example("digits").main(tmp_path / str(seed), seed=seed) for seed in range(3)]
    accuracies = [run["accuracy"] for run in found]
    assert np.mean(accuracies) > 0.963  # 20 seeds: 0.981, spread 0.010, so 0.006 for the mean of 3; linear: 0.952
    assert any(run["history"].best < len(run["history"]) - 1 for run in found)  # else the next line shows nothing
    for run in found:
        assert run["best"] == run["history"][run["history"].best].validation  # it went back to the best epoch


def test_digits_costs_are_the_same_on_every_backend(backend, example, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIFLOW_DTYPE", "float64")
    found = example("digits").main(tmp_path / "found", epochs=2)["history"]
    with use_backend("numpy"):
        expected = example("digits").main(tmp_path / "expected", epochs=2)["history"]
    for here, there in zip(found, expected, strict=True):
        assert here.cost == pytest.approx(there.cost, rel=ROUNDING)
        assert here.validation == pytest.approx(there.validation, rel=ROUNDING)


def test_digits_go_on_from_their_folder(example, tmp_path, capsys):
    first = example("digits").main(tmp_path, epochs=3)
    once = capsys.readouterr().out
    again = example("digits").main(tmp_path, epochs=3)
    assert "epoch  3" in once
    assert "epoch  3" not in capsys.readouterr().out  # nothing was left to train
    assert (again["accuracy"], again["best_step"]) == (first["accuracy"], first["best_step"])
    assert again["best_step"] == first["history"][first["history"].best].steps


def test_digits_run(tmp_path):
    assert "unseen digits it reads" in run("digits.py", tmp_path / "runs", cwd=tmp_path)
    assert list((tmp_path / "runs").glob("*.safetensors"))


# Fashion-MNIST


def write_idx(path, array):
    content = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def folder(tmp_path):
    """IDX files of three classes that a third of the image tells apart; the training part compressed."""
    rng = np.random.default_rng(0)
    for part, count, ending in (("train", 1280, ".gz"), ("t10k", 100, "")):
        labels = (np.arange(count) % 3).astype("uint8")
        images = rng.integers(0, 100, size=(count, 6, 6), dtype="uint8")
        for n, label in enumerate(labels):
            images[n, 2 * label : 2 * label + 2] += 150
        write_idx(tmp_path / f"{part}-images-idx3-ubyte{ending}", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte{ending}", labels)
    return tmp_path


def test_fashion_mnist_learns_from_idx_files(backend, example, folder):
    found = example("fashion_mnist").main(folder, epochs=3)["miniflow_xp"]
    assert found["accuracy"] == 1.0  # the bright third has at least 150 in each pixel, the others at most 99
    assert len(found["seconds"]) == len(found["costs"]) == 3


def test_fashion_mnist_a_missing_file_is_named(example, tmp_path):
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        example("fashion_mnist").main(tmp_path)


def test_fashion_mnist_torch_beside_it_is_the_same_training(example, folder, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(example("fashion_mnist_peers"), "PAUSE", 0.0)
    found = example("fashion_mnist").main(folder, epochs=3, peers=True)
    theirs = next(result for name, result in found.items() if name.startswith("PyTorch"))
    assert theirs["costs"] == pytest.approx(found["miniflow_xp"]["costs"], rel=1e-4)
    # float32: 1 - 0.999ᵗ, by which Adam divides, is off by 1e-5 at first, which is a learning rate off by as much
    assert theirs["accuracy"] == 1.0


def test_fashion_mnist_scikit_learn_beside_it_learns(example, folder, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setattr(example("fashion_mnist_peers"), "PAUSE", 0.0)
    found = example("fashion_mnist").main(folder, epochs=3, peers=True)
    theirs = next(result for name, result in found.items() if name.startswith("scikit-learn"))
    assert theirs["costs"] == sorted(theirs["costs"], reverse=True)
    assert len(theirs["seconds"]) == 3
    assert theirs["accuracy"] == 1.0


def test_fashion_mnist_leaves_out_a_peer_that_is_not_installed(example, folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    found = example("fashion_mnist").main(folder, epochs=1, peers=True)
    said = capsys.readouterr().out
    assert list(found) == ["miniflow_xp"]
    assert "scikit-learn is not installed" in said
    assert "PyTorch is not installed" in said
    assert "Warning: OPENBLAS_CORETYPE=Haswell" in said


def test_fashion_mnist_runs(folder, tmp_path):
    assert "test accuracy 100.00 %" in run("fashion_mnist.py", "--epochs", 3, cwd=tmp_path, FASHION_MNIST=str(folder))


@pytest.mark.skipif("FASHION_MNIST" not in os.environ, reason="FASHION_MNIST does not name the folder of its files")
def test_fashion_mnist_the_real_images(example):
    found = example("fashion_mnist").main(os.environ["FASHION_MNIST"], epochs=3)["miniflow_xp"]
    assert found["accuracy"] > 0.852  # 4 seeds after 3 epochs: 0.865, spread 0.0043


# Oscillation


def test_oscillation_finds_the_same_on_every_backend(backend, example):
    found = example("oscillation").main(steps=100)
    with use_backend("numpy"):
        expected = example("oscillation").main(steps=100)
    np.testing.assert_allclose(found["fitted"], expected["fitted"], rtol=ROUNDING)
    # differences of gradients divide rounding by h = 1e-4, and the inverse multiplies it by the condition of H
    np.testing.assert_allclose(found["covariance"], expected["covariance"], rtol=1e-8, atol=1e-11)


def test_oscillation_is_at_the_minimum_and_its_uncertainties_are_right(example):
    """Σ δᵀ C⁻¹ δ over 30 series of noise is χ² of 120 degrees of freedom: 120, spread √240, if C is the covariance."""
    oscillation = example("oscillation")
    total = 0.0
    for seed in range(30):
        found = oscillation.main(seed=seed)
        off = found["fitted"] - list(oscillation.TRUTH.values())
        total += off @ np.linalg.solve(found["covariance"], off)
        uncertainty = np.sqrt(np.diag(found["covariance"]))
        assert (np.abs(found["to_minimum"]) < 1e-3 * uncertainty).all()  # what the fit lacks is lost in the noise
    assert abs(total - 120) < 3 * np.sqrt(240)  # half or twice the covariance would give 240 or 60


def test_oscillation_gradcheck_sees_a_wrong_sign(example):
    class Wrong(example("oscillation").Cos):
        def vjp(self, xp, gradient, value, x):
            return (lambda: gradient * xp.sin(x),)

    t = Input("t")
    with pytest.raises(GradcheckError, match="Wrong"):
        gradcheck(Wrong(t), {t: np.array([0.5, 1.0])})


def test_oscillation_runs_and_draws(tmp_path):
    pytest.importorskip("matplotlib")
    assert "plot: fit.png" in run("oscillation.py", "--plot", "fit.png", cwd=tmp_path)
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")


def test_oscillation_without_matplotlib_says_so(example, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    example("oscillation").main(tmp_path / "fit.png")
    assert "matplotlib is not installed: no plot" in capsys.readouterr().out
    assert not (tmp_path / "fit.png").exists()
