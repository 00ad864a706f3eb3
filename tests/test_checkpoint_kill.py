"""kill -9 at random moments: every resumed run ends as the uninterrupted one, to the last bit.

MINIFLOW_TEST_KILLS=50 kills so many times; the default is 6.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import small_training
from conftest import HANGS, why_unusable

import miniflow_xp as mf
from miniflow_xp.checkpoints import Keeper, load

KILLS = int(os.environ.get("MINIFLOW_TEST_KILLS", "6"))
STEPS = 600
TOLD = "ignore:process:UserWarning"  # that the process before was killed
COMMAND = [sys.executable, "-W", "error", "-W", TOLD, small_training.__file__]


def child(folder, optimizer, choice):
    environment = {**os.environ, "PYTHONPATH": str(Path(mf.__file__).parents[1])}
    return subprocess.Popen(
        [*COMMAND, str(folder), str(STEPS), optimizer, choice],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_at(folder, optimizer, choice, step):
    """Start a run, and kill it when it has said that this step begins; after the last step, that it is over."""
    process = child(folder, optimizer, choice)
    while (line := process.stdout.readline()) and number(line) < step:
        pass
    process.send_signal(signal.SIGKILL)
    _, problem = process.communicate(timeout=HANGS)
    assert process.returncode == -signal.SIGKILL, problem


def number(line):
    """The step that a line of the child tells; its last line is that it is over."""
    return STEPS + 1 if line == "over\n" else int(line.removeprefix("step "))


@pytest.mark.parametrize(("choice", "optimizer"), [("numpy", "Adam"), ("torch", "momentum")])
def test_a_run_that_is_killed_again_and_again_ends_as_the_uninterrupted_one(tmp_path, choice, optimizer):
    if why_unusable(choice):
        pytest.skip(why_unusable(choice))
    moments, resumed_from = random.Random(5), set()
    for first in range(0, KILLS // 2, 5):  # five kills to a run, which goes on from its own checkpoints
        folder, count = tmp_path / str(first), min(5, KILLS // 2 - first)
        for step in [*sorted(moments.randrange(1, STEPS) for _ in range(count - 1)), STEPS + 1]:
            killed_at(folder, optimizer, choice, step)
            for path in Keeper(folder).paths():
                load(path)  # no unreadable file ever
            state = Keeper(folder).latest()
            resumed_from.add(state.meta["step"] if state else 0)
    assert STEPS in resumed_from
    assert len(resumed_from) > 1, "no run was killed in its midst"
    with mf.use_backend(choice):
        whole = small_training.run(tmp_path / "whole", STEPS, optimizer)
    expected = whole.values()
    for folder in sorted(tmp_path.glob("[0-9]*")):
        output, problem = child(folder, optimizer, choice).communicate(timeout=HANGS)
        assert output == "over\n", problem  # what was killed after its last checkpoint has nothing left to do
        arrays = Keeper(folder).latest().arrays
        small_training.same_bits([arrays[f"parameters/{p.name}"] for p in whole.parameters], expected)
