"""The table of ``docs/other-libraries.md``: ``python -m tests.library_calls`` judges every call, and writes the page.

``--json``: print the verdicts, and write nothing. ``--backends numpy,torch,jax``: on which. ``--every 12``: a sample.
``--found a.json b.json``: write what was printed before, as JAX takes its time.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ["SCIPY_ARRAY_API"] = "1"  # which SciPy reads when it is first imported, below: so a process of its own

from miniflow_xp import use_backend

from .judge import judged
from .page import PAGE, written
from .rows import missing, rows
from .versions import versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", default="numpy,torch,jax")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--found", nargs="+", type=Path, default=[])
    args = parser.parse_args()
    found = {"versions": versions(), "rows": [[str(call), call.library] for call in rows()[:: args.every]]}
    if args.found:
        before = [json.loads(path.read_text(encoding="utf-8")) for path in args.found]
        told = {backend: found for run in before for backend, found in run["verdicts"].items()}
    else:
        told = {name: verdicts(name, args.every, talk=not args.json) for name in args.backends.split(",")}
    found["verdicts"] = told
    if args.json:
        print(json.dumps(found))
    elif missing():
        parser.error(f"the page is written where all of its libraries are: pip install {' '.join(missing())}")
    else:
        PAGE.write_text(written(found), encoding="utf-8")
    wrong = [(name, *v) for name, vs in found["verdicts"].items() for v in vs if v[1] == "wrong"]
    if wrong:
        parser.exit(1, f"wrong: {wrong}\n")


def verdicts(backend: str, every: int, talk: bool) -> list[list[str]]:
    """[row, verdict, reason] of each row, on a backend."""
    if backend == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)  # differences need float64
    found = []
    with use_backend(backend):
        for call in rows()[::every]:
            found.append([str(call), *judged(call)])
            if talk:
                print(backend, *found[-1], file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    main()
