"""The bar of fit: there on a terminal when work is long, and nowhere else."""

import errno
import io
import os

import numpy as np
import pytest
from rich.console import Console
from test_fit import Regression, Slices

from miniflow_xp.errors import PackageMissingError
from miniflow_xp.training import bar, fit
from miniflow_xp.training.batches import Batches
from miniflow_xp.training.position import Position


def terminal(width=100):
    return Console(file=io.StringIO(), force_terminal=True, width=width, markup=False, highlight=False)


def shown(console):
    return console.file.getvalue()


@pytest.fixture
def at_once(monkeypatch):
    """Every step is looked at, and work is long from the first one on."""
    from miniflow_xp.training import loop

    monkeypatch.setattr(bar, "LONG", 0.0)
    monkeypatch.setattr(loop, "LOOK_EVERY", 0.0)


def test_a_terminal_sees_epoch_cost_and_time_and_nothing_stays(at_once):
    console, network = terminal(), Regression()
    fit(network.trainer, network.inputs, Slices(), 3, progress=console)
    assert "epoch 1/3, cost" in shown(console)
    assert "epoch 3/3, cost" in shown(console)
    assert shown(console).rstrip().endswith("\x1b[2K")  # the last line is wiped out


def test_callbacks_print_above_the_bar(at_once):
    console, network = terminal(), Regression()
    fit(
        network.trainer,
        network.inputs,
        Slices(),
        3,
        progress=console,
        callbacks=[lambda e: console.print("told", e[0])],
    )
    assert [f"told {n}" in shown(console) for n in range(3)] == [True] * 3


def test_a_terminal_that_is_gone_does_not_end_the_training(at_once):
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    console, network = Console(file=Gone(), force_terminal=True), Regression()
    assert fit(network.trainer, network.inputs, Slices(), 3, progress=console).ended == "all epochs done"


def test_short_work_gets_no_bar():
    console, network = terminal(), Regression()
    fit(network.trainer, network.inputs, Slices(), 1, progress=console)
    assert shown(console) == ""


def test_where_there_is_no_terminal_there_is_no_bar(at_once, capsys):
    for choice in (None, False):
        network = Regression()
        fit(network.trainer, network.inputs, Slices(), 2, progress=choice)
    assert capsys.readouterr() == ("", "")


def test_an_error_leaves_no_bar_behind(at_once):
    console, network = terminal(), Regression()

    def broken(epoch):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fit(network.trainer, network.inputs, Slices(), 3, progress=console, callbacks=[broken])
    assert shown(console).rstrip().endswith("\x1b[2K")


def test_without_rich_there_is_no_bar_unless_asked_for(monkeypatch):
    import builtins

    real = builtins.__import__

    def without_rich(name, *args, **kwargs):
        if name == "miniflow_xp.system.terminal":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_rich)
    assert bar.console(None) is None
    with pytest.raises(PackageMissingError, match=r"pip install 'miniflow_xp\[cli\]'"):
        bar.console(True)


def test_a_notebook_gets_a_bar_where_it_can_draw_one(monkeypatch):
    notebook = Console(force_jupyter=True, file=io.StringIO())
    monkeypatch.setattr("miniflow_xp.system.terminal.stdout", lambda: notebook)
    for widgets in (True, False):
        monkeypatch.setattr(bar, "has_widgets", lambda widgets=widgets: widgets)
        assert bar.console(None) is (notebook if widgets else None)
        assert bar.console(True) is notebook


def test_the_length_of_an_epoch_is_used_where_it_is_known(at_once):
    rows = np.zeros((10, 3))
    known, unknown = Batches(rows, batch_size=3), Batches(lambda: iter(rows), batch_size=3)
    assert (bar.length(known), bar.length(unknown), bar.length(Slices())) == (4, None, None)
    for batches, fraction in ((known, 6 / 12), (unknown, 1 / 3)):
        drawn = bar.Bar(terminal(), 3, batches, Position())
        with drawn:
            drawn.update(Position(1, 2, 6), 0.5)
            task = drawn._shown.tasks[0]
            assert task.completed / task.total == pytest.approx(fraction)


def test_a_resumed_run_estimates_its_time_from_its_own_steps(at_once):
    drawn = bar.Bar(terminal(), 10, Batches(np.zeros((12, 3)), batch_size=3), Position(5, 0, 20))
    with drawn:
        drawn.update(Position(6, 0, 24), 0.5)
        task = drawn._shown.tasks[0]
        assert (task.completed, task.total) == (4, 20)
