"""What ``miniflow-xp info`` prints: backends, versions, and the library that NumPy multiplies matrices with."""

import os
import platform
import sys
from importlib.metadata import version
from typing import Any

import numpy as np
import threadpoolctl
from rich import box
from rich.console import Console
from rich.table import Table as Grid

from miniflow_xp.errors import MiniflowError
from miniflow_xp.switch import available_backends, described, get_backend
from miniflow_xp.system.version import __version__


def show_info(console: Console) -> None:
    """Print it all; nothing here fails because a backend does."""
    blas = blas_lines(threadpoolctl.threadpool_info())  # before other backends load libraries of their own
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in [
        ("miniflow_xp", __version__),
        ("Python", f"{platform.python_version()} ({sys.executable})"),
        ("platform", f"{platform.platform()}, {os.cpu_count()} processors"),
        ("array-api-compat", version("array-api-compat")),
        *(("BLAS of NumPy", line) for line in blas),
        ("in use", in_use()),
    ]:
        grid.add_row(label, text)
    console.print(grid)
    if kernel := os.environ.get("OPENBLAS_CORETYPE"):
        console.print(
            f"Warning: OPENBLAS_CORETYPE={kernel} forces OpenBLAS to the kernel {kernel}; "
            "unset it to get the one made for this processor.",
            style="yellow",
        )
    console.print()
    console.print(backend_table())


def backend_table() -> Grid:
    """One row for each known backend."""
    table = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("backend", no_wrap=True)
    table.add_column("usable", no_wrap=True)
    table.add_column("library and device, or what is missing", overflow="fold")
    for backend in available_backends():
        remedy = f"\n{backend.remedy}" if backend.remedy else ""
        table.add_row(backend.name, "yes" if backend.usable else "no", backend.detail + remedy)
    return table


def blas_lines(pools: list[dict[str, Any]]) -> list[str]:
    """Library, version, kernel and threads of each BLAS among the thread pools of this process."""
    lines = [
        f"{pool['internal_api']} {pool['version']}, kernel {pool.get('architecture') or 'not told'}, "
        f"{pool['num_threads']} threads"
        for pool in pools
        if pool["user_api"] == "blas"
    ]
    return lines or [f"{built_with()}; its kernel and threads cannot be seen"]


def built_with() -> str:
    """The BLAS that NumPy says it was built with."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'not known')} {blas.get('version', '')}".strip()


def in_use() -> str:
    """The backend that this environment chooses, or why it cannot."""
    setting = os.environ.get("MINIFLOW_BACKEND")
    asked = "MINIFLOW_BACKEND is not set" if setting is None else f"MINIFLOW_BACKEND={setting}"
    try:
        return f"{described(get_backend())} ({asked})"
    except MiniflowError as error:
        return f"nothing: {error}"
