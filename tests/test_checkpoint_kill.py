"""kill -9 at random moments: every resumed run ends as the uninterrupted one, to the last bit.

MINIFLOW_TEST_KILLS=50 kills so many times; the default is 6.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import small_training
from conftest import why_unusable

import miniflow_xp as mf
from miniflow_xp.checkpoint import Keeper, load

KILLS = int(os.environ.get("MINIFLOW_TEST_KILLS", "6"))
STEPS = 3000
LONGEST = 120  # seconds that a child may take; one takes a few
COMMAND = [sys.executable, "-W", "error", small_training.__file__]


def child(folder, optimizer, choice):
    environment = {**os.environ, "PYTHONPATH": str(Path(mf.__file__).parents[1])}
    return subprocess.Popen(
        [*COMMAND, str(folder), str(STEPS), optimizer, choice],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_after(folder, optimizer, choice, seconds):
    """Start a run, and kill it so long after its first step; returns whether it was not over by then."""
    process = child(folder, optimizer, choice)
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    _, problem = process.communicate(timeout=LONGEST)
    assert process.returncode in (0, -signal.SIGKILL), problem
    return process.returncode != 0


@pytest.mark.parametrize(("choice", "optimizer"), [("numpy", "Adam"), ("torch", "momentum")])
def test_a_run_that_is_killed_again_and_again_ends_as_the_uninterrupted_one(tmp_path, choice, optimizer):
    if why_unusable(choice):
        pytest.skip(why_unusable(choice))
    random_moment = random.Random(5)
    kills, resumed_from = 0, set()
    for kill in range(KILLS // 2):
        folder = tmp_path / str(kill // 5)  # five kills to a run, which goes on from its own checkpoints
        kills += killed_after(folder, optimizer, choice, random_moment.uniform(0, 0.4))
        for path in Keeper(folder).paths():
            load(path)  # no unreadable file ever
        state = Keeper(folder).latest()
        resumed_from.add(state.meta["step"] if state else 0)
    assert kills >= KILLS // 2 - 1, "the runs were over before they were killed"
    assert len(resumed_from) > 1, "no run got as far as a checkpoint"
    with mf.use_backend(choice):
        whole = small_training.run(tmp_path / "whole", STEPS, optimizer)
    expected = whole.values()
    for folder in sorted(tmp_path.glob("[0-9]*")):
        output, problem = child(folder, optimizer, choice).communicate(timeout=LONGEST)
        assert f"step {STEPS}\n" in output, problem
        arrays = Keeper(folder).latest().arrays
        small_training.same_bits([arrays[f"parameters/{p.name}"] for p in whole.parameters], expected)
