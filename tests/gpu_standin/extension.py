"""Compiles CuPy's module of the CUDA runtime, in the folder of CuPy's sources; ``build.py`` runs it.

Arguments: where to put it, the library that it asks for, and the folders of headers.
"""

import sys

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

target, library, *headers = sys.argv[1:]
MODULE = "cupy_backends.cuda.api.runtime"
cuda = {"CUPY_USE_CUDA_PYTHON": False, "CUPY_CUFFT_STATIC": False, "CUPY_CYTHON_VERSION": "3.2.4"}
cuda |= {"CUPY_CUDA_VERSION": 13020, "CUPY_HIP_VERSION": 0}
options = {"embedsignature": True, "c_api_binop_methods": True, "binding": False, "freethreading_compatible": True}

extension = Extension(
    MODULE,
    [MODULE.replace(".", "/") + ".pyx"],
    language="c++",
    include_dirs=[*headers, numpy.get_include(), "cupy_backends"],
    define_macros=[
        ("_FORCE_INLINES", "1"),
        ("CYTHON_EXTERN_C", 'extern "C"'),
        ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
    ],
    extra_compile_args=["-O1", "-w"],
    extra_link_args=["-Wl,--no-as-needed", library],
)
modules = cythonize([extension], language_level=3, compiler_directives=options, compile_time_env=cuda)
setup(name="extension", script_args=["build_ext", "--build-lib", target], packages=[], ext_modules=modules)
