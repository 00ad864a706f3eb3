"""Kernels from sources: one ``cupy.ElementwiseKernel`` each, kept for further steps with the same equations."""

from functools import lru_cache
from typing import Any

import cupy

from miniflow_xp.backends.cupy.sources import Source


@lru_cache(maxsize=256)
def kernel(source: Source) -> Any:
    """The kernel of a source; CuPy compiles it at the first call and keeps the binary on disk.

    It takes arrays only, outputs last: numbers would be frozen into a captured graph.
    """
    return cupy.ElementwiseKernel(
        ", ".join(f"{dtype} {name}" for dtype, name in source.inputs),
        ", ".join(f"{dtype} {name}" for dtype, name in source.outputs),
        source.operation,
        source.name,
        no_return=True,
    )
