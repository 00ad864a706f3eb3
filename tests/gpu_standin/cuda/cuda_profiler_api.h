// The one header that CuPy's runtime needs and the wheels do not have.
#pragma once
#include <driver_types.h>

extern "C" cudaError_t cudaProfilerStart(void);
extern "C" cudaError_t cudaProfilerStop(void);
