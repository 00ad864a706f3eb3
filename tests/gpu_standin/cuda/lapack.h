// LAPACK of the host: what NumPy's wheel brings, whose integers have 64 bits. Matrices lie in columns, as on CUDA.
#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

using Integer = int64_t;

template <class T>
struct Number {
    using Real = T;
    static constexpr bool is_complex = false;
};
template <class T>
struct Number<std::complex<T>> {
    using Real = T;
    static constexpr bool is_complex = true;
};
template <class T>
using Real = typename Number<T>::Real;

template <class T>
struct Lapack;

// Fortran knows no prototypes: whatever a function takes, it takes by its address.
#define FOR_TYPE(T, s, q, ev) \
    extern "C" { \
    void scipy_##s##getrf_64_(...), scipy_##s##getrs_64_(...), scipy_##s##potrf_64_(...), scipy_##s##geqrf_64_(...); \
    void scipy_##s##q##_64_(...), scipy_##s##gesvd_64_(...), scipy_##s##ev##_64_(...), scipy_##s##geev_64_(...); \
    } \
    template <> \
    struct Lapack<T> { \
        static constexpr auto getrf = scipy_##s##getrf_64_, getrs = scipy_##s##getrs_64_; \
        static constexpr auto potrf = scipy_##s##potrf_64_, geqrf = scipy_##s##geqrf_64_; \
        static constexpr auto orgqr = scipy_##s##q##_64_, gesvd = scipy_##s##gesvd_64_; \
        static constexpr auto syev = scipy_##s##ev##_64_, geev = scipy_##s##geev_64_; \
    };
FOR_TYPE(float, s, orgqr, syev)
FOR_TYPE(double, d, orgqr, syev)
FOR_TYPE(std::complex<float>, c, ungqr, heev)
FOR_TYPE(std::complex<double>, z, ungqr, heev)
#undef FOR_TYPE

inline const Integer* address(const Integer& number) { return &number; }
inline const char* address(const char& letter) { return &letter; }
template <class T>
T* address(T* array) {
    return array;
}

// LAPACK's ``info``, which is its last argument but for the lengths of its letters.
template <class... Arguments>
Integer call(void (*function)(...), Arguments... arguments) {
    Integer info = 0;
    function(address(arguments)..., &info, (size_t)1, (size_t)1);
    return info;
}

// The same, with memory to work in before ``info``: enough for all functions here.
template <class T, class... Arguments>
Integer call_with_room(void (*function)(...), Integer m, Integer n, Arguments... arguments) {
    std::vector<T> room(64 * (m + n) + 1);
    return call(function, arguments..., room.data(), (Integer)room.size());
}

// The same, where complex numbers want memory for real ones, too.
template <class T, class... Arguments>
Integer call_with_rooms(void (*function)(...), Integer m, Integer n, Arguments... arguments) {
    std::vector<T> room(64 * (m + n) + 1);
    std::vector<Real<T>> reals(room.size());
    if constexpr (Number<T>::is_complex)
        return call(function, arguments..., room.data(), (Integer)room.size(), reals.data());
    else
        return call(function, arguments..., room.data(), (Integer)room.size());
}

// P A = L U, in place; the numbers of the rows that were exchanged count from 1.
template <class T>
Integer factor(Integer m, Integer n, T* a, Integer lda, int* pivots) {
    std::vector<Integer> wide(std::min(m, n));
    Integer info = call(Lapack<T>::getrf, m, n, a, lda, wide.data());
    std::copy(wide.begin(), wide.end(), pivots);
    return info;
}

// The solution of op(A) X = B from A's factors, in the place of B; infinite or NaN where a pivot is 0.
template <class T>
Integer solve(int operation, Integer n, Integer count, const T* a, Integer lda, const int* pivots, T* b, Integer ldb) {
    std::vector<Integer> wide(pivots, pivots + n);
    return call(Lapack<T>::getrs, "NTC"[operation], n, count, a, lda, wide.data(), b, ldb);
}

// A = L Lᴴ, or Uᴴ U; the other triangle is not looked at.
template <class T>
Integer cholesky(char triangle, Integer n, T* a, Integer lda) {
    return call(Lapack<T>::potrf, triangle, n, a, lda);
}

// A = Q R: R above, and below what Q is made of.
template <class T>
Integer qr(Integer m, Integer n, T* a, Integer lda, T* tau) {
    return call_with_room<T>(Lapack<T>::geqrf, m, n, m, n, a, lda, tau);
}

// The first n columns of Q, of k of them.
template <class T>
Integer q_of_qr(Integer m, Integer n, Integer k, T* a, Integer lda, const T* tau) {
    return call_with_room<T>(Lapack<T>::orgqr, m, n, m, n, k, a, lda, tau);
}

// A = U S Vᴴ; the letters say what of U and Vᴴ is wanted: all, some, none, or some in the place of A.
template <class T>
Integer svd(
    char want_u, char want_v, Integer m, Integer n, T* a, Integer lda, Real<T>* s, T* u, Integer ldu, T* vh,
    Integer ldvh) {
    return call_with_rooms<T>(Lapack<T>::gesvd, m, n, want_u, want_v, m, n, a, lda, s, u, ldu, vh, ldvh);
}

// A = V W Vᴴ from one of its triangles, V in the place of A where it is wanted.
template <class T>
Integer eigh(char want_v, char triangle, Integer n, T* a, Integer lda, Real<T>* w) {
    return call_with_rooms<T>(Lapack<T>::syev, n, n, want_v, triangle, n, a, lda, w);
}

// A V = V W. Of real numbers V has for a conjugate pair the real part, then the imaginary one.
template <class T>
Integer eig(char want_v, Integer n, T* a, Integer lda, std::complex<Real<T>>* w, T* v, Integer ldv) {
    T* none = nullptr;
    Integer one = 1;
    if constexpr (Number<T>::is_complex) {
        return call_with_rooms<T>(Lapack<T>::geev, n, n, 'N', want_v, n, a, lda, w, none, one, v, ldv);
    } else {
        std::vector<T> real(n, NAN), imaginary(n, NAN);  // as they stay where A is not finite
        Integer info = call_with_rooms<T>(
            Lapack<T>::geev, n, n, 'N', want_v, n, a, lda, real.data(), imaginary.data(), none, one, v, ldv);
        for (Integer i = 0; i < n; i++) w[i] = {real[i], imaginary[i]};
        return info;
    }
}
