// The device: one, made up, of Hopper's kind, and the names of errors.
#include "queue.h"

#include <cuda_runtime_api.h>

#include <cstring>

size_t fakegpu_total_memory();

PLAYED const char* cudaGetErrorName(cudaError_t error) {
    switch (error) {
#define NAMED(name) \
    case name: return #name;
        NAMED(cudaSuccess) NAMED(cudaErrorInvalidValue) NAMED(cudaErrorMemoryAllocation) NAMED(cudaErrorInvalidDevice)
        NAMED(cudaErrorInvalidResourceHandle) NAMED(cudaErrorIllegalState) NAMED(cudaErrorNotReady)
        NAMED(cudaErrorIllegalAddress) NAMED(cudaErrorNotSupported) NAMED(cudaErrorCapturedEvent)
        NAMED(cudaErrorStreamCaptureUnsupported) NAMED(cudaErrorStreamCaptureInvalidated)
        NAMED(cudaErrorStreamCaptureIsolation) NAMED(cudaErrorStreamCaptureImplicit)
        default: return "cudaErrorUnknown";
    }
}

PLAYED const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }

PLAYED cudaError_t cudaGetLastError() { return take_last_error(); }

PLAYED cudaError_t cudaDriverGetVersion(int* version) {
    *version = 13000;
    return cudaSuccess;
}

PLAYED cudaError_t cudaRuntimeGetVersion(int* version) {
    *version = 13020;
    return cudaSuccess;
}

PLAYED cudaError_t cudaGetDeviceCount(int* count) {
    *count = 1;
    return cudaSuccess;
}

PLAYED cudaError_t cudaGetDevice(int* device) {
    *device = 0;
    return cudaSuccess;
}

PLAYED cudaError_t cudaSetDevice(int device) {
    return device == 0 ? cudaSuccess : failed(cudaErrorInvalidDevice, "cudaSetDevice");
}

PLAYED cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
    switch (attribute) {
        case cudaDevAttrComputeCapabilityMajor: *value = 9; break;
        case cudaDevAttrComputeCapabilityMinor: *value = 0; break;
        case cudaDevAttrMaxThreadsPerBlock: *value = 1024; break;
        case cudaDevAttrMultiProcessorCount: *value = 4; break;
        case cudaDevAttrWarpSize: *value = 32; break;
        case cudaDevAttrMaxSharedMemoryPerBlock: *value = 48 << 10; break;
        default: *value = 1;
    }
    return cudaSuccess;
}

#undef cudaGetDeviceProperties
PLAYED cudaError_t cudaGetDeviceProperties(cudaDeviceProp* found, int) {
    *found = {};
    strcpy(found->name, "a stand-in for a GPU");
    found->totalGlobalMem = fakegpu_total_memory();
    found->major = 9;
    found->multiProcessorCount = 4;
    found->warpSize = 32;
    found->maxThreadsPerBlock = 1024;
    return cudaSuccess;
}

PLAYED cudaError_t cudaGetDeviceProperties_v2(cudaDeviceProp* found, int device) {
    return cudaGetDeviceProperties(found, device);
}

PLAYED cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) {
    *can = 0;
    return cudaSuccess;
}

PLAYED cudaError_t cudaDeviceEnablePeerAccess(int, unsigned) { return cudaSuccess; }

PLAYED cudaError_t cudaDeviceDisablePeerAccess(int) { return cudaSuccess; }
