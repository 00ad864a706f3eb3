// A function that CuPy asks for and that is not played: it says its name and fails.
#include <cstdio>

static const int NOT_SUPPORTED = 801;  // of CUDA's errors; what is not 0 is an error of cuBLAS and cuRAND, too

#define NOT_PLAYED(name) \
    extern "C" int name() { \
        fprintf(stderr, "[gpu] not played: " #name "\n"); \
        return NOT_SUPPORTED; \
    }
