// The driver: kernels are functions of libraries that g++ made of CuPy's sources (compiler.py).
#include "queue.h"

#include <cuda.h>
#include <dlfcn.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include <chrono>
#include <string>
#include <thread>

// A library's function that takes a kernel's arguments now and returns what is to be done on them.
using Prepare = Work* (*)(void** arguments, unsigned* grid, unsigned* block);

struct Kernel {
    std::string name;
    Prepare prepare;
};

static void* const SLEEP = (void*)1;  // the module of the one kernel that keeps a stream busy

// With FAKEGPU_FTZ numbers below the normal ones are 0, as where CUDA compiles for speed.
struct FlushToZero {
#ifdef __SSE__
    unsigned before = _mm_getcsr();
    FlushToZero() {
        if (is_set("FAKEGPU_FTZ")) _mm_setcsr(before | 0x8040);
    }
    ~FlushToZero() { _mm_setcsr(before); }
#endif
};

static CUresult told(CUresult error, const char* text) {
    fprintf(stderr, "[gpu] %s\n", text);
    return error;
}

PLAYED CUresult cuGetErrorName(CUresult, const char** name) {
    *name = "CUDA_ERROR_OF_THE_STAND_IN";
    return CUDA_SUCCESS;
}

PLAYED CUresult cuGetErrorString(CUresult, const char** text) {
    *text = "an error of the stand-in for a GPU";
    return CUDA_SUCCESS;
}

PLAYED CUresult cuCtxGetCurrent(CUcontext* context) {
    *context = (CUcontext)1;
    return CUDA_SUCCESS;
}

PLAYED CUresult cuCtxSetCurrent(CUcontext) { return CUDA_SUCCESS; }

PLAYED CUresult cuCtxGetDevice(CUdevice* device) {
    *device = 0;
    return CUDA_SUCCESS;
}

PLAYED CUresult cuModuleLoadData(CUmodule* module, const void* image) {
    std::string text((const char*)image), mark = "FAKEGPU:";
    if (text.compare(0, mark.size(), mark)) return told(CUDA_ERROR_INVALID_IMAGE, "a binary for a real GPU was loaded");
    std::string path = text.substr(mark.size());
    *module = (CUmodule)(path == "SLEEP" ? SLEEP : dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
    return *module ? CUDA_SUCCESS : told(CUDA_ERROR_INVALID_IMAGE, dlerror());
}

PLAYED CUresult cuModuleUnload(CUmodule) { return CUDA_SUCCESS; }

static Work* prepare_sleep(void** arguments, unsigned*, unsigned*) {
    std::chrono::nanoseconds length(*(unsigned long long*)arguments[0]);
    return new Work([length] { std::this_thread::sleep_for(length); });
}

PLAYED CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    Prepare prepare = prepare_sleep;
    if ((void*)module != SLEEP) prepare = (Prepare)dlsym((void*)module, (std::string("fakegpu_prepare_") + name).c_str());
    if (!prepare) return told(CUDA_ERROR_NOT_FOUND, name);
    *function = (CUfunction) new Kernel{name, prepare};
    return CUDA_SUCCESS;
}

PLAYED CUresult cuModuleGetGlobal_v2(CUdeviceptr*, size_t*, CUmodule, const char*) { return CUDA_ERROR_NOT_FOUND; }

PLAYED CUresult cuLaunchKernel(
    CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
    unsigned block_z, unsigned, CUstream stream, void** arguments, void**) {
    auto* kernel = (Kernel*)function;
    LOG("%s on %u blocks of %u threads, stream %p", kernel->name.c_str(), grid_x, block_x, (void*)stream);
    unsigned grid[] = {grid_x, grid_y, grid_z}, block[] = {block_x, block_y, block_z};
    std::unique_ptr<Work> work(kernel->prepare(arguments, grid, block));
    return (CUresult)ask(stream, [work = std::move(*work)] {
        FlushToZero flush;
        work();
    });
}

PLAYED CUresult cuFuncGetAttribute(int* value, CUfunction_attribute, CUfunction) {
    *value = 1024;
    return CUDA_SUCCESS;
}

PLAYED CUresult cuFuncSetAttribute(CUfunction, CUfunction_attribute, int) { return CUDA_SUCCESS; }

PLAYED CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* count, CUfunction, int, size_t) {
    *count = 2;
    return CUDA_SUCCESS;
}

PLAYED CUresult cuOccupancyMaxPotentialBlockSize(
    int* grid, int* block, CUfunction, CUoccupancyB2DSize, size_t, int) {
    *grid = 4;
    *block = 256;
    return CUDA_SUCCESS;
}
