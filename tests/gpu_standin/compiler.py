"""Compiles CuPy's kernels for the host; CuPy calls it instead of NVRTC (with FAKEGPU_NVRTC set, beside NVRTC).

A kernel's source is compiled by g++ as it is. What is added says of each kernel how it is called; the "binary" that
CuPy loads is the name of the library that holds them. The tests compile a thousand kernels, so the compiler is spared
work: headers are compiled once, only what a kernel calls of them becomes machine code, and no library is looked for.
"""

import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import Any

SITE = Path(__file__).resolve().parent  # CuPy's neighbour: build.py puts it there
FOLDER = SITE.parents[3]
HEADERS, KERNELS, CUDA_LIBRARY = FOLDER / "headers" / "all.h", FOLDER / "kernels", FOLDER / "libcuda.so.1"
CUDA, OWN = SITE / "nvidia" / "cu13" / "include", SITE / "cupy" / "_core" / "include"
INCLUDES = [f"-I{folder}" for folder in (CUDA, OWN, *sorted((OWN / "cupy" / "_cccl").glob("*")))]
FLAGS = [
    "-std=c++17",
    "-O1",
    "-fPIC",
    "-w",
    "-fpermissive",
    "-ffp-contract=off",
    "-fwhole-program",  # functions of the headers that the kernel does not call are left out
    "-D__CUDACC_VER_MAJOR__=13",
    *INCLUDES,
]
LINKED = ["-nostdlib", str(CUDA_LIBRARY), "-lgcc"]  # it brings the standard libraries
SHARED = re.compile(r"extern\s+__shared__\s+([\w\s:<>]+?)\s+(\w+)\[\];")  # an array whose size a launch says
A_KERNEL = re.compile(r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(')


def compiled_by_gcc(
    source: str,
    options: Any = (),
    arch: Any = None,
    filename: str = "kern.cu",
    name_expressions: Any = None,
    *others: Any,
) -> tuple[bytes, dict[str, str] | None]:
    """What CuPy's ``_compile_using_nvrtc_no_warning`` returns: (binary, {name that was asked for: name in it})."""
    if os.environ.get("FAKEGPU_NVRTC"):
        from cupy.cuda import compiler  # here: it imports this module

        compiler._compiled_by_nvrtc(source, options, arch, filename, name_expressions, *others)
    if "globaltimer" in source:  # the kernel that keeps a stream busy: it has no meaning on the host
        return b"FAKEGPU:SLEEP\0", None
    asked = {name: f"asked{number}" for number, name in enumerate(name_expressions or ())}
    kernels = {name: name for name in A_KERNEL.findall(source)} | {new: name for name, new in asked.items()}
    has_barriers = "true" if "__sync" in source else "false"
    program = SHARED.sub(r"\1* \2 = (\1*)standin::shared;", source)
    program += "".join(what_is_known(new, kernel, has_barriers) for new, kernel in kernels.items())
    return f"FAKEGPU:{library(program, source, options)}\0".encode(), asked or None


def what_is_known(name: str, kernel: str, has_barriers: str) -> str:
    """The constant that ``cuda/kernels.cpp`` looks up."""
    declared = f'extern "C" __attribute__((externally_visible)) const standin::Kernel fakegpu_kernel_{name}'
    return f"\n{declared};\n{declared} = standin::Of<&{kernel}>::made({has_barriers});"


def library(program: str, source: str, options: Any) -> Path:
    """The compiled program; raises CuPy's CompileException with what g++ says."""
    made = KERNELS / f"{hashlib.sha256(program.encode()).hexdigest()}.so"
    if not made.exists():
        own = made.with_suffix(f".{os.getpid()}.so")  # another process may compile the same at this moment
        file = own.with_suffix(".cpp")
        file.write_text(program)
        command = ["g++", *FLAGS, "-shared", "-include", str(HEADERS), str(file), *LINKED, "-o", str(own)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            from cupy.cuda.compiler import CompileException  # here: it imports this module

            raise CompileException(done.stderr[:3000], source, str(file), options, "g++")
        file.unlink()
        own.rename(made)
    return made


def compile_headers() -> None:
    """What every kernel includes, once, so that a kernel takes less than a tenth of a second."""
    names = ("complex.cuh", "carray.cuh", "atomics.cuh", "math_constants.h", "float16.cuh")
    HEADERS.write_text('#include "device_language.h"\n' + "".join(f"#include <cupy/{name}>\n" for name in names))
    subprocess.run(["g++", *FLAGS, "-x", "c++-header", str(HEADERS), "-o", f"{HEADERS}.gch"], check=True)
