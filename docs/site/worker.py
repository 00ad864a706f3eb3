"""The search of pages that are opened from a disk, where browsers allow no worker: a script of ours stands in."""

import re
from pathlib import Path

FOREIGN = re.compile(r'<script src="https://[^"]*/iframe-worker/shim"[^>]*></script>')


def use_own_worker(site: Path) -> None:
    """Have the pages take the stand-in that lies beside them, in place of one from the network."""
    for page in site.rglob("*.html"):
        own = "../" * (len(page.relative_to(site).parts) - 1) + "assets/worker.js"
        text = FOREIGN.sub(f'<script src="{own}"></script>', page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
