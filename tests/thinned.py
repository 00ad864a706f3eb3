"""Which tests run: those of a library that cannot be used here are told once a file, as the reason is the same.

Of the tests of array functions all run with ``MINIFLOW_TEST_TABLE=whole``.

Without it NumPy sees all rows of the table in double precision, PyTorch all in the first derivative; one row of each
function is seen in the rest, by JAX, which compiles each call, by the strict namespace, which is NumPy, and as a node.
With the whole table only: on JAX the value alone, the second derivative, and nodes; and all of it on CuPy, which
compiles a kernel for each function and form.
"""

import os

from conftest import CHOSEN, why_unusable

WHOLE = os.environ.get("MINIFLOW_TEST_TABLE") == "whole"
SEEN_ONCE = ("jax", "strict")
TABLE = "test_array_functions"
COMPILED_OFTEN = ("test_the_value_is_that_of_the_library", "test_second_derivative")
NODES = "test_node_functions"
OF_ARRAYS = {
    *(TABLE, NODES, "test_array_beyond", "test_array_edges", "test_array_edges_linalg", "test_array_writes"),
    *("test_derived", "test_example_functions", "test_jit", "test_layers_of_space", "test_linear_algebra"),
    *("test_coming_from_autograd", "test_namespace", "test_numpy_code", "test_special"),
}
"""Modules with many tests of array functions."""


def pytest_collection_modifyitems(config, items):
    kept, left = [], []
    told = set()
    for item in items:
        (kept if is_new(item, told) and (WHOLE or is_wanted(item)) else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def is_new(item, told):
    """Can a test run here, or is it the first of its file to say why not?"""
    choice = str(parameters_of(item).get("backend", ""))
    if not choice or choice in CHOSEN or not why_unusable(choice):
        return True
    new = (item.path, choice) not in told
    told.add((item.path, choice))
    return new


def parameters_of(item):
    return getattr(getattr(item, "callspec", None), "params", {})


def is_wanted(item):
    module = getattr(item, "module", None)  # a doctest of a page has none
    name = getattr(module, "__name__", "").rpartition(".")[2]
    parameters = parameters_of(item)
    library = str(parameters.get("backend", "")).partition(":")[0]
    if library == "cupy" and name in OF_ARRAYS:
        return False
    if library == "jax" and (name in (NODES, "test_namespace") or parameters.get("kind") == "narrow"):
        return False
    if library == "jax" and name == TABLE and item.originalname in COMPILED_OFTEN:
        return False
    row = parameters.get("row")
    if name not in (TABLE, NODES) or not hasattr(row, "op") or is_first(module, row):
        return True
    if name == NODES or library in SEEN_ONCE or parameters.get("kind") == "narrow":
        return False
    if item.originalname == "test_jax_agrees":
        return False
    return library != "torch" or item.originalname == "test_first_derivative"


def is_first(module, row):
    """Is this the first row of its function?"""
    firsts = vars(module).setdefault("FIRST_ROWS", {})
    if not firsts:
        for case in module.CASES:
            firsts.setdefault(case.op, case)
    return firsts[row.op] is row
