// What the libraries that are played beside CUDA, such as cuBLAS, know of the device.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <functional>

#define PLAYED extern "C" __attribute__((visibility("default")))

extern "C" int fakegpu_ask(void* stream, std::function<void()>* work);
extern "C" int fakegpu_is_device(const void* start, size_t size);

// What all handles have in common, for a ``Status`` and a ``Handle`` with a stream.
#define PLAYED_HANDLE(create, destroy, get_stream) \
    PLAYED Status create(Handle** handle) { \
        *handle = new Handle; \
        return SUCCESS; \
    } \
    PLAYED Status destroy(Handle* handle) { \
        delete handle; \
        return SUCCESS; \
    } \
    PLAYED Status get_stream(Handle* handle, void** stream) { \
        *stream = handle->stream; \
        return SUCCESS; \
    }

template <class F>
int ask(void* stream, F work) {
    return fakegpu_ask(stream, new std::function<void()>(std::move(work)));
}
