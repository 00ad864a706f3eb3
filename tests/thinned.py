"""Which tests of the table of array functions run: all of them with ``MINIFLOW_TEST_TABLE=whole``.

Without it, JAX, which compiles each call, the strict namespace, which is NumPy, and single precision see one row of
each function; NumPy and PyTorch see all.
"""

import os

WHOLE = os.environ.get("MINIFLOW_TEST_TABLE") == "whole"
SEEN_ONCE = ("jax", "strict")


def pytest_collection_modifyitems(config, items):
    kept, left = [], []
    for item in items:
        (kept if WHOLE or is_wanted(item) else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def is_wanted(item):
    module = getattr(item, "module", None)  # a doctest of a page has none
    if getattr(module, "__name__", "").rpartition(".")[2] != "test_array_functions":
        return True
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    row = parameters.get("row")
    if row is None or is_first(module, row):
        return True
    slow = parameters.get("backend", "").partition(":")[0] in SEEN_ONCE or parameters.get("kind") == "narrow"
    return not slow and item.originalname != "test_jax_agrees"


def is_first(module, row):
    """Is this the first row of its function?"""
    firsts = vars(module).setdefault("FIRST_ROWS", {})
    if not firsts:
        for case in module.CASES:
            firsts.setdefault(case.op, case)
    return firsts[row.op] is row
