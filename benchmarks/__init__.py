"""Benchmarks: run with ``pytest benchmarks --benchmark-only``, or ``python -m benchmarks.peers`` for a table."""
