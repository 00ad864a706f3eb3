"""Where the stand-in for a GPU is, and the environment in which CuPy runs on it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".gpu-standin"
PYTHON = FOLDER / "venv" / "bin" / "python"
PARTS = ("venv", "cupy", "libraries", "compiler", "sorting")


def done(part: str) -> Path:
    """The file that is there once a part is built."""
    return FOLDER / f"{part}.done"


def why_missing() -> str:
    """Why tests cannot use the stand-in; an empty text where they can."""
    built = all(done(part).exists() for part in PARTS)
    return "" if built else "the stand-in for a GPU is not built: python tests/gpu_standin/build.py"


def environment() -> dict[str, str]:
    """The environment in which PYTHON finds this checkout, and CuPy what is played."""
    paths = [str(ROOT), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "FAKEGPU": "lazy",
        **os.environ,
        "LD_LIBRARY_PATH": str(FOLDER),
        "PYTHONPATH": os.pathsep.join(paths),
        "CUPY_ACCELERATORS": "",  # CUB is not played
        "CUPY_CACHE_DIR": str(FOLDER / "cache"),
    }
