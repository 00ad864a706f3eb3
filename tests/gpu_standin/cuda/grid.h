// A kernel's grid: its threads run in turn, and these say which one it is.
#pragma once
#include <cstddef>

namespace standin {
struct Index {
    unsigned x, y, z;
};

// What a kernel's library holds: how large its arguments are, and the call of one thread.
struct Kernel {
    size_t count;
    const size_t* sizes;
    void (*call)(void** arguments);
    bool has_barriers;
};

// Calls the kernel for each thread; with barriers each runs to its next barrier, then the next one does.
void run_grid(const Kernel& kernel, void** arguments, Index grid, Index block);

void wait_for_block();

// The shared memory whose size is said at a launch: of one block, for one runs at a time.
const size_t SHARED = 48 << 10;
extern char shared[SHARED];
}  // namespace standin

extern standin::Index threadIdx, blockIdx, blockDim, gridDim;
