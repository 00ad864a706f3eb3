// cuBLAS: products, sums of two matrices, and the factors of many, in columns as it has them. Sums of products are made
// in float64, then rounded once.
#include "lapack.h"
#include "library.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <library_types.h>

#include <algorithm>
#include <complex>
#include <vector>

// cuBLAS's own header is in a wheel of hundreds of megabytes; these are its numbers.
enum Status { SUCCESS = 0, INVALID_VALUE = 7, INTERNAL_ERROR = 14, NOT_SUPPORTED = 15 };
enum Compute { COMPUTE_32F = 68, COMPUTE_64F = 70, COMPUTE_32F_FAST_TF32 = 77 };

struct Handle {
    void* stream = nullptr;
    void* workspace = nullptr;
    int pointers = 0;
    int math = 0;
};

static Status refuse(Status status, const char* why) {
    fprintf(stderr, "[blas] %s\n", why);
    return status;
}

PLAYED_HANDLE(cublasCreate_v2, cublasDestroy_v2, cublasGetStream_v2)

PLAYED Status cublasSetStream_v2(Handle* handle, void* stream) {
    handle->stream = stream;
    handle->workspace = nullptr;  // as cuBLAS does
    return SUCCESS;
}

PLAYED Status cublasSetWorkspace_v2(Handle* handle, void* start, size_t size) {
    if (!fakegpu_is_device(start, size)) return refuse(INVALID_VALUE, "a workspace on the host");
    handle->workspace = start;
    return SUCCESS;
}

PLAYED Status cublasSetPointerMode_v2(Handle* handle, int mode) {
    handle->pointers = mode;
    return SUCCESS;
}

PLAYED Status cublasGetPointerMode_v2(Handle* handle, int* mode) {
    *mode = handle->pointers;
    return SUCCESS;
}

PLAYED Status cublasSetMathMode(Handle* handle, int mode) {
    handle->math = mode;
    return SUCCESS;
}

PLAYED Status cublasGetMathMode(Handle* handle, int* mode) {
    *mode = handle->math;
    return SUCCESS;
}

PLAYED Status cublasGetVersion_v2(Handle*, int* version) {
    *version = 130100;
    return SUCCESS;
}

using Complex = std::complex<double>;

static bool is_complex(cudaDataType type) { return type == CUDA_C_32F || type == CUDA_C_64F; }

static size_t size_of(cudaDataType type) {
    switch (type) {
        case CUDA_C_64F: return 16;
        case CUDA_R_64F:
        case CUDA_C_32F: return 8;
        case CUDA_R_32F: return 4;
        default: return 2;
    }
}

static void get(const void* start, cudaDataType type, size_t place, double& value) {
    switch (type) {
        case CUDA_R_32F: value = ((float*)start)[place]; return;
        case CUDA_R_64F: value = ((double*)start)[place]; return;
        case CUDA_R_16F: value = __half2float(((__half*)start)[place]); return;
        case CUDA_R_16BF: value = __bfloat162float(((__nv_bfloat16*)start)[place]); return;
        default: abort();
    }
}

static void get(const void* start, cudaDataType type, size_t place, Complex& value) {
    value = type == CUDA_C_64F ? ((Complex*)start)[place] : Complex(((std::complex<float>*)start)[place]);
}

static void put(void* start, cudaDataType type, size_t place, double value) {
    switch (type) {
        case CUDA_R_32F: ((float*)start)[place] = value; return;
        case CUDA_R_64F: ((double*)start)[place] = value; return;
        case CUDA_R_16F: ((__half*)start)[place] = __float2half((float)value); return;
        case CUDA_R_16BF: ((__nv_bfloat16*)start)[place] = __float2bfloat16((float)value); return;
        default: abort();
    }
}

static void put(void* start, cudaDataType type, size_t place, Complex value) {
    if (type == CUDA_C_64F)
        ((Complex*)start)[place] = value;
    else
        ((std::complex<float>*)start)[place] = std::complex<float>(value);
}

static double conjugate(double x) { return x; }
static Complex conjugate(Complex x) { return std::conj(x); }

enum Operation { AS_IT_IS, TRANSPOSED, CONJUGATED };  // cuBLAS's; the last one is transposed, too

// A matrix in memory, column after column; transposed, its rows are what the product calls columns.
struct Matrix {
    void* start;
    cudaDataType type;
    int leading;
    int operation = AS_IT_IS;

    size_t place(int row, int column) const {
        return operation == AS_IT_IS ? (size_t)column * leading + row : (size_t)row * leading + column;
    }
    template <class T>
    T at(int row, int column) const {
        T found;
        get(start, type, place(row, column), found);
        return operation == CONJUGATED ? conjugate(found) : found;
    }
};

// out = alpha a b + beta out, for an (m, k) matrix a and a (k, n) matrix b
template <class T>
static void multiply(int m, int n, int k, T alpha, Matrix a, Matrix b, T beta, Matrix out) {
    std::vector<T> rows((size_t)m * k), columns((size_t)n * k);
    for (int i = 0; i < m; i++)
        for (int l = 0; l < k; l++) rows[(size_t)i * k + l] = a.at<T>(i, l);
    for (int j = 0; j < n; j++)
        for (int l = 0; l < k; l++) columns[(size_t)j * k + l] = b.at<T>(l, j);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            const T *x = &rows[(size_t)i * k], *y = &columns[(size_t)j * k];
            T sum = 0;
            for (int l = 0; l < k; l++) sum += x[l] * y[l];
            put(out.start, out.type, out.place(i, j), alpha * sum + (beta != T(0) ? beta * out.at<T>(i, j) : T(0)));
        }
}

template <class T>
static Status product(Handle* handle, int m, int n, int k, T alpha, Matrix a, Matrix b, T beta, Matrix out) {
    if (a.leading < std::max(1, a.operation ? k : m) || b.leading < std::max(1, b.operation ? n : k) ||
        out.leading < std::max(1, m))
        return refuse(INVALID_VALUE, "a leading dimension is too small");
    for (auto& matrix : {a, b, out})
        if (!fakegpu_is_device(matrix.start, size_of(matrix.type)))
            return refuse(INTERNAL_ERROR, "a matrix is not on the device");
    return (Status)ask(handle->stream, [=] { multiply<T>(m, n, k, alpha, a, b, beta, out); });
}

PLAYED Status cublasGemmEx(
    Handle* handle, int transpose_a, int transpose_b, int m, int n, int k,
    const void* alpha, const void* a, cudaDataType type_a, int leading_a, const void* b, cudaDataType type_b,
    int leading_b, const void* beta, void* out, cudaDataType type_out, int leading_out, int compute,
    int) {
    bool wide = compute == COMPUTE_64F;
    bool narrow = compute == COMPUTE_32F || compute == COMPUTE_32F_FAST_TF32;
    if (!(wide || narrow) || wide != (type_out == CUDA_R_64F || type_out == CUDA_C_64F))
        return refuse(NOT_SUPPORTED, "this type to compute in is not played");
    Matrix first{(void*)a, type_a, leading_a, transpose_a}, second{(void*)b, type_b, leading_b, transpose_b};
    Matrix result{out, type_out, leading_out};
    if (is_complex(type_out)) {
        Complex factor, kept;
        get(alpha, wide ? CUDA_C_64F : CUDA_C_32F, 0, factor);
        get(beta, wide ? CUDA_C_64F : CUDA_C_32F, 0, kept);
        return product(handle, m, n, k, factor, first, second, kept, result);
    }
    double factor = wide ? *(double*)alpha : *(float*)alpha, kept = wide ? *(double*)beta : *(float*)beta;
    return product(handle, m, n, k, factor, first, second, kept, result);
}

PLAYED Status cublasGemmStridedBatchedEx(
    Handle* handle, int transpose_a, int transpose_b, int m, int n, int k,
    const void* alpha, const void* a, cudaDataType type_a, int leading_a, long long stride_a, const void* b,
    cudaDataType type_b, int leading_b, long long stride_b, const void* beta, void* out, cudaDataType type_out,
    int leading_out, long long stride_out, int count, int compute, int algorithm) {
    for (int i = 0; i < count; i++) {
        auto status = cublasGemmEx(
            handle, transpose_a, transpose_b, m, n, k, alpha, (char*)a + i * stride_a * size_of(type_a), type_a,
            leading_a, (char*)b + i * stride_b * size_of(type_b), type_b, leading_b, beta,
            (char*)out + i * stride_out * size_of(type_out), type_out, leading_out, compute, algorithm);
        if (status) return status;
    }
    return SUCCESS;
}

// out = alpha a + beta b; what has the factor 0 is not read
template <class T>
static Status add(
    Handle* handle, int transpose_a, int transpose_b, int m, int n, const T* alpha,
    const T* a, int leading_a, const T* beta, const T* b, int leading_b, T* out, int leading_out) {
    T x = *alpha, y = *beta;
    bool rows_a = transpose_a != 0, rows_b = transpose_b != 0;
    return (Status)ask(handle->stream, [=] {
        for (size_t j = 0; j < (size_t)n; j++)
            for (size_t i = 0; i < (size_t)m; i++) {
                T left = x ? x * a[rows_a ? i * leading_a + j : j * leading_a + i] : 0;
                T right = y ? y * b[rows_b ? i * leading_b + j : j * leading_b + i] : 0;
                out[j * leading_out + i] = left + right;
            }
    });
}

// The addresses of the matrices lie on the device: they are read when the work is done.
template <class T>
static Status products(
    Handle* handle, cudaDataType type, int transpose_a, int transpose_b, int m,
    int n, int k, const T* alpha, const T* const a[], int leading_a, const T* const b[], int leading_b, const T* beta,
    T* const out[], int leading_out, int count) {
    double x = *alpha, y = *beta;
    return (Status)ask(handle->stream, [=] {
        for (int i = 0; i < count; i++)
            multiply<double>(
                m, n, k, x, {(void*)a[i], type, leading_a, transpose_a},
                {(void*)b[i], type, leading_b, transpose_b}, y, {out[i], type, leading_out});
    });
}

#define FOR_TYPE(letter, T, type) \
    PLAYED Status cublas##letter##gemm_v2( \
        Handle* handle, int ta, int tb, int m, int n, int k, const T* alpha, \
        const T* a, int lda, const T* b, int ldb, const T* beta, T* out, int ldc) { \
        return product<double>( \
            handle, m, n, k, *alpha, {(void*)a, type, lda, ta}, {(void*)b, type, ldb, tb}, *beta, {out, type, ldc}); \
    } \
    PLAYED Status cublas##letter##gemmBatched( \
        Handle* handle, int ta, int tb, int m, int n, int k, const T* alpha, \
        const T* const a[], int lda, const T* const b[], int ldb, const T* beta, T* const out[], int ldc, \
        int count) { \
        return products(handle, type, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, out, ldc, count); \
    } \
    PLAYED Status cublas##letter##geam( \
        Handle* handle, int ta, int tb, int m, int n, const T* alpha, const T* a, \
        int lda, const T* beta, const T* b, int ldb, T* out, int ldc) { \
        return add(handle, ta, tb, m, n, alpha, a, lda, beta, b, ldb, out, ldc); \
    }
FOR_TYPE(S, float, CUDA_R_32F)
FOR_TYPE(D, double, CUDA_R_64F)
#undef FOR_TYPE

// Of many matrices, whose addresses lie on the device. The numbers of rows are those of one after the other.
template <class T>
static Status getrf(Handle* handle, int n, T* const a[], int lda, int* pivots, int* info, int count) {
    if (!pivots) return refuse(NOT_SUPPORTED, "factors without an exchange of rows are not played");
    if (lda < std::max(1, n)) return refuse(INVALID_VALUE, "a leading dimension is too small");
    return (Status)ask(handle->stream, [=] {
        for (int i = 0; i < count; i++) info[i] = factor<T>(n, n, a[i], lda, pivots + i * n);
    });
}

// Whether something is wrong with an argument is known at once, and told to the host.
template <class T>
static Status getrs(
    Handle* handle, int operation, int n, int columns, const T* const a[], int lda, const int* pivots, T* const b[],
    int ldb, int* info, int count) {
    *info = lda < std::max(1, n) ? -5 : ldb < std::max(1, n) ? -8 : 0;
    if (*info) return refuse(INVALID_VALUE, "a leading dimension is too small");
    return (Status)ask(handle->stream, [=] {
        for (int i = 0; i < count; i++) solve<T>(operation, n, columns, a[i], lda, pivots + i * n, b[i], ldb);
    });
}

// Inverses, in memory of their own; the info is the number of the first pivot that is 0.
template <class T>
static Status getri(
    Handle* handle, int n, const T* const a[], int lda, const int* pivots, T* const out[], int leading_out, int* info,
    int count) {
    if (std::min(lda, leading_out) < std::max(1, n)) return refuse(INVALID_VALUE, "a leading dimension is too small");
    return (Status)ask(handle->stream, [=] {
        for (int i = 0; i < count; i++) {
            info[i] = 0;
            for (int k = n; k--;)
                if (a[i][k * (lda + 1)] == T(0)) info[i] = k + 1;
            for (int column = 0; column < n; column++)
                for (int row = 0; row < n; row++) out[i][column * leading_out + row] = T(row == column);
            solve<T>(AS_IT_IS, n, n, a[i], lda, pivots + i * n, out[i], leading_out);
        }
    });
}

#define FOR_TYPE(letter, T) \
    PLAYED Status cublas##letter##getrfBatched( \
        Handle* handle, int n, T* const a[], int lda, int* pivots, int* info, int count) { \
        return getrf(handle, n, a, lda, pivots, info, count); \
    } \
    PLAYED Status cublas##letter##getrsBatched( \
        Handle* handle, int operation, int n, int columns, const T* const a[], int lda, const int* pivots, \
        T* const b[], int ldb, int* info, int count) { \
        return getrs(handle, operation, n, columns, a, lda, pivots, b, ldb, info, count); \
    } \
    PLAYED Status cublas##letter##getriBatched( \
        Handle* handle, int n, const T* const a[], int lda, const int* pivots, T* const out[], int leading_out, \
        int* info, int count) { \
        return getri(handle, n, a, lda, pivots, out, leading_out, info, count); \
    }
FOR_TYPE(S, float)
FOR_TYPE(D, double)
FOR_TYPE(C, std::complex<float>)
FOR_TYPE(Z, std::complex<double>)
