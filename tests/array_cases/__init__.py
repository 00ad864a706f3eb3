"""The table of array functions that the tests are made from: a row for each way of calling one, a family a file."""

from array_cases import complexes, elementwise, special

CASES = [*elementwise.CASES, *complexes.CASES, *special.CASES]
