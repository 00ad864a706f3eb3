"""Which tests run: those of a library that cannot be used here are told once a file, as the reason is the same.

Of the tests of array functions all run with ``MINIFLOW_TEST_TABLE=whole``.

Without it NumPy sees all rows of the table in double precision, PyTorch all in the first derivative; one row of each
function is seen in the rest, by JAX, which compiles each call, by the strict namespace, which is NumPy, and as a node.
JAX's own derivatives, which are compiled too, are asked for where PyTorch has none; ours on JAX stand beside NumPy's.
With the whole table only: on JAX the value alone, the second derivative, and nodes; and all of it on CuPy, which
compiles a kernel for each function and form. Of nodes these two, which compile for each shape and dtype, and the strict
namespace, see all shapes in double precision, and in single precision or without a vjp of their own the first of each.
At 0 and at infinity JAX sees in single and in half precision captured nodes alone: the same rules, compiled as one.

Coverage, which takes longer than the tests themselves, follows each test once on each backend, on NumPy all but what
repeats a table or runs the same lines again, and the first derivative on PyTorch; and no test of long chains or many
steps. What further tests run is not counted: it can only be more.
"""

import os
from contextlib import contextmanager, nullcontext

import pytest
from conftest import CHOSEN, why_unusable

WHOLE = os.environ.get("MINIFLOW_TEST_TABLE") == "whole"
SEEN_ONCE = ("jax", "strict")
TABLE = "test_array_functions"
COMPILED = ("jax", "cupy")
COMPILED_OFTEN = ("test_the_value_is_that_of_the_library", "test_second_derivative")
NODES = "test_node_functions"
LARGE = {
    *("_000_", "a_long_chain", "hundred_thousand", "linear_in_the_nodes", "flat", "pile_up", "less_memory"),
    *("00_graphs", "eight_threads", "while_another_thread", "at_the_minimum", "read_better", "linear_fit"),
    *("chance_seldom", "unchanged_rows", "large_run", "headings_descend", "page_and_terminal", "saved_classifier"),
}
"""In names of tests: they run the lines that others run, only more often."""
REPEATS = {
    *("test_the_value_is_that_of_the_library", "test_second_derivative", "test_captured_it_is_the_same"),
    *("test_pytorch_agrees", "test_jax_agrees"),
}
"""Tests of each row of a table beside that of its first derivative."""
ORACLES = {"test_pytorch_agrees": "torch", "test_jax_agrees": "jax"}
"""Tests on no backend that need a library all the same."""
OF_ARRAYS = {
    *(TABLE, NODES, "test_array_beyond", "test_array_edges", "test_array_edges_linalg", "test_array_writes"),
    *("test_derived", "test_example_functions", "test_jit", "test_layers_of_space", "test_linear_algebra"),
    *("test_coming_from_autograd", "test_namespace", "test_numpy_code", "test_special"),
}
"""Modules with many tests of array functions."""
VARIED = {
    *("test_rules", "test_numerics", "test_namespace", "test_special", "test_dropout", "test_random_graphs"),
    *("test_train", "test_trainer", "test_interrupted", "test_copies", "test_bench_crossover", "test_bench_record"),
    *("test_bench_compare", "test_bench_report", "test_cli", "test_drawing", "test_examples", "test_fit_resume"),
    *("test_prefetch", "test_readers", "test_threads", "test_train_command"),
}
"""Modules in which a test with other parameters runs hardly another line: dtypes, shapes, mistakes, and so on."""
NOT_FOLLOWED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(config, items):
    kept, left = [], []
    told = set()
    for item in items:
        (kept if is_new(item, told) and (WHOLE or is_wanted(item)) else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept
    turn_to_rows(items)
    if coverage_of(config):
        leave_to_run_alone(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config):
    """The process that hands tests out runs none, and its threads would go on measuring."""
    pause(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session):
    """Coverage sees what is imported, and then tests alone: what pytest does around them takes longer than many."""
    found = yield
    pause(session.config)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    with measured(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with measured(item) if NOT_FOLLOWED not in item.stash else nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    with measured(item):
        return (yield)


@contextmanager
def measured(item):
    """Coverage is measured for the length of a block, if it is at all."""
    coverage = coverage_of(item.config)
    if coverage:
        coverage.resume()
    try:
        yield
    finally:
        pause(item.config)


def pause(config):
    """Stop measuring: in a worker of xdist twice, as pytest-cov starts twice there and keeps the second alone."""
    if controller := coverage_of(config):
        controller.pause()
        while first := type(controller.cov).current():
            first.stop()


def coverage_of(config):
    """pytest-cov's controller, where coverage is measured and tests are left out."""
    plugin = None if WHOLE else config.pluginmanager.getplugin("_cov")
    return plugin and plugin.cov_controller


def turn_to_rows(items):
    """Put the tests of each row of the table together: JAX compiles what they share once in a process."""
    of_table = [item for item in items if name_of(item) == TABLE and "row" in parameters_of(item)]
    if of_table:
        places = {id(row): place for place, row in enumerate(of_table[0].module.CASES)}
        by_rows = iter(sorted(of_table, key=lambda item: places[id(parameters_of(item)["row"])]))
        found = set(of_table)
        items[:] = [next(by_rows) if item in found else item for item in items]


def leave_to_run_alone(items):
    """Note the tests that coverage does not follow."""
    followed = set()
    for item in items:
        if is_followed(item, followed):
            followed.add(kind_of(item))
        else:
            item.stash[NOT_FOLLOWED] = True


def is_followed(item, followed):
    """Is nothing like this test followed yet, or does it run code that is seen nowhere else?"""
    library, name = library_of(item), function_of(item)
    if any(word in name for word in LARGE):
        return False
    if kind_of(item) not in followed:
        return True
    if name in REPEATS or name_of(item) in VARIED:
        return False
    return library in ("", "numpy") or (library == "torch" and name_of(item) == TABLE)


def kind_of(item):
    return item.path, function_of(item), library_of(item)


def function_of(item):
    return getattr(item, "originalname", None) or item.name


def library_of(item):
    return str(parameters_of(item).get("backend", "")).partition(":")[0]


def is_new(item, told):
    """Can a test run here, or is it the first of its file to say why not?"""
    choice = str(parameters_of(item).get("backend", "")) or ORACLES.get(function_of(item), "")
    if not choice or choice in CHOSEN or not why_unusable(choice):
        return True
    new = (item.path, choice) not in told
    told.add((item.path, choice))
    return new


def parameters_of(item):
    return getattr(getattr(item, "callspec", None), "params", {})


def name_of(item):
    module = getattr(item, "module", None)  # a doctest of a page has none
    return getattr(module, "__name__", "").rpartition(".")[2]


def is_wanted(item):
    name = name_of(item)
    parameters = parameters_of(item)
    library = library_of(item)
    if library == "cupy" and name in OF_ARRAYS:
        return False
    if library == "jax" and (name in (NODES, "test_namespace") or parameters.get("kind") == "narrow"):
        return False
    if library == "jax" and name == TABLE and item.originalname in COMPILED_OFTEN:
        return False
    if library == "jax" and parameters.get("way") == "rule" and parameters["dtype"] in ("float32", "float16"):
        return False
    row = parameters.get("row")
    is_often = parameters.get("dtype") == "float32" or name == "test_derived"
    if library in (*COMPILED, "strict") and is_often and parameters.get("shapes") not in firsts_of(row):
        return False
    if name not in (TABLE, NODES) or not hasattr(row, "op"):
        return True
    judged_by_jax = function_of(item) == "test_jax_agrees"
    if is_first(item.module, row):
        return not judged_by_jax or without_pytorch(row)
    if judged_by_jax or name == NODES or library in SEEN_ONCE or parameters.get("kind") == "narrow":
        return False
    return library != "torch" or item.originalname == "test_first_derivative"


def firsts_of(row):
    """Shapes of a node that are seen in single precision, too; None, as a test has none that takes one case."""
    return None, *getattr(row, "cases", ())[:1]


def without_pytorch(row):
    """Is PyTorch no judge of this row?"""
    return bool(row.no_oracle.get("torch") or row.skip.get("torch"))


def is_first(module, row):
    """Is this the row of its function that is seen everywhere: one with a second derivative, the plain one of these?"""
    firsts = vars(module).setdefault("FIRST_ROWS", {})
    if not firsts:
        for case in sorted(module.CASES, key=lambda case: (not case.twice, bool(case.detail))):
            firsts.setdefault(case.op, case)
    return firsts[row.op] is row
