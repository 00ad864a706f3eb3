"""The site: ``python -m docs.site`` makes it of the pages in docs, into the folder site, or another that is named.

The pages, with what they link to in the repository, are gathered in a folder; Zensical renders them; what came out is
checked. A warning, or a link that leads nowhere, is an error. Nothing is fetched.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from docs.site.checks import problems
from docs.site.gather import gather
from docs.site.worker import use_own_worker

ROOT = Path(__file__).resolve().parents[2]


def build(target: Path) -> list[str]:
    """Make the site in a folder; what is wrong with it."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder).resolve()
        gather(ROOT, work / "docs")
        shutil.copy(ROOT / "mkdocs.yml", work)
        shutil.copytree(ROOT / "miniflow_xp", work / "miniflow_xp", ignore=shutil.ignore_patterns("__pycache__"))
        done = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--strict"],
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return [(done.stdout + done.stderr).partition("Traceback")[0].rstrip()]
        use_own_worker(work / "site")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(work / "site", target)
    return problems(target)


def main() -> None:
    """Build, and tell what is wrong."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    wrong = build(target)
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{target / 'index.html'}: {len(list(target.rglob('*.html')))} pages, all links checked")


if __name__ == "__main__":
    main()
