"""The table of array functions that the tests are made from: a row for each way of calling one, a family a file."""

from array_cases import beyond, elementwise, indexing, manipulation, reductions, sorting

CASES = [*elementwise.CASES, *reductions.CASES, *manipulation.CASES, *indexing.CASES, *sorting.CASES, *beyond.CASES]
