"""A training gives the same bits under whatever settings of Python and of the machine it runs."""

import os
import subprocess
import sys

import pytest

TRAINING = """
import hashlib, threading
import numpy as np
import miniflow_xp as mf

def train():
    rng = np.random.default_rng(0)
    X, y = mf.Input("X"), mf.Input("y")
    model = mf.Sequential([mf.Dense(3, 4, mf.Tanh), mf.Dropout(0.2), mf.LayerNorm(), mf.Dense(4, 1)], seed=0)
    trainer = mf.Trainer(mf.MSE(y, model(X)), mf.Adam(0.01))
    batches = mf.Batches(rng.normal(size=(20, 3)).astype("float32"), rng.normal(size=(20, 1)).astype("float32"), 6)
    mf.fit(trainer, [X, y], batches, epochs=2)
    found = hashlib.sha256(b"".join(np.array(p.value).tobytes() for p in model.parameters))
    print(found.hexdigest())

threading.stack_size(256 * 1024)
train()
thread = threading.Thread(target=train)
thread.start()
thread.join()
"""

SETTINGS = {
    "optimised": ({"PYTHONOPTIMIZE": "1"}, ["-O"]),
    "warnings are errors": ({}, ["-W", "error"]),
    "isolated": ({}, ["-I", "-X", "utf8"]),
    "development mode": ({}, ["-X", "dev"]),
    "one thread": (
        {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
        [],
    ),
    "two threads": ({"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "12345"}, []),
    "the C locale": (
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Asia/Kathmandu"},
        [],
    ),
    "no caches, no user's packages": (
        {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1", "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"},
        [],
    ),
    "NumPy's own allocator": ({"PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "165", "NUMPY_MADVISE_HUGEPAGE": "0"}, []),
}
"""{what: (environment, options of Python)}; BLAS computes products this small on one thread, however many it has."""


def digests(environment, options=(), before=(), **keywords):
    """What a training in another process printed: its digest on the main thread, and on one with a small stack."""
    done = subprocess.run(
        [*before, sys.executable, *options, "-c", TRAINING],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        **keywords,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def usual():
    return digests({})


def test_a_thread_with_a_small_stack(usual):
    assert usual[0] == usual[1]


@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_bits_under_other_settings(name, usual):
    assert digests(*SETTINGS[name]) == usual


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on stacks to set")
def test_the_same_bits_with_a_stack_of_1_mib_and_other_folders(usual, tmp_path):
    limited = ["sh", "-c", 'ulimit -s 1024 && exec "$0" "$@"']
    assert digests({"TMPDIR": str(tmp_path), "HOME": str(tmp_path)}, before=limited, cwd=tmp_path) == usual
