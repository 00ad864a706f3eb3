"""The table of array functions that the tests are made from: a row for each way of calling one, a family a file."""

from array_cases import (
    beyond,
    complexes,
    elementwise,
    fourier,
    indexing,
    linalg,
    manipulation,
    products,
    reductions,
    sorting,
    special,
)

CASES = [
    *beyond.CASES,
    *complexes.CASES,
    *elementwise.CASES,
    *fourier.CASES,
    *indexing.CASES,
    *linalg.CASES,
    *manipulation.CASES,
    *products.CASES,
    *reductions.CASES,
    *sorting.CASES,
    *special.CASES,
]
