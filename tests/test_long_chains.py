"""Long graphs: nothing recurses, and the work grows with the nodes and no faster; it is counted, not timed."""

import numpy as np
import pytest
from operations import is_linear

import miniflow_xp as mf


def chain(length):
    """-(-(… x)), with a parameter at every tenth node."""
    x = mf.Input("x")
    node = x
    for n in range(length):
        node = mf.Neg(node) if n % 10 else node + mf.Parameter(np.asarray(0.0), f"p{n}")
    return x, node


def topological_sort(x, last):
    return mf.topological_sort({x: 1.0}, last)


def passes(x, last):
    graph = mf.topological_sort({x: 1.0})
    mf.forward_pass(graph)
    mf.forward_and_backward(graph)
    mf.sgd_update([n for n in graph if isinstance(n, mf.Parameter)])


def program(x, last):
    parameters = [n for n in mf.topological_sort({x: 1.0}, last) if isinstance(n, mf.Parameter)]
    run = mf.Program(last, parameters)
    run({x: 1.0})
    run({x: 1.0})


def trainer(x, last):
    steps = mf.Trainer(last, mf.Adam(0.1))
    steps.step({x: 1.0})
    steps.step({x: 1.0})


def printing(x, last):
    str(mf.Program(last, x))


def gradcheck(x, last):
    mf.gradcheck(last, {x: 1.0}, wrt=[x])


JOBS = {job.__name__: job for job in (topological_sort, passes, program, trainer, printing, gradcheck)}


@pytest.mark.parametrize("job", JOBS)
def test_work_is_linear_in_the_nodes(job):
    chains = {n: chain(n) for n in (600, 1200)}
    assert is_linear(lambda n: JOBS[job](*chains[n]), 600)


@pytest.mark.parametrize("job", JOBS)
def test_a_chain_of_5_000_nodes_is_no_recursion(job):
    JOBS[job](*chain(5_000))


@pytest.mark.parametrize("job", ["program", "trainer"])
def test_a_captured_chain_is_no_recursion(backend, job):
    JOBS[job](*chain(2_000))
