"""A folder of checkpoints belongs to one run at a time, whatever becomes of the one before."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import small_training

import miniflow_xp as mf
from miniflow_xp.checkpoints import Keeper, State, lock
from miniflow_xp.errors import DataError
from miniflow_xp.system.files import temporary

STEPS = small_training.STEPS_AN_EPOCH
HOLDER = """
import os, sys
from miniflow_xp.checkpoints import Keeper
folder, forks = sys.argv[1:]
with Keeper(folder):
    if forks == "forks" and os.fork() == 0:
        os.write(1, b"forked\\n")  # as a whole: two processes write
        sys.stdin.read()
        os._exit(0)
    os.write(1, b"held\\n")
    sys.stdin.read()
"""


def holder(folder, forks=""):
    """A process that has said that it holds the folder, and does so until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HOLDER, str(folder), forks],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(mf.__file__).parents[1])},
    )
    said = {process.stdout.readline() for _ in range(1 + bool(forks))}
    assert said == ({"held\n", "forked\n"} if forks else {"held\n"})
    return process


def save(folder, step=1):
    return Keeper(folder).save(step, State({}, {}))


def test_a_second_run_is_refused_and_the_first_goes_on(tmp_path):
    seen = []

    def second(epoch):
        with pytest.raises(DataError, match=f"process {os.getpid()} on .* saves checkpoints there.*delete .*lock"):
            small_training.run(tmp_path, STEPS, "Adam")
        seen.append(sorted(path.name for path in tmp_path.iterdir()))

    first, alone = small_training.Training(), small_training.Training()
    mf.fit(first.trainer, [first.X, first.y], first, 1, checkpoints=tmp_path, callbacks=[second])
    mf.fit(alone.trainer, [alone.X, alone.y], alone, 1)
    assert seen == [[".lock"]]
    assert [path.name for path in tmp_path.iterdir()] == [f"step-{STEPS:012}.safetensors"]
    small_training.same_bits(first.values(), alone.values())


def test_the_live_temporary_file_of_another_process_stays(tmp_path):
    with holder(tmp_path) as process:
        live = temporary(Keeper(tmp_path).path(7))
        live.write_bytes(b"half")
        with pytest.raises(DataError, match=f"process {process.pid} on .* saves checkpoints there"):
            save(tmp_path)
        assert live.exists()
        process.stdin.close()
    save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000000001.safetensors"]


def test_a_keeper_is_left_after_an_error_too(tmp_path):
    with pytest.raises(ZeroDivisionError), Keeper(tmp_path):
        raise ZeroDivisionError
    save(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_what_a_killed_run_left_is_told_and_taken_over(tmp_path):
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
    with pytest.warns(UserWarning, match=f"process {process.pid} on .* was killed") as told:
        save(tmp_path)
    assert told[0].filename == __file__
    save(tmp_path, 2)  # told once


def test_where_warnings_are_errors_a_folder_is_taken_over_the_next_time(tmp_path):
    (tmp_path / ".lock").write_text(f"process 5{lock.host()}")
    with pytest.raises(UserWarning, match=r"process 5 on .* was killed"):
        save(tmp_path)
    save(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_does_not_hold_the_folder_of_a_process_that_is_gone(tmp_path):
    with holder(tmp_path, "forks") as process:
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)
        with pytest.warns(UserWarning, match="was killed"):
            save(tmp_path)  # while the fork, which holds the pipe, is still there
        process.stdin.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_that_ends_does_not_free_the_folder(tmp_path):
    program = """
import os, sys
from miniflow_xp.checkpoints import Keeper, State
from miniflow_xp.errors import DataError
with Keeper(sys.argv[1]):
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        try:
            Keeper(sys.argv[1]).save(1, State({}, {}))
        except DataError:
            print("refused")
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("locks", [True, False])
def test_a_run_of_another_host_is_not_taken_over(tmp_path, monkeypatch, locks):
    """Its end cannot be seen from here: what to do is told."""
    if not locks:
        monkeypatch.setattr(lock, "lock", lambda handle: False)
    (tmp_path / ".lock").write_text("process 5 on elsewhere")
    with pytest.raises(DataError, match="process 5 on elsewhere saves checkpoints there") as told:
        save(tmp_path)
    assert f"if it lives no longer, delete {tmp_path / '.lock'}" in str(told.value)
    (tmp_path / ".lock").unlink()
    save(tmp_path)


def test_where_there_are_no_locks_the_file_is_the_lock(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    if sys.platform == "win32":
        monkeypatch.setattr("msvcrt.locking", no_locks)
    else:
        monkeypatch.setattr("fcntl.flock", no_locks)
    with Keeper(tmp_path) as keeper:
        keeper.save(1, State({}, {}))
        for _ in range(2):
            with pytest.raises(DataError, match=f"process {os.getpid()} on"):
                save(tmp_path, 2)
    save(tmp_path, 2)
    (tmp_path / ".lock").write_text("")  # a process that was killed before it wrote its name
    with pytest.raises(DataError, match="another process saves checkpoints there"):
        save(tmp_path, 3)


def test_one_that_comes_while_the_other_leaves_gets_the_folder(tmp_path, monkeypatch):
    """It opened the file that the other one deleted before it could lock it: it has to take a new one."""
    first, really = lock.Lock(tmp_path), lock.lock

    def late(handle):
        monkeypatch.setattr(lock, "lock", really)
        first.release()
        return really(handle)

    monkeypatch.setattr(lock, "lock", late)
    with Keeper(tmp_path), pytest.raises(DataError):
        save(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_in_the_place_of_the_lock_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / ".lock")
    with pytest.raises(DataError):
        save(tmp_path)


def test_a_run_that_cannot_lock_says_why(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(DataError, match="nothing can be written there: Is a directory"):
        save(tmp_path)
