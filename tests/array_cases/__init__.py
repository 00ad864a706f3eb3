"""The table of array functions that the tests are made from: a row for each way of calling one, a family a file."""

from array_cases import (
    elementwise,
    indexing,
    manipulation,
    products,
    reductions,
)

CASES = [
    *elementwise.CASES,
    *indexing.CASES,
    *manipulation.CASES,
    *products.CASES,
    *reductions.CASES,
]
