// Memory of the device and pinned memory: parts of the host's, full of NaN when they are new, known by address.
#include "queue.h"

#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>
#include <map>

static const size_t TOTAL = (size_t)8 << 30;
static size_t in_use = 0;
using Blocks = std::map<char*, size_t>;
static Blocks device_blocks, pinned_blocks;

static bool inside(const Blocks& blocks, const void* address) {
    auto next = blocks.upper_bound((char*)address);
    if (next == blocks.begin()) return false;
    auto [start, size] = *--next;
    return (char*)address < start + size;
}

static char* take(Blocks& blocks, size_t size, size_t alignment) {
    char* start = (char*)aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (!start) return nullptr;
    memset(start, 0xFF, size);  // NaN in every float
    blocks[start] = size;
    return start;
}

PLAYED int fakegpu_is_device(const void* start, size_t size) {
    auto held = lock();
    return size == 0 || (inside(device_blocks, start) && inside(device_blocks, (const char*)start + size - 1));
}

size_t fakegpu_total_memory() { return TOTAL; }

PLAYED cudaError_t cudaMalloc(void** start, size_t size) {
    auto held = lock();
    *start = in_use + size > TOTAL ? nullptr : take(device_blocks, size, 512);
    if (!*start) return failed(cudaErrorMemoryAllocation, "cudaMalloc");
    in_use += size;
    return cudaSuccess;
}

PLAYED cudaError_t cudaFree(void* start) {
    auto held = lock();
    if (!start) return cudaSuccess;
    if (!any_captured()) finish_everything();
    auto block = device_blocks.find((char*)start);
    if (block == device_blocks.end()) return failed(cudaErrorInvalidValue, "cudaFree");
    in_use -= block->second;
    device_blocks.erase(block);
    free(start);
    return cudaSuccess;
}

PLAYED cudaError_t cudaHostAlloc(void** start, size_t size, unsigned) {
    auto held = lock();
    *start = take(pinned_blocks, size, 4096);
    return *start ? cudaSuccess : failed(cudaErrorMemoryAllocation, "cudaHostAlloc");
}

PLAYED cudaError_t cudaFreeHost(void* start) {
    auto held = lock();
    finish_everything();
    pinned_blocks.erase((char*)start);
    free(start);
    return cudaSuccess;
}

PLAYED cudaError_t cudaMemGetInfo(size_t* available, size_t* total) {
    auto held = lock();
    *available = TOTAL - in_use;
    *total = TOTAL;
    return cudaSuccess;
}

PLAYED cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* found, const void* address) {
    auto held = lock();
    *found = {};
    if (inside(device_blocks, address)) {
        found->type = cudaMemoryTypeDevice;
        found->devicePointer = (void*)address;
    } else if (inside(pinned_blocks, address)) {
        found->type = cudaMemoryTypeHost;
        found->hostPointer = (void*)address;
    } else {
        found->type = cudaMemoryTypeUnregistered;
        found->device = -2;
    }
    return cudaSuccess;
}

static cudaError_t ask_copy(void* target, const void* source, size_t size, cudaStream_t stream) {
    return ask(stream, [=] { memmove(target, source, size); });
}

// Memory that is not pinned is read before the call returns: a copy of it is what the device copies.
static cudaError_t upload(void* target, const void* source, size_t size, cudaStream_t handle) {
    if (inside(pinned_blocks, source)) return ask_copy(target, source, size, handle);
    Stream* stream = stream_of(handle);
    if (stream->capture) return refuse(stream, cudaErrorStreamCaptureUnsupported, "a copy from pageable memory");
    auto kept = std::make_shared<std::vector<char>>((char*)source, (char*)source + size);
    finish(stream->last);
    return ask(handle, [=] { memcpy(target, kept->data(), size); });
}

// Into memory that is not pinned: it is there when the call returns.
static cudaError_t download(void* target, const void* source, size_t size, cudaStream_t handle) {
    bool pinned = inside(pinned_blocks, target);
    Stream* stream = stream_of(handle);
    if (!pinned && stream->capture)
        return refuse(stream, cudaErrorStreamCaptureUnsupported, "a copy into pageable memory");
    cudaError_t error = ask_copy(target, source, size, handle);
    if (!error && !pinned) finish(stream->last);
    return error;
}

PLAYED cudaError_t cudaMemcpyAsync(
    void* target, const void* source, size_t size, cudaMemcpyKind kind, cudaStream_t stream) {
    auto held = lock();
    bool to_device = inside(device_blocks, target), from_device = inside(device_blocks, source);
    if (kind == cudaMemcpyDefault)
        kind = from_device ? to_device ? cudaMemcpyDeviceToDevice : cudaMemcpyDeviceToHost : cudaMemcpyHostToDevice;
    if (kind != cudaMemcpyDeviceToHost && !fakegpu_is_device(target, size))
        return failed(cudaErrorIllegalAddress, "a copy to the device");
    if (kind != cudaMemcpyHostToDevice && !fakegpu_is_device(source, size))
        return failed(cudaErrorIllegalAddress, "a copy from the device");
    if (kind == cudaMemcpyHostToDevice) return upload(target, source, size, stream);
    if (kind == cudaMemcpyDeviceToHost) return download(target, source, size, stream);
    return ask_copy(target, source, size, stream);
}

PLAYED cudaError_t cudaMemcpy(void* target, const void* source, size_t size, cudaMemcpyKind) {
    auto held = lock();
    cudaError_t error = ask_copy(target, source, size, nullptr);
    if (!error) finish(null_stream()->last);
    return error;
}

PLAYED cudaError_t cudaMemsetAsync(void* start, int value, size_t size, cudaStream_t stream) {
    if (!fakegpu_is_device(start, size)) return failed(cudaErrorIllegalAddress, "cudaMemset");
    return ask(stream, [=] { memset(start, value, size); });
}

PLAYED cudaError_t cudaMemset(void* start, int value, size_t size) {
    return cudaMemsetAsync(start, value, size, nullptr);
}
