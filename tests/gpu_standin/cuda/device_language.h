// The language of kernels in C++ for the host: its words and its functions.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "grid.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
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

using std::abs;  // C has one of integers alone
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
// CUDA's own functions of mathematics, good to some roundings.
static const double PI = 3.14159265358979323846;
inline double sinpi(double x) { return std::sin(PI * std::remainder(x, 2.0)); }
inline double cospi(double x) { return std::cos(PI * std::remainder(x, 2.0)); }
inline double cyl_bessel_i0(double x) { return std::cyl_bessel_i(0.0, std::fabs(x)); }
inline double cyl_bessel_i1(double x) { return std::copysign(std::cyl_bessel_i(1.0, std::fabs(x)), x); }
inline double normcdf(double x) { return std::erfc(-x * std::sqrt(0.5)) / 2; }
inline double erfcx(double x) {
    if (x < 10) return std::exp(x * x) * std::erfc(x);
    double fraction = x;  // 1 / (x + ½/(x + 1/(x + …))) / √π
    for (int k = 40; k; k--) fraction = x + k / 2.0 / fraction;
    return 1 / (fraction * std::sqrt(PI));
}
inline double normcdfinv(double p) {
    if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    if (p > 0.5) return -normcdfinv(1 - p);
    double x = p < 0.02 ? -std::sqrt(-2 * std::log(p)) : 0;
    for (int i = 0; i < 60; i++) {  // Newton's steps for the logarithm, which is concave
        double step = (std::log(normcdf(x)) - std::log(p)) * normcdf(x) * std::sqrt(2 * PI) * std::exp(x * x / 2);
        x -= step;
        if (std::fabs(step) < 1e-15 * std::fabs(x)) break;
    }
    return x;
}
inline double erfinv(double y) {
    double x = normcdfinv((y + 1) / 2) * std::sqrt(0.5);
    return std::fabs(y) > 0.5 ? x : x - (std::erf(x) - y) * std::exp(x * x) * std::sqrt(PI) / 2;  // near 0, 1 + y rounds
}
inline double erfcinv(double y) { return -normcdfinv(y / 2) * std::sqrt(0.5); }
inline float sinpif(float x) { return (float)sinpi(x); }
inline float cospif(float x) { return (float)cospi(x); }
inline float cyl_bessel_i0f(float x) { return (float)cyl_bessel_i0(x); }
inline float cyl_bessel_i1f(float x) { return (float)cyl_bessel_i1(x); }
inline float normcdff(float x) { return (float)normcdf(x); }
inline float normcdfinvf(float x) { return (float)normcdfinv(x); }
inline float erfcxf(float x) { return (float)erfcx(x); }
inline float erfinvf(float x) { return (float)erfinv(x); }
inline float erfcinvf(float x) { return (float)erfcinv(x); }
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
template <class... A, size_t... I>
inline void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*(std::remove_cv_t<A>*)arguments[I]...);
}

// ``Of<&kernel>::made(…)`` is what is known of a kernel. Little is asked of the compiler, which is called for each one.
template <auto kernel>
struct Of;
template <class... A, void (*kernel)(A...)>
struct Of<kernel> {
    static constexpr size_t sizes[] = {sizeof(A)..., 0};
    static void call(void** arguments) { standin::call(kernel, arguments, std::index_sequence_for<A...>()); }
    static constexpr Kernel made(bool has_barriers) { return {sizeof...(A), sizes, call, has_barriers}; }
};
}  // namespace standin
