// What the libraries that are played beside CUDA, such as cuBLAS, know of the device.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <functional>

#define PLAYED extern "C" __attribute__((visibility("default")))

extern "C" int fakegpu_ask(void* stream, std::function<void()>* work);
extern "C" int fakegpu_is_device(const void* start, size_t size);

template <class F>
int ask(void* stream, F work) {
    return fakegpu_ask(stream, new std::function<void()>(std::move(work)));
}
