// cuSOLVER: what CuPy's linalg asks for, by the LAPACK of the host. A positive ``info`` means what it means there.
#include "lapack.h"
#include "library.h"

#include <library_types.h>

#include <cstring>

// As of cuBLAS: the header is not at hand, these are its numbers.
enum Status { SUCCESS = 0, INVALID_VALUE = 3, EXECUTION_FAILED = 6, INTERNAL_ERROR = 7, NOT_SUPPORTED = 9 };
static const int VERSION[] = {12, 0, 0};
static const int LARGEST_OF_A_STACK = 32;  // whose singular values are found by Jacobi's method
static const Integer ON_THE_HOST = 16;  // bytes to work in, of which nothing is known but that they are wanted

struct Handle {
    void* stream = nullptr;
};

static Status refuse(Status status, const char* why) {
    fprintf(stderr, "[solver] %s\n", why);
    return status;
}

static double conjugate(double x) { return x; }
template <class T>
static std::complex<T> conjugate(std::complex<T> x) {
    return std::conj(x);
}

PLAYED_HANDLE(cusolverDnCreate, cusolverDnDestroy, cusolverDnGetStream)

PLAYED Status cusolverDnSetStream(Handle* handle, void* stream) {
    handle->stream = stream;
    return SUCCESS;
}

PLAYED Status cusolverGetProperty(int which, int* value) {
    *value = VERSION[which];
    return SUCCESS;
}

// Settings, of which the usual ones are played.
#define SETTINGS(name) \
    PLAYED Status cusolverDnCreate##name(void** made) { \
        *made = new char; \
        return SUCCESS; \
    } \
    PLAYED Status cusolverDnDestroy##name(void* made) { \
        delete (char*)made; \
        return SUCCESS; \
    }
SETTINGS(Params)
SETTINGS(GesvdjInfo)
SETTINGS(SyevjInfo)

// Memory that a function reads or writes: numbers end to end, or columns that are ``leading`` apart.
struct Memory {
    void* start = nullptr;
    size_t size = 0;

    Memory() = default;
    template <class T>
    Memory(T* start, Integer count = 1) : start((void*)start), size(count * sizeof(T)) {}
    template <class T>
    Memory(T* start, Integer rows, Integer columns, Integer leading)
        : Memory(start, rows && columns ? (columns - 1) * leading + rows : 0) {}
    bool is_on_device() const { return fakegpu_is_device(start, size); }
};

static Integer room_for(Integer m, Integer n) { return 16 + m + n; }

static Status tell(int* size, int m, int n) {
    *size = (int)room_for(m, n);
    return SUCCESS;
}

// Memory to work in is written over: whoever else takes it for his own gets to see NaN.
template <class Work>
static Status queue(Handle* handle, bool fits, std::initializer_list<Memory> used, Memory room, Work work) {
    if (!fits) return refuse(INVALID_VALUE, "a size, a leading dimension or the memory to work in is too small");
    for (auto& memory : used)
        if (!memory.is_on_device()) return refuse(INTERNAL_ERROR, "what it reads or writes is not on the device");
    if (!room.is_on_device()) return refuse(INTERNAL_ERROR, "what it works in is not on the device");
    int error = ask(handle->stream, [=] {
        if (room.size) memset(room.start, 0xFF, room.size);
        work();
    });
    return error ? EXECUTION_FAILED : SUCCESS;
}

static char triangle(int fill) { return "LU"[fill]; }

template <class T>
static Status potrf(Handle* handle, int fill, int n, T* a, int lda, T* room, int size, int* info) {
    bool fits = lda >= std::max(1, n) && size >= room_for(n, n);
    return queue(handle, fits, {{a, n, n, lda}, info}, {room, size}, [=] {
        *info = cholesky<T>(triangle(fill), n, a, lda);
    });
}

// The addresses of the matrices lie on the device: they are read when the work is done.
template <class T>
static Status potrf_of_many(Handle* handle, int fill, int n, T* const a[], int lda, int* info, int count) {
    return queue(handle, lda >= std::max(1, n), {{a, count}, {info, count}}, {}, [=] {
        for (int i = 0; i < count; i++) info[i] = cholesky<T>(triangle(fill), n, a[i], lda);
    });
}

template <class T>
static Status getrf(Handle* handle, int m, int n, T* a, int lda, T* room, int* pivots, int* info) {
    std::initializer_list<Memory> used{{a, m, n, lda}, {pivots, std::min(m, n)}, info};
    return queue(handle, lda >= std::max(1, m), used, {room, room_for(m, n)}, [=] {
        *info = factor<T>(m, n, a, lda, pivots);
    });
}

template <class T>
static Status getrs(
    Handle* handle, int operation, int n, int count, const T* a, int lda, const int* pivots, T* b, int ldb, int* info) {
    bool fits = std::min(lda, ldb) >= std::max(1, n);
    return queue(handle, fits, {{a, n, n, lda}, {pivots, n}, {b, n, count, ldb}, info}, {}, [=] {
        *info = solve<T>(operation, n, count, a, lda, pivots, b, ldb);
    });
}

template <class T>
static Status geqrf(Handle* handle, int m, int n, T* a, int lda, T* tau, T* room, int size, int* info) {
    bool fits = lda >= std::max(1, m) && size >= room_for(m, n);
    return queue(handle, fits, {{a, m, n, lda}, {tau, std::min(m, n)}, info}, {room, size}, [=] {
        *info = qr<T>(m, n, a, lda, tau);
    });
}

template <class T>
static Status orgqr(Handle* handle, int m, int n, int k, T* a, int lda, const T* tau, T* room, int size, int* info) {
    bool fits = m >= n && n >= k && lda >= std::max(1, m) && size >= room_for(m, n);
    return queue(handle, fits, {{a, m, n, lda}, {tau, k}, info}, {room, size}, [=] {
        *info = q_of_qr<T>(m, n, k, a, lda, tau);
    });
}

// As in cuSOLVER, no matrix is wider than high. What is not wanted of U and Vᴴ may have any address.
template <class T>
static Status gesvd(
    Handle* handle, char want_u, char want_v, int m, int n, T* a, int lda, Real<T>* s, T* u, int ldu, T* vh, int ldvh,
    T* room, int size, int* info) {
    if (m < n) return refuse(INVALID_VALUE, "a matrix that is wider than high");
    bool gives_u = want_u == 'A' || want_u == 'S', gives_v = want_v == 'A' || want_v == 'S';
    bool fits = lda >= std::max(1, m) && ldu >= (gives_u ? m : 1) && ldvh >= (gives_v ? n : 1);
    Memory all_u = gives_u ? Memory(u, m, want_u == 'A' ? m : n, ldu) : Memory();
    Memory all_v = gives_v ? Memory(vh, n, n, ldvh) : Memory();
    std::initializer_list<Memory> used{{a, m, n, lda}, {s, n}, all_u, all_v, info};
    return queue(handle, fits && size >= room_for(m, n), used, {room, size}, [=] {
        *info = svd<T>(want_u, want_v, m, n, a, lda, s, u, ldu, vh, ldvh);
    });
}

// Of many small matrices, one after the other; it gives all of U and of V, not Vᴴ.
template <class T>
static Status gesvdj_of_many(
    Handle* handle, int vectors, int m, int n, T* a, int lda, Real<T>* s, T* u, int ldu, T* v, int ldv, T* room,
    int size, int* info, int count) {
    if (std::max(m, n) > LARGEST_OF_A_STACK) return refuse(INVALID_VALUE, "these matrices are too large for it");
    bool fits = lda >= m && ldu >= m && ldv >= n && size >= room_for(m, n);
    Integer step = (Integer)lda * n, step_u = (Integer)ldu * m, step_v = (Integer)ldv * n, k = std::min(m, n);
    std::initializer_list<Memory> used{
        {a, count * step}, {s, count * k}, {u, vectors * count * step_u}, {v, vectors * count * step_v}, {info, count}};
    return queue(handle, fits, used, {room, size}, [=] {
        std::vector<T> vh(n * n);
        char want = "NA"[vectors];
        for (int i = 0; i < count; i++) {
            info[i] = svd<T>(want, want, m, n, a + i * step, lda, s + i * k, u + i * step_u, ldu, vh.data(), n);
            for (int row = 0; vectors && row < n; row++)
                for (int column = 0; column < n; column++)
                    v[i * step_v + row * ldv + column] = conjugate(vh[column * n + row]);
        }
    });
}

// Of a vector any phase will do: another one than LAPACK's, so that nobody counts on it.
template <class T>
static T another_phase() {
    if constexpr (Number<T>::is_complex)
        return T(0.6, 0.8);
    else
        return -1;
}

template <class T>
static Integer eigenvectors(int vectors, int fill, Integer n, T* a, Integer lda, Real<T>* w) {
    Integer info = eigh<T>("NV"[vectors], triangle(fill), n, a, lda, w);
    for (Integer i = 0; vectors && i < n * n; i++) a[i / n * lda + i % n] *= another_phase<T>();
    return info;
}

template <class T>
static Status syevj_of_many(
    Handle* handle, int vectors, int fill, int n, T* a, int lda, Real<T>* w, T* room, int size, int* info, int count) {
    bool fits = lda >= std::max(1, n) && size >= room_for(n, n);
    Integer step = (Integer)lda * n;
    return queue(handle, fits, {{a, count * step}, {w, (Integer)count * n}, {info, count}}, {room, size}, [=] {
        for (int i = 0; i < count; i++)
            info[i] = eigenvectors<T>(vectors, fill, n, a + i * step, lda, w + i * n);
    });
}

#define FOR_TYPE(L, T, q, ev) \
    PLAYED Status cusolverDn##L##potrf_bufferSize(Handle*, int, int n, T*, int, int* size) { \
        return tell(size, n, n); \
    } \
    PLAYED Status cusolverDn##L##potrf( \
        Handle* handle, int fill, int n, T* a, int lda, T* room, int size, int* info) { \
        return potrf(handle, fill, n, a, lda, room, size, info); \
    } \
    PLAYED Status cusolverDn##L##potrfBatched( \
        Handle* handle, int fill, int n, T* const a[], int lda, int* info, int count) { \
        return potrf_of_many(handle, fill, n, a, lda, info, count); \
    } \
    PLAYED Status cusolverDn##L##getrf_bufferSize(Handle*, int m, int n, T*, int, int* size) { \
        return tell(size, m, n); \
    } \
    PLAYED Status cusolverDn##L##getrf( \
        Handle* handle, int m, int n, T* a, int lda, T* room, int* pivots, int* info) { \
        return getrf(handle, m, n, a, lda, room, pivots, info); \
    } \
    PLAYED Status cusolverDn##L##getrs( \
        Handle* handle, int operation, int n, int count, const T* a, int lda, const int* pivots, T* b, int ldb, \
        int* info) { \
        return getrs(handle, operation, n, count, a, lda, pivots, b, ldb, info); \
    } \
    PLAYED Status cusolverDn##L##geqrf_bufferSize(Handle*, int m, int n, T*, int, int* size) { \
        return tell(size, m, n); \
    } \
    PLAYED Status cusolverDn##L##geqrf( \
        Handle* handle, int m, int n, T* a, int lda, T* tau, T* room, int size, int* info) { \
        return geqrf(handle, m, n, a, lda, tau, room, size, info); \
    } \
    PLAYED Status cusolverDn##L##q##_bufferSize( \
        Handle*, int m, int n, int, const T*, int, const T*, int* size) { \
        return tell(size, m, n); \
    } \
    PLAYED Status cusolverDn##L##q( \
        Handle* handle, int m, int n, int k, T* a, int lda, const T* tau, T* room, int size, int* info) { \
        return orgqr(handle, m, n, k, a, lda, tau, room, size, info); \
    } \
    PLAYED Status cusolverDn##L##gesvd_bufferSize(Handle*, int m, int n, int* size) { return tell(size, m, n); } \
    PLAYED Status cusolverDn##L##gesvd( \
        Handle* handle, signed char want_u, signed char want_v, int m, int n, T* a, int lda, Real<T>* s, T* u, \
        int ldu, T* vh, int ldvh, T* room, int size, Real<T>*, int* info) { \
        return gesvd(handle, want_u, want_v, m, n, a, lda, s, u, ldu, vh, ldvh, room, size, info); \
    } \
    PLAYED Status cusolverDn##L##gesvdjBatched_bufferSize( \
        Handle*, int, int m, int n, const T*, int, const Real<T>*, const T*, int, const T*, int, int* size, void*, \
        int) { \
        return tell(size, m, n); \
    } \
    PLAYED Status cusolverDn##L##gesvdjBatched( \
        Handle* handle, int vectors, int m, int n, T* a, int lda, Real<T>* s, T* u, int ldu, T* v, int ldv, T* room, \
        int size, int* info, void*, int count) { \
        return gesvdj_of_many(handle, vectors, m, n, a, lda, s, u, ldu, v, ldv, room, size, info, count); \
    } \
    PLAYED Status cusolverDn##L##ev##Batched_bufferSize( \
        Handle*, int, int, int n, const T*, int, const Real<T>*, int* size, void*, int) { \
        return tell(size, n, n); \
    } \
    PLAYED Status cusolverDn##L##ev##Batched( \
        Handle* handle, int vectors, int fill, int n, T* a, int lda, Real<T>* w, T* room, int size, int* info, void*, \
        int count) { \
        return syevj_of_many(handle, vectors, fill, n, a, lda, w, room, size, info, count); \
    }
FOR_TYPE(S, float, orgqr, syevj)
FOR_TYPE(D, double, orgqr, syevj)
FOR_TYPE(C, std::complex<float>, ungqr, heevj)
FOR_TYPE(Z, std::complex<double>, ungqr, heevj)

// The newer functions are told the type by a number, and want bytes to work in on the host, too.
template <class Work>
static Status for_type(cudaDataType type, Work work) {
    switch (type) {
        case CUDA_R_32F: return work(float());
        case CUDA_R_64F: return work(double());
        case CUDA_C_32F: return work(std::complex<float>());
        case CUDA_C_64F: return work(std::complex<double>());
        default: return refuse(NOT_SUPPORTED, "a type that is not played");
    }
}

static Status tell(Integer* size, Integer* on_host, Integer n) {
    *size = room_for(n, n);
    *on_host = ON_THE_HOST;
    return SUCCESS;
}

PLAYED Status cusolverDnXsyevd_bufferSize(
    Handle*, void*, int, int, Integer n, cudaDataType, const void*, Integer, cudaDataType, const void*, cudaDataType,
    Integer* size, Integer* on_host) {
    return tell(size, on_host, n);
}

PLAYED Status cusolverDnXsyevd(
    Handle* handle, void*, int vectors, int fill, Integer n, cudaDataType type, void* start, Integer lda, cudaDataType,
    void* values, cudaDataType, void* room, Integer size, void*, Integer on_host, int* info) {
    return for_type(type, [=](auto number) {
        using T = decltype(number);
        auto* a = (T*)start;
        auto* w = (Real<T>*)values;
        bool fits = lda >= std::max<Integer>(1, n) && size >= room_for(n, n) && on_host >= ON_THE_HOST;
        return queue(handle, fits, {{a, n, n, lda}, {w, n}, info}, {(char*)room, size}, [=] {
            *info = eigenvectors<T>(vectors, fill, n, a, lda, w);
        });
    });
}

PLAYED Status cusolverDnXgeev_bufferSize(
    Handle*, void*, int, int, Integer n, cudaDataType, const void*, Integer, cudaDataType, const void*, cudaDataType,
    const void*, Integer, cudaDataType, const void*, Integer, cudaDataType, Integer* size, Integer* on_host) {
    return tell(size, on_host, n);
}

// CuPy wants the values as complex numbers, and the vectors, if at all, those on the right in the type of the matrix.
PLAYED Status cusolverDnXgeev(
    Handle* handle, void*, int left, int vectors, Integer n, cudaDataType type, void* start, Integer lda, cudaDataType,
    void* values, cudaDataType, void*, Integer, cudaDataType type_v, void* right, Integer ldv, cudaDataType, void* room,
    Integer size, void*, Integer on_host, int* info) {
    if (left || type_v != type) return refuse(NOT_SUPPORTED, "these eigenvectors are not played");
    return for_type(type, [=](auto number) {
        using T = decltype(number);
        auto *a = (T*)start, *v = (T*)right;
        auto* w = (std::complex<Real<T>>*)values;
        bool fits = std::min(lda, ldv) >= std::max<Integer>(1, n) && size >= room_for(n, n) && on_host >= ON_THE_HOST;
        Memory all_v = vectors ? Memory(v, n, n, ldv) : Memory();
        return queue(handle, fits, {{a, n, n, lda}, {w, n}, all_v, info}, {(char*)room, size}, [=] {
            *info = eig<T>("NV"[vectors], n, a, lda, w, v, ldv);
        });
    });
}
