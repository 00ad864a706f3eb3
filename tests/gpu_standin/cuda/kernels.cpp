// The driver: kernels are functions of libraries that g++ made of CuPy's sources (compiler.py).
#include "grid.h"
#include "queue.h"

#include <cuda.h>
#include <dlfcn.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include <chrono>
#include <string>
#include <thread>
#include <vector>

struct Function {
    std::string name;
    const standin::Kernel* kernel;
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

static void sleep(void** arguments) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(*(unsigned long long*)arguments[0]));
}
static const size_t A_NUMBER = sizeof(unsigned long long);
static const standin::Kernel SLEEPING{1, &A_NUMBER, sleep, false};

PLAYED CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    auto* kernel = &SLEEPING;
    if ((void*)module != SLEEP)
        kernel = (const standin::Kernel*)dlsym((void*)module, (std::string("fakegpu_kernel_") + name).c_str());
    if (!kernel) return told(CUDA_ERROR_NOT_FOUND, name);
    *function = (CUfunction) new Function{name, kernel};
    return CUDA_SUCCESS;
}

PLAYED CUresult cuModuleGetGlobal_v2(CUdeviceptr*, size_t*, CUmodule, const char*) { return CUDA_ERROR_NOT_FOUND; }

// CUDA reads the arguments at the launch; the work is done later.
static std::vector<std::vector<char>> copied(const standin::Kernel& kernel, void** arguments) {
    std::vector<std::vector<char>> held;
    for (size_t i = 0; i < kernel.count; i++) {
        auto* start = (char*)arguments[i];
        held.emplace_back(start, start + kernel.sizes[i]);
    }
    return held;
}

PLAYED CUresult cuLaunchKernel(
    CUfunction launched, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
    unsigned block_z, unsigned shared, CUstream stream, void** arguments, void**) {
    auto* function = (Function*)launched;
    LOG("%s on %u blocks of %u threads, stream %p", function->name.c_str(), grid_x, block_x, (void*)stream);
    if (shared > standin::SHARED) return told(CUDA_ERROR_INVALID_VALUE, "a block has 48 KiB of shared memory");
    standin::Index grid{grid_x, grid_y, grid_z}, block{block_x, block_y, block_z};
    const standin::Kernel& kernel = *function->kernel;
    return (CUresult)ask(stream, [=, &kernel, held = copied(kernel, arguments)]() mutable {
        FlushToZero flush;
        std::vector<void*> places;
        for (auto& one : held) places.push_back(one.data());
        standin::run_grid(kernel, places.data(), grid, block);
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
