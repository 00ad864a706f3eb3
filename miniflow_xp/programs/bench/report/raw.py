"""The run itself inside of the page: JSON, compressed, behind a link that needs neither network nor script."""

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

from miniflow_xp.programs.bench.findings.run import Run
from miniflow_xp.programs.bench.record import Record
from miniflow_xp.programs.bench.report.html import escape


def link(run: Run, room: int) -> str:
    """The fullest form that fits into so many characters; what was left out is said."""
    for words, form in FORMS:
        packed = pack(form(run.record))
        if len(packed) <= room:
            name = escape(run.name.rsplit("/", 1)[-1].removesuffix(".json") or "run")
            href = f"data:application/gzip;base64,{packed}"
            return f'<p><a class="data" download="{name}.json.gz" href="{href}">Download {name}.json.gz</a>{words}.</p>'
    return "<p>The run is too large to be kept inside of this page: see its file.</p>"


def pack(value: Any) -> str:
    """The same input gives the same text: the time of packing stays out of it."""
    plain = json.dumps(value, separators=(",", ":"), default=str).encode()
    return base64.b64encode(gzip.compress(plain, 9, mtime=0)).decode()


def rounded(value: Any) -> Any:
    """Five significant digits of every fraction."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list | tuple) else value


FORMS: tuple[tuple[str, Callable[[Record], Any]], ...] = (
    (", the run as it was written", Record.to_json),
    (
        ", the run with times rounded to five digits so that this page stays small",
        lambda record: rounded(record.to_json()),
    ),
    (
        ", the run with times rounded to five digits and without those of the host, so that this page stays small",
        lambda record: rounded(record.without_host_times()),
    ),
)
