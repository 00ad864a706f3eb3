// A kernel's grid: its threads run in turn, and these say which one it is.
#pragma once

namespace standin {
struct Index {
    unsigned x, y, z;
};

// Calls ``thread(kernel)`` for each thread; with barriers each runs to its next barrier, then the next one does.
void run_grid(void (*thread)(void* kernel), void* kernel, Index grid, Index block, bool has_barriers);

void wait_for_block();
}  // namespace standin

extern standin::Index threadIdx, blockIdx, blockDim, gridDim;
