"""Compiling a kernel's source for a GPU by NVRTC, on a machine that has none.

It needs the wheels nvidia-cuda-nvrtc-cu12 and nvidia-cuda-runtime-cu12 (or those of another CUDA) beside CuPy.
"""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from string import Template

import cupy

from miniflow_xp.backends.cupy.sources import Source

ARCHITECTURE = "sm_90"  # H100 and H200

KERNEL = Template("""
#include "cupy/carray.cuh"
#include "cupy/complex.cuh"
#include "cupy/atomics.cuh"
#include "cupy/math_constants.h"
$halves
extern "C" __global__ void $name($parameters, CIndexer<$ndim> _ind) {
  CUPY_FOR(i, _ind.size()) {
    _ind.set(i);
    $references
    $operation
  }
}
""")
HALVES = {"float16": '#include "cupy/float16.cuh"', "bfloat16": '#include "cupy/bfloat16.cuh"'}


def program(source: Source, ndim: int = 1) -> str:
    """The whole program around a source, as CuPy writes it; ``ndim`` 2 is the form for broadcasting."""
    from cupy._core._scalar import get_typename  # CuPy's names for dtypes in C

    arrays = [(get_typename(dtype), name, "const ") for dtype, name in source.inputs]
    arrays += [(get_typename(dtype), name, "") for dtype, name in source.outputs]
    used = {dtype for dtype, _ in (*source.inputs, *source.outputs)}
    form = "true, true" if ndim == 1 else "false, true"
    return KERNEL.substitute(
        name=source.name,
        ndim=ndim,
        halves="\n".join(line for dtype, line in HALVES.items() if dtype in used),
        parameters=", ".join(f"{const}CArray<{kind}, {ndim}, {form}> _raw_{name}" for kind, name, const in arrays),
        references=" ".join(f"{const}{kind} &{name} = _raw_{name}[_ind.get()];" for kind, name, const in arrays),
        operation=source.operation,
    )


def why_missing() -> str:
    """What keeps NVRTC from compiling here; an empty text where nothing does."""
    if include_folder() is None:
        return "CUDA's headers are missing: pip install nvidia-cuda-runtime-cu12 nvidia-cuda-nvrtc-cu12"
    try:
        import_module("cupy_backends.cuda.libs.nvrtc").getVersion()
    except (ImportError, RuntimeError, OSError) as error:
        return f"NVRTC cannot be loaded: {str(error).strip().splitlines()[0]}"
    return ""


def include_folder() -> Path | None:
    """The folder of CUDA's headers in an installed wheel."""
    spec = find_spec("nvidia")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    found = [file.parent for folder in folders for file in sorted(folder.glob("*/include/cuda_fp16.h"))]
    return found[0] if found else None


def compile_for(source: Source, ndim: int = 1, architecture: str = ARCHITECTURE) -> int:
    """Bytes of the binary; raises NVRTC's error, with its log, where the source does not compile."""
    nvrtc = import_module("cupy_backends.cuda.libs.nvrtc")
    handle = nvrtc.createProgram(program(source, ndim), f"{source.name}.cu", (), ())
    try:
        nvrtc.compileProgram(handle, tuple(options(architecture)))
        return len(nvrtc.getCUBIN(handle))
    except nvrtc.NVRTCError as error:
        raise RuntimeError(f"{error}\n{nvrtc.getProgramLog(handle)}\n{source.operation}") from error
    finally:
        nvrtc.destroyProgram(handle)


def options(architecture: str) -> Sequence[str]:
    """The options that CuPy gives, as far as they matter."""
    own = Path(cupy.__file__).parent / "_core" / "include"
    folders = [own, include_folder(), *sorted((own / "cupy" / "_cccl").glob("*"))]
    return [
        *(f"-I{folder}" for folder in folders),
        "-std=c++17",
        "--device-as-default-execution-space",
        f"-arch={architecture}",
    ]
