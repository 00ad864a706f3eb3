// The language of kernels in C++ for the host: its words and its functions.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "grid.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <tuple>
#include <utility>

#undef __global__
#undef __device__
#undef __host__
#undef __forceinline__
#undef __noinline__
#undef __shared__
#undef __constant__
#undef __launch_bounds__
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __shared__ static  // one block runs at a time
#define __constant__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __ldg(p) (*(p))

using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;

template <class T>
inline T min(T a, T b) { return b < a ? b : a; }
template <class T>
inline T max(T a, T b) { return a < b ? b : a; }
inline long long min(long long a, int b) { return a < b ? a : b; }
inline long long max(long long a, int b) { return a > b ? a : b; }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }

namespace standin {
template <class To, class From>
inline To bits(From x) {
    static_assert(sizeof(To) == sizeof(From));
    To found;
    memcpy(&found, &x, sizeof found);
    return found;
}

template <class T>
inline T add(T* place, T x) {
    T before = *place;
    *place = before + x;
    return before;
}
}  // namespace standin

inline float __int_as_float(int x) { return standin::bits<float>(x); }
inline int __float_as_int(float x) { return standin::bits<int>(x); }
inline unsigned __float_as_uint(float x) { return standin::bits<unsigned>(x); }
inline double __longlong_as_double(long long x) { return standin::bits<double>(x); }
inline long long __double_as_longlong(double x) { return standin::bits<long long>(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }

// Threads run in turn, so what is atomic on a GPU is ordinary here.
template <class T>
inline T atomicCAS(T* place, T expected, T x) {
    T before = *place;
    if (before == expected) *place = x;
    return before;
}
inline int atomicAdd(int* place, int x) { return standin::add(place, x); }
inline unsigned atomicAdd(unsigned* place, unsigned x) { return standin::add(place, x); }
inline unsigned long long atomicAdd(unsigned long long* place, unsigned long long x) { return standin::add(place, x); }
inline float atomicAdd(float* place, float x) { return standin::add(place, x); }
inline double atomicAdd(double* place, double x) { return standin::add(place, x); }

static const int warpSize = 32;
inline void __syncthreads() { standin::wait_for_block(); }
inline void __syncwarp(unsigned = 0) { standin::wait_for_block(); }
inline void __threadfence() {}

namespace standin {
using Work = std::function<void()>;

// A kernel's arguments are read now, as CUDA does at a launch; the work is done later.
template <class... A, size_t... I>
Work* prepare(
    void (*kernel)(A...), void** arguments, Index grid, Index block, bool has_barriers, std::index_sequence<I...>) {
    std::tuple<std::decay_t<A>...> held(*(std::decay_t<A>*)arguments[I]...);
    return new Work([=] {
        auto call = [&] { kernel(std::get<I>(held)...); };
        run_grid([](void* one) { (*(decltype(call)*)one)(); }, &call, grid, block, has_barriers);
    });
}

template <class... A>
Work* prepare(void (*kernel)(A...), void** arguments, unsigned* grid, unsigned* block, bool has_barriers) {
    Index g{grid[0], grid[1], grid[2]}, b{block[0], block[1], block[2]};
    return prepare(kernel, arguments, g, b, has_barriers, std::index_sequence_for<A...>());
}
}  // namespace standin
