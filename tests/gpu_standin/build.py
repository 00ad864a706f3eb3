"""Builds the stand-in for a GPU into ``.gpu-standin``: CuPy's own wheel on a CUDA that is played.

``python tests/gpu_standin/build.py`` builds it with the Python that runs it; parts that are there and whose sources did
not change are kept. README.md says what is played.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

from place import FOLDER, PYTHON, ROOT, done, environment

HERE = Path(__file__).resolve().parent
CUPY = "14.2.0"
PACKAGES = [f"cupy-cuda13x=={CUPY}", "cuda-toolkit[cudart,nvrtc,cccl,crt]==13.0.2", "Cython==3.2.4", "setuptools>=77"]
PACKAGES += ["wheel", "pytest-xdist"]
PATCH = """
_compiled_by_nvrtc = _compile_using_nvrtc_no_warning
from gpu_standin_compiler import compiled_by_gcc as _compile_using_nvrtc_no_warning
"""
FLAGS = ["-std=c++17", "-O1", "-fPIC", "-w"]

CUDA = ("queue", "memory", "streams", "graphs", "device", "kernels", "grid")
LANGUAGE = [HERE / "cuda" / "device_language.h", HERE / "cuda" / "grid.h"]
LIBRARIES = {  # the file's name: (its sources, the extension of CuPy that asks for it, the prefix of its functions)
    "libcuda.so.1": (CUDA, "cupy_backends/cuda/api/runtime", "cuda"),
    "libcublas.so.13": (("blas",), "cupy_backends/cuda/libs/cublas", "cublas"),
    "libcurand.so.10": (("random",), "cupy_backends/cuda/libs/curand", "curand"),
    "libcufft.so.12": (("fourier",), "cupy/cuda/cufft", "cufft"),
    "libcusolver.so.12": (("solver",), "cupy_backends/cuda/libs/cusolver", "cusolver"),
    "libcusparse.so.12": ((), "cupy_backends/cuda/libs/cusparse", "cusparse"),
    "libcublasLt.so.13": ((), "", "cublasLt"),  # the loader of CuPy looks for it beside cuBLAS,
    "libnvJitLink.so.13": ((), "", "nvJitLink"),  # and for this one beside cuSOLVER
}

MISSING = 3  # the exit status


class MissingError(Exception):
    """The machine lacks something that the building needs."""


def build() -> None:
    """Build what is not there; raises MissingError where g++ or the package registry is missing."""
    if sys.platform != "linux":
        raise MissingError("it is for Linux")
    if shutil.which("g++") is None:
        raise MissingError("g++ is not installed")
    FOLDER.mkdir(exist_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    made = f"{FOLDER} {sys.version} {PACKAGES} {project['dependencies']} {project['optional-dependencies']}"
    once("venv", made, install)
    made += run("g++", "--version")
    once("cupy", made + digest([HERE / "extension.py", HERE / "cuda" / "cuda_profiler_api.h"]), build_extension)
    once("libraries", made + digest([Path(__file__), *sorted((HERE / "cuda").glob("*"))]), build_libraries)
    once("compiler", made + digest([HERE / "compiler.py", *LANGUAGE]), prepare_compiler)
    once("sorting", made + digest([HERE / "sorting.py"]), replace_sorting)


def once(name: str, key: str, work: Callable[[], None]) -> None:
    """Do a part, unless it was done with this key."""
    mark = done(name)
    if mark.exists() and mark.read_text() == key:
        return
    print(f"the stand-in for a GPU: {name} …", flush=True)
    mark.unlink(missing_ok=True)
    work()
    mark.write_text(key)


def install() -> None:
    """CuPy, the parts of CUDA that need no GPU, and what the tests need, in an environment of their own."""
    run(sys.executable, "-m", "venv", "--clear", str(FOLDER / "venv"))
    pip("install", *PACKAGES, "-e", f"{ROOT}[test]")


def build_extension() -> None:
    """``cupy_backends.cuda.api.runtime``, which holds a CUDA runtime in the wheel: anew, on the one that is played."""
    shutil.rmtree(source := FOLDER / f"cupy-{CUPY}", ignore_errors=True)
    pip("download", "--no-deps", "--no-binary=cupy", "--no-build-isolation", f"--dest={FOLDER}", f"cupy=={CUPY}")
    shutil.unpack_archive(FOLDER / f"cupy-{CUPY}.tar.gz", FOLDER, filter="data")
    (source / "pyproject.toml").unlink()
    compile_library("libcuda.so.1", [], "")  # empty: the extension shall only ask for it
    run(PYTHON, HERE / "extension.py", site(), FOLDER / "libcuda.so.1", HERE / "cuda", include(), cwd=source)


def build_libraries() -> None:
    """What is played; other functions that CuPy asks for are there and fail with their name."""
    for name, (sources, extension, prefix) in LIBRARIES.items():
        objects = [compile_object(source) for source in sources]
        wanted = functions("--undefined-only", site().glob(f"{extension}.*.so") if extension else [])
        played = functions("--defined-only", objects)
        rest = sorted(f for f in wanted - played if f.startswith(prefix))
        compile_library(name, objects, "".join(f"NOT_PLAYED({function})\n" for function in rest))


def prepare_compiler() -> None:
    """Kernels go to g++: CuPy's own module is told so, and the headers of all kernels are compiled once."""
    for folder in ("cache", "headers", "kernels"):
        shutil.rmtree(FOLDER / folder, ignore_errors=True)
        (FOLDER / folder).mkdir()
    for header in LANGUAGE:
        shutil.copy(header, FOLDER / "headers")
    shutil.copy(HERE / "compiler.py", site() / "gpu_standin_compiler.py")
    module = site() / "cupy" / "cuda" / "compiler.py"
    module.write_text(module.read_text().removesuffix(PATCH) + PATCH)
    run(PYTHON, "-c", "import gpu_standin_compiler; gpu_standin_compiler.compile_headers()", env=environment())


def replace_sorting() -> None:
    """CuPy's sorting is machine code for a GPU in its wheel; in its place comes a module for the host."""
    for file in (site() / "cupy" / "cuda").glob("thrust.*.so"):
        file.unlink()
    shutil.copy(HERE / "sorting.py", site() / "cupy" / "cuda" / "thrust.py")


def compile_object(name: str) -> Path:
    """One source, compiled."""
    made = FOLDER / f"{name}.o"
    run("g++", *FLAGS, "-O2", f"-I{include()}", "-c", HERE / "cuda" / f"{name}.cpp", "-o", made)
    return made


def compile_library(name: str, objects: Iterable[Path], rest: str) -> None:
    """A library by its name; all but CUDA's find the device in that of CUDA, and LAPACK in NumPy's wheel."""
    source, versions = FOLDER / "rest.cpp", FOLDER / "versions.map"
    source.write_text(f'#include "{HERE}/cuda/not_played.h"\n{rest}')
    versions.write_text(f"{name} {{ global: *; }};\n")
    cuda = FOLDER / "libcuda.so.1"
    others = [] if name == cuda.name else [f"-Wl,--version-script={versions}", cuda, "-Wl,--as-needed", lapack()]
    parts = [source, *objects, *others, "-ldl", "-lpthread"]
    run("g++", *FLAGS, "-shared", f"-Wl,-soname,{name}", *parts, "-o", FOLDER / name)


def functions(which: str, files: Iterable[Path]) -> set[str]:
    """The functions that compiled files ask for, or have."""
    found = set()
    for file in files:
        for line in run("nm", *(["-D"] if file.suffix == ".so" else []), which, file).splitlines():
            found.add(line.split()[-1].partition("@")[0])
    return found


def site() -> Path:
    """The folder of packages of the stand-in's Python."""
    return next((FOLDER / "venv" / "lib").glob("python*")) / "site-packages"


def include() -> Path:
    """The folder of CUDA's headers."""
    return site() / "nvidia" / "cu13" / "include"


def lapack() -> Path:
    """NumPy's own library of linear algebra, which NumPy has loaded by then."""
    return next(site().glob("numpy.libs/libscipy_openblas64_-*.so"))


def pip(*arguments: str) -> None:
    """Raises MissingError where the registry cannot be reached or does not have it."""
    stub = {"CUPY_INSTALL_USE_STUB": "1"}  # of CuPy's sources: its own are wanted, CUDA's libraries are not
    try:
        run(PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments, env=os.environ | stub)
    except subprocess.CalledProcessError as error:
        missing = [line for line in error.stderr.splitlines() if "No matching distribution" in line]
        if not missing:
            raise
        raise MissingError(f"the package registry is missing, or pip says: {missing[0]}") from error


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What a command prints; its errors are shown where it fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd, env=env).stdout


def digest(files: Iterable[Path]) -> str:
    """A text that changes with the files."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def main() -> int:
    """Build; 0, or MISSING with the reason where the machine lacks something."""
    try:
        build()
    except MissingError as reason:
        print(f"the stand-in for a GPU cannot be built: {reason}")
        return MISSING
    except subprocess.CalledProcessError as error:
        print(error.stdout, error.stderr, file=sys.stderr)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
