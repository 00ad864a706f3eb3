"""The table of array functions that the tests are made from: a row for each way of calling one, a family a file."""

from array_cases import (
    elementwise,
    fourier,
    linalg,
    products,
)

CASES = [
    *elementwise.CASES,
    *fourier.CASES,
    *linalg.CASES,
    *products.CASES,
]
